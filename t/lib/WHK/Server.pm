# SPDX-License-Identifier: Apache-2.0
package WHK::Server;

# A real httpd with the module and a registry of its own, which whkctl made.
#   my $s = WHK::Server->shared;             the one that Apache::Test started for all files
# DB=pgsql, mysql or galera in the environment puts their registries there (see WHK::Database), else SQLite's has a file.
#   my $s = WHK::Server->new(                 one for this file alone; stopped at the end, also when it dies
#       mpm => 'event', children => 2, threads => 8,
#       before => '...', location => '...',   directives in the server, and in the API's <Location>
#       modules => [qw(authn_basic ...)],     further modules to load
#       conf => '...',                        instead of the API's location as a whole
#       env => { NAME => 'value' },           httpd's environment, beside our own; undef takes one away
#       init => 0, start => 0,                no registry yet; not started yet
#       sqlite => 1,                          on SQLite, whatever DB says
#       database => $d, node => 2);           on a WHK::Database's database, by its node 2
# ->port ->dir ->conf (file) ->db (file) ->prefix (/api/policy/v1) ->keys($enterprise) (path)
# ->conf_of($name, $db, $key_file) (a configuration like its own, for another registry)
# ->ctl(@arguments) (exit status, stdout, stderr)   ->ctl_json(@arguments)   ->sql($statement) (text; columns between `|`)
# ->rows($query) (hashes of columns)   ->dump (all that the database holds, as text)   ->stored (the same by name, and SQLite's files as they are)
# ->read_file($name) (of statements)   ->backup($file) ->restore($file)
# ->database (a WHK::Database; undef with SQLite)   ->is_sqlite
# ->kill_all (kill -9 of httpd and its children; then ->start)
# ->start ->stop (its exit status as in $?; undef where it had to be killed) ->restart ->graceful ->configtest (status, output) ->error_log (text so far) ->pid ->children (pids)

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IPC::Open3;
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Symbol qw(gensym);
use Time::HiRes qw(sleep time);

our $root = abs_path(dirname(__FILE__) . '/../../..');
our $build = "$root/" . ($ENV{BUILD} // 'build');
my %started;    # pid => the process that started it

sub apxs {
    my $what = shift;
    my $apxs = $ENV{APXS} // 'apxs';
    chomp(my $value = qx{$apxs -q $what 2>/dev/null});
    return $value;
}

our $modules = apxs('LIBEXECDIR');
our $httpd   = $ENV{WHK_HTTPD} // apxs('SBINDIR') . '/' . apxs('PROGNAME');
our @whkctl  = ("$build/whkctl", '--httpd', $httpd);

# Below the range that the system takes ports of connections from, so that none of those has it when httpd comes to
# listen, also after a restart.
# A module of t/lib, built into that folder. The path.
sub build_module {
    my ($name, $folder) = @_;
    my $apr   = apxs('APR_CONFIG') || 'apr-1-config';
    my $flags = qx{$apr --cppflags --includes} =~ s/\s+/ /gr;
    system('sh', '-c', 'exec ' . (apxs('CC') || 'cc') . " -shared -fPIC -Wall -Wextra -Werror $flags -I$root/src -I" . apxs('INCLUDEDIR') . " -o '$folder/$name.so' '$root/t/lib/$name.c'") == 0 or die "$name.c can't be built\n";
    return "$folder/$name.so";
}

sub free_port {
    for (1 .. 1000) {
        my $port = 10_000 + int rand 20_000;
        return $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port);
    }
    die "no free port: $!\n";
}

# Of all files of this run: sqlite, pgsql, mysql, galera.
our $db_kind = $ENV{DB} || 'sqlite';

sub shared {
    my $class = shift;
    my $port = $ENV{WHK_TEST_PORT} // die "no shared server: run the tests by make -f Makefile.apxs test\n";
    my $database;
    if ($db_kind ne 'sqlite') {
        require WHK::Database;
        $database = WHK::Database->shared($db_kind);
    }
    return bless {
        database => $database,
        port => $port, dir => "$root/t", conf => "$root/t/conf/httpd.conf", shared => 1,
        db => "$root/t/logs/registry.db", prefix => '/api/policy/v1', log => "$root/t/logs/error_log"
    }, $class;
}

