#include "iso8583/specs/resident_dialects.hpp"

#include <fmt/format.h>

#include <deque>
#include <mutex>

namespace iso8583::specs {

namespace {

struct Resident {
    std::string path;
    std::string content;  // in our own form: what makes two files the same dialect
    std::shared_ptr<const Dialect> dialect;
};

}  // namespace

Result<const Dialect*, SpecProblems> resident_dialect(const std::string& name, SpecProblems* notes) {
    static std::mutex lock;
    static std::deque<Resident> residents;
    if (const Dialect* built_in = find_dialect(name)) return built_in;
    auto loaded = find_or_load_dialect(name, notes);
    if (!loaded) return tl::unexpected(std::move(loaded.error()));
    std::string content = write_spec((*loaded)->spec(), SpecFormat::toml)->text;
    const std::lock_guard guard(lock);
    for (const Resident& r : residents)
        if (r.path == name && r.content == content) return r.dialect.get();
    if (residents.size() == resident_dialects_max)
        return tl::unexpected(
            SpecProblems{{name, fmt::format("{} dialects are loaded, and no more can be until a restart",
                                            resident_dialects_max)}});
    residents.push_back({name, std::move(content), std::move(*loaded)});
    return residents.back().dialect.get();
}

}  // namespace iso8583::specs
