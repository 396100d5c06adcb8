#!/usr/bin/python3
"""The shim's own calls into libc fail, one at a time: the program prints what it prints without the shim.

FAILING_SECONDS bounds it (20 by default, shared by all calls); what wasn't reached then is said."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, test, want, want_true  # noqa: E402

SECONDS = float(os.environ.get("FAILING_SECONDS", "20"))
CALLS = ("malloc", "calloc", "realloc", "strdup", "strndup", "open", "openat", "fcntl", "fstat", "stat", "socket", "mmap", "eventfd", "read",
         "fchmod", "posix_fallocate", "renameat", "renameat2", "connect")
# Calls that a program of nothing but plain statements needn't lead to.
MAY_BE_UNUSED = {"socket", "realloc", "strndup"}
PROGRAM = [os.path.join(lab.C_APPS, "statements"), "REPLACE INTO cache (k, v) VALUES ('L/a', '1')", "SELECT v FROM cache WHERE k = 'L/a'",
           "SET sql_mode = 'ANSI_QUOTES'", "SET @@time_zone = '+01:00'", "SELECT v FROM cache WHERE k = 'L/a'", "BEGIN",
           "REPLACE INTO cache (k, v) VALUES ('L/b', '2')", "INSERT INTO orders (v) VALUES ('M/a')", "ROLLBACK", "USE other",
           "REPLACE INTO cache (k, v) VALUES ('L/c', '3')", "USE shop", "SELECT k, v FROM cache WHERE k <> 'site' ORDER BY k",
           "REPLACE INTO cache (k) VALUES (1, 2)", ">SELECT v FROM cache WHERE k = 'L/a'",
           "@3 SELECT COUNT(*) FROM cache WHERE k <> 'site'"]
_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    return _lab


def seed(it):
    """Both servers hold what is written later: a statement that went to main because of a failure is a cache miss, and none is to be seen
    here. What is rolled back is another value."""
    it.clean()
    for server in (it.main, it.local):
        server.query("INSERT INTO shop.cache (k, v) VALUES ('L/a', '1'), ('L/b', '0')")
        server.query("INSERT INTO other.cache (k, v) VALUES ('L/c', '3')")


def run(fail):
    """What the program printed; and whether the call was reached."""
    it = the_lab()
    reached = it.path("reached")
    seed(it)
    path, log = it.write_config(retry_after_ms=None, local={"retry_after_ms": 60000})
    process = it.start(PROGRAM, None, LD_PRELOAD=f"{lab.LIBRARY} {os.path.join(lab.C_APPS, 'failing.so')}", ROUNDABOUT_CONFIG=path, FAIL=fail,
                       FAILED_FILE=reached, SHADOW_SOCKET=it.local.socket)
    outcome = it.finish(process, log)
    want(0, outcome.status, f"exit status with {fail} ({outcome.stderr[-300:]})")
    lab.want_no_secret(outcome.log)
    return outcome, os.path.exists(reached)


@test
def a_call_of_the_shim_that_fails_is_not_seen():
    it = the_lab()
    seed(it)
    plain = it.run(PROGRAM).lines
    want(plain, run("nothing:1")[0].lines, "lines when nothing fails")
    ended, runs = {}, 0
    end = time.monotonic() + SECONDS
    n = 1
    while len(ended) < len(CALLS) and time.monotonic() < end:
        for call in CALLS:
            if call in ended or time.monotonic() >= end:
                continue
            outcome, reached = run(f"{call}:{n}")
            runs += reached
            want(plain, outcome.lines, f"lines when {call} number {n} fails ({outcome.log[-400:]})")
            if not reached:
                ended[call] = n - 1
        n += 1
    unreached = sorted(call for call, times in ended.items() if times == 0)
    print(f"  {runs} failures; to the last: {', '.join(f'{call} {times}' for call, times in ended.items() if times)}; "
          f"not to the last: {', '.join(sorted(set(CALLS) - set(ended))) or 'none'}; not called: {', '.join(unreached) or 'none'}")
    want(set(), set(unreached) - MAY_BE_UNUSED, "calls that the program was to lead to")


main()
