// OperatorViews: what operators may read, as pure functions of a store snapshot, the core's counters and the
// configuration. They change nothing and ask nobody; PANs are shown as the record keeps them, masked.
//
// Thread: any (a worker's); everything they are given is immutable for them. Errors: a sentence naming what
// was not found, or what in the store could not be read. Bounds: every list ends at its limit and at
// page_records_read_max and says where it goes on. Shapes: docs/refundctl.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/audit_head.hpp"
#include "ledger/merged_reader.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/status.hpp"
#include "switch/core/view_value.hpp"
#include "switch/views/list_query.hpp"
#include "switch/views/slip_words.hpp"

namespace acquirer {

struct ViewContext {
    const ledger::StoreReader& store;  // of all shards as one (ledger/merged_reader.hpp)
    const CoreStatus& status;
    const Configuration& configuration;
    iso8583::Now now;
    const ShellFigures* shell = nullptr;           // none: there is no shell around the core
    const ledger::ShardReaders* shards = nullptr;  // none: there is one

    /// Each shard's own, for what every shard keeps for itself.
    [[nodiscard]] std::vector<const ledger::StoreReader*> readers() const {
        std::vector<const ledger::StoreReader*> out;
        if (shards == nullptr) return {&store};
        for (const auto& reader : *shards) out.push_back(reader.get());
        return out;
    }
};
using ViewResult = iso8583::Result<View>;
/// The head of a shard's audit chain as a second place has it; nothing: it has none.
using NotedHead = std::function<iso8583::Result<std::optional<ledger::AuditHeadLine>>(std::size_t shard)>;

/// With the steps of the histogram of answers, from which rates and percentiles of an interval are made.
enum class StatusDetail : std::uint8_t { figures, with_steps };
ViewResult view_status(const ViewContext& context, StatusDetail detail = StatusDetail::figures);

/// All that are given have to fit, those of every list too. RRN, terminal + batch + trace, and a reference
/// without days are point reads; the rest is a search from the newest record back, on `date` only when that
/// is given.
struct FindQuery : ListQuery {
    std::optional<iso8583::Rrn> rrn;
    std::string authorization;
    std::optional<iso8583::BatchNumber> batch;
    std::optional<iso8583::Stan> trace;
    std::string pan_last4;
    std::string amount;                 // major units, as typed
    std::optional<iso8583::Date> date;  // local date of the transaction
    std::string reference;              // of operations
    std::string order;                  // a wallet's order number
};
ViewResult view_find(const ViewContext& context, const FindQuery& query);
/// Transactions newest first, with what a reconciliation needs of each.
ViewResult view_transactions(const ViewContext& context, const ListQuery& query);

/// With its messages: the fields of both that the ledger keeps.
enum class Shown : std::uint8_t { transaction, with_messages };
/// `id` is an RRN, or the case number of a 01.
ViewResult view_show(const ViewContext& context, std::string_view id, Shown shown);
/// Why it was answered so: rule by rule, in words.
ViewResult view_explain(const ViewContext& context, std::string_view id);
/// A slip for the customer; what it says in sentences is in its language.
ViewResult view_receipt(const ViewContext& context, std::string_view id, SlipLanguage language);

/// In ListQuery::state: "held", "cleared", "pending", "abnormal", "parked", "all"; empty: held.
ViewResult view_refunds(const ViewContext& context, const ListQuery& query);
/// Store-and-forward: advices that are not final, of the oldest transaction first. State: "waiting",
/// "in_flight", "parked"; kind: "refund", "reversal".
ViewResult view_queue(const ViewContext& context, const ListQuery& query);
ViewResult view_queued(const ViewContext& context, std::string_view id);
/// State: "open", "resolved"; empty: open, with `resolved_too` all.
struct ExceptionsQuery {
    ListQuery list = {};
    bool resolved_too = false;
    std::string owner = {};
};
/// Oldest first; `count` is of all that fit.
ViewResult view_exceptions(const ViewContext& context, const ExceptionsQuery& query);
ViewResult view_exception(const ViewContext& context, std::string_view id);
/// What waits for a second person: proposals, then held cases; `ended_too`: proposals that were decided or
/// lapsed. Kind: the action.
ViewResult view_proposals(const ViewContext& context, bool ended_too, const ListQuery& query);
ViewResult view_disputes(const ViewContext& context, bool closed_too, const ListQuery& query);
/// State: "up", "down", "drain".
ViewResult view_routes(const ViewContext& context, const ListQuery& query);
/// State: "active", "suspended".
ViewResult view_merchants(const ViewContext& context, const ListQuery& query);
/// Terminals that have signed on, settled or were changed by operations; state as of merchants.
ViewResult view_terminals(const ViewContext& context, const ListQuery& query);
/// Everything that holds for one, and where it comes from.
ViewResult view_merchant(const ViewContext& context, const iso8583::MerchantId& id);
ViewResult view_terminal(const ViewContext& context, const iso8583::TerminalId& id);
ViewResult view_day(const ViewContext& context);

enum class TotalsBy : std::uint8_t { route, merchant, terminal, instrument, reason };
/// Of a business day; nothing: the current one. By terminal: of open batches as well.
ViewResult view_totals(const ViewContext& context, TotalsBy by, std::optional<iso8583::BusinessDate> day);
/// What the audit chain is held against: ledger/audit_hash.hpp's SHA-256, the chain's key, and the head that
/// was noted elsewhere, where the configuration says so.
struct AuditCheck {
    // NOLINTNEXTLINE(google-explicit-constructor): without a key it is the hash alone
    AuditCheck(ledger::AuditHash sha256, const ledger::AuditKey* chain_key = nullptr,
               NotedHead noted_head = {})
        : hash(sha256), key(chain_key), noted(std::move(noted_head)) {}
    ledger::AuditHash hash;
    const ledger::AuditKey* key;
    NotedHead noted;
};
/// Walks the whole chain, of each shard its own.
ViewResult view_audit_verify(const ViewContext& context, const AuditCheck& check);

// Shared by the views.

/// Calls visit for each record that is open work, oldest first, until it says false; `behind` one of them
/// when given.
iso8583::Result<void> each_open(const ViewContext& context,
                                const std::function<bool(const ledger::TransactionRecord&)>& visit,
                                const std::optional<iso8583::Rrn>& behind = std::nullopt);
/// Nothing when there is no such record.
iso8583::Result<std::optional<ledger::TransactionRecord>> read_record(const ViewContext& context,
                                                                      const iso8583::Rrn& rrn);
/// Stable words.
std::string_view advice_kind(ledger::QueuedAdvice::Kind kind);
std::string_view advice_status(ledger::QueuedAdvice::Status status);

/// The record of an RRN or a case number.
iso8583::Result<ledger::TransactionRecord> find_record(const ViewContext& context, std::string_view id);
/// What closes an exception, as people type it.
std::string what_closes(const ViewContext& context, const ledger::ExceptionRecord& exception);
/// One line of a list.
View summary(const ViewContext& context, const ledger::TransactionRecord& record);
std::string local_time(const ViewContext& context, iso8583::UtcTime at);
/// A sentence when the business day is behind the local date and no schedule will close it soon; else empty.
std::string day_warning(const ViewContext& context);
std::string route_name(const ViewContext& context, std::uint16_t route);
/// DE39 as given to the terminal; empty when nothing was answered yet.
std::string answered_code(const ledger::TransactionRecord& record);
/// True when the batch of the record's terminal was closed since.
iso8583::Result<bool> is_settled(const ViewContext& context, const ledger::TransactionRecord& record);
/// A whole sentence about a read that failed.
tl::unexpected<iso8583::ParseError> store_fault(const ledger::StoreError& error);

/// Every value of a range of keys, decoded, in their order; `take` says false to end it.
template <typename Record>
iso8583::Result<void> each_value_of(const ViewContext& context, ledger::Family family,
                                    const ledger::KeyRange& range,
                                    iso8583::Result<Record> (*decode)(std::string_view),
                                    const std::function<bool(Record&&)>& take) {
    std::optional<std::string> fault;
    auto done =
        context.store.scan(family, range.from, range.to, [&](std::string_view, std::string_view value) {
            auto record = decode(value);
            if (!record) {
                fault = "the ledger's " + record.error().what;
                return false;
            }
            return take(std::move(*record));
        });
    if (!done) return store_fault(done.error());
    if (fault) return iso8583::parse_error(*fault);
    return {};
}

}  // namespace acquirer
