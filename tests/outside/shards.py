#!/usr/bin/env python3
"""A switch of 1, 2 and 4 shards as its users see it: load that balances to the books, also over a kill -9; what people
read and change goes to the right shard or to all of them; the number of shards stays what the ledger was begun with."""
import itertools
import os
import re
import shutil
import subprocess
import sys
import time

import stack
from terminal import Terminal

CARD = "6212345678900000003"
# profile, terminal, merchant. Of two shards the first merchant's is 0, the second's is 1.
TILLS = [("unionpay-pos", "10000301", "898110157220001"), ("iso87-ascii", "20000301", "898110157220002"),
         ("unionpay-pos", "50000002", "898110157220005"), ("unionpay-pos", "60000002", "898110157220006")]
TRACES = itertools.count(1, 50)  # where each connection of a till begins: no trace comes twice
LOAD_S, WARM_UP_S = 2, 1
LOAD_SECONDS_MAX = 240


def till(running, number):
    profile, terminal, merchant = TILLS[number]
    out = Terminal(profile, terminal, merchant, running.addresses[profile], next(TRACES))
    out.connect()
    if profile == "unionpay-pos":
        out.sign_on()
    return out


def bench(running, args, seed):
    """switch-bench against the running stack: it compares terminals, ledger and issuers itself."""
    command = [os.path.join(args.bin, "switch-bench"), "load", "--terminals", "16", "--connections", "8",
               "--warm-up", str(WARM_UP_S), "--duration", str(LOAD_S), "--seed", str(seed),
               "--unionpay", stack.text_of(running.addresses["unionpay-pos"]),
               "--iso", stack.text_of(running.addresses["iso87-ascii"]), "--control", running.ready["control"],
               "--config", os.path.join(args.source, "switch", "config")]
    for name in stack.ISSUERS:
        command += ["--journal", running.journal_path(name)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def loaded(checks, running, args, shards):
    run = bench(running, args, shards)
    out = run.communicate(timeout=LOAD_SECONDS_MAX)[0]
    checks.equal(run.returncode, 0, f"{shards} shards: load balances to the books: {out[-1500:]}")


def shard_of(rrn, shards):
    return int(rrn[4:6]) if shards > 1 else 0


def sold(checks, running, shards):
    """A sale of each merchant, refunded in part; the sales' RRNs."""
    rrns = []
    for number, (_, _, merchant) in enumerate(TILLS):
        at = till(running, number)
        message = at.sale(CARD, 10000)
        sale = at.exchange(message)
        checks.equal(sale.code, "00", f"{shards} shards: a sale of {merchant}")
        checks.equal(at.exchange(at.refund(message, sale, 2500)).code, "00", f"{shards} shards: its refund")
        rrns.append(sale.rrn)
    if shards > 1:
        checks.equal(sorted({shard_of(rrn, shards) for rrn in rrns})[:2], [0, 1], "merchants are spread")
    return rrns


def shown(checks, running, shards, rrns, when):
    for rrn in rrns:
        code, data = running.refundctl("show", rrn)
        checks.equal((code, data.get("rrn") if isinstance(data, dict) else data), (0, rrn),
                     f"{shards} shards, {when}: show finds {rrn}")
        code, said = running.refundctl("explain", rrn, json_output=False)
        checks.equal(code, 0, f"{shards} shards, {when}: explain: {said}")
    for rrn, (_, terminal, _) in zip(rrns, TILLS):
        code, data = running.refundctl("list", "--terminal", terminal)
        checks.that(code == 0 and rrn in {row["rrn"] for row in data["transactions"]},
                    f"{shards} shards, {when}: list has {rrn} of {terminal}: {data}")
    code, data = running.refundctl("list", "--limit", "1000")
    listed = [row["rrn"] for row in data.get("transactions", [])] if code == 0 else []
    checks.that(len(listed) == 1000, f"{shards} shards, {when}: list has a whole page: {code} {len(listed)}")
    checks.equal(len(listed), len(set(listed)), f"{shards} shards, {when}: and each once")
    checks.equal(listed, sorted(listed, reverse=True), f"{shards} shards, {when}: in the order of RRNs")
    pages, after = [], None
    while True:
        words = ["list", "--limit", "7"] + (["--after", after] if after else [])
        code, data = running.refundctl(*words)
        if not checks.equal(code, 0, f"{shards} shards, {when}: a page: {data}"):
            break
        pages += [row["rrn"] for row in data["transactions"]]
        after = data.get("next")
        if not after or len(pages) > 40:
            break
    checks.equal(pages, listed[:len(pages)], f"{shards} shards, {when}: pages are the list")
    for words in (["totals"], ["totals", "--by", "merchant"], ["totals", "--by", "terminal"], ["routes"], ["merchants"],
                  ["terminals"], ["exceptions", "list"], ["saf", "list"], ["proposals", "list"], ["refund", "list"],
                  ["status"], ["day", "status"], ["notices"], ["keys", "list"], ["report", "ratio"], ["purge", "show"],
                  ["purge", "log"], ["vault", "status"], ["recon", "files"], ["recon", "list"], ["policy", "show"]):
        code, said = running.refundctl(*words)
        checks.equal(code, 0, f"{shards} shards, {when}: {' '.join(words)}: {said}")
    code, data = running.refundctl("totals", "--by", "merchant")
    merchants = {row["merchant"] for row in data.get("totals", [])}
    checks.that({merchant for _, _, merchant in TILLS} <= merchants,
                f"{shards} shards, {when}: totals are of the merchants of all: {merchants}")
    checks.that("unexplained" not in data, f"{shards} shards, {when}: and the records explain them: {data}")


def people(checks, running, shards, rrns):
    """Cases in every shard, by two people; routes, merchants, the day, the chain."""
    date = time.strftime("%m%d", time.gmtime(time.time() + 8 * 3600))
    for number, rrn in enumerate(rrns):
        code, data = running.refundctl("refund", "open", "--rrn", rrn, "--date", date, "--amount", "10.00", "--reason",
                                       "quality", "--ref", f"shards-{number}", user="maker1")
        if not checks.equal(code, 0, f"{shards} shards: a case of {rrn}: {data}"):
            continue
        case = data["case"]
        checks.equal(shard_of(case, shards), shard_of(rrn, shards), "a case is in the shard of its sale")
        code, said = running.refundctl("refund", "approve", case, user="maker1", json_output=False)
        checks.that(code != 0, f"{shards} shards: its maker may not approve it: {said}")
        command = ["reject", case, "--note", "no"] if number % 2 else ["approve", case]
        code, said = running.refundctl("proposals", *command, user="checker1", json_output=False)
        checks.equal(code, 0, f"{shards} shards: a case is decided: {said}")
    for to, word in (("down", "down"), ("up", "up")):
        code, said = running.refundctl("routes", to, "issuer-a", user="checker1", json_output=False)
        checks.equal(code, 0, f"{shards} shards: a route goes {to}: {said}")
        code, data = running.refundctl("routes")
        checks.equal({row["state"] for row in data["routes"] if row["route"] == "issuer-a"}, {word}, f"it is {to}")
        at = [till(running, number) for number in (0, 1)]
        codes = {t.exchange(t.sale(CARD, 1000)).code for t in at}
        checks.equal(codes, {"91"} if to == "down" else {"00"}, f"{shards} shards: all know that the route is {to}")
    code, said = running.refundctl("merchants", "suspend", TILLS[1][2], user="checker1", json_output=False)
    checks.equal(code, 0, f"{shards} shards: a merchant is suspended: {said}")
    at = till(running, 1)
    checks.equal(at.exchange(at.sale(CARD, 1000)).code, "03", "in its shard")
    running.refundctl("merchants", "resume", TILLS[1][2], user="checker1")
    checks.equal(at.exchange(at.sale(CARD, 1000)).code, "00", "and resumed there")
    code, data = running.refundctl("audit", "verify", user="security1")
    checks.equal((code, data.get("intact") if isinstance(data, dict) else data), (0, True), f"{shards} shards: the chain")
    if shards > 1:
        checks.equal(len(data["chains"]), shards, "a chain for each shard")
    code, data = running.refundctl("audit", "list", "--limit", "1000", user="security1")
    actions = [row["action"] for row in data.get("entries", [])]
    checks.equal(actions.count("route.down"), shards, f"{shards} shards: each writes down what it was told: {actions}")
    checks.equal(actions.count("refund.open"), len(rrns), "and a case once")
    times = [row["time"] for row in data["entries"]]
    checks.equal(times, sorted(times, reverse=True), "the newest first, of all chains")


def offline(running, *words):
    run = subprocess.run([running.program("refundctl"), *words], capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout + run.stderr


def verified_as(running, data, shards):
    """--verify of a data directory by a configuration with so many shards."""
    options, running.options = running.options, () if shards == 1 else (stack.shards(shards),)
    run = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", data, "--verify"],
                         capture_output=True, text=True, timeout=60, check=False)
    running.options = options
    running.write_config()
    return run.returncode, run.stdout + run.stderr


def backed_up(checks, running, shards):
    """One backup of all shards while the switch runs; what is restored from it has their number, and no other."""
    backup, data = running.path("backup"), running.path("restored")
    code, made = running.refundctl("backup", backup, user="admin1")
    checks.equal((code, made["state"]), (0, "done"), f"{shards} shards: a backup of the running switch: {made}")
    code, said = offline(running, "verify", backup, "--config", running.write_config())
    checks.that(code == 0 and "0 orphans" in said, f"{shards} shards: it is whole: {code} {said}")
    code, said = offline(running, "restore", backup, "--data", data)
    checks.equal(code, 0, f"{shards} shards: restore: {said}")
    for count in (1, 2, 4):
        for directory in (backup, data):
            code, said = verified_as(running, directory, count)
            checks.equal(code, 0 if count == shards else 1, f"{shards} shards: {directory} as {count}: {said[-800:]}")
            if count != shards:
                checks.that(f"begun with {shards} shard" in said, f"{shards} shards: and says why: {said[-800:]}")
    code, said = offline(running, "restore", backup, "--data", data)
    checks.that(code == 1 and "a ledger is there already" in said, f"{shards} shards: never over a ledger: {said}")


def one_lost_its_end(checks, running):
    """The second shard's ledger of before beside its note of what it acknowledged since (R65); the first has all."""
    running.switch.terminate()
    store, before = running.stores()[1], running.path("before")
    shutil.copytree(store, before)
    running.start_switch()
    at = till(running, 1)
    checks.equal(at.exchange(at.sale(CARD, 1000)).code, "00", "a sale that will be lost")
    running.switch.terminate()
    shutil.copy(os.path.join(store, "acknowledged"), before)
    shutil.rmtree(store)
    shutil.copytree(before, store)
    try:
        running.start_switch()
        checks.that(False, "a switch starts on a shard that lost its end")
    except RuntimeError:
        why = running.log_lines(event="not_started")[-1]["detail"]
        checks.that("was acknowledged" in why and store in why, f"a shard that lost its end is told: {why}")
    running.flags = ["--as-restored"]
    running.start_switch()
    running.flags = []
    codes = []
    for number in (0, 1):
        at = till(running, number)
        codes.append(at.exchange(at.sale(CARD, 1000)).code)
    checks.equal(codes[0], "00", "a shard that lost nothing goes on")
    checks.that(codes[1] != "00", "the other waits until it is reconciled")
    note = ("--note", "compared with the issuers' files of the day")
    code, said = running.refundctl("accept-restore", *note, user="admin1")
    checks.equal(code, 0, f"it is proposed where something was lost: {said}")
    code, said = running.approve(said)
    checks.equal(code, 0, f"and accepted: {said}")
    checks.that("restored" not in running.refundctl("status")[1], "it waits no more")
    at = till(running, 1)
    checks.equal(at.exchange(at.sale(CARD, 1000)).code, "00", "and goes on")


def other_numbers(checks, args, running, shards):
    """What was begun with another number is not started on, and nothing is changed."""
    options = running.options
    for other in {1, 2, 4} - {shards}:
        running.options = () if other == 1 else (stack.shards(other),)
        try:
            running.start_switch()
            checks.that(False, f"begun with {shards}, started with {other}")
            running.switch.terminate()
        except RuntimeError as e:
            told = f"begun with {shards} shard" + ("" if shards == 1 else "s")
            checks.that(told in str(e), f"begun with {shards}, {other} is refused by its sentence: {str(e)[-600:]}")
    running.options = options


def wrong_settings(checks, args, running):
    for text, sentence in (("shards = 3", "has to be 1, 2 or 4"), ("shards = 8", "4"),
                           ('shards = 2\nengine = "postgres"', 'belongs to [store] engine = "rocks"')):
        path = running.path("wrong.toml")
        with open(running.path("switch.toml"), encoding="utf-8") as file:
            right = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?m)^shards = \d$", text, right))
        run = subprocess.run([running.program("refund-switch"), "--config", path, "--check"], capture_output=True,
                             text=True, timeout=60, check=False)
        checks.that(run.returncode == 1 and "store.shards" in run.stderr and sentence in run.stderr,
                    f"{text}: {run.returncode} {run.stderr}")


