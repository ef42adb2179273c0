"""bench/instructions.json: its last entry is the bound that scripts/instructions holds a count against. A raise needs a
reason, and what stood there before stays."""
import json
import subprocess

from .tree import Finding

FILE = "bench/instructions.json"
COUNTS = ("sale", "refund_online", "refund_advice")


def problems(history, before):
    out = []
    if not isinstance(history, list) or not history:
        return ["is no list of entries"]
    for number, entry in enumerate(history, 1):
        wrong = [c for c in COUNTS if not isinstance(entry.get(c), int) or entry[c] <= 0]
        if wrong or not isinstance(entry.get("built_with"), dict):
            return [f"entry {number} needs {', '.join(wrong or ['built_with'])}"]
        if len(str(entry.get("why", "")).split()) < 3:
            out.append(f"entry {number} does not say why: a raise needs its reason in \"why\"")
    if before and history[:len(before)] != before:
        out.append("an entry that stood here was changed: a new bound is a new entry at the end, with its why")
    return out


def check(tree, base):
    if FILE not in tree.paths:
        return []
    before = []
    if base:
        shown = subprocess.run(["git", "-C", tree.root, "show", f"{base}:{FILE}"], capture_output=True, text=True)
        try:
            before = json.loads(shown.stdout) if shown.returncode == 0 else []
        except ValueError:
            before = []
    try:
        history = json.loads(tree.text(FILE))
    except ValueError as error:
        return [Finding("instructions", FILE, 0, f"is no JSON: {error}")]
    return [Finding("instructions", FILE, 0, text) for text in problems(history, before)]
