#!/usr/bin/env python3
"""What people do with a cluster of two switches on PostgreSQL: refundctl finds the one that serves, the shard is moved to
the other, the file is read again by both, a standby is stopped while it takes over, and the ledger is moved out to one
machine. Each with what must be refused."""
import os
import signal
import subprocess
import sys
import time

import ledger_on_postgres
import stack
import two_nodes
from terminal import Terminal

CARD = "6212345678900000003"
STOPS = 3  # SIGTERM at other moments of a takeover each


class Till:
    """A terminal that finds the switch again, and remembers what it was told."""

    def __init__(self, running):
        self.running, self.sales = running, []
        self.terminal = Terminal("unionpay-pos", "10000201", "898110157220001", running.addresses["unionpay-pos"])
        self.terminal.connect()
        self.terminal.sign_on()

    def sell(self):
        message = self.terminal.sale(CARD, 1000 + len(self.sales))
        self.sales.append((message, self.terminal.exchange(message)))

    def finds_all(self, checks, where):
        self.terminal.connect(self.running.addresses["unionpay-pos"])
        for message, before in self.sales:
            again = self.terminal.exchange(message)
            checks.equal((again.code, again.rrn, again.auth), ("00", before.rrn, before.auth), f"{where}: a sale from before")
        self.sell()
        checks.equal(self.sales[-1][1].code, "00", f"{where}: a sale")


def refundctl(running, nodes, *words, socket=None):
    command = [running.program("refundctl"), "--nodes", nodes, *(("--socket", socket) if socket else ()), *words]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=running.folder)
    return run.returncode, run.stdout + run.stderr


def finds_the_active_node(checks, running):
    at = {"active": running.ready["metrics"], "standby": running.standby.ready.split("metrics=")[1].split()[0]}
    sockets = {role: f"{address}={running.path(f'data-{node}/control.sock')}" for role, address, node in
               (("active", at["active"], running.active), ("standby", at["standby"], running.waiting))}
    code, said = refundctl(running, f"{sockets['standby']},{sockets['active']}", "status")
    checks.that(code == 0 and "issuer-a" in said, f"refundctl finds the active node: {code} {said}")
    both = f"{at['standby']},{at['active']}"
    stack.wait_until("the standby has looked at the shard",
                     lambda: "standby of nobody" not in refundctl(running, both, "status")[1])
    code, said = refundctl(running, both, "status")
    checks.that(code == 3 and f"node {running.active} at {at['active']} serves" in said and
                f"node {running.waiting} at {at['standby']}: standby of node {running.active}" in said,
                f"refundctl names the active node: {code} {said}")
    code, said = refundctl(running, at["standby"], "status")
    checks.that(code == 3 and "no node serves now" in said and "standby of node" in said, f"only a standby: {code} {said}")
    code, said = refundctl(running, "127.0.0.1:1", "status")
    checks.that(code == 3 and "127.0.0.1:1: does not say: Connection refused" in said, f"nobody there: {code} {said}")
    for wrong in ("nonsense", "127.0.0.1:x", "127.0.0.1:1=", ""):
        code, said = refundctl(running, wrong or ",", "status")
        checks.that(code == 2 and "is no HOST:PORT" in said, f"--nodes {wrong!r}: {code} {said}")
    stranger = running.ready["terminals.unionpay-pos"]
    code, said = refundctl(running, stranger, "status")
    checks.that(code == 3 and "does not say" in said, f"a port that is no page: {code} {said}")
    json_code, json_said = refundctl(running, at["standby"], "--json", "status")
    checks.that(json_code == 3 and '"error":"unreachable"' in json_said, f"as JSON: {json_said}")


