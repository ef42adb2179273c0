#include "switch/core/merchant_funds.hpp"

#include <algorithm>
#include <vector>

#include "iso8583/values/ensure.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/refund_reasons.hpp"
#include "switch/core/reserve_fund.hpp"
#include "switch/core/transaction_flow.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

using ledger::Adjustment;
using ledger::Proposal;

namespace {

// Stable words of proposals.
constexpr std::string_view reserve_add_action = "reserve_add";
constexpr std::string_view charge_action = "adjustment_charge";
constexpr std::string_view adjustment_action = "adjustment_open";

constexpr std::size_t reference_characters_max = 64;

/// Letters, digits and - _ . / alone: it is a part of keys and of a proposal's subject.
std::optional<std::string> fault_of_reference(std::string_view what, const std::string& reference) {
    const bool fits = !reference.empty() && reference.size() <= reference_characters_max &&
                      std::all_of(reference.begin(), reference.end(), [](char c) {
                          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                 c == '-' || c == '_' || c == '.' || c == '/';
                      });
    if (fits) return std::nullopt;
    return std::string(what) + ": 1 to " + std::to_string(reference_characters_max) +
           " letters, digits and - _ . / are needed";
}

struct Asked {
    iso8583::MerchantId merchant;
    iso8583::Amount amount;
};

iso8583::Result<Asked, OperatorAnswer> read_asked(const Configuration& config, const std::string& merchant,
                                                  const std::string& amount_major) {
    const auto id = iso8583::MerchantId::parse(merchant);
    if (!id || config.find_merchant(*id) == nullptr)
        return tl::unexpected(no("no merchant " + merchant + " is configured"));
    const auto amount = iso8583::Amount::parse_major(amount_major, config.currency);
    if (!amount) return tl::unexpected(no("amount: " + amount.error().what));
    if (amount->is_zero()) return tl::unexpected(no("amount: more than zero is needed"));
    return Asked{*id, *amount};
}

/// The words of a proposal's subject: none of them has a space.
std::vector<std::string> words_of(const std::string& subject) {
    std::vector<std::string> words(1);
    for (const char c : subject) {
        if (c == ' ')
            words.emplace_back();
        else
            words.back() += c;
    }
    return words;
}

iso8583::MerchantId merchant_of(const std::string& word) {
    const auto id = iso8583::MerchantId::parse(word);
    ENSURE(id.has_value());  // it was checked when it was proposed
    return *id;
}

void describe(OperatorAnswer& answer, const Asked& asked) {
    if (!answer.done) return;
    std::erase_if(answer.values, [](const auto& value) { return value.first == "rrn"; });
    answer.values.emplace_back("merchant", asked.merchant.str());
    answer.values.emplace_back("amount", asked.amount.major());
    answer.values.emplace_back("currency", asked.amount.currency().str());
}

}  // namespace

MerchantFunds::MerchantFunds(CoreContext& context, TransactionFlow& transactions, WaysOut& ways_out)
    : c_(context), transactions_(transactions), ways_out_(ways_out) {
    const auto add = [this](std::string_view action, auto carry_out) {
        ways_out_.add_kind(action, {[] { return std::string(); }, "", WhileRestored::refused,
                                    [this, carry_out](const Proposal& p, const std::string& by) {
                                        return (this->*carry_out)(p, by);
                                    }});
    };
    add(reserve_add_action, &MerchantFunds::add_reserve);
    add(charge_action, &MerchantFunds::charge);
    add(adjustment_action, &MerchantFunds::adjust);
}

OperatorAnswer MerchantFunds::propose(const OperatorCommanded& event, const AddReserve& command) {
    const auto asked = read_asked(*c_.config, command.merchant, command.amount_major);
    if (!asked) return asked.error();
    Proposal p;
    p.action = reserve_add_action;
    p.outcome = "added";
    p.subject = asked->merchant.str();
    p.amount_minor = asked->amount.minor_units();
    p.note = command.note;
    OperatorAnswer answer = ways_out_.propose(event, std::move(p));
    describe(answer, *asked);
    return answer;
}

std::string MerchantFunds::add_reserve(const Proposal& p, const std::string& by) {
    const iso8583::MerchantId merchant = merchant_of(p.subject);
    const iso8583::Amount amount(p.amount_minor, c_.config->currency);
    reserve_fund::add(c_, merchant, amount, p.note, by);
    const iso8583::Amount holds(reserve_fund::holds_minor(c_, merchant), c_.config->currency);
    transactions_.release_funded(merchant);
    return amount.major() + " is in the reserve of merchant " + merchant.str() + ", which held " +
           holds.major() + " then";
}

OperatorAnswer MerchantFunds::propose(const OperatorCommanded& event, const ChargeMerchant& command) {
    const auto asked = read_asked(*c_.config, command.merchant, command.amount_major);
    if (!asked) return asked.error();
    if (const auto fault = fault_of_reference("ref", command.reference)) return no(*fault);
    if (ledger::MerchantBooks(c_.ledger).adjustment(asked->merchant, Adjustment::Kind::charge,
                                                    command.reference))
        return no("merchant " + asked->merchant.str() + " was charged under the reference " +
                  command.reference + " already");
    if (command.text.empty() || command.text.size() > note_characters_max)
        return no("text: 1 to " + std::to_string(note_characters_max) + " characters say what it is for");
    Proposal p;
    p.action = charge_action;
    p.outcome = "charged";
    p.subject = asked->merchant.str() + " " + command.reference;
    p.amount_minor = asked->amount.minor_units();
    p.note = command.text;
    OperatorAnswer answer = ways_out_.propose(event, std::move(p));
    describe(answer, *asked);
    return answer;
}

