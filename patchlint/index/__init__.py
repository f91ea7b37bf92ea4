"""A whole tree's facts, on demand or from an SQLite index keyed by blob."""
