// CoreContext: what all flows of one core share: configuration, ledger, vault, what is with issuers
// and over which links, and the effects of the step under way. Flows decide; the context remembers and writes
// down.
//
// Ownership: member of SwitchCore. Thread: the core's. Nothing here outlives a restart: recovery rebuilds it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ledger/ledger.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/restore_records.hpp"
#include "switch/core/deadline_queue.hpp"
#include "switch/core/effect.hpp"
#include "switch/core/in_flight.hpp"
#include "switch/core/refusal.hpp"
#include "switch/core/route_links.hpp"

namespace acquirer {

class CoreContext {
  public:
    CoreContext(ConfigurationPtr configuration, ledger::Overlay& overlay, ledger::PanVault& pan_vault,
                ledger::NumberPlan numbers)
        : config(std::move(configuration)), ledger(overlay, std::move(numbers)), vault(pan_vault) {}

    // The step under way.
    iso8583::Now now;
    Effects* effects = nullptr;

    ConfigurationPtr config;
    ledger::Ledger ledger;
    ledger::PanVault& vault;  // VaultRotation alone says under which key it seals
    iso8583::BusinessDate business_day;
    DeadlineQueue<DeadlineId> deadlines;

    InFlight in_flight{deadlines};
    RouteLinks links;
    std::set<iso8583::Rrn> held;  // cases
    hsm::Ticket last_ticket = 0;
    std::string store_refuses;  // R62: why the store takes no new work; empty while it does
    /// R65: the ledger comes from this backup, and nobody has accepted that yet: nothing new begins.
    std::optional<ledger::RestoreRecord> restored;
    std::unordered_map<std::string, std::uint64_t, iso8583::WordHash, std::equal_to<>> counters;

    // Routes.
    [[nodiscard]] const routing::Route* route(std::uint16_t id) const {
        return config->routes.find(routing::RouteId{id});
    }
    /// The connection for the next message to a route; nothing when none is up.
    [[nodiscard]] std::optional<LinkId> link_for(routing::RouteId id) const {
        return links.link_for(id, in_flight.requests_of(id));
    }
    /// The connection for the reversal of a request: the one that the request left on while that is up.
    [[nodiscard]] std::optional<LinkId> link_for_reversal(routing::RouteId id,
                                                          const iso8583::Rrn& original) const {
        const auto same = links.link_of_original(id, original);
        return same ? same : link_for(id);
    }

    [[nodiscard]] bool store_accepts_new_work() const { return store_refuses.empty(); }

    // Numbers.
    ledger::Ledger::IssuerNumbers next_issuer_numbers(routing::RouteId id);

    // Writing down.
    template <typename OneEffect>
    void emit(OneEffect&& effect) {
        effects->emplace_back(std::forward<OneEffect>(effect));
    }
    void note(Note&& note) { effects->emplace_back(std::move(note)); }
    void note(Severity severity, NoteKind kind, const ledger::TransactionRecord& record,
              std::string_view rule, std::string detail = {});
    void count(std::string_view counter) { ++counter_of(counter); }
    /// "answered.KIND.CODE".
    void count_answer(RequestKind kind, const iso8583::ResponseCode& code);
    /// An exception with owner, and an alarm in the log when it is one.
    ledger::ExceptionRecord open_exception(const std::optional<iso8583::Rrn>& rrn, std::string kind,
                                           std::string rule, std::string text,
                                           ledger::Urgency urgency = ledger::Urgency::routine);
    /// The same about a route, and no transaction.
    ledger::ExceptionRecord open_exception_of_route(routing::RouteId route, std::string kind,
                                                    std::string rule, std::string text,
                                                    ledger::Urgency urgency = ledger::Urgency::routine);
    ledger::ExceptionRecord open_exception(ledger::Ledger::WhatHappened what);
    /// What told people that this waits for them is not true any more: its parked, stale, stuck, abnormal
    /// exceptions close.
    void end_exceptions(const iso8583::Rrn& rrn, const std::string& resolution,
                        const std::string& by = "the switch");
    /// A case waits for a checker, and not for ever (R77).
    void hold_case(const ledger::TransactionRecord& refund);
    void end_case(const iso8583::Rrn& refund);
    /// Terminal totals of the record's batch (settlement).
    void add_to_batch(const ledger::TransactionRecord& record, int sign);
    /// Is the batch of this record settled? Batches close only by 0500 or by an operator.
    [[nodiscard]] bool is_settled(const ledger::TransactionRecord& record);
    /// DE12/DE13 text of now.
    [[nodiscard]] iso8583::CivilTime local_now() const {
        if (local_of_.utc.ms != now.utc.ms || local_of_.local_offset_s != now.local_offset_s) {
            local_of_ = now;
            local_ = now.local();
        }
        return local_;
    }
    void set_deadline(const DeadlineId& id, std::int64_t after_ms) {
        deadlines.set(id, now.instant.plus_ms(after_ms));
    }

  private:
    std::uint64_t& counter_of(std::string_view counter) {
        const auto at = counters.find(counter);
        return at == counters.end() ? counters.emplace(counter, 0).first->second : at->second;
    }
    // Those of answers, found without their names; they stay where they are for good.
    std::map<std::pair<RequestKind, iso8583::ResponseCode>, std::uint64_t*> of_answers_;
    // What local_now() said last: several parts of a step ask.
    mutable iso8583::Now local_of_;
    mutable iso8583::CivilTime local_ = local_of_.local();
};

/// A small even hash for jitter: the same transaction and attempt always wait as long.
std::uint32_t jitter_hash(const iso8583::Rrn& rrn, std::uint32_t attempt);

}  // namespace acquirer
