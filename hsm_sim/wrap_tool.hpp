// The subcommands of hsm-sim that serve nobody: wrap-key and wrap-table for authors of configuration, the key
// ceremony of two officers, audit verification. They talk to a terminal.
#pragma once

#include <memory>
#include <string>

#include "hsm_sim/audit_chain.hpp"
#include "hsm_sim/lmk.hpp"
#include "hsm_sim/lmk_file.hpp"
#include "iso8583/values/result.hpp"

namespace hsm {

struct WrapKeyOptions {
    std::string type = "003";  // three hex digits
    std::string scheme = "U";  // Z, U, T, S
    std::string usage;         // of an S block; empty: the type's usual one
    std::string mode = "N";    // of an S block
    char exportability = 'N';  // of an S block
    std::string kind;          // ZPK, TAK …: which kind, where the type stands for several
};
/// Reads the clear key as hex from stdin; prints the key block and the check value. Only under the test LMK.
/// The exit code of the process.
int wrap_key(const WrapKeyOptions& options);
/// Reads a decimalisation table from stdin, prints it under the test LMK.
int wrap_table();
/// Two officers at one terminal make a real LMK and seal it into `path`; `key_file` empty: no unattended
/// start.
int hold_ceremony(const std::string& path, const std::string& key_file);
struct VerifyAuditOptions {
    std::string audit, head, lmk, lmk_key;  // but the first may be empty
};
int verify_audit(const VerifyAuditOptions& options);
/// MACs of the audit under this LMK.
AuditChain::Mac audit_mac_of(std::shared_ptr<const Lmk> lmk);

/// One line from the terminal without echo (or from stdin when it is no terminal). Wiped by the caller.
iso8583::Result<std::string> read_secret_line(const std::string& prompt);
/// The LMK that `--lmk` names: "test", or a sealed file, opened by key file or by both officers at the
/// terminal.
iso8583::Result<LmkMaterial> open_lmk_file(const std::string& path, const std::string& key_file,
                                           SealedLmk& sealed);

}  // namespace hsm
