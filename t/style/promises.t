# SPDX-License-Identifier: Apache-2.0
# The promises of docs/architecture.md each name a test that is there; those that are about the sources themselves are
# held here; and what others rely on (docs/operations.md, "Versions") is written down.
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

my $page = 'docs/architecture.md';
my ($section) = text_of($page) =~ /^## Promises\n(.*?)(?=^## |\z)/ms;
my @promises = ($section // '') =~ /^(\d+\. .*)$/mg;
cmp_ok(scalar @promises, '>=', 20, 'there are promises');
is(join(' ', map { /^(\d+)/ } @promises), join(' ', 1 .. @promises), 'numbered one after another');
for my $promise (@promises) {
    my ($number, $what) = $promise =~ /^(\d+)\. \*\*(.*?)\*\*/ or next;
    my @tests = $promise =~ /`(t\/[\w.\/]+\.(?:t|c))`/g;
    my @gone  = grep { !-e "$root/$_" } @tests;
    ok(@tests && !@gone, "$number, $what") or diag "$page: promise $number names ", @tests ? "@gone, which is not there" : 'no test';
}
# Names of tests are looked up by t/style/citations.t.
is(scalar(grep { /^\d+\. \*\*\w/ } @promises), scalar @promises, 'each begins with what is promised');

# ---- of the sources

my %source;
find({ no_chdir => 1, wanted => sub { my $f = substr $File::Find::name, length "$root/"; $source{$f} = text_of($f) if /\.[ch]$/ } }, "$root/src");
s{/\*.*?\*/}{$& =~ tr/\n//cdr}gse for values %source;

# Where httpd's part has that, as file:line.
sub places {
    my ($pattern) = @_;
    my @found;
    for my $file (sort grep { m{^src/httpd/} } keys %source) {
        my $text = $source{$file};
        push @found, "$file:" . (1 + (substr($text, 0, $-[0]) =~ tr/\n//)) while $text =~ /$pattern/g;
    }
    return @found;
}

# What is no answer of the API or to a webhook: the metrics, and the part of mod_status' page.
my @written = grep { !m{^src/httpd/(?:metrics_handler|status_page)\.c:} } places(qr/\bap_(?:r(?:puts|write|printf|vputs|putc)|send_\w+)\(/);
is(scalar @written, 1, 'one place answers') or diag join "\n", @written;
my @made = places(qr/\bjson_pack\([^;]*"requestId"/);
is(scalar @made, 1, '... and one makes the JSON of an error') or diag join "\n", @made;
my @logged = places(qr/\bap_log_rerror\([^;]*(?:->operator_hint|whk_outcome_reason)/);
is(join(' ', map { s/:\d+$//r } @logged), 'src/httpd/request_stop.c src/httpd/rollout.c', 'one place logs why') or diag join "\n", @logged;

# ---- of what others rely on

my %page = map { $_ => text_of("docs/$_") } qw(api.md errors.md operations.md notifications.md);
$page{'directives/*.md'} = join '', map { text_of(substr $_, length "$root/") } glob "$root/docs/directives/*.md";
my $outcomes = $source{'src/model/outcome.c'} // '';
my @codes = map { [ split /\W+/ ] } $outcomes =~ /\[WHK_[A-Z_0-9]+\]\s*=\s*\{\s*"(\w+",\s*\d+)/g;
cmp_ok(scalar @codes, '>', 30, 'the codes are found');
my @events = map { "`$_`" } $source{'src/model/event.c'} =~ /\[WHK_EVENT_\w+\]\s*=\s*"([\w.]+)"/g;
my @notified = map { "`$_`" } $source{'src/registry/notification_name.c'} =~ /\[WHK_EVENT_\w+\]\s*=\s*"([\w-]+)"/g;
cmp_ok(scalar @notified, '>', 5, '... and those that somebody is told of');
cmp_ok(scalar @events, '>', 5, '... and the events');
my %seen;
my @told = map { "`$_`" } grep { !$seen{$_}++ } map { /"(WEBHOOK_(?!KEYS_)[A-Z_]+|Webhook-[A-Z][\w-]+)"/g } values %source;
cmp_ok(scalar @told, '>', 7, '... and what a backend is told');
my @unwritten = (
    (map { "api.md: $_" } grep { index($page{'api.md'}, $_) < 0 } @events),
    (map { "notifications.md: $_" } grep { index($page{'notifications.md'}, $_) < 0 } @notified),
    (map { my $p = $_; map { "$p: $_" } grep { index($page{$p}, $_) < 0 } @told } qw(directives/*.md operations.md)),
);
is(join("\n", @unwritten), '', 'what others rely on is written down');

# Each code has one row, with its status, cause, mend and who mends it; and no row is of another.
my (@rows, @empty);
while ($page{'errors.md'} =~ /^\| (\d+) \| `(\w+)` \| (.*) \| (.*) \| (.*) \|$/mg) {
    push @rows, "$2 $1";
    push @empty, $2 if length $3 < 10 || length $4 < 10 || $5 !~ /^(?:client|sender|customer|operator)(?:; (?:client|operator))?$/;
}
is(join("\n", sort @rows), join("\n", sort map { "@$_" } @codes), 'docs/errors.md has the codes of src/model/outcome.c, each with its status, and no others');
is(join(' ', @empty), '', '... and of each its cause, its mend, and who mends it');
done_testing;
