# SPDX-License-Identifier: Apache-2.0
# WebhookKeysNotify on two nodes of one registry: one of them tells, and another when that one is gone. On MariaDB, whose client
# library leaves its connections open to programs that are started.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Database;
use WHK::Keys;
use WHK::Server;

my $dir = tempdir('whk-notify-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $dir;
my $program = "$dir/program";
open my $out, '>', $program or die "$program: $!";
print $out "#!/bin/sh\nmkdir $dir/\"\$1.\$2.\$3\" || touch $dir/twice.\$\$\nls -l /proc/\$\$/fd | grep -F 'socket:[' >> $dir/sockets\necho \"\$3\" >> $dir/list.\$2\n";
close $out;
chmod 0755, $program;

my $database = WHK::Database->shared('mysql')->fresh;
my @nodes;
for my $other (0, 1) {
    push @nodes, WHK::Server->new(
        database => $database,
        children => 2,
        before   => "WebhookKeysNotify $program",
        $other ? (init => 0, secret => 'WebhookKeysSecretKeyFile ' . $nodes[0]->dir . '/secret.key') : ()
    );
}
my @clients  = map { WHK::Client->new($_->port) } @nodes;
my @names    = qw(one two three);
my %admins   = map { $_ => WHK::Admins->new($nodes[0], $_, 1)->codes_work_again } @names;
my %keys;

sub within { my ($seconds, $test) = @_; my $end = time + $seconds; until ($test->()) { return 0 if time > $end; sleep 0.1 } return 1 }
sub told { return map { s{.*/registered\.}{}r } glob "$dir/registered.*" }
# After the program ended.
sub written_down { return within(30, sub { $nodes[1]->sql('SELECT count(*) FROM whk_notification WHERE due_at IS NOT NULL') == 0 }) }
sub register {
    my ($node, $enterprise, $count) = @_;
    for my $jwk (WHK::Keys::many($count)) {
        my $kid = $enterprise . '-' . ++$keys{$enterprise};
        is($admins{$enterprise}->register($clients[$node], { keyId => $kid, jwks => WHK::Keys::jwks($jwk) })->status, 201, $kid);
    }
    return;
}

ok(within(20, sub { $nodes[0]->sql("SELECT count(*) FROM whk_notification WHERE enterprise_id = ''") }), 'from here on');
register($_ % 2, $names[$_], 4) for 0 .. 2;
ok(within(30, sub { scalar(told()) == 12 }), 'each was told') or diag join ' ', told();
is(scalar(glob "$dir/twice.*") // '', '', '... once');
# A node that is killed before keeps its enterprise for the lease, two minutes.
ok(written_down(), '... and it is written down');
$nodes[0]->kill_all;
register(1, $_, 2) for @names;
ok(within(30, sub { scalar(told()) == 18 }), 'a node that is killed leaves it to the other') or diag join ' ', told();
ok(written_down(), '... to the end');
for my $name (@names) {
    open my $in, '<', "$dir/list.$name" or die "list.$name: $!";
    chomp(my @order = <$in>);
    is("@order", join(' ', map { "$name-$_" } 1 .. 6), "$name: in order");
}
is(-s "$dir/sockets", 0, 'and none has a connection of httpd\'s');
done_testing;
