"""The two terminal profiles of wire.md as an outsider reads them: fields to bytes and back, frames, MACs.

Fields are a dict from data element number to text (digits or characters as people write them) or bytes (binary
fields). Nothing here is shared with the switch."""
import os
import struct
import sys

import des

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hsm_sim"))
import aes  # noqa: E402


class WireError(Exception):
    """The peer sent something that the profile does not allow."""


# unionpay-pos: number → (content, length). Content: n digits in BCD, z digits and '=' in BCD, a characters, b bytes.
# Length: an int is fixed (digits or bytes); 2 and 3 with a leading "L" are variable with that many length digits.
UNIONPAY = {
    2: ("n", "LL"), 3: ("n", 6), 4: ("n", 12), 7: ("n", 10), 11: ("n", 6), 12: ("n", 6), 13: ("n", 4), 14: ("n", 4),
    15: ("n", 4), 22: ("n", 3), 23: ("n", 3), 25: ("n", 2), 26: ("n", 2), 32: ("n", "LL"), 35: ("z", "LL"),
    36: ("z", "LLL"), 37: ("a", 12), 38: ("a", 6), 39: ("a", 2), 41: ("a", 8), 42: ("a", 15), 44: ("a", "LL"),
    48: ("n", "LLL"), 49: ("a", 3), 52: ("b", 8), 53: ("n", 16), 54: ("a", "LLL"), 55: ("b", "LLL"), 59: ("a", "LLL"),
    60: ("n", "LLL"),
    61: ("n", "LLL"), 62: ("b", "LLL"), 63: ("a", "LLL"), 64: ("b", 8),
}
# iso87-ascii: everything is characters, binary fields are hex.
ISO = {
    2: ("n", "LL"), 3: ("n", 6), 4: ("n", 12), 5: ("n", 12), 6: ("n", 12), 7: ("n", 10), 11: ("n", 6), 12: ("n", 6),
    13: ("n", 4), 14: ("n", 4), 15: ("n", 4), 18: ("n", 4), 19: ("n", 3), 22: ("n", 3), 23: ("n", 3), 25: ("n", 2),
    26: ("n", 2), 32: ("n", "LL"), 33: ("n", "LL"), 35: ("z", "LL"), 37: ("a", 12), 38: ("a", 6), 39: ("a", 2),
    41: ("a", 8), 42: ("a", 15), 43: ("a", 40), 44: ("a", "LL"), 45: ("a", "LL"), 48: ("a", "LLL"), 49: ("a", 3),
    52: ("b", 8), 53: ("n", 16), 54: ("a", "LLL"), 55: ("b", "LLL"), 60: ("a", "LLL"), 61: ("a", "LLL"),
    62: ("a", "LLL"), 63: ("a", "LLL"), 64: ("b", 8), 66: ("n", 1), 70: ("n", 3), 74: ("n", 10), 75: ("n", 10),
    76: ("n", 10), 77: ("n", 10), 86: ("n", 16), 87: ("n", 16), 88: ("n", 16), 89: ("n", 16), 90: ("n", 42),
    95: ("a", 42), 97: ("a", 17), 128: ("b", 8),
}


def aes_cmac(key, message):
    """AES-CMAC under the 16 bytes of the MAC key, its first eight bytes."""
    return aes.cmac(key, message)[:8]


# What a terminal range may name as its MAC algorithm.
MACS = {"ecb": des.unionpay_mac, "retail": des.retail_mac, "cmac": aes_cmac}


def bitmap(numbers):
    last = max(numbers, default=0)
    bits = 128 if last > 64 else 64
    value = 0
    for n in numbers:
        value |= 1 << (bits - n)
    if bits == 128:
        value |= 1 << 127
    return value.to_bytes(bits // 8, "big")


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count, what):
        if self.at + count > len(self.data):
            raise WireError(f"{what}: {count} bytes are needed at offset {self.at}, {len(self.data) - self.at} are there")
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece


def _bcd(digits, right_aligned=False):
    if len(digits) % 2:
        digits = "0" + digits if right_aligned else digits + "0"
    return bytes.fromhex(digits.replace("=", "d"))


def _encode_unionpay(number, value):
    content, length = UNIONPAY[number]
    if content == "b":
        body, count = value, len(value)
    elif content == "a":
        body, count = value.encode("ascii"), len(value)
    else:
        body, count = _bcd(value, right_aligned=number == 23), len(value)
    if isinstance(length, int):
        if count != length:
            raise ValueError(f"DE{number} has {count}, {length} are needed")
        return body
    prefix = f"{count:02d}" if length == "LL" else f"{count:04d}"
    return bytes.fromhex(prefix) + body


