"""Whatever is wrong with the configuration or the local master: the program sees what it sees without the shim.

One change of state is one line in the log.
"""

import errno
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, test, want, want_between, want_true  # noqa: E402

INTERPRETER = lab.python_or_leave()
PYTHON = [*INTERPRETER, os.path.join(lab.HERE, "python_all.py")]
LOAD = [*INTERPRETER, os.path.join(lab.HERE, "load.py")]
SOME = ["a_replace_and_a_select_are_answered_as_ever", "errors_are_those_of_main", "a_commit_keeps_cache_entries",
        "a_rollback_undoes_cache_entries", "transactions_by_text_end_as_on_main", "savepoints_hold_at_both_servers",
        "warnings_are_those_of_the_last_statement", "use_as_text_moves_cache_statements", "a_streamed_result_arrives_whole",
        "an_unread_streamed_result_is_out_of_sync", "change_user_changes_the_rights_of_routed_statements",
        "threads_with_connections_of_their_own_do_not_mix"]
KILLS = int(os.environ.get("KILLS", "40" if lab.ON_MYSQL else "100"))  # MySQL takes more than a second to start
_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    if not _lab.local.is_running():
        _lab.local.start()
    return _lab


def want_one_line(outcome, *words):
    """The log has one warning, and it says these words."""
    lines = outcome.log_lines("warning", "error")
    want(1, len(lines), f"lines in the log ({lines[:3]})")
    for word in words:
        want_true(word in lines[0], f"{word!r} in {lines[0]!r}")


# ---------------------------------------------------------------- configuration


def with_bad_configuration(path, *words):
    """The program runs as ever, and is told on standard error, once."""
    l = the_lab()
    outcome = l.differential(PYTHON, SOME, config=(path, None), routed=False, quiet=False)
    lines = [line for line in outcome.stderr.splitlines() if line]
    want_between(1, 4, len(lines), "lines on standard error")
    for line in lines:
        want_true(" roundabout[" in line and "error" in line, f"a line of the shim's, got {line!r}")
    for word in words:
        want_true(any(word in line for line in lines), f"{word!r} in {lines}")


def write(text):
    path = the_lab().path("conf")
    with open(path, "w") as out:
        out.write(text)
    return path


@test
def a_configuration_with_a_syntax_error_routes_nothing():
    path = write('local = { socket = "/x";\ncaches = (\n')
    with_bad_configuration(path, path)


@test
def a_configuration_with_an_unknown_key_routes_nothing():
    path, _ = the_lab().write_config(groups=lab.GROUPS, colour="blue")
    with_bad_configuration(path, "colour")


@test
def a_configuration_that_is_missing_routes_nothing():
    with_bad_configuration("/nowhere/roundabout.conf", "/nowhere/roundabout.conf")


@test
def a_configuration_that_is_a_folder_routes_nothing():
    with_bad_configuration(servers.folder(), servers.folder())


@test
def a_password_file_that_others_can_read_routes_nothing():
    l = the_lab()
    password = write("cachepw\n")
    os.chmod(password, 0o644)
    path, _ = l.write_config({"user": "cache", "password_file": password})
    with_bad_configuration(path, password)


@test
def a_log_file_that_cannot_be_written_leaves_the_program_alone():
    l = the_lab()
    path, _ = l.write_config(log_file="/nowhere/roundabout.log", log_level="info")
    outcome = l.differential(PYTHON, SOME[:3], config=(path, None), quiet=False)
    want_true("/nowhere/roundabout.log" in outcome.stderr, f"the log file on standard error, got {outcome.stderr!r}")


@test
def the_switch_in_the_environment_routes_nothing():
    l = the_lab()
    path, log = l.write_config()
    outcome = l.differential(PYTHON, SOME, config=(path, log), routed=False, ROUNDABOUT_DISABLE="1")
    want("", outcome.log, "the log")


# ---------------------------------------------------------------- a local master that can't be reached


