#include "switch/io/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>
#include <utility>

#include "iso8583/values/ensure.hpp"

namespace acquirer {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;
using iso8583::UtcTime;

namespace {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* what) const {
        Free(what);
    }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;

constexpr const char* suites_of_12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
/// Servers of one process must not take each other's sessions.
constexpr std::string_view session_context = "refund-switch";
/// Plain bytes that may wait for the handshake, and of one record.
constexpr std::size_t held_bytes_max = 1U << 20;
constexpr std::size_t record_bytes_max = 16'384;

/// What the system refused OpenSSL, else what OpenSSL says last, and nothing left behind for the next one who
/// asks.
std::string openssl_reason() {
    std::string reason = "no reason is given", of_system;
    while (const unsigned long code = ERR_get_error()) {
        const char* text = ERR_reason_error_string(code);
        if (text != nullptr) reason = text;
        if (ERR_SYSTEM_ERROR(code)) of_system = std::generic_category().message(ERR_GET_REASON(code));
    }
    return of_system.empty() ? reason : of_system;
}

iso8583::ParseError file_fault(const std::string& file, const char* what) {
    return {file + ": " + what + ": " + openssl_reason()};
}

/// A time of a certificate; nothing when it is none.
std::optional<UtcTime> time_of(const ASN1_TIME* time) {
    int days = 0, seconds = 0;
    const std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
    if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return std::nullopt;
    constexpr std::int64_t seconds_a_day = 86'400, ms_a_second = 1'000;
    return UtcTime{(days * seconds_a_day + seconds) * ms_a_second};
}

/// Whether a certificate carries one of these names.
bool has_one_of(X509* certificate, const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [certificate](const std::string& name) {
        return X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                               nullptr) == 1;
    });
}

