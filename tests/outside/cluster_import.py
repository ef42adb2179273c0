#!/usr/bin/env python3
"""A ledger of one machine is moved to PostgreSQL: its switch sells, is stopped, the ledger is imported, and a switch on
PostgreSQL knows every answer, refunds what was sold before, and verifies. What must be refused is: a switch that runs, a
shard that has been used, a directory without a ledger."""
import os
import re
import sys

import ledger_on_postgres
import stack
from terminal import Terminal

CARD = "6212345678900000003"
SALES = 12


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (_, options), stack.Stack(args) as running:
        terminal = Terminal("unionpay-pos", "10000201", "898110157220001", running.addresses["unionpay-pos"])
        terminal.connect()
        terminal.sign_on()
        sales = []
        for i in range(SALES):
            message = terminal.sale(CARD, 1000 + i)
            sales.append((message, terminal.exchange(message)))
        refunded, answer = sales[0]
        first_refund = terminal.refund(refunded, answer, 400)
        refund_answer = terminal.exchange(first_refund)
        checks.equal([a.code for _, a in sales] + [refund_answer.code], ["00"] * (SALES + 1), "answers on one machine")

        running.options = options
        config = running.write_config()
        code, said = ledger_on_postgres.cluster(args, config, "import", "--from", running.data)
        checks.that(code == 1 and "in use by another process" in said, f"import beside a switch that runs: {said}")
        checks.equal(running.switch.terminate(), 0, "the switch on one machine ends as asked")
        code, said = ledger_on_postgres.cluster(args, config, "import", "--from", running.path("nowhere"))
        checks.that(code == 1 and "vault.key" in said, f"import of nothing: {said}")
        code, said = ledger_on_postgres.cluster(args, config, "import", "--from", running.data)
        checks.that(code == 0 and "read back and equal" in said, f"import: {said}")
        turn = re.search(r"up to turn (\d+)", said).group(1)
        code, said = ledger_on_postgres.cluster(args, config, "import", "--from", running.data)
        checks.that(code == 1 and "has been used" in said, f"import a second time: {said}")
        code, said = ledger_on_postgres.cluster(args, config, "status")
        checks.that(code == 0 and f"turn {turn}" in said, f"cluster status: {said}")

        running.data = os.path.join(running.folder, "data-on-postgres")
        running.start_switch()
        terminal.connect(running.addresses["unionpay-pos"])
        for message, before in sales[1:]:
            again = terminal.exchange(message)
            checks.equal((again.code, again.rrn, again.auth), ("00", before.rrn, before.auth), "a sale from before, asked again")
        again = terminal.exchange(first_refund)
        checks.equal((again.code, again.rrn), ("00", refund_answer.rrn), "the refund from before, asked again")
        more = terminal.exchange(terminal.refund(refunded, answer, 600))
        checks.equal(more.code, "00", "the rest of a sale from before is refunded")
        checks.that(more.rrn[4:6] == "00" and more.rrn != refund_answer.rrn, f"its RRN has the shard's code: {more.rrn}")
        over = terminal.exchange(terminal.refund(refunded, answer, 1))
        checks.equal(over.code, "64", "more than the whole sale")
        checks.equal(running.switch.terminate(), 0, "the switch on PostgreSQL ends as asked")
        code, said = running.verify()
        checks.that(code == 0 and "0 orphans" in said, f"--verify: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
