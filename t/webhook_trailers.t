# SPDX-License-Identifier: Apache-2.0
# With MergeTrailers, httpd adds to the header what comes behind a body. FastCGI is told the header once the body was read, so who
# signed must stay ours by then, also of a body that nobody had to read.
use strict;
use warnings;
use Test::More;
use File::Temp;
use IO::Socket::INET;
use POSIX ();
use WHK::Client;
use WHK::Webhooks;

# A responder that keeps its parameters.
my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', LocalPort => 0, ReuseAddr => 1) or die "no socket: $!";
my $told     = File::Temp->new(TMPDIR => 1);

sub record { my ($type, $content) = @_; return pack('CCnnCx', 1, $type, 1, length $content, 0) . $content }

sub parameters {
    my $bytes = shift;
    my %parameters;
    while (length $bytes) {
        my @lengths = map { my ($n) = unpack 'C', $bytes; $n & 128 ? unpack('N', substr $bytes, 0, 4, '') & 0x7fffffff : unpack 'C', substr $bytes, 0, 1, '' } 1, 2;
        my ($name, $value) = map { substr $bytes, 0, $_, '' } @lengths;
        $parameters{$name} = $value;
    }
    return \%parameters;
}

sub respond {
    my $connection = shift;
    my ($parameters, $body) = ('', '');
    while (8 == read $connection, my $head, 8) {
        my (undef, $type, undef, $length, $padding) = unpack 'CCnnC', $head;
        read $connection, my $content, $length + $padding if $length + $padding;
        $content = $length ? substr $content, 0, $length : '';
        $parameters .= $content if $type == 4;
        $body       .= $content if $type == 5;
        last if $type == 5 && !$length;
    }
    my $got = parameters($parameters);
    open my $out, '>', $told->filename or return;
    print $out join ' ', "body=$body", map { "$_=$got->{$_}" } grep { /WEBHOOK_(?:VERDICT|KEY_ID|ENTERPRISE)|HTTP_X_TRAILER|REMOTE_USER/ } sort keys %$got;
    close $out;
    print $connection record(6, "Content-Type: text/plain\r\n\r\nheard"), record(6, ''), record(3, "\0" x 8);
    return;
}

my $pid = fork // die "fork: $!";
if (!$pid) {
    local $SIG{ALRM} = sub { POSIX::_exit(0) };
    alarm 120;
    while (my $connection = $listener->accept) { $connection->autoflush; respond($connection); close $connection }
    POSIX::_exit(0);
}
END { kill KILL => $pid if $pid }

my $base = "AuthType WebhookSignature\nAuthName webhooks\nWebhookKeysEnterprise acme\nWebhookKeysSignature jws-detached Webhook-Signature";
my $any  = "<RequireAny>\nRequire valid-webhook\nRequire expr \"%{HTTP:X-Pass} == 'yes'\"\n</RequireAny>";
my $to   = 'ProxyPass "fcgi://127.0.0.1:' . $listener->sockport . '/"';
my $w = WHK::Webhooks->new(
    modules => ['proxy_fcgi'],
    before  => 'MergeTrailers On',
    hooks   => join '', map { "<Location \"/$_->[0]\">\n$_->[1]\n$to\n</Location>\n" }
    [ off => "$base\nRequire valid-webhook\nWebhookKeysEnforce Off" ], [ on => "$base\nRequire valid-webhook" ], [ any => "$base\n$any" ], [ others => 'Require all granted' ],
);
my $key = $w->key('ES256', kid => 'the-key');

sub heard {
    my ($path, %headers) = @_;
    truncate $told->filename, 0;
    my $head = join '', map { "$_: $headers{$_}\r\n" } sort keys %headers;
    my $r = WHK::Client->new($w->server->port)->raw("POST $path HTTP/1.1\r\nHost: localhost\r\n${head}Transfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n"
          . "Webhook-Verdict: ok\r\nWebhook-Key-Id: forged\r\nWebhook_Key_Id: forged\r\nWebhook-Enterprise: forged\r\nX-Trailer: x\r\n\r\n");
    is($r->status, 200, "$path: goes on");
    open my $in, '<', $told->filename or die $!;
    return <$in> // '';
}

my $signed = $w->sign($key, 'bytes', path => '/on/x');
is(heard('/off/x'), 'body=bytes HTTP_WEBHOOK_VERDICT=signature_missing WEBHOOK_VERDICT=signature_missing', 'Off, unsigned');
is(heard('/off/x', 'Webhook-Signature' => 'a.b'), 'body=bytes HTTP_WEBHOOK_VERDICT=malformed_jws WEBHOOK_VERDICT=malformed_jws', 'Off, signed with nonsense');
is(heard('/any/x', 'X-Pass' => 'yes'), 'body=bytes HTTP_WEBHOOK_VERDICT=not_verified WEBHOOK_VERDICT=not_verified', 'let through by another line');
is(heard('/on/x', %{ $signed->{headers} }),
    'body=bytes HTTP_WEBHOOK_ENTERPRISE=acme HTTP_WEBHOOK_KEY_ID=the-key HTTP_WEBHOOK_VERDICT=ok REMOTE_USER=the-key WEBHOOK_ENTERPRISE=acme WEBHOOK_KEY_ID=the-key WEBHOOK_VERDICT=ok',
    'On, signed');
like(heard('/others/x'), qr/HTTP_X_TRAILER=x/, 'a location of others has its trailers');

done_testing;
