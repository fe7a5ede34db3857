-- +goose Up
CREATE TABLE audit (
	row INTEGER PRIMARY KEY,
	time INTEGER NOT NULL,
	act TEXT NOT NULL,
	object_kind TEXT NOT NULL,
	object TEXT NOT NULL,
	outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'refused', 'failed')),
	actor TEXT NOT NULL,
	actor_kind TEXT NOT NULL,
	uid INTEGER NOT NULL,
	address TEXT NOT NULL,
	workspace TEXT NOT NULL,
	request TEXT NOT NULL,
	detail TEXT NOT NULL,
	hash BLOB NOT NULL
) STRICT;

CREATE INDEX audit_actor ON audit (actor, row);

CREATE INDEX audit_act ON audit (act, row);

CREATE INDEX audit_object ON audit (object, row) WHERE object <> '';

-- One row: the signed end of the chain.
CREATE TABLE audit_head (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	row INTEGER NOT NULL,
	hash BLOB NOT NULL,
	seal BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE audit_head;

DROP TABLE audit;
