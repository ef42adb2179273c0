#!/usr/bin/env python3
"""Between switch and PostgreSQL: TLS with tls_ca, where the server's certificate has to be signed by that authority and to
name the server (verify-full). A server in clear, of another authority, or under another name is not worked with; a switch and its
standby work over it, and nothing of them goes in clear."""
import os
import pathlib
import shutil
import subprocess
import sys

import ledger_on_postgres
import stack
import two_nodes
from terminal import Terminal
from tls_links import Authority

CARD = "6212345678900000003"


def serve_tls(nodes, authority, name, only):
    """All servers show this certificate; `only`: the switch is let in over TLS alone."""
    certificate, key = authority.sign(name)
    for node in range(len(nodes.ports)):
        for source, target in ((certificate, "server.crt"), (key, "server.key")):
            path = nodes.data(node) / target
            shutil.copyfile(source, path)
            path.chmod(0o600)
            if os.geteuid() == 0:
                shutil.chown(path, "postgres", "postgres")
        hba = nodes.data(node) / "pg_hba.conf"
        text = hba.read_text().replace("hostssl all switch", "host all switch")
        hba.write_text(text.replace("host all switch", "hostssl all switch") if only else text)
        nodes.sql(node, "alter system set ssl = on", database="postgres")
        nodes.sql(node, "select pg_reload_conf()", database="postgres")


def with_tls(options, ca, host):
    """The same servers by another name, and who signs their certificates."""
    pattern, section = options[0]
    return ((pattern, section.replace("127.0.0.1:", f"{host}:") + (f'tls_ca = "{ca}"\n' if ca else "")),)


def status(args, running, options):
    running.options = options
    return ledger_on_postgres.cluster(args, running.write_config(), "status")


def in_clear_is_in_clear(checks, args, running, nodes, options):
    """Without tls_ca nothing is spoken that only looks safe: no TLS whose server nobody verifies, though it offers it."""
    running.options = options
    running.start_switch()
    spoken = nodes.sql(nodes.written, "select count(*), count(*) filter (where s.ssl or g.encrypted) from pg_stat_activity a join "
                       "pg_stat_ssl s using (pid) join pg_stat_gssapi g using (pid) where a.usename = 'switch'")
    all_of, encrypted = map(int, spoken.split("|"))
    checks.that(all_of >= 1 and encrypted == 0, f"connections on loopback without tls_ca, and those over TLS: {spoken}")
    checks.equal(running.switch.terminate(), 0, "it ends as asked")


def another_machine(checks, args, running, options):
    """What is not on loopback needs tls_ca, or that somebody says that the way is protected. 192.0.2.1 is nobody's."""
    far = with_tls(options, None, "192.0.2.1")
    code, said = status(args, running, far)
    checks.that(code == 1 and "192.0.2.1" in said and "tls_ca is needed, or protected_channel = true" in said,
                f"another machine in clear: {code} {said}")
    pattern, section = far[0]
    code, said = status(args, running, ((pattern, section + "protected_channel = true\nconnect_ms = 200\n"),))
    checks.that(code == 1 and "no server of PostgreSQL can be written" in said, f"where the way is protected: {code} {said}")
    report = ["--hosts", "192.0.2.1:5432", "--user", "report", "--password-file", str(running.path("none"))]
    done = subprocess.run([running.program("refund-switch"), "--config", running.write_config(), "--data", running.path("export"),
                           "export", "postgres", *report], capture_output=True, text=True, timeout=60)
    checks.that(done.returncode != 0 and "192.0.2.1" in done.stderr, f"an export in clear: {done.returncode} {done.stderr}")


def main():
    args = stack.arguments(__doc__)
    checks = stack.Checks()
    with ledger_on_postgres.servers(args) as (nodes, options):
        folder = pathlib.Path(nodes.dir) / "tls"
        ours, theirs = Authority(folder / "ours", "our-authority"), Authority(folder / "theirs", "their-authority")
        ca = ours.path("our-authority")
        secured = with_tls(options, ca, "localhost")
        with stack.Stack(args, options) as plain:
            checks.equal(plain.switch.terminate(), 0, "a switch in clear on loopback, for a start")
            code, said = status(args, plain, secured)
            checks.that(code == 1 and "does not support SSL" in said, f"servers in clear: {said}")
            serve_tls(nodes, ours, "localhost", only=False)
            stack.wait_until("the servers speak TLS", lambda: nodes.sql(0, "show ssl", "postgres") == "on")
            in_clear_is_in_clear(checks, args, plain, nodes, options)
            another_machine(checks, args, plain, options)
            serve_tls(nodes, theirs, "localhost", only=True)
            stack.wait_until("the other certificate is shown", lambda: "verify failed" in status(args, plain, secured)[1])
            code, said = status(args, plain, secured)
            checks.that(code == 1 and "certificate verify failed" in said, f"of another authority: {said}")
            serve_tls(nodes, ours, "another.example", only=True)
            stack.wait_until("the other certificate is shown", lambda: "another.example" in status(args, plain, secured)[1])
            code, said = status(args, plain, secured)
            checks.that(code == 1 and "does not match host name" in said, f"under another name: {said}")
            serve_tls(nodes, ours, "localhost", only=True)
            stack.wait_until("the right certificate is shown", lambda: status(args, plain, secured)[0] == 0)
            code, said = status(args, plain, with_tls(options, plain.path("nothing.pem"), "localhost"))
            checks.that(code == 1 and "nothing.pem" in said, f"tls_ca is no file: {said}")
        with two_nodes.TwoNodes(args, secured, checks) as running:
            terminal = Terminal("unionpay-pos", "10000201", "898110157220001", running.addresses["unionpay-pos"])
            terminal.connect()
            terminal.sign_on()
            message = terminal.sale(CARD, 1000)
            sold = terminal.exchange(message)
            checks.equal(sold.code, "00", "a sale over TLS")
            spoken = nodes.sql(nodes.written, "select count(*), count(*) filter (where s.ssl) from pg_stat_activity a join "
                               "pg_stat_ssl s using (pid) where a.usename = 'switch'")
            all_of, over_tls = spoken.split("|")
            checks.that(int(all_of) >= 2 and all_of == over_tls, f"connections of owner and standby, and those over TLS: {spoken}")
            running.kill_switch()
            running.start_switch()
            terminal.connect(running.addresses["unionpay-pos"])
            again = terminal.exchange(message)
            checks.equal((again.code, again.rrn), ("00", sold.rrn), "after a takeover over TLS")
            running.end_standby()
            checks.equal(running.switch.terminate(), 0, "the switch ends as asked")
    return checks.report()


if __name__ == "__main__":
    sys.exit(main())
