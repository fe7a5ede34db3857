-- +goose Up
-- Restores that were made to see whether they can be made.
CREATE TABLE backup_drill (
	id       TEXT    PRIMARY KEY,
	target   TEXT    NOT NULL, -- its id; it may be gone
	name     TEXT    NOT NULL, -- of the target then
	owner    TEXT    NOT NULL, -- who began it
	nightly  INTEGER NOT NULL CHECK (nightly IN (0, 1)),
	state    TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'passed', 'failed', 'cancelled')),
	started  INTEGER NOT NULL,
	ended    INTEGER NOT NULL, -- 0 while it is not over
	point    INTEGER NOT NULL, -- time of the restored state, 0 = none was
	lost     INTEGER NOT NULL, -- milliseconds of changes that were not in it
	bytes    INTEGER NOT NULL, -- of the restored database
	part     INTEGER NOT NULL, -- which thirtieth of the files was read
	files    INTEGER NOT NULL,
	files_bytes INTEGER NOT NULL,
	people   INTEGER NOT NULL, -- whose sign-in was read
	searched INTEGER NOT NULL CHECK (searched IN (0, 1)),
	why      TEXT    NOT NULL,
	cure     TEXT    NOT NULL
) STRICT;
CREATE INDEX backup_drill_target ON backup_drill (target, id);

-- +goose Down
DROP TABLE backup_drill;
