# SPDX-License-Identifier: Apache-2.0
# conf/examples/hardened.conf keeps out what it says: old TLS, slow headers, large bodies, too many requests.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::SSL;
use JSON::PP;
use Time::HiRes qw(time);
use WHK::Admins;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

my $at  = WHK::Origin::directory();
my $pki = tempdir('whk-pki-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $pki;
copy("$at/good.$_->[0]", "$pki/server.$_->[1]") or die "$_->[0]: $!" for [qw(pem pem)], [qw(key key)];

# Debian 12's mod_qos wants a library that its httpd has no more.
my ($library) = glob '/usr/lib/*/libpcre.so.3';
my $has_qos = -e "$WHK::Server::modules/mod_qos.so";
my $qos = !$has_qos ? '' : ($library ? "LoadFile $library\n" : '') . "LoadModule qos_module $WHK::Server::modules/mod_qos.so\n";
my $rate   = 30;
my $port   = WHK::Server::free_port();
my $server = WHK::Server->new(start => 0, init => 0);
$server->write_conf(
    conf => "${qos}Listen 127.0.0.1:$port https\nDefine WHK_NAME localhost\nDefine WHK_PKI $pki\nDefine WHK_PORT $port\nDefine WHK_READ_TIME 1\n"
      . "Define WHK_API_RATE $rate\nInclude $WHK::Server::root/conf/examples/hardened.conf",
    modules => [qw(ssl http2 headers reqtimeout setenvif proxy proxy_http socache_shmcb)]
);
$server->ctl_ok('init');
my $admins = WHK::Admins->new($server, 'acme', 1);
$server->start;
my $base = "https://localhost:$port";
my $keys = $base . $server->keys('acme');
my $asked = 0;

# Status and protocol, header and body of an answer. Over HTTP/2 one that comes before the body is sent breaks off some
# versions of curl.
sub call {
    my ($url, @options) = @_;
    $asked++ if $url =~ m{/api/};
    my ($status, $out, $err) = WHK::Server::run_command(qw(curl -sS -m 20 --http1.1 --noproxy * -D - --cacert), "$at/ca.pem", '-w', "\n%{http_code} %{http_version}", @options, $url);
    my ($text, $code, $version) = $out =~ /^(.*)\n(\d+) (\S+)$/s or return { code => "curl: $err", text => '', json => {} };
    return { code => $code, version => $version, text => $text, error => $err, json => eval { decode_json(($text =~ /\r\n\r\n(.*)/s)[0]) } // {} };
}
sub headers { my %h = @_; return map { ('-H', "$_: $h{$_}") } keys %h }

my ($status, $output) = $server->configtest;
unlike($output, qr/warn|error/i, 'httpd takes it without a warning');

my $r = call($keys, '--http2', headers($admins->read));
is("$r->{code} $r->{version}", '200 2', 'an admin lists keys over HTTP/2') or diag explain $r;
like($r->{text}, qr/^strict-transport-security: max-age=63072000\r$/mi, '... and hears that there is TLS alone');
like($r->{text}, qr/^server: Apache\r$/mi, '... of an Apache, no more');
$r = call($keys, headers($admins->write, 'Content-Type' => 'application/json'), '--data-binary', encode_json({ jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'a/b')) }));
is($r->{code}, 201, '... registers one') or diag explain $r;
is(call("$keys/a%2Fb", headers($admins->read))->{code}, 200, '... and reads it by its name, which has a slash');

$r = call($keys);
is("$r->{code} $r->{json}{code}", '401 invalid_token', 'nobody is refused');
like($r->{text}, qr/^strict-transport-security:/mi, '... with the header too');
is(call("$base/")->{code}, 403, 'all else is closed');
is(call($base . '/hooks/acme', qw(-X TRACE))->{code}, 401, '... and TRACE shows nothing');
$r = call("$base/hooks/acme", '--data-binary', '{}');
is("$r->{code} $r->{json}{code}", '401 signature_missing', 'a webhook that nobody signed');

for my $case ([ 'the API', $keys, 65_537, '-H', 'Content-Type: application/json' ], [ 'webhooks', "$base/hooks/acme", 262_145, '-H', 'Webhook-Signature: a..b' ]) {
    my ($what, $url, $bytes, @headers) = @$case;
    my $file = "$pki/body";
    open my $out, '>', $file or die $!;
    print $out 'x' x $bytes;
    close $out;
    for my $chunked ([], [ '-H', 'Transfer-Encoding: chunked' ]) {
        # A code works once, and is looked at before the body.
        my @admin = $url eq $keys ? headers($admins->write) : ();
        $r = call($url, @admin, @headers, @$chunked, '-H', 'Expect:', '--data-binary', "\@$file");
        is("$r->{code} " . ($r->{json}{code} // ''), '413 body_too_large', "a body too large for $what" . (@$chunked ? ', in chunks' : '')) or diag explain $r;
    }
}

sub connects {
    my ($version, %more) = @_;
    return IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $port, SSL_hostname => 'localhost', SSL_ca_file => "$at/ca.pem", SSL_version => $version, %more);
}
ok(!connects('TLSv1_1', SSL_cipher_list => 'ALL:@SECLEVEL=0'), 'TLS 1.1 is refused');
ok(!connects('TLSv1_2', SSL_cipher_list => 'AES128-SHA:AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA'), '... and TLS 1.2 with what has no forward secrecy, or CBC');
ok(connects($_), "$_ is not") for qw(TLSv1_2 TLSv1_3);

my $slow = connects('TLSv1_3') or die $SSL_ERROR;
print $slow "GET / HTTP/1.1\r\nHost: localhost\r\n";
my $begun = time;
my $answer = do { local $SIG{ALRM} = sub { die "it goes on\n" }; alarm 10; my $got = eval { local $/; <$slow> }; alarm 0; $@ || $got };
like($answer, qr{^HTTP/1\.1 408 }, 'a header that does not come to its end is ended') or diag $answer;
cmp_ok(time - $begun, '<', 4, '... in the time that it has');

SKIP: {
    skip 'there is no mod_qos here', 7 if !$has_qos;

    for (1 .. $rate + 5) {
        $r = call($keys, headers($admins->read));
        last if $r->{code} ne 200;
    }
    is($r->{code}, 429, 'who asks too often is told so') or diag explain $r;
    is(call($_, '--path-as-is', headers($admins->read))->{code}, 429, '... however the path is written') for map { $keys =~ s{/api/}{$_}r } '/%61pi/', '//api/', '/x/../api/';
    cmp_ok($asked, '>=', $rate - 8, '... not before he has');
    is($r->{json}{requestId} ? 1 : 0, 1, '... in JSON') or diag explain $r;
    is(call("$base/hooks/acme", '--data-binary', '{}')->{code}, 401, '... and webhooks go on');
}
done_testing;
