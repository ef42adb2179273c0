#!/usr/bin/env python3
"""Retention on a running stack: a retention that a rule forbids is refused before anything starts, what is old and
finished goes and nothing else, `purge show` says before what `purge log` says after, a kill in the middle of a run loses
and doubles nothing, and what is purged is answered as what is not found."""
import random
import re
import select
import subprocess
import sys

import stack
from terminal import Terminal

CARD_A, CARD_B = "6212345678900000003", "4111111111111111"  # refunds by advice, and online
TERMINAL, OPEN_TERMINAL, MERCHANT = "10000191", "10000192", "898110157220001"
OTHER_TERMINAL, OTHER_MERCHANT, OTHER_SALES = "60000003", "898110157220006", 10  # of two shards the second's
DAYS, SALES, KILLS = 31, 120, 5  # days: the least that rules allow (30 of an authorization)
STORIES = SALES + 2 + OTHER_SALES  # with a sale and its refund
NOTE = ("--note", "the quarter's look at what is kept")
def settings(card_numbers, transactions):
    """For demo.toml: no refund after the day of its sale, and these days; a run only when people say so."""
    return [(r"\[retention\]\n(?:\w+_days = .*\n)+",
             f"[retention]\ncard_numbers_days = {card_numbers}\ntransactions_days = {transactions}\nrequests_days = 30\n"
             "exceptions_days = 30\ndaily = false\n"),
            (r"\[refund\]\nwindow_days = 365", "[refund]\nwindow_days = 1")]


def refused_settings(checks, args):
    """The configuration names both settings; nothing is started."""
    for wanted, said in (((30, 40), "authorization_days"), ((60, 40), "transactions_days")):
        running = stack.Stack(args, settings(*wanted))
        running.issuer_addresses = {name: ("127.0.0.1", 1) for name in stack.ISSUERS}
        run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data,
                              "--check"], capture_output=True, text=True, timeout=60)
        output = run.stdout + run.stderr
        checks.that(run.returncode == 1 and "retention.card_numbers_days" in output and said in output,
                    f"{wanted} days are refused with both settings: {output}")
        running.__exit__(None, None, None)


def days_pass(running, days):
    """The first one is allowed; what leads beyond tomorrow two people force."""
    for _ in range(days):
        code, said = running.refundctl("day", "cutover", user="admin1")
        if code == 0:
            continue
        code, said = running.refundctl("day", "cutover", "--force", user="admin1")
        if code == 0 and "proposal" in said:
            running.approve(said)


def families(running):
    code, shown = running.refundctl("purge", "show")
    return {row["family"]: row for row in shown["families"]}


def begin_run(checks, running):
    code, said = running.refundctl("purge", "run", *NOTE, user="admin1")
    if not checks.equal(code, 0, f"a run is proposed: {said}"):
        return
    code, refused = running.refundctl("proposals", "approve", said["proposal"], user="admin1")
    checks.that(code == 1, "nobody approves alone")
    code, said = running.approve(said)
    checks.equal(code, 0, f"a second person agrees: {said}")


def run_is_over(running):
    code, shown = running.refundctl("purge", "show")
    return shown.get("state") == "done"


def work(checks, terminal):
    """Finished stories, and one sale with a refund."""
    sale = terminal.sale(CARD_A, 10000)
    sold = terminal.exchange(sale)
    refunded = terminal.exchange(terminal.refund(sale, sold, 4000))
    checks.equal((sold.code, refunded.code), ("00", "00"), "a sale and its refund")
    for number in range(SALES):
        checks.equal(terminal.exchange(terminal.sale(CARD_B if number % 2 else CARD_A, 100 + number)).code, "00", "a sale")
    return sale, sold


