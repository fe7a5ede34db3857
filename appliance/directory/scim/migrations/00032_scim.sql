-- +goose Up
-- Who may provision people and groups: one row for each identity system.
CREATE TABLE scim_client (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	name TEXT NOT NULL UNIQUE,
	-- SHA-256 of its token: who reads the table cannot provision with it.
	token BLOB NOT NULL UNIQUE,
	role TEXT NOT NULL CHECK (role IN ('admin', 'editor', 'member', 'guest')),
	created INTEGER NOT NULL,
	used INTEGER NOT NULL DEFAULT 0
) STRICT;

-- People and groups as their client described them. The id is the person's or the group's.
CREATE TABLE scim_resource (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	client TEXT NOT NULL REFERENCES scim_client (id) ON DELETE CASCADE,
	kind TEXT NOT NULL CHECK (kind IN ('User', 'Group')),
	-- userName or displayName without case.
	name TEXT NOT NULL,
	external_id TEXT NOT NULL,
	document TEXT NOT NULL,
	version INTEGER NOT NULL,
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL
) STRICT;

CREATE INDEX scim_resource_list ON scim_resource (client, kind, id);

CREATE INDEX scim_resource_name ON scim_resource (client, kind, name);

CREATE INDEX scim_resource_external ON scim_resource (client, kind, external_id) WHERE external_id <> '';

-- +goose Down
DROP TABLE scim_resource;

DROP TABLE scim_client;
