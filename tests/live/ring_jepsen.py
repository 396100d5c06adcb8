#!/usr/bin/python3
"""A checker in the manner of Jepsen: a ring of three sites over relays and a plain replica, writers at each site on few hot keys, and
meanwhile servers killed and frozen, sites cut off, daemons killed and frozen, clocks set wrong. Afterwards, when all is quiet and
what differs has been repaired:

  * every value that was ever read was written, by somebody, to that key;
  * all sites and the replica hold the same of every key;
  * a key that nobody wrote keeps its value;
  * of two writes of one site to one key, the later one wins;
  * an acknowledged write to a key that only one site writes is there, unless that key was repaired;
  * a key that is gone was repaired: the daemons' logs say so.

Writes lost to a conflict (another site wrote the same key and won) or to a repair are counted. One line a run; RUNS and RUN_S in the
environment say how many runs and how many seconds of faults each has, SEED makes the same choices again. Words choose kinds of
servers: mixed, row, mysql.
"""

import collections
import glob
import hashlib
import os
import random
import signal
import sys
import threading
import time

import mysql_servers
import servers
from mysql_servers import MysqlServer
from ring_stage import ACCOUNT_GRANTS, GRANTS, MYSQL_GRANTS, REPAIR_GRANTS, Stage
from servers import NotReady, Server, wait_for

RUNS, RUN_S = int(os.environ.get("RUNS", "20")), float(os.environ.get("RUN_S", "60"))
SEED = int(os.environ.get("SEED", str(random.randrange(10**6))))
KINDS = {
    "mixed": ("MariaDB MIXED", Server, GRANTS + ACCOUNT_GRANTS + REPAIR_GRANTS, {"binlog_format": "MIXED"}),
    "mysql": ("MySQL ROW", MysqlServer, MYSQL_GRANTS + REPAIR_GRANTS, {}),
    "row": ("MariaDB ROW", Server, GRANTS + ACCOUNT_GRANTS + REPAIR_GRANTS, {"binlog_format": "ROW"}),
}
SETTINGS = {"probe_interval_ms": 500, "dead_after_ms": 2000, "cool_down_ms": 1500, "heartbeat_interval_ms": 250, "converge": "repair",
            "replicas_follow": True}
SITES, HOT_KEYS, WARM_KEYS, CALM_KEYS, WRITERS_A_SITE = 3, 12, 300, 100, 2
AGREE_DEADLINE_S = 90
faketime = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)

Write = collections.namedtuple("Write", "site key value began ended acknowledged")


class Client(threading.Thread):
    """Writes hot keys, warm ones and keys of its own at one site, and reads hot keys there. A write that failed may have happened."""

    def __init__(self, server, site, number, seed):
        super().__init__(daemon=True)
        self.server, self.site, self.name_ = server, site, f"{site}.{number}"
        self.chance, self.stopping = random.Random(seed), False
        self.writes, self.reads, self.seen = [], 0, set()
        self.connection = None

    def run(self):
        n = 0
        while not self.stopping:
            n += 1
            what = self.chance.random()
            key = (f"own-{self.name_}-{self.chance.randrange(40)}" if what < 0.3 else
                   f"warm-{self.chance.randrange(WARM_KEYS)}" if what < 0.5 else f"hot-{self.chance.randrange(HOT_KEYS)}")
            self.write(key, f"{key}:{self.name_}.{n}")
            self.read(f"hot-{self.chance.randrange(HOT_KEYS)}")
            time.sleep(self.chance.random() * 0.02)

    def cursor(self):
        self.connection = self.connection or self.server.connect(read_timeout=4, connect_timeout=2)
        return self.connection.cursor()

    def write(self, key, value):
        began, acknowledged = time.monotonic(), False
        try:
            cursor = self.cursor()
            cursor.execute("REPLACE INTO shop.cache VALUES (%s, %s)", (key, value))
            acknowledged = True
        except servers.MySQLdb.Error:
            self.connection = None
            time.sleep(0.05)
        self.writes.append(Write(self.site, key, value, began, time.monotonic(), acknowledged))

    def read(self, key):
        try:
            cursor = self.cursor()
            cursor.execute("SELECT v FROM shop.cache WHERE k = %s", (key,))
            row = cursor.fetchone()
        except servers.MySQLdb.Error:
            self.connection = None
            return
        self.reads += 1
        if row:
            self.seen.add((key, row[0].decode()))

    def stop(self):
        self.stopping = True
        self.join(20)


