# SPDX-License-Identifier: Apache-2.0
# whkctl as an operator meets it: docs/whkctl.8. What it makes of a configuration is in t/whkctl_configuration.t.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use POSIX qw(strftime);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::OTP;
use WHK::Parallel;
use WHK::Server;

my $server = WHK::Server->new;
my $client = WHK::Client->new($server->port);
my $user   = getpwuid $<;
my $uuid   = qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
my $date   = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
my @keys   = WHK::Keys::many(300);
my $json   = JSON::PP->new->utf8;

sub whkctl { return WHK::Server::whkctl(@_) }

# The command is done, refused or misused, with a message that says this; a message is on standard error alone.
sub done {
    my ($what, $like, @arguments) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $out, $err) = $server->ctl(@arguments);
    is($status, 0, $what) or diag $err;
    like($out, $like, "$what: answer");
    return $out;
}

sub not_done {
    my ($expected, $what, $like, @arguments) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $out, $err) = $server->ctl(@arguments);
    is($status, $expected, $what);
    is($out, '', "$what: nothing on standard output");
    like($err, qr/^whkctl: [^\n]*$like/s, "$what: says why");
    return;
}

sub refused { not_done(1, @_); return }
sub misused { not_done(2, @_); return }

# --json answers one value on one line, with exactly these members.
sub json_of {
    my ($members, @arguments) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $out, $err) = $server->ctl(@arguments, '--json');
    is($status, 0, "@arguments --json") or diag $err;
    is($out =~ tr/\n//, 1, 'on one line');
    my $value = eval { $json->decode($out) };
    members($value, $members);
    return $value;
}

