#!/usr/bin/env python3
"""Every host command and every error code of docs/hsm.md, asked as a payShield's client would and compared with
calculations of its own (reference.py). Standard library alone; starts the hsm-sim given as the first argument."""
import json
import os
import subprocess
import sys
import urllib.request

import aes
import reference as ref
from reference import des
from script_client import Hsm, check, failed

ZMK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
ZPK = bytes.fromhex("76767676767676768989898989898989")
ZPK2 = bytes.fromhex("2A2C2C2C2C2C2C2C2F2F2F2F31313131")
TPK = bytes.fromhex("32323232323232324545454545454545")
TAK = bytes.fromhex("10101010101010102323232323232323")
ZAK = bytes.fromhex("54545454545454546767676767676767")
PVK = bytes.fromhex("0123456789ABCDEF1032547698BADCFE")
BDK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
AES_ZPK, AES_TPK, AES_ZAK = bytes(range(16, 32)), bytes(range(32, 64)), bytes(range(16))
AES_BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")
AES_BDK256 = AES_BDK + bytes.fromhex("0123456789ABCDEF1F1F1F1F1F1F1F1F")
AES_ZMK = bytes(range(64, 96))
PAN = "4111111111111111"
TWELVE = PAN[-13:-1]
TABLE, VALIDATION = "0123456789012345", "41111111111N"
PIN = "92389"

u_zmk, u_zpk, u_zpk2 = ref.under_lmk("000", ZMK), ref.under_lmk("001", ZPK), ref.under_lmk("001", ZPK2)
u_tpk, u_tak, u_zak = ref.under_lmk("002", TPK), ref.under_lmk("003", TAK), ref.under_lmk("008", ZAK)
u_tmk = ref.under_lmk("002", ZMK)
u_pvk, u_bdk = ref.under_lmk("002", PVK), ref.under_lmk("009", BDK)


def s_block(header, key, kbpk=ref.AES_LMK, version="D", lead="S"):
    return lead + ref.tr31_wrap(kbpk, version, header, key)


s_zpk = s_block("P0AB00N0000", AES_ZPK)
s_tpk = s_block("P0AB00N0000", AES_TPK)
s_zak = s_block("M6AC00N0000", AES_ZAK)
s_bdk, s_bdk256 = s_block("B0AX00N0000", AES_BDK), s_block("B0AX00N0000", AES_BDK256)
s_zmk = s_block("K0AB00N0000", AES_ZMK)


def hexed(data):
    return data.hex().upper()


def ca(source, zpk, block, from_format, to_format, account=TWELVE, code="CA", pin_max="12"):
    return code + source + zpk + pin_max + hexed(block) + from_format + to_format + account


def translations(hsm):
    clear = {"01": lambda: ref.block0(PIN, TWELVE), "05": lambda: ref.block1(PIN), "47": lambda: ref.block3(PIN, TWELVE)}
    control = {"01": 0, "05": 1, "47": 3}
    for code, key, text in (("CA", TPK, u_tpk), ("CC", ZPK2, u_zpk2)):
        answer_code = code[0] + chr(ord(code[1]) + 1)
        for source in ("01", "05", "47"):
            block = ref.tdes_encrypt(key, clear[source]())
            for to in ("01", "05", "47"):
                answer = hsm.ask(ca(text, u_zpk, block, source, to, code=code))
                if to == "05" and source != "05":
                    check(f"{code} {source} to 05", answer, answer_code + "23")
                    continue
                check(f"{code} {source} to {to}", (answer[:6], answer[22:]), (answer_code + "0005", to))
                plain = ref.tdes_decrypt(ZPK, bytes.fromhex(answer[6:22]))
                check(f"{code} {source} to {to}: the PIN", ref.pin_of(plain, TWELVE, control[to]), PIN)
            answer = hsm.ask(ca(text, s_zpk, block, source, "48", PAN + ";", code=code))
            check(f"{code} {source} to 48", (answer[:6], answer[38:]), (answer_code + "0005", "48"))
            check(f"{code} {source} to 48: the PIN", ref.decipher4(AES_ZPK, bytes.fromhex(answer[6:38]), PAN), PIN)
    for pan in (PAN, "6212345678900000003", "411111111111"):
        block = ref.encipher4(AES_TPK, PIN, pan)
        answer = hsm.ask(ca(s_tpk, s_zpk, block, "48", "48", pan + ";"))
        check("CA 48 to 48", (answer[:6], answer[38:]), ("CB0005", "48"))
        check("CA 48 to 48: the PIN", ref.decipher4(AES_ZPK, bytes.fromhex(answer[6:38]), pan), PIN)
        answer = hsm.ask(ca(s_tpk, u_zpk, block, "48", "01", pan + ";"))
        check("CA 48 to 01", ref.pin_of(ref.tdes_decrypt(ZPK, bytes.fromhex(answer[6:22])), pan[:-1][-12:].rjust(12, "0"),
                                        0), PIN)
    check("CA 48 to 05", hsm.ask(ca(s_tpk, u_zpk, ref.encipher4(AES_TPK, PIN, PAN), "48", "05", PAN + ";")), "CB23")
    for digits in (4, 12):
        block = ref.tdes_encrypt(TPK, ref.block0("1234567890123"[:digits], TWELVE))
        check(f"CA, a PIN of {digits}", hsm.ask(ca(u_tpk, u_zpk, block, "01", "01"))[:6], "CB00%02d" % digits)


