# SPDX-License-Identifier: Apache-2.0
# Whoever changes the audit trail behind our back is found out, and which event first.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Seals;
use WHK::Server;

my $server = WHK::Server->new;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'trail', 1)->codes_work_again;
my $beside = WHK::Admins->new($server, 'beside', 1)->codes_work_again;
my @keys   = WHK::Keys::many(300);

sub body { my $key_id = shift; return { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => $key_id }) } }

# ---- a trail with an event of each kind

is($admins->register($client, body('one'))->status,   201, 'registered');
is($admins->register($client, body("zwei\x{fc}"))->status, 201, 'registered: one that is not ASCII');
is($admins->register($client, body('one'))->status,   400, 'refused');
is($admins->register($client, '{"jwks"')->status,     400, 'refused without a keyId');
is($admins->revoke($client, 'one')->status,           200, 'revoked');
is($client->request(DELETE => $server->keys('trail') . '/one', { $admins->write, OTP => '000000' })->status, 401, 'a wrong code')
  for 1 .. 5;
$server->ctl_ok('otp', 'unlock', $admins->{list}[0]{user});
is($admins->register($client, body("more-$_"))->status, 201, 'registered') for 1 .. 3;
$server->ctl_ok('key', 'revoke', 'trail', 'more-1');
is($beside->register($client, body("b-$_"))->status, 201, 'beside') for 1 .. 2;

my $count = $server->sql("SELECT count(*) FROM whk_event WHERE enterprise_id = 'trail'");
my $head  = $server->sql("SELECT event_head FROM whk_enterprise WHERE enterprise_id = 'trail'");
cmp_ok($count, '>=', 14, 'enough of a trail');
is($server->sql("SELECT count(DISTINCT type) FROM whk_event WHERE enterprise_id = 'trail'"), 5, 'of five kinds');

# ---- the chain, by the formula in src/registry/audit_trail.h and nothing else

sub event_hash { return WHK::Seals::event_hash(@_) }

sub events {
    my $enterprise = shift;
    return WHK::Seals::rows($server, "SELECT * FROM whk_event WHERE enterprise_id = '$enterprise' ORDER BY id");
}

my $seals = WHK::Seals->new($server);
for my $enterprise (qw(trail beside)) {
    my ($previous, @wrong) = ('');
    for my $event (events($enterprise)) {
        push @wrong, $event->{id} if $event->{hash} ne event_hash($previous, $event) || $event->{seal} ne $seals->seal(event => $event);
        $previous = $event->{hash};
    }
    is("@wrong", '', "$enterprise: every hash follows from the event before, and every seal fits");
    is($previous, $server->sql("SELECT event_head FROM whk_enterprise WHERE enterprise_id = '$enterprise'"), 'up to the head');
}

# ---- what whkctl says of it

my $answer = $server->ctl_json('audit', 'verify', 'trail');
is_deeply(
    $answer,
    { ok => JSON::PP::true, schema => [], enterprises => [ { enterpriseId => 'trail', ok => JSON::PP::true, events => $count, head => $head, brokenId => undef, flaw => undef, findings => [], moreFindings => 0 } ] },
    'verify --json'
);
is(scalar @{ $server->ctl_json('audit', 'verify')->{enterprises} }, 2, 'without a name: all');
like($server->ctl_ok('audit', 'verify', 'trail'), qr/^ok +trail: $count events, head $head$/, 'in words');

# ---- the same over HTTP and from whkctl

