#include "switch/core/operations.hpp"

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/nearest_word.hpp"
#include "switch/core/operator_words.hpp"
#include "switch/core/transaction_state.hpp"

namespace acquirer {
namespace {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

/// A role includes viewer, none includes another.
Role needed_role(const OperatorCommand& command) {
    struct Needed {
        Role operator()(const CheckRefund&) const { return Role::viewer; }
        Role operator()(const OpenRefund&) const { return Role::operator_; }
        Role operator()(const CancelRefund&) const { return Role::operator_; }
        Role operator()(const RetryAdvice&) const { return Role::operator_; }
        Role operator()(const ApproveRefund&) const { return Role::supervisor; }
        Role operator()(const RejectRefund&) const { return Role::supervisor; }
        Role operator()(const MoveRoute&) const { return Role::supervisor; }
        Role operator()(const ChangeMerchant&) const { return Role::supervisor; }
        Role operator()(const ChangeTerminal&) const { return Role::supervisor; }
        Role operator()(const ChangeException&) const { return Role::supervisor; }
        Role operator()(const CutOverDay&) const { return Role::admin; }
        Role operator()(const RotateIssuerKey&) const { return Role::security_officer; }
        Role operator()(const ListKeys&) const { return Role::viewer; }
        Role operator()(const SettleTransaction&) const { return Role::operator_; }
        Role operator()(const ReleaseStale&) const { return Role::supervisor; }
        Role operator()(const ResolveAbnormal&) const { return Role::operator_; }
        Role operator()(const ReopenRefund&) const { return Role::operator_; }
        Role operator()(const EditRefund&) const { return Role::operator_; }
        Role operator()(const AddDispute&) const { return Role::operator_; }
        Role operator()(const CloseDispute&) const { return Role::viewer; }  // by its kind: ways_out.cpp
        Role operator()(const DecideProposal&) const { return Role::supervisor; }
        Role operator()(const PutFile&) const { return Role::operator_; }
        Role operator()(const JudgeLines&) const { return Role::viewer; }
        Role operator()(const SubmitBatch&) const { return Role::operator_; }
        Role operator()(const DecideBatch&) const { return Role::supervisor; }
        Role operator()(const ChangeBatch&) const { return Role::operator_; }
        Role operator()(const ImportIssuerFile&) const { return Role::operator_; }
        Role operator()(const RunReconciliation&) const { return Role::operator_; }
        Role operator()(const ResolveDifference&) const { return Role::supervisor; }
        Role operator()(const BackUp&) const { return Role::admin; }
        Role operator()(const AcceptRestore&) const { return Role::admin; }
        Role operator()(const ProposePolicy&) const { return Role::admin; }
        Role operator()(const AddParty&) const { return Role::supervisor; }
        Role operator()(const RemoveParty&) const { return Role::supervisor; }
        Role operator()(const RotateVaultKey&) const { return Role::security_officer; }
        Role operator()(const RetireVaultKey&) const { return Role::security_officer; }
        Role operator()(const AddReserve&) const { return Role::operator_; }
        Role operator()(const ChargeMerchant&) const { return Role::operator_; }
        Role operator()(const OpenAdjustment&) const { return Role::operator_; }
        Role operator()(const RunPurge&) const { return Role::admin; }
    };
    return std::visit(Needed{}, command);
}

}  // namespace

void Operations::on_command(const OperatorCommanded& event) {
    const Role needed = needed_role(event.command);
    if (needed != Role::viewer && event.role != needed) {
        c_.emit(AnswerOperator{event.ticket, no("role " + std::string(name(needed)) + " is needed, " +
                                                event.user + " is " + std::string(name(event.role)))});
        return;
    }
    if (c_.restored && begins_new_work(event.command)) {
        c_.emit(AnswerOperator{event.ticket, no(restored_.to_reconcile())});
        return;
    }
    // What asks the HSM or an issuer, or reads a file, answers for itself, later.
    if (const auto* rotate = std::get_if<RotateIssuerKey>(&event.command))
        return key_exchange_.rotate(event, *rotate);
    if (std::holds_alternative<ListKeys>(event.command)) return key_inventory_.list(event);
    if (const auto* batch = std::get_if<SubmitBatch>(&event.command)) return batches_.submit(event, *batch);
    std::visit(
        [&](const auto& command) {
            if constexpr (requires { perform(event, command); })
                c_.emit(AnswerOperator{event.ticket, perform(event, command)});
        },
        event.command);
}

void Operations::audit(const OperatorCommanded& event, std::string action, const std::string& detail) {
    audit(event.user, name(event.role), std::move(action), detail);
}

void Operations::audit(const std::string& user, std::string_view role, std::string action,
                       const std::string& detail) {
    Note n;
    n.kind = NoteKind::operator_change;
    n.detail = user + ": " + action + " " + detail;
    c_.note(std::move(n));
    ENSURE(audit_.has_value());
    ledger::AuditEvent entry;
    entry.utc = c_.now.utc;
    entry.user = user.substr(0, ledger::AuditLog::user_bytes_max);
    entry.role = role;
    entry.action = std::move(action);
    entry.detail = detail.substr(0, ledger::AuditLog::detail_bytes_max);
    ENSURE(audit_->append(c_.ledger.overlay(), std::move(entry)).has_value());
}

void Operations::audit_restore(const std::string& detail) {
    ENSURE(audit_.has_value());
    ledger::AuditEvent entry;
    entry.utc = c_.now.utc;
    entry.user = "the switch";
    entry.detail = detail.substr(0, ledger::AuditLog::detail_bytes_max);
    ENSURE(audit_->append_after_restore(c_.ledger.overlay(), std::move(entry)).has_value());
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const MoveRoute& command) {
    const auto* route = c_.config->routes.find(command.route);
    if (route == nullptr) {
        std::vector<std::string> names;
        for (const routing::Route& known : c_.config->routes.routes()) names.push_back(known.name);
        return no("no route is named " + command.route + iso8583::did_you_mean(names, command.route));
    }
    const RouteMode mode = command.to == MoveRoute::To::up     ? RouteMode::up
                           : command.to == MoveRoute::To::down ? RouteMode::down
                                                               : RouteMode::drain;
    const std::string state = mode == RouteMode::up ? "" : mode == RouteMode::down ? "down" : "drain";
    c_.links.set_mode(route->id, mode);
    c_.ledger.save_override(ledger::OverrideKind::route, route->name, {state, event.user, c_.now.utc});
    audit(event, "route." + std::string(state.empty() ? "up" : state), route->name);
    if (mode == RouteMode::up) {
        queue_.link_up(route->id);
        transactions_.retry_cleared();
    }
    return yes("route " + route->name + " is " + (state.empty() ? "up" : state) +
               (mode == RouteMode::up ? " (as its links allow)" : ""));
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ChangeMerchant& command) {
    const auto id = iso8583::MerchantId::parse(command.merchant);
    if (!id || c_.config->find_merchant(*id) == nullptr)
        return no("no merchant " + command.merchant + " is configured");
    using To = ChangeMerchant::To;
    const bool of_refunds = command.to == To::enable_refund || command.to == To::disable_refund;
    const std::string state = command.to == To::suspend         ? "suspended"
                              : command.to == To::resume        ? "resumed"
                              : command.to == To::enable_refund ? "refund_enabled"
                                                                : "refund_disabled";
    terminals_.set_merchant_override(*id, state);
    c_.ledger.save_override(
        of_refunds ? ledger::OverrideKind::refunds_of_merchant : ledger::OverrideKind::merchant, id->view(),
        {state, event.user, c_.now.utc});
    audit(event, "merchant." + state, id->str());
    return yes("merchant " + id->str() + " is " + state);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const ChangeTerminal& command) {
    const auto id = iso8583::TerminalId::parse(command.terminal);
    if (!id || c_.config->find_terminal(*id) == nullptr)
        return no("no terminal " + command.terminal + " is configured");
    if (command.to == ChangeTerminal::To::close_batch) {
        if (c_.in_flight.is_with_an_issuer({*id, terminals_.record(*id).batch}))
            return no("terminal " + id->str() + " has a transaction with an issuer; try again");
        const iso8583::BatchNumber next = settlement_.close_batch(*id);
        audit(event, "terminal.close_batch", id->str() + " next batch " + next.str());
        OperatorAnswer answer =
            yes("the open batch of terminal " + id->str() + " is closed; the next is " + next.str());
        answer.values = {{"terminal", id->str()}, {"batch", next.str()}};
        return answer;
    }
    const std::string state = command.to == ChangeTerminal::To::suspend ? "suspended" : "resumed";
    terminals_.set_terminal_override(*id, state);
    c_.ledger.save_override(ledger::OverrideKind::terminal, id->view(), {state, event.user, c_.now.utc});
    audit(event, "terminal." + state, id->str());
    return yes("terminal " + id->str() + " is " + state);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const CutOverDay& command) {
    if (const auto why = days_.refusal())
        return command.force ? ways_out_.propose_cut_over(event, *why)
                             : no(*why + "; --force proposes it to a supervisor");
    const std::string before = c_.business_day.date.iso();
    days_.cut_over(event.user);
    audit(event, "day.cutover", before + " -> " + c_.business_day.date.iso());
    OperatorAnswer answer =
        yes("business day " + before + " is closed; " + c_.business_day.date.iso() + " began");
    answer.values = {{"closed", before}, {"business_date", c_.business_day.date.iso()}};
    return answer;
}

/// Numbers of cases and batches are proposals too: `refund approve` and `proposals approve` are the same act.
OperatorAnswer Operations::perform(const OperatorCommanded& event, const DecideProposal& command) {
    const bool of_a_case_or_batch =
        RefundBatches::is_number(command.id) || iso8583::Rrn::parse(command.id).has_value();
    if (c_.restored && of_a_case_or_batch) return no(restored_.to_reconcile());
    if (RefundBatches::is_number(command.id))
        return batches_.decide(event, {command.id,
                                       command.to == DecideProposal::To::approve ? DecideBatch::To::approve
                                                                                 : DecideBatch::To::reject,
                                       "", command.note});
    if (const auto rrn = iso8583::Rrn::parse(command.id)) {
        if (command.to == DecideProposal::To::approve) return perform(event, ApproveRefund{command.id});
        return perform(event, RejectRefund{command.id, command.note});
    }
    return ways_out_.decide(event, command);
}

OperatorAnswer Operations::perform(const OperatorCommanded& event, const PutFile& command) {
    const bool was_here = files_.sealed(command.digest).has_value();
    OperatorAnswer answer = files_.put(event, command);
    if (!was_here && files_.sealed(command.digest))
        audit(event, "file.put", command.digest + ", " + std::to_string(command.bytes) + " bytes");
    return answer;
}

}  // namespace acquirer
