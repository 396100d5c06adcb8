#!/usr/bin/python3
"""Static analysis: gcc -fanalyzer, clang-tidy and cppcheck over all sources: make lint

Each finding must be mended, or explained in tests/data/lint.tsv: FILE, CHECK, a piece of the source line it points at, and why it is none. A finding
that nobody explains fails; so does an explanation that explains nothing any more. A tool that isn't there is a skip."""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ["config", "page", "shim", "daemon", "cli", "bench"]
EXPLAINED = os.path.join(TOP, "tests", "data", "lint.tsv")
FLAGS = ["-std=gnu11", "-O2", "-DHAVE_SYSTEMD", "-DLIBCONFIG_SONAME=\"libconfig.so.9\""]
FINDING = re.compile(r"^(?P<file>[^:\s]+\.[ch]):(?P<line>\d+)(?::\d+)?: (?:warning|error|portability|performance|style): (?P<text>.*?) ?\[(?P<check>[^\[\]]+)\]$")


def output_of(command):
    return subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False).stdout


def client_flags():
    for program in ("mariadb_config", "mysql_config"):
        if shutil.which(program):
            return subprocess.run([program, "--include"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return []


def gcc(source):
    return output_of(["gcc", "-fanalyzer", "-fdiagnostics-plain-output", "-c", "-o", "/dev/null", *FLAGS, *client_flags(), source])


def clang_tidy(source):
    return output_of(["clang-tidy", "--quiet", source, "--", *FLAGS, *client_flags()])


def cppcheck(source):
    return output_of(["cppcheck", "-q", "--enable=warning,performance,portability", "--std=c11", "--suppress=missingIncludeSystem", "--suppress=unknownMacro",
                      "--template={file}:{line}: {severity}: {message} [{id}]", source])


TOOLS = {"gcc": gcc, "clang-tidy": clang_tidy, "cppcheck": cppcheck}


def source_line(path, number):
    try:
        with open(os.path.join(TOP, path), encoding="utf-8") as file:
            return file.read().split("\n")[number - 1].strip()
    except (OSError, IndexError):
        return ""


def find(tool, source):
    """(file, check, line of source, text, number), each once."""
    found = {}
    for line in TOOLS[tool](source).splitlines():
        match = FINDING.match(line)
        if not match:
            continue
        path = os.path.relpath(os.path.join(TOP, match["file"]), TOP)
        if path.startswith(".."):
            continue
        check = match["check"].split(",")[0].lstrip("-W")
        found[path, check, match["line"]] = (path, check, source_line(path, int(match["line"])), match["text"], match["line"])
    return found


def read_explained():
    rows = []
    with open(EXPLAINED, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                parts = line.rstrip("\n").split("\t")
                if len(parts) != 4:
                    sys.exit(f"{EXPLAINED}:{number}: wants FILE, CHECK, a piece of the line and a reason, between tabs")
                rows.append(parts)
    return rows


def main():
    explained = read_explained()
    used = set()
    sources = sorted(source for folder in FOLDERS for source in glob.glob(os.path.join(folder, "*.c"), root_dir=TOP))
    passed = failed = skipped = 0
    found = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for tool in TOOLS:
            if not shutil.which(tool):
                print(f"skipped: {tool} isn't installed")
                skipped += 1
                continue
            for result in pool.map(lambda source, tool=tool: find(tool, source), sources):
                found.update(result)
            passed += len(sources)
    for path, check, line, text, number in sorted(found.values()):
        reasons = [i for i, row in enumerate(explained) if row[0] == path and row[1] == check and row[2] in line]
        used.update(reasons)
        if not reasons:
            failed += 1
            print(f"{path}:{number}: {text} [{check}]\n    {line}")
    for i, row in enumerate(explained):
        if i not in used and not skipped:
            failed += 1
            print(f"tests/data/lint.tsv explains what nobody finds: {row[0]} {row[1]} {row[2]}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
