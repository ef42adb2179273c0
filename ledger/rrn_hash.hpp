// RrnHash: for tables in memory by RRN that nobody walks in order.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "iso8583/values/identifiers.hpp"

namespace ledger {

struct RrnHash {
    std::size_t operator()(const iso8583::Rrn& rrn) const {
        return std::hash<std::string_view>{}(rrn.view());
    }
};

}  // namespace ledger
