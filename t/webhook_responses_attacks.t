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
use WHK::Keys;
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
        location('/cached', $detached, $to),
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

subtest 'statuses and methods' => sub {
    for my $status (200, 201, 204, 206, 301, 302, 304, 307, 400, 401, 404, 407, 413, 429, 500, 502, 503, 504, 599) {
        my $empty = $status == 204 || $status == 304;
        my $raw   = ask(POST => '/jwt', $answerer->answers("$status MARK", \@marked, $empty ? '' : 'MARK'), 'X-Evaluation-Id' => 'e');
        stopped($raw, $empty ? 'signature_missing' : 'malformed_jws', $status);
        unlike($raw, qr/^Retry-After/mi, '... nor when to come again');
    }
    stopped(ask(HEAD => '/jwt', $answerer->answers('200 MARK', \@marked, 'MARK'), 'X-Evaluation-Id' => 'e'), undef, 'HEAD');
    stopped(ask(OPTIONS => '/jwt', $answerer->answers('200 MARK', [ @marked, [ Allow => 'MARK' ] ]), 'X-Evaluation-Id' => 'e'), 'signature_missing', 'OPTIONS');
    stopped(ask(HEAD => '/detached', $answerer->answers('200 MARK', [ @marked, signature_of('') ])), undef, 'HEAD, signed');
    my $good = jwt({ evaluationId => 'e' });
    for my $status (200, 301, 404, 500, 503) {
        my $raw = ask(POST => '/jwt', $answerer->answers("$status Signed", [], jwt({ evaluationId => 'e' })), 'X-Evaluation-Id' => 'e');
        like($raw, qr{^HTTP/1\.1 $status Signed\r\n.*^Webhook-Key-Id: answers-1\r\n}ms, "$status passes where it is signed");
    }
    for my $line ('HTTP/1.1 099 MARK', 'HTTP/1.1 000 MARK', 'HTTP/1.1 999 MARK', 'HTTP/1.1 2000 MARK', 'HTTP/2.0 200 MARK', 'MARK 200 OK', "HTTP/1.1 200 MARK\rX: y", '') {
        my $raw = ask(POST => '/jwt', $answerer->says("$line\r\nX-Mark: MARK\r\nContent-Length: " . length($good) . "\r\n\r\n$good", ['close']), 'X-Evaluation-Id' => 'MAR-other');
        like($raw, qr{^HTTP/1\.1 502 (?:Proxy Error|Bad Gateway)\r}, "the status line $line");
        unlike($raw, qr/MARK/, '... is not passed on');
    }
};

subtest 'interim answers, upgrades and trailers' => sub {
    my $good = sub { return WHK::Answerer::text('200 OK', [], jwt({ evaluationId => 'e' })) };
    for my $interim (100, 102, 103, 199) {
        my $says = "HTTP/1.1 $interim MARK\r\nLink: </MARK>\r\n\r\n";
        stopped(ask(POST => '/jwt', $answerer->says($says, WHK::Answerer::text('200 OK', [], 'MARK')), 'X-Evaluation-Id' => 'e'), 'malformed_jws', "$interim before a bad one");
        my $raw = ask(POST => '/jwt', $answerer->says($says, $good->()), 'X-Evaluation-Id' => 'e');
        like($raw, qr{^HTTP/1\.1 200 OK}, "$interim before a good one");
        unlike($raw, qr/MARK/, '... does not leave');
    }
    stopped(ask(POST => '/jwt', $answerer->answers('200 OK', [], 'MARK'), 'X-Evaluation-Id' => 'e', Expect => '100-continue') =~ s{\AHTTP/1\.1 100 Continue\r\n\r\n}{}r, 'malformed_jws', 'a client that waits for 100');
    my @upgrade = (Connection => 'Upgrade, close', Upgrade => 'websocket', 'X-Evaluation-Id' => 'e');
    my $raw = ask(GET => '/jwt', $answerer->says("HTTP/1.1 101 MARK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nMARK", [ sleep => 1 ], ['close']), @upgrade);
    like($raw, qr{^HTTP/1\.1 502}, 'an upgrade');
    unlike($raw, qr/MARK/, '... opens no tunnel');
    my $body    = jwt({ evaluationId => 'e' });
    my $chunked = sprintf "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Mark\r\n\r\n%x\r\n%s\r\n0\r\nX-Mark: MARK\r\n\r\n", length $body, $body;
    $raw = ask(POST => '/jwt', $answerer->says($chunked), 'X-Evaluation-Id' => 'e', TE => 'trailers');
    like($raw, qr/\Q$body\E/, 'a chunked answer');
    unlike($raw, qr/MARK/, '... goes without its trailer');
};

