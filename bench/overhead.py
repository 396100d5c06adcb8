#!/usr/bin/env python3
"""What the shim adds to each call of the client API, over a fake client library that answers at once: make bench-overhead

    bench/overhead.py BUILD [--only WORD] [--profile CASE] [--json FILE] ...

The same program runs bare, with the shim switched off, and with it, and the three take turns in short rounds, so that a busy machine is busy
for all. Times are nanoseconds of processor time a call: the median of all rounds; what the shim adds is the median of the rounds' own
differences. `cold' is the same with the caches full of other things before each call, as they are in a program that has just waited for its server on
one processor: a real statement costs nearer to that than to the time of a call that is made over and over. Instructions, allocations, locks and system calls are counted by valgrind's callgrind over the same calls, bare and with the
shim; they are the same on every machine and under every load. (Reading the clock is no system call, but callgrind makes it one: it is
left out.) Goals stand beside what is measured."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import callgrind

# What is promised: of a passed statement of some 60 bytes, of a routed one; both without allocation, lock and system call.
PASSED_NS, ROUTED_NS, LEXED_NS_A_BYTE = 100, 1000, 0.6
NEVER_ROUTES_BYTES, ROUTES_BYTES = 512, 4096
EXEC_MS = 0.2

# (title, [(case, what it is, goal in ns or None)])
CALLS = [
    ("a text that is passed", [
        ("insert", "INSERT of 61 bytes, other table", PASSED_NS),
        ("insert_known", "... on a handle that has routed", PASSED_NS),
        ("select", "SELECT of 57 bytes, other table", PASSED_NS),
        ("select_known", "... on a handle that has routed", PASSED_NS),
        ("mysql_query", "the INSERT by mysql_query", PASSED_NS),
        ("send_read", "... by mysql_send_query and read", PASSED_NS),
        ("select_1", "SELECT 1", PASSED_NS),
        ("select_rows", "the SELECT and its row, to the end", None),
        ("begin", "BEGIN", None),
        ("commit", "COMMIT", None),
        ("set", "SET time_zone", None),
    ]),
    ("a text that is routed", [
        ("replace", "REPLACE of 60 bytes", ROUTED_NS),
        ("mysql_query_routed", "... by mysql_query", ROUTED_NS),
        ("send_read_routed", "... by mysql_send_query and read", None),
        ("select_routed", "SELECT of 54 bytes and its row", None),
        ("send_read_select_routed", "... by mysql_send_query and read", None),
    ]),
    ("prepared statements", [
        ("stmt_prepare", "mysql_stmt_prepare", None),
        ("stmt_execute", "mysql_stmt_execute of the INSERT", PASSED_NS),
        ("stmt_execute_cache", "mysql_stmt_execute of the REPLACE", ROUTED_NS),
        ("stmt_init_close", "mysql_stmt_init, mysql_stmt_close", None),
    ]),
    ("other calls", [
        ("mysql_ping", "mysql_ping", None),
        ("mysql_commit", "mysql_commit", None),
        ("mysql_select_db", "mysql_select_db", None),
        ("mysql_real_escape_string", "mysql_real_escape_string, 20 bytes", None),
    ]),
    ("questions: after a passed statement; after a routed one", [
        (name + behind, name if not behind else "... routed", None)
        for name in ("mysql_affected_rows", "mysql_insert_id", "mysql_errno", "mysql_error", "mysql_sqlstate", "mysql_warning_count",
                     "mysql_field_count", "mysql_info", "mysql_more_results", "mysql_next_result", "mysql_fetch_row", "mysql_thread_id")
        for behind in ("", "_routed")
    ]),
    ("handles", [
        ("init_close", "mysql_init, mysql_close", None),
        ("connect_close", "... with mysql_real_connect", None),
        ("connect_route_close", "... and a first routed REPLACE", None),
    ]),
]
# What must have been routed, lest a row says what it doesn't measure. (A prepared statement may be, or not.)
ROUTED = {"replace", "mysql_query_routed", "send_read_routed", "select_routed", "send_read_select_routed", "connect_route_close",
          "letters", "octets", "escapes", "rows", "keys"}
# Measured cold too.
COLD = {case for _, rows in CALLS[:3] for case, _, _ in rows} - {"begin", "commit", "set", "stmt_init_close"}
COLD_CALLS, COLD_ROUNDS = 60, 9
# Neither allocations, locks nor system calls in these.
QUIET = {"insert", "insert_known", "select", "select_known", "mysql_query", "send_read", "select_1", "stmt_execute"}
ORACLE_CASES = ["insert", "select_known", "mysql_query", "replace", "select_routed", "stmt_execute"]

CROWDED = [("insert", "INSERT, passed", PASSED_NS), ("insert_known", "... on handles that have routed", PASSED_NS),
           ("replace", "REPLACE, routed", ROUTED_NS)]
SHAPES = [(1, 1), (1, 100), (1, 1000), (1, 10000), (2, 2), (4, 4), (4, 1000), (4, 10000)]

# (case, what it is, goal in ns a byte)
SIZED = [
    ("letters", "REPLACE, one long value of letters", LEXED_NS_A_BYTE),
    ("octets", "REPLACE, one long value of bytes above 0x7f", LEXED_NS_A_BYTE),
    ("escapes", "REPLACE, a value with an escape every 7 bytes", LEXED_NS_A_BYTE),
    ("rows", "REPLACE, rows of 23 bytes", LEXED_NS_A_BYTE),
    ("keys", "SELECT ... WHERE k IN (keys of 12 bytes)", LEXED_NS_A_BYTE),
    ("other_letters", "INSERT elsewhere, one long value", None),
    ("other_rows", "INSERT elsewhere, rows of 19 bytes", None),
]
SIZES = [50, 1000, 10_000, 100_000, 1_000_000]

CONFIG = """local = { socket = "/run/local.sock"; };
caches = ( { tables = [ "shop.cache", "shop.page_*", "shop.session_*" ]; } );
stats = { enabled = %s; directory = "%s"; };
"""
COUNTED, COUNTING_NS = ("insert", "insert_known", "select_known", "replace"), 15
WAYS = ("bare", "off", "with")
TAKERS, LOCKERS = ("malloc", "calloc", "realloc", "strdup", "strndup"), ("pthread_mutex_lock", "pthread_rwlock_rdlock", "pthread_rwlock_wrlock",
                                                                          "pthread_spin_lock", "pthread_mutex_trylock")
CLOCKS = ("clock_gettime", "gettimeofday", "time")


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.build = os.path.abspath(options.build)
        self.shim = os.path.join(self.build, "libroundabout.so")
        self.config = os.path.join(folder, "roundabout.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG % ("true", folder))
        with open(self.config + ".uncounted", "w", encoding="utf-8") as file:
            file.write(CONFIG % ("false", folder))
        self.processes = {}

    def program(self, library):
        return os.path.join(self.build, "bench", f"overhead_{library}")

    def environment(self, way):
        environment = {k: v for k, v in os.environ.items() if k not in ("ROUNDABOUT_DISABLE", "LD_PRELOAD")}
        environment["ROUNDABOUT_CONFIG"] = self.config + (".uncounted" if way == "uncounted" else "")
        if way != "bare":
            environment["LD_PRELOAD"] = self.shim
        if way == "off":
            environment["ROUNDABOUT_DISABLE"] = "1"
        return environment

    def ask(self, library, way, line):
        """One line to the measured program of that way; its answer's words."""
        key = library, way
        if key not in self.processes:
            self.processes[key] = subprocess.Popen([self.program(library)], env=self.environment(way), stdin=subprocess.PIPE,
                                                   stdout=subprocess.PIPE, text=True)
        process = self.processes[key]
        process.stdin.write(line + "\n")
        process.stdin.flush()
        answer = process.stdout.readline().split()
        if not answer:
            sys.exit(f"overhead.py: the measured program ({library}, {way}) has ended with status {process.wait()}")
        return answer

    def close(self):
        for process in self.processes.values():
            process.stdin.close()
            process.wait()
        self.processes = {}

    def time(self, library, case, threads=1, handles=1, size=0, calls=None, rounds=None):
        """One row: medians, in ns, and where the statement went with the shim."""
        calls = calls or self.options.calls
        line = f"{case} {threads} {handles} {calls} {size}"
        rows, where = [], "-"
        for _ in range(rounds or self.options.rounds):
            row = {}
            for way in WAYS:
                ns, where = self.ask(library, way, line)
                row[way] = float(ns)
                if (case in ROUTED and way == "with") != (where == "local") and not case.startswith("stmt_"):
                    sys.exit(f"overhead.py: {case} of {size} bytes, {way}: its statement went to {where}")
            rows.append(row)
        result = {way: statistics.median(row[way] for row in rows) for way in WAYS}
        result["off_adds"] = statistics.median(row["off"] - row["bare"] for row in rows)
        result["adds"] = statistics.median(row["with"] - row["bare"] for row in rows)
        return {**result, "case": case, "library": library, "threads": threads, "handles": handles, "size": size, "where": where}

    def time_cold(self, library, case):
        """What the shim adds to a call with cold caches, in ns."""
        rounds = [[float(self.ask(library, way, f"{case} 1 1 -{COLD_CALLS} 0")[0]) for way in ("bare", "with")] for _ in range(COLD_ROUNDS)]
        return statistics.median(with_shim - bare for bare, with_shim in rounds)

    def count(self, library, lines):
        """{dump: {instructions, takes, locks, system_calls}} a call, that the shim adds; and the counts of the run with the shim."""
        counted = {way: callgrind.run([self.program(library)], self.folder, self.environment(way), lines) for way in ("bare", "with")}
        added = {}
        for line in lines:
            case, _, handles, calls, size = line.split()
            name = f"{case}.{handles}.{size}"
            bare, with_shim = counted["bare"][name], counted["with"][name]

            def a_call(of, calls=int(calls), bare=bare, with_shim=with_shim):
                return (of(with_shim) - of(bare)) / calls
            added[name] = {
                "instructions": a_call(lambda c: c.instructions),
                "takes": a_call(lambda c: c.calls_of(*TAKERS)),
                "locks": a_call(lambda c: c.calls_of(*LOCKERS)),
                "system_calls": a_call(lambda c: c.system_calls - c.calls_of(*CLOCKS)),
            }
        return added, counted["with"]


