#include "switch/views/operator_views.hpp"
#include "switch/views/people_words.hpp"
#include "switch/views/state_words.hpp"

#include <algorithm>
#include <functional>

#include "iso8583/values/bytes.hpp"
#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/core/refusal.hpp"
#include "switch/core/ways_out.hpp"
#include "switch/views/money_views.hpp"
#include "switch/views/recon_views.hpp"
#include "switch/views/retention_views.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

std::string local_time(const ViewContext& context, iso8583::UtcTime at) {
    return iso8583::local_iso(at, context.configuration.time_zone.offset_s(at));
}

std::string route_name(const ViewContext& context, std::uint16_t route) {
    if (route == 0) return "";
    const routing::Route* found = context.configuration.routes.find(routing::RouteId{route});
    return found != nullptr ? found->name : "route " + std::to_string(route) + " (not configured)";
}

std::string answered_code(const TransactionRecord& record) {
    return record.answer ? record.answer->code.str() : "";
}

tl::unexpected<iso8583::ParseError> store_fault(const ledger::StoreError& error) {
    return parse_error("the ledger could not be read: " + error.what);
}

iso8583::Result<std::optional<TransactionRecord>> read_record(const ViewContext& context,
                                                              const iso8583::Rrn& rrn) {
    auto stored = context.store.get(Family::journal, ledger::transaction_key(rrn));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<TransactionRecord>();
    auto record = ledger::decode_transaction_record(**stored);
    if (!record) return parse_error("the ledger's record cannot be read: " + record.error().what);
    return std::optional<TransactionRecord>(std::move(*record));
}

std::string_view advice_kind(ledger::QueuedAdvice::Kind kind) {
    switch (kind) {
        case ledger::QueuedAdvice::Kind::none:
            return "none";
        case ledger::QueuedAdvice::Kind::refund:
            return "refund";
        case ledger::QueuedAdvice::Kind::reversal:
            return "reversal";
        case ledger::QueuedAdvice::Kind::completion:
            return "completion";
    }
    return "?";
}

std::string_view advice_status(ledger::QueuedAdvice::Status status) {
    switch (status) {
        case ledger::QueuedAdvice::Status::waiting:
            return "waiting";
        case ledger::QueuedAdvice::Status::in_flight:
            return "in_flight";
        case ledger::QueuedAdvice::Status::final:
            return "final";
        case ledger::QueuedAdvice::Status::parked:
            return "parked";
    }
    return "?";
}

