# SPDX-License-Identifier: Apache-2.0
# What the error log tells at Debian's level of who was refused: with the requestId of the answer, which is in the access log and
# the audit trail too, so many lines a minute, and a count of the rest.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Webhooks;

my $w = WHK::Webhooks->new(
    children => 2, before => join "\n", 'LogLevel warn', 'ErrorDocument 401 /elsewhere',
    'LogFormat "%{WHK_REQUEST_ID}e %{WHK_REQUEST_ID}n %>s %{WHK_CODE}e %{WEBHOOK_VERDICT}e %{WHK_ENTERPRISE}e %{WHK_CLAIMED_KEY_ID}e %{WEBHOOK_ENTERPRISE}e %{WEBHOOK_KEY_ID}e" known',
    'CustomLog access.log known'
);
my $server = $w->server;
my $body   = '{"a":1}';
my $key    = $w->key('EdDSA');
my $other  = $w->key('EdDSA', register => 0, kid => 'never');
my $keys   = $server->keys('acme');
my $from   = 0;

sub fresh { $from = length $server->error_log; return }
sub lines { return map { "$_\n" } grep { /WHK\d{4}/ } split /\n/, substr $server->error_log, $from }
sub access {
    my $id = shift;
    for (1 .. 50) {
        open my $in, '<', $server->dir . '/access.log' or die $!;
        my @found = grep { /^\Q$id\E / } <$in>;
        return $found[0] =~ s/\n//r if @found;
        sleep 0.05;
    }
    return 'nothing';
}

