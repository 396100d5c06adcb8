"""Two servers that don't replicate to each other, and unmodified programs that run on them without and with the shim.

The programs in this folder know nothing of the shim. Each has scenarios (`--list` names them, arguments choose them) and
prints what it sees, `scenario: result` a line. Where a row must land is told by its key: L/... at the local master, M/... at
main. A line `... site L main` says where a statement was read, and that it should have been read at the local master.

In the environment: RUN_UNDER, a command that runs the programs that have the shim (valgrind and its options); PRELOAD_FIRST, a
library to be loaded before the shim (libasan's); TEST_CLIENT=oracle, that the programs have Oracle's client library
(oracle_client.py); TEST_SERVER=mysql, that the servers are MySQL's.
"""

import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import mysql_servers  # noqa: E402
import oracle_client  # noqa: E402
import servers  # noqa: E402
from harness import Failure, skip, want, want_true  # noqa: E402

LIBRARY = os.path.join(servers.BUILD, "libroundabout.so")
COMMAND = os.path.join(servers.BUILD, "roundabout")
C_APPS = os.path.join(servers.BUILD, "tests", "live")
ON_ORACLE = os.environ.get("TEST_CLIENT") == "oracle"
ON_MYSQL = os.environ.get("TEST_SERVER") == "mysql"
TIME_LIMIT_S = 40
# Words that no log may hold: all passwords, and what is in every value and key that the programs write.
SECRETS = (servers.APP_PASSWORD, "readerpw", "cachepw", "otherpw", "opensesame", "L/", "M/")

ROW_TABLES = ("shop.cache", "shop.page_text", "shop.page_n", "shop.session_a", "shop.stay", "shop.seen", "shop.switched_off",
              "other.cache", "vault.cache")
OTHER_TABLES = ("shop.orders", "shop.plain")
TABLES = (
    "CREATE DATABASE other",
    "CREATE DATABASE vault",
    "CREATE TABLE other.cache (k VARBINARY(255) PRIMARY KEY, v MEDIUMBLOB NOT NULL)",
    "CREATE TABLE vault.cache (k VARBINARY(255) PRIMARY KEY, v MEDIUMBLOB NOT NULL)",
    "CREATE TABLE shop.page_text (k VARCHAR(64) PRIMARY KEY, v VARCHAR(10), n INT, t TIMESTAMP NULL)"
    " DEFAULT CHARSET utf8mb4",
    "CREATE TABLE shop.page_n (k VARCHAR(64) PRIMARY KEY, v LONGBLOB) DEFAULT CHARSET latin1",
    "CREATE TABLE shop.page_many (n INT PRIMARY KEY, v VARCHAR(40))",
    "INSERT INTO shop.page_many WITH digit (d) AS (VALUES %s)"
    " SELECT n, CONCAT('opensesame ', n) FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n"
    " FROM digit a, digit b, digit c, digit e, digit f WHERE f.d < 2) AS numbers"
    % ", ".join(("ROW(%d)" if ON_MYSQL else "(%d)") % d for d in range(10)),
    "CREATE TABLE shop.session_a (k VARCHAR(64) PRIMARY KEY, v VARCHAR(40) NOT NULL, n INT NOT NULL DEFAULT 0)",
    "CREATE TABLE shop.stay (k VARCHAR(64) PRIMARY KEY, v VARCHAR(40))",
    "CREATE TABLE shop.seen (k VARCHAR(64) PRIMARY KEY, v VARCHAR(40))",
    "CREATE TABLE shop.switched_off (k VARCHAR(64) PRIMARY KEY, v VARCHAR(40))",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) NOT NULL)",
    "CREATE TABLE shop.plain (k VARCHAR(64) PRIMARY KEY, v MEDIUMBLOB)",
    "CREATE PROCEDURE shop.set_zone(z VARCHAR(10)) SET SESSION time_zone = z",
    "CREATE PROCEDURE shop.set_mode(m VARCHAR(99)) SET SESSION sql_mode = m",
    "CREATE PROCEDURE shop.undoes() ROLLBACK",
    "CREATE PROCEDURE shop.undoes_and_fails() BEGIN ROLLBACK; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END",
    "CREATE PROCEDURE shop.begins_anew_and_fails() BEGIN ROLLBACK; START TRANSACTION; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END",
    "CREATE PROCEDURE shop.sets_and_fails() BEGIN SET SESSION time_zone = '+07:00'; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'; END",
    "CREATE PROCEDURE shop.undoes_and_warns() BEGIN ROLLBACK; DO CAST('x' AS SIGNED); END",
    "CREATE PROCEDURE shop.begins_anew() BEGIN ROLLBACK; START TRANSACTION; END",
    "CREATE PROCEDURE shop.makes_table() CREATE TEMPORARY TABLE IF NOT EXISTS shop.sums (n INT)",
    "CREATE PROCEDURE shop.begins_with_table() BEGIN START TRANSACTION; CREATE TEMPORARY TABLE shop.sums (n INT); END",
    "CREATE PROCEDURE shop.hides() BEGIN CREATE TEMPORARY TABLE shop.cache (k VARBINARY(255) PRIMARY KEY, v MEDIUMBLOB NOT NULL);"
    " INSERT INTO shop.cache VALUES ('L/h', 'opensesame'); END",
    "CREATE PROCEDURE shop.renames() BEGIN CREATE TEMPORARY TABLE IF NOT EXISTS shop.sums (k VARCHAR(64) PRIMARY KEY, v VARCHAR(10), n INT);"
    " ALTER TABLE shop.sums RENAME TO shop.page_text; END",
    "CREATE PROCEDURE shop.shows() DROP TEMPORARY TABLE shop.cache",
    "CREATE PROCEDURE shop.two_results() BEGIN SELECT 1; SELECT 2; END",
    "CREATE FUNCTION shop.side(x INT) RETURNS INT NO SQL RETURN x + 1",
    "GRANT ALL ON other.* TO app@localhost",
    "GRANT EXECUTE, RELOAD, PROCESS ON *.* TO app@localhost",
    "GRANT ALL ON other.* TO app@'%'",
    "CREATE USER reader@localhost IDENTIFIED BY 'readerpw'",
    "GRANT SELECT ON shop.* TO reader@localhost",
    "CREATE ROLE keeper",
    "GRANT ALL ON vault.* TO keeper",
    "GRANT keeper TO app@localhost",
)
# What a MariaDB server of the tests has from the start: accounts, and tables of numbers.
MYSQL_NUMBERS = tuple(
    statement for last in (3, 500, 600, 20000)
    for statement in (f"CREATE TABLE shop.seq_1_to_{last} (seq INT PRIMARY KEY)",
                      f"INSERT INTO shop.seq_1_to_{last} SELECT n FROM shop.page_many WHERE n <= {last}"))
