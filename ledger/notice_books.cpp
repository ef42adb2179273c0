#include "ledger/notice_books.hpp"

#include <charconv>

#include "iso8583/values/decimal_text.hpp"
#include "iso8583/values/ensure.hpp"
#include "ledger/record_fields.hpp"

namespace ledger {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::uint64_t number_max = 9'999'999'999'999'999;  // of 16 digits
constexpr std::size_t number_digits = 16;
constexpr std::uint64_t currency_max = 999;

}  // namespace

std::string_view name(NoticeKind kind) {
    switch (kind) {
        case NoticeKind::none:
            return "none";
        case NoticeKind::accepted:
            return "accepted";
        case NoticeKind::processing:
            return "processing";
        case NoticeKind::done:
            return "done";
        case NoticeKind::abnormal:
            return "abnormal";
        case NoticeKind::expired:
            return "expired";
        case NoticeKind::not_paid:
            return "not_paid";
    }
    ENSURE(false);
}

std::string encode(const Notice& n) {
    RecordWriter w(property_record_version);
    w.varint(n.number);
    w.u8(static_cast<std::uint8_t>(n.kind));
    w.svarint(n.at.ms);
    w.svarint(n.local_offset_s);
    w.text(n.rrn.view());
    w.text(n.original.view());
    w.text(n.merchant.view());
    w.text(n.terminal.view());
    w.svarint(n.amount_minor);
    w.varint(n.currency);
    w.text(n.card);
    w.text(n.reference);
    w.text(n.state);
    w.kept_properties(n.unknown_properties);
    return w.finish();
}

Result<Notice> decode_notice(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "notice");
    Notice n;
    n.number = r.varint_max("number", number_max);
    n.kind = enum_of(r, "kind", r.u8("kind"), NoticeKind::not_paid);
    n.at.ms = r.svarint("at");
    const std::int64_t offset = r.svarint("local_offset");
    constexpr std::int64_t a_day_s = 86'400;
    if (offset > a_day_s || offset < -a_day_s)
        r.fail("local_offset", "no offset of a zone");
    else
        n.local_offset_s = static_cast<std::int32_t>(offset);
    n.rrn = id_or_empty<iso8583::Rrn>(r, "rrn");
    n.original = id_or_empty<iso8583::Rrn>(r, "original");
    n.merchant = id_or_empty<iso8583::MerchantId>(r, "merchant");
    n.terminal = id_or_empty<iso8583::TerminalId>(r, "terminal");
    n.amount_minor = r.svarint("amount");
    n.currency = static_cast<std::uint16_t>(r.varint_max("currency", currency_max));
    n.card = r.text("card");
    n.reference = r.text("reference");
    n.state = r.text("state");
    n.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return n;
}

std::string encode(const NoticeProgress& p) {
    RecordWriter w(property_record_version);
    w.varint(p.last);
    w.varint(p.delivered);
    w.varint(p.erased);
    w.kept_properties(p.unknown_properties);
    return w.finish();
}

Result<NoticeProgress> decode_notice_progress(std::string_view bytes) {
    RecordReader r(bytes, property_record_version, "progress of notices");
    NoticeProgress p;
    p.last = r.varint_max("last", number_max);
    p.delivered = r.varint_max("delivered", number_max);
    p.erased = r.varint_max("erased", number_max);
    if (p.delivered > p.last || p.erased > p.delivered) r.fail("delivered", "is beyond the last notice");
    p.unknown_properties = r.unknown_properties();
    if (auto done = r.done(); !done) return parse_error(done.error().what());
    return p;
}

std::string notice_key(std::uint64_t number) {
    const std::string digits = iso8583::zero_padded(number, number_digits);
    ENSURE(digits.size() == number_digits);
    return static_cast<char>(KeyPrefix::notice) + digits;
}

std::string notice_progress_key() { return {static_cast<char>(KeyPrefix::notice_progress)}; }

std::uint64_t notice_number_of(std::string_view key) {
    std::uint64_t number = 0;
    if (key.size() != 1 + number_digits || key.front() != static_cast<char>(KeyPrefix::notice)) return 0;
    const char* end = key.data() + key.size();
    const auto [at, error] = std::from_chars(key.data() + 1, end, number);
    return error == std::errc{} && at == end ? number : 0;
}

NoticeProgress NoticeBooks::progress() {
    const auto stored = ledger_.get(Family::index, notice_progress_key());
    if (!stored) return {};
    return ledger_.decoded(decode_notice_progress(*stored)).value_or(NoticeProgress{});
}

void NoticeBooks::save(const NoticeProgress& progress) {
    ledger_.overlay().put(Family::index, notice_progress_key(), encode(progress));
}

void NoticeBooks::save(const Notice& notice) {
    ledger_.overlay().put(Family::journal, notice_key(notice.number), encode(notice));
}

void NoticeBooks::erase(std::uint64_t number) {
    ledger_.overlay().erase(Family::journal, notice_key(number));
}

void NoticeBooks::visit_behind(std::uint64_t number, const std::function<bool(Notice&&)>& visit) {
    const auto done =
        ledger_.overlay().scan(Family::journal, notice_key(number + 1), all_keys(KeyPrefix::notice).to,
                               [&](std::string_view, std::string_view value) {
                                   auto notice = ledger_.decoded(decode_notice(value));
                                   return notice && visit(std::move(*notice));
                               });
    if (!done && !ledger_.error_) ledger_.error_ = done.error();
}

}  // namespace ledger
