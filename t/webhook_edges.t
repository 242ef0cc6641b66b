# SPDX-License-Identifier: Apache-2.0
# Ways round a location that verifies webhooks which lead neither to another body nor by another road: out of the location
# again, behind the body, by a target without a path, to a place that takes older signatures.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Client;
use WHK::Costs;
use WHK::Webhooks;

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;
for my $folder (qw(index dav dav/open dav/hook dav/off)) { mkdir "$pages/$folder"; chmod 0777, "$pages/$folder" }

my $verified = <<'LINES';
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    Require valid-webhook
LINES
my $detached = "$verified    WebhookKeysSignature jws-detached Webhook-Signature\n";
my $http     = "$verified    WebhookKeysSignature http-signature\n";

sub location { my ($path, $lines) = @_; return qq(<Location "$path">\n$lines    ProxyPass "\${WHK_BACKEND}$path"\n</Location>\n) }

my $costs = WHK::Costs->new;
my $w     = WHK::Webhooks->new(children => 1, env => { $costs->env }, modules => [qw(alias cgi dav dav_fs dir)], hooks => join '', <<"LINES",
MergeTrailers On
WebhookKeysReplayCache shmcb
DirectoryIndex disabled
Alias /site "$pages"
<Directory "$pages">
    Require all granted
    Options +ExecCGI
    <Files "*.cgi">
        SetHandler cgi-script
    </Files>
</Directory>
DavLockDB "$pages/dav/locks"
<Directory "$pages/dav">
    Dav On
</Directory>
<Location "/site/dav/hook">
$detached</Location>
<Location "/site/dav/off">
$detached    WebhookKeysEnforce Off
</Location>
<Location "/site/fallback">
$detached    FallbackResource /site/all.cgi
</Location>
<Location "/site/index/">
$detached    DirectoryIndex /site/all.cgi
</Location>
<Location "/site/denied">
    Require expr "%{HTTP:X-Pass} == 'yes'"
</Location>
<Location "/site/denied">
$detached    AuthMerging And
    ErrorDocument 401 /site/all.cgi
    ErrorDocument 403 /site/all.cgi
</Location>
<LocationMatch "^/(root)?\$">
$http    ProxyPass "\${WHK_BACKEND}"
</LocationMatch>
LINES
    location('/http', $http),
    location('/bare', "$http    WebhookKeysRequiredComponents \@method\n"),
    location('/detached', $detached),
    location('/standard', "$verified    WebhookKeysSignature standard-webhooks\n"),
    location('/whole', "$verified    WebhookKeysSignature jws\n"),
    location('/younger', "$detached    WebhookKeysMaxAge 1\n    WebhookKeysClockSkew 0\n"),
    location('/open', "    Require all granted\n"),
    location('/open/joined', "$detached    AuthMerging Or\n"),
    location('/closed', "    Require all denied\n"),
    location('/closed/joined', "$detached    AuthMerging Or\n"));
$costs->of($w->server);
my $backend = $w->backend;
my $key     = $w->key('ES256');
$backend->write_cgi("$pages/all.cgi");

sub detached { my ($body, %how) = @_; return $w->signer->sign(scheme => 'jws-detached', header => 'Webhook-Signature', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, body => $body, %how) }
sub covered { my ($target, $body, %how) = @_; return $w->signer->sign(scheme => 'http-signature', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, method => 'POST', authority => 'localhost', target => $target, body => $body, %how) }
sub send_to { my ($path, $signed) = @_; return $w->client->request(POST => $path, $signed->{headers}, $signed->{body}) }
sub alone { my $bytes = shift; return WHK::Client->new($w->server->port)->raw($bytes) }
sub lines_of { my $headers = shift; return join '', map { "$_: $headers->{$_}\r\n" } sort keys %$headers }

subtest 'out of its location' => sub {
    for my $path ('/site/fallback/none', '/site/index/') {
        $backend->clear;
        my $signed = detached("from $path");
        is(send_to($path, $signed)->status, 200, "$path: the first time");
        refused(send_to($path, $signed), 401, 'replayed', '... the second time');
        is($backend->count, 1, '... and one arrives');
    }
    my $signed = detached('denied');
    isnt(send_to('/site/denied', $signed)->status, 200, 'denied, and told so by a page');
    is(send_to('/detached', $signed)->status, 200, '... which does not use it up');
};

subtest 'behind the body' => sub {
    $backend->clear;
    my $body   = '{"pay":100}';
    my $signed = covered('/http/x', $body, components => [ '@method', '@target-uri', 'content-digest', 'x-event' ], fields => { 'x-event' => 'good' });
    my $r      = alone("POST /http/x HTTP/1.1\r\nHost: localhost\r\nX-Event: good\r\n" . lines_of($signed->{headers}) . "Transfer-Encoding: chunked\r\n\r\n"
          . sprintf("%x\r\n%s\r\n0\r\n", length $body, $body) . "X-Event: evil\r\nX-More: evil\r\n\r\n");
    is($r->status, 200, 'a trailer beside what was signed');
    my $arrived = $backend->last;
    is($arrived->{body}, $body, '... the body arrives');
    is(WHK::Backend::header($arrived, 'X-Event'), 'good', '... with the header that was verified');
    is(WHK::Backend::header($arrived, 'X-More'), undef, '... and no other');
};

