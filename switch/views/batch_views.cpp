#include "switch/views/batch_views.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "ledger/key_layout.hpp"
#include "ledger/sha256.hpp"
#include "switch/core/refund_reasons.hpp"
#include "switch/core/refusal.hpp"
#include "switch/views/list_page.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::RefundBatch;
using ledger::RefundBatchLine;
using ledger::TransactionRecord;

namespace {

using State = RefundBatch::State;

std::string money(const RefundBatch& batch, std::int64_t minor) {
    return iso8583::Amount(minor, batch.currency).major();
}

bool has_lapsed(const ViewContext& context, const RefundBatch& batch) {
    const std::int64_t lapse_ms =
        std::int64_t{context.configuration.limits.proposal_expires_hours} * 3'600'000;
    return batch.state == State::waiting && context.now.utc.ms - batch.submitted.ms > lapse_ms;
}

std::string state_of(const ViewContext& context, const RefundBatch& batch) {
    return has_lapsed(context, batch) ? "lapsed" : std::string(name(batch.state));
}

std::uint32_t judged_lines(const RefundBatch& batch) {
    std::uint32_t lines = 0;
    for (const RefundBatch::Count& c : batch.counts) lines += c.outcome == ledger::line_waits ? 0 : c.lines;
    return lines;
}

/// The command that leads out; empty when it goes on by itself or is at its end.
std::string way_out_of(const RefundBatch& batch) {
    if (batch.state == State::waiting) return "batch approve|reject " + batch.id;
    if (batch.state == State::paused) return "batch resume|cancel " + batch.id;
    const bool some_refused =
        batch.count_of(static_cast<ledger::LineOutcome>(ledger::State::refused)).lines != 0;
    return batch.state == State::done && some_refused ? "batch resume " + batch.id + " --refused" : "";
}

iso8583::Result<std::optional<RefundBatch>> read_batch(const ViewContext& context, std::string_view id) {
    auto stored = context.store.get(Family::index, ledger::refund_batch_key(id));
    if (!stored) return store_fault(stored.error());
    if (!*stored) return std::optional<RefundBatch>();
    auto batch = ledger::decode_refund_batch(**stored);
    if (!batch) return parse_error("the ledger's " + batch.error().what);
    return std::optional<RefundBatch>(std::move(*batch));
}

/// The newest of each merchant that has given this reference, or whose file it is.
iso8583::Result<RefundBatch> find_batch(const ViewContext& context, const BatchName& named) {
    auto by_number = read_batch(context, named.text);
    if (!by_number) return tl::unexpected(by_number.error());
    if (*by_number) return std::move(**by_number);
    const bool is_file = ledger::is_digest_text(named.text);
    std::optional<RefundBatch> found;
    bool several = false;
    auto done = each_batch(context, BatchOrder::newest_first, "", [&](RefundBatch&& batch) {
        if ((is_file ? batch.file : batch.reference) != named.text) return true;
        if (!named.merchant.empty() && batch.merchant.view() != named.merchant) return true;
        if (!found)
            found = std::move(batch);
        else
            several = several || batch.merchant != found->merchant;
        return !several;
    });
    if (!done) return tl::unexpected(done.error());
    if (several) return parse_error("batches of several merchants are called so: merchant is needed");
    if (!found)
        return parse_error(is_file ? "no batch is of that file" : "no batch has that number or reference");
    return std::move(*found);
}

View counts_view(const RefundBatch& batch) {
    View list = View::list();
    for (const RefundBatch::Count& c : batch.counts) {
        View one = View::object();
        one.put("state", ledger::name_of_outcome(c.outcome)).put("lines", c.lines);
        one.put("amount", money(batch, c.minor));
        list.add(std::move(one));
    }
    return list;
}

/// Lines per second of this run, and when the last one will have been judged at that rate.
void put_rate(const ViewContext& context, const RefundBatch& batch, View& view) {
    if (batch.state != State::running) return;
    const std::int64_t ms = context.now.utc.ms - batch.running_since.ms;
    const std::int64_t judged = batch.judged - batch.judged_before;
    const std::int64_t configured = context.configuration.limits.lines_per_second;
    constexpr std::int64_t measured_from_ms = 2'000;
    const bool measured = ms >= measured_from_ms && judged > 0;
    const std::int64_t left = batch.count_of(ledger::line_waits).lines;
    const std::int64_t left_ms = measured ? left * ms / judged : left * 1'000 / configured;
    view.put("lines_per_second", measured ? judged * 1'000 / ms : configured);
    view.put("expected_end", local_time(context, iso8583::UtcTime{context.now.utc.ms + left_ms}));
}

std::string time_or_nothing(const ViewContext& context, iso8583::UtcTime at) {
    return at.ms == 0 ? "" : local_time(context, at);
}

View list_of(const std::vector<std::string>& texts) {
    View list = View::list();
    for (const std::string& text : texts) list.add(text);
    return list;
}

}  // namespace

ViewResult view_batch(const ViewContext& context, const BatchName& named) {
    auto found = find_batch(context, named);
    if (!found) return tl::unexpected(found.error());
    const RefundBatch& b = *found;
    View view = View::object();
    view.put("batch", b.id).put("reference", b.reference).put("merchant", b.merchant.view());
    view.put("state", state_of(context, b)).put_if("words", b.words).put_if("way_out", way_out_of(b));
    view.put("lines", b.lines).put("judged", judged_lines(b)).put("sum", money(b, b.sum_minor));
    view.put("currency", b.currency.str()).put("digest", b.file).put("file_name", b.file_name);
    view.put("maker", b.maker).put("submitted", local_time(context, b.submitted));
    view.put_if("checker", b.checker).put_if("approved", time_or_nothing(context, b.approved));
    view.put_if("ended", time_or_nothing(context, b.ended)).put_if("ended_by", b.ended_by);
    view.put_if("exception", b.exception);
    put_rate(context, b, view);
    if (b.faulty_lines != 0) view.put("faulty_lines", b.faulty_lines).put("faults", list_of(b.faults));
    view.put("counts", counts_view(b));
    return view;
}

std::string_view proposal_state_of(const ViewContext& context, const RefundBatch& batch) {
    switch (batch.state) {
        case State::loading:
        case State::faulty:
            return "";
        case State::waiting:
            return has_lapsed(context, batch) ? "lapsed" : "open";
        case State::running:
        case State::paused:
        case State::done:
            return "approved";
        case State::rejected:
            return "rejected";
        case State::cancelled:
            if (!batch.checker.empty()) return "approved";
            return batch.ended_by == "its time" ? "lapsed" : "rejected";
    }
    return "";
}

iso8583::Result<void> each_batch(const ViewContext& context, BatchOrder order, std::string_view behind,
                                 const std::function<bool(RefundBatch&&)>& visit) {
    const bool newest_first = order == BatchOrder::newest_first;
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::refund_batch);
    if (!behind.empty() && newest_first) range.to = ledger::refund_batch_key(behind);
    if (!behind.empty() && !newest_first) range.from = ledger::refund_batch_key(behind) + '\0';
    std::optional<std::string> fault;
    const auto visitor = [&](std::string_view, std::string_view value) {
        auto batch = ledger::decode_refund_batch(value);
        if (!batch) fault = "the ledger's " + batch.error().what;
        return batch && visit(std::move(*batch));
    };
    auto done = newest_first ? context.store.scan_back(Family::index, range.from, range.to, visitor)
                             : context.store.scan(Family::index, range.from, range.to, visitor);
    if (!done) return store_fault(done.error());
    if (fault) return parse_error(*fault);
    return {};
}

