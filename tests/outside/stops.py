#!/usr/bin/env python3
"""A stop that cannot finish what is in flight: somebody that the switch waits for is there and says nothing. SIGTERM ends it all the
same, within [shell] drain_seconds_max, with exit code 0 and a line that says what was left; nobody was told anything that is not
so, and the next start ends every story. Without --postgres it is an issuer that says nothing, with it the database: then
a standby and a switch that only starts end too."""
import os
import re
import signal
import subprocess
import sys
import time

import ledger_on_postgres
import stack
import two_nodes
from terminal import Terminal

CARD, MERCHANT = "4111111111111111", "898110157220001"
DRAIN_S = 2
SLACK_S = 8.0  # of a busy machine; the default of drain_seconds_max is 70
# Half of it goes by before the issuer's time-out, so that the stop cannot wait for that.
QUICK = [(r"\[refund\]\n", f"[shell]\ndrain_seconds_max = {DRAIN_S}\n\n[refund]\n")]


def ends(checks, program, who, at_least=0.0):
    begun = time.monotonic()
    code = program.terminate()
    took = time.monotonic() - begun
    print(f"{who}: ended after {took:.1f} s", flush=True)
    checks.equal(code, 0, f"exit code of {who}")
    checks.that(at_least <= took <= DRAIN_S + SLACK_S, f"{who} ended after {took:.1f} s")


def under_way(running):
    found = re.search(r'^refund_switch_route_in_flight\{route="issuer-b"\} (\d+)$', running.metrics(), re.M)
    return int(found.group(1))


def state_of(running, terminal, trace):
    rows = running.refundctl("list", "--terminal", terminal.terminal)[1]["transactions"]
    return next((row["state"] for row in rows if row["trace"] == trace), "none")


def stops_with_a_sale_under_way(checks, running, whom, log, freeze, thaw):
    """Whom the switch waits for is frozen, and goes on when it has ended. The terminal, and the sale that nobody answered."""
    terminal = Terminal("unionpay-pos", "10000601", MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    checks.equal(terminal.exchange(terminal.sale(CARD, 1500)).code, "00", "a sale before")
    freeze()
    try:
        sale = terminal.sale(CARD, 2500)
        terminal.send(sale)
        stack.wait_until("the sale is under way", lambda: under_way(running) == 1)
        ends(checks, running.switch, f"a switch that waits for {whom}", DRAIN_S)
        checks.that(terminal.receive(sale) is None, "the sale was not answered")
        with open(log, encoding="utf-8") as f:
            events = [e for e in re.findall(r'"event":"(\w+)"', f.read()) if e in ("draining", "drain_timed_out", "stopped")]
        checks.equal(events, ["draining", "drain_timed_out", "stopped"], "what the log says of the end")
    finally:
        thaw()
    terminal.close()
    return terminal, sale


def goes_on(checks, running, terminal, sale, may_be):
    """The next start ends the story, and sells."""
    trace = sale[1][11]
    stack.wait_until("the story of the sale has ended", lambda: state_of(running, terminal, trace) in may_be)
    books = [e["kind"] for e in running.journal("issuer-b") if e["amount"] == 2500]
    checks.equal(books.count("sale"), books.count("reversal"), f"what the issuer has of the sale: {books}")
    terminal.connect(running.addresses["unionpay-pos"])
    checks.equal(terminal.exchange(terminal.sale(CARD, 3500)).code, "00", "a sale after the next start")
    terminal.close()


def issuer_says_nothing(checks, args):
    with stack.Stack(args, QUICK) as running:
        issuer = running.issuers["issuer-b"].process.pid
        terminal, sale = stops_with_a_sale_under_way(checks, running, "an issuer", running.path("switch.log"),
                                                     lambda: os.kill(issuer, signal.SIGSTOP), lambda: os.kill(issuer, signal.SIGCONT))
        running.start_switch()
        goes_on(checks, running, terminal, sale, ("reversed",))


def database_says_nothing(checks, args):
    with ledger_on_postgres.servers(args, pipeline=4) as (nodes, options):
        def both(number):
            for node in range(len(nodes.ports)):
                nodes.signal(node, number)

        with two_nodes.TwoNodes(args, [*QUICK, *options], checks) as running:
            standby = running.standby
            running.standby = None

            def freeze():
                both(signal.SIGSTOP)
                ends(checks, standby, "a standby")

            terminal, sale = stops_with_a_sale_under_way(checks, running, "the database", running.path("switch-a.log"), freeze,
                                                         lambda: None)
            ends_while_it_starts(checks, running, nodes.ports)
            both(signal.SIGCONT)
            running.switch = None
            running.start_switch()
            goes_on(checks, running, terminal, sale, ("reversed", "none"))


def ends_while_it_starts(checks, running, ports):
    """It has no store to end in order: that it was asked to stop, or that the database says nothing, is the end of it."""
    begun = subprocess.Popen([running.program("refund-switch"), "--config", running.write_config(), "--data", running.path("data-a"),
                              "--node", "a"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    stack.wait_until("it asks the database", lambda: asks(begun.pid, ports), every=0.02)
    at = time.monotonic()
    begun.terminate()
    said = begun.communicate(timeout=stack.STOP_TIMEOUT_S)[1]
    took = time.monotonic() - at
    print(f"a switch that starts: ended after {took:.1f} s", flush=True)
    checks.that(begun.returncode in (0, 1) and took <= DRAIN_S + SLACK_S, f"a switch that starts: {begun.returncode} after {took:.1f} s")
    checks.that("not_started" in said or begun.returncode == 0, f"what it says: {said}")


def asks(pid, ports):
    """It has a connection to one of these ports."""
    try:
        own = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    except FileNotFoundError:  # one was closed meanwhile
        return False
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f][1:]
    return any(f"socket:[{row[9]}]" in own and int(row[2].split(":")[1], 16) in {int(port) for port in ports} for row in rows)


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument("--postgres", action="store_true", help="the database says nothing"))
    checks = stack.Checks()
    (database_says_nothing if args.postgres else issuer_says_nothing)(checks, args)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
