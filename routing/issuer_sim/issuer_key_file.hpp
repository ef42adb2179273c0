// The keys of a simulated issuer as changes have left them, beside its journal, so that the same issuer goes
// on with them after a restart: a line a key, "zak BLOCK" or "zpk BLOCK", newest first, blocks under the LMK.
// Errors name file and line.
#pragma once

#include <optional>
#include <string>

#include "iso8583/values/result.hpp"
#include "routing/issuer_sim/issuer_model.hpp"

namespace routing {

/// Nothing when the file is not there.
iso8583::Result<std::optional<IssuerKeyState>> read_key_file(const std::string& path);
/// Replaces the file as a whole.
iso8583::Result<void> write_key_file(const std::string& path, const IssuerKeyState& state);

}  // namespace routing
