#!/usr/bin/env python3
"""Wallets as shops, their customers and operators meet them, in both profiles: sales by payment code, refunds in parts,
by order number and of what was discounted, voids, reversals, an authorization that no wallet does. Then what people ask:
find --order, lists by instrument and by kind, totals whose rows add up to the routes' and to the wallet's own books."""
import collections
import json
import os
import re
import signal
import sys
from decimal import Decimal

import stack
from terminal import Terminal

CARD = "4111111111111111"
SHOPS = {"unionpay-pos": ("10000191", "898110157220001"), "iso87-ascii": ("20000191", "898110157220002")}
WECHAT, ALIPAY, UNIONPAY_QR = "13", "28", "62"
DIGITS = {WECHAT: 18, ALIPAY: 16, UNIONPAY_QR: 19}
INSTRUMENTS = {WECHAT: "wechat", ALIPAY: "alipay", UNIONPAY_QR: "unionpay_qr"}


def minor(major):
    return int(Decimal(major) * 100)


class Shop:
    """A terminal at work, and what it has been told: the third opinion beside switch and wallet."""

    def __init__(self, checks, running, profile):
        self.checks, self.running, self.profile = checks, running, profile
        self.terminal = Terminal(profile, *SHOPS[profile], running.addresses[profile])
        if self.terminal.unionpay:
            checks.equal(self.terminal.sign_on().code, "00", f"{profile} signs on")
        self.moved = collections.Counter()  # (instrument, kind) → minor units
        self.codes = 0

    def code(self, wallet):
        self.codes += 1
        number = self.codes + (500_000 if self.terminal.unionpay else 700_000)
        return wallet + str(number).rjust(DIGITS[wallet] - len(wallet), "3")

    def ask(self, message, code, what):
        reply = self.terminal.exchange(message)
        self.checks.equal(reply.code, code, f"{self.profile}, {what}")
        return reply

    def sell(self, wallet, amount):
        sale = self.terminal.wallet_sale(self.code(wallet), amount)
        sold = self.ask(sale, "00", f"a sale of {INSTRUMENTS[wallet]}")
        self.checks.that(sold.fields.get(self.terminal.wallet_field, "").startswith("A4014ORD"), "its order number comes")
        self.moved[INSTRUMENTS[wallet], "sale"] += amount
        return sale, sold

    def order(self, sold):
        return sold.fields[self.terminal.wallet_field][5:]

    def refund(self, wallet, sale, sold, amount, by_order=False):
        make = self.terminal.refund_by_order if by_order else self.terminal.refund
        reply = self.ask(make(sale, sold, amount), "00", f"a refund of {amount}")
        self.moved[INSTRUMENTS[wallet], "refund"] += amount
        return reply


def work(shop):
    """Of each kind what a shop does in a day; the sale that the questions are about, and its refunds."""
    sale, sold = shop.sell(WECHAT, 10000)
    refunds = [shop.refund(WECHAT, sale, sold, 3333), shop.refund(WECHAT, sale, sold, 1667, by_order=True)]
    shop.ask(shop.terminal.refund(sale, sold, 5001), "64", "more than what remains")
    of_alipay = shop.sell(ALIPAY, 5000)
    shop.ask(shop.terminal.void(*of_alipay), "00", "a void")
    shop.moved["alipay", "void"] += 5000
    of_qr = shop.sell(UNIONPAY_QR, 700)
    shop.ask(shop.terminal.reversal(of_qr[0]), "00", "a reversal")
    shop.moved["unionpay_qr", "reversal"] += 700
    shop.sell(ALIPAY, 1200)
    # R102: the magic amount, 10 % by the wallet and 20 % by the merchant, of which half is refunded.
    given = shop.sell(WECHAT, 9980)
    shop.moved["wechat", "discount"] += 1996
    shop.refund(WECHAT, *given, 4990)
    shop.moved["wechat", "discount_taken_back"] += 998
    by_card = shop.terminal.sale(CARD, 2500)
    sold_by_card = shop.ask(by_card, "00", "a card's sale beside them")
    shop.moved["card", "sale"] += 2500
    shop.ask(shop.terminal.refund(by_card, sold_by_card, 500), "00", "and its refund")
    shop.moved["card", "refund"] += 500
    return sold, refunds


