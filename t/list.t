# SPDX-License-Identifier: Apache-2.0
# List, one key, revoke (docs/api.md, "List" and "Revoke"): what is shown, in which order and in which pages, and what revoking says.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use WHK::Admins;
use WHK::Answers qw(refused json_headers);
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Seals;
use WHK::Server;

my $server = WHK::Server->shared;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'list', 1)->codes_work_again;
my $other  = WHK::Admins->new($server, 'list-other', 1)->codes_work_again;
my $keys   = $server->keys('list');
my @pool   = WHK::Keys::many(200);
my @order;    # keyIds, oldest first

sub add { my ($key_id, %members) = @_; push @order, $key_id; return $admins->register($client, { jwks => WHK::Keys::jwks({ %{ shift @pool }, kid => $key_id }), %members }) }
sub get { my $tail = shift; return $admins->get($client, $tail) }
sub ids { my $r = shift; return map { $_->{keyId} } @{ $r->json->{keys} } }

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

subtest 'nothing yet' => sub {
    my $r = get();
    is($r->status, 200, 'a list');
    json_headers($r, 'headers');
    is_deeply($r->json, { keys => [], total => 0, limit => 50, prevId => 0 }, 'that is empty');
    refused(get('/none'), 404, 'key_not_found', 'no key');
    refused($admins->revoke($client, 'none'), 404, 'key_not_found', 'none to revoke');
};

subtest 'what is shown of a key' => sub {
    my $made = add('first', keyName => "Name \x{fc}")->json;
    my %expected = (%{$made}, followedBy => undef, lastUsedDate => undef, revokedDate => undef, revokedBy => undef);
    my $r = get('/first');
    json_headers($r, 'headers of one');
    is_deeply($r->json, \%expected, 'one key: what the registration said, and the rest');
    $r = get();
    is_deeply($r->json, { keys => [\%expected], total => 1, limit => 50, prevId => 0 }, 'the list: the same');
    my ($x) = $server->sql("SELECT jwk FROM whk_key WHERE enterprise_id = 'list'") =~ /"x":"([^"]+)"/;
    is(scalar(grep { index($_->body, $x) >= 0 } get(), get('/first')), 0, 'no key material');
};

subtest 'revoke' => sub {
    my $path = "$keys/first";
    my $r    = $admins->revoke($client, 'first');
    is($r->status, 200, 'revoked');
    json_headers($r, 'headers');
    my $json = $r->json;
    my $at   = $json->{revokedAt};
    like($at, $time, 'when');
    # The only ACTIVE key: t/planned_revocation.t, "warnings".
    delete $json->{warnings};
    is_deeply($json, { success => JSON::PP::true, keyId => 'first', revokedAt => $at, revokedBy => 'admin1@list' }, 'what it says');
    my $key = get('/first')->json;
    is_deeply([@{$key}{qw(status revokedDate revokedBy keyName)}], ['REVOKED', $at, 'admin1@list', "Name \x{fc}"], 'what the key says');
    cmp_ok($at, 'ge', $key->{createdDate}, 'after it was made');
    is_deeply(get()->json->{keys}, [$key], 'what the list says');
    $r = $admins->revoke($client, 'first');
    refused($r, 409, 'key_already_revoked', 'again');
    like($r->message, qr/\Q$at/, '... tells when it was revoked');
    is_deeply(get('/first')->json, $key, '... and changes nothing');
    refused($client->request($_ => $path, { $admins->write, 'Content-Type' => 'application/json' }, '{"status":"ACTIVE"}'), 405, 'method_not_allowed', "no $_ brings it back") for qw(PUT PATCH POST);
    refused($admins->revoke($client, $_), 404, 'key_not_found', "revoke $_") for qw(First first%20 firs first%2F);

    is($other->register($client, { jwks => WHK::Keys::jwks({ %{ shift @pool }, kid => 'theirs' }) })->status, 201, "another enterprise's key");
    refused($admins->revoke($client, 'theirs'), 404, 'key_not_found', '... is not there for us');
    refused(get('/theirs'), 404, 'key_not_found', '... nor shown');
    refused($client->request(DELETE => $server->keys('list-other') . '/theirs', { $admins->write }), 403, 'not_enterprise_admin', '... nor revoked by its own path');
    is($other->get($client, '/theirs')->json->{status}, 'ACTIVE', '... and stays');
};

