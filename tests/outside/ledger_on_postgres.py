"""A stack whose ledger lies on PostgreSQL servers of the test's own: the options that stack.Stack is given for it."""
import contextlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cluster"))
import postgres_nodes  # noqa: E402


def store_section(hosts, password_file, node, pipeline=1):
    hosts = ", ".join(f'"{host}"' for host in hosts)
    return (f'\n[store]\nengine = "postgres"\n\n[store.postgres]\nhosts = [{hosts}]\ndatabase = "refund"\n'
            f'user = "switch"\npassword_file = "{password_file}"\nnode = "{node}"\n'
            f'pipeline = {pipeline}\n')


def cluster(args, config, *words):
    """`refund-switch cluster …`: exit code and what it says."""
    run = subprocess.run([os.path.join(args.bin, "refund-switch"), "--config", config, "cluster", *words],
                         capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout + run.stderr


def on_loopback(ports):
    return [f"127.0.0.1:{port}" for port in ports]


def options_with_tables(args, folder, hosts, pipeline=1, more=""):
    """Makes the tables on servers at these addresses; the options of a stack whose ledger lies there. `more`: what else stands
    in [store.postgres]."""
    password_file = folder / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(postgres_nodes.PASSWORD + "\n")
    section = store_section(hosts, password_file, "a", pipeline) + more
    with open(os.path.join(args.source, "switch", "config", "demo.toml"), encoding="utf-8") as f:
        text = f.read()
    config = folder / "init.toml"
    config.write_text(text + section)
    code, said = cluster(args, str(config), "init")
    if code != 0:
        raise RuntimeError(f"cluster init: {said}")
    return ((r"\Z", section),)


@contextlib.contextmanager
def servers(args, count=2, pipeline=1, flushed=False, more=""):
    """Servers with the tables made; gives them and the options of a stack. Ends the program with 77 where PostgreSQL is
    not installed."""
    postgres_nodes.skip_or_fail()
    nodes = postgres_nodes.Nodes.start(count, flushed)
    try:
        yield nodes, options_with_tables(args, nodes.dir, on_loopback(nodes.ports), pipeline, more)
    finally:
        nodes.stop()