namespace {

View advice_view(const ViewContext& context, const TransactionRecord& record) {
    const ledger::QueuedAdvice& a = record.advice;
    View view = View::object();
    view.put("kind", advice_kind(a.kind)).put("status", advice_status(a.status));
    view.put("attempts", a.attempts).put("stan", iso8583::Stan::of(a.stan).str());
    view.put("transmission_time", iso8583::TransmissionTime::of(a.transmission_time).str());
    view.put("queued", local_time(context, a.queued));
    if (a.status == ledger::QueuedAdvice::Status::waiting)
        view.put("next_attempt", local_time(context, a.next_attempt));
    view.put_if("last_code", a.last_code);
    if (a.not_found_once) view.put("quarantine", true);
    if (a.polls != 0) view.put("polls", a.polls);
    if (a.processing_since.ms != 0) view.put("processing_since", local_time(context, a.processing_since));
    return view;
}

void put_money(View& view, const ViewContext&, const TransactionRecord& record) {
    const auto major = [&](std::int64_t minor) {
        return iso8583::Amount(minor, record.amount.currency()).major();
    };
    if (record.kind == TransactionKind::sale) {
        view.put("refunded", major(record.refunds_minor)).put("refunds", record.refunds_count);
        view.put("charged_back", major(record.chargebacks_minor))
            .put("remaining", major(record.remaining_minor()));
    }
    put_charges(view, record);
    if (record.original) view.put("original", record.original->view());
    if (record.voided_by) view.put("voided_by", record.voided_by->view());
    if (record.completed_by) view.put("completed_by", record.completed_by->view());
    if (record.is_uncollected()) view.put("uncollected", true);
}

void put_answer(View& view, const TransactionRecord& record) {
    if (record.refusal != 0) {
        const RefusalInfo& why = info(static_cast<Refusal>(record.refusal));
        view.put("refusal", why.name).put("rule", why.rule).put("explanation", why.explanation);
    }
    if (!record.answer) return;
    view.put_if("response_text", record.answer->text);
}

View postings_view(const TransactionRecord& record) {
    View list = View::list();
    for (const ledger::Posting& p : record.postings) {
        View one = View::object();
        one.put("day", p.day.date.iso())
            .put("debit", account_word(p.debit))
            .put("credit", account_word(p.credit));
        one.put("amount", iso8583::Amount(p.amount_minor, record.amount.currency()).major());
        list.add(std::move(one));
    }
    return list;
}

View history_view(const ViewContext& context, const TransactionRecord& record) {
    View list = View::list();
    for (const ledger::HistoryEntry& h : record.history) {
        View one = View::object();
        one.put("time", local_time(context, h.at)).put("state", ledger::name(h.state)).put("rule", h.rule);
        list.add(std::move(one));
    }
    return list;
}

/// The refunds of a sale, newest first, whatever became of them.
iso8583::Result<View> refunds_of(const ViewContext& context, const TransactionRecord& sale) {
    View list = View::list();
    std::optional<iso8583::Rrn> next = sale.last_refund;
    for (std::size_t n = 0; next && n < list_limit_default; ++n) {
        auto refund = read_record(context, *next);
        if (!refund) return tl::unexpected(refund.error());
        if (!*refund) break;
        const TransactionRecord& r = **refund;
        View one = View::object();
        one.put("rrn", r.rrn.view()).put("state", ledger::name(r.state)).put("amount", r.amount.major());
        one.put("code", answered_code(r)).put("time", local_time(context, r.created));
        list.add(std::move(one));
        next = r.last_refund;
    }
    return list;
}

/// The fields of both messages that the ledger keeps; the messages themselves are not archived.
View messages_view(const TransactionRecord& record) {
    View request = View::object();
    const iso8583::Field named_by = payment_kind(record.instrument).field;
    if (named_by != iso8583::Field{})
        request.put_if(std::to_string(iso8583::number(named_by)), masked_means(record));
    request.put("3", record.processing_code).put("4", record.amount.field()).put("11", record.stan.str());
    request.put_if("22", record.entry_mode)
        .put("41", record.terminal.view())
        .put("42", record.merchant.view());
    request.put("49", record.amount.currency().str());
    View reply = View::object();
    if (record.answer) {
        const ledger::StoredAnswer& a = *record.answer;
        reply.put_if("12", a.local_time).put_if("13", a.local_date).put("15", a.business_date.date.mmdd());
        reply.put("37", record.rrn.view()).put_if("38", a.authorization.view()).put("39", a.code.view());
        reply.put_if("44", a.text);
    }
    View view = View::object();
    view.put("note", "messages are not archived: these are the fields that the ledger keeps");
    view.put("request", std::move(request)).put("reply", std::move(reply));
    return view;
}

}  // namespace

