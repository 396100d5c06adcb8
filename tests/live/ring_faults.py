#!/usr/bin/python3
"""The ring under faults, at the daemon's default times: a ring of three with relays between the sites and a writer at each. Prints one
line a fault - how long until it was answered, how long until the ring was whole again, acknowledged writes that are lost - and
exits with 1 if a write was lost, the ring didn't become whole, or an event circles. Words choose faults by their names; --mysql takes
MySQL's servers.
"""

import random
import signal
import sys
import time

import servers
from ring_stage import Stage, Writers
from servers import NotReady, wait_for

A, B, C = 0, 1, 2
HEAL_DEADLINE_S = 90
faults = []


def fault(function):
    faults.append(function)
    return function


class Case:
    """One fault on one stage: what happened when."""

    def __init__(self, stage):
        self.stage, self.writers, self.expected_lost = stage, Writers(stage, pause_s=0.02), []
        self.detected_s = self.whole_s = None
        self.began = time.monotonic()

    def strike(self):
        self.began = time.monotonic()

    def until(self, condition, what, deadline_s=40):
        wait_for(condition, deadline_s, what, pause_s=0.02)
        return time.monotonic() - self.began

    def answered(self, condition, what):
        self.detected_s = self.until(condition, what)

    def mended(self):
        """From here on the cause is gone."""
        self.mended_at = time.monotonic()
        self.stage.wait_whole(HEAL_DEADLINE_S)
        self.whole_s = time.monotonic() - self.mended_at


def relays_of(stage, site):
    return [relay for (here, there), relay in stage.relays.items() if site in (here, there)]


@fault
def kill_a_site(case):
    stage = case.stage
    stage.servers[C].kill()
    case.answered(lambda: stage.follows(A, B), "a follows b")
    time.sleep(2)  # the ring of two works for a while
    stage.servers[C].start()
    case.mended()


@fault
def partition_a_site(case):
    stage = case.stage
    for relay in relays_of(stage, C):
        relay.partition()
    case.answered(lambda: stage.follows(A, B), "a follows b")
    time.sleep(2)
    for relay in relays_of(stage, C):
        relay.heal()
    case.mended()


@fault
def freeze_a_server(case):
    stage = case.stage
    stage.servers[C].freeze()
    case.answered(lambda: stage.follows(A, B), "a follows b")
    time.sleep(2)
    stage.servers[C].thaw()
    case.mended()


@fault
def stop_a_link_by_hand(case):
    stage = case.stage
    stage.servers[B].query("STOP SLAVE")
    case.answered(lambda: stage.follows(B, A), "b follows a again")
    case.mended()


@fault
def point_a_link_elsewhere(case):
    stage = case.stage
    stage.servers[B].query("STOP SLAVE")
    stage.servers[B].query("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1")
    stage.servers[B].query("START SLAVE")
    case.answered(lambda: stage.follows(B, A), "b follows a again")
    case.mended()


@fault
def purge_the_upstream(case):
    """What a had written and purged before b fetched it is lost at b and c, as on_purged = "skip" allows; nothing else is."""
    stage = case.stage
    def keys(site):
        return {row[0].decode() for row in stage.servers[site].query("SELECT k FROM shop.cache")}

    stage.stop_daemon(B)
    stage.servers[B].query("STOP SLAVE")
    before = keys(B)
    wait_for(lambda: sum(k.startswith("a-") for k in set(case.writers.written) - before) > 20, 20)
    for _ in range(2):
        stage.servers[A].query("FLUSH BINARY LOGS")
    last = stage.servers[A].query("SHOW BINARY LOGS")[-1][0]
    wait_for(lambda: stage.servers[A].query(f"PURGE BINARY LOGS TO '{last}'") == () and
             stage.servers[A].query("SHOW BINARY LOGS")[0][0] == last, 20, "the logs are purged")
    case.expected_lost = keys(A) - before
    case.strike()
    stage.start_daemon(B)
    case.answered(lambda: stage.log(B).count("has purged binary logs") and stage.follows(B, A), "b goes past what is purged")
    case.until(lambda: stage.follows(B, A), "b follows a again")
    case.mended()


@fault
def restart_every_server_in_turn(case):
    stage = case.stage
    for server in stage.servers:
        server.restart()
        if case.detected_s is None:
            case.answered(lambda: stage.servers[A].link_runs(), "a's link runs")
        stage.wait_whole(HEAL_DEADLINE_S)
    case.mended()


@fault
def kill_the_daemons_at_random_moments(case):
    """Each time after something was done to a link, so that some die in the middle of a step."""
    stage, chance = case.stage, random.Random(1)
    for n in range(9):
        site = n % 3
        server = stage.servers[site]
        server.query("STOP SLAVE")
        if chance.random() < 0.5:
            server.query("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1")
        time.sleep(chance.random() * 1.2)
        stage.stop_daemon(site, signal.SIGKILL)
        stage.start_daemon(site)
        if case.detected_s is None:
            case.answered(lambda: stage.follows(A, C), "a follows c again")
    case.mended()


def run(function, stage):
    case = Case(stage)
    wait_for(lambda: len(case.writers.written) > 60, 20, "the writers write")
    case.strike()
    trouble = []
    try:
        function(case)
        written = set(case.writers.stop()) - set(case.expected_lost)
        lacking = stage.wait_everywhere(written, 30)
        stage.stop_daemons()
        # What was left on the way arrives, and then nothing moves.
        servers.wait_caught_up(*stage.servers)
        circling = stage.circling()
        lost = {key for keys in lacking.values() for key in keys}
        if lost:
            trouble.append(f"lost {sorted(lost)[:5]}: {({n: len(k) for n, k in lacking.items()})}")
        if circling:
            trouble.append(f"{circling} bytes circle")
        print(f"{function.__name__:38} {case.detected_s:9.2f} s {case.whole_s:9.2f} s {len(written):7} {len(lost):6} "
              + (f"({len(case.expected_lost)} purged)" if function is purge_the_upstream else ""), flush=True)
    except (NotReady, servers.MySQLdb.Error) as e:
        trouble.append(str(e))
        print(f"{function.__name__:38} failed", flush=True)
    finally:
        case.writers.stop()
    for line in trouble:
        print(f"  {line}", flush=True)
    return not trouble


def main():
    words = [word for word in sys.argv[1:] if word != "--mysql"]
    more = {}
    if "--mysql" in sys.argv[1:]:
        import mysql_servers
        from ring_stage import MYSQL_GRANTS
        try:
            mysql_servers.root()
        except mysql_servers.CannotBeHad as e:
            print(f"0 of 0 faults healed, all skipped: no MySQL here: {e}")
            return
        more = {"kind": mysql_servers.MysqlServer, "grants": MYSQL_GRANTS}
    chosen = [f for f in faults if not words or any(w in f.__name__ for w in words)]
    print(f"{'fault':38} {'answered':>11} {'whole after':>11} {'written':>7} {'lost':>6}", flush=True)
    good = 0
    for function in chosen:
        # Each on a stage of its own: a fault that isn't healed doesn't spoil the next.
        stage = Stage(3, delay_ms=5, settings={"on_purged": "skip"} if function is purge_the_upstream else {}, **more)
        stage.start_daemons()
        stage.wait_whole()
        good += run(function, stage)
        stage.end()
    print(f"{good} of {len(chosen)} faults healed", flush=True)
    sys.exit(good != len(chosen))


if __name__ == "__main__":
    main()
