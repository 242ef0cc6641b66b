-- SPDX-License-Identifier: Apache-2.0
-- Key sets by URI, which a background task fetches again. One row a URI; leased_until keeps all processes but one away
-- from it while that one fetches. remote_flaw of a key: why it does not verify now, NULL where it does.

CREATE TABLE whk_remote_set (
    uri          TEXT NOT NULL PRIMARY KEY,
    etag         TEXT,
    refresh_at   INTEGER NOT NULL,
    fresh_until  INTEGER NOT NULL,
    leased_until INTEGER NOT NULL DEFAULT 0,
    failures     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX whk_remote_set_by_refresh ON whk_remote_set (refresh_at);

ALTER TABLE whk_key ADD COLUMN remote_flaw TEXT CHECK (remote_flaw IN ('unreachable', 'gone', 'changed'));

CREATE INDEX whk_key_by_uri ON whk_key (jwks_uri) WHERE jwks_uri IS NOT NULL;

INSERT INTO whk_remote_set (uri, refresh_at, fresh_until)
SELECT jwks_uri, 0, strftime('%s', 'now') * 1000 FROM whk_key WHERE jwks_uri IS NOT NULL GROUP BY jwks_uri;