ViewResult view_batches(const ViewContext& context, const ListQuery& query) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    ListPage page("batches", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    std::size_t read = 0;
    auto done = each_batch(context, BatchOrder::newest_first, *behind, [&](RefundBatch&& b) {
        const bool wanted = (!scope->merchant || b.merchant == *scope->merchant) &&
                            (query.state.empty() || state_of(context, b) == query.state) &&
                            scope->fits_time(b.submitted);
        const bool enough = ++read > page_records_read_max;
        if (enough) page.cut_at(b.id);
        if (enough || !wanted) return !enough;
        View one = View::object();
        one.put("batch", b.id).put("reference", b.reference).put("merchant", b.merchant.view());
        one.put("state", state_of(context, b)).put("lines", b.lines).put("judged", judged_lines(b));
        one.put("sum", money(b, b.sum_minor)).put("maker", b.maker).put("checker", b.checker);
        one.put("submitted", local_time(context, b.submitted));
        return page.add(std::move(one), b.id);
    });
    if (!done) return tl::unexpected(done.error());
    return std::move(page).answer(View::object().put("currency", context.configuration.currency.str()));
}

namespace {

/// What the issuer or the rules said of a refund; nothing while nobody has said anything. The answer of 01
/// that its record keeps is the checker's business, who has cleared it.
std::string code_of(const TransactionRecord& refund) {
    switch (refund.state) {
        case ledger::State::approved:
            return "00";
        case ledger::State::held:
        case ledger::State::declined:
            return answered_code(refund);
        default:
            return refund.advice.last_code;
    }
}

bool is_an_outcome(std::string_view word) {
    constexpr std::uint64_t last = std::numeric_limits<ledger::LineOutcome>::max();
    for (std::uint64_t value = ledger::line_waits; value <= last; ++value)
        if (ledger::is_outcome(value) &&
            ledger::name_of_outcome(static_cast<ledger::LineOutcome>(value)) == word)
            return true;
    return false;
}

/// Columns of an export: of a line without a refund what the batch says, else what the refund says now.
iso8583::Result<View> line_view(const ViewContext& context, const RefundBatch& batch,
                                const RefundBatchLine& line) {
    View one = View::object();
    one.put("line_ref", line.line_ref).put("rrn", line.sale.view());
    one.put("date", line.date_mmdd).put("amount", money(batch, line.amount_minor)).put("reason", line.reason);
    if (line.refund.empty()) {
        const bool refused = line.outcome != ledger::line_waits;
        const RefusalInfo& why = info(static_cast<Refusal>(line.refusal));
        one.put("state", ledger::name_of_outcome(line.outcome));
        one.put("code", refused ? why.unionpay_code : "").put("rule", refused ? why.rule : "");
        one.put("words", refused ? std::string_view(line.words) : "not judged yet").put("refund_rrn", "");
        return one;
    }
    auto refund = find_record(context, line.refund.view());
    if (!refund) return tl::unexpected(refund.error());
    one.put("state", ledger::name(refund->state)).put("code", code_of(*refund));
    one.put("rule", refund->history.empty() ? "" : refund->history.back().rule);
    one.put("words", state_words(refund->state)).put("refund_rrn", line.refund.view());
    return one;
}

}  // namespace

