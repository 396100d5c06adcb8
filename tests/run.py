#!/usr/bin/python3
"""Runs test programs one after another and adds up what they say.

    run.py [--show] NAME=COMMAND ...

A program's own last line `N passed, N failed, N skipped` counts, or cmocka's summary. One that ends without either, or with a failure that it
doesn't count, is a failure of its own. What a program printed is shown when it fails; with --show, always. The last line is the sum; the exit status is 1 if
anything failed.

The suites whose name begins with `live` wait most of the time, each in a folder and at ports of its own: two of them run at once, in the order given, so that
the longest are best named first. The others run one after the other beside them. All have their servers' files in memory (/dev/shm) where there is room and
TMPDIR says nothing else: nothing that is tested here depends on a disk, and dozens of servers wait for one.

Live suites have time limits of their own, and a machine may stall for longer than these. Where nobody watches (CI is set) one that fails is run once more,
alone; its first output is shown all the same, and its line says so.
"""

import concurrent.futures
import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

LIMIT_S = 1200
MEMORY, ROOM_BYTES = "/dev/shm", 6 << 30  # what suites that run at once hold at most, and as much again
LIVE_AT_ONCE = 2
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


def tell(name, verdict, show):
    """Prints what there is to say of one suite; its counts."""
    seconds, output, status, counted, again = verdict
    if counted[1] or show:
        print(output, end="" if output.endswith("\n") else "\n")
    elif counted[2]:
        print("".join(line + "\n" for line in output.splitlines() if re.search(r"\bskip", line, re.I)
                      and not OWN.match(line)), end="")
    word = "FAILED" if counted[1] else "ok"
    print(f"{word:6} {name}: {counted[0]} passed, {counted[1]} failed, {counted[2]} skipped ({seconds:.1f} s, exit {status}{again})", flush=True)
    return counted


def timed(command):
    started = time.monotonic()
    output, status, counted = judge(command)
    return time.monotonic() - started, output, status, counted, ""


def use_memory():
    """Temporary files of all suites go there, if it has the room and programs may be run from it."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return
    if found.f_bavail * found.f_frsize >= ROOM_BYTES and not found.f_flag & os.ST_NOEXEC and os.access(MEMORY, os.W_OK | os.X_OK):
        os.environ.setdefault("TMPDIR", MEMORY)


@contextlib.contextmanager
def templates():
    """A folder for what live suites start from, made by the first that wants it. Named and locked as theirs are (tests/live/servers.py), so that one
    that is left behind goes with the next start of any of them."""
    with tempfile.TemporaryDirectory(prefix="roundabout-live.", ignore_cleanup_errors=True) as folder, open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.environ["ROUNDABOUT_TEMPLATES"] = folder
        yield


def main(suites):
    show = suites[:1] == ["--show"]
    pairs = [suite.split("=", 1) for suite in suites[show:]]
    use_memory()
    with templates():
        return run_all(pairs, show)


def run_all(pairs, show):
    total = [0, 0, 0]

    def add(name, verdict):
        total[:] = [a + b for a, b in zip(total, tell(name, verdict, show))]

    with concurrent.futures.ThreadPoolExecutor(1) as others, concurrent.futures.ThreadPoolExecutor(LIVE_AT_ONCE) as live:
        running = {(live if name.startswith("live") else others).submit(timed, command): (name, command) for name, command in pairs}
        failed = []
        for future in concurrent.futures.as_completed(running):
            name, command = running[future]
            if future.result()[3][1] and os.environ.get("CI") and name.startswith("live"):
                tell(name + ", first try", future.result(), show)
                failed.append((name, command))
            else:
                add(name, future.result())
    for name, command in failed:
        add(name, (*timed(command)[:4], ", second try"))
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
