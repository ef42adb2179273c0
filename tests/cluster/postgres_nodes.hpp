// PostgreSQL servers of a test's own, driven by tests/cluster/postgres_nodes.py: gone with the object.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "ledger/postgres_options.hpp"
#include "tests/test_paths.hpp"

namespace ledger_test {

class PostgresNodes {
  public:
    explicit PostgresNodes(int count) {
        std::istringstream out(script("start --nodes " + std::to_string(count)));
        out >> directory_;
        for (std::string port; out >> port;) ports_.push_back(port);
        if (static_cast<int>(ports_.size()) != count) throw std::runtime_error("no servers were started");
    }
    ~PostgresNodes() { script(directory_ + " stop"); }
    PostgresNodes(const PostgresNodes&) = delete;
    PostgresNodes& operator=(const PostgresNodes&) = delete;

    /// "kill 0", "promote 1" …: see the script.
    std::string order(const std::string& words) const { return script(directory_ + " " + words); }
    std::string sql(int node, const std::string& statement, const std::string& database = "postgres") const {
        return order("sql " + std::to_string(node) + " \"" + statement + "\" " + database);
    }
    /// A new empty database of the role switch, and how a switch named `node` reaches it.
    [[nodiscard]] ledger::PostgresOptions new_database(const std::string& node = "a") {
        ledger::PostgresOptions options;
        for (const std::string& port : ports_) options.hosts.push_back({"127.0.0.1", port});
        options.database = "refund_" + std::to_string(++databases_);
        order("database " + options.database);
        options.user = "switch";
        options.password = "switch-test-password";
        options.node = node;
        return options;
    }

  private:
    static std::string script(const std::string& words) {
        const std::string command = "python3 " + source_path("tests/cluster/postgres_nodes.py") + " " + words;
        FILE* pipe = ::popen(command.c_str(), "r");
        if (pipe == nullptr) throw std::runtime_error("popen failed");
        std::string out;
        std::array<char, 4096> buffer{};
        for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
            out.append(buffer.data(), n);
        const int status = ::pclose(pipe);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed: " + command);
        while (!out.empty() && out.back() == '\n') out.pop_back();
        return out;
    }

    std::string directory_;
    std::vector<std::string> ports_;
    int databases_ = 0;
};

}  // namespace ledger_test
