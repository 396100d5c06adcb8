#!/usr/bin/python3
"""How much faster a cache is with Roundabout, and what it costs the rest: make bench, make bench-quick

Throwaway servers, a relay that makes 80 ms of distance, and roundabout-bench in all arms, which take turns in each round. The arms that wait for the far main
master run side by side, as they do nothing but wait; all others run alone. For latencies the client, the servers and the relay are on one
processor (waking another one costs more than what is measured); for throughput they have all. A figure is the median of the rounds; a ratio is the median of the rounds'
own ratios. One arm runs twice (the A/A control): as far as those two differ, a difference is noise.

Prints one table with the goals beside it, and writes bench/out/bench.json and bench/out/report.html."""

import argparse
import json
import os
import statistics
import sys
import time

import arms
import machine
import report
from arms import CROWD, FAR, NEAR, REDO, ROUND_TRIP_MS, SILENT, WAYS, Stage

OUT = os.path.join(arms.HERE, "out")
CONNECT_TIMEOUT_S = 1  # the default of local.connect_timeout_s


def p(arm, kind, share="p50"):
    """A figure of a round, in us."""
    return lambda results: results[arm]["kinds"][kind][f"{share}_us"]


def rate(arm):
    return lambda results: results[arm]["requests_per_s"]


def ratio(over, under):
    return lambda results: over(results) / under(results)


def statement(arm):
    """The mean of all statements of an arm behind the first."""
    def mean(results):
        kinds = [results[arm]["kinds"][kind] for kind in ("replace", "select")]
        return sum(kind["mean_us"] * kind["count"] for kind in kinds) / sum(kind["count"] for kind in kinds)
    return mean


def median_statement(arm):
    return lambda results: (p(arm, "replace")(results) + p(arm, "select")(results)) / 2


def silent_delay(results):
    """Against a local master that refuses at once, which has the same questions to main."""
    return (p("s", "first")(results) - p("e", "first")(results)) / 1e6 / CONNECT_TIMEOUT_S


# (name, what, ratio of a round, "<=" or ">=", goal, the A/A control's like ratio or None)
RATIOS = [
    ("thirty", "30 REPLACEs 80 ms away, bare / routed", ratio(p("a", "replace", "mean"), p("c", "replace", "mean")), ">=", 300, None),
    ("request_p50", "request routed / straight to the local master, p50", ratio(p("c", "request"), p("b", "request")), "<=", 1.02,
     ratio(p("b2", "request"), p("b", "request"))),
    ("request_p99", "... p99", ratio(p("c", "request", "p99"), p("b", "request", "p99")), "<=", 1.10,
     ratio(p("b2", "request", "p99"), p("b", "request", "p99"))),
    ("replace_p50", "... a REPLACE, p50", ratio(p("c", "replace"), p("b", "replace")), "<=", None, ratio(p("b2", "replace"), p("b", "replace"))),
    ("select_p50", "... a SELECT, p50", ratio(p("c", "select"), p("b", "select")), "<=", None, ratio(p("b2", "select"), p("b", "select"))),
    ("prepared_p50", "... by prepared statements, p50", ratio(p("cp", "request"), p("bp", "request")), "<=", 1.10,
     ratio(p("b2", "request"), p("b", "request"))),
    ("send_read_p50", "... sent and read by two calls, p50", ratio(p("cs", "request"), p("bs", "request")), "<=", 1.10,
     ratio(p("b2", "request"), p("b", "request"))),
    ("passed_off", "statement passed, preloaded with nothing listed / bare, p50", ratio(median_statement("d"), median_statement("b")), "<=", 1.005,
     ratio(median_statement("b2"), median_statement("b"))),
    ("passed_on", "statement passed, another table than the listed / bare, p50", ratio(median_statement("p"), median_statement("q")), "<=", 1.005,
     ratio(median_statement("b2"), median_statement("b"))),
    ("down", "local master down, steady state / bare 80 ms away", ratio(statement("e"), statement("a")), "<=", 1.01, None),
    ("silent", "local master silent: first statement's delay / connect timeout", silent_delay, "<=", 1.01, None),
    ("silent_steady", "... steady state / bare 80 ms away", ratio(statement("s"), statement("a")), "<=", 1.01, None),
    ("crowd", "16 threads, routed / bare local, requests a second", ratio(rate("c16"), rate("b16")), ">=", 0.97, ratio(rate("b16b"), rate("b16"))),
]
# (name, what, figure of a round, unit)
FIGURES = [
    ("far", "request, bare, main 80 ms away, p50", p("a", "request"), "ms"),
    ("straight", "request, bare, straight to the local master, p50", p("b", "request"), "ms"),
    ("routed", "request, routed, p50", p("c", "request"), "ms"),
    ("straight_replace", "REPLACE, bare, straight to the local master, p50", p("b", "replace"), "us"),
    ("routed_replace", "REPLACE, routed, p50", p("c", "replace"), "us"),
    ("straight_select", "SELECT, bare, straight to the local master, p50", p("b", "select"), "us"),
    ("routed_select", "SELECT, routed, p50", p("c", "select"), "us"),
    ("down_first", "local master down (refused): first cache statement", p("e", "first"), "ms"),
    ("silent_first", "local master silent: first cache statement", p("s", "first"), "ms"),
    ("silent_mean", "local master silent: any other statement, mean", statement("s"), "ms"),
    ("page_bare", "page with a fresh connection, bare, main 80 ms away", p("f", "request"), "ms"),
    ("page", "page with a fresh connection, preloaded", p("g", "request"), "ms"),
    ("crowd_straight", "16 threads, bare local, requests a second", rate("b16"), "/s"),
    ("crowd_routed", "16 threads, routed, requests a second", rate("c16"), "/s"),
    ("cpu_straight", "client's processor time a request, bare local", lambda results: cpu_us(results["b"]), "us"),
    ("cpu_routed", "client's processor time a request, routed", lambda results: cpu_us(results["c"]), "us"),
]


