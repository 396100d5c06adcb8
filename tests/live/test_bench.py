#!/usr/bin/python3
"""roundabout-bench says what was done and how long it took: its counts are the server's own, and preloaded it is an application like any. And what the benches
make of their figures."""

import csv
import json
import os
import subprocess
import sys
import tempfile

from harness import main, test, want, want_between, want_true
import servers
from servers import APP_PASSWORD, APP_USER, start_servers

sys.path.insert(0, os.path.join(servers.HERE, "..", "..", "bench"))
import bench
import callgrind
import report
import ring

PROGRAM = os.path.join(servers.BUILD, "roundabout-bench")
SHIM = os.path.join(servers.BUILD, "libroundabout.so")
_stage = {}


def stage():
    """Two servers with a filled cache table, no link between them."""
    if not _stage:
        _stage["main"], _stage["local"] = start_servers("main", "local", ring_member=False)
        for server in _stage.values():
            servers.make_cache_table(server)
            server.query("CREATE TABLE shop.orders (id INT PRIMARY KEY, n INT)")
        _stage["config"] = os.path.join(servers.folder(), "bench.conf")
        with open(_stage["config"], "w") as file:
            file.write(f'local = {{ socket = "{_stage["local"].socket}"; }};\ncaches = ( {{ tables = [ "shop.cache" ]; }} );\n')
            file.write(servers.counters_text(servers.counters(_stage["config"] + ".stats")))
    return _stage["main"], _stage["local"]


