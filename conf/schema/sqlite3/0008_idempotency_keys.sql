-- SPDX-License-Identifier: Apache-2.0
-- What was answered to a registration that had an Idempotency-Key, for 24 hours: code is NULL where it was done, and answer then its
-- JSON, else its message. body_hash is the SHA-256 of the request's body.

CREATE TABLE whk_idempotency_key (
    enterprise_id   TEXT NOT NULL REFERENCES whk_enterprise (enterprise_id),
    user_id         TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    body_hash       TEXT NOT NULL,
    code            TEXT,
    answer          TEXT NOT NULL,
    seal            TEXT,
    PRIMARY KEY (enterprise_id, user_id, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX whk_idempotency_key_by_age ON whk_idempotency_key (enterprise_id, created_at);
