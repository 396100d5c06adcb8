"""A page as a browser shows it: headless Chromium, its DOM once the page's script has run.

    shown = browser.dump(url)        # Page; raises Missing where there is no Chromium
    shown.text("headline")           # of the element of that id
    shown.all("g", "hop")            # elements of that class, as {attribute: value}
"""

import html.parser
import os
import re
import shutil
import subprocess
import tempfile

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


def run(url, *options, limit_s=60):
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if not program:
        raise Missing("no Chromium here")
    with tempfile.TemporaryDirectory(prefix="roundabout-browser-", ignore_cleanup_errors=True) as folder:
        ended = subprocess.run([program, *FLAGS, f"--user-data-dir={folder}", *options, url], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=limit_s, env={**os.environ, "HOME": folder})
    return ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")


def dump(url, time_ms=1500):
    """The DOM after time_ms of the page's own time."""
    shown, said = run(url, "--dump-dom", "--enable-logging=stderr", f"--virtual-time-budget={time_ms}")
    complaints = re.findall(r'CONSOLE.*?"(.*)", source', said)
    page = Page(shown)
    page.complaints = complaints
    return page


def screenshot(url, path, width=1200, height=1000):
    run(url, f"--screenshot={path}", f"--window-size={width},{height}", "--virtual-time-budget=1500")
