// What another node answers on /role, and the list of nodes that a person gives: whatever it is, it is a role
// with a word in it or a sentence. Kept corpus: tests/fuzz/corpus/node_role.
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "switch/admin/active_node.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace acquirer::admin;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto role = parse_role(text)) {
        ENSURE(role->role == "active" || role->role == "standby");
        role->at = {"127.0.0.1", "9583", ""};
        const std::string said = text_of({*role});
        ENSURE(!said.empty() && said.find('\n') == std::string::npos);
        ENSURE((active_of({*role}) != nullptr) == (role->role == "active"));
    } else {
        ENSURE(!role.error().what.empty());
    }
    if (const auto nodes = parse_nodes(text)) {
        ENSURE(!nodes->empty() && nodes->size() <= nodes_max);
        for (const NodeAddress& node : *nodes) ENSURE(!node.host.empty() && !node.port.empty());
    } else {
        ENSURE(!nodes.error().what.empty());
    }
    return 0;
}
