// [[tls]]: certificates, which ports and links use them, and that nothing leaves the machine in clear unless
// somebody says that the way is protected.
#include <algorithm>
#include <filesystem>

#include "switch/config/config_builder.hpp"
#include "switch/config/config_keys.hpp"

namespace acquirer::config {

namespace {

constexpr std::size_t path_characters_max = 1'024;
constexpr std::size_t name_characters_max = 253;

std::optional<std::string> set_names(TlsProfile& into, std::vector<std::string> names) {
    if (auto fault = fault_of_names(names)) return fault;
    into.names = std::move(names);
    return std::nullopt;
}

}  // namespace

std::optional<std::string> fault_of_names(const std::vector<std::string>& names) {
    if (names.empty() || names.size() > tls_names_max)
        return "needs 1 to " + std::to_string(tls_names_max) + " names";
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i].empty() || names[i].size() > name_characters_max)
            return "entry " + std::to_string(i + 1) + " needs 1 to " + std::to_string(name_characters_max) +
                   " characters";
    return std::nullopt;
}

const Keys<TlsProfile>& tls_keys() {
    static const Keys<TlsProfile> keys = {
        required(
            parsed<TlsProfile>("name", "word", "", "How ports and links call it.", CONFIG_AT(name), word)),
        parsed<TlsProfile>(
            "certificate", "path", "none: a client without one",
            "PEM: our certificate first, then its chain. Paths begin in the folder of this file.",
            CONFIG_AT(certificate), plain_text(path_characters_max)),
        parsed<TlsProfile>("key", "path", "none", "PEM: the private key of the certificate.", CONFIG_AT(key),
                           plain_text(path_characters_max)),
        parsed<TlsProfile>("authority", "path", "none: of terminals no certificate is asked",
                           "PEM: who signs the peers' certificates.", CONFIG_AT(authority),
                           plain_text(path_characters_max)),
        parsed<TlsProfile>("crl", "path", "none: a certificate counts until it ends",
                           "PEM: the authorities' lists of revoked certificates, one of each authority of a "
                           "chain. When one has ended nobody is accepted.",
                           CONFIG_AT(crl), plain_text(path_characters_max)),
        text_list<TlsProfile>(
            "names", "any that the authority signed",
            "Who the peer may be: DNS names of its certificate. To issuers and HSMs at least "
            "one is needed.",
            set_names),
        boolean<TlsProfile>(
            "peer_may_be_unknown",
            "On ports: who has no certificate is served too; one that is shown has to be good.",
            CONFIG_AT(peer_may_be_unknown)),
    };
    return keys;
}

namespace {

/// What a port or link needs of the [[tls]] that it names.
enum class Side : bool { port, link };

class TlsUse {
  public:
    TlsUse(const RawConfig& raw, Reader& reader) : raw_(raw), reader_(reader), used_(raw.tls.size(), false) {}

    void note(const std::string& key, const std::string& name, Side side) {
        if (name.empty()) return;
        const auto at = std::find_if(raw_.tls.begin(), raw_.tls.end(),
                                     [&](const auto& placed) { return placed.value.name == name; });
        if (at == raw_.tls.end()) return reader_.problem(key, "no [[tls]] is called " + name);
        used_[static_cast<std::size_t>(at - raw_.tls.begin())] = true;
        const TlsProfile& profile = at->value;
        if (side == Side::port && profile.certificate.empty())
            reader_.problem(at->path, "needs a certificate and its key, since " + key + " uses it");
        if (side == Side::link && (profile.authority.empty() || profile.names.empty()))
            reader_.problem(at->path, "needs authority and names, since " + key + " uses it");
    }
    void tell_unused() const {
        for (std::size_t i = 0; i < used_.size(); ++i)
            if (!used_[i] && !reader_.has_problem_under(raw_.tls[i].path))
                reader_.problem(raw_.tls[i].path, "is used by no port and no link");
    }

