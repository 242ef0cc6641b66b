-- SPDX-License-Identifier: Apache-2.0
-- The registry, as conf/schema/sqlite3 makes it by its first four migrations. Names are compared byte for byte, and
-- ordered so (COLLATE "C"). Times are milliseconds since 1970 UTC. Keys and events are never deleted, and what a key
-- is never changes. In a migration a paragraph is a statement: a blank line ends it, and none stands inside one.
-- change_number is the id of the transaction that changed the row last: see docs/architecture.md, "Databases".

CREATE TABLE whk_enterprise (
    enterprise_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT,
    created_at    BIGINT NOT NULL,
    revision      BIGINT NOT NULL DEFAULT 0,
    active_keys   BIGINT NOT NULL DEFAULT 0 CHECK (active_keys >= 0),
    event_count   BIGINT NOT NULL DEFAULT 0,
    event_head    TEXT NOT NULL DEFAULT '',
    change_number BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX whk_enterprise_by_change ON whk_enterprise (change_number);

CREATE TABLE whk_admin (
    enterprise_id TEXT COLLATE "C" NOT NULL REFERENCES whk_enterprise (enterprise_id),
    user_id       TEXT COLLATE "C" NOT NULL,
    created_at    BIGINT NOT NULL,
    seal          TEXT,
    PRIMARY KEY (enterprise_id, user_id)
);

CREATE INDEX whk_admin_by_user ON whk_admin (user_id);

CREATE TABLE whk_token (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         TEXT COLLATE "C" NOT NULL UNIQUE,
    hash       TEXT COLLATE "C" NOT NULL UNIQUE,
    user_id    TEXT COLLATE "C" NOT NULL,
    label      TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE INDEX whk_token_by_user ON whk_token (user_id, seq);

CREATE TABLE whk_otp (
    user_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed_secret TEXT COLLATE "C" NOT NULL,
    algorithm     TEXT NOT NULL,
    digits        BIGINT NOT NULL,
    period        BIGINT NOT NULL,
    last_step     BIGINT NOT NULL DEFAULT -1,
    failures      BIGINT NOT NULL DEFAULT 0,
    locked_until  BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL
);

CREATE TABLE whk_key (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT COLLATE "C" NOT NULL,
    enterprise_id TEXT COLLATE "C" NOT NULL REFERENCES whk_enterprise (enterprise_id),
    key_id        TEXT COLLATE "C" NOT NULL,
    key_name      TEXT NOT NULL,
    algorithm     TEXT NOT NULL,
    jwks_uri      TEXT COLLATE "C",
    jwk           TEXT NOT NULL,
    thumbprint    TEXT COLLATE "C" NOT NULL,
    status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED')),
    created_at    BIGINT NOT NULL,
    created_by    TEXT NOT NULL,
    last_used_at  BIGINT,
    revoked_at    BIGINT,
    revoked_by    TEXT,
    remote_flaw   TEXT CHECK (remote_flaw IN ('unreachable', 'gone', 'changed')),
    seal          TEXT COLLATE "C",
    UNIQUE (enterprise_id, key_id),
    UNIQUE (enterprise_id, thumbprint)
);

CREATE INDEX whk_key_by_age ON whk_key (enterprise_id, seq);

CREATE INDEX whk_key_by_status ON whk_key (enterprise_id, status, seq);

CREATE INDEX whk_key_by_uri ON whk_key (jwks_uri) WHERE jwks_uri IS NOT NULL;

CREATE TABLE whk_event (
    enterprise_id  TEXT COLLATE "C" NOT NULL REFERENCES whk_enterprise (enterprise_id),
    id             BIGINT NOT NULL,
    type           TEXT NOT NULL,
    key_id         TEXT COLLATE "C",
    actor          TEXT NOT NULL,
    at             BIGINT NOT NULL,
    remote_address TEXT,
    request_id     TEXT,
    detail         TEXT,
    hash           TEXT COLLATE "C" NOT NULL,
    seal           TEXT COLLATE "C",
    PRIMARY KEY (enterprise_id, id)
);

CREATE TABLE whk_remote_set (
    uri          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    etag         TEXT,
    refresh_at   BIGINT NOT NULL,
    fresh_until  BIGINT NOT NULL,
    leased_until BIGINT NOT NULL DEFAULT 0,
    failures     BIGINT NOT NULL DEFAULT 0,
    etag_seal    TEXT
);

CREATE INDEX whk_remote_set_by_refresh ON whk_remote_set (refresh_at);

CREATE TABLE whk_used_material (
    enterprise_id TEXT COLLATE "C" NOT NULL REFERENCES whk_enterprise (enterprise_id),
    thumbprint    TEXT COLLATE "C" NOT NULL,
    key_id        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (enterprise_id, thumbprint)
);

CREATE FUNCTION whk_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0];
END
$$;

CREATE TRIGGER whk_key_stays BEFORE DELETE ON whk_key
FOR EACH ROW EXECUTE FUNCTION whk_refuse('a key is never deleted: its keyId is used up for ever');

CREATE TRIGGER whk_keys_stay BEFORE TRUNCATE ON whk_key
FOR EACH STATEMENT EXECUTE FUNCTION whk_refuse('a key is never deleted: its keyId is used up for ever');

CREATE TRIGGER whk_key_stays_revoked BEFORE UPDATE OF status ON whk_key
FOR EACH ROW WHEN (OLD.status = 'REVOKED' AND NEW.status <> 'REVOKED')
EXECUTE FUNCTION whk_refuse('a revoked key stays revoked');

CREATE TRIGGER whk_event_stays BEFORE DELETE ON whk_event
FOR EACH ROW EXECUTE FUNCTION whk_refuse('the audit trail is append-only');

CREATE TRIGGER whk_events_stay BEFORE TRUNCATE ON whk_event
FOR EACH STATEMENT EXECUTE FUNCTION whk_refuse('the audit trail is append-only');

CREATE TRIGGER whk_event_stays_as_it_is
BEFORE UPDATE OF enterprise_id, id, type, key_id, actor, at, remote_address, request_id, detail, hash ON whk_event
FOR EACH ROW EXECUTE FUNCTION whk_refuse('the audit trail is append-only');

CREATE TRIGGER whk_used_material_stays BEFORE DELETE OR UPDATE ON whk_used_material
FOR EACH ROW EXECUTE FUNCTION whk_refuse('key material is used once');

CREATE TRIGGER whk_used_materials_stay BEFORE TRUNCATE ON whk_used_material
FOR EACH STATEMENT EXECUTE FUNCTION whk_refuse('key material is used once');
