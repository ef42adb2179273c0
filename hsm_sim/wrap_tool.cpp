#include "hsm_sim/wrap_tool.hpp"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "hsm_sim/audit_chain.hpp"
#include "hsm_sim/engine.hpp"
#include "hsm_sim/key_ring.hpp"
#include "hsm_sim/openssl_random.hpp"

namespace hsm {
namespace {

using iso8583::ByteView;
using iso8583::parse_error;
using iso8583::Result;

int complain(const std::string& what) {
    std::cerr << program_invocation_short_name << ": " << what << '\n';
    return 1;
}

/// The filling of S blocks under the test LMK, always the same, so that configuration files are reproducible.
class FixedFill final : public iso8583::RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), std::uint8_t{0xA5}); }
};

/// Turns the terminal's echo off for a scope.
class NoEcho {
  public:
    NoEcho() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!is_terminal_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    ~NoEcho() {
        if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;

  private:
    termios before_{};
    bool is_terminal_;
};

/// A line of stdin without the stream's own buffers, which nobody would wipe.
Result<std::string> read_line() {
    static constexpr std::size_t line_bytes_max = 256;
    std::string line;
    line.reserve(line_bytes_max);
    for (;;) {
        char c = '\0';
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got <= 0 && line.empty()) return parse_error("the input has ended");
        if (got <= 0 || c == '\n') return line;
        if (c == '\r') continue;
        if (line.size() == line_bytes_max) return parse_error("the line is longer than 256 characters");
        line.push_back(c);
    }
}

bool confirmed(const std::string& question) {
    std::cout << question << " [y/n] " << std::flush;
    const auto line = read_line();
    return line && (*line == "y" || *line == "Y" || *line == "yes");
}

std::string without_spaces(const std::string& text) {
    std::string out;
    for (const char c : text)
        if (c != ' ') out.push_back(c);
    return out;
}

}  // namespace

Result<std::string> read_secret_line(const std::string& prompt) {
    // Echo goes off first: who types as soon as the prompt stands there must not be shown.
    const NoEcho quiet;
    std::cout << prompt << std::flush;
    auto line = read_line();
    std::cout << '\n' << std::flush;
    return line;
}

int wrap_key(const WrapKeyOptions& options) {
    const auto type = KeyType::parse(options.type);
    if (!type)
        return complain(
            "--type needs three hex digits of a key type, such as 001 ZPK, 002 TMK, 003 TAK, 008 ZAK");
    if (options.scheme.size() != 1 || std::string("ZUTS").find(options.scheme[0]) == std::string::npos)
        return complain("--scheme is one of Z, U, T, S");
    auto line = read_line();
    if (!line) return complain("needs the clear key as hex on stdin: " + line.error().what);
    const Wipe wipe_line(*line);
    auto bytes = iso8583::parse_hex(*line);
    if (!bytes || bytes->size() < 8 || bytes->size() > ClearKey::bytes_max || bytes->size() % 8 != 0)
        return complain("the clear key needs 16, 32, 48 or 64 hex digits");
    const Wipe wipe(*bytes);
    const bool aes = options.scheme == "S";
    UnwrappedLmkKey key{ClearKey{ByteView(*bytes)},
                        {aes ? 'A' : 'T', options.usage, options.mode[0], options.exportability}};
    if (aes && bytes->size() < 16) return complain("an AES key has 32, 48 or 64 hex digits");
    if (!aes && !has_odd_parity(key.key.view())) return complain("the clear key has no odd parity");
    if (!aes && is_single_length_masquerade(key.key.view()))
        return complain("the parts of the clear key are equal");
    KeyRing ring(Lmk::test());
    FixedFill fill;
    Result<std::string, KeyFault> text = std::string();
    const auto kinds = kinds_of(*type);
    if (aes) {
        KeyKind kind{};
        bool found = false;
        for (const KeyKind candidate : kinds)
            if (options.kind.empty() ? kinds.size() == 1 : name(candidate) == options.kind) {
                kind = candidate;
                found = true;
            }
        if (!found) return complain("--kind must name one kind of this type, such as TPK");
        const auto block = ring.wrap(kind, key.key, 'S', key.attributes, fill);
        if (!block) return complain(block.error().why);
        text = block->text();
    } else {
        text = ring.wrap_typed(*type, key, options.scheme[0], "00", fill);
    }
    if (!text) return complain(text.error().why);
    std::cerr << "hsm-sim: under the TEST LMK, which is published and protects nothing\n";
    std::cout << *text << " kcv ";
    if (aes)
        std::cout << iso8583::to_hex(aes_check_value(key.key.view())) << '\n';
    else
        std::cout << iso8583::to_hex(ByteView(tdes_check_value(key.key.view())).first(3)) << '\n';
    return 0;
}

int wrap_table() {
    const auto line = read_line();
    if (!line) return complain("needs the decimalisation table on stdin: " + line.error().what);
    OpensslRandom random;
    const HsmEngine engine(Lmk::test(), random);
    const auto text = engine.encrypt_decimalisation_table(*line);
    if (!text)
        return complain(
            "no decimalisation table: 16 digits, 8 different ones at least, none more than 4 times");
    std::cout << *text << '\n';
    return 0;
}

