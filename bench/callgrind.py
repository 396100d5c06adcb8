"""What callgrind counted between two points of a program: instructions, system calls and calls of functions."""

import collections
import os
import re
import subprocess


class Count:
    """Of one dump. `own`: {(object, function): instructions of its own}; `calls`: {function: how often it was called}."""

    def __init__(self, instructions, system_calls, own, calls):
        self.instructions, self.system_calls, self.own, self.calls = instructions, system_calls, own, calls

    def calls_of(self, *names):
        """How often functions of these names were called, whatever their symbol's version."""
        return sum(times for name, times in self.calls.items() if name.split("@")[0].split("'")[0] in names)


# A name is written out once a file, as "(7) name", and then stands as "(7)".
NAMED = re.compile(r"\((\d+)\)(?: (.*))?")


def read_dump(path):
    """(what the dump was made at, Count)"""
    names = {"fn": {}, "ob": {}}
    own, calls = collections.Counter(), collections.Counter()
    trigger, events, totals = "", [], []
    here = (None, None)
    inclusive = False  # the next line of cost is a callee's
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            word, _, rest = line.partition("=")
            if word in ("fn", "cfn", "ob", "cob"):
                kind = word[-2:]
                number, name = NAMED.match(rest).groups()
                if name is not None:
                    names[kind][number] = name
                name = names[kind].get(number, "?")
                if word == "ob":
                    here = (name, here[1])
                elif word == "fn":
                    here = (here[0], name)
                elif word == "cfn":
                    called = name
            elif word == "calls":
                calls[called] += int(rest.split()[0])
                inclusive = True
            elif line.startswith("desc: Trigger:"):
                trigger = line.partition("Client Request: ")[2]
            elif line.startswith("events:"):
                events = line.split()[1:]
            elif line.startswith(("totals:", "summary:")) and not totals:
                totals = [int(n) for n in line.split()[1:]]
            elif re.match(r"[0-9+*-]", line):
                if not inclusive:
                    own[here] += int(line.split()[1])
                inclusive = False
    total = dict(zip(events, totals))
    return trigger, Count(total.get("Ir", 0), total.get("sysCount", 0), own, calls)


def run(command, folder, environment, lines):
    """Runs a program under callgrind with these lines of input: {dump's name: Count}."""
    before = set(os.listdir(folder))
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-systime=yes", "--compress-pos=no",
         f"--callgrind-out-file={folder}/dump", *command],
        env=environment, input="".join(line + "\n" for line in lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"under callgrind: status {done.returncode}\n{done.stderr[-2000:]}")
    dumps = {}
    for name in sorted(set(os.listdir(folder)) - before):
        trigger, counted = read_dump(os.path.join(folder, name))
        dumps[trigger] = counted  # "" is what was counted behind the last dump, to the program's end
        os.remove(os.path.join(folder, name))
    return dumps