def refused(shop):
    """R90: a payment code pays at once; R80: it pays once, and a wallet has to know it. R15: no other means."""
    code = shop.code(WECHAT)
    held = shop.ask(shop.terminal.wallet_sale(code, 100, mti="0100"), "40", "an authorization by payment code")
    shop.checks.equal(held.fields.get(44), "NO PRE-AUTHORIZATION", "which says why")
    sale = shop.terminal.wallet_sale(code, 100)
    sold = shop.ask(sale, "00", "the code is as good as before")
    shop.moved["wechat", "sale"] += 100
    shop.ask(shop.terminal.wallet_sale(code, 100), "14", "the same code again")
    shop.ask(shop.terminal.wallet_sale("99" + "3" * 16, 100), "14", "a code of no wallet")
    by_card = shop.terminal.refund(("0200", {**sale[1], 2: CARD}), sold, 50)
    by_card[1][22] = "021"
    shop.ask(by_card, "14", "a card for a wallet's sale")
    kind = shop.running.refundctl("list", "--kind", "authorization", "--terminal", shop.terminal.terminal)[1]["transactions"]
    shop.checks.equal([(r["state"], r["code"]) for r in kind], [("declined", "40")], "the refused one is in the list of its kind")


def progress(shop):
    """What a customer who asks is told of a refund that the wallet works at, and of one into a closed account."""
    checks, running = shop.checks, shop.running
    running.issuer_says("issuer-w", "processing 3")  # the demo asks once a second
    sale, sold = shop.sell(WECHAT, 2000)
    rrn = shop.refund(WECHAT, sale, sold, 800).rrn

    def shown():
        return running.refundctl("show", rrn)[1]

    stack.wait_until("the wallet works at it", lambda: shown()["state"] == "processing", every=0.02)
    since = shown()["advice"]["processing_since"]
    receipt = running.refundctl("receipt", rrn)[1]
    told = running.refundctl("receipt", rrn, json_output=False)[1]
    explained = running.refundctl("explain", rrn, json_output=False)[1]
    if shown()["state"] == "processing":  # else the machine was busy meanwhile
        checks.equal(receipt.get("processing_since"), since, "the receipt says since when")
        checks.that("PROCESSING" in told and sold.fields[shop.terminal.wallet_field][5:] in told, f"a slip: {told}")
        checks.that(since in explained, f"explain says it in a sentence: {explained}")
    stack.wait_until("it is done", lambda: shown()["state"] == "approved")
    checks.that("processing_since" not in running.refundctl("receipt", rrn)[1], "then the slip does not say it any more")
    running.issuer_says("issuer-w", "processing 0")
    running.issuer_says("issuer-w", "account close " + shop.order(sold))
    closed = shop.refund(WECHAT, sale, sold, 500).rrn
    stack.wait_until("the account is closed", lambda: running.refundctl("show", closed)[1]["state"] == "abnormal")
    checks.that("REFUND DELAYED" in running.refundctl("receipt", closed, json_output=False)[1], "and the slip says so")
    code, said = running.refundctl("abnormal", "resolve", closed, "--cancel", "--note", "the shop pays in cash", user="maker1")
    checks.equal(running.refundctl("proposals", "approve", said["proposal"], user="checker1")[0], 0, "two people end it")
    shop.moved["wechat", "refund_taken_back"] += 500

    def notices(of):
        return [n["kind"] for n in reversed(running.refundctl("notices", "list")[1]["notices"]) if n["refund"] == of]

    stack.wait_until("the notices are told", lambda: notices(rrn)[-1:] == ["done"])
    checks.equal(notices(rrn), ["accepted", "processing", "done"], "what is told of a refund that takes its time")
    checks.equal(notices(closed)[:2], ["accepted", "abnormal"], "and of one that cannot be paid so")


