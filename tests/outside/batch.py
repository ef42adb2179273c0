#!/usr/bin/env python3
"""A batch of refunds (R100) as two people run it, with kill -9 while its file is handed over and twice while its lines
run. Afterwards every line is in one state, every refund that the batch calls approved stands once in its issuer's
journal, none that it does not know, and a second submission of the same file pays nothing."""
import csv
import random
import sys
import threading
import time

import stack
from terminal import Terminal

CARDS = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
MERCHANT, TERMINAL = "898110157220001", "10000271"
HEAD = ["line_ref", "rrn", "date", "amount", "reason"]
EXPORTED = HEAD + ["state", "code", "rule", "words", "refund_rrn"]
SALE_MINOR = 10_000
FINAL = ("approved", "declined", "reversed", "refused")
REASONS = ("quality", "service", "mistake", "promise", "duplicate", "other")


def add_arguments(parser):
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--lines-per-sale", type=int, default=3)
    parser.add_argument("--rate", type=int, default=100, help="lines_per_second of the switch")
    parser.add_argument("--seed", type=int, default=1)


class Batch:
    def __init__(self, args, checks, running):
        self.args, self.checks, self.running = args, checks, running
        self.chance = random.Random(args.seed)
        self.path = running.path("refunds.csv")
        self.rows = []  # as in the file

    def ctl(self, user, *words):
        return self.running.refundctl(*words, user=user)

    def does(self, user, *words):
        code, data = self.ctl(user, *words)
        self.checks.equal(code, 0, f"{user}: {' '.join(words)}: {data}")
        return data

    def refused(self, user, expected, *words):
        code, data = self.ctl(user, *words)
        self.checks.equal(code, 1, f"{user}: {' '.join(words)}: {data}")
        self.checks.that(expected in str(data), f"{' '.join(words)}: {expected!r} is said: {data}")

    # The file

    def sell(self):
        """So many sales, of both issuers; their RRNs and local dates."""
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, self.running.addresses["unionpay-pos"])
        terminal.sign_on()
        sold = []
        for n in range(-(-self.args.lines // self.args.lines_per_sale)):
            card = CARDS["issuer-a" if n % 4 else "issuer-b"]  # most by advice, some online
            reply = terminal.exchange(terminal.sale(card, SALE_MINOR))
            self.checks.equal(reply.code, "00", f"sale {n}")
            sold.append((reply.rrn, reply.fields[13]))
        terminal.close()
        return sold

    def write(self, rows, path=None):
        with open(path or self.path, "w", newline="", encoding="utf-8") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(HEAD)
            out.writerows(rows)

    def make_file(self):
        sold = self.sell()
        most = SALE_MINOR // self.args.lines_per_sale
        for n in range(self.args.lines):
            rrn, date = sold[n // self.args.lines_per_sale]
            amount = self.chance.randrange(1, most)
            self.rows.append([f"L-{n + 1}", rrn, date, f"{amount // 100}.{amount % 100:02d}", self.chance.choice(REASONS)])
        self.chance.shuffle(self.rows)
        self.write(self.rows)

    # What people do

    def validate(self):
        data = self.does("maker1", "batch", "validate", self.path, "--merchant", MERCHANT)
        self.checks.equal((data["lines"], data["good"], data["bad"]), (self.args.lines, self.args.lines, 0), "validate")
        bad = self.running.path("bad.csv")
        rows = [list(r) for r in self.rows[:20]]
        rows[3][3], rows[7][1], rows[11][4] = "100.01", "000000000000", "qualty"
        rows[15][0] = rows[14][0]
        self.write(rows, bad)
        code, data = self.ctl("maker1", "batch", "validate", bad, "--merchant", MERCHANT)
        self.checks.equal((code, data["bad"]), (1, 4), f"validate of a file with bad lines: {data}")
        for line, words in ((5, "R11"), (9, "R23"), (13, "did you mean quality?"), (17, "line_ref")):
            self.checks.that(any(f.startswith(f"bad.csv:{line}: ") and words in f for f in data["faults"]),
                             f"line {line} is named with {words}: {data['faults']}")
        self.refused("maker1", "bad.csv:13: reason", "batch", "submit", bad, "--merchant", MERCHANT, "--ref", "BAD")

    def submit(self):
        words = ("batch", "submit", self.path, "--merchant", MERCHANT, "--ref", "RUN-1")
        # The switch dies while the file is handed over, or just before or after; the same command goes on.
        code = []
        sender = threading.Thread(target=lambda: code.append(self.ctl("maker1", *words)[0]))
        sender.start()
        sender.join(0.05)
        self.running.kill_switch()
        sender.join()
        self.checks.that(code[0] in (0, 1, 3), f"a submit that the kill met ends with {code[0]}")
        self.running.start_switch()
        data = self.does("maker1", *words)
        self.checks.equal((data["lines"], data["state"], data["maker"]), (self.args.lines, "waiting", "maker1"), "submit")
        total = sum(int(r[3].replace(".", "")) for r in self.rows)
        self.checks.equal(data["sum"], f"{total // 100}.{total % 100:02d}", "its sum")
        return data

    def approve(self, submitted):
        listed = self.does("checker1", "proposals", "list")["proposals"]
        self.checks.that([p for p in listed if p["proposal"] == submitted["batch"] and p["action"] == "batch"],
                         f"proposals list names it: {listed}")
        self.refused("maker1", "role supervisor", "batch", "approve", "RUN-1")
        self.refused("checker1", "is of the file", "batch", "approve", "RUN-1", "--digest", "0" * 64)
        self.does("checker1", "batch", "approve", "RUN-1", "--digest", submitted["digest"])

    def status(self):
        return self.ctl("maker1", "batch", "status", self.path)[1]  # named by its file

    def run_with_kills(self):
        began = time.monotonic()
        for part in (3, 3 / 2):
            stack.wait_until(f"{self.args.lines / part:.0f} lines are judged",
                             lambda: self.status()["judged"] >= self.args.lines / part, seconds=3600)
            self.running.kill_switch()
            self.running.start_switch()
        stack.wait_until("all lines are judged", lambda: self.status()["state"] == "done", seconds=3600)
        took = time.monotonic() - began
        stack.wait_until("all refunds are final", lambda: {c["state"] for c in self.status()["counts"]} <= set(FINAL),
                         seconds=600)
        print(f"{self.args.lines} lines in {took:.1f} s over two kills, {self.args.lines / took:.0f} a second; "
              f"resident at most {self.resident_mib()} MiB", flush=True)

    def resident_mib(self):
        with open(f"/proc/{self.running.switch.process.pid}/status", encoding="utf-8") as f:
            return next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmHWM"))

    # What became of it

    def exported(self):
        path = self.running.path("export.csv")
        self.does("maker1", "batch", "export", "RUN-1", "--csv", path)
        with open(path, newline="", encoding="utf-8") as f:
            table = list(csv.reader(f))
        self.checks.equal(table[0], EXPORTED, "columns of the export")
        return [dict(zip(EXPORTED, row)) for row in table[1:]]

    def compare(self):
        lines = self.exported()
        self.checks.equal([[line[c] for c in HEAD] for line in lines], self.rows, "every line is there, in its order")
        counted = {c["state"]: c["lines"] for c in self.status()["counts"]}
        seen = {}
        for line in lines:
            seen[line["state"]] = seen.get(line["state"], 0) + 1
        self.checks.equal(seen, counted, "counts of the status are those of the export")
        self.checks.equal(sum(seen.values()), self.args.lines, "no line is lost")
        self.checks.equal(seen.get("refused", 0), 0, "none is refused")
        booked = {}
        for name in stack.ISSUERS:
            for entry in self.running.journal(name):
                if entry["kind"] == "refund":
                    booked.setdefault(entry["rrn"], []).append(entry["amount"])
        undone = {e["rrn"] for name in stack.ISSUERS for e in self.running.journal(name)
                  if e["kind"] == "reversal" and e["of"] == "refund"}
        for line in lines:
            amounts = booked.pop(line["refund_rrn"], [])
            wanted = [int(line["amount"].replace(".", ""))]
            name = f"{line['line_ref']} ({line['state']})"
            if line["state"] == "approved":
                self.checks.equal(line["code"], "00", f"{name}: code")
                self.checks.equal(amounts, wanted, f"{name} is booked once")
                self.checks.that(line["refund_rrn"] not in undone, f"{name} stands")
            else:
                self.checks.that(not amounts or line["refund_rrn"] in undone, f"{name} is not paid")
        self.checks.equal(booked, {}, "the issuers know no other refund")
        self.checks.that(seen["approved"] >= self.args.lines * 9 // 10, f"most are approved: {seen}")
        return len(lines)

    def submit_again(self):
        before = [len(self.running.journal(name)) for name in stack.ISSUERS]
        data = self.does("maker2", "batch", "submit", self.path, "--merchant", MERCHANT, "--ref", "RUN-1")
        self.checks.equal(data["state"], "done", "the same file again is the same batch")
        self.refused("maker1", "neither paused nor done" if data["state"] != "done" else "refused lines", "batch", "resume",
                     "RUN-1")
        self.checks.equal([len(self.running.journal(name)) for name in stack.ISSUERS], before, "and pays nothing")

    def look(self):
        line = next(line for line in self.exported() if line["state"] == "approved")
        shown = self.does("maker1", "show", line["refund_rrn"])
        self.checks.equal((shown["refund_batch"], shown["reason"], shown["maker"], shown["checker"]),
                          (self.status()["batch"], line["reason"], "maker1", "checker1"), "show names its batch")
        words = " ".join(self.does("maker1", "explain", line["refund_rrn"])["words"])
        self.checks.that("of batch B" in words and "(R100)" in words, f"explain names its line and batch: {words}")
        self.checks.equal(self.does("maker1", "batch", "list")["batches"][0]["reference"], "RUN-1", "batch list")
        self.does("security1", "audit", "verify")


def main():
    args = stack.arguments(__doc__, add_arguments)
    checks = stack.Checks()
    options = [(r"\[limits\]\n", f"[limits]\nlines_per_second = {args.rate}\n")]
    with stack.Stack(args, options) as running:
        batch = Batch(args, checks, running)
        batch.make_file()
        batch.validate()
        batch.approve(batch.submit())
        batch.run_with_kills()
        batch.compare()
        batch.submit_again()
        batch.look()
        running.switch.terminate()
        code, said = running.verify()
        checks.equal(code, 0, f"--verify: {said}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
