# SPDX-License-Identifier: Apache-2.0
# What pages show in a fence holds. By what stands behind the fence:
#   sh       is run, all of a page in order in one shell, against a registry; each curl must be answered 2xx
#   json     parses, a value or several
#   apache   is t/style/examples.t's
#   nothing or text, js, python, go, sql      drawings, and what the line above it speaks of
# A comment above the fence says where it is otherwise:
#   <!-- run: ... -->          t/signing_docs.t runs it
#   <!-- run by t/<name>.t -->      another test does
#   <!-- not run: why -->      nobody can here
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(strftime);
use WHK::Admins;
use WHK::Keys;
use WHK::Client;
use WHK::OTP;
use WHK::Server;

my $root = $WHK::Server::root;

sub text_of {
    my $file = shift;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

my %known = map { $_ => 1 } qw(sh json apache text sql js python go promql yaml ini);
my $mark  = qr/<!-- (run: [\w .-]+|run by t\/[\w\/]+\.t|not run: [^>]{10,}) -->\n/;
my (%to_run, @wrong);
for my $file ("$root/README.md", "$root/CONTRIBUTING.md", "$root/SECURITY.md", sort glob "$root/docs/{,directives/}*.md") {
    my $page = substr $file, length "$root/";
    my $text = text_of($file);
    while ($text =~ /(?:^$mark)?^```([^\n]*)\n(.*?)^```$/msg) {
        my ($said, $language, $block) = ($1 // '', $2, $3);
        my $place = "$page:" . (1 + (substr($text, 0, $-[2]) =~ tr/\n//));
        my ($test) = $said =~ /^run by (.*)/;
        push @wrong, "$place: there is no $test" if $test && !-e "$root/$test";
        push @wrong, "$place: what is $language?" if length $language && !$known{$language};
        push @wrong, "$place: a program that no test runs" if $language =~ /^(?:js|python|go|sql)$/ && !length $said;
        if ($language eq 'json' && !length $said && !eval { JSON::PP->new->utf8->incr_parse($block =~ s/\s+\z//r); 1 }) { push @wrong, "$place: no JSON: $@" }
        push @{ $to_run{$page} }, [ $place, $block ] if $language eq 'sh' && !length $said;
    }
}
is(join("\n", @wrong), '', 'each block is in a language that is known, and is run, or says why not');

my $server = WHK::Server->new;
my $client = WHK::Client->new($server->port);
my $dir    = tempdir('whk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $later  = strftime('%Y-%m-%dT00:00:00Z', gmtime time + 3 * 86_400);
my $number = 0;
symlink $server->conf, "$dir/apache2.conf" or die $!;

# The page's examples are of acme, and of folders of the system; each page has an enterprise of its own.
sub here {
    my ($block, $enterprise) = @_;
    my $url = 'http://127.0.0.1:' . $server->port;
    return $block =~ s{https://api\.example\.com/api/policy/v1}{$url . $server->prefix}ger =~ s{/enterprises/acme\b}{/enterprises/$enterprise}gr
      =~ s{/var/lib/webhook-keys/registry\.db}{$server->db}ger =~ s{/(?:backup|etc/apache2)/}{$dir/}gr =~ s{OTP: \d{6}}{OTP: \$(code)}gr =~ s{"20\d\d-\d\d-\d\dT[\d:]+Z"}{"$later"}gr;
}

# What is said of SQLite's file holds for that alone.
delete $to_run{'docs/operations.md'} if !$server->is_sqlite;
for my $page (sort keys %to_run) {
    my $enterprise = 'docs' . ++$number;
    my $a = WHK::Admins->new($server, $enterprise, 1)->codes_work_again;
    my %admin = %{ $a->{list}[0] };
    # The key that a rotation ends.
    is($a->register($client, { jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'my-key-v1')) })->status, 201, "$page: there is a key") if $page =~ /rotation/;
    mkdir "$dir/$enterprise" or die $!;
    my $script = "set -e\ncd $dir/$enterprise\nTOKEN=$admin{token}\nexport NO_PROXY='*' no_proxy='*'\n"
      . 'whkctl() { ' . join(' ', map { "'$_'" } @WHK::Server::whkctl) . " \"\$@\"; }\n" . "curl() { command curl -sS --fail-with-body \"\$@\"; }\ncode() { oathtool --totp -b $admin{secret}; }\n";
    for my $block (@{ $to_run{$page} }) {
        my ($place, $text) = @$block;
        $script .= "echo 'now $place' >&2\n" . here($text, $enterprise);
    }
    my ($status, $out, $err) = WHK::Server::run_command('bash', '-o', 'pipefail', '-c', $script);
    is($status, 0, "$page: what it says to type works") or diag $err, $out;
}
ok($to_run{$_}, "$_ is run") for qw(docs/api.md docs/rotation.md docs/moving-in.md);
done_testing;
