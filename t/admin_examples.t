# SPDX-License-Identifier: Apache-2.0
# conf/examples/admins-by-certificate.conf and admins-by-password.conf: callers whom other modules of httpd authenticate, with Require webhook-keys-admin as it is.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

my $examples = "$WHK::Server::root/conf/examples";
sub body_of { return encode_json({ keyId => shift, jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) }) }

subtest 'a password' => sub {
    my $server = WHK::Server->new(start => 0, init => 0);
    my $file   = $server->dir . '/passwords';
    $server->write_conf(conf => "Define WHK_PASSWORDS $file\nInclude $examples/admins-by-password.conf", modules => [qw(auth_basic authn_file authn_socache socache_shmcb)]);
    $server->ctl_ok('init');
    my $admins = WHK::Admins->new($server, 'acme', 1);
    my $user   = $admins->{list}[0]{user};
    for ($user, 'nobody') {
        my ($status, undef, $err) = WHK::Server::run_command('htpasswd', '-bB', -e $file ? () : '-c', '-C', 10, $file, $_, "password of $_");
        is($status, 0, "htpasswd: $_") or diag $err;
    }
    chmod 0644, $file;
    $server->start;
    my $client = WHK::Client->new($server->port);
    my $basic  = sub { my ($who, $password) = @_; return (Authorization => 'Basic ' . encode_base64("$who:" . ($password // "password of $who"), '')) };
    my $get    = sub { my ($headers, $enterprise) = @_; return $client->request(GET => $server->keys($enterprise // 'acme'), $headers) };
    is($get->({ $basic->($user) })->status, 200, 'an admin lists') for 1 .. 2;
    my $r = $client->request(POST => $server->keys('acme'), { $admins->write, $basic->($user), 'Content-Type' => 'application/json' }, body_of('one'));
    is($r->status, 201, '... and registers') or diag $r->body;
    is(($server->ctl(qw(key list acme)))[1] =~ /\bone\b/ ? 1 : 0, 1, '... what is there then');
    refused($client->request(POST => $server->keys('acme'), { $basic->($user), 'Content-Type' => 'application/json' }, body_of('two')), 401, 'otp_required', 'never without a code');
    refused($get->({ $basic->('nobody') }), 403, 'not_enterprise_admin', 'a user who is no admin');
    refused($get->({ $basic->($user) }, 'other'), 403, 'not_enterprise_admin', 'of another enterprise');
    for ([ 'a wrong password', { $basic->($user, 'wrong') } ], [ 'none', {} ], [ 'a bearer token', { $admins->read } ]) {
        my ($name, $headers) = @$_;
        $r = $get->($headers);
        is($r->status, 401, $name);
        like($r->header('WWW-Authenticate'), qr/^Basic /, '... is asked for one');
        ok($r->json->{requestId}, '... in JSON');
    }
};

subtest 'a certificate' => sub {
    my $pki = tempdir('whk-pki-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $pki;
    my $at = WHK::Origin::directory();
    copy("$at/good.$_->[0]", "$pki/server.$_->[1]") or die "$_->[0]: $!" for [qw(pem pem)], [qw(key key)];
    my $run = sub { my ($status, $out, $err) = WHK::Server::run_command(@_); die "@_: $err" if $status; return $out };
    my $authority = sub {
        my $name = shift;
        mkdir "$pki/$name" or die $!;
        open my $out, '>', "$pki/$name/conf" or die $!;
        print $out "[ca]\ndefault_ca=a\n[a]\ndatabase=$pki/$name/index\nnew_certs_dir=$pki/$name\ncertificate=$pki/$name.pem\nprivate_key=$pki/$name.key\ndefault_md=sha256\npolicy=p\nrand_serial=yes\nunique_subject=no\ndefault_days=2\ndefault_crl_days=2\n[p]\ncommonName=supplied\n";
        close $out;
        open $out, '>', "$pki/$name/index" or die $!;
        close $out;
        $run->(qw(openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj), "/CN=$name", '-keyout', "$pki/$name.key", '-out', "$pki/$name.pem");
    };
    my $issue = sub {
        my ($name, $ca, $cn) = @_;
        $run->(qw(openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj), "/CN=$cn", '-keyout', "$pki/$name.key", '-out', "$pki/$name.csr");
        $run->(qw(openssl ca -batch -notext -config), "$pki/$ca/conf", '-in', "$pki/$name.csr", '-out', "$pki/$name.pem");
    };
    my $list = sub { $run->(qw(openssl ca -gencrl -config), "$pki/admins-ca/conf", '-out', "$pki/admins-ca.crl") };
    $authority->($_) for qw(admins-ca other-ca);
    $list->();
    my $port   = WHK::Server::free_port();
    my $server = WHK::Server->new(start => 0, init => 0);
    $server->write_conf(conf => "Define WHK_PKI $pki\nDefine WHK_PORT $port\nInclude $examples/admins-by-certificate.conf", modules => [qw(ssl http2 socache_shmcb)]);
    $server->ctl_ok('init');
    my $admins = WHK::Admins->new($server, 'acme', 1);
    my $user   = $admins->{list}[0]{user};
    $issue->('admin',   'admins-ca', $user);
    $issue->('nobody',  'admins-ca', 'nobody');
    $issue->('lost',    'admins-ca', $user);
    $issue->('foreign', 'other-ca',  $user);
    $run->(qw(openssl ca -config), "$pki/admins-ca/conf", '-revoke', "$pki/lost.pem");
    $list->();
    $server->start;
    # Status (000: no answer) and the JSON.
    my $call = sub {
        my ($name, $enterprise, @options) = @_;
        my ($status, $out) = WHK::Server::run_command(
            qw(curl -sS --noproxy * --cacert), "$at/ca.pem", ($name ? ('--cert', "$pki/$name.pem", '--key', "$pki/$name.key") : ()),
            '-w', "\n%{http_code}", @options, "https://localhost:$port" . $server->keys($enterprise)
        );
        my ($body, $code) = $out =~ /^(.*)\n(\d+)$/s;
        return ($code, eval { decode_json($body) } // {});
    };
    my (undef, $checked) = $server->ctl(qw(check --json));
    is(join(' ', grep { /^(?:require|tls)\./ } map { $_->{id} } grep { $_->{result} ne 'ok' } @{ decode_json($checked)->{findings} }), '', 'whkctl check misses nothing of it');
    is(($call->('admin', 'acme'))[0], 200, 'an admin lists');
    my @post = ('-H', 'Content-Type: application/json', '--data-binary', body_of('one'));
    my ($code, $said) = $call->('admin', 'acme', @post, '-H', 'OTP: ' . { $admins->write }->{OTP});
    is($code, 201, '... and registers') or diag explain $said;
    ($code, $said) = $call->('admin', 'acme', '-H', 'Content-Type: application/json', '--data-binary', body_of('two'));
    is("$code $said->{code}", '401 otp_required', 'never without a code');
    for ([qw(nobody acme)], [qw(admin other)]) {
        ($code, $said) = $call->(@$_);
        is("$code $said->{code}", '403 not_enterprise_admin', "$_->[0] at $_->[1]");
    }
    for ([ '', 'no certificate' ], [ 'lost', 'one that was taken back' ], [ 'foreign', 'one that another authority signed for an admin' ]) {
        is(($call->($_->[0], 'acme'))[0], '000', $_->[1]);
    }
    is(($call->('admin', 'acme', '-H', 'Authorization: Bearer ' . 'x' x 43))[0], 200, 'a token that is sent too counts for nothing');
    ($code, $said) = $call->('nobody', 'acme', '-H', "Authorization: Bearer $admins->{list}[0]{token}");
    is("$code $said->{code}", '403 not_enterprise_admin', '... and opens nothing');
};
done_testing;
