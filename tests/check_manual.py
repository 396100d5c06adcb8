#!/usr/bin/env python3
"""Checks that the manual, --help and the completion tell of the same verbs and options.

usage: check_manual.py BUILD, where BUILD has the programs and man/

What a program prints with --help is the measure: `roundabout` lists its verbs, and each verb its options.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

OPTION = re.compile(r"^ +(?:-(\w), )?--([a-z][a-z-]*)|^ +-(\w) ", re.M)
COMPLETION = "packaging/roundabout.bash"
faults, passed, skipped = [], 0, 0


def claim(holds, fault):
    global passed
    if holds:
        passed += 1
    else:
        faults.append(fault)


def output(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env={**os.environ, **environment}, timeout=60)
    return done.returncode, done.stdout, done.stderr


def options(text):
    """Long options, and short ones that have no long form, of what --help prints."""
    return {"-" + (long if long else short) for _, long, short in OPTION.findall(text)} - {"-help"}


def members(value, found):
    """Names of members in a JSON value, but those that are names of something else: sites, reasons, causes."""
    for name, member in value.items() if isinstance(value, dict) else ():
        found.add(name)
        if name not in ("lag_ms", "reasons", "fallbacks"):
            members(member, found)
    for member in value if isinstance(value, list) else ():
        members(member, found)
    return found


def check_status(build, page):
    """Each member of the status as JSON stands in its part of the manual, and the other way round."""
    told = set()
    for picture in ("healthy", "bypassed", "stopped", "paused", "unknown"):
        members(json.loads(output(f"{build}/tests/unit/print_shown", "status", picture)[1]), told)
    part = page.split(".Ss The status as JSON")[-1].split(".Sh EVENTS")[0]
    listed = part[part.index(".Bl"):] if ".Bl" in part else ""
    named = {word for line in re.findall(r"^\.(?:It )?Cm (.*)$", listed, re.M) for word in re.findall(r"[a-z]\w+", line)}
    claim(told == named, f"/status.json has {sorted(told - named)}, which roundaboutd.8 hasn't; it has {sorted(named - told)}, which isn't there")


def names_in(section):
    """What a part of a page documents: the long names of its list items, or short ones that stand alone."""
    found = set()
    for item in re.findall(r"^\.It Fl (.*)$", section, re.M):
        words = re.findall(r"(?:^|Fl |, (?!Fl))(-?[A-Za-z0-9][a-z-]*)", item)
        long = [word for word in words if word.startswith("-")]
        found |= {"-" + word[1:] for word in long} or {"-" + words[0]}
    return found


def compare(name, told, section, text=""):
    listed = re.findall(r"^\.It Fl (.*)$", text, re.M)
    claim(len(listed) == len(set(listed)), f"{name}: the manual has an option twice")
    for option in sorted(told - section):
        claim(False, f"{name}: --help has -{option}, the manual hasn't")
    for option in sorted(section - told):
        claim(False, f"{name}: the manual has -{option}, --help hasn't")
    claim(True, "")


def completed(build, *words, function="roundabout", folder=None):
    """What bash offers behind these words, the last of which is incomplete."""
    script = (f"source {os.path.abspath(COMPLETION)}; COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}; "
              f"_{function}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, cwd=folder,
                          env={**os.environ, "PATH": os.path.abspath(build) + ":" + os.environ["PATH"]})
    claim(not done.stderr, f"the completion of {words} says {done.stderr}")
    return set(done.stdout.splitlines()) - {""}


def check_verbs(build, page):
    status, text, _ = output(f"{build}/roundabout", "--help")
    verbs = re.findall(r"^  (\w+) ", text.split("verbs:\n")[1], re.M)
    claim(status == 0 and verbs, "roundabout --help lists no verbs")
    versions = [output(f"{build}/{program}", "--version")[1].split()[-1:] for program in ("roundabout", "roundaboutd")]
    claim(versions[0] and versions[0] == versions[1], f"the programs say other versions: {versions}")
    parts = dict(re.findall(r"^\.Ss (\w+)(.*?)(?=^\.Ss |^\.Sh )", page, re.M | re.S))
    for verb in sorted(set(parts) - set(verbs)):
        claim(False, f"roundabout.1 has the verb {verb}, which isn't one")
    claim(completed(build, "roundabout", "") >= set(verbs), f"the completion offers {completed(build, 'roundabout', '')}, not all verbs")
    for verb in verbs:
        status, text, error = output(f"{build}/roundabout", verb, "--help")
        claim(status == 0 and not error and text.startswith(f"usage: roundabout {verb}"), f"{verb} --help says no usage")
        claim(output(f"{build}/roundabout", verb, "-h")[1] == text, f"{verb} -h is not as {verb} --help")
        claim(max(map(len, text.splitlines()), default=0) <= 140, f"{verb} --help has lines of more than 140 characters")
        claim(verb in parts, f"roundabout.1 has no part `.Ss {verb}`")
        compare(verb, options(text), names_in(parts.get(verb, "")), parts.get(verb, "") if verb not in ("ring", "observe") else "")
        check_subverbs(build, verb, page)
        offered = completed(build, "roundabout", verb, "-")
        wanted = {"-" + o if len(o) > 2 else o for o in options(text)}
        claim(offered >= wanted, f"the completion of {verb} offers {sorted(offered)}, not {sorted(wanted - offered)}")


def check_subverbs(build, verb, page):
    """The verbs of a verb, each with a part of its own."""
    text = output(f"{build}/roundabout", verb, "--help")[1]
    if "verbs:\n" not in text:
        return
    parts = dict(re.findall(rf"^\.Ss {verb} (?:Cm )?([\w-]+)(.*?)(?=^\.Ss |^\.Sh )", page, re.M | re.S))
    verbs = re.findall(r"^  ([\w-]+) ", text.split("verbs:\n")[1].split("\n\n")[0], re.M)
    claim(sorted(verbs) == sorted(parts), f"{verb} --help lists {sorted(verbs)}, roundabout.1 {sorted(parts)}")
    for name in verbs:
        status, text, error = output(f"{build}/roundabout", verb, name, "--help")
        claim(status == 0 and not error and text.startswith(f"usage: roundabout {verb} {name}"), f"{verb} {name} --help says no usage")
        claim(max(map(len, text.splitlines()), default=0) <= 140, f"{verb} {name} --help has lines of more than 140 characters")
        compare(f"{verb} {name}", options(text), names_in(parts.get(name, "")))
        wanted = {"-" + o if len(o) > 2 else o for o in options(text)}
        offered = completed(build, "roundabout", verb, name, "-")
        claim(offered >= wanted, f"the completion of {verb} {name} offers {sorted(offered)}, not {sorted(wanted - offered)}")


def check_plain(build, program, page):
    """A program without verbs."""
    _, text, _ = output(f"{build}/{program}", "--help")
    compare(program, options(text), names_in(page), page)
    wanted = {"-" + o for o in options(text)}
    claim(len(wanted) > 2 and completed(build, program, "-", function="roundabout_plain") >= wanted, f"the completion of {program} lacks options")


def check_completion(build):
    """Words that aren't options."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a file", "other"):
            with open(os.path.join(folder, name), "w", encoding="utf-8"):
                pass
        files = {"a file", "other"}
        for words, wanted in ((("status", "-f", ""), files), (("status", "--config", "a"), {"a file"}), (("status", "--config", "=", "o"), {"other"}),
                              (("status", "--config", "="), files), (("init", "-o", ""), files), (("stats", "--directory", ""), set()),
                              (("ring", "jo"), {"join"}), (("ring", "join", ""), set()), (("observe", ""), {"report"}), (("status", ""), set()),
                              (("explain", "--database", ""), set()), (("st",), {"status", "stats"})):
            got = completed(build, "roundabout", *words, folder=folder)
            claim(got == wanted, f"behind roundabout {' '.join(words)} the completion offers {got}, not {wanted}")
        got = completed(build, "roundaboutd", "-f", "a", function="roundabout_plain", folder=folder)
        claim(got == {"a file"}, f"behind roundaboutd -f the completion offers {got}")


