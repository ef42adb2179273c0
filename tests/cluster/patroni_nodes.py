"""PostgreSQL under Patroni and etcd, as docs/cluster.md says, without systemd: three of each, which listen on loopback (or on
machines of their own, split_network.py) on ports that are free, in a directory of their own. Everything is ended by process id,
also what was frozen."""
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

import postgres_nodes
from postgres_nodes import BIN, PASSWORD, SEARCHED, free_port

PROGRAMS = ("etcd", "patroni")
COUNT = 3
START_SECONDS = 120
ASK_SECONDS = 2
STOP_SECONDS = 10
# ttl, loop_wait and retry_timeout are Patroni's smallest that hold; strict: never a leader without a synchronous standby.
DCS = """    ttl: 20
    loop_wait: 2
    retry_timeout: 3
    master_start_timeout: 0
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters:
        wal_log_hints: 'on'
        wal_sender_timeout: 3s
        wal_receiver_timeout: 3s
        max_connections: 40
"""
# What is tried here is the death of processes, not of the power: nothing has to reach the disk.
LOCAL = {"shared_buffers": "32MB", "fsync": "off", "min_wal_size": "32MB", "max_wal_size": "256MB", "jit": "off",
         "wal_compression": "lz4", "default_toast_compression": "lz4", "dynamic_shared_memory_type": "mmap", "unix_socket_directories": "''"}


def started(command, log, **popen):
    """A process of its own group: a Ctrl-C at the terminal is ours alone to answer."""
    with open(log, "ab") as out:
        return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True, **popen)


def ended(process, number=signal.SIGKILL):
    if process is None:
        return
    for one in (signal.SIGCONT, number):
        try:
            os.killpg(process.pid, one)
        except ProcessLookupError:
            pass
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)


def wait_for(what, probe, seconds=START_SECONDS):
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"not within {seconds} s: {what}")
        time.sleep(0.2)


