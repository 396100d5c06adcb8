#!/usr/bin/python3
"""The daemon's page, status and metrics: as served over HTTP from real rings, and as a browser shows them."""

import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import browser
import servers
from harness import main, skip, test, want, want_between, want_true
from ring_stage import LINK_PASSWORD, MONITOR_PASSWORD, Stage
from servers import BUILD, wait_for

QUICK = {"probe_interval_ms": 200, "dead_after_ms": 1000, "cool_down_ms": 1000, "heartbeat_interval_ms": 200}
SHOWN = os.path.join(BUILD, "tests/unit/print_shown")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


the_stage = None


def stage(count, more="", **kw):
    """A new stage whose daemons serve a page each, at it.ports."""
    global the_stage
    if the_stage:
        the_stage.end()
    the_stage = it = Stage(count, settings=QUICK, **kw)
    it.ports = [free_port() for _ in it.names]
    for file, port in zip(it.files, it.ports):
        with open(file, "a") as f:
            f.write(f"http = {{ port = {port}; }};\n" + more)
    return it


def ask(port, path="/status.json", method="GET", headers=None, body=None):
    """(status, headers, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def status_of(it, i):
    try:
        code, _, body = ask(it.ports[i])
        return json.loads(body) if code == 200 else {}
    except OSError:
        return {}


def serve(it):
    it.start_daemons()
    it.wait_whole()
    wait_for(lambda: all(status_of(it, i).get("whole") for i in range(len(it.names))), 20, "all daemons show a whole ring", pause_s=0.1)
    return it


def roundabout_status(it, *words, file=None):
    """Site b's; (exit status, what it printed)."""
    run = subprocess.run([os.path.join(BUILD, "roundabout"), "status", "-f", file or it.files[1], *words], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, timeout=60)
    return run.returncode, run.stdout


def metrics(text):
    """{name{labels}: value}"""
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


# What the script writes last.
DRAWN = 'document.getElementById("fresh").textContent'


def see(url):
    try:
        return browser.dump(url, ready=DRAWN)
    except browser.Missing as e:
        skip(e)


def write_page(name):
    path = os.path.join(servers.folder(), f"{name}.html")
    with open(path, "wb") as f:
        f.write(subprocess.run([SHOWN, "page", name], stdout=subprocess.PIPE, check=True).stdout)
    return "file://" + path


@test
def a_whole_ring_is_shown_whole_with_its_lags_and_its_full_circle():
    it = serve(stage(3, delay_ms=5))
    wait_for(lambda: status_of(it, 1).get("full_circle_ms") is not None, 60, "the full circle is measured", pause_s=0.2)
    shown = status_of(it, 1)
    want("The ring is whole", shown["headline"])
    # three hops of 5 ms, each with its commits, on a machine that may be busy; measured within a millisecond or so
    want_between(10, 1000, shown["full_circle_ms"], "full circle in ms")
    want_between(3, 700, shown["servers"][1]["lag_ms"]["a"], "lag of a's writes at b in ms")
    code, headers, text = ask(it.ports[1], "/metrics")
    want((200, "text/plain; version=0.0.4; charset=utf-8"), (code, headers["content-type"]))
    found = metrics(text)
    want("1", found['roundabout_link_up{site="b",server="b"}'])
    want("1", found["roundabout_ring_whole"])
    want_between(0.003, 0.7, float(found['roundabout_lag_seconds{origin="a",site="b",server="b"}']), "lag in seconds")
    want(False, "roundabout_statements_total" in text and "routing" not in shown, "counters of nobody")


