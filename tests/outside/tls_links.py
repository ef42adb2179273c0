#!/usr/bin/env python3
"""Every link under TLS: terminals of both profiles, both issuers, the HSM, monitoring. Relays in the way keep what goes
over the wire: no field of a message is in it. Who has no certificate, another authority's, or one of a name that is
not expected, gets nothing; files that are read again (SIGHUP) leave links up; whose certificate was taken back gets nothing from then on;
what would leave the machine in clear does not start."""
import datetime
import itertools
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import stack
from terminal import Connection, Terminal, Unexpected

CARD_A, CARD_B = "6212345678900000003", "4000001234567890"
UNIONPAY, ISO = ("unionpay-pos", "10000401", "898110157220001"), ("iso87-ascii", "20000101", "898110157220002")
PROGRAM_TIMEOUT_S = 60
PIECE_BYTES = 65_536


def in_days(days):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)


class Authority:
    """Makes keys and certificates below a folder, by the openssl program."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        os.makedirs(folder, exist_ok=True)
        self.settings = os.path.join(folder, "openssl.cnf")
        with open(self.settings, "w", encoding="ascii") as f:
            f.write("[req]\ndistinguished_name = dn\n[dn]\n"
                    f"[ca]\ndefault_ca = lists\n[lists]\ndatabase = {self.path('taken-back', 'txt')}\ndefault_md = sha256\n")
        open(self.path("taken-back", "txt"), "w", encoding="ascii").close()
        self.make(name, "basicConstraints=critical,CA:TRUE")

    def path(self, name, ending="pem"):
        return os.path.join(self.folder, f"{name}.{ending}")

    def make(self, name, extension, *more):
        subprocess.run(["openssl", "req", "-x509", "-config", self.settings, "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "60", "-subj", f"/CN={name}", "-addext", extension,
                        "-keyout", self.path(name, "key"), "-out", self.path(name), *more],
                       check=True, capture_output=True, timeout=PROGRAM_TIMEOUT_S)

    def sign(self, name, days=60, also=None):
        """`also`: another name of it, as openssl writes it."""
        names = f"DNS:{name},{also}" if also else f"DNS:{name}"
        self.make(name, f"subjectAltName={names}", "-CA", self.path(self.name), "-CAkey", self.path(self.name, "key"),
                  "-days", str(days))
        return self.path(name), self.path(name, "key")


    def take_back(self, name):
        """On its list from when that is written next."""
        self.as_authority("-revoke", self.path(name))

    def write_list(self, until):
        """`until`: when another list has to be there."""
        self.as_authority("-gencrl", "-crl_nextupdate", until.strftime("%y%m%d%H%M%SZ"), "-out", self.path(self.name, "crl"))

    def as_authority(self, *words):
        subprocess.run(["openssl", "ca", "-config", self.settings, "-cert", self.path(self.name), "-keyfile", self.path(self.name, "key"),
                        *words], check=True, capture_output=True, timeout=PROGRAM_TIMEOUT_S)


class Relay:
    """Passes connections on, in clear or as a TLS server's front, and keeps what it heard of the near side's wire."""

    def __init__(self, to, tls=None):
        self.to, self.tls, self.heard, self.lock = to, tls, bytearray(), threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        try:
            if self.tls:
                near = self.tls.wrap_socket(near, server_side=True)
            far = socket.create_connection(self.to, timeout=PROGRAM_TIMEOUT_S)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        threading.Thread(target=self.pump, args=(far, near), daemon=True).start()
        self.pump(near, far)

    def pump(self, source, sink):
        try:
            while piece := source.recv(PIECE_BYTES):
                with self.lock:
                    self.heard += piece
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def has(self, *texts):
        """Which of the texts went over it, as characters or packed."""
        with self.lock:
            wire = bytes(self.heard)
        return [t for t in texts if t.encode() in wire or (len(t) % 2 == 0 and t.isdigit() and bytes.fromhex(t) in wire)]

    def close(self):
        self.listening.close()


class TlsTerminal(Terminal):
    """`tls`: how it shakes hands; None: in clear."""

    def __init__(self, who, address, tls):
        super().__init__(*who, address)
        self.tls = tls

    def connect(self, address=None):
        if address:
            self.address = address
        self.close()
        self.connection = Connection(self.address, self.unionpay, self.source)
        if self.tls:
            self.connection.socket = self.tls.wrap_socket(self.connection.socket, server_hostname="switch.test")


class TlsStack(stack.Stack):
    """The stack with issuer-sim behind fronts that speak TLS, hsm-sim over TLS, and wires that are listened to."""

    def __init__(self, args, authority):
        super().__init__(args)
        self.authority = authority
        self.fronts, self.wires, self.hsm = {}, {}, None
        for name in ("switch.test", "terminal.test", "monitor.test", "hsm.test", *self.issuer_names()):
            authority.sign(name)
        authority.write_list(in_days(5))

    def issuer_names(self):
        return [f"{name}.test" for name in stack.ISSUERS]

    def as_server(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.path(name), self.authority.path(name, "key"))
        context.load_verify_locations(self.authority.path("authority"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def as_client(self, name=None, authority=None):
        authority = authority or self.authority
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.authority.path("authority"))
        if name:
            context.load_cert_chain(authority.path(name), authority.path(name, "key"))
        return context

    def start_issuer(self, name):
        super().start_issuer(name)
        self.fronts[name] = Relay(self.issuer_addresses[name], self.as_server(f"{name}.test"))
        self.wires[name] = Relay(self.fronts[name].address)

    def start_hsm(self):
        self.hsm = stack.Program("hsm-sim", [
            self.program("hsm-sim"), "--listen", "127.0.0.1:0", "--lmk", "test", "--decimalisation", "clear", "--tls-cert",
            self.authority.path("hsm.test"), "--tls-key", self.authority.path("hsm.test", "key"), "--tls-client-ca",
            self.authority.path("authority")], self.path("hsm-sim.log"))
        self.wires["hsm"] = Relay(stack.address_of(self.hsm.ready))

    def write_config(self):
        if self.hsm is None:
            self.start_hsm()
        path = super().write_config()
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for name in stack.ISSUERS:
            real, wire = ("%s:%d" % a for a in (self.issuer_addresses[name], self.wires[name].address))
            text = text.replace(f'addresses = ["{real}"]', f'addresses = ["{wire}"]\ntls = "{name}"')
        text = re.sub(r"\[hsm\].*?\n\n", '[hsm]\nmode = "tcp"\naddresses = ["%s:%d"]\ntls = "hsm"\n\n'
                      % self.wires["hsm"].address, text, flags=re.S)
        text = text.replace("[listen]\n", '[listen]\nunionpay-pos-tls = "terminals"\niso87-ascii-tls = "terminals"\n'
                            'metrics-tls = "monitoring"\n')
        # TLS on the port is the protected channel that ECB needs.
        text = re.sub(r"^protected_channel = true.*\n", "", text, flags=re.M)
        # The unionpay-pos range that this test uses is one certificate's.
        text = re.sub(r'(\[\[terminals\]\]\nfirst = "10000001"\n)', r'\1certificate_names = ["terminal.test"]\n', text)
        text += self.profile("terminals", ["terminal.test", "till-9.test"])
        text += 'crl = "%s"\n' % os.path.relpath(self.authority.path("authority", "crl"), self.folder) + self.profile("monitoring", ["monitor.test"])
        for name in (*stack.ISSUERS, "hsm"):
            text += self.profile(name, [f"{name}.test"])
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def profile(self, name, names):
        files = [os.path.relpath(p, self.folder) for p in (
            self.authority.path("switch.test"), self.authority.path("switch.test", "key"), self.authority.path("authority"))]
        return ('\n[[tls]]\nname = "%s"\ncertificate = "%s"\nkey = "%s"\nauthority = "%s"\nnames = ["%s"]\n'
                % (name, *files, '", "'.join(names)))

    def metrics(self, path="/metrics", tls=None):
        host, port = stack.address_of(self.ready["metrics"])
        tls = tls or self.as_client("monitor.test")
        with socket.create_connection((host, port), timeout=10) as plain:
            with tls.wrap_socket(plain, server_hostname="switch.test") as s:
                s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                text = b""
                while piece := s.recv(PIECE_BYTES):
                    text += piece
        return text.decode()

    def counter(self, metric):
        return float(re.search(rf"^refund_switch_{metric} (\S+)$", self.metrics(), re.M).group(1))

    def value(self, metric, **labels):
        for line in self.metrics().splitlines():
            if line.startswith(f"refund_switch_{metric}{{") and all(f'{k}="{v}"' in line for k, v in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return None

    def __exit__(self, kind, value, trace):
        super().__exit__(kind, value, trace)
        if self.hsm and self.hsm.running():
            self.hsm.terminate()
        for relay in (*self.wires.values(), *self.fronts.values()):
            relay.close()


def plays(checks, running, terminal, card, what):
    """A sale and a part of it back."""
    asked = terminal.sale(card, 10000)
    sale = terminal.exchange(asked)
    checks.equal(sale.code, "00", f"{what}: sale")
    refund = terminal.exchange(terminal.refund(asked, sale, 4000))
    checks.equal(refund.code, "00", f"{what}: refund")
    checks.equal(running.refundctl("show", refund.rrn)[0], 0, f"{what}: show")
    return sale


def day_over_tls(checks, running):
    tls = running.as_client("terminal.test")
    wires = {}
    for who, card in ((UNIONPAY, CARD_A), (ISO, CARD_B)):
        wires[who[0]] = Relay(running.addresses[who[0]])
        terminal = TlsTerminal(who, wires[who[0]].address, tls)
        terminal.connect()
        if terminal.unionpay:
            checks.equal(terminal.sign_on().code, "00", f"{who[0]}: sign-on")
        sale = plays(checks, running, terminal, card, who[0])
        secrets = (card, who[1], who[2], sale.rrn)
        for name, wire in {**wires, **running.wires}.items():
            checks.that(len(wire.heard) > 0, f"{name}: something went over the wire")
            checks.equal(wire.has(*secrets), [], f"{name}: fields in clear on the wire")
        terminal.close()
        checks.that(running.fronts["issuer-a"].has("0200", "0220"), "behind the front it is in clear: the search finds things")
    for relay in wires.values():
        relay.close()
    checks.that(running.value("tls_handshakes_total", tls="terminals", side="port") >= 2, "handshakes are counted")
    checks.that(running.value("tls_expires_seconds", tls="issuer-a", side="link") > 0, "the end of certificates is told")


def is_refused(checks, running, what, tls):
    """Neither a sign-on nor anything else is answered."""
    terminal = TlsTerminal(UNIONPAY, running.addresses["unionpay-pos"], tls)
    answered = True
    try:
        terminal.connect()
        terminal.sign_on()
    except (OSError, Unexpected):
        answered = False
    checks.that(not answered, f"{what} is not served")
    terminal.close()


def strangers(checks, running):
    other = Authority(running.path("other"), "authority")
    other.sign("terminal.test")
    before = running.value("tls_failures_total", tls="terminals", side="port")
    is_refused(checks, running, "a terminal in clear", None)
    is_refused(checks, running, "one without a certificate", running.as_client())
    is_refused(checks, running, "one of another authority", running.as_client("terminal.test", other))
    is_refused(checks, running, "one of another name", running.as_client("monitor.test"))
    checks.that(running.value("tls_failures_total", tls="terminals", side="port") >= before + 4, "failures are counted")
    try:
        page = running.metrics(tls=running.as_client("terminal.test"))
    except OSError:
        page = ""
    checks.equal(page, "", "a terminal's certificate does not open monitoring")


def certificates_of_terminals(checks, running):
    """A range that names certificates: its own speaks for it, another one of the fleet does not, whatever it knows."""
    running.authority.sign("till-9.test")
    own = TlsTerminal(UNIONPAY, running.addresses["unionpay-pos"], running.as_client("terminal.test"))
    own.connect()
    checks.equal(own.sign_on().code, "00", "the certificate that its range names: sign-on")
    sale = plays(checks, running, own, CARD_A, "the certificate that its range names")
    before, alarms = running.counter("terminal_links_wrong_certificate_total"), len(running.log_lines(event="certificate_of_another"))
    other = TlsTerminal(UNIONPAY, running.addresses["unionpay-pos"], running.as_client("till-9.test"))
    other.connect()
    other.key, other.pik, other.batch = own.key, own.pik, own.batch  # as if it had them all
    answered = True
    try:
        other.exchange(other.sale(CARD_A, 10000))
    except (OSError, Unexpected):
        answered = False
    checks.that(not answered, "a message for that terminal over another one's certificate gets no answer")
    said = stack.wait_until("an alarm says so", lambda: running.log_lines(event="certificate_of_another")[alarms:])
    checks.equal((said[0]["severity"], said[0]["terminal"]), ("alarm", UNIONPAY[1]), "the alarm names the terminal")
    checks.equal(running.counter("terminal_links_wrong_certificate_total"), before + 1, "and it is counted")
    # For a range that names nobody the same certificate is good.
    # Another terminal than the day's: within the same second the same number and trace would be the same sale.
    iso = TlsTerminal((ISO[0], "20000102", ISO[2]), running.addresses["iso87-ascii"], running.as_client("till-9.test"))
    iso.connect()
    plays(checks, running, iso, CARD_B, "a range that names nobody")
    checks.that(sale.rrn, "the sale stands")
    for terminal in (own, other, iso):
        terminal.close()


def taken_back(checks, running):
    """A terminal's certificate that its authority took back opens nothing any more; a list that has ended opens nothing to anybody."""
    def read_again(what, until):
        running.authority.write_list(until)
        running.switch.process.send_signal(signal.SIGHUP)
        stack.wait_until(what, lambda: running.value("tls_crl_expires_seconds", tls="terminals", side="port") == int(until.timestamp()))

    tills = itertools.count(20000110)

    def sells(name):
        """What a sale over a connection with that certificate is answered; None: nothing."""
        terminal = TlsTerminal((ISO[0], str(next(tills)), ISO[2]), running.addresses["iso87-ascii"], running.as_client(name))
        try:
            terminal.connect()
            return terminal.exchange(terminal.sale(CARD_B, 10000)).code
        except (OSError, Unexpected):
            return None
        finally:
            terminal.close()

    checks.equal(sells("till-9.test"), "00", "a till sells")
    running.authority.take_back("till-9.test")
    read_again("its certificate is on the list", in_days(6))
    checks.equal(sells("till-9.test"), None, "a till whose certificate was taken back")
    checks.equal(sells("terminal.test"), "00", "the others sell")
    checks.equal(running.log_lines(event="tls_crl_ends"), [], "a list that is new is nothing to say")
    read_again("a list that has ended is read", in_days(-1))
    said = stack.wait_until("an alarm says so", lambda: running.log_lines(event="tls_crl_ends"))
    checks.equal(said[0]["severity"], "alarm", "a list that has ended is an alarm")
    checks.that("[[tls]] terminals: a list of revoked certificates ended" in said[0]["detail"], f"and names whose: {said[0]['detail']}")
    checks.equal(sells("terminal.test"), None, "anybody, when the list has ended")
    read_again("a new list is read", in_days(7))
    checks.equal(sells("terminal.test"), "00", "with a new list they sell")
    os.replace(running.authority.path("authority", "crl"), running.authority.path("kept", "crl"))
    before = len(running.log_lines(event="tls_files_rejected"))
    running.switch.process.send_signal(signal.SIGHUP)
    stack.wait_until("a list that is gone is an alarm", lambda: len(running.log_lines(event="tls_files_rejected")) > before)
    checks.equal((sells("till-9.test"), sells("terminal.test")), (None, "00"), "and the list from before goes on")
    os.replace(running.authority.path("kept", "crl"), running.authority.path("authority", "crl"))


