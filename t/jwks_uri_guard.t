# SPDX-License-Identifier: Apache-2.0
# What a jwksUri may lead to: whatever the spelling, the names and their answers, nothing is sent to an address that is
# refused, and what is answered tells nothing about it.
use strict;
use warnings;
use IO::Socket::IP;
use JSON::PP;
use List::Util qw(min);
use Test::More;
use WHK::Fetching;
use WHK::Keys;
use WHK::Origin;

my $json = JSON::PP->new->utf8->canonical;
my $set  = WHK::Origin::serve('set.json', $json->encode({ keys => [ map { WHK::Keys::jwk('ed25519', kid => "k$_") } 1 .. 9 ] }));

# Listeners with a good certificate and the set, on one port of each address: what gets through is seen twice, as a
# connection and as a 201.
my $one    = WHK::Origin->new;
my $two    = WHK::Origin->new(host => '127.0.0.2', port => $one->port);
my @inside = ($one, $two);
my $six    = IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1);
push @inside, WHK::Origin->new(host => '::1', port => $one->port) if $six;
my $plain = WHK::Origin->new(cert => undef);
push @inside, $plain;
my ($open, $closed) = ($one->port, WHK::Server::free_port());

my %names = (
    'good.keys.test'        => '127.0.0.1',
    'good-first.keys.test'  => '127.0.0.1 127.0.0.2',
    'good-last.keys.test'   => '127.0.0.2 127.0.0.1',
    'good-and-six.keys.test' => '127.0.0.1 ::1',
    'six-and-good.keys.test' => '::1 127.0.0.1',
    'good-and-private.keys.test' => '127.0.0.1 10.0.0.1',
    'both-good.keys.test'   => '127.0.0.3 127.0.0.1',
    'inside.keys.test'      => '127.0.0.2',
    'metadata.keys.test'    => '169.254.169.254',
    'private.keys.test'     => '10.0.0.1',
    'mapped.keys.test'      => '::ffff:127.0.0.1',
    'six.keys.test'         => '::1',
    'missing.keys.test'     => 'missing',
    'slow.keys.test'        => 'sleep=6 127.0.0.1',
    'xn--bcher-kva.keys.test' => '127.0.0.2',
);

sub connections { my $sum = 0; $sum += $_->connections for @inside; return $sum }

# The lines of the error log that tell of this answer.
sub log_lines {
    my ($f, $r) = @_;
    my $id = $r->json->{requestId};
    return grep { /\Q$id\E/ } split /\n/, $f->server->error_log;
}

# An answer as a caller sees it, without what differs by rights.
sub seen {
    my $r    = shift;
    my $text = $r->head . "\n" . $r->body;
    $text =~ s/"requestId":"[^"]*"/"requestId":""/;
    $text =~ s/^Date:.*\r\n//m;
    return $text;
}

my $refusal;    # the one answer

