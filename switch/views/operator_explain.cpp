// explain: one record in words.
#include <algorithm>
#include <vector>

#include "ledger/key_layout.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/check_list.hpp"
#include "switch/core/payment_kinds.hpp"
#include "switch/views/money_views.hpp"
#include "switch/views/operator_views.hpp"
#include "switch/views/people_words.hpp"
#include "switch/views/rule_words.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using ledger::State;
using ledger::TransactionKind;
using ledger::TransactionRecord;

namespace {

/// Every reason that could have been given, in the order in which it would have won: check_list by kind and
/// profile, each reason at its first place.
std::vector<Refusal> reasons_of(const TransactionRecord& r) {
    std::vector<Refusal> reasons;
    for (const Check& check : check_list) {
        if (!check.judges(check_of::kind_of(r), static_cast<Profile>(r.profile))) continue;
        for (const Refusal why : check.refusals) {
            const bool known = std::find(reasons.begin(), reasons.end(), why) != reasons.end();
            // Only a request with a PIN meets that check: it is shown when it refused.
            const bool met = check.id != CheckId::pin || why == static_cast<Refusal>(r.refusal);
            if (why != Refusal::none && !known && met) reasons.push_back(why);
        }
    }
    return reasons;
}

std::string_view noun(TransactionKind kind) {
    switch (kind) {
        case TransactionKind::sale:
            return "Sale";
        case TransactionKind::void_sale:
            return "Void";
        case TransactionKind::refund:
            return "Refund";
        case TransactionKind::authorization:
            return "Authorization";
    }
    return "Transaction";
}

std::string asked_sentence(const ViewContext& context, const TransactionRecord& r) {
    std::string text = std::string(noun(r.kind)) + " " + r.rrn.str() + " of " + r.amount.major() +
                       " (currency " + r.amount.currency().str() + ")";
    if (r.is_partly_approved()) text += ", approved in part of " + r.asked_amount().major();
    if (r.amount != r.first_amount())
        text += ", lowered from " + r.first_amount().major() + " by a partial reversal (R39)";
    if (const std::string means = means_words(r); !means.empty()) text += " on " + means;
    if (r.turned_into_void) text += ", asked for as a refund (R9)";
    text += r.from_operations ? ", opened by " + r.maker : ", asked by terminal " + r.terminal.str();
    return text + " for merchant " + r.merchant.str() + " at " + local_time(context, r.created) + ".";
}

std::string answer_sentence(const TransactionRecord& r) {
    if (r.from_operations && !r.answer) return "No terminal waits for it.";
    if (!r.answer) return "The terminal has no answer yet.";
    std::string text = "The answer was " + r.answer->code.str();
    if (r.answer->code.view() == "01") return text + ": held, with case number " + r.answer->text + ".";
    if (!r.answer->text.empty()) text += " (" + r.answer->text + ")";
    if (r.refusal != 0) {
        const RefusalInfo& why = info(static_cast<Refusal>(r.refusal));
        return text + " by rule " + std::string(why.rule) + ": " + std::string(why.explanation) + ".";
    }
    return text + ".";
}

/// R20b: the other requests that lead to the same case.
std::string shared_sentence(const TransactionRecord& r) {
    const auto& joined = r.shared.joined;
    if (joined.empty()) return "";
    std::string text = "The same refund was asked for again, and it is one case (R20b): by";
    for (const ledger::AskingKey& k : joined) {
        if (&k != &joined.front()) text += ",";
        text += " terminal " + k.terminal.str() + " trace " + k.stan.str();
        if (k.reversal_digest != 0) text += " (taken back since)";
    }
    if (r.shared.own_reversal_digest != 0) text += "; the first request was taken back since";
    return text + ". It ends when all of them are taken back or a person decides.";
}

std::string advice_sentence(const ViewContext& context, const TransactionRecord& r) {
    const ledger::QueuedAdvice& a = r.advice;
    if (a.kind == ledger::QueuedAdvice::Kind::none) return "";
    const std::string what = a.kind == ledger::QueuedAdvice::Kind::refund       ? "refund advice (0220)"
                             : a.kind == ledger::QueuedAdvice::Kind::completion ? "completion (0220)"
                                                                                : "reversal (0420)";
    std::string text = "Its " + what + " to " + route_name(context, r.route) + " was tried " +
                       std::to_string(a.attempts) + (a.attempts == 1 ? " time" : " times");
    if (!a.last_code.empty()) text += ", last answered " + a.last_code;
    if (r.state == State::processing)
        return text + "; the wallet has been processing it since " + local_time(context, a.processing_since) +
               " and was asked " + std::to_string(a.polls) + (a.polls == 1 ? " time" : " times") +
               " what became of it (R80); the next time at " + local_time(context, a.next_attempt) + ".";
    switch (a.status) {
        case ledger::QueuedAdvice::Status::waiting:
            return text + "; the next try is due at " + local_time(context, a.next_attempt) +
                   (a.not_found_once ? ", one quarantine after the issuer did not know the original (R51a)."
                                     : ".");
        case ledger::QueuedAdvice::Status::in_flight:
            return text + "; it waits for the issuer now.";
        case ledger::QueuedAdvice::Status::final:
            return text + "; that is final.";
        case ledger::QueuedAdvice::Status::parked:
            return text + "; it is parked until a person decides.";
    }
    return text + ".";
}

std::string authorization_sentence(const TransactionRecord& authorization) {
    std::string text = "The authorization " + authorization.rrn.str() + " of " +
                       authorization.amount.major() + " is now " +
                       std::string(state_words(authorization.state));
    if (authorization.completed_by) text += "; its newest completion is " + authorization.completed_by->str();
    return text + ".";
}

std::string sale_sentence(const TransactionRecord& sale) {
    const auto major = [&](std::int64_t minor) {
        return iso8583::Amount(minor, sale.amount.currency()).major();
    };
    std::string text =
        "The sale " + sale.rrn.str() + " of " + sale.amount.major() + " is now " +
        std::string(state_words(sale.state)) + ". Of it " + std::to_string(sale.refunds_count) +
        (sale.refunds_count == 1 ? " refund counts, " : " refunds count, ") + major(sale.refunds_minor);
    if (sale.chargebacks_minor != 0) text += "; charged back " + major(sale.chargebacks_minor);
    return text + "; remaining " + major(sale.remaining_minor()) + ".";
}

/// Every check up to the one that decided; all of them when none refused.
View checks_view(const TransactionRecord& r) {
    View list = View::list();
    const auto refusal = static_cast<Refusal>(r.refusal);
    for (const Refusal check : reasons_of(r)) {
        const RefusalInfo& row = info(check);
        View one = View::object();
        one.put("check", row.name).put("rule", row.rule);
        const bool held = check == Refusal::approval_required && r.answer && r.answer->code.view() == "01";
        const bool decided = check == refusal || held;
        one.put("result", held ? "held" : decided ? "refused" : "passed");
        list.add(std::move(one));
        if (check == refusal) break;
    }
    return list;
}

bool judged_by_switch(const TransactionRecord& r) {
    if (r.refusal == 0) return true;
    for (const Refusal check : reasons_of(r))
        if (check == static_cast<Refusal>(r.refusal)) return true;
    return false;  // a refusal that came after sending: the issuer's silence or its bad answer
}

/// Open exceptions of the record, a sentence each.
iso8583::Result<void> add_exceptions(const ViewContext& context, const TransactionRecord& r, View& words) {
    std::optional<std::string> fault;
    const ledger::KeyRange range = ledger::exceptions_of(r.rrn);
    auto done = context.store.scan(ledger::Family::journal, range.from, range.to,
                                   [&](std::string_view, std::string_view value) {
                                       const auto x = ledger::decode_exception(value);
                                       if (!x) {
                                           fault = "the ledger's exception cannot be read: " + x.error().what;
                                           return false;
                                       }
                                       if (x->resolution.empty())
                                           words.add("Exception " + x->id + " is open (" + x->kind + ", " +
                                                     x->rule + "), owner " + x->owner + ": " + x->text + ".");
                                       return true;
                                   });
    if (!done) return store_fault(done.error());
    if (fault) return iso8583::parse_error(*fault);
    return {};
}

View steps_view(const ViewContext& context, const TransactionRecord& r,
                const std::optional<TransactionRecord>& sale) {
    const bool is_part =
        r.kind == TransactionKind::refund && sale && r.amount.minor_units() < sale->amount.minor_units();
    View list = View::list();
    for (const ledger::HistoryEntry& h : r.history) {
        // History tells of a refund as R8; of a part of the sale the rule of parts is the one that was
        // applied.
        const std::string_view rule = is_part && h.rule == "R8" ? "R10" : std::string_view(h.rule);
        View one = View::object();
        one.put("time", local_time(context, h.at)).put("state", ledger::name(h.state)).put("rule", rule);
        one.put("why", rule_words(rule));
        list.add(std::move(one));
    }
    return list;
}

}  // namespace