MYSQL_ACCOUNTS = tuple(
    statement for host in ("localhost", "%")
    for statement in (f"CREATE USER '{servers.APP_USER}'@'{host}' IDENTIFIED BY '{servers.APP_PASSWORD}'",
                      f"GRANT ALL ON shop.* TO '{servers.APP_USER}'@'{host}'"))

LOCAL_SETTINGS = {"connect_timeout_s": 1, "read_timeout_s": 5, "retry_after_ms": 1000}
GROUPS = (
    {"name": "pages", "tables": ["shop.cache", "shop.page_*", "other.cache", "vault.cache"]},
    {"name": "sessions", "tables": ["shop.session_*"], "statements": ["REPLACE", "SELECT", "INSERT", "UPDATE", "DELETE"],
     "transactions": "immediate"},
    {"name": "stay", "tables": ["shop.stay"], "transactions": "pass"},
    {"name": "seen", "tables": ["shop.seen"], "mode": "observe"},
    {"name": "off", "tables": ["shop.switched_off"], "mode": "off"},
)


def program(language):
    """The command that runs a program of this language, with the client library that is asked for. CannotBeHad says why there is none."""
    if language == "c":
        if not ON_ORACLE:
            return [os.path.join(C_APPS, "c_app")]
        sources = [path for path in glob.glob(os.path.join(HERE, "c", "*.[ch]"))
                   if path.endswith(".h") or '"c_app.h"' in read(path) and os.path.basename(path) != "any_order.c"]
        return [*oracle_client.loader(), oracle_client.c_program(sources, os.path.join(C_APPS, "oracle", "c_app"))]
    words = [sys.executable if language == "python" else shutil.which(language) or language]
    if not ON_ORACLE:
        return words
    oracle_client.have(language)
    return oracle_client.command(words)


def python_or_leave():
    """Python's command. A suite that can't have it ends here, and says so."""
    try:
        return program("python")
    except oracle_client.CannotBeHad as e:
        print(f"skip all: {e}\n0 passed, 0 failed, 1 skipped")
        sys.exit(0)