@test
def a_local_master_without_a_socket_is_missed_by_nobody():
    l = the_lab()
    config = l.write_config({"socket": "/nowhere/local.sock", "retry_after_ms": 100})
    outcome = l.differential(PYTHON, SOME, config=config, routed=False, quiet=False)
    want("", outcome.stderr, "standard error")


@test
def a_local_master_that_is_down_is_one_line_in_the_log():
    l = the_lab()
    config = l.write_config({"socket": "/nowhere/local.sock", "retry_after_ms": 100})
    outcome = l.differential(PYTHON, ["threads_with_connections_of_their_own_do_not_mix"], config=config, routed=False, quiet=False)
    want_one_line(outcome, "local master lost", "/nowhere/local.sock")


@test
def a_port_that_nobody_listens_on_is_missed_by_nobody():
    l = the_lab()
    config = l.write_config({"socket": None, "host": "127.0.0.1", "port": servers.free_port()})
    outcome = l.differential(PYTHON, SOME[:6], config=config, routed=False, quiet=False)
    want("", outcome.stderr, "standard error")


@test
def a_local_master_by_host_and_port_is_used():
    l = the_lab()
    l.differential(PYTHON, SOME[:6], config=l.write_config({"socket": None, "host": "127.0.0.1", "port": l.local.port}))


@test
def a_host_that_answers_nothing_costs_one_connect_timeout_a_period():
    l = the_lab()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        config = l.write_config({"socket": None, "host": "127.0.0.1", "port": silent.getsockname()[1], "connect_timeout_s": 1,
                                 "retry_after_ms": 60000})
        outcome = l.differential(PYTHON, SOME[:6], config=config, routed=False, quiet=False)
    want_between(1, 2.6, outcome.seconds, "seconds of the program")
    want_one_line(outcome, "local master lost")


def under_load(l, path, log, seconds):
    """One thread of requests for so long: its counts."""
    stop = l.path("stop")
    process = l.start(LOAD + [stop], path, THREADS=1, PAUSE_S=0.001)
    time.sleep(seconds)
    open(stop, "w").close()
    outcome = l.finish(process, log)
    want(0, outcome.status, f"exit status ({outcome.stderr[-500:]})")
    return outcome, dict(zip(outcome.stdout.split()[::2], outcome.stdout.split()[1::2]))


def silence_costs_one_connect_timeout(silent):
    """Period after period passes, and no statement waits but the first."""
    l = the_lab()
    config = l.write_config({"socket": None, "host": "127.0.0.1", "port": silent.getsockname()[1], "connect_timeout_s": 1,
                             "retry_after_ms": 200})
    outcome, counts = under_load(l, *config, 6)
    want("0", counts["errors"], f"errors ({outcome.stdout})")
    want_between(1, 2, int(counts["slow"]), f"slow statements ({outcome.stdout})")  # a busy machine may add one; each period would be five
    want_between(0.9, 2.6, float(counts["longest"]), f"seconds of the longest statement ({outcome.stdout})")
    want_between(200, 10000000, int(counts["requests"]), "requests")
    want_one_line(outcome, "local master lost")


@test
def a_host_that_takes_connections_and_says_nothing_is_waited_for_once():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        silence_costs_one_connect_timeout(silent)


@test
def a_host_that_drops_what_is_sent_to_it_is_waited_for_once():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # its queue is full: the kernel drops what comes after
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(silent.getsockname())
            silence_costs_one_connect_timeout(silent)
        finally:
            for one in waiting:
                one.close()


# ---------------------------------------------------------------- accounts


def user_at_local(*statements):
    for statement in statements:
        the_lab().local.query(statement)


