#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a registry costs by its size: `make -f Makefile.apxs bench PARTS=scale` calls this.

Registries of several sizes stand side by side, and each is asked the same in turn. What is compared is CPU time, of httpd's
processes and those of the database's server, since the time that a clock on the wall shows is noise on a machine that others
use. docs/performance.md says what each line means.

By the environment:
    SCALE=small         tries it out in three minutes, with sizes of which nothing follows
    SCALE_PARTS         "lists node"; what is not named is left out
    SCALE_DATABASES     of the lists: "sqlite pgsql" (mysql)
    SCALE_SIZES         of the lists, in keys: "1000 10000 100000 1000000"; ratios are those of the last to the first
    SCALE_ENTERPRISES   of the node, on PostgreSQL: "100 1000000", 10 keys each
    SCALE_ROUNDS        7
    KEEP                a folder, where registries stay and are found again; else they are filled anew
    PLOT                where the plot goes: build/bench/performance.svg
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

from scale_registry import BUILD, HERE, Registry  # noqa: E402
from scale_requests import Admin, Client  # noqa: E402
import scale_node  # noqa: E402
import scale_plot  # noqa: E402

IS_SMALL = os.environ.get("SCALE") == "small"
ROUNDS = int(os.environ.get("SCALE_ROUNDS") or (3 if IS_SMALL else 7))
# Of a kind of request, in a registry, in a round: whichever is reached first, but never fewer than the least.
SECONDS, MOST, LEAST = (0.2, 500, 5) if IS_SMALL else (0.4, 1000, 5)
REGISTRATIONS = 20
PAGE = 50


def setting(name, default):
    return (os.environ.get(name) or default).split()


def say(text, value):
    print(f"{text:<66} {value}", flush=True)


def registry_of(kind, folder, name, **shape):
    registry = Registry(kind, f"{folder}/{kind}-{name}", **shape)
    if registry.fill_seconds:
        keys = shape["enterprises"] * shape["keys"] + shape.get("large", 0)
        say(f"{kind}: filling a registry with {keys:,} keys", f"{registry.fill_seconds:.0f} s")
    return registry


def shape_of(keys):
    """A tenth of the keys are one enterprise's, the others have 90 each: 1,000,000 are 10,000 enterprises and a large one."""
    return {"enterprises": keys // 100, "keys": 90, "active": 10, "large": keys // 10, "large_active": 50,
            "admins": ROUNDS * REGISTRATIONS}


class Listed:
    """A registry of that many keys, and what an admin asks of its large enterprise: a request for each name."""

    def __init__(self, kind, keys, folder):
        self.registry = registry_of(kind, folder, f"lists-{keys}", **shape_of(keys))
        self.registry.start(1, 16)
        self.client = Client(self.registry.port)
        self.admin = Admin(self.registry, self.client)
        total, revoked, events = (self.admin.total(path) for path in ("keys", "keys?status=REVOKED", "key-events"))
        pages = {
            "first page": "keys", "last page": f"keys?prevId={total - PAGE}",
            "first page, ACTIVE": "keys?status=ACTIVE", "last page, REVOKED": f"keys?status=REVOKED&prevId={revoked - PAGE}",
            "total": "keys?limit=1", "total, REVOKED": "keys?status=REVOKED&limit=1",
            "one key": f"keys/key-{self.registry.shape['large'] // 2}",
            "events, first page": "key-events", "events, last page": f"key-events?prevId={events - PAGE}", "jwks.json": "jwks.json",
        }
        self.requests = {name: self.admin.get(path) for name, path in pages.items()}

    def measure(self, name):
        """CPU seconds of a request, and how many a second there were."""
        if name == "registering":
            return self.run([self.admin.registration() for _ in range(REGISTRATIONS)], 201)
        self.client.expect(200, self.requests[name])
        return self.run([self.requests[name]] * MOST, 200)

    def end(self):
        """What was registered is revoked, so that a registry that is kept has as many ACTIVE keys the next time."""
        for key_id in self.admin.registered:
            self.registry.whkctl("key", "revoke", self.admin.name, key_id)
        self.registry.end()

    def run(self, requests, status):
        done, cpu, started = 0, self.registry.cpu(), time.monotonic()
        for request in requests:
            if status == 200 and done >= LEAST and time.monotonic() - started > SECONDS:
                break
            self.client.expect(status, request)
            done += 1
        return (self.registry.cpu() - cpu) / done, done / (time.monotonic() - started)


def measure_lists(kind, folder):
    """Of each kind of request, the costs of a round in each registry: {name: [[(CPU, rate) of each size] of each round]}."""
    sizes = [int(size) for size in setting("SCALE_SIZES", "1000 10000" if IS_SMALL else "1000 10000 100000 1000000")]
    listed = []
    try:
        for size in sizes:
            listed.append(Listed(kind, size, folder))
        # What changes the enterprise comes last.
        names = [*listed[0].requests, "registering"]
        costs = {name: [[one.measure(name) for one in listed] for _ in range(ROUNDS)] for name in names}
    finally:
        for one in listed:
            one.end()
    return sizes, costs


def medians(rounds, at):
    return [statistics.median(row[at][which] for row in rounds) for which in (0, 1)]


def print_lists(kind, sizes, costs):
    print(f"{kind}: requests to an enterprise of {sizes[0] // 10:,} keys of {sizes[0]:,} : of {sizes[-1] // 10:,} keys of {sizes[-1]:,}, "
          "CPU time (at least 0.80)")
    for name, rounds in costs.items():
        (small, small_rate), (large, large_rate) = (medians(rounds, at) for at in (0, -1))
        say(f"  {name}: {small * 1e6:,.0f} : {large * 1e6:,.0f} us (by requests a second {large_rate / small_rate:.2f})",
            f"{small / large:.2f}")


def lists(folder):
    panels = {}
    for kind in setting("SCALE_DATABASES", "sqlite pgsql"):
        sizes, costs = measure_lists(kind, folder)
        print_lists(kind, sizes, costs)
        panels[kind] = (sizes, {name: [medians(rounds, at)[0] / medians(rounds, 0)[0] for at in range(len(sizes))]
                                for name, rounds in costs.items()})
    plot = os.environ.get("PLOT") or f"{BUILD}/bench/performance.svg"
    scale_plot.draw(os.path.join(HERE, plot), panels)
    say("  cost against size is drawn in", plot)


def node(folder):
    counts = [int(count) for count in setting("SCALE_ENTERPRISES", "100 20000" if IS_SMALL else "100 1000000")]
    registries = []
    try:
        for count in counts:
            registries.append(registry_of("pgsql", folder, f"node-{count}", enterprises=count, keys=10, active=5))
        scale_node.measure(registries[0], registries[-1], say, IS_SMALL)
    finally:
        for registry in registries:
            registry.end()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = os.environ.get("KEEP") or tempfile.mkdtemp(prefix="whk-scale.")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    try:
        for part in setting("SCALE_PARTS", "lists node"):
            {"lists": lists, "node": node}[part](os.path.realpath(folder))
    finally:
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder)


main()
