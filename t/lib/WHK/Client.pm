# SPDX-License-Identifier: Apache-2.0
package WHK::Client;

# An HTTP client that sends what a test says, byte for byte, and keeps its connection.
#   my $c = WHK::Client->new($port);
#   my $r = $c->request(GET => $path, { Header => 'value' }, $body);    arrays repeat a header
#   my $r = $c->raw($bytes);                one answer to these bytes
#   $c->send($bytes); my $r = $c->receive;  in two steps; ->connected tells whether it is kept
# A response: ->status, ->header('Name'), ->headers('Name') (all of that name), ->body, ->json (undef if it is none)

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use WHK::Recorder;

sub new {
    my ($class, $port, %o) = @_;
    return bless { port => $port, timeout => $o{timeout} // 30, socket => undef, buffer => '' }, $class;
}

sub socket {
    my $self = shift;
    return $self->{socket} //= do {
        $self->{buffer} = '';
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10)
          // die "can't connect to $self->{port}: $@\n";
    };
}

sub close { my $self = shift; CORE::close $self->{socket} if $self->{socket}; $self->{socket} = undef; return }

# Whether the server has kept the connection open after the last answer.
sub connected {
    my $self = shift;
    return 0 if !$self->{socket};
    my $select = IO::Select->new($self->{socket});
    return 1 if !$select->can_read(0.2);
    my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
    return $got ? 1 : 0;
}

sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $socket = $self->socket;
    while (length $bytes) {
        my $sent = syswrite $socket, $bytes;
        last if !defined $sent;
        substr $bytes, 0, $sent, '';
    }
    return;
}

sub more {
    my $self   = shift;
    my $select = IO::Select->new($self->{socket});
    die "no answer in $self->{timeout} s\n" if !$select->can_read($self->{timeout});
    my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
    return $got || 0;
}

sub receive {
    my ($self, $head_only) = @_;
    my $response;
    while (1) {
        while ($self->{buffer} !~ /\r\n\r\n/) { $self->more or last }
        $self->{buffer} =~ s/\A(.*?\r\n)\r\n//s or do { $self->close; return WHK::Response->new('') };
        $response = WHK::Response->new($1);
        last if $response->status != 100;
    }
    my $length = $response->header('Content-Length');
    if (!$head_only && $response->status != 204 && $response->status != 304) {
        if (defined $length) {
            while (length $self->{buffer} < $length) { $self->more or last }
            $response->{body} = substr $self->{buffer}, 0, $length, '';
        } elsif (($response->header('Transfer-Encoding') // '') =~ /chunked/i) {
            while (1) {
                while ($self->{buffer} !~ /\A([0-9a-fA-F]+)[^\r]*\r\n/) { $self->more or last }
                $self->{buffer} =~ s/\A([0-9a-fA-F]+)[^\r]*\r\n// or last;
                my $size = hex $1;
                while (length $self->{buffer} < $size + 2) { $self->more or last }
                $response->{body} .= substr $self->{buffer}, 0, $size, '';
                substr $self->{buffer}, 0, 2, '';
                last if !$size;
            }
        } else {
            1 while $self->more;
            $response->{body} = $self->{buffer};
        }
    }
    $self->close if ($response->header('Connection') // '') =~ /close/i;
    return $response;
}

sub raw {
    my ($self, $bytes) = @_;
    $self->send($bytes);
    my $response = $self->receive;
    my ($head, $body) = split /\r\n\r\n/, $bytes, 2;
    WHK::Recorder::record($1, $2, WHK::Response->new("$head\r\n"), $body, $response) if $bytes =~ /\A(\S+) (\S+) HTTP/;
    return $response;
}

sub request {
    my ($self, $method, $target, $headers, $body) = @_;
    my %h = (Host => 'localhost', %{ $headers // {} });
    $h{'Content-Length'} //= length $body if defined $body && !exists $h{'Transfer-Encoding'};
    my $head = "$method $target HTTP/1.1\r\n";
    for my $name (sort keys %h) {
        next if !defined $h{$name};
        $head .= "$name: $_\r\n" for ref $h{$name} ? @{ $h{$name} } : $h{$name};
    }
    # A kept connection may have been closed under us: once more on a fresh one.
    my $fresh = !$self->{socket};
    $self->send("$head\r\n" . ($body // ''));
    my $response = $self->receive($method eq 'HEAD');
    if (!$response->status && !$fresh) {
        $self->send("$head\r\n" . ($body // ''));
        $response = $self->receive($method eq 'HEAD');
    }
    WHK::Recorder::record($method, $target, WHK::Response->new($head), $body, $response);
    return $response;
}

package WHK::Response;

sub new {
    my ($class, $head) = @_;
    my ($line, @lines) = split /\r\n/, $head;
    my $self = bless { status => 0, head => $head, body => '', headers => {} }, $class;
    ($self->{status}) = ($line // '') =~ m{^HTTP/\S+ (\d+)};
    $self->{status} //= 0;
    for (@lines) {
        my ($name, $value) = /^([^:]+):\s*(.*)$/ or next;
        push @{ $self->{headers}{ lc $name } }, $value;
    }
    return $self;
}

sub status  { return $_[0]{status} }
sub body    { return $_[0]{body} }
sub head    { return $_[0]{head} }
sub headers { return @{ $_[0]{headers}{ lc $_[1] } // [] } }
sub header  { my @all = headers(@_); return @all ? join ', ', @all : undef }
sub json    { my $self = shift; return eval { JSON::PP->new->utf8->decode($self->{body}) } }
sub code    { my $json = shift->json; return ref $json eq 'HASH' ? $json->{code} : undef }
sub message { my $json = shift->json; return ref $json eq 'HASH' ? $json->{message} : undef }

1;
