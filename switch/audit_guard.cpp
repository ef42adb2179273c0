#include "switch/audit_guard.hpp"

#include <array>

#include "hsm_sim/syslog_line.hpp"
#include "ledger/audit_entry.hpp"
#include "ledger/durable_file.hpp"
#include "ledger/key_layout.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::size_t head_bytes_max = 1'024;
constexpr const char* where_the_key_is = "the key of the audit chain, in the ledger";

}  // namespace

Result<OpenedAuditKey> open_audit_key(const ledger::StoreReader& store, const ledger::KeyEncryption& kek,
                                      iso8583::RandomSource& random, const std::string& of_others) {
    const auto stored = ledger::sealed_audit_key(store);
    if (!stored) return parse_error(stored.error().what);
    OpenedAuditKey out;
    if (!of_others.empty() && *stored && **stored != of_others)
        return parse_error(std::string(where_the_key_is) + ": another shard has another one");
    if (*stored || !of_others.empty()) {
        out.sealed = *stored ? **stored : of_others;
        if (!*stored) out.made = out.sealed;
        auto clear = ledger::open_sealed_key(out.sealed, where_the_key_is, kek);
        if (!clear) return tl::unexpected(clear.error());
        const bool fits = clear->size() == ledger::HmacAuditKey::size;
        if (fits) out.key = std::make_unique<ledger::HmacAuditKey>(*clear);
        iso8583::zeroise(clear->data(), clear->size());
        if (!fits) return parse_error(std::string(where_the_key_is) + ": its length is wrong");
        return out;
    }
    std::array<std::uint8_t, ledger::HmacAuditKey::size> fresh{};
    random.fill(fresh);
    auto made = ledger::seal_key(kek, fresh);
    out.key = std::make_unique<ledger::HmacAuditKey>(fresh);
    iso8583::zeroise(fresh.data(), fresh.size());
    if (!made) return tl::unexpected(made.error());
    out.sealed = out.made = std::move(*made);
    return out;
}

Result<std::optional<ledger::AuditHeadLine>> noted_audit_head(const std::string& path) {
    const auto bytes = ledger::read_small_file(path, head_bytes_max);
    if (!bytes) return parse_error(bytes.error().what);
    if (!*bytes) return std::optional<ledger::AuditHeadLine>{};
    std::string_view text = iso8583::as_text(**bytes);
    if (text.empty() || text.back() != '\n' || text.find('\n') != text.size() - 1)
        return parse_error(path + ": is not one line");
    text.remove_suffix(1);
    auto line = ledger::parse_audit_head(text);
    if (!line) return parse_error(path + ": " + line.error().what);
    return std::optional(std::move(*line));
}

std::string audit_fault_at_start(const ledger::Store& store, const OpenedAuditKey& key,
                                 const AuditOptions& options) {
    std::optional<ledger::AuditHeadLine> noted;
    if (!options.head_file.empty()) {
        auto found = noted_audit_head(options.head_file);
        if (!found) return found.error().what;
        noted = std::move(*found);
    }
    return ledger::audit_chain_fault(store, store.last_turn_number(), ledger::audit_sha256,
                                     key.of_stored_chain(), noted);
}

void warn_of_a_ledger_ahead(const ledger::Store& store, Log& log, WallClock& clock) {
    constexpr std::int64_t ahead_ms_max = 86'400'000;
    const ledger::KeyRange entries = ledger::all_keys(ledger::KeyPrefix::audit);
    std::optional<iso8583::UtcTime> newest;
    const auto take = [&](std::string_view key, std::string_view value) {
        if (const auto entry = ledger::stored_audit_entry(key, value)) newest = entry->event.utc;
        return false;
    };
    // What cannot be read was told by whoever needed it.
    static_cast<void>(store.scan_back(ledger::Family::journal, entries.from, entries.to, take));
    const iso8583::UtcTime now = clock.now().utc;
    if (!newest || newest->ms - now.ms <= ahead_ms_max) return;
    log.line(Severity::alarm, "clock_behind_ledger",
             {{"detail", "the newest entry of the audit chain is of " + ledger::audit_head_time(*newest) +
                             ", the clock says " + ledger::audit_head_time(now) + ": which is right?"}},
             clock.now());
}

AuditHeads::AuditHeads(Reactor& reactor, const ledger::Store& store, const ledger::AuditKey& key,
                       const AuditOptions& options, Log& log, WallClock& clock)
    : alarm_(reactor.alarm([this] { look(); })),
      reactor_(reactor),
      store_(store),
      key_(key),
      options_(options),
      log_(log),
      clock_(clock),
      worker_(std::make_unique<Worker>(1)) {
    if (!options_.head_file.empty() || !options_.syslog.empty()) look();
}

std::optional<ledger::AuditHeadLine> AuditHeads::newest() {
    ledger::AuditHeadLine line;
    // The turn first: the snapshot may have more, never less.
    line.turn = store_.last_turn_number();
    const auto log = ledger::AuditLog::open(*store_.snapshot(), ledger::audit_sha256);
    if (!log) {
        tell(log.error().what);
        return std::nullopt;
    }
    line.head = log->head();
    line.time = ledger::audit_head_time(clock_.now().utc);
    if (noted_ && noted_->turn == line.turn && noted_->head == line.head) return std::nullopt;
    return line;
}

void AuditHeads::look() {
    alarm_->set(Reactor::now().plus_ms(std::int64_t{options_.head_seconds} * 1'000));
    auto line = newest();
    if (!line) return;
    const bool to_syslog = !options_.syslog.empty() && (!noted_ || !(noted_->head == line->head));
    std::string text = audit_head_text(*line, &key_);
    const bool taken = worker_->submit([this, text = std::move(text), to_syslog, line = *line] {
        const Written written = write(text, to_syslog);
        reactor_.post([this, written, line] {
            if (written.fault.empty()) noted_ = line;
            tell(written.fault);
        });
    });
    if (!taken) tell("the head of the audit chain cannot be noted: the one before is still being written");
}

AuditHeads::Written AuditHeads::write(const std::string& text, bool to_syslog) const {
    const std::string cannot = "the head of the audit chain cannot be noted: ";
    if (!options_.head_file.empty()) {
        const std::string whole = text + "\n";
        const auto written = ledger::write_file_durably(options_.head_file, iso8583::as_bytes(whole));
        if (!written) return {cannot + written.error().what};
    }
    if (to_syslog)
        if (const auto sent = hsm::send_to_syslog(options_.syslog, "refund-switch", text); !sent)
            return {cannot + sent.error().what};
    return {};
}

void AuditHeads::tell(const std::string& fault) {
    if (fault == fault_) return;
    fault_ = fault;
    log_.line(fault.empty() ? Severity::info : Severity::alarm, "audit_head",
              {{"detail", fault.empty() ? "it is noted again" : fault}}, clock_.now());
}

void AuditHeads::finish() {
    worker_.reset();
    if (options_.head_file.empty() && options_.syslog.empty()) return;
    const auto line = newest();
    if (!line) return;
    const bool to_syslog = !options_.syslog.empty() && (!noted_ || !(noted_->head == line->head));
    tell(write(audit_head_text(*line, &key_), to_syslog).fault);
}

}  // namespace acquirer
