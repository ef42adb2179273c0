#!/usr/bin/env python3
"""Fair shares at the terminals' doors. Ten thousand idle connections of one address, then as many of many addresses, shut
nobody out: honest terminals come in, sell, and keep their pace while strangers flood; /readyz says what is so, log and
metrics say that places run out. One terminal with 1,100 unanswered sales leaves room at its issuer for everybody else.
An address that sends nonsense is shut for a while; who never proves to be a terminal does not stay. Idle connections
of monitoring and operators end."""
import multiprocessing
import re
import resource
import socket
import sys
import time

import stack
import wire
from terminal import Connection, Terminal

CARD, MERCHANT = "4111111111111111", "898110157220001"
HONEST = [f"100002{n:02d}" for n in range(12)]
PLACES, EVERY = 10_000, 5
ADDRESSES = 200
FILES_BESIDE = 2_000
UNVERIFIED_S = 60
SILENT = 9968  # issuer-sim answers no sale whose amount ends so
UNANSWERED, TERMINAL_PENDING_MAX = 1_100, 64
BAD_LINKS_A_MINUTE = 120
SALES = 150
SLOWER, GRACE_S = 2.0, 0.03  # the median under the flood: so many times, or so much more on a busy machine


def metric(running, name, labels=""):
    found = re.search(rf"^refund_switch_{name}{labels} ([\d.e+]+)$", running.metrics(), re.M)
    return float(found.group(1)) if found else 0.0


def event(running, name):
    return metric(running, "events_total", rf'\{{event="{name}"\}}')


def ready(running):
    return running.metrics("/readyz").split("\r\n\r\n", 1)[1].strip()


def opens(address, source):
    s = socket.socket()
    s.bind((source, 0))
    s.settimeout(10)
    s.connect(address)
    return s


class Idle:
    """Connections that say nothing, from addresses in turn."""

    def __init__(self, address, sources, count):
        self.sockets = [opens(address, sources[i % len(sources)]) for i in range(count)]

    def still_open(self):
        count = 0
        for s in self.sockets:
            s.setblocking(False)
            try:
                count += s.recv(1) != b""
            except BlockingIOError:
                count += 1
            except OSError:
                pass
        return count

    def close(self):
        for s in self.sockets:
            s.close()


class Flood:
    """Opens connections from one address as fast as it can, in a process of its own, until stopped."""

    def __init__(self, address, source):
        self.address, self.source = address, source
        self.count, self.stopping = multiprocessing.Value("q", 0), multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.run, daemon=True)
        self.process.start()

    def run(self):
        held = []
        while not self.stopping.is_set():
            try:
                held.append(opens(self.address, self.source))
                self.count.value += 1
            except OSError:
                pass
            if len(held) > 500:
                held.pop(0).close()

    def stop(self):
        self.stopping.set()
        self.process.join()
        return self.count.value


def comes_and_sells(checks, running, number, source, when):
    terminal = Terminal("unionpay-pos", number, MERCHANT, running.addresses["unionpay-pos"], source=source)
    try:
        terminal.connect()
        on = terminal.sign_on().code
        code = terminal.exchange(terminal.sale(CARD, 1500)).code
    except Exception as e:  # noqa: BLE001
        on, code = "", repr(e)
    checks.equal((on, code), ("00", "00"), f"an honest terminal comes {when}: sign-on and sale")
    return terminal


def pace_of_sales(checks, terminal, when):
    """(median, p99) in seconds."""
    times = []
    for _ in range(SALES):
        begun = time.monotonic()
        code = terminal.exchange(terminal.sale(CARD, 1500)).code
        times.append(time.monotonic() - begun)
        if not checks.equal(code, "00", f"a sale {when}"):
            break
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.99)]


def idle_links_of_one_address(checks, running, places):
    address = running.addresses["unionpay-pos"]
    honest = comes_and_sells(checks, running, HONEST[0], "127.3.0.1", "before anybody floods")
    before, before_p99 = pace_of_sales(checks, honest, "before the flood")
    begun = time.monotonic()
    idle = Idle(address, ["127.2.0.9"], places)
    took = time.monotonic() - begun
    comes_and_sells(checks, running, HONEST[1], "127.3.0.2", "beside idle connections of one address").close()
    of_one = metric(running, "terminal_links_of_one_address")
    print(f"{places} idle connections of one address in {took:.1f} s: {of_one:.0f} have a place, "
          f"{metric(running, 'terminal_links_evicted_total'):.0f} made room, /readyz says {ready(running)!r}", flush=True)
    checks.that(of_one <= places * 0.5, f"one address has {of_one:.0f} of {places} places")
    checks.equal(ready(running), "ready", "/readyz, when honest terminals come in")
    # The same from many addresses, and one that floods.
    many = Idle(address, [f"127.2.1.{n + 1}" for n in range(ADDRESSES)], places)
    flood = Flood(address, "127.2.0.10")
    while_flooded, flooded_p99 = pace_of_sales(checks, honest, "while one address floods")
    for n, number in enumerate(HONEST[2:10]):
        comes_and_sells(checks, running, number, f"127.3.0.{n + 3}", "while all places are wanted").close()
    opened = flood.stop()
    taken, most = metric(running, "terminal_links"), metric(running, "terminal_links_max")
    print(f"{places} more of {ADDRESSES} addresses and {opened} of a flooding one: {taken:.0f} of {most:.0f} places "
          f"taken, {metric(running, 'terminal_links_evicted_total'):.0f} made room; honest sales take "
          f"{before * 1000:.1f} ms (p99 {before_p99 * 1000:.1f}) before, {while_flooded * 1000:.1f} ms (p99 {flooded_p99 * 1000:.1f}) "
          "under the flood", flush=True)
    checks.equal(most, places, "the places that the metrics tell of")
    checks.that(while_flooded <= max(SLOWER * before, before + GRACE_S),
                f"a sale takes {while_flooded * 1000:.1f} ms under the flood, {before * 1000:.1f} ms before")
    checks.that(bool(running.log_lines(severity="alarm", event="terminal_places_nearly_taken")),
                "an alarm says that places run out")
    checks.equal(honest.exchange(honest.sale(CARD, 1500)).code, "00", "the honest terminal was never cut off")
    checks.equal(ready(running), "ready", "/readyz, when newcomers find room")
    for connections in (idle, many):
        connections.close()
    stack.wait_until("the places are free again",
                     lambda: running.log_lines(severity="info", event="terminal_places_free_again"))
    honest.close()


