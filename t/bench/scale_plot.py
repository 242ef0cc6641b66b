# SPDX-License-Identifier: Apache-2.0
"""The plot of t/bench/scale.py, by gnuplot: CPU time of a request against the size of the registry, as many times that in
the smallest one; a panel a database, a line a kind of request."""

import os
import subprocess

NAMES = {"sqlite": "SQLite", "pgsql": "PostgreSQL", "mysql": "MariaDB"}
BOUND = "with lines dashtype 2 linecolor 'gray40'"


def block(number, sizes, lines):
    rows = [" ".join([str(size), *(f"{lines[name][at]:.3f}" for name in lines)]) for at, size in enumerate(sizes)]
    return "\n".join([f"$panel{number} << EOD", *rows, "EOD", ""])


def panel(number, kind, sizes, lines, most):
    plots = ", ".join(f"$panel{number} using 1:{column} with linespoints linetype {column - 1}"
                      for column in range(2, 2 + len(lines)))
    return (f"set title '{NAMES[kind]}'\nset xrange [{sizes[0] * 0.8}:{sizes[-1] * 1.25}]\n"
            f"set yrange [{f'0.5:{most * 1.5:.1f}' if most > 4 else '0:2' if most < 1.9 else '0:4'}]\n"
            f"{'set logscale y' if most > 4 else ''}\nplot {plots}, 1.25 {BOUND}\n")


def key(lines):
    """A panel that has nothing but what the lines are."""
    entries = ", ".join(f"NaN with linespoints linetype {number} title '{name}'" for number, name in enumerate(lines, 1))
    return ("unset logscale\nunset border\nunset tics\nunset grid\nunset title\nunset xlabel\nunset ylabel\nset key left center Left reverse\n"
            f"set xrange [0:1]\nset yrange [0:1]\nplot {entries}, NaN {BOUND} title 'bound: 1 / 0.8'\n")


def draw(file, panels):
    """`panels`: {kind: (sizes, {name of a request: [cost of each size, in those of the first]})}."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    most = max(max(max(line) for line in lines.values()) for _, lines in panels.values())
    columns = len(panels) + 1
    script = (f"set terminal svg size {420 * columns},440 background 'white' font 'sans-serif,13'\nset output '{file}'\n"
              "set logscale x\nset format x '10^%T'\nset xlabel 'keys; a tenth are of the enterprise that is asked'\n"
              "set ylabel 'CPU time of a request (smallest = 1)'\nset grid ytics\nunset key\n")
    script += "".join(block(number, *values) for number, values in enumerate(panels.values()))
    script += f"set multiplot layout 1,{columns}\n"
    script += "".join(panel(number, kind, *values, most) for number, (kind, values) in enumerate(panels.items()))
    script += key(next(iter(panels.values()))[1])
    subprocess.run(["gnuplot"], input=script + "unset multiplot\n", text=True, check=True)
