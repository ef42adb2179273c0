// The field's identifiers as types of their own: a Stan cannot be passed where a BatchNumber is meant.
// Each has parse(text) as the only fallible door; contents are as on the wire (digits kept with leading
// zeros). Source: ISO 8583:1987 data elements 11, 32/33, 37, 38, 39, 41, 42; UnionPay DE60.2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/fixed_text.hpp"
#include "iso8583/values/result.hpp"

namespace iso8583 {

/// System trace audit number (DE11): 000000–999999.
class Stan {
  public:
    static constexpr std::uint32_t value_max = 999'999;
    constexpr Stan() = default;
    static Result<Stan> parse(std::string_view six_digits);
    static Stan of(std::uint32_t value);  // ENSUREs the bound
    [[nodiscard]] std::uint32_t value() const { return value_; }
    [[nodiscard]] std::string str() const;
    friend auto operator<=>(const Stan&, const Stan&) = default;

  private:
    std::uint32_t value_ = 0;
};

/// Batch number of a terminal (UnionPay DE60.2): 000000–999999.
class BatchNumber {
  public:
    static constexpr std::uint32_t value_max = 999'999;
    constexpr BatchNumber() = default;
    static Result<BatchNumber> parse(std::string_view six_digits);
    static BatchNumber of(std::uint32_t value);
    [[nodiscard]] std::uint32_t value() const { return value_; }
    [[nodiscard]] BatchNumber next() const;  // wraps to 1: 000000 is never a batch of ours
    [[nodiscard]] std::string str() const;
    friend auto operator<=>(const BatchNumber&, const BatchNumber&) = default;

  private:
    std::uint32_t value_ = 0;
};

/// Retrieval reference number (DE37): exactly 12 of 0–9 A–Z (docs/ledger_format.md gives ours its shape).
class Rrn : public FixedText<12> {
  public:
    Rrn() = default;
    static Result<Rrn> parse(std::string_view twelve);

  private:
    explicit Rrn(std::string_view t) : FixedText<12>(t) {}
};

/// Card acceptor terminal identification (DE41): 8 printable characters.
class TerminalId : public FixedText<8> {
  public:
    TerminalId() = default;
    static Result<TerminalId> parse(std::string_view eight);

  private:
    explicit TerminalId(std::string_view t) : FixedText<8>(t) {}
};

/// Card acceptor identification, the merchant (DE42): 15 printable characters.
class MerchantId : public FixedText<15> {
  public:
    MerchantId() = default;
    static Result<MerchantId> parse(std::string_view fifteen);

  private:
    explicit MerchantId(std::string_view t) : FixedText<15>(t) {}
};

/// Authorization identification response (DE38): 6 printable characters.
class AuthorizationCode : public FixedText<6> {
  public:
    AuthorizationCode() = default;
    static Result<AuthorizationCode> parse(std::string_view six);

  private:
    explicit AuthorizationCode(std::string_view t) : FixedText<6>(t) {}
};

/// Response code (DE39): 2 of 0–9 A–Z.
class ResponseCode : public FixedText<2> {
  public:
    ResponseCode() = default;
    static Result<ResponseCode> parse(std::string_view two);
    /// For literals in our own tables.
    static ResponseCode of(std::string_view two);

  private:
    explicit ResponseCode(std::string_view t) : FixedText<2>(t) {}
};

/// Institution identification (DE32, DE33): up to 11 digits.
class InstitutionId : public FixedText<11> {
  public:
    InstitutionId() = default;
    static Result<InstitutionId> parse(std::string_view digits);
    /// Empty or only zeros: "not given" in DE90.
    [[nodiscard]] bool is_zero() const { return view().find_first_not_of('0') == std::string_view::npos; }

  private:
    explicit InstitutionId(std::string_view t) : FixedText<11>(t) {}
};

}  // namespace iso8583
