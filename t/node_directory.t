# SPDX-License-Identifier: Apache-2.0
# What a node knows it knows once: however many processes it has and however many enterprises there are, it asks the
# registry seldom, answers at once, and goes on where a process is killed or httpd reads its configuration anew.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Costs;
use WHK::Webhooks;

my $body = '{"a":1}';

# So many that one question does not list them all.
my $many = 10_000;

sub fill {
    my $server = shift;
    my $file   = $server->dir . '/many.sql';
    open my $out, '>', $file or die $!;
    for my $from (grep { $_ % 1000 == 0 } 0 .. $many - 1) {
        print $out 'INSERT INTO whk_enterprise (enterprise_id, created_at, revision, change_number) VALUES ',
          join(', ', map { "('many-$_', 1, 1, 1)" } $from .. $from + 999), ";\n";
    }
    print $out "UPDATE whk_change_counter SET number = 1;\n" if $server->driver eq 'mysql';
    close $out;
    $server->read_file($file);
    return;
}

sub seconds_until {
    my ($most, $test) = @_;
    my $start = time;
    until ($test->()) {
        return 99 if time - $start > $most;
        sleep 0.1;
    }
    return time - $start;
}

sub hide   { my $server = shift; $server->sql('ALTER TABLE whk_enterprise RENAME TO away'); return }
sub unhide { my $server = shift; $server->sql('ALTER TABLE away RENAME TO whk_enterprise'); return }

subtest 'when nothing happens' => sub {
    my $costs = WHK::Costs->new;
    my $w     = WHK::Webhooks->new(children => 6, threads => 4, env => { $costs->env });
    my $key   = $w->key('EdDSA');
    is($w->post($key, $body)->status, 200, 'a webhook');
    is($w->server->wait_for_children(6), 6, 'six processes');
    $costs->of($w->server);
    # What was used is written down first.
    sleep 6;
    my $cost = $costs->measure(1, sub { sleep 6; return 1 });
    cmp_ok($cost->{reads}, '<=', 30, '... ask together at most five times a second');
    cmp_ok($cost->{reads}, '>=', 12, '... and no more seldom than WebhookKeysRevocationLag needs');
    is($cost->{writes} + $cost->{transactions}, 0, '... and write nothing');
};

subtest "$many enterprises" => sub {
    my $w      = WHK::Webhooks->new(children => 3, before => "WebhookKeysRevocationLag 60\nWebhookKeysMaxStale 60", start => 0);
    my $server = $w->server;
    fill($server);
    $server->start;
    my $key    = $w->key('EdDSA');
    my $signed = $w->sign($key, $body);
    is($w->send($signed)->status, 200, 'a webhook');
    $w->client->close;
    $server->restart;
    my $took = time;
    is($w->send($signed)->status, 200, 'the first webhook after a start');
    $took = time - $took;
    cmp_ok($took, '<', 1, sprintf '... does not wait for all of them: %.0f ms', $took * 1000);
    # Those that were not asked for come in the background.
    sleep 2;
    hide($server);
    refused($w->post($key, $body, path => "/hooks/none-$_/x"), 401, 'unknown_key', 'one that there is not: nobody is asked') for 1 .. 10;
    refused($w->post($key, $body, path => "/hooks/many-$_/x"), 503, 'store_unavailable', 'one that there is: its keys are') for 0, $many - 1;
    unhide($server);
    refused($w->post($key, $body, path => '/hooks/many-7/x'), 401, 'unknown_key', '... and then it has none') if sleep 1.2;

    $w->client->close;
    $server->graceful;
    hide($server);
    refused($w->post($key, $body, path => '/hooks/none/x'), 401, 'unknown_key', 'after a reload it is still known');
    unhide($server);
    is(seconds_until(3, sub { $w->post($key, $body)->status == 200 }) < 3, 1, '... and webhooks pass');

    my %old = map { $_ => 1 } $server->children;
    kill KILL => CORE::keys %old;
    seconds_until(10, sub { 3 == grep { !$old{$_} } $server->children });
    $w->client->close;
    hide($server);
    refused($w->post($key, $body, path => '/hooks/none/x'), 401, 'unknown_key', 'after all processes were killed, too');
    unhide($server);
    is(seconds_until(3, sub { $w->post($key, $body)->status == 200 }) < 3, 1, '... and webhooks pass');
    unlike($server->error_log, qr/went back|emerg|crit/, 'nothing of that looks like another registry');
};

