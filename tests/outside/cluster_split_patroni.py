#!/usr/bin/env python3
"""A network that is split under all of Patroni: three machines with etcd, Patroni and PostgreSQL each, two with a switch (network
namespaces and veth links), terminals behind HAProxy. The leader's machine is cut off, with the switch that serves or alone, from all
or from its like alone, both ways or one way. Nobody promotes by hand: within Patroni's ttl the former leader is not written any more
and another is; a switch that was cut off says yes to nobody once its lease is over; healed, the three servers have one truth,
which is that of terminals and issuers. Needs root."""
import contextlib
import sys
import time

import cluster_demo
import cluster_split
import stack

import patroni_nodes
import postgres_nodes
import split_network

LEASE_S = 1.5  # cluster_split.TIMES
FOLLOWS_S = 90.0  # a former leader, healed: rewound, or copied anew
EVENTS = {
    "owner-and-leader": ("the switch that serves and the leader's node are cut from the others", 40.0),
    "leader": ("the leader's node is cut from everybody", 40.0),
    "peers": ("the leader's node is cut from the other two, and not from the switches", 40.0),
    "deaf": ("what is sent to the leader's node is lost, not what it sends", 40.0),
    "mute": ("what the leader's node sends is lost, not what is sent to it", 40.0),
}
# What the three servers must agree on, row by row.
TURNS = "select md5(string_agg(turn || ':' || epoch, ',' order by turn)) from shard_00.turns where turn <= {}"
TABLES = ("select (select turn from cluster.shard), "
          "(select md5(string_agg(md5(key) || md5(value), '' order by key)) from shard_00.journal), "
          "(select md5(string_agg(md5(key) || md5(value), '' order by key)) from shard_00.idx)")


class PatroniSplits(cluster_split.Splits):
    """`nodes`: split_network.SeparatePatroniNodes."""

    def another_leads(self, former):
        """Patroni's own work; until then nothing was acknowledged, and afterwards nobody can write to the former one."""
        patroni_nodes.wait_for("another leader", lambda: self.nodes.leader() not in (None, former))
        self.checks.that(not self.is_written(former), "the former leader is not written when another is")

    def is_written(self, node):
        """As somebody on its own machine sees it."""
        try:
            return self.nodes.sql_on(node, "select pg_is_in_recovery()", "postgres") == "f"
        except RuntimeError:  # it does not run
            return False

    def asked(self, node, statement):
        """Nothing: it does not run, as while Patroni rewinds it."""
        try:
            return self.nodes.sql_on(node, statement)
        except RuntimeError:
            return None

    def one_truth(self):
        """All three follow, and have the same turns under the same epochs."""
        self.nodes.wait_whole()
        turn = int(self.nodes.sql("select turn from cluster.shard"))
        wanted = self.nodes.sql(TURNS.format(turn))
        for node in range(patroni_nodes.COUNT):
            stack.wait_until(f"server {node} has the leader's turns up to {turn}",
                             lambda node=node: self.asked(node, TURNS.format(turn)) == wanted, FOLLOWS_S)

    def goes_on_without(self, former, cut, heal):
        """`cut` leaves the former leader to itself; `heal` after another was seen to lead and to be worked with."""
        stands_at = int(self.nodes.sql_on(former, "select turn from cluster.shard"))
        cut()
        self.another_leads(former)
        stack.wait_until("the new leader goes on", lambda: int(self.nodes.sql("select turn from cluster.shard")) > stands_at + 1)
        heal()
        self.one_truth()

    def owner_and_leader(self, _):
        former, leader = self.running.switch, self.nodes.leader()
        far = ["s" + self.running.active, self.nodes.machine(leader)]
        with self.a_stubborn_terminal():
            self.cut_at = time.monotonic()
            self.network.split(far)
            self.another_leads(leader)
            self.takes_over()
            stubborn = self.stubborn[-1]
            late = [t - self.cut_at for t in stubborn.approved_at if t > self.cut_at + LEASE_S + cluster_split.GRACE_S]
            self.checks.equal(late, [], "seconds after the cut in which the switch that was cut off said yes, its lease being over")
            self.network.join(far)
            self.former_owner_ends(former)
        self.one_truth()

    def leader(self, _):
        machine = self.nodes.machine(former := self.nodes.leader())
        self.goes_on_without(former, lambda: self.network.cut(machine), lambda: self.network.mend(machine))

    def one_way(self, former, from_former, to_former, others):
        machine = [self.nodes.machine(former)]
        ways = [(machine, others)] * from_former + [(others, machine)] * to_former
        self.goes_on_without(former, lambda: [self.network.lose(*way) for way in ways],
                             lambda: [self.network.deliver(*way) for way in ways])

    def peers(self, _):
        former = self.nodes.leader()
        others = [self.nodes.machine(n) for n in range(patroni_nodes.COUNT) if n != former]
        self.one_way(former, True, True, others)

    def deaf(self, _):
        former = self.nodes.leader()
        self.one_way(former, False, True, [m for m in self.network.addresses if m != self.nodes.machine(former)])

    def mute(self, _):
        former = self.nodes.leader()
        self.one_way(former, True, False, [m for m in self.network.addresses if m != self.nodes.machine(former)])

    def tables_agree(self):
        """When nobody writes any more."""
        wanted = self.nodes.sql(TABLES)
        for node in range(patroni_nodes.COUNT):
            stack.wait_until(f"server {node} has the leader's tables", lambda node=node: self.asked(node, TABLES) == wanted, FOLLOWS_S)


def main():
    args = stack.arguments(__doc__, lambda p: cluster_demo.load_arguments(p, EVENTS))
    postgres_nodes.skip_or_fail((*patroni_nodes.PROGRAMS, "haproxy", *split_network.PROGRAMS))
    split_network.enter_own_namespaces()
    chance, checks = cluster_demo.seeded(args), stack.Checks()
    network = split_network.Network(cluster_split.all_machines())
    with contextlib.ExitStack() as around:
        nodes = split_network.SeparatePatroniNodes()
        around.callback(nodes.stop)
        running = cluster_split.switches_on_machines(args, checks, nodes, around)
        splits = PatroniSplits(checks, network, nodes, running, chance)
        cluster_split.play(args, splits, EVENTS, nodes.sql)
        splits.tables_agree()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