@test
def a_browser_draws_the_ring_and_the_table_says_the_same():
    it = the_stage
    until = time.monotonic() + 40
    page = see(f"http://127.0.0.1:{it.ports[1]}/")
    # On a busy machine a site's answer may be late, and it is drawn as doubtful until the next one.
    while any(e["data-state"] == "warning" for e in page.all("g", "place")) and time.monotonic() < until:
        page = see(f"http://127.0.0.1:{it.ports[1]}/")
    want([], page.complaints, "complaints on the browser's console")
    want("The ring is whole", page.text("headline"))
    want([("a", "b", "ok"), ("b", "c", "ok"), ("c", "a", "ok")],
         sorted((e["data-from"], e["data-to"], e["data-state"]) for e in page.all("g", "hop")), "links drawn")
    want([("a", "ok"), ("b", "ok"), ("c", "ok")], sorted((e["data-site"], e["data-state"]) for e in page.all("g", "place")), "sites drawn")
    rows = [e["text"] for e in page.all("tr", "ok")]
    want(3, len(rows), "rows of the table")
    want_true("daemon started" in page.text("entries"), "the journal in the page")
    for password in (MONITOR_PASSWORD, LINK_PASSWORD):
        want_true(password not in page.source, "no password in the page")


@test
def status_shows_the_lags_that_the_daemon_has_measured():
    it = the_stage
    before = status_of(it, 1)
    status, said = roundabout_status(it, "--json")
    shown = json.loads(said)
    want((0, True), (status, shown["whole"]), said)
    for known in before["servers"]:
        lags = next(server["lag_ms"] for server in shown["servers"] if server["name"] == known["name"])
        want([], [origin for origin, ms in known["lag_ms"].items() if ms is not None and lags.get(origin) is None], f"lags that {known['name']} lacks")
    want_between(10, 1000, shown["full_circle_ms"], "full circle in ms")
    # Of another site's daemon it takes nothing: each has the lags as it sees them.
    with open(it.files[2]) as file, open(it.files[1] + ".other", "w") as other:
        other.write(file.read().replace(f"port = {it.ports[2]};", f"port = {it.ports[1]};"))
    status, said = roundabout_status(it, file=it.files[1] + ".other")
    want_true(re.search(r"^\* b .* <\d+ ms", said, re.M) and "full circle not measured: see --measure" in said, f"bounds in {said}")


@test
def the_first_paint_is_told():
    url = f"http://127.0.0.1:{the_stage.ports[1]}/"
    try:
        paints = sorted(paint["first-contentful-paint"] for paint in browser.first_paint(url, times=5))
    except browser.Missing as e:
        skip(e)
    print(f"# first contentful paint after {paints[2]:.0f} ms ({paints[0]:.0f} to {paints[4]:.0f}); {len(ask(the_stage.ports[1], '/')[2].encode())} bytes")
    want_true(paints[0] > 0, "something is painted")  # how soon is what make bench-verbs tells


# The page's first list item of the journal, and whether it still is a part of the page once more has been fetched than it was drawn from.
KEPT = """new Promise(done => {
    const item = document.querySelector("#entries li"), first = document.getElementById("fresh").textContent;
    const look = () => document.getElementById("fresh").textContent !== first ? done([item.isConnected, item.textContent]) : setTimeout(look, 50);
    look();
  })"""


@test
def what_has_not_changed_is_left_alone_on_the_page():
    it = the_stage
    try:
        with browser.Tab() as tab:
            tab.open(f"http://127.0.0.1:{it.ports[1]}/")
            tab.value(browser.READY % DRAWN)
            connected, text = tab.value(KEPT)
    except browser.Missing as e:
        skip(e)
    want_true(connected, f"the journal's {text!r} is the same item after another look, so that a mark on it stays")