class Clocks:
    """Each daemon's own clock: seconds ahead of this machine's, which may be changed while it runs."""

    def __init__(self, stage):
        self.stage = stage
        self.files = [os.path.join(servers.folder(), f"clock{stage.number}-{name}") for name in stage.names]
        for i in range(len(stage.names)):
            self.set(i, 0)

    def set(self, i, ahead_s):
        with open(self.files[i] + ".new", "w") as f:
            f.write(f"{ahead_s:+d}s\n")
        os.rename(self.files[i] + ".new", self.files[i])

    def start_daemon(self, i):
        # With its fix for old C libraries, every wait for a monotonic time ends at once: the daemons would never sleep.
        under = ["env", f"LD_PRELOAD={faketime}", f"FAKETIME_TIMESTAMP_FILE={self.files[i]}", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                 "DONT_FAKE_MONOTONIC=1", "FAKETIME_FORCE_MONOTONIC_FIX=0", "FAKETIME_CACHE_DURATION=1"] if faketime else []
        self.stage.start_daemon(i, under=under)


class Nemesis:
    """One fault after the other, each over before the next."""

    def __init__(self, stage, clocks, chance):
        self.stage, self.clocks, self.chance, self.done = stage, clocks, chance, collections.Counter()
        self.story = []

    def pause(self, low, high):
        time.sleep(low + self.chance.random() * (high - low))

    def kill_server(self, i):
        self.stage.servers[i].kill()
        self.pause(0.2, 5)
        self.stage.servers[i].start()

    def freeze_server(self, i):
        self.stage.servers[i].freeze()
        self.pause(0.2, 4)
        self.stage.servers[i].thaw()

    def cut_off(self, i):
        relays = [relay for pair, relay in self.stage.relays.items() if i in pair]
        for relay in relays:
            relay.partition()
        self.pause(0.2, 5)
        for relay in relays:
            relay.heal()

    def kill_daemon(self, i):
        self.stage.stop_daemon(i, signal.SIGKILL)
        self.pause(0.1, 3)
        self.clocks.start_daemon(i)

    def freeze_daemon(self, i):
        self.stage.daemons[i].send_signal(signal.SIGSTOP)
        self.pause(0.5, 6)
        self.stage.daemons[i].send_signal(signal.SIGCONT)

    def stop_link(self, i):
        self.stage.servers[i].query("STOP SLAVE")
        self.pause(0.1, 1)

    def set_clock(self, i):
        ahead_s = self.chance.choice((-3600, -60, -2, 0, 2, 60, 3600))
        self.clocks.set(i, ahead_s)
        self.tell(f"the clock of {self.stage.names[i]} is {ahead_s:+d} s from here")

    def tell(self, what):
        self.story.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {what}")

    def run(self, until):
        faults = [self.kill_server, self.freeze_server, self.cut_off, self.kill_daemon, self.freeze_daemon, self.stop_link]
        faults += [self.set_clock] if faketime else []
        while time.monotonic() < until:
            fault, site = self.chance.choice(faults), self.chance.randrange(SITES)
            self.tell(f"{fault.__name__} {self.stage.names[site]}")
            fault(site)
            self.done[fault.__name__] += 1
            self.pause(0.2, 2)


def contents(server):
    return dict((k.decode(), v.decode()) for k, v in server.query("SELECT k, v FROM shop.cache"))


def wait_agreed(stage):
    """Until all hold the same and it has stayed so for some heartbeats; what they hold, and how long that took."""
    began, agreed_since, last = time.monotonic(), None, None
    while time.monotonic() - began < AGREE_DEADLINE_S:
        held = [contents(server) for server in stage.servers + stage.replicas]
        if all(h == held[0] for h in held) and held[0] == last:
            agreed_since = agreed_since or time.monotonic()
            if time.monotonic() - agreed_since > 5:
                return held[0], agreed_since - began
        else:
            agreed_since = None
        last = held[0]
        time.sleep(0.3)
    keys = {k for h in held for k in h if any(o.get(k) != h[k] for o in held)}
    raise NotReady(f"{len(keys)} keys differ for good: " + ", ".join(f"{k}: {[h.get(k) for h in held]}" for k in sorted(keys)[:5]))


def beats(stage):
    """The heartbeats as each site has them: what the daemons judge lags by."""
    lines = []
    for server, name in zip(stage.servers, stage.names):
        try:
            rows = server.query("SELECT site, sent_us FROM roundabout.heartbeat ORDER BY site")
            lines.append(f"at {name}: " + ", ".join(f"{site.decode()} {sent_us}" for site, sent_us in rows))
        except servers.MySQLdb.Error as e:
            lines.append(f"at {name}: {e}")
    return lines


def repaired_names(stage):
    names = collections.Counter()
    for i in range(SITES):
        for line in stage.log(i).splitlines():
            if "deleted everywhere" in line:
                names[line.split(" key ")[1].split()[0]] += 1
    return names


