# SPDX-License-Identifier: Apache-2.0
# whkctl secret rotate: another secret key, on two nodes with a copy of the file each, while everybody goes on.
use strict;
use warnings;
use Test::More;
use File::Copy qw(copy);
use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64url);
use Digest::SHA qw(sha256);
use POSIX ();
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Keys;
use WHK::Parallel;
use WHK::Seals;
use WHK::Webhooks;

my $w      = WHK::Webhooks->new(enterprise => 'acme', children => 1, threads => 8);
my $server = $w->server;
my $file   = $server->dir . '/secret.key';
# Those who register are another enterprise's than the webhooks.
my $admins = $w->admins('busy');
$admins->enroll_more(2);
my $key   = $w->key('EdDSA');
my $other = WHK::Server->new(init => 0, start => 0);
$other->{db} = $server->db;
$other->write_conf(children => 1, modules => [@WHK::Webhooks::modules],
    before => 'Define WHK_BACKEND ' . $w->backend->uri . "\n" . WHK::Webhooks::hooks(scheme => 'jws-detached Webhook-Signature'));

sub copy_to_all { copy($file, $other->dir . '/secret.key') or die $!; chmod 0600, $other->dir . '/secret.key'; return }
sub reload_all { copy_to_all(); $_->graceful for $server, $other; return }

sub lines {
    open my $in, '<', $file or die $!;
    chomp(my @lines = <$in>);
    return map { my ($name, $word) = split / /; $name eq 'sealed' ? 'sealed' : fingerprint($name) . ($word ? " $word" : '') } @lines;
}

sub fingerprint { return encode_base64url(substr sha256("webhook-keys secret key fingerprint\0" . decode_base64url(shift)), 0, 8) }

# How many rows of the registry each key seals.
sub sealed_by {
    my $fingerprint = shift;
    return $server->sql("SELECT (SELECT count(*) FROM whk_key WHERE seal LIKE 'v1.$fingerprint.%') + (SELECT count(*) FROM whk_admin WHERE seal LIKE 'v1.$fingerprint.%') "
          . "+ (SELECT count(*) FROM whk_event WHERE seal LIKE 'v1.$fingerprint.%') + (SELECT count(*) FROM whk_otp WHERE sealed_secret LIKE 'v1.$fingerprint.%')");
}

sub all_rows { return $server->sql('SELECT (SELECT count(*) FROM whk_key) + (SELECT count(*) FROM whk_admin) + (SELECT count(*) FROM whk_event) + (SELECT count(*) FROM whk_otp)') }

# Not by $server->ctl: everybody goes on, by codes that work again.
sub trail {
    my ($status, $out) = WHK::Server::whkctl('-f', $server->conf, qw(audit verify --json));
    my $said = JSON::PP->new->decode($out);
    return join(' ', map { "$_->{enterpriseId} @{[scalar @{ $_->{findings} }]}" } grep { !$_->{ok} } @{ $said->{enterprises} })
      . join(' ', map { $_->{name} } grep { $_->{name} !~ /(?:^|\.)again_|forget_step/ } @{ $said->{schema} }) || 'whole';
}

copy_to_all();
$other->start;
my ($old) = lines();
is(join(' ', lines()), "$old sealed", 'one key, and that the rows are sealed');
is(sealed_by($old), all_rows(), 'which sealed everything');

# A trail that is long enough to be in the middle of.
{
    my $seals = WHK::Seals->new($server);
    my ($row) = WHK::Seals::rows($server, "SELECT event_count, event_head FROM whk_enterprise WHERE enterprise_id = 'acme'");
    my ($previous, @sql) = ($row->{event_head}, 'BEGIN');
    for my $id ($row->{event_count} + 1 .. 10_000) {
        my $event = { enterprise_id => 'acme', id => $id, type => 'key.registration_refused', actor => 'admin1@acme', at => 1795652981269 + $id, detail => 'invalid_json' };
        $event->{hash} = $previous = WHK::Seals::event_hash($previous, $event);
        push @sql, "INSERT INTO whk_event (enterprise_id, id, type, actor, at, detail, hash, seal) VALUES ('acme', $id, '$event->{type}', '$event->{actor}', $event->{at}, 'invalid_json', '$previous', '"
          . $seals->seal(event => $event) . "')";
    }
    push @sql, "UPDATE whk_enterprise SET event_count = 10000, event_head = '$previous' WHERE enterprise_id = 'acme'", 'COMMIT';
    open my $out, '>', $server->dir . '/many.sql' or die $!;
    print $out join(";\n", @sql), ";\n";
    close $out;
    $server->read_file("$server->{dir}/many.sql");
}
is(trail(), 'whole', 'the trail is whole');

# ---- everybody goes on: registrations with one-time passwords, lists, webhooks, on both nodes

