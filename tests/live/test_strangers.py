#!/usr/bin/python3
"""What strangers say and do - servers, other users of the host, whoever reaches the page's port - harms nobody."""

import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))

import lab  # noqa: E402
import servers  # noqa: E402
from harness import Failure, main, skip, test, want, want_between, want_true  # noqa: E402
from ring_stage import Stage  # noqa: E402
from servers import BUILD, wait_for  # noqa: E402

NOBODY = 65534
EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
COMMAND, DAEMON = os.path.join(BUILD, "roundabout"), os.path.join(BUILD, "roundaboutd")
QUICK = {"probe_interval_ms": 200, "dead_after_ms": 1000, "cool_down_ms": 1000, "heartbeat_interval_ms": 200}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def want_plain(output, what):
    text = output.decode("utf-8", "surrogateescape") if isinstance(output, bytes) else output
    bad = re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)
    want_true(not bad, f"plain text of {what}, got {text[max(0, bad.start() - 60):bad.end() + 20]!r}" if bad else "")
    return text


# ---------------------------------------------------------------- servers


@test
def nothing_that_a_server_says_acts_on_a_terminal():
    it = Stage(2, version="10.11.99-MariaDB-" + EVIL, settings=QUICK)
    first, second = it.servers
    for server in it.servers:
        server.unlogged(f"CREATE TABLE shop.`cache{EVIL}` (`k{EVIL}` INT) ENGINE=MyISAM")
    second.query("CHANGE MASTER TO MASTER_HOST=%s, MASTER_USER=%s, MASTER_PORT=3", "h" + EVIL, "u" + EVIL)
    second.query("START SLAVE")
    port = free_port()
    with open(it.files[1]) as f:
        text = f.read().replace("shop.cache", "shop.cache*")
    with open(it.files[1], "w") as f:
        f.write(text + f"http = {{ port = {port}; }};\n")
    seen = ""
    for words in (["status"], ["status", "--json"], ["check"], ["check", "--all"], ["check", "--json", "--all"]):
        run = subprocess.run([COMMAND, words[0], "-f", it.files[1], *words[1:]], capture_output=True)
        seen += want_plain(run.stdout + run.stderr, " ".join(words))
    made = os.path.join(servers.folder(), "made.conf")
    run = subprocess.run([COMMAND, "init", "--socket", second.socket, "-o", made], capture_output=True)
    seen += want_plain(run.stdout + run.stderr + open(made, "rb").read(), "init") if os.path.exists(made) else ""
    run = subprocess.run([DAEMON, "-f", it.files[1], "--dry-run", "--once"], capture_output=True)
    seen += want_plain(run.stdout + run.stderr, "roundaboutd --once")
    it.start_daemon(1)
    body = {}

    def has_answered():
        try:
            for path in ("/", "/status.json", "/metrics"):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", path)
                answer = connection.getresponse()
                body[path] = answer.read()
                if answer.status != 200:
                    return False
            return b"?]0;owned" in body["/status.json"] or b"\xef\xbf\xbd]0;owned" in body["/status.json"]
        except OSError:
            return False
    try:
        wait_for(has_answered, 20, "the page shows both servers")
    except servers.NotReady:
        raise Failure(f"a page that shows the servers, got {body.get('/status.json')!r} {it.log(1)[-800:]}")
    it.stop_daemons()
    for path, served in body.items():
        want_plain(served, path)
    json.loads(body["/status.json"])
    seen += want_plain(open(it.logs[1], "rb").read(), "the daemon's log")
    want_plain(open(it.journal_file(1), "rb").read(), "the journal")
    want_true("cache?" in seen and "?]0;owned" in seen, "the server's own words among what is shown")
    it.end()


