# SPDX-License-Identifier: Apache-2.0
# One-time passwords that another module checks: t/lib/mod_test_otp.c, by WebhookKeysOTPProvider and as a hook.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Server;

my $dir = tempdir('whk-otp-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $dir;
my $module = WHK::Server::build_module('mod_test_otp', $dir);
my $load   = "LoadModule test_otp_module $module\nTestOTPFolder $dir";
my $server = WHK::Server->new(children => 2, before => "$load\nTestOTPHook On", location => 'WebhookKeysOTPProvider file');
my $admins = WHK::Admins->new($server, 'acme', 1);
my $user   = $admins->{list}[0]{user};
my $client = WHK::Client->new($server->port);
my $path   = $server->keys('acme');
my $json   = JSON::PP->new->utf8;
my @keys   = WHK::Keys::many(20);

sub codes { open my $out, '>', "$dir/$user" or die $!; print $out map { "$_\n" } @_; close $out; chmod 0666, "$dir/$user"; return }
sub left { open my $in, '<', "$dir/$user" or die $!; chomp(my @lines = <$in>); return "@lines" }
sub register {
    my ($code, $kid, $with) = @_;
    return ($with // $client)->request(POST => $path, { $admins->read, 'Content-Type' => 'application/json', (defined $code ? (OTP => $code) : ()) }, $json->encode({ keyId => $kid, jwks => WHK::Keys::jwks(shift @keys) }));
}

codes(qw(one two three four));
is(register('two', 'k1')->status, 201, 'a code that it knows');
is(left(), 'one three four', '... is used up');
refused(register('two', 'k2'), 401, 'otp_invalid', '... and works once');
refused(register('none', 'k2'), 401, 'otp_invalid', 'one that it does not know');
refused(register(undef, 'k2'), 401, 'otp_required', 'none');
refused(register('', 'k2'), 401, 'otp_required', 'an empty one');
refused(register({ $admins->write }->{OTP}, 'k2'), 401, 'otp_invalid', 'one of the provider that is built in');
my $locked = register('locked', 'k2');
refused($locked, 429, 'otp_locked', 'a lock');
is($locked->header('Retry-After'), 30, '... for how long');
$locked = register('locked for a minute', 'k2');
refused($locked, 429, 'otp_locked', 'a lock that says so');
is(join(' ', $locked->headers('Retry-After')), 60, '... for how long');
refused(register('outage', 'k2'), 500, 'internal_error', 'a hook that cannot decide');
is(left(), 'one three four', '... asks no provider');
unlike($server->error_log, qr/\b(?:two|outage)\b/, 'no code is in the log');
is($client->request(GET => $path, { $admins->read })->status, 200, 'reading needs none');
my @answers = WHK::Parallel::run(map { my $key = shift @keys; sub { unshift @keys, $key; return register('three', "raced-$$", WHK::Client->new($server->port))->status } } 1 .. 5);
is_deeply([ sort @answers ], [ 201, (401) x 4 ], 'one code five times at once: one');
is($client->request(DELETE => "$path/k1", { $admins->read, OTP => 'four' })->status, 200, 'revoking takes one too');
unlink "$dir/$user";
refused(register('one', 'k3'), 500, 'internal_error', 'a provider that cannot decide');
like($server->error_log, qr/the codes of user \Q$user\E can't be read/, '... says why');

my $plain = WHK::Server->new(start => 0, init => 0, sqlite => 1, location => 'WebhookKeysOTPProvider file');
my ($status, $out) = $plain->configtest;
isnt($status, 0, 'a provider that no module has');
like($out, qr/WebhookKeysOTPProvider is "file", but must be the name of one OTP provider whose module is loaded before/, '... is told');
done_testing;
