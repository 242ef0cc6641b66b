# SPDX-License-Identifier: Apache-2.0
# whkctl apply: enterprises, admins and tokens from a file, for configuration management (docs/moving-in.md).
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Server;

my $server = WHK::Server->new;
my $client = WHK::Client->new($server->port);
my $json   = JSON::PP->new->utf8->canonical;
my $file   = $server->dir . '/apply.json';

sub apply {
    my ($text, @options) = @_;
    open my $out, '>:raw', $file or die $!;
    print $out ref $text ? $json->encode($text) : $text;
    close $out;
    my ($status, $told, $err) = $server->ctl('apply', $file, '--json', @options);
    return ($status, eval { $json->decode($told) } // {}, $err);
}

sub changes {
    my ($name, $text, $changes, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $told, $err) = apply($text, @options);
    is($status, 0, $name) or diag $err;
    is_deeply($told->{changes}, $changes, '... what it changes') or diag explain $told;
    return;
}
sub admins { return join ' ', map { $_->{user} } @{ $server->ctl_json(qw(admin list), shift)->{admins} } }
sub get { my ($token, $enterprise) = @_; return $client->request(GET => $server->keys($enterprise), { Authorization => "Bearer $token" }) }

my @tokens = map { "whk_token-number-$_" } 1 .. 3;
my %alice  = (user => 'alice@example.com', sha256 => sha256_hex($tokens[0]), label => 'ci', expires => '2100-01-01T00:00:00Z');
my %bob    = (user => 'bob@example.com', sha256 => sha256_hex($tokens[1]));
my $wanted = {
    enterprises => [ { id => 'acme', name => "Acme \x{fc}ber", admins => [ 'alice@example.com', 'bob@example.com' ] }, { id => 'beta', admins => ['bob@example.com'] }, { id => 'gamma' } ],
    tokens      => [ \%alice, \%bob ]
};
my @all = (
    '+ enterprise acme', '+ admin alice@example.com of acme', '+ admin bob@example.com of acme', '+ enterprise beta', '+ admin bob@example.com of beta', '+ enterprise gamma',
    map { "+ token of $_->{user}, of SHA-256 " . substr($_->{sha256}, 0, 8) . '...' } \%alice, \%bob
);

changes('tried alone', $wanted, \@all, '--dry-run');
is(scalar @{ $server->ctl_json(qw(enterprise list))->{enterprises} }, 0, '... and nothing is there');
changes('made', $wanted, \@all);
changes('again', $wanted, []);
is(get($tokens[0], 'acme')->status, 200, 'the token is good');
is(get($tokens[1], 'beta')->status, 200, 'so is the other');
refused(get($tokens[0], 'beta'), 403, 'not_enterprise_admin', 'of those alone who are named');
my ($list) = grep { $_->{id} eq 'acme' } @{ $server->ctl_json(qw(enterprise list))->{enterprises} };
is($list->{name}, "Acme \x{fc}ber", 'its name');

subtest 'what changes' => sub {
    $wanted->{enterprises}[0]{name} = 'Acme';
    changes('a name', $wanted, ['~ enterprise acme is called Acme']);
    $wanted->{enterprises}[0]{admins} = ['alice@example.com'];
    changes('an admin who is not in the list stays', $wanted, []);
    is(admins('acme'), 'alice@example.com bob@example.com', '... there');
    changes('... and goes', $wanted, ['- admin bob@example.com of acme'], '--prune', '--dry-run');
    changes('... and goes', $wanted, ['- admin bob@example.com of acme'], '--prune');
    is(admins('acme'), 'alice@example.com', '... he is gone');
    $server->ctl_ok(qw(admin add gamma carol@example.com));
    changes('where no list is, nobody is looked for', $wanted, [], '--prune');
    $bob{sha256} = sha256_hex($tokens[2]);
    my ($id) = map { $_->{id} } @{ $server->ctl_json(qw(token list bob@example.com))->{tokens} };
    changes('another token', $wanted, [ "+ token of bob\@example.com, of SHA-256 " . substr($bob{sha256}, 0, 8) . '...' ]);
    changes('... and the old one goes', $wanted, ["- token $id of bob\@example.com"], '--prune');
    refused(get($tokens[1], 'beta'), 401, 'invalid_token', '... it is good no more');
    is(get($tokens[2], 'beta')->status, 200, '... the new one is');
    my ($status, $out) = WHK::Server::run_command('sh', '-c', join ' ', 'cat', $file, '|', map { "'$_'" } @WHK::Server::whkctl, '-f', $server->conf, 'apply', '-');
    is("$status$out", "0Nothing to change.\n", 'from standard input, for a person');
};

subtest 'what cannot be' => sub {
    my $refuses = sub {
        my ($name, $text, $like) = @_;
        my ($status, $told, $err) = apply($text);
        is($status, 1, $name);
        like($err, $like, '... and why');
        return;
    };
    my $with = sub { my ($what, %change) = @_; return { $what => [ { ($what eq 'tokens' ? (user => 'x', sha256 => '0' x 64) : (id => 'new')), %change } ] } };
    $refuses->('no JSON', '{', qr/must be a JSON object: line 1/);
    $refuses->('an array', '[]', qr/must be an object/);
    $refuses->('twice the same member', '{"tokens":[],"tokens":[]}', qr/line 1/);
    $refuses->('another member', { users => [] }, qr/"users": it may have enterprises tokens/);
    $refuses->('part of a name', { token => [] }, qr/"token": it may have/);
    $refuses->('no array', { tokens => {} }, qr/tokens must be an array/);
    $refuses->('a text', { enterprises => ['x'] }, qr/enterprises\[0\] must be an object/);
    $refuses->('no id', { enterprises => [ {} ] }, qr/enterprises\[0\]\.id must be a string/);
    $refuses->('a slash', $with->('enterprises', id => 'a/b'), qr/enterprises\[0\]\.id must/);
    $refuses->('a name of nothing', $with->('enterprises', name => ''), qr/enterprises\[0\]\.name must/);
    $refuses->('admins that are a text', $with->('enterprises', admins => 'x'), qr/admins must be an array/);
    $refuses->('an admin who is a number', $with->('enterprises', admins => [1]), qr/admins\[0\] must be a string/);
    $refuses->('a name of ours', $with->('enterprises', admins => ['operator:root']), qr/admins\[0\] must/);
    $refuses->('no user', { tokens => [ { sha256 => '0' x 64 } ] }, qr/tokens\[0\]\.user must/);
    $refuses->('the token itself', $with->('tokens', sha256 => $tokens[0]), qr/tokens\[0\]\.sha256 must be the SHA-256/);
    $refuses->('upper case', $with->('tokens', sha256 => 'A' x 64), qr/lower-case/);
    $refuses->('no time', $with->('tokens', expires => 'tomorrow'), qr/tokens\[0\]\.expires must be a date/);
    $refuses->('an enterprise twice', { enterprises => [ { id => 'new', admins => ['x'] }, { id => 'new', admins => ['y'] } ] }, qr/enterprises\[1\] has the id of an entry before it/);
    $refuses->('a token twice', { tokens => [ map { { user => $_, sha256 => 'a' x 64 } } qw(x y) ] }, qr/tokens\[1\] has the sha256 of an entry before it/);
    $refuses->('members that are two', { 'enterprises tokens' => [] }, qr/it may have/);
    $refuses->('what a terminal obeys', { "\x{1b}]0;x\x{07}" => [] }, qr/member "\\u\{1B\}\]0;x\\u\{07\}"/);
    $refuses->("another's token", { tokens => [ { %alice, user => 'eve' } ] }, qr/another user's here/);
    $refuses->('another end', { tokens => [ { %alice, expires => '2101-01-01T00:00:00Z' } ] }, qr/never changes/);
    $refuses->('one that is revoked', { tokens => [ { user => 'bob@example.com', sha256 => sha256_hex($tokens[1]) } ] }, qr/revoked here, for ever/);
    $refuses->('the last of many', { enterprises => [ { id => 'new' }, { id => '' } ] }, qr/enterprises\[1\]/);
    is(scalar(grep { $_->{id} eq 'new' } @{ $server->ctl_json(qw(enterprise list))->{enterprises} }), 0, 'nothing was made');
    $server->sql("UPDATE whk_admin SET seal = 'v1.x.y' WHERE enterprise_id = 'acme'");
    $refuses->('a row that somebody else wrote', $wanted, qr/not to be trusted/);
};
done_testing;