class PatroniNodes(postgres_nodes.OnLoopback):
    """Nodes are numbers from 0; `ports` are PostgreSQL's."""

    def __init__(self, authority=None):
        """`authority`: makes who signs certificates in a folder (tls_links.Authority); all of them speak TLS then, and nothing
        else."""
        self.dir = postgres_nodes.own_directory("refund-patroni-")
        self.tls = authority and self.certificates(authority(self.dir / "tls", "cluster-authority"))
        self.ports = [free_port() for _ in range(COUNT)]
        self.rest = [free_port() for _ in range(COUNT)]
        self.etcd_ports = [(free_port(), free_port()) for _ in range(COUNT)]
        self.etcd, self.patroni = [], [None] * COUNT
        try:
            self.start_etcd()
            self.run(0)  # alone at first: the others copy what it has made
            wait_for("a leader", lambda: self.leader() == 0)
            for node in range(1, COUNT):
                self.run(node)
            self.wait_whole()
            self.sql(f"create role switch login password '{PASSWORD}'", "postgres")
            self.sql("create database refund owner switch", "postgres")
        except BaseException:
            self.stop()
            raise

    def data(self, node):
        return self.dir / f"p{node}"

    @staticmethod
    def certificates(authority):
        """One for all, since all are on loopback: (authority, certificate, key)."""
        certificate, key = authority.sign("localhost", also="IP:127.0.0.1")
        if os.geteuid() == 0:
            shutil.chown(key, "postgres", "postgres")
        return authority.path(authority.name), certificate, key

    def start_etcd(self):
        scheme = "https" if self.tls else "http"
        urls = [(f"{scheme}://{self.host(node)}:{client}", f"{scheme}://{self.host(node)}:{peer}")
                for node, (client, peer) in enumerate(self.etcd_ports)]
        flags, said = [], {}
        if self.tls:
            for prefix in ("", "peer-"):
                for flag, path in zip(("trusted-ca-file", "cert-file", "key-file"), self.tls):
                    flags += [f"--{prefix}{flag}", path]
                flags.append(f"--{prefix}client-cert-auth")
            said = dict(zip(("ETCDCTL_CACERT", "ETCDCTL_CERT", "ETCDCTL_KEY"), self.tls))
        all_of = ",".join(f"e{i}={peer}" for i, (_, peer) in enumerate(urls))
        for i, (client, peer) in enumerate(urls):
            self.etcd.append(started(
                [*self.inside(i), "etcd", "--name", f"e{i}", "--data-dir", self.dir / f"e{i}", "--listen-client-urls", client,
                 "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", all_of, "--initial-cluster-state", "new", "--enable-v2", *flags], self.dir / f"e{i}.log"))

        def answers():
            done = subprocess.run(["etcdctl", "--endpoints", urls[0][0], "endpoint", "health"], capture_output=True,
                                  env={**os.environ, "ETCDCTL_API": "3", **said})
            return done.returncode == 0
        wait_for("etcd", answers)

    def write(self, node):
        """`etcd`, not `etcd3`: by the latter Patroni 3.0.2 writes a leader's name over another's without comparing
        (docs/decisions/0068)."""
        etcds = ",".join(f"{self.host(other)}:{client}" for other, (client, _) in enumerate(self.etcd_ports))
        host, hba, etcd_tls, login, server_tls = self.host(node), "host", "", "", ""
        if self.tls:
            ca, certificate, key = self.tls
            hba = "hostssl"
            etcd_tls = f"  protocol: https\n  cacert: {ca}\n  cert: {certificate}\n  key: {key}\n"
            login = f", sslmode: verify-full, sslrootcert: {ca}"
            server_tls = f"    ssl: 'on'\n    ssl_ca_file: {ca}\n    ssl_cert_file: {certificate}\n    ssl_key_file: {key}\n"
        local = "".join(f"    {name}: {value if value[0] == chr(39) else repr(value)}\n" for name, value in LOCAL.items())
        path = self.dir / f"p{node}.yml"
        path.write_text(f"""scope: refund
name: p{node}
restapi:
  listen: {host}:{self.rest[node]}
  connect_address: {host}:{self.rest[node]}
etcd:
  hosts: {etcds}
{etcd_tls}bootstrap:
  dcs:
{DCS}  initdb:
    - encoding: UTF8
    - no-locale
    - data-checksums
    - no-sync
postgresql:
  listen: '{self.LISTEN}:{self.ports[node]}'
  connect_address: {host}:{self.ports[node]}
  data_dir: {self.data(node)}
  bin_dir: {BIN}
  pgpass: {self.data(node)}.pgpass
  authentication:
    superuser: {{username: postgres, password: {PASSWORD}{login}}}
    replication: {{username: replicator, password: {PASSWORD}{login}}}
    rewind: {{username: rewinder, password: {PASSWORD}{login}}}
  pg_hba:
    - {hba} all switch {self.PEERS} scram-sha-256
    - {hba} replication replicator {self.PEERS} scram-sha-256
    - {hba} all all {self.PEERS} trust
  parameters:
{local}{server_tls}""")
        return path

    def run(self, node):
        """Patroni of the node, which starts and supervises its PostgreSQL."""
        config, words, user = self.write(node), [*self.inside(node)], {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.dir, "postgres", "postgres")
            postgres = pwd.getpwnam("postgres")
            user = {"env": {**os.environ, "HOME": postgres.pw_dir}}  # libpq looks for certificates there
            if words:  # only root may enter the machine
                words += ["--setuid", postgres.pw_uid, "--setgid", postgres.pw_gid]
            else:
                user.update(user="postgres", group="postgres", extra_groups=[])
        self.patroni[node] = started([*words, "patroni", config], self.dir / f"patroni{node}.log", cwd="/", **user)

    # What Patroni says

    def ask(self, node, path, body=None):
        """(status, text) of a node's REST API; (0, "") when it does not answer."""
        request = urllib.request.Request(f"http://{self.host(node)}:{self.rest[node]}{path}",
                                         data=json.dumps(body).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=60 if body else ASK_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except (OSError, ValueError):
            return 0, ""

    def with_role(self, path):
        return [node for node in range(COUNT) if self.ask(node, path)[0] == 200]

    def leader(self):
        at = self.with_role("/leader")
        return at[0] if len(at) == 1 else None

    def synchronous(self):
        at = self.with_role("/sync")
        return at[0] if len(at) == 1 else None

    def is_whole(self):
        """A leader, a synchronous standby, and all running and following."""
        return (self.leader() is not None and self.synchronous() is not None
                and len(self.with_role("/readiness?lag=1MB")) == COUNT)

    def wait_whole(self):
        wait_for("a leader and two standbys, one of them synchronous", self.is_whole)

    def sql(self, statement, database="refund"):
        leader = wait_for("a leader", lambda: self.with_role("/leader"))[0]
        return self.sql_on(leader, statement, database)

    def sql_on(self, node, statement, database="refund"):
        return postgres_nodes.sql_at(self.ports[node], statement, database, self.inside(node))

    # What befalls them

    def kill_postgres(self, node):
        postgres_nodes.kill_server(self.data(node))

    def kill_node(self, node):
        """Patroni and PostgreSQL: the machine is gone."""
        ended(self.patroni[node])
        postgres_nodes.kill_server(self.data(node))

    def restart_node(self, node):
        """In order, as for another version of its programs: Patroni stops its PostgreSQL when it ends."""
        self.patroni[node].terminate()
        self.patroni[node].wait(START_SECONDS)
        wait_for("the server has stopped", lambda: not postgres_nodes.processes_of(self.data(node)))
        self.run(node)

    def freeze_node(self, node):
        os.killpg(self.patroni[node].pid, signal.SIGSTOP)
        postgres_nodes.signal_server(self.data(node), signal.SIGSTOP)

    def reset_frozen_node(self, node):
        """What the watchdog of a machine does before Patroni's ttl is over (`watchdog: mode: required`)."""
        self.kill_node(node)

    def wake_node(self, node):
        postgres_nodes.signal_server(self.data(node), signal.SIGCONT)
        os.killpg(self.patroni[node].pid, signal.SIGCONT)

    def switch_over(self):
        """Planned, to the synchronous standby."""
        leader, to = self.leader(), self.synchronous()
        status, said = self.ask(leader, "/switchover", {"leader": f"p{leader}", "candidate": f"p{to}"})
        if status != 200:
            raise RuntimeError(f"switchover to p{to}: {status} {said}")

    def stop(self):
        for process in self.patroni:
            ended(process)
        for node in range(COUNT):
            postgres_nodes.signal_server(self.data(node), signal.SIGCONT)
            postgres_nodes.kill_server(self.data(node))
        for process in self.etcd:
            ended(process)
        shutil.rmtree(self.dir, ignore_errors=True)


class HaProxy:
    """Terminals' one address in front of two switches: whoever says ready gets all connections, and connections to one
    that is not ready any more are ended. `nodes`: by name (host, {profile: port}, port of its /readyz)."""

    def __init__(self, folder, nodes):
        self.addresses = {profile: ("127.0.0.1", free_port()) for profile in next(iter(nodes.values()))[1]}
        text = """defaults
  mode tcp
  timeout connect 2s
  timeout check 1s
  timeout client 1h
  timeout server 1h
"""
        for profile, (host, port) in self.addresses.items():
            text += f"""listen {profile}
  bind {host}:{port}
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
"""
            for name, (at, ports, ready) in nodes.items():
                text += f"  server {name} {at}:{ports[profile]} port {ready}\n"
        path = os.path.join(folder, "haproxy.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        self.process = started([shutil.which("haproxy", path=SEARCHED), "-db", "-f", path],
                               os.path.join(folder, "haproxy.log"))

    def stop(self):
        ended(self.process, signal.SIGTERM)
