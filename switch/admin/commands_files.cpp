#include "switch/admin/command_groups.hpp"

namespace acquirer::admin {

using Kind = ArgumentKind;

std::vector<CommandInfo> file_commands() {
    const ArgumentInfo digest{"file", Kind::digest, true, false, "SHA-256 of the whole file"};
    return {
        {"files put",
         "operator",
         "internal: the next piece of a file; batch submit and recon import send it",
         {digest,
          {"bytes", Kind::file_bytes, true, false, "of the whole file"},
          {"piece", Kind::piece, true, false, "from 0, in order"},
          {"content", Kind::content, true, false, "base64 of 32768 bytes, of the last piece what is left"}}},
        {"files show", "viewer", "internal: how many pieces of a file are here", {digest}},
    };
}

}  // namespace acquirer::admin
