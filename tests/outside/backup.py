#!/usr/bin/env python3
"""Backup and restore as operations would do them (R65): a backup under load, verified; a byte of it damaged and named;
a kill -9 in the middle of one; a switch restored from it that takes no new work, is reconciled against its issuer's
books, accepted by two people, and goes on without giving a number twice."""
import os
import shutil
import subprocess
import sys
import threading

import stack
from terminal import Terminal, Unexpected

CARD = "6212345678900000003"  # issuer-a: refunds by advice
MERCHANT = "898110157220001"
NOTE = ("--note", "compared with the issuers' files of the day")
SILENCE_S = 1.5


class Load(threading.Thread):
    """Sales of one terminal, one after the other, until it is told to stop."""

    def __init__(self, address):
        super().__init__()
        self.terminal = Terminal("unionpay-pos", "10000301", MERCHANT, address)
        self.terminal.connect()
        self.terminal.sign_on()
        self.stopping, self.rrns, self.fault = threading.Event(), [], None

    def run(self):
        try:
            while not self.stopping.is_set():
                reply = self.terminal.exchange(self.terminal.sale(CARD, 100))
                if reply.code != "00":
                    raise Unexpected(f"a sale while a backup is made: {reply}")
                self.rrns.append(reply.rrn)
        except Exception as error:  # told by the main thread
            self.fault = error

    def end(self):
        self.stopping.set()
        self.join()
        self.terminal.close()


