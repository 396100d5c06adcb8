"""A page as a browser shows it: headless Chromium, its DOM once the page says that it is drawn.

    shown = browser.dump(url, ready="document.title")   # Page; once that is true; raises Missing where there is no Chromium
    shown.text("headline")           # of the element of that id
    shown.all("g", "hop")            # elements of that class, as {attribute: value}
    browser.first_paint(url)         # {"first-paint": ms, "first-contentful-paint": ms, ...} since it was asked for, nothing cached
    python3 browser.py URL FILE.png [WIDTH [dark]]   # what it looks like, for a person; WIDTH 390 is a phone
"""

import base64
import fcntl
import html.parser
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars")
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Missing(Exception):
    pass


class Page(html.parser.HTMLParser):
    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source, self.elements, self.open = source, [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **{k: v or "" for k, v in attrs}}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({"tag": tag, "text": "", **{k: v or "" for k, v in attrs}})

    def handle_endtag(self, tag):
        while self.open and self.open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, of_class=None):
        return [e for e in self.elements if e["tag"] == tag and (not of_class or of_class in e.get("class", "").split())]

    def element(self, name):
        return next(e for e in self.elements if e.get("id") == name)

    def text(self, name):
        return " ".join(self.element(name)["text"].split())


def program():
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not found:
        raise Missing("no Chromium here")
    return found


def high_pipe():
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high


class Tab:
    """One empty tab of a browser of its own, driven over a pipe by the DevTools protocol: JSON messages, each ended by a NUL byte."""

    def __init__(self, limit_s=60):
        self.until = time.monotonic() + limit_s
        self.folder = tempfile.TemporaryDirectory(prefix="roundabout-browser-", ignore_cleanup_errors=True)
        # It reads at 3 and writes at 4; our own ends are above, whatever is taken here.
        orders, self.orders = high_pipe()
        self.answers, answers = high_pipe()
        self.process = subprocess.Popen([program(), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.folder.name}", "about:blank"],
                                        preexec_fn=lambda: (os.dup2(orders, 3), os.dup2(answers, 4)), close_fds=False, start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": self.folder.name, "TMPDIR": self.folder.name})
        os.close(orders)
        os.close(answers)
        self.number, self.session, self.read, self.events = 0, None, b"", []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")
        self.call("Network.setCacheDisabled", cacheDisabled=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.orders)
        os.close(self.answers)
        self.folder.cleanup()

    def message(self):
        while b"\0" not in self.read:
            ready = select.select([self.answers], [], [], max(0, self.until - time.monotonic()))[0]
            more = os.read(self.answers, 1 << 20) if ready else b""
            if not more:
                raise RuntimeError("the browser says nothing more")
            self.read += more
        text, self.read = self.read.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        order = {"id": self.number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        os.write(self.orders, json.dumps(order).encode() + b"\0")
        while (message := self.message()).get("id") != self.number:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return message["result"]

    def open(self, url):
        """Returns once it has loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def value(self, expression):
        """Of a script's expression that is, or promises, something that JSON has."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)["result"].get("value")


# A page draws in a frame of its own time, which on a busy machine is long after its load.
READY = """new Promise(done => {
    const end = Date.now() + 30000;
    const look = () => (%s) || Date.now() > end ? done(true) : setTimeout(look, 20);
    look();
  })"""


def complaint(event):
    """What a page or the browser says on the console, in words; None: the event is something else."""
    method, said = event.get("method"), event.get("params", {})
    if method == "Log.entryAdded":
        return said["entry"]["text"]
    if method == "Runtime.exceptionThrown":
        return said["exceptionDetails"].get("exception", {}).get("description") or said["exceptionDetails"]["text"]
    if method == "Runtime.consoleAPICalled":
        return " ".join(str(value.get("value", value.get("description"))) for value in said["args"])
    return None


def dump(url, ready="true"):
    """The DOM as soon as the expression is true of it, or after half a minute; what was said on the console is its `complaints`."""
    with Tab() as tab:
        tab.call("Runtime.enable")
        tab.call("Log.enable")
        tab.open(url)
        tab.value(READY % ready)
        page = Page(tab.value("document.documentElement.outerHTML"))
        page.complaints = [said for said in map(complaint, tab.events) if said]
        return page


# Entries of paint come with the frame, which may be after the load.
PAINTS = """new Promise(done => new PerformanceObserver((list, observer) => {
    if (!performance.getEntriesByName("first-contentful-paint").length) return;
    observer.disconnect();
    done(Object.fromEntries([...performance.getEntriesByType("paint").map(e => [e.name, e.startTime]),
        ["response-end", performance.getEntriesByType("navigation")[0].responseEnd]]));
  }).observe({type: "paint", buffered: true}))"""


def first_paint(url, times):
    """What the browser says of each load, by a browser that is warm: one load goes before, uncounted."""
    with Tab() as tab:
        tab.open(url)
        found = []
        for _ in range(times):
            tab.open("about:blank")
            tab.open(url)
            found.append(tab.value(PAINTS))
        return found


def too_wide(urls, widths):
    """Of these pages and widths of a window those that one must scroll sideways, as [(url, window's width, page's width, with a script)]."""
    found = []
    with Tab(limit_s=100) as tab:
        for script in (True, False):
            tab.call("Emulation.setScriptExecutionDisabled", value=not script)
            for width in widths:
                tab.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
                for url in urls:
                    tab.open(url)
                    if script:
                        tab.value(READY % "document.readyState == 'complete' && document.getElementById('drawing').children.length")
                    size = tab.call("Page.getLayoutMetrics")["cssContentSize"]["width"]
                    found += [(url, width, size, script)] if size > width else []
    return found


def screenshot(url, path, width=1200, dark=False):
    """All of the page's height."""
    with Tab() as tab:
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        tab.open(url)
        picture = tab.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
    with open(path, "wb") as file:
        file.write(base64.b64decode(picture))


if __name__ == "__main__":
    screenshot(sys.argv[1], sys.argv[2], int((sys.argv[3:] + ["1200"])[0]), sys.argv[4:] == ["dark"])
