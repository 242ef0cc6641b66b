# SPDX-License-Identifier: Apache-2.0
# Whoever can write the database can take from it what whkctl would walk by, and put in what acts behind its back: whole
# enterprises, triggers, views. whkctl check and audit verify name that too.
use strict;
use warnings;
use Test::More;
use Fcntl qw(LOCK_EX);
use POSIX ();
use File::Copy qw(copy);
use JSON::PP;
use WHK::Webhooks;

plan skip_all => "SQLite's own schema; t/databases_schema.t is about that of other databases" if $WHK::Server::db_kind ne 'sqlite';

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1);
my $server = $w->server;
my $json   = JSON::PP->new->utf8;
$w->key('EdDSA', kid => 'one');
$server->ctl_ok(qw(enterprise add other));
$server->stop;
$w->admins->codes_work_once;
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
# ---- the schema

# Of what is there, by its definition.
sub ddl { my $name = shift; return $server->sql("SELECT sql FROM sqlite_schema WHERE name = '$name'") }

sub redefined {
    my ($name, $change) = @_;
    put_back();
    local $_ = ddl($name);
    $change->();
    my $kind = /^CREATE\s+(\w+)/ ? $1 : die $name;
    return "DROP $kind $name; $_";
}

finds('a foreign trigger', "CREATE TRIGGER evil AFTER INSERT ON whk_key BEGIN UPDATE whk_key SET key_name = 'x' WHERE seq = NEW.seq; END", qr/schema.* trigger evil: it is not ours/);
finds('... on a table written in capitals', 'CREATE TRIGGER evil AFTER UPDATE ON WHK_ADMIN BEGIN SELECT 1; END', qr/trigger evil: it is not ours/);
finds('... and the one that keeps events gone', "DROP TRIGGER whk_event_stays; CREATE TRIGGER evil AFTER UPDATE ON whk_otp BEGIN SELECT 1; END", qr/trigger whk_event_stays: it is missing/, qr/trigger evil: it is not ours/);
finds('a trigger of ours that does nothing', redefined(whk_key_stays => sub { s/RAISE\(.*\)/1/ }), qr/trigger whk_key_stays: it is defined in another way/);
finds('... that fits never, by a blank', redefined(whk_key_stays_revoked => sub { s/'REVOKED'/'REVOKED '/ }), qr/trigger whk_key_stays_revoked: it is defined in another way/);
finds('an index gone', 'DROP INDEX whk_key_by_status', qr/index whk_key_by_status: it is missing/);
finds('an index that leaves out rows', 'DROP INDEX whk_key_by_uri; CREATE INDEX whk_key_by_uri ON whk_key (jwks_uri) WHERE 0', qr/index whk_key_by_uri: it is defined in another way/);
finds('a view in the place of a table', 'PRAGMA legacy_alter_table = ON; ALTER TABLE whk_admin RENAME TO old_admin; CREATE VIEW whk_admin AS SELECT * FROM old_admin', qr/table whk_admin: something else stands in its place/);
finds('a table without its constraint', 'PRAGMA foreign_keys = OFF; DROP TABLE whk_remote_set; CREATE TABLE whk_remote_set (uri TEXT, etag TEXT, refresh_at INTEGER, fresh_until INTEGER, leased_until INTEGER, failures INTEGER)',
    qr/table whk_remote_set: it is defined in another way/, qr/index whk_remote_set_by_refresh: it is missing/);
finds('things of somebody else', 'CREATE TABLE harmless (a); CREATE INDEX harmless_by_a ON harmless (a); CREATE TRIGGER harmless_a AFTER INSERT ON harmless BEGIN SELECT 1; END; CREATE INDEX ours_by_name ON whk_key (key_name); ANALYZE');
finds('more white space', redefined(whk_event_stays => sub { s/\s+/\n\t /g }));
# ---- two registries under one key file

subtest 'one key file, two registries' => sub {
    put_back();
    my ($file, $db) = ($server->dir . '/secret.key', $server->dir . '/second.db');
    my $notice = sub { return scalar grep { $_->{result} eq 'notice' && $_->{message} =~ /seals 2 registries/ } @{ $server->ctl_json('check')->{checks} } };
    is($notice->(), 0, 'one is fine');
    my $conf = $server->conf_of('second', $db, $file);
    is((WHK::Server::whkctl('-f', $conf, 'init'))[0], 0, 'a second');
    is($notice->(), 1, 'whkctl check warns');
};

subtest 'a mark is written under the lock of rotations' => sub {
    my ($file, $db) = ($server->dir . '/secret.key', $server->dir . '/third.db');
    my $text = sub { open my $in, '<', $file or die $!; local $/; return scalar <$in> };
    my $conf = $server->conf_of('third', $db, $file);
    my $before = $text->();
    open my $folder, '<', $server->dir or die $!;
    flock $folder, LOCK_EX or die $!;
    my $init = sub { return WHK::Server::whkctl('-f', $conf, 'init') };
    my ($status, undef, $err) = $init->();
    is($status, 1, 'while another is at it, init is refused');
    like($err, qr/is locked: is another whkctl at it/, '... and says why');
    is($text->(), $before, '... and the file is as it was');
    is((WHK::Server::whkctl('-f', $server->conf, 'migrate'))[0], 0, 'whoever has nothing to write there need not wait');
    # A rotation replaces the file: the mark must get into the new one.
    my $pid = fork // die $!;
    if (!$pid) {
        exec(@WHK::Server::whkctl, '-f', $conf, 'init') || POSIX::_exit(1);
    }
    sleep 1;
    open my $new, '>', "$file.other" or die $!;
    print $new $before;
    close $new;
    chmod 0600, "$file.other";
    rename "$file.other", $file or die $!;
    close $folder;
    waitpid $pid, 0;
    is($?, 0, 'one that waits a moment is done');
    is(scalar(grep { /^sealed / } split /\n/, $text->()), 3, '... in the file of now');
};
done_testing;
