"""Lists that must stay equal to the tree: callers of .reveal(), ENSUREs, rules with their tests, failure modes with theirs."""
import os
import re

from .tree import CODE, Finding

REVEAL_LIST = "tests/scripts/reveal_callers.txt"
ENSURES_LIST = "tests/scripts/ensures.txt"
ENSURES_IN = ("hsm_sim/", "iso8583/", "ledger/", "routing/", "switch/")
RULES_LIST = "tests/scripts/rules.txt"
FAILURE_MODES = "docs/failure_modes.md"
CLUSTER = "docs/cluster.md"  # its tables whose last column is "test"


def reveal_callers(tree):
    """path → number of calls, outside tests."""
    out = {}
    for path in tree.code_paths():
        if path.startswith("tests/"):
            continue
        calls = len(re.findall(r"(?:\.|->)reveal\s*\(", tree.code(path)))
        if calls:
            out[path] = calls
    return out


def check_reveal(tree):
    listed = {}
    if REVEAL_LIST in tree.paths:
        for line in tree.lines(REVEAL_LIST):
            words = line.split()
            if len(words) >= 2 and not line.startswith("#"):
                listed[words[0]] = int(words[1])
    out, seen = [], reveal_callers(tree)
    for path in sorted(set(listed) | set(seen)):
        if listed.get(path, 0) != seen.get(path, 0):
            out.append(Finding("reveal", path, 0, f"{seen.get(path, 0)} calls of .reveal(), {REVEAL_LIST} allows "
                               f"{listed.get(path, 0)}: say there why this place may see clear digits"))
    return out


def ensures(tree):
    """path → number of ENSUREs, in the product alone."""
    out = {}
    for path in tree.code_paths():
        if path.startswith(ENSURES_IN):
            calls = len(re.findall(r"(?<!define )\bENSURE\s*\(", tree.code(path)))
            if calls:
                out[path] = calls
    return out


