# SPDX-License-Identifier: Apache-2.0
# POST .../keys/{keyId}/verify: does a signature work with this key, and if not, why?
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use WHK::Answers qw(json_headers refused);
use WHK::Keys;
use WHK::Origin;
use WHK::Webhooks;

my $json = JSON::PP->new->utf8->canonical;
my $w    = WHK::Webhooks->new(
    enterprise => 'verify', before => "WebhookKeysAlgorithms EdDSA ES256 ES384 RS256\nWebhookKeysJwksUriAllow 127.0.0.1"
);
my $client = $w->client;
my $body   = join '', map { chr } 0 .. 255;

sub verify {
    my ($key_id, $what, %headers) = @_;
    my $text = ref $what ? $json->encode($what) : $what;
    $key_id =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $client->request(
        POST => $w->server->keys('verify') . "/$key_id/verify",
        { $w->admins->read, 'Content-Type' => 'application/json', %headers }, $text
    );
}

# The same signed twice: detached, and whole.
sub detached { my ($key, %how) = @_; return (values %{ $w->sign($key, $body, %how)->{headers} })[0] }

sub attached {
    my ($key, %how) = @_;
    return $w->sign($key, $body, scheme => 'jws', %how)->{body};
}

sub valid {
    my ($r, $key, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply($r->json, { valid => JSON::PP::true, keyId => $key->{kid}, alg => $key->{alg} }, $name) || diag $r->body;
}

sub invalid {
    my ($r, $key, $reason, $message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $answer = $r->json // {};
    is($r->status, 200, "$name: 200");
    is($answer->{reason}, $reason, "... $reason") or diag $r->body;
    ok(exists $answer->{valid} && !$answer->{valid}, '... not valid');
    is($answer->{keyId}, $key->{kid}, '... the key');
    return like($answer->{message}, $message, '... and what to do');
}

for my $alg (qw(EdDSA ES256 ES384 RS256)) {
    my $key = $w->key($alg, kid => "a/$alg");
    valid(verify($key->{kid}, { jws => attached($key) }), $key, "$alg, whole");
    valid(verify($key->{kid}, { jws => detached($key), payload => encode_base64url($body) }), $key, "$alg, detached");
    valid(verify($key->{kid}, { jws => detached($key, b64 => JSON::PP::false), payload => encode_base64url($body) }), $key, "$alg, unencoded");
    valid(verify($key->{kid}, { jws => detached($key, protected => { kid => undef }), payload => encode_base64url($body) }), $key, "$alg, no kid");
    invalid(verify($key->{kid}, { jws => detached($key), payload => encode_base64url("$body ") }), $key, 'bad_signature', qr/sign/, "$alg, changed");
}
my $key = $w->key('ES256', kid => 'verify');
json_headers(verify('verify', { jws => attached($key) }), 'headers');
valid(verify('verify', { jws => attached($key), payload => undef, more => 1 }), $key, 'null and unknown members');

subtest 'reasons' => sub {
    my $other = $w->key('ES384', kid => 'other');
    invalid(verify('verify', { jws => attached({ %$other, kid => 'verify' }) }), $key, 'algorithm_mismatch',
        qr/^the JWS header says ES384, this key is P-256: sign with ES256$/, 'another algorithm');
    invalid(verify('verify', { jws => attached($key, protected => { kid => 'other' }) }), $key, 'key_id_mismatch', qr/kid/, 'another kid');
    invalid(verify('verify', { jws => $_ }), $key, 'malformed_jws', qr/\w/, "malformed: $_") for '', 'a', 'a.b', 'a.b.c', 'a.b.c.d', 'e30.e30.e30', attached($key) . '.', attached($key) . '=';
    invalid(verify('verify', { jws => detached($key) }), $key, 'bad_signature', qr/payload/, 'detached without its payload');
    my $revoked = $w->key('EdDSA');
    $w->revoke($revoked);
    invalid(verify($revoked->{kid}, { jws => attached($revoked) }), $revoked, 'key_revoked', qr/revoked/, 'revoked');
};

subtest 'requests' => sub {
    refused(verify('unknown', { jws => attached($key) }), 404, 'key_not_found', 'an unknown key');
    refused(verify('verify', $_), 400, 'invalid_request', "shape: $_") for '{}', '[]', '"a"', '{"jws":null}', '{"jws":1}', '{"jws":["a"]}', '{"jws":"a.b.c","payload":1}', '{"jws":"a.b.c","payload":"a b"}';
    refused(verify('verify', $_), 400, 'invalid_json', "no JSON: $_") for '', '{', '{"jws":"a","jws":"b"}', "{\"jws\":\"\xff\"}", '{"jws":"a"} x';
    refused(verify('verify', { jws => 'a' }, 'Content-Type' => 'text/plain'), 415, 'unsupported_media_type', 'another media type');
    refused(verify('verify', '{"jws":"' . 'a' x 70_000 . '"}'), 413, 'body_too_large', 'too long');
    my $path = $w->server->keys('verify') . '/verify/verify';
    refused($client->request(POST => $path, { 'Content-Type' => 'application/json' }, '{}'), 401, 'invalid_token', 'without a token');
    refused($client->request(GET => $path, { $w->admins->read }), 405, 'method_not_allowed', 'GET');
    my $r = $client->request(OPTIONS => $path);
    is($r->status . ' ' . $r->header('Allow'), '204 POST, OPTIONS', 'OPTIONS');
};

# As if the background had not been able to fetch any set for a while.
sub let_sets_age { my $server = shift; $server->sql('UPDATE whk_remote_set SET fresh_until = 1'); return }

subtest 'a key by jwksUri: the set at hand, and fetched anew where that is not fresh' => sub {
    my $origin = WHK::Origin->new(cert => undef);
    my $remote = $w->key('EdDSA', register => 0, kid => 'remote');
    my $serve  = sub { WHK::Origin::serve('verify.json', $json->encode({ keys => [@_] })) };
    my $path   = $serve->({ %{ $remote->{jwk} }, kid => 'remote' });
    my $r      = $w->admins->register($client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'remote' });
    is($r->status, 201, 'registered') or diag $r->body;
    valid(verify('remote', { jws => attached($remote) }), $remote, 'good');
    $serve->({ %{ $key->{jwk} }, kid => 'remote' });
    my $asked = () = $origin->lines('request');
    valid(verify('remote', { jws => attached($remote) }), $remote, 'as it was found last') for 1 .. 3;
    is(scalar(() = $origin->lines('request')), $asked, '... without a fetch');
    let_sets_age($w->server);
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'jwks_uri_key_changed', qr/registered/, 'another key');
    cmp_ok(scalar(() = $origin->lines('request')), '>', $asked, '... by a fetch');
    $serve->();
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'jwks_uri_unreachable', qr/\w/, 'no key');
    $serve->({ %{ $remote->{jwk} }, kid => 'remote' });
    valid(verify('remote', { jws => attached($remote) }), $remote, 'good again');
    $origin->stop;
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'jwks_uri_unreachable', qr/jwksUri/, 'nobody there');
    invalid(verify('remote', { jws => 'a.b' }), $remote, 'malformed_jws', qr/two dots/, 'nobody there, and none is asked');
    $w->revoke($remote);
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'key_revoked', qr/revoked/, 'revoked, and none is asked');
};

