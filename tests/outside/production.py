#!/usr/bin/env python3
"""`production = true` on a real machine: the switch does not start as root unless told so, with files that others may use,
with keys that terminals share unsaid, or with a second place on the first one's disk; each is a sentence that names what is
wrong. An HSM over TCP that has the published test LMK is never used, by its check value. As root, with two file systems;
else skipped (77)."""
import os
import re
import subprocess
import sys
import tempfile

import stack

SKIPPED = 77


class Production(stack.Stack):
    """The demonstration's parties in a file that says production; `shared`: terminals say that they share keys."""

    def __init__(self, args, elsewhere, hsm):
        self.shared, self.elsewhere, self.hsm = True, elsewhere, hsm
        super().__init__(args)

    def write_config(self):
        path = super().write_config()
        with open(path, encoding="utf-8") as f:
            text = f.read()
        text = text.replace("demo = true", "production = true", 1)
        text = text.replace("not_found_quarantine_ms = 5000", "not_found_quarantine_ms = 60000")
        text = re.sub(r'mode = "embedded"\nlmk = "test"\nzone_key_exchange = true[^\n]*',
                      f'mode = "tcp"\naddresses = ["{self.hsm}"]', text)
        if self.shared:
            text = text.replace("[[terminals]]\n", "[[terminals]]\nshared_keys = true\n")
        text = text.replace("[data]\n", f'[store]\nacknowledged_copy = "{self.elsewhere}/acknowledged"\n\n'
                                        f'[audit]\nhead_file = "{self.elsewhere}/audit.head"\n\n[data]\n', 1)
        text += f'\n[[operator]]\nuid = {os.geteuid()}\nname = "admin1"\nroles = ["admin"]\n'
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def connected(self):  # its HSM is one that it may not use
        return True


def refused(checks, running, what, expected, *flags, spoil=None):
    """Not started, with one sentence that holds `expected`; `spoil` makes the machine so and gives how to undo it."""
    config = running.write_config()
    undo = spoil(config) if spoil else None
    run = subprocess.run([running.program("refund-switch"), "--config", config, "--data", running.data,
                          "--vault-key-file", running.path("kek"), *flags], capture_output=True, text=True, timeout=60)
    checks.equal(run.returncode, 1, f"{what}: exit code; {run.stderr[-400:]}")
    checks.that(expected in run.stderr, f"{what}: {expected!r} is said: {run.stderr[-600:]}")
    if undo:
        undo()


def with_mode(path, mode):
    def spoil(config):
        target = path or config
        before = os.stat(target).st_mode
        os.chmod(target, mode)
        return lambda: os.chmod(target, before & 0o7777)
    return spoil


def main():
    args = stack.arguments(__doc__)
    if os.geteuid() != 0 or not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(
            tempfile.gettempdir()).st_dev:
        print("SKIPPED: needs root and two file systems")
        return SKIPPED
    checks = stack.Checks()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere, tempfile.TemporaryDirectory() as logs:
        hsm = stack.Program("hsm-sim", [os.path.join(args.bin, "hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test"],
                            os.path.join(logs, "hsm-sim.log"))
        try:
            running = Production(args, elsewhere, stack.text_of(stack.address_of(hsm.ready)))
            for name in stack.ISSUERS:
                running.start_issuer(name)
            try:
                os.makedirs(running.data, mode=0o700)
                key = running.path("kek")
                with open(key, "w", encoding="ascii") as f:
                    f.write("7" * 64 + "\n")
                os.chmod(key, 0o600)
                root = ("--allow-root",)
                refused(checks, running, "root", "it runs as root")
                refused(checks, running, "the configuration", "the configuration", *root, spoil=with_mode(None, 0o644))
                refused(checks, running, "the data directory", "the data directory", *root,
                        spoil=with_mode(running.data, 0o755))
                refused(checks, running, "the vault's key file", "the key file", *root, spoil=with_mode(key, 0o640))
                both = "second place of what was acknowledged"
                running.elsewhere = running.folder
                refused(checks, running, "one disk", both, *root)
                running.elsewhere = elsewhere
                running.shared = False
                refused(checks, running, "shared keys", "shared_keys", *root)
                running.shared = True
                checks.that(not os.listdir(running.data), "nothing was made by any attempt")

                running.flags = ["--allow-root", "--vault-key-file", key]
                running.start_switch()
                stack.wait_until("the test LMK is seen", lambda: running.log_lines(event="hsm_test_lmk"))
                checks.that("hsm_available 0" in running.metrics(), "no HSM is used: new work gets 96 (R64)")
                readyz = running.metrics("/readyz")
                checks.that(" 503 " in readyz and "published test LMK" in readyz, f"/readyz says which and why: {readyz}")
                checks.equal(os.stat(running.data).st_mode & 0o777, 0o700, "the data directory's mode")
                checks.that(os.path.exists(os.path.join(elsewhere, "acknowledged")), "the second place is written")
                print(running.log_lines(event="hsm_test_lmk")[0], flush=True)
            finally:
                running.__exit__(None, None, None)
        finally:
            hsm.terminate()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
