// What a simulated issuer does wrong, and how it is told to: magic amounts, faults by chance, commands of the
// control socket. Values and pure functions.
// Source: docs/interfaces.md (issuer-sim, magic amounts).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hsm_sim/port.hpp"
#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/result.hpp"
#include "routing/issuer_sim/issuer_books.hpp"
#include "routing/issuer_sim/issuer_wallet.hpp"

namespace routing {

/// How one answer comes out. The effect is booked before any of it, except for decline and busy.
struct Behaviour {
    enum class Kind : std::uint8_t {
        normal,
        decline,  // with `code`, nothing is booked
        busy,     // an advice: 96 to the first busy_tries, then normal
        silent,   // no answer; with delay_ms: none until then
        late,     // delay_ms later
        twice,
        bad_mac,
        another_amount,  // DE4 of the answer is not the request's
        partial,         // approves half of DE4 with 10
        discount,        // a wallet's sale: magic_discount; others: normal
        close_link       // instead of an answer
    };
    Kind kind = Kind::normal;
    iso8583::ResponseCode code;  // of decline
    std::uint32_t delay_ms = 0;  // of silent and late
    friend bool operator==(const Behaviour&, const Behaviour&) = default;
};
inline constexpr std::uint8_t busy_tries = 2;
inline constexpr std::uint32_t command_seconds_max = 86'400;

/// The magic amounts: by the last four digits of DE4. `late_ms` is a second more than the switch's time-out.
Behaviour behaviour_of_amount(std::int64_t minor_units, bool is_advice, std::uint32_t late_ms);

/// Chances in 1/1,000 of a request, and the delay of every answer.
struct IssuerFaults {
    std::uint32_t latency_ms_min = 0;
    std::uint32_t latency_ms_max = 0;
    std::uint32_t silent_permille = 0;
    std::uint32_t late_permille = 0;
    std::uint32_t twice_permille = 0;
    std::uint32_t bad_mac_permille = 0;
    std::uint32_t another_amount_permille = 0;
    std::uint32_t close_permille = 0;
    std::uint32_t decline_permille = 0;
    friend bool operator==(const IssuerFaults&, const IssuerFaults&) = default;
};
/// Nothing, or what is wrong: more than 1,000 in 1,000, latency bounds crossed.
std::optional<std::string> check_faults(const IssuerFaults& faults);

/// splitmix64: the same seed, the same faults. Not for keys.
class SeededChance {
  public:
    explicit SeededChance(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    /// 0 … bound-1.
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(next() % bound); }

  private:
    std::uint64_t state_;
};
/// One roll of the dice for a request.
Behaviour behaviour_by_chance(const IssuerFaults& faults, SeededChance& chance, std::uint32_t late_ms);

/// A line of the control socket.
struct ControlCommand {
    enum class Kind : std::uint8_t {
        next,
        link_drop,
        books,
        faults_off,
        latency,
        key_change,
        keys,
        processing,     // wallet: refunds that come from now on
        close_account,  // wallet: or open it again
        discount        // wallet: of sales that come from now on
    };
    Kind kind = Kind::books;
    std::optional<EffectKind> of;  // next: of which kind; none: any
    Behaviour behaviour;           // next
    std::uint32_t latency_ms_min = 0, latency_ms_max = 0;
    hsm::KeyKind key = hsm::KeyKind::zak;  // key_change
    std::uint32_t polls = 0;               // processing
    DiscountTerms discount;                // discount
    std::string order_number;              // close_account
    bool closed = true;
};
/// `next sale|refund|void|reversal|any silent|late|delay SECONDS`, `next … decline CODE`,
/// `next … twice|bad-mac|another-amount|partial|discount|close`, `link drop`, `books`, `faults off`, `latency
/// MIN_MS MAX_MS`, `key-change zak|zpk`, `keys`; of a wallet `processing POLLS`, `account close|open ORDER`,
/// `discount WALLET_PERCENT MERCHANT_PERCENT`. The
/// error is a sentence with what was expected.
iso8583::Result<ControlCommand> parse_control(std::string_view line, std::uint32_t late_ms);

}  // namespace routing
