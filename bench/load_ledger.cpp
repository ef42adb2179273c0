#include "bench/load_ledger.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "iso8583/values/amount.hpp"

namespace bench {

using iso8583::parse_error;
using iso8583::Result;

namespace {

constexpr std::size_t answer_bytes_max = std::size_t{8} << 20;
constexpr std::size_t words_max = 10;

class ControlConnection {
  public:
    ~ControlConnection() {
        if (socket_ >= 0) ::close(socket_);
    }
    Result<void> open(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path)
            return parse_error("control socket: its path is too long");
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const timeval patience{30, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (socket_ < 0 ||
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return parse_error("control socket " + path + ": " + std::strerror(errno));
        return {};
    }
    /// One line there, one line back.
    Result<std::string> ask(const std::string& line) {
        if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
            return parse_error(std::string("control socket: cannot write: ") + std::strerror(errno));
        std::string answer;
        char chunk[1 << 16];
        while (answer.empty() || answer.back() != '\n') {
            const ssize_t got = ::recv(socket_, chunk, sizeof chunk, 0);
            if (got <= 0) return parse_error("control socket: no answer");
            answer.append(chunk, static_cast<std::size_t>(got));
            if (answer.size() > answer_bytes_max)
                return parse_error("control socket: the answer does not end");
        }
        return answer;
    }

  private:
    int socket_ = -1;
};

/// "-12.34" → -1234; amounts come in major units with the currency's decimals.
std::int64_t minor_units(const nlohmann::json& major) {
    std::string text = major.get<std::string>();
    const bool negative = !text.empty() && text.front() == '-';
    if (negative) text.erase(0, 1);
    std::erase(text, '.');
    const std::int64_t value = std::stoll(text);
    return negative ? -value : value;
}

}  // namespace

Result<void> read_ledger_answer(const std::string& line, LedgerTotals& totals) {
    try {
        const nlohmann::json answer = nlohmann::json::parse(line);
        if (!answer.at("ok").get<bool>()) return parse_error("the switch says: " + answer.value("text", ""));
        for (const auto& row : answer.at("data").at("totals")) {
            if (row.contains("route")) {
                totals.routes[row.at("route").get<std::string>()] = {
                    minor_units(row.at("issuer_owes")), minor_units(row.at("refunds_in_transit")),
                    minor_units(row.at("refunds_in_suspense"))};
            } else {
                totals.terminals[row.at("terminal").get<std::string>()] = {
                    minor_units(row.at("sales_amount")), row.at("sales").get<std::int64_t>(),
                    minor_units(row.at("refunds_and_voids_amount")),
                    row.at("refunds_and_voids").get<std::int64_t>()};
            }
        }
    } catch (const std::exception& error) {
        return parse_error(std::string("the answer has another shape: ") + error.what());
    }
    return {};
}

Result<LedgerTotals> ask_ledger(const std::string& control_socket) {
    if (control_socket.empty()) return parse_error("no control socket was named");
    ControlConnection connection;
    if (auto opened = connection.open(control_socket); !opened) return tl::unexpected(opened.error());
    LedgerTotals totals;
    for (const char* by : {"route", "terminal"}) {
        auto answer =
            connection.ask(fmt::format("{{\"command\":\"totals\",\"args\":{{\"by\":\"{}\"}}}}\n", by));
        if (!answer) return tl::unexpected(answer.error());
        if (auto read = read_ledger_answer(*answer, totals); !read) return tl::unexpected(read.error());
    }
    return totals;
}

std::vector<std::string> compare_ledger(const LoadBooks& books,
                                        const std::map<std::string, peers::TerminalTotals>& terminals,
                                        const LedgerTotals& before, const LedgerTotals& after) {
    std::vector<std::string> differences;
    const auto differ = [&differences](std::string words) {
        if (differences.size() < words_max) differences.push_back(std::move(words));
    };
    for (std::size_t issuer = 0; issuer < issuers; ++issuer) {
        const std::string name(issuer_names[issuer]);
        const auto route = [&name](const LedgerTotals& t) {
            const auto found = t.routes.find(name);
            return found == t.routes.end() ? LedgerTotals::Route{} : found->second;
        };
        const std::int64_t owes = route(after).issuer_owes - route(before).issuer_owes;
        if (owes != books.totals(issuer).net())
            differ(fmt::format("{} owes {} by the ledger, {} by the terminals (minor units)", name, owes,
                               books.totals(issuer).net()));
        if (route(after).refunds_in_transit != route(before).refunds_in_transit)
            differ(
                fmt::format("{}: refunds of {} are still in transit", name, route(after).refunds_in_transit));
        if (route(after).refunds_in_suspense != route(before).refunds_in_suspense)
            differ(fmt::format("{}: refunds of {} are in suspense", name, route(after).refunds_in_suspense));
    }
    for (const auto& [terminal, ours] : terminals) {
        const auto of = [&terminal = terminal](const LedgerTotals& t) {
            const auto found = t.terminals.find(terminal);
            return found == t.terminals.end() ? peers::TerminalTotals{} : found->second;
        };
        const peers::TerminalTotals then = of(before), now = of(after);
        const peers::TerminalTotals theirs{
            now.debit_amount - then.debit_amount, now.debit_count - then.debit_count,
            now.credit_amount - then.credit_amount, now.credit_count - then.credit_count};
        if (theirs != ours)
            differ(fmt::format(
                "terminal {}: {} sales of {} and {} credits of {} by the ledger, {} of {} and {} of {} "
                "by the terminal",
                terminal, theirs.debit_count, theirs.debit_amount, theirs.credit_count, theirs.credit_amount,
                ours.debit_count, ours.debit_amount, ours.credit_count, ours.credit_amount));
    }
    return differences;
}

}  // namespace bench
