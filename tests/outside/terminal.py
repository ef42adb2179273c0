"""A terminal in either profile over a TCP socket, written only from wire.md and interfaces.md. It checks every reply:
message type, echoed fields, that no PAN comes back, and the MAC."""
import datetime
import functools
import os
import select
import socket
import struct
import time
import tomllib

import des
import wire

TMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
TAK = bytes.fromhex("10101010101010102323232323232323")
CURRENCY = "156"
# Answers that may be given before a request's MAC is looked at, and then carry none.
BEFORE_THE_MAC = ("30", "97", "03", "77")
REPLY_TIMEOUT_S = 60  # what a terminal waits (wire.md)


@functools.lru_cache(maxsize=1)
def _ranges():
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(source, "switch", "config", "demo.toml"), "rb") as f:
        return tomllib.load(f)["terminals"]


def mac_algorithm(terminal):
    """What the demo's range of this terminal names as its MAC algorithm; None when it leaves it to the profile."""
    for r in _ranges():
        if r["first"] <= terminal <= r["last"]:
            return r.get("mac")
    return None


def tagged(tag, value):
    """An element of a tagged text (instruments.md)."""
    return f"{tag}{len(value):03d}{value}"


class Unexpected(Exception):
    """A reply (or its absence) that the profile does not allow."""


class Reply:
    def __init__(self, mti, fields, mac):
        self.mti, self.fields, self.mac = mti, fields, mac

    @property
    def code(self):
        return self.fields.get(39, "")

    @property
    def rrn(self):
        return self.fields.get(37, "")

    @property
    def auth(self):
        return self.fields.get(38, "")

    def __str__(self):
        return f"{self.mti} DE39 {self.code} DE37 {self.rrn} DE38 {self.auth}"


