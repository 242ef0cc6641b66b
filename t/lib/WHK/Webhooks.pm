# SPDX-License-Identifier: Apache-2.0
package WHK::Webhooks;

# An httpd that verifies webhooks and proxies them to a backend, with an enterprise, an admin and keys.
#   my $w = WHK::Webhooks->new(
#       scheme => 'jws-detached Webhook-Signature',     arguments of WebhookKeysSignature; this is the default
#       location => '...',        further directives of the location, which is that of docs/directives/webhooks.md, "WebhookKeysSignature"
#       example => 'jwt',         instead of such a location: conf/examples/jwt.conf as it stands
#       hooks => '...',           or all of it: a text where ${WHK_BACKEND} is the backend's URI
#       enterprise => 'acme', ...);      and what WHK::Server->new takes: before, modules, children, ...
#   ->server ->client ->backend (WHK::Backend) ->admins ->signer
#   my $key = $w->key('ES256');                 a fresh key pair, registered: a hash of kid, alg, pem (file), jwk
#   my $key = $w->key('RS256', kid => 'my-key', jwk => { alg => 'RS256' }, enterprise => 'other', register => 0);
#   $w->revoke($key);                           dies where that fails
#   my $r = $w->post($key, $body, %how);        signed, sent: a WHK::Response
#   my $signed = $w->sign($key, $body, %how);   { method, target, headers, body } to send later, or elsewhere:
#   my $r = $w->send($signed, %how);
# How, for both: method (POST), target (what follows /hooks/ENTERPRISE; default /orders?id=1), path (the target as a whole),
# whatever t/lib/sign.py knows (protected, claims, components, ...), and for what is sent then:
#   sent => $bytes            another body than the one that was signed
#   headers => { Name => 'value' or [several] or undef }     beside, or in place of, those of the signature
#   change => sub { my $signed = shift; ... }                anything else, the moment before it is sent
#   client => WHK::Client                                    another connection
# Tests read best as pairs: is($w->post($key, $body)->status, 200); refused($w->post($key, $body, sent => "$body "), 401, 'bad_signature', ...).

use strict;
use warnings;
use Encode qw(encode_utf8);
use WHK::Admins;
use WHK::Backend;
use WHK::Client;
use WHK::Keys;
use WHK::Server;
use WHK::Signer;

our @modules = qw(proxy proxy_http rewrite env headers setenvif socache_shmcb);

sub hooks {
    my %o = @_;
    return $o{hooks} if defined $o{hooks};
    return "Include $WHK::Server::root/conf/examples/$o{example}.conf\n" if $o{example};
    my $location = $o{location} // '';
    return <<"HOOKS";
<LocationMatch "^/hooks/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature  $o{scheme}
    Require valid-webhook
    ProxyPass "\${WHK_BACKEND}"
    $location
</LocationMatch>
HOOKS
}

# The directives of conf/examples, read for the scheme that they configure.
sub scheme_of {
    my $text = shift;
    my ($scheme) = $text =~ /^\s*WebhookKeysSignature\s+(\S.*?)\s*$/m;
    return $scheme;
}

sub text_of {
    my $file = shift;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

sub new {
    my ($class, %o) = @_;
    my $scheme = $o{scheme} // (
          $o{example} ? scheme_of(text_of("$WHK::Server::root/conf/examples/$o{example}.conf"))
        : scheme_of($o{hooks} // '') // 'jws-detached Webhook-Signature'
    );
    my ($name, $header) = split ' ', $scheme;
    my $self = bless { enterprise => delete $o{enterprise} // 'acme', backend => WHK::Backend->new, scheme => $name, count => 0 }, $class;
    $self->{header} = $header if defined $header;
    my $before = join "\n", 'Define WHK_BACKEND ' . $self->{backend}->uri, $o{before} // (), hooks(%o, scheme => $scheme);
    my %for_server = map { $_ => $o{$_} } grep { !/^(?:scheme|location|example|hooks|before|modules)$/ } keys %o;
    $self->{server} = WHK::Server->new(%for_server, before => $before, modules => [ @modules, @{ $o{modules} // [] } ]);
    $self->{client} = WHK::Client->new($self->{server}->port);
    return $self;
}

sub server  { return $_[0]{server} }
sub client  { return $_[0]{client} }
sub backend { return $_[0]{backend} }
sub signer  { my $self = shift; return $self->{signer} //= WHK::Signer->new }

sub admins {
    my ($self, $enterprise) = @_;
    $enterprise //= $self->{enterprise};
    return $self->{admins}{$enterprise} //= WHK::Admins->new($self->{server}, $enterprise, 1)->codes_work_again;
}

sub key {
    my ($self, $alg, %o) = @_;
    my $kid = $o{kid} // lc($alg) . '-' . ++$self->{count};
    my ($pem, $jwk) = WHK::Keys::pem_and_jwk(WHK::Signer::kind_of($alg), %{ $o{jwk} // {} });
    my $key = { kid => $kid, alg => $alg, pem => $pem, jwk => $jwk, enterprise => $o{enterprise} // $self->{enterprise} };
    $self->register($key) if $o{register} // 1;
    return $key;
}

# A key of any other origin needs these members of a hash too: kid, jwk (public), and to sign here alg and pem.
sub register {
    my ($self, $key) = @_;
    my $admins = $self->admins($key->{enterprise});
    my $r = $admins->register($self->{client}, { keyId => $key->{kid}, jwks => WHK::Keys::jwks($key->{jwk}) });
    die 'not registered: ' . $r->body . "\n" if $r->status != 201;
    return $key;
}

sub revoke {
    my ($self, $key) = @_;
    my $kid = encode_utf8($key->{kid}) =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
    my $r = $self->admins($key->{enterprise})->revoke($self->{client}, $kid);
    die 'not revoked: ' . $r->body . "\n" if $r->status != 200;
    return $r;
}

sub path { my ($self, %how) = @_; return $how{path} // "/hooks/$self->{enterprise}" . ($how{target} // '/orders?id=1') }

sub sign {
    my ($self, $key, $body, %how) = @_;
    my $path = $self->path(%how);
    delete @how{qw(sent headers change client path target)};
    my $signed = ($how{signer} ? delete $how{signer} : $self->signer)->sign(
        scheme => $self->{scheme}, $self->{header} ? (header => $self->{header}) : (), key => $key->{pem}, alg => $key->{alg}, kid => $key->{kid},
        method => 'POST', authority => 'localhost', target => $path, %how, body => $body
    );
    return { %$signed, method => $how{method} // 'POST', target => $path };
}

sub send {
    my ($self, $signed, %how) = @_;
    my %headers = (
        (grep { lc $_ eq 'content-type' } keys %{ $signed->{headers} }) ? () : ('Content-Type' => 'application/json'),
        %{ $signed->{headers} }, %{ $how{headers} // {} }
    );
    my $send = { %$signed, headers => \%headers, exists $how{sent} ? (body => $how{sent}) : () };
    $how{change}->($send) if $how{change};
    return ($how{client} // $self->{client})->request(@{$send}{qw(method target headers body)});
}

sub post {
    my ($self, $key, $body, %how) = @_;
    return $self->send($self->sign($key, $body, %how), %how);
}

1;