subtest 'a target without a path' => sub {
    $backend->clear;
    my $body   = 'target';
    my $signed = covered('/http/x', $body);
    my $rest   = " HTTP/1.1\r\nHost: localhost\r\n" . lines_of($signed->{headers}) . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    refused(alone("POST http://localhost?to=/http/x$rest"), 401, 'bad_signature', 'a path that is in the query');
    is($backend->count, 0, '... nothing arrives');
    is(alone("POST http://localhost/http/x$rest")->status, 200, 'the absolute form');
    $signed = covered('/?a=/b', $body);
    is(alone("POST http://localhost?a=/b HTTP/1.1\r\nHost: localhost\r\n" . lines_of($signed->{headers}) . 'Content-Length: ' . length($body) . "\r\n\r\n$body")->status, 200, 'an empty path is /');
};

subtest 'a place that takes older ones' => sub {
    $backend->clear;
    my $signed = detached('younger');
    is(send_to('/younger', $signed)->status, 200, 'where a signature is good for a second');
    sleep 4;
    refused(send_to('/younger', $signed), 401, 'expired', '... it has ended');
    refused(send_to('/detached', $signed), 401, 'replayed', '... and where it has not, it was received');
    is($backend->count, 1, '... one arrives');
};

subtest 'a payload taken out of its JWS' => sub {
    $backend->clear;
    my $text   = JSON::PP->new->canonical->encode({ iat => time, jti => 'in the claims' });
    my $signed = detached($text, protected => { jti => undef });
    my ($header, $signature) = $signed->{headers}{'Webhook-Signature'} =~ /^(\S+)\.\.(\S+)$/;
    my $whole = { headers => { 'Content-Type' => 'application/jose' }, body => "$header." . encode_base64url($text) . ".$signature" };
    is(send_to('/whole', $whole)->status, 200, 'a JWS with a jti among its claims');
    refused(send_to('/detached', $signed), 401, 'replayed', '... its payload, and the rest beside');
    refused(send_to('/whole', $whole), 401, 'replayed', '... itself');
    is($backend->count, 1, '... one arrives');
};

subtest 'what merges lets through' => sub {
    $backend->clear;
    refused($w->client->request(POST => '/open/joined', {}, 'unsigned'), 500, 'internal_error', 'AuthMerging Or below Require all granted');
    like($w->server->error_log, qr/Require all granted is an alternative .* at \/open\/joined/, '... the log tells why');
    refused($w->client->request(POST => '/closed/joined', {}, 'unsigned'), 401, 'signature_missing', '... below Require all denied');
    is($backend->count, 0, '... nothing arrives');
    is(send_to('/closed/joined', detached('joined'))->status, 200, '... signed');
};

subtest 'what lies elsewhere' => sub {
    is($w->client->request(PUT => '/site/dav/open/evil', {}, 'evil')->status, 201, 'anybody writes to an open folder of WebDAV');
    for my $method (qw(COPY MOVE)) {
        my $signed = detached("signed for $method");
        my $r = $w->client->request($method => '/site/dav/open/evil', { %{ $signed->{headers} }, Destination => 'http://localhost:' . $w->server->port . '/site/dav/hook/evil' }, $signed->{body});
        is($r->status, 401, "$method to a closed one with what was signed beside");
        ok(!-e "$pages/dav/hook/evil", '... brings nothing there');
        for my $headers ({}, $signed->{headers}) {
            $w->client->request($method => '/site/dav/open/evil', { %$headers, Destination => 'http://localhost:' . $w->server->port . '/site/dav/off/evil' }, $signed->{body});
            ok(!-e "$pages/dav/off/evil", '... nor to where WebhookKeysEnforce is Off');
        }
    }
    is($w->client->request(PUT => '/site/dav/off/written', {}, 'unsigned')->status, 201, 'where it is Off, what is sent there is written');
    my $signed = detached('good');
    is($w->client->request(PUT => '/site/dav/hook/good', $signed->{headers}, $signed->{body})->status, 201, 'what is signed is written');
    is($w->client->request(PUT => '/site/dav/hook/bad', {}, 'bad')->status, 401, '... and nothing else');
};

subtest 'a body that nobody asked to be covered' => sub {
    $backend->clear;
    my $bare = sub { my ($method, $body) = @_; return $w->sign($key, $body, scheme => 'http-signature', method => $method, path => '/bare', components => ['@method'], digest => undef) };
    my $signed = $bare->('POST', 'any body at all');
    refused($w->send($signed), 401, 'malformed_jws', 'does not pass');
    is($backend->count, 0, '... nor arrive');
    is($w->send({ %{ $bare->('GET', '') }, body => '' })->status, 200, 'where there is none the components that are asked for are enough');
};

subtest 'what is cheap' => sub {
    for my $path ('/http', '/standard') {
        my $r = alone("POST $path HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
        refused($r, 401, 'signature_missing', "$path: the body of what bears no signature is not waited for");
    }
    my $cost = $costs->measure(1, sub {
        my $signed = detached('a long Connection');
        $signed->{headers}{Connection} = join ',', ('te') x 2700;
        return send_to('/detached', $signed)->status;
    });
    is_deeply($cost->{answers}, { 200 => 1 }, 'a long Connection');
    SKIP: {
        skip 'not told here', 1 if !WHK::Costs::is_exact() || !defined $cost->{memory};
        cmp_ok($cost->{memory}, '<', 4096, '... takes little memory');
    }
};

done_testing;
