#include "tests/simulation/record_facts.hpp"

namespace simulation {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// What stands in an account by this record's postings, credits less debits.
std::int64_t credited(const TransactionRecord& r, ledger::Account account) {
    std::int64_t minor = 0;
    for (const ledger::Posting& p : r.postings)
        minor += (p.credit == account ? p.amount_minor : 0) - (p.debit == account ? p.amount_minor : 0);
    return minor;
}

}  // namespace

bool postings_fit(const TransactionRecord& r) {
    using ledger::Account;
    const std::int64_t amount = r.amount.minor_units();
    const std::int64_t twice = r.decided.paid_twice ? amount : 0;  // the issuer paid though it went elsewhere
    const std::int64_t at_issuer = credited(r, Account::issuer_receivable);
    const std::int64_t on_its_way = credited(r, Account::refund_in_transit);
    const std::int64_t in_suspense = credited(r, Account::refund_suspense);
    if (one_of(r.state, {State::reversing, State::reversal_stuck})) return true;
    if (r.kind == TransactionKind::void_sale || r.kind == TransactionKind::authorization)
        return r.postings.empty();
    if (r.kind == TransactionKind::sale)
        return at_issuer ==
               (one_of(r.state, {State::approved, State::voiding, State::not_collected}) ? -amount : 0);
    switch (r.state) {
        case State::approved:
            return at_issuer == amount + twice && on_its_way == 0 && in_suspense == -twice;
        case State::abnormal:
            return at_issuer == 0 && on_its_way == 0 && in_suspense == amount;
        case State::merchant_account:
        case State::alternative_account:
        case State::cancelled:
            return at_issuer == twice && on_its_way == 0 && in_suspense == -twice;
        case State::declined:
        case State::refused:
        case State::rejected:
        case State::expired:
        case State::reversed:
        case State::tombstone:
            return at_issuer == 0 && on_its_way == 0 && in_suspense == 0;
        default:  // under way; sent once more it is in suspense still (R74)
            return at_issuer == 0 && on_its_way + in_suspense == amount;
    }
}

bool approval_holds(const TransactionRecord& r) {
    switch (r.kind) {
        case TransactionKind::sale:
            return one_of(r.state, {State::approved, State::voiding, State::voided, State::void_reversing,
                                    State::not_collected});
        case TransactionKind::authorization:
            return one_of(r.state,
                          {State::authorized, State::auth_voiding, State::auth_voided, State::void_reversing,
                           State::completing, State::completed, State::lapsed});
        case TransactionKind::void_sale:
            return one_of(r.state,
                          {State::voided, State::advice_pending, State::parked, State::reversal_stuck});
        case TransactionKind::refund:
            return one_of(r.state,
                          {State::approved, State::advice_pending, State::processing, State::abnormal,
                           State::parked, State::alternative_account, State::merchant_account});
    }
    return false;
}

bool contradicts_reversal(const TransactionRecord& r) {
    if (one_of(r.state, {State::intent, State::sent, State::approved, State::authorized, State::completed,
                         State::held, State::cleared}))
        return true;
    return r.kind == TransactionKind::refund &&
           one_of(r.state, {State::advice_pending, State::processing, State::abnormal, State::parked});
}

bool is_left_to_others(const TransactionRecord& r) {
    const auto& joined = r.shared.joined;
    auto taken_back = static_cast<std::size_t>(
        std::count_if(joined.begin(), joined.end(), [](const auto& k) { return k.reversal_digest != 0; }));
    if (r.shared.own_reversal_digest != 0) ++taken_back;
    return r.reversal_digest == 0 && taken_back != 0 && taken_back <= joined.size();
}

std::string words(const TransactionRecord& r) {
    return std::string(ledger::name(r.kind)) + " " + r.rrn.str() + " (" + std::string(ledger::name(r.state)) +
           ", " + r.amount.major() + ")";
}

bool people_decided(const TransactionRecord& r) {
    return std::any_of(r.history.begin(), r.history.end(), [](const ledger::HistoryEntry& h) {
        return h.rule == "R70" || h.rule == "R71" || h.rule == "R72" || h.rule == "R74";
    });
}

}  // namespace simulation
