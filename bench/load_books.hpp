// LoadBooks: what the fleet believes happened to the money, and whether the issuers' journals say the same.
// Pure. Amounts are integer minor units. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bench {

/// The demo's issuers (docs/interfaces.md): of cards by BIN, 621234… is issuer-a, 4… is issuer-b; of payment
/// codes issuer-w.
inline constexpr std::size_t issuers = 3;
inline constexpr std::array<std::string_view, issuers> issuer_names{"issuer-a", "issuer-b", "issuer-w"};
inline constexpr std::size_t issuer_a = 0, issuer_b = 1, issuer_w = 2;

/// One issuer's effects as its journal tells them.
struct JournalEntry {
    std::string kind;  // sale, refund, void, reversal, authorization
    std::string of;    // of a reversal
    std::string rrn;
    std::int64_t amount = 0;
};
/// A line of the journal (docs/interfaces.md); false when it is none.
bool parse_journal_line(std::string_view line, JournalEntry& entry);

struct BookTotals {
    std::int64_t sale_count = 0, sale_amount = 0;
    std::int64_t refund_count = 0, refund_amount = 0;
    std::int64_t void_count = 0, void_amount = 0;
    std::int64_t reversal_count = 0, reversal_amount = 0;
    [[nodiscard]] std::int64_t net() const {
        return sale_amount - refund_amount - void_amount - reversal_amount;
    }
    friend bool operator==(const BookTotals&, const BookTotals&) = default;
};

class LoadBooks {
  public:
    // Approved ones only, each under the DE37 of its answer.
    void sold(std::size_t issuer, std::string_view rrn, std::int64_t amount);
    void refunded(std::size_t issuer, std::string_view rrn, std::int64_t amount);
    void voided(std::size_t issuer, std::string_view rrn, std::string_view sale_rrn, std::int64_t amount);
    void sale_reversed(std::size_t issuer, std::string_view sale_rrn, std::int64_t amount);
    /// A hold is no money; what was held and not let go is compared by its RRN all the same.
    void held(std::size_t issuer, std::string_view rrn, std::int64_t amount);
    void hold_lifted(std::size_t issuer, std::string_view rrn, std::int64_t amount);
    /// What cannot be known (no answer, 98): its RRN, when there is one, is not compared.
    void uncertain(std::string_view rrn);

    [[nodiscard]] const BookTotals& totals(std::size_t issuer) const { return totals_[issuer]; }
    /// The same as the issuer's journal has to say it: voids of issuer-a and issuer-w are reversals of
    /// the sale (0420).
    [[nodiscard]] BookTotals expected_of_issuer(std::size_t issuer) const;

    struct Comparison {
        std::size_t lines = 0;
        std::size_t compared = 0;  // RRNs
        std::size_t differences = 0;
        std::vector<std::string> first_differences;  // up to ten, in words
        BookTotals journal;
        [[nodiscard]] bool agrees() const { return differences == 0; }
    };
    /// Compares RRN by RRN: what stands at the issuer for it, and what the terminals were told.
    [[nodiscard]] Comparison compare(std::size_t issuer, const std::vector<JournalEntry>& journal) const;

  private:
    struct Standing {
        std::int64_t sale = 0, refund = 0, voided = 0;
        std::int64_t held = 0;  // authorized and not voided; collected or not
        bool compare = true;
        [[nodiscard]] std::int64_t net() const { return sale - refund - voided; }
    };
    std::array<std::unordered_map<std::string, Standing>, issuers> standing_;
    std::array<BookTotals, issuers> totals_{};
};

}  // namespace bench
