-- +goose Up
-- An entry may deny: then the right is 'deny', and it wins over every other.
CREATE TABLE knowledge_access_new (
	knowledge TEXT NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN ('person', 'group', 'workspace')),
	subject   TEXT NOT NULL, -- id of the person, group or workspace
	"right"   TEXT NOT NULL CHECK ("right" IN ('read', 'edit', 'deny')),
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who gave it
	created   INTEGER NOT NULL,
	PRIMARY KEY (knowledge, kind, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO knowledge_access_new SELECT knowledge, kind, subject, "right", workspace, owner, created FROM knowledge_access;
DROP TABLE knowledge_access;
ALTER TABLE knowledge_access_new RENAME TO knowledge_access;
CREATE INDEX knowledge_access_subject ON knowledge_access (subject, kind);

-- Rules of one document. They narrow what the knowledge base gives and never add to it.
CREATE TABLE document_access (
	document  TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN ('person', 'group')),
	subject   TEXT NOT NULL,
	"right"   TEXT NOT NULL CHECK ("right" IN ('allow', 'deny')),
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who made it
	created   INTEGER NOT NULL,
	PRIMARY KEY (document, kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX document_access_subject ON document_access (subject, kind);

CREATE TABLE document_tag (
	document  TEXT NOT NULL REFERENCES document (id) ON DELETE CASCADE,
	fold      TEXT NOT NULL, -- name without case and accents
	name      TEXT NOT NULL,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who put it on
	created   INTEGER NOT NULL,
	PRIMARY KEY (document, fold)
) STRICT, WITHOUT ROWID;

-- 0 = as the knowledge base, 1 = somebody is denied, 2 = restricted to those who are allowed.
ALTER TABLE document ADD COLUMN guard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE document ADD COLUMN folder TEXT NOT NULL DEFAULT ''; -- names with / between them, '' = in none
ALTER TABLE document ADD COLUMN folder_fold TEXT NOT NULL DEFAULT '';
CREATE INDEX document_guard ON document (knowledge, guard) WHERE guard > 0;
DROP INDEX document_list;
CREATE INDEX document_list ON document (knowledge, deleted, id, state, size, guard, owner);

-- +goose Down
-- An older version knows no denies and no rules of documents. It must not open
-- what they closed, so such knowledge bases are left to their owners.
DELETE FROM knowledge_access WHERE knowledge IN (SELECT knowledge FROM knowledge_access WHERE "right" = 'deny'
	UNION SELECT knowledge FROM document WHERE guard > 0);
DROP INDEX document_list;
CREATE INDEX document_list ON document (knowledge, deleted, id, state, size);
DROP INDEX document_guard;
ALTER TABLE document DROP COLUMN folder_fold;
ALTER TABLE document DROP COLUMN folder;
ALTER TABLE document DROP COLUMN guard;
DROP TABLE document_tag;
DROP TABLE document_access;
CREATE TABLE knowledge_access_new (
	knowledge TEXT NOT NULL REFERENCES knowledge (id) ON DELETE CASCADE,
	kind      TEXT NOT NULL CHECK (kind IN ('person', 'group', 'workspace')),
	subject   TEXT NOT NULL, -- id of the person, group or workspace
	"right"   TEXT NOT NULL CHECK ("right" IN ('read', 'edit')),
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL, -- who gave it
	created   INTEGER NOT NULL,
	PRIMARY KEY (knowledge, kind, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO knowledge_access_new SELECT knowledge, kind, subject, "right", workspace, owner, created FROM knowledge_access;
DROP TABLE knowledge_access;
ALTER TABLE knowledge_access_new RENAME TO knowledge_access;
CREATE INDEX knowledge_access_subject ON knowledge_access (subject, kind);
