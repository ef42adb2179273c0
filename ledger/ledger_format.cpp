#include "ledger/ledger_format.hpp"

#include "iso8583/values/ensure.hpp"
#include "ledger/audit_log.hpp"
#include "ledger/format_1.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/record_codec.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/totals.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::uint8_t marker_version = 1;
constexpr std::uint32_t format_before_markers = 1;

tl::unexpected<StoreError> corrupt(std::string what) {
    return tl::unexpected(StoreError{StoreError::Kind::corruption, std::move(what)});
}

tl::unexpected<StoreError> too_new(std::uint32_t format) {
    return tl::unexpected(
        StoreError{StoreError::Kind::version,
                   "the ledger has format " + std::to_string(format) + ", this program knows formats up to " +
                       std::to_string(format_version) + ": it must be opened by the program that wrote it"});
}

Result<FormatMarker, StoreError> decode_marker(std::string_view bytes) {
    // The version and the format stand first in every marker there will ever be, and are read before the
    // rest.
    RecordReader r(bytes, 0xFF, "format marker");
    FormatMarker marker;
    marker.format = r.u32("format");
    if (r.ok() && marker.format > format_version) return too_new(marker.format);
    if (r.ok() && r.version() != marker_version) r.fail("version", "it is not the marker's");
    marker.migrating_to = r.u32("migrating_to");
    if (r.ok() && marker.migrating_to > format_version) return too_new(marker.migrating_to);
    if (marker.format < format_before_markers) r.fail("format", "no format");
    marker.family = static_cast<Family>(r.varint_max("family", 1));
    marker.position = r.text("position");
    if (auto done = r.done(); !done) return corrupt(done.error().what());
    return marker;
}

/// A value in the new form; nothing for one that stays as it is, an empty optional for one that goes.
struct Converted {
    bool changed = false;
    std::optional<std::string> value;
};

template <typename T>
Result<Converted> encoded(const Result<T>& decoded) {
    if (!decoded) return tl::unexpected(decoded.error());
    return Converted{true, encode(*decoded)};
}

Result<Converted> converted_journal(KeyPrefix prefix, std::string_view value) {
    switch (prefix) {
        case KeyPrefix::transaction:
            return encoded(decode_transaction_record_of_format_1(value));
        case KeyPrefix::turn:
            return encoded(decode_turn_record(value));
        case KeyPrefix::checkpoint:
            return encoded(decode_checkpoint(value));
        case KeyPrefix::exception:
            return encoded(decode_exception(value));
        case KeyPrefix::business_day:
            return encoded(decode_business_day(value));
        case KeyPrefix::open_work:
        case KeyPrefix::format:
        case KeyPrefix::audit:  // the chain of hashes is over the bytes that were written
            return Converted{};
        default:
            return parse_error("a key of the journal is of no known kind");
    }
}

Result<Converted> converted_index(KeyPrefix prefix, std::string_view value) {
    switch (prefix) {
        case KeyPrefix::trace_slot:
            return encoded(decode_trace_slot(value));
        case KeyPrefix::terminal:
            return encoded(decode_terminal(value));
        case KeyPrefix::operators_override:
            return encoded(decode_override(value));
        case KeyPrefix::zone_key:
            return encoded(decode_zone_key(value));
        case KeyPrefix::sales_of_card:  // the sales of a card: format 1 wrote it, nobody read it
            return Converted{true, std::nullopt};
        case KeyPrefix::reference:
            return Converted{};
        default:
            return parse_error("a key of the index is of no known kind");
    }
}

Result<Converted> converted(Family family, std::string_view key, std::string_view value) {
    const auto prefix = static_cast<KeyPrefix>(key.empty() ? '\0' : key.front());
    return family == Family::journal ? converted_journal(prefix, value) : converted_index(prefix, value);
}

/// Format 1 listed only what went on by itself; now what waits for a person is open work as well.
bool is_open_transaction(const std::optional<std::string>& value) {
    const auto record = value ? decode_transaction_record(*value) : parse_error("none");
    return record && is_open(*record);
}

}  // namespace

std::string format_key() { return {static_cast<char>(KeyPrefix::format)}; }

