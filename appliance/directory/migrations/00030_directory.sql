-- +goose Up
CREATE TABLE directory (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	name TEXT NOT NULL UNIQUE,
	enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	-- All that is needed to ask it but its password, as JSON.
	config TEXT NOT NULL,
	secret BLOB,
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	-- The last synchronisation that ended, how, and when one last went through everything.
	synced INTEGER NOT NULL DEFAULT 0,
	complete INTEGER NOT NULL DEFAULT 0,
	result TEXT NOT NULL DEFAULT ''
) STRICT;

-- Who of a directory has an account here, under the directory's own key, which a renamed entry keeps.
CREATE TABLE directory_person (
	directory TEXT NOT NULL REFERENCES directory (id) ON DELETE CASCADE,
	external_id TEXT NOT NULL,
	person TEXT NOT NULL,
	dn TEXT NOT NULL,
	-- Of all that was taken over; an entry with the same digest needs no writing.
	digest BLOB NOT NULL,
	-- Since when the entry is missing; 0 = it is there.
	missing INTEGER NOT NULL DEFAULT 0,
	-- Whether it was this directory that disabled the person.
	disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
	PRIMARY KEY (directory, external_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX directory_person_person ON directory_person (person);

-- +goose Down
DROP TABLE directory_person;

DROP TABLE directory;
