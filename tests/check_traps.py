#!/usr/bin/python3
"""Each trap of tests/data/traps.tsv has a test, and each test that it names is there. The last line counts."""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LAST = 76
LIVE = {"python": "live/apps/python_*.py", "perl": "live/apps/perl_app.pl", "ruby": "live/apps/ruby_app.rb", "c": "live/apps/c/*.c",
        "failure": "live/test_shim_failure.py", "run": "live/test_shim_run.py"}


def read(pattern):
    text = ""
    for path in glob.glob(os.path.join(HERE, pattern)):
        with open(path, encoding="utf-8", errors="replace") as file:
            text += file.read()
    return text


def is_there(place, name):
    if place == "README":
        return " ".join(name.split()) in " ".join(read("../README.md").split())
    if place == "statements":
        return re.search(rf"^# --- {re.escape(name)}\b", read("data/statements.tsv"), re.M)
    folder, part = place.split("/")
    text = read(LIVE[part] if folder == "live" else f"{folder}/test_{part}.c")
    # A test is named where it is defined and, in C, in the list of those that run.
    wanted = 2 if part == "c" or folder != "live" else 1
    return len(re.findall(rf"\b{name}\b", text)) >= wanted


def tests_of(words):
    """Names that have spaces in them belong to README and statements."""
    return re.findall(r"(\S+?):(.+?)(?= \S+/\S+:| README:| statements:|$)", words)


def main():
    passed, faults, seen = 0, [], []
    with open(os.path.join(HERE, "data", "traps.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            number, _, libraries, words = line.rstrip("\n").split("\t")
            seen.append(int(number))
            tests = tests_of(words)
            missing = [f"{place}:{name}" for place, name in tests if not is_there(place, name)]
            if libraries not in ("both", "MariaDB", "Oracle", "-"):
                missing.append(f"{libraries!r} is no library")
            if missing or not tests:
                faults.append(f"trap {number}: not there: {', '.join(missing) or 'any test'}")
            else:
                passed += 1
    faults += [f"trap {n}: not listed once" for n in range(1, LAST + 1) if seen.count(n) != 1]
    print("".join(f"FAIL {fault}\n" for fault in faults), end="")
    print(f"{passed} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
