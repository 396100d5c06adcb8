#!/usr/bin/python3
"""check_hardening.py BUILD: what is installed is linked and compiled as a program that reads strangers' input should be, by readelf."""

import os
import platform
import re
import subprocess
import sys

PROGRAMS = ("roundabout", "roundaboutd", "roundabout-bench")
LIBRARY = "libroundabout.so"
faults = []
claims = 0


def readelf(option, path):
    return subprocess.run(["readelf", option, "-W", path], capture_output=True, text=True, check=True).stdout


def claim(name, what, holds):
    global claims
    claims += 1
    if not holds:
        faults.append(f"{name}: {what}")


def look(path):
    name = os.path.basename(path)
    header, parts, dynamic, symbols = (readelf(option, path) for option in ("-h", "-l", "-d", "-s"))
    claim(name, "is at no fixed address", re.search(r"Type:\s+DYN", header))
    if name != LIBRARY:
        claim(name, "is position independent", re.search(r"FLAGS_1.*PIE", dynamic))
    claim(name, "has all its functions bound at start", "BIND_NOW" in dynamic and re.search(r"FLAGS_1.*NOW", dynamic))
    claim(name, "has its tables of functions read-only", "GNU_RELRO" in parts)
    stack = re.search(r"GNU_STACK.*?(R\w*)\s+0x", parts)
    claim(name, "has a stack that isn't executable", stack and "E" not in stack[1])
    claim(name, "has no part both writable and executable", not re.search(r"LOAD.*\bRWE\b", parts))
    claim(name, "needs no relocation of its code", "TEXTREL" not in dynamic)
    claim(name, "looks for no library in a folder of its own", not re.search(r"R(UN)?PATH", dynamic))
    claim(name, "has stack protectors", "__stack_chk_fail" in symbols)
    claim(name, "has checked copies (_FORTIFY_SOURCE)", re.search(r"__(v?snprintf|memcpy|strcpy|read|fprintf)_chk", symbols))


# The linker says so of a whole program only where the C library's own start files are built so; that isn't ours to choose.
def look_for_branch_protection(build):
    wanted = {"x86_64": r"x86 feature: .*IBT.*SHSTK", "aarch64": r"AArch64 feature: .*BTI.*PAC"}.get(platform.machine())
    for folder in ("shim", "daemon", "cli", "config", "page"):
        for name in sorted(os.listdir(os.path.join(build, folder))):
            if wanted and name.endswith(".o"):
                notes = readelf("-n", os.path.join(build, folder, name))
                claim(f"{folder}/{name}", "has branch protection", re.search(wanted, notes))


look_for_branch_protection(sys.argv[1])
for artefact in (*PROGRAMS, LIBRARY):
    look(os.path.join(sys.argv[1], artefact))
print(*faults, sep="\n", end="\n" if faults else "")
print(f"{claims - len(faults)} passed, {len(faults)} failed, 0 skipped")
sys.exit(1 if faults else 0)
