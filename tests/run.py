#!/usr/bin/python3
"""Runs test programs one after another and adds up what they say.

    run.py [--show] NAME=COMMAND ...

A program's own last line `N passed, N failed, N skipped` counts, or cmocka's summary. One that ends without either, or with a failure that it
doesn't count, is a failure of its own. What a program printed is shown when it fails; with --show, always. The last line is the sum; the exit status is 1 if
anything failed.

Live suites have time limits of their own, and a machine may stall for longer than these. Where nobody watches (CI is set) a live suite that fails is run once
more; its first output is shown all the same, and its line says so.
"""

import os
import re
import signal
import subprocess
import sys
import time

LIMIT_S = 1200
OWN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def count(output):
    """(passed, failed, skipped) of a program's output, or None."""
    own = OWN.findall(output)
    if own:
        return tuple(int(n or 0) for n in own[-1])
    passed = sum(int(n) for n in re.findall(r"^\[  PASSED  \] (\d+) test", output, re.M))
    failed = sum(int(n) for n in re.findall(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed", output, re.M))
    skipped = sum(int(n) for n in re.findall(r"^\[  SKIPPED \] .*?(\d+) test\(s\), listed", output, re.M))
    return (passed, failed, skipped) if passed or failed else None


def run(command):
    """Output and exit status; everything that the program has started ends with it."""
    process = subprocess.Popen(command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=LIMIT_S)
        return output.decode(errors="replace"), process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            output, _ = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return output.decode(errors="replace") + f"\nstopped after {LIMIT_S} s\n", 124


def judge(command):
    """Output, exit status, (passed, failed, skipped)."""
    output, status = run(command)
    counted = count(output)
    if counted is None:
        counted = (1, 0, 0) if status == 0 else (0, 1, 0)
    elif status != 0 and counted[1] == 0:
        counted = (counted[0], 1, counted[2])
    return output, status, counted


def main(suites):
    total = [0, 0, 0]
    show = suites[:1] == ["--show"]
    for suite in suites[show:]:
        name, command = suite.split("=", 1)
        started = time.monotonic()
        output, status, counted = judge(command)
        again = ""
        if counted[1] and name.startswith("live") and os.environ.get("CI"):
            print(output, end="" if output.endswith("\n") else "\n")
            again = f", second try: {counted[1]} failed in the first"
            output, status, counted = judge(command)
        total = [a + b for a, b in zip(total, counted)]
        if counted[1] or show:
            print(output, end="" if output.endswith("\n") else "\n")
        elif counted[2]:
            print("".join(line + "\n" for line in output.splitlines() if re.search(r"\bskip", line, re.I)
                          and not OWN.match(line)), end="")
        verdict = "FAILED" if counted[1] else "ok"
        print(f"{verdict:6} {name}: {counted[0]} passed, {counted[1]} failed, {counted[2]} skipped"
              f" ({time.monotonic() - started:.1f} s, exit {status}{again})", flush=True)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
