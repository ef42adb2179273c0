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

Result<AuditChain> AuditChain::open(const std::string& path) {
    AuditChain chain;
    if (path.empty()) return chain;
    if (::access(path.c_str(), F_OK) == 0) {
        const auto verified = verify(path);
        if (!verified) return tl::unexpected(verified.error());
        chain.sequence_ = verified->lines;
        chain.head_ = verified->head;
    }
    chain.file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (chain.file_ < 0) return parse_error(path + ": " + std::strerror(errno));
    return chain;
}

AuditChain::~AuditChain() {
    if (file_ >= 0) ::close(file_);
}

AuditChain::AuditChain(AuditChain&& other) noexcept
    : file_(std::exchange(other.file_, -1)), sequence_(other.sequence_), head_(std::move(other.head_)) {}

Result<std::string> AuditChain::append(std::string_view time, std::string_view who,
                                       const KeyOperation& operation) {
    std::string line = "{\"sequence\":" + std::to_string(sequence_ + 1) + ",\"time\":" + json_string(time) +
                       ",\"who\":" + json_string(who) + ",\"what\":" + json_string(operation.what) +
                       ",\"type\":" + json_string(operation.type);
    if (!operation.kcv.empty()) line += ",\"kcv\":" + json_string(operation.kcv);
    if (operation.refused) line += ",\"refused\":" + json_string(code(*operation.refused));
    line += ",\"previous\":\"" + head_ + "\"";
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
    return hash;
}

Result<AuditChain::Verified> AuditChain::verify(const std::string& path) {
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
        const std::string body = line.substr(0, line.size() - tail);
        const std::string hash = line.substr(line.size() - 2 - hash_digits, hash_digits);
        const std::string start = "{\"sequence\":" + std::to_string(out.lines + 1) + ",";
        const std::string end = "\"previous\":\"" + out.head + "\"";
        if (body.compare(0, start.size(), start) != 0)
            return parse_error(where + "is not the next in sequence");
        if (body.size() < end.size() || body.compare(body.size() - end.size(), end.size(), end) != 0)
            return parse_error(where + "does not follow from the line before");
        if (sha256(body) != hash) return parse_error(where + "was changed: its hash does not fit");
        ++out.lines;
        out.head = hash;
    }
    return out;
}

}  // namespace hsm
