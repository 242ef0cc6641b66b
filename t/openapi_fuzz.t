# SPDX-License-Identifier: Apache-2.0
# Requests made from docs/openapi.yaml, good, nearly good and hostile (t/openapi/fuzz.mjs): no connection drops, nothing
# is a 5xx, and each answer is described. WHK_REQUESTS=10000 for longer: make -f Makefile.apxs fuzz-api.
use strict;
use warnings;
use Test::More;
use WHK::Admins;
use WHK::OpenAPI;
use WHK::Server;

my ($folder, $why) = WHK::OpenAPI::install();
plan skip_all => $why if !$folder;

my $requests = $ENV{WHK_REQUESTS} || 600;
my $seed     = $ENV{WHK_SEED} || int rand 2**31;
my $server   = WHK::Server->new(children => 2, location => "WebhookKeysMaxActive 200\nWebhookKeysOpenAPI On", before => 'WebhookKeysJwksUriTimeout 100ms');
my $admins   = WHK::Admins->new($server, 'fuzzed', 2)->codes_work_again;
my $url      = 'http://127.0.0.1:' . $server->port . $server->prefix;
my ($status, $out, $err) =
  WHK::OpenAPI::node($folder, 'fuzz.mjs', $WHK::OpenAPI::description, $url, $requests, $seed, map { $_->{token}, $_->{secret} } @{ $admins->{list} });
is($status, 0, "$requests requests by seed $seed are answered as described") or diag $out, $err, $server->error_log =~ s/^(?!.*(?:crit|emerg|alert|Segmentation|exit signal)).*\n//mgr;
my %count = $out =~ /^(\d{3}) (\d+)$/mg;
note $out;
cmp_ok($count{$_} // 0, '>', 0, "... some of them with $_") for qw(200 201 400 401 403 404 405 415);
unlike($server->error_log, qr/exit signal|Segmentation/, 'no process of httpd ended');
done_testing;