class Goals:
    """What was promised, and what of it was seen."""

    def __init__(self):
        self.missed = []
        self.met = 0

    def judge(self, what, got, limit, unit):
        """' ' without a limit, else 'ok' or 'MISSED'."""
        if limit is None:
            return ""
        if got <= limit:
            self.met += 1
            return "ok"
        self.missed.append(f"{what}: {got:.3g} {unit}, wanted {limit:g}")
        return "MISSED"


def a_few(number):
    return "0" if abs(number) < 0.005 else f"{number:.2f}".rstrip("0").rstrip(".")


def shown(cases, options):
    return [row for row in cases if not options.only or any(word in row[0] for word in options.only)]


def bench_calls(bench, goals, results):
    print(f"\n{'one handle, one thread; ns and instructions a call':52} {'bare':>7} {'off adds':>8} {'adds':>8} {'cold':>7} {'instr.':>7} {'malloc':>6}"
          f" {'locks':>6} {'syscalls':>8} {'went to':>8} {'goal':>6}")
    libraries = [("mariadb", CALLS)]
    oracle = [("over Oracle's libmysqlclient", [row for _, rows in CALLS for row in rows if row[0] in ORACLE_CASES])]
    libraries.append(("oracle", oracle))
    for library, groups in libraries:
        cases = [row[0] for _, rows in groups for row in shown(rows, bench.options)]
        added = {}
        if bench.options.callgrind and cases:
            added, _ = bench.count(library, [f"{case} 1 1 {20 if case.startswith('connect') else 200} 0" for case in cases])
        for title, rows in groups:
            rows = shown(rows, bench.options)
            if rows:
                print(f"{title}:" if library == "mariadb" else title)
            for case, what, goal in rows:
                row = bench.time(library, case, calls=60 if case.startswith("connect") else None)
                row.update(added.get(f"{case}.1.0", {}))
                if case in COLD:
                    row["cold_adds"] = bench.time_cold(library, case)
                results.append(row)
                verdict = goals.judge(f"{case} over {library}", row["adds"], goal, "ns")
                columns, cold = [""] * 4, f"{row['cold_adds']:.0f}" if "cold_adds" in row else ""
                if "instructions" in row:
                    columns = [f"{row['instructions']:.0f}", *(a_few(row[name]) for name in ("takes", "locks", "system_calls"))]
                    if case in QUIET:
                        noise = row["takes"] + row["locks"] + row["system_calls"]
                        verdict = max(verdict, goals.judge(f"{case} over {library}: allocations, locks, system calls", noise, 0, ""),
                                      key=lambda word: ("", "ok", "MISSED").index(word))
                print(f"  {what:50} {row['bare']:7.1f} {row['off_adds']:8.1f} {row['adds']:8.1f} {cold:>7} {columns[0]:>7} {columns[1]:>6} {columns[2]:>6}"
                      f" {columns[3]:>8} {row['where']:>8} {'' if goal is None else goal:>6} {verdict}", flush=True)


