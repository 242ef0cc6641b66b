# SPDX-License-Identifier: Apache-2.0
# The directives of jwksUris: what is wrong is found by configtest, which names directive, value and what would be right.
use strict;
use warnings;
use JSON::PP;
use Test::More;
use WHK::Fetching;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

my $directory = WHK::Origin::directory();
my $server    = WHK::Server->new(init => 0, start => 0);
WHK::Server::run_command(qw(sh -c), "head -c 32 /dev/urandom | base64 | tr -d '=\\n' | tr '+/' '-_' > $server->{dir}/secret.key; chmod 600 $server->{dir}/secret.key");
open my $out, '>', "$directory/nothing.pem";
print $out "no certificate\n";
close $out;

sub check {
    my ($line) = @_;
    $server->write_conf(before => $line);
    return $server->configtest;
}

sub wrong {
    my ($line, $like) = @_;
    my ($status, $said) = check($line);
    isnt($status, 0, 'refused: ' . $line =~ s/\n/ /gr);
    like($said, $like, '... and why') or diag $said;
    my ($name, $value) = $line =~ /^(?:<.*>\n)?(\w+) ?"?(.*?)"?$/m;
    like($said, qr/\Q$name\E/, '... the directive');
    like($said, qr/\Q$value\E/, '... the value') if $like !~ /VirtualHost|not allowed/;
    return;
}

sub right {
    my $line = shift;
    my ($status, $said) = check($line);
    is($status, 0, 'taken: ' . $line =~ s/\n/ /gr) or diag $said;
    return;
}

subtest 'WebhookKeysJwksUriAllow' => sub {
    my $range = qr/must be an IP address/;
    my $name  = qr/must be an address range .* or the name of one host/;
    wrong('WebhookKeysJwksUriAllow 10.0.0.0/33', qr/prefix length/);
    wrong('WebhookKeysJwksUriAllow 10.0.0.0/-1', qr/prefix length/);
    wrong('WebhookKeysJwksUriAllow 10.0.0.0/',   qr/prefix length/);
    wrong('WebhookKeysJwksUriAllow 10.0.0.1/8',  qr/no bit set beyond its prefix/);
    wrong('WebhookKeysJwksUriAllow fd00::/129',  qr/prefix length/);
    wrong("WebhookKeysJwksUriAllow $_", $range) for qw(10.0.0.256 10.0.0 127.1 2130706433 fe80::1%lo a/8 keys.internal/24 [::1]:443 ::g);
    wrong("WebhookKeysJwksUriAllow $_", $name)  for qw(*.keys.internal 0x7f.1 keys..internal -a a_b-.c);
    wrong('WebhookKeysJwksUriAllow https://keys.internal/', $range);
    wrong('WebhookKeysJwksUriAllow keys.internal:443', $range);
    wrong('WebhookKeysJwksUriAllow 10.0.0.0/8 nonsense/8', $range);
    wrong('WebhookKeysJwksUriAllow ""', qr/one or more/);
    wrong('WebhookKeysJwksUriAllow', qr/one or more/);
    right("WebhookKeysJwksUriAllow $_") for '10.0.0.0/8', '10.1.2.3', 'fd12::/16', '::1', 'keys.internal', 'Keys.Internal.', '10.0.0.0/8 fd12::/16 keys.internal';
};

subtest 'WebhookKeysJwksUriPin' => sub {
    wrong("WebhookKeysJwksUriPin $_", qr/must be On or Off/) for 'maybe', 'On Off', '1', '""';
    wrong('WebhookKeysJwksUriPin', qr/must be On or Off/);
    right("WebhookKeysJwksUriPin $_") for qw(On off);
};

subtest 'WebhookKeysJwksUriTimeout' => sub {
    wrong("WebhookKeysJwksUriTimeout $_", qr/must be one time from 100ms to 60s/) for qw(0 61 99ms 60001ms -1 x 5x 1.5 5h), '1 2', '""', '99999999999999999999';
    right("WebhookKeysJwksUriTimeout $_") for qw(1 60 100ms 60000ms 1500ms 5s);
};

subtest 'WebhookKeysCAFile' => sub {
    my $pem = qr/must be a file of PEM certificates that httpd can read/;
    wrong('WebhookKeysCAFile /nonexistent/ca.pem', $pem);
    wrong("WebhookKeysCAFile $directory", $pem);
    wrong("WebhookKeysCAFile $directory/nothing.pem", $pem);
    wrong("WebhookKeysCAFile $directory/good.key", $pem);
    wrong('WebhookKeysCAFile a b', qr/must be the path of one file/);
    wrong('WebhookKeysCAFile ""', qr/must be the path of one file/);
    right("WebhookKeysCAFile $directory/ca.pem");
    right("<VirtualHost 127.0.0.1:1>\nWebhookKeysCAFile $directory/ca.pem\n</VirtualHost>");
    wrong("<VirtualHost 127.0.0.1:1>\nWebhookKeysCAFile /nonexistent/ca.pem\n</VirtualHost>", $pem);
};

