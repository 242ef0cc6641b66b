# SPDX-License-Identifier: Apache-2.0
# "Every answer is JSON" (docs/api.md, "Paths" and "Errors"): those that httpd's core makes included, whatever ErrorDocument
# says; and a connection goes on after an error, without taking a body for a request.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Database;
use WHK::Server;

my @statuses = (400, 401, 403, 404, 405, 406, 408, 409, 411, 412, 413, 414, 415, 416, 417, 421, 426, 429, 500, 501, 502, 503, 504);
my %document = (text => '"operator text"', path => '/operator.html', url => 'http://elsewhere.test/operator.html');

sub documents { my $what = shift; return join '', map { "ErrorDocument $_ $what\n" } @statuses }

sub location {
    my ($path, $more, $require) = @_;
    $require //= 'Require webhook-keys-admin';
    return <<"CONF";
<Location "$path">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    $require
    $more
</Location>
CONF
}

sub virtual_host {
    my ($name, $documents, $inside) = @_;
    return <<"CONF";
<VirtualHost *:*>
    ServerName $name
    AllowEncodedSlashes NoDecode
    TraceEnable @{[ $inside ? 'off' : 'extended' ]}
    @{[ $inside ? '' : $documents ]}
    @{[ location('/api/policy/v1', $inside ? $documents : '') ]}
    @{[ location('/limited', 'LimitRequestBody 2000') ]}
    @{[ location('/small', 'WebhookKeysMaxBody 1024') ]}
    @{[ location('/open', '', '') ]}
</VirtualHost>
CONF
}

my @hosts = ('plain', map { ("$_.outside", "$_.inside") } sort keys %document);
my $conf  = virtual_host('plain', '', 0);
for my $kind (sort keys %document) {
    $conf .= virtual_host("$kind.outside", documents($document{$kind}), 0);
    $conf .= virtual_host("$kind.inside",  documents($document{$kind}), 1);
}
my $server = WHK::Server->new(conf => $conf, children => 1, threads => 16);
{
    open my $out, '>', $server->dir . '/operator.html' or die $!;
    print $out '<html>operator file</html>';
    close $out;
}
my $client  = WHK::Client->new($server->port);
my $admins  = WHK::Admins->new($server, 'errors', 24);
my $locked  = WHK::Admins->new($server, 'locked', 1);
my $keys    = $server->keys('errors');
my %reader  = $admins->read;
my $bearer  = "Authorization: $reader{Authorization}\r\n";
my $type    = { 'Content-Type' => 'application/json' };
my $inner   = "DELETE $keys/x HTTP/1.1\r\nHost: localhost\r\n\r\n";
my $request = sub { my ($line, @headers) = @_; return join "\r\n", "$line HTTP/1.1", 'Host: localhost', @headers, '', '' };
my $headers = sub { my %h = @_; return map { "$_: $h{$_}" } sort keys %h };

sub fresh { my ($bytes) = @_; $client->close; return $client->raw($bytes) }

$server->sql('UPDATE whk_otp SET locked_until = ' . (time + 600) . "000 WHERE user_id LIKE '%locked'");

