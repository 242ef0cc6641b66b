# SPDX-License-Identifier: Apache-2.0
# The demo as a fleet, `make -f Makefile.apxs run DB=... NODES=...`: its nodes are one registry, no answer tells which of them
# gave it, what was registered is there at the next start, and nothing is left running.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);
use WHK::Client;
use WHK::Server;

my $json = JSON::PP->new->utf8;

sub slurp { my $file = shift; open my $in, '<', $file or return ''; local $/; return scalar <$in> // '' }

# So many free ports in a row.
sub free_ports {
    my $count = shift;
    for (1 .. 100) {
        my $first = WHK::Server::free_port();
        my @taken = grep { !defined } map { IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $first + $_) } 1 .. $count - 1;
        return $first if !@taken;
    }
    die 'no ports in a row are free';
}

sub demo {
    my %with = @_;
    unlink "$with{dir}/said";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        chdir $WHK::Server::root or die $!;
        open STDOUT, '>', "$with{dir}/said" or die $!;
        open STDERR, '>', "$with{dir}/log"  or die $!;
        @ENV{qw(PORT RUN_DIR HTTPD DB NODES)} = ($with{port}, "$with{dir}/run", $WHK::Server::httpd, $with{db}, $with{nodes});
        exec 'sh', 'conf/demo/run.sh';
        die "sh: $!";
    }
    my $self = { %with, pid => $pid };
    for (1 .. 900) {
        last if slurp("$with{dir}/said") =~ /key-events/ || waitpid($pid, WNOHANG) == $pid;
        sleep 0.1;
    }
    die "the demo does not start: " . slurp("$with{dir}/said") . slurp("$with{dir}/log") if slurp("$with{dir}/said") !~ /key-events/;
    return $self;
}

# As a user types it, in a shell that works with node $n.
sub tour {
    my ($demo, $n, $lines) = @_;
    my $at = 'http://127.0.0.1:' . ($demo->{port} + $n - 1);
    my (undef, $out, $err) = WHK::Server::run_command('sh', '-c',
        ". $demo->{dir}/run/demo.env; . $demo->{dir}/run/tour.sh; cd $demo->{dir}; WHK_URL=$at/api/policy/v1; WHK_HOOKS_URL=$at/hooks; $lines");
    diag $err if length $err && $err !~ /^A code works once/;
    return eval { $json->decode($out) } // diag $out;
}

# What runs in the demo's folder; httpd's children and the servers' processes among it.
sub processes {
    my $demo = shift;
    open my $out, '-|', 'pgrep', '-af', "$demo->{dir}/" or die "pgrep: $!";
    my @found = <$out>;
    return @found;
}

sub end {
    my $demo = shift;
    kill TERM => $demo->{pid};
    waitpid $demo->{pid}, 0;
    my $status = $?;
    for (1 .. 50) { last if !processes($demo); sleep 0.1 }
    return join "\n", $status, processes($demo);
}

