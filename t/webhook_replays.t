# SPDX-License-Identifier: Apache-2.0
# WebhookKeysReplayCache: a message passes once, in its enterprise, whatever key signed it, at whichever process, over a
# reload, and whoever else fills the memory.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(sleep time);
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Memcached;
use WHK::Parallel;
use WHK::Server;
use WHK::Webhooks;

my $on = 'WebhookKeysReplayCache shmcb';

sub passes   { my ($r, $name) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return is($r->status, 200, $name) }
sub replayed { my ($r, $name) = @_; local $Test::Builder::Level = $Test::Builder::Level + 1; return refused($r, 401, 'replayed', $name) }

sub busy {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return refused($r, 503, 'too_busy', $name) && like($r->header('Retry-After'), qr/^\d+$/, '... with Retry-After');
}

# On a connection of its own.
sub alone { my ($w, $signed, %how) = @_; return $w->send($signed, client => WHK::Client->new($w->server->port, timeout => 20), %how) }

# A SIGHUP, done when the children are new ones.
sub hang_up {
    my $server = shift;
    my %old = map { $_ => 1 } $server->children;
    kill HUP => $server->pid;
    for (1 .. 200) { sleep 0.05; last if grep { !$old{$_} } $server->children }
    return;
}

# Other directives, in force after the next reload.
sub edit {
    my ($server, $from, $to) = @_;
    local $/;
    open my $in, '<', $server->conf or die $!;
    my $text = <$in>;
    $text =~ s/$from/$to/ or die "no $from in the configuration\n";
    open my $out, '>', $server->conf or die $!;
    print $out $text;
    close $out;
    return;
}

sub resident { my ($kib) = qx{cat /proc/$_[0]/status} =~ /^VmRSS:\s*(\d+)/m; return $kib }
sub mapped   { return scalar grep { /^\S+ ...s / } split /\n/, qx{cat /proc/$_[0]/maps} }

my $w   = WHK::Webhooks->new(children => 2, before => "$on\nProxyTimeout 1");
my $key = $w->key('EdDSA');

subtest 'once' => sub {
    my $second = $w->key('ES256');
    my $theirs = $w->key('EdDSA', enterprise => 'globex');
    my $signed = $w->sign($key, 'one');
    passes($w->send($signed), 'the first time');
    replayed($w->send($signed), 'the second time');
    passes($w->post($key, 'two', protected => { jti => 'a' }), 'a jti');
    replayed($w->post($key, 'three', protected => { jti => 'a' }), '... in another message');
    replayed($w->post($second, 'four', protected => { jti => 'a' }), '... signed by another key of the enterprise');
    passes($w->post($theirs, 'five', protected => { jti => 'a' }, path => '/hooks/globex/orders'), '... in another enterprise');
    replayed($w->post($theirs, 'six', protected => { jti => 'a' }, path => '/hooks/globex/orders'), '... there again');
};

subtest 'one of two signatures dropped' => sub {
    my $http = WHK::Webhooks->new(scheme => 'http-signature', before => $on);
    my ($one, $two) = map { $http->key($_) } qw(ES256 EdDSA);
    my $label = 'a';
    my $signed = sub { my ($by, %how) = @_; return $http->sign($by, 'paid', label => $label++, %how)->{headers} };
    my $with = sub {
        my %headers = map { %$_ } @_;
        for my $name (qw(Signature-Input Signature)) { my @each = map { $_->{$name} } @_; $headers{$name} = join ', ', @each }
        return $http->client->request(POST => $http->path, \%headers, 'paid');
    };
    for my $nonces ([], [ 'one', 'two' ]) {
        my $name = @$nonces ? 'a nonce each' : 'no nonce';
        my ($first, $second) = map { $signed->(($one, $two)[$_], params => { nonce => @$nonces ? "$nonces->[$_]-" . time : undef }) } 0, 1;
        passes($with->($first, $second), "$name: both");
        replayed($with->($second), '... without the first');
        replayed($with->($first),  '... without the second');
        replayed($with->($second, $first), '... the other way around');
    }
    my $standard = WHK::Webhooks->new(scheme => 'standard-webhooks', before => $on);
    my ($old, $new) = map { $standard->key('EdDSA') } 1, 2;
    my $by_old = $standard->sign($old, 'paid');
    my $by_new = $standard->sign($new, 'paid', map { my $n = $_; my ($k) = grep { lc eq "webhook-$n" } keys %{ $by_old->{headers} }; ($n => $by_old->{headers}{$k}) } qw(id timestamp));
    my ($where) = grep { lc eq 'webhook-signature' } keys %{ $by_old->{headers} };
    passes($standard->send($by_old, headers => { $where => "$by_old->{headers}{$where} $by_new->{headers}{$where}" }), 'standard-webhooks: both');
    replayed($standard->send($by_new), '... by the other key alone');
    replayed($standard->send($by_old), '... by the one alone');
};

