# SPDX-License-Identifier: Apache-2.0
package WHK::Fleet;

# Several httpd nodes on one database, each with shared memory of its own; with galera each on the next database node.
#   my $fleet = WHK::Fleet->new('galera', 3, %for_webhooks);   what WHK::Webhooks->new takes; database => $d for one's own
#   $fleet->nodes (of WHK::Webhooks)   ->node(2)   ->first   ->database
#   $fleet->admins('enterprise')       its admins, whose codes work again
#   WHK::Fleet::kinds()                the databases to try: all, or those that WHK_KINDS names, or the one that DB does
#   WHK::Fleet::rounds($short, $long)  how often: $long in `make -f Makefile.apxs fleet`

use strict;
use warnings;
use WHK::Database;
use WHK::Webhooks;

sub kinds {
    return split ' ', $ENV{WHK_KINDS} if $ENV{WHK_KINDS};
    return ($ENV{DB} // 'sqlite') eq 'sqlite' ? qw(pgsql mysql galera) : $ENV{DB};
}

sub rounds { return $ENV{WHK_FLEET} ? $_[1] : $_[0] }

sub new {
    my ($class, $kind, $count, %o) = @_;
    my $database = $o{database} // WHK::Database->shared($kind)->fresh;
    my $self = bless { database => $database, nodes => [] }, $class;
    for my $n (1 .. $count) {
        my $first = $self->{nodes}[0];
        push @{ $self->{nodes} }, WHK::Webhooks->new(
            children => 2, threads => 8, %o, database => $database, node => 1 + ($n - 1) % $database->nodes,
            $first ? (init => 0, secret => 'WebhookKeysSecretKeyFile ' . $first->server->dir . '/secret.key') : ()
        );
    }
    return $self;
}

sub database { return $_[0]{database} }
sub nodes    { return @{ $_[0]{nodes} } }
sub node     { return $_[0]{nodes}[ $_[1] - 1 ] }
sub first    { return $_[0]{nodes}[0] }
sub admins   { my ($self, $enterprise) = @_; return $self->first->admins($enterprise) }

1;
