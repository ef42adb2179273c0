// ListQuery: what every list may be asked for, and the scope that it names in this ledger. A list reads its
// own keys from its cursor on and takes what fits; the answer is built by list_page.hpp. Shape and words:
// docs/refundctl.md, "Lists".
//
// Thread: any; values, and pure functions of the snapshot. Errors: sentences that begin with the argument's
// name; what the configuration and the ledger do not know is an error, so that a misspelt filter is never an
// empty list.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/transaction_record.hpp"

namespace acquirer {

struct ViewContext;

/// Rows of one answer when nothing is said, and at most; a longer list goes on behind its cursor.
inline constexpr std::size_t list_limit_default = 50;
inline constexpr std::size_t list_limit_max = 1'000;
/// Records that one answer of a list may read; a list that finds too little in so many says where it goes on.
inline constexpr std::size_t page_records_read_max = 50'000;

/// As asked; what does not apply to a list is left empty by its command.
struct ListQuery {
    std::size_t limit = list_limit_default;
    std::string after;  // a cursor as the list gave it; empty: from the beginning
    std::optional<iso8583::BusinessDate> from, to;
    std::optional<iso8583::MerchantId> merchant;
    std::optional<iso8583::TerminalId> terminal;
    std::string route;
    std::string state;
    std::string kind;
    std::string instrument;  // "card", "wechat": of transactions
};

/// What a query means here and now.
struct ListScope {
    std::optional<iso8583::BusinessDate> from, to;  // nothing: no bound
    /// The business days from `from` to `to` lasted from `begins` to before `ends`.
    iso8583::UtcTime begins{std::numeric_limits<std::int64_t>::min()};
    iso8583::UtcTime ends{std::numeric_limits<std::int64_t>::max()};
    std::optional<std::uint16_t> route;
    std::optional<iso8583::MerchantId> merchant;
    std::optional<iso8583::TerminalId> terminal;

    [[nodiscard]] bool has_parties() const { return route || merchant || terminal; }
    /// Was it opened, made or done in those days?
    [[nodiscard]] bool fits_time(iso8583::UtcTime at) const { return at >= begins && at < ends; }
    /// Merchant, terminal and route.
    [[nodiscard]] bool fits_parties(const ledger::TransactionRecord& record) const;
    [[nodiscard]] bool fits_day(const ledger::TransactionRecord& record) const;
};

/// The first business day that the ledger knows.
iso8583::Result<iso8583::BusinessDate> first_day(const ViewContext& context);
/// Refuses a day that has not begun, or that the ledger does not have; the error begins with `argument`.
iso8583::Result<void> check_day(const ViewContext& context, std::string_view argument,
                                iso8583::BusinessDate day);
/// Refuses an unknown merchant, terminal, route or business day, and days in the wrong order.
iso8583::Result<ListScope> scope_of(const ViewContext& context, const ListQuery& query);

}  // namespace acquirer
