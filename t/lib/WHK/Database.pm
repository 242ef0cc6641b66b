# SPDX-License-Identifier: Apache-2.0
package WHK::Database;

# Real database servers on loopback, by conf/demo/database.sh.
#   my $d = WHK::Database->new('pgsql');      of one's own, ended with it: to stop, kill and pause. 'mysql', 'galera' (three nodes)
#   my $d = WHK::Database->new('pgsql', dir => $d->dir);   again what was in that folder
#   my $d = WHK::Database->shared('pgsql');   one for all test files of a run, ended by t/run.sh
# ->kind ->driver (DBDriver's argument) ->nodes (how many)
# ->fresh    a new, empty database on it, which from here on is the one that the others mean
# ->params($node) (DBDParams' argument; nodes count from 1) ->dbname
# ->sql($statement, $node) rows as text, a tab between columns, as the owner of the database; dies where it fails. `||`
#   puts texts together on all of them.
# ->settle   wait until each node of a cluster has what any of them has committed
# ->read_file($name, $node) statements in a file
# ->rows($query, $node) hashes of columns; what is NULL is undef   ->dump($node) all that is in it, as text
# ->backup($file, $node) the same for ->read_file to put it back
# ->pause($node) ->resume($node) ->kill($node) ->start_node($node)   and ->pid($node)
# ->stop in good order   ->kill_all of its script, with which the servers end   ->processes_left in its folder

use strict;
use warnings;
use Encode qw(decode_utf8);
use Fcntl qw(:flock);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(sleep);
use WHK::Server;

my $script = "$WHK::Server::root/conf/demo/database.sh";
my $count  = 0;

sub read_env {
    my $file = shift;
    open my $in, '<', $file or return;
    return { map { /^(\w+)='?(.*?)'?$/ ? ($1 => $2) : () } <$in> };
}

sub wait_until_ready {
    my ($self, $is_alive) = @_;
    for (1 .. 1800) {
        if (-s "$self->{dir}/database.env") {
            $self->{env} = read_env("$self->{dir}/database.env");
            $self->{dbname} = 'webhook_keys';
            return $self;
        }
        die "$self->{kind} does not start: " . qx{tail -n 30 $self->{dir}/start.log} if !$is_alive->();
        sleep 0.1;
    }
    die "$self->{kind} takes too long to start";
}

sub new {
    my ($class, $kind, %o) = @_;
    my $self = bless { kind => $kind, dir => $o{dir} // tempdir('whk-db-XXXXXX', TMPDIR => 1, CLEANUP => 1), own => 1, owner => $$ }, $class;
    unlink "$self->{dir}/database.env";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/start.log";
        open STDERR, '>&', \*STDOUT;
        exec 'setpriv', '--pdeathsig', 'TERM', 'sh', $script, $kind, $self->{dir};
    }
    $self->{supervisor} = $pid;
    return $self->wait_until_ready(sub { waitpid($pid, WNOHANG) == 0 });
}

