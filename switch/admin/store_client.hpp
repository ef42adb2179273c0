// What refundctl does itself about backups and policies: follows a backup that the switch makes, compares one
// with its manifest and restores it without any switch, reads a policy's file.
//
// Thread: the caller's; blocks.
#pragma once

#include <optional>

#include "switch/admin/file_upload.hpp"

namespace acquirer::admin {

/// Nothing: the request is none of these. Otherwise its answer.
ClientResult<std::optional<Answer>> run_store_command(const Request& request, const SendRequest& send);

}  // namespace acquirer::admin
