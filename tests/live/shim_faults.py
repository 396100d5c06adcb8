#!/usr/bin/python3
"""The local master fails in all the ways it can, under load: make check-faults [STATEMENTS=1000000]

    shim_faults.py [--statements N] [--only FAULT,...]

Sixteen workers in three drivers (apps/requests.py, .pl, .rb) run requests whose answers they know, at a site whose local master is reached through a
relay and joined with main in a ring. One fault after the other strikes and is mended again, round after round until N statements were answered. For
each fault: what the application saw. Wanted, always: no error, nothing wrong, and no statement longer than the time limits in the file together.
What a cache may do is counted: misses, and values that the key had before."""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402

HERE = lab.HERE
LIMITS = {"connect_timeout_s": 1, "read_timeout_s": 2, "retry_after_ms": 500}
# A statement may meet both limits, and on a loaded machine it then waits for its turn.
LONGEST_S = LIMITS["connect_timeout_s"] + LIMITS["read_timeout_s"] + 3
FAULT_S = 2.0
TABLES = ("CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) NOT NULL, KEY (v))", "INSERT INTO shop.orders VALUES (1, 'first')")


class Site:
    def __init__(self):
        self.main, self.local = servers.start_servers("main", "local")
        servers.ring(self.main, self.local)
        servers.make_cache_table(self.main, self.local)
        for statement in TABLES:
            self.main.query(statement)
        servers.wait_caught_up(self.main, self.local)
        self.relay = servers.Relay(self.local, delay_ms=0)
        self.held = []
        self.turn = 0
        path = os.path.join(servers.folder(), "faults.conf")
        self.log = os.path.join(servers.folder(), "faults.log")
        with open(path, "w", encoding="utf-8") as file:
            file.write(lab.config_text({"host": "127.0.0.1", "port": self.relay.port, **LIMITS},
                                       ({"name": "pages", "tables": ["shop.cache"]},), log_file=self.log))
            file.write(servers.counters_text(lab.stats_directory(path)))
        self.environment = dict(os.environ, LD_PRELOAD=os.path.join(servers.BUILD, "libroundabout.so"), ROUNDABOUT_CONFIG=path, MAIN_SOCKET=self.main.socket)

    def replaces(self):
        """How many REPLACEs of clients the local master has run since it was started: those of its link don't count."""
        return int(self.local.query("SHOW GLOBAL STATUS LIKE 'Com_replace'")[0][1])

    def shadows(self):
        return [row[0] for row in self.local.query("SELECT id FROM information_schema.processlist WHERE user = 'app'")]


# Each fault: what strikes, and what mends it. Between the two lie FAULT_S seconds.
def killed(site):
    site.local.kill()
    yield
    site.local.start()


def restarted(site):
    site.local.stop()
    site.local.start()
    yield


def frozen(site):
    site.local.freeze()
    yield
    site.local.thaw()


def read_only(site):
    site.local.query("SET GLOBAL read_only = 1")
    yield
    site.local.query("SET GLOBAL read_only = 0")


