"""Throwaway MariaDB servers, links between them and relays, for the live tests, the demo and the benches.

    from servers import Server, Relay, ring, replica_of, wait_caught_up

    paris, lyon = start_servers("paris", "lyon")
    far = Relay(paris, delay_ms=40)
    ring(paris, lyon, through={(paris, lyon): far})
    lyon.query("REPLACE INTO shop.cache VALUES ('k', 'v')")
    wait_caught_up(paris, lyon)

All of it lives in one folder under the temporary folder and on 127.0.0.1, and is stopped and removed when the program
ends: normally, by an exception, SIGTERM, SIGINT or SIGHUP. If the program itself is killed, the kernel kills the servers, and
the next program that imports this module removes the folder. Any number of programs may do so at once.

Each server has: root without password over its socket; 'app' / 'apppw' with all rights on shop.*, from everywhere; 'repl' /
'replpw' for the links; an empty database shop; no anonymous users; and an empty binary log.
"""

import atexit
import ctypes
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import MySQLdb
import MySQLdb.cursors

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(HERE, "..", "..", "build"))
START_DEADLINE_S = 60
APP_USER, APP_PASSWORD = "app", "apppw"
REPL_USER, REPL_PASSWORD = "repl", "replpw"
CR_SERVER_GONE, CR_SERVER_LOST, CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR = 2006, 2013, 2002, 2003

# A server as the ring wants it (facts: one GTID domain a site, strict, healing on replay). {id} is the server's number.
RING_OPTIONS = {
    "server_id": "{id}",
    "gtid_domain_id": "{id}",
    "log_bin": "binlog",
    "log_slave_updates": 1,
    "gtid_strict_mode": 1,
    "gtid_ignore_duplicates": 1,
    "binlog_format": "MIXED",
    "slave_exec_mode": "IDEMPOTENT",
    "slave_net_timeout": 10,
    "auto_increment_increment": 16,
    "auto_increment_offset": "{id}",
    "binlog_expire_logs_seconds": 604800,
}
# Small and quick to start; nothing here changes what a statement does.
SMALL_OPTIONS = {
    "bind_address": "127.0.0.1",
    "skip_name_resolve": 1,
    "performance_schema": "OFF",
    "innodb_buffer_pool_size": "32M",
    "innodb_log_file_size": "16M",
    "aria_pagecache_buffer_size": "8M",
    "key_buffer_size": "1M",
    "max_connections": 1200,
    "character_set_server": "utf8mb4",
    "log_warnings": 2,
}
# What is lost when the machine crashes (none of them loses anything when only the server is killed, but for FAST). DURABLE: nothing.
# AS_INSTALLED, MariaDB's own defaults: perhaps the end of the binary log. TUNED: the last second of rows, which for a cache are
# misses, but no binary log, so that a site never gives out a GTID twice. LOOSE: both. A site that has lost the end of its
# binary log re-uses GTIDs that its successor holds already, and its link needs healing (facts 5.4, 8.3).
DURABLE = {"innodb_flush_log_at_trx_commit": 1, "sync_binlog": 1}
AS_INSTALLED = {"innodb_flush_log_at_trx_commit": 1, "sync_binlog": 0}
TUNED = {"innodb_flush_log_at_trx_commit": 2, "sync_binlog": 1}
LOOSE = {"innodb_flush_log_at_trx_commit": 2, "sync_binlog": 0}
FAST = {"innodb_flush_log_at_trx_commit": 0, "sync_binlog": 0, "innodb_flush_method": "nosync"}

_folder = None
_folder_lock = None
_owner = os.getpid()
_living = []
_next_id = 0


class NotReady(Exception):
    pass


# ---------------------------------------------------------------- the folder, and leaving nothing behind


def folder():
    """This program's folder, made when first asked for."""
    global _folder, _folder_lock
    if _folder is None:
        sweep_abandoned_folders()
        _folder = tempfile.mkdtemp(prefix="roundabout-live.")
        # Held for this program's life: a folder whose lock is free has no owner any more.
        _folder_lock = open(os.path.join(_folder, "lock"), "w")
        fcntl.flock(_folder_lock, fcntl.LOCK_EX)
    return _folder


