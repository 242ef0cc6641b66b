# SPDX-License-Identifier: Apache-2.0
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
my $head = $client->request(HEAD => $path, { $admins->read });
is($head->status, 200, 'HEAD');
is($head->header($_), $r->header($_), "... $_ is that of GET") for qw(ETag Cache-Control Content-Type Content-Length X-Content-Type-Options);
is($client->request(HEAD => $path, { $admins->read, 'If-None-Match' => $etag })->status, 304, '... If-None-Match');
is(get('If-None-Match' => "W/\"other\", $etag")->header('X-Content-Type-Options'), 'nosniff', '304: X-Content-Type-Options');
refused(get('If-Match' => '"other"'), 412, 'invalid_request', 'If-Match: another');
is(get('If-Match' => $etag)->status, 200, 'If-Match: this one');

refused($client->request(GET => $path), 401, 'invalid_token', 'without a token');
refused($client->request(POST => $path, { $admins->read }, '{}'), 405, 'method_not_allowed', 'POST');
refused($client->request(GET => $path =~ s/set/other/r, { $admins->read }), 403, 'not_enterprise_admin', 'another enterprise');
is($admins->revoke($client, 'ec')->status, 200, 'another is revoked');
$r = get('If-None-Match' => $etag);
is($r->status, 200, 'the set is another');
is(scalar @{ $r->json->{keys} }, 3, '... without it');

subtest 'algorithms, and more than a page' => sub {
    my $all   = 'EdDSA Ed448 ES256 ES384 ES512 ES256K';
    my $own   = WHK::Server->new(children => 1, before => "WebhookKeysAlgorithms $all RS512 RS384\nWebhookKeysMaxActive 200");
    my $to    = WHK::Client->new($own->port);
    my $admin = WHK::Admins->new($own, 'all', 1)->codes_work_again;
    my $read  = sub { $to->request(GET => $own->prefix . '/enterprises/all/webhooks/jwks.json', { $admin->read, @_ }) };
    my @kinds = (
        [ 'ed25519', 'EdDSA' ], [ 'ed448', 'EdDSA' ], [ 'p256', 'ES256' ], [ 'p384', 'ES384' ], [ 'p521', 'ES512' ], [ 'secp256k1', 'ES256K' ],
        [ 'rsa2048', 'RS384' ], [ 'rsa2048', 'RS512', alg => 'RS512' ], [ 'ed25519', 'Ed25519', alg => 'Ed25519' ],
    );
    for my $i (0 .. $#kinds) {
        my ($kind, undef, @members) = @{ $kinds[$i] };
        is($admin->register($to, { keyId => "k$i", jwks => WHK::Keys::jwks(WHK::Keys::jwk($kind, @members)) })->status, 201, "$kind @members");
    }
    is_deeply([ map { $_->{alg} } @{ $read->()->json->{keys} } ], [ map { $_->[1] } @kinds ], 'alg as JWS names it, or as the JWK says');
    is($read->()->header('Cache-Control'), 'max-age=300', 'the default of WebhookKeysJwksMaxAge');
    my @many = WHK::Keys::many(120);
    my @bad  = grep { $admin->register($to, { keyId => "m$_", jwks => WHK::Keys::jwks($many[$_]) })->status != 201 } 0 .. $#many;
    is("@bad", '', scalar(@many) . ' more');
    is_deeply([ map { $_->{kid} } @{ $read->()->json->{keys} } ], [ (map { "k$_" } 0 .. $#kinds), map { "m$_" } 0 .. $#many ], 'all of them, oldest first');
    $own->write_conf(children => 1, before => "WebhookKeysAlgorithms EdDSA\nWebhookKeysMaxActive 200", location => 'WebhookKeysJwksMaxAge 0');
    $own->restart;
    $to->close;
    my $r = $read->();
    is($r->header('Cache-Control'), 'max-age=0', 'WebhookKeysJwksMaxAge 0');
    is($r->json->{keys}[$_]{alg}, $kinds[$_][1], "an algorithm that is off now: $kinds[$_][1] of $kinds[$_][0]") for 1 .. 5;
    ok(!exists $r->json->{keys}[6]{alg}, 'RSA with no RSA algorithm on: no alg');
    is($r->json->{keys}[7]{alg}, 'RS512', '... but the one of the JWK');
};

$server->sql(q(UPDATE whk_key SET jwk = '{"kty":"oct"}' WHERE key_id = 'rsa'));
my $damaged = get();
refused($damaged, 500, 'internal_error', 'a set of which a key can not be read');
unlike($damaged->message, qr/rsa|row/, '... says no more');
like($server->error_log, qr/the row of key rsa of enterprise set is not to be trusted: its seal does not fit/, '... but in the log');

done_testing;