subtest 'order and pages' => sub {
    # Names and times that sort another way than they came.
    is(add($_)->status, 201, 'added') for qw(z a M 0 m ~ aa), "\x{fc}", '%', map { "n$_" } reverse 1 .. 60;
    $server->sql("UPDATE whk_key SET created_at = created_at - 100000 WHERE enterprise_id = 'list' AND key_id IN ('m', 'n30', 'n1')");
    # As if they had been registered so: rows that somebody changed are not shown.
    my $seals = WHK::Seals->new($server);
    $seals->key_row('list', $_) for qw(m n30 n1);
    my $total = @order;
    my $r = get();
    is_deeply([ids($r)], [@order[0 .. 49]], 'the 50 oldest');
    is_deeply([@{ $r->json }{qw(total limit prevId)}], [$total, 50, 0], '... of so many');
    for my $limit (1, 7, 50, 100) {
        my @found;
        for (my $offset = 0; $offset < $total; $offset += $limit) {
            $r = get("?limit=$limit&prevId=$offset");
            push @found, ids($r);
            last if "@{ $r->json }{qw(total limit prevId)}" ne "$total $limit $offset" || $limit == 1 && $offset == 10;
        }
        is_deeply(\@found, $limit == 1 ? [@order[0 .. 10]] : \@order, "pages of $limit");
    }
    is_deeply(get("?prevId=$total")->json, { keys => [], total => $total, limit => 50, prevId => $total }, 'behind the end');
    is_deeply([ids(get('?prevId=' . ($total - 1)))], [$order[-1]], 'the last');
    is_deeply(get("?prevId=$_")->json->{keys}, [], 'far behind the end') for '999999999999999999', '9223372036854775807';
    is(get('?prevId=9223372036854775807&limit=100')->body =~ /"prevId":9223372036854775807\b/, 1, '... as it was asked');
    my $head = $client->request(HEAD => "$keys?limit=3", { $admins->read });
    is($head->status . $head->body, '200', 'HEAD has no body');
    is($head->header('Content-Length'), length get('?limit=3')->body, '... and the length of what GET has');
    is($client->request(HEAD => "$keys/none", { $admins->read })->status, 404, '... and its status');
    is_deeply([ids(get('?limit=2&prevId=3&unknown=5&Limit=0&=&&x'))], [@order[3, 4]], 'other parameters are ignored');
    is_deeply([ids(get('?lim%69t=%32&prevId=3'))], [@order[3, 4]], 'percent-encoding');
};

subtest 'status' => sub {
    my %revoked = (first => 1, map { $_ => 1 } grep { /^n[2468]$|^M$|^%$/ } @order);
    is($admins->revoke($client, $_ eq '%' ? '%25' : $_)->status, 200, "revoked $_") for grep { $_ ne 'first' } sort keys %revoked;
    my %expected = (ACTIVE => [grep { !$revoked{$_} } @order], REVOKED => [grep { $revoked{$_} } @order]);
    for my $status (sort keys %expected) {
        my $r = get("?status=$status&limit=100");
        is_deeply([ids($r)], $expected{$status}, $status);
        is($r->json->{total}, scalar @{ $expected{$status} }, '... total counts them');
        is_deeply([grep { $_->{status} ne $status } @{ $r->json->{keys} }], [], '... and they say so');
        is_deeply([ids(get("?prevId=2&status=$status&limit=3"))], [@{ $expected{$status} }[2 .. 4]], '... in pages');
    }
    is(get()->json->{total}, scalar @order, 'without it: all');
};

