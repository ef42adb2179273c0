#include "ledger/postgres_connection.hpp"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <limits>
#include <set>

#include "iso8583/values/ensure.hpp"

namespace ledger {

using iso8583::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint32_t bytea_oid = 17;
constexpr int binary = 1;

void append_be(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

std::uint64_t parse_be(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = (value << 8) | static_cast<std::uint8_t>(c);
    return value;
}

tl::unexpected<PostgresError> undecided(std::string what, std::string sqlstate = {}) {
    return tl::unexpected(
        PostgresError{PostgresError::Outcome::undecided, std::move(what), std::move(sqlstate)});
}

/// A copy of libpq's message on one line.
std::string one_line(const char* message) {
    std::string out(message == nullptr ? "" : message);
    for (char& c : out)
        if (c == '\n' || c == '\t') c = ' ';
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

/// Of an error's SQLSTATE: data, constraints, syntax and rights, resources, internal errors. These say that
/// the statement was not done and that another try would end the same way.
bool is_refusal(std::string_view sqlstate) {
    constexpr std::string_view classes[] = {"22", "23", "42", "53", "XX"};
    for (const std::string_view c : classes)
        if (sqlstate.substr(0, 2) == c) return true;
    return false;
}

struct ResultDeleter {
    void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

}  // namespace

PostgresParams& PostgresParams::int4(std::int32_t value) {
    values_.emplace_back();
    append_be(values_.back(), static_cast<std::uint32_t>(value), 4);
    return *this;
}
PostgresParams& PostgresParams::int8(std::uint64_t value) {
    ENSURE(value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    values_.emplace_back();
    append_be(values_.back(), value, 8);
    return *this;
}
PostgresParams& PostgresParams::text(std::string_view value) {
    values_.emplace_back(value);
    return *this;
}
PostgresParams& PostgresParams::bytes(std::string_view value) { return text(value); }
PostgresParams& PostgresParams::bytes_array(const std::vector<std::string_view>& values) {
    std::string out;
    append_be(out, values.empty() ? 0 : 1, 4);  // dimensions
    append_be(out, 0, 4);                       // no NULLs
    append_be(out, bytea_oid, 4);
    if (!values.empty()) {
        append_be(out, values.size(), 4);
        append_be(out, 1, 4);  // the first index
    }
    for (const std::string_view value : values) {
        append_be(out, value.size(), 4);
        out += value;
    }
    values_.push_back(std::move(out));
    return *this;
}

std::int64_t integer_of(const std::optional<std::string>& field) {
    if (!field) return 0;
    if (field->size() == 4) return static_cast<std::int32_t>(parse_be(*field));
    return static_cast<std::int64_t>(parse_be(*field));
}

PostgresInterrupt::PostgresInterrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { ENSURE(fd_ >= 0); }
PostgresInterrupt::~PostgresInterrupt() { ::close(fd_); }
void PostgresInterrupt::raise() {
    raised_.store(true);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

struct PostgresConnection::Impl {
    PGconn* conn = nullptr;
    const PostgresInterrupt& interrupt;
    std::string host;
    std::set<std::string> prepared;
    std::string warning;  // of the statement that runs; empty: none

    Impl(PGconn* c, const PostgresInterrupt& i, std::string h) : conn(c), interrupt(i), host(std::move(h)) {
        PQsetNoticeReceiver(conn, &Impl::noticed, this);
    }
    ~Impl() { PQfinish(conn); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    static void noticed(void* self, const PGresult* result) {
        const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
        const std::string_view word = severity == nullptr ? "" : severity;
        if (word == "NOTICE" || word == "INFO" || word == "LOG" || word == "DEBUG") return;
        static_cast<Impl*>(self)->warning = one_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    }

    /// Until the socket can be read (or written); an error when the time is up or somebody wants an end.
    [[nodiscard]] Result<void, PostgresError> wait(short events, Clock::time_point until,
                                                   std::uint32_t limit_ms) const {
        std::array<pollfd, 2> fds{{{PQsocket(conn), events, 0}, {interrupt.fd(), POLLIN, 0}}};
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
            if (left <= 0)
                return undecided(host + " has not answered for " + std::to_string(limit_ms) + " ms");
            const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left));
            if (ready < 0 && errno != EINTR) return undecided(host + ": poll failed");
            if (fds[1].revents != 0) return undecided("the wait for " + host + " was ended");
            if (fds[0].revents != 0) return {};
        }
    }

    [[nodiscard]] tl::unexpected<PostgresError> lost() const {
        return undecided("the connection to " + host + " was lost: " + one_line(PQerrorMessage(conn)));
    }

    Result<void, PostgresError> flush(Clock::time_point until, std::uint32_t limit_ms) {
        for (;;) {
            const int state = PQflush(conn);
            if (state < 0) return lost();
            if (state == 0) return {};
            if (auto waited = wait(POLLIN | POLLOUT, until, limit_ms); !waited) return waited;
            if (PQconsumeInput(conn) == 0) return lost();
        }
    }

    /// The next result; null: there is none any more.
    Result<ResultPtr, PostgresError> next(Clock::time_point until, std::uint32_t limit_ms) {
        while (PQisBusy(conn) != 0) {
            if (auto waited = wait(POLLIN, until, limit_ms); !waited) return tl::unexpected(waited.error());
            if (PQconsumeInput(conn) == 0) return lost();
        }
        return ResultPtr(PQgetResult(conn));
    }

    [[nodiscard]] tl::unexpected<PostgresError> error_of(const PGresult* result) const {
        const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        if (state == nullptr) return lost();
        const std::string sqlstate = state;
        const std::string what = host + ": " + one_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)) +
                                 " (" + sqlstate + ")";
        if (is_refusal(sqlstate))
            return tl::unexpected(PostgresError{PostgresError::Outcome::refused, what, sqlstate});
        return undecided(what, sqlstate);
    }

    /// What was sent has ended, and its rows. `copying`: the first result of COPY OUT is left to the caller.
    Rows finish(std::uint32_t limit_ms) {
        const auto until = Clock::now() + std::chrono::milliseconds(limit_ms);
        if (auto flushed = flush(until, limit_ms); !flushed) return tl::unexpected(flushed.error());
        std::vector<PostgresRow> rows;
        std::optional<PostgresError> error;
        for (;;) {
            auto result = next(until, limit_ms);
            if (!result) return tl::unexpected(result.error());
            if (!*result) break;
            const ExecStatusType status = PQresultStatus(result->get());
            if (status == PGRES_TUPLES_OK)
                read(rows, result->get());
            else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && !error)
                error = error_of(result->get()).value();
        }
        if (error) return tl::unexpected(std::move(*error));
        // A cancelled wait for the standby is told as success with a warning, and any other that we do not
        // know may mean the like.
        if (!warning.empty()) return undecided(host + " warned: " + warning);
        return rows;
    }

