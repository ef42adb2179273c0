#!/usr/bin/env python3
"""The audit chain against people who may write the disk: its entries carry MACs under a key that the HSM's master key
seals, and its head is noted in a second file and in syslog. A ledger put back to where its chain was shorter, one made
anew, and a noted head that was changed do not start; `audit verify` says the same of a running switch; who has an export
and no key follows the hashes."""
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import stack

HEAD = re.compile(r"refund-switch audit head 1 time=\S+Z entry=(\d+) hash=([0-9A-F]{64}) turn=(\d+) mac=[0-9A-F]{64}\n")


class Syslog:
    """A socket like syslog's."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(10)

    def close(self):
        self.socket.close()


def start_refused(checks, running, what):
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data],
                         capture_output=True, text=True, timeout=60)
    lines = [line for line in run.stderr.splitlines() if '"not_started"' in line]
    checks.that(run.returncode == 1 and len(lines) == 1, f"{what}: exit {run.returncode}: {run.stderr[-400:]}")
    return lines[0] if lines else ""


def change_something(running, times):
    for _ in range(times):
        for to in ("down", "up"):
            code, said = running.refundctl("routes", to, "issuer-a", user="checker1")
            assert code == 0, said


def noted(path):
    if not os.path.exists(path):
        return None
    with open(path, encoding="ascii") as f:
        found = HEAD.fullmatch(f.read())
    return (int(found[1]), found[2], int(found[3])) if found else None


def export_follows(checks, running):
    path = running.path("audit.jsonl")
    code, said = running.refundctl("audit", "export", "--jsonl", path, user="security1")
    checks.equal(code, 0, f"export: {said}")
    before, macs = bytes(32).hex(), 0
    with open(path, encoding="utf-8") as f:
        for line in map(json.loads, f):
            data = bytes.fromhex(line["bytes"])
            assert line["previous_hash"].lower() == before, line
            before = hashlib.sha256(data).hexdigest()
            macs += "mac" in line
    return before, macs


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    log = None
    try:
        with stack.Stack(args) as running:
            running.switch.terminate()
            log = Syslog(running.path("log"))
            head = running.path("audit.head")
            running.options = [(r"\[data\]\n", f'[audit]\nhead_file = "{head}"\nhead_seconds = 1\nsyslog = "{log.path}"\n\n[data]\n')]
            shutil.rmtree(running.data)
            running.start_switch()
            change_something(running, 2)
            code, said = running.refundctl("audit", "verify", user="security1")
            checks.equal((code, said.get("keyed_from")), (0, 1), f"a new chain carries MACs from its first entry: {said}")
            entries = said["entries"]
            stack.wait_until("the head is noted", lambda: (noted(head) or (0,))[0] == entries)
            end, macs = export_follows(checks, running)
            checks.equal(macs, entries, "entries with a MAC in the export")
            checks.equal(noted(head)[1].lower(), end, "the noted head is the export's")
            seen = log.socket.recv(4096).decode()
            checks.that(re.match(r"<85>refund-switch\[\d+\]: refund-switch audit head 1 ", seen), f"syslog has it: {seen}")
            running.switch.terminate()
            shorter = running.path("shorter")
            shutil.copytree(running.data, shorter)

            running.start_switch()
            change_something(running, 3)
            running.switch.terminate()  # notes the last one
            whole, told = running.path("whole"), open(head, encoding="ascii").read()
            shutil.copytree(running.data, whole)

            def put_back(data, text=told):
                shutil.rmtree(running.data)
                if data:
                    shutil.copytree(data, running.data)
                with open(head, "w", encoding="ascii") as f:
                    f.write(text)

            put_back(shorter)
            said = start_refused(checks, running, "a ledger put back to a shorter chain")
            checks.that("the chain was cut, or made anew" in said, f"it says so: {said}")
            print(said, flush=True)
            put_back(None)
            said = start_refused(checks, running, "a ledger made anew")
            checks.that("made anew" in said, f"it says so: {said}")
            for text, what in ((told.replace("entry=", "entry=1"), "another entry"), (told[:-2] + "\n", "half a MAC"),
                               ("", "empty"), (told + told, "two lines"), ("nonsense\n", "nonsense")):
                put_back(whole, text)
                said = start_refused(checks, running, f"a noted head with {what}")
                checks.that("not_started" in said and ("head" in said or "line" in said), f"{what}: {said}")
            put_back(whole)
            running.start_switch()
            code, said = running.refundctl("audit", "verify", user="security1")
            checks.equal((code, said.get("intact")), (0, True), f"the whole one is fine: {said}")
            code, said = running.refundctl("audit", "verify", user="maker1")
            checks.that(code != 0, f"verify is the security officer's: {said}")
            running.switch.terminate()

            # The second place cannot be written: an alarm, and the switch goes on.
            running.options = [(r"\[data\]\n",
                                f'[audit]\nhead_file = "{running.path("nowhere/head")}"\nhead_seconds = 1\n\n[data]\n')]
            running.start_switch()
            stack.wait_until("the alarm", lambda: running.log_lines(event="audit_head"))
            code, _ = running.refundctl("status", user="maker1")
            checks.equal(code, 0, "it serves without its second place")
            # Nor can syslog: nobody takes what is sent, and nothing stands still for it.
            running.switch.terminate()
            running.options = [(r"\[data\]\n", f'[audit]\nsyslog = "{log.path}"\nhead_seconds = 1\n\n[data]\n')]
            log.close()
            seen = len(running.log_lines(event="audit_head"))
            running.start_switch()
            stack.wait_until("another alarm", lambda: len(running.log_lines(event="audit_head")) > seen)
            checks.equal(running.switch.terminate(), 0, "and it stops as ever")
    finally:
        if log:
            log.close()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
