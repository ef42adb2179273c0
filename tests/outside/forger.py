#!/usr/bin/env python3
"""A stranger who reaches the terminals' ports, with no key and no traffic seen, and what stands on receipts. It provokes
answers before the MAC (A0, 63, 97, 03, 77, 30) over fields that it chooses. If one of them carries a MAC it is an
oracle: the ECB MAC depends on the XOR of the 8-byte blocks alone, so it fits any request with eight filler bytes that
make the XORs equal. With or without an oracle it then tries sales, refunds, voids, reversals, settlements and upload
ends of honest terminals. Nothing may be approved or booked, and the honest terminals work all the while."""
import collections
import functools
import operator
import random
import struct
import sys

import stack
import wire
from terminal import Connection, Terminal

CARD, OTHER_CARD = "6212345678900000003", "4111111111111111"
ISSUERS = {"issuer-a": CARD, "issuer-b": OTHER_CARD}
# profile, merchant, victims (the last of unionpay-pos: CMAC), a terminal that never signs on
FLEET = [("unionpay-pos", "898110157220001", (10000111, 10000112, 10000962), "10000119"),
         ("iso87-ascii", "898110157220002", (20000111, 20000112, 20000113), "20000119")]
UNKNOWN_TERMINAL, OTHER_MERCHANT = "99999999", "898110157220005"
# Below the ten wrong MACs a minute from which an address is slowed (R40).
FRAMES_OF_ONE_ADDRESS = 8
FORGED_AMOUNT = 661300
HONEST_EVERY = 20
REPLY_TIMEOUT_S = 20.0
FILLER = bytes(8)


def fold(data):
    """The XOR of the 8-byte blocks, zero-padded: all that the ECB MAC sees."""
    blocks = struct.unpack(f">{(len(data) + 7) // 8}Q", bytes(data) + bytes(-len(data) % 8))
    return functools.reduce(operator.xor, blocks, 0).to_bytes(8, "big")


class Stranger:
    """Sends bodies from ever new addresses and remembers what came back."""

    def __init__(self, address, profile, chance):
        self.address, self.chance = address, chance
        self.profile = wire.Profile(profile)
        self.addresses = stack.strangers()
        self.connection, self.left = None, 0
        self.frames, self.closed, self.answers, self.with_mac = 0, 0, collections.Counter(), 0

    def body(self, mti, fields, mac):
        """The message with `mac` as its MAC field; None: without one."""
        if mac is None:
            return self.profile.encode(mti, fields)
        return self.profile.encode(mti, {**fields, self.profile.mac_field(fields): mac})

    def ask(self, body):
        """(code, fields, body) of the answer; None when the connection was closed instead."""
        if self.connection is None or self.left == 0:
            self.close()
            self.connection = Connection(self.address, self.profile.unionpay, next(self.addresses))
            self.left = FRAMES_OF_ONE_ADDRESS
        self.left -= 1
        self.frames += 1
        self.connection.send(body)
        answer = self.connection.receive(REPLY_TIMEOUT_S)
        if answer is None:
            self.closed += 1
            self.close()
            return None
        _, fields, mac = self.profile.decode(answer)
        self.answers[fields.get(39, "none")] += 1
        self.with_mac += mac != "none"
        return fields.get(39, ""), fields, answer

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def some_mac(self):
        return bytes(self.chance.choice(b"0123456789ABCDEF") for _ in range(8))


class Victim:
    """An honest terminal: what it did, and what the issuers must have of it."""

    def __init__(self, profile, number, merchant, address):
        self.terminal = Terminal(profile, str(number), merchant, address)
        self.terminal.connect()
        if self.terminal.unionpay:
            self.terminal.sign_on()
        self.debit, self.count, self.booked, self.rrns = 0, 0, collections.Counter(), set()

    def sell(self, checks, pan, amount, when):
        message = self.terminal.sale(pan, amount)
        reply = self.terminal.exchange(message)
        checks.equal(reply.code, "00", f"{self.terminal.terminal}: an honest sale {when}")
        self.debit, self.count = self.debit + amount, self.count + 1
        self.booked["sale", amount] += 1
        self.rrns.add(reply.rrn)
        return message, reply

    def begin(self, checks):
        self.sales = {name: self.sell(checks, pan, 4100 + i, "before")
                      for i, (name, pan) in enumerate(ISSUERS.items())}

    def end(self, checks):
        """Everything that was forged would show here: a reversed sale, a refund, a batch that is closed."""
        name = self.terminal.terminal
        for issuer, (sale, sold) in self.sales.items():
            again = self.terminal.exchange(sale)
            checks.equal((again.code, again.rrn), ("00", sold.rrn), f"{name}: its sale at {issuer} stands (R20)")
        sale, sold = self.sales["issuer-a"]
        amount = int(sale[1][4])
        refund = self.terminal.exchange(self.terminal.refund(sale, sold, amount))
        checks.equal(refund.code, "00", f"{name}: the whole of its sale is still refundable")
        self.booked["refund", amount] += 1
        self.rrns.add(refund.rrn)
        reply = self.terminal.exchange(self.terminal.settlement(self.debit, self.count, amount, 1))
        balanced = reply.fields.get(48, "")[30:31] if self.terminal.unionpay else reply.fields.get(66)
        checks.equal((reply.code, balanced), ("00", "1"), f"{name}: its batch is open and has what it did alone")
        self.terminal.close()


