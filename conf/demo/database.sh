#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Database servers of one's own, from the system's packages, on free ports of 127.0.0.1, for the demo and the tests:
#   database.sh pgsql|mysql|galera FOLDER
# starts them (galera: three nodes), writes FOLDER/database.env when they answer, and stays until SIGTERM or SIGINT,
# with which they end. They end with it too where it is killed. What is in FOLDER is kept, and served by the next start.
# As root, the servers run as nobody. database.env has, as shell assignments, WHK_DATABASE_DRIVER and
# WHK_DATABASE_PARAMS_1, _2, _3 (DBDriver's and DBDParams' arguments, by node), and WHK_DATABASE_SOCKET_1 …, by which the
# servers' own clients reach them as their administrator. nodeN.pid is the process, nodeN.sh starts it again.
set -eu

kind=${1:-}
folder=${2:-}
case $kind in
pgsql | mysql | galera) ;;
*)
    echo "usage: database.sh pgsql|mysql|galera FOLDER" >&2
    exit 2
    ;;
esac
mkdir -p "$folder"
folder=$(cd "$folder" && pwd -P)
chmod 711 "$folder"
rm -f "$folder/database.env"

as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=nobody --regid=$(id -gn nobody) --clear-groups"
    chown "nobody:$(id -gn nobody)" "$folder"
fi

fail() {
    echo "database.sh: $*" >&2
    if [ -s "$folder/node${node:-1}.log" ]; then
        echo "The end of $folder/node${node:-1}.log:" >&2
        tail -n 15 "$folder/node${node:-1}.log" >&2
    fi
    exit 1
}

# ---- what is kept: ports, and the password of the registry's user ----

free_port() {
    perl -MIO::Socket::INET -e '
        for (1 .. 1000) {
            my $port = 10_000 + int rand 20_000;
            next if grep { $_ == $port } @ARGV;
            if (IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $port)) { print $port; exit }
        }
        exit 1' "$@"
}
is_free() {
    perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1)' "$1"
}

ports=
taken=
if [ -s "$folder/ports" ]; then
    ports=$(cat "$folder/ports")
    for port in $ports; do is_free "$port" || taken=1; done
fi
if [ -z "$ports" ] || [ -n "$taken" ]; then
    ports=
    # A node of galera has one for clients, one for the group, one for each of the two ways to catch up.
    for port in 1 2 3 4 5 6 7 8 9 10 11 12; do
        # shellcheck disable=SC2086 # a list of numbers
        ports="$ports $(free_port $ports)"
    done
    echo "$ports" > "$folder/ports"
fi
nth() { echo "$ports" | awk -v n="$1" '{ print $n }'; }

if [ ! -s "$folder/password" ]; then
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > "$folder/password")
fi
password=$(cat "$folder/password")

# ---- servers ----

nodes=1
[ "$kind" != galera ] || nodes=3
data() { echo "$folder/node$1"; }

prepare_folder() {
    mkdir -p "$(data "$1")"
    [ -z "$as" ] || chown "nobody:$(id -gn nobody)" "$(data "$1")"
    chmod 700 "$(data "$1")"
}

# The command that the last arguments are, as a script, so that a test can start again what it killed; and start it. The
# signal is the one that has this server end quickly and in order.
start() {
    node=$1
    signal=$2
    shift 2
    {
        printf '#!/bin/sh\nexec %s setpriv --pdeathsig %s' "$as" "$signal"
        for word in "$@"; do printf " '%s'" "$word"; done
        printf ' >> "%s" 2>&1 < /dev/null\n' "$folder/node$node.log"
    } > "$folder/node$node.sh"
    : >> "$folder/node$node.log"
    [ -z "$as" ] || chown "nobody:$(id -gn nobody)" "$folder/node$node.log"
    sh "$folder/node$node.sh" &
    echo $! > "$folder/node$node.pid"
}
runs() { kill -0 "$(cat "$folder/node$1.pid")" 2> /dev/null; }

# Until the rest of the arguments succeeds.
await() {
    node=$1
    shift
    tries=0
    until "$@" > /dev/null 2>&1; do
        runs "$node" || fail "the server ended"
        tries=$((tries + 1))
        [ "$tries" -lt 1200 ] || fail "the server does not answer"
        sleep 0.1
    done
}

sleeper=
stop() {
    [ -z "$sleeper" ] || kill "$sleeper" 2> /dev/null || true
    # The first node of a cluster last: the next start begins with it.
    node=$nodes
    while [ "$node" -ge 1 ]; do
        if [ -s "$folder/node$node.pid" ]; then
            kill -"$stop_signal" "$(cat "$folder/node$node.pid")" 2> /dev/null || true
            tries=0
            while runs "$node" && [ "$tries" -lt 150 ]; do
                kill -CONT "$(cat "$folder/node$node.pid")" 2> /dev/null || true
                sleep 0.1
                tries=$((tries + 1))
            done
            kill -KILL "$(cat "$folder/node$node.pid")" 2> /dev/null || true
            rm -f "$folder/node$node.pid"
        fi
        node=$((node - 1))
    done
    rm -f "$folder/database.env"
}
trap stop EXIT
trap 'exit 0' INT TERM HUP

