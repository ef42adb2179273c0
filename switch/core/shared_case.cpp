#include "switch/core/shared_case.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using ledger::AskingKey;
using ledger::TransactionRecord;

namespace {

/// Nothing: it is the record's own key.
template <typename Record>
auto* find_joined(Record& record, const AskingKey& key) {
    auto& joined = record.shared.joined;
    const auto at =
        std::find_if(joined.begin(), joined.end(), [&](const AskingKey& k) { return k.is_same_key(key); });
    return at == joined.end() ? nullptr : &*at;
}

}  // namespace

AskingKey asking_key(const TerminalRequest& r, iso8583::Stan stan, std::uint32_t transmission_time) {
    AskingKey key;
    key.terminal = r.terminal;
    if (r.profile == Profile::unionpay_pos) key.batch = r.batch;
    key.stan = stan;
    key.transmission_time = r.profile == Profile::unionpay_pos ? 0 : transmission_time;
    key.processing_code = r.processing_code;
    return key;
}

AskingKey asking_key(const TerminalRequest& r) { return asking_key(r, r.stan, r.transmission_time.value()); }

bool is_full(const TransactionRecord& held) { return held.shared.joined.size() >= ledger::joined_keys_max; }

void join_case(TransactionRecord& held, AskingKey key) {
    ENSURE(!is_full(held));
    held.shared.joined.push_back(std::move(key));
}

std::uint64_t reversal_digest_of(const TransactionRecord& record, const AskingKey& key) {
    if (record.shared.joined.empty()) return record.reversal_digest;
    const AskingKey* joined = find_joined(record, key);
    const std::uint64_t early =
        joined != nullptr ? joined->reversal_digest : record.shared.own_reversal_digest;
    return early != 0 ? early : record.reversal_digest;
}

bool is_taken_back(const TransactionRecord& record, const AskingKey& key) {
    if (record.shared.joined.empty()) return false;
    const AskingKey* joined = find_joined(record, key);
    return (joined != nullptr ? joined->reversal_digest : record.shared.own_reversal_digest) != 0;
}

bool is_asked_by_another(const TransactionRecord& record, const AskingKey& key) {
    if (record.shared.joined.empty()) return false;
    const AskingKey* joined = find_joined(record, key);
    const bool own_stands =
        joined != nullptr && (record.from_operations || record.shared.own_reversal_digest == 0);
    return own_stands ||
           std::any_of(record.shared.joined.begin(), record.shared.joined.end(),
                       [&](const AskingKey& k) { return &k != joined && k.reversal_digest == 0; });
}

void take_back(TransactionRecord& record, const AskingKey& key, std::uint64_t reversal_digest) {
    if (AskingKey* joined = find_joined(record, key))
        joined->reversal_digest = reversal_digest;
    else
        record.shared.own_reversal_digest = reversal_digest;
}

}  // namespace acquirer