    static void read(std::vector<PostgresRow>& rows, const PGresult* result) {
        const int columns = PQnfields(result);
        for (int r = 0; r < PQntuples(result); ++r) {
            PostgresRow& row = rows.emplace_back();
            for (int c = 0; c < columns; ++c)
                PQgetisnull(result, r, c) != 0
                    ? row.emplace_back()
                    : row.emplace_back(std::string(PQgetvalue(result, r, c),
                                                   static_cast<std::size_t>(PQgetlength(result, r, c))));
        }
    }
};

namespace {

/// A new connection that takes us and may be written, or why not.
Result<PGconn*, std::string> connect_to(const PostgresOptions& options, const PostgresHost& host,
                                        const PostgresInterrupt& interrupt) {
    // What we read at once must have been acknowledged by a standby, and nothing waits for a lock for ever.
    constexpr const char* settings =
        "-c synchronous_commit=on -c lock_timeout=2000 -c client_min_messages=warning -c jit=off";
    // TLS is verified or not spoken at all (docs/decisions/0060), and nothing else encrypts in its place.
    const std::array<const char*, 13> names = {"host",        "port",
                                               "dbname",      "user",
                                               "password",    "sslmode",
                                               "gssencmode",  "options",
                                               "sslrootcert", "target_session_attrs",
                                               "passfile",    "tcp_user_timeout",
                                               nullptr};
    const std::array<const char*, 13> values = {host.name.c_str(),
                                                host.port.c_str(),
                                                options.database.c_str(),
                                                options.user.c_str(),
                                                options.password.c_str(),
                                                options.tls_ca.empty() ? "disable" : "verify-full",
                                                "disable",
                                                settings,
                                                options.tls_ca.c_str(),
                                                "read-write",
                                                "/dev/null",
                                                "3000",
                                                nullptr};
    PGconn* conn = PQconnectStartParams(names.data(), values.data(), 0);
    ENSURE(conn != nullptr);
    const auto give_up = [conn](std::string why) -> Result<PGconn*, std::string> {
        PQfinish(conn);
        return tl::unexpected(std::move(why));
    };
    const auto until = Clock::now() + std::chrono::milliseconds(options.connect_ms);
    PostgresPollingStatusType state =
        PQstatus(conn) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        if (left <= 0) return give_up("no answer for " + std::to_string(options.connect_ms) + " ms");
        const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        std::array<pollfd, 2> fds{{{PQsocket(conn), events, 0}, {interrupt.fd(), POLLIN, 0}}};
        const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(left));
        if (fds[1].revents != 0) return give_up("the wait was ended");
        if (ready > 0 && fds[0].revents != 0) state = PQconnectPoll(conn);
    }
    if (state != PGRES_POLLING_OK) return give_up(one_line(PQerrorMessage(conn)));
    PQsetnonblocking(conn, 1);
    return conn;
}

}  // namespace

