-- +goose Up
-- Which model made a vector, and of how many numbers it is. Never mixed.
CREATE TABLE vector_space (
	id        INTEGER PRIMARY KEY,
	model     TEXT NOT NULL,
	dimension INTEGER NOT NULL,
	UNIQUE (model, dimension)
) STRICT;

-- The vectors of one knowledge base in one space. count is kept with every
-- change, so that an index in memory can be held against the rows; sealed is
-- the last sequence that a sealed block covers.
CREATE TABLE vector_segment (
	id        INTEGER PRIMARY KEY,
	workspace TEXT NOT NULL,
	base      TEXT NOT NULL,
	space     INTEGER NOT NULL REFERENCES vector_space (id),
	count     INTEGER NOT NULL DEFAULT 0,
	sealed    INTEGER NOT NULL DEFAULT 0,
	UNIQUE (base, space)
) STRICT;

-- The truth. sequence only grows and is never given twice.
CREATE TABLE vector_row (
	sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
	workspace TEXT NOT NULL,
	base      TEXT NOT NULL,
	document  TEXT NOT NULL,
	space     INTEGER NOT NULL REFERENCES vector_space (id),
	chunk     INTEGER NOT NULL,
	vector    BLOB NOT NULL,
	UNIQUE (space, chunk)
) STRICT;
CREATE INDEX vector_row_document ON vector_row (document);
CREATE INDEX vector_row_base ON vector_row (base, space, sequence);

-- Blocks of a segment that are kept as files: derived, and checked against the rows.
CREATE TABLE vector_sealed (
	segment INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	count   INTEGER NOT NULL,
	blob    TEXT NOT NULL,
	PRIMARY KEY (segment, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX vector_sealed_blob ON vector_sealed (blob);

-- Workspaces that have or had sealed blocks: what is swept.
CREATE TABLE vector_shelf (
	workspace TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Rows that a sealed block still holds although they were removed.
CREATE TABLE vector_gone (
	segment  INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	PRIMARY KEY (segment, sequence)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE vector_gone;
DROP TABLE vector_shelf;
DROP TABLE vector_sealed;
DROP TABLE vector_row;
DROP TABLE vector_segment;
DROP TABLE vector_space;
