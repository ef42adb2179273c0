// The keys of [issuer.recon]: how an issuer's files for reconciliation look (R101).
#include "switch/config/config_keys.hpp"

namespace acquirer::config {

namespace {

constexpr std::size_t header_characters_max = 64;
constexpr std::size_t words_max = 64;

/// "left=right"; the right side may hold further signs of equality.
std::optional<std::pair<std::string, std::string>> halves(const std::string& text) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) return std::nullopt;
    return std::pair(text.substr(0, at), text.substr(at + 1));
}

std::string entry(std::size_t index) { return "entry " + std::to_string(index + 1) + " "; }

std::optional<std::string> set_columns(IssuerFileFormat& format, const std::vector<std::string>& texts) {
    format.headers.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto both = halves(texts[i]);
        if (!both || both->second.size() > header_characters_max)
            return entry(i) + "has to be COLUMN=HEADER, the header of at most " +
                   std::to_string(header_characters_max) + " characters";
        const IssuerColumnName* column = nullptr;
        for (const IssuerColumnName& known : issuer_columns)
            if (known.word == both->first) column = &known;
        if (column == nullptr) return entry(i) + "names no column that there is";
        if (!format.headers.emplace(column->column, both->second).second)
            return entry(i) + "names a column again";
    }
    return std::nullopt;
}

std::optional<std::string> set_kinds(IssuerFileFormat& format, const std::vector<std::string>& texts) {
    if (texts.size() > words_max) return "has more than " + std::to_string(words_max) + " entries";
    format.kinds.clear();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::size_t at = texts[i].rfind('=');
        const auto kind = at == std::string::npos ? std::nullopt : issuer_kind(texts[i].substr(at + 1));
        if (!kind || at == 0)
            return entry(i) +
                   "has to be WORD=KIND, the kind one of sale, refund, void, reversal, reversal of sale, "
                   "reversal of refund, reversal of void";
        if (!format.kinds.emplace(texts[i].substr(0, at), *kind).second)
            return entry(i) + "names a word again";
    }
    return std::nullopt;
}

}  // namespace

const Keys<IssuerFileFormat>& recon_keys() {
    static const Keys<IssuerFileFormat> keys = {
        choice<IssuerFileFormat, char>("separator",
                                       {{"comma", ','}, {"semicolon", ';'}, {"bar", '|'}, {"tab", '\t'}},
                                       "What stands between two columns.", CONFIG_AT(separator)),
        choice<IssuerFileFormat, IssuerAmounts>("amounts",
                                                {{"major", IssuerAmounts::major},
                                                 {"major_comma", IssuerAmounts::major_comma},
                                                 {"minor", IssuerAmounts::minor}},
                                                "60.00, 60,00 or 6000.", CONFIG_AT(amounts)),
        choice<IssuerFileFormat, IssuerDates>(
            "dates",
            {{"iso", IssuerDates::iso},
             {"compact", IssuerDates::compact},
             {"day_first", IssuerDates::day_first},
             {"month_first", IssuerDates::month_first}},
            "2026-11-21, 20261121, 21/11/2026 or 11/21/2026, each with a time or without; local.",
            CONFIG_AT(dates)),
        text_list<IssuerFileFormat>(
            "columns", "the columns' own names",
            "\"COLUMN=HEADER\" of columns that are called otherwise: rrn, stan, transmission_time, terminal, "
            "merchant, pan_last4, kind, of, amount, currency, time.",
            [](IssuerFileFormat& format, const std::vector<std::string>& texts) {
                return set_columns(format, texts);
            }),
        text_list<IssuerFileFormat>(
            "kinds", "none",
            "\"WORD=KIND\" of its words in the column kind, beside sale, refund, void, reversal and "
            "\"reversal of\" each.",
            [](IssuerFileFormat& format, const std::vector<std::string>& texts) {
                return set_kinds(format, texts);
            }),
        integer<IssuerFileFormat>("recon_days", 0, 60, "business days",
                                  "By so many the issuer may book later than we do; beyond, a difference.",
                                  CONFIG_AT(recon_days)),
    };
    return keys;
}

}  // namespace acquirer::config
