// The books of a merchant's own money: what it pays in fees, what its reserve holds (R104), what was charged
// and given back (R103). Each entry is a posting with its cause, numbered within merchant and business day;
// the running totals of accounts count them as they count those of transactions. Bytes:
// docs/ledger_format.md, "Other records".
//
// Ownership: MerchantBooks refers to the ledger, whose error() a failed read becomes. Thread: the core's;
// keys and decoders anywhere. Amounts in minor units.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/ledger.hpp"

namespace ledger {

/// Which statement an entry is of.
enum class MerchantBook : std::uint8_t { fees, reserve };

// Stored: do not change values.
enum class MerchantEntryKind : std::uint8_t {
    fee = 1,         // of a sale; credit of the merchant when it goes back
    charge = 2,      // R103: beside the fees of sales
    adjustment = 3,  // R103: of a charge, given back
    discount = 4,    // R102: the part of a sale's discount that the merchant funds
    withheld = 5,    // R104: of a sale
    drawn = 6,       // R104: by a refund, or given back by one that counts no more
    added = 7        // R104: by two people
};
std::string_view name(MerchantEntryKind kind);

struct MerchantEntry {
    iso8583::MerchantId merchant;
    iso8583::BusinessDate day;
    std::uint64_t number = 0;  // within merchant and day, from 1
    iso8583::UtcTime at;
    MerchantEntryKind kind = MerchantEntryKind::fee;
    iso8583::Rrn rrn;    // of the sale; of what is about none: empty
    iso8583::Rrn cause;  // the refund by which it came; otherwise empty
    std::string rule;    // "R10"
    /// merchant_payable against fee_income, merchant_reserve or, of a discount, issuer_receivable.
    Account debit = Account::merchant_payable;
    Account credit = Account::fee_income;
    std::uint16_t route = 0;  // of issuer_receivable
    std::int64_t amount_minor = 0;
    iso8583::Currency currency;
    std::int64_t stands_minor = 0;  // after it: the sale's fee or discount; the charge's rest; the reserve
    std::string reference;          // of a charge or adjustment
    std::string text;
    std::string by;  // two people's names; empty: the switch
    std::string unknown_properties;
    /// What it takes from the merchant's payable; below zero: gives.
    [[nodiscard]] std::int64_t from_merchant_minor() const {
        return debit == Account::merchant_payable ? amount_minor : -amount_minor;
    }
};
std::string encode(const MerchantEntry& entry);
iso8583::Result<MerchantEntry> decode_merchant_entry(std::string_view bytes);

/// R103: a fee that a merchant was charged, or what was given back of one; by its reference.
struct Adjustment {
    enum class Kind : char { charge = 'c', adjustment = 'a' };  // bytes on disk: do not change
    Kind kind = Kind::charge;
    iso8583::MerchantId merchant;
    std::string reference;
    iso8583::Amount amount;
    std::int64_t given_back_minor = 0;  // of a charge
    std::string charge;                 // of an adjustment: the charge's reference
    std::string reason;                 // of an adjustment: a code
    std::string text;
    std::string by;
    iso8583::UtcTime at;
    iso8583::BusinessDate day;
    std::string unknown_properties;
};
std::string encode(const Adjustment& adjustment);
iso8583::Result<Adjustment> decode_adjustment(std::string_view bytes);

KeyPrefix prefix_of(MerchantBook book);
MerchantBook book_of(MerchantEntryKind kind);
std::string merchant_entry_key(MerchantBook book, const iso8583::MerchantId& merchant,
                               iso8583::BusinessDate day, std::uint64_t number);
/// The entries of a merchant, of all days or of one.
KeyRange entries_of(MerchantBook book, const iso8583::MerchantId& merchant);
KeyRange entries_of(MerchantBook book, const iso8583::MerchantId& merchant, iso8583::BusinessDate day);
std::string adjustment_key(const iso8583::MerchantId& merchant, Adjustment::Kind kind,
                           std::string_view reference);
/// Charges and adjustments of a merchant.
KeyRange adjustments_of(const iso8583::MerchantId& merchant);
/// The sum of what a merchant's reserve holds: its amount.
std::string reserve_name(const iso8583::MerchantId& merchant);
/// The sums that number a day's entries begin so.
std::string entry_numbers_prefix(iso8583::BusinessDate day);

class MerchantBooks {
  public:
    explicit MerchantBooks(Ledger& ledger) : ledger_(ledger) {}

    [[nodiscard]] std::int64_t reserve_minor(const iso8583::MerchantId& merchant) const;
    /// Numbers, posts and stores it. ENSUREs a positive amount, and that the reserve does not fall below 0.
    /// Of an entry of the reserve, `stands_minor` is set here.
    void post(MerchantEntry entry);
    [[nodiscard]] std::optional<Adjustment> adjustment(const iso8583::MerchantId& merchant,
                                                       Adjustment::Kind kind, std::string_view reference);
    void save(const Adjustment& adjustment);
    /// The numbers of a closed day are not asked for again.
    void day_closed(iso8583::BusinessDate day);

  private:
    Ledger& ledger_;
};

/// Every entry of a book, in the order of merchant, day and number. `visit` returns false to stop.
iso8583::Result<void, StoreError> visit_merchant_entries(
    const StoreReader& store, const KeyRange& range, const std::function<bool(const MerchantEntry&)>& visit);

}  // namespace ledger
