"""Scenes of the operators' day: parties, keys, files, reports, and the day itself."""
import csv
import json
import os
import pty
import select
import subprocess

import stack
from day_desk import CARD_A, CARD_B, MERCHANT, NOTE, TERMINAL

# Of the ceremony; they protect nothing.
COMPONENTS = ("1F0E1D0C1B0A190817061504130211001F0E1D0C1B0A19081706150413021101",
              "2A3B4C5D6E7F8091A2B3C4D5E6F708192A3B4C5D6E7F8091A2B3C4D5E6F70819")
PASSPHRASES = ("an unlikely first phrase", "an unlikely second phrase")


def parties(desk, till):
    with desk.task("a merchant is suspected"):
        desk.right("merchants", "list", says=("898110157220005", "at most 500.00"))
        desk.right("merchants", "suspend", MERCHANT, user="checker1")
        desk.right("merchants", "resume", MERCHANT, user="checker1")
    with desk.task("... or only its refunds"):
        desk.right("merchants", "disable-refund", MERCHANT, user="checker1")
        desk.right("merchants", "enable-refund", MERCHANT, user="checker1")
    desk.wrong("did you mean suspended?", "merchants", "list", "--state", "suspnded", code=2)
    for word in ("suspend", "resume", "enable-refund", "disable-refund"):
        desk.wrong("role supervisor is needed", "merchants", word, MERCHANT, user="maker1")
    with desk.task("a terminal was stolen"):
        desk.right("terminals", "list", "--merchant", MERCHANT, says=TERMINAL)
        desk.right("terminals", "suspend", "10000902", user="checker1")
        desk.right("terminals", "resume", "10000902", user="checker1")
    with desk.task("a terminal died before it settled"):
        desk.right("terminals", "close-batch", TERMINAL, user="checker1")
    desk.checks.equal(till.terminal.sign_on().code, "00", "it begins its next batch")
    desk.wrong("no merchant", "terminals", "list", "--merchant", "898110157229999")
    desk.wrong("99999999", "terminals", "suspend", "99999999", user="checker1")
    desk.wrong("terminal: needs 8 digits", "terminals", "resume", "1", user="checker1", code=2)
    desk.wrong("TERMINAL is needed", "terminals", "close-batch", user="checker1", code=2)