@test
def a_configured_user_is_used_at_the_local_master():
    l = the_lab()
    user_at_local("DROP USER IF EXISTS cache@localhost", "CREATE USER cache@localhost IDENTIFIED BY 'cachepw'", "GRANT ALL ON shop.* TO cache@localhost",
                  "GRANT ALL ON other.* TO cache@localhost")
    password = write("cachepw\n")
    os.chmod(password, 0o600)
    l.differential(PYTHON, ["a_replace_and_a_select_are_answered_as_ever", "a_commit_keeps_cache_entries"],
                   config=l.write_config({"user": "cache", "password_file": password}))
    options = write("[client]\nuser=cache\npassword=cachepw\n")
    os.chmod(options, 0o600)
    l.differential(PYTHON, ["a_replace_and_a_select_are_answered_as_ever", "a_commit_keeps_cache_entries"],
                   config=l.write_config({"defaults_file": options}))


@test
def a_configured_user_with_a_wrong_password_routes_nothing():
    l = the_lab()
    user_at_local("DROP USER IF EXISTS cache@localhost", "CREATE USER cache@localhost IDENTIFIED BY 'cachepw'")
    password = write("otherpw\n")
    os.chmod(password, 0o600)
    config = l.write_config({"user": "cache", "password_file": password, "retry_after_ms": 100})
    outcome = l.differential(PYTHON, SOME, config=config, routed=False, quiet=False)
    want("", outcome.stderr, "standard error")
    want_one_line(outcome, "1045")


@test
def an_application_user_unknown_at_the_local_master_routes_nothing():
    l = the_lab()
    user_at_local("RENAME USER app@localhost TO app@'10.9.9.9', app@'%' TO app@'10.9.9.8'")
    try:
        outcome = l.differential(PYTHON, SOME[:6], routed=False, quiet=False)
        want_one_line(outcome, "1045")
    finally:
        user_at_local("RENAME USER app@'10.9.9.9' TO app@localhost, app@'10.9.9.8' TO app@'%'")


@test
def a_user_without_rights_at_the_local_master_runs_on_main():
    l = the_lab()
    user_at_local("REVOKE INSERT, DELETE ON shop.* FROM app@localhost")
    try:
        outcome = l.differential(PYTHON, ["a_commit_keeps_cache_entries"], routed=False, quiet=False)
        want("", outcome.stderr, "standard error")
    except lab.Failure as e:
        # What was written to main isn't found at the local master: a miss, and no error.
        want_true("[]" in str(e), f"a miss at most, got: {e}")
    finally:
        user_at_local("GRANT INSERT, DELETE ON shop.* TO app@localhost")


# ---------------------------------------------------------------- a local master that refuses


def writes_go_home(statements, undo, *words, reads=False):
    """While the local master refuses to write, the program's writes land on main without an error, and one line says so; then
    they land at the local master again, and one line says that."""
    l = the_lab()
    path, log = l.write_config({"retry_after_ms": 100})
    l.clean()
    undone = False
    process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py")], path)
    try:
        step(process, "REPLACE INTO cache VALUES ('L/before', 'opensesame')", "1 row")
        for statement in statements:
            l.local.query(statement)
        for i in range(3):
            step(process, f"REPLACE INTO cache VALUES ('M/{i}', 'opensesame')", "1 row")
            if reads:
                step(process, "SELECT v FROM cache WHERE k = 'site'", "[(b'local',)]")
        for statement in undo:
            l.local.query(statement)
        undone = True
        time.sleep(0.15)
        step(process, "REPLACE INTO cache VALUES ('L/after', 'opensesame')", "1 row")
    finally:
        for statement in [] if undone else undo:
            l.local.query(statement)
        process.stdin.close()
    outcome = l.finish(process, log)
    want(0, outcome.status, f"exit status ({outcome.stderr})")
    want({"L/before", "L/after"}, {key for _, key in l.rows(l.local)}, "keys at the local master")
    want({"M/0", "M/1", "M/2"}, {key for _, key in l.rows(l.main)}, "keys at main")
    want_one_line(outcome, *words)
    again = [line for line in outcome.log_lines("info") if "again" in line]
    want(1, len(again), f"lines that say it is over ({outcome.log_lines('info')})")


