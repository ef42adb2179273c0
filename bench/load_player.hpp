// LoadPlayer: the terminals of a load run. Each plays sales, refunds, voids, reversals and retries by chance
// (seeded), knows what every answer has to be, and judges it: DE39, MAC and echoed fields by the terminal
// model, the same answer to a retry. Keeps the books that are compared at the end. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/fleet.hpp"
#include "bench/load_books.hpp"
#include "bench/load_mix.hpp"
#include "tests/peers/terminal_model.hpp"

namespace bench {

static_assert(steps_count <= kinds_max);

struct LoadTerminal {
    peers::TerminalProfile profile = peers::TerminalProfile::unionpay_pos;
    std::string terminal;  // DE41
    std::size_t connection = 0;
};

class LoadPlayer final : public Player {
  public:
    static constexpr std::size_t sales_kept_max = 64;  // of one terminal, and holds; the oldest are forgotten
    static constexpr std::size_t breaches_kept_max = 20;

    /// Amounts stay below 98.00, out of the way of the magic ones and of all limits of the demo.
    static constexpr std::int64_t amount_min = 100;
    static constexpr std::int64_t amount_max = 9'800;

    LoadPlayer(const std::vector<LoadTerminal>& terminals, LoadMix mix, std::uint64_t seed);

    /// The next run of the fleet only signs on.
    void set_signing_on(bool on) { signing_on_ = on; }
    [[nodiscard]] std::size_t terminals_with_keys() const;
    /// What the ledger has in their open batches already, by DE41: a settlement names it too.
    void set_open_batches(const std::map<std::string, peers::TerminalTotals>& totals);

    std::size_t begin(std::size_t slot, iso8583::Bytes& out) override;
    std::optional<std::size_t> slot_of(std::size_t connection, const iso8583::Frame& frame) override;
    void end(std::size_t slot, const iso8583::Frame& frame) override;
    /// Counts the requests that never got an answer as uncertain.
    void give_up_unanswered();

    [[nodiscard]] const LoadBooks& books() const { return books_; }
    /// By DE41: what each terminal's batch comes to.
    [[nodiscard]] std::map<std::string, peers::TerminalTotals> terminal_totals() const;
    /// Terminals (DE41) that have closed a batch since the begin.
    [[nodiscard]] std::vector<std::string> settled() const;
    [[nodiscard]] std::uint64_t breaches() const { return breaches_; }
    [[nodiscard]] const std::vector<std::string>& first_breaches() const { return first_breaches_; }
    /// DE39 91, 96, 90: refused under load, by code. No breach.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& busy() const { return busy_; }
    [[nodiscard]] std::uint64_t answered() const { return answered_; }

  private:
    struct Sale {
        peers::Outgoing sent;
        peers::Receipt receipt;
        std::size_t issuer = 0;
        std::int64_t remaining = 0;
        bool refunded = false;
        bool settled = false;  // its batch is closed: refunds alone
        /// A completion by advice: refunds and voids may be answered 09 until its issuer's word (R94), and
        /// its reversal 12.
        bool by_advice = false;
    };
    /// Oldest first. Pointers, because most are taken out of the middle.
    using Sales = std::deque<std::unique_ptr<Sale>>;
    struct Exchange {  // the last one, for a retry
        peers::Outgoing sent;
        std::string code, rrn, authorization;
    };
    struct Slot {
        peers::Terminal terminal;
        Sales sales;
        Sales holds;  // authorizations that stand
        peers::Outgoing under_way;
        Step step = Step::sale;
        bool waiting = false;
        std::size_t issuer = 0;         // of the card under way
        std::unique_ptr<Sale> working;  // what the step works on, taken out of `sales`
        std::optional<Exchange> last;
        peers::TerminalTotals before;  // in the open batch, of earlier runs
        bool settled = false;
    };
    std::uint64_t chance();
    std::int64_t between(std::int64_t low, std::int64_t high);
    Step choose(const Slot& slot);
    void prepare(Slot& slot);
    void prepare_sale(Slot& slot);
    void prepare_wallet_sale(Slot& slot);
    void prepare_on_hold(Slot& slot);
    [[nodiscard]] bool is_busy_answer(const Slot& slot, std::string_view code) const;
    /// Out of `from`: the newest, or any.
    std::unique_ptr<Sale> take_out(Sales& from, bool newest);
    void on_code(Slot& slot, const peers::Outcome& outcome);
    void on_approved(Slot& slot, const peers::Outcome& outcome);
    void check_retry(Slot& slot, const peers::Outcome& outcome);
    static void keep(Sales& where, std::unique_ptr<Sale> sale);
    /// Back to where it was taken out of.
    void put_back(Slot& slot);
    void breach(const Slot& slot, const std::string& what);

    std::vector<Slot> slots_;
    std::vector<std::unordered_map<std::string, std::size_t>> by_connection_;  // DE41 → slot
    LoadMix mix_;
    std::uint64_t chance_state_;
    bool signing_on_ = false;
    LoadBooks books_;
    std::uint64_t breaches_ = 0;
    std::uint64_t answered_ = 0;
    std::vector<std::string> first_breaches_;
    std::map<std::string, std::uint64_t> busy_;
};

}  // namespace bench
