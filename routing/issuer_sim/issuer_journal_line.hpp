// JournalLine: an effect on an issuer's books as a line of its journal, both ways. The first eleven members
// are everybody's (docs/interfaces.md); what stands behind them is what the issuer itself needs to go on with
// its books in another run: DE7, its answer, and the request that this one refers to. A line without DE7 and
// answer is refused: its request could not be known again.
//
// Pure. Errors: what of the line is wrong.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"
#include "routing/issuer_sim/issuer_books.hpp"

namespace routing {

struct JournalLine {
    BookEntry
        entry;  // kind, reversed_kind, currency, key, amount, discount, terminal, merchant, last4, code, …
    bool is_void_of_hold = false;        // written as a reversal of an authorization
    bool has_no_rrn = false;             // a reversal without DE37, written under its original's
    bool names_original = false;         // by DE90
    std::optional<RequestKey> original;  // as the books found it
};

/// With its line feed.
std::string write_journal_line(const JournalLine& line, iso8583::UtcTime at);
/// Without a line feed.
iso8583::Result<JournalLine> parse_journal_line(std::string_view text);

}  // namespace routing