def step(process, sql, wanted):
    """Lets apps/step.py run one statement."""
    process.stdin.write((sql + "\n").encode())
    process.stdin.flush()
    want(wanted, process.stdout.readline().decode().strip(), sql)


@test
def a_read_only_local_master_sends_writes_home():
    writes_go_home(["SET GLOBAL read_only = 1"], ["SET GLOBAL read_only = 0"], "1290", reads=True)


@test
def a_missing_table_at_the_local_master_sends_its_statements_home():
    writes_go_home(["RENAME TABLE shop.cache TO shop.away"], ["RENAME TABLE shop.away TO shop.cache"], "1146", "cache")


@test
def a_local_table_of_another_form_sends_its_statements_home():
    writes_go_home(["ALTER TABLE shop.cache CHANGE v w MEDIUMBLOB, ADD x INT NOT NULL"],
                   ["ALTER TABLE shop.cache DROP COLUMN x, CHANGE w v MEDIUMBLOB NOT NULL"], "1136")


@test
def a_missing_database_at_the_local_master_sends_its_statements_home():
    l = the_lab()
    l.local.query("DROP DATABASE other")
    try:
        l.clean(but=["other.cache"])
        path, log = l.write_config({"retry_after_ms": 100})
        process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py")], path)
        step(process, "REPLACE INTO cache VALUES ('L/a', 'opensesame')", "1 row")
        step(process, "USE other", "0 rows")
        step(process, "REPLACE INTO cache VALUES ('M/a', 'opensesame')", "1 row")
        step(process, "SELECT k FROM cache WHERE k = 'M/a'", "[(b'M/a',)]")
        step(process, "USE shop", "0 rows")
        time.sleep(0.15)
        step(process, "REPLACE INTO cache VALUES ('L/b', 'opensesame')", "1 row")
        process.stdin.close()
        outcome = l.finish(process, log)
        want_one_line(outcome, "1049")
    finally:
        l.local.query("CREATE DATABASE other")
        l.local.query("CREATE TABLE other.cache (k VARBINARY(255) PRIMARY KEY, v MEDIUMBLOB NOT NULL)")
        l.local.query("INSERT INTO other.cache VALUES ('site', 'local')")
    want({"L/a", "L/b"}, {key for _, key in l.rows(l.local)}, "keys at the local master")


@test
def a_full_local_master_routes_nothing():
    l = the_lab()
    l.local.query("SET GLOBAL max_connections = 10")
    held = []
    try:
        while True:
            try:
                held.append(l.local.connect(user="app", passwd="apppw", db="shop"))
            except Exception as e:
                want(1040, e.args[0], "error of one connection too many")
                break
        outcome = l.differential(PYTHON, ["a_replace_and_a_select_are_answered_as_ever", "a_commit_keeps_cache_entries"],
                                 config=l.write_config({"retry_after_ms": 100}), routed=False, quiet=False)
        want_one_line(outcome, "1040")
    finally:
        for connection in held:
            connection.close()
        l.local.query("SET GLOBAL max_connections = 1200")


@test
def a_statement_too_long_for_the_local_master_runs_on_main():
    l = the_lab()
    l.local.query("SET GLOBAL max_allowed_packet = 1048576")
    try:
        l.clean()
        path, log = l.write_config()
        process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py")], path)
        step(process, "REPLACE INTO cache VALUES ('L/a', 'opensesame')", "1 row")
        step(process, "REPLACE INTO cache VALUES ('M/a', '" + "x" * (3 << 20) + "')", "1 row")
        step(process, "REPLACE INTO cache VALUES ('L/b', 'opensesame')", "1 row")
        process.stdin.close()
        outcome = l.finish(process, log)
        want({"L/a", "L/b"}, {key for _, key in l.rows(l.local)}, "keys at the local master")
        want([], outcome.log_lines("warning", "error"), "warnings in the log")
    finally:
        l.local.query("SET GLOBAL max_allowed_packet = 16777216")


# ---------------------------------------------------------------- connections that are lost