class Outcome:
    """What a program left behind. `status` is negative for a signal, None when it had to be ended."""

    def __init__(self, status, stdout, stderr, log, seconds):
        self.status, self.stdout, self.stderr, self.log, self.seconds = status, stdout, stderr, log, seconds
        self.lines = stdout.split("\n")[:-1]

    def log_lines(self, *levels):
        """What the shim has said at these levels, without time, process and level."""
        pattern = re.compile(r"^\S+ roundabout\[\d+\] (%s): (.*)$" % "|".join(levels), re.M)
        return [found[1] for found in pattern.findall(self.log)]


def quote(value):
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(quote(v) for v in value) + " ]"
    return str(value) if isinstance(value, int) else '"%s"' % value


def config_text(local, groups=GROUPS, **top):
    """A configuration in libconfig's syntax; what is None is left out."""
    def settings(values):
        return " ".join(f"{k} = {quote(v)};" for k, v in values.items() if v is not None)
    return (f"local = {{ {settings(local)} }};\n"
            + "caches = (\n" + ",\n".join(f"  {{ {settings(group)} }}" for group in groups) + "\n);\n"
            + "".join(f"{k} = {quote(v)};\n" for k, v in top.items() if v is not None))


def stats_directory(config):
    """Where the programs of this configuration count, any user's."""
    return servers.counters(config + ".stats")


class Lab:
    def __init__(self, **local_options):
        options = {"ring_member": False, "thread_cache_size": 64}
        kind = mysql_servers.MysqlServer if ON_MYSQL else servers.Server
        if ON_MYSQL:
            options["information_schema_stats_expiry"] = 0 # clean() asks for AUTO_INCREMENT
        elif ON_ORACLE:
            # Oracle's library names its utf8mb4 by a collation that MariaDB's server hasn't. A reset of such a connection then brings
            # back the charset of the connection that had its thread before, whoever's: without the shim, too, it's a matter of chance.
            options["thread_cache_size"] = 0
        self.main = kind("main", **options)
        self.local = kind("local", **{**options, **local_options})
        for server in (self.main, self.local):
            server.start(wait=False)
        for server in (self.main, self.local):
            server.wait_ready()
            servers.make_cache_table(server)
            for statement in MYSQL_ACCOUNTS + TABLES + MYSQL_NUMBERS if ON_MYSQL else TABLES:
                server.query(statement)
            self.seed(server)
        self.counter = 0

    @staticmethod
    def seed(server):
        """The row that tells which server was read."""
        for table in ROW_TABLES:
            server.query(f"INSERT INTO {table} (k, v) VALUES ('site', '{server.name}')")

    def clean(self, servers_too=None, but=()):
        for server in servers_too or (self.main, self.local):
            for table in set(ROW_TABLES) - set(but):
                server.query(f"DELETE FROM {table} WHERE k <> 'site'")
            for table in OTHER_TABLES:
                if server.one(f"SELECT 1 FROM {table} LIMIT 1") or server.one(
                        "SELECT AUTO_INCREMENT > 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'"
                        " AND TABLE_NAME = %s", table.split(".")[1]):
                    server.query(f"TRUNCATE {table}")

    def path(self, ending):
        self.counter += 1
        return os.path.join(servers.folder(), f"lab-{self.counter}.{ending}")

    def write_config(self, local=None, groups=GROUPS, **top):
        """Writes a configuration and returns its path and its log file's. `local` changes settings of the local master."""
        path, log = self.path("conf"), self.path("log")
        settings = {"socket": self.local.socket, **LOCAL_SETTINGS, **(local or {})}
        with open(path, "w") as out:
            out.write(config_text(settings, groups, **{"log_level": "debug", "log_file": log, **top}))
            out.write(servers.counters_text(stats_directory(path)))
        return path, log

    def environment(self, **more):
        keep = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")
                if k in os.environ}
        return {**keep, "LANG": "C.UTF-8", "MAIN_SOCKET": self.main.socket, "MAIN_PORT": str(self.main.port),
                "SITE_SOCKET": self.local.socket, **(oracle_client.environment() if ON_ORACLE else {}), **{k: str(v) for k, v in more.items()}}

    def start(self, command, config=None, preload=True, **environment):
        """Starts a program: without the shim, or with the one that `config` (a path) is for."""
        if config and preload:
            if not os.path.exists(LIBRARY):
                skip(f"{LIBRARY} is not built")
            environment = {"LD_PRELOAD": f"{os.environ.get('PRELOAD_FIRST', '')} {LIBRARY}".strip(), "ROUNDABOUT_CONFIG": config,
                           **environment}
            command = os.environ.get("RUN_UNDER", "").split() + command
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment(**environment), cwd=servers.folder(), start_new_session=True)

    def finish(self, process, log=None, limit_s=TIME_LIMIT_S):
        started = time.monotonic()
        try:
            if process.stdin.closed:
                process.stdin = None
            stdout, stderr = process.communicate(timeout=limit_s)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            status = None
        return Outcome(status, stdout.decode(errors="backslashreplace"), stderr.decode(errors="backslashreplace"),
                       read(log), time.monotonic() - started)

    def run(self, command, config=None, log=None, limit_s=TIME_LIMIT_S, **environment):
        """Runs a program to its end. Whatever it logs is searched for secrets."""
        started = time.monotonic()
        process = self.start(command, config, **environment)
        outcome = self.finish(process, log, limit_s)
        outcome.seconds = time.monotonic() - started
        want_no_secret(outcome.log)
        return outcome

    def rows(self, server):
        """{(table, key): value} of everything that was written; non-cache tables by their whole rows."""
        rows = {}
        for table in ROW_TABLES:
            columns = "k, v, n, t" if table == "shop.page_text" else "k, v, n" if table == "shop.session_a" else "k, v"
            for row in server.query(f"SELECT {columns} FROM {table} WHERE k <> 'site'"):
                rows[table, text(row[0])] = row[1:]
        for table in OTHER_TABLES:
            for row in server.query(f"SELECT * FROM {table}"):
                rows[table, text(row[0])] = row[1:]
        return rows

    def differential(self, command, scenarios, config=None, routed=True, quiet=True, **environment):
        """Runs scenarios without the shim and with it. Fails unless the program saw the same and each row landed where its
        key says, or all of them at main with routed=False. quiet: the shim has nothing to warn of, and standard error is as it
        was. Returns the outcome with the shim."""
        self.clean()
        plain = self.run(command + scenarios, **environment)
        if plain.status != 0 and (ON_ORACLE or ON_MYSQL):
            skip(f"the program doesn't run to its end on this library and server, without the shim: {(plain.stderr.splitlines() or [''])[-1][:200]}")
        want(0, plain.status, f"exit status without the shim ({plain.stderr[-500:]})")
        wanted_rows = self.rows(self.main)
        self.clean()
        path, log = config or self.write_config()
        shim = self.run(command + scenarios, path, log, **environment)
        want_same_lines([as_routed(line) for line in plain.lines] if routed else plain.lines, shim.lines)
        want(plain.status, shim.status, f"exit status with the shim ({shim.stderr[-500:]})")
        if routed:
            want_placed(wanted_rows, self.rows(self.main), self.rows(self.local))
        else:
            want(wanted_rows, self.rows(self.main), "rows at main")
            if self.local.is_running():
                want({}, self.rows(self.local), "rows at the local master")
        if quiet:
            want([], shim.log_lines("warning", "error"), "warnings in the log")
            want(plain.stderr, shim.stderr, "standard error with the shim")
        return shim