def pin_refusals(hsm):
    good = ref.block0(PIN, TWELVE)
    account = ref.account_field(TWELVE)

    def clear0(text):
        return ref.xor(bytes.fromhex(text), account)
    wrong = {
        "another account": ref.block0(PIN, "999999999999"),
        "control nibble": clear0("1592389FFFFFFFFF"),
        "length 3": clear0("03123FFFFFFFFFFF"),
        "length 13": clear0("0D1234567890123F"),
        "a letter in the PIN": clear0("049A38FFFFFFFFFF"),
        "fill that is no F": clear0("0592389FFFFFFFF0"),
        "zeros": bytes(8),
    }
    for what, block in wrong.items():
        check("format 0: " + what, hsm.ask(ca(u_tpk, u_zpk, ref.tdes_encrypt(TPK, block), "01", "01")), "CB20")
    for what, text in {"fill digit": "3592389ABCDEF9AB", "length 3": "33123ABCDEFABCDE", "control": "0592389ABCDEFABC"}.items():
        check("format 3: " + what,
              hsm.ask(ca(u_tpk, u_zpk, ref.tdes_encrypt(TPK, clear0(text)), "47", "47")), "CB20")
    for what, text in {"length 3": "1312300000000000", "control": "0412340000000000", "letter": "14A2340000000000"}.items():
        check("format 1: " + what, hsm.ask(ca(u_tpk, u_zpk, ref.tdes_encrypt(TPK, bytes.fromhex(text)), "05", "01")), "CB20")
    for what, block in {
            "another account": ref.encipher4(AES_TPK, PIN, "4222222222222222"),
            "fill that is no A": ref.encipher4(AES_TPK, PIN, PAN, fill="AAAAB" * 3),
            "control": ref.encipher4(AES_TPK, PIN, PAN, control=5),
            "length 3": ref.encipher4(AES_TPK, "123", PAN)}.items():
        check("format 4: " + what, hsm.ask(ca(s_tpk, s_zpk, block, "48", "48", PAN + ";")), "CB20")
    e = ref.tdes_encrypt(TPK, good)
    rows = {
        "source under another pair": (ca(u_zpk, u_zpk, e, "01", "01"), "CB10"),
        "destination under another pair": (ca(u_tpk, u_tpk, e, "01", "01"), "CB11"),
        "parity of the source": (ca("U" + "0" * 32, u_zpk, e, "01", "01"), "CB10"),
        "scheme": (ca("Q" + u_tpk[1:], u_zpk, e, "01", "01"), "CB26"),
        "cut short": ("CA" + u_tpk[:20], "CB26"),
        "small hex": ("CA" + u_tpk.lower().replace("u", "U"), "CB15"),
        "PIN length": (ca(u_tpk, u_zpk, e, "01", "01", pin_max="04"), "CB24"),
        "format 02": (ca(u_tpk, u_zpk, e, "02", "01"), "CB23"),
        "format 99 to": (ca(u_tpk, u_zpk, e, "01", "99"), "CB23"),
        "account of 11": (ca(u_tpk, u_zpk, e, "01", "01", TWELVE[:11]), "CB22"),
        "account with a letter": (ca(u_tpk, u_zpk, e, "01", "01", "11111A111111"), "CB22"),
        "too much behind": (ca(u_tpk, u_zpk, e, "01", "01") + "7", "CB15"),
        "block no hex": (ca(u_tpk, u_zpk, e, "01", "01").replace(hexed(e), "G" * 16), "CB15"),
        "format 0 under AES": (ca(s_tpk, s_zpk, bytes(8), "01", "48", PAN + ";"), "CB23"),
        "format 4 under TDES": (ca(u_tpk, s_zpk, bytes(16), "48", "48", PAN + ";"), "CB23"),
        "equal halves": (ca(ref.under_lmk("002", b"\x01" * 16, "U"), u_zpk, e, "01", "01"), "CB75"),
        "LMK id 00": (ca(u_tpk, u_zpk, e, "01", "01") + "%00", None),
        "LMK id 01": (ca(u_tpk, u_zpk, e, "01", "01") + "%01", "CB13"),
        "LMK id, letters": (ca(u_tpk, u_zpk, e, "01", "01") + "%AA", "CB15"),
        "a MAC key as PIN key": (ca(s_zak, u_zpk, bytes(16), "48", "01", PAN + ";"), "CBA6"),
        "a block changed": (ca(s_tpk[:-1] + ("0" if s_tpk[-1] != "0" else "1"), s_zpk, bytes(16), "48", "48", PAN + ";"),
                            "CBA4"),
        "a header changed": (ca(s_zak.replace("M6AC", "P0AB"), s_zpk, bytes(16), "48", "48", PAN + ";"), "CBA4"),
        "a block that only encrypts": (ca(s_block("P0AE00N0000", AES_TPK), s_zpk, bytes(16), "48", "48", PAN + ";"), "CBA6"),
    }
    for what, (command, expected) in rows.items():
        answer = hsm.ask(command)
        if expected is None:
            check("CA, " + what, answer[:4], "CB00")
        else:
            check("CA, " + what, answer, expected)
            check("CA, with a trailer, " + what, hsm.ask(command + "\x19trail"), expected + "\x19trail")


