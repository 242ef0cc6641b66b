# SPDX-License-Identifier: Apache-2.0
# httpd is stopped and reloaded while webhooks are under way and fetches hang, in the background and in requests: every
# process ends in peace, and soon. WHK_STOPS and WHK_RELOADS say how often (make -f Makefile.apxs soak-stops).
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(_exit);
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Backend;
use WHK::Backtraces;
use WHK::Client;
use WHK::Origin;
use WHK::Seals;
use WHK::Webhooks;

my $stops   = $ENV{WHK_STOPS}   // 8;
my $reloads = $ENV{WHK_RELOADS} // 3;
my $json    = JSON::PP->new->utf8->canonical;
my $origin  = WHK::Origin->new(cert => undef, options => [ '--life', 7200 ]);
my $hanging = 3;
$WHK::Backend::life = 7200;
my $backtraces = WHK::Backtraces->new;

# An httpd whose sets by URI all hang but for one.
sub webhooks {
    my $mpm = shift;
    my $w   = WHK::Webhooks->new(
        mpm => $mpm, children => 2, threads => 8, enterprise => 'stop', env => $backtraces->env,
        before => join "\n", 'WebhookKeysJwksUriAllow 127.0.0.1', 'WebhookKeysJwksUriTimeout 4', 'WebhookKeysMaxFetches 16'
    );
    for my $kid ('good', map { "hanging-$_" } 1 .. $hanging) {
        my $key  = $w->key('EdDSA', register => 0, kid => $kid);
        my $path = WHK::Origin::serve("$kid.json", $json->encode({ keys => [ { %{ $key->{jwk} }, kid => $kid } ] }));
        my $r    = $w->admins->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => $kid });
        is($r->status, 201, "$mpm: $kid is registered") or diag $r->body;
        next if $kid eq 'good';
        my $hang = $origin->http_uri('127.0.0.1', "/hang?$kid");
        $w->server->sql("UPDATE whk_remote_set SET uri = '$hang' WHERE uri LIKE '%/$kid.json'; UPDATE whk_key SET jwks_uri = '$hang' WHERE key_id = '$kid'");
        WHK::Seals->new($w->server)->key_row('stop', $kid);
    }
    $w->client->close;
    return $w;
}

# Fetches begin at once, and none of what they are for is at hand.
sub make_all_due { my $w = shift; $w->server->sql('UPDATE whk_remote_set SET refresh_at = 0, leased_until = 0, fresh_until = 1'); return }

# Processes that send one webhook after another, and one that asks for a signature to be tried by what hangs.
sub load {
    my $w      = shift;
    my $signed = $w->sign({ %{ $w->{known} }, enterprise => 'stop' }, '{}');
    my %read   = ($w->admins->read, 'Content-Type' => 'application/json');
    my $try    = $json->encode({ jws => $signed->{headers}{'Webhook-Signature'} =~ s/"kid"//r, payload => 'e30' });
    my @work   = (
        (sub { $w->send($signed, client => shift) }) x 2,
        sub { shift->request(POST => $w->server->keys('stop') . "/hanging-1/verify", \%read, $try) }
    );
    my @pids;
    for my $work (@work) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my $end = time + 600;
            $SIG{TERM} = 'DEFAULT';
            while (time < $end) {
                my $client = WHK::Client->new($w->server->port);
                eval { $work->($client) for 1 .. 20 };
                sleep 0.01 if $@;
            }
            _exit(0);
        }
        push @pids, $pid;
    }
    return @pids;
}

sub end_load { kill KILL => @_; waitpid $_, 0 for @_; return }

# What no log of this must hold, but for what is httpd's own: WHK::Backtraces.
sub judge_log {
    my ($w, $name) = @_;
    my ($ours, $known) = $backtraces->found;
    my @bad = grep { /exit signal|SIGKILL|Segmentation|double free|AddressSanitizer|does not end within/ } split /\n/, $w->server->error_log;
    diag "$name: $known of httpd's own faults, which an httpd without the module has too" if $known;
    is(scalar @$ours, 0, "$name: no fault") or diag join "\n", @$ours;
    cmp_ok(scalar @bad, '<=', $known, "$name: no process ended badly") or diag join "\n", @bad[ 0 .. ($#bad < 9 ? $#bad : 9) ];
    return;
}

sub longest { my $most = 0; for (@_) { $most = $_ if $_ > $most } return $most }

my %share = (event => $stops - 2 * int($stops / 4), worker => int($stops / 4), prefork => int($stops / 4));
for my $mpm (qw(event worker prefork)) {
  SKIP: {
        skip "no mpm_$mpm", 1 if !-e "$WHK::Server::modules/mod_mpm_$mpm.so";
        subtest "$share{$mpm} starts and stops: $mpm" => sub {
            my $w = webhooks($mpm);
            $w->{known} = $w->key('EdDSA');
            $w->client->close;
            my (%statuses, @took);
            for (1 .. $share{$mpm}) {
                make_all_due($w);
                my @load = load($w);
                sleep 0.2 + rand 1;
                my $began  = time;
                my $status = $w->server->stop;
                push @took, time - $began;
                $statuses{ $status // 'killed' }++;
                end_load(@load);
                $w->server->start->wait_for_children(2);
            }
            is_deeply(\%statuses, { 0 => $share{$mpm} }, 'exit status 0');
            judge_log($w, $mpm);
            cmp_ok(longest(@took), '<', 8, sprintf 'each within %.1f s', longest(@took));
            is($w->server->stop, 0, 'the last');
        };
    }
}

subtest "$reloads graceful restarts" => sub {
    my $w = webhooks('event');
    $w->{known} = $w->key('EdDSA');
    $w->client->close;
    $w->server->wait_for_children(2);
    my @load = load($w);
    for (1 .. $reloads) {
        make_all_due($w);
        sleep 0.2 + rand 0.5;
        $w->server->graceful;
    }
    end_load(@load);
    is($w->post($w->{known}, '{}', client => WHK::Client->new($w->server->port))->status, 200, 'webhooks pass');
    is($w->server->stop, 0, 'exit status 0');
    judge_log($w, 'reloads');
};

subtest 'a child that begins slowly' => sub {
    my $dir = tempdir('whk-slow-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, $dir;
    my $slow = WHK::Server::build_module('mod_test_slow_child', $dir);
    my $w    = WHK::Webhooks->new(children => 1, enterprise => 'slow', before => "LoadModule test_slow_child_module $slow");
    is($w->post($w->key('EdDSA'), '{}')->status, 200, 'webhooks pass');
    unlike($w->server->error_log, qr/:error\]/, 'no task asks for a connection before there can be one');
};

# A stop may come before the first.
cmp_ok(scalar(grep { m{^GET /hang} } $origin->lines('request')), '>=', $stops / 2, 'fetches did hang');

done_testing;
