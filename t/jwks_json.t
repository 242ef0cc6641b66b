# GET .../webhooks/jwks.json: the ACTIVE public keys, for backends.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->new(before => 'WebhookKeysAlgorithms EdDSA ES256 RS256 PS512', location => 'WebhookKeysJwksMaxAge 60');
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'set', 1)->codes_work_again;
my $path   = $server->prefix . '/enterprises/set/webhooks/jwks.json';

sub get { my %headers = @_; return $client->request(GET => $path, { $admins->read, %headers }) }

my $empty = get();
is($empty->status, 200, 'no keys');
is_deeply($empty->json, { keys => [] }, '... an empty set');

my %jwk = (
    "my key/\x{fc}" => WHK::Keys::jwk('ed25519'), ec => WHK::Keys::jwk('p256'), rsa => WHK::Keys::jwk('rsa2048'),
    pss => WHK::Keys::jwk('rsa2048', alg => 'PS512'), gone => WHK::Keys::jwk('p256'),
);
my @order = ("my key/\x{fc}", 'ec', 'gone', 'rsa', 'pss');
for my $kid (@order) {
    my $r = $admins->register($client, { keyId => $kid, jwks => WHK::Keys::jwks($jwk{$kid}) });
    is($r->status, 201, "$kid is registered") or diag $r->body;
}
is($admins->revoke($client, 'gone')->status, 200, 'one is revoked');
my %alg = ("my key/\x{fc}" => 'EdDSA', ec => 'ES256', rsa => 'RS256', pss => 'PS512');

my $r = get();
is_deeply(
    $r->json,
    { keys => [ map { { %{ $jwk{$_} }, kid => $_, use => 'sig', alg => $alg{$_} } } grep { $_ ne 'gone' } @order ] },
    'the ACTIVE ones, oldest first'
) or diag $r->body;
is($r->header('Content-Type'),           'application/json', 'Content-Type');
is($r->header('Cache-Control'),          'max-age=60',       'Cache-Control');
is($r->header('X-Content-Type-Options'), 'nosniff',          'X-Content-Type-Options');
my $etag = $r->header('ETag');
like($etag, qr/^"[^"]+"$/, 'a strong ETag');
isnt($empty->header('ETag'), $etag, '... of what the set is');
is(get()->header('ETag'), $etag, '... and the same for the same');

for my $match ($etag, "\"other\", $etag", '*', "W/$etag") {
    my $not = get('If-None-Match' => $match);
    is($not->status, 304, "If-None-Match: $match");
    is($not->body, '', '... no body');
    is($not->header('ETag'), $etag, '... its ETag');
    is($not->header('Cache-Control'), 'max-age=60', '... how long it is good');
}
is(get('If-None-Match' => '"other"')->status, 200, 'If-None-Match: another');
is($client->request(HEAD => $path, { $admins->read })->header('ETag'), $etag, 'HEAD');

refused($client->request(GET => $path), 401, 'invalid_token', 'without a token');
refused($client->request(POST => $path, { $admins->read }, '{}'), 405, 'method_not_allowed', 'POST');
refused($client->request(GET => $path =~ s/set/other/r, { $admins->read }), 403, 'not_enterprise_admin', 'another enterprise');
is($admins->revoke($client, 'ec')->status, 200, 'another is revoked');
$r = get('If-None-Match' => $etag);
is($r->status, 200, 'the set is another');
is(scalar @{ $r->json->{keys} }, 3, '... without it');

done_testing;
