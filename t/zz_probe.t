# SPDX-License-Identifier: Apache-2.0
# Not one byte of an unverified answer leaves: whatever a hostile backend says, by whichever way httpd hands it on. Each test
# looks at all the bytes that come back, in which MARK would be the backend's.
use strict;
use warnings;
use Test::More;
use File::Path qw(make_path);
use File::Temp;
use IO::Compress::Gzip qw(gzip);
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);
use WHK::Answerer;
use WHK::Server;
use WHK::Webhooks;

my $json     = JSON::PP->new->utf8->canonical;
my $answerer = WHK::Answerer->new;
my $to       = 'ProxyPass "' . $answerer->uri . '/"';
my $files    = File::Temp->newdir('whk-files-XXXXXX', TMPDIR => 1);
my $ports    = WHK::Server::free_port();

sub location { my ($path, @lines) = @_; return join "\n", qq{<Location "$path">}, '    WebhookKeysEnterprise acme', (map { "    $_" } @lines), "</Location>\n" }

my $jwt   = 'WebhookKeysResponse jwt';
my $claim = 'WebhookKeysResponseClaim evaluationId "%{req:X-Evaluation-Id}"';
my $detached = 'WebhookKeysResponse jws-detached Webhook-Signature';

sub write_file {
    my ($name, $text, $mode) = @_;
    my $file = "$files/$name";
    make_path($file =~ s{/[^/]+\z}{}r);
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $text;
    close $out;
    chmod $mode // 0644, $file;
    return $file;
}

my $cgi = <<'CGI';
#!/usr/bin/perl
my $file = "$ENV{WHK_FILES}/cgi/$ENV{HTTP_X_CGI}";
open my $in, '<:raw', $file or die;
local $/;
my $body = <STDIN>;
print <$in>;
CGI
write_file('cgi/run', $cgi, 0755);
write_file('open/secret.txt', 'MARK of a file that nobody signed');
write_file('open/error.html', 'the operator tells of an error');
write_file('pages/page.shtml', 'before <!--#include virtual="/jwt" --> after');
make_path("$files/cache");
chmod 0755, "$files", map { "$files/$_" } qw(cgi open pages);

my $w = WHK::Webhooks->new(
    children => 1,
    modules => [qw(alias cgid mime dir include deflate substitute filter proxy_balancer slotmem_shm lbmethod_byrequests proxy_http2 http2 cache cache_disk asis)],
    before => join('',
        "WebhookKeysReplayCache shmcb\n", "SetEnv WHK_FILES $files\n", "ScriptSock $files/cgi.sock\n", "Protocols h2c http/1.1\n", "AddHandler send-as-is asis\nTypesConfig /dev/null\nAddType text/html shtml\n",
        qq{<Directory "$files">\n    Require all granted\n    Options +Includes +ExecCGI\n</Directory>\n},
        "CacheRoot $files/cache\nCacheDefaultExpire 600\nCacheIgnoreCacheControl On\nCacheIgnoreNoLastMod On\n",
        location('/jwt', $jwt, $claim, $to),
        location('/plain-jwt', $jwt, $to),
        location('/detached', $detached, 'WebhookKeysMaxWebhookBody 65536', 'WebhookKeysResponseTimeout 1500ms', $to),
        location('/override', $jwt, 'ProxyErrorOverride On', $to),
        location('/documents', $jwt, 'ErrorDocument 404 /open/error.html', 'ErrorDocument 502 /open/error.html', 'ErrorDocument 503 /open/error.html', $to),
        location('/documented', $jwt, 'ProxyErrorOverride On', 'ErrorDocument 404 /open/error.html', $to),
        location('/gone', $jwt, 'ErrorDocument 503 /open/error.html', 'ProxyPass "http://127.0.0.1:' . WHK::Server::free_port() . '/"'),
        location('/changed', $detached, 'AddOutputFilterByType SUBSTITUTE;DEFLATE text/plain', 'Substitute "s/good/GOOD/"', $to),
        location('/balanced', $jwt, 'ProxyPass "balancer://members/"'),
        "<Proxy balancer://members>\n    BalancerMember " . $answerer->uri . "\n</Proxy>\n",
        "Alias /open $files/open\nAlias /pages $files/pages\nScriptAlias /cgi $files/cgi/run\nAlias /asis $files/asis\n",
        location('/cgi', $jwt),
        location('/asis', $jwt),
        qq{<Location "/pages">\n    SetOutputFilter INCLUDES\n</Location>\n},
        "Listen 127.0.0.1:$ports\n",
        qq{<VirtualHost 127.0.0.1:$ports>\n    ServerName behind\n    Protocols h2c\n    ProxyPass "/" "} . $answerer->uri . qq{/"\n</VirtualHost>\n},
        location('/h2', $jwt, $claim, qq{ProxyPass "h2c://127.0.0.1:$ports/"}),
        location("/slowh2", $detached, "WebhookKeysResponseTimeout 1500ms", qq{ProxyPass "h2c://127.0.0.1:$ports/"}), location("/cached", $detached, $to),
        location('/kept', $to),
        "CacheEnable disk /cached\nCacheEnable disk /kept\n",
        "<VirtualHost 127.0.0.1:*>\n    ServerName localhost\n</VirtualHost>\n",
        "<VirtualHost 127.0.0.1:*>\n    ServerName later\n    CacheQuickHandler Off\n    CacheEnable disk /cached\n    CacheEnable disk /kept\n</VirtualHost>\n",
    ),
);
my $server = $w->server;
my $port   = $server->port;
my $key    = $w->key('ES256', kid => 'answers-1');

