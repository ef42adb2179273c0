#!/usr/bin/env python3
"""Reconciliation as operations would use it (R101): a day's traffic, the issuers' own journals, and copies of them that
somebody bent. Every kind of difference is found under its name, a later file resolves what it can, bad files change
nothing, a kill -9 in the middle of an import costs nothing. --lines N: a file of so many lines, timed."""
import json
import sys
import time

import stack
from terminal import Terminal

TERMINAL, MERCHANT = "10000191", "898110157220001"
OTHER_TERMINAL, OTHER_MERCHANT = "60000003", "898110157220006"  # of two shards the second's
CARD = {"issuer-a": "6212345678900000003", "issuer-b": "4111111111111111"}
NOTE = ("--note", "their file of the next day says so")


class Office:
    """People at refundctl."""

    def __init__(self, checks, running):
        self.checks, self.running = checks, running

    def does(self, *words, user="maker1"):
        code, data = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 0, f"{user}: {' '.join(words)}: {data}")
        return data

    def refused(self, expected, *words, user="maker1", code=1):
        seen, answer = self.running.refundctl(*words, user=user, json_output=False)
        self.checks.equal(seen, code, f"{user}: {' '.join(words)}: {answer}")
        self.checks.that(expected in answer, f"{user}: {' '.join(words)}: {expected!r} is said: {answer}")

    def differences(self, *words):
        return {d["ref"] + "/" + d["route"]: d for d in self.does("recon", "list", *words)["differences"]}

    def file(self, name, lines):
        path = self.running.path(name)
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
        return path


def drained(running):
    stack.wait_until("everything has reached its issuer", lambda: not running.refundctl("saf", "list")[1]["advices"])


def traffic(checks, terminal, issuer):
    """A sale of each fate; by name: the RRN of what has a booking of its own."""
    made = {}

    def sale(name, amount):
        message = terminal.sale(CARD[issuer], amount)
        reply = terminal.exchange(message)
        checks.equal(reply.code, "00", f"{issuer}: {name}")
        made[name] = reply.rrn
        return message, reply

    for number in range(8):
        sale(f"plain{number}", 1000 + number)
    message, sold = sale("refunded", 5000)
    refund = terminal.exchange(terminal.refund(message, sold, 2000))
    checks.equal(refund.code, "00", f"{issuer}: refund")
    made["refund"] = refund.rrn
    message, sold = sale("voided", 6000)
    checks.equal(terminal.exchange(terminal.void(message, sold)).code, "00", f"{issuer}: void")
    message, _ = sale("reversed", 7000)
    checks.equal(terminal.exchange(terminal.reversal(message)).code, "00", f"{issuer}: reversal")
    return made


def everything_matches(office, day, made):
    for issuer in CARD:
        text = office.does("recon", "import", "--route", issuer, office.running.journal_path(issuer))
        office.checks.equal((text["state"], text["bad"]), ("done", 0), f"{issuer}: its journal is taken")
    report = office.does("recon", "run", "--day", day)
    office.checks.equal(report["differences_count"], 0, f"nothing differs: {report['differences']}")
    complete = [r["route"] for r in report["routes"] if r["complete"]]
    office.checks.equal(complete, list(CARD), f"every route with a file is complete: {report['routes']}")
    office.checks.equal(report["ours"], report["theirs"], "both sums are the same")
    office.checks.that(report["transactions"] >= sum(len(m) for m in made.values()), "every transaction was compared")
    issuer, rrn = "issuer-a", made["issuer-a"]["plain0"]
    office.checks.equal(office.does("show", rrn).get("reconciliation"), "reconciled (matched)", f"{issuer}: show")
    again = office.running.refundctl("recon", "import", "--route", issuer, office.running.journal_path(issuer),
                                     user="maker1", json_output=False)
    office.checks.that(again[0] == 0 and "was imported before" in again[1], f"the same file again says so: {again}")


def bent(journal, made):
    """A copy of a journal with a difference of each kind, and what each is to be called."""
    expected, lines = {}, []
    by_rrn = {rrn: name for name, rrn in made.items()}
    for line in journal:
        line, name = dict(line), by_rrn.get(line["rrn"])
        if name == "plain0":
            expected[line["rrn"]] = "missing_there"
            continue
        if name == "plain1":
            line["amount"] += 1
            expected[line["rrn"]] = "amount_differs"
        if name == "plain2":
            line["pan_last4"] = "4242"
            expected[line["rrn"]] = "wrong_card"
        if name == "plain3":
            line["merchant"] = "898110157220004"
            expected[line["rrn"]] = "wrong_merchant"
        if name == "plain5":
            lines.append(dict(line))
            expected[line["rrn"]] = "amount_differs"  # booked twice
        if name == "refund":
            line["kind"] = "sale"
            expected[line["rrn"]] = "amount_differs"
        lines.append(line)
    stranger = dict(journal[0], rrn="999912345678", kind="sale", amount=4711)
    stranger.pop("of", None)
    lines.append(stranger)
    expected["999912345678"] = "missing_here"
    return lines, expected


