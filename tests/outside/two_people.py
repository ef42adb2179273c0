#!/usr/bin/env python3
"""Operators are Unix users: a maker and a checker with user ids of their own, members of the control socket's group, each
with refundctl. Who is no member does not reach the socket; who is one and no operator is told so; nobody approves what
he asked for. Needs root, to become other users (77: skipped)."""
import os
import re
import subprocess
import sys
import tempfile

import stack
from terminal import Terminal

MAKER, CHECKER, NOBODY_HERE, OUTSIDER = 64101, 64102, 64103, 64104
CARD, MERCHANT = "4111111111111111", "898110157220001"
SKIPPED = 77


def some_group():
    """A group of this machine whose number is not root's: names of groups are the system's, and no test adds one."""
    with open("/etc/group", encoding="ascii") as f:
        for line in f:
            name, _, gid, _ = line.split(":")
            if name in ("users", "games", "nogroup"):
                return name, int(gid)
    return None


class People:
    def __init__(self, running, gid):
        self.running, self.gid = running, gid

    def asks(self, uid, *words, member=True):
        """refundctl as this Unix user: exit code and what it says."""
        run = subprocess.run([self.running.program("refundctl"), "--socket", self.running.ready["control"], *words],
                             capture_output=True, text=True, timeout=60, user=uid, group=uid,
                             extra_groups=[self.gid] if member else [])
        return run.returncode, run.stdout + run.stderr


def rights_of(checks, path, gid, mode, what):
    there = os.stat(path)
    checks.equal((there.st_gid, oct(there.st_mode & 0o777)), (gid, oct(mode)), what)


def maker_and_checker(checks, running, people):
    for uid, name, role in ((MAKER, "mei", "operator"), (CHECKER, "chen", "supervisor")):
        code, said = people.asks(uid, "whoami")
        checks.that(code == 0 and name in said and role in said and str(uid) in said, f"whoami of {name}: {said}")
    code, said = people.asks(NOBODY_HERE, "whoami")
    checks.that(code != 0 and f"Unix user {NOBODY_HERE} is no operator" in said, f"a member who is no operator: {said}")
    code, said = people.asks(OUTSIDER, "whoami", member=False)
    checks.that(code != 0 and "ermission denied" in said, f"who is no member: {said}")
    code, said = people.asks(MAKER, "--as", "checker1", "whoami")
    checks.that(code != 0 and "--as is for a demonstration" in said, f"nobody says who he is: {said}")

    terminal = Terminal("unionpay-pos", "10000501", MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    sold = terminal.exchange(terminal.sale(CARD, 5000))
    checks.equal(sold.code, "00", "a sale")
    code, said = people.asks(MAKER, "refund", "open", "--rrn", sold.rrn, "--date", sold.fields[13], "--amount", "20.00",
                             "--reason", "quality", "--ref", "two-1")
    checks.equal(code, 0, f"the maker opens a case: {said}")
    case = re.search(r"\b\d{12}\b", said.replace(sold.rrn, ""))
    checks.that(case is not None, f"the case has a number: {said}")
    case = case.group() if case else ""
    code, said = people.asks(MAKER, "refund", "approve", case)
    checks.that(code != 0 and "supervisor" in said, f"the maker does not approve it: {said}")
    code, said = people.asks(CHECKER, "refund", "approve", case)
    checks.equal(code, 0, f"the checker does: {said}")
    stack.wait_until("the refund is paid", lambda: "approved" in people.asks(CHECKER, "show", case)[1])
    code, said = people.asks(CHECKER, "audit", "list", "--limit", "5")
    checks.that("chen" in people.asks(CHECKER, "explain", case)[1], "the ledger knows who approved it")


def does_not_start(checks, args, options, said, what):
    try:
        with stack.Stack(args, options):
            checks.that(False, f"{what}: it started")
    except RuntimeError as e:
        checks.that(said in str(e), f"{what}: {e}")


def main():
    args = stack.arguments(__doc__)
    group = some_group()
    if os.geteuid() != 0 or group is None:
        print("SKIPPED: this test becomes other users, which root alone may; and needs a group of the system")
        return SKIPPED
    name, gid = group
    checks = stack.Checks()
    operators = "".join(f'\n[[operator]]\nuid = {uid}\nname = "{who}"\nroles = ["{role}"]\n'
                        for uid, who, role in ((MAKER, "mei", "operator"), (CHECKER, "chen", "supervisor")))
    with tempfile.TemporaryDirectory(prefix="refund-switch-control-") as folder:
        os.chmod(folder, 0o755)
        control = os.path.join(folder, "run", "control.sock")
        where = (r"\[data\]\ndirectory = .*\ncontrol_socket = .*\n",
                 f'[data]\nmemory_lock = "tried"\ncontrol_socket = "{control}"\ncontrol_group = "{name}"\n')
        hsm = stack.Program("hsm-sim", [os.path.join(args.bin, "hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test"],
                            os.path.join(folder, "hsm-sim.log"))
        # No demonstration: who somebody is, the kernel says.
        address = stack.text_of(stack.address_of(hsm.ready))
        real = [(r"demo = true\n", ""), (r"not_found_quarantine_ms = 5000.*\n", ""), where, (r"\Z", operators),
                (r'mode = "embedded"\nlmk = "test"\nzone_key_exchange = true.*\n',
                 f'mode = "tcp"\naddresses = ["{address}"]\n')]
        vault_key = os.path.join(folder, "vault.key")
        with open(os.open(vault_key, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(os.urandom(32).hex().upper() + "\n")
        with_vault = stack.Stack(args, real)
        with_vault.flags = ["--vault-key-file", vault_key]
        with with_vault as running:
            rights_of(checks, control, gid, 0o660, "the socket's group and rights")
            rights_of(checks, os.path.dirname(control), gid, 0o750, "its directory's")
            people = People(running, gid)
            maker_and_checker(checks, running, people)
            with open(running.path("switch.log"), encoding="utf-8") as f:
                checks.that("mei" in f.read(), "the log names who changed what")
        hsm.terminate()
        os.chmod(folder, 0o700)
        does_not_start(checks, args, [where, (r'\Z', operators)], f"members of the group {name} cannot enter it",
                       "a directory that members cannot enter")
        os.chmod(folder, 0o755)
        does_not_start(checks, args, [(where[0], where[1].replace(f'"{name}"', '"no_such_group"')), (r'\Z', operators)],
                       "there is no Unix group no_such_group", "a group that does not exist")
        does_not_start(checks, args, [(where[0], f'[data]\ncontrol_group = "{name}"\n'), (r'\Z', operators)],
                       "data.control_group: needs an absolute control_socket", "a socket in the data directory")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
