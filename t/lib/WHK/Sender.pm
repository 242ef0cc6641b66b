# SPDX-License-Identifier: Apache-2.0
package WHK::Sender;

# One request in each of the ways that HTTP has for it.
#   my $s = WHK::Sender->new($port);
#   my $r = $s->send(protocol => 'HTTP/1.1' or 'HTTP/2', framing => 'none', 'length' or 'chunked', method => 'POST',
#                    target => '/x', headers => { Name => 'value' or [several] }, body => $bytes);
# The answer is a WHK::Response. HTTP/2 is curl's, without TLS; there `chunked` means that no length is announced.

use strict;
use warnings;
use File::Temp qw(tempdir);
use WHK::Client;
use WHK::Server;

sub new {
    my ($class, $port) = @_;
    return bless { port => $port, client => WHK::Client->new($port), dir => tempdir('whk-sender-XXXXXX', TMPDIR => 1, CLEANUP => 1) }, $class;
}

sub lines { my $headers = shift; return map { my $name = $_; map { "$name: $_" } grep { defined } ref $headers->{$name} ? @{ $headers->{$name} } : $headers->{$name} } sort keys %$headers }

sub http_1_1 {
    my ($self, %o) = @_;
    my $head = join '', map { "$_\r\n" } "$o{method} $o{target} HTTP/1.1", 'Host: localhost', lines($o{headers});
    my $body = $o{body};
    $self->{client}->close;
    return $self->{client}->raw("$head\r\n") if $o{framing} eq 'none';
    return $self->{client}->raw($head . 'Content-Length: ' . length($body) . "\r\n\r\n$body") if $o{framing} eq 'length';
    my $half   = int(length($body) / 2);
    my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } grep { length } substr($body, 0, $half), substr($body, $half);
    return $self->{client}->raw("${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n");
}

sub http_2 {
    my ($self, %o) = @_;
    open my $out, '>:raw', "$self->{dir}/body" or die $!;
    print $out $o{body};
    close $out;
    my @how = $o{framing} eq 'none' ? () : $o{framing} eq 'length' ? ('--data-binary', "\@$self->{dir}/body") : ('-T', '-');
    my ($status, $said, $errors) = WHK::Server::run_command(
        'sh', '-c', 'exec "$@" < "$0"', "$self->{dir}/body", 'curl', '-sS', '-i', '--noproxy', '*', '--http2-prior-knowledge', '--max-time', 20,
        '-X', $o{method}, '-H', 'Host: localhost', '-H', 'User-Agent:', '-H', 'Accept:', (map { ('-H', $_) } lines($o{headers})), @how,
        "http://127.0.0.1:$self->{port}$o{target}"
    );
    if ($said !~ s/\A(.*?\r\n)\r\n//s) {
        my $none = WHK::Response->new('');
        $none->{body} = "curl ended with $status: $errors";
        return $none;
    }
    my $response = WHK::Response->new($1);
    $response->{body} = $said;
    return $response;
}

sub send {
    my ($self, %o) = @_;
    $o{headers} = { 'Content-Type' => 'application/json', %{ $o{headers} } };
    return $o{protocol} eq 'HTTP/2' ? $self->http_2(%o) : $self->http_1_1(%o);
}

1;
