"""The database: a connection per engine, the lock, the whole file. It knows no table of the project."""
