#!/usr/bin/python3
"""The main job, shown: an unmodified program's cache at the speed of its own site. `make demo` runs this.

    bench/demo.py [--requests N] [--round-trip-ms MS] [--durability KIND] [--without-shim]

Two MariaDB masters, paris (main) and lyon (where the application is), a daemon at each that joins them in a ring, a relay of 40 ms each way
between them for the application and for replication, and a plain replica of paris. The programs in bench/apps/ run in lyon: as they are, as they are under
`roundabout run`, and, for comparison, connected straight to lyon's master. Everything is thrown away afterwards, but what the programs
have counted, for `roundabout stats`: until the next boot. The exit status is 0 only if what is claimed came out: every row everywhere,
equal checksums, cache updates at least 100 times faster.
"""

import argparse
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "live"))

import servers
from ring_stage import Stage
from servers import replica_of, wait_caught_up

CLAIMED_RATIO = 100
HEARTBEAT_S = 1  # the daemons' default
PAUSE_MS = 25  # between two requests of the quick runs: some 15 requests, 450 updates a second
SLOW_REQUESTS = 3
PARTS = (("replaces", "30 REPLACEs"), ("selects", "30 SELECTs"), ("request", "whole request"))
DURABILITY = {
    "loose": (servers.LOOSE, "the kernel writes both logs when it likes"),
    "tuned": (servers.TUNED, "the binary log is synced at each commit, rows within a second"),
    "as-installed": (servers.AS_INSTALLED, "MariaDB's defaults: rows are synced at each commit"),
    "durable": (servers.DURABLE, "rows and binary log are synced at each commit"),
}
SYNC_REQUESTS = 20
TURNS = 5
COUNTERS = "/run/roundabout"


class Program:
    """One of bench/apps/ in one of its variants."""

    def __init__(self, title, prefix, command, check, words=()):
        self.title, self.prefix, self.command, self.check, self.words = title, prefix, command, check, words
        self.results = {}

    def is_there(self):
        return subprocess.run(self.check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30).returncode == 0

    def merge(self, way, result):
        if way not in self.results:
            self.results[way] = result
            return
        for part, times in result["times"].items():
            self.results[way]["times"][part] += times
        for sum_of in ("at_main", "at_local", "wrong"):
            self.results[way][sum_of] += result[sum_of]
        self.results[way]["visible_ms"] = result["visible_ms"]


def app(name):
    return os.path.join(HERE, "apps", name)


def all_programs():
    python = ["/usr/bin/python3", app("app.py")]
    has_python = ["/usr/bin/python3", "-c", "import MySQLdb"]
    return [
        Program("Python MySQLdb, autocommit", "py", python, has_python, words=["autocommit"]),
        Program("Python MySQLdb, commit() a request", "pytx", python, has_python, words=["commit"]),
        Program("Perl DBD::mysql", "pl", ["/usr/bin/perl", app("app.pl")],
                ["/usr/bin/perl", "-MDBD::mysql", "-MJSON::PP", "-e", "1"]),
        Program("Ruby mysql2", "rb", ["/usr/bin/ruby", app("app.rb")], ["/usr/bin/ruby", "-rmysql2", "-rjson", "-e", "1"],
                ),
    ]


