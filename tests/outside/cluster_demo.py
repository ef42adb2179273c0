#!/usr/bin/env python3
"""A cluster on loopback: three etcd, three PostgreSQL under Patroni, two switches, HAProxy in front of the terminals. The
demo's scenes are played against the front; then, under load, switches and servers are killed, frozen and changed over, while
terminals reconnect and repeat. At the end the books of terminals, ledger and issuers are compared, and a table says what was
lost (nothing), what was done twice (nothing) and how long nobody was answered each time. Everything that was started is ended."""
import argparse
import contextlib
import itertools
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import failovers
import kill9
import ledger_on_postgres
import monitoring
import stack
import two_nodes
from terminal import Terminal, Unexpected
from tls_links import Authority
from wire import WireError

import patroni_nodes
import postgres_nodes

HOSTS = {"a": "127.0.0.2", "b": "127.0.0.3"}  # of the switches: one file, the same ports
FLEET = [("unionpay-pos", "10000301", "898110157220001", "issuer-a"), ("unionpay-pos", "10000302", "898110157220001", "issuer-b"),
         ("iso87-ascii", "20000301", "898110157220002", "issuer-a"), ("iso87-ascii", "20000302", "898110157220002", "issuer-b")]
RETRY_S = 0.1  # a terminal that found nobody tries again after this
GOES_ON_S = 90  # within this after an event every terminal has been answered again
ANSWERS_AFTER = 5  # of every terminal, before the next event
RECHECKED_AT_END = 200
# What is done to the cluster, and how long nobody may be answered (seconds): a lease (3 s) and what the front needs to see
# it; Patroni's ttl (20 s) where a node must be given up first.
EVENTS = {
    "switch": ("kill -9 of the switch that serves", 5.0),
    "postgres": ("kill -9 of the PostgreSQL that is written", 15.0),
    "switchover": ("planned switchover of PostgreSQL", 10.0),
    "node": ("death of the leader's node: Patroni and PostgreSQL", 40.0),
    "frozen-node": ("the leader's node freezes, and its watchdog resets it", 40.0),
    "woken-node": ("the leader's node freezes, and wakes up when another leads", 40.0),
    "frozen-switch": ("the switch that serves is frozen", 8.0),
    "upgrade": ("every server of PostgreSQL is stopped and started again, the leader last", 10.0),
}


class Customer(kill9.Worker):
    """A terminal that goes on whatever happens: its line breaks, it connects again, finds out what became of what was under
    way, and sells on."""

    def __init__(self, checks, terminal, issuer, seed):
        super().__init__(checks, terminal, issuer, seed)
        self.approved_at, self.stopped, self.problem = [], threading.Event(), None
        self.reconnects = 0

    def note(self, kind, sale, message, entry, reply):
        super().note(kind, sale, message, entry, reply)
        if reply.code == "00":
            self.approved_at.append(time.monotonic())

    def settle(self):
        under_way = self.under_way
        try:
            super().settle()
        except (OSError, Unexpected):
            self.under_way = under_way
            raise

    def work(self):
        while not self.stopped.is_set():
            try:
                self.terminal.connect()
                if self.terminal.unionpay and self.terminal.key is None:
                    signed = self.terminal.sign_on()
                    if signed.code != "00":
                        raise Unexpected(f"sign-on: {signed}")
                if self.under_way:
                    self.settle()
                while not self.stopped.is_set():
                    self.one()
            except (OSError, Unexpected) as e:
                self.problem = repr(e)
                self.reconnects += 1
                self.stopped.wait(RETRY_S)
            except WireError as e:
                self.checks.that(False, f"{self.label()}: {e}")
                return