subtest "httpd's own answers, whatever ErrorDocument says" => sub {
    for my $host (@hosts) {
        my $get = sub { my ($method, $path, $h, $body) = @_; return $client->request($method, $path, { Host => $host, %{ $h // {} } }, $body) };
        refused($get->(GET => $keys), 401, 'invalid_token', "$host: no token");
        refused($get->(GET => $keys, { Authorization => 'Bearer wrong' }), 401, 'invalid_token', "$host: wrong token");
        refused($get->(POST => $keys, {%reader}), 401, 'otp_required', "$host: no code");
        refused($get->(GET => $server->keys('other'), {%reader}), 403, 'not_enterprise_admin', "$host: no admin");
        refused($get->(GET => "$keys/none", {%reader}), 404, 'key_not_found', "$host: unknown key");
        refused($get->(GET => "$keys?limit=0", {%reader}), 400, 'invalid_request', "$host: wrong query");
        refused($get->(GET => $server->prefix), 404, 'not_found', "$host: unknown path");
        refused($get->(GET => "$keys/%00"), 404, 'not_found', "$host: a NUL");
        refused($get->(GET => "$keys/%zz"), 400, 'invalid_request', "$host: a broken escape");
        for my $method (qw(PUT TRACE PROPFIND BREW)) {
            my $r = $get->($method => $keys);
            refused($r, 405, 'method_not_allowed', "$host: $method");
            is($r->header('Allow'), 'GET, HEAD, POST, OPTIONS', '... with Allow');
        }
        refused($get->(TRACE => $server->prefix), 404, 'not_found', "$host: TRACE of an unknown path");
        refused($get->(GET => '/open/enterprises/errors/webhooks/keys', {%reader}), 500, 'internal_error', "$host: no Require");
        refused($get->(POST => $server->keys('locked'), { $locked->read, OTP => '000000' }), 429, 'otp_locked', "$host: locked");
        my $r = $client->request(PATCH => $keys, { Host => $host, Expect => '200-maybe' }, 'x');
        # Of an error that httpd sends elsewhere, nothing but that it was one is left.
        refused($r, $host eq 'url.outside' ? 400 : 417, 'invalid_request', "$host: unknown expectation");
        is($r->header('Location'), undef, '... leads nowhere');
        $client->close;
    }
};

subtest 'requests that httpd gives up on before it has found the location' => sub {
    my $long = 'x' x 9000;
    my %cases = (
        'a header too long'         => [400, $request->("GET $keys", "X: $long")],
        'too many headers'          => [400, $request->("GET $keys", map { "X$_: x" } 1 .. 150)],
        'a header name with a space' => [400, $request->("GET $keys", 'X Y: z')],
        'a header without a colon'  => [400, $request->("GET $keys", 'foo')],
        'a NUL in a header'         => [400, $request->("GET $keys", "X: a\0b")],
        'two hosts'                 => [400, $request->("GET $keys", 'Host: other')],
        'no host'                   => [400, "GET $keys HTTP/1.1\r\n\r\n"],
        'a protocol that is none'   => [400, "GET $keys HTTQ/1.1\r\nHost: localhost\r\n\r\n"],
        'a version that is none'    => [400, "GET $keys HTTP/1.x\r\nHost: localhost\r\n\r\n"],
        'white space in the line'   => [400, "GET $keys foo HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        'a length that is none'     => [400, $request->("POST $keys", 'Content-Length: abc')],
        'a negative length'         => [400, $request->("POST $keys", 'Content-Length: -1')],
        'two lengths'               => [400, $request->("POST $keys", 'Content-Length: 1', 'Content-Length: 2') . '{}'],
        'an unknown coding'         => [400, $request->("POST $keys", 'Transfer-Encoding: gzip')],
        'CONNECT'                   => [400, $request->("CONNECT $keys")],
        'a target too long'         => [414, $request->("GET $keys?$long")],
        'a keyId too long'          => [414, $request->("GET $keys/$long")],
    );
    for my $name (sort keys %cases) {
        my ($status, $bytes) = @{ $cases{$name} };
        refused(fresh($bytes), $status, 'invalid_request', $name);
    }
    refused(fresh("GET $keys HTTP/1.0\r\n\r\n"), 401, 'invalid_token', 'HTTP/1.0 without a host');
    $client->close;
    $client->send("GET $keys\r\n");
    1 while $client->more;
    is(eval { decode_json($client->{buffer})->{code} }, 'invalid_token', 'HTTP/0.9 gets JSON as well');
    my $elsewhere = fresh($request->("GET /elsewhere?$long"));
    like($elsewhere->header('Content-Type'), qr{^text/html}, "another location's errors are left alone");
    $client->close;
};

subtest 'an upgrade that nobody offers is ignored' => sub {
    for my $protocol ('h2c', 'websocket', 'TLS/1.0') {
        my $r = $client->request(GET => $keys, { %reader, Connection => 'Upgrade', Upgrade => $protocol });
        is($r->status, 200, $protocol);
        json_headers($r, '... is answered by HTTP/1.1');
    }
};

subtest 'bodies too long' => sub {
    my $set  = sub { return { jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => shift)) } };
    my $body = sub { my ($kid, $length) = @_; my $text = encode_json($set->($kid)); return $text . ' ' x ($length - length $text) };
    my $small = '/small/enterprises/errors/webhooks/keys';
    for my $case ([$keys, 65536], [$small, 1024]) {
        my ($path, $most) = @$case;
        my $json = $body->("k$most", $most);
        is($client->request(POST => $path, { $admins->write, %$type }, $json)->status, 201, "$most bytes are taken");
        refused($client->request(POST => $path, { $admins->write, %$type }, "$json "), 413, 'body_too_large', 'one more is not');
        my $r = fresh($request->("POST $path", $headers->($admins->write, %$type, 'Content-Length' => $most + 1)));
        refused($r, 413, 'body_too_large', 'known by its length alone');
        is($r->header('Connection'), 'close', '... which ends the connection');
        my $chunks = sprintf("%x\r\n%s\r\n0\r\n\r\n", $most, $body->("c$most", $most));
        my @chunked = $headers->(%$type, 'Transfer-Encoding' => 'chunked');
        is(fresh($request->("POST $path", @chunked, $headers->($admins->write)) . $chunks)->status, 201, "$most bytes in a chunk are taken");
        $chunks = "1\r\n \r\n" x ($most - 300) . sprintf "%x\r\n%s\r\n0\r\n\r\n", 400, ' ' x 400;
        refused(fresh($request->("POST $path", @chunked, $headers->($admins->write)) . $chunks), 413, 'body_too_large', 'more of them are not');
    }
    my $limited = '/limited/enterprises/errors/webhooks/keys';
    for my $host ('path.outside', 'url.outside') {
        refused($client->request(POST => $limited, { $admins->write, %$type, Host => $host }, '{' . ' ' x 3000), 413, 'body_too_large', "LimitRequestBody at $host");
    }
    refused(fresh($request->("POST $limited", $headers->($admins->write, %$type, 'Content-Length' => 3000)) . ' ' x 3000),
        413, 'body_too_large', 'LimitRequestBody, by length');
    refused(fresh($request->("POST $limited", $headers->($admins->write, %$type, 'Transfer-Encoding' => 'chunked')) . "bb8\r\n" . ' ' x 3000 . "\r\n0\r\n\r\n"),
        413, 'body_too_large', 'LimitRequestBody, by chunks');
    $client->close;
};

subtest 'bodies that do not arrive whole' => sub {
    my $before = $server->sql('SELECT count(*) FROM whk_key');
    my $json   = encode_json({ jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'whole')) });
    my $size   = sprintf '%x', length $json;
    my %broken = (
        'a size that is none' => "zz\r\n$json\r\n0\r\n\r\n", 'a negative size' => "-5\r\n$json\r\n0\r\n\r\n",
        'a chunk longer than its size' => "5\r\n$json\r\n0\r\n\r\n",
    );
    for my $name (sort keys %broken) {
        my $r = fresh($request->("POST $keys", $headers->($admins->write, %$type, 'Transfer-Encoding' => 'chunked')) . $broken{$name});
        refused($r, 400, 'invalid_request', $name);
        ok(!$client->connected, '... ends the connection');
    }
    refused(fresh($request->("POST $keys", $headers->($admins->write, %$type, 'Transfer-Encoding' => 'chunked')) . "fffffffffffffffff\r\n$json\r\n0\r\n\r\n"),
        413, 'body_too_large', 'a size beyond all numbers');
    for my $case (['Content-Length' => length($json) + 1, $json], ['Transfer-Encoding' => 'chunked', "$size\r\n$json\r\n"], ['Transfer-Encoding' => 'chunked', "ff\r\n$json"]) {
        my ($name, $value, $bytes) = @$case;
        $client->close;
        $client->send($request->("POST $keys", $headers->($admins->write, %$type, $name => $value)) . $bytes);
        shutdown $client->socket, 1;
        refused($client->receive, 400, 'invalid_request', "$name: $value, cut off");
        $client->close;
    }
    is($server->sql('SELECT count(*) FROM whk_key'), $before, 'nothing was registered');
};

subtest 'the connection goes on' => sub {
    my $known = encode_json({ jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'known')) });
    (my $other_id = $known) =~ s/"known"/"other"/;
    is($admins->register($client, $known)->status, 201, 'a key');
    is($admins->register($client, encode_json({ jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'gone')) }))->status, 201, 'another');
    is($admins->revoke($client, 'gone')->status, 200, 'which is revoked');
    my $prefix = $server->prefix;
    my @cases = (
        [400, "POST $keys", [$headers->($admins->write, %$type)], $inner],
        [400, "POST $keys", [$headers->($admins->write, %$type)], '{}'],
        [400, "GET $keys?limit=x", [$bearer =~ s/\r\n//r], $inner],
        [400, "POST $keys", [$headers->($admins->write, %$type)], $known],
        [401, "POST $keys", [], $inner],
        [401, "GET $keys", [], $inner],
        [401, "POST $keys", [$bearer =~ s/\r\n//r], $inner],
        [401, "POST $keys", [$bearer =~ s/\r\n//r, 'OTP: 000000'], $inner],
        [403, 'POST ' . $server->keys('other'), [$bearer =~ s/\r\n//r], $inner],
        [404, "POST $prefix", [], $inner],
        [404, "GET $prefix", [], $inner],
        [404, "DELETE $keys/none", [$headers->($admins->write)], $inner],
        [405, "PUT $keys", [], $inner],
        [405, "TRACE $keys", [], $inner],
        [409, "POST $keys", [$headers->($admins->write, %$type)], $other_id],
        [409, "DELETE $keys/gone", [$headers->($admins->write)], $inner],
        [415, "POST $keys", [$headers->($admins->write, 'Content-Type' => 'text/plain')], $inner],
        [429, 'POST ' . $server->keys('locked'), [$headers->($locked->read, OTP => '000000')], $inner],
        [200, "GET $keys", [$bearer =~ s/\r\n//r], $inner],
        [204, "OPTIONS $keys", [], $inner],
        [200, "DELETE $keys/known", [$headers->($admins->write)], $inner],
    );
    my $next = $request->("GET $keys?limit=1", $bearer =~ s/\r\n//r);
    for my $case (@cases) {
        my ($status, $line, $more, $body) = @$case;
        my $name = "$status $line with a body of " . (split ' ', $body)[0];
        $client->close;
        $client->send($request->($line, @$more, 'Content-Length: ' . length $body) . $body . $next);
        my $first = $client->receive;
        is($first->status, $status, $name) or diag $first->body;
        my $second = eval { $client->receive } // WHK::Response->new('');
        if ($status == 400) {
            # httpd ends the connection with each 400, whoever makes it.
            is($first->header('Connection'), 'close', '... says that the connection ends');
            ok(!$second->status && !length $client->{buffer}, '... and ends it without another answer') or diag $second->head;
            next;
        }
        is($second->status, 200, '... the next request on the connection') or diag $first->head, $second->body;
        is(eval { $second->json->{limit} }, 1, '... is the one that follows the body');
        ok($client->connected && !length $client->{buffer}, '... and no more answers come');
    }
};

subtest 'a body that comes a little later' => sub {
    my $next = $request->("GET $keys?limit=1", $bearer =~ s/\r\n//r);
    $client->close;
    $client->send($request->("POST $keys", 'Content-Length: ' . length $inner));
    select undef, undef, undef, 0.03;
    $client->send($inner . $next);
    is($client->receive->status, 401, 'is not waited for in vain');
    is($client->receive->status, 200, 'the next request is answered right');
    $client->close;
    $client->send($request->("POST $keys", 'Content-Length: ' . length $inner));
    my $first = $client->receive;
    is($first->status, 401, 'one that does not come');
    is($first->header('Connection'), 'close', '... ends the connection');
    $client->close;
};

subtest 'a body in chunks that nobody reads is no request either' => sub {
    my $chunk = sprintf "%x\r\n%s\r\n0\r\n\r\n", length $inner, $inner;
    my $next = $request->("GET $keys?limit=1", $bearer =~ s/\r\n//r);
    for my $line ("POST $keys", "GET $keys", "PUT $keys", 'GET ' . $server->prefix, 'GET ' . $server->keys('other')) {
        $client->close;
        $client->send($request->($line, 'Transfer-Encoding: chunked') . $chunk . $next);
        my $first = $client->receive;
        ok($first->status >= 400, "$line: " . $first->status);
        my $second = eval { $client->receive } // WHK::Response->new('');
        ok($second->status == 200 && $second->json->{limit} == 1 || !$second->status && ($first->header('Connection') // '') =~ /close/,
            '... goes on behind the body, or ends, and says so') or diag $first->head, $second->head;
    }
    $client->close;
};

subtest 'a store that is away' => sub {
    my ($folder, $own);
    if ($server->is_sqlite) {
        $folder = File::Temp::tempdir('whk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        $own    = WHK::Server->new(start => 0, init => 0, children => 1, before => "DBDParams $folder/db/registry.db", location => documents('/operator.html'));
        $own->{db} = "$folder/db/registry.db";
        mkdir "$folder/db" or die $!;
        $own->ctl_ok('init');
    } else {
        $own = WHK::Server->new(start => 0, children => 1, database => WHK::Database->new($WHK::Server::db_kind), location => documents('/operator.html'));
    }
    my $owner = WHK::Admins->new($own, 'e', 3);
    my $other = WHK::Client->new($own->port);
    my $path  = $own->keys('e');
    my $away  = sub {
        my ($what) = @_;
        for my $case ([GET => $path], [GET => "$path/x"], [GET => $own->events('e')], [POST => $path, 'OTP: 000000'], [DELETE => "$path/x", 'OTP: 000000']) {
            my ($method, $target) = @$case;
            my $r = $other->request($method => $target, { $owner->read, @$case > 2 ? (OTP => '000000') : () }, $method eq 'POST' ? '{}' : undef);
            refused($r, 503, 'store_unavailable', "$what: $method $target");
            like($r->header('Retry-After') // '', qr/^[1-9]\d*$/, '... with Retry-After');
            is($r->header('WWW-Authenticate'), undef, '... and no challenge');
            unlike($r->head . $r->body =~ s/"requestId":"[^"]*"//r, qr{sqlite|pgsql|postgres|mysql|maria|select|insert|registry\.db|webhook_keys|/tmp|\.c\b|apr|dbd}i, '... and nothing of the inside');
        }
        refused($other->request(GET => $path), 401, 'invalid_token', "$what: what needs no store is told apart");
        refused($other->request(PUT => $path), 405, 'method_not_allowed', "$what: nor does the route");
    };
    my $back = sub {
        my ($what) = @_;
        my $r = $other->request(GET => $path, { $owner->read });
        is($r->status, 200, "$what: serves again") or diag $r->body;
        $r = $owner->register($other, { jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')), keyId => $what });
        is($r->status, 201, "$what: registers again") or diag $r->body;
    };
    my $database = $own->database;
    my ($may_not, $may) = $own->driver eq 'pgsql' ? map { "ALTER ROLE webhook_keys $_" } qw(NOLOGIN LOGIN) : map { "ALTER USER 'webhook_keys'\@'127.0.0.1' ACCOUNT $_" } qw(LOCK UNLOCK);
    my @cases = $folder ? (
        ['no folder', sub { rename "$folder/db", "$folder/away" or die $! }, sub { rename "$folder/away", "$folder/db" or die $! }],
        ['no permission', sub { chmod 0, "$folder/db" or die $! }, sub { chmod 0755, "$folder/db" or die $! }],
        ['no file', sub { rename $own->db, $own->db . '.away' or die $!; mkdir $own->db or die $! }, sub { rmdir $own->db or die $!; rename $own->db . '.away', $own->db or die $! }]
    ) : (
        ['no server', sub { $database->kill }, sub { $database->start_node }],
        ['no permission', sub { $database->as_administrator($may_not) }, sub { $database->as_administrator($may) }],
        ['no table', sub { $own->sql("ALTER TABLE $_ RENAME TO ${_}_away") for qw(whk_token whk_schema) }, sub { $own->sql("ALTER TABLE ${_}_away RENAME TO $_") for qw(whk_token whk_schema) }],
    );
    for my $case (@cases) {
        my ($what, $take, $give) = @$case;
        $take->();
        $own->start;
        $away->($what);
        $give->();
        $back->($what);
        $own->stop;
    }
    # And while it runs.
    if ($database) {
        $own->start;
        $back->('before');
        $database->kill;
        $away->('a server that dies');
        $database->start_node;
        $back->('a server that died');
    }
    like($own->error_log, qr/store_unavailable/, 'the log says so');
    unlike($own->error_log, qr/password=\S|pass=\S|\Q$_\E/, '... and no password') for $database ? $own->db =~ /pass(?:word)?=(\w+)/ : ();
    $own->stop;
};

unlike($server->error_log, qr/exit signal|Segmentation|AH00052/, 'no crash');
done_testing;
