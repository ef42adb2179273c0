#include "routing/issuer_sim/issuer_journal_line.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "iso8583/values/amount.hpp"
#include "iso8583/values/bytes.hpp"

namespace routing {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr EffectKind all_kinds[] = {EffectKind::sale, EffectKind::refund, EffectKind::void_of_sale,
                                    EffectKind::reversal, EffectKind::authorization};

/// Written by hand: a simulated issuer under load writes as many of these as it answers.
class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}
    void number(std::uint64_t value, std::size_t digits = 1) {
        char text[20];
        std::size_t at = sizeof text;
        for (; value != 0 || sizeof text - at < digits; value /= 10)
            text[--at] = static_cast<char>('0' + value % 10);
        out_.append(text + at, sizeof text - at);
    }
    void text(std::string_view content) {
        out_ += '"';
        for (const char c : content) {
            if (c == '"' || c == '\\') out_ += '\\';
            out_ += c;
        }
        out_ += '"';
    }
    void key(const RequestKey& key) {
        out_ += '"';
        number(key.stan.value(), 6);
        out_ += ' ';
        number(key.transmission.value(), 10);
        out_ += ' ';
        out_ += key.rrn.view();
        out_ += '"';
    }

  private:
    std::string& out_;
};

std::optional<EffectKind> kind_named(std::string_view text) {
    const auto at = std::find_if(std::begin(all_kinds), std::end(all_kinds),
                                 [&](EffectKind kind) { return name(kind) == text; });
    return at == std::end(all_kinds) ? std::nullopt : std::optional(*at);
}

/// Reads members; the first that is missing or wrong is the error.
class Reader {
  public:
    explicit Reader(const nlohmann::json& members) : members_(members) {}

    std::string text(const char* name) {
        const auto at = members_.find(name);
        if (at != members_.end() && at->is_string()) return at->get<std::string>();
        fail(name, "a text is needed");
        return {};
    }
    std::int64_t number(const char* name) {
        const auto at = members_.find(name);
        if (at != members_.end() && at->is_number_unsigned() && at->get<std::uint64_t>() <= amount_max)
            return at->get<std::int64_t>();
        fail(name, "a number of at most 12 digits is needed");
        return 0;
    }
    EffectKind kind(const char* name) {
        const auto found = kind_named(text(name));
        if (!found) fail(name, "it is no kind of effect");
        return found.value_or(EffectKind::sale);
    }
    template <typename Value>
    Value value(const char* name, const std::string& content) {
        auto parsed = Value::parse(content);
        if (!parsed) fail(name, parsed.error().what);
        return parsed ? *parsed : Value{};
    }
    template <typename Value>
    Value value(const char* name) {
        return value<Value>(name, text(name));
    }
    [[nodiscard]] bool has(const char* name) const { return members_.contains(name); }
    void fail(const char* name, const std::string& why) {
        if (!failed_) failed_ = std::string(name) + ": " + why;
    }
    [[nodiscard]] const std::optional<std::string>& failed() const { return failed_; }

  private:
    static constexpr std::uint64_t amount_max = iso8583::Amount::minor_units_max;
    const nlohmann::json& members_;
    std::optional<std::string> failed_;
};

std::optional<RequestKey> original_of(Reader& r, const std::string& text) {
    // STAN, DE7 and RRN, a blank between them.
    if (text.size() != 6 + 1 + 10 + 1 + iso8583::Rrn::size_max || text[6] != ' ' || text[17] != ' ') {
        r.fail("original", "STAN, DE7 and RRN are needed");
        return std::nullopt;
    }
    RequestKey key;
    key.stan = r.value<iso8583::Stan>("original", text.substr(0, 6));
    key.transmission = r.value<iso8583::TransmissionTime>("original", text.substr(7, 10));
    key.rrn = r.value<iso8583::Rrn>("original", text.substr(18));
    return key;
}

void read_what_is_ours(Reader& r, JournalLine& line) {
    BookEntry& e = line.entry;
    line.is_void_of_hold = r.has("by_void");
    line.has_no_rrn = r.has("no_rrn");
    line.names_original = r.has("original");
    e.key.transmission = r.value<iso8583::TransmissionTime>("de7");
    e.code = r.value<iso8583::ResponseCode>("code");
    if (r.has("authorization")) e.authorization = r.value<iso8583::AuthorizationCode>("authorization");
    if (r.has("order")) e.order = static_cast<std::uint32_t>(r.number("order"));
    if (r.has("wallet_funded")) e.discount.wallet_funded = r.number("wallet_funded");
    if (r.has("merchant_funded")) e.discount.merchant_funded = r.number("merchant_funded");
    if (line.names_original)
        if (const std::string original = r.text("original"); !original.empty())
            line.original = original_of(r, original);
    const bool is_reversal = e.kind == EffectKind::reversal;
    if (line.is_void_of_hold && (!is_reversal || e.reversed_kind != EffectKind::authorization))
        r.fail("by_void", "only the reversal of an authorization can be one");
    if (line.has_no_rrn && (!is_reversal || !line.original))
        r.fail("no_rrn", "only a reversal with an original can have none");
}

}  // namespace

