# SPDX-License-Identifier: Apache-2.0
# One-time passwords (docs/api.md, "Authentication"; RFC 6238): drift, single use, locking, and how secrets are kept. The values
# of the RFC are in unit/test_totp.c.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use Time::HiRes qw(time);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::OTP;
use WHK::Parallel;
use WHK::Server;

my $server = WHK::Server->new(children => 4, threads => 8, before => <<'CONF');
LogLevel webhook_keys:trace8
<Location "/own">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
    WebhookKeysOTPHeader X-Second-Factor
</Location>
CONF
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'otp', 12);
my %admin  = map { $_->{user} => $_ } @{ $admins->{list} };
my $keys   = $server->keys('otp');
my %json   = ('Content-Type' => 'application/json');
my @pool   = WHK::Keys::many(150);
my ($number, @sent) = (0);

sub user { my $n = shift; return "admin$n\@otp" }
sub body { return JSON::PP->new->utf8->encode({ keyId => 'key ' . ++$number, jwks => WHK::Keys::jwks(shift @pool) }) }

# A write with this value of the header; undef sends none. What passes finds that there is no such key, unless it is
# given something to register.
sub try_code {
    my ($user, $code, %o) = @_;
    push @sent, $code if defined $code && !ref $code && $code =~ /^\d{6,8}$/;
    my %headers = (Authorization => "Bearer $admin{$user}{token}", OTP => $code);
    my $with = $o{client} // $client;
    return defined $o{body} ? $with->request(POST => $keys, { %headers, %json }, $o{body}) : $with->request(DELETE => "$keys/none", \%headers);
}

