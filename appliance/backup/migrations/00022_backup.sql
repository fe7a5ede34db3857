-- +goose Up
-- Where the data is copied to.
CREATE TABLE backup_target (
	id        TEXT    PRIMARY KEY,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	fold      TEXT    NOT NULL UNIQUE, -- name in lower case
	url       TEXT    NOT NULL UNIQUE,
	secret    BLOB    NOT NULL, -- sealed, empty where none is needed
	ca        TEXT    NOT NULL,
	host_key  TEXT    NOT NULL,
	wait      INTEGER NOT NULL CHECK (wait IN (0, 1)),
	rate      INTEGER NOT NULL CHECK (rate >= 0), -- bytes a second, 0 = no limit
	take_over INTEGER NOT NULL CHECK (take_over IN (0, 1)),
	created   INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE backup_target;
