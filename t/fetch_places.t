# SPDX-License-Identifier: Apache-2.0
# Who gets how many of the places for fetches (WebhookKeysMaxFetches): a tenant who keeps his share busy takes nothing from
# the others, nor from the background; and a set that can't even be tried ends all the same.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Seals;
use WHK::Webhooks;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new(cert => undef);
my $count  = 0;

sub webhooks {
    my ($places, @more) = @_;
    return WHK::Webhooks->new(
        enterprise => 'slow', children => 2, threads => 16, before => join "\n", 'WebhookKeysJwksUriAllow 127.0.0.1',
        'WebhookKeysJwksUriTimeout 4', "WebhookKeysMaxFetches $places", @more
    );
}

sub fetched { my $path = shift; return scalar grep { $_ eq "GET $path" } $origin->lines('request') }

# A request that is sent, and not waited for.
sub begin {
    my ($w, $path, $headers, $body) = @_;
    my $client = WHK::Client->new($w->server->port);
    my $text   = $json->encode($body);
    my %head   = (%$headers, Host => 'localhost', 'Content-Type' => 'application/json', 'Content-Length' => length $text);
    $client->send("POST $path HTTP/1.1\r\n" . join('', map { "$_: $head{$_}\r\n" } sort keys %head) . "\r\n$text");
    return $client;
}

sub begin_registration {
    my ($w, $enterprise, $path) = @_;
    return begin($w, $w->server->keys($enterprise), { $w->admins($enterprise)->write }, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'hanging-' . ++$count });
}

# That so many of those that were begun hang; the others are answered.
sub outcome_of {
    my ($before, @clients) = @_;
    my $end = time + 3;
    my @answered;
    while (time < $end && @answered < @clients) {
        @answered = grep { IO::Select->new($_->{socket})->can_read(0) } @clients;
        last if fetched('/hang') - $before + @answered >= @clients;
        sleep 0.02;
    }
    my %answered = map { $_ => 1 } @answered;
    return ([ grep { !$answered{$_} } @clients ], [ map { $_->receive } @answered ]);
}

sub registers {
    my ($w, $enterprise, $name) = @_;
    my $kid  = 'good-' . ++$count;
    my $path = WHK::Origin::serve("$kid.json", $json->encode({ keys => [ WHK::Keys::jwk('ed25519', kid => $kid) ] }));
    my $r    = $w->admins($enterprise)->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => $kid });
    is($r->status, 201, $name) or diag $r->body;
    return $kid;
}

subtest 'a quarter for one enterprise, and the rest for the others' => sub {
    my $w = webhooks(8);
    $w->admins($_) for qw(slow other third);
    my $before = fetched('/hang');
    my @clients = map { begin_registration($w, 'slow', '/hang') } 1 .. 8;
    my ($hanging, $answers) = outcome_of($before, @clients);
    is(scalar @$hanging, 2, 'of eight places two');
    is(scalar(grep { $_->status == 503 && $_->code eq 'too_busy' && $_->header('Retry-After') } @$answers), 6, 'the others are told to come back');
    registers($w, $_, "$_ registers meanwhile") for qw(other third other);
    is($_->receive->code, 'jwks_uri_unreachable', 'they end') for @$hanging;
    registers($w, 'slow', 'and give their places back');
};

