"""What `roundabout stats` says of real programs over real servers, one breaker for many processes, and a configuration that
changes under a running program.
"""

import itertools
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import main, skip, test, want, want_between, want_true  # noqa: E402

STEP = [sys.executable, os.path.join(lab.HERE, "step.py")]
PYTHON = [sys.executable, os.path.join(lab.HERE, "python_all.py")]
PUT = "REPLACE INTO cache (k, v) VALUES ('L/%s', 'opensesame')"
GET = "SELECT v FROM cache WHERE k = 'L/%s'"
KEYS = (f"t{n}" for n in itertools.count())
_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    _lab.local.thaw()
    if not _lab.local.is_running():
        _lab.local.start()
    return _lab


def roundabout(*arguments, status=0, **environment):
    done = subprocess.run([lab.COMMAND, *arguments], capture_output=True, text=True, timeout=30,
                          env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment})
    want(status, done.returncode, f"exit status of roundabout {' '.join(arguments)} ({done.stderr})")
    return done.stdout


def stats(config, status=0):
    return json.loads(roundabout("stats", "-f", config, "--json", status=status))


def ask(process, line):
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()
    return process.stdout.readline().decode().rstrip("\n")


def end(process):
    process.stdin.close()
    want(0, process.wait(timeout=20), "exit status")


# ---------------------------------------------------------------- counters


@test
def a_running_program_is_seen_and_its_counts_stay_when_it_ends():
    path, _ = the_lab().write_config()
    want(1, subprocess.run([lab.COMMAND, "stats", "-f", path], capture_output=True, check=False).returncode, "exit status before")
    process = the_lab().start(STEP, path)
    for i in range(10):
        want("1 row", ask(process, PUT % f"s{i}"))
        ask(process, GET % f"s{i}")
    ask(process, "INSERT INTO orders (v) VALUES ('opensesame')")
    ask(process, "SELECT v FROM seen WHERE k = 'site'")
    ask(process, "SELECT side(1), v FROM cache WHERE k = 'L/s1'")
    alive = stats(path)
    want_between(20, 24, alive["routed"], "routed")
    want(1, alive["processes"]["alive"])
    want(process.pid, alive["processes"]["list"][0]["pid"])
    want_true("python" in alive["processes"]["list"][0]["program"], "the program's name")
    end(process)
    ended = stats(path)
    for when in (alive, ended):
        want(10, when["verbs"]["replace"]["routed"])
        want(10, when["verbs"]["select"]["routed"])
        want(1, when["reasons"]["observe"])
        want(1, when["reasons"]["unsafe_function"])
        want(1, when["reasons"]["no_cache_table"] + when["reasons"]["not_a_cache_verb"]
             - when["verbs"]["other"].get("not_a_cache_verb", 0))
        want(when["statements"], sum(when["reasons"].values()), "the sum of all reasons")
        cache = [t for t in when["tables"] if t["table"] == "shop.cache"][0]
        want((10, 10, "pages"), (cache["routed"]["replace"], cache["routed"]["select"], cache["group"]))
        want_between(1e-6, 1, when["main"]["least_seconds"], "main's least time")
        want(1, when["events"]["shadow_opened"])
    want((0, 1), (ended["processes"]["alive"], ended["processes"]["ever"]))


@test
def the_table_is_for_people_and_tells_reasons():
    path, _ = the_lab().write_config()
    the_lab().run(PYTHON + ["a_replace_and_a_select_are_answered_as_ever", "a_commit_keeps_cache_entries"], path)
    text = roundabout("stats", "-f", path)
    for words in ("statements were routed", "saved ", "main ", "local master ", "where, or why not", "sent to the local master",
                  "shop.cache", "pages", ": up"):
        want_true(words in text, f"{words!r} in {text!r}")
    want_true("opensesame" not in text and "L/" not in text, "no value in it")
    want("", roundabout("stats", "-f", path, "--reset"))
    want(0, stats(path, status=1)["statements"])