my $http = $client->request(GET => $server->events('trail') . '?limit=100', { $admins->read })->json;
my $list = $server->ctl_json('audit', 'list', 'trail', '--limit', 100);
is_deeply($list, $http, 'whkctl audit list --json is the API\'s answer');
is($http->{total}, $count, 'which has them all');
my ($braked) = grep { ($_->{keyId} // '') eq 'more-1' && $_->{type} eq 'key.revoked' } @{ $http->{events} };
is($braked->{actor}, 'operator:' . getpwuid($<), 'the operator is named');
is($braked->{remoteAddress}, undef, 'and came from nowhere');
is(scalar(grep { !defined $_->{remoteAddress} || !defined $_->{requestId} } @{ $http->{events} }), 1, 'everybody else did from somewhere');

# ---- the triggers

for my $statement (
    'DELETE FROM whk_event WHERE id = 3', 'DELETE FROM whk_event',
    "UPDATE whk_event SET actor = 'x' WHERE id = 3", 'DELETE FROM whk_key',
    # MariaDB's trigger sees what is changed, and this is nothing.
    $server->driver ne 'mysql' ? 'UPDATE whk_event SET hash = hash' : (),
    "UPDATE whk_key SET status = 'ACTIVE' WHERE key_id = 'one'",
    $server->is_sqlite ? "UPDATE OR REPLACE whk_key SET status = 'ACTIVE' WHERE key_id = 'one'" : (),
    $server->driver ne 'pgsql' ? "REPLACE INTO whk_event SELECT * FROM whk_event WHERE id = 3 AND enterprise_id = 'trail'" : (),
    'DELETE FROM whk_used_material', "UPDATE whk_used_material SET key_id = 'x'"
) {
    ok(!eval { $server->sql(($server->is_sqlite ? 'PRAGMA recursive_triggers = ON; ' : '') . $statement); 1 }, "the database refuses: $statement");
}
is($server->ctl_json('audit', 'verify')->{ok}, JSON::PP::true, 'and nothing changed');

# ---- while httpd goes on writing

my $stop = $server->dir . '/stop';
my $job  = WHK::Parallel::start(
    map { my $n = $_; sub {
        my $c = WHK::Client->new($server->port);
        my $done = 0;
        until (-e $stop) { $done += $admins->register($c, '{}')->status == 400 }
        return $done;
    } } 1 .. 3
);
my ($verified, $broken) = (0, '');
for (1 .. 40) {
    # Not by $server->ctl: codes go on to work again, which is all that may be named.
    my ($status, $out) = WHK::Server::whkctl('-f', $server->conf, qw(audit verify));
    $verified++;
    $broken .= $out if 4 != grep { /^(?:ok |BROKEN  schema: (?:trigger|function) (?:whk_otp\.)?(?:again_|forget_step))/ } split /\n/, $out;
}
open my $out, '>', $stop or die $!;
my $written = 0;
$written += $_ for $job->results;
is($broken, '', "$verified verifications while $written events were written");
cmp_ok($written, '>', 100, 'enough of them');

# ---- tampering: each with what was there before

$server->stop;
$_->codes_work_once for $admins, $beside;
my $source = $server->dir . '/source.db';
$server->backup($source);
$count = $server->sql("SELECT count(*) FROM whk_event WHERE enterprise_id = 'trail'");
my @trail = events('trail');
my $last  = $trail[-1];

# The triggers and every promise of the schema are gone first: who can write the database can do that. And they are there
# again afterwards, so that nothing but the rows gives it away.
my ($disarm, $rearm) = WHK::Seals::disarm_and_rearm($server);

sub decoded { my $text = shift; return eval { JSON::PP->new->utf8->decode($text) } // {} }

sub quoted { my $text = shift; return 'NULL' if !defined $text; $text =~ s/'/''/g; return "'$text'" }

sub tamper {
    my ($what, $sql, $broken, $enterprise) = @_;
    $enterprise //= 'trail';
    $server->restore($source);
    ok(eval { $server->sql("$disarm$sql"); $rearm->(); 1 }, "$what: done") or return diag $@;
    my ($status, $stdout, $stderr) = $server->ctl(qw(audit verify --json));
    is($status, 1, "$what: found out");
    my ($report) = grep { $_->{enterpriseId} eq $enterprise } @{ decoded($stdout)->{enterprises} // [] };
    is($report->{brokenId}, $broken, "$what: event $broken is named") or diag $stdout . $stderr;
    ($status, $stdout, $stderr) = $server->ctl('audit', 'verify', $enterprise);
    like($stdout, qr/^BROKEN +\Q$enterprise\E: event $broken: \w/, "$what: in words");
    return;
}

my $where = "WHERE enterprise_id = 'trail' AND id";
tamper("$_ changed", "UPDATE whk_event SET $_ = 'x' $where = 5", 5) for qw(type key_id actor remote_address request_id detail hash);
tamper("$_ changed", "UPDATE whk_event SET $_ = 'x' $where = 5", 5) for qw(seal);
tamper("$_ emptied", "UPDATE whk_event SET $_ = '' $where = 5", 5) for qw(actor hash remote_address seal);
tamper("$_ made NULL", "UPDATE whk_event SET $_ = NULL $where = 5", 5) for qw(remote_address request_id key_id seal);
tamper('NULL made empty', "UPDATE whk_event SET detail = '' $where = 5 AND detail IS NULL", 5);
tamper('at changed by a millisecond', "UPDATE whk_event SET at = at + 1 $where = 5", 5);
tamper('a letter moved to the next field', "UPDATE whk_event SET actor = substr(actor, 1, length(actor) - 1), at = at $where = 1", 1);
tamper('id changed', "UPDATE whk_event SET id = 100000 $where = 5", 6);
tamper('enterprise changed', "UPDATE whk_event SET enterprise_id = 'beside', id = 3 $where = 5", 6);
tamper('enterprise changed, seen from the other', "UPDATE whk_event SET enterprise_id = 'beside', id = 3 $where = 5", 3, 'beside');
tamper('the first changed',    "UPDATE whk_event SET actor = 'x' $where = 1", 1);
tamper('the last changed',     "UPDATE whk_event SET actor = 'x' $where = $count", $count);
tamper('the first deleted',    "DELETE FROM whk_event $where = 1", 2);
tamper('one in the middle deleted', "DELETE FROM whk_event $where = 5", 6);
tamper('two in the middle deleted', "DELETE FROM whk_event $where IN (5, 6)", 7);
tamper('the last deleted',     "DELETE FROM whk_event $where = $count", $count);
tamper('the last three deleted', "DELETE FROM whk_event $where > $count - 3", $count - 2);
tamper('all deleted',          "DELETE FROM whk_event WHERE enterprise_id = 'trail'", 1);
tamper('one deleted and the rest renumbered', "DELETE FROM whk_event $where = 5; UPDATE whk_event SET id = -id $where > 5; UPDATE whk_event SET id = -1 - id $where < 0", 5);
tamper('two swapped', "UPDATE whk_event SET id = -5 $where = 5; UPDATE whk_event SET id = 5 $where = 6; UPDATE whk_event SET id = 6 $where = -5", 5);
tamper('one inserted at the end', "INSERT INTO whk_event SELECT enterprise_id, id + 1, type, key_id, actor, at, remote_address, request_id, detail, hash, seal FROM whk_event $where = $count", $count + 1);
tamper('one inserted before the first', "INSERT INTO whk_event SELECT enterprise_id, $_, type, key_id, actor, at, remote_address, request_id, detail, hash, seal FROM whk_event $where = 3", $_) for 0, -1, -1_000_000;
tamper('one inserted in the middle',
    "UPDATE whk_event SET id = -id $where > 5; UPDATE whk_event SET id = 1 - id $where < 0; "
      . "INSERT INTO whk_event SELECT enterprise_id, 6, type, key_id, actor, at, remote_address, request_id, detail, hash, seal FROM whk_event $where = 5", 6);
tamper('one for an enterprise that has none', "INSERT INTO whk_enterprise (enterprise_id, created_at) VALUES ('new', 1); "
      . "INSERT INTO whk_event SELECT 'new', 1, type, key_id, actor, at, remote_address, request_id, detail, hash, seal FROM whk_event $where = 5", 1, 'new');
tamper('head changed', "UPDATE whk_enterprise SET event_head = 'x' || substr(event_head, 2) WHERE enterprise_id = 'trail'", $count);
tamper('head emptied', "UPDATE whk_enterprise SET event_head = '' WHERE enterprise_id = 'trail'", $count);
tamper('count too high', "UPDATE whk_enterprise SET event_count = event_count + 1 WHERE enterprise_id = 'trail'", $count + 1);
tamper('count too low', "UPDATE whk_enterprise SET event_count = event_count - 1 WHERE enterprise_id = 'trail'", $count - 1);

# One that knows the formula, and mends the hash of the event that it changed alone.
my %changed = (%{ $trail[4] }, actor => 'mallory');
tamper('one changed with a hash that fits', 'UPDATE whk_event SET actor = ' . quoted('mallory') . ', hash = ' . quoted(event_hash($trail[3]{hash}, \%changed)) . " $where = 5", 5);
%changed = (%{$last}, actor => 'mallory');
tamper('the last changed with a hash that fits', 'UPDATE whk_event SET actor = ' . quoted('mallory') . ', hash = ' . quoted(event_hash($trail[-2]{hash}, \%changed)) . " $where = $count", $count);
my %added = (%{$last}, id => $count + 1, actor => 'mallory');
tamper('one added with a hash that fits',
    "INSERT INTO whk_event SELECT enterprise_id, id + 1, type, key_id, 'mallory', at, remote_address, request_id, detail, " . quoted(event_hash($last->{hash}, \%added)) . ", seal FROM whk_event $where = $count", $count + 1);

$server->restore($source);
my ($status) = $server->ctl('audit', 'verify');
is($status, 0, 'the copy alone is whole');
done_testing;
