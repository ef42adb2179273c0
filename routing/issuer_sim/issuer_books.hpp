// IssuerBooks: what an issuer has booked, each request once. The second opinion on the switch's ledger: it
// knows nothing of the switch's rules and books what it is told to, but it remembers what no issuer should
// ever have been told (Anomaly), so that a check can ask for it.
//
// Amounts are integer minor units. No I/O, no clock, no MAC. One thread. A request is the same one when DE11,
// DE7 and DE37 are equal, whatever its MTI says about repeats (docs/interfaces.md, issuer-sim).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"

namespace routing {

/// An authorization is a hold: it is no booking, a sale that names it collects it, a reversal or void lifts
/// it.
enum class EffectKind : std::uint8_t { sale, refund, void_of_sale, reversal, authorization };
inline constexpr std::size_t effect_kinds = 5;
/// As in the journal: "sale", "refund", "void", "reversal", "authorization".
std::string_view name(EffectKind kind);

/// DE11, DE7 and DE37 of a request. The RRN may be missing in a reversal of what was never answered.
struct RequestKey {
    iso8583::Stan stan;
    iso8583::TransmissionTime transmission;
    iso8583::Rrn rrn;
    friend bool operator==(const RequestKey&, const RequestKey&) = default;
};

/// What the switch should never have asked of an issuer.
enum class Anomaly : std::uint8_t {
    refund_over_sale,         // refunds of one sale together pass what is left of it
    refund_without_original,  // DE90 names nothing in these books
    refund_of_reversed,       // the sale was voided or reversed before
    void_without_original,
    void_of_reversed,      // voided or reversed before
    void_of_refunded,      // the sale has a refund that was not reversed
    reversal_repeated,     // a second, other reversal of what is reversed already
    reversal_of_refunded,  // of a sale with refunds
    content_changed,       // same key, other kind or amount
    completion_without_authorization,
    completion_of_spent,   // the hold was collected or lifted before
    reversal_of_collected  // of a hold that a sale has collected
};
inline constexpr std::size_t anomaly_kinds = 12;
std::string_view name(Anomaly anomaly);

/// What of a wallet's sale its customer does not pay (R102), in minor units of its first amount.
struct SaleDiscount {
    std::int64_t wallet_funded = 0;
    std::int64_t merchant_funded = 0;
    [[nodiscard]] bool any() const { return wallet_funded + merchant_funded > 0; }
};

struct BookEntry {
    enum class State : std::uint8_t {
        undecided,  // seen, not answered finally (96 to the first tries)
        declined,
        booked,
        reversed,   // by a reversal, wholly
        voided,     // a sale or a hold, by a void
        collected,  // a hold, by a sale
        tombstone   // a reversal came before it: never booked
    };
    EffectKind kind = EffectKind::sale;
    EffectKind reversed_kind = EffectKind::sale;  // of a reversal: what it takes back
    State state = State::undecided;
    std::uint8_t tries = 0;
    std::uint16_t currency = 0;
    RequestKey key;
    std::int64_t amount = 0;    // of the request
    std::int64_t reversed = 0;  // part of it that reversals took back
    std::int64_t refunded = 0;  // of a sale: refunds that stand
    SaleDiscount discount;      // of a wallet's sale
    iso8583::TerminalId terminal;
    iso8583::MerchantId merchant;
    std::array<char, 4> pan_last4{'0', '0', '0', '0'};
    iso8583::ResponseCode code;  // empty while undecided
    iso8583::AuthorizationCode authorization;
    std::uint32_t order = 0;           // of a wallet's sale: the number in its order number; 0: none
    std::int32_t original = -1;        // entry of the sale, refund or void it refers to
    std::int32_t next_of_number = -1;  // the next entry with equal DE11 and DE7

    [[nodiscard]] std::string_view last4() const { return {pan_last4.data(), pan_last4.size()}; }
    /// What of the merchant's part of a sale stands, when refunds of `refunded` do: of a refund the
    /// customer's and the wallet's part are asked back, each rounded down over all refunds together. Minor
    /// units.
    [[nodiscard]] std::int64_t merchant_funded_standing() const;
};

class IssuerBooks {
  public:
    /// Beyond it new requests are answered 96 and not booked.
    static constexpr std::size_t entries_max = 16'000'000;

