# SPDX-License-Identifier: Apache-2.0
# How long after a revoke was answered by one node the others still take the key, under a load of webhooks: median and maximum
# for each database, against WebhookKeysRevocationLag (1 s). make -f Makefile.apxs test TESTS=t/bench/revocation_lag.t
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Fleet;
use WHK::Parallel;

my $measuring = 4;
my $revokes   = $ENV{REVOKES} // 1000;
my $loads     = 2;

# One load: webhooks to one node after another until the file is there. How many passed.
sub load {
    my ($fleet, $signed, $stop) = @_;
    my @clients = map { WHK::Client->new($_->server->port) } $fleet->nodes;
    my $count   = 0;
    while (!-e $stop) {
        for my $i (0 .. $#clients) {
            $count += $fleet->node($i + 1)->send($signed, client => $clients[$i])->status == 200 for 1 .. 20;
        }
    }
    return $count;
}

# For each key, how long the last of the other nodes took it.
sub measure {
    my ($fleet, $pairs) = @_;
    my @clients = map { WHK::Client->new($_->server->port) } $fleet->nodes;
    my @took;
    for my $pair (@{$pairs}) {
        my ($key, $signed) = @{$pair};
        my $at = int rand @clients;
        $fleet->node($_ + 1)->send($signed, client => $clients[$_])->status == 200 or return { wrong => "$key->{kid} is not taken" } for 0 .. $#clients;
        my $r = $fleet->admins($key->{enterprise})->revoke($clients[$at], $key->{kid});
        return { wrong => $r->status . ' ' . $r->body } if $r->status != 200;
        my $from = time;
        return { wrong => "$key->{kid} is taken where it was revoked" } if $fleet->node($at + 1)->send($signed, client => $clients[$at])->status != 401;
        for my $i (grep { $_ != $at } 0 .. $#clients) {
            while (time - $from < 10) {
                last if $fleet->node($i + 1)->send($signed, client => $clients[$i])->status == 401;
                sleep 0.002;
            }
        }
        push @took, time - $from;
    }
    return { took => \@took };
}

for my $kind (WHK::Fleet::kinds()) {
    my $fleet = WHK::Fleet->new($kind, 3, before => 'WebhookKeysMaxActive 10000');
    my @work;
    for my $n (1 .. $measuring) {
        my @pairs = map {
            my $key = $fleet->first->key('EdDSA', enterprise => "measured-$n", kid => "key-$n-$_");
            [ $key, $fleet->first->sign($key, '{}', path => "/hooks/measured-$n") ]
        } 1 .. $revokes / $measuring;
        push @work, sub { return measure($fleet, \@pairs) };
    }
    my $busy = $fleet->first->sign($fleet->first->key('EdDSA', enterprise => 'busy'), '{}', path => '/hooks/busy');
    my $stop = $fleet->first->server->dir . '/stop';
    my $from = time;
    my $load = WHK::Parallel::start(map { sub { return load($fleet, $busy, $stop) } } 1 .. $loads);
    my @found = WHK::Parallel::run(@work);
    my $lasted = time - $from;
    open my $out, '>', $stop or die $!;
    close $out;
    my $passed = 0;
    $passed += $_ for $load->results;
    is(join('; ', map { $_->{wrong} // () } @found), '', "$kind: every revoke is seen");
    my @took = sort { $a <=> $b } map { @{ $_->{took} // [] } } @found;
    diag sprintf '%s: %d revokes under %d webhooks a second: median %.3f s, maximum %.3f s, of a lag of 1 s', $kind, scalar @took, $passed / $lasted, $took[ @took / 2 ], $took[-1];
}
done_testing;
