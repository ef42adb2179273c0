// Batches of refunds (R100) and the codes of reasons, as operators see them. As operator_views.hpp.
#pragma once

#include "ledger/batch_books.hpp"
#include "switch/views/operator_views.hpp"

namespace acquirer {

/// Which batch is meant: its number, the digest of its file, or its maker's reference, which several
/// merchants may have given.
struct BatchName {
    std::string text;
    std::string merchant;  // empty: of any
};
ViewResult view_batch(const ViewContext& context, const BatchName& name);

/// Newest first.
ViewResult view_batches(const ViewContext& context, const ListQuery& query);
/// What became of its lines, in the order of the file.
ViewResult view_batch_lines(const ViewContext& context, const BatchName& name, const ListQuery& query);
ViewResult view_reasons(const ViewContext& context, const ListQuery& query);

enum class BatchOrder : std::uint8_t { oldest_first, newest_first };
/// Behind this number (empty: from the beginning), until it says false.
iso8583::Result<void> each_batch(const ViewContext& context, BatchOrder order, std::string_view behind,
                                 const std::function<bool(ledger::RefundBatch&&)>& visit);
/// What a batch is as a proposal: open, approved, rejected, lapsed; empty: it was none.
std::string_view proposal_state_of(const ViewContext& context, const ledger::RefundBatch& batch);

}  // namespace acquirer
