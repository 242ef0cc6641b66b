# SPDX-License-Identifier: Apache-2.0
# What a request can cost at worst, by somebody who may not do what he asks for: the table of SECURITY.md, row by row.
# Things are counted; times and memory have bounds that are several times what they are.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Costs;
use WHK::Keys;
use WHK::OTP;
use WHK::Origin;
use WHK::Parallel;
use WHK::Webhooks;

my $json = JSON::PP->new->utf8->canonical;
my %json = ('Content-Type' => 'application/json');
my $mib  = 1_048_576;

sub location {
    my ($path, $scheme) = @_;
    return <<"LOCATION";
<LocationMatch "^/$path/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature  $scheme
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}"
</LocationMatch>
LOCATION
}

# One connection to the database is all that there is: who held it while reading from a client would be found out. The
# keys are asked for so seldom that hardly a question of the background's is counted.
my $costs = WHK::Costs->new;
my $w = WHK::Webhooks->new(
    children => 1, threads => 8, env => { $costs->env },
    before => join("\n", 'LogLevel warn', 'DBDMin 1', 'DBDKeep 1', 'DBDMax 1', 'WebhookKeysRevocationLag 60',
        'WebhookKeysAlgorithms EdDSA ES256 ES384 ES512 RS256', 'WebhookKeysJwksUriAllow 127.0.0.1'),
    hooks => join('', map { location(@{$_}) } ['hs', 'http-signature'], ['detached', 'jws-detached Webhook-Signature'],
        ['jws', 'jws'], ['jwt', 'jwt Webhook-Token'], ['sw', 'standard-webhooks'])
);
my $server = $w->server;
my $client = $w->client;
$costs->of($server);

my %key    = map { $_ => $w->key($_, kid => "key-$_") } qw(EdDSA ES256);
my $admins = $w->admins;
my $other  = $w->admins('other');
my $keys   = $server->keys('acme');
my %reader = $admins->read;

