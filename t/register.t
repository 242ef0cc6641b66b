# SPDX-License-Identifier: Apache-2.0
# Registering (docs/api.md, "Register"): the members of the request, their types and defaults, the answer, the media type,
# the JSON and its size. What a JWK must be is in jwk.t, who may use a keyId in registry.t.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use POSIX qw(strftime);
use Time::HiRes qw(time);
use WHK::Admins;
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $server = WHK::Server->shared;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'register', 1)->codes_work_again;
my $keys   = $server->keys('register');
my %json   = ('Content-Type' => 'application/json');
my @pool   = WHK::Keys::many(200);

sub key { return { %{ shift @pool }, @_ } }
sub set { return WHK::Keys::jwks(key(@_)) }
sub text { return JSON::PP->new->utf8->canonical->encode(shift) }
sub post { my ($body, %headers) = @_; return $client->request(POST => $keys, { $admins->write, %json, %headers }, ref $body ? text($body) : $body) }
sub count { return $server->sql("SELECT count(*) FROM whk_key WHERE enterprise_id = 'register'") }

sub taken {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($r->status, 201, $name) || diag $r->body;
}

# RFC 7638, by hand.
sub thumbprint {
    my ($jwk) = @_;
    my %members = (OKP => [qw(crv kty x)], EC => [qw(crv kty x y)], RSA => [qw(e kty n)]);
    return encode_base64url(sha256('{' . join(',', map { qq("$_":"$jwk->{$_}") } @{ $members{ $jwk->{kty} } }) . '}'));
}

subtest 'the answer' => sub {
    my %algorithm = (ed25519 => 'EdDSA', p256 => 'ECDSA', p384 => 'ECDSA', p521 => 'ECDSA');
    for my $kind (sort keys %algorithm) {
        my $jwk   = WHK::Keys::jwk($kind, use => 'sig');
        my $begin = int(time * 1000);
        my $r     = post({ keyId => "answer $kind", keyName => "Schl\x{fc}ssel \x{1f511}", jwks => WHK::Keys::jwks($jwk) });
        my $end   = int(time * 1000) + 1;
        taken($r, $kind) or next;
        json_headers($r, '... headers');
        is($r->header('Location'), "$keys/answer%20$kind", '... Location');
        my $json = $r->json;
        like(delete $json->{id}, qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, '... id is a random UUID');
        my $created = delete $json->{createdDate};
        like($created, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '... createdDate');
        my ($low, $high) = map { strftime('%Y-%m-%dT%H:%M:%S', gmtime $_ / 1000) . sprintf '.%03dZ', $_ % 1000 } $begin, $end;
        ok($created ge $low && $created le $high, '... is now') or diag "$low $created $high";
        is_deeply(
            $json,
            { keyId => "answer $kind", keyName => "Schl\x{fc}ssel \x{1f511}", algorithm => $algorithm{$kind}, jwksUri => undef, status => 'ACTIVE', createdBy => 'admin1@register', thumbprint => thumbprint($jwk), revokesDate => undef },
            '... and nothing but these'
        );
        my $listed = $client->request(GET => $r->header('Location'), { $admins->read })->json;
        my %same   = %{ $r->json };
        is_deeply({ map { $_ => $listed->{$_} } keys %same }, \%same, '... is what the key says later');
    }
};

