// A backup as an operator has ordered it, out of the stores of all shards, while they work.
//
// Thread: one of the runtime's, beside the turns. Errors: sentences in its answer. Source:
// docs/operations.md, "Backups".
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "switch/core/effect.hpp"
#include "switch/core/event.hpp"
#include "switch/open_shards.hpp"

namespace acquirer {

/// `sealed_under`: what opens the vault's keys in it. Ends early when `stop` becomes true.
BackupEnded back_up(const std::vector<std::unique_ptr<ServedShard>>& shards, const MakeBackup& order,
                    const std::string& data, const DataOptions& options, std::string_view sealed_under,
                    const std::atomic<bool>& stop);

}  // namespace acquirer
