// PostgresConnection: one connection to a PostgreSQL server, statements one after the other, each with a time
// limit of ours: neither the server's statement_timeout nor TCP ends the wait for a standby or for a frozen
// server. A WARNING makes a statement undecided, because a cancelled wait for the standby is told as success
// with a warning (docs/decisions/0038).
//
// Owner and thread: one at a time. Errors say whether the statement can have been done.
// postgres_connection.cpp alone sees libpq.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "ledger/postgres_options.hpp"

namespace ledger {

struct PostgresError {
    enum class Outcome : std::uint8_t {
        undecided,  // it may have been done, or will be: the connection is of no use any more
        refused,    // it was not done, and would not be when sent again
    };
    Outcome outcome = Outcome::undecided;
    std::string what;  // a sentence without keys and values
    std::string sqlstate = {};
};

/// Parameters of a statement, in its order, in PostgreSQL's binary form.
class PostgresParams {
  public:
    PostgresParams& int4(std::int32_t value);
    PostgresParams& int8(std::uint64_t value);  // bigint; ENSUREs that it fits
    PostgresParams& text(std::string_view value);
    PostgresParams& bytes(std::string_view value);
    PostgresParams& bytes_array(const std::vector<std::string_view>& values);
    [[nodiscard]] const std::vector<std::string>& values() const { return values_; }

  private:
    std::vector<std::string> values_;
};

/// Fields in binary form; NULL is nothing.
using PostgresRow = std::vector<std::optional<std::string>>;
std::int64_t integer_of(const std::optional<std::string>& field);  // int4, int8; NULL: 0

/// Ends a wait from another thread, for good.
class PostgresInterrupt {
  public:
    PostgresInterrupt();
    ~PostgresInterrupt();
    PostgresInterrupt(const PostgresInterrupt&) = delete;
    PostgresInterrupt& operator=(const PostgresInterrupt&) = delete;
    void raise();
    [[nodiscard]] bool raised() const { return raised_.load(); }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_ = -1;
    std::atomic<bool> raised_{false};
};

class PostgresConnection {
  public:
    /// To the first of `options.hosts`, beginning with the one at `first`, that takes us and may be written;
    /// `first` becomes the next one to try. Each has connect_ms. The error names every host and its reason.
    static iso8583::Result<std::unique_ptr<PostgresConnection>, PostgresError> open(
        const PostgresOptions& options, std::size_t& first, const PostgresInterrupt& interrupt);
    ~PostgresConnection();
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;

    /// What a prepared statement is called; it is prepared at its first use.
    using Rows = iso8583::Result<std::vector<PostgresRow>, PostgresError>;
    Rows run(std::string_view sql, const PostgresParams& params, std::uint32_t limit_ms);
    Rows run_prepared(const std::string& name, std::string_view sql, const PostgresParams& params,
                      std::uint32_t limit_ms);
    /// Several statements without parameters or rows.
    iso8583::Result<void, PostgresError> run_script(const std::string& sql, std::uint32_t limit_ms);
    /// COPY of a query with columns of bytea; `limit_ms` is the longest silence.
    iso8583::Result<void, PostgresError> copy_out(const std::string& query, std::size_t columns,
                                                  std::uint32_t limit_ms,
                                                  const std::function<void(std::vector<std::string>)>& row);
    [[nodiscard]] const std::string& host() const;

  private:
    struct Impl;
    explicit PostgresConnection(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace ledger
