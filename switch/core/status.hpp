// CoreStatus: counters and gauges copied out after each turn, for metrics, `refundctl status` and the
// operators' views.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iso8583/values/identifiers.hpp"
#include "iso8583/values/time_fields.hpp"
#include "switch/core/duration_histogram.hpp"

namespace acquirer {

struct RouteStatus {
    std::string name;
    std::uint32_t links_up = 0;
    std::uint32_t in_flight = 0;
    std::uint32_t queued_advices = 0;
    std::string operator_state;  // "up", "down", "drain"
};

/// R65: the ledger comes from a backup, and nobody has accepted that yet.
struct RestoredStatus {
    std::string backup;
    iso8583::UtcTime made;
    iso8583::BusinessDate business_day;  // the open one when it was made
    iso8583::UtcTime restored;           // the switch began on it
};
/// The last backup of this process.
struct BackupStatus {
    enum class State : std::uint8_t { running, done, failed };
    State state = State::running;
    std::string directory, by, text, id;
    iso8583::UtcTime began, ended;
    std::uint64_t turn = 0, files = 0, bytes = 0;
};
/// The vault's sealing keys, and how far a change of them is.
struct VaultStatus {
    struct Key {
        /// unused: made, and nothing was ever sealed under it; empty: nothing is any more; retiring: it is
        /// being wiped.
        enum class State : std::uint8_t { active, old, empty, retiring, unused };
        std::uint32_t number = 0;
        iso8583::UtcTime made;
        State state = State::active;
    };
    std::uint32_t active = 0;
    std::vector<Key> keys;
    std::uint32_t making = 0;     // number of the key that is being made; 0: none
    std::string phase;            // "idle", "re-sealing", "checking", "stuck"
    std::uint32_t percent = 100;  // of the pass: by when the transactions were made
    std::uint64_t looked = 0;     // of the pass
    std::uint64_t resealed = 0;   // since the change began
    std::uint64_t unreadable = 0;
    std::string first_unreadable;   // RRN
    iso8583::UtcTime began, ended;  // of the last change; 0: none
    iso8583::UtcTime due;           // end of the active key's cryptoperiod
};

/// Retention's last run, or the one under way.
struct RetentionStatus {
    iso8583::BusinessDate day;  // the open one when it began
    iso8583::UtcTime began;
    std::optional<iso8583::UtcTime> ended;
    /// Days passed at once and the daily run waits for a person's word.
    bool waits_for_people = false;
};

struct CoreStatus {
    iso8583::BusinessDate business_date;
    std::uint32_t config_version = 0;
    /// The last number given to a transaction: no record of its day is newer.
    std::optional<iso8583::Rrn> last_rrn;
    std::uint64_t turns = 0;
    std::uint32_t pending = 0;
    std::uint32_t held = 0;
    std::uint32_t open_exceptions = 0;
    std::string refuses_new_work;  // why; empty while new work is taken
    /// I6a: transactions that nothing and nobody waits for. Always 0.
    std::uint32_t orphans = 0;
    std::optional<RestoredStatus> restored;
    std::optional<BackupStatus> backup;
    std::optional<RetentionStatus> retention;
    VaultStatus vault;
    /// When all open work was looked at last; nothing before the first time.
    std::optional<iso8583::UtcTime> orphans_looked_for;
    std::vector<RouteStatus> routes;
    /// Notices that are not delivered yet, and whether their files cannot be written.
    std::uint64_t notices_waiting = 0;
    bool notices_stuck = false;
    /// Monotonic counters by stable metric label: "answered.refund.00", "reversals.queued" …
    std::map<std::string, std::uint64_t> counters;
};

/// What the shell around the core knows and operators want to see beside its counters. All is since `since`,
/// as the core's counters are.
struct ShellFigures {
    iso8583::UtcTime since;      // the process began
    std::int64_t uptime_ms = 0;  // by the monotonic clock
    DurationHistogram answers;   // of terminals: from the request to its answer, durable and handed over
    std::uint32_t terminal_links = 0;
    std::uint32_t request_inbox = 0;  // requests that the core has not looked at yet
    std::uint32_t answer_inbox = 0;   // the same of issuers' answers and other events
    bool hsm_available = true;
};

}  // namespace acquirer
