#!/usr/bin/env python3
"""Valid frames of every kind of message of both profiles, mutated where it hurts (digits, lengths, bitmap bits, the MTI
up to 9999, TPDU and header, truncation, trailing bytes), thrown at the real process on ever new connections. Half of
them carry a MAC that was right before the mutation. The process lives, answers its good terminals meanwhile, answers
no mutated financial message with 00 and books nothing of them. Also: frames of length zero are skipped, and a terminal
that has shut its sending side down still gets its answer."""
import collections
import random
import select
import socket
import struct
import sys
import time

import stack
import wire
from forger import fold
from terminal import Terminal, Unexpected

CARD, OTHER_CARD = "6212345678900000003", "4111111111111111"
ISSUERS = {"issuer-a": CARD, "issuer-b": OTHER_CARD}
# profile, merchant, terminals: the first is the good one, the others' frames are mutated. From 10000900 on: CMAC.
FLEET = [("unionpay-pos", "898110157220001", [*range(10000151, 10000157), 10000961]),
         ("iso87-ascii", "898110157220002", range(20000151, 20000158))]
IN_FLIGHT = 32  # connections at once
BURST_MAX = 4  # frames on one connection; what follows one that closes it is not looked at
HONEST_EVERY = 500  # frames
ANSWER_TIMEOUT_S = 30.0
MTIS_THAT_HURT = ("9999", "0000", "0999", "9200", "0290", "0209", "0299", "0800", "0820", "0220", "0400", "0420", "0421",
                  "0500", "0320", "0100", "0210", "0410", "0810", "1200", "2200", "3200")
KEEP_ALIVES = 5


# Messages

def templates(subject):
    """(MTI, fields) of every kind that the profile has, for sales that the subject made before."""
    unionpay = subject.unionpay
    (sale, sold), (voided, void_sold) = subject.sold
    yield subject.sale(CARD, 5000)
    yield subject.sale(OTHER_CARD, 5100)
    mti, fields = subject.sale(CARD, 5200)
    yield mti, {**fields, 14: "4912", 23: "001", 35: f"{CARD}=49121010000", 52: bytes(range(8)), 53: "2600000000000000",
                55: bytes.fromhex("9F2608112233445566778895050000000000")}
    yield subject.refund(sale, sold, 700)
    yield subject.void(voided, void_sold)
    yield subject.reversal(sale)
    yield subject.settlement(10000, 2, 0, 0)
    yield subject.echo_message()
    if unionpay:
        yield subject.sign_on_message()
        yield "0820", subject.sign_on_message("002")[1]
        settled = subject.settlement(10000, 2, 0, 0)[1]
        yield "0320", {**settled, 60: "00" + subject.batch + "201"}
        yield "0320", {**settled, 60: "00" + subject.batch + "207"}
        for kind, processing, code in (("0100", "030000", "10"), ("0100", "200000", "11"), ("0200", "000000", "20"),
                                       ("0220", "000000", "24")):
            mti, fields = subject.sale(CARD, 5300)
            yield kind, {**fields, 3: processing, 25: "06", 60: code + subject.batch}
    else:
        yield subject.refund(sale, sold, 700, mti="0220")
        reversal = subject.reversal(sale)[1]
        for kind in ("0401", "0420", "0421"):
            yield kind, dict(reversal)
        yield "0400", {**subject.reversal(voided)[1], 95: "000000001000" + "0" * 30}
        yield "0100", subject.sale(CARD, 5300)[1]
        yield "0520", subject.settlement(10000, 2, 0, 0)[1]
        yield "0800", {**subject.echo_message()[1], 70: "001"}


# Mutations of one frame: length, TPDU and header (unionpay-pos), MTI, bitmap, fields, MAC.