def cpu_us(result):
    return (result["user_s"] + result["system_s"]) * 1e6 / result["kinds"]["request"]["count"]


def of_rounds(rounds, figure):
    """The figure of each round that has its arms."""
    values = []
    for results in rounds:
        try:
            values.append(figure(results))
        except KeyError:
            continue
    return values


def turned(things, by):
    by %= len(things)
    return things[by:] + things[:by]


class Bench:
    def __init__(self, options):
        self.options = options
        self.all_cpus = sorted(os.sched_getaffinity(0))
        self.one_cpu = self.all_cpus[-1:]
        self.rounds = {name: [] for name in REDO}
        self.stage = Stage()

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def run_round(self, redo, number, far):
        stage, results = self.stage, {}
        stage.pin(self.one_cpu)
        if far:
            results.update(stage.run_side_by_side(FAR if self.options.quick else FAR + [SILENT], self.one_cpu))
        # The other ways to send are told by the cheaper of the two servers, where the shim's share shows.
        for arm in turned(NEAR + (WAYS if redo == list(REDO)[-1] else []), number):
            before = stage.written()
            results[arm.key] = stage.run(arm, self.one_cpu, "-T", str(self.options.seconds), "--warmup", "5")
            self.check_where(arm, before, stage.written())
        stage.pin(self.all_cpus)
        for arm in turned(CROWD, number) if far else []:
            results[arm.key] = stage.run(arm, self.all_cpus, "-T", str(self.options.crowd_seconds), "--warmup", "2")
        self.rounds[redo].append(results)

    @staticmethod
    def check_where(arm, before, after):
        """An arm that ran elsewhere than it says would be a wrong figure."""
        at_main, at_local = (now - then for now, then in zip(after, before))
        if at_main or not at_local:
            raise SystemExit(f"arm {arm.key} ({arm.title}): {at_main} REPLACEs ran at main and {at_local} at the local master")

    def run(self):
        for number in range(self.options.rounds):
            for redo in REDO:
                # How a far server keeps its redo log is lost in 80 ms, and many threads share one flush: a quick run asks once a round.
                far = not self.options.quick or redo == list(REDO)[-1]
                self.say(f"round {number + 1} of {self.options.rounds}, InnoDB's redo log: {redo}")
                self.stage.set_redo(redo)
                self.run_round(redo, number, far)

    def settings(self):
        found = {}
        for redo in REDO:
            self.stage.set_redo(redo)
            found[redo] = machine.settings_of(self.stage.local)
        return found


def judge(value, relation, goal, control):
    """The verdict of a ratio; `control` holds the A/A control's ratios."""
    if goal is None:
        return ""
    if (value <= goal) if relation == "<=" else (value >= goal):
        return "met"
    noise = max((abs(one - 1) for one in control), default=0)
    return "in the noise" if abs(value - goal) <= noise else "MISSED"


def summarize(rounds_of):
    """What table and report show: {redo: {"ratios": [...], "figures": [...]}}"""
    summary = {}
    everything = [results for rounds in rounds_of.values() for results in rounds]
    for redo, rounds in rounds_of.items():
        ratios, figures = [], []
        for name, what, of, relation, goal, control in RATIOS:
            values, controls = of_rounds(rounds, of), of_rounds(rounds, control) if control else []
            if not values:
                continue
            value = statistics.median(values)
            ratios.append({"name": name, "what": what, "relation": relation, "goal": goal, "value": value, "rounds": values, "control": controls,
                           "verdict": judge(value, relation, goal, controls)})
        for name, what, of, unit in FIGURES:
            values = of_rounds(rounds, of) or of_rounds(everything, of)
            if values:
                scale = 1000 if unit == "ms" else 1
                figures.append({"name": name, "what": what, "unit": unit, "value": statistics.median(values) / scale,
                                "low": min(values) / scale, "high": max(values) / scale})
        summary[redo] = {"ratios": ratios, "figures": figures}
    return summary


