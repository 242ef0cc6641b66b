# SPDX-License-Identifier: Apache-2.0
# SetHandler webhook-keys-metrics: what is counted, for Prometheus (docs/metrics.md).
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Webhooks;

my $before = <<'CONF';
WebhookKeysMetricsEnterprises 2
<Location "/metrics">
    SetHandler webhook-keys-metrics
    Require all granted
</Location>
<Location "/none">
    SetHandler webhook-keys-metrics
    Require all denied
</Location>
CONF
my $w = WHK::Webhooks->new(children => 3, before => $before);
my $json = JSON::PP->new->utf8->canonical;

sub scrape { return WHK::Client->new($w->server->port)->request(GET => '/metrics', {}) }

# Each sample by its name and labels.
sub samples { return map { /^([^#\s][^ ]*(?:\{.*\})?) (\S+)$/ ? ($1 => $2) : () } split /\n/, scrape()->body }

# What a piece of work added.
sub added {
    my ($work, @names) = @_;
    my %was = samples();
    $work->();
    my %is = samples();
    return map { my $n = "webhook_keys_$_"; ($is{$n} // 0) - ($was{$n} // 0) } @names;
}

sub adds {
    my ($name, $work, %expected) = @_;
    my @names = sort keys %expected;
    my @found = added($work, @names);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply([map { "$names[$_] $found[$_]" } 0 .. $#names], [map { "$_ $expected{$_}" } @names], $name);
}

my $key  = $w->key('EdDSA');
my $body = '{"a":1}';

subtest 'the handler' => sub {
    my $r = scrape();
    is($r->status, 200, 'GET');
    is($r->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8', '... its type');
    is($r->header('Cache-Control'), 'no-store', '... not kept');
    my $head = WHK::Client->new($w->server->port)->request(HEAD => '/metrics', {});
    is($head->status . length $head->body, '2000', 'HEAD');
    my $client = WHK::Client->new($w->server->port);
    refused($client->request($_ => '/metrics', {}), 405, 'method_not_allowed', $_) for qw(POST PUT DELETE);
    is($client->request(GET => '/none', {})->status, 403, 'Require holds');
    open my $promtool, '|-', "promtool check metrics > " . $w->server->dir . '/promtool 2>&1' or die "promtool: $!";
    print $promtool $r->body;
    close $promtool;
    is($?, 0, 'promtool finds nothing') or diag WHK::Server::read_file($w->server, $w->server->dir . '/promtool');
};

subtest 'the page' => sub {
    open my $in, '<', "$WHK::Server::root/docs/metrics.md" or die "docs/metrics.md: $!";
    my %written = map { /^\| `(\w+)` \| (\w+) \|/ ? ("webhook_keys_$1" => $2) : () } <$in>;
    my %told    = scrape()->body =~ /^# TYPE (\S+) (\S+)$/mg;
    is_deeply(\%written, { %told }, 'docs/metrics.md has each series, and no other');
};

subtest 'webhooks' => sub {
    adds('one that is good', sub { is($w->post($key, $body)->status, 200, 'passes') },
        'verifications_total{scheme="jws-detached",outcome="ok"}' => 1, 'signatures_total{alg="EdDSA",result="good"}' => 1,
        'verify_duration_seconds_count{scheme="jws-detached"}' => 1, 'refusals_total{door="webhook",code="bad_signature"}' => 0,
        'enterprise_verifications_total{enterprise="' . $w->{enterprise} . '",outcome="ok"}' => 1);
    adds('one that is not', sub { is($w->post($key, $body, change => sub { $_[0]{body} .= ' ' })->status, 401, 'is stopped') },
        'verifications_total{scheme="jws-detached",outcome="bad_signature"}' => 1, 'refusals_total{door="webhook",code="bad_signature"}' => 1);
    adds('none', sub { is($w->client->request(POST => $w->path, { 'Content-Type' => 'application/json' }, $body)->status, 401, 'is stopped') },
        'verifications_total{scheme="jws-detached",outcome="signature_missing"}' => 1, 'refusals_total{door="webhook",code="signature_missing"}' => 1);
};

subtest 'the API' => sub {
    adds('a registration', sub { $w->key('ES256') }, 'registrations_total{source="jwks"}' => 1, 'otp_checks_total{result="accepted"}' => 1, 'refusals_total{door="api",code="key_id_taken"}' => 0);
    my $gone = $w->key('ES256');
    adds('a revoke', sub { $w->revoke($gone) }, 'revocations_total{by="api"}' => 1);
    my $url = $w->server->keys($w->{enterprise});
    adds('no token', sub { $w->client->request(GET => $url, {}) }, 'refusals_total{door="api",code="invalid_token"}' => 1);
    my $guess = WHK::Admins->new($w->server, 'guess', 1);
    adds('codes that are none', sub { $w->client->request(POST => $w->server->keys('guess'), { $guess->read, OTP => '00000a', 'Content-Type' => 'application/json' }, '{}') for 1 .. 7 },
        'otp_checks_total{result="refused"}' => 5, 'otp_checks_total{result="locked"}' => 2, 'otp_locks_total' => 1, 'refusals_total{door="api",code="otp_invalid"}' => 5, 'refusals_total{door="api",code="otp_locked"}' => 2);
};

subtest 'gauges' => sub {
    sleep 1.5;
    my %is = samples();
    is($is{webhook_keys_store_up}, 1, 'the database is there');
    is($is{webhook_keys_store_away_seconds}, '0.000000', '... and was not away');
    cmp_ok($is{webhook_keys_node_lag_seconds}, '<', 3, 'the node is up to date');
    cmp_ok($is{webhook_keys_node_lag_seconds}, '>', 0, '... as of a while ago');
    cmp_ok($is{webhook_keys_enterprises}, '>=', 1, 'enterprises');
    cmp_ok($is{webhook_keys_key_cache_bytes}, '>', 1000, 'the cache holds something');
    is($is{webhook_keys_key_cache_limit_bytes}, 25165824 * scalar($w->server->children), '... of what it may, in each process');
    cmp_ok($is{'webhook_keys_store_duration_seconds_count{operation="read"}'}, '>', 3, 'reads');
    cmp_ok($is{'webhook_keys_store_duration_seconds_count{operation="write"}'}, '>', 3, 'writes');
    cmp_ok($is{'webhook_keys_key_lookups_total{result="hit"}'}, '>', 0, 'hits');
};

# Counters are for ever: rates are made of them.
subtest 'processes come and go' => sub {
    my $post = sub { $w->post($key, $body, client => WHK::Client->new($w->server->port)) for 1 .. 20 };
    my $name = 'webhook_keys_verifications_total{scheme="jws-detached",outcome="ok"}';
    adds('twenty by whichever child', $post, 'verifications_total{scheme="jws-detached",outcome="ok"}' => 20);
    my %was = samples();
    kill KILL => $_ for $w->server->children;
    sleep 0.1;
    $w->server->wait_for_children(3);
    my %is = samples();
    is($is{$name}, $was{$name}, 'children that were killed take nothing away');
    my $end = time + 10;
    do { sleep 0.2; %is = samples() } while $is{webhook_keys_key_cache_limit_bytes} != 25165824 * scalar($w->server->children) && time < $end;
    is($is{webhook_keys_key_cache_limit_bytes}, 25165824 * scalar($w->server->children), 'they have no share any more');
    for (1 .. 3) {
        %was = samples();
        $w->server->graceful;
        $post->();
        %is = samples();
        my @less = grep { /_(?:total|count|bucket)\b/ && $is{$_} < $was{$_} } keys %was;
        is("@less", '', 'nothing grows less over a reload');
        is($is{$name} - $was{$name}, 20, '... and all is counted');
    }
    my @file = glob $w->server->dir . '/*.metrics';
    my $file = $file[0] // '';
    is(sprintf('%o', (stat $file)[2] & 0777), '600', 'the file is its owner\'s alone');
    my $started = $is{webhook_keys_start_time_seconds};
    $w->server->stop;
    ok(!-e $file, 'and goes with httpd');
    $w->server->start;
    %is = samples();
    cmp_ok($is{webhook_keys_start_time_seconds}, '>', $started, 'another start');
    is($is{$name} // 0, 0, '... counts anew');
};

# No text of a client makes a series.
subtest 'hostile names' => sub {
    my $count = sub { my %s = samples(); return scalar grep { !/enterprise_verifications|_duration_/ } keys %s };
    $w->post($key, $body);
    $w->client->request(POST => $w->path, {}, $body);
    my $was = $count->();
    for my $name ('a"b', "x\\", 'y' x 200, '%22%7D', '%0A') {
        $w->client->request(POST => "/hooks/$name/orders", { 'Webhook-Signature' => 'a.b.c' }, $body);
        $w->client->request(POST => $w->path, { 'Webhook-Signature' => "$name..$name" }, $body);
    }
    # What is too old is refused before anybody looks whose it is.
    my $old = $w->sign($key, $body, protected => { iat => time - 86400 });
    $w->send($old, path => "/hooks/evil-$_") for 1 .. 5;
    my $r = scrape();
    is(scalar(grep { /%22|y{20}|evil/ } split /\n/, $r->body), 0, 'none of them is there');
    cmp_ok($count->() - $was, '<', 60, 'series are few');
    WHK::Webhooks::post($w, $w->key('EdDSA', enterprise => "e$_"), $body, path => "/hooks/e$_") for 1 .. 4;
    my %is = samples();
    my @named = sort map { /enterprise="([^"]*)",outcome="ok"/ ? $1 : () } keys %is;
    is(scalar @named, 3, 'as many enterprises as were asked for, and the others') or diag "@named";
    cmp_ok($is{'webhook_keys_enterprise_verifications_total{enterprise="",outcome="ok"}'}, '>=', 3, '... counted together');
};

done_testing;
