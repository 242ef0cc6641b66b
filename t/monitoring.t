# SPDX-License-Identifier: Apache-2.0
# conf/monitoring: rules, their tests and the dashboard, by a real Prometheus that scrapes a real httpd.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Server;
use WHK::Webhooks;

my $folder = "$WHK::Server::root/conf/monitoring";
my $json   = JSON::PP->new->utf8;

sub read_text { my $file = shift; open my $in, '<:raw', $file or die "$file: $!"; local $/; return scalar <$in> }
sub promtool { return WHK::Server::run_command('promtool', @_) }

my $rules     = read_text("$folder/rules.yml");
my $dashboard = $json->decode(read_text("$folder/dashboard.json"));
my @alerts    = $rules =~ /^\s*- alert: (\w+)/mg;
my @panels    = grep { $_->{type} ne 'row' } @{ $dashboard->{panels} };

subtest 'what is written' => sub {
    chdir $folder or die "$folder: $!";
    for ([qw(check rules rules.yml)], [qw(check config prometheus.yml)], [qw(test rules rules_test.yml)]) {
        my ($status, $out, $err) = promtool(@$_);
        is($status, 0, "promtool @$_") or diag $out . $err;
    }
    chdir $WHK::Server::root or die;
    my $tests = read_text("$folder/rules_test.yml");
    my $page  = read_text("$WHK::Server::root/docs/monitoring.md");
    is(scalar(() = $tests =~ /alertname: $_\n\s+exp_alerts:\s*\n/g), 1, "$_ is tested to fire") for @alerts;
    is(scalar(() = $tests =~ /alertname: $_\n\s+exp_alerts: \[\]/g), 1, "... and not to") for @alerts;
    like($page, qr/^### $_$/m, "$_ has its heading") for @alerts;
    is_deeply([sort $page =~ /^### (WebhookKeys\w+)$/mg], [sort @alerts], '... and no other has');
    my %known = map { $_ => 1 } read_text("$WHK::Server::root/docs/metrics.md") =~ /^\| `(\w+)` \|/mg;
    my $all   = $rules . read_text("$folder/dashboard.json");
    my %used  = map { s/_(?:bucket|sum|count)$//r => 1 } $all =~ /\bwebhook_keys_(?!rates|alerts)(\w+)/g;
    is(join(' ', grep { !$known{$_} } sort keys %used), '', 'series that are used are there');
    is(join(' ', grep { !$used{$_} } sort keys %known), '', 'and those that are there are used');
    is(scalar(grep { !$_->{description} || !$_->{fieldConfig}{defaults}{unit} } @panels), 0, 'each panel says what it shows, in which unit');
};

# ---- a real one

my $w = WHK::Webhooks->new(
    children => 2,
    before   => join "\n", 'WebhookKeysMetricsEnterprises 10', '<Location "/metrics">', 'SetHandler webhook-keys-metrics', 'Require all granted', '</Location>'
);
my $dir  = tempdir('whk-prometheus-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $port = WHK::Server::free_port();
my $away = WHK::Server::free_port();
open my $conf, '>', "$dir/prometheus.yml" or die "prometheus.yml: $!";
# The rates of the rules, and their waiting, in seconds.
open my $quick, '>', "$dir/rules.yml" or die "rules.yml: $!";
print $quick $rules =~ s/\[(?:15m|1h)\]/[60s]/gr =~ s/\[\d+m\]/[4s]/gr =~ s/for: \d+m/for: 1s/gr;
close $quick;
print $conf <<"CONF";
global: {scrape_interval: 250ms, evaluation_interval: 250ms}
rule_files: [rules.yml]
scrape_configs:
  - job_name: webhook_keys
    static_configs: [{targets: ["127.0.0.1:@{[$w->server->port]}", "127.0.0.1:$away"]}]
CONF
close $conf;

my $pid = fork // die "fork: $!";
if (!$pid) {
    open STDOUT, '>', "$dir/log";
    open STDERR, '>&', \*STDOUT;
    exec 'prometheus', "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", "--web.listen-address=127.0.0.1:$port", '--query.lookback-delta=30s';
}
END { if ($pid) { local $?; kill TERM => $pid; waitpid $pid, 0 } }

sub ask {
    my ($path, %query) = @_;
    my $query = join '&', map { my $v = $query{$_}; $v =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge; "$_=$v" } sort keys %query;
    my $r = eval { WHK::Client->new($port)->request(GET => "/api/v1/$path?$query", {}) } // return {};
    return eval { $json->decode($r->body) } // {};
}

sub results { my $answer = ask('query', query => shift); return @{ $answer->{data}{result} // [] } }
sub within { my ($seconds, $test) = @_; my $end = time + $seconds; until ($test->()) { return 0 if time > $end; sleep 0.1 } return 1 }

my $key  = $w->key('EdDSA');
my $body = '{"a":1}';

sub traffic {
    my $client = WHK::Client->new($w->server->port);
    $w->post($key, $body, client => $client);
    $w->post($key, $body, client => $client, change => sub { $_[0]{body} .= ' ' });
    $client->request(GET => $w->server->keys('acme'), { Authorization => 'Bearer ' . 'x' x 43 });
    $client->request(POST => $w->server->keys('acme'), { $w->admins->read, OTP => '00000a' }, '{}');
    return;
}

ok(within(20, sub { scalar(results('webhook_keys_build_info')) == 1 }), 'Prometheus scrapes httpd') or diag read_text("$dir/log");
for (1 .. 12) { traffic(); sleep 0.25 }

subtest 'each query of the dashboard' => sub {
    # What no traffic of this test makes.
    my $empty = qr/notifications_total|let_through|signed_total|fetch|key_set|revocations|replay_capacity|otp_locks/;
    for my $panel (@panels) {
        for my $target (@{ $panel->{targets} }) {
            my $query  = $target->{expr} =~ s/\$__rate_interval/4s/gr =~ s/\$instance/.*/gr;
            my $answer = ask('query', query => $query);
            is($answer->{status}, 'success', "$panel->{title}: $target->{legendFormat}") or diag "$query: " . ($answer->{error} // 'no answer');
            next if $query =~ $empty;
            ok(scalar @{ $answer->{data}{result} // [] }, '... has something to show') or diag $query;
        }
    }
    is(scalar(results('label_replace(webhook_keys_build_info, "a", "$1", "instance", "(.*)")')), 1, 'and the nodes to choose from');
};

subtest 'each rule' => sub {
    my $groups = ask('rules')->{data}{groups} // [];
    my @rules  = map { @{ $_->{rules} } } @$groups;
    is(scalar(grep { $_->{type} eq 'alerting' } @rules), scalar @alerts, 'alerts');
    is(join("\n", map { "$_->{name}: $_->{lastError}" } grep { $_->{health} ne 'ok' } @rules), '', 'all are evaluated');
};

subtest 'alerts that fire' => sub {
    my $firing = sub { my %f = map { $_->{labels}{alertname} => $_ } grep { $_->{state} eq 'firing' } @{ ask('alerts')->{data}{alerts} // [] }; return \%f };
    ok(within(20, sub { traffic(); my $f = $firing->(); $f->{WebhookKeysDown} && $f->{WebhookKeysRefusedUnusually} && $f->{WebhookKeysTokensRefused} && $f->{WebhookKeysCodesGuessed} }), 'for what happens here') or diag join ' ', sort keys %{ $firing->() };
    my $f = $firing->();
    is($f->{WebhookKeysDown}{labels}{instance}, "127.0.0.1:$away", 'the node that is away');
    like($f->{WebhookKeysRefusedUnusually}{annotations}{summary}, qr/127\.0\.0\.1:\d+ refuses [\d.]+% of webhooks/, 'in words');
    like($f->{WebhookKeysRefusedUnusually}{annotations}{description}, qr/whkctl -f HTTPD_CONF status/, '... with what to type');
    is(join(' ', grep { /Store|Behind|OwnErrors|KeySet|Replays|Directory|LetThrough|Answers/ } sort keys %$f), '', 'and no other');
};

done_testing;
