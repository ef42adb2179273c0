// Small files that must be whole or absent after a power cut: written beside, synced, renamed, directory
// synced. Thread: any. Errors: StoreError with the path and the system's reason.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// Replaces `path` by these bytes, readable and writable by the owner alone (mode 0600).
iso8583::Result<void, StoreError> write_file_durably(const std::string& path, iso8583::ByteView bytes);

/// The whole file, or nullopt when there is none. A file over `bytes_max` is an error.
iso8583::Result<std::optional<iso8583::Bytes>, StoreError> read_small_file(const std::string& path,
                                                                           std::size_t bytes_max);

/// Makes names created, renamed or removed in `directory` durable.
iso8583::Result<void, StoreError> sync_directory(const std::string& directory);

}  // namespace ledger
