"""The database: its statements, its files, its transactions, its limits."""