class FrontedNodes(two_nodes.TwoNodes):
    """Two switches of one file at addresses of their own, and the front."""

    def __init__(self, args, options, checks, hosts=None, here="127.0.0.1"):
        hosts = hosts or HOSTS
        port = {name: postgres_nodes.free_port() for name in ("unionpay-pos", "iso87-ascii", "metrics")}
        options = (*options, (r"\Z", "\n[shell]\nlinks_per_address_percent_max = 100\n"),
                   *((rf'{name} = "{re.escape(here)}:0"', f'{name} = "{here}:{number}"') for name, number in port.items()))
        super().__init__(args, options, checks, here)
        self.node_flags = {name: ("--listen-host", host) for name, host in hosts.items()}
        ready = port.pop("metrics")
        self.front = patroni_nodes.HaProxy(self.folder, {name: (host, port, ready) for name, host in hosts.items()})
        self.journal_from = {}

    def __exit__(self, kind, value, trace):
        self.front.stop()
        super().__exit__(kind, value, trace)

    def listens(self):
        super().listens()
        self.addresses = self.front.addresses
        stack.wait_until("the front lets terminals through", lambda: all(map(self.is_open, self.addresses.values())), 30, 0.05)

    @staticmethod
    def is_open(address):
        """The front closes at once where nobody is ready behind it."""
        with socket.create_connection(address, timeout=5) as s:
            return not select.select([s], [], [], 0.1)[0]

    def journal(self, name):
        """Since the load began."""
        return super().journal(name)[self.journal_from.get(name, 0):]

    def ready_line(self):
        words = {**self.ready, **{f"terminals.{profile}": stack.text_of(at) for profile, at in self.addresses.items()}}
        return "ready " + " ".join(f"{name}={value}" for name, value in words.items())

    def freeze_and_wake(self):
        self.freeze_switch()


class Commands:
    """What demo-terminals asks of the cluster, a line each on a Unix socket: where, kill, start."""

    def __init__(self, running):
        self.running = running
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(running.path("cluster.sock"))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                command = connection.makefile().readline().strip()
                try:
                    said = self.obey(command)
                except Exception as e:  # the demo is told, and says so
                    said = f"error {e!r}"
                connection.sendall(said.replace("\n", " ").encode() + b"\n")

    def obey(self, command):
        if command == "kill":
            self.running.kill_switch()
            return "ok"
        if command == "start":
            self.running.start_switch()
        elif command != "where":
            return f"error: unknown command {command}"
        return self.running.ready_line()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def play_scenes(args, checks, running):
    """The demo's own scenes against the front; a kill -9 among them is of the switch that serves."""
    commands = Commands(running)
    try:
        done = subprocess.run([running.program("demo-terminals"), "--bin", args.bin, "--config",
                               os.path.join(args.source, "switch", "config"), "--attach", running.folder])
    finally:
        commands.close()
    checks.equal(done.returncode, 0, "the demo's scenes against the front")


def one_server_at_a_time(nodes):
    """As docs/cluster.md upgrades PostgreSQL: the asynchronous standby, the synchronous one, then the leader, which was changed over."""
    leader, synchronous = nodes.leader(), nodes.synchronous()
    asynchronous = next(n for n in range(patroni_nodes.COUNT) if n not in (leader, synchronous))
    for node in (asynchronous, synchronous):
        nodes.restart_node(node)
        nodes.wait_whole()
    nodes.switch_over()
    patroni_nodes.wait_for("another leader", lambda: nodes.leader() not in (None, leader))
    nodes.wait_whole()
    nodes.restart_node(leader)
    nodes.wait_whole()


