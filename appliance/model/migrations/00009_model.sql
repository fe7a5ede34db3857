-- +goose Up
-- Servers and models belong to the installation; workspace and owner are those
-- of whoever added them.
CREATE TABLE server (
	id        TEXT NOT NULL PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	name      TEXT NOT NULL,
	fold      TEXT NOT NULL UNIQUE, -- name in the form names are compared in
	kind      TEXT NOT NULL CHECK (kind IN ('ollama', 'openai', 'anthropic')),
	url       TEXT NOT NULL,
	ca        TEXT NOT NULL DEFAULT '', -- own certificates, PEM
	token     BLOB, -- sealed; NULL = none
	slots     INTEGER NOT NULL, -- answers at a time; 0 = what the server says, or a careful number
	enabled   INTEGER NOT NULL,
	flavour   TEXT NOT NULL DEFAULT '', -- what it said it is, when it was asked last
	version   TEXT NOT NULL DEFAULT '',
	created   INTEGER NOT NULL,
	changed   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A model as people know it, wherever it is.
CREATE TABLE model (
	id          TEXT NOT NULL PRIMARY KEY,
	workspace   TEXT NOT NULL,
	owner       TEXT NOT NULL,
	name        TEXT NOT NULL UNIQUE,
	label       TEXT NOT NULL, -- what people see; '' = the name
	kind        TEXT NOT NULL CHECK (kind IN ('chat', 'embedding')),
	enabled     INTEGER NOT NULL,
	everyone    INTEGER NOT NULL, -- 1 = no list of access is asked
	context     INTEGER NOT NULL DEFAULT 0, -- tokens; 0 = found out
	temperature REAL, -- NULL = the model's own
	created     INTEGER NOT NULL,
	changed     INTEGER NOT NULL DEFAULT 0 -- 0 = nobody changed what discovery made
) STRICT, WITHOUT ROWID;

CREATE TABLE model_alias (
	alias     TEXT NOT NULL PRIMARY KEY,
	model     TEXT NOT NULL REFERENCES model (id) ON DELETE CASCADE,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX model_alias_model ON model_alias (model);

CREATE TABLE model_access (
	model        TEXT NOT NULL REFERENCES model (id) ON DELETE CASCADE,
	subject_kind TEXT NOT NULL CHECK (subject_kind IN ('person', 'group', 'workspace')),
	subject      TEXT NOT NULL, -- id of the person, group or workspace
	workspace    TEXT NOT NULL,
	owner        TEXT NOT NULL, -- who gave it
	created      INTEGER NOT NULL,
	PRIMARY KEY (model, subject_kind, subject)
) STRICT, WITHOUT ROWID;

-- A model on a server.
CREATE TABLE model_place (
	server         TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
	model          TEXT NOT NULL REFERENCES model (id) ON DELETE CASCADE,
	name           TEXT NOT NULL, -- on that server
	capabilities   TEXT NOT NULL, -- JSON list of embedding, vision, thinking, tools
	digest         TEXT NOT NULL,
	family         TEXT NOT NULL,
	parameters     TEXT NOT NULL,
	quantization   TEXT NOT NULL,
	size           INTEGER NOT NULL, -- bytes; 0 unknown
	context_max    INTEGER NOT NULL, -- tokens the model can take; 0 unknown
	context        INTEGER NOT NULL, -- tokens the server gives it; 0 unknown
	slots          INTEGER NOT NULL, -- 0 unknown
	dimensions     INTEGER NOT NULL, -- of its vectors; 0 unknown
	loaded         INTEGER NOT NULL,
	loaded_context INTEGER NOT NULL, -- 0 unknown
	seen           INTEGER NOT NULL, -- when the server listed it last
	gone           INTEGER NOT NULL DEFAULT 0, -- since when it does not any more; 0 = it does
	PRIMARY KEY (server, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_place_model ON model_place (model);

-- Changes of a server's state; the last 200 are kept.
CREATE TABLE server_health (
	id      INTEGER PRIMARY KEY,
	server  TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
	at      INTEGER NOT NULL,
	state   TEXT NOT NULL CHECK (state IN ('ok', 'down', 'busy')),
	latency INTEGER NOT NULL, -- ms
	why     TEXT NOT NULL,
	cure    TEXT NOT NULL
) STRICT;
CREATE INDEX server_health_list ON server_health (server, id);

-- How fast a model was on a server, as measured; figures move with each answer.
CREATE TABLE model_pace (
	server            TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
	model             TEXT NOT NULL, -- as it is called there
	tokens_per_second REAL NOT NULL,
	answer_tokens     REAL NOT NULL, -- length of an answer
	first_token       REAL NOT NULL, -- ms
	answers           INTEGER NOT NULL, -- measured
	changed           INTEGER NOT NULL,
	PRIMARY KEY (server, model)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE model_pace;
DROP TABLE server_health;
DROP TABLE model_place;
DROP TABLE model_access;
DROP TABLE model_alias;
DROP TABLE model;
DROP TABLE server;