def by_sighup(checks, running):
    """Another wallet of a bank that is there already."""
    running.options = [*running.options, (r"\Z", '\n[[wallet]]\nname = "kiosk-pay"\ncodes = "80"\ndigits = "16"\n'
                                                 'routes = ["issuer-w"]\n')]
    running.write_config()
    shop = Shop(checks, running, "unionpay-pos")
    shop.terminal.trace = 4000
    INSTRUMENTS["80"], DIGITS["80"] = "kiosk-pay", 16
    shop.ask(shop.terminal.wallet_sale(shop.code("80"), 100), "14", "a wallet that is not configured yet")
    running.switch.process.send_signal(signal.SIGHUP)

    def sells():
        sale = shop.terminal.wallet_sale(shop.code("80"), 100)
        reply = shop.terminal.exchange(sale)
        return (sale, reply) if reply.code != "14" else None

    sale, sold = stack.wait_until("the file is read", sells)
    checks.equal(sold.code, "00", "a sale by it")
    shop.refund("80", sale, sold, 100)


def new_wallet(checks, running):
    """docs/instruments.md, "A new wallet by configuration alone": the file that it shows, and another bank behind it."""
    with open(os.path.join(running.args.source, "docs", "instruments.md"), encoding="utf-8") as page:
        section = re.search(r"^```toml\n(.*?)^```$", page.read(), re.M | re.S).group(1)
    config = running.path("harbour-pay.toml")
    with open(os.path.join(running.args.source, "switch", "config", "issuer-w.toml"), encoding="utf-8") as wallet:
        text = wallet.read().replace("issuer-w", "harbour-pay")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    bank = stack.Program("harbour-pay", [running.program("issuer-sim"), "--config", config, "--listen", "127.0.0.1:0",
                                         "--journal", running.journal_path("harbour-pay")], running.path("harbour-pay.log"))
    running.issuers["harbour-pay"] = bank
    by_sighup(checks, running)
    section = section.replace("10.2.0.9:8603", "%s:%d" % stack.address_of(bank.ready))
    running.switch.terminate()
    running.options = [*running.options, (r"\Z", section.replace("\\", "\\\\"))]
    running.connected = lambda: True  # one more than the demo has: its route is waited for
    running.start_switch()
    shop = Shop(checks, running, "unionpay-pos")
    shop.terminal.trace = 5000
    INSTRUMENTS["70"], DIGITS["70"] = "harbour-pay", 20
    stack.wait_until("its link is up", lambda: [r["state"] for r in running.refundctl("routes", "list")[1]["routes"]
                                                if r["route"] == "harbour-pay"] == ["up"])
    sale, sold = shop.sell("70", 3300)
    # Its bank counts orders from one, as issuer-w did: of two sales of one merchant neither is taken (R83).
    shop.ask(shop.terminal.refund_by_order(sale, sold, 1100), "25", "an order number of two wallets")
    refund = shop.refund("70", sale, sold, 1100)
    stack.wait_until("it is refunded", lambda: running.refundctl("show", refund.rrn)[1]["state"] == "approved")
    checks.equal([(e["kind"], e["amount"]) for e in running.journal("harbour-pay")], [("sale", 3300), ("refund", 1100)],
                 "its bank has both")
    by_instrument, _ = rows_of(running, "instrument")
    checks.equal({key: amount for key, amount in by_instrument.items() if key[0] == "harbour-pay"}, dict(shop.moved),
                 "and totals have a row of it")
    checks.that("harbour-pay" in running.refundctl("receipt", refund.rrn, json_output=False)[1], "the slip has its name")


