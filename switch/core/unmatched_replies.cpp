#include "switch/core/unmatched_replies.hpp"

#include <algorithm>

#include "switch/core/retention.hpp"

namespace acquirer {

using ledger::EarlierAttempt;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// DE41 counts in matching when it is there: such an answer is of another transaction under the same numbers.
bool names_another_terminal(const IssuerReply& reply, const TransactionRecord& record) {
    return reply.terminal && *reply.terminal != record.terminal;
}

/// The request's answer was taken: another one under its numbers says nothing new.
bool was_answered(State state) {
    using enum State;
    constexpr State answered[] = {approved,       declined,    voided,       authorized,
                                  auth_voiding,   auth_voided, completing,   completed,
                                  void_reversing, lapsed,      not_collected};
    return std::find(std::begin(answered), std::end(answered), state) != std::end(answered);
}

/// An answer under the numbers of the record's advice, and not the first.
bool repeats_an_answer(const TransactionRecord& record, const IssuerReply& reply) {
    const auto carries = [&reply](const auto& numbers) {
        return numbers.stan == reply.stan.value() &&
               numbers.transmission_time == reply.transmission_time.value();
    };
    const auto& partials = record.lowering.reversals;
    // R94: the 0220 of a sale, whose slot went to its 0420.
    const auto& earlier = record.earlier_attempts;
    const bool of_completion =
        record.kind == TransactionKind::sale && std::any_of(earlier.begin(), earlier.end(), carries);
    return of_completion || carries(record.advice) || std::any_of(partials.begin(), partials.end(), carries);
}

/// Under numbers that the record has sent, as whatever.
bool answers_what_it_sent(const TransactionRecord& record, const IssuerReply& reply) {
    const EarlierAttempt numbers{reply.stan.value(), reply.transmission_time.value()};
    const auto& earlier = record.earlier_attempts;
    return numbers == EarlierAttempt{record.issuer_stan, record.issuer_transmission_time} ||
           repeats_an_answer(record, reply) ||
           std::find(earlier.begin(), earlier.end(), numbers) != earlier.end();
}

/// The record that the DE37 of such an answer names, in words.
std::string nearest(const TransactionRecord* record, bool other_terminal) {
    if (record == nullptr) return "unknown";
    const std::string its = "that of " + record->rrn.str();
    if (other_terminal) return its + ", its DE41 is another terminal's";
    const std::uint32_t stan = record->issuer_stan != 0 ? record->issuer_stan : record->advice.stan;
    return stan == 0 ? its + ", which has sent nothing"
                     : its + ", which sent STAN " + iso8583::Stan::of(stan).str();
}

}  // namespace

std::optional<Awaited> what_awaits(CoreContext& c, const IssuerReplyArrived& event) {
    const IssuerReply& reply = event.reply;
    const Awaited* at = c.in_flight.find(
        {event.route, reply.mti.message_class(), reply.stan.value(), reply.transmission_time.value()});
    if (at == nullptr) return std::nullopt;
    if (reply.rrn && at->what == Awaited::What::request && *reply.rrn != at->rrn) return std::nullopt;
    if (at->what == Awaited::What::key_change) return *at;
    const TransactionRecord* asked = reply.terminal ? c.ledger.find(at->rrn) : nullptr;
    if (asked == nullptr || !names_another_terminal(reply, *asked)) return *at;
    // R91: the 0420 of a void from another terminal than the authorization's says that one's.
    const TransactionRecord* undone = asked->of_authorization ? c.ledger.find(*asked->original) : nullptr;
    if (undone == nullptr || names_another_terminal(reply, *undone)) return std::nullopt;
    return *at;
}

/// Taken as an answer to what the record has sent, late (R51) or once more.
bool UnmatchedReplies::is_late(TransactionRecord& record, const IssuerReplyArrived& event) {
    const IssuerReply& reply = event.reply;
    const bool of_request = reply.mti.message_class() <= 2 && record.issuer_stan == reply.stan.value() &&
                            record.issuer_transmission_time == reply.transmission_time.value();
    if (of_request && !was_answered(record.state)) {
        undoing_.on_late_reply(record, event);
        return true;
    }
    if (queue_.on_late_reply(record, event)) return true;
    const auto* route = c_.config->routes.find(event.route);
    // R9: that the void which came before the refund is declined, once more. An approval of it would be the
    // money twice: that people look at.
    const bool of_turned_void = record.asked_as_void.stan == reply.stan.value() &&
                                record.asked_as_void.transmission_time == reply.transmission_time.value() &&
                                route != nullptr && reply.code &&
                                !routing::says_approved(routing::classify_request(*route, *reply.code));
    if (!of_request && !of_turned_void && !repeats_an_answer(record, reply)) return false;
    c_.count("repeated_replies");
    c_.note(Severity::info, NoteKind::late_reply, record, "R63", "the issuer answered again");
    return true;
}

/// Late (R51) when its DE37 leads to the record that sent it, else unmatched (R63) with the nearest miss.
void UnmatchedReplies::on_reply(const IssuerReplyArrived& event) {
    const IssuerReply& reply = event.reply;
    TransactionRecord* record = reply.rrn ? c_.ledger.edit(*reply.rrn) : nullptr;
    const bool other_terminal = record != nullptr && names_another_terminal(reply, *record);
    // The answer to a void that went as the reversal of its sale carries the sale's RRN; it may have gone
    // over the successor of the sale's route.
    TransactionRecord* its_void =
        record != nullptr && record->voided_by ? c_.ledger.edit(*record->voided_by) : nullptr;
    // What retention has taken apart can be undone no more: people look at what its issuer says.
    const bool whole = record == nullptr || !is_taken_apart(c_, *record);
    if (!other_terminal && whole)
        for (TransactionRecord* one : {record, its_void})
            if (one != nullptr && routing::RouteId{one->route} == event.route && is_late(*one, event)) return;
    if (event.mac != MacState::verified) return unproven(event);
    c_.count("unmatched_replies");
    std::string text = "an answer " + reply.mti.str() + " with STAN " + reply.stan.str() + " and DE7 " +
                       reply.transmission_time.str();
    const bool of_a_route_gone = record != nullptr && !other_terminal &&
                                 c_.route(event.route.value) == nullptr &&
                                 answers_what_it_sent(*record, reply);
    if (of_a_route_gone)
        text += " answers " + record->rrn.str() + " with code " + (reply.code ? reply.code->str() : "none") +
                ", over a route that is not configured any more: nobody reads its codes";
    else
        text +=
            " answers nothing that is awaited; " +
            (reply.rrn ? "its DE37 is " + nearest(record, other_terminal) : std::string("it has no DE37"));
    // Of the route, whatever it names: a storm of answers is one thing to look at.
    c_.open_exception_of_route(event.route, "unmatched_reply", "R63", std::move(text));
}

/// Who cannot make its MAC opens nothing that a person has to close.
void UnmatchedReplies::unproven(const IssuerReplyArrived& event) {
    c_.count("unmatched_bad_macs");
    Note n;
    n.severity = Severity::warning;
    n.kind = NoteKind::bad_issuer_mac;
    if (const auto* route = c_.config->routes.find(event.route)) n.route = route->name;
    n.rule = "R63";
    n.link = event.link.value;
    n.detail = event.mac == MacState::hsm_down ? "an answer that nobody awaits, and no HSM verifies its MAC"
                                               : "an answer that nobody awaits has a wrong MAC, or none";
    c_.note(std::move(n));
}

}  // namespace acquirer
