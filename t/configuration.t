# SPDX-License-Identifier: Apache-2.0
# The directives (docs/directives.md): what is refused, where they may stand, how they merge; key file and registry;
# virtual hosts, restarts and MPMs.
use strict;
use warnings;
use Test::More;
use JSON::PP;
use Time::HiRes qw(sleep);
use WHK::Admins;
use WHK::Answers qw(refused);
use WHK::Client;
use WHK::Keys;
use WHK::Server;

my $bearer = "SetHandler webhook-keys\nAuthType Bearer\nAuthName keys\nRequire webhook-keys-admin";
my $tested = WHK::Server->new(start => 0);
my $dir    = $tested->dir;
my %json   = ('Content-Type' => 'application/json');

sub test_with { my (%o) = @_; $tested->write_conf(%o); return $tested->configtest }
sub body { my ($key_id, $kind) = @_; return encode_json({ keyId => $key_id, jwks => WHK::Keys::jwks(WHK::Keys::jwk($kind // 'ed25519')) }) }
sub path { my ($prefix) = @_; return "$prefix/enterprises/e/webhooks/keys" }

# Whether httpd came to an end as it should. Not while a connection is being closed: there mpm_event itself has a race
# (its main thread shuts the sockets that a worker is about to free).
sub ends_cleanly {
    my ($server, $name) = @_;
    sleep 0.2;
    $server->stop;
    unlike($server->error_log, qr/exit signal|Segmentation|AH0005[0-2]|AH00045|AH00047|\[(?:crit|alert|emerg)\]|:(?:crit|alert|emerg)\]/, "$name: httpd ends cleanly");
    return;
}

subtest 'values that are refused' => sub {
    my @cases = (
        [WebhookKeysMaxBody => 'must be one whole number from 1024 to 1048576', '1023', '1048577', '-1', '+2048', '64K', '0x800', '1e4', '2048.5', 'many', '', '2048 4096', '99999999999999999999', ' 2048'],
        [WebhookKeysMaxActive => 'must be one whole number from 1 to 10000', '0', '10001', '-5', 'all', '1 2', '99999999999999999999'],
        [WebhookKeysMaxFetches => 'must be one whole number from 2 to 10000', '0', '1', '10001', 'x'],
        [WebhookKeysJwksMaxAge => 'must be one whole number from 0 to 86400', '-1', '86401', '5m', '1.5', 'never', '', '1 2'],
        [WebhookKeysAlgorithms => 'must be one or more of .*EdDSA.*ES256.*PS512.*, each once', 'none', 'HS256', 'es256', 'ES256,ES384', 'ES256 ES256', 'ES256 nope', '+RS256', ''],
        [WebhookKeysOTPHeader => 'must be the name of one header field, and not Authorization', '', 'X Y', 'X:', 'authorization', 'a,b', 'A/B', 'OTP X-OTP'],
        [WebhookKeysOTPProvider => 'must be the name of one OTP provider', 'hotp', 'TOTP', '', 'totp totp'],
        [WebhookKeysSecretKeyFile => 'must be the path of one file', '', 'a b'],
        [WebhookKeysCAFile => 'must be the path of one file', '', 'a b'],
        [WebhookKeysJwksUriPin => 'must be On or Off', 'yes', '1', '', 'On Off'],
        [WebhookKeysJwksUriTimeout => 'must be one time from 100ms to 60s', '0', '99ms', '61', '61s', '-1', '5x', '', '1 2', 'soon'],
        [WebhookKeysJwksUriAllow => 'must ', '10.0.0.0/33', '300.1.1.1', 'fd12::/129', '', 'a_b!', 'https://x.test/', '10.0.0.1 10.0.0.0/40'],
        [WebhookKeysRequireTime => 'must be On or Off', 'yes', '1', '', 'On Off'],
        [WebhookKeysSignatureTag => 'must be one text that is not empty', '', 'a b'],
        [WebhookKeysIssuer => 'must be one text that is not empty', '', 'a b'],
        [WebhookKeysAudience => 'must be one or more texts that are not empty', ''],
        [WebhookKeysProxy => 'must ', 'proxy', 'ftp://proxy:1', 'http://user@proxy:3128', '', 'http://a:1 http://b:2', 'http://proxy:99999'],
    );
    for my $case (@cases) {
        my ($name, $right, @values) = @$case;
        for my $value (@values) {
            my $sent = $value =~ / \S/ && $value !~ /^ |^X Y$/ ? $value : qq{"$value"};
            my ($status, $out) = test_with(before => "$name $sent", $name eq 'WebhookKeysSecretKeyFile' ? (secret => '') : ());
            isnt($status, 0, "$name $sent is refused");
            like($out, qr/\Q$name is "$value", but \E.*$right|\Q$name is "$value", but "\E.*must /, '... with name, value, and what would be right');
        }
        my ($status, $out) = test_with(before => $name);
        isnt($status, 0, "$name alone is refused");
        like($out, qr/$name is "", but .*must/, '... and says what would be right');
    }
};

subtest 'values that are taken' => sub {
    my @lines = (
        'WebhookKeysMaxBody 1024', 'WebhookKeysMaxBody 1048576', 'WebhookKeysMaxActive 1', 'WebhookKeysMaxActive 10000', 'WebhookKeysMaxFetches 2',
        'WebhookKeysJwksMaxAge 0', 'WebhookKeysJwksMaxAge 86400',
        'WebhookKeysAlgorithms ES256', 'WebhookKeysAlgorithms EdDSA Ed448 ES256 ES384 ES512 ES256K RS256 RS384 RS512 PS256 PS384 PS512',
        'WebhookKeysRequireTime Off', 'WebhookKeysSignatureTag tag', 'WebhookKeysIssuer https://acme.example', 'WebhookKeysAudience https://hooks.example "two words"',
        'WebhookKeysOTPHeader X-One-Time-Password', 'WebhookKeysOTPProvider totp', 'WebhookKeysJwksUriPin On', 'WebhookKeysJwksUriPin off',
        'WebhookKeysJwksUriTimeout 100ms', 'WebhookKeysJwksUriTimeout 60', 'WebhookKeysJwksUriTimeout 1500ms', 'WebhookKeysJwksUriAllow 10.0.0.0/8 fd12::/16 keys.internal',
        'WebhookKeysProxy http://proxy:3128', 'WebhookKeysSecretKeyFile secret.key', 'webhookkeysmaxbody 2048',
        "Mutex file:$dir webhook-keys-store", 'Mutex default',
    );
    for my $line (@lines) {
        my ($status, $out) = test_with(before => $line);
        is($status, 0, $line) or diag $out;
    }
    my ($status, $out) = test_with(before => join "\n", @lines);
    is($status, 0, 'all of them, the last one of each wins') or diag $out;
};

subtest 'places where they may not stand' => sub {
    for my $line ("WebhookKeysSecretKeyFile $dir/secret.key", 'WebhookKeysJwksUriAllow 10.0.0.1', 'WebhookKeysJwksUriTimeout 5', "WebhookKeysCAFile $dir/httpd.conf",
        'WebhookKeysProxy http://proxy:3128', 'WebhookKeysMaxFetches 5')
    {
        my ($name) = split ' ', $line;
        my ($status, $out) = test_with(location => $line);
        isnt($status, 0, "$name in a location");
        like($out, qr/\Q$name\E (?:not allowed|cannot occur)/, '... says so');
    }
    my ($status, $out) = test_with(before => "<VirtualHost *:*>\nWebhookKeysMaxFetches 5\n</VirtualHost>");
    isnt($status, 0, 'WebhookKeysMaxFetches in a virtual host');
    like($out, qr/WebhookKeysMaxFetches (?:not allowed|cannot occur)/, '... says so');
    for my $line ('WebhookKeysMaxBody 2048', 'WebhookKeysMaxActive 5', 'WebhookKeysAlgorithms ES256', 'WebhookKeysOTPHeader X', 'WebhookKeysOTPProvider totp', 'WebhookKeysJwksUriPin Off', 'WebhookKeysJwksMaxAge 60', 'WebhookKeysRequireTime Off', 'WebhookKeysSignatureTag x', 'WebhookKeysIssuer x', 'WebhookKeysAudience x y') {
        ($status, $out) = test_with(location => $line);
        is($status, 0, "$line in a location") or diag $out;
    }
};

subtest 'the secret key file' => sub {
    my $file = "$dir/other.key";
    my $with = sub { return test_with(secret => "WebhookKeysSecretKeyFile $file") };
    my $write = sub { my ($mode, $text) = @_; unlink $file; open my $out, '>', $file or die $!; print $out $text; close $out; chmod $mode, $file or die $! };
    my $good = 'A' x 42 . 'E';
    my @cases = (
        ['missing', undef], ['group-readable', 0640, $good], ['readable by all', 0604, $good], ['writable by the group', 0620, $good], ['empty', 0600, ''], ['too short', 0600, 'A' x 42],
        ['too long', 0600, 'A' x 46], ['of other bytes', 0600, '!' x 43], ['raw bytes', 0600, "\x01" x 32], ['two lines', 0600, "$good\n$good\n"], ['not canonical', 0600, 'A' x 42 . 'B'],
    );
    for my $case (@cases) {
        my ($name, $mode, $text) = @$case;
        unlink $file;
        $write->($mode, $text) if defined $mode;
        my ($status, $out) = $with->();
        isnt($status, 0, "$name: refused");
        like($out, qr/WebhookKeysSecretKeyFile.*\Q$file/, '... naming directive and file');
        unlike($out, qr/\Q$good/, '... and not the key');
    }
    unlink $file;
    mkdir $file or die $!;
    my ($status, $out) = $with->();
    isnt($status, 0, 'a folder: refused');
    like($out, qr/WebhookKeysSecretKeyFile.*\Q$file/, '... naming directive and file');
    rmdir $file;
    for my $mode (0600, 0400) {
        $write->($mode, "$good\n");
        ($status, $out) = $with->();
        is($status, 0, sprintf 'a good one of mode %o', $mode) or diag $out;
    }
    ($status, $out) = test_with(before => "<VirtualHost *:*>\nWebhookKeysSecretKeyFile no.key\n</VirtualHost>");
    isnt($status, 0, "a virtual host's is looked at, too");
    like($out, qr/WebhookKeysSecretKeyFile.*\Q$dir\E\/no\.key/, '... relative to ServerRoot');
    $write->(0600, "$good\n");
    my $api  = qq{<Location "/api">\nSetHandler "webhook-keys"\nAuthType Bearer\nAuthName x\nRequire webhook-keys-admin\n</Location>\n};
    my $hook = qq{<Location "/hook">\nAuthType WebhookSignature\nAuthName x\nWebhookKeysEnterprise e\nWebhookKeysSignature jwt Webhook-JWT\nRequire valid-webhook\n</Location>\n};
    my $line = "WebhookKeysSecretKeyFile $file\n";
    my $host = sub { return "<VirtualHost *:*>\n" . join('', @_) . "</VirtualHost>\n" };
    for my $case (
        [1, 'the API', $api], [1, 'webhooks', $hook], [1, 'a virtual host with the API', $host->($api)], [1, 'a virtual host with webhooks', $host->($hook)],
        [1, 'one of two virtual hosts', $host->($api, $line) . $host->($hook)], [0, 'neither', ''], [0, 'the API, with the key', "$line$api"],
        [0, 'a virtual host, with that of the main server', $line . $host->($api, $hook)], [0, 'a virtual host, with one of its own', $host->($hook, $line)],
    ) {
        my ($refused, $name, $conf) = @$case;
        ($status, $out) = test_with(secret => '', conf => $conf);
        is($status ? 1 : 0, $refused, "$name: " . ($refused ? 'refused without a key' : 'taken')) or diag $out;
        like($out, qr/needs the secret key by which the rows of the registry are sealed: add WebhookKeysSecretKeyFile/, '... and says what to add') if $refused;
    }
    ($status, $out) = test_with(before => 'WebhookKeysCAFile no.pem');
    isnt($status, 0, 'WebhookKeysCAFile: missing');
    like($out, qr/WebhookKeysCAFile is ".*no\.pem", but must be a file of PEM certificates/, '... says what would be right');
};

subtest 'the registry' => sub {
    my $tested = WHK::Server->new(start => 0, sqlite => 1);
    my $edit = sub {
        my ($change) = @_;
        $tested->write_conf;
        open my $in, '<', $tested->conf or die $!;
        local $_ = do { local $/; <$in> };
        $change->();
        open my $out, '>', $tested->conf or die $!;
        print $out $_;
        close $out;
        return $tested->configtest;
    };
    my ($status, $out) = $edit->(sub { s/^LoadModule dbd_module.*\n//m; s/^DBD.*\n//mg });
    isnt($status, 0, 'mod_dbd is not loaded');
    like($out, qr/needs mod_dbd: add LoadModule dbd_module/, '... says what to do');
    ($status, $out) = $edit->(sub { s/^DBDriver.*\n//m });
    isnt($status, 0, 'DBDriver is missing');
    like($out, qr/DBDriver is missing: set DBDriver sqlite3/, '... says what to do');
    ($status, $out) = $edit->(sub { s/^DBDParams.*\n//m });
    isnt($status, 0, 'DBDParams is missing');
    like($out, qr/DBDParams is missing: set .*DBDParams \/path/, '... says what to do');
    ($status, $out) = $edit->(sub { s/^DBDriver .*/DBDriver nosuchdriver/m });
    isnt($status, 0, 'a driver that is none');
    like($out, qr/nosuchdriver/, '... names it');
    SKIP: {
        my ($other) = map { /apr_dbd_(\w+?)(?:-1)?\.so$/ && $1 !~ /^(?:sqlite3|pgsql|mysql)$/ ? $1 : () } glob '/usr/lib/*/apr-util-1/apr_dbd_*.so';
        skip 'there is no other driver here', 2 if !$other;
        ($status, $out) = $edit->(sub { s/^DBDriver .*/DBDriver $other/m });
        isnt($status, 0, "the driver $other");
        like($out, qr/DBDriver is "$other", but must be sqlite3, pgsql or mysql/, '... says what would be right');
    }
    ($status, $out) = $edit->(sub { s/^DBDParams .*/DBDParams $dir\/none.db/m });
    is($status, 0, 'a file that is not there yet');
    like($out, qr/DBDParams is ".*none\.db", but there is no such file: make it with whkctl/, '... is warned of');
    ($status, $out) = $edit->(sub { s/SetHandler webhook-keys//; s/^DBD.*\n//mg; s/^WebhookKeysSecret.*\n//m; s/Require webhook-keys-admin// });
    is($status, 0, 'a server that serves no registry needs none') or diag $out;
};

subtest 'merged from server to virtual host to location' => sub {
    my $conf = <<"CONF";
<Location "/plain">
    $bearer
</Location>
<Location "/own">
    $bearer
    WebhookKeysMaxBody 3072
    WebhookKeysOTPHeader X-Own
    WebhookKeysMaxActive 4
</Location>
<Location "/own/deeper">
    WebhookKeysMaxBody 5120
</Location>
<VirtualHost *:*>
    ServerName main
</VirtualHost>
<VirtualHost *:*>
    ServerName other
    WebhookKeysMaxBody 4096
    WebhookKeysOTPHeader X-Other
    WebhookKeysAlgorithms EdDSA
    <Location "/inner">
        $bearer
        WebhookKeysMaxActive 3
        <If "-n req('X-Small')">
            WebhookKeysMaxBody 1024
        </If>
    </Location>
</VirtualHost>
CONF
    my $server = WHK::Server->new(conf => $conf, before => "WebhookKeysMaxBody 2048\nWebhookKeysMaxActive 2\nWebhookKeysAlgorithms ES256", children => 1);
    my $admins = WHK::Admins->new($server, 'e', 14);
    my $client = WHK::Client->new($server->port);
    my $post = sub {
        my ($host, $prefix, $header, $text, %more) = @_;
        my %h = $admins->write;
        return $client->request(POST => path($prefix), { Host => $host, Authorization => $h{Authorization}, $header => $h{OTP}, %json, %more }, $text);
    };
    for my $case (
        ['main', '/plain', 'OTP', 2048], ['main', '/own', 'X-Own', 3072], ['main', '/own/deeper', 'X-Own', 5120], ['other', '/plain', 'X-Other', 4096],
        ['other', '/own', 'X-Own', 3072], ['other', '/inner', 'X-Other', 4096], ['other', '/inner', 'X-Other', 1024, 'X-Small' => 'yes'],
      )
    {
        my ($host, $prefix, $header, $most, %more) = @$case;
        refused($post->($host, $prefix, $header, ' ' x $most, %more), 400, 'invalid_json', "$host $prefix: $most bytes and $header");
        refused($post->($host, $prefix, $header, ' ' x ($most + 1), %more), 413, 'body_too_large', "$host $prefix: one more");
        my $r = $client->request(POST => path($prefix), { Host => $host, $admins->read, OTPX => 1, %json }, '{}');
        refused($r, 401, 'otp_required', "$host $prefix: without a code");
        like($r->message, qr/\b\Q$header\E\b/, '... the message names the header');
    }
    my $count = 0;
    my $register = sub { my ($host, $prefix, $header, $kind) = @_; return $post->($host, $prefix, $header, body('k' . ++$count, $kind)) };
    refused($register->('main', '/plain', 'OTP', 'ed25519'), 400, 'unsupported_key', "the server's algorithms");
    refused($register->('other', '/plain', 'X-Other', 'p256'), 400, 'unsupported_key', "the virtual host's algorithms");
    refused($register->('other', '/own', 'X-Own', 'p256'), 400, 'unsupported_key', '... in a location of the server');
    is($register->('main', '/plain', 'OTP', 'p256')->status, 201, 'one');
    is($register->('other', '/inner', 'X-Other', 'ed25519')->status, 201, 'two');
    refused($register->('main', '/plain', 'OTP', 'p256'), 409, 'active_key_limit', "no third by the server's limit");
    is($register->('other', '/inner', 'X-Other', 'ed25519')->status, 201, "three by the inner location's limit");
    refused($register->('other', '/inner', 'X-Other', 'ed25519'), 409, 'active_key_limit', '... no fourth');
    is($register->('main', '/own', 'X-Own', 'p256')->status, 201, "four by the server location's limit");
    refused($register->('main', '/own', 'X-Own', 'p256'), 409, 'active_key_limit', '... no fifth');
    ends_cleanly($server, 'merge');
};

subtest 'no directive in .htaccess' => sub {
    my $server = WHK::Server->new(start => 0, init => 0);
    $server->write_conf(secret => '', conf => qq{<Directory "@{[ $server->dir ]}/files">\nAllowOverride All\n</Directory>}, children => 1);
    mkdir $server->dir . '/files' or die $!;
    for my $line ("file.html\nx", ".htaccess\nWebhookKeysMaxBody 2048") {
        my ($name, $text) = split /\n/, $line;
        open my $out, '>', $server->dir . "/files/$name" or die $!;
        print $out "$text\n";
        close $out;
    }
    $server->start;
    is(WHK::Client->new($server->port)->request(GET => '/files/file.html')->status, 500, 'httpd refuses the file');
    like($server->error_log, qr/WebhookKeysMaxBody not allowed here/, '... for our directive');
    $server->stop;
};

# A virtual host's side of a server: whkctl with --server, requests with its name.
package VirtualHost {
    our @ISA = ('WHK::Server');
    sub of { my ($class, $server, $name, %more) = @_; return bless { %$server, name => $name, pid => undef, %more }, $class }
    sub ctl { my ($self, @arguments) = @_; return $self->SUPER::ctl('--server', $self->{name}, @arguments) }
}

subtest 'a virtual host with a registry of its own' => sub {
    my $server = WHK::Server->new(start => 0, init => 0);
    my $home   = $server->dir;
    $server->write_conf(children => 1, conf => <<"CONF");
<Location "/api/policy/v1">
    $bearer
</Location>
<VirtualHost *:*>
    ServerName main.test
</VirtualHost>
<VirtualHost *:*>
    ServerName own.test
    DBDriver sqlite3
    DBDParams $home/own.db
    WebhookKeysSecretKeyFile $home/own.key
</VirtualHost>
<VirtualHost *:*>
    ServerName lent.test
</VirtualHost>
CONF
    my %of = (
        main => VirtualHost->of($server, 'main.test'),
        own  => VirtualHost->of($server, 'own.test', db => "$home/own.db", database => undef),
    );
    $of{$_}->ctl_ok('init') for sort keys %of;
    ok(-e "$home/own.db" && -e "$home/own.key", 'whkctl --server makes its files');
    my %admins = map { $_ => WHK::Admins->new($of{$_}, 'e', 2) } sort keys %of;
    my ($status, $out) = $server->configtest;
    is($status, 0, 'configtest') or diag $out;
    $server->start;
    my $client = WHK::Client->new($server->port);
    my $list = sub { my ($host, $admins) = @_; return $client->request(GET => $server->keys('e'), { Host => $host, $admins->read }) };
    my $same = body('same');
    for my $name (sort keys %of) {
        my $r = $admins{$name}->register($client, $same, Host => "$name.test");
        is($r->status, 201, "$name: registers the same key under the same keyId") or diag $r->body;
        is($of{$name}->sql(q{SELECT count(*) FROM whk_key}), 1, '... in its own file');
        is($of{$name}->ctl_json('key', 'list', 'e')->{total}, 1, '... as whkctl --server sees, too');
    }
    refused($list->('own.test', $admins{main}), 401, 'invalid_token', "the main server's token is unknown to it");
    refused($list->('main.test', $admins{own}), 401, 'invalid_token', '... and its token to the main server');
    is($list->('own.test', $admins{own})->json->{total}, 1, 'listed');
    is($list->('lent.test', $admins{main})->json->{total}, 1, 'a virtual host without one of its own has that of the server');
    my $r = $client->request(DELETE => $server->keys('e') . '/same', { Host => 'own.test', $admins{own}->write });
    is($r->status, 200, 'revoked in one');
    is($list->('main.test', $admins{main})->json->{keys}[0]{status}, 'ACTIVE', '... and not in the other');
    ($status, $out, my $err) = $server->ctl('--server', 'no.test', 'enterprise', 'list');
    isnt($status, 0, 'whkctl --server of an unknown name');
    like($err, qr/no\.test/, '... names it');
    ends_cleanly($server, 'virtual hosts');
};

subtest 'graceful restarts' => sub {
    my $server = WHK::Server->new(before => 'WebhookKeysMaxBody 4096');
    my $admins = WHK::Admins->new($server, 'e', 5);
    my $kept   = WHK::Client->new($server->port);
    is($admins->register($kept, body('before'))->status, 201, 'before');
    for my $round (1 .. 2) {
        my $child = fork // die "fork: $!";
        if (!$child) {
            # Someone who asks on, each time on a new connection.
            my $failed = 0;
            for (1 .. 100) {
                my $r = eval { $admins->get(WHK::Client->new($server->port)) };
                $failed++ if !$r || $r->status != 200;
                sleep 0.005;
            }
            POSIX::_exit($failed > 100 ? 100 : $failed);
        }
        sleep 0.1;
        $server->graceful;
        waitpid $child, 0;
        is($? >> 8, 0, "round $round: every request in between was answered");
        is($admins->register(WHK::Client->new($server->port), body("after$round"))->status, 201, '... and keys are registered after it');
    }
    is($admins->revoke(WHK::Client->new($server->port), 'before')->status, 200, 'revoked after it');
    $server->write_conf(before => 'WebhookKeysMaxBody 1024');
    $server->graceful;
    refused($admins->register(WHK::Client->new($server->port), ' ' x 1025), 413, 'body_too_large', 'a new value is in force after it');
    $server->write_conf(before => 'WebhookKeysMaxBody no');
    my ($status) = $server->configtest;
    isnt($status, 0, 'a wrong one is found by configtest before a restart');
    is($admins->get(WHK::Client->new($server->port))->json->{total}, 3, 'and the server goes on');
    ends_cleanly($server, 'graceful');
};

subtest 'MPMs' => sub {
    for my $mpm (qw(event worker prefork)) {
        for my $mutex ('', "Mutex file:$dir webhook-keys-store") {
            my $server = WHK::Server->new(mpm => $mpm, children => 2, before => $mutex);
            my $name   = $mutex ? "$mpm with a mutex file" : $mpm;
            my $admins = WHK::Admins->new($server, 'e', 2);
            for my $key_id ('one', 'two') {
                my $client = WHK::Client->new($server->port);
                is($admins->register($client, body($key_id))->status, 201, "$name: $key_id registered");
            }
            my $client = WHK::Client->new($server->port);
            is(join(' ', map { $_->{keyId} } @{ $admins->get($client)->json->{keys} }), 'one two', '... listed');
            is($admins->revoke($client, 'one')->status, 200, '... revoked');
            is($admins->get($client, '/one')->json->{status}, 'REVOKED', '... and read');
            ends_cleanly($server, $name);
        }
    }
};

done_testing;