sub new {
    my ($class, %o) = @_;
    my $dir = tempdir('whk-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $self = bless {
        dir => $dir, port => free_port(), conf => "$dir/httpd.conf", db => "$dir/registry.db",
        prefix => '/api/policy/v1', log => "$dir/error.log", pid => undef,
        env => $o{env} // {}, database => $o{database}, node => $o{node} // 1
    }, $class;
    if (!$self->{database} && $db_kind ne 'sqlite' && !$o{sqlite}) {
        require WHK::Database;
        $self->{database} = WHK::Database->shared($db_kind)->fresh;
    }
    $self->{db} = $self->{database}->params($self->{node}) if $self->{database};
    $self->write_conf(%o);
    if ($o{init} // 1) {
        my ($status, $out, $err) = $self->ctl('init');
        die "whkctl init: $err\n" if $status;
    }
    $self->start if $o{start} // 1;
    return $self;
}

sub write_conf {
    my ($self, %o) = @_;
    my ($dir, $port) = @{$self}{qw(dir port)};
    my ($mpm, $children, $threads) = ($o{mpm} // 'event', $o{children} // 2, $o{threads} // 8);
    my $workers = $mpm eq 'prefork'
      ? "StartServers $children\nMinSpareServers $children\nMaxSpareServers " . ($children + 8) . "\nMaxRequestWorkers " . ($children * 4)
      : "StartServers $children\nServerLimit $children\nThreadsPerChild $threads\nThreadLimit $threads\n"
      . "MinSpareThreads 1\nMaxSpareThreads " . $children * $threads . "\nMaxRequestWorkers " . $children * $threads;
    my @load = ("mpm_$mpm", qw(unixd authn_core authz_core authz_user dbd), @{ $o{modules} // [] });
    my $load = join '', map { -e "$modules/mod_$_.so" ? "LoadModule ${_}_module $modules/mod_$_.so\n" : '' } @load;
    my $before   = $o{before}   // '';
    my $location = $o{location} // '';
    my $secret   = exists $o{secret} ? $o{secret} : "WebhookKeysSecretKeyFile $dir/secret.key";
    my $conf     = $o{conf} // <<"API";
AllowEncodedSlashes NoDecode
<Location "$self->{prefix}">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName "webhook keys"
    Require webhook-keys-admin
    $location
</Location>
API
    open my $out, '>', $self->{conf} or die "$self->{conf}: $!";
    print $out <<"CONF";
ServerRoot "$dir"
DefaultRuntimeDir "$dir"
ServerName localhost
Listen 127.0.0.1:$port
PidFile "$dir/httpd.pid"
ErrorLog "$dir/error.log"
LogLevel info
DocumentRoot "$dir"
$load
LoadModule webhook_keys_module $build/mod_webhook_keys.so
KeepAlive On
MaxKeepAliveRequests 0
$workers
DBDriver @{[ $self->driver ]}
DBDParams "$self->{db}"
DBDKeep 32
DBDMax 32
$secret
$before
$conf
CONF
    close $out;
    return;
}

# The same configuration for another registry, in a file of its own: its path.
sub conf_of {
    my ($self, $name, $db, $key_file) = @_;
    open my $in, '<', $self->{conf} or die "$self->{conf}: $!";
    my $text = do { local $/; <$in> };
    $text =~ s/^DBDParams .*/DBDParams "$db"/m or die 'no DBDParams';
    $text =~ s/^WebhookKeysSecretKeyFile .*/WebhookKeysSecretKeyFile $key_file/m or die 'no WebhookKeysSecretKeyFile';
    my $conf = "$self->{dir}/$name.conf";
    open my $out, '>', $conf or die "$conf: $!";
    print $out $text;
    close $out or die "$conf: $!";
    return $conf;
}

sub database  { return $_[0]{database} }
sub is_sqlite { return !$_[0]{database} }
sub driver    { return $_[0]{database} ? $_[0]{database}->driver : 'sqlite3' }

sub port   { return $_[0]{port} }
sub dir    { return $_[0]{dir} }
sub conf   { return $_[0]{conf} }
sub db     { return $_[0]{db} }
sub prefix { return $_[0]{prefix} }
sub pid    { return $_[0]{pid} }
sub keys   { my ($self, $enterprise) = @_; return "$self->{prefix}/enterprises/$enterprise/webhooks/keys" }
sub events { my ($self, $enterprise) = @_; return "$self->{prefix}/enterprises/$enterprise/webhooks/key-events" }

sub run_command {
    my @command = @_;
    my $error = gensym;
    my $pid = open3(my $in, my $out, $error, @command);
    close $in;
    my ($stdout, $stderr) = ('', '');
    my $select = IO::Select->new($out, $error);
    while (my @ready = $select->can_read) {
        for my $handle (@ready) {
            my $got = sysread $handle, my $bytes, 65536;
            if (!$got) { $select->remove($handle); next }
            if (fileno $handle == fileno $out) { $stdout .= $bytes } else { $stderr .= $bytes }
        }
    }
    waitpid $pid, 0;
    return ($? >> 8 || ($? & 127 ? 128 + ($? & 127) : 0), $stdout, $stderr);
}

# whkctl, which asks the httpd that the tests start.
sub whkctl { return run_command(@whkctl, @_) }

# A trigger of the test's own on a table of ours: an operator would hear of it, so it is gone while whkctl looks.
sub make_trigger {
    my ($self, $name, $table, $sql) = @_;
    $self->{triggers}{$name} = [ $table, $sql ];
    return $self->sql($sql);
}

sub drop_trigger {
    my ($self, $name) = @_;
    my ($table) = @{ delete $self->{triggers}{$name} };
    return $self->sql("DROP TRIGGER $name" . ($self->driver eq 'pgsql' ? " ON $table" : ''));
}

sub ctl {
    my ($self, @arguments) = @_;
    my %triggers = "@arguments" =~ /^(?:check|audit verify)\b/ ? %{ $self->{triggers} // {} } : ();
    $self->drop_trigger($_) for sort CORE::keys %triggers;
    my @said = whkctl('-f', $self->{conf}, @arguments);
    $self->make_trigger($_, @{ $triggers{$_} }) for sort CORE::keys %triggers;
    return @said;
}

sub ctl_ok {
    my ($self, @arguments) = @_;
    my ($status, $out, $err) = $self->ctl(@arguments);
    die "whkctl @arguments: $status: $err" if $status;
    return $out;
}

sub ctl_json { my ($self, @arguments) = @_; return JSON::PP->new->utf8->decode($self->ctl_ok(@arguments, '--json')) }

sub sql {
    my ($self, $statement) = @_;
    # As SQLite's client says it: 1 and 0 are true and false, NULL is empty.
    return $self->{database}->sql($statement, $self->{node}) =~ s/(?<![^\t\n])(?:(t)|(f)|NULL)(?![^\t\n])/$1 ? 1 : $2 ? 0 : ''/ger =~ s/\t/|/gr if $self->{database};
    my ($status, $out, $err) = run_command('sqlite3', '-cmd', '.timeout 10000', $self->{db}, $statement);
    die "sqlite3: $err" if $status;
    chomp $out;
    return $out;
}

# Statements in a file.
sub read_file { my ($self, $file) = @_; return $self->{database} ? $self->{database}->read_file($file, $self->{node}) : $self->sql(".read $file") }

sub rows {
    my ($self, $query) = @_;
    return $self->{database}->rows($query, $self->{node}) if $self->{database};
    my ($status, $out, $err) = run_command('sqlite3', '-cmd', '.timeout 10000', '-json', $self->{db}, $query);
    die "sqlite3: $err" if $status;
    return @{ JSON::PP->new->utf8->decode($out || '[]') };
}

sub dump { my $self = shift; return $self->{database} ? $self->{database}->dump($self->{node}) : $self->sql('.dump') }

# What somebody reads who gets hold of the database: its files where they are ours to read, else all that is in it; by name.
sub stored {
    my $self = shift;
    return (dump => $self->dump) if $self->{database};
    return map { my $file = $_; open my $in, '<:raw', $file or die "$file: $!"; local $/; ($file => scalar <$in>) } grep { -f } glob "$self->{db}*";
}

# A copy of all that the registry's database holds, and back, whoever uses it meanwhile.
sub backup {
    my ($self, $file) = @_;
    return $self->{database} ? $self->{database}->backup($file, $self->{node}) : $self->sql(".backup $file");
}
sub restore {
    my ($self, $file) = @_;
    return $self->{database} ? $self->read_file($file) : $self->sql(".restore $file");
}

sub configtest {
    my $self = shift;
    my ($status, $out, $err) = run_command($httpd, '-f', $self->{conf}, '-t');
    return ($status, $out . $err);
}

sub start {
    my $self = shift;
    my $pid  = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$self->{dir}/stdout.log";
        open STDERR, '>>', "$self->{dir}/stderr.log";
        for my $name (CORE::keys %{ $self->{env} // {} }) {
            if (defined $self->{env}{$name}) { $ENV{$name} = $self->{env}{$name} }
            else                             { delete $ENV{$name} }
        }
        # A stopping httpd signals its whole process group, which must not be ours; and it ends when we do.
        setpgrp 0, 0;
        exec 'setpriv', '--pdeathsig', 'TERM', $httpd, '-f', $self->{conf}, '-DFOREGROUND';
    }
    $self->{pid} = $pid;
    $started{$pid} = $$;
    for (1 .. 300) {
        return $self if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 1);
        last if waitpid($pid, WNOHANG) == $pid;
        sleep 0.05;
    }
    die "httpd does not start: " . $self->error_log . qx{cat $self->{dir}/stderr.log};
}

sub stop {
    my $self = shift;
    my $pid = delete $self->{pid} // return;
    delete $started{$pid};
    kill TERM => $pid;
    for (1 .. 200) {
        return $? if waitpid($pid, WNOHANG) != 0;
        sleep 0.05;
    }
    kill KILL => $pid;
    waitpid $pid, 0;
    return;
}

sub kill_all {
    my $self = shift;
    my $pid = delete $self->{pid} // return;
    delete $started{$pid};
    # Its process group is its own: see start().
    kill KILL => -$pid;
    waitpid $pid, 0;
    return;
}

sub restart { my $self = shift; $self->stop; return $self->start }

# A graceful restart, done when the children are new ones.
sub graceful {
    my $self = shift;
    my %old = map { $_ => 1 } $self->children;
    kill USR1 => $self->{pid};
    for (1 .. 200) {
        sleep 0.05;
        return $self if grep { !$old{$_} } $self->children;
    }
    my @log = split /\n/, $self->error_log;
    die join "\n", 'no new children after a graceful restart; there are ' . join(' ', $self->children), @log[ ($#log > 30 ? $#log - 30 : 0) .. $#log ], '';
}

sub children {
    my $self = shift;
    return grep { /^\d+$/ } split /\s+/, qx{pgrep -P $self->{pid}};
}

# How many children there are, once they are `count`, or after 10 s: httpd answers before it has made them all.
sub wait_for_children {
    my ($self, $count) = @_;
    for (1 .. 200) {
        last if $self->children >= $count;
        sleep 0.05;
    }
    return scalar $self->children;
}

sub error_log {
    my $self = shift;
    open my $in, '<', $self->{log} or return '';
    local $/;
    return scalar <$in>;
}

sub DESTROY { my $self = shift; local $?; $self->stop if $self->{pid} && ($started{ $self->{pid} } // 0) == $$; return }

END {
    local $?;
    for my $pid (grep { $started{$_} == $$ } CORE::keys %started) { kill TERM => $pid }
    waitpid $_, 0 for grep { $started{$_} == $$ } CORE::keys %started;
}

1;
