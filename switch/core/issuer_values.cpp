#include "switch/core/issuer_values.hpp"

#include <algorithm>

#include "iso8583/values/bytes.hpp"

namespace acquirer {
namespace {

using iso8583::parse_error;
using iso8583::Result;

/// The digits at the beginning of `text`, at most so many; they are taken off.
std::string_view take_digits(std::string_view& text, std::size_t most) {
    std::size_t n = 0;
    while (n < text.size() && n < most && text[n] >= '0' && text[n] <= '9') ++n;
    const std::string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

std::optional<int> number(std::string_view& text, std::size_t digits) {
    const std::string_view taken = take_digits(text, digits);
    if (taken.size() != digits) return std::nullopt;
    int value = 0;
    for (const char c : taken) value = value * 10 + (c - '0');
    return value;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

struct ClockTime {
    int hour = 0, minute = 0, second = 0, ms = 0;
};

/// "hh:mm", "hh:mm:ss", "hh:mm:ss.mmm", or without colons.
std::optional<ClockTime> take_clock(std::string_view& text, bool colons) {
    ClockTime clock;
    const auto part = [&](int& into, int below) {
        const auto value = number(text, 2);
        if (!value || *value >= below) return false;
        into = *value;
        return true;
    };
    if (!part(clock.hour, 24) || (colons && !take(text, ":")) || !part(clock.minute, 60)) return std::nullopt;
    const bool has_seconds = colons ? take(text, ":") : !text.empty() && text[0] >= '0' && text[0] <= '9';
    if (!has_seconds) return clock;
    if (!part(clock.second, 60)) return std::nullopt;
    if (!take(text, ".,")) return clock;
    constexpr std::size_t fraction_digits_max = 9;
    const std::string_view fraction = take_digits(text, fraction_digits_max);
    if (fraction.empty()) return std::nullopt;
    for (std::size_t i = 0; i < 3; ++i)
        clock.ms = clock.ms * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
    return clock;
}

/// "Z", "+08:00", "+0800"; seconds east of UTC. Nothing when none of them stands there.
std::optional<std::int32_t> take_offset(std::string_view& text) {
    if (take(text, "Zz")) return 0;
    const bool east = !text.empty() && text.front() == '+';
    if (!take(text, "+-")) return std::nullopt;
    const auto hours = number(text, 2);
    take(text, ":");
    const auto minutes = number(text, 2);
    if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
    const std::int32_t seconds = *hours * 3'600 + *minutes * 60;
    return east ? seconds : -seconds;
}

std::optional<iso8583::Date> take_date(std::string_view& text, IssuerDates form) {
    std::optional<int> year, month, day;
    switch (form) {
        case IssuerDates::iso:
            year = number(text, 4);
            if (!take(text, "-")) return std::nullopt;
            month = number(text, 2);
            if (!take(text, "-")) return std::nullopt;
            day = number(text, 2);
            break;
        case IssuerDates::compact:
            year = number(text, 4);
            month = number(text, 2);
            day = number(text, 2);
            break;
        case IssuerDates::day_first:
        case IssuerDates::month_first: {
            const bool days = form == IssuerDates::day_first;
            (days ? day : month) = number(text, 2);
            if (!take(text, "/.-")) return std::nullopt;
            (days ? month : day) = number(text, 2);
            if (!take(text, "/.-")) return std::nullopt;
            year = number(text, 4);
            break;
        }
    }
    if (!year || !month || !day || *year < 1 || !iso8583::is_valid_date(*year, *month, *day))
        return std::nullopt;
    return iso8583::Date{static_cast<std::int16_t>(*year), static_cast<std::uint8_t>(*month),
                         static_cast<std::uint8_t>(*day)};
}

std::string example_of(IssuerDates form) {
    switch (form) {
        case IssuerDates::iso:
            return "2026-11-21 or 2026-11-21T10:00:00";
        case IssuerDates::compact:
            return "20261121 or 20261121100000";
        case IssuerDates::day_first:
            return "21/11/2026 or 21/11/2026 10:00:00";
        case IssuerDates::month_first:
            return "11/21/2026 or 11/21/2026 10:00:00";
    }
    return "";
}

constexpr std::int64_t day_ms = 86'400'000;

}  // namespace

Result<IssuerTime> parse_issuer_time(std::string_view text, IssuerDates form, const iso8583::TimeZone& zone) {
    const auto wrong = [&] { return parse_error("a date as " + example_of(form) + " is needed"); };
    const auto date = take_date(text, form);
    if (!date) return wrong();
    if (text.empty()) return IssuerTime{std::nullopt, date};
    take(text, "T ");
    const auto clock = take_clock(text, form != IssuerDates::compact);
    if (!clock) return wrong();
    const std::int64_t of_day =
        ((std::int64_t{clock->hour} * 60 + clock->minute) * 60 + clock->second) * 1'000 + clock->ms;
    IssuerTime when;
    if (text.empty()) {
        const iso8583::UtcTime minute = zone.first_at(*date, clock->hour * 60 + clock->minute);
        when.time = minute.plus_ms(of_day % 60'000);
        return when;
    }
    const auto offset_s = take_offset(text);
    if (!offset_s || !text.empty()) return wrong();
    when.time = iso8583::UtcTime{date->days() * day_ms + of_day - std::int64_t{*offset_s} * 1'000};
    return when;
}

Result<iso8583::Amount> parse_issuer_amount(std::string_view text, IssuerAmounts form,
                                            iso8583::Currency currency) {
    if (form == IssuerAmounts::minor) {
        constexpr std::size_t digits_max = 12;  // DE4
        if (!iso8583::all_digits(text) || text.empty() || text.size() > digits_max)
            return parse_error("1 to 12 digits are needed, in minor units");
        std::int64_t minor = 0;
        for (const char c : text) minor = minor * 10 + (c - '0');
        return iso8583::Amount(minor, currency);
    }
    std::string major(text);
    if (form == IssuerAmounts::major_comma) {
        if (major.find('.') != std::string::npos) return parse_error("has a point; 60,00 is the form here");
        std::replace(major.begin(), major.end(), ',', '.');
    }
    auto amount = iso8583::Amount::parse_major(major, currency);
    if (amount) return *amount;
    constexpr std::string_view own_name = "amount: ";
    const std::string& what = amount.error().what;
    return parse_error(what.substr(0, own_name.size()) == own_name ? what.substr(own_name.size()) : what);
}

// ---- JSON

namespace {

class FlatJson {
  public:
    explicit FlatJson(std::string_view text) : text_(text) {}

    Result<std::vector<std::pair<std::string, std::string>>> object() {
        std::vector<std::pair<std::string, std::string>> members;
        blanks();
        if (!take(text_, "{")) return parse_error("a JSON object is needed");
        blanks();
        if (!take(text_, "}")) {
            for (;;) {
                auto member = next_member();
                if (!member) return tl::unexpected(member.error());
                for (const auto& known : members)
                    if (known.first == member->first) return parse_error("two members have one name");
                if (members.size() == flat_json_members_max)
                    return parse_error("more than " + std::to_string(flat_json_members_max) + " members");
                members.push_back(std::move(*member));
                blanks();
                if (take(text_, "}")) break;
                if (!take(text_, ",")) return parse_error("a comma or the end of the JSON object is needed");
                blanks();
            }
        }
        blanks();
        if (!text_.empty()) return parse_error("something stands behind the JSON object");
        return members;
    }

  private:
    void blanks() {
        while (take(text_, " \t\r\n")) {
        }
    }
    Result<std::pair<std::string, std::string>> next_member() {
        auto name = string();
        if (!name) return tl::unexpected(name.error());
        blanks();
        if (!take(text_, ":")) return parse_error("a colon is needed behind the name of a member");
        blanks();
        auto value = !text_.empty() && text_.front() == '"' ? string() : integer();
        if (!value) return tl::unexpected(value.error());
        return std::pair(std::move(*name), std::move(*value));
    }
    Result<std::string> integer() {
        constexpr std::size_t digits_max = 18;
        const std::string_view digits = take_digits(text_, digits_max);
        const bool goes_on =
            !text_.empty() && std::string_view(",} \t\r").find(text_.front()) == std::string_view::npos;
        if (digits.empty() || goes_on || (digits.size() > 1 && digits.front() == '0'))
            return parse_error("a member is neither a text nor a whole number");
        return std::string(digits);
    }
    Result<std::string> string() {
        if (!take(text_, "\"")) return parse_error("a text in quotes is needed");
        std::string out;
        while (!text_.empty() && text_.front() != '"') {
            const char c = text_.front();
            text_.remove_prefix(1);
            if (static_cast<unsigned char>(c) < 0x20) return parse_error("a control character in a text");
            if (c != '\\') {
                out += c;
            } else if (!escaped(out)) {
                return parse_error("an escape in a text that is not understood");
            }
        }
        if (!take(text_, "\"")) return parse_error("a text has no end");
        return out;
    }
    /// Of \uXXXX only ASCII: nothing else stands in what is compared.
    bool escaped(std::string& out) {
        if (text_.empty()) return false;
        const char c = text_.front();
        text_.remove_prefix(1);
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meant = "\"\\/\b\f\n\r\t";
        if (const std::size_t at = letters.find(c); at != std::string_view::npos) {
            out += meant[at];
            return true;
        }
        if (c != 'u' || text_.size() < 4 || text_.substr(0, 2) != "00") return false;
        const auto digit = [](char h) {
            if (h >= '0' && h <= '9') return h - '0';
            if (h >= 'a' && h <= 'f') return h - 'a' + 10;
            return h >= 'A' && h <= 'F' ? h - 'A' + 10 : -1;
        };
        const int high = digit(text_[2]);
        const int low = digit(text_[3]);
        if (high < 0 || low < 0 || high > 7) return false;
        out += static_cast<char>(high * 16 + low);
        text_.remove_prefix(4);
        return true;
    }

    std::string_view text_;
};

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_flat_json(std::string_view text) {
    return FlatJson(text).object();
}

}  // namespace acquirer
