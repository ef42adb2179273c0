#!/usr/bin/env python3
"""Merchants and terminals that a supervisor adds to a running switch: a terminal of theirs signs on and sells, wrong words
are refused by the checks of the configuration, all of it outlives restart and SIGHUP, and it is taken back only while
nothing is open."""
import signal
import sys

import stack
import wire
from terminal import Terminal

CARD = "6212345678900000003"
MERCHANT, TERMINAL, LAST = "898110157220076", "77000001", "77000009"
TMK = "U1750CDFB0757D3B3994430636DBB281B"  # the demo's test key, under the test LMK
RANGE = ("--merchant", MERCHANT, "--profile", "unionpay-pos", "--mac", "cmac", "--tmk", TMK)


def till(running, first_trace):
    terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"], first_trace)
    terminal.profile = wire.Profile("unionpay-pos", "cmac")
    terminal.connect()
    terminal.sign_on()
    return terminal


def as_checker(running, *words):
    return running.refundctl(*words, user="checker1")


def refusals(checks, running):
    """(words, what the sentence has to name)"""
    rows = [
        (("merchants", "add", "898110157220001"), "known already"),
        (("merchants", "add", MERCHANT, "--window-days", "9999"), "window_days"),
        (("merchants", "add", MERCHANT, "--window-days", "many"), "window-days: needs a number"),
        (("merchants", "add", MERCHANT, "--refund-amount-max", "12,00"), "refund_amount_max"),
        (("merchants", "add", MERCHANT, "--before-settlement", "perhaps"), "before_settlement"),
        (("terminals", "add", "10000500", "10000501", *RANGE), "already"),
        (("terminals", "add", "09999990", "10000005", *RANGE), "overlap"),
        (("terminals", "add", LAST, TERMINAL, *RANGE), "is before first"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[2:], "--merchant", "898110157220066"), "names no [[merchant]]"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[:2], "--profile", "morse", "--tmk", TMK), "profile"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[:4], "--tmk", TMK), "mac"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[:6]), "tmk"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[:4], "--mac", "ecb", "--tmk", TMK), "protected_channel"),
        (("terminals", "add", TERMINAL, LAST, *RANGE[:6], "--tmk", "clear key"), "tmk"),
        (("merchants", "remove", "898110157220001"), "the configuration file has its own"),
        (("terminals", "remove", TERMINAL), "none that was added"),
    ]
    for words, named in rows:
        code, said = as_checker(running, *words)
        text = str(said)
        checks.that(code == 1 and named in text, f"{' '.join(words)}: exit {code}, {text}")
        checks.that(TMK not in text and "clear key" not in text, f"{' '.join(words)}: repeats no key")
    for user in ("maker1", "admin1", None):
        code, said = running.refundctl("merchants", "add", MERCHANT, user=user)
        checks.equal(code, 1, f"{user} may not add: {said}")
    checks.equal(running.refundctl("merchants", "show", MERCHANT)[0], 1, "nothing of it was added")
    checks.equal(as_checker(running, "terminals", "add", TERMINAL)[0], 2, "a range without its end is usage")


def added(checks, running):
    code, said = as_checker(running, "merchants", "add", MERCHANT, "--name", 'Quay "7" 港口', "--refund-amount-max", "50.00")
    checks.equal(code, 0, f"a merchant is added: {said}")
    code, said = as_checker(running, "terminals", "add", TERMINAL, LAST, *RANGE)
    checks.equal(code, 0, f"terminals are added: {said}")
    code, said = as_checker(running, "terminals", "add", "77000005", "77000005", *RANGE)
    checks.that(code == 1 and "already" in str(said), f"one of them again: {said}")


