#!/usr/bin/env python3
"""People's SQL: the schema `report` is filled from a switch on one machine and from a copy of a shard of its own, and what
SQL says of it is what refundctl says. An export can be repeated, cut short and gone on with; what must be refused is: another
ledger, an older state, a server that is not there."""
import decimal
import json
import os
import select
import signal
import subprocess
import sys

import ledger_on_postgres
import stack
from terminal import Terminal

CARD = "6212345678900000003"
SALES = 40


class Report:
    def __init__(self, args, nodes, database):
        self.args, self.nodes, self.database = args, nodes, database
        nodes.database(database)
        self.password_file = nodes.dir / "password"

    def command(self, config, data, *more, hosts=None):
        hosts = hosts or ",".join(f"127.0.0.1:{port}" for port in self.nodes.ports)
        return [os.path.join(self.args.bin, "refund-switch"), "--config", config, "--data", data, "export", "postgres", "--hosts",
                hosts, "--database", self.database, "--user", "switch", "--password-file", str(self.password_file), *more]

    def export(self, config, data, *more, hosts=None):
        run = subprocess.run(self.command(config, data, *more, hosts=hosts), capture_output=True, text=True, timeout=120)
        return run.returncode, run.stdout + run.stderr

    def sql(self, query):
        return self.nodes.sql(self.nodes.written, query, self.database)


def trade(checks, running):
    """Sales, refunds, a refused one, a case that waits, one that the issuer refuses; what refundctl says of it."""
    terminal = Terminal("unionpay-pos", "10000231", "898110157220001", running.addresses["unionpay-pos"])
    terminal.connect()
    terminal.sign_on()
    sales = []
    for i in range(SALES):
        message = terminal.sale(CARD, 1000 + 7 * i)
        sales.append((message, terminal.exchange(message)))
    for i, (message, answer) in enumerate(sales[:20]):
        checks.equal(terminal.exchange(terminal.refund(message, answer, 100 + i)).code, "00", "a refund")
    checks.equal(terminal.exchange(terminal.refund(*sales[0], 99999)).code, "64", "more than the sale")
    checks.equal(terminal.exchange(terminal.void(*sales[30])).code, "00", "a void")
    # None of these advices must be the next one that the issuer meets.
    stack.wait_until("the refunds are final", lambda: running.refundctl("saf", "list")[1]["advices"] == [])
    running.issuer_says("issuer-a", "next refund decline 14")
    refused = terminal.exchange(terminal.refund(*sales[31], 300))
    stack.wait_until("it is abnormal", lambda: running.refundctl("show", refused.rrn)[1]["state"] == "abnormal")
    store = Terminal("unionpay-pos", "60000001", "898110157220006", running.addresses["unionpay-pos"])  # which pays fees
    store.connect()
    store.sign_on()
    checks.equal(store.exchange(store.sale(CARD, 100000)).code, "00", "a sale with a fee")
    stack.wait_until("every queue is empty", lambda: running.refundctl("saf", "list")[1]["advices"] == [])


def seen(running):
    code, rows = running.refundctl("list", "--jsonl", "-", json_output=False)
    assert code == 0, rows
    return {
        "rows": [json.loads(line) for line in rows.splitlines() if line],
        "routes": running.refundctl("totals", "--by", "route")[1]["totals"],
        "merchants": running.refundctl("totals", "--by", "merchant")[1]["totals"],
        "exceptions": running.refundctl("exceptions", "list")[1]["exceptions"],
    }


def amount(text):
    return decimal.Decimal(text or "0")


def compare(checks, report, told, where):
    by_kind = {}
    for row in told["rows"]:
        key = (row["kind"], row["state"])
        count, total = by_kind.get(key, (0, decimal.Decimal(0)))
        by_kind[key] = (count + 1, total + amount(row["amount"]))
    sql = report.sql("select kind, state, sum(transactions), sum(amount) from report.totals_per_day group by kind, state")
    in_sql = {(k, s): (int(n), amount(a)) for k, s, n, a in (line.split("|") for line in sql.splitlines())}
    checks.equal(in_sql, by_kind, f"{where}: transactions by kind and state, SQL against refundctl list")
    for row in told["routes"]:
        for account, name, sign in (("issuer_receivable", "issuer_owes", 1), ("refund_in_transit", "refunds_in_transit", -1),
                                    ("refund_suspense", "refunds_in_suspense", -1)):
            said = report.sql(f"select coalesce(sum(balance), 0) * {sign} from report.balances_per_day where account = "
                              f"'{account}' and party = '{row['route']}'")
            checks.equal(amount(said), amount(row[name]), f"{where}: {name} of {row['route']}, SQL against refundctl totals")
    for row in told["merchants"]:
        said = report.sql("select -coalesce(sum(balance), 0) from report.balances_per_day where account = 'merchant_payable' "
                          f"and party = '{row['merchant']}'")
        checks.equal(amount(said), amount(row["payable"]), f"{where}: payable to {row['merchant']}")
    checks.equal(int(report.sql("select count(*) from report.exceptions where resolution is null")), len(told["exceptions"]),
                 f"{where}: open exceptions")
    checks.equal(report.sql("select count(*) from report.transactions where pan_masked is not null and pan_masked !~ "
                            "'^[0-9]{6}[*]+[0-9]{4}$'"), "0", f"{where}: PANs are masked")
    checks.that(CARD not in report.sql("select * from report.transactions"), f"{where}: no PAN is in it")
    checks.equal(report.sql("select count(*) from report.refunds where sale_rrn is null or sale_amount is null or (state = "
                            "'approved' and sale_amount < amount)"), "0",
                 f"{where}: every refund stands beside its sale")
    over = report.sql("select count(*) from (select sale_rrn, sum(amount) as given, max(sale_amount) as sold from report.refunds "
                      "where state = 'approved' group by sale_rrn) t where given > sold")
    checks.equal(over, "0", f"{where}: no sale is refunded for more than it was")


