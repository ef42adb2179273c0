// From the configuration file to what the shell is told. Pure.
#pragma once

#include <string>

#include "switch/config/config.hpp"
#include "switch/io/hsm_client.hpp"
#include "switch/io/shell_setup.hpp"

namespace acquirer {

/// `control_path` absolute or relative to the working directory. The dialects were checked by the
/// configuration.
ShellSetup shell_setup_of(const LoadedConfig& config, const std::string& control_path);
HsmClientSetup hsm_client_setup_of(const LoadedConfig& config);

}  // namespace acquirer
