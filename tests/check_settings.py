#!/usr/bin/env python3
"""Checks that the sample configuration and the table of settings agree.

usage: check_settings.py PRINT_SETTINGS SAMPLE, where PRINT_SETTINGS is the built tests/unit/print_settings.c

Every setting stands in the sample, in force or as a line that begins with #key; every setting with a default
is shown with it; nothing in the sample is unknown.
"""
import re
import subprocess
import sys

# A comment is prose when white space follows its sign, and a setting left alone when none does.
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z*][-\w*]*|[-+]?\d[\w.]*|[{}()\[\]=:;,]')


def table(print_settings):
    """{path: default as the file would say it}, in the table's order."""
    lines = subprocess.run([print_settings], check=True, capture_output=True, text=True).stdout.splitlines()
    fields = [line.split("\t") for line in lines]
    return {path: fallback for path, _, fallback, *_ in fields}


def tokens(text):
    """(line, token) of the sample with all of its settings in force."""
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r"^(\s*)#(?=\S)", r"\1", line)
        line = re.sub(r"^\s*#.*|\s#\s.*|^\s*@include.*", "", line)
        for match in TOKEN.finditer(line):
            yield number, match.group()


def settings(text):
    """(line, path, value) of each setting in the sample; the value of a group or a list of groups is empty."""
    path, closing, found = [], [], []
    word, key, value = None, None, None  # the last token; the key whose value comes next; the value so far
    for line, token in tokens(text):
        if token in "=:":
            key, value = word, []
            found.append((line, ".".join([part for part in path if part] + [key]), value))
        elif token in "({":
            path.append(key)
            closing.append(")" if token == "(" else "}")
            key, value = None, None
        elif closing and token == closing[-1]:
            path.pop()
            closing.pop()
        elif token == ";":
            key, value = None, None
        elif value is not None:
            value.append(token)
        word = token
    return [(line, name, "".join(value)) for line, name, value in found]


def main():
    print_settings, sample = sys.argv[1:]
    known = table(print_settings)
    with open(sample, encoding="utf-8") as file:
        found = settings(file.read())
    faults = [f"{sample}:{line}: {name} is no setting" for line, name, _ in found if name not in known]
    for name, fallback in known.items():
        shown = [(line, value) for line, path, value in found if path == name]
        if not shown:
            faults.append(f"{sample}:1: {name} is missing")
        elif fallback and fallback.replace(" ", "") not in [value for _, value in shown]:
            faults.append(f"{sample}:{shown[0][0]}: {name} is never shown with its default, {fallback}")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(known)} settings, {len(found)} lines of {sample}: {len(faults)} faults")
    return 1 if faults or not known else 0


if __name__ == "__main__":
    sys.exit(main())
