#!/usr/bin/env python3
"""Keys of issuers are changed while terminals trade: by the security officer, by the issuers, again after restarts of
both sides. No request may be answered otherwise than it would have been, and both sides end with the same keys."""
import json
import os
import re
import subprocess
import sys

import stack

LOAD_SECONDS = 9
EFFECTS_BETWEEN = 30


def load(running, seconds):
    journals = [word for name in stack.LOADED for word in ("--journal", running.journal_path(name))]
    return subprocess.Popen([
        running.program("switch-bench"), "load", "--unionpay", "%s:%d" % running.addresses["unionpay-pos"], "--iso",
        "%s:%d" % running.addresses["iso87-ascii"], *journals, "--control", running.ready["control"], "--terminals",
        "32", "--connections", "16", "--rate", "100", "--warm-up", "1", "--duration", str(seconds), "--config",
        os.path.join(running.args.source, "switch", "config")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)


def effects(running):
    return sum(len(running.journal(name)) for name in stack.ISSUERS)


def after_more_effects(running):
    wanted = effects(running) + EFFECTS_BETWEEN
    stack.wait_until(f"{wanted} effects", lambda: effects(running) >= wanted)


def keys_of(running, owner, state=("current", "configured")):
    code, data = running.refundctl("keys")
    assert code == 0, data
    return {key["kind"]: key["kcv"] for key in data["keys"] if key["owner"] == owner and key["state"] in state}


def agree(checks, running, when):
    for name in stack.ISSUERS:
        theirs = json.loads(running.issuer_says(name, "keys"))
        ours = keys_of(running, name)
        checks.equal((ours["ZAK"], ours["ZPK"]), (theirs["zak"], theirs["zpk"]), f"{when}: the keys of {name}")
        checks.equal(theirs["offered"], False, f"{when}: {name} waits for no answer")


def change_all(checks, running):
    for name in stack.ISSUERS:
        for kind in ("zak", "zpk"):
            after_more_effects(running)
            code, answer = running.refundctl("keys", "rotate", name, kind, user="security1")
            checks.equal(code, 0, f"keys rotate {name} {kind}: {answer}")
            checks.equal(keys_of(running, name)[kind.upper()], answer.get("kcv"), f"{name} {kind} is the new one")
            after_more_effects(running)
            changes = json.loads(running.issuer_says(name, "keys"))["changes"]
            checks.equal(running.issuer_says(name, f"key-change {kind}"), "ok", f"{name} offers a {kind}")
            stack.wait_until(f"{name} has its answer", lambda: json.loads(
                running.issuer_says(name, "keys"))["changes"] == changes + 1)


def wrong_input(checks, running):
    for words, user, code, says in (
            (("rotate", "issuer-z", "zak"), "security1", 1, "issuer-z"),
            (("rotate", "issuer-a", "tmk"), "security1", 2, "zak, zpk"),
            (("rotate", "issuer-a"), "security1", 2, "KIND"),
            (("rotate", "issuer-a", "zak"), "admin1", 1, "security_officer"),
            (("rotate", "issuer-a", "zak"), None, 1, "security_officer"),
            (("list", "--terminal", "99999999"), None, 1, "99999999")):
        seen, text = running.refundctl("keys", *words, user=user, json_output=False)
        checks.equal(seen, code, f"keys {' '.join(words)} as {user}: {text}")
        checks.that(says in text, f"keys {' '.join(words)} as {user} names {says}: {text}")


def nothing_secret(checks, running):
    """Check values, kinds and names; no key, under whatever it may be."""
    for words in ((), ("list", "--terminal", "10000001")):
        code, text = running.refundctl("keys", *words, json_output=False)
        checks.equal(code, 0, "keys")
        checks.equal(re.findall(r"[0-9A-F]{16,}", text), [], "what keys shows is no key")


def main():
    args = stack.arguments(__doc__.splitlines()[0])
    checks = stack.Checks()
    with stack.Stack(args) as running:
        agree(checks, running, "at the start")
        first = keys_of(running, "issuer-a")
        trade = load(running, LOAD_SECONDS)
        change_all(checks, running)
        out, _ = trade.communicate(timeout=120)
        checks.equal(trade.returncode, 0, f"every answer under changing keys is as without: {out}")
        agree(checks, running, "after changes by both sides")
        now = keys_of(running, "issuer-a")
        checks.that(now["ZAK"] != first["ZAK"] and now["ZPK"] != first["ZPK"], "the keys of issuer-a are others")
        checks.equal(keys_of(running, "issuer-a", ("previous",)).keys(), {"ZAK", "ZPK"}, "those before verify still")
        wrong_input(checks, running)
        nothing_secret(checks, running)
        code, text = running.refundctl("audit", "verify", user="security1", json_output=False)
        checks.equal(code, 0, f"the audit chain holds: {text}")
        # Both sides start again and know their keys.
        running.kill_switch()
        for name in stack.ISSUERS:
            running.issuers[name].terminate()
            running.start_issuer(name)
        running.start_switch()
        agree(checks, running, "after restarts")
        trade = load(running, 1)
        out, _ = trade.communicate(timeout=120)
        checks.equal(trade.returncode, 0, f"trade goes on after restarts: {out}")
        log = running.switch_log()
        checks.equal(re.findall(r"[^0-9A-F](?:U|X|S)[0-9A-F]{32,}", log), [], "no key block in the log")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
