#!/usr/bin/env python3
"""The ledger's backups as docs/cluster.md says: pgBackRest's full backup and archive of a server that is worked with, restored to a moment.
The ledger verifies there and a switch goes on from it with what was sold until then; a switch that has a copy with more refuses it, because
acknowledged work was lost. 77 where pgBackRest is not installed."""
import os
import shutil
import subprocess
import sys

import ledger_on_postgres
import stack
from cluster_moves import Till

import postgres_nodes
from postgres_nodes import BIN, as_postgres

PROGRAM = "pgbackrest"
STANZA = "refund"


class Backups:
    """Of node 0, encrypted, in the servers' directory."""

    def __init__(self, nodes):
        self.nodes, self.config = nodes, nodes.dir / "pgbackrest.conf"
        folders = {name: nodes.dir / name for name in ("repo", "log", "lock", "spool")}
        for folder in folders.values():
            postgres_nodes.make_data_folder(folder)
        self.config.write_text(f"""[global]
repo1-path={folders['repo']}
repo1-retention-full=2
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=of-this-test-alone
log-path={folders['log']}
lock-path={folders['lock']}
spool-path={folders['spool']}
log-level-console=warn
start-fast=y
[{STANZA}]
pg1-path={nodes.data(0)}
pg1-port={nodes.ports[0]}
pg1-user=postgres
""")
        with (nodes.data(0) / "postgresql.conf").open("a") as f:
            f.write(f"archive_mode = on\narchive_command = '{PROGRAM} --config={self.config} --stanza={STANZA} archive-push %p'\n")
        as_postgres(BIN / "pg_ctl", "-D", nodes.data(0), "-w", "-m", "fast", "stop")
        nodes.run(0)
        self.run("stanza-create")
        self.run("check")

    def run(self, *words):
        env = {**os.environ, "PGHOST": "127.0.0.1"}  # these servers have no Unix socket
        return as_postgres(PROGRAM, f"--config={self.config}", f"--stanza={STANZA}", *words, env=env)

    def archive_all(self):
        wal = self.nodes.sql(0, "select pg_walfile_name(pg_switch_wal())", "postgres")
        stack.wait_until("the log is archived", lambda: self.nodes.sql(
            0, f"select coalesce(last_archived_wal >= '{wal}', false) from pg_stat_archiver", "postgres") == "t")

    def restore(self, moment):
        """In place, as after the loss of all servers; then a standby is copied from it."""
        for node in (0, 1):
            self.nodes.kill(node)
        self.run("restore", "--delta", "--type=time", f"--target={moment}", "--target-action=promote")
        self.nodes.run(0)
        stack.wait_until("the restored server may be written",
                         lambda: self.nodes.sql(0, "select pg_is_in_recovery()", "postgres") == "f")
        # What the restore has written there a standby would copy, and promote itself at that moment.
        for name in ("restore_command", "recovery_target_time", "recovery_target_action"):
            self.nodes.sql(0, f"alter system reset {name}", "postgres")
        self.nodes.rejoin(1)


def main():
    args = stack.arguments(__doc__)
    if shutil.which(PROGRAM) is None:
        print(f"SKIPPED: no {PROGRAM} here", flush=True)
        return postgres_nodes.SKIPPED
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (nodes, options):
        backups = Backups(nodes)
        with stack.Stack(args, options) as running:
            till = Till(running)
            for _ in range(3):
                till.sell()
            backups.run("backup", "--type=full")
            for _ in range(2):
                till.sell()
            # pgBackRest counts whole seconds: the moment has to lie in a later one than the end of the backup.
            ended = nodes.sql(0, "select clock_timestamp()", "postgres")
            stack.wait_until("a second is over", lambda: nodes.sql(
                0, f"select clock_timestamp() > '{ended}'::timestamptz + interval '1 second'", "postgres") == "t")
            moment = nodes.sql(0, "select clock_timestamp()", "postgres")
            early = len(till.sales)
            till.sell()
            checks.equal([reply.code for _, reply in till.sales], ["00"] * (early + 1), "sales before the loss")
            checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
            backups.archive_all()
            backups.restore(moment)
            refused = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.data],
                                     capture_output=True, text=True, timeout=60)
            checks.that(refused.returncode == 1 and "acknowledged work was lost" in refused.stderr,
                        f"a switch with a copy that has more: {refused.returncode} {refused.stderr[-500:]}")
            running.data = running.path("data-new")
            os.mkdir(running.data)
            code, said = running.verify()
            checks.that(code == 0 and "0 orphans" in said, f"--verify of what was restored: {said}")
            running.start_switch()
            (_, late), till.sales = till.sales[-1], till.sales[:early]
            code, said = running.refundctl("show", late.rrn, json_output=False)
            checks.that(code != 0, f"what came after the moment: {said}")
            till.finds_all(checks, "restored")
            checks.equal(running.switch.terminate(), 0, "the switch ends as asked, restored")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
