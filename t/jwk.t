# SPDX-License-Identifier: Apache-2.0
# What a JWK must be (docs/api.md): each rule with a key that keeps it and one that breaks it, over HTTP, with
# the code and the place in the message. Keys come from openssl, from jwcrypto, and from plain arithmetic.
use strict;
use warnings;
use Test::More;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64url encode_base64);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my %algorithms = (
    '/all' => 'EdDSA Ed448 ES256 ES384 ES512 ES256K RS256 RS384 RS512 PS256 PS384 PS512',
    '/rs'  => 'RS256 PS512',
    '/es'  => 'ES256',
    '/448' => 'Ed448',
);
my $conf = "AllowEncodedSlashes NoDecode\n";
for my $path ('/default', sort keys %algorithms) {
    my $line = $algorithms{$path} ? "WebhookKeysAlgorithms $algorithms{$path}" : '';
    $conf .= qq{<Location "$path">\nSetHandler webhook-keys\nAuthType Bearer\nAuthName keys\nRequire webhook-keys-admin\nWebhookKeysMaxActive 10000\n$line\n</Location>\n};
}
my $server = WHK::Server->new(conf => $conf, before => 'LogLevel webhook_keys:trace8', children => 1);
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'jwk', 1)->codes_work_again;
my $json   = JSON::PP->new->utf8->canonical->allow_nonref;
my $number = 0;

