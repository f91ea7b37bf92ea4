CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
-- every mail that was read, packed, until it is old
CREATE TABLE IF NOT EXISTS mail (
    message_id TEXT PRIMARY KEY, thread TEXT NOT NULL, arrived REAL NOT NULL, data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS mail_thread ON mail (thread);
-- every id that a mail has or names, and the thread it is in
CREATE TABLE IF NOT EXISTS named (id TEXT PRIMARY KEY, thread TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS named_thread ON named (thread);
-- threads that have something nobody looked at yet
CREATE TABLE IF NOT EXISTS dirty (thread TEXT PRIMARY KEY);
-- sets of patches that were checked
CREATE TABLE IF NOT EXISTS checked (patches TEXT PRIMARY KEY, at REAL NOT NULL, outcome TEXT NOT NULL);
-- findings that were told to someone
CREATE TABLE IF NOT EXISTS told (
    fingerprint TEXT NOT NULL, author TEXT NOT NULL, PRIMARY KEY (fingerprint, author)
);
-- what a later version of a series is held against: findings that its author was told of
CREATE TABLE IF NOT EXISTS story (
    fingerprint TEXT NOT NULL, author TEXT NOT NULL, version INTEGER NOT NULL, titles TEXT NOT NULL,
    what TEXT NOT NULL, mended REAL, mark TEXT, PRIMARY KEY (fingerprint, author)
);
-- patches whose series had its mail
CREATE TABLE IF NOT EXISTS answered (message_id TEXT PRIMARY KEY);
-- state: new, drafted, sending, sent, unknown
CREATE TABLE IF NOT EXISTS draft (
    name TEXT PRIMARY KEY, made REAL NOT NULL, sent REAL, state TEXT NOT NULL, text TEXT NOT NULL
);
