-- SPDX-License-Identifier: Apache-2.0
-- An enterprise's keys are numbered 1, 2, 3 ... without a gap, as they were registered: a page of a list begins where its
-- number says, and how many there are stands in the enterprise's row. Nothing counts or leaves out rows. And of a set by
-- URI the ACTIVE keys alone are asked for. What was called seq is that number already. It gets the name that it has in the
-- other databases as late as can be, but before keys are counted: from then on a version before this, which would not
-- count, can register none.

ALTER TABLE whk_enterprise ADD COLUMN IF NOT EXISTS key_count BIGINT NOT NULL DEFAULT 0 CHECK (key_count >= 0);

SET STATEMENT max_statement_time = 0 FOR
CREATE OR REPLACE INDEX whk_key_by_uri ON whk_key (jwks_uri, status);

ALTER TABLE whk_key CHANGE COLUMN IF EXISTS seq key_number BIGINT NOT NULL;

SET STATEMENT max_statement_time = 0 FOR
UPDATE whk_enterprise SET key_count = greatest(key_count,
(SELECT coalesce(max(key_number), 0) FROM whk_key WHERE whk_key.enterprise_id = whk_enterprise.enterprise_id));
