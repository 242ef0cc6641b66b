# SPDX-License-Identifier: Apache-2.0
# Webhooks signed by what others wrote (t/interop): npm's jose, http-message-signatures and @noble/ed25519, and jwcrypto.
# Each one arrives as it was sent; each one that was changed on the way does not.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use WHK::Answers qw(refused);
use WHK::Interop;
use WHK::Server;
use WHK::Signer;
use WHK::Webhooks;

my @jose    = qw(EdDSA ES256 ES384 ES512 RS256 PS512);
my %schemes = (
    'jws'               => { config => 'jws',                            algs => \@jose, code => 'bad_signature' },
    'jws-detached'      => { config => 'jws-detached Webhook-Signature', algs => \@jose, code => 'bad_signature' },
    'jwt'               => { config => 'jwt Webhook-Token',              algs => \@jose, code => 'digest_mismatch' },
    'http-signature'    => { config => 'http-signature', algs => [qw(EdDSA ES256 ES384)], code => 'digest_mismatch' },
    'standard-webhooks' => { config => 'standard-webhooks', algs => [qw(EdDSA)], code => 'bad_signature' },
);
my @bodies = (qq({"order":17,"note":"gr\xc3\xbc\xc3\x9fe"}\r\n), join('', map { chr } 0 .. 255), '{"a":"' . 'x' x 100_000 . '"}');
my (%webhooks, %keys);

sub webhooks {
    my $scheme = shift;
    return $webhooks{$scheme} //= WHK::Webhooks->new(
        scheme => $schemes{$scheme}{config}, before => 'WebhookKeysAlgorithms EdDSA ES256 ES384 ES512 RS256 PS512'
    );
}

# The body of a signed webhook, changed: of a JWS its payload.
sub changed {
    my ($scheme, $body) = @_;
    return "$body " if $scheme ne 'jws';
    my ($header, $payload, $signature) = split /\./, $body;
    return join '.', $header, encode_base64url(decode_base64url($payload) . ' '), $signature;
}

sub passes_and_stops {
    my ($signer, $scheme, $alg, $body, $name, %how) = @_;
    my $w   = webhooks($scheme);
    my $key = $keys{"$scheme $alg"} //= $w->key($alg, kid => "key for $alg");
    my $signed = $w->sign($key, $body, signer => $signer, %how);
    $w->backend->clear;
    refused($w->send($signed, sent => changed($scheme, $signed->{body})), 401, $schemes{$scheme}{code}, "$name, changed");
    is($w->backend->count, 0, '... and the backend has not seen it');
    my $r = $w->send($signed);
    is($r->status, 200, $name) or return diag $r->body;
    ok($w->backend->count == 1 && $w->backend->last->{body} eq $signed->{body}, '... as it was sent');
    return;
}

sub all_of {
    my ($signer, $scheme, $by, @how) = @_;
    for my $alg (@{ $schemes{$scheme}{algs} }) {
        for my $how (@how) {
            my $n = 0;
            passes_and_stops($signer, $scheme, $alg, $_, join(' ', $by, $alg, %$how) . ', body ' . ++$n, %$how) for @bodies;
        }
    }
    return;
}

subtest 'jwcrypto' => sub {
    my $signer = WHK::Signer->new('python3', "$WHK::Interop::folder/sign_jwcrypto.py");
    all_of($signer, 'jws', 'jws', {});
    # Its unencoded payload is text, and so no place for any byte.
    all_of($signer, 'jws-detached', 'jws-detached', {});
    passes_and_stops($signer, 'jws-detached', 'ES256', '{"a":1}', 'jws-detached, unencoded', b64 => JSON::PP::false);
    all_of($signer, 'jwt', 'jwt', {});
};

subtest 'npm' => sub {
    my ($script, $why) = WHK::Interop::install('sign.mjs');
    plan skip_all => $why if !$script;
    my $signer = WHK::Signer->new('node', $script);
    subtest 'jose' => sub {
        all_of($signer, 'jws',          'jws',          {});
        all_of($signer, 'jws-detached', 'jws-detached', {}, { b64 => JSON::PP::false });
        all_of($signer, 'jwt', 'jwt', {}, { hash_encoding => 'base64url' });
    };
    subtest 'http-message-signatures' => sub {
        my @orders = (['@method', '@target-uri', 'content-digest'], ['content-digest', '@request-target', '@scheme', '@authority']);
        all_of($signer, 'http-signature', 'http-signature', {}, { target => '' }, { target => '/a%20b/c?x=%2F&y=1&y=2' });
        my $w   = WHK::Webhooks->new(scheme => 'http-signature', location => 'WebhookKeysRequiredComponents content-digest');
        my $key = $w->key('ES256');
        for my $components (@orders) {
            my $r = $w->post($key, $bodies[0], signer => $signer, components => $components);
            is($r->status, 200, "components @$components") or diag $r->body;
        }
    };
    subtest '@noble/ed25519 and standardwebhooks' => sub {
        all_of($signer, 'standard-webhooks', 'standard-webhooks', {});
        my $w = webhooks('standard-webhooks');
        $w->backend->clear;
        my $r = $w->post($keys{'standard-webhooks EdDSA'}, $bodies[0], signer => $signer, version => 'v1');
        is($r->status, 401, 'a symmetric signature with the public key as its secret is refused');
        is($w->backend->count, 0, '... and the backend has not seen it');
    };
};

done_testing;
