// Processing code (DE3) and what its first two digits mean.
// Source: ISO 8583:1987 annex A; 02 and 22 as voids are of the profiles in docs/wire.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

enum class TransactionKind : std::uint8_t {
    purchase,           // 00
    withdrawal,         // 01
    void_of_sale,       // 02
    pre_authorization,  // 03
    refund,             // 20
    deposit,            // 21
    void_of_refund,     // 22
    balance_inquiry,    // 30 to 39
    transfer,           // 40 to 49
    other
};

class ProcessingCode {
  public:
    ProcessingCode() = default;
    static Result<ProcessingCode> parse(std::string_view six_digits);
    [[nodiscard]] TransactionKind kind() const;
    [[nodiscard]] int transaction_type() const { return value_ / 10000; }
    [[nodiscard]] int from_account() const { return value_ / 100 % 100; }
    [[nodiscard]] int to_account() const { return value_ % 100; }
    [[nodiscard]] std::string str() const;
    friend auto operator<=>(const ProcessingCode&, const ProcessingCode&) = default;

  private:
    int value_ = 0;
};

/// "refund"; for describe.
std::string_view name_of(TransactionKind kind);

}  // namespace iso8583
