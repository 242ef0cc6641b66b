# SPDX-License-Identifier: Apache-2.0
# The keys that sign what goes out: what configtest finds, where they are, how they rotate, and how others learn of them.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(decode_base64 decode_base64url encode_base64url);
use Time::HiRes qw(sleep);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;
use WHK::Signing;

my $dir = tempdir('whk-keys-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub text_of { my $file = shift; open my $in, '<:raw', $file or die "$file: $!"; local $/; return scalar <$in> }

sub write_file {
    my ($name, $text, $mode) = @_;
    my $file = "$dir/$name";
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $text;
    close $out;
    chmod $mode // 0600, $file;
    return $file;
}

sub openssl { my ($name, @arguments) = @_; my ($status, $out, $err) = WHK::Server::run_command('openssl', @arguments, '-out', "$dir/$name"); die $err if $status; chmod 0600, "$dir/$name"; return "$dir/$name" }

my %pem = map { $_ => (WHK::Keys::pem_and_jwk($_))[0] } qw(ed25519 p256 p384 p521 rsa2048 ed448 secp256k1 rsa1024);

# What a directive of it says to a server, without starting it.
sub flaw {
    my ($before, %o) = @_;
    my $server = WHK::Server->new(init => 0, start => 0, sqlite => 1, conf => '', secret => '', before => $before, modules => [qw(proxy proxy_http)], %o);
    my ($status, $said) = $server->configtest;
    return ($status, $said, $server);
}

subtest 'what configtest finds' => sub {
    my $ed     = text_of($pem{ed25519});
    my $p256   = text_of($pem{p256});
    my $public = openssl('public.pem', 'pkey', '-in', $pem{ed25519}, '-pubout');
    my $locked = openssl('locked.pem', 'pkey', '-in', $pem{ed25519}, '-aes256', '-passout', 'pass:passphrase-of-it');
    my $old    = openssl('locked-old.pem', 'rsa', '-in', $pem{rsa2048}, '-aes256', '-traditional', '-passout', 'pass:passphrase-of-it');
    symlink $pem{ed25519}, "$dir/link.pem";
    mkdir "$dir/folder.pem", 0700;
    # The scalar of one key beside the point of another.
    my $other = text_of((WHK::Keys::pem_and_jwk('p256'))[0]);
    my ($a, $b) = map { decode_base64(join '', grep { !/-----/ } split /\n/, $_) } $p256, $other;
    my $mixed = write_file('mixed.pem', "-----BEGIN PRIVATE KEY-----\n" . MIME::Base64::encode_base64(substr($a, 0, length($a) - 65) . substr($b, -65)) . "-----END PRIVATE KEY-----\n");
    my @cases = (
        [ 'readable by the group', "a " . write_file('group.pem', $ed, 0640), qr/can be read or changed by others .*chmod 600/ ],
        [ 'by others',             "a " . write_file('others.pem', $ed, 0604), qr/can be read or changed by others/ ],
        [ 'a link',                "a $dir/link.pem", qr/is a symbolic link/ ],
        [ 'a folder',              "a $dir/folder.pem", qr/is not a regular file/ ],
        [ 'missing',               "a $dir/none.pem", qr/does not exist: make a key with openssl/ ],
        [ 'empty',                 "a " . write_file('empty.pem', ''), qr/must hold a private key in PEM/ ],
        [ 'no key',                "a " . write_file('text.pem', "hello\n" x 100), qr/must hold a private key in PEM/ ],
        [ 'NULs',                  "a " . write_file('nul.pem', "\0" x 1000), qr/must hold a private key in PEM/ ],
        [ 'broken base64',         "a " . write_file('broken.pem', "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), qr/that OpenSSL can read, and it can't/ ],
        [ 'cut off',               "a " . write_file('cut.pem', substr $ed, 0, 60), qr/must hold/ ],
        [ 'long',                  "a " . write_file('long.pem', $ed . ' ' x 70_000), qr/of less than 65536 bytes/ ],
        [ 'two keys',              "a " . write_file('two.pem', $ed . $p256), qr/holds several/ ],
        [ 'a public key',          "a $public", qr/holds a public key only/ ],
        [ 'a certificate',         "a " . write_file('cert.pem', "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), qr/holds a certificate only/ ],
        [ 'encrypted',             "a $locked", qr/must hold a key that is not encrypted/ ],
        [ 'encrypted, of old',     "a $old", qr/must hold a key that is not encrypted/ ],
        [ 'Ed448',                 "a $pem{ed448}", qr/must hold an Ed25519, P-256, P-384, P-521 or RSA key, and holds another kind/ ],
        [ 'secp256k1',             "a $pem{secp256k1}", qr/holds another kind/ ],
        [ 'RSA of 1024 bits',      "a $pem{rsa1024}", qr/at least 2048 bits, and has one of 1024/ ],
        [ 'two halves of two keys', "a $mixed", qr/two halves belong together|OpenSSL can read/ ],
        [ 'the same key twice',    "a $pem{ed25519}\nWebhookKeysSigningKey b " . write_file('copy.pem', $ed), qr/a and b are the same key/ ],
        [ 'a kid twice',           "a $pem{ed25519}\nWebhookKeysSigningKey a $pem{p256}", qr/its kid stands in a line before/ ],
        [ 'a dot for a kid',       ". $pem{ed25519}", qr/kid must not be \. or \.\./ ],
        [ 'a kid that is too long', 'k' x 256 . " $pem{ed25519}", qr/its kid must/ ],
        [ 'a kid with a space',    "\"a b\" $pem{ed25519}", qr/its kid must be of printable ASCII/ ],
        [ 'a kid that is not ASCII', "\xc3\xbc $pem{ed25519}", qr/its kid must be of printable ASCII/ ],
        [ 'no file',               'a', qr/must be a kid and the file/ ],
        [ 'too many words',        "a $pem{ed25519} x", qr/must be a kid and the file/ ],
    );
    for my $case (@cases) {
        my ($name, $line, $want) = @$case;
        my ($status, $said) = flaw("WebhookKeysSigningKey $line");
        isnt($status, 0, $name);
        like($said, $want, '... and says so');
        my ($first) = $ed =~ /^(\w{20,})/m;
        unlike($said, qr/\Q$first\E|hello|passphrase-of-it/, '... and nothing of what is in there');
    }
    my @many = map { "WebhookKeysSigningKey k$_ $pem{ed25519}\n" } 1 .. 17;
    like((flaw("@many"))[1], qr/at most 16 times/, 'too many');
    my $sign = "<Location /out>\nWebhookKeysSign jwt Webhook-JWT\n</Location>\n";
    like((flaw($sign))[1], qr/WebhookKeysSign needs a key: add WebhookKeysSigningKey/, 'WebhookKeysSign without a key');
    like((flaw("<VirtualHost 127.0.0.1:9>\n$sign</VirtualHost>"))[1], qr/WebhookKeysSign needs a key/, '... in a virtual host');
    like((flaw("WebhookKeysSigningKey a $pem{p256}\n<Location /out>\nWebhookKeysSign standard-webhooks\n</Location>"))[1], qr/the first key, a, is not an Ed25519 key/, 'standard-webhooks by another kind');
    for my $claim (qw(iss aud exp nbf iat jti)) {
        like((flaw("WebhookKeysBodyHashClaim $claim"))[1], qr/must be the name of a claim of its own/, "WebhookKeysBodyHashClaim $claim");
    }
    for my $case ([ 'jws', qr/must begin with one of jws-detached/ ], [ 'nothing', qr/must begin/ ], [ 'jwt', qr/name of one header field/ ], [ 'jwt A B', qr/name of one header/ ], [ 'jwt Host', qr/header field of its own/ ], [ 'jwt Authorization', qr/header field of its own/ ], [ 'http-signature X', qr/alone/ ], [ '"jwt" "a b"', qr/name of one header/ ], [ 'jwt X_Signature', qr/letters, digits and - alone/ ], [ 'jwt Proxy', qr/header field of its own/ ], [ 'jws-detached x-forwarded-for', qr/header field of its own/ ], [ 'jwt If-Match', qr/header field of its own/ ]) {
        my ($line, $want) = @$case;
        like((flaw("WebhookKeysSigningKey a $pem{ed25519}\n<Location /out>\nWebhookKeysSign $line\n</Location>"))[1], $want, "WebhookKeysSign $line");
    }
};

my $jwt = 'WebhookKeysSign jwt Webhook-JWT';
my $off = 'WebhookKeysEnforce Off';

sub section { my ($start, @lines) = @_; my ($end) = $start =~ /^(\w+)/; return join "\n", "<$start>", @lines, "</$end>\n" }

subtest 'what nobody verified is not signed' => sub {
    my @refused = (
        [ 'in one location', section('Location "/out"', $jwt, $off) ],
        [ 'for the server and a location', "$off\n" . section('Location "/out"', $jwt) ],
        [ '... the other way round', "$jwt\n" . section('Location "/out"', $off) ],
        [ 'for a server', "$jwt\n$off" ],
        [ 'in a location above', section('Location "/out"', $off) . section('Location "/out/x"', $jwt) ],
        [ '... the other way round', section('Location "/out"', $jwt) . section('Location "/out/x"', $off) ],
        [ 'in an <If>', section('Location "/out"', $jwt, section('If "true"', $off)) ],
        [ 'in files of a folder', section("Directory \"$dir\"", $jwt, section('Files "x"', $off)) ],
        [ 'by a pattern', "$off\n" . section('LocationMatch "^/out"', $jwt) ],
        [ 'in a virtual host', section('VirtualHost 127.0.0.1:9', section('Location "/out"', $jwt, $off)) ],
        [ 'by a virtual host for a location of all', section('Location "/out"', $jwt) . section('VirtualHost 127.0.0.1:9', $off) ],
    );
    for my $case (@refused) {
        my ($status, $said) = flaw("WebhookKeysSigningKey a $pem{ed25519}\n$case->[1]");
        isnt($status, 0, $case->[0]);
        like($said, qr/WebhookKeysSign is in force in .* together with WebhookKeysEnforce Off \(\S+:\d+\): .*Set WebhookKeysEnforce On, or WebhookKeysSign None, there/, '... and says so');
    }
    my @taken = (
        [ 'On again', "$off\n" . section('Location "/out"', $jwt, 'WebhookKeysEnforce On') ],
        [ 'None', "$jwt\n" . section('Location "/in"', $off, 'WebhookKeysSign None') ],
        [ 'elsewhere', section('Location "/in"', $off) . section('Location "/inner"', $jwt) . section('Location "/out"', $jwt) ],
        [ 'in another virtual host', section('VirtualHost 127.0.0.1:9', section('Location "/out"', $off)) . section('VirtualHost 127.0.0.1:8', section('Location "/out"', $jwt)) ],
    );
    for my $case (@taken) {
        my ($status, $said) = flaw("WebhookKeysSigningKey a $pem{ed25519}\n$case->[1]");
        is($status, 0, $case->[0]) or diag $said;
    }
};

subtest 'who may have something signed' => sub {
    my $open = qr/WebhookKeysSign in \S+ signs for everybody who gets there: say by Require/;
    my $require = 'Require expr "-R \'127.0.0.1\'"';
    my @cases = (
        [ 'no Require', 1, section('Location "/out"', $jwt) ],
        [ 'one for another place', 1, section('Location "/out"', $jwt) . section('Location "/in"', $require) ],
        [ 'in a virtual host', 1, section('VirtualHost 127.0.0.1:9', section('Location "/out"', $jwt)) ],
        [ 'its own', 0, section('Location "/out"', $jwt, $require) ],
        [ 'that of a location above', 0, section('Location "/"', $require) . section('Location "/out"', $jwt) ],
        [ 'perhaps that of a pattern', 0, section('LocationMatch "t$"', $require) . section('Location "/out"', $jwt) ],
        [ 'everybody', 0, section('Location "/out"', $jwt, 'Require all granted') ],
        [ 'None', 0, section('Location "/out"', 'WebhookKeysSign None') ],
    );
    for my $case (@cases) {
        my ($name, $warns, $conf) = @$case;
        my ($status, $said) = flaw("WebhookKeysSigningKey a $pem{ed25519}\n$conf");
        is($status, 0, $name) or diag $said;
        is(scalar(() = $said =~ /$open/g), $warns, $warns ? '... is told once' : '... nothing is told') or diag $said;
    }
};

subtest 'what is taken' => sub {
    my $ec  = openssl('ec.pem', 'ec', '-in', $pem{p256});
    my $rsa = openssl('rsa.pem', 'rsa', '-in', $pem{rsa2048}, '-traditional');
    my $ecparam = openssl('ecparam.pem', 'ecparam', '-name', 'secp384r1', '-genkey');
    my ($status, $said) = flaw(join '', map { "WebhookKeysSigningKey $_->[0] $_->[1]\n" } [ 'ed', $pem{ed25519} ], [ 'k' x 255, $pem{p384} ], [ 'p521', $pem{p521} ], [ 'ec', $ec ], [ 'rsa', $rsa ], [ 'ecparam', $ecparam ]);
    is($status, 0, 'every kind, and the forms of old') or diag $said;
    ($status, $said) = flaw("WebhookKeysSigningKey ed $pem{ed25519}\n<Location /out>\nWebhookKeysSign jwt Webhook-JWT\n</Location>", modules => []);
    is($status, 0, 'without mod_proxy') or diag $said;
};

# ---- a server that signs ----

copy($pem{ed25519}, "$dir/new.pem");
chmod 0600, "$dir/new.pem";
my $s = WHK::Signing->new(
    children => 2, before => <<"BEFORE", host => <<"HOST");
WebhookKeysSigningKey second $pem{p256}
WebhookKeysSigningKey third $pem{rsa2048}
<Location "/.well-known/webhook-jwks.json">
    SetHandler webhook-keys-signing-jwks
    WebhookKeysJwksMaxAge 60
</Location>
BEFORE
    # rotation
    WebhookKeysSigningKey another $pem{p384}
HOST
my $main  = WHK::Client->new($s->server->port);
my $own   = $s->client;
my $where = '/.well-known/webhook-jwks.json';

sub kid_of_header { my $jwt = shift; return eval { JSON::PP->new->decode(decode_base64url((split /\./, $jwt)[0]))->{kid} } // 'none' }
sub signs { $s->backend->clear; $own->request(POST => '/raw/jwt/x', {}, '{}'); return kid_of_header((WHK::Signing::field($s->backend->last // {}, 'Webhook-JWT'))[0] // '') }
sub passes { my $r = $own->request(POST => '/out/jwt/x', {}, '{}'); return $r->status == 200 ? 1 : diag $r->body }
sub kids { return join ' ', map { $_->{kid} } @{ ($_[0]->json // {})->{keys} } }

subtest 'the JWK Set' => sub {
    my $r = $main->request(GET => $where);
    is($r->status, 200, 'GET');
    is($r->header('Content-Type'), 'application/json', '... its type');
    is($r->header('Cache-Control'), 'public, max-age=60', '... for how long it is good');
    is($r->header('X-Content-Type-Options'), 'nosniff', '... not to be sniffed');
    my $etag = $r->header('ETag');
    like($etag, qr/^"[0-9a-f]{64}"$/, '... a strong ETag');
    is(kids($r), 'main-key second third', '... all keys, in order');
    is_deeply([ map { join ' ', sort keys %$_ } @{ $r->json->{keys} } ], [ 'alg crv kid kty use x', 'alg crv kid kty use x y', 'alg e kid kty n use' ], '... public members alone');
    is(join(' ', map { "$_->{alg} $_->{use}" } @{ $r->json->{keys} }), 'EdDSA sig ES256 sig RS256 sig', '... what each is for');
    is($r->json->{keys}[0]{x}, $s->key->{jwk}{x}, '... the very key');
    is(kids($own->request(GET => $where)), 'out-EdDSA another', 'a virtual host that names its own has these alone');
    my $head = $main->request(HEAD => $where);
    is($head->status . $head->body . $head->header('ETag') . $head->header('Content-Length'), "200$etag" . length($r->body), 'HEAD');
    for my $case ([ $etag, 304 ], [ '*', 304 ], [ "\"other\", $etag", 304 ], [ '"other"', 200 ]) {
        $r = $main->request(GET => $where, { 'If-None-Match' => $case->[0] });
        is($r->status, $case->[1], "If-None-Match: $case->[0]");
        is($r->body, '', '... without a body') if $case->[1] == 304;
        is($r->header('ETag'), $etag, '... with its ETag');
    }
    for my $method (qw(POST PUT DELETE PATCH)) {
        $r = $main->request($method => $where, {}, $method eq 'DELETE' ? undef : '{}');
        refused($r, 405, 'method_not_allowed', $method);
        is($r->header('Allow'), 'GET, HEAD, OPTIONS', '... tells which are');
    }
    $r = $main->request(OPTIONS => $where);
    is($r->status . $r->header('Allow'), '204GET, HEAD, OPTIONS', 'OPTIONS');
};

# ---- what children have of the keys ----

sub locked { my $pid = shift; my ($kib) = text_of("/proc/$pid/status") =~ /^VmLck:\s+(\d+)/m; return $kib // 0 }

subtest 'children have the keys, and no files' => sub {
    my @children = $s->server->children;
    my ($limit) = text_of('/proc/self/limits') =~ /^Max locked memory\s+(\S+)/m;
  SKIP: {
        # AddressSanitizer's mlock does nothing.
        skip 'nothing is locked here', 2 if ($limit ne "unlimited" && $limit < 256 * 1024) || $WHK::Server::build =~ /sanitize/;
        cmp_ok(locked($s->server->pid), '>=', 256, 'locked in the parent');
        is(scalar(grep { locked($_) >= 256 } @children), scalar @children, '... and in each child');
    }
    rename $s->key->{pem}, "$dir/away.pem" or die $!;
    kill KILL => $_ for @children;
    my %old = map { $_ => 1 } @children;
    my @new;
    for (1 .. 1200) {
        @new = grep { !$old{$_} } $s->server->children;
        last if @new >= @children;
        sleep 0.05;
    }
    cmp_ok(scalar @new, '>=', scalar @children, 'other children');
    $own->close;
    is(passes(), 1, '... sign without the file') for 1 .. 8;
    rename "$dir/away.pem", $s->key->{pem} or die $!;
};

subtest 'a new first key' => sub {
    is(signs(), 'out-EdDSA', 'the old one signs');
    my $conf = text_of($s->server->conf);
    my $key  = $s->webhooks->register({ kid => 'new', jwk => WHK::Keys::jwk_of_pem('ed25519', "$dir/new.pem"), enterprise => 'acme' });
    my $line = quotemeta 'WebhookKeysSigningKey out-EdDSA';
    my $changed = $conf =~ s/^(\s*)($line)/$1WebhookKeysSigningKey new $dir\/new.pem\n$1$2/mr;
    my $write = sub { open my $out, '>', $s->server->conf or die $!; print $out $_[0]; close $out; return };
    $write->($changed);
    is(signs(), 'out-EdDSA', 'not before a reload');
    my $etag = $own->request(GET => $where)->header('ETag');
    $s->server->graceful;
    $own->close;
    is(signs(), 'new', 'the new one signs after a reload');
    is(passes(), 1, '... and it verifies');
    my $r = $own->request(GET => $where);
    is(kids($r), 'new out-EdDSA another', '... and the old one stays published');
    isnt($r->header('ETag'), $etag, '... under another ETag');
    chmod 0644, "$dir/new.pem";
    my ($status, $said) = $s->server->configtest;
    like($said, qr/can be read or changed by others/, 'what would be refused now is found by configtest');
    chmod 0600, "$dir/new.pem";
    $write->($conf);
    $s->server->graceful;
    $own->close;
    is(signs(), 'out-EdDSA', 'and back');
};

subtest 'nothing of a key is in the log' => sub {
    my $log = $s->server->error_log;
    my $stderr = text_of($s->server->dir . '/stderr.log');
    for my $file ($s->key->{pem}, @pem{qw(p256 rsa2048 p384)}) {
        my $text = join '', grep { !/-----/ } split /\n/, text_of($file);
        my $der  = decode_base64($text);
        my $name = $file =~ s{.*/}{}r;
        is(index($log . $stderr, substr $text, 10, 20), -1, "$name: not its text");
        my $secret = substr $der, -32;
        is(index($log . $stderr, $_), -1, '... nor its bytes') for $secret, unpack('H*', $secret), encode_base64url($secret);
    }
};

done_testing;