@test
def a_killed_program_is_counted_once_it_is_found():
    path, _ = the_lab().write_config()
    process = the_lab().start(STEP, path)
    ask(process, PUT % "killed")
    process.kill()
    process.wait()
    for _ in range(3):
        want(1, stats(path)["verbs"]["replace"]["routed"])
    want([], [name for name in os.listdir(lab.stats_directory(path)) if name.startswith("process-")])


@test
def routed_statements_save_mains_distance():
    """80 ms away: each routed statement saves about that."""
    l = the_lab()
    relay = servers.Relay(l.main, delay_ms=40)
    try:
        path, _ = l.write_config()
        program = ("import MySQLdb, os\n"
                   "c = MySQLdb.connect(user='app', passwd='apppw', db='shop', host='127.0.0.1', port=int(os.environ['RELAY_PORT']),"
                   " autocommit=True).cursor()\n"
                   "for i in range(30): c.execute('REPLACE INTO cache (k, v) VALUES (%s, %s)', (f'L/{i}', 'opensesame'))\n")
        want(0, l.run([sys.executable, "-c", program], path, RELAY_PORT=relay.port).status, "exit status")
    finally:
        relay.stop()
    found = stats(path)
    want(30, found["verbs"]["replace"]["routed"])
    want_between(0.079, 0.5, found["main"]["least_seconds"], "main's least time")
    want_between(1.5, 15, found["saved_seconds"], "seconds saved by 30 statements over 80 ms")


@test
def a_near_server_beside_a_far_main_takes_nothing_off_what_was_saved():
    """As where an application reads from its site's replica."""
    l = the_lab()
    relay = servers.Relay(l.main, delay_ms=40)
    try:
        path, _ = l.write_config()
        program = ("import MySQLdb, os\n"
                   "near, far = (MySQLdb.connect(user='app', passwd='apppw', db='shop', host='127.0.0.1', port=int(os.environ[p]),"
                   " autocommit=True).cursor() for p in ('MAIN_PORT', 'RELAY_PORT'))\n"
                   "for i in range(100): near.execute('SELECT 1 FROM orders'); near.fetchall()\n"
                   "for i in range(30): far.execute('REPLACE INTO cache (k, v) VALUES (%s, %s)', (f'L/{i}', 'opensesame'))\n")
        want(0, l.run([sys.executable, "-c", program], path, RELAY_PORT=relay.port).status, "exit status")
    finally:
        relay.stop()
    found = stats(path)
    want_between(1e-6, 0.04, found["main"]["least_seconds"], "the nearer one's time")
    want_between(1.5, 15, found["saved_seconds"], "seconds saved by 30 statements over 80 ms")


@test
def what_is_not_known_is_not_zero():
    path, _ = the_lab().write_config()
    want(None, stats(path, status=1)["saved_seconds"], "what nobody has saved yet")
    text = roundabout("stats", "-f", path, status=1)
    want_true("nothing has been counted in " in text and "0 of 0" not in text, f"words that say so, got {text!r}")


@test
def counters_set_back_while_one_watches_are_no_rate():
    path, _ = the_lab().write_config()
    process = the_lab().start(STEP, path)
    ask(process, PUT % next(KEYS))
    watch = subprocess.Popen([lab.COMMAND, "stats", "-f", path, "--watch", "0.1"], stdout=subprocess.PIPE, text=True)
    try:
        while not watch.stdout.readline().startswith("the last"):
            pass
        roundabout("stats", "-f", path, "--reset")
        rates = []
        while not any("set back" in rate for rate in rates):
            rates += [line for line in [watch.stdout.readline()] if line.startswith("the last")]
            want_true(len(rates) < 100, f"a line that says so, got {rates[:3]}")
        want_true(not any(len(rate) > 70 for rate in rates), f"rates of this world, got {rates}")
    finally:
        servers.end_child(watch)
        watch.stdout.close()
    end(process)


