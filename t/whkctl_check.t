# SPDX-License-Identifier: Apache-2.0
# What whkctl check finds, by id (docs/checks.md): each in an installation that has it, and in none that has not. Seals and
# objects of the schema are told apart in t/seals.t and t/seals_schema.t, WebhookKeysEnforce Off in t/webhook_enforce.t.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep);
use WHK::Admins;
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;
use WHK::Webhooks;

my $server = WHK::Server->new;
my $client = WHK::Client->new($server->port);
my $admins = WHK::Admins->new($server, 'acme');
my $json   = JSON::PP->new->utf8;
my $conf   = $server->conf;

my (@findings, $exit);

sub look {
    my @options = @_ ? @_ : ('-f', $conf);
    ($exit, my $out, my $err) = WHK::Server::whkctl(@options, qw(check --json));
    die $err if !length $out;
    my $found = $json->decode($out);
    @findings = grep { $_->{result} ne 'ok' } @{ $found->{findings} };
    is($found->{ok} ? 0 : 1, $exit, 'ok is the exit status');
    is(scalar(grep { !$_->{fix} } @findings), 0, '... and each finding says what to type') or diag explain \@findings;
    is_deeply([ map { $_->{result} } @{ $found->{checks} } ], [ map { $_->{result} } @{ $found->{findings} } ], '... and checks has what findings has');
    return;
}

sub of { my $id = shift; return grep { $_->{id} eq $id } @findings }

# What stands there is found while it stands there.
sub finds {
    my ($id, $result, $fix, $break, $mend) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $break->();
    look();
    my ($found) = of($id);
    is($found->{result}, $result, $id) or diag explain \@findings;
    like($found->{fix}, $fix, "$id: what to type");
    is($exit, 1, "$id: exit status") if $result eq 'problem';
    $mend->();
    look();
    is(scalar(of($id)), 0, "$id: mended");
    return;
}

# The configuration with other lines.
sub configured {
    my ($name, $change) = @_;
    open my $in, '<', $server->conf or die $!;
    my $text = do { local $/; <$in> };
    $change->() for $text;
    $conf = $server->dir . "/$name.conf";
    open my $out, '>', $conf or die $!;
    print $out $text;
    close $out or die $!;
    return;
}

sub restored { $conf = $server->conf; return }

my $key = WHK::Keys::jwk('ed25519', kid => 'one');
is($admins->register($client, { jwks => WHK::Keys::jwks($key) })->status, 201, 'a key');
look();
is($exit, 0, 'a sound installation') or diag explain \@findings;
is(join(' ', map { $_->{id} } grep { $_->{id} !~ /^(?:module\.|tls\.off)/ } @findings), '', '... has nothing else');

