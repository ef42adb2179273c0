// Content of a field with subfields: positional ones, tags with and without a table, a bitmap, one inside the
// other, by the first byte. What parses is written to content that parses to the same.
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "iso8583/subfields.hpp"

using namespace iso8583;

namespace {

Subfield sub(const char* id, Content content, Encoding encoding, Prefix prefix, std::uint8_t prefix_size,
             std::uint16_t max) {
    Subfield s;
    s.id = id;
    s.spec.content = content;
    s.spec.encoding = encoding;
    s.spec.prefix = prefix;
    s.spec.prefix_size = prefix_size;
    s.spec.max = max;
    s.spec.min = prefix == Prefix::none ? max : std::uint16_t{0};
    return s;
}

std::vector<SubfieldSet> make_sets() {
    SubfieldSet positional;
    positional.fields = {sub("1", Content::n, Encoding::bcd, Prefix::bcd, 2, 19),
                         sub("2", Content::ans, Encoding::ascii, Prefix::none, 0, 3),
                         sub("3", Content::b, Encoding::hex, Prefix::ascii, 2, 9)};
    SubfieldSet tagged;
    tagged.kind = SubfieldSet::Kind::tagged;
    tagged.tag_size = 2;
    tagged.unknown_prefix = Prefix::ascii;
    tagged.unknown_prefix_size = 2;
    tagged.fields = {sub("01", Content::an, Encoding::ascii, Prefix::ascii, 2, 20),
                     sub("02", Content::b, Encoding::binary, Prefix::binary, 1, 99)};
    tagged.fields[1].spec.subfields = std::make_shared<SubfieldSet>(positional);
    SubfieldSet bitmap;
    bitmap.kind = SubfieldSet::Kind::bitmap;
    bitmap.bitmap_bytes = 2;
    bitmap.bitmap_extends = true;
    bitmap.fields = {sub("2", Content::b, Encoding::binary, Prefix::binary, 2, 999),
                     sub("17", Content::n, Encoding::ascii, Prefix::none, 0, 4)};
    bitmap.fields[0].spec.subfields = std::make_shared<SubfieldSet>(tagged);
    SubfieldSet packed_tags = tagged;
    packed_tags.tag_encoding = Encoding::binary;
    packed_tags.fields[0].id = "0A";
    SubfieldSet tlv;
    tlv.kind = SubfieldSet::Kind::ber_tlv;
    SubfieldSet lengths_first;
    lengths_first.kind = SubfieldSet::Kind::tagged;
    lengths_first.tag_size = 2;
    lengths_first.lead = 1;
    lengths_first.length_first = true;
    lengths_first.unknown_prefix = Prefix::ascii;
    lengths_first.unknown_prefix_size = 2;
    lengths_first.fields = {sub("0", Content::ans, Encoding::ascii, Prefix::none, 0, 1),
                            sub("01", Content::an, Encoding::ascii, Prefix::ascii, 2, 20)};
    SubfieldSet datasets;
    datasets.kind = SubfieldSet::Kind::dataset;
    datasets.fields = {sub("1", Content::n, Encoding::bcd, Prefix::none, 0, 4),
                       sub("15", Content::ans, Encoding::ascii, Prefix::ascii, 2, 20),
                       sub("23", Content::b, Encoding::binary, Prefix::none, 0, 2)};
    std::vector<SubfieldSet> sets{positional, tagged, bitmap, packed_tags, tlv, lengths_first, datasets};
    for (const SubfieldSet& set : sets)
        if (!check_subfields(set, 48)) std::abort();
    return sets;
}

bool same(const std::vector<SubfieldValue>& a, const std::vector<SubfieldValue>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i].id != b[i].id || !same(a[i].inside, b[i].inside) ||
            (a[i].inside.empty() && a[i].content != b[i].content))
            return false;
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<SubfieldSet> sets = make_sets();
    if (size == 0) return 0;
    const SubfieldSet& set = sets[data[0] % sets.size()];
    const std::string_view content(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto values = parse_subfields(set, content);
    if (!values) {
        if (values.error().offset > content.size()) std::abort();
        return 0;
    }
    const auto written = format_subfields(set, *values);
    if (!written) std::abort();
    const auto again = parse_subfields(set, *written);
    if (!again || !same(*again, *values)) std::abort();
    return 0;
}
