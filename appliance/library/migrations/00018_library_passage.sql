-- +goose Up
-- 1 = not to be found: neither searched nor given to a model.
ALTER TABLE chunk ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX chunk_disabled ON chunk (document, number) WHERE disabled = 1;

-- The texts of a document that were switched off, by their hash: passages are made
-- anew whenever it is read again, and one with the same text stays off.
CREATE TABLE chunk_off (
	document  TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
	hash      BLOB NOT NULL, -- SHA-256 of the text
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who switched it off
	created   INTEGER NOT NULL,
	PRIMARY KEY (document, hash)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE chunk_off;
DROP INDEX chunk_disabled;
ALTER TABLE chunk DROP COLUMN disabled;