def name_of(key):
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def judge(clients, calm, final, repaired):
    """What is wrong, as lines; and counts of what was lost as it may be."""
    trouble, lost = [], collections.Counter()
    by_key = collections.defaultdict(list)
    for client in clients:
        for write in client.writes:
            by_key[write.key].append(write)
    values = {key: {w.value for w in writes} for key, writes in by_key.items()}
    for client in clients:
        for key, value in client.seen:
            if value not in values.get(key, ()):
                trouble.append(f"a value was read of {key} that nobody wrote there")
    for key, value in calm.items():
        if final.get(key) != value:
            trouble.append(f"{key}, which nobody wrote, is {final.get(key)!r}")
    for key in final:
        if key not in calm and final[key] not in values.get(key, ()):
            trouble.append(f"{key} ends with {final[key]!r}, which nobody wrote there")
    for key, writes in by_key.items():
        good = [w for w in writes if w.acknowledged]
        if key not in final:
            if good and not repaired[name_of(key)]:
                trouble.append(f"{key} is gone and was never repaired")
            lost["repair"] += bool(good)
            continue
        winner = next((w for w in writes if w.value == final[key]), None)
        for w in good:
            if winner is None or w.began < winner.ended:
                continue
            # It came after the one that is there now.
            if w.site == winner.site:
                trouble.append(f"{key} ends with an older write of {w.site} than its last: {final[key]!r}, not {w.value!r}")
            lost["conflict"] += 1
    return trouble, lost


def run(number, title, kind, grants, options):
    chance = random.Random(SEED + number)
    stage = Stage(SITES, delay_ms=15, replicas=1, kind=kind, grants=grants, settings=SETTINGS, **options)
    clients, trouble, nemesis = [], [], None
    try:
        clocks = Clocks(stage)
        for i in range(SITES):
            clocks.start_daemon(i)
        stage.wait_whole()
        wait_for(stage.replicas[0].link_runs, 20, "the replica follows", pause_s=0.05)
        calm = {f"calm-{i}": f"calm-value-{i}" for i in range(CALM_KEYS)}
        for key, value in calm.items():
            stage.servers[0].query("REPLACE INTO shop.cache VALUES (%s, %s)", key, value)
        left = stage.wait_everywhere(calm, 20)
        if left:
            raise NotReady(f"before any fault keys are lacking: {left}")
        clients = [Client(stage.servers[i], stage.names[i], n, chance.random()) for i in range(SITES) for n in range(WRITERS_A_SITE)]
        for client in clients:
            client.start()
        nemesis = Nemesis(stage, clocks, chance)
        nemesis.run(time.monotonic() + RUN_S)
        for client in clients:
            client.stop()
        stage.wait_whole(90)
        final, agreed_s = wait_agreed(stage)
        repaired = repaired_names(stage)
        trouble, lost = judge(clients, calm, final, repaired)
        writes = [w for client in clients for w in client.writes]
        print(f"{number:3}  {title:13}  {sum(nemesis.done.values()):6}  {len(writes):6}  {sum(not w.acknowledged for w in writes):7}  "
              f"{sum(c.reads for c in clients):6}  {lost['conflict']:9}  {sum(repaired.values()):7}  {lost['repair']:4}  {agreed_s:8.1f}  "
              f"{'agree' if not trouble else 'WRONG'}", flush=True)
    except (NotReady, servers.MySQLdb.Error) as e:
        trouble.append(" ".join(str(e).split())[:3000])
        print(f"{number:3}  {title:13}  failed", flush=True)
    finally:
        for client in clients:
            client.stopping = True
        if trouble and os.environ.get("KEEP_LOGS"):
            for i in range(SITES):
                with open(f"{os.environ['KEEP_LOGS']}-{number}-{stage.names[i]}.log", "w") as f:
                    f.write(stage.log(i))
            with open(f"{os.environ['KEEP_LOGS']}-{number}-story.log", "w") as f:
                f.write("\n".join((nemesis.story if nemesis else []) + beats(stage)) + "\n")
        stage.end()
    for line in trouble[:10]:
        print(f"     {line}", flush=True)
    return not trouble


def main():
    chosen = [k for k in KINDS if not sys.argv[1:] or k in sys.argv[1:]]
    skipped = 0
    try:
        mysql_servers.root()
    except mysql_servers.CannotBeHad as e:
        print(f"# no MySQL here: {e}")
        skipped = sum(chosen[n % len(chosen)] == "mysql" for n in range(RUNS))
        chosen = [k for k in chosen if k != "mysql"]
    print(f"# {RUNS - skipped} runs of {RUN_S:g} s, seed {SEED}" + ("" if faketime else "; clocks stay right: there is no libfaketime here"))
    print("run  servers        faults  writes  unknown   reads  conflicts repairs  gone  agree in s", flush=True)
    good = 0
    for number in range(RUNS - skipped):
        good += run(number, *KINDS[chosen[number % len(chosen)]])
    bad = RUNS - skipped - good
    print(f"{good} passed, {bad} failed, {skipped} skipped")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
