#include "iso8583/ber_tlv.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace iso8583 {

namespace {

constexpr std::size_t tag_bytes_max = 4;
constexpr std::size_t length_bytes_max = 4;

std::size_t tag_size(std::uint32_t tag) { return tag > 0xFFFFFF ? 4 : tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1; }

class Parser {
  public:
    explicit Parser(ByteView bytes) : bytes_(bytes) {}

    std::optional<TlvError> run(std::size_t at, std::size_t end, int depth, const std::string& path) {
        while (at < end) {
            if (bytes_[at] == 0) {
                ++at;
                continue;
            }
            TlvNode node;
            node.begin = at;
            node.depth = depth;
            if (auto error = read_tag(at, end, path, node.tag)) return error;
            const std::string here = path.empty() ? tag_str(node.tag) : path + "." + tag_str(node.tag);
            std::size_t length = 0;
            if (auto error = read_length(at, end, here, length)) return error;
            if (end - at < length)
                return TlvError{TlvError::Kind::truncated_value, here, at, length, end - at};
            if (nodes.size() == tlv_nodes_max)
                return TlvError{TlvError::Kind::too_many, here, at, tlv_nodes_max, tlv_nodes_max + 1};
            node.value_begin = at;
            node.value = bytes_.subspan(at, length);
            nodes.push_back(node);
            if (node.constructed()) {
                if (depth + 1 == tlv_depth_max)
                    return TlvError{TlvError::Kind::too_deep, here, at, tlv_depth_max, tlv_depth_max + 1};
                if (auto error = run(at, at + length, depth + 1, here)) return error;
            }
            at += length;
        }
        return std::nullopt;
    }

    std::vector<TlvNode> nodes;

  private:
    std::optional<TlvError> read_tag(std::size_t& at, std::size_t end, const std::string& path,
                                     std::uint32_t& tag) const {
        const std::size_t begin = at;
        tag = bytes_[at++];
        if ((tag & 0x1F) != 0x1F) return std::nullopt;
        while (true) {
            if (at == end)
                return TlvError{TlvError::Kind::truncated_tag, path, begin, at - begin + 1, at - begin};
            if (at - begin == tag_bytes_max)
                return TlvError{TlvError::Kind::long_tag, path, begin, tag_bytes_max, tag_bytes_max + 1};
            const std::uint8_t next = bytes_[at++];
            tag = tag << 8 | next;
            if ((next & 0x80) == 0) return std::nullopt;
        }
    }

    std::optional<TlvError> read_length(std::size_t& at, std::size_t end, const std::string& path,
                                        std::size_t& length) const {
        if (at == end) return TlvError{TlvError::Kind::truncated_length, path, at, 1, 0};
        const std::size_t begin = at;
        length = bytes_[at++];
        if (length < 0x80) return std::nullopt;
        const std::size_t bytes = length & 0x7F;
        if (bytes == 0) return TlvError{TlvError::Kind::indefinite_length, path, begin, 0, 0};
        if (bytes > length_bytes_max)
            return TlvError{TlvError::Kind::long_length, path, begin, length_bytes_max, bytes};
        if (end - at < bytes) return TlvError{TlvError::Kind::truncated_length, path, at, bytes, end - at};
        length = 0;
        for (std::size_t i = 0; i < bytes; ++i) length = length << 8 | bytes_[at++];
        return std::nullopt;
    }

