# SPDX-License-Identifier: Apache-2.0
# Whoever can write the database, but not read the secret key file, forges nothing: no key that verifies, no admin, no
# event (SECURITY.md). Each attack is done by the database's own client, with httpd down and every trigger gone; then
# httpd reads it afresh.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Seals;
use WHK::Webhooks;

my $location = sub {
    my ($path, $scheme) = @_;
    return <<"HOOKS";
<LocationMatch "^/$path/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature  $scheme
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}"
</LocationMatch>
HOOKS
};
my $w = WHK::Webhooks->new(
    enterprise => 'acme', children => 1, before => 'WebhookKeysRevocationLag 300ms',
    hooks      => $location->('hooks', 'jws-detached Webhook-Signature') . $location->('std', 'standard-webhooks')
);
my $server = $w->server;
my $json   = JSON::PP->new->utf8->canonical;

# ---- a registry, and what its writer wants

my %key = map { $_ => $w->key('EdDSA', kid => $_) } qw(victim second steady burnt);
$w->revoke($key{burnt});
my $theirs  = $w->key('EdDSA', kid => 'theirs', enterprise => 'other');
my $mallory = $w->key('EdDSA', kid => 'victim', register => 0);
$w->admins->register($w->client, '{}') for 1 .. 3;
$server->ctl_ok('admin', 'add', 'acme', 'gone@acme');
my ($removed_admin) = WHK::Seals::rows($server, "SELECT * FROM whk_admin WHERE user_id = 'gone\@acme'");
my $mallory_token = $server->ctl_json('token', 'issue', 'mallory')->{token};
my $token         = $w->admins->{list}[0]{token};

sub jwk_text { my $jwk = shift; return $json->encode({ map { $_ => $jwk->{$_} } qw(crv kty x) }) }
sub thumbprint { return encode_base64url(sha256(jwk_text(shift))) }
my ($jwk, $print) = (jwk_text($mallory->{jwk}), thumbprint($mallory->{jwk}));

$server->stop;
my $source = $server->dir . '/source.db';
$server->backup($source);
my ($disarm, $rearm) = WHK::Seals::disarm_and_rearm($server);
my $changed = "; UPDATE whk_enterprise SET revision = revision + 1, change_number = 1 + (SELECT max(change_number) FROM whk_enterprise)";

sub put_back { return $server->restore($source) }

