# SPDX-License-Identifier: Apache-2.0
# A registry of version 3, as the code of then wrote it (t/fixtures/registry_3.*: its dump, its secret key, the private key
# of acme's key `good`, and acme's admin), is brought to this version: verified, sealed, its keys numbered, all or nothing.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::OTP;
use WHK::Seals;
use WHK::Server;
use WHK::Webhooks;

plan skip_all => 'other databases have no registry of a version before 4' if $WHK::Server::db_kind ne 'sqlite';

my $fixture = "$WHK::Server::root/t/fixtures/registry_3";
my $w      = WHK::Webhooks->new(enterprise => 'acme', init => 0, start => 0, children => 1);
my $server = $w->server;
my $text   = sub { open my $in, '<', shift or die $!; local $/; return scalar <$in> };
my $admin  = JSON::PP->new->decode($text->("$fixture.json"));
my $good   = { kid => 'good', alg => 'EdDSA', pem => "$fixture.pem", enterprise => 'acme' };

sub build {
    my $more = shift // '';
    unlink map { $server->db . $_ } '', '-wal', '-shm';
    unlink $server->dir . '/secret.key';
    copy("$fixture.key", $server->dir . '/secret.key') or die $!;
    chmod 0600, $server->dir . '/secret.key';
    my ($status, $out, $err) = WHK::Server::run_command('sh', '-c', "sqlite3 '" . $server->db . "' < '$fixture.sql'");
    die $err if $status;
    chmod 0640, $server->db;
    $server->sql('PRAGMA journal_mode = WAL');
    $server->sql($more) if $more;
    return;
}

sub version { return $server->sql('SELECT max(version) FROM whk_schema') }
sub columns { return join ' ', map { $server->sql("SELECT count(*) FROM pragma_table_info('$_') WHERE name = 'seal'") } qw(whk_key whk_admin whk_event) }

my $drop = 'DROP TRIGGER whk_key_stays; DROP TRIGGER whk_key_stays_revoked; DROP TRIGGER whk_event_stays; DROP TRIGGER whk_event_stays_as_it_is; ';
my $keep = $drop =~ s/DROP TRIGGER (\w+);/CREATE TRIGGER $1 BEFORE DELETE ON whk_event BEGIN SELECT 1; END;/gr;

subtest 'what does not hold together is not sealed' => sub {
    my @cases = (
        ['an event edited',   "UPDATE whk_event SET actor = 'x' WHERE enterprise_id = 'acme' AND id = 2", qr/enterprise acme: event 2: /],
        ['an event missing',  "DELETE FROM whk_event WHERE enterprise_id = 'acme' AND id = 2",            qr/enterprise acme: event 3: an event before/],
        ['the last missing',  "DELETE FROM whk_event WHERE enterprise_id = 'other'",                      qr/enterprise other: event 1: this event is missing/],
        ['another head',      "UPDATE whk_enterprise SET event_head = 'x' WHERE enterprise_id = 'other'", qr/enterprise other: event 1: its hash/],
        ['other material',    "UPDATE whk_key SET jwk = replace(jwk, '\"x\":\"', '\"x\":\"A') WHERE key_id = 'good'", qr/enterprise acme: key good: its material has another thumbprint/],
        ['a key without events', "INSERT INTO whk_key SELECT 9, 'i', 'acme', 'new', 'n', algorithm, NULL, jwk, thumbprint, status, created_at, created_by, NULL, NULL, NULL, NULL FROM whk_key WHERE key_id = 'beside'", qr/enterprise acme: key new: no event tells/],
        ['a key gone',        "DELETE FROM whk_key WHERE key_id = 'good'", qr/enterprise acme: key good: its row is missing/],
        ['a revoked key revived', "UPDATE whk_key SET status = 'ACTIVE', revoked_at = NULL, revoked_by = NULL WHERE key_id = 'revoked'", qr/enterprise acme: key revoked: it is ACTIVE/],
    );
    for my $case (@cases) {
        my ($name, $sql, $like) = @$case;
        build("$drop$sql; $keep");
        my ($status, $out, $err) = $server->ctl('migrate');
        is($status, 1, $name);
        like($err, $like, '... is named');
        is(version() . ' ' . columns(), '3 0 0 0', '... and nothing was done');
    }
};

subtest 'without the secret key there is none' => sub {
    build();
    rename $server->dir . '/secret.key', $server->dir . '/away';
    for my $command ('migrate', 'init') {
        $server->write_conf(secret => '', conf => '');
        my ($status, $out, $err) = $server->ctl($command);
        is($status, 1, "$command without WebhookKeysSecretKeyFile");
        like($err, qr/WebhookKeysSecretKeyFile/, '... says what is missing');
    }
    is(version(), 3, 'nothing was done');
    rename $server->dir . '/away', $server->dir . '/secret.key';
    $server->write_conf(conf => '');
};

