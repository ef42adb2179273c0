#!/usr/bin/env python3
"""Storms that must not bury people: a client that causes refusals as fast as it can (once 30,000 lines of log a second),
and an issuer that answers what nobody asked (once 407,803 exceptions in 14 s, each to be closed by hand). The log keeps
to its limits and says what it left out; the storm is one exception, two people close all of a kind; a bad MAC opens
none (R63)."""
import re
import select
import socket
import sys
import threading
import time

import stack
import wire
from terminal import Connection

ZAK_A = bytes.fromhex("54545454545454546767676767676767")  # issuer-a.toml
FLOODER = "127.1.0.9"
SECONDS = 4.0
LINES_OF_SOURCE_MAX = 50  # LogLimits, a second of one kind
STORM, BAD_MACS = 30_000, 2_000


class HostileIssuer:
    """Takes the place of issuer-a: signs every connection on and sends answers to what nobody asked."""

    def __init__(self, address):
        self.profile = wire.Profile("iso87-ascii", "retail")
        self.listening = socket.create_server(address, reuse_port=False)
        self.connections, self.threads = [], []
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                s, _ = self.listening.accept()
            except OSError:
                return
            connection = Connection.__new__(Connection)
            connection.socket, connection.unionpay, connection.buffer = s, False, b""
            thread = threading.Thread(target=self.serve, args=(connection,), daemon=True)
            thread.start()

    def serve(self, connection):
        while True:
            try:
                body = connection.receive(60)
            except OSError:
                return  # closed here
            if body is None:
                return
            mti, fields, _ = self.profile.decode(body)
            if mti == "0800":
                connection.send(self.profile.encode("0810", {7: fields[7], 11: fields[11], 39: "00", 70: fields[70]}))
                if fields[70] == "001":
                    self.connections.append(connection)

    def answers(self, count, key):
        """Answers with RRNs and numbers that nobody has, in pieces of many."""
        for begun in range(0, count, 500):
            piece = b""
            for n in range(begun, min(begun + 500, count)):
                body = self.profile.encode("0210", {
                    3: "000000", 4: "000000001000", 7: "1121040000", 11: f"{n % 999999 + 1:06d}", 37: f"{n:012d}",
                    39: "00", 41: "10000001"}, key)
                piece += wire.frame(body, False)
            self.connections[0].socket.sendall(piece)

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for connection in self.connections:
            connection.close()


def metric(running, name):
    found = re.findall(rf"^\w*?{name}(?:\{{[^}}]*\}})? ([\d.e+]+)$", running.metrics(), re.M)
    return sum(float(value) for value in found)


def event(running, name):
    found = re.search(rf'^refund_switch_events_total\{{event="{name}"\}} ([\d.e+]+)$', running.metrics(), re.M)
    return float(found.group(1)) if found else 0.0


def one_client_writes_30000_lines_a_second(checks, running):
    """Sales of a terminal that has not signed on: each is refused, and each refusal is a line."""
    profile = wire.Profile("unionpay-pos")
    connection = Connection(running.addresses["unionpay-pos"], True, FLOODER)
    sent, answered, trace = 0, 0, 0
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS:
        piece = b""
        for _ in range(50):
            trace = trace % 999999 + 1
            fields = {2: "4111111111111111", 3: "000000", 4: "000000001000", 11: f"{trace:06d}", 22: "021", 25: "00",
                      41: "10000777", 42: "898110157220001", 49: "156", 60: "22000001"}
            piece += wire.frame(profile.encode("0200", fields), True)
            sent += 1
        try:
            connection.socket.sendall(piece)
            while connection.receive(0.02) is not None:
                answered += 1
        except ConnectionError:
            connection.close()
            connection = Connection(running.addresses["unionpay-pos"], True, FLOODER)
    seconds = time.monotonic() - begun
    connection.close()
    stack.wait_until("the log tells what it left out",
                     lambda: running.log_lines(event="lines_suppressed", kind="request_refused"))
    refused = running.log_lines(event="request_refused", source=FLOODER)
    suppressed = sum(int(line["count"]) for line in running.log_lines(event="lines_suppressed"))
    print(f"{sent} requests of one client in {seconds:.1f} s, {answered} answered: {len(refused)} lines of log, "
          f"{suppressed} told as left out", flush=True)
    checks.that(answered > 4 * LINES_OF_SOURCE_MAX * SECONDS, f"the flood is one: {answered} answers")
    checks.that(0 < len(refused) <= LINES_OF_SOURCE_MAX * (seconds + 2),
                f"{len(refused)} lines of one client in {seconds:.1f} s")
    checks.that(suppressed > 0 and metric(running, "log_lines_suppressed_total") >= suppressed,
                "what was left out is told and counted")
    checks.equal({line["source"] for line in running.log_lines(event="lines_suppressed", kind="request_refused")},
                 {FLOODER}, "the summary names who caused it")
    checks.equal(metric(running, "log_buffers_lost_total"), 0, "no piece of the log was lost")


