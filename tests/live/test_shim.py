"""Unmodified programs see with the shim what they see without it, and their cache entries lie where they should.

Each scenario of the programs in apps/ is a test: in_python_NAME, in_perl_NAME, in_ruby_NAME, in_c_NAME.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
from harness import main, skip, test  # noqa: E402

PROGRAMS = [
    *(("python", [os.path.join(lab.HERE, f"python_{part}.py")])
      for part in ("statements", "errors", "session", "transactions", "results", "connection")),
    ("perl", [os.path.join(lab.HERE, "perl_app.pl")]),
    ("ruby", [os.path.join(lab.HERE, "ruby_app.rb")]),
    ("c", []),
]
# Not under valgrind and the sanitizers, and why.
NOT_INSTRUMENTED = {
    "a_large_result_is_streamed_and_not_kept": "the memory that it measures isn't the program's alone",
    "forks_during_other_threads_calls_do_not_hang": "the sanitizer itself hangs there",
}
_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    return _lab


def scenarios_of(language, words):
    """The command and its scenarios' names, or why there are none."""
    try:
        command = lab.program(language) + words
        more = lab.oracle_client.environment() if lab.ON_ORACLE else {}
        done = subprocess.run(command + ["--list"], capture_output=True, text=True, timeout=30, env={**os.environ, **more})
    except FileNotFoundError as e:
        return [], [], f"{e.filename} is not there"
    except lab.oracle_client.CannotBeHad as e:
        return [], [], str(e)
    if done.returncode != 0:
        return [], [], done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}"
    return command, done.stdout.split(), None


def add_test(language, command, name):
    def run():
        if name in NOT_INSTRUMENTED and ("PRELOAD_FIRST" in os.environ or "RUN_UNDER" in os.environ):
            skip(NOT_INSTRUMENTED[name])
        the_lab().differential(command, [name])
    run.__name__ = f"in_{language}_{name}"
    test(run, deadline_s=100)


def add_skip(language, why):
    def run():
        skip(why)
    run.__name__ = f"in_{language}"
    test(run)


for _language, _words in PROGRAMS:
    _command, _names, _why = scenarios_of(_language, _words)
    for _name in _names:
        add_test(_language, _command, _name)
    if _why:
        add_skip(_language, _why)

main()