my @keys = WHK::Keys::many(4000);
my $stop = $server->dir . '/stop';
# Also where a test dies: the others would wait for ever.
local $SIG{__DIE__} = sub { open my $in_time, '>', $stop if !$^S };
my $signed = $w->sign($key, '{"paid":true}');
my @jobs;
for my $n (0 .. 1) {
    my $node = ($server, $other)[$n];
    push @jobs, sub {
        my $c = WHK::Client->new($node->port);
        my %count;
        my $i = $n;
        until (-e $stop) {
            my %headers = $admins->write;
            my $kid = "load-$i";
            my $r = $c->request(POST => $server->keys('busy'), { %headers, 'Content-Type' => 'application/json' }, JSON::PP->new->encode({ jwks => WHK::Keys::jwks({ %{ $keys[$i] }, kid => $kid }) }));
            $count{ 'register ' . $r->status . ($r->status == 201 ? '' : ' ' . $r->body) }++;
            $r = $c->request(DELETE => $server->keys('busy') . "/$kid", { $admins->write });
            $count{ 'revoke ' . $r->status . ($r->status == 200 ? '' : ' ' . $r->body) }++;
            $r = $c->request(GET => $server->events('busy'), { $admins->read });
            $count{ 'events ' . $r->status . ($r->status == 200 ? '' : ' ' . $r->body) }++;
            $i += 2;
            sleep 0.05;
        }
        return \%count;
    };
    push @jobs, sub {
        my $c = WHK::Client->new($node->port);
        my %count;
        until (-e $stop) {
            my $r = $c->request(@{$signed}{qw(method target headers body)});
            $count{ 'webhook ' . $r->status . ($r->status == 200 ? '' : ' ' . $r->body) }++;
            sleep 0.02;
        }
        return \%count;
    };
}
my $job = WHK::Parallel::start(@jobs);
sleep 1;

sub rotate { return $server->ctl_json(qw(secret rotate)) }

my $first = rotate();
is("$first->{step} of $first->{steps}", '1 of 3', 'the first run');
my ($first_line, $next, $mark) = lines();
is($first_line, $old, 'the old key seals still');
like($next, qr/^\S+ next$/, 'a new one is known');
is($mark, 'sealed', 'and what else is in the file stays');
is(sprintf('%04o', (stat $file)[2] & 07777), '0600', 'nobody else may read it');
my ($new) = split / /, $next;
is(sealed_by($new), 0, 'it seals nothing');
like($first->{next}, qr/copy the file to every node, reload httpd there, and run this again/, 'and it says what is next');
reload_all();
sleep 1;

# The second run, killed on its way, again and again.
my $killed = 0;
for my $delay (0.05, 0.1, 0.15, 0.2, 0.3) {
    my $pid = fork // die $!;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec(@WHK::Server::whkctl, '-f', $server->conf, 'secret', 'rotate') || POSIX::_exit(1);
    }
    sleep $delay;
    kill KILL => $pid;
    waitpid $pid, 0;
    last if (lines())[0] ne $old;
    $killed++;
}
cmp_ok($killed, '>=', 1, 'the second run was killed on its way');
note 'sealed anew by then: ' . sealed_by($new);
my $second;
if ((lines())[0] eq $old) {
    my ($status, $out, $err) = $server->ctl(qw(secret rotate --json));
    is($status, 0, 'it is run again') or diag $err;
    $second = JSON::PP->new->decode($out);
    is($second->{step}, 2, 'the second run');
    is($second->{badRows}, 0, 'met nothing that is not ours');
}
is(join(' ', lines()), "$new $old previous sealed", 'the new key is the first, and the old one is known');
cmp_ok(sealed_by($new), '>', 9_990, 'it sealed what was there');
is(trail(), 'whole', 'the trail is whole');
sleep 1;

# Before all were reloaded the third run finds that somebody goes on with the old key.
my ($status, $out, $err) = $server->ctl(qw(secret rotate));
is($status, 1, 'the third run, too early');
like($err, qr/something goes on sealing by the previous key.*reload httpd on every node/, 'says so');
is((lines())[1], "$old previous", 'and the old key stays');
reload_all();
sleep 1;
my $third = rotate();
is("$third->{step} of $third->{steps}", '3 of 3', 'the third run');
is(join(' ', lines()), "$new sealed", 'the old key is out of the file');
is(sealed_by($old), 0, 'and seals nothing');
reload_all();
sleep 1;
open my $flag, '>', $stop or die $!;
close $flag;
my %count;
for my $one ($job->results) { $count{$_} += $one->{$_} for keys %$one }
is(join(', ', sort keys %count), 'events 200, register 201, revoke 200, webhook 200', 'and not one request failed meanwhile')
  or diag join "\n", explain(\%count), map { grep { /webhook_keys:(?:error|crit)/ } split /\n/, $_->error_log } $server, $other;
is(sealed_by($new), all_rows(), 'everything is sealed by the new key');
is(trail(), 'whole', 'the trail is whole');
is(($server->ctl('check'))[0], 0, 'whkctl check is content');

# ---- a forged row is not sealed along

$server->sql(($server->driver eq 'pgsql' ? 'DROP TRIGGER whk_key_stays ON whk_key' : 'DROP TRIGGER whk_key_stays') . '; UPDATE whk_key SET key_name = \'forged\' WHERE key_id = \'load-0\'');
rotate();
my $with_bad = rotate();
is($with_bad->{badRows} > 0, 1, 'a row that somebody changed is counted');
is(($server->ctl(qw(audit verify)))[0], 1, '... and no better for it');
like(($server->ctl(qw(audit verify)))[1], qr/key load-0: its seal does not fit/, '... but named');

my $folder = $server->dir;
subtest 'one at a time' => sub {
    open my $dir, '<', $folder or die $!;
    flock $dir, 2 or die $!;
    my ($refused, $stdout, $stderr) = $server->ctl(qw(secret rotate));
    is($refused, 1, 'the second is refused');
    like($stderr, qr/another whkctl/, '... and says why');
};
done_testing;
