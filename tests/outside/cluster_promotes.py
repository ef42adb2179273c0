#!/usr/bin/env python3
"""Three servers of PostgreSQL without Patroni, two switches, HAProxy in front of the terminals: the written server is killed or
freezes under load, and the most advanced of the others is promoted, as a person does. What it leaves is thrown away and
copied anew, so that there are three again. At the end the books of terminals, ledger and issuers are compared."""
import contextlib
import signal
import sys

import cluster_demo
import kill9
import ledger_on_postgres
import stack

import postgres_nodes

NODES = 3
EVENTS = {
    "kill": ("kill -9 of the written server, promoted by hand", 3.0),
    "freeze": ("the written server freezes, promoted by hand", 8.0),
}


class Promotes:
    def __init__(self, nodes):
        self.nodes, self.started_again = nodes, 0

    def promote(self):
        """The standby that has most."""
        self.nodes.promote(self.nodes.most_advanced())
        self.started_again += self.nodes.supervise()

    def kill(self, _):
        self.started_again += self.nodes.supervise()
        killed = self.nodes.written
        self.nodes.kill(killed)
        self.promote()
        self.nodes.rejoin(killed)

    def freeze(self, _):
        """Until the switch has given it up; it wakes up beside the one that was promoted, and nobody works with it."""
        self.started_again += self.nodes.supervise()
        frozen = self.nodes.written
        self.nodes.signal(frozen, signal.SIGSTOP)
        self.promote()
        stands_at = self.turn()
        stack.wait_until("the switch goes on at the server that was promoted", lambda: self.turn() > stands_at)
        self.nodes.signal(frozen, signal.SIGCONT)
        self.nodes.rejoin(frozen)

    def turn(self):
        return int(self.nodes.sql(self.nodes.written, "select turn from cluster.shard"))


def main():
    args = stack.arguments(__doc__, lambda p: cluster_demo.load_arguments(p, EVENTS))
    postgres_nodes.skip_or_fail(("haproxy",))
    signal.signal(signal.SIGTERM, cluster_demo.end_in_order)
    signal.signal(signal.SIGHUP, cluster_demo.end_in_order)
    chance, checks = cluster_demo.seeded(args), stack.Checks()
    with contextlib.ExitStack() as around:
        nodes, options = around.enter_context(ledger_on_postgres.servers(args, NODES, args.pipeline))
        running = around.enter_context(cluster_demo.FrontedNodes(args, options, checks))
        promotes = Promotes(nodes)
        events = [(*EVENTS[event], getattr(promotes, event)) for event in cluster_demo.wanted_events(args)]
        cluster_demo.under_load(args, checks, lambda statement: nodes.sql(nodes.written, statement), running, chance, events)
        if promotes.started_again:
            print(f"{promotes.started_again} standbys had ended by themselves and were started again", flush=True)
        running.end_standby()
        checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
        kill9.check_shard(checks, args, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
