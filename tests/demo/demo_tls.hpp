// DemoTls: certificates of a demonstration whose links all speak TLS: an authority, the switch, its peers,
// each a PEM file in a folder; and what the switch's configuration says of them.
#pragma once

#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "switch/io/byte_channel.hpp"

namespace demo {

class DemoTls {
  public:
    /// Makes them in `folder`.
    static iso8583::Result<DemoTls> make(const std::string& folder);

    /// Flags of issuer-sim and hsm-sim: a server with a certificate, for clients of the authority.
    [[nodiscard]] std::vector<std::string> server_flags(const std::string& peer) const;
    enum class Hsm : bool { embedded, over_tcp };
    /// [[tls]] sections of the switch: terminals, monitoring, issuers, and hsm where one is spoken to.
    [[nodiscard]] std::string sections(Hsm hsm) const;
    /// A client of the switch's ports: "terminal" or "monitor".
    [[nodiscard]] iso8583::Result<acquirer::MakeChannel> client(const std::string& peer) const;

  private:
    explicit DemoTls(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] std::string certificate(const std::string& name) const {
        return folder_ + "/" + name + ".pem";
    }
    [[nodiscard]] std::string key(const std::string& name) const { return folder_ + "/" + name + ".key"; }

    std::string folder_;
};

}  // namespace demo
