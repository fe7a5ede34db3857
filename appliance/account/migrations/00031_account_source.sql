-- +goose Up
-- Names beside the e-mail address that people of directories sign in with. Two
-- forests may have the same name.
CREATE TABLE login_name (
	name TEXT NOT NULL,
	person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
	PRIMARY KEY (name, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX login_name_person ON login_name (person);

-- Who gave a membership: a directory takes away only what it gave.
ALTER TABLE membership ADD COLUMN source TEXT NOT NULL DEFAULT 'local';

ALTER TABLE "group" ADD COLUMN source TEXT NOT NULL DEFAULT 'local';

ALTER TABLE "group" ADD COLUMN external_id TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX group_external ON "group" (workspace, source, external_id) WHERE external_id <> '';

-- +goose Down
DROP INDEX group_external;

ALTER TABLE "group" DROP COLUMN external_id;

ALTER TABLE "group" DROP COLUMN source;

ALTER TABLE membership DROP COLUMN source;

DROP TABLE login_name;
