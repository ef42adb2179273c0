// CoreContext: what all flows of one core share: configuration, ledger, vault, the tables of what is pending,
// and the effects of the step under way. Flows decide; the context remembers and writes down.
//
// Ownership: member of SwitchCore. Thread: the core's. Nothing here outlives a restart: recovery rebuilds it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.hpp"
#include "ledger/pan_vault.hpp"
#include "switch/core/deadline_queue.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/refusal.hpp"
#include "switch/core/status.hpp"

namespace acquirer {

/// A connection that waits for an answer, and what it asked (for the echo of its fields).
struct Asker {
    ReplyAddress to;
    TerminalRequest request;
};

/// A sale, void or online refund that waits for its issuer.
struct PendingTransaction {
    iso8583::Rrn rrn;
    routing::RouteId route;
    LinkId link;
    std::vector<Asker> askers;  // empty for what operations sent
};

/// How an issuer's answer is matched: class + DE11 + DE7 on its route (docs/wire.md).
struct IssuerKey {
    routing::RouteId route;
    int message_class = 2;
    std::uint32_t stan = 0;
    std::uint32_t transmission_time = 0;
    friend auto operator<=>(const IssuerKey&, const IssuerKey&) = default;
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
        held_back
    };
    Kind kind = Kind::request_reply;
    iso8583::Rrn rrn;
    std::uint64_t number = 0;  // ticket or route
    friend auto operator<=>(const DeadlineId&, const DeadlineId&) = default;
};

enum class RouteMode : std::uint8_t { up, down, drain };

/// What is kept of a card in a record's sealed part.
struct Card {
    iso8583::Pan pan;
    std::string expiry;  // YYMM, may be empty
};

class CoreContext {
  public:
    CoreContext(ConfigurationPtr configuration, ledger::Overlay& overlay, const ledger::PanVault& pan_vault)
        : config(std::move(configuration)), ledger(overlay), vault(pan_vault) {}

    // The step under way.
    iso8583::Now now;
    Effects* effects = nullptr;

    ConfigurationPtr config;
    ledger::Ledger ledger;
    const ledger::PanVault& vault;
    iso8583::BusinessDate business_day;
    DeadlineQueue<DeadlineId> deadlines;

    std::map<iso8583::Rrn, PendingTransaction> pending;
    std::map<IssuerKey, Awaited> awaited;
    std::map<routing::RouteId, std::vector<LinkId>> links;  // signed on, in the order they came up
    std::map<routing::RouteId, RouteMode> route_modes;      // operators' overrides
    std::map<routing::RouteId, std::uint32_t> requests_in_flight;
    std::map<iso8583::Rrn, std::uint32_t>
        reversals_in_chain;       // by sale: reversals of its refunds and voids under way
    std::set<iso8583::Rrn> held;  // cases
    hsm::Ticket last_ticket = 0;
    bool store_accepts_new_work = true;
    std::map<std::string, std::uint64_t, std::less<>> counters;

    // Routes.
    [[nodiscard]] const routing::Route* route(std::uint16_t id) const {
        return config->routes.find(routing::RouteId{id});
    }
    [[nodiscard]] RouteMode mode(routing::RouteId id) const;
    [[nodiscard]] routing::RouteHealth health(routing::RouteId id) const;
    /// A link that is up, `preferred` when it still is; nothing when the route has none or operations took it
    /// down.
    [[nodiscard]] std::optional<LinkId> link_for(routing::RouteId id,
                                                 std::optional<LinkId> preferred = std::nullopt) const;

    // Cards.
    [[nodiscard]] std::string seal_card(const Card& card, const iso8583::Rrn& rrn) const;
    /// ENSUREs that the seal opens: a record that does not is corruption the checksum has not seen.
    [[nodiscard]] Card open_card(const ledger::TransactionRecord& record) const;

    // Numbers.
    ledger::Ledger::IssuerNumbers next_issuer_numbers(routing::RouteId id);

    // Writing down.
    void emit(Effect effect) { effects->push_back(std::move(effect)); }
    void note(Note note) { effects->push_back(std::move(note)); }
    void note(Severity severity, NoteKind kind, const ledger::TransactionRecord& record,
              std::string_view rule, std::string detail = {});
    void count(std::string_view counter) {
        const auto at = counters.find(counter);
        if (at == counters.end())
            counters.emplace(counter, 1);
        else
            ++at->second;
    }
    /// An exception with owner, and an alarm in the log when it is one.
    ledger::ExceptionRecord open_exception(const std::optional<iso8583::Rrn>& rrn, std::string kind,
                                           std::string rule, std::string text, bool alarm = false);
    /// Terminal totals of the record's batch (settlement).
    void add_to_batch(const ledger::TransactionRecord& record, int sign);
    /// Is the batch of this record settled? Batches close only by 0500 or by an operator.
    [[nodiscard]] bool is_settled(const ledger::TransactionRecord& record);
    /// DE12/DE13 text of now.
    [[nodiscard]] iso8583::CivilTime local_now() const { return now.local(); }
    void set_deadline(const DeadlineId& id, std::int64_t after_ms) {
        deadlines.set(id, now.instant.plus_ms(after_ms));
    }
    /// For an answer to what this step sends: the time runs from when it leaves, not from when it was
    /// decided, so that a slow sync takes nothing from the issuer's.
    void await_answer(const DeadlineId& id, std::int64_t after_ms) { departing.emplace_back(id, after_ms); }
    std::vector<std::pair<DeadlineId, std::int64_t>> departing;  // of the turn that collects
    std::vector<std::pair<DeadlineId, std::int64_t>> departed;   // of the turn that is being synced
};

/// A small even hash for jitter: the same transaction and attempt always wait as long.
std::uint32_t jitter_hash(const iso8583::Rrn& rrn, std::uint32_t attempt);

}  // namespace acquirer
