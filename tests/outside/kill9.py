#!/usr/bin/env python3
"""kill -9 at random moments under load, many times, while people work at refundctl (kill9_people.py). After each restart
every approved answer is still known, no sale is over-refunded, what people were told is done is done, and what the kill
left open is settled; at the end issuers' journals, terminals and ledger agree. With --postgres the ledger lies on servers of
PostgreSQL; with --takeover a second switch stands by and takes over each time, and every third time the one that serves is
not killed but frozen, and wakes up when the other serves."""
import contextlib
import os
import random
import select
import sys
import threading
import time

import ledger_on_postgres
import stack
import two_nodes
from kill9_people import People
from terminal import Terminal, Unexpected
from wire import WireError

CARDS = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
# profile, first terminal, merchant, issuer: each thread is one terminal with one card.
FLEET = [("unionpay-pos", 10000201, "898110157220001", "issuer-a"), ("unionpay-pos", 10000211, "898110157220001", "issuer-b"),
         ("iso87-ascii", 20000201, "898110157220002", "issuer-a"), ("iso87-ascii", 20000211, "898110157220002", "issuer-b")]
EACH = 3
TILL = ("unionpay-pos", "10000221", "898110157220001", "issuer-a")  # whose sales people refund
STUCK_EVERY = 4  # rounds after which a reversal is stuck, for people to settle
FREEZE_EVERY = 3  # with --takeover
LEASE_MS = 1500  # the same: half of the usual, since each takeover waits for it
LOAD_S = (0.3, 2.5)  # how long the load runs before a kill
# Approved answers that a terminal asks for again after a restart: chosen by chance from all rounds, more at the end.
RECHECKED_MAX, RECHECKED_AT_END_MAX = 40, 200
IN_DOUBT = ("98", "68")
SUSPENDED = ("97", "03")  # by people: nothing of it is recorded


class Sale:
    """What the terminal knows of one sale: the request, its answer, and everything done to it."""

    def __init__(self, message):
        self.message, self.reply = message, None
        self.amount = int(message[1][4])
        self.state = "asked"  # asked, approved, declined, doubt (the switch reverses it), voided, reversed
        self.refunds = []  # [message, reply or None, state]

    def refunded(self):
        return sum(int(m[1][4]) for m, _, state in self.refunds if state == "approved")


