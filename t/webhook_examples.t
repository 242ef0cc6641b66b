# SPDX-License-Identifier: Apache-2.0
# conf/examples: as they stand they are ones that httpd takes, and with a backend they do what they say.
use strict;
use warnings;
use Test::More;
use File::Basename qw(basename);
use MIME::Base64 qw(encode_base64url decode_base64url);
use WHK::Answerer;
use WHK::Answers qw(refused);
use WHK::Backend;
use WHK::Keys;
use WHK::Server;
use WHK::Webhooks;

my %changed = (
    'jws' => 'bad_signature', 'jws-detached' => 'bad_signature', 'jwt' => 'digest_mismatch', 'http-signature' => 'digest_mismatch',
    'standard-webhooks' => 'bad_signature',
);
my %other = map { $_ => 1 } qw(admins-by-certificate admins-by-ldap admins-by-openid admins-by-password hardened signed-answers signed-requests);    # not of webhooks that come
my @examples = sort grep { !$other{$_} } map { basename($_, '.conf') } glob "$WHK::Server::root/conf/examples/*.conf";
is_deeply(\@examples, [ sort keys %changed ], 'each scheme has its example');

my $body = qq({"order":17,\r\n "note":"gr\xc3\xbc\xc3\x9fe \x00\xff"}\n);

# The next one but for a byte; of a JWS that of its payload.
sub another_body {
    my ($scheme, $sent) = @_;
    return $sent =~ s/17/18/r if $scheme ne 'jws';
    my ($header, $payload, $signature) = split /\./, $sent;
    return join '.', $header, encode_base64url(decode_base64url($payload) =~ s/17/18/r), $signature;
}

