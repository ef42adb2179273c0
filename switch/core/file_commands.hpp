// What refundctl asks about files that people hand over, as values (operator_command.hpp). Internal: batch
// submit and recon import send these; nobody types them.
#pragma once

#include <cstdint>
#include <string>

namespace acquirer {

/// files put (operator): the next piece of a file, or one that is here already.
struct PutFile {
    std::string digest;       // SHA-256 of the whole file: 64 digits 0–9 a–f
    std::uint64_t bytes = 0;  // of the whole file
    std::uint32_t piece = 0;  // from 0
    std::string content;
};

}  // namespace acquirer
