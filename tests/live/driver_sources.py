#!/usr/bin/python3
"""The source packages of the drivers, as this system's own distribution has them: fetched by name with apt-get, unpacked with the
distribution's patches, and kept.

    driver_sources.py [NAME ...]      fetches them and says where each is, or why it can't be had

Nothing of the system's own apt set-up is changed: lists and sources of a folder of our own, made from the system's.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import time

NAMES = ("libdbd-mysql-perl", "python-mysqldb", "ruby-mysql2")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "roundabout")
# One that couldn't be had isn't asked for again before this time has passed.
RETRY_AFTER_S = 3600
LIMIT_S = 600  # for one command


class CannotBeHad(Exception):
    """The reason why it can't."""


def place_of(name):
    return os.path.join(CACHE, "driver-sources", name)


def folder(name):
    """The unpacked source of the package; CannotBeHad where it can't be fetched."""
    place = place_of(name)
    mark = place + ".missing"
    if os.path.exists(place):
        return place
    if os.path.exists(mark) and time.time() - os.path.getmtime(mark) < RETRY_AFTER_S:
        with open(mark) as file:
            raise CannotBeHad(file.read().strip())
    os.makedirs(os.path.dirname(place), exist_ok=True)
    try:
        fetch(name, place)
    except CannotBeHad as e:
        with open(mark, "w") as out:
            print(e, file=out)
        raise
    if os.path.exists(mark):
        os.remove(mark)
    return place


def fetch(name, place):
    if not shutil.which("apt-get") or not shutil.which("dpkg-source"):
        raise CannotBeHad("there is no apt-get and dpkg-source here")
    work = f"{place}.{os.getpid()}"
    os.makedirs(work)
    try:
        options = apt_options()
        run(["apt-get", "-q", *options, "--download-only", "--only-source", "source", name], f"{name} can't be fetched", cwd=work)
        described = glob.glob(os.path.join(work, "*.dsc"))
        if len(described) != 1:
            raise CannotBeHad(f"{name} has no source package")
        run(["dpkg-source", "--no-check", "-x", described[0], "unpacked"], f"{name} can't be unpacked", cwd=work)
        try:
            os.rename(os.path.join(work, "unpacked"), place)
        except OSError: # somebody else was quicker
            if not os.path.exists(place):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def apt_options():
    """apt's own files in a folder of ours, with this distribution's sources and not its programs."""
    top = os.path.join(CACHE, "driver-sources", "apt")
    for part in ("parts", "lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(top, part), exist_ok=True)
    with open(os.path.join(top, "parts", "sources.sources"), "w") as out:
        out.write("\n".join(source_stanzas()))
    options = ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={top}/parts", "-o", f"Dir::State::Lists={top}/lists",
               "-o", f"Dir::Cache={top}/cache"]
    if os.getuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]
    fresh = os.path.join(top, "lists", "updated")
    if not os.path.exists(fresh) or time.time() - os.path.getmtime(fresh) > RETRY_AFTER_S:
        run(["apt-get", "-q", *options, "update"], "the lists of source packages can't be fetched")
        with open(fresh, "w"):
            pass
    return options


def source_stanzas():
    """The distribution's own suites out of /etc/apt, as deb-src. Other vendors' are left out: their suites have other names."""
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", read("/etc/os-release"), re.M)
    if not codename:
        raise CannotBeHad("this distribution's release has no name")

    def ours(suites):
        return [s for s in suites.split() if re.fullmatch(rf"{codename[1]}(-\w+)?", s)]

    stanzas = []
    for path in glob.glob("/etc/apt/sources.list.d/*.sources"):
        for stanza in re.split(r"\n\s*\n", re.sub(r"^#.*\n", "", read(path), flags=re.M)):
            suites = re.search(r"^Suites:(.*)$", stanza, re.M)
            if suites and ours(suites[1]):
                stanzas.append(re.sub(r"^Types:.*$", "Types: deb-src", stanza.strip(), flags=re.M) + "\n")
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.list")]:
        for line in re.findall(r"^deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)\s+(.*)$", read(path), re.M):
            if ours(line[1]):
                stanzas.append(f"Types: deb-src\nURIs: {line[0]}\nSuites: {line[1]}\nComponents: {line[2]}\n")
    if not stanzas:
        raise CannotBeHad("/etc/apt names no source of this distribution")
    return stanzas


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def run(command, what, cwd=None):
    """CannotBeHad with what, and the first error that the command told, unless it succeeds."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", cwd=cwd, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as e:
        raise CannotBeHad(f"{what}: no end within {LIMIT_S} s") from e
    if done.returncode != 0:
        # Not the whole line: it names the mirror.
        said = re.findall(r"404\s+Not Found|Temporary failure|Unable to [^(\n]*|Could not [^(\n]*|error: [^\n]*", done.stdout)
        raise CannotBeHad(f"{what}: {said[0] if said else f'status {done.returncode}'}")


if __name__ == "__main__":
    for _name in sys.argv[1:] or NAMES:
        try:
            print(f"{_name}: {folder(_name)}")
        except CannotBeHad as _reason:
            print(f"{_name}: skipped: {_reason}")
