#!/usr/bin/env python3
"""Who may connect at all: `allow` lists of addresses and ranges on the terminals' ports and on monitoring's, and the same
over IPv6: terminals, issuers, an HSM and monitoring on [::1]. A wrong list does not start, and the line says what is
wrong with it."""
import socket
import subprocess
import sys

import stack
from terminal import Terminal

CARD, MERCHANT = "4111111111111111", "898110157220001"


def gets_in(address, source):
    """Whether a connection from there is kept; one that is not allowed is closed without a byte."""
    with socket.socket() as s:
        s.bind((source, 0))
        s.settimeout(1)
        s.connect(address)
        try:
            return s.recv(1) != b""
        except TimeoutError:
            return True
        except ConnectionError:
            return False


def rejected(running, peer):
    return [line for line in running.log_lines(event="link_rejected") if line["peer"].startswith(peer)]


def sells(running, number, source=None):
    terminal = Terminal("unionpay-pos", number, MERCHANT, running.addresses["unionpay-pos"], source=source)
    terminal.connect()
    codes = terminal.sign_on().code, terminal.exchange(terminal.sale(CARD, 1500)).code
    terminal.close()
    return codes


def lists_of_ports(checks, running):
    unionpay, iso = running.addresses["unionpay-pos"], running.addresses["iso87-ascii"]
    for address, source, wanted in ((unionpay, "127.7.0.9", True), (unionpay, "127.7.255.1", True),
                                    (unionpay, "127.8.0.1", False), (unionpay, "127.0.0.1", False),
                                    (iso, "127.0.0.5", True), (iso, "127.0.0.6", False)):
        checks.equal(gets_in(address, source), wanted, f"{source} on {address}")
    checks.equal(sells(running, "10000401", "127.7.0.9"), ("00", "00"), "a terminal of an allowed address")
    lines = stack.wait_until("the log tells of it", lambda: rejected(running, "127.8.0.1:"))
    checks.equal([line["detail"] for line in lines], ["its address is not allowed on this port"], "the log says so")
    metrics = stack.address_of(running.ready["metrics"])
    checks.that(not gets_in(metrics, "127.9.0.1"), "monitoring is for its list")
    checks.that("refund_switch_terminal_links_rejected_total 3" in running.metrics(), "and counts who was refused")


def wrong_lists(checks, args):
    for text, said in (('["127.0.0.0/33"]', "entry 1: needs 0 to 32 bits behind the /"),
                       ('["::1", "127.0.0.7/8"]', "entry 2: has bits behind its /8"),
                       ('["terminal.example"]', "entry 1: needs an address or a range"),
                       ("[]", "needs 1 to 256 addresses or ranges"), ('"127.0.0.1"', "is a text, needed is a list")):
        running = stack.Stack(args, [(r"\[data\]", f"unionpay-pos-allow = {text}\n\n[data]")])
        running.issuer_addresses = {name: ("127.0.0.1", 1) for name in stack.ISSUERS}
        run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--check"],
                             capture_output=True, text=True, timeout=60)
        checks.that(run.returncode != 0 and said in run.stdout + run.stderr and
                    "listen.unionpay-pos-allow" in run.stdout + run.stderr, f"{text}: {run.stdout + run.stderr}")


def over_ipv6(checks, args):
    hsm_log = stack.tempfile.mktemp(prefix="refund-switch-hsm-", suffix=".log")
    hsm = stack.Program("hsm-sim", [stack.os.path.join(args.bin, "hsm-sim"), "--listen", "[::1]:0", "--lmk", "test"], hsm_log)
    try:
        address = stack.text_of(stack.address_of(hsm.ready))
        tcp = [(r'mode = "embedded"\nlmk = "test"\nzone_key_exchange = true.*\n',
                f'mode = "tcp"\naddresses = ["{address}"]\n'),
               (r"\[data\]", 'unionpay-pos-allow = ["::1"]\niso87-ascii-allow = ["2001:db8::/32"]\n\n[data]')]
        with stack.Stack(args, tcp, host="::1") as running:
            checks.equal(running.addresses["unionpay-pos"][0], "::1", "the terminals' port")
            checks.equal(sells(running, "10000402"), ("00", "00"), "everything over IPv6: a sign-on and a sale")
            with socket.create_connection(running.addresses["iso87-ascii"], timeout=10) as s:
                checks.equal(s.recv(1), b"", "::1 is not in 2001:db8::/32")
            lines = stack.wait_until("the log tells of it", lambda: rejected(running, "[::1]:"))
            checks.equal([line["detail"] for line in lines], ["its address is not allowed on this port"], "and says why")
    finally:
        hsm.terminate()
        stack.os.unlink(hsm_log)


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    allow = ('unionpay-pos-allow = ["127.7.0.0/16"]\niso87-ascii-allow = ["127.0.0.5"]\n'
             'metrics-allow = ["127.0.0.1", "::1"]\n\n[data]')
    with stack.Stack(args, [(r"\[data\]", allow)]) as running:
        lists_of_ports(checks, running)
    wrong_lists(checks, args)
    over_ipv6(checks, args)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
