#!/usr/bin/env python3
"""Runs the claims of tests/preload: each program without the shim, with it switched off and with it, over fake
client libraries of both kinds, whose own calls come back through the public names and, with the shim, also over
those whose calls don't. The last line counts: N passed, N failed, N skipped."""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile


# How each program runs: (what the heading says, the shim is preloaded, it works, the library is closed).
SHAPES = [
    ("without the shim", False, False, False),
    ("with the shim switched off", True, False, False),
    ("with the shim", True, True, False),
    ("with the shim, over a library whose own calls stay inside", True, True, True),
]


LIMIT_S = 300  # for one program in one shape; thrice that under a wrapper


def run(options, program, folder, shape):
    _, preloaded, working, closed = shape
    environment = dict(os.environ, CLAIMS_FOLDER=folder, ROUNDABOUT_CONFIG=os.path.join(folder, "roundabout.conf"))
    for name in ("CLAIMS_WITH_SHIM", "LD_PRELOAD", "ROUNDABOUT_DISABLE", "LD_LIBRARY_PATH"):
        environment.pop(name, None)
    preloads = [options.before] if options.before else []
    if preloaded:
        preloads.append(options.shim or os.path.join(options.build, "libroundabout.so"))
        environment["CLAIMS_WITH_SHIM" if working else "ROUNDABOUT_DISABLE"] = "1"
    if closed:
        environment["LD_LIBRARY_PATH"] = os.path.join(options.build, "tests", "preload", "closed")
    if options.wrapper:
        environment["CLAIMS_PATIENCE"] = "1"
    if preloads:
        environment["LD_PRELOAD"] = ":".join(preloads)
    command = options.wrapper.split() + [program] + options.claims
    limit_s = LIMIT_S * (3 if options.wrapper else 1)
    try:
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               encoding="utf-8", errors="replace", check=False, timeout=limit_s)
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode("utf-8", "replace") if isinstance(late.stdout, bytes) else late.stdout or ""
        return 124, f"{said}\nFAILED {os.path.basename(program)}: stopped after {limit_s} s\n"
    return ended.returncode, ended.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the folder with libroundabout.so and tests/preload")
    parser.add_argument("claims", nargs="*", help="names of claims; all, if none is given")
    parser.add_argument("--only", default="", help="programs whose name holds this")
    parser.add_argument("--skip", default="", help="a comma list of programs to leave out, as in async,memory")
    parser.add_argument("--shim", default="", help="another object in the shim's place, as in naive.so: its claims should fail")
    parser.add_argument("--before", default="", help="an object to preload before the shim: a sanitizer's library")
    parser.add_argument("--wrapper", default="", help="a command to run the programs under, as in 'valgrind -q'")
    parser.add_argument("--quick", action="store_true", help="with the shim only, and one shape of each library")
    parser.add_argument("--at-once", type=int, default=0, help="how many programs run at once: they wait most of the time; 8, with --before 4, under a wrapper 1")
    parser.add_argument("--verbose", action="store_true", help="show what passed and what was skipped, too")
    options = parser.parse_args()
    options.at_once = options.at_once or (1 if options.wrapper else 4 if options.before else 8)
    options.build = os.path.abspath(options.build)
    where = os.path.join(options.build, "tests", "preload")
    left_out = set(options.skip.split(","))
    names = sorted(name for name in os.listdir(where)
                   if re.fullmatch(r"((mariadb|oracle)_)?test_[a-z]+", name) and options.only in name)
    if not names:
        sys.exit(f"run_preload.py: no programs in {where}")
    total = {"passed": 0, "failed": 0, "skipped": 0}
    todo = []
    for name in names:
        if name.split("test_")[1] in left_out:
            print(f"skipped {name}: left out by --skip", flush=True)
            total["skipped"] += 1
        else:
            todo += [(name, shape) for shape in (SHAPES[2:3] if options.quick else SHAPES)]

    def run_one(what):
        name, shape = what
        with tempfile.TemporaryDirectory(prefix="claims.") as folder:
            with open(os.path.join(folder, "roundabout.conf"), "w", encoding="utf-8"):
                pass
            return run(options, os.path.join(where, name), folder, shape)

    with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
        for (name, shape), (status, output) in zip(todo, pool.map(run_one, todo)):
            counts = re.search(r"^\S+: (\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
            if counts:
                for word, number in zip(total, counts.groups()):
                    total[word] += int(number)
            if not counts or (status != 0 and counts.group(2) == "0"):
                total["failed"] += 1
            shown = output if options.verbose or not counts else "\n".join(
                line for line in output.splitlines() if not re.match(r"(passed|skipped) |WARNING: MYSQL_OPT|\S+: \d+ passed", line))
            if status != 0 or options.verbose or not counts:
                print(f"--- {name}, {shape[0]}: exit status {status}\n{shown}", flush=True)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
