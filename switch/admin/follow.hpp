// Work of the switch that goes on after its request was answered: it is asked until it has ended.
//
// Thread: the caller's; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "switch/admin/file_upload.hpp"

namespace acquirer::admin {

// Members of an answer; empty, 0 and false when they are not there.
std::string text_in(const View& view, std::string_view name);
std::int64_t number_in(const View& view, std::string_view name);
bool is_set(const View& view, std::string_view name);

/// Asks until the answer has `ended`; what it is then. `unit` and the member `counted` are the progress
/// bar's.
ClientResult<Answer> follow(const Request& question, const SendRequest& send, const char* unit,
                            std::string_view counted);

}  // namespace acquirer::admin
