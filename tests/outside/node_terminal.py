#!/usr/bin/env python3
"""A terminal in Node on the npm package iso_8583 (tests/outside/node/terminal.js) against a running switch: what it
saw, and that the issuers booked exactly that.

The package is installed below the build folder by `npm ci`, in the versions and with the digests of package-lock.json.
Exit code 77: node or npm is missing, or the registry does not answer."""
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys

import stack

SKIPPED = 77
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")
TERMINAL, MERCHANT = "20000931", "898110157220002"
CARDS = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
INSTALL_TIMEOUT_S = 120
PLAY_TIMEOUT_S = 120
# npm's codes of other bytes than the digest says, a lock that does not fit package.json, and one that cannot be read.
NOT_THE_NETWORK = ("EINTEGRITY", "EUSAGE", "EJSONPARSE")


def skip(why):
    print(f"SKIPPED: {why}", flush=True)
    sys.exit(SKIPPED)


def check_page(checks, source):
    """What docs/wire.md shows of the terminal is the terminal, piece by piece."""
    with open(os.path.join(source, "docs", "wire.md"), encoding="utf-8") as f:
        shown = re.search(r"^## A terminal in Node$.*?^```js\n(.*?)^```$", f.read(), re.M | re.S)
    with open(os.path.join(HERE, "terminal.js"), encoding="utf-8") as f:
        code = f.read()
    pieces = shown[1].strip().split("\n\n") if shown else []
    checks.that(len(pieces) > 3, "docs/wire.md shows a terminal in Node")
    for piece in pieces:
        checks.that(piece in code, f"docs/wire.md shows what terminal.js does not have:\n{piece}")


def install(folder):
    """The packages of package-lock.json below `folder`; what was installed from the same list stays."""
    lock = os.path.join(HERE, "package-lock.json")
    done = os.path.join(folder, "installed.json")
    if os.path.exists(done) and filecmp.cmp(lock, done, shallow=False):
        return
    for program in ("node", "npm"):
        if not shutil.which(program):
            skip(f"{program} is not installed, and this test installs a package with npm")
    os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(os.path.join(HERE, name), os.path.join(folder, name))
    try:
        run = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                              "--fetch-retries=1", "--fetch-timeout=30000"], cwd=folder, capture_output=True, text=True,
                             timeout=INSTALL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        skip(f"npm did not end within {INSTALL_TIMEOUT_S} s")
    if run.returncode != 0:
        said = run.stderr.strip()
        if any(code in said for code in NOT_THE_NETWORK):
            sys.exit(f"npm refuses what package-lock.json says:\n{said}")
        skip(f"npm could not install iso_8583: {' '.join(said.split())[:400]}")
    shutil.copyfile(lock, done)


def play(checks, running, folder):
    """Runs the terminal; returns the effects that it expects on the issuers' books."""
    host, port = running.addresses["iso87-ascii"]
    command = ["node", os.path.join(HERE, "terminal.js"), host, str(port), TERMINAL, MERCHANT, *CARDS.values()]
    run = subprocess.run(command, env={**os.environ, "NODE_PATH": os.path.join(folder, "node_modules")},
                         capture_output=True, text=True, timeout=PLAY_TIMEOUT_S)
    print(run.stdout, run.stderr, sep="", end="", flush=True)
    lines = run.stdout.strip().splitlines()
    checks.equal(run.returncode, 0, "the terminal in Node ends with 0")
    checks.that(lines and lines[-1].startswith("["), "the terminal in Node comes to its end")
    return json.loads(lines[-1]) if lines and lines[-1].startswith("[") else []


def check_books(checks, running, effects):
    for issuer, card in CARDS.items():
        # issuer-a is told of a void by a reversal of the sale (interfaces.md).
        wanted = sorted(("reversal" if issuer == "issuer-a" and e["kind"] == "void" else e["kind"], e["amount"])
                        for e in effects if e["pan_last4"] == card[-4:])

        def booked():
            return sorted((e["kind"], e["amount"]) for e in running.journal(issuer) if e["terminal"] == TERMINAL)

        try:  # advices go out after their answer
            stack.wait_until(f"{issuer} books as many effects", lambda: len(booked()) >= len(wanted))
        except AssertionError as late:
            print(late)
        checks.that(wanted, f"{issuer} has something to book")
        checks.equal(booked(), wanted, f"what {issuer} booked")


def main():
    args = stack.arguments(__doc__, lambda parser: parser.add_argument(
        "--packages", required=True, help="folder that npm installs into, below the build folder"))
    folder = os.path.abspath(args.packages)
    checks = stack.Checks()
    check_page(checks, args.source)
    if checks.broken:
        return checks.report()
    install(folder)
    with stack.Stack(args) as running:
        check_books(checks, running, play(checks, running, folder))
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
