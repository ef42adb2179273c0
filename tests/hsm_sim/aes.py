"""AES and AES-CMAC, written from FIPS 197 and RFC 4493 (NIST SP 800-38B): slow, and sharing nothing with the HSM."""
import functools


def _times(a, b):
    out = 0
    while b:
        if b & 1:
            out ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return out


def _make_sbox():
    box = []
    for value in range(256):
        inverse = next((i for i in range(256) if _times(value, i) == 1), 0)
        out = 0x63
        for shift in range(5):
            out ^= (inverse << shift | inverse >> (8 - shift)) & 0xFF
        box.append(out)
    return box


_SBOX = _make_sbox()
_INVERSE = [_SBOX.index(i) for i in range(256)]
_TIMES = {n: [_times(n, i) for i in range(256)] for n in (2, 3, 9, 11, 13, 14)}


@functools.lru_cache(maxsize=256)
def _schedule(key):
    words = [list(key[i:i + 4]) for i in range(0, len(key), 4)]
    n, rounds, factor = len(words), len(words) + 6, 1
    for i in range(n, 4 * (rounds + 1)):
        word = list(words[-1])
        if i % n == 0:
            word = [_SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= factor
            factor = _times(factor, 2)
        elif n > 6 and i % n == 4:
            word = [_SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(word, words[i - n])])
    return [sum(words[4 * r:4 * r + 4], []) for r in range(rounds + 1)]


def encrypt_block(key, block):
    keys = _schedule(key)
    state = [a ^ b for a, b in zip(block, keys[0])]
    for r, k in enumerate(keys[1:], 1):
        state = [_SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if r < len(keys) - 1:
            two, three = _TIMES[2], _TIMES[3]
            mixed = []
            for c in range(0, 16, 4):
                a, b, d, e = state[c:c + 4]
                mixed += [two[a] ^ three[b] ^ d ^ e, a ^ two[b] ^ three[d] ^ e, a ^ b ^ two[d] ^ three[e],
                          three[a] ^ b ^ d ^ two[e]]
            state = mixed
        state = [a ^ b for a, b in zip(state, k)]
    return bytes(state)


def decrypt_block(key, block):
    keys = _schedule(key)
    state = [a ^ b for a, b in zip(block, keys[-1])]
    for r in range(len(keys) - 2, -1, -1):
        state = [_INVERSE[state[(i - 4 * (i % 4)) % 16]] for i in range(16)]
        state = [a ^ b for a, b in zip(state, keys[r])]
        if r > 0:
            nine, eleven, thirteen, fourteen = _TIMES[9], _TIMES[11], _TIMES[13], _TIMES[14]
            mixed = []
            for c in range(0, 16, 4):
                a, b, d, e = state[c:c + 4]
                mixed += [fourteen[a] ^ eleven[b] ^ thirteen[d] ^ nine[e],
                          nine[a] ^ fourteen[b] ^ eleven[d] ^ thirteen[e],
                          thirteen[a] ^ nine[b] ^ fourteen[d] ^ eleven[e],
                          eleven[a] ^ thirteen[b] ^ nine[d] ^ fourteen[e]]
            state = mixed
    return bytes(state)


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _doubled(block):
    value = int.from_bytes(block, "big") << 1
    return ((value ^ 0x87) & (1 << 128) - 1 if value >> 128 else value).to_bytes(16, "big")


def cmac(key, message):
    sub_key = _doubled(encrypt_block(key, bytes(16)))
    full = len(message) // 16 * 16
    if len(message) % 16 or not message:
        sub_key = _doubled(sub_key)
        last = message[full:] + b"\x80" + bytes(15 - len(message) % 16)
        head = message[:full]
    else:
        last, head = message[-16:], message[:-16]
    state = bytes(16)
    for i in range(0, len(head), 16):
        state = encrypt_block(key, _xor(state, head[i:i + 16]))
    return encrypt_block(key, _xor(state, _xor(last, sub_key)))


def cbc_encrypt(key, iv, data):
    out = b""
    for i in range(0, len(data), 16):
        iv = encrypt_block(key, _xor(iv, data[i:i + 16]))
        out += iv
    return out


def cbc_decrypt(key, iv, data):
    out = b""
    for i in range(0, len(data), 16):
        out += _xor(iv, decrypt_block(key, data[i:i + 16]))
        iv = data[i:i + 16]
    return out


def check():
    """FIPS 197 appendix C and RFC 4493 section 4."""
    plain = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    for length, expected in ((16, "69C4E0D86A7B0430D8CDB78070B4C55A"), (24, "DDA97CA4864CDFE06EAF70A0EC0D7191"),
                             (32, "8EA2B7CA516745BFEAFC49904B496089")):
        assert encrypt_block(bytes(range(length)), plain).hex().upper() == expected
        assert decrypt_block(bytes(range(length)), bytes.fromhex(expected)) == plain
    key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    assert cmac(key, b"").hex().upper() == "BB1D6929E95937287FA37D129B756746"
    assert cmac(key, bytes.fromhex("6BC1BEE22E409F96E93D7E117393172A")).hex().upper() == \
        "070A16B46B4D4144F79BDD9DD04A287C"
    assert cmac(key, bytes.fromhex("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411")
                ).hex().upper() == "DFA66747DE9AE63030CA32611497C827"


check()
