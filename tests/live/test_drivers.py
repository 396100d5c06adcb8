"""The drivers' own test suites give with the shim, test by test, what they give without it.

The suites are those that the source packages of DBD::mysql, MySQLdb and mysql2 carry (driver_sources.py), run with this system's drivers and
again with the same versions on Oracle's client library (oracle_client.py). Each runs without the shim, with the shim and all that can be
routed routed (every table of every database but those in which a server tells of itself, all five kinds of statements), and with the shim and nothing listed. Main and local
master replicate to each other and are kept in step (in_step.py), so that what is read doesn't depend on where.

A test is the same when it has the same outcome as without the shim: passed, failed, skipped, to be done. A suite with tests that differ
runs once more, both ways, and those count that differ in both: the suites have tests of their own that hang on the time it takes.
What differs must be named in tests/data/drivers_explained.tsv, with its reason; what is named and doesn't differ is a failure as well.
The explained ones may be no more than one test in 200.

    test_drivers.py [WORD ...]    only suites whose name, library or set-up has one of the words
    UNDER=COMMAND                 runs the programs that have the shim under it: valgrind and its options
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

import driver_sources
import in_step
import oracle_client
import servers
from driver_sources import CannotBeHad

LIBRARY = os.path.join(servers.BUILD, "libroundabout.so")
EXPLAINED = os.path.join(servers.HERE, "..", "data", "drivers_explained.tsv")
EXPLAINED_SHARE = 0.005
FILE_LIMIT_S, SUITE_LIMIT_S = 120, 600
UNDER = os.environ.get("UNDER", "").split()
ROUTED = """local = { socket = "%s"; connect_timeout_s = 2; read_timeout_s = 20; };
caches = ( { name = "servers"; tables = [ "performance_schema.*", "information_schema.*", "mysql.*", "sys.*" ]; mode = "observe"; },
           { name = "all"; tables = [ "*.*" ]; statements = [ "REPLACE", "SELECT", "INSERT", "UPDATE", "DELETE" ]; } );
log_level = "debug"; log_file = "%s";
"""
PASSED = """local = { socket = "%s"; };
caches = ( );
log_level = "debug"; log_file = "%s";
"""
SETUPS = {"routed": ROUTED, "passed": PASSED}


class Bench:
    """Where a suite runs: servers, a copy of its source, and what comes before its command."""

    def __init__(self, pair, oracle):
        self.pair, self.oracle = pair, oracle
        self.runs = 0

    def reset(self):
        """An empty database test at both."""
        for name in {row[0] for row in self.pair.main.query("SHOW DATABASES")} - {"information_schema", "performance_schema", "mysql", "sys", "shop"}:
            self.pair.main.query(f"DROP DATABASE `{name}`")
        self.pair.main.query("CREATE DATABASE test CHARACTER SET utf8mb4")
        self.pair.settle()

    def command(self, words):
        return oracle_client.command(words) if self.oracle else words

    def environment(self, setup):
        """Of a program with this set-up, and the shim's log file."""
        self.runs += 1
        keep = {k: os.environ[k] for k in ("PATH", "HOME", "TMPDIR") if k in os.environ}
        environment = {**keep, "LANG": "C.UTF-8", **(oracle_client.environment() if self.oracle else {})}
        if not setup:
            return environment, None
        path = os.path.join(servers.folder(), f"drivers-{self.runs}.conf")
        with open(path, "w") as out:
            out.write(SETUPS[setup] % (self.pair.socket_of(self.pair.local), path + ".log"))
            out.write(servers.counters_text(servers.counters(path + ".stats")))
        return {**environment, "LD_PRELOAD": LIBRARY, "ROUNDABOUT_CONFIG": path}, path + ".log"

    def run(self, words, where, setup, environment, limit_s):
        """Standard output and exit status of a program; what it started ends with it."""
        command = (UNDER if setup else []) + self.command(words)
        process = subprocess.Popen(command, cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            out, _ = process.communicate(timeout=limit_s)
            return out.decode(errors="replace"), process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, _ = process.communicate()
            return out.decode(errors="replace"), "stopped"


def option_file(where, name, group, **settings):
    path = os.path.join(where, name)
    with open(path, "w") as out:
        out.write(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items()))
    return path