def percentile(times, share):
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Site:
    """The whole stage: servers, relays, and how programs are run on it."""

    def __init__(self, options):
        durability = DURABILITY[options.durability][0]
        delay_ms = options.round_trip_ms / 2
        # Nothing follows the replica, so its binary log may be lost with the machine; the stage sees to that.
        self.stage = Stage(2, delay_ms=delay_ms, replicas=1, names=("paris", "lyon"), durability=durability)
        (self.main, self.local), (self.replica,) = self.stage.servers, self.stage.replicas
        self.main.name, self.local.name, self.replica.name = "paris", "lyon", "paris-replica"
        self.all = [self.main, self.local, self.replica]
        self.to_main = self.stage.relays[1, 0]
        self.relays = list(self.stage.relays.values())
        self.stage.start_daemons()
        self.stage.wait_whole()
        replica_of(self.replica, self.main)
        self.config = os.path.join(servers.folder(), "roundabout.conf")
        with open(self.config, "w") as config:
            config.write(f'local = {{ socket = "{self.local.socket}"; }};\ncaches = ( {{ tables = [ "shop.cache" ]; }} );\n')

    def command(self, program, way, requests):
        pause_ms = 0 if way == "without" else PAUSE_MS
        address = [self.local.socket, "0"] if way == "straight" else ["127.0.0.1", str(self.to_main.port)]
        arguments = [*program.command, *address, str(requests), program.prefix, str(pause_ms), *program.words]
        if way == "with":
            return [os.path.join(servers.BUILD, "roundabout"), "run", "-f", self.config, "--", *arguments]
        return arguments

    def start(self, program, way, requests):
        return servers.spawn(self.command(program, way, requests), stdout=subprocess.PIPE, text=True)

    def finish(self, program, way, process):
        """Takes a started program's result, and as its last words come, waits until its last write is seen at main and at the
        replica."""
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"{program.title}, {way}: ended with status {process.wait()} and no result")
        result = json.loads(line)
        unseen = [self.main, self.replica]
        result["visible_ms"] = {}
        end = time.time() + 30
        while unseen and time.time() < end:
            for server in list(unseen):
                value = server.one("SELECT v FROM shop.cache WHERE k = %s", result["last_key"])
                if value is not None and value.decode() == result["last_value"]:
                    result["visible_ms"][server] = (time.time() - result["written_at"]) * 1000
                    unseen.remove(server)
            time.sleep(0.0005)
        process.wait()
        return result

    @staticmethod
    def lease_writes(server):
        """How often the daemon that compares the sites has written its row of this one."""
        try:
            return int(server.one("SELECT epoch + renewals FROM roundabout.converge WHERE site = %s", server.name) or 0)
        except servers.MySQLdb.Error:  # not made yet
            return 0

    def written(self):
        """How many transactions each site has written itself, as its GTIDs tell, less those of the lease; and when."""
        return [int((server.own_position() or "0").split("-")[-1]) - self.lease_writes(server) for server in (self.main, self.local)], time.monotonic()

    def run(self, program, way, requests):
        before, began = self.written()
        result = self.finish(program, way, self.start(program, way, requests))
        after, ended = self.written()
        heartbeats = int((ended - began) / HEARTBEAT_S) + 1  # of each site's daemon
        result["at_main"], result["at_local"] = [max(0, now - then - heartbeats) for now, then in zip(after, before)]
        program.merge(way, result)

    def run_side_by_side(self, programs, way, requests):
        """For programs that do nothing but wait for the far main master."""
        started = [(program, self.start(program, way, requests)) for program in programs]
        for program, process in started:
            program.merge(way, self.finish(program, way, process))

    def set_durability(self, kind):
        for server in (self.main, self.local):
            for name, value in DURABILITY[kind][0].items():
                server.query(f"SET GLOBAL {name} = {value}")


def say(text=""):
    print(text, flush=True)


def print_table(programs):
    say()
    say(f"{'milliseconds a request':46} " + " ".join(f"{title:>19}" for _, title in PARTS) + "   last write seen after, ms")
    say(f"{'':46} " + " ".join(f"{'p50':>9} {'p99':>9}" for _ in PARTS) + f"   {'main':>8} {'replica':>8}   requests")
    names = {"without": "without Roundabout", "with": "with Roundabout", "straight": "straight to the local master"}
    for program in programs:
        say(program.title)
        for way, name in names.items():
            if way not in program.results:
                continue
            result = program.results[way]
            columns = []
            for part, _ in PARTS:
                times = result["times"][part]
                columns.append(f"{percentile(times, .5):9.1f} {percentile(times, .99):9.1f}")
            ran_here = way != "without"
            seen = " ".join(f"{ms:8.0f}" for ms in result["visible_ms"].values()) if ran_here else f"{'':17}"
            say(f"  {name:44} {' '.join(columns)}   {seen}   {len(result['times']['request']):8}")
        for line in verdict(program):
            say(f"    {line}")
    say()


def median_of(program, way, part):
    return percentile(program.results[way]["times"][part], .5)


def verdict(program):
    if "with" not in program.results:
        return []
    faster = {part: median_of(program, "without", part) / median_of(program, "with", part) for part, _ in PARTS}
    against = {part: median_of(program, "with", part) / median_of(program, "straight", part) for part, _ in PARTS}
    lines = [f"REPLACEs {faster['replaces']:.0f} times faster, SELECTs {faster['selects']:.0f}, request {faster['request']:.0f};"
             f" against straight to the local master: REPLACEs {against['replaces']:.2f}, SELECTs {against['selects']:.2f}"]
    result = program.results["with"]
    lines.append(f"transactions written at lyon: {result['at_local']}, at paris: {result['at_main']}")
    if program.words == ["commit"]:
        lines.append(f"its COMMIT ends a transaction that main has no part in, so it stays in lyon:"
                     f" {median_of(program, 'with', 'commit'):.1f} ms of the request")
    return lines


def print_cost_of_syncing(site, program):
    """What the same 30 REPLACEs cost at the local master with each setting: a disk's matter, not Roundabout's."""
    far = median_of(program, "without", "replaces")
    say(f"30 REPLACEs at the local master on this disk, by what a commit waits for ({SYNC_REQUESTS} requests each)")
    for kind, (settings, meaning) in DURABILITY.items():
        site.set_durability(kind)
        trial = Program(program.title, program.prefix, program.command, program.check, words=program.words)
        site.run(trial, "straight", SYNC_REQUESTS)
        near = median_of(trial, "straight", "replaces")
        say(f"  {kind:14} p50 {near:6.1f} ms, {far / near:4.0f} times faster than far away: {meaning}"
            f" (innodb_flush_log_at_trx_commit={settings['innodb_flush_log_at_trx_commit']},"
            f" sync_binlog={settings['sync_binlog']})")
    say()


