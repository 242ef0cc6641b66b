# SPDX-License-Identifier: Apache-2.0
# `Require webhook-keys-admin` (docs/api.md, "Authentication"): who is an admin, and with which other modules it goes.
use strict;
use warnings;
use Test::More;
use Digest::SHA qw(sha1_base64);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $bearer = "AuthType Bearer\nAuthName keys";
my $admin  = 'Require webhook-keys-admin';

sub location {
    my ($path, @lines) = @_;
    return join "\n", qq{<Location "$path">}, 'SetHandler webhook-keys', @lines, "</Location>\n";
}

my %requires = (
    '/all'         => "<RequireAll>\n$admin\nRequire ip 127.0.0.1\n</RequireAll>",
    '/all-denied'  => "<RequireAll>\n$admin\nRequire all denied\n</RequireAll>",
    '/denied-all'  => "<RequireAll>\nRequire all denied\n$admin\n</RequireAll>",
    '/all-ip'      => "<RequireAll>\nRequire ip 192.0.2.1\n$admin\n</RequireAll>",
    '/all-granted' => "<RequireAll>\nRequire all granted\n$admin\n</RequireAll>",
    '/all-user'    => "<RequireAll>\n$admin\nRequire user admin2\@e\n</RequireAll>",
    '/any'         => "<RequireAny>\nRequire ip 192.0.2.1\n$admin\n</RequireAny>",
    '/any-denied'  => "<RequireAny>\nRequire all denied\n$admin\n</RequireAny>",
    '/any-user'    => "<RequireAny>\n$admin\nRequire user nobody\n</RequireAny>",
    '/lines'       => "Require user nobody\n$admin",
    '/twice'       => "<RequireAll>\n$admin\n$admin\n</RequireAll>",
    '/none-user'   => "<RequireAll>\n$admin\n<RequireNone>\nRequire user admin1\@e\n</RequireNone>\n</RequireAll>",
    '/none-admin'  => "<RequireAll>\nRequire all granted\n<RequireNone>\n$admin\n</RequireNone>\n</RequireAll>",
    '/not-admin'   => "<RequireAll>\nRequire valid-user\nRequire not webhook-keys-admin\n</RequireAll>",
    '/method'      => "<RequireAll>\n$admin\nRequire method GET\n</RequireAll>",
);

my $server = WHK::Server->new(start => 0, init => 0);
my $conf   = "AllowEncodedSlashes NoDecode\n" . location('/api/policy/v1', $bearer, $admin);
$conf .= location($_, $bearer, $requires{$_}) for sort keys %requires;
$conf .= location('/forbidden-on', $bearer, $admin, 'AuthzSendForbiddenOnFailure On');
$conf .= location('/forbidden-off', $bearer, $admin, 'AuthzSendForbiddenOnFailure Off');
$conf .= location('/basic', 'AuthType Basic', 'AuthName passwords', 'AuthBasicProvider file', 'AuthUserFile passwords', $admin);
my @modules = qw(auth_basic authn_file authz_host);
$server->write_conf(conf => $conf, modules => \@modules);
$server->ctl_ok('init');
my $admins = WHK::Admins->new($server, 'e', 8);
my $others = WHK::Admins->new($server, 'f', 1);
{
    open my $out, '>', $server->dir . '/passwords' or die $!;
    print $out "$_:{SHA}" . sha1_base64("secret of $_") . "=\n" for 'admin1@e', 'admin1@f', 'ADMIN1@e', 'nobody';
    close $out;
}
$server->start;
my $client = WHK::Client->new($server->port);
my %reader = $admins->read;
my %second = (Authorization => "Bearer $admins->{list}[1]{token}");
my %other  = $others->read;