def files_read_again(checks, running):
    terminal = TlsTerminal(UNIONPAY, running.addresses["unionpay-pos"], running.as_client("terminal.test"))
    terminal.connect()
    terminal.sign_on()
    soon = len(running.log_lines(event="tls_certificate_ends"))
    running.authority.sign("switch.test", days=5)
    running.switch.process.send_signal(signal.SIGHUP)
    stack.wait_until("the files are read again", lambda: len(running.log_lines(event="tls_certificate_ends")) > soon)
    plays(checks, running, terminal, CARD_A, "a link that was up")
    later = TlsTerminal(UNIONPAY, running.addresses["unionpay-pos"], running.as_client("terminal.test"))
    later.connect()
    certificate = later.connection.socket.getpeercert()
    with open(running.authority.path("switch.test"), "rb") as f:
        on_disk = ssl.PEM_cert_to_DER_cert(f.read().decode())
    checks.equal(later.connection.socket.getpeercert(binary_form=True), on_disk, f"a new link gets the new one: {certificate}")
    later.close()
    with open(running.authority.path("switch.test", "key"), "w", encoding="ascii") as f:
        f.write("torn\n")
    rejected = len(running.log_lines(event="tls_files_rejected"))
    running.switch.process.send_signal(signal.SIGHUP)
    stack.wait_until("what cannot be read is an alarm", lambda: len(running.log_lines(event="tls_files_rejected")) > rejected)
    later.connect()
    checks.equal(later.connection.socket.getpeercert(binary_form=True), on_disk, "and changes nothing")
    later.close()
    terminal.close()


