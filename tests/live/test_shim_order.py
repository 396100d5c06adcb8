"""Calls in any order are answered with the shim as without it: seeded random programs over each client library and its own servers.

Connector/C runs on MariaDB's servers and Oracle's library on MySQL's. With TEST_CLIENT=oracle that library alone, on the servers of TEST_SERVER.
Without more it takes some 20 seconds. ROUNDABOUT_ORDER_SECONDS is how long each library is tried, ROUNDABOUT_ORDER_SEED the first seed.
"""

import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import mysql_servers  # noqa: E402
import oracle_client  # noqa: E402
import servers  # noqa: E402
from harness import Failure, main, skip, test, want, want_true  # noqa: E402

SECONDS = float(os.environ.get("ROUNDABOUT_ORDER_SECONDS", "8"))
SEED = int(os.environ.get("ROUNDABOUT_ORDER_SEED", "1"))
ROUNDS = 8
TABLES = (
    "CREATE DATABASE other",
    "CREATE TABLE other.cache (k VARBINARY(255) PRIMARY KEY, v MEDIUMBLOB NOT NULL)",
    "CREATE TABLE shop.page_text (k VARCHAR(64) PRIMARY KEY, v VARCHAR(10), n INT) DEFAULT CHARSET utf8mb4",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) NOT NULL)",
    # Each reads a table: one that doesn't leaves MariaDB's list of warnings as it was, and nothing outside can tell.
    "CREATE PROCEDURE shop.two_results() BEGIN SELECT COUNT(*) FROM shop.orders; SELECT 2; END",
    "CREATE PROCEDURE shop.rolls_back() BEGIN SELECT COUNT(*) FROM shop.orders; ROLLBACK; END",
    "CREATE PROCEDURE shop.begins_anew() BEGIN SELECT COUNT(*) FROM shop.orders; ROLLBACK; START TRANSACTION; END",
    "CREATE PROCEDURE shop.makes_table() BEGIN SELECT COUNT(*) FROM shop.orders;"
    " CREATE TEMPORARY TABLE IF NOT EXISTS shop.page_tmp (n INT); END",
    "CREATE PROCEDURE shop.rolls_back_and_fails() BEGIN SELECT COUNT(*) FROM shop.orders; ROLLBACK; INSERT INTO shop.nowhere VALUES (1); END",
    "CREATE PROCEDURE shop.hides_page() BEGIN SELECT COUNT(*) FROM shop.orders;"
    " CREATE TEMPORARY TABLE IF NOT EXISTS shop.page_text (k VARCHAR(64) PRIMARY KEY, v VARCHAR(10), n INT) DEFAULT CHARSET utf8mb4; END",
    "CREATE PROCEDURE shop.sets_mode() BEGIN SELECT COUNT(*) FROM shop.orders;"
    " SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES'; END",
)
ACCOUNTS = tuple(f"GRANT {rights} TO '{servers.APP_USER}'@'localhost'" for rights in ("ALL ON other.*", "RELOAD, PROCESS ON *.*", "EXECUTE ON *.*"))
CACHES = ("shop.cache", "shop.page_text", "other.cache")


class Pair:
    """Two servers of one brand that don't replicate, and the program built for a client library."""

    def __init__(self, make, command):
        self.command = command
        self.main, self.local = make("main"), make("local")
        for server in (self.main, self.local):
            server.start(wait=False)
        for server in (self.main, self.local):
            server.wait_ready()
            servers.make_cache_table(server)
            for statement in TABLES:
                server.query(statement)
            for statement in lab.MYSQL_ACCOUNTS if isinstance(server, mysql_servers.MysqlServer) else ():
                server.query(statement)
            for statement in ACCOUNTS:
                server.query(statement)
        self.lab = lab.Lab.__new__(lab.Lab)
        self.lab.main, self.lab.local, self.lab.counter = self.main, self.local, 0

    def clean(self):
        for server in (self.main, self.local):
            for table in CACHES:
                server.query(f"DELETE FROM {table}")

    def run(self, seed, config=None):
        self.clean()
        preload = [lab.LIBRARY] if config else []
        environment = {"ROUNDABOUT_CONFIG": config} if config else {}
        done = subprocess.run(self.command(preload) + [str(seed), str(ROUNDS)], capture_output=True, timeout=60,
                              env=self.lab.environment(**environment), cwd=servers.folder())
        want(0, done.returncode, f"exit status, seed {seed} ({done.stderr[-300:]!r})")
        return done.stdout.decode(errors="backslashreplace").split("\n")

    def compare(self, seed):
        plain = self.run(seed)
        path, log = self.lab.write_config()
        shim = self.run(seed, path)
        for n, wanted in enumerate(plain):
            got = shim[n] if n < len(shim) else "nothing more"
            if wanted != got:
                before = " | ".join(line[11:90] for line in [line for line in shim[:n] if "->" in line][-12:])
                raise Failure(f"seed {seed}, line {n + 1}: without the shim {wanted[:300]!r}, with it {got[:300]!r}, behind {before}")
        want(len(plain), len(shim), f"lines, seed {seed}")
        text = lab.read(log)
        lab.want_no_secret(text)
        return text.count("REPLACE: routed")


def try_orders(pair):
    end = time.monotonic() + SECONDS
    seed, routed = SEED, 0
    while time.monotonic() < end or seed == SEED:
        routed += pair.compare(seed)
        seed += 1
    want_true(routed > 20, f"statements to be routed, got {routed} in {seed - SEED} runs")


def preloaded(command, preload):
    return (["env", "LD_PRELOAD=" + preload[0]] if preload else []) + command


def any_order_of_calls_is_answered_as_ever_by_connector_c():
    program = os.path.join(lab.C_APPS, "any_order")
    if not os.path.exists(program):
        skip(f"{program} is not built")
    try_orders(Pair(lambda name: servers.Server(name, ring_member=False), lambda preload: preloaded([program], preload)))


if not lab.ON_ORACLE:
    test(any_order_of_calls_is_answered_as_ever_by_connector_c, deadline_s=60 + SECONDS)


@test(deadline_s=120 + SECONDS)
def any_order_of_calls_is_answered_as_ever_by_oracles_library():
    sources = [os.path.join(lab.HERE, "c", name) for name in ("any_order.c", "random.c", "tell.c", "c_app.h")]
    try:
        program = oracle_client.c_program(sources, os.path.join(lab.C_APPS, "oracle", "any_order"))
        command = [*oracle_client.loader(), program]
    except oracle_client.CannotBeHad as e:
        skip(str(e))
    kind = mysql_servers.MysqlServer if lab.ON_MYSQL or not lab.ON_ORACLE else servers.Server
    try_orders(Pair(lambda name: kind(name, ring_member=False), lambda preload: preloaded(command, preload)))


if __name__ == "__main__":
    main()
