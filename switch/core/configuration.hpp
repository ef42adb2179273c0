// Configuration: the immutable snapshot the core decides by. Made and checked by switch/config/config.cpp
// from TOML, given to the core as ConfigReplaced; every decision stores its version. No I/O, no parsing here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hsm_sim/port.hpp"
#include "iso8583/field.hpp"
#include "iso8583/values/amount.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_zone.hpp"
#include "ledger/transaction_record.hpp"
#include "routing/route_table.hpp"
#include "switch/core/issuer_file_format.hpp"

namespace acquirer {

/// How a terminal speaks (docs/wire.md).
enum class Profile : std::uint8_t { unionpay_pos, iso87 };
std::string_view name(Profile profile);  // "unionpay-pos", "iso87-ascii"

/// What to do with a refund that comes before its sale's batch is settled (R9).
enum class RefundBeforeSettlement : std::uint8_t { allow, suggest_void, turn_into_void };

/// What a refund has to be covered by (R27).
enum class RefundFunding : std::uint8_t { none, net_sales, reserve };
/// What becomes of a refund that a rule of caution stops: a case, or a refusal.
enum class OnCaution : std::uint8_t { hold, refuse };
/// What the ratio of refunds to sales compares (R28).
enum class RatioOf : std::uint8_t { count, amount };

/// Limits in minor units; 0 days is a window that ends with the business day.
struct RefundPolicy {
    std::int32_t window_days = 365;                            // business days (R16)
    std::optional<std::int64_t> refund_amount_max;             // one refund (R24: 61)
    std::optional<std::int32_t> refunds_per_terminal_day_max;  // accepted and held ones (R24: 65)
    std::int64_t approval_amount_above = 1'000'000;            // a larger refund needs a checker (R17)
    std::int64_t approval_keyed_amount_above = 100'000;  // the same when the card was keyed in (DE22 01x)
    std::int32_t repeat_refund_seconds = 300;            // R20b; 0 is off
    RefundBeforeSettlement before_settlement = RefundBeforeSettlement::allow;
    std::optional<std::int32_t> approval_age_days;  // of an older sale, in business days: a checker (R29)
    RefundFunding funding = RefundFunding::none;    // R27
    OnCaution on_short = OnCaution::hold;
    // R104: what of each sale the merchant's reserve keeps back, until it holds so much.
    std::uint32_t reserve_percent = 0;
    std::optional<std::int64_t> reserve_max;
    /// What a refund does to the fee of its sale.
    ledger::FeeReturn fee_on_refund = ledger::FeeReturn::keep;
    // R28: bounds of caution; without a value there is none.
    std::optional<std::int32_t> refund_ratio_percent_max;  // of the merchant's sales, rolling 30 days
    RatioOf refund_ratio_of = RatioOf::amount;
    std::int32_t ratio_sales_min = 20;                         // before so many sales no ratio is judged
    std::optional<std::int32_t> refunds_per_card_day_max;      // of one card at one merchant
    std::optional<std::int32_t> refunds_per_operator_day_max;  // of one operator number at its tills
    std::optional<std::int32_t> refunds_per_merchant_day_max;
    std::optional<std::int32_t> refunds_per_terminal_day_caution;  // R24's bound refuses, this one is R28's
    OnCaution on_fraud = OnCaution::hold;
};

/// What a merchant pays for sales by one instrument: tiers of their amount, ascending, the last without end.
using FeeSchedule = std::map<ledger::Instrument, std::vector<ledger::FeeTier>>;

struct MerchantConfig {
    iso8583::MerchantId id;
    std::string name;
    bool suspended = false;
    bool refund_enabled = true;
    RefundPolicy refund;  // the default policy with the merchant's own values laid over it
    FeeSchedule fees;     // of instruments that are not in it: none
};

/// Terminals `first` to `last` (same length, decimal) of one merchant.
struct TerminalRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    iso8583::MerchantId merchant;
    Profile profile = Profile::unionpay_pos;
    hsm::MacProfile mac;
    bool protected_channel = false;   // said by the operator: the way to the port is protected (ecb needs it)
    bool single_length_keys = false;  // unionpay_pos: a sign-on may ask for them (60.3 = 001)
    /// Whose certificates may speak for these terminals; empty: whoever the port lets in.
    std::vector<std::string> certificate_names;
    hsm::KeyBlock tmk;  // unionpay_pos: working keys come by sign-on under it
    hsm::KeyBlock tak;  // iso87: configured
    hsm::KeyBlock tpk;  // iso87: configured
};

/// Time-outs and bounds; every bound has a name and is shown by `--describe limits`.
struct Limits {
    std::int32_t issuer_reply_timeout_ms = 30'000;
    std::int32_t not_found_quarantine_ms = 60'000;  // R51a: at least 2 × the time-out, except in the demo
    std::int32_t advice_retry_first_ms = 1'000;
    std::int32_t advice_retry_longest_ms = 300'000;
    std::int32_t tombstone_hours = 24;
    std::int32_t case_expires_days = 30;       // R77: a held case; a reminder after half of it
    std::int32_t proposal_expires_hours = 72;  // what no second person approved lapses
    std::int32_t vault_key_days = 365;         // cryptoperiod of the key that seals cards
    std::int32_t vault_key_warn_days = 30;     // before its end
    std::int32_t hsm_reply_timeout_ms = 2'000;
    std::int32_t key_change_grace_seconds = 300;         // a key that was changed verifies for so long
    std::int32_t sign_on_burst = 3;                      // of one terminal from one address …
    std::int32_t sign_on_refill_ms = 5'000;              // … of which one comes back after so long
    std::int32_t sign_ons_per_address_second_max = 500;  // 0: off
    std::int32_t bad_macs_per_minute_max = 10;           // R40; of one terminal from one address
    std::uint32_t pending_max = 20'000;                  // transactions waiting for an issuer or the HSM
    std::uint32_t terminal_pending_max = 64;             // of one terminal
    std::uint32_t askers_max = 8;                        // connections joined to one answer (R22)
    std::int32_t lines_per_second = 50;                  // of batches of refunds, together (R100)
};

