-- +goose Up
-- How far each target was told what was erased: a row of the audit record.
CREATE TABLE backup_told (
	target TEXT    PRIMARY KEY REFERENCES backup_target (id) ON DELETE CASCADE,
	row    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE backup_told;
