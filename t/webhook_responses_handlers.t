# SPDX-License-Identifier: Apache-2.0
# Handlers that answer by other ways than mod_proxy_http: not one byte of theirs leaves unsigned either, and httpd answers once.
use strict;
use warnings;
use Test::More;
use File::Path qw(make_path);
use File::Temp;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use WHK::Answerer;
use WHK::Server;
use WHK::Webhooks;

my $json  = JSON::PP->new->utf8->canonical;
my $files = File::Temp->newdir('whk-files-XXXXXX', TMPDIR => 1);
make_path("$files/cgi");
chmod 0755, "$files", "$files/cgi";

sub write_file {
    my ($name, $text, $mode) = @_;
    open my $out, '>:raw', "$files/$name" or die "$files/$name: $!";
    print $out $text;
    close $out;
    chmod $mode // 0644, "$files/$name";
    return;
}

# ---- backends that answer whatever the file `said` holds ----

sub said { open my $in, '<:raw', "$files/said" or return ''; local $/; return <$in> // '' }

sub read_all { my ($socket, $length) = @_; my $got = ''; while (length $got < $length) { sysread($socket, $got, $length - length $got, length $got) or last } return $got }

sub record { my ($type, $text) = @_; return pack('C C n n C C', 1, $type, 1, length $text, 0, 0) . $text }

my %speaks = (
    fcgi => sub {
        my ($socket) = @_;
        while (8 == length(my $head = read_all($socket, 8))) {
            my (undef, $type, undef, $length, $padding) = unpack 'C C n n C', $head;
            read_all($socket, $length + $padding);
            next if $type != 5 || $length;
            my $text = said();
            print $socket record(6, substr $text, 0, 30_000, '') while length $text;
            print $socket record(6, ''), record(3, "\0" x 8);
        }
    },
    scgi => sub {
        my ($socket) = @_;
        my ($length, $char) = ('');
        while (sysread($socket, $char, 1) && $char ne ':') { $length .= $char }
        my $head = read_all($socket, $length + 1);
        my ($body) = $head =~ /CONTENT_LENGTH\0(\d+)/;
        read_all($socket, $body // 0);
        print $socket said();
    },
    deaf => sub { my $owner = getppid; alarm 0; for (1 .. 60) { last if getppid != $owner; sleep 1 } },
    raw  => sub { my ($socket) = @_; sysread $socket, my $got, 65_536; print $socket said() },
);
my (%port, @children);
for my $name (sort keys %speaks) {
    my $listen = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "listen: $@";
    $port{$name} = $listen->sockport;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{CHLD} = 'IGNORE';
        $SIG{PIPE} = 'IGNORE';
        alarm 600;
        while (my $socket = $listen->accept) {
            $socket->autoflush(1);
            if (!fork) { alarm 60; $speaks{$name}->($socket); close $socket; POSIX::_exit(0) }
        }
        POSIX::_exit(0);
    }
    push @children, $pid;
}
my $parent = $$;
END { if ($parent && $$ == $parent) { local $?; kill KILL => @children; waitpid $_, 0 for @children } }

my $w = WHK::Webhooks->new(
    children => 1,
    modules  => [qw(alias cgid proxy_fcgi proxy_scgi proxy_wstunnel proxy_connect http2)],
    before   => join('',
        "ScriptSock $files/cgi.sock\nProtocols h2c http/1.1\n",
        qq{<Directory "$files">\n    Require all granted\n    Options +ExecCGI\n</Directory>\n},
        "ScriptAlias /cgi $files/cgi\nAlias /open $files/open.txt\n",
        (map { qq{<Location "$_->[0]">\n    WebhookKeysEnterprise acme\n    WebhookKeysResponse jwt\n    WebhookKeysMaxWebhookBody 65536\n    $_->[1]\n</Location>\n} } [ '/cgi', '' ],
            [ '/fcgi',   qq{ProxyPass "fcgi://127.0.0.1:$port{fcgi}/"} ],
            [ '/scgi',   qq{ProxyPass "scgi://127.0.0.1:$port{scgi}/"} ],
            [ '/tunnel', qq{ProxyPass "ws://127.0.0.1:$port{raw}/" upgrade=NONE} ],
            [ '/deaf',   qq{WebhookKeysResponseTimeout 1500ms\n    ProxyPass "http://127.0.0.1:$port{deaf}/"} ],
            [ '/any',    qq{ProxyPass "http://127.0.0.1:$port{raw}/" upgrade=ANY} ],
        ),
    ),
);
my $server = $w->server;
my $key    = $w->key('ES256', kid => 'answers-1');
write_file('open.txt', "open\n");
write_file('cgi/nph-run', qq{#!/bin/sh\ncat >/dev/null\nexec cat "$files/said"\n}, 0755);
write_file('cgi/run',     qq{#!/bin/sh\ncat >/dev/null\nexec cat "$files/said"\n}, 0755);

sub jwt { return $w->signer->sign(scheme => 'jws', type => 'application/jwt', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, protected => { iat => undef, jti => undef }, body => $json->encode({ iat => int time, jti => join('-', time, rand) }))->{body} }

# Two requests on one connection: what the second one gets tells whether there was more than one answer to the first.
sub ask {
    my ($path, $text, @more) = @_;
    write_file('said', $text);
    my $first = join "\r\n", "POST $path HTTP/1.1", 'Host: localhost', 'Content-Length: 1', @more, '', 'x';
    return WHK::Answerer::exchange($server->port, "${first}GET /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 20);
}

sub stopped {
    my ($raw, $what, $statuses) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @answers = $raw =~ m{^HTTP/1\.1 (\d+)}mg;
    like("@answers", $statuses // qr/\A502(?: 200)?\z/, "$what: one answer to each request") or diag $raw;
    unlike($raw, qr/MARK/, '... and nothing of it');
    my ($length, $body) = $raw =~ /\AHTTP.*?^Content-Length: (\d+)\r\n.*?\r\n\r\n(.*?)(?=HTTP\/1|\z)/ms;
    is(length($body // ''), $length, '... as long as it says') if defined $length;
    return;
}

my $large = "Content-Type: text/plain\n\n" . 'MARK' x 50_000;
for my $path ('/fcgi/x', '/scgi/x', '/cgi/run') {
    my $body = jwt();
    like(ask($path, "Content-Type: application/jwt\n\n$body"), qr{\AHTTP/1\.1 200 .*Webhook-Key-Id: answers-1.*\Q$body\E}s, "$path, signed");
    stopped(ask($path, "Status: 200 MARK\nX-Mark: MARK\n\nMARK"), "$path, unsigned");
    stopped(ask($path, "Status: 404 MARK\nX-Mark: MARK\n\nMARK"), "$path, an error");
    stopped(ask($path, "Status: 302 MARK\nLocation: http://MARK/\n\nMARK"), "$path, a redirect");
    stopped(ask($path, "Status: 304 MARK\nETag: \"MARK\"\n\n"), "$path, not modified");
    stopped(ask($path, $large), "$path, too large");
    stopped(ask($path, 'MARK'), "$path, no header", qr/\A50[02](?: 200)?\z/);
}
my $mark = "HTTP/1.1 200 MARK\r\nX-Mark: MARK\r\nContent-Length: 4\r\n\r\nMARK";
my $nph  = ask('/cgi/nph-run', $mark);
unlike($nph, qr/MARK/, 'a CGI program that speaks HTTP itself: nothing leaves');
like($server->error_log, qr/an answer that nothing could verify was not passed on: .* nph-/, '... and the log says why');
like(ask('/cgi/run', "Content-Type: application/jwt\n\n" . jwt()), qr{\AHTTP/1\.1 200 .*\nopen\n\z}s, '... and others are not held up');
write_file('said', $mark);
open my $curl, '-|', 'curl', '-s', '-i', '-m', 60, '--http2-prior-knowledge', '-d', 'x', 'http://127.0.0.1:' . $server->port . '/cgi/nph-run' or die "curl: $!";
unlike(join('', <$curl>), qr/MARK/, '... nor by HTTP/2');
close $curl;
for my $path ('/tunnel', '/any') {
    stopped(ask($path, $mark), "$path, no upgrade");
    stopped(ask($path, "HTTP/1.1 101 MARK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nMARK", 'Connection: Upgrade', 'Upgrade: websocket'), "$path, an upgrade");
}

my $begun = time;
my $raw   = WHK::Answerer::exchange($server->port, "POST /deaf HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 16000000\r\n\r\n" . 'x' x 16_000_000, 25);
like($raw, qr{\AHTTP/1\.1 504 .*"code":"answer_timeout"}s, 'a backend that does not read what is sent');
cmp_ok(time - $begun, '<', 20, '... is not waited for longer than one that does not answer');

done_testing;