PostgresConnection::PostgresConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostgresConnection::~PostgresConnection() = default;
const std::string& PostgresConnection::host() const { return impl_->host; }

Result<std::unique_ptr<PostgresConnection>, PostgresError> PostgresConnection::open(
    const PostgresOptions& options, std::size_t& first, const PostgresInterrupt& interrupt) {
    ENSURE(!options.hosts.empty());
    std::string why;
    for (std::size_t tried = 0; tried < options.hosts.size() && !interrupt.raised(); ++tried) {
        const PostgresHost& host = options.hosts[first % options.hosts.size()];
        const std::string name = host.name + ":" + host.port;
        auto conn = connect_to(options, host, interrupt);
        if (conn)
            return std::unique_ptr<PostgresConnection>(
                new PostgresConnection(std::make_unique<Impl>(*conn, interrupt, name)));
        why += (why.empty() ? "" : "; ") + name + ": " + conn.error();
        first = (first + 1) % options.hosts.size();
    }
    return undecided("no server of PostgreSQL can be written: " + why);
}

namespace {

/// Parameters as libpq takes them; points into them.
struct Arguments {
    explicit Arguments(const PostgresParams& params) : formats(params.values().size(), binary) {
        for (const std::string& value : params.values()) {
            values.push_back(value.data());
            lengths.push_back(static_cast<int>(value.size()));
        }
    }
    [[nodiscard]] int count() const { return static_cast<int>(values.size()); }
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
};

}  // namespace

PostgresConnection::Rows PostgresConnection::run(std::string_view sql, const PostgresParams& params,
                                                 std::uint32_t limit_ms) {
    impl_->warning.clear();
    const Arguments arguments(params);
    if (PQsendQueryParams(impl_->conn, std::string(sql).c_str(), arguments.count(), nullptr,
                          arguments.values.data(), arguments.lengths.data(), arguments.formats.data(),
                          binary) == 0)
        return impl_->lost();
    return impl_->finish(limit_ms);
}

PostgresConnection::Rows PostgresConnection::run_prepared(const std::string& name, std::string_view sql,
                                                          const PostgresParams& params,
                                                          std::uint32_t limit_ms) {
    impl_->warning.clear();
    if (!impl_->prepared.contains(name)) {
        if (PQsendPrepare(impl_->conn, name.c_str(), std::string(sql).c_str(), 0, nullptr) == 0)
            return impl_->lost();
        if (auto prepared = impl_->finish(limit_ms); !prepared) return prepared;
        impl_->prepared.insert(name);
    }
    const Arguments arguments(params);
    if (PQsendQueryPrepared(impl_->conn, name.c_str(), arguments.count(), arguments.values.data(),
                            arguments.lengths.data(), arguments.formats.data(), binary) == 0)
        return impl_->lost();
    return impl_->finish(limit_ms);
}