def dukpt(hsm):
    def g0(bdk, zpk, descriptor, ksn, block, from_format, to_format, account=TWELVE):
        return "G0" + bdk + zpk + descriptor + ksn + hexed(block) + from_format + to_format + account
    for ksn, descriptor in (("FFFF9876543210E00001", "A05"), ("FFFF9876543210E00FFF", "609"), ("9876543210EFFC00", "605")):
        key = ref.dukpt_tdes_pin_key(BDK, ksn)
        answer = hsm.ask(g0(u_bdk, u_zpk, descriptor, ksn, ref.tdes_encrypt(key, ref.block0(PIN, TWELVE)), "01", "01"))
        check("G0 TDES", (answer[:6], answer[22:]), ("G10005", "01"))
        check("G0 TDES: the PIN", ref.pin_of(ref.tdes_decrypt(ZPK, bytes.fromhex(answer[6:22])), TWELVE, 0), PIN)
    published = bytes.fromhex("1B9C1845EB993A7A")  # X9.24-1 A.4: PIN 1234, account 401234567890
    answer = hsm.ask(g0(u_bdk, u_zpk, "A05", "FFFF9876543210E00001", published, "01", "01", "401234567890"))
    check("G0, published", ref.pin_of(ref.tdes_decrypt(ZPK, bytes.fromhex(answer[6:22])), "401234567890", 0), "1234")
    for bdk, text in ((AES_BDK, s_bdk), (AES_BDK256, s_bdk256)):
        for ksn in ("123456789012345600000001", "1234567890123456000A8003"):
            block = ref.encipher4(ref.dukpt_aes_pin_key(bdk, ksn), PIN, PAN)
            answer = hsm.ask(g0(text, s_zpk, "000", ksn, block, "48", "48", PAN + ";"))
            check("G0 AES", (answer[:6], answer[38:]), ("G10005", "48"))
            check("G0 AES: the PIN", ref.decipher4(AES_ZPK, bytes.fromhex(answer[6:38]), PAN), PIN)
            key = ref.dukpt_aes_pin_key(bdk, ksn, "2TDEA")
            answer = hsm.ask(g0(text, u_zpk, "000", ksn, ref.tdes_encrypt(key, ref.block0(PIN, TWELVE)), "01", "01"))
            check("G0 AES to TDES", ref.pin_of(ref.tdes_decrypt(ZPK, bytes.fromhex(answer[6:22])), TWELVE, 0), PIN)
    good = "FFFF9876543210E00001"
    for what, command, expected in (
            ("a TPK as BDK", g0(u_tpk, u_zpk, "A05", good, bytes(8), "01", "01"), "G110"),
            ("descriptor", g0(u_bdk, u_zpk, "111", good, bytes(8), "01", "01"), "G115"),
            ("KSN no hex", g0(u_bdk, u_zpk, "A05", "G" * 20, bytes(8), "01", "01"), "G115"),
            ("content", g0(u_bdk, u_zpk, "A05", good, bytes(8), "01", "01"), "G120"),
            ("to format 1", g0(u_bdk, u_zpk, "A05", good, bytes(8), "01", "05"), "G123"),
            ("destination", g0(u_bdk, u_tpk, "A05", good, bytes(8), "01", "01"), "G111")):
        check("G0, " + what, hsm.ask(command), expected)


def da(key, pvk, block, offset, code="DA", table=None, validation=VALIDATION, check_length="04", form="01", account=TWELVE,
       pin_max="12"):
    return (code + key + pvk + pin_max + hexed(block) + form + check_length + account + (table or ref.wrap(
        ref.PAIRS[10], bytes.fromhex(TABLE), "Z")) + validation + offset)