/// How long what is finished is kept, in business days; 0: for ever. What it is of: docs/operations.md,
/// "Retention".
struct RetentionDays {
    std::int32_t card_numbers = 0;
    std::int32_t requests = 0;  // answered ones: keys by which a repeat is known
    std::int32_t transactions = 0;
    std::int32_t exceptions = 0;
    std::int32_t proposals = 0;
    std::int32_t batches = 0;
    std::int32_t reconciliation = 0;
    std::int32_t notices = 0;
    bool daily = true;  // after each end of a business day; else only when people say so
    friend bool operator==(const RetentionDays&, const RetentionDays&) = default;
};

/// Who a person is at the tills of a merchant: the operator number of its terminals' sign-ons (DE63.1).
struct TillOperator {
    static constexpr std::size_t number_characters_max = 3;
    iso8583::MerchantId merchant;
    std::string number;
    friend bool operator==(const TillOperator&, const TillOperator&) = default;
};

/// The keys shared with an issuer, under the LMK.
struct IssuerKeys {
    hsm::KeyBlock zak;
    hsm::KeyBlock zpk;
    hsm::KeyBlock zmk;  // what new ones travel under; empty: none can
    hsm::PinBlockFormat pin_block_format = hsm::PinBlockFormat::iso0;
};

/// Where a value of the policy comes from.
enum class PolicyOrigin : std::uint8_t { default_value, file, stored };
std::string_view name(PolicyOrigin origin);
struct PolicyValue {
    std::string key;    // "refund.window_days"
    std::string value;  // as the file says it
    PolicyOrigin origin = PolicyOrigin::default_value;
    friend bool operator==(const PolicyValue&, const PolicyValue&) = default;
};
/// The policy as people see it (refundctl policy show); what the core decides by stands in the values
/// themselves.
struct PolicyInForce {
    std::string version;               // hash of all values; empty: the configuration came from no file
    std::string stored;                // what two people laid over the files, as TOML; empty: nothing
    std::vector<PolicyValue> general;  // every key of the policy
    std::map<iso8583::MerchantId, std::vector<PolicyValue>> merchants;  // what each has of its own
    std::map<std::string, std::vector<PolicyValue>> issuers;
};

/// Where wallets' payment codes and order numbers stand in terminals' messages: elements of a tagged text
/// (iso8583/tagged_text.hpp). Issuers have them in DE48 (docs/wire.md, docs/instruments.md).
struct WalletWire {
    std::uint8_t unionpay_number = 59;  // data element
    std::uint8_t iso_number = 48;
    std::string code_tag = "A3";
    std::string order_tag = "A4";

    [[nodiscard]] iso8583::Field field(Profile profile) const {
        return iso8583::field(profile == Profile::unionpay_pos ? this->unionpay_number : this->iso_number);
    }
};

struct Configuration {
    std::uint32_t version = 1;    // stored with every decision
    std::string hash;             // of the files it was read from
    std::string zone;             // IANA name
    iso8583::TimeZone time_zone;  // its clocks
    bool demo = false;
    bool notices = false;                 // customers and merchants are told what becomes of refunds
    iso8583::Currency currency;           // the one currency that terminals may use (R15: else 13)
    iso8583::InstitutionId acquirer;      // DE32 towards issuers
    bool refund_reversal_allowed = true;  // unionpay-pos terminals may reverse a refund (docs/wire.md)
    std::optional<std::int32_t> cutover_at_minute;  // minute of the local day
    /// Codes of reasons for a refund by people (switch/core/refund_reasons.hpp).
    std::vector<std::string> refund_reasons = {"quality", "service",   "mistake",
                                               "promise", "duplicate", "other"};
    Limits limits;
    RetentionDays retention;
    std::map<iso8583::MerchantId, MerchantConfig> merchants;
    std::vector<TerminalRange> terminals;  // sorted by first, disjoint
    routing::RouteTable routes;
    WalletWire wallet_wire;
    std::map<routing::RouteId, IssuerKeys> issuer_keys;
    std::map<std::string, std::vector<TillOperator>> till_operators;  // by the person's name
    std::map<routing::RouteId, IssuerFileFormat> issuer_files;  // R101: of routes that say something of it

    PolicyInForce policy;

    [[nodiscard]] const TerminalRange* find_terminal(const iso8583::TerminalId& id) const;
    [[nodiscard]] const MerchantConfig* find_merchant(const iso8583::MerchantId& id) const;
    /// How the files of a route's issuer look: the defaults when its configuration says nothing of them.
    [[nodiscard]] IssuerFileFormat issuer_file(routing::RouteId route) const;
};

using ConfigurationPtr = std::shared_ptr<const Configuration>;

/// As the `index`-th of `of` shards decides by it: its part of the bounds that hold for their sum. The same
/// object for the only one.
ConfigurationPtr part_of_shard(const ConfigurationPtr& whole, std::size_t index, std::size_t of);

}  // namespace acquirer
