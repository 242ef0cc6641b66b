# SPDX-License-Identifier: Apache-2.0
# What sources, tests and pages cite can be opened by whoever reads them. Three forms are looked after:
#   a path         docs/api.md, src/fetch/fetch.h or fetch/fetch.h, t/order.t; a file's name alone, in a comment
#   a heading      docs/api.md, "Register" and "Names"; docs/whkctl.8, "EXIT STATUS"; t/order.t, "token, then admin"
#   a link         [text](api.md#register) of Markdown
# and an RFC is cited as: RFC 9421 section 2.3.
use strict;
use warnings;
use utf8;
use Test::More;
use File::Basename qw(basename dirname);
use File::Find;
use WHK::Server;

my $root = $WHK::Server::root;

# ---- what is there

my (@files, %is_file, %named);
find(
    {
        no_chdir => 1,
        wanted   => sub {
            my $file = substr $File::Find::name, length("$root/") - ($File::Find::name eq $root);
            if ($file =~ m{^(?:\.git|run|build(?:-[^/]*)?|t/logs|t/htdocs|t/interop/node_modules)$}) { $File::Find::prune = 1; return }
            return if !-f;
            $is_file{$file} = $named{ basename $file } = 1;
            push @files, $file if $file =~ m{\.(?:c|h|pm|t|sh|py|sql|md|8|conf|in)$|^(?:Makefile\.apxs|CHANGES|\.ci/.*|t/TEST)$};
        }
    },
    $root
);
@files = sort @files;
cmp_ok(scalar @files, '>', 100, 'the files are found');

my %text;

sub text_of {
    my $file = shift;
    return $text{$file} //= do {
        open my $in, '<:encoding(UTF-8)', "$root/$file" or die "$file: $!";
        local $/;
        scalar <$in>;
    };
}