def perl_suite(bench, source, setup):
    """{test: outcome} of DBD::mysql's t/*.t. A file is a test, too: its exit status."""
    environment, _ = bench.environment(setup)
    path = bench.pair.socket_of(bench.pair.main)
    environment.update(DBI_DSN=f"DBI:mysql:database=test;mysql_socket={path}", DBI_USER="root", DBI_PASS="", MYSQL_UNIX_PORT=path)
    found = {}
    for file in sorted(glob.glob(os.path.join(source, "t", "*.t"))):
        name = os.path.basename(file)
        out, status = bench.run([shutil.which("perl") or "perl", f"t/{name}"], source, setup, environment, FILE_LIMIT_S)
        found[f"{name} exit"] = str(status)
        plan = re.search(r"^1\.\.(\d+)( # skip)?", out, re.M | re.I)
        found[f"{name} plan"] = f"{plan[1]}{' skipped' if plan[2] else ''}" if plan else "none"
        for bad, number, words in re.findall(r"^(not )?ok (\d+)(.*)$", out, re.M):
            directive = re.search(r"# (skip|todo)", words, re.I)
            found[f"{name} {number}"] = ("not ok" if bad else "ok") + (" " + directive[1].lower() if directive else "")
        bench.keep(f"{name}.out", out)
    return found


def python_suite(bench, source, setup):
    """{test: outcome} of MySQLdb's tests."""
    environment, _ = bench.environment(setup)
    where = os.path.join(source, "tests")
    environment["TESTDB"] = option_file(where, "here.cnf", "MySQLdb-tests", user="root", database="test", socket=bench.pair.socket_of(bench.pair.main),
                                        **{"default-character-set": "utf8mb4"})
    report = os.path.join(source, "report.xml")
    out, status = bench.run([sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", "-p", "no:cacheprovider", f"--junitxml={report}", *sorted(
        os.path.basename(p) for p in glob.glob(os.path.join(where, "test_*.py")))], where, setup, environment, SUITE_LIMIT_S)
    bench.keep("pytest.out", out)
    if not os.path.exists(report):
        raise CannotBeHad(f"pytest gave no report: {(out.splitlines() or [''])[-1][:200]}")
    found = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        found[f"{case.get('classname')}.{case.get('name')}"] = " ".join(sorted(kinds)) or "passed"
    os.remove(report)
    found["exit"] = str(status)
    return found


def ruby_suite(bench, source, setup):
    """{test: outcome} of mysql2's specifications."""
    environment, _ = bench.environment(setup)
    account = f"  username: root\n  password:\n  database: test\n  socket: {bench.pair.socket_of(bench.pair.main)}\n"
    with open(os.path.join(source, "spec", "configuration.yml"), "w") as out:
        out.write(f"root:\n{account}\nuser:\n{account}")
    report = os.path.join(source, "report.json")
    rspec = shutil.which("rspec")
    if not rspec:
        raise CannotBeHad("rspec is not there")
    out, status = bench.run([shutil.which("ruby") or "ruby", rspec, "--format", "json", "--out", report, "spec/mysql2"], source, setup, environment,
                            SUITE_LIMIT_S)
    bench.keep("rspec.out", out)
    if not os.path.exists(report):
        raise CannotBeHad(f"rspec gave no report: {(out.splitlines() or [''])[-1][:200]}")
    found = {}
    with open(report) as file:
        for case in json.load(file)["examples"]:
            name, number = case["full_description"], 2
            while name in found:
                name, number = f"{case['full_description']} ({number})", number + 1
            found[name] = case["status"]
    os.remove(report)
    found["exit"] = str(status)
    return found


SUITES = {
    "DBD::mysql": ("perl", "libdbd-mysql-perl", perl_suite),
    "MySQLdb": ("python", "python-mysqldb", python_suite),
    "mysql2": ("ruby", "ruby-mysql2", ruby_suite),
}


def explained():
    """{(suite, library, set-up): {test: reason}}; a * stands for both libraries or set-ups."""
    found = {}
    with open(EXPLAINED) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                suite, library, setup, test, reason = line.rstrip("\n").split("\t")
                for one in ("MariaDB", "Oracle") if library == "*" else (library,):
                    for other in SETUPS if setup == "*" else (setup,):
                        found.setdefault((suite, one, other), {})[test] = reason
    return found


def differences(plain, shim):
    return {test for test in plain.keys() | shim.keys() if plain.get(test) != shim.get(test)}


class Count:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0


def is_asked_for(words, suite, libraries):
    return not words or any(word in f"{suite} {libraries} {' '.join(SETUPS)}" for word in words)