sub path { my ($prefix, $enterprise) = @_; return "$prefix/enterprises/" . ($enterprise // 'e') . '/webhooks/keys' }
sub get { my ($prefix, $headers, $enterprise) = @_; return $client->request(GET => path($prefix, $enterprise), $headers) }
sub body { return encode_json({ keyId => shift, jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')) }) }

subtest 'no admin, and no such enterprise' => sub {
    for my $prefix ($server->prefix, '/forbidden-on', '/forbidden-off') {
        my @answers = map {
            my $r = get($prefix, \%other, $_);
            refused($r, 403, 'not_enterprise_admin', "$prefix: enterprise " . substr $_, 0, 20);
            is($r->header('WWW-Authenticate'), undef, '... without a challenge');
            my $bytes = $r->head . $r->body;
            $bytes =~ s/^Date: .*\r\n//m;
            $bytes =~ s/"requestId":"[^"]*"//;
            $bytes
        } 'e', 'no-such', 'E', 'e%20', '%20e', 'ff', 'x' x 3000, '%C3%BC', '%FF', '%0A', "%27%20OR%201=1--", '%25', '*', '%7f';
        is_deeply([grep { $_ ne $answers[0] } @answers], [], "$prefix: all the same, byte for byte");
        is(get($prefix, \%other, 'f')->status, 200, "$prefix: the own enterprise is served");
        is(get($prefix, \%reader)->status, 200, "$prefix: and to its admin the other one");
    }
};

subtest 'every resource asks' => sub {
    my $keys = $server->keys('e');
    for my $case ([GET => $keys], [POST => $keys], [GET => "$keys/x"], [DELETE => "$keys/x"], [GET => $server->events('e')], [GET => "$keys?limit=0"]) {
        refused($client->request(@$case, { %other, OTP => '000000' }), 403, 'not_enterprise_admin', "@$case");
    }
};

subtest 'made an admin, and removed, at once' => sub {
    for my $round (1, 2) {
        $server->ctl_ok('admin', 'add', 'e', 'admin1@f');
        for (1 .. 3) { $client->close; is(get($server->prefix, \%other)->status, 200, 'an admin from now on') }
        $server->ctl_ok('admin', 'remove', 'e', 'admin1@f');
        for (1 .. 3) { $client->close; is(get($server->prefix, \%other)->status, 403, 'not any more') }
    }
    is(get($server->prefix, \%other, 'f')->status, 200, 'still admin of the own enterprise');
    my %code = $others->write;
    refused($client->request(POST => $server->keys('e'), { %code, 'Content-Type' => 'application/json' }, body('late')), 403, 'not_enterprise_admin', 'nothing is registered');
};

subtest 'passwords of mod_auth_basic' => sub {
    my $basic = sub { my ($user, $password) = @_; return { Authorization => 'Basic ' . encode_base64("$user:" . ($password // "secret of $user"), '') } };
    is(get('/basic', $basic->('admin1@e'))->status, 200, 'an admin');
    refused(get('/basic', $basic->('admin1@f')), 403, 'not_enterprise_admin', 'an admin of another enterprise');
    refused(get('/basic', $basic->('nobody')), 403, 'not_enterprise_admin', 'a user who is no admin');
    refused(get('/basic', $basic->('ADMIN1@e')), 403, 'not_enterprise_admin', 'a user whose name differs by case');
    for my $headers ({}, $basic->('admin1@e', 'wrong'), $basic->('who', 'x'), {%reader}) {
        my $r = get('/basic', $headers);
        refused($r, 401, 'invalid_token', 'no password, or a wrong one');
        is(join('|', $r->headers('WWW-Authenticate')), 'Basic realm="passwords"', "... challenge of mod_auth_basic");
    }
    refused($client->request(PUT => path('/basic')), 405, 'method_not_allowed', 'the method comes first');
    my %password = %{ $basic->('admin1@e') };
    my $r = $client->request(POST => path('/basic'), {%password}, body('b'));
    refused($r, 401, 'otp_required', 'the code is asked for as well');
    is(join('|', $r->headers('WWW-Authenticate')), 'Bearer error="insufficient_user_authentication"', '... by its challenge');
    my %code = $admins->write;
    is($client->request(POST => path('/basic'), { %code, %password, 'Content-Type' => 'application/json' }, body('b'))->status, 201, 'and registers with it');
    is(get('/basic', {%password})->json->{keys}[0]{createdBy}, 'admin1@e', 'by the name of the password');
};

subtest 'RequireAll, RequireAny, RequireNone' => sub {
    my @status = (
        ['/all', 200, 403], ['/all-denied', 403, 403], ['/denied-all', 403, 403], ['/all-ip', 403, 403], ['/all-granted', 200, 403], ['/all-user', 403, 403],
        ['/any', 200, 403], ['/any-denied', 200, 403], ['/any-user', 200, 403], ['/lines', 200, 403], ['/twice', 200, 403],
        ['/none-user', 403, 403], ['/none-admin', 500, 500], ['/not-admin', 403, 500], ['/method', 200, 403],
    );
    my %code = (403 => 'not_enterprise_admin', 500 => 'internal_error');
    for my $case (@status) {
        my ($prefix, @expected) = @$case;
        for my $headers (\%reader, \%other) {
            my $status = shift @expected;
            my $r = get($prefix, $headers);
            my $name = "$prefix, " . ($headers == \%reader ? 'the admin' : 'another user');
            if ($status == 200) { is($r->status, 200, $name) or diag $r->body; next }
            refused($r, $status, $code{$status}, $name);
        }
        my $r = get($prefix, {});
        # What is granted to all but admins, httpd grants without asking who it is: it is closed.
        if ($prefix eq '/none-admin') { refused($r, 500, 'internal_error', "$prefix, nobody"); next }
        ok($r->status == 401 || $r->status == 403, "$prefix, nobody: " . $r->status);
    }
    is(get('/all-user', \%second)->status, 200, 'an admin who is that user, too');
    is(get('/none-user', \%second)->status, 200, 'an admin who is not that user');
    for my $prefix ('/all', '/any', '/lines') {
        my $r = $client->request(POST => path($prefix), { $admins->write, 'Content-Type' => 'application/json' }, body("k$prefix"));
        is($r->status, 201, "$prefix: registers") or diag $r->body;
    }
    refused($client->request(POST => path('/method'), { $admins->write, 'Content-Type' => 'application/json' }, body('m')), 403, 'not_enterprise_admin', 'what they deny stays denied');
};

subtest 'arguments are refused by configtest' => sub {
    my $own = WHK::Server->new(start => 0, init => 0);
    for my $argument ('foo', 'e', '""') {
        $own->write_conf(conf => location('/', $bearer, "$admin $argument"));
        my ($status, $out) = $own->configtest;
        isnt($status, 0, "Require webhook-keys-admin $argument");
        like($out, qr/Require webhook-keys-admin takes no arguments/, '... says why');
    }
};

unlike($server->error_log, qr/exit signal|Segmentation/, 'no crash');
done_testing;