def befall(event, nodes, running, checks):
    """Does it, when the one before is over, and mends it as a supervisor or a person would."""
    nodes.wait_whole()
    if event == "switch":
        running.kill_switch()
        running.start_switch()
    elif event == "frozen-switch":
        running.freeze_switch()
        running.start_switch()
    elif event == "postgres":
        nodes.kill_postgres(nodes.leader())
    elif event == "switchover":
        nodes.switch_over()
    elif event == "upgrade":
        one_server_at_a_time(nodes)
    elif event == "node":
        dead = nodes.leader()
        nodes.kill_node(dead)
        patroni_nodes.wait_for("another leader", lambda: nodes.leader() not in (None, dead))
        nodes.run(dead)
    elif event == "frozen-node":
        frozen = nodes.leader()
        nodes.freeze_node(frozen)
        patroni_nodes.wait_for("another leader", lambda: nodes.leader() not in (None, frozen))
        nodes.reset_frozen_node(frozen)
        nodes.run(frozen)
    elif event == "woken-node":
        frozen = nodes.leader()
        nodes.freeze_node(frozen)
        patroni_nodes.wait_for("another leader", lambda: nodes.leader() not in (None, frozen))
        leader = nodes.leader()
        nodes.wake_node(frozen)
        nodes.wait_whole()
        checks.equal(nodes.leader(), leader, "who leads when the former leader has woken up")


def longest_silence(customers, since, until):
    """Seconds in which no terminal was answered with an approval."""
    moments = sorted(t for c in customers for t in c.approved_at if since - 1 <= t <= until)
    return max(b - a for a, b in zip(moments, moments[1:])) if len(moments) > 1 else until - since


def try_event(event, checks, running, customers, bound_factor, heart):
    """`event`: what it is called, how long nobody may be answered, what does it to these customers' cluster. Nothing: the machine
    stood still meanwhile, and how long nobody was answered says nothing."""
    what, bound, befalls = event
    reconnects = sum(c.reconnects for c in customers)
    begun = time.monotonic()
    befalls(customers)
    after = time.monotonic()

    def all_go_on():
        return all(len(c.approved_at) >= ANSWERS_AFTER and c.approved_at[-ANSWERS_AFTER] > after for c in customers)
    while not all_go_on() and time.monotonic() < after + GOES_ON_S + heart.stood_still_s(after):
        running.supervise()
        select.select([], [], [], 0.05)
    running.supervise()
    checks.that(all_go_on(), f"{what}: every terminal is answered again within {GOES_ON_S} s: "
                f"{[(c.label(), c.problem) for c in customers if len(c.approved_at) < 1 or c.approved_at[-1] < after]}")
    if heart.stood_still_s(begun):
        print(f"  {what}: the machine stood still for {heart.stood_still_s(begun):.0f} s meanwhile; not counted", flush=True)
        return None
    silence = longest_silence(customers, begun, time.monotonic())
    checks.that(silence <= bound * bound_factor, f"{what}: {silence:.1f} s without an answer, at most {bound * bound_factor:.0f}")
    row = (what, silence, bound, sum(c.reconnects for c in customers) - reconnects)
    print(f"  {what}: {silence:.1f} s without an answer, {row[3]} reconnects", flush=True)
    return row


def lost_and_twice(running, customers):
    """Of what terminals hold an approval for: what the ledger or the issuer does not know, and what either has twice."""
    lost, twice = [], []
    journals = {issuer: {} for issuer in kill9.CARDS}
    for issuer, by_rrn in journals.items():
        for e in running.journal(issuer):
            kind = e["kind"] if e["kind"] != "reversal" else f"reversal of {e['of']}"
            by_rrn.setdefault(e["rrn"], []).append(kind)
    for customer in customers:
        code, rows = running.refundctl("list", "--terminal", customer.terminal.terminal, "--jsonl", "-", json_output=False)
        if code != 0:
            raise RuntimeError(f"the ledger's transactions: {rows}")
        ledger = {t["rrn"]: t["state"] for t in map(json.loads, filter(None, rows.splitlines()))}
        receipts = [("sale", s.reply) for s in customer.sales if s.state == "approved"]
        receipts += [("refund", reply) for s in customer.sales for _, reply, state in s.refunds if state == "approved"]
        for kind, reply in receipts:
            effects = journals[customer.issuer].get(reply.rrn, [])
            standing = effects.count(kind) - effects.count(f"reversal of {kind}")
            if ledger.get(reply.rrn) != "approved":
                lost.append(f"{kind} {reply}: {ledger.get(reply.rrn, 'nothing')} in the ledger")
            elif standing < 1:
                lost.append(f"{kind} {reply}: the issuer has {effects}")
            if effects.count(kind) > 1:
                twice.append(f"{kind} {reply}: the issuer has {effects}")
        rrns = [reply.rrn for _, reply in receipts]
        twice += [f"RRN {rrn} was given to two" for rrn in {r for r in rrns if rrns.count(r) > 1}]
    return lost, twice


