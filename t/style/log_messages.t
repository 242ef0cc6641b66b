# SPDX-License-Identifier: Apache-2.0
# Each line of the log has a number of its own, and each number its row in docs/log-messages.md, with the text that the
# sources have.
use strict;
use warnings;
use utf8;
use Test::More;
use File::Find;
use WHK::Server;

my $root = $WHK::Server::root;

sub text_of {
    my $file = shift;
    open my $in, '<:encoding(UTF-8)', "$root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my %source = ('mod_webhook_keys.c' => text_of('mod_webhook_keys.c'));
find({ no_chdir => 1, wanted => sub { my $f = substr $File::Find::name, length "$root/"; $source{$f} = text_of($f) if /\.[ch]$/ && !/log_number\.h$/ } }, "$root/src");
s{/\*.*?\*/}{$& =~ tr/\n//cdr}gse for values %source;

# ---- the sources

my (%used, @double, @bare);
my $balanced = qr/(\((?:[^()"]++|"(?:[^"\\]|\\.)*+"|(?1))*\))/;
# A number that stands elsewhere: the hint has it, or what was handed to a function that logs for several.
my $elsewhere = qr/"%s[^"]*"[^"]*,\s*(?:\w+->)?(?:operator_hint|works|fails|message)\b/;
for my $file (sort keys %source) {
    my $text = $source{$file};
    while ($text =~ /WHK_LOGNO\(\s*(\w+)\s*\)\s*(?:\w+\s+)?"?((?:[^"%\\\n]|\\")*)/g) {
        my ($number, $words) = ($1, $2);
        push @double, "$file: $number" if exists $used{$number};
        $used{$number} = $words =~ s/\\"/"/gr;
    }
    while ($text =~ /\b(ap_log_[a-z]*error|ap_log_[pc]error|whk_fail)\s*$balanced/g) {
        my ($function, $arguments, $before) = ($1, $2, substr $text, 0, $-[0]);
        next if $before =~ /\*\s*\z/ || $arguments =~ /WHK_LOGNO|APLOG_DEBUG|APLOG_TRACE\d|$elsewhere/;
        push @bare, "$file:" . (1 + ($before =~ tr/\n//)) . ": $function";
    }
    push @bare, "$file: an operator_hint" while $text =~ /operator_hint\s*=[^=;]*"(?![^;]*)/g;
}
cmp_ok(scalar keys %used, '>', 120, 'the numbers are found');
is(join("\n", @double), '', 'each is used in one place');
is(join("\n", grep { !/^\d{4}$/ } keys %used), '', '... and has four digits');
is(join("\n", @bare), '', 'no line and no hint is without one');

# ---- the page

my (%row, @twice, @odd, $last, @unordered);
my $page = text_of('docs/log-messages.md');
while ($page =~ /^\| WHK(\d{4}) \| (\w+) \| (.*?) \| (.*?) \|$/mg) {
    my ($number, $level, $text, $meaning) = ($1, $2, $3, $4);
    push @twice, $number if $row{$number};
    push @odd, "$number: $level" if $level !~ /^(?:crit|error|warn|notice|info)$/;
    push @odd, "$number says nothing" if length $meaning < 10;
    $row{$number} = $text;
}
is(join("\n", @twice), '', 'the page has each once');
is(join("\n", @odd), '', '... with a level, and what to do');
is(join(' ', grep { !$row{$_} } sort keys %used), '', 'each number of the sources has its row');
is(join(' ', grep { !exists $used{$_} } sort keys %row), '', '... and each row its line');
is(join("\n", map { "$_: $used{$_}" } grep { defined $row{$_} && index($row{$_} =~ s/&lt;/</gr, $used{$_} =~ s/\s+\z//r) < 0 } sort keys %used), '', '... of the same words');
my @said = $page =~ /As WHK(\d{4})/g;
is(join(' ', grep { !$row{$_} } @said), '', 'what is explained elsewhere is explained there');
done_testing;
