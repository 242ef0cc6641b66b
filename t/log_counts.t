# SPDX-License-Identifier: Apache-2.0
# What was counted in the place of lines comes out when its minute is over, though nobody sends anything more: the clock that
# nobody sets is put ahead (t/lib/stepped_clock.c).
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Origin;
use WHK::Webhooks;

my $clock = WHK::Origin::directory() . '/clock-' . $$;

sub set_clock {
    my $seconds = shift;
    open my $out, '>', "$clock.new" or die $!;
    print $out "0 $seconds\n";
    close $out;
    rename "$clock.new", $clock or die $!;
    return;
}

set_clock(0);
my $w = WHK::Webhooks->new(
    children => 2, before => 'LogLevel warn', location => 'WebhookKeysEnforce Off',
    env => { LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('stepped_clock.c')), WHK_TEST_CLOCK => $clock }
);
my $server = $w->server;
my $client = WHK::Client->new($server->port);
my $keys   = $server->keys('acme');
my $lines  = sub { my $number = shift; return map { "$_\n" } grep { /WHK$number/ } split /\n/, $server->error_log };

$client->request(GET => $keys, { Authorization => 'Bearer x' }) for 1 .. 130;
WHK::Client->new($server->port)->request(POST => '/hooks/acme/x', {}, 'x') for 1 .. 4;
is(scalar $lines->('0393'), 100, 'a hundred refused tokens are lines, since each is needed to ban') or diag $lines->('0393');
is(scalar $lines->('0028'), 1, 'and of what WebhookKeysEnforce Off lets through one');
is(scalar $lines->('0392'), 0, 'no count yet');
set_clock(61);
my $end = time + 15;
sleep 0.1 until $lines->('0392') == 2 || time > $end;
my @counts = sort map { s/.*WHK0392: //r } $lines->('0392');
is(scalar @counts, 2, 'a minute later the counts, with no request') or diag @counts;
like($counts[0] // '', qr/^invalid_token: 30 more requests to the API refused in the last [67]\d s, .* client 127\.0\.0\.1 /, '... of tokens');
like($counts[1] // '', qr/^signature_missing: 3 more let through by WebhookKeysEnforce Off \(\S+:\d+\) in the last [67]\d s, of at least 1 enterprises/, '... of webhooks');
$server->stop;
is(scalar $lines->('0392'), 2, 'each once');
unlink $clock;
done_testing;