subtest 'which reason comes first' => sub {
    my ($old, $p384) = ($w->key('EdDSA'), $w->key('ES384'));
    $w->revoke($old);
    my $at = $old->{kid};
    invalid(verify($at, { jws => attached($old, protected => { kid => 'other' }) }), $old, 'key_revoked', qr/revoked/, 'revoked, another kid');
    invalid(verify($at, { jws => attached({ %$key, kid => $at }) }), $old, 'key_revoked', qr/revoked/, 'revoked, another algorithm');
    invalid(verify($at, { jws => 'e30..AA' }), $old, 'malformed_jws', qr/alg/, 'revoked, but no JWS');
    invalid(verify('verify', { jws => attached($p384) }), $key, 'key_id_mismatch', qr/kid/, 'another kid and algorithm');
    invalid(verify('verify', { jws => attached({ %$p384, kid => 'verify' }) =~ s/.{8}\z//r }), $key, 'algorithm_mismatch', qr/P-256/, 'another algorithm, signature cut off');
};

subtest 'payloads' => sub {
    my $ed = $w->key('EdDSA');
    for my $signer ($key, $ed) {
        my ($jws) = values %{ $w->sign($signer, '')->{headers} };
        valid(verify($signer->{kid}, { jws => $jws, payload => '' }), $signer, "$signer->{alg}: no byte was signed");
        valid(verify($signer->{kid}, { jws => $jws, %$_ }), $signer, '... and no payload is there') for {}, { payload => undef };
    }
    invalid(verify('verify', { jws => attached($key), payload => encode_base64url($body) }), $key, 'malformed_jws', qr/leave its payload out/, 'whole, and its payload beside it');
    invalid(verify('verify', { jws => detached($key), payload => '' }), $key, 'bad_signature', qr/\w/, 'another payload: none');
    my $r = verify('verify', { jws => detached($key), payload => encode_base64url($body) . '=' });
    refused($r, 400, 'invalid_request', 'a padded payload');
    like($r->message, qr/^payload must/, '... names the place');
    $r = verify('verify', {});
    like($r->message, qr/^jws must/, 'no jws: names the place');
};

subtest 'times are not judged, nor is it a use' => sub {
    valid(verify('verify', { jws => attached($key, protected => { iat => 1, exp => 2 }) }), $key, 'ended in 1970') for 1 .. 2;
    valid(verify('verify', { jws => attached($key, protected => { nbf => 4102444800 }) }), $key, 'not good before 2100');
    is($w->admins->get($client, '/verify')->json->{lastUsedDate}, undef, 'lastUsedDate is for webhooks');
};

subtest 'whose key' => sub {
    my $other = $w->admins('elsewhere');
    my $path  = $w->server->keys('verify') . '/verify/verify';
    my %json  = ('Content-Type' => 'application/json');
    refused($client->request(POST => $path, { $other->read, %json }, '{}'), 403, 'not_enterprise_admin', 'an admin of another enterprise');
    refused($client->request(POST => $path =~ s/verify/elsewhere/r, { $other->read, %json }, $json->encode({ jws => attached($key) })), 404, 'key_not_found', 'a keyId of another enterprise');
    my $slash = $w->key('ES256', kid => 'a/verify');
    valid(verify('a/verify', { jws => attached($slash) }), $slash, 'a keyId that ends in /verify');
};

subtest 'jwksUri without a pin, and with all fetches taken' => sub {
    my $own = WHK::Webhooks->new(
        enterprise => 'busy', children => 1,
        before => "WebhookKeysJwksUriAllow 127.0.0.1\nWebhookKeysJwksUriPin Off\nWebhookKeysMaxFetches 2\nWebhookKeysJwksUriTimeout 5"
    );
    my $origin = WHK::Origin->new(cert => undef);
    my ($first, $second) = map { $own->key($_, register => 0, kid => 'remote') } qw(EdDSA ES256);
    my $serve = sub { WHK::Origin::serve('free.json', $json->encode({ keys => [ { %{ $_[0]{jwk} }, kid => 'remote' } ] })) };
    my $uri   = $origin->http_uri('127.0.0.1', $serve->($first));
    is($own->admins->register($own->client, { jwksUri => $uri, keyId => 'remote' })->status, 201, 'registered');
    $serve->($second);
    let_sets_age($own->server);
    my $path  = $own->server->keys('busy') . '/remote/verify';
    my $judge = sub { $own->client->request(POST => $path, { $own->admins->read, 'Content-Type' => 'application/json' }, $json->encode({ jws => attached($_[0]) })) };
    valid($judge->($second), $second, 'the key that is there now');
    invalid($judge->($first), $first, 'algorithm_mismatch', qr/P-256/, 'the one that was');

    my $text = $json->encode({ jwksUri => $origin->http_uri('127.0.0.1', '/hang'), keyId => 'hanging' });
    my %head = ($own->admins->write, Host => 'localhost', 'Content-Type' => 'application/json', 'Content-Length' => length $text);
    my $slow = WHK::Client->new($own->server->port);
    $slow->send('POST ' . $own->server->keys('busy') . " HTTP/1.1\r\n" . join('', map { "$_: $head{$_}\r\n" } sort keys %head) . "\r\n$text");
    for (1 .. 200) { last if grep { m{/hang} } $origin->lines('request'); select undef, undef, undef, 0.02 }
    my $r = $judge->($second);
    refused($r, 503, 'too_busy', 'no fetch is free');
    like($r->header('Retry-After') // '', qr/^[1-9]\d*$/, '... Retry-After');
    is($slow->receive->code, 'jwks_uri_unreachable', 'the one that hangs ends');
    valid($judge->($second), $second, 'and another may run');
};

done_testing;