def ceremony(desk):
    """Two officers type at one terminal."""
    out = desk.running.path("lmk.sealed")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([desk.running.program("refundctl"), "keys", "ceremony", "--out", out], stdin=theirs,
                               stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, seen = "", 0

    def answer(prompt, line):
        nonlocal shown, seen
        while shown.find(prompt, seen) < 0:
            if not select.select([ours], [], [], 20)[0]:
                raise AssertionError(f"the ceremony does not ask {prompt!r}: {shown!r}")
            shown += os.read(ours, 4096).decode()
        seen = shown.find(prompt, seen) + len(prompt)
        os.write(ours, (line + "\n").encode())
    for component, phrase in zip(COMPONENTS, PASSPHRASES):
        answer("your component", component)
        answer("check value on your sheet? [y/n]", "y")
        answer("a passphrase", phrase)
        answer("once more", phrase)
    answer("Write the sealed LMK", "y")
    desk.checks.equal(process.wait(60), 0, f"the ceremony ends well: {shown}")
    os.close(ours)
    desk.checks.that(os.path.exists(out), "the LMK is there")
    desk.played["right"].add("keys ceremony")


def keys(desk, till):
    other_each_time = ((r"\b[0-9A-F]{6}\b(?=  )", "4F1C07"), (r"(KCV |kcv     )[0-9A-F]{6}", r"\g<1>4F1C07"))
    with desk.task("an issuer's key is old"), desk.kept("keys", lines_max=6, also=other_each_time):
        desk.right("keys", says=("issuer-a", "ZAK"))
        desk.right("keys", "rotate", "issuer-a", "zak", user="security1", says="is changed")
    desk.wrong("99999999", "keys", "list", "--terminal", "99999999")
    desk.wrong("did you mean zak?", "keys", "rotate", "issuer-a", "zka", user="security1", code=2)
    desk.wrong("role security_officer is needed", "keys", "rotate", "issuer-a", "zak", user="admin1")
    ceremony(desk)
    desk.wrong("--out is needed", "keys", "ceremony", code=2)


def write_refunds(desk, name, rows):
    with open(desk.running.path(name), "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["line_ref", "rrn", "date", "amount", "reason"])
        out.writerows(rows)


def batches(desk, till):
    sold = till.sells(CARD_A, 10000)
    rows = [[f"L-{n}", sold.rrn, till.date, "1.00", "quality"] for n in range(1, 31)]
    write_refunds(desk, "refunds.csv", rows)
    bad = [list(row) for row in rows[:4]]
    bad[1][3], bad[2][4] = "100.01", "qualty"
    write_refunds(desk, "bad.csv", bad)
    of = ("--merchant", MERCHANT)
    with desk.kept("batch-validate"):
        desk.wrong("2 of 4 lines are bad", "batch", "validate", "bad.csv", *of)
    with desk.task("a merchant calls goods back"):
        desk.right("batch", "validate", "refunds.csv", *of, user="maker1")
        desk.right("batch", "submit", "refunds.csv", *of, "--ref", "RUN-1", user="maker1", says="waiting")
        desk.right("batch", "approve", "RUN-1", user="checker1")
    with desk.task("stop!"):
        desk.right("batch", "pause", "RUN-1", *NOTE, user="maker1")
        desk.right("batch", "status", "RUN-1", says="paused")
        desk.right("batch", "resume", "RUN-1", user="maker1")
    stack.wait_until("all lines are judged", lambda: desk.json("batch", "status", "RUN-1")["state"] == "done")
    with desk.task("what became of it?"):
        desk.right("batch", "list", says="RUN-1")
        desk.right("batch", "export", "RUN-1", "--csv", "export.csv", says="30 rows are in export.csv")
    for ref, word, user in (("RUN-2", "reject", "checker1"), ("RUN-3", "cancel", "maker1")):
        write_refunds(desk, f"{ref}.csv", [[f"{ref}-1", sold.rrn, till.date, "1.00", "mistake"]])
        with desk.task(f"not this one: {word}"):
            desk.right("batch", "submit", f"{ref}.csv", *of, "--ref", ref, user="maker1")
            desk.right("batch", word, ref, *NOTE, user=user)
    desk.wrong("cannot be read", "batch", "submit", "none.csv", *of, "--ref", "X", user="maker1")
    desk.wrong("BATCH is needed", "batch", "status", code=2)
    desk.wrong("role supervisor is needed", "batch", "approve", "RUN-1", user="maker1")
    desk.wrong("--note is needed", "batch", "reject", "RUN-1", user="checker1", code=2)
    desk.wrong("", "batch", "pause", "RUN-2", *NOTE, user="maker1")
    desk.wrong("", "batch", "resume", "RUN-3", user="maker1")
    desk.wrong("", "batch", "cancel", "RUN-1", *NOTE, user="maker1")
    desk.wrong("no batch", "batch", "export", "RUN-9")
    desk.wrong("did you mean running?", "batch", "list", "--state", "runing", code=2)


def reconciliation(desk, till):
    till.sells(CARD_B, 2100)
    stack.wait_until("everything has reached its issuer", lambda: not desk.json("saf", "list")["advices"])
    day = desk.json("day", "status")["business_date"]
    with open(desk.running.path("bent.journal"), "w", encoding="utf-8") as f:
        lines = [dict(line) for line in desk.running.journal("issuer-b")]
        lines[0]["amount"] += 1
        f.writelines(json.dumps(line) + "\n" for line in lines)
    with open(desk.running.path("bad.journal"), "w", encoding="utf-8") as f:
        del lines[0]["amount"]
        f.write(json.dumps(lines[0]) + "\n")
    with desk.kept("recon-import"):
        desk.wrong("1 fault", "recon", "import", "--route", "issuer-b", "bad.journal", user="maker1")
    with desk.task("an issuer's file has come"):
        desk.right("recon", "import", "--route", "issuer-b", "bent.journal", user="maker1", says="done")
        desk.right("recon", "run", "--day", day, user="maker1", says="issuer-b")
        desk.right("recon", "list", says="amount_differs")
    difference = next(d for d in desk.json("recon", "list")["differences"] if d["status"] == "amount_differs")
    with desk.task("the issuer has mended it"):
        desk.right("recon", "resolve", difference["ref"], "--route", "issuer-b", *NOTE, user="checker1")
        desk.right("recon", "report", "--day", day, "--html", "day.html", says="day.html")
    with desk.task("which files have we got?"):
        desk.right("recon", "files", says="bent.journal")
        desk.right("recon", "file", str(desk.json("recon", "files")["files"][0]["file"]), says="bent.journal")
        desk.right("recon", "progress", "--day", day)
    desk.wrong("no business day", "recon", "run", "--day", "2020-01-01", user="maker1")
    desk.wrong("was not compared", "recon", "report", "--day", "2020-01-01")
    desk.wrong("did you mean amount_differs?", "recon", "list", "--state", "amount_difers", code=2)
    desk.wrong("no open difference", "recon", "resolve", "999912345679", *NOTE, user="checker1")
    desk.wrong("day: ", "recon", "progress", "--day", "yesterday", code=2)
    desk.wrong("was not expected", "recon", "files", "now", code=2)
    desk.wrong("", "recon", "file", "999999")


def reports(desk, till):
    with desk.task("the week's meeting"), desk.kept("report-ratio"):
        desk.right("report", "ratio", "--by", "merchant", says=MERCHANT)
    with desk.task("... and what else there is"):
        desk.right("report", "reasons", says="promise")
        desk.right("report", "funnel", says="approved")
        desk.right("report", "ageing", "--html", "ageing.html")
    desk.right("report", "expiring", "--days", "30")
    desk.wrong("did you mean merchant?", "report", "ratio", "--by", "merchnt", code=2)
    desk.wrong("no merchant", "report", "reasons", "--merchant", "898110157229999")
    desk.wrong("did you mean refund?", "report", "funnel", "--kind", "refnd", code=2)
    desk.wrong("stands instead of", "report", "ageing", "--html", "a.html", "--csv", "a.csv", code=2)
    desk.wrong("days: needs a number from 1 to 1000", "report", "expiring", "--days", "0", code=2)


def the_day(desk, till):
    with desk.task("what do we owe?"):
        for by in ("route", "merchant", "instrument"):
            desk.right("totals", "--by", by)
    desk.wrong("did you mean route?", "totals", "--by", "rout", code=2)
    with desk.task("close the day"):
        before = desk.json("day", "status")["business_date"]
        desk.right("day", "status", says=before)
        desk.right("day", "cutover", user="admin1")
    desk.checks.that(desk.json("day", "status")["business_date"] > before, "the day has moved on")
    desk.wrong("role admin is needed", "day", "cutover", user="checker1")
    desk.wrong("--dya: no such option", "day", "status", "--dya", "x", code=2)


def retention_has_run(desk):
    """The last cut-over let it begin; its end is an entry too."""
    actions = [e["action"] for e in desk.json("audit", "list", "--limit", "200", user="security1")["entries"]]
    return 0 < actions.count("purge.begin") == actions.count("purge.end")


def audit(desk, till):
    stack.wait_until("retention has run", lambda: retention_has_run(desk))
    with desk.task("the auditor comes"):
        desk.right("audit", "verify", user="security1", says="yes")
        desk.right("audit", "list", "--command", "refund open", user="security1", says="maker1")
    with desk.task("... and takes a copy along"), desk.kept("audit-export"):
        desk.right("audit", "export", "--jsonl", "audit.jsonl", user="security1", says="rows are in audit.jsonl")
    desk.checks.that(desk.json("audit", "verify", user="security1")["entries"] >= 40, "an entry for every change")
    desk.wrong("needs the role security_officer", "audit", "verify")
    desk.wrong("did you mean --user?", "audit", "list", "--usr", "maker1", user="security1", code=2)
    desk.wrong("csv: stands instead of jsonl", "audit", "export", "--csv", "a", "--jsonl", "b", user="security1", code=2)


SCENES = [parties, keys, batches, reconciliation, reports, the_day, audit]
