# SPDX-License-Identifier: Apache-2.0
# WebhookKeysTokenQuery, WebhookKeysAdminQuery and WebhookKeysOTPSecretQuery: a fleet that has its tokens, admins and secrets in
# tables of its own, in the registry's database.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use Time::HiRes qw(sleep);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::OTP;
use WHK::Parallel;
use WHK::Server;

my $queries = <<'CONF';
WebhookKeysTokenQuery     "SELECT login FROM fleet_token WHERE sha256 = %s AND good = 1"
WebhookKeysAdminQuery     "SELECT org, login FROM fleet_member WHERE org = %s AND login = %s AND role LIKE 'adm%%'"
WebhookKeysOTPSecretQuery "SELECT login, secret, algorithm, digits, period FROM fleet_totp WHERE login = %s"
CONF
my $server = WHK::Server->new(children => 2, location => $queries);
my $client = WHK::Client->new($server->port);
my $json   = JSON::PP->new->utf8;
my @keys   = WHK::Keys::many(60);
my $secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

$server->sql($_) for 'CREATE TABLE fleet_token (sha256 VARCHAR(64), login VARCHAR(255), good INTEGER)', 'CREATE TABLE fleet_member (org VARCHAR(255), login VARCHAR(255), role VARCHAR(20))',
  'CREATE TABLE fleet_totp (login VARCHAR(255), secret VARCHAR(255), algorithm VARCHAR(20), digits INTEGER, period INTEGER)';
sub has { my ($table, @values) = @_; $server->sql("INSERT INTO $table VALUES (" . join(', ', map { defined ? "'$_'" : 'NULL' } @values) . ')'); return }
my %token = map { $_ => "token-of-$_" } qw(alice bob carol dave);
has('fleet_token', sha256_hex($token{$_}), $_, 1) for sort keys %token;
has('fleet_member', 'acme', $_, 'admin') for qw(alice carol dave);
has('fleet_member', 'acme', 'bob',   'guest');
has('fleet_member', 'none', 'alice', 'admin');
has('fleet_totp', 'alice', $secret, undef, undef, undef);
has('fleet_totp', 'carol', lc($secret =~ s/(....)/$1 /gr), 'SHA256', 8, 60);
$server->ctl_ok(qw(enterprise add), $_) for qw(acme beta);