# ---- PostgreSQL ----

start_pgsql() {
    stop_signal=INT
    # shellcheck disable=SC2012 # names of Debian's own folders
    programs=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
    [ -n "$programs" ] || fail "PostgreSQL's server is not installed: apt-get install postgresql libaprutil1-dbd-pgsql"
    node=1
    prepare_folder 1
    if [ ! -s "$(data 1)/PG_VERSION" ]; then
        $as "$programs/initdb" -D "$(data 1)" -U postgres --auth-local=trust --auth-host=scram-sha-256 -E UTF8 \
            --locale=C.UTF-8 > "$folder/node1.log" 2>&1 || fail "initdb failed"
    fi
    # The socket is in a folder that is the administrator's alone, who is trusted there.
    start 1 INT "$programs/postgres" -D "$(data 1)" -p "$(nth 1)" -c listen_addresses=127.0.0.1 \
        -c "unix_socket_directories=$(data 1)" -c shared_buffers=32MB -c max_connections=300 -c lc_messages=C \
        -c log_checkpoints=off
    sql() { $as psql -qAtX -h "$(data 1)" -p "$(nth 1)" -U postgres -v ON_ERROR_STOP=1 "$@"; }
    await 1 sql -d postgres -c 'SELECT 1'
    if [ -z "$(sql -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'webhook_keys'")" ]; then
        sql -d postgres > /dev/null << SQL || fail "the registry's user and database can't be made"
SET client_min_messages = warning;
DROP ROLE IF EXISTS webhook_keys;
CREATE ROLE webhook_keys LOGIN PASSWORD '$password';
CREATE DATABASE webhook_keys OWNER webhook_keys;
SQL
    fi
    {
        echo "WHK_DATABASE_DRIVER=pgsql"
        echo "WHK_DATABASE_NODES=1"
        echo "WHK_DATABASE_PARAMS_1='host=127.0.0.1 port=$(nth 1) dbname=webhook_keys user=webhook_keys password=$password connect_timeout=5'"
        echo "WHK_DATABASE_SOCKET_1='$(data 1)'"
        echo "WHK_DATABASE_PORT_1=$(nth 1)"
    } > "$folder/database.env.new"
}

# ---- MariaDB, and Galera ----

# By a pipe: what stands in a command line, all users can read.
sql() { echo "$2" | $as mariadb --no-defaults -BN --socket="$(data "$1")/sock" -u root; }

start_mariadbd() {
    node=$1
    shift
    start "$node" TERM "$mariadbd" --no-defaults --datadir="$(data "$node")" --socket="$(data "$node")/sock" \
        --pid-file="$(data "$node")/pid" --bind-address=127.0.0.1 --port="$(nth "$node")" --skip-name-resolve \
        --character-set-server=utf8mb4 --innodb-buffer-pool-size=64M --innodb-log-file-size=32M --performance-schema=off \
        --max-connections=300 --innodb-flush-log-at-trx-commit=1 --skip-log-bin --log-bin-trust-function-creators=1 \
        --log-warnings=1 --lc-messages=en_US "$@"
}

make_mariadb_data() {
    $as mariadb-install-db --no-defaults --datadir="$(data "$1")" --skip-test-db \
        --auth-root-authentication-method=normal > "$folder/node$1.log" 2>&1
}

