"""Starts the whole stack on ephemeral loopback ports with a data directory of its own, and ends it again by pid.

The configuration is switch/config/demo.toml with other addresses; issuers run as issuer-sim."""
import argparse
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ISSUERS = {"issuer-a": "127.0.0.1:8601", "issuer-b": "127.0.0.1:8602", "issuer-w": "127.0.0.1:8603"}
LOADED = ("issuer-a", "issuer-b")  # whom the cards of switch-bench are of


def arguments(description, add=None):
    parser = argparse.ArgumentParser(description=description)
    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.dirname(os.path.dirname(here))
    parser.add_argument("--source", default=source, help="the project's root")
    parser.add_argument("--bin", help="folder of the programs (default: build/dev/bin below the root)")
    parser.add_argument("--keep", action="store_true", help="leave logs and data where they are")
    parser.add_argument("--shards", type=int, choices=(1, 2, 4), help="of the switch ([store] shards)")
    if add:
        add(parser)
    args = parser.parse_args()
    args.bin = os.path.abspath(args.bin or os.path.join(args.source, "build", "dev", "bin"))
    return args


def shards(count):
    """What makes a switch of so many shards out of the demo's configuration."""
    return (r"(?m)^\[data\]$", f"[store]\nshards = {count}\n\n[data]")


class Program:
    """One process: stdout is a pipe that its ready line is read from, stderr goes to a file. `popen`: what else
    subprocess.Popen is to be told."""

    def __init__(self, name, command, log, **popen):
        self.name, self.log = name, log
        self.errors = open(log, "ab")
        popen.setdefault("stderr", self.errors)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **popen)
        self.ready = self._read_ready()

    def _read_ready(self):
        deadline, text = time.monotonic() + READY_TIMEOUT_S, b""
        out = self.process.stdout.fileno()
        while b"\n" not in text or b"ready" not in text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                self.kill()
                raise RuntimeError(f"{self.name} did not say that it is ready; its log: {self.log}")
            piece = os.read(out, 4096)
            if not piece:
                code = self.process.wait()
                with open(self.log, errors="replace") as f:
                    tail = f.read()[-2000:]
                raise RuntimeError(f"{self.name} ended with {code} before it was ready:\n{tail}")
            text += piece
        return text.decode()

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        return self.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self):
        code = self.process.wait(STOP_TIMEOUT_S)
        self.process.stdout.close()
        self.errors.close()
        return code


def strangers():
    """Loopback addresses, each somebody else to the switch: 127.1.0.1, 127.1.0.2 …"""
    for number in itertools.count(1):
        yield f"127.1.{number // 250 % 250}.{number % 250 + 1}"


def address_of(text):
    host, port = re.search(r"(\[[\da-f:.]+\]|[\d.]+):(\d+)", text).groups()
    return host.strip("[]"), int(port)


