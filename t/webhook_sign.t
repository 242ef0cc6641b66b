# SPDX-License-Identifier: Apache-2.0
# What leaves a location with WebhookKeysSign is signed as it is sent, by each scheme and kind of key, and passes where it is
# verified; nothing leaves it unsigned.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256_hex);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use POSIX ();
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Signing;

my @algs  = qw(EdDSA ES256 ES384 ES512 RS256);
my $bound  = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp') or die "no port: $!";    # nobody else can listen there
my $nobody = $bound->sockport;
my $tomcat = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5, Timeout => 60) or die "no port: $!";
my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;

sub page {
    my ($name, $text) = @_;
    open my $out, '>', "$pages/$name" or die "$name: $!";
    print $out $text;
    close $out;
    chmod 0755, "$pages/$name";
    return;
}

mkdir "$pages/index";
mkdir "$pages/elsewhere";
page('page.shtml', '<!--#include virtual="/raw/jwt/included" -->');
page('included.cgi', "#!/bin/sh\nprintf 'Content-Type: text/html\\r\\n\\r\\n<!--#include virtual=\"/raw/jwt/included\" -->'\n");
page('echo.cgi', "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nenv\necho\nprintf 'BODY='\nsha256sum | cut -c1-64\n");

my $s = WHK::Signing->new(
    algs     => \@algs,
    modules  => [qw(http2 proxy_http2 proxy_balancer slotmem_shm lbmethod_byrequests include dir cgid alias mime proxy_ftp proxy_ajp)],
    before   => <<"BEFORE", host => <<'HOST', verifier => <<'VERIFIER');
Protocols h2c http/1.1
TypesConfig /dev/null
ScriptSock "$pages/cgisock"
Alias /pages "$pages"
RewriteEngine On
RewriteOptions InheritBefore
<Directory "$pages">
    Options +ExecCGI +Includes
    AddHandler cgi-script .cgi
    Require all granted
    <Files "*clude*">
        SetOutputFilter INCLUDES
    </Files>
    <Files page.shtml>
        SetOutputFilter INCLUDES
    </Files>
</Directory>
<Directory "$pages/elsewhere">
    DirectoryIndex /raw/jwt/index
</Directory>
<Directory "$pages/index">
    DirectoryIndex /raw/jwt/index
</Directory>
<Location "/signed-pages">
    WebhookKeysSign jwt Webhook-JWT
</Location>
Alias /signed-pages "$pages"
ErrorDocument 404 /raw/jwt/missing
<Location "/preserved">
    WebhookKeysSign http-signature
    ProxyPreserveHost On
    ProxyPass "\${WHK_VERIFY}/hooks/acme/strict/moved"
</Location>
<Location "/nocanon">
    WebhookKeysSign http-signature
    ProxyPass "\${WHK_VERIFY}/hooks/acme/strict" nocanon
</Location>
<Location "/rewritten">
    WebhookKeysSign http-signature
    RewriteEngine On
    RewriteRule /rewritten/(.*) \${WHK_VERIFY}/hooks/acme/strict/\$1/\\%20?new=1 [P,QSA,NE]
</Location>
<Proxy "balancer://pool">
    BalancerMember "http://127.0.0.1:$nobody" retry=0
    BalancerMember "\${WHK_VERIFY}"
</Proxy>
<Location "/balanced">
    WebhookKeysSign http-signature
    ProxyPass "balancer://pool/hooks/acme/strict"
</Location>
<Location "/http2">
    WebhookKeysSign http-signature
    ProxyPass "h2c://127.0.0.1:\${WHK_VERIFY_PORT}/hooks/acme/strict"
</Location>
<Location "/sethandler">
    WebhookKeysSign http-signature
    SetHandler "proxy:http://127.0.0.1:\${WHK_VERIFY_PORT}/"
</Location>
<Location "/ajp">
    WebhookKeysSign http-signature
    ProxyPass "ajp://127.0.0.1:@{[ $tomcat->sockport ]}/elsewhere"
</Location>
<Location "/ftp">
    WebhookKeysSign jwt Webhook-JWT
    ProxyPass "ftp://127.0.0.1:$nobody/"
</Location>
<Location "/required">
    WebhookKeysSign http-signature
    WebhookKeysRequiredComponents x-order \@authority host
    WebhookKeysSignatureTag out
    WebhookKeysMaxAge 60
    ProxyPass "\${WHK_VERIFY}/hooks/acme/required"