iso8583::Result<void> each_open(const ViewContext& context,
                                const std::function<bool(const TransactionRecord&)>& visit,
                                const std::optional<iso8583::Rrn>& behind) {
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::open_work);
    if (behind) range.from = ledger::open_work_key(*behind) + '\0';
    std::optional<iso8583::ParseError> fault;
    auto done = context.store.scan(Family::journal, range.from, range.to,
                                   [&](std::string_view key, std::string_view) {
                                       const auto rrn = iso8583::Rrn::parse(key.substr(1));
                                       if (!rrn) return true;
                                       auto record = read_record(context, *rrn);
                                       if (!record) {
                                           fault = record.error();
                                           return false;
                                       }
                                       return !*record || visit(**record);
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return tl::unexpected(*fault);
    return {};
}

iso8583::Result<bool> is_settled(const ViewContext& context, const TransactionRecord& record) {
    auto stored = context.store.get(Family::index, ledger::terminal_key(record.terminal));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return false;
    const auto terminal = ledger::decode_terminal(**stored);
    if (!terminal) return parse_error("the ledger's terminal cannot be read: " + terminal.error().what);
    return terminal->batch != record.batch;
}

iso8583::Result<TransactionRecord> find_record(const ViewContext& context, std::string_view id) {
    if (const auto rrn = iso8583::Rrn::parse(id)) {
        auto record = read_record(context, *rrn);
        if (!record) return tl::unexpected(record.error());
        if (*record) return std::move(**record);
    }
    // A case number as the slip shows it: DE44 of a 01.
    std::optional<TransactionRecord> found;
    auto done = each_open(context, [&](const TransactionRecord& record) {
        if (!id.empty() && record.answer && record.answer->text == id) found = record;
        return !found;
    });
    if (!done) return tl::unexpected(done.error());
    if (!found) {
        const auto rrn = iso8583::Rrn::parse(id);
        return parse_error("no transaction has that RRN or case number" +
                           (rrn ? purged_words(context, *rrn) : std::string()));
    }
    return std::move(*found);
}

View summary(const ViewContext& context, const TransactionRecord& record) {
    View view = View::object();
    view.put("rrn", record.rrn.view())
        .put("kind", kind_word(record))
        .put("state", ledger::name(record.state));
    view.put("amount", record.amount.major())
        .put("code", answered_code(record))
        .put(std::string(payment_kind(record.instrument).noun), masked_means(record));
    view.put_if("order", record.wallet.order_number);
    view.put("merchant", record.merchant.view()).put("terminal", record.terminal.view());
    view.put("batch", record.batch.str()).put("trace", record.stan.str());
    view.put("authorization", record.answer ? record.answer->authorization.view() : "");
    view.put("route", route_name(context, record.route)).put("time", local_time(context, record.created));
    return view;
}

ViewResult view_show(const ViewContext& context, std::string_view id, Shown shown) {
    auto found = find_record(context, id);
    if (!found) return tl::unexpected(found.error());
    const TransactionRecord& record = *found;
    View view = summary(context, record);
    view.put("state_words", state_words(record.state));
    view.put("currency", record.amount.currency().str());
    put_money(view, context, record);
    put_answer(view, record);
    if (record.kind == TransactionKind::sale && record.state == State::approved) {
        auto settled = is_settled(context, record);
        if (!settled) return tl::unexpected(settled.error());
        view.put("batch_settled", *settled);
    }
    view.put("business_date", record.business_date.date.iso()).put("local_date", record.local_date.iso());
    view.put("updated", local_time(context, record.updated)).put_if("entry_mode", record.entry_mode);
    view.put("policy_version", record.policy_version);
    if (record.from_operations) view.put("from_operations", true);
    if (record.hold) view.put("hold", true);
    if (record.card_purged) view.put("card_number_purged", record.card_purged->date.iso());
    if (record.decided.reopens) view.put("reopens", record.decided.reopens->view());
    auto reconciliation = reconciliation_of(context, record);
    if (!reconciliation) return tl::unexpected(reconciliation.error());
    view.put_if("reconciliation", *reconciliation);
    view.put_if("payout", record.decided.payout).put_if("way_out", way_out_of(record));
    put_people(view, record);
    if (record.issuer_stan != 0) {
        View issuer = View::object();
        issuer.put("stan", iso8583::Stan::of(record.issuer_stan).str());
        issuer.put("transmission_time", iso8583::TransmissionTime::of(record.issuer_transmission_time).str());
        issuer.put_if("authorization", record.issuer_authorization.view());
        view.put("issuer", std::move(issuer));
    }
    if (record.advice.kind != ledger::QueuedAdvice::Kind::none)
        view.put("advice", advice_view(context, record));
    if (record.last_refund && record.kind == TransactionKind::sale) {
        auto refunds = refunds_of(context, record);
        if (!refunds) return tl::unexpected(refunds.error());
        view.put("refund_chain", std::move(*refunds));
    }
    view.put("postings", postings_view(record)).put("history", history_view(context, record));
    if (shown == Shown::with_messages) view.put("messages", messages_view(record));
    return view;
}

ViewResult view_queued(const ViewContext& context, std::string_view id) {
    auto record = find_record(context, id);
    if (!record) return tl::unexpected(record.error());
    if (record->advice.kind == ledger::QueuedAdvice::Kind::none)
        return parse_error("that transaction has no advice to send");
    View view = View::object();
    view.put("rrn", record->rrn.view()).put("transaction", kind_word(*record));
    view.put("state", ledger::name(record->state)).put("amount", record->amount.major());
    view.put("route", route_name(context, record->route)).put("advice", advice_view(context, *record));
    return view;
}

}  // namespace acquirer
