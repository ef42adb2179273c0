#include <algorithm>
#include <utility>

#include "iso8583/subfield_codec.hpp"

namespace iso8583::detail {

using Kind = CodecError::Kind;

namespace {

// Datasets (ISO 8583:2003 annex A): an identifier of one byte and a length of two; up to 70 what follows is
// BER-TLV, above it a bitmap and its elements, and TLV after them when the bitmap's last bit says so.
constexpr std::uint8_t tlv_dataset_max = 0x70;
constexpr std::size_t dataset_head_bytes = 3;
constexpr std::size_t dataset_bytes_max = 0xFFFF;

// A tag after elements whose hex digits are also an element's number (tag 23 and element 23) is "0x23" there.
constexpr std::string_view tag_mark = "0x";

/// An error inside a dataset as one of its field.
CodecError of_dataset(CodecError e, const std::string& id, std::size_t offset) {
    e.path = e.path.empty() ? id : id + "." + e.path;
    e.offset += offset;
    return e;
}

/// Which elements the bitmap at the front of `content` announces, its bytes, and whether TLV follows them.
struct DatasetBitmap {
    std::vector<std::size_t> elements;
    std::size_t bytes = 0;
    bool tlv = false;
};
Result<DatasetBitmap, CodecError> read_dataset_bitmap(std::string_view content) {
    DatasetBitmap out;
    std::size_t element = 1;
    // The first word has 16 bits, the others 8; the first bit of each says that another follows, the last
    // bit of the last that TLV does.
    for (bool more = true; more;) {
        const std::size_t size = out.bytes == 0 ? 2 : 1;
        if (content.size() - out.bytes < size)
            return tl::unexpected(
                CodecError::inside(Kind::truncated, {}, out.bytes, size, content.size() - out.bytes));
        unsigned word = static_cast<std::uint8_t>(content[out.bytes]);
        if (size == 2) word = word << 8 | static_cast<std::uint8_t>(content[out.bytes + 1]);
        out.bytes += size;
        const unsigned bits = size == 2 ? 16 : 8;
        more = (word >> (bits - 1) & 1U) != 0;
        for (unsigned bit = 1; bit + (more ? 0U : 1U) < bits; ++bit, ++element)
            if ((word >> (bits - 1 - bit) & 1U) != 0) out.elements.push_back(element);
        out.tlv = !more && (word & 1U) != 0;
        if (element > dataset_elements_max)
            return tl::unexpected(CodecError::inside(Kind::bad_bitmap, {}, 0, 0, 0));
    }
    return out;
}

Result<Values, CodecError> parse_elements(const SubfieldSet& set, std::string_view content) {
    const auto bitmap = read_dataset_bitmap(content);
    if (!bitmap) return tl::unexpected(bitmap.error());
    Values out;
    std::size_t at = bitmap->bytes;
    for (const std::size_t element : bitmap->elements) {
        const std::string id = std::to_string(element);
        const Subfield* sub = find_sub(set, id);
        if (sub == nullptr) return tl::unexpected(CodecError::inside(Kind::lying_bitmap, id, 0, 0, 0));
        auto value = read_one(*sub, content, at);
        if (!value) return tl::unexpected(std::move(value.error()));
        out.push_back(std::move(*value));
    }
    if (bitmap->tlv) {
        auto tags = parse_tlv(set, content.substr(at));
        if (!tags) {
            tags.error().offset += at;
            return tl::unexpected(std::move(tags.error()));
        }
        for (SubfieldValue& v : *tags) {
            v.offset += at;
            if (find_sub(set, v.id) != nullptr) v.id.insert(0, tag_mark);
            out.push_back(std::move(v));
        }
        return out;
    }
    if (at < content.size())
        return tl::unexpected(CodecError::inside(Kind::trailing_bytes, {}, at, 0, content.size() - at));
    return out;
}

}  // namespace

Result<Values, CodecError> parse_datasets(const SubfieldSet& set, std::string_view content) {
    Values out;
    for (std::size_t at = 0; at < content.size();) {
        if (content.size() - at < dataset_head_bytes)
            return tl::unexpected(
                CodecError::inside(Kind::truncated, {}, at, dataset_head_bytes, content.size() - at));
        const auto identifier = static_cast<std::uint8_t>(content[at]);
        const std::string id = to_hex(as_bytes(content.substr(at, 1)));
        const std::size_t size = static_cast<std::size_t>(static_cast<std::uint8_t>(content[at + 1])) << 8 |
                                 static_cast<std::uint8_t>(content[at + 2]);
        at += dataset_head_bytes;
        if (size > content.size() - at)
            return tl::unexpected(CodecError::inside(Kind::lying_length, id, at, size, content.size() - at));
        SubfieldValue value{.id = id,
                            .name = {},
                            .content_class = Content::b,
                            .secret = Secret::none,
                            .offset = at,
                            .size = size,
                            .content = std::string(content.substr(at, size)),
                            .inside = {}};
        auto inside = identifier <= tlv_dataset_max ? parse_tlv(set, value.content)
                                                    : parse_elements(set, value.content);
        if (!inside) return tl::unexpected(of_dataset(std::move(inside.error()), id, at));
        value.inside = std::move(*inside);
        out.push_back(std::move(value));
        at += size;
    }
    return out;
}

namespace {

/// The bitmap of the elements among the values, and their content in its order.
Result<std::string, CodecError> format_elements(const SubfieldSet& set, const Values& values) {
    std::vector<std::pair<std::size_t, const SubfieldValue*>> elements;
    Values tags;
    for (const SubfieldValue& v : values) {
        if (find_sub(set, v.id) != nullptr) {
            elements.emplace_back(std::stoul(v.id), &v);
            continue;
        }
        tags.push_back(v);
        if (v.id.starts_with(tag_mark)) tags.back().id.erase(0, tag_mark.size());
    }
    std::sort(elements.begin(), elements.end());
    const std::size_t highest = elements.empty() ? 0 : elements.back().first;
    // One word has 14 elements, the first of several 15, those after it 7, the last one 6.
    std::size_t words = 0;
    while (highest > (words == 0 ? 14 : 15 + 7 * (words - 1) + 6)) ++words;
    std::string out(2 + words, '\0');
    const auto set_bit = [&out](std::size_t byte, unsigned bit) {
        out[byte] = static_cast<char>(static_cast<std::uint8_t>(out[byte]) | 0x80U >> bit);
    };
    for (std::size_t w = 0; w < words; ++w) set_bit(w == 0 ? 0 : w + 1, 0);
    for (const auto& [element, value] : elements) {
        if (element <= 15)
            set_bit(element / 8, static_cast<unsigned>(element % 8));
        else
            set_bit(2 + (element - 16) / 7, static_cast<unsigned>((element - 16) % 7 + 1));
    }
    if (!tags.empty()) set_bit(out.size() - 1, 7);
    for (const auto& [element, value] : elements)
        if (auto ok = write_one(*find_sub(set, value->id), *value, out); !ok)
            return tl::unexpected(std::move(ok.error()));
    Bytes tail;
    if (auto ok = format_tlv(tags, tail); !ok) return tl::unexpected(std::move(ok.error()));
    return out + std::string(as_text(tail));
}

}  // namespace

Result<std::string, CodecError> format_datasets(const SubfieldSet& set, const Values& values) {
    std::string out;
    for (const SubfieldValue& v : values) {
        const auto identifier = parse_hex(v.id);
        if (!identifier || identifier->size() != 1)
            return tl::unexpected(CodecError::inside(Kind::unknown_field, v.id, out.size(), 0, 0));
        std::string content = v.content;
        if (!v.inside.empty() && identifier->front() <= tlv_dataset_max) {
            Bytes inside;
            if (auto ok = format_tlv(v.inside, inside); !ok)
                return tl::unexpected(of_dataset(std::move(ok.error()), v.id, out.size()));
            content = as_text(inside);
        } else if (!v.inside.empty()) {
            auto inside = format_elements(set, v.inside);
            if (!inside) return tl::unexpected(of_dataset(std::move(inside.error()), v.id, out.size()));
            content = std::move(*inside);
        }
        if (content.size() > dataset_bytes_max)
            return tl::unexpected(
                CodecError::inside(Kind::over_long, v.id, out.size(), dataset_bytes_max, content.size()));
        out.push_back(static_cast<char>(identifier->front()));
        append_be16(out, static_cast<std::uint16_t>(content.size()));
        out += content;
    }
    return out;
}

}  // namespace iso8583::detail
