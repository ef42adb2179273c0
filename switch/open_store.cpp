#include "switch/open_store.hpp"

#include "hsm_sim/lmk_file.hpp"
#include "ledger/backup_directory.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/ledger.hpp"
#include "ledger/postgres_cluster.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr const char* copy_name = "copy";
constexpr std::size_t password_bytes_max = 1'024;

}  // namespace

std::string store_directory(const LoadedConfig& config, const std::string& data) {
    return data + "/" + (config.store.engine == StoreEngine::rocks ? ledger::store_name : copy_name);
}

ledger::RocksStoreOptions rocks_options_of(const LoadedConfig& config, const std::string& data) {
    constexpr std::uint64_t mib = 1U << 20;
    ledger::RocksStoreOptions options;
    options.directory = store_directory(config, data);
    options.block_cache_bytes = static_cast<std::uint64_t>(config.data.cache_mib) * mib;
    options.wal_bytes_max = static_cast<std::uint64_t>(config.data.wal_mib_max) * mib;
    options.disk_free_bytes_min = static_cast<std::uint64_t>(config.data.disk_free_mib_min) * mib;
    options.acknowledged_copy = config.store.acknowledged_copy;
    options.acknowledged_copy_ms = static_cast<std::uint32_t>(config.store.acknowledged_copy_ms);
    return options;
}

Result<ledger::PostgresOptions> postgres_options_of(const StoreOptions& store) {
    ledger::PostgresOptions options;
    for (const Endpoint& host : store.hosts) options.hosts.push_back({host.host, std::to_string(host.port)});
    options.database = store.database;
    options.user = store.user;
    if (!store.password_file.empty()) {
        const auto text = hsm::read_secret_file(store.password_file, password_bytes_max);
        if (!text) return tl::unexpected(text.error());
        options.password = text->substr(0, text->find('\n'));
    }
    options.tls_ca = store.tls_ca;
    options.shard = static_cast<std::uint32_t>(store.shard);
    options.node = store.node;
    options.connect_ms = static_cast<std::uint32_t>(store.connect_ms);
    options.reply_ms = static_cast<std::uint32_t>(store.reply_ms);
    options.lease_ms = static_cast<std::uint32_t>(store.lease_ms);
    options.stall_ms = static_cast<std::uint32_t>(store.stall_ms);
    options.pipeline = static_cast<std::uint32_t>(store.pipeline);
    options.turns_kept = static_cast<std::uint64_t>(store.turns_kept);
    options.allow_unreplicated = store.allow_unreplicated;
    return options;
}

std::function<ClusterFigures()> OpenedStore::cluster_figures() const {
    if (postgres == nullptr) return {};
    return [store = postgres, times = commits] { return ClusterFigures{times->times(), store->wanted_by()}; };
}

Result<OpenedStore, ledger::StoreError> open_store(const LoadedConfig& config, const std::string& data,
                                                   StoreUse use) {
    OpenedStore out;
    ledger::RocksStoreOptions rocks = rocks_options_of(config, data);
    if (config.store.engine == StoreEngine::rocks) {
        rocks.read_only = use == StoreUse::look;
        rocks.take_as_is = use == StoreUse::accept_loss;
        auto store = ledger::RocksStore::open(rocks);
        if (!store) return tl::unexpected(store.error());
        out.rocks = store->get();
        out.store = std::move(*store);
        return out;
    }
    const auto options = postgres_options_of(config.store);
    if (!options)
        return tl::unexpected(ledger::StoreError{ledger::StoreError::Kind::io, options.error().what});
    const std::string address = config.metrics ? config.metrics->str() : "";
    auto store = ledger::PostgresStore::open(
        *options, rocks,
        {address, config.configuration->hash, [times = out.commits](std::int64_t us) { times->add_us(us); }});
    if (!store) return tl::unexpected(store.error());
    out.numbers = (*store)->numbers();
    out.epoch = (*store)->epoch();
    out.postgres = store->get();
    out.store = std::move(*store);
    return out;
}

Result<ledger::BackupMark> count_as_restored(OpenedStore& opened, const std::string& data,
                                             iso8583::UtcTime now) {
    ledger::Overlay overlay(*opened.store);
    ledger::Ledger books(overlay);
    const auto day = books.newest_business_day();
    if (const auto& error = books.error()) return parse_error(error->what);
    ledger::BackupMark mark;
    mark.made = now;
    mark.turn = opened.store->last_turn_number();
    mark.business_day = day ? day->day : iso8583::BusinessDate{iso8583::civil_from_utc(now).date};
    mark.id = ledger::backup_id(now, {});
    const std::string path = data + "/" + ledger::store_name + "/" + ledger::backup_mark_name;
    const std::string text = encode(mark);
    if (auto written = ledger::write_file_durably(path, iso8583::as_bytes(text)); !written)
        return parse_error(written.error().what);
    if (auto taken = opened.rocks->comes_from(mark.id); !taken) return parse_error(taken.error().what);
    return mark;
}

bool has_worked_on(const ledger::StoreReader& store, const ledger::BackupMark& mark) {
    const auto known = store.get(ledger::Family::index, ledger::restore_key(mark.id));
    return known && known->has_value();
}

}  // namespace acquirer
