# SPDX-License-Identifier: Apache-2.0
# Bearer tokens (docs/api.md, "Authentication"; RFC 6750).
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Server;

my $server = WHK::Server->new(before => 'LogLevel trace8');
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'e', 2);
my $keys   = $server->keys('e');
my $user   = 'admin1@e';
my $token  = $admins->{list}[0]{token};
my @used   = map { $_->{token} } @{ $admins->{list} };

my $missing = 'Bearer realm="webhook keys"';
my $invalid = 'Bearer realm="webhook keys", error="invalid_token"';

sub get { my ($authorization, $tail, %more) = @_; return $client->request(GET => $keys . ($tail // ''), { Authorization => $authorization, %more }) }

sub issue { my @options = @_; my $issued = $server->ctl_json('token', 'issue', $user, @options); push @used, $issued->{token}; return $issued }

sub is_refused {
    my ($r, $challenge, $name) = @_;
    refused($r, 401, 'invalid_token', $name);
    is(join('|', $r->headers('WWW-Authenticate')), $challenge, "... challenge of $name");
    return;
}

subtest 'no token' => sub {
    my $basic = 'Basic ' . encode_base64("$user:$token", '');
    is_refused(get(undef), $missing, 'no header');
    is_refused(get(''), $missing, 'an empty header');
    is_refused(get($basic), $missing, 'another scheme');
    is_refused(get($token), $missing, 'no scheme');
    is_refused(get("Bearer$token"), $missing, 'no space');
    is_refused(get("Token $token"), $missing, 'a scheme of another name');
    is_refused(get("Bearer2 $token"), $missing, 'a scheme that begins like ours');
    # Not with $token: httpd logs request lines, and the log is searched for that one below.
    my $in_query = $server->ctl_json('token', 'issue', $user)->{token};
    is(get("Bearer $in_query")->status, 200, 'a token that is good');
    is_refused(get(undef, "?access_token=$in_query"), $missing, '... but not in the query');
    is_refused(get(undef, '', 'X-Authorization' => "Bearer $token", 'Proxy-Authorization' => "Bearer $token", Cookie => "access_token=$token"),
        $missing, 'a token in other headers');
    my $form = "access_token=$token";
    is_refused($client->request(POST => $keys, { 'Content-Type' => 'application/x-www-form-urlencoded' }, $form), $missing, 'a token in a form');
};

subtest 'a good token' => sub {
    is(get($_)->status, 200, $_ =~ s/ +.*//r) for "Bearer $token", "bearer $token", "BEARER $token", "Bearer   $token", "Bearer $token  ";
    is(get("Bearer $token", '?access_token=wrong')->status, 200, 'whatever the query says');
};

subtest 'a token that is none' => sub {
    my $flipped = $token;
    substr $flipped, -1, 1, substr($token, -1) eq 'A' ? 'B' : 'A';
    my %garbage = (
        'nothing' => 'Bearer', 'one that was never issued' => 'Bearer ' . 'A' x 43, 'the last character changed' => "Bearer $flipped",
        'cut short' => 'Bearer ' . substr($token, 0, -1), 'one character more' => "Bearer ${token}x", 'a second word' => "Bearer $token x",
        'a list' => "Bearer $token, Bearer $token", 'upper case' => 'Bearer ' . uc $token, 'quoted' => qq{Bearer "$token"},
        'an SQL text' => q{Bearer ' OR '1'='1}, 'an SQL text in one word' => q{Bearer 'OR'1'='1'--}, 'a wildcard' => 'Bearer %', 'UTF-8' => "Bearer \xc3\xbc",
        'no UTF-8' => "Bearer \xff\xfe", 'long' => 'Bearer ' . 'x' x 8000, 'padded' => "Bearer $token=", 'two' => ["Bearer $token", "Bearer $token"],
        'a good one and another' => ["Bearer $token", 'Bearer x'], 'a bad one and a good one' => ['Bearer x', "Bearer $token"],
        'a tab within' => "Bearer $token\tx",
    );
    is_refused(get($garbage{$_}), $invalid, $_) for sort keys %garbage;
    is_refused(get("Bearer\t$token"), $missing, 'a tab is no space');
    refused(get('Bearer ' . 'x' x 10_240), 400, 'invalid_request', 'longer than httpd takes a header');
};

subtest 'unknown, expired and revoked look the same' => sub {
    my ($expired, $revoked, $both) = map { issue() } 1 .. 3;
    $server->sql("UPDATE whk_token SET expires_at = 1000 WHERE id IN ('$expired->{id}', '$both->{id}')");
    $server->ctl_ok('token', 'revoke', $_->{id}) for $revoked, $both;
    my @answers = map {
        my $r = get("Bearer $_");
        is_refused($r, $invalid, 'one of them');
        my $bytes = $r->head . $r->body;
        $bytes =~ s/^Date: .*\r\n//m;
        $bytes =~ s/"requestId":"[^"]*"//;
        $bytes
    } 'A' x length $token, $expired->{token}, $revoked->{token}, $both->{token};
    is($answers[$_], $answers[0], 'byte for byte') for 1 .. 3;
};

subtest 'expiry and revocation' => sub {
    my $issued = issue('--expires', '90d');
    my $header = "Bearer $issued->{token}";
    is(get($header)->status, 200, 'good for 90 days');
    my $set = sub { $server->sql(sprintf "UPDATE whk_token SET expires_at = %d WHERE id = '%s'", 1000 * (time + shift), $issued->{id}) };
    $set->(-0.01);
    is(get($header)->status, 401, 'just expired');
    $set->(1);
    my $end = time + 1;
    my $r   = get($header);
    is($r->status, 200, 'about to expire') if time < $end;
    sleep $end - time + 0.01;
    is(get($header)->status, 401, 'expired to the second');
    $set->(100);
    is(get($header)->status, 200, 'good again, with a later end');
    $server->ctl_ok('token', 'revoke', $issued->{id});
    for (1 .. 4) {
        $client->close;
        is(get($header)->status, 401, 'revoked at once, in every process');
    }
    is(get("Bearer $token")->status, 200, "the user's other token is not touched");
};

subtest 'other methods and resources ask for it too' => sub {
    for my $case ([POST => $keys], [DELETE => "$keys/x"], [GET => "$keys/x"], [GET => $server->events('e')]) {
        is_refused($client->request(@$case, {}), $missing, "@$case without");
        is_refused($client->request(@$case, { Authorization => 'Bearer x' }), $invalid, "@$case with a wrong one");
    }
};

subtest 'the token is nowhere but with its owner' => sub {
    my $log = $server->error_log;
    ok(length $log > 10_000, 'the log has everything');
    # At trace4 httpd's own mod_http writes every header of a request down.
    my @ours = grep { !/\[http:trace\d\]/ } split /\n/, $log;
    ok((grep { /webhook_keys:/ } @ours), 'ours too');
    for my $each (@used) {
        my @with = grep { index($_, $each) >= 0 } @ours;
        ok(!@with, 'not in the log') or diag join "\n", map { s/\Q$each/TOKEN/gr } @with;
        my %stored = $server->stored;
        cmp_ok(scalar keys %stored, '>', $server->is_sqlite ? 1 : 0, 'the database and its log');
        ok(index($stored{$_}, $each) < 0, 'not in ' . s{.*/}{}r) for sort keys %stored;
    }
    unlike(get("Bearer $token")->body, qr/\Q$token/, 'not in an answer');
};

subtest 'the realm is AuthName' => sub {
    my $own = WHK::Server->new(children => 1, conf => <<'CONF');
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType bearer
    AuthName "keys of \"us\""
    Require webhook-keys-admin
</Location>
CONF
    my $r = WHK::Client->new($own->port)->request(GET => $own->keys('e'));
    is($r->header('WWW-Authenticate'), 'Bearer realm="keys of \"us\""', 'quoted');
    is($r->status, 401, 'AuthType in lower case');
};

done_testing;
