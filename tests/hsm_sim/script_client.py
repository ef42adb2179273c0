#!/usr/bin/env python3
"""A client of another make: plain sockets, frames as docs/hsm.md describes them, no code of the project.

Starts the hsm-sim given as the first argument on a free port, with headers of 4, 2 and 12 characters, and checks its
answers. Exit code 0 when all are as documented."""
import signal
import socket
import struct
import subprocess
import sys
import tempfile

TAK = "UE3DD4DA58E9B5D651FBBA3BA20F708D2"
TMK = "U1750CDFB0757D3B3994430636DBB281B"
failures = 0


def check(what, seen, expected):
    global failures
    if seen != expected:
        failures += 1
        print(f"{what}: expected {expected!r}, seen {seen!r}")


def failed():
    return failures > 0


class Hsm:
    def __init__(self, program, header_length, *flags, log=False):
        self.header_length = header_length
        self.log_file = tempfile.TemporaryFile("w+") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--header-length", str(header_length), *flags],
            stdout=subprocess.PIPE, stderr=self.log_file, text=True)
        ready = self.process.stdout.readline().split()
        assert ready[0] == "ready", ready
        self.metrics = next((word[8:] for word in ready if word.startswith("metrics=")), None)
        host, port = ready[1].removeprefix("hsm=").rsplit(":", 1)
        self.address = (host, int(port))
        self.socket = socket.create_connection(self.address, timeout=10)
        self.count = 0

    def log(self):
        """What the HSM wrote to stderr, after stop()."""
        self.log_file.seek(0)
        return self.log_file.read()

    def send(self, command):
        self.count += 1
        header = str(self.count).zfill(self.header_length)[-self.header_length:] if self.header_length else ""
        body = header.encode() + (command if isinstance(command, bytes) else command.encode())
        self.socket.sendall(struct.pack(">H", len(body)) + body)
        return header

    def receive(self):
        def exactly(count):
            data = b""
            while len(data) < count:
                part = self.socket.recv(count - len(data))
                if not part:
                    raise ConnectionError("closed")
                data += part
            return data
        (length,) = struct.unpack(">H", exactly(2))
        body = exactly(length)
        return body[:self.header_length].decode(), body[self.header_length:]

    def ask(self, command):
        header = self.send(command)
        echoed, answer = self.receive()
        check("header", echoed, header)
        return answer.decode("latin-1")

    def stop(self):
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        check("exit code", self.process.wait(timeout=20), 0)


def diagnostics(hsm):
    check("B2", hsm.ask("B20005hello"), "B300hello")
    check("B2 with trailer", hsm.ask("B20005hello\x19end"), "B300hello\x19end")
    check("NC", hsm.ask("NC")[:4], "ND00")
    check("NC length", len(hsm.ask("NC")), 4 + 16 + 9)
    check("NO", hsm.ask("NO00")[:6], "NP0031")
    check("N0", len(hsm.ask("N0032")), 4 + 32)
    check("unknown command", hsm.ask("QQ"), "QR68")
    check("the link stays open", hsm.ask("B20001x"), "B300x")
    for monitor, length in (("J2", 4 + 12 + 36 + 10 + 161), ("J8", 4 + 12 + 36 + 20 + 20)):
        check(monitor, len(hsm.ask(monitor)), length)


def published_exchanges(hsm):
    # Recorded from a payShield with the test LMK.
    check("CA", hsm.ask("CAU8463435FC4B4DAA0C49025272C29B12CU1EF828AA8F6B80EB83E19FBC373F3A85"
                        "126428EB94035AF53B0101550000025321"), "CB000491DDDA0A7C12CFAA01")
    check("EC", hsm.ask("ECU1EF828AA8F6B80EB83E19FBC373F3A85X367930344805B1FAD6146EF4ED7502B3"
                        "91DDDA0A7C12CFAA0155000002532114402"), "ED00")
    check("EC, another PVV", hsm.ask("ECU1EF828AA8F6B80EB83E19FBC373F3A85X367930344805B1FAD6146EF4ED7502B3"
                                     "91DDDA0A7C12CFAA0155000002532114403"), "ED01")
    check("BU", hsm.ask("BU021U8463435FC4B4DAA0C49025272C29B12C"), "BV00070753")
    check("BU single length", hsm.ask("BU0200406FBB23A5214DF"), "BV000035BB")


def keys_and_macs(hsm):
    for command, type_code in (("HC", "02"), ("HA", "03")):
        answer = hsm.ask(command + TMK)
        check(command, (answer[:5], answer[37], len(answer)), (command[0] + chr(ord(command[1]) + 1) + "00X", "U", 70))
        kcv = hsm.ask("BU" + type_code + "1" + answer[37:] + ";000")
        check("BU with 16H", (kcv[:4], len(kcv)), ("BV00", 20))
        check("BU with 6H", hsm.ask("BU" + type_code + "1" + answer[37:]), kcv[:10])
    made = hsm.ask("A00003U")
    check("A0", (made[:5], len(made)), ("A100U", 4 + 33 + 6))
    check("A0 and BU agree", hsm.ask("BU031" + made[4:37])[4:], made[37:])
    message = bytes(range(256))
    for algorithm, padding in ((b"1", b"1"), (b"1", b"2"), (b"3", b"1"), (b"3", b"2")):
        fields = b"00" + b"1" + algorithm + padding + b"003" + made[4:37].encode() + b"0100" + message
        mac = hsm.ask(b"M6" + fields)
        check("M6", (mac[:4], len(mac)), ("M700", 20))
        check("M8", hsm.ask(b"M8" + fields + mac[4:].encode()), "M900")
        wrong = mac[4:-1] + ("0" if mac[-1] != "0" else "1")
        check("M8, a wrong MAC", hsm.ask(b"M8" + fields + wrong.encode()), "M901")
    # UnionPay's MAC: algorithm 1 over the sixteen hex characters of R (wire profile of the terminals).
    folded = b"4D09F434464FE7BF"
    short = hsm.ask(b"M6" + b"00" + b"0" + b"1" + b"1" + b"003" + TAK.encode() + b"0010" + folded)
    check("M6 of 8 digits", (short[:4], len(short)), ("M700", 12))


def refusals(hsm):
    check("import needs officers", hsm.ask("A6001" + TMK + TAK + "U"), "A717")
    check("a TAK is no TMK", hsm.ask("HC" + TAK), "HD10")
    check("length", hsm.ask("B20009short"), "B380")
    check("key type", hsm.ask("A00FF0U"), "A104")


def several_in_flight(hsm):
    headers = [hsm.send("B20004%04d" % i) for i in range(100)]
    for i, header in enumerate(headers):
        check("in flight", hsm.receive(), (header, b"B300%04d" % i))


def main():
    for header_length in (4, 2, 12):
        hsm = Hsm(sys.argv[1], header_length)
        for part in (diagnostics, published_exchanges, keys_and_macs, refusals, several_in_flight):
            part(hsm)
        hsm.stop()
    print("FAILED" if failures else "all answers are as documented")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
