-- +goose Up
-- The states are named in a check, which only a new column can change.
DROP INDEX document_list;
DROP INDEX document_unfinished;
DROP INDEX document_meaning;
ALTER TABLE document ADD COLUMN stage TEXT NOT NULL DEFAULT 'waiting'
	CHECK (stage IN ('waiting', 'extracting', 'embedding', 'ready', 'failed', 'quarantined'));
UPDATE document SET stage = state;
ALTER TABLE document DROP COLUMN state;
ALTER TABLE document RENAME COLUMN stage TO state;
CREATE INDEX document_list ON document (knowledge, deleted, id, state, size);
CREATE INDEX document_unfinished ON document (state) WHERE state IN ('waiting', 'extracting', 'embedding');
CREATE INDEX document_meaning ON document (id) WHERE meaning = 0 AND state = 'ready' AND deleted = 0;
CREATE INDEX document_quarantine ON document (workspace, id) WHERE state = 'quarantined';

ALTER TABLE document ADD COLUMN code TEXT NOT NULL DEFAULT ''; -- of a failure, for programs
-- What the malware scanner said of the file; '' = it was not asked.
ALTER TABLE document ADD COLUMN verdict TEXT NOT NULL DEFAULT '' CHECK (verdict IN ('', 'clean', 'found', 'unjudged', 'released'));
ALTER TABLE document ADD COLUMN finding TEXT NOT NULL DEFAULT ''; -- the name of what was found
ALTER TABLE document ADD COLUMN password BLOB; -- of the file, sealed; NULL = none is known

-- +goose Down
DROP INDEX document_quarantine;
DROP INDEX document_list;
DROP INDEX document_unfinished;
DROP INDEX document_meaning;
ALTER TABLE document DROP COLUMN password;
ALTER TABLE document DROP COLUMN finding;
ALTER TABLE document DROP COLUMN verdict;
ALTER TABLE document DROP COLUMN code;
ALTER TABLE document ADD COLUMN stage TEXT NOT NULL DEFAULT 'waiting'
	CHECK (stage IN ('waiting', 'extracting', 'embedding', 'ready', 'failed'));
-- An older program knows no quarantine; a failed document is not read either, though its file can be downloaded.
UPDATE document SET stage = iif(state = 'quarantined', 'failed', state);
ALTER TABLE document DROP COLUMN state;
ALTER TABLE document RENAME COLUMN stage TO state;
CREATE INDEX document_list ON document (knowledge, deleted, id, state, size);
CREATE INDEX document_unfinished ON document (state) WHERE state IN ('waiting', 'extracting', 'embedding');
CREATE INDEX document_meaning ON document (id) WHERE meaning = 0 AND state = 'ready' AND deleted = 0;
