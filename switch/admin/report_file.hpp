// Where refundctl writes a report's page. Thread: main. Errors: a sentence that names the file.
#pragma once

#include <string>

#include "iso8583/values/result.hpp"
#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

/// Writes the page of the answer to `request` (report_page.hpp), in place of what `file` was before.
iso8583::Result<void> write_report_page(const std::string& file, const Request& request, const View& data);

}  // namespace acquirer::admin
