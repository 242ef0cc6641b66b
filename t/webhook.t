# SPDX-License-Identifier: Apache-2.0
# Webhooks on their way through httpd: what is signed arrives as it was sent, whatever framing, module or subrequest is
# on the way, and nothing else arrives.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Client;
use WHK::Server;
use WHK::Webhooks;

my $settings = <<'SETTINGS';
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature  jws-detached Webhook-Signature
    Require valid-webhook
SETTINGS
my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;
open my $page, '>', "$pages/page.shtml" or die $!;
print $page qq(<p><!--#include virtual="/hooks/acme/included" --></p>\n);
close $page;
my $w = WHK::Webhooks->new(
    modules  => [qw(http2 include alias)],
    location => <<'LOCATION',
    RequestHeader set X-Key-Id     "%{WEBHOOK_KEY_ID}e"
    RequestHeader set X-Enterprise "%{WEBHOOK_ENTERPRISE}e"
    RequestHeader set X-Alg        "%{WEBHOOK_ALG}e"
    RequestHeader set X-Signed-At  "%{WEBHOOK_SIGNED_AT}e"
    RequestHeader set X-User       "expr=%{REMOTE_USER}"
LOCATION
    before => <<"BEFORE",
Protocols h2c http/1.1
<Location "/small">
$settings
    WebhookKeysMaxWebhookBody 1024
    ProxyPass "\${WHK_BACKEND}"
</Location>
<Location "/any">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature  jws-detached Webhook-Signature
    <RequireAny>
        Require valid-webhook
        Require expr "%{HTTP:X-Pass} == 'yes'"
    </RequireAny>
    RequestHeader set X-Key-Id "%{WEBHOOK_KEY_ID}e"
    ProxyPass "\${WHK_BACKEND}"
</Location>
<Location "/rewritten">
$settings
    RewriteEngine On
    RewriteRule "." "/inner/moved" [PT,L]
</Location>
<Location "/inner">
    RequestHeader set X-Key-Id "%{WEBHOOK_KEY_ID}e"
    ProxyPass "\${WHK_BACKEND}"
</Location>
Alias "/open" "$pages"
Alias "/closed" "$pages"
<Directory "$pages">
    Options +Includes
    SetOutputFilter INCLUDES
    Require all granted
</Directory>
<Location "/closed">
$settings
</Location>
<Location "/no-enterprise">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysSignature jws-detached Webhook-Signature
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}"
</Location>
<LocationMatch "/no-require">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature jws-detached Webhook-Signature
    ProxyPass "\${WHK_BACKEND}"
</LocationMatch>
<LocationMatch "/no-authtype">
    WebhookKeysEnterprise acme
    WebhookKeysSignature jws-detached Webhook-Signature
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}"
</LocationMatch>
BEFORE
);
my ($server, $backend) = ($w->server, $w->backend);
my $key  = $w->key('ES256', kid => "key one/\xfc");
my $body = join '', map { chr } 0 .. 255;

