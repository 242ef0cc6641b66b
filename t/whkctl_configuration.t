# SPDX-License-Identifier: Apache-2.0
# whkctl asks httpd what its configuration is (docs/whkctl.8): whatever httpd takes, it takes; what httpd refuses, it shows
# in httpd's words.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ();
use WHK::Server;

my $dir     = tempdir('whk-conf-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $modules = $WHK::Server::modules;
my $json    = JSON::PP->new->utf8;
my $conf    = "$dir/httpd.conf";
chmod 0755, $dir;

sub write_file {
    my ($name, $text, $mode) = @_;
    open my $out, '>', $name or die "$name: $!";
    print $out $text;
    close $out or die "$name: $!";
    chmod $mode // 0644, $name;
    return $name;
}

sub text_of { my $name = shift; open my $in, '<', $name or return ''; local $/; return scalar <$in> }

sub load { return join '', map { -e "$modules/mod_$_.so" ? "LoadModule ${_}_module $modules/mod_$_.so\n" : '' } @_ }

my $base = "ServerRoot \"$dir\"\nServerName main.example\nListen 127.0.0.1:1\nPidFile $dir/httpd.pid\nErrorLog $dir/error.log\n"
  . ($> ? '' : "User nobody\nGroup nogroup\n") . load(qw(mpm_event unixd authn_core authz_core dbd));
my $ours = "LoadModule webhook_keys_module $WHK::Server::build/mod_webhook_keys.so\n";

# The configuration with these lines, and what whkctl says of it: exit status, standard output, standard error.
sub with { my ($lines) = @_; return write_file($conf, $base . $ours . $lines . "\n") }
sub whkctl { return WHK::Server::whkctl(@_) }

# Which registry is meant: one that is not there yet is named.
sub registry_of {
    my ($lines, @options) = @_;
    with($lines) if defined $lines;
    my ($status, $out, $err) = whkctl('-f', $conf, @options, qw(enterprise list));
    return $err =~ /^whkctl: there is no registry (.*?): make it with/m ? $1 : "$status$out$err";
}

sub means {
    my ($what, $registry, $lines, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is(registry_of($lines, @options), $registry, $what);
    return;
}

sub refuses {
    my ($what, $like, $lines, @options) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    with($lines) if defined $lines;
    my ($status, $out, $err) = whkctl('-f', $conf, @options, 'init');
    is($status, 1, $what);
    is($out, '', '... nothing on standard output');
    like($err, $like, '... says why');
    return $err;
}

my $db = 'DBDriver sqlite3';

subtest 'lines, variables and conditions' => sub {
    means('plain', '/r.db', "$db\nDBDParams /r.db");
    means('any case, a quoted path, a continued line', '/a b.db', "dbDRIVER sqlite3\nDBDPARAMS \\\n  \"/a b.db\"");
    means('the last counts', '/2.db', "$db\nDBDParams /1.db\nDBDParams /2.db");
    means('Define', '/x/y/r.db', "$db\nDefine a /x\nDefine b \${a}/y\nDBDParams \${b}/r.db");
    local $ENV{WHK_TEST_FOLDER} = '/from/environment';
    means('a variable of the environment', '/from/environment/r.db', "$db\nDBDParams \${WHK_TEST_FOLDER}/r.db");
    my $conditions = "$db\nDBDParams /out.db\n<IfDefine GIVEN>\nDBDParams /given.db\n</IfDefine>\n<IfDefine GIVEN_TOO>\nDBDParams /both.db\n</IfDefine>";
    means('without -D', '/out.db', $conditions);
    means('-D', '/given.db', undef, '-D', 'GIVEN');
    means('-D twice', '/both.db', undef, '-DGIVEN', '-D', 'GIVEN_TOO');
    my $strange = q{x'; touch /tmp/no "$(false)"};
    means('-D of anything', '/out.db', undef, '-D', $strange);
    for my $case (
        [ 'IfModule mod_dbd.c' => 1 ], [ 'IfModule !webhook_keys_module' => 0 ], [ 'IfModule mod_none.c' => 0 ], [ 'IfModule core.c' => 1 ],
        [ 'IfVersion >= 2.4' => 1, 'version' ], [ 'IfVersion < 2.4' => 0, 'version' ], [ 'IfFile httpd.conf' => 1 ], [ 'IfFile none.conf' => 0 ],
        [ 'IfDirective WebhookKeysAudience' => 1 ], [ 'IfDirective NoSuchDirective' => 0 ], [ 'IfSection Nonsense' => 0 ]
      )
    {
        my ($section, $holds, $module) = @$case;
        my ($name) = split / /, $section;
        means("<$section>", $holds ? '/in.db' : '/out.db', ($module ? load($module) : '') . "$db\nDBDParams /out.db\n<$section>\nDBDParams /in.db\n</$name>");
    }
};

subtest 'Include' => sub {
    mkdir "$dir/$_" or die "$dir/$_: $!" for qw(conf.d conf.d/deep);
    write_file("$dir/conf.d/10-a.conf", "DBDParams /a.db\n");
    write_file("$dir/conf.d/20-b.conf", "DBDParams /b.db\n");
    write_file("$dir/conf.d/deep/c.conf", "DBDParams /c.db\n");
    write_file("$dir/conf.d/30-none.txt", "DBDParams /no.db\n");
    means('a pattern, below ServerRoot', '/b.db', "$db\nInclude conf.d/*.conf");
    means('a pattern of characters', '/a.db', "$db\nInclude conf.d/1[0-9]-?.conf");
    means('a pattern of folders', '/c.db', "$db\nInclude conf.d/*/*.conf");
    means('IncludeOptional', '/r.db', "$db\nDBDParams /r.db\nIncludeOptional none/*.conf");
    refuses('nothing there', qr{^whkctl: \Q$conf\E was given to \S+: it does not take this configuration\n.*Could not open directory \Q$dir\E/none}s, "$db\nInclude none/*.conf");
    write_file("$dir/loop.conf", "Include loop.conf\n");
    refuses('a circle', qr/Exceeded maximum include depth/, "$db\nInclude loop.conf");
};

subtest 'mod_macro' => sub {
    plan skip_all => 'there is no mod_macro here' if !-e "$modules/mod_macro.so";
    my $macro = load('macro') . "$db\n<Macro Registry \$name>\nDBDParams /macro/\$name.db\nWebhookKeysSecretKeyFile \$name.key\n</Macro>\n";
    means('one that is used', '/macro/one.db', $macro . 'Use Registry one');
    refuses('one that is not', qr/needs DBDParams/, $macro);
    my $hosts = join '', map { "Use Host $_\n" } qw(east west);
    $macro = load('macro') . "$db\n<Macro Host \$name>\n<VirtualHost *:*>\nServerName \$name.example\nDBDParams /macro/\$name.db\n</VirtualHost>\n</Macro>\n$hosts";
    means("a virtual host: $_", "/macro/$_.db", $macro, '--server', "$_.example") for qw(east west);
    refuses('both', qr/name one with --server: east\.example \(macro 'host' .*west\.example \(macro 'host' /, $macro);
};

subtest 'sections of requests' => sub {
    means('<If> with what may stand there', '/r.db', "$db\nDBDParams /r.db\n<If \"true\">\nWebhookKeysMaxBody 2048\n</If>\n<Location />\n<If \"false\">\nSetHandler none\n</If>\n</Location>");
    refuses('<If> with a registry', qr/Syntax error on line \d+ of \Q$conf\E:\nDBDParams not allowed in <If> context/, "$db\n<If \"true\">\nDBDParams /r.db\n</If>");
    refuses('<Directory> with a registry', qr/DBDParams not allowed in <Directory> context/, "$db\n<Directory />\nDBDParams /r.db\n</Directory>");
};

subtest 'a section that only another module knows' => sub {
    my $made = WHK::Server::build_module('mod_test_section', $dir);
    my $section = sub { return "LoadModule test_section_module $made\n$db\nDBDParams /out.db\n<TestSection $_[0]>\nDBDParams /in.db\n</TestSection>" };
    means('which is processed', '/in.db', $section->('yes'));
    means('which is not', '/out.db', $section->('no'));
    refuses('without that module', qr/Invalid command '<TestSection'/, $section->('yes') =~ s/^LoadModule.*\n//r);
};

subtest 'mod_perl' => sub {
    plan skip_all => 'there is no mod_perl here' if !-e "$modules/mod_perl.so";
    means('what it makes', '/perl/2.db', load('perl') . "$db\n<Perl>\n\$DBDParams = '/perl/' . (1 + 1) . '.db';\n</Perl>");
};

my $two = <<'TWO';
<VirtualHost *:80>
    ServerName https://One.Example:443
    ServerAlias uno *.one.example
    DBDParams /one.db
</VirtualHost>
<VirtualHost *:80>
    ServerName two.example
    DBDParams /two.db
    WebhookKeysSecretKeyFile two.key
</VirtualHost>
<VirtualHost *:81>
    ServerName two.example
</VirtualHost>
TWO

subtest '--server' => sub {
    means("--server $_->[0]", $_->[1], "$db\n$two", '--server', $_->[0])
      for [ 'one.example', '/one.db' ], [ 'ONE.example', '/one.db' ], [ 'uno', '/one.db' ], [ 'x.one.example', '/one.db' ], [ 'two.example', '/two.db' ];
    refuses('none named', qr/several virtual hosts have a registry of their own, name one with --server: One\.Example \(\Q$conf\E:\d+\), two\.example \(\Q$conf\E:\d+\)$/im);
    refuses('one that is not there', qr/--server: no virtual host has the ServerName or ServerAlias three\.example/, undef, '--server', 'three.example');
    means("the main server's", '/main.db', "$db\nDBDParams /main.db\nWebhookKeysSecretKeyFile m.key\n$two");
    means('... by its name', '/main.db', undef, '--server', 'main.example');
    means('a virtual host beside it', '/two.db', undef, '--server', 'two.example');
    means('one virtual host alone has one', '/only.db', "$db\n<VirtualHost *:80>\nServerName a\n</VirtualHost>\n<VirtualHost *:81>\nDBDParams /only.db\n</VirtualHost>");
    means('two have the same', '/same.db', "$db\n" . join '', map { "<VirtualHost *:$_>\nDBDParams /same.db\n</VirtualHost>\n" } 80, 81);
    means('fields are inherited one by one', '/v.db', "DBDParams /main.db\n<VirtualHost *:80>\nServerName v\nDBDriver sqlite3\nDBDParams /v.db\n</VirtualHost>", '--server', 'v');
    means('a virtual host without a name is not called as the main server is', '/main.db', "$db\nDBDParams /main.db\n<VirtualHost *:80>\nDBDParams /n.db\n</VirtualHost>", '--server', 'main.example');
    means('an alias that is not UTF-8 is in nobody\'s way', '/v.db', "$db\n<VirtualHost *:80>\nServerName v\nServerAlias \xe9.example\nDBDParams /v.db\n</VirtualHost>", '--server', 'v');
    means('no pattern but * and ?', '/p.db', "$db\nDBDParams /main.db\n<VirtualHost *:80>\nServerName v\nServerAlias a[b]c\nDBDParams /p.db\n</VirtualHost>", '--server', 'a[b]c');
    refuses('... of characters', qr/no virtual host has the ServerName or ServerAlias abc$/m, undef, '--server', 'abc');
};

subtest 'nothing is there yet' => sub {
    with("$db\nDBDParams $dir/data/registry.db\nWebhookKeysSecretKeyFile data.key\n<Location /api>\nSetHandler webhook-keys\nAuthType Bearer\nAuthName x\nRequire webhook-keys-admin\n</Location>\n");
    my ($status, $out, $err) = whkctl('-f', $conf, qw(init --json));
    is($status . $err, '0', 'init');
    my $made = eval { $json->decode($out) } // {};
    is($made->{registry}, "$dir/data/registry.db", 'the registry');
    is($made->{secretKeyFile}, "$dir/data.key", 'the key file, below ServerRoot');
    ok(-s $made->{$_}, '... is there') for qw(registry secretKeyFile);
    ok(!-e "$dir/error.log" && !-e "$dir/httpd.pid", 'httpd itself made nothing');
    ($status, $out, $err) = whkctl('-f', $conf, 'check');
    is($status, 0, 'check') or diag $out, $err;
    is((WHK::Server::run_command($WHK::Server::httpd, '-t', '-f', $conf))[0], 0, 'httpd takes it now');
    SKIP: {
        skip 'only root becomes somebody else', 2 if $>;
        is(getpwuid +(stat $made->{registry})[4], 'nobody', 'the registry is of who httpd runs as');
        is((stat $made->{secretKeyFile})[4], 0, 'the key file is of root');
    }
    my $here = POSIX::getcwd();
    chdir $dir or die $!;
    ($status, $out, $err) = whkctl(qw(-f httpd.conf enterprise list));
    chdir $here or die $!;
    is($status . $err, '0', 'a relative -f');
};

subtest 'what is missing' => sub {
    refuses('no driver', qr/^whkctl: the configuration names no registry: it needs DBDriver sqlite3$/m, '');
    refuses('no registry', qr/names no registry: it needs DBDParams/, $db);
    refuses('... in a virtual host', qr/needs DBDParams \S+, here or in the main server: \Q$conf\E:\d+/, "$db\n<VirtualHost *:80>\nServerName v\nWebhookKeysSecretKeyFile v.key\n</VirtualHost>", '--server', 'v');
    delete local $ENV{WHK_TEST_NONE};
    refuses('a variable without a value', qr/^whkctl: \Q$conf\E:\d+: DBDParams is "\$\{WHK_TEST_NONE\}\/r\.db", but this variable is not defined/, "$db\nDBDParams \${WHK_TEST_NONE}/r.db");
    refuses('... of the key file', qr/WebhookKeysSecretKeyFile is "[^"]*\$\{WHK_TEST_NONE\}\/k", but this variable/, "$db\nDBDParams /r.db\nWebhookKeysSecretKeyFile \${WHK_TEST_NONE}/k");
    refuses('a directive of none', qr/^whkctl: \Q$conf\E was given to [^\n]*\nAH00526: Syntax error on line \d+ of \Q$conf\E:\nInvalid command 'Frobnicate'/, 'Frobnicate On');
    refuses('a value that is refused', qr/WebhookKeysMaxBody is "x", but must be/, 'WebhookKeysMaxBody x');
    refuses('a driver of none', qr/DBDriver.*nosuch|nosuch/, "DBDriver nosuch\nDBDParams /r.db");
    refuses('a file of none', qr/^whkctl: \Q$dir\E\/none\.conf was given to .*Could not open configuration file/s, '', '-f', "$dir/none.conf");
    refuses('a name that is not UTF-8', qr/not UTF-8/, "$db\nDBDParams /\xe9.db");
    write_file($conf, "$base$db\nDBDParams /r.db\n");
    refuses('without the module', qr/^whkctl: \Q$conf\E loads no mod_webhook_keys .*LoadModule webhook_keys_module.*a2enmod webhook_keys/);
    write_file($conf, $base =~ s/^LoadModule dbd_module.*\n//mr . "$ours$db\nDBDParams /r.db\n");
    refuses('without mod_dbd', qr/Syntax error on line \d+ .*\nmod_webhook_keys needs mod_dbd: add LoadModule dbd_module/);
};

# ---- httpd itself

subtest '--httpd' => sub {
    with("$db\nDBDParams /r.db");
    for my $case ([ "$dir/none", 'it is not there' ], [ $dir, 'a folder' ], [ write_file("$dir/no.sh", "#!/bin/sh\n"), 'not executable' ]) {
        my ($httpd, $what) = @$case;
        refuses($what, qr/^whkctl: \Q$conf\E was given to \Q$httpd\E: it cannot be started: name httpd's program by --httpd/, undef, '--httpd', $httpd);
    }
    SKIP: {
        skip 'the one of the build lacks the sanitizers', 1 if $WHK::Server::build =~ /sanitize/;
        like((WHK::Server::run_command("$WHK::Server::build/whkctl", '-f', $conf, qw(enterprise list)))[2], qr{there is no registry /r\.db}, 'the one of the build');
    }
    my $wrap = sub { return write_file("$dir/wrap.sh", "#!/bin/sh\n$_[0]\n", 0755) };
    my $real = "exec '$WHK::Server::httpd' \"\$@\"";
    {
        local $ENV{PATH} = "$dir:$ENV{PATH}";
        $wrap->($real);
        means('one that is found by PATH', '/r.db', undef, '--httpd', 'wrap.sh');
    }
    means('one that prints before', '/r.db', undef, '--httpd', $wrap->("echo '{\"mod_webhook_keys\":'; head -c 3000000 /dev/zero | tr '\\0' x; $real"));
    means('one that prints bytes of none', '/r.db', undef, '--httpd', $wrap->("printf '\\0\\377\\n{\\0'; $real"));
    means('one that prints afterwards', '/r.db', undef, '--httpd', $wrap->("'$WHK::Server::httpd' \"\$@\"; printf 'so \\0 long'"));
    means('its standard input is empty', '/r.db', undef, '--httpd', $wrap->("cat; $real"));
    my $all = refuses('one that prints without end', qr/was ended, since it prints without end\ny\n/, undef, '--httpd', $wrap->('exec yes'));
    cmp_ok(length $all, '<', 5000, '... and not all of that is shown');
    refuses('one that is killed', qr/ended by signal 9/, undef, '--httpd', $wrap->('kill -9 $$'));
    refuses('one that prints nothing', qr/loads no mod_webhook_keys/, undef, '--httpd', '/bin/true');
    refuses('one that prints half of it', qr/loads no mod_webhook_keys/, undef, '--httpd', $wrap->("echo; echo '{\"mod_webhook_keys\":\"1'"));
    my $err = refuses('one that fails at its end', qr/does not take/, undef, '--httpd', $wrap->("'$WHK::Server::httpd' \"\$@\"; exit 3"));
    unlike($err, qr/r\.db/, '... and what it told is not shown');
    refuses('two lines of errors', qr/does not take this configuration\none\ntwo\n\z/, undef, '--httpd', $wrap->("echo one; echo two >&2; exit 1"));
};

subtest 'who else gets to see DBDParams' => sub {
    my $secret = 'a-password-in-params';
    with("$db\nDBDParams $dir/$secret.db\nWebhookKeysSecretKeyFile s.key\nLogLevel trace8");
    my $ps = "ps axww -o args; cat /proc/[0-9]*/cmdline /proc/\$\$/environ 2>/dev/null | tr '\\0' ' '";
    write_file("$dir/wrap.sh", "#!/bin/sh\n{ $ps; } >> '$dir/ps'\n'$WHK::Server::httpd' \"\$@\"\nstatus=\$?\n{ $ps; } >> '$dir/ps'\nexit \$status\n", 0755);
    my ($status, $out, $err) = WHK::Server::run_command("$WHK::Server::build/whkctl", '--httpd', "$dir/wrap.sh", '-f', $conf, qw(check));
    like($out . $err, qr/\Q$secret\E/, 'whkctl knows them');
    my $seen = text_of("$dir/ps");
    like($seen, qr/DUMP_WEBHOOK_KEYS_CFG/, 'ps shows httpd');
    unlike($seen, qr/\Q$secret\E/, '... but not what it tells');
    unlike(text_of("$dir/error.log"), qr/\Q$secret\E/, 'nor does the error log');
    ok(!-e "$dir/error.log" || !-s _, 'which is empty');
};

subtest 'a define of that name in the configuration' => sub {
    my $port = WHK::Server::free_port();
    with("Define DUMP_WEBHOOK_KEYS_CFG\n$db\nDBDParams $dir/data/registry.db\nWebhookKeysSecretKeyFile data.key");
    write_file($conf, text_of($conf) =~ s/^Listen .*/Listen 127.0.0.1:$port/mr);
    my $server = bless { conf => $conf, dir => $dir, port => $port, log => "$dir/error.log" }, 'WHK::Server';
    ok(eval { $server->start } && 1, 'does not keep httpd from its start') or diag $@;
    $server->stop;
    unlike(text_of("$dir/stdout.log"), qr/mod_webhook_keys/, '... nor make it tell');
    write_file($conf, text_of($conf) . "<Location /hooks>\nAuthType WebhookSignature\nAuthName w\nWebhookKeysSignature jws\n</Location>\n");
    my ($status, $out, $err) = WHK::Server::run_command($WHK::Server::httpd, '-t', '-f', $conf);
    ok($status, '... nor pass a configuration that is wrong');
};

subtest 'started by who ignores how processes end' => sub {
    with("$db\nDBDParams $dir/nowhere.db");
    my @under = ($^X, '-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV');
    my ($status, $out, $err) = WHK::Server::run_command(@under, "$WHK::Server::build/whkctl", '-f', $conf, qw(enterprise list));
    like($err, qr{there is no registry \Q$dir\E/nowhere\.db}, 'httpd was asked');
    with('NoSuchDirective');
    ($status, $out, $err) = WHK::Server::run_command(@under, "$WHK::Server::build/whkctl", '-f', $conf, qw(enterprise list));
    like($err, qr/does not take this configuration/, 'and that it refused is known');
};

subtest 'names that a shell would not leave alone' => sub {
    my $odd = "$dir/it's a \"\$(touch pwned)\" & `touch pwned`;*";
    mkdir $odd or die "$odd: $!";
    write_file("$odd/envvars", "export WHK_ODD=/odd\n");
    write_file("$odd/my httpd.conf", "$base$ours$db\nDBDParams \${WHK_ODD}/r.db\n");
    my $here = POSIX::getcwd();
    chdir $dir or die $!;
    my ($status, $out, $err) = whkctl('-f', "$odd/my httpd.conf", '-D', '$(touch pwned)', qw(enterprise list));
    chdir $here or die $!;
    like($err, qr{there is no registry /odd/r\.db}, 'the configuration is read, and envvars beside it');
    ok(!-e "$dir/pwned", 'and nothing was run');
};

# ---- Debian's layout

subtest 'envvars' => sub {
    my $home = "$dir/instance";
    mkdir $home or die $!;
    mkdir "$home/data" or die $!;
    $conf = "$home/httpd.conf";
    write_file("$home/more.conf", "DBDParams \${WHK_DATA}/more.db\n");
    write_file("$home/envvars", "# computed, as a shell does it\nunset HOME\nname=data\nexport WHK_DATA=\$APACHE_CONFDIR/\$name\necho 'something to say'\n"
          . "export APACHE_RUN_DIR='$home/run files'\nAPACHE_ARGUMENTS='-D FROM_ENVVARS'\n");
    my $lines = $base =~ s/^ServerRoot.*\n//r . "$ours$db\nDefaultRuntimeDir \"\${APACHE_RUN_DIR}\"\nDBDParams \${WHK_DATA}/r.db\n<IfDefine FROM_ENVVARS>\nInclude more.conf\n</IfDefine>\n";
    write_file($conf, $lines);
    means('is read by a shell; the folder is where httpd looks', "$home/data/more.db", undef);
    is(sprintf('%04o', (stat "$home/run files")[2] & 07777), '0755', 'the folder of run-time files is made, and open to whom httpd runs as');
    write_file("$home/envvars", "if then\n");
    refuses('one that is no shell file', qr/does not take this configuration\n.*envvars.*yntax/);
    $conf = "$dir/httpd.conf";
};

subtest "Debian's own" => sub {
    my $etc = '/etc/apache2';
    plan skip_all => 'this is no Debian' if !-d "$etc/mods-enabled" || !-e "$etc/envvars" || !-e "$etc/mods-available/dbd.load";
    my $home = "$dir/apache2";
    my $was  = qx{ls -lR $etc};
    is(system('cp', '-R', '--preserve=links,mode', $etc, $home), 0, 'a copy');
    $conf = "$home/apache2.conf";
    my $available = "$home/mods-available";
    write_file("$available/webhook_keys.load", text_of("$WHK::Server::root/conf/webhook_keys.load") =~ s{\@LIBEXECDIR\@/}{$WHK::Server::build/}r);
    write_file("$available/webhook_keys.conf", text_of("$WHK::Server::root/conf/webhook_keys.conf") =~ s{\@SYSCONFDIR\@}{$home}r =~ s{^DBDParams .*}{DBDParams \${WHK_DATA}/registry.db}mr);
    symlink "../mods-available/$_", "$home/mods-enabled/$_" for qw(dbd.load webhook_keys.load webhook_keys.conf);
    write_file("$home/sites-available/hooks.conf", "<VirtualHost *:80>\nServerName hooks.example\nServerAlias *.hooks.example\nDBDParams \${WHK_DATA}/hooks.db\n</VirtualHost>\n");
    symlink '../sites-available/hooks.conf', "$home/sites-enabled/hooks.conf" or die $!;
    mkdir "$home/data" or die $!;
    my $run = "$home/run";
    write_file("$home/envvars", text_of("$home/envvars") . "export WHK_DATA=\$APACHE_CONFDIR/data\nexport APACHE_RUN_DIR=$run\n");
    if (!$>) { chown +(getpwnam 'www-data')[ 2, 3 ], "$home/data" }
    my ($status, $out, $err) = whkctl('-f', $conf, qw(init --json));
    is($status, 0, 'init') or diag $err;
    is((eval { $json->decode($out) } // {})->{registry}, "$home/data/registry.db", '... of the main server');
    means('a site', "$home/data/hooks.db", undef, '--server', 'x.hooks.example');
    ($status, $out, $err) = whkctl('-f', $conf, 'check', '--json');
    is($status, 0, 'check') or diag $out, $err;
    like($out, qr/registry\.db belongs to www-data, as whom httpd runs/, '... User is that of envvars') if !$>;
    unlink "$home/mods-enabled/webhook_keys.load";
    refuses('a2dismod', qr/Syntax error on line \d+ of .*webhook_keys\.conf:\nInvalid command 'WebhookKeysSecretKeyFile'/);
    unlink "$home/mods-enabled/webhook_keys.conf", "$home/sites-enabled/hooks.conf";
    refuses('... both', qr/loads no mod_webhook_keys/);
    is(qx{ls -lR $etc}, $was, 'what is installed stays as it was');
};
done_testing;
