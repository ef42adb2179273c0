// NewKeys: which keys of a turn certainly are in no table yet. Their rows are inserted, which costs
// PostgreSQL two thirds of an insert that looks for a row to replace first (docs/decisions/0069). Most
// records of the journal are numbered upwards: a key that stands behind every key of its kind is new, and
// nothing has to be read to know it. Of any other key nothing is said.
//
// Thread: whoever writes turns; turns may be copied by another meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "ledger/store.hpp"

namespace ledger {

class NewKeys {
  public:
    /// `copy` outlives it, and has every turn that was written before the first that is asked about.
    explicit NewKeys(const StoreReader& copy) : copy_(copy) {}

    [[nodiscard]] bool is_new(const Key& key);
    /// `batch` is on its way to the tables, perhaps not for the first time.
    void remember(const Batch& batch);

  private:
    static constexpr std::size_t kinds = 256;  // first byte of a key: key_layout.hpp
    /// Nothing: it could not be read.
    std::optional<std::string>& last_of_kind(const Key& key);

    const StoreReader& copy_;
    struct Last {
        bool read = false;
        std::optional<std::string> key;
    };
    std::array<std::array<Last, kinds>, 2> last_;  // by Family, from when one of the kind is met first
};

}  // namespace ledger
