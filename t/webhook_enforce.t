# SPDX-License-Identifier: Apache-2.0
# WebhookKeysEnforce Off: what would be stopped goes on with its verdict, byte for byte and with nobody's name, is counted and
# logged, and lends its leniency to no other location; what nobody could have rolled out stays closed.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Client;
use WHK::Sender;
use WHK::Webhooks;

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;

sub page {
    my ($path, $text) = @_;
    my ($folder) = $path =~ m{^(.*)/};
    mkdir "$pages/$folder";
    open my $out, '>', "$pages/$path" or die "$path: $!";
    print $out $text;
    close $out;
    chmod 0755, "$pages/$path";
    return;
}

my $base  = "AuthType WebhookSignature\nAuthName webhooks\nWebhookKeysSignature jws-detached Webhook-Signature\nWebhookKeysEnterprise acme";
my $valid = 'Require valid-webhook';
my $on    = "$base\n$valid";
my $off   = "$on\nWebhookKeysEnforce Off";
my $proxy = 'ProxyPass "${WHK_BACKEND}"';
my $pass  = "Require expr \"%{HTTP:X-Pass} == 'yes'\"";

sub location { my ($path, @lines) = @_; return join "\n", "<Location \"$path\">", @lines, "</Location>\n" }

sub folder {
    my ($name, @lines) = @_;
    page("$name/x", "nothing\n");
    return join "\n", "Alias \"/$name/\" \"$pages/$name/\"", "<Directory \"$pages/$name\">", 'Options +ExecCGI +Includes +FollowSymLinks', 'AddHandler cgi-script .cgi', @lines, "</Directory>\n";
}

my $w = WHK::Webhooks->new(
    modules  => [qw(alias dir mime cgid include authz_user proxy_connect)],
    children => 2,
    before   => "WebhookKeysReplayCache shmcb\nWebhookKeysMaxStale 0\nAllowCONNECT 1-65535\nProxyRequests On",
    hooks    => join "\n", "TypesConfig /dev/null\nScriptSock $pages/cgid.sock",
    location('/off', $off, 'WebhookKeysMaxWebhookBody 2048', $proxy),
    location('/off/on', 'WebhookKeysEnforce On'),
    location('/count', $off, $proxy),
    location('/on',  $on,  $proxy),
    location('/open', $proxy),
    location('/quiet', $off, 'WebhookKeysBackendHeaders Off', $proxy),
    location('/all', $base, 'WebhookKeysEnforce Off', '<RequireAll>', $valid, $pass, '</RequireAll>', $proxy),
    location('/any', $base, 'WebhookKeysEnforce Off', '<RequireAny>', $valid, $pass, '</RequireAny>', $proxy),
    location('/user', $base, 'WebhookKeysEnforce Off', 'Require valid-user', $proxy),
    location('/both', $base, 'WebhookKeysEnforce Off', '<RequireAll>', $valid, 'Require valid-user', '</RequireAll>', $proxy),
    location('/limit', $base, 'WebhookKeysEnforce Off', '<Limit GET>', $valid, '</Limit>', $proxy),
    location('/no-type', $off, 'AuthType None', $proxy),
    "<If \"%{REQUEST_URI} =~ m#^/no-enterprise#\">\nWebhookKeysEnforce Off\n</If>\n" . location('/no-enterprise', "AuthType WebhookSignature\nAuthName webhooks\nWebhookKeysSignature jws-detached Webhook-Signature", $valid, $proxy),
    location('/typo', $off, 'WebhookKeysEnterprise "%{env:MATCH_NOTHING}"', $proxy),
    "<If \"%{REQUEST_METHOD} == 'CONNECT'\">\n$off\n</If>\n",
    location('/joined', 'Require all granted'), location('/joined/index', $off, 'AuthMerging Or', $proxy),
    location('/refused', $base, 'WebhookKeysEnforce Off', '<RequireAll>', $valid, $pass, '</RequireAll>', 'ErrorDocument 401 /refused/error', 'ErrorDocument 403 /refused/error', $proxy),
    folder('off-to-joined', $off, 'DirectoryIndex /joined/index'),
    folder('cgi', $off), folder('off-to-on', $off, 'DirectoryIndex /on/index', 'ErrorDocument 404 /on/error'), folder('on-to-off', $on, 'DirectoryIndex /off/index', 'ErrorDocument 404 /off/error'),
    folder('off-to-open', $off, 'DirectoryIndex /open/index', 'ErrorDocument 404 /open/error'),
    folder('include', $off, 'SetOutputFilter INCLUDES'),
    folder('include-off', $off, 'SetOutputFilter INCLUDES'),
    folder('include-open', 'Require all granted', 'SetOutputFilter INCLUDES'),
    folder('denied', $base, 'WebhookKeysEnforce Off', '<RequireAll>', $valid, $pass, '</RequireAll>', 'ErrorDocument 401 /denied/hook.cgi', 'ErrorDocument 403 /denied/hook.cgi'),
);
my ($server, $backend, $client) = ($w->server, $w->backend, $w->client);
$backend->write_cgi("$pages/$_/hook.cgi") for qw(cgi denied);
page('include/page.shtml',      '<!--#include virtual="/on/included" -->');
page('include-off/page.shtml',  '<!--#include virtual="/open/included" -->');
page('include-open/page.shtml', '<!--#include virtual="/off/included" --><!--#include virtual="/on/included" -->');

