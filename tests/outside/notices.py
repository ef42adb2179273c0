#!/usr/bin/env python3
"""Notices to customers and merchants over kill -9: every refund that a terminal was told is accepted has its notices in the
files, each at least once and in order, with masked cards; a directory that is gone or full holds up no refund."""
import glob
import itertools
import json
import os
import random
import re
import sys

import stack
from terminal import Terminal, Unexpected

CARD = "6212345678900000003"
TERMINAL, MERCHANT = "10000172", "898110157220001"
KINDS = {"accepted", "processing", "done", "abnormal", "expired", "not_paid"}


def add_options(parser):
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)


def folder(running):
    return os.path.join(running.data, "notices")


def lines(running):
    """(notices in the order of the files, lines that are no notice)"""
    notices, odd = [], []
    for path in sorted(glob.glob(os.path.join(folder(running), "notices-*.jsonl"))):
        with open(path, encoding="utf-8") as f:
            for line in f:
                try:
                    notices.append(json.loads(line))
                except ValueError:
                    odd.append(line)
    return notices, odd


def delivered(running):
    """refund → kinds in order, doubles told apart by their number."""
    told, seen = {}, set()
    for n in lines(running)[0]:
        if n["notice"] not in seen:
            seen.add(n["notice"])
            told.setdefault(n["refund"], []).append(n["kind"])
    return told


def nothing_waits(running):
    return running.refundctl("notices", "list")[1]["waiting"] == 0


def till(running, traces=itertools.count(1, 100)):
    """Each with traces of its own, since all are one terminal in one batch."""
    terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"], next(traces))
    terminal.connect()
    terminal.sign_on()
    return terminal


def refunds_under_kills(checks, running, kills, chance):
    """RRNs of refunds that were answered 00."""
    accepted = []
    for kill in range(kills):
        terminal = till(running)
        sale = terminal.sale(CARD, 100000)
        sold = terminal.exchange(sale)
        checks.equal(sold.code, "00", f"sale before kill {kill + 1}")
        for _ in range(chance.randrange(3, 12)):
            answer = terminal.exchange(terminal.refund(sale, sold, 100))
            if checks.equal(answer.code, "00", "a refund"):
                accepted.append(answer.rrn)
        # The last one is under way when the process dies.
        terminal.send(terminal.refund(sale, sold, 100))
        running.kill_switch()
        terminal.close()
        running.start_switch()
    return accepted


def all_told(checks, running, accepted):
    stack.wait_until("all refunds are done",
                     lambda: not running.refundctl("saf", "list")[1]["advices"] and nothing_waits(running))
    told = delivered(running)
    for rrn in accepted:
        checks.equal(told.get(rrn), ["accepted", "done"], f"what was told of {rrn}")
    notices, odd = lines(running)
    checks.that(not odd, f"every line is a notice: {odd}")
    numbers = [n["notice"] for n in notices]
    checks.equal(sorted(set(numbers)), list(range(1, max(numbers) + 1)), "no number is missing")
    for n in notices:
        checks.that(n["kind"] in KINDS and re.fullmatch(r"\d{6}\*+\d{4}", n["card"]) and n["currency"] == "CNY",
                    f"a notice: {n}")
    checks.that(CARD not in json.dumps(notices), "no card stands in clear")


def directory_gone(checks, running):
    """A file stands where the directory was: nothing can be written, and refunds go on."""
    away = folder(running) + ".away"
    os.rename(folder(running), away)
    with open(folder(running), "w", encoding="utf-8") as f:
        f.write("not a directory\n")
    terminal = till(running)
    sale = terminal.sale(CARD, 10000)
    sold = terminal.exchange(sale)
    answer = terminal.exchange(terminal.refund(sale, sold, 1000))
    checks.equal((sold.code, answer.code), ("00", "00"), "traffic goes on")
    stack.wait_until("an exception says so", lambda: any(
        x["kind"] == "notices_stuck" for x in running.refundctl("exceptions", "list")[1]["exceptions"]))
    checks.that(running.refundctl("notices", "list", "--state", "waiting")[1]["notices"], "they wait in the store")
    checks.that("refund_switch_notices_stuck 1" in running.metrics(), "a metric says so")
    running.kill_switch()
    os.remove(folder(running))
    os.rename(away, folder(running))
    running.start_switch()
    stack.wait_until("they are delivered", lambda: nothing_waits(running) and answer.rrn in delivered(running))
    checks.that(not any(x["kind"] == "notices_stuck" for x in running.refundctl("exceptions", "list")[1]["exceptions"]),
                "the exception is closed")


def torn_line(checks, running):
    """What a crash left of a line is cut off."""
    running.kill_switch()
    path = sorted(glob.glob(os.path.join(folder(running), "*.jsonl")))[-1]
    with open(path, "a", encoding="utf-8") as f:
        f.write('{"notice":1,"kind":"acc')
    running.start_switch()
    terminal = till(running)
    sale = terminal.sale(CARD, 10000)
    sold = terminal.exchange(sale)
    answer = terminal.exchange(terminal.refund(sale, sold, 10000))
    stack.wait_until("it is told", lambda: delivered(running).get(answer.rrn) == ["accepted", "done"])
    checks.equal(lines(running)[1], [], "no torn line is left")


def listed(checks, running):
    code, data = running.refundctl("notices", "list", "--limit", "2")
    checks.equal((code, len(data["notices"]), data["cut"]), (0, 2, True), "a page of the newest")
    newest = data["notices"][0]["notice"]
    checks.that(newest > data["notices"][1]["notice"] and data["notices"][0]["delivered"], "newest first")
    code, data = running.refundctl("notices", "list", "--behind", str(newest - 3))
    checks.equal([n["notice"] for n in data["notices"]], [newest - 2, newest - 1, newest], "those behind a number")
    checks.equal(running.refundctl("notices", "list", "--behind", "x")[0], 1, "no number")
    checks.equal(running.refundctl("notices", "list", "--kind", "perhaps")[0], 2, "no kind")
    code, data = running.refundctl("notices", "list", "--kind", "accepted", "--merchant", MERCHANT)
    checks.equal({n["kind"] for n in data["notices"]}, {"accepted"}, "by kind and merchant")
    code, text = running.refundctl("notices", "tail", "--newest", "3", "--count", "3", json_output=False)
    checks.equal([json.loads(line)["notice"] for line in text.splitlines()], [newest - 2, newest - 1, newest], "tail")


def main():
    args = stack.arguments(__doc__, add_options)
    checks = stack.Checks()
    chance = random.Random(args.seed)
    with stack.Stack(args) as running:
        try:
            accepted = refunds_under_kills(checks, running, args.kills, chance)
            all_told(checks, running, accepted)
            directory_gone(checks, running)
            torn_line(checks, running)
            listed(checks, running)
        except Unexpected as e:
            checks.that(False, f"a terminal: {e}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
