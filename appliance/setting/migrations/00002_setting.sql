-- +goose Up
-- Every value a setting ever had; the one in force has the highest version.
CREATE TABLE setting (
	key TEXT NOT NULL,
	version INTEGER NOT NULL,
	value TEXT NOT NULL,
	owner TEXT NOT NULL,
	changed INTEGER NOT NULL,
	PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE setting;