def pin_verification(hsm, table=None):
    validation = VALIDATION.replace("N", TWELVE[-5:])
    for code, key, text in (("DA", TPK, u_tpk), ("EA", ZPK, u_zpk)):
        answer_code = code[0] + "B"
        for check_digits in (4, 5):
            offset = ref.ibm_offset(PVK, validation, TABLE, PIN, check_digits)
            block = ref.tdes_encrypt(key, ref.block0(PIN, TWELVE))
            ask = dict(code=code, table=table, check_length="%02d" % check_digits)
            check(f"{code}, right", hsm.ask(da(text, u_pvk, block, offset.ljust(12, "F"), **ask)), answer_code + "00")
            wrong = str((int(offset[0]) + 1) % 10) + offset[1:]
            check(f"{code}, wrong", hsm.ask(da(text, u_pvk, block, wrong.ljust(12, "F"), **ask)), answer_code + "01")
            check(f"{code}, P and 16",
                  hsm.ask(da(text, u_pvk, block, ref.ibm_offset(PVK, "0123456789ABCDEF", TABLE, PIN, check_digits)
                             .ljust(12, "F"), **{**ask, "validation": "P0123456789ABCDEF"})), answer_code + "00")
        single = PVK[:8]
        offset = ref.ibm_offset(single, validation, TABLE, PIN, 4).ljust(12, "F")
        check(f"{code}, single-length PVK", hsm.ask(da(text, ref.under_lmk("002", single), block, offset, code=code,
                                                       table=table)), answer_code + "00")
    good = ref.tdes_encrypt(TPK, ref.block0(PIN, TWELVE))
    for what, command, expected in (
            ("check length 03", da(u_tpk, u_pvk, good, "0" * 12, table=table, check_length="03"), "DB24"),
            ("check length 13", da(u_tpk, u_pvk, good, "0" * 12, table=table, check_length="13"), "DB24"),
            ("check length above the PIN's", da(u_tpk, u_pvk, good, "0" * 6 + "F" * 6, table=table, check_length="06"), "DB24"),
            ("maximum", da(u_tpk, u_pvk, good, "0" * 12, table=table, pin_max="10"), "DB24"),
            ("offset not filled with F", da(u_tpk, u_pvk, good, "0" * 12, table=table), "DB15"),
            ("validation data without N", da(u_tpk, u_pvk, good, "0000FFFFFFFF", table=table, validation="4" * 12), "DB15"),
            ("a ZPK as TPK", da(u_zpk, u_pvk, good, "0000FFFFFFFF", table=table), "DB10"),
            ("a ZPK as PVK", da(u_tpk, u_zpk, good, "0000FFFFFFFF", table=table), "DB11"),
            ("format", da(u_tpk, u_pvk, good, "0000FFFFFFFF", table=table, form="09"), "DB23"),
            ("content", da(u_tpk, u_pvk, bytes(8), "0000FFFFFFFF", table=table), "DB20")):
        check("DA, " + what, hsm.ask(command), expected)


def visa(hsm):
    for code, key, text in (("DC", TPK, u_tpk), ("EC", ZPK, u_zpk)):
        for index in "16":
            right = ref.pvv(PVK, TWELVE, index, PIN)
            block = hexed(ref.tdes_encrypt(key, ref.block0(PIN, TWELVE)))
            for pvk in (u_pvk, ref.under_lmk("002", PVK, "X"), ref.under_lmk("002", PVK, "X")[1:]):
                check(code, hsm.ask(code + text + pvk + block + "01" + TWELVE + index + right), code[0] + "D00")
            wrong = right[:3] + str((int(right[3]) + 1) % 10)
            check(code + ", wrong", hsm.ask(code + text + u_pvk + block + "01" + TWELVE + index + wrong), code[0] + "D01")
            # A right one counts the wrong one away again.
            check(code, hsm.ask(code + text + u_pvk + block + "01" + TWELVE + index + right), code[0] + "D00")
    block = ref.encipher4(AES_TPK, PIN, PAN)
    check("DC, format 4", hsm.ask("DC" + s_tpk + u_pvk + hexed(block) + "48" + PAN + ";" + "1" +
                                  ref.pvv(PVK, TWELVE, "1", PIN)), "DD00")


def failure_limit(hsm):
    pan = "411122223333"
    block = hexed(ref.tdes_encrypt(TPK, ref.block0(PIN, pan)))
    right = ref.pvv(PVK, pan, "1", PIN)
    wrong = right[:3] + str((int(right[3]) + 1) % 10)

    def ask(guess, pvk=u_pvk, account=pan, text=block):
        return hsm.ask("DC" + u_tpk + pvk + text + "01" + account + "1" + guess)
    for _ in range(9):
        check("a wrong PIN", ask(wrong), "DD01")
    check("a right PIN resets", ask(right), "DD00")
    for _ in range(10):
        check("a wrong PIN", ask(wrong), "DD01")
    check("then 39", ask(wrong), "DD39")
    check("for the right one too", ask(right), "DD39")
    other = "411122223334"
    check("another account is not meant", ask(ref.pvv(PVK, other, "1", PIN), account=other,
                                              text=hexed(ref.tdes_encrypt(TPK, ref.block0(PIN, other)))), "DD00")
    for text in (ref.under_lmk("002", PVK, "X"), ref.under_lmk("002", PVK, "X")[1:]):
        check("the same key in another scheme is the same key", ask(right, pvk=text), "DD39")
    # A translation is a guess too: the block of another account.
    victim = "411122223335"
    for _ in range(10):
        check("a block of another account", hsm.ask("CA" + u_tpk + u_zpk + "12" + block + "0101" + victim), "CB20")
    check("then 39", hsm.ask("CA" + u_tpk + u_zpk + "12" + block + "0101" + victim), "CB39")
    mine = hexed(ref.tdes_encrypt(TPK, ref.block0(PIN, victim)))
    check("for its own block too", hsm.ask("CA" + u_tpk + u_zpk + "12" + mine + "0101" + victim), "CB39")


