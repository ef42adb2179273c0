#!/usr/bin/env python3
"""The policy as people see and change it: shown with where each value comes from, checked without changing anything,
proposed by one person and approved by another; it outlives a kill -9 and a SIGHUP, wins over the file, lapses when the
policy in force changed since, and an empty file gives the configuration's again."""
import os
import signal
import sys

import stack
from terminal import Terminal

CARD, TERMINAL, MERCHANT = "6212345678900000003", "10000401", "898110157220001"
NOTE = ("--note", "season's end")
POLICY = f"""[refund]
window_days = 30
[[merchant]]
id = "{MERCHANT}"
[merchant.refund]
refund_amount_max = "50.00"
"""


class Office:
    def __init__(self, checks, running):
        self.checks, self.running = checks, running

    def file(self, name, text):
        path = self.running.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def does(self, user, *words):
        code, data = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 0, f"{user}: {words}: {data}")
        return data

    def refused(self, user, expected, *words):
        code, said = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 1, f"{user}: {words}: {said}")
        self.checks.that(expected in str(said), f"{words}: {expected!r} is said: {said}")

    def value(self, key, *words):
        for row in self.does(None, "policy", "show", *words)["policy"]:
            if row["key"] == key:
                return row["value"], row["from"], row["of"]
        return None

    def holds(self, terminal, sale, sold, when):
        self.checks.equal(self.value("refund.window_days"), ("30", "stored", "all"), f"{when}: the window")
        self.checks.equal(self.value("refund.refund_amount_max", "--merchant", MERCHANT),
                          ("50.00", "stored", "merchant"), f"{when}: the merchant's own limit")
        terminal.address = self.running.addresses["unionpay-pos"]
        terminal.connect()
        self.checks.equal(terminal.exchange(terminal.refund(sale, sold, 5001)).code, "61", f"{when}: over the limit")
        terminal.close()

    def reload(self, pattern=None, replacement=None):
        """SIGHUP, with the file changed when asked for, and waits until it is taken."""
        before = len(self.running.log_lines(event="configuration_replaced"))
        path = self.running.path("switch.toml")
        if pattern:
            with open(path, encoding="utf-8") as f:
                text = f.read()
            self.checks.that(pattern in text, f"the file has {pattern!r}")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(pattern, replacement))
        os.kill(self.running.switch.process.pid, signal.SIGHUP)
        stack.wait_until("the configuration is replaced",
                         lambda: len(self.running.log_lines(event="configuration_replaced")) > before)


def looked_at(checks, office):
    shown = office.does(None, "policy", "show")
    checks.equal(shown["stored"], False, "nothing is laid over the file")
    checks.that(len(shown["version"]) == 16 and shown.get("since"), f"version and since when: {shown}")
    checks.equal(office.value("refund.window_days"), ("365", "file", "all"), "what the file says")
    checks.equal(office.value("refund.before_settlement"), ("allow", "default", "all"), "what nobody says")
    checks.equal(office.value("refund.window_days", "--merchant", "898110157220004"), ("0", "file", "merchant"),
                 "a merchant's own")
    office.refused(None, "no merchant", "policy", "show", "--merchant", "898110157229999")
    office.refused(None, "wrong.toml:2: refund.window_dayz", "policy", "check",
                   office.file("wrong.toml", "[refund]\nwindow_dayz = 3\n"))
    office.refused(None, "is no key of the file", "policy", "check", office.file("keys.toml", "[hsm]\nlmk = \"test\"\n"))
    office.refused(None, "cannot be opened", "policy", "check", office.running.path("none.toml"))
    checked = office.does(None, "policy", "check", office.file("policy.toml", POLICY))
    checks.equal([d["difference"] for d in checked["differences"]],
                 ["refund.window_days: 365 -> 30",
                  f"merchant {MERCHANT} refund.refund_amount_max: as for all -> 50.00"], "what it would change")
    checks.equal(office.does(None, "policy", "show")["version"], shown["version"], "and did not")
    return shown["version"]


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        office = Office(checks, running)
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        terminal.connect()
        terminal.sign_on()
        sale = terminal.sale(CARD, 20000)
        sold = terminal.exchange(sale)
        checks.equal(terminal.exchange(terminal.refund(sale, sold, 5002)).code, "00", "before: no such limit")
        terminal.close()
        first = looked_at(checks, office)
        policy = running.path("policy.toml")

        office.refused("checker1", "role", "policy", "apply", policy, *NOTE)
        proposal = office.does("admin1", "policy", "apply", policy, *NOTE)
        waiting = office.does("checker1", "proposals", "list")["proposals"]
        checks.that("refund.window_days: 365 -> 30" in str(waiting), f"the difference is in the proposal: {waiting}")
        checks.equal(office.does(None, "policy", "show")["version"], first, "proposed is not in force")
        office.refused("admin1", "role supervisor", "proposals", "approve", proposal["proposal"])
        office.does("checker1", "proposals", "approve", proposal["proposal"])
        stack.wait_until("it is in force", lambda: office.does(None, "policy", "show")["version"] == proposal["version"])
        checks.equal(office.does(None, "policy", "show")["by"], "admin1, checker1", "by whose word")
        office.holds(terminal, sale, sold, "applied")

        running.kill_switch()
        running.start_switch()
        office.holds(terminal, sale, sold, "after a kill -9")
        office.reload()
        office.holds(terminal, sale, sold, "after a SIGHUP")
        checks.equal(office.does(None, "policy", "show")["version"], proposal["version"], "the same version")

        late = office.does("admin1", "policy", "apply", office.file("late.toml", "[refund]\nwindow_days = 10\n"), *NOTE)
        office.reload('approval_keyed_amount_above = "1000.00"', 'approval_keyed_amount_above = "900.00"')
        office.refused("checker1", "another policy came into force", "proposals", "approve", late["proposal"])
        checks.equal(office.value("refund.approval_keyed_amount_above"), ("900.00", "file", "all"), "the file's own change")
        checks.equal(office.does(None, "policy", "show")["by"], "configuration", "is a version by the configuration")
        office.reload('approval_keyed_amount_above = "900.00"', 'approval_keyed_amount_above = "1000.00"')

        none = office.does("admin1", "policy", "apply", office.file("empty.toml", ""), *NOTE)
        office.does("checker2", "proposals", "approve", none["proposal"])
        stack.wait_until("the file's again", lambda: office.does(None, "policy", "show")["version"] == first)
        checks.equal(office.does(None, "policy", "show")["stored"], False, "nothing is laid over it")
        actions = [e["action"] for e in office.does("security1", "audit", "list", "--limit", "100")["entries"]]
        checks.that({"policy.propose", "policy.approve"} <= set(actions), f"the audit chain has it: {actions}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
