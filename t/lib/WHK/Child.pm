# SPDX-License-Identifier: Apache-2.0
package WHK::Child;

# What a test started and ends: a base for objects with a pid, and the process that made them as parent.
#   ->stop          ends it; so does the end of the object

use strict;
use warnings;

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} // return;
    kill TERM => $pid;
    waitpid $pid, 0;
    return;
}

sub DESTROY { my $self = shift; local $?; $self->stop if $self->{parent} == $$; return }

1;
