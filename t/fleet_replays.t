# SPDX-License-Identifier: Apache-2.0
# Replays across nodes that share a provider, with the servers that Debian has: what one node took is replayed at the other. Of
# two that get it in the same milliseconds both may let it pass, each once: docs/directives/node.md, "WebhookKeysReplayCache".
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Time::HiRes qw(sleep);
use WHK::Client;
use WHK::Fleet;
use WHK::Parallel;
use WHK::Server;

my %command = (
    redis    => sub { my ($port, $dir) = @_; return ('redis-server', '--port', $port, '--bind', '127.0.0.1', '--dir', $dir, '--save', '', '--appendonly', 'no') },
    memcache => sub { my ($port, $dir) = @_; return ('memcached', '-l', '127.0.0.1', '-p', $port, '-U', 0, '-m', 64) },
);

sub start_provider {
    my $name = shift;
    my $port = WHK::Server::free_port();
    my $dir  = tempdir(CLEANUP => 1);
    my $pid  = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        exec 'setpriv', '--pdeathsig', 'TERM', $command{$name}->($port, $dir);
    }
    for (1 .. 100) {
        last if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        sleep 0.05;
    }
    return ($pid, $port);
}

for my $name (sort keys %command) {
    subtest $name => sub {
        my ($pid, $port) = start_provider($name);
        my $fleet = WHK::Fleet->new('pgsql', 2, modules => ["socache_$name"], before => "WebhookKeysReplayCache $name:127.0.0.1:$port");
        my $key   = $fleet->first->key('EdDSA');
        for (1 .. 100) { last if $fleet->node(2)->post($key, 'known')->status == 200; sleep 0.1 }
        my @wrong;
        for my $n (1 .. 20) {
            my $signed = $fleet->first->sign($key, "one $n");
            my ($here, $there) = $n % 2 ? (1, 2) : (2, 1);
            my @got = map { $fleet->node($_)->send($signed)->status } $here, $there, $here;
            push @wrong, "@got" if "@got" ne '200 401 401';
        }
        is_deeply(\@wrong, [], 'what one took is replayed at both');

        my %passed;
        for my $n (1 .. WHK::Fleet::rounds(30, 1000)) {
            my $signed = $fleet->first->sign($key, "two $n");
            my @got = WHK::Parallel::run(map {
                my $node = $fleet->node($_);
                map { sub { return $node->send($signed, client => WHK::Client->new($node->server->port))->status } } 1, 2
            } 1, 2);
            $passed{ grep { $_ == 200 } @got }++;
        }
        note "of four at once, two at each node, so many passed: " . join ', ', map { "$_ in $passed{$_} rounds" } sort keys %passed;
        is(scalar(grep { $_ < 1 || $_ > 2 } keys %passed), 0, 'in the same moment each node takes it once, at most, and one does');
        kill TERM => $pid;
        waitpid $pid, 0;
    };
}
done_testing;
