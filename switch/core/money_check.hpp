// The money of a whole ledger at rest against I1, I2 and I14: what refunds and chargebacks took from each
// sale is what its record says, never more than the sale, and a voided sale has none; no authorization is
// completed twice or above its bound. For `refund-switch --verify`.
//
// Reads every transaction once and each sale's refunds by their chain; memory does not grow with the ledger.
#pragma once

#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace acquirer {

struct MoneyFaults {
    std::size_t sales = 0;
    std::vector<std::string> faults;  // a sentence each, at most faults_max
    static constexpr std::size_t faults_max = 100;
};
iso8583::Result<MoneyFaults, ledger::StoreError> find_money_faults(const ledger::StoreReader& store);

}  // namespace acquirer
