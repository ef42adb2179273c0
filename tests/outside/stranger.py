#!/usr/bin/env python3
"""Anonymous sign-ons: strangers on other connections and addresses sign on for an honest terminal's ID as fast as they
can, and sign it off. The honest terminal signs on once, sells, loses its line, comes back and signs on again: its keys
are never pushed out, it always sells. Strangers get keys at the bucket's rate and 96 without any beyond it; a
single-length key is refused to a range that does not allow it."""
import collections
import sys
import threading
import time

import stack
import wire
from terminal import Connection, Terminal, Unexpected

MERCHANT = "898110157220001"
HONEST, HONEST_ADDRESS = "10000131", "127.1.250.1"
CMAC_TERMINAL = "10000950"  # of a range without single-length keys
CARD = "4111111111111111"
# The demo's bucket of a terminal and address; one sign-on may be counted on either side of a second.
BURST, PER_SECOND, SLACK = 20, 1, 2
FEW, ADDRESSES, PIPELINED = 4, 24, 25
COMEBACKS = 8  # with two sign-ons each: what its own bucket has room for
ANSWER_TIMEOUT_S = 20.0


class Flood:
    """Sign-ons for one terminal from one connection of each of many addresses, `PIPELINED` at a time."""

    def __init__(self, address, terminal, sources, network="003"):
        self.profile = wire.Profile("unionpay-pos")
        self.terminal, self.network, self.trace = terminal, network, 0
        self.connections = {source: Connection(address, True, source) for source in sources}
        self.answers, self.keys = collections.Counter(), collections.Counter()
        self.keys_beside_00, self.lost = 0, 0
        self.begun = time.monotonic()

    def body(self, mti="0800"):
        self.trace = self.trace % 999999 + 1
        fields = {11: f"{self.trace:06d}", 41: self.terminal, 42: MERCHANT, 60: "00000000" + self.network}
        return self.profile.encode(mti, fields)

    def round(self):
        for source, connection in self.connections.items():
            bodies = b"".join(wire.frame(self.body(), True) for _ in range(PIPELINED))
            connection.socket.sendall(bodies)
        for source, connection in self.connections.items():
            for _ in range(PIPELINED):
                self.take(source, connection.receive(ANSWER_TIMEOUT_S))

    def take(self, source, body):
        if body is None:
            self.lost += 1
            return
        _, fields, _ = self.profile.decode(body)
        self.answers[fields[39]] += 1
        if 62 in fields:
            self.keys[source] += 1
            self.keys_beside_00 += fields[39] != "00"

    def until(self, stopped):
        while not stopped.is_set():
            self.round()

    def close(self):
        for connection in self.connections.values():
            connection.close()

    def judge(self, checks, what):
        seconds = time.monotonic() - self.begun
        allowed = BURST + PER_SECOND * seconds + SLACK
        tried = self.answers.total()
        most = max(self.keys.values(), default=0)
        print(f"{what}: {tried} sign-ons in {seconds:.1f} s from {len(self.connections)} addresses, keys given "
              f"{self.keys.total()} (at most {most} to one address), answers {dict(sorted(self.answers.items()))}",
              flush=True)
        checks.equal(self.lost, 0, f"{what}: sign-ons without an answer")
        checks.that(most <= allowed, f"{what}: {most} key sets for one address in {seconds:.1f} s, {allowed:.0f} may be")
        checks.that(self.answers["96"] > 0, f"{what}: beyond the bucket the answer is 96")
        checks.equal(set(self.answers) - {"00", "96"}, set(), f"{what}: other answers")
        checks.equal(self.keys_beside_00, 0, f"{what}: keys beside another code than 00")


def sells(checks, terminal, amount, when):
    try:
        code = terminal.exchange(terminal.sale(CARD, amount)).code
    except (OSError, Unexpected) as e:
        code = str(e)
    checks.equal(code, "00", f"the honest terminal sells {when}")