# In at most so many seconds, the one answer, and one line in the log for the operator.
sub refused {
    my ($f, $uri, $reason, $most) = @_;
    my $r = $f->register($uri, 'k1');
    is($r->code, 'jwks_uri_refused', "$uri is refused") or diag $r->body;
    $refusal //= seen($r);
    is(seen($r), $refusal, '... as all are');
    cmp_ok($r->{seconds}, '<', $most // 1, '... soon');
    my @lines = log_lines($f, $r);
    is(scalar @lines, 1, '... and logged once');
    like($lines[0], $reason, '... with address and reason') if $reason;
    return $r;
}

my $strict = WHK::Fetching->new(enterprise => 'strict', admins => 40, timeout => 1, names => \%names);

subtest 'spellings of an address inside' => sub {
    my $loopback = qr/127\.0\.0\.[12]\b.*loopback, RFC 1122/;
    my @rows = (
        [ '127.0.0.1',    $loopback ], [ '127.0.0.2',      $loopback ], [ '127.0.0.1.',     $loopback ],
        [ '127.1',        $loopback ], [ '127.0.1',        $loopback ], [ '2130706433',     $loopback ],
        [ '2130706433.',  $loopback ], [ '0x7f000001',     $loopback ], [ '0X7F.0.0.1',     $loopback ],
        [ '0x7f.0x0.0x0.0x1', $loopback ], [ '0177.0.0.1', $loopback ], [ '0177.0.0.01',    $loopback ],
        [ '017700000001', $loopback ], [ '127.0x000001',   $loopback ], [ '00000177.1',     $loopback ],
        [ '0.0.0.0',      qr/unspecified/ ], [ '0',        qr/unspecified/ ], [ '0x0',      qr/unspecified/ ],
        [ '0.0.0.1',      qr/unspecified/ ], [ '256', qr/0\.0\.1\.0.*unspecified/ ], [ '255.255.255.255', qr/broadcast/ ],
        [ '[::]',         qr/ :: .*unspecified/ ], [ '[::1]', qr/ ::1 .*loopback, RFC 4291/ ],
        [ '[0:0:0:0:0:0:0:1]', qr/ ::1 .*loopback/ ], [ '[0000::0001]', qr/ ::1 .*loopback/ ],
        [ '[::ffff:127.0.0.1]', qr/IPv4-mapped/ ],  [ '[::FFFF:7F00:1]',     qr/IPv4-mapped/ ],
        [ '[::127.0.0.1]',      qr/IPv4-compatible/ ], [ '[::ffff:0:127.0.0.1]', qr/IPv4-translated/ ],
        [ '[64:ff9b::7f00:1]',  qr/NAT64/ ], [ '[64:ff9b::127.0.0.1]', qr/NAT64/ ], [ '[64:ff9b:1::7f00:1]', qr/NAT64/ ],
        [ '[2002:7f00:1::]',    qr/6to4/ ],  [ '[2001:0:7f00:1::1]',   qr/Teredo/ ],
        [ '[2606:4700::5efe:7f00:1]', qr/ISATAP/ ], [ '[fe80::1]', qr/link-local/ ], [ '[fd00::1]', qr/unique-local/ ],
        [ '10.0.0.1',     qr/RFC 1918/ ], [ '172.16.0.1',  qr/RFC 1918/ ], [ '192.168.1.1', qr/RFC 1918/ ],
        [ '169.254.169.254', qr/cloud metadata/ ], [ '100.64.0.1', qr/RFC 6598/ ], [ '198.18.0.1', qr/benchmarking/ ],
        [ '192.0.2.1',    qr/documentation/ ], [ '224.0.0.1', qr/multicast/ ], [ '[fd00:ec2::254]', qr/cloud metadata/ ],
        [ '168.63.129.16', qr/Azure/ ],
    );
    my $before = connections();
    for my $row (@rows) {
        my ($host, $reason) = @$row;
        refused($strict, "https://$host:$_$set", $reason) for $open, $closed;
    }
    refused($strict, 'https://127.0.0.1:22/', $loopback);
    refused($strict, 'https://127.0.0.1:25/', $loopback);
    refused($strict, 'https://127.0.0.1:6379/', $loopback);
    refused($strict, 'https://127.0.0.1/', $loopback);
    is(connections(), $before, 'nothing was sent');
};

subtest 'addresses of this machine' => sub {
    # What leads out of here; without a network there is none.
    my $probe = IO::Socket::IP->new(PeerHost => '198.51.100.1', PeerPort => 9, Proto => 'udp');
    my $own   = $probe && $probe->sockhost;
    plan skip_all => 'no address but loopback' if !$own || $own =~ /^127/;
    my $listener = IO::Socket::IP->new(LocalHost => $own, LocalPort => 0, Listen => 5);
    refused($strict, "https://$own:" . $listener->sockport . $set, undef);
    ok(!IO::Select->new($listener)->can_read(0.1), 'nothing was sent');
};

subtest 'names' => sub {
    my $before = connections();
    my @rows   = (
        [ 'localhost',   qr/loopback/ ], [ 'localhost.', qr/loopback/ ], [ 'LocalHost', qr/loopback/ ],
        [ 'inside.keys.test', qr/127\.0\.0\.2, which is in 127\.0\.0\.0\/8: loopback/ ],
        [ 'INSIDE.keys.test.', qr/loopback/ ], [ 'good.keys.test', qr/loopback/ ],
        [ 'good-first.keys.test', qr/loopback/ ], [ 'six.keys.test', qr/::1, which is in ::1\/128/ ],
        [ 'mapped.keys.test', qr/127\.0\.0\.1|mapped/ ], [ 'private.keys.test', qr/10\.0\.0\.1, which .*RFC 1918/ ],
        [ 'metadata.keys.test', qr/169\.254\.169\.254, which .*metadata/ ], [ 'xn--bcher-kva.keys.test', qr/loopback/ ],
    );
    for my $row (@rows) {
        my ($host, $reason) = @$row;
        refused($strict, "https://$host:$_$set", $reason) for $open, $closed;
    }
    refused($strict, "https://missing.keys.test:$open$set", qr/missing\.keys\.test was refused/);
    refused($strict, "https://no-such-name.invalid:$open$set", qr/no-such-name\.invalid was refused/, 3);
    refused($strict, "https://slow.keys.test:$open$set", qr/slow\.keys\.test was refused/, 3);
    is(connections(), $before, 'nothing was sent');
};

subtest 'no oracle in time' => sub {
    my %spent;
    for my $host ('127.0.0.1', 'inside.keys.test', 'missing.keys.test', 'private.keys.test') {
        for my $port ($open, $closed, 443) {
            push @{ $spent{$host} }, min(map { $strict->register("https://$host:$port$set", 'k1')->{seconds} } 1 .. 2);
        }
    }
    cmp_ok($_, '<', 0.2, 'an address: at once, whatever the port') for @{ $spent{'127.0.0.1'} };
    for my $host (grep { /test/ } sort keys %spent) {
        ok($_ > 0.24 && $_ < 0.49, "$host: after the first step") or diag $_ for @{ $spent{$host} };
    }
};

subtest 'what is no URI for us' => sub {
    my @hosts = (
        '127.0.0.1%00.keys.test', '127.0.0.1%2e', '127%2e0.0.1', '%3127.0.0.1', '[::1%25lo]', '[::1%lo]', '[fe80::1%25eth0]',
        '[::1', '::1', '[127.0.0.1]', '[]', '[::1]x', '[::ffff:0x7f.1]', '127.0.0.256', '127.0.0.0.1', '0x', '0x1ffffffff',
        '1.2.3.09', '4294967296', "b\x{fc}cher.keys.test", "\x{2460}\x{2461}\x{2466}.0.0.1", "127\x{3002}0\x{3002}0\x{3002}1",
        "\x{ff11}27.0.0.1", "good.keys.test\x{ad}", 'good..keys.test', '.good.keys.test', '-good.keys.test', 'good.keys.test..', '.', '..',
        'a' x 64 . '.keys.test', join('.', ('a' x 60) x 5), 'good.keys.test,127.0.0.1', 'good;.keys.test', '*.keys.test', '(127.0.0.1)',
        "good.keys.test'", '$HOST', '{127.0.0.1}', '127.0.0.1|x', '0x7f.0.0.1.g%', '!', '127.0.0.1&good.keys.test',
    );
    my @uris = (
        (map { "https://$_:$open$set" } @hosts),
        "http://127.0.0.1:$open$set", $plain->http_uri('127.0.0.1', $set), $plain->http_uri('good.keys.test', $set),
        (map { "$_://127.0.0.1:$open$set" } qw(file gopher ftp ftps ldap dict smtp telnet tftp sftp scp ws wss unix data javascript httpsx xhttps)),
        'file:///etc/passwd', "file://127.0.0.1/etc/passwd", 'data:application/json,{}', "gopher://127.0.0.1:$open/_GET",
        "//127.0.0.1:$open$set", "/$set", 'jwks.json', "https:$set", "https:/127.0.0.1:$open$set", "https:127.0.0.1:$open$set", 'https://',
        "https:///127.0.0.1:$open$set", "https:////127.0.0.1:$open$set", "https://:$open$set", "https:\\\\127.0.0.1:$open$set",
        "https://?127.0.0.1", "https://#127.0.0.1", "HTTPS//127.0.0.1", "url:https://127.0.0.1:$open$set", "<https://127.0.0.1:$open$set>",
        "https://user\@127.0.0.1:$open$set", "https://user:password\@127.0.0.1:$open$set", "https://\@127.0.0.1:$open$set",
        "https://good.keys.test\@127.0.0.1:$open$set", "https://good.keys.test:80\@127.0.0.1:$open$set",
        "https://127.0.0.1:$open\@good.keys.test:$open$set", "https://good.keys.test\\\@127.0.0.1:$open$set",
        "https://good.keys.test:$open\\.127.0.0.1$set", "https://127.0.0.1:$open\\$set", "https://good.keys.test#\@127.0.0.1:$open$set",
        "https://good.keys.test:$open$set#", "https://good.keys.test:$open$set#fragment", "https://good.keys.test:$open#$set",
        (map { "https://good.keys.test:$_$set" } '', 0, '00', 65536, 99999, 123456, 4294967739, '18446744073709552059', -1, '+443', '0x1bb',
            "$open ", " $open", "$open:$open", '443a', "%34%34%33", "\x{ff14}43", '4e2', '80,443'),
        " https://good.keys.test:$open$set", "https://good.keys.test:$open$set ", "https://good.keys.test:$open/a b", "https://good .keys.test:$open/",
        (map { ("https://good.keys.test:$open/a${_}b", "https://good.keys${_}.test:$open$set", "${_}https://good.keys.test:$open$set") }
            "\t", "\n", "\r", "\r\n", "\x01", "\x1f", "\x7f", "\x{80}", "\x{85}", "\x{a0}", "\x{2028}", "\x{feff}", '\\', '"', '<', '^', '`', '{', '|'),
        "https://good.keys.test:$open/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", "https://good.keys.test:$open/%", "https://good.keys.test:$open/%g0",
        "https://good.keys.test:$open/%0", "https://good.keys.test:$open/[1-9]", "https://good.keys.test:$open/?[]", "https://{good,127}.keys.test/",
    );
    my $before = connections();
    for my $uri (@uris) {
        my $r    = $strict->register($uri, 'k1');
        my $name = $json->encode([$uri]);
        is($r->code, 'invalid_jwks_uri', $name) or diag $r->body;
        like($r->message, qr/^jwksUri must /, '... and why');
    }
    is(connections(), $before, 'nothing was sent');
};

my $f = WHK::Fetching->new(enterprise => 'allowing', admins => 20, timeout => 1, allow => '127.0.0.1', names => \%names, children => 1);

sub untouched {
    my ($before, $name) = @_;
    is(connections(), $before, $name // 'nothing was sent');
    return;
}

subtest 'a name with good and forbidden addresses' => sub {
    my $before = connections();
    refused($f, "https://$_:$open$set", qr/has the address (?:127\.0\.0\.2|::1|10\.0\.0\.1), which is in/)
      for map { "$_.keys.test" } qw(good-first good-last good-and-six six-and-good good-and-private inside);
    refused($f, "https://good-first.keys.test:$closed$set");
    untouched($before, 'nothing was sent, to the good ones neither');
};

subtest 'a redirect' => sub {
    for my $to ("https://127.0.0.2:$open$set", "https://127.0.0.1:$open$set", $plain->http_uri('127.0.0.2', $set), "//127.0.0.2:$open$set", $set, 'file:///etc/passwd') {
        my @before = map { $_->connections } @inside;
        my $r      = $f->register($one->uri('good.keys.test', "/redirect?$to"), 'k1');
        is($r->code, 'jwks_uri_unreachable', "to $to: not followed");
        like($r->message, qr/redirects are not followed/, '... and told so');
        $before[0] = $one->connections;
        is_deeply([map { $_->connections } @inside], \@before, '... nor is what it leads to');
    }
    is(scalar(grep { !m{^GET /redirect} } $one->lines('request')), 0, 'nothing but the redirects was asked for');
};

subtest 'exceptions are for what they name' => sub {
    my $before = connections() - $one->connections;
    my $r      = $f->register($one->uri('good.keys.test', $set), 'k1');
    is($r->status, 201, 'the address that is allowed') or diag $r->body;
    refused($f, $_) for $two->uri('127.0.0.2', $set), "https://[::ffff:127.0.0.1]:$open$set", "https://[::1]:$open$set", $one->uri('inside.keys.test', $set);
    is(connections() - $one->connections, $before, 'no other was touched');
    $r = $f->register($one->uri('0x7f.1', $set), 'k2');
    is($r->status, 201, 'in whatever spelling') or diag $r->body;
    $r = $f->register("https://GOOD.Keys.Test.:$open$set", 'k3');
    is($r->status, 201, 'a name in capitals and with its dot') or diag $r->body;
    is($r->json->{jwksUri}, "https://GOOD.Keys.Test.:$open$set", '... and is kept as it was given');
};

subtest 'lengths' => sub {
    my $uri = $one->uri('good.keys.test', "$set?");
    my $r   = $f->register($uri . 'a' x (2048 - length $uri), 'k4');
    is($r->status, 201, '2048 bytes') or diag $r->body;
    $r = $f->register($uri . 'a' x (2049 - length $uri), 'k5');
    is($r->code, 'invalid_jwks_uri', '2049 bytes');
    $r = $f->register($uri . 'a' x 40_000, 'k5');
    is($r->code, 'invalid_jwks_uri', '40000 bytes');
};

# Names that answer differently the second time: libcurl asks anew for another port, as it does after a minute.
subtest 'a second answer that is forbidden' => sub {
    $f->names({ %names, 'rebound.keys.test' => [ '127.0.0.1', '127.0.0.2' ], 'back.keys.test' => [ '127.0.0.2', '127.0.0.1' ] });
    my $before = $two->connections;
    my $r      = $f->register($one->uri('rebound.keys.test', $set), 'k5');
    is($r->status, 201, 'the first is good') or diag $r->body;
    refused($f, "https://rebound.keys.test:$closed$set", qr/127\.0\.0\.2/);
    is($f->register($one->uri('rebound.keys.test', $set), 'k6')->status, 201, 'the first, still known, has a good address');
    refused($f, $one->uri('back.keys.test', $set), qr/127\.0\.0\.2/);
    refused($f, $one->uri('back.keys.test', $set), qr/127\.0\.0\.2/);
    is($two->connections, $before, 'nothing was sent');
};

# Each look-up is a new one: what the guard judged first is not what is connected to.
subtest 'an answer that changes between judging and connecting' => sub {
    my $forgetful = WHK::Fetching->new(
        enterprise => 'forgetful', admins => 3, timeout => 1, allow => '127.0.0.1', preload => ['forgetful_clock.c'], children => 1,
        names => {
            'rebound.keys.test' => [ '127.0.0.1', '127.0.0.2' ], 'mixed.keys.test' => [ '127.0.0.1', '127.0.0.1 127.0.0.2' ],
            'six.keys.test' => [ '127.0.0.1', '::1' ], 'steady.keys.test' => '127.0.0.1',
            'gone.keys.test' => [ '127.0.0.1', 'missing' ], 'third.keys.test' => [ '127.0.0.1', '127.0.0.1', '127.0.0.2' ]
        }
    );
    my $before = $two->connections;
    refused($forgetful, $one->uri('rebound.keys.test', $set), qr/127\.0\.0\.2/);
    refused($forgetful, $one->uri('six.keys.test', $set), qr/::1/);
    refused($forgetful, $one->uri('gone.keys.test', $set));
    my $r = $forgetful->register($one->uri('steady.keys.test', $set), 'k7');
    is($r->status, 201, 'a steady one is fetched') or diag $r->body;
    # With the good address first, the good one may be used before the other is met: never the other.
    $r = $forgetful->register($one->uri('mixed.keys.test', $set), 'k8');
    like($r->code // 'registered', qr/^(registered|jwks_uri_refused)$/, 'good and bad');
    $r = $forgetful->register($one->uri('third.keys.test', $set), 'k9');
    is($r->status, 201, 'good twice') or diag $r->body;
    refused($forgetful, $one->uri('third.keys.test', $set), qr/127\.0\.0\.2/);
    is($two->connections, $before, 'nothing was sent to the second answer');
};

subtest 'the trail' => sub {
    for my $row ([ $strict, 'strict' ], [ $f, 'allowing' ]) {
        my ($fetching, $enterprise) = @$row;
        my ($answered) = $fetching->server->sql("SELECT count(*) FROM whk_event WHERE enterprise_id = '$enterprise' AND type = 'key.registration_refused' AND detail = 'jwks_uri_refused'");
        my @logged = grep { /jwks_uri_refused/ } split /\n/, $fetching->server->error_log;
        is($answered, scalar @logged, "$enterprise: each refusal is in the trail and the log");
        cmp_ok($answered, '>', 10, '... and there were some');
        is(($fetching->server->ctl('audit', 'verify'))[0], 0, '... whose chain holds');
        unlike($fetching->server->error_log, qr/"kty"|"keys"/, 'the log has no byte of a document');
    }
};

done_testing;
