# SPDX-License-Identifier: Apache-2.0
# docs/api.md, "Paths": paths, methods, and keyIds as they stand in a path.
use strict;
use warnings;
use Test::More;
use WHK::Admins;
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->shared;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'routes', 24);
my $keys   = $server->keys('routes');
my $events = $server->events('routes');
my $verify = "$keys/one/verify";
my $set    = $keys =~ s/keys\z/jwks.json/r;
my $trial  = $keys =~ s/keys\z/key-validations/r;
my %reader = $admins->read;

my %allow = (
    $keys       => 'GET, HEAD, POST, OPTIONS',
    "$keys/one" => 'GET, HEAD, DELETE, OPTIONS',
    $events     => 'GET, HEAD, OPTIONS',
    $verify     => 'POST, OPTIONS',
    $set        => 'GET, HEAD, OPTIONS',
    $trial      => 'POST, OPTIONS',
);

sub escape {
    my ($text) = @_;
    utf8::encode($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub register {
    my ($key_id) = @_;
    return $admins->register($client, { keyId => $key_id, jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) });
}

subtest 'methods of the resources, without a token' => sub {
    for my $path (sort keys %allow) {
        my $allow = $allow{$path};
        for my $method (qw(GET POST PUT PATCH DELETE PROPFIND TRACE LOCK BREW get)) {
            next if $method =~ /^(GET|POST|DELETE)$/ && $allow =~ /\b$method\b/;
            my $r = $client->request($method, $path, {}, $method =~ /^P/ ? '{}' : undef);
            refused($r, 405, 'method_not_allowed', "$method $path");
            is($r->header('Allow'), $allow, '... with Allow');
            is($r->header('WWW-Authenticate'), undef, '... and no challenge');
        }
        for my $method (grep { $_ ne 'OPTIONS' } split /, /, $allow) {
            my $r = $client->request($method, $path);
            is($r->status, 401, "$method $path wants a token");
        }
    }
};

subtest 'OPTIONS' => sub {
    for my $path (sort keys %allow) {
        for my $headers ({}, {%reader}, { Authorization => 'Bearer wrong' }) {
            my $r = $client->request(OPTIONS => $path, $headers);
            is($r->status, 204, "OPTIONS $path");
            is($r->header('Allow'), $allow{$path}, '... with Allow');
            is($r->header('X-Content-Type-Options'), 'nosniff', '... nosniff');
            is($r->header('Cache-Control'), 'no-store', '... no-store');
        }
    }
    refused($client->request(OPTIONS => "$keys/"), 404, 'not_found', 'OPTIONS of an unknown path');
    # The server as a whole is httpd's own matter.
    isnt($client->request(OPTIONS => '*')->status, 404, 'OPTIONS *');
};

subtest 'HEAD answers as GET, without the body' => sub {
    is(register('one')->status, 201, 'a key to look at');
    for my $case (
        [$keys, 200, \%reader], ["$keys/one", 200, \%reader], [$events, 200, \%reader], ["$keys/none", 404, \%reader],
        ["$keys?limit=0", 400, \%reader], [$keys, 401, {}], ["$keys/one", 401, { Authorization => 'Bearer x' }],
        [$server->keys('elsewhere'), 403, \%reader], ["$keys/one/two", 404, {}]
      )
    {
        my ($path, $status, $headers) = @$case;
        my ($get, $head) = map { $client->request($_ => $path, $headers) } qw(GET HEAD);
        is($get->status, $status, "GET $path");
        json_headers($get, '... headers of GET');
        json_headers($head, '... headers of HEAD');
        my @heads = map { $_->head } $get, $head;
        s/^Date:.*\r\n//m for @heads;
        is($heads[1], $heads[0], '... HEAD has the same ones');
        ok(length $get->body && $get->header('Content-Length') == length $get->body, '... Content-Length is right');
        is($client->{buffer}, '', '... and nothing follows');
    }
    refused($client->request(GET => $keys), 401, 'invalid_token', 'the connection goes on after a HEAD');
};

subtest 'unknown paths, without a token' => sub {
    my $prefix = $server->prefix;
    my $base   = "$prefix/enterprises/routes/webhooks";
    for my $path (
        $prefix, "$prefix/", "$prefix/enterprises", "$prefix/enterprises/", "$prefix/enterprises/routes", "$base", "$base/",
        "$keys/", "$keys/one/", "$keys/one/two", "$events/", "$events/1", "$base/jwks.json/", "$keys/one/verify/", "$keys/verify/two/verify",
        "$base/Keys", "$base/KEYS", "$base/key", "$base/keys2", "$prefix/enterprises//webhooks/keys",
        "$prefix/Enterprises/routes/webhooks/keys", "$prefix/enterprises/a/b/webhooks/keys", "$base/keys.json", "$base/key-events.html",
        "$prefix/index.html", "$prefix/" . 'x' x 6000
      )
    {
        for my $method (qw(GET POST DELETE HEAD PUT)) {
            my $r = $client->request($method => $path, {}, $method =~ /^P/ ? '{}' : undef);
            my $name = "$method " . substr $path, 0, 80;
            if ($method eq 'HEAD') { is($r->status, 404, $name); next }
            refused($r, 404, 'not_found', $name);
        }
        refused($client->request(GET => $path, \%reader), 404, 'not_found', 'with a token ' . substr $path, 0, 80);
    }
};

subtest 'keyIds in paths' => sub {
    my @ids = (
        'a/b', '/', '//', 'a//b', '../x', './x', 'x/..', '...', '%', '100%', '%2F', '%2e', '%00', 'a+b', 'a b', "\x{fc}ber", "u\x{308}ber",
        "\x{1f511}", '"quoted"', q{it's}, '<b>', 'a;b=c', 'a?b', 'a#b', 'a&b', 'keys', 'key-events', 'verify', 'jwks.json', 'a/verify', 'verify/verify', 'a,b',
        'a:b', 'a@b', 'a\\b', '[x]', '{x}', '|', '^', '`', '~', '*', 'https://example.com/a?b=c#d', "\x{1f511}" x 255, 'Two', 'two',
    );
    plan tests => 5 * @ids;
    my $revoke = 0;
    for my $id (@ids) {
        my $name = length $id > 100 ? length($id) . ' characters' : JSON::PP->new->ascii->allow_nonref->encode($id);
        my $path = "$keys/" . escape($id);
        refused($client->request(GET => $path, \%reader), 404, 'key_not_found', "$name is unknown at first");
        my $r = register($id);
        is($r->status, 201, "$name is registered") or diag $r->body;
        my $location = $r->header('Location') // '';
        unlike($location, qr{[^!-~]|["<>\\^`{|}]|/[^/]*/webhooks/keys/.*/}i, '... Location is a URI path of one more segment');
        is($client->request(GET => $location, \%reader)->json->{keyId}, $id, '... and leads to the key');
        is($client->request(GET => $path, \%reader)->json->{keyId}, $id, '... as does our own escape');
    }
};

subtest 'revoked by such paths' => sub {
    for my $id ('a/b', '%2F', "\x{1f511}" x 255, 'a+b', '../x', '%00') {
        my $r = $admins->revoke($client, escape($id));
        is($r->status, 200, 'revoked');
        is($r->json->{keyId}, $id, 'and no other one');
    }
    is($client->request(GET => "$keys/" . escape('a b'), \%reader)->json->{status}, 'ACTIVE', 'a+b is not a b');
    is($client->request(GET => "$keys/" . escape('two'), \%reader)->json->{status}, 'ACTIVE', 'case counts');
};

subtest 'decoded exactly once' => sub {
    for (['%252F', '%2F'], ['%2F', '/'], ['a%2Fb', 'a/b'], ['a%2fb', 'a/b'], ['%61%2F%62', 'a/b'], ['a+b', 'a+b'], ['a%2Bb', 'a+b'],
        ['a%20b', 'a b'], ['%2E%2E%2Fx', '../x'], ['..%2Fx', '../x'], ['%2500', '%00'], ['%6Beys', 'keys'], ['k%65y-events', 'key-events'],
        ['a%2Fverify', 'a/verify'], ['%76erify', 'verify'], ['jwks%2Ejson', 'jwks.json'],
        ['a%3Bb=c', 'a;b=c'], ['a;b=c', 'a;b=c'], ['%C3%BCber', "\x{fc}ber"], ["\xc3\xbcber", "\x{fc}ber"])
    {
        my ($sent, $id) = @$_;
        my $r = $client->request(GET => "$keys/$sent", \%reader);
        is($r->status, 200, "$sent is found");
        is($r->json->{keyId}, $id, '... decoded once');
    }
    for my $sent ('%25252F', '%25', '%2B', '%ff', '%C3', '%C0%AF', '%ED%A0%80', '%0A', '%0D%0Ax', '%F4%90%80%80', "caf\xe9") {
        next if $sent eq '%25';
        refused($client->request(GET => "$keys/$sent", \%reader), 404, 'key_not_found', "GET $sent");
    }
    for my $sent ('%ff', '%C0%AF', '%0D%0Ax') {
        refused($admins->revoke($client, $sent), 404, 'key_not_found', "DELETE $sent");
    }
};

subtest 'the raw target and the normalised path must agree' => sub {
    my $prefix = $server->prefix;
    my $tail   = 'enterprises/routes/webhooks';
    for my $target (
        "$prefix/$tail//keys", "$prefix/enterprises/routes//webhooks/keys", "$prefix/$tail/./keys/", "$keys/..", "$keys/.", "$keys/%2e%2e", "$keys/%2e",
        "$keys/%2E%2e/keys/", "$keys/one/..", "$keys/one/.", "$keys/one/%2e%2e", "$keys/one/%2E",
        "$keys/../keys/one/..", "$prefix/enterprises/routes;x=1/webhooks/keys;y", "$keys;v=1", "$events;v=1",
        "$prefix/enterprises/other/../routes/webhooks/keys/", "$prefix/enterprises/routes/../../enterprises/routes/webhooks/keys/",
        "$prefix/enterprises/x%2F..%2Froutes%2Fwebhooks%2Fkeys", "$prefix/$tail%2Fkeys", "$prefix/enterprises%2Froutes/webhooks/keys",
        "$prefix/enterprises/routes%2Fwebhooks/keys/keys", "$keys/../../../other/webhooks/keys/../keys/",
        "$keys/one/%76erify", "$keys/../verify", "$keys/one/x/../verify", "$keys/one/../verify", "$keys/../jwks.json", "$prefix/$tail/jwks%2Ejson",
        "$prefix/$tail/k%65ys", "$prefix/$tail/%6beys/one", "$prefix/$tail\\keys",
        # The route of the raw form is one key, that of the normalised one is the list.
        "$prefix/$tail/keys/keys/..", "$prefix/$tail/keys/x/../../keys", "$prefix/$tail/keys/webhooks/../keys",
        # The enterprise of the raw form is another.
        "$prefix/enterprises/routes/../other/webhooks/keys/../../../enterprises/routes/webhooks/x/../keys/",
        "$prefix/enterprises/routes/enterprises/../webhooks/keys", "$prefix/enterprises/routes/enterprises/%2e%2e/webhooks/keys/one",
        "$prefix/enterprises/routes/enterprises/%2E./webhooks/key-events",
        "$prefix/x/../enterprises/routes/webhooks/keys/%2e%2e/",
      )
    {
        my $r = $client->request(GET => $target, \%reader);
        refused($r, 404, 'not_found', "GET $target");
    }
};

subtest 'forms that say the same' => sub {
    my $port = $server->port;
    for my $target ("http://localhost$keys", "http://localhost:$port$keys", "http://127.0.0.1:$port$keys?limit=1", "HTTP://localhost$keys",
        "$keys?", "$keys?x=/../y", "$keys?/enterprises/other/webhooks/keys/one", "$keys?limit=1#x")
    {
        my $r = $client->request(GET => $target, \%reader);
        if ($target =~ /#/) { isnt($r->status, 200, 'a fragment is no part of a target'); next }
        is($r->status, 200, "GET $target") or diag $r->body;
        is(ref $r->json->{keys}, 'ARRAY', '... is the list');
    }
    (my $escaped = $keys) =~ s{routes}{%72o%75tes};
    is($client->request(GET => $escaped, \%reader)->status, 200, q{an enterprise is decoded as well});
    is($client->request(GET => "http://localhost$keys/a%2Fb?x=y", \%reader)->json->{keyId}, 'a/b', 'one key, absolute form');
    is($client->request(GET => "$keys/a%2Fb?x=/y", \%reader)->json->{keyId}, 'a/b', 'one key, with a query');
    is($client->request(GET => "$keys/one?limit=0", \%reader)->status, 200, 'one key takes no limit');
    my $r = $client->request(
        POST => "http://localhost$keys?a=b", { $admins->write, 'Content-Type' => 'application/json' },
        JSON::PP->new->encode({ keyId => 'absolute', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) })
    );
    is($r->status, 201, 'POST in absolute form');
    is($r->header('Location'), "$keys/absolute", '... has a Location without its query');
};

subtest 'what is no URI' => sub {
    my $base = $server->prefix . '/enterprises';
    for my $target ("$keys/%00", "$keys/a%00", "$keys/%00one", "$base/routes%00/webhooks/keys", "$keys%00") {
        refused($client->request(GET => $target, \%reader), 404, 'not_found', "GET $target");
    }
    for my $target ("$keys/%", "$keys/%4", "$keys/%zz", "$keys/%2", "$base/rout%es/webhooks/keys", "$keys%u002f") {
        refused($client->request(GET => $target, \%reader), 400, 'invalid_request', "GET $target");
    }
};

# httpd looks at this directive before it knows the location, and a virtual host does not inherit it.
subtest 'keyIds with a slash, whatever AllowEncodedSlashes says' => sub {
    my $api = <<'CONF';
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
</Location>
<Location "/api/policy/v1/other api">
    SetHandler default-handler
    Require all granted
    RedirectMatch 410 "."
</Location>
CONF
    my $hosts = join '', map { "<VirtualHost *:*>\nServerName $_\nAllowEncodedSlashes $_\n</VirtualHost>\n" } qw(Off On NoDecode);
    my @ids = ('a/b', '/', '//', '../x', 'a/../b', 'a//b', '%2F', 'a/verify');
    for my $case (
        ['the default', '', 'localhost'], (map { [ "$_ in the server", "AllowEncodedSlashes $_\n", 'localhost' ] } qw(Off On NoDecode)),
        (map { [ "$_ in a virtual host", $hosts, $_ ] } qw(Off On NoDecode)),
        ['none in a virtual host', "AllowEncodedSlashes NoDecode\n<VirtualHost *:*>\nServerName none\n</VirtualHost>\n", 'none'],
      )
    {
        my ($how, $conf, $host) = @$case;
        my $own    = WHK::Server->new(conf => "$conf$api", modules => ['alias'], children => 1);
        my $other  = WHK::Client->new($own->port);
        my $admin  = WHK::Admins->new($own, 'e', 1)->codes_work_again;
        my $path   = $own->keys('e');
        my %header = ($admin->read, Host => $host);
        for my $id (@ids) {
            is($admin->register($other, { keyId => $id, jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) })->status, 201, "$how: $id is registered");
            my $target = "$path/" . escape($id);
            is($other->request(GET => $_, {%header})->json->{keyId}, $id, '... found') for $target, $target =~ s/%2F/%2f/gr;
            my $r = $other->request(DELETE => $target, { $admin->write, Host => $host });
            is($r->status, 200, '... and revoked') or diag $r->body;
            is($r->json->{keyId}, $id, '... and no other one');
        }
        for my $target ("$path/enterprises%2Fe%2Fwebhooks%2Fkeys", "$path/one%2F") {
            refused($other->request(GET => $target, {%header}), 404, 'key_not_found', "$how: GET $target");
        }
        for my $target ("$path%2Fa", $own->prefix . '/enterprises/e%2Fwebhooks/keys', $own->prefix . '%2Fenterprises/e/webhooks/keys%2Fa') {
            is($other->request(GET => $target, {%header})->status, 404, "$how: GET $target");
        }
        is($other->request(GET => $own->prefix . '/other%20api/a%2Fb', {%header})->status, 404, "$how: a location of others gets no such path by that");
        is($other->request(GET => $own->prefix . '/other%20api/a', {%header})->status, 410, '... others it does');
        is($other->request(GET => $path, {%header})->json->{total}, scalar @ids, "$how: the list is served");
    }
};

done_testing;
