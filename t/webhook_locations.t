# SPDX-License-Identifier: Apache-2.0
# A location with WebhookKeysSignature hands its handler nothing unverified, however its lines are: a configuration that is not
# whole is refused at start-up where that can be seen, and closed where not; where something else granted access, nobody is
# told who signed.
use strict;
use warnings;
use Test::More;
use Compress::Zlib ();
use File::Temp qw(tempdir);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Client;
use WHK::Server;
use WHK::Webhooks;

my $signature = "WebhookKeysEnterprise acme\nWebhookKeysSignature jws-detached Webhook-Signature";
my $type      = "AuthType WebhookSignature\nAuthName webhooks";
my $valid     = 'Require valid-webhook';
my $proxy     = 'ProxyPass "${WHK_BACKEND}"';
my $body      = '{"pay":100}';

sub location { my ($path, @lines) = @_; return join "\n", "<Location \"$path\">", @lines, "</Location>\n" }

my $tested = WHK::Server->new(start => 0);

sub configtest {
    my ($conf, @modules) = @_;
    $tested->write_conf(conf => "Define WHK_BACKEND http://127.0.0.1:9\n$conf", modules => [ qw(proxy proxy_http authz_host env setenvif), @modules ]);
    return $tested->configtest;
}

subtest 'refused at start-up' => sub {
    my %cases = (
        'neither AuthType nor Require' => [ location('/x', $signature, $proxy), qr{AuthType WebhookSignature is missing|AuthType.*Require} ],
        'no Require'                   => [ location('/x', $signature, $type, $proxy), qr{Require valid-webhook is missing} ],
        'no AuthType'                  => [ location('/x', $signature, $valid, $proxy), qr{AuthType WebhookSignature is missing} ],
        'another AuthType'             => [ location('/x', $signature, "AuthType Basic\nAuthName x", $valid, $proxy), qr{AuthType WebhookSignature is missing} ],
        'in a virtual host'            => [ "<VirtualHost *:*>\n" . location('/x', $signature, $proxy) . '</VirtualHost>', qr{AuthType WebhookSignature is missing} ],
        'in an <If>'                   => [ "<If \"true\">\n$signature\n</If>\n", qr{AuthType WebhookSignature is missing} ],
        'all granted beside'           => [ location('/x', $signature, $type, $valid, 'Require all granted', $proxy), qr{Require all granted .*lets everything through} ],
        'all granted before'           => [ location('/x', $signature, $type, 'Require all granted', $valid, $proxy), qr{Require all granted} ],
        'all granted in RequireAny'    => [ location('/x', $signature, $type, '<RequireAny>', $valid, 'Require all granted', '</RequireAny>', $proxy), qr{Require all granted} ],
        'all granted beside RequireAll' => [ location('/x', $signature, $type, 'Require all granted', '<RequireAll>', $valid, 'Require ip 10.0.0.0/8', '</RequireAll>', $proxy), qr{Require all granted} ],
        'all granted in any in any'    => [ location('/x', $signature, $type, '<RequireAny>', $valid, '<RequireAny>', 'Require all granted', '</RequireAny>', '</RequireAny>', $proxy), qr{Require all granted} ],
        'SetInputFilter'               => [ location('/x', $signature, $type, $valid, 'SetInputFilter DEFLATE', $proxy), qr{SetInputFilter} ],
        'AddInputFilter'               => [ location('/x', $signature, $type, $valid, 'AddInputFilter DEFLATE .json', $proxy), qr{AddInputFilter} ],
        'SetInputFilter of the server' => [ "SetInputFilter DEFLATE\n" . location('/x', $signature, $type, $valid, $proxy), qr{SetInputFilter} ],
    );
    for my $name (sort keys %cases) {
        my ($conf, $message) = @{ $cases{$name} };
        my ($status, $out) = configtest($conf, qw(deflate mime));
        # Where httpd itself leaks on its way out, the sanitizers' status takes the place of its own.
        isnt($status, 0, $name) if !$ENV{WHK_SANITIZER_LOGS};
        like($out, $message, '... and told why');
    }
};

