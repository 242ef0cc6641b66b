# SPDX-License-Identifier: Apache-2.0
# Registering by jwksUri: which sets and keys are taken, what is stored of them, what is sent to fetch them.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use IPC::Open3;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use Symbol qw(gensym);
use Test::More;
use Time::HiRes qw(sleep);
use WHK::Fetching;
use WHK::Keys;
use WHK::Origin;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new;
my $plain  = WHK::Origin->new(cert => undef);
my $host   = 'good.keys.test';

# Credentials that lie about, for libcurl to leave alone.
open my $netrc, '>', WHK::Origin::directory() . '/.netrc' or die $!;
print $netrc "default login secret-user password secret-password\n";
close $netrc;

my $f = WHK::Fetching->new(
    enterprise => 'uri', admins => 30, allow => "127.0.0.1 $host", timeout => 5,
    before => 'WebhookKeysMaxFetches 16', names => { $host => '127.0.0.1' },
    env => { HOME => WHK::Origin::directory() }
);
my ($server, $client, $admins) = ($f->server, $f->client, $f->admins);
my $count = 0;

# The URI of this text, or of what it is the JSON of.
sub uri_of {
    my $document = shift;
    return $origin->uri($host, WHK::Origin::serve(++$count . '.json', ref $document ? $json->encode($document) : $document));
}

sub set_of { return { keys => [@_] } }

sub good {
    my ($r, $name) = @_;
    is($r->status, 201, $name) or diag $r->body;
    return $r->json // {};
}

# The answer is this refusal, and neither it nor the error log repeats a word of the document.
sub refused {
    my ($r, $code, $like, $name, $document) = @_;
    my $log = $server->error_log;
    is($r->code, $code, "$name: $code") or diag $r->body;
    like($r->message, $like, "$name: what is wrong");
    is_deeply([grep { $r->body =~ /\Q$_\E/ || $log =~ /\Q$_\E/ } words($document)], [], "$name: no byte of the document");
    return;
}

sub words {
    my $value = shift;
    return map { words($_) } @$value if ref $value eq 'ARRAY';
    return map { words($_) } @{$value}{ grep { !/^(kty|crv|kid|use|alg)$/ } keys %$value } if ref $value eq 'HASH';
    return defined $value && length $value > 4 ? ($value) : ();
}

subtest 'a key by its URI' => sub {
    my $jwk   = WHK::Keys::jwk('ed25519', kid => 'my-key');
    my $uri   = uri_of(set_of($jwk));
    my $print = encode_base64url(sha256(qq({"crv":"Ed25519","kty":"OKP","x":"$jwk->{x}"})));
    my $r     = $f->register($uri, 'my-key', keyName => 'Production');
    my $key   = good($r, 'registered');
    is($r->header('Location'), $server->keys('uri') . '/my-key', 'Location');
    my %want = (
        keyId => 'my-key', keyName => 'Production', algorithm => undef, jwksUri => $uri, status => 'ACTIVE', thumbprint => $print
    );
    is_deeply({ map { $_ => $key->{$_} } keys %want }, \%want, 'answer');
    for my $shown ($admins->get($client, '/my-key')->json, $admins->get($client)->json->{keys}[0]) {
        is_deeply({ map { $_ => $shown->{$_} } keys %want }, \%want, 'read again');
    }
    is($server->sql("SELECT thumbprint FROM whk_key WHERE key_id = 'my-key'"), $print, 'its thumbprint is pinned');
    unlike($server->sql("SELECT * FROM whk_event"), qr/\Q$jwk->{x}\E/, 'the trail has no key material');
    for my $kind (qw(p256 p384 p521)) {
        my $other = good($f->register(uri_of(set_of(WHK::Keys::jwk($kind, kid => $kind, use => 'sig'))), $kind), $kind);
        is($other->{algorithm}, undef, "$kind: no algorithm told");
    }
    good($f->register(uri_of(set_of(WHK::Keys::jwcrypto('p256', kid => 'jwcrypto'))), 'jwcrypto'), 'a key of python3-jwcrypto');
    good($f->register($origin->uri('127.0.0.1', WHK::Origin::serve('l.json', $json->encode(set_of(WHK::Keys::jwk('p256', kid => 'literal'))))),
        'literal'), 'from an address');
    good($f->register($plain->http_uri($host, WHK::Origin::serve('h.json', $json->encode(set_of(WHK::Keys::jwk('p256', kid => 'http'))))),
        'http'), 'http towards an exception');
};

