#!/usr/bin/python3
"""How long a write takes to the other sites of a ring, and all round it: make bench-ring

Rings of 2, 3, 4 and up to 8 small servers on this machine, made by their daemons, with relays as the distance between the sites; MariaDB, and MySQL where
tests/mysql-root can get it. Each site in turn commits a REPLACE, and at each other one a connection waits for its GTID (MASTER_GTID_WAIT,
WAIT_FOR_EXECUTED_GTID_SET), which returns when the write has been applied and can be read there. The last site answers with a write of its own as soon as it
sees it: when the first one sees that, it was a full circle. Idle, and with 100 writes a second besides, evenly from all sites.

Writes bench/out/ring.json and the report page."""

import argparse
import json
import os
import queue
import random
import statistics
import sys
import threading
import time

import arms
import machine
import report
from arms import servers

import mysql_servers
from mysql_servers import MysqlServer
from ring_stage import ACCOUNT_GRANTS, GRANTS, MYSQL_GRANTS, Stage
from servers import Server

OUT = os.path.join(arms.HERE, "out")
LOAD_RATE = 100  # writes a second, all sites together: each applies them all
DEADLINE_S = 20
PAPER_SITES = (2, 3, 4, 8, 16, 32, 64)
# (sites, ms one way)
MARIADB = [(sites, delay) for delay in (0, 10, 40) for sites in (2, 3, 4)] + [(6, 10), (8, 10)]
MYSQL = [(3, 0), (3, 10)]
QUICK_MARIADB, QUICK_MYSQL = [(2, 10), (3, 0), (3, 10), (5, 10)], []


class Site:
    """A connection of its own at a server, used by a thread of its own."""

    def __init__(self, server):
        self.connection = server.connect(db="shop")
        self.is_mysql = isinstance(server, MysqlServer)
        self.uuid = server.one("SELECT @@server_uuid") if self.is_mysql else None
        self.todo = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self):
        while (task := self.todo.get()) is not None:
            function, answers = task
            try:
                answers.put(function())
            except Exception as e:  # the main thread shows it
                answers.put(e)
        self.connection.close()

    def ask(self, sql, *values):
        cursor = self.connection.cursor()
        cursor.execute(sql, values or None)
        rows = cursor.fetchall()
        return rows[0][0] if rows else None

    def position(self):
        """What another site must have applied to have this session's last write."""
        if not self.is_mysql:
            return self.ask("SELECT @@last_gtid")
        executed = self.ask("SELECT @@GLOBAL.gtid_executed").replace("\n", "")
        return next(part for part in executed.split(",") if part.startswith(self.uuid))

    def write(self, key, value):
        """(when its COMMIT had been answered, its position)"""
        self.ask("REPLACE INTO shop.cache (k, v) VALUES (%s, %s)", key, value)
        return time.perf_counter(), self.position()

    def wait(self, position):
        """When it could be read here."""
        word = "WAIT_FOR_EXECUTED_GTID_SET" if self.is_mysql else "MASTER_GTID_WAIT"
        if self.ask(f"SELECT {word}(%s, %s)", position, DEADLINE_S) != 0:
            raise TimeoutError(f"{position} not within {DEADLINE_S} s")
        return time.perf_counter()


