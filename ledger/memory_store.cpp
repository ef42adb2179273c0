#include "ledger/memory_store.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

using iso8583::Result;

namespace {

using Contents = std::map<std::string, std::string, std::less<>>;

std::size_t at(Family family) { return static_cast<std::size_t>(family); }

void scan_contents(const Contents& contents, std::string_view from, std::string_view to,
                   const ScanVisitor& visit) {
    for (auto it = contents.lower_bound(from); it != contents.end() && (to.empty() || it->first < to); ++it)
        if (!visit(it->first, it->second)) return;
}

void scan_contents_back(const Contents& contents, std::string_view from, std::string_view to,
                        const ScanVisitor& visit) {
    auto it = to.empty() ? contents.end() : contents.lower_bound(to);
    while (it != contents.begin()) {
        --it;
        if (it->first < from || !visit(it->first, it->second)) return;
    }
}

std::optional<std::string> get_contents(const Contents& contents, std::string_view key) {
    const auto it = contents.find(key);
    if (it == contents.end()) return std::nullopt;
    return it->second;
}

}  // namespace

class MemoryStore::Snapshot final : public StoreReader {
  public:
    explicit Snapshot(const std::array<Contents, 2>& families) : families_(families) {}
    [[nodiscard]] Result<std::optional<std::string>, StoreError> get(Family family,
                                                                     std::string_view key) const override {
        return get_contents(families_[at(family)], key);
    }
    Result<void, StoreError> scan(Family family, std::string_view from, std::string_view to,
                                  const ScanVisitor& visit) const override {
        scan_contents(families_[at(family)], from, to, visit);
        return {};
    }
    Result<void, StoreError> scan_back(Family family, std::string_view from, std::string_view to,
                                       const ScanVisitor& visit) const override {
        scan_contents_back(families_[at(family)], from, to, visit);
        return {};
    }

  private:
    std::array<Contents, 2> families_;
};

void MemoryStore::State::apply(const Batch& batch) {
    for (const Mutation& m : batch.mutations) {
        Contents& contents = families[at(m.key.family)];
        if (m.value)
            contents.insert_or_assign(m.key.bytes, *m.value);
        else
            contents.erase(m.key.bytes);
    }
    last_turn = batch.turn_number;
}

Result<std::optional<std::string>, StoreError> MemoryStore::get(Family family, std::string_view key) const {
    if (read_failure_) return tl::unexpected(*read_failure_);
    return get_contents(visible_.families[at(family)], key);
}

Result<void, StoreError> MemoryStore::scan(Family family, std::string_view from, std::string_view to,
                                           const ScanVisitor& visit) const {
    if (read_failure_) return tl::unexpected(*read_failure_);
    scan_contents(visible_.families[at(family)], from, to, visit);
    return {};
}

Result<void, StoreError> MemoryStore::scan_back(Family family, std::string_view from, std::string_view to,
                                                const ScanVisitor& visit) const {
    if (read_failure_) return tl::unexpected(*read_failure_);
    scan_contents_back(visible_.families[at(family)], from, to, visit);
    return {};
}

void MemoryStore::begin_sync(Batch batch, std::function<void()> done) {
    ENSURE(pending_.size() + ended_ < syncs_in_flight_max_);
    // After a failure nothing more is accepted, whatever its number: the process is about to stop.
    ENSURE(failed_ || batch.turn_number == visible_.last_turn + pending_.size() + 1);
    if (!failed_) unsynced_.push_back(std::move(batch));
    pending_.push_back(std::move(done));
    if (mode_ == SyncMode::immediate) complete_sync();
}

void MemoryStore::complete_sync() {
    ENSURE(sync_pending());
    const std::function<void()> done = std::move(pending_.front());
    pending_.pop_front();
    ++ended_;
    if (failure_to_come_ && !failed_) failed_ = std::exchange(failure_to_come_, std::nullopt);
    if (!failed_) {
        visible_.apply(unsynced_[believed_++]);
        if (!lying_) {
            for (; believed_ > 0; --believed_, unsynced_.pop_front()) durable_.apply(unsynced_.front());
        }
    }
    if (done) done();
}

Result<void, StoreError> MemoryStore::finish_sync() {
    ENSURE(ended_ > 0);
    --ended_;
    if (failed_) return tl::unexpected(*failed_);
    return {};
}

void MemoryStore::crash(std::size_t keep_prefix) {
    const std::size_t kept = std::min(keep_prefix, unsynced_.size());
    for (std::size_t i = 0; i < kept; ++i) durable_.apply(unsynced_[i]);
    visible_ = durable_;
    unsynced_.clear();
    believed_ = 0;
    pending_.clear();
    ended_ = 0;
    failure_to_come_.reset();
    failed_.reset();
    read_failure_.reset();
    health_ = {};
}

std::shared_ptr<const StoreReader> MemoryStore::snapshot() const {
    return std::make_shared<Snapshot>(visible_.families);
}

std::unique_ptr<MemoryStore> MemoryStore::copy_durable() const {
    auto copy = std::make_unique<MemoryStore>(mode_, syncs_in_flight_max_);
    copy->visible_ = durable_;
    copy->durable_ = durable_;
    return copy;
}

std::size_t MemoryStore::key_count(Family family) const { return visible_.families[at(family)].size(); }

}  // namespace ledger
