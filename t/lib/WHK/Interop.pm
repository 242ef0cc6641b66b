# SPDX-License-Identifier: Apache-2.0
package WHK::Interop;

# What others wrote, from npm's packages in t/interop.
#   my ($script, $why) = WHK::Interop::install('sign.mjs');      a file beside its packages, to be run by node; or undef and why not

use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use WHK::Server;

our $folder = "$WHK::Server::root/t/interop";

sub install {
    my $script = shift;
    my ($status, $version, $error) = eval { WHK::Server::run_command('node', '--version') };
    return (undef, 'node is not here') if !defined $status || $status;
    return (undef, "node $version is older than 18") if $version !~ /^v(\d+)/ || $1 < 18;
    my $dir = tempdir('whk-interop-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    copy("$folder/$_", "$dir/$_") or die "$_: $!" for qw(package.json package-lock.json), $script;
    ($status, undef, $error) =
      eval { WHK::Server::run_command('npm', 'ci', '--prefix', $dir, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error') };
    return (undef, 'npm is not here') if !defined $status;
    return (undef, "npm can't install the packages: $error") if $status;
    return "$dir/$script";
}

1;
