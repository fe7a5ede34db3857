-- +goose Up
-- What each backup target has of the blobs. A row without a file says that the
-- file is gone here; its copy goes when no kept point needs it.
CREATE TABLE blob_copy (
	target    TEXT    NOT NULL, -- id
	workspace TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	state     TEXT    NOT NULL CHECK (state IN ('waiting', 'there', 'gone', 'back')), -- back: it was gone and waits again
	sum       TEXT    NOT NULL, -- SHA-256 of the sealed file in the target, '' before there is one
	size      INTEGER NOT NULL, -- of it
	changed   INTEGER NOT NULL, -- when it came to be in this state
	PRIMARY KEY (target, workspace, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_copy_open ON blob_copy (target, state, changed) WHERE state <> 'there';

-- +goose Down
DROP TABLE blob_copy;
