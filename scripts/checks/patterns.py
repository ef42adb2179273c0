"""Words and forms that may not stand in the project, each with its reason."""
import re

from .tree import CODE, Finding, line_of

# Written so that this file does not find itself.
UNFINISHED = r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|not imple" r"mented|unimple" r"mented|place" r"holder|st" r"ub)\b"

# (which files, pattern, code only, reason)
SCRIPT = lambda p: p.startswith(("scripts/", ".ci/"))  # noqa: E731
BUILD = lambda p: p.endswith(("CMakeLists.txt", ".cmake"))  # noqa: E731
SOURCE = lambda p: p.endswith(CODE)  # noqa: E731
FORBIDDEN = [
    (lambda p: SOURCE(p) or SCRIPT(p) or BUILD(p), re.compile(UNFINISHED, re.I), False, "unfinished word"),
    (SOURCE, re.compile(r"\bsleep_(?:for|until)\b|\bu?sleep\s*\(|\bnanosleep\b"), True,
     "a sleep is no synchronisation"),
    (SOURCE, re.compile(r"\bde" r"tached\b|\.detach\s*\("), True, "nothing runs without an owner"),
    (lambda p: SCRIPT(p) or BUILD(p), re.compile(r"https?://"), False, "nothing is fetched from the network but packages"),
    (lambda p: SCRIPT(p) and not p.startswith("scripts/checks/"), re.compile(r"^\s*(?:[^#\n]*[;&|]\s*)?sleep\s", re.M),
     False, "a sleep is no synchronisation: read a ready line"),
    (lambda p: SCRIPT(p), re.compile(r"^[^#\n]*\b(?:pk" r"ill|kill" r"all)\b", re.M), False,
     "end only what was started, by its id"),
    (SOURCE, re.compile(r"\basm\s+goto\b|\bgoto\b"), True, "no jumps"),
    (lambda p: SOURCE(p) and not p.startswith(("tests/", "bench/")), re.compile(r"\bassert\s*\("), True,
     "ENSURE stays on in release; assert does not"),
    (SOURCE, re.compile(r"\busing\s+namespace\s+std\s*;"), True, "names say where they come from"),
]


def check(tree):
    out = []
    for path in tree.paths:
        for applies, pattern, code_only, reason in FORBIDDEN:
            if not applies(path):
                continue
            text = tree.code(path) if code_only else tree.text(path)
            for m in pattern.finditer(text):
                out.append(Finding("pattern", path, line_of(text, m.start()), f"{m.group(0).strip()!r}: {reason}"))
    return out


# GCC 12.2 miscompiles co_await inside conditions, ternaries and beside temporaries with destructors. It stands only
# as a whole statement: `auto r = co_await f(named);`, `co_await f(named);`, `co_return co_await f(named);`.
_BEFORE = re.compile(r"(?:(?:const\s+)?auto(?:\s*&&?)?\s+(?:\w+|\[[\w\s,]+\])\s*=\s*|co_return\s+|)")


def check_coroutines(tree):
    out = []
    for path in tree.code_paths():
        code = tree.code(path)
        for m in re.finditer(r"\bco_await\b", code):
            line = line_of(code, m.start())
            start = max(code.rfind(c, 0, m.start()) for c in ";{}")
            before = re.sub(r"^\s*(?:case\s+[\w:]+|default)\s*:(?!:)", "", code[start + 1:m.start()]).strip()
            end = code.find(";", m.end())
            after = code[m.end():end if end >= 0 else len(code)]
            if not _BEFORE.fullmatch(before + " " if before else ""):
                out.append(Finding("co_await", path, line, "co_await stands only as a whole statement, after nothing, "
                                   "`auto name =` or `co_return`"))
            elif re.search(r"[{?]|\bco_await\b", after):
                out.append(Finding("co_await", path, line, "no lambda, braces, ternary or second co_await inside a "
                                   "co_await expression: name the value in a statement of its own first"))
    return out
