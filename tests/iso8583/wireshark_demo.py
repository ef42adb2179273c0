#!/usr/bin/env python3
"""The demo on the wire, read by Wireshark's own iso8583 dissector.

Captures loopback while demo-terminals plays its scenes, then has tshark decode what went over each link whose frames
that dissector knows: the terminals of iso87-ascii, issuer-a (iso87-ascii) and issuer-b (iso87-bcd). No message may
have a malformed field, and each field must read as `iso8583 describe --json` reads it. What that dissector cannot read
is told apart: the TPDU of unionpay-pos (that link is left out), a DE52 of 16 bytes, a PIN block of ISO 9564-1 format
4, where the standard of 1987 has 8, and the fields of NARROWER.

Installs tshark through scripts/install-packages when it is missing. Exit code 77: it cannot be installed, or this
user may not capture.
"""
import argparse
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77
ASCII = ("Digits represented as ASCII Characters", "Bin data represented as Hex Ascii characters")
PACKED = ("Digits represented in nibbles", "Bin data not encoded")
# What the demo plays on each link at the least; fewer means that the capture is not the demo's.
LINKS = (
    ("terminals.iso87-ascii", ASCII, "iso87-ascii",
     {"0200", "0210", "0400", "0410", "0500", "0510", "0800", "0810"}),
    ("issuer-a", ASCII, "iso87-ascii", {"0200", "0210", "0220", "0230", "0420", "0430", "0800", "0810"}),
    # With a DE52 as wide as PIN blocks of format 4 are.
    ("issuer-b", PACKED, "iso87-bcd-pin16", {"0200", "0210", "0420", "0430", "0800", "0810"}),
)
# Wireshark takes fewer characters for these than docs/wire.md (n16, and 16 bytes in iso87-bcd-pin16), in silence: it
# has the front of their content, and whatever follows is out of step for it.
NARROWER = {(ASCII, 53): 8, (ASCII, 86): 15, (PACKED, 52): 16}
# Bytes that are not hex characters are printed with a stray one behind them; they are compared as bytes.
BYTES = (52, 64, 128)


def skip(why):
    print("SKIPPED:", why)
    sys.exit(SKIPPED)


def install_tshark():
    if shutil.which("tshark") and shutil.which("dumpcap"):
        return
    subprocess.run([os.path.join(ROOT, "scripts/install-packages")], check=False)
    if not shutil.which("tshark") or not shutil.which("dumpcap"):
        skip("tshark cannot be installed")


def await_end_of_capture(file):
    """Packets come from the kernel in blocks; the last are in the file once a later one of ours is."""
    marker = os.urandom(16)
    deadline = time.monotonic() + 30
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as line:
        while time.monotonic() < deadline:
            line.sendall(marker)
            select.select([], [], [], 0.05)
            with open(file, "rb") as capture:
                capture.seek(max(0, os.path.getsize(file) - 65536))
                if marker in capture.read():
                    return
    sys.exit("the capture does not reach its end")


