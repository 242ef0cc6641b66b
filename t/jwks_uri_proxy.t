# SPDX-License-Identifier: Apache-2.0
# jwksUris through an egress proxy that the operator names, and never through one that the environment names.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use WHK::Fetching;
use WHK::Keys;
use WHK::Origin;

my $json   = JSON::PP->new->utf8->canonical;
my $set    = WHK::Origin::serve('set.json', $json->encode({ keys => [ map { WHK::Keys::jwk('ed25519', kid => "k$_") } 1 .. 9 ] }));
my $host   = 'good.keys.test';
my $origin = WHK::Origin->new;
my $plain  = WHK::Origin->new(cert => undef);
my $proxy  = WHK::Origin->proxy('127.0.0.1:' . $origin->port);

# What the environment may say of proxies, in every spelling.
sub environment {
    my $url = shift;
    return map { ($_ => $url, uc $_ => $url) } qw(http_proxy https_proxy all_proxy);
}

subtest 'a proxy of the environment is not used' => sub {
    my $f = WHK::Fetching->new(
        enterprise => 'environment', admins => 3, allow => "127.0.0.1 $host", names => { $host => '127.0.0.1' },
        env => { environment('http://127.0.0.1:' . $proxy->port) }
    );
    is($f->register($origin->uri($host, $set), 'k1')->status, 201, 'https');
    is($f->register($plain->http_uri($host, $set), 'k2')->status, 201, 'http');
    is($f->register($origin->uri('127.0.0.2', $set), 'k3')->code, 'jwks_uri_refused', 'the guard judges');
    is(scalar(my @lines = $proxy->lines('connect')), 0, 'nobody came to the proxy');
    is($origin->connections, 1, 'but to the origin');
};

my $f = WHK::Fetching->new(
    enterprise => 'proxy', admins => 20, timeout => 2, before => 'WebhookKeysProxy http://127.0.0.1:' . $proxy->port,
    names => { $host => '10.0.0.1', 'inside.keys.test' => '127.0.0.1' }, env => { no_proxy => '*', NO_PROXY => '*' }
);

sub asked { return join ' ', $proxy->lines('connect') }

subtest 'the proxy of the directive is used' => sub {
    my $before = $origin->connections;
    my $r      = $f->register("https://$host:8443$set", 'k1');
    is($r->status, 201, 'by CONNECT, whatever the name is here, and NO_PROXY says') or diag $r->body;
    is(asked(), "$host:8443", 'it was asked for host and port');
    $r = $f->register("https://GOOD.keys.test.:8443$set", 'k2');
    is($r->status, 201, 'again') or diag $r->body;
    like(asked(), qr/^($host:8443 ?)+$/, 'in the one spelling that was judged');
    $r = $f->register("https://$host$set", 'k3');
    is($r->status, 201, 'the port of https') or diag $r->body;
    like(asked(), qr/ \Q$host\E:443$/, 'is told');
    is($f->register("https://$host:8443$set", 'nobody')->code, 'jwks_uri_no_such_key', 'sets are judged as ever');
    is($f->register("https://$host:8443/status/500", 'k4')->code, 'jwks_uri_unreachable', 'and answers');
    is($f->register("https://other.example$set", 'k4')->code, 'jwks_uri_unreachable', 'and certificates');
    my $slow = $f->register("https://$host/hang", 'k4');
    is($slow->code, 'jwks_uri_unreachable', 'and time');
    cmp_ok($slow->{seconds}, '<', 4, '... which it is bound to');
    ok($origin->connections > $before, 'the tunnel led to the origin');
};

subtest 'what the proxy is never asked for' => sub {
    my $before = asked();
    my @hosts  = (
        qw(127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 127.0.0.1. 0.0.0.0 0 10.0.0.1 169.254.169.254 192.168.0.1), '[::1]',
        '[::]', '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]', '[fe80::1]', '[fd00::1]', 'localhost',
        'localhost.', 'LOCALHOST', 'a.localhost', 'a.b.LocalHost.'
    );
    my %answers;
    for my $name (@hosts) {
        my $r = $f->register("https://$name:8443$set", 'k5');
        is($r->code, 'jwks_uri_refused', "https://$name") or diag $r->body;
        (my $body = $r->body) =~ s/"requestId":"[^"]*"//;
        $answers{$body}++;
        cmp_ok($r->{seconds}, '<', 1, '... at once');
    }
    is(scalar keys %answers, 1, 'one answer for all');
    is($f->register($_, 'k5')->code, 'invalid_jwks_uri', $json->encode([$_]))
      for "http://$host$set", "ftp://$host/", "https://a\@$host/", "https://$host\r\nX: y/", "https://$host:443\r\n\r\n/", "https://$host%0d%0a:443/";
    is(asked(), $before, 'none of them reached it');
};

subtest 'what the proxy refuses' => sub {
    my $r = $f->register("https://denied.keys.test$set", 'k5');
    is($r->code, 'jwks_uri_refused', 'is refused') or diag $r->body;
    like(asked(), qr/denied\.keys\.test:443/, 'by the proxy');
    like($f->server->error_log, qr/denied\.keys\.test was refused: the proxy answered with status 403/, 'which the operator learns');
    unlike($r->message, qr/403|proxy/, 'and the caller does not');
};

subtest 'a proxy that is away' => sub {
    my $before = $origin->connections;
    $proxy->stop;
    my $r = $f->register("https://fresh.keys.test$set", 'k5');
    is($r->code, 'internal_error', 'is our fault') or diag $r->body;
    like($f->server->error_log, qr/WHK0302: the proxy can't be connected to: see WebhookKeysProxy.*\(internal_error\)/, 'and the operator learns it');
    unlike($r->body, qr/proxy|127\.0/, 'the caller does not');
    is($origin->connections, $before, 'and nothing goes past it');
};

done_testing;