subtest 'key material is used once, however it came' => sub {
    my $jwk = WHK::Keys::jwk('ed25519', kid => 'once');
    my $uri = uri_of(set_of($jwk, { %$jwk, kid => 'once-more' }));
    good($admins->register($client, { jwks => set_of($jwk), keyId => 'once' }), 'inline');
    my $r = $f->register($uri, 'once-more');
    is($r->status, 409, 'inline, then by URI');
    is($r->code, 'key_material_in_use', 'inline, then by URI: code');

    $jwk = WHK::Keys::jwk('p384', kid => 'twice');
    $uri = uri_of(set_of($jwk, { %$jwk, kid => 'twice-more' }));
    good($f->register($uri, 'twice'), 'by URI');
    for my $state ('ACTIVE', 'REVOKED') {
        $admins->revoke($client, 'twice') if $state eq 'REVOKED';
        is($admins->register($client, { jwks => set_of({ %$jwk, kid => 'x' }) })->code, 'key_material_in_use', "$state: by URI, then inline");
        is($f->register($uri, 'twice-more')->code, 'key_material_in_use', "$state: by URI, then by URI");
        is($f->register($uri, 'twice')->code, 'key_id_taken', "$state: the same again is a used keyId");
    }
    my $elsewhere = WHK::Admins->new($server, 'elsewhere', 1);
    good($elsewhere->register($client, { jwksUri => $uri, keyId => 'twice' }), 'another enterprise may use it');
};

subtest 'the set changes after the registration' => sub {
    my $name = 'changing.json';
    my ($one, $two) = map { WHK::Keys::jwk('ed25519', kid => $_) } qw(one two);
    my $uri  = $origin->uri($host, WHK::Origin::serve($name, $json->encode(set_of($one))));
    my $key  = good($f->register($uri, 'one'), 'the first key');
    WHK::Origin::serve($name, $json->encode(set_of({ %$two, kid => 'one' }, $two)));
    is($f->register($uri, 'one')->code, 'key_id_taken', 'another key under its kid does not take its place');
    is($admins->get($client, '/one')->json->{thumbprint}, $key->{thumbprint}, 'it is the one that was registered');
    good($f->register($uri, 'two'), 'another kid of the same URI');
};

subtest 'which request' => sub {
    my $before = $origin->connections + $plain->connections;
    my $jwk    = WHK::Keys::jwk('ed25519', kid => 'asked');
    my $uri    = uri_of(set_of($jwk));
    my @rows   = (
        [{ jwksUri => $uri }, 'key_id_required', qr/keyId is missing/],
        [{ jwksUri => $uri, keyId => undef }, 'key_id_required', qr/keyId is missing/],
        [{ jwksUri => $uri, keyId => '' }, 'invalid_request', qr/keyId/],
        [{ jwksUri => $uri, keyId => 'k' x 256 }, 'invalid_request', qr/keyId/],
        [{ jwksUri => $uri, keyId => 'asked', jwks => set_of($jwk) }, 'invalid_request', qr/not both/],
        [{ jwksUri => undef, jwks => undef, keyId => 'asked' }, 'invalid_request', qr/both missing/],
        [{ jwksUri => 7, keyId => 'asked' }, 'invalid_request', qr/jwksUri must be a string/],
        [{ jwksUri => [$uri], keyId => 'asked' }, 'invalid_request', qr/jwksUri must be a string/],
        [{ jwksUri => '', keyId => 'asked' }, 'invalid_jwks_uri', qr/absolute/],
        ['{"jwksUri":"' . $uri . '","jwksUri":"' . $uri . '","keyId":"asked"}', 'invalid_json', qr/body/],
        ['{"jwksUri":"' . $uri . '\u0000.example","keyId":"asked"}', 'invalid_json', qr/body/],
    );
    for my $row (@rows) {
        my ($body, $code, $like) = @$row;
        my $r = $f->post(ref $body ? $json->encode($body) : $body);
        is($r->code, $code, "$code") or diag $r->body;
        like($r->message, $like, "$code: $like");
    }
    is($origin->connections + $plain->connections, $before, 'nothing was fetched for any of them');
    good($f->post($json->encode({ jwks => undef, jwksUri => $uri, keyId => 'asked', unknown => 1 })), 'null counts as absent');
};