/// The peer's common name, for log lines; "" without a certificate.
std::string common_name_of(X509* certificate) {
    std::array<char, 128> name{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                               name.data(), static_cast<int>(name.size()));
    return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

/// What channels share of a context's files.
struct TlsContext::Native {
    ContextPtr context;
    SessionPtr session;  // of a client: the last that its server offered
};

namespace {

class TlsChannel final : public ByteChannel {
  public:
    /// `offered`: of a client, the session to resume, and where the server's next one goes.
    TlsChannel(SSL_CTX* context, TlsContext::Side side, const TlsSetup& setup, SessionPtr* offered,
               std::shared_ptr<void> keeps, std::shared_ptr<TlsContext::Counts> counts)
        : ssl_(SSL_new(context)),
          names_(setup.names),
          keeps_(std::move(keeps)),
          counts_(std::move(counts)),
          side_(side) {
        ENSURE(ssl_ != nullptr);
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        ENSURE(in_ != nullptr && out_ != nullptr);
        SSL_set_bio(ssl_.get(), in_, out_);  // which owns both now
        SSL_set_app_data(ssl_.get(), offered);
        if (side_ == TlsContext::Side::client) {
            SSL_set_connect_state(ssl_.get());
            SSL_set_tlsext_host_name(ssl_.get(), names_.front().c_str());
            if (*offered) SSL_set_session(ssl_.get(), offered->get());
        } else {
            SSL_set_accept_state(ssl_.get());
        }
    }
    ~TlsChannel() override {
        iso8583::zeroise(plain_.data(), plain_.size());
        iso8583::zeroise(held_.data(), held_.size());
        // A connection that broke off must not make its session worthless.
        SSL_set_quiet_shutdown(ssl_.get(), 1);
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }

    ByteView begin() override {
        if (side_ == TlsContext::Side::client) shake_hands();
        return take_out();
    }
    Fed feed(ByteView wire) override {
        iso8583::zeroise(plain_.data(), plain_.size());
        plain_.clear();
        if (failure_.empty() && !wire.empty()) {
            // A memory BIO takes everything.
            const int taken = BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
            ENSURE(taken == static_cast<int>(wire.size()));
            if (!ready_) shake_hands();
            if (ready_ && failure_.empty()) read_all();
        }
        return {plain_, take_out()};
    }
    ByteView seal(ByteView plain) override {
        if (!failure_.empty() || said_farewell_) return {};
        if (ready_) {
            write_all(plain);
        } else if (held_.size() + plain.size() > held_bytes_max) {
            fail("more than " + std::to_string(held_bytes_max) + " bytes wait for the TLS handshake");
        } else {
            held_.insert(held_.end(), plain.begin(), plain.end());
            held_bytes_ = held_.size();
        }
        return take_out();
    }
    ByteView finish() override {
        if (ready_ && failure_.empty() && !std::exchange(said_farewell_, true)) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get());
        }
        return take_out();
    }
    bool peer_has_one_of(const std::vector<std::string>& names) const override {
        const CertificatePtr peer(SSL_get1_peer_certificate(ssl_.get()));
        return ready_ && peer && has_one_of(peer.get(), names);
    }
    void wire_ended() override {
        if (peer_finished_ || !failure_.empty()) return;
        fail(ready_ ? "the connection was cut off without TLS's farewell"
                    : "the connection was closed within the TLS handshake");
    }

  private:
    void shake_hands() {
        ERR_clear_error();
        const int done = SSL_do_handshake(ssl_.get());
        if (done != 1) {
            const int why = SSL_get_error(ssl_.get(), done);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail(handshake_fault());
            return;
        }
        if (!peer_is_wanted()) return;
        ready_ = true;
        ++counts_->handshakes;
        if (SSL_session_reused(ssl_.get()) == 1) ++counts_->resumed;
        Bytes held;
        held.swap(held_);
        held_bytes_ = 0;
        write_all(held);
        iso8583::zeroise(held.data(), held.size());
    }
    /// A server's own look at its client; a client's look at its server is part of the handshake.
    bool peer_is_wanted() {
        if (side_ == TlsContext::Side::client || names_.empty()) return true;
        const CertificatePtr peer(SSL_get1_peer_certificate(ssl_.get()));
        if (!peer || has_one_of(peer.get(), names_)) return true;
        fail("the client's certificate is of \"" + common_name_of(peer.get()) +
             "\", who is not expected here");
        return false;
    }
    std::string handshake_fault() const {
        const long verified = SSL_get_verify_result(ssl_.get());
        if (verified != X509_V_OK)
            return std::string("the peer's certificate is not accepted: ") +
                   X509_verify_cert_error_string(verified);
        return "TLS handshake: " + openssl_reason();
    }
    void read_all() {
        std::array<std::uint8_t, record_bytes_max> some{};
        for (;;) {
            std::size_t size = 0;
            ERR_clear_error();
            const int done = SSL_read_ex(ssl_.get(), some.data(), some.size(), &size);
            if (done == 1) {
                plain_.insert(plain_.end(), some.data(), some.data() + size);
                iso8583::zeroise(some.data(), size);
                continue;
            }
            switch (SSL_get_error(ssl_.get(), done)) {
                case SSL_ERROR_WANT_READ:
                case SSL_ERROR_WANT_WRITE:
                    return;
                case SSL_ERROR_ZERO_RETURN:
                    peer_finished_ = true;
                    return;
                default:
                    return fail("TLS: " + openssl_reason());
            }
        }
    }
    void write_all(ByteView plain) {
        while (!plain.empty() && failure_.empty()) {
            std::size_t size = 0;
            ERR_clear_error();
            // Into memory: it always goes, unless TLS itself is at its end.
            if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &size) != 1)
                return fail("TLS: " + openssl_reason());
            plain = plain.subspan(size);
        }
    }
    void fail(std::string why) {
        if (!failure_.empty()) return;
        failure_ = std::move(why);
        ++counts_->failures;
    }
    /// What the SSL has made for the wire since.
    ByteView take_out() {
        to_send_.clear();
        char* data = nullptr;
        const long size = BIO_get_mem_data(out_, &data);
        if (size > 0) {
            to_send_.assign(data, data + size);
            BIO_reset(out_);
        }
        return to_send_;
    }

    SslPtr ssl_;
    std::vector<std::string> names_;
    std::shared_ptr<void> keeps_;  // what the context's callbacks use lives as long as we do
    std::shared_ptr<TlsContext::Counts> counts_;
    TlsContext::Side side_;
    BIO* in_ = nullptr;  // both the SSL's
    BIO* out_ = nullptr;
    Bytes plain_, to_send_, held_;
    bool said_farewell_ = false;
};

/// Tickets of TLS 1.3 come after the handshake, one by one; the last is kept.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    auto* kept = static_cast<SessionPtr*>(SSL_get_app_data(ssl));
    if (kept == nullptr) return 0;
    kept->reset(session);
    return 1;  // it is ours now
}

Result<void> take_identity(SSL_CTX* context, const TlsSetup& setup) {
    if (setup.certificate.empty()) return {};
    if (SSL_CTX_use_certificate_chain_file(context, setup.certificate.c_str()) != 1)
        return tl::unexpected(file_fault(setup.certificate, "is no certificate chain that can be used"));
    if (SSL_CTX_use_PrivateKey_file(context, setup.key.c_str(), SSL_FILETYPE_PEM) != 1)
        return tl::unexpected(file_fault(setup.key, "is no private key of the certificate"));
    if (SSL_CTX_check_private_key(context) != 1)
        return tl::unexpected(file_fault(setup.key, "is not the key of the certificate"));
    return {};
}

