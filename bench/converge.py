#!/usr/bin/python3
"""What finding and repairing diverged keys takes, at the daemon's default settings on a ring of three:

    find    100 keys that differ, in 100,000 rows: seconds until all sites agree again, in sweeps that are under way
    idle    1,000,000 rows that nobody writes: per cent of a core of daemon and server, with and without comparing
    busy    BUSY_S seconds (600) of writes without conflicts: how many keys were repaired, which should be none

Words choose; --mysql takes MySQL's servers.
"""

import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "live"))

import servers  # noqa: E402
from mysql_servers import MysqlServer  # noqa: E402
from ring_stage import ACCOUNT_GRANTS, GRANTS, MYSQL_GRANTS, REPAIR_GRANTS, Stage  # noqa: E402
from servers import Server, wait_for  # noqa: E402

KIND = MysqlServer if "--mysql" in sys.argv else Server
SETTLE_S = 15


def stage(converge="repair", delay_ms=None):
    grants = (MYSQL_GRANTS if KIND is MysqlServer else GRANTS + ACCOUNT_GRANTS) + REPAIR_GRANTS
    return Stage(3, kind=KIND, grants=grants, settings={"converge": converge}, delay_ms=delay_ms, innodb_buffer_pool_size="400M")


def fill(it, rows):
    """The same rows at each site, as if they had been there for long."""
    for server in it.servers:
        deep = "cte_max_recursion_depth" if KIND is MysqlServer else "max_recursive_iterations"
        server.unlogged(f"SET SESSION {deep} = {rows + 1}",
                        "INSERT INTO shop.cache (k, v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                        f"{rows}) SELECT CONCAT('key-', i), REPEAT(SHA2(i, 256), 3) FROM n")


def repairs(it):
    return sum(it.log(i).count("deleted everywhere") for i in range(3))


def wait_comparing(it):
    wait_for(lambda: any("are compared" in it.log(i) and "from here" in it.log(i) for i in range(3)), 30, "a daemon compares")


def find():
    it = stage()
    fill(it, 100_000)
    it.start_daemons()
    it.wait_whole()
    wait_comparing(it)
    time.sleep(SETTLE_S)
    for n in range(5):
        keys = [f"key-{1 + n + 997 * i}" for i in range(100)]
        for site, server in enumerate(it.servers):
            server.unlogged("REPLACE INTO shop.cache (k, v) VALUES " + ", ".join(f"('{key}', 'v{site}')" for key in keys))
        began, before = time.monotonic(), 100 * n
        listed = ", ".join(f"'{key}'" for key in keys)
        wait_for(lambda: all(server.one(f"SELECT COUNT(*) FROM shop.cache WHERE k IN ({listed})") == 0 for server in it.servers), 120,
                 "all are gone", pause_s=0.05)
        took = time.monotonic() - began
        print(f"find: 100 of 100,000 keys found and repaired everywhere in {took:.1f} s ({repairs(it) - before} repairs)", flush=True)
        time.sleep(3 + 1.7 * n)
    it.end()


def used_s(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        except FileNotFoundError:
            pass
    return total / 1e9


def server_pid(server):
    """MySQL runs as the child of what keeps its mounts."""
    children = open(f"/proc/{server.pid}/task/{server.pid}/children").read().split()
    return int(children[0]) if children else server.pid


def idle():
    seconds = float(os.environ.get("IDLE_S", "60"))
    for converge in ("off", "repair"):
        it = stage(converge)
        fill(it, 1_000_000)
        it.start_daemons()
        it.wait_whole()
        if converge == "repair":
            wait_comparing(it)
        time.sleep(45)  # the first sweep, and what filling has left to do
        pids = [it.daemons[0].pid] + [server_pid(server) for server in it.servers]
        before = [used_s(pid) for pid in pids]
        time.sleep(seconds)
        shares = [(used_s(pid) - b) / seconds * 100 for pid, b in zip(pids, before)]
        print(f"idle: converge = {converge:6}  % of a core: daemon {shares[0]:.2f}, servers " + " ".join(f"{s:.2f}" for s in shares[1:]), flush=True)
        it.end()


def busy():
    seconds = float(os.environ.get("BUSY_S", "600"))
    it = stage(delay_ms=20)
    fill(it, 20_000)
    it.start_daemons()
    it.wait_whole()
    stopping, writes = threading.Event(), [0, 0, 0]

    def write(site):
        cursor, n = it.servers[site].connect().cursor(), 0
        while not stopping.is_set():
            cursor.execute("REPLACE INTO shop.cache VALUES (%s, %s)", (f"{site}-{n % 2000}", f"value {n}"))
            n += 1
            writes[site] = n
            time.sleep(0.005)
    threads = [threading.Thread(target=write, args=(site,), daemon=True) for site in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stopping.set()
    for thread in threads:
        thread.join(10)
    print(f"busy: {sum(writes)} writes in {seconds:.0f} s, {repairs(it)} repairs", flush=True)
    it.end()


if __name__ == "__main__":
    parts = {"find": find, "idle": idle, "busy": busy}
    for word in [w for w in parts if w in sys.argv] or list(parts):
        parts[word]()
