# SPDX-License-Identifier: Apache-2.0
# What `make install` puts there: an example that serves the API over TLS, or to the machine itself, and in no other way.
# And what `make uninstall` takes away.
use strict;
use warnings;
use Test::More;
use File::Basename qw(dirname);
use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Origin;
use WHK::Server;

plan skip_all => 'what is installed names an SQLite registry' if $WHK::Server::db_kind ne 'sqlite';

my $to = tempdir('whk-install-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# install, or what is said instead.
sub install {
    my ($sysconfdir, $what) = @_;
    local @ENV{qw(DESTDIR LIBEXECDIR SBINDIR SYSCONFDIR BUILD)} = ($to, '/lib/httpd', '/sbin', $sysconfdir, $WHK::Server::build);
    return WHK::Server::run_command('sh', '-c', "cd '$WHK::Server::root' && exec sh conf/install.sh " . ($what // 'install'));
}

sub files {
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, substr $_, length $to if !-d } }, $to);
    return join ' ', sort @found;
}

# Below DESTDIR.
sub append {
    my ($path, $text) = @_;
    my $file = "$to$path";
    make_path(dirname($file));
    open my $out, '>>', $file or die "$file: $!";
    print $out $text;
    close $out or die "$file: $!";
}

sub text_of {
    my $file = shift;
    open my $in, '<', $file or die "$file: $!";
    local $/;
    return scalar <$in>;
}

# As it was installed, but for where the registry is.
sub example {
    my ($server, $file) = @_;
    my $text = text_of($file);
    $text =~ s{^DBDParams .*}{DBDParams $server->{db}}m or die "$file has no DBDParams";
    $text =~ s{^WebhookKeysSecretKeyFile .*}{WebhookKeysSecretKeyFile $server->{dir}/secret.key}m or die "$file has no key file";
    $text =~ s{^LoadModule .*\n}{}mg;
    return $text;
}

mkdir "$to/debian" or die $!;
mkdir "$to/debian/mods-available" or die $!;
my ($status, $out, $err) = install("$to/debian");
is($status, 0, 'it is installed where there is mods-available') or diag $out, $err;
ok(-s "$to/$_", "... $_") for qw(lib/httpd/mod_webhook_keys.so sbin/whkctl usr/share/man/man8/whkctl.8 usr/share/man/man5/mod_webhook_keys.5 usr/share/bash-completion/completions/whkctl), map { "$to/debian/mods-available/webhook_keys.$_" } qw(load conf);
($status, $out, $err) = install('/other');
is($status, 0, '... and where there is none') or diag $out, $err;
my $installed = "$to/other/extra/webhook_keys.conf";
my ($example, $debian) = map { s/^LoadModule .*\n//mr } map { text_of($_) } $installed, "$to$to/debian/mods-available/webhook_keys.conf";
cmp_ok(index($example =~ s{/other/}{}gr, $debian =~ s{\Q$to\E/debian/}{}gr), '>=', 0, '... the same example');

my $at     = WHK::Origin::directory();
my $tls    = WHK::Server::free_port();
my $server = WHK::Server->new(start => 0, init => 0);
# Whom the header names is who asks, as it is behind a balancer.
my $around = <<"AROUND";
RemoteIPHeader X-Client
RemoteIPInternalProxy 127.0.0.1
Listen 127.0.0.1:$tls https
<VirtualHost *:$server->{port}>
    ServerName plain
</VirtualHost>
<VirtualHost *:$tls>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile "$at/good.pem"
    SSLCertificateKeyFile "$at/good.key"
</VirtualHost>
AROUND
$server->write_conf(modules => [qw(ssl remoteip)], secret => '', children => 1, conf => example($server, $installed) . $around);
$server->ctl_ok('init');
$server->start;
my $admins = WHK::Admins->new($server, 'acme', 1)->codes_work_again;
my $client = WHK::Client->new($server->port);
my $keys   = $server->keys('acme');
my @far    = ('192.0.2.7', '10.0.0.1', '2001:db8::1', '128.0.0.1', '::2', '::ffff:192.0.2.7');

sub over_tls {
    my ($path, %headers) = @_;
    my ($code, $said, $errors) = WHK::Server::run_command(
        'curl', '-sS', '--noproxy', '*', '--cacert', "$at/ca.pem", (map { ('-H', "$_: $headers{$_}") } keys %headers), '-w', "\n%{http_code}",
        "https://localhost:$tls$path"
    );
    return $said =~ /\n(\d+)\z/ ? $1 : "curl: $errors";
}

subtest 'plain HTTP from elsewhere' => sub {
    for my $from (@far) {
        for my $case ([ GET => $keys ], [ GET => "$keys/one" ], [ DELETE => "$keys/one" ], [ GET => $server->events('acme') ]) {
            my $r = $client->request(@$case, { $admins->write, 'X-Client' => $from });
            refused($r, 403, 'not_enterprise_admin', "$from: @$case");
            like($r->message, qr/https/, '... and hears of https');
            is($r->header('WWW-Authenticate'), undef, '... and is asked for no token');
        }
        my $r = $admins->register($client, { jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'one')) }, 'X-Client' => $from);
        refused($r, 403, 'not_enterprise_admin', "$from: POST");
        refused($client->request(GET => $keys, { 'X-Client' => $from }), 403, 'not_enterprise_admin', "$from: without a token");
    }
    is($server->sql('SELECT count(*) FROM whk_key'), 0, 'nothing was registered');
};

