#!/usr/bin/env python3
"""An operators' whole day with refundctl against the running stack: every command of the table with right and with
wrong input, each task in at most three commands. The transcripts of docs/refundctl.md come from it: a block below a
line `<!-- played: NAME -->` is what was typed and shown in `desk.kept("NAME")`, and a difference fails.
SWITCH_UPDATE_GOLDEN=1 writes them anew.

A new command needs a scene: a function in one of the day_of_….py that calls desk.right and desk.wrong with it, in SCENES
at the end of its file."""
import difflib
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "outside"))
import stack  # noqa: E402
from terminal import Terminal  # noqa: E402

import day_of_funds  # noqa: E402
import day_of_money  # noqa: E402
import day_of_parties  # noqa: E402
import day_of_refunds  # noqa: E402
import day_of_stores  # noqa: E402
from day_desk import CARD_A, MERCHANT, TERMINAL, Desk, with_blocks  # noqa: E402

DOCUMENT = "docs/refundctl.md"


class Till:
    """The customers' side of the day: a terminal, and what was sold and refunded before the day's first scene."""

    def __init__(self, checks, running):
        self.checks = checks
        self.desk = None
        self.terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        checks.equal(self.terminal.sign_on().code, "00", "sign-on")
        sale, self.sold = self.sale(CARD_A, 10000)
        self.date = self.sold.fields[13]
        self.refunded = self.refunds(sale, self.sold, 6000)
        self.refused = self.terminal.exchange(self.terminal.refund(sale, self.sold, 4001))
        checks.equal(self.refused.code, "64", "an over-refund")

    def sale(self, card, amount):
        message = self.terminal.sale(card, amount)
        sold = self.terminal.exchange(message)
        self.checks.equal(sold.code, "00", f"a sale of {amount}")
        return message, sold

    def sells(self, card, amount):
        return self.sale(card, amount)[1]

    def refunds(self, sale, sold, amount):
        refund = self.terminal.exchange(self.terminal.refund(sale, sold, amount))
        self.checks.equal(refund.code, "00", f"a refund of {amount}")
        return refund

    def stuck_reversal(self):
        """A sale whose reversal the issuer refuses."""
        message, sold = self.sale(CARD_A, 4000)
        self.desk.running.issuer_says("issuer-a", "next reversal decline 12")
        self.checks.equal(self.terminal.exchange(self.terminal.reversal(message)).code, "00", "its reversal")
        stack.wait_until("it is stuck", lambda: self.desk.state(sold.rrn) == "reversal_stuck")
        return sold


def document_tells_the_day(checks, source, blocks):
    path = os.path.join(source, DOCUMENT)
    with open(path, encoding="utf-8") as f:
        before = f.read()
    after, marks, stray = with_blocks(before, blocks)
    checks.equal(sorted(marks), sorted(blocks), f"{DOCUMENT} has a mark for each block that is kept, and no other")
    checks.equal(stray, [], f"{DOCUMENT}: every transcript stands below a mark")
    if os.environ.get("SWITCH_UPDATE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as f:
            f.write(after)
        return
    different = "\n".join(difflib.unified_diff(before.split("\n"), after.split("\n"), DOCUMENT, "this run", lineterm="", n=1))
    checks.that(not different, f"{DOCUMENT} is what a run shows (SWITCH_UPDATE_GOLDEN=1 writes it anew):\n{different}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        till = Till(checks, running)
        desk = till.desk = Desk(checks, running)
        for day in (day_of_refunds, day_of_stores, day_of_parties, day_of_money, day_of_funds):
            for scene in day.SCENES:
                scene(desk, till)
        desk.every_command_was_played()
        control = running.ready["control"]
    ended = subprocess.run([os.path.join(args.bin, "refundctl"), "--socket", control, "status"], capture_output=True,
                           text=True, timeout=60)
    checks.that(ended.returncode == 3 and "cannot be reached" in ended.stderr, "a switch that has stopped is exit 3")
    document_tells_the_day(checks, args.source, desk.transcript.blocks)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