sub answer { my $r = shift; return join ' ', $r->status, $r->code // () }
sub api    { my ($method, $target, $headers, $body) = @_; return answer($client->request($method, $target, { %{ $headers // {} } }, $body)) }
sub hook   { my ($path, $headers, $body) = @_; return answer($client->request(POST => "/$path", $headers, $body // '{}')) }

# What httpd spends on a request that is none of ours, in seconds.
my $bare;
{
    api(GET => '/bare') for 1 .. 200;
    my $cost = $costs->measure(2000, sub { api(GET => '/bare') });
    $bare = $cost->{cpu} / 2000;
    $bare = 3e-5 if $bare < 3e-5;
}

# A row of the table. %most has, for each request, the most of what WHK::Costs counts, and nothing of what it leaves
# out; cpu is in bare requests, memory in KiB, and log in bytes;
# log_in_all is of all requests together, as lines are that are limited in number.
sub costs {
    my ($name, $count, $answer, $send, %most) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $cost = $costs->measure($count, $send);
    my @flaws;
    push @flaws, 'answers: ' . $json->encode($cost->{answers}) if join(',', CORE::keys %{ $cost->{answers} }) ne $answer;
    for my $what (qw(verifications keys json_bytes reads writes transactions fetches rows events log)) {
        # The background asks now and then.
        my $most = ($most{$what} // 0) * $count + ($what eq 'reads' ? 4 + int(8 * $cost->{seconds}) : 0);
        $most += $most{log_in_all} // 0 if $what eq 'log';
        push @flaws, "$what: $cost->{$what}, and not $most" if $cost->{$what} > $most;
    }
    my $cpu = $cost->{cpu} / $count / $bare;
    if (WHK::Costs::is_exact()) {
        push @flaws, "as much time as $cpu bare requests" if $cpu > ($most{cpu} // 20);
        push @flaws, "$cost->{memory} KiB" if ($cost->{memory} // 0) > ($most{memory} // 1024);
    }
    note sprintf '%s: %.1f bare requests, %s KiB, %.1f s', $name, $cpu, $cost->{memory} // '?', $cost->{seconds};
    return ok(!@flaws, $name) || diag(join "\n", @flaws);
}

my $long = 8000;

subtest 'nobody, to the API' => sub {
    costs('a path of slashes', 300, '404 not_found', sub { api(GET => $server->prefix . '/' x $long) });
    costs('a path of segments', 300, '404 not_found', sub { api(GET => $server->prefix . '/a' x ($long / 2)) });
    costs('a keyId of percent signs', 300, '401 invalid_token', sub { api(GET => "$keys/" . '%41' x ($long / 3 - 100)) });
    costs('no token', 300, '401 invalid_token', sub { api(GET => $keys) });
    costs('a token that is too long', 300, '401 invalid_token', sub { api(GET => $keys, { Authorization => 'Bearer ' . 'x' x 513 }) }, log_in_all => 40_000);
    costs('a token that is none', 300, '401 invalid_token', sub { api(GET => $keys, { Authorization => 'Bearer ' . 'x' x 43 }) }, reads => 1, log_in_all => 400);
    costs('a body that nobody reads', 100, '401 invalid_token', sub { api(POST => $keys, { %json }, '[' x 65536) });
};

subtest 'a token of another enterprise' => sub {
    costs('refused', 300, '403 not_enterprise_admin', sub { api(GET => $keys, { $other->read }) }, reads => 2, log => 500);
    my $path = $server->keys('acme') . '/' . '%1B' x 1000 . '%0A' . 'x' x 4000;
    costs('a long path', 100, '403 not_enterprise_admin', sub { api(GET => $path, { $other->read }) }, reads => 2, log => 9000);
    costs('enterprises that are none', 300, '403 not_enterprise_admin', sub { api(GET => $server->keys('e' . int rand 1e9), { %reader }) }, reads => 2, log => 500);
    unlike($server->error_log, qr/[^\x20-\x7e\n]/, 'no control character in the log');
};

subtest 'a token without a code' => sub {
    costs('a page', 100, '200', sub { api(GET => "$keys?limit=100", \%reader) }, reads => 4);
    costs('jwks.json', 100, '200', sub { api(GET => $keys =~ s/keys$/jwks.json/r, \%reader) }, reads => 4, keys => 2, json_bytes => 500, cpu => 60);
    costs('a query of parameters', 100, '200', sub { api(GET => "$keys?" . 'a=%41&' x 1200, \%reader) }, reads => 4);
    costs('a registration without a code', 100, '401 otp_required', sub { api(POST => $keys, { %reader, %json }, '{}' x 100) }, reads => 3);

    my $verify = sub { my $body = shift; return sub { api(POST => "$keys/key-ES256/verify", { %reader, %json }, $body) } };
    my %hostile = (
        'empty objects' => '[' . join(',', ('{}') x 21_000) . ']', 'empty arrays' => '[' . join(',', ('[]') x 21_000) . ']',
        'brackets' => '[' x 65_000,
    );
    for my $name (sort keys %hostile) {
        costs($name, 20, '400 invalid_json', $verify->($hostile{$name}), reads => 3, cpu => 60, memory => 3072);
    }
    my %dear = (
        'as many as there may be' => '[' . join(',', ('{}') x 1023) . ']', numbers => '[' . join(',', (0) x 32_000) . ']',
        members => '{' . join(',', map { qq("$_":0) } 1 .. 7_000) . '}', digits => '0.' . '9' x 65_000, escapes => '"' . '\u0041' x 10_900 . '"',
    );
    for my $name (sort keys %dear) {
        costs($name, 20, '400 invalid_request', $verify->($dear{$name}), reads => 3, json_bytes => length $dear{$name}, cpu => 300, memory => 8192);
    }
    my $jws = encode_base64url('{"alg":"ES256"}') . '..' . encode_base64url("\1" x 64);
    my $text = $json->encode({ jws => $jws, payload => encode_base64url('x' x 45_000) });
    my $judged = sub { my $r = $client->request(POST => "$keys/key-ES256/verify", { %reader, %json }, $text)->json; return "$r->{valid} $r->{reason}" };
    costs('a signature that is none', 50, '0 bad_signature', $judged, reads => 4, keys => 1, verifications => 1, json_bytes => 65_536 + 1024, cpu => 150, memory => 2048);
};

subtest 'wrong codes' => sub {
    my $stolen = WHK::Admins->new($server, 'stolen', 1);
    my %token  = $stolen->read;
    my $path   = $server->keys('stolen');
    my $user   = $stolen->{list}[0]{user};
    my $wrong  = sub { my $of = shift // $client; return answer($of->request(POST => $path, { %token, OTP => '00000' . int rand 10, %json }, '{}')) };
    my $guess  = sub { my $c = WHK::Client->new($server->port); $wrong->($c) for 1 .. 25; return 1 };
    my $cost   = $costs->measure(1, sub { WHK::Parallel::run(($guess) x 4); 1 });
    is($cost->{events}, 6, 'a hundred, four at a time: five events and a lock');
    is($cost->{rows}, 6, 'no other row');
    costs('while locked', 200, '429 otp_locked', sub { $wrong->() }, reads => 4, log_in_all => 40_000);
    for my $seconds (60, 120) {
        $server->sql("UPDATE whk_otp SET locked_until = 0 WHERE user_id = '$user'");
        $cost = $costs->measure(10, sub { $wrong->() });
        is($cost->{events}, 2, 'one more, and a lock');
        my $left = $server->sql("SELECT locked_until FROM whk_otp WHERE user_id = '$user'") / 1000 - int time;
        cmp_ok($left, '>', $seconds - 10, "of $seconds seconds");
    }
    costs('a code of eight kilobytes', 50, '429 otp_locked', sub { answer($client->request(POST => $path, { %token, OTP => '1' x $long, %json }, '{}')) }, reads => 4, log_in_all => 40_000);
};

subtest 'a registration that is refused' => sub {
    my $jwk = WHK::Keys::jwk('p256');
    my $refuse = sub { my $body = shift; return sub { answer($admins->register($client, $body)) } };
    # The code is made good again by a trigger, which is a write of this test.
    my @one = (events => 1, rows => 1, transactions => 1, writes => 4, reads => 8);
    costs('no JSON', 20, '400 invalid_json', $refuse->('['), @one, json_bytes => 1, cpu => 400, memory => 4096);
    costs('certificates', 20, '400 invalid_jwks', $refuse->({ keyId => 'x', jwks => WHK::Keys::jwks({ %{$jwk}, x5c => [ encode_base64("\x30\x80" x 22_000, '') ] }) }), @one, keys => 1, json_bytes => 65_536, cpu => 600, memory => 4096);
};

# No code, so nothing to write: what it would write is undone.
subtest 'a registration that is judged' => sub {
    my $judge = sub { my $body = shift; my $path = $keys =~ s/keys\z/key-validations/r; return sub { answer($client->request(POST => $path, { %reader, %json }, $json->encode($body))) } };
    my $jwk   = WHK::Keys::jwk('p256');
    costs('no object', 20, '400 invalid_request', $judge->([]), reads => 3, json_bytes => 2, cpu => 60, memory => 4096);
    costs('certificates', 20, '400 invalid_jwks', $judge->({ keyId => 'x', jwks => WHK::Keys::jwks({ %{$jwk}, x5c => [ encode_base64("\x30\x80" x 22_000, '') ] }) }), reads => 3, keys => 1, json_bytes => 65_536, cpu => 600, memory => 4096);
    costs('one that is good', 20, '200', $judge->({ keyId => 'x', jwks => WHK::Keys::jwks($jwk) }), transactions => 1, writes => 6, reads => 9, keys => 1, json_bytes => 1024, cpu => 300, memory => 4096);
};

sub good_times { my $key = shift; return ';created=' . int(time) . ";keyid=\"$key->{kid}\"" }
my $no_signature = 'a=:' . encode_base64("\1" x 64, '') . ':';
my $digest       = 'sha-256=:' . encode_base64("\1" x 32, '') . ':';
my $least        = '"@method" "@target-uri" "content-digest"';

sub http_signature {
    my ($components, $headers, %o) = @_;
    return sub {
        return hook('hs/' . ($o{target} // 'acme/x'), { 'Signature-Input' => "a=($components $least)" . good_times($key{ES256}), Signature => $no_signature, 'Content-Digest' => $digest, %{ $headers // {} } }, $o{body});
    };
}

subtest 'nobody, to a location of webhooks' => sub {
    costs('no signature', 100, '401 signature_missing', sub { hook('detached/acme/x', {}, 'x' x 60_000) }, log_in_all => 10_000);
    my @bad = (100, '401 bad_signature');
    # The first time the key is read from the database, and parsed.
    http_signature('', {})->();
    costs('http-signature', @bad, http_signature('', {}), verifications => 1, log_in_all => 10_000);
    my $several = sub {
        my $count = shift;
        my $input = join ', ', map { "s$_=($least)" . good_times($key{ES256}) } 1 .. $count;
        my $bytes = join ', ', map { "s$_=:" . encode_base64("\1" x 64, '') . ':' } 1 .. $count;
        return sub { hook('hs/acme/x', { 'Signature-Input' => $input, Signature => $bytes, 'Content-Digest' => $digest }) };
    };
    costs('sixteen of them', @bad, $several->(16), verifications => 1, cpu => 60, log_in_all => 10_000);
    costs('seventeen', 50, '401 malformed_jws', $several->(17), cpu => 60, log_in_all => 10_000);
    my $jws = sub { my ($kid, $alg) = @_; return encode_base64url($json->encode({ alg => $alg // 'ES256', kid => $kid, iat => int(time), jti => 'x' })) . '..' . encode_base64url("\1" x 64) };
    costs('jws-detached', @bad, sub { hook('detached/acme/x', { 'Webhook-Signature' => $jws->('key-ES256') }) }, verifications => 1, json_bytes => 100, log_in_all => 10_000);
    costs('keys that are none', 100, '401 unknown_key', sub { hook('detached/acme/x', { 'Webhook-Signature' => $jws->('k' . int rand 1e9) }) }, json_bytes => 100, log_in_all => 10_000);
    costs('enterprises that are none', 100, '401 unknown_key', sub { hook('detached/e' . int(rand 1e9) . '/x', { 'Webhook-Signature' => $jws->('key-ES256') }) }, json_bytes => 100, log_in_all => 10_000);
    my $header = '{"alg":"ES256","kid":"key-ES256","x":[' . join(',', ('{}') x 1500) . ']}';
    costs('a header of empty objects', 50, '401 malformed_jws', sub { hook('detached/acme/x', { 'Webhook-Signature' => encode_base64url($header) . '..' . 'AAAA' }) }, log_in_all => 10_000);
    my $larger = '{"alg":"ES256","kid":"key-ES256","x":[' . join(',', (0) x 2800) . ']}';
    costs('a header of numbers', 50, '401 bad_signature', sub { hook('detached/acme/x', { 'Webhook-Signature' => encode_base64url($larger) . '..' . encode_base64url("\1" x 64) }) }, json_bytes => 8192, verifications => 1, cpu => 60, log_in_all => 10_000);
};

subtest 'structured fields' => sub {
    my @labels = map { sprintf 'k%02d', $_ } 0 .. 57;
    my $few    = '(' . join(' ', (1) x 6) . ')';
    my $many   = '(' . join(' ', (1) x 58) . ')';
    my $all    = join ' ', map { qq("x-d";key="$_") } @labels;
    my @ok     = (50, '401 bad_signature');
    my @not    = (50, '401 malformed_jws');
    costs('parts of one header', @ok, http_signature($all, { 'X-D' => join ', ', map { "$_=$few" } @labels }), verifications => 1, cpu => 60);
    costs('of one that is too rich', @not, http_signature($all, { 'X-D' => join ',', map { "$_=$many" } @labels }), cpu => 60);
    costs('parts of one query', @ok, http_signature(join(' ', map { qq("\@query-param";name="$_") } @labels), {}, target => 'acme/x?' . join('&', @labels) . '&' . 'a&' x 3000), verifications => 1, cpu => 100);
    costs('parts of an encoded query', @ok, http_signature(join(' ', map { qq("\@query-param";name="$_") } @labels), {}, target => 'acme/x?' . join('&', @labels) . '&' . '%41' x 2200), verifications => 1, cpu => 60);
    my %headers = map { ("x-$_" => 'h' x $long) } 0 .. 57;
    costs('more than may be covered', 20, '401 malformed_jws', http_signature(join(' ', map { qq("x-$_";bs) } 0 .. 57), \%headers), cpu => 200, memory => 3072);
    my $small = join ';', 'a' .. 'z', '*', map { "a$_" } 0 .. 9, 'a' .. 'z';
    my $tiny  = '(' . join(' ', ("1;$small") x 35) . ')';
    for my $name ('Signature-Input', 'Signature', 'Content-Digest') {
        costs("$name of parameters", @not, http_signature('', { $name => "a=$tiny" }), cpu => 60);
        costs("$name of members", @not, http_signature('', { $name => join ',', map { "$_=$many" } @labels }), cpu => 60);
    }
    costs('base64', @not, http_signature('', { Signature => 'a=(:' . 'A' x 7800 . ':)' }), cpu => 60);
};

subtest 'bodies' => sub {
    my $body = 'x' x $mib;
    my $http = { 'Signature-Input' => "a=($least)" . good_times($key{ES256}), Signature => $no_signature, 'Content-Digest' => $digest };
    my @bad  = (10, '401 bad_signature');
    costs('with a length', @bad, http_signature('', {}, body => $body), verifications => 1, cpu => 1000, memory => 2048);
    my $head = sub { return "POST /hs/acme/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" . join('', map { "$_: $http->{$_}\r\n" } sort keys %{$http}) . "\r\n" };
    my $chunks = sub { my ($size, $count) = @_; return sprintf("%x\r\n%s\r\n", $size, 'x' x $size) x $count . "0\r\n\r\n" };
    my $chunked = $chunks->(4096, 256);
    costs('in chunks', @bad, sub { answer($client->raw($head->() . $chunked)) }, verifications => 1, cpu => 1000, memory => 2048, log_in_all => 10_000);
    my $crumbs = $chunks->(1, 262_144);
    costs('in crumbs', 2, '401 bad_signature', sub { answer($client->raw($head->() . $crumbs)) }, verifications => 1, cpu => 6000, memory => 2048, log_in_all => 10_000);
    my $more = $chunks->(4096, 257);
    costs('too long', 5, '413 body_too_large', sub { $client->close; answer($client->raw($head->() . $more)) }, cpu => 1000, memory => 2048, log_in_all => 10_000);
    costs('announced too long', 20, '413 body_too_large', sub { $client->close; answer($client->raw($head->() =~ s/Transfer-Encoding: chunked/Content-Length: 1048577/r)) }, log_in_all => 10_000);
    $client->close;
    costs('announced, and the signature is missing', 10, '401 signature_missing', sub { my $r = answer($client->raw("POST /detached/acme/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")); $client->close; return $r }, log_in_all => 10_000);

    # The text that Ed25519 signs has to be in one piece.
    my $jws = encode_base64url($json->encode({ alg => 'EdDSA', kid => 'key-EdDSA', iat => int(time), jti => 'x' })) . '..' . encode_base64url("\1" x 64);
    hook('detached/acme/x', { 'Webhook-Signature' => $jws });
    costs('for Ed25519', @bad, sub { hook('detached/acme/x', { 'Webhook-Signature' => $jws }, $body) }, verifications => 1, json_bytes => 100, cpu => 2000, memory => 4096);
};

# A body that nobody signed is not read as JSON, whatever it holds.
subtest 'claims' => sub {
    my $header = encode_base64url($json->encode({ alg => 'ES256', kid => 'key-ES256' }));
    my $claims = encode_base64url('{"iat":' . int(time) . ',"x":[' . join(',', ('{}') x 240_000) . ']}');
    my $jws    = "$header.$claims." . encode_base64url("\1" x 64);
    costs('of a jws', 10, '401 bad_signature', sub { hook('jws/acme/x', { 'Content-Type' => 'application/jose' }, $jws) }, verifications => 1, json_bytes => 8192, cpu => 1500, memory => 4096);
    my $short = encode_base64url('{"iat":' . int(time) . ',"x":[' . join(',', ('{}') x 1500) . ']}');
    costs('of a jwt', 20, '401 bad_signature', sub { hook('jwt/acme/x', { 'Webhook-Token' => "$header.$short." . encode_base64url("\1" x 64) }) }, verifications => 1, json_bytes => 8192, cpu => 60);
};

subtest 'many signatures and many keys' => sub {
    my $of = 'forty';
    my $many = $w->admins($of);
    $many->register($client, { keyId => "k$_->{x}", jwks => WHK::Keys::jwks($_) }) for WHK::Keys::many(40);
    my $entries = join ' ', map { 'v1a,' . encode_base64(chr($_) x 64, '') } 1 .. 16;
    my $send = sub { my $body = shift; return hook("sw/$of/x", { 'webhook-id' => 'msg_1', 'webhook-timestamp' => int(time), 'webhook-signature' => $entries }, $body) };
    is($send->('{}'), '401 bad_signature', 'refused');
    costs('with a small body', 5, '401 bad_signature', sub { $send->('{}') }, verifications => 16, keys => 16, cpu => 500, memory => 4096);
    my $body = 'x' x $mib;
    costs('with a large one', 1, '401 bad_signature', sub { $send->($body) }, verifications => 16, keys => 16, cpu => 6000, memory => 6144);
};

subtest 'a key set' => sub {
    my $origin = WHK::Origin->new(cert => undef);
    my $path   = WHK::Origin::serve('costs.json', $json->encode({ keys => [ { %{ WHK::Keys::jwk('p256') }, kid => 'remote' } ] }));
    is($admins->register($client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'remote' })->status, 201, 'registered');
    my $text = $json->encode({ jws => encode_base64url('{"alg":"ES256"}') . '.e30.' . encode_base64url("\1" x 64) });
    my $verify = sub { my $r = $client->request(POST => "$keys/remote/verify", { %reader, %json }, $text)->json; return "$r->{valid} $r->{reason}" };
    costs('at hand is not fetched for verify', 20, '0 bad_signature', $verify, reads => 8, keys => 1, verifications => 1, json_bytes => 2048, cpu => 150, memory => 2048);
};

# With a connection or a lock held, nobody else would get on: the database has one connection here.
subtest 'slow bodies hold nothing' => sub {
    my $part = sub { my ($target, %headers) = @_; my $c = WHK::Client->new($server->port); $c->send("POST $target HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n{"); return $c };
    my @slow = (
        $part->($keys, $admins->write, %json), $part->("$keys/key-ES256/verify", %reader, %json),
        $part->('/hs/acme/x', 'Signature-Input' => "a=($least)" . good_times($key{ES256}), Signature => $no_signature, 'Content-Digest' => $digest),
        $part->('/detached/acme/x', 'Webhook-Signature' => 'x'),
    );
    sleep 0.5;
    is(answer($client->request(GET => $keys, { %reader })), '200', 'somebody else reads');
    is($other->register($client, { keyId => 'quick', jwks => WHK::Keys::jwks(WHK::Keys::jwk('p256')) })->status, 201, '... and registers');
    is($w->post($key{ES256}, '{}', scheme => 'http-signature', path => '/hs/acme/x')->status, 200, '... and sends a webhook');
    $_->close for @slow;
};

# With another body or header each time, for ever.
subtest 'a child does not grow' => sub {
    my @kinds = (
        sub { my ($c, $i) = @_; return $c->request(POST => "/hs/acme/$i", { 'Signature-Input' => "a=($least)" . good_times($key{ES256}), Signature => $no_signature, 'Content-Digest' => $digest }, 'x' x ($i % 5000)) },
        sub { my ($c, $i) = @_; return $c->request(POST => "/detached/e$i/x", { 'Webhook-Signature' => encode_base64url(qq({"alg":"ES256","kid":"k$i"})) . '..AAAA' }, 'x') },
        sub { my ($c, $i) = @_; return $c->request(GET => $keys, { Authorization => "Bearer t$i" }) },
        sub { my ($c, $i) = @_; return $c->request(GET => $server->keys("e$i"), {%reader}) },
        sub { my ($c, $i) = @_; return $c->request(POST => "$keys/key-ES256/verify", { %reader, %json }, $json->encode({ jws => encode_base64url(qq({"alg":"ES256","kid":"k$i"})) . '..AAAA' })) },
        sub { my ($c, $i) = @_; return $c->request(GET => $server->prefix . "/$i" . '/a' x ($i % 3000)) },
    );
    my $send = sub {
        my $number = shift;
        return sub { my $c = WHK::Client->new($server->port); $kinds[ $_ % @kinds ]->($c, 1e6 * $number + $_) for 1 .. 600; return 1 };
    };
    WHK::Parallel::run(map { $send->($_) } 1 .. 4);
    my $had  = $costs->kib('VmRSS');
    my $cost = $costs->measure(1, sub { WHK::Parallel::run(map { $send->($_) } 5 .. 8); 1 });
    my $grown = $costs->kib('VmRSS') - $had;
    cmp_ok($grown, '<', WHK::Costs::is_exact() ? 1024 : 65_536, "$grown KiB after 2,400 requests");
    is($cost->{rows}, 0, 'no row');
};

# Of a trail that whoever guesses codes made long.
subtest 'the end of a long trail' => sub {
    my $path = $server->events('acme');
    my $total = sub { return $client->request(GET => "$path?limit=1", { %reader })->json->{total} };
    my $oldest = sub { my $r = $client->request(GET => "$path?limit=1&prevId=$_[0]", { %reader }); return join ' ', $r->status, map { $_->{id} } @{ $r->json->{events} // [] } };
    my $count = $total->();
    my $short = $costs->measure(100, sub { $oldest->($count - 1) });
    is_deeply([ keys %{ $short->{answers} } ], ['200 1'], 'the oldest event');
    my $most = $count + 60_000;
    # MariaDB ends a recursion after a thousand rows, but for this.
    $server->sql(($server->driver eq 'mysql' ? 'SET max_recursive_iterations = 100000; ' : '')
          . "INSERT INTO whk_event (enterprise_id, id, type, actor, at, hash) WITH RECURSIVE n(i) AS (SELECT $count + 1 UNION ALL SELECT i + 1 FROM n WHERE i < $most) SELECT 'acme', i, 'otp.refused', 'x', 0, '' FROM n; "
          . "UPDATE whk_enterprise SET event_count = $most WHERE enterprise_id = 'acme'");
    my $deep = $costs->measure(100, sub { $oldest->($most - 1) });
    is_deeply([ keys %{ $deep->{answers} } ], ['200 1'], 'the oldest of many');
    cmp_ok($deep->{cpu}, '<', 5 * $short->{cpu} + 0.05, 'costs the same');
};

done_testing;