@test
def watching_says_again_and_again():
    path, _ = the_lab().write_config()
    process = the_lab().start(STEP, path)
    ask(process, PUT % next(KEYS))
    watch = subprocess.Popen([lab.COMMAND, "stats", "-f", path, "--json", "--watch", "0.1"], stdout=subprocess.PIPE, text=True)
    try:
        want(1, json.loads(watch.stdout.readline())["verbs"]["replace"]["routed"])
        ask(process, PUT % next(KEYS))
        for _ in range(100):
            if json.loads(watch.stdout.readline())["verbs"]["replace"]["routed"] == 2:
                break
        else:
            want_true(False, "the second statement seen within 100 lines")
    finally:
        servers.end_child(watch)
        watch.stdout.close()
    end(process)


@test
def wrong_words_are_refused():
    for words in (["stats", "--nonsense"], ["stats", "more"], ["stats", "--watch", "soon"], ["stats", "--watch", "--reset"],
                  ["stats", "-f", "/nowhere/conf"], ["stats", "--directory"], ["observe"], ["observe", "rapport"],
                  ["observe", "report", "--nonsense"]):
        done = subprocess.run([lab.COMMAND, *words], capture_output=True, text=True, timeout=30, check=False)
        want((2, ""), (done.returncode, done.stdout), f"roundabout {' '.join(words)}")
        want_true(done.stderr.startswith("ERROR "), f"an ERROR line, got {done.stderr!r}")
    done = subprocess.run([lab.COMMAND, "stats", "--directory", "/nowhere"], capture_output=True, text=True, timeout=30, check=False)
    want((1, ""), (done.returncode, done.stdout), "no counters")


# ---------------------------------------------------------------- the breaker


def twenty(path):
    """20 processes of five cache statements each; their outcomes."""
    l = _lab
    processes = [l.start(STEP, path) for _ in range(20)]
    for n, process in enumerate(processes):
        process.stdin.write("".join(PUT % next(KEYS) + "\n" for i in range(5)).encode())
        process.stdin.close()
    return [l.finish(process) for process in processes]


@test
def one_of_many_processes_waits_for_a_frozen_local_master():
    l = the_lab()
    path, log = l.write_config({"connect_timeout_s": 1, "read_timeout_s": 1, "retry_after_ms": 60000})
    l.local.freeze()
    try:
        first = l.start(STEP, path)
        want("1 row", ask(first, PUT % "first"))
        outcomes = twenty(path)
        end(first)
    finally:
        l.local.thaw()
    for outcome in outcomes:
        want((0, ["1 row"] * 5), (outcome.status, outcome.lines))
    found = stats(path)
    want(1, found["fallbacks"]["connect_failed"], "statements that waited for a connection")
    want(100, found["fallbacks"]["breaker_open"], "statements that went to main at once")
    want(1, lab.read(log).count("local master lost"))
    want([(True, 1)], [(b["open"], b["opens"]) for b in found["breakers"]])
    want_true("DOWN" in roundabout("stats", "-f", path), "the breaker in the table")


