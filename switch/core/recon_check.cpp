#include "switch/core/recon_check.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "ledger/recon_records.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/recon_judge.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::KeyPrefix;

namespace {

/// Calls visit for every key of a prefix; it returns what is wrong, or nothing.
iso8583::Result<void> each(
    const ledger::StoreReader& store, KeyPrefix prefix,
    const std::function<std::optional<std::string>(std::string_view, std::string_view)>& visit) {
    const ledger::KeyRange range = ledger::all_keys(prefix);
    std::optional<std::string> fault;
    const auto done =
        store.scan(Family::journal, range.from, range.to, [&](std::string_view key, std::string_view value) {
            fault = visit(key, value);
            return !fault;
        });
    if (!done) return parse_error(done.error().what);
    if (fault) return parse_error(*fault);
    return {};
}

}  // namespace

iso8583::Result<ReconFaults> find_recon_faults(const ledger::StoreReader& store) {
    ReconFaults found;
    std::set<std::string, std::less<>> listed;
    std::map<std::string, std::string, std::less<>> exceptions;  // open ones: id → kind
    const auto fault = [&](std::string words) { found.faults.push_back(std::move(words)); };
    auto done = each(store, KeyPrefix::recon_open, [&](std::string_view key, std::string_view) {
        listed.emplace(key);
        return std::optional<std::string>();
    });
    if (!done) return tl::unexpected(done.error());
    done = each(store, KeyPrefix::exception, [&](std::string_view, std::string_view value) {
        const auto x = ledger::decode_exception(value);
        if (!x) return std::optional("an exception cannot be read: " + x.error().what);
        if (x->resolution.empty() && is_recon_exception(x->kind)) {
            exceptions.emplace(x->id, x->kind);
            if (x->owner.empty()) fault("the exception " + x->id + " of a difference has no owner");
        }
        return std::optional<std::string>();
    });
    if (!done) return tl::unexpected(done.error());
    done = each(store, KeyPrefix::recon_entry, [&](std::string_view, std::string_view value) {
        const auto entry = ledger::decode_recon_entry(value);
        if (!entry) return std::optional("a reconciliation entry cannot be read: " + entry.error().what);
        ++found.entries;
        const std::string status(ledger::name(entry->status));
        const bool is_listed =
            listed.erase(ledger::recon_open_key(entry->day, entry->route, entry->ref)) != 0;
        if (is_listed != ledger::is_open(entry->status))
            fault("the reconciliation of " + entry->ref + " is " + status + " and " +
                  (is_listed ? "stands in" : "is missing from") + " the list of what is open");
        const auto exception = exceptions.find(entry->exception);
        const std::string kind = std::string(recon_exception_prefix) + status;
        if (ledger::is_difference(entry->status)
                ? exception == exceptions.end() || exception->second != kind
                : exception != exceptions.end() && entry->status != ledger::ReconStatus::unjudged)
            fault("the reconciliation of " + entry->ref + " is " + status +
                  ", and its exception does not say so");
        if (exception != exceptions.end()) exceptions.erase(exception);
        return std::optional<std::string>();
    });
    if (!done) return tl::unexpected(done.error());
    for (const std::string& key : listed)
        fault("the list of what is open in reconciliation names " + key.substr(1) + ", which is none");
    for (const auto& [id, kind] : exceptions) fault("the exception " + id + " stands for no difference");
    return found;
}

}  // namespace acquirer
