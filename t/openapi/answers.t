# SPDX-License-Identifier: Apache-2.0
# What the tests before this one were answered (WHK::Recorder), and what they sent that was let through, is as
# docs/openapi.yaml describes it. Runs last: see t/lib/WHK/Harness.pm.
use strict;
use warnings;
use Test::More;
use WHK::OpenAPI;

my ($folder, $why) = WHK::OpenAPI::install();
plan skip_all => $why if !$folder;

my ($status, $out, $err) = WHK::OpenAPI::node($folder, 'validate.mjs', $WHK::OpenAPI::description, $ENV{WHK_RECORD});
is($status, 0, 'node looks through the answers') or diag $err;
like($out, qr/^1\.\.\d+$/m, '... all of them');
for my $result (split /^(?=(?:not )?ok )/m, $out) {
    my ($verdict, $name, $flaws) = $result =~ /\A((?:not )?ok) \d+ - (.*)\n(.*)\z/s or next;
    ok($verdict eq 'ok', $name) or diag $flaws =~ s/^1\.\..*\n//mr =~ s/^# //mgr;
}
done_testing;
