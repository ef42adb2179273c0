#!/usr/bin/env python3
"""The ways out as two people would use them (R18, R70-R78): a refund that the issuer refused, a reversal that it
refused, a hold, a chargeback; proposals that live through a kill -9; and every wrong word gets a sentence and its exit
code."""
import sys

import stack
from terminal import Terminal

ISSUER, CARD = "issuer-a", "6212345678900000003"
TERMINAL, MERCHANT = "10000171", "898110157220001"
NOTE = ("--note", "as the issuer's file of yesterday says")


class Desk:
    """People at refundctl, and what they see."""

    def __init__(self, checks, running):
        self.checks, self.running = checks, running

    def does(self, user, *words):
        code, data = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 0, f"{user}: {' '.join(words)}: {data}")
        return data

    def refused(self, user, expected, *words, code=1):
        seen, answer = self.running.refundctl(*words, user=user)
        self.checks.equal(seen, code, f"{user}: {' '.join(words)}: {answer}")
        self.checks.that(expected in str(answer), f"{user}: {' '.join(words)}: {expected!r} is said: {answer}")

    def state(self, rrn):
        return self.running.refundctl("show", rrn, user="admin1")[1].get("state")

    def waits_for_state(self, rrn, state):
        stack.wait_until(f"{rrn} is {state}", lambda: self.state(rrn) == state)

    def exceptions(self):
        return {x["kind"]: x for x in self.does("maker1", "exceptions", "list")["exceptions"]}


def abnormal(desk, terminal, sale, sold):
    """The issuer refuses an accepted refund; the switch dies while a checker thinks; the merchant pays."""
    desk.checks.equal(desk.running.issuer_says(ISSUER, "next refund decline 14"), "ok", "the issuer will refuse")
    refund = terminal.exchange(terminal.refund(sale, sold, 3000))
    desk.checks.equal(refund.code, "00", "the refund is accepted")
    desk.waits_for_state(refund.rrn, "abnormal")
    listed = desk.does("maker1", "abnormal", "list")["transactions"]
    desk.checks.equal([r["rrn"] for r in listed], [refund.rrn], "abnormal list")
    opened = desk.exceptions()["refund_abnormal"]
    desk.checks.that(f"abnormal resolve {refund.rrn}" in opened["way_out"], f"the way out is named: {opened}")
    desk.refused("checker1", "abnormal resolve", "exceptions", "resolve", opened["id"], *NOTE)
    desk.refused("maker1", "--note", "abnormal", "resolve", refund.rrn, "--cancel", code=2)
    desk.refused("maker1", "one of --retry", "abnormal", "resolve", refund.rrn, *NOTE)
    desk.refused("maker1", "card or account number", "abnormal", "resolve", refund.rrn, "--alternative-account",
                 CARD, *NOTE)
    desk.refused("checker1", "role operator", "abnormal", "resolve", refund.rrn, "--cancel", *NOTE)
    proposal = desk.does("maker1", "abnormal", "resolve", refund.rrn, "--merchant-account", *NOTE)
    desk.checks.equal(proposal["needed"], "1", "one checker is missing")
    desk.running.kill_switch()
    desk.running.start_switch()
    waiting = desk.does("maker1", "proposals", "list")["proposals"]
    desk.checks.equal([p["proposal"] for p in waiting], [proposal["proposal"]], "the proposal lives through a kill -9")
    desk.refused("maker1", "role supervisor", "proposals", "approve", proposal["proposal"])
    desk.does("checker1", "proposals", "approve", proposal["proposal"])
    desk.checks.equal(desk.state(refund.rrn), "merchant_account", "two people decided")
    desk.refused("checker1", "is approved", "proposals", "approve", proposal["proposal"])
    desk.refused("checker1", "no proposal", "proposals", "approve", "P99999999")
    desk.checks.that("refund_abnormal" not in desk.exceptions(), "its exception is closed")


def stuck(desk, terminal):
    sale = terminal.sale(CARD, 4000)
    sold = terminal.exchange(sale)
    desk.running.issuer_says(ISSUER, "next reversal decline 12")
    desk.checks.equal(terminal.exchange(terminal.reversal(sale)).code, "00", "the reversal is accepted")
    desk.waits_for_state(sold.rrn, "reversal_stuck")
    desk.refused("maker1", "has to be reversed|approved", "exceptions", "settle", sold.rrn, "--outcome", "done", *NOTE)
    opened = desk.exceptions()["reversal_stuck"]
    proposal = desk.does("maker1", "exceptions", "settle", opened["id"], "--outcome", "approved", *NOTE)["proposal"]
    desk.refused("maker2", "is open", "saf", "settle", sold.rrn, "--outcome", "reversed", *NOTE)
    desk.does("checker2", "proposals", "approve", proposal)
    desk.checks.equal(desk.state(sold.rrn), "approved", "the sale stands after all")
    desk.checks.equal(terminal.exchange(terminal.reversal(sale)).code, "12", "its reversal again")
    desk.refused("maker1", "nothing to settle", "saf", "settle", sold.rrn, "--outcome", "reversed", *NOTE)


def disputes(desk, terminal, sale, sold, date):
    rrn = ("--rrn", sold.rrn, "--date", date)
    hold = desk.does("maker1", "dispute", "add", *rrn, "--kind", "hold", *NOTE)["dispute"]
    desk.checks.equal(terminal.exchange(terminal.refund(sale, sold, 100)).code, "12", "a refund while on hold")
    desk.refused("maker1", "role supervisor", "dispute", "close", hold, *NOTE)
    desk.does("checker1", "dispute", "close", hold, *NOTE)
    charge = desk.does("maker1", "dispute", "add", *rrn, "--kind", "chargeback", "--amount", "60.00", *NOTE)
    desk.does("checker1", "proposals", "approve", charge["proposal"])
    desk.checks.equal(desk.does("maker1", "show", sold.rrn)["remaining"], "10.00", "100.00 - 30.00 - 60.00")
    desk.checks.equal(terminal.exchange(terminal.refund(sale, sold, 1001)).code, "64", "more than what remains")
    desk.refused("maker1", "kind", "dispute", "add", *rrn,
                 "--kind", "quarrel", *NOTE, code=2)


def verified(checks, running):
    """I6a: what is still open after all that is awaited, queued or before a person; and nothing else."""
    status = running.refundctl("status", user="maker1")[1]
    checks.equal(status["orphans"], 0, "nothing waits for nothing")
    code, said = running.verify()
    checks.equal(code, 1, "the ledger of a running switch is its own")
    checks.that("store" in said, f"and it says so: {said}")
    running.kill_switch()
    code, said = running.verify()
    checks.equal(code, 0, f"--verify: {said}")
    checks.that("transactions, 0 not final, 0 orphans" in said, f"it says how many it saw: {said}")
    running.data += "-of-nobody"
    code, said = running.verify()
    checks.equal(code, 1, "no ledger is there")
    checks.that("no ledger is there" in said, f"and it says so: {said}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        desk = Desk(checks, running)
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        terminal.connect()
        terminal.sign_on()
        sale = terminal.sale(CARD, 10000)
        sold = terminal.exchange(sale)
        checks.equal(sold.code, "00", "the sale")
        abnormal(desk, terminal, sale, sold)
        terminal.address = running.addresses["unionpay-pos"]
        terminal.connect()
        stuck(desk, terminal)
        date = desk.does("maker1", "show", sold.rrn)["local_date"]
        disputes(desk, terminal, sale, sold, date[5:7] + date[8:10])
        checks.equal(desk.does("security1", "audit", "verify")["entries"] >= 8, True, "every step is in the audit chain")
        verified(checks, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
