// What has to hold of reconciliation's records at rest (refund-switch --verify, the simulator's checkers):
// the list of what is open names exactly the open entries; each open difference has an open exception of its
// kind with an owner, and each such exception a difference.
//
// Pure over what is stored. Thread: any. Errors: a sentence about what cannot be read.
#pragma once

#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace acquirer {

struct ReconFaults {
    std::size_t entries = 0;
    std::vector<std::string> faults;  // sentences
};
iso8583::Result<ReconFaults> find_recon_faults(const ledger::StoreReader& store);

}  // namespace acquirer
