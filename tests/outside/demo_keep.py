#!/usr/bin/env python3
"""`scripts/demo --keep` left a stack whose programs died with the demo. Now it is waited for to its end, a terminal
connects to each address that it prints, sells and refunds, and the stack is stopped by the pids that it prints."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile

import stack
from terminal import Terminal

CARD = "6212345678900000003"
PROFILES = [("unionpay-pos", "10000161", "898110157220001"), ("iso87-ascii", "20000161", "898110157220002")]
DEMO_TIMEOUT_S, STOP_TIMEOUT_S = 240, 60


def play(checks, args, folder):
    part = [] if args.whole else ["--profile", "iso87-ascii"]
    demo = subprocess.run(
        [os.path.join(args.bin, "demo-terminals"), "--bin", args.bin, "--config",
         os.path.join(args.source, "switch", "config"), "--free-ports", "--keep", *part],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEMO_TIMEOUT_S,
        env={**os.environ, "TMPDIR": folder})
    checks.equal(demo.returncode, 0, "the demo with --keep")
    return demo.stdout


def pids_of(text):
    line = re.search(r"^\s*end it:\s+kill((?: \d+)+)$", text, re.M)
    return [int(pid) for pid in line.group(1).split()] if line else []


def trade(checks, profile, number, merchant, address):
    terminal = Terminal(profile, number, merchant, address)
    terminal.connect()
    if terminal.unionpay:
        checks.equal(terminal.sign_on().code, "00", f"{profile}: sign-on after the demo's end")
    sale = terminal.sale(CARD, 2000)
    sold = terminal.exchange(sale)
    checks.equal(sold.code, "00", f"{profile}: a sale after the demo's end")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 500)).code, "00", f"{profile}: a refund of it")
    terminal.close()


def stop(checks, pids):
    ends = {os.pidfd_open(pid): pid for pid in pids}
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    for end, pid in ends.items():
        checks.that(select.select([end], [], [], STOP_TIMEOUT_S)[0], f"process {pid} ends by the kill that was printed")
        os.close(end)


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument(
        "--whole", action="store_true", help="the demo's terminals of both profiles, not of iso87-ascii alone"))
    checks = stack.Checks()
    folder = tempfile.mkdtemp(prefix="refund-switch-keep-")
    pids = []
    try:
        said = play(checks, args, folder)
        pids = pids_of(said)
        addresses = {p: stack.address_of(a) for a, p in re.findall(r"([\d.]+:\d+) \(([\w-]+)\)", said)}
        if checks.that(len(pids) == 1 + len(stack.ISSUERS) and len(addresses) == 2, f"pids and addresses are printed:\n{said[-2000:]}"):
            for profile, number, merchant in PROFILES:
                trade(checks, profile, number, merchant, addresses[profile])
            operators = re.search(r"^\s*operators: (.*)$", said, re.M).group(1)
            run = subprocess.run(operators.split(), capture_output=True, text=True, timeout=60)
            checks.equal(run.returncode, 0, f"the operators' command that is printed: {run.stderr}")
            stop(checks, pids)
            pids = []
    except OSError as e:
        checks.that(False, f"the stack that was left does not answer: {e}")
    finally:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        shutil.rmtree(folder, ignore_errors=True)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
