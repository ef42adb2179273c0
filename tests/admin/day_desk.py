"""People at refundctl, for operators_day.py: what they type, what they must see, and what is kept of it for
docs/refundctl.md."""
import contextlib
import datetime
import json
import re
import subprocess

CARD_A = "6212345678900000003"  # issuer-a: refunds by advice
CARD_B = "4111111111111111"     # issuer-b: refunds online
MERCHANT = "898110157220001"
TERMINAL = "10000901"
NOTE = ("--note", "as the issuer's file of yesterday says")

COMMANDS_A_TASK_MAX = 3
TABLE_COLUMNS = 100
# What an example in the document begins with, whenever the day was played.
FIRST_DAY = datetime.date(2026, 11, 22)
LONG_TIME, SHORT_TIME, LOCAL_DATE = "2026-11-22T07:01:20.191+08:00", "11-22 07:01:20+08:00", "1122"
SLIP_TIME = "2026-11-22 07:01:20 +08:00"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class Transcript:
    """Commands and outputs under names, made the same for every run: numbers by their order, days from FIRST_DAY on."""

    def __init__(self):
        self.blocks, self.names, self.first_day = {}, {}, None  # first_day: the Desk's today

    def same_each_day(self, text, also=()):
        def rrn(match):
            return self.names.setdefault(match.group(), f"632625280{len(self.names) + 101}")

        def day(match):
            then = datetime.date.fromisoformat(match.group())
            return str(FIRST_DAY + (then - self.first_day))
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d+\+\d\d:\d\d", LONG_TIME, text)
        text = re.sub(r"\b\d\d-\d\d [\d:]{8}\+\d\d:\d\d", SHORT_TIME, text)
        text = re.sub(r"\b20\d\d-\d\d-\d\d [\d:]{8} \+\d\d:\d\d", SLIP_TIME, text)
        text = re.sub(r"\b[0-9a-f]{64}\b", DIGEST, text)  # first: twelve digits in a row stand in some of them
        text = re.sub(r"(?<![\d*])\d{12}(?![\d*])", rrn, text)
        text = re.sub(r"--date \d{4}\b", "--date " + LOCAL_DATE, text)
        text = re.sub(r"\b20\d\d-\d\d-\d\d\b(?!T| [\d:]{8} \+)", day, text)
        for pattern, replacement in also:
            text = re.sub(pattern, replacement, text)
        return text


