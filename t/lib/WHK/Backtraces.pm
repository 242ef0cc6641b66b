# SPDX-License-Identifier: Apache-2.0
package WHK::Backtraces;

# Where processes of an httpd were that ended by a fault.
#   my $b = WHK::Backtraces->new;
#   $b->env                    for WHK::Server->new(env => ...)
#   my ($ours, $known) = $b->found($server);
#      $ours: a text for each end that is to be mended; $known: how many there were of the one below, which is httpd's own
#
# httpd's event and worker MPMs, when a child is told to end at once (apachectl stop): the main thread closes the sockets
# that worker threads have noted (close_worker_sockets() in server/mpm/event/event.c), and one that a worker frees at that
# moment is read after its memory went. An httpd without any module of ours does it too, once in some fifty stops under load.

use strict;
use warnings;
use File::Temp qw(tempdir);
use WHK::Origin;

sub new {
    my $class = shift;
    my $dir = tempdir('whk-backtraces-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    return bless { dir => $ENV{WHK_SANITIZER_LOGS} // $dir, from => time, own => $dir }, $class;
}

# The sanitizers tell it themselves.
sub env {
    my $self = shift;
    return {} if $ENV{WHK_SANITIZER_LOGS};
    return { LD_PRELOAD => join(':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('backtrace.c')), WHK_TEST_BACKTRACES => $self->{own} };
}

# From the fault up, without what tells it.
sub frames {
    my $text = shift;
    my @frames = split /\n/, $text;
    @frames = grep { $text =~ /^\s*#0 /m ? /^\s*#\d/ : /\(/ } @frames;
    return grep { !/backtrace|__restore_rt|libc\.so|sanitizer/ } @frames;
}

sub is_of_httpd {
    my @frames = frames(shift);
    return @frames > 1 && $frames[0] =~ /apr_os_sock_get/ && $frames[1] =~ /mod_mpm_(?:event|worker)\.so/;
}

sub found {
    my ($self) = @_;
    my (@ours, $known);
    $known = 0;
    for my $file (glob "$self->{dir}/*") {
        next if $self->{seen}{$file} || $file =~ /suppressions$/ || (stat $file)[9] < $self->{from};
        open my $in, '<', $file or next;
        local $/;
        my $text = <$in> // '';
        next if $ENV{WHK_SANITIZER_LOGS} && $text !~ /AddressSanitizer: (?:SEGV|ABRT|BUS)/;
        $self->{seen}{$file} = 1;
        if (is_of_httpd($text)) { $known++ } else { push @ours, $text }
    }
    return (\@ours, $known);
}

1;
