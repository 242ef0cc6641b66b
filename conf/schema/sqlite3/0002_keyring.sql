-- SPDX-License-Identifier: Apache-2.0
-- Which enterprises' keys changed since: each change of a revision takes the next number. SQLite has one writer, so
-- numbers become visible in their order.

ALTER TABLE whk_enterprise ADD COLUMN change_number INTEGER NOT NULL DEFAULT 0;

CREATE INDEX whk_enterprise_by_change ON whk_enterprise (change_number);
