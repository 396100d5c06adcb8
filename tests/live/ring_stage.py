"""A ring of sites for the live tests and the demo: real servers, a daemon and a configuration file for each, relays between them.

    stage = Stage(3, delay_ms=5)          # sites a, b, c in ring order, no links yet
    stage.start_daemons()                 # the daemons make the ring
    stage.wait_whole()

Each site has its own file, in which another site's address is that of the relay from here to there.
"""

import os
import json
import signal
import subprocess
import threading
import time

import servers
from servers import BUILD, Relay, Server, wait_for

MONITOR_USER, MONITOR_PASSWORD = "roundabout", "m0nitor-s3cret"
LINK_USER, LINK_PASSWORD = "roundabout_link", "l1nk-s3cret"
GRANTS = (
    "GRANT SLAVE MONITOR, BINLOG MONITOR, REPLICATION SLAVE ADMIN ON *.* TO {user}",
    "GRANT SELECT, INSERT, DELETE, CREATE ON roundabout.* TO {user}",
    "GRANT SELECT ON shop.* TO {user}",
)
# For repairing keys that differ between sites.
REPAIR_GRANTS = ("GRANT INSERT, DELETE ON shop.* TO {user}",)
# For making the replication user, which a fresh ring wants.
ACCOUNT_GRANTS = (
    "GRANT BINLOG ADMIN, CREATE USER ON *.* TO {user}",
    "GRANT REPLICATION SLAVE ON *.* TO {user} WITH GRANT OPTION",
    "GRANT SELECT ON mysql.* TO {user}",
)
MYSQL_GRANTS = (
    "GRANT REPLICATION CLIENT, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, SESSION_VARIABLES_ADMIN, REPLICATION_APPLIER,"
    " CREATE USER ON *.* TO {user}",
    "GRANT REPLICATION SLAVE ON *.* TO {user} WITH GRANT OPTION",
    "GRANT SELECT ON performance_schema.* TO {user}",
    "GRANT SELECT ON mysql.* TO {user}",
    "GRANT SELECT, INSERT, DELETE, CREATE ON roundabout.* TO {user}",
    "GRANT SELECT ON shop.* TO {user}",
)
CONFIG = """
local = {{ socket = "{socket}"; }};
caches = ( {{ name = "pages"; tables = {tables}; }} );
log_level = "debug";
journal = {{ file = "{journal}"; }};
{counters}site = "{site}";
ring = {{
    sites = (
{sites}
    );
    replication = {{ user = "{link_user}"; password_file = "{link_file}"; tls = {link_tls}; }};
    monitor = {{ user = "{monitor_user}"; password_file = "{monitor_file}"; tls = {tls}; }};
{settings}
}};
"""


