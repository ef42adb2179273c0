// TLS under a ByteChannel: contexts made from PEM files, and the channels of connections. Sans I/O: an SSL
// between two memory BIOs, fed and drained by the stream (byte_channel.hpp), so that it is tested, fuzzed and
// sanitized without a socket.
//
// Versions 1.2 (ECDHE with an AEAD alone) and 1.3; no renegotiation, no compression, no early data. A client
// always checks its server's certificate: authority and one of `names`. A server asks for a client's
// certificate when it has an authority for them.
//
// Ownership: channels share what their context held when they were made; reload() changes what later ones
// get, so that links that are up stay up. Thread: a context's and its channels', one. Errors: sentences that
// name the file or say what of the peer was not accepted, never content of a key.
// Source: RFC 5246, RFC 8446, RFC 9325 (suites), RFC 6125 (names), RFC 5280 (CRLs).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "switch/io/byte_channel.hpp"

namespace acquirer {

/// PEM files and what is asked of the peer.
struct TlsSetup {
    std::string certificate;  // chain, own certificate first; a client's may be empty
    std::string key;          // of it; empty when there is no certificate
    std::string authority;    // who signs the peers' certificates; a client's may not be empty
    /// Who the peer may be, by a DNS name of its certificate, or its common name when it has none. Of a
    /// client: at least one. Of a server: empty is anybody whom the authority signed.
    std::vector<std::string> names;
    /// Of a server with an authority: a client without a certificate is served all the same.
    bool peer_may_be_unknown = false;
    /// The authorities' lists of certificates that they took back (CRLs); empty: nobody is asked. With lists
    /// every authority between the peer and `authority` needs one that has not ended, or nobody is accepted.
    std::string crl = {};
    friend bool operator==(const TlsSetup&, const TlsSetup&) = default;
};

class TlsContext {
  public:
    enum class Side : bool { client, server };

    /// Reads the files; what does not fit together is an error that names the file.
    static iso8583::Result<std::shared_ptr<TlsContext>> open(Side side, TlsSetup setup);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// The files as they are now, for connections that come later. On an error the old ones stay.
    iso8583::Result<void> reload();
    /// A new connection's.
    [[nodiscard]] std::unique_ptr<ByteChannel> channel();
    /// The first of the own chain's and the authority's certificates to end; nothing when there are none.
    [[nodiscard]] const std::optional<iso8583::UtcTime>& expires() const { return expires_; }
    /// From when to when the list of the CRLs that ends first is good.
    struct Crl {
        iso8583::UtcTime issued, next;
    };
    [[nodiscard]] const std::optional<Crl>& crl() const { return crl_; }
    [[nodiscard]] const TlsSetup& setup() const { return setup_; }

    /// What all channels made by it have seen, for metrics.
    struct Counts {
        std::uint64_t handshakes = 0;
        std::uint64_t resumed = 0;  // among them
        std::uint64_t failures = 0;
    };
    [[nodiscard]] const Counts& counts() const { return *counts_; }

  private:
    struct Native;
    TlsContext(Side side, TlsSetup setup);

    Side side_;
    TlsSetup setup_;
    std::shared_ptr<Native> native_;
    std::optional<iso8583::UtcTime> expires_;
    std::optional<Crl> crl_;
    std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

/// Channels of one context, for a port or a link.
MakeChannel tls_channels(std::shared_ptr<TlsContext> context);

}  // namespace acquirer
