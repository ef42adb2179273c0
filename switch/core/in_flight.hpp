// InFlight: who waits for which issuer answer, and until when: requests of terminals, advices, key changes.
// It also answers "is anything of this terminal's batch still with an issuer?" by an index of its own, so
// that it does not matter what became of the connection that asked.
//
// Ownership: member of CoreContext; refers to the core's deadlines. Thread: the core's. Nothing here outlives
// a restart: what was with an issuer is then in doubt (R57).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "iso8583/values/word_hash.hpp"
#include "ledger/ledger.hpp"
#include "routing/route.hpp"
#include "switch/core/deadline_queue.hpp"
#include "switch/core/effect.hpp"

namespace acquirer {

/// A connection that waits for an answer, and what it asked (for the echo of its fields).
struct Asker {
    ReplyAddress to;
    TerminalRequest request;
};

/// How an issuer's answer is matched: class + DE11 + DE7 on its route (docs/wire.md).
struct IssuerKey {
    routing::RouteId route;
    int message_class = 2;
    std::uint32_t stan = 0;
    std::uint32_t transmission_time = 0;
    friend auto operator<=>(const IssuerKey&, const IssuerKey&) = default;
};
struct IssuerKeyHash {
    std::size_t operator()(const IssuerKey& key) const {
        iso8583::WordHasher hasher;
        hasher.add(std::uint64_t{key.route.value} << 32 | static_cast<std::uint32_t>(key.message_class));
        hasher.add(std::uint64_t{key.stan} << 32 | key.transmission_time);
        return hasher.spread();
    }
};
/// What an awaited answer answers.
struct Awaited {
    enum class What : std::uint8_t { request, advice, key_change };
    What what = What::request;
    iso8583::Rrn rrn;
    LinkId link;
};

struct DeadlineId {
    enum class Kind : std::uint8_t {
        request_reply,
        advice_reply,
        advice_attempt,
        hsm_reply,
        cut_over,
        key_change_reply,
        key_grace,
        held_back,
        case_expiry,
        orphan_pass,
        file_expiry,
        refund_batch,
        recon_step,
        notices,
        lapse,
        retention_step,
        vault_slice,
        vault_key_age
    };
    Kind kind = Kind::request_reply;
    iso8583::Rrn rrn;
    std::uint64_t number = 0;  // ticket or route
    friend auto operator<=>(const DeadlineId&, const DeadlineId&) = default;
};

/// A terminal's batch; in the ISO profile the time between two 0500.
struct BatchOf {
    iso8583::TerminalId terminal;
    iso8583::BatchNumber batch;
    friend auto operator<=>(const BatchOf&, const BatchOf&) = default;
};
/// Refunds released from a case or opened by operations belong to no terminal's batch.
bool belongs_to_a_batch(const ledger::TransactionRecord& record);

class InFlight {
  public:
    explicit InFlight(DeadlineQueue<DeadlineId>& deadlines) : deadlines_(deadlines) {}

    // Sales, voids and online refunds.
    /// The record's request leaves on `link`; its answer comes under its issuer numbers. Without askers: sent
    /// for operations.
    void begin(const ledger::TransactionRecord& record, int message_class, LinkId link,
               std::int64_t reply_timeout_ms, std::vector<Asker> askers);
    [[nodiscard]] bool contains(const iso8583::Rrn& rrn) const { return requests_.contains(rrn); }
    /// One more connection that asked the same (R22); beyond `askers_max` it gets no answer. False: nothing
    /// of that transaction is in flight.
    bool join(const iso8583::Rrn& rrn, Asker asker, std::size_t askers_max);
    /// It has its answer, or is given up: nobody waits for it any more. Returns who asked.
    std::vector<Asker> end(const iso8583::Rrn& rrn);
    /// What was sent on a connection that is gone.
    [[nodiscard]] std::vector<iso8583::Rrn> lost(routing::RouteId route, LinkId link) const;
    /// The askers on that connection are gone; their transactions go on.
    void forget_askers(LinkId link);
    [[nodiscard]] std::size_t size() const { return requests_.size(); }
    [[nodiscard]] std::uint32_t requests_of(routing::RouteId route) const;
    /// Those of its batches; what operations ask for a terminal's sale is not the terminal's.
    [[nodiscard]] std::uint32_t requests_of(const iso8583::TerminalId& terminal) const;

    // Batches.
    [[nodiscard]] bool is_with_an_issuer(const BatchOf& batch) const { return batches_.contains(batch); }
    /// Asks to be told by take_ended() when the last transaction of a batch that is with an issuer ends.
    void watch(const BatchOf& batch) { batches_.at(batch).watched = true; }
    /// The watched batches whose last transaction ended since the last call, in the order of their ends.
    [[nodiscard]] std::vector<BatchOf> take_ended() { return std::exchange(ended_, {}); }

    // Answers.
    void await(const IssuerKey& key, const Awaited& what) { awaited_[key] = what; }
    /// Nothing when no such answer is awaited; valid until the next change.
    [[nodiscard]] const Awaited* find(const IssuerKey& key) const;
    void forget(const IssuerKey& key) { awaited_.erase(key); }
    /// Are these numbers in use on the route by anything whose answer is awaited?
    [[nodiscard]] bool uses(routing::RouteId route, const ledger::Ledger::IssuerNumbers& numbers) const;

    // Deadlines of answers.
    /// For an answer to what this step sends: the time runs from when it leaves, not from when it was
    /// decided, so that a slow sync takes nothing from the issuer's.
    void await_until(const DeadlineId& id, std::int64_t after_ms) { departing_.emplace_back(id, after_ms); }
    /// The deadlines that begin to run when what was decided has left.
    [[nodiscard]] std::set<DeadlineId> departing() const;
    /// The turn that collected is closed; turns are numbered as they leave.
    void turn_closed(std::uint64_t turn);
    /// Its effects and those of the turns before it have left: what they await is awaited from now on.
    void effects_left(std::uint64_t turn, iso8583::Instant now);

  private:
    struct Request {
        IssuerKey key;
        LinkId link;
        std::optional<BatchOf> batch;
        std::vector<Asker> askers;
    };
    struct BatchEntry {
        std::uint32_t requests = 0;
        bool watched = false;
    };
    void leave_batch(const BatchOf& batch);

    DeadlineQueue<DeadlineId>& deadlines_;
    std::map<iso8583::Rrn, Request> requests_;
    std::map<routing::RouteId, std::uint32_t> requests_of_route_;
    std::map<BatchOf, BatchEntry> batches_;
    std::vector<BatchOf> ended_;
    std::unordered_map<IssuerKey, Awaited, IssuerKeyHash> awaited_;
    std::vector<std::pair<DeadlineId, std::int64_t>> departing_;  // of the turn that collects
    struct Departure {
        std::uint64_t turn = 0;
        DeadlineId id;
        std::int64_t after_ms = 0;
    };
    std::deque<Departure> closed_;  // of the turns that have not left, in order
};

}  // namespace acquirer
