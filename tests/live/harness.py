"""The runner of all live tests: a test is a function whose name is its claim.

    from harness import test, want, skip, main

    @test
    def a_lost_master_sends_the_statement_home():
        want(3, rows_at(main_master), "rows at the main master")

    main()

Each test prints one line (`ok NAME`, `FAIL NAME: ...` with place, want and got, or `skip NAME: reason`), the last line counts them, and
the exit status is 1 if one failed. A test that fails or hangs doesn't stop the others. Words on the command line
choose tests by a part of their names; --list shows them.
"""

import faulthandler
import os
import signal
import sys
import traceback

DEADLINE_S = 120

_tests = []


class Failure(AssertionError):
    pass


class Skip(Exception):
    pass


class TimeUp(BaseException):
    """Not an Exception, so that a test's own `except Exception` can't swallow it."""


def test(function=None, *, deadline_s=DEADLINE_S):
    """Marks a test; deadline_s is the time after which it has failed."""
    if function is None:
        return lambda f: test(f, deadline_s=deadline_s)
    _tests.append((function, deadline_s))
    return function


def want(wanted, got, what=""):
    """Fails unless both are equal."""
    if wanted != got:
        raise Failure(f"{what + ': ' if what else ''}want {short(wanted)}, got {short(got)}")


def want_true(condition, what):
    """Fails with `what`, which says what should have been so, unless condition holds."""
    if not condition:
        raise Failure(f"want {what}")


def want_between(low, high, got, what=""):
    if not low <= got <= high:
        raise Failure(f"{what + ': ' if what else ''}want {low} to {high}, got {got}")


def want_error(error, function, *args, **kw):
    """Fails unless the call raises `error` (an exception class, or a MySQL error number); returns the exception."""
    try:
        got = function(*args, **kw)
    except Exception as e:
        if isinstance(error, int) and e.args and e.args[0] == error:
            return e
        if isinstance(error, type) and isinstance(e, error):
            return e
        raise Failure(f"want error {error}, got {e!r}") from e
    raise Failure(f"want error {error}, got no error but {short(got)}")


def skip(reason):
    raise Skip(reason)


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-60:]} ({len(text)} characters)"


def place_in_test(error):
    """The last line of the test program's own that led to the error."""
    frames = traceback.extract_tb(error.__traceback__)
    here = os.path.abspath(__file__)
    own = [f for f in frames if os.path.abspath(f.filename) != here] or frames
    program = [f for f in own if os.path.abspath(f.filename) == os.path.abspath(sys.argv[0])]
    frame = (program or own)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def one_line(text):
    return " ".join(str(text).split())


def time_up(*_):
    raise TimeUp()


def run(function, deadline_s):
    """Runs one test, prints its line, and returns "passed", "failed" or "skipped"."""
    name = function.__name__
    signal.signal(signal.SIGALRM, time_up)
    # A call into C that never returns never runs the handler above. Then the whole program ends, loudly.
    faulthandler.dump_traceback_later(deadline_s + 60, exit=True)
    signal.alarm(int(deadline_s))
    try:
        function()
    except Skip as e:
        print(f"skip {name}: {one_line(e)}", flush=True)
        return "skipped"
    except Failure as e:
        print(f"FAIL {name}: {place_in_test(e)}: {one_line(e)}", flush=True)
        return "failed"
    except TimeUp as e:
        print(f"FAIL {name}: {place_in_test(e)}: want an end within {deadline_s} s, got none", flush=True)
        return "failed"
    except Exception as e:
        print(f"FAIL {name}: {place_in_test(e)}: want no error, got {type(e).__name__}: {one_line(e)}", flush=True)
        return "failed"
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
    print(f"ok {name}", flush=True)
    return "passed"


def main():
    if "--list" in sys.argv[1:]:
        for function, _ in _tests:
            print(function.__name__)
        sys.exit(0)
    words = sys.argv[1:]
    chosen = [t for t in _tests if not words or any(w in t[0].__name__ for w in words)]
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for function, deadline_s in chosen:
        counts[run(function, deadline_s)] += 1
    print(", ".join(f"{n} {outcome}" for outcome, n in counts.items()), flush=True)
    sys.exit(1 if counts["failed"] or not chosen else 0)