def macs(hsm, m6_length="characters"):
    def fields(form, size, algorithm, padding, key_type, key, data):
        sent = hexed(data).encode() if form == "1" else data
        length = len(data) if form == "1" and m6_length == "bytes" else len(sent)
        return ("0" + form + size + algorithm + padding + key_type + key + "%04X" % length).encode() + sent
    for data in (b"", b"\x19", b"1234567", bytes(range(8)), bytes(range(256)), b"%00\x19 looks like an end"):
        for key_type, key, text in (("003", TAK, u_tak), ("008", ZAK, u_zak)):
            for algorithm, mac in (("1", ref.cbc_mac), ("3", ref.retail_mac)):
                for padding in ("1", "2"):
                    expected = hexed(mac(key, data, int(padding)))
                    for form in "012":
                        for size, digits in (("0", 8), ("1", 16)):
                            f = fields(form, size, algorithm, padding, key_type, text, data)
                            check(f"M6 {f[:5]} {len(data)}", hsm.ask(b"M6" + f), "M700" + expected[:digits])
                            check("M8, right", hsm.ask(b"M8" + f + expected[:digits].encode()), "M900")
                            check("M8, with id and trailer",
                                  hsm.ask(b"M8" + f + expected[:digits].encode() + b"%00\x19end"), "M900\x19end")
                            check("M8, wrong", hsm.ask(b"M8" + f + b"0" * digits), "M901")
        f = fields("0", "1", "6", "0", "008", s_zak, data)
        expected = hexed(aes.cmac(AES_ZAK, data))[:16]
        check("M6 CMAC", hsm.ask(b"M6" + f), "M700" + expected)
        check("M8 CMAC", hsm.ask(b"M8" + f + expected.encode()), "M900")
        folded = bytes(8)
        for i in range(0, len(data), 8):
            folded = ref.xor(folded, data[i:i + 8].ljust(8, b"\0"))
        f = fields("2", "0", "1", "1", "003", u_tak, hexed(folded).encode())
        # Of the eight bytes that M6 makes the terminal shows the first four, as hex: the UnionPay MAC.
        check("the UnionPay MAC", hsm.ask(b"M6" + f)[4:].encode(), des.unionpay_mac(TAK, data))
    single = ref.under_lmk("003", TAK[:8])
    f = fields("0", "1", "1", "1", "003", single, b"some data")
    check("M6, single-length", hsm.ask(b"M6" + f), "M700" + hexed(ref.cbc_mac(TAK[:8], b"some data", 1)))
    f = fields("0", "1", "3", "1", "003", single, b"some data")
    check("M6, retail with a single-length key", hsm.ask(b"M6" + f), "M727")
    for what, command, expected in (
            ("mode", "M6" + "1" + "01311003", "15"), ("input", "M6" + "03131003", "15"), ("size", "M6002310", "15"),
            ("algorithm", "M6001210", "15"), ("padding 3", "M6001330", "15"), ("padding 0", "M600130003" + u_tak, "15"),
            ("type", "M600131FFF" + u_tak + "0001x", "04"), ("type of a PIN key", "M600131002" + u_tpk + "0001x", "28"),
            ("another pair", "M600131003" + u_zak + "0001x", "10"), ("length", "M600131003" + u_tak + "0009x", "80"),
            ("odd hex", "M601131003" + u_tak + "0003" + "ABC" + "0", "80"),
            ("no hex", "M601131003" + u_tak + ("0002" if m6_length == "characters" else "0001") + "GG", "15"),
            ("CMAC with TDES", "M600160003" + u_tak + "0001x", "A6"),
            ("retail with a key for CMAC", "M600131008" + s_zak + "0001x", "A6"),
            ("too much behind", "M600131003" + u_tak + "0001xy", "15")):
        if m6_length == "bytes" and what == "odd hex":
            continue
        check("M6, " + what, hsm.ask(command), "M7" + expected)
    check("M6, a key that only verifies",
          hsm.ask("M600160008" + s_block("M6AV00N0000", AES_ZAK) + "0001x"), "M7A6")
    f = fields("0", "1", "6", "0", "008", s_block("M6AV00N0000", AES_ZAK), b"x")
    check("M8, a key that only verifies", hsm.ask(b"M8" + f + hexed(aes.cmac(AES_ZAK, b"x"))[:16].encode()), "M900")
    f = fields("0", "1", "6", "0", "008", s_block("M6AG00N0000", AES_ZAK), b"x")
    check("M8, a key that only generates", hsm.ask(b"M8" + f + b"0" * 16), "M9A6")
    check("M6, refused, hex input, trailer", hsm.ask("M601131FFF" + u_tak + "0002AA\x19end"), "M704\x19end")


