// Records of retention: what is under way, what was purged, and what purged transactions had put into sums.
// Bytes: docs/ledger_format.md, "Retention"; keys begin with KeyPrefix::retention, in the journal. Amounts in
// minor units. A record that does not decode is damage and said with its field.
//
// Values and free functions. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/store.hpp"
#include "ledger/totals.hpp"
#include "ledger/transaction_record.hpp"

namespace ledger {

/// What has a time of its own to be kept. Stored: do not change values.
enum class RetentionFamily : std::uint8_t {
    card_numbers = 1,  // the sealed card number of a finished transaction
    requests = 2,      // the key under which a repeat of an answered request is known
    transactions = 3,  // a sale or authorization with all that hangs on it
    exceptions = 4,
    proposals = 5,
    batches = 6,  // of refunds, with their lines
    reconciliation = 7,
    notices = 8
};
inline constexpr std::array retention_families = {
    RetentionFamily::card_numbers,   RetentionFamily::requests,  RetentionFamily::transactions,
    RetentionFamily::exceptions,     RetentionFamily::proposals, RetentionFamily::batches,
    RetentionFamily::reconciliation, RetentionFamily::notices};
/// "card_numbers", "transactions" …: stable.
std::string_view name(RetentionFamily family);
/// Are its records found by the day of their transaction?
bool is_of_stories(RetentionFamily family);

/// What went of one family while one business day was open.
struct PurgeLogEntry {
    iso8583::BusinessDate day;
    RetentionFamily family = RetentionFamily::card_numbers;
    std::uint64_t purged = 0;
    std::string first, last;  // RRNs, ids or days of the least and the greatest
    iso8583::BusinessDate oldest, newest;
    iso8583::UtcTime at;  // of the last of it
    std::string by;       // who let the run begin
    std::string unknown_properties = {};
    /// One more, of that name and day.
    void add(const std::string& name, iso8583::BusinessDate of);
    /// Another shard's of the same day and family.
    void add(const PurgeLogEntry& other);
    friend bool operator==(const PurgeLogEntry&, const PurgeLogEntry&) = default;
};
std::string encode(const PurgeLogEntry& entry);
iso8583::Result<PurgeLogEntry> decode_purge_log_entry(std::string_view bytes);

/// The run under way, or the last one, and how far runs have looked.
struct RetentionState {
    /// Of a family of stories: first what an earlier run found too young or not at its end, then the days.
    enum class Stage : std::uint8_t { waiting = 1, days = 2 };
    std::uint64_t runs = 0;  // that began
    iso8583::BusinessDate
        day;  // the open one when it began; without runs: when retention was first asked for
    iso8583::UtcTime began, ended;
    std::string by;
    bool from_the_beginning = false;
    bool running = false;
    // Where it is.
    RetentionFamily family = RetentionFamily::card_numbers;
    Stage stage = Stage::waiting;
    iso8583::Date date;  // whose transactions are looked at
    std::string cursor;  // the key that was looked at last; empty: none yet
    /// Local dates up to which each family of stories was looked at.
    std::map<RetentionFamily, iso8583::Date> looked_through;
    std::string unknown_properties = {};
    friend bool operator==(const RetentionState&, const RetentionState&) = default;
};
std::string encode(const RetentionState& state);
iso8583::Result<RetentionState> decode_retention_state(std::string_view bytes);

std::string retention_state_key();
std::string purge_log_key(iso8583::BusinessDate day, RetentionFamily family);
KeyRange purge_log_keys();
/// A story that is looked at again on that business day; the value is empty.
std::string retention_waiting_key(RetentionFamily family, iso8583::BusinessDate again,
                                  const iso8583::Rrn& rrn);
/// Those of a family that are due up to a day.
KeyRange retention_waiting_until(RetentionFamily family, iso8583::BusinessDate day);
KeyRange retention_waiting_of(RetentionFamily family);
/// Nothing: it is no such key.
std::optional<iso8583::Rrn> waiting_rrn(std::string_view key);
/// What purged transactions had put into a sum.
std::string purged_sum_key(std::string_view sum);
std::string encode_purged_sum(const Total& total);
iso8583::Result<Total> decode_purged_sum(std::string_view bytes);
/// What of a merchant's fees, of discounts it funded and of draws on its reserve purged transactions held.
std::string purged_fees_name(const iso8583::MerchantId& merchant);
std::string purged_discounts_name(const iso8583::MerchantId& merchant);
std::string purged_draws_name(const iso8583::MerchantId& merchant);

/// Of the slots in which the key stands under which it was asked, and those of others that joined it (R20b).
std::vector<std::string> slot_keys_of(const TransactionRecord& record);

/// Nothing: retention was never asked for.
iso8583::Result<std::optional<RetentionState>, StoreError> stored_retention_state(const StoreReader& store);
/// All sums that purged transactions are in, by name.
iso8583::Result<std::map<std::string, Total>, StoreError> purged_sums(const StoreReader& store);
/// Oldest first, until `visit` says false.
iso8583::Result<void, StoreError> visit_purge_log(const StoreReader& store,
                                                  const std::function<bool(const PurgeLogEntry&)>& visit);
/// When transactions of a local date were purged first; nothing: none were.
iso8583::Result<std::optional<PurgeLogEntry>, StoreError> purge_of_transactions(const StoreReader& store,
                                                                                iso8583::Date date);

}  // namespace ledger
