# SPDX-License-Identifier: Apache-2.0
package WHK::Backend;

# The backend behind a proxying httpd: t/lib/backend.py, whose head tells its paths.
#   my $b = WHK::Backend->new;     ->port ->uri       ended with the object
#   my @r = $b->requests;          what arrived since the last ->clear, in order: hashes of method, path, body (bytes)
#                                  and headers, [[name, value], ...]
#   WHK::Backend::header($r, 'Name')   the values of one header of such a request, joined; undef: there is none
#   WHK::Backend::identity($r)      who signed, as the backend may take it: { 'webhook-key-id' => [values], ... } of every header whose
#                                   name reads like one of ours
#   $b->write_cgi("$dir/name.cgi")  a CGI program that is such a backend too, and keeps what arrives in the same place
#   $b->last ->count ->clear ->stop ->start (on the same port)

use strict;
use warnings;
use parent 'WHK::Child';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(sleep);

our $life = 600;    # seconds, after which one that was forgotten ends

my $library = dirname(__FILE__) . '/..';
my $json    = JSON::PP->new->utf8;

sub new {
    my $class = shift;
    my $dir   = tempdir('whk-backend-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    return bless({ dir => $dir, log => "$dir/requests", port => 0, from => 0, parent => $$ }, $class)->start;
}

sub start {
    my $self = shift;
    open my $log, '>>', $self->{log} or die "$self->{log}: $!";
    close $log;
    unlink "$self->{dir}/said";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$self->{dir}/said";
        open STDERR, '>', "$self->{dir}/errors";
        delete $ENV{LD_PRELOAD};
        exec 'python3', "$library/backend.py", '--log', $self->{log}, '--port', $self->{port}, '--life', $life;
    }
    $self->{pid} = $pid;
    for (1 .. 500) {
        if (open my $in, '<', "$self->{dir}/said") {
            if ((<$in> // '') =~ /^listening \S+ (\d+)\n/) { $self->{port} = $1; return $self }
        }
        sleep 0.02;
    }
    die 'backend.py does not start: ' . qx{cat $self->{dir}/errors};
}

sub port { return $_[0]{port} }
sub uri  { return "http://127.0.0.1:$_[0]{port}" }

sub requests {
    my $self = shift;
    open my $in, '<:raw', $self->{log} or die "$self->{log}: $!";
    seek $in, $self->{from}, 0;
    my @requests;
    while (my $line = <$in>) {
        last if $line !~ /\n\z/;
        my $request = $json->decode($line);
        $request->{body} = decode_base64($request->{body});
        push @requests, $request;
    }
    return @requests;
}

sub last { my $self = shift; my @requests = $self->requests; return $requests[-1] }
sub count { my $self = shift; my @requests = $self->requests; return scalar @requests }
sub clear { my $self = shift; $self->{from} = -s $self->{log}; return $self }

sub header {
    my ($request, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $request->{headers} };
    return @values ? join ', ', @values : undef;
}

sub identity {
    my $request = shift;
    my %identity;
    for my $header (@{ $request->{headers} }) {
        my $name = lc $header->[0] =~ s/[^A-Za-z0-9]/-/gr;
        push @{ $identity{$name} }, $header->[1] if $name =~ /^webhook-(?:enterprise|key-id|alg|signed-at)\z/;
    }
    return \%identity;
}

# Its environment is the header of such a request; WEBHOOK_... of it is there under that name, too.
sub write_cgi {
    my ($self, $file) = @_;
    open my $out, '>', $file or die "$file: $!";
    print $out <<"CGI";
#!/bin/sh
body=\$(base64 -w 0)
header=
for name in HTTP_WEBHOOK_ENTERPRISE HTTP_WEBHOOK_KEY_ID HTTP_WEBHOOK_ALG HTTP_WEBHOOK_SIGNED_AT WEBHOOK_ENTERPRISE WEBHOOK_KEY_ID WEBHOOK_VERDICT REMOTE_USER; do
    if value=\$(printenv "\$name"); then
        case \$name in HTTP_*) name=\$(printf %s "\${name#HTTP_}" | tr _ -) ;; *) name=env-\$name ;; esac
        header=\$header\${header:+,}\$(printf '["%s","%s"]' "\$name" "\$value")
    fi
done
printf '{"method":"%s","path":"%s","headers":[%s],"body":"%s"}\\n' "\$REQUEST_METHOD" "\$REQUEST_URI" "\$header" "\$body" >> '$self->{log}'
printf 'Content-Type: text/plain\\r\\n\\r\\nheard\\n'
CGI
    close $out;
    chmod 0755, $file or die "$file: $!";
    return;
}

1;
