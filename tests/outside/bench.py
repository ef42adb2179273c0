#!/usr/bin/env python3
"""switch-bench as a load tester uses it: every command makes its figures, what it writes can be read, seconds add up,
bounds fail when they should, and wrong words get a sentence and exit code 2. Small runs: nothing here is a price."""
import csv
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import stack

LOAD = ["--terminals", "8", "--connections", "4", "--warm-up", "0.2"]
SECONDS_MAX = 120


class Bench:
    def __init__(self, bin_folder, folder):
        self.program, self.folder, self.runs = os.path.join(bin_folder, "switch-bench"), folder, 0

    def run(self, *words):
        """(exit code, stdout, stderr, the report of --json or None)"""
        self.runs += 1
        report = os.path.join(self.folder, f"{self.runs}.json")
        ran = subprocess.run([self.program, *words, "--json", report], capture_output=True, text=True, timeout=SECONDS_MAX,
                             cwd=self.folder, check=False)
        read = None
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                read = json.load(file)
        return ran.returncode, ran.stdout, ran.stderr, read

    def path(self, name):
        return os.path.join(self.folder, name)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.outside = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.outside += [value for name, value in attrs if name in ("src", "href", "onload")]


def load(checks, bench):
    with open(bench.path("mix.toml"), "w", encoding="utf-8") as mix:
        mix.write("sale = 30\npartial_refund = 20\nvoid = 10\nreversal = 10\nretry = 10\nsettlement = 5\nwallet_percent = 30\n"
                  "authorization = 10\ncompletion = 8\nauthorization_void = 4\n")
    code, out, err, report = bench.run("load", *LOAD, "--duration", "2.5", "--mix", "mix.toml", "--csv", "s.csv", "--hgrm",
                                       "l.hgrm", "--html", "p.html", "--fail-if", "unanswered>0")
    checks.equal(code, 0, f"load with a mix: {out}{err}")
    run = report["runs"][0]
    checks.equal(sum(second["done"] for second in run["seconds"]), run["done"], "the seconds add up to the answers")
    checks.equal([second["length_s"] for second in run["seconds"]], [1, 1, 0.5], "the last second is there as well")
    for name in stack.ISSUERS:
        checks.that(re.search(rf"{name}: its journal agrees on [1-9]", out), f"{name}'s books are compared: {out}")
    for step in ("settlement", "authorization", "completion", "authorization void"):
        checks.that(run["by_kind"][step]["count"] > 0, f"the mix's {step}s were played")
    # What has nothing to work on becomes a sale, a partial refund of the last unit a refund.
    checks.that("over-refund" not in run["by_kind"], "what the mix leaves out is not played")
    with open(bench.path("s.csv"), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    checks.equal(sum(int(row["answers"]) for row in rows), run["done"], "so do those of the CSV")
    with open(bench.path("l.hgrm"), encoding="utf-8") as file:
        text = file.read()
    checks.that(f"Total count    = {run['done']:>12}]" in text, "the histogram's foot has all answers")
    with open(bench.path("p.html"), encoding="utf-8") as file:
        source = file.read()
    page = Page()
    page.feed(source)
    checks.that("svg" in page.tags and "script" not in page.tags and not page.outside, "the page stands alone")
    head = source[:source.index("<svg")]
    for words in ("passed", "when", "switch-bench load --terminals 8", "commit", "processor", "load.per_second"):
        checks.that(words in head, f"the page's head has '{words}'")
    return report


def over_a_dialect_file(checks, bench, args):
    """Both ends of issuer-a speak what a jPOS file says."""
    folder = bench.path("bank")
    shutil.copytree(os.path.join(args.source, "switch", "config"), folder)
    subprocess.run([os.path.join(args.bin, "iso8583"), "convert-spec", "iso87-ascii", "--to", "xml", "-o",
                    os.path.join(folder, "bank.xml")], check=True, capture_output=True, timeout=SECONDS_MAX)
    for name in ("demo.toml", "issuer-a.toml"):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('dialect = "iso87-ascii"', 'dialect = "bank.xml"', 1))
    code, out, err, report = bench.run("load", *LOAD, "--duration", "1", "--issuer", "a", "--config", folder)
    checks.equal(code, 0, f"load over a dialect file: {out}{err}")
    checks.that(report and report["runs"][0]["done"] > 0, "is answered")


def bounds(checks, bench):
    code, out, _, _ = bench.run("load", *LOAD, "--duration", "1", "--fail-if", "p50>1ns", "--fail-if", "per_second<1")
    checks.equal(code, 1, "a bound that does not hold fails")
    checks.that("--fail-if p50>1ns" in out and "FAILED" in out, "and is named")
    code, out, err, report = bench.run("load", *LOAD, "--duration", "1", "--find-max", "p99=60s")
    checks.equal(code, 0, f"--find-max: {out}{err}")
    checks.that(report["figures"]["find_max.per_second"] > 0, "a rate that keeps a minute is found")
    checks.that(len(report["sheets"]["Rates that were tried"]) > 1, "what was tried is told")
    code, _, _, report = bench.run("load", *LOAD, "--duration", "1", "--find-max", "p50=1ns")
    checks.equal((code, report["figures"]["find_max.per_second"]), (1, 0), "no rate keeps a nanosecond")
    code, out, err, report = bench.run("load", *LOAD, "--duration", "1", "--rounds", "2")
    checks.equal(code, 0, f"two rounds: {out}{err}")
    checks.equal([run["name"] for run in report["runs"]], ["load, round 1", "load, round 2"], "both are in the report")
    checks.that("load.per_second.spread" in report["figures"], "with their spread")


