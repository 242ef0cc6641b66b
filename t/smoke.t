# SPDX-License-Identifier: Apache-2.0
# The main job, once, end to end.
use strict;
use warnings;
use Test::More;
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->shared;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'smoke', 2);
my $jwks   = WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'first'));

my $r = $admins->register($client, { jwks => $jwks, keyName => 'Production' });
is($r->status, 201, 'registered') or diag $r->body;
is($r->json->{keyName}, 'Production', 'with its name');
is($r->header('Location'), $server->keys('smoke') . '/first', 'Location');
is($admins->get($client)->json->{total}, 1, 'listed');
is($admins->revoke($client, 'first')->status, 200, 'revoked');
$r = $admins->register($client, { jwks => $jwks });
is($r->status, 400, 'refused for ever');
is($r->code, 'key_id_taken', 'because its keyId is used up');
done_testing;
