// What `production = true` does not allow of the machine and the command line: root, files that others may
// use, a second place on the disk of the first. What it does not allow of the file is
// config_production.cpp's; the test LMK of an HSM over TCP is HsmClient's, by its check value.
//
// Thread: start-up's. Source: docs/security.md, "Production".
#pragma once

#include <string>

#include "switch/config/config.hpp"

namespace acquirer {

struct ProductionPaths {
    std::string config;
    std::string data;
    std::string lmk_key_file;    // empty: there is none
    std::string vault_key_file;  // empty: there is none
    bool allow_root = false;
};

/// Everything that is wrong, a sentence each, joined by "; "; empty: nothing is.
std::string why_unfit_for_production(const LoadedConfig& config, const ProductionPaths& paths);

}  // namespace acquirer
