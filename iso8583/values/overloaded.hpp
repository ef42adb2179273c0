// Overloaded: one function object of several lambdas, for std::visit: std::visit(Overloaded{[](const A&) {…},
// …}, v).
#pragma once

namespace iso8583 {

template <typename... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};
// clang 14 does not deduce aggregates without it.
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace iso8583
