# SPDX-License-Identifier: Apache-2.0
# POST .../webhooks/key-validations: what registering a body would answer, without a code, and without a change.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use POSIX qw(strftime);
use WHK::Admins;
use WHK::Answers qw(json_headers refused);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Parallel;
use WHK::Server;

my $json   = JSON::PP->new->utf8->canonical;
my $origin = WHK::Origin->new;
my $server = WHK::Server->new(
    children => 3, threads => 8,
    before   => join("\n", 'WebhookKeysCAFile ' . WHK::Origin::directory() . '/ca.pem', 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriFollow On', 'WebhookKeysJwksUriTimeout 2', 'WebhookKeysMaxActive 6')
);
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'trial', 1)->codes_work_again;
my $path   = $server->prefix . '/enterprises/trial/webhooks/key-validations';
my @keys   = WHK::Keys::many(60);

sub fresh { return { %{ shift @keys }, @_ } }
sub set { return WHK::Keys::jwks(@_) }
sub text { my $body = shift; return ref $body ? $json->encode($body) : $body }
sub validate { my ($body, %headers) = @_; return $client->request(POST => $path, { $admins->read, 'Content-Type' => 'application/json', %headers }, text($body)) }
sub register { my ($body, %headers) = @_; return $client->request(POST => $server->keys('trial'), { $admins->write, 'Content-Type' => 'application/json', %headers }, text($body)) }

# All that a registration might change.
sub stored {
    return join '|', map { $server->sql($_) } "SELECT count(*) FROM whk_key", "SELECT count(*) FROM whk_event", "SELECT count(*) FROM whk_remote_set",
      "SELECT count(*) FROM whk_used_material", "SELECT revision, active_keys, key_count, event_count, event_head FROM whk_enterprise WHERE enterprise_id = 'trial'",
      "SELECT last_step, failures FROM whk_otp";
}

# But for the moment.
sub words { return shift->message =~ s/\d+-\d+-\d+T[\d:.]+Z/now/r }

# What registering answers, of the same body, at the same moment.
sub same {
    my ($name, $body, $expected, %headers) = @_;
    my $before = stored();
    my $trial  = validate($body, %headers);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(stored(), $before, "$name: nothing changed");
    my $real = register($body, %headers);
    if ($real->status == 201) {
        json_headers($trial, '... headers');
        my %would = %{ $real->json };
        ok(length $would{$_}, "... $_ is made when it is done") for qw(id createdDate);
        is_deeply($trial->json, { %would, id => undef, createdDate => undef }, '... what is registered');
        is($trial->status, 200, '... 200');
        is($trial->header('Location'), undef, '... which is nowhere');
        return is('registered', $expected, '... as expected');
    }
    refused($trial, $real->status, $real->code, "... $name");
    is(words($trial), words($real), '... in the same words');
    return is($real->code, $expected, '... as expected');
}

my ($taken, $used) = (fresh(), fresh());
is(register({ keyId => 'taken', jwks => set($taken) })->status, 201, 'a key that is there');

subtest 'what registering answers' => sub {
    same('a key', { keyId => 'good', keyName => 'A name', jwks => set(fresh(use => 'sig')) }, 'registered');
    same('its kid alone', { jwks => set(fresh(kid => 'a/b')) }, 'registered');
    same('planned away', { keyId => 'planned', revokesDate => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time + 86400), jwks => set(fresh()) }, 'registered');
    same('the keyId is taken', { keyId => 'taken', jwks => set(fresh()) }, 'key_id_taken');
    same('so is the key', { keyId => 'another', jwks => set($taken) }, 'key_material_in_use');
    same('no JSON', '{"jwks"', 'invalid_json');
    same('not UTF-8', "{\"keyId\":\"\xff\"}", 'invalid_json');
    same('a member twice', '{"keyId":"a","keyId":"b"}', 'invalid_json');
    same('no members', {}, 'invalid_request');
    same('an array', [], 'invalid_request');
    same('a keyId of another type', { keyId => 5, jwks => set(fresh()) }, 'invalid_request');
    same('no name', { jwks => set(fresh()) }, 'key_id_required');
    same('two names', { keyId => 'a', jwks => set(fresh(kid => 'b')) }, 'key_id_mismatch');
    same('two keys', { keyId => 'a', jwks => set(fresh(), fresh()) }, 'invalid_jwks');
    same('a private key', { keyId => 'a', jwks => set(fresh(d => 'AAAA')) }, 'private_key_material');
    same('a secret', { keyId => 'a', jwks => set({ kty => 'oct', k => 'AAAA' }) }, 'private_key_material');
    same('a date that is over', { keyId => 'a', revokesDate => '2020-01-01T00:00:00Z', jwks => set(fresh()) }, 'invalid_request');
    same('another media type', { keyId => 'a', jwks => set(fresh()) }, 'unsupported_media_type', 'Content-Type' => 'text/plain');
    same('too long', ' ' x 65537, 'body_too_large');
    same('empty', '', 'invalid_json');
};

