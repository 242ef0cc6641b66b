# SPDX-License-Identifier: Apache-2.0
"""Registries of a size for t/bench/scale.py, each with a database and an httpd of its own below a folder.

BUILD, APXS and BARE (mod_bare.so of t/bench/run.sh) come by the environment. Whatever was started ends with us.
"""

import atexit
import base64
import contextlib
import glob
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
BUILD = os.path.join(HERE, os.environ["BUILD"])
IS_ROOT = os.getuid() == 0


def apxs(name):
    return subprocess.run([os.environ["APXS"], "-q", name], check=True, capture_output=True, text=True).stdout.strip()


HTTPD = f"{apxs('SBINDIR')}/{apxs('PROGNAME')}"
MODULES = apxs("LIBEXECDIR")
# What we hold must not keep another one's port: below the range of ports that connections get.
PORTS = iter(range(10000 + os.getpid() % 8000, 30000))


def free_port():
    for port in PORTS:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


def wait_until(true, what, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} takes too long")
        time.sleep(0.02)


# ---- processes ----

def parents():
    """Of each process, its parent."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            found[int(pid)] = int(stat.read().rsplit(b")", 1)[1].split()[1])
    return found


def with_descendants(pid):
    known = parents()
    family = [pid]
    for member in family:
        family += [child for child, parent in known.items() if parent == member]
    return family


def cpu_seconds(pids):
    """User and system time, by the clock that Linux keeps for each process: to the nanosecond, where
    /proc/PID/stat counts in hundredths of a second."""
    total = 0.0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += time.clock_gettime((~pid << 3) | 2)
    return total


def start_process(command, **how):
    process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], start_new_session=True, **how)
    atexit.register(stop_process, process)
    return process


def stop_process(process, signal_number=signal.SIGTERM):
    if process.poll() is not None:
        return
    process.send_signal(signal_number)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


# ---- databases ----

class SQLite:
    driver = "sqlite3"
    jobs = 1
    environment = {}

    def __init__(self, folder):
        self.file = self.params = f"{folder}/registry/registry.db"
        os.makedirs(os.path.dirname(self.file), exist_ok=True)
        self.client = f"sqlite3 -bail {self.file}"
        self.give_to_httpd()

    def give_to_httpd(self):
        if IS_ROOT:
            subprocess.run(["chown", "-R", "nobody", os.path.dirname(self.file)], check=True)

    def before_fill(self):
        pass

    def after_fill(self):
        self.give_to_httpd()

    def processes(self):
        return []

    def stop(self):
        pass


class Server:
    """A database server of its own, by conf/demo/database.sh."""
    jobs = 2

    def __init__(self, folder):
        self.folder = f"{folder}/database"
        os.makedirs(self.folder, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/database.env")
        with open(f"{folder}/database.log", "w") as log:
            self.process = start_process(["sh", f"{HERE}/conf/demo/database.sh", self.driver, self.folder],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: os.path.exists(f"{self.folder}/database.env") or self.process.poll() is not None,
                   f"the start of {self.driver}", 180)
        with open(f"{self.folder}/database.env") as lines:
            values = dict(line.rstrip("\n").split("=", 1) for line in lines)
        values = {name: value.strip("'") for name, value in values.items()}
        self.params = values["WHK_DATABASE_PARAMS_1"]
        self.socket = values["WHK_DATABASE_SOCKET_1"]
        self.port = values["WHK_DATABASE_PORT_1"]
        with open(f"{self.folder}/node1.pid") as pid:
            self.pid = int(pid.read())

    def ask(self, statement):
        """As the server's administrator: rows as text."""
        return subprocess.run(f"{self.client}{self.plain}", shell=True, input=statement, check=True, capture_output=True,
                              text=True, env={**os.environ, **self.environment}).stdout

    def processes(self):
        return with_descendants(self.pid)

    def stop(self):
        stop_process(self.process)


class PostgreSQL(Server):
    driver = "pgsql"
    plain = " -At"
    # What a load that fails does not spoil, since it is begun anew.
    while_filling = {"fsync": "off", "full_page_writes": "off", "max_wal_size": "4GB", "maintenance_work_mem": "256MB"}

    def __init__(self, folder):
        super().__init__(folder)
        self.environment = {"PGHOST": self.socket, "PGPORT": self.port, "PGUSER": "postgres"}
        self.client = "psql -qX -v ON_ERROR_STOP=1 -d webhook_keys"
        # Its work would be counted for that of the requests that it meets.
        self.set(autovacuum="off")

    def set(self, **values):
        self.ask("".join(f"ALTER SYSTEM SET {name} = '{value}';\n" if value else f"ALTER SYSTEM RESET {name};\n"
                         for name, value in values.items()) + "SELECT pg_reload_conf();\n")

    def before_fill(self):
        self.set(**self.while_filling)

    def after_fill(self):
        self.set(**dict.fromkeys(self.while_filling))
        self.ask("CHECKPOINT;")

    def log_statements(self, on):
        self.set(log_statement="all" if on else None)
        time.sleep(1)

    def statements(self, kinds=("statement: ", "execute ")):
        """How many statements clients have sent while log_statements() was on: as text, or prepared before."""
        with open(f"{self.folder}/node1.log", errors="replace") as log:
            return sum(any(f" LOG:  {kind}" in line for kind in kinds) for line in log)


class MariaDB(Server):
    driver = "mysql"
    plain = " -BN"

    def __init__(self, folder):
        super().__init__(folder)
        self.environment = {}
        self.client = f"mariadb --no-defaults --socket={self.socket} -u root webhook_keys"

    def before_fill(self):
        self.ask("SET GLOBAL innodb_flush_log_at_trx_commit = 0;")

    def after_fill(self):
        self.ask("SET GLOBAL innodb_flush_log_at_trx_commit = 1;")


