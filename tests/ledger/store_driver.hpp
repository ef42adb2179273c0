// What the store tests share: a directory that goes away, a commit that waits, a std::map as the model.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <random>
#include <semaphore>
#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace ledger_test {

using ledger::Batch;
using ledger::Family;

/// A new directory, in memory where the machine offers that (a test wants speed, and brings its own power
/// cuts).
class TempDirectory {
  public:
    TempDirectory() {
        std::error_code none;
        const bool shm = std::filesystem::is_directory("/dev/shm", none);
        std::string path =
            (shm ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
            "ledger-test-XXXXXX";
        if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = path;
    }
    ~TempDirectory() {
        std::error_code none;
        std::filesystem::remove_all(path_, none);
    }
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    [[nodiscard]] std::string path(const std::string& name = "") const {
        return name.empty() ? path_ : path_ + "/" + name;
    }

  private:
    std::string path_;
};

/// begin_sync, wait for done, finish_sync.
inline iso8583::Result<void, ledger::StoreError> commit(ledger::Store& store, Batch batch) {
    std::binary_semaphore done(0);
    store.begin_sync(std::move(batch), [&done] { done.release(); });
    done.acquire();
    return store.finish_sync();
}

inline Batch batch_of(std::uint64_t turn, const std::vector<ledger::Mutation>& mutations) {
    Batch batch;
    batch.turn_number = turn;
    batch.mutations = ledger::Mutations(mutations);
    return batch;
}

/// What a store should hold: the naive way.
struct Model {
    std::array<std::map<std::string, std::string>, 2> families;
    void apply(const Batch& batch) {
        for (const ledger::Mutation& m : batch.mutations) {
            auto& family = families[static_cast<std::size_t>(m.key.family)];
            if (m.value)
                family[m.key.bytes] = *m.value;
            else
                family.erase(m.key.bytes);
        }
    }
    friend bool operator==(const Model&, const Model&) = default;
};

/// Everything a reader shows; an error as an entry that no model has.
inline Model contents_of(const ledger::StoreReader& reader) {
    Model all;
    for (const Family family : {Family::journal, Family::index}) {
        auto& into = all.families[static_cast<std::size_t>(family)];
        const auto read = reader.scan(family, "", "", [&](std::string_view key, std::string_view value) {
            into.emplace(key, value);
            return true;
        });
        if (!read) into["error: " + read.error().what] = "";
    }
    return all;
}

using Rng = std::mt19937_64;
inline std::uint64_t below(Rng& rng, std::uint64_t n) { return rng() % n; }

/// Few distinct keys, so that overwriting and erasing happen; both families share them on purpose.
inline std::string random_key(Rng& rng) {
    static constexpr std::string_view prefixes[] = {"t", "s", "w\xFF", std::string_view("\0k", 2)};
    std::string key(prefixes[below(rng, 4)]);
    const std::uint64_t n = below(rng, 60);
    key.push_back(static_cast<char>(n * 4));
    if (below(rng, 4) == 0) key.append(below(rng, 5), '\xFF');
    return key;
}

inline Batch random_batch(Rng& rng, std::uint64_t turn, std::size_t value_bytes_max = 400) {
    Batch batch;
    batch.turn_number = turn;
    const std::uint64_t count = 1 + below(rng, 20);
    for (std::uint64_t i = 0; i < count; ++i) {
        const Family family = below(rng, 2) == 0 ? Family::journal : Family::index;
        if (below(rng, 5) == 0) {
            batch.erase(family, random_key(rng));
            continue;
        }
        std::string value(below(rng, value_bytes_max), '\0');
        for (char& c : value) c = static_cast<char>(rng());
        batch.put(family, random_key(rng), std::move(value));
    }
    return batch;
}

}  // namespace ledger_test