subtest 'taken' => sub {
    my %cases = (
        'whole'                        => location('/x', $signature, $type, $valid, $proxy),
        'all granted in a RequireAll'  => location('/x', $signature, $type, '<RequireAll>', $valid, 'Require all granted', '</RequireAll>', $proxy),
        'all granted elsewhere'        => location('/x', $signature, $type, $valid, $proxy) . location('/y', 'Require all granted'),
        'another one granted'          => location('/x', $signature, $type, '<RequireAny>', $valid, 'Require ip 10.0.0.0/8', '</RequireAny>', $proxy),
        'the lines in two sections'    => location('/x', $type, $valid) . location('/x/y', $signature, $proxy),
        'None'                         => location('/x', $signature, $type, $valid, $proxy) . location('/x/open', 'WebhookKeysSignature None', 'AuthType None', 'Require all granted'),
        'a filter elsewhere'           => location('/x', $signature, $type, $valid, $proxy) . location('/y', 'SetInputFilter DEFLATE'),
    );
    for my $name (sort keys %cases) {
        my ($status, $out) = configtest($cases{$name}, qw(deflate));
        is($status, 0, $name) or diag $out;
    }
};

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;
my $w = WHK::Webhooks->new(
    modules => [qw(authz_host access_compat auth_basic authn_file deflate cgid alias)],
    before  => join "\n", "WebhookKeysReplayCache shmcb", "ScriptSock $pages/cgid.sock", "ScriptAlias /cgi/ $pages/", "LogLevel info",
    location('/cgi', $signature, $type, '<RequireAny>', $valid, "Require expr \"%{HTTP:X-Pass} == 'yes'\"", '</RequireAny>'),
    location('/any', $signature, $type, '<RequireAny>', $valid, "Require expr \"%{HTTP:X-Pass} == 'yes'\"", '</RequireAny>', $proxy),
    location('/all', $signature, $type, '<RequireAll>', $valid, "Require expr \"%{HTTP:X-Pass} == 'yes'\"", '</RequireAll>', $proxy),
    location('/deep', $signature, $type, $valid, $proxy),
    location('/deep/no-type', 'AuthType None'), location('/deep/basic', 'AuthType Basic', 'AuthName x'), location('/deep/granted', 'Require all granted'),
    location('/deep/both', 'AuthType None', 'Require all granted'), location('/deep/satisfy', 'Satisfy Any', 'Order allow,deny', 'Allow from all'),
    location('/deep/local', 'Require local'), location('/deep/env', "Require env NOTHING"), location('/deep/none', 'WebhookKeysSignature None', 'AuthType None', 'Require all granted'),
    location('/deep/filter', '<If "true">', 'SetInputFilter DEFLATE', '</If>'),
    location('/limit', $signature, $type, '<Limit GET>', $valid, '</Limit>', $proxy),
    location('/limit-except', $signature, $type, '<LimitExcept POST>', $valid, '</LimitExcept>', $proxy),
    "<LocationMatch \"^/typo/(?<ENTERPRISE>[^/]*)\">\n$type\n$valid\nWebhookKeysEnterprise \"%{env:MATCH_ENTERPRIZE}\"\nWebhookKeysSignature jws-detached Webhook-Signature\n$proxy\n</LocationMatch>",
    location('/user', $signature, $type, 'Require valid-user', $proxy),
    location('/off', $signature, $type, $valid, 'WebhookKeysBackendHeaders Off', $proxy),
    location('/down', $signature, $type, $valid, 'ProxyPass "http://127.0.0.1:9"'),
);
my ($server, $backend) = ($w->server, $w->backend);
$backend->write_cgi("$pages/hook.cgi");
my $key    = $w->key('ES256', kid => 'the-key');
my %forged = ('Webhook-Key-Id' => 'forged', 'Webhook_Enterprise' => 'forged', 'webhook.alg' => 'forged');

sub log_since { my $from = shift; return substr $server->error_log, $from }

subtest 'closed where it could not be seen' => sub {
    my %closed = (
        'no-type' => qr/AuthType WebhookSignature/, 'basic' => qr/AuthType WebhookSignature/, 'both' => qr/AuthType WebhookSignature/, 'granted' => qr/Require valid-webhook/,
        'satisfy' => qr/Satisfy Any|Require/, 'local' => qr/Require valid-webhook/, 'filter' => qr/SetInputFilter/,
    );
    for my $name (sort keys %closed) {
        my $from = length $server->error_log;
        $backend->clear;
        for my $how ([ 'without a signature', $w->client->request(POST => "/deep/$name", {%forged}, $body) ], [ 'changed', $w->post($key, $body, path => "/deep/$name", sent => "$body ") ]) {
            my $r = $how->[1];
            cmp_ok($r->status, '>=', 400, "$name, $how->[0]: " . $r->status);
            is($backend->count, 0, '... nothing arrives');
        }
        my $r = $w->client->request(POST => "/deep/$name", {%forged}, $body);
        refused($r, 500, 'internal_error', $name);
        unlike($r->message, qr/AuthType|Require|WebhookKeys/, '... the answer does not say what is missing');
        like(log_since($from), $closed{$name}, '... the log does');
    }
    is($w->client->request(POST => '/deep/env', {}, $body)->status, 403, 'a Require that grants nothing');
    is($w->client->request(POST => '/deep/none', {}, $body)->status, 200, 'WebhookKeysSignature None opens what is below');
    is($w->post($key, $body, path => '/deep/x')->status, 200, 'what is around them works');
    $backend->clear;
    for my $path ('/limit', '/limit-except') {
        my $r = $w->client->request(POST => $path, {%forged}, $body);
        cmp_ok($r->status, '>=', 400, "$path, where POST has no Require: " . $r->status);
    }
    is($backend->count, 0, '... nothing arrives');
};

