# SPDX-License-Identifier: Apache-2.0
# WebhookKeysNotify: a program is told of events, at least once and in their order (docs/notifications.md).
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(strftime);
use Time::HiRes qw(sleep time);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Webhooks;

my $json = JSON::PP->new->utf8;
my $dir  = tempdir('whk-notify-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0777, $dir;

sub write_file { my ($name, $text) = @_; open my $out, '>', "$dir/$name" or die "$name: $!"; print $out $text; close $out; return "$dir/$name" }

# Notes what it is told; does what the file `how` says before.
my $program = write_file('program', <<"SH");
#!/bin/sh
[ ! -e $dir/how ] || . $dir/how
cat > $dir/input.\$\$
{ printf '%s\\n' "\$#"; printf '<%s>\\n' "\$@"; cat $dir/input.\$\$; echo; env | sort; ls -l /proc/\$\$/fd | sed -n "s/.* \\([0-9]*\\) -> /fd \\1 /p"; } > $dir/told.\$\$.new
mv $dir/told.\$\$.new $dir/told.\$(date +%s%N)
SH
chmod 0755, $program;

my $w = WHK::Webhooks->new(children => 2, before => "<IfDefine !NO_NOTIFY>\nWebhookKeysNotify $program one \"two words\"\n</IfDefine>");
my $server = $w->server;

sub told {
    return map {
        open my $in, '<', $_ or die "$_: $!";
        my @lines = <$in>;
        chomp @lines;
        my $count = shift @lines;
        my @arguments = map { s/^<|>$//gr } splice @lines, 0, $count;
        { arguments => \@arguments, json => $json->decode(shift @lines), rest => \@lines }
    } sort glob "$dir/told.*[0-9]";
}
sub within { my ($seconds, $test) = @_; my $end = time + $seconds; until ($test->()) { return 0 if time > $end; sleep 0.1 } return 1 }
sub names { return map { join ' ', @{ $_->{arguments} }[2 .. 4] } told() }
sub tells {
    my ($name, @expected) = @_;
    within(15, sub { scalar(told()) >= @expected });
    sleep 0.5;
    my @found = names();
    unlink glob "$dir/told.*";
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply(\@found, \@expected, $name);
}
sub how { my $text = shift; return defined $text ? write_file('how', $text) : unlink "$dir/how" }
sub in_days { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime time + 86400 * shift) }
sub plan_away {
    my ($key, $date) = @_;
    return $w->client->request(PUT => $server->keys($key->{enterprise}) . "/$key->{kid}/revocation", { $w->admins($key->{enterprise})->write, 'Content-Type' => 'application/json' }, $json->encode({ revokesDate => $date }));
}

ok(within(15, sub { $server->sql("SELECT count(*) FROM whk_notification WHERE enterprise_id = ''") }), 'from here on');

subtest 'what happens' => sub {
    my $key = $w->key('EdDSA');
    within(15, sub { scalar(told()) });
    my ($first) = told();
    is_deeply($first->{arguments}, ['one', 'two words', 'registered', 'acme', $key->{kid}], 'arguments of its own, event, enterprise, keyId');
    my $event = $first->{json};
    is_deeply([@{$event}{qw(event enterprise type keyId actor)}], ['registered', 'acme', 'key.registered', $key->{kid}, 'admin1@acme'], 'the event as JSON');
    like($event->{at}, qr/^\d{4}-/, '... when');
    like($event->{requestId}, qr/\w/, '... by which request');
    is($event->{id}, $server->sql("SELECT max(id) FROM whk_event WHERE enterprise_id = 'acme' AND type = 'key.registered'"), '... its number in the trail');
    my @environment = grep { /=/ } @{ $first->{rest} };
    is(join(' ', grep { !/^(?:PATH|LANG|PWD|OLDPWD|SHLVL|_)=/ } @environment), '', 'nothing of httpd\'s environment');
    my @open = grep { /^fd \d+ (?:socket:|\Q@{[$server->dir]}\E)/ } @{ $first->{rest} };
    is("@open", '', 'none of its connections and files is open');
    unlink glob "$dir/told.*";
    is(plan_away($key, in_days(30))->status, 200, 'planned');
    $w->revoke($key);
    my $guess = WHK::Admins->new($server, 'acme2', 1);
    $w->client->request(POST => $server->keys('acme2'), { $guess->read, OTP => '00000a', 'Content-Type' => 'application/json' }, '{}') for 1 .. 5;
    tells('planned, revoked, locked', "revocation-planned acme $key->{kid}", "revoked acme $key->{kid}", 'otp-locked acme2 ');
};

subtest 'hostile names' => sub {
    my $key = $w->key('EdDSA', kid => '-rf $(id) "\'`');
    within(15, sub { scalar(told()) });
    my ($first) = told();
    is($first->{arguments}[4], $key->{kid}, 'are one argument, and run nothing');
    is($first->{json}{keyId}, $key->{kid}, '... and a text of the JSON');
    unlink glob "$dir/told.*";
};

subtest 'a program that fails' => sub {
    how("case \"\$4\" in beta) n=\$(cat $dir/tries 2>/dev/null || echo 0); echo \$((n + 1)) > $dir/tries; [ \$n -ge 2 ] || { echo 'no mail server' >&2; exit 3; } ;; esac");
    my @keys = map { $w->key('ES256', enterprise => 'beta') } 1 .. 3;
    my $other = $w->key('ES256', enterprise => 'gamma');
    ok(within(10, sub { grep { /^registered gamma/ } names() }), 'another enterprise is not kept waiting');
    ok(within(20, sub { 3 == grep { /^registered beta/ } names() }), 'tried again') or diag join "\n", names();
    is_deeply([grep { /beta/ } names()], [map { "registered beta $_->{kid}" } @keys], '... in order');
    like($server->error_log, qr/WHK0941: nobody was told of event 1 \(registered\) of enterprise beta by \Q$program\E: it ended with exit status 3; it said: no mail server/, 'the log says so');
    how(undef);
    unlink glob "$dir/told.*";
};

subtest 'nothing is lost' => sub {
    how("touch $dir/running; sleep 20");
    my $key = $w->key('EdDSA', enterprise => 'delta');
    ok(within(10, sub { -e "$dir/running" }), 'a program that runs');
    $server->kill_all('KILL');
    unlink "$dir/running";
    how(undef);
    my $until = $server->sql("SELECT max(leased_until) FROM whk_notification");
    cmp_ok($until / 1000, '>', time, 'nobody else has it meanwhile');
    # As if that time were over.
    $server->sql('UPDATE whk_notification SET leased_until = 0');
    $server->start;
    $w->{client} = WHK::Client->new($server->port);
    ok(within(15, sub { grep { /^registered delta \Q$key->{kid}\E/ } names() }), 'told after all of httpd was killed');
    unlink glob "$dir/told.*";
    how("touch $dir/running; sleep 20");
    $key = $w->key('EdDSA', enterprise => 'delta');
    ok(within(10, sub { -e "$dir/running" }), 'another');
    my $began = time;
    is($server->stop, 0, 'httpd stops');
    cmp_ok(time - $began, '<', 8, '... and does not wait for it');
    how(undef);
    unlink glob "$dir/told.*";
    $server->start;
    $w->{client} = WHK::Client->new($server->port);
    tells('told when it is back', "registered delta $key->{kid}");
    $key = $w->key('EdDSA', enterprise => 'delta');
    $server->graceful;
    tells('over a reload', "registered delta $key->{kid}");
};

subtest 'how it ends' => sub {
    # A program that is stopped is none that is done: it is ended in the end, and told again.
    how("touch $dir/stopped; [ -e $dir/once ] || { touch $dir/once; kill -STOP \$\$; }");
    my $key = $w->key('EdDSA', enterprise => 'eta');
    ok(within(10, sub { -e "$dir/stopped" }), 'a program that is stopped');
    sleep 1;
    is(scalar(grep { /eta/ } names()), 0, '... told nobody yet');
    my $pid = qx{pgrep -f '\Q$program\E .*eta'} =~ s/\s.*//sr;
    kill CONT => $pid;
    ok(within(10, sub { grep { /^registered eta \Q$key->{kid}\E/ } names() }), '... and goes on');
    unlink glob "$dir/told.*";
    # What it starts ends with it, and signals reach it.
    how("sleep 1234 & echo \$! > $dir/child; trap 'touch $dir/asked; exit 1' TERM; touch $dir/running2; wait");
    $key = $w->key('EdDSA', enterprise => 'eta');
    ok(within(10, sub { -e "$dir/running2" }), 'one that waits for what it started');
    my $child = do { local @ARGV = "$dir/child"; <> };
    chomp $child;
    is($server->stop, 0, 'httpd stops');
    ok(-e "$dir/asked", '... asked it to end');
    ok(within(3, sub { !kill 0, $child }), '... and ended what it started');
    how(undef);
    $server->start;
    $w->{client} = WHK::Client->new($server->port);
    tells('told when it is back', "registered eta $key->{kid}");
};

subtest 'turned on late' => sub {
    my $log   = write_file('late', '');
    my $late  = write_file('late-program', "#!/bin/sh\necho \"\$1 \$2 \$3\" >> $log\n");
    chmod 0755, $late;
    chmod 0666, $log;
    my $hosts = sub { my $port = shift; "Listen 127.0.0.1:$port\n<VirtualHost 127.0.0.1:$port>\nWebhookKeysNotify $late\n<Location /api/policy/v1>\nSetHandler webhook-keys\nAuthType Bearer\nAuthName w\nRequire webhook-keys-admin\n</Location>\n</VirtualHost>\n" };
    my $other = WHK::Server->new(children => 2, before => '<IfDefine LATE>' . "\n" . $hosts->(WHK::Server::free_port()) . "</IfDefine>\n");
    my $admins = WHK::Admins->new($other, 'late', 3);
    my $client = WHK::Client->new($other->port);
    is($admins->register($client, { keyId => 'near', jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519')), revokesDate => in_days(0.4) })->status, 201, 'a key whose end is near');
    $other->stop;
    open my $in, '<', $other->conf or die $!;
    my $text = do { local $/; <$in> };
    open my $out, '>', $other->conf or die $!;
    print $out "Define LATE\n$text";
    close $out;
    $other->start;
    my $seen = sub { local @ARGV = $log; return join '', <> };
    ok(within(15, sub { $seen->() =~ /near/ }), 'by a virtual host that is not the first') or diag $other->error_log;
    is($seen->(), "revocation-near late near\n", '... what it writes down first is told, and nothing of before');
};

subtest 'what only time brings' => sub {
    my ($soon, $week, $later) = map { $w->key('EdDSA', enterprise => 'zeta') } 1 .. 3;
    plan_away($soon, in_days(0.5));
    plan_away($week, in_days(6));
    plan_away($later, in_days(8));
    ok(within(15, sub { 6 == grep { /zeta/ } names() }), 'planned') or diag join "\n", names();
    unlink glob "$dir/told.*";
    $server->stop;
    $server->start;
    $w->{client} = WHK::Client->new($server->port);
    ok(within(15, sub { 2 == grep { /zeta/ } names() }), 'near');
    my @told = told();
    is_deeply([sort map { join ' ', @{ $_->{arguments} }[2 .. 4] } @told], [sort map { "revocation-near zeta $_->{kid}" } $soon, $week], 'the two that are');
    is_deeply([map { $_->{json}{actor} } @told], [('background') x 2], '... as events of the trail');
    is(scalar(grep { ($_->{json}{detail} // '') =~ /^\d{4}-.*Z$/ } @told), 2, '... with the time');
    unlink glob "$dir/told.*";
    $server->stop;
    $server->start;
    sleep 2;
    is(scalar(told()), 0, 'once');
};

subtest 'what cannot be run' => sub {
    my @bad = ([$dir, qr/must be a program that is there/], ["$dir/none", qr/must be a program that is there/], ['program', qr/must be an absolute path/], [write_file('plain', ''), qr/must be executable: run chmod \+x/]);
    my $open = write_file('open', '');
    chmod 0777, $open;
    push @bad, [$open, qr/must not be writable by everybody/];
    for (@bad) {
        my ($file, $why) = @$_;
        my $other = WHK::Server->new(start => 0, before => "WebhookKeysNotify $file");
        my ($status, $out) = $other->configtest;
        isnt($status, 0, "$file is refused");
        like($out, qr/WHK0940.*$why/s, '... and why');
    }
};

my ($status, $out, $err) = $server->ctl('audit', 'verify');
is("$status$err", '0', 'the trail is whole');
done_testing;