def run(*words, preloaded=False, status=0, server=None):
    """The JSON of a run, which must end with that status."""
    server = server or stage()[0]
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "ROUNDABOUT_DISABLE")}
    if preloaded:
        environment.update(LD_PRELOAD=SHIM, ROUNDABOUT_CONFIG=_stage["config"])
    ended = subprocess.run([PROGRAM, "-S", server.socket, "-u", APP_USER, "-p", APP_PASSWORD, "-D", "shop", "--json", "-", *words],
                           env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    want(status, ended.returncode, f"exit status of {' '.join(words)}: {ended.stderr}")
    return json.loads(ended.stdout) if status < 2 else ended.stderr


def said(server, *names):
    """How often the server ran each kind of statement so far."""
    status = {row[0].lower(): int(row[1]) for row in server.query("SHOW GLOBAL STATUS LIKE 'Com\\_%'")}
    return [status[f"com_{name}"] for name in names]


def counts(result):
    return {kind: times["count"] for kind, times in result["kinds"].items()}


def did(server, function, *names):
    before = said(server, *names)
    result = function()
    return result, [after - b for after, b in zip(said(server, *names), before)]


@test
def what_it_counts_is_what_the_server_ran():
    main_server, _ = stage()
    result, (replaces, selects, inserts) = did(
        main_server, lambda: run("-R", "3", "-s", "2", "-o", "3", "--other", "INSERT INTO orders VALUES (1, 1) ON DUPLICATE KEY UPDATE n = n + 1",
                                 "-n", "20", "-t", "4", "--fill", "--keys", "500"), "replace", "select", "insert")
    warmups, fills = 4, 3
    want(20, result["kinds"]["request"]["count"], "requests")
    want((20 + warmups) * 3 + fills, replaces, "REPLACEs at the server")
    want((20 + warmups) * 2, selects, "SELECTs at the server")
    want((20 + warmups) * 3, inserts, "INSERTs at the server")
    # The first of each connection was in its warm-up.
    want({"request": 20, "first": 4, "connect": 4, "replace": 60, "select": 40, "other": 60}, counts(result), "its own counts")
    want(40, result["rows"], "rows read from a filled table")
    want({}, result["errors"], "errors")
    for kind, times in result["kinds"].items():
        shares = [times[f"{share}_us"] for share in ("min", "p50", "p90", "p99", "p99.9", "max")]
        want(sorted(shares), shares, f"shares of {kind} grow")
        want(sorted(times["curve"]), times["curve"], f"the curve of {kind} grows")


@test
def a_batch_is_one_statement_with_so_many_rows():
    main_server, _ = stage()
    result, (replaces,) = did(main_server, lambda: run("-R", "2", "-s", "0", "--batch", "7", "--keys", "1000000", "-n", "5", "--warmup", "0"), "replace")
    want(10, replaces, "REPLACEs")
    want_between(70, 72, result["affected_rows"], "rows affected (two keys may be drawn twice)")


@test
def prepared_statements_write_and_read_what_texts_do():
    main_server, _ = stage()
    main_server.query("DELETE FROM shop.cache")
    result = run("-R", "5", "-s", "20", "--keys", "5", "-n", "10", "--prepared", "--batch", "3", "--value-size", "33")
    want({"request": 10, "first": 1, "connect": 1, "replace": 50, "select": 200}, counts(result), "counts")
    want(200, result["rows"], "rows read")
    want(((5, 33, 33),), main_server.query("SELECT COUNT(*), MIN(LENGTH(v)), MAX(LENGTH(v)) FROM shop.cache"), "what is in the table")
    want(1, main_server.one("SELECT COUNT(*) FROM shop.cache WHERE k = 'key:4'"), "key:4")


@test
def sent_and_read_by_two_calls_is_the_same():
    main_server, _ = stage()
    main_server.query("DELETE FROM shop.cache")
    result, (replaces, selects) = did(main_server, lambda: run("-R", "5", "-s", "20", "--keys", "5", "-n", "10", "--warmup", "0", "--send-read"),
                                      "replace", "select")
    want((50, 200), (replaces, selects), "statements at the server")
    want({"request": 10, "first": 1, "connect": 1, "replace": 49, "select": 200}, counts(result), "counts")
    want(True, result["settings"]["send_read"], "settings")
    want_true("not --prepared" in run("--send-read", "--prepared", status=2), "a reason")


@test
def failed_statements_are_counted_and_not_timed():
    result = run("-R", "2", "-s", "1", "--table", "shop.nothing", "-n", "5", "--warmup", "0", status=1)
    want({"1146": 15}, result["errors"], "errors")
    want((0, 5), (result["kinds"]["request"]["count"], result["kinds"]["request"]["failed"]), "requests")
    want((0, 10), (result["kinds"]["replace"]["count"], result["kinds"]["replace"]["failed"]), "REPLACEs")


@test
def a_server_that_is_not_there_ends_it_with_two():
    said_so = run("-h", "127.0.0.1", "-P", "1", "-S", "/nowhere/sock", status=2)
    want_true("can't connect" in said_so, f"a reason, got {said_so!r}")


@test
def a_late_request_counts_from_when_it_was_due():
    # 40 a second are due and 20 a second can be answered, so the last of 20 is begun about half a second late.
    result = run("-R", "0", "-s", "0", "-o", "1", "--other", "SELECT SLEEP(0.05)", "-n", "20", "--rate", "40", "--warmup", "1")
    response, service = result["kinds"]["request"], result["kinds"]["service"]
    want((20, 20), (response["count"], service["count"]), "requests")
    want_true(response["max_us"] > service["min_us"] + 400_000, f"the last one at least 0.4 s late, got {response['max_us']} us")
    want_true(response["max_us"] > service["max_us"] + 200_000, "lateness that the service time doesn't show")


@test
def one_transaction_makes_one_request():
    main_server, _ = stage()
    result, (begins, commits) = did(main_server, lambda: run("-R", "2", "-s", "1", "-n", "6", "--transaction", "begin", "--warmup", "0"), "begin", "commit")
    want((6, 6), (begins, commits), "BEGINs and COMMITs at the server")
    want((6, 6), (result["kinds"]["begin"]["count"], result["kinds"]["commit"]["count"]), "its own counts")
    _, (commits,) = did(main_server, lambda: run("-R", "2", "-s", "1", "-n", "6", "--transaction", "commit", "--warmup", "0"), "commit")
    want(6, commits, "COMMITs with autocommit off")


@test
def a_file_of_lines_is_replayed_once():
    main_server, _ = stage()
    path = os.path.join(servers.folder(), "lines.sql")
    with open(path, "w") as file:
        file.write("# a log of mine\nREPLACE INTO cache (k, v) VALUES ('replayed', 'one');\n\n-- and\n  SELECT v FROM cache WHERE k = 'replayed';\n"
                   "INSERT INTO orders VALUES (77, 1)\nDELETE FROM orders WHERE id = 77\nSELECT 1; \n")
    result, (replaces, selects, inserts, deletes) = did(main_server, lambda: run("--statements", path, "--warmup", "0"),
                                                        "replace", "select", "insert", "delete")
    want([1, 2, 1, 1], [replaces, selects, inserts, deletes], "at the server")
    want({"request": 5, "first": 1, "connect": 1, "select": 2, "insert": 1, "delete": 1}, counts(result), "its own counts")
    result = run("--statements", path, "--warmup", "0", "--per-request", "2", "-n", "6")
    want(6, result["kinds"]["request"]["count"], "requests, twice round the file")
    want(10, sum(n for kind, n in counts(result).items() if kind not in ("request", "connect")), "statements")


@test
def a_general_log_is_replayed_connection_by_connection():
    main_server, _ = stage()
    path = os.path.join(servers.folder(), "general.log")
    main_server.query(f"SET GLOBAL general_log_file = '{path}'")
    main_server.query("SET GLOBAL general_log = ON")
    one = main_server.connect(user=APP_USER, passwd=APP_PASSWORD, db="shop")
    other = main_server.connect(user=APP_USER, passwd=APP_PASSWORD, db="shop")
    for n in range(3):
        one.cursor().execute(f"REPLACE INTO cache (k, v)\n  VALUES ('logged', '{n}')")
        other.cursor().execute("SELECT v FROM cache WHERE k = 'logged'")
    one.close()
    other.close()
    main_server.query("SET GLOBAL general_log = OFF")
    main_server.query("DELETE FROM shop.cache WHERE k = 'logged'")
    with open(path) as file:
        log = "".join(line for line in file if "GLOBAL general_log" not in line)
    with open(path + ".kept", "w") as file:
        file.write(log)
    result, (replaces,) = did(main_server, lambda: run("--statements", path + ".kept", "--warmup", "0"), "replace")
    want(3, replaces, "REPLACEs at the server")
    want(b"2", main_server.one("SELECT v FROM shop.cache WHERE k = 'logged'"), "the last one's value")
    want({}, result["errors"], "errors")
    want(2, result["kinds"]["request"]["count"], "requests: connections that said something")


@test
def preloaded_its_cache_statements_run_at_the_local_master():
    main_server, local_server = stage()
    main_before = said(main_server, "replace", "insert")
    result, at_local = did(local_server, lambda: run("-R", "3", "-s", "0", "-o", "1", "--other", "INSERT INTO orders VALUES (5, 5) ON DUPLICATE KEY UPDATE n = 5",
                                                     "-n", "10", "--warmup", "0", preloaded=True), "replace", "insert")
    at_main = [after - before for after, before in zip(said(main_server, "replace", "insert"), main_before)]
    want(([30, 0], [0, 10]), (at_local, at_main), "REPLACEs and INSERTs, at the local master and at main")
    want(SHIM, os.path.realpath(result["library"]), "the library it found")


@test
def a_fresh_connection_a_request_counts_its_connecting():
    result = run("-R", "2", "-s", "2", "-o", "2", "-n", "5", "--reconnect", "--label", 'a "page"')
    want({"request": 5, "first": 6, "connect": 6, "replace": 5, "select": 10, "other": 10}, counts(result), "counts, with one warm-up")
    want('a "page"', result["label"], "the label")


@test
def the_csv_has_a_line_a_kind():
    path = os.path.join(servers.folder(), "bench.csv")
    result = run("-R", "2", "-s", "2", "-n", "5", "--csv", path, "--label", 'x,"y"')
    with open(path) as file:
        rows = {row["kind"]: row for row in csv.DictReader(file)}
    want(counts(result), {kind: int(row["count"]) for kind, row in rows.items()}, "counts")
    want('x,"y"', rows["request"]["label"], "the label")
    want_between(result["kinds"]["request"]["p50_us"] - 0.01, result["kinds"]["request"]["p50_us"] + 0.01, float(rows["request"]["p50_us"]), "p50")


@test
def zipf_uses_a_few_keys_most_and_uniform_all_alike():
    main_server, _ = stage()
    for distribution, least, most in (("uniform", 600, 640), ("zipf", 150, 350)):
        main_server.query("DELETE FROM shop.cache")
        run("-R", "100", "-s", "0", "-n", "10", "--keys", "1000", "--warmup", "0", "--distribution", distribution, "--zipf-exponent", "1.2")
        want_between(least, most, main_server.one("SELECT COUNT(*) FROM shop.cache"), f"different keys of 1000 draws, {distribution}")


@test
def a_goal_missed_by_less_than_the_noise_is_not_called_missed():
    for value, relation, goal, control, verdict in ((1.01, "<=", 1.02, [], "met"), (1.03, "<=", 1.02, [0.99, 1.02], "in the noise"), (1.06, "<=", 1.02, [0.99, 1.02], "MISSED"),
                                                    (300, ">=", 300, [], "met"), (299, ">=", 300, [], "MISSED"), (0.96, ">=", 0.97, [0.98], "in the noise"),
                                                    (5, "<=", None, [1], "")):
        want(verdict, bench.judge(value, relation, goal, control), f"{value} {relation} {goal}, control {control}")


@test
def the_rings_formula_gives_back_what_made_the_figures():
    rows = [{"sites": sites, "delay_ms": delay, "last_p50_ms": (sites - 1) * (delay + 1.25)} for sites in (2, 3, 8) for delay in (0, 10, 40)]
    want_between(1.2499, 1.2501, ring.fit(rows), "ms of a hop beside the distance")
    paper = {(row["sites"], row["delay_ms"]): row for row in ring.on_paper(rows, 1.25)}
    want((63 * 41.25, 64 * 41.25), (paper[64, 40]["last_ms"], paper[64, 40]["circle_ms"]), "64 sites at 40 ms")


@test
def a_dump_of_callgrinds_is_read_with_its_names():
    with tempfile.NamedTemporaryFile("w", suffix=".dump") as file:
        file.write("version: 1\ndesc: Trigger: Client Request: insert.1.0\nevents: Ir sysCount sysTime\n\nob=(1) /lib/shim.so\nfl=(1) a.c\nfn=(1) run\n10 7\n"
                   "cob=(2) /lib/libc.so\ncfn=(2) malloc@@GLIBC_2.2.5\ncalls=3 0\n12 300\n13 5 1 900\nob=(2)\nfn=(2)\n1 297\nfn=(3) malloc'2\n+1 3\n\ntotals: 312 1 900\n")
        file.flush()
        trigger, count = callgrind.read_dump(file.name)
    want("insert.1.0", trigger, "what it was dumped at")
    want((312, 1, 3), (count.instructions, count.system_calls, count.calls_of("malloc")), "instructions, system calls, calls of malloc")
    want({("/lib/shim.so", "run"): 12, ("/lib/libc.so", "malloc@@GLIBC_2.2.5"): 297, ("/lib/libc.so", "malloc'2"): 3}, dict(count.own), "their own")


@test
def the_curve_of_several_rounds_is_their_median():
    def result(*times):
        return {"b": {"kinds": {"request": {"curve": [[us, share] for us, share in zip(times, (0, 0.5, 1))]}}}}
    rounds = [result(1000, 2000, 9000), result(2000, 3000, 5000), result(3000, 7000, 7000)]
    want([(2, 0), (3, 0.5), (7, 1)], report.merged_curve(rounds, "b"), "ms and shares")


main()
