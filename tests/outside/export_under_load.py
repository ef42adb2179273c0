#!/usr/bin/env python3
"""Exports a day's transactions while terminals go on: the file is whole and of one moment, neither end needs more
memory for more rows, and the traffic's p99 is as good as without (--ratio-max). The load is switch-bench's; rounds with
and without exports take turns, so that a slow minute of the machine hits both. CI plays a small form without --ratio-max:
a time on a busy machine proves nothing."""
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time

import stack

# What a list may cost beyond a list of one page: more rows are more pages, not more memory.
CLIENT_GROWTH_KIB_MAX = 8 * 1024
SWITCH_GROWTH_KIB_MAX = 64 * 1024
EXPORTS_AT_LEAST = 1


def options(parser):
    parser.add_argument("--rows", type=int, default=20_000, help="transactions of the day before it begins")
    parser.add_argument("--rate", type=int, default=200, help="requests a second while it is measured")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1, help="measurements with and without exports")
    parser.add_argument("--ratio-max", type=float, help="of the medians of p99, with to without")
    parser.add_argument("--json", help="write the figures to this file")


class Bench:
    def __init__(self, checks, running):
        self.checks, self.running, self.seed = checks, running, 0

    def load(self, rate, seconds, warm_up):
        """The figures of one run of switch-bench against the running stack."""
        self.seed += 1
        figures = self.running.path(f"load-{self.seed}.json")
        addresses = {name: "%s:%d" % address for name, address in self.running.addresses.items()}
        run = subprocess.run(
            [self.running.program("switch-bench"), "load", "--unionpay", addresses["unionpay-pos"], "--iso",
             addresses["iso87-ascii"], "--rate", str(rate), "--warm-up", str(warm_up), "--duration", str(seconds),
             "--seed", str(self.seed), "--json", figures], capture_output=True, text=True, timeout=600)
        if not self.checks.equal(run.returncode, 0, f"switch-bench load: {run.stdout[-1500:]}{run.stderr[-500:]}"):
            raise RuntimeError("without a load there is nothing to measure")
        with open(figures, encoding="utf-8") as f:
            return json.load(f)["figures"]


class Export:
    """One refundctl list --csv: its exit code, seconds and peak memory."""

    def __init__(self, running, path, *words):
        begun = time.monotonic()
        process = subprocess.Popen([running.program("refundctl"), "--socket", running.ready["control"], "--json", "list",
                                    "--day", today(running), "--csv", path, *words], stdout=subprocess.PIPE)
        said = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.code, self.seconds, self.peak_kib = process.returncode, time.monotonic() - begun, usage.ru_maxrss
        self.answer = json.loads(said)


def today(running):
    return running.refundctl("status")[1]["business_date"]


def fill(checks, bench, running, rows):
    path = running.path("count.csv")
    while True:
        have = Export(running, path).answer["data"]["rows"]
        if have >= rows:
            return have
        seconds = 2 if have == 0 else min(60, 2 + (rows - have) / max(1, have) * 2)
        bench.load("max", seconds, 0)
        checks.that(Export(running, path).answer["data"]["rows"] > have, "transactions are made")


def file_is_of_one_moment(checks, path, rows):
    """Every row once; a refund's sale is there; nothing is missing of what was there before."""
    kinds, rrns, originals = {}, set(), set()
    with open(path, encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            rrns.add(row["rrn"])
            kinds[row["kind"]] = kinds.get(row["kind"], 0) + 1
            if row["original"]:
                originals.add(row["original"])
    checks.equal(sum(kinds.values()), len(rrns), "every row stands once")
    checks.that(len(rrns) >= rows, f"all that was there is in the file: {len(rrns)} of {rows}")
    checks.equal(originals - rrns, set(), "the sale of every refund and void is in the file")
    return kinds


def memory_of_switch(running, what):
    with open(f"/proc/{running.switch.process.pid}/status", encoding="ascii") as f:
        return int(next(line.split()[1] for line in f if line.startswith(what)))


def memory(checks, running, rows):
    """Without traffic: what an export of all needs beside one of a page."""
    path = running.path("memory.csv")
    page = Export(running, path, "--limit", "1000")
    before = memory_of_switch(running, "VmRSS:")
    with open(f"/proc/{running.switch.process.pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")  # the peak begins anew
    whole = Export(running, path)
    growth = memory_of_switch(running, "VmHWM:") - before
    checks.equal((page.code, whole.code), (0, 0), "exports")
    checks.that(whole.answer["data"]["rows"] >= rows, "the whole one is whole")
    checks.that(whole.peak_kib - page.peak_kib <= CLIENT_GROWTH_KIB_MAX,
                f"refundctl: {page.peak_kib} KiB for 1,000 rows, {whole.peak_kib} KiB for all")
    checks.that(growth <= SWITCH_GROWTH_KIB_MAX, f"refund-switch: {growth} KiB more at its peak while it exports")
    return {"refundctl_kib": whole.peak_kib, "switch_growth_kib": growth, "seconds_alone": whole.seconds}


class Exporting:
    """Exports over and over while a load runs."""

    def __init__(self, checks, running, rows):
        self.checks, self.running, self.rows = checks, running, rows
        self.done, self.ending = [], threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.ending.is_set():
            path = self.running.path("load.csv")
            export = Export(self.running, path)
            self.checks.equal(export.code, 0, f"an export under load: {export.answer}")
            self.done.append(export)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join()


def measure(checks, bench, running, args, rows):
    without, exporting, exports = [], [], []
    for _ in range(args.rounds):
        without.append(bench.load(args.rate, args.seconds, 1)["load.p99_us"])
        with Exporting(checks, running, rows) as run:
            exporting.append(bench.load(args.rate, args.seconds, 1)["load.p99_us"])
        exports += run.done
    checks.that(len(exports) >= EXPORTS_AT_LEAST, "something was exported under load")
    kinds = file_is_of_one_moment(checks, running.path("load.csv"), rows)
    ratio = statistics.median(exporting) / max(1.0, statistics.median(without))
    if args.ratio_max:
        checks.that(ratio <= args.ratio_max, f"p99 with exports is {ratio:.2f} of that without, {args.ratio_max} allowed")
    return {"rows": exports[-1].answer["data"]["rows"], "kinds": kinds, "exports": len(exports),
            "seconds_under_load": statistics.median(e.seconds for e in exports),
            "p99_us_without": without, "p99_us_with": exporting, "ratio": ratio}


def main():
    args = stack.arguments(__doc__, options)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    checks = stack.Checks()
    with stack.Stack(args) as running:
        bench = Bench(checks, running)
        rows = fill(checks, bench, running, args.rows)
        figures = {"rate": args.rate, "seconds": args.seconds, **memory(checks, running, rows),
                   **measure(checks, bench, running, args, rows)}
    print(json.dumps(figures, indent=1))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(figures, f, indent=1)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
