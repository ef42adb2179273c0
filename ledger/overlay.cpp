#include "ledger/overlay.hpp"

#include <algorithm>
#include <iterator>

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/word_hash.hpp"

namespace ledger {

using iso8583::Result;

namespace {

std::size_t at(Family family) { return static_cast<std::size_t>(family); }

std::uint64_t varint_bytes(std::uint64_t v) {
    std::uint64_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        ++n;
    }
    return n;
}

}  // namespace

std::uint64_t wal_bytes_of(const Batch& batch) {
    if (batch.empty()) return 0;
    // A log record header, the write batch's sequence and count, and the turn number's own put.
    constexpr std::uint64_t fixed_bytes = 7 + 12 + 32;
    std::uint64_t bytes = fixed_bytes;
    for (const Mutation& m : batch.mutations) {
        bytes += 2 + varint_bytes(m.key.bytes.size()) + m.key.bytes.size();
        if (m.value) bytes += varint_bytes(m.value->size()) + m.value->size();
    }
    return bytes;
}

std::size_t Overlay::ByKey::at(std::size_t hash, Family family, std::string_view key) const {
    const std::size_t mask = places_.size() - 1;
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
        const Place& place = places_[i];
        if (place.mutation == nullptr) return i;
        if (place.hash == hash && place.mutation->key.family == family && place.mutation->key.bytes == key)
            return i;
    }
}

Mutation* Overlay::ByKey::find(Family family, std::string_view key) const {
    return used_ == 0 ? nullptr : places_[at(iso8583::word_hash(key), family, key)].mutation;
}

Mutation*& Overlay::ByKey::place(Family family, std::string_view key) {
    if (2 * (used_ + 1) > places_.size()) grow();
    const std::size_t hash = iso8583::word_hash(key);
    Place& place = places_[at(hash, family, key)];
    if (place.mutation == nullptr) {
        place.hash = hash;
        ++used_;
    }
    return place.mutation;
}

void Overlay::ByKey::grow() {
    std::vector<Place> before(std::max(places_first, 2 * places_.size()));
    before.swap(places_);
    for (const Place& place : before)
        if (place.mutation != nullptr)
            places_[at(place.hash, place.mutation->key.family, place.mutation->key.bytes)] = place;
}

void Overlay::ByKey::clear() {
    if (places_.size() > places_kept_max)
        places_ = {};
    else if (used_ != 0)
        std::fill(places_.begin(), places_.end(), Place{});
    used_ = 0;
}

void Overlay::ByKey::swap(ByKey& other) noexcept {
    places_.swap(other.places_);
    std::swap(used_, other.used_);
}

void Overlay::Layer::set(Family family, std::string key, std::optional<std::string> value) {
    Mutation*& there = by_key.place(family, key);
    if (there != nullptr) {
        there->value = std::move(value);
        return;
    }
    ENSURE(mutations.size() < mutations_max);
    there = &mutations.push_back({{family, std::move(key)}, std::move(value)});
}

void Overlay::Layer::order() const {
    for (; ordered_count < mutations.size(); ++ordered_count) {
        const Mutation& m = mutations[ordered_count];
        ordered[at(m.key.family)].insert(m.key.bytes);
    }
}

void Overlay::Layer::swap(Layer& other) noexcept {
    // No element is moved, so the views stay good.
    std::swap(mutations, other.mutations);
    by_key.swap(other.by_key);
    for (std::size_t f = 0; f < 2; ++f) ordered[f].swap(other.ordered[f]);
    std::swap(ordered_count, other.ordered_count);
}

void Overlay::Layer::clear() {
    by_key.clear();
    for (auto& keys : ordered) keys.clear();
    mutations.clear();
    ordered_count = 0;
}

Overlay::Overlay(const Store& store) : store_(store), last_turn_(store.last_turn_number()) {}

Result<std::optional<std::string>, StoreError> Overlay::get(Family family, std::string_view key) const {
    ++counts_.gets;
    if (const Mutation* m = current_.by_key.find(family, key)) return m->value;
    for (const Layer& layer : in_flight_)
        if (const Mutation* m = layer.by_key.find(family, key)) return m->value;
    ++counts_.store_gets;
    return store_.get(family, key);
}

