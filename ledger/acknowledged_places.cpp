#include "ledger/acknowledged_places.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "ledger/acknowledged_turn.hpp"

namespace ledger {

using iso8583::Result;

namespace {

using Found = AcknowledgedTurn::Found;

std::string behind(const FoundStore& store, std::uint64_t turn, const std::string& said_by) {
    return "turn " + std::to_string(turn) + " was acknowledged (" + said_by + "), but the store in " +
           store.directory + " could be recovered only up to turn " + std::to_string(store.last_turn) +
           ": its write-ahead log is damaged, the disk does not keep what it says it has synced, or an older "
           "store was put in its place";
}

/// What is amiss; empty when nothing is.
std::string fault_of(const FoundStore& store, const AcknowledgedTurn& first, const std::string& path,
                     const std::optional<AcknowledgedCopy>& copy) {
    if (first.found() == Found::turn && first.turn() > store.last_turn)
        return behind(store, first.turn(), path);
    if (copy && copy->found() == Found::turn) {
        const AcknowledgedCopy::Content& content = copy->content();
        if (content.backup == store.backup)
            return content.turn > store.last_turn ? behind(store, content.turn, copy->path()) : "";
        // Another backup than the copy knows of: restored since, unless the ledger has worked on it already.
        if (store.backup.empty() || store.has_worked_since)
            return copy->path() + " is of a ledger that " +
                   (content.backup.empty() ? "grew where it is" : "came from backup " + content.backup) +
                   ", but the store in " + store.directory +
                   (store.backup.empty() ? " comes from none" : " came from backup " + store.backup) +
                   ": another store was put in its place";
        return "";
    }
    if (first.found() == Found::turn) return "";
    if (store.last_turn == 0) return "";
    const char* const how = first.found() == Found::absent ? " is missing" : " is damaged";
    return path + how +
           (copy
                ? ", and " + copy->path() + (copy->found() == Found::absent ? " says nothing" : " is damaged")
                : ", and [store] acknowledged_copy names no second place") +
           ": nobody knows whether the store in " + store.directory + ", which has turns up to " +
           std::to_string(store.last_turn) + ", has all that was acknowledged";
}

}  // namespace

struct AcknowledgedPlaces::Impl {
    std::optional<AcknowledgedTurn> first;
    std::optional<AcknowledgedCopy> copy;
    std::string taken;
    std::uint32_t copy_ms = 0;
    std::atomic<std::uint64_t> turn = 0;

    mutable std::mutex mutex;  // the four below
    std::condition_variable wake;
    std::string backup;
    std::string warning;
    bool stopping = false;
    std::thread copier;

    ~Impl() {
        if (!copier.joinable()) return;
        {
            const std::lock_guard lock(mutex);
            stopping = true;
        }
        wake.notify_one();
        copier.join();
    }

    /// `written`: the turn that the copy says already; not the one of now, which may have passed it.
    void run_copier(std::uint64_t written) {
        std::unique_lock lock(mutex);
        while (true) {
            const bool last_time =
                wake.wait_for(lock, std::chrono::milliseconds(copy_ms), [this] { return stopping; });
            if (const std::uint64_t now = turn.load(); now != written) {
                const AcknowledgedCopy::Content content{now, backup};
                lock.unlock();
                const auto recorded = copy->record(content);
                lock.lock();
                if (recorded) written = now;
                warning = recorded ? ""
                                   : "the second place of the last acknowledged turn cannot be written: " +
                                         recorded.error().what;
            }
            if (last_time) return;
        }
    }
};

AcknowledgedPlaces::AcknowledgedPlaces(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AcknowledgedPlaces::~AcknowledgedPlaces() = default;
AcknowledgedPlaces::AcknowledgedPlaces(AcknowledgedPlaces&&) noexcept = default;
AcknowledgedPlaces& AcknowledgedPlaces::operator=(AcknowledgedPlaces&&) noexcept = default;

Result<AcknowledgedPlaces, StoreError> AcknowledgedPlaces::open(const AcknowledgedOptions& options,
                                                                const FoundStore& store) {
    auto impl = std::make_unique<Impl>();
    auto first = AcknowledgedTurn::look(options.path);
    if (!first) return tl::unexpected(first.error());
    if (!options.copy_path.empty() && !options.read_only) {
        auto copy = AcknowledgedCopy::open(options.copy_path);
        if (!copy) return tl::unexpected(copy.error());
        impl->copy = std::move(*copy);
    }
    impl->taken = fault_of(store, *first, options.path, impl->copy);
    if (!impl->taken.empty() && !options.take_as_is)
        return tl::unexpected(StoreError{StoreError::Kind::corruption, impl->taken});
    if (options.read_only) return AcknowledgedPlaces(std::move(impl));
    auto opened = AcknowledgedTurn::open(options.path);
    if (!opened) return tl::unexpected(opened.error());
    impl->first = std::move(*opened);
    impl->backup = store.backup;
    impl->turn = store.last_turn;
    if (impl->taken.empty()) {
        if (auto recorded = impl->first->record_durably(store.last_turn); !recorded)
            return tl::unexpected(recorded.error());
        if (impl->copy)
            if (auto recorded = impl->copy->record({store.last_turn, store.backup}); !recorded)
                return tl::unexpected(recorded.error());
    }
    if (impl->copy) {
        impl->copy_ms = options.copy_ms;
        impl->copier = std::thread([raw = impl.get(), at = store.last_turn] { raw->run_copier(at); });
    }
    return AcknowledgedPlaces(std::move(impl));
}

Result<void, StoreError> AcknowledgedPlaces::comes_from(const std::string& backup) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->backup = backup;
    }
    const std::uint64_t turn = impl_->turn.load();  // none comes meanwhile, so the copier rests
    if (auto recorded = impl_->first->record_durably(turn); !recorded) return recorded;
    return impl_->copy ? impl_->copy->record({turn, backup}) : Result<void, StoreError>{};
}

const std::string& AcknowledgedPlaces::taken() const { return impl_->taken; }

Result<void, StoreError> AcknowledgedPlaces::record(std::uint64_t turn_number) {
    if (auto recorded = impl_->first->record(turn_number); !recorded) return recorded;
    impl_->turn = turn_number;
    return {};
}

std::string AcknowledgedPlaces::warning() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->warning;
}

}  // namespace ledger