def check_claims(site, programs):
    """Prints the tables' checksums, and returns what isn't as claimed."""
    wrong = []
    wait_caught_up(site.main, site.local)
    wait_caught_up(site.replica, origins=[site.main, site.local])
    say(f"{'shop.cache at the end':30} {'rows':>8} {'checksum':>12}")
    checksums = [server.checksum() for server in site.all]
    for server, (rows, checksum) in zip(site.all, checksums):
        say(f"  {server.name:28} {rows:8} {checksum:12}")
    if len(set(checksums)) != 1:
        wrong.append("the cache tables differ")
    for program in programs:
        for way, result in program.results.items():
            if result["wrong"]:
                wrong.append(f"{program.title}, {way}: {result['wrong']} wrong answers")
            if len(result["visible_ms"]) != 2:
                wrong.append(f"{program.title}, {way}: the last write was not seen everywhere within 30 s")
            # Other runs of the same program write into the same keys, so there may be more, but never fewer.
            found = site.replica.one("SELECT COUNT(*) FROM shop.cache WHERE k LIKE %s", program.prefix + ":%")
            if found < result["keys"]:
                wrong.append(f"{program.title}, {way}: {result['keys']} keys written, {found} at the replica")
        if "with" in program.results:
            ratio = median_of(program, "without", "replaces") / median_of(program, "with", "replaces")
            if ratio < CLAIMED_RATIO:
                wrong.append(f"{program.title}: REPLACEs {ratio:.0f} times faster, claimed are {CLAIMED_RATIO}")
            if program.results["with"]["at_main"]:
                wrong.append(f"{program.title}: {program.results['with']['at_main']} transactions were written at main")
    return wrong


def make_counters():
    """As the package does; who isn't root counts in $XDG_RUNTIME_DIR."""
    if os.geteuid() == 0 and not os.path.lexists(COUNTERS):
        os.mkdir(COUNTERS)
        os.chmod(COUNTERS, 0o3777)


def show_counted():
    told = subprocess.run([os.path.join(servers.BUILD, "roundabout"), "stats"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if told.returncode == 0:
        say("\nWhat the programs of this host have counted; `build/roundabout stats` shows it until the next boot:")
        for line in told.stdout.splitlines():
            say(f"  {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100, help="requests of each quick run (default 100)")
    parser.add_argument("--round-trip-ms", type=float, default=80)
    parser.add_argument("--durability", choices=DURABILITY, default="loose",
                        help="of both masters, %(default)s by default; what each costs is printed at the end")
    parser.add_argument("--without-shim", action="store_true", help="leave out the runs under roundabout")
    options = parser.parse_args()
    needed = ["wan"] if options.without_shim else ["wan", "roundabout", "libroundabout.so"]
    for name in needed + ["roundaboutd"]:
        if not os.path.exists(os.path.join(servers.BUILD, name)):
            sys.exit(f"{servers.BUILD}/{name} is not built; run make")

    say("Starting two masters, a replica of the main one and the distance between them; a daemon at each site makes the ring ...")
    make_counters()
    site = Site(options)
    settings = ", ".join(f"{k}={v}" for k, v in DURABILITY[options.durability][0].items())
    say(f"  paris (main) and lyon, {options.round_trip_ms:g} ms apart; {site.main.one('SELECT VERSION()')}; {settings}")
    programs = []
    for program in all_programs():
        if program.is_there():
            programs.append(program)
        else:
            say(f"  {program.title}: not installed, left out")

    say(f"Without Roundabout: {SLOW_REQUESTS} requests of 30 REPLACEs and 30 SELECTs, each program at once ...")
    site.run_side_by_side(programs, "without", SLOW_REQUESTS)
    for program in programs:
        ways = ["straight"] if options.without_shim else ["straight", "with"]
        say(f"{' and '.join(ways).capitalize()}: {program.title}, {options.requests} requests ...")
        # Turn and turn about, so that a busy moment of this machine meets both.
        for _ in range(TURNS):
            for way in ways:
                site.run(program, way, max(1, options.requests // TURNS))
    print_table(programs)
    if programs:
        print_cost_of_syncing(site, programs[0])
    wrong = check_claims(site, programs)
    site.stage.stop_daemons()
    for relay in site.relays:
        relay.stop()
    say(f"  the distance itself: {site.stage.relays[0, 1].summary.splitlines()[-1]}")
    if not options.without_shim:
        show_counted()
    say()
    for line in wrong:
        say(f"NOT AS CLAIMED: {line}")
    if not wrong:
        say("All as claimed." if not options.without_shim else "As far as run, all as claimed.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
