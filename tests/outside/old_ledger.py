#!/usr/bin/env python3
"""The data directory of an older program: the switch brings its ledger to the format of today when it starts, says so
in one line, and goes on with what was open in it. A second start finds nothing to do."""
import os
import shutil
import sys

import stack

GOLDEN = os.path.join("tests", "ledger", "golden")
SALE, WAITING_REFUND, ISSUER = "632500000001", "632500000002", "issuer-b"
PAN_LAST4 = "0003"


def put_old_data(running):
    """What format 1 left on a disk; the vault's key is sealed under the test LMK."""
    folder = os.path.join(running.args.source, GOLDEN)
    os.makedirs(running.data)
    shutil.copytree(os.path.join(folder, "format-1"), os.path.join(running.data, "store"))
    key = os.path.join(running.data, "vault.key")
    shutil.copyfile(os.path.join(folder, "vault.key"), key)
    os.chmod(key, 0o600)


def check_records(checks, running):
    code, sale = running.refundctl("show", SALE, user="admin1")
    checks.equal(code, 0, f"show {SALE}")
    checks.that(SALE in str(sale), f"show {SALE} tells of it: {sale}")
    code, answer = running.refundctl("audit", "verify", user="security1")
    checks.equal(code, 0, f"the chain of operators' changes holds: {answer}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    running = stack.Stack(args)
    put_old_data(running)
    with running:
        lines = running.log_lines(event="ledger_migrated")
        checks.equal(len(lines), 1, "lines that tell of the migration")
        for line in lines:
            checks.equal((line["from_format"], line["to_format"]), ("1", "2"), "formats")
            checks.that(int(line["records"]) > 10, f"records written anew: {line['records']}")
        check_records(checks, running)
        # Its card is opened with the vault's key of that time. It has waited for longer than an advice may without a
        # person's word (R73), and goes on with it.
        code, answer = running.refundctl("saf", "release", "--route", ISSUER, "--note", "the data is old, the refund is due",
                                         user="checker1")
        checks.equal(code, 0, f"saf release: {answer}")
        stack.wait_until("the refund that waited reaches its issuer", lambda: any(
            (entry["rrn"], entry["pan_last4"]) == (WAITING_REFUND, PAN_LAST4) for entry in running.journal(ISSUER)))

        checks.equal(running.switch.terminate(), 0, "the switch ends")
        running.start_switch()
        checks.equal(len(running.log_lines(event="ledger_migrated")), 1, "a second start has nothing to migrate")
        check_records(checks, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