def closed_state(hsm):
    for command, expected in (
            ("A6001" + u_zmk + "X" + "0" * 32 + "U", "A717"), ("A8001" + u_zmk + u_zpk + "X", "A917"),
            ("A01001U;0" + u_zmk + "X", "A117"), ("BU011" + u_zpk + ";000", "BV17"), ("BU001" + u_zmk + ";000", "BV17")):
        check("without officers " + command[:6], hsm.ask(command), expected)
    check("BU, six digits", hsm.ask("BU011" + u_zpk), "BV00" + ref.tdes_kcv(ZPK))
    check("BU, six digits by the flag", hsm.ask("BU011" + u_zpk + ";001"), "BV00" + ref.tdes_kcv(ZPK))
    check("BU of a TPK", hsm.ask("BU021" + u_tpk + ";000"), "BV00" + ref.tdes_kcv(TPK, 16))
    check("BU of a TAK", hsm.ask("BUFF1" + u_tak + ";003;000"), "BV00" + ref.tdes_kcv(TAK, 16))
    check("BU of a block", hsm.ask("BU013" + s_zpk), "BV00" + ref.aes_kcv(AES_ZPK, 6))
    for what, command, expected in (
            ("length flag", "BU010" + u_zpk, "27"), ("length flag 9", "BU019" + u_zpk, "15"), ("code", "BUEE1" + u_zpk, "04"),
            ("another pair", "BU011" + u_zak, "10"), ("FF without a type", "BUFF1" + u_zpk, "15")):
        check("BU, " + what, hsm.ask(command), "BV" + expected)
    for command, key_type in (("HC", "002"), ("HA", "003")):
        answer_code = "H" + chr(ord(command[1]) + 1)
        answer = hsm.ask(command + u_tmk)
        under_tmk, under_lmk = answer[4:37], answer[37:]
        check(command, (answer[:5], len(answer)), (answer_code + "00X", 70))
        made = ref.unwrap(ZMK, under_tmk)
        check(command + ": both are the same key", ref.from_lmk(key_type, under_lmk), made)
        check(command + ": parity", ref.odd_parity(made), made)
        answer = hsm.ask(command + u_tmk + ";ZZ0")
        check(command + " single", len(answer), 4 + 16 + 16)
        check(command + " single: the same key", ref.from_lmk(key_type, answer[20:]), ref.unwrap(ZMK, answer[4:20]))
        triple = ref.odd_parity(bytes(range(1, 25)))
        answer = hsm.ask(command + ref.under_lmk("002", triple) + ";YT0")
        check(command + " triple: the same key", ref.from_lmk(key_type, answer[53:]), ref.unwrap(triple, answer[4:53]))
        check(command + ", schemes", hsm.ask(command + u_tmk + ";UU0"), answer_code + "26")
        check(command + ", a weak TMK", hsm.ask(command + ref.under_lmk("002", ZMK[:8]) + ";XU0"), answer_code + "27")
        check(command + ", no TMK", hsm.ask(command + u_zmk), answer_code + "10")


def generated(hsm):
    for key_type in ("000", "001", "002", "003", "008", "009"):
        for scheme, digits in (("Z", 16), ("U", 33), ("T", 49)):
            answer = hsm.ask("A00" + key_type + scheme)
            check("A0", (answer[:4], len(answer)), ("A100", 4 + digits + 6))
            key = ref.from_lmk(key_type, answer[4:-6])
            check("A0: parity", ref.odd_parity(key), key)
            check("A0: check value", ref.tdes_kcv(key), answer[-6:])
    for key_type, attributes, usage in (("001", "", "P0AB"), ("008", "", "M6AC"), ("009", "", "B0AX"),
                                        ("002", "#P0A3B00E00", "P0AB"), ("001", "#72T2E01N00", "72TE")):
        answer = hsm.ask("A00" + key_type + "S" + attributes)
        check("A0 S", (answer[:5], answer[10:14]), ("A100S", usage))
        header, key = ref.tr31_unwrap(ref.AES_LMK, answer[5:-6])
        check("A0 S: check value", (ref.aes_kcv if usage[2] == "A" else ref.tdes_kcv)(key, 6), answer[-6:])
    for what, command, expected in (
            ("mode", "A02001U", "15"), ("type", "A00FFFU", "04"), ("scheme", "A00001Q", "26"), ("X under the LMK", "A00001X", "26"),
            ("S of a shared type", "A00002S", "26"), ("usage of another kind", "A00001S#M6A1C00N00", "A6"),
            ("algorithm", "A00001S#P0A9B00N00", "15"), ("no carrier", "A01001U", "15")):
        check("A0, " + what, hsm.ask(command), "A1" + expected)