class Worker:
    """One terminal that sells, refunds, voids and reverses until its line breaks; then it finds out what became of
    the message that was under way, as a real terminal does."""

    def __init__(self, checks, terminal, issuer, seed):
        self.checks, self.terminal, self.issuer = checks, terminal, issuer
        self.chance = random.Random(seed)
        self.sales, self.under_way = [], None
        self.answers = 0

    def label(self):
        return f"{self.terminal.terminal} {self.issuer}"

    # Load

    def run(self):
        try:
            while True:
                self.one()
        except (OSError, Unexpected):
            pass  # the switch is gone; self.under_way says what was open
        except WireError as e:
            self.checks.that(False, f"{self.label()}: {e}")

    def ask(self, kind, sale, message, entry=None):
        self.under_way = (kind, sale, message, entry)
        reply = self.terminal.exchange(message)
        self.under_way = None
        self.answers += 1
        self.note(kind, sale, message, entry, reply)
        return reply

    def new_sale(self, amount):
        self.sales.append(Sale(self.terminal.sale(CARDS[self.issuer], amount)))
        return self.sales[-1]

    def one(self):
        open_sales = [s for s in self.sales[-20:] if s.state == "approved"]
        dice = self.chance.random()
        if not open_sales or dice < 0.45:
            sale = self.new_sale(self.chance.randrange(100, 9900))
            self.ask("sale", sale, sale.message)
            return
        sale = self.chance.choice(open_sales)
        if dice < 0.85:
            amount = self.chance.randrange(1, sale.amount + 200)
            entry = [self.terminal.refund(sale.message, sale.reply, amount), None, "asked"]
            sale.refunds.append(entry)
            self.ask("refund", sale, entry[0], entry)
        elif dice < 0.93:
            self.ask("void", sale, self.terminal.void(sale.message, sale.reply))
        else:
            self.ask("reversal", sale, self.terminal.reversal(sale.message))

    # What an answer means

    def note(self, kind, sale, message, entry, reply):
        code, label = reply.code, f"{self.label()} {kind} {message[1][11]}"
        if kind == "sale":
            if code == "00":
                sale.reply, sale.state = reply, "approved"
            elif code in IN_DOUBT:
                sale.state = "doubt"
            else:
                sale.state = "declined"
                self.checks.that(code in ("91", "96", "05", "12") + SUSPENDED, f"{label}: {code}")
        elif kind == "refund":
            before = sale.refunded()
            entry[1] = reply
            entry[2] = "approved" if code == "00" else "doubt" if code in IN_DOUBT else "refused"
            if code == "00":
                self.checks.that(before + int(message[1][4]) <= sale.amount, f"{label}: over-refunded")
            else:
                self.checks.that(code in ("64", "91", "96", "09", "12") + IN_DOUBT + SUSPENDED, f"{label}: {code}")
            if code == "64" and not any(state == "doubt" for _, _, state in sale.refunds):
                self.checks.that(before + int(message[1][4]) > sale.amount, f"{label}: 64 although it would fit")
        elif kind == "void":
            if code == "00":
                self.checks.that(sale.refunded() == 0, f"{label}: a sale with refunds was voided")
                sale.state = "voided"
            # A void in doubt is reversed by the switch, and the sale stands again: nothing changes here.
        elif kind == "reversal":
            if code == "00":
                self.checks.that(sale.refunded() == 0, f"{label}: a sale with refunds was reversed")
                sale.state = "reversed"
            elif code == "25":
                sale.state = "declined"

    # After a restart

    def recover(self, address, earlier):
        """Reconnects without signing on (keys outlive a restart), settles the open message, asks for answers again."""
        self.terminal.connect(address)
        if self.under_way:
            self.settle()
        mine = [s for s in self.sales if s.state == "approved" and s.reply]
        for sale in self.chance.sample(mine, min(len(mine), earlier)):
            again = self.terminal.exchange(sale.message)
            self.checks.that((again.code, again.rrn, again.auth) == ("00", sale.reply.rrn, sale.reply.auth),
                             f"{self.label()}: an approved sale is not known any more: {sale.reply} now {again}")
            for message, reply, state in sale.refunds[-2:]:
                if state == "approved":
                    again = self.terminal.exchange(message)
                    self.checks.that((again.code, again.rrn) == ("00", reply.rrn),
                                     f"{self.label()}: an approved refund is not known any more: {reply} now {again}")

    def settle(self):
        """A sale or refund that got no answer is asked for again or reversed; a void or reversal is asked again."""
        kind, sale, message, entry = self.under_way
        self.under_way = None
        if kind == "sale" and self.chance.random() < 0.5:
            reply = self.terminal.exchange(self.terminal.reversal(message))
            if reply.code == "12":  # declined for want of a route (R38): then it was no sale, and is none now
                again = self.terminal.exchange(message)
                self.checks.that(again.code in ("91", "05"), f"{self.label()}: not reversed, and no decline: {again}")
                sale.state = "declined"
                return
            wanted = ("00", "25") if self.terminal.unionpay else ("00",)
            self.checks.that(reply.code in wanted, f"{self.label()}: reversal of a sale without answer: {reply}")
            sale.state = "reversed"
            return
        reply = self.terminal.exchange(message)
        self.note(kind, sale, message, entry, reply)
        if kind == "sale" and reply.code in IN_DOUBT:
            reversed_ = self.terminal.exchange(self.terminal.reversal(message))
            self.checks.equal(reversed_.code, "00", f"{self.label()}: reversal of a sale in doubt")
            sale.state = "reversed"


def drained(running):
    """Nothing waits for an issuer any more."""
    code, queue = running.refundctl("saf", "list")
    return code == 0 and queue["advices"] == []


def compare_books(checks, running, workers):
    """Each issuer's journal against what the terminals were told."""
    for issuer in CARDS:
        net = {}
        for e in running.journal(issuer):
            # A reversal of a refund takes money back; a void and a reversal of a sale give it back.
            kind = e["kind"] if e["kind"] != "reversal" else f"reversal of {e['of']}"
            net.setdefault(e["rrn"], []).append((kind, e["amount"]))
        told = 0
        for worker in (w for w in workers if w.issuer == issuer):
            for sale in worker.sales:
                effects = net.get(sale.reply.rrn, []) if sale.reply else []
                kinds = [k for k, _ in effects]
                where = f"{issuer}: sale {sale.reply} ({sale.state}) has {effects}"
                if sale.state == "approved":
                    told += 1
                    checks.that(kinds.count("sale") == 1 and "reversal of sale" not in kinds, where)
                elif sale.state == "reversed" and sale.reply:
                    checks.equal(kinds.count("sale") - kinds.count("reversal of sale"), 0, where)
                for message, reply, state in sale.refunds:
                    booked = net.get(reply.rrn, []) if reply else []
                    amount = int(message[1][4])
                    given = [k for k, a in booked if k == "refund" and a == amount]
                    taken = [k for k, _ in booked if k == "reversal of refund"]
                    if state == "approved":
                        checks.that(len(given) == 1 and not taken, f"{issuer}: refund {reply} ({state}) has {booked}")
                    elif reply:
                        checks.equal(len(given), len(taken), f"{issuer}: refund {reply} ({state}) has {booked}")
        checks.that(told > 0, f"{issuer}: nothing to compare")


