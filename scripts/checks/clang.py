"""clang-format and clang-tidy. Tidy's verdicts are kept under the build folder by a hash of all it looked at, so
that a file is looked at again only when it, a header of ours or the configuration changed."""
import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess

from .tree import Finding

FORMAT, TIDY = "clang-format-14", "clang-tidy-14"
TIDY_JOBS_MAX = 2


def check_format(tree, only):
    paths = [p for p in tree.code_paths() if only is None or p in only]
    if not paths:
        return []
    if not shutil.which(FORMAT):
        return [Finding("format", ".clang-format", 0, f"{FORMAT} is missing: run scripts/install-packages")]
    run = subprocess.run([FORMAT, "--dry-run", "--Werror", *paths], cwd=tree.root, capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in run.stderr.splitlines() if "clang-format" in line})
    return [Finding("format", p, 0, f"run {FORMAT} -i {p}") for p in wrong]


def check_tidy(tree, only, build):
    commands = os.path.join(build, "compile_commands.json")
    if not os.path.isfile(commands):
        return [Finding("tidy", "CMakePresets.json", 0, f"no compile commands in {os.path.relpath(build, tree.root)}: "
                        "configure first (cmake --preset dev)")]
    if not shutil.which(TIDY):
        return [Finding("tidy", ".clang-tidy", 0, f"{TIDY} is missing: run scripts/install-packages")]
    with open(commands, encoding="utf-8") as f:
        entries = {os.path.relpath(os.path.join(e["directory"], e["file"]), tree.root): e for e in json.load(f)}
    # Tests are left out: Catch's headers cost more time than tidy finds in them.
    paths = [p for p in tree.code_paths() if p in entries and not p.startswith("tests/")
             and (only is None or p in only or touches(p, only))]
    store = os.path.join(build, "tidy")
    os.makedirs(store, exist_ok=True)

    def one(path):
        key = os.path.join(store, digest(tree, path, entries[path].get("command", "")))
        if os.path.exists(key):
            return []
        run = subprocess.run([TIDY, "--quiet", "-p", build, path], cwd=tree.root, capture_output=True, text=True)
        found = []
        for line in run.stdout.splitlines():
            place, kind, text = line.partition(": error: ")
            if not kind:
                place, kind, text = line.partition(": warning: ")
            if kind:
                where = place.split(":")
                found.append(Finding("tidy", os.path.relpath(where[0], tree.root) if os.path.isabs(where[0]) else where[0],
                                     where[1] if len(where) > 1 else 0, text))
        if run.returncode != 0 and not found:
            found.append(Finding("tidy", path, 0, (run.stderr.strip().splitlines() or ["clang-tidy failed"])[-1]))
        if not found:
            open(key, "w").close()
        return found

    with concurrent.futures.ThreadPoolExecutor(min(TIDY_JOBS_MAX, os.cpu_count() or 1)) as pool:
        return [f for found in pool.map(one, paths) for f in found]


def touches(path, only):
    """A changed header is looked at through the file of its own name."""
    return path[:-4] + ".hpp" in only


def digest(tree, path, command):
    h = hashlib.sha256(command.encode())
    ours = sorted(n for n in tree.all_includes(path) if n in set(tree.paths))
    for name in [path, *ours, ".clang-tidy"]:
        if name in tree.paths:
            h.update(name.encode() + b"\0" + tree.text(name).encode() + b"\0")
    return h.hexdigest()