CROWD = """
import MySQLdb, os, sys
ready, go = os.pipe(), os.pipe()
children = []
for i in range(40):
    child = os.fork()
    if child == 0:
        os.close(go[1])
        c = MySQLdb.connect(user='app', passwd='apppw', db='shop', unix_socket=os.environ['MAIN_SOCKET'], autocommit=True).cursor()
        os.write(ready[1], b'r')
        os.read(go[0], 1)
        os._exit(0 if c.execute("SELECT v FROM cache WHERE k = 'site'") == 1 else 1)
    children.append(child)
for _ in children:
    os.read(ready[0], 1)
os.close(go[1])
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


@test
def a_crowd_that_comes_at_once_sends_a_few_to_find_out():
    """Nobody knows anything yet. When it is well all of them are routed."""
    l = the_lab()
    for is_frozen in (True, False):
        path, _ = l.write_config({"connect_timeout_s": 2 if is_frozen else 20, "retry_after_ms": 60000})
        if is_frozen:
            l.local.freeze()
        try:
            want(0, l.run([sys.executable, "-c", CROWD], path).status, "children without their row")
        finally:
            l.local.thaw()
        found = stats(path)
        if is_frozen:
            want_between(1, 9, found["fallbacks"]["connect_failed"], "processes that waited")
            want(40, found["fallbacks"]["connect_failed"] + found["fallbacks"]["breaker_open"], "processes")
        else:
            want(40, found["routed"], "processes that are routed")


NOBODY = 65534
STEP_AS_NOBODY = [sys.executable, "-c", f"import os, sys\nos.setgroups([])\nos.setgid({NOBODY})\nos.setuid({NOBODY})\n"
                  "sys.argv = sys.argv[1:]\nexec(open(sys.argv[0]).read())", *STEP[1:]]


def let_nobody_in(path):
    if os.getuid() != 0:
        skip("needs root, to become another user")
    os.chmod(servers.folder(), 0o711)
    os.chmod(path, 0o644)


def silence_files(path):
    return [os.path.join(lab.stats_directory(path), name) for name in os.listdir(lab.stats_directory(path)) if name.startswith("silent-")]


@test
def what_programs_of_one_user_have_found_those_of_another_need_not_wait_for():
    l = the_lab()
    path, _ = l.write_config({"connect_timeout_s": 1, "read_timeout_s": 1, "retry_after_ms": 60000})
    let_nobody_in(path)
    l.local.freeze()
    try:
        for command in (STEP, STEP_AS_NOBODY):
            process = l.start(command, path)
            want("1 row", ask(process, PUT % next(KEYS)))
            end(process)
    finally:
        l.local.thaw()
    found = stats(path)
    want((1, 1), (found["fallbacks"]["connect_failed"], found["fallbacks"]["breaker_open"]), "who waited, and who didn't")
    want([(0, True, 1), (NOBODY, True, 1)], sorted((b["uid"], b["open"], b["opens"]) for b in found["breakers"]))
    want([0o666], [os.stat(file).st_mode & 0o777 for file in silence_files(path)], "a file that anybody may touch")


@test
def who_lies_about_the_local_master_costs_others_a_look():
    l = the_lab()
    path, log = l.write_config({"retry_after_ms": 60000})
    let_nobody_in(path)
    l.local.stop()
    process = l.start(STEP_AS_NOBODY, path)
    want("1 row", ask(process, PUT % next(KEYS)))
    end(process)
    l.local.start()
    (file,) = silence_files(path)
    for _ in range(3):
        os.utime(file)  # whoever touches it
        process = l.start(STEP, path)
        want("1 row", ask(process, PUT % next(KEYS)))
        end(process)
    found = stats(path)
    want((3, 0), (found["verbs"]["replace"]["routed"], found["fallbacks"]["breaker_open"]), "statements of who was lied to: routed, and not")
    want([(False, 0)], [(b["open"], b["opens"]) for b in found["breakers"] if b["uid"] == 0])
    want("", "".join(line for line in lab.read(log).splitlines() if "local master" in line), "nothing in the log")


@test
def a_connection_that_hangs_is_not_joined_by_others():
    """None knows yet that the local master is dead, but that somebody waits for it is seen."""
    l = the_lab()
    path, _ = l.write_config({"connect_timeout_s": 4, "read_timeout_s": 4, "retry_after_ms": 60000})
    l.local.freeze()
    try:
        first = l.start(STEP, path)
        first.stdin.write((PUT % next(KEYS) + "\n").encode())
        first.stdin.flush()
        servers.wait_for(lambda: os.path.isdir(lab.stats_directory(path)) and any(
            name.startswith("breaker-") for name in os.listdir(lab.stats_directory(path))), what="the first one's attempt")
        time.sleep(2.1)  # more than half of the time that it has
        outcomes = twenty(path)
    finally:
        l.local.thaw()
    want("1 row", first.stdout.readline().decode().strip())
    end(first)
    for outcome in outcomes:
        want((0, ["1 row"] * 5), (outcome.status, outcome.lines))
    fallbacks = stats(path)["fallbacks"]
    want(100, fallbacks["breaker_open"], "statements that went to main at once")
    want_between(0, 1, sum(fallbacks.values()) - 100, "statements that waited: the first one's")


@test
def a_local_master_that_is_back_is_found_by_one_probe_for_all():
    l = the_lab()
    path, _ = l.write_config({"retry_after_ms": 500})
    processes = [l.start(STEP, path) for _ in range(5)]
    for n, process in enumerate(processes):
        want("1 row", ask(process, PUT % next(KEYS)))
    l.local.stop()
    for n, process in enumerate(processes):
        want("1 row", ask(process, PUT % next(KEYS)))
    want(True, stats(path)["breakers"][0]["open"])
    l.local.start()
    deadline = time.monotonic() + 20
    while stats(path)["breakers"][0]["open"] and time.monotonic() < deadline:
        want("1 row", ask(processes[0], PUT % next(KEYS)))
        time.sleep(0.05)
    want(False, stats(path)["breakers"][0]["open"])
    routed = stats(path)["routed"]
    for n, process in enumerate(processes):
        want("1 row", ask(process, PUT % next(KEYS)))
        end(process)
    want_between(routed + 5, routed + 30, stats(path)["routed"], "routed again, without a probe of their own")


@test
def a_breaker_that_nobody_needs_any_more_is_not_down():
    """Left open by a program that has ended, or of an address that the configuration has no more."""
    l = the_lab()
    path, _ = l.write_config({"socket": "/nowhere/local.sock"})
    process = l.start(STEP, path)
    want("1 row", ask(process, PUT % next(KEYS)))
    end(process)
    want([True], [b["open"] for b in stats(path)["breakers"]])
    name = [name for name in os.listdir(lab.stats_directory(path)) if name.startswith("breaker-")][0]
    with open(os.path.join(lab.stats_directory(path), name), "r+b") as page:
        page.seek(192 + 128)  # silent_until_ms
        page.write((1).to_bytes(8, sys.byteorder))
    want([None], [b["open"] for b in stats(path)["breakers"]])
    want_true("DOWN" not in roundabout("stats", "-f", path), "not down in the table")


# ---------------------------------------------------------------- a changed configuration


@test
def a_changed_configuration_is_in_force_without_a_restart():
    l = the_lab()
    path, log = l.write_config(groups=({"name": "pages", "tables": ["shop.page_*"]},))
    text = lab.read(path)
    process = l.start(STEP, path)

    def becomes(site):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if site in ask(process, "SELECT v FROM cache WHERE k = 'site'"):
                return True
            ask(process, "SELECT v FROM page_n WHERE k = 'site'")
            time.sleep(0.02)
        return False

    want_true(becomes("main"), "the table isn't a cache table at first")
    replace(path, text.replace('"shop.page_*"', '"shop.page_*", "shop.cache"'))
    want_true(becomes("local"), "routed once the file says so")
    replace(path, text + "colour = 1;\n")
    deadline = time.monotonic() + 20
    while "stays in force" not in lab.read(log) and time.monotonic() < deadline:
        want_true("local" in ask(process, "SELECT v FROM cache WHERE k = 'site'"), "the good one is still in force")
        time.sleep(0.02)
    want(1, lab.read(log).count("stays in force"))
    replace(path, text)
    want_true(becomes("main"), "taken out again")
    end(process)
    events = stats(path)["events"]
    want((2, 1), (events["config_reloaded"], events["config_refused"]))


# ---------------------------------------------------------------- observing


def observed(directory, *more, status=0):
    return roundabout("observe", "report", "--directory", directory, *more, status=status)


OBSERVED_PROGRAM = """
import MySQLdb, os
c = MySQLdb.connect(user='app', passwd='apppw', db='shop', unix_socket=os.environ['MAIN_SOCKET']).cursor()
for i in range(40):
    c.execute("REPLACE INTO cache (k, v) VALUES (%s, %s)", (f'M/o{i}', 'opensesame'))
    c.execute("SELECT v FROM cache WHERE k = %s", (f'M/o{i}',))
    c.execute("INSERT INTO page_n (k, v) VALUES (%s, 'opensesame') ON DUPLICATE KEY UPDATE v = 'opensesame'", (f'M/o{i}',))
    c.execute("SELECT v FROM `page_n` WHERE (`k` = %s) LIMIT 1", (f'M/o{i}',))
    c.execute("INSERT INTO session_a (k, v) VALUES (%s, 'opensesame')", (f'M/o{i}',))
    c.execute("UPDATE session_a SET n = n + 1 WHERE k = %s", (f'M/o{i}',))
    c.execute("SELECT v FROM session_a WHERE k = %s", (f'M/o{i}',))
    c.execute("INSERT INTO orders (v) VALUES ('opensesame')")
    c.execute("SELECT o.v FROM orders o JOIN plain p ON p.k = o.v")
    c.execute("SELECT COUNT(*) FROM stay WHERE v = 'x' OR v = 'y'")