subtest 'in parallel' => sub {
    is($w->server->wait_for_children(2), 2, 'two processes');
    for (1 .. 5) {
        $w->backend->clear;
        my $signed  = $w->sign($key, "parallel $_");
        my @answers = WHK::Parallel::run((sub { alone($w, $signed)->status }) x 16);
        is(join(' ', sort @answers), join(' ', 200, (401) x 15), 'of sixteen at once one passes');
        is($w->backend->count, 1, '... and arrives');
    }
};

subtest 'given back' => sub {
    for my $status (500, 502, 503) {
        my $signed = $w->sign($key, 'fails', target => "/status/$status");
        is($w->send($signed)->status, $status, "a backend that answers $status") for 1, 2;
    }
    my $signed = $w->sign($key, 'cut off', target => '/close');
    is($w->send($signed)->status, 502, 'one that closes the connection') for 1, 2;
    $signed = $w->sign($key, 'retried');
    $w->backend->stop;
    is($w->send($signed)->status, 503, 'one that is away');
    $w->backend->start;
    my $r;
    for (1 .. 100) { $r = $w->send($signed); last if $r->status != 503; sleep 0.1 }
    passes($r, 'the retry');
    replayed($w->send($signed), '... once');
};

subtest 'over reloads' => sub {
    my ($graceful, $hard) = map { $w->sign($key, "before $_") } qw(graceful hard);
    passes($w->send($_), 'before') for $graceful, $hard;
    $w->server->graceful;
    replayed(alone($w, $graceful), 'after a graceful one');
    hang_up($w->server);
    replayed(alone($w, $hard), 'after a SIGHUP');
    passes($w->post($key, 'after', client => WHK::Client->new($w->server->port)), 'new ones pass');

    # One that is with a child of before still.
    my ($slow, $late) = ($w->sign($key, 'slow', target => '/slow/900'), $w->sign($key, 'late', target => '/slow/2500'));
    my $job = WHK::Parallel::start(map { my $signed = $_; sub { alone($w, $signed)->status } } $slow, $late);
    sleep 0.3;
    $w->server->graceful;
    replayed(alone($w, $slow), 'in a new child while an old one delivers it');
    my @answers = $job->results;
    is($answers[0], 200, '... which it does');
    cmp_ok($answers[1], '>=', 500, 'what an old child could not deliver');
    cmp_ok(alone($w, $late)->status, '>=', 500, '... has been given back for the new ones');
};

subtest 'reloads under load' => sub {
    $w->backend->clear;
    my @signed = map { $w->sign($key, "loaded $_") } 1 .. 300;
    my $job = WHK::Parallel::start(
        (
            sub {
                my %seen;
                for my $signed (@signed) { my $status = eval { alone($w, $signed)->status } || 'broken'; $seen{$status}++; sleep 0.005 }
                return \%seen;
            }
        ) x 4
    );
    for (1 .. 5) { sleep 0.2; $w->server->graceful }
    my %sum;
    for my $seen ($job->results) { $sum{$_} += $seen->{$_} for keys %$seen }
    is($sum{200}, 300, 'each passes once') or diag explain \%sum;
    is($sum{401}, 900, '... and is refused three times');
    my %arrived;
    $arrived{ $_->{body} }++ for $w->backend->requests;
    is(join(' ', grep { $_ != 1 } values %arrived), '', 'none arrived twice');
    is(scalar keys %arrived, 300, 'each arrived');
};

