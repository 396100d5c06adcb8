#!/usr/bin/python3
"""How long an operator waits on a healthy ring of three on this machine: make bench-verbs

The command's verbs, each from start to exit, in turn, beside one that only prints its version; and the daemon's page, from being asked for to its first paint in
headless Chromium, beside an empty page. Twenty programs that routed statements are alive meanwhile, so that there is something to add up.

Words choose the rows by a part of their names; --rounds N."""

import argparse
import os
import statistics
import subprocess
import sys
import time

import arms
import machine
from arms import servers

import browser
from ring_stage import Stage
from servers import BUILD, wait_for
from test_page import ask, free_port, status_of

COMMAND = os.path.join(BUILD, "roundabout")
PROGRAMS = 20
VERB_GOAL_MS, PAINT_GOAL_MS, PAGE_GOAL_BYTES = 100, 300, 60 * 1024
# Routes some statements, says so, and lives until its input ends.
PROGRAM = """import sys, MySQLdb
cursor = MySQLdb.connect(host="127.0.0.1", port=int(sys.argv[1]), user="app", passwd="apppw", db="shop", autocommit=True).cursor()
for i in range(50):
    cursor.execute("REPLACE INTO cache (k, v) VALUES (%s, 'v')", (f"bench-{i}",))
    cursor.execute("SELECT v FROM cache WHERE k = %s", (f"bench-{i}",))
print("ready", flush=True)
sys.stdin.read()"""


def start_programs(stage):
    words = [COMMAND, "run", "-f", stage.files[1], "--", sys.executable, "-c", PROGRAM, str(stage.servers[0].port)]
    with open(os.path.join(servers.folder(), "programs.log"), "w", encoding="utf-8") as log:  # the stage's files ask for all there is to say
        programs = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) for _ in range(PROGRAMS)]
    for program in programs:
        assert program.stdout.readline() == b"ready\n", "a program didn't start"
    return programs


def make_stage():
    """(ring, port of b's page, b's file without its page)"""
    stage = Stage(3)
    ports = [free_port() for _ in stage.names]
    without = stage.files[1] + ".without-page"
    with open(stage.files[1], encoding="utf-8") as file, open(without, "w", encoding="utf-8") as out:
        out.write(file.read())
    for file, port in zip(stage.files, ports):
        with open(file, "a", encoding="utf-8") as out:
            out.write(f"http = {{ port = {port}; }};\n")
    stage.start_daemons()
    stage.wait_whole()
    stage.ports = ports
    wait_for(lambda: status_of(stage, 1).get("full_circle_ms") is not None, 60, "the full circle is measured", pause_s=0.2)
    return stage, ports[1], without


def time_of(words):
    began = time.perf_counter()
    done = subprocess.run([COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    took_ms = (time.perf_counter() - began) * 1000
    if done.returncode:
        sys.exit(f"roundabout {' '.join(words)}: exit status {done.returncode}\n{done.stdout.decode(errors='replace')}")
    return took_ms


def say(name, values, goal=None, unit="ms"):
    middle = statistics.median(values)
    verdict = "" if goal is None else f"  goal under {goal}: {'met' if middle < goal else 'MISSED'}"
    print(f"{name:34} {middle:8.1f} {min(values):8.1f} {max(values):8.1f} {unit}{verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="parts of names")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    for what, value in machine.describe(BUILD).items():
        print(f"{what}: {value}")
    stage, port, without = make_stage()
    programs = start_programs(stage)
    try:
        file = stage.files[1]
        verbs = {"roundabout --version": (["--version"], None), "status": (["status", "-f", file], VERB_GOAL_MS),
                 "status --json": (["status", "--json", "-f", file], VERB_GOAL_MS), "status, no page": (["status", "-f", without], VERB_GOAL_MS),
                 "check": (["check", "-f", file], VERB_GOAL_MS), "stats": (["stats", "-f", file], VERB_GOAL_MS),
                 "stats --json": (["stats", "--json", "-f", file], VERB_GOAL_MS),
                 "explain": (["explain", "-f", file, "--database", "shop", "SELECT v FROM cache WHERE k = 'a'"], VERB_GOAL_MS)}
        chosen = {name: verb for name, verb in verbs.items() if not options.rows or any(row in name for row in options.rows)}
        wait_for(lambda: subprocess.run([COMMAND, "check", "-f", file], stdout=subprocess.DEVNULL, check=False).returncode == 0, 30, "check finds nothing wrong")
        print(f"\n{'':34} {'median':>8} {'least':>8} {'most':>8}")
        times = {name: [] for name in chosen}
        for _ in range(options.rounds):
            for name, (words, _goal) in chosen.items():
                times[name].append(time_of(words))
        for name, (_words, goal) in chosen.items():
            say(name, times[name], goal)
        if not options.rows or any(row in "page" for row in options.rows):
            show_page(port, options.rounds)
    finally:
        for program in programs:
            program.stdin.close()
            program.wait(20)
        stage.end()


def show_page(port, rounds):
    url = f"http://127.0.0.1:{port}/"
    say("page, bytes", [len(ask(port, "/")[2].encode())], PAGE_GOAL_BYTES, "")
    empty = os.path.join(servers.folder(), "empty.html")
    with open(empty, "w", encoding="utf-8") as out:
        out.write("<!doctype html><title>empty</title><p>empty")
    try:
        for name, asked, goal in (("empty page, first paint", "file://" + empty, None), ("page, first paint", url, PAINT_GOAL_MS)):
            say(name, [paint["first-contentful-paint"] for paint in browser.first_paint(asked, rounds)], goal)
    except browser.Missing as e:
        print(f"the page's first paint is left out: {e}")


if __name__ == "__main__":
    main()
