# SPDX-License-Identifier: Apache-2.0
# An older database is restored under a running httpd: that is noticed and told, and what is there then holds.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Webhooks;

my $w      = WHK::Webhooks->new(children => 3);
my $server = $w->server;
my $body   = '{"a":1}';
my $copy   = $server->dir . '/backup.db';

sub statuses {
    my $key    = shift;
    my $signed = $w->sign($key, $body);
    my %found;
    $found{ $w->send($signed, client => WHK::Client->new($server->port))->status }++ for 1 .. 30;
    return join ' ', sort keys %found;
}

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    until ($test->()) {
        return 0 if time > $end;
        sleep 0.1;
    }
    return 1;
}

sub told { my $times = () = $server->error_log =~ /the registry went back/g; return $times }

my ($old, $late, $fresh) = (map { $w->key('EdDSA') } 1, 2), undef;
is(statuses($_), 200, "$_->{kid} verifies") for $old, $late;
$server->backup($copy);
$fresh = $w->key('ES256');
is(statuses($fresh), 200, 'a key that is registered after the backup');
$w->revoke($old);
is(statuses($old), 401, 'one that is revoked after it');
is(told(), 0, 'nothing is told so far');

ok(eval { $server->restore($copy); 1 }, 'restored') or diag $@;
my $status;
ok(within(10, sub { told() }), 'httpd notices');
like($server->error_log, qr/\[webhook_keys:error\].*the registry went back.*revoke anew.*audit verify/, '... and says what to do');
ok(within(5, sub { statuses($old) eq '200' && statuses($fresh) eq '401' }), 'what is there now holds, in all processes');
refused($w->post($fresh, $body), 401, 'unknown_key', 'the key that came after the backup is none');

# From here on it works as ever: also for the revision and the numbers that were seen before.
$w->revoke($old);
is(statuses($old), 401, 'revoked anew: at once, in all processes');
($status) = $server->ctl('key', 'revoke', 'acme', $late->{kid});
is($status, 0, 'whkctl revokes');
ok(within(3, sub { statuses($late) eq '401' }), '... which is seen within the lag');
my $next = $w->key('EdDSA');
is(statuses($next), 200, 'a new key');
is(told(), 1, 'told once, for all processes');
($status) = $server->ctl('audit', 'verify');
is($status, 0, 'the trail is whole');

done_testing;