def spoiled(mti, fields, drop=(), **change):
    return mti, {**{n: v for n, v in fields.items() if n not in drop}, **{int(n[2:]): v for n, v in change.items()}}


def probes(victim, unsigned):
    """(name, message) of what is answered before its MAC was verified."""
    terminal = victim.terminal
    sale, sold = victim.sales["issuer-a"]
    fresh = terminal.sale(CARD, FORGED_AMOUNT)
    yield "a sale", fresh
    yield "a sale with another amount", spoiled(*terminal.sale(CARD, 1), de25="08")
    yield "a refund", terminal.refund(sale, sold, 100)
    yield "a void", terminal.void(sale, sold)
    yield "a reversal", terminal.reversal(sale)
    yield "a settlement", terminal.settlement(1, 1, 0, 0)
    yield "a sale of an unknown terminal", spoiled(*fresh, de41=UNKNOWN_TERMINAL)
    yield "a sale of another merchant", spoiled(*fresh, de42=OTHER_MERCHANT)
    yield "a sale of a terminal that never signed on", spoiled(*fresh, de41=unsigned)
    yield "a sale in another batch", spoiled(*fresh, de60="22000999") if terminal.unionpay else fresh
    for n in (3, 4, 25, 49, 60):
        yield f"a sale without DE{n}", spoiled(*fresh, drop=(n,))


def collect(checks, stranger, victim, unsigned):
    """Asks everything that is answered before the MAC; returns the oracle: (XOR, MAC) of an answer that has a MAC."""
    oracle = None
    for name, (mti, fields) in probes(victim, unsigned):
        for mac in (stranger.some_mac(), None):
            answer = stranger.ask(stranger.body(mti, fields, mac))
            if answer is None:
                continue
            code, decoded, body = answer
            what = f"{victim.terminal.terminal}: {name} {'with a wrong' if mac else 'without a'} MAC"
            checks.that(code != "00", f"{what}: answered 00")
            had = next((decoded[n] for n in (64, 128) if n in decoded), None)
            checks.that(had is None, f"{what}: its answer {code} carries a MAC")
            if had is not None and decoded[41] == victim.terminal.terminal:
                oracle = fold(body[:-8]), had
    return oracle


def targets(victim, number):
    """(name, message, field of the filler) of what a forger wants."""
    terminal = victim.terminal
    sale, sold = victim.sales["issuer-a" if number % 2 else "issuer-b"]
    filler = {62: FILLER} if terminal.unionpay else {}
    icc = {55: bytes.fromhex("9F2608") + FILLER}
    trace = {11: f"{500000 + number:06d}"}

    def with_filler(message, more, own_trace=True):
        return message[0], {**message[1], **more, **(trace if own_trace else {})}

    yield "sale", with_filler(terminal.sale(CARD, FORGED_AMOUNT + number), filler)
    yield "refund", with_filler(terminal.refund(sale, sold, 100), icc)
    yield "void", with_filler(terminal.void(sale, sold), filler)
    yield "reversal", with_filler(terminal.reversal(sale), filler, own_trace=not terminal.unionpay)
    yield "settlement", with_filler(terminal.settlement(victim.debit, victim.count, 0, 0), filler)
    if terminal.unionpay:
        mti, fields = terminal.settlement(victim.debit, victim.count, 0, 0)
        yield "upload end", with_filler(("0320", {**fields, 60: "00" + terminal.batch + "207"}), filler)