    ByteView bytes_;
};

void append_length(std::size_t length, Bytes& out) {
    if (length >= 0x80) {
        const std::size_t bytes = length > 0xFFFFFF ? 4 : length > 0xFFFF ? 3 : length > 0xFF ? 2 : 1;
        out.push_back(static_cast<std::uint8_t>(0x80 | bytes));
        for (std::size_t i = bytes; i-- > 1;)
            out.push_back(static_cast<std::uint8_t>(length >> (8 * i) & 0xFF));
    }
    out.push_back(static_cast<std::uint8_t>(length & 0xFF));
}

/// Index of the node at the path, or nothing.
std::optional<std::size_t> find_index(std::span<const TlvNode> nodes, std::string_view path) {
    std::size_t from = 0;
    std::size_t to = nodes.size();
    int depth = 0;
    while (true) {
        const std::size_t dot = path.find('.');
        const std::string_view step = path.substr(0, dot);
        std::size_t i = from;
        while (i < to && !(nodes[i].depth == depth && tag_str(nodes[i].tag) == step)) ++i;
        if (i == to) return std::nullopt;
        if (dot == std::string_view::npos) return i;
        path.remove_prefix(dot + 1);
        from = i + 1;
        while (from < to && nodes[from].depth > depth) ++from;
        to = from;
        from = i + 1;
        ++depth;
    }
}

}  // namespace

bool TlvNode::constructed() const { return (tag >> (8 * (tag_size(tag) - 1)) & 0x20) != 0; }

std::string TlvError::str() const {
    std::string where = fmt::format("{}{}offset {}", path, path.empty() ? "" : " at ", offset);
    switch (kind) {
        case Kind::truncated_tag:
            return fmt::format("{}: a tag is cut off", where);
        case Kind::long_tag:
            return fmt::format("{}: a tag of more than {} bytes", where, needed);
        case Kind::truncated_length:
            return fmt::format("{}: the length is cut off, {} bytes needed, {} there", where, needed, found);
        case Kind::long_length:
            return fmt::format("{}: a length of {} bytes, at most {} allowed", where, found, needed);
        case Kind::indefinite_length:
            return fmt::format("{}: an indefinite length", where);
        case Kind::truncated_value:
            return fmt::format("{}: {} bytes needed, {} there", where, needed, found);
        case Kind::too_deep:
            return fmt::format("{}: nested deeper than {}", where, needed);
        case Kind::too_many:
            return fmt::format("{}: more than {} elements", where, needed);
    }
    return where;
}

Result<std::vector<TlvNode>, TlvError> parse_ber_tlv(ByteView bytes) {
    Parser parser(bytes);
    if (auto error = parser.run(0, bytes.size(), 0, {})) return tl::unexpected(std::move(*error));
    return std::move(parser.nodes);
}

const TlvNode* find_tlv(std::span<const TlvNode> nodes, std::string_view path) {
    const auto i = find_index(nodes, path);
    return i ? &nodes[*i] : nullptr;
}

void append_tlv(std::uint32_t tag, ByteView value, Bytes& out) {
    for (std::size_t i = tag_size(tag); i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(tag >> (8 * i) & 0xFF));
    append_length(value.size(), out);
    out.insert(out.end(), value.begin(), value.end());
}

Result<Bytes> with_tlv(ByteView bytes, std::string_view path, ByteView value) {
    const auto nodes = parse_ber_tlv(bytes);
    if (!nodes) return parse_error(nodes.error().str());
    const std::size_t dot = path.find('.');
    const auto tag = parse_tag(path.substr(0, dot));
    if (!tag) return tl::unexpected(tag.error());
    const auto at = find_index(*nodes, path.substr(0, dot));
    Bytes inner(value.begin(), value.end());
    if (dot != std::string_view::npos) {
        if (!at) return parse_error(fmt::format("{} is not there to hold another tag", path.substr(0, dot)));
        if (!(*nodes)[*at].constructed())
            return parse_error(fmt::format("{} holds a value, no tags", path.substr(0, dot)));
        auto deeper = with_tlv((*nodes)[*at].value, path.substr(dot + 1), value);
        if (!deeper) return deeper;
        inner = std::move(*deeper);
    }
    if (!at && nodes->size() >= tlv_nodes_max)
        return parse_error(fmt::format("holds {} tags, no more are read", tlv_nodes_max));
    const std::size_t begin = at ? (*nodes)[*at].begin : bytes.size();
    const std::size_t end = at ? (*nodes)[*at].value_begin + (*nodes)[*at].value.size() : bytes.size();
    Bytes out(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    append_tlv(*tag, inner, out);
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(end), bytes.end());
    return out;
}

