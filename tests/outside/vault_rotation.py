#!/usr/bin/env python3
"""The vault's key is changed while terminals trade: kill -9 in the middle of sealing anew, another start, refunds of what was
sold before, the old key wiped from its file, and refunds again. A backup of before still opens with its own key; a vault.key
of before beside the ledger of after does not."""
import collections
import os
import re
import shutil
import subprocess
import sys
import threading

import stack
from terminal import Terminal, Unexpected

CARD = "6212345678900000003"  # issuer-a: refunds by advice
MERCHANT = "898110157220001"
OTHER_MERCHANT = "898110157220006"  # of two shards the second's
NOTE = ("--note", "its cryptoperiod ends")
SALES = 1500
TERMINALS = 4


class Seller(threading.Thread):
    """Sales of one terminal, one after the other."""

    def __init__(self, running, number, merchant, sales):
        super().__init__()
        self.terminal = Terminal("unionpay-pos", number, merchant, running.addresses["unionpay-pos"])
        self.terminal.connect()
        self.terminal.sign_on()
        self.sales, self.fault = sales, None

    def run(self):
        try:
            for _ in range(self.sales):
                reply = self.terminal.exchange(self.terminal.sale(CARD, 100))
                if reply.code != "00":
                    raise Unexpected(f"a sale: {reply}")
        except Exception as error:  # told by the main thread
            self.fault = error
        finally:
            self.terminal.close()


def sell(checks, running, sales=SALES):
    tills = [(f"1000030{3 + i}", MERCHANT) for i in range(TERMINALS // 2)]
    tills += [(f"6000000{3 + i}", OTHER_MERCHANT) for i in range(TERMINALS // 2)]
    sellers = [Seller(running, number, merchant, sales // TERMINALS) for number, merchant in tills]
    for seller in sellers:
        seller.start()
    for seller in sellers:
        seller.join()
        checks.equal(seller.fault, None, "sales")


def status(running):
    code, said = running.refundctl("vault", "status")
    assert code == 0, said
    return said


def state_of(running, key):
    return next((k["state"] for k in status(running)["keys"] if k["key"] == key), None)


def by_two(checks, running, *words):
    code, proposal = running.refundctl(*words, *NOTE, user="security1")
    checks.equal((code, proposal.get("needed")), (0, "1"), f"{words} is proposed: {proposal}")
    code, said = running.refundctl("proposals", "approve", proposal["proposal"], user="checker1")
    checks.equal(code, 0, f"and approved: {said}")
    return said


def cards(said):
    """How many cards each key has sealed, in all shards, as --verify says it."""
    sums = collections.Counter()
    for count, key in re.findall(r"^(\d+) cards are sealed under vault key (\d+)$", said, re.M):
        sums[int(key)] += int(count)
    return dict(sums)


def wrong_words(checks, running):
    def refused(user, expected, *words, exit_code=1):
        code, said = running.refundctl(*words, user=user)
        checks.equal(code, exit_code, f"{words}: {said}")
        checks.that(expected in str(said), f"{words}: {expected!r} is said: {said}")

    refused("admin1", "role security_officer", "vault", "rotate", *NOTE)
    refused("checker1", "role security_officer", "vault", "retire", "1", *NOTE)
    refused("security1", "is the active one", "vault", "retire", "1", *NOTE)
    refused("security1", "there is no vault key 9", "vault", "retire", "9", *NOTE)
    refused("security1", "--note", "vault", "rotate", exit_code=2)
    refused("security1", "key", "vault", "retire", "one", *NOTE, exit_code=2)


def killed_in_the_middle(checks, running):
    by_two(checks, running, "vault", "rotate")

    def resealed():
        return float(re.search(r"^refund_switch_vault_resealed (\S+)$", running.metrics(), re.M).group(1))

    stack.wait_until("sealing anew has begun", lambda: resealed() > 0, every=0.005)
    running.kill_switch()
    code, said = running.verify()
    checks.equal(code, 0, f"the ledger in the middle: {said}")
    middle = cards(said)
    checks.that(middle.get(1, 0) > 0 and middle.get(2, 0) > 0, f"it died in the middle: {middle}")
    print(f"killed with {middle.get(2, 0)} of {sum(middle.values())} cards under the new key", flush=True)


def older_file_is_refused(checks, running, older):
    """Beside a ledger that has gone on, the vault.key of before is another's."""
    path = os.path.join(running.data, "vault.key")
    shutil.copy(path, running.path("vault.key.kept"))
    shutil.copy(older, path)
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data],
                         capture_output=True, text=True, timeout=60)
    checks.equal(run.returncode, 1, "a switch does not start without its key")
    checks.that("vault key 2" in run.stderr + run.stdout, f"and says which is missing: {run.stderr}{run.stdout}")
    shutil.copy(running.path("vault.key.kept"), path)


def file_bytes(running):
    with open(os.path.join(running.data, "vault.key"), "rb") as f:
        return f.read()


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
        sell(checks, running)
        before = status(running)
        checks.equal((before["active"], before["state"], before["percent"]), (1, "idle", 100), "before")
        checks.that(before["days_left"] >= 363, f"a year is left: {before}")
        backup = running.path("backup")
        code, made = running.refundctl("backup", backup, user="admin1")
        checks.equal(code, 0, f"a backup: {made}")
        with_one_key = len(file_bytes(running))

        killed_in_the_middle(checks, running)
        older_file_is_refused(checks, running, os.path.join(backup, "vault.key"))
        running.start_switch()
        terminal.address = running.addresses["unionpay-pos"]
        terminal.connect()
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 3000)).code, "00", "a refund of a sale of before")
        stack.wait_until("all is sealed anew", lambda: status(running)["state"] == "idle", seconds=120)
        done = status(running)
        checks.equal((done["active"], done["percent"], done["unreadable"]), (2, 100, 0), f"the end: {done}")
        checks.equal(done["resealed"], SALES + 1, f"every card once: {done}")
        checks.that("vault retire" in state_of(running, 1), "the old key may go")
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 2000)).code, "00", "another refund")

        checks.that(len(file_bytes(running)) > with_one_key, "its file has two keys")
        by_two(checks, running, "vault", "retire", "1")
        stack.wait_until("the old key is gone", lambda: state_of(running, 1) is None)
        checks.equal(len(file_bytes(running)), with_one_key, "its file has one key again")
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 1000)).code, "00", "a refund after it")
        code, listed = running.refundctl("audit", "list", user="security1")
        actions = [entry["action"] for entry in listed["entries"]]
        for action in ("vault_rotate.propose", "vault_rotate.approve", "vault.rotate", "vault.resealed", "vault_retire.approve",
                       "vault.retire"):
            checks.that(action in actions, f"{action} stands in the audit chain: {actions}")
        checks.that(running.log_lines(event="vault_key"), "the log says it")

        # A start and a backup of after, and the one of before with the key of its time.
        running.kill_switch()
        running.start_switch()
        terminal.address = running.addresses["unionpay-pos"]
        terminal.connect()
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 500)).code, "00", "a refund after another start")
        later = running.path("later")
        checks.equal(running.refundctl("backup", later, user="admin1")[0], 0, "another backup")
        for directory, key in ((backup, 1), (later, 2)):
            run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", directory,
                                  "--verify"], capture_output=True, text=True, timeout=120)
            checks.equal(run.returncode, 0, f"{directory}: {run.stdout}{run.stderr}")
            checks.equal(list(cards(run.stdout)), [key], "all of it is sealed under the key of its time")
        terminal.close()
        running.kill_switch()
        code, said = running.verify()
        checks.equal(code, 0, f"the ledger in the end: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
