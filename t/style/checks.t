# SPDX-License-Identifier: Apache-2.0
# Each id of whkctl check (src/ctl/check_report.c) is in docs/checks.md once, and that page names no other.
use strict;
use warnings;
use utf8;
use Test::More;
use WHK::Server;

sub text_of {
    my $file = shift;
    open my $in, '<:encoding(UTF-8)', "$WHK::Server::root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my @ids   = text_of('src/ctl/check_report.c') =~ /^ +\[WHK_CHECK_\w+\] = \{"([\w.]+)", "/mg;
my @named = text_of('docs/checks.md')         =~ /^\| `([\w.]+)` \| (?:notice|problem) \| \S/mg;
cmp_ok(scalar @ids, '>', 20, 'there are ids');
is(join("\n", sort @named), join("\n", sort @ids), 'the page has each once, and no other');
is(scalar(grep { !/^[a-z_]+\.[a-z_]+\z/ } @ids), 0, 'of two words');
my ($count) = text_of('src/ctl/check.h') =~ /(WHK_CHECK_ENFORCE_OFF.*?)WHK_CHECK_COUNT/s;
is(scalar(() = $count =~ /WHK_CHECK_\w+,/g), scalar @ids, 'each of the enumeration has a row');
done_testing;
