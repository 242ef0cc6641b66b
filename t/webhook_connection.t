# SPDX-License-Identifier: Apache-2.0
# What was verified is what the backend gets: no field of a message is lost or doubled on the way, whatever Connection says,
# and nothing unsigned follows it (Upgrade, trailers).
use strict;
use warnings;
use Test::More;
use File::Temp;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use WHK::Backend;
use WHK::Client;
use WHK::Server;
use WHK::Webhooks;

# A backend that says yes to every Upgrade and keeps what comes, byte for byte.
my $tunnel = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1) or die "no socket: $!";
my $heard  = File::Temp->new(TMPDIR => 1);

sub serve_tunnel {
    my $connection = shift;
    my $head = '';
    while ($head !~ /\r\n\r\n/) { sysread($connection, $head, 65_536, length $head) or last }
    syswrite $connection, $head =~ /^Upgrade:/mi
      ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
      : "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nheard";
    my $select = IO::Select->new($connection);
    while ($select->can_read(2)) { sysread($connection, $head, 65_536, length $head) or last }
    open my $out, '>>:raw', $heard->filename or return;
    print $out $head, "\n-- end --\n";
    close $out;
    return;
}

my $server_pid = fork // die "fork: $!";
if (!$server_pid) {
    local $SIG{ALRM} = sub { POSIX::_exit(0) };
    alarm 120;
    $SIG{CHLD} = 'IGNORE';
    while (my $connection = $tunnel->accept) {
        my $pid = fork // next;
        if (!$pid) { serve_tunnel($connection); POSIX::_exit(0) }
        close $connection;
    }
    POSIX::_exit(0);
}
END { kill KILL => $server_pid if $server_pid }
my $tunnel_port = $tunnel->sockport;

my $settings = <<'SETTINGS';
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise acme
    WebhookKeysSignature  http-signature
    Require valid-webhook
SETTINGS
my $w = WHK::Webhooks->new(
    scheme  => 'http-signature',
    modules => ['proxy_wstunnel', 'http2'],
    before  => <<"BEFORE",
Protocols h2c http/1.1
MergeTrailers On
<Location "/tunnel">
$settings
    ProxyPass "http://127.0.0.1:$tunnel_port" upgrade=websocket
</Location>
<Location "/any-tunnel">
$settings
    ProxyPass "http://127.0.0.1:$tunnel_port" upgrade=ANY
</Location>
<Location "/ws-tunnel">
$settings
    ProxyPass "ws://127.0.0.1:$tunnel_port"
</Location>
BEFORE
);
my ($server, $backend) = ($w->server, $w->backend);
my $key  = $w->key('ES256', kid => 'the-key');
my $body = '{"pay":100}';
my @covered = ('@method', '@authority', '@path', '@query', 'content-digest', 'x-event-type', 'content-type');
my %fields  = ('x-event-type' => 'paid', 'content-type' => 'application/json');

sub signed { my %how = @_; return $w->sign($key, $body, components => \@covered, fields => {%fields}, %how) }
sub head_of {
    my ($signed, @lines) = @_;
    my %headers = (%{ $signed->{headers} }, 'X-Event-Type' => 'paid', 'Content-Type' => 'application/json');
    return join '', map { "$_\r\n" } "POST $signed->{target} HTTP/1.1", 'Host: localhost', (map { "$_: $headers{$_}" } sort keys %headers), @lines;
}

# Whether what arrived, if something did, is whole.
sub whole {
    my ($signed, $name, %o) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($got, @more) = $backend->requests;
    return ok(!$o{must}, "$name: refused") if !$got;
    my @flaws = @more ? 'it arrived ' . (1 + @more) . ' times' : ();
    my %expected = (
        'X-Event-Type' => 'paid', 'Content-Type' => 'application/json', 'Webhook-Key-Id' => 'the-key', 'Webhook-Enterprise' => 'acme', 'Webhook-Alg' => 'ES256',
        map { $_ => $signed->{headers}{$_} } qw(Content-Digest Signature Signature-Input)
    );
    for my $header (sort keys %expected) {
        my $value = WHK::Backend::header($got, $header) // 'not there';
        push @flaws, "$header is $value" if $value ne $expected{$header};
    }
    push @flaws, "its body is $got->{body}" if $got->{body} ne $body;
    my $identity = WHK::Backend::identity($got);
    push @flaws, map { "$_ is there " . @{ $identity->{$_} } . ' times' } grep { @{ $identity->{$_} } != 1 } keys %$identity;
    push @flaws, map { "$_->[0]: $_->[1]" } grep { $_->[0] =~ /^(?:upgrade|http2-settings|te)$/i } @{ $got->{headers} };
    push @flaws, map { "$_->[0]: $_->[1]" } grep { $_->[0] =~ /^x.event.type$/i && lc $_->[0] ne 'x-event-type' } @{ $got->{headers} };
    return ok(!@flaws, "$name: arrives whole") || diag join "\n", @flaws;
}

