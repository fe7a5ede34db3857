-- +goose Up
-- By what the passages of a base are compared, and what is being built beside
-- it. No row means the built-in encoder and nothing to do.
CREATE TABLE knowledge_index (
	knowledge        TEXT NOT NULL PRIMARY KEY REFERENCES knowledge (id) ON DELETE CASCADE,
	workspace        TEXT NOT NULL,
	owner            TEXT NOT NULL, -- who changed it last
	model            TEXT NOT NULL DEFAULT '', -- that answers; '' = the built-in encoder
	digest           TEXT NOT NULL DEFAULT '', -- of the model, where its server tells
	dimension        INTEGER NOT NULL DEFAULT 0, -- 0 = not known before the first vector
	floor            REAL NOT NULL DEFAULT 0, -- cosine from which on a passage is near
	build            TEXT NOT NULL DEFAULT '' CHECK (build IN ('', 'building', 'failed')),
	next_model       TEXT NOT NULL DEFAULT '',
	next_digest      TEXT NOT NULL DEFAULT '',
	next_dimension   INTEGER NOT NULL DEFAULT 0,
	reached          TEXT NOT NULL DEFAULT '', -- the last document whose passages have their next vectors
	done             INTEGER NOT NULL DEFAULT 0, -- passages
	total            INTEGER NOT NULL DEFAULT 0,
	reason           TEXT NOT NULL DEFAULT '', -- why the build failed or waits
	cure             TEXT NOT NULL DEFAULT '',
	renewals         INTEGER NOT NULL DEFAULT 0, -- documents that were to be read again when that began
	changed          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Vectors of a base that nobody asks for any more; they are removed in small steps.
CREATE TABLE knowledge_left (
	knowledge TEXT NOT NULL,
	workspace TEXT NOT NULL,
	model     TEXT NOT NULL, -- as the vectors name it
	dimension INTEGER NOT NULL,
	PRIMARY KEY (knowledge, model, dimension)
) STRICT, WITHOUT ROWID;

-- Documents that are read again while their old passages answer.
CREATE TABLE document_renewal (
	document  TEXT NOT NULL PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
	knowledge TEXT NOT NULL,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who wished it
	state     TEXT NOT NULL CHECK (state IN ('waiting', 'failed')),
	reason    TEXT NOT NULL DEFAULT '',
	cure      TEXT NOT NULL DEFAULT '',
	created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX document_renewal_knowledge ON document_renewal (knowledge, state);

-- Editions of a document's passages that are not to be found: yet, or any more.
CREATE TABLE document_edition (
	document  TEXT NOT NULL,
	edition   INTEGER NOT NULL,
	knowledge TEXT NOT NULL,
	workspace TEXT NOT NULL,
	content   TEXT NOT NULL DEFAULT '', -- blob of its text, where it is to be removed with it
	PRIMARY KEY (document, edition)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_edition_knowledge ON document_edition (knowledge);

ALTER TABLE document ADD COLUMN edition INTEGER NOT NULL DEFAULT 0; -- of its passages that are found
ALTER TABLE document ADD COLUMN cutting INTEGER NOT NULL DEFAULT 1; -- version of how it was cut into passages
ALTER TABLE chunk ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE chunk DROP COLUMN edition;
ALTER TABLE document DROP COLUMN cutting;
ALTER TABLE document DROP COLUMN edition;
DROP TABLE document_edition;
DROP TABLE document_renewal;
DROP TABLE knowledge_left;
DROP TABLE knowledge_index;
