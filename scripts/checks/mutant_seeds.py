"""scripts/simulate --mutants: after how many seeds the simulator finds each fault of a hostile reading (tests/mutants).

Exit code 0: every fault was found, 1: one was not, or a patch does not apply or build. The copy is build/mutants/tree."""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import threading

from .mutant_copy import MutantCopy, chosen_mutants

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The faults of a hostile reading, and those of it that had a patch under another name before (5, 8, 10, 11).
BY_DEFAULT = re.compile(r"(a\d\d|door)_|(partial_is_declined|joined_by_key_alone|original_is_always_0200|one_key_ends_the_case)$")
SEEDS_MAX = 20_000
CHUNK_SEEDS = 40
SECONDS_MAX = 60  # a chunk that takes longer is gone through seed by seed; a seed that does never comes to an end
WRONG_USAGE = 2  # exit code of a simulator that could not play at all
TABLE_HEAD = "| fault | seeds until it is found | invariant |\n|---|---|---|"


class Seeds:
    """A campaign of one program: every process takes the next chunk, and none goes on behind the lowest broken seed."""

    def __init__(self, program, first, seeds_max):
        self.program, self.last = program, first + seeds_max - 1
        self.next, self.lock = first, threading.Lock()
        self.broken_at, self.invariant = None, None

    def broken_in(self, first, count):
        """(seed, invariant) of the first broken one; nothing when all of them end well."""
        words = [self.program, "--until-broken", "--seeds", str(count), "--seed-base", str(first)]
        try:
            run = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        except subprocess.TimeoutExpired:
            run = None
        if run is not None and run.returncode == 0:
            return None
        if run is not None and run.returncode == WRONG_USAGE:
            raise RuntimeError(f"{' '.join(words)}: {run.stderr.strip()}")
        said = re.search(r"^seed (\d+), (.+?) broken", run.stdout, re.M) if run is not None else None
        if said:
            return int(said.group(1)), said.group(2)
        if count == 1:
            return first, "no end" if run is None else f"the process ended ({run.returncode})"
        # It tells nothing of the seed that ended it.
        return next(filter(None, (self.broken_in(seed, 1) for seed in range(first, first + count))), None)

    def take(self):
        with self.lock:
            end = self.last if self.broken_at is None else min(self.last, self.broken_at - 1)
            first, count = self.next, min(CHUNK_SEEDS, end - self.next + 1)
            self.next += max(count, 0)
            return (first, count) if count > 0 else None

    def work(self):
        while chunk := self.take():
            found = self.broken_in(*chunk)
            with self.lock:
                if found and (self.broken_at is None or found[0] < self.broken_at):
                    self.broken_at, self.invariant = found

    def run(self):
        processes = os.cpu_count() or 1
        with concurrent.futures.ThreadPoolExecutor(processes) as pool:
            for done in [pool.submit(self.work) for _ in range(processes)]:
                done.result()


def hunt(copy, mutant, args, clean, log):
    """What to say, and the row of the table; no row when it could not be tried."""
    program = os.path.join(copy.bin, "simulate")
    with copy.with_fault(mutant, log) as applies:
        if not applies:
            return "FAILED: does not apply", None
        if not copy.build(["simulate"], log):
            return "FAILED: does not build", None
        seeds = Seeds(program, args.seed_base, args.seeds_max)
        seeds.run()
    if seeds.broken_at is None:
        return f"not found in {args.seeds_max} seeds", (f"not in {args.seeds_max}", "")
    if Seeds(clean, seeds.broken_at, 1).broken_in(seeds.broken_at, 1):
        return f"FAILED: seed {seeds.broken_at} breaks {seeds.invariant} without the fault too", None
    count = seeds.broken_at - args.seed_base + 1
    return (f"found after {count} seeds: {seeds.invariant}, first broken at seed {seeds.broken_at}",
            (str(count), seeds.invariant))


def main():
    parser = argparse.ArgumentParser(prog="simulate --mutants", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="these alone (names of patches; default: those of the hostile reading)")
    parser.add_argument("--seeds-max", type=int, default=SEEDS_MAX, help=f"of each fault (default: {SEEDS_MAX})")
    parser.add_argument("--seed-base", type=int, default=1, help="the first seed (default: 1)")
    args = parser.parse_args()
    copy = MutantCopy(ROOT)
    chosen = chosen_mutants(parser, copy.tree, args.names, BY_DEFAULT.match)
    copy.refresh()
    rows, missed = [], 0
    with open(copy.log_path, "w", encoding="utf-8") as log:
        if not copy.configure(log) or not copy.build(["simulate"], log):
            print(f"simulate --mutants: the tree as it is does not build; see {copy.log_name}")
            return 1
        clean = shutil.copy(os.path.join(copy.bin, "simulate"), os.path.join(copy.folder, "simulate_without_fault"))
        for name, mutant in chosen.items():
            text, row = hunt(copy, mutant, args, clean, log)
            print(f"{name}  {text}", flush=True)
            missed += not text.startswith("found")
            if row:
                rows.append(f"| `{name}` | {row[0]} | {row[1]} |")
    print("\n".join([TABLE_HEAD, *rows]))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
