#include "ledger/free_traces.hpp"

#include "iso8583/values/ensure.hpp"
#include "iso8583/values/identifiers.hpp"

namespace ledger {
namespace {

constexpr std::size_t stan_digits = 6;  // at the end of a trace slot's key

std::string_view batch_of(std::string_view slot_key) {
    ENSURE(slot_key.size() > stan_digits);
    return slot_key.substr(0, slot_key.size() - stan_digits);
}

std::uint32_t stan_of(std::string_view slot_key) {
    std::uint32_t stan = 0;
    for (const char c : slot_key.substr(slot_key.size() - stan_digits))
        stan = stan * 10 + static_cast<std::uint32_t>(c - '0');
    return stan;
}

}  // namespace

bool FreeTraces::knows_free(std::string_view slot_key) const {
    const auto at = batches_.find(batch_of(slot_key));
    if (at == batches_.end()) return false;
    const std::uint32_t stan = stan_of(slot_key);
    return stan >= at->second.from && stan < at->second.to;
}

bool FreeTraces::missed(std::string_view slot_key) {
    auto at = batches_.find(batch_of(slot_key));
    if (at == batches_.end()) {
        if (batches_.size() >= terminals_max) batches_.clear();
        at = batches_.emplace(batch_of(slot_key), Free{}).first;
    }
    Free& free = at->second;
    const std::uint32_t stan = stan_of(slot_key);
    if (stan != free.last_missed) free.misses = stan > free.last_missed ? free.misses + 1 : 1;
    free.last_missed = stan;
    return free.misses > misses_before_look;
}

void FreeTraces::learn(std::string_view slot_key, std::string_view next) {
    const auto at = batches_.find(batch_of(slot_key));
    if (at == batches_.end()) return;
    ENSURE(next.empty() || batch_of(next) == batch_of(slot_key));
    at->second.from = stan_of(slot_key);
    at->second.to = next.empty() ? iso8583::Stan::value_max + 1 : stan_of(next);
}

void FreeTraces::stored(std::string_view slot_key) {
    const auto at = batches_.find(batch_of(slot_key));
    if (at == batches_.end()) return;
    const std::uint32_t stan = stan_of(slot_key);
    if (stan >= at->second.from && stan < at->second.to) at->second.from = stan + 1;
}

std::string FreeTraces::end_of_batch(std::string_view slot_key) {
    return std::string(batch_of(slot_key)) + static_cast<char>('9' + 1);
}

}  // namespace ledger
