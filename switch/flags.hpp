// What `refund-switch` was called with: its command, its flags, and what they ask of the configuration. CLI11
// and the manual page stay behind this header.
//
// Thread: start-up's. Errors: an exit code when everything has been said, else a sentence, for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "iso8583/values/result.hpp"
#include "switch/cluster_command.hpp"
#include "switch/config/config.hpp"
#include "switch/report_export.hpp"

namespace acquirer {

enum class Command : std::uint8_t {
    serve,
    cluster_init,
    cluster_status,
    cluster_import,
    cluster_move,
    cluster_export,
    export_postgres
};

struct Flags {
    Command command = Command::serve;
    std::string config;
    std::string data;  // empty: the configuration's
    std::string lmk_key_file;
    std::string vault_key_file;
    std::string describe;
    bool check = false;
    bool verify = false;
    bool standby = false;
    bool as_restored = false;
    bool allow_root = false;
    std::string node;         // empty: the configuration's
    std::string listen_host;  // the same
    ClusterInit cluster_init;
    std::string import_from;
    ClusterMove cluster_move;
    std::string export_to;
    ReportTarget report;
};

/// Nothing: go on. Otherwise the exit code of a program that has said all: help, or what a word is wrong.
std::optional<int> read_flags(int argc, char** argv, Flags& flags);

std::string data_directory_of(const LoadedConfig& config, const Flags& flags);
/// The file as this node reads it, or the sentence about the flag that cannot be.
iso8583::Result<ConfigSurroundings> surroundings_of(const Flags& flags);
/// What flags and [store] say together that cannot be; empty: nothing.
std::string why_unfit(const StoreOptions& store, const Flags& flags);

}  // namespace acquirer
