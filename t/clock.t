# SPDX-License-Identifier: Apache-2.0
# The wall clock is set while httpd runs (t/lib/stepped_clock.c): keys stay as fresh as they are, and what was written under
# a wrong clock neither keeps a key alive nor stops a refresh, nor locks anybody out.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::OTP;
use WHK::Origin;
use WHK::Planned qw(ahead iso hold release);
use WHK::Server;
use WHK::Webhooks;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new(cert => undef);
my $body   = '{"a":1}';
my $clock  = WHK::Origin::directory() . '/clock';

# Seconds that every process of httpd adds to its wall clock from now on.
sub set_clock {
    my $seconds = shift;
    open my $out, '>', "$clock.new" or die $!;
    print $out "$seconds\n";
    close $out;
    rename "$clock.new", $clock or die $!;
    sleep 0.5;
    return;
}

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    until ($test->()) {
        return 0 if time > $end;
        sleep 0.1;
    }
    return 1;
}

set_clock(0);
# Webhooks and codes are judged by the wall clock, as they must be: here their age is not the matter.
my $w = WHK::Webhooks->new(
    enterprise => 'clock', children => 2,
    before => join("\n", 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriRefresh 2', 'WebhookKeysMaxStale 3', 'WebhookKeysMaxAge 86400', 'WebhookKeysClockSkew 3600'),
    env => { LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('stepped_clock.c')), WHK_TEST_CLOCK => $clock }
);
my $server = $w->server;

subtest 'a step back' => sub {
    my ($key, $known) = map { $w->key('EdDSA') } 1, 2;
    is($w->post($key, $body)->status, 200, 'a key verifies');
    set_clock(-1800);
    is($w->post($key, $body)->status, 200, '... half an hour earlier');
    $server->ctl_ok('key', 'revoke', 'clock', $key->{kid});
    my $began = time;
    ok(within(4, sub { $w->post($key, $body)->status == 401 }), 'a revoke that this process must ask for is seen');
    cmp_ok(time - $began, '<', 2.5, '... within the lag');
    is($w->post($known, $body)->status, 200, 'a key');
    set_clock(-3000);
    $server->sql('ALTER TABLE whk_enterprise RENAME TO away');
    ok(within(8, sub { $w->post($known, $body)->status == 503 }), 'without the registry it serves for WebhookKeysMaxStale, and no longer');
    $server->sql('ALTER TABLE away RENAME TO whk_enterprise');
    ok(within(5, sub { $w->post($known, $body)->status == 200 }), 'and again once that is back');
    set_clock(0);
};

# A trigger keeps anybody from writing down that it was revoked: what each process knows by itself is looked at.
subtest 'a planned revocation' => sub {
    hold($server);
    my ($back, $forward) = map { $w->key('EdDSA') } 1, 2;
    my $plan = sub {
        my ($key, $seconds) = @_;
        return $server->ctl('key', 'revoke', 'clock', $key->{kid}, '--at', iso(ahead($seconds)));
    };
    my $times = sub { my $key = shift; return join ' ', map { $w->post($key, $body)->status } 1 .. 6 };
    is(($plan->($back, 4))[0], 0, 'one in some seconds');
    is(($plan->($forward, 1800))[0], 0, 'one in half an hour');
    sleep 1.2;
    is($times->($_), '200 200 200 200 200 200', 'both verify') for $back, $forward;
    set_clock(-3600);
    sleep 4;
    is($times->($back), '401 401 401 401 401 401', 'a clock that is set back before the time delays nothing');
    set_clock(3600);
    is($times->($forward), '401 401 401 401 401 401', 'one that is set forward is believed');
    set_clock(-3600);
    is($times->($forward), '401 401 401 401 401 401', '... and once it was, that stays');
    set_clock(0);
    release($server);
};

subtest 'times of sets by URI that are too far ahead' => sub {
    my $key  = $w->key('EdDSA', register => 0, kid => 'remote');
    my $path = WHK::Origin::serve('clock.json', $json->encode({ keys => [ { %{ $key->{jwk} }, kid => 'remote' } ] }));
    is($w->admins->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'remote' })->status, 201, 'a key by URI');
    my $fetched = sub { scalar grep { $_ eq "GET $path" } $origin->lines('request') };
    my $ahead   = 1000 * (int(time) + 86_400);
    my $before  = $fetched->();
    $server->sql("UPDATE whk_remote_set SET refresh_at = $ahead, fresh_until = $ahead, leased_until = $ahead");
    ok(within(5, sub { $fetched->() > $before }), 'it is fetched all the same');
    ok(within(3, sub { my $far = $ahead - 80_000_000; $server->sql("SELECT refresh_at < $far AND fresh_until < $far AND leased_until < $far FROM whk_remote_set") == 1 }), '... and what was wrong is gone');
    is($w->post($key, $body)->status, 200, 'the key verifies');
    WHK::Origin::serve('clock.json', 'no JSON');
    $server->sql("UPDATE whk_remote_set SET refresh_at = $ahead, fresh_until = $ahead");
    ok(within(15, sub { $w->post($key, $body)->status == 401 }), 'nor does it keep a key whose set is gone');
    refused($w->post($key, $body), 401, 'jwks_uri_unreachable', 'as is told');
};

subtest 'a lock that was written under a clock that was ahead' => sub {
    my $admins = WHK::Admins->new($server, 'locked', 3);
    my $ahead  = 1000 * (int(time) + 86_400);
    my $soon   = 1000 * (int(time) + 1800);
    my $try    = sub { $admins->register($w->client, { keyId => shift, jwks => WHK::Keys::jwks($w->key('EdDSA', register => 0)->{jwk}) }) };
    $server->sql("UPDATE whk_otp SET locked_until = $soon WHERE user_id LIKE '%\@locked'");
    refused($try->('one'), 429, 'otp_locked', 'half an hour');
    $server->sql("UPDATE whk_otp SET locked_until = $ahead WHERE user_id LIKE '%\@locked'");
    is($try->('two')->status, 201, 'a day is no lock: an hour is the longest');

    $server->sql("UPDATE whk_otp SET last_step = 99999999999 WHERE user_id LIKE '%\@locked'");
    refused($try->('three'), 401, 'otp_invalid', 'a step that is ahead stays used');
    like($server->error_log, qr/of a time that has not come yet.*whkctl otp enroll --replace/, '... and the operator is told why');
};

done_testing;
