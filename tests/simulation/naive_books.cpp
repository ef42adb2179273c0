#include "tests/simulation/naive_books.hpp"

namespace simulation {

using iso8583::Field;
using peers::Transaction;

namespace {

std::string key_of(const peers::Outgoing& sent, Transaction what, const iso8583::Stan& stan) {
    return std::string(sent.fields.get(Field::terminal)) + std::string(peers::name(what)) + stan.str();
}

}  // namespace

void NaiveBooks::asked(const peers::Outgoing& sent) {
    if (sent.transaction == Transaction::reversal)
        reversal_asked_.insert(key_of(sent, sent.reversed, sent.reversed_stan));
}

std::optional<std::string> NaiveBooks::told(const peers::Outgoing& sent, const peers::Outcome& outcome) {
    if (!outcome.approved()) return std::nullopt;
    const std::string rrn(outcome.fields.get(Field::rrn));
    const auto amount = iso8583::Amount::parse_field(outcome.fields.get(Field::amount_transaction),
                                                     iso8583::Currency::of(156));
    if (rrn.empty()) return std::nullopt;
    if (sent.transaction == Transaction::reversal) {
        const auto at = entries_.find(rrn);
        if (at == entries_.end()) return std::nullopt;  // its own answer never came
        // Of a part (DE95): so much is left.
        const auto left = sent.fields.get(Field::replacement_amounts);
        if (left.empty())
            at->second.taken_back = true;
        else
            at->second.amount = std::stoll(std::string(left.substr(0, 12)));
        return judge(at->second.kind == Kind::sale ? rrn : at->second.sale);
    }
    Entry entry;
    if (sent.transaction == Transaction::refund)
        entry.kind = Kind::refund;
    else if (sent.transaction == Transaction::void_sale)
        entry.kind = Kind::void_sale;
    else if (sent.transaction != Transaction::sale && sent.transaction != Transaction::completion)
        return std::nullopt;
    if (entries_.contains(rrn)) return std::nullopt;  // told again
    entry.amount = amount ? amount->minor_units() : 0;
    entry.sale = entry.kind == Kind::sale ? "" : std::string(sent.fields.get(Field::rrn));
    if (!entry.sale.empty()) of_sale_.emplace(entry.sale, rrn);
    entry.key = key_of(sent, sent.transaction, sent.stan);
    const std::string sale = entry.kind == Kind::sale ? rrn : entry.sale;
    entries_.emplace(rrn, std::move(entry));
    return judge(sale);
}

std::optional<std::string> NaiveBooks::judge(const std::string& sale) const {
    const auto at = entries_.find(sale);
    if (at == entries_.end()) return std::nullopt;  // the shop has lost its slip
    std::int64_t back = 0;
    std::string by;
    const auto [from, to] = of_sale_.equal_range(sale);
    if (was_told_otherwise && was_told_otherwise(sale)) return std::nullopt;
    for (auto child = from; child != to; ++child) {
        if (was_told_otherwise && was_told_otherwise(child->second)) return std::nullopt;
        const Entry& entry = entries_.at(child->second);
        if (entry.taken_back || reversal_asked_.contains(entry.key)) continue;
        back += entry.amount;
        by += (by.empty() ? "" : ", ") + child->second;
    }
    if (back <= at->second.amount) return std::nullopt;
    return "the shop was told that " + std::to_string(back) + " went back of its sale " + sale + " of " +
           std::to_string(at->second.amount) + ", by " + by;
}

}  // namespace simulation