my $key    = $w->key('ES256', kid => 'the-key');
my $body   = join '', map { chr } reverse 0 .. 255;
my %forged = (
    'Webhook-Verdict' => 'ok', 'Webhook_Verdict' => 'ok', 'webhook.verdict' => 'ok', 'Webhook-Key-Id' => 'forged', 'WEBHOOK_KEY_ID' => 'forged', 'Webhook-Enterprise' => 'forged',
    'Webhook-Alg' => 'none', 'webhook_signed_at' => 'forged', Connection => 'Webhook-Verdict, Webhook-Signature, close',
);

# What the backend believes: the verdict, and who signed.
sub believed {
    my $got      = shift // return 'nothing arrived';
    my @verdicts = map { $_->[1] } grep { lc($_->[0]) =~ /^webhook[^a-z0-9]verdict\z/ } @{ $got->{headers} };
    my $identity = WHK::Backend::identity($got);
    return join ' ', "verdict @verdicts", %$identity ? map { @$_ } @{$identity}{qw(webhook-enterprise webhook-key-id)} : ();
}

# Goes on, whole, with this verdict, and nobody's name.
sub overlooked {
    my ($r, $verdict, $sent, $name) = @_;
    my @arrived = $backend->requests;
    is($r->status, 200, "$name: goes on");
    is(scalar @arrived, 1, '... once');
    is(believed($arrived[-1]), "verdict $verdict", "... as $verdict, of nobody");
    ok(($arrived[-1]{body} // '') eq $sent, '... byte for byte');
    $backend->clear;
    return;
}

sub stopped {
    my ($r, $status, $code, $name) = @_;
    refused($r, $status, $code, $name);
    is($backend->count, 0, '... nothing arrives');
    $backend->clear;
    return;
}

sub unsigned { my ($path, %headers) = @_; return WHK::Client->new($server->port)->request(POST => $path, { %forged, %headers }, $body) }

subtest 'each reason' => sub {
    my %old     = (protected => { iat => time - 10_000 });
    my $unknown = $w->key('ES256', kid => 'unknown', register => 0);
    my $revoked = $w->key('ES256', kid => 'gone');
    $w->revoke($revoked);
    my $send = sub { my ($who, %how) = @_; return $w->post($who, $body, path => '/off/x', client => WHK::Client->new($server->port), %how, headers => { %forged, %{ $how{headers} // {} } }) };
    overlooked(unsigned('/off/x'), 'signature_missing', $body, 'without a signature');
    overlooked($send->($key, headers => { 'Webhook-Signature' => 'a.b' }), 'malformed_jws', $body, 'nonsense');
    overlooked($send->($key, sent => "$body "), 'bad_signature', "$body ", 'over another body');
    overlooked($send->($unknown), 'unknown_key', $body, 'an unknown key');
    overlooked($send->($revoked), 'key_revoked', $body, 'a revoked key');
    overlooked($send->($key, %old), 'expired', $body, 'an old one');
    overlooked($send->($key, protected => { alg => 'EdDSA' }), 'algorithm_mismatch', $body, 'another algorithm');
    overlooked(unsigned('/typo/x'), 'internal_error', $body, 'an enterprise that is not there');

    my $signed = $w->sign($key, $body, path => '/off/x');
    is($w->send($signed, headers => {%forged})->status, 200, 'signed right');
    is(believed($backend->last), 'verdict ok acme the-key', '... is ok, and told whose');
    $backend->clear;
    overlooked($w->send($signed, headers => {%forged}), 'replayed', $body, 'the same again');
    for my $path ('/on/x', '/off/on/x') {
        stopped(unsigned($path), 401, 'signature_missing', "$path is On");
        is($w->post($key, $body, path => $path, headers => {%forged})->status, 200, '... signed right');
        is(believed($backend->last), 'verdict ok acme the-key', '... the verdict is told there too');
        $backend->clear;
    }
};

subtest 'bodies' => sub {
    my $big    = 'x' x 5000;
    my $sender = WHK::Sender->new($server->port);
    for my $framing (qw(length chunked)) {
        my $r = $sender->send(protocol => 'HTTP/1.1', framing => $framing, method => 'POST', target => '/off/x', headers => {}, body => $big);
        overlooked($r, 'signature_missing', $big, "unsigned, too long, $framing");
    }
    my $signed = $w->sign($key, $big, path => '/off/x');
    overlooked($w->send($signed), 'body_too_large', $big, 'signed, and announced to be too long');
    my $r = $sender->send(protocol => 'HTTP/1.1', framing => 'chunked', method => 'POST', target => '/off/x', headers => $signed->{headers}, body => $big);
    stopped($r, 413, 'body_too_large', 'signed, too long, in chunks');
    $r = $sender->send(protocol => 'HTTP/1.1', framing => 'chunked', method => 'POST', target => '/off/x', headers => $signed->{headers}, body => $body);
    overlooked($r, 'bad_signature', $body, 'in chunks');
    $r = WHK::Client->new($server->port)->raw("POST /off/x HTTP/1.1\r\nHost: localhost\r\nWebhook-Signature: a..b\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nbytes\r\n0\r\n\r\n");
    is($r->status, 400, 'chunks that are none');
    is($backend->count, 0, '... nothing arrives');
    $r = $sender->send(protocol => 'HTTP/1.1', framing => 'none', method => 'GET', target => '/off/x', headers => {%forged}, body => '');
    overlooked($r, 'signature_missing', '', 'GET');
    my $client = WHK::Client->new($server->port);
    $client->send("POST /off/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
    my $asked = '';
    $asked .= $client->socket->getline // last for 1 .. 2;
    like($asked, qr{^HTTP/1\.1 100 Continue\r\n\r\n\z}, 'a body that waits to be asked for is');
    $client->send($big);
    overlooked($client->receive, 'signature_missing', $big, '... and comes');
    overlooked($client->request(POST => '/off/x', {}, $_), 'signature_missing', $_, 'one connection') for $body, $big, 'y', $big;
};

subtest 'other Require lines hold' => sub {
    overlooked(unsigned('/all/x', 'X-Pass' => 'yes'), 'signature_missing', $body, 'RequireAll, the other line grants');
    my $r = unsigned('/all/x');
    ok($r->status == 401 || $r->status == 403, 'it does not: ' . $r->status);
    is($backend->count, 0, '... nothing arrives');
    overlooked(unsigned('/any/x'), 'signature_missing', $body, 'RequireAny, nothing else grants');
    overlooked(unsigned('/any/x', 'X-Pass' => 'yes'), 'not_verified', $body, '... the other line does');
    overlooked(unsigned('/any/x', 'X-Pass' => 'yes', Connection => $_), 'not_verified', $body, "... Connection: $_")
      for 'webhook-verdict;q', 'close, x;Webhook-Verdict', '"Webhook-Verdict"', 'Webhook_Verdict, Webhook-Verdict;, TE';
    stopped(unsigned('/user/x'), 401, 'signature_missing', 'valid-user alone is no valid-webhook');
    $r = unsigned('/both/x');
    is($r->status, 401, 'valid-user beside it: nobody is no user');
    is($backend->count, 0, '... nothing arrives');
    is($w->post($key, $body, path => '/both/x')->status, 200, '... who signed is one');
    $backend->clear;
    for my $path ('/refused/x', '/refused/error', '/denied/hook.cgi', '/denied/x', '/denied/none') {
        $r = unsigned($path);
        cmp_ok($r->status, '>=', 401, "an ErrorDocument in the location that refused, $path: " . $r->status);
        is($backend->count, 0, '... does not run');
    }
};

subtest 'what stays closed' => sub {
    stopped(unsigned('/no-type/x'), 500, 'internal_error', 'without AuthType');
    stopped(unsigned('/no-enterprise/x'), 500, 'internal_error', 'without WebhookKeysEnterprise');
    my $r = unsigned('/limit/x');
    cmp_ok($r->status, '>=', 400, 'Require for another method: ' . $r->status);
    is($backend->count, 0, '... nothing arrives');
    $r = WHK::Client->new($server->port)->raw('CONNECT 127.0.0.1:' . $backend->port . " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cmp_ok($r->status, '>=', 400, 'a tunnel: ' . $r->status);
};

subtest 'what a handler learns' => sub {
    my $r = unsigned('/cgi/hook.cgi');
    my $got = $backend->last;
    is($r->status, 200, 'a CGI program');
    is(WHK::Backend::header($got, 'env-WEBHOOK_VERDICT'), 'signature_missing', 'WEBHOOK_VERDICT');
    is(WHK::Backend::header($got, "env-$_"), undef, "no $_") for qw(WEBHOOK_KEY_ID WEBHOOK_ENTERPRISE REMOTE_USER);
    is_deeply(WHK::Backend::identity($got), {}, 'no header says who');
    ok($got->{body} eq $body, 'all bytes');
    my $signed = $w->sign($key, $body, path => '/cgi/hook.cgi');
    $w->send($signed);
    is(WHK::Backend::header($backend->last, "env-$_"), 'the-key', "signed: $_") for qw(WEBHOOK_KEY_ID REMOTE_USER);
    $w->send($signed);
    is(WHK::Backend::header($backend->last, 'env-WEBHOOK_VERDICT'), 'replayed', 'sent again');
    is(WHK::Backend::header($backend->last, "env-$_"), undef, "... by nobody: no $_") for qw(WEBHOOK_KEY_ID WEBHOOK_ENTERPRISE REMOTE_USER);
    $backend->clear;
    is(WHK::Client->new($server->port)->request(POST => '/quiet/x', {}, $body)->status, 200, 'WebhookKeysBackendHeaders Off');
    is(believed($backend->last), 'verdict ', '... no header');
    $backend->clear;
};

subtest 'no leniency for another location' => sub {
    my $answer = sub { my ($path, %how) = @_; return $how{signed} ? $w->post($key, '', path => $path, method => 'GET') : WHK::Client->new($server->port)->request(GET => $path, {%forged}) };
    stopped($answer->('/off-to-on/'), 401, 'signature_missing', 'DirectoryIndex, Off to On');
    is($answer->('/off-to-on/', signed => 1)->status, 200, '... signed');
    $backend->clear;
    $answer->('/off-to-on/none');
    is($backend->count, 0, 'ErrorDocument, Off to On: nothing arrives');
    stopped($answer->("/on-to-off/$_"), 401, 'signature_missing', "On to Off, /on-to-off/$_") for '', 'none', 'x';
    stopped($answer->('/off-to-joined/'), 500, 'internal_error', 'DirectoryIndex, Off to where everything is granted');
    overlooked($answer->('/off-to-open/'), 'signature_missing', '', 'DirectoryIndex, Off to a location of others');
    $answer->('/off-to-open/none');
    is(believed($backend->last), 'verdict signature_missing', 'ErrorDocument, Off to a location of others');
    $backend->clear;
    is($answer->('/include/page.shtml')->status, 200, 'mod_include, Off to On');
    is($backend->count, 0, '... nothing arrives');
    my $signed = $w->sign($key, '', path => '/include-off/page.shtml', method => 'GET');
    is($w->send($signed)->status, 200, 'mod_include, Off to a location of others, signed');
    is(believed($backend->last), 'verdict ok acme the-key', '... by whom');
    $backend->clear;
    overlooked($w->send($signed), 'replayed', '', '... the same again');
    $answer->('/include-open/page.shtml');
    my @arrived = $backend->requests;
    is(join(' ', map { $_->{path} } @arrived), '/included', 'mod_include, of one that is open: what is Off arrives');
    is(believed($arrived[0]), 'verdict signature_missing', '... with its verdict');
    $backend->clear;
};

subtest 'the log' => sub {
    my $from = length $server->error_log;
    my $get = sub { return WHK::Client->new($server->port)->request(POST => '/count/x', @_) };
    $get->({}, 'x') for 1 .. 30;
    $get->({ 'Webhook-Signature' => 'a.b' }, 'x') for 1 .. 5;
    my @lines = grep { /WebhookKeysEnforce Off/ } split /\n/, substr $server->error_log, $from;
    is(scalar @lines, 2, 'of each reason the first') or diag @lines;
    like($lines[0], qr{warn.*signature_missing: WebhookKeysEnforce Off \(\S+:\d+\) let one of these through.*/count/x.*before you set WebhookKeysEnforce On}, '... where, what, and what to do');
    like($lines[1], qr/malformed_jws/, '... the other');
    like($server->error_log, qr/WebhookKeysEnforce Off is in force in 21 places/, 'at the start');
    $server->graceful;
    $from = length $server->error_log;
    $get->({}, 'x') for 1 .. 5;
    @lines = grep { /signature_missing: WebhookKeysEnforce Off/ } split /\n/, substr $server->error_log, $from;
    is(scalar @lines, 1, 'after a reload the first again');
    my ($status, $out) = $server->configtest;
    is($status, 0, 'configtest') if !$ENV{WHK_SANITIZER_LOGS};
    is(scalar(() = $out =~ /WebhookKeysEnforce Off is in force in \d+ places/g), 1, '... warns once');
    my $found = $server->ctl_json('check');
    my @found = grep { $_->{check} eq 'enforcement' } @{ $found->{checks} };
    is(scalar @found, 21, 'whkctl check knows each');
    is($found->{ok}, JSON::PP::true, '... and is no less content');
    is($found[0]{result}, 'notice', '... a notice');
    like($found[0]{message}, qr{^WebhookKeysEnforce Off \(\Q@{[$server->conf]}\E:\d+\)}, '... by its line');
};

subtest 'the registry away' => sub {
    $server->sql('ALTER TABLE whk_enterprise RENAME TO away');
    my $r;
    for (1 .. 100) {
        $backend->clear;
        $r = $w->post($key, $body, path => '/off/x');
        last if believed($backend->last) !~ /ok/;
        select undef, undef, undef, 0.1;
    }
    overlooked($r, 'store_unavailable', $body, 'Off');
    $server->sql('ALTER TABLE away RENAME TO whk_enterprise');
};
unlike($server->error_log, qr/exit signal|Segmentation|Assertion/, 'no child ended badly');

done_testing;
