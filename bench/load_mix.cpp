#include "bench/load_mix.hpp"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <fstream>
#include <iterator>

namespace bench {

namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::pair<std::string_view, Step> steps_by_key[] = {
    {"sale", Step::sale},
    {"refund", Step::refund},
    {"partial_refund", Step::partial_refund},
    {"over_refund", Step::over_refund},
    {"void", Step::void_sale},
    {"reversal", Step::reversal},
    {"retry", Step::retry},
    {"settlement", Step::settlement},
    {"authorization", Step::authorization},
    {"completion", Step::completion},
    {"authorization_void", Step::void_authorization},
};
constexpr std::pair<std::string_view, std::uint32_t LoadMix::*> percents_by_key[] = {
    {"issuer_a_percent", &LoadMix::issuer_a_percent},
    {"wallet_percent", &LoadMix::wallet_percent},
    {"pin_percent", &LoadMix::pin_percent}};
constexpr std::uint32_t percent_max = 100;

std::uint32_t* place_of(std::string_view key, LoadMix& mix, std::uint32_t& most) {
    most = LoadMix::weight_max;
    for (const auto& [name, step] : steps_by_key)
        if (name == key) return &mix.weight[static_cast<std::size_t>(step)];
    most = percent_max;
    for (const auto& [name, member] : percents_by_key)
        if (name == key) return &(mix.*member);
    return nullptr;
}

std::string known_keys() {
    std::string all;
    for (const auto& [name, step] : steps_by_key) all += std::string(name) + ", ";
    for (const auto& [name, member] : percents_by_key) all += std::string(name) + ", ";
    return all.substr(0, all.size() - 2);
}

}  // namespace

std::string_view name(Step step) {
    switch (step) {
        case Step::sale:
            return "sale";
        case Step::refund:
            return "refund";
        case Step::partial_refund:
            return "partial refund";
        case Step::over_refund:
            return "over-refund";
        case Step::void_sale:
            return "void";
        case Step::reversal:
            return "reversal";
        case Step::retry:
            return "retry";
        case Step::settlement:
            return "settlement";
        case Step::sign_on:
            return "sign-on";
        case Step::authorization:
            return "authorization";
        case Step::completion:
            return "completion";
        case Step::void_authorization:
            return "authorization void";
    }
    return "?";
}

Result<LoadMix> parse_mix(std::string_view text) {
    LoadMix mix;
    mix.weight.fill(0);
    try {
        const toml::table table = toml::parse(text);
        for (const auto& [key, node] : table) {
            const auto line = node.source().begin.line;
            std::uint32_t most = 0;
            std::uint32_t* const place = place_of(key.str(), mix, most);
            if (place == nullptr)
                return parse_error(fmt::format("line {}: '{}' is nothing that terminals do; there are {}",
                                               line, key.str(), known_keys()));
            const auto* value = node.as_integer();
            if (value == nullptr || value->get() < 0 || value->get() > most)
                return parse_error(
                    fmt::format("line {}: {} needs a whole number from 0 to {}", line, key.str(), most));
            *place = static_cast<std::uint32_t>(value->get());
        }
    } catch (const toml::parse_error& error) {
        return parse_error(fmt::format("line {}: {}", error.source().begin.line, error.description()));
    }
    // Everything else works on sales.
    if (mix.weight[static_cast<std::size_t>(Step::sale)] == 0)
        return parse_error("sale needs a weight above 0: everything else works on sales");
    return mix;
}

Result<LoadMix> read_mix(const std::string& file) {
    std::ifstream in(file);
    if (!in) return parse_error("cannot read " + file);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto mix = parse_mix(text);
    if (!mix) return parse_error(file + ", " + mix.error().what);
    return mix;
}

}  // namespace bench