def read(path):
    try:
        with open(path, errors="backslashreplace") as file:
            return file.read()
    except (FileNotFoundError, TypeError):
        return ""


def text(key):
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)


def want_no_secret(log):
    for secret in SECRETS:
        for line in log.splitlines():
            want_true(secret not in line, f"no {secret!r} in the log, got: {line}")


def as_routed(line):
    """What a program must see with the shim, from what it sees without."""
    return re.sub(r"site L main\b", "site L local", line)


def want_same_lines(plain, shim):
    for n, wanted in enumerate(plain):
        got = shim[n] if n < len(shim) else "nothing more"
        if wanted != got:
            raise Failure(f"line {n + 1}: without the shim {wanted[:400]!r}, with it {got[:400]!r}")
    want(len(plain), len(shim), f"lines of the program ({shim[len(plain):len(plain) + 1]})")


def want_placed(wanted, main, local):
    """The rows of a run without the shim are there with it, each where its key says."""
    for (table, key), value in wanted.items():
        if table in OTHER_TABLES or key.startswith("M/"):
            home, away, name = main, local, "main"
        else:
            home, away, name = local, main, "the local master"
        place = f"{table} {key!r}"
        want_true((table, key) in home, f"{place} at {name}, got it {'at the other server' if (table, key) in away else 'nowhere'}")
        want(value, home[table, key], f"{place} at {name}")
        want_true((table, key) not in away, f"{place} at {name} only")
    for server, rows in (("main", main), ("the local master", local)):
        for place in rows:
            want_true(place in wanted, f"no row {place} at {server}")