class Mutator:
    def __init__(self, profile, subjects, chance):
        self.profile, self.chance = profile, chance
        self.lead = 2 + (11 if profile.unionpay else 0)
        self.mti_at, self.mti_size = self.lead, 2 if profile.unionpay else 4
        self.bitmap_at, self.bitmap_size = self.lead + self.mti_size, 8 if profile.unionpay else 16
        self.frames = []
        for subject in subjects:
            for mti, fields in templates(subject):
                for key in (subject.key, bytes(range(16)), None):
                    frame = wire.frame(subject.profile.encode(mti, fields, key), profile.unionpay)
                    self.frames.append((frame, self.covered(frame)))
        self.ways = [self.digit, self.byte, self.byte, self.length_byte, self.bitmap_bit, self.bitmap_bits, self.mti,
                     self.mti, self.envelope, self.truncated, self.trailing, self.run_of_one_byte, self.doubled_piece]

    def next(self):
        """A frame that is no longer the valid one: what its MAC covered is something else."""
        frame, covered = self.chance.choice(self.frames)
        while True:
            out = bytearray(frame)
            for _ in range(self.chance.choice((1, 1, 1, 2, 3, 8))):
                self.chance.choice(self.ways)(out)
            # Mostly a frame that says how long it is; one that lies about it is seen, but ends its connection.
            if self.chance.random() < 0.95:
                out[:2] = struct.pack(">H", len(out) - 2)
            if self.covered(out[:2 + struct.unpack(">H", out[:2])[0]]) != covered:
                return bytes(out)

    def covered(self, frame):
        """What a MAC of this frame depends on and the MAC itself; the ECB MAC sees nothing but the XOR of the blocks."""
        if not self.profile.unionpay:
            return bytes(frame[self.lead:])
        return fold(frame[self.lead:-8]), bytes(frame[-8:])

    def somewhere(self, out, begin=None):
        begin = self.lead if begin is None else begin
        return self.chance.randrange(begin, len(out)) if len(out) > begin else None

    def byte(self, out):
        if (at := self.somewhere(out)) is not None:
            out[at] = self.chance.choice((0x00, 0x09, 0x0A, 0x20, 0x30, 0x3D, 0x7F, 0x99, 0xFF, self.chance.randrange(256)))

    def digit(self, out):
        """Another digit where one stands, in BCD or in ASCII."""
        if (at := self.somewhere(out)) is None:
            return
        if 0x30 <= out[at] <= 0x39:
            out[at] = 0x30 + self.chance.randrange(10)
        else:
            out[at] = self.chance.randrange(10) << 4 | self.chance.randrange(10)

    def length_byte(self, out):
        """A byte that is likely a field's length: early in the fields, or one that begins with few bits."""
        if (at := self.somewhere(out, self.bitmap_at + self.bitmap_size)) is not None:
            out[at] = self.chance.choice((out[at] ^ 1, out[at] ^ 0x10, 0x00, 0x99, 0x39 if out[at] >= 0x30 else 0x01))

    def bitmap_bit(self, out, bit=None):
        bit = self.chance.randrange(64) if bit is None else bit
        if len(out) < self.bitmap_at + self.bitmap_size:
            return
        if self.profile.unionpay:
            out[self.bitmap_at + bit // 8] ^= 0x80 >> bit % 8
        else:
            at = self.bitmap_at + bit // 4
            value = int(chr(out[at]), 16) if chr(out[at]) in "0123456789ABCDEFabcdef" else 0
            out[at] = ord(f"{value ^ 8 >> bit % 4:X}")

    def bitmap_bits(self, out):
        for _ in range(self.chance.randrange(2, 12)):
            self.bitmap_bit(out)

    def mti(self, out):
        mti = self.chance.choice(MTIS_THAT_HURT) if self.chance.random() < 0.6 else f"{self.chance.randrange(10000):04d}"
        if len(out) >= self.mti_at + self.mti_size:
            out[self.mti_at:self.mti_at + self.mti_size] = (
                bytes.fromhex(mti) if self.profile.unionpay else mti.encode())

    def envelope(self, out):
        """TPDU and header; together with a change of what the MAC covers, for they alone leave the message right."""
        for at in range(2, min(self.lead, len(out))):
            if self.chance.random() < 0.3:
                out[at] = self.chance.randrange(256)
        self.digit(out)

    def truncated(self, out):
        if (at := self.somewhere(out, 2)) is not None:
            del out[at:]

    def trailing(self, out):
        out += bytes(self.chance.randrange(256) for _ in range(self.chance.choice((1, 2, 8, 64))))

    def run_of_one_byte(self, out):
        if (at := self.somewhere(out)) is not None:
            count = self.chance.randrange(1, 16)
            out[at:at + count] = bytes([self.chance.choice((0x00, 0x30, 0x39, 0x99, 0xFF))]) * len(out[at:at + count])

    def doubled_piece(self, out):
        if (at := self.somewhere(out)) is not None:
            count = self.chance.randrange(1, 24)
            out[at:at] = out[at:at + count]


# Throwing

class Throw:
    """One connection with a few frames; its sending side is shut down behind them, so that it ends by itself."""

    def __init__(self, address, source, frames):
        self.frames, self.received = frames, b""
        self.deadline = time.monotonic() + ANSWER_TIMEOUT_S
        self.socket = socket.create_connection(address, timeout=ANSWER_TIMEOUT_S, source_address=(source, 0))
        try:
            self.socket.sendall(b"".join(frames))
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed at an earlier frame; what was answered before can still be read

    def ended(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.received += piece
        return not piece

    def answers(self):
        rest = self.received
        while len(rest) >= 2:
            size = struct.unpack(">H", rest[:2])[0]
            yield rest[2:2 + size]
            rest = rest[2 + size:]


class Thrower:
    def __init__(self, checks, running, profile, mutator, chance):
        self.checks, self.running, self.profile, self.mutator, self.chance = checks, running, profile, mutator, chance
        self.addresses = stack.strangers()
        self.flying, self.last = {}, collections.deque(maxlen=IN_FLIGHT)
        self.thrown, self.connections, self.codes = 0, 0, collections.Counter()

    def throw(self, count):
        """`count` frames more, all of them answered or their connections closed when it returns. False: it is dead."""
        until = self.thrown + count
        while self.thrown < until or self.flying:
            while self.thrown < until and len(self.flying) < IN_FLIGHT:
                burst = 1 if self.chance.random() < 0.6 else self.chance.randrange(2, BURST_MAX + 1)
                frames = [self.mutator.next() for _ in range(min(burst, until - self.thrown))]
                self.last.append(frames)
                try:
                    thrown = Throw(self.running.addresses[self.profile.name], next(self.addresses), frames)
                except OSError as e:
                    return self.lives(e)
                self.flying[thrown.socket] = thrown
                self.thrown, self.connections = self.thrown + len(frames), self.connections + 1
            self.land()
        return self.lives("it ended")

    def land(self):
        for s in select.select(list(self.flying), [], [], 1.0)[0]:
            if self.flying[s].ended():
                self.judge(self.flying.pop(s))
                s.close()
        now = time.monotonic()
        for s, thrown in list(self.flying.items()):
            if thrown.deadline < now:
                self.checks.that(False, f"neither answered nor closed: {self.hex(thrown.frames)}")
                del self.flying[s]
                s.close()

    def judge(self, thrown):
        seen = 0
        for content in thrown.answers():
            seen += 1
            try:
                mti, fields, _ = self.profile.decode(content[11 if self.profile.unionpay else 0:])
            except (wire.WireError, ValueError) as e:
                self.checks.that(False, f"an answer that is no message ({e}), to {self.hex(thrown.frames)}")
                continue
            code = fields.get(39, "none")
            self.codes[code] += 1
            if mti[1] != "8":  # sign-on, sign-off and echo need no MAC
                self.checks.that(code not in ("00", "01"), f"answered {code}: {self.hex(thrown.frames)}")
        if seen < len(thrown.frames):
            self.codes["closed"] += 1

    def lives(self, why):
        return self.checks.that(self.running.switch.running(), f"the switch lives: {why}; thrown last: "
                                f"{[self.hex(f) for f in self.last]}")

    @staticmethod
    def hex(frames):
        return " ".join(f.hex() for f in frames)


class Honest:
    """The good terminal, and what the issuers and the ledger must have of everybody."""

    def __init__(self, checks):
        self.checks, self.booked, self.rrns, self.slowest = checks, collections.Counter(), set(), 0.0

    def sell(self, terminal, pan, amount, when):
        begun = time.monotonic()
        message = terminal.sale(pan, amount)
        reply = terminal.exchange(message)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.checks.equal(reply.code, "00", f"{terminal.terminal} sells {when}")
        self.rrns.add(reply.rrn)
        self.booked["sale", amount] += 1
        return message, reply


def keep_alives(honest, good):
    """Frames of length zero before, between and behind: skipped, not answered, nothing closed."""
    try:
        good.connection.socket.sendall(bytes(2) * KEEP_ALIVES)
        honest.sell(good, OTHER_CARD, 1700, "behind frames of length zero")
        good.connection.socket.sendall(bytes(2))
        honest.sell(good, OTHER_CARD, 1800, "on the same connection after one more")
        honest.checks.equal(good.connection.buffer, b"", "a frame of length zero has no answer")
    except (OSError, Unexpected) as e:
        honest.checks.that(False, f"{good.terminal}: frames of length zero are skipped: {e}")
        good.connect()


def half_closed(honest, good):
    """A terminal that shuts its sending side down behind its request still gets the answer, and then the end."""
    checks = honest.checks
    message = good.sale(OTHER_CARD, 1900)
    good.send(message)
    good.connection.socket.shutdown(socket.SHUT_WR)
    reply = good.receive(message, ANSWER_TIMEOUT_S)
    if checks.that(reply is not None, f"{good.terminal}: an answer to a half-closed terminal"):
        checks.equal(reply.code, "00", f"{good.terminal}: the answer to a half-closed terminal")
        honest.rrns.add(reply.rrn)
        checks.that(good.connection.receive(ANSWER_TIMEOUT_S) is None, "and nothing behind it")
    else:
        good.connect()
        honest.rrns.add(good.exchange(message).rrn)
    honest.booked["sale", 1900] += 1
    good.connect()


def nothing_booked(honest, running):
    expected = honest.booked
    honest.checks.that(running.switch.running(), "the switch lives at the end")

    def journals():
        return collections.Counter((e["kind"], e["amount"]) for n in ISSUERS for e in running.journal(n))

    try:
        stack.wait_until("the issuers have what honest terminals did", lambda: not expected - journals())
    except AssertionError as e:
        honest.checks.that(False, f"{e}: {dict(expected - journals())} lack")
    honest.checks.equal(dict(journals() - expected), {}, "what issuers booked of mutated frames")
    for pan in ISSUERS.values():
        code, data = running.refundctl("find", "--pan-last4", pan[-4:], "--limit", "1000")
        honest.checks.equal(code, 0, f"refundctl find: {data}")
        strange = [(r["kind"], r["terminal"], r["amount"]) for r in data["transactions"]
                   if r["code"] == "00" and r["rrn"] not in honest.rrns]
        honest.checks.equal(strange, [], f"approved in the ledger of mutated frames, card {pan[-4:]}")


def fleet(honest, running, profile, merchant, numbers):
    terminals = []
    for number in numbers:
        terminal = Terminal(profile, str(number), merchant, running.addresses[profile])
        terminal.connect()
        if terminal.unionpay:
            terminal.sign_on()
        terminals.append(terminal)
    for subject in terminals[1:]:
        subject.sold = [honest.sell(subject, CARD, 5000, "before"), honest.sell(subject, OTHER_CARD, 5000, "before")]
    return terminals[0], terminals[1:]


def throw_all(honest, running, profile, merchant, numbers, frames, seed):
    good, subjects = fleet(honest, running, profile, merchant, numbers)
    keep_alives(honest, good)
    half_closed(honest, good)
    chance = random.Random(seed)
    thrower = Thrower(honest.checks, running, good.profile, Mutator(good.profile, subjects, chance), chance)
    honest.slowest, begun, bar = 0.0, time.monotonic(), frames // 10 or 1
    while thrower.thrown < frames:
        if not thrower.throw(min(HONEST_EVERY, frames - thrower.thrown)):
            return thrower.thrown
        try:
            honest.sell(good, CARD if thrower.thrown // HONEST_EVERY % 2 else OTHER_CARD, 1500,
                        f"after {thrower.thrown} frames")
        except (OSError, Unexpected) as e:
            thrower.lives(e)
            honest.checks.that(False, f"{good.terminal} sells after {thrower.thrown} frames: {e}; thrown last: "
                               f"{[thrower.hex(frames) for frames in thrower.last]}")
            return thrower.thrown
        if thrower.thrown % bar < HONEST_EVERY and thrower.thrown >= bar:
            print(f"  {profile}: {thrower.thrown} of {frames}", flush=True)
    seconds = time.monotonic() - begun
    print(f"{profile}: {thrower.thrown} frames on {thrower.connections} connections in {seconds:.1f} s, answers "
          f"{dict(sorted(thrower.codes.items()))}; an honest sale took at most {honest.slowest * 1000:.0f} ms", flush=True)
    for terminal in (good, *subjects):
        terminal.close()
    return thrower.thrown


def main():
    args = stack.arguments(__doc__, lambda p: (
        p.add_argument("--frames", type=int, default=20000, help="mutated frames, over both profiles"),
        p.add_argument("--seed", type=int, default=8583, help="the same seed throws the same frames")))
    checks = stack.Checks()
    honest, thrown = Honest(checks), 0
    print(f"seed {args.seed}", flush=True)
    with stack.Stack(args) as running:
        for number, (profile, merchant, numbers) in enumerate(FLEET):
            if running.switch.running():
                thrown += throw_all(honest, running, profile, merchant, numbers, args.frames // len(FLEET),
                                    args.seed + number)
        if running.switch.running():
            nothing_booked(honest, running)
        print(f"frames thrown: {thrown}", flush=True)
        checks.equal(thrown, args.frames // len(FLEET) * len(FLEET), "all frames are thrown")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