sub arrived {
    my ($r, $sent, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $got = $backend->last;
    return ok(0, $name) || diag $r->body if $r->status != 200 || $backend->count != 1;
    is(WHK::Backend::header($got, 'Content-Length'), length $sent, "$name: its length");
    is(WHK::Backend::header($got, 'Transfer-Encoding'), undef, '... and no chunks');
    return ok($got->{body} eq $sent, "$name: byte for byte");
}

subtest 'what the backend gets' => sub {
    for my $sent ($body, '', '{}', 'x' x 65_537, 'y' x 1_048_576) {
        $backend->clear;
        arrived($w->post($key, $sent), $sent, length($sent) . ' bytes');
    }
    $backend->clear;
    my $r = $w->post($key, $body, headers => { 'X-Key-Id' => 'forged', 'WEBHOOK_KEY_ID' => 'forged', 'X-User' => 'forged' });
    my $got = $backend->last;
    is(WHK::Backend::header($got, 'X-Key-Id'),     "key one/\xc3\xbc", 'the key');
    is(WHK::Backend::header($got, 'X-User'),       "key one/\xc3\xbc", '... is the user');
    is(WHK::Backend::header($got, 'X-Enterprise'), 'acme',             'the enterprise');
    is(WHK::Backend::header($got, 'X-Alg'),        'ES256',            'the algorithm');
    like(WHK::Backend::header($got, 'X-Signed-At'), qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'the time');
};

subtest 'framings' => sub {
    my $client = WHK::Client->new($server->port);
    my $signed = $w->sign($key, $body);
    my $head   = join '', "POST $signed->{target} HTTP/1.1\r\nHost: localhost\r\n", map { "$_: $signed->{headers}{$_}\r\n" } keys %{ $signed->{headers} };
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } substr($body, 0, 1), substr($body, 1, 200), substr($body, 201);
    $backend->clear;
    arrived($client->raw("${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n"), $body, 'chunked');
    $backend->clear;
    arrived($client->raw("${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\nX-Trailer: 1\r\n\r\n"), $body, 'chunked, with a trailer');
    ok($client->connected, 'the connection goes on');
    my $long  = 'z' x 300_000;
    my $other = $w->sign($key, $long);
    my $start = join '', "POST $other->{target} HTTP/1.1\r\nHost: localhost\r\n", map { "$_: $other->{headers}{$_}\r\n" } keys %{ $other->{headers} };
    $backend->clear;
    arrived($client->raw("${start}Transfer-Encoding: chunked\r\n\r\n" . sprintf("%x\r\n%s\r\n", 150_000, 'z' x 150_000) x 2 . "0\r\n\r\n"), $long, 'chunked, 300,000 bytes');

    $backend->clear;
    $client->send("${head}Content-Length: " . length($body) . "\r\nExpect: 100-continue\r\n\r\n");
    my $socket = $client->socket;
    like(scalar readline($socket), qr{^HTTP/1\.1 100 Continue\r$}, 'the body is asked for');
    readline $socket;
    $client->send($body);
    arrived($client->receive, $body, '100-continue');

    $backend->clear;
    $client->close;
    $client->send("POST $signed->{target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n");
    refused($client->receive, 401, 'signature_missing', 'without a signature the body is not asked for');

    my $dir = tempdir(CLEANUP => 1);
    open my $out, '>:raw', "$dir/body" or die $!;
    print $out $body;
    close $out;
    my @curl = ('curl', '-sS', '--noproxy', '*', '--http2-prior-knowledge', '--data-binary', "\@$dir/body", '-o', "$dir/answer", '-w', '%{http_version} %{http_code}');
    my @headers = map { ('-H', "$_: $signed->{headers}{$_}") } keys %{ $signed->{headers} };
    my $url = 'http://127.0.0.1:' . $server->port . $signed->{target};
    my (undef, $said) = WHK::Server::run_command(@curl, @headers, $url);
    is($said, '2 200', 'HTTP/2');
    is($backend->count, 1, '... arrives once');
    ok($backend->last->{body} eq $body, '... byte for byte');
    (undef, $said) = WHK::Server::run_command(@curl, @headers, '-H', 'Content-Type: text/plain', '--data-binary', 'more', $url);
    is($said, '2 401', 'HTTP/2, another body');
};

subtest 'one connection for good and bad' => sub {
    my $client = WHK::Client->new($server->port);
    for my $sent ($body, '', 'x' x 5000) {
        refused($w->post($key, $sent, sent => "$sent!", client => $client), 401, 'bad_signature', 'changed');
        ok($client->connected, 'the connection is kept');
        is($w->post($key, $sent, client => $client)->status, 200, 'unchanged');
    }
    my $r = $w->post($key, $body, sent => 'other');
    is($r->header('WWW-Authenticate'), 'WebhookSignature realm="webhooks"', 'a challenge');
};

subtest 'too long' => sub {
    $backend->clear;
    refused($w->post($key, 'x' x 1025, path => '/small'), 413, 'body_too_large', '1,025 bytes');
    my $signed = $w->sign($key, 'x' x 2000, path => '/small');
    my $head   = join '', "POST /small HTTP/1.1\r\nHost: localhost\r\n", map { "$_: $signed->{headers}{$_}\r\n" } keys %{ $signed->{headers} };
    my $chunk  = sprintf "%x\r\n%s\r\n", 500, 'x' x 500;
    refused(WHK::Client->new($server->port)->raw("${head}Transfer-Encoding: chunked\r\n\r\n" . $chunk x 4 . "0\r\n\r\n"), 413, 'body_too_large', 'chunked');
    is($backend->count, 0, 'nothing arrives');
    is($w->post($key, 'x' x 1024, path => '/small')->status, 200, '1,024 bytes pass');
};

