#include "switch/views/audit_views.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <vector>

#include "iso8583/values/bytes.hpp"
#include "ledger/audit_entry.hpp"
#include "ledger/key_layout.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

/// The numbers of entries in a cursor, one for each shard; 0: from the list's beginning.
Result<std::vector<std::uint64_t>> entries_behind(const ListPage& page, std::size_t shards) {
    const auto text = page.position();
    if (!text) return tl::unexpected(text.error());
    std::vector<std::uint64_t> behind(shards, 0);
    if (text->empty()) return behind;
    const char* at = text->data();
    const char* const last = text->data() + text->size();
    for (std::size_t shard = 0; shard < shards; ++shard) {
        if (shard > 0 && (at == last || *at++ != '-')) return ListPage::no_cursor();
        const auto [end, error] = std::from_chars(at, last, behind[shard]);
        if (error != std::errc{}) return ListPage::no_cursor();
        at = end;
    }
    return at == last ? Result<std::vector<std::uint64_t>>(behind) : ListPage::no_cursor();
}

std::string place_of(const std::vector<std::uint64_t>& behind) {
    std::string text;
    for (const std::uint64_t sequence : behind) text += (text.empty() ? "" : "-") + std::to_string(sequence);
    return text;
}

View row_of(const ViewContext& context, const ledger::AuditEntry& entry) {
    View row = View::object();
    row.put("entry", entry.sequence).put("time", local_time(context, entry.event.utc));
    row.put("user", entry.event.user).put("role", entry.event.role);
    row.put("action", entry.event.action).put("detail", entry.event.detail);
    return row;
}

bool fits(const AuditQuery& query, const std::string& command, const ListScope& scope,
          const ledger::AuditEvent& event) {
    const bool of_command =
        command.empty() || event.action == command || event.action.starts_with(command + ".");
    return of_command && (query.user.empty() || event.user == query.user) && scope.fits_time(event.utc);
}

tl::unexpected<iso8583::ParseError> broken(const std::string& what) {
    return parse_error("the audit chain is broken: " + what);
}

}  // namespace

namespace {

/// A chain from its newest entry back, some at a time.
class Backwards {
  public:
    Backwards(const ledger::StoreReader& chain, std::uint64_t behind) : chain_(&chain), behind_(behind) {}

    /// The next one; nullptr when there is none before.
    Result<const ledger::AuditEntry*> peek() {
        if (entries_.empty() && !exhausted_)
            if (auto read = fill(); !read) return tl::unexpected(read.error());
        return entries_.empty() ? nullptr : &entries_.front();
    }
    void pop() {
        behind_ = entries_.front().sequence;
        entries_.pop_front();
    }
    /// Of the last one that was popped.
    [[nodiscard]] std::uint64_t behind() const { return behind_; }

  private:
    static constexpr std::size_t entries_at_once = 256;

    Result<void> fill() {
        ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::audit);
        if (behind_ != 0) range.to = ledger::audit_key(behind_);
        std::optional<std::string> fault;
        auto done = chain_->scan_back(ledger::Family::journal, range.from, range.to,
                                      [&](std::string_view key, std::string_view value) {
                                          auto entry = ledger::stored_audit_entry(key, value);
                                          if (!entry)
                                              fault = entry.error().what;
                                          else
                                              entries_.push_back(std::move(*entry));
                                          return !fault && entries_.size() < entries_at_once;
                                      });
        if (!done) return store_fault(done.error());
        if (fault) return broken(*fault);
        exhausted_ = entries_.size() < entries_at_once;
        return {};
    }

    const ledger::StoreReader* chain_;
    std::uint64_t behind_;
    bool exhausted_ = false;
    std::deque<ledger::AuditEntry> entries_;
};

}  // namespace

/// Of all shards' chains, the newest first by their time.
ViewResult view_audit_entries(const ViewContext& context, const AuditQuery& query) {
    const auto scope = scope_of(context, query.list);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("entries", query.list);
    const auto readers = context.readers();
    auto behind = entries_behind(page, readers.size());
    if (!behind) return tl::unexpected(behind.error());
    std::string command = query.command;
    std::replace(command.begin(), command.end(), ' ', '.');
    std::vector<Backwards> chains;
    for (std::size_t shard = 0; shard < readers.size(); ++shard)
        chains.emplace_back(*readers[shard], (*behind)[shard]);
    for (std::size_t read = 1;; ++read) {
        std::size_t newest = chains.size();
        iso8583::UtcTime at;
        for (std::size_t shard = 0; shard < chains.size(); ++shard) {
            const auto entry = chains[shard].peek();
            if (!entry) return tl::unexpected(entry.error());
            if (*entry == nullptr || (newest < chains.size() && (*entry)->event.utc <= at)) continue;
            newest = shard;
            at = (*entry)->event.utc;
        }
        if (newest == chains.size()) break;
        const ledger::AuditEntry entry = **chains[newest].peek();
        chains[newest].pop();
        (*behind)[newest] = entry.sequence;
        const std::string place = place_of(*behind);
        View row = row_of(context, entry);
        if (chains.size() > 1) row.put("shard", static_cast<std::uint64_t>(newest));
        if (fits(query, command, *scope, entry.event) && !page.add(std::move(row), place)) break;
        if (read < page_records_read_max) continue;
        page.cut_at(place);
        break;
    }
    return std::move(page).answer();
}

ViewResult view_audit_export(const ViewContext& context, const ListQuery& query, ledger::AuditHash hash,
                             std::optional<std::size_t> shard) {
    const auto readers = context.readers();
    if (readers.size() > 1 && (!shard || *shard >= readers.size()))
        return parse_error("this switch has " + std::to_string(readers.size()) +
                           " shards with a chain each: --shard 0 to " + std::to_string(readers.size() - 1) +
                           " says which");
    if (readers.size() == 1 && shard.value_or(0) != 0)
        return parse_error("this switch has one audit chain: --shard says nothing here");
    const ledger::StoreReader& chain = *readers[shard.value_or(0)];
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("entries", query);
    const auto behind = entries_behind(page, 1);
    if (!behind) return tl::unexpected(behind.error());
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::audit);
    const std::uint64_t last = behind->front();
    if (last != 0) range.from = ledger::audit_key(last + 1);
    std::size_t read = 0;
    std::optional<std::string> fault;
    // From the first entry of those days to before the first that is later: whatever the clock did in
    // between, there is no gap.
    bool begun = last != 0;
    const auto visit = [&](std::string_view key, std::string_view value) {
        const auto entry = ledger::stored_audit_entry(key, value);
        if (!entry) {
            fault = entry.error().what;
            return false;
        }
        const std::string place = std::to_string(entry->sequence);
        begun = begun || entry->event.utc >= scope->begins;
        if (begun) {
            if (entry->event.utc >= scope->ends) return false;
            View row = row_of(context, *entry);
            row.put("utc_ms", entry->event.utc.ms);
            row.put("previous_hash", iso8583::to_hex(entry->previous_hash));
            row.put("hash", iso8583::to_hex(hash(iso8583::as_bytes(value))));
            if (entry->mac) row.put("mac", iso8583::to_hex(*entry->mac));
            row.put("bytes", iso8583::to_hex(iso8583::as_bytes(value)));
            if (!page.add(std::move(row), place)) return false;
        }
        if (++read < page_records_read_max) return true;
        page.cut_at(place);
        return false;
    };
    auto done = chain.scan(ledger::Family::journal, range.from, range.to, visit);
    if (!done) return store_fault(done.error());
    if (fault) return broken(*fault);
    return std::move(page).answer();
}

}  // namespace acquirer
