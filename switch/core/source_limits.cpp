#include "switch/core/source_limits.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::Instant;

bool TokenBucket::take(std::int64_t burst, std::int64_t refill_us, const Instant& now) {
    const std::int64_t now_us = now.ms * 1'000;
    const std::int64_t after_us = std::max(full_at_us_, now_us) + refill_us;
    if (after_us - now_us > burst * refill_us) return false;
    full_at_us_ = after_us;
    return true;
}

namespace {

/// The bucket of `key`; nothing when the table is full of buckets that are in use.
template <typename Key>
TokenBucket* bucket(std::map<Key, TokenBucket>& buckets, const Key& key, std::size_t buckets_max,
                    const Instant& now) {
    const auto at = buckets.find(key);
    if (at != buckets.end()) return &at->second;
    if (buckets.size() >= buckets_max)
        std::erase_if(buckets, [&](const auto& entry) { return entry.second.is_full(now); });
    if (buckets.size() >= buckets_max) return nullptr;
    return &buckets[key];
}

}  // namespace

bool SourceLimits::sign_on_allowed(const iso8583::TerminalId& terminal, const PeerAddress& peer,
                                   Address address) {
    const bool home = address == Address::home;
    const Limits& limits = c_.config->limits;
    const Instant& now = c_.now.instant;
    TokenBucket* own = bucket(sign_ons_, {terminal, peer}, sources_max, now);
    if (own == nullptr) return home;
    if (!own->take(limits.sign_on_burst, std::int64_t{limits.sign_on_refill_ms} * 1'000, now)) return false;
    const std::int64_t a_second_max = limits.sign_ons_per_address_second_max;
    if (a_second_max == 0 || home) return true;
    TokenBucket* shared = bucket(sign_ons_of_address_, peer, sources_max, now);
    constexpr std::int64_t second_us = 1'000'000;
    return shared != nullptr && shared->take(a_second_max, second_us / a_second_max, now);
}

SourceLimits::WrongMacs& SourceLimits::wrong_macs(const Source& source) {
    const Instant& now = c_.now.instant;
    const auto over = [&](const WrongMacs& w) {
        return w.waiting == 0 && w.minute_began.plus_ms(minute_ms) <= now;
    };
    if (wrong_macs_.size() >= sources_max && !wrong_macs_.contains(source))
        std::erase_if(wrong_macs_, [&](const auto& entry) { return over(entry.second); });
    // More sources than that within a minute: the rest of them share one.
    const Source shared{source.first, PeerAddress()};
    WrongMacs& found =
        wrong_macs_[wrong_macs_.size() < sources_max || wrong_macs_.contains(source) ? source : shared];
    if (found.in_minute == 0 || found.minute_began.plus_ms(minute_ms) <= now) {
        found.minute_began = now;
        found.in_minute = 0;
    }
    return found;
}

void SourceLimits::answer_wrong_mac(SendReply reply, const iso8583::TerminalId& terminal) {
    const Source source{terminal, reply.to.peer};
    const auto bound = static_cast<std::uint32_t>(c_.config->limits.bad_macs_per_minute_max);
    WrongMacs& wrong = wrong_macs(source);
    ++wrong.in_minute;
    c_.count("mac_wrong");
    if (wrong.in_minute == bound + 1) alarm(source, reply.to.link.value);
    if (wrong.in_minute <= bound && wrong.waiting == 0) return c_.emit(std::move(reply));
    c_.count("mac_wrong_slowed");
    if (wrong.waiting >= held_back_max) return;
    ++wrong.waiting;
    wrong.last_leaves = std::max(wrong.last_leaves, c_.now.instant).plus_ms(held_back_ms);
    const std::uint64_t number = ++last_number_;
    held_back_.emplace(number, HeldBack{source, std::move(reply)});
    c_.deadlines.set({DeadlineId::Kind::held_back, {}, number}, wrong.last_leaves);
}

void SourceLimits::on_deadline(std::uint64_t number) {
    const auto at = held_back_.find(number);
    if (at == held_back_.end()) return;
    HeldBack held = std::move(at->second);
    held_back_.erase(at);
    if (const auto wrong = wrong_macs_.find(held.source);
        wrong != wrong_macs_.end() && wrong->second.waiting > 0)
        --wrong->second.waiting;
    c_.emit(std::move(held.reply));
}

void SourceLimits::alarm(const Source& source, std::uint64_t link) {
    c_.count("mac_guessing_alarms");
    Note n;
    n.severity = Severity::alarm;
    n.kind = NoteKind::mac_guessing;
    n.terminal = source.first.str();
    n.rule = "R40";
    n.link = link;
    n.detail = "more than " + std::to_string(c_.config->limits.bad_macs_per_minute_max) +
               " wrong MACs in a minute from " +
               (source.second.empty() ? "an address that is not known" : source.second.str()) +
               ": its answers to wrong ones are held back";
    c_.note(std::move(n));
}

}  // namespace acquirer
