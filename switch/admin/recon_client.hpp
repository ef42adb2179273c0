// What refundctl does itself for reconciliation: hands an issuer's file over and follows its import, follows
// the comparison of a day, writes a report as a page or as CSV. What it follows is the switch's work: when
// refundctl dies, the same command again goes on where that is.
//
// Thread: the caller's; blocks.
#pragma once

#include <optional>
#include <string>

#include "switch/admin/file_upload.hpp"

namespace acquirer::admin {

/// Nothing: the request is none of these, or is to be sent as it is. Otherwise its answer.
ClientResult<std::optional<Answer>> run_recon_command(Request& request, const SendRequest& send);
/// A report as one self-contained HTML page: no network, no script.
std::string recon_page(const View& report);

}  // namespace acquirer::admin
