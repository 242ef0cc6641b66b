# SPDX-License-Identifier: Apache-2.0
# Key sets by URI are fetched again in the background: what disappears or changes stops verifying, and a set that can't
# be had serves for WebhookKeysMaxStale.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Webhooks;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new(cert => undef);
my $body   = '{"a":1}';

sub webhooks {
    return WHK::Webhooks->new(
        children => 3, enterprise => 'remote',
        before => join "\n", 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriRefresh 1', 'WebhookKeysMaxStale 2', @_
    );
}
my $w = webhooks();
my $count = 0;

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        return 1 if $test->();
        sleep 0.1;
    }
    return 0;
}

sub serve { my ($name, @keys) = @_; return WHK::Origin::serve($name, $json->encode({ keys => \@keys })) }

# A key of a set of its own.
sub remote_key {
    my $webhooks = shift;
    my $key  = $webhooks->key('EdDSA', register => 0, kid => 'remote-' . ++$count, enterprise => 'remote');
    $key->{set} = "$key->{kid}.json";
    my $path = serve($key->{set}, { %{ $key->{jwk} }, kid => $key->{kid} });
    $key->{path} = $path;
    my $r = $webhooks->admins('remote')->register($webhooks->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => $key->{kid} });
    is($r->status, 201, "$key->{kid} is registered") or diag $r->body;
    return $key;
}

sub events {
    my ($webhooks, $kid) = @_;
    my $r = $webhooks->client->request(GET => $webhooks->server->prefix . '/enterprises/remote/webhooks/key-events?limit=100', { $webhooks->admins('remote')->read });
    return grep { $_->{type} eq 'jwks_uri.key_changed' && $_->{keyId} eq $kid } @{ $r->json->{events} };
}

subtest 'a set that stays' => sub {
    my $key = remote_key($w);
    is($w->post($key, $body)->status, 200, 'verifies');
    my $fetches = sub { return scalar grep { /\Q$key->{set}\E/ } $origin->lines('request') };
    my $before  = $fetches->();
    sleep 4;
    is($w->post($key, $body)->status, 200, 'verifies after some refreshes');
    my $count_of = $fetches->() - $before;
    ok($count_of >= 2 && $count_of <= 7, "one process of three fetches it each time: $count_of");
};

subtest 'a key that disappears' => sub {
    my $key = remote_key($w);
    is($w->post($key, $body)->status, 200, 'verifies');
    serve($key->{set}, { %{ $key->{jwk} }, kid => 'another' });
    ok(within(8, sub { $w->post($key, $body)->status == 401 }), 'stops at a refresh');
    refused($w->post($key, $body), 401, 'unknown_key', 'in all processes');
    serve($key->{set}, { %{ $key->{jwk} }, kid => $key->{kid} });
    ok(within(8, sub { $w->post($key, $body)->status == 200 }), 'and is good again once it is back');
};

subtest 'a key that changes' => sub {
    my $key   = remote_key($w);
    my $other = $w->key('EdDSA', register => 0, kid => $key->{kid});
    serve($key->{set}, { %{ $other->{jwk} }, kid => $key->{kid} });
    ok(within(8, sub { $w->post($key, $body)->status == 401 }), 'the one that was registered stops');
    refused($w->post($key, $body), 401, 'jwks_uri_key_changed', '... and its sender is told');
    refused($w->post({ %$other, enterprise => 'remote' }, $body), 401, 'jwks_uri_key_changed', 'the new one is refused');
    sleep 3;
    is(scalar events($w, $key->{kid}), 1, 'it is in the audit trail, once');
    my ($status) = $w->server->ctl('audit', 'verify', 'remote');
    is($status, 0, '... which holds');
};

subtest 'unpinned' => sub {
    my $free  = webhooks('WebhookKeysJwksUriPin Off');
    my $key   = remote_key($free);
    my $other = $free->key('EdDSA', register => 0, kid => $key->{kid});
    is($free->post($key, $body)->status, 200, 'verifies');
    serve($key->{set}, { %{ $other->{jwk} }, kid => $key->{kid} });
    ok(within(8, sub { $free->post($other, $body)->status == 200 }), 'the new one is taken');
    is($free->post($key, $body)->status, 401, '... and the old one is not');
    is(scalar events($free, $key->{kid}), 1, '... which is in the audit trail');
};

subtest 'a set that can not be had' => sub {
    my $key = remote_key($w);
    is($w->post($key, $body)->status, 200, 'verifies');
    WHK::Origin::serve($key->{set}, 'no JSON');
    sleep 1.5;
    is($w->post($key, $body)->status, 200, 'serves on at first');
    ok(within(15, sub { $w->post($key, $body)->status == 401 }), 'but not for ever');
    refused($w->post($key, $body), 401, 'jwks_uri_unreachable', '... and its sender is told why');
    serve($key->{set}, { %{ $key->{jwk} }, kid => $key->{kid} });
    ok(within(15, sub { $w->post($key, $body)->status == 200 }), 'and again once it can');
    like($w->server->error_log, qr/key set at http\S+ could not be fetched/, 'the log says so');
};

done_testing;
