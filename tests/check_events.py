#!/usr/bin/env python3
"""Checks that the manual's events and the daemon's list of them agree: name, mark and sentence.

usage: check_events.py daemon/event.h man/roundaboutd.8
"""
import re
import sys


def main():
    header, manual = (open(path, encoding="utf-8").read() for path in sys.argv[1:])
    listed = [(name, told == "true", sentence)
              for name, told, sentence in re.findall(r'X\(\w+,\s*(\w+),\s*(true|false),\s*"([^"]+)"\)', header)]
    told = [(name, bool(star), sentence)
            for name, star, sentence in re.findall(r"^\.It Cm (\w+)( \*)?\n(.*)\.$", manual.split(".Sh EVENTS")[1].split(".Sh FILES")[0], re.M)]
    faults = [f"{event[0]}: daemon/event.h and man/roundaboutd.8 differ" for event in set(listed) ^ set(told)]
    for fault in sorted(set(faults)):
        print(fault, file=sys.stderr)
    print(f"{len(listed)} events, {len(set(faults))} faults")
    return 1 if faults or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
