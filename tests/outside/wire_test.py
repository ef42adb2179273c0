"""The outside programs' own codec and ciphers, against published values and wire.md's check value."""
import unittest

import des
import wire

TMK = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
MAK = bytes.fromhex("C24A8FB57AA20123")
# wire.md's message, MTI to the last field before DE64.
MESSAGE = bytes.fromhex(
    "0200302004C020C0981100000000000000005100183402100006324392260009942820D1312101120084393136363838303134303030303030"
    "303030303030303030313536ACF46E73838A82F92600000000000000000822000001")


class CipherTest(unittest.TestCase):
    def test_des_of_the_classic_example(self):
        key, clear = bytes.fromhex("133457799BBCDFF1"), bytes.fromhex("0123456789ABCDEF")
        self.assertEqual(des.encrypt_block(key, clear).hex(), "85e813540f0ab405")
        self.assertEqual(des.decrypt_block(key, bytes.fromhex("85e813540f0ab405")), clear)

    def test_unionpay_mac_of_the_check_value(self):
        self.assertEqual(des.decrypt_ecb(TMK, bytes.fromhex("96D605EA176B7E9E")), MAK)
        self.assertEqual(des.unionpay_mac(MAK, MESSAGE), b"72489CAC")

    def test_retail_mac(self):  # ISO 9797-1:1999 annex B
        key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
        self.assertEqual(des.retail_mac(key, b"Now is the time for all ").hex().upper(), "A1C72E74EA3FA9B6")
        self.assertEqual(des.retail_mac(key, b"Now is the time for it").hex().upper(), "2E2B1428CC78254F")

    def test_cmac(self):  # NIST SP 800-38B, D.1, example 2
        key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
        message = bytes.fromhex("6BC1BEE22E409F96E93D7E117393172A")
        self.assertEqual(wire.aes_cmac(key, message).hex().upper(), "070A16B46B4D4144")

    def test_pin_block(self):  # ANSI X9.24-1:2009 A.4
        self.assertEqual(wire.pin_block_format_0("1234", "4012345678909").hex().upper(), "041274EDCBA9876F")


class CodecTest(unittest.TestCase):
    FIELDS = {2: "6212345678900000003", 3: "000000", 4: "000000010000", 11: "000001", 22: "021", 23: "001", 25: "00",
              35: "6212345678900000003=49121010000", 37: "632600000001", 41: "10000001", 42: "898110157220001",
              49: "156", 55: bytes.fromhex("9F02060000")}

    def test_round_trips_and_spoiled_macs(self):
        unionpay, iso = {60: "22000001", 62: bytes(40)}, {7: "1121214752"}
        for name, mac, more in (("unionpay-pos", None, unionpay), ("unionpay-pos", "retail", unionpay),
                                ("unionpay-pos", "cmac", unionpay), ("iso87-ascii", None, iso),
                                ("iso87-ascii", "cmac", iso), ("iso87-ascii", None, {**iso, 90: "0" * 42})):
            profile, key = wire.Profile(name, mac), bytes(range(16))
            fields = {**self.FIELDS, **more}
            body = profile.encode("0200", fields, key)
            mti, decoded, mac = profile.decode(body, key)
            decoded.pop(profile.mac_field(fields))
            self.assertEqual((mti, decoded, mac), ("0200", fields, "right"))
            self.assertEqual(profile.decode(body, bytes(16))[2], "wrong")
            for cut in range(len(body)):
                with self.assertRaises((wire.WireError, ValueError)):
                    profile.decode(body[:cut], key)

    def test_the_check_message_decodes(self):
        _, fields, mac = wire.Profile("unionpay-pos").decode(MESSAGE + b"72489CAC", MAK)
        self.assertEqual(mac, "right")
        self.assertEqual((fields[11], fields[22], fields[25], fields[60]), ("001834", "021", "00", "22000001"))
        self.assertEqual(fields[53], "2600000000000000")

    def test_frames(self):
        framed = wire.frame(b"body", True)
        self.assertEqual(framed[:2], b"\x00\x0f")
        swapped = bytes.fromhex("6000000003") + wire.HEADER + b"body"
        self.assertEqual(wire.unframe(swapped, True), b"body")
        with self.assertRaises(wire.WireError):
            wire.unframe(framed[2:], True)  # not swapped


if __name__ == "__main__":
    unittest.main()
