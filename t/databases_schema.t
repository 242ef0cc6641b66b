# SPDX-License-Identifier: Apache-2.0
# As t/seals_schema.t, on the databases that are not SQLite: whkctl check and audit verify name what somebody put into the
# registry's schema, took from it, or made in another way.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Server;
use WHK::Webhooks;

plan skip_all => 'for SQLite there is t/seals_schema.t' if $WHK::Server::db_kind eq 'sqlite';

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1);
my $server = $w->server;
my $json   = JSON::PP->new->utf8;
$w->key('EdDSA', kid => 'one');
$server->stop;
$w->admins->codes_work_once;
my $source = $server->dir . '/source.sql';
$server->backup($source);
my $is_pgsql = $server->driver eq 'pgsql';

# Exit status, and what is said, of each of the two.
sub finds {
    my ($name, $sql, @found) = @_;
    subtest $name => sub {
        ok(eval { $server->sql($sql); 1 }, 'done') or return diag $@;
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

my $drop = sub { my ($name, $table) = @_; return "DROP TRIGGER $name" . ($is_pgsql ? " ON $table" : '') };
my $evil = $is_pgsql
  ? "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER evil BEFORE INSERT ON whk_key FOR EACH ROW EXECUTE FUNCTION evil()"
  : "CREATE TRIGGER evil BEFORE INSERT ON whk_key FOR EACH ROW SET NEW.key_name = 'x'";

finds('nothing was done', 'SELECT 1');
finds('a foreign trigger', $evil, qr/schema.* trigger (?:whk_key\.)?evil: it is not ours/);
finds('... that is gone again', $drop->('evil', 'whk_key') . ($is_pgsql ? '; DROP FUNCTION evil()' : ''));
for my $case (
    ['the trigger that keeps events', $drop->('whk_event_stays', 'whk_event'), qr/trigger (?:whk_event\.)?whk_event_stays: it is missing/],
    ['a trigger that is turned off or does nothing',
        $is_pgsql ? 'ALTER TABLE whk_key DISABLE TRIGGER whk_key_stays' : 'CREATE OR REPLACE TRIGGER whk_key_stays BEFORE DELETE ON whk_key FOR EACH ROW SET @x = 1',
        qr/trigger (?:whk_key\.)?whk_key_stays: it is defined in another way/],
    ['an index', 'DROP INDEX whk_key_by_uri' . ($is_pgsql ? '' : ' ON whk_key'), qr/whk_key_by_uri/],
    ['a column of another kind', $is_pgsql ? 'ALTER TABLE whk_key ALTER key_name DROP NOT NULL' : 'ALTER TABLE whk_key MODIFY key_name VARBINARY(1020)', qr/whk_key\S*: it is defined in another way/],
    ['a view in the place of a table', 'ALTER TABLE whk_token RENAME TO old_token; CREATE VIEW whk_token AS SELECT * FROM old_token', qr/whk_token: something else stands in its place/],
  )
{
    my ($name, $sql, $found) = @$case;
    finds($name, $sql, $found);
    $server->sql('DROP VIEW whk_token; ALTER TABLE old_token RENAME TO whk_token') if $sql =~ /VIEW/;
    $server->restore($source);
}
finds('all put back', 'SELECT 1');
done_testing;
