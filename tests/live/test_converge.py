#!/usr/bin/python3
"""Keys that differ between sites for good are found and taken away everywhere, on both kinds of servers."""

import os
import re
import subprocess
import threading
import time

import servers
from converge_stage import FORM, QUICK, differing, everyone, make_table, rows_of, said, stage
from harness import main, test, want, want_between, want_true
from mysql_servers import MysqlServer
from ring_stage import Writers
from servers import Server, wait_for

# name: its key's columns, their order in the key, and keys as SQL.
KEYS = {
    "whole_number": ("k INT NOT NULL", "k", ["-5", "0", "2147483647"]),
    "large_number": ("k BIGINT UNSIGNED NOT NULL", "k", ["0", "18446744073709551615", "9007199254740993"]),
    "decimal": ("k DECIMAL(20,6) NOT NULL", "k", ["-0.000001", "12345678901234.5", "3"]),
    "text_of_any_case": ("k VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL", "k", ["''", "'It''s'", "'Z\u00fcrich \U0001f600'"]),
    "text_by_bytes": ("k VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL", "k", ["'a'", "'A'", "'a\\\\b%_'"]),
    "latin_text": ("k CHAR(20) CHARACTER SET latin1 NOT NULL", "k", ["_latin1 X'FC'", "'plain'", "'x y'"]),
    "bytes": ("k VARBINARY(200) NOT NULL", "k", ["X''", "X'00'", "X'0027225C00'", "X'FFFE1F'"]),
    "fixed_bytes": ("k BINARY(16) NOT NULL", "k", ["X'00112233445566778899AABBCCDDEEFF'", "X'01'"]),
    "day": ("k DATE NOT NULL", "k", ["'2024-02-29'", "'1970-01-01'"]),
    "moment": ("k DATETIME(6) NOT NULL", "k", ["'2024-02-29 23:59:59.999999'", "'2001-01-01 00:00:00'"]),
    "point_in_time": ("k TIMESTAMP(6) NOT NULL", "k", ["'2024-02-29 23:59:59.5'", "'2001-01-01 00:00:00'"]),
    "word": ("k ENUM('zulu','alpha','mike') NOT NULL", "k", ["'zulu'", "'mike'"]),
    "bits": ("k BIT(12) NOT NULL", "k", ["b'101'", "b'111111111111'"]),
    "number_and_text": ("a INT NOT NULL, k VARCHAR(50) NOT NULL", "a, k", ["1, 'x'", "1, 'y'", "2, ''"]),
    "three": ("a VARBINARY(20) NOT NULL, b INT NOT NULL, k DATETIME NOT NULL", "k, a, b",
              ["X'61', 1, '2024-01-01'", "X'61', 2, '2024-01-01'", "X'', 0, '2024-01-02'"]),
    "odd names": ("`select` INT NOT NULL, `a``b c` VARCHAR(20) NOT NULL, r INT NOT NULL", "`a``b c`, `select`, r", ["1, 'x', 1", "2, 'y', 2"]),
}
VALUES = ("v MEDIUMBLOB NOT NULL, t TEXT CHARACTER SET latin1 NULL, f FLOAT NULL, d DOUBLE NOT NULL DEFAULT 0, j JSON NOT NULL,"
          " s TIMESTAMP(3) NULL DEFAULT NULL, g INT GENERATED ALWAYS AS (1) VIRTUAL")


def either(function):
    """The test on both kinds of servers, under two names."""
    for kind, suffix in ((Server, ""), (MysqlServer, "_on_mysql")):
        def on_kind(kind=kind):
            function(kind)
        on_kind.__name__ = function.__name__ + suffix
        test(on_kind)


def started(it):
    it.start_daemons()
    it.wait_whole()
    for replica in it.replicas:
        servers.replica_of(replica, it.servers[0]) if not isinstance(replica, MysqlServer) else follow(replica, it.servers[0])
    return it


def follow(replica, source):
    replica.query(f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='roundabout_link',"
                  " MASTER_PASSWORD='l1nk-s3cret', MASTER_CONNECT_RETRY=1, MASTER_AUTO_POSITION=1, GET_SOURCE_PUBLIC_KEY=1")
    replica.query("START SLAVE")
    wait_for(replica.link_runs, 10, "the replica follows", pause_s=0.02)