subtest 'keyIds are compared byte for byte' => sub {
    my $jwk = WHK::Keys::jwk('ed25519', kid => "Kl\x{e9}/%2F +");
    my $uri = uri_of(set_of($jwk));
    for my $other ("kl\x{e9}/%2F +", "Kl\x{e9}/%2F +x", "Kle\x{301}/%2F +", "Kl\x{e9}// +") {
        is($f->register($uri, $other)->code, 'jwks_uri_no_such_key', 'another keyId');
    }
    is(good($f->register($uri, "Kl\x{e9}/%2F +"), 'the same keyId')->{keyName}, "Kl\x{e9}/%2F +", 'the name is the keyId');
};

subtest 'how many of the kid' => sub {
    my @jwks = map { WHK::Keys::jwk('ed25519', kid => $_) } qw(a a b);
    my $many = sub { return set_of((map { { kty => 'x', kid => "n$_" } } 1 .. shift() - 1), $jwks[2]) };
    my @rows = (
        [set_of(),                    'jwks_uri_no_such_key', qr/exactly one JWK.*none/, 'no key at all'],
        [set_of($jwks[2]),            'jwks_uri_no_such_key', qr/exactly one JWK.*none/, 'another kid'],
        [set_of({ %{ $jwks[0] }, kid => undef }), 'jwks_uri_no_such_key', qr/none/, 'no kid'],
        [set_of({ %{ $jwks[0] }, kid => ['a'] }), 'jwks_uri_no_such_key', qr/none/, 'a kid that is no string'],
        [set_of(@jwks),               'jwks_uri_no_such_key', qr/several/, 'two of the kid'],
        [set_of($jwks[0], $jwks[0]),  'jwks_uri_no_such_key', qr/several/, 'the same one twice'],
        [set_of($jwks[0], { kid => 'a' }), 'jwks_uri_no_such_key', qr/several/, 'one and a broken one'],
        [set_of((map { { kid => "n$_" } } 1 .. 100), $jwks[0]), 'invalid_jwks', qr/at most 100/, '101 members'],
    );
    refused($f->register(uri_of($_->[0]), 'a'), @{$_}[1 .. 3], $_->[0]) for @rows;
    good($f->register(uri_of($many->(100)), 'b'), 'one of 100 members');
};

subtest 'neighbours are not judged' => sub {
    my @neighbours = (
        undef, 'a string', 7, [], {}, { kty => 'RSA', kid => 'other' }, { kty => 'oct', k => 'c2VjcmV0', kid => 'secret' },
        { kty => 'OKP', crv => 'Ed25519', x => 'AAAA', d => 'AAAA', kid => 'private' }, { kid => 1 }
    );
    good($f->register(uri_of(set_of(@neighbours, WHK::Keys::jwk('p256', kid => 'beside'), @neighbours)), 'beside'),
        'a good key between broken ones');
};

