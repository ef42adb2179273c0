#!/usr/bin/env python3
"""What each program's ELF file says of itself, read with readelf and objdump: position-independent, full RELRO, no
executable stack, stack protector, _FORTIFY_SOURCE, control-flow enforcement where the compiler has it. A preset with
sanitizers has none of the last three: then only the first three are asked for."""
import os
import re
import subprocess
import sys

import stack

PROGRAMS = ("refund-switch", "refundctl", "hsm-sim", "issuer-sim", "iso8583", "switch-bench")
ENTRIES_MIN = 1000  # functions of ours that begin with a landing pad; each program has thousands


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def flags_of(args):
    """The cache of the build that these programs are of; programs that were installed have none."""
    path = os.path.join(os.path.dirname(args.bin), "CMakeCache.txt")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as f:
        return f.read()


def judge(checks, program, hardened, has_cet):
    name = os.path.basename(program)
    header, segments = output("readelf", "-hW", program), output("readelf", "-lW", program)
    dynamic, symbols = output("readelf", "-dW", program), output("readelf", "--dyn-syms", "-W", program)
    checks.that(re.search(r"Type:\s+DYN", header) is not None, f"{name} is position-independent")
    checks.that("GNU_RELRO" in segments, f"{name}: read-only after relocation")
    checks.that(re.search(r"FLAGS.*BIND_NOW", dynamic) is not None or re.search(r"FLAGS_1.*NOW", dynamic) is not None,
                f"{name}: everything is bound at start, so that all of it is read-only (full RELRO)")
    stack_line = re.search(r"GNU_STACK\s.*", segments)
    checks.that(stack_line is not None and "RWE" not in stack_line.group(), f"{name}: the stack is not executable")
    checks.that(re.search(r"LOAD.*RWE", segments) is None, f"{name}: no memory is writable and executable")
    checks.that(re.search(r"RPATH|RUNPATH", dynamic) is None, f"{name}: no search path of its own for libraries")
    if not hardened:
        return
    checks.that("__stack_chk_fail" in symbols, f"{name}: stack protector")
    checks.that(re.search(r"__(\w+)_chk@", symbols) is not None, f"{name}: checked library calls (_FORTIFY_SOURCE)")
    if has_cet:
        code = output("objdump", "-d", "--no-show-raw-insn", "-j", ".text", program)
        count = len(re.findall(r"\tendbr64\b", code))
        checks.that(count >= ENTRIES_MIN, f"{name}: {count} landing pads of control-flow enforcement")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    cache = flags_of(args)
    sanitizer = re.search(r"^SWITCH_SANITIZE:\w+=(\S+)$", cache, re.M)
    coverage = "SWITCH_COVERAGE:BOOL=ON" in cache
    hardened = not sanitizer and not coverage
    has_cet = re.search(r"^compiler_has_fcf_protection_full:INTERNAL=1$", cache, re.M) is not None or not cache
    if not hardened:
        print(f"SKIPPED: stack protector and what follows: {sanitizer.group(1) if sanitizer else 'coverage'}")
    elif not has_cet:
        print("SKIPPED: this compiler knows no control-flow enforcement")
    for program in PROGRAMS:
        path = os.path.join(args.bin, program)
        if checks.that(os.path.exists(path), f"{path} is there"):
            judge(checks, path, hardened, has_cet)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
