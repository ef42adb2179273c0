#include "tests/demo/demo_tls.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "switch/io/tls.hpp"
#include "tests/peers/tls_identity.hpp"

namespace demo {

using iso8583::Result;
namespace fs = std::filesystem;

namespace {

std::string dns_name(const std::string& peer) { return peer + ".demo"; }

void keep(const tls_peers::Identity& identity, const std::string& certificate, const std::string& key) {
    fs::copy_file(identity.certificate_path(), certificate);
    fs::copy_file(identity.key_path(), key);
    fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace

Result<DemoTls> DemoTls::make(const std::string& folder) {
    DemoTls tls(folder);
    try {
        fs::create_directories(folder);
        const tls_peers::Identity authority("authority.demo");
        keep(authority, tls.certificate("authority"), tls.key("authority"));
        for (const char* peer : {"switch", "terminal", "monitor", "issuer", "hsm"})
            keep(tls_peers::Identity(dns_name(peer), authority), tls.certificate(peer), tls.key(peer));
    } catch (const fs::filesystem_error& error) {
        return iso8583::parse_error(error.what());
    }
    return tls;
}

std::vector<std::string> DemoTls::server_flags(const std::string& peer) const {
    return {"--tls-cert", certificate(peer), "--tls-key",
            key(peer),    "--tls-client-ca", certificate("authority")};
}

std::string DemoTls::sections(Hsm hsm) const {
    std::string text;
    std::vector<std::pair<const char*, const char*>> uses = {
        {"terminals", "terminal"}, {"monitoring", "monitor"}, {"issuers", "issuer"}};
    if (hsm == Hsm::over_tcp) uses.emplace_back("hsm", "hsm");
    for (const auto& [name, peer] : uses)
        text += fmt::format(
            "\n[[tls]]\nname = \"{}\"\ncertificate = \"{}\"\nkey = \"{}\"\nauthority = \"{}\"\nnames = "
            "[\"{}\"]\n",
            name, certificate("switch"), key("switch"), certificate("authority"), dns_name(peer));
    return text;
}

Result<acquirer::MakeChannel> DemoTls::client(const std::string& peer) const {
    using acquirer::TlsContext;
    auto context = TlsContext::open(
        TlsContext::Side::client,
        {certificate(peer), key(peer), certificate("authority"), {dns_name("switch")}, false});
    if (!context) return tl::unexpected(context.error());
    return acquirer::tls_channels(*context);
}

}  // namespace demo