def keys_wait_through_a_flood(checks, honest, address, sources, what):
    """Keys that the terminal has asked for and not used yet are its own newest: no stranger pushes them out."""
    checks.equal(honest.sign_on().code, "00", f"the honest terminal signs on, {what}")
    flood = Flood(address, HONEST, sources)
    for _ in range(3):
        flood.round()
    sells(checks, honest, 1100, f"under keys that it got before the flood, {what}")
    flood.judge(checks, what)
    flood.close()


def comes_and_goes(checks, honest, address, sources):
    flood = Flood(address, HONEST, [next(sources) for _ in range(ADDRESSES)])
    stopped = threading.Event()
    thread = threading.Thread(target=flood.until, args=(stopped,))
    thread.start()
    try:
        for _ in range(COMEBACKS):
            sells(checks, honest, 1200, "while strangers sign on")
            honest.close()
            honest.connect()
            sells(checks, honest, 1300, "on a new connection, under its old keys")
            # The answer to a sign-on is lost with the line: the old keys are what the terminal has.
            honest.send(honest.sign_on_message(), key=None)
            honest.close()
            honest.connect()
            sells(checks, honest, 1400, "after a sign-on whose answer was lost")
            checks.equal(honest.sign_on().code, "00", "it signs on again")
            sells(checks, honest, 1500, "under its new keys")
    finally:
        stopped.set()
        thread.join()
    flood.judge(checks, "while it comes and goes")
    flood.close()


def from_its_own_address(checks, honest, address):
    """Somebody behind the same address can spend its bucket, but not its keys."""
    flood = Flood(address, HONEST, [HONEST_ADDRESS])
    for _ in range(4):
        flood.round()
    sells(checks, honest, 1600, "beside a stranger at its own address")
    honest.close()
    honest.connect()
    sells(checks, honest, 1700, "on a new connection beside a stranger at its own address")
    # The bucket was this address's before the flood began: its burst is not judged here.
    checks.that(flood.answers["96"] > 0, "at its own address: beyond the bucket the answer is 96")
    flood.close()
    stack.wait_until("a sign-on when the bucket has a place again", lambda: honest.sign_on().code == "00", every=0.5)
    sells(checks, honest, 1800, "after that sign-on")


def signed_off_by_strangers(checks, honest, address, sources):
    """A sign-off is no word of the terminal's where none of its keys verified a message (rulings.md 21)."""
    flood = Flood(address, HONEST, [next(sources)], network="002")
    for connection in flood.connections.values():
        for _ in range(5):
            connection.send(flood.body("0820"))
            connection.receive(ANSWER_TIMEOUT_S)
    sells(checks, honest, 1900, "after strangers signed it off")
    flood.close()


def single_length(checks, running, address, sources):
    flood = Flood(address, CMAC_TERMINAL, [next(sources)], network="001")
    for source, connection in flood.connections.items():
        connection.send(flood.body())
        flood.take(source, connection.receive(ANSWER_TIMEOUT_S))
    checks.equal((flood.lost, flood.answers["00"], flood.keys.total()), (0, 0, 0),
                 f"single-length keys for a range that does not allow them: {dict(flood.answers)}")
    print(f"single-length keys: {dict(flood.answers)}", flush=True)
    flood.close()
    checks.that(running.switch.running(), "the switch lives")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        address = running.addresses["unionpay-pos"]
        sources = stack.strangers()
        honest = Terminal("unionpay-pos", HONEST, MERCHANT, address, source=HONEST_ADDRESS)
        honest.connect()
        keys_wait_through_a_flood(checks, honest, address, [next(sources) for _ in range(FEW)], "a few strangers")
        keys_wait_through_a_flood(checks, honest, address, [next(sources) for _ in range(ADDRESSES)], "many strangers")
        comes_and_goes(checks, honest, address, sources)
        signed_off_by_strangers(checks, honest, address, sources)
        from_its_own_address(checks, honest, address)
        single_length(checks, running, address, sources)
        honest.close()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
