-- SPDX-License-Identifier: Apache-2.0
-- When a key is planned to be revoked, which its seal holds, and what is due by the time that it is.

ALTER TABLE whk_key ADD COLUMN revokes_at INTEGER CHECK (revokes_at > 0);

CREATE INDEX whk_key_by_plan ON whk_key (revokes_at) WHERE status = 'ACTIVE' AND revokes_at IS NOT NULL;