def look_up(shop, sold, refunds):
    checks, running = shop.checks, shop.running
    order = shop.order(sold)
    _, found = running.refundctl("find", "--order", order)
    checks.equal([row["rrn"] for row in found["transactions"]], [sold.rrn] + [r.rrn for r in reversed(refunds)],
                 "find --order: the sale, then its refunds, newest first")
    checks.equal({row["order"] for row in found["transactions"]}, {order}, "each has the number")
    _, narrowed = running.refundctl("find", "--order", order, "--kind", "refund", "--amount", "16.67")
    checks.equal([row["rrn"] for row in narrowed["transactions"]], [refunds[1].rrn], "with other filters beside it")
    checks.equal(running.refundctl("find", "--order", "ORD99999999999")[1]["transactions"], [], "a number of nobody's")
    for instrument in ("wechat", "alipay", "unionpay_qr", "card"):
        _, listed = running.refundctl("list", "--instrument", instrument, "--terminal", shop.terminal.terminal)
        sums = collections.Counter()
        for row in listed["transactions"]:
            checks.equal(row.get("wallet", "card"), instrument, f"{row['rrn']} is of {instrument}")
            if row["code"] == "00" and row["state"] != "cancelled":
                sums[row["kind"]] += minor(row["amount"])
        for kind in ("sale", "void", "refund"):
            checks.equal(sums[kind], shop.moved[instrument, kind] - shop.moved[instrument, f"{kind}_taken_back"], f"list --instrument {instrument}: {kind}s")
    code, said = running.refundctl("list", "--instrument", "wechart", json_output=False)
    checks.that(code == 1 and "instrument: no instrument of that name" in said and "wechat" in said, f"a typing error: {said}")


def rows_of(running, group):
    """(name, kind) → minor units."""
    code, data = running.refundctl("totals", "--by", group)
    assert code == 0, data
    rows = data["movements"] if "movements" in data else data["totals"]
    return {(row[group], row["kind"]): minor(row["amount"]) for row in rows}, data


def totals(checks, running, shops):
    moved = collections.Counter()
    for shop in shops:
        moved.update(shop.moved)
    by_instrument, _ = rows_of(running, "instrument")
    checks.equal({key: amount for key, amount in by_instrument.items() if amount}, dict(moved),
                 "totals --by instrument: what the terminals did, each kind a row of its own")
    by_route, data = rows_of(running, "route")
    of_routes, of_instruments = collections.Counter(), collections.Counter()
    for (route, kind), amount in by_route.items():
        of_routes[route == "issuer-w", kind] += amount
    for (instrument, kind), amount in by_instrument.items():
        of_instruments[instrument != "card", kind] += amount
    checks.equal(of_instruments, of_routes, "wallets' rows add up to the wallet's route, the card's to the others'")
    owes = {row["route"]: minor(row["issuer_owes"]) for row in data["totals"]}["issuer-w"]
    sums = collections.Counter()
    for entry in running.journal("issuer-w"):
        sums[entry["kind"]] += entry["amount"]
    given = json.loads(running.issuer_says("issuer-w", "books"))["discounts"]
    checks.equal(given["merchant_funded"], moved["wechat", "discount"], "what the wallet gave for the merchants")
    checks.equal(owes, sums["sale"] - sums["refund"] - sums["reversal"] - given["merchant_funded_standing"],
                 "what the wallet owes by the ledger is what its own books say")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        shops = [Shop(checks, running, profile) for profile in SHOPS]
        told = [work(shop) for shop in shops]
        for shop in shops:
            refused(shop)
            progress(shop)
        stack.wait_until("everything has arrived", lambda: not running.refundctl("saf", "list")[1]["advices"])
        for shop, (sold, refunds) in zip(shops, told):
            look_up(shop, sold, refunds)
        totals(checks, running, shops)
        checks.equal(running.refundctl("exceptions", "list")[1]["exceptions"], [], "nothing is before people")
        new_wallet(checks, running)
        running.switch.terminate()
        code, said = running.verify()
        checks.equal(code, 0, f"the ledger at rest: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
