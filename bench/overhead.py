#!/usr/bin/env python3
"""What the shim adds to one mysql_real_query, over the fake client library: make bench-overhead

The same program runs side by side without the shim, with it switched off, with it, and with it but without counters
(the last column is what these add), and the four take turns in short rounds, so that a busy machine is busy for all.
Figures are nanoseconds of processor time per
call: the median of all rounds; a difference is the median of the rounds' own differences."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

CASES = [
    ("insert", "INSERT of 61 bytes, no cache table"),
    ("insert_known", "the same, on a handle that has routed"),
    ("select", "SELECT of 57 bytes, no cache table"),
    ("select_known", "the same, on a handle that has routed"),
    ("replace", "REPLACE of 60 bytes, routed"),
]
SHAPES = [(1, 1), (1, 1000), (4, 4), (4, 1000)]
LIMIT_NS = 200

CONFIG = """local = { socket = "/run/local.sock"; };
caches = ( { tables = [ "shop.cache", "shop.page_*", "shop.session_*" ]; } );
stats = { enabled = %s; directory = "%s"; };
"""


def start(program, shim, config, disabled):
    environment = dict(os.environ, ROUNDABOUT_CONFIG=config)
    environment.pop("ROUNDABOUT_DISABLE", None)
    if shim:
        environment["LD_PRELOAD"] = shim
    if disabled:
        environment["ROUNDABOUT_DISABLE"] = "1"
    return subprocess.Popen([program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        sys.exit("overhead.py: the measured program has ended")
    return float(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the folder with libroundabout.so and bench/overhead")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--check", action="store_true", help=f"fail if a call costs more than {LIMIT_NS} ns more")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "roundabout.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG % ("true", folder))
        uncounted = os.path.join(folder, "uncounted.conf")
        with open(uncounted, "w", encoding="utf-8") as file:
            file.write(CONFIG % ("false", folder))
        program, shim = os.path.join(build, "bench", "overhead"), os.path.join(build, "libroundabout.so")
        runs = [start(program, None, config, False), start(program, shim, config, True),
                start(program, shim, config, False), start(program, shim, uncounted, False)]
        worst = 0.0
        print(f"{'':40} {'threads':>7} {'handles':>7} {'without':>8} {'off':>8} {'with':>8} {'off adds':>9} {'adds':>8} {'counting':>9}")
        for case, title in CASES:
            for threads, handles in SHAPES:
                line = f"{case} {threads} {handles} {options.calls}"
                rounds = [[ask(run, line) for run in runs] for _ in range(options.rounds)]
                without, off, with_shim, _ = (statistics.median(column) for column in zip(*rounds))
                off_adds = statistics.median(r[1] - r[0] for r in rounds)
                adds = statistics.median(r[2] - r[0] for r in rounds)
                counting = statistics.median(r[2] - r[3] for r in rounds)
                if case != "replace":
                    worst = max(worst, adds)
                print(f"{title:40} {threads:7} {handles:7} {without:8.1f} {off:8.1f} {with_shim:8.1f} "
                      f"{off_adds:9.1f} {adds:8.1f} {counting:9.1f}", flush=True)
                title = ""
        for run in runs:
            run.stdin.close()
            run.wait()
    print(f"A statement that is not a cache statement costs at most {worst:.0f} ns more (wanted: {LIMIT_NS}).")
    return 1 if options.check and worst > LIMIT_NS else 0


if __name__ == "__main__":
    sys.exit(main())