Result<void, PostgresError> PostgresConnection::run_script(const std::string& sql, std::uint32_t limit_ms) {
    impl_->warning.clear();
    if (PQsendQuery(impl_->conn, sql.c_str()) == 0) return impl_->lost();
    if (auto done = impl_->finish(limit_ms); !done) return tl::unexpected(done.error());
    return {};
}

namespace {

/// Cuts the stream of COPY BINARY into rows.
class CopyReader {
  public:
    CopyReader(std::size_t columns, const std::function<void(std::vector<std::string>)>& row)
        : columns_(columns), row_(row) {}

    /// False: it is not what COPY BINARY sends.
    bool take(std::string_view bytes) {
        bytes_ += bytes;
        std::size_t at = 0;
        if (!begun_) {
            constexpr std::size_t signature_bytes = 11;
            constexpr std::size_t header_bytes = signature_bytes + 8;  // flags, length of the extension
            if (bytes_.size() < header_bytes) return true;
            if (bytes_.compare(0, 6, "PGCOPY") != 0 || parse_be(bytes_.substr(signature_bytes, 8)) != 0)
                return false;
            begun_ = true;
            at = header_bytes;
        }
        while (!ended_) {
            std::size_t next = at;
            std::vector<std::string> fields;
            const Cut cut = cut_row(next, fields);
            if (cut == Cut::wrong) return false;
            if (cut == Cut::more) break;
            at = next;
            if (cut == Cut::end) ended_ = true;
            if (cut == Cut::row) row_(std::move(fields));
        }
        bytes_.erase(0, at);
        return true;
    }
    [[nodiscard]] bool ended() const { return ended_; }

  private:
    enum class Cut : std::uint8_t { row, end, more, wrong };
    Cut cut_row(std::size_t& at, std::vector<std::string>& fields) const {
        if (bytes_.size() < at + 2) return Cut::more;
        const auto count = parse_be(std::string_view(bytes_).substr(at, 2));
        at += 2;
        if (count == 0xFFFF) return Cut::end;
        if (count != columns_) return Cut::wrong;
        for (std::size_t c = 0; c < columns_; ++c) {
            if (bytes_.size() < at + 4) return Cut::more;
            const auto size = parse_be(std::string_view(bytes_).substr(at, 4));
            at += 4;
            if (size == 0xFFFFFFFFU) return Cut::wrong;  // NULL, and no column of ours may be
            if (bytes_.size() < at + size) return Cut::more;
            fields.push_back(bytes_.substr(at, size));
            at += size;
        }
        return Cut::row;
    }

    const std::size_t columns_;
    const std::function<void(std::vector<std::string>)>& row_;
    std::string bytes_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

Result<void, PostgresError> PostgresConnection::copy_out(
    const std::string& query, std::size_t columns, std::uint32_t limit_ms,
    const std::function<void(std::vector<std::string>)>& row) {
    impl_->warning.clear();
    const auto until = [limit_ms] { return Clock::now() + std::chrono::milliseconds(limit_ms); };
    if (PQsendQuery(impl_->conn, ("copy (" + query + ") to stdout (format binary)").c_str()) == 0)
        return impl_->lost();
    if (auto flushed = impl_->flush(until(), limit_ms); !flushed) return flushed;
    auto begun = impl_->next(until(), limit_ms);
    if (!begun) return tl::unexpected(begun.error());
    if (!*begun || PQresultStatus(begun->get()) != PGRES_COPY_OUT) return impl_->error_of(begun->get());
    CopyReader reader(columns, row);
    for (;;) {
        char* data = nullptr;
        const int got = PQgetCopyData(impl_->conn, &data, 1);
        if (got > 0) {
            const std::unique_ptr<char, void (*)(void*)> owner(data, &PQfreemem);
            if (!reader.take({data, static_cast<std::size_t>(got)}))
                return undecided(impl_->host + ": COPY sent something else than rows");
        } else if (got == 0) {
            if (auto waited = impl_->wait(POLLIN, until(), limit_ms); !waited) return waited;
            if (PQconsumeInput(impl_->conn) == 0) return impl_->lost();
        } else if (got == -1) {
            break;
        } else {
            return impl_->lost();
        }
    }
    if (auto done = impl_->finish(limit_ms); !done) return tl::unexpected(done.error());
    if (!reader.ended()) return undecided(impl_->host + ": COPY ended in the middle");
    return {};
}

}  // namespace ledger
