# SPDX-License-Identifier: Apache-2.0
# The store's own tests, and those of what stands directly on it, on every database (on SQLite: t/unit.t).
use strict;
use warnings;
use Test::More;
use WHK::Database;
use WHK::Server;

my @programs = qw(test_store test_store_transactions test_store_faults test_key_cache test_key_cache_changes test_reseal
  test_otp_lock test_jwk_set_refresh test_jwk_set_refresh_times);
my @kinds = $ENV{WHK_KINDS} ? split / /, $ENV{WHK_KINDS} : qw(pgsql mysql galera);
for my $kind (@kinds) {
    my $database = WHK::Database->shared($kind)->fresh;
    local $ENV{WHK_STORE_DRIVER} = $database->driver;
    local $ENV{WHK_STORE_PARAMS} = $database->params;
    for my $program (@programs) {
        subtest "$program on $kind" => sub {
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
}
done_testing;
