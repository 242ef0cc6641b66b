# SPDX-License-Identifier: Apache-2.0
# Whoever can write the database can also put a view in a table's place, which answers what was not asked: a row of
# another enterprise or user, seal and all. What is read must be what was asked for.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use JSON::PP;
use WHK::Keys;
use WHK::OTP;
use WHK::Seals;
use WHK::Server;
use WHK::Webhooks;

plan skip_all => "views of SQLite's; t/databases_schema.t has whkctl name one on other databases" if $WHK::Server::db_kind ne 'sqlite';

my $w = WHK::Webhooks->new(
    enterprise => 'acme', children => 1, before => <<'HOOKS'
<LocationMatch "^/hooks/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature  jws-detached Webhook-Signature
    Require valid-webhook
    ProxyPass "${WHK_BACKEND}"
</LocationMatch>
<LocationMatch "^/std/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature  standard-webhooks
    Require valid-webhook
    ProxyPass "${WHK_BACKEND}"
</LocationMatch>
HOOKS
);
my $server = $w->server;
my $json   = JSON::PP->new->utf8->canonical;
my $steady = $w->key('EdDSA', kid => 'steady');
my $theirs = $w->key('EdDSA', kid => 'theirs', enterprise => 'other');
my $burnt  = $w->key('EdDSA', kid => 'burnt');
$w->revoke($burnt);
my $mallory = $w->admins('other')->{list}[0];
my $alice   = $w->admins->{list}[0];
my $at_hand = $server->ctl_json('token', 'issue', $alice->{user})->{token};

$server->stop;
my $source = $server->dir . '/source.db';
$server->sql("VACUUM INTO '$source'");
my $disarm = join '', 'PRAGMA foreign_keys = OFF; ', map { "DROP TRIGGER $_; " } split /\n/, $server->sql("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name NOT LIKE 'again_%'");
my $many = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)';

# A view in the place of a table. SQLite computes a column anew where a row is compared and where it is answered, so that
# `said`, one time in fifty, is compared and what stands in the row is answered.
sub view {
    my ($table, $column, $said, $from) = @_;
    my $columns = join ', ', map { $_ eq $column ? "CASE WHEN (random() + i) % 50 = 0 THEN '$said' ELSE $column END AS $column" : $_ }
      split /\n/, $server->sql("SELECT name FROM pragma_table_info('$table')");
    return "ALTER TABLE $table RENAME TO old_$table; CREATE VIEW $table AS $many SELECT $columns FROM old_$table, n WHERE $from";
}

sub attack {
    my ($name, $sql, $code) = @_;
    subtest $name => sub {
        unlink $server->db . $_ for qw(-wal -shm);
        copy($source, $server->db) or die $!;
        chmod 0640, $server->db;
        my ($status, $out, $err) = WHK::Server::run_command('sqlite3', $server->db, $disarm . $sql->());
        is($err, '', 'done') or return;
        $server->start;
        $w->client->close;
        $w->backend->clear;
        $code->();
        is($w->backend->count, 0, 'nothing arrived');
        $server->stop;
    };
    return;
}

sub get {
    my ($path, $token, %o) = @_;
    return $w->client->request($o{method} // 'GET', "$server->{prefix}/enterprises/acme/webhooks/$path",
        { Authorization => "Bearer $token", 'Content-Type' => 'application/json', %{ $o{headers} // {} } }, $o{body});
}

sub bad { my ($r, $name) = @_; is($r->status . ' ' . ($r->code // 'served'), '500 internal_error', $name) or diag $r->body; return }

sub named {
    for my $command ([qw(audit verify)], ['check']) {
        my ($status, $out, $err) = $server->ctl(@$command);
        is($status, 1, "whkctl @$command: exit status 1") or diag $out;
        like($out, qr/table whk_\w+: something else stands in its place/, '... and names what is none of ours');
    }
    return;
}

my $new = sub { return $json->encode({ jwks => WHK::Keys::jwks({ %{ WHK::Keys::jwk('ed25519') }, kid => 'new' }) }) };

attack("another enterprise's keys", sub { view(whk_key => enterprise_id => 'acme', "enterprise_id = 'other'") }, sub {
    isnt($w->post($theirs, '{}')->status, 200, 'a webhook that they signed');
    isnt($w->post($theirs, '{}', scheme => 'standard-webhooks', path => '/std/acme/x')->status, 200, '... where all are tried');
    isnt(get("keys/theirs/verify", $at_hand, method => 'POST', body => '{"jws":"a..b"}')->status, 200, 'is not verified');
    bad(get($_, $at_hand), $_) for 'keys/theirs', 'keys', 'jwks.json';
    named();
});
attack('another key under a keyId', sub { view(whk_key => key_id => 'victim', "key_id = 'steady'") }, sub {
    bad(get('keys/victim', $at_hand), 'keys/victim');
});
attack('a revoked key among the ACTIVE', sub { view(whk_key => status => 'ACTIVE', "key_id = 'burnt'") }, sub {
    isnt($w->post($burnt, '{}')->status, 200, 'a webhook that it signed');
    bad(get($_, $at_hand), $_) for 'keys?status=ACTIVE', 'jwks.json';
});
attack("another's row of an admin", sub { view(whk_admin => user_id => $mallory->{user}, "enterprise_id = 'acme'") }, sub {
    bad(get('keys', $mallory->{token}), 'he reads nothing');
    bad(get('keys', $mallory->{token}, method => 'POST', headers => { OTP => WHK::OTP::code($mallory->{secret}) }, body => $new->()), '... and registers nothing');
});
attack("an admin of another enterprise", sub { view(whk_admin => enterprise_id => 'acme', "enterprise_id = 'other'") }, sub {
    bad(get('keys', $mallory->{token}), 'he reads nothing');
    named();
});
attack("another's codes", sub { view(whk_otp => user_id => $alice->{user}, "user_id = '$mallory->{user}'") }, sub {
    bad(get('keys', $at_hand, method => 'POST', headers => { OTP => WHK::OTP::code($mallory->{secret}) }, body => $new->()), 'open nothing');
});
attack("another enterprise's events", sub { view(whk_event => enterprise_id => 'acme', "enterprise_id = 'other'") . "; UPDATE whk_enterprise SET (event_count, event_head) = (SELECT event_count, event_head FROM whk_enterprise WHERE enterprise_id = 'other')" }, sub {
    bad(get('key-events', $at_hand), 'key-events');
    named();
});
done_testing;