def total_per_card(checks, running, workers):
    """What an issuer gave and took altogether equals what the terminals hold in their hands."""
    for issuer in CARDS:
        balance = 0
        for e in running.journal(issuer):
            sign = {"sale": 1, "refund": -1, "void": -1}.get(e["kind"])
            if sign is None:
                sign = -1 if e["of"] == "sale" else 1
            balance += sign * e["amount"]
        held = 0
        unsettled = 0
        for worker in (w for w in workers if w.issuer == issuer):
            for sale in worker.sales:
                unsettled += sale.state == "asked"
                if sale.state == "approved":
                    held += sale.amount - sale.refunded()
        if checks.equal(unsettled, 0, f"{issuer}: sales whose end the terminal does not know"):
            checks.equal(balance, held, f"{issuer}: balance of the journal against the terminals' receipts")


def one_round(checks, running, workers, people, chance, earlier, end):
    """`end` is running.kill_switch, or what else takes the switch away."""
    threads = [threading.Thread(target=w.run) for w in workers if w is not people.till]
    threads.append(threading.Thread(target=people.run))
    for t in threads:
        t.start()
    # A random moment of load, not a synchronisation: the point is that nobody knows what is under way.
    select.select([], [], [], chance.uniform(*LOAD_S))
    checks.that(running.switch.running(), "the switch ended by itself")
    people.killed = True
    begun = time.monotonic()
    end()
    for t in threads:
        t.join()
    running.start_switch()
    took = time.monotonic() - begun
    for w in workers:
        try:
            w.recover(running.addresses[w.terminal.profile.name], earlier)
        except (OSError, Unexpected, WireError) as e:
            checks.that(False, f"{w.label()}: after the restart: {e!r}")
    people.recover()
    return took


def connected_worker(checks, running, profile, number, merchant, issuer, seed):
    terminal = Terminal(profile, number, merchant, running.addresses[profile])
    terminal.connect()
    if terminal.unionpay:
        terminal.sign_on()
    return Worker(checks, terminal, issuer, seed)


def check_shard(checks, args, running):
    """The ledger of a switch that was stopped in order: its lease is let go, and it verifies as one on one machine does."""
    code, said = ledger_on_postgres.cluster(args, running.write_config(), "status")
    owner = getattr(running, "active", "a")
    checks.that(code == 0 and f"shard 0 (00): of node {owner}" in said and "lease has run out" in said, f"cluster status: {said}")
    code, said = running.verify()
    checks.that(code == 0 and "0 orphans" in said, f"--verify: {said}")


def main():
    args = stack.arguments(__doc__, lambda p: (
        p.add_argument("--kills", type=int, default=5), p.add_argument("--seed", type=int, default=None),
        p.add_argument("--takeover", action="store_true", help="--postgres, and another switch that stands by"),
        p.add_argument("--postgres", action="store_true", help="the ledger on PostgreSQL servers of the test's own"),
        p.add_argument("--pipeline", type=int, default=1, help="with these: turns under way at once")))
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
    print(f"repeat with --kills {args.kills} --seed {seed} (moments differ, choices do not)", flush=True)
    chance, checks = random.Random(seed), stack.Checks()
    with contextlib.ExitStack() as around:
        options = ()
        if args.postgres or args.takeover:
            options = around.enter_context(ledger_on_postgres.servers(
                args, pipeline=args.pipeline, more=f"lease_ms = {LEASE_MS}\n" if args.takeover else ""))[1]
        running = around.enter_context(two_nodes.TwoNodes(args, options, checks) if args.takeover
                                       else stack.Stack(args, options))
        workers = []
        for profile, first, merchant, issuer in FLEET:
            for i in range(EACH):
                workers.append(connected_worker(checks, running, profile, str(first + i), merchant, issuer,
                                                chance.randrange(2**32)))
        workers.append(connected_worker(checks, running, *TILL, chance.randrange(2**32)))
        people = People(checks, running, workers[-1], random.Random(chance.randrange(2**32)))
        for kill in range(args.kills):
            if kill % STUCK_EVERY == 0:
                stack.wait_until("every queue is empty", lambda: drained(running), seconds=60)
                people.prepare_stuck()
            frozen = args.takeover and kill % FREEZE_EVERY == FREEZE_EVERY - 1
            took = one_round(checks, running, workers, people, chance,
                             RECHECKED_MAX if kill + 1 < args.kills else RECHECKED_AT_END_MAX,
                             running.freeze_switch if frozen else running.kill_switch)
            print(f"kill {kill + 1}: {sum(w.answers for w in workers)} answers so far, ready again after "
                  f"{took * 1000:.0f} ms", flush=True)
        stack.wait_until("every queue is empty", lambda: drained(running), seconds=60)
        people.finish()
        compare_books(checks, running, workers)
        total_per_card(checks, running, workers)
        code, said = running.refundctl("audit", "verify", user="security1", json_output=False)
        checks.equal(code, 0, f"the audit chain verifies: {said}")
        if args.takeover:
            running.end_standby()
        running.switch.terminate()
        checks.equal(running.switch.process.returncode, 0, "the switch ends as it should")
        checks.that(sum(w.answers for w in workers) > 50 * args.kills, "there was load")
        if args.postgres:
            check_shard(checks, args, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