def one(checks, args, shards):
    with stack.Stack(args) as running:
        loaded(checks, running, args, shards)
        rrns = sold(checks, running, shards)
        shown(checks, running, shards, rrns, "before")
        people(checks, running, shards, rrns)
        backed_up(checks, running, shards)
        under_load = bench(running, args, 10 + shards)
        stack.wait_until("it is under load", lambda: answers(running) > 500, seconds=60)
        running.kill_switch()
        under_load.communicate(timeout=LOAD_SECONDS_MAX)
        running.start_switch()
        shown(checks, running, shards, rrns, "after a kill -9")
        again = till(running, 1)
        checks.equal(again.exchange(again.sale(CARD, 1000)).code, "00", f"{shards} shards: it goes on")
        checks.equal(again.exchange(again.sale(CARD, 1000)).code, "00", f"{shards} shards: and on")
        running.switch.terminate()
        checks.equal(running.switch.process.returncode, 0, f"{shards} shards: it ends in order")
        code, said = running.verify()
        checks.equal(code, 0, f"{shards} shards: --verify finds nothing amiss: {said}")
        other_numbers(checks, args, running, shards)
        if shards > 1:
            wrong_settings(checks, args, running)
        running.start_switch()
        shown(checks, running, shards, rrns, "at the end")
        if shards > 1:
            one_lost_its_end(checks, running)


def answers(running):
    return sum(float(v) for v in re.findall(r"^refund_switch_answered_total\S* (\S+)$", running.metrics(), re.M))


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    for shards in (args.shards,) if args.shards else (1, 2, 4):
        args.shards = shards
        one(checks, args, shards)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
