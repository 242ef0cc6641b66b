# SPDX-License-Identifier: Apache-2.0
# How long a fetch of a jwksUri may take, how much may come of it, how many run at once, and what works meanwhile.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Fetching;
use WHK::Keys;
use WHK::Origin;

my $json    = JSON::PP->new->utf8->canonical;
my $timeout = 1;
my @jwks    = map { WHK::Keys::jwk('ed25519', kid => "k$_") } 1 .. 20;
my $set     = WHK::Origin::serve('set.json', $json->encode({ keys => \@jwks }));
my $good    = WHK::Origin->new;
my $host    = 'good.keys.test';

# A system that would talk TLS 1.0: what is asked for here must not hang on the system.
my $lax = WHK::Origin::directory() . '/openssl.cnf';
open my $out, '>', $lax or die $!;
print $out "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT\@SECLEVEL=0\n";
close $out;

my $f = WHK::Fetching->new(
    enterprise => 'limits', admins => 20, allow => '127.0.0.0/8', timeout => $timeout,
    env => { OPENSSL_CONF => $lax },
    names => { $host => '127.0.0.1', 'slow.keys.test' => 'sleep=4 127.0.0.1', 'next.keys.test' => '127.0.0.3 127.0.0.1' }
);

# Refused so, and told why, within the time that a fetch may take.
sub refused {
    my ($uri, $code, $like, $name) = @_;
    my $r = $f->register($uri, 'my-key');
    is($r->code, $code, "$name: $code") or diag $r->body;
    like($r->message, $like, "$name: told why");
    cmp_ok($r->{seconds}, '<', $timeout + 2, "$name: in time");
    unlike($r->message, qr/127\.0\.0|body that nobody reads|hello|11qYAY/, "$name: no byte of what came");
    return $r;
}

