// batch validate: goes over a whole file, line by line. As client_commands.hpp, which calls it.
#pragma once

#include "switch/admin/file_upload.hpp"

namespace acquirer::admin {

/// Every line judged as it is now and together with those before it; nothing is changed. Refused when one is
/// bad; each fault begins with the file's name and the line's number.
ClientResult<Answer> validate_batch_file(const Request& request, const SendRequest& send);

}  // namespace acquirer::admin
