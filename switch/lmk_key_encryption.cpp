#include "switch/lmk_key_encryption.hpp"

#include <algorithm>

namespace acquirer {

using iso8583::Bytes;
using iso8583::ByteView;
using iso8583::parse_error;

namespace {

// A key block holds 32 bytes; longer material is cut into parts, each with its number as the block's key
// version, so that parts cannot change places. Parts stand one a line. Stored: do not change.
constexpr std::size_t part_bytes = 32;
constexpr std::size_t parts_max = 9;
struct Usage {
    std::string_view usage;
    char algorithm, mode;
};
/// By Use.
constexpr Usage usages[] = {{"K0", 'A', 'B'}, {"M7", 'H', 'C'}};

std::string part_number(std::size_t part) { return "P" + std::to_string(part); }

}  // namespace

iso8583::Result<Bytes> LmkKeyEncryption::wrap(ByteView clear) const {
    if (clear.empty() || clear.size() % part_bytes != 0 || clear.size() / part_bytes > parts_max)
        return parse_error("key material of a length that the LMK does not seal");
    std::string text;
    for (std::size_t at = 0; at < clear.size(); at += part_bytes) {
        hsm::KeyBlockHeader header;
        const Usage& wanted = usages[static_cast<std::size_t>(use_)];
        header.usage = wanted.usage;
        header.algorithm = wanted.algorithm;
        header.mode = wanted.mode;
        header.key_version = part_number(at / part_bytes);
        header.exportability = 'N';
        text += lmk_.blocks().wrap(header, hsm::ClearKey(clear.subspan(at, part_bytes)), random_);
        text.push_back('\n');
    }
    const ByteView view = iso8583::as_bytes(text);
    return Bytes(view.begin(), view.end());
}

iso8583::Result<Bytes> LmkKeyEncryption::unwrap(ByteView wrapped) const {
    Bytes clear;
    clear.reserve(parts_max * part_bytes);  // no copy of it stays behind when it grows
    std::string_view rest = iso8583::as_text(wrapped);
    for (std::size_t part = 0; !rest.empty(); ++part) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const auto block = lmk_.blocks().unwrap(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!block) return parse_error("it was changed, or sealed under another LMK: " + block.error().what);
        if (part >= parts_max || block->header.usage != usages[static_cast<std::size_t>(use_)].usage ||
            block->header.key_version != part_number(part) || block->key.size() != part_bytes)
            return parse_error("its key blocks are not the ones that seal such a key");
        const ByteView key = block->key.view();
        clear.insert(clear.end(), key.begin(), key.end());
    }
    return clear;
}

}  // namespace acquirer