std::string MerchantFunds::charge(const Proposal& p, const std::string& by) {
    const auto words = words_of(p.subject);
    Adjustment a;
    a.kind = Adjustment::Kind::charge;
    a.merchant = merchant_of(words.at(0));
    a.reference = words.at(1);
    a.amount = iso8583::Amount(p.amount_minor, c_.config->currency);
    a.text = p.note;
    a.by = by;
    a.at = c_.now.utc;
    a.day = c_.business_day;
    ledger::MerchantBooks books(c_.ledger);
    if (books.adjustment(a.merchant, a.kind, a.reference))
        return "nothing is charged: another proposal charged " + a.reference + " meanwhile";
    books.save(a);
    post(a, p.amount_minor);
    return "merchant " + a.merchant.str() + " is charged " + a.amount.major() + " under the reference " +
           a.reference;
}

std::optional<std::string> MerchantFunds::fault_of_adjustment(const iso8583::MerchantId& merchant,
                                                              const std::string& charge, std::int64_t minor) {
    const auto charged =
        ledger::MerchantBooks(c_.ledger).adjustment(merchant, Adjustment::Kind::charge, charge);
    if (!charged) return "merchant " + merchant.str() + " was never charged under the reference " + charge;
    const std::int64_t left = charged->amount.minor_units() - charged->given_back_minor;
    if (minor <= left) return std::nullopt;
    return "of charge " + charge + " only " + iso8583::Amount(left, charged->amount.currency()).major() +
           " of " + charged->amount.major() + " is left to give back";
}

OperatorAnswer MerchantFunds::propose(const OperatorCommanded& event, const OpenAdjustment& command) {
    const auto asked = read_asked(*c_.config, command.merchant, command.amount_major);
    if (!asked) return asked.error();
    if (const auto fault = fault_of_reference("charge", command.charge)) return no(*fault);
    if (const auto fault = fault_of_reference("ref", command.reference)) return no(*fault);
    if (command.reason.empty()) return no("reason: a code is needed (reasons list)");
    if (const auto fault = fault_of_reason(c_.config->refund_reasons, command.reason)) return no(*fault);
    const auto known = ledger::MerchantBooks(c_.ledger).adjustment(
        asked->merchant, Adjustment::Kind::adjustment, command.reference);
    if (known)
        return no("adjustment " + command.reference + " of merchant " + asked->merchant.str() +
                  " was made already: " + known->amount.major() + " of charge " + known->charge);
    if (const auto fault = fault_of_adjustment(asked->merchant, command.charge, asked->amount.minor_units()))
        return no(*fault);
    Proposal p;
    p.action = adjustment_action;
    p.outcome = "given_back";
    p.subject = asked->merchant.str() + " " + command.charge + " " + command.reference + " " + command.reason;
    p.amount_minor = asked->amount.minor_units();
    p.note = "given back of charge " + command.charge + ": " + command.reason;
    OperatorAnswer answer = ways_out_.propose(event, std::move(p));
    describe(answer, *asked);
    return answer;
}

std::string MerchantFunds::adjust(const Proposal& p, const std::string& by) {
    const auto words = words_of(p.subject);
    Adjustment a;
    a.kind = Adjustment::Kind::adjustment;
    a.merchant = merchant_of(words.at(0));
    a.charge = words.at(1);
    a.reference = words.at(2);
    a.reason = words.at(3);
    a.amount = iso8583::Amount(p.amount_minor, c_.config->currency);
    a.by = by;
    a.at = c_.now.utc;
    a.day = c_.business_day;
    ledger::MerchantBooks books(c_.ledger);
    if (books.adjustment(a.merchant, a.kind, a.reference))
        return "nothing is given back: another proposal used the reference " + a.reference + " meanwhile";
    if (const auto fault = fault_of_adjustment(a.merchant, a.charge, p.amount_minor))
        return "nothing is given back: " + *fault;
    auto charged = books.adjustment(a.merchant, Adjustment::Kind::charge, a.charge);
    charged->given_back_minor += p.amount_minor;
    books.save(*charged);
    books.save(a);
    post(a, charged->amount.minor_units() - charged->given_back_minor);
    return a.amount.major() + " of charge " + a.charge + " is given back to merchant " + a.merchant.str();
}

void MerchantFunds::post(const Adjustment& a, std::int64_t stands_minor) {
    const bool is_charge = a.kind == Adjustment::Kind::charge;
    ledger::MerchantEntry entry;
    entry.merchant = a.merchant;
    entry.day = a.day;
    entry.at = a.at;
    entry.kind = is_charge ? ledger::MerchantEntryKind::charge : ledger::MerchantEntryKind::adjustment;
    entry.rule = "R103";
    entry.debit = is_charge ? ledger::Account::merchant_payable : ledger::Account::fee_income;
    entry.credit = is_charge ? ledger::Account::fee_income : ledger::Account::merchant_payable;
    entry.amount_minor = a.amount.minor_units();
    entry.currency = a.amount.currency();
    entry.stands_minor = stands_minor;
    entry.reference = is_charge ? a.reference : a.charge;
    entry.text = is_charge ? a.text : a.reason + ", " + a.reference;
    entry.by = a.by;
    ledger::MerchantBooks(c_.ledger).post(std::move(entry));
}

}  // namespace acquirer
