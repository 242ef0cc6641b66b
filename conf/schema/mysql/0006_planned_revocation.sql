-- SPDX-License-Identifier: Apache-2.0
-- When a key is planned to be revoked, which its seal holds, and what is due by the time that it is.

SET STATEMENT max_statement_time = 0 FOR
ALTER TABLE whk_key ADD COLUMN IF NOT EXISTS revokes_at BIGINT CHECK (revokes_at > 0);

SET STATEMENT max_statement_time = 0 FOR
CREATE OR REPLACE INDEX whk_key_by_plan ON whk_key (status, revokes_at);
