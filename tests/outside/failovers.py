#!/usr/bin/env python3
"""What failures of a cluster did, over many runs: each run of cluster_demo.py, cluster_promotes.py and cluster_split*.py with
--results FILE appends one line of JSON to it. This program adds such files up: how often each failure was played, how long
nobody was answered, and what was lost, done twice or missing in the log of turns.

    failovers.py FILE…          a table as docs/cluster.md has it
    failovers.py --json FILE…   the same as one JSON object

Exit code 1: something was lost, done twice or missing, a run's other checks did not hold, or it ended before its books were
compared."""
import argparse
import json
import os
import statistics
import sys
import threading
import time

STOOD_STILL_S = 5.0  # a thread that wants to run every BEAT_S and could not for so long: the machine stood still
BEAT_S = 0.2
COUNTS = ("lost", "twice", "holes")


class Heartbeat:
    """Notices when this program itself stood still (SIGSTOP, a machine that sleeps): how long nobody was answered then says
    nothing about the product."""

    def __init__(self):
        self.gaps, self.stopped = [], threading.Event()
        threading.Thread(target=self.beat, daemon=True).start()

    def beat(self):
        last = time.monotonic()
        while not self.stopped.wait(BEAT_S):
            now = time.monotonic()
            if now - last > STOOD_STILL_S:
                self.gaps.append((last, now))
            last = now

    def stood_still_s(self, since):
        return sum(until - max(begun, since) for begun, until in self.gaps if until > since)


class Results:
    """Of one run, written when it ends, however it ends."""

    def __init__(self, path, script, pipeline, checks):
        self.path, self.checks = path, checks
        self.run = {"script": script, "pipeline": pipeline, "at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
                    "load": [round(os.getloadavg()[0], 1)], "events": [], "not_counted": 0, "compared": False}

    def __enter__(self):
        return self

    def event(self, what, silence, bound, reconnects):
        self.run["events"].append({"what": what, "silence_s": round(silence, 3), "bound_s": bound, "reconnects": reconnects})
        self.run["load"].append(round(os.getloadavg()[0], 1))

    def not_counted(self):
        self.run["not_counted"] += 1

    def compared(self, approvals, counts):
        self.run.update(compared=True, approvals=approvals, **counts)

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.run["ended_by"] = repr(value)
        self.run["broken"] = self.checks.broken
        if self.path:
            with open(self.path, "a", encoding="utf-8") as f:
                f.write(json.dumps(self.run) + "\n")


def read(paths):
    runs = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                try:
                    run = json.loads(line)
                    run["events"], run["pipeline"], run["compared"], run["broken"]
                except (ValueError, KeyError, TypeError) as e:
                    raise SystemExit(f"failovers: {path}:{number} is no result of a run: {e!r}") from e
                runs.append(run)
    return runs


def summary(runs):
    """Of all runs: sums, and a row per failure and pipeline. Events of a run whose books were not compared are left out of
    the rows, and counted apart."""
    whole = [run for run in runs if run["compared"]]
    by_kind = {}
    for run in whole:
        for event in run["events"]:
            by_kind.setdefault((event["what"], run["pipeline"]), []).append(event)
    rows = []
    for (what, pipeline), events in sorted(by_kind.items()):
        silences = [event["silence_s"] for event in events]
        rows.append({"what": what, "pipeline": pipeline, "n": len(events), "median_s": round(statistics.median(silences), 2),
                     "max_s": max(silences), "bound_s": events[0]["bound_s"],
                     "within": sum(event["silence_s"] <= event["bound_s"] for event in events)})
    loads = [load for run in runs for load in run["load"]]
    return {"failures": sum(row["n"] for row in rows), "approvals": sum(run["approvals"] for run in whole),
            **{name: sum(run[name] for run in whole) for name in COUNTS},
            "runs": len(runs), "runs_not_compared": len(runs) - len(whole), "not_counted": sum(run["not_counted"] for run in runs),
            "broken": [sentence for run in runs for sentence in run["broken"]], "from": min(run["at"] for run in runs), "to": max(run["at"] for run in runs),
            "load_median": round(statistics.median(loads), 1), "load_max": max(loads), "rows": rows}


def print_table(total):
    print("| failure | with a pipeline of | n | silence: median, longest | to be reached | within it |\n|---|---|---|---|---|---|")
    for row in total["rows"]:
        print(f"| {row['what']} | {row['pipeline']} | {row['n']} | {row['median_s']:.1f}, {row['max_s']:.1f} | "
              f"{row['bound_s']:.0f} | {row['within']} |")
    print(f"\n{total['failures']} failures in {total['runs']} runs from {total['from']} to {total['to']} UTC, "
          f"{total['approvals']} approvals: " + ", ".join(f"{name} {total[name]}" for name in COUNTS) +
          f"; load of the machine {total['load_median']} (median), {total['load_max']} (most)")
    if total["not_counted"]:
        print(f"{total['not_counted']} failures were played again because the machine itself stood still meanwhile")
    if total["runs_not_compared"]:
        print(f"{total['runs_not_compared']} runs ended before their books were compared: their failures do not count")
    for sentence in total["broken"]:
        print(f"BROKEN: {sentence}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("files", nargs="+", metavar="FILE")
    args = parser.parse_args()
    try:
        runs = read(args.files)
    except OSError as e:
        raise SystemExit(f"failovers: {e}") from e
    if not runs:
        raise SystemExit("failovers: no run in " + " ".join(args.files))
    total = summary(runs)
    if args.json:
        print(json.dumps(total, indent=1))
    else:
        print_table(total)
    return 1 if total["runs_not_compared"] or total["broken"] or any(total[name] for name in COUNTS) else 0


if __name__ == "__main__":
    sys.exit(main())
