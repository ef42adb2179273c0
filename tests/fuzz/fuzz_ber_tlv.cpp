// BER-TLV: any bytes. What parses covers the bytes in order, and an edit changes one value.
#include <cstdint>
#include <cstdlib>

#include "iso8583/ber_tlv.hpp"

using namespace iso8583;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    const auto nodes = parse_ber_tlv(bytes);
    if (!nodes) {
        if (nodes.error().offset > size) std::abort();
        static_cast<void>(nodes.error().str());
        return 0;
    }
    Bytes written;
    for (const TlvNode& node : *nodes) {
        if (node.value_begin + node.value.size() > size) std::abort();
        if (!parse_tag(tag_str(node.tag))) std::abort();
        if (node.depth == 0) append_tlv(node.tag, node.value, written);
    }
    const auto again = parse_ber_tlv(written);
    if (!again || again->size() != nodes->size()) std::abort();
    const std::uint8_t value[] = {0x12, 0x34};
    const auto edited = with_tlv(bytes, "DF7F", value);
    if (nodes->size() == tlv_nodes_max && find_tlv(*nodes, "DF7F") == nullptr) {
        if (edited) std::abort();  // one tag more could not be read again
        return 0;
    }
    if (!edited) std::abort();
    const auto after = parse_ber_tlv(*edited);
    if (!after) std::abort();
    const TlvNode* node = find_tlv(*after, "DF7F");
    if (node == nullptr || to_hex(node->value) != "1234") std::abort();
    return 0;
}
