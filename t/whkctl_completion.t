# SPDX-License-Identifier: Apache-2.0
# conf/completion/whkctl.bash offers what whkctl's own help tells of, whatever commands there are.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use WHK::Server;

my $file = "$WHK::Server::root/conf/completion/whkctl.bash";
my $here = tempdir('whk-completion-XXXXXX', TMPDIR => 1, CLEANUP => 1);
for my $name ('apache2.conf', 'a file') {
    open my $out, '>', "$here/$name" or die "$name: $!";
    close $out;
}

# What is offered for the last of the words, one line for each list of words.
sub offered {
    my @lines = @_;
    my ($status, $out, $err) = WHK::Server::run_command(
        'bash', '-c', <<'BASH', 'bash', $file, $here, "$WHK::Server::build/whkctl", @lines);
source "$1" && cd "$2" && ctl=$3 || exit 1
shift 3
for line in "$@"; do
    read -r -a COMP_WORDS <<< "$ctl $line"
    if [[ $line == *' ' || -z $line ]]; then COMP_WORDS+=(''); fi
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _whkctl 2>&1
    (IFS=,; printf '%s\n' "${COMPREPLY[*]}")
done
BASH
    is($status, 0, 'bash runs it') or diag $err;
    return split /\n/, $out, -1;
}

my ($help) = map { $_->[1] } [ WHK::Server::whkctl('--help') ];
my %commands;
for my $line ($help =~ /^Commands:\n(.*?)^$/ms ? split /\n/, $1 : ()) {
    my ($noun, $verb) = $line =~ /^  ([a-z]+)(?: ([a-z]+))?/ or die "no command: $line";
    push @{ $commands{$noun} }, $verb // ();
}
cmp_ok(scalar keys %commands, '>', 5, 'whkctl has commands');
my @nouns = sort keys %commands;
my @offered = offered('', map { "$_ " } @nouns);
is_deeply([ sort split /,/, shift @offered ], \@nouns, 'each noun is offered');
is_deeply([ sort grep { /^[a-z]+$/ } split /,/, $offered[$_] ], [ sort @{ $commands{ $nouns[$_] } } ], "... and each verb of $nouns[$_]") for 0 .. $#nouns;

my %expected = (
    'ke'                                           => 'key',
    'key re'                                       => 'revoke',
    'key revoke acme '                             => '',
    'token issue --ex'                             => '--expires',
    '-f apache2.conf key li'                       => 'list',
    '-f ap'                                        => 'apache2.conf',
    '-f a'                                         => 'a file,apache2.conf',
    'import ap'                                    => 'apache2.conf',
    'import x --dry'                               => '--dry-run',
    '--httpd ap'                                   => 'apache2.conf',
    '--server '                                    => '',
    'token issue alice@example.com --expires '     => '',
    'token issue alice@example.com --expires 1d -' => undef,
    'nonsense '                                    => '',
    '--vers'                                       => '--version',
);
my @asked = sort keys %expected;
@offered = offered(@asked);
for my $n (0 .. $#asked) {
    my $what = $expected{ $asked[$n] };
    is(join(',', sort split /,/, $offered[$n]), $what, "after \"$asked[$n]\"") if defined $what;
    like($offered[$n], qr/--label(?:,.*)?/, "after \"$asked[$n]\"") if !defined $what;
}
done_testing;
