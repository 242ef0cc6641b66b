# SPDX-License-Identifier: Apache-2.0
# conf/examples/admins-by-openid.conf: callers whom an identity provider knows, npm's oidc-provider on loopback.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Child;
use WHK::Client;
use WHK::Interop;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

plan skip_all => 'mod_auth_openidc is not here' if !-e "$WHK::Server::modules/mod_auth_openidc.so";
my $installed = WHK::Interop::begin('idp/idp.mjs');

my $at       = WHK::Origin::directory();
my $dir      = tempdir('whk-idp-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $port     = WHK::Server::free_port();
my $audience = 'https://api.example.com';
my $server   = WHK::Server->new(start => 0, init => 0);
# %o: ca; without, a pattern of the example's lines; more directives behind them.
sub configure {
    my %o = @_;
    open my $in, '<', "$WHK::Server::root/conf/examples/admins-by-openid.conf" or die "the example: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/^ *(?:$o{without}).*\n//mg if $o{without};
    open my $out, '>', "$dir/example.conf" or die "example.conf: $!";
    print $out $text;
    close $out;
    $server->write_conf(
        conf    => "Define WHK_IDP https://127.0.0.1:$port\nDefine WHK_IDP_CA $at/" . ($o{ca} // 'ca.pem') . "\nDefine WHK_AUDIENCE $audience\nInclude $dir/example.conf\n" . ($o{more} // ''),
        modules => [qw(auth_openidc)]
    );
    return;
}
configure();
$server->ctl_ok('init');
my $admins = WHK::Admins->new($server, 'acme', 1);
my $user   = $admins->{list}[0]{user};
$server->start;
my (undef, $checked) = $server->ctl(qw(check --json));
is(join(' ', grep { /^require\./ } map { $_->{id} } grep { $_->{result} ne 'ok' } @{ decode_json($checked)->{findings} }), '', 'whkctl check misses nothing of it');

my ($script, $why) = $installed->();
if (!$script) {
    diag $why;
    done_testing;
    exit 0;
}

# The identity provider, and a token by name.
sub start_idp {
    my $file = "$dir/tokens.json";
    unlink $file;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/idp.log";
        open STDERR, '>&', \*STDOUT;
        $ENV{NODE_EXTRA_CA_CERTS} = "$at/ca.pem";
        exec qw(setpriv --pdeathsig TERM node), $script, $port, "$at/good.pem", "$at/good.key", $audience, $file, $user, 'nobody';
    }
    my $self = bless { pid => $pid, parent => $$ }, 'WHK::Child';
    for (1 .. 1000) {
        last if -e $file || waitpid($pid, WNOHANG) == $pid;
        sleep 0.02;
    }
    open my $in, '<', $file or die 'the identity provider does not start: ' . qx{cat $dir/idp.log};
    local $/;
    return ($self, decode_json(<$in>));
}
my ($idp, $tokens) = start_idp();

my $client = WHK::Client->new($server->port);
sub bearer { my $name = shift; return (Authorization => 'Bearer ' . ($tokens->{$name} // die "no token $name")) }
sub get { my ($headers, $enterprise) = @_; return $client->request(GET => $server->keys($enterprise // 'acme'), $headers) }
sub restarted { configure(@_); $client->close; $server->restart; return }

sub unauthorised {
    my ($headers, $error, $name) = @_;
    my $r = get($headers);
    refused($r, 401, 'invalid_token', $name);
    is(join(' ', map { s/, error_description=.*//r } $r->headers('WWW-Authenticate')), qq(Bearer realm="webhook keys", error="$error"), '... with the challenge of RFC 6750');
    return;
}

# How often its keys were asked for.
sub fetches {
    open my $in, '<', "$dir/idp.log" or die "idp.log: $!";
    return scalar grep { m{^request /jwks\b} } <$in>;
}

is(get({ bearer($user) })->status, 200, 'an admin lists') for 1 .. 2;
is(fetches(), 1, '... by keys that are fetched once');
my $jwks = WHK::Keys::jwks(WHK::Keys::jwk('ed25519'));
my $r    = $admins->register($client, { keyId => 'one', jwks => $jwks }, bearer($user));
is($r->status, 201, '... and registers') or diag $r->body;
is($r->json->{createdBy}, $user, '... under the name of the claim');
refused($client->request(POST => $server->keys('acme'), { bearer($user), 'Content-Type' => 'application/json' }, encode_json({ keyId => 'two', jwks => $jwks })), 401, 'otp_required', 'never without a code');
refused(get({ bearer('nobody') }), 403, 'not_enterprise_admin', 'a user who is no admin');
refused(get({ bearer($user) }, 'other'), 403, 'not_enterprise_admin', 'of another enterprise');
refused(get({ bearer('of a client') }), 403, 'not_enterprise_admin', 'a client with a token of its own');
is(get({ bearer('for two audiences') })->status, 200, 'this audience among others');

unauthorised({},                                        'invalid_request', 'none');
unauthorised({ Authorization => 'Basic YTpi' },          'invalid_request', 'a password');
unauthorised({ $admins->read },                          'invalid_token',   'a token of whkctl token issue');
unauthorised({ Authorization => "Bearer $_->[0]" },      'invalid_token',   $_->[1]) for [ 'x', 'no token' ], [ '..', 'two dots' ];
unauthorised({ bearer($_) }, 'invalid_token', "a token $_")
  for 'that is opaque', 'expired', 'by another key', 'by another key, of a name that is not there', 'by the public key', 'by none', 'with another user', 'without its signature', 'without a user';
my @elsewhere = ('for another audience', 'of another issuer', 'without end', 'that is for a login');
refused(get({ bearer($_) }), 403, 'not_enterprise_admin', "a good token $_") for @elsewhere;
is($client->request(GET => $server->keys('acme') . "?access_token=$tokens->{$user}")->status, 401, 'a token in the address counts for nothing');

subtest 'whoever is no admin any more' => sub {
    $server->ctl_ok(qw(admin remove acme), $user);
    refused(get({ bearer($user) }), 403, 'not_enterprise_admin', 'is none at once, however long the token lasts');
    $server->ctl_ok(qw(admin add acme), $user);
};

my $before = fetches();
get({ bearer('by another key, of a name that is not there') }) for 1 .. 2;
is(fetches(), $before + 2, 'whoever names a key that is not there has them fetched anew');

restarted(ca => 'self-signed.pem');
unauthorised({ bearer($user) }, 'invalid_token', 'an identity provider with a certificate of another authority');

restarted(without => 'Require (?:claim|expr)');
is(get({ bearer($_) })->status, 200, "without the lines that are beside ours, a token $_") for @elsewhere;
subtest 'the identity provider is away' => sub {
    kill STOP => $idp->{pid};
    is(get({ bearer($user) })->status, 200, 'its keys are remembered');
    restarted(more => 'OIDCHTTPTimeoutLong 1');
    my $started = time;
    unauthorised({ bearer($user) }, 'invalid_token', 'nobody comes in where there are none');
    cmp_ok(time - $started, '<', 4, '... nor waits for longer than OIDCHTTPTimeoutLong');
    kill CONT => $idp->{pid};
    $idp->stop;
    unauthorised({ bearer($user) }, 'invalid_token', '... nor where nothing answers at all');
};
done_testing;
