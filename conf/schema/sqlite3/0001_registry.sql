-- SPDX-License-Identifier: Apache-2.0
-- The registry. Names compare byte for byte (SQLite's BINARY collation). Times are milliseconds since
-- 1970 UTC. Keys and events are never deleted, and what a key is never changes. In a migration a paragraph is
-- a statement: a blank line ends it, and none stands inside one.

CREATE TABLE whk_enterprise (
    enterprise_id TEXT NOT NULL PRIMARY KEY,
    name          TEXT,
    created_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL DEFAULT 0,
    active_keys   INTEGER NOT NULL DEFAULT 0 CHECK (active_keys >= 0),
    event_count   INTEGER NOT NULL DEFAULT 0,
    event_head    TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE whk_admin (
    enterprise_id TEXT NOT NULL REFERENCES whk_enterprise (enterprise_id),
    user_id       TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX whk_admin_by_user ON whk_admin (user_id);

CREATE TABLE whk_token (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    hash       TEXT NOT NULL UNIQUE,
    user_id    TEXT NOT NULL,
    label      TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE INDEX whk_token_by_user ON whk_token (user_id, seq);

CREATE TABLE whk_otp (
    user_id       TEXT NOT NULL PRIMARY KEY,
    sealed_secret TEXT NOT NULL,
    algorithm     TEXT NOT NULL,
    digits        INTEGER NOT NULL,
    period        INTEGER NOT NULL,
    last_step     INTEGER NOT NULL DEFAULT -1,
    failures      INTEGER NOT NULL DEFAULT 0,
    locked_until  INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE whk_key (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL,
    enterprise_id TEXT NOT NULL REFERENCES whk_enterprise (enterprise_id),
    key_id        TEXT NOT NULL,
    key_name      TEXT NOT NULL,
    algorithm     TEXT NOT NULL,
    jwks_uri      TEXT,
    jwk           TEXT NOT NULL,
    thumbprint    TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED')),
    created_at    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,
    last_used_at  INTEGER,
    revoked_at    INTEGER,
    revoked_by    TEXT,
    UNIQUE (enterprise_id, key_id),
    UNIQUE (enterprise_id, thumbprint)
) STRICT;

CREATE INDEX whk_key_by_age ON whk_key (enterprise_id, seq);
CREATE INDEX whk_key_by_status ON whk_key (enterprise_id, status, seq);

CREATE TRIGGER whk_key_stays BEFORE DELETE ON whk_key
BEGIN
    SELECT RAISE(ABORT, 'a key is never deleted: its keyId is used up for ever');
END;

CREATE TRIGGER whk_key_stays_revoked BEFORE UPDATE OF status ON whk_key
WHEN OLD.status = 'REVOKED' AND NEW.status <> 'REVOKED'
BEGIN
    SELECT RAISE(ABORT, 'a revoked key stays revoked');
END;

CREATE TABLE whk_event (
    enterprise_id  TEXT NOT NULL REFERENCES whk_enterprise (enterprise_id),
    id             INTEGER NOT NULL,
    type           TEXT NOT NULL,
    key_id         TEXT,
    actor          TEXT NOT NULL,
    at             INTEGER NOT NULL,
    remote_address TEXT,
    request_id     TEXT,
    detail         TEXT,
    hash           TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER whk_event_stays BEFORE DELETE ON whk_event
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

CREATE TRIGGER whk_event_stays_as_it_is BEFORE UPDATE ON whk_event
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
