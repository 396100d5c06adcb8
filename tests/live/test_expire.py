#!/usr/bin/python3
"""Old rows of cache tables are deleted at all sites, on real servers of both kinds."""

import os
import subprocess
import time

import servers
from converge_stage import FORM, everyone, make_table, said, stage
from harness import main, test, want, want_true
from mysql_servers import MysqlServer
from servers import BUILD, Server, wait_for

TABLE = f"k VARBINARY(40) NOT NULL PRIMARY KEY, v INT NOT NULL, t TIMESTAMP NULL, {FORM}"


def expiring(kind, rule, converge="report", **kw):
    it = stage(3, kind=kind, more={"converge": converge}, **kw)
    make_table(it, TABLE)
    for path in it.files:
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace('name = "pages";', f'name = "pages"; expire = "{rule}"; expire_every_s = 1; expire_rows = 50;'))
    return it


def put(server, name, count, age_s):
    connection = server.connect()
    connection.cursor().executemany("REPLACE INTO shop.cache (k, v, t) VALUES (%s, 1, NOW() - INTERVAL %s SECOND)",
                                    [(f"{name}-{n}", age_s) for n in range(count)])
    connection.close()


def names(server):
    return {row[0].decode() for row in server.query("SELECT k FROM shop.cache")}


def check(kind, converge):
    it = expiring(kind, "t < NOW() - INTERVAL 10 MINUTE", converge)
    it.start_daemons()
    it.wait_whole(60)
    young = {f"young-{n}" for n in range(30)} | {"none"}
    put(it.servers[2], "young", 30, 60)
    it.servers[0].query("REPLACE INTO shop.cache (k, v, t) VALUES ('none', 1, NULL)")
    put(it.servers[1], "old", 120, 700)
    wait_for(lambda: all(names(server) == young for server in everyone(it)), 40, "only young rows everywhere", pause_s=0.2)
    time.sleep(1.5)  # another round
    want([young] * 3, [names(server) for server in it.servers], "rows after another round")
    want_true(said(it, "rows were too old, and deleted everywhere") >= 1, "the count is told")
    want_true("rows were too old" not in it.log(1) + it.log(2), "by the main site's daemon alone")
    return it


@test
def old_rows_go_everywhere_and_young_ones_stay():
    check(Server, "report")


@test
def old_rows_go_with_converge_off():
    check(Server, "off")


@test
def old_rows_go_on_mysql():
    check(MysqlServer, "report")


@test
def nothing_goes_while_the_ring_is_paused():
    it = expiring(Server, "t < NOW() - INTERVAL 10 MINUTE")
    it.start_daemons()
    it.wait_whole(60)
    wait_for(lambda: said(it, "cache tables are compared from here"), 20, "the lease is held")
    paused = subprocess.run([os.path.join(BUILD, "roundabout"), "ring", "pause", "-f", it.files[1]], stdout=subprocess.PIPE, text=True)
    want(0, paused.returncode, paused.stdout)
    wait_for(lambda: "paused, nothing is changed" in it.log(0), 10, "a's daemon says so")
    put(it.servers[0], "old", 5, 700)
    time.sleep(3)
    want(5, len(names(it.servers[0])), "old rows while paused")
    want(0, subprocess.run([os.path.join(BUILD, "roundabout"), "ring", "resume", "-f", it.files[1]], stdout=subprocess.PIPE).returncode, "resume")
    wait_for(lambda: not any(names(server) for server in everyone(it)), 20, "the old rows are gone", pause_s=0.2)


@test
def a_rule_that_is_no_rule_is_refused_at_load():
    it = expiring(Server, "t < NOW() OR 1 = 1")
    status, text = it.run_once(0)
    want(3, status, text)
    want_true("expire isn't understood" in text, text)


if __name__ == "__main__":
    main()
