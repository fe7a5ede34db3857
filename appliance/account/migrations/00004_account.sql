-- +goose Up
CREATE TABLE workspace (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	fold TEXT NOT NULL UNIQUE,
	owner TEXT NOT NULL,
	created INTEGER NOT NULL
) STRICT;

CREATE INDEX workspace_created ON workspace (created, id);

CREATE TABLE person (
	id TEXT PRIMARY KEY,
	email TEXT NOT NULL UNIQUE COLLATE NOCASE,
	name TEXT NOT NULL,
	-- The name without case and accents: what lists are sorted and searched by.
	fold TEXT NOT NULL,
	source TEXT NOT NULL DEFAULT 'local',
	external_id TEXT NOT NULL DEFAULT '',
	role TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'owner', 'admin', 'auditor')),
	disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
	created INTEGER NOT NULL,
	active INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX person_fold ON person (fold, id);

CREATE INDEX person_role ON person (role) WHERE role <> '';

CREATE UNIQUE INDEX person_external ON person (source, external_id) WHERE external_id <> '';

CREATE TABLE membership (
	workspace TEXT NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
	person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'member', 'guest')),
	created INTEGER NOT NULL,
	PRIMARY KEY (workspace, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX membership_person ON membership (person, created);

CREATE TABLE "group" (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL REFERENCES workspace (id) ON DELETE CASCADE,
	owner TEXT NOT NULL,
	name TEXT NOT NULL,
	fold TEXT NOT NULL,
	created INTEGER NOT NULL,
	UNIQUE (workspace, fold)
) STRICT;

-- A membership that ends takes the groups of its workspace with it.
CREATE TABLE group_member (
	"group" TEXT NOT NULL REFERENCES "group" (id) ON DELETE CASCADE,
	workspace TEXT NOT NULL,
	person TEXT NOT NULL,
	PRIMARY KEY ("group", person),
	FOREIGN KEY (workspace, person) REFERENCES membership (workspace, person) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX group_member_person ON group_member (workspace, person);

-- +goose Down
DROP TABLE group_member;

DROP TABLE "group";

DROP TABLE membership;

DROP TABLE person;

DROP TABLE workspace;