def put(server, table, names, key, value, t="'t'", f="1.5"):
    server.unlogged(f"REPLACE INTO shop.`{table}` ({names}, v, t, f, j) VALUES ({key}, '{value}', {t}, {f}, '{{}}')")


@either
def differing_keys_of_each_type_are_taken_away_everywhere(kind):
    it = stage(3, kind, replicas=1, table=False, tables=["shop.*"])
    for name, (columns, key, _) in KEYS.items():
        for server in everyone(it):
            server.unlogged(f"CREATE TABLE shop.`{name}` ({columns}, {VALUES}, {FORM}, PRIMARY KEY ({key})) ENGINE=InnoDB")
    for name, (columns, _, keys) in KEYS.items():
        names = ", ".join(re.findall(r"(?:^|, )(\w+|`(?:[^`]|``)+`) [A-Z]", columns))
        # The first key is the same everywhere; the second differs; the others are holes at one site or another.
        for n, server in enumerate(everyone(it)):
            put(server, name, names, keys[0], "s3me-value", t="NULL", f="NULL")
            put(server, name, names, keys[1], f"d1ffering-{n % 3}", t="NULL" if n == 1 else "''")
            for i, key in enumerate(keys[2:]):
                if n % 3 != i % 3:
                    put(server, name, names, key, "h0le-value")
    started(it)

    def done():
        return all(len(rows_of(server, f"`{name}`")) == 1 for name in KEYS for server in everyone(it))
    try:
        wait_for(done, 60, "only the keys that agree are left", pause_s=0.3)
    except servers.NotReady as e:
        left = {name: [len(rows_of(server, f"`{name}`")) for server in everyone(it)] for name in KEYS}
        raise servers.NotReady(f"{e}: {left}\n{it.log(0)[-3000:]}") from e
    want(0, said(it, "can't be compared") + said(it, "can't be repaired"), "tables refused")
    for value in ("d1ffering", "s3me-value", "h0le-value", "00112233"):
        want(0, sum(value in it.log(i) for i in range(3)), "values in the logs")
    repaired = sum(len(keys) - 1 for *_, keys in KEYS.values())
    want(repaired, said(it, "deleted everywhere"), "keys repaired")

    def journals():
        texts = [open(it.journal_file(i)).read() for i in range(3)]
        want(0, sum(value in text for text in texts for value in ("d1ffering", "s3me-value", "h0le-value", "00112233")), "values in the journals")
        return sum(text.count("key_repaired") for text in texts)
    wait_for(lambda: journals() == repaired, 10, f"{repaired} repairs are in the journals", pause_s=0.2)



def diverge(it, keys, table="cache"):
    """Each key with another value at each site, as two writes that crossed leave it; the replica has its site's."""
    for n, server in enumerate(it.servers + it.replicas):
        value = f"value-{0 if server in it.replicas else n}"
        server.unlogged(*(f"REPLACE INTO shop.{table} (k, v) VALUES ('{key}', '{value}')" for key in keys))


def wait_agreed(it, deadline_s=30):
    wait_for(lambda: differing(it) == 0, deadline_s, "all sites and replicas agree", pause_s=0.2)


@test
def keys_are_repaired_under_each_binlog_format():
    for binlog_format in ("MIXED", "ROW", "STATEMENT"):
        it = started(stage(3, replicas=1, binlog_format=binlog_format))
        for server in everyone(it):
            server.unlogged(*(f"REPLACE INTO shop.cache (k, v) VALUES ('same-{i}', 'v')" for i in range(20)))
        diverge(it, [f"k-{i}" for i in range(20)])
        # Holes at each place: at the site that repairs, at another, at two, at the replica only.
        for n, holes in enumerate(((0,), (1,), (0, 1), (1, 2), (3,))):
            for i, server in enumerate(everyone(it)):
                if i not in holes:
                    server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('hole-{n}', 'v')")
        wait_for(lambda: said(it, "deleted everywhere") >= 24, 30, f"24 keys repaired under {binlog_format}", pause_s=0.2)
        left = {row[0] for row in rows_of(it.servers[0])}
        # The replica's own hole is nobody's business: it isn't a member of the ring.
        want({f"same-{i}".encode() for i in range(20)} | {b"hole-4"}, left, f"keys left under {binlog_format}")
        wait_for(lambda: {r[0] for r in rows_of(it.replicas[0])} == left - {b"hole-4"}, 10, "the replica agrees", pause_s=0.1)
        want(24, said(it, "deleted everywhere"), "repairs")


