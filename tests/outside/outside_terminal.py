#!/usr/bin/env python3
"""An outsider's terminal, in both profiles: signs on, sells, refunds in parts, is refused the part too much, voids,
reverses, retries. Everything is checked against wire.md and interfaces.md alone."""
import sys

import stack
from terminal import Terminal

# Published test numbers in the demo's ranges: issuer-a takes refunds by advice, issuer-b online.
CARDS = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
PROFILES = [("unionpay-pos", "10000901", "898110157220001"), ("iso87-ascii", "20000901", "898110157220002")]


def sell(checks, terminal, pan, amount):
    message = terminal.sale(pan, amount)
    reply = terminal.exchange(message)
    checks.equal(reply.code, "00", f"sale of {amount}")
    checks.that(len(reply.auth) == 6, "an approved sale carries an authorization code")
    checks.that(len(reply.rrn) == 12 and reply.rrn.isalnum(), "an approved sale carries an RRN")
    for n in (12, 13, 15):
        checks.that(n in reply.fields, f"an approved sale carries DE{n}")
    return message, reply


def refunds_in_parts(checks, terminal, pan):
    sale, sold = sell(checks, terminal, pan, 10000)
    for part in (3333, 3333):
        reply = terminal.exchange(terminal.refund(sale, sold, part))
        checks.equal(reply.code, "00", f"refund of {part} (R10)")
        checks.that(reply.rrn not in ("", sold.rrn), "a refund has an RRN of its own")
    reply = terminal.exchange(terminal.refund(sale, sold, 3335))
    checks.equal(reply.code, "64", "one minor unit more than what remains (R11)")
    last = terminal.refund(sale, sold, 3334)
    reply = terminal.exchange(last)
    checks.equal(reply.code, "00", "exactly what remains (R12)")
    again = terminal.exchange(last)
    checks.equal((again.code, again.rrn), ("00", reply.rrn), "the same refund again gets the stored answer (R20)")
    reply = terminal.exchange(terminal.refund(sale, sold, 1))
    checks.equal(reply.code, "64", "a fully refunded sale (R11)")
    reply = terminal.exchange(terminal.void(sale, sold))
    checks.equal(reply.code, "12", "void of a sale that has refunds (R6)")


def wrong_refunds(checks, terminal, pan):
    sale, sold = sell(checks, terminal, pan, 5000)
    other = dict(terminal.refund(sale, sold, 1000)[1])
    other[2] = "6212345678900000011" if pan[0] == "6" else "4000000000000002"
    checks.equal(terminal.exchange(("0220" if terminal.unionpay else "0200", other)).code, "14", "another card (R15)")
    nobody = dict(terminal.refund(sale, sold, 1000)[1])
    nobody[37] = "000000000000"
    checks.equal(terminal.exchange(("0220" if terminal.unionpay else "0200", nobody)).code, "25", "no such sale (R23)")
    zero = terminal.refund(sale, sold, 0)
    checks.equal(terminal.exchange(zero).code, "13", "a refund of nothing (R19)")
    reply = terminal.exchange(terminal.refund(sale, sold, 5000))
    checks.equal(reply.code, "00", "after all those refusals the whole sale is still refundable (R8)")


def retries(checks, terminal, pan):
    sale, sold = sell(checks, terminal, pan, 4200)
    for message in (sale, terminal.repeat(sale)):
        again = terminal.exchange(message)
        checks.equal((again.code, again.rrn, again.auth), ("00", sold.rrn, sold.auth),
                     f"{message[0]} again: same RRN and authorization code (R20)")
    changed = sale[0], {**sale[1], 4: "000000004300"}
    checks.equal(terminal.exchange(changed).code, "94", "same key, another amount (R21)")