my $length = 'Content-Length: ' . length $body;
subtest 'Connection' => sub {
    my @cases = (
        ['Connection: X-Event-Type'],
        ['Connection: close, X-Event-Type, Content-Digest, X-Webhook-Enterprise, Webhook-Key-Id, Webhook-Enterprise, Webhook-Alg, Webhook-Signed-At'],
        ['Connection: Signature, Signature-Input, Content-Digest'],
        ['Connection: Webhook-Key-Id'], ['Connection: Webhook_Key_Id', 'Webhook_Key_Id: forged'],
        ['Connection: keep-alive', 'Connection: X-Event-Type'],
        ['Connection: X-Event-Type', 'Connection: close'],
        ['connection: x-event-type'], ['CONNECTION: X-EVENT-TYPE'], ["Connection:\tX-Event-Type\t"], ['Connection:X-Event-Type'],
        ['Connection: ,,X-Event-Type,,'], ["Connection: close ,\t x-event-type"], ['Connection: close x-event-type'], ['Connection: "X-Event-Type"'],
        ['Connection: close;x-event-type'], ['Connection: close, Connection, X-Event-Type'],
        ['Connection: Keep-Alive, X-Event-Type', 'Keep-Alive: timeout=5'], ['Connection: TE, X-Event-Type', 'TE: trailers'], ['Connection: te', 'TE: trailers, X-Event-Type'],
        ['Connection: Upgrade, X-Event-Type', 'Upgrade: websocket'], ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
        ['Proxy-Connection: X-Event-Type, Webhook-Key-Id'], ['Connection: Proxy-Connection', 'Proxy-Connection: keep-alive, X-Event-Type'],
        ['Connection: Trailer, X-Event-Type', 'Trailer: X-Event-Type'], ['Keep-Alive: X-Event-Type'],
        ['Connection: Content-Length'], ['Connection: Content-Type'], ['Connection: Host'], ['Connection: Transfer-Encoding'], ['Connection: Expect'],
        ['Connection: ' . join ', ', ('close') x 500, 'X-Event-Type'], ['Connection: X_Event_Type, X-Event-Type'], ['Connection: *'], ['Connection: X-Event-Type:'],
        ['X-Connection: X-Event-Type', 'Connection: X-Connection'], ['Connection_: X-Event-Type'],
    );
    for my $case (@cases) {
        my $name = length "@$case" > 100 ? substr("@$case", 0, 100) . '...' : "@$case";
        $name =~ s/\t/\\t/g;
        $backend->clear;
        my $signed = signed();
        my $r = WHK::Client->new($server->port)->raw(head_of($signed, @$case, $length) . "\r\n$body");
        whole($signed, $name, must => 1) or diag $r->head, $r->body;
    }
    for my $lines (['Connection: keep-alive, X-Event-Type'], ['Connection: X-Event-Type, Webhook-Key-Id']) {
        $backend->clear;
        my $signed = signed();
        WHK::Client->new($server->port)->raw(head_of($signed, @$lines, $length) =~ s{HTTP/1\.1}{HTTP/1.0}r . "\r\n$body");
        whole($signed, "HTTP/1.0, @$lines", must => 1);
    }
};

subtest 'twins' => sub {
    for my $twin ('X_Event_Type', 'X-Event_Type', 'X.Event.Type', 'x_event_type', 'X!Event#Type', "X-Event'Type") {
        $backend->clear;
        my $signed = signed();
        WHK::Client->new($server->port)->raw(head_of($signed, "$twin: refunded", $length) . "\r\n$body");
        whole($signed, "$twin beside X-Event-Type");
    }
    for my $twin (qw(Webhook-Key-Id Webhook_Key_Id webhook.key.id Webhook-Key_Id WEBHOOK_ENTERPRISE Webhook-Enterprise webhook~alg Webhook_Signed_At Webhook+Signed+At)) {
        $backend->clear;
        my $signed = signed();
        WHK::Client->new($server->port)->raw(head_of($signed, "$twin: forged", "$twin: forged", $length) . "\r\n$body");
        whole($signed, $twin, must => 1);
    }
    $backend->clear;
    my $signed = signed();
    is(WHK::Client->new($server->port)->raw(head_of($signed, 'X-Event-Type: refunded', $length) . "\r\n$body")->status, 401, 'a covered field twice');
    is($backend->count, 0, '... does not arrive');
};