def unanswered_sales_of_one_terminal(checks, running):
    address = running.addresses["unionpay-pos"]
    greedy = comes_and_sells(checks, running, "10000221", "127.3.1.1", "before it sells without an answer")
    other = comes_and_sells(checks, running, "10000222", "127.3.1.2", "beside it")
    for n in range(UNANSWERED):
        greedy.send(greedy.sale(CARD, 10_000 * (n + 1) + SILENT))
    refused = 0
    while refused < UNANSWERED - TERMINAL_PENDING_MAX:
        body = greedy.connection.receive(10)
        if body is None:
            break
        refused += wire.Profile("unionpay-pos").decode(body)[1].get(39) == "96"
    codes = [other.exchange(other.sale(CARD, 1600)).code for _ in range(20)]
    print(f"{UNANSWERED} unanswered sales of one terminal: {refused} refused (96), {metric(running, 'pending'):.0f} wait; "
          f"the other terminal's sales: {sorted(set(codes))}", flush=True)
    checks.equal(refused, UNANSWERED - TERMINAL_PENDING_MAX, "beyond its share the greedy terminal is refused")
    checks.equal(set(codes), {"00"}, "everybody else sells on")
    checks.equal(event(running, "terminal_pending_full"), refused, "the metrics count it")
    greedy.close()
    other.close()


def address_of_nonsense(checks, running):
    address, source = running.addresses["iso87-ascii"], "127.2.0.11"
    closed, refused = 0, 0
    for _ in range(BAD_LINKS_A_MINUTE + 40):
        s = opens(address, source)
        try:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            s.recv(1)
        except OSError:
            pass
        s.close()
        closed += 1
    alarms = running.log_lines(severity="alarm", event="address_shut")
    refused = metric(running, "terminal_links_rejected_total")
    print(f"{closed} connections of one address that send nonsense: {refused:.0f} were refused, {len(alarms)} alarm", flush=True)
    checks.equal([line["source"] for line in alarms], [source], "one alarm, which names the address")
    checks.that(refused > 0, "it gets no more connections for a while")
    comes_and_sells(checks, running, HONEST[10], "127.3.2.1", "while another address is shut").close()


def strangers_do_not_stay(checks, running):
    """With a short unverified_link_seconds: who never proves to be a terminal is closed, who has may be idle."""
    terminal = comes_and_sells(checks, running, HONEST[11], "127.3.2.2", "and stays")
    begun = time.monotonic()
    stranger = Connection(running.addresses["unionpay-pos"], True, "127.2.0.12")
    ended = stranger.receive(30) is None
    took = time.monotonic() - begun
    print(f"a stranger who says nothing was closed after {took:.1f} s", flush=True)
    checks.that(ended and took < 15, f"a stranger who says nothing is closed after {took:.1f} s")
    checks.equal(terminal.exchange(terminal.sale(CARD, 1500)).code, "00", "the terminal's connection stands")
    terminal.close()


def idle_monitoring_and_operators(checks, running):
    host, port = stack.address_of(running.ready["metrics"])
    idle = [socket.create_connection((host, port), timeout=20) for _ in range(100)]
    checks.equal(ready(running), "ready", "a hundred idle connections do not shut monitoring out")
    checks.equal(idle[-1].recv(1), b"", "an idle connection of monitoring ends")
    for s in idle:
        s.close()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(running.ready["control"])
        checks.equal(s.recv(1), b"", "an idle connection of an operator ends")


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument(
        "--every", type=int, default=EVERY, help=f"one in so many connections (default: {EVERY})"))
    checks = stack.Checks()
    places = PLACES // args.every
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 2 * places + FILES_BESIDE:
        places = (hard - FILES_BESIDE) // 2
        print(f"only {places} places: this machine allows no more open files", flush=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * places + FILES_BESIDE, hard))
    shell = f"[shell]\nterminal_links_max = {places}\nunverified_link_seconds = {{}}\ncontrol_idle_seconds = 5\n\n[refund]\n"
    with stack.Stack(args, [(r"\[refund\]\n", shell.format(UNVERIFIED_S * 10))]) as running:
        idle_links_of_one_address(checks, running, places)
        unanswered_sales_of_one_terminal(checks, running)
        address_of_nonsense(checks, running)
        checks.that(running.switch.running(), "the switch lives")
    with stack.Stack(args, [(r"\[refund\]\n", shell.format(5))]) as running:
        strangers_do_not_stay(checks, running)
        idle_monitoring_and_operators(checks, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
