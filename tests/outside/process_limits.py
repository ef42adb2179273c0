#!/usr/bin/env python3
"""Limits of the process: a write past the file size limit ended the switch by a signal (SIGXFSZ), one to a reader that
is gone could (SIGPIPE), accept out of descriptors failed in silence, and std::bad_alloc was an abort. Now the first is
a refused write (R62: exit 1 and one line that says why), the second is nothing, the third is said once and goes on, and
the fourth is a line and exit 1."""
import os
import re
import resource
import signal
import socket
import sys

import stack
from terminal import Terminal

CARD = "4111111111111111"
PROFILE, NUMBER, MERCHANT = "iso87-ascii", 20000171, "898110157220002"
ROOM_BYTES = 24_000  # until the next write is refused
SALES_MAX = 5000  # more than that room takes
FEW_DESCRIPTORS = 20
ROOM_OF_MEMORY = 1 << 20  # until the next allocation is refused
EATERS_MAX = 1000
FLOOD = 200


def terminal(running, offset=0):
    made = Terminal(PROFILE, str(NUMBER + offset), MERCHANT, running.addresses[PROFILE])
    made.connect()
    return made


def largest_file(folder):
    return max(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names
               if os.path.isfile(os.path.join(path, name)))


def limit_file_size(pid, size):
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, size))


def ignored(program):
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as f:
        mask = next(int(line.split()[1], 16) for line in f if line.startswith("SigIgn"))
    return {s for s in (signal.SIGPIPE, signal.SIGXFSZ) if mask >> (s - 1) & 1}


def both_signals_are_ignored(checks, running):
    hsm = stack.Program("hsm-sim", [running.program("hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test"],
                        running.path("hsm-sim.log"))
    for program in (running.switch, running.issuers["issuer-a"], hsm):
        checks.equal(ignored(program), {signal.SIGPIPE, signal.SIGXFSZ}, f"signals that {program.name} ignores")
    hsm.terminate()


def sell_until_it_ends(checks, seller, program):
    """Sales until `program` has ended; those that were approved."""
    approved = []
    for _ in range(SALES_MAX):
        message = seller.sale(CARD, 1000)
        try:
            reply = seller.exchange(message, 10.0)
        except Exception:  # noqa: BLE001: the line is gone, and the process with it
            break
        if reply.code != "00":
            break
        approved.append((message, reply))
    program.wait()
    return approved


def file_size_of_the_switch(checks, running):
    """R62 for a write that the kernel refuses: nothing of it is answered, one line, exit 1; all that was is known."""
    seller = terminal(running)
    limit_file_size(running.switch.process.pid, largest_file(running.folder) + ROOM_BYTES)
    approved = sell_until_it_ends(checks, seller, running.switch)
    checks.equal(running.switch.process.returncode, 1, "the exit code past the file size limit")
    said = running.log_lines(event="store_failed")
    checks.equal([line["rule"] for line in said], ["R62"], "one line says so")
    checks.that(all(line["detail"] for line in said), f"it says why: {said}")
    checks.that(len(approved) > 0, "sales were approved before")
    running.start_switch()
    seller.connect(running.addresses[PROFILE])
    for message, reply in approved:
        again = seller.exchange(message)
        checks.equal((again.code, again.rrn), ("00", reply.rrn), "an approved sale is known after the restart")
    print(f"file size: {len(approved)} sales, then: {[line['detail'] for line in said]}", flush=True)
    seller.close()


def file_size_of_an_issuer(checks, running):
    issuer = running.issuers["issuer-b"]
    limit_file_size(issuer.process.pid, os.path.getsize(running.journal_path("issuer-b")) + 100)
    seller = terminal(running, 1)
    seller.send(seller.sale(CARD, 1000))
    issuer.wait()
    checks.equal(issuer.process.returncode, 1, "the exit code of issuer-sim past the file size limit")
    with open(issuer.log, encoding="utf-8") as f:
        checks.that("issuer-sim: " in f.read(), "issuer-sim says why it ends")
    checks.that(running.switch.running(), "the switch lives without that issuer")
    seller.close()
    running.start_issuer("issuer-b")
    stack.wait_until("the issuer is back", running.connected)


def log_reader_that_is_gone(checks, running):
    running.switch.terminate()
    reader, writer = os.pipe()
    running.start_switch(stderr=writer)
    os.close(writer)
    os.close(reader)
    seller = terminal(running, 2)
    for _ in range(5):
        with socket.create_connection(running.addresses[PROFILE], timeout=10) as s:  # its end is a line of the log
            s.sendall(b"\xff\xff")
        checks.equal(seller.exchange(seller.sale(CARD, 1200)).code, "00", "a sale while nobody reads the log")
    seller.close()
    running.switch.terminate()
    checks.equal(running.switch.process.returncode, 0, "the switch ends as it should, though nobody reads its log")
    running.start_switch()


def flood(running, count):
    held = []
    for _ in range(count):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(running.addresses[PROFILE])  # the kernel's queue takes those that nobody accepts
        held.append(s)
    return held


def served(running, offset):
    try:
        newcomer = Terminal(PROFILE, str(NUMBER + offset), MERCHANT, running.addresses[PROFILE])
        code = newcomer.exchange(newcomer.sale(CARD, 1400), 5.0).code
        newcomer.close()
        return code == "00"
    except Exception:  # noqa: BLE001: not served yet
        return False


def out_of_descriptors(checks, running):
    """Accept fails: one line, those who are there are served, and so is everybody when there is room again."""
    seller, pid = terminal(running, 3), running.switch.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    few = max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd")) + 1 + FEW_DESCRIPTORS
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, hard))
    before = len(running.log_lines(event="accept_failed"))
    held = flood(running, FLOOD)
    stack.wait_until("the log says that accepting fails", lambda: len(running.log_lines(event="accept_failed")) > before)
    for i in range(60):
        if i % 10 == 0:  # a place becomes free and is taken: no reason for another line
            held.pop(0).close()
        checks.equal(seller.exchange(seller.sale(CARD, 1300)).code, "00", "a sale while nothing can be accepted")
    for s in held:
        s.close()
    stack.wait_until("a newcomer is served when the others are gone", lambda: served(running, 4))
    stack.wait_until("the log says that it works again", lambda: running.log_lines(event="accepting_again"))
    said = running.log_lines(event="accept_failed")[before:]
    checks.equal(len(said), 1, f"lines about it: {said}")
    checks.that("open files" in said[0]["detail"] and said[0]["severity"] == "alarm", f"the line says why: {said[0]}")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    seller.close()