sub code { my ($user, %o) = @_; return WHK::OTP::code($admin{$user}{secret}, %o) }
sub fresh { my $user = shift; return $server->sql("UPDATE whk_otp SET last_step = -1, failures = 0, locked_until = 0 WHERE user_id = '$user'") }
sub outcome { my $r = shift; my $said = $r->status . ' ' . ($r->code // ''); return $said =~ /^201 $|^404 key_not_found$/ ? 'passed' : $said }
sub column { my ($user, $column) = @_; return $server->sql("SELECT $column FROM whk_otp WHERE user_id = '$user'") }

# What happens within one step of the clock; done again, from a fresh start, where the step ended meanwhile.
sub in_one_step {
    my ($user, $period, $sub) = @_;
    for (1 .. 20) {
        fresh($user);
        my $step  = WHK::OTP::step_now($period);
        my @found = $sub->($step);
        return wantarray ? @found : $found[0] if WHK::OTP::step_now($period) == $step;
    }
    die "this machine is too slow to do anything within $period s\n";
}

sub tally { my %count; $count{$_}++ for @_; return \%count }

subtest 'our codes are those of oathtool' => sub {
    my $secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
    for my $algorithm (qw(sha1 sha256 sha512)) {
        for my $case ([6, 30, 59], [8, 30, 1111111109], [8, 60, 2000000000], [6, 15, 20000000000]) {
            my ($digits, $period, $at) = @{$case};
            my ($status, $out) = WHK::Server::run_command('oathtool', "--totp=$algorithm", '-b', '-d', $digits, '-s', $period, '-N', "\@$at", $secret);
            chomp $out;
            is(WHK::OTP::code($secret, algorithm => $algorithm, digits => $digits, period => $period, at => $at), $out, "@{$case} $algorithm");
        }
    }
};

subtest 'a code is good one step before and after its own' => sub {
    my $user = user(1);
    my %expected = (-10 => '401 otp_invalid', -3 => '401 otp_invalid', -2 => '401 otp_invalid', -1 => 'passed', 0 => 'passed', 1 => 'passed', 2 => '401 otp_invalid', 3 => '401 otp_invalid');
    for my $drift (sort { $a <=> $b } keys %expected) {
        my $found = in_one_step($user, 30, sub { my $step = shift; return outcome(try_code($user, code($user, step => $step + $drift))) });
        is($found, $expected{$drift}, "a code of step $drift");
    }
    my $now = in_one_step($user, 30, sub { return outcome(try_code($user, ' ' . code($user) . "\t")) });
    is($now, 'passed', 'white space around a value is no part of it');
};

subtest 'other algorithms, digits and periods' => sub {
    for my $kind (['sha256', 6, 30], ['sha512', 8, 60], ['sha1', 8, 15], ['sha512', 6, 45], ['sha256', 8, 20]) {
        my ($algorithm, $digits, $period) = @{$kind};
        my $user = "$algorithm-$digits-$period";
        $server->ctl_ok('admin', 'add', 'otp', $user);
        $admin{$user} = { token => $server->ctl_json('token', 'issue', $user)->{token}, secret => $server->ctl_json('otp', 'enroll', $user, '--algorithm', $algorithm, '--digits', $digits, '--period', $period)->{secret} };
        my %how = (algorithm => $algorithm, digits => $digits, period => $period);
        my $theirs = in_one_step($user, $period, sub {
            my ($status, $out) = WHK::Server::run_command('oathtool', "--totp=$algorithm", '-b', '-d', $digits, '-s', $period, '-N', '@' . $_[0] * $period, $admin{$user}{secret});
            chomp $out;
            return outcome(try_code($user, $out));
        });
        is($theirs, 'passed', "@{$kind}: oathtool's code");
        for my $drift (-2 .. 2) {
            my $found = in_one_step($user, $period, sub { return outcome(try_code($user, code($user, %how, step => $_[0] + $drift))) });
            is($found, abs $drift > 1 ? '401 otp_invalid' : 'passed', "... a code of step $drift");
        }
        my @wrong = ({ %how, algorithm => $algorithm eq 'sha1' ? 'sha256' : 'sha1' }, { %how, digits => 14 - $digits }, { %how, period => $period == 60 ? 30 : 60 });
        for my $wrong (@wrong) {
            my $found = in_one_step($user, $period, sub { return outcome(try_code($user, code($user, %{$wrong}))) });
            is($found, '401 otp_invalid', join ' ', '... not that of', map { $wrong->{$_} } qw(algorithm digits period));
        }
    }
};

subtest 'a code works once' => sub {
    my $user = user(2);
    my @found = in_one_step($user, 30, sub {
        my $step = shift;
        my ($before, $now, $after) = map { code($user, step => $step + $_) } -1 .. 1;
        return map { outcome($_) } try_code($user, $before), try_code($user, $before), try_code($user, $after), try_code($user, $now), try_code($user, $after), try_code($user, $before);
    });
    is_deeply(\@found, ['passed', '401 otp_invalid', 'passed', ('401 otp_invalid') x 3], 'and so do those before it');
    @found = in_one_step($user, 30, sub {
        my $code = code($user, step => $_[0]);
        my $first = try_code($user, $code, body => '{"keyId":');
        return map { outcome($_) } $first, try_code($user, $code);
    });
    is_deeply(\@found, ['400 invalid_json', '401 otp_invalid'], 'also where what it was for was refused');
    @found = in_one_step($user, 30, sub {
        my $code  = code($user, step => $_[0]);
        my %write = (Authorization => "Bearer $admin{$user}{token}", OTP => $code);
        my $none  = $client->request(DELETE => "$keys/none", {%write});
        my $there = $client->request(DELETE => "$keys/key%201", {%write});
        return map { outcome($_) } $none, $there, try_code($user, $code, body => body());
    });
    is_deeply(\@found, ['passed', '401 otp_invalid', '401 otp_invalid'], 'for a revoke as for a registration');

    # Somebody who is an admin twice has one authenticator.
    $server->ctl_ok('enterprise', 'add', 'second');
    $server->ctl_ok('admin', 'add', 'second', $user);
    @found = in_one_step($user, 30, sub {
        my $code = code($user, step => $_[0]);
        my %write = (Authorization => "Bearer $admin{$user}{token}", OTP => $code, %json);
        my $first = $client->request(POST => $server->keys('second'), {%write}, body());
        return map { outcome($_) } $first, try_code($user, $code);
    });
    is_deeply(\@found, ['passed', '401 otp_invalid'], 'in one of the enterprises of its user');

    # What comes before the check leaves the code as it was.
    @found = in_one_step($user, 30, sub {
        my $code  = code($user, step => $_[0]);
        my %write = (OTP => $code, %json);
        my @before = (
            $client->request(POST => $keys, {%write}, '{}'), $client->request(POST => $server->keys('nobodys'), { %write, Authorization => "Bearer $admin{$user}{token}" }, '{}'),
            $client->request(GET => $keys, { %write, Authorization => "Bearer $admin{$user}{token}" }), $client->request(PUT => $keys, { %write, Authorization => "Bearer $admin{$user}{token}" }, '{}'),
        );
        return map { $_->status } @before, try_code($user, $code, body => body());
    });
    is_deeply(\@found, [401, 403, 200, 405, 201], 'a request that never gets to it uses none up');
};

subtest 'sixteen requests with one code' => sub {
    cmp_ok($server->wait_for_children(4), '>=', 4, 'on four processes');
    for my $round (1 .. 4) {
        my $user = user(2 + $round);
        my @bodies = map { body() } 1 .. 16;
        my @found = in_one_step($user, 30, sub {
            my $code = code($user, step => $_[0]);
            return WHK::Parallel::run(map { my $body = $_; sub { outcome(try_code($user, $code, body => $body, client => WHK::Client->new($server->port))) } } @bodies);
        });
        my $count = tally(@found);
        is($count->{passed}, 1, "round $round: one passes") or diag explain $count;
        is(delete($count->{passed}) + ($count->{'401 otp_invalid'} // 0) + ($count->{'429 otp_locked'} // 0), 16, '... and the others are refused') or diag explain $count;
    }
};

subtest 'the header' => sub {
    my $user = user(1);
    my $challenge = 'Bearer error="insufficient_user_authentication"';
    for my $value (undef, '', ' ', "\t") {
        my $r = try_code($user, $value);
        refused($r, 401, 'otp_required', 'no code: ' . JSON::PP->new->allow_nonref->encode($value));
        is(join('|', $r->headers('WWW-Authenticate')), $challenge, '... with the challenge of RFC 9470');
        like($r->message, qr/\bOTP\b/, '... and the name of the header');
        refused($client->request(DELETE => "$keys/x", { Authorization => "Bearer $admin{$user}{token}", OTP => $value }), 401, 'otp_required', '... to revoke');
    }
    is(column($user, 'failures'), 0, 'which counts as no refused code');
    my @garbage = ('x', 'abcdef', '12345', '1234567', '12345678', '123 456', '+12345', '-12345', '12345.', '0x1234', '1e5', "\xef\xbc\x91" x 6, "\xff\xfe", "'; DROP TABLE whk_otp; --", '%', '1' x 4000, '"123456"', 'null', '000000000000000000000000000001');
    for my $value (@garbage) {
        fresh($user);
        my $r = try_code($user, $value);
        refused($r, 401, 'otp_invalid', 'a code that is ' . (length $value > 40 ? length($value) . ' characters' : JSON::PP->new->ascii->allow_nonref->encode($value)));
        like($r->header('WWW-Authenticate') // '', qr/^Bearer /, '... with a challenge');
        unlike($r->message, qr/\Q$value\E/, '... which is not repeated') if length $value > 3;
    }
    for my $other ('000000', '', undef) {
        my @found = in_one_step($user, 30, sub { my $code = code($user, step => $_[0]); return map { outcome(try_code($user, [ map { $_ // $code } @{$_} ])) } [$other, undef], [undef, $other] });
        is_deeply(\@found, ['401 otp_invalid', '401 otp_invalid'], 'two headers are no code: ' . ($other // 'the same twice'));
    }
    my @found = in_one_step($user, 30, sub { my $code = code($user, step => $_[0]); return map { outcome(try_code($user, $_)) } "0$code", "${code}0", "$code $code", "$code,", substr($code, 1) });
    is_deeply(\@found, [('401 otp_invalid') x 5], 'nor is a good one with more or less');
    @found = in_one_step($user, 30, sub {
        my $code = code($user, step => $_[0]);
        my %h = (Authorization => "Bearer $admin{$user}{token}", %json);
        return map { outcome($_) } $client->request(POST => "$keys?OTP=$code&otp=$code", { %h, 'X-OTP' => $code, Cookie => "OTP=$code" }, body()), $client->request(POST => $keys, { %h, otp => $code }, body());
    });
    is_deeply(\@found, ['401 otp_required', 'passed'], 'it is a header of that name, in any case, and nothing else');
    @found = in_one_step($user, 30, sub {
        my $code = code($user, step => $_[0]);
        my %h = (Authorization => "Bearer $admin{$user}{token}");
        return map { outcome($client->request(DELETE => '/own/enterprises/otp/webhooks/keys/none', { %h, %{$_} })) }
          { OTP => $code }, { 'X-Second-Factor' => '' }, { 'X-Second-Factor' => '000', OTP => $code }, { 'X-Second-Factor' => $code };
    });
    is_deeply(\@found, ['401 otp_required', '401 otp_required', '401 otp_invalid', 'passed'], 'where WebhookKeysOTPHeader names another, it is that one');
    like($client->request(DELETE => '/own/enterprises/otp/webhooks/keys/none', { Authorization => "Bearer $admin{$user}{token}" })->message, qr/\bX-Second-Factor\b/, '... as the message says');
    is($client->request(GET => $keys, { Authorization => "Bearer $admin{$user}{token}", OTP => '000000' })->status, 200, 'reading takes none');
    is(column($user, 'failures'), 0, '... and judges none');
};

# ---- locking

sub refuse { my ($user, $count) = @_; return map { outcome(try_code($user, 'wrong', body => '{}')) } 1 .. $count }
sub lock_left { my $user = shift; return column($user, 'locked_until') / 1000 - time }
sub pass_lock { my $user = shift; return $server->sql("UPDATE whk_otp SET locked_until = 1000 WHERE user_id = '$user'") }

sub is_locked {
    my ($r, $seconds, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    refused($r, 429, 'otp_locked', $name);
    my $after = $r->header('Retry-After') // '';
    ok($after =~ /^\d+$/ && $after > 0 && $after <= $seconds, "... Retry-After is at most $seconds") or diag $after;
    return $after;
}

subtest 'five refused codes lock' => sub {
    my ($user, $other) = (user(7), user(8));
    is_deeply([refuse($user, 4)], [('401 otp_invalid') x 4], 'four');
    is(outcome(try_code($user, code($user))), 'passed', 'a good one');
    is(column($user, 'failures'), 0, '... begins anew');
    is_deeply([refuse($user, 5)], [('401 otp_invalid') x 5], 'five');
    my $left = lock_left($user);
    ok($left > 0 && $left <= 30, 'locked for 30 s') or diag $left;
    my $after = is_locked(try_code($user, 'wrong'), 30, 'a wrong one then');
    my $now = lock_left($user);
    ok($after >= $now && $after <= $now + 30, '... which is what is left of it') or diag "$after $now";
    is_locked(try_code($user, code($user, step => WHK::OTP::step_now() + 1)), 30, 'a good one too');
    is_locked($client->request(DELETE => "$keys/x", { Authorization => "Bearer $admin{$user}{token}", OTP => code($user, step => WHK::OTP::step_now() + 1) }), 30, 'for a revoke');
    refused(try_code($user, undef), 401, 'otp_required', 'none at all');
    is($client->request(GET => $keys, { Authorization => "Bearer $admin{$user}{token}" })->status, 200, 'reading goes on');
    is(outcome(try_code($other, code($other))), 'passed', "and others' codes are good");
    is(column($user, 'failures'), 5, 'what came while it was locked does not count');
};

subtest 'each further one doubles the lock, up to an hour' => sub {
    my $user = user(7);
    my @expected = (60, 120, 240, 480, 960, 1920, 3600, 3600, 3600);
    for my $seconds (@expected) {
        pass_lock($user);
        is_deeply([refuse($user, 1)], ['401 otp_invalid'], 'one more, after the lock has ended');
        my $left = lock_left($user);
        # A slow machine takes its time between the answer and our question.
        ok($left > $seconds - 25 && $left <= $seconds, "... locks for $seconds s") or diag $left;
        is_locked(try_code($user, 'wrong'), $seconds, '... and says so');
    }
    $server->sql("UPDATE whk_otp SET failures = 1000000 WHERE user_id = '$user'");
    pass_lock($user);
    refuse($user, 1);
    my $left = lock_left($user);
    ok($left > 3500 && $left <= 3600, 'and never for longer') or diag $left;
    pass_lock($user);
    my $found = outcome(try_code($user, code($user, step => WHK::OTP::step_now() + 1)));
    is($found, 'passed', 'a good code after the lock has ended');
    is_deeply([refuse($user, 4)], [('401 otp_invalid') x 4], '... begins anew');
    refuse($user, 1);
    $left = lock_left($user);
    ok($left > 0 && $left <= 30, '... with 30 s') or diag $left;
};

subtest 'guessing in parallel gains nothing' => sub {
    my $user = user(9);
    my @found = WHK::Parallel::run(map { sub { outcome(try_code($user, 'guess', body => '{}', client => WHK::Client->new($server->port))) } } 1 .. 16);
    is_deeply(tally(@found), { '401 otp_invalid' => 5, '429 otp_locked' => 11 }, 'five of sixteen are judged');
    my $left = lock_left($user);
    ok($left > 0 && $left <= 30, 'and the lock is the first one') or diag $left;
};

subtest 'unlock' => sub {
    my $user = user(9);
    is_locked(try_code($user, code($user)), 30, 'locked');
    my ($status, $out, $err) = $server->ctl('otp', 'unlock', $user);
    is($status, 0, 'whkctl otp unlock') or diag $err;
    is(column($user, 'failures'), 0, 'begins anew');
    is(outcome(try_code($user, code($user))), 'passed', 'at once');
    isnt(($server->ctl('otp', 'unlock', 'nobody'))[0], 0, 'nobody is not unlocked');
};

# ---- processes come and go, the store stays

subtest 'restarts and other nodes' => sub {
    my ($locked, $used) = (user(10), user(11));
    my $step = WHK::OTP::step_now();
    # The last code of the three is good for longest: until after the restarts, or it was used all the same.
    is(outcome(try_code($used, code($used, step => $step + 1))), 'passed', 'a code is used');
    refuse($locked, 5);
    my $path = $server->dir;
    my $node = WHK::Server->new(init => 0, start => 0);
    $node->{db} = $server->db;
    $node->write_conf(secret => "WebhookKeysSecretKeyFile $path/secret.key", children => 1);
    $node->start;
    my $there = WHK::Client->new($node->port);
    refused(try_code($used, code($used, step => $step + 1), client => $there), 401, 'otp_invalid', 'used on another node');
    is_locked(try_code($locked, code($locked), client => $there), 30, 'locked on another node');
    my $code = code(user(12));
    is(outcome(try_code(user(12), $code, client => $there)), 'passed', 'which knows the others');
    refused(try_code(user(12), $code), 401, 'otp_invalid', '... and is known');
    $node->stop;

    $server->sql("UPDATE whk_otp SET locked_until = locked_until + 100000 WHERE user_id = '$locked'");
    for my $how (qw(graceful restart)) {
        $client->close;
        $server->$how;
        refused(try_code($used, code($used, step => $step + 1)), 401, 'otp_invalid', "used before a $how");
        is_locked(try_code($locked, code($locked)), 130, "locked before a $how");
    }
    fresh($used);
    is(outcome(try_code($used, code($used))), 'passed', 'and all of that is in the store alone');
};

# ---- enrolment

subtest 'who is not enrolled' => sub {
    $server->ctl_ok('admin', 'add', 'otp', 'plain');
    $admin{plain} = { token => $server->ctl_json('token', 'issue', 'plain')->{token} };
    my $from = length $server->error_log;
    refused(try_code('plain', '123456'), 401, 'otp_invalid', 'has no good code');
    like(substr($server->error_log, $from), qr/\bplain\b.*whkctl otp enroll/, '... and the log says what is missing');
    refused(try_code('plain', undef), 401, 'otp_required', 'and is asked for one');
    is($client->request(GET => $keys, { Authorization => "Bearer $admin{plain}{token}" })->status, 200, 'but reads');

    my $user = user(12);
    my $old  = $admin{$user}{secret};
    fresh($user);
    isnt(($server->ctl('otp', 'enroll', $user))[0], 0, 'a second enrolment is refused');
    is(outcome(try_code($user, code($user))), 'passed', '... and changes nothing');
    my $new = $server->ctl_json('otp', 'enroll', $user, '--replace')->{secret};
    isnt($new, $old, 'a replaced secret is another');
    my @found = in_one_step($user, 30, sub { return map { outcome(try_code($user, WHK::OTP::code($_, step => $_[0]))) } $old, $new });
    is_deeply(\@found, ['401 otp_invalid', 'passed'], '... and the old one is good for nothing');
    $admin{$user}{secret} = $new;
    $server->ctl_ok('otp', 'remove', $user);
    refused(try_code($user, WHK::OTP::code($new)), 401, 'otp_invalid', 'nor is one that was removed');
};

# ---- how secrets are kept

# One line of the log since then tells the operator whose secret it is, and none what it is.
sub told_of_secret {
    my ($user, $from) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $log   = substr $server->error_log, $from;
    my @lines = grep { /OTP secret of user \Q$user\E can't be opened/ } split /\n/, $log;
    is(scalar @lines, 1, '... and logged, once') or diag $log;
    my ($secret, $sealed) = ($admin{$user}{secret}, column($user, 'sealed_secret'));
    my $told = grep { length && index($log, $_) >= 0 } $secret, base32_bytes($secret), unpack('H*', base32_bytes($secret)), length $sealed > 8 ? ($sealed, (split /\./, $sealed)[2] // ()) : ();
    is($told, 0, '... without the secret, sealed or open');
}

sub base32_bytes { return WHK::OTP::base32_decode($_[0]) }

subtest 'the database alone gives nothing away' => sub {
    my %stored = $server->stored;
    my $files  = join '', values %stored;
    my $dump   = $server->dump;
    for my $user (grep { $admin{$_}{secret} } sort keys %admin) {
        my $secret = $admin{$user}{secret};
        my $bytes  = base32_bytes($secret);
        my @forms  = ($secret, lc $secret, $bytes, unpack('H*', $bytes), uc unpack('H*', $bytes), encode_base64($bytes, '') =~ s/=+$//r, encode_base64url($bytes));
        is(scalar(grep { index($files, $_) >= 0 || index($dump, $_) >= 0 } @forms), 0, "no secret of $user in it, in any form");
    }
    my $key = do { open my $in, '<', $server->dir . '/secret.key' or die $!; local $/; <$in> };
    chomp $key;
    cmp_ok(length $key, '>=', 43, 'the key file has its key');
    is(index($files . $dump, $key), -1, '... which the database has not');
    is((stat $server->dir . '/secret.key')[2] & 07777, 0600, '... and nobody else may read');
};

subtest 'a changed byte is noticed' => sub {
    my $user   = user(1);
    my $sealed = column($user, 'sealed_secret');
    my $refused = sub {
        my ($name) = @_;
        my $from = length $server->error_log;
        my $r    = try_code($user, code($user));
        refused($r, 500, 'internal_error', $name);
        is(column($user, 'failures'), 0, '... and counts as no refused code');
        told_of_secret($user, $from);
        unlike($r->body, qr/secret|seal|\Q$user\E/i, '... not told');
    };
    my $set = sub { my ($column, $value) = @_; return $server->sql("UPDATE whk_otp SET $column = '$value' WHERE user_id = '$user'") };
    my $length = length $sealed;
    for my $at (0, 1, int($length / 4), int($length / 2), int(3 * $length / 4), $length - 2) {
        my $changed = $sealed;
        my $c = substr $changed, $at, 1;
        substr $changed, $at, 1, $c eq 'A' ? 'B' : 'A';
        $set->('sealed_secret', $changed);
        $refused->("byte $at of $length");
    }
    for my $case (['cut short', substr $sealed, 0, -4], ['longer', "${sealed}AAAA"], ['empty', ''], ['nonsense', 'nonsense'], ["another user's", column(user(3), 'sealed_secret')]) {
        $set->('sealed_secret', $case->[1]);
        $refused->($case->[0]);
    }
    $set->('sealed_secret', $sealed);
    # What a code is computed with is sealed along: a weaker kind cannot be slipped in.
    for my $case ([digits => 8, 6], [period => 60, 30], [algorithm => 'sha256', 'sha1']) {
        my ($column, $other, $right) = @{$case};
        $set->($column, $other);
        $refused->("$column changed");
        $set->($column, $right);
    }
    $server->sql("UPDATE whk_otp SET digits = 1 WHERE user_id = '$user'");
    refused(try_code($user, '1'), 500, 'internal_error', 'an impossible number of digits');
    $server->sql("UPDATE whk_otp SET digits = 6 WHERE user_id = '$user'");
    is(in_one_step($user, 30, sub { return outcome(try_code($user, code($user, step => $_[0]))) }), 'passed', 'as it was, it is good');
};

subtest 'another key file opens nothing' => sub {
    my $user  = user(1);
    my $file  = $server->dir . '/secret.key';
    my $other = WHK::Server->new(start => 0);
    rename $file, "$file.right" or die $!;
    rename $other->dir . '/secret.key', $file or die $!;
    $client->close;
    $server->restart;
    my $from = length $server->error_log;
    my $r = try_code($user, code($user));
    refused($r, 500, 'internal_error', 'a good code');
    like(substr($server->error_log, $from), qr/the row that makes \Q$user\E an admin .* its seal is of a key that the secret key file here does not hold/, '... and the log says why');
    isnt(($server->ctl('check'))[0], 0, 'whkctl check finds it');
    rename "$file.right", $file or die $!;
    $client->close;
    $server->restart;
    is(in_one_step($user, 30, sub { return outcome(try_code($user, code($user, step => $_[0]))) }), 'passed', 'the right one does');
    is(($server->ctl('check'))[0], 0, '... and whkctl check is content');
};

subtest 'the log' => sub {
    $client->close;
    my $log = $server->error_log;
    like($log, qr/webhook_keys:/, 'has our words');
    my @secrets = map { $_->{secret} // () } values %admin;
    is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, 'no secret');
    # Six digits may stand in a time or a number of anything: as a word of their own they are a code.
    my %sent = map { $_ => 1 } @sent;
    my @ours = grep { /webhook_keys:/ } split /\n/, $log;
    my @found = grep { my $line = $_ =~ s/^(?:\[[^\]]*\] )+//r; grep { $sent{$_} } $line =~ /\b(\d{6,8})\b/g } @ours;
    is(scalar @found, 0, 'no code') or diag join "\n", @found;
    is($server->ctl_json('audit', 'verify')->{ok}, JSON::PP::true, 'and the audit trail is whole');
};

done_testing;
