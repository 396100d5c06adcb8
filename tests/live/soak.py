#!/usr/bin/python3
"""Hours in short: a ring of three under load and random faults, and nothing that grows: make soak [SOAK_S=1800]

    soak.py [--seconds S] [--seed N]

Workers (apps/requests.py) run at the two remote sites, their cache at their own site's master, everything else on main's. Every some seconds a fault strikes
one of the remote sites, its line or a daemon, and is mended again. Wanted: no error and nothing wrong for any worker; the ring whole after each fault; and,
from the second quarter of the time to the last, no growth of memory, descriptors, connections and relay logs, and a log that a person can read."""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from ring_stage import Stage  # noqa: E402

THREADS = 4
# Each site applies what all sites write, one transaction after another, and a site that lags isn't returned to: more than that rate and it lags for good,
# which no daemon can mend. This is some 100 writes a second.
PAUSE_S = 0.1
LIMITS = {"connect_timeout_s": 1, "read_timeout_s": 2, "retry_after_ms": 500}
SETTINGS = {"probe_interval_ms": 300, "dead_after_ms": 1500, "cool_down_ms": 2000, "heartbeat_interval_ms": 500}
# What may be on top at the end: an allocator's own swing, a reconnect in the moment of counting.
MEMORY_SHARE, MEMORY_KB, DESCRIPTORS, CONNECTIONS, RELAY_BYTES = 0.10, 3000, 4, 12, 64 << 20
LINES_PER_FAULT = 60


