// The configuration file of issuer-sim (switch/config/issuer-a.toml): reads TOML, checks every value, names
// file, key and line of what is wrong. Only issuer-sim uses it; the model takes an IssuerConfig.
#pragma once

#include <string>

#include "iso8583/values/result.hpp"
#include "routing/issuer_sim/issuer_model.hpp"

namespace routing {

struct IssuerSimOptions {
    IssuerConfig issuer;
    std::string listen = "127.0.0.1:0";  // HOST:PORT, port 0: any free one
    std::string journal;                 // empty: none is kept
    std::string control;                 // path of the Unix socket; empty: none
    bool durable = false;                // fdatasync after every batch of journal lines
    // PEM files: with a certificate the port speaks TLS, with an authority to clients of its alone.
    std::string tls_certificate, tls_key, tls_client_ca;
};

iso8583::Result<IssuerSimOptions> read_issuer_config(const std::string& path);
/// One `--fault` of the command line: "silent=5", in 1/1,000.
iso8583::Result<void> set_fault(IssuerFaults& faults, std::string_view name_and_permille);
/// `--dialect`.
iso8583::Result<void> set_dialect(IssuerConfig& config, std::string_view dialect_name);

}  // namespace routing
