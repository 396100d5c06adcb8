#!/usr/bin/env python3
"""Checks `make install` and `make uninstall`: what is put where, that it works from there, and that nothing stays behind.

usage: check_install.py BUILD
"""
import os
import re
import stat
import subprocess
import sys
import tempfile

faults, passed = [], 0


def claim(holds, fault):
    global passed
    if holds:
        passed += 1
    else:
        faults.append(fault)


def make(target, build, root, prefix):
    """What it says beside its commands."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "DESTDIR", "prefix")}
    done = subprocess.run(["make", "--silent", target, f"BUILD={build}", f"DESTDIR={root}", f"prefix={prefix}"], capture_output=True, text=True,
                          env=environment, timeout=200)
    claim(done.returncode == 0 and "Error" not in done.stderr, f"make {target}, prefix {prefix}: {done.stderr[-300:]}")


def files_below(root):
    return {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}


def check_prefix(build, prefix):
    with tempfile.TemporaryDirectory() as root:
        make("install", build, root, prefix)
        at = prefix.strip("/")
        found = files_below(root)
        wanted = {f"{at}/bin/roundabout", f"{at}/bin/roundabout-bench", f"{at}/sbin/roundaboutd", f"{at}/lib/roundabout/libroundabout.so",
                  f"{at}/share/man/man1/roundabout.1", f"{at}/share/man/man5/roundabout.conf.5", f"{at}/share/man/man7/roundabout-ring.7",
                  f"{at}/share/man/man8/roundaboutd.8", f"{at}/share/doc/roundabout/examples/grafana/roundabout.json",
                  f"{at}/share/doc/roundabout/examples/prometheus/roundabout.rules.yml", f"{at}/share/doc/roundabout/examples/systemd/roundabout.conf",
                  f"{at}/share/bash-completion/completions/roundabout", "etc/roundabout/roundabout.conf.sample"}
        claim(wanted <= found, f"install, prefix {prefix}: lacks {sorted(wanted - found)}")
        outside = {path for path in found if not path.startswith((at + "/", "etc/roundabout/"))}
        claim(not outside, f"install, prefix {prefix}: {outside} are elsewhere")
        sample = os.stat(os.path.join(root, "etc/roundabout/roundabout.conf.sample"))
        claim(stat.S_IMODE(sample.st_mode) == 0o640, "the sample's mode")
        with open(os.path.join(root, at, "lib/systemd/system/roundaboutd.service"), encoding="utf-8") as unit:
            started = re.search(r"^ExecStart=(\S+)", unit.read(), re.M)
        claim(started and os.access(root + started.group(1), os.X_OK), f"what the unit starts, {started and started.group(1)}, is there")
        library = subprocess.run([os.path.join(root, at, "bin/roundabout"), "run", "--observe", "--", "/bin/sh", "-c", "echo $LD_PRELOAD"],
                                 capture_output=True, text=True, timeout=60)
        claim(os.path.realpath(library.stdout.strip()) == os.path.realpath(os.path.join(root, at, "lib/roundabout/libroundabout.so")),
              f"the installed command preloads {library.stdout!r} {library.stderr}")
        mine = os.path.join(root, "etc/roundabout/roundabout.conf")
        with open(mine, "w", encoding="utf-8") as out:
            out.write("mine\n")
        for _ in range(2):
            make("uninstall", build, root, prefix)
            claim(files_below(root) == {"etc/roundabout/roundabout.conf"}, f"uninstall, prefix {prefix}: leaves {files_below(root)}")
        os.remove(mine)
        make("uninstall", build, root, prefix)
        left = [os.path.join(folder, name) for folder, names, _ in os.walk(root) for name in names if "roundabout" in name]
        claim(not left, f"uninstall, prefix {prefix}: leaves the folders {left}")


def main():
    for prefix in ("/usr", "/usr/local"):
        check_prefix(sys.argv[1], prefix)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{passed} passed, {len(faults)} failed, 0 skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
