-- +goose Up
CREATE TABLE conversation (
	id        TEXT    NOT NULL PRIMARY KEY,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	title     TEXT    NOT NULL,
	model     TEXT    NOT NULL,
	knowledge TEXT    NOT NULL, -- JSON list of ids; [] = all that may be read
	created   INTEGER NOT NULL,
	updated   INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_list ON conversation (workspace, owner, updated DESC, id DESC);

CREATE TABLE message (
	id           TEXT    NOT NULL PRIMARY KEY,
	workspace    TEXT    NOT NULL,
	owner        TEXT    NOT NULL,
	conversation TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
	position     INTEGER NOT NULL, -- counts from 1 inside the conversation
	parent       TEXT    NOT NULL, -- '' for the first
	role         TEXT    NOT NULL,
	kind         TEXT    NOT NULL,
	state        TEXT    NOT NULL,
	content      TEXT    NOT NULL,
	run          TEXT    NOT NULL, -- '' for questions
	problem      TEXT,             -- JSON, of failed answers
	created      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_list ON message (conversation, position);
CREATE INDEX message_owner ON message (workspace, owner, conversation);

CREATE TABLE citation (
	message   TEXT    NOT NULL REFERENCES message (id) ON DELETE CASCADE,
	number    INTEGER NOT NULL,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	document  TEXT    NOT NULL,
	title     TEXT    NOT NULL,
	knowledge TEXT    NOT NULL,
	version   INTEGER NOT NULL,
	page      INTEGER NOT NULL,
	heading   TEXT    NOT NULL,
	start     INTEGER NOT NULL,
	stop      INTEGER NOT NULL,
	text      TEXT    NOT NULL,
	PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX citation_document ON citation (workspace, document);

CREATE TABLE run (
	id           TEXT    NOT NULL PRIMARY KEY,
	workspace    TEXT    NOT NULL,
	owner        TEXT    NOT NULL,
	conversation TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
	question     TEXT    NOT NULL,
	answer       TEXT    NOT NULL,
	model        TEXT    NOT NULL,
	knowledge    TEXT    NOT NULL,
	state        TEXT    NOT NULL,
	created      INTEGER NOT NULL,
	ended        INTEGER
) STRICT;
CREATE INDEX run_conversation ON run (conversation, ended);
CREATE INDEX run_open ON run (id) WHERE ended IS NULL;

-- One row holds one event, or a row of deltas one behind the other: data is then
-- a JSON list of them. An empty data means that the tables above know better.
CREATE TABLE run_event (
	run       TEXT    NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	first     INTEGER NOT NULL,
	last      INTEGER NOT NULL,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	data      TEXT    NOT NULL,
	PRIMARY KEY (run, first)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE run_event;
DROP TABLE run;
DROP TABLE citation;
DROP TABLE message;
DROP TABLE conversation;
