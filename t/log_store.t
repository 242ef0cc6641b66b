# SPDX-License-Identifier: Apache-2.0
# A database that is away is one line of the log when it goes and one when it is back, of all processes and modules together,
# whatever requests come meanwhile: a server that is killed, a file of SQLite that is moved away.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Database;
use WHK::Webhooks;

my $body = '{"a":1}';

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    until ($test->()) {
        return 0 if time > $end;
        sleep 0.05;
    }
    return 1;
}

# An httpd of two processes at Debian's level, and the lines that it logs from now on.
sub start {
    my (%o) = @_;
    my $w = WHK::Webhooks->new(
        children => 2, before => join("\n", 'LogLevel warn', $o{before} // (), 'WebhookKeysRevocationLag 1'),
        $o{database} ? (database => $o{database}) : (sqlite => 1)
    );
    my $from = length $w->server->error_log;
    return ($w, sub { return map { "$_\n" } grep { length && !/:notice\]/ } split /\n/, substr $w->server->error_log, $from });
}

# Requests of all kinds, to each process; how many were answered 503.
sub traffic {
    my ($w, $rounds) = @_;
    my $server = $w->server;
    my $away   = 0;
    for my $round (1 .. $rounds) {
        my $client = WHK::Client->new($server->port);
        my @answers = map { $client->request(@{$_}) }
          ([ GET => $server->keys('acme'), { $w->admins->read } ], [ GET => $server->events('acme'), { $w->admins->read } ], [ DELETE => $server->keys('acme') . '/none', { $w->admins->write } ]);
        push @answers, $w->post({ kid => "unknown-$round", %{ $w->{known} } }, $body, client => $client);
        $away += grep { $_->status == 503 } @answers;
        sleep 0.02;
    }
    return $away;
}

sub goes_and_comes {
    my ($what, $w, $lines, $take, $give, $error, @others) = @_;
    my $server = $w->server;
    my $before = () = $lines->();
    $w->{known} = $w->key('EdDSA');
    is($w->post($w->{known}, $body)->status, 200, "$what: a webhook");
    is(traffic($w, 5), 0, '... and requests, before');
    is(scalar $lines->(), $before, '... without a line') or diag $lines->();
    $take->();
    my $answered = traffic($w, 30);
    cmp_ok($answered, '>', 10, '... away: requests are answered 503');
    my @away = grep { !/\[dbd:/ } $lines->();
    is(scalar @away, $before + 1, '... which is one line') or diag @away;
    like($away[-1] // '', qr/\[webhook_keys:error\] .*WHK0120: the registry's database is away: .*$error.* whkctl -f HTTPD_CONF check/, '... that says why, and what to do');
    $give->();
    ok(within(15, sub { $w->client->close; $w->client->request(GET => $server->keys('acme'), { $w->admins->read })->status == 200 }), '... back: it serves');
    ok(within(8, sub { ($lines->())[-1] =~ /WHK0121/ }), '... which is the other line, within a while');
    is(traffic($w, 5), 0, '... and serves on');
    my @all = grep { !/\[dbd:/ } $lines->();
    is(scalar @all, $before + 2, '... no more of ours') or diag @all;
    my ($seconds, $told) = ($all[-1] // '') =~ /\[webhook_keys:warn\] .*WHK0121: the registry's database is back: it was away for (\d+) s, and (\d+) requests were answered 503/;
    cmp_ok($told // 0, '>=', $answered, '... with how many were answered 503');
    my @of_dbd = grep { /\[dbd:/ } $lines->();
    return @of_dbd;
}

for my $kind (qw(pgsql mysql)) {
    subtest $kind => sub {
        my $database = WHK::Database->new($kind);
        my ($w, $lines) = start(database => $database);
        my @of_dbd = goes_and_comes($kind, $w, $lines, sub { $database->kill }, sub { $database->start_node }, $kind eq 'pgsql' ? qr/onnect|terminat/ : qr/onnect|gone/);
        is(scalar @of_dbd, 0, 'mod_dbd is silent') or diag @of_dbd;
        $w->server->stop;
        # What was started again is no child of its script, which would wait for it.
        $database->kill;
        $database->kill_all;
    };
}

subtest 'a LogLevel of the operator\'s for mod_dbd' => sub {
    my ($w, $lines) = start(before => 'LogLevel warn dbd:error');
    my $db   = $w->server->db;
    my @of_dbd = goes_and_comes('sqlite', $w, $lines, sub { $w->server->stop; rename $db, "$db.away" or die $!; mkdir $db or die $!; $w->server->start }, sub { rmdir $db or die $!; rename "$db.away", $db or die $! }, qr/no file/);
    cmp_ok(scalar @of_dbd, '>', 2, 'mod_dbd tells it too');
    $w->server->stop;
};
done_testing;
