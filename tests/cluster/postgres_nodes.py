#!/usr/bin/env python3
"""PostgreSQL servers of a test's own: one that is written and standbys that follow it, any one of which has to
confirm a commit. They lie in a directory of their own, listen on loopback on ports that are free, and are ended
by process id.

    postgres_nodes.py start [--nodes N]          prints the directory and the ports; node 0 is written
    postgres_nodes.py DIR COMMAND [NODE] [WORD]
        kill NODE | freeze NODE | thaw NODE      SIGKILL, SIGSTOP, SIGCONT to all its processes
        advance                                  prints the standby that has received most
        promote NODE                             waits until it can be written; the other standbys follow it
        run NODE                                 starts it again
        rejoin NODE                              thrown away and copied anew from the written one
        sql NODE STATEMENT                       as the superuser, in the database refund; prints rows
        database NAME                            a new database that the role switch owns
        stop                                     ends all and removes the directory

Exits with 77 and a sentence where PostgreSQL is not installed, with 1 when CI is set."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
PASSWORD = "switch-test-password"
SKIPPED = 77
SEARCHED = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # servers stand there
START_SECONDS = 60
MEMORY_BYTES_MIN = 2 << 30


def missing(programs=()):
    """Why there can be no cluster here, or None. `programs`: what is needed beside a server."""
    lacks = [] if (BIN / "initdb").exists() else [f"no PostgreSQL 15 server in {BIN}"]
    lacks += [f"no {program}" for program in programs if shutil.which(program, path=SEARCHED) is None]
    return ", ".join(lacks) + " (scripts/packages-cluster.txt names what to install)" if lacks else None


def skip_or_fail(programs=()):
    why = missing(programs)
    if why is None:
        return
    if os.environ.get("CI"):
        print(f"FAILED: {why}; with CI set a cluster test must run", file=sys.stderr)
        sys.exit(1)
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def own_directory(prefix, on_disk=False):
    """A new one that the user postgres may enter; in memory where there is room, or on the disk."""
    shm = pathlib.Path("/dev/shm")
    in_memory = not on_disk and shm.is_dir() and shutil.disk_usage(shm).free >= MEMORY_BYTES_MIN
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=shm if in_memory else "/tmp"))
    directory.chmod(0o755)
    return directory


def make_data_folder(folder):
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")


def processes_of(data):
    """Of the server with this data directory: the postmaster first, then its children."""
    try:
        postmaster = int((data / "postmaster.pid").read_text().split("\n")[0])
    except (FileNotFoundError, ValueError):
        return []
    out = [postmaster] if pathlib.Path(f"/proc/{postmaster}").exists() else []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == postmaster:
            out.append(int(stat.parent.name))
    return out


def signal_server(data, number):
    for pid in processes_of(data):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def kill_server(data):
    """kill -9 to all its processes; back when they are gone."""
    pids = processes_of(data)
    signal_server(data, signal.SIGKILL)
    end = time.monotonic() + 10
    while any(is_running(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.01)


def as_postgres(*command, check=True, env=None, inside=()):
    """`inside`: what stands before it where it runs on another machine (split_network.py)."""
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["runuser", "-u", "postgres", "--", *words]
    words = [*inside, *words]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/",
                          env=env, timeout=120)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def sql_at(port, statement, database="refund", inside=()):
    """As the superuser; prints rows."""
    return as_postgres(BIN / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", port, "-U",
                       "postgres", "-d", database, "-c", statement, inside=inside).strip()


IN_MEMORY = "fsync = off\nshared_buffers = 32MB\nmin_wal_size = 32MB\nmax_wal_size = 128MB\n"
FLUSHED = "shared_buffers = 256MB\nmin_wal_size = 2GB\nmax_wal_size = 4GB\nwal_compression = lz4\ndefault_toast_compression = lz4\njit = off\n"
SEGMENTS_READY = 100  # of the log, of 16 MiB; a server that has run for a day has as many as min_wal_size says


class OnLoopback:
    """Where servers are; split_network.OnMachines sets them on machines of their own."""

    LISTEN, PEERS = "127.0.0.1", "127.0.0.1/32"

    def host(self, node):
        return "127.0.0.1"

    def inside(self, node):
        return ()


class Nodes(OnLoopback):
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        state = json.loads((self.dir / "nodes.json").read_text())
        self.ports = state["ports"]
        self.written = state["written"]

    def save(self):
        (self.dir / "nodes.json").write_text(json.dumps({"ports": self.ports, "written": self.written}))

    @classmethod
    def start(cls, count, flushed=False):
        """`flushed`: they write to the disk, as servers do; else what is tried is the death of processes, not of the power, and
        nothing has to reach it."""
        directory = own_directory("refund-postgres-", on_disk=flushed)
        (directory / "nodes.json").write_text(json.dumps({"ports": [], "written": 0}))
        nodes = cls(directory)
        try:
            nodes.create(count, FLUSHED if flushed else IN_MEMORY)
            if flushed:
                nodes.make_segments_ready()
        except BaseException:
            nodes.stop()
            raise
        return nodes

    def data(self, node):
        return self.dir / f"n{node}"

    def create(self, count, settings):
        self.ports = [free_port() for _ in range(count)]
        self.save()
        make_data_folder(self.data(0))
        as_postgres(BIN / "initdb", "-D", self.data(0), "--no-locale", "-E", "UTF8", "-A", "trust", "-k",
                    "-N", "-U", "postgres")
        conf = self.data(0) / "postgresql.conf"
        names = ",".join(f"n{node}" for node in range(count))
        standbys = f"ANY 1 ({names})" if count > 1 else ""
        with conf.open("a") as f:
            f.write(f"listen_addresses = '{self.LISTEN}'\nunix_socket_directories = ''\n" + settings +
                    "max_connections = 40\nmax_wal_senders = 8\nwal_keep_size = 64MB\nwal_log_hints = on\nhot_standby = on\nwal_sender_timeout = 5s\nwal_receiver_timeout = 5s\n"
                    "wal_retrieve_retry_interval = 200ms\n"
                    "dynamic_shared_memory_type = mmap\n"  # in the data directory, and gone with it after a kill -9
                    f"synchronous_standby_names = '{standbys}'\n")
        (self.data(0) / "pg_hba.conf").write_text(
            f"host all switch {self.PEERS} scram-sha-256\nhost all all {self.PEERS} trust\n"
            f"host replication postgres {self.PEERS} trust\n")
        self.run(0)
        for node in range(1, count):
            self.copy(node, 0)
        self.sql(0, f"create role switch login password '{PASSWORD}'", database="postgres")
        self.database("refund")

    def make_segments_ready(self):
        """A segment of the log that is new is filled with zeros first, 100 ms in which nobody commits; one that was used before is not.
        Figures are those of servers that have run for a while."""
        for _ in range(SEGMENTS_READY):
            self.sql(0, "select pg_logical_emit_message(true, 'segment', '')", database="postgres")
            self.sql(0, "select pg_switch_wal()", database="postgres")
        # A standby recycles at its second checkpoint that the written server's own precedes.
        for _ in range(2):
            for node in range(len(self.ports)):
                self.sql(node, "checkpoint", database="postgres")
                if node == 0:
                    self.wait_until_replayed()

    def wait_until_replayed(self):
        end = time.monotonic() + START_SECONDS
        at = self.sql(0, "select pg_current_wal_lsn()", database="postgres")
        for node in range(1, len(self.ports)):
            while self.sql(node, f"select pg_last_wal_replay_lsn() >= '{at}'", database="postgres") != "t":
                if time.monotonic() > end:
                    raise RuntimeError(f"n{node} has not replayed to {at}")
                time.sleep(0.01)

    def copy(self, node, source):
        make_data_folder(self.data(node))
        as_postgres(BIN / "pg_basebackup", "-D", self.data(node), "-R", "-X", "stream", "-c", "fast", "--no-sync",
                    "-d", self.conninfo(source, node), inside=self.inside(node))
        self.run(node)

    def conninfo(self, source, node):
        return f"host={self.host(source)} port={self.ports[source]} user=postgres application_name=n{node}"

    def run(self, node):
        as_postgres(BIN / "pg_ctl", "-D", self.data(node), "-l", self.data(node) / "log", "-w", "-t",
                    START_SECONDS, "-o", f"-p {self.ports[node]}", "start", inside=self.inside(node))

    def processes(self, node):
        return processes_of(self.data(node))

    def signal(self, node, number):
        signal_server(self.data(node), number)

    def kill(self, node):
        kill_server(self.data(node))
        (self.data(node) / "postmaster.pid").unlink(missing_ok=True)

    def promote(self, node):
        as_postgres(BIN / "pg_ctl", "-D", self.data(node), "-w", "-t", START_SECONDS, "promote")
        self.written = node
        self.save()
        for other in range(len(self.ports)):
            if other != node and (self.data(other) / "standby.signal").exists() and self.processes(other):
                self.sql(other, f"alter system set primary_conninfo = '{self.conninfo(node, other)}'",
                         database="postgres")
                self.sql(other, "select pg_reload_conf()", database="postgres")

    def supervise(self):
        """Starts standbys again that ended by themselves, and says how many: one of PostgreSQL 15 may, where it follows another
        server and the last record before the change crosses a segment (`could not open file "pg_wal/…"`)."""
        ended = [node for node in range(len(self.ports)) if (self.data(node) / "standby.signal").exists() and not self.processes(node)]
        for node in ended:
            self.run(node)
        return len(ended)

    def most_advanced(self):
        """Of the standbys that run, the one that has received most."""
        at = {}
        for node in range(len(self.ports)):
            if node != self.written and self.processes(node):
                at[node] = int(self.sql(node, "select pg_last_wal_receive_lsn() - '0/0'", database="postgres"))
        return max(at, key=at.get)

    def rejoin(self, node):
        self.kill(node)
        shutil.rmtree(self.data(node))
        self.copy(node, self.written)

    def sql(self, node, statement, database="refund"):
        return sql_at(self.ports[node], statement, database, self.inside(node))

    def database(self, name):
        self.sql(self.written, f"create database {name} owner switch", database="postgres")

    def stop(self):
        for node in range(len(self.ports)):
            self.signal(node, signal.SIGCONT)
            self.kill(node)
        shutil.rmtree(self.dir, ignore_errors=True)


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main(words):
    skip_or_fail()
    if words[:1] == ["start"]:
        count = int(words[2]) if len(words) > 2 else 2
        nodes = Nodes.start(count)
        print(nodes.dir)
        print(*nodes.ports)
        return 0
    nodes, command, rest = Nodes(words[0]), words[1], words[2:]
    node = int(rest[0]) if rest and rest[0].isdigit() else None
    if command == "kill":
        nodes.kill(node)
    elif command == "freeze":
        nodes.signal(node, signal.SIGSTOP)
    elif command == "thaw":
        nodes.signal(node, signal.SIGCONT)
    elif command == "promote":
        nodes.promote(node)
    elif command == "advance":
        print(nodes.most_advanced())
    elif command == "run":
        nodes.run(node)
    elif command == "rejoin":
        nodes.rejoin(node)
    elif command == "sql":
        print(nodes.sql(node, rest[1], *(rest[2:3])))
    elif command == "database":
        nodes.database(rest[0])
    elif command == "stop":
        nodes.stop()
    else:
        print(f"postgres_nodes: unknown command {command}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
