#!/usr/bin/python3
"""`roundabout ring join`, leave, pause and plan on real servers of both kinds."""

import os
import re
import signal
import shutil
import subprocess
import time

import servers
from converge_stage import QUICK, everyone, stage
from harness import main, test, want, want_true
from mysql_servers import MysqlServer
from ring_stage import Writers, grant_monitor
from ring_stage import ACCOUNT_GRANTS, GRANTS, MYSQL_GRANTS
from servers import BUILD, Server, wait_for

# Beside what watching and healing need.
JOIN_GRANTS = {
    Server: ("GRANT RELOAD, REPLICATION MASTER ADMIN, BINLOG ADMIN ON *.* TO {user}",
             "GRANT SELECT, INSERT, DELETE, CREATE, DROP ON roundabout.* TO {user}",
             "GRANT SELECT, INSERT, DELETE, CREATE, DROP ON shop.* TO {user}"),
    MysqlServer: ("GRANT RELOAD ON *.* TO {user}",
                  "GRANT SELECT, INSERT, DELETE, CREATE, DROP ON roundabout.* TO {user}",
                  "GRANT SELECT, INSERT, DELETE, CREATE, DROP ON shop.* TO {user}"),
}
FINE, NOT_DONE, USAGE = 0, 1, 2


def all_grants(kind):
    return (MYSQL_GRANTS if kind is MysqlServer else GRANTS + ACCOUNT_GRANTS) + JOIN_GRANTS[kind]


