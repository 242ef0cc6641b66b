# SPDX-License-Identifier: Apache-2.0
# What got its 201 is there for good, whole, whatever is killed at whatever moment, and what goes on is not in
# the way of a killed child's locks.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Server;

my $kills       = 50;
my $clients     = 4;
my @enterprises = map { "lasting-$_" } 1 .. $clients;
my $server      = WHK::Server->new(children => 4, threads => 4, location => 'WebhookKeysMaxActive 10000');
my @keys        = WHK::Keys::many(8000);
my %admins      = map { $_ => WHK::Admins->new($server, $_, 1)->codes_work_again } @enterprises;

# Registers one key after another until the file `$stop` is there, each until its fate is known: nothing is learnt
# from a connection that broke, so the same request is sent again.
sub register_all {
    my ($enterprise, $round, $stop, @bodies) = @_;
    my $client = WHK::Client->new($server->port, timeout => 20);
    my %found  = (acknowledged => [], committed => [], odd => {}, broken => 0, longest => 0);
    my $until  = time + 60;
    for my $key (@bodies) {
        last if -e $stop || time > $until;
        sleep 0.005;
        my $key_id = "$round-$key->{x}";
        while (time < $until) {
            my $socket = $client->{socket};
            my $begun  = time;
            my $r = eval { $admins{$enterprise}->register($client, { jwks => WHK::Keys::jwks({ %{$key}, kid => $key_id }) }) };
            # The client itself tries once more where a kept connection is closed.
            $found{longest} = time - $begun if time - $begun > $found{longest};
            $found{broken}++ if $socket && $socket != ($client->{socket} // 0);
            if (!$r || !$r->status) { $client->close; sleep 0.02; next }
            if ($r->status == 201) { push @{ $found{acknowledged} }, $key_id; last }
            if (($r->code // '') eq 'key_id_taken' && $found{broken}) { push @{ $found{committed} }, $key_id; last }
            $found{odd}{ $r->status . ' ' . ($r->code // '') }++;
            last if $r->status < 500;
            sleep 0.02;
        }
    }
    return \%found;
}

my %acknowledged = map { $_ => [] } @enterprises;
my $rounds       = 0;

# Runs clients while `$meanwhile` does its worst; what they found, added up.
sub under_load {
    my ($meanwhile) = @_;
    my $round  = ++$rounds;
    my $stop   = $server->dir . "/stop-$round";
    my @chunk  = splice @keys, 0, @keys * 0.7;
    my $job    = WHK::Parallel::start(map { my $e = $_; sub { register_all($e, $round, $stop, @chunk) } } @enterprises);
    $meanwhile->();
    open my $out, '>', $stop or die "$stop: $!";
    my @found = $job->results;
    my %sum   = (acknowledged => 0, committed => 0, broken => 0, longest => 0, odd => {});
    for my $i (0 .. $#enterprises) {
        my $found = $found[$i];
        push @{ $acknowledged{ $enterprises[$i] } }, @{ $found->{acknowledged} }, @{ $found->{committed} };
        $sum{acknowledged} += @{ $found->{acknowledged} };
        $sum{committed}    += @{ $found->{committed} };
        $sum{broken}       += $found->{broken};
        $sum{longest} = $found->{longest} if $found->{longest} > $sum{longest};
        $sum{odd}{$_}      += $found->{odd}{$_} for keys %{ $found->{odd} };
    }
    note "round $round: $sum{acknowledged} acknowledged, $sum{committed} committed without an answer, "
      . "$sum{broken} broken connections, the longest wait $sum{longest} s";
    is_deeply($sum{odd}, {}, 'no client was told anything but 201');
    return \%sum;
}

sub check {
    my $what = shift;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $what => sub {
        is($server->sql('PRAGMA integrity_check'), 'ok', 'the file is sound') if $server->is_sqlite;
        for my $e (@enterprises) {
            my %there = map { $_ => 1 } split /\n/, $server->sql("SELECT key_id FROM whk_key WHERE enterprise_id = '$e'");
            is(scalar(grep { !$there{$_} } @{ $acknowledged{$e} }), 0, "$e: nothing is lost");
            is(scalar keys %there, scalar @{ $acknowledged{$e} }, 'nothing else is there');
            is($server->sql(<<"SQL"), '', 'no key without its event, no event without its key, counts agree');
WITH event AS (SELECT key_id FROM whk_event WHERE enterprise_id = '$e' AND type = 'key.registered'),
    registered AS (SELECT key_id FROM whk_key WHERE enterprise_id = '$e')
SELECT 'key without event', key_id FROM registered WHERE key_id NOT IN (SELECT key_id FROM event)
UNION ALL SELECT 'event without key', key_id FROM event WHERE key_id NOT IN (SELECT key_id FROM registered)
UNION ALL SELECT 'events twice', key_id FROM event GROUP BY key_id HAVING count(*) > 1
UNION ALL SELECT 'active_keys', enterprise_id FROM whk_enterprise WHERE enterprise_id = '$e' AND active_keys <>
    (SELECT count(*) FROM whk_key WHERE enterprise_id = '$e')
UNION ALL SELECT 'event_count', enterprise_id FROM whk_enterprise WHERE enterprise_id = '$e' AND event_count <>
    (SELECT count(*) FROM whk_event WHERE enterprise_id = '$e')
SQL
        }
        my ($status, $out, $err) = $server->ctl('audit', 'verify');
        is($status, 0, 'the trails are whole') or diag $out . $err;
    };
    return;
}

# One that is sure to be answered by a child which came after the kill, or was spared.
sub serves {
    my $client = WHK::Client->new($server->port, timeout => 10);
    for (1 .. 50) {
        my $r = eval { $admins{ $enterprises[0] }->get($client, '?limit=1') };
        return 1 if $r && $r->status == 200;
        $client->close;
        sleep 0.1;
    }
    return 0;
}

sub resident {
    open my $in, '<', "/proc/$_[0]/status" or return 0;
    my ($kib) = join('', <$in>) =~ /^VmRSS:\s*(\d+)/m;
    return $kib;
}

sub zombies { return scalar grep { /^Z/ } split /\n/, qx{ps -o stat= --ppid $server->{pid}} }

# ---- children

my ($silent, $before) = (0, 0);
my $begun = time;
my $sum   = under_load(
    sub {
        for my $n (1 .. $kills) {
            sleep 0.1 + rand 0.4;
            my @children = $server->children;
            # One of them most times, and all at once every now and then.
            kill KILL => ($n % 10 == 0 ? @children : $children[ rand @children ]) if @children;
            $silent++ if !serves();
            $before = resident($server->pid) if $n == 10;
        }
    }
);
note sprintf '%d kills in %.1f s', $kills, time - $begun;
is($silent, 0, 'served after each kill');
cmp_ok($sum->{acknowledged}, '>=', 600, 'at least 600 acknowledged');
cmp_ok($sum->{broken},       '>',  10,  'the kills were felt');
cmp_ok($sum->{longest},      '<',  10,  'nobody waited for a lock that died with its holder');
check('after children were killed');
cmp_ok(resident($server->pid) - $before, '<', 1024, 'the parent has not grown');
my $left;
for (1 .. 50) { last if !($left = zombies()); sleep 0.1 }
is($left, 0, 'no zombies');
unlike($server->error_log, qr/store_unavailable|internal_error|Segmentation|can't be used/, 'nothing else in the log');

# ---- all of httpd

$sum = under_load(
    sub {
        for (1 .. 3) {
            sleep 0.3 + rand 0.5;
            $server->kill_all;
            $server->start;
        }
        sleep 0.5;
    }
);
cmp_ok($sum->{acknowledged}, '>', 20, 'some were acknowledged meanwhile');
ok(serves(), 'serves');
check('after all of httpd was killed');

# Nothing that a client wrote was lost either by stopping in good order.
$server->restart;
check('after an orderly restart');
done_testing;
