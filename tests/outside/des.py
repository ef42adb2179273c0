"""DES, two-key triple DES and the two MACs of the terminal profiles, written from FIPS 46-3, ISO 9797-1 and wire.md.

An implementation of its own, so that the switch's cryptography is checked by something that shares nothing with it.
Speed matters a little (a load test signs every message), so permutations are done a byte at a time by tables."""
import functools

_IP = [58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32,
       24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55,
       47, 39, 31, 23, 15, 7]
_P = [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11,
      4, 25]
_PC1 = [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63,
        55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4]
_PC2 = [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55,
        30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32]
_SHIFTS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1]
_S = [
    [14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
     4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13],
    [15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
     0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9],
    [10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
     13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12],
    [7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
     10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14],
    [2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
     4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3],
    [12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
     9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13],
    [4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
     1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12],
    [13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
     7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11],
]


def _permute(value, width, table):
    out = 0
    for position in table:
        out = out << 1 | value >> (width - position) & 1
    return out


def _byte_tables(width, table):
    """One table of 256 per input byte: a permutation becomes the OR of a look-up per byte."""
    return [[_permute(b << (width - 8 - 8 * i), width, table) for b in range(256)] for i in range(width // 8)]


_FP = [0] * 64
for _i, _p in enumerate(_IP):
    _FP[_p - 1] = _i + 1
_IP_TABLES, _FP_TABLES = _byte_tables(64, _IP), _byte_tables(64, _FP)
# S-box and P together: six bits in, their 32 bits out.
_SP = [[_permute(_S[i][(x >> 4 & 2 | x & 1) * 16 + (x >> 1 & 15)] << (28 - 4 * i), 32, _P) for x in range(64)]
       for i in range(8)]


@functools.lru_cache(maxsize=4096)
def _schedule(key):
    value = _permute(int.from_bytes(key, "big"), 64, _PC1)
    c, d = value >> 28, value & 0xFFFFFFF
    rounds = []
    for shift in _SHIFTS:
        c = (c << shift | c >> (28 - shift)) & 0xFFFFFFF
        d = (d << shift | d >> (28 - shift)) & 0xFFFFFFF
        k = _permute(c << 28 | d, 56, _PC2)
        rounds.append(tuple(k >> (42 - 6 * i) & 63 for i in range(8)))
    return tuple(rounds), tuple(reversed(rounds))


def _through(block, rounds):
    value = 0
    for i, b in enumerate(block):
        value |= _IP_TABLES[i][b]
    left, right = value >> 32, value & 0xFFFFFFFF
    s0, s1, s2, s3, s4, s5, s6, s7 = _SP
    for k in rounds:
        # The expansion: eight overlapping groups of six bits of the right half, which is seen as a ring.
        left, right = right, left ^ (
            s0[(right >> 27 | right << 5) & 63 ^ k[0]] ^ s1[right >> 23 & 63 ^ k[1]] ^ s2[right >> 19 & 63 ^ k[2]]
            ^ s3[right >> 15 & 63 ^ k[3]] ^ s4[right >> 11 & 63 ^ k[4]] ^ s5[right >> 7 & 63 ^ k[5]]
            ^ s6[right >> 3 & 63 ^ k[6]] ^ s7[(right << 1 | right >> 31) & 63 ^ k[7]])
    value = (right << 32 | left).to_bytes(8, "big")
    out = 0
    for i, b in enumerate(value):
        out |= _FP_TABLES[i][b]
    return out.to_bytes(8, "big")


def encrypt_block(key, block):
    """DES with an 8-byte key, triple DES (encrypt, decrypt, encrypt) with a 16-byte one."""
    out = _through(block, _schedule(key[:8])[0])
    if len(key) == 16:
        out = _through(_through(out, _schedule(key[8:])[1]), _schedule(key[:8])[0])
    return out


def decrypt_block(key, block):
    out = _through(block, _schedule(key[:8])[1])
    if len(key) == 16:
        out = _through(_through(out, _schedule(key[8:])[0]), _schedule(key[:8])[1])
    return out


def decrypt_ecb(key, data):
    return b"".join(decrypt_block(key, data[i:i + 8]) for i in range(0, len(data), 8))


def check_value(key):
    """The first four bytes of eight zero bytes encrypted."""
    return encrypt_block(key, bytes(8))[:4]


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def unionpay_mac(key, message):
    """The 'ECB' MAC of wire.md: XOR of all blocks, its hex, first half encrypted, XOR second half, encrypted, and of
    the result's hex the first eight characters."""
    padded = message + bytes(-len(message) % 8)
    folded = bytes(8)
    for i in range(0, len(padded), 8):
        folded = _xor(folded, padded[i:i + 8])
    text = folded.hex().upper().encode()
    return encrypt_block(key, _xor(encrypt_block(key, text[:8]), text[8:])).hex().upper()[:8].encode()


def retail_mac(key, message):
    """ISO 9797-1 algorithm 3, padding method 1: CBC with the first half of the key, the last block by both."""
    padded = message + bytes(-len(message) % 8)
    state = bytes(8)
    for i in range(0, len(padded), 8):
        state = encrypt_block(key[:8], _xor(state, padded[i:i + 8]))
    return encrypt_block(key[:8], decrypt_block(key[8:], state))