sub shared {
    my ($class, $kind) = @_;
    my $dir  = ($ENV{WHK_DATABASES} // die "no shared databases: run the tests by make -f Makefile.apxs test\n") . "/$kind";
    my $self = bless { kind => $kind, dir => $dir }, $class;
    make_path($dir);
    open my $lock, '>', "$dir.lock" or die "$dir.lock: $!";
    flock $lock, LOCK_EX;
    my $in;
    my $pid = open($in, '<', "$dir/supervisor.pid") ? <$in> : '';
    if (!$pid || !kill 0, $pid) {
        $pid = fork // die "fork: $!";
        if (!$pid) {
            # It outlives the file that happened to want it first; t/run.sh ends it.
            setsid;
            open STDIN,  '<', '/dev/null';
            open STDOUT, '>', "$dir/start.log";
            open STDERR, '>&', \*STDOUT;
            close $lock;
            exec 'sh', $script, $kind, $dir;
        }
        open my $out, '>', "$dir/supervisor.pid" or die "$dir/supervisor.pid: $!";
        print $out $pid;
        close $out;
    }
    return $self->wait_until_ready(sub { kill 0, $pid });
}

sub kind   { return $_[0]{kind} }
sub dir    { return $_[0]{dir} }
sub driver { return $_[0]{env}{WHK_DATABASE_DRIVER} }
sub nodes  { return $_[0]{env}{WHK_DATABASE_NODES} }
sub dbname { return $_[0]{dbname} }

sub params {
    my ($self, $node) = @_;
    return $self->{env}{ 'WHK_DATABASE_PARAMS_' . ($node // 1) } =~ s/dbname=\w+/dbname=$self->{dbname}/r;
}

sub as_administrator {
    my ($self, $statement, $node) = @_;
    my ($socket, $port) = @{ $self->{env} }{ map { "WHK_DATABASE_${_}_" . ($node // 1) } qw(SOCKET PORT) };
    my ($status, $out, $err) =
      $self->driver eq 'pgsql'
      ? WHK::Server::run_command('psql', '-qAtX', '-F', "\t", '-h', $socket, '-p', $port, '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-d', 'postgres', map { ('-c', $_) } split /;\n/, $statement)
      : WHK::Server::run_command('mariadb', '--no-defaults', '-BNr', "--socket=$socket", '-u', 'root', '-e', $statement);
    die "$statement: $err" if $status;
    return $out;
}

sub fresh {
    my $self = shift;
    my $name = sprintf 'webhook_keys_%d_%d', $$, ++$count;
    $self->as_administrator($self->driver eq 'pgsql' ? "CREATE DATABASE $name OWNER webhook_keys" : "CREATE DATABASE $name");
    $self->{dbname} = $name;
    return $self;
}

# Another one of the same server: each has its own ->fresh.
sub copy { my $self = shift; return bless { %$self, own => 0 }, ref $self }

# A program of the database's own, as the owner of the database.
sub run {
    my ($self, $node, $program, @options) = @_;
    my %param = map { split /=/, $_, 2 } split /[ ,]/, $self->params($node);
    local $ENV{PGPASSWORD} = $param{password};
    local $ENV{MYSQL_PWD}  = $param{pass};
    my ($status, $out, $err) = WHK::Server::run_command($program,
        $self->driver eq 'pgsql'
        ? ('-h', $param{host}, '-p', $param{port}, '-U', $param{user}, '-d', $param{dbname}, @options)
        : ('--no-defaults', '--default-character-set=utf8mb4', '--protocol=tcp', '-h', $param{host}, '-P', $param{port}, '-u', $param{user}, @options, $param{dbname}));
    die "$program: @options: $err" if $status;
    return $out;
}

my @psql    = qw(psql -qAtX -v ON_ERROR_STOP=1);
my @mariadb = ('mariadb', q(--init-command=SET SESSION sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')));

sub sql {
    my ($self, $statement, $node) = @_;
    my $out = $self->driver eq 'pgsql' ? $self->run($node, @psql, '-F', "\t", '-c', $statement) : $self->run($node, @mariadb, '-BNr', '-e', $statement);
    chomp $out;
    return $out;
}

sub settle {
    my $self = shift;
    $self->sql('SET wsrep_sync_wait = 1; SELECT 1', $_) for $self->kind eq 'galera' ? 1 .. $self->nodes : ();
    return $self;
}

sub read_file {
    my ($self, $file, $node) = @_;
    return $self->driver eq 'pgsql' ? $self->run($node, @psql, '-1', '-f', $file) : $self->run($node, @mariadb, '-BNr', '-e', "source $file");
}

sub rows {
    my ($self, $query, $node) = @_;
    return @{ JSON::PP->new->utf8->decode($self->run($node, @psql, '-c', "SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM ($query) r")) } if $self->driver eq 'pgsql';
    my %meant = (lt => '<', gt => '>', quot => '"', apos => "'", amp => '&');
    my @rows;
    for my $row ($self->run($node, @mariadb, '--xml', '-e', $query) =~ m{<row>(.*?)</row>}gs) {
        my %row;
        while ($row =~ m{<field name="(\w+)"(?: xsi:nil="true" />|>(.*?)</field>)}gs) {
            my ($name, $value) = ($1, $2);
            $row{$name} = defined $value ? decode_utf8($value =~ s/&(\w+);/$meant{$1}/gr) : undef;
        }
        push @rows, \%row;
    }
    return @rows;
}

# As statements, for ->read_file, that first take away what is there.
sub backup {
    my ($self, $file, $node) = @_;
    open my $out, '>:raw', $file or die "$file: $!";
    print $out $self->driver eq 'pgsql' ? $self->run($node, qw(pg_dump --clean --if-exists)) : $self->run($node, qw(mariadb-dump --single-transaction --no-tablespaces --hex-blob));
    return close $out;
}

sub dump {
    my ($self, $node) = @_;
    return $self->driver eq 'pgsql' ? $self->run($node, qw(pg_dump --inserts)) : $self->run($node, qw(mariadb-dump --single-transaction --no-tablespaces --routines));
}

sub pid {
    my ($self, $node) = @_;
    open my $in, '<', "$self->{dir}/node" . ($node // 1) . '.pid' or die "no such node: $!";
    chomp(my $pid = <$in>);
    return $pid;
}

# With all of its processes: PostgreSQL has one for each connection.
sub processes {
    my ($self, $node) = @_;
    my $pid = $self->pid($node);
    return ($pid, grep { /^\d+$/ } split /\s+/, qx{pgrep -P $pid});
}

sub pause  { my ($self, $node) = @_; kill STOP => $self->processes($node); return }
sub resume { my ($self, $node) = @_; kill CONT => $self->processes($node); return }

sub kill {
    my ($self, $node) = @_;
    my @pids = $self->processes($node);
    CORE::kill KILL => @pids;
    for (1 .. 100) {
        # Who was started again is our own child, and stays until it is waited for.
        last if !grep { waitpid($_, WNOHANG) != $_ && CORE::kill 0, $_ } @pids;
        sleep 0.05;
    }
    return;
}

sub start_node {
    my ($self, $node) = @_;
    $node //= 1;
    my $pid = fork // die "fork: $!";
    exec 'sh', "$self->{dir}/node$node.sh" if !$pid;
    open my $out, '>', "$self->{dir}/node$node.pid" or die "node$node.pid: $!";
    print $out "$pid\n";
    close $out;
    for (1 .. 600) {
        return $self if eval { $self->as_administrator($self->driver eq 'pgsql' ? 'SELECT 1' : 'SELECT 1', $node) =~ /1/ }
          && ($self->kind ne 'galera' || $self->as_administrator("SHOW STATUS LIKE 'wsrep_local_state_comment'", $node) =~ /Synced/);
        die "node $node of $self->{kind} ended: " . qx{tail -n 20 $self->{dir}/node$node.log} if waitpid($pid, WNOHANG) == $pid;
        sleep 0.1;
    }
    die "node $node of $self->{kind} does not answer";
}

sub end {
    my ($self, $signal) = @_;
    my $pid = delete $self->{supervisor} // return;
    CORE::kill $signal => $pid;
    waitpid $pid, 0;
    return $?;
}
sub stop     { return $_[0]->end('TERM') }
sub kill_all { return $_[0]->end('KILL') }

# After at most so many seconds.
sub processes_left {
    my ($self, $seconds) = @_;
    my @left;
    for (0 .. 10 * $seconds) {
        open my $out, '-|', 'pgrep', '-af', "$self->{dir}/" or die "pgrep: $!";
        @left = <$out> or last;
        sleep 0.1;
    }
    return join '', @left;
}

sub DESTROY { my $self = shift; local $?; $self->stop if $self->{own} && $self->{owner} == $$; return }

1;