def compare(checks, sql, running, customers):
    stack.wait_until("every queue is empty", lambda: kill9.drained(running), seconds=60)
    for customer in customers:
        customer.recover(running.addresses[customer.terminal.profile.name], RECHECKED_AT_END)
    stack.wait_until("every queue is empty", lambda: kill9.drained(running), seconds=60)
    kill9.compare_books(checks, running, customers)
    kill9.total_per_card(checks, running, customers)
    lost, twice = lost_and_twice(running, customers)
    for sentence in lost + twice:
        print(f"  {sentence}")
    code, said = running.refundctl("audit", "verify", user="security1", json_output=False)
    checks.equal(code, 0, f"the audit chain verifies: {said}")
    holes = sql("select max(turn) - min(turn) + 1 - count(*) from shard_00.turns")
    return {"lost": len(lost), "twice": len(twice), "holes": int(holes)}


def table(rows, counts, customers):
    answers = sum(len(c.approved_at) for c in customers)
    width = max(len(row[0]) for row in rows)
    print(f"\n{'what happened':<{width}}  silence  at most  reconnects")
    for what, silence, bound, reconnects in rows:
        print(f"{what:<{width}}  {silence:>5.1f} s  {bound:>5.0f} s  {reconnects:>10}")
    print(f"\n{answers} approvals under {len(rows)} failures: " + ", ".join(f"{name} {n}" for name, n in counts.items()),
          flush=True)


def under_load(args, checks, sql, running, chance, events, others=()):
    """`sql`: asks the server that is written. `events`: see try_event. `others`: whose books are compared, too, at the end."""
    with failovers.Results(args.results, os.path.basename(sys.argv[0]), args.pipeline, checks) as results:
        play(args, checks, sql, running, chance, events, others, results)


def play(args, checks, sql, running, chance, events, others, results):
    heart = failovers.Heartbeat()
    running.journal_from = {name: len(running.journal(name)) for name in stack.ISSUERS}
    customers = [Customer(checks, Terminal(profile, number, merchant, running.addresses[profile]), issuer,
                          chance.randrange(2**32)) for profile, number, merchant, issuer in FLEET]
    threads = [threading.Thread(target=c.work, daemon=True) for c in customers]
    for t in threads:
        t.start()
    rows = []
    try:
        stack.wait_until("every terminal works", lambda: all(len(c.approved_at) >= ANSWERS_AFTER for c in customers), 60)
        while len(rows) < len(events):
            row = try_event(events[len(rows)], checks, running, customers, args.patience, heart)
            if row:
                rows.append(row)
                results.event(*row)
            else:
                results.not_counted()
    finally:
        heart.stopped.set()
        for c in customers:
            c.stopped.set()
        for t in threads:
            t.join()
    customers += others
    counts = compare(checks, sql, running, customers)
    results.compared(sum(len(c.approved_at) for c in customers), counts)
    standby = stack.address_of(running.standby.ready.split("metrics=")[1])
    for node, names in ((running.metrics(), monitoring.OF_OWNERS), (running.metrics(at=standby), monitoring.OF_STANDBYS)):
        for name in names:
            checks.that(re.search(rf"^{name}\b", node, re.M), f"{name} is in /metrics")
    table(rows, counts, customers)
    for name, n in counts.items():
        checks.equal(n, 0, name)


