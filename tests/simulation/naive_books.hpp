// NaiveBooks: what a shop would write down of what its terminals were told, and nothing else: sales, refunds,
// voids, reversals that were answered 00. It knows neither records nor rules of the switch; by its sums alone
// more may never go back than was sold.
//
// Owner: the world. Fed by tills. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tests/peers/terminal_model.hpp"

namespace simulation {

class NaiveBooks {
  public:
    /// A terminal asks: from a reversal on, what it reverses may have been taken back though its answer was
    /// lost.
    void asked(const peers::Outgoing& sent);
    /// A terminal was answered, and the answer was in order. What does not add up, as a sentence.
    std::optional<std::string> told(const peers::Outgoing& sent, const peers::Outcome& outcome);

    /// Of a transaction whose terminal was told what did not stay so: people gave it up or settled it, or the
    /// issuer refused a partial reversal that had been accepted (R39). The sums of its sale say nothing then.
    std::function<bool(const std::string& rrn)> was_told_otherwise;

  private:
    enum class Kind : std::uint8_t { sale, refund, void_sale };
    struct Entry {
        Kind kind = Kind::sale;
        std::string sale;  // of a refund or void: the RRN on its slip
        std::int64_t amount = 0;
        bool taken_back = false;
        std::string key;  // terminal, transaction and trace
    };
    std::optional<std::string> judge(const std::string& sale) const;

    std::set<std::string> reversal_asked_;             // by key
    std::map<std::string, Entry> entries_;             // by RRN
    std::multimap<std::string, std::string> of_sale_;  // RRN of a sale → RRNs of its refunds and voids
};

}  // namespace simulation
