# SPDX-License-Identifier: Apache-2.0
# Database servers that are killed, restarted, cut off: what was acknowledged stays, what was not is 503 or 201 and nothing between,
# and nodes work again without anybody's help. For long: make -f Makefile.apxs fleet
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Database;
use WHK::Fleet;
use WHK::Keys;
use WHK::Parallel;

my $kills   = WHK::Fleet::rounds(1, 20);
my $clients = 4;

sub outcome { my $r = shift; return $r->status . (defined $r->code ? ' ' . $r->code : '') }

# Registers until the file `$stop` is there, each key until its fate is known.
sub register_all {
    my ($fleet, $n, $stop, $keys) = @_;
    my $node   = $fleet->node(1 + $n % $fleet->nodes);
    my $client = WHK::Client->new($node->server->port, timeout => 60);
    my $admins = $fleet->admins("load-$n");
    my %found  = (known => [], odd => {}, unavailable => 0);
    my $until  = time + 120;
    for my $key (@{$keys}) {
        last if -e $stop || time > $until;
        my $unsure;
        while (time < $until) {
            my $r = $admins->register($client, { jwks => WHK::Keys::jwks({ %{$key}, kid => $key->{x} }) });
            if ($r->status == 201) { push @{ $found{known} }, $key->{x}; last }
            # It may have happened all the same: then it is ours.
            if ($unsure && ($r->code // '') eq 'key_id_taken') { push @{ $found{known} }, $key->{x}; last }
            if ($r->status == 503) { $found{unavailable}++; $unsure = 1; sleep 0.05; next }
            $found{odd}{ outcome($r) }++;
            last;
        }
    }
    return \%found;
}

# Those of an enterprise, as the database has them.
sub there { my ($fleet, $e) = @_; return map { $_ => 1 } split /\n/, $fleet->database->sql("SELECT key_id FROM whk_key WHERE enterprise_id = '$e'") }

sub agrees {
    my ($fleet, $found) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my (@lost, %odd);
    my ($known, $unavailable) = (0, 0);
    for my $n (1 .. @{$found}) {
        my %there = there($fleet, "load-$n");
        push @lost, grep { !$there{$_} } @{ $found->[ $n - 1 ]{known} };
        $known       += @{ $found->[ $n - 1 ]{known} };
        $unavailable += $found->[ $n - 1 ]{unavailable};
        $odd{$_}     += $found->[ $n - 1 ]{odd}{$_} for keys %{ $found->[ $n - 1 ]{odd} };
    }
    note "$known known to be registered, $unavailable answers were 503";
    is_deeply(\@lost, [], 'nothing that was acknowledged is lost');
    is_deeply(\%odd, {}, 'no client was told anything but 201 and 503');
    cmp_ok($known, '>', 20, 'it was under load');
    my ($status, $out, $err) = $fleet->first->server->ctl('audit', 'verify');
    is($status, 0, 'keys, events and counts agree, and the trails are whole') or diag $out . $err;
    return;
}

sub under_load {
    my ($fleet, $meanwhile) = @_;
    my $stop = $fleet->first->server->dir . '/stop';
    my @keys = map { [ WHK::Keys::many(WHK::Fleet::rounds(400, 3000)) ] } 1 .. $clients;
    $fleet->admins("load-$_") for 1 .. $clients;
    my $job = WHK::Parallel::start(map { my $n = $_; sub { return register_all($fleet, $n, $stop, $keys[ $n - 1 ]) } } 1 .. $clients);
    $meanwhile->();
    open my $out, '>', $stop or die "$stop: $!";
    close $out;
    my @found = $job->results;
    unlink $stop;
    return \@found;
}

# By so many clients at once that each child has several connections to its database.
sub works {
    my ($fleet, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $admins = $fleet->admins('idle');
    my @got    = WHK::Parallel::run(map { my $port = $_->server->port; map { sub {
        my $client = WHK::Client->new($port);
        return [ map { outcome($admins->get($client)) } 1 .. 20 ];
    } } 1 .. 6 } $fleet->nodes);
    is(join(' ', grep { $_ ne '200' } map { @{$_} } @got), '', $what);
    return;
}

for my $kind (WHK::Fleet::kinds()) {
    subtest $kind => sub {
        my $database = WHK::Database->new($kind);
        my $fleet    = WHK::Fleet->new($kind, $database->nodes == 1 ? 2 : 3, database => $database, before => 'WebhookKeysMaxActive 10000');
        my $admins   = $fleet->admins('idle');
        my $nodes    = $database->nodes;
        works($fleet, 'all is well');

        if ($nodes == 1) {
            $database->kill;
            my $r = $admins->get($fleet->first->client);
            is(outcome($r), '503 store_unavailable', 'without its database a node says so');
            $database->start_node;
            works($fleet, 'once it is back, nobody hears of the connections that were lost');
        } else {
            $database->kill(2);
            sleep 6;
            is($admins->get(WHK::Client->new($fleet->node($_)->server->port))->status, 200, "node $_, whose database node is there") for 1, 3;
            is(outcome($admins->get(WHK::Client->new($fleet->node(2)->server->port))), '503 store_unavailable', 'the one whose database node is gone');
            $database->start_node(2);
            works($fleet, 'once it is back, nobody hears of the connections that were lost');
        }

        my $found = under_load($fleet, sub {
            for my $n (1 .. $kills) {
                sleep 1 + rand;
                my $victim = 1 + $n % $nodes;
                $database->kill($victim);
                sleep 0.5;
                $database->start_node($victim);
            }
            sleep 1;
        });
        agrees($fleet, $found);
        works($fleet, 'all is well');
    };
}
done_testing;
