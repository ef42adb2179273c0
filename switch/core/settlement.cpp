#include "switch/core/settlement.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "switch/core/duplicate_guard.hpp"
#include "switch/core/terminal_replies.hpp"

namespace acquirer {
namespace {

using iso8583::Field;
using Totals = ledger::TerminalRecord::BatchTotals;

constexpr std::size_t de48_digits = 62;  // domestic 12+3+12+3+1, foreign the same
constexpr std::size_t de48_half_digits = 31;
constexpr std::size_t de48_code_at = 30;  // of a half
// A terminal says counts in three digits and sums in twelve: beyond that both sides' lowest digits are
// compared.
constexpr std::uint32_t de48_count_modulus = 1'000;
constexpr std::int64_t de48_sum_modulus = 1'000'000'000'000;
constexpr int class_settlement = 5;
// Of a half in DE48, and of DE66.
constexpr char in_balance = '1';
constexpr char out_of_balance = '2';
constexpr std::size_t waiting_of_a_batch_max = 8;  // one, its repeats, and those over other connections

std::int64_t number_at(std::string_view text, std::size_t at, std::size_t digits) {
    std::int64_t v = 0;
    for (char c : text.substr(at, digits)) v = v * 10 + (c - '0');
    return v;
}

Totals parse_de48_half(std::string_view half) {
    Totals t;
    t.debit_minor = number_at(half, 0, 12);
    t.debit_count = static_cast<std::uint32_t>(number_at(half, 12, 3));
    t.credit_minor = number_at(half, 15, 12);
    t.credit_count = static_cast<std::uint32_t>(number_at(half, 27, 3));
    return t;
}

std::optional<BatchHalves> parse_de48(std::string_view f48) {
    if (f48.size() != de48_digits || !iso8583::all_digits(f48)) return std::nullopt;
    return BatchHalves{parse_de48_half(f48), parse_de48_half(f48.substr(de48_half_digits))};
}

/// Of one half of DE48.
bool agree(const Totals& ours, const Totals& theirs) {
    const auto lowest = [](std::int64_t minor) {
        return (minor % de48_sum_modulus + de48_sum_modulus) % de48_sum_modulus;
    };
    return lowest(ours.debit_minor) == theirs.debit_minor &&
           lowest(ours.credit_minor) == theirs.credit_minor &&
           ours.debit_count % de48_count_modulus == theirs.debit_count &&
           ours.credit_count % de48_count_modulus == theirs.credit_count;
}
bool agree(const BatchHalves& ours, const BatchHalves& theirs) {
    return agree(ours.domestic, theirs.domestic) && agree(ours.foreign, theirs.foreign);
}

Totals sum_of(const BatchHalves& halves) {
    Totals t = halves.domestic;
    t.debit_minor += halves.foreign.debit_minor;
    t.credit_minor += halves.foreign.credit_minor;
    t.debit_count += halves.foreign.debit_count;
    t.credit_count += halves.foreign.credit_count;
    return t;
}

std::int64_t field_number(const iso8583::FieldValues& fields, Field f) {
    const std::string_view text = fields.get(f);
    return iso8583::all_digits(text) ? number_at(text, 0, text.size()) : 0;
}

/// DE74/86 credits, DE76/88 debits; their reversals (75, 77, 87, 89) are taken off.
Totals parse_iso_totals(const iso8583::FieldValues& f) {
    Totals t;
    t.credit_count = static_cast<std::uint32_t>(field_number(f, Field::credits_number) -
                                                field_number(f, Field::credits_reversal_number));
    t.debit_count = static_cast<std::uint32_t>(field_number(f, Field::debits_number) -
                                               field_number(f, Field::debits_reversal_number));
    t.credit_minor = field_number(f, Field::credits_amount) - field_number(f, Field::credits_reversal_amount);
    t.debit_minor = field_number(f, Field::debits_amount) - field_number(f, Field::debits_reversal_amount);
    return t;
}

/// Whether DE97 is what its message's own sums come to; nothing has either sign.
bool net_fits(const iso8583::FieldValues& f, const Totals& theirs) {
    const std::string_view net = f.get(Field::net_settlement_amount);  // its form was judged by the codec
    const std::int64_t minor = number_at(net, 1, net.size());
    return (net.front() == 'D' ? -minor : minor) == theirs.credit_minor - theirs.debit_minor;
}

}  // namespace

void Settlement::on_settlement(const RequestArrived& event) {
    const BatchOf batch{event.request.terminal, terminals_.record(event.request.terminal).batch};
    if (!c_.in_flight.is_with_an_issuer(batch)) {
        settle(event);
        return;
    }
    std::vector<RequestArrived>& waiting = waiting_[batch];
    if (waiting.size() == waiting_of_a_batch_max) return;  // the terminal repeats it
    c_.in_flight.watch(batch);
    waiting.push_back(event);
}

void Settlement::after_step() {
    for (const BatchOf& batch : c_.in_flight.take_ended()) {
        const auto at = waiting_.find(batch);
        if (at == waiting_.end()) continue;
        const std::vector<RequestArrived> waiting = std::move(at->second);
        waiting_.erase(at);
        for (const RequestArrived& event : waiting) settle(event);
    }
}

void Settlement::on_terminal_link_closed(LinkId link) {
    for (auto& [batch, waiting] : waiting_)
        std::erase_if(waiting, [&](const RequestArrived& e) { return e.from.link == link; });
}

void Settlement::settle(const RequestArrived& event) {
    ledger::TerminalRecord terminal = terminals_.record(event.request.terminal);
    if (event.request.profile == Profile::unionpay_pos)
        settle_unionpay(event, std::move(terminal));
    else
        settle_iso(event, std::move(terminal));
}

void Settlement::settle_unionpay(const RequestArrived& event, ledger::TerminalRecord terminal) {
    const TerminalRequest& r = event.request;
    const Asker asker{event.from, r};
    const auto theirs = parse_de48(r.fields.get(Field::additional_data));
    if (!theirs) {
        TerminalRequest faulty = r;
        faulty.format_fault = "DE48: 62 digits are needed (debit and credit, domestic and foreign)";
        answer_refusal(c_, Asker{event.from, std::move(faulty)}, Refusal::format_error);
        return;
    }
    if (r.batch != terminal.batch) {
        // The settlement of the batch closed last, again: the stored answer when it says the same.
        if (r.batch != terminal.closed_batch || terminal.closed_rrn.empty())
            answer_refusal(c_, asker, Refusal::batch_closed);
        else if (!agree({terminal.closed_totals, terminal.closed_foreign_totals}, *theirs))
            answer_refusal(c_, asker, Refusal::totals_differ);
        else
            reply_settlement(event, terminal, both_halves(terminal.closed_code), Then::next_batch);
        return;
    }
    const BatchHalves ours = own_totals(terminal);
    const HalfCodes codes{agree(ours.domestic, theirs->domestic) ? in_balance : out_of_balance,
                          agree(ours.foreign, theirs->foreign) ? in_balance : out_of_balance};
    if (codes == both_halves(in_balance)) {
        close(terminal, *theirs, in_balance);
        reply_settlement(event, terminal, codes, Then::next_batch);
        return;
    }
    if (!terminal.uploading) note_difference(terminal, *theirs, ours, "");
    if (!terminal.uploading || terminal.named != *theirs) {
        terminal.uploading = true;
        terminal.named = *theirs;
        terminals_.save(terminal);
    }
    reply_settlement(event, terminal, codes, Then::as_before);
}

void Settlement::settle_iso(const RequestArrived& event, ledger::TerminalRecord terminal) {
    const TerminalRequest& r = event.request;
    const Totals theirs = parse_iso_totals(r.fields);
    const bool fits = net_fits(r.fields, theirs);
    const bool again = !terminal.closed_rrn.empty() && terminal.closed_stan == r.stan.value() &&
                       terminal.closed_transmission_time == r.transmission_time.value();
    if (again) {
        // A batch in balance was closed by a net that fitted.
        if (theirs == terminal.closed_totals && (fits || terminal.closed_code == out_of_balance))
            reply_settlement(event, terminal, both_halves(terminal.closed_code), Then::as_before);
        else
            answer_refusal(c_, Asker{event.from, r}, Refusal::totals_differ);
        return;
    }
    // A settlement closes one batch: an older one that comes once more, whoever sends it, closes no other.
    const std::string slot_key = trace_slot_key(r);
    ledger::TraceSlot slot = c_.ledger.trace_slot(slot_key);
    const bool closed_one = std::any_of(slot.entries.begin(), slot.entries.end(), [&](const auto& e) {
        return e.message_class == class_settlement && e.transmission_time == r.transmission_time.value();
    });
    if (closed_one) {
        answer_refusal(c_, Asker{event.from, r}, Refusal::batch_closed);
        return;
    }
    // No upload in this profile: an unbalanced batch closes with an exception.
    // Its fields have no halves.
    const bool balanced = fits && sum_of(own_totals(terminal)) == theirs;
    if (!balanced)
        note_difference(terminal, {theirs, {}}, {sum_of(own_totals(terminal)), {}},
                        fits ? "" : ", net " + std::string(r.fields.get(Field::net_settlement_amount)));
    terminal.closed_stan = r.stan.value();
    terminal.closed_transmission_time = r.transmission_time.value();
    close(terminal, {theirs, {}}, balanced ? in_balance : out_of_balance);
    if (const auto rrn = iso8583::Rrn::parse(terminal.closed_rrn))
        c_.ledger.add_trace(slot_key, std::move(slot), trace_entry(r, 0, *rrn, c_.now.utc));
    reply_settlement(event, terminal, both_halves(terminal.closed_code), Then::as_before);
}

BatchHalves Settlement::own_totals(const ledger::TerminalRecord& terminal) const {
    const auto half = [&](bool foreign) {
        const auto debit =
            c_.ledger.totals().get(ledger::batch_debit_name(terminal.terminal, terminal.batch, foreign));
        const auto credit =
            c_.ledger.totals().get(ledger::batch_credit_name(terminal.terminal, terminal.batch, foreign));
        Totals t;
        t.debit_minor = debit.amount_minor;
        t.debit_count = static_cast<std::uint32_t>(debit.count);
        t.credit_minor = credit.amount_minor;
        t.credit_count = static_cast<std::uint32_t>(credit.count);
        return t;
    };
    return {half(false), half(true)};
}

void Settlement::note_difference(const ledger::TerminalRecord& terminal, const BatchHalves& theirs,
                                 const BatchHalves& ours, const std::string& their_net) {
    const auto half = [&](const Totals& t) {
        const auto major = [&](std::int64_t minor) {
            return iso8583::Amount(minor, c_.config->currency).major();
        };
        return "debit " + std::to_string(t.debit_count) + "/" + major(t.debit_minor) + " credit " +
               std::to_string(t.credit_count) + "/" + major(t.credit_minor);
    };
    const auto text = [&](const BatchHalves& halves) {
        return half(halves.domestic) +
               (halves.foreign == Totals{} ? "" : ", foreign " + half(halves.foreign));
    };
    // Of this batch: those of other terminals and of later batches are things of their own to look at.
    c_.open_exception({std::nullopt, terminal.terminal.str() + "/" + terminal.batch.str(),
                       "settlement_differs", "R5",
                       "terminal " + terminal.terminal.str() + " batch " + terminal.batch.str() +
                           ": terminal says " + text(theirs) + their_net + ", switch says " + text(ours),
                       false});
}

void Settlement::close(ledger::TerminalRecord& terminal, const BatchHalves& theirs, char code) {
    const iso8583::CivilTime local = c_.local_now();
    terminal.closed_batch = terminal.batch;
    terminal.closed_totals = theirs.domestic;
    terminal.closed_foreign_totals = theirs.foreign;
    terminal.closed_code = code;
    terminal.closed_rrn = c_.ledger.next_rrn(c_.now).str();
    terminal.closed_local_time = local.hhmmss();
    terminal.closed_local_date = local.date.mmdd();
    terminal.closed_day = c_.business_day;
    c_.ledger.totals().forget(std::string(ledger::batches_prefix) + terminal.terminal.str() + "/" +
                              terminal.batch.str() + "/");
    terminal.batch = terminal.batch.next();
    terminal.uploading = false;
    terminal.named.reset();
    terminals_.save(terminal);
    Note n;
    n.kind = NoteKind::batch_settled;
    n.terminal = terminal.terminal.str();
    n.rule = "R5";
    n.detail = "batch " + terminal.closed_batch.str() + " closed, code " + std::string(1, code);
    c_.note(std::move(n));
}

void Settlement::reply_settlement(const RequestArrived& event, const ledger::TerminalRecord& terminal,
                                  HalfCodes codes, Then then) {
    const bool next_batch = then == Then::next_batch;
    const bool closed =
        codes == both_halves(in_balance) || event.request.profile == Profile::iso87 || next_batch;
    ReplyContent content;
    content.code = iso8583::ResponseCode::of("00");
    if (closed) {
        if (auto rrn = iso8583::Rrn::parse(terminal.closed_rrn)) content.rrn = *rrn;
        content.local_time = terminal.closed_local_time;
        content.local_date = terminal.closed_local_date;
        content.business_date = terminal.closed_day;
    }
    iso8583::FieldValues fields = make_reply(c_, event.request, content);
    if (event.request.profile == Profile::unionpay_pos) {
        std::string f48(event.request.fields.get(Field::additional_data));
        if (f48.size() == de48_digits) {
            f48[de48_code_at] = codes.domestic;
            f48[de48_half_digits + de48_code_at] = codes.foreign;
        }
        if (!f48.empty()) fields.set(Field::additional_data, f48);
        std::string f60(event.request.fields.get(Field::reserved_private_60));
        if (next_batch && f60.size() >= 8) f60.replace(2, 6, terminal.batch.str());
        fields.set(Field::reserved_private_60, f60);
    } else {
        fields.set(Field::settlement_code, std::string(1, codes.domestic));
        fields.set(Field::net_settlement_amount, event.request.fields.get(Field::net_settlement_amount));
    }
    const char worst = std::max(codes.domestic, codes.foreign);
    c_.count(std::string("answered.settlement.00.") + worst);
    c_.emit(SendReply{event.from, std::move(fields), false});
}

void Settlement::on_upload(const RequestArrived& event) {
    const Asker asker{event.from, event.request};
    ledger::TerminalRecord terminal = terminals_.record(event.request.terminal);
    const bool of_closed = event.request.batch == terminal.closed_batch &&
                           terminal.closed_code == out_of_balance && !terminal.uploading;
    if (!terminal.uploading || event.request.batch != terminal.batch) {
        // The end message of an upload that is over, again.
        if (of_closed && event.request.kind == RequestKind::batch_upload_end)
            reply_settlement(event, terminal, both_halves(out_of_balance), Then::next_batch);
        else
            answer_refusal(c_, asker, Refusal::batch_closed);
        return;
    }
    if (event.request.kind == RequestKind::batch_upload) {
        ReplyContent content;
        content.code = iso8583::ResponseCode::of("00");
        answer(c_, asker, content);
        return;
    }
    const BatchHalves theirs = terminal.named.value_or(own_totals(terminal));
    close(terminal, theirs, out_of_balance);
    reply_settlement(event, terminal, both_halves(out_of_balance), Then::next_batch);
}

iso8583::BatchNumber Settlement::close_batch(const iso8583::TerminalId& id) {
    ledger::TerminalRecord terminal = terminals_.record(id);
    // What the last 0500 of the ISO profile closed is closed no longer than this batch.
    terminal.closed_stan = terminal.closed_transmission_time = 0;
    close(terminal, own_totals(terminal), in_balance);
    return terminal.batch;
}

}  // namespace acquirer
