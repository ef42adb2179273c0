#include "ledger/vault_books.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "ledger/record_fields.hpp"

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;
using iso8583::Rrn;

bool VaultRecord::is_old(std::uint32_t number) const {
    return std::any_of(old.begin(), old.end(), [number](const Old& key) { return key.number == number; });
}

std::string encode(const VaultRecord& v) {
    RecordWriter w(property_record_version);
    w.varint(v.active);
    w.varint(v.last);
    w.varint(v.old.size());
    for (const VaultRecord::Old& key : v.old) {
        w.varint(key.number);
        w.boolean(key.empty);
    }
    w.varint(v.making);
    w.varint(v.retiring);
    w.text(v.by);
    w.u8(static_cast<std::uint8_t>(v.phase));
    w.text(v.after.view());
    for (const iso8583::UtcTime time : {v.from, v.at, v.began, v.ended}) w.svarint(time.ms);
    for (const std::uint64_t count : {v.looked, v.resealed, v.found, v.unreadable}) w.varint(count);
    w.kept_properties(v.unknown_properties);
    return w.finish();
}

Result<VaultRecord> decode_vault_record(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "vault keys");
    VaultRecord v;
    v.active = u32_of(r, "active");
    v.last = u32_of(r, "last");
    const std::uint64_t count = r.varint_max("old keys", vault_keys_max);
    for (std::uint64_t i = 0; i < count && r.ok(); ++i) {
        VaultRecord::Old key;
        key.number = u32_of(r, "old.number");
        key.empty = r.boolean("old.empty");
        if (r.ok() && key.number <= (v.old.empty() ? 0 : v.old.back().number))
            r.fail("old.number", "it is not above the one before");
        v.old.push_back(key);
    }
    v.making = u32_of(r, "making");
    v.retiring = u32_of(r, "retiring");
    v.by = r.text("by");
    v.phase = enum_of(r, "phase", r.u8("phase"), VaultRecord::Phase::stuck);
    v.after = id_or_empty<Rrn>(r, "after");
    for (iso8583::UtcTime* time : {&v.from, &v.at, &v.began, &v.ended}) time->ms = r.svarint("times");
    for (std::uint64_t* number : {&v.looked, &v.resealed, &v.found, &v.unreadable})
        *number = r.varint("counts");
    if (r.ok() && (v.active < first_vault_key || v.active > v.last || v.is_old(v.active)))
        r.fail("active", "it is no number of an active key");
    v.unknown_properties = r.unknown_properties();
    return finished(r, std::move(v));
}

Result<VaultRecord> read_vault_record(const StoreReader& store) {
    const auto stored = store.get(Family::index, vault_record_key());
    if (!stored) return parse_error(stored.error().what);
    if (!*stored) return VaultRecord{};
    return decode_vault_record(**stored);
}

std::string keys_missing(const VaultRecord& record, const PanVault& vault) {
    std::vector<std::uint32_t> wanted;
    for (const VaultRecord::Old& key : record.old)
        if (!key.empty) wanted.push_back(key.number);
    wanted.push_back(record.active);
    for (const std::uint32_t number : wanted)
        if (!vault.has(number))
            return "the ledger has cards sealed under vault key " + std::to_string(number) +
                   ", and the vault's keys are without it: an older vault.key was put in its place; put the "
                   "newest back";
    return {};
}

Result<std::optional<iso8583::UtcTime>> oldest_transaction(const StoreReader& store) {
    std::optional<iso8583::UtcTime> made;
    Result<void> verdict;
    const KeyRange all = all_keys(KeyPrefix::transaction);
    const auto read =
        store.scan(Family::journal, all.from, all.to, [&](std::string_view, std::string_view value) {
            if (const auto record = decode_transaction_record(value))
                made = record->created;
            else
                verdict = tl::unexpected(record.error());
            return false;
        });
    if (!read) return parse_error(read.error().what);
    if (!verdict) return tl::unexpected(verdict.error());
    return made;
}