def does_not_start(checks, running):
    """--check says why, by key."""
    with open(running.path("switch.toml"), encoding="utf-8") as f:
        good = f.read()

    def says(what, words, pattern, replacement):
        text, count = re.subn(pattern, replacement, good, count=1, flags=re.M)
        checks.equal(count, 1, f"{what}: the configuration has the line")
        path = running.path("wrong.toml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        run = subprocess.run([running.program("refund-switch"), "--config", path, "--check"], capture_output=True,
                             text=True, timeout=PROGRAM_TIMEOUT_S)
        checks.equal(run.returncode, 1, f"{what}: refused")
        checks.that(words in run.stdout + run.stderr, f"{what}: {words!r} is said: {run.stdout}{run.stderr}")

    open_port = 'unionpay-pos = "0.0.0.0:0"'
    says("a port in clear beyond loopback", "0.0.0.0:0 is not on loopback: it needs tls, or protected_channel = true",
         r'^unionpay-pos-tls = "terminals"\n((?:.*\n)*?)unionpay-pos = .*$', r"\1" + open_port)
    says("a link in clear beyond loopback", "10.1.0.5:8601 is not on loopback", r'^addresses = \[.*\]\ntls = "issuer-a"$',
         'addresses = ["10.1.0.5:8601"]')
    says("a name that nobody has", "no [[tls]] is called nobody", r'^metrics-tls = .*$', 'metrics-tls = "nobody"')
    says("a [[tls]] that nobody uses", "is used by no port and no link", r'^tls = "hsm"\n', "")
    says("certificates of terminals without TLS", "certificate_names: needs listen.unionpay-pos-tls to name a [[tls]] with",
         r'^unionpay-pos-tls = "terminals"$', "")
    says("a link that would trust anybody", "needs authority and names", r'^names = \["issuer-a.test"\]\n', "")
    says("lists that nobody signs", "crl needs the authority", r'^(\[\[tls\]\]\nname = "monitoring"\n(?:.*\n)*?)authority = .*\nnames = .*$',
         r'\1crl = "authority.crl"')


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with tempfile.TemporaryDirectory(prefix="refund-switch-tls-") as folder:
        authority = Authority(folder, "authority")
        with TlsStack(args, authority) as running:
            day_over_tls(checks, running)
            strangers(checks, running)
            certificates_of_terminals(checks, running)
            does_not_start(checks, running)
            taken_back(checks, running)
            files_read_again(checks, running)
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