def secret_file(name, secret):
    path = os.path.join(servers.folder(), name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write(secret + "\n")
    return path


def grant_monitor(server, grants=GRANTS + ACCOUNT_GRANTS):
    user = f"'{MONITOR_USER}'@'%'"
    server.unlogged(f"DROP USER IF EXISTS {user}", f"CREATE USER {user} IDENTIFIED BY '{MONITOR_PASSWORD}'",
                    *(grant.format(user=user) for grant in grants))


def tls_setting(tls):
    return json.dumps(bool(tls)) + (f'; tls_ca = "{tls}"' if isinstance(tls, str) else "")


class Stage:
    made = 0

    def __init__(self, count, delay_ms=None, replicas=0, table=True, names="abcdefghijklmnop", grants=GRANTS + ACCOUNT_GRANTS,
                 settings=None, kind=Server, tls=False, link_ca=None, tables=("shop.cache",), **options):
        """`replicas`: how many plain replicas the first site has. `settings`: of the ring section, by name. `tables`: the cache tables.
        `tls`: True, or the file of the certificates that the servers' own are checked against; `link_ca`: its name as the servers see it."""
        Stage.made += 1
        self.number = Stage.made  # so that each has folders and files of its own
        self.names = [str(name) for name in names[:count]]
        self.tls, self.link_tls, self.tables = tls, link_ca or tls, list(tables)
        self.settings = {"connect_retry_s": 1, **(settings or {})}
        self.servers = [kind(f"ring{self.number}-{name}", id=i + 1, **{"durability": servers.TUNED, **options}) for i, name in enumerate(self.names)]
        self.replicas = [
            kind(f"ring{self.number}-replica{i}", id=101 + i, durability=servers.FAST, ring_member=True, gtid_domain_id=1) for i in range(replicas)
        ]
        for server in self.servers + self.replicas:
            server.start(wait=False)
        for server in self.servers + self.replicas:
            server.wait_ready()
            grant_monitor(server, grants)
        for server in self.servers + self.replicas if table else []:
            servers.make_cache_table(server)
        self.relays = {}
        if delay_ms is not None:
            for i in range(count):
                for j in range(count):
                    if i != j:
                        self.relays[i, j] = Relay(self.servers[j], delay_ms=delay_ms)
        self.daemons = [None] * count
        self.logs = [os.path.join(servers.folder(), f"daemon{self.number}-{name}.log") for name in self.names]
        self.files = [self.write_config(i) for i in range(count)]

    def address(self, here, there):
        relay = self.relays.get((here, there))
        return relay.port if relay else self.servers[there].port

    def counters(self, i):
        """Where site i's daemon and programs share their pages."""
        return servers.counters(os.path.join(servers.folder(), f"ring{self.number}-{self.names[i]}.stats"))

    def journal_file(self, i):
        return os.path.join(servers.folder(), f"ring{self.number}-{self.names[i]}.journal")

    def write_config(self, i, file=None, **settings):
        """Site i's file; `settings` besides the stage's own."""
        sites = []
        for j, name in enumerate(self.names):
            replicas = self.replicas if j == 0 else []
            listed = ", ".join(f'{{ host = "127.0.0.1"; port = {r.port}; }}' for r in replicas)
            sites.append(
                f'        {{ name = "{name}"; host = "127.0.0.1"; port = {self.address(i, j)};'
                f' socket = "{self.servers[j].socket}"; server_id = {self.servers[j].id};'
                f' main = {"true" if j == 0 else "false"};' + (f" replicas = ( {listed} );" if listed else "") + " }")
        path = file or os.path.join(servers.folder(), f"ring{self.number}-{self.names[i]}.conf")
        with open(path, "w") as f:
            f.write(CONFIG.format(
                counters=servers.counters_text(self.counters(i)), journal=self.journal_file(i), socket=self.servers[i].socket,
                tls=tls_setting(self.tls), link_tls=tls_setting(self.link_tls), tables=json.dumps(self.tables),
                site=self.names[i], sites=",\n".join(sites), link_user=LINK_USER,
                monitor_user=MONITOR_USER, link_file=secret_file("link.password", LINK_PASSWORD),
                monitor_file=secret_file("monitor.password", MONITOR_PASSWORD),
                settings="".join(f"    {k} = {json.dumps(v)};\n" for k, v in {**self.settings, **settings}.items())))
        return path

    # ------------------------------------------------------------ daemons

    def start_daemon(self, i, *words, under=()):
        """`under`: a command that runs another one."""
        with open(self.logs[i], "a") as log:
            self.daemons[i] = servers.spawn([*under, os.path.join(BUILD, "roundaboutd"), "-f", self.files[i], "--foreground", *words],
                                            stdout=log, stderr=log)
        servers._living.append(DaemonEnd(self, i, self.daemons[i]))

    def start_daemons(self):
        for i in range(len(self.names)):
            self.start_daemon(i)

    def stop_daemon(self, i, number=signal.SIGTERM):
        if self.daemons[i]:
            servers.end_child(self.daemons[i], (number, signal.SIGKILL))
            status, self.daemons[i] = self.daemons[i].returncode, None
            return status
        return None

    def stop_daemons(self):
        for i in range(len(self.names)):
            self.stop_daemon(i)

    def run_once(self, i, *words, file=None):
        """--once; (exit status, what it logged)."""
        run = subprocess.run([os.path.join(BUILD, "roundaboutd"), "-f", file or self.files[i], "--once", *words],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return run.returncode, run.stdout

    def log(self, i):
        with open(self.logs[i]) as log:
            return log.read()

    def end(self):
        self.stop_daemons()
        for thing in self.servers + self.replicas + list(self.relays.values()):
            thing.kill()

    # ------------------------------------------------------------ looking

    def source_of(self, i):
        """Whom site i follows, as a place in the ring; None: nobody that it knows."""
        port = self.servers[i].slave_status().get("Master_Port")
        for j in range(len(self.names)):
            if port in (self.address(i, j), self.servers[j].port) and j != i:
                return j
        return None

    def follows(self, i, j):
        return self.source_of(i) == j and self.servers[i].link_runs()

    def is_whole(self):
        count = len(self.names)
        return all(self.servers[i].is_running() and self.follows(i, (i - 1) % count) for i in range(count))

    def wait_whole(self, deadline_s=30):
        try:
            wait_for(self.is_whole, deadline_s, "the ring is whole", pause_s=0.05)
        except servers.NotReady as e:
            raise servers.NotReady(f"{e}: " + "; ".join(
                f"{name} follows {self.source_of(i)} {'running' if self.servers[i].link_runs() else self.servers[i].slave_status().get('Last_IO_Error')}"
                for i, name in enumerate(self.names)) + "\n" + "\n".join(self.log(i)[-1500:] for i in range(len(self.names)))) from e

    def lacking(self, written):
        """{site: keys of `written` that it lacks}"""
        found = {}
        for server in self.servers + self.replicas:
            have = {row[0].decode() for row in server.query("SELECT k FROM shop.cache")}
            missing = sorted(set(written) - have)
            if missing:
                found[server.name] = missing
        return found

    def wait_everywhere(self, written, deadline_s=30):
        """Waits until all sites and replicas have all keys of `written`; what is lacking at the deadline."""
        try:
            wait_for(lambda: not self.lacking(written), deadline_s, "all keys everywhere", pause_s=0.1)
        except servers.NotReady:
            return self.lacking(written)
        return {}

    def circling(self, seconds=1.5):
        """By how many bytes binary logs grow while nobody writes; the daemons must be stopped, as their heartbeats are writes."""
        def sizes():
            return [sum(row[1] for row in server.query("SHOW BINARY LOGS")) for server in self.servers]
        # What was under way arrives first; what circles never does.
        for _ in range(10):
            before = sizes()
            time.sleep(0.5)
            if sizes() == before:
                break
        before = sizes()
        time.sleep(seconds)
        return sum(after - b for after, b in zip(sizes(), before))


class DaemonEnd:
    """So that the end of the test program ends the daemon, too."""

    def __init__(self, stage, i, process):
        self.stage, self.i, self.process = stage, i, process

    def kill(self):
        servers.end_child(self.process)


class Writers:
    """One writer a site, each with keys of its own: REPLACE and now and then a second REPLACE of an earlier key."""

    def __init__(self, stage, pause_s=0.01):
        self.stage, self.pause_s = stage, pause_s
        self.written = []  # keys whose REPLACE was acknowledged
        self.stopping = False
        self.threads = [threading.Thread(target=self._write, args=(i,), daemon=True) for i in range(len(stage.names))]
        for thread in self.threads:
            thread.start()

    def _write(self, i):
        server, n, connection = self.stage.servers[i], 0, None
        while not self.stopping:
            key = f"{self.stage.names[i]}-{n}"
            try:
                connection = connection or server.connect(read_timeout=5, connect_timeout=2)
                connection.cursor().execute("REPLACE INTO shop.cache VALUES (%s, %s)", (key, "value"))
                self.written.append(key)
                n += 1
            except servers.MySQLdb.Error:
                connection = None
                n += 1
            time.sleep(self.pause_s)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(20)
        return list(self.written)
