// refundctl's end of files: cuts a file into the pieces that `files put` takes, asks which are there already,
// sends the others. A file that was sent in part goes on where it stopped, whichever side had died.
//
// Thread: the caller's; blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

/// Whatever was not done, by the switch or by refundctl itself, is an answer that says why.
template <typename T>
using ClientResult = iso8583::Result<T, Answer>;
inline tl::unexpected<Answer> refused_here(std::string text) {
    return tl::unexpected(Answer{AnswerError::refused, std::move(text), {}});
}

/// Asks the switch. Who asks (`as`) and over which connection is the business of the function's maker.
using SendRequest = std::function<ClientResult<Answer>(Request request)>;

struct FileContent {
    std::string name;    // without its folders
    std::string digest;  // SHA-256, 64 hex digits
    std::uint64_t bytes = 0;
};
/// Reads the file once, in bounded memory.
ClientResult<FileContent> read_file_content(const std::string& path);
/// Sends what of the file is not there yet. The switch never sees the path.
ClientResult<FileContent> upload_file(const std::string& path, const SendRequest& send);

}  // namespace acquirer::admin
