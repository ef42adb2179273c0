#include "switch/core/refund_lines.hpp"

#include <algorithm>
#include <array>

#include "iso8583/values/bytes.hpp"
#include "switch/core/refund_reasons.hpp"

namespace acquirer {
namespace {

constexpr std::size_t columns = 5;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

using Cells = std::array<std::string, columns>;

tl::unexpected<std::string> fault(std::string words) { return tl::unexpected(std::move(words)); }

/// One cell and what is behind it; a quoted one may hold commas, and quotes that are doubled.
iso8583::Result<std::string, std::string> take_cell(std::string_view& rest) {
    std::string cell;
    if (rest.empty() || rest.front() != '"') {
        const std::size_t end = std::min(rest.find(','), rest.size());
        cell = rest.substr(0, end);
        rest.remove_prefix(end);
        if (cell.find('"') != std::string::npos)
            return fault("a quote stands inside of a cell without quotes");
        return cell;
    }
    rest.remove_prefix(1);
    for (;;) {
        const std::size_t quote = rest.find('"');
        if (quote == std::string_view::npos) return fault("a quoted cell has no end");
        cell += rest.substr(0, quote);
        rest.remove_prefix(quote + 1);
        if (rest.empty() || rest.front() != '"') break;
        cell += '"';
        rest.remove_prefix(1);
    }
    if (!rest.empty() && rest.front() != ',') return fault("something stands behind a quoted cell");
    return cell;
}

iso8583::Result<Cells, std::string> cells_of(std::string_view line) {
    Cells cells;
    std::string_view rest = line;
    for (std::size_t i = 0; i < columns; ++i) {
        auto cell = take_cell(rest);
        if (!cell) return tl::unexpected(cell.error());
        cells[i] = std::move(*cell);
        const bool more = !rest.empty();
        if (more != (i + 1 < columns))
            return fault("needs the " + std::to_string(columns) + " columns " +
                         std::string(refund_lines_head));
        if (more) rest.remove_prefix(1);
    }
    return cells;
}

bool is_reference(std::string_view text) {
    return !text.empty() && text.size() <= line_ref_characters_max &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return c > 0x20 && c < 0x7F && c != ',' && c != '"'; });
}

bool is_date(std::string_view mmdd) {
    if (mmdd.size() != 4 || !iso8583::all_digits(mmdd)) return false;
    constexpr int a_leap_year = 2024;
    return iso8583::is_valid_date(a_leap_year, (mmdd[0] - '0') * 10 + (mmdd[1] - '0'),
                                  (mmdd[2] - '0') * 10 + (mmdd[3] - '0'));
}

}  // namespace

iso8583::Result<std::optional<ledger::RefundBatchLine>, std::string> parse_refund_line(
    std::string_view line, const RefundLineTerms& terms) {
    if (line.empty()) return std::nullopt;
    auto cells = cells_of(line);
    if (!cells) return tl::unexpected(cells.error());
    const auto& [line_ref, rrn, date, amount, reason] = *cells;
    ledger::RefundBatchLine parsed;
    if (!is_reference(line_ref))
        return fault("line_ref: 1 to " + std::to_string(line_ref_characters_max) +
                     " letters, digits and signs are needed, without spaces, commas and quotes");
    parsed.line_ref = line_ref;
    const auto sale = iso8583::Rrn::parse(rrn);
    if (!sale) return fault("rrn: " + sale.error().what);
    parsed.sale = *sale;
    if (!is_date(date)) return fault("date: month and day of the sale are needed, as 0612");
    parsed.date_mmdd = date;
    const auto money = iso8583::Amount::parse_major(amount, terms.currency);
    if (!money) return fault("amount: " + money.error().what);
    if (money->minor_units() <= 0) return fault("amount: more than zero is needed");
    parsed.amount_minor = money->minor_units();
    if (const auto wrong = fault_of_reason(terms.reasons, reason)) return fault(*wrong);
    parsed.reason = reason;
    return std::optional(std::move(parsed));
}

void LineCutter::add(std::string_view piece) {
    text_.erase(0, at_);
    at_ = 0;
    text_ += piece;
}

std::optional<LineCutter::Line> LineCutter::next() {
    if (too_long_) return std::nullopt;
    const std::string_view rest = std::string_view(text_).substr(at_);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos && !(ended_ && !rest.empty())) {
        // Its CR may be here already, and the mark before the first.
        const std::size_t around = 1 + (number_ == 0 ? byte_order_mark.size() : 0);
        too_long_ = rest.size() > refund_line_bytes_max + around;
        return std::nullopt;
    }
    std::string_view line = rest.substr(0, end);
    at_ += std::min(line.size() + 1, rest.size());
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (number_ == 0 && line.substr(0, byte_order_mark.size()) == byte_order_mark)
        line.remove_prefix(byte_order_mark.size());
    ++number_;
    too_long_ = line.size() > refund_line_bytes_max;
    if (too_long_) return std::nullopt;
    return Line{number_, line};
}

}  // namespace acquirer