ViewResult view_batch_lines(const ViewContext& context, const BatchName& named, const ListQuery& query) {
    auto batch = find_batch(context, named);
    if (!batch) return tl::unexpected(batch.error());
    if (!query.state.empty() && !is_an_outcome(query.state))
        return parse_error("state: a line of a batch is never in that state");
    ListPage page("lines", query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    std::uint32_t after = 0;
    const auto [end, error] = std::from_chars(behind->data(), behind->data() + behind->size(), after);
    if (!behind->empty() && (error != std::errc{} || end != behind->data() + behind->size()))
        return ListPage::no_cursor();
    std::optional<iso8583::ParseError> fault;
    std::size_t read = 0;
    const ledger::KeyRange range = ledger::refund_batch_lines(batch->id, after + 1);
    auto done = context.store.scan(
        Family::journal, range.from, range.to, [&](std::string_view, std::string_view value) {
            auto line = ledger::decode_refund_batch_line(value);
            if (!line) {
                fault = iso8583::ParseError{"the ledger's " + line.error().what};
                return false;
            }
            const std::string position = std::to_string(line->number);
            const bool enough = ++read > page_records_read_max;
            if (enough) page.cut_at(position);
            if (enough || (!query.state.empty() && ledger::name_of_outcome(line->outcome) != query.state))
                return !enough;
            auto one = line_view(context, *batch, *line);
            if (!one) fault = one.error();
            return one && page.add(std::move(*one), position);
        });
    if (!done) return store_fault(done.error());
    if (fault) return tl::unexpected(*fault);
    View facts = View::object();
    facts.put("batch", batch->id).put("of", batch->lines).put("currency", batch->currency.str());
    return std::move(page).answer(facts);
}

ViewResult view_reasons(const ViewContext& context, const ListQuery& query) {
    View items = View::list();
    for (const std::string& code : context.configuration.refund_reasons)
        items.add(View::object().put("reason", code).put("words", words_of_reason(code)));
    return page_of(View::object().put("reasons", std::move(items)), "reasons", query);
}

}  // namespace acquirer