def others(checks, bench, before):
    code, out, err, report = bench.run("soak", *LOAD, "--minutes", "0.05", "--rate", "50")
    checks.equal(code, 0, f"soak: {out}{err}")
    for name in ("soak.stalls", "soak.resident_mib.end", "soak.growth_mib_per_minute", "soak.descriptors.end"):
        checks.that(name in report["figures"], f"soak says {name}")
    code, out, err, report = bench.run("idle", "--connections", "300", "--addresses", "7", "--rate", "50", "--warm-up", "0.2",
                                       "--duration", "1")
    checks.equal(code, 0, f"idle: {out}{err}")
    checks.equal(report["figures"]["idle.closed"], 0, "the switch keeps them")
    checks.that(report["figures"]["idle.accepted_seconds"] < 60, "and has accepted all")
    kept = bench.path("grown")
    code, out, err, report = bench.run("grow", "--sales", "300,900", "--refunds", "200", "--directory", kept)
    checks.equal(code, 0, f"grow: {out}{err}")
    for size in (300, 900):
        for figure in ("us_per_refund", "bytes_per_sale", "start_seconds"):
            checks.that(report["figures"][f"grow.{size}.{figure}"] > 0, f"grow says {figure} at {size}")
    code, out, err, report = bench.run("grow", "--sales", "1200", "--refunds", "200", "--directory", kept)
    checks.equal(code, 0, f"grow goes on with what is there: {out}{err}")
    code, _, err, _ = bench.run("grow", "--sales", "100", "--directory", kept)
    checks.equal(code, 1, "a ledger cannot shrink")
    checks.that("has 1200 sales already" in err, f"and says so: {err}")
    with open(bench.path("before.json"), "w", encoding="utf-8") as file:
        json.dump(before, file)
    code, out, err, report = bench.run("compare", "before.json", "before.json", "--fail-if", "load.p50_us>1.01")
    checks.equal(code, 0, f"a run compared with itself: {out}{err}")
    checks.equal(report["figures"]["load.per_second"], 1, "is the same")
    code, _, err, _ = bench.run("compare", "before.json", "before.json", "--fail-if", "load.p50_us>0.9")
    checks.equal(code, 1, f"a ratio above its bound: {err}")


def load_with_tls(checks, bench):
    """Beside the figure: the books of both stacks agree, so what was played over TLS was played."""
    code, out, err, report = bench.run("load", *LOAD, "--duration", "2", "--rounds", "2", "--with-tls")
    checks.equal(code, 0, f"load with and without TLS: {out}{err}")
    names = [run["name"] for run in report["runs"]]
    checks.equal(names, [f"{how}, round {n}" for n in (1, 2) for how in ("in clear", "with TLS")], "in turn")
    figures = report["figures"]
    checks.that(all(figures[f"{how}.per_second"] > 10 for how in ("clear", "tls")), f"both are answered: {figures}")
    checks.that(figures["ratio.tls.switch_cpu"] > 0.5, f"the cost is told: {figures}")
    checks.that(sum("ledger: all routes" in line for line in out.splitlines()) >= 2, "the books of both are compared")


def wrong_words(checks, bench):
    with open(bench.path("bad.toml"), "w", encoding="utf-8") as file:
        file.write("sale = 1\nrefnd = 2\n")
    with open(bench.path("bad.json"), "w", encoding="utf-8") as file:
        file.write("[1")
    for words, code, says in ((("load", "--fail-if", "p9x>1ms"), 2, "'p9x'"),
                              (("load", "--find-max", "p99"), 2, "as in p99=20ms"),
                              (("load", "--find-max", "p99=1ms", "--rate", "5"), 2, "chooses the rates itself"),
                              (("load", "--mix", "bad.toml"), 2, "line 2: 'refnd'"),
                              (("load", "--rate", "fast"), 2, "--rate"),
                              (("load", "--with-tls", "--quick"), 2, "stacks of its own"),
                              (("load", "--with-tls", "--iso", "127.0.0.1:1"), 2, "stacks of its own"),
                              (("load", "--programs", bench.folder), 1, "issuer-sim"),
                              (("idle", "--rate", "max"), 2, "--rate"),
                              (("soak", "--fail-if", "p99"), 2, "as in p99>50ms"),
                              (("soak", "--rate", "1000", "--minutes", "1000"), 2, "more than the 32000000 that issuer-sim books"),
                              (("grow", "--sales", "5,3"), 2, "3 after 5"),
                              (("grow", "--sales", "none"), 2, "'none'"),
                              (("compare", "nowhere.json", "nowhere.json"), 1, "cannot read nowhere.json"),
                              (("compare", "bad.json", "bad.json"), 1, "bad.json: is no JSON")):
        seen, _, err, _ = bench.run(*words)
        checks.equal(seen, code, f"exit code of {' '.join(words)}")
        checks.that(says in err, f"{' '.join(words)} says '{says}': {err}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    # Beside the programs, on a disk that syncs.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.dirname(os.path.abspath(args.bin))) as folder:
        bench = Bench(os.path.abspath(args.bin), folder)
        report = load(checks, bench)
        over_a_dialect_file(checks, bench, args)
        bounds(checks, bench)
        load_with_tls(checks, bench)
        others(checks, bench, report)
        wrong_words(checks, bench)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
