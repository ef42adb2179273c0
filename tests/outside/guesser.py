#!/usr/bin/env python3
"""Guesses MACs at an honest terminal's ID as fast as it can, on several connections of one address. From the eleventh
wrong one in a minute each answer to that terminal at that address is held back a second, one at a time; the log has an
alarm, the metrics a count. The honest terminal, elsewhere or at the same address, is never delayed (R40)."""
import re
import select
import statistics
import sys
import time

import stack
import wire
from terminal import Connection, Terminal

CARD = "4111111111111111"
PROFILES = [("unionpay-pos", "10000141", "898110157220001", "A0"), ("iso87-ascii", "20000141", "898110157220002", "63")]
GUESSER_ADDRESS, HONEST_ADDRESS = "127.1.0.7", "127.1.250.2"
CONNECTIONS, PIPELINED = 6, 20
SECONDS = 6.0
FREE_GUESSES, HELD_BACK_S = 10, 1.0
GUESSED_AMOUNT = 440000


class Guesser:
    """Keeps PIPELINED guesses under way on every connection; a closed one is opened again."""

    def __init__(self, address, terminal):
        self.address, self.profile = address, terminal.profile
        self.message = terminal.sale(CARD, GUESSED_AMOUNT)
        self.number, self.tried, self.closed, self.codes, self.macs = 0, 0, 0, {}, 0
        self.waiting = {}  # connection: guesses without an answer
        self.answered_at = []
        for _ in range(CONNECTIONS):
            self.open()

    def open(self):
        self.waiting[Connection(self.address, self.profile.unionpay, GUESSER_ADDRESS)] = 0

    def guess(self):
        self.number += 1
        mti, fields = self.message
        fields = {**fields, 11: f"{700000 + self.number % 100000:06d}", 64: f"{self.number:08X}".encode()}
        return wire.frame(self.profile.encode(mti, fields), self.profile.unionpay)

    def step(self):
        for connection in list(self.waiting):
            try:
                while self.waiting[connection] < PIPELINED:
                    connection.socket.sendall(self.guess())
                    self.waiting[connection] += 1
                    self.tried += 1
            except ConnectionError:
                self.drop(connection)
        sockets = {c.socket: c for c in self.waiting}
        for s in select.select(list(sockets), [], [], 0.05)[0]:
            self.take(sockets[s])

    def take(self, connection):
        body = connection.receive(0.05)
        if body is None:
            if not connection.buffer:
                self.drop(connection)
            return
        while body is not None:
            _, fields, mac = self.profile.decode(body)
            self.answered_at.append(time.monotonic())
            self.codes[fields[39]] = self.codes.get(fields[39], 0) + 1
            self.macs += mac != "none"
            self.waiting[connection] -= 1
            body = connection.receive(0) if connection.buffer else None

    def drop(self, connection):
        self.closed += 1
        del self.waiting[connection]
        connection.close()
        self.open()

    def close(self):
        for connection in self.waiting:
            connection.close()


def mac_count(running):
    """The sum of the counters that count MACs."""
    found = re.findall(r"^(\w*(?:mac)\w*(?:\{[^}]*\})?|\w+\{[^}]*mac[^}]*\}) ([\d.e+]+)$", running.metrics(),
                       re.M | re.I)
    return sum(float(value) for _, value in found)


def alarms(running, terminal):
    return [line for line in running.log_lines(severity="alarm") if terminal in line.values()]


def timed_sale(checks, terminal, when):
    begun = time.monotonic()
    reply = terminal.exchange(terminal.sale(CARD, 1500))
    checks.equal(reply.code, "00", f"the honest terminal sells {when}")
    return time.monotonic() - begun


def guess(checks, running, profile, number, merchant, refused):
    address = running.addresses[profile]
    honest = [Terminal(profile, number, merchant, address, first_trace=1, source=HONEST_ADDRESS),
              Terminal(profile, number, merchant, address, first_trace=400001, source=GUESSER_ADDRESS)]
    for terminal in honest:
        terminal.connect()
    if honest[0].unionpay:
        checks.equal(honest[0].sign_on().code, "00", "sign-on")
        honest[1].key, honest[1].batch = honest[0].key, honest[0].batch
    before, counted = timed_sale(checks, honest[0], "before"), mac_count(running)
    guesser = Guesser(address, honest[0])
    took = [[], []]
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS:
        for _ in range(5):
            guesser.step()
        for terminal, times in zip(honest, took):
            times.append(timed_sale(checks, terminal, "while its MAC is guessed"))
    seconds = time.monotonic() - begun
    guesser.close()
    answered = len(guesser.answered_at)
    print(f"{profile}: {guesser.tried} guesses in {seconds:.1f} s on {CONNECTIONS} connections, {answered} answered "
          f"({dict(sorted(guesser.codes.items()))}), {guesser.closed} closed; an honest sale took "
          f"{before * 1000:.0f} ms before, then {statistics.median(took[0]) * 1000:.0f} ms (at most "
          f"{max(took[0]) * 1000:.0f}) elsewhere, {statistics.median(took[1]) * 1000:.0f} ms (at most "
          f"{max(took[1]) * 1000:.0f}) at the guesser's address", flush=True)
    allowed = FREE_GUESSES + seconds / HELD_BACK_S + 1
    checks.that(FREE_GUESSES < answered <= allowed, f"{profile}: {answered} guesses answered, {allowed:.0f} may be")
    checks.equal(set(guesser.codes), {refused}, f"{profile}: what a guess is answered")
    checks.equal(guesser.macs, 0, f"{profile}: answers to guesses that carry a MAC")
    for times, where in zip(took, ("elsewhere", "at the guesser's address")):
        checks.that(statistics.median(times) < HELD_BACK_S / 2 and min(times) < HELD_BACK_S / 4,
                    f"{profile}: honest sales {where} are not held back: {statistics.median(times):.2f} s")
    checks.that(bool(alarms(running, number)), f"{profile}: an alarm in the log that names terminal {number}")
    checks.that(mac_count(running) - counted >= answered, f"{profile}: the metrics count wrong MACs")
    checks.that(running.switch.running(), "the switch lives")
    for terminal in honest:
        terminal.close()


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        for profile in PROFILES:
            guess(checks, running, *profile)
        amounts = {e["amount"] for e in running.journal("issuer-b")}
        checks.that(GUESSED_AMOUNT not in amounts, "nothing of what was guessed is booked")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