def moves(args, checks, running, till):
    config = running.write_config()
    code, said = ledger_on_postgres.cluster(args, config, "move", "--to", running.active)
    checks.that(code == 1 and f"is node {running.active}'s already" in said, f"move to the owner: {said}")
    code, said = ledger_on_postgres.cluster(args, config, "move", "--to", "nobody")
    checks.that(code == 1 and "node nobody does not stand by" in said, f"move to nobody: {said}")
    checks.that(running.switch.running(), "the owner goes on")
    leaving, to = running.switch, running.waiting
    begun = time.monotonic()
    mover = subprocess.Popen([running.program("refund-switch"), "--config", config, "cluster", "move", "--to", to],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    checks.equal(leaving.wait(), 0, "the node that lets its shard go ends in order")
    running.take_over()
    running.start_switch()
    said, _ = mover.communicate(timeout=60)
    checks.that(mover.returncode == 0 and f"went from node {running.waiting} to node {to}" in said, f"move: {said}")
    print(f"the shard moved within {time.monotonic() - begun:.1f} s: {said.strip()}", flush=True)
    till.finds_all(checks, "after the move")


def reads_files_again(checks, running, till):
    """The hash of the file is what a standby compares."""
    running.options = (*running.options, (r"\Z", "\n# another line\n"))
    running.write_config()
    running.standby.process.send_signal(signal.SIGHUP)
    running.standby.ready = running.standby._read_ready()
    at = stack.address_of(running.standby.ready.split("metrics=")[1])
    stack.wait_until("the standby sees another file", lambda: "another configuration file" in running.metrics("/readyz", at))
    running.switch.process.send_signal(signal.SIGHUP)
    stack.wait_until("the files are the same again", lambda: "another configuration" not in running.metrics("/readyz", at))
    running.kill_switch()
    running.start_switch()
    till.finds_all(checks, "after a takeover by the new file")


def stops_while_it_takes_over(args, checks, running, till):
    for moment in range(STOPS):
        standby = running.standby
        log = running.path(f"switch-{running.waiting}.log")
        size = os.path.getsize(log)
        running.kill_switch()

        def taking_over():
            with open(log, encoding="utf-8") as f:
                f.seek(size)
                return '"taking_over"' in f.read()
        stack.wait_until("the standby takes over", taking_over, every=0.002)
        time.sleep(moment * 0.01)  # other moments of it
        checks.equal(standby.terminate(), 0, f"SIGTERM {moment * 10} ms after it began to take over")
        code, said = ledger_on_postgres.cluster(args, running.write_config(), "status")
        checks.that(code == 0 and f"of node {running.waiting}" in said and "lease has run out" in said,
                    f"the shard was taken and let go, or left: {said}")
        running.standby, running.switch = None, None
        running.active, running.waiting = "a", "b"
        running.start_switch()
        till.finds_all(checks, f"after stop {moment}")


def moves_out(args, checks, running, till):
    config, to = running.write_config(), running.path("one-machine")
    code, said = ledger_on_postgres.cluster(args, config, "export", "--to", to)
    checks.that(code == 1 and "is owned by node" in said, f"export beside a switch that runs: {said}")
    running.end_standby()
    checks.equal(running.switch.terminate(), 0, "the last owner ends as asked")
    code, said = ledger_on_postgres.cluster(args, config, "export", "--to", to)
    checks.that(code == 0 and "read back and equal" in said, f"export: {said}")
    code, said = ledger_on_postgres.cluster(args, config, "export", "--to", to)
    checks.that(code == 1 and "is there already" in said, f"export a second time: {said}")

    running.options, running.data = (), to
    running.switch = None
    stack.Stack.start_switch(running)
    till.finds_all(checks, "on one machine")
    refund = till.terminal.refund(*till.sales[0], 400)
    checks.equal(till.terminal.exchange(refund).code, "00", "a refund of what was sold in the cluster")
    checks.equal(running.switch.terminate(), 0, "the switch on one machine ends as asked")
    code, said = running.verify()
    checks.that(code == 0 and "0 orphans" in said, f"--verify: {said}")


def one_node_at_a_time(args, checks, nodes, running, till):
    """`cluster init` again changes nothing; a program that does not know the tables' version says so and takes nothing, while whoever
    runs goes on."""
    config = running.write_config()
    code, said = ledger_on_postgres.cluster(args, config, "init")
    checks.that(code == 0 and "already, of version 2" in said, f"cluster init again: {code} {said}")
    code, said = ledger_on_postgres.cluster(args, config, "init", "--shards", "2")
    checks.that(code == 1 and "of 1 shards, not 2: nothing was changed" in said, f"cluster init of other shards: {code} {said}")
    running.end_standby()
    nodes.sql(nodes.written, "update cluster.meta set version = 3")
    for words in (("init",), ("status",)):
        code, said = ledger_on_postgres.cluster(args, config, *words)
        checks.that(code == 1 and "have version 3, this program knows 2 only (a newer program has made them" in said,
                    f"cluster {words[0]} with tables of a newer program: {code} {said}")
    try:
        running.node(running.waiting).kill()
        checks.that(False, "an older program does not start on a newer one's tables")
    except RuntimeError as e:
        checks.that("have version 3" in str(e) and "ended with 1" in str(e), f"an older program that starts: {e}")
    till.sell()
    checks.equal(till.sales[-1][1].code, "00", "the one that serves goes on meanwhile")
    nodes.sql(nodes.written, "update cluster.meta set version = 2")
    running.standby = running.node(running.waiting, "--standby")
    running.check_standby()


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (nodes, options), two_nodes.TwoNodes(args, options, checks) as running:
        till = Till(running)
        for _ in range(5):
            till.sell()
        finds_the_active_node(checks, running)
        one_node_at_a_time(args, checks, nodes, running, till)
        moves(args, checks, running, till)
        finds_the_active_node(checks, running)
        reads_files_again(checks, running, till)
        stops_while_it_takes_over(args, checks, running, till)
        moves_out(args, checks, running, till)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
