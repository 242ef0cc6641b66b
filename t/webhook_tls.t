# SPDX-License-Identifier: Apache-2.0
# Webhooks over TLS and HTTP/2, in a virtual host of its own: mod_ssl and mod_http2 as they are.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use WHK::Origin;
use WHK::Server;
use WHK::Webhooks;

my $at   = WHK::Origin::directory();
my $port = WHK::Server::free_port();
my $w    = WHK::Webhooks->new(
    scheme => 'http-signature', modules => [qw(ssl http2)],
    before => <<"BEFORE",
Listen 127.0.0.1:$port https
<VirtualHost 127.0.0.1:$port>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile "$at/good.pem"
    SSLCertificateKeyFile "$at/good.key"
    Protocols h2 http/1.1
    WebhookKeysMaxAge 60
</VirtualHost>
BEFORE
);
my $key  = $w->key('EdDSA');
my $body = join '', map { chr } 0 .. 255;
my $dir  = tempdir(CLEANUP => 1);

sub post {
    my ($sent, $signed, @options) = @_;
    open my $out, '>:raw', "$dir/body" or die $!;
    print $out $sent;
    close $out;
    my ($status, $said, $errors) = WHK::Server::run_command(
        'curl', '-sS', '--noproxy', '*', '--cacert', "$at/ca.pem", '-H', 'Content-Type: application/json', '--data-binary', "\@$dir/body",
        (map { ('-H', "$_: $signed->{headers}{$_}") } keys %{ $signed->{headers} }), '-o', "$dir/answer", '-w', '%{http_version} %{http_code}',
        @options, "https://localhost:$port$signed->{target}"
    );
    diag $errors if $status;
    return $said;
}

sub code { open my $in, '<', "$dir/answer" or die $!; local $/; return JSON::PP->new->decode(<$in>)->{code} }

my @all = ('@method', '@target-uri', '@authority', '@scheme', 'content-digest');
for my $version ([ '--http1.1', '1.1' ], [ '--http2', '2' ]) {
    my ($option, $number) = @$version;
    my $signed = $w->sign($key, $body, https => JSON::PP::true, authority => "localhost:$port", components => \@all);
    $w->backend->clear;
    is(post($body, $signed, $option), "$number 200", "HTTP/$number: signed with its scheme and authority") or diag code();
    ok($w->backend->count == 1 && $w->backend->last->{body} eq $body, '... arrives byte for byte');
    is(post("$body!", $signed, $option), "$number 401", '... changed');
    is(code(), 'digest_mismatch', '... digest_mismatch');
    is(post($body, $w->sign($key, $body, authority => "localhost:$port", components => \@all), $option), "$number 401", '... signed as http');
    is(code(), 'bad_signature', '... bad_signature');
    is($w->backend->count, 1, '... nothing else arrives');
}
is(post($body, $w->sign($key, $body, https => JSON::PP::true, authority => "localhost:$port", now => time - 120)), '2 401', 'what the virtual host sets is in force');
is($w->post($key, $body, now => time - 120)->status, 200, '... there alone');
$w->revoke($key);
is(post($body, $w->sign($key, $body, https => JSON::PP::true, authority => "localhost:$port")), '2 401', 'revoked');
is(code(), 'key_revoked', '... in this virtual host too, at once');

done_testing;