  private:
    const RawConfig& raw_;
    Reader& reader_;
    std::vector<bool> used_;
};

void check_profiles(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    for (std::size_t i = 0; i < raw.tls.size(); ++i) {
        auto& [path, profile] = raw.tls[i];
        for (std::size_t before = 0; before < i; ++before)
            if (!profile.name.empty() && raw.tls[before].value.name == profile.name)
                reader.problem(path + ".name", "is the name of " + raw.tls[before].path + " too");
        if (profile.certificate.empty() != profile.key.empty())
            reader.problem(path, "certificate and key go together");
        if (profile.authority.empty() && (!profile.names.empty() || profile.peer_may_be_unknown))
            reader.problem(path, "names and peer_may_be_unknown need an authority that signs certificates");
        if (profile.authority.empty() && !profile.crl.empty())
            reader.problem(path, "crl needs the authority that signs certificates and lists");
        for (std::string* file : {&profile.certificate, &profile.key, &profile.authority, &profile.crl})
            if (!file->empty()) *file = (std::filesystem::path(around.folder) / *file).string();
    }
}

void needs_protection(const std::string& key, bool tls, bool protected_channel, const Endpoint& address,
                      Reader& reader) {
    if (tls || protected_channel || address.is_loopback() || reader.has_problem_under(key)) return;
    reader.problem(key,
                   address.str() +
                       " is not on loopback: it needs tls, or protected_channel = true where you know that "
                       "the way is protected");
}

}  // namespace

void check_tls(RawConfig& raw, const ConfigSurroundings& around, Reader& reader) {
    check_profiles(raw, around, reader);
    TlsUse use(raw, reader);
    struct Port {
        const char* name;
        const std::optional<Endpoint>& address;
        const std::string& tls;
    };
    const RawListen& l = raw.listen;
    for (const Port& port :
         {Port{"unionpay-pos", l.unionpay_pos, l.unionpay_tls},
          Port{"iso87-ascii", l.iso87_ascii, l.iso87_tls}, Port{"metrics", l.metrics, l.metrics_tls}}) {
        const std::string key = std::string("listen.") + port.name;
        use.note(key + "-tls", port.tls, Side::port);
        if (port.address)
            needs_protection(key, !port.tls.empty(), l.protected_channel, *port.address, reader);
        else if (!port.tls.empty())
            reader.problem(key + "-tls", "belongs to an address of " + std::string(port.name));
    }
    for (const auto& [path, issuer] : raw.issuers) {
        use.note(path + ".tls", issuer.connections.tls, Side::link);
        for (const Endpoint& address : issuer.connections.addresses)
            needs_protection(path + ".addresses", !issuer.connections.tls.empty(),
                             issuer.connections.protected_channel, address, reader);
    }
    use.note("hsm.tls", raw.hsm.tls, Side::link);
    if (raw.hsm.embedded) {
        for (const char* key : {"hsm.tls", "hsm.protected_channel"})
            if (reader.has(key)) reader.problem(key, "belongs to mode = \"tcp\"");
    } else {
        for (const Endpoint& address : raw.hsm.addresses)
            needs_protection("hsm.addresses", !raw.hsm.tls.empty(), raw.hsm.protected_channel, address,
                             reader);
    }
    for (const auto& [path, terminals] : raw.terminals) {
        if (terminals.range.certificate_names.empty()) continue;
        const bool unionpay = terminals.range.profile == Profile::unionpay_pos;
        const std::string& of_port = unionpay ? l.unionpay_tls : l.iso87_tls;
        const auto tls = std::find_if(raw.tls.begin(), raw.tls.end(),
                                      [&](const auto& placed) { return placed.value.name == of_port; });
        if (tls == raw.tls.end() || tls->value.authority.empty())
            reader.problem(path + ".certificate_names", std::string("needs listen.") +
                                                            (unionpay ? "unionpay-pos" : "iso87-ascii") +
                                                            "-tls to name a [[tls]] with an authority");
    }
    use.tell_unused();
}

}  // namespace acquirer::config
