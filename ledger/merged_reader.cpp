#include "ledger/merged_reader.hpp"

#include <deque>

#include "iso8583/values/ensure.hpp"

namespace ledger {

using iso8583::Result;

namespace {

enum class Direction : std::uint8_t { ascending, descending };

/// What one shard has of the range, some rows at a time: its scan calls us, and the merge wants to call it.
class Rows {
  public:
    struct Row {
        std::string key, value;
    };
    Rows(const StoreReader& reader, Family family, std::string_view from, std::string_view to,
         Direction direction)
        : reader_(&reader), family_(family), from_(from), to_(to), direction_(direction) {}

    /// The next one; nullptr behind the last.
    [[nodiscard]] Result<const Row*, StoreError> peek() {
        if (rows_.empty() && !exhausted_)
            if (auto read = fill(); !read) return tl::unexpected(read.error());
        return rows_.empty() ? nullptr : &rows_.front();
    }
    void pop() { rows_.pop_front(); }

  private:
    // Few at first: most lists end with a page.
    static constexpr std::size_t rows_first = 64;
    static constexpr std::size_t rows_max = 1'024;

    Result<void, StoreError> fill() {
        const auto take = [this](std::string_view key, std::string_view value) {
            rows_.push_back({std::string(key), std::string(value)});
            return rows_.size() < wanted_;
        };
        auto done = direction_ == Direction::ascending ? reader_->scan(family_, from_, to_, take)
                                                       : reader_->scan_back(family_, from_, to_, take);
        if (!done) return done;
        exhausted_ = rows_.size() < wanted_;
        if (exhausted_) return {};
        // Behind the last one: above its key, or from it down.
        if (direction_ == Direction::ascending)
            from_ = rows_.back().key + '\0';
        else
            to_ = rows_.back().key;
        wanted_ = std::min(rows_max, wanted_ * 2);
        return {};
    }

    const StoreReader* reader_;
    Family family_;
    std::string from_, to_;
    Direction direction_;
    std::size_t wanted_ = rows_first;
    bool exhausted_ = false;
    std::deque<Row> rows_;
};

Result<void, StoreError> merge(std::vector<Rows> parts, Direction direction, const ScanVisitor& visit) {
    for (;;) {
        const Rows::Row* next = nullptr;
        std::vector<Rows*> same;  // that have its key, the first shard first
        for (Rows& part : parts) {
            const auto row = part.peek();
            if (!row) return tl::unexpected(row.error());
            if (*row == nullptr) continue;
            const int order = next == nullptr ? -1 : (*row)->key.compare(next->key);
            const bool is_before = direction == Direction::ascending ? order < 0 : order > 0;
            if (next == nullptr || is_before) {
                next = *row;
                same.clear();
            }
            if (next == *row || order == 0) same.push_back(&part);
        }
        if (next == nullptr || !visit(next->key, next->value)) return {};
        for (Rows* part : same) part->pop();
    }
}

}  // namespace

MergedReader::MergedReader(ShardReaders parts) : parts_(std::move(parts)) { ENSURE(!parts_.empty()); }

Result<std::optional<std::string>, StoreError> MergedReader::get(Family family, std::string_view key) const {
    for (const auto& part : parts_)
        if (auto found = part->get(family, key); !found || found->has_value()) return found;
    return std::optional<std::string>{};
}

Result<void, StoreError> MergedReader::scan(Family family, std::string_view from, std::string_view to,
                                            const ScanVisitor& visit) const {
    std::vector<Rows> rows;
    for (const auto& part : parts_) rows.emplace_back(*part, family, from, to, Direction::ascending);
    return merge(std::move(rows), Direction::ascending, visit);
}

Result<void, StoreError> MergedReader::scan_back(Family family, std::string_view from, std::string_view to,
                                                 const ScanVisitor& visit) const {
    std::vector<Rows> rows;
    for (const auto& part : parts_) rows.emplace_back(*part, family, from, to, Direction::descending);
    return merge(std::move(rows), Direction::descending, visit);
}

}  // namespace ledger