subtest 'keyId and keyName' => sub {
    my %named = (
        'kid alone'         => [{ jwks => set(kid => 'n1') }, 'n1', 'n1'],
        'keyId alone'       => [{ keyId => 'n2', jwks => set() }, 'n2', 'n2'],
        'both, equal'       => [{ keyId => 'n3', jwks => set(kid => 'n3') }, 'n3', 'n3'],
        'a name'            => [{ keyId => 'n4', keyName => 'Name', jwks => set() }, 'n4', 'Name'],
        'kid and a name'    => [{ keyName => 'Name', jwks => set(kid => 'n5') }, 'n5', 'Name'],
        'a name twice used' => [{ keyName => 'Name', jwks => set(kid => 'n6') }, 'n6', 'Name'],
        'null is absent'    => [{ keyId => undef, keyName => undef, jwksUri => undef, jwks => set(kid => 'n7') }, 'n7', 'n7'],
        'a name of dots'    => [{ keyName => '..', jwks => set(kid => 'n8') }, 'n8', '..'],
    );
    for my $name (sort keys %named) {
        my ($body, $key_id, $key_name) = @{ $named{$name} };
        my $r = post($body);
        taken($r, $name) or next;
        is_deeply([@{ $r->json }{qw(keyId keyName)}], [$key_id, $key_name], "... $name");
    }
    my $before = count();
    my $r = post({ jwks => set() });
    refused($r, 400, 'key_id_required', 'no name at all');
    like($r->message, qr/jwks\.keys\[0\]\.kid.*keyId/, '... says where one may be');
    refused(post({ keyId => undef, jwks => set() }), 400, 'key_id_required', 'keyId is null');
    for (['a', 'b'], ['a', 'A'], ["\x{e9}", "e\x{301}"], ['a', 'a/']) {
        $r = post({ keyId => $_->[0], jwks => set(kid => $_->[1]) });
        refused($r, 400, 'key_id_mismatch', text($_));
        like($r->message, qr/keyId.*jwks\.keys\[0\]\.kid/, '... names both');
    }
    $r = post({ jwksUri => 'https://keys.example.com/' });
    refused($r, 400, 'key_id_required', 'a jwksUri needs a keyId');
    is(count(), $before, 'nothing was registered');
};

subtest 'names that are good' => sub {
    my @good = (
        'x', 'x' x 255, "\x{1f511}" x 255, "\x{e9}" x 255, "\x{20ac}" x 255, 'a b', "a\x{a0}b", "a\x{3000}b", "\x{200b}x", "x\x{feff}", '...', '.x', '-', '%', '/', '"', '\\',
        "\x{10ffff}", "\x{fffe}", "\x{e000}", "\x{d7ff}", "\x{301}"
    );
    for my $name (@good) {
        my $r = post({ keyId => $name, keyName => $name, jwks => set() });
        my $label = length $name > 20 ? length($name) . ' characters' : JSON::PP->new->ascii->allow_nonref->encode($name);
        taken($r, $label) or next;
        is_deeply([@{ $r->json }{qw(keyId keyName)}], [$name, $name], '... as it was sent');
    }
};