sub register {
    my ($location, $jwk, $members) = @_;
    my $body = ref $jwk || !defined $jwk ? $json->encode({ keyId => 'key ' . ++$number, jwks => { keys => [$jwk] }, %{ $members // {} } }) : $jwk;
    return $client->request(POST => "$location/enterprises/jwk/webhooks/keys", { $admins->write, 'Content-Type' => 'application/json' }, $body);
}

sub taken {
    my ($location, $jwk, $algorithm, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $r = register($location, $jwk);
    is($r->status . ' ' . ($r->json->{algorithm} // $r->body), "201 $algorithm", $name);
    return $r;
}

# Refused with this code, at this place of the JWK ('' is the JWK itself), in a message that matches.
sub refused_at {
    my ($location, $jwk, $code, $place, $name, $message) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $r = register($location, $jwk);
    refused($r, 400, $code, $name);
    my $at = quotemeta 'jwks.keys[0]' . (length $place ? ".$place" : '');
    like($r->message, qr/^$at /, "... at $place");
    like($r->message, $message, '... in these words') if $message;
    return $r;
}

sub python {
    my ($script) = @_;
    my ($status, $out, $err) = WHK::Server::run_command('python3', '-c', $script);
    die "python3: $err" if $status;
    return $json->decode($out);
}

my %algorithm_of = (OKP => 'EdDSA', EC => 'ECDSA', RSA => 'RSA');
my %own_alg = (ed25519 => 'EdDSA', ed448 => 'EdDSA', p256 => 'ES256', p384 => 'ES384', p521 => 'ES512', secp256k1 => 'ES256K', rsa2048 => 'RS256');

# Public and private JWKs, and thumbprints, by an independent library.
my $jwcrypto = python(<<'PYTHON');
import json
from jwcrypto import jwk
kinds = {"ed25519": {"kty": "OKP", "crv": "Ed25519"}, "ed448": {"kty": "OKP", "crv": "Ed448"}, "x25519": {"kty": "OKP", "crv": "X25519"},
         "x448": {"kty": "OKP", "crv": "X448"}, "p256": {"kty": "EC", "crv": "P-256"}, "p384": {"kty": "EC", "crv": "P-384"},
         "p521": {"kty": "EC", "crv": "P-521"}, "secp256k1": {"kty": "EC", "crv": "secp256k1"},
         "rsa2048": {"kty": "RSA", "size": 2048}, "oct": {"kty": "oct", "size": 256}}
made = {}
for kind, how in kinds.items():
    key = jwk.JWK.generate(**how)
    made[kind] = {"private": json.loads(key.export_private() if kind != "oct" else key.export()), "thumbprint": key.thumbprint(),
                  "public": json.loads(key.export_public()) if kind != "oct" else None}
print(json.dumps(made))
PYTHON
my ($status, $vectors, $err) = WHK::Server::run_command('python3', "$WHK::Server::root/t/lib/jwk_vectors.py");
die $err if $status;
$vectors = $json->decode($vectors);

subtest 'keys made by openssl and by jwcrypto' => sub {
    for my $kind (qw(ed25519 p256 p384 p521)) {
        my ($pem, $jwk) = WHK::Keys::pem_and_jwk($kind);
        taken('/default', $jwk, $algorithm_of{ $jwk->{kty} }, "openssl: $kind");
        my $public = $jwcrypto->{$kind}{public};
        my $r = taken('/default', $public, $algorithm_of{ $public->{kty} }, "jwcrypto: $kind");
        is($r->json->{thumbprint}, $jwcrypto->{$kind}{thumbprint}, '... with the same thumbprint');
    }
    for my $kind (qw(ed448 secp256k1 rsa2048)) {
        my $public = $jwcrypto->{$kind}{public};
        my $place  = $kind =~ /rsa/ ? 'kty' : 'crv';
        my $own    = $kind eq 'rsa2048' ? WHK::Keys::jwk('rsa3072') : WHK::Keys::jwk($kind);
        refused_at('/default', $_, 'unsupported_key', $place, "$kind is off by default", qr/accepted here \(OKP Ed25519, EC P-256, EC P-384, EC P-521\)/) for $public, $own;
        taken('/all', $own, $algorithm_of{ $own->{kty} }, "openssl: $kind, turned on");
        my $r = taken('/all', $public, $algorithm_of{ $public->{kty} }, "jwcrypto: $kind, turned on");
        is($r->json->{thumbprint}, $jwcrypto->{$kind}{thumbprint}, '... with the same thumbprint');
    }
    my $stored = $server->sql('SELECT jwk FROM whk_key');
    unlike($stored, qr/"(?:d|p|q|dp|dq|qi|oth|k|kid|use|x5c)":/, 'what is stored is public');
};

subtest 'the set' => sub {
    my ($one, $two) = WHK::Keys::many(2);
    my %bad = (
        'no keys'         => [{ jwks => {} }, qr/^jwks\.keys is missing/],
        'Keys'            => [{ jwks => { Keys => [$one] } }, qr/^jwks\.keys is missing/],
        'a JWK'           => [{ jwks => $one }, qr/^jwks\.keys is missing/],
        'keys is null'    => [{ jwks => { keys => undef } }, qr/^jwks\.keys must be an array/],
        'keys is a JWK'   => [{ jwks => { keys => $one } }, qr/^jwks\.keys must be an array/],
        'keys is a text'  => [{ jwks => { keys => 'x' } }, qr/^jwks\.keys must be an array/],
        'none'            => [{ jwks => { keys => [] } }, qr/^jwks\.keys must hold exactly one JWK, and holds 0/],
        'two'             => [{ jwks => { keys => [$one, $two] } }, qr/^jwks\.keys must hold exactly one JWK, and holds 2/],
        'the same twice'  => [{ jwks => { keys => [$one, $one] } }, qr/^jwks\.keys must hold exactly one JWK, and holds 2/],
        'a key and a null' => [{ jwks => { keys => [$one, undef] } }, qr/^jwks\.keys must hold exactly one JWK, and holds 2/],
        'a null'          => [{ jwks => { keys => [undef] } }, qr/^jwks\.keys\[0\] must be an object/],
        'a text'          => [{ jwks => { keys => ['x'] } }, qr/^jwks\.keys\[0\] must be an object/],
        'a number'        => [{ jwks => { keys => [1] } }, qr/^jwks\.keys\[0\] must be an object/],
        'an array'        => [{ jwks => { keys => [[$one]] } }, qr/^jwks\.keys\[0\] must be an object/],
        'a set in a set'  => [{ jwks => { keys => [{ keys => [$one] }] } }, qr/^jwks\.keys\[0\]\.kty is missing/],
    );
    for my $name (sort keys %bad) {
        my $r = register('/default', $json->encode({ keyId => 'set', %{ $bad{$name}[0] } }));
        refused($r, 400, 'invalid_jwks', $name);
        like($r->message, $bad{$name}[1], '... says where');
    }
};

subtest 'kinds of key' => sub {
    my ($key) = WHK::Keys::many(1);
    my %ec = %{ WHK::Keys::jwk('p256') };
    refused_at('/all', { %{$key}, kty => $_ }, 'unsupported_key', 'kty', "kty $_", qr/accepted here/) for qw(okp Okp OCT AKP dsa), '', 'EC ';
    refused_at('/all', { %{$key}, kty => $_ }, 'invalid_jwks', 'kty', 'kty is ' . $json->encode($_), qr/must be a string/) for 5, ['OKP'], {}, JSON::PP::true, undef;
    refused_at('/all', { map { $_ => $key->{$_} } qw(crv x) }, 'invalid_jwks', 'kty', 'no kty', qr/is missing/);
    refused_at('/all', { kty => 'oct' }, 'unsupported_key', 'kty', 'oct', qr/accepted here/);
    refused_at('/all', { kty => 'oct', kid => 'x', alg => 'HS256' }, 'unsupported_key', 'kty', 'oct with more');
    refused_at('/all', $jwcrypto->{$_}{public}, 'unsupported_key', 'crv', "$_ is for no signature", qr/accepted here/) for qw(x25519 x448);
    refused_at('/all', { %ec,    crv => $_ }, 'unsupported_key', 'crv', "EC $_", qr/accepted here/) for qw(P-192 P-224 p-256 P256 prime256v1 brainpoolP256r1 Ed25519 secp256r1), '';
    refused_at('/all', { %{$key}, crv => $_ }, 'unsupported_key', 'crv', "OKP $_", qr/accepted here/) for qw(P-256 ed25519 Curve25519 Ed25519ph);
    refused_at('/all', { %ec, crv => $_ }, 'invalid_jwks', 'crv', 'crv is ' . $json->encode($_), qr/must be a string/) for 5, [], undef;
    refused_at('/all', { kty => $_, x => $key->{x} }, 'invalid_jwks', 'crv', "$_ without crv", qr/is missing/) for qw(OKP EC);
    my $r = refused_at('/all', { %ec, crv => 'P-224' }, 'unsupported_key', 'crv', 'a message that shows what came', qr/P-224/);
    like($r->message, qr/EC P-256/, '... and what would be right');

    # An operator's list.
    refused_at('/es', $key, 'unsupported_key', 'crv', 'Ed25519 where only ES256 is on', qr/\(EC P-256\)/);
    refused_at('/es', $vectors->{'P-384 small x'}, 'unsupported_key', 'crv', 'P-384 where only ES256 is on', qr/\(EC P-256\)/);
    refused_at('/448', $key, 'unsupported_key', 'crv', 'Ed25519 where only Ed448 is on', qr/\(OKP Ed448\)/);
    taken('/es', \%ec, 'ECDSA', 'P-256 where it is on');
    taken('/448', $vectors->{'Ed448 small y'}, 'EdDSA', 'Ed448 where it is on');
};

subtest 'private keys' => sub {
    my %private = map { $_ => $jwcrypto->{$_}{private} } keys %{$jwcrypto};
    my @secrets;
    for my $kind (sort keys %private) {
        my $jwk = $private{$kind};
        my @own = map { $jwk->{$_} } grep { exists $jwk->{$_} } qw(d p q dp dq qi k);
        push @secrets, @own;
        my $r = refused_at('/all', $jwk, 'private_key_material', $kind eq 'oct' ? 'k' : 'd', "a whole private key: $kind", qr/compromised/);
        like($r->message, qr/public/, '... and what would be right');
        is(scalar(grep { index($r->head . $r->body, $_) >= 0 } @own), 0, '... without a word of it');
    }
    my %public = (ed25519 => $vectors->{'Ed25519 small y, other sign'}, p256 => $vectors->{'P-256 small x'}, rsa => $vectors->{'RSA e 65539'});
    for my $kind (sort keys %public) {
        for my $member (qw(d p q dp dq qi oth k)) {
            refused_at('/all', { %{ $public{$kind} }, $member => $_ }, 'private_key_material', $member, "$kind with $member " . $json->encode($_), qr/compromised/) for 'AAAA', '', undef, [], 5;
        }
        refused_at('/default', { %{ $public{$kind} }, d => 'AAAA', use => 'enc', kid => 5, x => undef }, 'private_key_material', 'd', "$kind: before whatever else is wrong");
    }
    refused_at('/default', { kty => 'RSA', d => 'AAAA' }, 'private_key_material', 'd', 'also of a kind that is off');
    refused_at('/default', { d => 'AAAA' }, 'private_key_material', 'd', 'also of no kind');
    taken('/all', { %{ $public{$_} }, D => 'x', K => 'y', dd => 'z' }, $algorithm_of{ $public{$_}{kty} }, "$_: members of other names") for sort keys %public;

    my $log = $server->error_log;
    like($log, qr/webhook_keys:/, 'the log has our words');
    is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, '... and of the private keys nothing');
    my %stored = $server->stored;
    my $stored = join '', $server->dump, values %stored;
    cmp_ok(scalar @secrets, '>=', 14, 'there were private members');
    is(scalar(grep { index($stored, $_) >= 0 || index($stored, decode_base64url($_)) >= 0 } @secrets), 0, 'nor has the database, in its files either');
};

subtest 'use, key_ops, alg' => sub {
    my ($key, @more) = WHK::Keys::many(8);
    taken('/default', { %{ $more[0] }, use => 'sig' }, 'EdDSA', 'use');
    taken('/default', { %{ $more[1] }, key_ops => ['verify'] }, 'EdDSA', 'key_ops');
    taken('/default', { %{ $more[2] }, alg => 'EdDSA' }, 'EdDSA', 'alg EdDSA');
    taken('/default', { %{ $more[3] }, alg => 'Ed25519' }, 'EdDSA', 'alg Ed25519');
    taken('/default', { %{ $more[4] }, use => 'sig', key_ops => ['verify'], alg => 'EdDSA', ext => JSON::PP::true, iat => 5, 'x5t#S256' => 'x', more => { x => 1 } }, 'EdDSA', 'all of them and more');

    refused_at('/all', { %{$key}, use => $_ }, 'invalid_jwks', 'use', 'use ' . $json->encode($_), qr/"sig"/) for 'enc', 'SIG', '', 'sig ', 5, ['sig'], undef;
    refused_at('/all', { %{$key}, key_ops => $_ }, 'invalid_jwks', 'key_ops', 'key_ops ' . $json->encode($_), qr/\["verify"\]/)
      for 'verify', [], ['sign'], ['verify', 'verify'], ['verify', 'sign'], ['sign', 'verify'], ['verify', 'encrypt'], ['deriveKey'], ['VERIFY'], [5], ['verify', 5], [['verify']], {}, { verify => 1 }, undef, JSON::PP::true;
    my %wrong = (
        ed25519 => [qw(ES256 RS256 HS256 none Ed448 eddsa ed25519 EDDSA ECDH-ES)], p256 => [qw(ES384 ES512 ES256K EdDSA RS256 HS256 none es256 ECDH-ES)], p384 => [qw(ES256 ES512)],
        p521    => [qw(ES256 ES384 ES521)], secp256k1 => [qw(ES256 EdDSA)], ed448 => [qw(Ed25519 ES512)], rsa2048 => [qw(ES256 EdDSA RSA-OAEP RSA1_5 RS1 HS256 none rs256 PS1)],
    );
    for my $kind (sort keys %wrong) {
        my $public = $jwcrypto->{$kind}{public};
        refused_at('/all', { %{$public}, alg => $_ }, 'invalid_jwks', 'alg', "$kind, alg $_", qr/must fit a key of/) for @{ $wrong{$kind} }, '';
        refused_at('/all', { %{$public}, alg => $_ }, 'invalid_jwks', 'alg', "$kind, alg " . $json->encode($_), qr/must fit a key of/) for 5, undef, [$own_alg{$kind}];
    }
    like(refused_at('/all', { %{$key}, alg => 'ES256' }, 'invalid_jwks', 'alg', 'a message that shows what came', qr/ES256/)->message, qr/EdDSA/, '... and what would be right');
    for my $kind (qw(p256 p384 p521)) {
        taken('/default', WHK::Keys::jwk($kind, alg => $own_alg{$kind}), 'ECDSA', "$kind, alg $own_alg{$kind}");
    }
    taken('/all', { %{ WHK::Keys::jwk($_) }, alg => $own_alg{$_} }, $_ eq 'ed448' ? 'EdDSA' : 'ECDSA', "$_, alg $own_alg{$_}") for qw(ed448 secp256k1);
    taken('/all', WHK::Keys::jwk('ed448', alg => 'Ed448'), 'EdDSA', 'alg Ed448');

    # RSA: where one algorithm is on, a key registers; one that names its algorithm needs that one.
    my $rsa = WHK::Keys::jwk('rsa2048');
    for my $alg (qw(RS384 RS512 PS256 PS384)) {
        refused_at('/rs', { %{$rsa}, alg => $alg }, 'unsupported_key', 'alg', "RSA for $alg, which is off", qr/RS256 PS512/);
    }
    taken('/rs', $rsa, 'RSA', 'RSA for whatever is on');
    my $n = $vectors->{'RSA e 65537'}{n};
    taken('/rs', { kty => 'RSA', n => $n, e => 'AQAB', alg => 'PS512' }, 'RSA', 'RSA for PS512, which is on');
    for my $alg (qw(RS256 RS384 RS512 PS256 PS384 PS512)) {
        taken('/all', { %{ $vectors->{"RSA for $alg"} }, alg => $alg }, 'RSA', "RSA for $alg");
    }
};

subtest 'the spelling of coordinates' => sub {
    # A key with every sort of character in it: one that has + and / in the other alphabet.
    my %key;
    for (WHK::Keys::many(200)) { %key = %{$_}, last if $_->{x} =~ /-/ && $_->{x} =~ /_/ }
    my %ec  = %{ $vectors->{'P-384 small x'} };
    my $x   = $key{x};
    my $raw = decode_base64url($x);
    my ($last) = $x =~ /(.)$/;
    my $alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    my %bad = (
        'padding' => "$x=", 'two of it' => "$x==", 'the other alphabet' => $x =~ tr{-_}{+/}r, 'a space behind' => "$x ", 'a space in front' => " $x", 'a line break behind' => "$x\n", 'a line break within' => substr($x, 0, 20) . "\n" . substr($x, 20),
        'unused bits' => substr($x, 0, -1) . substr($alphabet, index($alphabet, $last) + 1, 1), 'a lone last character' => $x . 'AA', 'percent' => "%41$x", 'not base64' => 'ab!d', 'UTF-8' => "\x{e9}$x", 'hexadecimal' => '0x' . unpack 'H*', $raw,
    );
    for my $name (sort keys %bad) {
        refused_at('/all', { %key, x => $bad{$name} }, 'invalid_jwks', 'x', "Ed25519 x: $name", qr/base64url/);
    }
    my %length = ('empty' => '', 'a byte' => 'AA', 'one too few' => encode_base64url(substr $raw, 1), 'one too many' => encode_base64url("${raw}x"), 'a zero in front' => encode_base64url("\0$raw"), 'a zero behind' => encode_base64url("$raw\0"), 'twice' => encode_base64url($raw x 2));
    for my $name (sort keys %length) {
        refused_at('/all', { %key, x => $length{$name} }, 'invalid_jwks', 'x', "Ed25519 x: $name", qr/of 32 bytes/);
    }
    taken('/all', \%key, 'EdDSA', 'the key itself');
    for my $kind (sort keys %{ { map { $_ => 1 } grep { /small x/ } keys %{$vectors} } }) {
        my $good = $vectors->{$kind};
        for my $member (qw(x y)) {
            my $bytes = decode_base64url($good->{$member});
            my $size  = length $bytes;
            refused_at('/all', { %{$good}, $member => encode_base64url($_) }, 'invalid_jwks', $member, "$kind: $member of " . length($_) . ' bytes', qr/of $size bytes/)
              for substr($bytes, 1), substr($bytes, 0, -1), "\0$bytes", "$bytes\0", '';
            refused_at('/all', { %{$good}, $member => $good->{$member} . '=' }, 'invalid_jwks', $member, "$kind: $member with padding", qr/base64url/);
            refused_at('/all', { %{$good}, $member => $_ }, 'invalid_jwks', $member, "$kind: $member is " . $json->encode($_), qr/must be a string/) for 5, undef, [$good->{$member}], {};
            my %without = %{$good};
            delete $without{$member};
            refused_at('/all', \%without, 'invalid_jwks', $member, "$kind: no $member", qr/is missing/);
        }
    }
    refused_at('/all', { %key, x => $_ }, 'invalid_jwks', 'x', 'Ed25519 x is ' . $json->encode($_), qr/must be a string/) for 5, undef, [$x], {};
    refused_at('/all', { kty => 'OKP', crv => 'Ed25519' }, 'invalid_jwks', 'x', 'Ed25519 without x', qr/is missing/);
    refused_at('/all', { %{ $vectors->{'Ed448 small y'} }, x => $x }, 'invalid_jwks', 'x', 'Ed448 of 32 bytes', qr/of 57 bytes/);
};

subtest 'points' => sub {
    for my $crv (qw(P-256 P-384 P-521 secp256k1)) {
        my $v = sub { $vectors->{"$crv $_[0]"} };
        taken('/all', $v->('the other y'), 'ECDSA', "$crv: a point that nobody made");
        my @bad = grep { exists $vectors->{"$crv $_"} } 'y off by one', 'swapped', 'zeros', 'x plus p', 'y plus p', 'x is p', 'ones', 'on the twist';
        cmp_ok(scalar @bad, '>=', 7, 'what is no point');
        refused_at('/all', $v->($_), 'invalid_jwks', '', "$crv: $_", qr/a point on $crv/) for @bad;
        my ($other) = grep { $_ ne $crv } qw(P-256 secp256k1);
        refused_at('/all', { %{ $vectors->{"$other the other y"} }, crv => $crv }, 'invalid_jwks', $crv =~ /256/ ? '' : 'x', "$crv: a point of $other");
    }
    for my $crv (qw(Ed25519 Ed448)) {
        my %seen;
        for my $name (grep { /^\Q$crv\E / } sort keys %{$vectors}) {
            my ($code, $message) =
                $name =~ /small order/        ? ('weak_key', qr/small order/)
              : $name =~ /not on/             ? ('invalid_jwks', qr/a point on $crv/)
              : $name =~ /not canon|ones|bit/ ? ('invalid_jwks', qr/canonical/)
              :                                 next;
            $seen{$message}++;
            refused_at('/all', $vectors->{$name}, $code, 'x', $name, $message);
        }
        is(scalar keys %seen, 3, "$crv: of each sort of bad point there was one");
    }
    taken('/all', $vectors->{'Ed25519 small y'}, 'EdDSA', 'Ed25519: a point that nobody made');
    taken('/all', $vectors->{'Ed448 small y, other sign'}, 'EdDSA', 'Ed448: a point that nobody made');
};

subtest 'RSA' => sub {
    my $v = sub { return $vectors->{"RSA $_[0]"} };
    taken('/all', $v->($_), 'RSA', $_) for '2048 bits', '8192 bits', 'e 2^32 + 1', map { "e 2^64 - 1, $_ bits" } 2048, 4096;
    refused_at('/all', $v->("$_ bits"), 'weak_key', 'n', "$_ bits", qr/2048 to 8192 bits, and has $_/) for 1024, 2047, 8193, 9000;
    refused_at('/all', WHK::Keys::jwk('rsa1024'), 'weak_key', 'n', 'openssl: rsa1024', qr/2048/);
    refused_at('/all', $v->('even'), 'weak_key', 'n', 'an even number', qr/odd/);
    refused_at('/all', $v->("e $_"), 'weak_key', 'e', "e is $_", qr/odd, at least 65537 and less than 2\^64/)
      for 1, 2, 3, 17, 65535, 65536, 65538, map { my $bits = $_; map { "2^$_ + 1, $bits bits" } 64, 66, 256 } 2048, 4096;
    refused_at('/all', $v->($_), 'weak_key', 'n', $_, qr/small factor, .* new key pair/) for '2^2048 - 1', map { "a factor $_" } 3, 7, 751, 757, 4999, 9973;
    refused_at('/all', $v->($_), 'weak_key', 'n', $_, qr/product of two large primes: make a new key pair/) for 'a prime', 'a square';
    refused_at('/all', $v->('n with a zero in front'), 'invalid_jwks', 'n', 'n with a zero in front', qr/leading zero/);
    refused_at('/all', $v->('e with a zero in front'), 'invalid_jwks', 'e', 'e with a zero in front', qr/leading zero/);
    refused_at('/all', $v->('e 0'), 'invalid_jwks', 'e', 'e is 0');
    refused_at('/all', $v->("$_ empty"), 'invalid_jwks', $_, "$_ is empty", qr/empty/) for qw(n e);
    my %good = %{ $jwcrypto->{rsa2048}{public} };
    for my $member (qw(n e)) {
        my %without = %good;
        delete $without{$member};
        refused_at('/all', \%without, 'invalid_jwks', $member, "no $member", qr/is missing/);
        refused_at('/all', { %good, $member => "$good{$member}=" }, 'invalid_jwks', $member, "$member with padding", qr/base64url/);
        refused_at('/all', { %good, $member => 65537 }, 'invalid_jwks', $member, "$member is a number", qr/must be a string/);
    }
    refused_at('/all', { %good, e => '65537' }, 'invalid_jwks', 'e', 'e in digits');
};

subtest 'the JSON around a key' => sub {
    my ($one, $two, $three) = WHK::Keys::many(3);
    my $text = sub { my ($jwk, $levels) = @_; return $json->encode({ keyId => "json $levels", jwks => { keys => [$jwk] } }) };
    # The body, jwks, keys and the key are four levels.
    my $nested = sub { my ($jwk, $levels) = @_; my $more = $levels - 4; return $text->({ %{$jwk}, more => 'HERE' }, $levels) =~ s/"HERE"/'[' x $more . ']' x $more/er };
    my $r = register('/default', $nested->($one, 16));
    is($r->status, 201, 'nested 16 deep') or diag $r->body;
    my $good = $text->($two, 'good');
    my %bad = (
        'nested 17 deep'         => $nested->($two, 17),
        'a member of the body twice' => $good =~ s/^\{/{"keyId":"json good",/r,
        'a member of the set twice'  => $good =~ s/"keys":/"keys":[],"keys":/r,
        'a member of the key twice'  => $good =~ s/"kty":/"kty":"OKP","kty":/r,
        'an unknown one twice'   => $good =~ s/"kty":/"y":1,"y":2,"kty":/r,
        'twice further down'     => $good =~ s/"kty":/"y":{"z":1,"z":1},"kty":/r,
        'bytes behind it'        => "$good ]",
        'a byte order mark'      => "\xef\xbb\xbf$good",
        'no UTF-8'               => $good =~ s/"kty":/"y":"\xff","kty":/r,
        'no UTF-8 in the kid'    => $good =~ s/"kty":/"kid":"\xe9","kty":/r,
        'NUL in the kid'         => $good =~ s/"kty":/"kid":"a\\u0000b","kty":/r,
        'NUL in x'               => $good =~ s/"x":"(.)/"x":"$1\\u0000/r,
        'NUL in a name'          => $good =~ s/"kty":/"d\\u0000":"y","kty":/r,
    );
    for my $name (sort keys %bad) {
        isnt($bad{$name}, $good, "$name is another text");
        refused(register('/default', $bad{$name}), 400, 'invalid_json', $name);
    }
    is(register('/default', $good)->status, 201, 'the text that they were made from is good');
};

subtest 'x5c' => sub {
    my $certificate = sub {
        my ($pem) = @_;
        my ($bad, $der, $error) = WHK::Server::run_command('openssl', qw(req -x509 -days 2 -subj /CN=test -outform DER -key), $pem);
        die $error if $bad;
        return encode_base64($der, '');
    };
    for my $kind (qw(ed25519 p256)) {
        my ($pem, $jwk)    = WHK::Keys::pem_and_jwk($kind);
        my ($other_pem)    = WHK::Keys::pem_and_jwk($kind);
        my ($mine, $other) = map { $certificate->($_) } $pem, $other_pem;
        my $der = MIME::Base64::decode_base64($mine);
        refused_at('/all', { %{$jwk}, x5c => [$other] }, 'invalid_jwks', 'x5c[0]', "$kind: of another key", qr/own public key/);
        refused_at('/all', { %{$jwk}, x5c => [$other, $mine] }, 'invalid_jwks', 'x5c[0]', "$kind: the other one first", qr/own public key/);
        refused_at('/all', { %{$jwk}, x5c => $_ }, 'invalid_jwks', 'x5c', "$kind: x5c is " . substr($json->encode($_), 0, 20), qr/array of 1 to 10/) for $mine, [], {}, undef, 5, [($mine) x 11];
        my %bad = (
            'base64url' => $mine =~ tr{+/}{-_}r =~ s/^(.*)$/$1-_==/r, 'a byte more' => encode_base64("$der\0", ''), 'a byte less' => encode_base64(substr($der, 0, -1), ''), 'PEM' => "-----BEGIN CERTIFICATE-----\n$mine\n-----END CERTIFICATE-----\n",
            'line breaks' => encode_base64($der), 'empty' => '', 'not base64' => '****', 'no certificate' => encode_base64('hello', ''), 'a public key' => encode_base64(decode_base64url('MCowBQYDK2VwAyEA' . 'A' x 44), ''),
        );
        refused_at('/all', { %{$jwk}, x5c => [$bad{$_}] }, 'invalid_jwks', 'x5c[0]', "$kind: $_", qr/certificate/) for sort keys %bad;
        refused_at('/all', { %{$jwk}, x5c => [$_] }, 'invalid_jwks', 'x5c[0]', "$kind: a member that is " . $json->encode($_), qr/certificate/) for 5, undef, [$mine], {};
        refused_at('/all', { %{$jwk}, x5c => [$mine, 'x'] }, 'invalid_jwks', 'x5c[1]', "$kind: the second is none", qr/certificate/);
        taken('/all', { %{$jwk}, x5c => [$mine, $other] }, $algorithm_of{ $jwk->{kty} }, "$kind: its own, and another behind it");
    }
    my ($pem, $jwk) = WHK::Keys::pem_and_jwk('p384');
    taken('/all', { %{$jwk}, x5c => [$certificate->($pem)] }, 'ECDSA', 'its own alone');
};

subtest 'no URL in a JWK is followed' => sub {
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') // die $!;
    my $base     = 'http://127.0.0.1:' . $listener->sockport;
    my ($one, $two) = WHK::Keys::many(2);
    taken('/default', { %{$one}, x5u => "$base/x5u", jku => "$base/jku", iss => $base, x5t => 'x' }, 'EdDSA', 'x5u and the like are ignored');
    taken('/default', { %{$two}, x5u => ['no URL'], jku => 5 }, 'EdDSA', 'whatever they hold');
    ok(!IO::Select->new($listener)->can_read(0.2), 'nobody came');
};

$client->close;
unlike($server->error_log, qr/internal_error|exit signal/, 'nothing broke meanwhile');
done_testing;
