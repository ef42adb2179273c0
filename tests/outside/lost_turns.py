#!/usr/bin/env python3
"""A ledger that lost its end is noticed though its own note of it was lost too: of 16 acknowledged sales the last 8 are
cut off with the log, and `store/acknowledged` is put back, zeroed, emptied or removed with it. The second place tells;
without one a ledger with turns whose note is lost is not taken for whole. A person may decide: --as-restored (R65). A data
directory that is taken away ends a running switch with exit 5."""
import os
import shutil
import subprocess
import sys

import stack
from terminal import Terminal

CARD, MERCHANT = "4111111111111111", "898110157220001"
SALES = 16
EXIT_GONE = 5


def copy(data, to, **how):
    """Of a switch that does not run: what is left of its socket is no part of it."""
    shutil.copytree(data, to, ignore=shutil.ignore_patterns("control.sock"), **how)


def configured(running, second):
    running.options = [(r"\[data\]\n", f'[store]\nacknowledged_copy = "{second}"\nacknowledged_copy_ms = 10\n\n[data]\n')]


def sell(running, count):
    terminal = Terminal("unionpay-pos", "10000701", MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    rrns = []
    for _ in range(count):
        reply = terminal.exchange(terminal.sale(CARD, 100))
        assert reply.code == "00", reply
        rrns.append(reply.rrn)
    terminal.close()
    return rrns


def start_refused(checks, running, what, *flags):
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data,
                          *flags], capture_output=True, text=True, timeout=60)
    lines = [line for line in run.stderr.splitlines() if '"not_started"' in line]
    checks.that(run.returncode == 1 and len(lines) == 1, f"{what}: exit {run.returncode}: {run.stderr[-400:]}")
    return lines[0] if lines else ""


def lose(running, shorter, first):
    shutil.rmtree(running.data)
    copy(shorter, running.data)
    path = os.path.join(running.data, "store", "acknowledged")
    if first == "zeroed":
        with open(path, "wb") as f:
            f.write(bytes(16))
    elif first == "emptied":
        os.truncate(path, 0)
    elif first == "removed":
        os.unlink(path)


def wrong_words(checks, running):
    said = start_refused(checks, running, "--as-restored of a whole ledger", "--as-restored")
    checks.that("start without it" in said, f"nothing is lost, nothing to accept: {said}")
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data,
                          "--as-restored", "--verify"], capture_output=True, text=True, timeout=60)
    checks.equal(run.returncode, 2, f"--as-restored with --verify: {run.stderr}")


def accepted(checks, running, rrns, second):
    running.flags = ["--as-restored"]
    running.start_switch()
    running.flags = []
    checks.that(running.log_lines(event="loss_accepted"), "the log says what was accepted")
    terminal = Terminal("unionpay-pos", "10000702", MERCHANT, running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    checks.that(terminal.exchange(terminal.sale(CARD, 100)).code != "00", "no new work before it is reconciled (R65)")
    code, said = running.refundctl("status", user="admin1")
    checks.equal(code, 0, f"status: {said}")
    checks.that("restored" in str(said), f"status says so: {said}")
    running.switch.terminate()
    running.start_switch()  # the flag was for once
    checks.that(running.switch.running(), "the next start needs no flag")
    code, _ = running.refundctl("show", rrns[0], user="maker1")
    checks.equal(code, 0, "what was kept is there")
    running.switch.terminate()


def gone(checks, running, act, what):
    running.start_switch()
    act()
    code = running.switch.wait()
    checks.equal(code, EXIT_GONE, f"{what}: its exit code")
    lines = running.log_lines(event="store_failed")
    checks.that(lines and ("while it" in lines[-1]["detail"]), f"{what}: it says why: {lines[-1:]}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        running.switch.terminate()
        second = running.path("second")
        configured(running, second)
        running.start_switch()
        rrns = sell(running, SALES // 2)
        running.switch.terminate()
        shorter = running.path("shorter")
        copy(running.data, shorter)
        running.start_switch()
        rrns += sell(running, SALES // 2)
        first = os.path.join(running.data, "store", "acknowledged")
        turn = slice(1, 9)  # behind the version, of both
        stack.wait_until("the second place has followed",
                         lambda: open(second, "rb").read()[turn] == open(first, "rb").read()[turn], every=0.05)
        running.kill_switch()
        whole = running.path("whole")
        copy(running.data, whole)
        for first in ("put back", "zeroed", "emptied", "removed"):
            lose(running, shorter, first)
            for attempt in ("first", "second"):
                said = start_refused(checks, running, f"8 of 16 lost, acknowledged {first}, {attempt} attempt")
                checks.that("was acknowledged" in said and second in said, f"{first}: it says why: {said}")
        print(f"8 of {SALES} acknowledged sales lost in 4 ways, 8 starts refused: {said}", flush=True)
        accepted(checks, running, rrns, second)

        # Without a second place: the note is lost, and nobody knows.
        running.options = []
        for first in ("zeroed", "emptied", "removed"):
            lose(running, whole, first)
            said = start_refused(checks, running, f"no second place, acknowledged {first}")
            checks.that("names no second place" in said, f"{first}: it says so: {said}")
        lose(running, whole, "as it was")
        running.start_switch()
        running.switch.terminate()
        wrong_words(checks, running)

        gone(checks, running, lambda: shutil.rmtree(running.data, ignore_errors=True), "removed while it runs")
        copy(whole, running.data, dirs_exist_ok=True)
        gone(checks, running, lambda: os.rename(running.data, running.path("away")), "moved away while it runs")
        os.rename(running.path("away"), running.data)
        running.start_switch()
        code, shown = running.refundctl("show", rrns[-1], user="maker1")
        checks.equal((code, shown.get("state")), (0, "approved"), "put back, it serves on with all it had")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
