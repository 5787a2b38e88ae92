"""The local SQLite store: nothing is sent before it is written here."""
