-- SPDX-License-Identifier: Apache-2.0
-- A row is worth what its seal says: see src/registry/seal.h. What is there is sealed by code, in the transaction of
-- this migration. whk_used_material holds each public key that an enterprise ever had, also one that a rotation at its
-- jwksUri replaced.

ALTER TABLE whk_key ADD COLUMN seal TEXT;

ALTER TABLE whk_admin ADD COLUMN seal TEXT;

ALTER TABLE whk_event ADD COLUMN seal TEXT;

ALTER TABLE whk_remote_set ADD COLUMN etag_seal TEXT;

DROP TRIGGER whk_event_stays_as_it_is;

CREATE TRIGGER whk_event_stays_as_it_is
BEFORE UPDATE OF enterprise_id, id, type, key_id, actor, at, remote_address, request_id, detail, hash ON whk_event
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;

CREATE TABLE whk_used_material (
    enterprise_id TEXT NOT NULL REFERENCES whk_enterprise (enterprise_id),
    thumbprint    TEXT NOT NULL,
    key_id        TEXT NOT NULL,
    PRIMARY KEY (enterprise_id, thumbprint)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER whk_used_material_stays BEFORE DELETE ON whk_used_material
BEGIN
    SELECT RAISE(ABORT, 'key material is used once');
END;

CREATE TRIGGER whk_used_material_stays_as_it_is BEFORE UPDATE ON whk_used_material
BEGIN
    SELECT RAISE(ABORT, 'key material is used once');
END;

INSERT INTO whk_used_material (enterprise_id, thumbprint, key_id)
SELECT enterprise_id, thumbprint, key_id FROM whk_key;