def bench_counting(bench, goals, results):
    """With counters and without (stats.enabled), both with the shim."""
    print(f"\n{'what counting adds; ns a call':52} {'threads':>7} {'without':>8} {'adds':>8} {'goal':>6}")
    names = {case: what for _, rows in CALLS for case, what, _ in rows}
    for case in (case for case in COUNTED if shown([(case, names[case], None)], bench.options)):
        for threads in (1, 4):
            line = f"{case} {threads} {threads} {bench.options.calls} 0"
            rounds = [[float(bench.ask("mariadb", way, line)[0]) for way in ("uncounted", "with")] for _ in range(bench.options.rounds)]
            without = statistics.median(row[0] for row in rounds)
            adds = statistics.median(row[1] - row[0] for row in rounds)
            goal = COUNTING_NS if case != "replace" else None  # it takes the time and finds its table as well
            results.append({"case": f"counting {case}", "threads": threads, "uncounted": without, "adds": adds})
            verdict = goals.judge(f"counting {case}, {threads} threads", adds, goal, "ns")
            print(f"  {names[case]:50} {threads:7} {without:8.1f} {adds:8.1f} {'' if goal is None else goal:>6} {verdict}", flush=True)


def bench_crowds(bench, goals, results):
    print(f"\n{'many threads and handles; ns a call':52} {'threads':>7} {'handles':>7} {'bare':>7} {'off adds':>8} {'adds':>8} {'goal':>6}")
    for case, what, goal in shown(CROWDED, bench.options):
        for threads, handles in (shape for shape in SHAPES if shape[1] <= bench.options.handles):
            row = bench.time("mariadb", case, threads, handles, rounds=bench.options.rounds // 2 + 1)
            results.append(row)
            verdict = goals.judge(f"{case}, {threads} threads, {handles} handles", row["adds"], goal, "ns")
            print(f"  {what:50} {threads:7} {handles:7} {row['bare']:7.1f} {row['off_adds']:8.1f} {row['adds']:8.1f} {goal:6} {verdict}", flush=True)
            what = ""


def bench_sizes(bench, goals, results):
    print(f"\n{'texts by size; what the shim adds':52} {'bytes':>9} {'ns':>11} {'ns/byte':>8} {'instr.':>10} {'/byte':>7} {'went to':>8} {'goal':>6}")
    cases = shown(SIZED, bench.options)
    calls = {size: max(4, min(bench.options.calls, 1_000_000 // size)) for size in SIZES}
    added = {}
    if bench.options.callgrind and cases:
        lines = [f"{case} 1 1 {4 if size > 50_000 else 50} {size}" for case, _, _ in cases for size in SIZES]
        added, _ = bench.count("mariadb", lines)
    for case, what, goal in cases:
        smallest = None
        for size in SIZES:
            row = bench.time("mariadb", case, size=size, calls=calls[size], rounds=bench.options.rounds // 2 + 1)
            row.update(added.get(f"{case}.1.{size}", {}))
            results.append(row)
            smallest = smallest or row
            # What a byte more costs: the statement's own share is left out.
            grown = size - smallest["size"]
            a_byte = (row["adds"] - smallest["adds"]) / grown if grown else None
            instructions = f"{row['instructions']:.0f}" if "instructions" in row else ""
            of_byte = f"{(row['instructions'] - smallest['instructions']) / grown:.2f}" if grown and "instructions" in row else ""
            verdict = goals.judge(f"{case} of {size} bytes", a_byte, goal, "ns a byte") if grown else ""
            print(f"  {what:50} {size:9} {row['adds']:11.0f} {'' if a_byte is None else f'{a_byte:8.3f}':>8} {instructions:>10} {of_byte:>7}"
                  f" {row['where']:>8} {'' if goal is None else goal:>6} {verdict}", flush=True)
            what = ""


def bench_memory(bench, goals, results):
    of_passing, of_routing = (float(word) for word in bench.ask("mariadb", "with", "memory 0 1000 0 0"))
    results.append({"case": "memory", "never_routes_bytes": of_passing, "routes_bytes": of_routing})
    print("\nmemory that the shim holds for an open handle, bytes")
    for what, got, goal in (("that never routes", of_passing, NEVER_ROUTES_BYTES),
                            ("that routes, without the client library's own second handle", of_routing, ROUTES_BYTES)):
        print(f"  {what:70} {got:8.0f} {goal:6} {goals.judge('a handle ' + what, got, goal, 'bytes')}")


def bench_exec(bench, goals, results):
    """A program that never uses MySQL, from its start to its end."""
    program = next(path for path in ("/bin/true", "/usr/bin/true") if os.path.exists(path))
    environments = {way: bench.environment(way) for way in ("bare", "with")}
    times = {way: [] for way in environments}
    for _ in range(bench.options.rounds * 10):
        for way, environment in environments.items():
            began = time.perf_counter()
            os.waitpid(os.posix_spawn(program, [program], environment), 0)
            times[way].append((time.perf_counter() - began) * 1000)
    bare, with_shim = (statistics.median(times[way]) for way in ("bare", "with"))
    adds = statistics.median(w - b for b, w in zip(times["bare"], times["with"]))
    row = {"case": "exec", "bare_ms": bare, "with_ms": with_shim, "adds_ms": adds}
    text = ""
    if bench.options.callgrind:
        counted = {way: callgrind.run([program], bench.folder, environment, [])[""] for way, environment in environments.items()}
        row["instructions"] = counted["with"].instructions - counted["bare"].instructions
        row["constructor_instructions"] = sum(times for (_, name), times in counted["with"].own.items() if name == "copy_environment")
        row["system_calls"] = counted["with"].system_calls - counted["bare"].system_calls
        text = (f"; {row['instructions']} instructions more, {row['constructor_instructions']} of them in the shim's constructor,"
                f" the others the loader's; {row['system_calls']} system calls more")
    results.append(row)
    verdict = goals.judge("start of a program that never uses MySQL", adds, EXEC_MS, "ms")
    print(f"\n{program} from start to end: {bare:.3f} ms bare, {with_shim:.3f} ms preloaded; adds {adds:.3f} ms, goal {EXEC_MS} ms {verdict}{text}")


def profile(bench, line):
    case, _, rest = line.partition(":")
    size = int(rest or 0)
    calls = 4 if size > 50_000 else 200
    _, counts = bench.count("mariadb", [f"{case} 1 1 {calls} {size}"])
    count = counts[f"{case}.1.{size}"]
    print(f"{case}{f' of {size} bytes' if size else ''}: {count.instructions / calls:.0f} instructions a call, with the fake library's own")
    for (place, name), instructions in count.own.most_common(30):
        print(f"  {instructions / calls:10.1f} {instructions / count.instructions:6.1%}  {name:36} {os.path.basename(place or '')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="the folder with libroundabout.so and bench/")
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--calls", type=int, default=4000, help="in a round (default %(default)s)")
    parser.add_argument("--only", action="append", metavar="WORD", help="cases whose name holds WORD; may be given more than once")
    parser.add_argument("--handles", type=int, default=10000, help="at most so many at once (default %(default)s)")
    parser.add_argument("--no-callgrind", dest="callgrind", action="store_false", help="times only")
    parser.add_argument("--profile", metavar="CASE[:BYTES]", help="only where the instructions of one case are spent, by function")
    parser.add_argument("--json", metavar="FILE", help="the results, as JSON")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overhead.") as folder:
        bench = Bench(options, folder)
        if options.profile:
            profile(bench, options.profile)
            return 0
        if options.callgrind and subprocess.run(["sh", "-c", "command -v valgrind"], stdout=subprocess.DEVNULL, check=False).returncode:
            print("valgrind is not installed (make deps): nothing is counted, only timed")
            options.callgrind = False
        goals, results = Goals(), []
        try:
            bench_calls(bench, goals, results)
            bench_counting(bench, goals, results)
            bench_crowds(bench, goals, results)
            bench_sizes(bench, goals, results)
            if not options.only:
                bench_memory(bench, goals, results)
                bench_exec(bench, goals, results)
        finally:
            bench.close()
    print(f"\n{goals.met} goals met, {len(goals.missed)} missed" + "".join(f"\n  missed: {line}" for line in goals.missed))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"rows": results, "met": goals.met, "missed": goals.missed}, file, indent=1)
    return 1 if options.check and goals.missed else 0


if __name__ == "__main__":
    sys.exit(main())
