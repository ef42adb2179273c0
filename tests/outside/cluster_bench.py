#!/usr/bin/env python3
"""switch-bench store as somebody uses it who asks what a cluster costs: figures of both engines, by size of turns and by
turns under way, that can be read; servers that a relay sets apart are slower by what it says; wrong words and a database that is not empty
get a sentence. The servers of tests do not flush: nothing here is a price. With --measure they do, and figures are all that is
wanted (release preset, a quiet machine): the store's, with the servers and with the standby further away, and the whole switch's."""
import contextlib
import json
import os
import statistics
import subprocess
import sys

import ledger_on_postgres
import postgres_nodes
import stack

SECONDS_MAX = 120
ONE_WAY_MS = 5  # of the relay that is tried
SMALLEST_MS = 9.9  # of a turn behind it: there and back


class Bench:
    def __init__(self, args, nodes, seconds_max):
        self.args, self.nodes, self.seconds_max, self.databases = args, nodes, seconds_max, 0

    def run(self, *words):
        command = [os.path.join(self.args.bin, "switch-bench"), "store", "--directory", "/tmp", *words]
        run = subprocess.run(command, capture_output=True, text=True, timeout=self.seconds_max)
        return run.returncode, run.stdout + run.stderr

    def on_postgres(self, *words):
        """In an empty database: exit code, what is said, the figures."""
        self.databases += 1
        name, figures = f"bench{self.databases}", self.nodes.dir / f"figures{self.databases}.json"
        self.nodes.database(name)
        hosts = ",".join(ledger_on_postgres.on_loopback(self.nodes.ports))
        code, said = self.run("--hosts", hosts, "--user", "switch", "--password-file", str(self.nodes.dir / "password"), "--database",
                              name, "--json", str(figures), *words)
        read = json.loads(figures.read_text()) if figures.exists() else {}
        return code, said, read


@contextlib.contextmanager
def relay(args, to, one_way_ms):
    """A server that is further away; gives its port."""
    program = stack.Program("switch-bench delay", [os.path.join(args.bin, "switch-bench"), "delay", "--to", to, "--one-way-ms",
                                                   str(one_way_ms)], "/dev/null")
    try:
        yield int(program.ready.strip().split("port=")[1])
    finally:
        program.terminate()


def try_it(checks, args, bench):
    code, said, read = bench.on_postgres("--batches", args.batches, "--depths", args.depths, "--case-ms", args.case_ms, "--rounds",
                                         args.rounds)
    print(said, flush=True)
    if checks.equal(code, 0, f"both engines: {said}"):
        for batch in args.batches.split(","):
            names = [f"rocks_{batch}x1", "insert_1x1", *(f"{engine}_{batch}x{depth}" for depth in args.depths.split(",")
                                                         for engine in ("postgres", "libpq+copy", "libpq"))]
            for name in names:
                checks.that(read[f"{name}.refunds_per_second"] > 0 and read[f"{name}.turn_us_p50"] > 0, f"{name} has figures")
            checks.equal(read[f"rocks_{batch}x1.ratio"], 1, "RocksDB is what is compared with")
        checks.that(read["postgres_1x1.to_libpq"] > 0 and read["turn_to_insert.p50"] > 0, "what is to be reached has figures")
    code, said, read = bench.on_postgres("--batches", "1", "--depths", "1", "--case-ms", "300", "--rounds", "1", "--one-way-ms",
                                         str(ONE_WAY_MS))
    if checks.equal(code, 0, f"behind a relay: {said}"):
        for name in ("postgres_1x1", "libpq_1x1", "insert_1x1"):
            checks.that(read[f"{name}.turn_us_p50"] >= 1000 * SMALLEST_MS, f"{name} behind a relay: {read[f'{name}.turn_us_p50']} us")
    with relay(args, f"127.0.0.1:{bench.nodes.ports[0]}", 1) as port:
        checks.equal(postgres_nodes.sql_at(port, "select repeat('x', 100000)", "postgres"), "x" * 100000, "what comes through a relay")
    hosts = ("--hosts", f"127.0.0.1:{bench.nodes.ports[0]}", "--user", "switch", "--password-file", str(bench.nodes.dir / "password"))
    code, said = bench.run(*hosts, "--database", "bench1", "--case-ms", "10")
    checks.that(code == 1 and "has the tables of a cluster already" in said, f"a database that is not empty: {said}")
    code, said = bench.run("--case-ms", "30", "--rounds", "1")
    checks.that(code == 0 and "rocks" in said and "postgres" not in said, f"RocksDB alone: {said}")
    code, said = bench.run("--hosts", "nonsense")
    checks.that(code == 1 and "--hosts nonsense is no HOST:PORT" in said, f"no host: {said}")
    code, said = bench.run("--depths", "9")
    checks.that(code == 2 and "--depths" in said, f"too deep: {said}")
    wrong = subprocess.run([os.path.join(args.bin, "switch-bench"), "delay", "--to", "nonsense"], capture_output=True, text=True)
    checks.that(wrong.returncode == 1 and "--to nonsense is no HOST:PORT" in wrong.stderr, f"a relay to nowhere: {wrong.stderr}")