def check_ensures(tree):
    """Lines `path count: reason`, several a file allowed: together they count all ENSUREs of the file."""
    out, listed = [], {}
    for number, line in enumerate(tree.lines(ENSURES_LIST) if ENSURES_LIST in tree.paths else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        m = re.match(r"(\S+) (\d+): \S", line)
        if not m:
            out.append(Finding("ensures", ENSURES_LIST, number, "a line is `path count: reason`"))
            continue
        listed[m.group(1)] = listed.get(m.group(1), 0) + int(m.group(2))
    seen = ensures(tree)
    for path in sorted(set(listed) | set(seen)):
        if listed.get(path, 0) != seen.get(path, 0):
            out.append(Finding("ensures", path, 0, f"{seen.get(path, 0)} ENSUREs, {ENSURES_LIST} has "
                               f"{listed.get(path, 0)}: say there why no peer can reach them"))
    return out


def check_documents(tree):
    """Documents that code and documents point to exist: docs/….md, docs/decisions/NNNN, and relative links."""
    out, known = [], set(tree.paths)
    for path in tree.paths:
        if not path.endswith(CODE + (".md", ".toml", "CMakeLists.txt")):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            named = set(re.findall(r"(?<![\w/.])docs/[\w/-]+\.md", line))
            if path.endswith(".md"):
                for link in re.findall(r"\]\(([^)#:\s]+)[^)]*\)", line):
                    named.add(os.path.normpath(os.path.join(os.path.dirname(path), link)))
            for name in sorted(named):
                if name not in known and not any(p.startswith(name.rstrip("/") + "/") for p in known):
                    out.append(Finding("documents", path, number, f"there is no {name}"))
            for decision in re.findall(r"docs/decisions/(\d{4})(?![\w-])", line):
                if not any(p.startswith(f"docs/decisions/{decision}-") for p in known):
                    out.append(Finding("documents", path, number, f"there is no decision {decision}"))
    return out


def test_names(tree):
    """ctest names, and the titles and tags of all test cases and flow scripts."""
    targets, titles = set(), []
    for path in tree.paths:
        if path.endswith("CMakeLists.txt"):
            text = tree.text(path)
            targets |= set(re.findall(r"\w+_test\(\s*(\w+)", text))
            targets |= {"fuzz_replay_" + n for n in re.findall(r"switch_fuzzer\(\s*(\w+)", text)}
            targets |= set(re.findall(r"add_test\(\s*NAME\s+(\w+)", text))
        elif path.startswith("tests/") and path.endswith(CODE):
            # A title may be several adjacent literals.
            for m in re.finditer(r'(?:TEST_CASE|SCENARIO|SECTION|TEMPLATE_TEST_CASE)\(\s*((?:"(?:\\.|[^"\\])*"[\s,]*)+)',
                                 tree.text(path)):
                titles.append(re.sub(r'"\s*"', "", m.group(1)))
        elif path.startswith("tests/") and path.endswith(".py"):
            titles += re.findall(r"def (test_\w+)", tree.text(path))
        elif path.startswith("tests/") and path.endswith(".flow"):
            titles.append(path)
            titles += [line for line in tree.lines(path) if line.lstrip().startswith(("#", "flow", "title", "rules"))]
    return targets, titles


def rules_of(tree):
    """The rules that are reachable."""
    if RULES_LIST not in tree.paths:
        return []
    return [w for line in tree.lines(RULES_LIST) if not line.startswith("#") for w in line.split()]


def check_rules(tree):
    rules = rules_of(tree)
    _, titles = test_names(tree)
    text = "\n".join(titles)
    return [Finding("rules", RULES_LIST, 0, f"no test is named or tagged [{rule}]")
            for rule in rules if not re.search(rf"(?<![A-Za-z0-9]){rule}(?![A-Za-z0-9])", text)]


def named_program(tree, name, part):
    """Why `NAME.py` or `NAME.py: part of it` is no test, or None: an outside program that CI or the night runs, and an event or
    function of it."""
    path = "tests/outside/" + name
    if path not in tree.paths:
        return f"there is no {path}"
    if not any(name in tree.text(at) for at in ("tests/outside/CMakeLists.txt", "scripts/nightly") if at in tree.paths):
        return f"nobody runs {path}"
    if part and not re.search(rf'"{re.escape(part)}":|^ *def {re.escape(part)}\(', tree.text(path), re.M):
        return f"{path} has no event or function {part!r}"
    return None


def check_failure_modes(tree):
    """Every row's last cell names tests that exist: `ctest_name`, `ctest_name: part of a test case's title`, or `NAME.py: event`
    of an outside program."""
    targets, titles = test_names(tree)
    return [f for path in (FAILURE_MODES, CLUSTER) if path in tree.paths
            for f in check_test_column(tree, path, targets, titles, path == FAILURE_MODES)]


def check_test_column(tree, path, targets, titles, in_table):
    """`in_table`: all tables of the document have the column; else those whose head says so."""
    out, always = [], in_table
    for number, line in enumerate(tree.lines(path), 1):
        if not line.startswith("|"):
            in_table = always
            continue
        if re.match(r"\|[\s:|-]+\|$", line):
            continue
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if cells[-1].lower() in ("test", "tests"):
            in_table = True
            continue
        if not in_table:
            continue
        named = re.findall(r"`([^`]+)`", cells[-1])
        if not named:
            out.append(Finding("failure modes", path, number, "the row names no test"))
        for name in named:
            target, _, title = (word.strip() for word in name.partition(":"))
            if target.endswith(".py"):
                why = named_program(tree, target, title)
                if why:
                    out.append(Finding("failure modes", path, number, why))
            elif target not in targets:
                out.append(Finding("failure modes", path, number, f"there is no ctest {target!r}"))
            elif title and not any(title in t for t in titles):
                out.append(Finding("failure modes", path, number, f"no test case has {title!r} in its title"))
    return out