subtest 'plain HTTP on the machine itself' => sub {
    for my $from (undef, '127.0.0.1', '127.9.9.9', '::1') {
        my $name = $from // 'no header';
        is($client->request(GET => $keys, { $admins->read, 'X-Client' => $from })->status, 200, "$name: an admin");
        refused($client->request(GET => $keys, { 'X-Client' => $from }), 401, 'invalid_token', "$name: no token");
        refused($client->request(GET => $server->keys('other'), { $admins->read, 'X-Client' => $from }), 403, 'not_enterprise_admin', "$name: not an admin there");
    }
    is($admins->register($client, { jwks => WHK::Keys::jwks(WHK::Keys::jwk('ed25519', kid => 'one')) })->status, 201, 'a key is registered');
};

subtest 'TLS' => sub {
    for my $from (@far, '127.0.0.1') {
        is(over_tls($keys, $admins->read, 'X-Client' => $from), 200, "$from: an admin");
        is(over_tls($keys, 'X-Client' => $from), 401, "$from: no token");
        is(over_tls($server->keys('other'), $admins->read, 'X-Client' => $from), 403, "$from: not an admin there");
    }
};

sub another_root { $to = tempdir('whk-install-XXXXXX', TMPDIR => 1, CLEANUP => 1) }

sub uninstalls {
    my ($sysconfdir, @examples) = @_;
    my @program = qw(/lib/httpd/mod_webhook_keys.so /sbin/whkctl /usr/share/man/man8/whkctl.8 /usr/share/man/man5/mod_webhook_keys.5 /usr/share/bash-completion/completions/whkctl);
    for my $time ('once', 'twice') {
        my ($status, $out, $err) = install($sysconfdir);
        is($status, 0, "it is installed $time") or diag $out, $err;
    }
    is(files(), join(' ', sort @program, @examples), '... the same files');
    my $key = "$sysconfdir/webhook-keys.key";
    append($key, "the key\n");
    for my $time ('once', 'twice') {
        my ($status, $out, $err) = install($sysconfdir, 'uninstall');
        is($status, 0, "... and uninstalled $time") or diag $out, $err;
        is(files(), $key, '... whole, but for the secret key');
        like($out, qr{^Left.*/var/lib/webhook-keys/registry\.db.*\Q$key\E}m, '... which it names, and the registry');
    }
    install($sysconfdir);
    my $edited = $examples[-1];
    append($edited, "# Edited.\n");
    like((install($sysconfdir))[1], qr/^Kept \Q$to$edited\E/m, 'an edited example is kept');
    my ($status, $out) = install($sysconfdir, 'uninstall');
    is(files(), join(' ', sort $edited, $key), '... by uninstall too, without the example beside it');
    like($out, qr/^Left: \Q$to$edited\E, /m, '... and named');
}

subtest 'uninstall where there is no mods-available' => sub {
    another_root();
    uninstalls('/other', '/other/extra/webhook_keys.conf');
    for ([ '#Include', 0 ], [ 'Include', 1 ]) {
        my ($line, $expected) = @{$_};
        another_root();
        install('/other');
        append('/other/httpd.conf', "  $line /other/extra/webhook_keys.conf\n");
        my $before = files();
        my ($status, $out, $err) = install('/other', 'uninstall');
        is($status, $expected, "$line: its exit status");
        next if !$expected;
        like($err, qr/take the Include/, '... says what to do first');
        is(files(), $before, '... and all is as it was');
    }
};

subtest 'uninstall where there is mods-available' => sub {
    my $sysconfdir = another_root() . '/debian';
    mkdir $_ or die "$_: $!" for $sysconfdir, "$sysconfdir/mods-available";
    # DESTDIR is put before it, and what is there shows how httpd is laid out.
    another_root();
    uninstalls($sysconfdir, map { "$sysconfdir/mods-available/webhook_keys.$_" } qw(load conf));
    append("$sysconfdir/mods-enabled/webhook_keys.load", '');
    my ($status, $out, $err) = install($sysconfdir, 'uninstall');
    is($status, 1, 'what is enabled is not uninstalled');
    like($err, qr/a2dismod webhook_keys/, '... and is to be disabled first');
};

done_testing;
