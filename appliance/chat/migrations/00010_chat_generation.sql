-- +goose Up
ALTER TABLE conversation ADD COLUMN leaf TEXT NOT NULL DEFAULT ''; -- the newest message of the path that is shown
UPDATE conversation SET leaf = coalesce((SELECT m.id FROM message AS m WHERE m.conversation = conversation.id ORDER BY m.position DESC LIMIT 1), '');

ALTER TABLE message ADD COLUMN model TEXT NOT NULL DEFAULT ''; -- that wrote it
ALTER TABLE message ADD COLUMN thinking TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN thinking_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN query TEXT NOT NULL DEFAULT ''; -- what was searched for, where it is not the question
ALTER TABLE message ADD COLUMN usage TEXT;   -- JSON, of answers of a model
ALTER TABLE message ADD COLUMN context TEXT; -- JSON, of answers of a model
ALTER TABLE message ADD COLUMN unsupported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN truncated INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_version ON message (conversation, parent, role, position);

ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'ask'; -- ask, edit, regenerate or continue
CREATE INDEX run_answer ON run (answer);
CREATE INDEX run_question ON run (question, ended);

-- How an answer of a model came about: the prompt as it was sent, what was found.
CREATE TABLE receipt (
	run       TEXT    NOT NULL PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	message   TEXT    NOT NULL REFERENCES message (id) ON DELETE CASCADE,
	data      TEXT    NOT NULL, -- JSON
	created   INTEGER NOT NULL
) STRICT;
CREATE INDEX receipt_message ON receipt (message, created);

-- +goose Down
DROP TABLE receipt;
DROP INDEX run_question;
DROP INDEX run_answer;
ALTER TABLE run DROP COLUMN kind;
DROP INDEX message_version;
ALTER TABLE message DROP COLUMN truncated;
ALTER TABLE message DROP COLUMN unsupported;
ALTER TABLE message DROP COLUMN context;
ALTER TABLE message DROP COLUMN usage;
ALTER TABLE message DROP COLUMN query;
ALTER TABLE message DROP COLUMN thinking_ms;
ALTER TABLE message DROP COLUMN thinking;
ALTER TABLE message DROP COLUMN model;
ALTER TABLE conversation DROP COLUMN leaf;
