-- +goose Up
-- Identity providers that vouch for people, by OpenID Connect or SAML.
CREATE TABLE sso_provider (
	id TEXT PRIMARY KEY,
	workspace TEXT NOT NULL,
	owner TEXT NOT NULL,
	kind TEXT NOT NULL CHECK (kind IN ('oidc', 'saml')),
	name TEXT NOT NULL UNIQUE,
	enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
	-- All that is needed to ask it but the secret, as JSON.
	config TEXT NOT NULL,
	-- Sealed: the client's secret (OpenID Connect), or the private key (SAML).
	secret BLOB,
	created INTEGER NOT NULL,
	changed INTEGER NOT NULL
) STRICT;

-- Who of a provider has an account here, under the name that the provider never gives to another.
CREATE TABLE sso_person (
	provider TEXT NOT NULL REFERENCES sso_provider (id) ON DELETE CASCADE,
	subject TEXT NOT NULL,
	person TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
	-- Whether the account was here before and keeps its own source.
	linked INTEGER NOT NULL DEFAULT 0 CHECK (linked IN (0, 1)),
	created INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX sso_person_person ON sso_person (person);

-- Sessions that a provider has vouched for, so that both can end together.
CREATE TABLE sso_session (
	-- Of the session.
	id TEXT PRIMARY KEY,
	provider TEXT NOT NULL REFERENCES sso_provider (id) ON DELETE CASCADE,
	subject TEXT NOT NULL,
	-- What the provider calls its own session, '' where it does not say.
	outside TEXT NOT NULL,
	-- Sealed: what a sign-out has to show the provider.
	hint BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX sso_session_subject ON sso_session (provider, subject);

-- Assertions, nonces and sign-out tokens that were used, until they would not be taken anyway.
CREATE TABLE sso_used (
	provider TEXT NOT NULL,
	mark BLOB NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (provider, mark)
) STRICT, WITHOUT ROWID;

CREATE INDEX sso_used_expires ON sso_used (expires);

-- +goose Down
DROP TABLE sso_used;

DROP TABLE sso_session;

DROP TABLE sso_person;

DROP TABLE sso_provider;