def main():
    args = stack.arguments(__doc__)
    checks, chance = stack.Checks(), random.Random(16)
    refused_settings(checks, args)
    with stack.Stack(args, settings(DAYS, DAYS)) as running:
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        checks.equal(terminal.sign_on().code, "00", "sign-on")
        sale, sold = work(checks, terminal)
        store = Terminal("unionpay-pos", OTHER_TERMINAL, OTHER_MERCHANT, running.addresses["unionpay-pos"])
        store.sign_on()
        for number in range(OTHER_SALES):
            checks.equal(store.exchange(store.sale(CARD_B, 100 + number)).code, "00", "a sale of another merchant")
        other = Terminal("unionpay-pos", OPEN_TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        other.sign_on()
        kept = other.exchange(other.sale(CARD_B, 777))  # its batch is never settled
        stack.wait_until("the refund is with its issuer", lambda: not running.refundctl("saf", "list")[1]["advices"])
        for number in (TERMINAL, OTHER_TERMINAL):
            running.refundctl("terminals", "close-batch", number, user="checker1")
        checks.equal(families(running)["transactions"]["would_go"], 0, "nothing is old")
        before = running.refundctl("totals", "--by", "merchant")[1]
        days_pass(running, DAYS + 1)
        shown = families(running)
        checks.equal(shown["transactions"]["would_go"], STORIES, f"what would go: {shown['transactions']}")
        checks.equal((shown["transactions"]["kept"], shown["transactions"]["because"]),
                     (1, "1: its terminal's batch is not settled"), "what stays, and why")
        checks.equal(shown["card_numbers"]["would_go"], STORIES, "card numbers")
        checks.equal((shown["notices"]["days"], shown["notices"]["because"]), (0, "kept for ever"), "what has no retention")
        code, csv = running.refundctl("purge", "show", "--csv", "-", json_output=False)
        checks.that(code == 0 and csv.startswith("family,days,would_go"), f"the same as CSV: {csv}")
        code, said = running.refundctl("purge", "run", "--note", "x", user="maker1")
        checks.that(code == 1 and "admin" in str(said), f"an operator may not: {said}")
        code, said = running.refundctl("purge", "run", user="admin1", json_output=False)
        checks.that(code == 2 and "note" in said, f"without a note: {said}")
        code, said = running.refundctl("purge", "log", "--kind", "cards", json_output=False)
        checks.that(code == 2 and "kind" in said, f"a family that is none: {said}")

        begin_run(checks, running)
        for _ in range(KILLS):
            select.select([], [], [], chance.random() / 20)  # anywhere in it
            running.kill_switch()
            running.start_switch()
        stack.wait_until("the run is over", lambda: run_is_over(running))
        log = {row["family"]: row for row in running.refundctl("purge", "log")[1]["purges"]}
        checks.equal(log["transactions"]["purged"], STORIES, f"each went once: {log}")
        checks.equal(log["card_numbers"]["purged"], STORIES, "each card number too")
        checks.that(sold.rrn >= log["transactions"]["first"], "the log names the first")
        code, said = running.refundctl("show", sold.rrn, json_output=False)
        checks.that(code == 1 and re.search(r"were purged on \d{4}-\d\d-\d\d by retention", said), f"show says when: {said}")
        code, said = running.refundctl("show", kept.rrn)
        checks.equal((code, said["state"]), (0, "approved"), "what is not settled stays")
        code, first = running.refundctl("totals", "--by", "merchant", "--day", before["business_date"])
        checks.equal([t for t in first["totals"] if t["merchant"] == MERCHANT],
                     [t for t in before["totals"] if t["merchant"] == MERCHANT], "sums of that day are as they were")
        late = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"], first_trace=900)
        checks.equal(late.sign_on().code, "00", "sign-on")
        checks.equal(late.exchange(late.refund(sale, sold, 1000)).code, "25", "a refund of what is purged")
        checks.that(re.search(r'refund_switch_retention_run_ended_seconds 1\.\d+e\+0?9|refund_switch_retention_run_ended_seconds \d{10}',
                              running.metrics()), "the metrics say when it ended")
        code, audit = running.refundctl("audit", "list", "--command", "purge", user="security1")
        checks.equal(sorted({e["action"] for e in audit["entries"]} if code == 0 else []),
                     sorted(["purge.approve", "purge.begin", "purge.end", "purge.propose"]), f"the audit chain: {audit}")
        running.switch.terminate()
        code, said = running.verify()
        checks.equal(code, 0, f"the ledger is sound: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
