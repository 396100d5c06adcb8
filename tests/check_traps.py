#!/usr/bin/python3
"""Each trap of tests/data/traps.tsv has a test on each library that it is about. The last line counts.

A test that a row names must be among those that run, not only be written down; a claim of tests/preload must itself say that it is about
the trap; and what a row's tests run on must cover the libraries that it names: a claim or scenario for one library alone is none for both.
"""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LAST = 76
BOTH = frozenset(("MariaDB", "Oracle"))
CLAIM_ON = {"EVERYWHERE": BOTH, "SHIM_ONLY": BOTH, "UNSANITIZED_ONLY": BOTH, "MARIADB_ONLY": {"MariaDB"}, "ORACLE_ONLY": {"Oracle"}}
# Where tests of real programs are, how one is put among those that run, and on which libraries (make check-libmysqlclient runs all but
# Ruby's on Oracle's wherever it can be had; Ruby's driver isn't always to be compiled).
LIVE = {
    "python": ("live/apps/python_*.py", r"^@scenario\ndef {}\(", BOTH),
    "perl": ("live/apps/perl_app.pl", r"^scenario {} =>", BOTH),
    "ruby": ("live/apps/ruby_app.rb", r"^scenario :{} ", frozenset(("MariaDB",))),
    "failure": ("live/test_shim_failure.py", r"^@test(?:\(.*\))?\ndef {}\(", BOTH),
    "run": ("live/test_shim_run.py", r"^@test(?:\(.*\))?\ndef {}\(", BOTH),
}


class Fault(Exception):
    pass


def read(pattern):
    text = ""
    for path in glob.glob(os.path.join(HERE, pattern)):
        with open(path, encoding="utf-8", errors="replace") as file:
            text += file.read()
    return text


def must(found, why="not there"):
    if not found:
        raise Fault(why)
    return found


def libraries_of_claim(part, name, number):
    said = must(re.search(rf'\bCLAIM\(\s*{name},\s*"([^"]*)",\s*(\w+)\)', read(f"preload/test_{part}.c")))
    must(str(number) in said[1].split(", "), f"it says that it is about {said[1] or 'no trap'}")
    return CLAIM_ON[said[2]]


def libraries_of_c_scenario(name):
    for text in map(read, ("live/apps/c/" + os.path.basename(path) for path in glob.glob(os.path.join(HERE, "live/apps/c/*.c")))):
        found = re.search(rf"^ *SCENARIO\({name}\),$", text, re.M)
        if found:
            # The lists have no other conditions, and none inside another.
            condition = re.findall(r"^#(ifdef MARIADB_BASE_VERSION|ifndef MARIADB_BASE_VERSION|else|endif)", text[:found.start()], re.M)
            last = condition[-2:] if condition[-1:] == ["else"] else condition[-1:]
            return {"": BOTH, "endif": BOTH, "ifdef MARIADB_BASE_VERSION": {"MariaDB"}, "ifndef MARIADB_BASE_VERSION": {"Oracle"},
                    "ifdef MARIADB_BASE_VERSION else": {"Oracle"}, "ifndef MARIADB_BASE_VERSION else": {"MariaDB"}}[" ".join(last)]
    raise Fault("not there")


def libraries_of(place, name, number):
    """On which client libraries the test runs; on none where it asks no library. Fault says why it isn't the trap's test."""
    if place == "README":
        must(" ".join(name.split()) in " ".join(read("../README.md").split()))
    elif place == "statements":
        table = must(re.search(rf"^# --- {re.escape(name)}\b.*\n((?:(?!# --- ).*\n)*)", read("data/statements.tsv"), re.M))
        must(str(number) in re.findall(r"\d+", name) and re.search(r"^[a-z_]+\t", table[1], re.M), "no statement of the trap")
    elif place.startswith("unit/"):
        must(f"cmocka_unit_test({name})" in read(f"unit/test_{place[5:]}.c"))
    elif place.startswith("preload/"):
        return libraries_of_claim(place[8:], name, number)
    elif place == "live/c":
        return libraries_of_c_scenario(name)
    else:
        pattern, shape, libraries = LIVE[place[5:]]
        must(re.search(shape.format(name), read(pattern), re.M))
        return libraries
    return frozenset()


def tests_of(words):
    """Names that have spaces in them belong to README and statements."""
    return re.findall(r"(\S+?):(.+?)(?= \S+/\S+:| README:| statements:|$)", words)


def faults_of(number, libraries, words):
    faults, covered, tests = [], set(), tests_of(words)
    for place, name in tests:
        try:
            covered |= libraries_of(place, name, number)
        except Fault as e:
            faults.append(f"{place}:{name}: {e}")
    wanted = {"both": BOTH, "-": frozenset()}.get(libraries, {libraries})
    if not wanted <= BOTH:
        return [f"{libraries!r} is no library"]
    if not tests:
        faults.append("it has no test")
    faults += [f"no test on the library {name}" for name in sorted(wanted - covered)]
    if covered and not wanted:
        faults.append("its tests ask a library, the row says that none is asked")
    return faults


def main():
    passed, faults, seen = 0, [], []
    with open(os.path.join(HERE, "data", "traps.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            number, _, libraries, words = line.rstrip("\n").split("\t")
            seen.append(int(number))
            found = faults_of(int(number), libraries, words)
            faults += [f"trap {number}: {fault}" for fault in found]
            passed += not found
    faults += [f"trap {n}: not listed once" for n in range(1, LAST + 1) if seen.count(n) != 1]
    print("".join(f"FAIL {fault}\n" for fault in faults), end="")
    print(f"{passed} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