class Desk:
    def __init__(self, checks, running):
        self.checks, self.running = checks, running
        self.transcript = Transcript()
        self.played = {"right": set(), "wrong": set()}
        self.in_task, self.shown = None, None
        listed = subprocess.run([running.program("refundctl"), "--print", "commands"], capture_output=True, text=True,
                                check=True, timeout=20)
        self.table = listed.stdout.split("\n")[:-1]
        self.today = self.json("day", "status")["business_date"]
        self.transcript.first_day = datetime.date.fromisoformat(self.today)

    # What is typed

    def _run(self, words, user):
        typed = ["--as", user] if user else []
        ended = subprocess.run([self.running.program("refundctl"), "--socket", self.running.ready["control"], *typed, *words],
                               capture_output=True, text=True, timeout=60, cwd=self.running.folder)
        self.checks.that(CARD_A not in ended.stdout + ended.stderr and CARD_B not in ended.stdout + ended.stderr,
                         f"{' '.join(words)} shows no whole card")
        if self.shown:
            self._keep(typed + list(words), ended)
        return ended

    def _command(self, words):
        """The command of the table that these words begin with; a group alone is its list."""
        words = [w for w in words if not w.startswith("--json")]
        for name in (" ".join(words[:2]), words[0], words[0] + " list"):
            if name in self.table:
                return name
        raise AssertionError(f"{' '.join(words)} is no command of the table")

    def right(self, *words, user=None, says=(), code=0):
        """Typed as it is meant. `code`: what the switch says of it is no, and that is right."""
        name, ended = self._command(words), self._run(words, user)
        text = ended.stdout + ended.stderr
        self.played["right"].add(name)
        if self.in_task:
            self.in_task[1] += 1
        self.checks.equal(ended.returncode, code, f"{user}: {' '.join(words)}: {text}")
        for part in [says] if isinstance(says, str) else says:
            self.checks.that(part in text, f"{user}: {' '.join(words)}: {part!r} is said: {text}")
        if name.endswith("list") or name.startswith(("find", "report")):
            for line in text.split("\n"):
                in_table = len(re.findall(r"\S  +\S", line)) >= 2  # a fact has one gap, what stands below a row none
                self.checks.that(len(line) <= TABLE_COLUMNS or not in_table,
                                 f"{' '.join(words)}: more than {TABLE_COLUMNS} columns: {line}")
        return text

    def wrong(self, says, *words, user=None, code=1):
        """Refused (1) or no usage (2), with a sentence; --json says the same of it on stdout."""
        name, ended = self._command(words), self._run(words, user)
        self.played["wrong"].add(name)
        self.checks.equal(ended.returncode, code, f"{user}: {' '.join(words)}: {ended.stdout}{ended.stderr}")
        self.checks.that(says in ended.stderr, f"{user}: {' '.join(words)}: {says!r} is said: {ended.stderr}")
        if code == 2:
            shown, self.shown = self.shown, None
            again = self._run(("--json", *words), user)
            self.shown = shown
            told = json.loads(again.stdout)
            self.checks.equal((again.returncode, told["ok"], told["error"], again.stderr), (2, False, "usage", ""),
                              f"--json {' '.join(words)}")

    def json(self, *words, user=None):
        """A look that is no part of a task."""
        code, data = self.running.refundctl(*words, user=user)
        self.checks.equal(code, 0, f"{' '.join(words)}: {data}")
        return data

    def state(self, rrn):
        return self.json("show", rrn)["state"]

    # Tasks, and what is kept

    @contextlib.contextmanager
    def task(self, title):
        self.in_task = [title, 0]
        yield
        self.checks.that(1 <= self.in_task[1] <= COMMANDS_A_TASK_MAX,
                         f"{title}: takes {self.in_task[1]} commands, at most {COMMANDS_A_TASK_MAX}")
        self.in_task = None

    @contextlib.contextmanager
    def kept(self, name, lines_max=None, also=()):
        """What is typed here becomes the document's block of that name; of each output so many lines."""
        self.shown = (name, lines_max, also)
        self.transcript.blocks[name] = []
        yield
        self.shown = None

    def _keep(self, typed, ended):
        name, lines_max, also = self.shown
        words = " ".join(f"'{w}'" if re.search(r"[^\w./=:-]", w) else w for w in typed)
        lines = [line for line in (ended.stdout + ended.stderr).split("\n")[:-1]]
        if lines_max and len(lines) > lines_max:
            lines = lines[:lines_max] + ["…"]
        if ended.returncode:
            lines.append(f"    (exit {ended.returncode})")
        block = self.transcript.blocks[name]
        if block:
            block.append("")
        block += self.transcript.same_each_day("\n".join([f"$ refundctl {words}", *lines]), also).split("\n")

    def every_command_was_played(self):
        for how, names in self.played.items():
            for name in self.table:
                self.checks.that(name in names, f"no scene types `{name}` with {how} input")


# The document: a line `<!-- played: NAME -->`, and below it the block of that name, indented by four.

MARK = re.compile(r"^<!-- played: ([\w-]+) -->$")


def with_blocks(document, blocks):
    """The document with these blocks below their marks; the names of marks, and lines that are typed outside of any."""
    out, marks, stray = [], [], []
    lines = iter(document.split("\n"))
    inside = False
    for line in lines:
        mark = MARK.match(line)
        if inside and (line.startswith("    ") or not line):
            if not line:
                blank = True
            continue
        if inside:
            inside = False
            if blank:
                out.append("")
        if not mark and re.match(r"    \$ refundctl ", line):
            stray.append(line)
        out.append(line)
        if mark:
            marks.append(mark.group(1))
            out += ["    " + text if text else "" for text in blocks.get(mark.group(1), ["(never played)"])]
            inside, blank = True, False
    return "\n".join(out), marks, stray
