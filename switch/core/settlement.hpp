// Settlement: a terminal's 0500 and the upload behind it. Only settlement (or an operator) closes a batch.
// Source: docs/refund_rules.md, "Business day and batches"; docs/wire.md, DE48.
#pragma once

#include <map>
#include <vector>

#include "switch/core/core_context.hpp"
#include "switch/core/terminals.hpp"

namespace acquirer {

/// What DE48 says of a batch: by the half that a transaction's route is settled in (settlement_half).
using BatchHalves = ledger::TerminalRecord::HalvesOfTotals;

class Settlement {
  public:
    Settlement(CoreContext& context, Terminals& terminals) : c_(context), terminals_(terminals) {}

    void on_settlement(const RequestArrived& event);
    void on_upload(const RequestArrived& event);
    /// Settlements that waited for the last transaction of their batch go on.
    void after_step();
    void on_terminal_link_closed(LinkId link);
    /// By hand: the open batch is closed as it is (refundctl terminals close-batch). Returns the new batch.
    iso8583::BatchNumber close_batch(const iso8583::TerminalId& terminal);

  private:
    void settle(const RequestArrived& event);
    void settle_unionpay(const RequestArrived& event, ledger::TerminalRecord terminal);
    void settle_iso(const RequestArrived& event, ledger::TerminalRecord terminal);
    /// 1 balanced, 2 not: a code for each half.
    struct HalfCodes {
        char domestic, foreign;
        friend bool operator==(const HalfCodes&, const HalfCodes&) = default;
    };
    /// What 60.2 of the answer says: the number of the batch that is open now, or that of the request.
    enum class Then : std::uint8_t { next_batch, as_before };
    static HalfCodes both_halves(char code) { return {code, code}; }
    [[nodiscard]] BatchHalves own_totals(const ledger::TerminalRecord& terminal) const;
    void close(ledger::TerminalRecord& terminal, const BatchHalves& theirs, char code);
    void reply_settlement(const RequestArrived& event, const ledger::TerminalRecord& terminal,
                          HalfCodes codes, Then then);
    void note_difference(const ledger::TerminalRecord& terminal, const BatchHalves& theirs,
                         const BatchHalves& ours, const std::string& their_net);

    CoreContext& c_;
    Terminals& terminals_;
    std::map<BatchOf, std::vector<RequestArrived>> waiting_;  // by the batch whose issuers have not answered
};

}  // namespace acquirer
