#!/usr/bin/env python3
"""Lists as their users go through them: pages by the cursor of the last line, filters, files for a spreadsheet and for
a program, one moment for all pages of a file, and a chain of audit entries that a third party verifies from its export
with SHA-256 and docs/ledger_format.md alone."""
import csv
import hashlib
import io
import json
import os
import re
import socket
import sys

import stack
from terminal import Terminal

CARD_A, CARD_B = "6212345678900000003", "4111111111111111"
TERMINAL, MERCHANT = "10000181", "898110157220001"
FORMULA = "=HYPERLINK(\"http://x\",\"pay\")"
LISTS = ("list", "find", "refund list", "abnormal list", "proposals list", "dispute list", "saf list",
         "exceptions list", "routes list", "merchants list", "terminals list", "keys list")


class Desk:
    def __init__(self, checks, running):
        self.checks, self.running = checks, running

    def says(self, *words, user=None, code=0):
        """What a person sees."""
        seen, text = self.running.refundctl(*words, user=user, json_output=False)
        self.checks.equal(seen, code, f"exit code of {' '.join(words)}: {text[-300:]}")
        return text

    def data(self, *words, user=None):
        code, data = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 0, f"{' '.join(words)}: {data}")
        return data


def make_some(checks, desk, terminal):
    """Sales, refunds and a case whose reference a spreadsheet would take for a formula; returns the sales' RRNs."""
    rrns = []
    for amount in (1000, 2000, 3000, 4000, 5000):
        sale = terminal.sale(CARD_A, amount)
        sold = terminal.exchange(sale)
        rrns.append(sold.rrn)
        refund = terminal.exchange(terminal.refund(sale, sold, 500))
        checks.equal((sold.code, refund.code), ("00", "00"), "a sale and a refund of a part")
    case = desk.data("refund", "open", "--rrn", rrns[0], "--date", sold.fields[13], "--amount", "1.00", "--reason",
                     "quality", "--note", "customer, \"left\"", "--ref", FORMULA, user="maker1")["case"]
    return rrns, case


def pages(checks, desk):
    whole = desk.data("list")
    rrns = [t["rrn"] for t in whole["transactions"]]
    checks.equal((whole["list"], whole["cut"], len(rrns)), ("transactions", False, 11), "the whole list")
    checks.equal(rrns, sorted(rrns, reverse=True), "newest first")
    seen, after = [], []
    while True:
        text = desk.says("list", "--limit", "4", *after)
        seen += re.findall(r"^(\d{12})  ", text, re.M)
        last = text.rstrip("\n").split("\n")[-1]
        cut = re.fullmatch(r"cut here: go on with --after (\S+)", last)
        if not cut:
            break
        after = ["--after", cut.group(1)]
    checks.equal(seen, rrns, "by the cursors of the last lines it is the same list")
    return rrns


def wrong_words(checks, desk):
    for words, said in ((("list", "--route", "issuer-x"), "route: no route of that name"),
                        (("list", "--merchant", "898110157229999"), "merchant: no merchant 898110157229999"),
                        (("find", "--terminal", "99999999"), "terminal: no terminal 99999999"),
                        (("list", "--day", "2020-01-01"), "2020-01-01 is no business day"),
                        (("exceptions", "list", "--to", "2099-01-01"), "2099-01-01 is no business day"),
                        (("exceptions", "list", "--kind", "typo"), "kind: no exception of that kind"),
                        (("list", "--after", "nonsense"), "after: is no cursor of this list"),
                        (("list", "--after", "advices.632500000001"), "after: is no cursor of this list"),
                        (("keys", "list", "--after", "transactions.1"), "after: is no cursor of this list")):
        checks.that(said in desk.says(*words, code=1), f"{' '.join(words)} says {said!r}")
    for words, said in ((("list", "--limit", "0"), "limit: needs a number"),
                        (("list", "--limit", "1001"), "limit: needs a number from 1 to 1000"),
                        (("list", "--limit", "x", "--csv", "-"), "limit: needs a number"),
                        (("list", "--state", "lost"), "state: has to be one of"),
                        (("list", "--csv", "a", "--jsonl", "b"), "csv: stands instead of jsonl"),
                        (("status", "--csv", "a"), "--csv"),
                        (("list", "--json", "--csv", "-"), "json: the rows are on stdout")):
        checks.that(said in desk.says(*words, code=2), f"{' '.join(words)} says {said!r}")


