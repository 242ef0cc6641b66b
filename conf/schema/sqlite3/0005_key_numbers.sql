-- SPDX-License-Identifier: Apache-2.0
-- An enterprise's keys are numbered 1, 2, 3 ... without a gap, as they were registered: a page of a list begins where its
-- number says, and how many there are stands in the enterprise's row. Nothing counts or leaves out rows. And of a set by
-- URI the ACTIVE keys alone are asked for. Changes are listed a page at a time.

ALTER TABLE whk_enterprise ADD COLUMN key_count INTEGER NOT NULL DEFAULT 0 CHECK (key_count >= 0);

ALTER TABLE whk_key ADD COLUMN key_number INTEGER NOT NULL DEFAULT 0;

UPDATE whk_key SET key_number = numbered.number
FROM (SELECT seq, row_number() OVER (PARTITION BY enterprise_id ORDER BY seq) AS number FROM whk_key) AS numbered
WHERE whk_key.seq = numbered.seq;

DROP INDEX whk_key_by_age;

CREATE UNIQUE INDEX whk_key_by_number ON whk_key (enterprise_id, key_number);

DROP INDEX whk_key_by_status;

CREATE INDEX whk_key_by_status ON whk_key (enterprise_id, status, key_number);

DROP INDEX whk_key_by_uri;

CREATE INDEX whk_key_by_uri ON whk_key (jwks_uri) WHERE jwks_uri IS NOT NULL AND status = 'ACTIVE';

UPDATE whk_enterprise SET key_count =
(SELECT count(*) FROM whk_key WHERE whk_key.enterprise_id = whk_enterprise.enterprise_id);

DROP INDEX whk_enterprise_by_change;

CREATE INDEX whk_enterprise_by_change ON whk_enterprise (change_number, enterprise_id);
