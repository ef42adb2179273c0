#!/usr/bin/env python3
"""Garbage on the port: truncated, oversized, wrong BCD, lying bitmaps, slow bytes, half frames, strangers' protocols,
thousands of idle connections. The switch never crashes, never stalls its honest terminals and never answers 00."""
import os
import random
import resource
import select
import socket
import struct
import sys
import time

import stack
import wire
from terminal import Terminal

CARD = "4111111111111111"
PROFILES = [("unionpay-pos", "10000951", "898110157220001"), ("iso87-ascii", "20000951", "898110157220002")]
VERDICT_TIMEOUT_S = 5.0
HONEST_TIMEOUT_S = 5.0
IDLE_CONNECTIONS = 10_000
RANDOM_CASES = 300
EVERY = 5  # of the cuts, random cases and connections: all of them in the night
MEMORY_KIB_MAX = 1_500_000


def sized(content):
    return struct.pack(">H", len(content)) + content


def malformed(terminal, every):
    """(name, bytes) of everything that is no message; `terminal` gives a right one to spoil."""
    mti, fields = terminal.sale(CARD, 1234)
    body = terminal.profile.encode(mti, fields, terminal.key)
    good = wire.frame(body, terminal.unionpay)
    content = good[2:]
    lead = 11 if terminal.unionpay else 0  # TPDU and header
    bits_at = lead + (2 if terminal.unionpay else 4)
    yield "nothing but a length", b"\x00\x00"
    yield "length one", b"\x00\x01\x60"
    yield "length 65535 and little after it", b"\xff\xff" + content
    yield "a length one too large", struct.pack(">H", len(content) + 1) + content
    yield "a length one too small", struct.pack(">H", len(content) - 1) + content
    for at in range(1, len(content), every):
        yield f"cut to {at} bytes", sized(content[:at])
    yield "bytes left over", sized(content + b"\x00")
    yield "very long", sized(content + b"0" * 60_000)
    if terminal.unionpay:
        yield "TPDU of another kind", sized(b"\x99" + content[1:])
        yield "letters in the MTI", sized(content[:lead] + b"\xab\xcd" + content[lead + 2:])
        yield "PAN with a nibble that is no digit", sized(content.replace(bytes.fromhex(CARD), bytes.fromhex("4b" + CARD[2:])))
        yield "amount with nibbles that are no digits", sized(
            content.replace(bytes.fromhex("000000001234"), bytes.fromhex("0000000012cd")))
        yield "a length byte that is no BCD", sized(content[:bits_at + 8] + b"\xff" + content[bits_at + 9:])
        yield "PAN length 99", sized(content[:bits_at + 8] + b"\x99" + content[bits_at + 9:])
        bits, width = content[bits_at:bits_at + 8], 8
        full, none, second = b"\x7f" + b"\xff" * 7, bytes(8), bytes([bits[0] | 0x80]) + bits[1:]
    else:
        yield "letters in the MTI", sized(b"02XX" + content[4:])
        yield "a letter in the PAN", sized(content.replace(CARD.encode(), b"4X" + CARD[2:].encode()))
        yield "a letter in the amount", sized(content.replace(b"000000001234", b"00000000123X"))
        yield "a bitmap that is no hex", sized(content[:4] + b"Z" + content[5:])
        yield "PAN length 99", sized(content[:20] + b"99" + content[22:])
        yield "PAN length of letters", sized(content[:20] + b"1a" + content[22:])
        bits, width = content[4:20], 16
        full, none = b"7" + b"F" * 15, b"0" * 16
        second = b"%X" % (int(bits[:1], 16) | 8) + bits[1:]
    after = content[bits_at + width:]
    yield "a bitmap with every field", sized(content[:bits_at] + full + after)
    yield "a bitmap without any field", sized(content[:bits_at] + none + after)
    yield "a bitmap that promises another", sized(content[:bits_at] + second + after)
    yield "a reply from a terminal", wire.frame(terminal.profile.encode("0210", fields, terminal.key), terminal.unionpay)
    yield "an MTI nobody has", wire.frame(terminal.profile.encode("1804", fields, terminal.key), terminal.unionpay)
    yield "no fields at all", wire.frame(terminal.profile.encode("0200", {}), terminal.unionpay)
    without_terminal = {n: v for n, v in fields.items() if n != 41}
    yield "no terminal in it", wire.frame(terminal.profile.encode(mti, without_terminal, terminal.key), terminal.unionpay)
    yield "HTTP", b"GET / HTTP/1.1\r\nHost: switch\r\n\r\n"
    yield "TLS", bytes.fromhex("16030100c8010000c40303") + bytes(200)
    yield "zeros", bytes(4096)
    yield "ones", b"\xff" * 4096
    chance = random.Random(8583)
    for i in range(RANDOM_CASES // every):
        spoiled = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 5, 40))):
            spoiled[chance.randrange(lead, len(spoiled))] ^= chance.randrange(1, 256)  # never the byte that it was
        yield f"random {i}", sized(bytes(spoiled))


