#!/usr/bin/env python3
"""An operators' day with refundctl against the running stack: look up, explain, open, approve, reject, routes,
merchants, terminals, the queue, the day. `--transcript FILE` keeps every command with its output, for
docs/refundctl.md."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "outside"))
import stack  # noqa: E402
from terminal import Terminal  # noqa: E402

CARD_A = "6212345678900000003"  # issuer-a: refunds by advice
CARD_B = "4111111111111111"     # issuer-b: refunds online
MERCHANT = "898110157220001"


class Desk:
    """Runs refundctl; keeps what was typed and shown."""

    def __init__(self, running, transcript):
        self.stack, self.transcript = running, transcript

    def run(self, *words, user=None):
        """(exit code, everything printed), as a person sees it."""
        typed = ["--as", user] if user else []
        command = [self.stack.program("refundctl"), "--socket", self.stack.ready["control"], *typed, *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if self.transcript:
            shown = " ".join(f"'{w}'" if " " in w else w for w in typed + list(words))
            code = f"    (exit {ended.returncode})\n" if ended.returncode else ""
            self.transcript.write(f"$ refundctl {shown}\n{ended.stdout}{ended.stderr}{code}\n")
        return ended.returncode, ended.stdout + ended.stderr

    def json(self, *words, user=None):
        typed = ["--as", user] if user else []
        command = [self.stack.program("refundctl"), "--socket", self.stack.ready["control"], "--json", *typed, *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return ended.returncode, json.loads(ended.stdout)


def look_up(checks, desk, sale, refund, refused):
    code, text = desk.run("find", "--rrn", sale.rrn)
    checks.equal(code, 0, "find by RRN")
    checks.that(sale.rrn in text and "621234*********0003" in text, "find shows the sale, its card masked")
    checks.that(CARD_A not in text, "find shows no whole card")
    code, answer = desk.json("show", sale.rrn)
    checks.equal((code, answer["data"]["remaining"], answer["data"]["refunded"]), (0, "40.00", "60.00"),
                 "show tells what remains")
    desk.run("show", sale.rrn)
    code, answer = desk.json("find", "--pan-last4", "0003", "--amount", "60")
    checks.equal([t["rrn"] for t in answer["data"]["transactions"]], [refund.rrn], "find by last four and amount")
    code, answer = desk.json("find", "--terminal", "10000901", "--batch", "000001", "--trace", "000003")
    checks.equal([t["rrn"] for t in answer["data"]["transactions"]], [refund.rrn], "find by trace")
    code, answer = desk.json("find", "--auth", sale.auth, "--limit", "5")
    checks.that(sale.rrn in [t["rrn"] for t in answer["data"]["transactions"]], "find by authorization code")
    code, text = desk.run("explain", refused.rrn)
    checks.equal(code, 0, "explain")
    checks.that("by rule R11" in text and "remaining 40.00" in text, "explain names the rule and what remains")
    code, text = desk.run("receipt", refund.rrn)
    checks.that(code == 0 and "REFUND" in text and refund.rrn in text, "receipt")
    code, text = desk.run("show", "000000000000")
    checks.equal((code, text), (1, "refundctl: no transaction has that RRN or case number\n"), "show of nothing")


def approvals(checks, desk, sale, date):
    check = ("refund", "check", "--rrn", sale.rrn, "--date", date, "--amount")
    checks.equal(desk.run(*check, "40.00")[0], 0, "refund check of what remains")
    code, text = desk.run(*check, "40.01")
    checks.that(code == 1 and "R11" in text, "refund check of more than what remains is refused by R11")
    checks.equal(desk.run(*check, "60.001")[0], 1, "more decimals than the currency has")
    opening = ("refund", "open", "--rrn", sale.rrn, "--date", date, "--amount", "10.00", "--reason", "promise",
               "--ref", "T-2041")
    checks.equal(desk.run(*opening)[0], 1, "a viewer may not open a refund")
    code, text = desk.run(*opening, user="maker1")
    checks.equal(code, 0, "maker1 opens")
    code, again = desk.json(*opening, user="maker1")
    checks.equal(code, 0, "the same reference again is the same case")
    case = again["data"]["case"]
    checks.that(case in text, "and has the same case number")
    code, text = desk.run("refund", "list")
    checks.that(case in text and "held" in text, "the case waits in the list")
    checks.equal(desk.run("refund", "approve", case, user="maker1")[0], 1, "a maker may not approve")
    checks.equal(desk.run("refund", "approve", case, user="checker1")[0], 0, "checker1 approves")
    stack.wait_until("the advice is final", lambda: desk.json("show", case)[1]["data"]["state"] == "approved")
    code, text = desk.run("explain", case)
    checks.that("maker1" in text and "checker1" in text, "explain names maker and checker")
    checks.equal(desk.run("refund", "approve", case, user="checker2")[0], 1, "a case is approved once")
    second = opening[:-5] + ("5.00", "--reason", "quality", "--ref", "T-2042")
    code, answer = desk.json(*second, user="maker2")
    checks.equal(code, 0, "maker2 opens another")
    checks.equal(desk.run("refund", "reject", answer["data"]["case"], "--reason", "no proof", user="checker2")[0], 0,
                 "checker2 rejects it")
    code, answer = desk.json("show", sale.rrn)
    checks.equal(answer["data"]["remaining"], "30.00", "a rejected refund counts no more")


def queue_and_routes(checks, desk, running, terminal):
    sale = terminal.sale(CARD_A, 7000)
    sold = terminal.exchange(sale)
    checks.equal(desk.run("routes", "down", "issuer-a", user="checker1")[0], 0, "a route goes down")
    code, text = desk.run("routes", "list")
    checks.that("down" in text and "checker1 at" in text, "routes list shows who took it down")
    refund = terminal.exchange(terminal.refund(sale, sold, 7000))
    checks.equal(refund.code, "00", "a refund by advice is accepted while the route is down (R52)")
    code, text = desk.run("saf", "list")
    checks.that(refund.rrn in text, "its advice waits in the queue")
    checks.equal(desk.run("saf", "show", refund.rrn)[0], 0, "saf show")
    checks.equal(desk.run("routes", "up", "issuer-a", user="checker1")[0], 0, "the route comes up")
    desk.run("saf", "retry", refund.rrn, user="maker1")
    stack.wait_until("the advice is final", lambda: desk.json("show", refund.rrn)[1]["data"]["state"] == "approved")
    checks.that(refund.rrn not in desk.run("saf", "list")[1], "the queue is empty of it")
    checks.equal(desk.run("routes", "down", "issuer-x", user="checker1")[0], 1, "a route that is none")


def silent_issuer(checks, desk, running, terminal):
    silent = terminal.exchange(terminal.sale(CARD_B, 9968), timeout=30)
    checks.equal(silent.code, "98", "a silent issuer is answered 98 (R50)")
    stack.wait_until("the sale is reversed", lambda: desk.json("show", silent.rrn)[1]["data"]["state"] == "reversed")
    code, text = desk.run("explain", silent.rrn)
    checks.that("R50" in text and "reversed" in text, "explain tells of the silence and of the reversal")


def people_and_places(checks, desk):
    for words in (("merchants", "suspend", MERCHANT), ("merchants", "resume", MERCHANT),
                  ("merchants", "disable-refund", MERCHANT), ("merchants", "enable-refund", MERCHANT),
                  ("terminals", "suspend", "10000902"), ("terminals", "resume", "10000902")):
        checks.equal(desk.run(*words, user="maker1")[0], 1, " ".join(words) + " is not for an operator")
        checks.equal(desk.run(*words, user="checker1")[0], 0, " ".join(words))
    code, text = desk.run("merchants", "list")
    checks.that("898110157220005" in text and "at most 500.00" in text, "merchants list shows the policy")
    code, text = desk.run("terminals", "list", "--merchant", MERCHANT)
    checks.that("10000901" in text, "terminals list shows who signed on")
    checks.equal(desk.run("terminals", "close-batch", "10000901", user="checker1")[0], 0, "close a batch by hand")
    checks.equal(desk.run("terminals", "suspend", "99999999", user="checker1")[0], 1, "a terminal that is none")


def the_day(checks, desk):
    for by in ("route", "merchant", "terminal", "instrument"):
        checks.equal(desk.run("totals", "--by", by)[0], 0, f"totals by {by}")
    checks.equal(desk.run("day", "status")[0], 0, "day status")
    checks.equal(desk.run("day", "cutover", user="checker1")[0], 1, "a cut-over is the admin's")
    before = desk.json("day", "status")[1]["data"]["business_date"]
    checks.equal(desk.run("day", "cutover", user="admin1")[0], 0, "cut-over")
    checks.that(desk.json("day", "status")[1]["data"]["business_date"] > before, "the day has moved on")
    checks.equal(desk.run("audit", "verify")[0], 1, "the audit chain is not for a viewer")
    code, answer = desk.json("audit", "verify", user="security1")
    checks.equal((code, answer["data"]["intact"]), (0, True), "the audit chain is whole")
    checks.that(answer["data"]["entries"] >= 14, "and has an entry for every change")
    desk.run("audit", "verify", user="security1")
    desk.run("exceptions", "list")
    code, text = desk.run("status")
    checks.that(code == 0 and "issuer-a" in text, "status")


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument("--transcript", help="keep commands and output here"))
    checks = stack.Checks()
    transcript = open(args.transcript, "w", encoding="utf-8") if args.transcript else None
    with stack.Stack(args) as running:
        desk = Desk(running, transcript)
        terminal = Terminal("unionpay-pos", "10000901", MERCHANT, running.addresses["unionpay-pos"])
        checks.equal(terminal.sign_on().code, "00", "sign-on")
        sale = terminal.sale(CARD_A, 10000)
        sold = terminal.exchange(sale)
        refund = terminal.exchange(terminal.refund(sale, sold, 6000))
        refused = terminal.exchange(terminal.refund(sale, sold, 4001))
        checks.equal((sold.code, refund.code, refused.code), ("00", "00", "64"), "a sale, a refund, an over-refund")
        look_up(checks, desk, sold, refund, refused)
        approvals(checks, desk, sold, sold.fields[13])
        queue_and_routes(checks, desk, running, terminal)
        silent_issuer(checks, desk, running, terminal)
        people_and_places(checks, desk)
        the_day(checks, desk)
    code, text = Desk(running, transcript).run("status")
    checks.that(code == 3 and "cannot be reached" in text, "a switch that has stopped is exit 3")
    if transcript:
        transcript.close()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
