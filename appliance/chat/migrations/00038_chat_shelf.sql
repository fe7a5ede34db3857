-- +goose Up
-- Where a person keeps a conversation, and what of it was not looked at yet.
ALTER TABLE conversation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN folder TEXT NOT NULL DEFAULT ''; -- '' = in none
ALTER TABLE conversation ADD COLUMN answered INTEGER NOT NULL DEFAULT 0; -- when its last run ended
ALTER TABLE conversation ADD COLUMN seen INTEGER NOT NULL DEFAULT 0; -- up to when it was looked at; unread while answered is later
-- A temporary one is gone at this time, and with the session it was begun in.
ALTER TABLE conversation ADD COLUMN expires INTEGER NOT NULL DEFAULT 0; -- 0 = it is kept
ALTER TABLE conversation ADD COLUMN session TEXT NOT NULL DEFAULT '';
CREATE INDEX conversation_shelf ON conversation (workspace, owner, archived, pinned DESC, updated DESC, id DESC);
CREATE INDEX conversation_folder ON conversation (folder, updated DESC, id DESC) WHERE folder <> '';
CREATE INDEX conversation_expires ON conversation (expires) WHERE expires > 0;

CREATE TABLE chat_folder (
	id        TEXT    NOT NULL PRIMARY KEY,
	workspace TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	created   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX chat_folder_name ON chat_folder (workspace, owner, name);

CREATE TABLE chat_tag (
	conversation TEXT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
	tag          TEXT NOT NULL,
	workspace    TEXT NOT NULL,
	owner        TEXT NOT NULL,
	PRIMARY KEY (conversation, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX chat_tag_list ON chat_tag (workspace, owner, tag);

-- +goose Down
DROP TABLE chat_tag;
DROP TABLE chat_folder;
DROP INDEX conversation_expires;
DROP INDEX conversation_folder;
DROP INDEX conversation_shelf;
ALTER TABLE conversation DROP COLUMN session;
ALTER TABLE conversation DROP COLUMN expires;
ALTER TABLE conversation DROP COLUMN seen;
ALTER TABLE conversation DROP COLUMN answered;
ALTER TABLE conversation DROP COLUMN folder;
ALTER TABLE conversation DROP COLUMN archived;
ALTER TABLE conversation DROP COLUMN pinned;
