#!/usr/bin/env python3
"""A network that is split, with two switches and three servers of PostgreSQL on machines of their own (network namespaces and veth
links that are taken down), under load: the switch that serves is cut from the database while its terminals still reach it; half of the
cluster is cut from the other half, which goes on; the written server is cut from its standbys, and from everybody; the switch is cut
from its terminals alone, and a person moves the shard. Each is healed again: whatever a former owner was still asked was never answered with an approval, it ends when it can be told that it was taken over,
and the books of terminals, ledger and issuers agree. A person promotes, as without Patroni. Needs root."""
import contextlib
import os
import re
import sys
import threading
import time

import cluster_demo
import kill9
import ledger_on_postgres
import stack
import two_nodes

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cluster"))
import patroni_nodes  # noqa: E402
import postgres_nodes  # noqa: E402
import split_network  # noqa: E402

NODES = 3
SWITCHES = {"a": 2, "b": 3}  # the last number of their addresses
# Shorter than usual, so that the test is short: what is given up, and when, is the same.
TIMES = "protected_channel = true\nreply_ms = 1200\nlease_ms = 1500\nstall_ms = 500\nconnect_ms = 1000\n"
SUPERVISED_S = 0.5
GRACE_S = 0.3  # what was confirmed before a link went down reaches its terminal within this
EVENTS = {
    "owner": ("the switch that serves is cut from the database", 8.0),
    "halves": ("it and the written server are cut from the others", 15.0),
    "standbys": ("the written server is cut from its standbys", 10.0),
    "written": ("the written server is cut from everybody", 15.0),
    "front": ("the switch that serves is cut from terminals and issuers", 20.0),
}


class Stubborn(cluster_demo.Customer):
    """A terminal that stays with the switch that it knows, and goes on asking."""

    def __init__(self, *args):
        super().__init__(*args)
        self.asked_at = []

    def ask(self, *what):
        self.asked_at.append(time.monotonic())
        return super().ask(*what)


