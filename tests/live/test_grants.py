#!/usr/bin/python3
"""Each program works with the rights that README and the manual ask for and no more, and names the one that it lacks when one is taken away."""

import os
import re
import subprocess
import sys
import time

import MySQLdb

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import mysql_servers  # noqa: E402
import servers  # noqa: E402
from harness import main, skip, test, want, want_true  # noqa: E402
from ring_stage import LINK_PASSWORD, LINK_USER, MONITOR_USER, Stage, secret_file  # noqa: E402
from servers import BUILD, wait_for  # noqa: E402

QUICK = {"probe_interval_ms": 200, "dead_after_ms": 1000, "cool_down_ms": 1000, "heartbeat_interval_ms": 200}
USER = f"'{MONITOR_USER}'@'%'"
SHOP = "GRANT SELECT ON shop.* TO {user}"
ROUNDABOUT = "GRANT SELECT, INSERT, DELETE, CREATE ON roundabout.* TO {user}"
COMMAND = os.path.join(BUILD, "roundabout")


class MariaDB:
    """SECURITY.md's columns: what is needed to look, and besides to keep the link; and what lacks when the latter isn't there."""
    kind = servers.Server
    look = ("GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO {user}",)
    heal = ("GRANT REPLICATION SLAVE ADMIN ON *.* TO {user}",)
    look_right, heal_right = "SLAVE MONITOR", "REPLICATION SLAVE ADMIN"


class MySQL:
    kind = mysql_servers.MysqlServer
    look = ("GRANT REPLICATION CLIENT ON *.* TO {user}", "GRANT SELECT ON performance_schema.* TO {user}")
    heal = ("GRANT REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN, REPLICATION_APPLIER ON *.* TO {user}",)
    look_right, heal_right = "REPLICATION CLIENT", "REPLICATION_SLAVE_ADMIN"


def on_both(claim):
    for brand in (MariaDB, MySQL):
        def run_on(brand=brand):
            claim(brand)
        run_on.__name__ = f"{claim.__name__}_on_{brand.__name__.lower()}"
        test(run_on)


def links(brand):
    return (*brand.look, *brand.heal, ROUNDABOUT)


def stage(brand, grants):
    if brand is MySQL:
        try:
            mysql_servers.root()
        except mysql_servers.CannotBeHad as e:
            skip(f"MySQL: {e}")
    it = Stage(2, settings=QUICK, grants=grants, kind=brand.kind)
    for server in it.servers:
        server.unlogged(f"CREATE USER '{LINK_USER}'@'%' IDENTIFIED BY '{LINK_PASSWORD}'", f"GRANT REPLICATION SLAVE ON *.* TO '{LINK_USER}'@'%'")
    return it


def change(it, *statements):
    """At both sites. The programs' next connection has the rights that are left."""
    for server in it.servers:
        server.unlogged(*statements)