sub get { my ($user, $enterprise) = @_; return $client->request(GET => $server->keys($enterprise // 'acme'), { Authorization => 'Bearer ' . ($token{$user} // $user) }) }
sub register {
    my ($user, $code, $kid, $with) = @_;
    return ($with // $client)->request(POST => $server->keys('acme'), { Authorization => "Bearer $token{$user}", 'Content-Type' => 'application/json', (defined $code ? (OTP => $code) : ()) }, $json->encode({ keyId => $kid, jwks => WHK::Keys::jwks(shift @keys) }));
}
my %how = (alice => [$secret], carol => [ $secret, algorithm => 'sha256', digits => 8, period => 60 ]);
sub code_of { my $user = shift; return WHK::OTP::code(@{ $how{$user} }) }

subtest 'tokens' => sub {
    is(get('alice')->status, 200, 'one that is there');
    refused(get('x'), 401, 'invalid_token', 'one that is not');
    $server->sql("UPDATE fleet_token SET good = 0 WHERE login = 'alice'");
    refused(get('alice'), 401, 'invalid_token', 'one that is good no more, at once');
    $server->sql("UPDATE fleet_token SET good = 1 WHERE login = 'alice'");
    refused(get("' OR '1'='1"), 401, 'invalid_token', 'one that is SQL');
    has('fleet_token', sha256_hex('shared'), $_, 1) for qw(alice carol);
    refused(get('shared'), 401, 'invalid_token', 'one that two users have');
    my $issued = $server->ctl_ok(qw(token issue alice)) =~ s/\s+\z//r;
    refused(get($issued), 401, 'invalid_token', "one of whkctl's");
};

subtest 'admins' => sub {
    refused(get('bob'), 403, 'not_enterprise_admin', 'no admin');
    refused(get('alice', 'beta'), 403, 'not_enterprise_admin', 'of another enterprise');
    refused(get('alice', 'none'), 403, 'not_enterprise_admin', 'of one that the registry does not have');
    refused(get('alice', "x'%20OR%20'1'='1"), 403, 'not_enterprise_admin', 'an enterprise that is SQL');
    $server->ctl_ok(qw(admin add acme bob));
    refused(get('bob'), 403, 'not_enterprise_admin', "an admin of whkctl's");
    $server->sql("DELETE FROM fleet_member WHERE login = 'dave'");
    refused(get('dave'), 403, 'not_enterprise_admin', 'one who is none any more, at once');
    has('fleet_member', 'acme', 'DAVE', 'admin');
    refused(get('dave'), 403, 'not_enterprise_admin', 'whatever the database takes for the same name');
    has('fleet_token', sha256_hex('ours'), 'operator:root', 1);
    has('fleet_member', 'acme', 'operator:root', 'admin');
    refused(get('ours'), 403, 'not_enterprise_admin', 'a name of ours');
};

subtest 'one-time passwords' => sub {
    refused(register('alice', undef, 'a'), 401, 'otp_required', 'none');
    my $code = code_of('alice');
    my $r    = register('alice', $code, 'a');
    is($r->status, 201, 'a code') or diag $r->body;
    is($r->json->{createdBy}, 'alice', '... of hers');
    refused(register('alice', $code, 'b'), 401, 'otp_invalid', '... works once');
    $r = register('carol', code_of('carol'), 'c');
    is($r->status, 201, 'of 8 digits by SHA-256 a minute, from base32 as people write it') or diag $r->body;
    has('fleet_member', 'acme', 'dave', 'admin');
    refused(register('dave', '000000', 'd'), 401, 'otp_invalid', 'a user without a secret');
    $server->sql("UPDATE whk_otp SET failures = 0, last_step = -1");
    my $shown   = code_of('alice');
    my @answers = WHK::Parallel::run(map { my $key = shift @keys; sub { unshift @keys, $key; return register('alice', $shown, "raced-$$", WHK::Client->new($server->port))->status } } 1 .. 4);
    is_deeply([ sort @answers ], [ 201, (401) x 3 ], 'one code four times at once: one');
    $server->sql("UPDATE whk_otp SET failures = 0");
    refused(register('alice', "00000$_", 'e'), 401, 'otp_invalid', "a guess $_") for 1 .. 5;
    refused(register('alice', '000006', 'e'), 429, 'otp_locked', '... and the lock');
    $server->ctl_ok(qw(otp unlock alice));
    $server->sql("UPDATE whk_otp SET last_step = -1");
    is(register('alice', code_of('alice'), 'f')->status, 201, 'it is lifted');
};

subtest 'another period' => sub {
    $server->sql("UPDATE whk_otp SET failures = 0, last_step = -1");
    is(register('alice', code_of('alice'), 'p1')->status, 201, 'a code');
    $how{alice} = [ $secret, period => 60 ];
    $server->sql("UPDATE fleet_totp SET period = 60 WHERE login = 'alice'");
    # The next minute's code is good a minute early.
    is(register('alice', WHK::OTP::code($secret, period => 60, at => time + 60), 'p2')->status, 201, 'one of a longer period');
    refused(register('alice', WHK::OTP::code($secret, period => 60), 'p3'), 401, 'otp_invalid', '... not one before it');
    is($server->sql("SELECT period FROM whk_otp WHERE user_id = 'alice'"), 60, 'it is written down');
    $how{alice} = [$secret];
    $server->sql("UPDATE fleet_totp SET period = NULL WHERE login = 'alice'");
    refused(register('alice', code_of('alice'), 'p4'), 401, 'otp_invalid', 'back: what was used is');
    my ($status, undef, $err) = $server->ctl(qw(otp remove alice));
    is($status, 1, 'whkctl otp remove');
    like($err, qr/WebhookKeysOTPSecretQuery asks: remove it there/, '... says where it is');
    $server->ctl_ok(qw(admin add acme erin));
    $server->ctl_ok(qw(otp enroll erin --period 60));
    has('fleet_token', sha256_hex('token-of-erin'), 'erin', 1);
    has('fleet_member', 'acme', 'erin', 'admin');
    has('fleet_totp', 'erin', $secret, undef, undef, undef);
    $token{erin} = 'token-of-erin';
    refused(register('erin', code_of('alice'), 'p5'), 500, 'internal_error', "a user who has one of whkctl's, of another period");
    like($server->error_log, qr/WHK0239: .*whkctl otp remove erin/, '... what to type');
    $server->ctl_ok(qw(otp remove erin));
    is(register('erin', code_of('alice'), 'p6')->status, 201, '... and then it works');
    $server->sql("UPDATE whk_otp SET failures = 0, last_step = -1");
};

subtest 'what is kept of them' => sub {
    my ($row) = $server->rows("SELECT sealed_secret FROM whk_otp WHERE user_id = 'alice'");
    unlike($row->{sealed_secret}, qr/$secret/, 'no secret');
    my ($status, $out, $err) = $server->ctl(qw(check --json));
    is(join(' ', grep { /^(?:otp|admins)\./ } map { $_->{id} } grep { $_->{result} ne 'ok' } @{ $json->decode($out)->{findings} }), '', 'whkctl check has nothing against it') or diag $out;
    for (1 .. 3) { ($status, $out, $err) = $server->ctl(qw(secret rotate)); is($status, 0, "whkctl secret rotate, run $_") or diag $err; $server->graceful }
    $client = WHK::Client->new($server->port);
    $server->sql("UPDATE whk_otp SET last_step = -1");
    is(register('alice', code_of('alice'), 'g')->status, 201, '... and codes are good still');
};

subtest 'tables that cannot be asked' => sub {
    my $unavailable = sub {
        my ($name, $r, $like) = @_;
        refused($r, $_[3] // 503, $_[4] // 'store_unavailable', $name);
        unlike($r->body, qr/fleet_|SELECT/, '... and the answer tells nothing of them');
        like($server->error_log, $like, '... the log says which');
        return;
    };
    $server->sql("ALTER TABLE fleet_totp RENAME TO fleet_gone");
    $unavailable->('no such table', register('alice', '123456', 'x'), qr/WHK0234: WebhookKeysOTPSecretQuery can't be answered: /);
    $server->sql("ALTER TABLE fleet_gone RENAME TO fleet_totp");
    # PostgreSQL does not run again what was prepared before.
    $server->sql("ALTER TABLE fleet_token ALTER COLUMN login TYPE VARCHAR(300)") if $server->driver eq 'pgsql';
    is(get('alice')->status, 200, 'a table that changed') for 1 .. 3;
    $server->sql("UPDATE whk_otp SET last_step = -1");
    my $r = register('alice', code_of('alice'), 'h');
    is($r->status, 201, 'it is back') or diag $r->body;
    for ([ 'no base32' => "'!!!!'", 'NULL', qr/WHK0237: .* user carol a secret of 16 to 128 bytes/ ], [ 'too short a secret' => "'JBSWY3DP'", 'NULL', qr/WHK0237/ ], [ 'an algorithm of none' => "'$secret'", "'md5'", qr/WHK0236: .* user carol sha1/ ]) {
        $server->sql("UPDATE fleet_totp SET secret = $_->[1], algorithm = $_->[2] WHERE login = 'carol'");
        $unavailable->($_->[0], register('carol', '12345678', 'x'), $_->[3], 500, 'internal_error');
    }
    unlike($server->error_log, qr/$secret|JBSWY3DP/, 'no secret is in the log');
};

subtest 'directives' => sub {
    for my $bad ([ 'TokenQuery', '"SELECT 1"', qr/one %s/ ], [ 'TokenQuery', '"SELECT %s, %s"', qr/one %s/ ], [ 'AdminQuery', '"SELECT %s"', qr/two %s/ ], [ 'AdminQuery', q("SELECT %s, %s WHERE x LIKE 'a%'"), qr/%% for a percent sign/ ], [ 'OTPSecretQuery', 'SELECT secret WHERE login = %s', qr/must be one SELECT, in quotes/ ]) {
        my $other = WHK::Server->new(start => 0, init => 0, sqlite => 1, location => "WebhookKeys$bad->[0] $bad->[1]");
        my ($status, $out) = $other->configtest;
        isnt($status, 0, "$bad->[0] $bad->[1]");
        like($out, $bad->[2], '... says why');
    }
    my $other = WHK::Server->new(sqlite => 1, location => 'WebhookKeysAdminQuery "SELECT %s || %s"');
    my $token = $other->ctl_ok(qw(token issue alice)) =~ s/\s+\z//r;
    $other->ctl_ok(qw(enterprise add acme));
    refused(WHK::Client->new($other->port)->request(GET => $other->keys('acme'), { Authorization => "Bearer $token" }), 500, 'internal_error', 'a query that does not select what it was asked by');
    like($other->error_log, qr/WHK0235: WebhookKeysAdminQuery must select the enterprise and the user/, '... the log says what is right');
};
done_testing;