subtest 'turned off and on, and another size' => sub {
    my $signed = $w->sign($key, 'before it is off');
    passes(alone($w, $signed), 'while it is on');
    edit($w->server, $on, '#off');
    $w->server->graceful;
    passes(alone($w, $signed), 'while it is off');
    edit($w->server, '#off', "$on\nWebhookKeysReplayEntries 2048");
    unlike($w->server->error_log, qr/WebhookKeysReplayEntries is/, 'no notice yet');
    $w->server->graceful;
    replayed(alone($w, $signed), 'what was received while it was on is known still');
    my @notices = $w->server->error_log =~ /(\[webhook_keys:notice\].*WebhookKeysReplayEntries is 2048 now, and takes effect when httpd is started anew)/g;
    is(scalar @notices, 1, 'the log says when another size takes effect');
    $w->server->restart;
    passes(alone($w, $signed), 'a start forgets');
    is(scalar(() = $w->server->error_log =~ /WebhookKeysReplayEntries is/g), 1, 'no notice there');
};

subtest 'children that are killed' => sub {
    $w->backend->clear;
    my @signed = map { $w->sign($key, "killed $_") } 1 .. 400;
    my $before = $w->sign($key, 'before the kills');
    passes(alone($w, $before), 'before');
    my $job = WHK::Parallel::start(
        (
            sub {
                my $longest = 0;
                for my $signed (@signed) {
                    my $begun = time;
                    eval { alone($w, $signed) };
                    $longest = time - $begun if time - $begun > $longest;
                }
                return $longest;
            }
        ) x 4
    );
    for (1 .. 20) {
        sleep 0.1;
        my @children = $w->server->children;
        kill KILL => $children[ rand @children ] if @children;
    }
    cmp_ok($_, '<', 10, 'nobody waited for a lock that died with its holder') for $job->results;
    my %arrived;
    $arrived{ $_->{body} }++ for $w->backend->requests;
    is(join(' ', grep { $_ != 1 } values %arrived), '', 'none arrived twice');
    cmp_ok(scalar keys %arrived, '>', 300, 'most arrived');
    my $r;
    for (1 .. 50) { $r = eval { alone($w, $before) }; last if $r && $r->status; sleep 0.1 }
    replayed($r, 'what was known before');
    my @passed = WHK::Parallel::run(map { my $signed = $w->sign($key, "after $_"); sub { alone($w, $signed)->status } } 1 .. 8);
    is(join(' ', @passed), join(' ', (200) x 8), 'new ones pass');
};

subtest 'fifty reloads' => sub {
    my ($memory, $maps);
    my $signed = $w->sign($key, 'before fifty reloads');
    passes(alone($w, $signed), 'before');
    for my $n (1 .. 50) {
        $n % 2 ? $w->server->graceful : hang_up($w->server);
        ($memory, $maps) = (resident($w->server->pid), mapped($w->server->pid)) if $n == 10;
    }
    replayed(alone($w, $signed), 'after');
    cmp_ok(resident($w->server->pid) - $memory, '<', 1024, 'the parent has not grown');
    cmp_ok(mapped($w->server->pid), '<=', $maps, '... nor has it more shared memory');
};

subtest 'another enterprise fills its share' => sub {
    my $small  = WHK::Webhooks->new(children => 2, before => "$on\nWebhookKeysReplayEntries 1024\nWebhookKeysClockSkew 0");
    my $victim = $small->key('EdDSA');
    my $hog    = $small->key('EdDSA', enterprise => 'hog');
    my $first  = $small->sign($victim, 'first');
    passes($small->send($first), 'one of the victim');
    my $end    = int(time) + 20;
    my @signed = map { $small->sign($hog, "hog $_", path => '/hooks/hog/x', protected => { exp => $end }) } 1 .. 515;
    my %seen;
    $seen{ $small->send($_)->status }++ for @signed;
    is_deeply(\%seen, { 200 => 512, 503 => 3 }, 'half of what was left is the share of one');
    busy($small->send($signed[-1]), 'then new ones are refused');
    like($small->server->error_log, qr/the enterprise hog has its share of WebhookKeysReplayEntries full/, '... and the log says whose');
    replayed($small->send($signed[0]), 'its old ones are known');
    replayed($small->send($first), 'so are those of the victim');
    passes($small->post($victim, "more $_"), 'new ones of the victim pass') for 1 .. 20;
    my $failed = $small->sign($victim, 'failed', target => '/status/500');
    is($small->send($failed)->status, 500, 'its retries too') for 1, 2;
    cmp_ok(time, '<', $end - 1, 'all that before the entries ended') or return;
    sleep $end + 2 - time;
    passes($small->post($hog, "again $_", path => '/hooks/hog/x'), 'when they have ended there is room again') for 1 .. 20;
    replayed($small->send($first), 'the longer ones are known still');
};

