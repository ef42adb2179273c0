#!/usr/bin/env python3
"""Reports and totals of a running stack: what they say agrees with what the terminals did and with each other, wrong
words get a sentence and an exit code, and each report is a page that needs nothing from elsewhere."""
import html.parser
import os
import sys
from decimal import Decimal

import stack
from terminal import Terminal

CARD_A, CARD_B = "6212345678900000003", "4111111111111111"  # refunds by advice, and online
TERMINAL, MERCHANT = "10000181", "898110157220001"
GROUPS = ("route", "merchant", "terminal", "instrument", "reason")
REPORTS = (("reasons",), ("ratio",), ("ratio", "--by", "terminal"), ("ratio", "--by", "day"), ("expiring", "--days", "366"),
           ("ageing",), ("funnel",), ("funnel", "--kind", "sale"), ("funnel", "--kind", "void"))


def work(checks, running, terminal):
    """3 sales (one voided, one reversed), refunds of 30.00, 10.00 and 40.01 of 40.00 (refused), one that stays abnormal,
    and a case with a reason."""
    sale = terminal.sale(CARD_A, 10000)
    sold = terminal.exchange(sale)
    checks.equal(sold.code, "00", "the sale")
    paid = terminal.exchange(terminal.refund(sale, sold, 3000))
    checks.equal(paid.code, "00", "a refund by advice")
    # Its advice must not be the next one that the issuer meets.
    stack.wait_until("the refund by advice is final",
                     lambda: running.refundctl("show", paid.rrn)[1]["state"] == "approved")
    running.issuer_says("issuer-a", "next refund decline 14")
    abnormal = terminal.exchange(terminal.refund(sale, sold, 1000))
    checks.equal(abnormal.code, "00", "a refund that the issuer will refuse")
    checks.equal(terminal.exchange(terminal.refund(sale, sold, 6001)).code, "64", "more than what remains")
    other = terminal.sale(CARD_B, 5000)
    voided = terminal.exchange(other)
    checks.equal(terminal.exchange(terminal.void(other, voided)).code, "00", "a void")
    third = terminal.sale(CARD_B, 700)
    terminal.exchange(third)
    checks.equal(terminal.exchange(terminal.reversal(third)).code, "00", "a reversal")
    stack.wait_until("the refused refund is abnormal",
                     lambda: running.refundctl("show", abnormal.rrn)[1]["state"] == "abnormal")
    date = running.refundctl("show", sold.rrn)[1]["local_date"]
    code, said = running.refundctl("refund", "open", "--rrn", sold.rrn, "--date", date[5:7] + date[8:10], "--amount", "5.00",
                                   "--reason", "quality", "--ref", "report-1", user="maker1")
    checks.equal(code, 0, f"a case is opened: {said}")
    stack.wait_until("all reversals are final", lambda: not running.refundctl("saf", "list")[1]["advices"])
    return abnormal.rrn


def totals_agree(checks, running):
    kinds = {}
    for group in GROUPS:
        code, data = running.refundctl("totals", "--by", group)
        checks.equal(code, 0, f"totals by {group}")
        rows = data["movements"] if "movements" in data else data["totals"]
        sums = {}
        for row in rows:
            count, amount = sums.get(row["kind"], (0, Decimal(0)))
            sums[row["kind"]] = (count + row["count"], amount + Decimal(row["amount"]))
        kinds[group] = sums
        checks.that("unexplained" not in data, f"the accounts are explained by {group}")
    for group in GROUPS:
        checks.equal(kinds[group], kinds["route"], f"totals by {group} agree with those by route")
    checks.equal({kind: str(amount) for kind, (_, amount) in kinds["route"].items()},
                 {"sale": "157.00", "void": "50.00", "reversal": "7.00", "refund": "45.00"},
                 "voids and reversals are rows of their own")
    code, data = running.refundctl("totals", "--by", "reason")
    refunds = {row["reason"]: row["amount"] for row in data["totals"] if row["kind"] == "refund"}
    checks.equal(refunds, {"": "40.00", "quality": "5.00"}, "refunds by their reason")