def check_pages(pages):
    global skipped
    for tool, command in (("man", ["man", "--warnings", "-l"]), ("mandoc", ["mandoc", "-Tlint", "-Wwarning"])):
        if not shutil.which(tool):
            skipped += len(pages)
            continue
        for page in pages:
            _, out, error = output(*command, page, MANPAGER="cat", MANWIDTH="100", LC_ALL="C.UTF-8")
            said = error if tool == "man" else "".join(line for line in out.splitlines(True) if "outdated mandoc.db" not in line)
            claim(not said.strip(), f"{tool}: {page}: {said.strip()[:300]}")
    known = {os.path.basename(page).rsplit(".", 1)[0]: os.path.basename(page).rsplit(".", 1)[1] for page in pages}
    for page in pages:
        with open(page, encoding="utf-8") as file:
            for name, section in re.findall(r"^\.Xr (\S+) (\d)", file.read(), re.M):
                if "roundabout" in name:
                    claim(known.get(name) == section, f"{page} points to {name}({section}), which isn't there")


def main():
    build = sys.argv[1]
    pages = [os.path.join(build, "man", name) for name in sorted(os.listdir(os.path.join(build, "man")))]
    texts = {}
    for page in pages:
        with open(page, encoding="utf-8") as file:
            texts[os.path.basename(page)] = file.read()
    check_verbs(build, texts["roundabout.1"])
    check_plain(build, "roundaboutd", texts["roundaboutd.8"])
    check_status(build, texts["roundaboutd.8"])
    check_plain(build, "roundabout-bench", texts["roundabout-bench.1"])
    check_completion(build)
    check_pages(pages)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{passed} passed, {len(faults)} failed, {skipped} skipped")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
