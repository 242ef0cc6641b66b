-- SPDX-License-Identifier: Apache-2.0
-- What was answered to a registration that had an Idempotency-Key, for 24 hours: code is NULL where it was done, and answer then its
-- JSON, else its message. body_hash is the SHA-256 of the request's body.

CREATE TABLE IF NOT EXISTS whk_idempotency_key (
    enterprise_id   VARBINARY(1020) NOT NULL,
    user_id         VARBINARY(1020) NOT NULL,
    idempotency_key VARBINARY(255) NOT NULL,
    created_at      BIGINT NOT NULL,
    body_hash       VARBINARY(64) NOT NULL,
    code            VARBINARY(64),
    answer          VARBINARY(32768) NOT NULL,
    seal            VARBINARY(255),
    PRIMARY KEY (enterprise_id, user_id, idempotency_key),
    KEY whk_idempotency_key_by_age (enterprise_id, created_at),
    CONSTRAINT whk_idempotency_key_enterprise FOREIGN KEY (enterprise_id) REFERENCES whk_enterprise (enterprise_id)
) ENGINE = InnoDB;
