#include "routing/issuer_sim/issuer_key_file.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace routing {

using iso8583::parse_error;
using iso8583::Result;

Result<std::optional<IssuerKeyState>> read_key_file(const std::string& path) {
    std::error_code absent;
    if (!std::filesystem::exists(path, absent)) return std::optional<IssuerKeyState>();
    std::ifstream in(path);
    IssuerKeyState state;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const auto wrong = [&](const std::string& what) {
            return parse_error(path + ':' + std::to_string(number).append(": ").append(what));
        };
        const std::string kind = line.substr(0, line.find(' '));
        if ((kind != "zak" && kind != "zpk") || line.size() <= kind.size())
            return wrong("zak or zpk and a key block are needed");
        auto block = hsm::KeyBlock::parse(std::string_view(line).substr(kind.size() + 1));
        if (!block) return wrong(block.error().what);
        auto& keys = kind == "zak" ? state.zaks : state.zpks;
        if (keys.size() > issuer_keys_before) return wrong("more keys than are kept");
        keys.push_back(std::move(*block));
    }
    if (in.bad()) return parse_error(path + ": cannot be read");
    if (state.zaks.empty()) return parse_error(path + ": holds no zak");
    return std::optional(std::move(state));
}

Result<void> write_key_file(const std::string& path, const IssuerKeyState& state) {
    const std::string fresh = path + ".new";
    {
        std::ofstream out(fresh, std::ios::trunc);
        for (const hsm::KeyBlock& key : state.zaks) out << "zak " << key.text() << '\n';
        for (const hsm::KeyBlock& key : state.zpks) out << "zpk " << key.text() << '\n';
        out.flush();
        if (!out) return parse_error(fresh + ": cannot be written");
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) return parse_error(path + ": cannot be replaced");
    return {};
}

}  // namespace routing
