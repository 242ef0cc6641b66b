# SPDX-License-Identifier: Apache-2.0
package WHK::Harness;

# prove's harness (prove --harness WHK::Harness): what looks at all that the others were answered runs when they have ended.

use strict;
use warnings;
use parent 'TAP::Harness';

sub new {
    my ($class, $o) = @_;
    return $class->SUPER::new({ %{ $o // {} }, rules => { seq => [{ par => [qw(t/*.t t/style/*.t t/bench/*.t build*/**)] }, { par => '**' }] } });
}

1;
