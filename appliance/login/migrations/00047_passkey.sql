-- +goose Up
-- WebAuthn credentials: public keys, with which nobody can sign in.
CREATE TABLE passkey (
	id TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	-- What the authenticator calls it.
	handle BLOB NOT NULL UNIQUE,
	name TEXT NOT NULL,
	-- Public key, counter, flags and transports, as JSON.
	credential TEXT NOT NULL,
	created INTEGER NOT NULL,
	used INTEGER NOT NULL DEFAULT 0,
	-- Its counter went back: there may be two of it. It lets nobody in any more.
	copied INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX passkey_person ON passkey (person, created);

-- +goose Down
DROP TABLE passkey;