c.connection.commit()
"""


def with_own_counters(command):
    """(a command that counts in a folder of its own though no configuration says so, XDG_RUNTIME_DIR for it, the folder). Where this machine
    has a folder, in which others count, the command gets another one mounted over it, which nobody else sees."""
    runtime = the_lab().path("runtime")
    os.makedirs(runtime)
    directory = servers.counters(os.path.join(runtime, "roundabout"))
    if os.path.isdir("/run/roundabout"):
        mounted = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /run/roundabout && exec "$@"', directory]
        tried = subprocess.run(mounted + ["true"], capture_output=True, text=True, check=False)
        if tried.returncode != 0:
            skip(f"others count in /run/roundabout, and nothing can be mounted over it: {tried.stderr.strip()}")
        command = mounted + command
    return command, runtime, directory


@test
def an_observed_program_runs_on_main_alone_and_its_caches_are_found():
    """Without any configuration: the program as it is, `roundabout run --observe` in front."""
    l = the_lab()
    l.clean()
    command, runtime, directory = with_own_counters([lab.COMMAND, "run", "--observe", "--", sys.executable, "-c", OBSERVED_PROGRAM])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=l.environment(XDG_RUNTIME_DIR=runtime))
    want((0, "", ""), (done.returncode, done.stdout, done.stderr))
    want({}, l.rows(l.local), "rows at the local master")
    found = {t["table"]: t for t in json.loads(observed(directory, "--json"))["tables"]}
    want("cache", found["shop.cache"]["looks"])
    want("cache", found["shop.page_n"]["looks"])
    want("maybe", found["shop.session_a"]["looks"])
    want(["no"] * 3, [found[t]["looks"] for t in ("shop.orders", "shop.plain", "shop.stay")])
    want(("k", 40, 40), (found["shop.cache"]["columns"], found["shop.cache"]["uses"]["replaced"],
                         found["shop.cache"]["uses"]["read_by_key"]))
    want_between(70, 80, found["shop.cache"]["in_transaction"], "of 80 statements in a transaction")
    want_true(found["shop.cache"]["main_seconds"] > 0, "a time")
    text = observed(directory)
    want_true(text.index("shop.cache") < text.index("shop.session_a") < text.index("shop.orders"), f"ranked, got {text}")
    for secret in ("opensesame", "M/o"):
        want_true(secret not in text, "no value")

    # what is proposed is a configuration that routes them
    proposal = observed(directory, "--propose")
    path, log = l.path("conf"), l.path("log")
    with open(path, "w") as out:
        out.write(f'local = {{ socket = "{l.local.socket}"; }};\nlog_file = "{log}";\n{proposal}'
                  f'stats = {{ directory = "{directory}"; }};\n')
    for sql, status in (("SELECT v FROM cache WHERE k = 1", 0), ("INSERT INTO page_n VALUES (1) ON DUPLICATE KEY UPDATE v = 1", 0),
                        ("SELECT v FROM session_a WHERE k = 1", 1), ("INSERT INTO cache VALUES (1)", 1)):
        roundabout("explain", "-f", path, "--database", "shop", sql, status=status)
    l.clean()
    program = OBSERVED_PROGRAM.replace("M/o", "L/o")
    want(0, l.run([sys.executable, "-c", program], path, log).status, "exit status with the proposed groups")
    want(80, sum(1 for table, _ in l.rows(l.local) if table in ("shop.cache", "shop.page_n")), "rows at the local master")
    roundabout("stats", "--directory", directory, "--reset")
    want("# no table looks like a cache\n", observed(directory, "--propose", status=1))


@test
def what_is_sent_in_halves_or_prepared_is_timed_as_well():
    """Ruby's mysql2 sends nothing in one piece."""
    l = the_lab()
    path, _ = l.write_config(groups=({"name": "pages", "tables": ["shop.cache", "shop.page_*"], "mode": "observe"},))
    program = ("require 'mysql2'\nc = Mysql2::Client.new(username: 'app', password: 'apppw', database: 'shop', socket: ENV['MAIN_SOCKET'])\n"
               "q = c.prepare('SELECT v FROM page_n WHERE k = ?')\n"
               "30.times { |i| c.query(\"SELECT v FROM cache WHERE k = '#{i}'\").to_a; q.execute(i.to_s).to_a }\n")
    outcome = l.run([*lab.program("ruby"), "-e", program], path)
    want((0, ""), (outcome.status, outcome.stderr))
    found = {t["table"]: t for t in json.loads(roundabout("observe", "report", "-f", path, "--json"))["tables"]}
    for table in ("shop.cache", "shop.page_n"):
        want(30, found[table]["uses"]["read_by_key"])
        want_between(1e-6, 1, found[table]["main_seconds"] or 0, f"a statement's time on main, of {table}")


