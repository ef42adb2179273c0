#!/usr/bin/env python3
"""Manual pages and completions as their readers use them: `man` renders each page without a warning and it names every
command, bash sources each completion and is asked for words, zsh reads each file. Exit code 77: man or zsh is missing
and cannot be installed."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(SOURCE, "tests", "outside"))
from stack import Checks  # noqa: E402

PROGRAMS = {"refundctl": 1, "refund-switch": 8, "issuer-sim": 1, "hsm-sim": 1, "iso8583": 1, "switch-bench": 1}
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO")


def need(*programs):
    if all(map(shutil.which, programs)):
        return
    subprocess.run([os.path.join(SOURCE, "scripts", "install-packages")], stdout=subprocess.DEVNULL)
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        print(f"SKIPPED: {' and '.join(missing)} cannot be installed: nobody has read the pages or completions")
        sys.exit(77)


def printed(args, program, form):
    return subprocess.run([os.path.join(args.bin, program), "--print", form], capture_output=True, text=True, check=True,
                          timeout=20).stdout


def manual(checks, folder, program, section, text, commands):
    path = os.path.join(folder, f"{program}.{section}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", path], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "MANWIDTH": "200", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""})
    checks.equal((run.returncode, run.stderr), (0, ""), f"man {program} warns of nothing")
    for name in SECTIONS:
        checks.that(f"\n{name}\n" in "\n" + run.stdout, f"man {program} has {name}")
    for command in commands:
        checks.that(f"{program} {command}" in run.stdout, f"man {program} says how {command} is used")
    for word in ("internal:", "proof-digest"):
        checks.that(word not in run.stdout, f"man {program} speaks of nothing that nobody types: {word}")


def completed(file, program, *words):
    """What bash offers for the last of these words."""
    line = [program, *words]
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); function=$(complete -p "$1"); '
              'function=${function#*-F }; ${function%% *} "$1" "${COMP_WORDS[COMP_CWORD]}" ""; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    run = subprocess.run(["bash", "-uc", script, "bash", file, *line], capture_output=True, text=True, timeout=20,
                         cwd=os.path.dirname(file))
    if run.stderr or run.returncode:
        raise AssertionError(f"{line}: {run.returncode} {run.stderr}")
    return sorted(run.stdout.split())


def bash(checks, args, folder):
    files = {}
    for program in PROGRAMS:
        files[program] = os.path.join(folder, program + ".bash")
        with open(files[program], "w", encoding="utf-8") as f:
            f.write(printed(args, program, "bash"))
        offered = completed(files[program], program, "--")
        checks.that("--help" in offered and "--version" in offered, f"{program} --<Tab>: {offered}")
    open(os.path.join(folder, "goods.csv"), "w").close()
    ask = lambda *words: completed(files["refundctl"], "refundctl", *words)  # noqa: E731
    checks.equal(ask("rou"), ["routes"], "a command")
    checks.that({"routes", "refund", "list", "watch"} <= set(ask("")) and "files" not in ask(""), "every command")
    checks.equal(ask("routes", ""), ["down", "drain", "list", "up"], "the commands of a group")
    checks.equal(ask("--as", "maker1", "refund", "app"), ["approve"], "behind an option with its value")
    checks.equal(ask("totals", "--by", ""), ["instrument", "merchant", "reason", "route", "terminal"], "words of a choice")
    checks.equal(ask("saf", "list", "--state", "p"), ["parked"], "one of them")
    checks.equal(ask("refund", "open", "--r"), ["--reason", "--ref", "--rrn"], "options of a command")
    checks.that("--json" in ask("refund", "open", "--"), "and those of every command")
    checks.equal(ask("batch", "validate", "goo"), ["goods.csv"], "a file as an argument")
    checks.equal(ask("list", "--csv", "goo"), ["goods.csv"], "a file as a value")
    checks.equal(ask("keys", "rotate", "issuer-a", ""), ["zak", "zpk"], "words of the second argument")
    checks.equal(ask("nothing", "of", "this", "x"), [], "nothing of a command that is none")
    checks.equal(completed(files["refund-switch"], "refund-switch", "--describe", "l"), ["limits"], "refund-switch")
    checks.equal(completed(files["iso8583"], "iso8583", "convert-spec", "--to", ""), ["json", "toml", "xml"], "iso8583")


def installed(checks, args, folder):
    """What `cmake --install` puts where man and the shells look for it; a build of single targets has made no documents."""
    build, prefix = os.path.dirname(args.bin.rstrip("/")), os.path.join(folder, "usr")
    if not os.path.exists(os.path.join(build, "share", "man", "man1", "switch-bench.1")):
        print("not looked at: what is installed, since this build has made no documents")
        return
    run = subprocess.run(["cmake", "--install", build, "--component", "programs", "--prefix", prefix], capture_output=True,
                         text=True, timeout=60)
    checks.equal(run.returncode, 0, f"cmake --install: {run.stderr}")
    for program, section in PROGRAMS.items():
        for path in (f"bin/{program}", f"share/man/man{section}/{program}.{section}",
                     f"share/bash-completion/completions/{program}", f"share/zsh/site-functions/_{program}"):
            checks.that(os.path.getsize(os.path.join(prefix, path)) > 100, f"{path} is installed")
    found = subprocess.run(["man", "-w", "refundctl"], capture_output=True, text=True, timeout=20,
                           env={**os.environ, "MANPATH": os.path.join(prefix, "share", "man")})
    checks.equal(found.stdout.strip(), os.path.join(prefix, "share", "man", "man1", "refundctl.1"), "man refundctl")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    args = parser.parse_args()
    need("man", "zsh")
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="refund-switch-documents-") as folder:
        for program, section in PROGRAMS.items():
            commands = printed(args, program, "commands").split("\n")[:-1]
            manual(checks, folder, program, section, printed(args, program, "man"), commands)
            path = os.path.join(folder, "_" + program)
            with open(path, "w", encoding="utf-8") as f:
                f.write(printed(args, program, "zsh"))
            run = subprocess.run(["zsh", "-n", path], capture_output=True, text=True, timeout=20)
            checks.equal((run.returncode, run.stderr), (0, ""), f"zsh reads the completion of {program}")
        bash(checks, args, folder)
        installed(checks, args, folder)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
