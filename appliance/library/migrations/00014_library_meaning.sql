-- +goose Up
ALTER TABLE document ADD COLUMN language TEXT NOT NULL DEFAULT ''; -- two letters, '' = not known
-- 1 = the encoder has seen its passages, or has nothing to say about their language.
ALTER TABLE document ADD COLUMN meaning INTEGER NOT NULL DEFAULT 0;
CREATE INDEX document_meaning ON document (id) WHERE meaning = 0 AND state = 'ready' AND deleted = 0;

-- +goose Down
DROP INDEX document_meaning;
ALTER TABLE document DROP COLUMN meaning;
ALTER TABLE document DROP COLUMN language;
