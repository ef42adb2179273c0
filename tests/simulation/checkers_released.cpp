// What leaves: answers to terminals, messages to issuers, lines of the log and answers to people, each
// against what is durable and what was told before.
#include <algorithm>

#include "tests/simulation/checkers.hpp"
#include "tests/simulation/record_facts.hpp"

namespace simulation {

using namespace acquirer;
using iso8583::Field;
using iso8583::Rrn;
using ledger::State;
using ledger::TransactionRecord;

namespace {

/// The wire key of a reply: what its request was recorded under.
std::string key_of(const SendReply& reply) {
    const iso8583::FieldValues& f = reply.fields;
    std::string key(f.get(Field::merchant));
    key += f.get(Field::terminal);
    key += f.get(Field::stan);
    key += std::to_string(f.mti().message_class());
    key += f.get(Field::processing_code);
    if (reply.to.profile == Profile::unionpay_pos)
        key += std::string(f.get(Field::reserved_private_60)).substr(0, 8);
    else
        key += f.get(Field::transmission_time);
    return key;
}

}  // namespace

void Checkers::released(const Effect& effect, iso8583::Instant at) {
    if (const auto* reply = std::get_if<SendReply>(&effect)) released_reply(*reply, at);
    if (const auto* message = std::get_if<SendToIssuer>(&effect)) released_to_issuer(*message, at);
    if (const auto* answer = std::get_if<AnswerOperator>(&effect)) {
        logged(answer->answer.text, at);
        for (const auto& [name, value] : answer->answer.values) logged(value, at);
    }
    if (const auto* note = std::get_if<Note>(&effect)) {
        logged(note->detail, at);
        if (!note->rule.empty()) reached(note->rule);
        if (note->kind == NoteKind::exception_opened)
            reached("exception " + note->detail.substr(0, note->detail.find(':')));
    }
}

/// An x..1 is answered under a DE7 of its own, which nothing is recorded under: another amount under that is
/// another transaction.
bool Checkers::is_under_a_repeats_time(const Rrn& repeated, const iso8583::FieldValues& reply) const {
    const TransactionRecord* r = record(repeated);
    return r != nullptr && r->transmission_time.value() != 0 &&
           r->transmission_time.str() != reply.get(Field::transmission_time) &&
           r->amount.field() != reply.get(Field::amount_transaction);
}

void Checkers::released_reply(const SendReply& reply, iso8583::Instant at) {
    const iso8583::FieldValues& f = reply.fields;
    const int message_class = f.mti().message_class();
    if (message_class != 1 && message_class != 2 && message_class != 4) return;
    const auto rrn = Rrn::parse(f.get(Field::rrn));
    const bool approved = f.get(Field::response_code) == "00";
    if (message_class == 4) {
        if (!approved) return;
        if (!rrn) return broken("I5", "a reversal was answered 00 without an RRN", at);
        return check_reversal_accepted(*rrn, at);
    }
    if (!rrn) {
        if (approved) broken("I5", "a 00 without an RRN left", at);
        return;
    }
    Told& told = told_[key_of(reply)];
    if (!approved) {
        told.refused = true;
        if (!told.approved) told.rrn = *rrn;
        return;
    }
    check_approval(f, *rrn, at);
    const std::string authorization(f.get(Field::authorization_code));
    // R72: it stands again by two people's word, and its repeats are answered so.
    if (const TransactionRecord* r = record(*rrn); told.refused && (r == nullptr || !people_decided(*r)))
        broken("I3", "a request was refused with an RRN and later answered 00, RRN " + rrn->str(), at);
    if (told.approved && told.rrn != *rrn && is_under_a_repeats_time(told.rrn, f)) told = {};
    if (told.approved && (told.rrn != *rrn || told.authorization != authorization))
        broken("I3",
               "a retry was answered 00 with other content, RRN " + rrn->str() + " after " + told.rrn.str(),
               at);
    told.approved = true;
    told.rrn = *rrn;
    told.authorization = authorization;
}

void Checkers::check_approval(const iso8583::FieldValues& reply, const Rrn& rrn, iso8583::Instant at) {
    const TransactionRecord* r = record(rrn);
    if (r == nullptr || !r->answer || r->answer->code.view() != "00")
        return broken("I5", "a 00 left whose answer is not durable, RRN " + rrn.str(), at);
    if (r->first_amount().field() != reply.get(Field::amount_transaction))
        broken("I5", "a 00 names another amount than its record, " + words(*r), at);
    if (told_reversed_.contains(rrn) && !people_decided(*r))
        broken("I3", "answered 00 after its reversal had been answered 00: " + words(*r), at);
    // Its reversal, or two people's word, may have come in the same turn; then it is answered after this.
    if (!approval_holds(*r) && r->reversal_digest == 0 && !people_decided(*r))
        broken("I3", "answered 00 though it does not hold: " + words(*r), at);
    told_approved_.insert(rrn);
}

void Checkers::check_reversal_accepted(const Rrn& rrn, iso8583::Instant at) {
    const TransactionRecord* r = record(rrn);
    if (r == nullptr)
        return broken("I5", "a reversal was answered 00 that is not durable, RRN " + rrn.str(), at);
    if (is_left_to_others(*r)) return;
    const bool is_tombstone = one_of(r->state, {State::tombstone, State::declined});
    // R39: it was of a part, so the original stands.
    if (r->reversal_digest == 0 && !r->lowering.reversals.empty()) return;
    if (r->reversal_digest == 0 && !is_tombstone)
        broken("I5", "a reversal was answered 00 that its original does not know: " + words(*r), at);
    if (contradicts_reversal(*r))
        broken("I5", "a reversal was answered 00 though its original stands: " + words(*r), at);
    told_reversed_.insert(rrn);
}

void Checkers::released_to_issuer(const SendToIssuer& message, iso8583::Instant at) {
    const iso8583::FieldValues& f = message.fields;
    const iso8583::Mti mti = f.mti();
    if (mti.message_class() == 8) return;
    const auto rrn = Rrn::parse(f.get(Field::rrn));
    const std::string stan(f.get(Field::stan)), time(f.get(Field::transmission_time));
    if (!rrn) return broken("I4", mti.str() + " without DE37 left for an issuer", at);
    const TransactionRecord* r = record(*rrn);
    if (r == nullptr)
        return broken("I4", mti.str() + " left before its intent was durable, RRN " + rrn->str(), at);

    const auto carries = [&](const auto& a) {
        return iso8583::Stan::of(a.stan).str() == stan &&
               iso8583::TransmissionTime::of(a.transmission_time).str() == time;
    };
    bool intended = false;
    if (!mti.is_advice()) {
        intended = iso8583::Stan::of(r->issuer_stan).str() == stan &&
                   iso8583::TransmissionTime::of(r->issuer_transmission_time).str() == time;
    } else {
        const std::uint32_t attempts_min = mti.is_repeat() ? 2 : 1;
        const TransactionRecord* queued = r;
        // A void that goes as the reversal of its sale carries the sale's DE37.
        if (!carries(r->advice) && r->voided_by) queued = record(*r->voided_by);
        intended = queued != nullptr && carries(queued->advice) &&
                   queued->advice.attempts + queued->advice.polls >= attempts_min;
        // R94: a completion that was answered before its repeat has left; its slot is the 0420's by then.
        // R74: a refund that is sent again, of whose older attempt the issuer approves in the same turn.
        if (mti.message_class() == 2)
            intended =
                intended || std::any_of(r->earlier_attempts.begin(), r->earlier_attempts.end(), carries);
    }
    if (!intended)
        broken("I4", mti.str() + " left that is not durable as intended or attempted: " + words(*r), at);

    Numbers n{*rrn, mti.value() - mti.origin(), {}};
    if (mti.is_advice())
        f.present().for_each([&](int number) {
            const auto field = static_cast<iso8583::Field>(number);
            n.fields.emplace_back(field, std::string(f.get(field)));
        });
    const std::string key = std::to_string(message.route.value) + "/" + stan + "/" + time;
    const auto [used, is_new] = numbers_.emplace(key, n);
    if (!is_new && (used->second.rrn != *rrn || used->second.mti_without_repeat != n.mti_without_repeat))
        broken("I4", "DE11 " + stan + " and DE7 " + time + " were used twice towards an issuer", at);
    if (mti.message_class() == 4) check_original(f, message.route, at);
    // R54: whatever clock, zone or configuration says by now.
    if (!is_new && mti.is_repeat() && used->second.fields != n.fields) {
        std::string what;
        for (const auto* side : {&used->second.fields, &n.fields})
            for (const auto& entry : *side)
                if (const auto& other = side == &n.fields ? used->second.fields : n.fields;
                    std::find(other.begin(), other.end(), entry) == other.end())
                    what += (side == &n.fields ? " now DE" : " first DE") +
                            std::to_string(static_cast<int>(entry.first)) + "=" + entry.second;
        broken("I4", mti.str() + " says something else than its first attempt," + what + ": " + words(*r),
               at);
    }
}

/// DE90 names what left, by the MTI that it left with (R50); a blind one names what nobody here sent.
void Checkers::check_original(const iso8583::FieldValues& reversal, routing::RouteId route,
                              iso8583::Instant at) {
    const std::string named(reversal.get(Field::original_data));
    constexpr std::size_t mti_size = 4, stan_size = 6, time_size = 10;
    if (named.size() < mti_size + stan_size + time_size) return;
    const auto sent = numbers_.find(std::to_string(route.value) + "/" + named.substr(mti_size, stan_size) +
                                    "/" + named.substr(mti_size + stan_size, time_size));
    if (sent == numbers_.end()) return;
    const std::string left =
        iso8583::Mti::of(static_cast<std::uint16_t>(sent->second.mti_without_repeat)).str();
    if (left != named.substr(0, mti_size))
        broken("I4", "DE90 of a 0420 names a " + named.substr(0, mti_size) + " that left as " + left, at);
}

void Checkers::logged(std::string_view text, iso8583::Instant at) {
    for (const std::string& clear : forbidden_)
        if (text.find(clear) != std::string_view::npos)
            broken("I10", "clear text in a log line or an operator's answer", at);
}

}  // namespace simulation
