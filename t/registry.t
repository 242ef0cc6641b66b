# SPDX-License-Identifier: Apache-2.0
# A keyId is used once, key material is used once, and the quota holds: one after another and all at once, on a
# server of many processes.
use strict;
use warnings;
use utf8;
use Test::More;
use Encode qw(encode_utf8);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Server;

my $many   = 16;
my $server = WHK::Server->new(children => 4, threads => 8, location => 'WebhookKeysMaxActive 100');
my $client = WHK::Client->new($server->port);
my @keys   = WHK::Keys::many(400);

# A fresh key, under this name.
sub set { my ($key_id, %more) = @_; return { jwks => WHK::Keys::jwks({ %{ shift @keys }, kid => $key_id, %more }) } }
sub set_of { my ($key, $key_id) = @_; return { jwks => WHK::Keys::jwks({ %{$key}, kid => $key_id }) } }

# keyIds hold what a URL may not.
sub escaped { return join '', map { sprintf '%%%02X', ord } split //, encode_utf8(shift) }

sub outcome { my $r = shift; return $r->status . (defined $r->code ? ' ' . $r->code : '') }

# How many there are of each outcome.
sub tally { my %count; $count{$_}++ for @_; return \%count }

sub rows {
    my ($enterprise, $where) = @_;
    return $server->sql("SELECT count(*) FROM whk_key WHERE enterprise_id = '$enterprise'" . ($where ? " AND $where" : ''));
}

# An enterprise whose row agrees with its keys and events, and whose trail is whole.
sub consistent {
    my $enterprise = shift;
    my $flaws = $server->sql(<<"SQL");
SELECT 'active_keys' AS flaw FROM whk_enterprise e WHERE enterprise_id = '$enterprise' AND active_keys <>
    (SELECT count(*) FROM whk_key k WHERE k.enterprise_id = e.enterprise_id AND status = 'ACTIVE')
UNION ALL SELECT 'event_count' FROM whk_enterprise e WHERE enterprise_id = '$enterprise' AND event_count <>
    (SELECT count(*) FROM whk_event v WHERE v.enterprise_id = e.enterprise_id)
UNION ALL SELECT 'no event of ' || key_id FROM whk_key k WHERE enterprise_id = '$enterprise' AND 1 <>
    (SELECT count(*) FROM whk_event v WHERE v.enterprise_id = k.enterprise_id AND v.key_id = k.key_id AND type = 'key.registered')
UNION ALL SELECT 'revoked events of ' || key_id FROM whk_key k WHERE enterprise_id = '$enterprise' AND CASE status WHEN 'REVOKED' THEN 1 ELSE 0 END <>
    (SELECT count(*) FROM whk_event v WHERE v.enterprise_id = k.enterprise_id AND v.key_id = k.key_id AND type = 'key.revoked')
SQL
    my ($status, $out, $err) = $server->ctl('audit', 'verify', $enterprise);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($flaws . $err, '', "$enterprise: keys, events and counts agree");
    return;
}

subtest 'once, one after another' => sub {
    my $a     = WHK::Admins->new($server, 'once',  1)->codes_work_again;
    my $other = WHK::Admins->new($server, 'other', 1)->codes_work_again;
    my ($key) = splice @keys, 0, 1;

    is($a->register($client, set_of($key, 'first'))->status, 201, 'registered');
    is(outcome($a->register($client, set_of($key, 'first'))), '400 key_id_taken',        'both again: the keyId is named');
    is(outcome($a->register($client, set('first'))),          '400 key_id_taken',        'the keyId with another key');
    is(outcome($a->register($client, set_of($key, 'second'))), '409 key_material_in_use', 'the key under another keyId');
    is($a->revoke($client, 'first')->status, 200, 'revoked');
    is(outcome($a->register($client, set_of($key, 'first'))), '400 key_id_taken',        'both after the revoke');
    is(outcome($a->register($client, set('first'))),          '400 key_id_taken',        'the keyId after the revoke');
    is(outcome($a->register($client, set_of($key, 'second'))), '409 key_material_in_use', 'the key after the revoke');
    is(outcome($a->register($client, set_of({ %{$key}, use => 'sig', alg => 'EdDSA' }, 'second'))),
        '409 key_material_in_use', 'the key in other words');
    is($other->register($client, set_of($key, 'first'))->status, 201, 'another enterprise may use both');
    is($a->register($client, set('second'))->status, 201, 'a keyId that was refused is not used up');
    is(rows('once'), 2, 'two rows');
    consistent('once');

    my ($mine, $theirs) = map { $_->get($client, '/first')->json } $a, $other;
    is($mine->{status},   'REVOKED', 'the one is revoked');
    is($theirs->{status}, 'ACTIVE',  'the other is not');
    isnt($mine->{id}, $theirs->{id}, 'they are two');
};

subtest 'byte for byte' => sub {
    my $a = WHK::Admins->new($server, 'bytes', 1)->codes_work_again;
    my @names = (
        'key', 'KEY', 'Key', "\x{212A}ey", "k\x{e9}y", "ke\x{301}y", 'key.', 'key%20', 'key+', 'key%', 'key/', '/key', 'key~',
        'k ey', "k\x{a0}ey", "k\x{200b}ey", "key\x{200b}", "\x{feff}key", "key\x{ad}", "\x{ff4b}ey", '0', '00', '0.0', '1e0', '...', "\x{1f511}",
        "k'ey", 'k"ey', 'k\\ey', 'k%ey', 'k_ey', 'null', "\x{df}", 'ss', "\x{130}", "i\x{307}", "\x{fb01}", 'fi'
    );

    for my $name (@names) {
        is(outcome($a->register($client, set($name))), '201', 'registered: ' . encode_utf8($name));
    }
    is(rows('bytes'), scalar @names, 'each is another');
    my @wrong = grep { my $r = $a->get($client, '/' . escaped($_)); $r->status != 200 || $r->json->{keyId} ne $_ } @names;
    is(scalar @wrong, 0, 'each is found under its own name');
    is(scalar(grep { outcome($a->register($client, set($_))) ne '400 key_id_taken' } @names), 0, 'each is taken');
    is($a->revoke($client, escaped('KEY'))->status, 200, 'one is revoked');
    is($a->get($client, '/key')->json->{status}, 'ACTIVE', 'its neighbour is not');
    is($a->get($client, '/kEY')->status, 404, 'a spelling that nobody registered');
    is(rows('bytes', "status = 'REVOKED'"), 1, 'exactly one');
    consistent('bytes');
};

for my $mpm (qw(event prefork)) {
    $server->stop;
    $server->write_conf(mpm => $mpm, children => $mpm eq 'event' ? 4 : 8, threads => 8);
    $server->start;
    $client = WHK::Client->new($server->port);

    subtest "races, $mpm" => sub {
        cmp_ok($server->wait_for_children(4), '>=', 4, 'at least four processes');
        my $a = WHK::Admins->new($server, "race-$mpm", 4)->codes_work_again;
        my $e = "race-$mpm";

        for my $round (1 .. 3) {
            my @bodies = map { set("same-$round") } 1 .. $many;
            my @got = WHK::Parallel::run(map { my $body = $_; sub { outcome($a->register(WHK::Client->new($server->port), $body)) } } @bodies);
            is_deeply(tally(@got), { '201' => 1, '400 key_id_taken' => $many - 1 }, "round $round: one keyId, $many keys");
            is(rows($e, "key_id = 'same-$round'"), 1, 'one row');

            my ($key) = splice @keys, 0, 1;
            @got = WHK::Parallel::run(map { my $n = $_; sub { outcome($a->register(WHK::Client->new($server->port), set_of($key, "alias-$round-$n"))) } } 1 .. $many);
            is_deeply(tally(@got), { '201' => 1, '409 key_material_in_use' => $many - 1 }, "round $round: one key, $many keyIds");
            is(rows($e, "key_id LIKE 'alias-$round-%'"), 1, 'one row');

            ($key) = splice @keys, 0, 1;
            @got = WHK::Parallel::run(map { sub { outcome($a->register(WHK::Client->new($server->port), set_of($key, "both-$round"))) } } 1 .. $many);
            is_deeply(tally(@got), { '201' => 1, '400 key_id_taken' => $many - 1 }, "round $round: one keyId, one key");
        }
        for my $round (1 .. 8) {
            $a->register($client, set("short-lived-$round"));
            my @got = WHK::Parallel::run(map { sub { outcome($a->revoke(WHK::Client->new($server->port), "short-lived-$round")) } } 1 .. 2);
            is_deeply([ sort @got ], [ '200', '409 key_already_revoked' ], "two revokes at once, $round");
        }
        $a->register($client, set('torn'));
        my ($other) = splice @keys, 0, 1;
        my @got = WHK::Parallel::run(
            map { ($_ % 2)
                  ? sub { 'revoke ' . outcome($a->revoke(WHK::Client->new($server->port), 'torn')) }
                  : sub { 'register ' . outcome($a->register(WHK::Client->new($server->port), set_of($other, 'torn'))) } } 1 .. $many
        );
        is_deeply(
            tally(@got),
            { 'revoke 200' => 1, 'revoke 409 key_already_revoked' => $many / 2 - 1, 'register 400 key_id_taken' => $many / 2 },
            'revoking and registering anew at once'
        );
        consistent($e);
    };
}

subtest 'quota' => sub {
    $server->stop;
    $server->write_conf(children => 4, threads => 8, location => 'WebhookKeysMaxActive 3');
    $server->start;
    $client = WHK::Client->new($server->port);
    my $a   = WHK::Admins->new($server, 'quota', 2)->codes_work_again;
    my ($first) = splice @keys, 0, 1;

    is($a->register($client, set_of($first, 'one'))->status, 201, 'the first');
    is($a->register($client, set('two'))->status,   201, 'the second');
    is($a->register($client, set('three'))->status, 201, 'the third');
    my $r = $a->register($client, set('four'));
    is(outcome($r), '409 active_key_limit', 'the fourth');
    like($r->message, qr/\b3\b.*revoke/, 'which tells how many, and what to do');
    is(outcome($a->register($client, set('one'))), '400 key_id_taken', 'a keyId that is taken comes before it');
    is(outcome($a->register($client, set_of($first, 'five'))), '409 key_material_in_use', 'so does a key in use');
    is($a->revoke($client, 'two')->status, 200, 'one revoked');
    is($a->register($client, set('four'))->status, 201, 'makes place for the fourth');
    is(outcome($a->register($client, set('five'))), '409 active_key_limit', 'and for no more');
    is($a->revoke($client, $_)->status, 200, "$_ revoked") for qw(one three);

    my @bodies = map { set("crowd-$_") } 1 .. $many;
    my @got = WHK::Parallel::run(map { my $body = $_; sub { outcome($a->register(WHK::Client->new($server->port), $body)) } } @bodies);
    is_deeply(tally(@got), { '201' => 2, '409 active_key_limit' => $many - 2 }, "$many at once for two places");
    is($server->sql("SELECT active_keys FROM whk_enterprise WHERE enterprise_id = 'quota'"), 3, 'as many as may be');
    is(rows('quota', "status = 'ACTIVE'"), 3, 'and no more');
    consistent('quota');

    $server->stop;
    $server->write_conf(children => 2, location => 'WebhookKeysMaxActive 1');
    $server->start;
    $client = WHK::Client->new($server->port);
    is($a->get($client)->json->{total}, rows('quota'), 'a lower limit revokes nothing');
    is(outcome($a->register($client, set('six'))), '409 active_key_limit', 'but lets none in');
};

subtest 'many enterprises at once' => sub {
    $server->stop;
    $server->write_conf(children => 4, threads => 8);
    $server->start;
    my ($enterprises, $each) = (8, 8);
    my @admins = map { WHK::Admins->new($server, "crowd-$_", 1)->codes_work_again } 1 .. $enterprises;
    # The same keyIds and the same keys in each.
    my @bodies = map { set("key-$_") } 1 .. $each;
    my @got = WHK::Parallel::run(
        map {
            my $a = $_;
            sub {
                my $c = WHK::Client->new($server->port);
                my @outcomes = map { outcome($a->register($c, $_)) } @bodies;
                push @outcomes, 'revoke ' . outcome($a->revoke($c, 'key-1'));
                return join ', ', @outcomes;
            }
        } @admins
    );
    is_deeply(tally(@got), { join(', ', ('201') x $each, 'revoke 200') => $enterprises }, 'none is in another\'s way');
    consistent("crowd-$_") for 1 .. $enterprises;
};

unlike($server->error_log, qr/\b(?:store_unavailable|internal_error|exit signal)/, 'nothing broke meanwhile');
done_testing;