# Which of them asks is not told from outside: each is killed in its turn, just before something changes.
subtest 'whoever asks is killed' => sub {
    my $w      = WHK::Webhooks->new(children => 3);
    my $server = $w->server;
    my @keys   = map { $w->key('EdDSA') } 1 .. 6;
    is($w->post($_, $body)->status, 200, "$_->{kid} is good") for @keys;
    for my $key (@keys) {
        my $signed = $w->sign($key, $body);
        $server->wait_for_children(3);
        my $victim = (sort { $a <=> $b } $server->children)[0];
        # By another process, which tells this node nothing.
        my ($status) = $server->ctl('key', 'revoke', 'acme', $key->{kid});
        kill KILL => $victim;
        is($status, 0, "$key->{kid} is revoked, and a process killed");
        my $took = seconds_until(5, sub {
            my $r = eval { $w->send($signed, client => WHK::Client->new($server->port)) };
            return $r && $r->status == 401;
        });
        cmp_ok($took, '<', 2, sprintf '... which the others know after %.2f s', $took);
    }
};

subtest 'more enterprises than there is memory for' => sub {
    my $w      = WHK::Webhooks->new(children => 2, before => 'WebhookKeysMaxEnterprises 1000', start => 0);
    my $server = $w->server;
    fill($server);
    $server->start;
    my $key = $w->key('EdDSA');
    is($w->post($key, $body)->status, 200, 'one beyond is asked about');
    refused($w->post($key, $body, path => '/hooks/none/x'), 401, 'unknown_key', '... as one that there is not');
    $w->revoke($key);
    refused($w->post($key, $body), 401, 'key_revoked', 'a revoke counts at once');
    seconds_until(5, sub { $server->error_log =~ /more than 1000 enterprises/ });
    my $times = () = $server->error_log =~ /there are more than 1000 enterprises.*WebhookKeysMaxEnterprises/g;
    is($times, 1, 'the log says once what to set');
    my $conf = $server->conf;
    open my $in, '<', $conf or die $!;
    my $text = do { local $/; <$in> };
    open my $out, '>', $conf or die $!;
    print $out $text =~ s/WebhookKeysMaxEnterprises 1000/WebhookKeysMaxEnterprises 50000/r;
    close $out;
    $w->client->close;
    $server->graceful;
    like($server->error_log, qr/WebhookKeysMaxEnterprises is 50000 now, and takes effect when httpd is started anew/, '... and at a reload that this is too early');
    $server->restart;
    my $again = $w->key('EdDSA');
    is($w->post($again, $body)->status, 200, 'started anew it has them all');
    $times = () = $server->error_log =~ /there are more than/g;
    is($times, 1, '... and says no more');
};

subtest 'two registries in one httpd' => sub {
    my $port   = WHK::Server::free_port();
    my $other  = WHK::Server->new(start => 0);
    my $hooks  = WHK::Webhooks::hooks(scheme => 'jws-detached Webhook-Signature');
    my $w      = WHK::Webhooks->new(
        children => 2, hooks => <<"HOOKS");
$hooks
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    AllowEncodedSlashes NoDecode
    DBDriver @{[ $other->driver ]}
    DBDParams "$other->{db}"
    DBDKeep 4
    DBDMax 4
    WebhookKeysSecretKeyFile @{[ $other->dir ]}/secret.key
    <Location "/api/policy/v1">
        SetHandler webhook-keys
        AuthType Bearer
        AuthName "other"
        Require webhook-keys-admin
    </Location>
$hooks
</VirtualHost>
HOOKS
    my $client = WHK::Client->new($port);
    my $key    = $w->key('EdDSA');
    is($w->post($key, $body)->status, 200, 'a key of the first');
    refused($w->post($key, $body, client => $client), 401, 'unknown_key', '... is none of the second');
    my $admins = WHK::Admins->new($other, 'acme', 1)->codes_work_again;
    my $theirs = { %{ $w->key('EdDSA', kid => 'theirs', register => 0) }, kid => $key->{kid} };
    is($admins->register($client, { keyId => $theirs->{kid}, jwks => WHK::Keys::jwks($theirs->{jwk}) })->status, 201, 'another one of that name');
    is($w->post($theirs, $body, client => $client)->status, 200, '... is good there');
    refused($w->post($theirs, $body), 401, 'bad_signature', '... and there alone');
    is($w->post($key, $body)->status, 200, 'the first serves on');
};

done_testing;
