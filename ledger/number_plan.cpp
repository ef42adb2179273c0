#include "ledger/number_plan.hpp"

#include <algorithm>

#include "iso8583/values/ensure.hpp"

namespace ledger {

namespace {

constexpr std::size_t code_place = 4;  // behind YDDD
constexpr std::size_t code_size = 2;
constexpr std::size_t counted_digits = 8;  // at least

std::uint32_t range_size(std::size_t of) {
    return (iso8583::Stan::value_max - session_stans) / static_cast<std::uint32_t>(of);
}

std::string code_of(std::size_t index) { return "0" + std::to_string(index); }

}  // namespace

NumberPlan plan_of_shard(std::size_t index, std::size_t of) {
    ENSURE(of >= 1 && of <= shards_max && index < of);
    if (of == 1) return {};
    const std::uint32_t size = range_size(of);
    ENSURE(size >= stans_a_second_max);
    NumberPlan plan;
    plan.shard = code_of(index);
    plan.stan_from = session_stans + 1 + static_cast<std::uint32_t>(index) * size;
    plan.stan_to = plan.stan_from + size - 1;
    plan.index = static_cast<std::uint32_t>(index);
    plan.of = static_cast<std::uint32_t>(of);
    return plan;
}

std::optional<std::size_t> shard_of_stan(iso8583::Stan stan, std::size_t of) {
    if (of == 1) return 0;
    if (stan.value() <= session_stans) return std::nullopt;
    const std::size_t index = (stan.value() - session_stans - 1) / range_size(of);
    return index < of ? std::optional(index) : std::nullopt;
}

std::optional<std::size_t> shard_of_rrn(std::string_view rrn, std::size_t of) {
    if (of == 1) return 0;
    if (rrn.size() != iso8583::Rrn::size_max) return std::nullopt;
    for (std::size_t index = 0; index < of; ++index)
        if (rrn.substr(code_place, code_size) == code_of(index)) return index;
    return std::nullopt;
}

std::optional<std::size_t> shard_of_number(std::string_view id, std::size_t of) {
    if (of == 1) return 0;
    const std::size_t dash = id.find('-');
    std::string_view digits =
        dash == std::string_view::npos ? id.substr(std::min<std::size_t>(1, id.size())) : id.substr(dash + 1);
    if (digits.size() < counted_digits) return std::nullopt;
    std::size_t rest = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        rest = (rest * 10 + static_cast<std::size_t>(c - '0')) % of;
    }
    return rest;
}

}  // namespace ledger
