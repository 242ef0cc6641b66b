# SPDX-License-Identifier: Apache-2.0
# whkctl audit verify and check name a key's number that is missing, there twice or none of its enterprise's, and an
# enterprise's row that counts its keys otherwise than they are; a list says what it lacks. No seal holds either.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Answers qw(refused);
use WHK::Seals;
use WHK::Webhooks;

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1);
my $server = $w->server;
$w->key('EdDSA', kid => $_) for qw(one two three four five);
$w->key('EdDSA', kid => $_, enterprise => 'other') for qw(first second);
$w->revoke({ kid => $_, enterprise => 'acme' }) for qw(two four);
my $source = $server->dir . '/source.db';
$server->backup($source);
my ($disarm, $rearm) = WHK::Seals::disarm_and_rearm($server);
my $acme = "WHERE enterprise_id = 'acme'";

# All that is named of rows, one a line.
sub named {
    my @command = @_;
    my ($status, $out) = $server->ctl(@command, '--json');
    my $said = JSON::PP->new->utf8->decode($out);
    my @found = map { my $of = $_->{enterpriseId}; map { "$of: $_->{kind} $_->{name}: $_->{flaw}" } @{ $_->{findings} } } @{ $said->{enterprises} };
    return ($status, join "\n", sort @found);
}

sub tampered {
    my ($name, $sql, @expected) = @_;
    subtest $name => sub {
        $server->restore($source);
        ok(eval { $server->sql("$disarm$sql"); $rearm->(); 1 }, 'done') or return diag $@;
        my ($status, $found) = named(qw(audit verify));
        is($status, @expected ? 1 : 0, 'exit status');
        is($found, join("\n", sort @expected), 'what is named, and nothing else');
        is(($server->ctl('check'))[0], @expected ? 1 : 0, 'whkctl check');
    };
    return;
}

my $missing = sub { return "acme: number $_[0]: no key has it: an enterprise's keys are numbered 1, 2, 3 ... without a gap" };
my $unknown = sub { return "acme: key $_[0]: its number is none of those that the enterprise's row knows of" };
my $row     = sub { return "acme: enterprise acme: its row tells of $_[0] than there are" };
$server->stop;
tampered('nothing was done', 'SELECT 1');
tampered('a number is missing', "UPDATE whk_key SET key_number = 6 $acme AND key_id = 'three'; UPDATE whk_enterprise SET key_count = 6 $acme", $missing->(3), $row->('more keys'));
tampered('a number that the row does not know of', "UPDATE whk_key SET key_number = 1000 $acme AND key_id = 'three'", $missing->(3), $unknown->('three'));
tampered("$_ is no number", "UPDATE whk_key SET key_number = $_ $acme AND key_id = 'one'", $missing->(1), $unknown->('one')) for 0, -1, '-9223372036854775807', '9223372036854775807';
tampered('the last number is missing', "UPDATE whk_key SET key_number = 1000 $acme AND key_id = 'five'", $missing->(5), $unknown->('five'));
tampered('a long gap', "UPDATE whk_key SET key_number = key_number + 4000000000 $acme AND key_number > 3; UPDATE whk_enterprise SET key_count = 9000000000 $acme",
    $missing->(4), $missing->(4000000006), $row->('more keys'));
tampered('more keys than there are', "UPDATE whk_enterprise SET key_count = 6 $acme", $missing->(6), $row->('more keys'));
tampered('as many keys as there can be', "UPDATE whk_enterprise SET key_count = 9223372036854775807 $acme", $missing->(6), $row->('more keys'));
tampered('fewer keys than there are', "UPDATE whk_enterprise SET key_count = 4 $acme", $unknown->('five'), $row->('fewer keys'));
tampered('no key at all', "UPDATE whk_enterprise SET key_count = 0 $acme", (map { $unknown->($_) } qw(one two three four five)), $row->('fewer keys'));
tampered("$_ ACTIVE keys", "UPDATE whk_enterprise SET active_keys = $_ $acme", $row->('another number of ACTIVE keys')) for 0, 2, 4, 5;
if ($server->driver ne 'mysql') {
    tampered('a number twice', "DROP INDEX whk_key_by_number; UPDATE whk_key SET key_number = 3 $acme AND key_id = 'four'; "
          . "UPDATE whk_enterprise SET key_count = 5 $acme", $missing->(4), 'acme: key three: another key has the same number');
}

subtest 'a list that lacks a key, and a registration without a number' => sub {
    $server->restore($source);
    $server->sql("${disarm}UPDATE whk_key SET key_number = 1000 $acme AND key_id = 'three'; UPDATE whk_enterprise SET key_count = 4 WHERE enterprise_id = 'other'");
    $rearm->();
    $server->start;
    $w->client->close;
    my $admins = $w->admins;
    is($admins->get($w->client, '?limit=2')->status, 200, 'a page before it');
    refused($admins->get($w->client, $_), 500, 'internal_error', "GET keys$_") for '', '?limit=1&prevId=2', '?prevId=1';
    like($server->error_log, qr/webhook_keys:error.*key number 3 of enterprise acme is missing: run whkctl audit verify/, 'the log tells the operator');
    is($admins->get($w->client, '?status=ACTIVE')->json->{total}, 3, 'the ACTIVE ones are all there');
    $server->sql("UPDATE whk_enterprise SET key_count = 1 WHERE enterprise_id = 'other'");
    my $key = $w->key('EdDSA', kid => 'third', enterprise => 'other', register => 0);
    my $r = $w->admins('other')->register($w->client, { jwks => WHK::Keys::jwks({ %{ $key->{jwk} }, kid => 'third' }) });
    refused($r, 500, 'internal_error', 'a key whose number is taken');
    like($server->error_log, qr/webhook_keys:error.*the row of enterprise other does not know of its key number 2: run whkctl audit verify/, '... and why');
    $server->sql("UPDATE whk_enterprise SET key_count = 2 WHERE enterprise_id = 'other'");
    is($w->admins('other')->register($w->client, { jwks => WHK::Keys::jwks({ %{ $key->{jwk} }, kid => 'third' }) })->status, 201, '... and with the number put right it is registered');
    $server->stop;
};
subtest 'a status that somebody gave to a row, whatever is counted' => sub {
    $server->start if !$server->pid;
    for my $case (['ACTIVE made REVOKED', "status = 'REVOKED'", 'three', 'REVOKED'], ['REVOKED made ACTIVE', "status = 'ACTIVE', revoked_at = NULL, revoked_by = NULL", 'two', 'ACTIVE']) {
        my ($name, $set, $kid, $status) = @{$case};
        $server->restore($source);
        for my $counters ('active_keys = active_keys', 'active_keys = 0', 'active_keys = key_count') {
            $server->sql("${disarm}UPDATE whk_key SET $set $acme AND key_id = '$kid'; UPDATE whk_enterprise SET $counters $acme");
            $rearm->();
            my $r = $w->admins->get($w->client, "?status=$status");
            refused($r, 500, 'internal_error', "$name, $counters");
        }
    }
};

subtest 'counters that are not so' => sub {
    $server->restore($source);
    $server->sql("UPDATE whk_enterprise SET active_keys = 0 $acme");
    is($w->admins->revoke($w->client, 'one')->status, 200, 'a revoke does not hang on them');
    $server->sql("UPDATE whk_enterprise SET key_count = 9223372036854775807 $acme");
    my $r = $w->admins->register($w->client, { keyId => 'more', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) });
    refused($r, 500, 'internal_error', 'a registration has no number then');
};

done_testing;