def stranger(number):
    """Each nonsense comes from somewhere else: one address that sends so much is soon let in no more (fair_shares.py)."""
    return f"127.4.{number // 250}.{number % 250 + 1}"


def verdict(address, source, terminal, data):
    """What the switch does with `data` on a connection of its own: "closed", "silent", or the DE39 of its answer."""
    with socket.create_connection(address, timeout=VERDICT_TIMEOUT_S, source_address=(source, 0)) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)  # half-closed: whatever is incomplete will stay so
        except ConnectionError:
            return "closed"  # before the last byte was sent
        except OSError:
            pass  # closed by the switch already; what it said first can still be read
        received, deadline = b"", time.monotonic() + VERDICT_TIMEOUT_S
        while time.monotonic() < deadline:
            if not select.select([s], [], [], deadline - time.monotonic())[0]:
                return "silent"
            try:
                piece = s.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                break
            received += piece
        if not received:
            return "closed"
        size = struct.unpack(">H", received[:2])[0]
        content = received[2:2 + size]
        return terminal.profile.decode(content[11:] if terminal.unionpay else content)[1].get(39, "none")


def honest(checks, terminal, after):
    """A right sale on a connection that was there before: answered, and quickly."""
    begun = time.monotonic()
    try:
        reply = terminal.exchange(terminal.sale(CARD, 1500), HONEST_TIMEOUT_S)
        checks.equal(reply.code, "00", f"an honest sale after {after}")
    except Exception as e:  # noqa: BLE001
        checks.that(False, f"an honest sale after {after}: {e!r}")
        terminal.connect()
    return time.monotonic() - begun


def garbage(checks, running, terminal, address, every):
    verdicts = {}
    for number, (name, data) in enumerate(malformed(terminal, every)):
        seen = verdict(address, stranger(number), terminal, data)
        verdicts[seen] = verdicts.get(seen, 0) + 1
        checks.that(seen != "00", f"{name}: answered 00")
        # A random change of a byte that no rule looks at (a name, a digit of the header) still breaks the MAC.
        checks.that(seen != "silent", f"{name}: neither answered nor closed")
        if not checks.that(running.switch.running(), f"the switch ended after: {name}"):
            return
        if number % 50 == 0:
            honest(checks, terminal, name)
    print(f"  verdicts: {dict(sorted(verdicts.items()))}", flush=True)


