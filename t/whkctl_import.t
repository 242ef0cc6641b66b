# SPDX-License-Identifier: Apache-2.0
# whkctl import and export: keys that customers have already, from files as other systems write them (docs/moving-in.md).
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;
use WHK::Webhooks;

my $dir  = tempdir('whk-import-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $json = JSON::PP->new->utf8->canonical;
my $told = "$dir/told";
open my $program, '>', "$dir/program" or die $!;
print $program "#!/bin/sh\necho \"\$1 \$2 \$3\" >> $told\n";
close $program;
chmod 0755, "$dir/program";
chmod 0777, $dir;
my $w = WHK::Webhooks->new(children => 2, enterprise => 'acme', before => "WebhookKeysNotify $dir/program\nWebhookKeysMaxActive 6");
my $server = $w->server;
my @keys   = WHK::Keys::many(60);
$server->ctl_ok('enterprise', 'add', $_) for qw(acme beta gamma);

sub file {
    my ($name, $text) = @_;
    open my $out, '>:raw', "$dir/$name" or die $!;
    print $out $text;
    close $out;
    return "$dir/$name";
}
sub lines { return join '', map { ref ? $json->encode($_) . "\n" : "$_\n" } @_ }

# Imports a text; what is told of it, by --json.
sub import_text {
    my ($text, @options) = @_;
    my ($status, $out, $err) = $server->ctl('import', file('import', $text), @options, '--json');
    my $told = eval { $json->decode($out) } // {};
    return { %$told, status => $status, err => $err };
}

sub imports {
    my ($name, $text, $expected, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $told = import_text($text, @options);
    my %is   = map { $_ => $told->{$_} } keys %$expected;
    is_deeply(\%is, $expected, $name) or diag explain $told;
    return $told;
}
sub keys_of { my $enterprise = shift; return map { $_->{keyId} => $_ } @{ $server->ctl_json(qw(key list), $enterprise)->{keys} } }
# Within WebhookKeysRevocationLag.
sub passes { my $key = shift; for (1 .. 30) { return 1 if $w->post($key, '{}')->status == 200; sleep 0.1 } return 0 }
sub sound { my ($status, $out, $err) = $server->ctl(qw(audit verify)); local $Test::Builder::Level = $Test::Builder::Level + 1; return is("$status$err", '0', 'the trail is whole') || diag $out }

subtest 'each form of a key' => sub {
    my %pair = map { $_ => $w->key($_, register => 0) } qw(EdDSA ES256 RS256);
    my %pem  = map { $_ => scalar qx{openssl pkey -in '$pair{$_}{pem}' -pubout} } keys %pair;
    my $whpk = sub { my $jwk = shift; return 'whpk_' . encode_base64(decode_base64url($jwk->{x}), '') };
    my ($one, $two, $three, $four, $five) = splice @keys, 0, 5;
    delete $_->{kid} for $one, $two, $three, $four, $five;
    imports('JSON lines', lines(
        { enterprise => 'acme', keyId => $pair{ES256}{kid}, key => $pem{ES256} },
        { enterprise => 'acme', keyId => 'whpk', key => $whpk->($one), keyName => "M\x{fc}ller" },
        { enterprise => 'acme', keyId => 'jwk', key => $two }, '',
        { enterprise => 'beta', keyId => 'set', jwks => { keys => [$three] } },
        { enterprise => 'beta', key => { %$four, kid => 'by-kid' } },
    ), { status => 0, imported => 5, there => 0, refused => 0, done => JSON::PP::true });
    my %is = keys_of('acme');
    is($is{whpk}{keyName}, "M\x{fc}ller", 'its name');
    is($is{whpk}{createdBy} =~ /^operator:/ ? 1 : 0, 1, '... and who did it');
    ok(passes($pair{ES256}), 'what it signs passes');
    imports('CSV', "enterprise,keyId,key,keyName\r\nacme,$pair{EdDSA}{kid},\"$pem{EdDSA}\",\"a \"\"name\"\"\"\r\nbeta,csv-jwk,\"" . $json->encode($five) =~ s/"/""/gr . "\",\r\n",
        { status => 0, imported => 2, refused => 0 });
    %is = keys_of('acme');
    is($is{ $pair{EdDSA}{kid} }{keyName}, 'a "name"', 'a quoted field');
    ok(passes($pair{EdDSA}), 'what it signs passes');
    my $certificate = "$dir/certificate.pem";
    system("openssl req -new -x509 -key '$pair{RS256}{pem}' -subj /CN=x -days 2 -out '$certificate' 2> /dev/null");
    my $pem = do { local @ARGV = ($certificate); local $/; <> };
    imports('a certificate, as the whole file', $pem, { status => 0, imported => 1 }, '--enterprise', 'beta', '--key-id', 'certificate');
    imports('a JWK Set, as the whole file', JSON::PP->new->pretty->encode({ keys => [ map { +{ %{ shift @keys }, kid => "set-$_" } } 1 .. 3 ] }), { status => 0, imported => 3 }, '--enterprise', 'beta');
    imports('with semicolons, behind a mark of Unicode', "\xef\xbb\xbfenterprise;keyId;key\nbeta;semi;" . $whpk->(shift @keys) . "\n", { status => 0, imported => 1 });
    my ($status, $out) = WHK::Server::run_command('sh', '-c', join ' ', 'printf %s', "'" . lines({ enterprise => 'beta', keyId => 'piped', key => shift @keys }) . "'", '|', map { "'$_'" } @WHK::Server::whkctl, '-f', $server->conf, qw(import - --json));
    is($json->decode($out)->{imported}, 1, 'from standard input');
    sound();
};

subtest 'what is revoked' => sub {
    my ($one, $two) = splice @keys, 0, 2;
    imports('with its key, and without', lines(
        { enterprise => 'gamma', keyId => 'old', key => $one, status => 'REVOKED' },
        { enterprise => 'gamma', keyId => 'older', status => 'revoked' },
        { enterprise => 'gamma', keyId => 'later', key => $two, revokesDate => '2030-01-01T00:00:00Z' },
    ), { status => 0, imported => 3 });
    my %is = keys_of('gamma');
    is_deeply([ map { $is{$_}{status} } qw(old older later) ], [qw(REVOKED REVOKED ACTIVE)], 'their states');
    is_deeply([ @{ $is{older} }{qw(algorithm thumbprint)} ], [ undef, undef ], 'of the one nothing is known');
    is($is{later}{revokesDate}, '2030-01-01T00:00:00.000Z', 'what is planned');
    my $admins = WHK::Admins->new($server, 'gamma', 3);
    my $client = $w->client;
    refused($admins->register($client, { keyId => $_, jwks => WHK::Keys::jwks(shift @keys) }), 400, 'key_id_taken', "$_ is used up") for qw(old older);
    refused($admins->register($client, { keyId => 'again', jwks => WHK::Keys::jwks($one) }), 409, 'key_material_in_use', 'so is the key');
    my $r = $client->request(GET => $server->keys('gamma') . '/older', { $admins->read });
    is($r->json->{status}, 'REVOKED', 'the API shows it');
    refused($client->request(POST => '/hooks/gamma/x', { 'Webhook-Signature' => join '.', map { my $t = encode_base64($_, ''); $t =~ tr{+/=}{-_}d; $t } '{"alg":"EdDSA","kid":"older"}', '', 'x' x 64 }, '{}'), 401, 'key_revoked', 'what it would have signed is refused');
    sound();
};

subtest 'again' => sub {
    my @five = map { { enterprise => 'gamma', keyId => "n$_", key => shift @keys } } 1 .. 5;
    imports('a run that is tried alone', lines(@five), { status => 0, imported => 5, there => 0, done => JSON::PP::false }, '--dry-run');
    is(scalar(grep { /^n\d/ } keys %{ { keys_of('gamma') } }), 0, '... changes nothing');
    imports('some of them', lines(@five[ 0 .. 2 ]), { status => 0, imported => 3 });
    my $events = $server->sql("SELECT count(*) FROM whk_event");
    imports('all of them', lines(@five), { status => 0, imported => 2, there => 3 });
    is($server->sql("SELECT count(*) FROM whk_event"), $events + 2, 'what is there makes no event');
    imports('once more', lines(@five), { status => 0, imported => 0, there => 5 });
    my %runs = map { $_->{requestId} => 1 } grep { ($_->{keyId} // '') =~ /^n\d/ } @{ $server->ctl_json(qw(audit list gamma))->{events} };
    is(scalar(grep { /^import:[0-9a-f-]{36}$/ } keys %runs), 2, 'the events of a run have one id') or diag join ' ', %runs;
    is(scalar(grep { /^n\d/ } keys %{ { keys_of('gamma') } }), 5, 'more than a customer may register');
    $server->ctl_ok(qw(key revoke gamma n1));
    my $told = imports('one that was revoked meanwhile', lines(@five), { status => 1, there => 4, refused => 1, done => JSON::PP::false });
    is("$told->{refusals}[0]{line} $told->{refusals}[0]{code}", '1 key_id_taken', '... is not there any more');
    sound();
};

subtest 'again, with what changed' => sub {
    my ($one, $two, $three) = splice @keys, 0, 3;
    delete $_->{kid} for $one, $two, $three;
    my %by_uri = (enterprise => 'gamma', keyId => 'was-by-uri', jwks => { keys => [$one] }, jwksUri => 'https://h.example/jwks.json', status => 'REVOKED');
    imports('a REVOKED key by URI', lines(\%by_uri), { status => 0, imported => 1 });
    imports('... again', lines(\%by_uri), { status => 0, there => 1, refused => 0 });
    imports('... with another key', lines({ %by_uri, jwks => { keys => [$two] } }), { status => 1, refused => 1 });
    my %plain = (enterprise => 'gamma', keyId => 'to-be-planned', key => $two);
    imports('a key', lines(\%plain), { status => 0, imported => 1 });
    my $told = imports('... that is to be revoked then', lines({ %plain, revokesDate => '2031-01-01T00:00:00Z' }), { status => 1, refused => 1 });
    like($told->{refusals}[0]{message}, qr/whkctl key revoke --at/, '... and what to type');
    $server->ctl_ok(qw(key revoke gamma to-be-planned --at 2031-01-01T00:00:00Z));
    imports('... which is so by now', lines({ %plain, revokesDate => '2031-01-01T00:00:00Z' }), { status => 0, there => 1 });
    imports('a plan of the past', lines({ enterprise => 'gamma', keyId => 'past', key => $three, revokesDate => '2020-01-01T00:00:00Z' }), { status => 0, imported => 1 });
    my %is = keys_of('gamma');
    is($is{past}{status}, 'REVOKED', '... is carried out');
    imports('bare CR between lines', "enterprise,keyId,status\rgamma,older,REVOKED\rgamma,cr-1,REVOKED\rgamma,cr-2,REVOKED\r", { status => 0, imported => 2, there => 1 });
    sound();
};

subtest 'enterprises that are missing' => sub {
    my $new = lines({ enterprise => 'delta', keyId => 'd', key => shift @keys });
    my $told = imports('refused', $new, { status => 1, refused => 1 });
    like($told->{refusals}[0]{message}, qr/no such enterprise/, '... and why');
    imports('tried alone', $new, { status => 0, imported => 1 }, '--add-enterprises', '--dry-run');
    is(scalar(grep { $_->{id} eq 'delta' } @{ $server->ctl_json(qw(enterprise list))->{enterprises} }), 0, '... it is not made');
    imports('made', $new, { status => 0, imported => 1 }, '--add-enterprises');
    is((keys_of('delta'))[0], 'd', '... with its key');
};

subtest 'bad input' => sub {
    my ($one, $two, $three) = splice @keys, 0, 3;
    my $before = $server->sql("SELECT count(*) FROM whk_key");
    my %rsa = (kty => 'RSA', e => 'AQAB', n => 'AQAB');
    my @bad = (
        [ 'no JSON'             => '{"enterprise":', qr/line must be JSON/ ],
        [ 'a number'            => '12', undef ],
        [ 'a text'              => '{"a":1}{"b":2}', qr/must be JSON/ ],
        [ 'no enterprise'       => { keyId => 'x', key => $one }, qr/enterprise is missing/ ],
        [ 'an empty one'        => { enterprise => '', keyId => 'x', key => $one }, qr/enterprise must/ ],
        [ 'a number as one'     => { enterprise => 1, keyId => 'x', key => $one }, qr/enterprise must be a string/ ],
        [ 'with a slash'        => { enterprise => 'a/b', keyId => 'x', key => $one }, qr/enterprise must/ ],
        [ 'no keyId'            => { enterprise => 'acme', key => { map { $_ => $one->{$_} } grep { $_ ne 'kid' } keys %$one } }, qr/the key has no name/ ],
        [ 'a control character' => { enterprise => 'acme', keyId => "a\nb", key => $one }, qr/keyId must/ ],
        [ 'a NUL'               => { enterprise => 'acme', keyId => "a\0b", key => $one }, qr/must/ ],
        [ 'too long'            => { enterprise => 'acme', keyId => 'x' x 256, key => $one }, qr/keyId must/ ],
        [ 'no key'              => { enterprise => 'acme', keyId => 'x' }, qr/the key is missing/ ],
        [ 'a URI alone'         => { enterprise => 'acme', keyId => 'x', jwksUri => 'https://h.example/' }, qr/fetches nothing/ ],
        [ 'another scheme'      => { enterprise => 'acme', keyId => 'x', key => $one, jwksUri => 'http://h.example/' }, qr/https URI/ ],
        [ 'two kids'            => { enterprise => 'acme', keyId => 'x', key => { %$one, kid => 'y' } }, qr/differ/ ],
        [ 'key and jwks'        => { enterprise => 'acme', keyId => 'x', key => $one, jwks => { keys => [$one] } }, qr/not both/ ],
        [ 'two keys'            => { enterprise => 'acme', keyId => 'x', jwks => { keys => [ $one, $two ] } }, qr/exactly one/ ],
        [ 'a member of none'    => { enterprise => 'acme', keyID => 'x', key => $one }, qr/"keyID".*keyId/ ],
        [ 'a status of none'    => { enterprise => 'acme', keyId => 'x', key => $one, status => 'OFF' }, qr/ACTIVE or REVOKED/ ],
        [ 'in a hundred years'  => { enterprise => 'acme', keyId => 'x', key => $one, revokesDate => '2126-01-01T00:00:00Z' }, qr/revokesDate/ ],
        [ 'no time'             => { enterprise => 'acme', keyId => 'x', key => $one, revokesDate => 'soon' }, qr/revokesDate/ ],
        [ 'revoked or not'      => { enterprise => 'acme', keyId => 'x', key => $one, revokedDate => '2020-01-01T00:00:00Z' }, qr/status is not REVOKED/ ],
        [ 'no name of a set'    => { enterprise => 'acme', keyId => '*:', jwksUri => 'https://h.example/' }, qr/and a name/ ],
        [ 'encrypted'           => { enterprise => 'acme', keyId => 'x', key => "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00000000000000000000000000000000\n\nAAAA\n-----END CERTIFICATE-----\n" }, qr/OpenSSL/ ],
        [ 'a set that is a key' => { enterprise => 'acme', keyId => '*', key => $one }, qr/followed/ ],
        [ 'a weak key'          => { enterprise => 'acme', keyId => 'x', key => \%rsa }, qr/./ ],
        [ 'PEM of nothing'      => { enterprise => 'acme', keyId => 'x', key => "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" }, qr/OpenSSL/ ],
        [ 'a short whpk'        => { enterprise => 'acme', keyId => 'x', key => 'whpk_AAAA' }, qr/whpk_/ ],
        [ 'a shared secret'     => { enterprise => 'acme', keyId => 'x', key => 'whsec_' . 'A' x 44 }, qr/private or shared secret/ ],
        [ 'nonsense'            => { enterprise => 'acme', keyId => 'x', key => 'hello' }, qr/PEM/ ],
        [ 'an array'            => { enterprise => 'acme', keyId => 'x', key => [] }, qr/must be/ ],
        [ 'a private JWK'       => { enterprise => 'acme', keyId => 'x', key => { %$one, kid => 'x', d => 'AAAA' } }, qr/private/ ],
        [ 'too long a line'     => '{"enterprise":"' . 'x' x (1024 * 1024) . '"}', qr/1 MiB/ ],
        [ 'not UTF-8'           => "{\"enterprise\":\"\xff\"}", qr/must be JSON/ ],
    );
    my $text = lines({ enterprise => 'acme', keyId => 'good', key => $two }, map { $_->[1] } @bad);
    my $told = import_text($text, '--dry-run');
    is($told->{refused}, scalar @bad, 'each is refused, and no other') or diag explain $told;
    my %by_line = map { $_->{line} => $_ } @{ $told->{refusals} };
    for my $i (0 .. $#bad) {
        like($by_line{ $i + 2 }{message} // '', $bad[$i][2] // qr/must be a JSON object/, $bad[$i][0]);
        unlike($by_line{ $i + 2 }{message} // '', qr/AAAAAAAA/, '... and tells nothing of a secret') if $bad[$i][0] =~ /secret|private/;
    }
    my $private = scalar qx{openssl genpkey -algorithm ed25519};
    for my $file ([ 'a private key' => $private, qr/private or shared secret/ ], [ 'several keys' => "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" x 2, qr/several/ ]) {
        like(import_text($file->[1], '--enterprise', 'acme', '--key-id', 'x')->{refusals}[0]{message}, $file->[2], $file->[0]);
    }
    for my $kid ('', '..', 'x' x 256, "a\nb") {
        like(import_text($json->encode({ keys => [ { map { $_ => $one->{$_} } grep { $_ ne 'kid' } keys %$one } ] }), '--enterprise', 'acme', '--key-id', $kid)->{refusals}[0]{message}, qr/keyId must/, 'a --key-id that is none');
    }
    imports('a keyId twice', lines(map { { enterprise => 'acme', keyId => 'twice', key => $_ } } $two, $three), { status => 1, refused => 1 });
    imports('a key twice', lines(map { { enterprise => 'acme', keyId => $_, key => { map { $_ => $two->{$_} } grep { $_ ne 'kid' } keys %$two } } } qw(a b)), { status => 1, refused => 1 });
    imports('a key of this enterprise under another keyId', lines({ enterprise => 'gamma', keyId => 'other', status => 'REVOKED', key => do { my %is = %$one; delete $is{kid}; \%is } }), { status => 0, refused => 0 }, '--dry-run');
    for ([ 'nothing' => '', qr/empty/ ], [ 'an array' => '[{"enterprise":"acme"}]', qr/jq -c/ ], [ 'no such column' => "enterprise,name\nacme,x\n", qr/"name"/ ], [ 'more fields' => "enterprise,keyId\nacme,x,y\n", qr/as many fields/ ], [ 'fewer, as where it was cut' => "enterprise,keyId,key,status\nacme,x,y", qr/as many fields/ ],
        [ 'a quote that stays open' => "enterprise,keyId\nacme,\"x\n", qr/never closed/ ], [ 'a quote in a field' => "enterprise,keyId\nacme,x\"y\"\n", qr/must be CSV/ ]) {
        my $told = import_text($_->[1]);
        is($told->{status}, 1, $_->[0]);
        like(($told->{refusals}[0]{message} // '') . $told->{err}, $_->[2], '... and why');
    }
    my ($status, undef, $err) = $server->ctl('import', "$dir/none");
    is($status, 1, 'a file that is not there');
    like($err, qr/can't be read: No such file/, '... and why');
    like(($server->ctl('import', $dir))[2], qr/must be a file/, 'a folder');
    is($server->sql("SELECT count(*) FROM whk_key"), $before, 'nothing was written');
    ($status, my $out, $err) = $server->ctl('import', file('import', lines({ enterprise => 'acme', keyId => 'good', key => $two }, '{')));
    is($status, 1, 'for a person');
    like($err, qr/^line 2: enterprise -, keyId -: invalid_request: .*\nwhkctl: nothing was imported: .*--skip-refused/m, '... says which line, and what to do');
    imports('the others', lines({ enterprise => 'acme', keyId => 'good', key => $two }, '{'), { status => 0, imported => 1, refused => 1 }, '--skip-refused');
    sound();
};

subtest 'killed in the middle' => sub {
    my $other = WHK::Server->new(start => 0);
    my $count = 1500;
    my $file  = file('many', lines(map { { enterprise => 'e' . int($_ / 7), keyId => "k$_", key => shift @{ $w->{many} //= [ WHK::Keys::many($count) ] } } } 1 .. $count));
    my @command = (@WHK::Server::whkctl, '-f', $other->conf, 'import', $file, '--add-enterprises');
    my ($kills, $had) = (0, 0);
    for my $round (1 .. 20) {
        my $pid = fork // die "fork: $!";
        if (!$pid) { open STDOUT, '>', '/dev/null'; exec @command; die "@command: $!" }
        for (1 .. 400) {
            last if waitpid($pid, WNOHANG) == $pid;
            sleep 0.01;
            if ($other->sql('SELECT count(*) FROM whk_key') > $had) { $kills++ if kill KILL => $pid; waitpid $pid, 0; last }
        }
        my $has = $other->sql('SELECT count(*) FROM whk_key');
        is($has - $had - ($has - $had) % 250, $has - $had, "whole transactions: $has") if $has < $count;
        $had = $has;
        last if $has == $count || $kills == 2;
    }
    cmp_ok($kills, '>', 0, "it was killed $kills times");
    my ($status, $out) = WHK::Server::run_command(@command, '--json');
    my $told = $json->decode($out);
    is_deeply([ $status, @{$told}{qw(imported there refused)} ], [ 0, $count - $had, $had, 0 ], 'run again, it does the rest');
    is($other->sql('SELECT count(*) FROM whk_key'), $count, '... once each');
    is(($other->ctl(qw(audit verify)))[0], 0, '... and the trail is whole');
};

subtest 'several at once' => sub {
    my $other = WHK::Server->new(start => 0);
    my $count = 600;
    my $file  = file('at-once', lines(map { { enterprise => "e$_->[0]", keyId => "k$_->[1]", key => $_->[2] } } do { my @many = WHK::Keys::many($count); map { [ int($_ / 7), $_, $many[$_] ] } 0 .. $count - 1 }));
    my @pids = map {
        my $pid = fork // die "fork: $!";
        if (!$pid) { open STDOUT, '>', '/dev/null'; exec @WHK::Server::whkctl, '-f', $other->conf, 'import', $file, '--add-enterprises'; die "whkctl: $!" }
        $pid
    } 1 .. 3;
    is_deeply([ map { waitpid $_, 0; $? } @pids ], [ 0, 0, 0 ], 'each is content, of the same file');
    is($other->sql('SELECT count(*) FROM whk_key'), $count, '... each key is there once');
    is($other->sql("SELECT count(*) FROM whk_event WHERE type = 'key.registered'"), $count, '... and was registered once');
    is(($other->ctl(qw(audit verify)))[0], 0, '... and the trail is whole');
};

subtest 'out, and in elsewhere' => sub {
    my $origin = 'https://h.example/jwks.json';
    imports('keys by URI', lines({ enterprise => 'beta', keyId => '*:all', jwksUri => $origin }, { enterprise => 'beta', keyId => 'uri', key => shift @keys, jwksUri => $origin }), { status => 0, imported => 2 });
    is($server->sql("SELECT key_id FROM whk_key WHERE enterprise_id = 'beta' ORDER BY key_number DESC LIMIT 1"), '*:all', 'sets come when all else is there');
    is($server->sql("SELECT count(*) FROM whk_remote_set WHERE uri = '$origin'"), 1, 'their set is to be fetched');
    my $out = $server->ctl_ok('export');
    my @out = map { $json->decode($_) } split /\n/, $out;
    is(scalar @out, $server->sql("SELECT count(*) FROM whk_key"), 'each key is a line');
    is(scalar(split /\n/, $server->ctl_ok('export', 'gamma')), $server->sql("SELECT count(*) FROM whk_key WHERE enterprise_id = 'gamma'"), 'or those of an enterprise');
    my $other = WHK::Server->new(sqlite => 1, start => 0);
    my ($status, $said, $err) = $other->ctl('import', file('export', $out), '--add-enterprises', '--json');
    is($status, 0, 'another registry takes it') or diag $err;
    is($json->decode($said)->{imported}, scalar @out, '... all');
    my $plain = sub { return [ map { my %is = %$_; delete @is{qw(id createdDate createdBy lastUsedDate revokedDate revokedBy)}; delete $is{thumbprint} if !$is{jwks}; \%is } map { $json->decode($_) } split /\n/, shift ] };
    is_deeply($plain->($other->ctl_ok('export')), $plain->($out), '... as they were');
    is(($other->ctl(qw(audit verify)))[0], 0, '... and its trail is whole');
    $server->sql("UPDATE whk_key SET key_name = 'else' WHERE key_id = 'good'");
    ($status, $said, $err) = $server->ctl('export');
    is($status, 1, 'a row that somebody else wrote');
    is(scalar(split /\n/, $said), @out - 1, '... is left out');
    like($err, qr/good .*not to be trusted/, '... and named');
};

sleep 2;
my $told_of = sub { return -e $told ? scalar qx{cat $told} : '' };
my $told_before = "revoked gamma n1\nrevocation-planned gamma to-be-planned\n";
is($told_of->(), $told_before, 'nobody was told of what was imported');
refused(WHK::Admins->new($server, 'beta', 1)->register($w->client, { keyId => 'by-api', jwks => WHK::Keys::jwks(shift @keys) }), 409, 'active_key_limit', 'who has more than may be registers no other');
$server->ctl_ok(qw(key revoke acme jwk));
for (1 .. 100) { last if $told_of->() =~ /acme/; sleep 0.1 }
is($told_of->(), "${told_before}revoked acme jwk\n", '... and of what comes after it somebody is');
done_testing;