def exceptions(running, kind):
    code, answer = running.refundctl("exceptions", "list", "--kind", kind, user="checker1")
    return answer["exceptions"] if code == 0 else []


def an_issuer_answers_what_nobody_asked(checks, running):
    address = running.issuer_addresses["issuer-a"]
    running.issuers["issuer-a"].terminate()
    hostile = HostileIssuer(address)
    stack.wait_until("the hostile issuer is connected", lambda: hostile.connections)
    stack.wait_until("and signed on", running.connected)
    begun = time.monotonic()
    hostile.answers(BAD_MACS, bytes(16))
    hostile.answers(STORM, ZAK_A)
    stack.wait_until("the switch has read them", lambda: event(running, "unmatched_replies") >= STORM, 120)
    seconds = time.monotonic() - begun
    open_ones = exceptions(running, "unmatched_reply")
    print(f"{STORM} answers that nobody asked for and {BAD_MACS} with a bad MAC in {seconds:.1f} s: {len(open_ones)} "
          f"exceptions, {running.refundctl('status')[1].get('open_exceptions')} open in all", flush=True)
    checks.equal(len(open_ones), 1, "the storm is one exception")
    if open_ones:
        checks.equal(open_ones[0]["times"], STORM, "which counts all that had a right MAC")
    checks.equal(event(running, "unmatched_bad_macs"), BAD_MACS, "a bad MAC is counted and opens nothing")
    lines = running.log_lines(event="bad_issuer_mac", rule="R63")
    checks.that(0 < len(lines) <= LINES_OF_SOURCE_MAX * (seconds + 2), f"{len(lines)} lines of {BAD_MACS} bad MACs")
    hostile.close()


def two_people_close_all_of_a_kind(checks, running):
    ask = running.refundctl
    both = ask("exceptions", "resolve", "000000000000-00000001", "--all-of", "unmatched_reply", "--note", "both",
               user="checker1", json_output=False)
    checks.that(both[0] != 0 and "not both" in both[1], f"an exception and a kind at once: {both}")
    code, said = ask("exceptions", "resolve", "--all-of", "unmatched_reply", "--note", "a storm", user="maker1",
                     json_output=False)
    checks.that(code != 0 and "supervisor" in said, f"a maker may not: {said}")
    code, answer = ask("exceptions", "resolve", "--all-of", "unmatched_reply", "--note", "a storm", user="checker1")
    checks.equal(code, 0, f"a supervisor proposes it: {answer}")
    proposal = answer.get("proposal", "") if isinstance(answer, dict) else ""
    code, said = ask("proposals", "approve", proposal, user="checker1", json_output=False)
    checks.that(code != 0 and "two people" in said, f"the same one does not approve: {said}")
    code, said = ask("proposals", "approve", proposal, user="checker2", json_output=False)
    checks.that(code == 0 and "1 exceptions of kind unmatched_reply are resolved" in said, f"another one does: {said}")
    checks.equal(len(exceptions(running, "unmatched_reply")), 0, "none is open")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with stack.Stack(args) as running:
        one_client_writes_30000_lines_a_second(checks, running)
        an_issuer_answers_what_nobody_asked(checks, running)
        two_people_close_all_of_a_kind(checks, running)
        checks.that(running.switch.running(), "the switch lives")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
