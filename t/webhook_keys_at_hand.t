# SPDX-License-Identifier: Apache-2.0
# The keys that verify: at hand in every process, gone at once where they are revoked, and for how long they serve
# without the registry.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Webhooks;

my $w = WHK::Webhooks->new(children => 3, before => 'WebhookKeysMaxStale 3');
my $server = $w->server;
my $body   = '{"a":1}';

# Until it answers, or the time is over: how long that took.
sub seconds_until {
    my ($most, $test) = @_;
    my $start = time;
    until ($test->()) {
        return if time - $start > $most;
        sleep 0.05;
    }
    return time - $start;
}

sub everywhere {
    my ($key, $port) = @_;
    my $signed = $w->sign($key, $body);
    my %found;
    $found{ $w->send($signed, client => WHK::Client->new($port // $server->port))->status }++ for 1 .. 40;
    return join ' ', sort keys %found;
}

subtest 'on this node at once' => sub {
    for my $round (1 .. 3) {
        my $key = $w->key('EdDSA');
        is(everywhere($key), 200, "registered, round $round: every process knows it");
        $w->revoke($key);
        is(everywhere($key), 401, '... revoked: every process knows that');
    }
    my $key = $w->key('EdDSA');
    $w->revoke($key);
    refused($w->post($key, $body), 401, 'key_revoked', 'the sender is told');
};

subtest 'on another node within the lag' => sub {
    my $node = WHK::Server->new(
        init => 0, secret => 'WebhookKeysSecretKeyFile ' . $server->dir . '/secret.key', modules => [qw(proxy proxy_http)],
        before => join "\n",
        qq{DBDParams "$server->{db}"}, 'Define WHK_BACKEND ' . $w->backend->uri, WHK::Webhooks::hooks(scheme => 'jws-detached Webhook-Signature')
    );
    my $client = WHK::Client->new($node->port);
    my $key    = $w->key('ES256');
    my $signed = $w->sign($key, $body);
    ok(defined seconds_until(5, sub { $w->send($signed, client => $client)->status == 200 }), 'a key that is new');
    is(everywhere($key, $node->port), 200, 'in all its processes');
    $w->revoke($key);
    my $took = seconds_until(5, sub { $w->send($signed, client => $client)->status == 401 });
    ok(defined $took && $took < 2, sprintf 'revoked: %.2f s', $took // 99);
    # Each process asks for itself: the lag is what all of them have.
    Time::HiRes::sleep(1.2 - $took) if $took < 1.2;
    is(everywhere($key, $node->port), 401, 'in all its processes');

    my $second = $w->key('ES256');
    $signed = $w->sign($second, $body);
    seconds_until(5, sub { $w->send($signed, client => $client)->status == 200 });
    my ($status) = $server->ctl('key', 'revoke', 'acme', $second->{kid});
    is($status, 0, 'whkctl revokes');
    for my $port ($server->port, $node->port) {
        my $each = WHK::Client->new($port);
        ok(defined seconds_until(2, sub { $w->send($signed, client => $each)->status == 401 }), '... seen within the lag');
    }
    $node->stop;
};

subtest 'lastUsedDate' => sub {
    my $key  = $w->key('EdDSA');
    my $path = $server->keys('acme') . "/$key->{kid}";
    my $used = sub { $w->client->request(GET => $path, { $w->admins->read })->json->{lastUsedDate} };
    is($used->(), undef, 'none before the first webhook');
    $w->post($key, $body, sent => 'x');
    is($w->post($key, $body)->status, 200, 'a webhook');
    ok(defined seconds_until(20, sub { defined $used->() }), 'some seconds later it is there');
    like($used->(), qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... a date');
    my $first = $used->();
    $w->post($key, $body);
    sleep 6;
    is($used->(), $first, 'another within the minute leaves it');
    my $last = $w->key('EdDSA');
    is($w->post($last, $body)->status, 200, 'a webhook just before httpd stops');
    $server->stop;
    like($server->sql("SELECT last_used_at FROM whk_key WHERE key_id = '$last->{kid}'"), qr/^\d+$/, '... is not forgotten');
    $server->start;
    $w->client->close;
};

subtest 'the registry away' => sub {
    my $known = $w->key('EdDSA');
    my $later = $w->key('EdDSA', enterprise => 'later');
    is(everywhere($known), 200, 'a key that is known');
    $server->sql('ALTER TABLE whk_enterprise RENAME TO away');
    is($w->post($known, $body)->status, 200, 'serves on');
    sleep 1.5;
    my $r = $w->post($later, $body, path => '/hooks/later/x');
    refused($r, 503, 'store_unavailable', 'one that is not: can not be told');
    ok($r->header('Retry-After'), '... so come back');
    my $gone = seconds_until(10, sub { $w->post($known, $body)->status == 503 });
    ok(defined $gone, 'after WebhookKeysMaxStale none does');
    $server->sql('ALTER TABLE away RENAME TO whk_enterprise');
    ok(defined seconds_until(10, sub { $w->post($known, $body)->status == 200 }), 'and all again once it is back');
    is($w->post($later, $body, path => '/hooks/later/x')->status, 200, '... the other one too');
    my $log = $server->error_log;
    my $times = () = $log =~ /asking the registry which keys changed fails/g;
    cmp_ok($times, '>', 0, 'the log says so');
    cmp_ok($times, '<=', 6, '... once a process, not for each request');
};

subtest 'no question for what is known, or known not to be' => sub {
    my $quiet = WHK::Webhooks->new(before => "WebhookKeysRevocationLag 60\nWebhookKeysMaxStale 60", children => 1);
    my $key   = $quiet->key('ES256');
    is($quiet->post($key, $body)->status, 200, 'a key');
    # Whatever is asked from here on gets no answer.
    $quiet->server->sql('ALTER TABLE whk_enterprise RENAME TO away; ALTER TABLE whk_key RENAME TO away_too');
    is($quiet->post($key, $body)->status, 200, 'known') for 1 .. 3;
    refused($quiet->post({ %$key, kid => "unknown $_" }, $body), 401, 'unknown_key', 'an unknown kid') for 1 .. 20;
    refused($quiet->post($key, $body, path => "/hooks/unknown$_/x"), 401, 'unknown_key', 'an unknown enterprise') for 1 .. 20;
};

done_testing;