def disk_full(site):
    # No file may grow any more: as a disk without room, and for the server alone.
    limit = 64 << 10
    resource.prlimit(site.local.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    yield
    resource.prlimit(site.local.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    site.local.restart()


def table_dropped(site):
    site.local.unlogged("RENAME TABLE shop.cache TO shop.away")
    yield
    site.local.unlogged("RENAME TABLE shop.away TO shop.cache")


def password_changed(site):
    site.local.unlogged("SET PASSWORD FOR app@'%' = PASSWORD('another')")
    for shadow in site.shadows():
        kill(site, shadow)
    yield
    site.local.unlogged("SET PASSWORD FOR app@'%' = PASSWORD('apppw')")


def kill(site, shadow):
    try:
        site.local.query(f"KILL {shadow}")
    except Exception as error:
        if error.args[0] != 1094:  # gone already
            raise


def connections_killed(site):
    ends = time.monotonic() + FAULT_S
    while time.monotonic() < ends:
        for shadow in site.shadows():
            kill(site, shadow)
        time.sleep(0.02)
    yield


def too_many_connections(site):
    for shadow in site.shadows():
        kill(site, shadow)
    site.local.query("SET GLOBAL max_connections = 10")
    try:
        while True:
            site.held.append(site.local.connect(user="app", passwd="apppw"))
    except Exception as error:
        if error.args[0] != 1040:
            raise
    yield
    while site.held:
        site.held.pop().close()
    site.local.query("SET GLOBAL max_connections = 1200")


def packets_cut(site):
    ends = time.monotonic() + FAULT_S
    while time.monotonic() < ends:
        site.relay.kill()
        site.relay.start()
        time.sleep(0.05)
    yield


def partitioned(site):
    site.relay.partition()
    yield
    site.relay.heal()


FAULTS = {function.__name__: function for function in (killed, restarted, frozen, read_only, disk_full, table_dropped, password_changed, connections_killed,
                                                       too_many_connections, packets_cut, partitioned)}


def start_workers(site, until):
    site.turn += 1  # other keys each time: a worker knows only the values of its own
    commands = [[sys.executable, os.path.join(HERE, "requests.py"), f"python{site.turn}.{n}", until, "2"] for n in range(4)]
    commands += [["perl", os.path.join(HERE, "requests.pl"), f"perl{site.turn}.{n}", until] for n in range(4)]
    commands += [["ruby", os.path.join(HERE, "requests.rb"), f"ruby{site.turn}.{n}", until] for n in range(4)]
    return [servers.spawn(command, environment=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]


def strike(site, name):
    """One fault under load; the sums of what the workers saw."""
    site.main.query("DELETE FROM shop.orders WHERE id > 1")
    until = os.path.join(servers.folder(), "until")
    if os.path.exists(until):
        os.remove(until)
    workers = start_workers(site, until)
    time.sleep(1)
    steps = FAULTS[name](site)
    next(steps)
    time.sleep(FAULT_S)
    for _ in steps:
        pass
    time.sleep(FAULT_S / 2)
    before = site.replaces()
    time.sleep(FAULT_S / 2)
    returned = site.replaces() > before
    open(until, "w").close()
    total = {"returned": returned, "statements": 0, "errors": [], "wrong": [], "misses": 0, "older": 0, "longest_s": 0.0, "workers": 0}
    for worker in workers:
        try:
            out, err = worker.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            servers.end_child(worker)
            out, err = "", "it hangs"
        if worker.returncode != 0 or err.strip():
            total["errors"].append(f"a worker ended with {worker.returncode}: {err.strip()[-300:]}")
        for line in out.splitlines():
            counts = json.loads(line)
            total["workers"] += 1
            for key, value in counts.items():
                total[key] = max(total[key], value) if key == "longest_s" else total[key] + value
    return total


def log_lines(site):
    try:
        with open(site.log, encoding="utf-8") as file:
            return len(file.readlines())
    except FileNotFoundError:
        return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--statements", type=int, default=1000000)
    parser.add_argument("--only", help="these faults, with commas between")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(FAULTS)
    site = Site()
    passed = failed = statements = 0
    print(f"{'fault':22} {'statements':>10} {'errors':>7} {'wrong':>6} {'misses':>7} {'older':>7} {'longest s':>10} {'log lines':>10}")
    while statements < options.statements:
        for name in names:
            lines = log_lines(site)
            total = strike(site, name)
            statements += total["statements"]
            if not total["returned"]:
                total["errors"].append("nothing is routed any more")
            bad = total["errors"] or total["wrong"] or total["longest_s"] > LONGEST_S or total["workers"] != 16
            passed, failed = passed + (not bad), failed + bool(bad)
            print(f"{name:22} {total['statements']:10} {len(total['errors']):7} {len(total['wrong']):6} {total['misses']:7} {total['older']:7} "
                  f"{total['longest_s']:10.2f} {log_lines(site) - lines:10}" + ("   FAILED" if bad else ""), flush=True)
            for text in (total["errors"] + total["wrong"])[:5]:
                print("    " + text)
            if total["workers"] != 16:
                print(f"    {total['workers']} of 16 workers said what they saw")
    print(f"{statements} statements")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
