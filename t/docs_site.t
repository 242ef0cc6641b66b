# SPDX-License-Identifier: Apache-2.0
# The site that `make docs` makes of the pages: made without a warning, each page is reached from its index, its search
# knows each directive and each code, and it needs no other host.
use strict;
use warnings;
use Test::More;
use File::Basename qw(dirname);
use File::Find;
use File::Spec;
use File::Temp qw(tempdir);
use WHK::Server;

my $root = $WHK::Server::root;
plan skip_all => 'no sphinx-build here' if !grep { -x "$_/sphinx-build" } split /:/, $ENV{PATH};

sub text_of {
    my $file = shift;
    open my $in, '<:encoding(UTF-8)', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my $site = tempdir('whk-XXXXXX', TMPDIR => 1, CLEANUP => 1) . '/site';
my ($status, $out, $err) = WHK::Server::run_command('sh', "$root/docs/site/build.sh", $site);
is($status,     0,  'the site is made') or diag $out, $err;
is("$out$err", '', '... without a warning');

my %page;
find({ no_chdir => 1, wanted => sub { $page{$_} = text_of($_) if /\.html$/ } }, $site);

# What is reached by links alone, from the index on.
my (%reached, @wrong);
my @next = ("$site/index.html");
while (defined(my $file = shift @next)) {
    next if $reached{$file}++;
    while ($page{$file} =~ /\bhref="([^"#?]+)/g) {
        my $target = $1;
        next if $target =~ /^[a-z]+:/;
        my $path = File::Spec->catfile(dirname($file), $target);
        1 while $path =~ s{[^/]+/\.\./}{} || $path =~ s{/\./}{/};
        if (!-e $path) { push @wrong, "$file: $target" }
        elsif ($page{$path}) { push @next, $path }
    }
}
is(join("\n", @wrong), '', 'no link leads to what is not there');
is(join("\n", grep { !$reached{$_} } sort keys %page), '', 'each page is reached from the index');
my @missing = grep { !-e "$site/$_" } map { substr($_, length "$root/") =~ s/\.md$/.html/r } glob "$root/{README,SECURITY,CONTRIBUTING,docs/*,docs/directives/*}.md";
is(join(' ', @missing), '', 'each page of the checkout is there, and the manual page') if ok(-e "$site/docs/whkctl.html", 'whkctl(8) is there');

# A page may name another host in a link that somebody clicks, and load nothing from there.
my @hosts;
for my $file (keys %page) {
    push @hosts, "$file: $1" while $page{$file} =~ /(\bsrc="(?:https?:)?\/[^"]*"|<link\b[^>]*\bhref="(?:https?:)?\/[^"]*")/g;
}
find({ no_chdir => 1, wanted => sub { push @hosts, $_ if /\.css$/ && text_of($_) =~ /\@import|url\(['"]?(?:https?:|\/)/ } }, $site);
is(join("\n", @hosts), '', 'nothing is loaded from another host, or by a path from the root');

# Terms of the index are in small letters; stemming takes ends away, and makes an i of a y.
my $index = text_of("$site/searchindex.js");
my @directives = map { lc } text_of("$root/src/httpd/directives.c") =~ /DIRECTIVE\("(\w+)"/g;
my @codes = text_of("$root/src/model/outcome.c") =~ /\] =\s*\{"(\w+)"/g;
cmp_ok(scalar @directives, '>=', 40, 'there are directives');
cmp_ok(scalar @codes, '>=', 40, '... and codes');
sub is_known { my $word = shift; return grep { $index =~ /\b\Q$_\E[iy]?"?:/ } map { substr $word, 0, length($word) - $_ } 0 .. 4 }
is(join(' ', grep { !is_known($_) } @directives, @codes), '', 'the search knows them all');
done_testing;
