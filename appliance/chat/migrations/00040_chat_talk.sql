-- +goose Up
-- What was typed and not sent yet, by chat; 'new' is the one that has none.
CREATE TABLE chat_draft (
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	chat      TEXT    NOT NULL,
	text      TEXT    NOT NULL,
	version   INTEGER NOT NULL, -- one more with every change
	updated   INTEGER NOT NULL,
	PRIMARY KEY (workspace, owner, chat)
) STRICT, WITHOUT ROWID;

CREATE TABLE chat_feedback (
	message   TEXT    NOT NULL PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	rating    TEXT    NOT NULL, -- up or down
	reasons   TEXT    NOT NULL, -- JSON list
	comment   TEXT    NOT NULL,
	model     TEXT    NOT NULL, -- that wrote the answer, '' for none
	created   INTEGER NOT NULL
) STRICT;
CREATE INDEX chat_feedback_time ON chat_feedback (created);

-- A link to what was said until then, for the members of the workspace.
CREATE TABLE chat_share (
	id           TEXT    NOT NULL PRIMARY KEY,
	workspace    TEXT    NOT NULL,
	owner        TEXT    NOT NULL,
	conversation TEXT    NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
	leaf         TEXT    NOT NULL, -- the last message that is shown
	created      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX chat_share_conversation ON chat_share (conversation);
CREATE INDEX chat_share_owner ON chat_share (workspace, owner);

-- +goose Down
DROP TABLE chat_share;
DROP TABLE chat_feedback;
DROP TABLE chat_draft;