# With what is code in a page taken out, and the lines left as they are.
sub prose_of {
    my $text = shift;
    $text =~ s{^(\s*```.*?^\s*```)}{$1 =~ tr/\n//cdr}gmse;
    return $text;
}

sub headings_of {
    my $file = shift;
    return $file =~ /\.md$/ ? prose_of(text_of($file)) =~ /^#+ +(.*?) *$/mg : text_of($file) =~ /^\.S[HS] +(.*?) *$/mg;
}

# The anchor that a page's host makes of a heading.
sub anchor_of { return lc(shift) =~ s/[^\w\s-]//gr =~ tr/ /-/r }

# ---- what is wrong, as file:line: what

my @wrong;

sub wrong {
    my ($file, $text, $at, $what) = @_;
    push @wrong, "$file:" . (1 + (substr($text, 0, $at) =~ tr/\n//)) . ": $what";
    return;
}

# A pattern of paths (src/httpd/*.c), or with a part that is the reader's (scheme_<name>.c): then its folder.
sub is_there {
    my $path = shift;
    $path =~ s{[^/]*<.*}{};
    return 1 if grep { -e "$root/$_" } $path, "src/$path", "$path.h", "$path.conf";
    return $path =~ /\*/ && grep { -e } glob "$root/$path";
}

# Made by a build or by the tests when they run.
my $made = qr{^(?:t/(?:logs|htdocs)\b|t/conf/registry\.conf$)};

sub check_paths {
    my ($file, $text) = @_;
    while ($text =~ m{(?<![\w/.\$*-])((?:src|conf|docs)/[\w./*<>-]*\w|t/[\w./*<>-]*\.(?:t|c|h|pm|py|sh|mjs|in)\b|(?:model|jose|otp|store|fetch|http_signature|scheme|registry|httpd|ctl)/[\w/]+\.[ch]\b)}g) {
        my ($path, $at) = ($1, $-[1]);
        # A test makes folders of its own.
        next if $path =~ $made || is_there($path) || $path =~ m{^conf/} && $file =~ m{^t/};
        wrong($file, $text, $at, "there is no $path");
    }
    return;
}

# Between two words of a comment there may be the end of a line and the beginning of the next one.
my $gap = qr{[ \t]*(?:\n[ \t]*(?:\*|\#|//)?[ \t]*)?};

sub has_heading {
    my ($cited, $name) = @_;
    return scalar grep { $_ eq $name } headings_of($cited) if $cited =~ /^docs/ || $cited =~ /\.md$/;
    return index(text_of($cited), $name) >= 0;
}

sub check_headings {
    my ($file, $text) = @_;
    while ($text =~ m{(?<![\w/.\$-])((?:docs/|t/)?[\w./-]+\.(?:md|8|t|c))`?,$gap((?:"[^"\s][^"]{0,100}"(?:,$gap|${gap}and$gap)?)+)}g) {
        my ($cited, $names, $at) = ($1, $2, $-[0]);
        next if !$is_file{$cited};
        for my $name ($names =~ /"([^"]+)"/g) {
            $name =~ s/\s*\n\s*(?:\*|#|\/\/)?\s*/ /g;
            wrong($file, $text, $at, "$cited has no \"$name\"") if !has_heading($cited, $name);
        }
    }
    return;
}

sub check_links {
    my ($file, $text) = @_;
    $text = prose_of($text);
    while ($text =~ m{\]\(([^)\s]+)\)}g) {
        my ($target, $at) = ($1, $-[1]);
        next if $target =~ /^[a-z]+:/;
        my ($path, $anchor) = split /#/, $target, 2;
        my $cited = $path eq '' ? $file : (dirname($file) . "/$path") =~ s{^\./}{}r =~ s{[^/]+/\.\./}{}r;
        if (!-e "$root/$cited") { wrong($file, $text, $at, "the link $target leads nowhere") }
        elsif (defined $anchor && !grep { anchor_of($_) eq $anchor } headings_of($cited)) { wrong($file, $text, $at, "$cited has no heading for #$anchor") }
    }
    return;
}

# Of comments alone: strings name what tests make.
sub comments_of {
    my ($file, $text) = @_;
    return prose_of($text) if $file =~ /\.(?:md|8)$/;
    my $comment = $file =~ /\.[ch]$/ ? qr{/\*.*?\*/|//[^\n]*}s : qr{^[ \t]*(?:\#|--)[^\n]*}m;
    my ($comments, $end) = ('', 0);
    while ($text =~ /($comment)/g) {
        $comments .= substr($text, $end, $-[1] - $end) =~ tr/\n//cdr . $1;
        $end = $+[1];
    }
    return $comments;
}

# Files of others, and such as are made up for an example.
my $others = qr{^(?:server/|(?:mod_)?x\.[ch]$|[A-Z]+\.[ch]$)};

sub check_names {
    my ($file, $text) = @_;
    my $comments = comments_of($file, $text);
    while ($comments =~ m{(?<![\w/.*<>\$-])((?:[\w-]+/)*[\w-]+\.(?:c|h|t|pm))(?![\w(]|[.-]\w)}g) {
        my ($name, $at) = ($1, $-[1]);
        next if $name =~ m{^(?:src|t|conf|docs)/} || $name =~ $others;
        my $there = $name =~ m{/} ? grep { m{(?:^|/)\Q$name\E$} } keys %is_file : $named{$name};
        wrong($file, $comments, $at, "no file is called $name") if !$there;
    }
    return;
}

# A number that is not among these is new here, or mistyped.
my %rfc = map { $_ => 1 } qw(
  791 919 1112 1122 1918 2544 2765 2928 3056 3339 3629 3701 3849 3879 3927 3986 4007 4193 4226 4291 4380 4632 4648 5214 5737 5771
  4180 5869 6052 6238 6598 6666 6750 6761 6890 7450 7468 7515 7517 7518 7519 7526 7534 7535 7541 7638 7748 7797 8032 8037 8190 8215 8259 8725
  8812 8941 9110 9111 9112 9113 9421 9470 9530 9562 9602 9637 9780 9864);

sub check_standards {
    my ($file, $text) = @_;
    my $elsewhere = 'contr' . 'act';
    wrong($file, $text, $-[0], 'what is cited here is not among these files') while $text =~ /\b$elsewhere\b/gi;
    while ($text =~ /\bRFC (\d+)/g) { wrong($file, $text, $-[0], "RFC $1 is not known to t/style/citations.t") if !$rfc{$1} }
    while ($text =~ /\bsections?$gap\d/g) {
        my $at = $-[0];
        wrong($file, $text, $at, 'a section of what?')
          if substr($text, $at > 120 ? $at - 120 : 0, $at > 120 ? 120 : $at) !~ /\b(?:RFC \d+|rfc\d+\#section-[\d.]+\)|SEC 1|SP 800-38D),?$gap(?:sections? [\d.]+(?:$gap(?:and|to),?$gap|,$gap))?$/;
    }
    return;
}

for my $file (@files) {
    my $text = text_of($file);
    check_paths($file, $text);
    check_headings($file, $text);
    check_links($file, $text) if $file =~ /\.md$/;
    check_names($file, $text);
    check_standards($file, $text);
}
is(join("\n", @wrong), '', 'what is cited is there');
done_testing;
