# SPDX-License-Identifier: Apache-2.0
# Each configuration that the pages show, and the one that is installed, is one that httpd takes.
use strict;
use warnings;
use Test::More;
use WHK::Keys;
use WHK::Server;

my $server  = WHK::Server->new(start => 0);
my $dir     = $server->dir;
my @modules = qw(authn_file auth_basic authz_host proxy proxy_http headers setenvif socache_shmcb);

sub text_of {
    my $file = shift;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my @signing_keys;
sub signing_key { my $n = shift; return $signing_keys[$n] //= (WHK::Keys::pem_and_jwk('ed25519'))[0] }

# As it stands, but for the paths of what is not installed here.
sub is_taken {
    my ($name, $lines) = @_;
    $lines =~ s{^(\s*DBDParams\s+)\S+}{$1$dir/registry.db}mg;
    $lines =~ s{^(\s*WebhookKeysSecretKeyFile\s+)\S+}{$1$dir/secret.key}mg;
    $lines =~ s{^(\s*WebhookKeysNotify\s+)/etc/apache2/(\S+)}{$1$WHK::Server::root/conf/examples/$2}mg;
    my $n = 0;
    $lines =~ s{^(\s*WebhookKeysSigningKey\s+\S+\s+)\S+}{$1 . signing_key($n++)}mge;
    $server->write_conf(conf => $lines, modules => \@modules);
    my ($status, $output) = $server->configtest;
    # What is for rolling out alone, httpd says at each start.
    $output =~ s/^.*WHK0029: .*\n//m if $lines =~ /^\s*WebhookKeysEnforce Off$/m;
    ok($status == 0 && $output =~ /Syntax OK/ && $output !~ /mod_webhook_keys|webhook_keys:/, $name) or diag $lines, $output;
    return;
}

my $count = 0;
for my $file ("$WHK::Server::root/README.md", sort glob "$WHK::Server::root/docs/{,directives/}*.md") {
    my $text = text_of($file);
    my $page = $file =~ s{^\Q$WHK::Server::root\E/}{}r;
    while ($text =~ /^```apache\n(.*?)^```$/msg) { is_taken("$page, example " . ++$count, $1) }
}
cmp_ok($count, '>=', 4, 'examples were found');
is_taken('conf/examples/signed-requests.conf', text_of("$WHK::Server::root/conf/examples/signed-requests.conf"));
is_taken('conf/webhook_keys.conf', text_of("$WHK::Server::root/conf/webhook_keys.conf"));

$server->write_conf(conf => 'WebhookKeysMaxActive none');
isnt(($server->configtest)[0], 0, 'and one that it does not take is found');
done_testing;
