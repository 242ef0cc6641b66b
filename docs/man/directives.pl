# SPDX-License-Identifier: Apache-2.0
# perl docs/man/directives.pl > mod_webhook_keys.5: the manual page of the directives, made of docs/directives.md and
# docs/directives/*.md, so that what is said of each is written once. Perl is what apxs is written in, so whoever builds
# has it. It knows the Markdown that those pages use, and ends with an error where it meets something else.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use File::Basename qw(dirname);
use File::Spec;

my $root = File::Spec->rel2abs(dirname(__FILE__) . '/../..');

sub text_of {
    my $file = shift;
    open my $in, '<', "$root/$file" or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

# groff has names for these that every device knows; a terminal of plain ASCII has nothing for their code points.
my %named = ('…' => '...', '–' => '\(en', '—' => '\(em', '→' => '\(->', '×' => '\(mu', '“' => '\(lq', '”' => '\(rq');

sub escaped {
    my $text = shift;
    $text =~ s/\\/\\e/g;
    $text =~ s/-/\\-/g;
    $text =~ s/([^\x00-\x7e])/$named{$1} \/\/ sprintf '\[u%04X]', ord $1/ge;
    return $text;
}

# The inside of a line. What is code or a name is set apart first, so that no star in it is taken for emphasis.
sub inline {
    my $text = shift;
    my @kept;
    my $keep = sub { push @kept, shift; return "\x01" . $#kept . "\x02" };
    $text =~ s/\\\|/|/g;
    $text =~ s/`([^`]+)`/$keep->('\fB' . escaped($1) . '\fR')/ge;
    $text =~ s{\[([^\]]+)\]\((https?:[^)\s]+)\)}{$1 . $keep->(' <' . escaped($2) . '>')}ge;
    $text =~ s/\[([^\]]+)\]\([^)\s]+\)/$1/g;
    $text = escaped($text);
    $text =~ s/\*\*([^*]+)\*\*/\\fB$1\\fR/g;
    $text =~ s/(?<![\w*])\*([^*\s][^*]*)\*(?![\w*])/\\fI$1\\fR/g;
    1 while $text =~ s/\x01(\d+)\x02/$kept[$1]/g;
    return $text =~ s/^(?=[.'])/\\&/r;
}

sub cells { return map { s/^\s+|\s+$//gr } split /(?<!\\)\|/, shift =~ s/^\s*\|//r =~ s/\|\s*$//r }

# A row is its first cell, and what the others say of it.
sub table {
    my ($indent, $head, @rows) = @_;
    my @heads = cells($head);
    my $out = '';
    for my $row (@rows) {
        my ($first, @others) = cells($row);
        my @said = map { my $name = $heads[ $_ + 1 ] // ''; $name ne '' && @others > 1 ? "$name: $others[$_]" : $others[$_] } grep { $others[$_] ne '' } 0 .. $#others;
        $out .= ".TP$indent\n" . inline($first) . "\n" . join("\n.br\n", map { inline($_) } @said) . "\n";
    }
    return $out;
}

# Blocks of Markdown, one after another.
sub body {
    my ($page, $text) = @_;
    my $out = '';
    $text =~ s/^<!--.*?-->\n?//msg;
    while ($text =~ /\G\s*\S/gc) {
        pos $text = $-[0];
        $text =~ /\G\n*/gc;
        if ($text =~ /\G```\w*\n(.*?)^```$/msgc) {
            $out .= ".PP\n.RS 4\n.nf\n" . join('', map { escaped($_) =~ s/^(?=[.'])/\\&/r . "\n" } split /\n/, $1) . ".fi\n.RE\n";
        }
        elsif ($text =~ /\G(\|.*)\n\|[-| ]+\n((?:\|.*\n?)+)/gc) { $out .= table('', $1, split /\n/, $2) }
        elsif ($text =~ /\G(?:-|\d+\.) (.*\n?(?:  +\S.*\n?)*)/gc) { $out .= ".IP \\(bu 2\n" . inline(join ' ', split /\s*\n\s*/, $1) . "\n" }
        elsif ($text =~ /\G###+ (.*)\n/gc) { $out .= ".PP\n\\fB" . escaped($1) . "\\fR\n" }
        elsif ($text =~ /\G([^\s|#>].*\n?(?:[^\s|#>`-].*\n?|`[^`].*\n?)*)/gc) { $out .= ".PP\n" . inline(join ' ', split /\s*\n\s*/, $1) . "\n" }
        else { die "$page: nothing is known here of: " . substr($text, pos($text) // 0, 60) . "\n" }
    }
    return $out;
}

# What everybody knows of a module that is not httpd's own is left out.
sub directive {
    my ($page, $name, $text) = @_;
    $text =~ s/^\n*\| \| \|\n\|[-|]+\n((?:\|.*\n)+)// or die "$page: $name has no table\n";
    my $rows = join '', map { "$_\n" } grep { !/^\| (?:Status|Module) / } split /\n/, $1;
    return ".SS " . escaped($name) . "\n" . table(' 13', '| | |', split /\n/, $rows) . body($page, $text);
}

my $index = text_of('docs/directives.md');
my ($intro) = $index =~ /^# [^\n]*\n(.*?)(?=^## )/ms or die "docs/directives.md has no beginning\n";
my ($version) = text_of('src/model/version.h') =~ /WHK_VERSION "([^"]+)"/ or die "src/model/version.h has no version\n";
my ($date) = text_of('docs/whkctl.8') =~ /^\.TH \S+ \S+ (\S+)/m or die "docs/whkctl.8 has no date\n";
my %seen;
my @pages = grep { !$seen{$_}++ } $index =~ m{\((directives/[\w-]+\.md)#}g;

print <<"HEAD";
.\\" Made of docs/directives/*.md by docs/man/directives.pl.
.TH MOD_WEBHOOK_KEYS 5 $date "mod_webhook_keys $version" "File Formats"
.nh
.ad l
.SH NAME
mod_webhook_keys \\- directives of the Apache httpd module that keeps webhook signing keys
.SH DESCRIPTION
HEAD
print body('docs/directives.md', $intro);
for my $page (@pages) {
    my ($start, @sections) = split /^## (\S+)\n/m, text_of("docs/$page");
    my ($title, $text) = $start =~ /^# ([^\n]+)\n(.*)/s or die "$page has no title\n";
    # It leads to what stands above in this page.
    $text =~ s/ What Context means, and what httpd itself brings along: \[directives\.md\]\([^)]*\)\.//;
    print '.SH ' . escaped(uc $title) . "\n" . body($page, $text);
    while (my ($name, $section) = splice @sections, 0, 2) { print directive($page, $name, $section) }
}
print <<"TAIL";
.SH FILES
The pages that are named here, as operations.md, are in docs/ of the sources; a package has them in its documentation.
.SH SEE ALSO
.BR whkctl (8),
.BR apache2 (8)
TAIL
