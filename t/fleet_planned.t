# SPDX-License-Identifier: Apache-2.0
# Planned revocations on two nodes: planned on one, both stop at the time itself, and one of them writes it down. And whoever
# plans, moves, cancels and revokes at that moment, on whichever node: what they were told is what the trail says.
# For long: make -f Makefile.apxs fleet
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Fleet;
use WHK::Parallel;
use WHK::Planned qw(ahead iso wait_until put cancel trail);

my $rounds = WHK::Fleet::rounds(1, 60);

sub outcome { my $r = shift; return $r->status . (defined $r->code ? ' ' . $r->code : '') }

# What is wrong with a trail, whose events are in the order in which they were written.
sub flaws {
    my @events = @_;
    my ($planned, $revoked, @flaws) = (undef, 0);
    for my $e (@events) {
        next if $e->{type} eq 'key.registered';
        push @flaws, "$e->{type} after key.revoked" if $revoked;
        if ($e->{actor} eq 'schedule') {
            push @flaws, 'revoked at ' . $e->{at} . ', planned ' . ($planned // 'never') if ($planned // '') ne $e->{at};
        } elsif (defined $planned && $e->{at} ge $planned) {
            push @flaws, "$e->{type} at $e->{at}, when it was revoked since $planned";
        }
        $planned = $e->{type} eq 'key.revocation_planned' ? $e->{detail} : $e->{type} eq 'key.revocation_cancelled' ? undef : $planned;
        $revoked = 1 if $e->{type} eq 'key.revoked';
    }
    return @flaws;
}

# Galera is MariaDB, and more.
my @kinds = WHK::Fleet::kinds();
@kinds = grep { $_ ne 'mysql' } @kinds if @kinds > 1 && !$ENV{WHK_FLEET};
for my $kind (@kinds) {
    subtest $kind => sub {
        my $fleet = WHK::Fleet->new($kind, 2);
        my ($w) = $fleet->nodes;
        my @clients = map { WHK::Client->new($_->server->port) } $fleet->nodes;
        my $audit = sub { my ($status, $out, $err) = $w->server->ctl('audit', 'verify'); return is($status, 0, shift) || diag $out, $err };

        my $key = $w->key('EdDSA', kid => 'planned');
        my $signed = $w->sign($key, '{}');
        my $when = ahead(2);
        is(put($w, 'planned', $when)->status, 200, 'planned on one node');
        my $both = sub { return join ' ', map { my $c = $_; map { $w->send($signed, client => $c)->status } 1 .. 4 } @clients };
        my $end = time + 1.3;
        sleep 0.05 while $both->() ne join(' ', (200) x 8) && time < $end;
        is($both->(), join(' ', (200) x 8), 'both let it pass');
        wait_until($when);
        is($both->(), join(' ', (401) x 8), 'at the time neither does');
        $end = time + 10;
        sleep 0.1 while !(grep { $_->{type} eq 'key.revoked' } trail($w, 'planned')) && time < $end;
        # The other one had its turn too.
        sleep 3.2;
        is_deeply([ map { [ $_->{actor}, $_->{at} ] } grep { $_->{type} eq 'key.revoked' } trail($w, 'planned') ], [ [ 'schedule', iso($when) ] ], 'one of them wrote it down, once');

        my (%told, @odd);
        for my $round (1 .. $rounds) {
            my $kid = "race-$round";
            $w->key('EdDSA', kid => $kid);
            my $until = time + 0.8;
            my $often = sub {
                my ($node, $do) = @_;
                return sub {
                    my $client = WHK::Client->new($fleet->node($node)->server->port);
                    my %count;
                    while (time < $until) { $count{ outcome($do->($client)) }++ }
                    return \%count;
                };
            };
            my $plan = sub { my $client = shift; return put($w, $kid, ahead(0.15 + rand 0.1), client => $client) };
            my $cancel = sub { my $client = shift; return cancel($w, $kid, client => $client) };
            my $revoke = sub { my $client = shift; sleep 0.6 if $round % 2; return $client->request(DELETE => $w->server->keys('acme') . "/$kid", { $w->admins->write }) };
            my @counts = WHK::Parallel::run($often->(1, $plan), $often->(2, $plan), $often->(2, $cancel), $round % 2 ? $often->(1, $revoke) : ());
            for my $counted (@counts) { $told{$_} += $counted->{$_} for keys %{$counted} }
            wait_until(ahead(0.4));
            $end = time + 10;
            sleep 0.1 while $w->admins->get($clients[0], "/$kid")->json->{status} eq 'REVOKED' && !(grep { $_->{type} eq 'key.revoked' } trail($w, $kid)) && time < $end;
            my @events  = trail($w, $kid);
            my $status  = $w->admins->get($clients[1], "/$kid")->json->{status};
            my $revoked = grep { $_->{type} eq 'key.revoked' } @events;
            push @odd, flaws(@events);
            push @odd, "$status, but $revoked events say so" if ($status eq 'REVOKED' ? 1 : 0) != $revoked;
            push @odd, 'nothing was planned' if !grep { $_->{type} eq 'key.revocation_planned' } @events;
        }
        is(join("\n", @odd), '', 'races: what the trail says holds together');
        is(join(', ', grep { !/^(?:200|409 key_already_revoked|400 invalid_request)$/ } sort keys %told), '', 'nobody was told anything else') or diag JSON::PP->new->canonical->encode(\%told);
        $audit->('the audit finds nothing wrong');
    };
}
done_testing;
