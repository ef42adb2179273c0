#include "switch/core/money_check.hpp"

#include "ledger/key_layout.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/authorization_check.hpp"

namespace acquirer {

using iso8583::Result;
using ledger::StoreError;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

struct Taken {
    std::int64_t minor = 0;
    std::uint32_t count = 0;
};

Result<std::optional<TransactionRecord>, StoreError> read(const ledger::StoreReader& store,
                                                          const iso8583::Rrn& rrn) {
    auto value = store.get(ledger::Family::journal, ledger::transaction_key(rrn));
    if (!value) return tl::unexpected(value.error());
    if (!*value) return std::optional<TransactionRecord>();
    auto record = ledger::decode_transaction_record(**value);
    if (!record) return tl::unexpected(StoreError{StoreError::Kind::corruption, record.error().what});
    return std::optional(std::move(*record));
}

/// What its refunds that count took, by walking the chain from the last one back.
Result<Taken, StoreError> taken_from(const ledger::StoreReader& store, const TransactionRecord& sale) {
    Taken taken;
    for (std::optional<iso8583::Rrn> at = sale.last_refund; at;) {
        auto refund = read(store, *at);
        if (!refund) return tl::unexpected(refund.error());
        if (!*refund) break;
        if ((*refund)->kind == TransactionKind::refund) {
            const std::int64_t counted = ledger::counted_minor(**refund);
            taken.minor += counted;
            taken.count += counted != 0 ? 1 : 0;
        }
        at = (*refund)->last_refund;
    }
    return taken;
}

std::string fault_of(const TransactionRecord& sale, const Taken& taken) {
    const std::int64_t amount = sale.amount.minor_units();
    const auto all = [&] { return std::to_string(taken.minor) + " of " + std::to_string(amount); };
    if (taken.minor != sale.refunds_minor || taken.count != sale.refunds_count)
        return "I1: its refunds took " + all() + ", its record says " + std::to_string(sale.refunds_minor);
    if (taken.minor + sale.chargebacks_minor > amount)
        return "I1: its refunds and chargebacks took more than the sale, " + all();
    if (taken.count != 0 && sale.state != ledger::State::approved)
        return "I2: refunds of it stand, and it is not approved";
    return {};
}

}  // namespace

Result<MoneyFaults, StoreError> find_money_faults(const ledger::StoreReader& store) {
    MoneyFaults out;
    std::optional<StoreError> error;
    const ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::transaction);
    const auto visit = [&](std::string_view, std::string_view value) {
        const auto record = ledger::decode_transaction_record(value);
        if (!record) {
            error = StoreError{StoreError::Kind::corruption, record.error().what};
            return false;
        }
        if (record->kind != TransactionKind::sale) return true;
        ++out.sales;
        const auto taken = taken_from(store, *record);
        if (!taken) {
            error = taken.error();
            return false;
        }
        std::string fault = fault_of(*record, *taken);
        if (fault.empty() && record->is_completion()) {
            const auto authorization = read(store, *record->original);
            if (!authorization) {
                error = authorization.error();
                return false;
            }
            fault = authorization_fault(*record, *authorization ? &**authorization : nullptr);
        }
        if (!fault.empty() && out.faults.size() < MoneyFaults::faults_max)
            out.faults.push_back("sale " + record->rrn.str() + ": " + fault);
        return true;
    };
    if (auto done = store.scan(ledger::Family::journal, range.from, range.to, visit); !done)
        return tl::unexpected(done.error());
    if (error) return tl::unexpected(*error);
    return out;
}

}  // namespace acquirer
