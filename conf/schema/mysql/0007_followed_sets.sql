-- SPDX-License-Identifier: Apache-2.0
-- Key sets that are followed: a key that came by one names it in followed_by, and gone_at says since when the set has it no
-- more. refused, of the set's own row, tells which of its members were refused last; asked_at of whk_remote_set, when somebody
-- asked last for a fetch before its time.

ALTER TABLE whk_key ADD COLUMN IF NOT EXISTS followed_by VARBINARY(1020);

ALTER TABLE whk_key ADD COLUMN IF NOT EXISTS gone_at BIGINT;

ALTER TABLE whk_key ADD COLUMN IF NOT EXISTS refused VARBINARY(2048);

ALTER TABLE whk_remote_set ADD COLUMN IF NOT EXISTS asked_at BIGINT NOT NULL DEFAULT 0;
