# SPDX-License-Identifier: Apache-2.0
# A key is revoked by itself at the time that was planned: exactly then, whoever is away, and whatever its row says. A
# trigger keeps the background from writing that down, where the time between is looked at.
use strict;
use warnings;
use JSON::PP;
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Planned qw(ahead iso wait_until hold release);
use WHK::Seals;
use WHK::Server;
use WHK::Webhooks;

my $most   = 6;
my $origin = WHK::Origin->new(cert => undef);
my $w = WHK::Webhooks->new(before => "WebhookKeysMaxActive $most\nWebhookKeysJwksUriAllow 127.0.0.1\nWebhookKeysMaxStale 60");
my ($server, $client) = ($w->server, $w->client);
my $coder = JSON::PP->new->utf8->canonical;
my $body  = '{"a":1}';
my %json  = ('Content-Type' => 'application/json');

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    until ($test->()) { return 0 if time > $end; sleep 0.1 }
    return 1;
}

sub path { my $kid = shift; return $server->keys('acme') . "/$kid/revocation" }
sub put { my ($kid, $when, %o) = @_; return WHK::Planned::put($w, $kid, $when, %o) }
sub cancel { my ($kid, $e) = @_; return WHK::Planned::cancel($w, $kid, $e ? (enterprise => $e) : ()) }
sub one { my ($kid, $e) = @_; return $w->admins($e)->get($client, "/$kid")->json }
sub list { my ($query, $e) = @_; return $w->admins($e)->get($client, "?$query")->json }

# What the trail says of a key, oldest first.
sub trail { return map { [ @{$_}{qw(type detail actor)} ] } WHK::Planned::trail($w, @_) }