# Figures

def measure_stores(args, bench):
    cases = ("--batches", "1,64", "--depths", "1,4", "--case-ms", args.case_ms, "--rounds", args.rounds)
    for one_way_ms in ("0", "0.5", "2"):
        print(f"\nservers {one_way_ms} ms away:", flush=True)
        print(bench.on_postgres(*cases, "--one-way-ms", one_way_ms)[1], flush=True)
    for one_way_ms in (0.5, 2):
        print(f"\nstandby {one_way_ms} ms away from the written server:", flush=True)
        with relay(args, f"127.0.0.1:{bench.nodes.ports[0]}", one_way_ms) as port:
            follow(bench.nodes, port)
            print(bench.on_postgres(*cases)[1], flush=True)
        follow(bench.nodes, bench.nodes.ports[0])


def follow(nodes, port):
    nodes.sql(1, f"alter system set primary_conninfo = 'host=127.0.0.1 port={port} user=postgres application_name=n1'", "postgres")
    nodes.sql(1, "select pg_reload_conf()", "postgres")
    stack.wait_until("the standby follows", lambda: nodes.sql(
        0, "select count(*) from pg_stat_replication where sync_state <> 'async' and state = 'streaming'", "postgres") == "1")


def measure_switch(args, bench, options):
    """The whole switch on both engines in turn, under the load's own generator: answers a second, beside what the store does with
    turns of 64."""
    seen = {"rocks": [], "postgres": [], "store": []}
    for round_ in range(int(args.rounds)):
        for engine, how in (("rocks", ()), ("postgres", options)):
            with stack.Stack(args, how) as running:
                figures = running.path("load.json")
                done = subprocess.run(
                    [running.program("switch-bench"), "load", "--unionpay", stack.text_of(running.addresses["unionpay-pos"]), "--iso",
                     stack.text_of(running.addresses["iso87-ascii"]), "--journal", *(running.journal_path(i) for i in stack.ISSUERS),
                     "--control", running.ready["control"], "--terminals", "256", "--connections", "64", "--play", "refunds",
                     "--warm-up", "2", "--duration", args.seconds, "--seed", str(round_ + 1), "--json", figures],
                    capture_output=True, text=True, timeout=SECONDS_MAX)
                if done.returncode != 0:
                    raise RuntimeError(f"load on {engine}: {done.stdout}{done.stderr}")
                with open(figures, encoding="utf-8") as f:
                    run = json.load(f)["runs"][0]
                seen[engine].append(run["per_second"])
                running.switch.terminate()
        store = bench.on_postgres("--batches", "64", "--depths", str(args.pipeline), "--case-ms", "3000", "--rounds", "1")[2]
        seen["store"].append(store[f"postgres_64x{args.pipeline}.refunds_per_second"])
    for engine, rates in seen.items():
        print(f"{engine}: {statistics.median(rates):.0f} a second, {min(rates):.0f} to {max(rates):.0f}", flush=True)
    median = {engine: statistics.median(rates) for engine, rates in seen.items()}
    print(f"switch on postgres / least of switch on rocks and store: {median['postgres'] / min(median['rocks'], median['store']):.2f}, "
          "at least 0.60", flush=True)


def main():
    args = stack.arguments(__doc__, lambda p: (
        p.add_argument("--case-ms", default="300"), p.add_argument("--rounds", default="1"),
        p.add_argument("--batches", default="1,16"), p.add_argument("--depths", default="1,4"),
        p.add_argument("--measure", action="store_true", help="figures of servers that flush; nothing is checked"),
        p.add_argument("--parts", default="stores,switch", help="with --measure: which"),
        p.add_argument("--seconds", default="8", help="with --measure: of each load"),
        p.add_argument("--pipeline", type=int, default=4, help="with --measure: of the whole switch")))
    checks = stack.Checks()
    with ledger_on_postgres.servers(args, pipeline=args.pipeline, flushed=args.measure) as (nodes, options):
        bench = Bench(args, nodes, SECONDS_MAX + 60 * int(args.rounds))
        if args.measure:
            if "stores" in args.parts:
                measure_stores(args, bench)
            if "switch" in args.parts:
                measure_switch(args, bench, options)
            return 0
        try_it(checks, args, bench)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
