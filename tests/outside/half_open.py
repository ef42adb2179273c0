#!/usr/bin/env python3
"""Links whose other end is there and says nothing: the machine acknowledges, the program is frozen (SIGSTOP). After so
many time-outs in a row the switch asks the link whether it lives, and closes it when it does not; sales do not wait
their full time on it for a minute. When the program goes on, the links come back."""
import os
import re
import signal
import sys
import tempfile
import time

import stack
from terminal import Terminal

CARD, MERCHANT = "4111111111111111", "898110157220001"
TIMEOUT_MS, TIMEOUTS, PROBE_MS = 1_000, 3, 500
HSM_TIMEOUT_MS = 500
SLACK_S = 4.0  # of a busy machine


def links_up(running):
    found = re.search(r'^refund_switch_issuer_connections_signed_on\{route="issuer-b"\} (\d+)$', running.metrics(), re.M)
    return int(found.group(1))


def seller(running, number):
    terminal = Terminal("unionpay-pos", number, MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    return terminal


def issuer_is_frozen(checks, running):
    terminal = seller(running, "10000301")
    checks.equal(terminal.exchange(terminal.sale(CARD, 1500)).code, "00", "a sale before")
    pid = running.issuers["issuer-b"].process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        # Two connections: each hears nothing of its share of them.
        for n in range(2 * TIMEOUTS):
            terminal.send(terminal.sale(CARD, 2000 + n))
        stack.wait_until("both links to the frozen issuer are closed", lambda: links_up(running) == 0, 60)
        took = time.monotonic() - begun
        lost = [line for line in running.log_lines(event="issuer_connection_lost", route="issuer-b")
                if "requests in a row without an answer" in line["detail"]]
        print(f"a frozen issuer: both links closed after {took:.1f} s ({[line['detail'] for line in lost]})", flush=True)
        checks.that(took <= (TIMEOUT_MS + PROBE_MS) / 1000 + SLACK_S, f"the dead links were up for {took:.1f} s")
        checks.that(len(lost) >= 2, f"the log says why: {lost}")
        # Nothing waits its full time any more: the route is down, and that is said at once.
        other = seller(running, "10000302")
        begun = time.monotonic()
        code = other.exchange(other.sale(CARD, 3000)).code
        took = time.monotonic() - begun
        checks.that(code == "91" and took < TIMEOUT_MS / 1000, f"a sale to a dead route: {code} after {took:.2f} s")
        other.close()
    finally:
        os.kill(pid, signal.SIGCONT)
    stack.wait_until("the links are back", lambda: links_up(running) == 2, 90)
    again = seller(running, "10000303")
    checks.equal(again.exchange(again.sale(CARD, 1500)).code, "00", "a sale when the issuer goes on")
    again.close()
    terminal.close()


def hsm_is_frozen(checks, running, hsm):
    def available():
        return "refund_switch_hsm_available 1" in running.metrics()

    terminal = seller(running, "10000310")
    checks.equal(terminal.exchange(terminal.sale(CARD, 1500)).code, "00", "a sale before the HSM freezes")
    os.kill(hsm.process.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        for n in range(4 * TIMEOUTS):
            terminal.send(terminal.sale(CARD, 2000 + n))
        stack.wait_until("the frozen HSM is given up", lambda: not available(), 60)
        took = time.monotonic() - begun
        print(f"a frozen HSM: given up after {took:.1f} s", flush=True)
        checks.that(took <= 2 * (HSM_TIMEOUT_MS + PROBE_MS) / 1000 + SLACK_S, f"the dead HSM was asked for {took:.1f} s")
    finally:
        os.kill(hsm.process.pid, signal.SIGCONT)
    stack.wait_until("the HSM is back", available, 60)
    again = seller(running, "10000311")
    checks.equal(again.exchange(again.sale(CARD, 1500)).code, "00", "a sale when the HSM goes on")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    shell = (rf"[shell]\nlink_timeouts_max = {TIMEOUTS}\nlink_probe_ms = {PROBE_MS}\n\n[refund]\n").replace(r"\n", "\n")
    quick = [(r"\[refund\]\n", shell), (r"issuer_reply_timeout_ms = 5000", f"issuer_reply_timeout_ms = {TIMEOUT_MS}\nhsm_reply_timeout_ms = {HSM_TIMEOUT_MS}")]
    with stack.Stack(args, quick) as running:
        issuer_is_frozen(checks, running)
    with tempfile.TemporaryDirectory(prefix="refund-switch-hsm-") as folder:
        hsm = stack.Program("hsm-sim", [os.path.join(args.bin, "hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test"],
                            os.path.join(folder, "hsm-sim.log"))
        address = stack.text_of(stack.address_of(hsm.ready))
        over_tcp = (r'mode = "embedded"\nlmk = "test"\nzone_key_exchange = true.*\n',
                    f'mode = "tcp"\naddresses = ["{address}"]\n')
        with stack.Stack(args, [*quick, over_tcp]) as running:
            hsm_is_frozen(checks, running, hsm)
        hsm.terminate()
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
