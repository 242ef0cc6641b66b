# SPDX-License-Identifier: Apache-2.0
package WHK::Answerer;

# A backend that answers with the very bytes that a test tells it: t/lib/answers.py, whose head tells the steps.
#   my $a = WHK::Answerer->new;     ->port ->uri ->dir      ended with the object
#   my $name = $a->says(@steps);    what is answered to a request with the header X-Answer: $name. A step that is a text is sent.
#   my $name = $a->answers($status, [[Name => 'value'], ...], $body);     a whole answer, with its Content-Length
#   WHK::Answerer::text($status, [...], $body)                            its bytes
#   my @r = $a->requests;           what arrived, as of WHK::Backend      ->sent($name) bytes that were sent for it so far; undef: none yet
# WHK::Answerer::exchange($port, $bytes, $seconds)    all bytes that come back to these until the connection ends, or for so long

use strict;
use warnings;
use parent 'WHK::Child';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use Time::HiRes qw(sleep time);

our $life = 600;    # seconds, after which one that was forgotten ends

my $library = dirname(__FILE__) . '/..';
my $json    = JSON::PP->new->utf8->allow_nonref;

sub new {
    my $class = shift;
    my $self  = bless { dir => tempdir('whk-answers-XXXXXX', TMPDIR => 1, CLEANUP => 1), count => 0, parent => $$ }, $class;
    my $dir   = $self->{dir};
    open my $log, '>>', "$dir/requests" or die "$dir/requests: $!";
    close $log;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/said";
        open STDERR, '>', "$dir/errors";
        delete $ENV{LD_PRELOAD};
        exec 'python3', "$library/answers.py", '--dir', $dir, '--life', $life;
    }
    $self->{pid} = $pid;
    for (1 .. 500) {
        if (open my $in, '<', "$dir/said") {
            if ((<$in> // '') =~ /^listening \S+ (\d+)\n/) { $self->{port} = $1; return $self }
        }
        sleep 0.02;
    }
    die 'answers.py does not start: ' . qx{cat $dir/errors};
}

sub port { return $_[0]{port} }
sub dir  { return $_[0]{dir} }
sub uri  { return "http://127.0.0.1:$_[0]{port}" }

sub says {
    my ($self, @steps) = @_;
    my $name = 'answer-' . ++$self->{count};
    @steps = map { !ref $_ ? [ send => encode_base64($_, '') ] : $_->[0] eq 'repeat' ? [ 'repeat', encode_base64($_->[1], ''), $_->[2] ] : $_ } @steps;
    open my $out, '>', "$self->{dir}/$name" or die "$self->{dir}/$name: $!";
    print $out $json->encode(\@steps);
    close $out;
    return $name;
}

sub text {
    my ($status, $headers, $body) = @_;
    $body //= '';
    my @all = (@$headers, (grep { lc $_->[0] =~ /^(?:content-length|transfer-encoding)$/ } @$headers) ? () : [ 'Content-Length' => length $body ]);
    return "HTTP/1.1 $status\r\n" . join('', map { "$_->[0]: $_->[1]\r\n" } @all) . "\r\n$body";
}

sub answers { my ($self, @answer) = @_; return $self->says(text(@answer)) }

sub noted {
    my $self = shift;
    open my $in, '<:raw', "$self->{dir}/requests" or die "$self->{dir}/requests: $!";
    return map { $json->decode($_) } grep { /\n\z/ } <$in>;
}

sub requests { my $self = shift; return map { { %$_, body => decode_base64($_->{body}) } } grep { defined $_->{method} } $self->noted }

sub sent {
    my ($self, $name) = @_;
    my @sent = map { $_->{sent} } grep { ($_->{answer} // '') eq $name } $self->noted;
    return $sent[-1];
}

sub exchange {
    my ($port, $bytes, $seconds) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10) // die "can't connect to $port: $@\n";
    my $end    = time + ($seconds // 20);
    my $got    = '';
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, $bytes;
    my $select = IO::Select->new($socket);
    while ($end > time && $select->can_read($end - time)) { sysread($socket, $got, 65_536, length $got) or last }
    return $got;
}

1;