def text_of(address):
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Stack:
    def __init__(self, args, options=(), host="127.0.0.1"):
        """`options`: (pattern, replacement) pairs applied to the configuration's text. `host`: where all listen."""
        self.host, self.flags = host, []  # flags: of the switch's command line
        self.args, self.options = args, (*options, *([shards(args.shards)] if (args.shards or 1) > 1 else []))
        self.folder = tempfile.mkdtemp(prefix="refund-switch-test-")
        self.data = os.path.join(self.folder, "data")
        self.issuers, self.switch = {}, None
        self.issuer_addresses = {}

    def __enter__(self):
        try:
            for name in ISSUERS:
                self.start_issuer(name)
            self.start_switch()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, trace):
        for program in [self.switch, *self.issuers.values()]:
            if program and program.running():
                try:
                    program.terminate()
                except subprocess.TimeoutExpired:
                    program.kill()
                    print(f"{program.name} did not stop on SIGTERM", file=sys.stderr)
        if kind is None and not self.args.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"logs and data are kept in {self.folder}", file=sys.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.args.bin, name)

    # Issuers

    def journal_path(self, name):
        return self.path(f"{name}.journal")

    def start_issuer(self, name):
        listen = text_of(self.issuer_addresses.get(name, (self.host, 0)))
        self.issuers[name] = Program(name, [
            self.program("issuer-sim"), "--config", os.path.join(self.args.source, "switch", "config", f"{name}.toml"),
            "--listen", listen, "--journal", self.journal_path(name), "--control", self.path(f"{name}.sock")],
            self.path(f"{name}.log"))
        self.issuer_addresses[name] = address_of(self.issuers[name].ready)

    def issuer_says(self, name, command):
        """One command on the issuer's control socket, its reply."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.path(f"{name}.sock"))
            s.sendall(command.encode() + b"\n")
            text = b""
            while not text.endswith(b"\n"):
                piece = s.recv(65536)
                if not piece:
                    break
                text += piece
        return text.decode().strip()

    def journal(self, name):
        path = self.journal_path(name)
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.strip()]

    # The switch

    def write_config(self):
        with open(os.path.join(self.args.source, "switch", "config", "demo.toml"), encoding="utf-8") as f:
            text = f.read()
        for name, fixed in ISSUERS.items():
            text = text.replace(fixed, text_of(self.issuer_addresses[name]))
        for port in (8583, 8584, 9583):
            text = text.replace(f"127.0.0.1:{port}", text_of((self.host, 0)))
        for pattern, replacement in self.options:
            text, count = re.subn(pattern, replacement, text)
            if not count:
                raise RuntimeError(f"demo.toml has nothing that matches {pattern!r}")
        path = self.path("switch.toml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start_switch(self, **popen):
        config = self.write_config()
        os.makedirs(self.data, exist_ok=True)
        self.switch = Program("refund-switch", [self.program("refund-switch"), "--config", config, "--data", self.data,
                                                 *self.flags], self.path("switch.log"), **popen)
        self.listens()

    def listens(self):
        """Where it does, by its ready line."""
        # Paths may hold spaces, addresses may not: each value runs up to the next ` name=`.
        self.ready = dict(re.findall(r"([\w.-]+)=(.*?)(?= [\w.-]+=|\s*$)", self.switch.ready.strip()))
        self.addresses = {p: address_of(self.ready[f"terminals.{p}"]) for p in ("unionpay-pos", "iso87-ascii")}
        # Ready means that it listens; its own connections come up a moment later.
        wait_until("HSM and issuers are connected", self.connected, every=0.02)

    def connected(self):
        values = dict(re.findall(r"^\w*?(hsm_available|issuer_connections_signed_on\S*) (\S+)$", self.metrics(), re.M))
        return len(values) == 1 + len(ISSUERS) and all(float(v) >= 1 for v in values.values())

    def kill_switch(self):
        self.switch.kill()

    def stores(self, directory=None):
        """The folders of the ledger in a data directory or a backup (default: the running switch's)."""
        at = directory or self.data
        count = getattr(self.args, "shards", None) or 1
        return [os.path.join(at, "store")] if count == 1 else [os.path.join(at, f"shard_0{i}", "store") for i in range(count)]

    def approve(self, said, user="checker1"):
        """What was proposed, in each shard that made a proposal of it; the exit code and the last answer."""
        code, listed = self.refundctl("proposals", "list", "--limit", "100")
        action = next(p["action"] for p in listed["proposals"] if p["proposal"] == said["proposal"].split(",")[0])
        for proposal in [p["proposal"] for p in listed["proposals"] if p["action"] == action]:
            code, answer = self.refundctl("proposals", "approve", proposal, user=user)
            if code != 0:
                break
        return code, answer

    def verify(self):
        """`refund-switch --verify` over the ledger of a switch that does not run: exit code and what it says."""
        run = subprocess.run([self.program("refund-switch"), "--config", self.write_config(), "--data", self.data,
                              "--verify"], capture_output=True, text=True, timeout=120)
        return run.returncode, run.stdout + run.stderr

    def switch_log(self):
        with open(self.path("switch.log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def log_lines(self, **wanted):
        """The log's whole lines that have these values, as dicts."""
        text = self.switch_log()
        lines = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]
        return [line for line in lines if all(line.get(name) == value for name, value in wanted.items())]

    def metrics(self, path="/metrics", at=None):
        """`at`: of another node than the one that serves."""
        host, port = at or address_of(self.ready["metrics"])
        with socket.create_connection((host, port), timeout=10) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            text = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return text.decode()
                text += piece

    def control(self, line):
        """One line on the control socket, and the one that comes back."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self.ready["control"])
            s.sendall(line.encode() + b"\n")
            text = b""
            while not text.endswith(b"\n"):
                piece = s.recv(65536)
                if not piece:
                    break
                text += piece
        return text.decode()

    def refundctl(self, *words, user=None, json_output=True):
        """(exit code, the answer's data or its text)."""
        command = [self.program("refundctl"), "--socket", self.ready["control"]]
        if user:
            command += ["--as", user]
        if json_output:
            command.append("--json")
        run = subprocess.run(command + list(words), capture_output=True, text=True, timeout=60)
        if json_output and run.stdout.strip():
            try:
                answer = json.loads(run.stdout)
                return run.returncode, answer.get("data", answer)
            except ValueError:
                pass
        return run.returncode, run.stdout + run.stderr


def wait_until(what, probe, seconds=30.0, every=0.1):
    """Polls something outside that has no event to wait for; the time is a bound, not a guess."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        select.select([], [], [], every)


class Checks:
    """Counts what held and what did not; a test ends with report()."""

    def __init__(self):
        self.held, self.broken = 0, []

    def that(self, condition, text):
        if condition:
            self.held += 1
        else:
            self.broken.append(text)
            print(f"BROKEN: {text}", flush=True)
        return bool(condition)

    def equal(self, seen, expected, text):
        return self.that(seen == expected, f"{text}: expected {expected!r}, saw {seen!r}")

    def report(self):
        print(f"{self.held} checks held, {len(self.broken)} broken", flush=True)
        return 1 if self.broken else 0
