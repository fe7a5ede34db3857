-- +goose Up
-- Terms are split, folded and stemmed before they come here, so the tokeniser
-- only cuts at spaces: one way of splitting for the index, the counts and the
-- sentences of an answer. base holds the knowledge base as one token, code what
-- is looked for as one ("P-101A" as p101a), surface the unstemmed words for
-- quoted phrases.
-- +goose StatementBegin
CREATE VIRTUAL TABLE lexical_word USING fts5(base, title, heading, text, code, surface UNINDEXED, tokenize = 'ascii');
-- +goose StatementEnd
-- A deleted document's words leave the index at once, not at the next merge.
-- +goose StatementBegin
INSERT INTO lexical_word (lexical_word, rank) VALUES ('secure-delete', 1);
-- +goose StatementEnd

CREATE TABLE lexical_entry (
	chunk    INTEGER PRIMARY KEY,
	base     TEXT NOT NULL,
	document TEXT NOT NULL
) STRICT;
CREATE INDEX lexical_entry_document ON lexical_entry (document);

-- How many passages of a base hold a term: rarity is counted in what the asker
-- may read, so that no score tells about the documents of others.
CREATE TABLE lexical_term (
	term     TEXT NOT NULL,
	base     TEXT NOT NULL,
	passages INTEGER NOT NULL,
	PRIMARY KEY (term, base)
) STRICT, WITHOUT ROWID;

CREATE TABLE lexical_base (
	base     TEXT NOT NULL PRIMARY KEY,
	passages INTEGER NOT NULL,
	words    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE lexical_base;
DROP TABLE lexical_term;
DROP TABLE lexical_entry;
DROP TABLE lexical_word;
