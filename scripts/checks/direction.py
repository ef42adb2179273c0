"""Which folder may include which, and which headers of the world may be seen where (docs/architecture.md,
'Direction')."""
from .tree import Finding

# A file belongs to the first row whose prefix it has. What it may include of ours: files with one of these
# prefixes. A prefix ends in "/" for a folder and is a path without its ending for one module.
WHOLE = [""]
MAY_INCLUDE = [
    ("iso8583/values/", ["iso8583/values/"]),
    ("iso8583/specs/", ["iso8583/"]),
    # Every program's command line; only mains include it.
    ("iso8583/command_line/", ["iso8583/values/", "iso8583/command_line/"]),
    ("iso8583/tools/iso8583_main", ["iso8583/", "iso8583/command_line/"]),
    ("iso8583/tools/", ["iso8583/"]),
    ("iso8583/", ["iso8583/"]),
    ("routing/issuer_sim/issuer_sim_main", ["hsm_sim/", "routing/issuer_sim/", "iso8583/command_line/"]),
    # TLS has no socket and no part of the switch in it.
    ("routing/issuer_sim/issuer_server", ["iso8583/", "hsm_sim/", "routing/issuer_sim/", "switch/io/tls",
                                          "switch/io/byte_channel"]),
    ("routing/issuer_sim/", ["iso8583/", "hsm_sim/", "routing/issuer_sim/"]),
    ("routing/", ["iso8583/values/", "routing/"]),
    ("ledger/", ["iso8583/values/", "ledger/"]),
    ("hsm_sim/sim_options", ["iso8583/values/", "hsm_sim/", "iso8583/command_line/"]),
    ("hsm_sim/", ["iso8583/values/", "hsm_sim/"]),
    ("switch/core/", ["iso8583/", "routing/", "ledger/", "hsm_sim/port", "switch/core/"]),
    # One connection's bytes, frames and MACs; what a request means is the core's.
    ("switch/sessions/", ["iso8583/", "routing/route", "hsm_sim/port", "switch/core/", "switch/sessions/"]),
    # Operators' reads: over a snapshot of the store, never on the core.
    ("switch/views/", ["iso8583/", "routing/", "ledger/", "switch/core/", "switch/views/"]),
    # Pages with plots: of anybody, about anything.
    ("switch/page/", ["switch/page/"]),
    ("switch/config/", ["iso8583/", "routing/", "hsm_sim/port", "switch/core/", "switch/config/"]),
    ("switch/io/", ["iso8583/", "routing/", "ledger/", "hsm_sim/", "switch/core/", "switch/sessions/", "switch/io/"]),
    # Both ends of the control protocol; refundctl itself sees texts only.
    ("switch/admin/refundctl", ["iso8583/values/", "switch/admin/", "hsm_sim/wrap_tool", "iso8583/command_line/"]),
    ("switch/admin/", ["iso8583/", "ledger/", "switch/core/", "switch/views/", "switch/config/", "switch/io/control_port", "switch/page/", "switch/admin/"]),
    # The composition root and the configuration it reads.
    ("switch/", WHOLE),
    ("bench/", WHOLE),
    ("tests/", WHOLE),
]
# Nobody but tests, bench and programs of the simulated world may include these.
NEVER_FROM_PRODUCT = ["tests/", "bench/"]
# In spite of the row above: modules that a folder's own row would allow.
EXCEPT = [
    ("iso8583/", "iso8583/specs/", "the codec does not know how tables are loaded"),
    ("iso8583/", "iso8583/tools/", "a tool is nobody's library"),
    ("routing/", "routing/issuer_sim/", "the router does not know the simulated issuer"),
    ("switch/core/", "routing/issuer_sim/", "the core does not know the simulated issuer"),
    ("switch/io/", "routing/issuer_sim/", "the shell does not know the simulated issuer"),
    ("switch/core/", "ledger/rocks_store", "the core sees the store's port"),
    ("switch/core/", "ledger/postgres_", "the core sees the store's port"),
    ("switch/core/", "ledger/memory_store", "the core sees the store's port"),
]

# The core has no world: no file under CORE may include any of these …
CORE = ["switch/core/", "switch/sessions/", "switch/views/", "switch/page/", "iso8583/", "routing/", "ledger/"]
NOT_CORE = ["iso8583/tools/", "iso8583/specs/", "iso8583/command_line/standard_streams", "routing/issuer_sim/", "ledger/rocks_", "ledger/postgres_", "ledger/turn_applier", "ledger/aes_siv", "ledger/pan_vault",
            "ledger/vault_key", "ledger/audit_hash", "ledger/durable_file", "ledger/acknowledged_",
            "ledger/backup_directory"]
