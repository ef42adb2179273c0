// What `production = true` does not allow of a configuration; what it does not allow of the machine is
// switch/production.cpp's. Each problem names the key that says it.
#include <map>

#include "switch/config/config_builder.hpp"

namespace acquirer::config {

namespace {

/// Terminals whose keys are not theirs alone: more than one in a range, or a block that another range has.
void check_shared_keys(const RawConfig& raw, Reader& reader) {
    std::map<std::string, std::string> seen;  // a key block, and the range that has it
    for (const auto& [path, terminals] : raw.terminals) {
        if (terminals.shared_keys) continue;
        if (terminals.first != terminals.last)
            reader.problem(path + ".shared_keys",
                           "terminals " + terminals.first + " to " + terminals.last +
                               " have one key for all of them: a range each, or shared_keys = true");
        for (const hsm::KeyBlock* key : {&terminals.range.tmk, &terminals.range.tak, &terminals.range.tpk}) {
            if (key->empty()) continue;
            const auto [at, added] = seen.emplace(std::string(key->text()), path);
            if (!added && at->second != path)
                reader.problem(path + ".shared_keys", "has a key block of " + at->second +
                                                          " too: another one, or shared_keys = true");
        }
    }
}

}  // namespace

void check_production(const RawConfig& raw, Reader& reader) {
    const std::string because = " (production = true)";
    if (raw.top.demo) reader.problem("demo", "and production exclude each other");
    if (raw.hsm.embedded && raw.hsm.lmk == "test")
        reader.problem("hsm.lmk", "is the published test LMK: every key under it is known" + because);
    if (raw.store.engine == StoreEngine::rocks && raw.store.acknowledged_copy.empty())
        reader.problem("store.acknowledged_copy",
                       "is needed: a ledger that loses its end together with its own note of it would not be "
                       "noticed" +
                           because);
    if (raw.audit.head_file.empty())
        reader.problem("audit.head_file",
                       "is needed: an audit chain that was cut or made anew would not be noticed" + because);
    check_shared_keys(raw, reader);
}

}  // namespace acquirer::config
