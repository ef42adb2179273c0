#include "switch/core/merchant_money_check.hpp"

#include <map>

#include "ledger/merchant_books.hpp"
#include "ledger/retention_records.hpp"
#include "switch/core/discounts.hpp"
#include "switch/core/fees.hpp"

namespace acquirer {

using iso8583::Result;
using ledger::MerchantEntry;
using ledger::MerchantEntryKind;
using ledger::StoreError;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// What stands of one merchant, by its transactions and by its entries.
struct Standing {
    std::int64_t fees = 0, discounts = 0, drawn = 0;  // of sales and refunds
    std::int64_t fee_entries = 0, discount_entries = 0, drawn_entries = 0;
    std::int64_t reserve = 0;
};

class Check {
  public:
    explicit Check(const ledger::StoreReader& store) : store_(store) {}

    Result<void, StoreError> read_transactions() {
        std::optional<StoreError> error;
        const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::transaction);
        const auto visit = [&](std::string_view, std::string_view value) {
            const auto record = ledger::decode_transaction_record(value);
            if (!record) {
                error = StoreError{StoreError::Kind::corruption, record.error().what};
                return false;
            }
            Standing& of = merchants_[record->merchant];
            of.fees += record->charges.fee_minor;
            of.discounts += record->charges.discount_minor;
            of.drawn += record->drawn_minor;
            if (record->kind == TransactionKind::sale) ++out_.sales;
            if (const std::string fault = fault_of_charges(*record); !fault.empty())
                broken(std::string(ledger::name(record->kind)) + " " + record->rrn.str() + ": " + fault);
            return true;
        };
        if (auto done = store_.scan(ledger::Family::journal, range.from, range.to, visit); !done)
            return tl::unexpected(done.error());
        if (error) return tl::unexpected(*error);
        return {};
    }

    Result<void, StoreError> read_entries() {
        for (const auto book : {ledger::MerchantBook::fees, ledger::MerchantBook::reserve}) {
            auto done = ledger::visit_merchant_entries(store_, ledger::all_keys(ledger::prefix_of(book)),
                                                       [this](const MerchantEntry& e) {
                                                           add(e);
                                                           return true;
                                                       });
            if (!done) return done;
        }
        return {};
    }

    /// What stands of transactions that retention let go; their entries stay.
    Result<void, StoreError> read_purged() {
        const auto sums = ledger::purged_sums(store_);
        if (!sums) return tl::unexpected(sums.error());
        const auto minor = [&sums](const std::string& name) {
            const auto at = sums->find(name);
            return at == sums->end() ? 0 : at->second.amount_minor;
        };
        for (auto& [id, of] : merchants_) {
            of.fees += minor(ledger::purged_fees_name(id));
            of.discounts += minor(ledger::purged_discounts_name(id));
            of.drawn += minor(ledger::purged_draws_name(id));
        }
        return {};
    }

    MoneyFaults finish(const ledger::Totals& totals) {
        for (const auto& [id, of] : merchants_) {
            const std::string who = "merchant " + id.str() + ": ";
            if (of.fees != of.fee_entries)
                broken(who + "I12: " + std::to_string(of.fees) + " of fees stand, its statement says " +
                       std::to_string(of.fee_entries));
            if (of.discounts != of.discount_entries)
                broken(who + "I12: " + std::to_string(of.discounts) +
                       " of discounts stand, its statement says " + std::to_string(of.discount_entries));
            if (of.drawn != of.drawn_entries)
                broken(who + "I13: refunds drew " + std::to_string(of.drawn) + ", its statement says " +
                       std::to_string(of.drawn_entries));
            const std::int64_t total = totals.get(ledger::reserve_name(id)).amount_minor;
            if (of.reserve != total)
                broken(who + "I13: its reserve is " + std::to_string(total) + ", its entries make " +
                       std::to_string(of.reserve));
        }
        return std::move(out_);
    }

  private:
    void add(const MerchantEntry& e) {
        Standing& of = merchants_[e.merchant];
        switch (e.kind) {
            case MerchantEntryKind::fee:
                of.fee_entries += e.from_merchant_minor();
                return;
            case MerchantEntryKind::discount:
                of.discount_entries += e.from_merchant_minor();
                return;
            case MerchantEntryKind::charge:
            case MerchantEntryKind::adjustment:
                return;
            case MerchantEntryKind::drawn:
                of.drawn_entries -= e.from_merchant_minor();
                break;
            case MerchantEntryKind::withheld:
            case MerchantEntryKind::added:
                break;
        }
        of.reserve += e.from_merchant_minor();
        if (of.reserve < 0 || of.reserve != e.stands_minor)
            broken("merchant " + e.merchant.str() + ": I13: entry " + std::to_string(e.number) + " of " +
                   e.day.date.iso() + " leaves " + std::to_string(of.reserve) + " in the reserve, it says " +
                   std::to_string(e.stands_minor));
    }

    void broken(std::string fault) {
        if (out_.faults.size() < MoneyFaults::faults_max) out_.faults.push_back(std::move(fault));
    }

    const ledger::StoreReader& store_;
    MoneyFaults out_;
    std::map<iso8583::MerchantId, Standing> merchants_;
};

}  // namespace

std::string fault_of_charges(const TransactionRecord& r) {
    if (r.kind == TransactionKind::sale) {
        if (r.charges.fee_minor != fees::due_minor(r))
            return "I12: a fee of " + std::to_string(r.charges.fee_minor) + " stands, " +
                   std::to_string(fees::due_minor(r)) + " has to";
        if (r.charges.discount_minor != discounts::due_minor(r))
            return "I12: a discount of " + std::to_string(r.charges.discount_minor) + " stands, " +
                   std::to_string(discounts::due_minor(r)) + " has to";
        if (r.charges.withheld_minor < 0) return "I13: less than nothing is withheld of it";
        return {};
    }
    if (r.drawn_minor < 0 || r.drawn_minor > ledger::counted_minor(r))
        return "I13: it drew " + std::to_string(r.drawn_minor) + " from the reserve and counts " +
               std::to_string(ledger::counted_minor(r));
    return {};
}

iso8583::Result<MoneyFaults, StoreError> find_merchant_money_faults(const ledger::StoreReader& store,
                                                                    const ledger::Totals& totals) {
    Check check(store);
    if (auto done = check.read_transactions(); !done) return tl::unexpected(done.error());
    if (auto done = check.read_entries(); !done) return tl::unexpected(done.error());
    if (auto done = check.read_purged(); !done) return tl::unexpected(done.error());
    return check.finish(totals);
}

}  // namespace acquirer