def ring_verb(it, i, *words):
    """(exit status, all that it printed) of `roundabout ring` with site i's file."""
    run = subprocess.run([os.path.join(BUILD, "roundabout"), "ring", words[0], "-f", it.files[i], *words[1:]],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
    return run.returncode, run.stdout


def knows(server, site):
    try:
        return server.query("SELECT 1 FROM roundabout.heartbeat WHERE site = %s", site)
    except servers.MySQLdb.Error:  # there's no table yet
        return False


def ring_of_three(kind, **kw):
    it = stage(3, kind=kind, more={"converge": "report"}, **kw)
    for server in everyone(it):
        grant_monitor(server, all_grants(kind))
    it.start_daemons()
    it.wait_whole(60)
    wait_for(lambda: knows(it.servers[0], "c"), 20, "c's writes are known at a")
    return it


def wipe(it, i):
    """The server loses everything, as with a new disk, and is installed again: monitor user and nothing else."""
    it.servers[i].kill()
    shutil.rmtree(it.servers[i].datadir)
    it.servers[i].start()
    grant_monitor(it.servers[i], all_grants(type(it.servers[i])))
    it.servers[i].unlogged("DROP DATABASE IF EXISTS shop")


def fill(it, count=1500):
    """Rows with bytes that a careless copy would change, and NULL."""
    connection = it.servers[0].connect()
    cursor = connection.cursor()
    for i in range(0, count, 250):
        cursor.executemany("REPLACE INTO shop.cache VALUES (%s, %s)",
                           [(f"old-{n}", bytes([n % 256, 39, 92, 0, 255]) * (n % 7)) for n in range(i, i + 250)])
    connection.close()


def same_everywhere(it):
    def contents(server):
        return sorted(server.query("SELECT k, v FROM shop.cache"))
    return all(contents(server) == contents(it.servers[0]) for server in everyone(it)[1:])


def joins_under_load(kind, way):
    it = ring_of_three(kind)
    fill(it)
    want({}, it.wait_everywhere(["old-1499"], 30), "keys lacking")
    writers = Writers(it, pause_s=0.02)
    wipe(it, 2)
    writers.written = [key for key in writers.written if not key.startswith("c-")]
    if kind is Server:  # MySQL's has a new uuid: it isn't one that has forgotten, and its successor waits for the join
        wait_for(lambda: it.source_of(0) == 1, 30, "the successor goes past the wiped site", pause_s=0.1)
    status, said = ring_verb(it, 2, "join", way, "c")
    want(FINE, status, said)
    it.wait_whole(60)
    written = writers.stop()
    return it, written


def check_copied(kind):
    it, _ = joins_under_load(kind, "--copy")
    wait_for(lambda: same_everywhere(it), 40, "all sites have the same rows", pause_s=0.5)
    want_true(it.servers[2].one("SELECT COUNT(*) FROM shop.cache") > 1500, "rows at the joined site")
    it.servers[2].query("REPLACE INTO shop.cache VALUES ('after', 'v')")
    want({}, it.wait_everywhere(["after"], 20), "keys lacking")


@test
def a_wiped_site_gets_its_rows_back_under_load():
    check_copied(Server)


@test
def a_wiped_mysql_site_gets_its_rows_back_under_load():
    check_copied(MysqlServer)


def check_empty(kind):
    it, _ = joins_under_load(kind, "--empty")
    want(0, it.servers[2].one("SELECT COUNT(*) FROM shop.cache WHERE k LIKE 'old-%'"), "old rows at the joined site")
    for i in range(3):
        it.servers[i].query("REPLACE INTO shop.cache VALUES (%s, 'v')", f"after-{i}")
        it.servers[i].query("REPLACE INTO shop.cache VALUES (%s, 'new')", f"old-{i}")
    want({}, it.wait_everywhere([f"after-{i}" for i in range(3)] + [f"old-{i}" for i in range(3)], 20), "keys lacking")
    # A row that the empty site lacked went through it.
    wait_for(lambda: all(server.one("SELECT v FROM shop.cache WHERE k = 'old-1'") == b"new" for server in everyone(it)), 20)


@test
def an_emptied_site_is_a_member_without_rows():
    check_empty(Server)


@test
def an_emptied_mysql_site_is_a_member_without_rows():
    check_empty(MysqlServer)


def kill_at(it, pattern):
    """Starts a join and kills it as soon as it says something that matches; whether it got there."""
    run = servers.spawn([os.path.join(BUILD, "roundabout"), "ring", "join", "-f", it.files[2], "c"], stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT)
    said = b""
    for line in run.stdout:
        said += line
        if re.search(pattern, line):
            run.send_signal(signal.SIGKILL)
            run.wait(20)
            return True
    run.wait(60)
    print("#", said.decode())
    return False


def check_killed(kind):
    it = ring_of_three(kind)
    fill(it, 500)
    want({}, it.wait_everywhere(["old-499"], 30), "keys lacking")
    wipe(it, 2)
    for step in (rb"CREATE DATABASE IF NOT EXISTS roundabout", rb"REPLACE INTO roundabout.pause", rb"CONSISTENT SNAPSHOT", rb"RESET (MASTER|BINARY)",
                 rb"SET GLOBAL gtid_", rb"CREATE TABLE IF NOT EXISTS .roundabout.\.", rb"CREATE TABLE .shop.\.", rb"REPLACE INTO shop",
                 rb"CHANGE ", rb"DELETE FROM roundabout.pause"):
        if not kill_at(it, step):
            want_true(step.startswith(b"DELETE"), f"the join says {step}")
        it.servers[0].query("REPLACE INTO shop.cache VALUES (%s, 'v')", f"during {step.decode()[:20]}")
        it.servers[1].query("DELETE FROM shop.cache WHERE k = %s", f"old-{len(step)}")
    status, said = ring_verb(it, 2, "join", "c")
    want(FINE, status, said)
    it.wait_whole(60)
    wait_for(lambda: same_everywhere(it), 40, "all sites have the same rows", pause_s=0.5)
    it.servers[2].query("REPLACE INTO shop.cache VALUES ('after', 'v')")
    want({}, it.wait_everywhere(["after"], 20), "keys lacking")


@test
def a_join_goes_on_after_it_was_killed_at_any_step():
    check_killed(Server)


@test
def a_mysql_join_goes_on_after_it_was_killed_at_any_step():
    check_killed(MysqlServer)


def check_refused(kind):
    it = ring_of_three(kind)
    status, said = ring_verb(it, 2, "join", "c")
    want(FINE, status, said)
    want_true("a member already" in said, said)
    it.stop_daemon(2)
    wipe(it, 2)
    it.servers[2].unlogged("CREATE DATABASE shop")
    servers.make_cache_table(it.servers[2])
    it.servers[2].unlogged("INSERT INTO shop.cache VALUES ('mine', 'v')")
    status, said = ring_verb(it, 2, "join", "c")
    want(NOT_DONE, status, said)
    want_true("has rows" in said, said)
    it.servers[2].unlogged("DELETE FROM shop.cache")
    it.servers[2].query("REPLACE INTO shop.cache VALUES ('mine', 'v')")
    status, said = ring_verb(it, 2, "join", "c")
    want(NOT_DONE, status, said)
    want_true("written transactions of its own" in said, said)
    want(1, it.servers[2].one("SELECT COUNT(*) FROM shop.cache"), "its rows")
    want({}, it.servers[2].slave_status(), "its link")


@test
def a_server_that_has_written_is_refused():
    check_refused(Server)


@test
def a_mysql_server_that_has_written_is_refused():
    check_refused(MysqlServer)


@test
def a_wiped_site_writes_nothing_before_it_was_joined():
    it = ring_of_three(Server)
    wipe(it, 2)
    wait_for(lambda: "without its GTID position; nothing is written" in it.log(2), 20, "c's daemon says what to do")
    wait_for(lambda: it.source_of(0) == 1, 20, "a goes past c", pause_s=0.1)
    time.sleep(1)
    want("", it.servers[2].one("SELECT @@GLOBAL.gtid_binlog_pos"), "what c has logged")
    status, said = ring_verb(it, 0, "plan")
    want(1, status, said)
    want_true("roundabout ring join" in said, said)
    status, said = ring_verb(it, 2, "join", "--dry-run", "c")
    want(FINE, status, said)
    want_true("SET GLOBAL gtid_slave_pos" in said and "CHANGE MASTER TO" in said and "***" in said, said)
    want("", it.servers[2].one("SELECT @@GLOBAL.gtid_slave_pos"), "c's position after a dry run")


@test
def a_wiped_mysql_site_writes_nothing_before_it_was_joined():
    """It is a new server to all, and makes its link; what comes over it needs tables that a join makes."""
    it = ring_of_three(MysqlServer)
    fill(it, 250)
    want({}, it.wait_everywhere(["old-249"], 30), "keys lacking")
    wipe(it, 2)
    wait_for(lambda: "1146" in it.log(2) or "1049" in it.log(2), 30, "c's daemon says what is missing")
    want_true(" 3030 " not in it.log(2), "one of several workers has only stopped behind another: " + it.log(2))
    time.sleep(1)
    uuid, executed = it.servers[2].query("SELECT @@GLOBAL.server_uuid, @@GLOBAL.gtid_executed")[0]
    want_true(uuid not in executed, f"nothing of c's own, {uuid}, in {executed}")
    status, said = ring_verb(it, 2, "join", "c")
    want(FINE, status, said)
    it.wait_whole(60)
    wait_for(lambda: same_everywhere(it), 40, "all sites have the same rows", pause_s=0.5)


@test
def empty_tables_are_refused_where_they_would_be_repaired_away():
    it = stage(2, more={"converge": "repair"})
    status, said = ring_verb(it, 0, "join", "--empty", "b")
    want(USAGE, status, said)


def check_leaving(kind):
    it = ring_of_three(kind)
    writers = Writers(it, pause_s=0.02)
    wait_for(lambda: len(writers.written) > 60, 20)
    written = writers.stop()
    status, said = ring_verb(it, 0, "leave", "--dry-run", "b")
    want(FINE, status, said)
    want(1, it.source_of(2), "whom c follows after a dry run")
    status, said = ring_verb(it, 0, "leave", "a")
    want(NOT_DONE, status, said)
    status, said = ring_verb(it, 0, "leave", "b")
    want(FINE, status, said)
    want_true('name = "b"' in said and "ring resume" in said, said)
    wait_for(lambda: it.follows(2, 0), 10, "c follows a", pause_s=0.1)
    want_true(not it.servers[1].link_runs(), "b's link is stopped")
    left = [server for i, server in enumerate(it.servers) if i != 1]
    for server in left:
        have = {row[0].decode() for row in server.query("SELECT k FROM shop.cache")}
        want([], sorted(set(written) - have), f"keys lacking at {server.name}")
    time.sleep(2)  # the daemons still have it in their files, and keep still
    want(0, it.source_of(2), "whom c follows while all is paused")


@test
def a_site_leaves_and_nothing_is_lost():
    check_leaving(Server)


@test
def a_mysql_site_leaves_and_nothing_is_lost():
    check_leaving(MysqlServer)


@test
def a_pause_outlives_daemons_and_ends_when_told():
    it = ring_of_three(Server)
    status, said = ring_verb(it, 1, "pause", "--for", "5")
    want(FINE, status, said)
    wait_for(lambda: all("paused, nothing is changed" in it.log(i) for i in range(3)), 10, "all daemons say so")
    it.stop_daemon(1)
    it.start_daemon(1)
    it.servers[1].query("STOP SLAVE")
    wait_for(lambda: it.log(1).count("paused, nothing is changed") == 2, 10, "it says so again")
    time.sleep(2)
    want(False, it.servers[1].link_runs(), "b's link while paused")
    shown = subprocess.run([os.path.join(BUILD, "roundabout"), "status", "-f", it.files[0]], stdout=subprocess.PIPE, text=True).stdout
    want_true("paused" in shown, shown)
    status, said = ring_verb(it, 0, "plan")
    want_true("START SLAVE" in said and "paused" in said, said)
    status, said = ring_verb(it, 2, "resume")
    want(FINE, status, said)
    it.wait_whole()
    status, said = ring_verb(it, 0, "plan")
    want(FINE, status, said)


def check_set_aside(kind):
    it = stage(2, kind=kind, more={"converge": "repair"})  # returning_writes = "skip" comes with that
    it.start_daemons()
    it.wait_whole(60)
    it.servers[0].query("REPLACE INTO shop.cache VALUES ('stale', 'first')")
    want({}, it.wait_everywhere(["stale"], 20), "keys lacking")
    it.stop_daemon(0)
    it.servers[0].query("STOP SLAVE")
    it.servers[1].query("REPLACE INTO shop.cache VALUES ('stale', 'old')")
    it.servers[1].query("REPLACE INTO shop.cache VALUES ('unseen', 'old')")
    it.stop_daemon(1)
    it.servers[1].kill()
    it.start_daemon(0)
    wait_for(lambda: "site b is dead" in it.log(0), 20, "b is dead")
    it.servers[0].query("REPLACE INTO shop.cache VALUES ('stale', 'new')")
    it.servers[1].start()
    it.start_daemon(1)
    it.wait_whole(60)
    want_true("is left out" in it.log(0), "a leaves b's writes out")
    it.servers[1].query("REPLACE INTO shop.cache VALUES ('later', 'v')")
    want({}, it.wait_everywhere(["later"], 20), "keys lacking")
    want_true(it.servers[0].one("SELECT COALESCE(MAX(v), 'gone') FROM shop.cache WHERE k = 'stale'") in (b"new", b"gone", "gone"),
              "no old value where the newer one was written")


@test
def in_a_ring_of_two_unsent_writes_are_set_aside():
    check_set_aside(Server)


@test
def in_a_mysql_ring_of_two_unsent_writes_are_set_aside():
    check_set_aside(MysqlServer)


if __name__ == "__main__":
    main()