ViewResult view_explain(const ViewContext& context, std::string_view id) {
    auto found = find_record(context, id);
    if (!found) return tl::unexpected(found.error());
    const TransactionRecord& r = *found;
    View words = View::list();
    words.add(asked_sentence(context, r)).add(answer_sentence(r));
    if (r.cut_in_doubt)
        words.add("Its outcome was once unknown, so that a retry of it is never answered 00 (R20a).");
    if (const std::string people = people_sentence(r); !people.empty()) words.add(people);
    if (const std::string shared = shared_sentence(r); !shared.empty()) words.add(shared);
    words.add("It is " + std::string(state_words(r.state)) + ".");
    if (const std::string advice = advice_sentence(context, r); !advice.empty()) words.add(advice);
    std::optional<TransactionRecord> sale;
    if (r.is_uncollected())
        words.add("It is not collected yet: until the issuer has taken its 0220 refund and void wait (R94).");
    if (r.kind == TransactionKind::sale && (r.state == State::approved || r.refunds_count != 0))
        words.add(sale_sentence(r));
    if (r.original) {
        if (auto original = find_record(context, r.original->view())) {
            const bool held_alone = original->kind == TransactionKind::authorization;
            words.add(held_alone ? authorization_sentence(*original) : sale_sentence(*original));
            if (!held_alone) sale = std::move(*original);
        }
    }
    for (std::string& sentence : charges_sentences(r, sale ? &*sale : nullptr))
        words.add(std::move(sentence));
    if (auto added = add_exceptions(context, r, words); !added) return tl::unexpected(added.error());
    words.add("It was decided under configuration version " + std::to_string(r.policy_version) + ".");
    View view = View::object();
    view.put("rrn", r.rrn.view()).put("state", ledger::name(r.state)).put("code", answered_code(r));
    view.put("words", std::move(words));
    if (judged_by_switch(r) && !r.from_operations) view.put("checks", checks_view(r));
    view.put("steps", steps_view(context, r, sale));
    return view;
}

}  // namespace acquirer
