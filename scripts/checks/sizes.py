"""Sizes: files, functions, and how many translation units pay for a heavy header."""
import os
import re

from .tree import Finding, line_of

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
ALLOWED = "scripts/checks/long_allowed.txt"  # path[:function] and the reason

ASIO_FILES_MAX = 10
# Header prefix, the word for it, and in how many .cpp of one CMake target it may be seen: behind headers of ours.
HEAVY = [("toml++/", "toml++", 1), ("CLI/", "CLI11", 1), ("nlohmann/", "nlohmann/json", 1), ("pugixml", "pugixml", 1),
         ("boost/beast", "Beast", 1), ("spdlog/", "spdlog", 1), ("prometheus/", "prometheus-cpp", 1),
         ("rocksdb/", "RocksDB", 2)]  # opening a database with its options is a file of its own
# RocksDB's fault-injecting file system of a test is a second face of the same library.
HEAVY_EXEMPT = ["tests/"]


def allowed(tree):
    out = {}
    if ALLOWED in tree.paths:
        for line in tree.lines(ALLOWED):
            name, _, reason = line.partition(" ")
            if name and not name.startswith("#"):
                out[name] = reason.strip()
    return out


_NOT_FUNCTION = re.compile(r"^\s*(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b|=\s*$")
_SCOPE = re.compile(r"(?:^|\s)(?:namespace|class|struct|union|extern)\b")
_CONTROL = re.compile(r"^\s*(?:if|for|while|switch|do|else|try|catch)\b")


def functions(code):
    """(name, first line, lines) of every function body that stands in a namespace or class."""
    out, stack, last = [], [], 0
    for m in re.finditer(r"[{};]", code):
        char, at = m.group(0), m.start()
        if char == "{":
            head = code[last:at]
            inside_function = any(kind == "function" for kind, _, _ in stack)
            head = re.sub(r"(?m)^\s*#.*$", "", head)
            if inside_function:
                kind = "block"
            elif _SCOPE.search(head.split("(")[0]) and "=" not in head:
                kind = "scope"
            elif "(" in head and not _NOT_FUNCTION.search(head) and not _CONTROL.search(head):
                kind = "function"
            else:
                kind = "block"
            name = re.search(r"([\w:~]+|operator\S+)\s*\(", head)
            first = line_of(code, at - len(head) + (len(head) - len(head.lstrip())))
            stack.append((kind, name.group(1) if name else "", first))
        elif char == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "function":
                out.append((name, first, line_of(code, at) - first + 1))
        last = at + 1
    return out


def check(tree):
    out, reasons = [], allowed(tree)
    used = set()
    for path in tree.code_paths():
        count = len(tree.lines(path))
        if count > FILE_LINES_MAX:
            used.add(path)
            if not reasons.get(path):
                out.append(Finding("size", path, 0, f"{count} lines, more than {FILE_LINES_MAX}; split it, or give the "
                                   f"reason in {ALLOWED}", warning=True))
        for name, first, lines in functions(tree.code(path)):
            if lines > FUNCTION_LINES_MAX:
                used.add(f"{path}:{name}")
                if not reasons.get(f"{path}:{name}"):
                    out.append(Finding("size", path, first, f"{name} has {lines} lines, more than {FUNCTION_LINES_MAX}; "
                                       f"split it, or give the reason in {ALLOWED}", warning=True))
    for name in sorted(set(reasons) - used):
        out.append(Finding("size", ALLOWED, 0, f"{name} is not too long (any more): remove its line"))
    return out


def target_of(tree):
    """path → CMake target, from the lists of sources; a file that no list names counts with its folder."""
    out = {}
    for path in tree.paths:
        if os.path.basename(path) != "CMakeLists.txt":
            continue
        for target, words in re.findall(r"^switch_(?:library|program)\((\S+)([^)]*)\)", tree.text(path), re.M):
            sources = re.search(r"\bSOURCES\b(.*?)(?:\b[A-Z_]{2,}\b|\Z)", words, re.S)
            for name in sources.group(1).split() if sources else ():
                out[os.path.normpath(os.path.join(os.path.dirname(path), name))] = target
    return out


def check_heavy(tree):
    out, targets = [], target_of(tree)
    asio, per_target = [], {}
    for path in tree.code_paths():
        if not path.endswith(".cpp") or path.startswith(tuple(HEAVY_EXEMPT)):
            continue
        names = tree.all_includes(path)
        if any(n.startswith("boost/asio") for n in names):
            asio.append(path)
        for prefix, word, _ in HEAVY:
            if any(n.startswith(prefix) for n in names):
                target = targets.get(path, os.path.dirname(path))
                per_target.setdefault((target, word), []).append(path)
    if len(asio) > ASIO_FILES_MAX:
        out.append(Finding("heavy", asio[-1], 0, f"{len(asio)} files see Asio, more than {ASIO_FILES_MAX}: {' '.join(asio)}"))
    bounds = {word: count for _, word, count in HEAVY}
    for (target, word), paths in sorted(per_target.items()):
        if len(paths) > bounds[word]:
            out.append(Finding("heavy", paths[-1], 0, f"{word} is seen by {len(paths)} files of {target}, "
                               f"{bounds[word]} is enough: {' '.join(paths)}"))
    return out
