#!/usr/bin/env python3
"""A world whose ENSURE fails ends the simulator: what it says last is how to repeat that seed.

  last_words.py SIMULATE"""
import signal
import subprocess
import sys
import time

DEADLINE_S = 60


def catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        caught = next(int(line.split()[1], 16) for line in f if line.startswith("SigCgt"))
    return caught >> (number - 1) & 1


def main():
    with subprocess.Popen([sys.argv[1], "--seeds", "1000000", "--seed-base", "7", "--shards", "2"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as world:
        deadline = time.monotonic() + DEADLINE_S
        while not catches(world.pid, signal.SIGABRT) and time.monotonic() < deadline:
            time.sleep(0.01)  # for the program to have begun
        world.send_signal(signal.SIGABRT)
        said = world.communicate(timeout=DEADLINE_S)[1]
    print(f"exit {world.returncode}, {said.strip()}")
    as_it_should = said.startswith("repeat it: simulate --seed ") and said.endswith(" --seconds 60 --shards 2 --trace\n")
    return 0 if world.returncode == -signal.SIGABRT and as_it_should else 1


if __name__ == "__main__":
    sys.exit(main())
