"""The arms of `make bench`: which statements go from where to where, with what preloaded; and the stage that they run on.

Two servers without a link between them (what replication costs is the same for each arm; bench-ring measures it), and a relay before the
main one: 80 ms there and back."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "live"))

import servers
from servers import APP_PASSWORD, APP_USER, Relay, Server

SHIM = os.path.join(servers.BUILD, "libroundabout.so")
PROGRAM = os.path.join(servers.BUILD, "roundabout-bench")
ROUND_TRIP_MS = 80
KEYS = 10000

# InnoDB as the server comes, and with the redo log left to the kernel: a commit is some ten times cheaper then, so that whatever the shim adds
# shows. {name: {variable: value}}
REDO = {
    "as it comes": {"innodb_flush_log_at_trx_commit": 1, "innodb_log_file_buffering": "OFF", "sync_binlog": 0},
    "redo log buffered": {"innodb_flush_log_at_trx_commit": 2, "innodb_log_file_buffering": "ON", "sync_binlog": 0},
}


class Arm:
    """One way to run the load. `to`: "main" (80 ms away) or "local"; `config`: what is preloaded, None for nothing; `words`: of
    roundabout-bench."""

    def __init__(self, key, title, to, config, *words, table="shop.cache"):
        self.key, self.title, self.to, self.config, self.table = key, title, to, config, table
        self.words = list(words)


B = Arm("b", "bare, straight to the local master", "local", None)
NEAR = [
    B,
    Arm("c", "preloaded, cache routed to the local master", "main", "routed"),
    Arm("d", "preloaded, nothing listed", "local", "nothing"),
    Arm("p", "preloaded, a cache listed, statements on another table", "local", "elsewhere", table="shop.plain"),
    Arm("q", "bare, the same other table", "local", None, table="shop.plain"),
    Arm("b2", "A/A control: b once more", "local", None),
]
WAYS = [
    Arm("bp", "prepared, bare, straight to the local master", "local", None, "--prepared"),
    Arm("cp", "prepared, preloaded, cache routed", "main", "routed", "--prepared"),
    Arm("bs", "sent and read by two calls, bare, straight to the local master", "local", None, "--send-read"),
    Arm("cs", "sent and read by two calls, preloaded, cache routed", "main", "routed", "--send-read"),
]
FAR = [
    Arm("a", "bare, main 80 ms away", "main", None, "-t", "2", "-n", "2", "--warmup", "0"),
    Arm("e", "preloaded, the local master down", "main", "down", "-n", "1", "--warmup", "0"),
    Arm("f", "a page with a fresh connection, bare", "main", None, "-n", "1", "--warmup", "0", "-o", "2", "--reconnect"),
    Arm("g", "a page with a fresh connection, preloaded", "main", "routed", "-n", "3", "--warmup", "0", "-o", "2", "--reconnect"),
]
SILENT = Arm("s", "preloaded, the local master answers nothing", "main", "silent", "-n", "2", "--warmup", "0")  # longer than retry_after_ms
CROWD = [
    Arm("b16", "16 threads, bare, straight to the local master", "local", None, "-t", "16"),
    Arm("c16", "16 threads, preloaded, cache routed", "main", "routed", "-t", "16"),
    Arm("b16b", "A/A control: b16 once more", "local", None, "-t", "16"),
]


class Stage:
    def __init__(self):
        self.main, self.local = Server("main", durability=servers.AS_INSTALLED), Server("local", durability=servers.AS_INSTALLED)
        for server in (self.main, self.local):
            server.start(wait=False)
        for server in (self.main, self.local):
            server.wait_ready()
            servers.make_cache_table(server)
            servers.make_cache_table(server, table="shop.plain")
            fill = f"SELECT CONCAT('key:', seq), REPEAT('x', 100) FROM shop.seq_0_to_{KEYS - 1}"
            server.unlogged(f"REPLACE INTO shop.cache (k, v) {fill}", f"REPLACE INTO shop.plain (k, v) {fill}")
        self.far = Relay(self.main, delay_ms=ROUND_TRIP_MS / 2)
        self.silent = Relay(self.local, delay_ms=0)
        self.silent.partition()
        self.configs = {
            "routed": self.write_config("routed", f'socket = "{self.local.socket}"', "shop.cache"),
            "nothing": self.write_config("nothing", f'socket = "{self.local.socket}"', None),
            # To a program at the local master the other server is the far one of the pair; none of its statements are on the listed table.
            "elsewhere": self.write_config("elsewhere", f'socket = "{self.main.socket}"', "shop.cache"),
            "down": self.write_config("down", f'host = "127.0.0.1"; port = {servers.free_port()}', "shop.cache"),
            "silent": self.write_config("silent", f'host = "127.0.0.1"; port = {self.silent.port}', "shop.cache"),
        }

    @staticmethod
    def write_config(name, local, table):
        path = os.path.join(servers.folder(), f"{name}.conf")
        listed = f'( {{ tables = [ "{table}" ]; }} )' if table else '( { tables = [ "shop.cache" ]; mode = "off"; } )'
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"local = {{ {local}; }};\ncaches = {listed};\n")
        return path

    def set_redo(self, name):
        for server in (self.main, self.local):
            known = {row[0] for row in server.query("SHOW GLOBAL VARIABLES")}
            for variable, value in REDO[name].items():
                if variable in known:
                    server.query(f"SET GLOBAL {variable} = {value}")

    def pin(self, cpus):
        """Servers and relays to these processors, all their threads."""
        for thing in (self.main, self.local, self.far, self.silent):
            tasks = f"/proc/{thing.process.pid}/task"
            for task in os.listdir(tasks):
                try:
                    os.sched_setaffinity(int(task), cpus)
                except ProcessLookupError:
                    pass  # a thread of the pool that has just ended

    def start(self, arm, cpus, *words):
        """roundabout-bench for this arm, on these processors; finish() takes its result."""
        environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "ROUNDABOUT_CONFIG", "ROUNDABOUT_DISABLE")}
        if arm.config:
            environment.update(LD_PRELOAD=SHIM, ROUNDABOUT_CONFIG=self.configs[arm.config])
        where = ["-S", self.local.socket] if arm.to == "local" else ["-h", "127.0.0.1", "-P", str(self.far.port)]
        parent = os.getpid()

        def prepare():
            servers._die_with(parent)
            os.sched_setaffinity(0, cpus)
        return subprocess.Popen(
            [PROGRAM, *where, "-u", APP_USER, "-p", APP_PASSWORD, "-D", "shop", "--table", arm.table, "--keys", str(KEYS), "--label", arm.key,
             "--json", "-", *arm.words, *words],
            env=environment, preexec_fn=prepare, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def finish(arm, process):
        out, error = process.communicate(timeout=120)
        if process.returncode != 0:
            raise SystemExit(f"arm {arm.key} ({arm.title}): exit status {process.returncode}\n{error}{out[:600]}")
        result = json.loads(out)
        if bool(arm.config) != ("roundabout" in os.path.basename(result["library"])):
            raise SystemExit(f"arm {arm.key} ({arm.title}) ran with {result['library']}")
        return result

    def run(self, arm, cpus, *words):
        return self.finish(arm, self.start(arm, cpus, *words))

    def run_side_by_side(self, arms, cpus):
        """For arms that do little but wait for the far main master: {key: result}."""
        started = [(arm, self.start(arm, cpus)) for arm in arms]
        return {arm.key: self.finish(arm, process) for arm, process in started}

    def written(self):
        """How many REPLACEs each server has run so far: (main, local)."""
        return tuple(int(server.query("SHOW GLOBAL STATUS LIKE 'Com_replace'")[0][1]) for server in (self.main, self.local))
