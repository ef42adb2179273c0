#include "bench/load_books.hpp"

namespace bench {

namespace {

/// A void goes as 0420 of the sale.
bool void_is_reversal_at(std::size_t issuer) { return issuer != issuer_b; }

/// The value of a member of a flat JSON object: text without its quotes, or a number's digits.
bool member(std::string_view line, std::string_view key, std::string& value) {
    const std::string quoted = "\"" + std::string(key) + "\":";
    const auto at = line.find(quoted);
    if (at == std::string_view::npos) return false;
    std::string_view rest = line.substr(at + quoted.size());
    if (!rest.empty() && rest.front() == '"') {
        rest.remove_prefix(1);
        value = std::string(rest.substr(0, rest.find('"')));
    } else {
        value = std::string(rest.substr(0, rest.find_first_of(",}")));
    }
    return !value.empty();
}

}  // namespace

bool parse_journal_line(std::string_view line, JournalEntry& entry) {
    std::string amount;
    if (line.empty() || line.front() != '{' || line.back() != '}') return false;
    if (!member(line, "kind", entry.kind) || !member(line, "rrn", entry.rrn) ||
        !member(line, "amount", amount))
        return false;
    entry.of.clear();
    if (entry.kind == "reversal" && !member(line, "of", entry.of)) return false;
    if (amount.size() > 12 || amount.find_first_not_of("0123456789") != std::string::npos) return false;
    entry.amount = std::stoll(amount);
    return true;
}

void LoadBooks::sold(std::size_t issuer, std::string_view rrn, std::int64_t amount) {
    standing_[issuer][std::string(rrn)].sale += amount;
    totals_[issuer].sale_amount += amount;
    ++totals_[issuer].sale_count;
}

void LoadBooks::refunded(std::size_t issuer, std::string_view rrn, std::int64_t amount) {
    standing_[issuer][std::string(rrn)].refund += amount;
    totals_[issuer].refund_amount += amount;
    ++totals_[issuer].refund_count;
}

void LoadBooks::voided(std::size_t issuer, std::string_view rrn, std::string_view sale_rrn,
                       std::int64_t amount) {
    if (void_is_reversal_at(issuer)) {
        standing_[issuer][std::string(sale_rrn)].sale -= amount;
    } else {
        standing_[issuer][std::string(rrn)].voided += amount;
    }
    totals_[issuer].void_amount += amount;
    ++totals_[issuer].void_count;
}

void LoadBooks::sale_reversed(std::size_t issuer, std::string_view sale_rrn, std::int64_t amount) {
    standing_[issuer][std::string(sale_rrn)].sale -= amount;
    totals_[issuer].reversal_amount += amount;
    ++totals_[issuer].reversal_count;
}

void LoadBooks::held(std::size_t issuer, std::string_view rrn, std::int64_t amount) {
    standing_[issuer][std::string(rrn)].held += amount;
}

void LoadBooks::hold_lifted(std::size_t issuer, std::string_view rrn, std::int64_t amount) {
    standing_[issuer][std::string(rrn)].held -= amount;
}

void LoadBooks::uncertain(std::string_view rrn) {
    if (rrn.empty()) return;
    for (auto& standing : standing_) standing[std::string(rrn)].compare = false;
}

BookTotals LoadBooks::expected_of_issuer(std::size_t issuer) const {
    BookTotals t = totals_[issuer];
    if (void_is_reversal_at(issuer)) {
        t.reversal_count += t.void_count;
        t.reversal_amount += t.void_amount;
        t.void_count = t.void_amount = 0;
    }
    return t;
}

LoadBooks::Comparison LoadBooks::compare(std::size_t issuer, const std::vector<JournalEntry>& journal) const {
    constexpr std::size_t words_max = 10;
    Comparison result;
    std::unordered_map<std::string, Standing> theirs;
    for (const JournalEntry& e : journal) {
        ++result.lines;
        Standing& s = theirs[e.rrn];
        if (e.kind == "sale") {
            s.sale += e.amount;
            result.journal.sale_amount += e.amount;
            ++result.journal.sale_count;
        } else if (e.kind == "refund") {
            s.refund += e.amount;
            result.journal.refund_amount += e.amount;
            ++result.journal.refund_count;
        } else if (e.kind == "void") {
            s.voided += e.amount;
            result.journal.void_amount += e.amount;
            ++result.journal.void_count;
        } else if (e.kind == "authorization") {
            s.held += e.amount;
        } else if (e.of == "authorization") {
            s.held -= e.amount;
        } else {
            result.journal.reversal_amount += e.amount;
            ++result.journal.reversal_count;
            if (e.of == "sale") s.sale -= e.amount;
            if (e.of == "refund") s.refund -= e.amount;
            if (e.of == "void") s.voided -= e.amount;
        }
    }
    const auto differ = [&result](const std::string& rrn, std::int64_t ours, std::int64_t at_issuer) {
        ++result.differences;
        if (result.first_differences.size() < words_max)
            result.first_differences.push_back("RRN " + rrn + ": terminals were told " +
                                               std::to_string(ours) + ", the issuer has " +
                                               std::to_string(at_issuer));
    };
    for (const auto& [rrn, ours] : standing_[issuer]) {
        if (!ours.compare) continue;
        ++result.compared;
        const auto found = theirs.find(rrn);
        const Standing at_issuer = found == theirs.end() ? Standing{} : found->second;
        if (ours.net() != at_issuer.net()) differ(rrn, ours.net(), at_issuer.net());
        if (ours.held != at_issuer.held) differ(rrn + " (held)", ours.held, at_issuer.held);
    }
    for (const auto& [rrn, at_issuer] : theirs) {
        if (standing_[issuer].count(rrn) != 0) continue;
        if (at_issuer.net() != 0) differ(rrn, 0, at_issuer.net());
        if (at_issuer.held != 0) differ(rrn + " (held)", 0, at_issuer.held);
    }
    return result;
}

}  // namespace bench
