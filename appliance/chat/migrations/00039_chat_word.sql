-- +goose Up
-- The words of titles and messages. What is searched stands in the tables of
-- conversations and messages; here are only its words, and triggers keep the two
-- together in whatever transaction writes. who is the owner as one word, so that
-- the search itself never leaves what is theirs.
-- +goose StatementBegin
CREATE VIRTUAL TABLE chat_word USING fts5(who, title, text, content = '', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
-- +goose StatementEnd
-- +goose StatementBegin
INSERT INTO chat_word (chat_word, rank) VALUES ('secure-delete', 1);
-- +goose StatementEnd

CREATE TABLE chat_entry (
	number       INTEGER PRIMARY KEY,
	conversation TEXT    NOT NULL,
	message      TEXT    NOT NULL, -- '' = its title
	indexed      INTEGER NOT NULL  -- 0 = to be done in the background
) STRICT;
CREATE UNIQUE INDEX chat_entry_place ON chat_entry (conversation, message);
CREATE INDEX chat_entry_due ON chat_entry (number) WHERE indexed = 0;

-- What there is already is indexed in the background.
INSERT INTO chat_entry (conversation, message, indexed) SELECT id, '', 0 FROM conversation ORDER BY created, id;
INSERT INTO chat_entry (conversation, message, indexed) SELECT conversation, id, 0 FROM message ORDER BY created, id;

-- +goose StatementBegin
CREATE TRIGGER chat_word_begin AFTER INSERT ON conversation WHEN NEW.expires = 0 BEGIN
	INSERT INTO chat_entry (conversation, message, indexed) VALUES (NEW.id, '', 1);
	INSERT INTO chat_word (rowid, who, title, text)
		SELECT number, replace(NEW.workspace || NEW.owner, '-', ''), NEW.title, '' FROM chat_entry WHERE conversation = NEW.id AND message = '';
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_word_title AFTER UPDATE OF title ON conversation WHEN NEW.title <> OLD.title BEGIN
	INSERT INTO chat_word (chat_word, rowid, who, title, text)
		SELECT 'delete', number, replace(OLD.workspace || OLD.owner, '-', ''), OLD.title, '' FROM chat_entry WHERE conversation = OLD.id AND message = '' AND indexed = 1;
	INSERT INTO chat_word (rowid, who, title, text)
		SELECT number, replace(NEW.workspace || NEW.owner, '-', ''), NEW.title, '' FROM chat_entry WHERE conversation = NEW.id AND message = '' AND indexed = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_word_end AFTER DELETE ON conversation BEGIN
	INSERT INTO chat_word (chat_word, rowid, who, title, text)
		SELECT 'delete', number, replace(OLD.workspace || OLD.owner, '-', ''), OLD.title, '' FROM chat_entry WHERE conversation = OLD.id AND message = '' AND indexed = 1;
	DELETE FROM chat_entry WHERE conversation = OLD.id AND message = '';
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_word_say AFTER INSERT ON message WHEN (SELECT expires FROM conversation WHERE id = NEW.conversation) = 0 BEGIN
	INSERT INTO chat_entry (conversation, message, indexed) VALUES (NEW.conversation, NEW.id, 1);
	INSERT INTO chat_word (rowid, who, title, text)
		SELECT number, replace(NEW.workspace || NEW.owner, '-', ''), '', NEW.content FROM chat_entry WHERE conversation = NEW.conversation AND message = NEW.id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_word_resay AFTER UPDATE OF content ON message WHEN NEW.content <> OLD.content BEGIN
	INSERT INTO chat_word (chat_word, rowid, who, title, text)
		SELECT 'delete', number, replace(OLD.workspace || OLD.owner, '-', ''), '', OLD.content FROM chat_entry WHERE conversation = OLD.conversation AND message = OLD.id AND indexed = 1;
	INSERT INTO chat_word (rowid, who, title, text)
		SELECT number, replace(NEW.workspace || NEW.owner, '-', ''), '', NEW.content FROM chat_entry WHERE conversation = NEW.conversation AND message = NEW.id AND indexed = 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER chat_word_unsay AFTER DELETE ON message BEGIN
	INSERT INTO chat_word (chat_word, rowid, who, title, text)
		SELECT 'delete', number, replace(OLD.workspace || OLD.owner, '-', ''), '', OLD.content FROM chat_entry WHERE conversation = OLD.conversation AND message = OLD.id AND indexed = 1;
	DELETE FROM chat_entry WHERE conversation = OLD.conversation AND message = OLD.id;
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER chat_word_unsay;
DROP TRIGGER chat_word_resay;
DROP TRIGGER chat_word_say;
DROP TRIGGER chat_word_end;
DROP TRIGGER chat_word_title;
DROP TRIGGER chat_word_begin;
DROP TABLE chat_entry;
DROP TABLE chat_word;