std::string encode(const FormatMarker& marker) {
    RecordWriter w(marker_version);
    w.u32(marker.format);
    w.u32(marker.migrating_to);
    w.varint(static_cast<std::uint64_t>(marker.family));
    w.text(marker.position);
    return w.finish();
}

Result<std::optional<FormatMarker>, StoreError> stored_format(const StoreReader& store) {
    const auto stored = store.get(Family::journal, format_key());
    if (!stored) return tl::unexpected(stored.error());
    if (*stored) {
        auto marker = decode_marker(**stored);
        if (!marker) return tl::unexpected(marker.error());
        return std::optional(std::move(*marker));
    }
    // Format 1 had no marker, but every turn that wrote left a turn record or a checkpoint over it.
    bool has_records = false;
    for (const KeyPrefix prefix : {KeyPrefix::checkpoint, KeyPrefix::turn}) {
        const KeyRange range = all_keys(prefix);
        const auto look =
            store.scan(Family::journal, range.from, range.to, [&](std::string_view, std::string_view) {
                has_records = true;
                return false;
            });
        if (!look) return tl::unexpected(look.error());
    }
    if (!has_records) return std::optional<FormatMarker>{};
    FormatMarker unmarked;
    unmarked.format = format_before_markers;
    return std::optional(std::move(unmarked));
}

FormatMigration::FormatMigration(const Store& store, FormatMarker from, std::size_t keys_a_batch)
    : store_(store), marker_(std::move(from)), keys_a_batch_(keys_a_batch) {
    ENSURE(keys_a_batch_ > 0 && marker_.format <= format_version);
    report_.from = marker_.format;
    marker_.migrating_to = marker_.format == format_version ? 0 : format_version;
}

Result<Batch, StoreError> FormatMigration::next_batch() {
    ENSURE(!done());
    Batch batch;
    batch.turn_number = store_.last_turn_number() + 1;
    std::size_t keys = 0;
    std::size_t bytes = 0;
    std::optional<std::string> failure;
    bool full = false;
    const auto visit = [&](std::string_view key, std::string_view value) {
        if (key == marker_.position) return true;
        auto now = converted(marker_.family, key, value);
        if (!now) {
            failure = now.error().what;
            return false;
        }
        marker_.position = key;
        if (marker_.family == Family::journal && key.front() == static_cast<char>(KeyPrefix::transaction) &&
            is_open_transaction(now->value))
            batch.put(Family::journal, static_cast<char>(KeyPrefix::open_work) + std::string(key.substr(1)),
                      "");
        if (now->changed) {
            bytes += now->value ? now->value->size() : 0;
            batch.mutations.push_back({{marker_.family, marker_.position}, std::move(now->value)});
            ++report_.records;
        }
        full = ++keys >= keys_a_batch_ || bytes >= value_bytes_max;
        return !full;
    };
    while (!full && !done()) {
        if (const auto read = store_.scan(marker_.family, marker_.position, "", visit); !read)
            return tl::unexpected(read.error());
        if (failure)
            return corrupt("bringing the ledger to format " + std::to_string(format_version) + ": " +
                           *failure);
        if (full) break;
        marker_.position.clear();
        if (marker_.family == Family::journal) {
            marker_.family = Family::index;
        } else {
            marker_ = {};
        }
    }
    batch.put(Family::journal, format_key(), encode(marker_));
    ++report_.batches;
    return batch;
}

Result<std::optional<FormatMigrationReport>, StoreError> migrate_to_current_format(
    const Store& store, const std::function<Result<void, StoreError>(Batch)>& commit) {
    auto found = stored_format(store);
    if (!found) return tl::unexpected(found.error());
    if (!*found) return std::optional<FormatMigrationReport>{};
    FormatMigration migration(store, std::move(**found));
    if (migration.done()) return std::optional<FormatMigrationReport>{};
    while (!migration.done()) {
        auto batch = migration.next_batch();
        if (!batch) return tl::unexpected(batch.error());
        if (const auto committed = commit(std::move(*batch)); !committed)
            return tl::unexpected(committed.error());
    }
    return std::optional(migration.report());
}

}  // namespace ledger
