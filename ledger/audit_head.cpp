#include "ledger/audit_head.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ledger {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::string_view heading = "refund-switch audit head 1";
constexpr std::string_view mac_word = " mac=";
/// Of a chain without a noted head so many entries are looked at when the switch starts.
constexpr std::uint64_t entries_looked_at = 1'000;

std::string bare_text(const AuditHeadLine& line) {
    return std::string(heading) + " time=" + line.time + " entry=" + std::to_string(line.head.sequence) +
           " hash=" + iso8583::to_hex(line.head.hash) + " turn=" + std::to_string(line.turn);
}

AuditDigest mac_of(const AuditHeadLine& line, const AuditKey& key) {
    return key.mac(iso8583::as_bytes(bare_text(line)));
}

/// Takes " word=value" off the front.
Result<std::string> take(std::string_view& rest, std::string_view word) {
    const std::string start = " " + std::string(word) + "=";
    if (!rest.starts_with(start)) return parse_error("needs \"" + start + "\"");
    rest.remove_prefix(start.size());
    const std::size_t end = std::min(rest.find(' '), rest.size());
    std::string value(rest.substr(0, end));
    rest.remove_prefix(end);
    return value;
}

Result<std::uint64_t> take_number(std::string_view& rest, std::string_view word) {
    const auto text = take(rest, word);
    if (!text) return tl::unexpected(text.error());
    std::uint64_t value = 0;
    const char* const end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, value);
    if (text->empty() || error != std::errc{} || at != end)
        return parse_error(std::string(word) + " is no number");
    return value;
}

Result<AuditDigest> take_digest(std::string_view& rest, std::string_view word) {
    const auto text = take(rest, word);
    if (!text) return tl::unexpected(text.error());
    const auto bytes = iso8583::parse_hex(*text);
    AuditDigest digest{};
    if (!bytes || bytes->size() != digest.size())
        return parse_error(std::string(word) + " is not " + std::to_string(2 * digest.size()) +
                           " hex digits");
    std::copy(bytes->begin(), bytes->end(), digest.begin());
    return digest;
}

std::string number(std::uint64_t n) { return std::to_string(n); }

/// Whether the ledger was restored from a backup behind this entry; the fault of who cannot be read.
Result<bool, AuditError> restored_after(const StoreReader& store, std::uint64_t sequence) {
    bool found = false;
    const auto read = read_audit_entries(store, sequence + 1, std::numeric_limits<std::uint64_t>::max(),
                                         [&](const AuditEntry& e) {
                                             found = e.event.action == restore_action;
                                             return !found;
                                         });
    if (!read) return tl::unexpected(read.error());
    return found;
}

std::string walk(const StoreReader& store, AuditHash hash, const AuditKey* key, const AuditHead& anchor) {
    const auto head = verify_audit_chain(store, hash, std::nullopt, anchor, key);
    return head ? "" : head.error().what;
}

std::string look_at_the_newest(const StoreReader& store, AuditHash hash, const AuditKey* key) {
    const auto log = AuditLog::open(store, hash);
    if (!log) return log.error().what;
    const std::uint64_t last = log->head().sequence;
    if (last == 0 && key != nullptr)
        return "the audit chain is empty, although it has a key: it was cut, or made anew";
    if (last <= entries_looked_at) return walk(store, hash, key, {});
    // Numbers jump at a restore: the entry that is there at or behind the one wanted.
    std::optional<std::uint64_t> first;
    const auto read = read_audit_entries(store, last - entries_looked_at, last, [&](const AuditEntry& e) {
        first = e.sequence;
        return false;
    });
    if (!read) return read.error().what;
    const auto anchor = audit_head_at(store, hash, *first);
    if (!anchor) return anchor.error().what;
    return walk(store, hash, key, **anchor);
}

}  // namespace

std::string audit_head_time(iso8583::UtcTime utc) {
    const iso8583::CivilTime at = iso8583::civil_from_utc(utc);
    const auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    return at.date.iso() + "T" + two(at.hour) + ":" + two(at.minute) + ":" + two(at.second) + "Z";
}

std::string audit_head_text(const AuditHeadLine& line, const AuditKey* key) {
    std::string text = bare_text(line);
    if (key != nullptr) text += std::string(mac_word) + iso8583::to_hex(mac_of(line, *key));
    return text;
}

Result<AuditHeadLine> parse_audit_head(std::string_view text) {
    if (!text.starts_with(heading))
        return parse_error("does not begin with \"" + std::string(heading) + "\"");
    std::string_view rest = text.substr(heading.size());
    AuditHeadLine line;
    auto time = take(rest, "time");
    if (!time) return tl::unexpected(time.error());
    line.time = std::move(*time);
    const auto entry = take_number(rest, "entry");
    if (!entry) return tl::unexpected(entry.error());
    const auto hash = take_digest(rest, "hash");
    if (!hash) return tl::unexpected(hash.error());
    const auto turn = take_number(rest, "turn");
    if (!turn) return tl::unexpected(turn.error());
    line.head = {*entry, *hash, 0};
    line.turn = *turn;
    if (rest.empty()) return line;
    const auto mac = take_digest(rest, "mac");
    if (!mac) return tl::unexpected(mac.error());
    if (!rest.empty()) return parse_error("goes on behind its MAC");
    line.mac = *mac;
    return line;
}

bool audit_head_is_ours(const AuditHeadLine& line, const AuditKey& key) {
    return line.mac && *line.mac == mac_of(line, key);
}

std::string audit_chain_fault(const StoreReader& store, std::uint64_t turn, AuditHash hash,
                              const AuditKey* key, const std::optional<AuditHeadLine>& noted) {
    if (!noted) return look_at_the_newest(store, hash, key);
    if (noted->mac && key == nullptr)
        return "the noted head carries a MAC, and this ledger's audit chain has no key: it was made anew";
    if (noted->mac && !audit_head_is_ours(*noted, *key))
        return "the MAC of the noted head is not under this ledger's key: the line was changed, or is of "
               "another "
               "ledger";
    const std::string which =
        "entry " + number(noted->head.sequence) + " of the audit chain, noted at " + noted->time;
    const auto restored = restored_after(store, noted->head.sequence);
    if (!restored) return restored.error().what;
    if (noted->head.sequence == 0) return walk(store, hash, key, {});
    const auto there = audit_head_at(store, hash, noted->head.sequence);
    if (!there) return there.error().what;
    if (*restored && (!*there || !(**there == noted->head))) return look_at_the_newest(store, hash, key);
    if (!*there) return which + ", is missing: the chain was cut, or made anew";
    if (!(**there == noted->head)) return which + ", is another one now: the chain was written anew";
    if (turn < noted->turn && !*restored)
        return "turn " + number(noted->turn) + " was durable when " + which +
               ", but the ledger could be recovered only up to turn " + number(turn);
    return walk(store, hash, key, **there);
}

}  // namespace ledger