def capture_demo(options, config, file):
    """Plays the demo under a capture of loopback; returns what it printed."""
    part = [] if options.whole else ["--profile", "iso87-ascii"]
    dumpcap = subprocess.Popen(["dumpcap", "-i", "lo", "-f", "tcp", "-w", file],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    # "File: NAME" says that the capture is open; an end without it, that it may not be.
    for line in dumpcap.stderr:
        said.append(line)
        if line.startswith("File:"):
            break
    else:
        dumpcap.wait()
        skip("dumpcap may not capture here: " + " ".join("".join(said).split()))
    try:
        played = subprocess.run([os.path.join(options.bin, "demo-terminals"), "--bin", options.bin, "--config", config,
                                 "--free-ports", *part], capture_output=True, text=True, timeout=240)
        await_end_of_capture(file)
    finally:
        dumpcap.send_signal(signal.SIGINT)
        dumpcap.stderr.read()
        dumpcap.wait(timeout=30)
    if played.returncode != 0:
        sys.exit("the demo ended with %d:\n%s%s" % (played.returncode, played.stdout[-4000:], played.stderr))
    return played.stdout


def ports_of(link, printed):
    """The ports a link listened on; the switch starts again in the middle of the demo, on others."""
    pattern = r"^%s: ready issuer=127\.0\.0\.1:(\d+)" if link.startswith("issuer") else r" %s=127\.0\.0\.1:(\d+)"
    return sorted(set(re.findall(pattern % re.escape(link), printed, re.MULTILINE)))


def tshark(file, port, form, *output):
    charset, binary = form
    run = subprocess.run(["tshark", "-r", file, *output, "-d", "tcp.port==%s,iso8583" % port,
                          "-Y", "iso8583 && tcp.port==%s" % port, "-o", "iso8583.len_endian:Big endian",
                          "-o", "iso8583.charset:" + charset, "-o", "iso8583.binencode:" + binary],
                         capture_output=True, text=True, errors="replace", timeout=120)
    if run.returncode != 0:
        sys.exit("tshark ended with %d: %s" % (run.returncode, run.stderr))
    return run.stdout


def dissect(file, port, form):
    # Several messages may share a packet; each begins with this line.
    return re.split(r"^(?=ISO 8583)", tshark(file, port, form, "-V"), flags=re.MULTILINE)[1:]


def readings(file, port, form):
    """(the message's bytes, MTI, number → content as Wireshark has it) of each message; content is text."""
    for packet in json.loads(tshark(file, port, form, "-T", "json", "-x", "-j", "iso8583", "--no-duplicate-keys")):
        layers = packet["_source"]["layers"]
        trees, raw = layers["iso8583"], layers["iso8583_raw"]
        for tree, (octets, *_) in zip(trees, raw) if isinstance(trees, list) else [(trees, raw)]:
            fields = {}
            for name, text in tree.items():
                number = re.fullmatch(r"iso8583\.bit(\d+)", name)
                if number:
                    as_bytes = form is PACKED and int(number[1]) in BYTES
                    fields[int(number[1])] = tree[name + "_raw"][0].upper() if as_bytes else text
            yield bytes.fromhex(octets)[2:], tree["iso8583.mti"], fields


def describe(options, dialect, message):
    command = [os.path.join(options.bin, "iso8583"), "describe", "--json", "--strict", "--reveal", "--dialect", dialect]
    run = subprocess.run([*command, "-"], input=message.hex(), capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        sys.exit("iso8583 describe --dialect %s refuses what the demo sent: %s" % (dialect, run.stderr))
    ours = json.loads(run.stdout)
    return ours["mti"], {int(number): content for number, content in ours["fields"].items()}


def differences(form, theirs, ours):
    """What the two readings (MTI, fields) of a message do not agree on, and on how many fields they agree."""
    (their_mti, their_fields), (our_mti, our_fields) = theirs, ours
    cut = [n for n, content in our_fields.items() if len(content) > NARROWER.get((form, n), len(content))]
    last = min(cut, default=128)
    found, same = [], 0
    if their_mti != our_mti:
        found.append("MTI %s, we read %s" % (their_mti, our_mti))
    for number in sorted(n for n in set(their_fields) | set(our_fields) if n <= last):
        wanted, seen = our_fields.get(number), their_fields.get(number)
        if number == last and wanted and number in cut:
            wanted = wanted[:NARROWER[form, number]]
        if seen == wanted:
            same += 1
        else:
            found.append("%s, DE%d is %r, we read %r" % (our_mti, number, seen, wanted))
    return found, same


def compare(options, link, form, dialect, printed, file):
    """Wireshark's reading of each message beside that of `iso8583 describe`, field by field."""
    messages, agreed, numbers, faults = 0, 0, set(), []
    for port in ports_of(link, printed):
        for message, mti, fields in readings(file, port, form):
            found, same = differences(form, (mti, fields), describe(options, dialect, message))
            messages, agreed = messages + 1, agreed + same
            numbers.update(fields)
            faults += found
    print("%-22s %3d messages, %d fields (%d different ones) read alike by Wireshark and iso8583 describe" % (
        link, messages, agreed, len(numbers)))
    for fault in faults:
        print("%s: %s" % (link, fault))
    return messages, not faults and agreed > 5 * messages > 0


def check(link, form, wanted, printed, file):
    seen, clean, long_pin_blocks, faults = set(), 0, 0, []
    for port in ports_of(link, printed):
        for message in dissect(file, port, form):
            mti = re.search(r"^    MTI: (\d{4})$", message, re.MULTILINE)
            seen.add(mti.group(1) if mti else "none")
            if "alformed" not in message and "MALFORMED" not in message:
                clean += 1
            elif form is PACKED and re.search(r"^    Bit 52: ", message, re.MULTILINE):
                long_pin_blocks += 1
            else:
                faults.append(re.split(r"^Frame ", message, flags=re.MULTILINE)[0])
    print("%-22s %3d messages decoded without a malformed field%s" % (
        link, clean, ", %d more with a PIN block of format 4" % long_pin_blocks if long_pin_blocks else ""))
    for fault in faults:
        print("%s: malformed:\n%s" % (link, fault))
    for mti in sorted(wanted - seen):
        print("%s: no %s was seen" % (link, mti))
    return clean + long_pin_blocks + len(faults), not faults and wanted <= seen and clean > long_pin_blocks


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="folder of the built programs")
    parser.add_argument("--whole", action="store_true",
                        help="the demo's terminals of both profiles, not of iso87-ascii alone")
    options = parser.parse_args()
    install_tshark()
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "demo.pcapng")
        printed = capture_demo(options, os.path.join(ROOT, "switch/config"), file)
        good = True
        for link, form, dialect, wanted in LINKS:
            decoded, clean = check(link, form, wanted, printed, file)
            compared, alike = compare(options, link, form, dialect, printed, file)
            if decoded != compared:
                print("%s: %d messages were decoded, %d compared" % (link, decoded, compared))
            good = good and clean and alike and decoded == compared
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
