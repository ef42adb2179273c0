// WalletTable: which wallet a payment code is of: by its first digits and how many it has. Built once from
// configuration, then immutable; pure. A new wallet is a range here and nothing else (docs/instruments.md).
// Source: docs/refund_rules.md, "Instruments", R80–R82.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "routing/iin_table.hpp"

namespace routing {

struct WalletRange {
    std::string name;            // of the instrument, stored with every sale: never give it to another wallet
    std::string first;           // "10"
    std::string last;            // "15", as long as `first`
    std::size_t digits_min = 0;  // of the whole code
    std::size_t digits_max = 0;
    std::vector<RouteId> routes;  // in order of preference, 1 to IinTable::routes_per_range_max
};

class WalletTable {
  public:
    static constexpr std::size_t prefix_digits_max = 6;
    static constexpr std::size_t code_digits_min = 10;
    static constexpr std::size_t code_digits_max = 40;
    static constexpr std::size_t ranges_max = 256;
    static constexpr std::size_t name_characters_max = 16;

    WalletTable() = default;
    /// Refuses ranges of which one code could be in two, whatever their wallets; the error names them.
    static iso8583::Result<WalletTable> build(std::vector<WalletRange> ranges);

    /// nullptr when the code is in none. Lives as long as the table.
    [[nodiscard]] const WalletRange* find(std::string_view code) const;
    [[nodiscard]] const std::vector<WalletRange>& ranges() const { return ranges_; }

  private:
    std::vector<WalletRange> ranges_;
};

}  // namespace routing