def start_worker(stage, site, until):
    path = os.path.join(servers.folder(), f"soak-{site}.conf")
    log = os.path.join(servers.folder(), f"soak-{site}.log")
    with open(path, "w", encoding="utf-8") as file:
        file.write(lab.config_text({"socket": stage.servers[site].socket, **LIMITS}, ({"name": "pages", "tables": ["shop.cache"]},), log_file=log))
        file.write(servers.counters_text(lab.stats_directory(path)))
    environment = dict(os.environ, LD_PRELOAD=os.path.join(servers.BUILD, "libroundabout.so"), ROUNDABOUT_CONFIG=path, MAIN_SOCKET=stage.servers[0].socket)
    worker = servers.spawn([sys.executable, os.path.join(lab.HERE, "requests.py"), stage.names[site], until, str(THREADS), str(PAUSE_S)], environment=environment,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    worker.log = log
    return worker


def kill_a_server(stage, site):
    stage.servers[site].kill()
    yield
    stage.servers[site].start()


def freeze_a_server(stage, site):
    stage.servers[site].freeze()
    yield
    stage.servers[site].thaw()


def cut_a_site_off(stage, site):
    relays = [relay for places, relay in stage.relays.items() if site in places]
    for relay in relays:
        relay.partition()
    yield
    for relay in relays:
        relay.heal()


def kill_a_daemon(stage, site):
    stage.stop_daemon(site, signal.SIGKILL)
    yield
    stage.start_daemon(site)


def stop_a_link(stage, site):
    stage.servers[site].query("STOP SLAVE")
    yield


def restart_a_server(stage, site):
    stage.servers[site].restart()
    yield


FAULTS = (kill_a_server, freeze_a_server, cut_a_site_off, kill_a_daemon, stop_a_link, restart_a_server)


def memory_kb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def lines_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return sum(1 for line in file if " debug" not in line)
    except FileNotFoundError:
        return 0


def sample(stage, workers):
    """One look at all that might grow, while everything is whole."""
    connections = stage.servers[0].one("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'")
    return {
        "memory of the daemons, KB": sum(memory_kb(daemon.pid) for daemon in stage.daemons),
        "memory of the workers, KB": sum(memory_kb(worker.pid) for worker in workers),
        "descriptors of the daemons": sum(len(os.listdir(f"/proc/{daemon.pid}/fd")) for daemon in stage.daemons),
        "descriptors of the workers": sum(len(os.listdir(f"/proc/{worker.pid}/fd")) for worker in workers),
        "connections of the workers": connections + sum(
            server.one("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app'") for server in stage.servers[1:]),
        "connections of the daemons": sum(
            server.one("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'roundabout'") for server in stage.servers),
        "relay logs, bytes": max(int(server.slave_status().get("Relay_Log_Space", 0)) for server in stage.servers),
    }


def allowed(what, before):
    if what.startswith("memory"):
        return before * (1 + MEMORY_SHARE) + MEMORY_KB
    if what.startswith("descriptors"):
        return before + DESCRIPTORS
    if what.startswith("connections"):
        return before + CONNECTIONS
    return max(before * 2, RELAY_BYTES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    stage = Stage(3, delay_ms=2, settings=SETTINGS)
    stage.servers[0].query("CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) NOT NULL, KEY (v))")
    stage.servers[0].query("INSERT INTO shop.orders VALUES (1, 'first')")
    stage.start_daemons()
    stage.wait_whole()
    until = os.path.join(servers.folder(), "soak-until")
    workers = [start_worker(stage, site, until) for site in (1, 2)]
    passed = failed = faults = 0
    samples = []
    began = time.monotonic()
    print(f"{options.seconds} s, seed {seed}", flush=True)
    while time.monotonic() - began < options.seconds:
        fault, site = chance.choice(FAULTS), chance.choice((1, 2))
        steps = fault(stage, site)
        next(steps)
        time.sleep(chance.uniform(0.5, 4))
        for _ in steps:
            pass
        faults += 1
        mended = time.monotonic()
        try:
            stage.wait_whole(60)
            passed += 1
        except servers.NotReady as error:
            failed += 1
            print(f"the ring isn't whole a minute after {fault.__name__} at {stage.names[site]}: {error}"[:3000], flush=True)
            break
        time.sleep(1)
        samples.append(sample(stage, workers))
        print(f"{time.monotonic() - began:7.0f} s  {fault.__name__:18} at {stage.names[site]}  whole after {time.monotonic() - mended - 1:5.1f} s", flush=True)
    open(until, "w", encoding="utf-8").close()
    total = {"statements": 0, "errors": [], "wrong": [], "misses": 0, "older": 0, "longest_s": 0.0}
    for worker in workers:
        try:
            out, err = worker.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            servers.end_child(worker)
            out, err = "", "it hangs"
        if worker.returncode != 0 or err.strip() or len(out.splitlines()) != THREADS:
            total["errors"].append(f"a worker ended with {worker.returncode}: {err.strip()[-300:]}")
        for line in out.splitlines():
            for key, value in json.loads(line).items():
                total[key] = max(total[key], value) if key == "longest_s" else total[key] + value
    print(f"{faults} faults; {total['statements']} statements: {len(total['errors'])} errors, {len(total['wrong'])} wrong, {total['misses']} misses, "
          f"{total['older']} older values, the longest took {total['longest_s']:.2f} s")
    for text in (total["errors"] + total["wrong"])[:5]:
        print("    " + text)
    failed += bool(total["errors"]) + bool(total["wrong"])
    passed += (not total["errors"]) + (not total["wrong"])
    second, last = samples[len(samples) // 4:len(samples) // 2] or samples[:1], samples[-max(1, len(samples) // 4):]
    for what in samples[0] if samples else ():
        before, after = (statistics.median(one[what] for one in part) for part in (second, last))
        grew = after > allowed(what, before)
        failed, passed = failed + grew, passed + (not grew)
        print(f"{what:30} {before:12.0f} -> {after:12.0f}" + ("   GROWS" if grew else ""))
    hours = (time.monotonic() - began) / 3600
    for name, path in [(f"log of the daemon at {name}", log) for name, log in zip(stage.names, stage.logs)] + [
            (f"log of the shim at {stage.names[site]}", worker.log) for site, worker in zip((1, 2), workers)]:
        lines = lines_of(path)
        bad = lines > LINES_PER_FAULT * max(1, faults)
        failed, passed = failed + bad, passed + (not bad)
        print(f"{name:30} {lines:6} lines, {lines / max(1, faults):.1f} a fault, {lines / hours:.0f} an hour" + ("   TOO MANY" if bad else ""))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
