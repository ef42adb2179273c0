// The servers of PostgreSQL that all cases of a program share, and stores on them.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>

#include "ledger/postgres_cluster.hpp"
#include "ledger/postgres_store.hpp"
#include "tests/cluster/postgres_nodes.hpp"
#include "tests/ledger/store_driver.hpp"

namespace ledger_test {

/// Three servers for all cases: any two of them hold what is acknowledged.
inline PostgresNodes& servers() {
    static PostgresNodes nodes(3);
    return nodes;
}

inline int& written() {
    static int node = 0;
    return node;
}

inline ledger::RocksStoreOptions copy_in(const TempDirectory& directory, const std::string& name = "copy") {
    ledger::RocksStoreOptions options;
    options.directory = directory.path(name);
    options.memtable_bytes = 256 << 10;
    options.wal_bytes_max = 1 << 20;
    options.block_cache_bytes = 4 << 20;
    options.disk_free_bytes_min = 0;
    return options;
}

inline ledger::PostgresOptions new_cluster(const std::string& node = "a") {
    const ledger::PostgresOptions options = servers().new_database(node);
    const auto created = ledger::create_cluster(options, "", "", 1);
    INFO((created ? "" : created.error().what));
    REQUIRE(created);
    return options;
}

inline iso8583::Result<std::unique_ptr<ledger::PostgresStore>, ledger::StoreError> try_to_open(
    const ledger::PostgresOptions& options, const ledger::RocksStoreOptions& copy) {
    return ledger::PostgresStore::open(options, copy, {"127.0.0.1:9", "hash"});
}

inline std::unique_ptr<ledger::PostgresStore> open(const ledger::PostgresOptions& options,
                                                   const ledger::RocksStoreOptions& copy) {
    auto store = try_to_open(options, copy);
    INFO((store ? "" : store.error().what));
    REQUIRE(store);
    return std::move(*store);
}

inline bool eventually(const std::function<bool()>& holds,
                       std::chrono::milliseconds limit = std::chrono::seconds(30)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        // Looks at servers outside, which have no event to wait for.
        std::binary_semaphore never(0);
        static_cast<void>(never.try_acquire_for(std::chrono::milliseconds(10)));
    }
    return true;
}

}  // namespace ledger_test
