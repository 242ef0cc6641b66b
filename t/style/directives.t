# SPDX-License-Identifier: Apache-2.0
# A directive is one row of src/httpd/config.c: with its scope, its default, its place in the merge, and its
# section in docs/directives.md, which says the same.
use strict;
use warnings;
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

my $code = text_of('src/httpd/config.c');
my $docs = text_of('docs/directives.md');

# ---- the rows

my ($table) = $code =~ /^static const row_t rows\[\] = \{\n(.*?)^\};/ms;
my %row;
while ($table =~ /\[(\w+)\]\s*=\s*\{\s*"(\w+)",\s*(\w+),\s*FIELD\(([\w.]+)\),\s*(\d+),\s*(\d+),\s*(?:"([^"]*)"|NULL)\s*\}/g) {
    $row{$1} = { id => $1, name => $2, reader => $3, field => $4, least => $5, most => $6, fallback => $7 };
}
my @rows = sort { $a->{name} cmp $b->{name} } values %row;
my $brackets = () = $table =~ /^\s*\[\w+\]/mg;
is(scalar @rows, $brackets, 'every row is understood');
cmp_ok(scalar @rows, '>=', 12, 'there are rows');
cmp_ok(scalar @rows, '<=', 64, 'each has a bit in `set`');

my %field;
$field{ $_->{field} }++ for @rows;
is(join(' ', grep { $field{$_} > 1 } sort keys %field), '', 'no two rows share a field');

# Whatever is configured has a row, and so is merged.
my ($struct) = text_of('src/httpd/config.h') =~ /typedef struct whk_config_t \{\n(.*?)^\} whk_config_t;/ms;
my ($policy) = text_of('src/registry/registry.h') =~ /typedef struct whk_policy_t \{\n(.*?)^\} whk_policy_t;/ms;
# What is found by the name of the provider, after all is read; and what mod_authz_core's directives say.
my %derived  = (set => 1, policy => 1, otp_provider => 1, requires => 1, joins => 1);
s{/\*.*?\*/}{}gs for $struct, $policy;
my @members = ((grep { !$derived{$_} } $struct =~ /(\w+);/g), map { "policy.$_" } $policy =~ /(\w+);/g);
is(join(' ', grep { !$field{$_} } @members), '', 'every member of the configuration has a row');
is(join(' ', grep { my $f = $_; !grep { $_ eq $f } @members } sort keys %field), '', 'every row has a member');
like($code, qr/for \(i = 0; i < ROW_COUNT; i\+\+\)\s*if \(over->set & \(\(apr_uint64_t\)1 << i\)\)\s*memcpy\(/, 'the merge goes by the rows');

# ---- the directives

my ($commands) = $code =~ /^const command_rec whk_directives\[\] = \{\n(.*?)^\s*\{NULL\}\};/ms;
my %command;
while ($commands =~ /AP_INIT_TAKE_ARGV\(\s*"(\w+)",\s*set_directive,\s*\(void \*\)&rows\[(\w+)\],\s*(\w+),\s*"([^"]*)"\s*\)/g) {
    $command{$1} = { row => $2, scope => $3, help => $4 };
}
my $entries = () = $commands =~ /AP_INIT_/g;
is(scalar keys %command, $entries, 'every directive is understood');
is(join(' ', sort keys %command), join(' ', map { $_->{name} } @rows), 'one directive for each row');
is($row{ $command{$_}{row} }{name}, $_, "$_ points at its own row") for sort keys %command;

my ($everywhere) = $code =~ /^#define EVERYWHERE (.*)$/m;
is($everywhere, '(RSRC_CONF | ACCESS_CONF)', 'EVERYWHERE is not .htaccess');
my ($global) = $code =~ /if \((row == &rows[^{;]*?)\)\s*wrong = ap_check_cmd_context\(cmd, GLOBAL_ONLY\)/;
my %global = map { $_ => 1 } $global =~ /rows\[(\w+)\]/g;

sub context {
    my $row = shift;
    return 'server config' if $global{ $row->{id} };
    return { EVERYWHERE => 'server config, virtual host, directory', RSRC_CONF => 'server config, virtual host' }
      ->{ $command{ $row->{name} }{scope} };
}

# ---- the defaults

my ($create) = $code =~ /^void \*whk_config_create\(.*?\n\{\n(.*?)^\}/ms;
my ($bits)   = text_of('src/jose/algorithm.h') =~ /#define WHK_ALGORITHMS_DEFAULT \((.*?)\)/;
my %constant = (
    'WHK_ALGORITHMS_DEFAULT' => join(' ', map { /WHK_ALG_(\w+)/ && $1 eq 'EDDSA' ? 'EdDSA' : $1 } split / \| /, $bits),
    1 => 'On', 0 => 'Off',
);
for my $row (@rows) {
    my ($value) = $create =~ /config->\Q$row->{field}\E = (.*?);/;
    if (!defined $row->{fallback}) {
        is($value, undef, "$row->{name}: none, and none is set");
    } elsif ($value =~ /rows\[(\w+)\]\.fallback/) {
        is($1, $row->{id}, "$row->{name}: its own default is set");
    } else {
        is($constant{$value}, $row->{fallback}, "$row->{name}: what is set is its default");
    }
    next if !defined $row->{fallback} || $row->{reader} ne 'read_number';
    ok($row->{fallback} >= $row->{least} && $row->{fallback} <= $row->{most}, "$row->{name}: the default is allowed");
}

# ---- the reference

my %section;
while ($docs =~ /^## (\w+)\n(.*?)(?=^## |\z)/msg) { $section{$1} = $2 }
my @sections = $docs =~ /^## (\w+)$/mg;
is(join(' ', @sections), join(' ', map { $_->{name} } @rows), 'a section for each directive, by name, and no other');

sub with_commas { my $text = reverse shift; $text =~ s/(\d{3})(?=\d)/$1,/g; return scalar reverse $text }

for my $row (@rows) {
    my $name = $row->{name};
    my $text = $section{$name} // '';
    my %entry = $text =~ /^\| (\w+) \| (.*) \|$/mg;
    like($entry{Description} // '', qr/^[A-Z].{10,}[^.]$/, "$name: Description");
    like($entry{Syntax} // '', qr/^`$name \S.*`$/, "$name: Syntax");
    is($entry{Context}, context($row), "$name: Context");
    if (defined $row->{fallback}) { is($entry{Default}, "`$name $row->{fallback}`", "$name: Default") }
    else                          { unlike($entry{Default} // "`$name", qr/`$name\b/, "$name: Default") }
    my $prose = $text;
    $prose =~ s/^\|.*\n//mg;
    like($prose, qr/\w{3}.*\./s, "$name: prose");
    if ($row->{reader} eq 'read_number') {
        my $range = 'From ' . with_commas($row->{least}) . ' to ' . with_commas($row->{most});
        like($prose, qr/^\Q$range\E\b/m, "$name: its range");
    }
}

# ---- nothing else is spoken of

my @strangers;
find(
    {
        no_chdir => 1,
        wanted   => sub {
            return if !-f || !-T _;
            my $file = substr $File::Find::name, length "$root/";
            my $text = text_of($file);
            my %seen;
            push @strangers, map { "$file: $_" } grep { !$command{$_} && !$seen{$_}++ } $text =~ /\b(WebhookKeys\w+)/g;
        }
    },
    map { "$root/$_" } qw(docs conf src README.md SECURITY.md mod_webhook_keys.c)
);
is(join("\n", @strangers), '', 'no directive is spoken of that is none');
done_testing;
