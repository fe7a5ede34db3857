-- +goose Up
-- Keys for programs of a person. SHA-256 of the key: who reads the table cannot call with it.
CREATE TABLE api_key (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	token BLOB NOT NULL UNIQUE,
	name TEXT NOT NULL,
	-- Names of scopes with a space between.
	scopes TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	used INTEGER NOT NULL DEFAULT 0,
	address TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX api_key_owner ON api_key (owner, created);

-- +goose Down
DROP TABLE api_key;