# All of an answer, but what is of the moment.
sub answer {
    my ($demo, $n, $method, $path, $headers, $body) = @_;
    my $r = WHK::Client->new($demo->{port} + $n - 1)->request($method => $path, { Host => 'hooks.example', %{ $headers // {} } }, $body);
    my $text = join "\n", (grep { !/^(?:Date|X-Request-Id):/i } split /\r\n/, $r->head), $r->body;
    return $text =~ s/"requestId":"[^"]+"/"requestId":""/r;
}

sub tests {
    my %with  = @_;
    my ($dir, $nodes) = @with{qw(dir nodes)};
    my $demo  = demo(%with);
    my @all   = 1 .. $nodes;
    my $last = $nodes;
    like(slurp("$dir/said"), qr{^So it is on http://127\.0\.0\.1:\Q@{[ $with{port} + $last - 1 ]}\E/}m, 'it says where the other nodes are');

    my $r = tour($demo, $last, 'openssl genpkey -algorithm ed25519 -out my-key.pem; whk_jwks my-key.pem my-key-1 > my-key.json;
        whk POST /webhooks/keys -H "OTP: $(whk_otp)" -d @my-key.json');
    is($r->{status}, 'ACTIVE', 'a key is registered by the last node');
    is_deeply([ map { scalar @{ tour($demo, $_, 'whk GET /webhooks/keys')->{keys} } } @all ], [ (1) x $nodes ], '... and is there on each');
    tour($demo, 1, q(echo '{"event":"paid"}' > body.json; whk_sign my-key.pem my-key-1 body.json > signature; echo {}));
    # A node that was asked a moment ago looks again within the lag.
    sleep 1.2;
    is_deeply([ map { tour($demo, $_, 'whk_send body.json "$(cat signature)"')->{webhook}{keyId} } @all ], [ ('my-key-1') x $nodes ], 'what it signed passes each node');

    my ($token) = slurp("$dir/run/demo.env") =~ /^WHK_TOKEN='(.*)'$/m;
    my %signed  = ('Content-Type' => 'application/json', 'Webhook-Signature' => slurp("$dir/signature") =~ s/\n//r);
    my %asks    = (
        'a list'            => [ GET => '/api/policy/v1/enterprises/acme/webhooks/keys',       { Authorization => "Bearer $token" } ],
        'events'            => [ GET => '/api/policy/v1/enterprises/acme/webhooks/key-events', { Authorization => "Bearer $token" } ],
        'no token'          => [ GET => '/api/policy/v1/enterprises/acme/webhooks/keys' ],
        'no such path'      => [ GET => '/api/policy/v1/nothing', { Authorization => "Bearer $token" } ],
        'a bad page'        => [ GET => '/api/policy/v1/enterprises/acme/webhooks/keys?cursor=none', { Authorization => "Bearer $token" } ],
        'no code'           => [ POST => '/api/policy/v1/enterprises/acme/webhooks/keys', { Authorization => "Bearer $token", 'Content-Type' => 'application/json' }, '{}' ],
        'a webhook'         => [ POST => '/hooks/acme', \%signed, slurp("$dir/body.json") ],
        'a changed webhook' => [ POST => '/hooks/acme', \%signed, '{}' ],
        'none signed'       => [ POST => '/hooks/acme', { 'Content-Type' => 'application/json' }, '{}' ],
    );
    for my $what (sort keys %asks) {
        my %answers = map { answer($demo, $_, @{ $asks{$what} }) => 1 } @all;
        is(scalar keys %answers, 1, "no answer tells which node gave it: $what") or diag explain [ keys %answers ];
    }

    # A code works once, so this waits for the next: at most 30 s.
    $r = tour($demo, 1, 'whk DELETE /webhooks/keys/my-key-1 -H "OTP: $(whk_otp)" 2> /dev/null');
    ok($r->{success}, 'the key is revoked by the first node') or diag explain $r;
    sleep 1.2;
    is_deeply([ map { tour($demo, $_, 'whk_send body.json "$(cat signature)"')->{code} } @all ], [ ('key_revoked') x $nodes ], '... and none lets pass what it signed');

    is(end($demo), 0, 'it ends when it is told to, and leaves nothing running');
    $demo = demo(%with);
    is_deeply([ map { $_->{status} } @{ tour($demo, $last, 'whk GET /webhooks/keys')->{keys} } ], ['REVOKED'], 'at the next start all is there');
    is(slurp("$dir/run/demo.env") =~ /^WHK_TOKEN='\Q$token\E'$/m, 1, '... and the token is the same');
    is(end($demo), 0, 'it ends again');
    unlike(slurp("$dir/log"), qr/\[(?:\w+:)?(?:error|crit|emerg)\]/, 'nothing to complain of') or diag slurp("$dir/log");
    return;
}

# What it does not take, it says before it starts anything.
my $none = tempdir('whk-demo-XXXXXX', TMPDIR => 1, CLEANUP => 1);
for my $bad (
    [ 'DB=oracle',           qr/DB is "oracle", but must be sqlite, pgsql, mysql or galera/ ],
    [ 'DB=pgsql;id',         qr/DB is "pgsql;id", but must be/ ],
    [ 'DB=sqlite NODES=2',   qr/DB=sqlite has one node: .* DB=pgsql, mysql or galera/ ],
    [ 'DB=pgsql NODES=0',    qr/NODES is "0", but must be a number from 1 to 16/ ],
    [ 'DB=pgsql NODES=17',   qr/NODES is "17", but must be/ ],
    [ 'DB=pgsql NODES=two',  qr/NODES is "two", but must be/ ],
    [ 'DB=pgsql NODES=3 PORT=65534', qr/PORT is 65534, which leaves no 3 ports/ ],
) {
    my %set = map { split /=/, $_, 2 } split / /, $bad->[0];
    my ($status, $out, $err) = do {
        local @ENV{qw(DB NODES PORT RUN_DIR HTTPD)} = (@set{qw(DB NODES PORT)}, "$none/run", $WHK::Server::httpd);
        delete @ENV{ grep { !defined $ENV{$_} } qw(DB NODES PORT) };
        WHK::Server::run_command('sh', '-c', "cd '$WHK::Server::root' && exec sh conf/demo/run.sh");
    };
    isnt($status, 0, "refused: $bad->[0]");
    like($err, $bad->[1], '... and it says why');
}
ok(!-e "$none/run", 'and nothing was made');

# Both wait for a code, so they do it at the same time.
my $dir   = tempdir('whk-demo-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $port  = free_ports(5);
my @demos = ({ db => 'pgsql', nodes => 2, port => $port }, { db => 'galera', nodes => 3, port => $port + 2 });
my @ended = map {
    my %with = (%{$_}, dir => "$dir/$_->{db}");
    mkdir $with{dir};
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        Test::More->builder->reset;
        open STDERR, '>&', \*STDOUT;
        Test::More->builder->output(\*STDOUT);
        Test::More->builder->failure_output(\*STDOUT);
        eval { tests(%with); 1 } or fail($@);
        done_testing;
        # What is left is the parent's to take away.
        POSIX::_exit(Test::More->builder->is_passing ? 0 : 1);
    }
    [ "DB=$with{db} NODES=$with{nodes}", $out ];
} @demos;
for my $run (@ended) {
    my ($what, $out) = @{$run};
    my $said = do { local $/; <$out> };
    ok(close $out, $what) or diag $said;
}
done_testing;
