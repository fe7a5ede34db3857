-- +goose Up
-- Links to set a password with, one for a person at a time; SHA-256 of the token.
CREATE TABLE password_link (
	token BLOB PRIMARY KEY,
	person TEXT NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX password_link_person ON password_link (person);

-- +goose Down
DROP TABLE password_link;