class Probe:
    """The sites of one ring, in its order."""

    def __init__(self, stage):
        self.sites = [Site(server) for server in stage.servers]

    def close(self):
        for site in self.sites:
            site.todo.put(None)

    def start(self, site, function):
        answers = queue.SimpleQueue()
        self.sites[site].todo.put((function, answers))
        return answers

    @staticmethod
    def take(answers):
        answer = answers.get(timeout=DEADLINE_S + 5)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, origin, number):
        """({hops: ms}, ms round the circle) of one write"""
        count = len(self.sites)
        last = (origin - 1) % count
        committed, position = self.sites[origin].write(f"probe-{origin}", str(number))

        def answer():
            seen = self.sites[last].wait(position)
            return seen, self.sites[last].write(f"answer-{last}", str(number))[1]
        waiting = {hops: self.start((origin + hops) % count, answer if hops == count - 1 else
                                    lambda site=self.sites[(origin + hops) % count]: site.wait(position))
                   for hops in range(1, count)}
        seen_last, answered = self.take(waiting.pop(count - 1))
        circle = self.take(self.start(origin, lambda: self.sites[origin].wait(answered)))
        times = {hops: (self.take(answers) - committed) * 1000 for hops, answers in waiting.items()}
        times[count - 1] = (seen_last - committed) * 1000
        return times, (circle - committed) * 1000

    def floor(self):
        """What it takes to see at another site what has been there for long: the tool's own share, ms."""
        position = self.sites[0].write("floor", "x")[1]
        self.take(self.start(1, lambda: self.sites[1].wait(position)))
        times = []
        for _ in range(30):
            began = time.perf_counter()
            self.sites[0].position()
            times.append((self.take(self.start(1, lambda: self.sites[1].wait(position))) - began) * 1000)
        return statistics.median(times)


def share(times, part):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def start_load(stage, seconds):
    """Writes at each site, at a steady rate."""
    words = ["-R", "1", "-s", "0", "--rate", str(LOAD_RATE / len(stage.servers)), "-T", str(seconds), "-u", "root", "--table", "shop.cache", "-q"]
    return [servers.spawn([arms.PROGRAM, "-S", server.socket, "--seed", str(i + 1), "--keys", "1000", *words]) for i, server in enumerate(stage.servers)]


def probe(stage, probes, load):
    """A row's figures."""
    writers = start_load(stage, 600) if load else []
    asker = Probe(stage)
    count = len(stage.servers)
    hops, circles = {n: [] for n in range(1, count)}, []
    try:
        time.sleep(0.5 if load else 0)
        floor = asker.floor()
        for number in range(probes):
            times, circle = asker.send(number % count, number)
            for n, ms in times.items():
                hops[n].append(ms)
            circles.append(circle)
            time.sleep(random.uniform(0.005, 0.025))  # so that probes and heartbeats don't keep step
    finally:
        asker.close()
        for writer in writers:
            servers.end_child(writer)
    lag = [statistics.median(hops[n]) for n in hops]
    return {"hop_p50_ms": lag[0], "hop_p90_ms": share(hops[1], .9), "hop_max_ms": max(hops[1]), "last_p50_ms": lag[-1], "last_p90_ms": share(hops[count - 1], .9),
            "last_max_ms": max(hops[count - 1]), "circle_p50_ms": statistics.median(circles), "circle_max_ms": max(circles), "by_hops_p50_ms": lag, "probes": probes,
            "floor_ms": floor}


def run_ring(kind, sites, delay_ms, options):
    """The rows of one ring: idle, and loaded."""
    mysql = kind is MysqlServer
    began = time.monotonic()
    stage = Stage(sites, delay_ms=delay_ms or None, kind=kind, grants=MYSQL_GRANTS if mysql else GRANTS + ACCOUNT_GRANTS)
    try:
        name = f"{'MySQL' if mysql else 'MariaDB'} {stage.servers[0].one('SELECT VERSION()').split('-')[0]}"
        started = time.monotonic()
        stage.start_daemons()
        stage.wait_whole(90)
        made_s = time.monotonic() - started
        rows = []
        for load in (False, True):
            row = {"servers": name, "sites": sites, "delay_ms": delay_ms, "load": f"{LOAD_RATE} writes/s" if load else "idle", "made_s": made_s}
            try:
                row.update(probe(stage, options.probes, load))
            except TimeoutError as e:
                print(f"{name}, {sites} sites, {delay_ms:g} ms one way, {row['load']}: this machine can't keep up: {e}", flush=True)
                continue
            rows.append(row)
            print_row(row)
        settings = machine.settings_of(stage.servers[0])
    finally:
        stage.end()
    print(f"  ({time.monotonic() - began:.0f} s; the daemons made the ring in {made_s:.1f} s)", file=sys.stderr, flush=True)
    return rows, settings


HEAD = (f"{'servers':18} {'sites':>5} {'one way':>8} {'':>12} {'hop p50':>9} {'p90':>8} {'max':>8} {'last p50':>9} {'p90':>8} {'max':>8} {'circle p50':>10} {'max':>8}")


