-- SPDX-License-Identifier: Apache-2.0
-- Whom WebhookKeysNotify has still to tell of. Of an enterprise: up to which event it was told (position), which is the last
-- that is to be (queued), since when one is due, NULL for none, and by whom it was taken. The row without an enterprise has
-- since when events are told at all. Of a key: up to which moment somebody was warned that it is about to be revoked
-- (warned_at), and when it is to be looked at next whether it is in use (unused_at).

CREATE TABLE whk_notification (
    enterprise_id TEXT NOT NULL PRIMARY KEY,
    position      INTEGER NOT NULL,
    queued        INTEGER NOT NULL DEFAULT 0,
    due_at        INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,
    leased_until  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX whk_notification_by_due ON whk_notification (due_at) WHERE due_at IS NOT NULL;

ALTER TABLE whk_key ADD COLUMN warned_at INTEGER;

ALTER TABLE whk_key ADD COLUMN unused_at INTEGER NOT NULL DEFAULT 0;

UPDATE whk_key SET unused_at = coalesce(last_used_at, created_at) + 7776000000 WHERE status = 'ACTIVE';

CREATE INDEX whk_key_by_use ON whk_key (unused_at) WHERE status = 'ACTIVE';
