# SPDX-License-Identifier: Apache-2.0
# The house has floors, and arrows between them point down: docs/architecture.md.
use strict;
use warnings;
use Test::More;
use File::Find;
use WHK::Server;

my $root = $WHK::Server::root;
my %floor = (model => 0, metrics => 0.5, jose => 1, otp => 1, store => 1, fetch => 1, http_signature => 2, scheme => 3, registry => 4, httpd => 5, ctl => 5);
my $httpd_headers = WHK::Server::apxs('INCLUDEDIR');

# What a file of ours includes: [ line, '"' or '<', name ].
sub includes {
    my $file = shift;
    open my $in, '<', "$root/$file" or die "$file: $!";
    my @found;
    while (my $text = <$in>) { push @found, [ $., $1, $2 ] if $text =~ /^\s*#\s*include\s*(["<])([^">]+)[">]/ }
    return @found;
}

my @files;
find({ wanted => sub { push @files, substr $File::Find::name, length "$root/" if /\.[ch]$/ }, no_chdir => 1 }, "$root/src");
@files = sort @files;
cmp_ok(scalar @files, '>', 60, 'the sources are found');
cmp_ok(scalar(map { includes($_) } @files), '>', 200, 'and what they include');

my (@unknown, @upward, @vague, @httpd, @foreign);
for my $file (@files) {
    my ($own) = $file =~ m{^src/([^/]+)/(?:[a-z_]+/)?[^/]+$};
    push @unknown, $file if !defined $own || !exists $floor{$own};
    for (includes($file)) {
        my ($line, $kind, $name) = @{$_};
        my $place = "$file:$line: $name";
        if ($kind eq '"') {
            my ($other) = $name =~ m{^([a-z_]+)/(?:[a-z_]+/)?[^/]+\.h$};
            if (!defined $other || !exists $floor{$other} || !-e "$root/src/$name") { push @vague, $place; next }
            push @upward, $place if $other ne $own && $floor{$other} >= $floor{$own};
            next;
        }
        push @httpd, $place if $own ne 'httpd' && $name !~ /^ap[ru]_/ && -e "$httpd_headers/$name";
        push @foreign, $place if $name =~ m{^curl/} && $own ne 'fetch' || $name =~ m{^(?:sqlite3|libpq-fe|mysql)} || $name =~ m{^openssl/} && $own eq 'store';
    }
}
ok(-e "$httpd_headers/httpd.h", 'httpd\'s headers are known');
is(join("\n", @unknown), '', 'every source stands on a floor');
is(join("\n", @vague),   '', 'every include names its floor');
is(join("\n", @upward),  '', 'none points up or across');
is(join("\n", @httpd),   '', 'httpd\'s headers are for src/httpd alone');
is(join("\n", @foreign), '', 'curl is for src/fetch alone, databases are reached by APR alone');

# Files of one folder that include each other, be it by way of others: what a .c file includes, its header does.
my %needs;
for my $file (@files) {
    my $unit = $file =~ s/\.[ch]$//r;
    for (includes($file)) {
        my ($line, $kind, $name) = @{$_};
        my $other = 'src/' . $name =~ s/\.h$//r;
        $needs{$unit}{$other} = 1 if $kind eq '"' && $other ne $unit;
    }
}
my (%state, @circles);
sub walk {
    my ($unit, @way) = @_;
    if (($state{$unit} // '') eq 'open') {
        shift @way while $way[0] ne $unit;
        push @circles, join ' -> ', map { s{^src/}{}r } @way, $unit;
        return;
    }
    return if $state{$unit};
    $state{$unit} = 'open';
    walk($_, @way, $unit) for sort keys %{ $needs{$unit} // {} };
    $state{$unit} = 'done';
}
walk($_) for sort keys %needs;
is(join("\n", @circles), '', 'no file needs another that needs it');

# The API and the webhooks share what stands beside their folders, which knows neither.
my @apart = map {
    my ($file, $own) = ($_, m{^src/httpd/(?:(api|webhook)/)?}) ;
    map { "$file:$_->[0]: $_->[2]" } grep { $_->[2] =~ m{^httpd/(api|webhook)/} && $1 ne ($own // '') } includes($file);
} grep { m{^src/httpd/} } @files;
is(join("\n", @apart), '', 'what the API and the webhooks share knows neither, nor does one know the other');

my @module = map { $_->[2] } grep { $_->[1] eq '"' } includes('mod_webhook_keys.c');
is(join(' ', grep { !m{^httpd/} } @module), '', 'the module record knows src/httpd alone');

# Who may make a caller, and who may complete one: src/model/caller.h.
my %allowed = (
    whk_caller_authorized => [qw(src/registry/authorize.c)],
    whk_caller_complete   => [qw(src/httpd/api/otp_hook.c)],
    whk_caller_schedule   => [qw(src/registry/due_revocations.c)],
    whk_caller_operator   => [qw(src/ctl/cmd_audit.c src/ctl/cmd_key.c)],
    whk_caller_import     => [qw(src/ctl/import_record.c)],
);
for my $function (sort keys %allowed) {
    my @callers;
    for my $file (@files, 'mod_webhook_keys.c') {
        next if $file =~ m{^src/model/caller\.[ch]$};
        open my $in, '<', "$root/$file" or die "$file: $!";
        local $/;
        push @callers, $file if <$in> =~ /\b$function\b/;
    }
    is_deeply(\@callers, $allowed{$function}, "$function is for its own alone");
}
done_testing;