Overlay::Slice Overlay::slice(Family family, std::string_view from, std::string_view to) const {
    Slice merged;
    const auto by_key = [](const Mutation* a, const Mutation* b) { return a->key.bytes < b->key.bytes; };
    // From the newest to the oldest. Stable: of equal keys the newest comes first, and unique() keeps that
    // one.
    const auto add = [&](const Layer& layer) {
        const auto newer = static_cast<std::ptrdiff_t>(merged.size());
        layer.order();
        const auto& ordered = layer.ordered[at(family)];
        for (auto it = ordered.lower_bound(from); it != ordered.end() && (to.empty() || *it < to); ++it)
            merged.push_back(layer.by_key.find(family, *it));
        std::inplace_merge(merged.begin(), merged.begin() + newer, merged.end(), by_key);
    };
    add(current_);
    for (const Layer& layer : in_flight_) add(layer);
    const auto same_key = [](const Mutation* a, const Mutation* b) { return a->key.bytes == b->key.bytes; };
    merged.erase(std::unique(merged.begin(), merged.end(), same_key), merged.end());
    return merged;
}

namespace {

/// Walks the overlay's mutations and the store's keys together, in the order that `before` defines.
template <typename Iterator, typename Before>
class Merge {
  public:
    Merge(Iterator next, Iterator end, Before before, const ScanVisitor& visit)
        : next_(next), end_(end), before_(before), visit_(visit) {}

    bool on_store_key(std::string_view key, std::string_view value) {
        while (next_ != end_ && before_((*next_)->key.bytes, key))
            if (!emit()) return false;
        if (next_ != end_ && (*next_)->key.bytes == key) return emit();
        return visit_(key, value);
    }
    void finish() {
        while (next_ != end_)
            if (!emit()) return;
    }

  private:
    bool emit() {
        const Mutation& m = **next_++;
        if (!m.value) return true;
        // A copy: the visitor may put this very key.
        const std::string value = *m.value;
        return visit_(m.key.bytes, value);
    }

    Iterator next_;
    Iterator end_;
    Before before_;
    const ScanVisitor& visit_;
};

template <typename Iterator, typename Before, typename StoreScan>
Result<void, StoreError> merged_scan(Iterator begin, Iterator end, Before before, const ScanVisitor& visit,
                                     StoreScan store_scan) {
    Merge<Iterator, Before> merge(begin, end, before, visit);
    bool stopped = false;
    Result<void, StoreError> result = store_scan([&](std::string_view key, std::string_view value) {
        stopped = !merge.on_store_key(key, value);
        return !stopped;
    });
    if (result && !stopped) merge.finish();
    return result;
}

}  // namespace

Result<void, StoreError> Overlay::scan(Family family, std::string_view from, std::string_view to,
                                       const ScanVisitor& visit) const {
    ++counts_.scans;
    const Slice mine = slice(family, from, to);
    if (mine.empty()) return store_.scan(family, from, to, visit);
    return merged_scan(
        mine.begin(), mine.end(), [](std::string_view a, std::string_view b) { return a < b; }, visit,
        [&](const ScanVisitor& merge) { return store_.scan(family, from, to, merge); });
}

Result<void, StoreError> Overlay::scan_back(Family family, std::string_view from, std::string_view to,
                                            const ScanVisitor& visit) const {
    ++counts_.scans;
    const Slice mine = slice(family, from, to);
    if (mine.empty()) return store_.scan_back(family, from, to, visit);
    return merged_scan(
        mine.rbegin(), mine.rend(), [](std::string_view a, std::string_view b) { return a > b; }, visit,
        [&](const ScanVisitor& merge) { return store_.scan_back(family, from, to, merge); });
}

void Overlay::put(Family family, std::string key, std::string value) {
    ++(family == Family::journal ? counts_.journal_puts : counts_.index_puts);
    current_.set(family, std::move(key), std::move(value));
}

void Overlay::erase(Family family, std::string key) {
    ++counts_.erases;
    current_.set(family, std::move(key), std::nullopt);
}

Batch Overlay::take_batch() {
    Batch batch;
    if (current_.mutations.empty()) return batch;
    batch.turn_number = ++last_turn_;
    batch.mutations = current_.mutations;
    if (spare_.empty()) spare_.emplace_back();
    in_flight_.splice(in_flight_.begin(), spare_, spare_.begin());
    in_flight_.front().swap(current_);
    ++counts_.batches;
    counts_.batch_mutations += batch.mutations.size();
    counts_.wal_bytes += wal_bytes_of(batch);
    return batch;
}

void Overlay::in_flight_done() {
    ENSURE(has_in_flight());
    in_flight_.back().clear();
    spare_.splice(spare_.begin(), in_flight_, std::prev(in_flight_.end()));
}

}  // namespace ledger