std::string write_journal_line(const JournalLine& line, iso8583::UtcTime at) {
    const BookEntry& e = line.entry;
    const iso8583::CivilTime t = iso8583::civil_from_utc(at);
    std::string out;
    out.reserve(384);
    Writer w(out);
    out += R"({"time":")";
    w.number(static_cast<std::uint64_t>(t.date.year), 4);
    const auto part = [&](char before, unsigned value, std::size_t digits = 2) {
        out += before;
        w.number(value, digits);
    };
    part('-', t.date.month);
    part('-', t.date.day);
    part('T', t.hour);
    part(':', t.minute);
    part(':', t.second);
    part('.', static_cast<unsigned>(at.ms % 1'000), 3);
    out += R"(Z","kind":)";
    w.text(name(line.is_void_of_hold ? EffectKind::reversal : e.kind));
    if (line.is_void_of_hold || e.kind == EffectKind::reversal) {
        out += R"(,"of":)";
        w.text(name(line.is_void_of_hold ? EffectKind::authorization : e.reversed_kind));
    }
    out += R"(,"amount":)";
    w.number(static_cast<std::uint64_t>(e.amount));
    out += R"(,"currency":")";
    w.number(e.currency, 3);
    out += R"(","rrn":)";
    w.text(line.has_no_rrn && line.original ? line.original->rrn.view() : e.key.rrn.view());
    out += R"(,"stan":")";
    w.number(e.key.stan.value(), 6);
    out += R"(","pan_last4":)";
    w.text(e.last4());
    out += R"(,"terminal":)";
    w.text(e.terminal.view());
    out += R"(,"merchant":)";
    w.text(e.merchant.view());

    out += R"(,"de7":")";
    w.number(e.key.transmission.value(), 10);
    out += R"(","code":)";
    w.text(e.code.view());
    if (!e.authorization.empty()) {
        out += R"(,"authorization":)";
        w.text(e.authorization.view());
    }
    if (e.order != 0) {
        out += R"(,"order":)";
        w.number(e.order);
    }
    if (e.discount.any()) {
        out += R"(,"wallet_funded":)";
        w.number(static_cast<std::uint64_t>(e.discount.wallet_funded));
        out += R"(,"merchant_funded":)";
        w.number(static_cast<std::uint64_t>(e.discount.merchant_funded));
    }
    if (line.is_void_of_hold) out += R"(,"by_void":true)";
    if (line.has_no_rrn) out += R"(,"no_rrn":true)";
    if (line.original) {
        out += R"(,"original":)";
        w.key(*line.original);
    } else if (line.names_original) {
        out += R"(,"original":"")";
    }
    return out += "}\n";
}

Result<JournalLine> parse_journal_line(std::string_view text) {
    const auto members = nlohmann::json::parse(text, nullptr, false);
    if (!members.is_object()) return parse_error("it is no JSON object");
    JournalLine line;
    BookEntry& e = line.entry;
    Reader r(members);
    e.kind = r.kind("kind");
    if (e.kind == EffectKind::reversal) e.reversed_kind = r.kind("of");
    e.amount = r.number("amount");
    e.currency = r.value<iso8583::Currency>("currency").numeric();
    e.key.rrn = r.value<iso8583::Rrn>("rrn");
    e.key.stan = r.value<iso8583::Stan>("stan");
    const std::string last4 = r.text("pan_last4");
    if (last4.size() == e.pan_last4.size() && iso8583::all_digits(last4))
        std::copy(last4.begin(), last4.end(), e.pan_last4.begin());
    else
        r.fail("pan_last4", "4 digits are needed");
    e.terminal = r.value<iso8583::TerminalId>("terminal");
    e.merchant = r.value<iso8583::MerchantId>("merchant");
    read_what_is_ours(r, line);
    if (r.failed()) return parse_error(*r.failed());
    if (line.is_void_of_hold) e.kind = EffectKind::void_of_sale;
    if (line.has_no_rrn) e.key.rrn = {};
    return line;
}

}  // namespace routing