subtest 'a refused webhook' => sub {
    fresh();
    my $r  = $w->post($other, $body);
    my $id = $r->json->{requestId};
    refused($r, 401, 'unknown_key', 'unknown');
    my @lines = lines();
    is(scalar @lines, 1, 'one line') or diag @lines;
    like($lines[0], qr{^\[[^]]+\] \[webhook_keys:warn\] \[pid \d+:tid \d+\] \[client 127\.0\.0\.1:\d+\] WHK0391: a webhook to /hooks/acme/orders was refused \(unknown_key\): .*; enterprise acme, claimed keyId never; whkctl key list .* \[request \Q$id\E\]$}, '... of whom, why and what to type');
    is(access($id), "$id $id 401 unknown_key unknown_key acme never - -", 'in the access log the same, and nobody verified');
    fresh();
    $r = $w->post($key, $body, sent => '{}', headers => { 'WHK-Code' => 'forged', 'WHK_CODE' => 'forged', 'Webhook-Verdict' => 'ok' });
    like((lines())[0] // '', qr/WHK0391: .*\(bad_signature\).* claimed keyId \Q$key->{kid}\E;/, 'a bad signature');
    is(access($r->json->{requestId}) =~ s/^\S+ \S+ //r, "401 bad_signature bad_signature acme $key->{kid} - -", '... in the access log');
    fresh();
    $r = $w->post($other, $body, change => sub { my $s = shift; $s->{target} = '/hooks/acme/x%20[client%209.9.9.9:1]%20WHK0393:%0aForged' });
    my @hostile = split /\n/, substr $server->error_log, $from;
    is(scalar @hostile, 1, 'a hostile path makes no line of its own') or diag @hostile;
    fresh();
    $r = $w->post({ %{$other}, kid => "k\" ] WHK0001:\n\x{7f}" }, $body);
    unlike(join('', lines()), qr/[^\x20-\x7e\n]|keyId k"/, '... nor a hostile keyId');
    $r = $w->post($key, $body);
    is($r->status, 200, 'one that passes');
    my $ok;
    for (1 .. 50) {
        open my $in, '<', $server->dir . '/access.log' or die $!;
        ($ok) = grep { / 200 - ok / } <$in>;
        last if $ok;
        sleep 0.05;
    }
    like($ok // '', qr/^(\w+) \1 200 - ok acme \Q$key->{kid}\E acme \Q$key->{kid}\E$/, '... is told with its signer');
};

subtest 'so many a minute, then a count' => sub {
    my $answers = 0;
    my $client  = sub { return WHK::Client->new($server->port) };
    fresh();
    for (1 .. 30) { $answers++ if $w->post($key, $body, sent => '{}', client => $client->())->status == 401 }
    is($answers, 30, 'thirty of one cause');
    my @lines = grep { /bad_signature/ } lines();
    cmp_ok(scalar @lines, '==', 9, 'ten are logged, whatever process met them, the one from before included') or diag @lines;
    $w->post({ %{$other}, kid => 'else' }, $body);
    like((lines())[-1], qr/WHK0391: .*unknown_key/, '... another cause has its own');
    fresh();
    $server->graceful;
    my @counts;
    for (1 .. 100) { @counts = grep { /WHK0392/ } lines(); last if @counts; sleep 0.05 }
    is(scalar @counts, 1, 'the rest comes where nothing more is sent') or diag @counts;
    like($counts[0] // '', qr/\[webhook_keys:warn\] .*WHK0392: bad_signature: 21 more webhooks refused in the last \d+ s, of at least 1 enterprises, .* the last: enterprise acme, claimed keyId \Q$key->{kid}\E, client 127\.0\.0\.1 \[request \w+\]/, '... as a count, and of whom');
};

subtest 'tokens and one-time passwords' => sub {
    my $client = WHK::Client->new($server->port);
    my $admins = WHK::Admins->new($server, 'acme2', 1);
    my $mine   = $server->keys('acme2');
    fresh();
    refused($client->request(GET => $mine), 401, 'invalid_token', 'no token');
    is(scalar lines(), 0, '... is no attack: no line');
    my $r = $client->request(GET => $mine, { Authorization => 'Bearer wrong' });
    refused($r, 401, 'invalid_token', 'a wrong token');
    my @lines = lines();
    is(scalar @lines, 1, '... is a line');
    like($lines[0] // '', qr/\[client 127\.0\.0\.1:\d+\] WHK0393: .*whkctl token list.*\[request \Q@{[ $r->json->{requestId} ]}\E\]$/, '... with its requestId');
    unlike($lines[0] // '', qr/wrong/, '... and without the token');
    is(access($r->json->{requestId}) =~ s/^\S+ \S+ //r, '401 invalid_token - acme2 - - -', 'the access log has the code');
    fresh();
    my @answers = map { $client->request(DELETE => "$mine/none", { $admins->read, OTP => sprintf '%06d', $_ }) } 1 .. 7;
    is(join(' ', map { $_->code } @answers), 'otp_invalid otp_invalid otp_invalid otp_invalid otp_invalid otp_locked otp_locked', 'codes that are guessed');
    is(join(' ', map { /(WHK\d{4})/ } lines()), 'WHK0394 WHK0394 WHK0394 WHK0394 WHK0232 WHK0395 WHK0395', '... a number for each') or diag lines();
    like((lines())[4], qr/user admin1\@acme2 .* locked until \d{4}-.* whkctl otp unlock admin1\@acme2 .*\[request \Q@{[ $answers[4]->json->{requestId} ]}\E\]/, '... and what to type');
};

subtest 'the audit trail' => sub {
    my $new = $w->key('EdDSA', kid => 'in-the-trail');
    my ($event) = grep { ($_->{keyId} // '') eq 'in-the-trail' } @{ $w->client->request(GET => $server->events('acme') . '?limit=100', { $w->admins->read })->json->{events} };
    ok($event->{requestId}, 'an event has a requestId') or diag explain $event;
    like(access($event->{requestId}), qr/^\Q$event->{requestId} $event->{requestId}\E 201 - - acme - - -$/, '... which leads to its request in the access log');
};
$server->stop;
unlike($server->error_log, qr/exit signal|Segmentation/, 'no crash');
done_testing;
