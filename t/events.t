# SPDX-License-Identifier: Apache-2.0
# The audit trail over HTTP (docs/api.md, "Events"): which requests leave which events, what these say, in which pages;
# and that a change and its event are one. What an edited trail looks like is in audit.t.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->new(children => 2);
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'events', 2)->codes_work_again;
my $other  = WHK::Admins->new($server, 'other', 1)->codes_work_again;
my %json   = ('Content-Type' => 'application/json');
my @pool   = WHK::Keys::many(60);

sub events { my ($tail, $of) = @_; $of //= $admins; return $client->request(GET => $server->events($of->{enterprise}) . ($tail // ''), { $of->read }) }
sub newest { return events('?limit=1')->json->{events}[0] }
sub total  { return events('?limit=1')->json->{total} }
sub set    { my ($key_id) = @_; return { jwks => WHK::Keys::jwks({ %{ shift @pool }, defined $key_id ? (kid => $key_id) : () }) } }

subtest 'nothing yet' => sub {
    my $r = events();
    is($r->status, 200, 'a list');
    json_headers($r, 'headers');
    is_deeply($r->json, { events => [], total => 0, limit => 50, prevId => 0 }, 'that is empty');
};

subtest 'a registration and a revoke' => sub {
    my $key   = $admins->register($client, set("gro\x{df}/1"))->json;
    my $event = newest();
    my $id    = delete $event->{requestId};
    like($id, qr/^\S{8,}$/, 'requestId');
    is_deeply($event, { id => 1, type => 'key.registered', keyId => "gro\x{df}/1", actor => $key->{createdBy}, at => $key->{createdDate}, remoteAddress => '127.0.0.1', detail => $key->{thumbprint} }, 'registered, with its thumbprint');
    my $revoked = $admins->revoke($client, 'gro%C3%9F%2F1')->json;
    $event = newest();
    isnt(delete $event->{requestId}, $id, 'another request');
    is_deeply($event, { id => 2, type => 'key.revoked', keyId => "gro\x{df}/1", actor => $revoked->{revokedBy}, at => $revoked->{revokedAt}, remoteAddress => '127.0.0.1', detail => undef }, 'revoked');
    isnt($revoked->{revokedBy}, $key->{createdBy}, 'by whom, each');
};

subtest 'registrations that are refused' => sub {
    is($admins->register($client, set('taken'))->status, 201, 'one that is not');
    my $in_use = set('in use');
    is($admins->register($client, $in_use)->status, 201, 'nor this');
    my ($key) = WHK::Keys::many(1);
    my $jwk = sub { return { keyId => 'x', jwks => WHK::Keys::jwks({ %{$key}, @_ }) } };
    my @refused = (
        ['key_id_taken',         'taken', set('taken')],
        ['key_material_in_use',  'again', { keyId => 'again', jwks => WHK::Keys::jwks({ map { $_ => $in_use->{jwks}{keys}[0]{$_} } qw(kty crv x) }) }],
        ['invalid_json',         undef,   '{"keyId":"x"'],
        ['invalid_json',         undef,   ''],
        ['invalid_request',      undef,   '[]'],
        ['invalid_request',      'x',     { keyId => 'x' }],
        ['invalid_request',      undef,   { keyId => 5 }],
        ['invalid_request',      undef,   { keyId => "a\x{7}b" }],
        ['invalid_request',      undef,   { keyId => 'x' x 256 }],
        ['invalid_jwks',         'x',     $jwk->(x => 'AAAA')],
        ['invalid_jwks',         'x',     $jwk->(use => 'enc')],
        ['unsupported_key',      'x',     $jwk->(crv => 'X25519')],
        ['private_key_material', 'x',     $jwk->(d => 'c2VjcmV0LXNlY3JldC1zZWNyZXQ')],
        ['weak_key',             'x',     $jwk->(x => 'AQ' . 'A' x 41)],
        ['key_id_mismatch',      'x',     $jwk->(kid => 'y')],
        ['key_id_required',      undef,   set()],
        ['key_id_required',      undef,   { jwksUri => 'https://example.com/' }],
        ['invalid_jwks_uri',     'x',     { keyId => 'x', jwksUri => 'ftp://example.com/' }],
        ['jwks_uri_refused',     'x',     { keyId => 'x', jwksUri => 'https://127.0.0.1/' }],
    );
    for my $case (@refused) {
        my ($code, $key_id, $body) = @{$case};
        my $before = total();
        my $r      = $admins->register($client, $body);
        is($r->code, $code, $code) or diag $r->body;
        my $event = newest();
        delete @{$event}{qw(at actor)};
        is_deeply($event, { id => $before + 1, type => 'key.registration_refused', keyId => $key_id, remoteAddress => '127.0.0.1', requestId => $r->json->{requestId}, detail => $code },
            '... leaves its event, which the requestId of the answer leads to');
    }
    # Bodies that were not read, and one that stopped on its way.
    my $recorded = sub {
        my ($r, $status, $code, $name) = @_;
        refused($r, $status, $code, $name);
        my $event = newest();
        is_deeply([@{$event}{qw(type keyId requestId detail)}], ['key.registration_refused', undef, $r->json->{requestId}, $code], '... leaves its event');
    };
    $recorded->($client->request(POST => $server->keys('events'), { $admins->write }, '{}'), 415, 'unsupported_media_type', 'no media type');
    $recorded->($admins->register($client, '{}', 'Content-Type' => 'text/plain'), 415, 'unsupported_media_type', 'another one');
    $recorded->($admins->register($client, '{}', 'Content-Encoding' => 'gzip'), 415, 'unsupported_media_type', 'a content coding');
    $recorded->($admins->register($client, ' ' x 65_537), 413, 'body_too_large', 'too long');
    $recorded->($admins->register(WHK::Client->new($server->port), "zz\r\n{}\r\n0\r\n\r\n", 'Transfer-Encoding' => 'chunked'), 400, 'invalid_request', 'a broken chunk');
    is($server->sql("SELECT count(*) FROM whk_key WHERE enterprise_id = 'events'"), 3, 'and no key');
    my $all = join '', map { events("?limit=100&prevId=$_")->body } 0, 100;
    unlike($all, qr/c2VjcmV0LXNlY3JldC1zZWNyZXQ|\Q$key->{x}\E/, 'no key material in the trail');
    is(index($all, $_), -1, 'no token') for map { $_->{token} } @{ $admins->{list} };
};

subtest 'one-time passwords' => sub {
    my $user  = $admins->{list}[1];
    my %wrong = (Authorization => "Bearer $user->{token}", OTP => 'no code', %json);
    my $before = total();
    for my $n (1 .. 5) {
        my $r = $client->request(POST => $server->keys('events'), {%wrong}, '{}');
        is($r->code, 'otp_invalid', 'refused');
        my ($event) = grep { $_->{type} eq 'otp.refused' } @{ events('?limit=2')->json->{events} };
        is_deeply([@{$event}{qw(actor keyId requestId remoteAddress)}], [$user->{user}, undef, $r->json->{requestId}, '127.0.0.1'], '... leaves its event');
    }
    my $locked = newest();
    is_deeply([@{$locked}{qw(id type actor keyId)}], [$before + 6, 'otp.locked', $user->{user}, undef], 'the fifth locks');
    like($locked->{detail}, qr/^until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... until when');
    is($client->request(DELETE => $server->keys('events') . '/taken', {%wrong})->code, 'otp_locked', 'while it is locked');
    is(total(), $before + 6, '... nothing is added');
    $server->ctl_ok('otp', 'unlock', $user->{user});
    is_deeply([grep { /no code/ } events('?limit=10')->body], [], 'no code in the trail');
};

subtest 'what leaves none' => sub {
    my $before = total();
    my %read = $admins->read;
    my $keys = $server->keys('events');
    for my $case ([GET => $keys], [GET => "$keys/taken"], [GET => "$keys/none"], [GET => "$keys?limit=x"], [OPTIONS => $keys], [PUT => $keys], [POST => $keys], [DELETE => "$keys/taken"], [GET => $server->events('events')], [HEAD => $keys]) {
        $client->request(@{$case}, {%read});
    }
    is($client->request(POST => $keys, {%json}, '{}')->status, 401, 'no token');
    is($client->request(POST => $keys, { $other->write, %json }, '{}')->status, 403, 'no admin');
    is($admins->revoke($client, 'none')->status, 404, 'no such key');
    is($admins->revoke($client, 'gro%C3%9F%2F1')->status, 409, 'revoked before');
    is(total(), $before, 'the trail is as long as it was');
};

subtest 'order and pages' => sub {
    is($admins->register($client, set("page-$_"))->status, 201, 'added') for 1 .. 30;
    my $total = total();
    cmp_ok($total, '>', 55, 'enough of them');
    my $r = events();
    is(scalar @{ $r->json->{events} }, 50, '50 at first');
    is_deeply([@{ $r->json }{qw(total limit prevId)}], [$total, 50, 0], '... of so many');
    for my $limit (7, 100) {
        my @ids;
        for (my $offset = 0; $offset < $total; $offset += $limit) {
            push @ids, map { $_->{id} } @{ events("?limit=$limit&prevId=$offset")->json->{events} };
        }
        is_deeply(\@ids, [reverse 1 .. $total], "newest first, without a gap, in pages of $limit");
    }
    my @times = map { $_->{at} } reverse map { @{ events("?limit=100&prevId=$_")->json->{events} } } 0;
    is_deeply(\@times, [sort @times], 'later ones are not earlier');
    my %seen;
    $seen{ $_->{requestId} }++ for grep { $_->{type} =~ /^key/ } @{ events('?limit=100')->json->{events} };
    is_deeply([grep { $seen{$_} > 1 } keys %seen], [], 'each request has an id of its own');
    is_deeply(events("?prevId=$total")->json, { events => [], total => $total, limit => 50, prevId => $total }, 'behind the end');
    for my $query (qw(limit=0 limit=101 limit=x limit= prevId=-1 prevId=x prevId= limit=1&limit=1 prevId=0&prevId=0 prevId=9223372036854775808)) {
        refused(events("?$query"), 400, 'invalid_request', $query);
    }
};

subtest 'of this enterprise alone' => sub {
    is($other->register($client, set('theirs'))->status, 201, 'another enterprise');
    my $r = events('', $other)->json;
    is_deeply([$r->{total}, map { @{$_}{qw(id keyId)} } @{ $r->{events} }], [1, 1, 'theirs'], 'has a trail of its own, from 1');
    refused($client->request(GET => $server->events('other'), { $admins->read }), 403, 'not_enterprise_admin', 'which is not for us');
    refused($client->request(GET => $server->events('events')), 401, 'invalid_token', 'nor for nobody');
};

subtest 'a change and its event are one' => sub {
    my %asks = (
        enterprises => 'SELECT active_keys, event_count, revision, event_head FROM whk_enterprise ORDER BY enterprise_id',
        keys        => 'SELECT status, count(*) FROM whk_key GROUP BY status ORDER BY status'
    );
    my %before = map { $_ => $server->sql($asks{$_}) } keys %asks;
    my $driver = $server->driver;
    my $no     = 'the trail cannot be written';
    $server->make_trigger('no_event', 'whk_event',
        $driver eq 'sqlite3' ? "CREATE TRIGGER no_event BEFORE INSERT ON whk_event BEGIN SELECT RAISE(ABORT, '$no'); END"
      : $driver eq 'mysql' ? "CREATE TRIGGER no_event BEFORE INSERT ON whk_event FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '$no'"
      : "CREATE FUNCTION no_event() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''$no''; END'; CREATE TRIGGER no_event BEFORE INSERT ON whk_event FOR EACH ROW EXECUTE FUNCTION no_event()");
    my $total = total();
    for my $case (
        ['a registration', sub { $admins->register($client, set('torn')) }],
        ['a revoke', sub { $admins->revoke($client, 'taken') }],
        ['a refusal', sub { $admins->register($client, set('taken')) }],
        ['a refusal of what was not read', sub { $admins->register($client, '{}', 'Content-Type' => 'text/plain') }],
        ['a refused code', sub { $client->request(POST => $server->keys('events'), { $admins->write, OTP => '000', %json }, '{}') }],
      )
    {
        my ($name, $request) = @{$case};
        my $r = $request->();
        cmp_ok($r->status, '>=', 500, "$name without its event fails") or diag $r->body;
        json_headers($r, '... in JSON');
        unlike($r->body, qr/trail|SQL|sqlite|whk_|\.db|maria|45000/i, '... that tells nothing of why');
    }
    is($server->sql($asks{enterprises}), $before{enterprises}, 'and nothing has changed: the enterprises');
    is($server->sql($asks{keys}), $before{keys}, '... the keys');
    is(total(), $total, '... the trail');
    $server->drop_trigger('no_event');
    $server->sql('DROP FUNCTION no_event') if $driver eq 'pgsql';
    is($admins->register($client, set('torn'))->status, 201, 'the keyId is free once the trail can be written');
    is($admins->revoke($client, 'taken')->status, 200, 'and the other can be revoked');
    is($server->ctl_json('audit', 'verify')->{ok}, JSON::PP::true, 'the trails are whole');
};

done_testing;
