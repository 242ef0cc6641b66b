# SPDX-License-Identifier: Apache-2.0
# whkctl status: what the running httpd counted, whose requests were refused, what is wrong, and what to type. At its end
# some alarms as an operator meets them, who knows only that something is wrong.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Origin;
use WHK::Webhooks;

my $origin = WHK::Origin->new;
my $w      = WHK::Webhooks->new(
    children => 2,
    before   => join("\n", 'WebhookKeysCAFile ' . WHK::Origin::directory() . '/ca.pem', 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriRefresh 1', 'WebhookKeysMaxStale 1')
);
my $server = $w->server;
my $body   = '{"a":1}';
my $key    = $w->key('EdDSA');

sub status { my ($code, $out, $err) = $server->ctl('status', @_); is($code, 0, "status @_") or diag $err; return $out }
sub told   { return JSON::PP->new->utf8->decode(status('--json')) }

sub value {
    my ($told, $name, %labels) = @_;
    my ($found) = grep { my $s = $_; $s->{name} eq $name && !grep { ($s->{labels}{$_} // '') ne $labels{$_} } keys %labels } @{ $told->{series} };
    return $found->{value} // $found->{count};
}

sub within { my ($seconds, $test) = @_; my $end = time + $seconds; until ($test->()) { return 0 if time > $end; sleep 0.2 } return 1 }
sub post { my ($signer, @how) = @_; return $w->post($signer, $body, client => WHK::Client->new($server->port), @how)->status }

subtest 'what was counted' => sub {
    is(post($key), 200, 'a webhook');
    is(post($key, change => sub { $_[0]{body} .= ' ' }), 401, 'one that was changed');
    my $told = told();
    is($told->{version}, '0.1.0', 'version');
    like($told->{startedDate}, qr/^2\d{3}-\d\d-\d\dT/, 'since when');
    is(value($told, 'verifications_total', scheme => 'jws-detached', outcome => 'ok'), 1, 'passed');
    is(value($told, 'refusals_total', door => 'webhook', code => 'bad_signature'), 1, 'refused');
    is(value($told, 'registrations_total', source => 'jwks'), 1, 'registered');
    is(value($told, 'store_up'), 1, 'the database');
    ok(value($told, 'store_duration_seconds', operation => 'read') > 0, '... was asked');
    is_deeply($told->{wrong}, [], 'nothing is wrong');
    my $last = $told->{refusedLast}[0];
    is("$last->{door} $last->{code} $last->{enterpriseId} $last->{keyId} $last->{remoteAddress}", "webhook bad_signature acme $key->{kid} 127.0.0.1", 'who was refused');
    my ($id) = map { $_->json->{requestId} } $w->post($key, $body, change => sub { $_[0]{body} .= ' ' });
    is(told()->{refusedLast}[0]{requestId}, $id, '... by the requestId that was answered');
    my $out = status();
    like($out, qr/^mod_webhook_keys 0\.1\.0; httpd was started \S+, \d+ s ago$/m, 'for people');
    like($out, qr/^verified    jws-detached: ok 1; refused: bad_signature 2; in all 3 \(half within /m, '... webhooks');
    like($out, qr/^Nothing is wrong now\.$/m, '... and nothing is wrong');
    is(scalar(@{ told()->{refusedLast} }), 2, 'those that were refused');
};

subtest 'hostile names' => sub {
    $w->client->request(POST => "/hooks/%1B%5B2J%27%3B", { 'Webhook-Signature' => 'a..b' }, $body);
    my $out = status();
    unlike($out, qr/[^\x0a\x20-\x7e]/, 'reach no terminal');
    like($out, qr/enterprise \\u\{1B\}\[2J';/, '... but are told');
    status('--json');
};

subtest 'no httpd' => sub {
    $server->stop;
    my ($code, $out, $err) = $server->ctl('status');
    is("$code$out", 1, 'refused');
    like($err, qr/there is no \S+webhook_keys\.metrics: httpd does not run by \Q@{[$server->conf]}\E/, '... and why');
    my $file = $server->dir . '/webhook_keys.metrics';
    open my $made, '>', $file or die "$file: $!";
    print $made 'x' x 100;
    close $made;
    ($code, $out, $err) = $server->ctl('status');
    is($code, 1, 'a file of somebody else');
    like($err, qr/must be what mod_webhook_keys counts in/, '... is none');
    $server->start;
    is(post($key), 200, 'httpd makes its own in its place');
    status();
};

# ---- alarms ----

subtest 'webhooks of one customer are refused' => sub {
    my $old = $w->key('ES256', enterprise => 'globex');
    $w->revoke($old);
    is(post($old, path => '/hooks/globex'), 401, 'by a key that was revoked') for 1 .. 3;
    my $out = status();
    like($out, qr/webhook: key_revoked, 3 times, last \d+ s ago; enterprise globex, keyId \Q$old->{kid}\E/, 'cause, how often, whose');
    like($out, qr/the sender still signs by a revoked key: (whkctl -f \S+ audit list globex)/, 'what to type');
    my ($type) = $out =~ /revoked key: whkctl -f \S+ (audit list globex)/;
    my ($code, $trail) = $server->ctl(split ' ', $type);
    like($trail, qr/key\.revoked\s+\Q$old->{kid}\E\s+admin1\@globex/, '... which says who revoked it');
    my $log = $server->error_log;
    like($log, qr/WHK0391: a webhook to \S+ was refused \(key_revoked\).*enterprise globex, claimed keyId \Q$old->{kid}\E/, 'the log says the same');
};

subtest 'a clock is wrong' => sub {
    is(post($key, claims => {}, protected => { iat => time - 4000 }), 401, 'signed an hour ago');
    like(status(), qr/webhook: expired, 1 times.*\n.*timedatectl/, 'cause, and what to type');
};

subtest 'a customer\'s origin is away' => sub {
    my ($pem, $jwk) = WHK::Keys::pem_and_jwk('ed25519', kid => 'remote');
    my $path = WHK::Origin::serve('set.json', JSON::PP->new->encode({ keys => [$jwk] }));
    is($w->admins->register($w->client, { keyId => 'remote', jwksUri => $origin->uri('127.0.0.1', $path) })->status, 201, 'a key by URI');
    undef $origin;
    ok(within(20, sub { grep { $_->{id} eq 'key_set.failing' } @{ told()->{wrong} } }), 'is wrong now');
    like(status(), qr/the key set at https:\/\/127\.0\.0\.1:\d+\S* has failed for \d+ s \(jwks_uri_unreachable\): run curl -v/, 'which, for how long, why, what to type');
};

subtest 'the database is away' => sub {
    plan skip_all => 'done with servers elsewhere' if !$server->is_sqlite;
    $server->stop;
    rename $server->db, $server->db . '.away' or die "rename: $!";
    $server->start;
    ok(within(20, sub { post($key); grep { $_->{id} eq 'store.away' } @{ told()->{wrong} } }), 'is wrong now');
    my $out = status();
    like($out, qr/^database    AWAY for \d+ s/m, 'first of all');
    like($out, qr/the registry's database has been away for \d+ s: grep (WHK0120) in httpd's error log.*whkctl -f \S+ check/, 'what to type');
    like($server->error_log, qr/WHK0120: the registry's database is away: /, '... which is there');
    my ($code, $found) = WHK::Server::whkctl('-f', $server->conf, 'check');
    is($code, 1, '... and so does whkctl check');
    $server->stop;
    unlink glob $server->db . '*[!y]';
    rename $server->db . '.away', $server->db or die "rename: $!";
    $server->start;
    is(post($key), 200, 'back again');
    is_deeply([grep { $_->{id} eq 'store.away' } @{ told()->{wrong} }], [], '... all is well');
};

done_testing;
