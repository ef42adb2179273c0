// Lines of a file of refunds (R100): CSV as RFC 4180 has it, `line_ref,rrn,date,amount,reason`, the first
// line says so. Pure; what is wrong with a line is a sentence that names the column and never repeats its
// content.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/batch_books.hpp"

namespace acquirer {

inline constexpr std::string_view refund_lines_head = "line_ref,rrn,date,amount,reason";
/// Bytes of one line, without its end.
inline constexpr std::size_t refund_line_bytes_max = 512;
inline constexpr std::size_t line_ref_characters_max = 32;
/// Lines of one file; a larger one is cut into several.
inline constexpr std::uint32_t refund_lines_max = 200'000;

/// What a line may be measured by.
struct RefundLineTerms {
    iso8583::Currency currency;
    const std::vector<std::string>& reasons;  // codes
};

/// A line behind the first: nothing for an empty one. Its number is the caller's.
iso8583::Result<std::optional<ledger::RefundBatchLine>, std::string> parse_refund_line(
    std::string_view line, const RefundLineTerms& terms);

/// Cuts a text that arrives in pieces into lines and numbers them from 1. CR LF and LF end a line; the last
/// one may have no end; a byte order mark before the first is dropped.
class LineCutter {
  public:
    struct Line {
        std::uint32_t number = 0;
        std::string_view text;  // into the text that was added, or the cutter: until the next call
    };
    /// The next line of what was added; nothing when more has to come.
    std::optional<Line> next();
    void add(std::string_view piece);
    /// Nothing more will be added: what is left is a line.
    void end() { ended_ = true; }
    /// A line is longer than refund_line_bytes_max; nothing more is cut.
    [[nodiscard]] bool is_too_long() const { return too_long_; }
    /// Of the line that next() gave last.
    [[nodiscard]] std::uint32_t number() const { return number_; }

  private:
    std::string text_;
    std::size_t at_ = 0;
    std::uint32_t number_ = 0;
    bool ended_ = false, too_long_ = false;
};

}  // namespace acquirer
