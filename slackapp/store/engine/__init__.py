"""Engine of the database: SQLite connections, transactions, statements, files and migrations."""
