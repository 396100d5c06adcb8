"""Rings whose cache tables have come to differ, for the tests and the bench of convergence."""

import mysql_servers
import servers
from harness import skip
from mysql_servers import MysqlServer
from ring_stage import ACCOUNT_GRANTS, GRANTS, MYSQL_GRANTS, REPAIR_GRANTS, Stage
from servers import Server

QUICK = {"probe_interval_ms": 200, "dead_after_ms": 1000, "cool_down_ms": 1000, "heartbeat_interval_ms": 200}
FORM = "ring_u TINYINT NULL DEFAULT NULL INVISIBLE, UNIQUE KEY ring_u (ring_u)"
the_stage = None


def stage(count=3, kind=Server, settings=QUICK, more=None, repairs=True, **kw):
    """A new ring; the one before, whose test may have failed, is ended."""
    global the_stage
    if kind is MysqlServer:
        try:
            mysql_servers.root()
        except mysql_servers.CannotBeHad as e:
            skip(f"MySQL: {e}")
    if the_stage:
        the_stage.end()
    grants = MYSQL_GRANTS if kind is MysqlServer else GRANTS + ACCOUNT_GRANTS
    the_stage = Stage(count, kind=kind, grants=grants + (REPAIR_GRANTS if repairs else ()),
                      settings={**settings, "converge": "repair", **(more or {})}, **kw)
    return the_stage


def everyone(it):
    return it.servers + it.replicas


def make_table(it, definition, name="cache"):
    """A table of this definition at all servers, without logging it."""
    for server in everyone(it):
        server.unlogged(f"DROP TABLE IF EXISTS shop.{name}", f"CREATE TABLE shop.{name} ({definition}) ENGINE=InnoDB")


def rows_of(server, table="cache", order="1"):
    return server.query(f"SELECT * FROM shop.{table} ORDER BY {order}")


def differing(it, table="cache"):
    """How many rows of the first site aren't the same at all others, and the other way round."""
    contents = [set(rows_of(server, table)) for server in everyone(it)]
    return len(set.union(*contents) - set.intersection(*contents))


def said(it, words):
    """How many lines of the daemons' logs have these words."""
    return sum(words in line for i in range(len(it.names)) for line in it.log(i).splitlines())