def files(checks, desk, rrns, case):
    path = desk.running.path("day.csv")
    day = desk.data("status")["business_date"]
    said = desk.says("list", "--day", day, "--csv", path)
    checks.equal(said, f"11 rows are in {path}\n", "what it says of the file")
    with open(path, encoding="utf-8", newline="") as f:
        text = f.read()
    checks.equal(text.count("\r\n"), 12, "lines end as RFC 4180 says")
    rows = list(csv.DictReader(io.StringIO(text)))
    checks.equal([r["rrn"] for r in rows], rrns, "the file has the list's rows in its order")
    checks.that(all(r["business_date"] == day and r["currency"] == "156" for r in rows), "day and currency")
    checks.equal([r["reference"] for r in rows if r["rrn"] == case], ["'" + FORMULA], "a formula is a text")
    checks.that(CARD_A not in text and "621234*********0003" in text, "cards are masked")
    checks.equal(desk.says("list", "--day", day, "--csv", "-"), text.replace("\r\n", "\n"), "the same to stdout")
    lines = [json.loads(line) for line in desk.says("list", "--jsonl", "-").splitlines()]
    checks.equal(lines, desk.data("list")["transactions"], "as JSON lines")
    code, answer = desk.running.refundctl("list", "--limit", "3", "--csv", path)
    checks.equal((code, answer["rows"], answer["cut"]), (0, 3, True), "a limit cuts the file")
    rest = desk.says("list", "--after", answer["next"], "--csv", "-")
    checks.equal(len(rest.splitlines()), 9, "and the cursor has the rest")
    desk.says("list", "--csv", desk.running.path("none/day.csv"), code=1)
    checks.equal([n for n in os.listdir(desk.running.folder) if n.endswith(".part")], [], "nothing half-written stays")
    for words in LISTS:
        desk.says(*words.split(), "--csv", "-")
    sales = [r["rrn"] for r in csv.DictReader(io.StringIO(desk.says("list", "--kind", "sale", "--csv", "-")))]
    checks.equal(len(sales), 5, "only sales")
    found = desk.data("find", "--reference", FORMULA)["transactions"]
    checks.equal([t["rrn"] for t in found], [case], "find by reference")


class Line:
    """The control protocol, a line each way."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")

    def ask(self, **request):
        self.file.write(json.dumps(request).encode() + b"\n")
        self.file.flush()
        return json.loads(self.file.readline())

    def close(self):
        self.file.close()
        self.socket.close()


def one_moment(checks, desk, terminal, case):
    """What happens between two pages is in neither."""
    control = desk.running.ready["control"]
    held, other = Line(control), Line(control)
    page = {"command": "list", "args": {"limit": "5"}}
    first = held.ask(**page, snapshot="hold")["data"]
    desk.data("refund", "reject", case, "--reason", "no proof", user="checker1")
    terminal.exchange(terminal.sale(CARD_B, 700))
    seen = first["transactions"]
    while first["cut"]:
        page["args"]["after"] = first["next"]
        first = held.ask(**page, snapshot="hold")["data"]
        seen += first["transactions"]
    checks.equal(len(seen), 11, "the new sale is on no page")
    state = {t["rrn"]: t["state"] for t in seen}[case]
    checks.equal(state, "held", "the case is as it was at the first page")
    again = held.ask(command="list", snapshot="hold")["data"]["transactions"]
    checks.equal(again, seen, "the snapshot is held as long as its connection stands")
    checks.equal(len(other.ask(command="list")["data"]["transactions"]), 12, "a list of now has it")
    # As many as allowed; one that ends makes room.
    more = [Line(control) for _ in range(4)]
    answers = [line.ask(command="list", snapshot="hold") for line in more]
    checks.equal([a["ok"] for a in answers], [True, True, True, False], "a fifth snapshot is refused")
    checks.that("try again later" in answers[-1]["text"], f"with a sentence: {answers[-1]}")
    held.close()
    stack.wait_until("a reader that ends gives its snapshot back",
                     lambda: more[-1].ask(command="list", snapshot="hold")["ok"])
    for line in [other, *more]:
        line.close()


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def audit_fields(data):
    """Sequence, time, texts and previous hash of an entry's bytes, by docs/ledger_format.md, "Audit chain"."""
    sequence, at = int.from_bytes(data[1:9], "big"), 9
    zigzag, at = varint(data, at)
    texts = []
    for _ in range(4):
        length, at = varint(data, at)
        texts.append(data[at:at + length].decode())
        at += length
    return sequence, (zigzag >> 1) ^ -(zigzag & 1), texts, data[at:at + 32]