subtest 'certificates' => sub {
    for my $row (
        [ 'expired',     [],            qr/certificate is not valid/ ],
        [ 'self-signed', [],            qr/certificate is not valid/ ],
        [ 'wrong-name',  [],            qr/certificate is not valid/ ],
        [ 'good',        ['--tls-1.1'], qr/TLS 1\.2 or newer/ ],
        [ undef,         [],            qr/TLS 1\.2 or newer/ ],
      )
    {
        my ($cert, $options, $like) = @$row;
        my $origin = WHK::Origin->new(cert => $cert, options => $options);
        my $name   = join ' ', $cert // 'no TLS', @$options;
        refused($origin->uri($host, $set), 'jwks_uri_unreachable', $like, $name);
        cmp_ok($origin->connections, '>', 0, "$name: it was asked");
        is(scalar(my @requests = $origin->lines('request')), 0, "$name: and no request sent");
    }
    refused($good->uri('127.0.0.3', $set), 'jwks_uri_unreachable', qr/can't be connected to/, 'nobody there');
    my $other = WHK::Origin->new(host => '127.0.0.4');
    refused($other->uri('127.0.0.4', $set), 'jwks_uri_unreachable', qr/certificate is not valid/, 'an address that it does not name');
};

subtest 'answers' => sub {
    my $unreachable = 'jwks_uri_unreachable';
    refused($good->uri($host, $_->[0]), $_->[1], $_->[2], $_->[0]) for
      (map { [ "/status/$_", $unreachable, qr/status $_, not 200/ ] } qw(201 202 203 204 205 206 400 401 403 404 407 410 429 500 503 599)),
      (map { [ "/status/$_", $unreachable, qr/redirects/ ] } qw(300 304 305)),
      [ '/large',         $unreachable, qr/larger than 65536 bytes/ ],
      [ '/large-chunked', $unreachable, qr/larger than 65536 bytes/ ],
      [ '/exact/65537',   $unreachable, qr/larger than 65536 bytes/ ],
      [ '/exact/65536',   'invalid_jwks', qr/not valid JSON/ ],
      [ '/exact/0',       'invalid_jwks', qr/not valid JSON/ ],
      [ '/gzip-bomb',     $unreachable, qr/larger than 65536 bytes/ ],
      [ '/gzip-nothing',  $unreachable, qr/larger than 65536 bytes/ ],
      [ '/gzip-broken',   $unreachable, qr/Content-Encoding/ ],
      [ '/html',          'invalid_jwks', qr/not valid JSON/ ],
      [ '/truncated',     $unreachable, qr/broke off/ ],
      [ '/close',         $unreachable, qr/broke off/ ],
      [ '/no-status',     $unreachable, qr/broke off/ ],
      [ '/many-headers',  $unreachable, qr/headers/ ],
      [ '/drip',          $unreachable, qr/in time/ ],
      [ '/drip-headers',  $unreachable, qr/in time/ ],
      [ '/hang',          $unreachable, qr/in time/ ];
    my $stalled = WHK::Origin->new(options => ['--stall']);
    refused($stalled->uri($host, '/'), $unreachable, qr/in time/, 'nobody shakes hands');
    refused($good->uri('slow.keys.test', $set), 'jwks_uri_refused', qr/public Internet/, 'a resolver that is slow');
    for my $path ('/gzip', '/interim', '/etag', '/weak-cache') {
        my $r = $f->register($good->uri($host, $path), 'my-key');
        like($r->code // 'registered', qr/^(registered|key_id_taken)$/, "$path is fetched") or diag $r->body;
    }
    is($f->register($good->uri('next.keys.test', $set), 'k1')->status, 201, 'the second address, where nobody is at the first');
};

sub registered {
    my ($r, $name) = @_;
    is($r->status, 201, $name) or diag $r->body;
    return;
}

sub hanging { my @lines = grep { $_ eq 'GET /hang' } $good->lines('request'); return scalar @lines }

# Start so many fetches that hang; a connection that is kept may be used, so requests are counted.
sub hang {
    my ($fetching, $count) = @_;
    my $before  = hanging();
    my @pending = map { $fetching->begin($good->uri($host, '/hang'), "hanging$_") } 1 .. $count;
    for (1 .. 200) {
        last if hanging() >= $before + $count;
        sleep 0.02;
    }
    is(hanging(), $before + $count, "$count fetches hang");
    return @pending;
}

# One connection to the database for all of the one child, so that a fetch that kept it would stop the rest.
my $busy = WHK::Fetching->new(
    enterprise => 'busy', admins => 12, allow => '127.0.0.1', timeout => 4, names => { $host => '127.0.0.1' }, children => 1,
    threads => 8, before => "WebhookKeysMaxFetches 8\nDBDMin 1\nDBDKeep 1\nDBDMax 1"
);

subtest 'while fetches hang' => sub {
    my $stalled = WHK::Origin->new(options => ['--stall']);
    my @hanging = ($busy->begin($stalled->uri($host, '/'), 'hanging'), hang($busy, 1));
    for (1 .. 100) { last if $stalled->connections }
    is($stalled->connections, 1, 'before and after the TLS handshake');
    my $start = time;

    my $r = $busy->register($good->uri($host, $set), 'k1');
    is($r->status, 503, 'one more than a quarter of WebhookKeysMaxFetches: 503') or diag $r->body;
    is($r->code, 'too_busy', 'too_busy');
    like($r->header('Retry-After') // '', qr/^[1-9]\d*$/, 'Retry-After');
    cmp_ok($r->{seconds}, '<', 1, 'at once');

    my $client = WHK::Client->new($busy->server->port);
    for (1 .. 5) {
        is($busy->admins->get($client)->status, 200, 'list');
        registered($busy->admins->register($client, { jwks => { keys => [ $jwks[ $_ + 10 ] ] } }), 'register inline');
    }
    is($busy->admins->revoke($client, 'k12')->status, 200, 'revoke');
    is(($busy->server->ctl('enterprise', 'add', 'meanwhile'))[0], 0, 'no lock on the database: whkctl writes');
    is($busy->server->sql(($busy->server->is_sqlite ? 'BEGIN IMMEDIATE; COMMIT' : 'UPDATE whk_enterprise SET revision = revision') . '; SELECT 1'), 1, "and so does the database's own client");
    cmp_ok(time - $start, '<', 2.5, 'all of that soon');
    ok(!IO::Select->new($_->{client}{socket})->can_read(0), 'while they hang') for @hanging;

    for my $r (map { $_->finish } @hanging) {
        is($r->code, 'jwks_uri_unreachable', 'they end') or diag $r->body;
        cmp_ok($r->{seconds}, '<', 6, 'in their time');
    }
    registered($busy->register($good->uri($host, $set), 'k1'), 'and others are fetched again');
    is($busy->server->sql("SELECT count(*) FROM whk_event WHERE detail = 'too_busy'"), 0, 'a 503 is no refusal in the trail');
};

subtest 'each of many fetches gives its place back' => sub {
    for my $round (1 .. 2) {
        for my $uri ($good->uri($host, '/status/500'), $good->uri('127.0.0.2', $set), 'https://no-such-host.invalid/', 'no URI', $good->uri($host, '/html')) {
            my $r = $busy->register($uri, 'k2');
            isnt($r->code, 'too_busy', 'has a place') or diag $uri;
        }
    }
    registered($busy->register($good->uri($host, $set), 'k2'), 'at the end too');
};

subtest 'a child that is killed gives its places back' => sub {
    my @hanging = hang($busy, 2);
    is($busy->register($good->uri($host, $set), 'k3')->code, 'too_busy', 'no place is left');
    my @old = $busy->server->children;
    kill KILL => @old;
    my $start = time;
    my $r;
    while (time - $start < 5) {
        sleep 0.1;
        $busy->client->close;
        $r = eval { $busy->register($good->uri($host, $set), 'k3') };
        last if $r && $r->status == 201;
    }
    registered($r // WHK::Response->new(''), 'a new child has places');
    cmp_ok(time - $start, '<', 3.5, 'before the time of the fetches was up');
    my @both = map { $busy->begin($good->uri($host, $set), "k$_") } 4, 5;
    is(scalar(grep { $_->finish->status == 201 } @both), 2, 'both of them');
    is(($busy->server->ctl('audit', 'verify'))[0], 0, 'and the trail is whole');
};

my $quarter = WHK::Fetching->new(
    enterprise => 'quarter', admins => 6, allow => '127.0.0.1', timeout => 2, names => { $host => '127.0.0.1' }, children => 2,
    threads => 6
);

subtest 'by default a quarter of the workers fetch' => sub {
    # Of 12 three: one for the background, and of the others one for each enterprise.
    my @hanging = hang($quarter, 1);
    is($quarter->register($good->uri($host, $set), 'k1')->code, 'too_busy', 'one enterprise, in all children together');
    is($_->finish->code, 'jwks_uri_unreachable', 'they end') for @hanging;
};

subtest 'a graceful restart and a stop during a fetch' => sub {
    my ($hanging) = hang($quarter, 1);
    $quarter->server->graceful;
    $quarter->client->close;
    registered($quarter->register($good->uri($host, $set), 'k1'), 'the new children fetch');
    my $r = $hanging->finish;
    is($r->code, 'jwks_uri_unreachable', 'the old one ends as it would have') or diag $r->body;
    hang($quarter, 1);
    my $start = time;
    $quarter->server->stop;
    cmp_ok(time - $start, '<', 8, 'httpd stops all the same');
    unlike($quarter->server->error_log, qr/Segmentation fault|Abort|sending a SIGKILL/, 'in peace');
};

done_testing;
