// [store], [store.postgres] and [audit]: who keeps the ledger, what only one of the engines knows, and what
// is noted of it elsewhere.
#include <filesystem>

#include "switch/config/config_builder.hpp"
#include "switch/config/config_keys.hpp"

namespace acquirer::config {

namespace {

constexpr std::size_t path_characters_max = 1'024;
constexpr std::size_t name_characters_max = 63;  // PostgreSQL's own bound of a name
constexpr std::int64_t pipeline_max = 4;         // more were slower (scale-out's measurements)
constexpr std::int64_t wait_ms_max = 600'000;

iso8583::Result<std::string> absolute_path(std::string_view text) {
    auto path = plain_text(path_characters_max)(text);
    if (path && (path->front() != '/' || path->back() == '/'))
        return iso8583::parse_error("needs the path of a file, from / on");
    return path;
}

}  // namespace

const Keys<StoreOptions>& store_keys() {
    static const Keys<StoreOptions> keys = {
        choice<StoreOptions, StoreEngine>(
            "engine", {{"rocks", StoreEngine::rocks}, {"postgres", StoreEngine::postgres}},
            "rocks: RocksDB in the data directory, one machine. postgres: PostgreSQL with synchronous "
            "standbys, and a copy in the data directory.",
            CONFIG_AT(engine)),
        integer<StoreOptions>(
            "shards", 1, 4, "",
            "rocks: 1, 2 or 4 cores with a ledger and a thread each, among which merchants are spread. Fixed "
            "when the ledger is begun; what several cannot do is in docs/operations.md.",
            CONFIG_AT(shards)),
        parsed<StoreOptions>(
            "acknowledged_copy", "path", "none",
            "rocks: a file on another file system that says up to which turn work was acknowledged, so that "
            "a "
            "ledger that lost its end is noticed though its directory lost `acknowledged` too.",
            CONFIG_AT(acknowledged_copy), absolute_path),
        integer<StoreOptions>("acknowledged_copy_ms", 10, 60'000, "ms",
                              "rocks: how old the copy may be when the process is killed.",
                              CONFIG_AT(acknowledged_copy_ms)),
    };
    return keys;
}

const Keys<StoreOptions>& store_postgres_keys() {
    static const Keys<StoreOptions> keys = {
        text_list<StoreOptions>(
            "hosts", "none", "\"HOST:PORT\" of every server of PostgreSQL; whichever may be written is used.",
            [](StoreOptions& s, std::vector<std::string> texts) { return set_endpoints(s.hosts, texts); }),
        parsed<StoreOptions>("database", "text", "refund", "Made by `refund-switch cluster init`.",
                             CONFIG_AT(database), plain_text(name_characters_max)),
        parsed<StoreOptions>("user", "text", "switch", "A role that is no superuser.", CONFIG_AT(user),
                             plain_text(name_characters_max)),
        parsed<StoreOptions>(
            "password_file", "path", "none",
            "Its first line is the password; its owner's alone. Begins in the folder of this file.",
            CONFIG_AT(password_file), plain_text(path_characters_max)),
        parsed<StoreOptions>("tls_ca", "path", "none: in clear",
                             "PEM: who signed the servers' certificates; their names are checked too.",
                             CONFIG_AT(tls_ca), plain_text(path_characters_max)),
        boolean<StoreOptions>("protected_channel",
                              "Said by you: the way to the servers is protected. Needed without tls_ca where "
                              "they are not on loopback.",
                              CONFIG_AT(protected_channel)),
        integer<StoreOptions>("shard", 0, 255, "", "Which shard of the cluster this switch serves.",
                              CONFIG_AT(shard)),
        parsed<StoreOptions>(
            "node", "word", "none",
            "This switch's name, another for each that may own the shard. --node wins over it: a "
            "standby takes over only from a node with the same file.",
            CONFIG_AT(node), word),
        integer<StoreOptions>(
            "pipeline", 1, pipeline_max, "turns",
            "Under way at once: more hide the way to the standbys from each other, at the price of a second "
            "connection. 4 is worth twice the work of 1 where the servers have cores of their own.",
            CONFIG_AT(pipeline)),
        integer<StoreOptions>("connect_ms", 100, wait_ms_max, "ms",
                              "To each server, until the next is tried.", CONFIG_AT(connect_ms)),
        integer<StoreOptions>(
            "reply_ms", 100, wait_ms_max, "ms",
            "A server that does not answer for so long is given up, and what was asked of it is "
            "asked for at the one that may be written then.",
            CONFIG_AT(reply_ms)),
        integer<StoreOptions>("lease_ms", 300, wait_ms_max, "ms",
                              "Others take the shard over when its owner has not been heard of for so long.",
                              CONFIG_AT(lease_ms)),
        integer<StoreOptions>("stall_ms", 100, wait_ms_max, "ms",
                              "When a turn is not confirmed for so long new requests are refused (R62).",
                              CONFIG_AT(stall_ms)),
        integer<StoreOptions>(
            "turns_kept", 1'000, 100'000'000, "turns",
            "Of the log by which copies follow; one that was away for longer is filled anew.",
            CONFIG_AT(turns_kept)),
        boolean<StoreOptions>(
            "allow_unreplicated",
            "With demo = true alone: a server without a synchronous standby is worked with, and "
            "what was acknowledged dies with it.",
            CONFIG_AT(allow_unreplicated)),
    };
    return keys;
}

const Keys<AuditOptions>& audit_keys() {
    static const Keys<AuditOptions> keys = {
        parsed<AuditOptions>(
            "head_file", "path", "none",
            "A file on another file system that the newest entry is noted in, so that a chain that "
            "was cut or made anew is found at the next start.",
            CONFIG_AT(head_file), absolute_path),
        parsed<AuditOptions>("syslog", "path", "none",
                             "The socket of syslog, usually /dev/log: each entry that is noted goes there as "
                             "well (authpriv, notice).",
                             CONFIG_AT(syslog), absolute_path),
        integer<AuditOptions>("head_seconds", 1, 86'400, "s", "How often the newest entry is noted.",
                              CONFIG_AT(head_seconds)),
    };
    return keys;
}

namespace {

void check_shards(const RawConfig& raw, Reader& reader) {
    const std::int32_t shards = raw.store.shards;
    if (shards == 1) return;
    if (shards == 3) return reader.problem("store.shards", "has to be 1, 2 or 4");
    if (raw.store.engine != StoreEngine::rocks)
        return reader.problem("store.shards",
                              "belongs to [store] engine = \"rocks\": a shard on PostgreSQL is a process of "
                              "its own ([store.postgres] shard)");
    const auto share = [&](const std::string& path, const char* key, std::uint32_t bound) {
        if (bound < static_cast<std::uint32_t>(shards))
            reader.problem(path + "." + key, "is shared by " + std::to_string(shards) +
                                                 " shards ([store] shards): at least 1 each is needed");
    };
    for (const auto& [path, issuer] : raw.issuers) {
        share(path, "in_flight_max", issuer.route.in_flight_max);
        share(path, "advices_in_flight_max", issuer.route.advices_in_flight_max);
    }
}

}  // namespace

void check_store(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    check_shards(raw, reader);
    StoreOptions& store = raw.store;
    if (store.engine == StoreEngine::rocks) {
        for (const Key<StoreOptions>& key : store_postgres_keys())
            if (const std::string path = "store.postgres." + key.name; reader.has(path))
                reader.problem(path, "belongs to [store] engine = \"postgres\"");
        return;
    }
    for (const char* path : {"store.acknowledged_copy", "store.acknowledged_copy_ms"})
        if (reader.has(path))
            reader.problem(path,
                           "belongs to [store] engine = \"rocks\": PostgreSQL's standbys are the second "
                           "place of a ledger that lies there");
    if (store.hosts.empty() && !reader.has_problem_under("store.postgres.hosts"))
        reader.problem("store.postgres.hosts", "is needed with [store] engine = \"postgres\"");
    for (const Endpoint& host : store.hosts)
        if (!host.is_loopback() && store.tls_ca.empty() && !store.protected_channel)
            reader.problem("store.postgres.hosts",
                           host.str() +
                               " is on another machine, and the ledger would go there in "
                               "clear: tls_ca is needed, or protected_channel = true");
    if (store.allow_unreplicated && !raw.top.demo)
        reader.problem("store.postgres.allow_unreplicated", "is for demo = true only");
    for (std::string* path : {&store.password_file, &store.tls_ca})
        if (!path->empty() && std::filesystem::path(*path).is_relative())
            *path = (std::filesystem::path(around.folder) / *path).string();
}

}  // namespace acquirer::config
