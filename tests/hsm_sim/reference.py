"""What an HSM calculates, written from the standards and docs/hsm.md in plain Python: variant LMK, PIN blocks, MACs,
DUKPT, key blocks, PVV and offset. It shares no code with the project; the tests compare answers on the wire with it."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "outside"))
import aes  # noqa: E402
import des  # noqa: E402

PAIRS = [bytes.fromhex(pair) for pair in """
01010101010101017902CD1FD36EF8BA 20202020202020203131313131313131 40404040404040405151515151515151
61616161616161617070707070707070 80808080808080809191919191919191 A1A1A1A1A1A1A1A1B0B0B0B0B0B0B0B0
C1C1010101010101D0D0010101010101 E0E0010101010101F1F1010101010101 1C587F1C13924FEF0101010101010101
01010101010101010101010101010101 02020202020202020404040404040404 07070707070707071010101010101010
13131313131313131515151515151515 16161616161616161919191919191919 1A1A1A1A1A1A1A1A1C1C1C1C1C1C1C1C
23232323232323232525252525252525 26262626262626262929292929292929 2A2A2A2A2A2A2A2A2C2C2C2C2C2C2C2C
2F2F2F2F2F2F2F2F3131313131313131 01010101010101010101010101010101""".split()]
AES_LMK = b"TEST-AES-LMK-NOT-FOR-PRODUCTION!"
PAIR_OF = {"000": 2, "001": 3, "002": 7, "003": 8, "008": 13, "009": 14, "30B": 16}
VARIANTS = bytes.fromhex("00A65A6ADE2B50749CFA")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def tdes_encrypt(key, block):
    if len(key) <= 16:
        return des.encrypt_block(key, block)
    return des.encrypt_block(key[16:], des.decrypt_block(key[8:16], des.encrypt_block(key[:8], block)))


def tdes_decrypt(key, block):
    if len(key) <= 16:
        return des.decrypt_block(key, block)
    return des.decrypt_block(key[:8], des.encrypt_block(key[8:16], des.decrypt_block(key[16:], block)))


def odd_parity(key):
    return bytes(b & 0xFE | (bin(b & 0xFE).count("1") + 1) % 2 for b in key)


def tdes_kcv(key, digits=6):
    return tdes_encrypt(key, bytes(8)).hex().upper()[:digits]


def aes_kcv(key, digits=10):
    return aes.cmac(key, bytes(16)).hex().upper()[:digits]


# ---- keys under other keys

def _scheme_keys(kek, scheme, parts):
    """The key that each part is encrypted under."""
    steps = {"U": (0xA6, 0x5A), "T": (0x6A, 0xDE, 0x2B)}.get(scheme, (0,) * parts)
    return [kek[:8] + bytes([kek[8] ^ step]) + kek[9:] if scheme in "UT" else kek for step in steps]


def lmk_of(key_type):
    pair = PAIRS[PAIR_OF[key_type]]
    return bytes([pair[0] ^ VARIANTS[int(key_type[0])]]) + pair[1:]


def wrap(kek, key, scheme):
    keys = _scheme_keys(kek, scheme, len(key) // 8)
    text = b"".join(tdes_encrypt(k, key[8 * i:8 * i + 8]) for i, k in enumerate(keys)).hex().upper()
    return text if scheme == "Z" else scheme + text


def unwrap(kek, text):
    scheme = text[0] if text[0] in "UTXY" else "Z"
    data = bytes.fromhex(text.lstrip("UTXY"))
    keys = _scheme_keys(kek, scheme, len(data) // 8)
    return b"".join(tdes_decrypt(k, data[8 * i:8 * i + 8]) for i, k in enumerate(keys))


def under_lmk(key_type, key, scheme=None):
    return wrap(lmk_of(key_type), key, scheme or {8: "Z", 16: "U", 24: "T"}[len(key)])


def from_lmk(key_type, text):
    return unwrap(lmk_of(key_type), text)


# ---- TR-31

def _tdes_cmac(key, data):
    def doubled(block):
        value = int.from_bytes(block, "big") << 1
        return ((value ^ 0x1B) & (1 << 64) - 1 if value >> 64 else value).to_bytes(8, "big")
    sub_key = doubled(tdes_encrypt(key, bytes(8)))
    if len(data) % 8 or not data:
        sub_key, data = doubled(sub_key), data + b"\x80" + bytes(7 - len(data) % 8)
    state = bytes(8)
    for i in range(0, len(data), 8):
        block = data[i:i + 8]
        state = tdes_encrypt(key, xor(state, block if i + 8 < len(data) else xor(block, sub_key)))
    return state


def _derive(kbpk, version, purpose):
    bits = (len(kbpk) * 8).to_bytes(2, "big")
    if version == "B":
        algorithm = {16: b"\0\0", 24: b"\0\1"}[len(kbpk)]
        parts, one = len(kbpk) // 8, _tdes_cmac
    else:
        algorithm = {16: b"\0\2", 24: b"\0\3", 32: b"\0\4"}[len(kbpk)]
        parts, one = (len(kbpk) + 15) // 16, aes.cmac
    out = b"".join(one(kbpk, bytes([n, 0, purpose, 0]) + algorithm + bits) for n in range(1, parts + 1))
    return out[:len(kbpk)]


def tr31_wrap(kbpk, version, header, key, padding=b""):
    """`header`: usage, algorithm, mode, version, exportability and the rest from offset 5 on (optional blocks too)."""
    clear = (len(key) * 8).to_bytes(2, "big") + key
    size = 8 if version == "B" else 16
    if len(clear) % size or padding:
        fill = (padding + bytes(range(1, 40)))[:max(len(padding), -len(clear) % size)]
        clear += fill
    length = 5 + len(header) + 2 * len(clear) + 2 * size
    text = version + "%04d" % length + header
    mac_key, encryption_key = _derive(kbpk, version, 1), _derive(kbpk, version, 0)
    if version == "B":
        mac = _tdes_cmac(mac_key, text.encode() + clear)
        state, out = mac, b""
        for i in range(0, len(clear), 8):
            state = tdes_encrypt(encryption_key, xor(state, clear[i:i + 8]))
            out += state
    else:
        mac = aes.cmac(mac_key, text.encode() + clear)
        out = aes.cbc_encrypt(encryption_key, mac, clear)
    return text + (out + mac).hex().upper()


def tr31_unwrap(kbpk, block):
    """Header and key; asserts the MAC."""
    version, size = block[0], 8 if block[0] == "B" else 16
    assert int(block[1:5]) == len(block), block
    at = 16
    for _ in range(int(block[12:14])):
        at += int(block[at + 2:at + 4], 16)
    data = bytes.fromhex(block[at:])
    mac, out = data[-size:], data[:-size]
    mac_key, encryption_key = _derive(kbpk, version, 1), _derive(kbpk, version, 0)
    if version == "B":
        state, clear = mac, b""
        for i in range(0, len(out), 8):
            clear += xor(state, tdes_decrypt(encryption_key, out[i:i + 8]))
            state = out[i:i + 8]
        assert _tdes_cmac(mac_key, block[:at].encode() + clear) == mac
    else:
        clear = aes.cbc_decrypt(encryption_key, mac, out)
        assert aes.cmac(mac_key, block[:at].encode() + clear) == mac
    return block[:at], clear[2:2 + int.from_bytes(clear[:2], "big") // 8]


# ---- MACs

def pad(data, method, size=8):
    if method == 2:
        data += b"\x80"
    return data + bytes(-len(data) % size) if data else bytes(size)


def cbc_mac(key, data, padding):
    data, state = pad(data, padding), bytes(8)
    for i in range(0, len(data), 8):
        state = tdes_encrypt(key, xor(state, data[i:i + 8]))
    return state


def retail_mac(key, data, padding):
    data, state = pad(data, padding), bytes(8)
    for i in range(0, len(data), 8):
        state = des.encrypt_block(key[:8], xor(state, data[i:i + 8]))
    return des.encrypt_block(key[:8], des.decrypt_block(key[8:16], state))


# ---- PIN blocks

def account_field(twelve):
    return bytes.fromhex("0000" + twelve)


def pin_field(control, pin, fill):
    return bytes.fromhex((("%d%X" % (control, len(pin))) + pin + fill)[:16])


def block0(pin, twelve):
    return xor(pin_field(0, pin, "F" * 14), account_field(twelve))


def block1(pin, fill="0123456789ABCD"):
    return pin_field(1, pin, fill)


def block3(pin, twelve, fill="ABCDEFABCDEFAB"):
    return xor(pin_field(3, pin, fill), account_field(twelve))


def pan_field4(pan):
    pan = pan.rjust(12, "0")
    return bytes.fromhex((str(len(pan) - 12) + pan).ljust(32, "0"))


def encipher4(key, pin, pan, random=bytes(range(0x40, 0x48)), fill="A" * 14, control=4):
    a = aes.encrypt_block(key, pin_field(control, pin, fill) + random)
    return aes.encrypt_block(key, xor(a, pan_field4(pan)))


def decipher4(key, block, pan):
    field = aes.decrypt_block(key, xor(aes.decrypt_block(key, block), pan_field4(pan)))
    text = field[:8].hex().upper()
    assert text[0] == "4", text
    return text[2:2 + int(text[1], 16)]


def pin_of(block, twelve, control):
    text = (block if control == 1 else xor(block, account_field(twelve))).hex().upper()
    assert text[0] == str(control), text
    return text[2:2 + int(text[1], 16)]


# ---- DUKPT

C0 = bytes.fromhex("C0C0C0C000000000C0C0C0C000000000")


def dukpt_tdes_key(bdk, ksn):
    ksn = bytes.fromhex(ksn.rjust(20, "F"))
    base = (int.from_bytes(ksn, "big") >> 21 << 21).to_bytes(10, "big")[:8]
    key = tdes_encrypt(bdk, base) + tdes_encrypt(xor(bdk, C0), base)
    counter = int.from_bytes(ksn[-3:], "big") & 0x1FFFFF
    register = int.from_bytes(ksn[2:], "big") >> 21 << 21
    for bit in range(20, -1, -1):
        if counter >> bit & 1:
            register |= 1 << bit
            r = register.to_bytes(8, "big")

            def half(k):
                return xor(des.encrypt_block(k[:8], xor(r, k[8:])), k[8:])
            key = half(xor(key, C0)) + half(key)
    return key


def dukpt_tdes_pin_key(bdk, ksn):
    return xor(dukpt_tdes_key(bdk, ksn), bytes.fromhex("00000000000000FF" * 2))


def _aes_derive(key, data, length):
    return b"".join(aes.encrypt_block(key, data[:1] + bytes([n]) + data[2:])
                    for n in range(1, (length + 15) // 16 + 1))[:length]


def dukpt_aes_pin_key(bdk, ksn, kind=None):
    """`kind`: None for AES of the BDK's length, "2TDEA" for double-length TDES."""
    ksn = bytes.fromhex(ksn)
    own = {16: 2, 24: 3, 32: 4}[len(bdk)]
    bits = (len(bdk) * 8).to_bytes(2, "big")

    def data(usage, algorithm, length_bits, tail):
        return bytes([1, 1]) + usage.to_bytes(2, "big") + bytes([0, algorithm]) + length_bits + tail
    key = _aes_derive(bdk, data(0x8001, own, bits, ksn[:8]), len(bdk))
    counter, so_far = int.from_bytes(ksn[8:], "big"), 0
    for bit in range(31, -1, -1):
        if counter >> bit & 1:
            so_far |= 1 << bit
            key = _aes_derive(key, data(0x8000, own, bits, ksn[4:8] + so_far.to_bytes(4, "big")), len(bdk))
    if kind == "2TDEA":
        return _aes_derive(key, data(0x1000, 0, (128).to_bytes(2, "big"), ksn[4:]), 16)
    return _aes_derive(key, data(0x1000, own, bits, ksn[4:]), len(bdk))


# ---- PIN verification

def pvv(pvk, twelve, index, pin):
    text = tdes_encrypt(pvk, bytes.fromhex(twelve[1:] + index + pin[:4])).hex().upper()
    return ("".join(c for c in text if c.isdigit()) + "".join(str(int(c, 16) - 10) for c in text if c.isalpha()))[:4]


def ibm_offset(pvk, validation, table, pin, check):
    natural = "".join(table[int(c, 16)] for c in tdes_encrypt(pvk, bytes.fromhex(validation)).hex())[:len(pin)]
    return "".join(str((int(p) - int(n)) % 10) for p, n in zip(pin[-check:], natural[-check:]))


def lmk_check_value():
    out = bytes(8)
    for pair in PAIRS:
        out = xor(out, tdes_encrypt(pair, bytes(8)))
    return out.hex().upper()