subtest 'parameters that are not good' => sub {
    my %bad = (
        limit  => ['0', '101', '-1', '', 'abc', '1.5', '1e1', '0x5', '%205', '5%20', '+5', '%2B5', '5,', '18446744073709551621', '4294967301', "'", '5%00', '%', '%zz', '%EF%BC%95', 'null', '10&limit=10', '10&limit=20', '10&limit'],
        prevId => ['-1', '', 'abc', '1.5', '1e1', '+5', '5%20', '9223372036854775808', '18446744073709551617', '99999999999999999999999', '5;', 'first', '1%00', '1&prevId=1', '1&prevId='],
        status => ['', 'active', 'Active', 'ALL', 'ACTIVE%20', '%20ACTIVE', 'ACTIVE,REVOKED', 'REVOKE', "ACTIVE'--", 'ACTIVE%00', '*', 'null', 'ACTIVE&status=ACTIVE', 'ACTIVE&status=REVOKED'],
    );
    for my $name (sort keys %bad) {
        for my $value (@{ $bad{$name} }) {
            my $r = get("?$name=$value");
            refused($r, 400, 'invalid_request', "$name=$value");
            like($r->message, qr/^$name /, '... is named');
        }
    }
    refused(get("?$_"), 400, 'invalid_request', "a bare $_") for qw(limit prevId status);
    refused(get('?limit=5&prevId=x&status=ACTIVE'), 400, 'invalid_request', 'one of three');
};

subtest 'an offset stays true while keys are added and revoked' => sub {
    my @known = @order;
    my @more  = map { +{ %{ shift @pool }, kid => "late $_" } } 1 .. 20;
    my $job   = WHK::Parallel::start(
        sub {
            my $c = WHK::Client->new($server->port);
            my @outcomes = map {
                my $status = $admins->register($c, { jwks => WHK::Keys::jwks($_) })->status;
                $admins->revoke($c, $_->{kid} =~ s/ /%20/r);
                $status
            } @more;
            return "@outcomes";
        }
    );
    my @found;
    my $added = 0;
    my $end   = time + 60;
    while (time < $end) {
        my $r = get('?limit=5&prevId=' . @found);
        $added = 1 if $r->json->{total} > @known;
        last if !@{ $r->json->{keys} } && $r->json->{total} == @known + @more;
        push @found, ids($r);
    }
    my ($outcomes) = $job->results;
    is($outcomes, join(' ', ('201') x @more), 'keys were added meanwhile');
    is_deeply(\@found, [@known, map { $_->{kid} } @more], 'each key was met once, in order');
};

subtest 'no page leaves out a key or shows one twice' => sub {
    my $many = WHK::Admins->new($server, 'list-many', 1)->codes_work_again;
    my @ids  = map { "k$_" } 1 .. 330;
    my @jwks = WHK::Keys::many(scalar @ids);
    # Single ones, runs, the first and the last; never more ACTIVE ones than there may be.
    my %revoked = map { $ids[$_] => 1 } grep { $_ < 4 || $_ == $#ids || $_ >= 60 && $_ < 240 || $_ % 3 == 0 || $_ % 7 == 2 } 0 .. $#ids;
    my @failed;
    for my $id (@ids) {
        push @failed, "registering $id" if $many->register($client, { jwks => WHK::Keys::jwks({ %{ shift @jwks }, kid => $id }) })->status != 201;
        push @failed, "revoking $id"    if $revoked{$id} && $many->revoke($client, $id)->status != 200;
    }
    is("@failed", '', 'keys');
    my %expected = ('' => \@ids, '&status=ACTIVE' => [grep { !$revoked{$_} } @ids], '&status=REVOKED' => [grep { $revoked{$_} } @ids]);
    for my $filter (sort keys %expected) {
        my @wanted = @{ $expected{$filter} };
        my @wrong;
        for my $limit (1, 13, 100) {
            for (my $offset = 0; $offset <= @wanted + $limit; $offset += $limit) {
                my $r    = $many->get($client, "?limit=$limit&prevId=$offset$filter");
                my $last = $offset + $limit > @wanted ? $#wanted : $offset + $limit - 1;
                my $is   = join ' ', $r->json->{total}, ids($r);
                my $want = join ' ', scalar @wanted, @wanted[$offset .. $last];
                push @wrong, "limit=$limit&prevId=$offset: $is, not $want" if $is ne $want;
            }
        }
        is_deeply(\@wrong, [], 'each page of ' . ($filter || 'all'));
        is_deeply([ids($many->get($client, "?limit=3&prevId=$_$filter"))], [], "none at $_") for scalar @wanted, '9223372036854775806', '9223372036854775807';
    }
};

subtest 'of this enterprise alone' => sub {
    is_deeply([ids($other->get($client))], ['theirs'], 'the other one');
    is(scalar(grep { $_ eq 'theirs' } map { ids(get("?limit=100&prevId=$_")) } 0, 50), 0, 'ours');
};

done_testing;