def voids(checks, terminal, pan):
    sale, sold = sell(checks, terminal, pan, 2500)
    wrong = terminal.void(sale, sold)
    wrong[1][4] = "000000002400"
    checks.equal(terminal.exchange(wrong).code, "64", "void of another amount (R4)")
    reply = terminal.exchange(terminal.void(sale, sold))
    checks.equal(reply.code, "00", "void (R3)")
    reply = terminal.exchange(terminal.refund(sale, sold, 2500))
    checks.equal(reply.code, "12", "refund of a voided sale (R14)")


def reversals(checks, terminal, pan):
    sale, sold = sell(checks, terminal, pan, 7700)
    reversal = terminal.reversal(sale)
    first = terminal.exchange(reversal)
    checks.equal(first.code, "00", "reversal of an approved sale (R30)")
    second = terminal.exchange(reversal)
    checks.equal((second.code, second.rrn), ("00", first.rrn), "the same reversal again (R31)")
    reply = terminal.exchange(terminal.refund(sale, sold, 100))
    checks.that(reply.code in ("12", "09"), f"refund of a reversed sale (R14): {reply}")
    reply = terminal.exchange(sale)
    checks.equal(reply.code, "12", "a retry of a sale that was reversed is never 00 (R20a)")
    # A sale that never arrived: the reversal leaves a tombstone, the late original is declined.
    never = terminal.sale(pan, 8800)
    reply = terminal.exchange(terminal.reversal(never))
    checks.equal(reply.code, "25" if terminal.unionpay else "00", "reversal without its original (R35)")
    checks.equal(terminal.exchange(never).code, "12", "the original after its tombstone (R36)")


def declines(checks, terminal, pan):
    for amount, code in ((9905, "05"), (9951, "51"), (9954, "54")):
        message = terminal.sale(pan, amount)
        reply = terminal.exchange(message)
        checks.equal(reply.code, code, f"the issuer declines {amount} (R2)")
        reply = terminal.exchange(terminal.refund(message, reply, 100) if 13 in reply.fields and reply.rrn else message)
        checks.that(reply.code in ("12", code), f"refund (or retry) of a declined sale (R14, R20): {reply}")


def macs(checks, terminal, pan):
    message = terminal.sale(pan, 1100)
    right = terminal.key
    terminal.send(message, key=bytes(b ^ 0x10 for b in right))
    reply = terminal.receive(message)
    checks.equal(reply.code, "A0" if terminal.unionpay else "63", "a sale with a wrong MAC")
    terminal.send(message, key=None)
    reply = terminal.receive(message)
    checks.equal(reply.code, "A0" if terminal.unionpay else "63", "a sale without MAC")
    reversal = terminal.reversal(message)
    terminal.send(reversal, key=bytes(16))
    reply = terminal.receive(reversal)
    checks.equal(reply.code, "A0" if terminal.unionpay else "63", "a forged reversal (R40)")
    checks.equal(terminal.exchange(message).code, "00", "neither a forger nor a forged reversal blocks the sale (R40)")


def settle(checks, terminal, pan):
    """A batch of its own on a fresh terminal: one sale, one refund, totals that agree."""
    sale, sold = sell(checks, terminal, pan, 6000)
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 1000)).code, "00", "refund before settlement (R9)")
    message = terminal.settlement(6000, 1, 1000, 1)
    reply = terminal.exchange(message)
    checks.equal(reply.code, "00", "settlement")
    if terminal.unionpay:
        checks.equal(reply.fields.get(48, "")[30:31], "1", "balanced totals have code 1")
        closed, terminal.batch = terminal.batch, reply.fields[60][2:8]
        checks.that(terminal.batch != closed, "a settled batch is followed by another")
    else:
        checks.equal(reply.fields.get(66), "1", "balanced totals have DE66 1")
    again = terminal.exchange(message)
    checks.equal(again.code, "00", "the same settlement again")
    checks.equal(terminal.exchange(terminal.void(sale, sold)).code, "12", "void after the batch was settled (R5)")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 5000)).code, "00", "refund after settlement (R8)")


