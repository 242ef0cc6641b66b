# SPDX-License-Identifier: Apache-2.0
package WHK::Memcached;

# t/lib/memcached.py, which nodes share.
#   my $m = WHK::Memcached->new;    ->port ->address (127.0.0.1:PORT)    ended with the object
#   $m->commands (text so far)   $m->full(1) (stores nothing), $m->full(0)   $m->stop ->start (on the same port, empty)

use strict;
use warnings;
use parent 'WHK::Child';
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep);

my $library = dirname(__FILE__) . '/..';

sub new {
    my $class = shift;
    my $dir = tempdir('whk-memcached-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    return bless({ dir => $dir, log => "$dir/commands", port => 0, parent => $$ }, $class)->start;
}

sub start {
    my $self = shift;
    unlink "$self->{dir}/said";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$self->{dir}/said";
        open STDERR, '>', "$self->{dir}/errors";
        delete $ENV{LD_PRELOAD};
        exec 'python3', "$library/memcached.py", '--log', $self->{log}, '--port', $self->{port}, '--full', "$self->{dir}/full";
    }
    $self->{pid} = $pid;
    for (1 .. 500) {
        if (open my $in, '<', "$self->{dir}/said") {
            if ((<$in> // '') =~ /^listening \S+ (\d+)\n/) { $self->{port} = $1; return $self }
        }
        sleep 0.02;
    }
    die 'memcached.py does not start: ' . qx{cat $self->{dir}/errors};
}

sub port    { return $_[0]{port} }
sub address { return "127.0.0.1:$_[0]{port}" }

sub commands {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return scalar <$in>;
}

sub full {
    my ($self, $full) = @_;
    my $file = "$self->{dir}/full";
    if ($full) { open my $out, '>', $file or die "$file: $!" }
    else       { unlink $file }
    return $self;
}

1;
