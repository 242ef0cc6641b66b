# SPDX-License-Identifier: Apache-2.0
# docs/openapi.yaml is a good description, and WebhookKeysOpenAPI serves it. That it is true is for t/openapi/answers.t.
use strict;
use warnings;
use Test::More;
use WHK::Answers qw(json_headers refused);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::OpenAPI;
use WHK::Server;

my $root   = $WHK::Server::root;
my $server = WHK::Server->new(
    children => 1,
    location => 'WebhookKeysOpenAPI On',
    before   => <<'CONF',
<Location "/it's here">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
    WebhookKeysOpenAPI On
</Location>
<Location "/off">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
</Location>
CONF
);
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'described', 2);
my $path   = $server->prefix . '/openapi.json';

sub text_of { my $file = shift; open my $in, '<:raw', "$root/$file" or die "$file: $!"; local $/; return scalar <$in> }

subtest 'the description is served to whoever asks' => sub {
    my $r = $client->request(GET => $path);
    is($r->status, 200, '200, without a token');
    is($r->header('Content-Type'), 'application/json', '... JSON');
    is($r->header('X-Content-Type-Options'), 'nosniff', '... which is what it says');
    is($r->header('Cache-Control'), 'max-age=300', '... to be kept for a while');
    like($r->json->{openapi}, qr/^3\.1\./, '... OpenAPI 3.1');
    is_deeply($r->json->{servers}, [{ url => $server->prefix }], '... whose server is the location');
    my $expected = JSON::PP->new->utf8->decode(text_of('docs/openapi.json'));
    is_deeply({ %{ $r->json }, servers => 0 }, { %$expected, servers => 0 }, '... and all else as in docs/openapi.json');

    my $etag = $r->header('ETag');
    like($etag, qr/^"[0-9a-f]{64}"$/, 'a strong ETag');
    $r = $client->request(GET => $path, { 'If-None-Match' => $etag });
    is($r->status, 304, '... by which it is not sent again');
    is($r->body, '', '... at all');
    $r = $client->request(HEAD => $path);
    is($r->status, 200, 'HEAD');
    is($r->header('ETag'), $etag, '... the same');
    $r = $client->request(OPTIONS => $path);
    is($r->status, 204, 'OPTIONS');
    is($r->header('Allow'), 'GET, HEAD, OPTIONS', '... Allow');
    for my $method (qw(POST PUT DELETE)) {
        $r = $client->request($method => $path, { 'Content-Type' => 'application/json' }, '{}');
        refused($r, 405, 'method_not_allowed', $method);
        is($r->header('Allow'), 'GET, HEAD, OPTIONS', '... Allow');
    }
    $r = $client->request(GET => '/it\'s%20here/openapi.json');
    is_deeply($r->json->{servers}, [{ url => '/it\'s%20here' }], 'another location is another server');
    isnt($r->header('ETag'), $etag, '... and has another ETag');
    $r = $client->request(GET => $r->json->{servers}[0]{url} . '/enterprises/described/webhooks/keys', { $admins->read });
    is($r->status, 200, '... which answers there');
    json_headers($r, '... with our headers, though httpd knew the location only when it had decoded the path');
};

subtest 'and only where that is on, at that path' => sub {
    refused($client->request(GET => '/off/openapi.json'), 404, 'not_found', 'Off is the default');
    refused($client->request(OPTIONS => '/off/openapi.json'), 404, 'not_found', '... for each method');
    refused($client->request(GET => "$path/"), 404, 'not_found', 'a slash behind it');
    refused($client->request(GET => $server->prefix . '/x/../openapi.json'), 404, 'not_found', 'a way around');
    my $key = $server->keys('described') . '/openapi.json';
    refused($client->request(GET => $key), 401, 'invalid_token', 'a key of that keyId wants a token');
    my $r = $admins->register($client, { keyId => 'openapi.json', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) });
    is($r->status, 201, '... and can be had');
    is($client->request(GET => $key, { $admins->read })->json->{keyId}, 'openapi.json', '... and read');
};

SKIP: {
    my ($folder, $why) = WHK::OpenAPI::install();
    skip $why, 2 if !$folder;
    my ($status, $out, $err) = WHK::OpenAPI::run($folder, 'redocly', 'lint', '--config', "$folder/redocly.yaml", $WHK::OpenAPI::description);
    is($status, 0, 'a linter has nothing to say') or diag $out, $err;
    ($status, $out, $err) = WHK::OpenAPI::node($folder, 'to_json.mjs', $WHK::OpenAPI::description);
    ok($out eq text_of('docs/openapi.json'), 'docs/openapi.json is made of docs/openapi.yaml') or diag "$err\nmake -f Makefile.apxs openapi";
}
done_testing;
