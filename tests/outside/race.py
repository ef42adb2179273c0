#!/usr/bin/env python3
"""Twenty refunds of one sale at once, from twenty terminals on twenty connections: together never more than the sale
(R13, I1); a void among them excludes the refunds or is excluded by them (I2)."""
import sys
import threading

import stack
from terminal import Terminal

RACERS = 20
CARDS = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
PROFILES = [("unionpay-pos", 10000101, "898110157220001"), ("iso87-ascii", 20000101, "898110157220002")]


def all_at_once(terminals, messages):
    """Sends every message at the same moment and returns the replies in order; an exception is a result as well."""
    barrier, replies = threading.Barrier(len(terminals)), [None] * len(terminals)

    def run(i):
        try:
            barrier.wait()
            replies[i] = terminals[i].exchange(messages[i])
        except Exception as e:  # noqa: BLE001: reported below, by the caller's check of the codes
            replies[i] = e

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(terminals))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return replies


def codes(replies):
    return sorted(getattr(r, "code", repr(r)) for r in replies)


def approved(replies):
    return [r for r in replies if getattr(r, "code", "") == "00"]


def race(checks, running, issuer, pan, terminals, part, expected):
    seller = terminals[0]
    sale = seller.sale(pan, 10000)
    sold = seller.exchange(sale)
    checks.equal(sold.code, "00", "the sale")
    replies = all_at_once(terminals, [t.refund(sale, sold, part) for t in terminals])
    good = approved(replies)
    checks.equal(len(good), expected, f"{issuer}: refunds of {part} that fit into 10000 (answers: {codes(replies)})")
    checks.equal([c for c in codes(replies) if c not in ("00", "64")], [], "every other one is refused with 64")
    checks.equal(len({r.rrn for r in good}), len(good), "each refund has an RRN of its own")
    wanted = {r.rrn for r in good}

    def booked():
        mine = [e for e in running.journal(issuer) if e["kind"] == "refund" and e["rrn"] in wanted]
        return mine if len(mine) >= len(wanted) else None

    entries = stack.wait_until(f"{issuer} books every accepted refund", booked)
    checks.equal(sum(e["amount"] for e in entries), expected * part, f"{issuer} gave back what was approved, once each")
    last = seller.exchange(seller.refund(sale, sold, 10000 - expected * part + 1))
    checks.equal(last.code, "64", "one more than what remains")


def void_among_refunds(checks, issuer, pan, terminals):
    seller = terminals[0]
    sale = seller.sale(pan, 10000)
    sold = seller.exchange(sale)
    messages = [seller.void(sale, sold)] + [t.refund(sale, sold, 1000) for t in terminals[1:]]
    replies = all_at_once(terminals, messages)
    void, refunds = replies[0], replies[1:]
    if getattr(void, "code", "") == "00":
        checks.equal(approved(refunds), [], f"{issuer}: the void won, so no refund may")
    else:
        checks.equal(len(approved(refunds)), 10, f"{issuer}: the void lost ({void}), refunds: {codes(refunds)}")
    checks.equal([c for c in codes(refunds) if c not in ("00", "64", "12", "09")], [], "refusals are 64, 12 or 09")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        for profile, first, merchant in PROFILES:
            terminals = []
            for i in range(RACERS):
                terminal = Terminal(profile, str(first + i), merchant, running.addresses[profile])
                terminal.connect()
                if terminal.unionpay:
                    terminal.sign_on()
                terminals.append(terminal)
            for issuer, pan in CARDS.items():
                print(f"{profile}, {issuer}", flush=True)
                race(checks, running, issuer, pan, terminals, 1000, 10)
                race(checks, running, issuer, pan, terminals, 700, 14)
                race(checks, running, issuer, pan, terminals, 10000, 1)
                for _ in range(5):
                    void_among_refunds(checks, issuer, pan, terminals)
            for terminal in terminals:
                terminal.close()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
