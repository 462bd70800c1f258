"""The SQLite engine: connections, transactions, statements, migrations."""
