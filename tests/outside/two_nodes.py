"""A stack with two switches for one shard on PostgreSQL: one serves, the other stands by and takes over."""
import os
import signal

import stack
from stack import Program

EXIT_FENCED = 4


class TwoNodes(stack.Stack):
    def __init__(self, args, options, checks, host="127.0.0.1"):
        super().__init__(args, options, host)
        self.checks, self.standby = checks, None
        self.active, self.waiting = "a", "b"
        self.taken_over = False
        self.node_flags = {}  # of each node's command line, by its name
        self.machines = {}  # what stands before it, where a node runs on a machine of its own (split_network.py)

    def end_standby(self):
        """Before the other ends: it would take over."""
        if self.standby and self.standby.running():
            self.checks.equal(self.standby.terminate(), 0, "a standby ends as asked")

    def __exit__(self, kind, value, trace):
        self.end_standby()
        super().__exit__(kind, value, trace)

    def node(self, name, *flags):
        self.data = self.path("data-" + name)
        return Program("refund-switch-" + name, [
            *self.machines.get(name, ()), self.program("refund-switch"), "--config", self.write_config(), "--data", self.data, "--node", name,
            *self.node_flags.get(name, ()), *flags],
            self.path(f"switch-{name}.log"))

    def start_switch(self, **popen):
        """At first node a serves; after kill_switch() the one that stood by."""
        if self.switch is None:
            self.switch = self.node("a")
        elif not self.taken_over:
            self.take_over()
        self.taken_over = False
        self.listens()
        role = self.metrics("/role")
        self.checks.that(f'"role": "active", "node": "{self.active}"' in role, f"/role of the active node: {role}")
        self.standby = self.node(self.waiting, "--standby")
        self.check_standby()

    def take_over(self):
        # It says again that it stands by where the owner was only late.
        while "terminals." not in self.standby.ready:
            self.standby.ready = self.standby._read_ready()
        self.switch, self.standby = self.standby, None
        self.active, self.waiting = self.waiting, self.active
        self.taken_over = True

    def supervise(self):
        """Where the standby was faster, the one that served ends by itself, and is started again to stand by."""
        if self.switch.running():
            return
        self.checks.equal(self.switch.wait(), EXIT_FENCED, "exit code of a node whose shard was taken")
        self.take_over()
        self.start_switch()

    def check_standby(self):
        at = stack.address_of(self.standby.ready.split("metrics=")[1])
        ready, role = self.metrics("/readyz", at), self.metrics("/role", at)
        self.checks.that(" 503 " in ready and "standby of" in ready, f"/readyz of the standby: {ready}")
        self.checks.that(f'"role": "standby", "node": "{self.waiting}"' in role, f"/role of the standby: {role}")

    def freeze_switch(self):
        """The one that serves sleeps until the other has taken over: it must answer nothing and end when it wakes."""
        frozen = self.switch
        os.kill(frozen.process.pid, signal.SIGSTOP)
        self.take_over()
        os.kill(frozen.process.pid, signal.SIGCONT)
        self.checks.equal(frozen.wait(), EXIT_FENCED, "exit code of a node that was taken over while it slept")
