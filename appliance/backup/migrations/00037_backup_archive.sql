-- +goose Up
-- Archives and sets that were made: nobody can reach them any more, and what is
-- shredded later is still in them.
CREATE TABLE backup_archive (
	id        TEXT    PRIMARY KEY,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	name      TEXT    NOT NULL, -- the file it was made as, or of a set the target's name
	kind      TEXT    NOT NULL CHECK (kind IN ('file', 'set')),
	target    TEXT    NOT NULL, -- id, of a set
	made      INTEGER NOT NULL,
	key       INTEGER NOT NULL, -- number of the data key that was current
	state     TEXT    NOT NULL CHECK (state IN ('begun', 'whole', 'broken', 'unknown')),
	ended     INTEGER NOT NULL DEFAULT 0,
	bytes     INTEGER NOT NULL DEFAULT 0,
	files     INTEGER NOT NULL DEFAULT 0,
	damaged   INTEGER NOT NULL DEFAULT 0, -- files that could not be read when it was made
	why       TEXT    NOT NULL DEFAULT '',
	cure      TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX backup_archive_made ON backup_archive (made);

-- +goose Down
DROP TABLE backup_archive;