sub jwt {
    my ($claims, %how) = @_;
    return $w->signer->sign(
        scheme => 'jws', type => 'application/jwt', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, protected => { iat => undef, jti => undef }, %how,
        body => $json->encode({ iat => int time, jti => join('-', time, rand), %$claims })
    )->{body};
}

sub signature_of {
    my ($body, %how) = @_;
    my $signed = $w->signer->sign(scheme => 'jws-detached', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, body => $body, %how);
    return [ 'Webhook-Signature' => $signed->{headers}{'Webhook-Signature'} ];
}

sub fresh { return jwt({ evaluationId => 'e' }) }

sub request {
    my ($method, $path, $name, %headers) = @_;
    my $body = delete $headers{-body} // ($method eq 'POST' ? 'x' : '');
    %headers = (Host => 'localhost', Connection => 'close', 'Content-Length' => length $body, 'X-Answer' => $name, %headers);
    return "$method $path HTTP/1.1\r\n" . join('', map { "$_: $headers{$_}\r\n" } grep { defined $headers{$_} } sort keys %headers) . "\r\n$body";
}

sub ask { my ($method, $path, $name, %headers) = @_; return WHK::Answerer::exchange($port, request($method, $path, $name, %headers), 20) }

sub stopped {
    my ($raw, $code, $what, $status) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $status //= 502;
    my @answers = $raw =~ m{^HTTP/1\.1 (\d+)}mg;
    is("@answers", $status, "$what: $status alone") or diag $raw;
    like($raw, qr/"code":"$code"/, "... $code") if defined $code;
    unlike($raw, qr/MARK/i, '... and nothing of it');
    return;
}

my @marked = ([ 'X-Mark' => 'MARK' ], [ 'Set-Cookie' => 'a=MARK' ], [ Location => '/MARK' ], [ 'WWW-Authenticate' => 'MARK' ], [ Link => '</MARK>' ], [ 'Retry-After' => '77' ]);