def of_one_machine(args, checks, nodes):
    report = Report(args, nodes, "report_one")
    with stack.Stack(args) as running:
        trade(checks, running)
        told = seen(running)
        config = running.write_config()
        backup = running.path("backup")
        code, said = running.refundctl("backup", backup, user="admin1")
        checks.equal(code, 0, f"a backup: {said}")
        code, said = report.export(config, backup)
        checks.that(code == 0, f"export of a backup beside a switch that serves: {said}")
        compare(checks, report, told, "a backup")
        checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
        code, said = report.export(config, running.data, hosts="127.0.0.1:1")
        checks.that(code == 1 and "127.0.0.1:1" in said, f"a server that is not there: {said}")
        code, said = report.export(config, running.data, hosts="10.9.9.9:5432")
        checks.that(code == 1 and "needs --tls-ca" in said, f"in clear to another machine: {said}")
        code, said = report.export(config, running.path("nowhere"))
        checks.that(code == 1 and said, f"a directory without a ledger: {said}")
        code, said = report.export(config, running.data)
        checks.that(code == 0 and "new or changed" in said, f"export: {said}")
        compare(checks, report, told, "one machine")
        code, said = report.export(config, running.data)
        checks.that(code == 0 and " 0 new or changed" in said, f"again: {said}")
        compare(checks, report, told, "one machine, exported twice")

        # Cut short: what was there before stays.
        report.sql("update report.transactions set state = 'changed' where kind = 'sale'")
        for wait_ms in (0, 30, 60, 90):  # other moments of it
            process = subprocess.Popen(report.command(config, running.data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            select.select([], [], [], wait_ms / 1000)
            process.send_signal(signal.SIGKILL)
            process.wait()
            changed = report.sql("select count(*) filter (where state = 'changed') in (0, count(*)) from report.transactions "
                                 "where kind = 'sale'")
            checks.equal(changed, "t", f"killed after {wait_ms} ms: all or nothing")
        code, said = report.export(config, running.data)
        checks.that(code == 0, f"after one that was cut short: {said}")
        compare(checks, report, told, "one machine, after a kill")
        report.sql("update report.meta set turn = turn + 1000000")
        code, said = report.export(config, running.data)
        checks.that(code == 1 and "already" in said, f"an older state: {said}")
    return report


def of_a_shard(args, checks, nodes, options, other):
    report = Report(args, nodes, "report_shard")
    with stack.Stack(args, options) as running:
        trade(checks, running)
        told = seen(running)
        config = running.write_config()
        own = running.path("report-copy")
        code, said = report.export(config, own)
        checks.that(code == 0, f"export beside a switch that serves: {said}")
        compare(checks, report, told, "a shard")
        code, said = report.export(config, running.data)
        checks.that(code == 1 and "in use by another process" in said, f"the copy of a switch that runs: {said}")
        code, said = other.export(config, own)
        checks.that(code == 1 and "holds another ledger" in said, f"into the report of another ledger: {said}")
        more = Terminal("unionpay-pos", "10000232", "898110157220001", running.addresses["unionpay-pos"])
        more.connect()
        more.sign_on()
        checks.equal(more.exchange(more.sale(CARD, 777)).code, "00", "a sale after the export")
        told = seen(running)
        code, said = report.export(config, own)
        checks.that(code == 0 and " 0 new or changed" not in said, f"export of what came since: {said}")
        compare(checks, report, told, "a shard, later")
        checks.equal(running.switch.terminate(), 0, "the switch ends as asked")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (nodes, options):
        other = of_one_machine(args, checks, nodes)
        if args.shards in (None, 1):  # with PostgreSQL each shard is a process of its own
            of_a_shard(args, checks, nodes, options, other)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
