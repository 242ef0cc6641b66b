# SPDX-License-Identifier: Apache-2.0
# The database servers of the demo and the tests, conf/demo/database.sh: what is in their folder is served by the next start,
# also where all of them were killed, they are the registry's user's and nobody else's, and leave nothing running.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep);
use WHK::Database;
use WHK::Server;

for my $kind (qw(pgsql mysql galera)) {
    subtest $kind => sub {
        my $d = WHK::Database->new($kind);
        my $last = $d->nodes;
        $d->sql('CREATE TABLE kept (n INTEGER PRIMARY KEY)');
        $d->sql('INSERT INTO kept VALUES (1)', $last);

        my $listens = join ' ', sort grep { length } split /\n/, qx{ss -Hltnp 2>/dev/null | awk '{ print \$4 }'};
        unlike($listens, qr/(?:0\.0\.0\.0|\*|\[::\]):\Q$d->{env}{"WHK_DATABASE_PORT_$_"}\E\b/, "node $_ listens on loopback alone") for 1 .. $last;
        is(sprintf('%o', (stat "$d->{dir}/$_")[2] & 0777), '600', "$_, which has the password, is for nobody else to read") for qw(password database.env);
        ok(!eval { my $other = $d->copy; $other->{env} = { %{ $d->{env} } }; s/(pass(?:word)?=)\w+/${1}wrong/ for values %{ $other->{env} }; $other->sql('SELECT 1'); 1 }, 'without it nobody gets in');

        is($d->stop, 0, 'it stops in good order');
        is($d->processes_left(1), '', '... and leaves nothing running');
        $d = WHK::Database->new($kind, dir => $d->dir);
        is($d->sql('SELECT count(*) FROM kept', $_), 1, "the next start has what was written, node $_") for 1 .. $last;

        # All at once, as where the machine loses its power.
        $d->sql('INSERT INTO kept VALUES (2)', $last);
        $d->settle;
        my @servers = map { $d->processes($_) } 1 .. $last;
        kill KILL => @servers;
        $d->kill_all;
        is($d->processes_left(10), '', 'killed, with its servers');
        # PostgreSQL takes the number of one that nobody has waited for yet for a running server.
        for (1 .. 100) { last if !kill 0, @servers; sleep 0.1 }
        $d = WHK::Database->new($kind, dir => $d->dir);
        is($d->sql('SELECT count(*) FROM kept', $_), 2, "the next start has what was committed, node $_") for 1 .. $last;

        $d->kill_all;
        is($d->processes_left(30), '', 'servers end with their script, however that ends');
    };
}

my $none = tempdir('whk-db-XXXXXX', TMPDIR => 1, CLEANUP => 1);
for my $bad ([], ['oracle', "$none/db"], ['sqlite', "$none/db"], ['pgsql; id', "$none/db"]) {
    my ($status, $out, $err) = WHK::Server::run_command('sh', "$WHK::Server::root/conf/demo/database.sh", @{$bad});
    is($status, 2, 'refused: database.sh ' . join ' ', @{$bad});
    like($err, qr/^usage: database\.sh pgsql\|mysql\|galera FOLDER$/m, '... and it says what it takes');
}
ok(!-e "$none/db", 'and nothing was made');
done_testing;
