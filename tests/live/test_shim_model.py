"""Random transactions leave what a model says: never a cache row of a transaction that was rolled back, never a lost one that was committed.

ROUNDABOUT_MODEL_SECONDS is how long it tries (8), ROUNDABOUT_MODEL_SEED the first seed.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
from harness import main, test, want, want_true  # noqa: E402

SECONDS = float(os.environ.get("ROUNDABOUT_MODEL_SECONDS", "8"))
SEED = os.environ.get("ROUNDABOUT_MODEL_SEED", "1")
PROGRAM = [*lab.python_or_leave(), os.path.join(lab.HERE, "python_model.py")]
_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    return _lab


def try_model(config=None, log=None, check=None, seconds=SECONDS):
    done = the_lab().run(PROGRAM + [SEED, str(seconds)], config, log, limit_s=60 + seconds, CHECK_SOCKET=check)
    want((0, ""), (done.status, done.stderr), "the program's end")
    want(1, len(done.lines), f"lines: {done.stdout[:1500]}")
    return done


@test
def the_model_is_that_of_one_server():
    try_model(check=the_lab().main.socket, seconds=2)


@test(deadline_s=120 + SECONDS)
def random_transactions_leave_what_the_model_says():
    path, log = the_lab().write_config()
    done = try_model(path, log, the_lab().local.socket)
    routed = done.log.count("REPLACE: routed")
    want_true(routed > 100, f"statements to be routed, got {routed} in {done.lines[0]}")
    want([], [line for line in done.log_lines("warning", "error")], "warnings in the log")


if __name__ == "__main__":
    main()
