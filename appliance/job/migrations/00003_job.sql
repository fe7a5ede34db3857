-- +goose Up
CREATE TABLE job (
	id        TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	kind      TEXT NOT NULL,
	key       TEXT NOT NULL,
	payload   TEXT NOT NULL,
	state     TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
	priority  INTEGER NOT NULL,
	attempt   INTEGER NOT NULL,
	attempts  INTEGER NOT NULL,
	run_at    INTEGER NOT NULL,
	done      INTEGER NOT NULL,
	total     INTEGER NOT NULL,
	note      TEXT NOT NULL,
	error     TEXT NOT NULL,
	created   INTEGER NOT NULL,
	ended     INTEGER
) STRICT;
CREATE INDEX job_due ON job (priority, run_at, id) WHERE state = 'waiting';
CREATE UNIQUE INDEX job_key ON job (kind, key) WHERE key <> '' AND state IN ('waiting', 'running');
CREATE INDEX job_workspace ON job (workspace, id);
CREATE INDEX job_ended ON job (ended) WHERE ended IS NOT NULL;

-- +goose Down
DROP TABLE job;
