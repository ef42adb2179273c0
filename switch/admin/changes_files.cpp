#include <charconv>

#include "switch/admin/base64.hpp"
#include "switch/admin/file_requests.hpp"
#include "switch/admin/request_arguments.hpp"

namespace acquirer::admin {

std::optional<OperatorCommand> file_change(const Request& r) {
    if (r.command != "files put") return std::nullopt;
    PutFile command;
    command.digest = argument(r, "file");
    const std::string bytes = argument(r, "bytes"), piece = argument(r, "piece");
    std::from_chars(bytes.data(), bytes.data() + bytes.size(), command.bytes);
    std::from_chars(piece.data(), piece.data() + piece.size(), command.piece);
    command.content = parse_base64(argument(r, "content")).value_or("");
    return command;
}

std::optional<ViewResult> file_read(const Request& r, const ViewContext& context) {
    if (r.command == "files show") return view_file(context, argument(r, "file"));
    return std::nullopt;
}

}  // namespace acquirer::admin
