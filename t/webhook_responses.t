# SPDX-License-Identifier: Apache-2.0
# Signed answers: what a registered key signed goes on as it came, by each scheme, and says what the request asked for;
# anything else is a 502 that holds nothing of it.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Answerer;
use WHK::Answers;
use WHK::Webhooks;

my $json     = JSON::PP->new->utf8->canonical;
my $answerer = WHK::Answerer->new;
my $place    = 0;

sub location {
    my ($path, @lines) = @_;
    return join "\n", qq{<Location "$path">}, '    WebhookKeysEnterprise acme', (map { "    $_" } @lines), '    ProxyPass "' . $answerer->uri . qq{/"}, "</Location>\n";
}

my $claim = 'WebhookKeysResponseClaim evaluationId "%{req:X-Evaluation-Id}"';
my $w = WHK::Webhooks->new(
    modules => [qw(alias)],
    before => join('',
        location('/jwt', 'WebhookKeysResponse jwt', $claim),
        location('/jws', 'WebhookKeysResponse jws'),
        location('/detached', 'WebhookKeysResponse jws-detached Webhook-Signature', 'WebhookKeysResponseClaim order "%{req:X-Order}"'),
        location('/http', 'WebhookKeysResponse http-signature'),
        location('/http-listed', 'WebhookKeysResponse http-signature', 'WebhookKeysResponseComponents @path;req x-evaluation-id;req content-type'),
        location('/typed', 'WebhookKeysResponse jwt', 'WebhookKeysResponseClaim is "%{req:X-Is}"'),
        location('/typed/both', 'WebhookKeysResponseClaim also "%{req:X-Also}"'),
        location('/typed/none', 'WebhookKeysResponse None'),
        location('/audience', 'WebhookKeysResponse jwt', 'WebhookKeysAudience platform', 'WebhookKeysIssuer acme'),
    ),
);
my $server = $w->server;
my $key    = $w->key('ES256', kid => 'answers-1');

sub jwt {
    my ($claims, %how) = @_;
    my $signer = delete $how{key} // $key;
    my $signed = $w->signer->sign(
        scheme => 'jws', type => 'application/jwt', key => $signer->{pem}, alg => $signer->{alg}, kid => $signer->{kid}, protected => { iat => undef }, %how,
        body => ref $claims ? $json->encode({ iat => int time, %$claims }) : $claims
    );
    return $signed->{body};
}

sub ask {
    my ($path, $name, %headers) = @_;
    my $method = delete $headers{-method} // 'POST';
    my $r = $w->client->request($method, $path, { 'X-Answer' => $name, 'Content-Type' => 'application/json', %headers }, delete $headers{-body} // '{"pay":1}');
    return $r;
}

sub passed {
    my ($r, $status, $body, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $shown = $r->head . $r->body;
    is($r->status, $status, $what) or diag $shown;
    is($r->body, $body, '... as it came');
    is_deeply([ $r->headers('Webhook-Key-Id') ], [ $key->{kid} ], '... with its signer');
    is_deeply([ $r->headers('Webhook-Alg') ], ['ES256'], '... and the algorithm');
    return;
}

sub stopped {
    my ($r, $code, $what, $status) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($r->status, $status // 502, $what);
    is($r->code, $code, "... $code") or diag $r->body;
    unlike($r->head . $r->body, qr/MARK|Webhook-/i, '... and nothing of it');
    return;
}

my @marked = ([ 'X-Mark' => 'MARK' ], [ 'Set-Cookie' => 'a=MARK' ], [ 'Webhook-Key-Id' => 'MARK' ], [ 'webhook_key_id' => 'MARK' ], [ 'WEBHOOK-ALG' => 'MARK' ]);

subtest 'a JWT that says what was asked' => sub {
    my $body = jwt({ evaluationId => 'e-1', statusCode => 200, mark => 'MARK' });
    my $name = $answerer->answers('201 Very fine', [ [ 'Content-Type' => 'application/jwt' ], [ 'X-Own' => 'kept' ], @marked ], $body);
    my $r    = ask('/jwt', $name, 'X-Evaluation-Id' => 'e-1');
    passed($r, 201, $body, 'passes');
    is($r->header('X-Own'), 'kept', 'with its header');
    like($r->head, qr{^HTTP/1.1 201 Very fine\r}, '... and its status line');
    is($r->header('X-Mark'), 'MARK', '... all of it');
    ok(!grep({ lc $_ eq 'webhook_key_id' } keys %{ $r->{headers} }), '... but for names like those of ours');
    stopped(ask('/jwt', $name, 'X-Evaluation-Id' => 'e-2'), 'claim_mismatch', 'the same to another request');
    my $before = $answerer->requests;
    stopped(ask('/jwt', $name), 'claim_mismatch', 'nothing to compare with');
    is($answerer->requests, $before, '... so it was not even sent');
    like($server->error_log, qr/WebhookKeysResponseClaim evaluationId gives nothing/, '... and the log says why');
};

subtest 'what is not signed right' => sub {
    my $other   = $w->key('ES256', kid => 'theirs', enterprise => 'other');
    my $unknown = $w->key('ES256', kid => 'never', register => 0);
    my $revoked = $w->key('ES256', kid => 'gone');
    my $claims  = { evaluationId => 'e-1', mark => 'MARK' };
    my $good    = jwt($claims);
    my $tampered = $good =~ s/\.(.)/'.' . ($1 eq 'e' ? 'f' : 'e')/er;
    my $revoked_body = jwt($claims, key => $revoked);
    $w->revoke($revoked);
    my @rows = (
        [ 'no signature',           'malformed_jws',      '{"evaluationId":"e-1","mark":"MARK"}' ],
        [ 'nothing at all',         'signature_missing',  '' ],
        [ 'of another enterprise',  'unknown_key',        jwt($claims, key => $other) ],
        [ 'by a key of nobody',     'unknown_key',        jwt($claims, key => $unknown) ],
        [ 'by a revoked key',       'key_revoked',        $revoked_body ],
        [ 'by the wrong key',       'bad_signature',      jwt($claims, key => { %$unknown, kid => $key->{kid} }) ],
        [ 'changed',                'bad_signature',      $tampered ],
        [ 'another behind it',      'malformed_jws',      "$good\r\n$good" ],
        [ 'too old',                'expired',            jwt({ %$claims, iat => int(time) - 1000 }) ],
        [ 'ended',                  'expired',            jwt({ %$claims, exp => int(time) - 100 }) ],
        [ 'not yet good',           'expired',            jwt({ %$claims, nbf => int(time) + 1000 }) ],
        [ 'for another',            'wrong_audience',     jwt({ %$claims, aud => 'MARK' }) ],
        [ 'undated',                'expired',            jwt($json->encode($claims)) ],
        [ 'a header with no alg',   'malformed_jws',      jwt($claims, protected => { iat => undef, alg => undef }) ],
        [ 'alg of its own',         'algorithm_mismatch', jwt($claims, protected => { iat => undef, alg => 'ES384' }) ],
        [ 'alg none',               undef,                jwt($claims, protected => { iat => undef, alg => 'none' }) ],
        [ 'no claim',               'claim_mismatch',     jwt({ mark => 'MARK' }) ],
        [ 'claims that are none',   'malformed_jws',      jwt('["MARK"]') ],
    );
    for my $row (@rows) {
        my ($what, $code, $body) = @$row;
        my $r = ask('/jwt', $answerer->answers('200 MARK', [ [ 'Content-Type' => 'application/jwt' ], @marked ], $body), 'X-Evaluation-Id' => 'e-1');
        stopped($r, $code // $r->code, $what);
    }
    passed(ask('/jwt', $answerer->answers('200 OK', [ [ 'Content-Type' => 'text/plain' ] ], $good), 'X-Evaluation-Id' => 'e-1'), 200, $good, 'and what is, passes');
};

subtest 'claims of each type' => sub {
    my @rows = (
        # claim, expression, equal
        [ '"text"', 'text', 1 ], [ '"text"', 'Text', 0 ], [ '"42"', '42', 1 ], [ '""', 'x', 0 ], [ '"\u00e9"', "\xc3\xa9", 1 ], [ '"a\u002c"', 'a,', 1 ],
        [ '42', '42', 1 ], [ '42', '042', 0 ], [ '42', '42.0', 0 ], [ '42', '+42', 0 ], [ '-7', '-7', 1 ], [ '0', '0', 1 ], [ '42', '43', 0 ],
        [ '9007199254740993', '9007199254740993', 1 ], [ '9007199254740993', '9007199254740992', 0 ],
        [ '1.5', '1.5', 1 ], [ '1.50', '1.5', 1 ], [ '1e2', '100', 1 ], [ '1.5', '1.6', 0 ], [ '9007199254740992.0', '9007199254740993', 0 ],
        [ '1.5', 'x', 0 ], [ '1.5', '"1.5"', 0 ], [ '1.5', '[1.5]', 0 ],
        [ 'true', 'true', 1 ], [ 'true', '1', 0 ], [ 'true', 'false', 0 ], [ 'false', 'false', 1 ], [ 'false', 'False', 0 ],
        [ 'null', 'null', 0 ], [ '["text"]', 'text', 0 ], [ '[]', '[]', 0 ], [ '{"a":1}', '{"a":1}', 0 ],
    );
    for my $row (@rows) {
        my ($value, $expected, $equal) = @$row;
        my $body = jwt(sprintf '{"iat":%d,"is":%s}', time, $value);
        my $r    = ask('/typed', $answerer->answers('200 OK', [], $body), 'X-Is' => $expected);
        is($r->status, $equal ? 200 : 502, "$value " . ($equal ? 'is' : 'is not') . " $expected") or diag $r->body;
        is($r->code, 'claim_mismatch', '... claim_mismatch') if !$equal;
    }
    my $one  = $answerer->answers('200 OK', [], jwt({ is => 'x' }));
    my $both = $answerer->answers('200 OK', [], jwt({ is => 'x', also => 'y' }));
    is(ask('/typed', $one, 'X-Is' => 'x')->status, 200, 'one claim');
    stopped(ask('/typed/both', $one, 'X-Is' => 'x', 'X-Also' => 'y'), 'claim_mismatch', 'an inner section adds one');
    is(ask('/typed/both', $both, 'X-Is' => 'x', 'X-Also' => 'y')->status, 200, '... and both are there');
    stopped(ask('/typed/both', $both, 'X-Is' => 'z', 'X-Also' => 'y'), 'claim_mismatch', '... that of the outer one counts on');
    is(ask('/typed/none', $answerer->answers('200 OK', [], 'plain'))->body, 'plain', 'None takes all of it away');
};

subtest 'audience and issuer' => sub {
    my $ask = sub { my %claims = @_; return ask('/audience', $answerer->answers('200 OK', [], jwt(\%claims))) };
    is($ask->(aud => 'platform', iss => 'acme')->status, 200, 'both right');
    stopped($ask->(aud => 'other', iss => 'acme'), 'wrong_audience', 'another audience');
    stopped($ask->(iss => 'acme'), 'wrong_audience', 'none');
    stopped($ask->(aud => 'platform', iss => 'MARK'), 'wrong_issuer', 'another issuer');
};

subtest 'a JWS' => sub {
    my $jws = jwt('anything at all', protected => {});
    passed(ask('/jws', $answerer->answers('200 OK', [ [ 'Content-Type' => 'application/jose' ] ], $jws)), 200, $jws, 'of any payload');
    stopped(ask('/jws', $answerer->answers('200 OK', [ [ 'Content-Type' => 'text/plain' ] ], $jws)), 'signature_missing', 'as text');
    stopped(ask('/jws', $answerer->answers('200 OK', [ [ 'Content-Type' => 'application/jwt' ] ], $jws)), 'malformed_jws', 'as a JWT that it is not');
};

subtest 'a detached JWS' => sub {
    my $sign = sub {
        my ($body, %how) = @_;
        my $signed = $w->signer->sign(scheme => 'jws-detached', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, body => $body, %how);
        return [ map { [ $_ => $signed->{headers}{$_} ] } keys %{ $signed->{headers} } ];
    };
    my $body = '{"any":"bytes"}';
    my $name = $answerer->answers('200 OK', [ @{ $sign->($body, protected => { order => 7 }) }, [ 'Content-Type' => 'application/json' ] ], $body);
    passed(ask('/detached', $name, 'X-Order' => 7), 200, $body, 'the header holds the claims');
    stopped(ask('/detached', $name, 'X-Order' => 8), 'claim_mismatch', '... of another request');
    stopped(ask('/detached', $answerer->answers('200 OK', $sign->($body, protected => { order => 7 }), "$body "), 'X-Order' => 7), 'bad_signature', 'another body');
    stopped(ask('/detached', $answerer->answers('200 OK', [], 'MARK'), 'X-Order' => 7), 'signature_missing', 'none');
    my $coded = "\x1f\x8bnot really gzip";
    passed(ask('/detached', $answerer->answers('200 OK', [ @{ $sign->($coded, protected => { order => 7 }) }, [ 'Content-Encoding' => 'gzip' ] ], $coded), 'X-Order' => 7),
        200, $coded, 'the coded bytes are what is signed');
    passed(ask('/detached', $answerer->answers('204 None', $sign->('', protected => { order => 7 })), 'X-Order' => 7), 204, '', 'nothing is signed as nothing');
};

subtest 'an HTTP message signature' => sub {
    my $sign = sub {
        my ($status, $body, $components, $fields, %how) = @_;
        my $signed = $w->signer->sign(
            scheme => 'http-signature', key => $key->{pem}, alg => 'ES256', kid => $key->{kid}, body => $body, components => $components,
            fields => { '@status' => $status, %$fields }, %how
        );
        my %own = %{ $signed->{headers} };
        return [ map { [ $_ => $own{$_} ] } sort keys %own ];
    };
    my $digest  = 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:';
    my @least   = ('@status', 'content-digest', 'content-digest;req');
    my %request = ('content-digest;req' => $digest);
    my $ask     = sub { my ($path, $name, %headers) = @_; return ask($path, $name, 'Content-Digest' => $digest, %headers) };
    my $good    = $answerer->answers('200 OK', $sign->(200, 'yes', \@least, \%request), 'yes');
    passed($ask->('/http', $good), 200, 'yes', 'status, body and what the request had');
    stopped($ask->('/http', $good, 'Content-Digest' => 'sha-256=:AAAAQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'), 'bad_signature', 'to another request');
    stopped(ask('/http', $good), 'malformed_jws', 'to one without a digest');
    stopped($ask->('/http', $answerer->answers('201 MARK', $sign->(200, 'MARK', \@least, \%request), 'MARK')), 'bad_signature', 'another status');
    stopped($ask->('/http', $answerer->answers('200 OK', $sign->(200, 'yes', \@least, \%request), 'MARK')), 'digest_mismatch', 'another body');
    for my $left (0 .. 2) {
        my @components = grep { $_ ne $least[$left] } @least;
        stopped($ask->('/http', $answerer->answers('200 OK', $sign->(200, 'MARK', \@components, \%request), 'MARK')), 'malformed_jws', "without $least[$left]");
    }
    my @listed = ('@status', 'content-digest', '@path;req', 'x-evaluation-id;req', 'content-type');
    my %fields = ('@path;req' => '/http-listed', 'x-evaluation-id;req' => 'e-9', 'content-type' => 'text/x-own');
    my $listed = $answerer->answers('200 OK', [ @{ $sign->(200, 'yes', \@listed, { %fields, '@path;req' => '/' }) }, [ 'Content-Type' => 'text/x-own' ] ], 'yes');
    passed(ask('/http-listed', $listed, 'X-Evaluation-Id' => 'e-9'), 200, 'yes', 'what is listed, of the request as it was sent');
    stopped(ask('/http-listed', $listed, 'X-Evaluation-Id' => 'e-8'), 'bad_signature', '... not as another had it');
    stopped($ask->('/http-listed', $good, 'X-Evaluation-Id' => 'e-8'), 'malformed_jws', '... not what is not');
};

subtest 'how old a key\'s last answer is' => sub {
    my $seen = sub { return $w->admins->get($w->client, "/$_[0]")->json->{lastUsedDate} };
    my $fresh = $w->key('ES256', kid => 'fresh');
    is($seen->('fresh'), undef, 'never used');
    is(ask('/jws', $answerer->answers('200 OK', [ [ 'Content-Type' => 'application/jose' ] ], jwt('x', key => $fresh, protected => {})))->status, 200, 'it signs an answer');
    for (1 .. 300) { last if defined $seen->('fresh'); sleep 0.1 }
    like($seen->('fresh'), qr/^2\d\d\d-.*Z\z/, 'which counts as its use');
};

subtest 'configuration' => sub {
    my $tested = WHK::Server->new(start => 0);
    my $test = sub {
        $tested->write_conf(conf => join("\n", @_, ''), modules => [qw(proxy proxy_http)]);
        return $tested->configtest;
    };
    my $section = sub { return ('<Location "/x">', @_, 'ProxyPass "http://127.0.0.1:9"', '</Location>') };
    my ($enterprise, $jwt, $one) = ('WebhookKeysEnterprise acme', 'WebhookKeysResponse jwt', 'WebhookKeysResponseClaim a "%{req:A}"');
    my %refused = (
        'no enterprise'             => [ qr/WebhookKeysEnterprise is missing/, $section->($jwt, $one) ],
        'no answer to be looked at' => [ qr/WebhookKeysResponse is missing/, $section->($enterprise, $one) ],
        'claims of none'            => [ qr/has no claims/, $section->($enterprise, 'WebhookKeysResponse http-signature', $one) ],
        'claims of none, around'    => [ qr/has no claims/, 'WebhookKeysResponse http-signature', $enterprise, $section->($one) ],
        'no scheme'                 => [ qr/must begin with one of jws, jwt, jws-detached, http-signature, or be None/, $section->('WebhookKeysResponse') ],
        'a scheme of requests'      => [ qr/must begin with one of/, $section->('WebhookKeysResponse standard-webhooks') ],
        'jwt with a header'         => [ qr/must be jwt alone/, $section->('WebhookKeysResponse jwt Webhook-Token') ],
        'jws-detached without'      => [ qr/must be jws-detached and the name of one header/, $section->('WebhookKeysResponse jws-detached') ],
        'half a claim'              => [ qr/must be the name of a claim and one string expression/, $section->('WebhookKeysResponseClaim a') ],
        'an empty claim'            => [ qr/must be the name of a claim and one string expression/, $section->('WebhookKeysResponseClaim "" b') ],
        'an empty expression'       => [ qr/must be the name of a claim and one string expression/, $section->('WebhookKeysResponseClaim a ""') ],
        'no expression'             => [ qr/must end with a string expression/, $section->('WebhookKeysResponseClaim a "%{nothing:x"') ],
        'a claim twice'             => [ qr/must not stand twice/, $section->($one, $one) ],
        'a component of requests'   => [ qr/"\@method" must be \@status/, $section->('WebhookKeysResponseComponents @method') ],
        'another parameter'         => [ qr/"x;tr" must be/, $section->('WebhookKeysResponseComponents x;tr') ],
        'upper case'                => [ qr/"X-A;req" must be/, $section->('WebhookKeysResponseComponents X-A;req') ],
        'a status of a request'     => [ qr/"\@status;req" must be/, $section->('WebhookKeysResponseComponents @status;req') ],
        'no component'              => [ qr/must be one or more components/, $section->('WebhookKeysResponseComponents') ],
        'no time'                   => [ qr/must be one time from 100ms to 3600s/, $section->('WebhookKeysResponseTimeout 0') ],
    );
    for my $name (sort keys %refused) {
        my ($message, @conf) = @{ $refused{$name} };
        my ($status, $said) = $test->(@conf);
        isnt($status, 0, $name) if !$ENV{WHK_SANITIZER_LOGS};
        like($said, $message, '... and told why');
    }
    my %taken = (
        'claims'             => [ undef, $section->($enterprise, $jwt, $one) ],
        'claims around'      => [ undef, $enterprise, $one, $section->($jwt) ],
        'no claims'          => [ qr/has no WebhookKeysResponseClaim/, $section->($enterprise, $jwt) ],
        'no claims to be'    => [ undef, $section->($enterprise, 'WebhookKeysResponse http-signature') ],
        'ProxyErrorOverride' => [ qr/ProxyErrorOverride .* holds where answers are signed/, $section->($enterprise, $jwt, $one, 'ProxyErrorOverride On') ],
        '... but Off'        => [ undef, 'ProxyErrorOverride On', $section->($enterprise, $jwt, $one, 'ProxyErrorOverride Off') ],
    );
    for my $name (sort keys %taken) {
        my ($message, @conf) = @{ $taken{$name} };
        my ($status, $said) = $test->(@conf);
        is($status, 0, $name) or diag $said;
        $message ? like($said, $message, '... with a warning') : unlike($said, qr/webhook_keys:warn/, '... and no warning');
    }
};

done_testing;
