# SPDX-License-Identifier: Apache-2.0
package WHK::Interop;

# What others wrote, from npm's packages in t/interop.
#   my ($script, $why) = WHK::Interop::install('sign.mjs');      a file beside its packages, to be run by node; or undef and why not
#   my $wait = WHK::Interop::begin('idp/idp.mjs');               the same in the background, of a folder of its own there;
#   my ($script, $why) = $wait->();                              ... and waited for

use strict;
use warnings;
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use JSON::PP;
use WHK::Server;

our $folder = "$WHK::Server::root/t/interop";

# The lock names no addresses, for which npm would ask for the description of each package, all its versions included: most
# of the time of an installation.
sub copy_lock {
    my ($from, $to) = @_;
    my ($status, $registry) = WHK::Server::run_command(qw(npm config get registry));
    return copy($from, $to) if $status || $registry !~ m{^(https?://\S+?)/?$}m;
    my $base = $1;
    open my $in, '<:raw', $from or die "$from: $!";
    my $lock = decode_json(do { local $/; <$in> });
    for my $path (grep { length } keys %{ $lock->{packages} }) {
        my ($name) = $path =~ m{.*node_modules/(.+)};
        $lock->{packages}{$path}{resolved} = "$base/$name/-/" . basename($name) . "-$lock->{packages}{$path}{version}.tgz";
    }
    open my $out, '>:raw', $to or die "$to: $!";
    # npm wants a package before those inside it.
    print $out JSON::PP->new->utf8->canonical->encode($lock);
    return close $out;
}

sub begin {
    my $script = shift;
    my ($status, $version) = eval { WHK::Server::run_command('node', '--version') };
    return sub { (undef, 'node is not here') } if !defined $status || $status;
    return sub { (undef, "node $version is older than 18") } if $version !~ /^v(\d+)/ || $1 < 18;
    my $from = dirname("$folder/$script");
    my $dir  = tempdir('whk-interop-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    copy("$from/$_", "$dir/$_") or die "$_: $!" for 'package.json', basename($script);
    eval { copy_lock("$from/package-lock.json", "$dir/package-lock.json") } or return sub { (undef, "npm is not here: $@") };
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/npm.log";
        open STDERR, '>&', \*STDOUT;
        exec 'setpriv', '--pdeathsig', 'TERM', 'npm', 'ci', '--prefix', $dir, qw(--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error);
    }
    return sub {
        waitpid $pid, 0;
        return "$dir/" . basename($script) if !$?;
        open my $in, '<', "$dir/npm.log" or return (undef, "npm can't install the packages");
        local $/;
        return (undef, "npm can't install the packages: " . <$in>);
    };
}

sub install { return begin(@_)->() }

1;
