# SPDX-License-Identifier: Apache-2.0
"""What a node costs in t/bench/scale.py, by how many enterprises there are: memory, the first webhook, and what it asks
the database for."""

import contextlib
import os
import re
import signal
import statistics
import time

from scale_requests import Client, ask_in_parallel, enterprise, signature_of, webhook

MIB = 1 << 20


def size_of(registry):
    return f"{registry.shape['enterprises']:,} enterprises"


# ---- the first webhook ----

def first_webhook(registry, index):
    """Milliseconds that one takes, over a connection of its own."""
    request = webhook(enterprise(index), signature_of(registry, index))
    started = time.monotonic()
    client = Client(registry.port)
    client.expect(200, request)
    took = time.monotonic() - started
    client.close()
    return took * 1000


def after_start(registry):
    registry.stop()
    registry.start(1, 16)


def after_graceful(registry):
    old = registry.children()
    registry.httpd.send_signal(signal.SIGUSR1)
    registry.wait_for_children(1, old)
    # One that is on its way out takes no connection any more.
    while set(old) & set(registry.children()):
        time.sleep(0.02)
    while not registry.answers():
        time.sleep(0.02)


def after_kill(registry):
    old = registry.children()
    os.kill(old[0], signal.SIGKILL)
    registry.wait_for_children(1, old)
    while not registry.answers():
        time.sleep(0.02)


def first_webhooks(registries, say, tries):
    print("The first webhook, when the listener answers again (at most 100 ms more)")
    for what, begin in (("a start", after_start), ("a graceful reload", after_graceful), ("a child that was killed", after_kill)):
        took = {registry: [] for registry in registries}
        for registry in registries:
            after_start(registry)
        for i in range(tries):
            for registry in registries:
                begin(registry)
                took[registry].append(first_webhook(registry, i))
        small, large = (statistics.median(took[registry]) for registry in registries)
        say(f"  after {what}: {large:.1f} : {small:.1f} ms", f"{large - small:+.1f} ms")
    for registry in registries:
        registry.stop()


# ---- memory ----

def shared_mappings(pid):
    """What is mapped to be written by several processes: the kernel's own name of each, and (pages of) its Pss in bytes."""
    found, name = {}, None
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps") as lines:
        for line in lines:
            mapping = re.match(r"([0-9a-f]+-[0-9a-f]+) rw-s (\S+ \S+ \S+)", line)
            if mapping:
                name = mapping.groups()
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                name = None
            elif name and line.startswith("Pss:"):
                found[name] = int(line.split()[1]) * 1024
    return found


def shared_bytes(registry):
    """Of all of a node: what its mappings have of memory, however few of the pages a child has touched. Without the right
    to ask that of the kernel, what the processes that are there have touched."""
    allocated, touched = {}, 0
    for pid in [registry.httpd.pid, *registry.children()]:
        for (addresses, name), pss in shared_mappings(pid).items():
            touched += pss
            with contextlib.suppress(OSError):
                allocated[name] = os.stat(f"/proc/{pid}/map_files/{addresses}").st_blocks * 512
    return sum(allocated.values()) if allocated else touched


def own_bytes(registry):
    """Anonymous memory of the child that has most."""
    most = 0
    for pid in registry.children():
        with open(f"/proc/{pid}/status") as lines:
            most = max(most, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")))
    return most


def send_webhooks(registry, distinct, requests):
    """That many of so many enterprises in turn, each signed and taken."""
    # Spread over all of them.
    indexes = [i * registry.shape["enterprises"] // distinct for i in range(distinct)]
    signed = [webhook(enterprise(index), signature_of(registry, index)) for index in indexes]
    for _ in range(requests // distinct):
        ask_in_parallel(registry.port, 8, 200, signed)


def memory(registries, say, distinct, requests):
    shared, own = [], []
    for registry in registries:
        registry.start(2, 16)
        registry.wait_for_children(2)
        before = own_bytes(registry)
        send_webhooks(registry, min(distinct, registry.shape["enterprises"]), requests)
        shared.append(shared_bytes(registry))
        own.append(own_bytes(registry))
        say(f"  {size_of(registry)}: a child grew from {before / MIB:.1f} MiB by", f"{(own[-1] - before) / MIB:.1f} MiB")
        registry.stop()
    say(f"Shared memory of a node: {shared[1] / MIB:.1f} : {shared[0] / MIB:.1f} MiB (at most 64 MiB)", f"{shared[1] / MIB:.1f} MiB")
    say(f"Memory of a child: {own[1] / MIB:.1f} : {own[0] / MIB:.1f} MiB (at most 32 MiB more)", f"{(own[1] - own[0]) / MIB:+.1f} MiB")


# ---- what the database is asked ----

def statements_in(registry, seconds):
    before = registry.database.statements()
    time.sleep(seconds)
    return registry.database.statements() - before


def wait_until_idle(registry):
    """Each child sets a connection up when it first happens to ask for all, in the first minutes. What is asked again and
    again is prepared."""
    before = -1
    for _ in range(6):
        texts = registry.database.statements(["statement: "])
        if texts == before:
            return
        before = texts
        time.sleep(10)


def idle_statements(registry, say, seconds):
    for children in (2, 16):
        registry.start(children, 4)
        registry.wait_for_children(children)
        wait_until_idle(registry)
        texts = registry.database.statements(["statement: "])
        rate = statements_in(registry, seconds) / seconds
        once = (registry.database.statements(["statement: "]) - texts) / seconds
        say(f"Statements a second of an idle node with {children} children (at most 5)", f"{rate:.1f}")
        say("  of which set a connection up, once a child", f"{once:.1f}")
        registry.stop()


def unknown_names(registry, say, requests):
    """What more is asked than by a node that is idle for as long."""
    registry.start(1, 4)
    client = Client(registry.port)
    client.expect(200, webhook(enterprise(0), signature_of(registry, 0)))
    other = signature_of(registry, 0, "unknown")
    wait_until_idle(registry)
    idle = statements_in(registry, 10) / 10
    for what, name in (("enterprises", lambda i: f"unknown-{i}"), ("kids", lambda _: enterprise(0))):
        before, started = registry.database.statements(), time.monotonic()
        for i in range(requests):
            client.expect(401, webhook(name(i), other))
        asked, of_idle = registry.database.statements() - before, round(idle * (time.monotonic() - started))
        say(f"Statements for {requests:,} webhooks of unknown {what}: {asked}, of an idle node {of_idle} (none)",
            f"{max(0, asked - of_idle) / requests:.3f} each")
    client.close()
    registry.stop()


def measure(small, large, say, is_small):
    registries = [small, large]
    print(f"A node on PostgreSQL with {size_of(large)} : with {size_of(small)}")
    for registry in registries:
        say(f"  {size_of(registry)}: from the start until the listener answers", f"{registry.start(1, 16):.2f} s")
        registry.stop()
    first_webhooks(registries, say, 3 if is_small else 7)
    memory(registries, say, *((2000, 20000) if is_small else (50000, 200000)))
    large.database.log_statements(True)
    idle_statements(large, say, 5 if is_small else 30)
    unknown_names(large, say, 5000)
    large.database.log_statements(False)
