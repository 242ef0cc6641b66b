# SPDX-License-Identifier: Apache-2.0
# What t/bench/make_registry.c fills a registry with is as httpd would have written it: on each database `whkctl check` and
# `whkctl audit verify` find nothing, an admin of it can ask the API, and a webhook that one of its keys signed passes.
use strict;
use warnings;
use Test::More;
use MIME::Base64 qw(decode_base64url encode_base64);
use WHK::Client;
use WHK::Database;
use WHK::OTP;
use WHK::Server;
use WHK::Signer;

my @kinds = $ENV{WHK_KINDS} ? split / /, $ENV{WHK_KINDS} : qw(sqlite pgsql mysql);
my %shape = (enterprises => 200, keys => 10, active => 4, large => 2000, large_active => 30, admins => 3);

# The database's own client, as the owner of the database. What it must not show in a command line is in its environment.
sub client {
    my $server   = shift;
    my $database = $server->database // return ("sqlite3 -bail '@{[ $server->db ]}'");
    my %param = map { split /=/, $_, 2 } split /[ ,]/, $database->params;
    return ("psql -qX -v ON_ERROR_STOP=1 -h $param{host} -p $param{port} -U $param{user} -d $param{dbname}", PGPASSWORD => $param{password}) if $database->driver eq 'pgsql';
    return ("mariadb --no-defaults --protocol=tcp -h $param{host} -P $param{port} -u $param{user} $param{dbname}", MYSQL_PWD => $param{pass});
}

sub fill {
    my ($server, @shape) = @_;
    my ($client, %env) = client($server);
    local %ENV = (%ENV, %env);
    my ($status, $out, $err) = WHK::Server::run_command("$WHK::Server::build/make_registry", $server->driver, $server->dir . '/secret.key', $server->dir, $client, @shape);
    is($status, 0, 'it is filled') or diag $out . $err;
    return;
}

sub lines_of {
    my ($server, $name) = @_;
    open my $in, '<', $server->dir . "/$name" or die "$name: $!";
    chomp(my @lines = <$in>);
    return @lines;
}

# The private key of key $number of an enterprise, as a file that OpenSSL reads.
sub private_key_file {
    my ($server, $index, $number) = @_;
    my @pairs = lines_of($server, 'private_keys');
    my $file  = $server->dir . '/private.pem';
    open my $out, '>', $file or die "$file: $!";
    print $out "-----BEGIN PRIVATE KEY-----\n", encode_base64(pack('H*', '302e020100300506032b657004220420') . decode_base64url($pairs[ ($index + $number) % @pairs ])),
      "-----END PRIVATE KEY-----\n";
    close $out;
    return $file;
}

my $hooks = <<'HOOKS';
<LocationMatch "^/hooks/(?<ENTERPRISE>[^/]+)">
    AuthType WebhookSignature
    AuthName "webhooks"
    WebhookKeysEnterprise "%{env:MATCH_ENTERPRISE}"
    WebhookKeysSignature jws-detached Webhook-Signature
    Require valid-webhook
</LocationMatch>
HOOKS

sub is_sound {
    my $server = shift;
    my ($status, $out, $err) = $server->ctl('check');
    is($status, 0, 'whkctl check finds nothing') or diag $out . $err;
    for my $enterprise ('enterprise-0000000', 'enterprise-0000199', 'large') {
        ($status, $out, $err) = $server->ctl(qw(audit verify), $enterprise);
        is($status, 0, "whkctl audit verify $enterprise neither") or diag $out . $err;
    }
    is($server->sql('SELECT count(*) - count(DISTINCT change_number) FROM whk_enterprise'), 0, 'each enterprise has a change of its own');
    return;
}

sub is_served {
    my $server = shift;
    my $client = WHK::Client->new($server->port);
    my (undef, undef, $token, $secret) = split / /, (lines_of($server, 'admins'))[-1];
    my @admin = (Authorization => "Bearer $token");
    my $keys  = $server->keys('large');
    is($client->request(GET => $keys, {@admin})->json->{total},               $shape{large},        'all keys are listed');
    is($client->request(GET => "$keys?status=ACTIVE", {@admin})->json->{total}, $shape{large_active}, '... so many of them are ACTIVE');
    is($client->request(GET => $server->events('large'), {@admin})->json->{total}, 2 * $shape{large} - $shape{large_active}, '... each event too');
    my $new = '{"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"new","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}';
    is($client->request(POST => $keys, { @admin, OTP => WHK::OTP::code($secret, period => 60), 'Content-Type' => 'application/json' }, $new)->status, 201, 'one is registered');
    my $signed = WHK::Signer->new->sign(scheme => 'jws-detached', alg => 'EdDSA', kid => 'key-10', key => private_key_file($server, 7, 10), body => '{}', header => 'Webhook-Signature');
    for (7, 8) {
        my $r = $client->request(POST => "/hooks/enterprise-000000$_", $signed->{headers}, '{}');
        is($r->status, $_ == 7 ? 404 : 401, $_ == 7 ? 'a webhook of a key passes, to a file that is not there' : '... and not to another enterprise') or diag $r->body;
    }
    return;
}

for my $kind (@kinds) {
    subtest $kind => sub {
        my $database = $kind eq 'sqlite' ? undef : WHK::Database->shared($kind)->fresh;
        my $server = WHK::Server->new(start => 0, sqlite => 1, database => $database, before => $hooks);
        fill($server, map({ "$_=$shape{$_}" } sort keys %shape), $kind eq 'sqlite' ? () : 'jobs=2');
        is_sound($server);
        $server->start;
        is_served($server);
    };
}
done_testing;
