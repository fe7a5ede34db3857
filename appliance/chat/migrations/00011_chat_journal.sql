-- +goose Up
-- What living runs say, until they end and it stands in run_event: one row for all
-- that was said since the last one, so that a hundred runs that write at once
-- cost one page of the database and not a hundred. A row serves many people of a
-- workspace, therefore its owner is the system.
CREATE TABLE run_journal (
	number    INTEGER PRIMARY KEY,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	data      TEXT    NOT NULL -- lines: run, number of the first event, name, data, with a tab between them
) STRICT;

-- +goose Down
DROP TABLE run_journal;