def each_kind_is_found(office, day, made):
    """`made`: traffic that no file has spoken of yet."""
    lines, expected = bent(office.running.journal("issuer-b"), made)
    foreign = dict(office.running.journal("issuer-a")[0])
    lines.append(foreign)
    expected[foreign["rrn"]] = "wrong_route"
    taken = office.does("recon", "import", "--route", "issuer-b", office.file("bent.journal", lines))
    office.checks.equal(taken["state"], "done", "the bent file is taken")
    report = office.does("recon", "run", "--day", day)
    found = {d["ref"]: d for d in office.differences().values() if d["route"] == "issuer-b"}
    for rrn, status in sorted(expected.items()):
        office.checks.equal(found.get(rrn, {}).get("status"), status, f"{rrn} is found")
    office.checks.equal(sorted(found), sorted(expected), "and nothing else is")
    office.checks.equal(report["differences_count"], len(expected), "the report counts them")
    open_ones = {x["id"]: x for x in office.does("exceptions", "list", "--limit", "200")["exceptions"]}
    for rrn, difference in found.items():
        exception = open_ones.get(difference["exception"], {})
        office.checks.equal(exception.get("kind"), "recon_" + difference["status"], f"{rrn}: its exception")
        office.checks.equal(exception.get("owner"), "operations", f"{rrn}: its owner")
        office.checks.equal(exception.get("alarm"), difference["status"].startswith("wrong_"), f"{rrn}: red or not")
        office.checks.that(str(exception.get("way_out", "")).startswith("recon resolve"), f"{rrn}: the way out")
    return found


def a_later_file_resolves(office, found, made):
    """The journal as it really is: by the same time and number its lines stand for the bent ones. What was booked twice
    or as something else stays booked, until the issuer takes it back or a person closes it."""
    path = office.file("true.journal", office.running.journal("issuer-b") + ["\n"])
    office.does("recon", "import", "--route", "issuer-b", path)
    left = {d["ref"]: d["status"] for d in office.differences().values() if d["route"] == "issuer-b"}
    still = {ref: d["status"] for ref, d in found.items()
             if d["status"] in ("missing_here", "wrong_route") or ref in (made["plain5"], made["refund"])}
    office.checks.equal(left, still, "what the true journal says is resolved, what nobody takes back stays")
    office.refused("role supervisor", "recon", "resolve", "999912345678", *NOTE)
    office.refused("note", "recon", "resolve", "999912345678", user="checker1", code=2)
    office.refused("no open difference", "recon", "resolve", "999912345679", *NOTE, user="checker1")
    for ref, status in left.items():
        office.does("recon", "resolve", ref, "--route", "issuer-b", *NOTE, user="checker1")
    office.checks.equal(office.differences(), {}, "people close the rest")
    planted = planted_again(office)["exception"]
    office.refused("stands for a difference", "exceptions", "resolve", planted, *NOTE, user="checker1")
    office.does("recon", "resolve", planted, *NOTE, user="checker1")


def planted_again(office):
    line = dict(office.running.journal("issuer-b")[0], rrn="999912345670", kind="sale", amount=1)
    line.pop("of", None)
    office.does("recon", "import", "--route", "issuer-b", office.file("one.journal", [line]))
    return office.differences()["999912345670/issuer-b"]


def bad_files(office):
    good = office.running.journal("issuer-b")[0]
    path = office.file("bad.journal", [good, "{\n", dict(good, amount=-1), dict(good, kind="loan")])
    code, answer = office.running.refundctl("recon", "import", "--route", "issuer-b", path, user="maker1")
    office.checks.equal(code, 1, f"a bad file is refused: {answer}")
    office.checks.equal([f["fault"].startswith(f"{path}:{n}:") for f, n in zip(answer["faults"], (2, 3, 4))],
                        [True] * 3, f"each bad line is named: {answer['faults']}")
    csv = office.file("cards.csv", ["rrn,kind,amount,time,pan_last4\n",
                                    f"999912345671,sale,1.00,2026-01-01,{CARD['issuer-b']}\n"])
    office.refused("card's number in clear", "recon", "import", "--route", "issuer-b", csv)
    office.refused("no route is named", "recon", "import", "--route", "issuer-x", path)
    office.refused("cannot be read", "recon", "import", "--route", "issuer-b", path + ".none")
    office.refused("no business day", "recon", "run", "--day", "2020-01-01")
    office.refused("was not compared", "recon", "report", "--day", "2020-01-01")
    office.refused("day", "recon", "run", "--day", "yesterday", code=2)
    office.checks.equal([d for d in office.differences() if d.startswith("999912345671")], [], "and changed nothing")


