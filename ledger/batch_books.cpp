#include "ledger/batch_books.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::uint64_t lines_read_max = 0xFFFFFFFF;
constexpr std::uint64_t outcomes_max = static_cast<std::uint64_t>(State::not_collected);

LineOutcome outcome_of(RecordReader& r, std::string_view field) {
    const std::uint64_t value = r.varint(field);
    if (is_outcome(value)) return static_cast<LineOutcome>(value);
    r.fail(field, "no value of its kind");
    return line_waits;
}
std::uint32_t count_of(RecordReader& r, std::string_view field) {
    return static_cast<std::uint32_t>(r.varint_max(field, lines_read_max));
}

}  // namespace

bool is_outcome(std::uint64_t value) { return value == line_waits || is_state(value); }

std::string_view name_of_outcome(LineOutcome outcome) {
    return outcome == line_waits ? "waiting" : name(static_cast<State>(outcome));
}

RefundBatch::Count RefundBatch::count_of(LineOutcome outcome) const {
    for (const Count& c : counts)
        if (c.outcome == outcome) return c;
    return {outcome, 0, 0};
}

void RefundBatch::recount(std::optional<LineOutcome> from, LineOutcome to, std::int64_t minor) {
    const auto place = [this](LineOutcome outcome) {
        return std::lower_bound(counts.begin(), counts.end(), outcome,
                                [](const Count& c, LineOutcome o) { return c.outcome < o; });
    };
    if (from) {
        const auto at = place(*from);
        ENSURE(at != counts.end() && at->outcome == *from && at->lines > 0);
        --at->lines;
        at->minor -= minor;
        if (at->lines == 0) counts.erase(at);
    }
    auto at = place(to);
    if (at == counts.end() || at->outcome != to) at = counts.insert(at, {to, 0, 0});
    ++at->lines;
    at->minor += minor;
}

std::string_view name(RefundBatch::State state) {
    switch (state) {
        case RefundBatch::State::loading:
            return "loading";
        case RefundBatch::State::faulty:
            return "faulty";
        case RefundBatch::State::waiting:
            return "waiting";
        case RefundBatch::State::running:
            return "running";
        case RefundBatch::State::paused:
            return "paused";
        case RefundBatch::State::done:
            return "done";
        case RefundBatch::State::rejected:
            return "rejected";
        case RefundBatch::State::cancelled:
            return "cancelled";
    }
    ENSURE(false);
}

std::string encode(const RefundBatch& b) {
    RecordWriter w(property_record_version);
    w.text(b.id);
    w.u8(static_cast<std::uint8_t>(b.state));
    w.text(b.merchant.view());
    w.text(b.reference);
    w.text(b.file);
    w.text(b.file_name);
    w.u16(b.currency.numeric());
    w.text(b.maker);
    w.svarint(b.submitted.ms);
    w.text(b.checker);
    w.svarint(b.approved.ms);
    w.text(b.ended_by);
    w.svarint(b.ended.ms);
    w.text(b.words);
    w.varint(b.faults.size());
    for (const std::string& fault : b.faults) w.text(fault);
    w.varint(b.faulty_lines);
    w.varint(b.lines);
    w.svarint(b.sum_minor);
    w.varint(b.next_line);
    w.varint(b.pass);
    w.varint(b.refused_in_a_row);
    w.varint(b.judged);
    w.svarint(b.running_since.ms);
    w.varint(b.judged_before);
    w.text(b.exception);
    w.varint(b.counts.size());
    for (const RefundBatch::Count& c : b.counts) {
        w.varint(c.outcome);
        w.varint(c.lines);
        w.svarint(c.minor);
    }
    w.kept_properties(b.unknown_properties);
    return w.finish();
}

