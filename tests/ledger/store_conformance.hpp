// What every store must do, whatever its engine: one list of cases over places that an engine's test program
// makes. What only one engine promises (its files, its failures) stays in that engine's own tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledger/store.hpp"

namespace ledger_test {

/// Where an engine keeps one store: new and empty, and gone with the object. It owns the open store.
class StorePlace {
  public:
    virtual ~StorePlace() = default;
    /// A new store, or what was there when the place was closed.
    virtual ledger::Store& open() = 0;
    /// Ends the store as an orderly stop of the process does.
    virtual void close() = 0;
};
using StorePlaces = std::function<std::unique_ptr<StorePlace>()>;

struct ConformanceCase {
    std::string name;
    std::function<void(const StorePlaces& new_place)> run;
};

/// All of them; each asks for places of its own.
const std::vector<ConformanceCase>& conformance_cases();

}  // namespace ledger_test
