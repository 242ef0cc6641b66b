# SPDX-License-Identifier: Apache-2.0
# How sources look: as clang-format has them, short, finished, and with their license.
use strict;
use warnings;
use Test::More;
use File::Find;
use WHK::Server;

my $root  = $WHK::Server::root;
my $lines = 600;

# All that people write here; not what a build or a run of the tests left behind.
my @files;
find(
    {
        no_chdir => 1,
        wanted   => sub {
            my $file = substr $File::Find::name, length("$root/") - ($File::Find::name eq $root);
            if ($file =~ m{^(?:\.git|run|build(?:-[^/]*)?|t/logs|t/htdocs|t/conf)$}) { $File::Find::prune = 1; return }
            push @files, $file if -f && $file =~ m{\.(?:c|h|pm|t|sh|py|mjs|lua|cgi|sql|md|conf|in)$|^(?:Makefile\.apxs|\.ci/.*|t/TEST)$};
        }
    },
    $root
);
@files = sort @files;
cmp_ok(scalar @files, '>', 100, 'the files are found');

my (@long, @unfinished, @tabs, @trailing, @unlicensed);
my $unfinished = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X';
for my $file (@files) {
    open my $in, '<', "$root/$file" or die "$file: $!";
    my @text = <$in>;
    push @long, "$file: " . @text if @text > $lines;
    # What is read or included by people needs none: documentation, configuration, lists.
    if ($file !~ /\.(?:md|conf|in|txt)$/) {
        my ($first) = grep { !/^#!/ } @text;
        push @unlicensed, $file if ($first // '') !~ m{^(?:#|--|//|/\*) SPDX-License-Identifier: Apache-2\.0(?: \*/)?$};
    }
    for my $n (0 .. $#text) {
        my $place = "$file:" . ($n + 1);
        push @unfinished, $place if $text[$n] =~ /\b(?:$unfinished)\b/;
        push @tabs, $place if $file =~ /\.[ch]$/ && $text[$n] =~ /\t/;
        push @trailing, $place if $text[$n] =~ /[ \t]\n/;
    }
}
is(join("\n", @long),       '', "no file has more than $lines lines");
is(join("\n", @unfinished), '', 'nothing is left to be done');
is(join("\n", @unlicensed), '', 'each source names its license in its first line');
is(join("\n", @tabs),       '', 'no tabs in C');
is(join("\n", @trailing),   '', 'no white space at the end of a line');

SKIP: {
    my $formatter = grep { -x "$_/clang-format" } split /:/, $ENV{PATH};
    skip 'no clang-format here', 1 if !$formatter;
    chdir $root or die "$root: $!";
    my ($status, $out, $err) = WHK::Server::run_command('clang-format', '--dry-run', '--Werror', grep { /\.[ch]$/ } @files);
    is($status, 0, 'clang-format has nothing to change') or diag $err =~ s/^(?!.*error:).*\n//mgr;
}
done_testing;
