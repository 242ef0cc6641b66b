# SPDX-License-Identifier: Apache-2.0
# The store's own tests, and those of what stands directly on it, on every database (on SQLite: t/unit.t).
use strict;
use warnings;
use Test::More;
use WHK::Database;
use WHK::Server;

my @programs = qw(test_store test_store_lists test_store_transactions test_store_faults test_store_plans test_store_migration test_key_cache test_key_cache_changes test_planned_revocation test_reseal
  test_otp_lock test_jwk_set_refresh test_jwk_set_refresh_times test_followed_sets);
my @kinds = $ENV{WHK_KINDS} ? split / /, $ENV{WHK_KINDS} : qw(pgsql mysql galera);
# MariaDB's list of what the migrations make is written down: the file is right where it is what they do make.
sub is_listed {
    my $database = shift;
    my ($status, $out, $err) = WHK::Server::run_command("$WHK::Server::build/unit/test_store_faults", '--schema');
    my $made = join '', sort split /^/, $out;
    my $file = "$WHK::Server::root/conf/schema/mysql/objects.txt";
    open my $in, '<', $file or die "$file: $!";
    my @lines = <$in>;
    my $head  = join '', grep { /^#/ } @lines;
    return if is($made, join('', grep { !/^#/ } @lines), 'conf/schema/mysql/objects.txt is what the migrations make');
    open my $out_file, '>', "$WHK::Server::root/t/logs/objects.txt" or die "t/logs/objects.txt: $!";
    print $out_file $head, $made;
    diag "what they make is in $WHK::Server::root/t/logs/objects.txt: where that is meant, put it in the place of conf/schema/mysql/objects.txt";
    return;
}

for my $kind (@kinds) {
    my $database = WHK::Database->shared($kind)->fresh;
    local $ENV{WHK_STORE_DRIVER} = $database->driver;
    local $ENV{WHK_STORE_PARAMS} = $database->params;
    is_listed($database) if $kind eq 'mysql';
    subtest "a fresh schema on $kind" => sub {
        my $server = WHK::Server->new(database => $database->copy->fresh, start => 0);
        my ($status, $out, $err) = $server->ctl('check');
        is($status, 0, 'is as whkctl makes it') or diag $out . $err;
        like($out, qr/^ok +schema +version \d+, and as this whkctl makes it \[schema\.objects\]$/m, '... which looked');
    };
    # Galera is MariaDB to all but who writes at once.
    for my $program ($kind eq 'galera' ? qw(test_store_transactions test_key_cache_changes) : @programs) {
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
