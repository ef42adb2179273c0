// Where the ledger of a shard lies when PostgreSQL has it, and how long its store waits for what. Values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ledger {

struct PostgresHost {
    std::string name;  // address or name
    std::string port;
    friend bool operator==(const PostgresHost&, const PostgresHost&) = default;
};

struct PostgresOptions {
    std::vector<PostgresHost> hosts;  // all servers of the cluster; whichever may be written is used
    std::string database, user;
    std::string password;  // empty: none
    std::string tls_ca;    // file; empty: in clear. With it the server's name is checked too
    std::uint32_t shard = 0;
    std::string node;            // this switch among those that may own the shard
    std::uint32_t pipeline = 1;  // turns under way at once
    std::uint32_t connect_ms = 2'000;
    std::uint32_t reply_ms = 2'500;  // without an answer for so long the connection is given up
    std::uint32_t lease_ms = 3'000;
    std::uint32_t stall_ms = 1'000;      // undecided for longer: no new work
    std::uint64_t turns_kept = 100'000;  // of the log of keys, for copies that were away
    /// For tests and trials: a server without a synchronous standby, whose death loses what was acknowledged.
    bool allow_unreplicated = false;
    friend bool operator==(const PostgresOptions&, const PostgresOptions&) = default;
};

}  // namespace ledger
