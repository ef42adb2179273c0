// WatchedStore: a memory store that shows the world each batch, when it is handed over and when it is
// durable.
#pragma once

#include <deque>
#include <functional>
#include <utility>

#include "ledger/memory_store.hpp"

namespace simulation {

class WatchedStore final : public ledger::Store {
  public:
    [[nodiscard]] iso8583::Result<std::optional<std::string>, ledger::StoreError> get(
        ledger::Family family, std::string_view key) const override {
        return disk.get(family, key);
    }
    iso8583::Result<void, ledger::StoreError> scan(ledger::Family family, std::string_view from,
                                                   std::string_view to,
                                                   const ledger::ScanVisitor& visit) const override {
        return disk.scan(family, from, to, visit);
    }
    iso8583::Result<void, ledger::StoreError> scan_back(ledger::Family family, std::string_view from,
                                                        std::string_view to,
                                                        const ledger::ScanVisitor& visit) const override {
        return disk.scan_back(family, from, to, visit);
    }
    void begin_sync(ledger::Batch batch, std::function<void()> done) override {
        handed_over.push_back(batch);
        if (on_handed_over) on_handed_over(batch);
        disk.begin_sync(std::move(batch), std::move(done));
    }
    iso8583::Result<void, ledger::StoreError> finish_sync() override { return disk.finish_sync(); }
    [[nodiscard]] std::shared_ptr<const ledger::StoreReader> snapshot() const override {
        return disk.snapshot();
    }
    [[nodiscard]] std::uint64_t last_turn_number() const override { return disk.last_turn_number(); }
    [[nodiscard]] ledger::StoreHealth health() const override { return disk.health(); }
    [[nodiscard]] std::size_t syncs_in_flight_max() const override { return disk.syncs_in_flight_max(); }

    ledger::MemoryStore disk{ledger::MemoryStore::SyncMode::manual};
    /// The batches that were handed over and are not known to be durable, the oldest first.
    std::deque<ledger::Batch> handed_over;
    /// Called inside begin_sync: nothing of the next turn has happened yet.
    std::function<void(const ledger::Batch&)> on_handed_over;
};

}  // namespace simulation