subtest 'more, less or other bytes' => sub {
    my $body = jwt({ evaluationId => 'e' });
    my @to   = ('X-Evaluation-Id' => 'e');
    my $raw  = ask(POST => '/jwt', $answerer->says(WHK::Answerer::text('200 OK', [ [ 'Content-Length' => length $body ] ], $body . 'MARK'), ['close']), @to);
    like($raw, qr/\Q$body\E\z/, 'bytes behind the announced end');
    unlike($raw, qr/MARK/, '... stay there');
    my $second = WHK::Answerer::text('200 MARK', [ [ 'X-Mark' => 'MARK' ] ], 'MARK');
    $raw = ask(POST => '/jwt', $answerer->says(WHK::Answerer::text('200 OK', [], jwt({ evaluationId => 'e' })) . $second), @to);
    unlike($raw, qr/MARK/, 'and so does a second answer');
    $raw = ask(POST => '/jwt', $answerer->answers('200 OK', [], jwt({ evaluationId => 'e' })), @to);
    like($raw, qr{^HTTP/1\.1 200 OK.*Webhook-Key-Id}s, 'which is nobody else\'s');
    unlike($raw, qr/MARK/, '... on the connection that it came by');
    $body = jwt({ evaluationId => 'e', mark => 'MARK' x 100 });
    stopped(ask(POST => '/jwt', $answerer->says(WHK::Answerer::text('200 OK', [ [ 'Content-Length' => 5 + length $body ] ], $body), ['close']), @to), 'answer_incomplete', 'cut off behind what is good');
    stopped(ask(POST => '/jwt', $answerer->says(WHK::Answerer::text('200 OK', [ [ 'Content-Length' => length $body ], @marked ], substr $body, 0, 50), ['close']), @to), 'answer_incomplete', 'cut off');
    stopped(ask(POST => '/jwt', $answerer->says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\nMARK", ['close']), @to), 'answer_incomplete', 'cut off in a chunk');
    stopped(ask(POST => '/jwt', $answerer->says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nMARK\r\n"), @to), 'answer_incomplete', 'no chunk');
    stopped(ask(POST => '/jwt', $answerer->says("MARK, as HTTP/0.9 would have it", ['close']), @to), undef, 'no header at all');
    gzip(\$body => \my $zipped);
    stopped(ask(POST => '/jwt', $answerer->answers('200 OK', [ [ 'Content-Encoding' => 'gzip' ] ], $zipped), @to, 'Accept-Encoding' => 'gzip'), 'malformed_jws', 'gzip');
    stopped(ask(POST => '/jwt', $answerer->answers('200 OK', [ [ 'Content-Encoding' => 'gzip' ] ], $body), @to), 'malformed_jws', 'a coding that is none');
    my ($last) = reverse $answerer->requests;
    ok(!grep({ lc $_->[0] eq 'accept-encoding' } @{ $last->{headers} }), '... for which nobody asked');
    my $replayed = $answerer->answers('200 OK', [], jwt({ evaluationId => 'e' }));
    like(ask(POST => '/jwt', $replayed, @to), qr{^HTTP/1\.1 200}, 'once');
    stopped(ask(POST => '/jwt', $replayed, @to), 'replayed', 'twice');
};

subtest 'bounds' => sub {
    my ($child) = $server->children;
    my $peak = sub { open my $in, '<', "/proc/$child/status" or return 0; local $/; return <$in> =~ /^VmHWM:\s+(\d+)/m ? $1 : 0 };
    my $before = $peak->();
    my $large  = $answerer->says("HTTP/1.1 200 MARK\r\n\r\n", [ repeat => 'MARK' x 16_384, 16_384 ], ['close']);
    my $begun  = time;
    stopped(ask(POST => '/detached', $large), 'body_too_large', 'a gigabyte');
    cmp_ok(time - $begun, '<', 5, '... is not waited for');
    sleep 0.1 for grep { !defined $answerer->sent($large) } 1 .. 50;
    cmp_ok($answerer->sent($large) // 1e9, '<', 8 * 1024 * 1024, '... nor read');
    cmp_ok($peak->() - $before, '<', 16 * 1024, '... nor held');
    my $announced = $answerer->says("HTTP/1.1 200 MARK\r\nContent-Length: 1073741824\r\n\r\n", [ repeat => 'MARK' x 16_384, 16_384 ], ['close']);
    stopped(ask(POST => '/detached', $announced), 'body_too_large', 'announced');
    my $most = 'x' x 65_536;
    like(ask(POST => '/detached', $answerer->answers('200 OK', [ signature_of($most) ], $most)), qr/\r\n\r\n$most\z/, 'as long as it may be');
    stopped(ask(POST => '/detached', $answerer->answers('200 OK', [ signature_of("${most}y") ], "${most}y")), 'body_too_large', 'and one byte more');
    for my $row (
        [ 'a slow body', 'HTTP/1.1 200 MARK' . "\r\nContent-Length: 100\r\n\r\n", map { ('M', [ sleep => 0.4 ]) } 1 .. 20 ],
        [ 'a slow header', 'HTTP/1.1 200 MARK' . "\r\nX-Mark: ", map { ('M', [ sleep => 0.4 ]) } 1 .. 20 ],
        [ 'nothing', [ sleep => 6 ] ],
    ) {
        my ($what, @steps) = @$row;
        $begun = time;
        stopped(ask(POST => '/detached', $answerer->says(@steps, ['close'])), 'answer_timeout', $what, 504);
        my $took = time - $begun;
        ok($took > 1.2 && $took < 5, '... is bounded') or diag $took;
    }
};

subtest 'the key' => sub {
    my $gone = $w->key('ES256', kid => 'soon-gone');
    my $body = jwt({ evaluationId => 'e', mark => 'MARK' }, key => $gone->{pem}, kid => 'soon-gone');
    my $name = $answerer->says([ run => 'sh', '-c', "touch $files/asked; while [ ! -e $files/revoked ]; do sleep 0.05; done" ], WHK::Answerer::text('200 OK', [], $body));
    my $pid  = open(my $out, '-|') // die "fork: $!";
    if (!$pid) { print ask(POST => '/jwt', $name, 'X-Evaluation-Id' => 'e'); POSIX::_exit(0) }
    sleep 0.05 while !-e "$files/asked";
    $w->revoke($gone);
    write_file('revoked', '');
    stopped(do { local $/; scalar <$out> }, 'key_revoked', 'revoked between the request and the answer');
    close $out;

    # Its time comes while the answer is held, however late that is asked for.
    my $short = $w->key('ES256', kid => 'short', register => 0);
    my $ends  = time + 3;
    my $date  = POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $ends) . sprintf '.%03dZ', 1000 * ($ends - int $ends);
    my $r     = $w->admins->register($w->client, { keyId => 'short', jwks => WHK::Keys::jwks($short->{jwk}), revokesDate => $date });
    is($r->status, 201, 'a key for a moment') or diag $r->body;
    my @by   = (key => $short->{pem}, kid => 'short');
    my $soon = jwt({ evaluationId => 'e' }, @by);
    my $last = jwt({ evaluationId => 'e', mark => 'MARK' }, @by);
    my $half = WHK::Answerer::text('200 OK', [], $last);
    my $till = [ run => 'perl', '-MTime::HiRes=time,sleep', '-e', '$end = shift; sleep 0.05 while time < $end', sprintf '%.3f', $ends + 0.01 ];
    my $good = ask(POST => '/jwt', $answerer->answers('200 OK', [], $soon), 'X-Evaluation-Id' => 'e');
    like($good, time < $ends ? qr{^HTTP/1\.1 200 } : qr{^HTTP/1\.1 \d}, 'its answers pass until then');
    stopped(ask(POST => '/jwt', $answerer->says(substr($half, 0, -9, ''), $till, $half), 'X-Evaluation-Id' => 'e'), 'key_revoked', '... and not one that ends behind it');
};

subtest 'errors' => sub {
    my $bad = $answerer->answers('404 MARK', \@marked, 'MARK');
    stopped(ask(POST => '/override', $bad), 'answer_incomplete', 'ProxyErrorOverride');
    stopped(ask(POST => '/override', $answerer->answers('401 MARK', \@marked, 'MARK')), 'answer_incomplete', '... of a 401');
    stopped(ask(POST => '/documented', $bad), 'answer_incomplete', '... with an ErrorDocument');
    stopped(ask(POST => '/documents', $bad), 'malformed_jws', 'an ErrorDocument');
    my $raw = ask(POST => '/gone', $bad);
    like($raw, qr{^HTTP/1\.1 503 .*\r\n\r\nthe operator tells of an error\z}s, 'httpd\'s own error has its document');
    $raw = ask(POST => '/jwt', $answerer->says("HTTP/1.1 200 MARK\r\nX-Mark MARK\r\nX MARK: y\r\n\r\nMARK", ['close']), 'X-Evaluation-Id' => 'e');
    like($raw, qr{^HTTP/1\.1 502}, 'a broken header');
    unlike($raw, qr/MARK/, '... and nothing of it');
    stopped(ask(POST => '/balanced', $bad), 'malformed_jws', 'a balancer\'s member');
    like(ask(POST => '/balanced', $answerer->answers('200 OK', [], jwt({}))), qr{^HTTP/1\.1 200}, '... that signs');
};

subtest 'filters come behind' => sub {
    my $good = 'good ' x 50;
    my $raw  = ask(POST => '/changed', $answerer->answers('200 OK', [ signature_of($good), [ 'Content-Type' => 'text/plain' ] ], $good));
    like($raw, qr/GOOD GOOD/, 'what is verified may be changed');
    like(ask(POST => '/changed', $answerer->answers('200 OK', [ signature_of($good), [ 'Content-Type' => 'text/plain' ] ], $good), 'Accept-Encoding' => 'gzip'), qr{^HTTP/1\.1 200}, '... or compressed');
    stopped(ask(POST => '/changed', $answerer->answers('200 OK', [ signature_of('GOOD'), [ 'Content-Type' => 'text/plain' ] ], 'good MARK')), 'bad_signature', 'not before');
    my $page = ask(GET => '/pages/page.shtml', $answerer->answers('200 OK', [], 'MARK'), 'X-Evaluation-Id' => 'e');
    like($page, qr/before .* after/s, 'a page that includes an answer');
    unlike($page, qr/MARK/, '... gets none that is not signed');
    like(ask(GET => '/pages/page.shtml', $answerer->answers('200 OK', [], jwt({ evaluationId => 'e' })), 'X-Evaluation-Id' => 'e'), qr/before .*ey.* after/s, '... and one that is');
};

subtest 'CGI, and redirects within httpd' => sub {
    my $run = sub { my ($text) = @_; write_file('cgi/said', $text); return ask(POST => '/cgi', '-', 'X-Cgi' => 'said') };
    my $body = jwt({});
    like($run->("Content-Type: application/jwt\n\n$body"), qr/^Webhook-Key-Id: answers-1.*\Q$body\E\z/ms, 'a CGI program that signs');
    stopped($run->("Content-Type: text/MARK\nStatus: 404 MARK\nX-Mark: MARK\n\nMARK"), 'malformed_jws', 'one that does not');
    stopped($run->("Location: /open/secret.txt\n\n"), 'malformed_jws', 'one that leads to what nobody signed');
    stopped($run->("Status: 404 MARK\nLocation: /open/secret.txt\n\n"), undef, '... as an error');
    stopped($run->("Location: http://127.0.0.1/MARK\n\n"), undef, '... or elsewhere');
    stopped($run->("Status: 304\nX-Mark: MARK\n\n"), 'signature_missing', '... or to what is known');
    stopped($run->("MARK"), undef, 'one that says no header', 500);
    write_file('asis/there.asis', "Status: 200 MARK\nX-Mark: MARK\nLocation: /open/secret.txt\n\nMARK");
    stopped(ask(GET => '/asis/there.asis', '-'), undef, 'mod_asis');
    write_file('open/signed.txt', jwt({}));
    like($run->("Location: /open/signed.txt\n\n"), qr{^HTTP/1\.1 200 .*Webhook-Key-Id}s, 'and what is signed where it leads');
};

subtest 'HTTP/2' => sub {
    my @to  = ('X-Evaluation-Id' => 'e');
    my $raw = ask(POST => '/h2', $answerer->answers('200 OK', [], jwt({ evaluationId => 'e' })), @to);
    like($raw, qr{^HTTP/1\.1 200 .*Webhook-Key-Id}s, 'to the backend');
    stopped(ask(POST => '/h2', $answerer->answers('200 MARK', \@marked, 'MARK'), @to), 'malformed_jws', '... that does not sign');
    stopped(ask(POST => '/h2', $answerer->answers('302 MARK', \@marked, ''), @to), 'signature_missing', '... but redirects');
    stopped(ask(POST => '/h2', $answerer->says("HTTP/1.1 103 MARK\r\nLink: </MARK>\r\n\r\n", WHK::Answerer::text('200 OK', [], 'MARK')), @to), 'malformed_jws', '... with an interim answer');
    stopped(ask(POST => '/h2', $answerer->says(WHK::Answerer::text('200 OK', [ [ 'Content-Length' => 500 ] ], 'MARK'), ['close']), @to), undef, '... that breaks off');
    my $curl = sub {
        my ($path, $name) = @_;
        open my $in, '-|', 'curl', '-s', '-i', '--http2-prior-knowledge', '-H', "X-Answer: $name", '-H', 'X-Evaluation-Id: e', '-d', 'x', "http://127.0.0.1:$port$path" or die "curl: $!";
        local $/;
        return scalar <$in>;
    };
    for my $path ('/jwt', '/h2') {
        my $interim = "HTTP/1.1 103 MARK\r\nLink: </MARK>\r\n\r\n";
        $raw = $curl->($path, $answerer->says($interim, WHK::Answerer::text('200 MARK', \@marked, 'MARK')));
        like($raw, qr{\AHTTP/2 502 \r\n.*"malformed_jws"}s, "from the client, to $path");
        unlike($raw, qr/MARK/, '... nothing of it');
        $raw = $curl->($path, $answerer->says($interim, WHK::Answerer::text('200 OK', [], jwt({ evaluationId => 'e' }))));
        like($raw, qr{\AHTTP/2 200 \r\n.*webhook-key-id: answers-1}s, '... and what is signed');
        unlike($raw, qr/MARK/, '... alone');
    }
};

subtest 'mod_cache' => sub {
    my $keeps = [ 'Cache-Control' => 'public, max-age=600' ];
    for my $host ('localhost', 'later') {
        my $ask    = sub { my ($path, $name) = @_; return ask(GET => "$path/$host", $name, Host => $host) };
        my $signed = sub { my ($text) = @_; return $answerer->answers('200 OK', [ signature_of($text), $keeps ], $text) };
        like($ask->('/cached', $signed->('first')), qr/\r\n\r\nfirst\z/, "$host, an answer that may be kept");
        like($ask->('/cached', $signed->('second')), qr/\r\n\r\nsecond\z/, '... is not');
        stopped($ask->('/cached', $answerer->answers('200 MARK', [ @marked, $keeps ], 'MARK')), 'signature_missing', '... nor what comes instead');
        like($ask->('/cached', $signed->('third')), qr/\r\n\r\nthird\z/, '... of which nothing is kept');
        $ask->('/kept', $answerer->answers('200 MARK', [ $keeps, [ Mark => 'MARK' ] ], 'MARK kept'));
        like($ask->('/kept', $answerer->answers('200 OK', [ $keeps ], 'other')), qr/MARK kept\z/, 'where nothing is signed, mod_cache keeps');
    }
    my $text = do { open my $in, '<', $server->conf or die; local $/; <$in> };
    ok($text =~ s/^(<Location "\/kept">\n)/$1    $detached\n/m, 'there too, from now on');
    open my $out, '>', $server->conf or die;
    print {$out} $text;
    close $out;
    $server->restart;
    for my $host ('localhost', 'later') {
        for my $path ("/kept/$host", "/%6bept/$host", "//kept/./$host") {
            my $raw = ask(GET => $path, $answerer->answers('200 MARK', [ $keeps ], 'MARK other'), Host => $host);
            stopped($raw, 'signature_missing', "... what was kept is not taken by $host for $path");
        }
    }
};

done_testing;
