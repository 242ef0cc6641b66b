# SPDX-License-Identifier: Apache-2.0
# Idempotency-Key: whoever lost the answer to a registration sends it again, and gets the first answer again.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(json_headers refused);
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Server;

my $json   = JSON::PP->new->utf8->canonical;
my $server = WHK::Server->new(children => 3, threads => 8, before => "WebhookKeysJwksUriAllow 127.0.0.1");
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'again', 2)->codes_work_again;
my $path   = $server->keys('again');
my @keys   = WHK::Keys::many(60);
my $count  = 0;

sub body { my ($key_id, @more) = @_; return $json->encode({ keyId => $key_id, jwks => WHK::Keys::jwks(shift @keys), @more }) }
sub events { return $server->sql("SELECT count(*) FROM whk_event WHERE enterprise_id = 'again'") }
sub failures { return $server->sql("SELECT sum(failures) FROM whk_otp") }

# As this admin; without a code, or with one.
sub as {
    my ($which, $body, $key, %headers) = @_;
    return $client->request(
        POST => $headers{path} // $path,
        { Authorization => "Bearer $admins->{list}[$which]{token}", 'Content-Type' => 'application/json', (defined $key ? ('Idempotency-Key' => $key) : ()), map { $_ => $headers{$_} } grep { $_ ne 'path' } keys %headers }, $body
    );
}
sub first { my ($body, $key) = @_; my %h = $admins->write; return $client->request(POST => $path, { %h, 'Content-Type' => 'application/json', 'Idempotency-Key' => $key }, $body) }
# Whose token that was.
sub who { my $r = shift; my ($who) = grep { $admins->{list}[$_]{user} eq $r->json->{createdBy} } 0 .. $#{ $admins->{list} }; return $who }

sub same {
    my ($r, $first, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = is($r->status, $first->status, "$name: the status again");
    json_headers($r, '... headers');
    is($r->header('Location'), $first->header('Location'), '... Location again');
    return is_deeply($r->json, $first->json, '... the answer again') && $ok;
}

my $body  = body('lost', keyName => "Schl\x{fc}ssel \x{1f511}");
my $first = first($body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"');
is($first->status, 201, 'registered') or diag $first->body;
my $who = who($first);

subtest 'the answer was lost' => sub {
    my ($events, $failures) = (events(), failures());
    same(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), $first, 'without a code');
    same(as($who, $body, '8e03978e-40d5-43dd-bc93-6894a57f9324'), $first, 'the key bare');
    same(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', OTP => '000000'), $first, 'with a code that is none');
    is(events(), $events, 'nothing was written');
    is(failures(), $failures, 'no code was counted');
    is($server->sql("SELECT count(*) FROM whk_key WHERE key_id = 'lost'"), 1, 'there is one key');
};

subtest 'another body' => sub {
    my $events = events();
    refused(as($who, body('other'), '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 422, 'idempotency_key_reused', 'another key');
    refused(as($who, "$body ", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 422, 'idempotency_key_reused', 'one byte more');
    refused(as($who, '', '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 422, 'idempotency_key_reused', 'none');
    refused(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', 'Content-Type' => 'text/plain'), 415, 'unsupported_media_type', 'another media type');
    refused(as($who, ' ' x 70_000, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 413, 'body_too_large', 'too long');
    is(events(), $events, 'nothing was written');
};

subtest 'who asks' => sub {
    my $key = '"8e03978e-40d5-43dd-bc93-6894a57f9324"';
    refused(as(1 - $who, $body, $key), 401, 'otp_required', 'another admin of the enterprise');
    my $other = WHK::Admins->new($server, 'other', 1);
    $server->ctl_ok('admin', 'add', 'other', $admins->{list}[$who]{user});
    refused(as($who, $body, $key, path => $server->keys('other')), 401, 'otp_required', 'the same, of another enterprise');
    refused(as($who, $body, $key, Authorization => 'Bearer ' . 'x' x 43), 401, 'invalid_token', 'nobody');
    refused(as($who, $body, $key, Authorization => "Bearer $other->{list}[0]{token}"), 403, 'not_enterprise_admin', 'no admin');
    refused($client->request(DELETE => "$path/lost", { Authorization => "Bearer $admins->{list}[$who]{token}", 'Idempotency-Key' => $key }), 401, 'otp_required', 'no other method');
    $server->ctl_ok('admin', 'remove', 'again', $admins->{list}[$who]{user});
    refused(as($who, $body, $key), 403, 'not_enterprise_admin', 'an admin no longer');
    $server->ctl_ok('admin', 'add', 'again', $admins->{list}[$who]{user});
    same(as($who, $body, $key), $first, 'an admin again');
};

subtest 'a refusal' => sub {
    my $taken = body('lost');
    my $refused = first($taken, 'taken-1');
    refused($refused, 400, 'key_id_taken', 'the first');
    my ($by) = grep { as($_, $taken, 'taken-1')->code eq 'key_id_taken' } 0, 1;
    my $events = events();
    my $r = as($by, $taken, 'taken-1');
    refused($r, 400, 'key_id_taken', 'again');
    is($r->message, $refused->message, '... in the same words');
    my $wrong = first('{"jwks":', 'no-json');
    refused($wrong, 400, 'invalid_json', 'no JSON');
    my ($whose) = grep { as($_, '{"jwks":', 'no-json')->code eq 'invalid_json' } 0, 1;
    is(as($whose, '{"jwks":', 'no-json')->message, $wrong->message, '... again');
    is(events(), $events + 1, 'an event for the first alone');
};

subtest 'an origin that is away' => sub {
    my $origin = WHK::Server::free_port();
    my $text   = $json->encode({ keyId => 'away', jwksUri => "http://127.0.0.1:$origin/jwks.json" });
    refused(first($text, 'away'), 400, 'jwks_uri_unreachable', 'the first');
    refused(as($_, $text, 'away'), 401, 'otp_required', 'decided nothing, so it is tried anew') for 0, 1;
};

subtest 'what is no key' => sub {
    my %bad = (
        'empty' => '', 'nothing quoted' => '""', 'no end' => '"a', 'two' => '"a", "b"', 'a list' => 'a,b', 'parameters' => '"a";b', 'an escape of something' => '"a\\x"', 'too long' => '"' . 'x' x 256 . '"',
        'a space' => 'a b', 'not ASCII' => "\"\xc3\xa9\"", 'a byte' => "a\xff", 'behind its end' => '"a"b'
    );
    for my $name (sort keys %bad) {
        my $r = first(body('bad-' . ++$count), $bad{$name});
        refused($r, 400, 'invalid_request', $name);
        like($r->message, qr/Idempotency-Key/, '... says which');
    }
    for my $good ('x', '"x y"', '"a\\"b\\\\"', '"' . 'x' x 255 . '"') {
        my $text = body('good-' . ++$count);
        my $made = first($text, $good);
        is($made->status, 201, "$good is one") or next;
        same(as(who($made), $text, $good), $made, '... and is found again');
    }
};

subtest 'at the same moment' => sub {
    my $text = body('raced');
    my %h    = $admins->write;
    my @answers = WHK::Parallel::run((sub {
        my $r = WHK::Client->new($server->port)->request(POST => $path, { %h, 'Content-Type' => 'application/json', 'Idempotency-Key' => '"raced"' }, $text);
        return [$r->status, $r->json->{id}];
    }) x 6);
    is_deeply([map { $_->[0] } @answers], [(201) x 6], 'all are told that it was done') or diag explain \@answers;
    my %ids = map { ($_->[1] // '') => 1 } @answers;
    is(scalar keys %ids, 1, '... the same');
    is($server->sql("SELECT count(*) FROM whk_event WHERE key_id = 'raced'"), 1, '... by one event');
};

subtest 'a restart' => sub {
    $server->stop;
    $server->start;
    $client = WHK::Client->new($server->port);
    same(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), $first, 'remembered');
};

subtest 'later' => sub {
    is($admins->revoke($client, 'lost')->status, 200, 'the key is revoked');
    same(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), $first, 'the first answer is what it was');
    $server->sql("UPDATE whk_idempotency_key SET answer = replace(answer, 'lost', 'lust') WHERE idempotency_key LIKE '8e%'");
    refused(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 401, 'otp_required', 'an answer that somebody else wrote is none');
    $server->sql("UPDATE whk_idempotency_key SET answer = replace(answer, 'lust', 'lost') WHERE idempotency_key LIKE '8e%'");
    same(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), $first, 'as it was written');
    $server->sql("UPDATE whk_idempotency_key SET created_at = created_at - 86400000 WHERE idempotency_key LIKE '8e%'");
    refused(as($who, $body, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'), 401, 'otp_required', 'nor one of another time');
    is($server->sql("SELECT count(*) FROM whk_idempotency_key WHERE idempotency_key LIKE '8e%'"), 1, 'it is there');
    is(first(body('purge'), 'purge')->status, 201, 'the next one');
    is($server->sql("SELECT count(*) FROM whk_idempotency_key WHERE idempotency_key LIKE '8e%'"), 0, '... forgets what is too old');
};

my ($status, $out, $err) = $server->ctl('audit', 'verify');
is("$status$err", '0', 'the trail is whole');
done_testing;