def third_party(checks, lines, what):
    """Verifies an export: each entry is its bytes, and holds the hash of the one before."""
    before = bytes(32)
    for number, line in enumerate(lines, 1):
        data = bytes.fromhex(line["bytes"])
        sequence, utc_ms, texts, previous = audit_fields(data)
        shown = [int(line["entry"]), int(line["utc_ms"]), [line[n] for n in ("user", "role", "action", "detail")]]
        good = ([sequence, utc_ms, texts] == shown and sequence == number and previous == before
                and bytes.fromhex(line["previous_hash"]) == before
                and hashlib.sha256(data).digest() == bytes.fromhex(line["hash"]))
        checks.that(good, f"{what}: entry {number} is proved by its bytes")
        before = hashlib.sha256(data).digest()
    return before.hex().upper()


def audit(checks, desk):
    checks.that("security_officer" in desk.says("audit", "list", code=1), "the audit log is not a viewer's")
    entries = desk.data("audit", "list", user="security1")["entries"]
    checks.equal([e["action"] for e in entries], ["refund.reject", "refund.open", "audit.keyed"], "newest first")
    mine = desk.data("audit", "list", "--user", "maker1", "--command", "refund open", user="security1")["entries"]
    checks.equal([(e["user"], e["role"]) for e in mine], [("maker1", "operator")], "by whom and what")
    table = list(csv.DictReader(io.StringIO(desk.says("audit", "list", "--csv", "-", user="security1"))))
    checks.equal([r["entry"] for r in table], ["3", "2", "1"], "as CSV")
    verified = desk.data("audit", "verify", user="security1")
    lines = [json.loads(line) for line in desk.says("audit", "export", user="security1").splitlines()]
    checks.equal(len(lines), verified["entries"], "the export is the whole chain")
    checks.equal(third_party(checks, lines, "JSON lines"), verified["head"], "and ends in its head")
    path = desk.running.path("audit.csv")
    desk.says("audit", "export", "--csv", path, user="security1")
    with open(path, encoding="utf-8", newline="") as f:
        checks.equal(third_party(checks, list(csv.DictReader(f)), "CSV"), verified["head"], "the same as CSV")
    forged = [dict(line) for line in lines]
    forged[0]["user"] = "maker2"
    quiet = stack.Checks()
    sys.stdout.flush()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        stdout, sys.stdout = sys.stdout, nowhere
        third_party(quiet, forged, "forged")
        sys.stdout = stdout
    checks.equal(len(quiet.broken), 1, "a changed line of an export is found")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        desk = Desk(checks, running)
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        checks.equal(terminal.sign_on().code, "00", "sign-on")
        _, case = make_some(checks, desk, terminal)
        rrns = pages(checks, desk)
        wrong_words(checks, desk)
        files(checks, desk, rrns, case)
        one_moment(checks, desk, terminal, case)
        audit(checks, desk)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
