-- SPDX-License-Identifier: Apache-2.0
-- The registry, as conf/schema/sqlite3 makes it by its first four migrations. Text is bytes (VARBINARY): MariaDB would
-- compare it by a collation, and pad it. A name has up to 255 characters of up to four bytes. Times are milliseconds since
-- 1970 UTC. Keys and events are never deleted, and what a key is never changes. In a migration a paragraph is a
-- statement: a blank line ends it, and none stands inside one. MariaDB commits each by itself, so each can be repeated.
-- change_number comes from the one row of whk_change_counter: see docs/architecture.md, "Databases". seq counts an
-- enterprise's keys, in the order of its own transactions: numbers of AUTO_INCREMENT are not in that of commits on Galera.

CREATE TABLE IF NOT EXISTS whk_enterprise (
    enterprise_id VARBINARY(1020) NOT NULL PRIMARY KEY,
    name          VARBINARY(1020),
    created_at    BIGINT NOT NULL,
    revision      BIGINT NOT NULL DEFAULT 0,
    active_keys   BIGINT NOT NULL DEFAULT 0 CHECK (active_keys >= 0),
    event_count   BIGINT NOT NULL DEFAULT 0,
    event_head    VARBINARY(64) NOT NULL DEFAULT '',
    change_number BIGINT NOT NULL DEFAULT 0,
    KEY whk_enterprise_by_change (change_number)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_change_counter (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL
) ENGINE = InnoDB;

INSERT INTO whk_change_counter (id, number) VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id;

CREATE TABLE IF NOT EXISTS whk_admin (
    enterprise_id VARBINARY(1020) NOT NULL,
    user_id       VARBINARY(1020) NOT NULL,
    created_at    BIGINT NOT NULL,
    seal          VARBINARY(255),
    PRIMARY KEY (enterprise_id, user_id),
    KEY whk_admin_by_user (user_id),
    CONSTRAINT whk_admin_enterprise FOREIGN KEY (enterprise_id) REFERENCES whk_enterprise (enterprise_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_token (
    seq        BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id         VARBINARY(64) NOT NULL,
    hash       VARBINARY(64) NOT NULL,
    user_id    VARBINARY(1020) NOT NULL,
    label      VARBINARY(1020),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    UNIQUE KEY whk_token_id (id),
    UNIQUE KEY whk_token_hash (hash),
    KEY whk_token_by_user (user_id, seq)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_otp (
    user_id       VARBINARY(1020) NOT NULL PRIMARY KEY,
    sealed_secret VARBINARY(1020) NOT NULL,
    algorithm     VARBINARY(16) NOT NULL,
    digits        BIGINT NOT NULL,
    period        BIGINT NOT NULL,
    last_step     BIGINT NOT NULL DEFAULT -1,
    failures      BIGINT NOT NULL DEFAULT 0,
    locked_until  BIGINT NOT NULL DEFAULT 0,
    created_at    BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_key (
    enterprise_id VARBINARY(1020) NOT NULL,
    seq           BIGINT NOT NULL,
    id            VARBINARY(64) NOT NULL,
    key_id        VARBINARY(1020) NOT NULL,
    key_name      VARBINARY(1020) NOT NULL,
    algorithm     VARBINARY(64) NOT NULL,
    jwks_uri      VARBINARY(2048),
    jwk           VARBINARY(4096) NOT NULL,
    thumbprint    VARBINARY(64) NOT NULL,
    status        VARBINARY(16) NOT NULL CHECK (status IN ('ACTIVE', 'REVOKED')),
    created_at    BIGINT NOT NULL,
    created_by    VARBINARY(1100) NOT NULL,
    last_used_at  BIGINT,
    revoked_at    BIGINT,
    revoked_by    VARBINARY(1100),
    remote_flaw   VARBINARY(16) CHECK (remote_flaw IN ('unreachable', 'gone', 'changed')),
    seal          VARBINARY(255),
    PRIMARY KEY (enterprise_id, seq),
    UNIQUE KEY whk_key_once (enterprise_id, key_id),
    UNIQUE KEY whk_key_material_once (enterprise_id, thumbprint),
    KEY whk_key_by_status (enterprise_id, status, seq),
    KEY whk_key_by_uri (jwks_uri),
    CONSTRAINT whk_key_enterprise FOREIGN KEY (enterprise_id) REFERENCES whk_enterprise (enterprise_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_event (
    enterprise_id  VARBINARY(1020) NOT NULL,
    id             BIGINT NOT NULL,
    type           VARBINARY(64) NOT NULL,
    key_id         VARBINARY(1020),
    actor          VARBINARY(1100) NOT NULL,
    at             BIGINT NOT NULL,
    remote_address VARBINARY(255),
    request_id     VARBINARY(255),
    detail         VARBINARY(1020),
    hash           VARBINARY(64) NOT NULL,
    seal           VARBINARY(255),
    PRIMARY KEY (enterprise_id, id),
    CONSTRAINT whk_event_enterprise FOREIGN KEY (enterprise_id) REFERENCES whk_enterprise (enterprise_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_remote_set (
    uri          VARBINARY(2048) NOT NULL PRIMARY KEY,
    etag         VARBINARY(300),
    refresh_at   BIGINT NOT NULL,
    fresh_until  BIGINT NOT NULL,
    leased_until BIGINT NOT NULL DEFAULT 0,
    failures     BIGINT NOT NULL DEFAULT 0,
    etag_seal    VARBINARY(255),
    KEY whk_remote_set_by_refresh (refresh_at)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS whk_used_material (
    enterprise_id VARBINARY(1020) NOT NULL,
    thumbprint    VARBINARY(64) NOT NULL,
    key_id        VARBINARY(1020) NOT NULL,
    PRIMARY KEY (enterprise_id, thumbprint),
    CONSTRAINT whk_used_material_enterprise FOREIGN KEY (enterprise_id) REFERENCES whk_enterprise (enterprise_id)
) ENGINE = InnoDB;

CREATE OR REPLACE TRIGGER whk_enterprise_changes BEFORE UPDATE ON whk_enterprise FOR EACH ROW
IF NEW.revision <> OLD.revision THEN
    UPDATE whk_change_counter SET number = number + 1 WHERE id = 1;
    SET NEW.change_number = (SELECT number FROM whk_change_counter WHERE id = 1);
END IF;

CREATE OR REPLACE TRIGGER whk_key_stays BEFORE DELETE ON whk_key FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a key is never deleted: its keyId is used up for ever';

CREATE OR REPLACE TRIGGER whk_key_stays_revoked BEFORE UPDATE ON whk_key FOR EACH ROW
IF OLD.status = 'REVOKED' AND NEW.status <> 'REVOKED' THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a revoked key stays revoked';
END IF;

CREATE OR REPLACE TRIGGER whk_event_stays BEFORE DELETE ON whk_event FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit trail is append-only';

CREATE OR REPLACE TRIGGER whk_event_stays_as_it_is BEFORE UPDATE ON whk_event FOR EACH ROW
IF NOT (NEW.enterprise_id <=> OLD.enterprise_id AND NEW.id <=> OLD.id AND NEW.type <=> OLD.type
    AND NEW.key_id <=> OLD.key_id AND NEW.actor <=> OLD.actor AND NEW.at <=> OLD.at
    AND NEW.remote_address <=> OLD.remote_address AND NEW.request_id <=> OLD.request_id
    AND NEW.detail <=> OLD.detail AND NEW.hash <=> OLD.hash) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit trail is append-only';
END IF;

CREATE OR REPLACE TRIGGER whk_used_material_stays BEFORE DELETE ON whk_used_material FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'key material is used once';

CREATE OR REPLACE TRIGGER whk_used_material_stays_as_it_is BEFORE UPDATE ON whk_used_material FOR EACH ROW
IF NOT (NEW.enterprise_id <=> OLD.enterprise_id AND NEW.thumbprint <=> OLD.thumbprint AND NEW.key_id <=> OLD.key_id) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'key material is used once';
END IF;
