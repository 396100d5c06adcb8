#!/usr/bin/python3
"""The demo's second act: three daemons make a ring of three fresh sites, lyon is killed, bypassed, and comes back.

Everything is on 127.0.0.1 with relays of 40 ms each way between the sites, and is thrown away afterwards. The exit status is 0 only if
the ring was whole at the end and every acknowledged write was at every site.
"""

import json
import os
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "live"))

from ring_stage import Stage, Writers
from servers import BUILD, wait_for

PARIS, LYON, NICE = 0, 1, 2


def status(stage, *words):
    return subprocess.run([os.path.join(BUILD, "roundabout"), "status", *words, "-f", stage.files[PARIS]], stdout=subprocess.PIPE, text=True)


def show(stage, title):
    """With the times that paris' daemon has measured, once it has."""
    wait_for(lambda: json.loads(status(stage, "--json").stdout)["full_circle_ms"] is not None, 60, "the full circle is measured", pause_s=0.2)
    print(f"\n{title}\n  $ roundabout status", flush=True)
    said = status(stage)
    for line in said.stdout.splitlines():
        print(f"  {line}")
    sys.stdout.flush()
    return said.returncode


def main():
    print("Second act: three fresh servers, 80 ms apart, no links yet. A daemon is started at each site.", flush=True)
    stage = Stage(3, delay_ms=40, names=("paris", "lyon", "nice"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(stage.files[PARIS], "a") as file:
        file.write(f"http = {{ port = {port}; }};\n")
    began = time.monotonic()
    stage.start_daemons()
    stage.wait_whole()
    print(f"The ring was made in {time.monotonic() - began:.1f} s.", flush=True)
    writers = Writers(stage, pause_s=0.02)
    wait_for(lambda: len(writers.written) > 100 and all("is whole" in stage.log(i) for i in range(3)), 20)
    show(stage, "All is well; a program writes at each site.")

    stage.servers[LYON].kill()
    began = time.monotonic()
    wait_for(lambda: stage.follows(NICE, PARIS), 30, "nice goes past lyon", pause_s=0.05)
    print(f"\nlyon's server is killed. After {time.monotonic() - began:.1f} s nice goes past it and follows paris:", flush=True)
    for line in stage.log(NICE).splitlines()[-5:]:
        print(f"  {line}")
    show(stage, "Two sites go on.")

    stage.servers[LYON].start()
    began = time.monotonic()
    stage.wait_whole(60)
    print(f"\nlyon's server is started again. After {time.monotonic() - began:.1f} s it has caught up and nice follows it again.", flush=True)
    written = writers.stop()
    lacking = stage.wait_everywhere(written)
    shown = show(stage, "The ring is whole.")
    print(f"\n{len(written)} writes were acknowledged at the three sites; {sum(len(keys) for keys in lacking.values())} are missing anywhere.")
    print("\nFor servers of your own: README.md, from a master and its slave to a ring of two; `build/roundabout init` writes the configuration.")
    stage.end()
    sys.exit(1 if lacking or shown else 0)


if __name__ == "__main__":
    main()