@test
def a_pause_is_shown_and_kept_in_the_journal():
    it = the_stage
    for verb, headline, event in (("pause", "The ring is whole, and paused", "paused"), ("resume", "The ring is whole", "resumed")):
        subprocess.run([os.path.join(BUILD, "roundabout"), "ring", verb, "-f", it.files[1]], check=True, stdout=subprocess.DEVNULL)
        for i in range(3):
            wait_for(lambda: status_of(it, i).get("headline") == headline, 20, f"{headline} at {it.names[i]}", pause_s=0.1)
            want((event, it.names[i]), next((e["event"], e["site"]) for e in status_of(it, i)["journal"] if e["event"] in ("paused", "resumed")))
        leading = verb == "resume"
        wait_for(lambda: any(status_of(it, i).get("converge", {}).get("leads") for i in range(3)) == leading, 30, f"somebody compares: {leading}", pause_s=0.1)
        found = metrics(ask(it.ports[1], "/metrics")[2])
        want("1" if verb == "pause" else "0", found['roundabout_paused{site="c"}'], f"the metric after {verb}")


@test
def without_a_script_it_is_a_table():
    page = browser.Page(ask(the_stage.ports[0], "/")[2])
    want("The ring is whole", page.text("headline"))
    want(3, len(page.all("tr", "ok")), "rows")
    want(0, len(page.all("g", "hop")), "drawings")
    want_true("follows" in page.element("servers")["text"].lower() and "whole" in page.text("rows"), "the table has words")


@test
def a_bypassed_site_is_shown_told_and_comes_back():
    it = the_stage
    it.servers[2].kill()
    wait_for(lambda: it.follows(0, 1), 20, "c is bypassed", pause_s=0.05)
    wait_for(lambda: status_of(it, 0).get("headline") == "The ring goes past c", 10, "the headline", pause_s=0.1)
    events = [(entry["event"], entry["site"]) for entry in status_of(it, 0)["journal"]]
    for event in (("site_dead", "c"), ("site_bypassed", "c"), ("full_circle_lost", "a"), ("full_circle_back", "a"), ("statement_run", "a")):
        want_true(event in events, f"{event} in {events}")
    want("0", metrics(ask(it.ports[0], "/metrics")[2])['roundabout_site_up{site="c"}'])
    try:
        page = browser.dump(f"http://127.0.0.1:{it.ports[0]}/", ready=DRAWN)
        drawn = {(e["data-from"], e["data-to"]): e["data-state"] for e in page.all("g", "hop")}
        want(("warning", "ok", "unknown"), (drawn.get(("b", "a")), drawn.get(("a", "b")), drawn.get(("b", "c"))), "links drawn")
        want("bad", next(e["data-state"] for e in page.all("g", "place") if e["data-site"] == "c"), "c as drawn")
        want(["warning", "ok", "bad"], [e["class"] for e in page.all("tr") if e.get("class")][:3], "rows of a, b and c")
    except browser.Missing:
        print("# not looked at in a browser")
    it.servers[2].start()
    it.wait_whole()
    wait_for(lambda: status_of(it, 0).get("whole"), 20, "whole again", pause_s=0.1)
    want_true(("site_returned", "c") in [(e["event"], e["site"]) for e in status_of(it, 0)["journal"]], "its return in the journal")


@test
def pictures_of_each_kind_are_drawn_as_what_they_are():
    for name, headline, states in (("healthy", "The ring is whole", ["ok", "ok", "ok"]),
                                   ("bypassed", "The ring goes past nice", ["ok", "unknown", "warning"]),
                                   ("stopped", "Help is needed at lyon", ["bad", "ok", "ok"]),
                                   ("paused", "The ring is whole, and paused", ["ok"] * 3),
                                   ("unknown", "Not all of the ring can be seen", ["unknown"] * 3),
                                   ("pair", "The ring is whole", ["ok", "ok"]), ("six", "The ring is whole", ["ok"] * 6)):
        page = see(write_page(name))
        want(headline, page.text("headline"), name)
        want(states, sorted(e["data-state"] for e in page.all("g", "hop")), f"links of {name}")
        absent = name == "unknown"
        want("absent" if absent else "known", page.element("routing")["class"], f"counters of {name}")
        want(absent, "182,734" not in page.text("tiles"), f"numbers of {name}")
        want(absent, "1,000,000" not in page.text("compared-rows"), f"what was compared, of {name}")
        want(name == "paused", "the ring is paused for 10 minutes more" in page.text("notes"), f"a pause in {name}")


