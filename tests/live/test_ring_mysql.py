#!/usr/bin/python3
"""The ring daemon on MySQL, where tests/mysql-root can get it; else all of these are skipped, with the reason."""

import mysql_servers
import servers
from harness import main, skip, test, want, want_true
from mysql_servers import MysqlServer
from ring_stage import MYSQL_GRANTS, Stage, Writers, grant_monitor
from servers import Server, wait_for

QUICK = {"probe_interval_ms": 200, "dead_after_ms": 1000, "cool_down_ms": 1000, "heartbeat_interval_ms": 200}
the_stage = None


def stage(count, more=None, kind=MysqlServer, grants=MYSQL_GRANTS, **kw):
    global the_stage
    try:
        mysql_servers.root()
    except mysql_servers.CannotBeHad as e:
        skip(f"MySQL: {e}")
    if the_stage:
        the_stage.end()
    the_stage = Stage(count, kind=kind, grants=grants, settings={**QUICK, **(more or {})}, **kw)
    return the_stage


def put(server, *keys):
    for key in keys:
        server.query("REPLACE INTO shop.cache VALUES (%s, 'v')", key)
    return list(keys)


@test
def two_fresh_mysql_servers_become_a_ring():
    it = stage(2)
    it.start_daemons()
    it.wait_whole()
    keys = put(it.servers[0], "from-a") + put(it.servers[1], "from-b")
    want({}, it.wait_everywhere(keys, 10), "keys lacking")


@test
def a_mysql_ring_over_tls():
    it = stage(2, tls=True)
    it.start_daemons()
    it.wait_whole()
    want("Yes", it.servers[0].slave_status()["Master_SSL_Allowed"], "the link is encrypted")
    keys = put(it.servers[0], "from-a") + put(it.servers[1], "from-b")
    want({}, it.wait_everywhere(keys, 10), "keys lacking")


@test
def a_mysql_ring_of_three_outlives_a_site_and_nothing_circles():
    it = stage(3)
    it.start_daemons()
    it.wait_whole()
    writers = Writers(it, pause_s=0.02)
    it.servers[1].query("STOP REPLICA")
    wait_for(lambda: it.follows(1, 0), 5, "b follows a again", pause_s=0.02)
    it.servers[2].kill()
    wait_for(lambda: it.follows(0, 1), 10, "a follows b", pause_s=0.05)
    it.servers[2].start()
    it.wait_whole(60)
    written = writers.stop()
    want({}, it.wait_everywhere(written), "keys lacking")
    it.stop_daemons()
    want(0, it.circling(), "bytes that circle")


@test
def a_mysql_site_frozen_in_its_first_seconds_is_returned_to_while_it_writes():
    it = stage(3)
    it.start_daemons()
    it.wait_whole()
    it.servers[2].freeze()
    wait_for(lambda: it.follows(0, 1), 15, "a goes past c", pause_s=0.05)
    it.servers[2].thaw()
    writers = Writers(it, pause_s=0.005)
    it.wait_whole(60)
    written = writers.stop()
    want({}, it.wait_everywhere(written), "keys lacking")


@test
def a_mysql_ring_of_four_keeps_its_replica():
    it = stage(4, replicas=1, more={"replicas_follow": True})
    it.start_daemons()
    it.wait_whole()
    wait_for(it.replicas[0].link_runs, 10, "the replica follows", pause_s=0.05)
    it.servers[2].kill()
    wait_for(lambda: it.follows(3, 1), 10, "d follows b", pause_s=0.05)
    it.servers[2].start()
    it.wait_whole(60)
    keys = [key for i, server in enumerate(it.servers) for key in put(server, f"from-{i}")]
    want({}, it.wait_everywhere(keys, 10), "keys lacking")


@test
def purged_mysql_binlogs_are_gone_past_when_asked_for():
    it = stage(2, more={"on_purged": "skip"})
    it.start_daemons()
    it.wait_whole()
    want({}, it.wait_everywhere(put(it.servers[0], "before"), 10))
    it.stop_daemon(1)
    it.servers[1].query("STOP REPLICA")
    put(it.servers[0], *(f"purged-{i}" for i in range(5)))
    it.servers[0].query("FLUSH BINARY LOGS")
    last = it.servers[0].query("SHOW BINARY LOGS")[-1][0]
    wait_for(lambda: it.servers[0].query(f"PURGE BINARY LOGS TO '{last}'") == () and
             it.servers[0].query("SHOW BINARY LOGS")[0][0] == last, 20, "the logs are purged")
    it.start_daemon(1)
    keys = put(it.servers[0], "after")
    want({}, it.wait_everywhere(keys, 20), "keys written after the purge")


@test
def returning_writes_are_skipped_on_mysql_when_asked_for():
    it = stage(3, more={"returning_writes": "skip"})
    it.start_daemons()
    it.wait_whole()
    want({}, it.wait_everywhere(put(it.servers[0], "stale"), 10))
    it.stop_daemon(0)
    it.servers[0].query("STOP REPLICA")
    it.servers[2].query("REPLACE INTO shop.cache VALUES ('stale', 'old')")
    it.stop_daemon(2)
    it.servers[2].kill()
    it.start_daemon(0)
    wait_for(lambda: it.follows(0, 1), 10, "c is bypassed", pause_s=0.05)
    it.servers[0].query("REPLACE INTO shop.cache VALUES ('stale', 'new')")
    wait_for(lambda: it.servers[1].one("SELECT v FROM shop.cache WHERE k = 'stale'") == b"new", 10)
    it.servers[2].start()
    it.start_daemon(2)
    it.wait_whole()
    keys = put(it.servers[2], "later")
    want({}, it.wait_everywhere(keys, 10), "later writes of the returned site")
    for server in it.servers:
        want(b"new", server.one("SELECT v FROM shop.cache WHERE k = 'stale'"), f"at {server.name}")


@test
def a_ring_of_two_kinds_is_refused():
    def either(name, id, durability, **options):
        return (MysqlServer if id == 1 else Server)(name, id=id, durability=durability, **options)

    it = stage(2, table=False, kind=either, grants=())
    grant_monitor(it.servers[0], MYSQL_GRANTS)
    grant_monitor(it.servers[1])
    status, said = it.run_once(0)
    want(2, status, f"help is needed: {said}")
    want_true("another kind of server" in said, f"the reason: {said}")
    want({}, it.servers[0].slave_status(), "the link")


if __name__ == "__main__":
    main()