DATABASES = {"sqlite": SQLite, "pgsql": PostgreSQL, "mysql": MariaDB}

CONFIGURATION = """
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{folder}/httpd.pid"
ErrorLog "{folder}/error.log"
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dbd_module {modules}/mod_dbd.so
LoadModule webhook_keys_module {build}/mod_webhook_keys.so
LoadModule bare_module {bare}
LogLevel warn
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers {children}
ServerLimit {children}
ThreadsPerChild {threads}
ThreadLimit 64
MaxRequestWorkers {workers}
MinSpareThreads 1
MaxSpareThreads {workers}
DBDriver {driver}
DBDParams "{params}"
DBDKeep {threads}
DBDMax {threads}
WebhookKeysSecretKeyFile {folder}/secret.key
WebhookKeysMaxActive 10000
WebhookKeysAlgorithms EdDSA
<Location "/bare">
    SetHandler bare
</Location>
<Location "/api/policy/v1">
    SetHandler webhook-keys
    AuthType Bearer
    AuthName bench
    Require webhook-keys-admin
</Location>
<LocationMatch "^/hooks/(?<ENTERPRISE>[^/]+)">
    SetHandler bare
    AuthType WebhookSignature
    AuthName bench
    WebhookKeysEnterprise "%{{env:MATCH_ENTERPRISE}}"
    WebhookKeysSignature jws-detached Webhook-Signature
    WebhookKeysMaxAge 86400
    Require valid-webhook
</LocationMatch>
"""


def schema_digest(driver):
    """Another one for each schema: what was kept is of no use to it."""
    digest = hashlib.sha256()
    for file in sorted(glob.glob(f"{HERE}/conf/schema/{driver}/*.sql")):
        with open(file, "rb") as text:
            digest.update(text.read())
    return digest.hexdigest()


class Registry:
    """One of a database and a shape (make_registry's settings), filled unless `folder` has it already."""

    def __init__(self, kind, folder, **shape):
        self.folder, self.shape, self.httpd = folder, shape, None
        self.fill_seconds = None  # None: it was there
        self.port = free_port()
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        mark = f"{folder}/filled"
        wanted = json.dumps({**shape, "schema": schema_digest(DATABASES[kind].driver)})
        is_kept = os.path.exists(mark) and open(mark).read() == wanted
        if not is_kept:
            shutil.rmtree(folder)
            os.makedirs(folder)
        self.database = DATABASES[kind](folder)
        self.configure(1, 16)
        if not is_kept:
            self.fill()
            with open(mark, "w") as out:
                out.write(wanted)
        with open(f"{folder}/private_keys") as lines:
            self.private_keys = [base64.urlsafe_b64decode(line.strip() + "=") for line in lines]
        with open(f"{folder}/admins") as lines:
            self.admins = [line.split() for line in lines]

    def fill(self):
        started = time.monotonic()
        self.whkctl("init")
        self.database.before_fill()
        subprocess.run([f"{BUILD}/make_registry", self.database.driver, f"{self.folder}/secret.key", self.folder,
                        self.database.client, f"jobs={self.database.jobs}", *(f"{name}={value}" for name, value in self.shape.items())],
                       check=True, env={**os.environ, **self.database.environment})
        self.database.after_fill()
        self.fill_seconds = time.monotonic() - started

    def whkctl(self, *arguments):
        subprocess.run([f"{BUILD}/whkctl", "--httpd", HTTPD, "-f", f"{self.folder}/httpd.conf", *arguments], check=True,
                       stdout=subprocess.DEVNULL)

    def configure(self, children, threads):
        with open(f"{self.folder}/httpd.conf", "w") as out:
            out.write(CONFIGURATION.format(
                folder=self.folder, port=self.port, modules=MODULES, build=BUILD, bare=os.environ["BARE"], children=children,
                threads=threads, workers=children * threads, driver=self.database.driver, params=self.database.params,
                user="User nobody\nGroup nogroup" if IS_ROOT else ""))

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"GET /bare HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(15).startswith(b"HTTP/1.1 200")
        return False

    def start(self, children=1, threads=16):
        """An httpd, until its listener answers. How long that took, in seconds."""
        self.configure(children, threads)
        started = time.monotonic()
        self.httpd = start_process([HTTPD, "-DFOREGROUND", "-f", f"{self.folder}/httpd.conf"])
        wait_until(lambda: self.httpd.poll() is not None or self.answers(), "the start of httpd", 600)
        took = time.monotonic() - started
        if self.httpd.poll() is not None:
            with open(f"{self.folder}/error.log") as log:
                raise RuntimeError("httpd does not start: " + log.read()[-2000:])
        return took

    def stop(self):
        if self.httpd:
            stop_process(self.httpd)
            self.httpd = None

    def end(self):
        self.stop()
        self.database.stop()

    def children(self):
        return [pid for pid, parent in parents().items() if parent == self.httpd.pid]

    def wait_for_children(self, count, others=()):
        """Until there are so many, none of them among `others`."""
        wait_until(lambda: len([pid for pid in self.children() if pid not in others]) >= count, "a child", 120)

    def cpu(self):
        """CPU seconds of httpd, and of the database's server."""
        return cpu_seconds(with_descendants(self.httpd.pid) + self.database.processes())

    def active_key(self):
        """The number of the last key of an enterprise, which is ACTIVE."""
        return self.shape["keys"]

    def private_key(self, index):
        return self.private_keys[(index + self.active_key()) % len(self.private_keys)]