sub stopped {
    my ($w, $r, $code, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused($r, 401, $code, $name);
    is($w->backend->count, 0, '... and the backend has not seen it');
    return;
}

sub text_of {
    my $file = shift;
    open my $in, '<', "$WHK::Server::root/$file" or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# The locations for webhooks that pages show, and the one that comes commented out with the installed example.
my @pages = ('README.md', map { "docs/$_.md" } qw(directives/webhooks operations signing));
my @shown = map { my $page = $_; map { [ $page, $_ ] } grep { /^\s*ProxyPass/m && /valid-webhook/ } text_of($page) =~ /^```apache\n(.*?)^```$/msg } @pages;
my $commented = join '', text_of('conf/webhook_keys.conf') =~ /^#(\s*<LocationMatch.*\n(?:#.*\n)*)/m;
push @shown, [ 'conf/webhook_keys.conf', $commented =~ s/^#//mgr ];
cmp_ok(scalar @shown, '>=', 3, 'pages show locations for webhooks');
for my $shown (@shown) {
    my ($page, $text) = @$shown;
    subtest "as shown in $page" => sub {
        my $hooks = $text =~ s{"http://127\.0\.0\.1:9000}{"\${WHK_BACKEND}}r;
        isnt($hooks, $text, 'its backend is ours') or return diag $text;
        my $w   = WHK::Webhooks->new(hooks => $hooks);
        my $key = $w->key('EdDSA');
        for my $target ('', '/', '/orders/a%20b?id=1') {
            $w->backend->clear;
            is($w->post($key, $body, target => $target)->status, 200, "$target passes");
            is($w->backend->last->{path}, "/hooks/acme$target", '... and arrives under the path it was sent to');
            is(WHK::Backend::header($w->backend->last, 'Webhook-Key-Id'), $key->{kid}, '... with who signed');
        }
        refused($w->post($key, $body, sent => "$body "), 401, 'bad_signature', 'a changed body does not');
    };
}

my $plain = WHK::Server->new(start => 0);
for my $scheme (@examples) {
    subtest $scheme => sub {
        $plain->write_conf(conf => "Include $WHK::Server::root/conf/examples/$scheme.conf", modules => [qw(proxy proxy_http)]);
        my ($status, $output) = $plain->configtest;
        is($status, 0, 'httpd takes it as it stands') or return diag $output;

        my $w   = WHK::Webhooks->new(example => $scheme);
        my $key = $w->key('EdDSA', kid => 'my-key-v2');

        my $signed = $w->sign($key, $body, target => '/orders/a%20b?id=1');
        # Under its own name it would name the key to try, with standard-webhooks.
        my $forged = $scheme eq 'standard-webhooks' ? 'Webhook_Key_Id' : 'Webhook-Key-Id';
        my $r = $w->send($signed, headers => { $forged => 'forged', 'Webhook-Enterprise' => ['for', 'ged'], 'Webhook-Alg' => 'none' });
        is($r->status, 200, 'a webhook that is signed passes') or diag $r->body;
        is($w->backend->count, 1, '... once');
        my $got = $w->backend->last;
        ok($got && $got->{body} eq $signed->{body}, '... byte for byte');
        is_deeply([ @{$got}{qw(method path)} ], [ 'POST', '/hooks/acme/orders/a%20b?id=1' ], '... method and path too');
        is(WHK::Backend::header($got, 'Webhook-Key-Id'),     'my-key-v2', '... the backend learns who signed');
        is(WHK::Backend::header($got, 'Webhook-Enterprise'), 'acme',      '... and for which enterprise');
        is(WHK::Backend::header($got, 'Webhook-Alg'),        'EdDSA',     '... and how');

        $w->backend->clear;
        stopped($w, $w->send($signed, sent => another_body($scheme, $signed->{body})), $changed{$scheme}, 'a changed body');
        my %none = map { $_ => undef } keys %{ $signed->{headers} };
        stopped($w, $w->send($signed, headers => { %none, 'Content-Type' => 'application/json' }), 'signature_missing', 'no signature');
        my $stranger = $w->key('EdDSA', kid => 'stranger', enterprise => 'other');
        # Where a signature names no key, what there is to try does not fit.
        my $unknown = $scheme eq 'standard-webhooks' ? 'bad_signature' : 'unknown_key';
        stopped($w, $w->post($stranger, $body), $unknown, 'a key of another enterprise');
        is($w->post($stranger, $body, path => '/hooks/other/orders')->status, 200, '... which passes there');
        $w->backend->clear;
        if ($scheme eq 'http-signature') {
            my $elsewhere = { %$signed, target => $signed->{target} =~ s/id=1/id=2/r };
            stopped($w, $w->send($elsewhere), 'bad_signature', 'another query');
            my $less = $w->post($key, $body, components => [qw(@method @authority @path content-digest)]);
            is($less->status, 401, 'a signature that covers less than it must is refused');
        }
        stopped($w, $w->post($key, $body, now => time - 400), 'expired', 'an old signature');
    };
}

subtest 'signed-requests' => sub {
    my $text = text_of('conf/examples/signed-requests.conf');
    my ($pem, $jwk) = WHK::Keys::pem_and_jwk('ed25519');
    ok($text =~ s{/etc/apache2/out-2026-1\.pem}{$pem}, 'a key of ours in its place');
    my $w = WHK::Webhooks->new(hooks => "Define WHK_CUSTOMER \${WHK_BACKEND}\n$text", modules => ['authz_host']);
    my $r = $w->client->request(POST => '/out/orders?id=1', { 'Content-Type' => 'application/json' }, $body);
    is($r->status, 200, 'what is sent there') or diag $r->body;
    my $got = $w->backend->last // {};
    ok($got->{body} eq $body, '... arrives byte for byte');
    like(WHK::Backend::header($got, 'Signature-Input') // '', qr/keyid="out-2026-1"/, '... signed');
    my $set = $w->client->request(GET => '/.well-known/webhook-jwks.json')->json;
    is($set->{keys}[0]{x}, $jwk->{x}, '... and the key is published');
};

subtest 'signed-answers' => sub {
    my $file = "$WHK::Server::root/conf/examples/signed-answers.conf";
    $plain->write_conf(conf => "Include $file", modules => [qw(authz_host proxy proxy_http)]);
    my ($status, $output) = $plain->configtest;
    is($status, 0, 'httpd takes it as it stands') or return diag $output;
    unlike($output, qr/webhook_keys:/, '... and has nothing to say of it');

    my $answerer = WHK::Answerer->new;
    my $w   = WHK::Webhooks->new(modules => ['authz_host'], before => 'Define WHK_BACKEND ' . $answerer->uri, hooks => "Include $file");
    my $key = $w->key('EdDSA');
    my $ask = sub {
        my ($name, $id) = @_;
        return $w->client->request(POST => '/out/acme/a?b=c', { 'X-Answer' => $name, 'X-Evaluation-Id' => $id }, $body);
    };
    my $answer = $w->sign($key, '{"evaluationId":"e-1"}', scheme => 'jws', type => 'application/jwt')->{body};
    my $name   = $answerer->answers('200 OK', [ [ 'Content-Type' => 'application/jwt' ] ], $answer);
    my $r      = $ask->($name, 'e-1');
    is($r->status, 200, 'an answer to this request passes') or diag $r->body;
    is($r->body, $answer, '... as it came');
    is($r->header('Webhook-Key-Id'), $key->{kid}, '... with who signed it');
    my ($got) = $answerer->requests;
    is($got->{path}, '/out/acme/a?b=c', '... to a request with its path');
    ok($got->{body} eq $body, '... and its body');
    is($ask->($name, 'e-2')->code, 'claim_mismatch', '... and to no other');
    is($ask->($answerer->answers('200 OK', [], $body), 'e-1')->status, 502, 'and none that nobody signed');
};
done_testing;
