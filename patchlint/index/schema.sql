-- Facts of C files by blob: a file that is the same in two trees stands here once.
-- Rows of calls and uses are only ever added; their indexes on names are made when the
-- first tree is whole, since that is many times as fast as keeping them up from the start.

CREATE TABLE IF NOT EXISTS names (
    name TEXT PRIMARY KEY,
    id INTEGER NOT NULL
) WITHOUT ROWID;

-- definitions as lean.Lines packs them
CREATE TABLE IF NOT EXISTS blobs (
    id INTEGER PRIMARY KEY,
    oid BLOB NOT NULL UNIQUE,
    numbers BLOB NOT NULL,
    defined TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS definitions (
    name INTEGER NOT NULL,
    blob INTEGER NOT NULL
);

-- lines: twice the line, plus one for a call through a member; many of them as an array
CREATE TABLE IF NOT EXISTS calls (
    name INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    lines NOT NULL
);

CREATE TABLE IF NOT EXISTS uses (
    name INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    sites TEXT NOT NULL
);

-- key: a commit id, or "folder:" and a path; made: seconds since the epoch
CREATE TABLE IF NOT EXISTS trees (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    origin TEXT NOT NULL,
    made INTEGER NOT NULL,
    files INTEGER NOT NULL
);

-- size and changed (ns) are kept for folders alone, to see what has changed since
CREATE TABLE IF NOT EXISTS files (
    tree INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER,
    changed INTEGER,
    PRIMARY KEY (tree, blob, path)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS files_path ON files (tree, path);
