# SPDX-License-Identifier: Apache-2.0
package WHK::Costs;

# What requests cost an httpd of one child: counted by t/lib/counter.c, and what the system tells of the child.
#   my $costs = WHK::Costs->new;
#   ... WHK::Server->new(children => 1, env => { $costs->env }, ...) ...;    $costs->of($server);
#   my $cost = $costs->measure($count, sub { ...; return $what });      a hash, of all $count calls together:
#       verifications keys json_bytes reads writes transactions fetches     as t/lib/counter.c counts them
#       rows events log        what the registry's tables, the audit trail and the error log grew by
#       cpu                    seconds of the child's processor time
#       memory                 KiB above what it had before, at its peak, of the call that took most; undef where the
#                              system does not tell
#       seconds                how long all of it took
#       answers                { what was returned => how often }
# WHK::Costs::is_exact(): whether times and memory are those of the code, and not of a sanitizer.

use strict;
use warnings;
use File::Temp qw(tempdir);
use List::Util qw(max sum);
use POSIX ();
use Time::HiRes qw(time);
use WHK::Origin;

my @counted = qw(verifications keys json_bytes reads writes transactions fetches);
my @tables  = qw(whk_enterprise whk_admin whk_token whk_otp whk_key whk_event whk_remote_set);
my $ticks   = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub is_exact { return $WHK::Server::build !~ /sanitize/ }

sub text_of {
    my $file = shift;
    open my $in, '<:raw', $file or return '';
    local $/;
    return scalar <$in>;
}

sub new {
    my $class = shift;
    my $dir   = tempdir('whk-costs-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    open my $out, '>:raw', "$dir/counts" or die "$dir/counts: $!";
    print $out pack 'Q*', (0) x @counted;
    close $out;
    return bless { dir => $dir, file => "$dir/counts" }, $class;
}

sub env {
    my $self = shift;
    return (LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('counter.c')), WHK_TEST_COUNTS => $self->{file});
}

sub of {
    my ($self, $server) = @_;
    $server->wait_for_children(1);
    ($self->{pid}) = $server->children;
    $self->{server} = $server;
    return $self;
}

sub cpu {
    my $self = shift;
    my @fields = split ' ', text_of("/proc/$self->{pid}/stat") =~ s/.*\) //r;
    return ($fields[11] + $fields[12]) / $ticks;
}

sub kib { my ($self, $name) = @_; return text_of("/proc/$self->{pid}/status") =~ /^$name:\s+(\d+)/m ? $1 : undef }

sub forget_peak {
    my $self = shift;
    open my $out, '>', "/proc/$self->{pid}/clear_refs" or return 0;
    print $out "5\n";
    return close $out;
}

sub totals {
    my $self = shift;
    my %total;
    @total{@counted} = unpack 'Q*', text_of($self->{file});
    my %rows;
    @rows{@tables} = split /\n/, $self->{server}->sql(join ';', map { "SELECT count(*) FROM $_" } @tables);
    $total{rows}   = sum(values %rows);
    $total{events} = $rows{whk_event};
    $total{log} = length $self->{server}->error_log;
    return %total;
}

sub measure {
    my ($self, $count, $send) = @_;
    my %before = $self->totals;
    my ($start, $cpu) = (time, $self->cpu);
    my (%answers, $memory);
    for (1 .. $count) {
        my $knows = $self->forget_peak;
        my $had   = $self->kib('VmRSS');
        $answers{ $send->() // '' }++;
        $memory = max($memory // 0, $self->kib('VmHWM') - $had) if $knows;
    }
    my %cost = (cpu => $self->cpu - $cpu, seconds => time - $start, answers => \%answers, memory => $memory);
    my %after = $self->totals;
    $cost{$_} = $after{$_} - $before{$_} for CORE::keys %after;
    return \%cost;
}

1;
