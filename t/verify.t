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
    invalid(verify('verify', { jws => detached($key) }), $key, 'malformed_jws', qr/payload/, 'detached without its payload');
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

subtest 'a key by jwksUri is fetched anew' => sub {
    my $origin = WHK::Origin->new(cert => undef);
    my $remote = $w->key('EdDSA', register => 0, kid => 'remote');
    my $serve  = sub { WHK::Origin::serve('verify.json', $json->encode({ keys => [@_] })) };
    my $path   = $serve->({ %{ $remote->{jwk} }, kid => 'remote' });
    my $r      = $w->admins->register($client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'remote' });
    is($r->status, 201, 'registered') or diag $r->body;
    valid(verify('remote', { jws => attached($remote) }), $remote, 'good');
    $serve->({ %{ $key->{jwk} }, kid => 'remote' });
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'jwks_uri_key_changed', qr/registered/, 'another key');
    $serve->();
    invalid(verify('remote', { jws => attached($remote) }), $remote, 'jwks_uri_unreachable', qr/\w/, 'no key');
};

done_testing;
