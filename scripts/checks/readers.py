"""Doors that open: a setting that nobody reads, a refusal that nobody gives, a rule that does not exist, and rulers
that a formatter broke in two."""
import re

from .tree import CODE, Finding, line_of

ALLOWED = "scripts/checks/unread_allowed.txt"  # Struct::member or Refusal::name, and the reason
# Where settings are declared; each data member must be read by somebody who acts on it.
SETTINGS = [("switch/core/configuration.hpp", ["RefundPolicy", "MerchantConfig", "TerminalRange", "Limits", "IssuerKeys",
                                               "Configuration"]),
            ("switch/config/config.hpp", ["IssuerConnections", "HsmOptions", "DataOptions", "StoreOptions", "ShellLimits", "OperatorAccount"]),
            ("routing/route.hpp", ["Route", "ResponseCodeLists"])]
CONFIG = "switch/config/"
SCHEMA = ("switch/config/config_schema", "switch/config/config_describe")
SCHEMA_HEADER = "switch/config/config_schema.hpp"
REFUSALS = "switch/core/refusal"
RULE_WORDS = "switch/views/rule_words.cpp"


def allowed(tree):
    out = {}
    if ALLOWED in tree.paths:
        for line in tree.lines(ALLOWED):
            name, _, reason = line.partition(" ")
            if name and not name.startswith("#"):
                out[name] = reason.strip()
    return out


def product(tree):
    return [p for p in tree.code_paths() if not p.startswith(("tests/", "bench/"))]


def struct_members(code, name):
    """(member, offset) of the data members of `struct name`."""
    m = re.search(rf"\bstruct\s+{name}\s*\{{", code)
    if not m:
        return []
    depth, at, out, start = 1, m.end(), [], m.end()
    while at < len(code) and depth:
        char = code[at]
        depth += (char == "{") - (char == "}")
        if char == ";" and depth == 1:
            text = code[start:at]
            if "(" not in text.split("=")[0].split("{")[0] and not re.match(r"\s*(?:friend|using|static)\b", text):
                # `optional<Endpoint> a, b` declares both; what stands in <> or {} is no name.
                bare = re.sub(r"\{[^{}]*\}|=[^,;]*", "", re.sub(r"<[^<>;]*>", "", re.sub(r"<[^<>;]*>", "", text)))
                for name_ in re.findall(r"(\w+)\s*(?:,|$)", bare):
                    out.append((name_, start + len(text) - len(text.lstrip())))
            start = at + 1
        at += 1
    return out


_READ = re.compile(r"(?:\.|->)(\w+)\b(?!\s*=[^=])(?!\s*\()")


def read_names(tree, paths):
    """Names that stand in these files as `.member` or `->member` and are not filled there."""
    out = set()
    for path in paths:
        # Holding a value against its bounds is no use of it.
        out |= set(_READ.findall(re.sub(r"\bbetween\([^()]*\)", "", tree.code(path))))
    return out


def check_settings(tree, reasons, used):
    out = []
    outside = read_names(tree, [p for p in product(tree) if not p.startswith(CONFIG)])
    inside = read_names(tree, [p for p in product(tree) if p.startswith(CONFIG) and not p.startswith(SCHEMA)])
    known, raw = set(), set()
    for path, structs in SETTINGS:
        if path not in tree.paths:
            continue
        for struct in structs:
            for member, offset in struct_members(tree.code(path), struct):
                known.add(member)
                name = f"{struct}::{member}"
                if member in outside:
                    continue
                used.add(name)
                if not reasons.get(name):
                    out.append(Finding("readers", path, line_of(tree.code(path), offset), f"{name} is read by nobody outside "
                                       f"{CONFIG}: a setting without effect. Delete it, or give the reason in {ALLOWED}"))
    if SCHEMA_HEADER in tree.paths:
        code = tree.code(SCHEMA_HEADER)
        for struct in re.findall(r"\bstruct\s+(Raw\w+)", code):
            raw |= {member for member, _ in struct_members(code, struct)}
    for path in product(tree):
        if not path.startswith(CONFIG):
            continue
        for m in re.finditer(r"(?<!define )\bCONFIG_AT\((?:\w+\.)*(\w+)\)", tree.code(path)):
            member = m.group(1)
            # What the file's form alone has is read by whoever builds the rest of it; the others by the rooms.
            if member in known or member in outside or (member in raw and member in inside):
                continue
            out.append(Finding("readers", path, line_of(tree.code(path), m.start()), f"the key that fills {member} is read by nobody"))
    return out


def check_refusals(tree, reasons, used):
    header = REFUSALS + ".hpp"
    if header not in tree.paths:
        return []
    code = tree.code(header)
    body = re.search(r"\benum class Refusal\b[^{]*\{([^}]*)\}", code)
    out = []
    users = [tree.code(p) for p in product(tree) if not p.startswith(REFUSALS)]
    for m in re.finditer(r"(\w+)\s*=\s*\d+", body.group(1) if body else ""):
        name = f"Refusal::{m.group(1)}"
        # A switch that must be complete says `case name:` of each; that is no use.
        if m.group(1) == "none" or any(re.search(rf"(?<!case )\bRefusal::{m.group(1)}\b", text) for text in users):
            continue
        used.add(name)
        if not reasons.get(name):
            out.append(Finding("readers", header, line_of(code, body.start(1) + m.start()), f"{name} is given by nobody. "
                               f"Delete it, or give the reason in {ALLOWED}"))
    return out


def check(tree):
    reasons, used = allowed(tree), set()
    out = check_settings(tree, reasons, used) + check_refusals(tree, reasons, used)
    for name in sorted(set(reasons) - used):
        out.append(Finding("readers", ALLOWED, 0, f"{name} is used (or gone): remove its line"))
    return out


def check_rule_words(tree):
    """Rules stand in the code as texts; each is one of rule_words.cpp, which explains it to people."""
    if RULE_WORDS not in tree.paths:
        return []
    known = set(re.findall(r'Row\{\s*"(R\d+[a-z]?)"', tree.text(RULE_WORDS)))
    out = []
    for path in product(tree):
        text = tree.text(path)
        for m in re.finditer(r'"(R\d+[A-Za-z]?(?: R\d+[A-Za-z]?)*)"', text):
            for rule in m.group(1).split():
                if rule not in known:
                    out.append(Finding("rule-words", path, line_of(text, m.start()), f'"{rule}" is no rule of {RULE_WORDS}'))
    return out


def check_rulers(tree):
    """`// ---- Title ------` that the formatter wrapped: the title's line, then a line of dashes alone."""
    out = []
    for path in tree.paths:
        if not path.endswith(CODE):
            continue
        lines = tree.lines(path)
        for number, line in enumerate(lines, 1):
            if re.match(r"\s*// -{10,}\s*$", line) and number > 1 and lines[number - 2].lstrip().startswith("// ----"):
                out.append(Finding("rulers", path, number, "the second half of a ruler: `// ---- Title` is enough"))
    return out
