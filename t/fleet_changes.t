# SPDX-License-Identifier: Apache-2.0
# What changed is seen by every node, in whatever order transactions end: while a revoke in one enterprise hangs in its
# transaction, others are committed, nodes are started, and nodes sleep over their polls. For long: make -f Makefile.apxs fleet
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Fleet;
use WHK::Parallel;

my $hold    = WHK::Fleet::rounds(2, 5);
my $writers = WHK::Fleet::rounds(4, 8);
my $rounds  = WHK::Fleet::rounds(2, 25);
# The lag is 1 s. Beside it, a node may sleep for 2 s here, and this machine be busy.
my $within = 6;

# A revoke in an enterprise whose name begins with "late" takes so long inside its transaction, in one that begins with
# "held" after it took its change_number: a trigger sleeps.
sub make_late {
    my $fleet = shift;
    my $whose = "NEW.type = 'key.revoked' AND NEW.enterprise_id LIKE 'late%'";
    my $held = "NEW.enterprise_id LIKE 'held%' AND NEW.active_keys < OLD.active_keys";
    if ($fleet->database->driver eq 'pgsql') {
        $fleet->database->sql("CREATE FUNCTION sleep_inside() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep($hold); RETURN NEW; END'");
        $fleet->database->sql("CREATE TRIGGER late BEFORE INSERT ON whk_event FOR EACH ROW WHEN ($whose) EXECUTE FUNCTION sleep_inside()");
        $fleet->database->sql("CREATE TRIGGER held AFTER UPDATE ON whk_enterprise FOR EACH ROW WHEN ($held) EXECUTE FUNCTION sleep_inside()");
    } else {
        $fleet->database->sql("CREATE TRIGGER late BEFORE INSERT ON whk_event FOR EACH ROW SET \@slept = IF($whose, SLEEP($hold), 0)");
        $fleet->database->sql("CREATE TRIGGER held AFTER UPDATE ON whk_enterprise FOR EACH ROW SET \@slept = IF($held, SLEEP($hold), 0)");
    }
    return;
}

# How long each node was waited for until all refuse it; undef: one that was asked when that was over did not.
sub seen_after {
    my ($fleet, $key, $clients, $from) = @_;
    my $waited = 0;
    for my $i (0 .. $#{$clients}) {
        while (1) {
            my $asked = time;
            last if $fleet->node($i + 1)->post($key, '{}', target => '/x', path => "/hooks/$key->{enterprise}", client => $clients->[$i])->status == 401;
            return if $asked - $from > $within;
            sleep 0.02;
            $waited = time - $from;
        }
    }
    return $waited;
}

# What a node says that does not take a new key in time; undef: all do.
sub not_taken {
    my ($fleet, $key, $clients) = @_;
    my $end = time + $within;
    for my $i (0 .. $#{$clients}) {
        while (1) {
            my $r = $fleet->node($i + 1)->post($key, '{}', path => "/hooks/$key->{enterprise}", client => $clients->[$i]);
            last if $r->status == 200;
            return $r->status . ' ' . $r->body if time > $end;
            sleep 0.02;
        }
    }
    return;
}

sub write_rounds {
    my ($fleet, $pairs) = @_;
    my @clients = map { WHK::Client->new($_->server->port) } $fleet->nodes;
    my %found = (wrong => [], longest => 0);
    my $any   = sub { return WHK::Client->new($fleet->node(1 + int rand $fleet->nodes)->server->port) };
    $fleet->node($_)->{signer} = undef for 1 .. $fleet->nodes;
    for my $pair (@{$pairs}) {
        my ($late, $quick) = @{$pair};
        for my $key ($late, $quick) {
            my $wrong = not_taken($fleet, $key, \@clients);
            push @{ $found{wrong} }, "$key->{kid} before it was revoked: $wrong" if $wrong;
        }
        my $job = WHK::Parallel::start(sub {
            my $revoke = sub { return $fleet->admins($late->{enterprise})->revoke($any->(), $late->{kid}) };
            my $r      = $revoke->();
            # Galera has whoever commits later begin again, and a node does that for 10 s: of a transaction that takes so long
            # here, a client may hear that he is to try again.
            for (1 .. 3) { last if $r->status != 503 || $fleet->database->kind ne 'galera'; $r = $revoke->() }
            return [ $r->status, $r->body, time ];
        });
        sleep rand $hold;
        my $r    = $fleet->admins($quick->{enterprise})->revoke($any->(), $quick->{kid});
        my $from = time;
        push @{ $found{wrong} }, "$quick->{kid}: " . $r->status . ' ' . $r->body if $r->status != 200;
        my $seen = seen_after($fleet, $quick, \@clients, $from);
        push @{ $found{wrong} }, "$quick->{kid} is not seen" if !defined $seen;
        my ($done) = $job->results;
        push @{ $found{wrong} }, "$late->{kid}: $done->[0] $done->[1]" if $done->[0] != 200;
        my $seen_late = seen_after($fleet, $late, \@clients, $done->[2]);
        push @{ $found{wrong} }, "$late->{kid} is not seen" if !defined $seen_late;
        for my $took (grep { defined } $seen, $seen_late) { $found{longest} = $took if $took > $found{longest} }
    }
    return \%found;
}

for my $kind (WHK::Fleet::kinds()) {
    subtest $kind => sub {
        my $fleet = WHK::Fleet->new($kind, 3);
        make_late($fleet);
        my @work;
        for my $w (1 .. $writers) {
            my @pairs = map {
                my $n = $_;
                [ map { my $e = $_; $fleet->first->key('EdDSA', enterprise => "$e-$w", kid => "$e-$w-$n") } qw(late quick) ]
            } 1 .. $rounds;
            push @work, sub { return write_rounds($fleet, \@pairs) };
        }
        # One with a number already: it may be waited for, or tried again.
        my @pair = map { $fleet->first->key('EdDSA', enterprise => $_, kid => $_) } qw(held beside);
        is_deeply(write_rounds($fleet, [ \@pair ])->{wrong}, [], 'while one holds its number');

        my $job = WHK::Parallel::start(@work);
        # Meanwhile the second node sleeps now and then, and the third starts anew.
        my @second = ($fleet->node(2)->server->pid, $fleet->node(2)->server->children);
        my $done   = 0;
        my $end    = time + $rounds * $hold;
        while (time < $end) {
            kill STOP => @second;
            sleep 0.5 + rand 1.5;
            kill CONT => @second;
            $fleet->node(3)->server->graceful;
            sleep 0.5 + rand 1;
        }
        my @found = $job->results;
        is_deeply([ map { @{ $_->{wrong} } } @found ], [], 'every change is seen by every node');
        my ($longest) = sort { $b <=> $a } map { $_->{longest} } @found;
        note sprintf '%d changes, the latest was seen %.2f s after its answer', 2 * $writers * $rounds, $longest;
        my ($status, $out, $err) = $fleet->first->server->ctl('audit', 'verify');
        unlike($out . $err, qr/BROKEN  (?!schema: trigger (?:whk_\w+\.)?(?:again_|late|held))/, 'the trails are whole');
    };
}
done_testing;
