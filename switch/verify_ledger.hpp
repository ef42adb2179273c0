// `refund-switch --verify`: looks through the ledger of a switch that does not run, and writes nothing: its
// money, its sealed cards, its audit chain, its reconciliations, and whether each transaction that is not
// final waits for something or somebody. A backup's files are compared with its manifest first.
//
// Thread: start-up's. Prints what is wrong and the sums to standard output, what does not read at all to
// standard error. Source: docs/operations.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "switch/open_shards.hpp"

namespace acquirer {

/// Every file of a backup with its manifest, before anything is believed; what differs is printed. An error
/// is a sentence, for people.
iso8583::Result<void> compare_backup(const std::string& data);
/// Of shards whose cores are made and have not recovered. Returns the exit code.
int verify_ledger(const std::vector<std::unique_ptr<ServedShard>>& shards, const iso8583::Now& now);

}  // namespace acquirer