def load_arguments(parser, known):
    """Of every program that does something to a cluster under load; `known`: its events by their names."""
    def known_events(text):
        unknown = [e for e in text.split(",") if e not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown event {unknown[0]}; known: {', '.join(known)}")
        return text.split(",")
    parser.add_argument("--events", type=known_events, default=list(known), metavar="A,B…", help=", ".join(known))
    parser.add_argument("--pipeline", type=int, default=4, help="turns under way at once (4)")
    parser.add_argument("--rounds", type=int, default=1, help="how often all events")
    parser.add_argument("--failovers", type=int, metavar="N", help="instead of --rounds: exactly N, the events in turn")
    parser.add_argument("--results", metavar="FILE", help="a line of JSON for this run is appended to it (failovers.py adds them up)")
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the bounds of silence, for a busy machine")
    parser.add_argument("--seed", type=int, default=None)


def wanted_events(args):
    if args.failovers is None:
        return args.events * args.rounds
    return list(itertools.islice(itertools.cycle(args.events), args.failovers))


def seeded(args):
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "big")
    print(f"choices repeat with --seed {seed}", flush=True)
    return random.Random(seed)


def speaks_tls(checks, nodes):
    """Nothing of the cluster's own goes in clear, and who has no certificate is not heard."""
    clear = nodes.sql("select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null and not ssl")
    standbys = nodes.sql("select count(*) from pg_stat_replication join pg_stat_ssl using (pid) where ssl")
    checks.equal((clear, standbys), ("0", str(patroni_nodes.COUNT - 1)), "connections to PostgreSQL in clear, standbys over TLS")
    stranger = ssl.create_default_context(cafile=nodes.tls[0])
    for of, ports in enumerate(nodes.etcd_ports):
        for port in ports:
            for wrap in (lambda s: s, lambda s: stranger.wrap_socket(s, server_hostname="localhost")):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                    try:
                        with wrap(plain) as s:
                            s.sendall(b"GET /version HTTP/1.0\r\n\r\n")
                            said = s.recv(4096).decode(errors="replace")
                    except OSError as e:
                        said = repr(e)
                checks.that(" 200 " not in said, f"etcd {of}, port {port}, answers somebody without a certificate: {said}")


def end_in_order(*_):
    raise SystemExit(1)


def main():
    args = stack.arguments(__doc__, lambda p: (
        load_arguments(p, EVENTS), p.add_argument("--scenes", action="store_true", help="play the demo's scenes first"),
        p.add_argument("--tls", action="store_true", help="etcd, Patroni, PostgreSQL and switches speak TLS, and nothing else")))
    postgres_nodes.skip_or_fail((*patroni_nodes.PROGRAMS, "haproxy"))
    signal.signal(signal.SIGTERM, end_in_order)
    signal.signal(signal.SIGHUP, end_in_order)
    chance, checks = seeded(args), stack.Checks()
    with contextlib.ExitStack() as around:
        begun = time.monotonic()
        nodes = patroni_nodes.PatroniNodes(Authority if args.tls else None)
        around.callback(nodes.stop)
        hosts = [f"localhost:{port}" for port in nodes.ports] if args.tls else ledger_on_postgres.on_loopback(nodes.ports)
        options = ledger_on_postgres.options_with_tables(args, nodes.dir, hosts, args.pipeline,
                                                         f'tls_ca = "{nodes.tls[0]}"\n' if args.tls else "")
        running = around.enter_context(FrontedNodes(args, options, checks))
        print(f"three etcd, three PostgreSQL, two switches and the front are up after {time.monotonic() - begun:.0f} s", flush=True)
        if args.scenes:
            play_scenes(args, checks, running)
        events = [(*EVENTS[event], lambda _, event=event: befall(event, nodes, running, checks)) for event in wanted_events(args)]
        under_load(args, checks, nodes.sql, running, chance, events)
        if args.tls:
            speaks_tls(checks, nodes)
        running.end_standby()
        checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
        kill9.check_shard(checks, args, running)
    return checks.report()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("ended as asked", file=sys.stderr)
        sys.exit(130)