subtest 'names that are not' => sub {
    my %bad = (
        'no string but a number' => [5, qr/string/], 'no string but true' => [JSON::PP::true, qr/string/], 'no string but an object' => [{}, qr/string/], 'no string but an array' => [['x'], qr/string/],
        'empty' => ['', qr/1 to 255/], '256 characters' => ['x' x 256, qr/1 to 255/], (map { sprintf('256 times U+%04X', $_) => [chr($_) x 256, qr/1 to 255/] } 0xe9, 0x20ac, 0x1f511),
        (map { sprintf('U+%04X within', $_) => ['a' . chr($_) . 'b', qr/control/] } 1, 9, 0x0a, 0x0d, 0x1f, 0x7f, 0x80, 0x85, 0x9f),
        (map { sprintf('U+%04X in front', $_) => [chr($_) . 'x', qr/white space/] } 0x20, 0xa0, 0x1680, 0x2000, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000),
        (map { sprintf('U+%04X behind', $_) => ['x' . chr($_), qr/white space/] } 0x20, 0xa0, 0x2003, 0x3000),
        'a space alone' => [' ', qr/white space/],
    );
    my $before = count();
    for my $name (sort keys %bad) {
        my ($value, $message) = @{ $bad{$name} };
        for my $member (qw(keyId keyName)) {
            my $r = post({ keyId => 'fine', jwks => set(), $member => $value });
            unshift @pool, $pool[0];
            refused($r, 400, 'invalid_request', "$member is $name");
            like($r->message, qr/^$member must .*$message/, '... says where, and what would be right');
        }
        my $r = post({ jwks => set(kid => $value) });
        refused($r, 400, 'invalid_jwks', "kid is $name");
        like($r->message, qr/^jwks\.keys\[0\]\.kid must .*$message/, '... says where, and what would be right');
    }
    for my $dots ('.', '..') {
        my $r = post({ keyId => $dots, jwks => set() });
        refused($r, 400, 'invalid_request', "keyId is $dots");
        like($r->message, qr/^keyId must not be/, '... says where');
        $r = post({ jwks => set(kid => $dots) });
        refused($r, 400, 'invalid_jwks', "kid is $dots");
        like($r->message, qr/^jwks\.keys\[0\]\.kid must not be/, '... says where');
    }
    refused(post(qq({"$_":"a\\u0000b","jwks":) . text(set(kid => 'fine')) . '}'), 400, 'invalid_json', "$_ with NUL") for qw(keyId keyName unknown);
    is(count(), $before, 'nothing was registered');
};

subtest 'members' => sub {
    my $jwks = text(set(kid => 'fine'));
    my %bad  = (
        'an array'               => ['[]',           qr/object/],
        'a string'               => ['"x"',          qr/object/],
        'a number'               => ['5',            qr/object/],
        'null'                   => ['null',         qr/object/],
        'an array of one'        => ["[{\"jwks\":$jwks}]", qr/object/],
        'no member'              => ['{}',           qr/jwks.*jwksUri/],
        'no member of ours'      => ['{"key":5}',    qr/jwks.*jwksUri/],
        'both null'              => ['{"jwks":null,"jwksUri":null,"keyId":"x"}', qr/jwks.*jwksUri/],
        'both'                   => ["{\"jwks\":$jwks,\"jwksUri\":\"https://a.example/\",\"keyId\":\"fine\"}", qr/jwks.*jwksUri/],
        'both, the set is empty' => ['{"jwks":{},"jwksUri":"https://a.example/","keyId":"fine"}', qr/jwks.*jwksUri/],
        'jwks is an array'       => ['{"jwks":[]}',  qr/^jwks must be an object/],
        'jwks is a string'       => [text({ jwks => $jwks }), qr/^jwks must be an object/],
        'jwks is a number'       => ['{"jwks":1}',   qr/^jwks must be an object/],
        'jwks is false'          => ['{"jwks":false}', qr/^jwks must be an object/],
        'jwksUri is an array'    => ['{"jwksUri":["https://a.example/"],"keyId":"x"}', qr/^jwksUri must be a string/],
        'jwksUri is an object'   => ['{"jwksUri":{},"keyId":"x"}', qr/^jwksUri must be a string/],
        'jwksUri is a number'    => ["{\"jwksUri\":1,\"jwks\":$jwks}", qr/^jwksUri must be a string/],
        'other letters'          => ["{\"JWKS\":$jwks}", qr/jwks.*jwksUri/],
    );
    my $before = count();
    for my $name (sort keys %bad) {
        my $r = post($bad{$name}[0]);
        refused($r, 400, 'invalid_request', $name);
        like($r->message, $bad{$name}[1], '... says what');
    }
    is(count(), $before, 'nothing was registered');

    my $r = post({ keyId => 'unknown members', jwks => set(), id => 5, status => 'REVOKED', createdBy => 'mallory', algorithm => ['RSA'], enterpriseId => 'other',
        '' => undef, x => { y => [1, { z => undef }] }, big => 12345678901234567890 });
    taken($r, 'unknown members') and is_deeply([@{ $r->json }{qw(status createdBy algorithm)}], ['ACTIVE', 'admin1@register', 'EdDSA'], '... are ignored');
    taken(post('{"jwks":{"keys":[' . text(key(kid => 'unknown in the set')) . '],"more":{"keys":5}},"n":123456789012345678901234567890}'), 'unknown members of the set');
};

subtest 'JSON' => sub {
    my $before = count();
    my $good = sub { return text({ jwks => set(kid => shift) }) };
    my $body = $good->('json');
    my $deep = sub { my $levels = shift; return sprintf '{"jwks":%s,"x":%s%s}', text(set(kid => "deep $levels")), '[' x ($levels - 1), ']' x ($levels - 1) };
    my %bad  = (
        'empty' => '', 'white space' => " \r\n\t", 'cut short' => substr($body, 0, -1), 'an opening brace' => '{', 'a byte more' => "${body}x", 'a brace more' => "$body}",
        'a second value' => "$body$body", 'a comma behind' => "$body,", 'NUL behind' => "$body\0", 'NUL in front' => "\0$body", 'a byte order mark' => "\xef\xbb\xbf$body",
        'UTF-16' => join('', map { "\0$_" } split //, $body), 'a trailing comma' => '{"keyId":"x",}', 'single quotes' => q({'keyId':'x'}), 'no quotes' => '{keyId:"x"}',
        'a comment' => "/* x */$body", 'a line comment' => "$body // x", 'NaN' => '{"x":NaN}', 'Infinity' => '{"x":Infinity}', 'a leading zero' => '{"x":01}', 'a bare point' => '{"x":1.}', 'a plus sign' => '{"x":+1}',
        'hexadecimal' => '{"x":0x10}', 'True' => '{"x":True}', 'a bad escape' => '{"x":"\x41"}', 'a short escape' => '{"x":"\u12"}', 'a line break in a string' => qq({"x":"a\nb"}), 'a tab in a string' => qq({"x":"a\tb"}),
        'half a pair' => '{"x":"\ud83d"}', 'the other half' => '{"x":"\udd11"}', 'a pair the wrong way' => '{"x":"\udd11\ud83d"}', 'half a pair and text' => '{"x":"\ud83dx"}',
        'Latin-1' => qq({"x":"\xe9"}), 'an overlong slash' => qq({"x":"\xc0\xaf"}), 'a surrogate in UTF-8' => qq({"x":"\xed\xa0\x80"}), 'past Unicode' => qq({"x":"\xf4\x90\x80\x80"}), 'a cut character' => qq({"x":"\xf0\x9f\x94"}),
        'a byte that is never UTF-8' => qq({"x":"\xff"}), 'Latin-1 in a name' => qq({"\xe9":1}), 'no colon' => '{"x" 1}', 'no comma' => '{"x":1 "y":2}', 'form data' => 'keyId=x&jwks=y',
        'a member twice' => '{"keyId":"a","keyId":"b"}', 'a member twice, the same' => '{"keyId":"a","keyId":"a"}', 'a member twice, in other words' => '{"keyId":"a","key\u0049d":"b"}', 'an unknown member twice' => '{"x":1,"x":2}',
        'twice within' => '{"jwks":{"keys":[{"kty":"OKP","kty":"OKP"}]}}', 'keys twice' => '{"jwks":{"keys":[],"keys":[]}}', 'twice in what is ignored' => '{"x":[{"y":1,"y":2}]}',
        'nested 17 deep' => $deep->(17), 'nested 10,000 deep' => $deep->(10_000), 'nested and never closed' => '[' x 60_000, 'objects nested 17 deep' => '{"a":' x 17 . '1' . '}' x 17,
    );
    for my $name (sort keys %bad) {
        my $r = post($bad{$name});
        refused($r, 400, 'invalid_json', $name);
        unlike($r->message, qr/\bkeyId\b.*must\b/, '... and not a word of its members');
    }
    is(count(), $before, 'nothing was registered');
    my $r = post(qq({"keyId":"a",\n "keyName":"b",\n "jwks":{]}));
    like($r->message, qr/line 3, column \d+/, 'a message says where');

    taken(post($deep->(16)), 'nested 16 deep');
    taken(post(" \r\n\t" . $good->('white space around') . " \n"), 'white space around it');
    taken(post('{"key\u0049d":"escaped","jwks":' . text(set()) . '}'), 'an escaped member name')
      and is($client->request(GET => "$keys/escaped", { $admins->read })->status, 200, '... is the same name');
    $r = post('{"keyId":"pair","keyName":"\ud83d\udd11 \"[{\\\\","jwks":' . text(set()) . '}');
    taken($r, 'escapes, and brackets within a string') and is($r->json->{keyName}, "\x{1f511} \"[{\\", '... are read');
};

subtest 'media type' => sub {
    my $number = 0;
    for my $type ('application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json;charset=UTF-8', 'application/json ; a="b;c"', "application/json\t;x=y", 'application/json;') {
        taken(post({ jwks => set(kid => 'type ' . ++$number) }, 'Content-Type' => $type), $type);
    }
    my $before = count();
    my $body   = text({ jwks => set(kid => 'no type') });
    for my $type ('', 'json', 'text/json', 'text/plain', 'application/jsonp', 'application/json5', 'application/jso', 'application/json-patch+json', 'application/jwk-set+json', 'application/vnd.api+json',
        'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json, text/plain', 'application / json', '*/*', 'text/plain; application/json', 'charset=utf-8; application/json')
    {
        my $r = post($body, 'Content-Type' => $type);
        refused($r, 415, 'unsupported_media_type', "'$type'");
        like($r->message, qr{application/json}, '... says what would be right');
    }
    refused(post($body, 'Content-Type' => undef), 415, 'unsupported_media_type', 'none');
    refused(post($body, 'Content-Type' => ['application/json', 'text/plain']), 415, 'unsupported_media_type', 'two');
    refused(post($body, 'Content-Encoding' => 'gzip'), 415, 'unsupported_media_type', 'a content coding');
    is(count(), $before, 'nothing was registered');
};

subtest 'size and framing' => sub {
    my $padded = sub { my ($key_id, $length) = @_; my $text = text({ jwks => set(kid => $key_id) }); return $text . ' ' x ($length - length $text) };
    my $chunked = sub {
        my ($body, $size) = @_;
        my $text = '';
        $text .= sprintf "%x\r\n%s\r\n", length $_, $_ for unpack "(a$size)*", $body;
        return $client->request(POST => $keys, { $admins->write, %json, 'Transfer-Encoding' => 'chunked' }, "${text}0\r\n\r\n");
    };
    taken(post($padded->('64 KiB', 65_536)), '64 KiB');
    taken($chunked->($padded->('64 KiB in chunks', 65_536), 5_000), '64 KiB in chunks');
    taken($chunked->(text({ jwks => set(kid => 'small chunks') }), 1), 'chunks of a byte');
    my $before = count();
    refused(post($padded->('too long', 65_537)), 413, 'body_too_large', 'a byte more');
    $client->close;
    my $r = $chunked->($padded->('too long', 65_537), 65_536);
    refused($r, 413, 'body_too_large', 'a byte more in chunks');
    like($r->message, qr/65536/, '... says how many there may be');
    $client->close;
    refused(post(undef, 'Content-Length' => '0'), 400, 'invalid_json', 'no body');
    refused($client->request(POST => $keys, { $admins->write, %json }), 400, 'invalid_json', 'no body and no length');
    my $begin = time;
    refused(post(undef, 'Content-Length' => '1000000000000'), 413, 'body_too_large', 'a terabyte announced');
    cmp_ok(time - $begin, '<', 5, '... is not waited for');
    $client->close;
    is(count(), $before, 'nothing was registered');

    # A body that comes in pieces is waited for.
    my $body = text({ jwks => set(kid => 'pieces') });
    my %head = (Host => 'localhost', $admins->write, %json, 'Content-Length' => length $body);
    $client->send("POST $keys HTTP/1.1\r\n" . join('', map { "$_: $head{$_}\r\n" } sort keys %head) . "\r\n");
    for my $piece (unpack '(a50)*', $body) {
        $client->send($piece);
        select undef, undef, undef, 0.01;
    }
    taken($client->receive, 'a body in pieces');
    is($client->request(GET => $keys, { $admins->read })->status, 200, '... and the connection goes on');
};

subtest 'what is refused tells nothing of what was sent' => sub {
    my $secret = 'c2VjcmV0LXNlY3JldA';
    for my $body (qq({"keyId":"$secret", $secret}), qq({"keyId":["$secret"]}), qq({"keyId":"$secret\\u0007","jwks":{}}), qq({"jwks":"$secret"}), qq({"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"$secret"}]}}),
        qq({"$secret":1,"$secret":2}))
    {
        my $r = post($body);
        is($r->status, 400, 'refused');
        unlike($r->body, qr/$secret/, '... without a word of it');
    }
};

done_testing;
