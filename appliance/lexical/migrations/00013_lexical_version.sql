-- +goose Up
-- Which version of splitting made the passage's terms: older ones are made anew
-- in small steps, from the words that are here, while they are found as before.
ALTER TABLE lexical_entry ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX lexical_entry_version ON lexical_entry (version);

-- +goose Down
DROP INDEX lexical_entry_version;
ALTER TABLE lexical_entry DROP COLUMN version;
