// CoreBench: the switch's core with its turns over a store of the caller's, an issuer that approves at once
// and terminals of one merchant that ask: what a transaction costs without sockets, sessions and MACs.
//
// One thread (the store may have its own). Times are virtual, but the store's.
#pragma once

#include <cstdint>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/overlay.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/store.hpp"
#include "routing/route.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"

namespace bench {

inline constexpr std::uint32_t first_terminal = 10'000'001;
inline constexpr std::uint32_t core_bench_terminals = 10'000;
inline constexpr const char* core_bench_card = "4111111111111111";
inline constexpr std::int64_t core_bench_amount = 10'000;  // minor units of every sale

/// Of the merchant's terminal; `card` begins with 4.
acquirer::RequestArrived core_bench_sale(std::uint32_t trace, std::uint32_t terminal, std::string_view card);
acquirer::RequestArrived core_bench_refund(std::uint32_t trace, std::uint32_t terminal, std::string_view card,
                                           const std::string& rrn, std::int64_t amount);
/// A settlement (0500) or echo (0820).
acquirer::RequestArrived core_bench_batch_request(std::uint16_t mti, const char* private_60,
                                                  std::uint32_t terminal);

class CoreBench {
  public:
    /// Recovers what the store has; it outlives the bench.
    CoreBench(ledger::Store& store, routing::RefundMode mode);

    /// Offers the requests in turns, answers what reaches the issuer, and returns the RRNs of the answers.
    std::vector<std::string> run(const std::vector<acquirer::RequestArrived>& requests,
                                 std::uint32_t events_a_turn);
    [[nodiscard]] bool all_approved() const { return all_approved_; }

    /// One event and its turn; the issuer stays silent. How many answers left.
    std::size_t offer_for_later(const acquirer::RequestArrived& event);
    /// The same, whose instructions are counted by the name.
    [[gnu::noinline]] std::size_t offer_alone(const acquirer::RequestArrived& event);

  private:
    void pump();

    ledger::Store& store_;
    ledger::PanVault vault_;
    ledger::Overlay overlay_;
    acquirer::SwitchCore core_;
    std::counting_semaphore<> syncs_ended_{0};
    acquirer::Turn turn_;
    iso8583::Now now_;
    std::vector<acquirer::IssuerReplyArrived> replies_;
    std::vector<std::string> rrns_;
    bool all_approved_ = true;
};

}  // namespace bench
