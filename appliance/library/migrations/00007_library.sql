-- +goose Up
CREATE TABLE knowledge (
	id        TEXT NOT NULL PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	name      TEXT NOT NULL,
	fold      TEXT NOT NULL, -- name without case and accents, for the order of lists
	created   INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	deleted   INTEGER NOT NULL DEFAULT 0 -- hidden from everybody; what it held is being removed
) STRICT, WITHOUT ROWID;
CREATE INDEX knowledge_list ON knowledge (workspace, deleted, fold, id);

CREATE TABLE knowledge_access (
	knowledge TEXT NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN ('person', 'group', 'workspace')),
	subject   TEXT NOT NULL, -- id of the person, group or workspace
	"right"   TEXT NOT NULL CHECK ("right" IN ('read', 'edit')),
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who gave it
	created   INTEGER NOT NULL,
	PRIMARY KEY (knowledge, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX knowledge_access_subject ON knowledge_access (subject, kind);

CREATE TABLE document (
	id         TEXT NOT NULL PRIMARY KEY,
	workspace  TEXT NOT NULL,
	owner      TEXT NOT NULL,
	knowledge  TEXT NOT NULL REFERENCES knowledge (id),
	title      TEXT NOT NULL,
	name       TEXT NOT NULL,
	fold       TEXT NOT NULL, -- title and name without case and accents, for searching the list
	type       TEXT NOT NULL,
	size       INTEGER NOT NULL,
	blob       TEXT NOT NULL, -- the file
	content    TEXT NOT NULL DEFAULT '', -- blob of the extracted blocks
	state      TEXT NOT NULL CHECK (state IN ('waiting', 'extracting', 'embedding', 'ready', 'failed')),
	reason     TEXT NOT NULL DEFAULT '',
	cure       TEXT NOT NULL DEFAULT '',
	job        TEXT NOT NULL DEFAULT '', -- the last one
	done       INTEGER NOT NULL DEFAULT 0,
	total      INTEGER NOT NULL DEFAULT 0,
	note       TEXT NOT NULL DEFAULT '',
	chunks     INTEGER NOT NULL DEFAULT 0,
	pages      INTEGER NOT NULL DEFAULT 0,
	characters INTEGER NOT NULL DEFAULT 0,
	version    INTEGER NOT NULL DEFAULT 1,
	hidden     INTEGER NOT NULL DEFAULT 0, -- 1 = chunks exist that must not be found (yet, or any more)
	created    INTEGER NOT NULL,
	updated    INTEGER NOT NULL,
	deleted    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX document_list ON document (knowledge, deleted, id, state, size);
CREATE INDEX document_blob ON document (workspace, blob);
CREATE INDEX document_content ON document (workspace, content);
CREATE INDEX document_hidden ON document (knowledge) WHERE hidden = 1;
CREATE INDEX document_unfinished ON document (state) WHERE state IN ('waiting', 'extracting', 'embedding');

-- A passage. Its number is what the index of words knows it by.
CREATE TABLE chunk (
	number    INTEGER PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	document  TEXT NOT NULL REFERENCES document (id),
	page      INTEGER NOT NULL,
	heading   TEXT NOT NULL, -- path, one line each
	start     INTEGER NOT NULL, -- characters in the document's text
	"end"     INTEGER NOT NULL,
	text      TEXT NOT NULL,
	parts     TEXT NOT NULL -- where its blocks begin and what they are, as JSON
) STRICT;
CREATE INDEX chunk_document ON chunk (document, number);

-- Samples that were made once are not made again, even when they were deleted.
CREATE TABLE library_sample (
	name      TEXT NOT NULL PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	knowledge TEXT NOT NULL,
	created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE library_sample;
DROP TABLE chunk;
DROP TABLE document;
DROP TABLE knowledge_access;
DROP TABLE knowledge;