def sources_of(words, count):
    """{suite: its source}. What can't be had is one skip, whatever it would have been run on."""
    found = {}
    for suite, (_, package, _) in SUITES.items():
        if not is_asked_for(words, suite, "MariaDB Oracle"):
            continue
        try:
            found[suite] = driver_sources.folder(package)
        except CannotBeHad as e:
            count.skipped += 1
            print(f"skip {suite}: {e}. Its unpacked source would be taken from {driver_sources.place_of(package)}", flush=True)
    return found


def run_suite(suite, source, library, pair, words, count):
    language, _, run = SUITES[suite]
    if not is_asked_for(words, suite, library):
        return
    try:
        if library == "Oracle":
            oracle_client.have(language)
    except CannotBeHad as e:
        count.skipped += 1
        print(f"skip {suite} on {library}'s library: {e}", flush=True)
        return
    bench = Bench(pair, library == "Oracle")
    relays = pair.relays

    def once(setup):
        work = os.path.join(servers.folder(), f"suite-{bench.runs}")
        shutil.copytree(source, work, symlinks=True)
        kept = os.path.join(os.environ["KEEP"], f"{suite}-{library}-{setup}-{bench.runs}".replace("::", "-")) if "KEEP" in os.environ else None

        def keep(name, text):
            if kept:
                os.makedirs(kept, exist_ok=True)
                with open(os.path.join(kept, name), "w") as out:
                    out.write(text)
        bench.keep = keep
        bench.reset()
        started = {server: relay.commands for server, relay in relays.items()}
        found = run(bench, work, setup)
        shutil.rmtree(work, ignore_errors=True)
        return found, relays[pair.local].commands - started[pair.local]

    try:
        plain, _ = once(None)
        for setup in SETUPS:
            if words and not any(word in f"{suite} {library} {setup}" for word in words):
                continue
            shim, at_local = once(setup)
            differ = differences(plain, shim)
            if differ:
                differ &= differences(once(None)[0], once(setup)[0])
            judge(suite, library, setup, plain, shim, differ, at_local, count)
    except CannotBeHad as e:
        count.skipped += 1
        print(f"skip {suite} on {library}'s library: {e}", flush=True)


def judge(suite, library, setup, plain, shim, differ, at_local, count):
    reasons = explained().get((suite, library, setup), {})
    tests = plain.keys() | shim.keys()
    known = {test for test in differ if test in reasons}
    stale = {test for test in reasons if test in tests and test not in differ}
    faults = [f"{test}: without the shim {plain.get(test, 'not run')}, with it {shim.get(test, 'not run')}" for test in sorted(differ - known)]
    faults += [f"{test}: it is explained, and it is the same" for test in sorted(stale)]
    if (at_local == 0) != (setup == "passed"):
        faults.append(f"{at_local} commands came to the local master")
    if len(known) > EXPLAINED_SHARE * len(tests):
        faults.append(f"{len(known)} explained ones are more than one in {1 / EXPLAINED_SHARE:.0f}")
    print(f"{suite:11} {library:8} {setup:7} {len(tests):6} {len(tests) - len(differ):6} {len(known):10} {len(differ) - len(known):12} {at_local:9}", flush=True)
    for test in sorted(known):
        print(f"  explained {test}: {reasons[test]}")
    for fault in faults:
        print(f"  FAIL {suite} {library} {setup}: {fault}", flush=True)
    count.passed += len(tests) - len(differ)
    count.failed += len(faults)
    count.skipped += len(known)


def main(words):
    if not os.path.exists(LIBRARY):
        sys.exit(f"{LIBRARY} is not built")
    count = Count()
    sources = sources_of(words, count)
    pair = in_step.Pair()
    print(f"{'suite':11} {'library':8} {'set-up':7} {'tests':>6} {'same':>6} {'explained':>10} {'unexplained':>12} {'at local':>9}")
    for library in ("MariaDB", "Oracle"):
        for suite, source in sources.items():
            run_suite(suite, source, library, pair, words, count)
    late = sum(relay.late for relay in pair.relays.values())
    lost = sum(relay.lost for relay in pair.relays.values())
    print(f"{late} commands went on before the servers were in step; {lost} changes came for tables that were dropped")
    print(f"{count.passed} passed, {count.failed} failed, {count.skipped} skipped")
    return 1 if count.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