subtest 'killed in the middle' => sub {
    my $count = 20_000;
    my ($row)  = WHK::Seals::rows($server->db, "SELECT event_count, event_head FROM whk_enterprise WHERE enterprise_id = 'other'");
    my ($previous, @sql) = ($row->{event_head}, 'BEGIN');
    for my $id ($row->{event_count} + 1 .. $count) {
        my $event = { enterprise_id => 'other', id => $id, type => 'key.registration_refused', actor => 'admin1@other', at => 1795652981269 + $id, detail => 'invalid_json' };
        $previous = WHK::Seals::event_hash($previous, $event);
        push @sql, "INSERT INTO whk_event (enterprise_id, id, type, actor, at, detail, hash) VALUES ('other', $id, '$event->{type}', '$event->{actor}', $event->{at}, 'invalid_json', '$previous')";
    }
    push @sql, "UPDATE whk_enterprise SET event_count = $count, event_head = '$previous' WHERE enterprise_id = 'other'", 'COMMIT';
    my $file = $server->dir . '/many.sql';
    open my $out, '>', $file or die $!;
    print $out join(";\n", @sql), ";\n";
    close $out;
    build(".read $file");
    my $killed = 0;
    for my $delay (map { 0.02 * $_ * $_ } 1 .. 12) {
        my $pid = fork // die $!;
        if (!$pid) {
            open STDOUT, '>', '/dev/null';
            open STDERR, '>', '/dev/null';
            exec(@WHK::Server::whkctl, '-f', $server->conf, 'migrate') || POSIX::_exit(1);
        }
        sleep $delay;
        kill KILL => $pid;
        waitpid $pid, 0;
        last if version() == 9;
        $killed++;
        is(version() . ' ' . columns(), '3 0 0 0', "after $delay s: nothing of it was done");
    }
    cmp_ok($killed, '>=', 1, 'it was killed on its way');
    is(($server->ctl('migrate'))[0], 0, 'and is done by the next');
    is($server->sql('SELECT count(*) FROM whk_event WHERE seal IS NULL') + $server->sql('SELECT count(*) FROM whk_key WHERE seal IS NULL'), 0, 'all is sealed');
    is($server->ctl_json(qw(audit verify))->{ok}, JSON::PP::true, 'and every seal fits');
};

subtest 'a registry of version 3 serves on' => sub {
    build();
    $server->write_conf(conf => WHK::Webhooks::hooks(scheme => 'jws-detached Webhook-Signature') =~ s/\$\{WHK_BACKEND\}/$w->backend->uri/er . <<"API", modules => [@WHK::Webhooks::modules], children => 1);
AllowEncodedSlashes NoDecode
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName x
    Require webhook-keys-admin
</Location>
API
    $server->start;
    my %reads = (Authorization => "Bearer $admin->{token}");
    refused($w->client->request(GET => $server->keys('acme'), \%reads), 503, 'store_unavailable', 'before it is migrated');
    my $migrated = $server->ctl_json('migrate');
    is("$migrated->{fromVersion} $migrated->{schemaVersion}", '3 9', 'migrated');
    is($server->ctl_json('migrate')->{fromVersion}, 9, 'once');
    my $seals = WHK::Seals->new($server);
    for my $kind (qw(key admin event)) {
        my @wrong = grep { $_->{seal} ne $seals->seal($kind => $_) } WHK::Seals::rows($server->db, "SELECT * FROM whk_$kind");
        is(scalar @wrong, 0, "every $kind bears the seal that fits");
    }
    is(($server->ctl('check'))[0], 0, 'whkctl check is content');
    like($text->($server->dir . '/secret.key'), qr/^\S{43}\nsealed \S{22}\n\z/, 'the secret key file says that the rows are sealed');
    is($w->client->request(GET => $server->keys('acme'), \%reads)->json->{total}, 2, 'the keys are served');
    is($w->client->request(GET => $server->events('acme'), \%reads)->json->{total}, 4, 'and the events');
    # Within WebhookKeysRevocationLag of when httpd sees that it is migrated.
    my $passes = 0;
    for (1 .. 50) { last if $passes = $w->post($good, '{}')->status == 200; sleep 0.1 }
    ok($passes, 'a webhook passes');
    my %writes = (%reads, 'Content-Type' => 'application/json');
    my $register = sub {
        my ($kid, $jwk, $step) = @_;
        return $w->client->request(POST => $server->keys('acme'), { %writes, OTP => WHK::OTP::code($admin->{secret}, step => WHK::OTP::step_now() + $step) },
            JSON::PP->new->encode({ jwks => WHK::Keys::jwks({ %$jwk, kid => $kid }) }));
    };
    my $old = JSON::PP->new->decode($server->sql("SELECT jwk FROM whk_key WHERE key_id = 'revoked'"));
    is($register->('new', WHK::Keys::jwk('p256'), -1)->status, 201, 'a key is registered');
    refused($register->('again', $old, 0), 409, 'key_material_in_use', 'what was registered then is used up');
    refused($register->('revoked', WHK::Keys::jwk('p256'), 1), 400, 'key_id_taken', 'and its keyId too');
    is($server->ctl_json(qw(audit verify))->{ok}, JSON::PP::true, 'the trail goes on');
    $server->stop;
};
done_testing;