Result<void> take_authority(SSL_CTX* context, TlsContext::Side side, const TlsSetup& setup) {
    if (setup.authority.empty()) return {};
    if (SSL_CTX_load_verify_file(context, setup.authority.c_str()) != 1)
        return tl::unexpected(file_fault(setup.authority, "has no certificate of an authority"));
    if (side == TlsContext::Side::client) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        for (const std::string& name : setup.names)
            X509_VERIFY_PARAM_add1_host(wanted, name.c_str(), name.size());
        return {};
    }
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER | (setup.peer_may_be_unknown ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT),
                       nullptr);
    STACK_OF(X509_NAME)* asked = SSL_load_client_CA_file(setup.authority.c_str());
    if (asked != nullptr) SSL_CTX_set_client_CA_list(context, asked);
    return {};
}

Result<void> take_crl(SSL_CTX* context, const TlsSetup& setup) {
    if (setup.crl.empty()) return {};
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP* files = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    ENSURE(files != nullptr);
    if (X509_load_crl_file(files, setup.crl.c_str(), X509_FILETYPE_PEM) < 1)
        return tl::unexpected(file_fault(setup.crl, "has no list of revoked certificates"));
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return {};
}

void set_policy(SSL_CTX* context, TlsContext::Side side) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, suites_of_12);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    // An idle connection keeps no buffers of records.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(session_context.data()),
                                   static_cast<unsigned>(session_context.size()));
    if (side == TlsContext::Side::client) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
}

/// The first to end of what a context would send or trust.
std::optional<UtcTime> first_end(SSL_CTX* context) {
    std::optional<UtcTime> first;
    const auto look = [&first](const X509* certificate) {
        if (certificate == nullptr) return;
        const auto end = time_of(X509_get0_notAfter(certificate));
        if (end && (!first || end->ms < first->ms)) first = end;
    };
    look(SSL_CTX_get0_certificate(context));
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(context, &chain);
    for (int i = 0; i < sk_X509_num(chain); ++i) look(sk_X509_value(chain, i));
    STACK_OF(X509)* trusted = X509_STORE_get1_all_certs(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_num(trusted); ++i) look(sk_X509_value(trusted, i));
    sk_X509_pop_free(trusted, X509_free);
    return first;
}

std::optional<TlsContext::Crl> first_crl_to_end(SSL_CTX* context) {
    std::optional<TlsContext::Crl> first;
    STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        const X509_CRL* crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        if (crl == nullptr || X509_CRL_get0_nextUpdate(crl) == nullptr) continue;
        const auto issued = time_of(X509_CRL_get0_lastUpdate(crl));
        const auto next = time_of(X509_CRL_get0_nextUpdate(crl));
        if (issued && next && (!first || next->ms < first->next.ms)) first = {*issued, *next};
    }
    return first;
}

Result<void> check(TlsContext::Side side, const TlsSetup& setup) {
    if (setup.certificate.empty() != setup.key.empty())
        return parse_error("a certificate and its key go together");
    if (side == TlsContext::Side::server && setup.certificate.empty())
        return parse_error("a server needs a certificate");
    if (side == TlsContext::Side::client && (setup.authority.empty() || setup.names.empty()))
        return parse_error("a client needs an authority and the name of its server");
    if (side == TlsContext::Side::server && setup.authority.empty() && !setup.names.empty())
        return parse_error("names of clients need an authority that signs their certificates");
    if (setup.authority.empty() && !setup.crl.empty())
        return parse_error("lists of revoked certificates need the authority that signs both");
    return {};
}

}  // namespace

TlsContext::TlsContext(Side side, TlsSetup setup) : side_(side), setup_(std::move(setup)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::open(Side side, TlsSetup setup) {
    if (auto fits = check(side, setup); !fits) return tl::unexpected(fits.error());
    std::shared_ptr<TlsContext> context(new TlsContext(side, std::move(setup)));
    if (auto read = context->reload(); !read) return tl::unexpected(read.error());
    return context;
}

Result<void> TlsContext::reload() {
    auto fresh = std::make_shared<Native>();
    fresh->context.reset(SSL_CTX_new(side_ == Side::client ? TLS_client_method() : TLS_server_method()));
    ENSURE(fresh->context != nullptr);
    SSL_CTX* context = fresh->context.get();
    ERR_clear_error();
    set_policy(context, side_);
    if (auto taken = take_identity(context, setup_); !taken) return taken;
    if (auto taken = take_authority(context, side_, setup_); !taken) return taken;
    if (auto taken = take_crl(context, setup_); !taken) return taken;
    native_ = std::move(fresh);
    expires_ = first_end(context);
    crl_ = first_crl_to_end(context);
    return {};
}

std::unique_ptr<ByteChannel> TlsContext::channel() {
    SessionPtr* session = side_ == Side::client ? &native_->session : nullptr;
    return std::make_unique<TlsChannel>(native_->context.get(), side_, setup_, session, native_, counts_);
}

MakeChannel tls_channels(std::shared_ptr<TlsContext> context) {
    return [context = std::move(context)] { return context->channel(); };
}

}  // namespace acquirer
