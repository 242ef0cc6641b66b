# SPDX-License-Identifier: Apache-2.0
# The order of the checks (docs/api.md, "The order of the checks"): of two things that are wrong, the earlier one decides. And a
# configuration that forgets a check closes the API.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(time);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->shared;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'order', 12);
$server->ctl('enterprise', 'add', 'order-other');
my $keys   = $server->keys('order');
my $other  = $server->keys('order-other');
my %reader = $admins->read;
my %wrong  = (%reader, OTP => '0');
my %json   = ('Content-Type' => 'application/json');
my $jwk    = WHK::Keys::jwk('ed25519');
my $good   = encode_json({ keyId => 'good', jwks => WHK::Keys::jwks($jwk) });

sub body { my %members = @_; return encode_json({ keyId => 'taken', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')), %members }) }

sub state_of_otp { return $server->sql(q{SELECT failures || ' ' || last_step FROM whk_otp WHERE user_id = 'admin1@order'}) }

# A row of refused codes would lock the user.
sub forget_refusals { return $server->sql(q{UPDATE whk_otp SET failures = 0 WHERE user_id LIKE '%@order'}) }

# The bytes of an answer as they come, an interim one included.
sub first_bytes {
    my ($bytes) = @_;
    $client->close;
    $client->send($bytes);
    while ($client->{buffer} !~ /\r\n\r\n/) { $client->more or last }
    return $client->{buffer};
}

subtest 'route and method, then token' => sub {
    refused($client->request(GET => "$keys/a/b"), 404, 'not_found', 'unknown path, no token');
    refused($client->request(GET => "$keys/a/b", { Authorization => 'Bearer x' }), 404, 'not_found', 'unknown path, wrong token');
    refused($client->request(PUT => $keys), 405, 'method_not_allowed', 'wrong method, no token');
    refused($client->request(DELETE => $keys, { Authorization => 'Bearer x' }), 405, 'method_not_allowed', 'wrong method, wrong token');
};

subtest 'token, then admin' => sub {
    for my $method (qw(GET POST)) {
        refused($client->request($method => $other, { Authorization => 'Bearer x' }), 401, 'invalid_token', "$method: wrong token, not admin");
        refused($client->request($method => $server->keys('no-such')), 401, 'invalid_token', "$method: no token, no enterprise");
    }
    refused($client->request(DELETE => "$other/x"), 401, 'invalid_token', 'DELETE: no token, not admin');
};

subtest 'admin, then one-time password' => sub {
    my $before = state_of_otp();
    for my $headers ({%reader}, {%wrong}, { $admins->write }) {
        refused($client->request(POST => $other, $headers, '{}'), 403, 'not_enterprise_admin', 'POST: not admin, and OTP ' . ($headers->{OTP} // 'none'));
        refused($client->request(DELETE => "$other/x", $headers), 403, 'not_enterprise_admin', 'DELETE: the same');
    }
    is(state_of_otp(), $before, 'no code was judged');
};

subtest 'one-time password, then media type and size' => sub {
    my %text = ('Content-Type' => 'text/plain');
    my %huge = ('Content-Length' => 10_000_000);
    refused($client->request(POST => $keys, { %reader, %text }, 'x'), 401, 'otp_required', 'no code, wrong type');
    refused($client->request(POST => $keys, { %wrong, %text }, 'x'), 401, 'otp_invalid', 'wrong code, wrong type');
    refused($client->request(POST => $keys, { %reader, %json, %huge }), 401, 'otp_required', 'no code, too long');
    $client->close;
    refused($client->request(POST => $keys, { %wrong, %json, %huge }), 401, 'otp_invalid', 'wrong code, too long');
    $client->close;
    refused($client->request(DELETE => "$keys/unknown", {%wrong}), 401, 'otp_invalid', 'wrong code, unknown key');
    refused($client->request(DELETE => "$keys/unknown", {%reader}), 401, 'otp_required', 'no code, unknown key');
    forget_refusals();
};

subtest 'a wrong code stops the request before its body' => sub {
    my $head = sub {
        my %h = (%json, 'Content-Length' => length $good, @_);
        return join '', "POST $keys HTTP/1.1\r\nHost: localhost\r\n", (map { "$_: $h{$_}\r\n" } sort keys %h), "\r\n";
    };
    my %expect = (Expect => '100-continue');
    for my $case ([%expect, %wrong], [%expect, %reader], [%wrong], [%reader], [%expect], []) {
        my $start = time;
        my $bytes = first_bytes($head->(@$case));
        like($bytes, qr{\AHTTP/1\.1 401 }, '401, and no 100') or diag "@$case";
        cmp_ok(time - $start, '<', 2, '... at once');
        like($bytes, qr{^Connection: close\r$}m, '... and the connection ends, for the body may still come');
    }
    like(first_bytes($head->(%expect, %reader, Authorization => 'Bearer x')), qr{\AHTTP/1\.1 401 }, 'a wrong token does so too');
    (my $elsewhere = $head->(%expect, %reader)) =~ s{POST \S+}{POST $other};
    like(first_bytes($elsewhere), qr{\AHTTP/1\.1 403 }, 'and no admin');
    my %chunked = ('Content-Length' => undef, 'Transfer-Encoding' => 'chunked');
    (my $in_chunks = $head->(%expect, %wrong, 'Transfer-Encoding' => 'chunked')) =~ s/Content-Length.*?\r\n//;
    like(first_bytes($in_chunks), qr{\AHTTP/1\.1 401 }, 'in chunks, too');
    forget_refusals();
    like(first_bytes($head->(%expect, $admins->write)), qr{\AHTTP/1\.1 100 Continue\r\n\r\n\z}, 'a good code asks for the body');
    is($client->raw($good)->status, 201, '... and takes it');
    $client->close;
};

subtest 'media type and size, then JSON' => sub {
    my $write = sub { my ($headers, $body) = @_; return $client->request(POST => $keys, { $admins->write, %$headers }, $body) };
    refused($write->({ 'Content-Type' => 'text/plain' }, '{'), 415, 'unsupported_media_type', 'wrong type, no JSON');
    refused($write->({}, '{'), 415, 'unsupported_media_type', 'no type, no JSON');
    refused($write->(\%json, '{' x 65537), 413, 'body_too_large', 'too long, no JSON');
    $client->close;
};

subtest 'JSON, then shape, then JWKS, then the rules of the registry' => sub {
    is($admins->register($client, body())->status, 201, 'a keyId that is taken');
    my %oct = (jwks => WHK::Keys::jwks({ kty => 'oct', k => 'AAAA' }));
    my %p256 = (jwks => WHK::Keys::jwks({ kty => 'EC', crv => 'P-256', x => 'AA', y => 'AA' }));
    my @cases = (
        ['JSON and shape',   400, 'invalid_json',    '{"keyName":5,"jwks":7'],
        ['JSON and shape',   400, 'invalid_json',    '{"keyName":5,"keyName":6}'],
        ['JSON and JWKS',    400, 'invalid_json',    '{"jwks":{"keys":[{"kty":"oct","kty":"oct"}]}}'],
        ['JSON and rules',   400, 'invalid_json',    body() . 'x'],
        ['shape and JWKS',   400, 'invalid_request', body(keyName => 5, %oct)],
        ['shape and JWKS',   400, 'invalid_request', body(keyName => '', %p256)],
        ['shape and JWKS',   400, 'invalid_request', body(keyId => ' x', %oct)],
        ['shape and fetch',  400, 'invalid_request', body(jwksUri => 'https://127.0.0.1/', jwks => undef, keyName => [])],
        ['shape and rules',  400, 'invalid_request', body(jwksUri => 'https://example.com/')],
        ['shape and rules',  400, 'invalid_request', body(keyName => "a\tb")],
        ['JWKS and rules',   400, 'unsupported_key', body(jwks => WHK::Keys::jwks({ kty => 'oct' }))],
        ['JWKS and rules',   400, 'private_key_material', body(jwks => WHK::Keys::jwks({ %{ WHK::Keys::jwk('ed25519') }, d => 'AAAA' }))],
        ['JWKS and rules',   400, 'key_id_mismatch', body(jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'else')))],
        ['JWKS and rules',   400, 'invalid_jwks',    body(%p256)],
        ['fetch and rules',  400, 'jwks_uri_refused', body(jwksUri => 'https://127.0.0.1/', jwks => undef)],
        ['rules alone',      400, 'key_id_taken',    body()],
    );
    $admins->enroll_more(4);
    refused($admins->register($client, $_->[3]), @{$_}[1, 2], $_->[0]) for @cases;
    is($server->sql(q{SELECT count(*) FROM whk_key WHERE enterprise_id = 'order'}), 2, 'nothing more was registered');
};

# From here on: what an operator may forget.

sub location {
    my ($path, $auth, $require) = @_;
    return qq{<Location "$path">\nSetHandler webhook-keys\n$auth\n$require\n</Location>\n};
}

my $bearer = "AuthType Bearer\nAuthName keys";
my $admin  = 'Require webhook-keys-admin';
my %open   = (
    none      => [$bearer, ''],
    nothing   => ['', ''],
    granted   => [$bearer, 'Require all granted'],
    public    => ['AuthType None', 'Require all granted'],
    valid     => [$bearer, 'Require valid-user'],
    user      => [$bearer, 'Require user admin1@e'],
    any       => [$bearer, "<RequireAny>\nRequire all granted\n$admin\n</RequireAny>"],
    any_user  => [$bearer, "<RequireAny>\nRequire valid-user\n$admin\n</RequireAny>"],
    env       => [$bearer, 'Require method GET POST DELETE'],
);
my $conf = "AllowEncodedSlashes NoDecode\n" . location('/api/policy/v1', $bearer, $admin);
$conf .= location("/$_", @{ $open{$_} }) for sort keys %open;
$conf .= location('/later', $bearer, "<RequireAny>\n$admin\nRequire valid-user\n</RequireAny>");
$conf .= location('/unknown', '', $admin);
$conf .= qq{<Location "/rewritten">\nRewriteEngine On\nRewriteRule ^ - [H=webhook-keys]\nRequire all granted\n</Location>\n};

my $own       = WHK::Server->new(conf => $conf, modules => [qw(rewrite)], children => 1);
my $owner     = WHK::Admins->new($own, 'e', 7);
my $elsewhere = WHK::Admins->new($own, 'f', 2);
my $visitor   = WHK::Client->new($own->port);

sub requests {
    my ($prefix) = @_;
    my $path = "$prefix/enterprises/e/webhooks/keys";
    return ([GET => $path], [GET => "$path/x"], [GET => "$prefix/enterprises/e/webhooks/key-events"], [POST => $path], [DELETE => "$path/x"]);
}

sub log_since { my ($from) = @_; return substr $own->error_log, $from }

subtest 'a location that lacks Require webhook-keys-admin is closed' => sub {
    for my $name (sort keys %open) {
        for my $case (requests("/$name")) {
            my ($method, $path) = @$case;
            my $from = length $own->error_log;
            my $r = $visitor->request($method => $path, { $owner->read, OTP => '000000', %json }, $method eq 'POST' ? $good : undef);
            refused($r, 500, 'internal_error', "$name: $method");
            like(log_since($from), qr/Require webhook-keys-admin/, '... and the log says what is missing');
        }
    }
    my $r = $visitor->request(POST => '/none/enterprises/e/webhooks/keys', { $owner->write, %json }, $good);
    refused($r, 500, 'internal_error', 'a good code does not help');
    refused($visitor->request(GET => '/public/enterprises/e/webhooks/keys'), 500, 'internal_error', 'nor does no token');
    refused($visitor->request(GET => '/unknown/enterprises/e/webhooks/keys', { $owner->read }), 500, 'internal_error', 'no AuthType');
    for my $case (requests('/rewritten')) {
        my ($method, $path) = @$case;
        $r = $visitor->request($method => $path, { $owner->write, %json }, $method eq 'POST' ? $good : undef);
        is($r->code, 'internal_error', "a handler by mod_rewrite alone: $method") or diag $r->body;
    }
};

subtest 'what else grants access lets nobody in, but takes nothing from an admin' => sub {
    my $path = '/later/enterprises/e/webhooks/keys';
    is($visitor->request(GET => $path, { $owner->read })->status, 200, 'an admin reads');
    is($visitor->request(POST => $path, { $owner->write, %json }, encode_json({ keyId => 'l', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) }))->status,
        201, 'an admin writes');
    my $from = length $own->error_log;
    for my $method (qw(GET POST)) {
        my $r = $visitor->request($method => $path, { $elsewhere->write, %json }, $method eq 'POST' ? $good : undef);
        ok($r->status >= 400, "another user is granted access by valid-user, and gets nothing by $method: " . $r->status);
    }
    is($own->sql('SELECT count(*) FROM whk_key'), 1, 'nothing was registered');
};

subtest 'without WebhookKeysSecretKeyFile nothing is served' => sub {
    $own->stop;
    $own->write_conf(secret => '', conf => $conf, modules => [qw(rewrite)], children => 1);
    my ($status, $out) = $own->configtest;
    isnt($status, 0, 'httpd refuses the configuration');
    like($out, qr/SetHandler webhook-keys needs the secret key .* add WebhookKeysSecretKeyFile /, '... and says what to add');
    is($own->sql('SELECT count(*) FROM whk_key'), 1, 'nothing was registered');
};

done_testing;
