# SPDX-License-Identifier: Apache-2.0
# A directive is one row of src/httpd/directives.c: with its scope, its default, its place in the merge, and its
# entry on one page of docs/directives/, which says the same and is in the index, docs/directives.md.
use strict;
use warnings;
use Test::More;
use File::Find;
use File::Temp qw(tempdir);
use WHK::Server;

my $root = $WHK::Server::root;

sub text_of {
    my $file = shift;
    open my $in, '<:encoding(UTF-8)', "$root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}


# ---- the rows, as httpd has them from the module that was built

my $dir = tempdir('whk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
open my $conf, '>', "$dir/httpd.conf" or die "$dir/httpd.conf: $!";
print $conf map { "LoadModule $_->[0]_module $_->[1].so\n" } (-e "$WHK::Server::modules/mod_mpm_event.so" ? ['mpm_event', "$WHK::Server::modules/mod_mpm_event"] : ()),
  [webhook_keys => "$WHK::Server::build/mod_webhook_keys"], [list_directives => "$WHK::Server::build/mod_list_directives"];
close $conf;
my ($status, $listed, $error) = WHK::Server::run_command($WHK::Server::httpd, '-t', '-f', "$dir/httpd.conf");
is($status, 0, 'httpd takes the module with its defaults, and lists its directives') or diag $error;

my (%row, @others);
for (split /\n/, $listed) {
    my %r;
    @r{qw(name help context type type_size member offset size min max default value merged)} = split /\t/;
    if (defined $r{type}) { $row{ $r{name} } = \%r }
    else                  { push @others, $r{name} }
    like($r{help}, qr/^\S.*[^.]$/, "$r{name}: help");
}
my @rows = map { $row{$_} } sort keys %row;
cmp_ok(scalar @rows, '>=', 12, 'there are rows');
is(join(' ', grep { !/^WebhookKeys/ } map { $_->{name} } @rows), '', 'the rows are our own directives');
is(join(' ', grep { /^WebhookKeys/ } @others), '', '... and no other is ours');

# Whatever is configured has a row, and so is merged.
my ($struct) = text_of('src/httpd/config.h') =~ /typedef struct whk_config_t \{\n(.*?)^\} whk_config_t;/ms;
my ($policy) = text_of('src/registry/registry.h') =~ /typedef struct whk_policy_t \{\n(.*?)^\} whk_policy_t;/ms;
# What mod_authz_core's directives say.
my %other = (set => 1, policy => 1, requires => 1, auth_merging_or => 1);
s{/\*.*?\*/}{}gs for $struct, $policy;
my @members = ((grep { !$other{$_} } $struct =~ /(\w+)(?:\[\w+\])?;/g), map { "policy.$_" } $policy =~ /(\w+);/g);
my %member;
$member{ $_->{member} }++ for @rows;
is(join(' ', grep { !$member{$_} } @members), '', 'every member of the configuration has a row');
is(join(' ', grep { $member{$_} > 1 } sort keys %member), '', 'no two rows share a member');
is(join(' ', map { $_->{name} } grep { $_->{size} != $_->{type_size} } @rows), '', 'every value fits its member');
is(join(' ', map { $_->{name} } grep { !$_->{merged} } @rows), '', 'every value is merged where it is set, and nothing else then');

# ---- the defaults, as a server has them that sets nothing

for my $row (@rows) {
    my ($name, $default) = @{$row}{qw(name default)};
    my $type = $row->{type};
    if    ($default eq '-')                { is($row->{value}, 0, "$name: none is set") }
    elsif ($type =~ /^(?:number|bytes)$/) { is($row->{value}, $default, "$name: its default is set") }
    elsif ($type eq 'time')                { is($row->{value}, $default * 1_000_000, "$name: its default is set, in seconds") }
    elsif ($type eq 'flag')                { is($row->{value}, $default eq 'On' ? 1 : 0, "$name: its default is set") }
    else                                   { isnt($row->{value}, 0, "$name: a default is set") }
}

# ---- the reference

my (%section, @sections, @places);
for my $page (map { substr $_, length "$root/docs/" } sort glob "$root/docs/directives/*.md") {
    my $text = text_of("docs/$page");
    my @here;
    while ($text =~ /^## (\w+)\n(.*?)(?=^## |\z)/msg) { $section{$1} = $2; push @here, $1 }
    is(join(' ', @here), join(' ', sort @here), "$page: its directives by name");
    push @sections, @here;
    push @places, map { "$_ $page" } @here;
}
is(join(' ', sort @sections), join(' ', map { $_->{name} } @rows), 'an entry on one page of docs/directives/ for each directive, and no other');

# The index has each once, where it is and with what it says there.
my @indexed = text_of('docs/directives.md') =~ /^\| \[(WebhookKeys\w+\]\(.*)\) \| (?:.*) \|$/mg;
is(join("\n", sort @indexed), join("\n", sort map { my ($name, $page) = split; "$name]($page#" . lc $name } @places), 'docs/directives.md leads to each of them');
my %told = text_of('docs/directives.md') =~ /^\| \[(WebhookKeys\w+)\]\(.*?\) \| (.*) \|$/mg;

# What a value of a type is called in Syntax: several words where it takes several.
my %argument = (number => qr/NUMBER|SECONDS/, bytes => qr/BYTES/, time => qr/TIME/, flag => qr/On\\\|Off/, path => qr/PATH/, expression => qr/EXPRESSION/);
my @parts = qw(Description Syntax Default Context Status Module);

sub with_commas { my $text = reverse shift; $text =~ s/(\d{3})(?=\d)/$1,/g; return scalar reverse $text }

# "1 day", of milliseconds.
sub in_words {
    my $time = shift;
    return 0 if !$time;
    my ($unit, $length) = @{ (grep { $time % $_->[1] == 0 } [day => 86_400_000], [hour => 3_600_000], [second => 1000], [millisecond => 1])[0] };
    my $count = $time / $length;
    return "$count $unit" . ($count == 1 ? '' : 's');
}

for my $row (@rows) {
    my $name = $row->{name};
    my $text = $section{$name} // '';
    my @entry = $text =~ /\A\n\| \| \|\n\|---\|---\|\n((?:\|.*\n)+)/ ? $1 =~ /^\| (\w+) \| (.*) \|$/mg : ();
    my %entry = @entry;
    is(join(' ', @entry[ grep { $_ % 2 == 0 } 0 .. $#entry ]), "@parts", "$name: the form of httpd's manual");
    is($told{$name}, $entry{Description}, "$name: the index says the same");
    is($entry{Status}, 'External', "$name: Status");
    is($entry{Module}, 'mod_webhook_keys', "$name: Module");
    my $argument = $argument{ $row->{type} };
    like($entry{Syntax}, qr/^`$name (?:$argument)`$/, "$name: Syntax is that of its type") if $argument;
    like($text, qr/^```apache\n[^`]*\b$name [^`]*^```$/m, "$name: an example that has it");
    like($text, qr/\n\nSee also: \[.*\)\.\n*\z/, "$name: See also");
    is($entry{Description}, ucfirst $row->{help}, "$name: Description is what httpd -L says");
    like($entry{Syntax} // '', qr/^`$name \S.*`$/, "$name: Syntax");
    is($entry{Context}, $row->{context}, "$name: Context");
    if ($row->{default} eq '-') { unlike($entry{Default} // "`$name", qr/`$name\b/, "$name: Default") }
    else                        { is($entry{Default}, "`$name $row->{default}`", "$name: Default") }
    my $prose = $text;
    $prose =~ s/^\|.*\n//mg;
    like($prose, qr/\w{3}.*\./s, "$name: prose");
    my %words = (number => \&with_commas, bytes => \&with_commas, time => \&in_words);
    my $words = $words{ $row->{type} };
    next if !$words;
    cmp_ok($row->{min}, '<', $row->{max}, "$name: it has a range");
    my $range = 'From ' . $words->($row->{min}) . ' to ' . $words->($row->{max});
    like($prose, qr/^\Q$range\E\b/m, "$name: its range");
}

# ---- nothing else is spoken of

# Alerts are named as directives are.
my %alert = map { $_ => 1 } text_of("conf/monitoring/rules.yml") =~ /alert: (\w+)/g;
my @strangers;
find(
    {
        no_chdir => 1,
        wanted   => sub {
            return if !-f || !-T _;
            my $file = substr $File::Find::name, length "$root/";
            my $text = text_of($file);
            my %seen;
            push @strangers, map { "$file: $_" } grep { !$row{$_} && !$alert{$_} && !$seen{$_}++ } $text =~ /\b(WebhookKeys\w+)/g;
        }
    },
    map { "$root/$_" } qw(docs conf src README.md SECURITY.md mod_webhook_keys.c)
);
is(join("\n", @strangers), '', 'no directive is spoken of that is none');
done_testing;
