# SPDX-License-Identifier: Apache-2.0
# What httpd signs is verified by what others wrote (t/interop), with the keys that it publishes: npm's jose,
# http-message-signatures and @noble/ed25519, jwcrypto and python3-cryptography. What was changed on the way is not.
use strict;
use warnings;
use Test::More;
use IPC::Open2 qw(open2);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use WHK::Interop;
use WHK::Signing;

my $s = WHK::Signing->new(algs => [qw(EdDSA ES256 ES384 ES512 RS256)], before => <<'BEFORE');
<Location "/keys.json">
    SetHandler webhook-keys-signing-jwks
</Location>
BEFORE
my $json = JSON::PP->new->utf8->canonical;
my @bodies = ('', qq({"order":17,"note":"gr\xc3\xbc\xc3\x9fe"}\r\n), join('', map { chr } 0 .. 255), 'x' x 100_000);

sub start {
    my @command = @_;
    my $pid = open2(my $out, my $in, @command);
    $in->autoflush(1);
    return sub { my $request = shift; print {$in} $json->encode($request), "\n"; return $json->decode(readline($out) // '{"error":"gone"}') };
}

sub verify_all {
    my ($verify, %algs) = @_;
    for my $scheme (sort keys %algs) {
        for my $alg (@{ $algs{$scheme} }) {
            my $jwks = $s->client($alg)->request(GET => '/keys.json')->json;
            for my $n (0 .. $#bodies) {
                $s->backend->clear;
                $s->client($alg)->request(POST => "/raw/$scheme/a%20b?x=%2F&y=1", { 'Content-Type' => 'application/json' }, $bodies[$n]);
                my $got = $s->backend->last // { headers => [], body => '' };
                my %request = (
                    scheme => $scheme, jwks => $jwks, headers => { map { @$_ } @{ $got->{headers} } }, method => $got->{method},
                    url => $s->backend->uri . ($got->{path} // ''), body => encode_base64($got->{body}, '')
                );
                my $answer = $verify->(\%request);
                ok($answer->{ok}, "$scheme, $alg, body $n") or diag $answer->{error};
                $answer = $verify->({ %request, body => encode_base64("$got->{body} ", '') });
                ok($answer->{error}, '... not another body');
            }
        }
    }
    return;
}

subtest 'jwcrypto and cryptography' => sub {
    my @jws = qw(EdDSA ES256 ES384 ES512 RS256);
    verify_all(start('python3', "$WHK::Interop::folder/verify_jwcrypto.py"), 'jws-detached' => \@jws, 'jwt' => \@jws, 'standard-webhooks' => ['EdDSA']);
};

subtest 'npm' => sub {
    my ($script, $why) = WHK::Interop::install('verify.mjs');
    plan skip_all => $why if !$script;
    my @jws = qw(EdDSA ES256 ES384 ES512 RS256);
    verify_all(
        start('node', $script), 'jws-detached' => \@jws, 'jwt' => \@jws, 'http-signature' => [qw(EdDSA ES256 ES384 RS256)],
        'standard-webhooks' => ['EdDSA']
    );
};

done_testing;
