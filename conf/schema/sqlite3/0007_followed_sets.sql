-- SPDX-License-Identifier: Apache-2.0
-- Key sets that are followed: a key that came by one names it in followed_by, and gone_at says since when the set has it no
-- more. refused, of the set's own row, tells which of its members were refused last; asked_at of whk_remote_set, when somebody
-- asked last for a fetch before its time.

ALTER TABLE whk_key ADD COLUMN followed_by TEXT;

ALTER TABLE whk_key ADD COLUMN gone_at INTEGER;

ALTER TABLE whk_key ADD COLUMN refused TEXT;

ALTER TABLE whk_remote_set ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;