def forged(stranger, mti, fields, oracle):
    """The message under the oracle's MAC with the filler that makes it fit; under any MAC when there is none."""
    if oracle is None or not stranger.profile.unionpay:
        return stranger.body(mti, fields, oracle[1] if oracle else stranger.some_mac())
    body = stranger.body(mti, fields, oracle[1])
    covered = body[:-8]
    # The filler is the last run of eight zero bytes of DE55 or DE62.
    marker = bytes.fromhex("9F2608") if 55 in fields else bytes.fromhex("0008")
    at = covered.rindex(marker + FILLER) + len(marker)
    lacking = bytes(a ^ b for a, b in zip(fold(covered), oracle[0]))
    fill = bytes(lacking[(at + i) % 8] for i in range(8))
    return covered[:at] + fill + covered[at + 8:] + body[-8:]


def attack(checks, stranger, victims, oracles, forgeries):
    approved, number = collections.Counter(), 0
    while number < forgeries:
        victim, oracle = victims[number % len(victims)], oracles[number % len(victims)]
        for name, (mti, fields) in targets(victim, number):
            answer = stranger.ask(forged(stranger, mti, fields, oracle))
            if answer is not None and answer[0] == "00":
                approved[name] += 1
            number += 1
            if number % HONEST_EVERY == 0:
                honest = victims[number // HONEST_EVERY % len(victims)]
                honest.sell(checks, OTHER_CARD, 1500, f"after {number} forgeries")
            if number == forgeries:
                break
    for name, count in approved.items():
        checks.that(False, f"{stranger.profile.name}: {count} forged messages ({name}) were approved")
    return number, approved.total()


def booked(checks, running, victims):
    """What issuers and ledger have beyond what the victims did; both must be nothing."""
    expected, rrns = sum((v.booked for v in victims), collections.Counter()), set().union(*(v.rrns for v in victims))

    def journals():
        return collections.Counter((e["kind"], e["amount"]) for n in ISSUERS for e in running.journal(n))

    try:
        stack.wait_until("the issuers have what honest terminals did", lambda: not expected - journals())
    except AssertionError as e:
        checks.that(False, f"{e}: {dict(expected - journals())} lack")
    beyond = journals() - expected
    checks.equal(dict(beyond), {}, "what issuers booked for nobody honest")
    records = []
    for pan in ISSUERS.values():
        code, data = running.refundctl("find", "--pan-last4", pan[-4:], "--limit", "1000")
        checks.equal(code, 0, f"refundctl find: {data}")
        records += data["transactions"]
    checks.that(rrns <= {r["rrn"] for r in records}, "the ledger has what honest terminals did")
    strange = [(r["kind"], r["terminal"], r["amount"], r["code"]) for r in records
               if r["rrn"] not in rrns and r["code"] == "00"]
    checks.equal(strange, [], "approved in the ledger for nobody honest")
    return beyond.total() + len(strange)


def main():
    args = stack.arguments(__doc__, lambda p: (
        p.add_argument("--forgeries", type=int, default=300, help="over both profiles"),
        p.add_argument("--seed", type=int, default=8583)))
    checks, everybody, frames, tried, with_mac = stack.Checks(), [], 0, 0, 0
    with stack.Stack(args) as running:
        for share, (profile, merchant, numbers, unsigned) in zip((2, 1), FLEET):
            victims = [Victim(profile, number, merchant, running.addresses[profile]) for number in numbers]
            for victim in victims:
                victim.begin(checks)
            everybody += victims
            stranger = Stranger(running.addresses[profile], profile, random.Random(args.seed))
            oracles = [collect(checks, stranger, victim, unsigned) for victim in victims]
            count, approved = attack(checks, stranger, victims, oracles, args.forgeries * share // 3)
            checks.equal(stranger.with_mac, 0, f"{profile}: answers with a MAC to what did not verify")
            checks.that(running.switch.running(), f"{profile}: the switch lives")
            print(f"{profile}: {stranger.frames} frames sent, {count} forgeries tried, {approved} approved, "
                  f"{sum(o is not None for o in oracles)} of {len(victims)} terminals' MACs to be had, "
                  f"{stranger.closed} closed, answers {dict(sorted(stranger.answers.items()))}", flush=True)
            frames, tried, with_mac = frames + stranger.frames, tried + count, with_mac + stranger.with_mac
            stranger.close()
        for victim in everybody:
            victim.end(checks)
        beyond = booked(checks, running, everybody)
        print(f"frames sent: {frames}, forgeries tried: {tried}, answers with MAC: {with_mac}, booked: {beyond}",
              flush=True)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
