# SPDX-License-Identifier: Apache-2.0
# A body takes a minute at most, and a second more for each 500 bytes, whatever mod_reqtimeout is there to say: over HTTP/2 it
# says nothing. By a clock that runs thirty times as fast.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Origin;
use WHK::Webhooks;

my $w = WHK::Webhooks->new(children => 1, enterprise => 'acme', env => { LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('fast_clock.c')) });
$w->key('EdDSA');
my $api = $w->server->keys('acme');

# The status line that comes while pieces of a body are sent, and after how many seconds.
sub answer_to {
    my ($target, $length, $piece, $pause, %headers) = @_;
    my $client = WHK::Client->new($w->server->port);
    $client->send("POST $target HTTP/1.1\r\nHost: localhost\r\nContent-Length: $length\r\n" . join('', map { "$_: $headers{$_}\r\n" } sort keys %headers) . "\r\n");
    my $began  = time;
    my $socket = $client->{socket};
    my $sent   = 0;
    while (time - $began < 20) {
        my $ready = '';
        vec($ready, fileno $socket, 1) = 1;
        last if select $ready, undef, undef, $pause;
        next if $sent >= $length;
        local $SIG{PIPE} = 'IGNORE';
        $sent += length $piece if defined syswrite $socket, substr $piece, 0, $length - $sent;
    }
    my $line = '';
    sysread $socket, $line, 100;
    return ($line =~ m{^HTTP/1\.1 (\d+)} ? $1 : "none: $line", time - $began);
}

for (
    [ 'a webhook', '/hooks/acme/x', 'Webhook-Signature' => 'a..b' ],
    [ 'the API', $api, $w->admins->write, 'Content-Type' => 'application/json' ]
) {
    my ($what, $target, %headers) = @$_;
    my ($status, $took) = answer_to($target, 1000, 'x', 0.2, %headers);
    is($status, 400, "$what, a byte every six seconds");
    cmp_ok($took, '>', 1.5, '... after a minute, not before');
    cmp_ok($took, '<', 8, '... and no later');
}
my ($status, $took) = answer_to('/hooks/acme/x', 120_000, 'x' x 4000, 0.1, 'Webhook-Signature' => 'a..b');
is($status, 401, 'a body that takes longer, since there is so much of it, is read to its end');
cmp_ok($took, '>', 2.5, '... over more than a minute');
is($w->server->stop, 0, 'httpd stops');
done_testing;
