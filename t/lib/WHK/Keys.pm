# SPDX-License-Identifier: Apache-2.0
package WHK::Keys;

# Public keys to register, made by the openssl command: not by our own encoder.
#   jwk('ed25519' | 'ed448' | 'p256' | 'p384' | 'p521' | 'secp256k1' | 'rsa2048' | ..., %members)
#       a fresh key as a JWK (a hash reference), with further members
#   pem_and_jwk(...)    the private key's PEM as well
#   jwks($jwk, ...)     the JWK Set around them
#   many($count)        so many fresh Ed25519 keys in a moment, by python3-cryptography
#   jwcrypto($kind)     the same from python3-jwcrypto

use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);

my $dir = tempdir(CLEANUP => 1);
my $count = 0;
my %curve = (p256 => 'P-256', p384 => 'P-384', p521 => 'P-521', secp256k1 => 'secp256k1');
my %size  = (p256 => 32, p384 => 48, p521 => 66, secp256k1 => 32);

sub command {
    my $out = qx{@_ 2>/dev/null};
    die "failed: @_\n" if $?;
    return $out;
}

sub make_pem {
    my $kind = shift;
    my $pem  = "$dir/" . ++$count . '.pem';
    my %how  = (ed25519 => '-algorithm ed25519', ed448 => '-algorithm ed448');
    my $how =
        $how{$kind}             ? $how{$kind}
      : $curve{$kind}           ? "-algorithm EC -pkeyopt ec_paramgen_curve:$curve{$kind}"
      : $kind =~ /^rsa(\d+)$/   ? "-algorithm RSA -pkeyopt rsa_keygen_bits:$1"
      :                           die "no kind of key: $kind\n";
    command("openssl genpkey $how -out $pem");
    return $pem;
}

sub jwk_of_pem {
    my ($kind, $pem) = @_;
    my $der = command("openssl pkey -in $pem -pubout -outform DER");
    if ($kind =~ /^ed(25519|448)$/) {
        my $n = $1 eq '448' ? 57 : 32;
        return { kty => 'OKP', crv => "Ed$1", x => encode_base64url(substr $der, -$n) };
    }
    if ($curve{$kind}) {
        my $n = $size{$kind};
        return {
            kty => 'EC', crv => $curve{$kind},
            x   => encode_base64url(substr $der, -2 * $n, $n),
            y   => encode_base64url(substr $der, -$n)
        };
    }
    my ($n) = command("openssl pkey -in $pem -pubout | openssl rsa -pubin -noout -modulus") =~ /=([0-9A-F]+)/;
    return { kty => 'RSA', n => encode_base64url(pack 'H*', $n), e => 'AQAB' };
}

sub pem_and_jwk {
    my ($kind, %members) = @_;
    my $pem = make_pem($kind);
    return ($pem, { %{ jwk_of_pem($kind, $pem) }, %members });
}

sub jwk { return (pem_and_jwk(@_))[1] }

sub jwks { return { keys => [@_] } }

sub many {
    my $count  = shift;
    my $python = <<'PYTHON';
import sys
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as k
for _ in range(int(sys.argv[1])):
    print(k.generate().public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw).hex())
PYTHON
    open my $in, '-|', 'python3', '-c', $python, $count or die "python3: $!";
    my @keys = map { chomp; { kty => 'OKP', crv => 'Ed25519', x => encode_base64url(pack 'H*', $_) } } <$in>;
    close $in or die "python3 makes no keys\n";
    return @keys;
}

sub jwcrypto {
    my ($kind, %members) = @_;
    my %how = (
        ed25519 => "kty='OKP',crv='Ed25519'", ed448 => "kty='OKP',crv='Ed448'",
        p256 => "kty='EC',crv='P-256'", p384 => "kty='EC',crv='P-384'", p521 => "kty='EC',crv='P-521'",
        secp256k1 => "kty='EC',crv='secp256k1'", rsa2048 => "kty='RSA',size=2048",
    );
    my $json = command("python3 -c \"from jwcrypto import jwk; print(jwk.JWK.generate($how{$kind}).export_public())\"");
    return { %{ decode_json($json) }, %members };
}

1;
