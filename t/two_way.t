# SPDX-License-Identifier: Apache-2.0
# Both directions at once, with independent parts: a platform posts through httpd, which signs; a customer's server, in Node with
# npm's jose or in Python with jwcrypto, verifies that by the keys that httpd publishes, and signs its answer with a registered
# key; httpd lets that through where it is one to this very request.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use Time::HiRes qw(sleep);
use WHK::Client;
use WHK::Interop;
use WHK::Keys;
use WHK::Server;
use WHK::Webhooks;

my $json = JSON::PP->new->utf8->canonical;
my %port = map { $_ => WHK::Server::free_port() } qw(node python);
my ($signing_pem) = WHK::Keys::pem_and_jwk('ed25519');
chmod 0600, $signing_pem;

my $w = WHK::Webhooks->new(before => join "\n", "WebhookKeysSigningKey out-1 $signing_pem", <<'JWKS',
<Location "/.well-known/webhook-jwks.json">
    SetHandler webhook-keys-signing-jwks
</Location>
JWKS
    map { <<"OUT" } sort keys %port);
<Location "/out/$_">
    WebhookKeysEnterprise $_
    WebhookKeysSign jwt Webhook-JWT
    WebhookKeysResponse jwt
    WebhookKeysResponseClaim evaluationId "%{req:X-Evaluation-Id}"
    ProxyPass "http://127.0.0.1:$port{$_}/hook"
</Location>
OUT
my $jwks = 'http://127.0.0.1:' . $w->server->port . '/.well-known/webhook-jwks.json';

my (@started, @said);    # a handle that is closed waits for its process
sub start {
    my @command = @_;
    my $pid = open(my $out, '-|', @command) // die "$command[0]: $!";
    push @started, $pid;
    push @said, $out;
    is(<$out>, "listening\n", 'the customer listens');
    return;
}
END { local $?; kill TERM => @started if @started }

sub post {
    my ($customer, $id, %how) = @_;
    my $query = $how{as} ? "?as=$how{as}" : '';
    return $w->client->request(
        POST => "/out/$customer/orders$query", { 'X-Evaluation-Id' => $id, 'Content-Type' => 'application/json' },
        $json->encode({ evaluationId => $how{body_id} // $id, amount => 100 })
    );
}

sub goes_both_ways {
    my ($customer, $alg, @command) = @_;
    my $key = $w->key($alg, kid => "$customer-1", enterprise => $customer);
    start(@command, $port{$customer}, $key->{pem}, $alg, $key->{kid}, $jwks);
    for my $id ('e-1', 'e-2') {
        my $r = post($customer, $id);
        is($r->status, 200, "the answer to $id") or return diag $r->body, $w->server->error_log;
        is($r->header('Webhook-Key-Id'), $key->{kid}, '... with its signer');
        is($r->header('Webhook-Alg'),    $alg,        '... and algorithm');
        my $claims = $json->decode(decode_base64url((split /\./, $r->body)[1]));
        is_deeply([ @{$claims}{qw(evaluationId statusCode)} ], [ $id, 200 ], '... says what the customer decided');
    }
    is(post($customer, 'e-3', body_id => 'e-4')->code, 'claim_mismatch', 'an answer to another request stops');
    is(post($customer, 'e-3', as => 'other')->code,    'claim_mismatch', '... whosoever mixed them up');
    my $unsigned = post($customer, 'e-3', as => 'unsigned');
    is($unsigned->code, 'malformed_jws', 'so does what nobody signed');
    unlike($unsigned->head . $unsigned->body, qr/MARK/, '... of which nothing leaves');
    is(WHK::Client->new($port{$customer})->request(POST => '/hook', {}, '{"evaluationId":"e-5"}')->status, 401, 'the customer takes nothing that httpd did not sign');
    $w->revoke($key);
    is(post($customer, 'e-6')->code, 'key_revoked', 'a key that the customer revoked decides nothing any more');
    return;
}

subtest 'Python, jwcrypto' => sub { goes_both_ways('python', 'ES256', 'python3', "$WHK::Interop::folder/customer_jwcrypto.py") };

subtest 'Node, jose' => sub {
    my ($script, $why) = WHK::Interop::install('customer.mjs');
    plan skip_all => $why if !$script;
    goes_both_ways('node', 'EdDSA', 'node', $script);
};

done_testing;