subtest 'trailers' => sub {
    my $chunk = sprintf "%x\r\n%s\r\n0\r\n", length $body, $body;
    for my $trailer ('X-Event-Type: refunded', 'X_Event_Type: refunded', 'Webhook-Key-Id: forged', 'Webhook_Enterprise: forged', 'Connection: X-Event-Type', 'Content-Length: 3',
        'Upgrade: websocket', 'Content-Digest: sha-256=:AAAA:', 'Content-Type: text/plain', 'X-Other: 1')
    {
        $backend->clear;
        my $signed = signed();
        WHK::Client->new($server->port)->raw(head_of($signed, 'Transfer-Encoding: chunked') . "\r\n$chunk$trailer\r\n\r\n");
        whole($signed, $trailer);
    }
};

subtest 'no tunnel is opened' => sub {
    for my $path ('/tunnel/x', '/any-tunnel/x', '/ws-tunnel/x') {
        for my $case ([ 'POST', 'Connection: Upgrade', 'Upgrade: websocket', $length ], [ 'GET', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13' ],
            [ 'POST', 'Connection: upgrade, X-Event-Type', 'Upgrade: h2c, websocket', 'Upgrade: other', $length ], [ 'GET', 'Upgrade: websocket' ])
        {
            my ($method, @lines) = @$case;
            truncate $heard->filename, 0;
            my $sent   = $method eq 'POST' ? $body : '';
            my $signed = $w->sign($key, $sent, components => \@covered, fields => {%fields}, path => $path, method => $method);
            my $client = WHK::Client->new($server->port, timeout => 10);
            $client->send(head_of($signed, @lines) =~ s/^POST/$method/r . "\r\n$sent");
            my $r = eval { $client->receive } // WHK::Response->new('');
            isnt($r->status, 101, "$path, $method, $lines[0]: " . $r->status);
            $client->send("GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\nSMUGGLED-BYTES\r\n\r\n") if $client->{socket};
            select undef, undef, undef, 0.2;
            $client->close;
            my $bytes;
            for (1 .. 30) {
                open my $in, '<:raw', $heard->filename or die $!;
                $bytes = do { local $/; <$in> } // '';
                last if $bytes =~ /-- end --/ || $r->status != 200;
                select undef, undef, undef, 0.1;
            }
            unlike($bytes, qr/SMUGGLED|smuggled/, '... nothing follows what was signed');
            unlike($bytes, qr/^Upgrade:/mi, '... and nobody is asked for it');
        }
    }
};

# Frames of HTTP/2 (RFC 9113) with literal fields (RFC 7541, section 6.2.2), since curl sends no Connection there.
subtest 'Connection by HTTP/2' => sub {
    my $frame = sub { my ($type, $flags, $stream, $data) = @_; return substr(pack('N', length $data), 1) . pack('CCN', $type, $flags, $stream) . $data };
    my $text  = sub { my $bytes = shift; my $n = length $bytes; return $n < 127 ? chr($n) . $bytes : chr(127) . do { my $m = $n - 127; my $o = ''; while ($m >= 128) { $o .= chr($m % 128 + 128); $m >>= 7 } $o . chr $m } . $bytes };
    for my $extra ([ connection => 'x-event-type' ], [ connection => 'close, webhook-key-id' ], [ 'proxy-connection' => 'x-event-type' ], [ 'keep-alive' => 'x' ], [ te => 'trailers' ], [ upgrade => 'websocket' ],
        [ webhook_key_id => 'forged' ], [ x_event_type => 'refunded' ], [ 'x-other' => '1' ])
    {
        $backend->clear;
        my $signed = signed();
        my %headers = (%{ $signed->{headers} }, 'X-Event-Type' => 'paid', 'Content-Type' => 'application/json', 'Content-Length' => length $body);
        my @fields  = ([ ':method' => 'POST' ], [ ':scheme' => 'http' ], [ ':authority' => 'localhost' ], [ ':path' => $signed->{target} ], (map { [ lc $_ => $headers{$_} ] } sort keys %headers), $extra);
        my $block   = join '', map { "\0" . $text->($_->[0]) . $text->($_->[1]) } @fields;
        my $socket  = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->port) or die $!;
        syswrite $socket, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . $frame->(4, 0, 0, '') . $frame->(1, 4, 1, $block) . $frame->(0, 1, 1, $body);
        my ($select, $said) = (IO::Select->new($socket), '');
        while ($select->can_read(1)) { sysread($socket, $said, 65_536, length $said) or last; last if $backend->count }
        close $socket;
        whole($signed, "$extra->[0]: $extra->[1]", must => $extra->[0] eq 'x-other');
    }
};

unlike($server->error_log, qr/exit signal|Segmentation|Assertion/, 'no child ended badly');
done_testing;
