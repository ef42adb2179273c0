#include "switch/views/audit_views.hpp"

#include <algorithm>
#include <charconv>

#include "iso8583/values/bytes.hpp"
#include "ledger/audit_entry.hpp"
#include "ledger/key_layout.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer {

using iso8583::parse_error;
using iso8583::Result;

namespace {

/// The number of an entry in a cursor; nothing: from the list's beginning.
Result<std::optional<std::uint64_t>> entry_behind(const ListPage& page) {
    const auto text = page.position();
    if (!text) return tl::unexpected(text.error());
    std::optional<std::uint64_t> behind;
    if (text->empty()) return behind;
    behind.emplace();
    const char* const last = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), last, *behind);
    if (error != std::errc{} || end != last) return ListPage::no_cursor();
    return behind;
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

ViewResult view_audit_entries(const ViewContext& context, const AuditQuery& query) {
    const auto scope = scope_of(context, query.list);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("entries", query.list);
    const auto behind = entry_behind(page);
    if (!behind) return tl::unexpected(behind.error());
    std::string command = query.command;
    std::replace(command.begin(), command.end(), ' ', '.');
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::audit);
    if (*behind) range.to = ledger::audit_key(**behind);
    std::size_t read = 0;
    std::optional<std::string> fault;
    const auto visit = [&](std::string_view key, std::string_view value) {
        const auto entry = ledger::stored_audit_entry(key, value);
        if (!entry) {
            fault = entry.error().what;
            return false;
        }
        const std::string place = std::to_string(entry->sequence);
        if (fits(query, command, *scope, entry->event) && !page.add(row_of(context, *entry), place))
            return false;
        if (++read < page_records_read_max) return true;
        page.cut_at(place);
        return false;
    };
    auto done = context.store.scan_back(ledger::Family::journal, range.from, range.to, visit);
    if (!done) return store_fault(done.error());
    if (fault) return broken(*fault);
    return std::move(page).answer();
}

ViewResult view_audit_export(const ViewContext& context, const ListQuery& query, ledger::AuditHash hash) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("entries", query);
    const auto behind = entry_behind(page);
    if (!behind) return tl::unexpected(behind.error());
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::audit);
    if (*behind) range.from = ledger::audit_key(**behind + 1);
    std::size_t read = 0;
    std::optional<std::string> fault;
    // From the first entry of those days to before the first that is later: whatever the clock did in
    // between, there is no gap.
    bool begun = behind->has_value();
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
    auto done = context.store.scan(ledger::Family::journal, range.from, range.to, visit);
    if (!done) return store_fault(done.error());
    if (fault) return broken(*fault);
    return std::move(page).answer();
}

}  // namespace acquirer
