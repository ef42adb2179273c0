#!/usr/bin/env python3
"""A full disk at start is a sentence and exit 1, never an assertion: a new data directory and one with a ledger, with
nothing free up to what would do; when there is room again the switch starts and knows everything. The disk is a small
tmpfs, which root alone can mount (77: skipped)."""
import os
import shutil
import subprocess
import sys
import tempfile

import stack
from terminal import Terminal

DISK_KIB = 64 * 1024
FREE_KIB = (0, 4, 16, 48, 256, 2048)
CARD, MERCHANT = "4111111111111111", "898110157220001"
SKIPPED = 77


def free_kib(folder):
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize // 1024


def fill(folder, leave_kib):
    with open(os.path.join(folder, "fill"), "wb") as f:
        f.write(bytes(max(0, free_kib(folder) - leave_kib) * 1024))


def start_refused(checks, running, what):
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data],
                         capture_output=True, text=True, timeout=60)
    lines = [line for line in run.stderr.splitlines() if '"not_started"' in line]
    checks.that(run.returncode == 1 and len(lines) == 1 and "ssertion" not in run.stderr,
                f"{what}: exit {run.returncode}: {run.stderr[-400:]}")
    return lines[0] if lines else ""


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    disk = tempfile.mkdtemp(prefix="refund-switch-disk-")
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs", disk], capture_output=True).returncode == 0
    if not mounted:
        os.rmdir(disk)
        print("SKIPPED: a small disk cannot be mounted here")
        return SKIPPED
    try:
        # The mark below which new work is refused would be above this whole disk.
        low = [(r"\[data\]\n", "[data]\ndisk_free_mib_min = 16\n")]
        with stack.Stack(args, low) as running:
            running.switch.terminate()
            running.data = os.path.join(disk, "data")
            fill(disk, 0)
            said = start_refused(checks, running, "a new data directory on a full disk")
            checks.that("is full" in said or "No space left" in said, f"it says why: {said}")
            os.unlink(os.path.join(disk, "fill"))
            shutil.rmtree(running.data, ignore_errors=True)
            running.start_switch()
            terminal = Terminal("unionpay-pos", "10000601", MERCHANT, running.addresses["unionpay-pos"])
            terminal.connect()
            terminal.sign_on()
            sold = terminal.exchange(terminal.sale(CARD, 5000))
            running.kill_switch()  # so that its log is to be recovered
            for left in FREE_KIB:
                fill(disk, left)
                said = start_refused(checks, running, f"{left} KiB free")
                checks.that("the disk of" in said and "make room" in said, f"{left} KiB free: it says why: {said}")
                os.unlink(os.path.join(disk, "fill"))
            print(f"exit 1 and a sentence with {FREE_KIB} KiB free: {said}", flush=True)
            running.start_switch()
            code, shown = running.refundctl("show", sold.rrn, user="maker1")
            checks.equal((code, shown.get("state")), (0, "approved"), "with room again everything is known")
    finally:
        subprocess.run(["umount", disk], check=False)
        os.rmdir(disk)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
