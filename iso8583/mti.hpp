// Message type indicator: version, class, function, origin. Source: ISO 8583:1987 clause 4.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace iso8583 {

class Mti {
  public:
    constexpr Mti() = default;
    static Result<Mti> parse(std::string_view four_digits);
    /// For our own tables: Mti::of(200) is 0200.
    static constexpr Mti of(int value) {
        Mti m;
        m.value_ = static_cast<std::uint16_t>(value);
        return m;
    }
    [[nodiscard]] constexpr int value() const { return value_; }
    [[nodiscard]] std::string str() const;
    [[nodiscard]] constexpr int version() const { return value_ / 1000; }
    /// 1 authorization, 2 financial, 3 file, 4 reversal, 5 reconciliation, 8 network management.
    [[nodiscard]] constexpr int message_class() const { return value_ / 100 % 10; }
    /// 0 request, 1 response, 2 advice, 3 advice response.
    [[nodiscard]] constexpr int function() const { return value_ / 10 % 10; }
    [[nodiscard]] constexpr int origin() const { return value_ % 10; }
    [[nodiscard]] constexpr bool is_repeat() const { return origin() % 2 == 1; }
    [[nodiscard]] constexpr bool is_advice() const { return function() == 2; }
    [[nodiscard]] constexpr bool is_response() const { return function() == 1 || function() == 3; }
    /// A request or advice as the standard lists them: version 0 to 2, 8 or 9 (1987, 1993, 2003, national,
    /// private), class 1 to 8, function 0 or 2, origin 0 to 5. Nothing else is ever answered.
    [[nodiscard]] constexpr bool is_request() const {
        return (version() <= 2 || version() >= 8) && message_class() >= 1 && message_class() <= 8 &&
               (function() == 0 || function() == 2) && origin() <= 5;
    }
    /// 0200 → 0210, 0421 → 0430, 0202 → 0212: a response never says repeat. Nothing for what is no request.
    [[nodiscard]] constexpr std::optional<Mti> response() const {
        if (!is_request()) return std::nullopt;
        return of(value_ - origin() % 2 + 10);
    }
    /// 0420 → 0421.
    [[nodiscard]] constexpr Mti repeat() const { return is_repeat() ? *this : of(value_ + 1); }
    friend constexpr auto operator<=>(const Mti&, const Mti&) = default;

  private:
    std::uint16_t value_ = 0;
};

}  // namespace iso8583
