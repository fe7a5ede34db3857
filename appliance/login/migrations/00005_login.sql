-- +goose Up
CREATE TABLE password (
	person TEXT PRIMARY KEY,
	hash TEXT NOT NULL,
	changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	-- SHA-256 of the token: who reads the table cannot sign in with it.
	token BLOB NOT NULL UNIQUE,
	created INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	address TEXT NOT NULL,
	agent TEXT NOT NULL
) STRICT;

CREATE INDEX session_owner ON session (owner, created);

CREATE INDEX session_expires ON session (expires);

-- Where each person has signed in from before: an attack from elsewhere does not
-- keep the person out there.
CREATE TABLE known_address (
	person TEXT NOT NULL,
	address TEXT NOT NULL,
	seen INTEGER NOT NULL,
	PRIMARY KEY (person, address)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE known_address;

DROP TABLE session;

DROP TABLE password;