def _decode_unionpay(number, cursor):
    content, length = UNIONPAY[number]
    what = f"DE{number}"
    if not isinstance(length, int):
        digits = cursor.take(1 if length == "LL" else 2, what + " length").hex()
        if not digits.isdigit():
            raise WireError(what + ": length is no BCD")
        length = int(digits)
    if content == "b":
        return cursor.take(length, what)
    if content == "a":
        return cursor.take(length, what).decode("latin-1")
    text = cursor.take((length + 1) // 2, what).hex()
    text = text[-length:] if number == 23 and length else text[:length]
    text = text.replace("d", "=") if content == "z" else text
    if not text.replace("=", "0" if content == "z" else "x").isdigit() and length:
        raise WireError(what + ": no BCD")
    return text


def _encode_iso(number, value):
    content, length = ISO[number]
    text = value.hex().upper() if content == "b" else value
    count = len(value)
    if isinstance(length, int):
        if count != length:
            raise ValueError(f"DE{number} has {count}, {length} are needed")
        return text.encode("ascii")
    return f"{count:0{len(length)}d}{text}".encode("ascii")


def _decode_iso(number, cursor):
    content, length = ISO[number]
    what = f"DE{number}"
    if not isinstance(length, int):
        digits = cursor.take(len(length), what + " length").decode("latin-1")
        if not digits.isdigit():
            raise WireError(what + ": length is no number")
        length = int(digits)
    if content == "b":
        return bytes.fromhex(cursor.take(2 * length, what).decode("latin-1"))
    text = cursor.take(length, what).decode("latin-1")
    if content == "n" and not text.isdigit():
        raise WireError(what + ": not numeric")
    return text


class Profile:
    """MTI and fields to the bytes of one message body and back; the MAC field stands last when there is a key."""

    def __init__(self, name, mac=None):
        """`mac`: a name of MACS; without it the one that the profile began with."""
        self.name = name
        self.unionpay = name == "unionpay-pos"
        self.table = UNIONPAY if self.unionpay else ISO
        self._encode = _encode_unionpay if self.unionpay else _encode_iso
        self._decode = _decode_unionpay if self.unionpay else _decode_iso
        self.mac = MACS[mac or ("ecb" if self.unionpay else "retail")]

    def mac_field(self, fields):
        return 128 if any(n > 64 for n in fields) else 64

    def encode(self, mti, fields, mac_key=None):
        numbers = sorted(fields)
        field = self.mac_field(fields)
        if mac_key is not None:
            numbers.append(field)
        bits = bitmap(numbers)
        body = bytes.fromhex(mti) + bits if self.unionpay else mti.encode() + bits.hex().upper().encode()
        for n in sorted(fields):
            body += self._encode(n, fields[n])
        if mac_key is not None:
            body += self._encode(field, self.mac(mac_key, body))
        return body

    def decode(self, body, mac_key=None):
        """(mti, fields, mac): mac is "right", "wrong", "none", or "unchecked" without a key."""
        cursor = Cursor(body)
        if self.unionpay:
            mti = cursor.take(2, "MTI").hex()
            bits = cursor.take(8, "bitmap")
            if bits[0] & 0x80:
                bits += cursor.take(8, "secondary bitmap")
        else:
            mti = cursor.take(4, "MTI").decode("latin-1")
            bits = bytes.fromhex(cursor.take(16, "bitmap").decode("latin-1"))
            if bits[0] & 0x80:
                bits += bytes.fromhex(cursor.take(16, "secondary bitmap").decode("latin-1"))
        value = int.from_bytes(bits, "big")
        total = 8 * len(bits)
        fields, mac = {}, "none"
        for n in range(2, total + 1):
            if not value >> (total - n) & 1 or n == 65:
                continue
            if n not in self.table:
                raise WireError(f"DE{n} is no field of {self.name}")
            signed = body[:cursor.at]
            fields[n] = self._decode(n, cursor)
            if n in (64, 128):
                mac = "unchecked" if mac_key is None else "right" if fields[n] == self.mac(mac_key, signed) else "wrong"
        if cursor.at != len(body):
            raise WireError(f"{len(body) - cursor.at} bytes are left over")
        return mti, fields, mac


def pin_block_format_0(pin, pan):
    """ISO 9564-1 format 0: the PIN, XOR the twelve rightmost digits of the PAN without its check digit."""
    first = bytes.fromhex(f"0{len(pin):X}{pin}".ljust(16, "F"))
    second = bytes.fromhex("0000" + pan[-13:-1])
    return bytes(a ^ b for a, b in zip(first, second))


TPDU = bytes.fromhex("6000030000")
HEADER = bytes.fromhex("603100000000")


def frame(body, unionpay):
    content = (TPDU + HEADER if unionpay else b"") + body
    return struct.pack(">H", len(content)) + content


def unframe(content, unionpay):
    """The body, after checks of what the profile says of TPDU and header of a reply."""
    if not unionpay:
        return content
    if len(content) < 11:
        raise WireError("a frame without TPDU and header")
    if content[0] != 0x60 or content[1:3] != TPDU[3:5] or content[3:5] != TPDU[1:3]:
        raise WireError("the TPDU's addresses are not swapped")
    if content[5] != HEADER[0] or content[6] != HEADER[1]:
        raise WireError("the header is not echoed")
    return content[11:]