def unknown_terminal(checks, stack_, profile, merchant):
    stranger = Terminal(profile, "99999999", merchant, stack_.addresses[profile])
    if not stranger.unionpay:
        checks.equal(stranger.exchange(stranger.sale(CARDS["issuer-a"], 100)).code, "97", "unknown terminal (R25)")
    else:
        checks.equal(stranger.sign_on().code, "97", "sign-on of an unknown terminal (R25)")
        stranger.key = bytes(16)
        message = stranger.sale(CARDS["issuer-a"], 100)
        checks.equal(stranger.exchange(message).code, "97", "sale on an unknown terminal (R25)")
    stranger.close()


def in_doubt(checks, terminal, pan, stack_, issuer):
    message = terminal.sale(pan, 9968)
    reply = terminal.exchange(message)
    wanted = "98" if terminal.unionpay else "68"
    checks.equal(reply.code, wanted, "the issuer stays silent on a sale (R50)")
    checks.equal(terminal.exchange(message).code, wanted, "a retry of it gets the same (R20a)")
    checks.equal(terminal.exchange(terminal.reversal(message)).code, "00", "the terminal's reversal of it (R31)")

    def reversed_at_issuer():
        return [e for e in stack_.journal(issuer) if e["kind"] == "reversal" and e["amount"] == 9968
                and e["terminal"] == terminal.terminal]

    stack.wait_until("the switch reverses the sale in doubt by itself", reversed_at_issuer)
    checks.equal(len(reversed_at_issuer()), 1, "exactly one reversal of it takes effect")


def secrets(checks, stack_):
    """No clear card number or key in the log or anywhere in the data directory (I10)."""
    import os

    needles = [pan.encode() for pan in CARDS.values()]
    needles += [b"0123456789ABCDEFFEDCBA9876543210", bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"),
                b"10101010101010102323232323232323", bytes.fromhex("10101010101010102323232323232323"),
                bytes.fromhex("6212345678900000003F"), bytes.fromhex("4111111111111111")]
    files = [stack_.path("switch.log")]
    for folder, _, names in os.walk(stack_.data):
        files += [os.path.join(folder, n) for n in names]
    for path in files:
        if not os.path.isfile(path):
            continue
        with open(path, "rb") as f:
            content = f.read().lower()
        for i, needle in enumerate(needles):
            checks.that(needle.lower() not in content, f"secret number {i} stands in clear in {path}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        for profile, number, merchant in PROFILES:
            for offset, (issuer, pan) in enumerate(CARDS.items()):
                print(f"{profile}, {issuer}", flush=True)
                terminal = Terminal(profile, str(int(number) + offset), merchant, running.addresses[profile])
                terminal.connect()
                if terminal.unionpay:
                    checks.equal(terminal.exchange(unsigned(terminal, pan)).code, "77", "a sale before any sign-on (R25)")
                    checks.equal(terminal.sign_on().code, "00", "sign-on")
                for story in (refunds_in_parts, wrong_refunds, retries, voids, reversals, declines, macs):
                    story(checks, terminal, pan)
                in_doubt(checks, terminal, pan, running, issuer)
                settler = Terminal(profile, str(int(number) + 50 + offset), merchant, running.addresses[profile])
                settler.connect()
                if settler.unionpay:
                    settler.sign_on()
                settle(checks, settler, pan)
                checks.equal(terminal.echo().code, "00", "echo")
                settler.close()
                terminal.close()
            unknown_terminal(checks, running, profile, merchant)
        running.switch.terminate()
        checks.equal(running.switch.process.returncode, 0, "SIGTERM drains and ends with 0")
        secrets(checks, running)
    return checks.report()


def unsigned(terminal, pan):
    """A sale with a MAC under a key that nobody gave the terminal."""
    terminal.key = bytes(range(16))
    message = terminal.sale(pan, 100)
    return message


if __name__ == "__main__":
    sys.exit(main())
