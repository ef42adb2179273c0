#include "routing/issuer_sim/issuer_books.hpp"

#include <fmt/format.h>

#include "iso8583/values/ensure.hpp"

namespace routing {
namespace {

/// DE11 and DE7 as one number.
std::uint64_t number_of(const RequestKey& key) {
    return std::uint64_t{key.stan.value()} * 10'000'000'000ULL + key.transmission.value();
}

std::int64_t standing_amount(const BookEntry& e) {
    using State = BookEntry::State;
    const bool stands = e.state == State::booked || e.state == State::voided || e.state == State::reversed;
    return stands ? e.amount - e.reversed : 0;
}

}  // namespace

std::int64_t BookEntry::merchant_funded_standing() const {
    const std::int64_t now = amount - reversed;
    if (state != State::booked || now <= 0) return 0;
    // Two amounts of 12 digits make 24: more than 64 bits hold.
    const auto share = [](std::int64_t part, std::int64_t count, std::int64_t of) {
        __extension__ using Wide = __int128;
        return static_cast<std::int64_t>(static_cast<Wide>(part) * count / of);
    };
    const std::int64_t by_wallet = share(discount.wallet_funded, now, amount);
    const std::int64_t by_merchant = share(discount.merchant_funded, now, amount);
    const std::int64_t asked_back =
        share(now - by_wallet - by_merchant, refunded, now) + share(by_wallet, refunded, now);
    return by_merchant - (refunded - asked_back);
}

std::string_view name(EffectKind kind) {
    switch (kind) {
        case EffectKind::sale:
            return "sale";
        case EffectKind::refund:
            return "refund";
        case EffectKind::void_of_sale:
            return "void";
        case EffectKind::reversal:
            return "reversal";
        case EffectKind::authorization:
            return "authorization";
    }
    return "?";
}

std::string_view name(Anomaly anomaly) {
    switch (anomaly) {
        case Anomaly::refund_over_sale:
            return "refund_over_sale";
        case Anomaly::refund_without_original:
            return "refund_without_original";
        case Anomaly::refund_of_reversed:
            return "refund_of_reversed";
        case Anomaly::void_without_original:
            return "void_without_original";
        case Anomaly::void_of_reversed:
            return "void_of_reversed";
        case Anomaly::void_of_refunded:
            return "void_of_refunded";
        case Anomaly::reversal_repeated:
            return "reversal_repeated";
        case Anomaly::reversal_of_refunded:
            return "reversal_of_refunded";
        case Anomaly::content_changed:
            return "content_changed";
        case Anomaly::completion_without_authorization:
            return "completion_without_authorization";
        case Anomaly::completion_of_spent:
            return "completion_of_spent";
        case Anomaly::reversal_of_collected:
            return "reversal_of_collected";
    }
    return "?";
}

BookEntry* IssuerBooks::find_in(const Index& index, const RequestKey& key) {
    const auto at = index.find(number_of(key));
    for (std::int32_t i = at == index.end() ? -1 : at->second; i >= 0;) {
        BookEntry& entry = entries_[static_cast<std::size_t>(i)];
        if (entry.key.rrn == key.rrn) return &entry;
        i = entry.next_of_number;
    }
    return nullptr;
}

BookEntry* IssuerBooks::find_request(const RequestKey& key) {
    if (BookEntry* exact = find_in(requests_, key)) return exact;
    // A tombstone whose reversal carried no DE37 stands for whatever comes with its numbers.
    BookEntry* nameless = find_in(requests_, {key.stan, key.transmission, {}});
    return nameless != nullptr && nameless->state == BookEntry::State::tombstone ? nameless : nullptr;
}

BookEntry* IssuerBooks::find_reversal(const RequestKey& key) { return find_in(reversals_, key); }

BookEntry* IssuerBooks::find_original(const RequestKey& key, iso8583::MerchantId merchant) {
    if (BookEntry* exact = find_in(requests_, key)) return exact;
    const auto at = requests_.find(number_of(key));
    for (std::int32_t i = at == requests_.end() ? -1 : at->second; i >= 0;) {
        BookEntry& entry = entries_[static_cast<std::size_t>(i)];
        if (entry.merchant == merchant) return &entry;
        i = entry.next_of_number;
    }
    return nullptr;
}

BookEntry& IssuerBooks::add(BookEntry entry) {
    ENSURE(!full());
    Index& index = entry.kind == EffectKind::reversal ? reversals_ : requests_;
    const auto position = static_cast<std::int32_t>(entries_.size());
    const auto [at, is_new] = index.try_emplace(number_of(entry.key), position);
    entry.next_of_number = is_new ? -1 : at->second;
    at->second = position;
    if (entry.state == BookEntry::State::tombstone) ++tombstones_;
    entries_.push_back(entry);
    return entries_.back();
}

void IssuerBooks::note(Anomaly anomaly, const RequestKey& of) {
    ++anomalies_[static_cast<std::size_t>(anomaly)];
    if (sightings_.size() < sightings_max) sightings_.push_back({anomaly, std::string(of.rrn.view())});
}

void IssuerBooks::turn_into_tombstone(BookEntry& entry) {
    if (entry.state != BookEntry::State::tombstone) ++tombstones_;
    entry.state = BookEntry::State::tombstone;
}

void IssuerBooks::book(BookEntry& entry, BookEntry* original, bool names_original) {
    using State = BookEntry::State;
    entry.state = State::booked;
    Total& total = booked_[static_cast<std::size_t>(entry.kind)];
    ++total.count;
    total.amount += entry.amount;
    if (entry.kind == EffectKind::authorization) return;
    if (entry.kind == EffectKind::sale) {
        if (names_original) collect(entry, original);
        return;
    }
    const bool is_refund = entry.kind == EffectKind::refund;
    const bool of_hold = !is_refund && original != nullptr && original->kind == EffectKind::authorization;
    if (original == nullptr || (original->kind != EffectKind::sale && !of_hold)) {
        note(is_refund ? Anomaly::refund_without_original : Anomaly::void_without_original, entry.key);
        return;
    }
    entry.original = static_cast<std::int32_t>(original - entries_.data());
    if (original->state != State::booked)
        note(is_refund ? Anomaly::refund_of_reversed : Anomaly::void_of_reversed, entry.key);
    if (is_refund) {
        original->refunded += entry.amount;
        if (original->refunded > original->amount - original->reversed)
            note(Anomaly::refund_over_sale, entry.key);
        return;
    }
    if (original->refunded > 0) note(Anomaly::void_of_refunded, entry.key);
    if (original->state != State::booked) return;
    original->state = State::voided;
    if (is_of_hold(*original)) give_back(*original);
}

void IssuerBooks::collect(BookEntry& sale, BookEntry* hold) {
    if (hold == nullptr || hold->kind != EffectKind::authorization) {
        note(Anomaly::completion_without_authorization, sale.key);
        return;
    }
    sale.original = static_cast<std::int32_t>(hold - entries_.data());
    if (hold->state != BookEntry::State::booked) note(Anomaly::completion_of_spent, sale.key);
    hold->state = BookEntry::State::collected;
}

void IssuerBooks::give_back(const BookEntry& sale) {
    BookEntry& hold = entries_[static_cast<std::size_t>(sale.original)];
    if (hold.state == BookEntry::State::collected && hold.key.rrn != sale.key.rrn)
        hold.state = BookEntry::State::booked;
}

bool IssuerBooks::reverse(BookEntry& reversal, BookEntry& original, std::int64_t amount) {
    using State = BookEntry::State;
    reversal.original = static_cast<std::int32_t>(&original - entries_.data());
    reversal.reversed_kind = original.kind;
    if (original.state != State::booked && original.state != State::voided) return false;
    ENSURE(amount >= 0 && amount <= original.amount - original.reversed);
    reversal.state = State::booked;
    reversal.amount = amount;
    original.reversed += amount;
    if (original.reversed == original.amount) original.state = State::reversed;
    ++booked_[static_cast<std::size_t>(EffectKind::reversal)].count;
    booked_[static_cast<std::size_t>(EffectKind::reversal)].amount += amount;
    ++reversed_[static_cast<std::size_t>(original.kind)].count;
    reversed_[static_cast<std::size_t>(original.kind)].amount += amount;
    if (original.kind == EffectKind::sale && original.state == State::reversed && is_of_hold(original)) {
        give_back(original);
        return true;
    }
    if (original.kind == EffectKind::sale && original.refunded > original.amount - original.reversed)
        note(Anomaly::reversal_of_refunded, original.key);
    if (original.original < 0) return true;
    BookEntry& sale = entries_[static_cast<std::size_t>(original.original)];
    if (original.kind == EffectKind::refund) sale.refunded -= amount;
    if (original.kind == EffectKind::void_of_sale && sale.state == State::voided) {
        sale.state = State::booked;
        if (is_of_hold(sale)) entries_[static_cast<std::size_t>(sale.original)].state = State::collected;
    }
    return true;
}

std::int64_t IssuerBooks::anomalies() const {
    std::int64_t sum = 0;
    for (const std::int64_t n : anomalies_) sum += n;
    return sum;
}

std::map<std::string, IssuerBooks::Standing> IssuerBooks::standing_by_rrn() const {
    std::map<std::string, Standing> all;
    for (const BookEntry& e : entries_) {
        const std::int64_t amount = standing_amount(e);
        if (amount == 0) continue;
        switch (e.kind) {
            case EffectKind::sale:
                all[e.key.rrn.str()].sale += amount;
                all[e.key.rrn.str()].refunded += e.refunded;
                all[e.key.rrn.str()].discount += e.discount.any() ? e.merchant_funded_standing() : 0;
                break;
            case EffectKind::refund:
                all[e.key.rrn.str()].refund += amount;
                break;
            case EffectKind::void_of_sale:
                if (!is_of_hold(e)) all[e.key.rrn.str()].voided += amount;
                break;
            case EffectKind::authorization:
                if (e.state == BookEntry::State::booked) all[e.key.rrn.str()].hold += amount;
                break;
            case EffectKind::reversal:
                break;  // already taken off what it reversed
        }
    }
    return all;
}

std::string IssuerBooks::summary_json() const {
    const auto total = [](const Total& t) {
        return fmt::format(R"({{"count":{},"amount":{}}})", t.count, t.amount);
    };
    std::string out = "{";
    for (EffectKind kind : {EffectKind::sale, EffectKind::refund, EffectKind::void_of_sale,
                            EffectKind::reversal, EffectKind::authorization})
        out += fmt::format(R"("{}":{},)", name(kind), total(booked(kind)));
    out += R"("reversed":{)";
    for (EffectKind of :
         {EffectKind::sale, EffectKind::refund, EffectKind::void_of_sale, EffectKind::authorization})
        out += fmt::format(R"({}"{}":{})", of == EffectKind::sale ? "" : ",", name(of), total(reversed(of)));
    out += fmt::format(R"(}},"tombstones":{},"anomalies":{{)", tombstones_);
    for (std::size_t i = 0; i < anomaly_kinds; ++i)
        out += fmt::format(R"({}"{}":{})", i == 0 ? "" : ",", name(static_cast<Anomaly>(i)), anomalies_[i]);
    return out + "}}";
}

}  // namespace routing
