# Whoever can write the database can take from it what whkctl would walk by, and put in what acts behind its back: whole
# enterprises, triggers, views. whkctl check and audit verify name that too.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use JSON::PP;
use WHK::Webhooks;

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1);
my $server = $w->server;
my $json   = JSON::PP->new->utf8;
$w->key('EdDSA', kid => 'one');
$server->ctl_ok(qw(enterprise add other));
$server->stop;
$server->sql("DROP TRIGGER $_") for split /\n/, $server->sql("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'again_%'");
my $source = $server->dir . '/source.db';
$server->sql("VACUUM INTO '$source'");

sub put_back {
    unlink $server->db . $_ for qw(-wal -shm);
    copy($source, $server->db) or die $!;
    chmod 0640, $server->db;
    return;
}

# Exit status, and what is said, of each of the two.
sub finds {
    my ($name, $sql, @found) = @_;
    subtest $name => sub {
        put_back();
        my ($done, undef, $flaw) = WHK::Server::run_command('sqlite3', $server->db, $sql);
        is($flaw, '', 'done') or return;
        for my $command (['check'], [qw(audit verify)]) {
            my ($status, $out, $err) = $server->ctl(@$command);
            is($status, @found ? 1 : 0, "whkctl @$command") or diag "$out$err";
            like($out, $_, '... names it') for @found;
            my ($again, $answer) = $server->ctl(@$command, '--json');
            is(eval { $json->decode($answer)->{ok} } // 'nothing', @found ? JSON::PP::false : JSON::PP::true, '... in JSON too');
        }
    };
    return;
}

finds('nothing was done', 'SELECT 1');

# ---- enterprises

finds('no enterprise at all', 'PRAGMA foreign_keys = OFF; DELETE FROM whk_enterprise',
    qr/enterprise acme: the enterprise has no row, but 1 of kind key names it/, qr/enterprise acme: .* 1 of kind admin /, qr/enterprise acme: .*of kind event /, qr/enterprise acme: .* 1 of kind material /);
finds('one of two', "PRAGMA foreign_keys = OFF; DELETE FROM whk_enterprise WHERE enterprise_id = 'acme'", qr/enterprise acme: the enterprise has no row/);
finds('an admin of none', "PRAGMA foreign_keys = OFF; INSERT INTO whk_admin VALUES ('ghost', 'mallory', 1, NULL)", qr/enterprise ghost: the enterprise has no row, but 1 of kind admin names it/);
finds('used material of none', "PRAGMA foreign_keys = OFF; INSERT INTO whk_used_material VALUES ('ghost', 'x', 'y')", qr/enterprise ghost: .*of kind material/);
done_testing;
