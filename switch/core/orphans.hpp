// Orphans: transactions that are not final and that nothing and nobody waits for (I6a: every story ends). A
// transaction that is not final is (a) awaiting an answer with a running deadline, (b) in the queue with a
// next attempt, (c) before a person: an open case, or an open, owned exception whose command leads out, or
// (d) behind another one of its chain that is itself one of these, or (e) has a running end of its own.
// Nothing else exists. Ruling 22.
//
// Pure functions over what is stored and what the core says that it does. Errors: a record that does not
// decode is damage and said.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/store.hpp"
#include "ledger/transaction_record.hpp"

namespace acquirer {

/// What the core does about transactions at this moment. Whoever has one uses it before the core's next step.
class LiveWork {
  public:
    virtual ~LiveWork() = default;
    /// (a) An issuer's answer is awaited, and its deadline runs.
    [[nodiscard]] virtual bool is_awaited(const ledger::TransactionRecord& record) const = 0;
    /// (b) It goes on at a known time, or as soon as its route can be reached.
    [[nodiscard]] virtual bool is_queued(const ledger::TransactionRecord& record) const = 0;
    /// (c) A case that a checker decides, and that expires otherwise (R77).
    [[nodiscard]] virtual bool is_case(const ledger::TransactionRecord& record) const = 0;
    /// (e) It ends by itself at a known time: an authorization that lapses (R95).
    [[nodiscard]] virtual bool is_ticking(const ledger::TransactionRecord& record) const = 0;
    /// (d) The refund of the same sale whose advice has to be through first.
    [[nodiscard]] virtual std::optional<iso8583::Rrn> advice_before(
        const ledger::TransactionRecord& record) const = 0;
};

/// What is stored, as judging one transaction needs it.
class Books {
  public:
    virtual ~Books() = default;
    /// Nothing when there is none; valid until the next call.
    [[nodiscard]] virtual const ledger::TransactionRecord* find(const iso8583::Rrn& rrn) const = 0;
    /// An exception about it is open and has an owner.
    [[nodiscard]] virtual bool has_owned_exception(const iso8583::Rrn& rrn) const = 0;
};

enum class Standing : std::uint8_t { ended, awaited, queued, with_people, ticking, behind, orphan };
Standing standing_of(const ledger::TransactionRecord& record, const Books& books, const LiveWork& live);

struct Orphan {
    iso8583::Rrn rrn;
    std::string words;  // a sentence
};
/// For a log line or an exception.
std::string orphan_words(const ledger::TransactionRecord& record);

struct OrphanReport {
    std::size_t records = 0;  // transactions that were read
    std::size_t open = 0;     // those that are not final
    std::vector<Orphan> orphans;
};
/// Over everything that is stored, whatever the list of open work says.
iso8583::Result<OrphanReport> find_orphans(const ledger::StoreReader& store, const LiveWork& live);

}  // namespace acquirer