install_mariadb() {
    mariadbd=$(command -v mariadbd || echo /usr/sbin/mariadbd)
    [ -x "$mariadbd" ] || fail "MariaDB's server is not installed: apt-get install mariadb-server libaprutil1-dbd-mysql"
    [ "$kind" != galera ] || [ -e /usr/lib/galera/libgalera_smm.so ] ||
        fail "Galera is not installed: apt-get install mariadb-server galera-4 rsync libaprutil1-dbd-mysql"
    node=1
    while [ "$node" -le "$nodes" ]; do
        prepare_folder "$node"
        # The others get their data from the first.
        if [ ! -d "$(data "$node")/mysql" ] && { [ "$node" = 1 ] || [ "$kind" != galera ]; }; then
            # One of some hundred failed on a machine with much to do, and told no more than to ask for help.
            make_mariadb_data "$node" || { $as rm -rf "$(data "$node")"/* && make_mariadb_data "$node"; } ||
                fail "mariadb-install-db failed: $(grep -m 3 ERROR "$folder/node$node.log")"
        fi
        node=$((node + 1))
    done
}

make_mariadb_user() {
    sql 1 "CREATE DATABASE IF NOT EXISTS webhook_keys;
        CREATE USER IF NOT EXISTS 'webhook_keys'@'127.0.0.1' IDENTIFIED BY '$password';
        ALTER USER 'webhook_keys'@'127.0.0.1' IDENTIFIED BY '$password';
        GRANT ALL ON webhook_keys.* TO 'webhook_keys'@'127.0.0.1';
        GRANT ALL ON \`webhook_keys\\_%\`.* TO 'webhook_keys'@'127.0.0.1';" || fail "the registry's user and database can't be made"
    {
        echo "WHK_DATABASE_DRIVER=mysql"
        echo "WHK_DATABASE_NODES=$nodes"
        node=1
        while [ "$node" -le "$nodes" ]; do
            echo "WHK_DATABASE_PARAMS_$node='host=127.0.0.1,port=$(nth "$node"),dbname=webhook_keys,user=webhook_keys,pass=$password,reconnect=0'"
            echo "WHK_DATABASE_SOCKET_$node='$(data "$node")/sock'"
            echo "WHK_DATABASE_PORT_$node=$(nth "$node")"
            node=$((node + 1))
        done
    } > "$folder/database.env.new"
}

start_mysql() {
    stop_signal=TERM
    install_mariadb
    start_mariadbd 1
    await 1 sql 1 'SELECT 1'
    make_mariadb_user
}

start_galera_node() {
    node=$1
    shift
    start_mariadbd "$node" --wsrep-on=ON --wsrep-provider=/usr/lib/galera/libgalera_smm.so --binlog-format=ROW \
        --innodb-autoinc-lock-mode=2 --wsrep-cluster-name="webhook-keys-$(nth 4)" --wsrep-node-name="node$node" \
        --wsrep-cluster-address="gcomm://127.0.0.1:$(nth 4),127.0.0.1:$(nth 5),127.0.0.1:$(nth 6)" \
        --wsrep-node-address="127.0.0.1:$(nth $((node + 3)))" --wsrep-sst-method=rsync \
        --wsrep-sst-receive-address="127.0.0.1:$(nth $((node + 6)))" --wsrep-slave-threads=2 \
        --wsrep-provider-options="base_host=127.0.0.1;base_port=$(nth $((node + 3)));gmcast.listen_addr=tcp://127.0.0.1:$(nth $((node + 3)));ist.recv_addr=127.0.0.1:$(nth $((node + 9)));gcache.size=32M;evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S" \
        "$@"
}

# Of nodes that were killed, the one that has most begins.
seqno() {
    # shellcheck disable=SC2094 # the log is a log
    $as "$mariadbd" --no-defaults --datadir="$(data "$1")" --wsrep-on=ON --binlog-format=ROW --innodb-log-file-size=32M \
        --wsrep-provider=/usr/lib/galera/libgalera_smm.so --wsrep-recover --socket="$(data "$1")/sock" --port="$(nth "$1")" 2>&1 |
        sed -n 's/.*Recovered position.*:\(-\{0,1\}[0-9]*\)$/\1/p' | tail -n 1
}

choose_first() {
    first=1
    [ -s "$(data 1)/grastate.dat" ] || return 0
    for node in 3 2 1; do
        if grep -qs '^safe_to_bootstrap: *1' "$(data "$node")/grastate.dat"; then
            first=$node
            return 0
        fi
    done
    most=-2
    for node in 3 2 1; do
        [ -s "$(data "$node")/grastate.dat" ] || continue
        has=$(seqno "$node")
        if [ "${has:--1}" -ge "$most" ]; then
            most=${has:--1}
            first=$node
        fi
    done
    sed -i 's/^safe_to_bootstrap: .*/safe_to_bootstrap: 1/' "$(data "$first")/grastate.dat"
}

is_synced() { [ "$(sql "$1" "SHOW STATUS LIKE 'wsrep_local_state_comment'" | cut -f2)" = Synced ]; }

start_galera() {
    stop_signal=TERM
    install_mariadb
    choose_first
    start_galera_node "$first" --wsrep-new-cluster
    await "$first" is_synced "$first"
    # One after the other: each takes its data from one that is there.
    for other in 1 2 3; do
        if [ "$other" != "$first" ]; then
            start_galera_node "$other"
            await "$other" is_synced "$other"
        fi
    done
    make_mariadb_user
    # Who is started again joins the others.
    sed -i "s/ '--wsrep-new-cluster'//" "$folder/node$first.sh"
}

(umask 077 && : > "$folder/database.env.new")
"start_$kind"
mv "$folder/database.env.new" "$folder/database.env"
while :; do
    # A signal ends this wait, not that of a sleep in the foreground.
    sleep 1000 &
    sleeper=$!
    wait "$sleeper" || true
done