subtest 'verify: what is fresh needs no place, and what is not one at most' => sub {
    my $w    = webhooks(16);
    my $key  = $w->key('EdDSA', register => 0, kid => 'remote');
    my $path = WHK::Origin::serve('remote.json', $json->encode({ keys => [ { %{ $key->{jwk} }, kid => 'remote' } ] }));
    is($w->admins->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'remote' })->status, 201, 'a key by URI');
    my $hang = $origin->http_uri('127.0.0.1', '/hang');
    my $to   = $w->server->keys('slow') . '/remote/verify';
    my $jws  = { jws => $w->sign($key, 'x')->{headers}{'Webhook-Signature'}, payload => 'eA' };
    my $seen = fetched($path);
    is($w->client->request(POST => $to, { $w->admins->read, 'Content-Type' => 'application/json' }, $json->encode($jws))->json->{valid}, JSON::PP::true, 'valid') for 1 .. 5;
    is(fetched($path), $seen, 'no fetch for what is fresh');
    # The background has it for an hour; whoever verifies finds it too old.
    my $later = 1000 * (int(time) + 240);
    $w->server->sql("UPDATE whk_remote_set SET uri = '$hang', fresh_until = 1, refresh_at = $later; UPDATE whk_key SET jwks_uri = '$hang'");
    WHK::Seals->new($w->server)->key_row('slow', 'remote');
    my $before = fetched('/hang');
    my ($hanging, $answers) = outcome_of($before, map { begin($w, $to, { $w->admins->read }, $jws) } 1 .. 6);
    is(scalar @$hanging, 1, 'one at a time of what is not');
    is(scalar(grep { $_->code eq 'too_busy' } @$answers), 5, 'the others are told to come back');
    registers($w, 'slow', 'which keeps no admin from registering');
    registers($w, 'other', 'of no enterprise');
    $_->receive for @$hanging;
};

subtest 'one is kept for the background' => sub {
    my $w = webhooks(3, 'WebhookKeysJwksUriRefresh 1');
    my $kid  = registers($w, 'quiet', 'a key by URI');
    my $path = "/files/$kid.json";
    my $before = fetched('/hang');
    my ($hanging) = outcome_of($before, map { begin_registration($w, $_, '/hang') } qw(slow other third fourth));
    is(scalar @$hanging, 2, 'of three two hang');
    sleep 0.3;
    $before = fetched($path);
    sleep 2.5;
    cmp_ok(fetched($path), '>', $before, 'it refreshes while all places for requests are taken');
    $_->receive for @$hanging;
};

subtest 'the least: two' => sub {
    my $w = webhooks(2);
    registers($w, 'slow', 'one for the rest');
    my $before = fetched('/hang');
    my ($hanging, $answers) = outcome_of($before, map { begin_registration($w, $_, '/hang') } qw(slow other));
    is(scalar @$hanging, 1, 'one for all of them');
    is($answers->[0]->code, 'too_busy', 'the next is told so');
    $_->receive for @$hanging;
};

subtest 'a set ends, whatever keeps it from being fetched' => sub {
    my $w   = webhooks(2, 'WebhookKeysJwksUriRefresh 1', 'WebhookKeysMaxStale 2');
    my $key = $w->key('EdDSA', register => 0, kid => 'ends', enterprise => 'slow');
    my $path = WHK::Origin::serve('ends.json', $json->encode({ keys => [ { %{ $key->{jwk} }, kid => 'ends' } ] }));
    is($w->admins->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'ends' })->status, 201, 'a key by URI');
    is($w->post($key, '{}')->status, 200, 'verifies');
    # Nobody's, as where every background task of a fleet is stuck: its lease is renewed for ever.
    my $stuck = 1000 * (int(time) + 80);
    $w->server->sql("UPDATE whk_remote_set SET leased_until = $stuck, refresh_at = $stuck");
    my $began = time;
    my $status;
    while (time < $began + 12) {
        $status = $w->post($key, '{}')->status;
        last if $status != 200;
        sleep 0.2;
    }
    is($status, 401, sprintf 'ends by itself, after %.1f s', time - $began);
    refused($w->post($key, '{}'), 401, 'jwks_uri_unreachable', 'the sender is told');
    is($w->server->sql("SELECT remote_flaw IS NULL FROM whk_key WHERE key_id = 'ends'"), 1, 'though nobody wrote it down');
    $w->server->sql('UPDATE whk_remote_set SET leased_until = 0, refresh_at = 0');
    my $end = time + 8;
    sleep 0.2 until time > $end || $w->post($key, '{}')->status == 200;
    is($w->post($key, '{}')->status, 200, 'and serves again once it was fetched');
};

done_testing;
