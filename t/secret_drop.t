# SPDX-License-Identifier: Apache-2.0
# whkctl secret rotate where rows stay under the old key, by a trigger that puts their seals back: that is told, the rows
# are named, and the old key can be let go of all the same, so that one that leaked is not accepted for ever.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Webhooks;

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1);
my $server = $w->server;
my $key    = $w->key('EdDSA', kid => 'one');
my $admins = $w->admins;
my ($user, $token) = @{ $admins->{list}[0] }{qw(user token)};
$admins->codes_work_once;
$server->ctl_ok(qw(admin add acme other));

sub lines { open my $in, '<', $server->dir . '/secret.key' or die $!; chomp(my @lines = <$in>); return @lines }
sub rotate { return $server->ctl(qw(secret rotate), @_) }
sub read_keys { return $w->client->request(GET => $server->keys('acme'), { Authorization => "Bearer $token" })->status }

my ($old) = lines();
my ($status, $out, $err) = rotate('--drop');
is($status, 1, '--drop without a previous key');
like($err, qr/there is no previous key/, '... is refused');
is(join(' ', (lines())[0], scalar lines()), "$old 2", '... and does nothing');

is((rotate())[0], 0, 'the first run');
$server->graceful;
$server->sql(
    $server->driver eq 'sqlite3' ? "CREATE TRIGGER back AFTER UPDATE OF seal ON whk_admin WHEN NEW.user_id = '$user' BEGIN UPDATE whk_admin SET seal = OLD.seal WHERE enterprise_id = OLD.enterprise_id AND user_id = OLD.user_id; END"
  : $server->driver eq 'mysql' ? "CREATE TRIGGER back BEFORE UPDATE ON whk_admin FOR EACH ROW SET NEW.seal = IF(NEW.user_id = '$user', OLD.seal, NEW.seal)"
  : "CREATE FUNCTION back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.seal := OLD.seal; RETURN NEW; END'; CREATE TRIGGER back BEFORE UPDATE OF seal ON whk_admin FOR EACH ROW WHEN (NEW.user_id = '$user') EXECUTE FUNCTION back()"
);
($status, $out, $err) = rotate('--json');
my $said = JSON::PP->new->decode($out);
is($said->{step}, 2, 'the second');
unlike($said->{done}, qr/everything/, '... does not say that everything is done');
is_deeply([@{$said}{qw(leftRows left)}], [1, ["admin $user of acme"]], '... but what is left');
like($err, qr/1 row was under the old key.*\n  admin \Q$user\E of acme\n.*reloaded.*whkctl check names a trigger/, '... and why that may be');
$server->graceful;
is(read_keys(), 200, 'it is good by the old key');

($status, $out, $err) = rotate();
is($status, 1, 'the third refuses');
like($err, qr/admin \Q$user\E of acme\n.*trigger.*\n.*--drop lets go/, '... names the row, and the way out');
like((lines())[1], qr/^\Q$old\E previous$/, '... and the old key stays');
($status, $out) = $server->ctl('check');
like($out, qr/trigger (?:whk_admin\.)?back: it is not ours/, 'whkctl check names the trigger');

($status, $out, $err) = rotate('--drop');
is($status, 0, 'with --drop it is done') or diag $err;
like($err, qr/admin \Q$user\E of acme/, '... and names what is lost');
is(scalar(grep { /\Q$old\E/ } lines()), 0, 'the old key is out of the file');
$server->graceful;
is($w->post($key, '{}')->status, 200, 'what is under the new key is good');
is(read_keys(), 500, 'and the row under the old one is not');
($status, $out) = $server->ctl(qw(audit verify));
like($out, qr/admin \Q$user\E: its seal is of a key that the secret key file here does not hold/, '... which audit verify says');

$server->sql('DROP TRIGGER back' . ($server->driver eq 'pgsql' ? ' ON whk_admin; DROP FUNCTION back()' : ''));
$server->ctl_ok(qw(admin remove acme), $user);
$server->ctl_ok(qw(admin add acme), $user);
is(read_keys(), 200, 'mended');
is((rotate())[0], 0, 'another first run');
($status, $out, $err) = rotate('--json');
is_deeply([@{ JSON::PP->new->decode($out) }{qw(done leftRows left)}], ['everything is sealed by the new key, which the file has first now', 0, []], 'and nothing is left');
done_testing;
