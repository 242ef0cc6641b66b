# SPDX-License-Identifier: Apache-2.0
# The C unit tests: each program under build/unit prints TAP of its own.
use strict;
use warnings;
use Test::More;
use WHK::Server;

my @programs = map { /(test_\w+)\.c$/ ? $1 : () } sort glob "$WHK::Server::root/t/unit/test_*.c";
for my $program (@programs) {
    subtest $program => sub {
        my ($status, $out, $err) = WHK::Server::run_command("$WHK::Server::build/unit/$program");
        my $count = 0;
        for (split /\n/, $out) {
            next if !/^(not )?ok \d+ - (\S+)/;
            $count++;
            ok(!$1, $2);
        }
        is($status, 0, 'exit status') or diag $out, $err;
        ok($count, 'ran something');
    };
}
done_testing;