def pages(office, day):
    html, csv = office.running.path("day.html"), office.running.path("day.csv")
    office.does("recon", "report", "--day", day, "--html", html, "--csv", csv)
    with open(html, encoding="utf-8") as page:
        text = page.read()
    office.checks.that("<script" not in text and "http" not in text.replace("http://www.w3.org", ""),
                       "the page needs no network and no script")
    office.checks.that("issuer-b" in text and day in text, "the page names routes and day")
    with open(csv, encoding="utf-8") as table:
        head = table.readline()
    office.checks.that(head.startswith("route,merchant,transactions"), f"the sums as CSV: {head}")
    entries = office.running.path("entries.csv")
    office.does("recon", "list", "--state", "all", "--day", day, "--csv", entries)
    with open(entries, encoding="utf-8") as table:
        rows = sum(1 for _ in table) - 1
    office.checks.equal(rows, office.does("recon", "report")["transactions"], "every entry of the day as CSV")


def many_lines(count, journal):
    """Sales that we do not have, each taken back: they end alike on both sides."""
    template = dict(journal[0], kind="sale", amount=100)
    template.pop("of", None)
    for number in range(count // 2):
        line = dict(template, rrn="9998%08d" % number, stan="%06d" % (number % 1000000))
        yield line
        yield dict(line, kind="reversal", of="sale")


def killed_in_the_middle(office, day, count):
    """kill -9 of the switch while it imports, and of refundctl; the same command goes on where it was."""
    running = office.running
    path = office.file("many.journal", many_lines(count, running.journal("issuer-a")))
    began = time.monotonic()
    client = stack.subprocess.Popen([running.program("refundctl"), "--socket", running.ready["control"], "--as", "maker1",
                                     "recon", "import", "--route", "issuer-a", path],
                                    stdout=stack.subprocess.DEVNULL, stderr=stack.subprocess.DEVNULL)

    def newest():
        code, data = running.refundctl("recon", "files", "--limit", "1")
        return data["files"][0] if code == 0 and data["files"] else {}

    stack.wait_until("the file is being applied", lambda: newest().get("name") == "many.journal" and
                     newest().get("new", 0) > 0, seconds=120, every=0.02)
    running.kill_switch()
    client.kill()
    client.wait()
    running.start_switch()
    after = newest()
    office.checks.that(after["state"] in ("applying", "judging"), f"it goes on behind the crash: {after}")
    code, answer = stack_refundctl(running, "recon", "import", "--route", "issuer-a", path)
    office.checks.equal(code, 0, f"the same command follows it to its end: {answer}")
    office.checks.equal((answer["lines"], answer["new"], answer["known"]), (count, count, 0), "each line counts once")
    seconds = time.monotonic() - began
    compared = time.monotonic()
    report = json.loads(stack_refundctl(running, "recon", "run", "--day", day, raw=True)[1])["data"]
    office.checks.equal(report["differences_count"], 0, "and all of it is alike")
    print(f"{count} lines: imported in {seconds:.1f} s with a kill -9 between, the day compared in "
          f"{time.monotonic() - compared:.1f} s", flush=True)


def stack_refundctl(running, *words, raw=False):
    """As Stack.refundctl, for what takes longer than a minute."""
    run = stack.subprocess.run([running.program("refundctl"), "--socket", running.ready["control"], "--as", "maker1",
                                "--json", *words], capture_output=True, text=True, timeout=1800)
    return run.returncode, run.stdout if raw else json.loads(run.stdout)["data"]


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument("--lines", type=int, default=3000))
    checks = stack.Checks()
    with stack.Stack(args) as running:
        office = Office(checks, running)
        terminal, other = (Terminal("unionpay-pos", *of, running.addresses["unionpay-pos"])
                           for of in ((TERMINAL, MERCHANT), (OTHER_TERMINAL, OTHER_MERCHANT)))
        for one in (terminal, other):
            one.connect()
            one.sign_on()
        made = {issuer: traffic(checks, one, issuer) for issuer, one in zip(CARD, (terminal, other))}
        drained(running)
        day = office.does("day", "status")["business_date"]
        office.refused("no file that was imported covers", "recon", "run", "--day", day)
        everything_matches(office, day, made)
        more = traffic(checks, other, "issuer-b")
        drained(running)
        found = each_kind_is_found(office, day, more)
        a_later_file_resolves(office, found, more)
        bad_files(office)
        pages(office, day)
        killed_in_the_middle(office, day, args.lines // 2 * 2)
        terminal.close()
        other.close()
        running.kill_switch()
        code, text = running.verify()
        checks.equal(code, 0, f"--verify finds nothing: {text}")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
