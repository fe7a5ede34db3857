-- +goose Up
-- The secret that an authenticator app shares with us, sealed. It is in force once a first code was right.
CREATE TABLE totp (
	person TEXT PRIMARY KEY,
	secret BLOB NOT NULL,
	confirmed INTEGER NOT NULL DEFAULT 0,
	-- The last time step a code was taken of; a code is good once.
	step INTEGER NOT NULL DEFAULT 0,
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- HMACs of the codes for the day the app is lost; a used one is gone.
CREATE TABLE recovery_code (
	person TEXT NOT NULL,
	code BLOB NOT NULL,
	PRIMARY KEY (person, code)
) STRICT, WITHOUT ROWID;

-- Devices on which the second step need not be repeated for a while.
CREATE TABLE trusted_device (
	token BLOB PRIMARY KEY,
	person TEXT NOT NULL,
	agent TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX trusted_device_person ON trusted_device (person);

-- Since when a person without a second factor should have one.
CREATE TABLE factor_due (
	person TEXT PRIMARY KEY,
	since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When whoever holds the session last proved who they are.
ALTER TABLE session ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;

-- A session that may do nothing but set up the second factor that is overdue.
ALTER TABLE session ADD COLUMN enrol INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE session DROP COLUMN enrol;

ALTER TABLE session DROP COLUMN proved;

DROP TABLE factor_due;

DROP TABLE trusted_device;

DROP TABLE recovery_code;

DROP TABLE totp;
