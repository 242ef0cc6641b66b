# SPDX-License-Identifier: Apache-2.0
package WHK::Parallel;

# Several processes that begin at the same moment, each with what it found.
#   my @results = WHK::Parallel::run(sub { ...; return $value }, ...);   values as JSON holds them; dies where one died
#   my $job = WHK::Parallel::start(sub { ... }, ...); ...; my @results = $job->results;   in two steps

use strict;
use warnings;
use JSON::PP;
use POSIX ();

my $json = JSON::PP->new->utf8->allow_nonref;

sub start {
    my @subs = @_;
    pipe my $wait, my $go or die "pipe: $!";
    my @children;
    for my $sub (@subs) {
        pipe my $in, my $out or die "pipe: $!";
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            close $go;
            close $in;
            sysread $wait, my $byte, 1;
            my $result = eval { $json->encode({ value => scalar $sub->() }) } // $json->encode({ died => "$@" });
            # Nothing of our parent's is ours to tidy up.
            syswrite $out, substr $result, 0, 65536, '' while length $result;
            POSIX::_exit(0);
        }
        close $out;
        push @children, [ $pid, $in ];
    }
    close $wait;
    close $go;
    return bless { children => \@children }, __PACKAGE__;
}

sub results {
    my $self = shift;
    my @results;
    for my $child (@{ delete $self->{children} // [] }) {
        my ($pid, $in) = @{$child};
        local $/;
        my $text = <$in>;
        waitpid $pid, 0;
        my $result = $json->decode(length $text ? $text : '{"died":"without a word"}');
        die "in parallel: $result->{died}\n" if exists $result->{died};
        push @results, $result->{value};
    }
    return @results;
}

sub run { return start(@_)->results }

sub DESTROY { my $self = shift; local ($?, $@); waitpid $_->[0], 0 for @{ $self->{children} // [] }; return }

1;