subtest 'RequireAny' => sub {
    $backend->clear;
    refused($w->client->request(POST => '/any', {}, 'x'), 401, 'signature_missing', 'neither');
    is($backend->count, 0, 'nothing arrives');
    is($w->client->request(POST => '/any', { 'X-Pass' => 'yes' }, 'x')->status, 200, 'the other way in');
    is(WHK::Backend::header($backend->last, 'X-Key-Id'), '(null)', '... has no key');
    is($w->post($key, $body, path => '/any')->status, 200, 'signed');
    is(WHK::Backend::header($backend->last, 'X-Key-Id'), "key one/\xc3\xbc", '... has its key');
};

subtest 'mod_rewrite' => sub {
    $backend->clear;
    my $r = $w->post($key, $body, path => '/rewritten/here');
    arrived($r, $body, 'after an internal redirect');
    is($backend->last && $backend->last->{path}, '/moved', '... to another location') if $backend->count;
    is(WHK::Backend::header($backend->last, 'X-Key-Id'), "key one/\xc3\xbc", '... with its key') if $backend->count;
    refused($w->post($key, $body, path => '/rewritten/here', sent => 'x'), 401, 'bad_signature', 'changed');
};

subtest 'subrequests' => sub {
    $backend->clear;
    my $r = $w->client->request(GET => '/open/page.shtml');
    is($r->status, 200, 'a page that includes what is closed');
    unlike($r->body, qr/method/, '... does not get it');
    is($backend->count, 0, '... nor does the backend hear of it');
    refused($w->client->request(GET => '/closed/page.shtml'), 401, 'signature_missing', 'a page that is closed itself');
    is($backend->count, 0, '... includes nothing');
    $r = $w->post($key, '', method => 'GET', path => '/closed/page.shtml');
    is($r->status, 200, 'signed');
    like($r->body, qr/"\/hooks\/acme\/included"|\/included/, '... it includes what it may') or diag $r->body;
    is($backend->count, 1, '... which the backend answered');
    is($backend->last->{body}, '', '... without a body');
};

subtest 'a configuration that is not whole lets nothing through' => sub {
    $backend->clear;
    is($w->post($key, $body, path => "/$_")->status, 500, $_) for qw(no-enterprise no-require no-authtype);
    is($backend->count, 0, 'nothing arrives');
    my $log = $server->error_log;
    like($log, qr/WebhookKeysEnterprise: set it/, 'the log says what is missing');
    like($log, qr/at \/no-require needs Require valid-webhook/,             '... which Require');
    like($log, qr/at \/no-authtype needs AuthType WebhookSignature/, '... which AuthType');
    is($w->client->request(POST => '/no-require', {}, 'x')->code, 'internal_error', 'the same without a signature');
    my $r = $w->post($key, $body, path => '/no-enterprise');
    unlike($r->message, qr/WebhookKeys/, '... the answer does not');
};

subtest 'no other enterprise' => sub {
    my $other = $w->key('EdDSA', kid => 'other', enterprise => 'globex');
    refused($w->post($other, $body), 401, 'unknown_key', 'the key of another enterprise');
    is($w->post($other, $body, path => '/hooks/globex/x')->status, 200, 'is good for its own');
    refused($w->post($other, $body, path => '/hooks/nobody/x'), 401, 'unknown_key', 'and for none that does not exist');
    for my $path ('/hooks/%00/x', '/hooks/..%2facme/x', '/hooks/' . 'x' x 300 . '/x', '/hooks/%ff/x') {
        my $status = $w->post($key, $body, path => $path)->status;
        ok($status == 401 || $status == 404 || $status == 400, substr($path, 0, 20) . ": $status");
    }
};

done_testing;