subtest 'what is no set' => sub {
    my $jwk  = WHK::Keys::jwk('ed25519', kid => 'k');
    my $text = $json->encode(set_of($jwk));
    my @rows = (
        ['', qr/not valid JSON/, 'nothing'],
        ['Pa55word', qr/not valid JSON/, 'no JSON'],
        ["<html>\n<title>Internal-Dashboard</title>", qr/not valid JSON/, 'a page'],
        [substr($text, 0, -2), qr/not valid JSON/, 'a part of it'],
        ["${text}{}", qr/not valid JSON/, 'two values'],
        ["\xef\xbb\xbf$text", qr/not valid JSON/, 'a byte order mark'],
        ["{\"keys\":[\"caf\xe9-secret\"]}", qr/not valid JSON/, 'Latin-1'],
        ['{"keys":[],"keys":[]}', qr/not valid JSON/, 'keys twice'],
        ['{"keys":' . '[' x 30 . ']' x 30 . '}', qr/not valid JSON/, 'too deep'],
        ['{"keys":' . '[' x 30_000 . '}', qr/not valid JSON/, 'far too deep'],
        ["\0" x 100, qr/not valid JSON/, 'zeros'],
        ['{"keys":[{"kid":"k\u0000"}]}', qr/not valid JSON/, 'a NUL'],
        ['"root:x:0:0"', qr/must be a JWK Set/, 'a string'],
        ['[{"keys":[]}]', qr/must be a JWK Set/, 'an array'],
        [{ password => 'Pa55word' }, qr/keys is missing/, 'no keys'],
        [{ keys => 'Pa55word' }, qr/keys must be an array/, 'keys that are no array'],
        [{ keys => $jwk }, qr/keys must be an array/, 'one key instead of keys'],
        [$jwk, qr/keys is missing/, 'a key alone'],
    );
    for my $row (@rows) {
        my ($document, $like, $name) = @$row;
        refused($f->register(uri_of($document), 'k'), 'invalid_jwks', $like, $name, ref $document ? $document : [$document =~ /([\w:-]{6,})/g]);
    }
};

subtest 'which key' => sub {
    my $ed  = WHK::Keys::jwk('ed25519', kid => 'k');
    my $p   = WHK::Keys::jwk('p256', kid => 'k');
    my $d   = 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A';
    my @rows = (
        [{ %$ed, d => $d }, 'private_key_material', qr/compromised/, 'a private key'],
        [{ %$p, d => $d }, 'private_key_material', qr/compromised/, 'a private EC key'],
        [{ %{ WHK::Keys::jwk('rsa2048', kid => 'k') }, p => $d }, 'private_key_material', qr/compromised/, 'a prime of an RSA key'],
        [{ kty => 'oct', k => $d, kid => 'k' }, 'private_key_material', qr/compromised/, 'a shared secret'],
        [WHK::Keys::jwk('rsa2048', kid => 'k'), 'unsupported_key', qr/kty/, 'RSA, which is off'],
        [WHK::Keys::jwk('secp256k1', kid => 'k'), 'unsupported_key', qr/crv/, 'secp256k1, which is off'],
        [{ %$ed, kty => 'Secret-Kind' }, 'unsupported_key', qr/kty/, 'an unknown kty'],
        [{ %$p, crv => 'Secret-Curve' }, 'unsupported_key', qr/crv/, 'an unknown crv'],
        [{ %$ed, crv => 'X25519' }, 'unsupported_key', qr/crv/, 'a key for encryption'],
        [{ %$ed, use => 'enc' }, 'invalid_jwks', qr/use/, 'use enc'],
        [{ %$ed, key_ops => ['sign'] }, 'invalid_jwks', qr/key_ops/, 'key_ops without verify'],
        [{ %$p, alg => 'ES384' }, 'invalid_jwks', qr/alg/, 'the alg of another curve'],
        [{ %$ed, x => 'SecretSecret' }, 'invalid_jwks', qr/\bx\b/, 'a short x'],
        [{ %$ed, x => 'A' x 43 }, 'weak_key', qr/\bx\b/, 'a point of small order'],
        [{ %$p, x => $p->{y}, y => $p->{x} }, 'invalid_jwks', qr/point on P-256/, 'a point off its curve'],
        [{ kid => 'k' }, 'invalid_jwks', qr/kty/, 'no kty'],
        [{ %$ed, x5c => ['U2VjcmV0U2VjcmV0'] }, 'invalid_jwks', qr/x5c/, 'a broken x5c'],
    );
    for my $row (@rows) {
        my ($jwk, $code, $like, $name) = @$row;
        my $r = $f->register(uri_of(set_of({ kid => 'other' }, $jwk)), 'k');
        refused($r, $code, $like, $name, $jwk);
        like($r->message, qr/keys\[1\]/, "$name: its place") if $code ne 'private_key_material';
        my @told = grep { defined && $r->message =~ /\Q$_\E/ } map { $jwk->{$_} } grep { !/kid/ } qw(kty crv use alg);
        is_deeply([grep { !/^(OKP|EC|RSA|oct|Ed25519|P-256|sig|secp256k1)$/ } @told], [], "$name: nor a word of its");
    }
};