@test
def nothing_is_wider_than_the_screen():
    names = ("healthy", "bypassed", "stopped", "unknown", "hostile", "pair", "eight")
    try:
        want([], browser.too_wide([write_page(name) for name in names], (360, 800, 920, 1200)), "pages that one must scroll sideways")
    except browser.Missing as e:
        skip(e)


@test
def a_ring_of_many_asks_for_its_values():
    """They aren't in the page, which would be large, but its script gets them."""
    page, status = (subprocess.run([SHOWN, what, "sixteen"], stdout=subprocess.PIPE, check=True).stdout for what in ("page", "status"))

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(status if self.path == "/status.json" else page)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        shown = see(f"http://127.0.0.1:{server.server_port}/")
        want([], shown.complaints, "complaints on the browser's console")
        want(["ok"] * 16, [e["data-state"] for e in shown.all("g", "hop")], "links")
        want_true("661 ms" in shown.element("drawing")["text"], "the full circle in the drawing")
        want([], browser.too_wide([f"http://127.0.0.1:{server.server_port}/"], (360, 1200)), "widths at which one must scroll sideways")
    finally:
        server.shutdown()
        server.server_close()


@test
def a_hostile_name_stays_text():
    page = see(write_page("hostile"))
    want_true("<script>alert(\"x\")</script>'&\\" in page.text("rows"), f"the name as text in {page.text('rows')[:200]}")
    want(3, len(page.all("script")), "scripts")  # two of values, one of ours


@test
def only_reads_for_this_host_are_answered():
    it = the_stage
    port = it.ports[0]
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        code, headers, _ = ask(port, "/", method, body=b"x" if method == "POST" else None)
        want((405, "GET, HEAD"), (code, headers.get("allow")), method)
    for host, wanted in (("evil.example", 421), (f"localhost:{port}", 200), ("127.0.0.1", 200), (f"127.0.0.1.evil.example:{port}", 421),
                         ("10.0.0.1", 421)):
        want(wanted, ask(port, "/status.json", headers={"Host": host})[0], host)
    want(404, ask(port, "/../etc/passwd")[0], "another path")
    code, headers, body = ask(port, "/", "HEAD")
    want((200, ""), (code, body), "HEAD")
    code, headers, body = ask(port, "/")
    want_between(10000, 60 * 1024, len(body.encode()), "bytes of the page")
    policy = headers["content-security-policy"]
    nonce = re.search(r"script-src 'nonce-([0-9a-f]{24})'", policy).group(1)
    want_true(policy.startswith("default-src 'none';") and f'<script nonce="{nonce}">' in body, f"the policy lets the page's own run: {policy}")
    want_true(nonce not in ask(port, "/")[1]["content-security-policy"], "another nonce each time")
    want(1, len(listening(it.daemons[0].pid)), "sockets at which the daemon listens")
    want(("nosniff", "DENY", "no-store"), tuple(headers[name] for name in ("x-content-type-options", "x-frame-options", "cache-control")))
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        want(b"421", s.recv(4096)[9:12], "a request without Host")


