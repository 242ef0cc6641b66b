# SPDX-License-Identifier: Apache-2.0
# A 401 of a location with http-signature says by Accept-Signature what to sign (RFC 9421, section 5): who does just that passes.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Webhooks;

my $pages = tempdir('whk-pages-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pages;
my $settings = "AuthType WebhookSignature\nAuthName webhooks\nWebhookKeysEnterprise acme\nRequire valid-webhook\nErrorDocument 401 /gone\nErrorDocument 401 \"no\"";
sub location { my ($path, @lines) = @_; return join "\n", "<Location \"$path\">", $settings, @lines, 'ProxyPass "${WHK_BACKEND}"', "</Location>\n" }

my %places = (
    usual    => [ '',                                                                           '("@method" "@path" "@query" "content-digest");created' ],
    own      => [ 'WebhookKeysRequiredComponents @authority x-event @method @authority',        '("@authority" "x-event" "@method" "content-digest");created' ],
    bare     => [ 'WebhookKeysRequiredComponents @method @target-uri',                          '("@method" "@target-uri" "content-digest");created' ],
    tagged   => [ 'WebhookKeysSignatureTag "a \"tag\", \\\\of; ours"',                          '("@method" "@path" "@query" "content-digest");created;tag="a \"tag\", \\\\of; ours"' ],
    override => [ 'ProxyErrorOverride On',                                                      '("@method" "@path" "@query" "content-digest");created' ],
);
my $w = WHK::Webhooks->new(
    scheme  => 'http-signature',
    modules => [qw(alias dir)],
    before  => 'WebhookKeysReplayCache shmcb',
    hooks   => join '', (map { location("/$_", 'WebhookKeysSignature http-signature', $places{$_}[0]) } sort keys %places),
    location('/small',  'WebhookKeysSignature http-signature', 'WebhookKeysMaxWebhookBody 1024'),
    location('/typo',   'WebhookKeysSignature http-signature', 'WebhookKeysEnterprise "%{env:NOTHING}"'),
    location('/umlaut', 'WebhookKeysSignature http-signature', "WebhookKeysSignatureTag \xc3\xa4"),
    location('/other',  'WebhookKeysSignature jws-detached Webhook-Signature'),
    "Alias /folder/ $pages/\n<Directory $pages>\nRequire all granted\nDirectoryIndex /tagged/index\n</Directory>\n",
);
my $key  = $w->key('EdDSA', kid => 'the-key');
my $body = '{"pay":100}';
my $sent = 0;

# What it says, read by nothing of ours: the components, and the parameters, their values as they stand in quotes; undef stands for none.
sub wanted {
    my ($list, $parameters) = shift =~ /\Asig1=\(([^()]*)\)(.*)\z/ or return;
    my %parameters;
    while ($parameters =~ s/\A;([a-z]+)(?:="((?:[^"\\]|\\.)*)")?//) { my ($name, $value) = ($1, $2); $parameters{$name} = $value }
    return $parameters eq '' ? ([ $list =~ /"([^"]*)"/g ], \%parameters) : ();
}

# Signs just that, with what it leaves to the signer.
sub as_told {
    my ($told, %how) = @_;
    my ($components, $parameters) = wanted($told);
    my %given = (created => time);
    my %params = (nonce => undef, created => undef, keyid => $key->{kid}, map { $_ => $parameters->{$_} // $given{$_} } keys %$parameters);
    return $w->post($key, $how{method} ? '' : $body . ' ' x ++$sent, %how, components => $components, params => \%params, fields => { 'x-event' => 'paid' }, headers => { 'X-Event' => 'paid' },
        (grep { $_ eq 'content-digest' } @$components) ? () : (digest => undef));
}

for my $name (sort keys %places) {
    subtest $name => sub {
        my $expected = "sig1=$places{$name}[1]";
        for my $target ("/$name/x", "/$name/x?a=b%20c&d") {
            my $r = $w->client->request(POST => $target, {}, $body);
            refused($r, 401, 'signature_missing', "unsigned, $target");
            is(join('|', $r->headers('Accept-Signature')), $expected, 'Accept-Signature');
            is(as_told($r->header('Accept-Signature'), path => $target)->status, 200, 'who signs so passes');
        }
        my $r = $w->post($key, $body, path => "/$name/x", sent => "$body ", components => ['@method']);
        is($r->status, 401, 'signed in another way');
        is($r->header('Accept-Signature'), $expected, '... is told too');
        $r = $w->client->request(GET => "/$name/x", {});
        is($r->status, 401, 'GET');
        is(as_told($r->header('Accept-Signature'), path => "/$name/x", method => 'GET')->status, 200, '... who signs so passes');
    };
}

subtest 'what need not be covered is not asked for' => sub {
    is($w->client->request(GET => '/bare/x', {})->header('Accept-Signature'), 'sig1=("@method" "@target-uri");created', 'the digest of no body');
};

subtest 'by a subrequest' => sub {
    my $r = $w->client->request(GET => '/folder/', {});
    refused($r, 401, 'signature_missing', 'DirectoryIndex');
    is($r->header('Accept-Signature'), "sig1=$places{tagged}[1]", 'says what its location wants');
};

subtest 'replayed' => sub {
    my $signed = $w->sign($key, $body, path => '/usual/x', components => [ '@method', '@path', '@query', 'content-digest' ]);
    is($w->send($signed)->status, 200, 'once');
    my $r = $w->send($signed);
    refused($r, 401, 'replayed', 'twice');
    is($r->header('Accept-Signature'), "sig1=$places{usual}[1]", 'the same');
};

subtest 'nowhere else' => sub {
    my $told = sub { my ($r, $status, $name) = @_; is($r->status, $status, $name); is($r->header('Accept-Signature'), undef, '... says nothing'); return };
    $told->($w->client->request(POST => '/other/x', {}, $body), 401, 'another scheme');
    $told->($w->post($key, 'x' x 2000, path => '/small/x', client => WHK::Client->new($w->server->port)), 413, 'a body that is too long');
    $told->($w->client->request(POST => '/typo/x', {}, $body), 500, 'an error of ours');
    $told->($w->client->request(POST => '/umlaut/x', {}, $body), 401, 'a tag that no signature can have');
    $told->($w->client->request(GET => $w->server->keys('acme'), {}), 401, 'the API');
    $told->($w->post($key, $body, path => '/usual/status/401'), 401, 'the 401 of a backend');
    $told->($w->post($key, $body, path => '/usual/x'), 200, 'what passes');
};

done_testing;
