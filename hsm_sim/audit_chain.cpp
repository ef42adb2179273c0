#include "hsm_sim/audit_chain.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "iso8583/values/ensure.hpp"

namespace hsm {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::string_view hash_field = ",\"hash\":\"";
constexpr std::string_view mac_field = ",\"mac\":\"";
constexpr std::string_view head_heading = "hsm-sim audit head 1";
constexpr std::size_t hash_digits = 64;
const std::string before_the_first(hash_digits, '0');

std::string sha256(std::string_view text) {
    std::array<std::uint8_t, 32> out{};
    unsigned size = 0;
    ENSURE(EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr) == 1);
    return iso8583::to_hex(out);
}

}  // namespace

std::string json_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<std::uint8_t>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte > 0x7E) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
            out += escaped.data();
        } else {
            out += c;
        }
    }
    return out + '"';
}

Result<AuditChain> AuditChain::open(const std::string& path, Mac mac, const std::optional<Head>& noted) {
    AuditChain chain;
    chain.mac_ = std::move(mac);
    if (path.empty()) return chain;
    if (::access(path.c_str(), F_OK) == 0) {
        const auto verified = verify(path, chain.mac_, noted);
        if (!verified) return tl::unexpected(verified.error());
        chain.sequence_ = verified->lines;
        chain.head_ = verified->head;
        chain.keyed_from_ = verified->keyed_from;
    } else if (noted && noted->line != 0) {
        return parse_error(path + ": is missing, and line " + std::to_string(noted->line) +
                           " of it was noted");
    }
    chain.file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (chain.file_ < 0) return parse_error(path + ": " + std::strerror(errno));
    return chain;
}

AuditChain::~AuditChain() {
    if (file_ >= 0) ::close(file_);
}

AuditChain::AuditChain(AuditChain&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      sequence_(other.sequence_),
      head_(std::move(other.head_)),
      keyed_from_(other.keyed_from_),
      mac_(std::move(other.mac_)) {}

Result<std::string> AuditChain::append(std::string_view time, std::string_view who,
                                       const KeyOperation& operation) {
    std::string line = "{\"sequence\":" + std::to_string(sequence_ + 1) + ",\"time\":" + json_string(time) +
                       ",\"who\":" + json_string(who) + ",\"what\":" + json_string(operation.what) +
                       ",\"type\":" + json_string(operation.type);
    if (!operation.kcv.empty()) line += ",\"kcv\":" + json_string(operation.kcv);
    if (operation.refused) line += ",\"refused\":" + json_string(code(*operation.refused));
    line += ",\"previous\":\"" + head_ + "\"";
    if (mac_) line += std::string(mac_field) + mac_(line) + "\"";
    const std::string hash = sha256(line);
    line += std::string(hash_field) + hash + "\"}\n";
    if (line.size() > line_bytes_max) return parse_error("audit: a line would be longer than 1024 bytes");
    if (file_ >= 0) {
        if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
            ::fdatasync(file_) != 0)
            return parse_error(std::string("audit: ") + std::strerror(errno));
    }
    ++sequence_;
    head_ = hash;
    if (mac_ && keyed_from_ == 0) keyed_from_ = sequence_;
    return hash;
}

namespace {

/// Takes the MAC off the end of a line's body; empty: it has none.
std::string take_mac(std::string& body) {
    const std::size_t tail = mac_field.size() + hash_digits + 1;
    if (body.size() < tail || body.compare(body.size() - tail, mac_field.size(), mac_field) != 0) return {};
    std::string mac = body.substr(body.size() - 1 - hash_digits, hash_digits);
    body.resize(body.size() - tail);
    return mac;
}

}  // namespace

Result<AuditChain::Verified> AuditChain::verify(const std::string& path, const Mac& mac,
                                                const std::optional<Head>& noted) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return parse_error(path + ": " + std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return parse_error(path + ": is no regular file");
    std::ifstream in(path, std::ios::binary);
    if (!in) return parse_error(path + ": " + std::strerror(errno));
    Verified out;
    out.head = before_the_first;
    std::array<char, line_bytes_max + 1> buffer{};
    while (in.getline(buffer.data(), buffer.size()) || in.gcount() != 0) {
        const std::string line(buffer.data());
        const bool too_long = in.fail();
        const std::string where = path + ", line " + std::to_string(out.lines + 1) + ": ";
        const std::size_t tail = hash_field.size() + hash_digits + 2;
        if (too_long) return parse_error(where + "is longer than 1024 bytes");
        if (in.eof()) return parse_error(where + "has no end of line; the last write was cut off");
        if (line.size() < tail || line.compare(line.size() - tail, hash_field.size(), hash_field) != 0)
            return parse_error(where + "carries no hash");
        const std::string whole = line.substr(0, line.size() - tail);
        std::string body = whole;
        const std::string line_mac = take_mac(body);
        const std::string hash = line.substr(line.size() - 2 - hash_digits, hash_digits);
        const std::string start = "{\"sequence\":" + std::to_string(out.lines + 1) + ",";
        const std::string end = "\"previous\":\"" + out.head + "\"";
        if (body.compare(0, start.size(), start) != 0)
            return parse_error(where + "is not the next in sequence");
        if (body.size() < end.size() || body.compare(body.size() - end.size(), end.size(), end) != 0)
            return parse_error(where + "does not follow from the line before");
        if (sha256(whole) != hash) return parse_error(where + "was changed: its hash does not fit");
        if (out.keyed_from != 0 && line_mac.empty())
            return parse_error(where + "carries no MAC, and line " + std::to_string(out.keyed_from) +
                               " does: written anew from here on");
        if (mac && !line_mac.empty() && mac(body) != line_mac)
            return parse_error(where + "its MAC is not under this LMK: somebody else wrote it");
        ++out.lines;
        out.head = hash;
        if (!line_mac.empty() && out.keyed_from == 0) out.keyed_from = out.lines;
        if (noted && noted->line == out.lines && noted->hash != hash)
            return parse_error(where + "is not the one that was noted: the chain was written anew");
    }
    if (noted && noted->line > out.lines)
        return parse_error(path + ": ends at line " + std::to_string(out.lines) + ", and line " +
                           std::to_string(noted->line) + " was noted: it was cut, or made anew");
    return out;
}

std::string AuditChain::head_text(const Head& head, const Mac& mac) {
    std::string text =
        std::string(head_heading) + " line=" + std::to_string(head.line) + " hash=" + head.hash;
    if (mac) text += " mac=" + mac(text);
    return text + "\n";
}

Result<std::optional<AuditChain::Head>> AuditChain::read_head(const std::string& path, const Mac& mac) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::optional<Head>{};
    std::ifstream in(path, std::ios::binary);
    std::array<char, line_bytes_max + 1> buffer{};
    in.read(buffer.data(), line_bytes_max);
    const std::string text(buffer.data(), static_cast<std::size_t>(in.gcount()));
    unsigned long long line = 0;
    std::array<char, hash_digits + 1> hash{};
    if (std::sscanf(text.c_str(), "hsm-sim audit head 1 line=%20llu hash=%64[0-9a-fA-F]", &line,
                    hash.data()) != 2)
        return parse_error(path + ": is no head of an audit");
    Head head{line, hash.data()};
    // What was written without a MAC is from before there was one.
    if (text != head_text(head, mac) && text != head_text(head, {}))
        return parse_error(path + ": was changed, or is of another LMK: its MAC does not fit");
    return std::optional(std::move(head));
}

}  // namespace hsm
