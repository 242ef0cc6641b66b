# SPDX-License-Identifier: Apache-2.0
"""The plot of t/bench/scale.py, by gnuplot: CPU time of a request against the size of the registry, as many times that in
the smallest one; a panel a database, a line a kind of request."""

import os
import subprocess

NAMES = {"sqlite": "SQLite", "pgsql": "PostgreSQL", "mysql": "MariaDB"}


def block(number, sizes, lines):
    rows = [" ".join([str(size), *(f"{lines[name][at]:.3f}" for name in lines)]) for at, size in enumerate(sizes)]
    return "\n".join([f"$panel{number} << EOD", *rows, "EOD", ""])


def panel(number, kind, sizes, lines, most):
    plots = ", ".join(f"$panel{number} using 1:{column} with linespoints linetype {column - 1} title '{name}'"
                      for column, name in enumerate(lines, 2))
    scale = f"set logscale y; set yrange [0.5:{most * 1.5:.1f}]" if most > 4 else "set yrange [0:4]"
    return (f"set title '{NAMES[kind]}'\nset xrange [{sizes[0] * 0.8}:{sizes[-1] * 1.25}]\n{scale}\n"
            f"plot {plots}, 1.25 with lines dashtype 2 linecolor 'gray40' title 'the bound: 1 / 0.8'\n")


def draw(file, panels):
    """`panels`: {kind: (sizes, {name of a request: [cost of each size, in those of the first]})}."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    most = max(max(max(line) for line in lines.values()) for _, lines in panels.values())
    script = (f"set terminal svg size {560 * len(panels)},520 background 'white' font 'sans-serif,13'\nset output '{file}'\n"
              "set logscale x\nset format x '10^%T'\nset xlabel 'keys in the registry, a tenth of them in the enterprise that is asked'\n"
              "set ylabel 'CPU time of a request, in those of the smallest'\nset grid ytics\n"
              "set key below maxrows 6\n")
    script += "".join(block(number, *values) for number, values in enumerate(panels.values()))
    script += f"set multiplot layout 1,{len(panels)}\n"
    script += "".join(panel(number, kind, *values, most) for number, (kind, values) in enumerate(panels.items()))
    subprocess.run(["gnuplot"], input=script + "unset multiplot\n", text=True, check=True)
