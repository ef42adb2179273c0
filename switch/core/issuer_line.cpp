#include "switch/core/issuer_line.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"
#include "switch/core/content_digest.hpp"
#include "switch/core/issuer_values.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using iso8583::Result;

std::string_view word_of(IssuerColumn column) {
    for (const IssuerColumnName& name : issuer_columns)
        if (name.column == column) return name.word;
    return "?";
}

/// An error that begins with the column's name.
tl::unexpected<iso8583::ParseError> fault(IssuerColumn column, const std::string& what) {
    return parse_error(std::string(word_of(column)) + ": " + what);
}

constexpr std::string_view hold_word = "authorization";  // as in issuer-sim's journal

/// A line being read: what is said of it by the column.
class Draft {
  public:
    Draft(const IssuerFileFormat& format, iso8583::Currency currency, const iso8583::TimeZone& zone)
        : format_(format), currency_(currency), zone_(zone) {}

    /// An empty text says nothing.
    Result<void> take(IssuerColumn column, std::string_view text);
    Result<IssuerLine> finish();

  private:
    template <typename T>
    Result<void> identifier(IssuerColumn column, std::string_view text, std::optional<T>& into) {
        auto value = T::parse(text);
        if (!value) return fault(column, value.error().what);
        into = *value;
        return {};
    }
    Result<void> card(std::string_view text);
    Result<void> kind(std::string_view text);
    Result<void> of(std::string_view text);

    const IssuerFileFormat& format_;
    iso8583::Currency currency_;
    const iso8583::TimeZone& zone_;
    IssuerLine line_;
    std::optional<IssuerKind> kind_;
    std::optional<ledger::IssuerEffect> of_;
    std::string amount_;
};

Result<void> Draft::take(IssuerColumn column, std::string_view text) {
    if (text.empty()) return {};
    switch (column) {
        case IssuerColumn::rrn:
            return identifier(column, text, line_.rrn);
        case IssuerColumn::stan:
            return identifier(column, text, line_.stan);
        case IssuerColumn::transmission_time:
            return identifier(column, text, line_.transmission_time);
        case IssuerColumn::terminal:
            return identifier(column, text, line_.terminal);
        case IssuerColumn::merchant:
            return identifier(column, text, line_.merchant);
        case IssuerColumn::card:
            return card(text);
        case IssuerColumn::kind:
            return kind(text);
        case IssuerColumn::of:
            return of(text);
        case IssuerColumn::amount:
            amount_ = text;
            return {};
        case IssuerColumn::currency: {
            const auto currency = iso8583::Currency::parse(text);
            if (!currency) return fault(column, currency.error().what);
            currency_ = *currency;
            return {};
        }
        case IssuerColumn::time: {
            auto when = parse_issuer_time(text, format_.dates, zone_);
            if (!when) return fault(column, when.error().what);
            line_.time = when->time;
            line_.date = when->date;
            return {};
        }
    }
    return {};
}

Result<void> Draft::card(std::string_view text) {
    constexpr std::size_t last = 4;
    // First six and last four may be shown, no more.
    constexpr std::ptrdiff_t shown_max = 10;
    if (text.size() < last || !iso8583::all_digits(text.substr(text.size() - last)))
        return fault(IssuerColumn::card, "the last four digits of the card are needed");
    if (std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) > shown_max)
        return fault(IssuerColumn::card,
                     "holds a card's number in clear: only its first six and last four digits may be there");
    line_.card_last4 = text.substr(text.size() - last);
    return {};
}

Result<void> Draft::kind(std::string_view text) {
    if (text == hold_word) {
        line_.is_hold = true;
        return {};
    }
    if (const auto own = format_.kinds.find(text); own != format_.kinds.end())
        kind_ = own->second;
    else
        kind_ = issuer_kind(text);
    if (!kind_) return fault(IssuerColumn::kind, "a word that is not known, here or in the route's `kinds`");
    return {};
}

Result<void> Draft::of(std::string_view text) {
    if (text == hold_word) {
        line_.is_hold = true;
        return {};
    }
    const auto of = issuer_kind(text);
    if (!of || of->is_reversal) return fault(IssuerColumn::of, "has to be sale, refund or void");
    of_ = of->effect;
    return {};
}

Result<IssuerLine> Draft::finish() {
    if (line_.is_hold) return line_;  // no money moved: whoever reads it passes over it
    if (!kind_) return fault(IssuerColumn::kind, "is missing");
    if (kind_->is_reversal && !kind_->effect_is_given && !of_)
        return fault(IssuerColumn::of, "is missing: what the reversal takes back");
    line_.is_reversal = kind_->is_reversal;
    line_.effect = kind_->effect_is_given ? kind_->effect : *of_;
    if (amount_.empty()) return fault(IssuerColumn::amount, "is missing");
    auto amount = parse_issuer_amount(amount_, format_.amounts, currency_);
    if (!amount) return fault(IssuerColumn::amount, amount.error().what);
    if (amount->is_zero()) return fault(IssuerColumn::amount, "is zero");
    line_.amount = *amount;
    if (!line_.rrn && !(line_.stan && line_.transmission_time && line_.terminal))
        return fault(IssuerColumn::rrn, "is missing, and so is one of stan, transmission_time and terminal");
    return line_;
}

/// Blanks around a value say nothing.
std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::optional<IssuerKind> issuer_kind(std::string_view word) {
    using ledger::IssuerEffect;
    constexpr std::string_view reversal = "reversal";
    constexpr std::string_view reversal_of = "reversal of ";
    if (word == reversal) return IssuerKind{IssuerEffect::sale, true, false};
    const bool reversed = word.substr(0, reversal_of.size()) == reversal_of;
    const std::string_view effect = reversed ? word.substr(reversal_of.size()) : word;
    for (const IssuerEffect e : {IssuerEffect::sale, IssuerEffect::refund, IssuerEffect::void_of_sale})
        if (effect == ledger::name(e)) return IssuerKind{e, reversed, true};
    return std::nullopt;
}

