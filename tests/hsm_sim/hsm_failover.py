#!/usr/bin/env python3
"""A switch with two HSMs under load, of which one is frozen, killed and started again: no request may be answered
otherwise than it would have been. At the end both are gone, and nothing is approved any more."""
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "outside"))
import stack  # noqa: E402

LOAD_SECONDS = 12


class StackOfTwoHsms(stack.Stack):
    def __init__(self, args):
        super().__init__(args)
        self.hsms, self.hsm_addresses = {}, {}
        for name in ("hsm-a", "hsm-b"):
            self.start_hsm(name)
        addresses = ", ".join('"tcp://%s:%d"' % self.hsm_addresses[name] for name in self.hsms)
        self.options = [(r'(?ms)^\[hsm\]$.*?(?=^\[)', f'[hsm]\nmode = "tcp"\naddresses = [{addresses}]\n\n'),
                        (r'(?m)^\[limits\]$', "[limits]\nhsm_reply_timeout_ms = 2000")]

    def start_hsm(self, name):
        listen = "%s:%d" % self.hsm_addresses.get(name, ("127.0.0.1", 0))
        self.hsms[name] = stack.Program(name, [
            self.program("hsm-sim"), "--listen", listen, "--decimalisation", "clear"], self.path(f"{name}.log"))
        self.hsm_addresses[name] = stack.address_of(self.hsms[name].ready)

    def start_switch(self):
        self.switch = stack.Program("refund-switch", [
            self.program("refund-switch"), "--config", self.write_config(), "--data", self.data, "--vault-key-file",
            self.vault_key_file()], self.path("switch.log"))
        self.ready = dict(word.split("=", 1) for word in self.switch.ready.split() if "=" in word)
        self.addresses = {p: stack.address_of(self.ready[f"terminals.{p}"]) for p in ("unionpay-pos", "iso87-ascii")}
        stack.wait_until("HSMs and issuers are connected", self.connected, every=0.02)

    def vault_key_file(self):
        path = self.path("vault.key")
        os.makedirs(self.data, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write(os.urandom(32).hex().upper() + "\n")
        return path

    def __exit__(self, kind, value, trace):
        for hsm in self.hsms.values():
            if hsm.running():
                hsm.process.send_signal(signal.SIGCONT)
                hsm.kill()
        super().__exit__(kind, value, trace)

    def load(self, seconds):
        journals = [word for name in stack.LOADED for word in ("--journal", self.journal_path(name))]
        return subprocess.Popen([
            self.program("switch-bench"), "load", "--unionpay", "%s:%d" % self.addresses["unionpay-pos"], "--iso",
            "%s:%d" % self.addresses["iso87-ascii"], *journals, "--control", self.ready["control"], "--terminals", "32",
            "--connections", "16", "--rate", "100", "--warm-up", "1", "--duration", str(seconds), "--config",
            os.path.join(self.args.source, "switch", "config")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    args = stack.arguments(__doc__.splitlines()[0])
    with StackOfTwoHsms(args) as running:
        load = running.load(LOAD_SECONDS)

        def at(effects):
            """When the issuers have booked so much."""
            stack.wait_until(f"{effects} effects", lambda: sum(len(running.journal(n)) for n in stack.ISSUERS) >= effects)
        at(200)
        running.hsms["hsm-a"].process.send_signal(signal.SIGSTOP)
        at(400)
        running.hsms["hsm-a"].process.send_signal(signal.SIGCONT)
        at(600)
        running.hsms["hsm-b"].kill()
        at(800)
        running.start_hsm("hsm-b")
        out, _ = load.communicate(timeout=120)
        if load.returncode != 0:
            print(out)
            print(f"the load saw what it should not have seen: it ended with {load.returncode}")
            return 1
        if "hsm_distrusted" not in running.switch_log():
            print("the switch has not noticed that an HSM was frozen")
            return 1
        for name in ("hsm-a", "hsm-b"):
            running.hsms[name].kill()
        load = running.load(1)
        out, _ = load.communicate(timeout=120)
        if load.returncode == 0 or "sign-on: DE39 96" not in out:
            print(out)
            print("without an HSM a sign-on must be refused with 96")
            return 1
    print("two HSMs, one frozen, one killed: every answer as without faults; none left: 96")
    return 0


if __name__ == "__main__":
    sys.exit(main())
