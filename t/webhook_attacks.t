# What must not get through: each attack gets its 401 and leaves no trace at the backend, beside a good request that
# does get through.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
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
    $send->('two signatures', 'malformed_jws', change => sub { $_[0]{headers}{$_} = [ $_[0]{headers}{$_}, $_[0]{headers}{$_} =~ s/^\w+/two/r ] for qw(Signature Signature-Input) });
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
    my $once = WHK::Webhooks->new(children => 2, before => 'WebhookKeysReplayCache shmcb');
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

done_testing;
