# SPDX-License-Identifier: Apache-2.0
package WHK::Signer;

# Signatures of webhooks made by t/lib/sign.py, one process for as many as a test asks for; its head has all options.
#   my $s = WHK::Signer->new;
#   my $signed = $s->sign(scheme => 'jws-detached', key => 'my.pem', alg => 'ES256', kid => 'my-key', body => $bytes, ...);
#   $signed->{headers} {Name => 'value'}    $signed->{body} (bytes)       dies where it can't be signed
#   WHK::Signer::kind_of('ES256')           what WHK::Keys calls a key for this algorithm

use strict;
use warnings;
use File::Basename qw(dirname);
use IPC::Open2 qw(open2);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);

my $library = dirname(__FILE__) . '/..';
my $json    = JSON::PP->new->utf8->canonical;
my %kind    = (
    EdDSA => 'ed25519', Ed25519 => 'ed25519', Ed448 => 'ed448', ES256 => 'p256', ES384 => 'p384', ES512 => 'p521', ES256K => 'secp256k1',
    map { $_ => 'rsa2048' } qw(RS256 RS384 RS512 PS256 PS384 PS512)
);

sub kind_of { my $alg = shift; return $kind{$alg} // die "no such algorithm: $alg\n" }

# Any program that speaks as sign.py does will do: the arguments are its command.
sub new {
    my ($class, @command) = @_;
    @command = ('python3', "$library/sign.py") if !@command;
    my $pid = open2(my $out, my $in, @command);
    return bless { pid => $pid, in => $in, out => $out, parent => $$ }, $class;
}

sub sign {
    my ($self, %request) = @_;
    $request{body} = encode_base64($request{body} // '', '');
    local $SIG{PIPE} = 'IGNORE';
    my $in = $self->{in};
    print {$in} $json->encode(\%request), "\n";
    $in->flush;
    my $line   = readline($self->{out}) // die "the signer has gone\n";
    my $answer = $json->decode($line);
    die "can't sign: $answer->{error}\n" if defined $answer->{error};
    return { headers => { map { @{$_} } @{ $answer->{headers} } }, body => decode_base64($answer->{body}) };
}

sub DESTROY {
    my $self = shift;
    local ($?, $!);
    return if $self->{parent} != $$;
    close $self->{in};
    close $self->{out};
    waitpid $self->{pid}, 0;
    return;
}

1;