</Location>
<Location "/hop">
    WebhookKeysSign http-signature
    WebhookKeysRequiredComponents x-forwarded-for
    ProxyPass "\${WHK_BACKEND}"
</Location>
<Location "/ours">
    WebhookKeysSign http-signature
    WebhookKeysRequiredComponents x-order
    SetHandler webhook-keys-signing-jwks
</Location>
<LocationMatch "^/(ours/proxied|hands-on)">
    WebhookKeysSign jwt Webhook-JWT
    ProxyPassMatch "\${WHK_BACKEND}"
</LocationMatch>
<Location "/hands-on">
    SetHandler webhook-keys
</Location>
<Location "/out/jwt/open">
    WebhookKeysSign None
</Location>
<Location "/small">
    WebhookKeysSign jwt Webhook-JWT
    WebhookKeysMaxWebhookBody 1024
    ProxyPass "\${WHK_BACKEND}"
</Location>
<LocationMatch "^/(lenient|elsewhere)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature jwt Webhook-JWT
    WebhookKeysEnforce Off
    Require valid-webhook
</LocationMatch>
<Location "/lenient">
    WebhookKeysSign jwt Webhook-JWT
    ProxyPass "\${WHK_BACKEND}"
</Location>
Alias /elsewhere "$pages/elsewhere"
<Location "/relay">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature jwt Webhook-JWT
    WebhookKeysSign jwt Webhook-JWT
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}/relayed"
</Location>
BEFORE
HOST
    <Location "/hooks/acme/strict">
        AuthType WebhookSignature
        AuthName "webhooks"
        WebhookKeysEnterprise acme
        WebhookKeysSignature http-signature
        WebhookKeysRequiredComponents @method @target-uri content-digest
        Require valid-webhook
        ProxyPass "${WHK_BACKEND}/strict"
    </Location>
    <LocationMatch "sethandler">
        AuthType WebhookSignature
        AuthName "webhooks"
        WebhookKeysEnterprise acme
        WebhookKeysSignature http-signature
        Require valid-webhook
        ProxyPassMatch "${WHK_BACKEND}/sethandler"
    </LocationMatch>
    <Location "/hooks/acme/required">
        AuthType WebhookSignature
        AuthName "webhooks"
        WebhookKeysEnterprise acme
        WebhookKeysSignature http-signature
        WebhookKeysRequiredComponents x-order @authority host
        WebhookKeysSignatureTag out
        Require valid-webhook
        ProxyPass "${WHK_BACKEND}/required"
    </Location>
VERIFIER
my $all = join '', map { chr } 0 .. 255;
my $c   = $s->client;

