# SPDX-License-Identifier: Apache-2.0
package WHK::Origin;

# Servers of this test's own, that a jwksUri may lead to: t/lib/jwks_server.py, whose head tells its paths.
#   my $o = WHK::Origin->new(cert => 'good', host => '127.0.0.1', port => 0, options => ['--stall']);
#       cert => undef speaks plain http; ended with the object
#   my $p = WHK::Origin->proxy('127.0.0.1:8443');    an egress proxy whose tunnels all lead there
#   ->port ->uri($host, $path) ->http_uri($host, $path)
#   ->connections   how many TCP connections came so far
#   ->lines($word)  what it said after that word: requests as 'GET /path', a proxy's connects as 'host:port'
#   WHK::Origin::serve($name, $text)   the path under which every origin of this process has this text from now on
#   WHK::Origin::directory()           where ca.pem is (and the certificates: make_certificates.sh)
#   WHK::Origin::preload('test_resolver.c')  the shared library made of this file of t/lib

use strict;
use warnings;
use parent 'WHK::Child';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep);

my $library = dirname(__FILE__) . '/..';
my $directory;
my $count = 0;

sub directory {
    return $directory //= do {
        my $made = tempdir('whk-origin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
        system('sh', "$library/make_certificates.sh", $made) == 0 or die "no certificates\n";
        mkdir "$made/files" or die "$made/files: $!";
        # httpd's children read ca.pem, and may be another user's.
        chmod 0755, $made;
        $made;
    };
}

sub preload {
    my $source = shift;
    my $made   = directory() . "/$source.so";
    system('cc', '-D_GNU_SOURCE', '-shared', '-fPIC', '-o', $made, "$library/$source", '-ldl') == 0 or die "$source does not build\n";
    return $made;
}

sub serve {
    my ($name, $text) = @_;
    open my $out, '>:raw', directory() . "/files/$name" or die "$name: $!";
    print $out $text;
    close $out;
    return "/files/$name";
}

sub run_script {
    my ($class, $script, @options) = @_;
    my $log = directory() . '/' . ++$count . '.log';
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $log;
        open STDERR, '>', "$log.err";
        delete $ENV{LD_PRELOAD};
        exec 'python3', "$library/$script", '--life', $ENV{WHK_FLEET} ? 7200 : 300, @options;
    }
    my $self = bless { log => $log, pid => $pid, parent => $$ }, $class;
    for (1 .. 500) {
        (undef, $self->{port}) = split / /, ($self->lines('listening'))[0] // '';
        return $self if $self->{port};
        sleep 0.02;
    }
    die "$script does not start: " . qx{cat $log.err};
}

sub new {
    my ($class, %o) = @_;
    my $cert = exists $o{cert} ? $o{cert} : 'good';
    my $at   = directory();
    return $class->run_script(
        'jwks_server.py', '--host', $o{host} // '127.0.0.1', '--port', $o{port} // 0, '--files', "$at/files",
        $cert ? ('--cert', "$at/$cert.pem", '--key', "$at/$cert.key") : (), @{ $o{options} // [] }
    );
}

sub proxy { my ($class, $to) = @_; return $class->run_script('connect_proxy.py', $to ? ('--to', $to) : ()) }

sub port     { return $_[0]{port} }
sub uri      { my ($self, $host, $path) = @_; return "https://$host:$self->{port}" . ($path // '/jwks.json') }
sub http_uri { my ($self, $host, $path) = @_; return "http://$host:$self->{port}" . ($path // '/jwks.json') }

sub lines {
    my ($self, $word) = @_;
    open my $in, '<', $self->{log} or return;
    return map { chomp; /^\Q$word\E(?: (.*))?$/ ? $1 // '' : () } <$in>;
}

sub connections {
    my $self = shift;
    # What it never answered needs a moment to be noticed.
    sleep 0.02;
    my @lines = $self->lines('connection');
    return scalar @lines;
}

1;
