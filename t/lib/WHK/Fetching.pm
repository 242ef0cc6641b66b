# SPDX-License-Identifier: Apache-2.0
package WHK::Fetching;

# A registry whose httpd fetches jwksUris from the servers of this test (WHK::Origin), with an enterprise and admins.
#   my $f = WHK::Fetching->new(
#       allow => '127.0.0.1',        WebhookKeysJwksUriAllow; none where it is left out
#       timeout => '1',              WebhookKeysJwksUriTimeout
#       names => { 'a.keys.test' => ['127.0.0.1', ...] },   what names resolve to; several are answers one after another
#       preload => ['x.c'], env => {...},                   for httpd, beside the resolver
#       admins => 20, enterprise => 'fetching', ...);       and what WHK::Server->new takes
#   ->server ->client ->admins
#   my $r = $f->register($uri, $key_id, %members);   a WHK::Response; $r->{seconds} is how long it took
#   my $p = $f->begin($uri, $key_id, %members);      sent, from a connection of its own; $p->finish is the response
#   $f->codes_back       every admin's one-time passwords are good again

use strict;
use warnings;
use JSON::PP;
use Time::HiRes qw(time);
use WHK::Admins;
use WHK::Client;
use WHK::Origin;
use WHK::Server;

my $json = JSON::PP->new->utf8->canonical;

sub new {
    my ($class, %o) = @_;
    my $directory = WHK::Origin::directory();
    my @preload   = map { WHK::Origin::preload($_) } 'test_resolver.c', @{ $o{preload} // [] };
    my $self      = bless { names => "$directory/names-$o{enterprise}" }, $class;
    $self->names($o{names} // {});
    my $before = join "\n", "WebhookKeysCAFile $directory/ca.pem",
      $o{allow}   ? "WebhookKeysJwksUriAllow $o{allow}"     : (),
      $o{timeout} ? "WebhookKeysJwksUriTimeout $o{timeout}" : (), $o{before} // ();
    $self->{server} = WHK::Server->new(
        %o, before => $before,
        env => {
            LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), @preload), WHK_TEST_RESOLVER => $self->{names}, %{ $o{env} // {} }
        }
    );
    $self->{client} = WHK::Client->new($self->{server}->port);
    $self->{admins} = WHK::Admins->new($self->{server}, $o{enterprise}, $o{admins} // 5);
    return $self;
}

sub server { return $_[0]{server} }
sub client { return $_[0]{client} }
sub admins { return $_[0]{admins} }

sub names {
    my ($self, $names) = @_;
    open my $out, '>', $self->{names} or die "$self->{names}: $!";
    for my $name (sort keys %$names) { print $out "$name $_\n" for ref $names->{$name} ? @{ $names->{$name} } : $names->{$name} }
    close $out;
    return;
}

sub codes_back {
    my $self = shift;
    $self->{server}->sql('UPDATE whk_otp SET last_step = -1');
    $_->{used} = 0 for @{ $self->{admins}{list} };
    return;
}

sub headers {
    my $self = shift;
    my %headers = eval { $self->{admins}->write };
    return %headers if %headers;
    $self->codes_back;
    return $self->{admins}->write;
}

sub body_of {
    my ($uri, $key_id, %members) = @_;
    return $json->encode({ jwksUri => $uri, defined $key_id ? (keyId => $key_id) : (), %members });
}

sub post {
    my ($self, $body) = @_;
    my %headers = ($self->headers, 'Content-Type' => 'application/json');
    my $start   = time;
    my $response =
      $self->{client}->request(POST => $self->{server}->keys($self->{admins}{enterprise}), \%headers, $body);
    $response->{seconds} = time - $start;
    return $response;
}

sub register { my ($self, @arguments) = @_; return $self->post(body_of(@arguments)) }

sub begin {
    my ($self, @arguments) = @_;
    my $client  = WHK::Client->new($self->{server}->port);
    my $body    = body_of(@arguments);
    my %headers = (
        Host => 'localhost', $self->headers, 'Content-Type' => 'application/json', 'Content-Length' => length $body
    );
    my $head = join '', map { "$_: $headers{$_}\r\n" } sort keys %headers;
    $client->send('POST ' . $self->{server}->keys($self->{admins}{enterprise}) . " HTTP/1.1\r\n$head\r\n$body");
    return bless { client => $client, start => time }, 'WHK::Fetching::Pending';
}

package WHK::Fetching::Pending;

sub finish {
    my $self     = shift;
    my $response = eval { $self->{client}->receive } // WHK::Response->new('');
    $response->{seconds} = Time::HiRes::time() - $self->{start};
    return $response;
}

1;