Result<RefundBatch> decode_refund_batch(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "batch of refunds");
    RefundBatch b;
    b.id = r.text("id");
    b.state = enum_of(r, "state", r.u8("state"), RefundBatch::State::cancelled);
    b.merchant = id_or_empty<iso8583::MerchantId>(r, "merchant");
    b.reference = r.text("reference");
    b.file = r.text("file");
    b.file_name = r.text("file_name");
    b.currency =
        iso8583::Currency::of(static_cast<std::uint16_t>(at_most(r, "currency", r.u16("currency"), 999)));
    b.maker = r.text("maker");
    b.submitted.ms = r.svarint("submitted");
    b.checker = r.text("checker");
    b.approved.ms = r.svarint("approved");
    b.ended_by = r.text("ended_by");
    b.ended.ms = r.svarint("ended");
    b.words = r.text("words");
    const auto faults = r.varint_max("faults", RefundBatch::faults_max);
    for (std::uint64_t i = 0; i < faults && r.ok(); ++i) b.faults.emplace_back(r.text("fault"));
    b.faulty_lines = count_of(r, "faulty_lines");
    b.lines = count_of(r, "lines");
    b.sum_minor = r.svarint("sum");
    b.next_line = count_of(r, "next_line");
    b.pass = count_of(r, "pass");
    b.refused_in_a_row = count_of(r, "refused_in_a_row");
    b.judged = count_of(r, "judged");
    b.running_since.ms = r.svarint("running_since");
    b.judged_before = count_of(r, "judged_before");
    b.exception = r.text("exception");
    const auto counts = r.varint_max("counts", outcomes_max + 1);
    for (std::uint64_t i = 0; i < counts && r.ok(); ++i) {
        RefundBatch::Count& c = b.counts.emplace_back();
        c.outcome = outcome_of(r, "count.outcome");
        c.lines = count_of(r, "count.lines");
        c.minor = r.svarint("count.amount");
    }
    b.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return b;
}

std::string encode(const RefundBatchLine& l) {
    RecordWriter w(property_record_version);
    w.varint(l.number);
    w.text(l.line_ref);
    w.text(l.sale.view());
    w.text(l.date_mmdd);
    w.svarint(l.amount_minor);
    w.text(l.reason);
    w.varint(l.outcome);
    w.u8(l.refusal);
    w.text(l.words);
    w.text(l.refund.view());
    w.varint(l.pass);
    w.svarint(l.at.ms);
    w.kept_properties(l.unknown_properties);
    return w.finish();
}

Result<RefundBatchLine> decode_refund_batch_line(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "line of a batch");
    RefundBatchLine l;
    l.number = count_of(r, "number");
    l.line_ref = r.text("line_ref");
    l.sale = id_or_empty<iso8583::Rrn>(r, "sale");
    l.date_mmdd = r.text("date");
    l.amount_minor = r.svarint("amount");
    l.reason = r.text("reason");
    l.outcome = outcome_of(r, "outcome");
    l.refusal = r.u8("refusal");
    l.words = r.text("words");
    l.refund = id_or_empty<iso8583::Rrn>(r, "refund");
    l.pass = count_of(r, "pass");
    l.at.ms = r.svarint("at");
    l.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return l;
}

std::string BatchBooks::next_id() { return ledger_.next_numbered_id('B', KeyPrefix::refund_batch, last_); }

std::optional<RefundBatch> BatchBooks::find(std::string_view id) {
    auto stored = ledger_.get(Family::index, refund_batch_key(id));
    if (!stored) return std::nullopt;
    return ledger_.decoded(decode_refund_batch(*stored));
}

void BatchBooks::save(const RefundBatch& batch) {
    ledger_.overlay().put(Family::index, refund_batch_key(batch.id), encode(batch));
}

void BatchBooks::visit(const std::function<void(RefundBatch&&)>& visit) {
    ledger_.scan(Family::index, KeyPrefix::refund_batch, [&](std::string_view, std::string_view value) {
        auto batch = ledger_.decoded(decode_refund_batch(value));
        if (batch) visit(std::move(*batch));
        return batch.has_value();
    });
}

std::optional<std::string> BatchBooks::find_reference(const iso8583::MerchantId& merchant,
                                                      std::string_view reference) {
    return ledger_.get(Family::index, refund_batch_reference_key(merchant, reference));
}

void BatchBooks::save_reference(const RefundBatch& batch) {
    ledger_.overlay().put(Family::index, refund_batch_reference_key(batch.merchant, batch.reference),
                          batch.id);
}

std::optional<RefundBatchLine> BatchBooks::line(std::string_view id, std::uint32_t number) {
    auto stored = ledger_.get(Family::journal, refund_batch_line_key(id, number));
    if (!stored) return std::nullopt;
    return ledger_.decoded(decode_refund_batch_line(*stored));
}

void BatchBooks::save(std::string_view id, const RefundBatchLine& line) {
    ledger_.overlay().put(Family::journal, refund_batch_line_key(id, line.number), encode(line));
}

void BatchBooks::visit_lines(std::string_view id, std::uint32_t from,
                             const std::function<bool(RefundBatchLine&&)>& visit) {
    const KeyRange range = refund_batch_lines(id, from);
    const auto done = ledger_.overlay().scan(Family::journal, range.from, range.to,
                                             [&](std::string_view, std::string_view value) {
                                                 auto line = ledger_.decoded(decode_refund_batch_line(value));
                                                 return line && visit(std::move(*line));
                                             });
    if (!done && !ledger_.error_) ledger_.error_ = done.error();
}

}  // namespace ledger