@test
def what_can_not_be_counted_is_not_observed_in_vain():
    path = the_lab().path("conf")
    for text, words in (("stats = { enabled = false; };", "stats.enabled = false"),
                        ('stats = { directory = "/nowhere/at/all"; };', "no directory to count in")):
        with open(path, "w") as out:
            out.write('local = { socket = "/nowhere/local.sock"; };\ncaches = ( { tables = [ "shop.cache" ]; } );\n' + text)
        done = subprocess.run([lab.COMMAND, "run", "-f", path, "--observe", "--", "true"], capture_output=True, text=True, timeout=30,
                              check=False)
        want((2, 1), (done.returncode, done.stderr.count("\n")), f"exit status and lines ({done.stderr})")
        want_true(words in done.stderr, f"{words!r} in {done.stderr!r}")


@test
def a_group_that_is_only_observed_is_reported_and_runs_on_main():
    l = the_lab()
    path, _ = l.write_config()
    process = l.start(STEP, path)
    for i in range(15):
        ask(process, f"REPLACE INTO seen (k, v) VALUES ('M/{i}', 'opensesame')")
        want_true("opensesame" in ask(process, f"SELECT v FROM seen WHERE k = 'M/{i}'"), "the row")
    ask(process, "SELECT seen.v FROM seen, orders WHERE seen.k = orders.v")
    ask(process, "SELECT v FROM cache WHERE k = 'L/x'")
    end(process)
    found = {t["table"]: t for t in json.loads(roundabout("observe", "report", "-f", path, "--json"))["tables"]}
    want((15, 15, 1), tuple(found["shop.seen"]["uses"][use] for use in ("replaced", "read_by_key", "with_others")))
    want("cache", found["shop.seen"]["looks"])
    want_true("shop.cache" not in found, "a routed table isn't observed")


def replace(path, text):
    """As an editor does: another file under the same name."""
    with open(path + ".new", "w") as out:
        out.write(text)
    os.rename(path + ".new", path)


main()