def few_descriptors_from_the_start(checks, running):
    """Terminals never take the descriptors that the store needs: the flood is turned away before."""
    running.switch.terminate()
    running.start_switch(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FLOOD, FLOOD)))
    seller = terminal(running, 5)
    checks.equal(seller.exchange(seller.sale(CARD, 1500)).code, "00", "a sale that verifies: its place is its own")
    held = flood(running, 2 * FLOOD)
    stack.wait_until("connections make room for others", lambda: re.search(
        r"^refund_switch_terminal_links_evicted_total [1-9]", running.metrics(), re.M))
    for _ in range(20):
        checks.equal(seller.exchange(seller.sale(CARD, 1500)).code, "00", "a sale beside a flood of connections")
    open_now = len(os.listdir(f"/proc/{running.switch.process.pid}/fd"))
    checks.that(open_now < FLOOD, f"{open_now} of {FLOOD} descriptors are open: some are left for the store")
    for s in held:
        s.close()
    stack.wait_until("a newcomer is served when the others are gone", lambda: served(running, 6))
    seller.close()


def size_of_addresses(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[0]) * resource.getpagesize()


def eat_memory(program, address, piece):
    """Connections that send `piece` and wait, until the program has ended."""
    held = []
    for _ in range(EATERS_MAX):
        if not program.running():
            break
        try:
            s = socket.create_connection(address, timeout=10)
            s.sendall(piece)
            held.append(s)
        except OSError:  # it is ending
            break
    return held


def out_of_memory(checks, running):
    """bad_alloc was an abort; now it is a line and exit 1, and what was answered is known after the restart."""
    running.switch.terminate()
    running.start_switch()
    if "libasan" in open(f"/proc/{running.switch.process.pid}/maps", encoding="utf-8").read():
        print("SKIPPED: a sanitizer's addresses cannot be limited", flush=True)
        return
    seller = terminal(running, 7)
    sale = seller.sale(CARD, 1600)
    sold = seller.exchange(sale)
    hsm = stack.Program("hsm-sim", [running.program("hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test",
                                    "--connections", "4096"], running.path("hsm-sim.log"))
    half_a_frame = b"\x1f\xff" + b"0" * 4000
    def of_the_hsm():
        for s in eat_memory(hsm, stack.address_of(hsm.ready), half_a_frame):
            s.close()

    for program, eat in ((hsm, of_the_hsm), (running.switch, lambda: sell_until_it_ends(checks, seller, running.switch))):
        limit = size_of_addresses(program.process.pid) + ROOM_OF_MEMORY
        resource.prlimit(program.process.pid, resource.RLIMIT_AS, (limit, limit))
        eat()
        program.wait()
        checks.equal(program.process.returncode, 1, f"the exit code of {program.name} without memory")
        with open(program.log, encoding="utf-8", errors="replace") as f:
            last = f.read().splitlines()[-1]
        checks.equal(last, f"{program.name}: out of memory: ends here, start it again", "the last line says so")
    seller.close()
    running.start_switch()
    seller.connect(running.addresses[PROFILE])
    again = seller.exchange(sale)
    checks.equal((again.code, again.rrn), (sold.code, sold.rrn), "the sale is known after the restart")
    seller.close()


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        for story in (both_signals_are_ignored, file_size_of_the_switch, file_size_of_an_issuer, log_reader_that_is_gone,
                      out_of_descriptors, few_descriptors_from_the_start, out_of_memory):
            print(story.__name__.replace("_", " "), flush=True)
            story(checks, running)
        running.switch.terminate()
        checks.equal(running.switch.process.returncode, 0, "the switch ends as it should")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