sub body_of { my ($kid, %members) = @_; return { keyId => $kid, jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')), %members } }

sub audit_is_good {
    my $name = shift;
    my ($status, $out, $err) = $server->ctl('audit', 'verify');
    return is($status, 0, $name) || diag $out, $err;
}

# Looked at in the end: it takes some seconds.
my $api = WHK::Server->new(children => 1);
is(WHK::Admins->new($api, 'acme', 1)->register(WHK::Client->new($api->port), body_of('short', revokesDate => iso(ahead(1.5))))->status, 201, 'a key for a moment');

subtest 'at registration' => sub {
    my $when = ahead(3600);
    my $r = $w->admins->register($client, body_of('born', revokesDate => iso($when)));
    is($r->status, 201, 'a key with a planned end') or diag $r->body;
    is($r->json->{revokesDate}, iso($when), '... which the answer tells');
    is($r->json->{status}, 'ACTIVE', '... and it is ACTIVE');
    is(one('born')->{revokesDate}, iso($when), '... as the key itself');
    is((grep { $_->{keyId} eq 'born' } @{ list('limit=100')->{keys} })[0]{revokesDate}, iso($when), '... and the list');
    is_deeply([ map { $_->[0] } trail('born') ], [ 'key.registered', 'key.revocation_planned' ], 'the trail has both');
    is((trail('born'))[1][1], iso($when), '... with the time');
    for my $none ([ 'left-out' ], [ 'null', revokesDate => undef ]) {
        my ($kid, @members) = @{$none};
        $r = $w->admins->register($client, body_of($kid, @members));
        is($r->status, 201, "$kid is none");
        ok(exists $r->json->{revokesDate} && !defined $r->json->{revokesDate}, '... null in the answer');
        ok(!defined $r->json->{warnings}, '... and nothing to warn of');
        is_deeply([ map { $_->[0] } trail($kid) ], ['key.registered'], '... and no event');
        $w->admins->revoke($client, $kid);
    }
    $w->admins->revoke($client, 'born');
    is(one('born')->{revokesDate}, undef, 'revoked by hand before: nothing is planned any more');
    audit_is_good('the rows say what the events do');
};

subtest 'times that are none' => sub {
    my $year = 1900 + (gmtime)[5];
    my $far  = $year + 11;
    my %bad = (
        'a number' => 1_900_000_000, 'a list' => ['2030-01-01T00:00:00Z'], 'true' => JSON::PP::true, 'empty' => '', 'a word' => 'tomorrow',
        'no offset' => '2030-01-01T00:00:00', 'no time' => '2030-01-01', 'a space' => '2030-01-01 00:00:00Z', 'white space' => ' 2030-01-01T00:00:00Z',
        'a tail' => '2030-01-01T00:00:00Z ', 'month 13' => '2030-13-01T00:00:00Z', 'day 31 of February' => '2030-02-31T00:00:00Z',
        'no leap year' => '2030-02-29T00:00:00Z', 'hour 24' => '2030-01-01T24:00:00Z', 'second 60' => '2030-01-01T00:00:60Z', 'offset of 24 h' => '2030-01-01T00:00:00+24:00',
        'offset without colon' => '2030-01-01T00:00:00+0100', 'a point alone' => '2030-01-01T00:00:00.Z', 'not UTF-8 digits' => "2030-01-01T00:00:0\x{663}Z",
        'past' => '2020-01-01T00:00:00Z', 'now' => iso(ahead(0)), 'eleven years' => "$far-01-01T00:00:00Z", 'year 9999' => '9999-12-31T23:59:59-23:59', 'long' => '2' x 10_000,
    );
    my $key = $w->key('EdDSA', kid => 'stays');
    for my $what (sort keys %bad) {
        refused($w->admins->register($client, body_of('never', revokesDate => $bad{$what})), 400, 'invalid_request', "registration: $what");
        my $r = put('stays', { revokesDate => $bad{$what} });
        refused($r, 400, 'invalid_request', "PUT: $what");
        like($r->json->{message}, qr/revokesDate must be/, '... says what it must be');
    }
    for my $none ({}, { revokesDate => undef }) {
        my $r = put('stays', $none);
        refused($r, 400, 'invalid_request', 'PUT: none');
        like($r->json->{message}, qr/revokesDate is missing/, '... says so');
    }
    refused(put('stays', []), 400, 'invalid_request', 'PUT: no object');
    my $send = sub { $client->request(PUT => path('stays'), { $w->admins->write, %json }, shift) };
    refused($send->(''), 400, 'invalid_json', 'PUT: empty');
    refused($send->('{"revokesDate":"x","revokesDate":"y"}'), 400, 'invalid_json', 'PUT: twice');
    refused($send->("{\"revokesDate\":\"\xff\"}"), 400, 'invalid_json', 'PUT: not UTF-8');
    is(one('stays')->{revokesDate}, undef, 'none of it was taken');
    # A day ahead, in forms that are one moment; and ten years.
    my $day = int(time + 86_400);
    my $utc = strftime('%Y-%m-%dT%H:%M:%S', gmtime $day);
    my %good = ("${utc}Z" => '000', "${utc}z" => '000', "${utc}.5Z" => '500', "${utc}.1239999999Z" => '123', "${utc}-00:00" => '000',
        strftime('%Y-%m-%dT%H:%M:%S+05:30', gmtime $day + 19_800) => '000', strftime('%Y-%m-%dt%H:%M:%S-08:00', gmtime $day - 28_800) => '000');
    is(put('stays', { revokesDate => $_ })->json->{revokesDate}, "$utc.$good{$_}Z", $_) for sort keys %good;
    is(put('stays', { revokesDate => ($year + 10) . '-01-01T00:00:00Z' })->status, 200, 'almost ten years ahead');
    $w->revoke($key);
};

subtest 'path, methods and the order of the checks' => sub {
    my $key = $w->key('EdDSA', kid => 'a/b %');
    my $at  = path('a%2Fb%20%25');
    for my $method (qw(GET HEAD POST PATCH)) {
        my $r = $client->request($method => $at, { $w->admins->read, %json }, $method =~ /^P/ ? '{}' : ());
        is($r->status, 405, "$method: 405");
        is($r->header('Allow'), 'PUT, DELETE, OPTIONS', '... with Allow');
    }
    my $r = $client->request(OPTIONS => $at);
    is(join(' ', $r->status, $r->header('Allow')), '204 PUT, DELETE, OPTIONS', 'OPTIONS');
    refused($client->request(PUT => "$at/x", { $w->admins->write, %json }, '{}'), 404, 'not_found', 'nothing is below it');
    my $good = $coder->encode({ revokesDate => iso(ahead(3600)) });
    $w->admins('elsewhere');
    my @requests = ([ PUT => $good ], [ PUT => 'x' ], [ 'DELETE' ]);
    for (@requests) {
        my ($method, $text) = @{$_};
        refused($client->request($method => $at, {%json}, $text // ()), 401, 'invalid_token', "$method: no token");
        refused($client->request($method => $at, { $w->admins('elsewhere')->write, %json }, $text // ()), 403, 'not_enterprise_admin', '... no admin');
        refused($client->request($method => $at, { $w->admins->read, %json }, $text // ()), 401, 'otp_required', '... no code');
        refused($client->request($method => $at, { $w->admins->read, OTP => '0', %json }, $text // ()), 401, 'otp_invalid', '... a wrong code');
    }
    $server->sql('UPDATE whk_otp SET failures = 0');
    refused($client->request(PUT => $at, { $w->admins->write, 'Content-Type' => 'text/plain' }, $good), 415, 'unsupported_media_type', 'no JSON by its name');
    refused($client->request(PUT => $at, { $w->admins->write, %json }, '{"x":"' . 'y' x 70_000 . '"}'), 413, 'body_too_large', 'too long');
    $client->close;
    refused(put('nobody', { revokesDate => 'x' }), 400, 'invalid_request', 'the time before the key');
    refused(put('nobody', ahead(3600)), 404, 'key_not_found', 'a key that is none');
    refused(cancel('nobody'), 404, 'key_not_found', '... to cancel');
    refused(put('%00', ahead(3600)), 404, 'not_found', 'no name at all');
    $r = $client->request(PUT => $at, { $w->admins->write, %json }, $good);
    is($r->status, 200, 'a name with a slash') or diag $r->body;
    json_headers($r, '... headers');
    is($r->json->{keyId}, 'a/b %', '... the key');
    $w->revoke($key);
    refused($client->request(PUT => $at, { $w->admins->write, %json }, $good), 409, 'key_already_revoked', 'a revoked key');
    refused($client->request(DELETE => $at, { $w->admins->write }), 409, 'key_already_revoked', '... to cancel');
};

subtest 'plan, move, cancel' => sub {
    my $key = $w->key('EdDSA', kid => 'moved');
    my ($first, $second) = map { ahead($_) } 3600, 7200;
    is(put('moved', $first)->json->{revokesDate}, iso($first), 'planned');
    is(put('moved', $first)->status, 200, '... again');
    is(put('moved', $second)->json->{revokesDate}, iso($second), 'moved');
    my $r = cancel('moved');
    is_deeply([ $r->status, @{ $r->json }{qw(keyId status revokesDate)} ], [ 200, 'moved', 'ACTIVE', undef ], 'cancelled');
    is(cancel('moved')->status, 200, '... again');
    my $admin = $w->admins->{list}[0]{user};
    is_deeply([ trail('moved') ],
        [ [ 'key.registered', one('moved')->{thumbprint}, $admin ], [ 'key.revocation_planned', iso($first), $admin ], [ 'key.revocation_planned', iso($second), $admin ], [ 'key.revocation_cancelled', iso($second), $admin ] ],
        'each change is an event, and what changes nothing is none');
    is($w->post($key, $body)->status, 200, 'the key verifies');
    audit_is_good('the rows say what the events do');
    $w->revoke($key);
};

subtest 'warnings' => sub {
    my $warned = sub { my $r = shift; return join ' | ', @{ $r->json->{warnings} // [] } };
    my %of = (enterprise => 'few');
    my $key = $w->key('EdDSA', kid => 'only', %of);
    like($warned->(put('only', ahead(3600), %of)), qr/^no other key of this enterprise is ACTIVE from \S+Z on[^|]*register another key before[^|]*$/, 'the only ACTIVE key');
    my $second = $w->key('EdDSA', kid => 'second', %of);
    ok(!exists put('only', ahead(3600), %of)->json->{warnings}, 'another stays: none');
    like($warned->(put('second', ahead(7200), %of)), qr/no other key/, '... and then none is left');
    ok(!exists put('only', ahead(3600), %of)->json->{warnings}, 'of the first nothing is to be told still');
    cancel($_, 'few') for qw(only second);
    my $minutes_ago = ahead(-1800);
    $server->sql("UPDATE whk_key SET last_used_at = $minutes_ago WHERE enterprise_id = 'few' AND key_id = 'only'");
    like($warned->(put('only', ahead(3600), %of)), qr/^this key verified webhooks within the last hour, and no other key of this enterprise did/, 'the one that is used');
    $server->sql("UPDATE whk_key SET last_used_at = $minutes_ago WHERE enterprise_id = 'few' AND key_id = 'second'");
    ok(!exists put('only', ahead(3600), %of)->json->{warnings}, 'another is used too: none');
    my $hours_ago = ahead(-3700);
    $server->sql("UPDATE whk_key SET last_used_at = $hours_ago WHERE enterprise_id = 'few' AND key_id = 'only'");
    ok(!exists put('only', ahead(3600), %of)->json->{warnings}, 'it was used more than an hour ago: none');
    ok(!exists $w->admins('few')->revoke($client, 'only')->json->{warnings}, 'revoked, and another stays: none');
    like($warned->($w->admins('few')->revoke($client, 'second')), qr/^this was the enterprise's last ACTIVE key[^|]*register another key[^|]*$/, 'the last one revoked');
    like($warned->($w->admins('few')->register($client, body_of('born', revokesDate => iso(ahead(60))))), qr/^no other key/, 'registered to go');
};

subtest 'the instant' => sub {
    my %of = (enterprise => 'instant');
    my @keys = map { $w->key('EdDSA', kid => "k$_", %of) } 1 .. $most;
    my ($going, $gone) = @keys[2, 4];
    my $path = '/hooks/instant/x';
    # Of two processes each knows the keys.
    is($w->post($going, $body, path => $path)->status, 200, 'a key verifies') for 1 .. 8;
    my $jwks = $server->keys('instant') =~ s{keys$}{jwks.json}r;
    my $set_before = $client->request(GET => $jwks, { $w->admins('instant')->read });
    is($set_before->header('Cache-Control'), 'max-age=300', 'nothing is planned: the set may be kept as ever');
    hold($server);
    my $when = ahead(2.5);
    is(put($_, $when, %of)->status, 200, "$_ is planned") for qw(k3 k5);
    my $set_planned = $client->request(GET => $jwks, { $w->admins('instant')->read });
    my ($max_age) = $set_planned->header('Cache-Control') =~ /^max-age=(\d+)$/;
    cmp_ok($max_age, '<=', ($when / 1000 - time) + 1, "a set may be kept until then, and no longer: $max_age s");
    my $signed = $w->sign($going, $body, path => $path);
    my ($early, $late, $wrong) = (0, 0, 0);
    wait_until($when - 400);
    while (time < $when / 1000 + 0.4) {
        my $asked    = time;
        my $status   = $w->send($signed)->status;
        my $answered = time;
        if ($answered * 1000 < $when) { $early++; $wrong++ if $status != 200 }
        elsif ($asked * 1000 >= $when) { $late++; $wrong++ if $status != 401 }
    }
    ok($early && $late && !$wrong, "exact: $early before, $late after, $wrong wrong");
    refused($w->send($signed), 401, 'key_revoked', 'the sender is told');
    is(one('k3', 'instant')->{status}, 'REVOKED', 'the key says so');
    is_deeply([ @{ one('k3', 'instant') }{qw(revokedDate revokedBy revokesDate)} ], [ iso($when), 'schedule', iso($when) ], '... when, and by whom');
    is($server->sql(q{SELECT status FROM whk_key WHERE key_id = 'k3' AND enterprise_id = 'instant'}), 'ACTIVE', '... though nobody has written it down');
    my $names = sub { my $l = list(@_, 'instant'); return join ' ', $l->{total}, map { "$_->{keyId}:$_->{status}" } @{ $l->{keys} } };
    is($names->('status=ACTIVE'), '4 k1:ACTIVE k2:ACTIVE k4:ACTIVE k6:ACTIVE', 'the list of ACTIVE ones');
    is($names->('status=ACTIVE&limit=2&prevId=2'), '4 k4:ACTIVE k6:ACTIVE', '... a page');
    is($names->('status=REVOKED'), '2 k3:REVOKED k5:REVOKED', 'of REVOKED ones');
    is($names->('status=REVOKED&limit=1&prevId=1'), '2 k5:REVOKED', '... a page');
    is($names->(''), '6 k1:ACTIVE k2:ACTIVE k3:REVOKED k4:ACTIVE k5:REVOKED k6:ACTIVE', 'of all');
    my $jws = $w->signer->sign(scheme => 'jws', key => $going->{pem}, alg => 'EdDSA', kid => 'k3', method => 'POST', authority => 'x', target => '/', body => $body)->{body};
    my $r = $client->request(POST => $server->keys('instant') . '/k3/verify', { $w->admins('instant')->read, %json }, $coder->encode({ jws => $jws }));
    is($r->json->{reason}, 'key_revoked', 'verify says so');
    my $set = $client->request(GET => $jwks, { $w->admins('instant')->read, 'If-None-Match' => $set_planned->header('ETag') });
    is($set->status, 200, 'jwks.json is another');
    is(join(' ', map { $_->{kid} } @{ $set->json->{keys} }), 'k1 k2 k4 k6', '... without them');
    is($set->header('Cache-Control'), 'max-age=300', '... and may be kept as ever');
    refused(put('k3', ahead(60), %of), 409, 'key_already_revoked', 'too late to move');
    refused(cancel('k3', 'instant'), 409, 'key_already_revoked', '... to cancel');
    refused($w->admins('instant')->revoke($client, 'k3'), 409, 'key_already_revoked', '... to revoke');
    is($w->admins('instant')->register($client, body_of('k7'))->status, 201, "their places are free: one of $most");
    is($w->admins('instant')->register($client, body_of('k8'))->status, 201, '... and the other');
    refused($w->admins('instant')->register($client, body_of('k9')), 409, 'active_key_limit', '... and no more');
    audit_is_good('the audit finds nothing wrong before it is written');
    release($server);
    ok(within(10, sub { $server->sql(q{SELECT count(*) FROM whk_key WHERE enterprise_id = 'instant' AND status = 'ACTIVE'}) == $most }), 'the background writes it down');
    is_deeply([ (trail('k3', 'instant'))[-1] ], [ [ 'key.revoked', undef, 'schedule' ] ], '... and an event');
    is(scalar(grep { $_->[0] eq 'key.revoked' } trail('k3', 'instant')), 1, '... one');
    is($names->('status=REVOKED'), '2 k3:REVOKED k5:REVOKED', 'the lists say the same');
    is_deeply([ @{ one('k3', 'instant') }{qw(revokedDate revokedBy revokesDate)} ], [ iso($when), 'schedule', iso($when) ], '... and the key');
    is($server->sql(q{SELECT active_keys FROM whk_enterprise WHERE enterprise_id = 'instant'}), $most, '... and the counter');
    audit_is_good('the audit finds nothing wrong');
    refused($w->post($going, $body, path => $path), 401, 'key_revoked', 'it verifies nothing still');
};

subtest 'the database away, and a set by URI' => sub {
    my %of = (enterprise => 'away');
    my $key = $w->key('EdDSA', kid => 'inline', %of);
    my $remote = $w->key('ES256', register => 0, kid => 'remote', %of);
    my $at = WHK::Origin::serve('planned.json', $coder->encode({ keys => [ { %{ $remote->{jwk} }, kid => 'remote' } ] }));
    my $when = ahead(3);
    my $r = $w->admins('away')->register($client, { jwksUri => $origin->http_uri('127.0.0.1', $at), keyId => 'remote', revokesDate => iso($when) });
    is($r->status, 201, 'a key by URI') or diag $r->body;
    is(put('inline', $when, %of)->status, 200, 'and another');
    my @signed = map { $w->sign($_, $body, path => '/hooks/away/x') } $key, $remote;
    my $statuses = sub { return join ' ', sort map { my $s = $_; map { $w->send($s)->status } 1 .. 6 } @signed };
    is($statuses->(), join(' ', (200) x 12), 'both verify');
    $server->sql('ALTER TABLE whk_enterprise RENAME TO gone');
    ok($when / 1000 > time, 'the registry is away before the time');
    is($w->send($signed[0])->status, 200, '... and what is known serves');
    wait_until($when);
    is($statuses->(), join(' ', (401) x 12), 'at the time they are revoked all the same');
    refused($w->send($signed[1]), 401, 'key_revoked', '... and the sender is told');
    $server->sql('ALTER TABLE gone RENAME TO whk_enterprise');
    ok(within(10, sub { $server->sql(q{SELECT count(*) FROM whk_key WHERE enterprise_id = 'away' AND status = 'ACTIVE'}) eq '0' }), 'once it is back, it is written down');
    # The table that was taken away is no longer defined in our words, which is a finding of its own.
    like(($server->ctl('audit', 'verify', 'away'))[1], qr/^ok\s+away: \d+ events/m, 'the audit finds nothing wrong with it');
};

subtest 'the audit holds rows to events' => sub {
    my %of = (enterprise => 'held');
    my $seals = WHK::Seals->new($server);
    $w->key('EdDSA', kid => $_, %of) for qw(planned unplanned by-hand short);
    my $when = ahead(3600);
    put($_, $when, %of) for qw(planned by-hand);
    put('short', ahead(0.5), %of);
    $w->admins('held')->revoke($client, 'by-hand');
    ok(within(10, sub { ($server->sql(q{SELECT status FROM whk_key WHERE key_id = 'short'})) eq 'REVOKED' }), 'keys of each kind');
    for my $case ([ planned => $when + 1, 'another time at which' ], [ planned => 'NULL', 'another time at which' ], [ unplanned => $when, 'another time at which' ], [ 'by-hand' => $when, 'another time at which' ], [ short => $when, 'another time at which' ], [ short => 'NULL', 'another time at which' ]) {
        my ($kid, $value, $flaw) = @{$case};
        my $at = "WHERE enterprise_id = 'held' AND key_id = '$kid'";
        my $before = $server->sql("SELECT coalesce(revokes_at, 0) FROM whk_key $at") || 'NULL';
        $server->sql("UPDATE whk_key SET revokes_at = $value $at");
        $seals->key_row('held', $kid);
        like(($server->ctl('audit', 'verify', 'held'))[1], qr/key $kid: its events tell of $flaw/, "$kid: $before made $value, with a seal that fits");
        $server->sql("UPDATE whk_key SET revokes_at = $before $at");
        $seals->key_row('held', $kid);
    }
    like(($server->ctl('audit', 'verify', 'held'))[1], qr/^ok\s+held: /m, 'as they were');
};

subtest 'Ed25519 keys that are tried' => sub {
    my $tried = WHK::Webhooks->new(scheme => 'standard-webhooks', children => 1);
    my ($stays, $goes) = map { $tried->key('EdDSA', kid => $_) } qw(stays goes);
    my $when = ahead(1.5);
    is(WHK::Planned::put($tried, 'goes', $when)->status, 200, 'planned');
    is($tried->post($_, $body)->status, 200, "$_->{kid} verifies") for $stays, $goes;
    wait_until($when);
    is($tried->post($stays, $body)->status, 200, 'one stays');
    refused($tried->post($goes, $body), 401, 'bad_signature', 'the other is not tried any more');
};

subtest 'a server that serves the API alone' => sub {
    ok(within(15, sub { $api->sql('SELECT status FROM whk_key') eq 'REVOKED' }), 'writes it down too');
    is($api->sql('SELECT revoked_by FROM whk_key'), 'schedule', '... by the schedule');
    my ($status) = $api->ctl('audit', 'verify');
    is($status, 0, '... and the audit finds nothing wrong');
};
done_testing;