def print_row(row):
    print(f"{row['servers']:18} {row['sites']:5} {row['delay_ms']:5g} ms {row['load']:>12} {row['hop_p50_ms']:9.2f} {row['hop_p90_ms']:8.2f} {row['hop_max_ms']:8.2f}"
          f" {row['last_p50_ms']:9.2f} {row['last_p90_ms']:8.2f} {row['last_max_ms']:8.2f} {row['circle_p50_ms']:10.2f} {row['circle_max_ms']:8.2f}", flush=True)


def fit(rows):
    """What a hop takes beside the distance, in ms: the least squares of last = (sites - 1) * (one way + c) over the idle rows."""
    above = sum((row["sites"] - 1) * (row["last_p50_ms"] - (row["sites"] - 1) * row["delay_ms"]) for row in rows)
    return above / sum((row["sites"] - 1) ** 2 for row in rows)


def on_paper(rows, c):
    delays = sorted({row["delay_ms"] for row in rows})
    return [{"sites": sites, "delay_ms": delay, "last_ms": (sites - 1) * (delay + c), "circle_ms": sites * (delay + c)}
            for delay in delays for sites in PAPER_SITES]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some rings only: about two minutes")
    parser.add_argument("--probes", type=int, help="writes timed in each row")
    parser.add_argument("--ring", action="append", metavar="SITES:MS", help="only rings of so many MariaDB sites, so far apart; may be given more than once")
    options = parser.parse_args()
    options.probes = options.probes or (12 if options.quick else 40)
    mariadb, mysql = (QUICK_MARIADB, QUICK_MYSQL) if options.quick else (MARIADB, MYSQL)
    if options.ring:
        mariadb, mysql = [tuple(int(word) for word in ring.split(":")) for ring in options.ring], []
    described = machine.describe(servers.BUILD)
    began = time.time()
    rows, settings = [], {}
    print(HEAD)
    for sites, delay in mariadb:
        more, settings["MariaDB"] = run_ring(Server, sites, delay, options)
        rows += more
    if mysql:
        try:
            mysql_servers.root()
            for sites, delay in mysql:
                more, settings["MySQL"] = run_ring(MysqlServer, sites, delay, options)
                rows += more
        except mysql_servers.CannotBeHad as e:
            print(f"MySQL is left out: {e}")
    idle = [row for row in rows if row["load"] == "idle" and row["servers"].startswith("MariaDB")]
    if not idle:
        sys.exit("no ring could be measured")
    c = fit(idle)
    for row in rows:
        row["formula_last_ms"] = (row["sites"] - 1) * (row["delay_ms"] + c)
    formula = (f"By the formula: a hop takes the one-way time and {c:.2f} ms for the commit's event to be sent, applied and committed there (fitted to the idle MariaDB rings above); "
               f"the last of N sites sees a write after (N - 1) * (one way + {c:.2f} ms), and a circle takes N of them. Where the distances differ, their sum takes the place of N times one. "
               "All servers share this machine's processors, so that with more sites each has less of them: a site of its own is nearer to the formula than a crowd here. "
               "Each site applies the writes of all: with w writes a second at each of N sites every site applies N * w, which one applier thread must be able to.")
    print("\n" + formula)
    print("on paper:" + "".join(f"\n  {row['sites']:3} sites, {row['delay_ms']:3g} ms one way: last site {row['last_ms']:8.1f} ms, circle {row['circle_ms']:8.1f} ms"
                                for row in on_paper(idle, c) if row["sites"] >= 8))
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "ring.json"), "w", encoding="utf-8") as file:
        json.dump({"command": "make bench-ring" + (" (quick)" if options.quick else ""), "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(began)),
                   "took_s": time.time() - began, "machine": described, "settings": settings, "rows": rows, "formula": formula, "c_ms": c,
                   "on_paper": on_paper(idle, c), "floor_ms": statistics.median(row["floor_ms"] for row in idle)}, file, indent=1)
    print(f"{report.write(OUT)}; {time.time() - began:.0f} s in all")


if __name__ == "__main__":
    main()
