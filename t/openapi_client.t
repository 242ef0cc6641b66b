# SPDX-License-Identifier: Apache-2.0
# A client that others' generator makes of docs/openapi.yaml registers, lists and revokes (t/openapi/client.ts).
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::OpenAPI;
use WHK::Server;

my ($folder, $why) = WHK::OpenAPI::install();
plan skip_all => $why if !$folder;

my $server = WHK::Server->new(children => 1);
my $admins = WHK::Admins->new($server, 'generated', 1)->codes_work_again;

my ($status, $out, $err) = WHK::OpenAPI::run($folder, 'openapi-typescript', $WHK::OpenAPI::description, '-o', "$folder/api.d.ts");
is($status, 0, 'openapi-typescript makes types of the description') or diag $out, $err;
($status, $out, $err) = WHK::OpenAPI::run($folder, 'tsc', '--strict', qw(--skipLibCheck --module nodenext --target es2022 --lib), 'es2023,dom', '--types', 'node',
    '--typeRoots', "$folder/node_modules/\@types", "$folder/client.ts");
is($status, 0, 'a program of them is as the compiler asks for') or diag $out, $err;

my %write = $admins->write;
my ($token) = $write{Authorization} =~ /^Bearer (.*)/;
my $url = 'http://127.0.0.1:' . $server->port . $server->prefix;
# A code is good again and again here.
my ($told, $errors) = ('', '');
{
    open my $codes, '>', "$folder/codes" or die "$folder/codes: $!";
    print $codes "$write{OTP}\n" x 3;
    close $codes;
    ($status, $told, $errors) = WHK::Server::run_command('sh', '-c', 'exec node "$1" "$2" "$3" < "$4"', 'sh', "$folder/client.js", $url, $token, "$folder/codes");
}
is($status, 0, 'it runs') or diag $errors;
my %said = map { my $line = JSON::PP->new->utf8->decode($_); $line->[0] => $line->[1] } split /\n/, $told;
is_deeply($said{tried}, [200, 'a/b', undef], 'tries a key');
is_deeply($said{'without a code'}, [401, 'otp_required'], 'learns that a code is missing');
is_deeply($said{registered}, [201, 'a/b', 'EdDSA'], 'registers it');
is_deeply($said{listed}, [['a/b', "G\x{e9}n\x{e9}r\x{e9}", 'ACTIVE']], 'lists it');
ok($said{one}, 'reads it');
is_deeply($said{revoked}, [200, JSON::PP::true, 1], 'revokes it, and is warned that it was the last');
is_deeply($said{again}, [409, 'key_already_revoked'], '... once');
is_deeply($said{events}, ['key.revoked', 'key.registered'], 'reads what was done');
done_testing;