subtest 'the configuration' => sub {
    my $modules = $WHK::Server::modules;
    my $load    = sub { my $name = shift; return sub { $_ .= "\nLoadModule ${name}_module $modules/mod_$name.so\n" if !/^LoadModule ${name}_module/m } };
    for my $name (qw(reqtimeout ssl)) {
        my $without = sub { s/^LoadModule ${name}_module.*\n//mg };
        configured('without', $without);
        look();
        my ($found) = grep { $_->{message} =~ /mod_$name/ } of('module.missing');
        is($found->{result}, 'notice', "without mod_$name");
        like($found->{fix}, qr/LoadModule ${name}_module .*a2enmod $name\b/, '... what to type');
        configured('with', $load->($name));
        look();
        is(scalar(grep { $_->{message} =~ /mod_$name/ } of('module.missing')), 0, '... and with it');
    }
    restored();
    finds('mpm.prefork', 'notice', qr/a2enmod mpm_event/, sub { configured('prefork', sub { s/mpm_(?:event|worker)_module (\S+)mod_mpm_\w+\.so/mpm_prefork_module $1mod_mpm_prefork.so/; s/^\s*(?:ThreadsPerChild|ThreadLimit|MinSpareThreads|MaxSpareThreads|AsyncRequestWorkerFactor)\b.*\n//mg }) }, \&restored);
    finds('enforce.off', 'notice', qr/set it On/, sub { configured('off', sub { $_ .= "\n<Location /off>\nWebhookKeysEnforce Off\n</Location>\n" }) }, \&restored);
    finds('secret_key.directive', 'problem', qr/add WebhookKeysSecretKeyFile .*init/, sub { configured('keyless', sub { s/^WebhookKeysSecretKeyFile .*\n//mg }) }, \&restored);
};

subtest 'how servers are reached and guarded' => sub {
    my $more = sub { my $lines = shift; return sub { configured('more', sub { $_ .= "\n$lines\n" }) } };
    look();
    is((of('tls.off'))[0]{result}, 'notice', 'tls.off: on loopback');
    finds('tls.off', 'notice', qr/SSLEngine on/, \&restored, sub { configured('tls', sub { s/(Require webhook-keys-admin)/<RequireAll>\n$1\nRequire expr "%{HTTPS} == 'on'"\n<\/RequireAll>/ }) });
    # Each but the last lets an admin in without TLS.
    my $has = sub {
        my ($id, $is, $name, $change) = @_;
        configured('changed', $change);
        look();
        is(scalar(of($id)) ? 1 : 0, $is, "$id: $name") or diag explain \@findings;
        restored();
    };
    my $admin = sub { my $lines = shift; return sub { s/(Require webhook-keys-admin)/my $is = $1; $lines =~ s{ADMIN}{$is}r/e } };
    $has->('tls.off', 1, 'any is enough',      $admin->(qq(ADMIN\nRequire expr "%{HTTPS} == 'on'")));
    $has->('tls.off', 1, 'the contrary',       $admin->(qq(<RequireAll>\nADMIN\nRequire expr "%{HTTPS} == 'off'"\n</RequireAll>)));
    $has->('tls.off', 1, 'another location',   sub { $_ .= qq(\n<Location /x>\n<RequireAll>\nRequire expr "%{HTTPS} == 'on'"\n</RequireAll>\n</Location>\n) });
    $has->('tls.off', 0, 'all that is served', sub { s/(Require webhook-keys-admin)/<RequireAll>\n$1\nRequire expr "%{HTTPS} == 'on'"\n<\/RequireAll>/g });
    configured('public', sub { s/^Listen 127\.0\.0\.1:(\d+)/Listen $1/m });
    look();
    is((of('tls.off'))[0]{result}, 'problem', 'tls.off: where everybody reaches it');
    finds('require.missing', 'problem', qr/Require webhook-keys-admin/, sub { configured('nobody', sub { s/Require webhook-keys-admin/Require all granted/ }) }, \&restored);
    finds('require.missing', 'problem', qr/AuthType Bearer/, sub { configured('nobody', sub { s/^\s*AuthType Bearer\n//m }) }, \&restored);
    finds('metrics.open', 'notice', qr/Require ip/, $more->("<Location /metrics>\nSetHandler webhook-keys-metrics\nRequire all granted\n</Location>"), $more->("<Location /metrics>\nSetHandler webhook-keys-metrics\nRequire ip 127.0.0.1\n</Location>\n<IfModule !mod_authz_host.c>\nLoadModule authz_host_module $WHK::Server::modules/mod_authz_host.so\n</IfModule>" =~ s/(.*)\n(<IfModule.*)/$2\n$1/sr));
    restored();
    my $metrics = sub { my $lines = shift; return sub { $_ .= "\n<Location /metrics>\nSetHandler webhook-keys-metrics\n$lines\n</Location>\n" } };
    $has->('metrics.open', 1, 'one of several that opens', $metrics->("Require all granted\nRequire valid-user"));
    $has->('metrics.open', 1, 'other methods alone',       $metrics->("<Limit POST>\nRequire valid-user\n</Limit>"));
    $has->('metrics.open', 1, 'all methods but GET',       $metrics->("<LimitExcept GET HEAD>\nRequire valid-user\n</LimitExcept>"));
    $has->('metrics.open', 1, 'under a condition',         $metrics->("<If \"true\">\nRequire valid-user\n</If>"));
    $has->('metrics.open', 0, 'GET',                       $metrics->("<Limit GET>\nRequire valid-user\n</Limit>"));
    $has->('metrics.open', 0, 'all that guard',            $metrics->("<RequireAll>\nRequire all granted\nRequire valid-user\n</RequireAll>"));
    finds('dbd.max', 'notice', qr/DBDMax 8/, sub { configured('few', sub { s/^DBDMax .*/DBDMax 4/m; s/^DBDKeep .*/DBDKeep 4/m }) }, \&restored);
    finds('dbd.persist', 'notice', qr/DBDPersist On/, $more->('DBDPersist Off'), \&restored);
    finds('log.level', 'notice', qr/LogLevel warn/, $more->('LogLevel error'), \&restored);
    my $level = sub { my $lines = shift; return sub { s/^LogLevel .*/$lines/m } };
    $has->('log.level', 1, 'the module alone', $level->('LogLevel warn webhook_keys:crit'));
    $has->('log.level', 0, 'all but the module', $level->('LogLevel error webhook_keys:warn dbd:crit'));
    $has->('log.level', 0, 'a location alone', sub { $_ .= "\n<Location /x>\nLogLevel crit\n</Location>\n" });
    my $hooks = "<Location /hooks>\nAuthType WebhookSignature\nAuthName w\nWebhookKeysEnterprise acme\nWebhookKeysSignature jws-detached Webhook-Signature\nRequire valid-webhook\n</Location>\n";
    finds('replay_cache.off', 'notice', qr/WebhookKeysReplayCache shmcb/, $more->($hooks), $more->("LoadModule socache_shmcb_module $WHK::Server::modules/mod_socache_shmcb.so\nWebhookKeysReplayCache shmcb\n$hooks"));
    restored();
    if (!$server->is_sqlite) { note 'tls.database is of another machine' }
    my $read = sub { my $params = shift; return sub { configured('db', sub { s/^DBDDriver.*//m; s/^DBDriver .*/DBDriver pgsql/m; s/^DBDParams .*/DBDParams "$params"/m }) } };
    $read->('host=db.example dbname=x user=y')->();
    look();
    like((of('tls.database'))[0]{fix}, qr/sslmode=verify-full/, 'tls.database');
    $read->('host=db.example dbname=x user=y sslmode=verify-full')->();
    look();
    is(scalar(of('tls.database')), 0, '... with TLS');
    restored();
    for ([ 1, "host='db.example' dbname=x" ], [ 1, 'hostaddr=192.0.2.1 dbname=x' ], [ 1, 'host = db.example dbname=x' ], [ 1, 'postgresql://db.example/x' ], [ 1, 'service=x' ],
        [ 1, 'host=localhost.example.org' ], [ 1, 'host=127.example.com' ], [ 1, 'host=/run,db2' ], [ 0, 'host=/run/postgresql dbname=x' ], [ 0, 'host=127.0.0.2,::1,localhost' ], [ 0, 'dbname=x' ]) {
        $read->($_->[1])->();
        look();
        is(scalar(of('tls.database')), $_->[0], "tls.database: $_->[1]");
    }
    restored();
};

subtest 'files' => sub {
    my $key_file = $server->dir . '/secret.key';
    finds('secret_key.file', 'problem', qr/chmod 600 \Q$key_file\E/, sub { chmod 0644, $key_file }, sub { chmod 0600, $key_file });
    if ($server->is_sqlite) {
        my $db = $server->db;
        finds('registry.mode', 'problem', qr/^run chmod 640 \Q$db\E$/, sub { chmod 0666, $db }, sub { chmod 0640, $db });
        finds('registry.folder', 'problem', qr/^run chmod o-w /, sub { chmod 0777, $server->dir }, sub { chmod 0755, $server->dir });
        finds('registry.missing', 'problem', qr/-f \S+ init\b/, sub { configured('nowhere', sub { s/^DBDParams .*/DBDParams "@{[$server->dir]}\/nowhere.db"/m }) }, \&restored);
        my $empty = $server->dir . '/empty.db';
        open my $out, '>', $empty or die $!;
        close $out;
        chmod 0640, $empty;
        finds('schema.missing', 'problem', qr/-f \S+ init$/, sub { configured('empty', sub { s/^DBDParams .*/DBDParams "$empty"/m }) }, \&restored);
    }
};

subtest 'the registry' => sub {
    finds('schema.version', 'problem', qr/install here the version/, sub { $server->sql('INSERT INTO whk_schema VALUES (99, 0)') }, sub { $server->sql('DELETE FROM whk_schema WHERE version = 99') });
    $server->ctl(qw(enterprise add), "it's new");
    look();
    my ($none) = of('admins.none');
    is($none->{message}, "enterprise it's new has no admin", 'admins.none');
    like($none->{fix}, qr/admin add 'it'\\''s new' USER$/, '... quoted for a shell');
    $server->ctl(qw(admin add), "it's new", 'codeless@example.com');
    look();
    is(scalar(of('admins.none')), 0, 'admins.none: mended');
    is((of('admins.otp'))[0]{result}, 'notice', 'admins.otp');
    like((of('admins.otp'))[0]{fix}, qr/otp enroll codeless\@example\.com$/, '... what to type');
    $server->ctl(qw(otp enroll codeless@example.com));
    look();
    is(scalar(of('admins.otp')), 0, 'admins.otp: mended');
};

subtest 'keys' => sub {
    my $at = sub { my @t = gmtime(time + 86400 * shift); return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ] };
    my $plan = sub { my @when = @_; is(($server->ctl(qw(key revoke acme one), @when))[0], 0, "key revoke @when"); return };
    finds('keys.near_revocation', 'notice', qr/key revoke --cancel acme one$/, sub { $plan->('--at', $at->(6)) }, sub { $plan->('--cancel') });
    $plan->('--at', $at->(8));
    look();
    is(scalar(of('keys.near_revocation')), 0, '... and not what is further away than 7 days');
    $plan->('--cancel');
    is(scalar(of('keys.last_active')), 1, 'keys.last_active: the only one is planned away');
    look();
    is(scalar(of('keys.last_active')), 0, '... and is not');
    my $user = $admins->{list}[0]{user};
    finds('otp.locked', 'notice', qr/otp unlock \Q$user\E$/, sub { $server->sql('UPDATE whk_otp SET locked_until = ' . (time + 600) . '000') }, sub { $server->sql('UPDATE whk_otp SET locked_until = 0') });
    # Whoever writes to the database breaks a seal, which is told too.
    finds('keys.set_failing', 'notice', qr/curl -v https:\/\/origin\.example\/jwks\.json /,
        sub { $server->sql("UPDATE whk_key SET jwks_uri = 'https://origin.example/jwks.json', remote_flaw = 'unreachable' WHERE key_id = 'one'") },
        sub { is((of('rows.seal'))[0]{result}, 'problem', 'rows.seal'); $server->sql("UPDATE whk_key SET jwks_uri = NULL, remote_flaw = NULL WHERE key_id = 'one'") });
    finds('keys.unused', 'notice', qr/key revoke acme one$/, sub { $server->sql("UPDATE whk_key SET created_at = created_at - 7862400000 WHERE key_id = 'one'") }, sub { $server->sql("UPDATE whk_key SET created_at = created_at + 7862400000 WHERE key_id = 'one'") });
    is(scalar(of('rows.seal')), 0, 'rows.seal: mended');
};

subtest 'the clock of the database' => sub {
    plan skip_all => 'SQLite has the clock of this machine' if $server->is_sqlite;
    my $clock = WHK::Origin::directory() . '/clock';
    my $set   = sub { open my $out, '>', $clock or die $!; print $out shift, "\n"; close $out or die $!; return };
    local $ENV{LD_PRELOAD} = join ':', $ENV{LD_PRELOAD} // (), WHK::Origin::preload('stepped_clock.c');
    local $ENV{WHK_TEST_CLOCK} = $clock;
    $set->(0);
    for (['problem', -100, qr/ahead of/], ['problem', 100, qr/behind/], ['notice', 10, qr/behind/]) {
        my ($result, $seconds, $like) = @$_;
        finds('clock.database', $result, qr/timedatectl set-ntp true/, sub { $set->($seconds) }, sub { like((of('clock.database'))[0]{message}, $like, "by $seconds s"); $set->(0) });
    }
};
subtest 'the clock of the origin of a key set' => sub {
    my $key    = WHK::Keys::jwk('ed25519', kid => 'far');
    my $path   = WHK::Origin::serve('far.json', $json->encode({ keys => [$key] }));
    my $origin = WHK::Origin->new(cert => undef, options => ['--ahead', 3600]);
    my $w      = WHK::Webhooks->new(before => "WebhookKeysJwksUriAllow 127.0.0.1\nWebhookKeysJwksUriRefresh 1");
    is($w->admins->register($w->client, { jwksUri => $origin->http_uri('127.0.0.1', $path), keyId => 'far' })->status, 201, 'a key of a set');
    for (1 .. 50) {
        sleep 0.2;
        $conf = $w->server->conf;
        look();
        last if of('clock.key_set');
    }
    my ($found) = of('clock.key_set');
    is($found->{result}, 'notice', 'clock.key_set');
    like($found->{message}, qr{\Q$path\E was (?:3600|3599) s ahead of}, '... by how much');
    like($found->{fix}, qr/timedatectl/, '... what to type');
    restored();
};
done_testing;
