#!/usr/bin/env python3
"""switch-bench store as somebody uses it who asks what a cluster costs: figures of both engines, by size of turns and by
turns under way, that can be read; wrong words and a database that is not empty get a sentence. The servers of tests do not
flush: nothing here is a price."""
import json
import os
import subprocess
import sys

import ledger_on_postgres
import stack

SECONDS_MAX = 120


def main():
    args = stack.arguments(__doc__, lambda p: (
        p.add_argument("--case-ms", default="300"), p.add_argument("--rounds", default="1"),
        p.add_argument("--batches", default="1,16"), p.add_argument("--depths", default="1,4")))
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (nodes, _):
        hosts = ",".join(f"127.0.0.1:{port}" for port in nodes.ports)

        def bench(*words):
            command = [os.path.join(args.bin, "switch-bench"), "store", "--directory", "/tmp", *words]
            run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX + 20 * int(args.rounds))
            return run.returncode, run.stdout + run.stderr
        nodes.database("bench")
        figures = str(nodes.dir / "figures.json")
        on_postgres = ("--hosts", hosts, "--user", "switch", "--password-file", str(nodes.dir / "password"))
        code, said = bench(*on_postgres, "--batches", args.batches, "--depths", args.depths, "--case-ms", args.case_ms, "--rounds",
                           args.rounds, "--json", figures)
        print(said, flush=True)
        if checks.equal(code, 0, f"both engines: {said}"):
            with open(figures, encoding="utf-8") as f:
                read = json.load(f)
            for batch in args.batches.split(","):
                for name in [f"rocks_{batch}x1", *(f"postgres_{batch}x{depth}" for depth in args.depths.split(","))]:
                    checks.that(read[f"{name}.refunds_per_second"] > 0 and read[f"{name}.turn_us_p50"] > 0, f"{name} has figures")
                checks.equal(read[f"rocks_{batch}x1.ratio"], 1, "RocksDB is what is compared with")
        code, said = bench(*on_postgres, "--case-ms", "10")
        checks.that(code == 1 and "has the tables of a cluster already" in said, f"a database that is not empty: {said}")
        code, said = bench("--case-ms", "30", "--rounds", "1")
        checks.that(code == 0 and "rocks" in said and "postgres" not in said, f"RocksDB alone: {said}")
        code, said = bench("--hosts", "nonsense")
        checks.that(code == 1 and "--hosts nonsense is no HOST:PORT" in said, f"no host: {said}")
        code, said = bench("--depths", "9")
        checks.that(code == 2 and "--depths" in said, f"too deep: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