my @to = ('X-Evaluation-Id' => 'e');
sub show { my ($what, $raw) = @_; my @a = $raw =~ m{^HTTP/1\.1 (\d+)}mg; my ($c) = $raw =~ /"code":"(\w+)"/; diag sprintf "%-40s [%s] %s %s", $what, "@a", $c // '', $raw =~ /MARK/ ? '*** LEAK ***' . $raw : ''; }
my $T = "HTTP/1.1 200 MARK\r\n";
my %p = (
  'lf only' => ["HTTP/1.1 200 MARK\nX-Mark: MARK\nContent-Length: 4\n\nMARK", ['close']],
  'obs-fold' => ["${T}X-Mark: a\r\n  MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  'leading fold' => ["${T} MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  'dup CL' => ["${T}Content-Length: 4\r\nContent-Length: 5\r\n\r\nMARKM", ['close']],
  'CL+TE' => ["${T}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nMARK\r\n0\r\n\r\n", ['close']],
  'bad TE' => ["${T}Transfer-Encoding: gzip, chunked\r\n\r\n4\r\nMARK\r\n0\r\n\r\n", ['close']],
  'neg CL' => ["${T}Content-Length: -4\r\n\r\nMARK", ['close']],
  'chunk ext' => ["${T}Transfer-Encoding: chunked\r\n\r\n4;MARK=MARK\r\nMARK\r\n0;MARK\r\nX-Mark: MARK\r\n\r\n", ['close']],
  'long line' => ["${T}X-Mark: " . ('MARK' x 5000) . "\r\n\r\nMARK", ['close']],
  'many headers' => [$T . join('', map {"X-Mark$_: MARK\r\n"} 1..20000) . "\r\nMARK", ['close']],
  'long status' => ["HTTP/1.1 200 " . ('MARK' x 5000) . "\r\n\r\nMARK", ['close']],
  '204 with body' => ["HTTP/1.1 204 MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  '304 with body' => ["HTTP/1.1 304 MARK\r\nETag: \"MARK\"\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  'byteranges' => ["HTTP/1.1 206 MARK\r\nContent-Range: bytes 0-3/4\r\nContent-Type: multipart/byteranges; boundary=MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  '0.9' => ["MARK MARK", ['close']],
  'empty' => [['close']],
  '103 then close' => ["HTTP/1.1 103 MARK\r\nLink: MARK\r\n\r\n", ['close']],
  '100 flood' => ["HTTP/1.1 100 MARK\r\nX: MARK\r\n\r\n" x 3000, "${T}\r\nMARK", ['close']],
  '401' => ["HTTP/1.1 401 MARK\r\nWWW-Authenticate: MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  'nul' => ["${T}X-Mark: \0MARK\r\nContent-Length: 4\r\n\r\nMARK", ['close']],
  'xsendfile' => ["${T}X-Sendfile: /etc/passwd\r\nX-Mark: MARK\r\nContent-Length: 0\r\n\r\n"],
  'refresh' => ["${T}Refresh: 0;MARK\r\nContent-Language: MARK\r\nContent-Type: MARK/MARK\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nETag: \"MARK\"\r\nAccept-Ranges: MARK\r\nVary: MARK\r\nContent-Length: 4\r\n\r\nMARK"],
);
my @rows = sort keys %p;
for my $path ('/jwt', '/override', '/documented', '/documents', '/h2', '/changed', '/cached') {
  for my $n (@rows) {
    for my $m ('POST', 'GET') {
    my %h = (@to, $m eq 'GET' ? (Range => 'bytes=0-1', 'If-None-Match' => '"MARK-not-really"', 'If-Modified-Since' => 'Mon, 01 Jan 2025 00:00:00 GMT') : ());
    $h{'If-None-Match'} = '*' if $m eq 'GET';
    show("$path $m $n", ask($m => $path, $answerer->says(@{$p{$n}}), %h));
    }
  }
}
# keepalive: two requests on one connection
for my $path ('/jwt', '/h2', '/documents', '/override', '/detached') {
 for my $n (@rows) {
  my $bad = $answerer->says(@{$p{$n}});
  my $raw = WHK::Answerer::exchange($port, request(POST => $path, $bad, @to, Connection => undef) . request(GET => '/open/error.html', '-'), 20);
  my @a = $raw =~ m{^HTTP/1\.1 (\d+)}mg;
  diag "KEEP $path $n: @a" . ($raw =~ /the operator tells of an error\z/ ? '' : " !!! $raw") . ($raw =~ /MARK/ ? '*** LEAK' : '');
 }
}
# answers before the body was read; a large upload
for my $path ('/jwt', '/h2') {
  my $raw = ask(POST => $path, $answerer->says("${T}Content-Length: 4\r\n\r\nMARK", ['close']), @to, -body => 'x' x 3_000_000);
  show("large upload $path", $raw);
}
my $r = WHK::Answerer::exchange($port, "POST /jwt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nX-Answer: " . $answerer->answers('200 OK', [], jwt({evaluationId => 'a, b'})) . "\r\nX-Evaluation-Id: a\r\nX-Evaluation-Id: b\r\nConnection: close\r\n\r\nx", 10);
show('id twice, merged', $r);
$r = WHK::Answerer::exchange($port, "POST /jwt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nX-Answer: " . $answerer->answers('200 OK', [], jwt({evaluationId => 'a'})) . "\r\nX-Evaluation-Id: a\r\nX-Evaluation-Id: b\r\nConnection: close\r\n\r\nx", 10);
show('id twice, first', $r);
for my $n (['a slow body', "HTTP/1.1 200 MARK\r\nContent-Length: 100\r\n\r\n", map { ('M', [ sleep => 0.4 ]) } 1 .. 20 ], ['slow header', "HTTP/1.1 200 MARK\r\nX-Mark: ", map { ('M', [ sleep => 0.4 ]) } 1 .. 20], ['nothing', [sleep => 6]], ['slow 103', map { ("HTTP/1.1 103 MARK\r\nLink: MARK\r\n\r\n", [ sleep => 0.3 ]) } 1 .. 20]) {
  my ($w2, @steps) = @$n;
  for my $path ('/detached', '/slowh2') {
  my $t = time; my $raw = ask(POST => $path, $answerer->says(@steps, ['close'])); show("$path $w2 " . (time - $t), $raw);
  }
}
pass; done_testing;