WORLD_HEADERS = ["boost/", "rocksdb/", "openssl/", "thread", "mutex", "shared_mutex", "condition_variable", "future",
                 "stop_token", "semaphore", "latch", "barrier", "coroutine", "random", "chrono", "ctime", "time.h",
                 "sys/time.h", "fstream", "iostream", "filesystem", "sys/socket.h", "unistd.h", "fcntl.h",
                 "pthread.h", "netinet/", "arpa/"]
# The text of an address is read by the system's own functions: no name is looked up, nothing is sent.
TEXTS_OF_THE_WORLD = {"iso8583/values/ip_address.cpp": ["arpa/inet.h"]}
# … nor say any of these words.
WORLD_WORDS = ["getenv", "std::rand", "srand(", "random_device", "steady_clock", "system_clock",
               "high_resolution_clock", "gettimeofday", "clock_gettime", "thread_local", "std::time("]

# Modules outside the core's list that still may only see one part of the world.
OPENSSL_ONLY_IN = ["hsm_sim/", "ledger/aes_siv", "ledger/pan_vault", "ledger/vault_key", "ledger/audit_hash", "switch/io/tls", "bench/",
                   "tests/", "switch/main", "switch/crypto_random"]
ROCKSDB_ONLY_IN = ["ledger/rocks_", "bench/", "tests/"]
LIBPQ_ONLY_IN = ["ledger/postgres_connection"]


def has_prefix(path, prefixes):
    return any(path.startswith(p) for p in prefixes)


def room_of(path):
    for prefix, allowed in MAY_INCLUDE:
        if path.startswith(prefix):
            return prefix, allowed
    return None, None


def exception_of(path, included):
    for from_prefix, to_prefix, why in EXCEPT:
        if path.startswith(from_prefix) and included.startswith(to_prefix) and not path.startswith(to_prefix):
            # A folder below `from` with a row of its own (iso8583/tools below iso8583) is judged by that row.
            room, _ = room_of(path)
            if room == from_prefix:
                return why
    return None


def check(tree):
    out = []
    known = set(tree.paths)
    for path in tree.code_paths():
        room, allowed = room_of(path)
        if room is None:
            out.append(Finding("direction", path, 0, "stands in a folder that scripts/checks/direction.py has no row for"))
            continue
        for line, name, quoted in tree.includes(path):
            if quoted and name not in known:
                out.append(Finding("direction", path, line, f'"{name}" is no path from the project\'s root'))
                continue
            if not quoted:
                continue
            why = exception_of(path, name)
            if why:
                out.append(Finding("direction", path, line, f'{room} may not include "{name}": {why}'))
            elif not has_prefix(name, allowed):
                out.append(Finding("direction", path, line, f'{room} may not include "{name}"'))
            elif has_prefix(name, NEVER_FROM_PRODUCT) and not has_prefix(path, NEVER_FROM_PRODUCT):
                out.append(Finding("direction", path, line, f'the product may not include "{name}"'))
    return out


def check_world(tree):
    out = []
    for path in tree.code_paths():
        core = has_prefix(path, CORE) and not has_prefix(path, NOT_CORE)
        for line, name, quoted in tree.includes(path):
            if quoted:
                continue
            if name in TEXTS_OF_THE_WORLD.get(path, []):
                continue
            if core and any(name == h or (h.endswith("/") and name.startswith(h)) for h in WORLD_HEADERS):
                out.append(Finding("world", path, line, f"the core has no world: <{name}>"))
            if name.startswith("openssl/") and not has_prefix(path, OPENSSL_ONLY_IN):
                out.append(Finding("world", path, line, f"<{name}> belongs to hsm_sim and to the vault"))
            if name == "libpq-fe.h" and not has_prefix(path, LIBPQ_ONLY_IN):
                out.append(Finding("world", path, line, f"<{name}> belongs to {', '.join(LIBPQ_ONLY_IN)}"))
            if name.startswith("rocksdb/") and not has_prefix(path, ROCKSDB_ONLY_IN):
                out.append(Finding("world", path, line, f"<{name}> belongs to ledger/rocks_*.cpp alone"))
        if core:
            for number, text in enumerate(tree.code(path).splitlines(), 1):
                for word in WORLD_WORDS:
                    if word in text:
                        out.append(Finding("world", path, number, f"the core has no world: {word}"))
    return out
