# SPDX-License-Identifier: Apache-2.0
package WHK::Signing;

# An httpd that signs what it sends, and another part of it that verifies what was sent, as a customer's does.
#   my $s = WHK::Signing->new(
#       algs => [qw(EdDSA ES256)],       a virtual host on a port of its own for each, which signs with a key of that kind
#       before => '...',                 further directives of the main server; ${WHK_BACKEND} is the backend, ${WHK_VERIFY} what verifies
#       host => '...', ...);             and of each host; what WHK::Server->new takes
#   ->server ->backend ->client($alg) ->key($alg) ({ kid, alg, pem, jwk }) ->webhooks (a WHK::Webhooks, for what else one wants of it)
# Of each scheme of WebhookKeysSign: /out/SCHEME goes by /hooks/acme/SCHEME of what verifies to the backend, /raw/SCHEME to the backend.
# standard-webhooks is on EdDSA's host alone.
#   WHK::Signing::field($request, 'Name')    the values of one header as the backend got it

use strict;
use warnings;
use WHK::Backend;
use WHK::Client;
use WHK::Keys;
use WHK::Server;
use WHK::Signer;
use WHK::Webhooks;

our %schemes = (
    'jws-detached'      => 'jws-detached Webhook-Signature',
    'jwt'               => 'jwt Webhook-JWT',
    'http-signature'    => 'http-signature',
    'standard-webhooks' => 'standard-webhooks',
);

sub locations_of {
    my $scheme = shift;
    return <<"LOCATIONS";
<Location "/out/$scheme">
    WebhookKeysSign $schemes{$scheme}
    ProxyPass "\${WHK_VERIFY}/hooks/acme/$scheme"
</Location>
<Location "/raw/$scheme">
    WebhookKeysSign $schemes{$scheme}
    ProxyPass "\${WHK_BACKEND}/raw/$scheme"
</Location>
LOCATIONS
}

sub verifier {
    my $scheme = shift;
    return <<"LOCATION";
    <Location "/hooks/acme/$scheme">
        AuthType WebhookSignature
        AuthName "webhooks"
        WebhookKeysEnterprise acme
        WebhookKeysSignature  $schemes{$scheme}
        Require valid-webhook
        ProxyPass "\${WHK_BACKEND}/verified/$scheme"
    </Location>
LOCATION
}

sub new {
    my ($class, %o) = @_;
    my @algs = @{ delete $o{algs} // [qw(EdDSA)] };
    my $self = bless { verify => WHK::Server::free_port() }, $class;
    my $hosts = "Listen 127.0.0.1:$self->{verify}\n<VirtualHost 127.0.0.1:$self->{verify}>\n    ServerName verifies\n"
      . join('', map { verifier($_) } sort keys %schemes) . ($o{verifier} // '') . "</VirtualHost>\n";
    my $host = delete $o{host} // '';
    delete $o{verifier};
    for my $alg (@algs) {
        my ($pem, $jwk) = WHK::Keys::pem_and_jwk(WHK::Signer::kind_of($alg));
        my $key  = $self->{keys}{$alg} = { kid => "out-$alg", alg => $alg, pem => $pem, jwk => $jwk, enterprise => 'acme' };
        my $port = $self->{ports}{$alg} = WHK::Server::free_port();
        my @own  = $alg eq 'EdDSA' ? locations_of('standard-webhooks') : ();
        $hosts .= "Listen 127.0.0.1:$port\n<VirtualHost 127.0.0.1:$port>\n    ServerName \L$alg\E.test\n    WebhookKeysSigningKey $key->{kid} $pem\n@own$host</VirtualHost>\n";
    }
    my $first  = $self->{keys}{ $algs[0] };
    my $before = join "\n", "Define WHK_VERIFY_PORT $self->{verify}", "Define WHK_VERIFY http://127.0.0.1:$self->{verify}", 'WebhookKeysAlgorithms EdDSA ES256 ES384 ES512 RS256',
      "WebhookKeysSigningKey main-key $first->{pem}", 'TraceEnable Off', (map { locations_of($_) } grep { $_ ne 'standard-webhooks' } sort keys %schemes),
      delete $o{before} // '', $hosts;
    $self->{webhooks} = WHK::Webhooks->new(hooks => $before, threads => 16, %o);
    $self->{webhooks}->register($_) for map { $self->{keys}{$_} } @algs;
    return $self;
}

sub webhooks { return $_[0]{webhooks} }
sub server   { return $_[0]{webhooks}->server }
sub backend  { return $_[0]{webhooks}->backend }
sub key      { return $_[0]{keys}{ $_[1] // 'EdDSA' } }
sub port     { return $_[0]{ports}{ $_[1] // 'EdDSA' } }
sub client   { my ($self, $alg) = @_; $alg //= 'EdDSA'; return $self->{clients}{$alg} //= WHK::Client->new($self->{ports}{$alg}) }

sub field { my ($request, $name) = @_; return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $request->{headers} } }

1;