def offline(running, *words):
    """refundctl without a switch: exit code and all that it says."""
    run = subprocess.run([running.program("refundctl"), *words], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


def wrong_words(checks, running):
    def refused(user, expected, *words):
        code, said = running.refundctl(*words, user=user)
        checks.equal(code, 1, f"{words}: {said}")
        checks.that(expected in str(said), f"{words}: {expected!r} is said: {said}")

    refused("checker1", "role admin", "backup", running.path("no"))
    refused("admin1", "is not empty", "backup", running.folder)
    refused("admin1", "no such directory", "backup", running.path("nowhere/backup"))
    refused("admin1", "lies in the data directory", "backup", os.path.join(running.data, "backup"))
    refused("admin1", "does not wait for a reconciliation", "accept-restore", *NOTE)
    checks.that(not os.path.exists(running.path("no")), "nothing was made")


def backed_up_under_load(checks, running, directory):
    load = Load(running.addresses["unionpay-pos"])
    load.start()
    stack.wait_until("some sales are made", lambda: len(load.rrns) > 20 or load.fault, every=0.01)
    before = len(load.rrns)
    code, made = running.refundctl("backup", directory, user="admin1")
    during = len(load.rrns) - before
    stack.wait_until("sales go on", lambda: len(load.rrns) > before + during + 5 or load.fault, every=0.01)
    load.end()
    checks.equal(load.fault, None, "traffic while a backup is made")
    checks.equal(code, 0, f"the backup: {made}")
    checks.equal(made["state"], "done", "its state")
    checks.equal(os.stat(directory).st_mode & 0o777, 0o700, "its directory is its owner's")
    code, said = offline(running, "verify", directory, "--config", running.write_config())
    checks.equal(code, 0, f"verify: {said}")
    checks.that("0 orphans" in said, f"its ledger was looked through: {said}")
    print(f"a backup of {made['files']} files, {made['bytes']} bytes, {during} sales meanwhile", flush=True)
    return load.rrns


def damaged(checks, running, directory):
    copy = running.path("damaged")
    shutil.copytree(directory, copy)
    tables = os.path.join(running.stores(copy)[-1], "rocks")
    table = next(name for name in sorted(os.listdir(tables)) if name.endswith(".sst"))
    path = os.path.join(tables, table)
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    for words in (("verify", copy), ("restore", copy, "--data", running.path("of-damaged"))):
        code, said = offline(running, *words)
        checks.equal(code, 1, f"{words[0]} of a damaged backup")
        checks.that(f"store/rocks/{table}" in said, f"the file is named: {said}")
    checks.that(not os.path.exists(running.path("of-damaged/store")), "nothing is restored from it")


def killed_in_the_middle(checks, running, directory):
    """The vault's key becomes a pipe that nobody writes to: the copy stands there when the kill comes."""
    key = os.path.join(running.data, "vault.key")
    os.rename(key, key + ".kept")
    os.mkfifo(key)
    asking = subprocess.Popen([running.program("refundctl"), "--socket", running.ready["control"], "--as", "admin1",
                               "backup", directory], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    partial = os.path.join(running.stores(directory + ".partial")[-1], "rocks", "CURRENT")
    stack.wait_until("the store is copied", lambda: os.path.exists(partial), every=0.01)
    running.kill_switch()
    checks.equal(asking.wait(60), 3, "whoever asked hears that the switch is gone")
    os.rename(key + ".kept", key)
    checks.that(not os.path.exists(directory), "no directory of that name is left")
    code, said = offline(running, "verify", directory + ".partial")
    checks.equal(code, 1, "what is left is no backup")
    checks.that("no manifest" in said, f"and it is said: {said}")
    code, said = running.verify()
    checks.equal(code, 0, f"the ledger itself: {said}")
    running.start_switch()
    code, made = running.refundctl("backup", directory, user="admin1")
    checks.equal(code, 0, f"the same again: {made}")
    checks.equal(offline(running, "verify", directory)[0], 0, "it is whole")
    checks.that(not os.path.exists(directory + ".partial"), "what was left is gone")


def restored(checks, running, directory):
    data = running.path("restored")
    code, said = offline(running, "restore", directory, "--data", running.data)
    checks.equal(code, 1, "never over a ledger")
    checks.that("a ledger is there already" in said, f"and it is said: {said}")
    running.kill_switch()
    # One that was killed: no new ledger is begun where an old one was to be.
    os.makedirs(os.path.join(data, "store.restoring", "store"))
    command = [running.program("refund-switch"), "--config", running.write_config(), "--data", data]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    checks.equal(run.returncode, 1, "a switch does not start on half a restore")
    checks.that("begin it again" in run.stderr, f"and says what to do: {run.stderr}")
    checks.that(not os.path.exists(os.path.join(data, "store")), "and makes no ledger there")
    code, said = offline(running, "restore", directory, "--data", data)
    checks.equal(code, 0, f"restore: {said}")
    checks.equal(offline(running, "verify", directory)[0], 0, "the backup is as it was")
    running.data = data
    running.start_switch()


def waits(checks, running, terminal, sale, sold):
    status = running.refundctl("status")[1]
    waiting = status.get("restored", {})
    checks.equal([r["route"] for r in waiting.get("to_reconcile", [])], ["issuer-a", "issuer-b", "issuer-w"],
                 "status says what is to be reconciled")
    readyz = running.metrics("/readyz")
    checks.that(" 503 " in readyz and "restored from backup" in readyz, f"/readyz: {readyz}")
    checks.that(running.log_lines(event="restored"), "the log says it")
    for what, message in (("sale", terminal.sale(CARD, 500)), ("refund", terminal.refund(sale, sold, 500)),
                          ("void", terminal.void(sale, sold))):
        checks.equal(terminal.exchange(message).code, "96", f"a {what} of a restored switch")
    terminal.send(terminal.reversal(sale))
    checks.equal(terminal.receive(sale, timeout=SILENCE_S), None, "a reversal gets no answer")
    terminal.close()
    code, said = running.refundctl("refund", "open", "--rrn", sold.rrn, "--date", "0101", "--amount", "1.00", "--reason",
                                   "other", "--ref", "X-1", user="maker1")
    checks.that(code == 1 and "restored from backup" in str(said), f"a refund by operations: {said}")


def reconciled(checks, running, sold, lost):
    """What the issuer did since stands in its journal: the refund that was lost is found, and put right."""
    day = running.refundctl("status")[1]["business_date"]
    code, said = running.refundctl("recon", "import", "--route", "issuer-a", "--day", day,
                                   running.journal_path("issuer-a"), user="maker1")
    checks.equal(code, 0, f"the issuer's file: {said}")
    code, said = running.refundctl("recon", "run", "--day", day, user="maker1")
    checks.equal(code, 0, f"recon run: {said}")
    differences = running.refundctl("recon", "list", "--limit", "1000")[1]["differences"]
    missing = [d["ref"] for d in differences if d["status"] == "missing_here"]
    checks.that(any(lost.rrn in ref for ref in missing), f"the refund that was paid after the backup is missing here: {differences[:3]}")
    date = running.refundctl("show", sold.rrn)[1]["local_date"]
    return date[5:7] + date[8:10]


def accepted(checks, running):
    code, said = running.refundctl("accept-restore", *NOTE, user="maker1")
    checks.equal(code, 1, f"an operator cannot: {said}")
    code, proposal = running.refundctl("accept-restore", *NOTE, user="admin1")
    checks.equal((code, proposal.get("needed")), (0, "1"), f"it is proposed: {proposal}")
    code, said = running.refundctl("proposals", "approve", proposal["proposal"].split(", ")[0], user="admin1")
    checks.equal(code, 1, f"and not approved by who proposed: {said}")
    code, said = running.approve(proposal)
    checks.equal(code, 0, f"but by another: {said}")
    checks.that("restored" not in running.refundctl("status")[1], "status: it waits no more")
    checks.that(" 200 " in running.metrics("/readyz"), "/readyz: ready")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        terminal = Terminal("unionpay-pos", "10000302", MERCHANT, running.addresses["unionpay-pos"])
        terminal.connect()
        terminal.sign_on()
        sale = terminal.sale(CARD, 10000)
        sold = terminal.exchange(sale)
        checks.equal(sold.code, "00", "the sale")
        wrong_words(checks, running)
        backup = running.path("backup")
        given = set(backed_up_under_load(checks, running, backup))
        # What the restored switch will not know:
        lost = terminal.exchange(terminal.refund(sale, sold, 3000))
        checks.equal(lost.code, "00", "a refund after the backup")
        stack.wait_until("the issuer has it", lambda: any(e["kind"] == "refund" for e in running.journal("issuer-a")))
        given |= {sold.rrn, lost.rrn}
        terminal.close()
        damaged(checks, running, backup)
        killed_in_the_middle(checks, running, running.path("second"))
        restored(checks, running, backup)
        terminal.address = running.addresses["unionpay-pos"]
        terminal.connect()
        waits(checks, running, terminal, sale, sold)
        date = reconciled(checks, running, sold, lost)
        accepted(checks, running)
        terminal.connect()
        fresh = terminal.exchange(terminal.sale(CARD, 700))
        checks.equal(fresh.code, "00", "a sale again")
        checks.that(fresh.rrn not in given and fresh.rrn > max(given), f"its number is new: {fresh.rrn}")
        # The lost refund counts against the sale again, as people recorded it.
        charge = running.refundctl("dispute", "add", "--rrn", sold.rrn, "--date", date, "--kind", "chargeback", "--amount",
                                   "30.00", "--note", f"refund {lost.rrn}, lost by the restore", user="maker1")[1]
        running.refundctl("proposals", "approve", charge["proposal"], user="checker1")
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 7001)).code, "64", "more than remains")
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 7000)).code, "00", "what remains")
        code, said = running.refundctl("audit", "verify", user="security1")
        checks.equal(code, 0, f"the audit chain: {said}")
        running.kill_switch()
        code, said = running.verify()
        checks.equal(code, 0, f"the ledger in the end: {said}")
        terminal.close()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