subtest 'a filter that was told to decode' => sub {
    $backend->clear;
    my $packed = Compress::Zlib::memGzip($body);
    for my $sent ($packed, $body) {
        cmp_ok($w->post($key, $_, path => '/deep/filter', sent => $sent, headers => { 'Content-Encoding' => 'gzip' })->status, '>=', 400, 'refused') for $packed, $body;
    }
    is($backend->count, 0, 'verifies nothing and lets nothing through');
};

subtest 'where something else granted' => sub {
    $backend->clear;
    is($w->client->request(POST => '/any', { %forged, 'X-Pass' => 'yes' }, $body)->status, 200, 'it passes unsigned');
    is_deeply(WHK::Backend::identity($backend->last), {}, '... and nobody is told who signed');
    is($w->client->request(POST => '/cgi/hook.cgi', { %forged, 'X-Pass' => 'yes' }, $body)->status, 200, 'a CGI program');
    my $got = $backend->last;
    is_deeply(WHK::Backend::identity($got), {}, '... is not told either');
    is(WHK::Backend::header($got, 'env-WEBHOOK_VERDICT'), 'not_verified', '... WEBHOOK_VERDICT says so');
    is(WHK::Backend::header($got, "env-$_"), undef, "... and there is no $_") for qw(WEBHOOK_ENTERPRISE WEBHOOK_KEY_ID);

    is($w->post($key, $body, path => '/cgi/hook.cgi', headers => {%forged})->status, 200, 'a signed one');
    $got = $backend->last;
    is_deeply(WHK::Backend::identity($got)->{'webhook-key-id'}, ['the-key'], '... tells who');
    is(WHK::Backend::header($got, 'env-WEBHOOK_KEY_ID'), 'the-key', '... in the environment too');
    is(WHK::Backend::header($got, 'env-WEBHOOK_VERDICT'), 'ok', '... with its verdict');
    $backend->clear;
    for my $sent ("$body ", '') {
        my $r = $w->post($key, $body, path => '/any', sent => $sent, headers => { %forged, 'X-Pass' => 'yes' });
        next if $r->status >= 400;
        is_deeply(WHK::Backend::identity($backend->last), {}, 'signed over another body, and granted otherwise: nobody is told who signed');
    }
};

subtest 'who signed' => sub {
    $backend->clear;
    is($w->post($key, $body, path => '/user', headers => {%forged})->status, 200, 'Require valid-user');
    is(join('|', map { $_->[0] } @{ WHK::Backend::identity($backend->last) }{qw(webhook-key-id webhook-enterprise webhook-alg)}), 'the-key|acme|ES256', '... is told');
    is($w->post($key, $body, path => '/off')->status, 200, 'WebhookKeysBackendHeaders Off');
    is_deeply(WHK::Backend::identity($backend->last), {}, '... is not');
};

subtest 'an expression that gives nothing' => sub {
    $backend->clear;
    for my $r ($w->post($key, $body, path => '/typo/acme/x'), $w->client->request(POST => '/typo/acme/x', {}, $body)) {
        my $from = length $server->error_log;
        refused($r, 500, 'internal_error', 'is the fault of the operator');
        unlike($r->message, qr/MATCH|WebhookKeys/, '... whom the answer does not tell');
    }
    my ($line) = grep { /WebhookKeysEnterprise/ } split /\n/, $server->error_log;
    like($line, qr/:error\].*WebhookKeysEnterprise.*\/typo/, '... but the log: directive and location');
    my $from = length $server->error_log;
    refused($w->post($key, $body, path => '/hooks/nobody/x'), 401, 'unknown_key', 'an enterprise that does not exist is the fault of the sender');
    refused($w->post($key, $body, path => '/hooks/' . 'x' x 300 . '/x'), 401, 'unknown_key', '... and so is one that can not');
    unlike(log_since($from) =~ s/.*WHK0391.*//gr, qr/:(?:error|warn)\]/, '... and no error of the server');
    is($backend->count, 0, 'nothing arrives');
};

subtest 'a use is reserved after authorisation, and given back' => sub {
    $backend->clear;
    my $signed = $w->sign($key, $body, path => '/all');
    like($w->send($signed)->status, qr/^40[13]\z/, 'denied by another Require') for 1 .. 2;
    is($backend->count, 0, '... nothing arrives');
    is($w->send($signed, headers => { 'X-Pass' => 'yes' })->status, 200, '... and the use is still there');
    refused($w->send($signed, headers => { 'X-Pass' => 'yes' }), 401, 'replayed', '... once');
    my $down = $w->sign($key, $body, path => '/down');
    is($w->send($down)->status, 503, 'a backend that is down') for 1 .. 2;
    my $late = $w->send({ %$down, target => '/deep/x' });
    is($late->status, 200, '... burns no use') or diag $late->body;
};

unlike($server->error_log, qr/exit signal|Segmentation|Assertion/, 'no child ended badly');
done_testing;