class Splits:
    """What befalls the cluster, and how it is healed."""

    def __init__(self, checks, network, nodes, running, chance):
        self.checks, self.network, self.nodes, self.running, self.chance = checks, network, nodes, running, chance
        self.stubborn = []

    @contextlib.contextmanager
    def a_stubborn_terminal(self):
        """It asks the switch that serves now, at its own address, and gets no approval after another has taken over (the
        moment is `self.taken_over_at`). Later it goes to the front as all others."""
        profile, number, merchant, issuer = f"unionpay-pos", str(10000341 + len(self.stubborn)), "898110157220001", "issuer-a"
        host = f"10.77.1.{SWITCHES[self.running.active]}"
        port = stack.address_of(self.running.switch.ready.split("terminals.unionpay-pos=")[1])[1]
        customer = Stubborn(self.checks, cluster_demo.Terminal(profile, number, merchant, (host, port)), issuer,
                            self.chance.randrange(2**32))
        self.stubborn.append(customer)
        thread = threading.Thread(target=customer.work, daemon=True)
        thread.start()
        stack.wait_until("the stubborn terminal works", lambda: customer.approved_at)
        yield
        customer.stopped.set()
        thread.join()
        self.checks.that(any(t > self.cut_at for t in customer.asked_at) or customer.under_way,
                         "the switch that was cut off was asked")
        late = [t - self.taken_over_at for t in customer.approved_at if t > self.taken_over_at]
        self.checks.equal(late, [], "seconds after a takeover in which the former owner said yes")

    def takes_over(self):
        self.running.take_over()
        self.taken_over_at = time.monotonic()

    def former_owner_ends(self, former):
        self.checks.equal(former.wait(), two_nodes.EXIT_FENCED, "exit code of the switch that was cut off and taken over")
        self.running.start_switch()

    @contextlib.contextmanager
    def promoted(self):
        """What a person does: the standby that has most. The former one that is written is left alone. Meanwhile a standby that ends
        by itself, which one of PostgreSQL 15 may where it follows another server, is started again, as any supervisor does."""
        self.nodes.promote(self.nodes.most_advanced())
        over = threading.Event()

        def supervise():
            while not over.wait(SUPERVISED_S):
                if self.nodes.supervise():
                    print("  a standby that had ended by itself was started again", flush=True)

        thread = threading.Thread(target=supervise, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def owner(self, _):
        former = self.running.switch
        cut_off = "s" + self.running.active
        with self.a_stubborn_terminal():
            self.cut_at = time.monotonic()
            self.network.cut(cut_off)
            self.takes_over()
            self.network.mend(cut_off)
            self.former_owner_ends(former)

    def halves(self, _):
        """The far side has the standbys of both kinds, so it goes on."""
        former = self.running.switch
        near = self.nodes.written
        far = ["s" + self.running.waiting, *(self.nodes.machine(n) for n in range(NODES) if n != near)]
        with self.a_stubborn_terminal():
            self.cut_at = time.monotonic()
            self.network.split(far)
            with self.promoted():
                self.takes_over()
            self.network.join(far)
            self.former_owner_ends(former)
        self.one_server_is_behind(near)
        self.nodes.rejoin(near)

    def standbys(self, customers):
        """Nothing is promoted: nothing leaves until the link is there again."""
        far = [self.nodes.machine(n) for n in range(NODES) if n != self.nodes.written]
        begun = time.monotonic()
        self.network.split(far)
        serving = stack.address_of(self.running.switch.ready.split("metrics=")[1])
        stack.wait_until("the switch takes no new work", lambda: re.search(
            r"^refund_switch_store_accepts_new_work 0$", self.running.metrics(at=serving), re.M))
        until = time.monotonic()
        answered = [t - begun for c in customers for t in c.approved_at if begun + GRACE_S < t < until]
        self.checks.equal(answered, [], "seconds after the last standby was cut off in which somebody was told yes")
        self.network.join(far)

    def written(self, _):
        former = self.nodes.written
        self.network.cut(self.nodes.machine(former))
        serving = self.running.switch
        with self.promoted():
            stack.wait_until("PostgreSQL's new server is written", lambda: not serving.running() or int(self.nodes.sql(
                self.nodes.written, "select count(*) from pg_stat_activity where usename = 'switch'")) > 0)
        self.network.mend(self.nodes.machine(former))
        self.one_server_is_behind(former)
        self.nodes.rejoin(former)

    def front(self, _):
        """Its lease goes on, since it reaches the database: nobody takes over until a person moves the shard."""
        former, cut_off = self.running.switch, "s" + self.running.active
        self.network.cut(cut_off, "front")
        code, said = ledger_on_postgres.cluster(self.running.args, self.running.write_config(), "move", "--to", self.running.waiting)
        self.checks.equal(code, 0, f"the shard is moved: {said}")
        self.takes_over()
        self.checks.equal(former.wait(), 0, "exit code of the switch that let its shard go")
        self.network.mend(cut_off, "front")
        self.running.start_switch()

    def one_server_is_behind(self, former):
        """It believes that it is the one that is written, and nobody works with it."""
        def turn_of(server):
            return int(self.nodes.sql(server, "select turn from cluster.shard"))
        self.checks.equal(self.nodes.sql(former, "select pg_is_in_recovery()"), "f", "the former server thinks that it is written")
        stands_at = turn_of(former)  # it may have turns that no standby has
        stack.wait_until("the new server goes on beyond it", lambda: turn_of(self.nodes.written) > stands_at)
        self.checks.equal(turn_of(former), stands_at, "the turn of the former server")


def switches_on_machines(args, checks, nodes, around):
    """Two switches on machines `sa` and `sb`, which run, and the front here."""
    hosts = [f"{nodes.host(n)}:{nodes.ports[n]}" for n in range(NODES)]
    options = ledger_on_postgres.options_with_tables(args, nodes.dir, hosts, args.pipeline, TIMES)
    options = (*options, (r"\[listen\]\n", "[listen]\nprotected_channel = true\n"),
               (r"(?m)^(addresses = .*)$", r"\1\nprotected_channel = true"))
    running = cluster_demo.FrontedNodes(args, options, checks, {name: f"10.77.1.{n}" for name, n in SWITCHES.items()},
                                        split_network.FRONT_HERE)
    running.machines = {name: split_network.inside("s" + name) for name in SWITCHES}
    return around.enter_context(running)


def all_machines():
    machine = split_network.OnMachines
    return {**{f"s{name}": (number, number) for name, number in SWITCHES.items()},
            **{machine.machine(n): (machine.number(n), None) for n in range(NODES)}}


def play(args, splits, known, sql):
    checks, running = splits.checks, splits.running
    events = [(*known[event], getattr(splits, event.replace("-", "_"))) for event in cluster_demo.wanted_events(args)]
    cluster_demo.under_load(args, checks, sql, running, splits.chance, events, splits.stubborn)
    running.end_standby()
    checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
    kill9.check_shard(checks, args, running)


def main():
    args = stack.arguments(__doc__, lambda p: cluster_demo.load_arguments(p, EVENTS))
    postgres_nodes.skip_or_fail(("haproxy", *split_network.PROGRAMS))
    split_network.enter_own_namespaces()
    chance, checks = cluster_demo.seeded(args), stack.Checks()
    network = split_network.Network(all_machines())
    with contextlib.ExitStack() as around:
        nodes = split_network.SeparateNodes.start(NODES)
        around.callback(nodes.stop)
        running = switches_on_machines(args, checks, nodes, around)
        play(args, Splits(checks, network, nodes, running, chance), EVENTS, lambda statement: nodes.sql(nodes.written, statement))
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
