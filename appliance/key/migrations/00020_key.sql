-- +goose Up
-- The last keys.json that the database has seen: an older one in its place is noticed.
CREATE TABLE key_serial (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	serial  INTEGER NOT NULL,
	changed INTEGER NOT NULL
) STRICT;

-- What was asked to be made unreadable, and how far that is.
CREATE TABLE key_shred (
	id        TEXT NOT NULL PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who asked
	kind      TEXT NOT NULL CHECK (kind IN ('workspace', 'person')),
	subject   TEXT NOT NULL, -- id of what is shredded
	scopes    TEXT NOT NULL, -- JSON list: whose blob keys go
	asked     INTEGER NOT NULL,
	removed   INTEGER NOT NULL DEFAULT 0, -- when its rows and files were gone; 0 = not yet
	key       INTEGER NOT NULL DEFAULT 0, -- the last data key that its rows lay under
	ended     INTEGER NOT NULL DEFAULT 0  -- when that key was destroyed; 0 = not yet
) STRICT, WITHOUT ROWID;
CREATE INDEX key_shred_open ON key_shred (asked) WHERE ended = 0;

-- +goose Down
DROP TABLE key_shred;
DROP TABLE key_serial;