Result<SealReport> find_seal_faults(const StoreReader& store, const PanVault& vault) {
    std::map<std::uint32_t, std::uint64_t> cards;
    SealReport report;
    const KeyRange all = all_keys(KeyPrefix::transaction);
    const auto read =
        store.scan(Family::journal, all.from, all.to, [&](std::string_view, std::string_view value) {
            const auto record = decode_transaction_record(value);
            if (!record) {
                report.faults.push_back(record.error().what);
                return true;
            }
            if (record->sealed_card.empty()) return true;
            ++cards[record->sealed_under];
            auto text = vault.open(record->sealed_card, record->rrn.view(), record->sealed_under);
            if (text)
                iso8583::zeroise(text->data(), text->size());
            else
                report.faults.push_back(record->rrn.str() + ": " + text.error().what);
            return true;
        });
    if (!read) return parse_error(read.error().what);
    for (const auto& [key, count] : cards) report.keys.push_back({key, count});
    return report;
}

// ---- VaultBooks

VaultRecord VaultBooks::record() {
    const auto stored = ledger_.get(Family::index, vault_record_key());
    if (!stored) return {};
    return ledger_.decoded(decode_vault_record(*stored)).value_or(VaultRecord{});
}

void VaultBooks::save(const VaultRecord& record) {
    ledger_.overlay().put(Family::index, vault_record_key(), encode(record));
}

bool VaultBooks::is_needed(const TransactionRecord& record, const PanVault& vault) {
    return !record.sealed_card.empty() && record.sealed_under != vault.active();
}

VaultBooks::Outcome VaultBooks::reseal_one(TransactionRecord& record, const PanVault& vault) {
    if (!is_needed(record, vault)) return Outcome::not_needed;
    auto text = vault.open(record.sealed_card, record.rrn.view(), record.sealed_under);
    if (!text) return Outcome::unreadable;
    record.sealed_card = vault.seal(*text, record.rrn.view());
    record.sealed_under = vault.active();
    iso8583::zeroise(text->data(), text->size());
    return Outcome::resealed;
}

std::uint64_t VaultBooks::reseal_of_turn(const PanVault& vault) {
    std::uint64_t resealed = 0;
    for (const Rrn& rrn : ledger_.records_.changed())
        if (reseal_one(*ledger_.records_.find(rrn), vault) == Outcome::resealed) ++resealed;
    return resealed;
}

ResealSlice VaultBooks::reseal(const Rrn& after, const PanVault& vault, const ResealBounds& bounds) {
    ResealSlice slice;
    const KeyRange all = all_keys(KeyPrefix::transaction);
    const std::string from = after.empty() ? all.from : transaction_key(after) + '\0';
    std::vector<TransactionRecord> to_write;
    std::vector<Rrn> to_edit;  // decoded in the table
    bool went_on = false;
    const auto look = [&](std::string_view, std::string_view value) {
        went_on =
            slice.looked == bounds.looked_max || to_write.size() + to_edit.size() == bounds.resealed_max;
        if (went_on) return false;
        auto stored = ledger_.decoded(decode_transaction_record(value));
        if (!stored) return false;
        if (slice.looked == 0) slice.from = stored->created;
        ++slice.looked;
        slice.last = stored->rrn;
        slice.at = stored->created;
        if (const TransactionRecord* decoded = ledger_.records_.find(stored->rrn)) {
            if (is_needed(*decoded, vault)) to_edit.push_back(stored->rrn);
        } else if (is_needed(*stored, vault)) {
            to_write.push_back(std::move(*stored));
        }
        return true;
    };
    if (auto read = ledger_.overlay_.scan(Family::journal, from, all.to, look); !read && !ledger_.error_)
        ledger_.error_ = read.error();
    slice.ended = !went_on && !ledger_.error();
    const auto judge = [&slice](TransactionRecord& record, Outcome outcome) {
        if (outcome == Outcome::resealed) ++slice.resealed;
        if (outcome == Outcome::unreadable) slice.unreadable.push_back(record.rrn);
        return outcome == Outcome::resealed;
    };
    for (TransactionRecord& record : to_write)
        if (judge(record, reseal_one(record, vault)))
            ledger_.overlay().put(Family::journal, transaction_key(record.rrn), encode(record));
    for (const Rrn& rrn : to_edit) {
        TransactionRecord& record = *ledger_.records_.find(rrn);
        if (judge(record, reseal_one(record, vault))) ledger_.records_.mark_changed(rrn);
    }
    return slice;
}

}  // namespace ledger