    /// nullptr when there is none.
    [[nodiscard]] BookEntry* find_request(const RequestKey& key);
    [[nodiscard]] BookEntry* find_reversal(const RequestKey& key);
    /// The request that DE90 (and DE37 of a reversal, when there) names. Without an RRN, or with one that is
    /// not the original's (a void and a refund carry their own), the newest with that DE11 and DE7 of the
    /// merchant.
    [[nodiscard]] BookEntry* find_original(const RequestKey& key, iso8583::MerchantId merchant);
    /// A new entry; ENSUREs that there is room (full()) and that the key is new. Pointers to entries die
    /// here.
    BookEntry& add(BookEntry entry);
    [[nodiscard]] bool full() const { return entries_.size() >= entries_max; }

    /// A request that was never answered finally and is reversed now: it is not booked any more.
    void turn_into_tombstone(BookEntry& entry);

    /// Books a decided 00. `original` as found, or nullptr; a sale collects what it names.
    void book(BookEntry& entry, BookEntry* original, bool names_original = true);
    /// Takes `amount` of `original` back on behalf of `reversal`. False when nothing was booked that could
    /// be.
    bool reverse(BookEntry& reversal, BookEntry& original, std::int64_t amount);

    /// `of`: the request that made no sense.
    void note(Anomaly anomaly, const RequestKey& of);

    /// Sums over everything ever booked; a reversal counts for itself and is not taken off the others.
    struct Total {
        std::int64_t count = 0;
        std::int64_t amount = 0;
        friend bool operator==(const Total&, const Total&) = default;
    };
    [[nodiscard]] const Total& booked(EffectKind kind) const {
        return booked_[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] const Total& reversed(EffectKind of) const {
        return reversed_[static_cast<std::size_t>(of)];
    }
    [[nodiscard]] std::int64_t anomalies(Anomaly a) const { return anomalies_[static_cast<std::size_t>(a)]; }
    [[nodiscard]] std::int64_t anomalies() const;
    /// The first of them, with the DE37 of the request; all are counted.
    static constexpr std::size_t sightings_max = 1'000;
    struct Sighting {
        Anomaly anomaly = Anomaly::refund_over_sale;
        std::string rrn;
    };
    [[nodiscard]] const std::vector<Sighting>& sightings() const { return sightings_; }
    /// Does this void take back a hold?
    [[nodiscard]] bool lifts_a_hold(const BookEntry& e) const {
        return e.kind == EffectKind::void_of_sale && is_of_hold(e);
    }
    [[nodiscard]] BookEntry& entry(std::int32_t place) { return entries_[static_cast<std::size_t>(place)]; }
    [[nodiscard]] std::int32_t place_of(const BookEntry& entry) const {
        return static_cast<std::int32_t>(&entry - entries_.data());
    }
    /// All entries in the order they came.
    [[nodiscard]] const std::vector<BookEntry>& entries() const { return entries_; }

    /// What stands in the books under one DE37: booked less reversed, per kind. A sale that was voided stays
    /// here as a sale and a void.
    struct Standing {
        std::int64_t sale = 0;
        std::int64_t refund = 0;
        std::int64_t voided = 0;
        std::int64_t hold = 0;
        std::int64_t discount = 0;  // of a wallet's sale: what of the merchant's part stands
        std::int64_t refunded = 0;  // of a sale: by refunds under their own numbers
        /// What the cardholder has paid; a hold is not paid.
        [[nodiscard]] std::int64_t net() const { return sale - refund - voided; }
        friend bool operator==(const Standing&, const Standing&) = default;
    };
    /// By RRN; RRNs of which nothing stands are left out.
    [[nodiscard]] std::map<std::string, Standing> standing_by_rrn() const;
    /// The journal's summary as one JSON object: sums per kind, tombstones, anomalies.
    [[nodiscard]] std::string summary_json() const;

  private:
    using Index = std::unordered_map<std::uint64_t, std::int32_t>;
    BookEntry* find_in(const Index& index, const RequestKey& key);
    void collect(BookEntry& sale, BookEntry* hold);
    /// Of a sale that collected one and is taken back: its own hold is lifted with it, another one's stands.
    void give_back(const BookEntry& sale);
    [[nodiscard]] bool is_of_hold(const BookEntry& e) const {
        return e.original >= 0 &&
               entries_[static_cast<std::size_t>(e.original)].kind == EffectKind::authorization;
    }

    std::vector<BookEntry> entries_;
    Index requests_;  // DE11 and DE7 → the newest entry with them
    Index reversals_;
    std::array<Total, effect_kinds> booked_{};
    std::array<Total, effect_kinds> reversed_{};
    std::array<std::int64_t, anomaly_kinds> anomalies_{};
    std::vector<Sighting> sightings_;
    std::int64_t tombstones_ = 0;
};

}  // namespace routing
