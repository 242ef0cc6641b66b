# SPDX-License-Identifier: Apache-2.0
# Packages are of the version that the sources are of, and need what the sources need.
use strict;
use warnings;
use Test::More;
use WHK::Server;

sub text_of {
    my $file = shift;
    open my $in, '<', "$WHK::Server::root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my ($version) = text_of('src/model/version.h') =~ /WHK_VERSION "([^"]+)"/;
my $spec = text_of('packaging/rpm/mod_webhook_keys.spec');
my $changelog = text_of('packaging/debian/changelog');
is(($changelog =~ /^libapache2-mod-webhook-keys \(([^)]+)\)/)[0], $version, 'packaging/debian/changelog');
is(($spec =~ /^Version:\s+(\S+)/m)[0], $version, 'packaging/rpm/mod_webhook_keys.spec');
is(($spec =~ /^%changelog\n\* .* (\S+)-\d+$/m)[0], $version, '... and its changelog');
like(text_of('docs/whkctl.8'), qr/^\.TH .*"mod_webhook_keys \Q$version\E"/m, 'docs/whkctl.8');

# What .ci/deps.sh installs to build by is what the package asks for.
my ($needed) = text_of('.ci/deps.sh') =~ /^packages="([^"]+)"/m;
my %asked = map { $_ => 1 } text_of('packaging/debian/control') =~ /^ ([a-z0-9.+-]+-(?:dev|config))\b/mg;
my @missing = grep { !$asked{$_} } grep { /-(?:dev|config)$/ && $_ ne 'libc6-dev' } split ' ', $needed;
is("@missing", '', 'packaging/debian/control asks for what .ci/deps.sh installs');
done_testing;
