"""tests/mutants/*.patch: a fault put back, with the test that must find it. Here: each still applies, names a test that
exists, and the product knows nothing of them. scripts/mutants applies and runs them (docs/testing.md)."""
import os
import re
import subprocess

from .names import RULES_LIST, rules_of, test_names
from .tree import Finding

FOLDER = "tests/mutants/"
PLAYER = "play_flow"
TABLE = "docs/testing.md"


class Mutant:
    """The head of a patch: `Fault:` what goes wrong, `Test:` a test program and the cases of it (or `play_flow FILE`)."""

    def __init__(self, path, text):
        self.path = path
        head = text.split("\n--- ", 1)[0]
        self.fields = dict(re.findall(r"^(\w+): (.+)$", head, re.M))
        self.target, _, self.cases = self.fields.get("Test", "").partition(" ")
        self.files = re.findall(r"^\+\+\+ b/(\S+)$", text, re.M)


def fits(cases, title):
    """Whether a test program's filter `*part of a title*` takes this one."""
    return cases.strip("*") in title


def of_tree(tree):
    return [Mutant(p, tree.text(p)) for p in tree.paths if p.startswith(FOLDER) and p.endswith(".patch")]


def check_rules_have_one(tree):
    """Each rule that a test stands for has a fault that breaks it, and the table of docs/testing.md names all of them."""
    out, broken = [], set()
    table = tree.text(TABLE) if TABLE in tree.paths else ""
    for mutant in of_tree(tree):
        rule = re.search(r"\((\w+)\)$", mutant.fields.get("Fault", ""))
        if not rule:
            out.append(Finding("mutants", mutant.path, 0, "its `Fault:` has to end with the rule that it breaks: (R1)"))
        else:
            broken.add(rule.group(1))
        name = os.path.basename(mutant.path)[:-len(".patch")]
        if f"`{name}`" not in table:
            out.append(Finding("mutants", TABLE, 0, f"the table of faults does not name {name}"))
    return out + [Finding("mutants", RULES_LIST, 0, f"no fault of {FOLDER} breaks {rule}")
                  for rule in rules_of(tree) if rule not in broken]


def check(tree):
    out = []
    targets, titles = test_names(tree)
    for mutant in of_tree(tree):
        say = lambda text: out.append(Finding("mutants", mutant.path, 0, text))  # noqa: E731
        for field in ("Fault", "Test"):
            if field not in mutant.fields:
                say(f"the head needs a line `{field}: …`")
        if mutant.target == PLAYER:
            if mutant.cases not in tree.paths:
                say(f"there is no flow {mutant.cases}")
        elif mutant.target:
            if mutant.target not in targets:
                say(f"there is no test program {mutant.target}")
            elif not any(fits(mutant.cases, title) for title in titles):
                say(f"no test case is {mutant.cases!r}")
        if not mutant.files:
            say("it changes nothing")
        for path in mutant.files:
            if path.startswith(("tests/", "bench/", "scripts/", "docs/")):
                say(f"it changes {path}: a fault is put into the product")
        run = subprocess.run(["git", "apply", "--check", os.path.join(tree.root, mutant.path)], cwd=tree.root,
                             capture_output=True, text=True)
        if run.returncode != 0:
            say("does not apply any more: " + (run.stderr.strip().splitlines() or ["git apply failed"])[0])
    out += check_rules_have_one(tree)
    for path in tree.code_paths():
        if not path.startswith("tests/") and re.search(r"mutant", tree.text(path), re.I):
            out.append(Finding("mutants", path, 0, "the product knows nothing of mutants"))
    return out
