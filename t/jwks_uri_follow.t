# SPDX-License-Identifier: Apache-2.0
# Key sets that are followed: a key of the keyId * stands for what is in a set by URI, now and later.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Fleet;
use WHK::Keys;
use WHK::Origin;
use WHK::Webhooks;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new;
my $ca     = WHK::Origin::directory() . '/ca.pem';
my $body   = '{"a":1}';
my $count  = 0;

sub configuration { return join "\n", "WebhookKeysCAFile $ca", 'WebhookKeysJwksUriAllow 127.0.0.1', @_ }

sub webhooks { return WHK::Webhooks->new(children => 3, before => configuration(@_)) }

my $w    = webhooks('WebhookKeysJwksUriFollow On', 'WebhookKeysJwksUriRefresh 1', 'WebhookKeysMaxActive 6');
my $slow = webhooks('WebhookKeysJwksUriFollow On');

sub within {
    my ($seconds, $test) = @_;
    my $end = time + $seconds;
    while (time < $end) {
        return 1 if $test->();
        sleep 0.1;
    }
    return 0;
}

# A key pair that no one registered, of an enterprise.
sub pair {
    my ($webhooks, $enterprise, $kid) = @_;
    return $webhooks->key('EdDSA', register => 0, kid => $kid // 'kid-' . ++$count, enterprise => $enterprise);
}

sub member { my $key = shift; return { %{ $key->{jwk} }, kid => $key->{kid}, @_ } }
sub serve { my ($name, @members) = @_; return WHK::Origin::serve("$name.json", $json->encode({ keys => \@members })) }

sub register {
    my ($webhooks, $enterprise, %members) = @_;
    return $webhooks->admins($enterprise)->register($webhooks->client, { jwksUri => $origin->uri('127.0.0.1', "/files/$enterprise.json"), keyId => '*', %members });
}

sub post { my ($webhooks, $key, @how) = @_; return $webhooks->post($key, $body, path => "/hooks/$key->{enterprise}", @how) }

sub get {
    my ($webhooks, $enterprise, $path) = @_;
    return $webhooks->client->request(GET => $webhooks->server->prefix . "/enterprises/$enterprise/webhooks/$path", { $webhooks->admins($enterprise)->read });
}

sub events {
    my ($webhooks, $enterprise, $type, $kid) = @_;
    return grep { $_->{type} eq $type && ($_->{keyId} // '') eq $kid } @{ get($webhooks, $enterprise, 'key-events?limit=100')->json->{events} };
}

sub audit_holds {
    my ($webhooks, $enterprise) = @_;
    my ($status, $out, $err) = $webhooks->server->ctl('audit', 'verify', $enterprise);
    is($status, 0, 'whkctl audit verify has nothing to say') or diag $out . $err;
    my (undef, $found) = $webhooks->server->ctl('check');
    return like($found, qr/^ok .*is as it was written, by its seals/m, '... nor has whkctl check of seals');
}

sub fetches { my $enterprise = shift; return scalar grep { /\Q$enterprise.json\E/ } $origin->lines('request') }

subtest 'registered' => sub {
    my ($one, $two) = map { pair($w, 'acme') } 1 .. 2;
    serve('acme', member($one), member($two));
    my $r = register($w, 'acme', keyName => 'our set');
    is($r->status, 201, 'a set is') or diag $r->body;
    my $set = $r->json;
    is_deeply([ @{$set}{qw(keyId keyName algorithm thumbprint status)} ], [ '*', 'our set', undef, undef, 'ACTIVE' ], '... without algorithm and thumbprint');
    like($r->header('Location'), qr{/webhooks/keys/(?:\*|%2A)$}, '... and has its place');
    is(post($w, $_)->status, 200, "$_->{kid} verifies at once") for $one, $two;
    my @keys = @{ get($w, 'acme', 'keys')->json->{keys} };
    is_deeply([ map { [ @{$_}{qw(keyId followedBy createdBy)} ] } @keys ],
        [ [ '*', undef, $set->{createdBy} ], map { [ $_->{kid}, '*', $set->{createdBy} ] } $one, $two ], 'the list has the set and its keys');
    is(get($w, 'acme', 'keys/%2A')->json->{keyId}, '*', 'the set can be asked for');
    is_deeply([ sort map { $_->{kid} } @{ get($w, 'acme', 'jwks.json')->json->{keys} } ], [ sort map { $_->{kid} } $one, $two ], 'jwks.json has the keys alone');
    refused(post($w, { %$one, kid => '*' }), 401, 'unknown_key', 'a signature that names the set');
    refused(register($w, 'acme'), 400, 'key_id_taken', 'the same again');
    my $out = $w->server->ctl_ok('key', 'list', 'acme');
    like($out, qr/^\* +our set +- +ACTIVE.*^$one->{kid} +$one->{kid} +EdDSA +ACTIVE +\S+ +\S+ +\* /ms, 'whkctl shows them');
    audit_holds($w, 'acme');
};

subtest 'what comes and goes' => sub {
    my ($one, $two) = map { pair($w, 'moving') } 1 .. 2;
    serve('moving', member($one));
    is(register($w, 'moving')->status, 201, 'registered');
    refused(post($w, $two), 401, 'unknown_key', 'a key that is not there yet');
    serve('moving', member($one), member($two));
    ok(within(10, sub { post($w, $two)->status == 200 }), 'one that appears verifies after the next refresh');
    is_deeply([ map { @{$_}{qw(actor)} } events($w, 'moving', 'key.registered', $two->{kid}) ], ['background'], '... which is an event of the background');
    serve('moving', member($two));
    ok(within(10, sub { post($w, $one)->status == 401 }), 'one that goes stops');
    refused(post($w, $one), 401, 'unknown_key', '... like one that never was');
    is(scalar events($w, 'moving', 'jwks_uri.key_gone', $one->{kid}), 1, '... which is an event');
    is_deeply([ map { $_->{kid} } @{ get($w, 'moving', 'jwks.json')->json->{keys} } ], [ $two->{kid} ], '... and jwks.json does not list it');
    serve('moving', member($one), member($two));
    ok(within(10, sub { post($w, $one)->status == 200 }), '... and verifies again once it is back');
    is(scalar events($w, 'moving', 'jwks_uri.key_returned', $one->{kid}), 1, '... which is an event too');
    my $r = $w->admins('moving')->revoke($w->client, $one->{kid});
    is($r->status, 200, 'one of them is revoked');
    refused(post($w, $one), 401, 'key_revoked', '... and stops');
    ok(within(10, sub { scalar events($w, 'moving', 'key.registration_refused', $one->{kid}) }), '... and is refused, though its set has it');
    my $again = { %$one, kid => 'by-another-name' };
    serve('moving', member($again), member($two));
    ok(within(10, sub { scalar events($w, 'moving', 'key.registration_refused', $again->{kid}) }), '... and so is its material under another kid');
    sleep 1.6;
    is(scalar events($w, 'moving', 'key.registration_refused', $_), 1, "... $_ once") for $one->{kid}, $again->{kid};
    refused(post($w, $again), 401, 'unknown_key', '... and verifies nothing');
    is(post($w, $two)->status, 200, 'the other goes on');
    audit_holds($w, 'moving');
};

subtest 'the set is revoked' => sub {
    my ($one, $two, $three) = map { pair($w, 'ending') } 1 .. 3;
    serve('ending', member($one), member($two));
    is(register($w, 'ending')->status, 201, 'registered');
    is(post($w, $one)->status, 200, 'verifies');
    is($w->admins('ending')->revoke($w->client, '%2A')->status, 200, 'revoked');
    refused(post($w, $_), 401, 'key_revoked', "$_->{kid} stopped at once") for $one, $two;
    my ($event) = events($w, 'ending', 'key.revoked', $one->{kid});
    my ($of_set) = events($w, 'ending', 'key.revoked', '*');
    is_deeply([ @{$event}{qw(actor at)} ], [ @{$of_set}{qw(actor at)} ], '... by whoever revoked the set');
    refused(register($w, 'ending', keyId => '*:early'), 400, 'jwks_uri_no_such_key', 'a set of nothing but keys that were');
    serve('ending', member($three));
    sleep 1.6;
    refused(post($w, $three), 401, 'unknown_key', 'nothing comes any more');
    refused(register($w, 'ending'), 400, 'key_id_taken', '* is used up');
    is(register($w, 'ending', keyId => '*:again')->status, 201, 'another name follows the set again');
    is(post($w, $three)->status, 200, '... and its key verifies');
    serve('ending', member($one), member($three));
    ok(within(10, sub { scalar events($w, 'ending', 'key.registration_refused', $one->{kid}) }), '... but what was revoked stays so');
    refused(post($w, $one), 401, 'key_revoked', '... to the end');
    audit_holds($w, 'ending');
};

subtest 'a key that nobody knows yet' => sub {
    my ($one, $two) = map { pair($slow, 'unknown') } 1 .. 2;
    serve('unknown', member($one));
    is(register($slow, 'unknown')->status, 201, 'registered');
    my $before = fetches('unknown');
    serve('unknown', member($one), member($two));
    my $r = post($slow, $two);
    refused($r, 401, 'unknown_key', 'is refused');
    like($r->json->{message}, qr/key set that it follows/, '... and its sender learns that the set is looked at');
    ok(within(15, sub { fetches('unknown') > $before }), '... soon, long before its time');
    ok(within(15, sub { post($slow, $two)->status == 200 }), '... and then it verifies');
    refused(post($slow, { %$one, kid => "nobody-$_" }), 401, 'unknown_key', "kid $_ of many") for 1 .. 50;
    sleep 1.6;
    is(fetches('unknown') - $before, 1, 'which cause no further fetch');
    is(post($slow, $one)->status, 200, 'and nothing else');
};

subtest 'what cannot be registered' => sub {
    my $good = pair($w, 'bad');
    my $try = sub {
        my ($name, $status, $code, @members) = @_;
        serve('bad', @members);
        refused(register($w, 'bad'), $status, $code, $name);
    };
    $try->('a set without keys', 400, 'jwks_uri_no_such_key');
    $try->('a key without kid',  400, 'jwks_uri_no_such_key', $good->{jwk});
    $try->('a kid that names a set', 400, 'jwks_uri_no_such_key', member($good, kid => '*'));
    $try->('a kid that is there twice', 400, 'jwks_uri_no_such_key', member($good), member(pair($w, 'bad', $good->{kid})));
    $try->('a private key', 400, 'jwks_uri_no_such_key', member($good, d => 'A' x 43));
    $try->('a secret',      400, 'jwks_uri_no_such_key', { kty => 'oct', kid => 'secret', k => 'A' x 43 });
    $try->('an algorithm that is off', 400, 'jwks_uri_no_such_key', member($w->key('RS256', register => 0, kid => 'rsa')));
    $try->('101 keys', 400, 'invalid_jwks', map { member($good, kid => "m$_") } 1 .. 101);
    $try->('more than may be ACTIVE', 409, 'active_key_limit', map { member(pair($w, 'bad')) } 1 .. 6);
    is_deeply(get($w, 'bad', 'keys')->json->{keys}, [], 'nothing of it is there: it was all or nothing');
    refused(register($w, 'bad', keyId => '*:'), 400, 'invalid_request', 'a name that is none');
    WHK::Origin::serve('bad.json', 'no JSON');
    refused(register($w, 'bad'), 400, 'invalid_jwks', 'what is no JSON');
    serve('bad', member($good), member($good, kid => '*'), $good->{jwk}, 7);
    is(register($w, 'bad')->status, 201, 'a good key among bad ones is enough');
    is(post($w, $good)->status, 200, '... and verifies');
    audit_holds($w, 'bad');
    refused($slow->admins('acme')->register($slow->client, { jwksUri => $origin->uri('127.0.0.1', '/files/bad.json'), keyId => 'x' x 256 }), 400, 'invalid_request', 'a keyId that is too long');
};

subtest 'verified by an admin' => sub {
    my ($one, $two) = map { pair($w, 'asked') } 1 .. 2;
    serve('asked', member($one));
    is(register($w, 'asked')->status, 201, 'registered');
    my $verify = sub {
        my ($key, $kid, %protected) = @_;
        my $signed = $w->signer->sign(scheme => 'jws', key => $key->{pem}, alg => 'EdDSA', kid => $kid, method => 'POST', authority => 'localhost', target => '/', body => $body, %protected);
        return $w->client->request(
            POST => $w->server->keys('asked') . '/%2A/verify', { $w->admins('asked')->read, 'Content-Type' => 'application/json' }, $json->encode({ jws => $signed->{body} })
        )->json;
    };
    is_deeply($verify->($one, $one->{kid}), { valid => JSON::PP::true, keyId => $one->{kid}, alg => 'EdDSA' }, 'the key that the JWS names judges it');
    is($verify->($two, $one->{kid})->{reason}, 'bad_signature', '... as its own');
    is($verify->($one, $_)->{reason}, 'key_id_mismatch', "none of its keys: $_") for $two->{kid}, '*';
};

subtest 'Off' => sub {
    my $off  = webhooks('WebhookKeysJwksUriRefresh 1');
    my ($one, $two) = map { pair($off, 'off') } 1 .. 2;
    serve('off', member($one));
    my $r = register($off, 'off');
    refused($r, 400, 'invalid_request', 'no set is followed');
    like($r->json->{message}, qr/by its kid/, '... and the answer says what to do instead');
    my $literal = pair($off, 'off', '*');
    $off->register($literal);
    is(post($off, $literal)->status, 200, 'a key of its own may be called so, as ever');
};

subtest 'two nodes' => sub {
    my ($kind) = grep { $_ eq 'pgsql' } WHK::Fleet::kinds();
    plan skip_all => 'PostgreSQL is not among the databases to try' if !$kind;
    my $fleet = WHK::Fleet->new($kind, 2, before => configuration('WebhookKeysJwksUriFollow On'));
    my ($one, $two) = map { pair($fleet->first, 'fleet') } 1 .. 2;
    serve('fleet', member($one));
    $fleet->first->{admins}{fleet} = $fleet->admins('fleet');
    is(register($fleet->first, 'fleet')->status, 201, 'registered');
    my $before = fetches('fleet');
    serve('fleet', member($one), member($two));
    for my $node ($fleet->nodes) { post($node, { %$one, kid => "nobody-$_" }) for 1 .. 5 }
    ok(within(15, sub { post($fleet->node(2), $two)->status == 200 }), 'one node has the set fetched, and each knows the key');
    ok(within(5, sub { post($fleet->first, $two)->status == 200 }), '... the other one too');
    is(fetches('fleet') - $before, 1, '... by one fetch');
    is(scalar(@{ [ events($fleet->first, 'fleet', 'key.registered', $two->{kid}) ] }), 1, '... and one event');
};

done_testing;