subtest 'WebhookKeysProxy' => sub {
    my $url = qr{must be a URL with a port that begins with http:// or https://};
    wrong("WebhookKeysProxy $_", $url) for qw(proxy.internal:3128 http://proxy.internal socks5://proxy.internal:1080 socks5h://a:1 http:// ftp://a:1 file:///a), 'http://:3128', 'http://a:99999', 'http://a:x';
    wrong('WebhookKeysProxy http://user:password@proxy.internal:3128', qr/must be a URL without a user/);
    wrong($_, qr/must be one URL/) for 'WebhookKeysProxy ""', 'WebhookKeysProxy';
    wrong('WebhookKeysProxy http://a:1 http://b:1', qr/must be one URL/);
    right("WebhookKeysProxy $_") for qw(http://proxy.internal:3128 https://proxy.internal:3128/ http://[::1]:3128);
};

subtest 'WebhookKeysMaxFetches' => sub {
    wrong("WebhookKeysMaxFetches $_", qr/must be one whole number from 2 to 10000/) for qw(0 1 10001 -1 x 1x 1.5), '1 2', '""', '99999999999999999999';
    wrong("<VirtualHost 127.0.0.1:1>\nWebhookKeysMaxFetches 2\n</VirtualHost>", qr/VirtualHost/);
    wrong("<Location />\nWebhookKeysMaxFetches 2\n</Location>", qr/not allowed|Location/);
    right("WebhookKeysMaxFetches $_") for 2, 10000;
};

subtest 'in a section' => sub {
    for my $directive ('Allow 10.0.0.1', 'Timeout 1') {
        wrong("<Location />\nWebhookKeysJwksUri$directive\n</Location>", qr/not allowed|Location/);
    }
    right("<Location />\nWebhookKeysJwksUriPin Off\n</Location>");
};

# Two hosts of one httpd, each with exceptions, time and authorities of its own.
subtest 'a virtual host has its own' => sub {
    my $origin = WHK::Origin->new(host => '127.0.0.2');
    my $set    = WHK::Origin::serve('set.json', JSON::PP->new->encode({ keys => [ map { WHK::Keys::jwk('ed25519', kid => "k$_") } 1 .. 3 ] }));
    my $port   = WHK::Server::free_port();
    my $hosts  = join "\n", map { <<"HOST" } 'WebhookKeysJwksUriAllow 127.0.0.2', "WebhookKeysCAFile $directory/self-signed.pem";
<VirtualHost *>
    ServerName @{[ /Allow/ ? 'allowing' : 'other' ]}
    $_
    AllowEncodedSlashes NoDecode
    <Location "/api/policy/v1">
        SetHandler webhook-keys
        AuthType Bearer
        AuthName "webhook keys"
        Require webhook-keys-admin
    </Location>
</VirtualHost>
HOST
    my $f = WHK::Fetching->new(enterprise => 'hosts', admins => 4, allow => '127.0.0.3', before => 'WebhookKeysJwksUriAllow 127.0.0.4', conf => $hosts);
    my $ask = sub {
        my ($name, $uri, $key_id) = @_;
        my $r = $f->client->request(
            POST => $f->server->keys('hosts'), { $f->headers, Host => $name, 'Content-Type' => 'application/json' },
            JSON::PP->new->encode({ jwksUri => $uri, keyId => $key_id })
        );
        return $r->code // $r->status;
    };
    is($ask->('allowing', $origin->uri('127.0.0.2', $set), 'k1'), 201, 'one allows it');
    my $before = $origin->connections;
    is($ask->('other', $origin->uri('127.0.0.2', $set), 'k2'), 'jwks_uri_refused', 'the other does not');
    is($origin->connections, $before, '... and sends nothing');
    is($ask->('allowing', 'https://127.0.0.3:1/', 'k2'), 'jwks_uri_refused', "a host's own list replaces the server's");
    is($ask->('other', 'https://127.0.0.3:1/', 'k2'), 'jwks_uri_unreachable', 'which the other has');
    is($ask->('other', 'https://127.0.0.4:1/', 'k2'), 'jwks_uri_unreachable', '... with all its lines');
    $origin = WHK::Origin->new(host => '127.0.0.3');
    is($ask->('other', $origin->uri('127.0.0.3', $set), 'k2'), 'jwks_uri_unreachable', "a host's own authorities");
};

done_testing;