class Connection:
    """One socket that carries whole frames."""

    def __init__(self, address, unionpay, source=None):
        """`source`: the loopback address to come from, or None."""
        self.socket = socket.create_connection(address, timeout=REPLY_TIMEOUT_S,
                                               source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unionpay = unionpay
        self.buffer = b""

    def send(self, body):
        self.socket.sendall(wire.frame(body, self.unionpay))

    def receive(self, timeout=REPLY_TIMEOUT_S):
        """The body of the next frame; None when the peer closed or nothing came in time."""
        deadline = time.monotonic() + timeout
        while True:
            if len(self.buffer) >= 2:
                size = struct.unpack(">H", self.buffer[:2])[0]
                if len(self.buffer) >= 2 + size:
                    content, self.buffer = self.buffer[2:2 + size], self.buffer[2 + size:]
                    return wire.unframe(content, self.unionpay)
            left = deadline - time.monotonic()
            if left <= 0 or not self.has_more(left):
                return None
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not piece:
                return None
            self.buffer += piece

    def has_more(self, seconds):
        """Something can be read within this; select() would not know of more than 1,024 descriptors."""
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        return bool(waiting.poll(1000 * seconds))

    def close(self):
        self.socket.close()


class Terminal:
    """Keeps a trace counter, the working key and the batch, as a real terminal does."""

    def __init__(self, profile, terminal, merchant, address, first_trace=1, source=None):
        self.profile = wire.Profile(profile, mac_algorithm(terminal))
        self.unionpay = self.profile.unionpay
        self.terminal, self.merchant, self.address = terminal, merchant, address
        self.trace = first_trace - 1
        self.batch = "000000"
        self.key = None if self.unionpay else TAK
        self.connection, self.source = None, source
        self.signed = False  # the last request carried a right MAC

    # The line

    def connect(self, address=None):
        if address:
            self.address = address
        self.close()
        self.connection = Connection(self.address, self.unionpay, self.source)

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def send(self, message, key="own"):
        mti, fields = message
        key = self.key if key == "own" else key
        self.signed = key is not None and key == self.key
        self.connection.send(self.profile.encode(mti, fields, key))

    def receive(self, message, timeout=REPLY_TIMEOUT_S, key="own"):
        body = self.connection.receive(timeout)
        if body is None:
            return None
        reply = Reply(*self.profile.decode(body, self.key if key == "own" else key))
        self._check(message, reply)
        return reply

    def exchange(self, message, timeout=REPLY_TIMEOUT_S):
        """Sends and waits; raises Unexpected when nothing comes."""
        if self.connection is None:
            self.connect()
        self.send(message)
        reply = self.receive(message, timeout)
        if reply is None:
            raise Unexpected(f"no reply to {message[0]} trace {message[1][11]}")
        return reply

    def _check(self, message, reply):
        mti, fields = message
        wanted = mti[:2] + {"00": "10", "20": "30", "01": "10", "21": "30"}[mti[2:]]
        if reply.mti != wanted:
            raise Unexpected(f"{mti} was answered by {reply.mti}")
        echoed = (3, 4, 11, 25, 41, 42, 49) + ((60,) if mti[:2] not in ("05", "08") else ())
        for n in echoed:
            if n in fields and reply.code != "30" and reply.fields.get(n) != fields[n]:
                raise Unexpected(f"{reply}: DE{n} is {reply.fields.get(n)!r}, the request had {fields[n]!r}")
        for n in (2, 35, 36, 52):
            if n in reply.fields:
                raise Unexpected(f"{reply}: carries DE{n}")
        if reply.mac == "wrong":
            raise Unexpected(f"{reply}: wrong MAC")
        if reply.mac != "none" and not self.signed:
            raise Unexpected(f"{reply}: a MAC, though the request had no right one")
        if reply.mac == "none" and self.signed and mti[:2] != "08" and reply.code not in BEFORE_THE_MAC:
            raise Unexpected(f"{reply}: no MAC")
        if mti[:2] == "02" and reply.code in ("00", "01") and len(reply.rrn) != 12:
            raise Unexpected(f"{reply}: no RRN")

    # Messages

    def next_trace(self):
        self.trace = self.trace % 999999 + 1
        return f"{self.trace:06d}"

    def _own(self, fields):
        """Fields that every request of this terminal has."""
        fields = dict(fields)
        fields.setdefault(11, self.next_trace())
        fields[41], fields[42] = self.terminal, self.merchant
        if not self.unionpay:
            now = datetime.datetime.now(datetime.timezone.utc)
            fields.setdefault(7, now.strftime("%m%d%H%M%S"))
        return fields

    def _card(self, pan, amount, extra):
        fields = {2: pan, 4: f"{amount:012d}", 22: "021", 25: "00", 49: CURRENCY}
        fields.update(extra)
        return self._own(fields)

    def sale(self, pan, amount):
        if self.unionpay:
            return "0200", self._card(pan, amount, {3: "000000", 60: "22" + self.batch})
        return "0200", self._card(pan, amount, {3: "000000"})

    @property
    def wallet_field(self):
        return 59 if self.unionpay else 48

    def wallet_sale(self, code, amount, mti="0200"):
        """By a payment code in place of a card: instruments.md. With 0100: what no wallet does (R90)."""
        fields = self._card("", amount, {3: "030000" if mti == "0100" else "000000", 22: "031",
                                         self.wallet_field: tagged("A3", code)})
        del fields[2]
        if self.unionpay:
            fields[25] = "06" if mti == "0100" else "00"
            fields[60] = ("10" if mti == "0100" else "22") + self.batch
        return mti, fields

    @staticmethod
    def _means(sale, sale_reply):
        """What a request about a sale names it by: its card, or its wallet's order number."""
        return sale[1].get(2, ""), {n: sale_reply.fields[n] for n in (48, 59) if n in sale_reply.fields and 2 not in sale[1]}

    def _about(self, sale, sale_reply, amount, extra):
        pan, means = self._means(sale, sale_reply)
        fields = self._card(pan, amount, {**extra, **means})
        if not pan:
            del fields[2]
            fields[22] = "031"
        return fields

    def refund(self, sale, sale_reply, amount, mti=None):
        if self.unionpay:
            return "0220", self._about(sale, sale_reply, amount, {
                3: "200000", 37: sale_reply.rrn, 60: "25" + self.batch, 61: "0" * 12 + sale_reply.fields[13]})
        return mti or "0200", self._about(sale, sale_reply, amount, {3: "200000", 37: sale_reply.rrn})

    def refund_by_order(self, sale, sale_reply, amount):
        """Named by the wallet's order number alone (R83)."""
        mti, fields = self.refund(sale, sale_reply, amount)
        if self.unionpay:
            fields[37] = "0" * 12
            del fields[61]
        else:
            del fields[37]
        return mti, fields

    def void(self, sale, sale_reply):
        amount = int(sale[1][4])
        if self.unionpay:
            return "0200", self._about(sale, sale_reply, amount, {
                3: "200000", 37: sale_reply.rrn, 60: "23" + self.batch,
                61: sale[1][60][2:8] + sale[1][11] + sale_reply.fields[13]})
        return "0200", self._about(sale, sale_reply, amount, {3: "020000", 37: sale_reply.rrn})

    def reversal(self, original, reason="98"):
        mti, fields = original
        if self.unionpay:
            kept = {n: fields[n] for n in (2, 3, 4, 11, 22, 25, 49, 60, 61) if n in fields}
            if kept[60][:2] != "23":
                kept.pop(61, None)
            kept[39] = reason
            return "0400", self._own(kept)
        kept = {n: fields[n] for n in (2, 3, 4, 22, 25, 49) if n in fields}
        kept[90] = mti + fields[11] + fields[7] + "0" * 22
        return "0400", self._own(kept)

    def repeat(self, message):
        """The same request as a repeat: x..1 where the profile knows it, else the same bytes."""
        mti, fields = message
        return (mti, fields) if self.unionpay else (mti[:3] + "1", fields)

    def sign_on_message(self, network="003"):
        return "0800", self._own({60: "00" + self.batch + network})

    def sign_on(self):
        """Signs on and takes over keys and batch (unionpay-pos only)."""
        message = self.sign_on_message()
        if self.connection is None:
            self.connect()
        self.send(message, key=None)
        reply = self.receive(message)
        if reply is None:
            raise Unexpected("no reply to the sign-on")
        if reply.code != "00":
            return reply
        keys = reply.fields[62]
        if len(keys) != 40:
            raise Unexpected(f"DE62 has {len(keys)} bytes, 40 are needed for DE60.3 = 003")
        pik, mak = des.decrypt_ecb(TMK, keys[:16]), des.decrypt_ecb(TMK, keys[20:36])
        if des.check_value(pik) != keys[16:20] or des.check_value(mak) != keys[36:40]:
            raise Unexpected("a working key's check value is wrong")
        self.key, self.pik = mak, pik
        self.batch = reply.fields[60][2:8]
        for n in (12, 13):
            if n not in reply.fields:
                raise Unexpected(f"the sign-on's reply lacks DE{n}")
        return reply

    def echo_message(self):
        if self.unionpay:
            return "0820", self._own({60: "00" + self.batch + "301"})
        return "0800", self._own({70: "301"})

    def echo(self):
        message = self.echo_message()
        if self.connection is None:
            self.connect()
        self.send(message, key=None)
        return self.receive(message)

    def settlement(self, debit_amount, debit_count, credit_amount, credit_count):
        if self.unionpay:
            totals = f"{debit_amount:012d}{debit_count:03d}{credit_amount:012d}{credit_count:03d}"
            return "0500", self._own({48: totals + "0" + "0" * 31, 49: CURRENCY, 60: "00" + self.batch + "201"})
        net = credit_amount - debit_amount
        return "0500", self._own({
            49: CURRENCY, 74: f"{credit_count:010d}", 75: "0" * 10, 76: f"{debit_count:010d}", 77: "0" * 10,
            86: f"{credit_amount:016d}", 87: "0" * 16, 88: f"{debit_amount:016d}", 89: "0" * 16,
            97: f"{'C' if net >= 0 else 'D'}{abs(net):016d}"})