@test
def large_many_and_slow_requests_end_and_the_ring_is_kept_meanwhile():
    it = the_stage
    port = it.ports[0]

    def refused(head):
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            try:
                s.sendall(head)
                return s.recv(4096)[9:12] in (b"", b"400", b"413", b"414", b"431")
            except ConnectionError:
                return True

    want_true(refused(b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"), "a long line is refused")
    want_true(refused(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: yyyyyyyyy\r\n" * 10000 + b"\r\n"), "a long head is refused")

    stopping, answers = threading.Event(), []

    def hammer():
        while not stopping.is_set():
            try:
                answers.append(ask(port, "/")[0])
            except (OSError, http.client.HTTPException):
                pass

    # As many as may be and more, that never end their request; one sends a byte now and then.
    idle = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(40)]
    for s in idle:
        s.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    before = int(status_of(it, 0)["daemon"]["turns"])
    began = time.monotonic()
    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    it.servers[1].query("STOP SLAVE")
    it.servers[0].query("STOP SLAVE")
    try:
        wait_for(lambda: it.follows(0, 2) and it.follows(1, 0), 10, "stopped links run again", pause_s=0.02)
        while time.monotonic() - began < 3:
            time.sleep(0.05)
            idle[0].send(b"a") if len(answers) % 7 == 0 else None
    except ConnectionError:
        pass
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)
    took_s = time.monotonic() - began
    turns = int(status_of(it, 0)["daemon"]["turns"]) - before
    print(f"# {len(answers) / took_s:.0f} pages and {turns / took_s:.1f} turns a second")
    want({200}, set(answers), "answers")
    want_true(turns / took_s >= 4, f"at least the four turns a second that the timer asks for: {turns / took_s}")
    wait_for(lambda: all(is_ended(s) for s in idle), 25, "connections that say nothing are ended", pause_s=0.2)


def is_ended(s):
    s.setblocking(False)
    try:
        return s.recv(4096) == b"" or is_ended(s)
    except BlockingIOError:
        return False
    except OSError:
        return True


def listening(pid):
    """The sockets of a process at which TCP connections are taken."""
    taking = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as file:
            taking |= {f"socket:[{row[9]}]" for row in map(str.split, file) if row[3] == "0A"}
    found = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.add(os.readlink(f"/proc/{pid}/fd/{number}"))
        except FileNotFoundError:
            pass
    return found & taking


@test
def without_a_port_there_is_no_page():
    it = stage(2)
    for file, port in zip(it.files, it.ports):
        with open(file) as f:
            text = f.read()
        with open(file, "w") as f:
            f.write(text.replace(f"port = {port};", "port = 0;"))
    it.start_daemons()
    it.wait_whole()
    for i, daemon in enumerate(it.daemons):
        want(set(), listening(daemon.pid), f"sockets at which the daemon of {it.names[i]} listens")
        want(False, "the page is at" in it.log(i), "a page in the log")


@test
def a_port_that_is_taken_is_said_and_the_ring_is_kept():
    it = stage(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", it.ports[0]))
        taken.listen()
        it.start_daemons()
        it.wait_whole()
        wait_for(lambda: f"can't listen at 127.0.0.1 port {it.ports[0]}" in it.log(0), 10, "the log names the port")


@test
def events_go_to_the_journal_and_to_the_program():
    out = os.path.join(servers.folder(), "events.out")
    it = stage(2)
    journal = it.journal_file(0)
    with open(it.files[0], "a") as f:
        f.write(f'on_event = {{ command = [ "/bin/sh", "-c", "echo \\"$ROUNDABOUT_EVENT|$ROUNDABOUT_SITE|$ROUNDABOUT_DETAIL\\" >> {out}" ]; }};\n')
    serve(it)
    it.servers[0].query("STOP SLAVE")

    def told():
        return open(out).read() if os.path.exists(out) else ""

    it.servers[1].kill()
    wait_for(lambda: "site_dead|b|" in told() and "link_stopped|a|" in told(), 15, "the program is told", pause_s=0.1)
    want_true("statement_run" not in told() and "daemon_started" not in told(), "not told of what needs nobody")
    it.stop_daemon(0)
    entries = [json.loads(line) for line in open(journal)]
    want(("daemon_started", "daemon_stopped"), (entries[0]["event"], entries[-1]["event"]), "the journal's first and last")
    want_true(any(e["event"] == "statement_run" and "'***'" in e["detail"] for e in entries), "statements, with stars")
    text = open(journal).read() + told()
    for password in (MONITOR_PASSWORD, LINK_PASSWORD):
        want_true(password not in text, "no password in the journal")
    want(0o640, os.stat(journal).st_mode & 0o777, "the journal's mode")


if __name__ == "__main__":
    main()