def slow_bytes(checks, terminal, address):
    """A right message a byte at a time is a right message."""
    slow = Terminal(terminal.profile.name, str(int(terminal.terminal) + 1), terminal.merchant, address)
    slow.connect()
    if slow.unionpay:
        slow.sign_on()
    message = slow.sale(CARD, 1700)
    data = wire.frame(slow.profile.encode(message[0], message[1], slow.key), slow.unionpay)
    slow.signed = True
    for i in range(len(data)):
        slow.connection.socket.sendall(data[i:i + 1])
        if i == len(data) // 2:
            honest(checks, terminal, "half a frame on another connection")
    checks.equal(slow.receive(message).code, "00", "a sale sent a byte at a time")
    # Two and a half messages in one piece: two answers, and the third when its rest comes.
    messages = [slow.sale(CARD, 1800 + i) for i in range(3)]
    frames = [wire.frame(slow.profile.encode(m, f, slow.key), slow.unionpay) for m, f in messages]
    slow.connection.socket.sendall(frames[0] + frames[1] + frames[2][:30])
    answered = [reply_to_any(slow, messages) for _ in range(2)]
    checks.equal(sorted(answered), ["00", "00"], "two sales in one piece")
    slow.connection.socket.sendall(frames[2][30:])
    checks.equal(reply_to_any(slow, messages), "00", "the third, when its rest has come")
    slow.close()


def reply_to_any(terminal, messages):
    body = terminal.connection.receive(HONEST_TIMEOUT_S)
    if body is None:
        return "nothing"
    mti, fields, mac = terminal.profile.decode(body, terminal.key)
    return fields.get(39, "none") if mac == "right" else f"MAC {mac}"


def idle_connections(checks, running, terminal, address, idle_wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = idle_wanted + 200
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100
    count = min(idle_wanted, room)
    if count < idle_wanted:
        print(f"  only {count} idle connections: this machine allows no more open files", flush=True)
    idle, refused = [], 0
    try:
        for i in range(count):
            try:
                s = socket.create_connection(address, timeout=VERDICT_TIMEOUT_S)
                if i % 3 == 0:
                    s.sendall(b"\x00")  # half a length
                idle.append(s)
            except OSError:
                refused += 1
                if refused > 100:
                    break
        took = honest(checks, terminal, f"{len(idle)} idle connections")
        pid = running.switch.process.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            memory = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        sockets = len(os.listdir(f"/proc/{pid}/fd"))
        print(f"  {len(idle)} idle connections ({refused} refused): an honest sale took {took * 1000:.0f} ms, "
              f"{sockets} descriptors, {memory // 1024} MiB", flush=True)
        checks.that(memory < MEMORY_KIB_MAX, f"memory stays bounded: {memory} KiB")
    finally:
        for s in idle:
            s.close()
    newcomer = Terminal(terminal.profile.name, str(int(terminal.terminal) + 2), terminal.merchant, address)

    def is_served():
        try:
            newcomer.connect()
            if newcomer.unionpay:
                newcomer.sign_on()
            return newcomer.exchange(newcomer.sale(CARD, 1900), HONEST_TIMEOUT_S).code == "00"
        except (OSError, RuntimeError, Exception):  # noqa: BLE001: not served yet
            return False

    stack.wait_until("a newcomer is served once the idle connections are gone", is_served)
    newcomer.close()


def main():
    args = stack.arguments(__doc__, lambda p: p.add_argument(
        "--every", type=int, default=EVERY, help=f"one in so many cuts, random cases and idle connections (default: {EVERY})"))
    checks = stack.Checks()
    with stack.Stack(args) as running:
        for profile, number, merchant in PROFILES:
            print(profile, flush=True)
            address = running.addresses[profile]
            terminal = Terminal(profile, number, merchant, address)
            terminal.connect()
            if terminal.unionpay:
                terminal.sign_on()
            garbage(checks, running, terminal, address, args.every)
            slow_bytes(checks, terminal, address)
            idle_connections(checks, running, terminal, address, IDLE_CONNECTIONS // args.every)
            terminal.close()
        # Sales of the honest terminals and nothing else reached the issuer.
        amounts = {e["amount"] for e in running.journal("issuer-b")}
        checks.that(1234 not in amounts, "no malformed sale reached an issuer")
        checks.that("clos" in running.switch_log().lower(), "the log says why connections were closed")
        running.switch.terminate()
        checks.equal(running.switch.process.returncode, 0, "the switch ends as it should")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
