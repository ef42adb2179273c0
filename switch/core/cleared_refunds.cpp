// The part of TransactionFlow that lets cases go once a checker, or the day's sales, have cleared them: at
// once, or when their chain, their route and their sale allow. R17, R27, R75, R78.
#include <algorithm>

#include "switch/core/reserve_fund.hpp"
#include "switch/core/transaction_flow.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionRecord;

/// R75: as soon as its chain, its route and its sale allow, and by itself.
void TransactionFlow::release_cleared(TransactionRecord& refund) {
    cleared_.insert(refund.rrn);
    if (c_.restored) return;  // R65: it may have gone after the backup
    const auto* route = c_.config->routes.for_original(routing::RouteId{refund.route});
    const TransactionRecord* sale = c_.ledger.find(*refund.original);
    if (sale == nullptr || sale->hold) return;
    if (route == nullptr) {
        c_.open_exception(refund.rrn, "route_retired", "R17",
                          "the case is approved, but its route is retired and has no successor");
        return;
    }
    if (route->refund_mode == routing::RefundMode::advice) {
        c_.ledger.reroute(refund, route->id.value, c_.business_day);
        leave_cleared(refund);
        move(refund, State::advice_pending, "R17", c_.now.utc);
        queue_.send_refund(refund);
        return;
    }
    if (!c_.link_for(route->id) || queue_.reverses_in_chain_of(*refund.original)) return;
    // It has its 01 already, so that the bound of its route is no 96 for it, but a while.
    if (c_.in_flight.requests_of(route->id) >= route->in_flight_max) {
        waiting_for_room_[route->id].insert(refund.rrn);
        return;
    }
    c_.ledger.reroute(refund, route->id.value, c_.business_day);
    leave_cleared(refund);
    send_request(refund, nullptr, {});
}

bool TransactionFlow::waits(const TransactionRecord& refund) const {
    // R65: when the restore is accepted it goes, or tells that its route is retired.
    return cleared_.contains(refund.rrn) &&
           (c_.restored || c_.config->routes.for_original(routing::RouteId{refund.route}) != nullptr);
}

void TransactionFlow::leave_cleared(const TransactionRecord& refund) {
    cleared_.erase(refund.rrn);
    c_.ledger.resolve_exception(refund.rrn, "route_retired", "its route takes it again", "the switch");
}

void TransactionFlow::retry_cleared() {
    const std::vector<iso8583::Rrn> waiting(cleared_.begin(), cleared_.end());
    for (const iso8583::Rrn& rrn : waiting) {
        const TransactionRecord* refund = c_.ledger.find(rrn);
        if (refund == nullptr || refund->state != State::cleared)
            cleared_.erase(rrn);
        else
            release_cleared(*c_.ledger.edit(rrn));
    }
}

void TransactionFlow::go_where_is_room() {
    for (auto at = waiting_for_room_.begin(); at != waiting_for_room_.end();) {
        std::set<iso8583::Rrn>& rrns = at->second;
        const routing::Route* route = c_.config->routes.find(at->first);
        while (!rrns.empty() &&
               (route == nullptr || c_.in_flight.requests_of(at->first) < route->in_flight_max)) {
            const iso8583::Rrn rrn = *rrns.begin();
            rrns.erase(rrns.begin());
            if (const TransactionRecord* refund = c_.ledger.find(rrn);
                refund != nullptr && refund->state == State::cleared)
                release_cleared(*c_.ledger.edit(rrn));
        }
        at = rrns.empty() ? waiting_for_room_.erase(at) : std::next(at);
    }
}

void TransactionFlow::hold_ended(const iso8583::Rrn& rrn) {
    retry_cleared();
    if (const TransactionRecord* sale = c_.ledger.find(rrn)) release_funded(sale->merchant);
}

/// R27: cases that want for nothing but funds, as far as the day's sales or the reserve cover them now.
void TransactionFlow::release_funded(const iso8583::MerchantId& id) {
    const MerchantConfig* merchant = c_.config->find_merchant(id);
    auto funds = merchant != nullptr ? funds_minor(c_, *merchant) : std::nullopt;
    if (!funds) return;
    const bool by_reserve = merchant->refund.funding == RefundFunding::reserve;
    const auto only_wants_for_funds = [&](const TransactionRecord& held) {
        const bool by_people = held.from_operations && held.batch_line.batch.empty();  // a checker decides
        // R78: no checker could let it go now, and no funds are taken for what cannot go.
        const TransactionRecord* sale = c_.ledger.find(*held.original);
        if (sale == nullptr || sale->hold) return false;
        return held.merchant == id && held.state == State::held && !by_people &&
               std::all_of(held.history.begin(), held.history.end(),
                           [](const ledger::HistoryEntry& h) { return h.rule == "R27"; });
    };
    std::vector<iso8583::Rrn> waiting;
    for (const iso8583::Rrn& rrn : c_.held) {
        const TransactionRecord* held = c_.ledger.find(rrn);
        if (held == nullptr || !only_wants_for_funds(*held)) continue;
        waiting.push_back(rrn);
        // What is held counts already, so the net of the day is without those of the day; but none of them
        // has drawn on a reserve.
        if (!by_reserve && held->business_date == c_.business_day) *funds += held->amount.minor_units();
    }
    for (const iso8583::Rrn& rrn : waiting) {
        TransactionRecord& held = *c_.ledger.edit(rrn);
        if (held.amount.minor_units() > *funds) continue;
        *funds -= held.amount.minor_units();
        reserve_fund::draw(c_, held, held.amount.minor_units(), reserve_fund::Draw::whole_or_nothing);
        if (held.maker.empty()) held.maker = "terminal " + held.terminal.str();
        held.checker = "funds";  // nobody's word was needed: its answer of 01 stands as for any case
        c_.held.erase(rrn);
        move(held, State::cleared, "R27", c_.now.utc);
        c_.note(Severity::info, NoteKind::operator_change, held, "R27",
                by_reserve ? "the reserve covers it now" : "the sales of the day cover it now");
        release_cleared(held);
    }
}

}  // namespace acquirer
