# SPDX-License-Identifier: Apache-2.0
# PostgreSQL with a synchronous standby: a success means that both have it. While the standby is away PostgreSQL waits for it with each
# commit; where an operator breaks the wait off, it says COMMIT all the same, and that is no success here.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Database;
use WHK::Fleet;
use WHK::Keys;
use WHK::Parallel;
use WHK::Server;

my $primary = WHK::Database->new('pgsql');
my $fleet   = WHK::Fleet->new('pgsql', 1, database => $primary);
my $admins  = $fleet->admins('lasting');
my $client  = WHK::Client->new($fleet->first->server->port, timeout => 40);
my @keys    = WHK::Keys::many(6);
my $count   = 0;

sub register {
    my $name = shift;
    my $from = time;
    my $r = $admins->register($client, { jwks => WHK::Keys::jwks({ %{ $keys[ $count++ ] }, kid => $name }) });
    return ($r->status . (defined $r->code ? ' ' . $r->code : ''), time - $from);
}

# Its standby: a copy that follows, started by us.
my $dir     = "$primary->{dir}/standby";
my ($home)  = grep { -d } reverse sort glob '/usr/lib/postgresql/*/bin';
my $port    = WHK::Server::free_port();
my ($socket, $main) = @{ $primary->{env} }{qw(WHK_DATABASE_SOCKET_1 WHK_DATABASE_PORT_1)};
my ($status, $out, $err) = WHK::Server::run_command("$home/pg_basebackup", '-h', $socket, '-p', $main, '-U', 'postgres', '-D', $dir, '-R', '-X', 'stream', '-c', 'fast');
is($status, 0, 'a standby is made') or diag $err;
chmod 0700, $dir;
my $standby = fork // die "fork: $!";
if (!$standby) {
    open STDOUT, '>', "$primary->{dir}/standby.log";
    open STDERR, '>&', \*STDOUT;
    exec 'setpriv', '--pdeathsig', 'INT', "$home/postgres", '-D', $dir, '-p', $port, '-c', 'max_connections=300', '-c', 'listen_addresses=127.0.0.1', '-c', "unix_socket_directories=$dir";
}
$primary->as_administrator("ALTER SYSTEM SET synchronous_standby_names = '*'");
$primary->as_administrator('SELECT pg_reload_conf()');
my $follows;
for (1 .. 300) { last if $follows = $primary->as_administrator('SELECT sync_state FROM pg_stat_replication') =~ /sync/; sleep 0.1 }
ok($follows, 'it follows') or diag qx{tail -n 20 $primary->{dir}/standby.log};

my ($got, $took) = register('both');
is($got, '201', 'with the standby a key is registered');
my @processes = ($standby, grep { /^\d+$/ } split /\s+/, qx{pgrep -P $standby});
sub waiting { return $primary->as_administrator("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") + 0 }
sub wait_for_one { for (1 .. 100) { last if waiting() == 1; sleep 0.1 } return waiting() }
sub break_off { return $primary->as_administrator("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") =~ tr/t// }

kill STOP => @processes;
my $server = $fleet->first->server;
my $job = WHK::Parallel::start(
    sub { my ($said) = register('one'); return [ $said, time ] },
    sub { my ($code) = $server->ctl('key', 'revoke', 'lasting', 'both'); return [ $code, time ] }
);
for (1 .. 100) { last if waiting() == 2; sleep 0.1 }
sleep 3;
is($admins->get(WHK::Client->new($server->port))->status, 200, 'while the standby hangs, reading goes on');
is($server->sql("SELECT status FROM whk_key WHERE key_id = 'both'"), 'ACTIVE', 'nobody sees what only one of them has');
is(break_off(), 2, 'an operator breaks the waits off');
is(wait_for_one(), 1, 'the revoke is not believed: that it happened is asked by a commit of its own');
sleep 1;
my $resumed = time;
kill CONT => @processes;
my ($registered, $revoked) = $job->results;
is($registered->[0], '503 store_unavailable', 'a code of which nobody knows whether it was used up is good for nothing');
is($revoked->[0], 0, 'the revoke is acknowledged');
cmp_ok($revoked->[1], '>', $resumed - 0.1, '... not before the standby has it');
($got, $took) = register('later');
is($got, '201', 'when it is back a key is registered');
my $there = qx{$home/psql -qAtX -h $dir -p $port -U postgres -d @{[ $primary->dbname ]} -c "SELECT string_agg(key_id, ' ' ORDER BY key_id) FROM whk_key"};
chomp $there;
is($there, 'both later', 'what was acknowledged is on the standby');
is(($fleet->first->server->ctl('audit', 'verify'))[0], 0, 'the trails are whole');
$primary->as_administrator('ALTER SYSTEM RESET synchronous_standby_names');
$primary->as_administrator('SELECT pg_reload_conf()');
kill INT => $standby;
waitpid $standby, 0;
done_testing;