def counters(path):
    """A folder in which daemons and programs of any user share their pages, instead of this machine's own, made if it isn't there."""
    if not os.path.isdir(path):
        os.mkdir(path)
        os.chmod(path, 0o1777)
    return path


def counters_text(path):
    """The setting that says so."""
    return f'stats = {{ directory = "{path}"; }};\n'


def sweep_abandoned_folders():
    for name in os.listdir(tempfile.gettempdir()):
        path = os.path.join(tempfile.gettempdir(), name)
        if not name.startswith("roundabout-live."):
            continue
        try:
            status = os.lstat(path)
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < 60:
                continue
            with open(os.path.join(path, "lock"), "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def clean_up():
    """Stops everything and removes the folder. Harmless when called again; does nothing in a forked child."""
    global _folder
    if os.getpid() != _owner:
        return
    for thing in list(_living):
        thing.kill()
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = None


def leave_on_signal(number, _frame):
    sys.exit(128 + number)


atexit.register(clean_up)
for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    if threading.current_thread() is threading.main_thread():
        signal.signal(_number, leave_on_signal)

_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _die_with(parent):
    """In the child, before exec. It also gets a process group of its own, so the terminal's Ctrl-C is for us alone."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.setpgid(0, 0)


def spawn(arguments, environment=None, **kw):
    """Popen for a child that dies with this program, in this program's own environment without a preload, or in the one given. Only in the main thread: the kernel counts the thread's end as the parent's."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("spawn() in a thread: the child would die as the thread ends")
    if environment is None:
        environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD" and not k.startswith("MYSQL")}
    parent = os.getpid()
    return subprocess.Popen(arguments, preexec_fn=lambda: _die_with(parent), env=environment, stdin=subprocess.DEVNULL, **kw)


def end_child(process, signals=(signal.SIGKILL,), patience_s=20):
    """Ends one child by its id, with one signal after another, and waits until it's gone."""
    for number in signals:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue


# ---------------------------------------------------------------- waiting


def wait_for(condition, deadline_s=20, what=None, pause_s=0.005):
    """Calls condition() until it returns something true, which is returned. NotReady after deadline_s."""
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= end:
            raise NotReady(f"not within {deadline_s} s: {what or getattr(condition, '__name__', 'the condition')}")
        time.sleep(pause_s)


def free_port():
    """A port of 127.0.0.1 that is free now, below those that the kernel gives to clients by itself, so it stays
    free over a restart of the server that owns it."""
    while True:
        port = random.randint(15000, 31999)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


# ---------------------------------------------------------------- servers


def find_program(*names):
    for name in names:
        path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec:/usr/local/sbin")
        if path:
            return path
    raise NotReady(f"{names[0]} is not installed; `make deps` installs it")


def as_root_user():
    return ["--user=root"] if os.getuid() == 0 else []


def made_once(name, make):
    """The path of what make() makes in this program's folder: once a program, or once for all that tests/run.py runs, which names a
    folder for it."""
    place = os.environ.get("ROUNDABOUT_TEMPLATES") or folder()
    path = os.path.join(place, name)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            made = make()
            if made != path:
                shutil.move(made, path + ".part")
                os.rename(path + ".part", path)
    return path


def template():
    """A data directory that every server starts as a copy of; about a second."""
    return made_once("template", make_template)


def make_template():
    path = os.path.join(folder(), "template")
    quick = [
        "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=16M", "--performance-schema=OFF", "--innodb-doublewrite=0",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--character-set-server=utf8mb4",
    ]
    log = os.path.join(folder(), "template.log")
    # Servers clear the temporary tables of a temporary folder when they start, those of other servers too.
    os.makedirs(path + ".tmp", exist_ok=True)
    with open(log, "w") as out:
        install = spawn(
            [find_program("mariadb-install-db", "mysql_install_db"), "--no-defaults", f"--datadir={path}", "--skip-test-db", "--force",
             "--auth-root-authentication-method=normal", f"--tmpdir={path}.tmp", *as_root_user(), *quick],
            stdout=out, stderr=out)
        if install.wait(START_DEADLINE_S) != 0:
            shutil.rmtree(path, ignore_errors=True)
            raise NotReady(f"mariadb-install-db failed:\n{open(log).read()}")
    # The accounts are made here once, by a server that has no binary log yet.
    seed = Server("template-seed", datadir=path, port=None, ring_member=False, durability=FAST)
    seed.start()
    for statement in (
        "DELETE FROM mysql.global_priv WHERE user = '' OR (user = 'root' AND host <> 'localhost')",
        "FLUSH PRIVILEGES",
        "CREATE DATABASE shop",
        f"CREATE USER '{APP_USER}'@'%' IDENTIFIED BY '{APP_PASSWORD}'",
        f"CREATE USER '{APP_USER}'@'localhost' IDENTIFIED BY '{APP_PASSWORD}'",
        f"GRANT ALL ON shop.* TO '{APP_USER}'@'%'",
        f"GRANT ALL ON shop.* TO '{APP_USER}'@'localhost'",
        f"CREATE USER '{REPL_USER}'@'%' IDENTIFIED BY '{REPL_PASSWORD}'",
        f"GRANT REPLICATION SLAVE ON *.* TO '{REPL_USER}'@'%'",
    ):
        seed.query(statement)
    seed.stop()
    return path


class Server:
    """One MariaDB server. Made, it isn't running yet: start() it. `options` are server variables by name; None takes one out."""

    def __init__(self, name=None, *, id=None, port=0, durability=LOOSE, ring_member=True, datadir=None, **options):
        """id: server_id, GTID domain and auto_increment offset; by default counted from 1. port: 0 finds one, None listens on
        the socket only. durability: one of the five above. ring_member=False leaves out binary log and GTID settings."""
        global _next_id
        if id is None and not datadir:
            _next_id += 1
        self.id = id or _next_id or 1
        self.name = name or f"server{self.id}"
        self.options = {**SMALL_OPTIONS, **durability, **(RING_OPTIONS if ring_member else {}), **options}
        self.port = port
        self.process = None
        self.datadir = datadir or os.path.join(folder(), f"{self.name}.{self.id}")
        # Not in the datadir: the path of a unix socket may be no longer than 107 bytes, and it is never copied.
        self.socket = os.path.join(folder(), f"{self.name}.{self.id}.sock")
        # A server that starts removes whatever another has in the same folder for temporary tables.
        self.tmpdir = os.path.join(folder(), f"{self.name}.{self.id}.tmp")
        self.log = os.path.join(self.datadir, "error.log")
        self._connections = threading.local()

    def __repr__(self):
        return f"<{self.name} id {self.id} port {self.port}>"

    def arguments(self):
        port = ["--skip-networking"] if self.port is None else [f"--port={self.port}"]
        options = [
            f"--{name.replace('_', '-')}={str(value).format(id=self.id)}"
            for name, value in self.options.items() if value is not None
        ]
        return [
            find_program("mariadbd", "mysqld"), "--no-defaults", f"--datadir={self.datadir}", f"--tmpdir={self.tmpdir}", f"--socket={self.socket}",
            f"--pid-file={self.datadir}/server.pid", f"--log-error={self.log}", *as_root_user(), *port, *options,
        ]

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def start(self, wait=True, **options):
        """Starts it, and unless wait is False waits until it answers. `options` change the server's options from now on."""
        self.options.update(options)
        if self.is_running():
            raise RuntimeError(f"{self.name} is running already")
        if not os.path.exists(self.datadir):
            shutil.copytree(template(), self.datadir)
        # A server that starts removes all temporary tables that it finds in its tmpdir, those of others in /tmp as well.
        os.makedirs(self.datadir + ".tmp", exist_ok=True)
        self._may_change_port = self.port == 0
        self._spawn()
        if wait:
            self.wait_ready()
        return self

    def _spawn(self):
        if self.port == 0:
            self.port = free_port()
        os.makedirs(self.tmpdir, exist_ok=True)
        with open(os.path.join(self.datadir, "stdout.log"), "a") as out:
            self._log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
            self.process = spawn(self.arguments(), stdout=out, stderr=out)
        if self not in _living:
            _living.append(self)

    def read_log(self, since_start=False):
        try:
            with open(self.log, errors="replace") as log:
                log.seek(self._log_start if since_start else 0)
                return log.read()
        except FileNotFoundError:
            return ""

    def wait_ready(self, deadline_s=START_DEADLINE_S):
        """Waits until it answers a statement. A server whose port was taken meanwhile gets another one."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if not self.is_running():
                log = self.read_log(since_start=True)
                if self._may_change_port and "Address already in use" in log:
                    self.port = 0
                    self._spawn()
                    continue
                raise NotReady(f"{self.name} did not start:\n{log[-3000:]}")
            try:
                MySQLdb.connect(unix_socket=self.socket, user="root", connect_timeout=5).close()
                return self
            except MySQLdb.OperationalError as e:
                if e.args[0] not in (CR_CONNECTION_ERROR, CR_SERVER_LOST, CR_SERVER_GONE):
                    raise
                time.sleep(0.01)
        raise NotReady(f"{self.name} is not ready after {deadline_s} s:\n{self.read_log(since_start=True)[-3000:]}")

    def stop(self):
        """As an operator would: SIGTERM, and SIGKILL only if that isn't enough."""
        if self.process:
            self.thaw()
            end_child(self.process, (signal.SIGTERM, signal.SIGKILL))
        self._forget()

    def kill(self):
        """As the out-of-memory killer would."""
        if self.process:
            end_child(self.process)
        self._forget()

    def _forget(self):
        self._connections = threading.local()
        if self in _living:
            _living.remove(self)

    def freeze(self):
        """Stays connected and answers nothing, until thaw()."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        if self.is_running():
            self.process.send_signal(signal.SIGCONT)

    def restart(self, wait=True, **options):
        self.stop()
        return self.start(wait=wait, **options)

    def connect(self, **kw):
        """A new connection, by default of root over the socket, in autocommit, with time limits so that no test hangs in C."""
        settings = {"user": "root", "connect_timeout": 10, "read_timeout": 60, "autocommit": True, "charset": "utf8mb4"}
        if "host" not in kw:
            settings["unix_socket"] = self.socket
        elif "port" not in kw:
            settings["port"] = self.port
        return MySQLdb.connect(**{**settings, **kw})

    def query(self, sql, *args):
        """Runs one statement as root on a connection kept for this thread, and returns its rows (a tuple of tuples). Reconnects
        when the server was restarted in between."""
        cached = getattr(self._connections, "it", None)
        for connection in ([cached] if cached else []) + [None]:
            connection = connection or self.connect()
            self._connections.it = connection
            try:
                cursor = connection.cursor()
                try:
                    cursor.execute(sql, args or None)
                    return cursor.fetchall()
                finally:
                    cursor.close()
            except MySQLdb.OperationalError as e:
                self._connections.it = None
                if e.args[0] not in (CR_SERVER_GONE, CR_SERVER_LOST) or connection is not cached:
                    raise

    def one(self, sql, *args):
        """The first column of the first row, or None."""
        rows = self.query(sql, *args)
        return rows[0][0] if rows else None

    def unlogged(self, *statements):
        """Runs statements that don't travel to other servers."""
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("SET SESSION sql_log_bin = 0")
        for statement in statements:
            cursor.execute(statement)
        connection.close()

    def slave_status(self):
        """SHOW SLAVE STATUS as a dictionary, {} without a link."""
        connection = self.connect()
        try:
            cursor = connection.cursor(MySQLdb.cursors.DictCursor)
            cursor.execute("SHOW SLAVE STATUS")
            return cursor.fetchone() or {}
        finally:
            connection.close()

    def link_runs(self):
        status = self.slave_status()
        return status.get("Slave_IO_Running") == "Yes" and status.get("Slave_SQL_Running") == "Yes"

    def own_position(self):
        """The last GTID of this server's own domain in its binary log, or None."""
        domain = str(self.one("SELECT @@GLOBAL.gtid_domain_id"))
        for gtid in self.one("SELECT @@GLOBAL.gtid_binlog_pos").split(","):
            if gtid.split("-")[0] == domain:
                return gtid
        return None

    def checksum(self, table="shop.cache"):
        """Rows and checksum of the rows' contents, the same wherever the rows are."""
        return self.one(f"SELECT COUNT(*) FROM {table}"), self.query(f"CHECKSUM TABLE {table}")[0][1]


def start_servers(*names, **kw):
    """Starts servers of these names side by side and returns them as a list, or the server itself if there is one name."""
    servers = [Server(name, **kw) for name in names]
    for server in servers:
        server.start(wait=False)
    for server in servers:
        server.wait_ready()
    return servers if len(servers) > 1 else servers[0]


def make_cache_table(*servers, table="shop.cache"):
    """The cache table in the form that heals (a second unique index, facts 2.4), made at each server without logging it."""
    for server in servers:
        server.unlogged(
            f"CREATE TABLE {table} (k VARBINARY(255) NOT NULL PRIMARY KEY, v MEDIUMBLOB NOT NULL,"
            " ring_u TINYINT NULL DEFAULT NULL INVISIBLE, UNIQUE KEY ring_u (ring_u)) ENGINE=InnoDB")


# ---------------------------------------------------------------- links


def replica_of(replica, source, relay=None, wait=True, connect_retry_s=1):
    """Makes `replica` follow `source`, through the relay if one is given."""
    port = relay.port if relay else source.port
    replica.query("STOP SLAVE")
    replica.query(
        f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={port}, MASTER_USER='{REPL_USER}',"
        f" MASTER_PASSWORD='{REPL_PASSWORD}', MASTER_CONNECT_RETRY={connect_retry_s}, MASTER_HEARTBEAT_PERIOD=2,"
        " MASTER_USE_GTID=slave_pos")
    replica.query("START SLAVE")
    if wait:
        wait_for(replica.link_runs, what=f"{replica.name} follows {source.name}", pause_s=0.02)


def ring(*servers, through=None):
    """Each server follows the one before it, the first the last. through: {(source, replica): relay}."""
    pairs = [(servers[i - 1], servers[i]) for i in range(len(servers))]
    for source, replica in pairs:
        replica_of(replica, source, (through or {}).get((source, replica)), wait=False)
    for source, replica in pairs:
        wait_for(replica.link_runs, what=f"{replica.name} follows {source.name}", pause_s=0.02)


def wait_caught_up(*servers, origins=None, deadline_s=30):
    """Waits until each server has all that each origin (by default each of the servers) has written itself so far."""
    for origin in origins or servers:
        position = origin.own_position()
        for server in servers:
            if server is origin or not position:
                continue
            if server.one("SELECT MASTER_GTID_WAIT(%s, %s)", position, deadline_s) != 0:
                raise NotReady(f"{server.name} lacks {position} of {origin.name} after {deadline_s} s: {server.slave_status()}")


# ---------------------------------------------------------------- relays


class Relay:
    """build/wan, running: a distance of delay_ms each way in front of a server (`to`: a Server or an address as wan takes it)."""

    def __init__(self, to, delay_ms=40, listen="127.0.0.1:0"):
        self.to = f"127.0.0.1:{to.port}" if isinstance(to, Server) else to
        self.delay_ms = delay_ms
        self.listen = listen
        self.port = None
        self.process = None
        self.summary = None
        self.start()

    def start(self):
        """Called by the constructor; again after stop() or kill(), at the same port."""
        program = os.path.join(BUILD, "wan")
        if not os.path.exists(program):
            raise NotReady(f"{program} is not built; run make")
        listen = self.listen if self.port is None else f"127.0.0.1:{self.port}"
        self.process = spawn([program, "--listen", listen, "--to", self.to, "--delay-ms", str(self.delay_ms)],
                             stdout=subprocess.PIPE, text=True)
        _living.append(self)
        words = self._said("listening on").split()
        if not self.listen.startswith("unix:"):
            self.port = int(words[2].rsplit(":", 1)[1])
        return self

    def _said(self, beginning):
        """Reads on to a line that begins so. The relay says one line for each thing it was told to do."""
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line
        raise NotReady(f"the relay has ended, status {self.process.wait()}")

    def partition(self):
        """Nothing moves any more; connections stay. Returns when it is so."""
        self.process.send_signal(signal.SIGUSR1)
        self._said("partitioned")

    def heal(self):
        self.process.send_signal(signal.SIGUSR2)
        self._said("healed")

    def stop(self):
        """Ends it; its connections are closed. summary: what it says of its own punctuality."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.summary = self.process.stdout.read().strip()
            end_child(self.process)
        self._forget()

    def kill(self):
        end_child(self.process)
        self._forget()

    def _forget(self):
        self.process.stdout.close()
        if self in _living:
            _living.remove(self)
