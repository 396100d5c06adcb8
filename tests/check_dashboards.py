#!/usr/bin/env python3
"""Checks that the Grafana dashboard and the alert rules ask only for what /metrics prints: names, labels, label values.

usage: check_dashboards.py PRINT_SHOWN contrib/grafana/roundabout.json contrib/prometheus/roundabout.rules.yml

What is printed is that of the tests' pictures (tests/unit/print_shown.c). Prometheus' own promtool looks at rules and metrics, too, where
tests/promtool can have it.
"""
import json
import os
import re
import subprocess
import sys

PICTURES = ("healthy", "bypassed", "stopped", "unknown")
OUTSIDE = {"instance", "job"}  # what Prometheus adds


def print_shown(program, *words):
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout


def printed(program):
    """{series: {label: values}} of all pictures."""
    found = {}
    for picture in PICTURES:
        for line in print_shown(program, "metrics", picture).splitlines():
            if line and not line.startswith("#"):
                name, labels = re.match(r"(\w+)(?:\{(.*)\})? \S+$", line).groups()
                series = found.setdefault(name, {})
                for label, value in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""):
                    series.setdefault(label, set()).add(value)
    return found


def faults_of(place, expression, known, legend=""):
    """What is wrong with one PromQL expression and the labels that its text shows."""
    names = re.findall(r"\broundabout_\w+", expression)
    if not names:
        yield f"{place}: no metric of ours in {expression}"
    for name in names:
        if name not in known:
            yield f"{place}: /metrics prints no {name}"
    labels_of = {label for name in names for label in known.get(name, {})} | OUTSIDE
    for name, matchers in re.findall(r"\b(roundabout_\w+)\{([^}]*)\}", expression):
        for label, operator, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers):
            if label not in OUTSIDE and label not in known.get(name, {}):
                yield f"{place}: {name} has no label {label}"
            elif label not in OUTSIDE and operator in ("=", "!=") and value not in known[name][label]:
                yield f"{place}: {name} has no {label} {value}"
    aggregated = re.search(r"\bby \(([^)]*)\)", expression)
    kept = {word.strip() for word in aggregated.group(1).split(",")} if aggregated else labels_of
    for label in kept - labels_of:
        yield f"{place}: by {label}, which it hasn't got"
    for label in re.findall(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}", legend):
        if label not in kept:
            yield f"{place}: its text shows {label}, which it hasn't got"


def dashboard_faults(path, known):
    dashboard = json.load(open(path, encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield from faults_of(f"{path}: {panel['title']}", target["expr"], known, target["legendFormat"])
    for variable in dashboard["templating"]["list"]:
        for name in re.findall(r"roundabout_\w+", json.dumps(variable)):
            if name not in known:
                yield f"{path}: variable {variable['name']}: /metrics prints no {name}"


def rule_faults(path, known):
    text = open(path, encoding="utf-8").read()
    rules = re.split(r"^ +- alert: ", text, flags=re.M)[1:]
    if not rules:
        yield f"{path}: no rules"
    for rule in rules:
        expression = re.search(r"^ +expr: (.*)$", rule, re.M)
        if not expression or "severity:" not in rule or "summary:" not in rule:
            yield f"{path}: {rule.split()[0]}: expr, severity or summary is missing"
        else:
            yield from faults_of(f"{path}: {rule.split()[0]}", expression.group(1), known, rule.replace("{{ $value }}", ""))


def main():
    program, dashboard, rules = sys.argv[1:]
    known = printed(program)
    families = print_shown(program, "names").split()
    faults = list(dashboard_faults(dashboard, known)) + list(rule_faults(rules, known))
    faults += [f"{family} is in the list but printed for no picture" for family in families
               if not any(name == family or re.fullmatch(family + "_(bucket|sum|count)", name) for name in known)]
    had = subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "promtool")], capture_output=True, text=True)
    promtool = had.stdout.strip()
    if promtool:
        text = "".join(print_shown(program, "metrics", "healthy"))
        scenarios = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "alerts.yml")
        for words, given in (([promtool, "check", "rules", rules], None), ([promtool, "test", "rules", scenarios], None),
                             ([promtool, "check", "metrics"], text)):
            run = subprocess.run(words, input=given, capture_output=True, text=True)
            if run.returncode:
                faults.append(f"{' '.join(words[1:])}: {run.stdout}{run.stderr}")
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(known)} series of {len(families)} families, {len(faults)} faults")
    if not promtool:
        print(f"skip: no promtool here: {had.stderr.strip()[-200:]}")
    print(f"{0 if faults else 1 + bool(promtool)} passed, {1 if faults else 0} failed, {0 if promtool else 1} skipped")
    return 1 if faults or not known else 0


if __name__ == "__main__":
    sys.exit(main())
