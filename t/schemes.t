# SPDX-License-Identifier: Apache-2.0
# What tells the schemes apart, and what is asked of a signature beyond being good: one scheme's at another's place,
# several signatures on a request, whom a token is for, when it was made, and how many keys are tried.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use MIME::Base64 qw(decode_base64 decode_base64url encode_base64 encode_base64url);
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Webhooks;

my $json = JSON::PP->new->canonical;
my $body = '{"pay":100}';

sub location {
    my ($name, $scheme, @more) = @_;
    return join "\n", qq(<Location "/hooks/$name">), 'AuthType WebhookSignature', 'AuthName "webhooks"', 'WebhookKeysEnterprise acme',
      "WebhookKeysSignature $scheme", 'Require valid-webhook', 'ProxyPass "${WHK_BACKEND}"', @more, "</Location>\n";
}

sub stopped {
    my ($w, $r, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused($r, 401, $code, $name);
    is($w->backend->count, 0, '... nothing arrived');
    $w->backend->clear;
    return $r;
}

sub passed {
    my ($w, $r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is($r->status, 200, $name) or diag $r->body;
    is($w->backend->count, 1, '... it arrived');
    my $arrived = $w->backend->last;
    $w->backend->clear;
    return $arrived->{body};
}

my %scheme = (
    'jws' => 'jws', 'jws-detached' => 'jws-detached Sent', 'jwt' => 'jwt Sent', 'http-signature' => 'http-signature',
    'standard-webhooks' => 'standard-webhooks',
);
my $all = WHK::Webhooks->new(hooks => join('', map { location($_, $scheme{$_}) } sort keys %scheme)
      . location('undated', 'jws-detached Sent', 'WebhookKeysRequireTime Off') . location('undated-jws', 'jws', 'WebhookKeysRequireTime Off')
      . location('undated-jwt', 'jwt Sent', 'WebhookKeysRequireTime Off') . location('undated-http', 'http-signature', 'WebhookKeysRequireTime Off'));
my $key = $all->key('EdDSA');

sub at {
    my ($place, $headers, $sent) = @_;
    return $all->client->request(POST => "/hooks/$place", { 'Content-Type' => 'application/json', %$headers }, $sent);
}

sub signed { my ($scheme, $text, %how) = @_; return $all->sign($key, $text, scheme => $scheme, header => 'Sent', path => "/hooks/$scheme", %how) }

subtest 'each at its own place' => sub {
    for my $scheme (sort keys %scheme) {
        my $signed = signed($scheme, $body);
        is(passed($all, at($scheme, @{$signed}{qw(headers body)}), $scheme), $signed->{body}, '... as it was sent');
    }
};

# What was signed, and how an attacker cuts it: [place, headers, body] for each way.
sub ways {
    my ($text, $signature) = @_;
    my @ways;
    my $base64 = encode_base64(decode_base64url($signature), '');
    push @ways, [ 'jws', { 'Content-Type' => "application/$_" }, "$text.$signature" ] for qw(jose jwt);
    for my $at (grep { substr($text, $_, 1) eq '.' } 0 .. length($text) - 1) {
        my ($left, $right) = (substr($text, 0, $at), substr $text, $at + 1);
        next if $left =~ /[\r\n]/;
        push @ways, [ 'jws-detached', { Sent => "$left..$signature" }, $_ ] for $right, decode_base64url($right);
        push @ways, [ 'jwt', { Sent => "$text.$signature" }, $_ ] for $right =~ /[\r\n]|\A\s|\s\z/ ? () : ($body, $right, decode_base64url($right));
        push @ways, [ 'standard-webhooks', { 'webhook-id' => $left, 'webhook-timestamp' => time, 'webhook-signature' => "v1a,$base64" }, $right ];
        for my $then (grep { substr($right, $_, 1) eq '.' } 0 .. length($right) - 1) {
            my $stamp = substr $right, 0, $then;
            next if $stamp =~ /[\r\n]/;
            push @ways, [ 'standard-webhooks', { 'webhook-id' => $left, 'webhook-timestamp' => $stamp, 'webhook-signature' => "v1a,$base64" }, substr $right, $then + 1 ];
        }
    }
    push @ways, [ 'http-signature', { 'Signature-Input' => "a=$_", Signature => "a=:$base64:" }, $body ]
      for '()', '("@method");created=' . time . qq(;keyid="$key->{kid}"), qq(();keyid="$key->{kid}";created=) . time;
    return @ways;
}

subtest 'none at another' => sub {
    my $now = time;
    my $kid = $key->{kid};
    my $raw = sub { my ($text) = @_; encode_base64url(decode_base64(($all->sign($key, substr($text, index($text, '.', index($text, '.') + 1) + 1), scheme => 'standard-webhooks', id => (split /\./, $text)[0], timestamp => (split /\./, $text)[1])->{headers}{'webhook-signature'} =~ /,(.*)/)[0])) };
    my %text;
    my $compact = sub { my ($scheme, $name, $token, $payload) = @_; my ($h, $p, $s) = split /\./, $token; push @{ $text{$scheme} }, [ $name, "$h." . ($payload // $p), $s ] };
    my $unencoded = { b64 => JSON::PP::false };
    $compact->('jws-detached', 'encoded', signed('jws-detached', $body)->{headers}{Sent}, encode_base64url($body));
    $compact->('jws-detached', 'unencoded', signed('jws-detached', $body, %$unencoded)->{headers}{Sent}, $body);
    $compact->('jws-detached', 'with a timestamp in front', signed('jws-detached', "$now.$body", %$unencoded)->{headers}{Sent}, "$now.$body");
    $compact->('jws', 'opaque', signed('jws', 'opaque')->{body});
    $compact->('jws', 'JSON', signed('jws', $body)->{body});
    $compact->('jws', 'a JWT', signed('jws', $json->encode({ iat => $now, sub => 'x' }), protected => { typ => 'JWT', iat => undef, jti => undef })->{body});
    $compact->('jwt', $_->{name}, signed('jwt', $body, protected => { typ => $_->{typ}, iat => undef, jti => undef })->{headers}{Sent})
      for { name => 'JWT', typ => 'JWT' }, { name => 'another JWT', typ => 'at+jwt' }, { name => 'no typ', typ => undef };
    my $id = 'msg_1';
    for my $payload ($body, encode_base64url($body), "$now.$body") {
        push @{ $text{'standard-webhooks'} }, [ "body $payload", "$id.$now.$payload", $raw->("$id.$now.$payload") ];
    }
    my $http = signed('http-signature', $body, path => '/hooks/http-signature', fields => { 'x-a' => "a.$now.b" }, components => [ 'x-a', '@method', 'content-digest' ]);
    my ($input) = $http->{headers}{'Signature-Input'} =~ /^sig1=(.*)/;
    my ($signature) = $http->{headers}{Signature} =~ /:(.*):/;
    push @{ $text{'http-signature'} }, [ 'components', qq("x-a": a.$now.b\n"\@method": POST\n"content-digest": $http->{headers}{'Content-Digest'}\n"\@signature-params": $input), encode_base64url(decode_base64($signature)) ];

    my %count;
    # An attached and a detached JWS over the same payload are one signature: then what arrives is what was signed.
    my %same = ('jws jws-detached' => 1, 'jws-detached jws' => 1);
    for my $from (sort keys %text) {
        for my $source (@{ $text{$from} }) {
            my ($name, $text, $signature) = @$source;
            for my $way (grep { $_->[0] ne $from } ways($text, $signature)) {
                my ($to, $headers, $sent) = @$way;
                my $r = at($to, $headers, $sent);
                my $arrived = $all->backend->count;
                my $last = $arrived ? $all->backend->last->{body} : undef;
                $all->backend->clear;
                $count{"$from $to"}++;
                if ($same{"$from $to"} && $r->status == 200) {
                    my ($h, $p) = split /\./, $text, 2;
                    ok($last eq ($to eq 'jws' ? "$text.$signature" : decode_base64url($p)), "$from ($name) at $to: the very bytes that were signed");
                    next;
                }
                is($r->status, 401, "$from ($name) at $to") or diag explain $way;
                is($arrived, 0, '... nothing arrived') if $arrived;
            }
        }
    }
    for my $from (sort keys %scheme) {
        cmp_ok($count{"$from $_"} // 0, '>', 0, "$from was tried at $_") for grep { $_ ne $from && ($_ ne 'jwt' || $from ne 'http-signature') } sort keys %scheme;
    }
};

subtest 'a webhook-id that is the header of a JWS' => sub {
    my $detached = signed('jws-detached', time . '.{}', b64 => JSON::PP::false);
    my ($header, undef, $signature) = split /\./, $detached->{headers}{Sent};
    my ($stamp) = split /\./, $detached->{body};
    passed($all, at('jws-detached', @{$detached}{qw(headers body)}), 'where it belongs');
    my $r = at('standard-webhooks', { 'webhook-id' => $header, 'webhook-timestamp' => $stamp, 'webhook-signature' => 'v1a,' . encode_base64(decode_base64url($signature), '') }, '{}');
    stopped($all, $r, 'malformed_jws', 'as a standard webhook');
    like($r->message, qr/webhook-id must/, '... says why');
    for my $id ('"x', 'x"', encode_base64url(' {"a":1}'), 'e30') {
        stopped($all, $all->post($key, $body, scheme => 'standard-webhooks', path => '/hooks/standard-webhooks', id => $id), 'malformed_jws', "signed with the id $id");
    }
};

subtest 'a time must be there' => sub {
    my %none = (protected => { iat => undef, jti => undef });
    my $r = $all->post($key, $body, scheme => 'jws-detached', header => 'Sent', path => '/hooks/jws-detached', %none);
    stopped($all, $r, 'expired', 'jws-detached without a time');
    like($r->message, qr/\.setProtectedHeader\(\{ alg, kid, iat: Math\.floor/, '... says what to add');
    my $to = sub { my ($place, $scheme, %how) = @_; return $all->post($key, $body, scheme => $scheme, header => 'Sent', path => "/hooks/$place", %how) };
    stopped($all, $to->('jws', 'jws', %none), 'expired', 'jws without a time');
    stopped($all, $to->('jws-detached', 'jws-detached', protected => { iat => undef, nbf => time - 10 }), 'expired', 'nbf bounds nothing');
    passed($all, $to->('jws-detached', 'jws-detached', protected => { iat => undef, exp => time + 10 }), 'exp does');
    passed($all, $to->('undated', 'jws-detached', %none), 'Off: jws-detached');
    passed($all, $to->('undated-jws', 'jws', %none), 'Off: jws');
    stopped($all, $to->('undated', 'jws-detached', protected => { iat => time - 1000 }), 'expired', 'Off: one that is too old');
    stopped($all, $to->('undated-jwt', 'jwt', claims => { iat => undef }), 'expired', 'Off does not lift it for jwt');
    stopped($all, $to->('undated-http', 'http-signature', params => { created => undef }), 'expired', '... nor for http-signature');
    my $token = signed('jwt', $body, protected => { typ => undef, iat => undef, jti => undef })->{headers}{Sent};
    my ($h, $p, $s) = split /\./, $token;
    stopped($all, at('undated', { Sent => "$h..$s" }, decode_base64url($p)), 'malformed_jws', 'Off: a JWT for another body');
};

subtest 'aud and iss' => sub {
    my $w = WHK::Webhooks->new(hooks => location('none', 'jwt Sent') . location('set', 'jwt Sent', 'WebhookKeysAudience "https://hooks.example" second', 'WebhookKeysIssuer acme')
          . location('body', 'jws', 'WebhookKeysAudience second', 'WebhookKeysIssuer acme'));
    my $key = $w->key('ES256');
    my $jwt = sub { my ($place, %claims) = @_; return $w->post($key, $body, scheme => 'jwt', header => 'Sent', path => "/hooks/$place", claims => \%claims) };
    my %mine = (iss => 'acme');
    passed($w, $jwt->('none'), 'neither');
    passed($w, $jwt->('none', iss => 'anybody'), 'any issuer');
    my $r = $jwt->('none', aud => 'second');
    stopped($w, $r, 'wrong_audience', 'aud, and no name was set');
    like($r->message, qr/WebhookKeysAudience/, '... says what to do');
    passed($w, $jwt->('set', %mine, aud => $_), 'aud ' . $json->allow_nonref->encode($_)) for 'second', 'https://hooks.example', ['second'], [ 'other', 'second' ];
    stopped($w, $jwt->('set', %mine, aud => $_), 'wrong_audience', 'aud ' . $json->allow_nonref->encode($_)) for undef, 'other', 'Second', ['other'], [], '';
    stopped($w, $jwt->('set', %mine, aud => $_), 'malformed_jws', 'aud ' . $json->allow_nonref->encode($_)) for 7, { second => 1 }, [ 'second', 7 ];
    stopped($w, $jwt->('set', aud => 'second', iss => $_), 'wrong_issuer', 'iss ' . ($_ // 'missing')) for undef, 'Acme', 'acme ';
    my $stranger = $w->key('ES256', register => 0, kid => $key->{kid});
    stopped($w, $w->post($stranger, $body, scheme => 'jwt', header => 'Sent', path => '/hooks/set', claims => { aud => 'other' }), 'bad_signature', 'judged after the signature alone');
    my $attached = sub {
        my ($type, %claims) = @_;
        return $w->post($key, $json->encode({ iat => time, %claims }), scheme => 'jws', path => '/hooks/body', type => "application/$type", protected => { iat => undef, jti => undef });
    };
    for my $type (qw(jwt jose)) {
        passed($w, $attached->($type, %mine, aud => 'second'), "jws as $type");
        stopped($w, $attached->($type, %mine, aud => 'other'), 'wrong_audience', '... for another');
        stopped($w, $attached->($type, %mine), 'wrong_audience', '... for nobody');
        stopped($w, $attached->($type, aud => 'second'), 'wrong_issuer', '... from nobody');
    }
};

# Signs the same request with several keys: each with a label of its own.
sub together {
    my ($w, $path, @each) = @_;
    my (%headers, @input, @signature);
    my $label = 'a';
    for my $one (@each) {
        my ($key, %how) = @$one;
        my $signed = $w->sign($key, $body, path => $path, label => $label++, %how);
        push @input, $signed->{headers}{'Signature-Input'};
        push @signature, $signed->{headers}{Signature};
        %headers = (%headers, %{ $signed->{headers} });
    }
    return { method => 'POST', target => $path, body => $body, headers => { %headers, 'Signature-Input' => join(', ', @input), Signature => join(', ', @signature) } };
}

subtest 'several HTTP signatures' => sub {
    my $w = WHK::Webhooks->new(hooks => location('any', 'http-signature', 'RequestHeader set X-Key-Id "%{WEBHOOK_KEY_ID}e"') . location('tagged', 'http-signature', 'WebhookKeysSignatureTag "our tag"') . location('least', 'http-signature', 'WebhookKeysRequiredComponents @method @authority'));
    my ($one, $two) = map { $w->key($_) } qw(ES256 EdDSA);
    my $stranger = $w->key('ES256', register => 0, kid => 'of a proxy');
    my $theirs   = $w->key('ES256', enterprise => 'globex', kid => 'theirs');
    my $revoked  = $w->key('ES256');
    $w->revoke($revoked);
    my $key_id = sub { return WHK::Backend::header($w->backend->last, 'X-Key-Id') };
    my $any = sub { return $w->send(together($w, '/hooks/any', @_)) };
    my $counts = sub {
        my ($name, $key, @each) = @_;
        my $r = $any->(@each);
        is($r->status, 200, $name) or diag $r->body;
        is($key_id->(), $key->{kid}, "... $key->{kid} counts");
        $w->backend->clear;
    };
    $counts->('two of the enterprise', $one, [$one], [$two]);
    $counts->('the other way around', $two, [$two], [$one]);
    $counts->('a stranger first', $one, [$stranger], [$one]);
    $counts->('a stranger last', $one, [$one], [$stranger]);
    $counts->('one that names no key', $one, [ $stranger, params => { keyid => undef } ], [$one]);
    $counts->('one of another enterprise', $one, [$theirs], [$one]);
    $counts->('a revoked one', $two, [$revoked], [$two]);
    $counts->('what the others cover does not matter', $one, [ $stranger, components => ['@method'] ], [ $one ]);
    $counts->('nor how old they are', $one, [ $stranger, now => 1 ], [$one]);
    stopped($w, $any->([ $one, components => ['@method'] ], [$two]), 'malformed_jws', 'what the one that counts covers does');
    stopped($w, $any->([ $one, now => time - 1000 ], [$two]), 'expired', '... and its age');
    stopped($w, $any->([ { %$one, pem => $stranger->{pem} } ], [$two]), 'bad_signature', '... and that it is good');
    stopped($w, $any->([$stranger], [$theirs]), 'unknown_key', 'nobody that is known');
    stopped($w, $any->([$revoked], [$stranger]), 'key_revoked', 'a revoked one and a stranger');
    stopped($w, $any->(map { [ $_, params => { keyid => undef } ] } $one, $two), 'unknown_key', 'none names a key');
    passed($w, $any->((map { [$stranger] } 1 .. 15), [$one]), 'sixteen');
    stopped($w, $any->((map { [$stranger] } 1 .. 16), [$one]), 'malformed_jws', 'seventeen');

    my $least = sub { return $w->send(together($w, '/hooks/least', @_)) };
    my @more = (components => [ '@method', '@authority', 'content-digest' ]);
    my @less = (components => [ '@method', 'content-digest' ]);
    passed($w, $least->([ $stranger, @less ], [ $one, @more ]), 'WebhookKeysRequiredComponents holds for the one that counts');
    stopped($w, $least->([ $stranger, @more ], [ $one, @less ]), 'malformed_jws', '... and another does not help it');

    my $tagged = sub { return $w->send(together($w, '/hooks/tagged', @_)) };
    my $ours = sub { return [ shift, params => { tag => 'our tag' } ] };
    passed($w, $tagged->([$one], $ours->($two)), 'by its tag');
    passed($w, $tagged->($ours->($one)), 'one with the tag');
    stopped($w, $tagged->([$one], [ $two, params => { tag => 'Our tag' } ]), 'signature_missing', 'none has the tag');
    stopped($w, $tagged->($ours->($stranger), [$one]), 'unknown_key', 'who has the tag counts');
    my $r = $tagged->($ours->($one), $ours->($two));
    stopped($w, $r, 'malformed_jws', 'two with the tag');
    like($r->message, qr/several signatures have the tag/, '... says so');
};

subtest 'standard-webhooks: how many keys are tried' => sub {
    my $w = WHK::Webhooks->new(scheme => 'standard-webhooks');
    my @keys = map { $w->key('EdDSA') } 1 .. 20;
    my $oldest = $keys[0];
    passed($w, $w->post($keys[-1], $body), 'the newest');
    passed($w, $w->post($keys[4], $body),  'the sixteenth newest');
    my $r = $w->post($oldest, $body);
    stopped($w, $r, 'bad_signature', 'the oldest of twenty');
    like($r->message, qr/one of the 16 keys that were tried, of 20 .* webhook-key-id/, '... says what to send');
    passed($w, $w->post($oldest, $body, headers => { 'webhook-key-id' => $oldest->{kid} }), 'named');
    passed($w, $w->post($oldest, $body), 'it is the one used last now: tried first');
    stopped($w, $w->post($keys[1], $body, headers => { 'webhook-key-id' => $oldest->{kid} }), 'bad_signature', 'the name of another');
    stopped($w, $w->post($keys[1], $body, headers => { 'webhook-key-id' => 'nobody' }), 'unknown_key', 'the name of nobody');
    my $p256 = $w->key('ES256');
    stopped($w, $w->post($keys[1], $body, headers => { 'webhook-key-id' => $p256->{kid} }), 'algorithm_mismatch', 'the name of another kind');
    $w->revoke($keys[2]);
    stopped($w, $w->post($keys[2], $body, headers => { 'webhook-key-id' => $keys[2]{kid} }), 'key_revoked', 'the name of a revoked one');

    # Of the tries each signature that is sent along takes one for each key.
    my $bad = 'v1a,' . encode_base64("\x11" x 64, '');
    my $with = sub { my ($count, $key, %how) = @_; return $w->post($key, $body, more => [ ($bad) x $count ], %how) };
    passed($w, $with->(1, $keys[-1]), 'two signatures');
    stopped($w, $with->(1, $keys[9]), 'bad_signature', 'two signatures: eight keys are tried');
    passed($w, $with->(15, $keys[9], headers => { 'webhook-key-id' => $keys[9]{kid} }), 'sixteen signatures and the key');
    stopped($w, $with->(16, $keys[9], headers => { 'webhook-key-id' => $keys[9]{kid} }), 'malformed_jws', 'seventeen');

    # 1 MiB, sixteen signatures and no key: sixteen verifications.
    my $long = 'x' x 1_048_576;
    my $start = time;
    stopped($w, $w->post($keys[9], "$long", sent => substr($long, 0, -1) . 'y', more => [ ($bad) x 15 ]), 'bad_signature', 'a mebibyte and sixteen signatures');
    cmp_ok(time - $start, '<', 4, '... is soon refused');
};

done_testing;
