#!/usr/bin/env python3
"""`refundctl watch` on a terminal of its own (a pty): it draws, hears its keys and a change of size, outlives a switch
that goes and comes back, and gives the terminal back as it was however it ends; without a terminal it says what to do."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import stack

ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
TIMEOUT_S = 20


class OnTerminal:
    """A watch whose stdin and stdout are a pty."""

    def __init__(self, running, rows=30, columns=100, words=(), **environment):
        self.ours, theirs = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(theirs)
        env = {**os.environ, "TERM": "xterm", **environment}
        if "NO_COLOR" not in environment:
            env.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [running.program("refundctl"), "--socket", running.ready["control"], "watch", *words],
            stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.theirs, self.text = theirs, ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, what, probe):
        deadline = time.monotonic() + TIMEOUT_S
        while not probe(self.text):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.ours], [], [], left)[0]:
                raise AssertionError(f"not within {TIMEOUT_S} s: {what}; the screen: {self.text[-2000:]!r}")
            self.text += os.read(self.ours, 65536).decode(errors="replace")
        return self.text

    def screen(self):
        """The last whole drawing, as lines."""
        drawn = self.text.rpartition("\x1b[J")[0].rpartition("\x1b[H")[2]  # what is read may end in the middle of one
        return COLOURS.sub("", drawn).replace("\x1b[K", "").replace("\r", "").split("\n")

    def drawings(self):
        return self.text.count("\x1b[J")

    def next_drawing(self):
        seen = self.drawings()
        self.read_until("the next drawing", lambda _: self.drawings() > seen)
        return self.screen()

    def type(self, keys):
        os.write(self.ours, keys)

    def wait(self):
        """The exit code, once all that it wrote was read."""
        code = self.process.wait(TIMEOUT_S)
        while select.select([self.ours], [], [], 0)[0]:
            self.text += os.read(self.ours, 65536).decode(errors="replace")
        return code

    def given_back(self, checks, how):
        checks.that(self.text.endswith(LEAVE), f"{how}: the screen before it is there again")
        checks.equal(termios.tcgetattr(self.theirs), self.before, f"{how}: the terminal is as it was")
        os.close(self.ours)
        os.close(self.theirs)


def draws_and_ends(checks, running):
    watch = OnTerminal(running)
    watch.read_until("a screen", lambda text: "q ends" in text)
    checks.that(watch.text.startswith(ENTER), "it takes a screen of its own")
    screen = watch.next_drawing()
    text = "\n".join(screen)
    for word in ("business day", "answers", "latency", *stack.ISSUERS, "open exceptions", "q ends"):
        checks.that(word in text, f"the screen shows {word}: {text}")
    checks.equal(len(screen), 30, "as high as the terminal")
    checks.that(COLOURS.search(watch.text), "in colours")
    watch.resize(12, 50)
    smaller = watch.read_until("a smaller screen", lambda _: len(watch.screen()) == 12) and watch.screen()
    checks.that(max(map(len, smaller)) <= 50, f"as wide as the smaller terminal: {smaller}")
    watch.type(b"x")
    watch.next_drawing()
    watch.type(b"q")
    checks.equal(watch.wait(), 0, "q ends it")
    watch.given_back(checks, "after q")


def ends_by_signals(checks, running):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        watch = OnTerminal(running, NO_COLOR="1")
        watch.read_until("a screen", lambda text: "q ends" in text)
        watch.process.send_signal(number)
        checks.equal(watch.wait(), -number, f"{number.name} ends it as it ends other programs")
        checks.that(not COLOURS.search(watch.text), "NO_COLOR: no colours")
        watch.given_back(checks, number.name)


def stops_and_goes_on(checks, running):
    watch = OnTerminal(running)
    watch.read_until("a screen", lambda text: "q ends" in text)
    watch.type(b"\x1a")  # Ctrl-Z
    _, status = os.waitpid(watch.process.pid, os.WUNTRACED)
    checks.that(os.WIFSTOPPED(status), "Ctrl-Z stops it")
    watch.read_until("the shell's screen", lambda text: text.endswith(LEAVE))
    checks.equal(termios.tcgetattr(watch.theirs), watch.before, "a stopped one gives the terminal back")
    watch.process.send_signal(signal.SIGCONT)
    watch.read_until("its screen again", lambda text: text.count(ENTER) == 2 and text.rstrip().endswith("\x1b[J"))
    watch.type(b"q")
    checks.equal(watch.wait(), 0, "q ends it after that")
    watch.given_back(checks, "after a stop")


def switch_goes_and_comes(checks, running):
    watch = OnTerminal(running)
    watch.read_until("a screen", lambda text: "q ends" in text)
    running.kill_switch()
    watch.read_until("the trouble", lambda _: any("cannot be reached" in line for line in watch.screen()))
    checks.that(any("issuer-a" in line for line in watch.screen()), "what was known last stays on the screen")
    running.start_switch()
    watch.read_until("the switch again", lambda _: watch.drawings() > 2 and
                     not any("cannot be reached" in line for line in watch.screen()))
    watch.type(b"q")
    checks.equal(watch.wait(), 0, "q ends it")
    watch.given_back(checks, "after the switch was away")


def without_terminal(checks, running):
    code, said = running.refundctl("watch", json_output=False)
    checks.that(code == 2 and "needs a terminal" in said and "--json" in said, f"without a terminal: {code} {said}")
    run = subprocess.run([running.program("refundctl"), "--socket", running.ready["control"], "--json", "watch", "--count",
                          "2"], capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    checks.equal((run.returncode, len(lines)), (0, 2), f"--json --count 2: {run.stdout} {run.stderr}")
    for line in lines:
        data = line["data"]
        checks.that(line["ok"] and 500 <= data["interval_ms"] <= 10000, f"an interval of about a second: {data}")
        checks.equal([route["route"] for route in data["routes"]], list(stack.ISSUERS), "with its routes")
    run = subprocess.run([running.program("refundctl"), "--socket", running.path("nothing.sock"), "--json", "watch"],
                         capture_output=True, text=True, timeout=60)
    checks.that(run.returncode == 3 and json.loads(run.stdout)["error"] == "unreachable"
                and "cannot be reached" in run.stdout, f"a switch that is not there: {run}")
    watch = OnTerminal(running, words=("--count", "2"))
    checks.equal(watch.wait(), 0, "--count ends a screen too")
    watch.given_back(checks, "after --count")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        draws_and_ends(checks, running)
        ends_by_signals(checks, running)
        stops_and_goes_on(checks, running)
        without_terminal(checks, running)
        switch_goes_and_comes(checks, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
