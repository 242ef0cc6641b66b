# SPDX-License-Identifier: Apache-2.0
# What must not get through: each attack gets its 401 and leaves no trace at the backend, beside a good request that
# does get through.
use strict;
use warnings;
use Digest::MD5;
use Digest::SHA qw(hmac_sha256 hmac_sha512);
use Math::BigInt;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(decode_base64 decode_base64url encode_base64 encode_base64url);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Webhooks;

my $json = JSON::PP->new->utf8->canonical;
my $body = '{"pay":100}';
my %order = (ES256 => Math::BigInt->from_hex('FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551'));

sub good { my ($w, $key, %how) = @_; return is($w->post($key, $body, %how)->status, 200, 'a good one passes') }

sub stopped {
    my ($w, $r, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused($r, 401, $code, $name);
    is($w->backend->count, 0, '... nothing arrived');
    return;
}

# A compact JWS as text, sent where the scheme has it.
sub send_jws { my ($w, $jws, $sent) = @_; return $w->client->request(POST => '/hooks/acme/x', { 'Webhook-Signature' => $jws }, $sent // $body) }

sub number { my ($number, $length) = @_; return pack 'H*', substr(('0' x 200) . ($number->as_hex =~ s/^0x//r), -2 * $length) }

my $w = WHK::Webhooks->new(before => 'WebhookKeysAlgorithms EdDSA ES256 RS256');
my %key = map { $_ => $w->key($_, kid => "key-$_") } qw(EdDSA ES256 RS256);

subtest 'algorithms and keys that a token claims' => sub {
    good($w, $_) for values %key;
    $w->backend->clear;
    my $stranger = $w->key('ES256', register => 0, kid => 'key-ES256');
    for my $alg (sort keys %key) {
        my $key = $key{$alg};
        stopped($w, send_jws($w, encode_base64url($json->encode({ alg => 'none', kid => $key->{kid} })) . '..'), 'algorithm_mismatch', "$alg: none");
        for my $secret ($json->encode($key->{jwk}), decode_base64url($key->{jwk}{x} // $key->{jwk}{n}), '') {
            my $input = encode_base64url($json->encode({ alg => 'HS256', kid => $key->{kid} }));
            my $mac   = encode_base64url(hmac_sha256("$input." . encode_base64url($body), $secret));
            stopped($w, send_jws($w, "$input..$mac"), 'algorithm_mismatch', "$alg: HMAC with what is public");
        }
        for my $other (grep { $_ ne $alg } 'ES384', 'PS256', keys %key) {
            stopped($w, $w->post($key, $body, protected => { alg => $other }), 'algorithm_mismatch', "$alg: claims $other");
        }
    }
    stopped($w, $w->post($stranger, $body), 'bad_signature', 'the kid of another');
    stopped($w, $w->post($stranger, $body, protected => { jwk => $stranger->{jwk} }), 'malformed_jws', 'brings its key along: jwk');
    stopped($w, $w->post($stranger, $body, protected => { $_ => 'https://example.com/' }), 'malformed_jws', "brings its key along: $_") for qw(jku x5u);
    stopped($w, $w->post($stranger, $body, protected => { x5c => ['MIIB'] }), 'malformed_jws', 'brings its key along: x5c');
    stopped($w, $w->post($key{ES256}, $body, protected => { crit => ['exp'], exp => time + 60 }), 'malformed_jws', 'crit of what is not known');
    stopped($w, $w->post($key{ES256}, $body, protected => { crit => [] }), 'malformed_jws', 'an empty crit');
    stopped($w, $w->post($key{ES256}, $body, protected => { kid => undef }), 'unknown_key', 'no kid');
    stopped($w, $w->post($key{ES256}, $body, protected => { kid => $_ }), 'unknown_key', "kid '$_'") for '', '..', 'x' x 300, "a\nb", "' OR 1=1 --";
    stopped($w, $w->post($key{ES256}, $body, protected => { kid => $_ }), 'malformed_jws', 'kid of another type') for 1, [], {}, JSON::PP::true;
    stopped($w, $w->post($key{ES256}, $body, protected_text => '{"alg":"ES256","kid":"key-EdDSA","kid":"key-ES256"}'), 'malformed_jws', 'a member twice');
    my $globex = $w->key('ES256', enterprise => 'globex', kid => 'theirs');
    stopped($w, $w->post($globex, $body), 'unknown_key', 'the key of another enterprise');
    my $revoked = $w->key('ES256');
    $w->revoke($revoked);
    stopped($w, $w->post($revoked, $body), 'key_revoked', 'a revoked key');
};

subtest 'forms of signatures' => sub {
    my $key = $key{ES256};
    $w->backend->clear;
    my $n = $order{ES256};
    my ($header, undef, $signature) = split /\./, (values %{ $w->sign($key, $body)->{headers} })[0];
    my $raw = decode_base64url($signature);
    my ($r, $s) = (substr($raw, 0, 32), substr $raw, 32);
    my %form = (
        'r = 0' => "\0" x 32 . $s, 's = 0' => $r . "\0" x 32, 'both 0' => "\0" x 64, 'r = n' => number($n, 32) . $s, 's = n' => $r . number($n, 32),
        's = n + 1' => $r . number($n + 1, 32), 'all ones' => "\xff" x 64, 'a byte short' => substr($raw, 0, 63), 'a byte long' => "$raw\0",
        'a byte before' => "\0$raw", 'half' => $r, 'r and s changed places' => $s . $r,
    );
    stopped($w, send_jws($w, "$header.." . encode_base64url($form{$_})), 'bad_signature', $_) for sort keys %form;
    stopped($w, $w->post($key, $body, form => 'der'), 'bad_signature', 'DER');
    my %text = (
        padded => "$header..$signature==", 'white space' => "$header.. $signature", 'more of it' => "$header ..$signature",
        'one dot' => "$header.$signature", 'three dots' => "$header...$signature", 'four dots' => "$header....$signature",
        'no signature' => "$header..", 'cut off' => "$header.." . substr($signature, 0, -1), 'attached' => "$header." . encode_base64url($body) . ".$signature",
        'another alphabet' => "$header.." . ($signature =~ tr{-_}{+/}r) . '+/', 'unused bits' => "$header.." . substr($signature, 0, -1) . 'x', 'JSON' => '{"payload":""}',
    );
    for my $name (sort keys %text) {
        is(send_jws($w, $text{$name})->status, 401, $name);
    }
    is($w->backend->count, 0, 'nothing arrived');
    $w->backend->clear;
    stopped($w, $w->client->request(POST => '/hooks/acme/x', { 'Webhook-Signature' => ["$header..$signature", "$header..$signature"] }, $body), 'malformed_jws', 'two headers');
    stopped($w, send_jws($w, "$header..$signature", $_), 'bad_signature', "body: '$_'") for '', "$body ", substr($body, 0, -1), '{"pay":101}', "$body\0";
    is(send_jws($w, "$header..$signature")->status, 200, 'as it was signed');

    $w->backend->clear;
    ($header, undef, $signature) = split /\./, (values %{ $w->sign($key{EdDSA}, $body)->{headers} })[0];
    $raw = decode_base64url($signature);
    my $l   = Math::BigInt->new(2)->bpow(252) + Math::BigInt->new('27742317777372353535851937790883648493');
    my $sum = Math::BigInt->from_bytes(scalar reverse substr $raw, 32) + $l;
    stopped($w, send_jws($w, "$header.." . encode_base64url(substr($raw, 0, 32) . reverse number($sum, 32))), 'bad_signature', 'Ed25519 with S + L');
    stopped($w, send_jws($w, "$header.." . encode_base64url($_ . "\0" x 32)), 'bad_signature', 'Ed25519 with an R of small order') for "\1" . "\0" x 31, "\0" x 32;
    is(send_jws($w, "$header..$signature")->status, 200, 'as it was signed');
};

subtest 'times' => sub {
    my $now = time;
    $w->backend->clear;
    my %old = (iat => $now - 400, exp => $now - 40, nbf => $now + 60);
    stopped($w, $w->post($key{EdDSA}, $body, protected => { iat => undef, $_ => $old{$_} }), 'expired', "jws-detached: $_") for sort keys %old;
    stopped($w, $w->post($key{EdDSA}, $body, protected => { iat => $now + 60 }), 'expired', 'from the future');
    stopped($w, $w->post($key{EdDSA}, $body, protected => { iat => "$now" }), 'malformed_jws', 'a text');
    is($w->post($key{EdDSA}, $body, protected => { iat => $_ })->status, 200, 'within the skew') for $now - 310, $now + 20;

    my $jwt = WHK::Webhooks->new(scheme => 'jwt Webhook-Token');
    my $key = $jwt->key('EdDSA');
    good($jwt, $key);
    $jwt->backend->clear;
    stopped($jwt, $jwt->post($key, $body, claims => { iat => undef, $_ => $old{$_} }), 'expired', "jwt: $_") for sort keys %old;
    stopped($jwt, $jwt->post($key, $body, claims => { iat => undef }), 'expired', 'jwt without a time');
    stopped($jwt, $jwt->post($key, $body, claims => { iat => undef, exp => $now + 86400 }), 'expired', 'jwt that ends in a day');
    stopped($jwt, $jwt->post($key, $body, claims => { request_body_sha256 => $_ }), 'digest_mismatch', 'jwt: another digest') for undef, '', 'a' x 64, 1;
    stopped($jwt, $jwt->post($key, $body, sent => "$body "), 'digest_mismatch', 'jwt: another body');
};

subtest 'http-signature' => sub {
    my $http = WHK::Webhooks->new(scheme => 'http-signature');
    my $key  = $http->key('ES256');
    good($http, $key);
    $http->backend->clear;
    my $send = sub { my ($name, $code, %how) = @_; stopped($http, $http->post($key, $body, %how), $code, $name) };
    $send->('the body is not covered', 'malformed_jws', components => [ '@method', '@target-uri' ]);
    $send->('the method is not covered', 'malformed_jws', components => [ '@target-uri', 'content-digest' ]);
    $send->('the query is not covered',  'malformed_jws', components => [ '@method', '@path', 'content-digest' ]);
    $send->('another target', 'bad_signature', change => sub { $_[0]{target} .= '&more=1' });
    $send->('another method', 'bad_signature', change => sub { $_[0]{method} = 'PUT' });
    $send->('another body', 'digest_mismatch', sent => "$body ");
    $send->('old', 'expired', now => time - 400);
    $send->('no time', 'expired', params => { created => undef });
    $send->('hmac', 'algorithm_mismatch', params => { alg => 'hmac-sha256' });
    $send->('DER', 'bad_signature', form => 'der');
    $send->('a label that differs', 'malformed_jws', change => sub { $_[0]{headers}{Signature} =~ s/^\w+/other/ });
    $send->('two signatures, the first without components', 'malformed_jws', change => sub { $_[0]{headers}{$_} = [ $_[0]{headers}{$_} =~ s/^\w+/two/r =~ s/\(.*?\)/()/r, $_[0]{headers}{$_} ] for qw(Signature Signature-Input) });
    $send->('the same header twice', 'malformed_jws', change => sub { $_[0]{headers}{$_} = [ ($_[0]{headers}{$_}) x 2 ] for qw(Signature Signature-Input) });
    $send->('a component twice', 'malformed_jws', change => sub { $_[0]{headers}{'Signature-Input'} =~ s/\("\@method"/("\@method" "\@method"/ });
    $send->('another digest beside', 'bad_signature', headers => { 'Content-Digest' => 'sha-256=:' . encode_base64(Digest::SHA::sha256("$body "), '') . ':' }, sent => "$body ");
};

subtest 'standard-webhooks' => sub {
    my $standard = WHK::Webhooks->new(scheme => 'standard-webhooks');
    my ($key, $second) = ($standard->key('EdDSA'), $standard->key('EdDSA'));
    good($standard, $_) for $key, $second;
    $standard->backend->clear;
    my $send = sub { my ($name, $code, %how) = @_; stopped($standard, $standard->post($key, $body, %how), $code, $name) };
    $send->('another body', 'bad_signature', sent => "$body ");
    $send->("another $_->[0]", 'bad_signature', headers => { @$_ }) for [ 'webhook-id' => 'msg_other' ], [ 'webhook-timestamp' => time - 1 ];
    $send->("no $_", 'signature_missing', headers => { $_ => undef }) for qw(webhook-id webhook-timestamp webhook-signature);
    $send->("timestamp $_", 'malformed_jws', headers => { 'webhook-timestamp' => $_ }) for 'x', '-1', '1.5', '0', '99999999999999';
    $send->('old', 'expired', now => time - 400);
    $send->('a dot in the id', 'malformed_jws', id => 'a.b');
    $send->('no v1a', 'signature_missing', headers => { 'webhook-signature' => 'v1,' . encode_base64('x' x 32, '') });
    $standard->revoke($key);
    stopped($standard, $standard->post($key, $body), 'bad_signature', 'revoked');
    good($standard, $second);
};

subtest 'replay' => sub {
    my $once = WHK::Webhooks->new(children => 2, modules => ['log_config'],
        before => qq(WebhookKeysReplayCache shmcb\nCustomLog served.log "%P %>s"));
    my $key  = $once->key('ES256');
    my $signed = $once->sign($key, $body, protected => { jti => undef });
    is($once->send($signed)->status, 200, 'the first time');
    refused($once->send($signed), 401, 'replayed', 'the second time');
    my ($header, undef, $signature) = split /\./, $signed->{headers}{'Webhook-Signature'};
    my ($r, $s) = map { substr decode_base64url($signature), $_, 32 } 0, 32;
    my $twin = $r . number($order{ES256} - Math::BigInt->from_bytes($s), 32);
    refused($once->send($signed, headers => { 'Webhook-Signature' => "$header.." . encode_base64url($twin) }), 401, 'replayed', 'its twin (r, n - s)');
    my ($first, $second) = map { $once->sign($key, $_, protected => { jti => 'one' }) } $body, "$body ";
    is($once->send($first)->status, 200, 'a jti');
    refused($once->send($second), 401, 'replayed', '... again');
    is($once->post($key, $body)->status, 200, 'others pass');

    $once->backend->clear;
    $signed = $once->sign($key, $body);
    my $port    = $once->server->port;
    my @answers = WHK::Parallel::run((sub { $once->send($signed, client => WHK::Client->new($port))->status }) x 16);
    is(scalar(grep { $_ == 200 } @answers), 1, 'of sixteen at once one passes');
    is($once->backend->count, 1, '... and arrives');
    $signed = $once->sign($key, $body);
    is($once->send($signed)->status, 200, 'one that has arrived');
    my %served;
    for (1 .. 200) {
        is($once->send($signed, client => WHK::Client->new($port))->status, 401, '... does not again') or last if $_ <= 3;
        $once->send($signed, client => WHK::Client->new($port)) if $_ > 3;
        open my $log, '<', $once->server->dir . '/served.log' or next;
        %served = map { /^(\d+) 401$/ ? ($1 => 1) : () } <$log>;
        last if keys %served > 1;
    }
    is(scalar keys %served, 2, '... in either process');

    $signed = $once->sign($key, $body, target => '/status/503');
    is($once->send($signed)->status, 503, 'a backend that is busy') for 1, 2;
    $signed = $once->sign($key, $body, target => '/status/404');
    is($once->send($signed)->status, 404, 'one that has answered');
    refused($once->send($signed), 401, 'replayed', '... has had it');
    $signed = $once->sign($key, $body);
    $once->backend->stop;
    is($once->send($signed)->status, 503, 'a backend that is away');
    $once->backend->start;
    sleep 1;
    my $status = 503;
    for (1 .. 80) { $status = $once->send($signed)->status; last if $status != 503; select undef, undef, undef, 1 }
    is($status, 200, 'the sender tries again');
};

# What follows attacks what a verifier may be lenient about: the same bytes in another writing, and what is not signed at all.
my @alphabet = ('A' .. 'Z', 'a' .. 'z', '0' .. '9', '-', '_');
my %index    = map { $alphabet[$_] => $_ } 0 .. $#alphabet;

# The last character of unpadded base64url with one of its unused bits set: it decodes to the same bytes.
sub unused_bit { my $text = shift; return $text =~ s/(.)\z/$alphabet[$index{$1} | 1]/r }

sub public_pem { my $key = shift; return scalar qx{openssl pkey -in $key->{pem} -pubout} }

subtest 'the same bytes in another writing' => sub {
    $w->backend->clear;
    for my $alg (qw(ES256 EdDSA)) {
        my ($header, $signature);
        do { ($header, undef, $signature) = split /\./, $w->sign($key{$alg}, $body)->{headers}{'Webhook-Signature'} } until $signature =~ /-/ && $signature =~ /_/;
        is(decode_base64url(unused_bit($signature)), decode_base64url($signature), "$alg: unused bits change no byte");
        my %text = (
            'unused bits'    => "$header.." . unused_bit($signature),
            'padded'         => "$header..$signature==", 'header padded' => "$header=..$signature",
            'plus'           => "$header.." . $signature =~ tr{-}{+}r, 'slash' => "$header.." . $signature =~ tr{_}{/}r,
            'a space inside' => "$header.." . $signature =~ s/\A(.{40})/$1 /r, 'a tab inside' => "$header.." . $signature =~ s/\A(.{40})/$1\t/r,
            'one dot more'   => "$header..$signature.", 'one dot before' => ".$header..$signature", 'a list' => "$header..$signature,$header..$signature",
        );
        stopped($w, send_jws($w, $text{$_}), 'malformed_jws', "$alg: $_") for sort keys %text;
        is(send_jws($w, "$header..$signature")->status, 200, "$alg: as it was signed");
        $w->backend->clear;
    }
    my ($header, undef, $signature) = split /\./, $w->sign($key{ES256}, $body)->{headers}{'Webhook-Signature'};
    my $r = substr decode_base64url($signature), 0, 32;
    my $s = substr decode_base64url($signature), 32;
    stopped($w, send_jws($w, "$header.." . encode_base64url($_)), 'bad_signature', 'r = n + 1, or one of its halves short')
      for number($order{ES256} + 1, 32) . $s, substr($r, 1) . $s, $r . substr $s, 1;
    my $twin = $r . number($order{ES256} - Math::BigInt->from_bytes($s), 32);
    is(send_jws($w, "$header.." . encode_base64url($twin))->status, 200, 'the twin (r, n - s) is a good signature: where replays count, it has to be found');
};

subtest 'headers of a JWS' => sub {
    good($w, $key{ES256});
    $w->backend->clear;
    for my $alg (sort keys %key) {
        my $pem = public_pem($key{$alg});
        for my $secret ($pem, $pem =~ s/\n\z//r, decode_base64($pem =~ s/-----[^\n]*-----//gr)) {
            my $input = encode_base64url($json->encode({ alg => 'HS256', kid => $key{$alg}{kid} }));
            my $mac   = encode_base64url(hmac_sha256("$input." . encode_base64url($body), $secret));
            stopped($w, send_jws($w, "$input..$mac"), 'algorithm_mismatch', "$alg: HMAC with the PEM or DER of the public key");
        }
    }
    my $now  = time;
    my $text = sub { my ($name, $text) = @_; stopped($w, $w->post($key{ES256}, $body, protected_text => $text), 'malformed_jws', $name) };
    $text->('alg twice',           qq({"alg":"none","alg":"ES256","kid":"key-ES256","iat":$now}));
    $text->('alg twice, escaped',  qq({"alg":"ES256","\\u0061lg":"ES256","kid":"key-ES256","iat":$now}));
    $text->('iat twice',           qq({"alg":"ES256","kid":"key-ES256","iat":1,"iat":$now}));
    $text->('kid in an array',     qq({"alg":"ES256","kid":["key-ES256"],"iat":$now}));
    $text->('kid null',            qq({"alg":"ES256","kid":null,"iat":$now}));
    $text->('something after it',  qq({"alg":"ES256","kid":"key-ES256","iat":$now}{}));
    $text->('no object',           qq(["ES256","key-ES256",$now]));
    $text->('crit that names b64, which is not there', qq({"alg":"ES256","kid":"key-ES256","iat":$now,"crit":["b64"]}));
    $text->('crit that is a text', qq({"alg":"ES256","kid":"key-ES256","iat":$now,"b64":false,"crit":"b64"}));
    stopped($w, $w->post($key{ES256}, $body, protected => { kid => "key-ES256\0" }), 'malformed_jws', 'kid and a NUL');
    stopped($w, $w->post($key{ES256}, $body, b64 => JSON::PP::false, protected => { crit => undef }), 'malformed_jws', 'b64:false that is not critical');
    for my $name (qw(iat exp nbf)) {
        stopped($w, $w->post($key{ES256}, $body, protected => { $name => $_ }), 'malformed_jws', "$name of another type: " . $json->allow_nonref->encode($_))
          for '' . ($now + 20), [$now], {}, JSON::PP::true;
    }
    is($w->post($key{ES256}, $body, protected => { exp => $now + 60, nbf => $now - 60 })->status, 200, 'times that are numbers');
};

subtest 'jws' => sub {
    my $jws = WHK::Webhooks->new(scheme => 'jws');
    my $key = $jws->key('ES256', kid => 'mine');
    my $other = $jws->key('ES256', kid => 'mine', register => 0);
    good($jws, $key);
    $jws->backend->clear;
    my $signed = $jws->sign($key, $body);
    my ($header, $payload, $signature) = split /\./, $signed->{body};
    my $none = encode_base64url($json->encode({ alg => 'none', kid => 'mine', iat => time }));
    my %attack = (
        'a payload changed'   => [ "$header." . encode_base64url('{"pay":999}') . ".$signature", 'bad_signature' ],
        'a payload cut'       => [ "$header." . encode_base64url(substr $body, 0, -1) . ".$signature", 'bad_signature' ],
        'no payload'          => [ "$header..$signature", 'malformed_jws' ],
        'none'                => [ "$none.$payload.", 'algorithm_mismatch' ],
        'another key'         => [ $jws->sign($other, $body)->{body}, 'bad_signature' ],
        'one that is brought' => [ $jws->sign($other, $body, protected => { jwk => $other->{jwk} })->{body}, 'malformed_jws' ],
        'four parts'          => [ "$header.$payload.$signature.$signature", 'malformed_jws' ],
        'five parts'          => [ "$header.$payload.$signature..", 'malformed_jws' ],
        'unused bits'         => [ "$header.$payload." . unused_bit($signature), 'malformed_jws' ],
        'padded'              => [ "$signed->{body}==", 'malformed_jws' ],
        'a line more'         => [ "$signed->{body}\n", 'malformed_jws' ],
        'a NUL more'          => [ "$signed->{body}\0", 'malformed_jws' ],
        'two of them'         => [ "$signed->{body}\n$signed->{body}", 'malformed_jws' ],
        'a JSON serialization' => [ $json->encode({ protected => $header, payload => $payload, signature => $signature }), 'malformed_jws' ],
    );
    stopped($jws, $jws->send($signed, sent => $attack{$_}[0]), $attack{$_}[1], $_) for sort keys %attack;
    stopped($jws, $jws->send($signed, headers => { 'Content-Type' => 'application/json' }), 'signature_missing', 'another type');
    is($jws->send($signed)->status, 200, 'as it was signed');
};

subtest 'claims of a jwt' => sub {
    my $jwt = WHK::Webhooks->new(scheme => 'jwt Webhook-Token');
    my $key = $jwt->key('EdDSA');
    good($jwt, $key);
    $jwt->backend->clear;
    my $now = time;
    stopped($jwt, $jwt->post($key, $body, claims => { iat => $now + 60 }), 'expired', 'iat to come');
    for my $name (qw(iat exp nbf)) {
        stopped($jwt, $jwt->post($key, $body, claims => { $name => $_ }), 'malformed_jws', "$name of another type: " . $json->allow_nonref->encode($_))
          for '' . ($now + 20), [$now], JSON::PP::true;
    }
    my $digest = Digest::SHA::sha256_hex($body);
    my $token  = sub { $jwt->sign($key, shift, scheme => 'jws', now => $now)->{body} };
    my $send   = sub { $jwt->client->request(POST => '/hooks/acme/x', { 'Webhook-Token' => shift }, $body) };
    stopped($jwt, $send->($token->(qq({"iat":1,"iat":$now,"request_body_sha256":"$digest"}))), 'malformed_jws', 'iat twice');
    stopped($jwt, $send->($token->(qq({"iat":$now,"request_body_sha256":"","request_body_sha256":"$digest"}))), 'malformed_jws', 'the digest twice');
    stopped($jwt, $send->($token->(qq(["$digest"]))), 'malformed_jws', 'no object');
    stopped($jwt, $jwt->post($key, $body, sent => $_), 'digest_mismatch', "body '$_'") for '', substr($body, 0, -1), "$body\0";
    my $header = $jwt->sign($key, $body)->{headers}{'Webhook-Token'};
    stopped($jwt, $send->([ $header, $header ]), 'malformed_jws', 'two headers');
    is($send->($token->(qq({"iat":$now,"request_body_sha256":"$digest"})))->status, 200, 'claims that are good');
};

subtest 'more of http-signature' => sub {
    my $http = WHK::Webhooks->new(scheme => 'http-signature');
    my $key  = $http->key('ES256');
    my $ed   = $http->key('EdDSA');
    my $theirs  = $http->key('ES256', enterprise => 'globex', kid => 'theirs');
    my $revoked = $http->key('ES256');
    $http->revoke($revoked);
    good($http, $_) for $key, $ed;
    $http->backend->clear;
    my $now  = time;
    my @all  = ('@method', '@authority', '@path', '@query', 'content-digest');
    my $of   = sub { 'sha-256=:' . encode_base64(Digest::SHA::sha256(shift), '') . ':' };
    my $send = sub { my ($name, $code, %how) = @_; stopped($http, $http->post($key, $body, %how), $code, $name) };
    $send->("a component twice, and signed so: $_", 'malformed_jws', components => [ @all, $_ ]) for '@method', 'content-digest';
    $send->('no Content-Digest',          'malformed_jws', headers => { 'Content-Digest' => undef });
    $send->('a second Content-Digest',    'malformed_jws', sent => "$body ", change => sub { $_[0]{headers}{'Content-Digest'} = [ $_[0]{headers}{'Content-Digest'}, $of->("$body ") ] });
    $send->('a digest of no worth',       'digest_mismatch', fields => { 'content-digest' => 'md5=:' . encode_base64(Digest::MD5::md5($body), '') . ':' });
    $send->('one digest right, one wrong', 'digest_mismatch', fields => { 'content-digest' => 'sha-512=:' . encode_base64(Digest::SHA::sha512("$body "), '') . ':, ' . $of->($body) });
    $send->('another authority',          'bad_signature', headers => { Host => 'elsewhere' });
    $send->('from the future',            'expired', now => $now + 60);
    $send->('ended',                      'expired', params => { expires => $now - 60 });
    $send->('created is a text',          'malformed_jws', params => { created => "x$now" });
    $send->('expires is a text',          'malformed_jws', params => { expires => "x$now" });
    $send->('no keyid',                   'unknown_key', params => { keyid => undef });
    $send->('keyid is a number',          'malformed_jws', params => { keyid => 1 });
    $send->("alg $_",                     'algorithm_mismatch', params => { alg => $_ }) for qw(ed25519 ecdsa-p384-sha384 rsa-pss-sha512 none);
    $send->("no $_",                      'signature_missing', headers => { $_ => undef }) for qw(Signature Signature-Input);
    $send->('a parameter twice', 'malformed_jws', change => sub { $_[0]{headers}{'Signature-Input'} =~ s/;created=(\d+)/;created=1;created=$1/ });
    stopped($http, $http->post($theirs,  $body, target => '/x'), 'unknown_key', 'the key of another enterprise');
    stopped($http, $http->post($revoked, $body), 'key_revoked', 'a revoked key');
    good($http, $key);
};

subtest 'more of standard-webhooks' => sub {
    my $standard = WHK::Webhooks->new(scheme => 'standard-webhooks');
    my $key = $standard->key('EdDSA');
    my $theirs = $standard->key('EdDSA', enterprise => 'globex');
    my $p256   = $standard->key('ES256');
    good($standard, $key);
    $standard->backend->clear;
    my $public = decode_base64url($key->{jwk}{x});
    my $signed = $standard->sign($key, $body);
    my ($id, $at, $entry) = @{ $signed->{headers} }{qw(webhook-id webhook-timestamp webhook-signature)};
    for my $secret ($public, public_pem($key), '') {
        my $mac = encode_base64(hmac_sha256("$id.$at.$body", $secret), '');
        stopped($standard, $standard->send($signed, headers => { 'webhook-signature' => "v1,$mac" }), 'signature_missing', 'v1: HMAC with what is public');
        stopped($standard, $standard->send($signed, headers => { 'webhook-signature' => "v1a,$mac" }), 'malformed_jws', '... called v1a');
        $mac = encode_base64(hmac_sha512("$id.$at.$body", $secret), '');
        stopped($standard, $standard->send($signed, headers => { 'webhook-signature' => "v1a,$mac" }), 'bad_signature', '... as long as v1a');
    }
    stopped($standard, $standard->send($signed, headers => { 'webhook-signature' => $entry =~ s/^v1a/v1/r }), 'signature_missing', 'the right one called v1');
    # Of the signed text, the bounds of its parts moved.
    stopped($standard, $standard->send($signed, headers => { 'webhook-id' => "$id.$at" }), 'malformed_jws', 'a dot moved into the id');
    stopped($standard, $standard->send($signed, headers => { $_ => [ ($signed->{headers}{$_}) x 2 ] }), 'malformed_jws', "$_ twice") for sort keys %{ $signed->{headers} };
    stopped($standard, $standard->post($theirs, $body), 'bad_signature', 'the key of another enterprise');
    stopped($standard, $standard->post($p256, $body), 'bad_signature', 'a key that is not Ed25519');
    stopped($standard, $standard->post($key, $body, now => time + 60), 'expired', 'from the future');
    stopped($standard, $standard->post($key, $body, sent => $_), 'bad_signature', "body '$_'") for '', substr($body, 0, -1), "$body\0";
    is($standard->send($signed)->status, 200, 'as it was signed');
};

# What names a use must be what is signed: neither a label nor another writing of the same signature makes a new one.
subtest 'replays in another writing' => sub {
    my $http = WHK::Webhooks->new(scheme => 'http-signature', children => 2, before => 'WebhookKeysReplayCache shmcb');
    my $key  = $http->key('ES256');
    my $signed = $http->sign($key, $body, params => { nonce => undef });
    is($http->send($signed)->status, 200, 'http-signature without a nonce');
    my ($input, $value) = @{ $signed->{headers} }{qw(Signature-Input Signature)};
    my ($text) = $value =~ /:(.*):/;
    my $raw  = decode_base64($text);
    my $twin = substr($raw, 0, 32) . number($order{ES256} - Math::BigInt->from_bytes(substr $raw, 32), 32);
    my $again = sub {
        my ($name, %headers) = @_;
        my $r = $http->send($signed, headers => \%headers);
        refused($r, 401, 'replayed', $name);
    };
    $again->('as it was');
    $again->('under another label', 'Signature-Input' => $input =~ s/^sig1/sig2/r, Signature => $value =~ s/^sig1/sig2/r);
    $again->('its twin (r, n - s)', Signature => 'sig1=:' . encode_base64($twin, '') . ':');
    $again->('with more space', 'Signature-Input' => $input =~ s/" "/"  "/r);
    my $lax = $text =~ s{(.)==\z}{my $i = index(join('', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '+/'), $1); (('A' .. 'Z', 'a' .. 'z', 0 .. 9, '+', '/')[$i | 1]) . '=='}er;
    is(decode_base64($lax), $raw, 'unused bits change no byte');
    is($http->send($signed, headers => { Signature => "sig1=:$_:" })->status, 401, "in other base64: $_") for $lax, $text =~ s/=+\z//r;
    is($http->backend->count, 1, 'one arrived');
    is($http->post($key, $body, params => { nonce => 'one' })->status, 200, 'a nonce');
    refused($http->post($key, "$body ", params => { nonce => 'one' }), 401, 'replayed', '... again');

    my $standard = WHK::Webhooks->new(scheme => 'standard-webhooks', children => 2, before => 'WebhookKeysReplayCache shmcb');
    my $ed = $standard->key('EdDSA');
    $signed = $standard->sign($ed, $body);
    is($standard->send($signed)->status, 200, 'standard-webhooks');
    refused($standard->send($signed, headers => { 'webhook-signature' => $_ . $signed->{headers}{'webhook-signature'} }), 401, 'replayed', "beside '$_'") for '', 'v1,AAAA ';
    refused($standard->post($ed, "$body ", id => $signed->{headers}{'webhook-id'}), 401, 'replayed', 'its id for another body');

    my $once = WHK::Webhooks->new(children => 2, before => 'WebhookKeysReplayCache shmcb');
    $key    = $once->key('ES256');
    $signed = $once->sign($key, $body, protected => { jti => undef });
    my ($header, undef, $signature) = split /\./, $signed->{headers}{'Webhook-Signature'};
    $raw  = decode_base64url($signature);
    $twin = "$header.." . encode_base64url(substr($raw, 0, 32) . number($order{ES256} - Math::BigInt->from_bytes(substr $raw, 32), 32));
    my $port    = $once->server->port;
    my @answers = WHK::Parallel::run(map {
        my %headers = $_ % 2 ? ('Webhook-Signature' => $twin) : ();
        sub { $once->send($signed, headers => \%headers, client => WHK::Client->new($port))->status }
    } 1 .. 20);
    is(join(' ', sort @answers), join(' ', 200, (401) x 19), 'of twenty at once, each second one a twin, one passes');
    is($once->backend->count, 1, '... and arrives');
    refused($once->send($signed, path => '/hooks/acme/other', change => sub { $_[0]{target} = '/hooks/acme/other' }), 401, 'replayed', 'at another path');
};

done_testing;