subtest 'URLs in a key are not fetched' => sub {
    my $before = $plain->connections;
    my $url    = $plain->http_uri($host, '/trap');
    my $jwk    = WHK::Keys::jwk('ed25519', kid => 'urls', x5u => $url, jku => $url, jwks_uri => $url, '$ref' => $url);
    good($f->register(uri_of({ %{ set_of($jwk) }, jwks_uri => $url, '@context' => $url }), 'urls'), 'registered');
    is($plain->connections, $before, 'none of them fetched');
};

subtest '16 at once' => sub {
    my $uri     = uri_of(set_of(WHK::Keys::jwk('ed25519', kid => 'race')));
    my @pending = map { $f->begin($uri, 'race') } 1 .. 16;
    my %answers;
    $answers{ $_->finish->code // 'registered' }++ for @pending;
    # A fetch may take too long on a busy machine, and a code's time may end just then.
    delete $answers{$_} for qw(jwks_uri_unreachable jwks_uri_refused too_busy otp_invalid);
    is(delete $answers{registered}, 1, 'exactly one is registered');
    is(join(' ', keys %answers), 'key_id_taken', '... and the others learn that');
};

# A server that we did not write prints what came, byte for byte.
subtest 'what is sent' => sub {
    my $at   = WHK::Origin::directory();
    my $port = WHK::Server::free_port();
    my $pid  = open3(my $in, my $out, my $err = gensym, qw(openssl s_server -quiet -accept), $port, '-cert', "$at/good.pem", '-key', "$at/good.key");
    for (1 .. 100) { last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port); sleep 0.05 }
    my $pending = $f->begin("https://$host:$port/a/../b?c=d%2F", 'sent');
    my $request = '';
    while ($request !~ /\r\n\r\n/) { sysread $out, $request, 4096, length $request or last }
    my $set = $json->encode(set_of(WHK::Keys::jwk('ed25519', kid => 'sent')));
    print $in "HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: " . length($set) . "\r\n\r\n$set";
    $in->flush;
    good($pending->finish, 'registered');
    is(($request =~ /\A(.*)\r\n/)[0], 'GET /b?c=d%2F HTTP/1.1', 'the request line');
    like($request, qr/^Host: \Q$host:$port\E\r$/m, 'Host');
    is_deeply([sort map { lc } $request =~ /^([\w-]+):/mg], [qw(accept accept-encoding host user-agent)], 'and no header that tells more');
    unlike($request, qr/uri|Bearer|127\.0\.0\.1/, 'nothing of the caller');
    kill TERM => $pid;
    waitpid $pid, 0;
};

subtest 'the trail' => sub {
    my %details;
    my $total = $server->sql('SELECT count(*) FROM whk_event');
    $details{$_}++ for split /\n/, $server->sql("SELECT detail FROM whk_event WHERE type = 'key.registration_refused'");
    ok($details{$_}, "$_ is in it")
      for qw(key_id_required invalid_request invalid_json invalid_jwks_uri invalid_jwks jwks_uri_no_such_key unsupported_key
      private_key_material weak_key key_material_in_use key_id_taken);
    my $events = $client->request(GET => $server->events('uri') . '?limit=1', { $admins->read })->json;
    is_deeply([@{ $events->{events}[0] }{qw(type keyId detail)}], ['key.registered', 'sent', $server->sql("SELECT thumbprint FROM whk_key WHERE key_id = 'sent'")], 'newest first');
    is(($server->ctl('audit', 'verify'))[0], 0, 'and its chain holds');
};

done_testing;
