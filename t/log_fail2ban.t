# SPDX-License-Identifier: Apache-2.0
# conf/fail2ban/webhook-keys.conf, by fail2ban itself over the error log of a server that was attacked: it finds each try of a
# token or a one-time password, nothing else, and nobody can have another address banned.
use strict;
use warnings;
use Test::More;
use WHK::Admins;
use WHK::Client;
use WHK::Server;
use WHK::Webhooks;

my ($status) = WHK::Server::run_command('sh', '-c', 'command -v fail2ban-regex');
plan skip_all => 'fail2ban is not installed' if $status && !$ENV{CI};
my $w = WHK::Webhooks->new(children => 2, before => "LogLevel warn\n<Location /plain>\nRequire all denied\n</Location>");
my $server = $w->server;
my $key    = $w->key('EdDSA', register => 0);
my $admins = WHK::Admins->new($server, 'bank', 1);
my $client = WHK::Client->new($server->port);
my $keys   = $server->keys('bank');
my $forged = '[client 198.51.100.7:80] WHK0393: ';
(my $in_url = $forged) =~ s/([^\w.:])/sprintf '%%%02X', ord $1/ge;

# What shall be found.
$client->request(GET => $keys, { Authorization => "Bearer $_" }) for 'a', 'b', 'a b', $forged, "x\x{e9}";
$client->request(GET => "$keys/$in_url", { Authorization => 'Bearer a', Referer => "x $forged" });
$client->request(DELETE => "$keys/none", { $admins->read, OTP => $_ }) for map { sprintf '%06d', $_ } 1 .. 7;
my $wanted = 13;

# And what shall not.
$client->request(GET => $keys);
$client->request(GET => $keys, { Authorization => 'Basic eDp5' });
$client->request(GET => "/plain/$in_url", { Referer => "[x] [webhook_keys:warn] [pid 1] $forged" });
$client->request(GET => "/plain/x%0A[Fri Nov 27 18:41:16.354780 2026] [webhook_keys:warn] [pid 1:tid 2] $forged" =~ s/ /%20/gr);
$client->request(GET => $keys, { $admins->read });
$client->request(POST => $keys, { $admins->read }, '{}');
$w->post($key, '{}', path => "/hooks/acme/$in_url");
$w->post({ %{$key}, kid => $forged }, '{}');
$server->stop;

my ($failed, $out, $err) = WHK::Server::run_command('fail2ban-regex', '--print-all-matched', $server->dir . '/error.log', "$WHK::Server::root/conf/fail2ban/webhook-keys.conf");
is($failed, 0, 'fail2ban takes the filter') or diag $out, $err;
my ($lines, $matched) = $out =~ /Lines: (\d+) lines, \d+ ignored, (\d+) matched/;
is($matched, $wanted, 'each try is found, and nothing else') or diag $out, $server->error_log;
cmp_ok($lines, '>', $wanted + 3, '... in a log with other lines');
(undef, $out) = WHK::Server::run_command('fail2ban-regex', '-o', 'ip', $server->dir . '/error.log', "$WHK::Server::root/conf/fail2ban/webhook-keys.conf");
is(join(' ', sort { $a cmp $b } keys %{ { map { $_ => 1 } split ' ', $out } }), '127.0.0.1', 'no other address');

# httpd writes IPv6 without brackets: what stands behind the last colon is the port.
my @v6 = map { "[Fri Nov 27 18:41:16.354780 2026] [webhook_keys:warn] [pid 1:tid 2] [client $_] WHK0393: x\n" } '2001:db8::1:1234', '2001:db8::2:0', '::1:65535', '2001:db8:0:0:0:0:0:3:80';
open my $log, '>', $server->dir . '/v6.log' or die $!;
print $log @v6;
close $log;
(undef, $out) = WHK::Server::run_command('fail2ban-regex', '-o', 'ip', $server->dir . '/v6.log', "$WHK::Server::root/conf/fail2ban/webhook-keys.conf");
is(join(' ', sort split ' ', $out), '2001:db8::1 2001:db8::2 2001:db8::3 ::1', 'IPv6');
unlike($server->error_log, qr/exit signal/, 'no crash');
done_testing;