def open_state(hsm):
    answer = hsm.ask("A01001U;0" + u_zmk + "X")
    check("A0 with export", (answer[:5], answer[37], len(answer)), ("A100U", "X", 4 + 33 + 33 + 6))
    check("A0 with export: the same key", ref.unwrap(ZMK, answer[37:70]), ref.from_lmk("001", answer[4:37]))
    answer = hsm.ask("A01003U;1" + u_tmk + "U")
    check("A0 under a TMK: the same key", ref.unwrap(ZMK, answer[37:70]), ref.from_lmk("003", answer[4:37]))
    for scheme in "XU":
        check("A8 " + scheme, hsm.ask("A8001" + u_zmk + u_zpk + scheme), "A900" + ref.wrap(ZMK, ZPK, scheme) + ref.tdes_kcv(ZPK))
        check("A6 " + scheme, hsm.ask("A6001" + u_zmk + ref.wrap(ZMK, ZPK, scheme) + "U"), "A700" + u_zpk + ref.tdes_kcv(ZPK))
    check("A6 single", hsm.ask("A6001" + u_zmk + ref.wrap(ZMK, ZPK[:8], "Z") + "Z"),
          "A700" + ref.under_lmk("001", ZPK[:8]) + ref.tdes_kcv(ZPK[:8]))
    # TR-31, version B under TDES and D under AES, both ways.
    block = s_block("P0TB00E0000", ZPK, ZMK, "B", "R")
    answer = hsm.ask("A6001" + u_zmk + block + "S")
    check("A6 TR-31 B", (answer[:5], answer[-6:]), ("A700S", ref.tdes_kcv(ZPK)))
    check("A6 TR-31 B: the key", ref.tr31_unwrap(ref.AES_LMK, answer[5:-6])[1], ZPK)
    back = hsm.ask("A8001" + u_zmk + answer[4:-6] + "R")
    check("A8 TR-31 B", (back[:6], ref.tr31_unwrap(ZMK, back[5:-6])[1]), ("A900RB", ZPK))
    block = s_block("P0AB00E0000", AES_ZPK, AES_ZMK, "D", "R")
    answer = hsm.ask("A6001" + s_zmk + block + "S")
    check("A6 TR-31 D", (answer[:5], answer[-6:]), ("A700S", ref.aes_kcv(AES_ZPK, 6)))
    check("A6 TR-31 D: the key", ref.tr31_unwrap(ref.AES_LMK, answer[5:-6])[1], AES_ZPK)
    back = hsm.ask("A8001" + s_zmk + answer[4:-6] + "R")
    check("A8 TR-31 D", (back[:6], ref.tr31_unwrap(AES_ZMK, back[5:-6])[1]), ("A900RD", AES_ZPK))
    never = s_block("P0AB00N0000", AES_ZPK, AES_ZMK, "D", "R")
    answer = hsm.ask("A6001" + s_zmk + never + "S")
    check("A8 of what may not leave", hsm.ask("A8001" + s_zmk + answer[4:-6] + "R"), "A929")
    for what, command, expected in (
            ("A6, no parity", "A6001" + u_zmk + ref.wrap(ZMK, bytes(16), "X") + "U", "A711"),
            ("A6, equal halves", "A6001" + u_zmk + ref.wrap(ZMK, b"\x01" * 16, "X") + "U", "A775"),
            ("A6, no ZMK", "A6001" + u_tpk + ref.wrap(ZMK, ZPK, "X") + "U", "A710"),
            ("A6, scheme", "A6001" + u_zmk + ref.wrap(ZMK, ZPK, "X") + "Q", "A726"),
            ("A6, length", "A6001" + u_zmk + ref.wrap(ZMK, ZPK, "X") + "T", "A727"),
            ("A6, type", "A6FFF" + u_zmk + ref.wrap(ZMK, ZPK, "X") + "U", "A704"),
            ("A6, a block as another type", "A6008" + u_zmk + s_block("P0TB00E0000", ZPK, ZMK, "B", "R") + "S", "A7A6"),
            ("A6, a block without its attributes", "A6001" + u_zmk + s_block("P0TB00E0000", ZPK, ZMK, "B", "R") + "U", "A726"),
            ("A6, MAC", "A6001" + u_zmk + s_block("P0TB00E0000", ZPK, ZPK2, "B", "R") + "S", "A7A4"),
            ("A6, a D block under TDES", "A6001" + u_zmk + s_block("P0AB00E0000", AES_ZPK, AES_ZMK, "D", "R") + "S", "A726"),
            ("A8, another pair", "A8001" + u_zmk + u_tpk + "X", "A911"),
            ("A8, scheme of another length", "A8001" + u_zmk + u_zpk + "Y", "A926"),
            ("A8, a weak ZMK", "A8001" + ref.under_lmk("000", ZMK[:8]) + u_zpk + "X", "A927")):
        check(what, hsm.ask(command), expected)
    check("BU, whole", hsm.ask("BU011" + u_zpk + ";000"), "BV00" + ref.tdes_kcv(ZPK, 16))


def monitoring(hsm):
    check("NC", hsm.ask("NC")[:20], "ND00" + ref.lmk_check_value())
    check("NC with LMK id and trailer", hsm.ask("NC%00\x19abc")[-4:], "\x19abc")
    check("NC with another LMK id", hsm.ask("NC%07"), "ND13")
    check("NO 01", hsm.ask("NO01"), "NP000")
    check("NO 02", hsm.ask("NO02"), "NP15")
    check("NO 00", len(hsm.ask("NO00")), 4 + 1 + 1 + 4 + 9 + 1 + 4)
    check("N0", (len(hsm.ask("N0001")), len(hsm.ask("N0999")), hsm.ask("N0ABC")), (5, 1003, "N115"))
    check("B2", hsm.ask("B20000"), "B300")
    check("B2, length", hsm.ask("B20005abcd"), "B380")
    check("trailer of 32", hsm.ask("NC\x19" + "x" * 32)[-33:], "\x19" + "x" * 32)
    check("trailer of 33", hsm.ask("NC\x19" + "x" * 33)[:4], "ND15")
    for command in ("ZZ", "aa", "  ", "C0", "NC ", "\x19\x19"):
        answer = hsm.ask(command)
        check("unknown " + repr(command), answer[2:4], "15" if command == "NC " else "68")
    j2 = hsm.ask("J2")
    bands = j2[4 + 12 + 36 + 10:]
    check("J2", (len(bands), [bands[16 * i:16 * i + 6] for i in range(10)], bands[-1]),
          (161, ["%03d%03d" % (10 * i, 10 * i + 10) for i in range(10)], ";"))
    j4 = hsm.ask("J4")[4 + 12 + 36 + 10:]
    counts = {j4[i:i + 2]: int(j4[i + 2:i + 14]) for i in range(0, len(j4), 14)}
    check("J4", (len(j4) % 14, counts.get("J2"), counts.get("J4")), (0, 1, 1))
    j8 = hsm.ask("J8")
    check("J8", len(j8), 4 + 12 + 36 + 10 + 10 + 7 + 5 + 8)
    return int(j8[72:79]), int(j8[79:84]), int(j8[84:92])