std::uint64_t IssuerLine::identity() const {
    Digest d;
    d.add(ledger::name(effect));
    d.add(is_reversal ? "reversal" : "");
    d.add(rrn ? rrn->view() : std::string_view());
    d.add(stan ? stan->str() : "");
    d.add(transmission_time ? transmission_time->str() : "");
    d.add(terminal ? terminal->view() : std::string_view());
    d.add(time ? std::to_string(time->ms) : "");
    d.add(date ? date->yyyymmdd() : "");
    return d.value();
}

Result<std::vector<std::string>> split_csv(std::string_view line, char separator) {
    std::vector<std::string> fields(1);
    for (std::size_t i = 0; i <= line.size(); ++i) {
        if (i == line.size()) return fields;
        const char c = line[i];
        if (c == separator) {
            if (fields.size() == issuer_columns_max)
                return parse_error("more than " + std::to_string(issuer_columns_max) + " columns");
            fields.emplace_back();
        } else if (c == '"' && fields.back().empty()) {
            // A quote ends where it is not doubled, and only a separator stands behind it.
            for (++i; i < line.size() && (line[i] != '"' || (i + 1 < line.size() && line[i + 1] == '"'));
                 ++i) {
                if (line[i] == '"') ++i;
                fields.back() += line[i];
            }
            if (i >= line.size()) return parse_error("a quote is not closed");
            if (i + 1 < line.size() && line[i + 1] != separator)
                return parse_error("something stands between a quote and the next column");
        } else if (c == '"' || static_cast<unsigned char>(c) < 0x20) {
            return parse_error(c == '"' ? "a quote stands inside of a column" : "a control character");
        } else {
            fields.back() += c;
        }
    }
    return fields;
}

Result<void> IssuerFileReader::read_header(std::string_view line) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (line.substr(0, byte_order_mark.size()) == byte_order_mark) line.remove_prefix(byte_order_mark.size());
    auto names = split_csv(line, format_.separator);
    if (!names) return parse_error("header: " + names.error().what);
    for (const std::string& name : *names) {
        columns_.emplace_back();
        for (const IssuerColumnName& known : issuer_columns) {
            const auto own = format_.headers.find(known.column);
            if (trimmed(name) != (own == format_.headers.end() ? known.word : std::string_view(own->second)))
                continue;
            if (std::count(columns_.begin(), columns_.end(), std::optional(known.column)) != 0)
                return parse_error("header: two columns are " + std::string(known.word));
            columns_.back() = known.column;
        }
    }
    const auto has = [this](IssuerColumn column) {
        return std::count(columns_.begin(), columns_.end(), std::optional(column)) != 0;
    };
    for (const IssuerColumn needed : {IssuerColumn::kind, IssuerColumn::amount})
        if (!has(needed)) return parse_error("header: no column is " + std::string(word_of(needed)));
    if (!has(IssuerColumn::rrn) &&
        !(has(IssuerColumn::stan) && has(IssuerColumn::transmission_time) && has(IssuerColumn::terminal)))
        return parse_error("header: no column is rrn, nor are there stan, transmission_time and terminal");
    return {};
}

Result<IssuerLine> IssuerFileReader::read_csv(std::string_view line) const {
    auto fields = split_csv(line, format_.separator);
    if (!fields) return tl::unexpected(fields.error());
    if (fields->size() != columns_.size())
        return parse_error("has " + std::to_string(fields->size()) + " columns, the header has " +
                           std::to_string(columns_.size()));
    Draft draft(format_, currency_, zone_);
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (columns_[i])
            if (auto taken = draft.take(*columns_[i], trimmed((*fields)[i])); !taken)
                return tl::unexpected(taken.error());
    return draft.finish();
}

Result<std::optional<IssuerLine>> IssuerFileReader::read(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (trimmed(line).empty()) return std::optional<IssuerLine>();
    if (kind_ == Kind::unknown) {
        kind_ = trimmed(line).front() == '{' ? Kind::journal : Kind::csv;
        if (kind_ == Kind::csv) {
            if (auto header = read_header(line); !header) {
                kind_ = Kind::bad_header;
                return tl::unexpected(header.error());
            }
            return std::optional<IssuerLine>();
        }
    }
    if (kind_ == Kind::bad_header) return parse_error("the header could not be read");
    auto read = kind_ == Kind::journal ? parse_journal_line(line) : read_csv(line);
    if (!read) return tl::unexpected(read.error());
    if (read->is_hold) return std::optional<IssuerLine>();
    return std::optional(std::move(*read));
}

Result<IssuerLine> parse_journal_line(std::string_view line) {
    auto members = parse_flat_json(line);
    if (!members) return tl::unexpected(members.error());
    static const IssuerFileFormat format = [] {
        IssuerFileFormat f;
        f.amounts = IssuerAmounts::minor;
        return f;
    }();
    static const iso8583::TimeZone utc;
    Draft draft(format, iso8583::Currency(), utc);
    for (const auto& [name, text] : *members)
        for (const IssuerColumnName& known : issuer_columns)
            if (name == known.word)
                if (auto taken = draft.take(known.column, text); !taken) return tl::unexpected(taken.error());
    for (const std::string_view needed : {"time", "currency"})
        if (std::none_of(members->begin(), members->end(), [&](const auto& member) {
                return member.first == needed && !member.second.empty();
            }))
            return parse_error(std::string(needed) + ": is missing");
    return draft.finish();
}

}  // namespace acquirer
