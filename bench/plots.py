"""Pictures by gnuplot, as SVG to stand inside a page."""

import math
import re
import shutil
import subprocess

COLOURS = ["#1f5f99", "#c4451c", "#2f8f4e", "#8a5fb0", "#b08a00", "#555555", "#d0669b", "#4bb3c4"]


class NoGnuplot(Exception):
    pass


def svg(name, script, width=860, height=430):
    """Runs a script whose terminal is set; the <svg> element. `name` keeps the ids of several pictures in one page apart."""
    if not shutil.which("gnuplot"):
        raise NoGnuplot("gnuplot is not installed; tests/deps.sh bench installs it")
    head = (f"set terminal svg size {width},{height} dynamic name '{name}' font 'sans-serif,13' background '#ffffff'\n"
            "set encoding utf8\nset border 3 lc rgb '#888888'\nset tics nomirror\nset grid lc rgb '#dddddd'\nset key outside bottom center horizontal\n")
    done = subprocess.run(["gnuplot"], input=head + script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or "<svg" not in done.stdout:
        raise RuntimeError(f"gnuplot: {done.stderr.strip()}")
    return re.sub(r"^.*?(?=<svg)", "", done.stdout, flags=re.S)


def block(name, rows):
    return f"${name} << END\n" + "".join(" ".join(f"{cell:.6g}" for cell in row) + "\n" for row in rows) + "END\n"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def nines(share):
    """The scale of a curve's shares: each step is ten times fewer that took longer."""
    return -math.log10(1 - share)


NINES = "set ytics (" + ", ".join(f"'{text} %%' {nines(share):.5f}" for text, share in
                                  (("0", 0), ("50", .5), ("90", .9), ("99", .99), ("99.9", .999), ("99.99", .9999))) + ")\n"


def curves(name, title, series, log_times, most_ms=None):
    """Distribution curves. series: [(label, [(ms, share)])]"""
    script, plots = "", []
    for i, (label, points) in enumerate(series):
        script += block(f"d{i}", [(ms, nines(share)) for ms, share in points if share < 1])
        plots.append(f"$d{i} using 1:2 with lines lw 2 lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(label)}")
    script += f"set title {quoted(title)}\nset xlabel 'milliseconds'\nset ylabel 'took at most so long'\n" + NINES
    script += "set logscale x\n" if log_times else ""
    script += f"set xrange [0:{most_ms}]\n" if most_ms else ""
    return svg(name, script + "plot " + ", ".join(plots) + "\n")


def ratios(name, title, series, bounds):
    """A point for each round. series: [(label, [ratio])]"""
    script, plots = "", []
    for i, (label, values) in enumerate(series):
        script += block(f"d{i}", [(n + 1, value) for n, value in enumerate(values)])
        dash = "dt 2" if "A/A" in label else ""
        plots.append(f"$d{i} using 1:2 with linespoints pt 7 ps 0.6 lw 1.5 {dash} lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(label)}")
    count = max(len(values) for _, values in series)
    script += (f"set title {quoted(title)}\nset xlabel 'round'\nset ylabel 'ratio'\nset xrange [0.8:{count + 0.2}]\nset xtics 1\n"
               f"set yrange [{bounds[0]}:{bounds[1]}]\nset arrow 1 from graph 0, first 1 to graph 1, first 1 nohead lc rgb '#888888'\n")
    return svg(name, script + "plot " + ", ".join(plots) + "\n", height=400)


def stacked(name, title, labels, parts):
    """Horizontal sums. labels: of the bars; parts: [(what, [ms of each bar])]"""
    script, plots = "", []
    starts = [0.0] * len(labels)
    for i, (what, values) in enumerate(parts):
        rows = [(starts[n], starts[n] + value, n - 0.3, n + 0.3) for n, value in enumerate(values)]
        script += block(f"d{i}", rows)
        starts = [row[1] for row in rows]
        plots.append(f"$d{i} using (($1+$2)/2):(($3+$4)/2):1:2:3:4 with boxxyerror fs solid 0.8 noborder lc rgb '{COLOURS[i % len(COLOURS)]}'"
                     f" title {quoted(what)}")
    tics = ", ".join(f"{quoted(label)} {n}" for n, label in enumerate(labels))
    script += (f"set title {quoted(title)}\nset xlabel 'milliseconds'\nset ytics ({tics})\nset yrange [{len(labels) - 0.5}:-0.5]\n"
               f"set xrange [0:{max(starts) * 1.02}]\n")
    return svg(name, script + "plot " + ", ".join(plots) + "\n", height=110 + 70 * len(labels))


def lines(name, title, x_label, y_label, points, line=None):
    """Measured points, and a formula's curve. points: [(label, [(x, y)])]; line: (label, [(x, y)])"""
    script, plots = "", []
    for i, (label, values) in enumerate(points):
        script += block(f"d{i}", values)
        plots.append(f"$d{i} using 1:2 with points pt 7 ps 0.8 lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(label)}")
    for i, (label, values) in enumerate(line or []):
        script += block(f"l{i}", values)
        plots.append(f"$l{i} using 1:2 with lines lw 1.2 dt 2 lc rgb '{COLOURS[i % len(COLOURS)]}' title {quoted(label)}")
    script += f"set title {quoted(title)}\nset xlabel {quoted(x_label)}\nset ylabel {quoted(y_label)}\nset yrange [0:*]\n"
    return svg(name, script + "plot " + ", ".join(plots) + "\n")
