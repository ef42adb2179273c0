// Small files that must be whole or absent after a power cut: written beside, synced, renamed, directory
// synced. Thread: any. Errors: StoreError with the path and the system's reason.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/result.hpp"
#include "ledger/sha256.hpp"
#include "ledger/store.hpp"

namespace ledger {

/// Replaces `path` by these bytes, readable and writable by the owner alone (mode 0600).
iso8583::Result<void, StoreError> write_file_durably(const std::string& path, iso8583::ByteView bytes);
/// The same, and the bytes that stood there before are written over on the disk, as far as its file system
/// writes in place: for files with secrets. A file that has other names too is left as it is under those.
iso8583::Result<void, StoreError> replace_file_wiping(const std::string& path, iso8583::ByteView bytes);

/// The whole file, or nullopt when there is none. A file over `bytes_max` is an error.
iso8583::Result<std::optional<iso8583::Bytes>, StoreError> read_small_file(const std::string& path,
                                                                           std::size_t bytes_max);

/// What a file holds, as backups compare it.
struct FileContent {
    std::uint64_t bytes = 0;
    std::string sha256;  // digest_text()
    friend bool operator==(const FileContent&, const FileContent&) = default;
};
/// Reads the whole file. `stop`, when it becomes true, ends it with an error.
iso8583::Result<FileContent, StoreError> content_of_file(const std::string& path,
                                                         const std::atomic<bool>& stop);
/// Copies into a new file (mode 0600), synced piece by piece, so that no other sync waits behind a long one.
/// Its directory is not synced.
iso8583::Result<FileContent, StoreError> copy_file_durably(const std::string& from, const std::string& to,
                                                           const std::atomic<bool>& stop);

/// Makes names created, renamed or removed in `directory` durable.
iso8583::Result<void, StoreError> sync_directory(const std::string& directory);

}  // namespace ledger
