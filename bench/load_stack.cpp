#include "bench/load_stack.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/peers/tls_identity.hpp"

namespace bench {

namespace fs = std::filesystem;
using iso8583::parse_error;
using iso8583::Result;

std::string own_directory() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path().string();
}

std::string find_config_directory(const std::string& programs) {
    for (const fs::path& candidate :
         {fs::path("switch/config"), fs::path(programs) / "../../../switch/config"})
        if (fs::exists(candidate / "demo.toml")) return candidate.lexically_normal().string();
    return "switch/config";
}

std::string ready_word(const std::string& line, const std::string& key) {
    const std::string wanted = " " + key + "=";
    const auto at = line.find(wanted);
    if (at == std::string::npos) return {};
    const auto begin = at + wanted.size();
    return line.substr(begin, line.find(' ', begin) - begin);
}

struct LoadStack::Certificates {
    tls_peers::Identity authority{"bench authority"};
    tls_peers::Identity of_switch{"switch.bench", authority};
    tls_peers::Identity terminal{"terminal.bench", authority};
};

LoadStack::LoadStack() = default;

LoadStack::~LoadStack() {
    stop();
    std::error_code ignored;
    if (started_ && !options_.keep) fs::remove_all(options_.directory, ignored);
}

Result<void> LoadStack::start(const StackOptions& options) {
    options_ = options;
    std::error_code error;
    if (!fs::create_directories(options_.directory, error))
        return parse_error("cannot make " + options_.directory + ": " +
                           (error ? error.message() : "it is there already"));
    started_ = true;
    if (auto started = start_issuers(); !started) return started;
    return start_switch();
}

Result<void> LoadStack::start_issuers() {
    for (const std::string name : {"issuer-a", "issuer-b", "issuer-w"}) {
        const std::string journal = options_.directory + "/" + name + ".journal";
        std::vector<std::string> arguments = {options_.programs + "/issuer-sim",
                                              "--config",
                                              options_.config + "/" + name + ".toml",
                                              "--listen",
                                              "127.0.0.1:0",
                                              "--journal",
                                              journal,
                                              "--control",
                                              options_.directory + "/" + name + ".sock"};
        arguments.insert(arguments.end(), options_.issuer_flags.begin(), options_.issuer_flags.end());
        ChildProcess issuer;
        auto ready = issuer.start(arguments, options_.directory + "/" + name + ".log");
        if (!ready) return tl::unexpected(ready.error());
        issuers_.push_back(std::move(issuer));
        issuer_addresses_.push_back(ready_word(*ready, "issuer"));
        targets_.journals.push_back(journal);
    }
    return {};
}

namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

/// The run's configuration lies elsewhere: dialect files beside the one it was made from are named whole.
void name_dialect_files(std::string& text, const std::string& folder) {
    const std::string key = "dialect = \"";
    for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
        const auto begin = at + key.size(), end = text.find('"', begin);
        if (end == std::string::npos) return;
        const fs::path file = fs::path(folder) / text.substr(begin, end - begin);
        std::error_code error;
        if (fs::is_regular_file(file, error)) text.replace(begin, end - begin, fs::absolute(file).string());
    }
}

}  // namespace

std::string LoadStack::tls_sections() {
    certificates_ = std::make_unique<Certificates>();
    const Certificates& c = *certificates_;
    return "\n[[tls]]\nname = \"terminals\"\ncertificate = \"" + c.of_switch.certificate_path() +
           "\"\nkey = \"" + c.of_switch.key_path() + "\"\nauthority = \"" + c.authority.certificate_path() +
           "\"\nnames = [\"terminal.bench\"]\n";
}

Result<void> LoadStack::put_fronts() {
    const Certificates& c = *certificates_;
    for (std::string* target : {&targets_.unionpay, &targets_.iso}) {
        const auto colon = target->rfind(':');
        auto context =
            acquirer::TlsContext::open(acquirer::TlsContext::Side::client, {c.terminal.certificate_path(),
                                                                            c.terminal.key_path(),
                                                                            c.authority.certificate_path(),
                                                                            {"switch.bench"}});
        if (!context) return tl::unexpected(context.error());
        auto front = TlsFront::start(target->substr(0, colon),
                                     static_cast<std::uint16_t>(std::stoul(target->substr(colon + 1))),
                                     std::move(*context));
        if (!front) return tl::unexpected(front.error());
        *target = "127.0.0.1:" + std::to_string((*front)->port());
        fronts_.push_back(std::move(*front));
    }
    return {};
}

Result<void> LoadStack::start_switch() {
    std::ifstream demo(options_.config + "/demo.toml");
    if (!demo) return parse_error("cannot read " + options_.config + "/demo.toml");
    std::string text((std::istreambuf_iterator<char>(demo)), std::istreambuf_iterator<char>());
    name_dialect_files(text, options_.config);
    // The demo's addresses (docs/interfaces.md) give way to free ones.
    replace_all(text, "127.0.0.1:8601", issuer_addresses_[0]);
    replace_all(text, "127.0.0.1:8602", issuer_addresses_[1]);
    replace_all(text, "127.0.0.1:8603", issuer_addresses_[2]);
    for (const char* address : {"127.0.0.1:8583", "127.0.0.1:8584", "127.0.0.1:9583"})
        replace_all(text, address, "127.0.0.1:0");
    if (!options_.shell.empty()) text += "\n[shell]\n";
    for (const std::string& line : options_.shell) text += line + "\n";
    if (options_.shards > 1)
        replace_all(text, "\n[data]\n",
                    "\n[store]\nshards = " + std::to_string(options_.shards) + "\n\n[data]\n");
    // Notices are off unless somebody asks for them; a load measures the switch without.
    replace_all(text, "[notices]\ndirectory = ", "# notices: ");
    if (options_.tls) {
        replace_all(text, "[listen]\n",
                    "[listen]\nunionpay-pos-tls = \"terminals\"\niso87-ascii-tls = \"terminals\"\n");
        text += tls_sections();
    }
    const std::string config = options_.directory + "/switch.toml";
    std::ofstream(config) << text;
    auto ready = switch_.start(
        {options_.programs + "/refund-switch", "--config", config, "--data", options_.directory + "/data"},
        options_.directory + "/refund-switch.log");
    if (!ready) return tl::unexpected(ready.error());
    targets_.unionpay = ready_word(*ready, "terminals.unionpay-pos");
    targets_.iso = ready_word(*ready, "terminals.iso87-ascii");
    targets_.control = ready_word(*ready, "control");
    targets_.metrics = ready_word(*ready, "metrics");
    if (targets_.unionpay.empty() || targets_.iso.empty())
        return parse_error("refund-switch's ready line names no addresses: " + *ready);
    return options_.tls ? put_fronts() : Result<void>();
}

std::string LoadStack::stop() {
    std::string wrong;
    fronts_.clear();
    const bool was_running = switch_.running();
    if (const int status = switch_.stop(); was_running && status != 0)
        wrong += "refund-switch ended with status " + std::to_string(status) + "; ";
    for (ChildProcess& issuer : issuers_)
        if (const int status = issuer.stop(); status != 0)
            wrong += "issuer-sim ended with status " + std::to_string(status) + "; ";
    issuers_.clear();
    return wrong;
}

LoadStack::Cpu LoadStack::cpu() const {
    Cpu cpu;
    if (switch_.running()) cpu.refund_switch = cpu_seconds(switch_.pid());
    for (const ChildProcess& issuer : issuers_) cpu.issuers += cpu_seconds(issuer.pid());
    return cpu;
}

}  // namespace bench
