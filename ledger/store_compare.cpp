#include "ledger/store_compare.hpp"

#include <string>
#include <utility>
#include <vector>

namespace ledger {

using iso8583::Result;

namespace {

using Entry = std::pair<std::string, std::string>;

/// Batches of a scan that is interrupted and goes on, so that two stores can be walked side by side.
Result<std::vector<Entry>, StoreError> some_from(const StoreReader& reader, Family family,
                                                 const std::string& from) {
    constexpr std::size_t entries_max = 4'096;
    std::vector<Entry> out;
    const auto read = reader.scan(family, from, "", [&](std::string_view key, std::string_view value) {
        out.emplace_back(key, value);
        return out.size() < entries_max;
    });
    if (!read) return tl::unexpected(read.error());
    return out;
}

}  // namespace

Result<void, StoreError> compare_stores(const StoreReader& ours, const StoreReader& theirs,
                                        const std::string& what) {
    for (const Family family : {Family::journal, Family::index})
        for (std::string from;;) {
            const auto a = some_from(ours, family, from);
            if (!a) return tl::unexpected(a.error());
            const auto b = some_from(theirs, family, from);
            if (!b) return tl::unexpected(b.error());
            if (*a != *b) return tl::unexpected(StoreError{StoreError::Kind::corruption, what});
            if (a->empty()) break;
            from = a->back().first + '\0';
        }
    return {};
}

}  // namespace ledger