sub field { my @values = WHK::Signing::field(@_); is(scalar @values, 1, "one $_[1]") or diag explain \@values; return $values[0] // '' }
sub part  { my ($jws, $n) = @_; return eval { JSON::PP->new->utf8->decode(decode_base64url((split /\./, $jws)[$n])) } // {} }
sub sent  { my ($path, $headers, $body, $method) = @_; $s->backend->clear; return $c->request($method // 'POST', $path, $headers // {}, $body // ($method ? undef : '{}')) }

# It was sent, and what verifies it found it good.
sub passes {
    my ($name, $r, $body) = @_;
    is($r->status, 200, $name) or diag $r->body;
    my $got = $s->backend->last // {};
    ok($s->backend->count == 1 && $got->{body} eq ($body // '{}'), '... byte for byte');
    return $got;
}

sub stopped {
    my ($name, $r, $status, $code) = @_;
    refused($r, $status, $code, $name);
    is($s->backend->count, 0, '... and nothing was sent');
    return;
}

subtest 'what is signed passes where it is verified' => sub {
    for my $alg (@algs) {
        for my $scheme (sort keys %WHK::Signing::schemes) {
            next if $scheme eq 'standard-webhooks' && $alg ne 'EdDSA';
            for my $case ([ 'bytes', POST => $all ], [ 'no body', POST => '' ], [ 'GET', GET => undef ]) {
                my ($name, $method, $body) = @$case;
                $s->backend->clear;
                my $got = passes("$scheme, $alg, $name", $s->client($alg)->request($method => "/out/$scheme/orders?id=1&x=%2F", { 'Content-Type' => 'application/json' }, $body), $body // '');
                is(WHK::Backend::identity($got)->{'webhook-key-id'}[0], "out-$alg", '... by the key of this host');
            }
        }
    }
};

subtest 'what a signature says' => sub {
    my $body = '{"pay":1}';
    my $start = time;
    my %seen;
    for (1, 2) {
        sent('/raw/jwt/x', {}, $body);
        my $jwt = field($s->backend->last, 'Webhook-JWT');
        my ($header, $claims) = (part($jwt, 0), part($jwt, 1));
        is_deeply($header, { alg => 'EdDSA', kid => 'out-EdDSA', typ => 'JWT' }, 'the header of a JWT');
        is(join(' ', sort keys %$claims), 'exp iat jti request_body_sha256', 'its claims');
        is($claims->{request_body_sha256}, sha256_hex($body), 'the hash of the body');
        ok($claims->{iat} >= $start && $claims->{iat} <= time && $claims->{exp} == $claims->{iat} + 300, 'its times');
        $seen{ $claims->{jti} }++;

        sent('/raw/jws-detached/x', {}, $body);
        my $jws = field($s->backend->last, 'Webhook-Signature');
        like($jws, qr/^[\w-]+\.\.[\w-]+$/, 'a detached JWS');
        is(join(' ', sort keys %{ part($jws, 0) }), 'alg exp iat jti kid typ', 'its header');
        is(part($jws, 0)->{typ}, 'JOSE', '... which is no JWT\'s');
        $seen{ part($jws, 0)->{jti} }++;

        sent('/raw/http-signature/x?y', { 'Content-Type' => 'text/plain' }, $body);
        my $input = field($s->backend->last, 'Signature-Input');
        like($input, qr/^sig1=\("\@method" "\@target-uri" "content-digest" "content-type"\);created=\d+;expires=\d+;keyid="out-EdDSA";alg="ed25519";nonce="([\w-]+)"$/, 'Signature-Input');
        $seen{$1}++ if $input =~ /nonce="([^"]+)"/;
        sent('/raw/standard-webhooks/x', {}, $body);
        $seen{ field($s->backend->last, 'webhook-id') }++;
    }
    is(scalar keys %seen, 8, 'each has a name of its own') or diag explain \%seen;
    sent('/raw/http-signature/x', {}, $body);
    unlike(field($s->backend->last, 'Signature-Input'), qr/content-type/, 'no Content-Type, none covered');
};

subtest 'the id of a delivery' => sub {
    for my $case ([ 'msg_2026', 'msg_2026' ], [ 'a.b', undef ], [ 'x' x 256, undef ], [ 'eyJhbGciOiJFZERTQSJ9', undef ], [ 'eyJ!hbGciOiJFZERTQSJ9', undef ], [ 'eyJhbGciOiJFZERTQSJ9==', undef ], [ 'IHsgImFsZyI6', undef ], [ '77u/eyJhbGci', undef ], [ 'ewAiAGEA', undef ], [ 'e5f0c9d2-1b1c-4f0e-9a54-4d5aa5e0f3c1', 'e5f0c9d2-1b1c-4f0e-9a54-4d5aa5e0f3c1' ], [ 'e30', undef ], [ 'e31a', 'e31a' ], [ ['a', 'b'], undef ], [ 'a b', undef ]) {
        my ($given, $want) = @$case;
        my $name = ref $given ? 'two' : substr $given, 0, 20;
        my $got = passes("webhook-id $name", sent('/out/standard-webhooks/x', { 'webhook-id' => $given }));
        my $id = field($got, 'webhook-id');
        $want ? is($id, $want, '... stays') : like($id, qr/^msg_[0-9a-f-]{36}$/, '... is ours');
    }
};

subtest 'headers that a client sent in our place' => sub {
    my %theirs = (
        'jwt' => [qw(Webhook-JWT webhook-jwt WEBHOOK_JWT Webhook_JWT Webhook.JWT)],
        'jws-detached' => [qw(Webhook-Signature Webhook_Signature)],
        'http-signature' => [qw(Signature Signature-Input Content-Digest signature_input CONTENT_DIGEST Signature.Input)],
        'standard-webhooks' => [qw(webhook_id webhook-timestamp WEBHOOK-SIGNATURE webhook-key-id Webhook_Timestamp)],
    );
    for my $scheme (sort keys %theirs) {
        my %headers = map { $_ => 'theirs' } @{ $theirs{$scheme} };
        my $got = passes($scheme, sent("/out/$scheme/x", { %headers, Connection => join ', ', 'close', @{ $theirs{$scheme} } }));
        sent("/raw/$scheme/x", { %headers, Connection => join ', ', @{ $theirs{$scheme} } });
        is(scalar(grep { $_->[1] =~ /theirs/ } @{ $s->backend->last->{headers} }), 0, '... nothing of theirs goes out') or diag explain $s->backend->last->{headers};
    }
};

subtest 'what is signed is what is sent' => sub {
    passes('another path', sent('/out/http-signature/a%20b/c?x=1&y=%2F'));
    my $got = passes('ProxyPreserveHost', sent('/preserved/a?b', { Host => 'Shop.Example:80' }));
    is($got->{path}, '/strict/moved/a?b', '... to where it was to go');
    passes('nocanon', sent('/nocanon/a%2Fb;c/%7Ed?e=%20'));
    $got = passes('mod_rewrite', sent('/rewritten/a?old=2'));
    like($got->{path}, qr{^/strict/a/%20\?new=1&old=2$}, '... with its query');
    passes('a balancer, whose first member is away', sent('/balanced/a?b'));
    passes('... again', sent('/balanced/a?b'));
    passes('HTTP/2', sent('/http2/a?b', { 'Content-Type' => 'application/json' }));
    passes('SetHandler proxy:', sent('/sethandler/a?b'));
};

subtest 'components that must be covered' => sub {
    my $got = passes('one more header', sent('/required/x', { 'X-Order' => '17' }));
    like(field($got, 'Signature-Input'), qr/"\@target-uri" "content-digest" "x-order" "\@authority" "host"\);.*;tag="out"$/, '... and the tag');
    my ($created, $expires) = field($got, 'Signature-Input') =~ /created=(\d+);expires=(\d+)/;
    is($expires - $created, 60, '... for as long as WebhookKeysMaxAge says');
    stopped('without it', sent('/required/x'), 400, 'invalid_request');
    stopped('one that changes on the way', sent('/hop/x'), 500, 'internal_error');
    like($s->server->error_log, qr/WebhookKeysRequiredComponents names x-forwarded-for/, '... and the log says so');
};

subtest 'the body' => sub {
    my $whole = 'x' x 1_048_576;
    passes('1 MiB', sent('/out/jws-detached/x', {}, $whole), $whole);
    stopped('and a byte', sent('/out/jws-detached/x', {}, "$whole."), 413, 'body_too_large');
    stopped('more than this place takes', sent('/small/x', {}, 'x' x 1025), 413, 'body_too_large');
    $s->backend->clear;
    my $r = $c->request(POST => '/out/jwt/x', { 'Transfer-Encoding' => 'chunked', Trailer => 'X-Last' }, "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Last: 1\r\n\r\n");
    passes('in chunks', $r, 'abcde');
};

subtest 'by other ways than a proxy' => sub {
    my $r = sent('/signed-pages/echo.cgi?a=b', { 'Webhook_JWT' => 'theirs' }, $all);
    my ($jwt) = $r->body =~ /^HTTP_WEBHOOK_JWT=(\S+)$/m;
    is(part($jwt // '..', 1)->{request_body_sha256}, sha256_hex($all), 'CGI: the hash of the body');
    like($r->body, qr/BODY=\Q@{[ sha256_hex($all) ]}/, '... which it reads');
    unlike($r->body, qr/theirs/, '... and nothing of the client\'s');
};

# One that is asked by AJP, and answers 200; what it was sent.
sub by_ajp {
    my ($path) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        WHK::Client->new($s->port)->request(GET => $path, { Host => 'Shop.Example' });
        POSIX::_exit(0);
    }
    my $socket = $tomcat->accept or die "nobody asked: $!\n";
    my ($head, $packet);
    read $socket, $head, 4;
    read $socket, $packet, unpack 'x2n', $head;
    print $socket "AB\0\x08\x04\0\xc8\0\x02OK\0\0\0AB\0\x02\x05\x01";
    close $socket;
    waitpid $pid, 0;
    return $packet;
}

subtest 'AJP' => sub {
    my $packet = by_ajp('/ajp/a%20b?c=%2F');
    like($packet, qr{/elsewhere/a%20b\0.*c=%2F\0}s, 'the path of the URL is sent');
    my ($input) = $packet =~ /sig1=(\("\@method"[^\0]+)/;
    my ($signature) = $packet =~ /sig1=:([^:\0]+):/;
    my ($digest) = $packet =~ /(sha-256=:[^\0]+)/;
    my $base = join "\n", '"@method": GET', '"@target-uri": http://shop.example/elsewhere/a%20b?c=%2F', qq("content-digest": $digest), qq("\@signature-params": $input);
    page('base', $base);
    page('signature', MIME::Base64::decode_base64($signature));
    my ($status, $said) = WHK::Server::run_command('openssl', 'pkeyutl', '-verify', '-rawin', '-inkey', $s->key->{pem}, '-in', "$pages/base", '-sigfile', "$pages/signature");
    is($status, 0, '... and signed') or diag $said, $base;
};

subtest 'however httpd came there' => sub {
    sent('/pages/index/', {}, $all);
    is(part(field($s->backend->last, 'Webhook-JWT'), 1)->{request_body_sha256}, sha256_hex($all), 'DirectoryIndex: the body that came');
    sent('/pages/page.shtml', {}, undef, 'GET');
    is(part(field($s->backend->last, 'Webhook-JWT'), 1)->{request_body_sha256}, sha256_hex(''), 'an include of a page: no body');
    sent('/pages/included.cgi', {}, '');
    is($s->backend->count, 1, '... of a page that CGI made');
    sent('/pages/included.cgi', {}, $all);
    is($s->backend->count, 0, '... which got a body: nothing is sent');
    sent('/signed-pages/included.cgi', {}, $all);
    is($s->backend->count, 0, '... nor where the body was signed for that one');
    sent('/nothing-here', {}, undef, 'GET');
    is(part(field($s->backend->last, 'Webhook-JWT'), 1)->{request_body_sha256}, sha256_hex(''), 'an ErrorDocument');
    sent('/out/jwt/open', {}, '{}');
    is($s->backend->count, 0, 'WebhookKeysSign None: unsigned, and stopped where it is verified');
    is(sent('/ours', {}, undef, 'GET')->status, 200, 'what we answer ourselves is not signed, and lacks nothing for it');
    for my $path (qw(/ours/proxied /hands-on/x)) {
        sent($path);
        is(part(field($s->backend->last // {}, 'Webhook-JWT'), 1)->{request_body_sha256}, sha256_hex('{}'), "$path: what mod_proxy takes in our place is");
    }
};

subtest 'what can carry no signature' => sub {
    stopped('ftp', sent('/ftp/x', {}, undef, 'GET'), 500, 'internal_error');
    like($s->server->error_log, qr/by ftp carries no signature/, '... and the log says so');
};

subtest 'what nobody verified' => sub {
    stopped('WebhookKeysEnforce Off, which configtest could not see', sent('/lenient/x'), 500, 'internal_error');
    like($s->server->error_log, qr/WebhookKeysSign at \S+ would sign what WebhookKeysEnforce Off lets through/, '... and the log says so');
    stopped('... in the location that led here', sent('/elsewhere/'), 500, 'internal_error');
    like($s->server->error_log, qr{WebhookKeysSign at /raw/jwt/index would sign what WebhookKeysEnforce Off lets through}, '... and the log says so');
};

subtest 'a relay verifies and signs' => sub {
    my $w   = $s->webhooks;
    my $key = $w->key('ES256');
    my $signer = $w->signer;
    my $signed = $signer->sign(scheme => 'jwt', header => 'Webhook-JWT', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, body => $all, method => 'POST', target => '/relay/x', authority => 'localhost');
    my $got = passes('what is signed', sent('/relay/x', $signed->{headers}, $all), $all);
    is(part(field($got, 'Webhook-JWT'), 0)->{kid}, 'out-EdDSA', '... goes on signed by ours');
    is(WHK::Backend::identity($got)->{'webhook-key-id'}[0], $key->{kid}, '... and tells who signed it');
    stopped('what is not', sent('/relay/x', $signed->{headers}, "$all."), 401, 'digest_mismatch');
};

done_testing;
