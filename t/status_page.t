# SPDX-License-Identifier: Apache-2.0
# Our section of mod_status' page.
use strict;
use warnings;
use Test::More;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Origin;
use WHK::Webhooks;

my $origin = WHK::Origin->new;
my $w      = WHK::Webhooks->new(
    children => 2, modules => ['status'],
    before   => join("\n", 'WebhookKeysCAFile ' . WHK::Origin::directory() . '/ca.pem', 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriRefresh 1',
        '<Location "/status">', 'SetHandler server-status', 'Require all granted', '</Location>')
);
my $body = '{"a":1}';
my $key  = $w->key('EdDSA');

sub page { my $query = shift // ''; return WHK::Client->new($w->server->port)->request(GET => "/status$query", {})->body }
sub auto { return map { /^(WebhookKeys\w+(?:[-\w]*)): (.*)$/ ? ($1 => $2) : () } split /\n/, page('?auto') }

is($w->post($key, $body)->status, 200, 'a webhook passes');
is($w->post($key, $body, change => sub { $_[0]{body} = '<b>' })->status, 401, 'another does not');
$w->client->request(POST => '/hooks/%3Cscript%3E', { 'Webhook-Signature' => 'a..b' }, $body);

# A set that works, and fails from now on.
my ($pem, $jwk) = WHK::Keys::pem_and_jwk('ed25519', kid => 'remote');
my $path = WHK::Origin::serve('set.json', JSON::PP->new->encode({ keys => [$jwk] }));
is($w->admins->register($w->client, { keyId => 'remote', jwksUri => $origin->uri('127.0.0.1', $path) . '?secret=1' })->status, 201, 'a key by URI');
WHK::Origin::serve('set.json', 'no JSON');
my %auto;
for (1 .. 60) { %auto = auto(); last if $auto{WebhookKeysKeySetsfailing}; select undef, undef, undef, 0.2 }

subtest '?auto' => sub {
    is($auto{'WebhookKeysVerificationsjws-detachedok'}, 1, 'verifications');
    is($auto{'WebhookKeysVerificationsjws-detachedbad_signature'}, 1, '... by outcome');
    is($auto{WebhookKeysSignaturesEdDSAgood}, 1, 'signatures by algorithm');
    is($auto{WebhookKeysRefusalswebhookbad_signature}, 1, 'refusals by door and code');
    is($auto{WebhookKeysRegistrationsjwks} + $auto{WebhookKeysRegistrationsjwks_uri}, 2, 'registrations');
    is($auto{WebhookKeysOTPaccepted}, 2, 'one-time passwords');
    is($auto{WebhookKeysStoreUp}, 1, 'the database');
    ok($auto{WebhookKeysStorereadCount} > 0 && $auto{WebhookKeysStorereadP99Seconds} > 0, '... and how long it takes');
    ok(exists $auto{"WebhookKeys$_"}, $_) for qw(NodeLagSeconds KeyCacheBytes KeyLookupshit ReplayEntries Enterprises);
    is($auto{WebhookKeysKeySetsfailing}, 1, 'a key set that fails');
    like($auto{WebhookKeysKeySet0}, qr{^https://127\.0\.0\.1:\d+/files/set\.json good (?:-|\d+ s) failing \d+ s invalid_jwks$}, '... which, since when, and why');
    is(scalar(grep { /[^\w.:-]/ } keys %auto), 0, 'names are words');
};

subtest 'for people' => sub {
    my $page = page();
    like($page, qr{<h2>mod_webhook_keys</h2>}, 'a section');
    like($page, qr{<td>Verifications jws-detached ok</td><td>1</td>}, 'numbers');
    like($page, qr{<td>https://127\.0\.0\.1:\d+/files/set\.json</td><td>(?:-|\d+ s)</td><td>\d+ s</td><td>invalid_jwks</td>}, 'key sets');
    unlike($page, qr/secret=1/, '... without what may be secret in their URI');
    like($page, qr{<td>webhook</td><td>bad_signature</td><td>acme</td><td>\Q$key->{kid}\E</td><td>127\.0\.0\.1</td><td>[^<]+</td>}, 'who was refused last');
    unlike($page, qr/<script>/, '... escaped');
    like($page, qr/&lt;script&gt;/, '... but told');
};

done_testing;