subtest 'by URI' => sub {
    my $uri = sub { my ($name, @members) = @_; return $origin->uri('127.0.0.1', WHK::Origin::serve($name, $json->encode({ keys => \@members }))) };
    my $one = $uri->('one.json', fresh(kid => 'remote'));
    same('one key', { keyId => 'remote', jwksUri => $one }, 'registered');
    same('no such key', { keyId => 'nobody', jwksUri => $one }, 'jwks_uri_no_such_key');
    same('an address that is refused', { keyId => 'x', jwksUri => 'https://127.0.0.2/' }, 'jwks_uri_refused');
    same('no URI', { keyId => 'x', jwksUri => 'ftp://x/' }, 'invalid_jwks_uri');
    same('a set that is followed', { keyId => '*', jwksUri => $uri->('set.json', fresh(kid => 'followed')) }, 'active_key_limit');
    same('the last that may be', { keyId => 'sixth', jwks => set(fresh()) }, 'registered');
    same('one more', { keyId => 'seventh', jwks => set(fresh()) }, 'active_key_limit');
};

subtest 'doors' => sub {
    my $good = { keyId => 'doors', jwks => set(fresh()) };
    refused($client->request(POST => $path, { 'Content-Type' => 'application/json' }, text($good)), 401, 'invalid_token', 'nobody');
    my $other = $path =~ s/trial/other/r;
    WHK::Admins->new($server, 'other', 1);
    refused($client->request(POST => $other, { $admins->read, 'Content-Type' => 'application/json' }, text($good)), 403, 'not_enterprise_admin', 'somebody else');
    for my $method (qw(GET PUT DELETE PATCH)) {
        my $r = $client->request($method => $path, { $admins->read });
        refused($r, 405, 'method_not_allowed', $method);
        is($r->header('Allow'), 'POST, OPTIONS', '... Allow');
    }
    is($client->request(OPTIONS => $path, {})->header('Allow'), 'POST, OPTIONS', 'OPTIONS');
    refused($client->request(POST => "$path/x", { $admins->read }, ''), 404, 'not_found', 'below it');
    my $steps = $server->sql('SELECT last_step FROM whk_otp');
    is(validate($good, OTP => '000000')->status, 409, 'a code is not looked at');
    is($server->sql('SELECT last_step FROM whk_otp'), $steps, '... nor used');
};

# It costs what registering costs, and no code: one at a time.
subtest 'one at a time' => sub {
    my $slow = $json->encode({ keyId => 'slow', jwksUri => $origin->uri('127.0.0.1', '/hang') });
    my %tally;
    my $try = sub {
        my $r = WHK::Client->new($server->port)->request(POST => $path, { $admins->read, 'Content-Type' => 'application/json' }, $slow);
        return $r->status . ' ' . $r->code;
    };
    $tally{$_}++ for WHK::Parallel::run(($try) x 4);
    is_deeply(\%tally, { '400 jwks_uri_unreachable' => 1, '503 too_busy' => 3 }, 'the others are told to come back') or diag explain \%tally;
    is(validate({ keyId => 'free', jwks => set(fresh()) })->status, 409, 'the place is free again');
};

my ($status, $out, $err) = $server->ctl('audit', 'verify');
is("$status$err", '0', 'the trail is whole');
done_testing;