std::string tag_str(std::uint32_t tag) { return fmt::format("{:0{}X}", tag, 2 * tag_size(tag)); }

Result<std::uint32_t> parse_tag(std::string_view hex) {
    const auto bytes = parse_hex(hex);
    if (!bytes || bytes->empty() || bytes->size() > tag_bytes_max)
        return parse_error("a tag is 1 to 4 bytes of hex");
    std::uint32_t tag = 0;
    for (std::size_t i = 0; i < bytes->size(); ++i) {
        const std::uint8_t byte = (*bytes)[i];
        const bool more = i == 0 ? (byte & 0x1F) == 0x1F : (byte & 0x80) != 0;
        if (more != (i + 1 < bytes->size())) return parse_error("the bytes are no single BER tag");
        tag = tag << 8 | byte;
    }
    if (tag == 0) return parse_error("00 is padding, no tag");
    return tag;
}

namespace {

struct TagRow {  // NOLINT(clang-analyzer-optin.performance.Padding): number, then name, as in the document
    std::uint32_t tag;
    std::string_view name;
    Secret secret = Secret::none;
};

// clang-format off
constexpr TagRow tags[] = {
    {0x42, "issuer identification number"},
    {0x4F, "application identifier (card)"},
    {0x50, "application label"},
    {0x56, "track 1 equivalent data", Secret::track},
    {0x57, "track 2 equivalent data", Secret::track},
    {0x5A, "application primary account number", Secret::pan},
    {0x61, "application template"},
    {0x6F, "file control information template"},
    {0x70, "record template"},
    {0x71, "issuer script template 1"},
    {0x72, "issuer script template 2"},
    {0x77, "response message template format 2"},
    {0x80, "response message template format 1"},
    {0x81, "amount, authorised (binary)"},
    {0x82, "application interchange profile"},
    {0x83, "command template"},
    {0x84, "dedicated file name"},
    {0x86, "issuer script command"},
    {0x87, "application priority indicator"},
    {0x88, "short file identifier"},
    {0x89, "authorisation code"},
    {0x8A, "authorisation response code"},
    {0x8C, "card risk management data object list 1"},
    {0x8D, "card risk management data object list 2"},
    {0x8E, "cardholder verification method list"},
    {0x8F, "certification authority public key index"},
    {0x90, "issuer public key certificate"},
    {0x91, "issuer authentication data"},
    {0x92, "issuer public key remainder"},
    {0x93, "signed static application data"},
    {0x94, "application file locator"},
    {0x95, "terminal verification results"},
    {0x97, "transaction certificate data object list"},
    {0x98, "transaction certificate hash value"},
    {0x99, "transaction PIN data", Secret::pin},
    {0x9A, "transaction date"},
    {0x9B, "transaction status information"},
    {0x9C, "transaction type"},
    {0x9D, "directory definition file name"},
    {0xA5, "FCI proprietary template"},
    {0x5F20, "cardholder name", Secret::track},
    {0x5F24, "application expiration date"},
    {0x5F25, "application effective date"},
    {0x5F28, "issuer country code"},
    {0x5F2A, "transaction currency code"},
    {0x5F2D, "language preference"},
    {0x5F30, "service code"},
    {0x5F34, "PAN sequence number"},
    {0x5F36, "transaction currency exponent"},
    {0x9F01, "acquirer identifier"},
    {0x9F02, "amount, authorised (numeric)"},
    {0x9F03, "amount, other (numeric)"},
    {0x9F04, "amount, other (binary)"},
    {0x9F05, "application discretionary data"},
    {0x9F06, "application identifier (terminal)"},
    {0x9F07, "application usage control"},
    {0x9F08, "application version number (card)"},
    {0x9F09, "application version number (terminal)"},
    {0x9F0B, "cardholder name extended", Secret::track},
    {0x9F0D, "issuer action code - default"},
    {0x9F0E, "issuer action code - denial"},
    {0x9F0F, "issuer action code - online"},
    {0x9F10, "issuer application data"},
    {0x9F11, "issuer code table index"},
    {0x9F12, "application preferred name"},
    {0x9F13, "last online ATC register"},
    {0x9F14, "lower consecutive offline limit"},
    {0x9F15, "merchant category code"},
    {0x9F16, "merchant identifier"},
    {0x9F17, "PIN try counter"},
    {0x9F18, "issuer script identifier"},
    {0x9F1A, "terminal country code"},
    {0x9F1B, "terminal floor limit"},
    {0x9F1C, "terminal identification"},
    {0x9F1D, "terminal risk management data"},
    {0x9F1E, "interface device serial number"},
    {0x9F1F, "track 1 discretionary data", Secret::track},
    {0x9F20, "track 2 discretionary data", Secret::track},
    {0x9F21, "transaction time"},
    {0x9F22, "certification authority public key index (terminal)"},
    {0x9F23, "upper consecutive offline limit"},
    {0x9F26, "application cryptogram"},
    {0x9F27, "cryptogram information data"},
    {0x9F2D, "ICC PIN encipherment public key certificate"},
    {0x9F32, "issuer public key exponent"},
    {0x9F33, "terminal capabilities"},
    {0x9F34, "cardholder verification method results"},
    {0x9F35, "terminal type"},
    {0x9F36, "application transaction counter"},
    {0x9F37, "unpredictable number"},
    {0x9F38, "processing options data object list"},
    {0x9F39, "point of service entry mode"},
    {0x9F3A, "amount, reference currency"},
    {0x9F3B, "application reference currency"},
    {0x9F3C, "transaction reference currency code"},
    {0x9F3D, "transaction reference currency exponent"},
    {0x9F40, "additional terminal capabilities"},
    {0x9F41, "transaction sequence counter"},
    {0x9F42, "application currency code"},
    {0x9F43, "application reference currency exponent"},
    {0x9F44, "application currency exponent"},
    {0x9F45, "data authentication code"},
    {0x9F46, "ICC public key certificate"},
    {0x9F47, "ICC public key exponent"},
    {0x9F48, "ICC public key remainder"},
    {0x9F49, "dynamic data authentication data object list"},
    {0x9F4A, "static data authentication tag list"},
    {0x9F4B, "signed dynamic application data"},
    {0x9F4C, "ICC dynamic number"},
    {0x9F4D, "log entry"},
    {0x9F4E, "merchant name and location"},
    {0x9F53, "transaction category code"},
    {0x9F5B, "issuer script results"},
    {0x9F5D, "available offline spending amount"},
    {0x9F63, "product identification information"},
    {0x9F66, "terminal transaction qualifiers"},
    {0x9F6B, "track 2 data (contactless)", Secret::track},
    {0x9F6C, "card transaction qualifiers"},
    {0x9F6E, "form factor indicator"},
    {0x9F74, "electronic cash issuer authorization code"},
    {0x9F7C, "customer exclusive data"},
    {0xBF0C, "FCI issuer discretionary data"},
    {0xDF31, "issuer script results (UnionPay)"},
};
// clang-format on

const TagRow* find_row(std::uint32_t tag) {
    const auto* row =
        std::find_if(std::begin(tags), std::end(tags), [&](const TagRow& r) { return r.tag == tag; });
    return row == std::end(tags) ? nullptr : row;
}

}  // namespace

std::string_view tag_name(std::uint32_t tag) {
    const TagRow* row = find_row(tag);
    return row == nullptr ? std::string_view() : row->name;
}

Secret tag_secret(std::uint32_t tag) {
    const TagRow* row = find_row(tag);
    return row == nullptr ? Secret::none : row->secret;
}

}  // namespace iso8583
