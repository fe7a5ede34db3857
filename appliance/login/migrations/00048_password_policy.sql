-- +goose Up
-- Hashes of passwords that were, so that none comes back.
CREATE TABLE password_past (
	person TEXT NOT NULL,
	changed INTEGER NOT NULL,
	hash TEXT NOT NULL,
	PRIMARY KEY (person, changed)
) STRICT, WITHOUT ROWID;

-- Somebody else knows the password, so its person has to set another first.
ALTER TABLE password ADD COLUMN must INTEGER NOT NULL DEFAULT 0;

ALTER TABLE session ADD COLUMN must INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE session DROP COLUMN must;

ALTER TABLE password DROP COLUMN must;

DROP TABLE password_past;