def shown(checks, running, when):
    row = {m["merchant"]: m for m in running.refundctl("merchants", "list")[1]["merchants"]}
    checks.that(row[MERCHANT]["source"].startswith("checker1 at "), f"{when}: the list says who added it")
    checks.equal(row["898110157220001"]["source"], "file", f"{when}: and what is the file's")
    one = running.refundctl("merchants", "show", MERCHANT)[1]
    checks.equal((one["name"], one["refund"]["refund_amount_max"], one["refund"]["window_days"]),
                 ('Quay "7" 港口', "50.00", 365), f"{when}: with its values, the others as everybody's")
    checks.equal([(t["first"], t["last"]) for t in one["terminals"]], [(TERMINAL, LAST)], f"{when}: and its terminals")
    terminal = running.refundctl("terminals", "show", TERMINAL)[1]
    checks.that(terminal["range"]["mac"] == "cmac" and terminal["range"]["source"].startswith("checker1 at "),
                f"{when}: terminals show: {terminal}")
    ranges = {r["first"]: r for r in running.refundctl("terminals", "list", "--merchant", MERCHANT)[1]["ranges"]}
    checks.that(ranges[TERMINAL]["source"].startswith("checker1 at "), f"{when}: terminals list")
    checks.that(TMK not in str(one) + str(terminal) + str(ranges), f"{when}: no key is shown")


def sells(checks, running, when, first_trace):
    terminal = till(running, first_trace)
    sale = terminal.sale(CARD, 9000)
    sold = terminal.exchange(sale)
    checks.equal(sold.code, "00", f"{when}: a sale")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 5001)).code, "61", f"{when}: its own limit holds")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 5000)).code, "00", f"{when}: a refund")
    return terminal


def taken_back(checks, running, terminal, sales):
    stack.wait_until("nothing is under way", lambda: not running.refundctl("saf", "list")[1]["advices"])
    code, said = as_checker(running, "merchants", "remove", MERCHANT)
    checks.that(code == 1 and "names no [[merchant]]" in str(said), f"its terminals need it: {said}")
    code, said = as_checker(running, "terminals", "remove", TERMINAL)
    checks.that(code == 1 and "settle it first" in str(said), f"an open batch: {said}")
    checks.equal(terminal.exchange(terminal.settlement(9000 * sales, sales, 5000 * sales, sales)).code, "00", "it settles")
    checks.equal(running.refundctl("terminals", "remove", TERMINAL, user="maker1")[0], 1, "a maker takes nothing back")
    for words in (("terminals", "remove", TERMINAL), ("merchants", "remove", MERCHANT)):
        code, said = as_checker(running, *words)
        checks.equal(code, 0, f"{' '.join(words)}: {said}")
    terminal.connect()
    message = terminal.sale(CARD, 100)
    checks.equal(terminal.exchange(message).code, "97", "it is unknown now")
    checks.equal(running.refundctl("merchants", "show", MERCHANT)[0], 1, "and so is its merchant")
    code, data = running.refundctl("audit", "list", "--command", "merchant", user="security1")
    actions = [(e["user"], e["action"]) for e in data["entries"]]
    checks.that(("checker1", "merchant.add") in actions and ("checker1", "merchant.remove") in actions,
                f"the audit log has both: {actions}")
    code, data = running.refundctl("audit", "list", "--command", "terminals", user="security1")
    checks.that(TMK not in str(data) and "tmk=(a key)" in str(data), f"and no key: {data}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        refusals(checks, running)
        added(checks, running)
        shown(checks, running, "at once")
        sells(checks, running, "at once", 1)
        before = running.refundctl("status")[1]["config_version"]
        running.switch.process.send_signal(signal.SIGHUP)
        stack.wait_until("the file is read again",
                         lambda: running.refundctl("status")[1]["config_version"] == before + 1)
        shown(checks, running, "after SIGHUP")
        running.kill_switch()
        running.start_switch()
        shown(checks, running, "after kill -9")
        terminal = sells(checks, running, "after kill -9", 100)
        taken_back(checks, running, terminal, 2)
        running.switch.terminate()
        running.start_switch()
        checks.equal(running.refundctl("merchants", "show", MERCHANT)[0], 1, "gone after a restart too")
        running.switch.terminate()
        code, said = running.verify()
        checks.equal(code, 0, f"verify: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
