#!/usr/bin/env python3
"""A bank's dialect comes as a file. The demo's scenes are played over an issuer whose messages a jPOS XML describes and
one whose messages a moov-io/iso8583 JSON describes, in the switch and in issuer-sim alike; what a file lacks is named by
--check; a file that changed is taken over by SIGHUP when no connection of its issuer is up, and one that broke is not."""
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import stack
from stack import wait_until
from terminal import Terminal

CARD = "6212345678900000003"
DEMO_TIMEOUT_S = 280
SPECS = {"issuer-a": ("iso87-ascii", "xml"), "issuer-b": ("iso87-bcd-pin16", "json")}


def convert(args, dialect, form, path):
    subprocess.run([os.path.join(args.bin, "iso8583"), "convert-spec", dialect, "--to", form, "-o", path], check=True,
                   stderr=subprocess.DEVNULL)


def edited(source, target, dialect):
    with open(source, encoding="utf-8") as f:
        text = f.read()
    for built_in, file in dialect.items():
        text = text.replace(f'dialect = "{built_in}"', f'dialect = "{file}"')
    with open(target, "w", encoding="utf-8") as f:
        f.write(text)


def configuration_with_files(args, folder):
    """switch/config with the issuers' dialects as files; what the demo is told as --config."""
    source = os.path.join(args.source, "switch", "config")
    files = {}
    for name, (dialect, form) in SPECS.items():
        path = os.path.join(folder, f"{name}.{form}")
        convert(args, dialect, form, path)
        files[dialect.removesuffix("-pin16")] = path
    for name in ("demo.toml", "issuer-a.toml", "issuer-b.toml", "issuer-w.toml"):
        edited(os.path.join(source, name), os.path.join(folder, name), files)
    return files


def check(args, path):
    run = subprocess.run([os.path.join(args.bin, "refund-switch"), "--config", path, "--check"], capture_output=True,
                         text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


def demo(checks, args, folder):
    part = [] if args.whole else ["--profile", "iso87-ascii"]
    run = subprocess.run([os.path.join(args.bin, "demo-terminals"), "--bin", args.bin, "--config", folder, "--free-ports",
                          *part], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEMO_TIMEOUT_S,
                         env={**os.environ, "TMPDIR": folder})
    checks.equal(run.returncode, 0, "the demo's scenes over issuers whose dialects are files")
    if run.returncode:
        print(run.stdout[-4000:], file=sys.stderr)


def without(path, target, *numbers):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for number in numbers:
        text, count = re.subn(rf'<isofield id="{number}" [^>]*/>|<isofieldpackager id="{number}" .*?</isofieldpackager>',
                              "", text, flags=re.S)
        assert count == 1, number
    with open(target, "w", encoding="utf-8") as f:
        f.write(text)


def what_is_missing(checks, args, folder, xml):
    config = os.path.join(folder, "demo.toml")
    code, said = check(args, config)
    checks.equal(code, 0, f"--check of files that will do ({said})")
    kept = os.path.join(folder, "kept.xml")
    shutil.copy(xml, kept)
    without(kept, xml, 11, 39, 64)
    code, said = check(args, config)
    checks.that(code != 0, "--check refuses a dialect without what the switch needs")
    for field, why in ((11, "matches answers"), (39, "the response code"), (64, "the MAC")):
        checks.that(re.search(rf"dialect: .*DE{field} is missing \({why}", said), f"DE{field} is named: {said}")
    with open(kept, encoding="utf-8") as f:
        text = f.read()
    with open(xml, "w", encoding="utf-8") as f:
        f.write(re.sub(r'(<isofield id="64" .*?class="org.jpos.iso.)IFA_BINARY', r"\1IF_CHAR", text))
    code, said = check(args, config)
    checks.that(code != 0 and re.search(r"DE64 .*has to be 8 bytes|DE64 .*does not fit", said), f"a MAC as text: {said}")
    with open(xml, "w", encoding="utf-8") as f:
        f.write(text.replace("org.jpos.iso.IFA_LLNUM", "org.jpos.iso.IFB_LLHEX", 1))
    code, said = check(args, config)
    checks.that(code != 0 and "its length counts half bytes" in said and ":" in said, f"a class that is not read: {said}")
    edited(config, os.path.join(folder, "nowhere.toml"), {xml: os.path.join(folder, "no-such.xml")})
    code, said = check(args, os.path.join(folder, "nowhere.toml"))
    checks.that(code != 0 and "no-such.xml" in said, f"a file that is not there: {said}")
    shutil.copy(kept, xml)


TRACES = itertools.count(1, 100)  # of each sale its own: the same one again in the same second would be a 94


def sale(checks, s, what):
    terminal = Terminal("iso87-ascii", "20000161", "898110157220002", s.addresses["iso87-ascii"], next(TRACES))
    terminal.connect()
    checks.equal(terminal.exchange(terminal.sale(CARD, 2000)).code, "00", what)
    terminal.close()


def reload(checks, args, folder, xml):
    options = [(r'dialect = "iso87-ascii"', f'dialect = "{xml}"')]
    with stack.Stack(args, options) as s:
        sale(checks, s, "a sale over the file's dialect")
        with open(xml, encoding="utf-8") as f:
            text = f.read()
        with open(xml, "w", encoding="utf-8") as f:
            f.write(text.replace("</isopackager>", ""))
        s.switch.process.send_signal(signal.SIGHUP)
        wait_until("a broken file is refused", lambda: s.log_lines(event="configuration_rejected"))
        sale(checks, s, "a sale after a broken file")
        with open(xml, "w", encoding="utf-8") as f:
            f.write(text.replace('name="system trace audit number"', 'name="trace"'))
        s.switch.process.send_signal(signal.SIGHUP)
        wait_until("the changed file is read", lambda: s.log_lines(event="dialect_read_again"))
        checks.equal(s.log_lines(event="dialect_taken_over"), [], "nothing is taken over while connections are up")
        sale(checks, s, "a sale while the new one waits")
        s.issuers["issuer-a"].terminate()
        s.start_issuer("issuer-a")
        wait_until("the file is taken over", lambda: s.log_lines(event="dialect_taken_over"))
        wait_until("issuer-a is connected", s.connected)
        sale(checks, s, "a sale over the changed file")


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument(
        "--whole", action="store_true", help="the demo's terminals of both profiles, not of iso87-ascii alone"))
    checks = stack.Checks()
    folder = tempfile.mkdtemp(prefix="bank-dialects-")
    try:
        files = configuration_with_files(args, folder)
        what_is_missing(checks, args, folder, files["iso87-ascii"])
        demo(checks, args, folder)
        reload(checks, args, folder, files["iso87-ascii"])
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
