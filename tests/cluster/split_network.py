"""Machines of a test's own: network namespaces that are joined by veth pairs to bridges, so that cables can be pulled. A network
`data` between switches and databases has two sides, `near` and `far`, with one trunk between them; `front` is between switches and
whoever starts this, who has an address on the near side, too, where a person asks. Nothing of it is seen outside: the program runs itself again in a network and a
mount namespace of its own, and all is gone with it."""
import os
import shutil
import subprocess
import sys

import postgres_nodes
from patroni_nodes import PatroniNodes
from postgres_nodes import Nodes

FRONT_HERE, DATA_HERE = "10.77.1.1", "10.77.0.1"
INSIDE = "SPLIT_NETWORK_INSIDE"
PROGRAMS = ("ip", "nsenter", "unshare")
TRUNK = "trunk"
NOBODY = "02:00:00:00:00:01"  # no machine has this hardware address


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def enter_own_namespaces():
    """Starts this program again where it can make networks; says why not and ends with 77 where that cannot be."""
    if os.environ.get(INSIDE):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)  # names of namespaces stand in /run/netns
        ip("link", "set", "lo", "up")
        return
    why = why_not()
    if why:
        print(f"SKIPPED: no networks of our own here: {why}", flush=True)
        sys.exit(postgres_nodes.SKIPPED)
    os.environ[INSIDE] = "yes"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, "-B", *sys.argv])


def why_not():
    if os.geteuid() != 0:
        return "root is needed"
    tried = "mount -t tmpfs tmpfs /run && ip link add bridge0 type bridge && ip netns add n && ip link add v0 type veth peer name v1 netns n"
    done = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", tried], capture_output=True, text=True, timeout=20)
    return done.stderr.strip() if done.returncode != 0 else None


class Network:
    """`machines`: by name (number in `data`, number in `front` or None); all of `data` begin on the near side."""

    def __init__(self, machines):
        for side in ("near", "far"):
            self.bridge(side)
        ip("link", "add", TRUNK, "type", "veth", "peer", "name", TRUNK + "-far")
        self.plug(TRUNK, "near")
        self.plug(TRUNK + "-far", "far")
        self.bridge("front")
        ip("addr", "add", f"{FRONT_HERE}/24", "dev", "front")
        ip("addr", "add", f"{DATA_HERE}/24", "dev", "near")
        self.addresses = {name: f"10.77.0.{in_data}" for name, (in_data, _) in machines.items()}
        for name, (_, in_front) in machines.items():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
            self.cable(name, "data", "near", self.addresses[name])
            if in_front is not None:
                self.cable(name, "front", "front", f"10.77.1.{in_front}")

    @staticmethod
    def bridge(name):
        ip("link", "add", name, "type", "bridge", "ageing_time", "0")  # a machine that moved is found at once
        ip("link", "set", name, "up")

    @staticmethod
    def plug(link, bridge):
        ip("link", "set", link, "master", bridge)
        ip("link", "set", link, "up")

    def cable(self, name, network, bridge, address):
        ip("link", "add", f"{name}-{network}", "type", "veth", "peer", "name", network, "netns", name)
        ip("-n", name, "addr", "add", f"{address}/24", "dev", network)
        ip("-n", name, "link", "set", network, "up")
        self.plug(f"{name}-{network}", bridge)

    # What befalls it

    def cut(self, name, network="data"):
        ip("link", "set", f"{name}-{network}", "down")

    def mend(self, name, network="data"):
        ip("link", "set", f"{name}-{network}", "up")

    def lose(self, senders, receivers):
        """One way only: what these send to those in `data` is sent to nobody."""
        for name, to in ((a, b) for a in senders for b in receivers if a != b):
            ip("-n", name, "neigh", "replace", self.addresses[to], "lladdr", NOBODY, "dev", "data", "nud", "permanent")

    def deliver(self, senders, receivers):
        for name, to in ((a, b) for a in senders for b in receivers if a != b):
            ip("-n", name, "neigh", "del", self.addresses[to], "dev", "data")

    def split(self, far):
        """These machines on one side, the others on the other."""
        for name in far:
            ip("link", "set", f"{name}-data", "master", "far")
        ip("link", "set", TRUNK, "down")

    def join(self, far):
        ip("link", "set", TRUNK, "up")
        for name in far:
            ip("link", "set", f"{name}-data", "master", "near")


def inside(name):
    """What stands before a command that runs on that machine."""
    return [shutil.which("nsenter", path=postgres_nodes.SEARCHED), f"--net=/run/netns/{name}"]


class OnMachines:
    """Servers on machines `db0`, `db1` … of the network."""

    LISTEN, PEERS = "*", "samenet"

    @staticmethod
    def machine(node):
        return f"db{node}"

    @staticmethod
    def number(node):
        return 10 + node

    def host(self, node):
        return f"10.77.0.{self.number(node)}"

    def inside(self, node):
        return inside(self.machine(node))


class SeparateNodes(OnMachines, Nodes):
    pass


class SeparatePatroniNodes(OnMachines, PatroniNodes):
    """etcd, Patroni and PostgreSQL of a node on its machine."""