def secrets_in(text):
    keys = (ZMK, ZPK, ZPK2, TPK, TAK, ZAK, PVK, AES_ZPK, AES_TPK, AES_ZAK, AES_BDK, AES_BDK256, AES_ZMK)
    texts = (u_zmk, u_zpk, u_tpk, u_tak, u_zak, u_pvk, u_bdk, s_zpk, s_zak, PAN, TWELVE, PIN, "411122223333")
    lower = text.lower()
    return [t for t in [hexed(k) for k in keys] + list(texts) if t.lower() in lower]


def main():
    program = sys.argv[1]
    # More blocks that are no PIN than one may try.
    hsm = Hsm(program, 4, "--pin-failures-max", "1000", "--pin-failures-per-account-max", "1000")
    pin_refusals(hsm)
    hsm.stop()
    hsm = Hsm(program, 4, "--metrics", "127.0.0.1:0", log=True)
    for part in (translations, dukpt, pin_verification, visa, failure_limit, macs, closed_state, generated):
        part(hsm)
    minute, hour, attacks = monitoring(hsm)
    check("J8 counts", (hour >= 30, attacks), (True, 6))
    page = urllib.request.urlopen(f"http://{hsm.metrics}/metrics", timeout=10).read().decode()
    for name in ("commands", "refus", "connections", "pin_failures", "authorised", "test_lmk"):
        check("a metric of " + name, name in page, True)
    check("metrics without secrets", secrets_in(page), [])
    check("health", urllib.request.urlopen(f"http://{hsm.metrics}/healthz", timeout=10).status, 200)
    hsm.stop()
    log = hsm.log()
    check("log without secrets", secrets_in(log), [])
    lines = [json.loads(line) for line in log.splitlines()]
    refusals = [line for line in lines if line["event"] == "refused"]
    check("refusals explain themselves", all(line["why"] and line["code"] and line["command"] for line in refusals), True)
    check("the test LMK is marked", any(line["event"] == "test_lmk" for line in lines), True)

    hsm = Hsm(program, 2, "--authorised", "--decimalisation", "clear", "--m6-hex-length", "bytes")
    for part in (open_state, lambda h: pin_verification(h, TABLE), lambda h: macs(h, "bytes")):
        part(hsm)
    check("a table of few digits", hsm.ask(da(u_tpk, u_pvk, bytes(8), "0000FFFFFFFF", table="0000000000000000")), "DB25")
    check("a table with letters", hsm.ask(da(u_tpk, u_pvk, bytes(8), "0000FFFFFFFF", table="012345678901234A")), "DB25")
    hsm.stop()

    hsm = Hsm(program, 0, "--decimalisation", "stored", "--decimalisation-table", "9876543210987654",
              "--decimalisation-table", TABLE, "--working-key-kcv-bytes", "3", "--disable", "M6", "--pin-failures-max", "2")
    pin_verification_row = ref.ibm_offset(PVK, VALIDATION.replace("N", TWELVE[-5:]), TABLE, PIN, 4).ljust(12, "F")
    block = ref.tdes_encrypt(TPK, ref.block0(PIN, TWELVE))
    check("a stored table", hsm.ask(da(u_tpk, u_pvk, block, pin_verification_row, table="K0001")), "DB00")
    check("no such table", hsm.ask(da(u_tpk, u_pvk, block, pin_verification_row, table="K0002")), "DB25")
    check("BU with --working-key-kcv-bytes 3", hsm.ask("BU021" + u_tpk + ";000"), "BV17")
    check("a disabled command", hsm.ask("M600131003" + u_tak + "0001x"), "M768")
    check("the others go on", hsm.ask("NC")[:4], "ND00")
    hsm.stop()
    for flags in (["--authorised", "--lmk", "nowhere"], ["--decimalisation", "stored"], ["--listen", "nonsense"]):
        done = subprocess.run([program, *flags], capture_output=True, timeout=20, env={**os.environ, "NO_COLOR": "1"})
        check("a wrong flag is refused: " + " ".join(flags), (done.returncode, bool(done.stderr)), (2, True))
    print("FAILED" if failed() else "all answers are as documented and as calculated here")
    return 1 if failed() else 0


if __name__ == "__main__":
    sys.exit(main())
