#include "routing/issuer_sim/issuer_behaviour.hpp"

#include <vector>

#include "iso8583/values/bytes.hpp"

namespace routing {

using iso8583::parse_error;
using iso8583::ResponseCode;
using iso8583::Result;

Behaviour behaviour_of_amount(std::int64_t minor_units, bool is_advice, std::uint32_t late_ms) {
    using Kind = Behaviour::Kind;
    switch (minor_units % 10'000) {
        case 9905:
            return {Kind::decline, ResponseCode::of("05"), 0};
        case 9910:
            return {Kind::partial, {}, 0};
        case 9951:
            return {Kind::decline, ResponseCode::of("51"), 0};
        case 9954:
            return {Kind::decline, ResponseCode::of("54"), 0};
        case 9968:
            return {Kind::silent, {}, 0};
        case 9969:
            return {Kind::late, {}, late_ms};
        case 9970:
            return {Kind::twice, {}, 0};
        case 9971:
            return {Kind::bad_mac, {}, 0};
        case 9972:
            return {Kind::another_amount, {}, 0};
        case 9980:
            return {Kind::discount, {}, 0};
        case 9991:
            return {Kind::close_link, {}, 0};
        case 9996:
            return {is_advice ? Kind::busy : Kind::normal, {}, 0};
        default:
            return {};
    }
}

std::optional<std::string> check_faults(const IssuerFaults& f) {
    if (f.latency_ms_min > f.latency_ms_max) return "latency: the least is greater than the most";
    if (f.latency_ms_max > 1'000 * command_seconds_max) return "latency: at most a day";
    const std::uint64_t sum = std::uint64_t{f.silent_permille} + f.late_permille + f.twice_permille +
                              f.bad_mac_permille + f.another_amount_permille + f.close_permille +
                              f.decline_permille;
    if (sum > 1'000) return "faults: together more than 1000 in 1000";
    return std::nullopt;
}

std::uint64_t SeededChance::next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

Behaviour behaviour_by_chance(const IssuerFaults& f, SeededChance& chance, std::uint32_t late_ms) {
    using Kind = Behaviour::Kind;
    if (f == IssuerFaults{.latency_ms_min = f.latency_ms_min, .latency_ms_max = f.latency_ms_max}) return {};
    std::uint32_t roll = chance.below(1'000);
    const auto hit = [&roll](std::uint32_t permille) {
        if (roll < permille) return true;
        roll -= permille;
        return false;
    };
    if (hit(f.silent_permille)) return {Kind::silent, {}, 0};
    if (hit(f.late_permille)) return {Kind::late, {}, late_ms};
    if (hit(f.twice_permille)) return {Kind::twice, {}, 0};
    if (hit(f.bad_mac_permille)) return {Kind::bad_mac, {}, 0};
    if (hit(f.another_amount_permille)) return {Kind::another_amount, {}, 0};
    if (hit(f.close_permille)) return {Kind::close_link, {}, 0};
    if (hit(f.decline_permille)) return {Kind::decline, ResponseCode::of("05"), 0};
    return {};
}

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::size_t words_max = 8;
    std::vector<std::string_view> words;
    while (words.size() < words_max) {
        const auto begin = line.find_first_not_of(" \t\r");
        if (begin == std::string_view::npos) break;
        line.remove_prefix(begin);
        const auto end = std::min(line.find_first_of(" \t\r"), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

/// A decimal number up to `max`, which has at most 8 digits.
std::optional<std::uint32_t> number_of(std::string_view digits, std::uint32_t max) {
    if (digits.empty() || digits.size() > 8 || !iso8583::all_digits(digits)) return std::nullopt;
    std::uint32_t v = 0;
    for (char c : digits) v = v * 10 + static_cast<std::uint32_t>(c - '0');
    return v <= max ? std::optional(v) : std::nullopt;
}

Result<Behaviour> parse_behaviour(const std::vector<std::string_view>& words, std::uint32_t late_ms) {
    using Kind = Behaviour::Kind;
    const std::string_view verb = words[2];
    const bool has_argument = words.size() == 4;
    if (verb == "decline") {
        if (!has_argument) return parse_error("next … decline: a response code is needed");
        auto code = ResponseCode::parse(words[3]);
        if (!code) return parse_error("next … decline: " + code.error().what);
        if (code->view() == "00") return parse_error("next … decline: 00 is no decline");
        return Behaviour{Kind::decline, *code, 0};
    }
    if (verb == "silent" || verb == "late" || verb == "delay") {
        if (verb == "delay" && !has_argument) return parse_error("next … delay: seconds are needed");
        std::uint32_t delay_ms = verb == "late" ? late_ms : 0;
        if (has_argument) {
            const auto seconds = number_of(words[3], command_seconds_max);
            if (!seconds)
                return parse_error("next … " + std::string(verb) + ": whole seconds up to 86400 are needed");
            delay_ms = *seconds * 1'000;
        }
        return Behaviour{verb == "silent" ? Kind::silent : Kind::late, {}, delay_ms};
    }
    struct Row {
        std::string_view verb;
        Kind kind;
    };
    for (const Row& row : {Row{"twice", Kind::twice},
                           {"bad-mac", Kind::bad_mac},
                           {"another-amount", Kind::another_amount},
                           {"partial", Kind::partial},
                           {"discount", Kind::discount},
                           {"close", Kind::close_link}})
        if (verb == row.verb) {
            if (has_argument) return parse_error("next … " + std::string(verb) + " takes no argument");
            return Behaviour{row.kind, {}, 0};
        }
    return parse_error(
        "next: silent, late, delay, decline, twice, bad-mac, another-amount, partial, discount or close is "
        "needed");
}

Result<ControlCommand> parse_next(const std::vector<std::string_view>& words, std::uint32_t late_ms) {
    if (words.size() < 3 || words.size() > 4)
        return parse_error("next: a kind and what to do are needed, as in: next refund silent 30");
    ControlCommand command;
    command.kind = ControlCommand::Kind::next;
    if (words[1] != "any") {
        for (EffectKind kind : {EffectKind::sale, EffectKind::refund, EffectKind::void_of_sale,
                                EffectKind::reversal, EffectKind::authorization})
            if (words[1] == name(kind)) command.of = kind;
        if (!command.of)
            return parse_error("next: sale, refund, void, reversal, authorization or any is needed");
    }
    auto behaviour = parse_behaviour(words, late_ms);
    if (!behaviour) return tl::unexpected(behaviour.error());
    command.behaviour = *behaviour;
    return command;
}

}  // namespace

Result<ControlCommand> parse_control(std::string_view line, std::uint32_t late_ms) {
    const auto words = words_of(line);
    ControlCommand command;
    if (words.empty())
        return parse_error(
            "a command is needed: next, link drop, books, faults off, latency, key-change, keys, processing, "
            "account or discount");
    if (words[0] == "next") return parse_next(words, late_ms);
    if (words.size() == 2 && words[0] == "link" && words[1] == "drop") {
        command.kind = ControlCommand::Kind::link_drop;
        return command;
    }
    if (words.size() == 1 && words[0] == "books") return command;
    if (words.size() == 2 && words[0] == "faults" && words[1] == "off") {
        command.kind = ControlCommand::Kind::faults_off;
        return command;
    }
    if (words.size() == 1 && words[0] == "keys") {
        command.kind = ControlCommand::Kind::keys;
        return command;
    }
    if (words[0] == "key-change") {
        if (words.size() != 2 || (words[1] != "zak" && words[1] != "zpk"))
            return parse_error("key-change: zak or zpk is needed");
        command.kind = ControlCommand::Kind::key_change;
        command.key = words[1] == "zak" ? hsm::KeyKind::zak : hsm::KeyKind::zpk;
        return command;
    }
    if (words[0] == "processing") {
        const auto polls = words.size() == 2 ? number_of(words[1], processing_polls_bound) : std::nullopt;
        if (!polls) return parse_error("processing: how often 09 is answered is needed, as in: processing 2");
        command.kind = ControlCommand::Kind::processing;
        command.polls = *polls;
        return command;
    }
    if (words[0] == "discount") {
        const auto by_wallet = words.size() == 3 ? number_of(words[1], discount_percent_bound) : std::nullopt;
        const auto by_merchant =
            words.size() == 3 ? number_of(words[2], discount_percent_bound) : std::nullopt;
        if (!by_wallet || !by_merchant || *by_wallet + *by_merchant > discount_percent_bound)
            return parse_error(
                "discount: percent by the wallet and by the merchant are needed, at most 100 together, as "
                "in: "
                "discount 10 20");
        command.kind = ControlCommand::Kind::discount;
        command.discount = {*by_wallet, *by_merchant};
        return command;
    }
    if (words[0] == "account") {
        if (words.size() != 3 || (words[1] != "close" && words[1] != "open"))
            return parse_error("account: close or open and an order number are needed");
        command.kind = ControlCommand::Kind::close_account;
        command.closed = words[1] == "close";
        command.order_number = words[2];
        return command;
    }
    if (words[0] == "latency") {
        const auto least = words.size() == 3 ? number_of(words[1], 86'400'000) : std::nullopt;
        const auto most = words.size() == 3 ? number_of(words[2], 86'400'000) : std::nullopt;
        if (!least || !most || *least > *most)
            return parse_error("latency: two numbers of milliseconds are needed, the least first");
        command.kind = ControlCommand::Kind::latency;
        command.latency_ms_min = *least;
        command.latency_ms_max = *most;
        return command;
    }
    return parse_error(
        "unknown command: next, link drop, books, faults off, latency, key-change, keys, processing, account "
        "and discount are known");
}

}  // namespace routing