subtest 'a provider that nodes share' => sub {
    my $memcached = WHK::Memcached->new;
    my @nodes = map { WHK::Webhooks->new(modules => ['socache_memcache'], before => 'WebhookKeysReplayCache memcache:' . $memcached->address) } 1, 2;
    my $shared = $nodes[0]->key('EdDSA', kid => 'shared');
    $nodes[1]->register($shared);
    my $signed = $nodes[0]->sign($shared, 'one');
    passes($nodes[0]->send($signed), 'at one node');
    replayed($nodes[$_]->send($signed), "then at node $_") for 1, 0;
    passes($nodes[1]->post($shared, 'two'), 'others pass at the other');

    $signed = $nodes[0]->sign($shared, 'fails', target => '/status/500');
    is($nodes[$_]->send($signed)->status, 500, "what node $_ could not deliver is given back for both") for 0, 1, 0;

    $signed = $nodes[0]->sign($shared, 'not stored');
    $memcached->full(1);
    busy($nodes[0]->send($signed), 'where nothing can be stored nothing passes');
    $memcached->full(0);
    my $r;
    for (1 .. 100) { $r = $nodes[1]->send($signed); last if $r->status != 503; sleep 0.2 }
    passes($r, '... and what did not pass may come again');

    $signed = $nodes[0]->sign($shared, 'away');
    $memcached->stop;
    busy($nodes[0]->send($signed), 'away') for 1, 2;
    is($nodes[0]->backend->count, 2 + 1, 'nothing arrived meanwhile');
    $memcached->start;
    for (1 .. 100) { $r = $nodes[0]->send($signed); last if $r->status != 503; sleep 0.2 }
    passes($r, 'when it is back');
    replayed($nodes[0]->send($signed), '... once');
    $memcached->stop;
    $memcached->start;
    replayed($nodes[0]->send($signed), 'what it forgets this node knows');
};

subtest 'a provider that keeps its memory here is not asked' => sub {
    my $dbm = WHK::Webhooks->new(modules => ['socache_dbm'], before => 'WebhookKeysReplayCache dbm:/no/such/folder/x');
    my $its = $dbm->key('EdDSA');
    my $signed = $dbm->sign($its, 'one');
    passes($dbm->send($signed), 'its folder is not even there');
    replayed($dbm->send($signed), '... and uses are known');
};

subtest 'what may stand there' => sub {
    my $configured = sub {
        my ($line, $takes) = @_;
        my $server = WHK::Server->new(modules => [qw(socache_shmcb socache_memcache)], before => $line, start => 0, init => $takes);
        return $server->configtest;
    };
    my $refused = sub {
        my ($line, $why) = @_;
        my ($status, $said) = $configured->($line, 0);
        isnt($status, 0, $line);
        like($said, $why, '... and why');
    };
    $refused->('WebhookKeysReplayCache nothing', qr/must be a socache provider whose module is loaded before this line \(a2enmod socache_nothing\)/);
    $refused->('WebhookKeysReplayCache memcache', qr/must be one that memcache takes/);
    $refused->('WebhookKeysReplayCache shmcb more', qr/must be Off, or one socache provider/);
    $refused->("WebhookKeysReplayEntries $_", qr/must be one whole number from 1024 to 16777216/) for 1023, 16_777_217, '-1', '4096 1', '';
    $refused->("<VirtualHost *>\nWebhookKeysReplayEntries 4096\n</VirtualHost>", qr/cannot occur within <VirtualHost> section/);
    for ('WebhookKeysReplayEntries 1024', 'WebhookKeysReplayEntries 16777216', 'WebhookKeysReplayCache Off', 'WebhookKeysReplayCache shmcb') {
        my ($status, $said) = $configured->($_, 1);
        is($status, 0, $_) or diag $said;
    }
    my ($status, $said) = $configured->('WebhookKeysReplayCache shmcb:4194304', 1);
    is($status, 0, 'a size behind a provider of this node');
    like($said, qr/the arguments of shmcb are not used, since WebhookKeysReplayEntries says how much is remembered/, '... is not used, and that is said');
};

done_testing;
