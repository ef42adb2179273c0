// What refundctl does itself before or instead of sending a command as it was typed: files are its own, the
// switch never sees a path. `batch validate` and `batch submit` go over a whole file; a batch may be
// named by its file or its reference, and --proof by a file.
//
// Thread: the caller's; blocks. Bounds: memory does not grow with a file but by the references of its sales.
#pragma once

#include <optional>

#include "switch/admin/file_upload.hpp"
#include "switch/admin/list_client.hpp"

namespace acquirer::admin {

/// Over one connection. An answer that is a refusal is the function's error.
SendRequest send_over(AskSwitch ask, std::string as);

/// Nothing: the request, which may have been completed, is to be sent. Otherwise its answer.
ClientResult<std::optional<Answer>> run_client_command(Request& request, const SendRequest& send);

}  // namespace acquirer::admin
