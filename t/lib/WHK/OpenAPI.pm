# SPDX-License-Identifier: Apache-2.0
package WHK::OpenAPI;

# The programs of t/openapi, beside their packages, which are installed once for all files of a run.
#   my ($folder, $why) = WHK::OpenAPI::install();         undef and why not
#   my ($status, $out, $err) = WHK::OpenAPI::run($folder, 'lint', ...);       a package's program, by its name in node_modules/.bin
#   my ($status, $out, $err) = WHK::OpenAPI::node($folder, 'fuzz.mjs', ...);  one of ours

use strict;
use warnings;
use Fcntl qw(:flock);
use File::Basename qw(basename);
use File::Copy qw(copy);
use File::Path qw(make_path);
use WHK::Server;

our $description = "$WHK::Server::root/docs/openapi.yaml";

sub install {
    my ($status, $version, $error) = eval { WHK::Server::run_command('node', '--version') };
    return (undef, 'node is not here') if !defined $status || $status;
    return (undef, "node $version is older than 20") if $version !~ /^v(\d+)/ || $1 < 20;
    my $folder = "$WHK::Server::root/t/logs/openapi";
    make_path($folder);
    open my $lock, '>', "$folder/lock" or die "$folder/lock: $!";
    flock $lock, LOCK_EX or die "$folder/lock: $!";
    return $folder if -e "$folder/installed";
    copy($_, "$folder/" . basename($_)) or die "$_: $!" for glob "$WHK::Server::root/t/openapi/*";
    ($status, undef, $error) =
      eval { WHK::Server::run_command('npm', 'ci', '--prefix', $folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error') };
    return (undef, 'npm is not here') if !defined $status;
    return (undef, "npm can't install the packages: $error") if $status;
    open my $installed, '>', "$folder/installed" or die "$folder/installed: $!";
    return $folder;
}

sub run {
    my ($folder, $program, @arguments) = @_;
    return WHK::Server::run_command('env', 'REDOCLY_TELEMETRY=off', 'REDOCLY_SUPPRESS_UPDATE_NOTICE=true', "$folder/node_modules/.bin/$program", @arguments);
}

sub node {
    my ($folder, $script, @arguments) = @_;
    return WHK::Server::run_command('node', "$folder/$script", @arguments);
}

1;