sub get {
    my ($path, %o) = @_;
    my %headers = (Authorization => 'Bearer ' . ($o{token} // $token), %{ $o{headers} // {} });
    my $r = $w->client->request($o{method} // 'GET', "$server->{prefix}/enterprises/acme/webhooks/$path", \%headers, $o{body});
    return $r;
}

sub write_as_admin { my ($method, $path, $body) = @_; return get($path, method => $method, headers => { $w->admins->write, 'Content-Type' => 'application/json' }, body => $body) }

sub findings {
    my @arguments = @_;
    my ($status, $out, $err) = $server->ctl(@arguments, '--json');
    my $said = eval { $json->decode($out) } // {};
    my @found = $arguments[0] eq 'check'
      ? map { "$_->{check} $_->{message}" } grep { $_->{result} eq 'problem' } @{ $said->{checks} // [] }
      : map { my $of = $_->{enterpriseId}; map { "rows enterprise $of: $_->{kind} $_->{name}: $_->{flaw}" } @{ $_->{findings} } } @{ $said->{enterprises} // [] };
    return ($status, join "\n", @found, $err);
}

# Done, and found out: `hooks` maps a path and a signer to the codes that a webhook may get, `api` requests to statuses.
sub attack {
    my ($name, $sql, %o) = @_;
    subtest $name => sub {
        put_back();
        ok(eval { $server->sql("$disarm$sql$changed"); $rearm->(); 1 }, 'done') or return diag $@;
        $server->start;
        $w->client->close;
        my $from = length $server->error_log;
        $w->backend->clear;
        for my $hook (@{ $o{hooks} // [] }) {
            my ($key, $codes, %how) = @$hook;
            my $r = $w->post($key, '{"paid":true}', %how);
            like($r->code // $r->status, qr/^(?:$codes)$/, "a webhook signed by $key->{kid}") or diag $r->body;
        }
        is($w->backend->count, 0, 'none arrived');
        for my $request (@{ $o{api} // [] }) {
            my ($wanted, @request) = @$request;
            my $r = @request > 1 ? write_as_admin(@request) : get($request[0], token => $o{token});
            is($r->status . ' ' . ($r->code // 'served'), $wanted, "@request[0 .. ($#request < 1 ? 0 : 1)]") or diag $r->body;
            unlike($r->body, qr/seal|trusted|audit/, '... and tells no more') if $wanted =~ /^500/;
        }
        like(substr($server->error_log, $from), $o{log}, 'the log tells the operator') if $o{log};
        if ($o{steady} // 1) {
            is($w->post($key{steady}, '{}')->status, 200, 'the other key of the enterprise verifies');
            is($w->post($key{steady}, '{}', scheme => 'standard-webhooks', path => '/std/acme/x')->status, 200, '... also where all are tried');
        }
        for my $command ([qw(audit verify)], ['check']) {
            my ($failed, $found) = findings(@$command);
            is($failed, 1, "whkctl @$command: exit status 1");
            like($found, $o{found}, '... and names it');
        }
        $server->stop;
    };
    return;
}

my $victim = "WHERE enterprise_id = 'acme' AND key_id = 'victim'";
my $second = "WHERE enterprise_id = 'acme' AND key_id = 'second'";
my @columns = qw(id enterprise_id key_id key_name algorithm jwks_uri jwk thumbprint status created_at created_by last_used_at revoked_at revoked_by remote_flaw seal key_number);
my $bad  = '500 internal_error';
my $log  = qr/webhook_keys:error.*the row of key victim of enterprise acme is not to be trusted: .* run whkctl audit verify/;
my $named = qr/rows enterprise acme: key victim: /;
my @everywhere = (
    [$bad, 'keys/victim'], [$bad, 'keys'], [$bad, 'keys?limit=1'], [$bad, 'jwks.json'],
    [$bad, POST => 'keys/victim/verify', '{"jws":"a..b"}'], [$bad, DELETE => 'keys/victim', undef],
    [$bad, POST => 'keys', $json->encode({ jwks => WHK::Keys::jwks({ %{ WHK::Keys::jwk('ed25519') }, kid => 'victim' }) })]
);
my %victim_is_bad = (
    hooks => [[$mallory, 'internal_error'], [$key{victim}, 'internal_error'], [$mallory, 'bad_signature', scheme => 'standard-webhooks', path => '/std/acme/x']],
    api => \@everywhere, log => $log, found => $named
);

# ---- keys

attack('his own key in a row', "UPDATE whk_key SET jwk = '$jwk' $victim", %victim_is_bad);
attack('his own key in a row, with its thumbprint', "UPDATE whk_key SET jwk = '$jwk', thumbprint = '$print' $victim", %victim_is_bad);
attack("another's seal with it", "UPDATE whk_key SET jwk = '$jwk', thumbprint = '$print', seal = (SELECT seal FROM whk_key $second) $victim", %victim_is_bad);
for my $case (['material of two keys swapped', ''], ['... and their seals', ', seal = (SELECT seal FROM whk_key %s)']) {
    my ($name, $seal) = @$case;
    my $of = sub { my $from = shift; return join(', ', map { "$_ = (SELECT $_ FROM copy $from)" } qw(jwk thumbprint)) . ($seal ? ", seal = (SELECT seal FROM copy $from)" : '') };
    attack($name, "CREATE TABLE copy AS SELECT * FROM whk_key; UPDATE whk_key SET thumbprint = 'x' $victim; UPDATE whk_key SET " . $of->($victim) . " $second; "
          . 'UPDATE whk_key SET ' . $of->($second) . " $victim; DROP TABLE copy",
        hooks => [[$key{second}, 'internal_error'], [{ %{ $key{second} }, kid => 'victim' }, 'internal_error'], [{ %{ $key{victim} }, kid => 'second' }, 'internal_error']],
        api => \@everywhere, log => $log, found => qr/key second: .*key victim: |key victim: .*key second: /s);
}
# The number that follows on the last, and the enterprise's row knows of it: lists lead there.
my $next    = "(SELECT 1 + key_count FROM whk_enterprise WHERE enterprise_id = 'acme')";
my $counted = "; UPDATE whk_enterprise SET key_count = key_count + 1 WHERE enterprise_id = 'acme'";
my $to = sub {
    my (%value) = (key_number => $next, @_);
    return join ', ', map { $value{$_} // $_ } @columns;
};
attack('a row of another enterprise', 'INSERT INTO whk_key (' . join(', ', @columns) . ') SELECT ' . $to->(enterprise_id => "'acme'") . " FROM whk_key WHERE key_id = 'theirs'$counted",
    hooks => [[$theirs, 'internal_error']], api => [[$bad, 'keys/theirs'], [$bad, 'keys'], [$bad, 'jwks.json']], found => qr/key theirs: its seal does not fit/);
attack('a row of another enterprise, moved', "UPDATE whk_key SET enterprise_id = 'acme', key_number = $next WHERE key_id = 'theirs'$counted",
    hooks => [[$theirs, 'internal_error']], api => [[$bad, 'keys/theirs'], [$bad, 'keys']], found => qr/enterprise acme: key theirs: its seal.*enterprise other: key theirs: its row is missing/s);
attack('a row of his own', "INSERT INTO whk_key (" . join(', ', @columns) . ") SELECT " . $to->(key_id => "'new'", jwk => "'$jwk'", thumbprint => "'$print'") . " FROM whk_key $victim$counted",
    hooks => [[{ %$mallory, kid => 'new' }, 'internal_error']], api => [[$bad, 'keys/new'], [$bad, 'keys']], found => qr/key new: /);
attack('a revoked key revived', "UPDATE whk_key SET status = 'ACTIVE', revoked_at = NULL, revoked_by = NULL WHERE key_id = 'burnt'",
    hooks => [[$key{burnt}, 'internal_error'], [$key{burnt}, 'bad_signature', scheme => 'standard-webhooks', path => '/std/acme/x']], api => [[$bad, 'keys/burnt'], [$bad, 'keys?status=ACTIVE']], found => qr/key burnt: /);
attack("a key revoked in another's name", "UPDATE whk_key SET status = 'REVOKED', revoked_at = 1, revoked_by = 'admin1\@acme' $victim",
    hooks => [[$key{victim}, 'internal_error']], api => [@everywhere[0, 1]], log => $log, found => $named);
for my $case (
    [key_name => q('x')], [algorithm => q('RSA')], [created_by => q('mallory')], [created_at => 'created_at + 1'], [id => q('x')], [jwks_uri => q('https://mallory.example/')],
    [remote_flaw => q('gone')], [revokes_at => 1], [revokes_at => 9_999_999_999_999], [followed_by => q('*')], [gone_at => 1], [status => q('active')], [remote_flaw => q('nonsense')], [revoked_by => q('x')], [seal => 'NULL'], [seal => q('')], [seal => q('v1.')],
    [seal => 'substr(seal, 1, length(seal) - 1)'], [seal => "(SELECT min(seal) FROM whk_event WHERE key_id = 'victim')"], [seal => '(SELECT min(seal) FROM whk_admin)'],
    [seal => q(replace(seal, 'v1.', 'v2.'))]
) {
    my ($column, $value) = @$case;
    # Not even its owner gets these past the constraints of PostgreSQL.
    next if $server->driver eq 'pgsql' && $value =~ /^'(?:active|nonsense)'$/;
    attack("$column = $value", "UPDATE whk_key SET $column = $value $victim", hooks => [[$key{victim}, $value eq q('active') ? 'unknown_key' : 'internal_error']],
        api => [@everywhere[0, 1]], found => $named);
}
attack('a row deleted', "DELETE FROM whk_key $victim", hooks => [[$key{victim}, 'unknown_key']], api => [['404 key_not_found', 'keys/victim']],
    found => qr/key victim: its row is missing, but events tell of it/);
attack('a row deleted, and its material forgotten', "DELETE FROM whk_used_material WHERE thumbprint = (SELECT thumbprint FROM whk_key $victim); DELETE FROM whk_key $victim",
    hooks => [[$key{victim}, 'unknown_key']], found => qr/material \S+: events tell of it.*key victim: its row is missing/s);
attack('used material forgotten', "DELETE FROM whk_used_material WHERE key_id = 'burnt'",
    api => [['409 key_material_in_use', POST => 'keys', $json->encode({ jwks => WHK::Keys::jwks({ %{ $key{burnt}{jwk} }, kid => 'again' }) })]], found => qr/material \S+: /);

my $forgotten = "DELETE FROM whk_used_material WHERE key_id = 'burnt'; DELETE FROM whk_key WHERE key_id = 'burnt'";
my $burnt_as = sub { my $kid = shift; return $json->encode({ jwks => WHK::Keys::jwks({ %{ $key{burnt}{jwk} }, kid => $kid }) }) };
attack('a revoked key forgotten, and registered again', $forgotten, api => [['201 served', POST => 'keys', $burnt_as->('burnt')]], found => qr/key burnt: its events tell of two registrations/);
attack('... by another keyId', $forgotten, api => [['201 served', POST => 'keys', $burnt_as->('again')]], found => qr/key again: its events tell of key material that was registered before/);

# ---- admins

my @admin_api = ([$bad, 'keys'], [$bad, 'key-events'], [$bad, 'jwks.json']);
my $admin_named = qr/rows enterprise acme: admin mallory: /;
my %as_mallory = (token => $mallory_token, api => \@admin_api, log => qr/the row that makes mallory an admin of enterprise acme is not to be trusted/, found => $admin_named);
attack('himself an admin', "INSERT INTO whk_admin (enterprise_id, user_id, created_at) VALUES ('acme', 'mallory', 1)", %as_mallory);
attack("... with another's seal", "INSERT INTO whk_admin SELECT enterprise_id, 'mallory', created_at, seal FROM whk_admin WHERE user_id = 'admin1\@acme'", %as_mallory);
attack('... in the place of another', "UPDATE whk_admin SET user_id = 'mallory' WHERE user_id = 'admin1\@acme'", %as_mallory);
attack('... with the seal of a key', "INSERT INTO whk_admin SELECT 'acme', 'mallory', 1, seal FROM whk_key $victim", %as_mallory);
attack("another enterprise's admin", "INSERT INTO whk_admin SELECT 'acme', user_id, created_at, seal FROM whk_admin WHERE user_id = 'admin1\@other'",
    token => $w->admins('other')->{list}[0]{token}, api => \@admin_api, found => qr/admin admin1\@other: its seal does not fit/);

# ---- events

my $where = "WHERE enterprise_id = 'acme' AND id";
my ($count) = map { $_->{event_count} } WHK::Seals::rows($server, "SELECT event_count FROM whk_enterprise WHERE enterprise_id = 'acme'");
my @trail = WHK::Seals::rows($server, "SELECT * FROM whk_event WHERE enterprise_id = 'acme' ORDER BY id");

sub quoted { my $text = shift; return 'NULL' if !defined $text; $text =~ s/'/''/g; return "'$text'" }

# The trail with a change, and every hash from there on as it follows: what plain hashes let anybody do.
sub recomputed {
    my ($change, $events) = @_;
    my $previous = '';
    my @sql = "DELETE FROM whk_event WHERE enterprise_id = 'acme'";
    for my $event (map { {%$_} } @{ $events // \@trail }) {
        $change->($event);
        $event->{hash} = $previous = WHK::Seals::event_hash($previous, $event);
        push @sql, 'INSERT INTO whk_event (' . join(', ', sort keys %$event) . ') VALUES (' . join(', ', map { quoted($event->{$_}) } sort keys %$event) . ')';
    }
    my $last = @{ $events // \@trail };
    return join '; ', @sql, "UPDATE whk_enterprise SET event_head = '$previous', event_count = $last WHERE enterprise_id = 'acme'";
}

my @trail_api = ([$bad, 'key-events']);
my $event_found = sub { my $id = shift; return qr/rows enterprise acme: event $id: / };
attack('an event edited', "UPDATE whk_event SET actor = 'mallory' $where = 2", api => \@trail_api, found => $event_found->(2));
attack('an event edited, with a hash that fits', "UPDATE whk_event SET actor = 'mallory', hash = '" . WHK::Seals::event_hash($trail[0]{hash}, { %{ $trail[1] }, actor => 'mallory' }) . "' $where = 2", api => \@trail_api, found => $event_found->(2));
attack('the whole trail computed anew', recomputed(sub { my $e = shift; $e->{actor} = 'mallory' if $e->{id} == 2 }), api => \@trail_api, found => $event_found->(2));
attack('... without a seal', recomputed(sub { my $e = shift; $e->{seal} = undef }), api => \@trail_api, found => $event_found->(1));
attack('an event dropped', "DELETE FROM whk_event $where = 2", api => \@trail_api, found => $event_found->(3));
attack('... and all computed anew', recomputed(sub { my $e = shift; $e->{id}-- if $e->{id} > 2 }, [@trail[0, 2 .. $#trail]]), api => \@trail_api, found => $event_found->(2));
attack('two events in another order', "UPDATE whk_event SET id = -2 $where = 2; UPDATE whk_event SET id = 2 $where = 3; UPDATE whk_event SET id = 3 $where = -2", api => \@trail_api, found => $event_found->(2));
attack('... and all computed anew', recomputed(sub { my $e = shift; $e->{id} = { 2 => 3, 3 => 2 }->{ $e->{id} } // $e->{id} }, [@trail[0, 2, 1, 3 .. $#trail]]), api => \@trail_api, found => $event_found->(2));
attack('an event added', recomputed(sub { my $e = shift; }, [@trail, { %{ $trail[-1] }, id => $count + 1, type => 'key.revoked', key_id => 'victim' }]), api => \@trail_api, found => $event_found->($count + 1));
attack('the last events forgotten, and the rows not', recomputed(sub { }, [@trail[0 .. 2]]), api => [['200 served', 'key-events']], found => qr/key burnt: no event tells of its registration/);
attack('many events edited, to hide a key', "UPDATE whk_event SET detail = 'x' WHERE enterprise_id = 'acme'; UPDATE whk_key SET jwk = '$jwk', thumbprint = '$print' $victim; "
      . "INSERT INTO whk_event (enterprise_id, id, type, actor, at, hash) WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) SELECT 'acme', i, 'x', 'x', i, 'x' FROM n; "
      . "UPDATE whk_enterprise SET event_count = 1200 WHERE enterprise_id = 'acme'", api => \@trail_api, found => qr/event 1: .*key victim: its seal does not fit/s);
attack("another enterprise's events", "INSERT INTO whk_event SELECT 'acme', id + $count, type, key_id, actor, at, remote_address, request_id, detail, hash, seal FROM whk_event WHERE enterprise_id = 'other' LIMIT 1",
    api => [['200 served', 'key-events']], found => $event_found->($count + 1));

# ---- and an operator who migrates

subtest 'a row without a seal, then whkctl migrate' => sub {
    put_back();
    $server->sql("${disarm}UPDATE whk_key SET jwk = '$jwk', thumbprint = '$print', seal = NULL $victim");
    is(($server->ctl('migrate'))[0], 0, 'there is nothing to migrate');
    is($server->sql("SELECT seal IS NULL FROM whk_key $victim"), 1, '... and it gets none');
    like((findings(qw(audit verify)))[1], $named, '... and is named');
};

subtest 'a registry put back to the version without seals' => sub {
    plan skip_all => 'there is none of other databases' if !$server->is_sqlite;
    put_back();
    my $bare = join '', map { "ALTER TABLE $_ DROP COLUMN seal; " } qw(whk_key whk_admin whk_event);
    $bare .= 'ALTER TABLE whk_remote_set DROP COLUMN etag_seal; ';
    $bare .= 'DROP INDEX whk_key_by_plan; ALTER TABLE whk_key DROP COLUMN revokes_at; ';
    $bare .= join '', map { "ALTER TABLE whk_key DROP COLUMN $_; " } qw(followed_by gone_at refused);
    $bare .= 'ALTER TABLE whk_remote_set DROP COLUMN asked_at; ';
    $bare .= 'DROP INDEX whk_key_by_number; DROP INDEX whk_key_by_status; ALTER TABLE whk_key DROP COLUMN key_number; ALTER TABLE whk_enterprise DROP COLUMN key_count; '
      . 'CREATE INDEX whk_key_by_age ON whk_key (enterprise_id, seq); CREATE INDEX whk_key_by_status ON whk_key (enterprise_id, status, seq); ';
    $server->sql("${disarm}${bare}DROP TABLE whk_used_material; DROP TABLE whk_idempotency_key; DROP TABLE whk_notification; DROP INDEX whk_key_by_use; ALTER TABLE whk_key DROP COLUMN warned_at; ALTER TABLE whk_key DROP COLUMN unused_at; DELETE FROM whk_schema WHERE version >= 4; UPDATE whk_key SET jwk = '$jwk', thumbprint = '$print' $victim; "
          . 'CREATE TRIGGER whk_event_stays_as_it_is BEFORE UPDATE ON whk_event BEGIN SELECT 1; END');
    my ($status, $out, $err) = $server->ctl('migrate');
    is($status, 1, 'is not sealed anew');
    like($err, qr/secret\.key says that the rows of this registry were sealed before/, '... and why');
    is($server->sql('SELECT max(version) FROM whk_schema'), 3, '... and nothing was done');
};

subtest 'names that are ours' => sub {
    put_back();
    my $seals = WHK::Seals->new($server);
    my %tokens;
    for my $user ('schedule', 'background', 'operator:root', 'operator:') {
        for my $command ([qw(admin add acme)], [qw(token issue)], [qw(otp enroll)]) {
            my ($status, $out, $err) = $server->ctl(@$command, $user);
            is($status, 1, "@$command $user");
            like($err, qr/USER must not be schedule, background or begin with operator:/, '... says why');
        }
        # Whatever the database says, the seal included.
        my $row = { enterprise_id => 'acme', user_id => $user, created_at => 7 };
        $server->sql(sprintf "INSERT INTO whk_admin VALUES ('acme', '%s', 7, '%s')", $user, $seals->seal(admin => $row));
        my $id = $server->ctl_json('token', 'issue', 'somebody');
        $server->sql("UPDATE whk_token SET user_id = '$user' WHERE id = '$id->{id}'");
        $tokens{$user} = $id->{token};
    }
    my ($status, $found) = findings('check');
    is($status, 1, 'whkctl check');
    $server->start;
    for my $user (sort keys %tokens) {
        like($found, qr/admins user \Q$user\E, admin of acme, is refused/, "... names $user");
        refused(get('keys', token => $tokens{$user}), 403, 'not_enterprise_admin', $user);
        like($server->error_log, qr/user \Q$user\E is nobody's admin/, '... and the log tells why');
    }
    $server->ctl_ok('admin', 'remove', 'acme', $_) for sort keys %tokens;
    is((findings('check'))[0], 0, 'they can be removed');
    is($server->ctl_ok('admin', 'add', 'acme', $_) =~ /admin/, 1, "$_ is nobody's") for 'scheduler', 'Background', 'my operator:x';
    $server->stop;
};
done_testing;