namespace {

Result<ClearKey> ask_component(std::size_t officer) {
    auto line = read_secret_line("Officer " + std::to_string(officer) +
                                 ", your component (64 hex digits, not shown): ");
    if (!line) return tl::unexpected(line.error());
    const Wipe wipe(*line);
    std::string digits = without_spaces(*line);
    const Wipe wipe_digits(digits);
    auto component = parse_lmk_component(digits);
    if (!component) return component;
    std::cout << "  check value of the component: " << iso8583::to_hex(aes_check_value(component->view()))
              << '\n';
    if (!confirmed("  Is that the check value on your sheet?"))
        return parse_error("the component was not confirmed");
    return component;
}

Result<std::string> ask_new_passphrase(std::size_t officer) {
    auto first = read_secret_line("Officer " + std::to_string(officer) + ", a passphrase of at least " +
                                  std::to_string(passphrase_characters_min) + " characters (not shown): ");
    if (!first) return first;
    const Wipe wipe_first(*first);
    if (first->size() < passphrase_characters_min)
        return parse_error("the passphrase is shorter than " + std::to_string(passphrase_characters_min) +
                           " characters");
    auto again = read_secret_line("  once more: ");
    if (!again) return again;
    const Wipe wipe_again(*again);
    if (*first != *again) return parse_error("the two passphrases differ");
    // A copy, because both are wiped here.
    return std::string(*again);
}

/// A slip of one officer does not cost the other his part.
template <typename Ask>
auto with_tries(std::size_t officer, const Ask& ask) {
    constexpr int tries_max = 3;
    auto answer = ask(officer);
    for (int tries = 1; !answer && tries < tries_max; ++tries) {
        std::cout << "  " << answer.error().what << "; once again.\n";
        answer = ask(officer);
    }
    return answer;
}

}  // namespace

int hold_ceremony(const std::string& path, const std::string& key_file) {
    if (::access(path.c_str(), F_OK) == 0)
        return complain(path + ": exists; a ceremony never overwrites an LMK");
    std::cout
        << "Key ceremony: two officers make an LMK. Each types a component that the other does not know.\n";
    SealingSecrets secrets;
    std::array<ClearKey, officers_count> components;
    for (std::size_t i = 0; i < officers_count; ++i) {
        const auto component = with_tries(i + 1, ask_component);
        if (!component) return complain("officer " + std::to_string(i + 1) + ": " + component.error().what);
        components[i] = *component;
        auto passphrase = with_tries(i + 1, ask_new_passphrase);
        if (!passphrase) return complain("officer " + std::to_string(i + 1) + ": " + passphrase.error().what);
        secrets.passphrases[i] = std::move(*passphrase);
    }
    const auto material = combine_lmk_components(components[0], components[1]);
    if (!material) return complain(material.error().what);
    OpensslRandom random;
    if (!key_file.empty()) {
        secrets.key_file.emplace(32);
        random.fill({secrets.key_file->data(), 32});
    }
    const auto sealed = seal_lmk(*material, secrets, random);
    if (!sealed) return complain(sealed.error().what);
    std::cout << "LMK check value: " << sealed->check_value << '\n';
    if (!confirmed("Write the sealed LMK to " + path + "?")) return complain("nothing was written");
    if (secrets.key_file) {
        std::string hex = iso8583::to_hex(secrets.key_file->view()) + "\n";
        const Wipe wipe(hex);
        const auto written = write_secret_file(key_file, hex);
        if (!written) return complain(written.error().what);
    }
    const auto written = write_secret_file(path, sealed->text());
    if (!written) return complain(written.error().what);
    std::cout << "Written. Keep the components apart from each other and from this machine";
    std::cout << (key_file.empty() ? ".\n" : ", and the key file on another medium than the LMK.\n");
    return 0;
}

int verify_audit(const VerifyAuditOptions& options) {
    std::shared_ptr<const Lmk> lmk;
    if (options.lmk == "test") {
        lmk = std::make_shared<const Lmk>(Lmk::test());
    } else if (!options.lmk.empty()) {
        SealedLmk sealed;
        const auto material = open_lmk_file(options.lmk, options.lmk_key, sealed);
        if (!material) return complain(material.error().what);
        lmk = std::make_shared<const Lmk>(*material);
    }
    const AuditChain::Mac mac = lmk ? audit_mac_of(lmk) : AuditChain::Mac{};
    std::optional<AuditChain::Head> noted;
    if (!options.head.empty()) {
        auto read = AuditChain::read_head(options.head, mac);
        if (!read) return complain(read.error().what);
        if (!*read) return complain(options.head + ": there is no such file");
        noted = std::move(*read);
    }
    const auto verified = AuditChain::verify(options.audit, mac, noted);
    if (!verified) return complain(verified.error().what);
    if (mac && verified->lines != 0 && verified->keyed_from == 0)
        return complain(options.audit + ": no line carries a MAC");
    std::cout << "audit: " << verified->lines << " lines in order, head " << verified->head;
    if (verified->keyed_from != 0)
        std::cout << ", MACs from line " << verified->keyed_from
                  << (mac ? " on are right" : " on not checked");
    std::cout << '\n';
    return 0;
}

AuditChain::Mac audit_mac_of(std::shared_ptr<const Lmk> lmk) {
    return [lmk = std::move(lmk)](std::string_view text) {
        return iso8583::to_hex(lmk->audit_mac(iso8583::as_bytes(text)));
    };
}

Result<LmkMaterial> open_lmk_file(const std::string& path, const std::string& key_file, SealedLmk& sealed) {
    auto read = read_sealed_lmk(path);
    if (!read) return tl::unexpected(read.error());
    sealed = std::move(*read);
    if (!key_file.empty()) return open_lmk_files(path, key_file);
    SealingSecrets secrets;
    for (std::size_t i = 0; i < officers_count; ++i) {
        auto line = read_secret_line("Officer " + std::to_string(i + 1) + ", your passphrase (not shown): ");
        if (!line) return tl::unexpected(line.error());
        secrets.passphrases[i] = std::move(*line);
    }
    return open_lmk(sealed, secrets.passphrases);
}

}  // namespace hsm