class Thief(threading.Thread):
    """A local master that answers the marked statement with "send me your file PATH" (0xFB), and keeps what comes."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.path, self.got, self.asked, self.to = path, b"", False, server.socket
        self.address = os.path.join(servers.folder(), "thief.sock")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.address)
        self.socket.listen(20)
        self.start()

    def run(self):
        while True:
            threading.Thread(target=self.relay, args=(self.socket.accept()[0],), daemon=True).start()

    def relay(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.to)
        threading.Thread(target=self.forward, args=(server, client), daemon=True).start()
        while True:
            sent = client.recv(65536)
            if not sent:
                return server.close()
            if b"'thief'" in sent:
                self.asked = True
                packet = b"\xfb" + self.path.encode()
                client.sendall(len(packet).to_bytes(3, "little") + b"\x01" + packet)
                client.settimeout(3)
                try:
                    self.got += client.recv(65536)
                except OSError:
                    pass
                client.close()
                return server.close()
            server.sendall(sent)

    @staticmethod
    def forward(server, client):
        try:
            while True:
                said = server.recv(65536)
                if not said:
                    break
                client.sendall(said)
        except OSError:
            pass


@test
def a_local_master_gets_no_file_of_the_application():
    it = the_lab()
    secret = os.path.join(servers.folder(), "private")
    with open(secret, "w") as f:
        f.write("a private file's words")
    thief = Thief(it.local, secret)
    path, log = it.write_config({"socket": thief.address})
    # The driver asks for LOCAL INFILE, as an application does that loads files into main.
    program = [sys.executable, "-c", "import MySQLdb, os\nc = MySQLdb.connect(user='app', passwd='apppw', db='shop', local_infile=1,"
               " unix_socket=os.environ['MAIN_SOCKET'])\nk = c.cursor()\nk.execute(\"SELECT v FROM cache WHERE k = 'site'\")\nprint(k.fetchall())\n"
               "k.execute(\"SELECT v FROM cache WHERE k = 'thief'\")\nprint(k.fetchall())"]
    outcome = it.run(program, path, log)
    want_true(thief.asked, f"a statement that reached the thief, got {outcome.log[-500:]}")
    want_true(b"private" not in thief.got, f"no file's words, got {thief.got!r}")
    want("((b'local',),)\n()\n", outcome.stdout.replace('"', "'"), f"the program's answers ({outcome.stderr[-300:]})")


# ---------------------------------------------------------------- the page's port


class Page:
    """A daemon with a page, of a ring of one; its server may be gone."""

    def __init__(self):
        self.stage = Stage(2, settings=QUICK)
        self.port = free_port()
        with open(self.stage.files[0], "a") as f:
            f.write(f"http = {{ port = {self.port}; }};\n")
        self.stage.start_daemon(0)
        wait_for(lambda: self.status() == 200, 20, "a page")

    def talk(self, *parts, timeout=8):
        """Sends bytes, and returns all that comes back until the other side closes; a number among the parts is a pause in seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            answer = b""
            try:
                for part in parts:
                    if isinstance(part, bytes):
                        s.sendall(part)
                    else:
                        time.sleep(part)
                while True:
                    more = s.recv(65536)
                    if not more:
                        return answer
                    answer += more
            except (ConnectionError, TimeoutError):
                return answer

    def status(self, **headers):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/status.json", headers=headers)
            return connection.getresponse().status
        except OSError:
            return None

    def memory_kb(self):
        with open(f"/proc/{self.stage.daemons[0].pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.stage.daemons[0].pid}/fd"))


_page = None


def the_page():
    global _page
    if _page is None:
        _page = Page()
    return _page


def code(answer):
    return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.") else None


HOST = b"Host: localhost\r\n"