def run(it, *words):
    done = subprocess.run([COMMAND, words[0], "-f", it.files[1], *words[1:]], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def heartbeats(server):
    """How many sites' there are; a site beats only once it has its place in the ring."""
    try:
        return server.one("SELECT COUNT(*) FROM roundabout.heartbeat")
    except MySQLdb.Error as e:
        if e.args[0] not in (1049, 1146):  # no such database, no such table
            raise
        return 0


@on_both
def the_daemon_keeps_its_link_with_the_rights_for_it(brand):
    it = stage(brand, links(brand))
    it.start_daemons()
    it.wait_whole()
    wait_for(lambda: heartbeats(it.servers[1]) == 2, 20, "heartbeats of both")
    for i in range(2):
        lines = [line for line in it.log(i).splitlines() if re.search(r"not allowed|lacks|refused", line) and "mysql.user" not in line]
        want([], lines, f"rights that daemon {i} lacks")
    it.end()


@test
def a_link_of_mysqls_is_kept_without_the_rights_to_skip_what_was_purged():
    it = stage(MySQL, (*MySQL.look, "GRANT REPLICATION_SLAVE_ADMIN ON *.* TO {user}", ROUNDABOUT))
    it.start_daemons()
    it.wait_whole()
    it.servers[1].query("STOP SLAVE")
    wait_for(lambda: it.follows(1, 0), 15, "b follows a again")
    it.end()


@on_both
def a_daemon_without_the_right_to_heal_names_it(brand):
    it = stage(brand, (*brand.look, ROUNDABOUT))
    it.start_daemons()
    wait_for(lambda: brand.heal_right in it.log(1), 15, "the lacking right in the log")
    want_true(it.daemons[1].poll() is None, "a daemon that goes on watching")
    want({}, it.servers[1].slave_status(), "the link")
    it.end()


@on_both
def a_daemon_without_the_right_to_write_heartbeats_names_it(brand):
    it = stage(brand, (*brand.look, *brand.heal))
    it.start_daemons()
    wait_for(lambda: re.search(r"GRANT SELECT, INSERT, DELETE, CREATE ON roundabout", it.log(1)), 15, "the lacking right in the log")
    it.wait_whole()
    it.end()


@on_both
def check_and_status_need_what_shows_the_link(brand):
    it = stage(brand, (*links(brand), SHOP))
    for i in (0, 1, 0):
        it.run_once(i)
    it.wait_whole()
    want(0, run(it, "status")[0], "status")
    code, said = run(it, "check", "--all")
    want_true(code in (0, 1) and "GRANT" not in said.replace("GRANT SELECT, INSERT, DELETE, CREATE", ""), f"check with all rights, got {said}")
    change(it, f"REVOKE {brand.look_right} ON *.* FROM {USER}")
    for verb in ("check", "status"):
        code, said = run(it, verb)
        want_true(brand.look_right in said, f"the right that {verb} lacks, got {said}")
        want_true(code != 0, f"an exit status that says so, got {code}")
    change(it, f"GRANT {brand.look_right} ON *.* TO {USER}", f"REVOKE SELECT ON shop.* FROM {USER}")
    code, said = run(it, "check")
    want_true("GRANT SELECT on it to the monitor user" in said, f"the right that check lacks for tables, got {said}")
    it.end()


@on_both
def a_daemon_that_only_watches_needs_no_more_than_to_watch(brand):
    it = stage(brand, links(brand))
    for i in (0, 1, 0):
        it.run_once(i)
    it.wait_whole()
    change(it, *(grant.replace("GRANT", "REVOKE").replace(" TO {user}", f" FROM {USER}") for grant in brand.heal),
           f"REVOKE INSERT, DELETE, CREATE ON roundabout.* FROM {USER}")
    it.write_config(1, manage="watch")
    it.start_daemon(1)
    wait_for(lambda: "site a answers" in it.log(1) and "site b answers" in it.log(1), 10, "both are seen")
    time.sleep(1)  # as long as five looks
    lines = [line for line in it.log(1).splitlines() if " error " in line]
    want([], lines, "errors")
    it.end()


@on_both
def a_link_needs_replication_slave_alone(brand):
    it = stage(brand, links(brand))
    it.start_daemons()
    it.wait_whole()
    change(it, f"REVOKE REPLICATION SLAVE ON *.* FROM '{LINK_USER}'@'%'")
    it.servers[1].query("STOP SLAVE")
    wait_for(lambda: "REPLICATION SLAVE" in it.log(1).split("the ring", 1)[-1], 20, "the lacking right in the log")
    it.end()


@test
def the_shims_account_needs_the_tables_and_nothing_else():
    l = lab.Lab()
    rights = "SELECT, INSERT, DELETE"  # REPLACE is an INSERT that may delete
    l.local.query("CREATE USER cache@localhost IDENTIFIED BY 'cachepw'")
    l.local.query(f"GRANT {rights} ON shop.cache TO cache@localhost")
    password = secret_file("cache.password", "cachepw")
    program = [os.path.join(lab.C_APPS, "statements"), "REPLACE INTO cache (k, v) VALUES ('L/a', '1')", "SELECT v FROM cache WHERE k = 'L/a'"]

    def read():
        l.clean()
        path, log = l.write_config({"user": "cache", "password_file": password})
        outcome = l.run(program, path, log)
        want(["0 0 1", "0 0 1;"], [re.sub(" +", " ", line).strip() for line in outcome.lines], "the program's answers")
        return outcome, l.rows(l.local)
    outcome, rows = read()
    want({("shop.cache", "L/a"): (b"1",)}, rows, "rows at the local master")
    want([], outcome.log_lines("warning", "error"), "warnings")
    for right, statement, answer in (("SELECT", program[2], "0 0"), ("INSERT", program[1], "0 0 1"), ("DELETE", program[1], "0 0 1")):
        l.local.query(f"REVOKE {right} ON shop.cache FROM cache@localhost")
        l.clean()
        path, log = l.write_config({"user": "cache", "password_file": password})
        outcome = l.run([program[0], statement], path, log)
        want([answer], [re.sub(" +", " ", line).strip() for line in outcome.lines], f"main's answer without {right}")
        said = outcome.log_lines("warning")
        want_true(len(said) == 1 and right in said[0] and "denied" in said[0], f"one line that names {right}, got {said}")
        l.local.query(f"GRANT {right} ON shop.cache TO cache@localhost")


main()
