// Route: one issuer (or network) as the switch knows it: how it speaks, what it takes, and what its DE39
// means. All of it is configuration; the defaults are those of docs/refund_rules.md. Values, freely copied,
// any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "routing/iin_table.hpp"

namespace routing {

/// A set of DE39 values, sorted, small.
class ResponseCodeSet {
  public:
    static constexpr std::size_t codes_max = 256;
    ResponseCodeSet() = default;
    /// For our own tables.
    ResponseCodeSet(std::initializer_list<std::string_view> codes);
    /// From configuration; the error names the position and never guesses.
    static iso8583::Result<ResponseCodeSet> parse(const std::vector<std::string>& codes);
    [[nodiscard]] bool contains(iso8583::ResponseCode code) const;
    /// A code that is in both; nullopt when the sets are disjoint.
    [[nodiscard]] std::optional<iso8583::ResponseCode> common_with(const ResponseCodeSet& other) const;
    [[nodiscard]] const std::vector<iso8583::ResponseCode>& codes() const { return codes_; }
    friend bool operator==(const ResponseCodeSet&, const ResponseCodeSet&) = default;

  private:
    std::vector<iso8583::ResponseCode> codes_;
};

/// Whose means of payment a route is for.
enum class RouteKind : std::uint8_t {
    card,
    wallet  // it works at refunds by itself and is asked until it says (R80): WalletRefunds holds
};
/// How a refund reaches the issuer: 0220 from the queue, answered to the terminal at once, or 0200 first.
enum class RefundMode : std::uint8_t { advice, online };
/// How a void reaches the issuer: 0200 with DE3 02xxxx, or a reversal (0420) of the sale.
enum class VoidMode : std::uint8_t { online_0200, reversal_0420 };
/// How the void of an authorization reaches the issuer: a reversal (0420) of its 0100, or 0100 with DE3
/// 02xxxx.
enum class AuthorizationVoidMode : std::uint8_t { reversal_0420, online_0100 };
/// How a sale is asked for: one financial message, or an authorization that a 0220 completes.
enum class SaleMode : std::uint8_t { financial_0200, authorization_0100 };
/// The MAC towards the issuer, over all that precedes DE64/DE128; AES-CMAC gives its first 8 bytes.
enum class RouteMac : std::uint8_t { retail, aes_cmac };
/// Which half of a terminal's totals (DE48) the route's transactions belong to.
enum class SettlementHalf : std::uint8_t { domestic, foreign };
/// What a route may be used for now; operators and link events decide, routing only reads it.
enum class RouteHealth : std::uint8_t {
    up,
    down,     // no link: nothing online, advices queue
    draining  // finishes and refunds what it has, takes no new sale
};

std::string_view name(RouteKind kind);
std::string_view name(RefundMode mode);
std::string_view name(VoidMode mode);
std::string_view name(AuthorizationVoidMode mode);
std::string_view name(SaleMode mode);
std::string_view name(RouteMac mac);
std::string_view name(SettlementHalf half);
std::string_view name(RouteHealth health);

/// What the DE39 of a route means (refund_rules.md, "Normal work" and "Store-and-forward").
struct ResponseCodeLists {
    // Answers to 01xx and 02xx requests, each code in one list only. One in none: in doubt, reversed, alarm.
    ResponseCodeSet approved{"00", "11", "A2", "A4", "A5", "A6"};
    ResponseCodeSet partly_approved{"10"};  // R26, R26a: the issuer keeps the DE4 of its answer
    ResponseCodeSet unknown{"09", "68", "96", "98"};
    ResponseCodeSet declined{"01", "02", "03", "04", "05", "06", "07", "12", "13", "14", "15", "17",
                             "18", "19", "20", "21", "22", "23", "25", "26", "30", "31", "33", "34",
                             "35", "36", "37", "38", "39", "40", "41", "42", "43", "44", "51", "52",
                             "53", "54", "55", "56", "57", "58", "59", "60", "61", "62", "63", "64",
                             "65", "66", "67", "70", "75", "76", "77", "78", "82", "88", "89", "90",
                             "91", "92", "93", "94", "97", "99", "A0", "A1", "A7"};
    // Answers to refund advices (0220, 0221).
    ResponseCodeSet advice_approved{"00"};
    /// A wallet has accepted the refund and works at it; of a card issuer it is what `retry` says.
    ResponseCodeSet advice_processing{"09"};
    /// Refusals that after a repeat may only mean that the issuer has it already: parked, outcome unknown.
    ResponseCodeSet advice_repeat_unclear{"94"};
    // Answers to reversals (0420, 0421).
    ResponseCodeSet reversal_done{"00", "79"};
    ResponseCodeSet reversal_stuck{"12", "25", "40", "76", "94"};  // of an approved original
    ResponseCodeSet reversal_not_found{"25", "76"};                // of one in doubt (R51a)
    // Advices and reversals alike: the issuer could not look at it now.
    ResponseCodeSet retry{"09", "68", "90", "91", "92", "96", "98"};
};

/// A wallet's refunds (R80; ruling 11).
struct WalletRefunds {
    std::uint32_t poll_seconds = 30;        // between two questions while it is processing
    std::uint32_t processing_days_max = 7;  // then parked
    std::uint32_t spacing_seconds = 60;     // between two refunds of one sale; 0: none
    std::uint32_t per_sale_max = 50;        // refunds of one sale that count; 65 beyond
};

struct Route {
    RouteId id;
    std::string name;
    std::string dialect = "iso87-ascii";  // iso8583::find_dialect
    std::string link_group;               // connections that share DE11 and DE7 numbering
    SaleMode sale_mode = SaleMode::financial_0200;
    RouteKind kind = RouteKind::card;
    RefundMode refund_mode = RefundMode::advice;
    VoidMode void_mode = VoidMode::online_0200;
    AuthorizationVoidMode authorization_void_mode = AuthorizationVoidMode::reversal_0420;  // R91
    RouteMac mac = RouteMac::retail;
    SettlementHalf settlement_half = SettlementHalf::domestic;
    iso8583::InstitutionId acquirer;   // DE32, DE90; empty: not sent
    iso8583::InstitutionId forwarder;  // DE33, DE90; empty: not sent

