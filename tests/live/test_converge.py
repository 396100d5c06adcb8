#!/usr/bin/python3
"""Keys that differ between sites for good are found and taken away everywhere, on both kinds of servers."""

import threading
import time

import servers
from converge_stage import FORM, QUICK, differing, everyone, make_table, rows_of, said, stage
from harness import main, test, want, want_between, want_true
from mysql_servers import MysqlServer
from ring_stage import Writers
from servers import Server, wait_for

# name: the definition of its columns and key; keys as SQL.
KEYS = {
    "whole_number": ("k INT NOT NULL PRIMARY KEY", ["-5", "0", "2147483647"]),
    "large_number": ("k BIGINT UNSIGNED NOT NULL PRIMARY KEY", ["0", "18446744073709551615", "9007199254740993"]),
    "decimal": ("k DECIMAL(20,6) NOT NULL PRIMARY KEY", ["-0.000001", "12345678901234.5", "3"]),
    "text_of_any_case": ("k VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL PRIMARY KEY", ["''", "'It''s'", "'Z\\u00fcrich \U0001f600'"]),
    "text_by_bytes": ("k VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY", ["'a'", "'A'", "'a\\\\b%_'"]),
    "latin_text": ("k CHAR(20) CHARACTER SET latin1 NOT NULL PRIMARY KEY", ["_latin1 X'FC'", "'plain'", "'x y'"]),
    "bytes": ("k VARBINARY(200) NOT NULL PRIMARY KEY", ["X''", "X'00'", "X'0027225C00'", "X'FFFE1F'"]),
    "fixed_bytes": ("k BINARY(16) NOT NULL PRIMARY KEY", ["X'00112233445566778899AABBCCDDEEFF'", "X'01'"]),
    "day": ("k DATE NOT NULL PRIMARY KEY", ["'2024-02-29'", "'1970-01-01'"]),
    "moment": ("k DATETIME(6) NOT NULL PRIMARY KEY", ["'2024-02-29 23:59:59.999999'", "'2001-01-01 00:00:00'"]),
    "point_in_time": ("k TIMESTAMP(6) NOT NULL PRIMARY KEY", ["'2024-02-29 23:59:59.5'", "'2001-01-01 00:00:00'"]),
    "word": ("k ENUM('zulu','alpha','mike') NOT NULL PRIMARY KEY", ["'zulu'", "'mike'"]),
    "bits": ("k BIT(12) NOT NULL PRIMARY KEY", ["b'101'", "b'111111111111'"]),
    "number_and_text": ("a INT NOT NULL, k VARCHAR(50) NOT NULL, PRIMARY KEY (a, k)", ["1, 'x'", "1, 'y'", "2, ''"]),
    "three": ("a VARBINARY(20) NOT NULL, b INT NOT NULL, k DATETIME NOT NULL, PRIMARY KEY (k, a, b)",
              ["X'61', 1, '2024-01-01'", "X'61', 2, '2024-01-01'", "X'', 0, '2024-01-02'"]),
    "odd names": ("`select` INT NOT NULL, `a``b c` VARCHAR(20) NOT NULL, r INT NOT NULL, PRIMARY KEY (`a``b c`, `select`, r)", ["1, 'x', 1", "2, 'y', 2"]),
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
                  " MASTER_PASSWORD='l1nk-s3cret', MASTER_CONNECT_RETRY=1, MASTER_AUTO_POSITION=1, GET_MASTER_PUBLIC_KEY=1"
                  .replace("GET_MASTER", "GET_SOURCE"))
    replica.query("START SLAVE")
    wait_for(replica.link_runs, 10, "the replica follows", pause_s=0.02)


def put(server, table, key, value, t="'t'", f="1.5", j="'{}'", ignore_columns=None):
    columns = server.query(f"SELECT column_name FROM information_schema.columns WHERE table_schema = 'shop' AND table_name = '{table}'"
                           " AND column_key = 'PRI' ORDER BY ordinal_position")
    names = ", ".join("`" + (c[0] if isinstance(c[0], str) else c[0].decode()).replace("`", "``") + "`" for c in columns)
    server.unlogged(f"REPLACE INTO shop.`{table}` ({names}, v, t, f, j) VALUES ({key}, '{value}', {t}, {f}, {j})")


@either
def differing_keys_of_each_type_are_taken_away_everywhere(kind):
    it = stage(3, kind, replicas=1, table=False, tables=["shop.*"])
    for name, (definition, keys) in KEYS.items():
        for server in everyone(it):
            server.unlogged(f"CREATE TABLE shop.`{name}` ({definition.replace(' PRIMARY KEY', '', 1) if ' NOT NULL PRIMARY KEY' in definition else definition.rsplit(', PRIMARY KEY', 1)[0]},"
                            f" {VALUES}, {FORM}, "
                            + ("PRIMARY KEY (k)" if " NOT NULL PRIMARY KEY" in definition else "PRIMARY KEY" + definition.rsplit("PRIMARY KEY", 1)[1])
                            + ") ENGINE=InnoDB")
    kept = {}
    for name, (_, keys) in KEYS.items():
        # The first key is the same everywhere; the second differs; the others are holes at one site or another.
        for n, server in enumerate(everyone(it)):
            put(server, name, keys[0], "s3me-value", t="NULL", f="NULL")
            put(server, name, keys[1], f"d1ffering-{n % 3}", t="NULL" if n == 1 else "''")
            for i, key in enumerate(keys[2:]):
                if n % 3 != i % 3:
                    put(server, name, key, "h0le-value")
        kept[name] = len(rows_of(it.servers[0], f"`{name}`")), 1
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
    want(sum(len(keys) - 1 for _, keys in KEYS.values()), said(it, "deleted everywhere"), "keys journaled")


if __name__ == "__main__":
    main()