@either
def writes_that_cross_are_repaired(kind):
    it = stage(3, kind, delay_ms=20)
    it.start_daemons()
    it.wait_whole()
    stopping = threading.Event()

    def write(site):
        connection, n = it.servers[site].connect(), 0
        while not stopping.is_set():
            connection.cursor().execute("REPLACE INTO shop.cache VALUES (%s, %s)", (f"hot-{n % 10}", f"{site}-{n}"))
            n += 1
            time.sleep(0.002)
    threads = [threading.Thread(target=write, args=(site,), daemon=True) for site in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    stopping.set()
    for thread in threads:
        thread.join(10)
    wait_agreed(it, 40)
    want_true(said(it, "deleted everywhere") > 0, "some of the ten keys differed and were deleted")


@either
def a_busy_ring_without_conflicts_sees_no_repair(kind):
    it = stage(3, kind, delay_ms=20)
    it.start_daemons()
    it.wait_whole()
    writers = Writers(it, pause_s=0.002)
    # The same keys again and again, each with one writer; one changes between two values all the time.
    stopping = threading.Event()

    def rewrite():
        cursor, n = it.servers[1].connect().cursor(), 0
        while not stopping.is_set():
            cursor.execute("REPLACE INTO shop.cache VALUES (%s, %s), ('flag', %s)", (f"own-{n % 50}", f"{n}", n % 2))
            n += 1
            time.sleep(0.003)
    thread = threading.Thread(target=rewrite, daemon=True)
    thread.start()
    time.sleep(12)
    stopping.set()
    thread.join(10)
    written = writers.stop()
    want({}, it.wait_everywhere(written), "keys lacking")
    want(0, said(it, "deleted everywhere"), "repairs")
    want_true(said(it, "compared and repaired from here") == 1, "one daemon compares")


@test
def report_mode_says_it_and_changes_nothing():
    it = started(stage(3, more={"converge": "report"}, repairs=False))
    diverge(it, ["one", "two"])
    before = [rows_of(server) for server in it.servers]
    wait_for(lambda: said(it, "2 keys differ between sites for good") == 1, 20, "the log says so", pause_s=0.1)
    want(2, said(it, "differs for good (a | b | c); left as it is"), "keys named in the log")
    time.sleep(3)
    want(2, said(it, "left as it is"), "keys named once")
    want(before, [rows_of(server) for server in it.servers], "rows")
    # A repair by hand, and it's heard of no more.
    it.servers[1].query("REPLACE INTO shop.cache VALUES ('one', 'new'), ('two', 'new')")
    wait_agreed(it, 10)


@test
def off_means_off():
    it = started(stage(2, more={"converge": "off"}))
    diverge(it, ["one"])
    time.sleep(4)
    want(2, differing(it), "rows that differ")
    want(None, it.servers[0].one("SELECT table_name FROM information_schema.tables WHERE table_schema = 'roundabout'"
                                 " AND table_name = 'converge'"), "the table of the lease")


@test
def of_two_daemons_of_one_site_one_repairs():
    it = stage(3)
    it.start_daemons()
    it.wait_whole()
    wait_for(lambda: said(it, "compared and repaired from here") == 1, 10, "a compares", pause_s=0.05)
    first = it.daemons[0]
    it.start_daemon(0)  # a second one from the same file, into the same log
    wait_for(lambda: "another daemon compares the cache tables" in it.log(0), 10, "the second stands back", pause_s=0.05)
    diverge(it, [f"k-{i}" for i in range(30)])
    wait_agreed(it)
    want(30, said(it, "deleted everywhere"), "repairs")
    want(1, said(it, "compared and repaired from here"), "daemons that compare")
    # When the first is frozen, the second takes over once the lease is over, and the first, thawed, does nothing more.
    first.send_signal(19)
    wait_for(lambda: said(it, "compared and repaired from here") == 2, 20, "the second takes over", pause_s=0.05)
    diverge(it, [f"l-{i}" for i in range(30)])
    wait_for(lambda: said(it, "deleted everywhere") >= 1, 20)
    first.send_signal(18)
    wait_agreed(it)
    want(60, said(it, "deleted everywhere"), "repairs")
    servers.end_child(first)


@test
def the_next_site_repairs_while_the_main_one_is_dead_and_the_main_one_again_when_it_is_back():
    it = started(stage(3))
    wait_for(lambda: "compared and repaired from here" in it.log(0), 10, pause_s=0.05)
    it.stop_daemon(0)
    it.servers[0].kill()
    wait_for(lambda: "compared and repaired from here" in it.log(1), 20, "b compares", pause_s=0.05)
    for n, server in enumerate(it.servers[1:]):
        server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('k', '{n}')")
    wait_for(lambda: all(rows_of(server) == () for server in it.servers[1:]), 20, "the key is gone at b and c", pause_s=0.1)
    it.servers[0].start()
    it.start_daemon(0)
    wait_for(lambda: it.log(0).count("compared and repaired from here") == 2, 20, "a compares again", pause_s=0.05)
    wait_for(lambda: "cache tables are compared from a" in it.log(1), 10, "b stands back", pause_s=0.05)


@test
def a_cut_off_daemon_repairs_nothing():
    """a's daemon reaches its own server only; b and c go on, and b repairs."""
    it = started(stage(3, delay_ms=1))
    wait_for(lambda: "compared and repaired from here" in it.log(0), 10, pause_s=0.05)
    for (here, there), relay in it.relays.items():
        if 0 in (here, there):
            relay.partition()
    wait_for(lambda: "compared and repaired from here" in it.log(1), 20, "b compares", pause_s=0.05)
    for n, server in enumerate(it.servers):
        server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('k', '{n}')")
    wait_for(lambda: all(rows_of(server) == () for server in it.servers[1:]), 20, "the key is gone at b and c", pause_s=0.1)
    want(1, len(rows_of(it.servers[0])), "rows at a")
    want(0, it.log(0).count("deleted everywhere"), "repairs by a")
    for (here, there), relay in it.relays.items():
        if 0 in (here, there):
            relay.heal()
    it.wait_whole()
    wait_agreed(it)


@test
def comparing_waits_while_a_site_lags():
    it = started(stage(2))
    wait_for(lambda: "compared and repaired from here" in it.log(0), 10, pause_s=0.05)
    it.stop_daemon(1)  # so that nobody starts its link again
    it.servers[1].query("STOP SLAVE SQL_THREAD")
    wait_for(lambda: "comparing cache tables waits" in it.log(0), 20, "it waits", pause_s=0.05)
    diverge(it, ["k"])
    time.sleep(3)
    want(2, differing(it), "rows that differ")
    it.start_daemon(1)
    wait_agreed(it)


@test
def a_replica_that_follows_other_sites_at_times_is_compared_too():
    it = stage(2, replicas=1, more={"replicas_follow": True})
    it.start_daemons()
    it.wait_whole()
    replica = it.replicas[0]
    wait_for(replica.link_runs, 20, "the replica follows", pause_s=0.05)
    for server in everyone(it):
        server.unlogged("REPLACE INTO shop.cache (k, v) VALUES ('same', 'v'), ('other', 'v'), ('hole', 'v')")
    replica.unlogged("REPLACE INTO shop.cache (k, v) VALUES ('other', 'old'), ('stray', 'old')", "DELETE FROM shop.cache WHERE k = 'hole'")

    def only_same():
        return all([row[0] for row in rows_of(server)] == [b"same"] for server in everyone(it))
    wait_for(only_same, 40, "what differs is deleted everywhere", pause_s=0.2)
    want(3, said(it, "deleted everywhere"), "repairs")
    want(3, len(re.findall(r"\(a b(?: without it)? \| a's replica 127\.0\.0\.1:\d+(?: without it)?\); deleted", it.log(0))), "repairs with the replica's name")
    # While it is away the sites are compared without it, and when it's back, it is once more.
    replica.stop()
    for n, server in enumerate(it.servers):
        server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('k', '{n}')")
    wait_for(lambda: all(len(rows_of(server)) == 1 for server in it.servers), 30, "the key is gone at both sites", pause_s=0.2)
    replica.start()
    replica.unlogged("REPLACE INTO shop.cache (k, v) VALUES ('late', 'old')")
    wait_for(only_same, 60, "it is compared again", pause_s=0.2)


@test
def a_replica_of_something_else_is_left_out():
    """For its sake all would be deleted, again and again."""
    it = stage(2, replicas=1, more={"replicas_follow": True, "converge_repairs_per_s": 2000})
    it.start_daemons()
    it.wait_whole()
    replica = it.replicas[0]
    wait_for(replica.link_runs, 20, "the replica follows", pause_s=0.05)
    rows = 3000
    for server in it.servers:
        server.unlogged("USE shop", f"INSERT INTO shop.cache (k, v) SELECT CONCAT('k', seq), 'v' FROM seq_1_to_{rows}")
    wait_for(lambda: said(it, "alone differs in more than 1000 keys") == 1, 60, "it is named", pause_s=0.2)
    time.sleep(6)
    left = len(rows_of(it.servers[0]))
    want_between(rows - 1100, rows - 900, left, "rows left")
    want(left, len(rows_of(it.servers[1])), "rows at the other site")
    diverge(it, ["other"])
    wait_for(lambda: all(len(rows_of(server)) == left for server in it.servers), 30, "the sites are compared on", pause_s=0.2)
    want(rows - left + 1, said(it, "deleted everywhere"), "repairs")


@test
def what_can_not_be_compared_or_repaired_is_named_and_left_alone():
    it = stage(2, table=False, tables=["shop.*"])
    for n, server in enumerate(it.servers):
        server.unlogged("CREATE TABLE shop.no_key (k INT, v INT) ENGINE=InnoDB",
                        "CREATE TABLE shop.float_key (k DOUBLE PRIMARY KEY, v INT) ENGINE=InnoDB",
                        f"CREATE TABLE shop.other_form (k INT PRIMARY KEY, v {'INT' if n else 'BIGINT'}, {FORM}) ENGINE=InnoDB",
                        "CREATE TABLE shop.plain (k INT PRIMARY KEY, v INT) ENGINE=InnoDB",
                        "CREATE TABLE shop.two_keys (k INT PRIMARY KEY, u INT NOT NULL UNIQUE) ENGINE=InnoDB",
                        *(f"INSERT INTO shop.{name} VALUES (1, {n})" for name in ("no_key", "float_key", "plain", "two_keys")),
                        f"INSERT INTO shop.other_form (k, v) VALUES (1, {n})")
    it.server_tables = ("no_key", "float_key", "other_form", "plain", "two_keys")
    it.start_daemons()
    it.wait_whole()
    for words in ("shop.no_key can't be compared between sites: it has no primary key",
                  "shop.float_key can't be compared between sites: a column of its primary key is a floating-point number",
                  "shop.other_form can't be compared between sites: at b it is defined differently",
                  "shop.plain is compared, but its keys can't be repaired: it has no unique index beside its primary key",
                  "shop.two_keys is compared, but its keys can't be repaired: a tombstone could push out another row"):
        wait_for(lambda: words in it.log(0), 15, words, pause_s=0.1)
    wait_for(lambda: said(it, "1 keys differ between sites for good") == 2, 15, "both are reported", pause_s=0.1)
    for name in it.server_tables:
        want([1, 1], [len(rows_of(server, name)) for server in it.servers], f"rows of {name}")


@test
def a_missing_grant_is_named():
    it = started(stage(2, repairs=False))
    diverge(it, ["k"])
    wait_for(lambda: "GRANT SELECT, INSERT, DELETE to the monitor user on shop.cache" in it.log(0), 20, "the log names it", pause_s=0.1)
    want(2, differing(it), "rows that differ")



READER = """import MySQLdb, sys
connection = MySQLdb.connect(unix_socket=sys.argv[1], user='app', passwd='apppw', autocommit=True)
for line in sys.stdin:
    cursor = connection.cursor()
    cursor.execute("SELECT v FROM shop.cache WHERE k = 'where'")
    print(cursor.fetchone()[0].decode(), flush=True)
"""


@test
def reads_of_a_site_that_is_behind_go_to_main():
    """The daemon measures and the library reads it: while b's applier is stopped, a program at b reads main's row."""
    it = stage(2, more={"converge": "off"})

    def limit_staleness(file):
        with open(file) as f:
            text = f.read()
        with open(file, "w") as f:
            f.write(text.replace('{ name = "pages";', '{ name = "pages"; max_stale_ms = 1500;'))
    for file in it.files:
        limit_staleness(file)
    it.start_daemons()
    it.wait_whole()
    for name, server in zip(it.names, it.servers):
        server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('where', '{name}')")
    environment = dict(os.environ, LD_PRELOAD=os.path.join(servers.BUILD, "libroundabout.so"), ROUNDABOUT_CONFIG=it.files[1])
    program = subprocess.Popen(["/usr/bin/python3", "-c", READER, it.servers[0].socket], env=environment, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # it ends when this end of its input is closed

    def where():
        program.stdin.write("\n")
        program.stdin.flush()
        return program.stdout.readline().strip()
    want("b", where(), "where it is read")
    wait_for(lambda: it.servers[1].one("SELECT 1 FROM information_schema.tables WHERE table_name = 'heartbeat'")
             and it.servers[1].one("SELECT 1 FROM roundabout.heartbeat WHERE site = 'a'"), 10, "a heartbeat of a is at b", pause_s=0.05)
    it.stop_daemon(1)  # else the link is started again
    it.servers[1].query("STOP SLAVE SQL_THREAD")
    time.sleep(6)
    want("b", where(), "where it is read while nobody measures")
    limit_staleness(it.write_config(1, manage="watch"))
    it.start_daemon(1)
    wait_for(lambda: where() == "a", 20, "it is read at main", pause_s=0.1)
    it.servers[1].query("START SLAVE SQL_THREAD")
    wait_for(lambda: where() == "b", 20, "it is read at b again", pause_s=0.1)
    # A lag that has been measured says nothing of a link that has stopped since.
    time.sleep(2)
    it.servers[1].query("STOP SLAVE SQL_THREAD")
    wait_for(lambda: where() == "a", 6, "it is read at main soon", pause_s=0.1)
    program.stdin.close()
    want(0, program.wait(20), "the program's exit status")


def ring(it, *words):
    run = subprocess.run([os.path.join(servers.BUILD, "roundabout"), "ring", words[0], "-f", it.files[0], *words[1:]],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return run.returncode, run.stdout


@either
def a_table_is_prepared_at_every_server_while_it_is_written(kind):
    it = stage(3, kind, replicas=1, table=False, binlog_format="ROW", tables=["shop.cache", "shop.keyless"])
    for server in everyone(it):
        server.unlogged("CREATE TABLE shop.cache (k VARBINARY(255) NOT NULL PRIMARY KEY, v MEDIUMBLOB NOT NULL) ENGINE=InnoDB",
                        "CREATE TABLE shop.keyless (k INT, v INT) ENGINE=InnoDB",
                        "GRANT ALTER, CREATE, INSERT ON shop.* TO 'roundabout'@'%'")
    started(it)
    run = subprocess.run([os.path.join(servers.BUILD, "roundabout"), "check", "-f", it.files[0]], stdout=subprocess.PIPE, text=True)
    want_true("roundabout ring prepare-table shop.cache" in run.stdout and "ADD UNIQUE KEY ring_u (ring_u)" in run.stdout,
              f"check asks for it: {run.stdout}")
    writers = Writers(it, pause_s=0.005)
    status, told = ring(it, "prepare-table", "--dry-run", "shop.cache")
    want((0, 4), (status, told.count("ADD COLUMN ring_u")), f"dry run: {told}")
    want(0, sum(server.one("SELECT COUNT(*) FROM information_schema.columns WHERE column_name = 'ring_u' AND table_schema = 'shop'")
                for server in everyone(it)), "columns added by a dry run")
    it.servers[2].unlogged("ALTER TABLE shop.cache ADD COLUMN ring_u TINYINT NULL DEFAULT NULL INVISIBLE")
    for _ in range(5):  # a lock that isn't granted within two seconds is an error, and the command may be given again
        status, told = ring(it, "prepare-table", "shop.cache")
        if status == 0:
            break
    want(0, status, told)
    status, told = ring(it, "prepare-table", "shop.cache")
    want((0, 4), (status, told.count("as it should be")), told)
    status, told = ring(it, "prepare-table", "shop.keyless")
    want((1, 4), (status, told.count("it has no primary key")), told)
    status, told = ring(it, "prepare-table", "shop.nothing")
    want((1, 4), (status, told.count("the table isn't there")), told)
    time.sleep(0.5)
    written = writers.stop()
    want({}, it.wait_everywhere(written), "keys lacking")
    want_true(it.is_whole(), "the ring is whole")
    diverge(it, ["k"])
    wait_agreed(it)


if __name__ == "__main__":
    main()
