#!/usr/bin/env python3
"""What refundctl does on a terminal and only there: long output through $PAGER, states in colours, tables as wide as the
terminal when that is more than 100 columns. The switch is a socket that answers with a list."""
import argparse
import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "outside"))
from stack import Checks  # noqa: E402

TIMEOUT_S = 20
ROWS = 200


def answer(rows):
    row = {"rrn": "632625280191", "kind": "sale", "state": "approved", "amount": "100.00", "code": "00",
           "card": "621234*********0003", "merchant": "898110157220001", "terminal": "10000901", "batch": "000001",
           "trace": "000002", "authorization": "271828", "route": "issuer-a", "time": "2026-11-22T07:01:20.191+08:00"}
    data = {"list": "transactions", "cut": False, "transactions": [row] * rows}
    return json.dumps({"ok": True, "data": data}).encode() + b"\n"


class Switch:
    """Answers each connection's first line with so many rows."""

    def __init__(self, folder):
        self.path, self.rows = os.path.join(folder, "control.sock"), ROWS
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                line = b""
                while not line.endswith(b"\n"):
                    piece = peer.recv(4096)
                    if not piece:
                        break
                    line += piece
                else:
                    peer.sendall(answer(self.rows))


def on_terminal(args, switch, words=("list",), rows=24, columns=100, keys=b"", **environment):
    """Exit code and everything that the terminal showed. `keys` are typed at the first ":" on a line of its own, which is
    how less asks."""
    env = {**os.environ, "TERM": "xterm", **environment}
    for name in ("NO_COLOR", "PAGER", "LESS"):
        if name not in environment:
            env.pop(name, None)
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen([os.path.join(args.bin, "refundctl"), "--socket", switch.path, *words], stdin=theirs,
                               stdout=theirs, stderr=theirs, env=env, start_new_session=True)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + TIMEOUT_S
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([ours], [], [], left)[0]:
            process.kill()
            raise AssertionError(f"not within {TIMEOUT_S} s: {words} {environment}: {shown[-500:]!r}")
        try:
            piece = os.read(ours, 65536)
        except OSError:  # whoever held the other end has ended
            break
        if not piece:
            break
        shown += piece
        if keys and re.search(rb"(^|[\r\n])[^\r\n\w]*:", shown):
            os.write(ours, keys)
            keys = b""
    os.close(ours)
    return process.wait(TIMEOUT_S), shown.decode().replace("\r\n", "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    args = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="refund-switch-paging-") as folder:
        switch, paged = Switch(folder), os.path.join(folder, "paged")
        pager = f"tee {paged}"

        def was_paged():
            if not os.path.exists(paged):
                return False
            with open(paged, encoding="utf-8") as f:
                text = f.read()
            os.remove(paged)
            return text.count("632625280191") == switch.rows

        code, shown = on_terminal(args, switch, PAGER=pager)
        checks.that(code == 0 and was_paged(), "200 rows on a terminal of 24 go through $PAGER")
        checks.that("\x1b[32mapproved\x1b[0m" in shown, "with the states' colours")
        checks.equal(max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in shown.split("\n")) <= 100, True, "in 100 columns")
        shown = on_terminal(args, switch, PAGER=pager, NO_COLOR="1")[1]
        checks.that(was_paged() and "\x1b" not in shown, "NO_COLOR is obeyed")
        code, shown = on_terminal(args, switch, keys=b"q")
        checks.that(code == 0 and 10 < shown.count("632625280191") < 30 and "\x1b[32mapproved" in shown,
                    f"without PAGER it is less, a screen at a time, in colours: {shown.count('632625280191')} rows")
        code, shown = on_terminal(args, switch, PAGER="")
        checks.that(code == 0 and shown.count("632625280191") == ROWS, "an empty PAGER is none")
        code, shown = on_terminal(args, switch, PAGER="no-such-program-of-ours")
        checks.that(code == 0 and shown.count("632625280191") == ROWS, "without that program all is shown")
        code, shown = on_terminal(args, switch, PAGER="head -n 3")
        checks.that(code == 0 and shown.count("632625280191") < 3, "a pager that ends early is no failure")
        code, shown = on_terminal(args, switch, rows=ROWS + 50, PAGER=pager)
        checks.that(code == 0 and not was_paged() and "632625280191" in shown, "what fits the terminal is not paged")
        on_terminal(args, switch, words=("--json", "list"), PAGER=pager)
        checks.that(not was_paged(), "nor is JSON")
        shown = on_terminal(args, switch, rows=ROWS + 50, columns=180, PAGER=pager)[1]
        checks.that("AUTHORIZATION" in shown and "not shown" not in shown, "a wide terminal has wide tables")
        shown = on_terminal(args, switch, words=("--wide", "list"), rows=ROWS + 50, PAGER=pager)[1]
        checks.that("AUTHORIZATION" in shown, "and --wide has them anywhere")
        piped = subprocess.run([os.path.join(args.bin, "refundctl"), "--socket", switch.path, "list"], capture_output=True,
                               text=True, timeout=TIMEOUT_S, env={**os.environ, "PAGER": pager})
        checks.that(not was_paged() and "\x1b" not in piped.stdout and piped.stdout.count("632625280191") == ROWS,
                    "into a pipe goes the text alone")
        checks.equal(max(map(len, piped.stdout.split("\n"))) <= 100, True, "in 100 columns as well")
        switch.rows = 1
        code, shown = on_terminal(args, switch, PAGER=pager)
        checks.that(code == 0 and not was_paged() and "approved" in shown, "one row is not paged")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