def print_table(summary):
    for redo, parts in summary.items():
        print(f"\nInnoDB's redo log: {redo}")
        print(f"  {'':66} {'median':>10} {'lowest':>10} {'highest':>10}")
        for row in parts["figures"]:
            print(f"  {row['what']:66} {row['value']:10.2f} {row['low']:10.2f} {row['high']:10.2f} {row['unit']}")
        print(f"  {'ratios, of the rounds':66} {'median':>10} {'lowest':>10} {'highest':>10} {'A/A':>16} {'goal':>9}")
        for row in parts["ratios"]:
            control = f"{min(row['control']):.3f} .. {max(row['control']):.3f}" if row["control"] else ""
            goal = f"{row['relation']} {row['goal']:g}" if row["goal"] is not None else ""
            print(f"  {row['what']:66} {row['value']:10.3f} {min(row['rounds']):10.3f} {max(row['rounds']):10.3f} {control:>16} {goal:>9}"
                  f" {row['verdict']}")


def page_parts(rounds, round_trip_ms):
    """Where the time of a page with a fresh connection goes, bare and preloaded: [(what, bare ms, preloaded ms)]."""
    def total(arm, kind, times=None):
        def of(results):
            kinds = results[arm]["kinds"]
            if kind not in kinds:
                return 0
            each = kinds[kind]["mean_us"] / 1000
            requests = results[arm]["kinds"]["request"]["count"]
            return each * (kinds[kind]["count"] / requests if times is None else times)
        return statistics.median(of_rounds(rounds, of))
    rows = []
    for kind, what in (("connect", "connecting to main"), ("other", "2 other statements, at main"),
                       ("first", "the first cache statement"), ("replace", "the other REPLACEs"), ("select", "the SELECTs")):
        rows.append({"what": what, "bare_ms": total("f", kind), "preloaded_ms": total("g", kind),
                     "preloaded_trips": total("g", kind) / round_trip_ms, "bare_trips": total("f", kind) / round_trip_ms})
    return rows


def print_page(rows):
    print(f"\nwhere the time of a page goes: {'bare':>27} {'':>12} {'preloaded':>10}")
    for row in rows:
        print(f"  {row['what']:40} {row['bare_ms']:10.1f} ms {row['bare_trips']:5.1f} trips {row['preloaded_ms']:10.1f} ms"
              f" {row['preloaded_trips']:5.1f} trips")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under a minute")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each latency arm in each round")
    parser.add_argument("--crowd-seconds", type=float, help="of each throughput arm in each round")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (0.3 if options.quick else 2)
    options.crowd_seconds = options.crowd_seconds or (0.4 if options.quick else 3)
    for path in (arms.SHIM, arms.PROGRAM, os.path.join(arms.servers.BUILD, "wan")):
        if not os.path.exists(path):
            sys.exit(f"{path} is not built; run make")
    began = time.time()
    described = machine.describe(arms.servers.BUILD)
    if os.getloadavg()[0] > 0.5:
        print(f"This machine is busy (load {os.getloadavg()[0]:.1f}): look at the A/A control before believing a figure.", file=sys.stderr)
    bench = Bench(options)
    bench.run()
    summary = summarize(bench.rounds)
    far_rounds = [results for rounds in bench.rounds.values() for results in rounds if "g" in results]
    page = page_parts(far_rounds, ROUND_TRIP_MS)
    print_table(summary)
    print_page(page)
    sample = bench.rounds[list(REDO)[0]][0]["b"]
    print(f"\nMaking a statement's text takes roundabout-bench {sample['build_ns']:.0f} ns, outside the statement's time; reading the clock for it"
          f" {sample['clock_ns']:.0f} ns, inside.")
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "bench.json"), "w", encoding="utf-8") as file:
        json.dump({"command": "make bench-quick" if options.quick else "make bench", "when": time.strftime("%Y-%m-%d %H:%M", time.localtime(began)),
                   "took_s": time.time() - began, "round_trip_ms": ROUND_TRIP_MS, "rounds_count": options.rounds, "machine": described,
                   "settings": bench.settings(), "arms": {arm.key: arm.title for arm in NEAR + WAYS + FAR + [SILENT] + CROWD},
                   "summary": summary, "page": page, "build_ns": sample["build_ns"], "clock_ns": sample["clock_ns"],
                   "rounds": bench.rounds}, file)
    print(f"{report.write(OUT)}: the same as a page, with curves; {time.time() - began:.0f} s in all")
    goals = [row for parts in summary.values() for row in parts["ratios"] if row["goal"] is not None]
    count = {word: sum(row["verdict"] == word for row in goals) for word in ("met", "in the noise", "MISSED")}
    print(f"{count['met']} goals met, {count['in the noise']} missed by less than the noise, {count['MISSED']} missed"
          + "".join(f"\n  missed: {row['what']}: {row['value']:.3f}" for row in goals if row["verdict"] == "MISSED"))


if __name__ == "__main__":
    main()