def reports_agree(checks, running, abnormal):
    code, reasons = running.refundctl("report", "reasons")
    rows = {row["reason"]: row for row in reasons["reasons"]}
    checks.equal((code, reasons["counting"], reasons["amount"]), (0, 3, "45.00"), "refunds that count")
    checks.equal(rows["quality"]["amount"], "5.00", "of one reason")
    checks.equal([(r["rule"], r["count"]) for r in reasons["refusals"]], [("R11", 1)], "why others were refused")
    for by in ("merchant", "terminal", "day"):
        code, ratio = running.refundctl("report", "ratio", "--by", by)
        checks.equal((ratio["sales"], ratio["sold"], ratio["refunds"], ratio["refunded"],
                      ratio["of_amount"]), (1, "100.00", 3, "45.00", "45.0"), f"the ratio by {by}")
        checks.equal(sum(row["refunds"] for row in ratio["ratios"]), 3, f"its rows by {by} add up")
    code, expiring = running.refundctl("report", "expiring", "--days", "366")
    checks.equal((expiring["count"], expiring["remaining"]), (1, "55.00"), "what could still be refunded")
    code, none = running.refundctl("report", "expiring")
    checks.equal(none["count"], 0, "nothing of it leaves its window within a week")
    code, ageing = running.refundctl("report", "ageing")
    waiting = {row["waits"]: row["count"] for row in ageing["waiting"]}
    checks.equal((waiting["abnormal refund"], waiting["case held"]), (1, 1), "what waits for people")
    oldest = {row["waits"]: row for row in ageing["oldest"]}
    checks.that(oldest["abnormal refund"]["oldest"] == abnormal and abnormal in oldest["abnormal refund"]["way_out"],
                f"the oldest is named with its way out: {oldest}")
    code, funnel = running.refundctl("report", "funnel")
    states = {row["state"]: row for row in funnel["states"]}
    checks.equal(funnel["transactions"], 4, "refunds of all states")
    checks.equal((states["advice_pending"]["entered"], states["advice_pending"]["left"], states["abnormal"]["there_now"]),
                 (2, 2, 1), "through which states they went")
    for words in REPORTS:
        code, text = running.refundctl("report", *words, json_output=False)
        checks.equal(code, 0, f"a table of report {' '.join(words)}")


def wrong_words(checks, running):
    for words, code, sentence in (
            (("totals", "--day", "2020-01-01"), 1, "day: 2020-01-01 is no business day of this ledger"),
            (("report", "reasons", "--from", "2020-01-01"), 1, "from: 2020-01-01 is no business day"),
            (("report", "ratio", "--merchant", "898110157229999"), 1, "merchant: no merchant"),
            (("report", "ageing", "--route", "issuer-x"), 1, "route: no route"),
            (("report", "expiring", "--days", "0"), 2, "days: needs a number"),
            (("report", "expiring", "--after", "there"), 1, "after: is no cursor"),
            (("report", "ratio", "--by", "weather"), 2, "by: has to be one of"),
            (("totals", "--by", "weather"), 2, "by: has to be one of"),
            (("report", "ageing", "--html", running.path("no/such/folder/page.html")), 1, "cannot be written")):
        seen, said = running.refundctl(*words, json_output=False)
        checks.that(seen == code and sentence in said, f"{' '.join(words)}: exit {code} and '{sentence}': {seen} {said}")
    # A page is refundctl's to write: the switch knows no such argument.
    line = running.control('{"command":"report ageing","args":{"html":"page.html"}}')
    checks.that('"usage"' in line, f"over the socket it is a wrong argument: {line}")


class Balanced(html.parser.HTMLParser):
    """Counts what a page opens and closes, and what it would fetch."""
    VOID = {"meta", "line", "rect", "polyline", "circle", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.seen = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def pages(checks, running):
    for words in REPORTS:
        name = "-".join(words).replace("--", "")
        path = running.path(f"{name}.html")
        code, said = running.refundctl("report", *words, "--html", path)
        checks.equal(code, 0, f"the page of {name}: {said}")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        page = Balanced()
        page.feed(text)
        checks.that(not page.open and not page.fetched and "script" not in page.seen,
                    f"{name} is whole and fetches nothing: {page.open} {page.fetched}")
        checks.that("svg" in page.seen and "table" in page.seen and "refundctl report" in text, f"{name} has plots and tables")
        checks.that(CARD_A not in text and CARD_B not in text, f"{name} shows no card")


def status(checks, running):
    code, data = running.refundctl("status")
    checks.that(data["uptime_seconds"] >= 0 and data["since"][:2] == "20", "status says since when")
    answers = data["answers"]
    checks.that(answers["count"] > 5 and 0 < answers["p50_us"] <= answers["p99_us"], f"how long answers took: {answers}")
    checks.that("steps" not in answers, "without the histogram")
    code, data = running.refundctl("status", "--steps")
    steps = data["answers"]["steps"]
    checks.equal(sum(step["count"] for step in steps), data["answers"]["count"], "its steps add up")
    text = running.metrics()
    checks.that("refund_switch_answer_seconds_bucket" in text and "refund_switch_start_time_seconds" in text,
                "the same as metrics")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        terminal = Terminal("unionpay-pos", TERMINAL, MERCHANT, running.addresses["unionpay-pos"])
        terminal.connect()
        terminal.sign_on()
        abnormal = work(checks, running, terminal)
        totals_agree(checks, running)
        reports_agree(checks, running, abnormal)
        wrong_words(checks, running)
        pages(checks, running)
        status(checks, running)
        if args.keep:
            print(os.path.join(running.folder, "*.html"))
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
