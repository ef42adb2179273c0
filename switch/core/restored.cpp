#include "switch/core/restored.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/terminal_replies.hpp"
#include "switch/core/ways_out.hpp"

namespace acquirer {

bool begins_new_work(const OperatorCommand& command) {
    if (const auto* batch = std::get_if<DecideBatch>(&command)) return batch->to == DecideBatch::To::approve;
    if (const auto* batch = std::get_if<ChangeBatch>(&command)) return batch->to == ChangeBatch::To::resume;
    return std::holds_alternative<OpenRefund>(command) || std::holds_alternative<ApproveRefund>(command) ||
           std::holds_alternative<RejectRefund>(command) || std::holds_alternative<CancelRefund>(command) ||
           std::holds_alternative<EditRefund>(command) || std::holds_alternative<ReopenRefund>(command) ||
           std::holds_alternative<ResolveAbnormal>(command) || std::holds_alternative<SubmitBatch>(command) ||
           std::holds_alternative<AddReserve>(command) || std::holds_alternative<ChargeMerchant>(command) ||
           std::holds_alternative<OpenAdjustment>(command);
}

Restored::Restored(CoreContext& context, WaysOut& ways_out) : c_(context), ways_out_(ways_out) {
    ways_out_.add_kind(restore_action,
                       {[this] { return c_.restored ? c_.restored->mark.id : std::string("accepted"); },
                        "the restore was accepted", WhileRestored::decided,
                        [this](const ledger::Proposal& p, const std::string& by) { return accept(p, by); }});
}

bool Restored::recover() {
    auto restores = ledger::read_restores(c_.ledger.overlay());
    if (!restores) {
        c_.ledger.fail(restores.error().what);
        return false;
    }
    const bool is_known = !mark_ || std::any_of(restores->begin(), restores->end(),
                                                [this](const auto& r) { return r.mark.id == mark_->id; });
    if (!is_known) {
        ledger::RestoreRecord record;
        record.mark = *mark_;
        record.began = c_.now.utc;
        ledger::save(c_.ledger.overlay(), record);
        restores->push_back(std::move(record));
        c_.ledger.skip_lost_numbers(c_.now);
    }
    for (const ledger::RestoreRecord& restore : *restores) {
        c_.ledger.number_from(restore.began);
        // A backup of a switch that still waited: what has to be reconciled begins with the earlier one.
        if (restore.waits() && (!c_.restored || restore.mark.made < c_.restored->mark.made))
            c_.restored = restore;
    }
    if (c_.restored) {
        Note n;
        n.severity = Severity::alarm;
        n.kind = NoteKind::restored;
        n.rule = "R65";
        n.detail = to_reconcile();
        c_.note(std::move(n));
    }
    return !is_known;
}

bool Restored::lets_through(const RequestArrived& event) {
    if (!c_.restored) return true;
    switch (event.request.kind) {
        case RequestKind::sign_on:
        case RequestKind::sign_off:
        case RequestKind::echo:
        case RequestKind::unsupported:
            return true;
        case RequestKind::reversal:
            c_.count("restored.reversals_unanswered");
            return false;
        case RequestKind::sale:
        case RequestKind::void_sale:
        case RequestKind::refund:
        case RequestKind::authorization:
        case RequestKind::void_authorization:
        case RequestKind::completion:
        case RequestKind::completion_advice:
        case RequestKind::settlement:
        case RequestKind::batch_upload:
        case RequestKind::batch_upload_end:
            answer_refusal(c_, Asker{event.from, event.request}, Refusal::restored);
            return false;
    }
    ENSURE(false);
}

std::string Restored::to_reconcile() const {
    if (!c_.restored) return {};
    std::string routes;
    for (const routing::Route& route : c_.config->routes.routes())
        routes += (routes.empty() ? "" : ", ") + route.name;
    return "restored from backup " + c_.restored->mark.id +
           ": no new work until every route is reconciled from business day " +
           c_.restored->mark.business_day.date.iso() + " on (" + routes +
           "), and two people have accepted it (accept-restore)";
}

OperatorAnswer Restored::propose(const OperatorCommanded& event, const AcceptRestore& command) {
    if (!c_.restored) return no("this switch does not wait for a reconciliation: nothing is restored");
    ledger::Proposal p;
    p.action = restore_action;
    p.outcome = "accept";
    p.subject = c_.restored->mark.id;
    p.note = command.note;
    return ways_out_.propose(event, std::move(p));
}

std::string Restored::accept(const ledger::Proposal& p, const std::string& by) {
    auto restores = ledger::read_restores(c_.ledger.overlay());
    if (!restores) {
        c_.ledger.fail(restores.error().what);
        return restores.error().what;
    }
    for (ledger::RestoreRecord& restore : *restores) {
        if (!restore.waits()) continue;
        restore.accepted_by = by;
        restore.accepted = c_.now.utc;
        restore.note = p.note;
        ledger::save(c_.ledger.overlay(), restore);
    }
    c_.restored.reset();
    if (on_accepted) on_accepted();
    return "the restore of backup " + p.subject + " is accepted: new work may begin";
}

std::optional<RestoredStatus> Restored::status() const {
    if (!c_.restored) return std::nullopt;
    const ledger::BackupMark& mark = c_.restored->mark;
    return RestoredStatus{mark.id, mark.made, mark.business_day, c_.restored->began};
}

}  // namespace acquirer
