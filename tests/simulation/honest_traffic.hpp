// HonestTraffic: what honest terminals sent, and whether everything that became of terminals' messages goes
// back to one of those. Nothing may be booked, reversed, settled, signed on or off that an honest terminal
// did not send, and no message of it may count twice; a reply carries a MAC only when its request was an
// honest one, so that nobody is made a forger by the answers he gets (docs/wire.md).
//
// It believes neither the core nor the sessions: requests are read from the bytes that terminals write,
// what came of them from the durable batches. Owner: the world. One thread. A breach is told with a sentence.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "iso8583/codec.hpp"
#include "iso8583/framing.hpp"
#include "ledger/pan_vault.hpp"
#include "ledger/store.hpp"
#include "ledger/stored_records.hpp"
#include "ledger/transaction_record.hpp"
#include "switch/core/effect.hpp"

namespace simulation {

class HonestTraffic {
  public:
    using Breach = std::function<void(const std::string& what)>;

    HonestTraffic(const ledger::PanVault& vault, Breach breach) : vault_(vault), breach_(std::move(breach)) {}

    /// A connection that an honest terminal opened.
    void connected(std::uint64_t connection) { honest_connections_.insert(connection); }
    /// Whole frames, as an honest terminal writes them.
    void sent(const iso8583::Dialect& dialect, iso8583::ByteView bytes);
    /// Bytes that somebody else writes on a connection of his.
    void stranger_sent(std::uint64_t connection, const iso8583::Dialect& dialect, iso8583::ByteView bytes);
    /// An operator asked for it.
    void operator_closes_batch(const iso8583::TerminalId& terminal) { ++closings_asked_[terminal]; }

    void released(const acquirer::Effect& effect);
    void batch_durable(const ledger::Batch& batch);

  private:
    /// A request, as far as records are compared with it.
    struct Request {
        iso8583::Stan stan;
        std::string processing_code;    // DE3
        std::string batch_and_type;     // 60.1 and 60.2; empty in the ISO profile
        std::string transmission_time;  // DE7
        std::string rrn;                // DE37
        std::string original;           // DE90
        std::string left;               // DE95, what is left of the sale
        std::int64_t amount = 0;        // DE4 as digits; 0: none that reads
        std::optional<iso8583::PanToken> card;
    };
    /// Under what a terminal asked.
    struct Key {
        iso8583::MerchantId merchant;
        iso8583::TerminalId terminal;
        iso8583::Stan stan;
        std::string processing_code;
        std::string batch_and_type;
        std::string transmission_time;
    };
    struct Seen {
        Key key;
        bool reversed = false;     // its reversal was found among those sent
        std::size_t partials = 0;  // so many of its partial reversals were
        std::size_t joined = 0, joined_reversed = 0;
    };
    struct Terminal {
        std::set<std::string> operators;         // DE63.1 of its sign-ons
        std::set<std::string> batches_to_close;  // 60.2 of its 0500 and 0320
        std::set<std::string> settlements;       // DE11 and DE7 of its 0500
        std::uint64_t sign_offs = 0, sign_offs_used = 0;
        std::set<std::string> closed;                     // batch, or DE11 and DE7, of what closed one
        std::map<std::uint32_t, std::uint64_t> asked_on;  // connection by key version
        std::uint32_t proven = 0;
    };
    /// Reads what a connection of a stranger's carried.
    struct Stranger {
        iso8583::FrameReader reader;
        std::set<std::string> honest;  // of the honest frames among it: class, terminal, DE11
    };

    void note(const iso8583::Message& message);
    void note_for_terminal(const iso8583::Message& message, Terminal& terminal);
    [[nodiscard]] Request read(const iso8583::Message& message) const;
    void check(const ledger::TransactionRecord& record);
    void check_origin(const ledger::TransactionRecord& record, const Key& key);
    void check_reversals(const ledger::TransactionRecord& record, Seen& seen);
    void check_shared(const ledger::TransactionRecord& record, Seen& seen);
    void check(const ledger::TerminalRecord& record);
    void check_closing(const ledger::TerminalRecord& record, Terminal& known);
    void check_keys(const acquirer::InstallKeys& install);
    [[nodiscard]] bool was_reversed(const Key& key, const std::string& rrn) const;
    static Key key_of(const ledger::TransactionRecord& record);
    static bool reaches(const Request& reversal, const Key& key, const std::string& rrn);
    static bool same_means(const Request& request, const ledger::TransactionRecord& record);

    const ledger::PanVault& vault_;
    Breach breach_;
    std::set<std::uint64_t> honest_connections_;
    std::set<iso8583::Bytes> bodies_;                        // of every honest frame
    std::map<std::string, std::vector<Request>> financial_;  // by merchant, terminal and DE11
    std::map<std::string, std::vector<Request>> reversals_;  // by merchant and terminal
    std::map<iso8583::TerminalId, Terminal> terminals_;
    std::map<iso8583::TerminalId, std::uint64_t> closings_asked_;
    std::map<std::uint64_t, Stranger> strangers_;
    std::map<iso8583::Rrn, Seen> records_;
    std::map<iso8583::TerminalId, ledger::TerminalRecord> stored_terminals_;
};

}  // namespace simulation
