-- +goose Up
CREATE TABLE job (
	id        TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner     TEXT NOT NULL,
	kind      TEXT NOT NULL,
	key       TEXT NOT NULL, -- '' = any number of the kind
	payload   TEXT NOT NULL, -- JSON
	state     TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
	priority  INTEGER NOT NULL,
	attempt   INTEGER NOT NULL, -- attempts that ended by themselves, and the running one
	attempts  INTEGER NOT NULL,
	lost      INTEGER NOT NULL, -- attempts that ended with the process
	cancel    INTEGER NOT NULL, -- 1 = the running attempt is asked to stop
	run_at    INTEGER NOT NULL,
	lease     INTEGER, -- when the running attempt is given up
	done      INTEGER NOT NULL,
	total     INTEGER NOT NULL,
	note      TEXT NOT NULL,
	error     TEXT NOT NULL,
	cure      TEXT NOT NULL,
	told      INTEGER NOT NULL, -- 0 = ended, and who waits for the end does not know yet
	created   INTEGER NOT NULL,
	ended     INTEGER
) STRICT;
CREATE INDEX job_due ON job (priority, run_at, id) WHERE state = 'waiting';
CREATE INDEX job_next ON job (run_at) WHERE state = 'waiting';
CREATE INDEX job_running ON job (kind, key) WHERE state = 'running';
CREATE INDEX job_untold ON job (id) WHERE told = 0;
CREATE INDEX job_ended ON job (state, ended) WHERE ended IS NOT NULL;
CREATE INDEX job_workspace ON job (workspace, id);
CREATE UNIQUE INDEX job_key ON job (kind, key) WHERE key <> '' AND cancel = 0 AND state IN ('waiting', 'running');

-- +goose Down
DROP TABLE job;