    bool retired = false;  // takes no new sale; its refunds go to the successor or become a case (01)
    std::optional<RouteId> successor;  // only of a retired route

    std::uint32_t reply_timeout_ms = 30'000;         // shorter than the terminals' 60 s
    std::uint32_t not_found_quarantine_ms = 60'000;  // R51a: 2 × reply_timeout_ms, at least 60 s
    std::uint32_t in_flight_max = 1024;              // requests awaiting the issuer; 96 beyond
    std::uint32_t window_days = 365;                 // business days in which a refund is possible (R16)
    bool blind_reversal = false;                     // R35: send a 0420 for a reversal without its original
    bool partial_approval = false;                   // R26: a sale may be approved in part
    // R102: amount types in DE54 of a sale's answer, two digits each.
    std::string wallet_funded_type = "80";
    std::string merchant_funded_type = "81";
    // Pre-authorization (R92, R95).
    std::uint32_t completion_percent_max = 115;  // of the authorized amount
    std::uint32_t authorization_days = 30;       // calendar days, its own not counted
    bool reverse_lapsed = false;                 // a 0420 when it lapses
    // Store-and-forward of this route.
    std::uint32_t advices_in_flight_max = 16;
    std::uint32_t advice_retry_first_ms = 1'000;
    std::uint32_t advice_retry_max_ms = 300'000;
    std::uint32_t advice_attempts_max = 50;  // then parked with an exception (R60)
    std::uint32_t stale_after_minutes =
        1'440;             // an advice older than this waits for an operator's word (R73)
    WalletRefunds wallet;  // of a wallet's route alone

    ResponseCodeLists codes;
};

/// Codes that approve, wholly or in part, by a published table (docs/wire.md, "What an issuer's DE39 means"):
/// money may have moved, so none of them may stand under `declined`.
const ResponseCodeSet& published_approvals();

/// What is wrong with the lists of a route, and the list in which a person would change it.
struct CodeListFault {
    std::string list;   // as the key in [issuer.codes]
    std::string other;  // of a code that stands in two lists: the other one; else empty
    std::string what;
};
std::optional<CodeListFault> check_codes(const ResponseCodeLists& codes);

/// Bounds of what configuration may say, named in the errors of check_route.
inline constexpr std::uint32_t reply_timeout_ms_min = 100;
inline constexpr std::uint32_t reply_timeout_ms_max = 59'000;  // the terminal gives up after 60 s
inline constexpr std::uint32_t route_in_flight_max = 65'536;
inline constexpr std::uint32_t window_days_max = 3'650;
inline constexpr std::uint32_t completion_percent_most = 1'000;
inline constexpr std::uint32_t authorization_days_max = 365;
inline constexpr std::uint32_t poll_seconds_max = 86'400;
inline constexpr std::uint32_t processing_days_bound = 365;
inline constexpr std::uint32_t spacing_seconds_max = 3'600;
inline constexpr std::uint32_t refunds_per_sale_bound = 1'000;

/// Nothing when the route is usable; otherwise what is wrong and in which route.
std::optional<std::string> check_route(const Route& route);

enum class IssuerVerdict : std::uint8_t { approved, partly_approved, unknown, declined, unlisted };
/// DE39 of the answer to a 01xx or 02xx request (sale, void, online refund).
IssuerVerdict classify_request(const Route& route, iso8583::ResponseCode code);
/// True when money moved: approved, wholly or in part.
bool says_approved(IssuerVerdict verdict);

enum class AdviceVerdict : std::uint8_t {
    approved,
    abnormal,    // refused finally: counts in Remaining, work queue (R55)
    retry,       // 0221 later
    processing,  // of a wallet: asked again at its pace (R80)
    parked       // outcome unknown or not understood: exception with owner (R60)
};
/// Which of an advice's messages an answer answers: the 0220, or a 0221, after which "duplicate" says little.
enum class AdviceAttempt : std::uint8_t { first, repeat };
/// DE39 of the answer to a refund advice.
AdviceVerdict classify_refund_advice(const Route& route, iso8583::ResponseCode code, AdviceAttempt attempt);

enum class ReversalVerdict : std::uint8_t {
    done,
    not_found,  // original in doubt: R51a, a further 0421 one quarantine later
    stuck,      // original approved and the issuer refuses: exception with owner
    retry,
    parked
};
/// What is known of what a reversal undoes.
enum class ReversedOriginal : std::uint8_t { approved, in_doubt };
/// DE39 of the answer to a 0400 or 0420 (and repeats).
ReversalVerdict classify_reversal(const Route& route, iso8583::ResponseCode code, ReversedOriginal original);

std::string_view name(IssuerVerdict verdict);
std::string_view name(AdviceVerdict verdict);
std::string_view name(ReversalVerdict verdict);

}  // namespace routing