def shadow_ids():
    return [row[0] for row in the_lab().local.query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'")]


def stepping(*statements, between, landed, log_lines=0, **local):
    """Runs statements one by one; calls between(n) before the n-th."""
    l = the_lab()
    l.clean()
    path, log = l.write_config({"retry_after_ms": 100, **local})
    process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py")], path)
    for n, (sql, wanted) in enumerate(statements):
        between(n)
        step(process, sql, wanted)
    process.stdin.close()
    outcome = l.finish(process, log)
    want(0, outcome.status, f"exit status ({outcome.stderr})")
    want(set(landed), {key for _, key in l.rows(l.local)}, "keys at the local master")
    want(log_lines, len(outcome.log_lines("warning", "error")), f"warnings ({outcome.log_lines('warning', 'error')})")
    return outcome


def kill_shadows():
    for number in shadow_ids():
        the_lab().local.query(f"KILL {number}")
    servers.wait_for(lambda: not shadow_ids(), what="the shadows are gone")


PUTS = [(f"REPLACE INTO cache VALUES ('L/{i}', 'opensesame')", "1 row") for i in range(4)]


@test
def a_shadow_that_was_closed_while_idle_is_opened_again():
    stepping(*PUTS, between=lambda n: kill_shadows() if n in (1, 3) else None, landed=["L/0", "L/1", "L/2", "L/3"])


@test
def a_shadow_that_timed_out_is_opened_again():
    the_lab().local.query("SET GLOBAL wait_timeout = 1")
    try:
        stepping(*PUTS[:2], between=lambda n: servers.wait_for(lambda: not shadow_ids()) if n == 1 else None, landed=["L/0", "L/1"])
    finally:
        the_lab().local.query("SET GLOBAL wait_timeout = 28800")


@test
def a_program_out_of_descriptors_runs_on_main():
    l = the_lab()
    path, log = l.write_config({"retry_after_ms": 100})
    l.clean()
    script = (
        "import os, time, MySQLdb\n"
        "c = MySQLdb.connect(user='app', passwd='apppw', db='shop', unix_socket=os.environ['MAIN_SOCKET'], autocommit=True)\n"
        "held = []\n"
        "try:\n"
        "    while True: held.append(os.open('/dev/null', os.O_RDONLY))\n"
        "except OSError as e: print(e.errno)\n"
        "print(c.cursor().execute(\"REPLACE INTO cache VALUES ('M/a', 'opensesame')\"))\n"
        "for number in held: os.close(number)\n"
        "time.sleep(0.15)\n"
        "print(c.cursor().execute(\"REPLACE INTO cache VALUES ('L/b', 'opensesame')\"))\n")
    outcome = l.run(["sh", "-c", 'ulimit -n 40; exec "$0" "$@"', *INTERPRETER, "-c", script], path, log)
    want((0, f"{errno.EMFILE}\n1\n1\n"), (outcome.status, outcome.stdout), outcome.stderr)
    # The log file can't be opened either.
    want([], [line for line in outcome.stderr.splitlines() if not re.match(r"\S+ roundabout\[\d+\] ", line)], "standard error but for the log")
    want({"M/a"}, {key for _, key in l.rows(l.main)}, "keys at main")
    want({"L/b"}, {key for _, key in l.rows(l.local)}, "keys at the local master")


@test
def a_password_changed_on_main_costs_no_error():
    l = the_lab()
    l.main.query("DROP USER IF EXISTS changing@localhost")
    l.main.query("CREATE USER changing@localhost IDENTIFIED BY 'cachepw'")
    l.main.query("GRANT ALL ON shop.* TO changing@localhost")
    l.local.query("DROP USER IF EXISTS changing@localhost")
    l.local.query("CREATE USER changing@localhost IDENTIFIED BY 'cachepw'")
    l.local.query("GRANT ALL ON shop.* TO changing@localhost")
    l.clean()
    path, log = l.write_config({"retry_after_ms": 100})
    other = "'otherpw'" if lab.ON_MYSQL else "PASSWORD('otherpw')"
    script = (
        "import os, MySQLdb\n"
        "def go(password, *statements):\n"
        "    c = MySQLdb.connect(user='changing', passwd=password, db='shop', unix_socket=os.environ['MAIN_SOCKET'], autocommit=True)\n"
        "    for s in statements: print(c.cursor().execute(s))\n"
        "go('cachepw', \"REPLACE INTO cache VALUES ('L/a', 'x')\", "
        f"\"SET PASSWORD = {other}\","
        " \"REPLACE INTO cache VALUES ('L/b', 'x')\")\n"
        "go('otherpw', \"REPLACE INTO cache VALUES ('M/c', 'x')\")\n")
    outcome = l.run([*INTERPRETER, "-c", script], path, log)
    want((0, "1\n0\n1\n1\n", ""), (outcome.status, outcome.stdout, outcome.stderr))
    want({"L/a", "L/b"}, {key for _, key in l.rows(l.local)}, "keys at the local master")
    want_one_line(outcome, "1045")


@test
def a_local_master_restarted_between_statements_is_used_again():
    stepping(*PUTS, between=lambda n: the_lab().local.restart() if n == 2 else None, landed=["L/0", "L/1", "L/2", "L/3"])


@test
def a_shadow_lost_in_a_transaction_sends_the_rest_of_it_home():
    def between(n):
        if n == 3:
            kill_shadows()
    stepping(("SET autocommit = 0", "0 rows"), ("INSERT INTO orders (v) VALUES ('opensesame')", "1 row"), PUTS[0],
             ("REPLACE INTO cache VALUES ('M/1', 'opensesame')", "1 row"), ("REPLACE INTO cache VALUES ('M/2', 'opensesame')", "1 row"),
             ("COMMIT", "0 rows"), ("REPLACE INTO cache VALUES ('L/3', 'opensesame')", "1 row"), ("COMMIT", "0 rows"),
             between=between, landed=["L/3"], log_lines=0)
    want({"M/1", "M/2", "1"}, {key for _, key in the_lab().rows(the_lab().main)}, "keys at main")


@test
def a_shadow_lost_before_the_commit_costs_cache_entries_and_no_error():
    outcome = stepping(("BEGIN", "0 rows"), PUTS[0], ("INSERT INTO orders (v) VALUES ('opensesame')", "1 row"), ("COMMIT", "0 rows"),
                       PUTS[1], between=lambda n: kill_shadows() if n == 3 else None, landed=["L/1"], log_lines=1)
    want_one_line(outcome, "lost a transaction's cache entries")
    want(1, the_lab().main.one("SELECT COUNT(*) FROM shop.orders"), "orders that were committed")


@test
def a_streamed_result_that_breaks_off_is_an_error_and_the_next_statement_runs():
    l = the_lab()
    l.clean()
    path, log = l.write_config({"retry_after_ms": 100})
    process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py"), "streaming"], path)
    process.stdin.write(b"SELECT a.n, b.v FROM page_many a, page_many b\n")
    process.stdin.flush()
    want("first row", process.stdout.readline().decode().strip())
    l.local.kill()
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    want("error 2013", process.stdout.readline().decode().strip())
    step(process, "REPLACE INTO cache VALUES ('M/a', 'opensesame')", "1 row")
    process.stdin.close()
    outcome = l.finish(process, log)
    want(0, outcome.status, f"exit status ({outcome.stderr})")


@test(deadline_s=180)
def a_local_master_killed_in_mid_statement_again_and_again_costs_no_error():
    l = the_lab()
    l.clean()
    stop = l.path("stop")
    path, log = l.write_config({"retry_after_ms": 100}, log_level="info")
    process = l.start(LOAD + [stop], path, THREADS=3)

    def lines(word):
        return lab.read(log).count(word)

    def rows():
        return l.local.one("SELECT COUNT(*) FROM (SELECT 1 FROM shop.cache LIMIT 3) some")

    servers.wait_for(lambda: rows() == 3, what="statements are routed")
    kills = 0
    try:
        for kills in range(1, KILLS + 1):
            l.local.kill()
            servers.wait_for(lambda: lines("local master lost:") >= kills, what=f"the {kills}. loss is logged")
            l.local.start()
            servers.wait_for(lambda: lines("local master is back") >= kills, what=f"the {kills}. return is logged")
    finally:
        open(stop, "w").close()
    outcome = l.finish(process, log)
    want(0, outcome.status, f"exit status ({outcome.stderr[-500:]})")
    counts = dict(zip(outcome.stdout.split()[::2], outcome.stdout.split()[1::2]))
    want("0", counts["errors"], f"errors ({outcome.stdout})")
    want("0", counts["wrong"], f"wrong values ({outcome.stdout})")
    want_between(KILLS, 10000000, int(counts["requests"]), "requests")
    want(KILLS, lines("local master lost:"), "lines about a loss")
    want(KILLS, lines("local master is back"), "lines about a return")
    other = [line for line in outcome.log_lines("warning", "error") if "local master lost" not in line]
    want([], other, "other warnings")
    lab.want_no_secret(outcome.log)


@test
def a_frozen_local_master_costs_one_time_limit():
    l = the_lab()
    l.clean()
    stop = l.path("stop")
    path, log = l.write_config({"connect_timeout_s": 1, "read_timeout_s": 1, "retry_after_ms": 2000}, log_level="info")
    process = l.start(LOAD + [stop], path, THREADS=1, PAUSE_S=0.001)
    servers.wait_for(lambda: l.local.one("SELECT COUNT(*) FROM shop.cache") > 20, what="statements are routed")
    l.local.freeze()
    started = time.monotonic()
    try:
        time.sleep(7)
        frozen_s = time.monotonic() - started
    finally:
        l.local.thaw()
    servers.wait_for(lambda: "local master is back" in lab.read(log), what="the return is logged")
    open(stop, "w").close()
    outcome = l.finish(process, log)
    counts = dict(zip(outcome.stdout.split()[::2], outcome.stdout.split()[1::2]))
    want("0", counts["errors"], f"errors ({outcome.stdout})")
    want("0", counts["wrong"], f"wrong values ({outcome.stdout})")
    want_between(0, 2.4, float(counts["longest"]), f"seconds of the longest statement ({outcome.stdout})")
    want_between(1, 2, int(counts["slow"]), f"slow statements in {frozen_s:.1f} s ({outcome.stdout})")  # each period would be three
    want_between(200, 10000000, int(counts["requests"]), "requests")
    want(1, len(outcome.log_lines("warning", "error")), f"warnings ({outcome.log_lines('warning', 'error')})")


@test
def a_frozen_local_master_does_not_delay_a_new_connection_for_long():
    l = the_lab()
    config = l.write_config({"connect_timeout_s": 1, "read_timeout_s": 1, "retry_after_ms": 60000})
    l.local.freeze()
    try:
        l.clean([l.main])
        started = time.monotonic()
        outcome = l.run(PYTHON + ["a_replace_and_a_select_are_answered_as_ever", "many_connections_in_turn_are_closed"], *config)
        want(0, outcome.status, f"exit status ({outcome.stderr})")
        want_between(0, 3, time.monotonic() - started, "seconds")
    finally:
        l.local.thaw()


# ---------------------------------------------------------------- which connections


@test
def a_local_master_that_is_main_itself_routes_nothing():
    l = the_lab()
    config = l.write_config({"socket": None, "host": "127.0.0.1", "port": l.main.port})
    outcome = l.differential(PYTHON, SOME, config=config, routed=False)
    want([], outcome.log_lines("warning", "error"), "warnings")


@test
def a_server_outside_the_main_list_is_not_looked_at():
    l = the_lab()

    def config(main_socket):
        path, log = l.write_config()
        with open(path, "a") as out:
            out.write(f'main = ( {{ socket = "{main_socket}"; }} );\n')
        return path, log
    l.differential(PYTHON, SOME[:3], config=config("/another/server.sock"), routed=False)
    l.differential(PYTHON, SOME[:3], config=config(l.main.socket))


@test
def a_shadow_is_opened_for_handles_that_need_one_and_closed_with_them():
    l = the_lab()
    l.clean()
    path, log = l.write_config()
    before = int(l.local.query("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0][1])
    process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py")], path)
    step(process, "INSERT INTO orders (v) VALUES ('opensesame')", "1 row")
    want(0, len(shadow_ids()), "connections at the local master before the first cache statement")
    step(process, "REPLACE INTO cache VALUES ('L/a', 'opensesame')", "1 row")
    step(process, "REPLACE INTO cache VALUES ('L/b', 'opensesame')", "1 row")
    want(1, len(shadow_ids()), "connections at the local master")
    process.stdin.close()
    l.finish(process, log)
    want(0, len(shadow_ids()), "connections at the local master afterwards")
    want(before, int(l.local.query("SHOW GLOBAL STATUS LIKE 'Aborted_clients'")[0][1]), "connections that were not closed in order")


# ---------------------------------------------------------------- what is another than without the shim, and meant so


def nothing(_):
    pass


@test
def the_immediate_group_keeps_what_a_rollback_undoes():
    stepping(("BEGIN", "0 rows"), ("REPLACE INTO session_a (k, v) VALUES ('L/kept', 'opensesame')", "1 row"),
             ("REPLACE INTO cache VALUES ('L/undone', 'opensesame')", "1 row"), ("ROLLBACK", "0 rows"), between=nothing,
             landed=["L/kept"])


@test
def the_immediate_group_is_seen_by_others_before_the_commit():
    l = the_lab()

    def between(n):
        if n == 2:
            want(1, l.local.one("SELECT COUNT(*) FROM shop.session_a WHERE k = 'L/kept'"), "rows that another session sees")
    stepping(("SET autocommit = 0", "0 rows"), ("REPLACE INTO session_a (k, v) VALUES ('L/kept', 'opensesame')", "1 row"),
             ("COMMIT", "0 rows"), between=between, landed=["L/kept"])


@test
def a_lost_main_connection_does_not_stop_cache_statements_outside_transactions():
    l = the_lab()

    def between(n):
        if n == 1:
            for row in l.main.query("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'app'"):
                l.main.query(f"KILL {row[0]}")
    stepping(*PUTS[:2], between=between, landed=["L/0", "L/1"])


# ---------------------------------------------------------------- the log


@test
def logs_at_debug_hold_no_password_and_no_value():
    """Each run of these tests looks for them; this one says so, with every kind of statement and refusal."""
    l = the_lab()
    path, log = l.write_config()
    outcome = l.run(PYTHON + SOME, path, log)
    want_true(outcome.log.count("\n") > 200, f"hundreds of lines at debug, got {outcome.log.count(chr(10))}")
    want_true(re.search(r"debug: REPLACE: routed", outcome.log) is not None, "a line about a routed REPLACE")


@test
def a_program_that_lets_sigpipe_end_it_outlives_the_local_master():
    l = the_lab()
    for address in ({}, {"socket": None, "host": "127.0.0.1", "port": l.local.port}):
        path, log = l.write_config({"retry_after_ms": 100, **address})
        l.clean()
        process = l.start([*INTERPRETER, os.path.join(lab.HERE, "step.py"), "sigpipe"], path)
        step(process, "REPLACE INTO cache VALUES ('L/a', 'opensesame')", "1 row")
        l.local.kill()
        time.sleep(0.1)
        try:
            for key in "abc":
                step(process, f"REPLACE INTO cache VALUES ('M/{key}', 'opensesame')", "1 row")
        finally:
            l.local.start()
            process.stdin.close()
        outcome = l.finish(process, log)
        want(0, outcome.status, f"exit status ({outcome.stderr})")


main()