@test
def a_request_that_is_none_is_refused():
    page = the_page()
    for request, codes in (
        (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n", (200,)),
        (b"GET / HTTP/1.1\r\n\r\n", (400, 421)),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", (421,)),
        (b"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", (421,)),
        (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", (421,)),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", (400, 200)),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1.\r\n\r\n", (200, 421)),
        (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", (421,)),
        (b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n", (200, 400, 404, 421)),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nx=1", (405,)),
        (b"PUT /status.json HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n", (405,)),
        (b"DELETE / HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", (405,)),
        (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404, 405)),
        (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", (400, 405)),
        (b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", (404,)),
        (b"GET /%2e%2e/%00 HTTP/1.1\r\n" + HOST + b"\r\n", (400, 404)),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", (400, 505, None)),
        (b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414, 431)),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 40000 + b"\r\n\r\n", (413, 431)),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 8000 + b"\r\n", (413, 431)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" + b"\0" * 500, (400, None)),
        (b"\0" * 3000, (400, None)),
    ):
        answer = page.talk(request)
        want_true(code(answer) in codes, f"one of {codes} for {request[:70]!r}, got {answer[:60]!r}")
        want_true(b"root:" not in answer and b"evil.example" not in answer, f"nothing of the request in the answer {answer[:200]!r}")
    want(200, page.status(), "the next one's answer")


@test
def requests_in_a_row_are_answered_one_a_connection():
    page = the_page()
    one = b"GET /status.json HTTP/1.1\r\n" + HOST + b"\r\n"
    smuggled = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + one
    want(1, page.talk(one * 200).count(b"HTTP/1.1 "), "answers")
    want_between(0, 1, page.talk(smuggled).count(b"HTTP/1.1 "), "answers to a request in a request")


@test
def slow_and_many_connections_end_by_themselves():
    page = the_page()
    wait_for(lambda: page.status() == 200, 20)
    before_kb = page.memory_kb()
    slow = []
    for i in range(300):
        try:
            s = socket.create_connection(("127.0.0.1", page.port), timeout=2)
            s.sendall(b"GET / HTTP/1.1\r\n" + HOST)
            slow.append(s)
        except OSError:
            break
    want_between(64, 300, len(slow), "connections")
    want_true(page.descriptors() < 64 + 40, f"at most 64 connections, got {page.descriptors()} descriptors")
    began = time.monotonic()

    def drip():
        for s in slow:
            try:
                s.send(b"X: y\r\n")
            except OSError:
                pass
        time.sleep(0.5)
        return page.status() == 200
    wait_for(drip, 40, "an answer for an honest visitor beside 300 slow ones")
    waited = time.monotonic() - began
    want_true(waited < 35, f"an answer within two lives of a connection, got it after {waited:.0f} s")
    for s in slow:
        s.close()
    wait_for(lambda: page.status() == 200, 10, "an answer at once when they are gone")
    want_true(page.memory_kb() - before_kb < 4096, f"less than 4 MB more memory, got {page.memory_kb() - before_kb} kB")


# ---------------------------------------------------------------- on_event


@test
def an_event_reaches_its_program_as_it_is():
    it = Stage(2, settings=QUICK)
    evil = "a$(touch x)`touch y`;'\"&|\\"
    folder = os.path.join(servers.folder(), "events")
    os.makedirs(folder, exist_ok=True)
    program, said = os.path.join(folder, "tell"), os.path.join(folder, "said")
    with open(program, "w") as f:
        f.write(f"#!/usr/bin/python3\nimport json, os, sys\nwith open({said!r}, 'a') as f:\n"
                "    f.write(json.dumps([sys.argv, dict(os.environ), os.getcwd()]) + '\\n')\n")
    os.chmod(program, 0o755)
    words = ["; touch x", "$(touch x)", "`touch x`", "a b", "*", "-rf", "%s%n"]
    for i, file in enumerate(it.files):
        with open(file) as f:
            text = f.read()
        text = text.replace('= "a";', f"= {json.dumps(evil)};")
        with open(file, "w") as f:
            f.write(text + f"on_event = {{ command = [ {', '.join(json.dumps(w) for w in [program, *words])} ]; per_minute = 100; }};\n")
    it.start_daemon(1)
    time.sleep(1)
    it.servers[0].kill()

    def told():
        return [json.loads(line) for line in open(said)] if os.path.exists(said) else []
    try:
        wait_for(lambda: any(evil == t[1].get("ROUNDABOUT_SITE") for t in told()), 20, "an event of the site")
    except servers.NotReady:
        raise Failure(f"an event of the site, got {told()} {it.log(1)[-1500:]}")
    it.stop_daemons()
    for argv, environment, _ in told():
        want(words, argv[1:], "arguments")
        want({"PATH", "LANG", "ROUNDABOUT_EVENT", "ROUNDABOUT_SITE", "ROUNDABOUT_DETAIL"}, set(environment) - {"LC_CTYPE"}, "environment")
        want_plain(environment["ROUNDABOUT_DETAIL"], "the detail")
    for place in (folder, servers.folder(), os.getcwd()):
        want(set(), {"x", "y"} & set(os.listdir(place)), f"files made in {place}")
    it.end()


# ---------------------------------------------------------------- other users of this host

_lab = None


def the_lab():
    global _lab
    if _lab is None:
        _lab = lab.Lab()
    return _lab


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def by_nobody(folder, script):
    """What another user does in `folder`; the process, which says "done" and then stays until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", "import os, fcntl, sys, time\n" + script + "\nprint('done', flush=True)\ntime.sleep(100)"],
                               cwd=folder, preexec_fn=as_nobody, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = process.stdout.readline()
    want_true(said == "done\n", f"what another user can do, got {process.stderr.read() if not said else said}")
    return process


def need_root():
    if os.getuid() != 0:
        skip("only root can act for two users")


PROGRAM = [os.path.join(lab.C_APPS, "statements"), "REPLACE INTO cache (k, v) VALUES ('L/a', '1')", "SELECT v FROM cache WHERE k = 'L/a'"]
READER = """import MySQLdb, sys, time
cursor = MySQLdb.connect(unix_socket=sys.argv[1], user='app', passwd='apppw', autocommit=True).cursor()
begun = time.monotonic()
cursor.execute("SELECT v FROM shop.cache WHERE k = 'where'")
print(cursor.fetchone()[0].decode(), time.monotonic() - begun)
"""


@test
def a_silence_that_the_daemon_has_found_costs_no_user_a_connect_timeout():
    """Site b's server freezes; programs of two users that begin then go to main at once, and wait only where no daemon speaks."""
    need_root()
    it = Stage(2, settings={**QUICK, "converge": "off"})
    os.chmod(servers.folder(), 0o711)
    run, lonely = it.counters(1), servers.counters(os.path.join(servers.folder(), "run-lonely"))
    it.start_daemons()
    it.wait_whole()
    for name, server in zip(it.names, it.servers):
        server.unlogged(f"REPLACE INTO shop.cache (k, v) VALUES ('where', '{name}')")

    def read(folder, user=None):
        """A program that begins now: (whose row it got, the seconds that took, what the shim said)."""
        path = os.path.join(servers.folder(), "reader.conf")
        with open(path, "w") as f:
            f.write(f'local = {{ socket = "{it.servers[1].socket}"; connect_timeout_s = 4; retry_after_ms = 1000; }};\n'
                    f'caches = ( {{ name = "pages"; tables = [ "shop.cache" ]; }} );\n' + servers.counters_text(folder))
        os.chmod(path, 0o644)
        done = subprocess.run(["/usr/bin/python3", "-c", READER, it.servers[0].socket], preexec_fn=user, cwd="/", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60,
                              env=dict(os.environ, LD_PRELOAD=os.path.join(BUILD, "libroundabout.so"), ROUNDABOUT_CONFIG=path))
        want(0, done.returncode, f"exit status ({done.stderr[-500:]})")
        where, seconds = done.stdout.split()
        return where, float(seconds), done.stderr

    for user in (None, as_nobody):
        where, _, said = read(run, user)
        want(("b", ""), (where, said), "where it is read, and what is said, while b is well")
    it.servers[1].freeze()
    try:
        wait_for(lambda: "site b is dead" in it.log(1), 30, "b's daemon calls it dead", pause_s=0.05)
        time.sleep(0.5)  # several pictures
        for user in (as_nobody, None):
            where, seconds, said = read(run, user)
            want("a", where, "where it is read while b is frozen")
            want_between(0, 2, seconds, "seconds of the first one to look")
            want_true("the daemon says that it doesn't answer" in said, f"who has told, got {said!r}")
        where, seconds, said = read(lonely, as_nobody)
        want("a", where, "where it is read")
        want_between(3, 20, seconds, "seconds where no daemon speaks")
        for _ in range(3):  # periods pass: from then on its own user's probe decides, and nobody waits
            time.sleep(0.6)
            where, seconds, said = read(run, as_nobody)
            want("a", where, "where it is read")
            want_between(0, 2, seconds, "seconds of a later one")
    finally:
        it.servers[1].thaw()
    for user in (as_nobody, None):
        wait_for(lambda user=user: read(run, user)[0] == "b", 30, "it is read at b again", pause_s=0.1)
    it.end()


HOSTILE = {
    "nothing": "pass",
    "symlinks to a victim": "[os.symlink({victim!r}, n) for n in ('sum-0', 'seen-0', 'fold-0', {breaker!r}, {silent!r})]",
    "pipes": "[os.mkfifo(n, 0o666) for n in ('sum-0', 'seen-0', 'fold-0', {breaker!r}, {silent!r}, 'process-1-1', 'observed-1-1')]",
    "folders": "[os.mkdir(n) for n in ('sum-0', 'seen-0', 'fold-0', {breaker!r}, {silent!r}, 'process-1-1')]",
    "files held by a lock": "k = [open(n, 'w') for n in ('sum-0', 'fold-0', {breaker!r})]\nfor f in k:\n    os.chmod(f.name, 0o666)\n"
                            "    fcntl.flock(f, fcntl.LOCK_EX)",
    "a silence in times to come": "open({silent!r}, 'w')\nos.utime({silent!r}, (4e9, 4e9))",
    "pages of nonsense": "[open(n, 'wb').write(os.urandom(1 << 18)) for n in ('sum-0', 'process-2-1', 'observed-3-1', 'folding-process-4-1')]",
    "pages of a stranger": "import glob, shutil\n[shutil.copyfile(f, 'process-%d-1' % i) for i, f in enumerate(glob.glob({sound!r}))]",
}


@test
def another_users_files_in_the_run_folder_do_nothing():
    need_root()
    it = the_lab()
    it.clean()
    plain = it.run(PROGRAM).lines
    os.chmod(servers.folder(), 0o711)
    victim = os.path.join(servers.folder(), "victim")
    first, _ = it.write_config()
    it.run(PROGRAM, first)
    breaker = [name for name in os.listdir(lab.stats_directory(first)) if name.startswith("breaker-0-")][0]
    for kind, script in HOSTILE.items():
        with open(victim, "w") as f:
            f.write("untouched")
        os.chmod(victim, 0o600)
        path, log = it.write_config(log_level="warning")
        folder = lab.stats_directory(path)
        os.chmod(folder, 0o1777)
        os.chmod(lab.stats_directory(first), 0o755)
        for name in os.listdir(lab.stats_directory(first)):
            os.chmod(os.path.join(lab.stats_directory(first), name), 0o644)
        other = by_nobody(folder, script.format(victim=victim, breaker=breaker, silent=breaker.replace('breaker-0-', 'silent-'), sound=lab.stats_directory(first) + "/sum-*"))
        try:
            it.clean()
            outcome = it.run(PROGRAM, path, log, limit_s=10)
            want((0, plain), (outcome.status, outcome.lines), f"what the program does among {kind} ({outcome.stderr[-300:]})")
            for words in ([], ["--json"], ["--reset"]):
                run = subprocess.run([COMMAND, "stats", "-f", path, *words], capture_output=True, timeout=10, stdin=subprocess.DEVNULL)
                want_true(run.returncode in (0, 1, 2, 3), f"an end of stats {words} among {kind}, got {run.returncode}")
                want_plain(run.stdout + run.stderr, f"stats {words} among {kind}")
            want("untouched", open(victim).read(), f"the victim's file after {kind}")
            want({}, it.rows(it.main), f"rows at main among {kind}")
        finally:
            servers.end_child(other)


@test
def a_run_folder_that_others_may_change_is_not_used():
    need_root()
    it = the_lab()
    for mode, used in ((0o777, False), (0o775, False), (0o1777, True), (0o755, True)):
        path, log = it.write_config()
        os.chmod(lab.stats_directory(path), mode)
        it.run(PROGRAM, path, log)
        want(used, bool(os.listdir(lab.stats_directory(path))), f"whether a folder of mode {mode:o} is used")


@test
def a_program_with_raised_rights_takes_no_orders_from_its_caller():
    need_root()
    it = the_lab()
    it.clean()
    library = lab.LIBRARY
    program = os.path.join(servers.folder(), "raised")
    # A setuid program isn't preloaded by its caller, but may be by /etc/ld.so.preload: linked here, it meets the library in the same way.
    done = subprocess.run(["cc", "-o", program, os.path.join(servers.HERE, "apps", "c", "statements.c"), "-Wl,--no-as-needed", library,
                           *subprocess.run(["mariadb_config", "--include", "--libs"], capture_output=True, text=True).stdout.split(),
                           f"-Wl,-rpath,{os.path.dirname(library)}"], capture_output=True, text=True)
    want(0, done.returncode, f"a program linked to the library ({done.stderr[-500:]})")
    os.chmod(servers.folder(), 0o711)
    path, log = it.write_config()

    def routed(mode, user):
        os.chmod(program, mode)
        if os.path.exists(log):
            os.remove(log)
        environment = it.environment(ROUNDABOUT_CONFIG=path, ROUNDABOUT_OBSERVE="", XDG_RUNTIME_DIR="/nonexistent")
        run = subprocess.run([program, *PROGRAM[1:]], env=environment, preexec_fn=user, capture_output=True, text=True, timeout=20)
        want_true(run.stdout.startswith("0 0"), f"answers, got {run.stdout!r} {run.stderr!r}")
        return "routed" in lab.read(log)
    want(True, routed(0o755, None), "whether the environment names the file of an ordinary program")
    want(False, routed(0o4755, as_nobody), "whether it names that of a setuid one")


main()