sub members {
    my ($value, $members) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(join(' ', sort keys %{ $value // {} }), join(' ', sort split / /, $members), "members: $members");
    return;
}

my @commands = (
    [ 'init', 0 ], [ 'migrate', 0 ], [ 'check', 0 ], [ 'enterprise add', 1 ], [ 'enterprise list', 0 ], [ 'admin add', 2 ],
    [ 'admin remove', 2 ], [ 'admin list', 1 ], [ 'token issue', 1 ], [ 'token list', 0, 1 ], [ 'token revoke', 1 ], [ 'otp enroll', 1 ],
    [ 'otp unlock', 1 ], [ 'otp remove', 1 ], [ 'key list', 1 ], [ 'key revoke', 2 ], [ 'audit list', 1 ], [ 'audit verify', 0, 1 ], [ 'secret rotate', 0 ]
);

subtest 'the command line' => sub {
    for (@commands) {
        my ($command, $least, $optional) = @{$_};
        my @words = split / /, $command;
        my ($status, $out, $err) = whkctl(@words, '--help');
        is($status . $err, '0', "$command --help");
        like($out, qr/\AUsage: whkctl -f HTTPD_CONF \Q$command\E\b.*^Purpose: \w.*^Options:\n.*--json/ms, 'helps');
        ($status, $out) = whkctl('--help', @words);
        is($status, 0, 'also in front');
        misused("$command lacks a name",  qr/missing.*\nTry: whkctl \Q$command\E --help/, @words, ('a') x ($least - 1)) if $least;
        misused("$command has too many", qr/one too many/, @words, ('a') x ($least + ($optional // 0) + 1));
        misused("$command with an option of none", qr/--nonsense/, @words, '--nonsense', ('a') x $least);
        ($status, $out, $err) = whkctl(@words, ('a') x $least);
        is($status, 2, "$command without -f");
        like($err, qr/-f HTTPD_CONF/, 'says what is missing');
    }
    for my $noun (qw(enterprise admin token otp key audit secret)) {
        is((whkctl($noun, '--help'))[0], 0, "$noun --help");
        misused("$noun alone", qr/$noun/, $noun);
        misused("$noun with a verb of none", qr/\w/, $noun, 'frobnicate');
    }
    my ($status, $out, $err) = whkctl('--help');
    is($status, 0, '--help');
    like($out, qr/^  \Q$_->[0]\E\b/m, "names $_->[0]") for @commands;
    is((whkctl('-h'))[1], $out, '-h is the same');
    like((whkctl('--version'))[1], qr/^whkctl \d+\.\d+\.\d+\n\z/, '--version');
    is((whkctl())[0], 2, 'nothing at all');
    misused('an unknown command', qr/frobnicate/, 'frobnicate');
    misused('an option of another command', qr/does not take --label/, 'enterprise', 'list', '--label', 'x');
    misused('an option without its value', qr/--name needs a value/, 'enterprise', 'add', 'x', '--name');
    misused('a flag with a value', qr/\w/, 'enterprise', 'list', '--json=1');

    is((whkctl('enterprise', 'list', '--json', '-f', $server->conf))[0], 0, 'options at the end');
    is((whkctl('enterprise', '--json', '-f', $server->conf, 'list'))[1], "{\"enterprises\":[]}\n", 'options in the middle');
    is((whkctl('--json', 'enterprise', 'list', '-f' . $server->conf))[1], "{\"enterprises\":[]}\n", 'options in front');
    for my $conf ($server->dir . '/none.conf', $server->dir) {
        ($status, $out, $err) = whkctl('-f', $conf, 'enterprise', 'list');
        is($status, 1, 'a configuration that cannot be read');
        like($err, qr/^whkctl: \Q$conf\E/, 'says which');
    }
};

subtest 'enterprises and admins' => sub {
    done('enterprise add', qr/acme/, qw(enterprise add acme));
    refused('twice', qr/already/, qw(enterprise add acme));
    my $made = json_of('id name createdDate activeKeys events', qw(enterprise add named --name), "Na\xc3\xafve & Co");
    is($made->{name}, "Na\x{ef}ve & Co", 'name');
    like($made->{createdDate}, $date, 'date');
    my $list = json_of('enterprises', qw(enterprise list));
    is_deeply([ map { $_->{id} } @{ $list->{enterprises} } ], [qw(acme named)], 'listed by id');
    members($list->{enterprises}[0], 'id name createdDate activeKeys events');
    is($list->{enterprises}[0]{name}, 'acme', 'its name is its id where none is given');
    done('in words', qr/^acme +acme +0 +0 +\d{4}-/m, qw(enterprise list));

    done('admin add', qr/alice/, qw(admin add acme alice));
    refused('twice', qr/already/, qw(admin add acme alice));
    members(json_of('enterpriseId user createdDate', qw(admin add acme bob)), 'enterpriseId user createdDate');
    my $admins = json_of('admins', qw(admin list acme));
    is_deeply([ map { $_->{user} } @{ $admins->{admins} } ], [qw(alice bob)], 'listed');
    members($admins->{admins}[0], 'user createdDate');
    is(json_of('enterpriseId user removed', qw(admin remove acme bob))->{removed}, JSON::PP::true, 'removed');
    refused('removed twice', qr/no admin/, qw(admin remove acme bob));
    is_deeply($json->decode($server->ctl_ok(qw(admin list named --json))), { admins => [] }, 'an enterprise without admins');
};

subtest 'names' => sub {
    my @bad = (
        [ '', 'empty' ], [ "a\xffb", 'not UTF-8' ], [ "\xc0\xafx", 'overlong' ], [ "\xed\xa0\x80", 'a surrogate' ], [ "a\nb", 'a line feed' ],
        [ "a\x1b[31m", 'an escape' ], [ "a\x7f", 'DEL' ], [ "a\xc2\x85b", 'C1' ], [ ' a', 'white space in front' ], [ "a\xc2\xa0", 'a no-break space behind' ],
        [ 'a' x 256, 'too long' ]
    );
    my $before = $server->sql('SELECT (SELECT count(*) FROM whk_enterprise), (SELECT count(*) FROM whk_admin), (SELECT count(*) FROM whk_token)');
    for (@bad, [ 'a/b', 'a slash' ], [ '.', 'a dot' ], [ '..', 'two dots' ]) {
        refused("enterprise add: $_->[1]", qr/must/, 'enterprise', 'add', '--', $_->[0]);
    }
    for (@bad) {
        my ($name, $what) = @{$_};
        refused("admin add: $what",        qr/must/, 'admin', 'add', '--', 'acme', $name);
        refused("admin remove: $what",     qr/must/, 'admin', 'remove', '--', 'acme', $name);
        refused("enterprise name: $what",  qr/must/, 'enterprise', 'add', 'x', '--name', $name);
        refused("token issue: $what",      qr/must/, 'token', 'issue', '--', $name);
        refused("token label: $what",      qr/must/, 'token', 'issue', 'x', '--label', $name);
        refused("token list: $what",       qr/must/, 'token', 'list', '--', $name);
        refused("token revoke: $what",     qr/must/, 'token', 'revoke', '--', $name);
        refused("otp enroll: $what",       qr/must/, 'otp', 'enroll', '--', $name);
        refused("key revoke: $what",       qr/must/, 'key', 'revoke', '--', 'acme', $name);
        refused("key list: $what",         qr/must/, 'key', 'list', '--', $name);
    }
    is($server->sql('SELECT (SELECT count(*) FROM whk_enterprise), (SELECT count(*) FROM whk_admin), (SELECT count(*) FROM whk_token)'), $before, 'nothing was written');
    my $long = "\xc3\xa9" x 255;
    done('255 characters of two bytes', qr/\w/, 'enterprise', 'add', $long);
    done('a name with a dash in front', qr/\w/, 'admin', 'add', $long, '--', '-x');
    done('a name with quotes', qr/\w/, 'admin', 'add', $long, q{'; DROP TABLE whk_admin; --"});
    is(scalar @{ $server->ctl_json('admin', 'list', $long)->{admins} }, 2, 'both are there');

    for (qw(list)) { refused("admin $_: no such enterprise", qr/no enterprise none/, 'admin', $_, 'none') }
    for (qw(add remove)) { refused("admin $_: no such enterprise", qr/no enterprise none/, 'admin', $_, 'none', 'alice') }
    refused('key list: no such enterprise',     qr/no enterprise none/, qw(key list none));
    refused('key revoke: no such enterprise',   qr/no enterprise none/, qw(key revoke none key));
    refused('audit list: no such enterprise',   qr/no enterprise none/, qw(audit list none));
    refused('audit verify: no such enterprise', qr/no enterprise none/, qw(audit verify none));
    refused('case counts', qr/no enterprise ACME/, qw(admin list ACME));
};

sub status_of { my $token = shift; return $client->request(GET => $server->keys('acme'), { Authorization => "Bearer $token" })->status }

subtest 'tokens' => sub {
    my ($status, $out, $err) = $server->ctl(qw(token issue alice --expires 90d --label laptop));
    is($status, 0, 'issued');
    like($out, qr/\Awhk_[A-Za-z0-9_-]{43}\n\z/, 'the token alone on standard output');
    chomp(my $token = $out);
    unlike($err, qr/\Q$token\E/, 'not on standard error');
    is(status_of($token), 200, 'it works');
    unlike($server->dump, qr/\Q$token\E/, 'the registry does not hold it');

    my $issued = json_of('id user token expires', qw(token issue alice));
    like($issued->{id}, $uuid, 'id');
    is($issued->{user}, 'alice', 'user');
    is($issued->{expires}, undef, 'without an end');
    $issued = json_of('id user token expires', qw(token issue alice --expires 2h));
    like($issued->{expires}, $date, 'with an end');
    my $list = json_of('tokens', qw(token list alice));
    is(scalar @{ $list->{tokens} }, 3, 'listed');
    members($list->{tokens}[0], 'id user label created expires revoked');
    is($list->{tokens}[0]{label}, 'laptop', 'label');
    is_deeply(json_of('tokens', qw(token list bob)), { tokens => [] }, 'of a user without tokens');
    $server->ctl_ok(qw(token issue bob));
    is(scalar @{ json_of('tokens', qw(token list))->{tokens} }, 4, 'of all');
    done('in words', qr/laptop/, qw(token list alice));
    unlike($server->ctl_ok(qw(token list)), qr/whk_/, 'never the token');

    is(status_of($issued->{token}), 200, 'the second works');
    my $revoked = json_of('id revoked', 'token', 'revoke', $issued->{id});
    like($revoked->{revoked}, $date, 'revoked');
    is(status_of($issued->{token}), 401, 'at once');
    is(status_of($token), 200, 'the first still works');
    refused('revoked twice', qr/revoked already/, 'token', 'revoke', $issued->{id});
    refused('an unknown one', qr/no token/, qw(token revoke 00000000-0000-4000-8000-000000000000));
    misused("--expires $_", qr/--expires/, qw(token issue alice --expires), $_) for qw(0d -1d 1 d 1y 1.5d 1d1h 99999999999999999999d 101w0 40000d), '', ' 1d', '1 d';
    my ($id) = map { $_->{id} } grep { ($_->{label} // '') eq 'laptop' } @{ $list->{tokens} };
    $server->sql("UPDATE whk_token SET expires_at = 1 WHERE id = '$id'");
    is(status_of($token), 401, 'an expired one');
    SKIP: {
        skip 'no /dev/full here', 2 if !-c '/dev/full';
        my $message = qx{@WHK::Server::whkctl -f '$server->{conf}' token issue alice 2>&1 > /dev/full};
        is($? >> 8, 1, 'a token that nobody got to see is a failure');
        like($message, qr/standard output/, 'which is said');
    }
};

subtest 'one-time passwords' => sub {
    my $enrolled = json_of('user secret uri', qw(otp enroll alice));
    like($enrolled->{secret}, qr/^[A-Z2-7]{32}$/, 'secret');
    like($enrolled->{uri}, qr{^otpauth://totp/webhook-keys:alice\?}, 'uri');
    like($enrolled->{uri}, qr/[?&]secret=\Q$enrolled->{secret}\E(&|$)/, 'with the secret');
    unlike($server->dump, qr/\Q$enrolled->{secret}\E/, 'the registry does not hold it');
    refused('enrolled twice', qr/--replace/, qw(otp enroll alice));
    my $out = done('replaced', qr{\Aotpauth://totp/[^\n]+\n\z}, qw(otp enroll alice --replace --algorithm sha256 --digits 8 --period 60 --issuer), 'A B');
    like($out, qr/[?&]algorithm=SHA256(&|$)/m, 'algorithm');
    like($out, qr/[?&]digits=8(&|$)/m,         'digits');
    like($out, qr/[?&]period=60(&|$)/m,        'period');
    like($out, qr/[?&]issuer=A%20B(&|$)/m,     'issuer');
    misused("otp enroll @$_", qr/--(?:algorithm|digits|period)/, qw(otp enroll carol), @$_)
      for [qw(--algorithm md5)], [qw(--algorithm SHA1)], [ '--algorithm', '' ], [qw(--digits 7)], [qw(--digits 5)], [qw(--digits 6x)], [qw(--period 14)], [qw(--period 61)], [ '--period', '' ], [qw(--period -30)];
    refused('an issuer with a colon', qr/colon/, qw(otp enroll carol --issuer a:b));
    is(json_of('user unlocked', qw(otp unlock alice))->{unlocked}, JSON::PP::true, 'unlocked');
    refused('unlock: nobody', qr/carol/, qw(otp unlock carol));
    is(json_of('user removed', qw(otp remove alice))->{removed}, JSON::PP::true, 'removed');
    refused('removed twice', qr/alice/, qw(otp remove alice));
};

my $admins = WHK::Admins->new($server, 'keys', 1)->codes_work_again;

subtest 'keys and the audit trail' => sub {
    my @ids = ('one', 'two/2', "drei\x{df}", 'four');
    is($admins->register($client, { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => $_ }), keyName => "name of $_" })->status, 201, 'registered') for @ids;
    my $http = $admins->get($client, '?limit=100')->json;
    is_deeply(json_of('keys total limit prevId', qw(key list keys --limit 100)), $http, 'key list is the API\'s answer');
    is_deeply(json_of('keys total limit prevId', qw(key list keys))->{keys}, $http->{keys}, 'without a limit: all');
    is_deeply([ map { $_->{keyId} } @{ json_of('keys total limit prevId', qw(key list keys --limit 2 --offset 1))->{keys} } ], [ @ids[ 1, 2 ] ], 'a page');
    misused("key list @$_", qr/--(?:limit|offset|status)/, qw(key list keys), @$_) for [qw(--limit 0)], [qw(--limit x)], [qw(--limit -1)], [qw(--offset -1)], [qw(--offset 1x)], [qw(--status GONE)], [ '--status', '' ];

    my $revoked = json_of('success keyId revokedAt revokedBy', qw(key revoke keys), 'two/2');
    is($revoked->{revokedBy}, "operator:$user", 'the operator is named');
    like($revoked->{revokedAt}, $date, 'date');
    $http = $admins->get($client, '/two%2F2')->json;
    is($http->{status},      'REVOKED',             'the API knows');
    is($http->{revokedBy},   "operator:$user",      'by whom');
    is($http->{revokedDate}, $revoked->{revokedAt}, 'since when');
    is($admins->revoke($client, 'two%2F2')->code, 'key_already_revoked', 'nobody can do it again');
    refused('nor the operator', qr/revoked/, qw(key revoke keys two/2));
    refused('an unknown key', qr/no key/, qw(key revoke keys five));
    refused('a key of another case', qr/no key/, qw(key revoke keys ONE));
    done('in words', qr/one.*operator:\Q$user\E/, qw(key revoke keys one));
    is($admins->register($client, { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => 'one' }) })->code, 'key_id_taken', 'the keyId stays used up');
    is(json_of('keys total limit prevId', qw(key list keys --status REVOKED))->{total}, 2, 'by status');
    is(json_of('keys total limit prevId', qw(key list keys --status ACTIVE))->{total}, 2, 'by the other');
    done('in words', qr/^four +name of four +EdDSA +ACTIVE/m, qw(key list keys));

    my $events = $client->request(GET => $server->events('keys') . '?limit=100', { $admins->read })->json;
    is_deeply(json_of('events total limit prevId', qw(audit list keys --limit 100)), $events, 'audit list is the API\'s answer');
    my ($braked) = grep { $_->{type} eq 'key.revoked' } reverse @{ $events->{events} };
    is($braked->{actor}, "operator:$user", 'the trail names the operator');
    is($braked->{keyId}, 'two/2', 'and the key');
    done('in words', qr/^\d+ +\S+Z +key\.revoked +one +operator:\Q$user\E/m, qw(audit list keys));
    my $verified = json_of('ok schema enterprises', qw(audit verify keys));
    members($verified->{enterprises}[0], 'enterpriseId ok events head brokenId flaw findings moreFindings');
    is_deeply($verified->{enterprises}[0]{findings}, [], 'nothing is wrong');
    is($verified->{enterprises}[0]{events}, $events->{total}, 'all of them link up');
};

subtest 'a revocation that is planned' => sub {
    $admins->register($client, { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => $_ }) }) for qw(later last);
    my @key    = qw(key revoke keys later);
    my @fields = 'id keyId keyName algorithm status createdDate createdBy jwksUri thumbprint followedBy lastUsedDate revokesDate revokedDate revokedBy';
    my $when   = strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime time + 86_400);
    is(json_of(@fields, @key, '--at', $when)->{revokesDate}, $when, 'is shown');
    is($admins->get($client, '/later')->json->{revokesDate}, $when, '... by the API too');
    is($admins->get($client, '/later')->json->{status}, 'ACTIVE', '... and the key is ACTIVE');
    done('in a list', qr/^later .* \Q$when\E +-$/m, qw(key list keys));
    my $later = strftime('%Y-%m-%dT%H:%M:%S+01:00', gmtime time + 3600 + 2 * 86_400);
    done('moved, in words', qr/later of keys is revoked at \S+Z, by itself/, @key, '--at', $later);
    is_deeply([ map { "$_->{type} $_->{actor}" } @{ $server->ctl_json(qw(audit list keys --limit 2))->{events} } ], [ ("key.revocation_planned operator:$user") x 2 ], 'the trail names the operator');
    is(json_of(@fields, @key, '--cancel')->{revokesDate}, undef, 'cancelled');
    done('... again, in words', qr/later of keys stays ACTIVE/, @key, '--cancel');
    refused("--at $_->[0]", qr/--at must be $_->[1]/, @key, '--at', $_->[0])
      for [ '', 'a date and time' ], [ 'tomorrow', 'a date and time' ], [ '2030-01-01T00:00:00', 'a date and time' ], [ '2020-01-01T00:00:00Z', 'in the future' ], [ '9000-01-01T00:00:00Z', 'at most 10 years' ];
    misused('--at and --cancel', qr/--at .* --cancel/, @key, '--at', $when, '--cancel');
    misused('--at without a time', qr/--at/, @key, '--at');
    refused('an unknown key', qr/no key/, qw(key revoke keys five), '--at', $when);
    refused('... to cancel', qr/no key/, qw(key revoke keys five --cancel));
    refused('one that is revoked', qr/revoked at/, qw(key revoke keys one), '--at', $when);
    $server->ctl_ok(qw(key revoke keys), $_) for "drei\xc3\x9f", qw(four last);
    my ($status, $out, $err) = $server->ctl(@key, '--at', $when);
    is($status, 0, 'the only ACTIVE key');
    like($err, qr/no other key of this enterprise is ACTIVE from/, '... and the operator is told');
    is(scalar @{ $server->ctl_json(@key, '--at', $when)->{warnings} }, 1, '... in JSON too');
    ($status, $out, $err) = $server->ctl(@key);
    like($err, qr/last ACTIVE key/, 'and revoked at once');
};

subtest 'the emergency brake while everybody writes' => sub {
    my $stop = $server->dir . '/stop';
    $admins->register($client, { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => "brake-$_" }) }) for 1 .. 8;
    my $job = WHK::Parallel::start(map { sub {
        my $c = WHK::Client->new($server->port);
        my %count;
        until (-e $stop) { $count{ $admins->register($c, '{}')->status }++ }
        return \%count;
    } } 1 .. 4);
    for (1 .. 8) {
        my ($status, $out, $err) = $server->ctl('key', 'revoke', 'keys', "brake-$_");
        is($status, 0, "revoked, $_") or diag $err;
    }
    open my $out, '>', $stop or die $!;
    my %count;
    for my $one ($job->results) { $count{$_} += $one->{$_} for keys %{$one} }
    is(join(' ', keys %count), '400', 'and httpd never failed meanwhile') or diag explain \%count;
    is($server->ctl_json(qw(audit verify keys))->{ok}, JSON::PP::true, 'the trail is whole');
};

sub findings {
    my $check = shift;
    $admins->codes_work_once if $admins->{again};
    my ($status, $out) = $server->ctl('check', '--json');
    my $found = $json->decode($out);
    return ($status, join ' ', sort map { "$_->{check}: $_->{message}" } grep { $_->{result} eq 'problem' } @{ $found->{checks} });
}

sub finds {
    my ($what, $like, $restore) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($status, $problems) = findings();
    is($status, 1, "check finds: $what");
    like($problems, $like, 'and says what and how to mend it');
    $restore->();
    ($status, $problems) = findings();
    is($status . $problems, '0', 'mended: no problem');
    return;
}

subtest 'init, migrate, check' => sub {
    my $key = $server->dir . '/secret.key';
    my $db  = $server->db;
    # Without its password.
    my $named = $server->is_sqlite ? $db : join ' ', $server->driver, $db =~ /\b((?:host|port|dbname)=[^ ,]+)/g;
    my $again = json_of('registry schemaVersion created secretKeyFile secretKeyCreated', 'init');
    is_deeply([ @{$again}{qw(created secretKeyCreated registry)} ], [ JSON::PP::false, JSON::PP::false, $named ], 'a second init changes nothing');
    done('in words', qr/is there already/, 'init');
    is(json_of('registry fromVersion schemaVersion', 'migrate')->{fromVersion}, $again->{schemaVersion}, 'nothing to migrate');
    my $check = json_of('ok checks findings', 'check');
    is($check->{ok}, JSON::PP::true, 'nothing is wrong');
    members($check->{checks}[0], 'check result message');
    members($check->{findings}[0], 'fix id message result');
    done('in words', qr/^ok +schema +version/m, 'check');

    chmod 0644, $key;
    finds('a key file that others can read', qr/secret key: \S*secret\.key.*0600|secret key: .*chmod/, sub { chmod 0600, $key });
    rename $key, "$key.away";
    finds('a missing key file', qr/secret key: .*secret\.key/, sub { rename "$key.away", $key });
    rename $key, "$key.away";
    open my $out, '>', $key or die $!;
    print $out 'A' x 43, "\n";
    close $out;
    chmod 0600, $key;
    finds('another key', qr/otp: user admin1\@keys.*rows: enterprise keys: key \S+: its seal is of a key that the secret key file here does not hold/, sub { rename "$key.away", $key });
    $server->stop;
    return if !$server->is_sqlite;
    $server->start;
    chmod 0666, $db;
    finds('a registry that everybody can write', qr/file: .*chmod 640/, sub { chmod 0640, $db });
    SKIP: {
        skip 'root writes everywhere', 4 if !$>;
        $server->stop;
        my $dir = $server->dir;
        chmod 0555, $dir;
        finds('a folder that cannot be written', qr/folder: .*cannot be written/, sub { chmod 0755, $dir });
        chmod 0777, $dir;
        finds('a folder that everybody can write', qr/folder: .*chmod o-w/, sub { chmod 0755, $dir });
        chmod 0755, $dir;
    }
    $server->stop;
    $server->sql('PRAGMA wal_checkpoint(TRUNCATE)');
    rename $db, "$db.away";
    my ($status, $problems) = findings();
    is($status, 1, 'check finds: no registry');
    like($problems, qr/file: .*init/, 'and says what makes one');
    refused('enterprise list: no registry', qr/init/, qw(enterprise list));
    refused('migrate: no registry',         qr/init/, qw(migrate));
    ok(!-e $db, 'nothing was made');
    open $out, '>', $db or die $!;
    print $out 'this is no database ' x 1000;
    close $out;
    chmod 0640, $db;
    ($status, $problems) = findings();
    is($status, 1, 'check finds: no database');
    like($problems, qr/not a database/, 'and says so');
    for (qw(init migrate)) {
        my ($failed, $stdout, $stderr) = $server->ctl($_);
        is($failed, 1, "$_: no database");
        like($stderr, qr/not a database/, 'and says so');
    }
    rename "$db.away", $db;
    is((findings())[0], 0, 'mended');

    # A registry of its own, from nothing, in a folder that is not there yet.
    my $conf = $server->conf_of('fresh', "$server->{dir}/fresh/registry.db", "$server->{dir}/fresh.key");
    ($status) = whkctl('-f', $conf, 'check');
    is($status, 1, 'check before init');
    ($status, my $text) = whkctl('-f', $conf, 'init', '--json');
    is($json->decode($text)->{created}, JSON::PP::true, 'init');
    my @modes = map { sprintf '%04o', (stat "$server->{dir}/$_")[2] & 07777 } qw(fresh fresh/registry.db fresh.key);
    is("@modes", '0750 0640 0600', 'nothing is open to everybody');
    is((whkctl('-f', $conf, 'check'))[0], 0, 'check after init');
};

subtest 'another schema' => sub {
    my $version = $server->sql('SELECT max(version) FROM whk_schema');
    my @each = ([qw(enterprise list)], [qw(token issue alice)], [qw(key revoke keys four)], [qw(audit verify)], ['init'], ['migrate']);

    $server->sql('INSERT INTO whk_schema VALUES (99, 0)');
    refused("newer: @$_", qr/99/, @$_) for @each;
    like((findings())[1], qr/schema: version 99 is newer/, 'check says so');
    $server->start;
    my $r = $admins->get(WHK::Client->new($server->port));
    is($r->status, 503, 'httpd serves nothing from it');
    is($r->code, 'store_unavailable', 'but tells that');
    ok($r->header('Retry-After'), 'and to come back');
    unlike($r->message, qr/99|schema|sqlite|pgsql|mysql/i, 'and not why');
    like($server->error_log, qr/webhook_keys:error.*schema is version 99, newer than the $version/, 'which the log does');
    $server->sql('DELETE FROM whk_schema WHERE version = 99');
    is($admins->get(WHK::Client->new($server->port))->status, 200, 'mended while httpd runs');
    $server->stop;

    $server->sql('DELETE FROM whk_schema; INSERT INTO whk_schema VALUES (-1, 0)');
    refused("older: @$_", qr/migrate/, @$_) for @each[ 0 .. 4 ];
    like((findings())[1], qr/schema: version -1 is older.*migrate/, 'check says so');
    # Its tables are there already, so this step can only fail: as a whole.
    # (MariaDB's can be repeated: t/store_databases.t.)
    if ($server->driver ne 'mysql') {
        refused('a migration that breaks', qr/\w/, 'migrate');
        is($server->sql('SELECT version FROM whk_schema'), -1, 'leaves all as it was');
    }
    $server->sql("UPDATE whk_schema SET version = $version");
    is((findings())[0], 0, 'mended');
    $server->sql('DROP TABLE whk_schema');
    refused('no schema', qr/init/, qw(enterprise list));
};

subtest 'the configuration is httpd\'s' => sub {
    my $dir = $server->dir;
    my %db  = map { $_ => "$dir/$_/registry.db" } qw(main first second);
    mkdir "$dir/$_", 0755 for qw(conf.d main first second);
    my %file = (
        "$dir/conf.d/10-main.conf"  => "DBDParams \${BASE}/main/registry.db\n",
        "$dir/conf.d/20-wrong.conf" => "<IfDefine NEVER>\nDBDParams /wrong/1\n</IfDefine>\n<IfModule !mod_dbd.c>\nDBDParams /wrong/2\n</IfModule>\n"
          . "<IfModule mod_none.c>\nDBDParams /wrong/3\n</IfModule>\n<IfDefine GIVEN>\nWebhookKeysSecretKeyFile \\\n    \"\${BASE}/secret.key\"\n</IfDefine>\n",
        "$dir/conf.d/30-none.txt" => "DBDParams /wrong/4\n",
        "$dir/site.inc"           => "DBDParams $db{second}\n",
    );
    my $api = "AllowEncodedSlashes NoDecode\n<Location \"/api\">\nSetHandler webhook-keys\nAuthType Bearer\nAuthName x\nRequire webhook-keys-admin\n</Location>\n";
    for my $name (keys %file) {
        open my $out, '>', $name or die "$name: $!";
        print $out $file{$name};
        close $out;
    }
    my $modules = $WHK::Server::modules;
    my $port    = $server->port;
    my $conf    = "$dir/whole.conf";
    open my $out, '>', $conf or die $!;
    print $out <<"CONF";
ServerRoot "$dir"
DefaultRuntimeDir "$dir"
ServerName main.example
Listen 127.0.0.1:$port
PidFile "$dir/httpd.pid"
ErrorLog "$dir/error.log"
# DBDParams /wrong/5
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authn_core_module $modules/mod_authn_core.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule dbd_module $modules/mod_dbd.so
LoadModule webhook_keys_module $WHK::Server::build/mod_webhook_keys.so
Define BASE $dir
define given_late "yes"
dbdRIVER sqlite3
Include conf.d/*.conf
IncludeOptional nothing/*.conf
<VirtualHost *:$port>
    ServerName main.example
    $api
</VirtualHost>
<VirtualHost *:$port>
    ServerName https://first.example:443
    ServerAlias *.first.example
    DBDParams $db{first}
    $api
</VirtualHost>
<VirtualHost *:$port>
    ServerName second.example
    <IfDefine given_late>
        Include site.inc
    </IfDefine>
    $api
</VirtualHost>
CONF
    close $out;
    my %host = (main => undef, first => 'api.first.example', second => 'SECOND.example');
    my %token;
    for my $name (sort keys %host) {
        my @with = ('-f', $conf, '-DGIVEN', defined $host{$name} ? ('--server', $host{$name}) : ());
        for my $command ([qw(init)], [qw(enterprise add), $name], [qw(admin add), $name, 'alice']) {
            my ($status, $stdout, $stderr) = whkctl(@with, @$command);
            is($status, 0, "$name: @$command") or diag $stderr;
        }
        ok(-e $db{$name}, 'in its own file');
        chomp($token{$name} = (whkctl(@with, qw(token issue alice)))[1]);
        is((whkctl(@with, qw(otp enroll bob)))[0], 0, 'the secret key is found');
    }
    ok(-e "$dir/secret.key", 'where the configuration says');
    my ($status, $stdout, $stderr) = whkctl('-f', $conf, '--server', 'none.example', 'init');
    is($status, 1, 'an unknown virtual host');
    like($stderr, qr/none\.example/, 'is named');
    ($status, $stdout, $stderr) = whkctl('-f', $conf, qw(otp enroll carol));
    is($status, 1, 'without -D the section does not count');
    like($stderr, qr/WebhookKeysSecretKeyFile/, 'so there is no secret key');

    ($status, $stdout, $stderr) = WHK::Server::run_command($WHK::Server::httpd, '-f', $conf, '-DGIVEN', '-t');
    is($status, 0, 'httpd takes the same configuration') or diag $stderr;
    # It is started without -D, and serves nothing without the key.
    open $out, '>>', $conf or die $!;
    print $out "WebhookKeysSecretKeyFile $dir/secret.key\n";
    close $out;
    my $whole = bless { %{$server}, conf => $conf, pid => undef }, 'WHK::Server';
    $whole->start;
    my $c = WHK::Client->new($port);
    for my $name (sort keys %host) {
        my %headers = (Host => { main => 'main.example', first => 'api.first.example', second => 'second.example' }->{$name}, Authorization => "Bearer $token{$name}");
        is($c->request(GET => "/api/enterprises/$name/webhooks/keys", \%headers)->status, 200, "httpd serves what whkctl made: $name");
        my ($other) = grep { $_ ne $name } sort keys %host;
        is($c->request(GET => "/api/enterprises/$name/webhooks/keys", { %headers, Authorization => "Bearer $token{$other}" })->status, 401, 'and nothing else');
    }
    $whole->stop;
};
done_testing;
