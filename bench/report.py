"""bench/out/report.html: one page, with nothing outside of it, of what the benches have left in bench/out/."""

import html
import json
import os
import statistics
import sys

import plots

STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; background: #fff; max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: 1em 0; } th, td { padding: .2em .8em; text-align: right; border-bottom: 1px solid #e4e4e4; }
td:not(:first-child) { white-space: nowrap; }
th { background: #f4f4f4; } th:first-child, td:first-child { text-align: left; }
.met { color: #19692f; } .missed { color: #b3261e; font-weight: bold; } .noise { color: #8a6d00; }
.note { color: #555; } svg { max-width: 100%; height: auto; } code { background: #f4f4f4; padding: 0 .2em; }
"""
CLASSES = {"met": "met", "ok": "met", "MISSED": "missed", "in the noise": "noise"}


def text(value):
    return html.escape(str(value))


def number(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return text(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(head, rows):
    """Cells are HTML already."""
    lines = ["<table><tr>" + "".join(f"<th>{text(cell)}</th>" for cell in head) + "</tr>"]
    for row in rows:
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>")
    return "\n".join(lines) + "</table>"


def verdict(word):
    return f'<span class="{CLASSES.get(word, "")}">{text(word)}</span>'


def merged_curve(rounds, arm, kind="request"):
    """[(ms, share)]: at each share the median of the rounds that go so far."""
    by_share = {}
    for results in rounds:
        if arm in results and "curve" in results[arm]["kinds"].get(kind, {}):
            for us, share in results[arm]["kinds"][kind]["curve"]:
                by_share.setdefault(round(share, 7), []).append(us / 1000)
    most = max((len(values) for values in by_share.values()), default=0)
    return sorted((statistics.median(values), share) for share, values in by_share.items() if len(values) == most)


def near_curves(bench, redo, rounds, place):
    arms = bench["arms"]
    series = [(f"{arm}: {arms[arm]}", merged_curve(rounds, arm)) for arm in ("b", "b2", "c", "d", "p")]
    end = max(ms for _, points in series for ms, share in points if share <= 0.99) * 1.3
    return plots.curves(f"near{place}", f"A request near by (redo log: {redo})", series, False, end)


def far_curves(bench, rounds):
    arms = bench["arms"]
    series = [(f"{arm}: {arms[arm]}", merged_curve(rounds, arm)) for arm in ("a", "e", "f", "g", "b", "c")]
    return plots.curves("far", "A request, all arms (logarithmic)", [row for row in series if row[1]], True)


def ratio_plot(redo, parts, place):
    series, values = [], []
    for row in parts["ratios"]:
        if row["name"] in ("request_p50", "passed_off", "passed_on", "crowd"):
            series.append((row["what"].replace(" straight to the local master", " straight"), row["rounds"]))
            values += row["rounds"]
            if row["name"] in ("request_p50", "crowd"):
                series.append(("A/A control of it", row["control"]))
                values += row["control"]
    low, high = min(values + [0.98]), max(values + [1.02])
    return plots.ratios(f"ratios{place}", f"The rounds' own ratios (redo log: {redo})", series, (low - 0.01, high + 0.01))


def bench_section(bench):
    yield "<h2>How much faster, and what it costs the rest</h2>"
    yield (f"<p><code>{text(bench['command'])}</code>, {text(bench['when'])}: {bench['rounds_count']} rounds in which all arms take turns, {bench['took_s']:.0f} s. "
           "A request is 30 REPLACEs and 30 SELECTs of 100 bytes unless it says otherwise. A ratio is the median of the rounds' own ratios; A/A is the same ratio of an arm "
           "with itself, and what is smaller than its spread is noise. "
           f"A text takes roundabout-bench {bench['build_ns']:.0f} ns to make, outside its time, and reading the clock {bench['clock_ns']:.0f} ns, inside.</p>")
    for redo, parts in bench["summary"].items():
        yield f"<h3>InnoDB's redo log: {text(redo)}</h3>"
        yield table(["ratio", "median", "lowest", "highest", "A/A", "goal", ""], [
            [text(row["what"]), number(row["value"]), number(min(row["rounds"])), number(max(row["rounds"])),
             f"{number(min(row['control']))} to {number(max(row['control']))}" if row["control"] else "",
             text(f"{row['relation']} {row['goal']:g}") if row["goal"] is not None else "", verdict(row["verdict"])] for row in parts["ratios"]])
        yield table(["", "median", "lowest", "highest", ""], [
            [text(row["what"]), number(row["value"]), number(row["low"]), number(row["high"]), text(row["unit"])] for row in parts["figures"]])
    all_rounds = [results for rounds in bench["rounds"].values() for results in rounds]
    for place, (redo, rounds) in enumerate(bench["rounds"].items()):
        yield near_curves(bench, redo, rounds, place)
        yield ratio_plot(redo, bench["summary"][redo], place)
    yield far_curves(bench, all_rounds)


def page_section(bench):
    rows = bench["page"]
    trip = bench["round_trip_ms"]
    yield "<h2>Where the time of a page with a fresh connection goes</h2>"
    yield (f"<p>The page connects to main, {trip} ms away, asks it SELECT 1, runs 30 REPLACEs and 30 SELECTs on the cache, and asks SELECT 1 again.</p>")
    yield plots.stacked("page", "A page with a fresh connection", ["bare", "preloaded"],
                        [(row["what"], [row["bare_ms"], row["preloaded_ms"]]) for row in rows])
    yield table(["", "bare, ms", "round trips", "preloaded, ms", "round trips"], [
        [text(row["what"]), f"{row['bare_ms']:.2f}", f"{row['bare_trips']:.1f}", f"{row['preloaded_ms']:.2f}", f"{row['preloaded_trips']:.1f}"] for row in rows])
    spent = sum(row["preloaded_trips"] for row in rows)
    connect = next(row for row in rows if row["what"].startswith("connecting"))
    first = next(row for row in rows if row["what"].startswith("the first"))
    yield (f"<p>What is left of the page takes {spent:.1f} round trips to main: {connect['preloaded_trips']:.1f} for connecting (TCP's handshake, the server's greeting, the login), which a pool "
           "of connections, or a proxy that keeps one, saves; those of the two statements that belong to main; and "
           f"{first['preloaded_trips']:.1f} in the first cache statement, where the shim asks main for the session's settings, so that the local master runs the statement under the same "
           "ones. The application keeps its own connection to main in any case: the shim changes nothing there. With a connection that is kept, all but main's own statements are gone.</p>")


def overhead_more(rows):
    """What the table of calls leaves out: counting, crowds, sizes, memory, and a program that never uses MySQL."""
    counting = [row for row in rows if row["case"].startswith("counting ")]
    crowds = [row for row in rows if "bare" in row and "takes" not in row and not row.get("size")]
    sizes = [row for row in rows if row.get("size")]
    if counting:
        yield "<h3>Counting</h3>" + table(["call", "threads", "without, ns", "counting adds, ns"], [
            [text(row["case"].removeprefix("counting ")), row["threads"], number(row["uncounted"]), number(row["adds"])] for row in counting])
    if crowds:
        yield "<h3>Many threads and handles</h3>" + table(["call", "threads", "handles", "bare, ns", "adds, ns"], [
            [text(row["case"]), row["threads"], row["handles"], number(row["bare"]), number(row["adds"])] for row in crowds])
        yield ("<p>No lock is taken, however many handles there are. With thousands of them that take turns each call finds its handle cold: the bare call's own time shows what that costs "
               "the library, which reads less of its handle than the shim must read of its record.</p>")
    if sizes:
        smallest = {row["case"]: row for row in reversed(sizes) if row["size"] == min(other["size"] for other in sizes)}
        yield "<h3>Texts by size</h3>" + table(["text", "bytes", "adds, ns", "ns a byte more", "instructions", "went to"], [
            [text(row["case"]), number(row["size"]), number(row["adds"]),
             number((row["adds"] - smallest[row["case"]]["adds"]) / (row["size"] - smallest[row["case"]]["size"])) if row is not smallest[row["case"]] else "",
             number(row.get("instructions")), text(row["where"])] for row in sizes])
    for row in rows:
        if row["case"] == "memory":
            yield (f"<p>Memory that the shim holds for an open handle, with the allocator's own: {row['never_routes_bytes']:.0f} bytes if it never routes, "
                   f"{row['routes_bytes']:.0f} if it does, without the client library's second handle.</p>")
        if row["case"] == "exec":
            yield f"<p>A program that never uses MySQL, from its start to its end: {row['bare_ms']:.3f} ms bare, and {row['adds_ms']:.3f} ms more preloaded.</p>"


def overhead_section(overhead):
    yield "<h2>The shim's own cost</h2><p>Over a client library that answers at once (<code>make bench-overhead</code>): what the shim adds to a call.</p>"
    calls = [row for row in overhead["rows"] if row.get("threads") == 1 and row.get("handles") == 1 and row.get("size") == 0 and "takes" in row]
    yield table(["call", "library", "bare, ns", "adds, ns", "adds, caches cold", "instructions", "allocations", "locks", "system calls", "went to"], [
        [text(row["case"]), text(row["library"]), number(row["bare"]), number(row["adds"]), number(row.get("cold_adds")), number(round(row["instructions"])), number(row["takes"]), number(row["locks"]),
         number(row["system_calls"]), text(row["where"])] for row in calls])
    yield from overhead_more(overhead["rows"])
    yield f"<p>{overhead['met']} goals met" + (f", {len(overhead['missed'])} missed:</p><ul>" if overhead["missed"] else ".</p>")
    yield "".join(f"<li class=missed>{text(line)}</li>" for line in overhead["missed"]) + ("</ul>" if overhead["missed"] else "")


def ring_section(ring):
    yield "<h2>The ring: from commit to visible</h2>"
    yield (f"<p><code>{text(ring['command'])}</code>, {text(ring['when'])}. Each row is a fresh ring that its daemons made. A hop is from a site's COMMIT to its successor; "
           "the last site is the one farthest downstream; a circle is a write that the last site answers with one of its own as soon as it sees it, back to the first. "
           f"Of each figure {ring['floor_ms']:.2f} ms are the tool's own: so long it takes to be told of a write that has been there for long.</p>")
    head = ["servers", "sites", "one way, ms", "", "hop p50, ms", "p90", "max", "last site p50, ms", "p90", "max", "circle p50, ms", "last site by the formula"]
    keys = ["hop_p50_ms", "hop_p90_ms", "hop_max_ms", "last_p50_ms", "last_p90_ms", "last_max_ms", "circle_p50_ms", "formula_last_ms"]
    yield table(head, [[text(row["servers"]), row["sites"], number(row["delay_ms"]), text(row["load"]), *(f"{row[key]:.2f}" for key in keys)] for row in ring["rows"]])
    yield f"<p>{text(ring['formula'])}</p>"
    points, curves = [], []
    for delay in sorted({row["delay_ms"] for row in ring["rows"]}):
        measured = [(row["sites"], row["last_p50_ms"]) for row in ring["rows"] if row["delay_ms"] == delay and row["load"] == "idle" and row["servers"].startswith("MariaDB")]
        if measured:
            points.append((f"{delay:g} ms one way", measured))
            curves.append((f"formula, {delay:g} ms", [(row["sites"], row["last_ms"]) for row in ring["on_paper"] if row["delay_ms"] == delay]))
    if points:
        yield plots.lines("ring", "Until the last site of the ring sees a write", "sites", "milliseconds", points, curves)
    yield table(["sites, on paper", "one way, ms", "last site, ms", "circle, ms"],
                [[row["sites"], number(row["delay_ms"]), number(row["last_ms"]), number(row["circle_ms"])] for row in ring["on_paper"] if row["sites"] in (8, 16, 32, 64)])


def machine_section(machine, settings):
    yield "<h2>Machine, versions, settings</h2>"
    yield table(["", ""], [[text(name), text(value)] for name, value in machine.items()])
    if settings:
        names = list(dict.fromkeys(name for values in settings.values() for name in values))
        yield table(["server variable"] + list(settings), [[text(name)] + [text(values.get(name, "")) for values in settings.values()] for name in names])


def load(out, name):
    try:
        with open(os.path.join(out, name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def write(out):
    """Makes the page of what is there, and returns its path."""
    bench, overhead, ring = (load(out, f"{name}.json") for name in ("bench", "overhead", "ring"))
    parts = []
    try:
        if bench:
            parts += [*bench_section(bench), *page_section(bench)]
        if ring:
            parts += ring_section(ring)
        if overhead:
            parts += overhead_section(overhead)
    except plots.NoGnuplot as e:
        sys.exit(f"report: {e}")
    described = bench or ring
    if described:
        parts += machine_section(described["machine"], described.get("settings"))
    missing = [f"<code>make {command}</code>" for command, there in (("bench", bench), ("bench-ring", ring), ("bench-overhead", overhead)) if not there]
    if missing:
        parts.append(f'<p class="note">Not run yet, and so not in this page: {", ".join(missing)}.</p>')
    path = os.path.join(out, "report.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Roundabout: how fast</title><style>{STYLE}</style></head><body>\n'
                   "<h1>Roundabout: how fast</h1>\n" + "\n".join(parts) + "\n</body></html>\n")
    return path


if __name__ == "__main__":
    print(write(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "out")))
