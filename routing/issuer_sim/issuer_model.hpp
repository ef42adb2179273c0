// IssuerModel: one issuer as a switch meets it: takes message bodies, keeps books, answers. No I/O, no clock,
// no threads: time is an argument, what is to be done comes back as actions, in the order in which they are
// to be done.
//
// The simulator, issuer-sim, the demo and the benches use this one. It is a peer's own opinion: codec and HSM
// engine are shared with the switch, nothing else is.
//
// An effect is booked, and its journal line stands, before any answer, silence or closed link; a line
// therefore comes before the SendAnswer it belongs to. Journal format: docs/interfaces.md, do not change.
//
// Owner: the HSM engine and the dialect must outlive it. One thread. Peer errors are answered 30 or close the
// link. Source: docs/wire.md (iso87-ascii, iso87-bcd towards issuers), docs/refund_rules.md R50–R61.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hsm_sim/engine.hpp"
#include "hsm_sim/port.hpp"
#include "iso8583/codec.hpp"
#include "iso8583/values/result.hpp"
#include "iso8583/values/time_fields.hpp"
#include "routing/issuer_sim/issuer_behaviour.hpp"
#include "routing/issuer_sim/issuer_books.hpp"
#include "routing/issuer_sim/issuer_journal_line.hpp"
#include "routing/issuer_sim/issuer_wallet.hpp"

namespace routing {

struct IssuerConfig {
    std::string name;
    IssuerKind kind = IssuerKind::card;
    WalletTerms wallet;  // of a wallet
    const iso8583::Dialect* dialect = nullptr;
    hsm::KeyBlock zak;  // under the engine's LMK
    hsm::MacProfile mac{hsm::MacAlgorithm::retail, hsm::MacPadding::zeros};
    hsm::KeyBlock zpk;  // empty: DE52 is not looked at
    hsm::PinBlockFormat pin_block_format = hsm::PinBlockFormat::iso0;
    hsm::KeyBlock zmk;                         // empty: a key change (0800, DE70 161) is refused with 40
    std::uint32_t switch_time_out_ms = 5'000;  // of the switch in front; 9969 answers a second after it
    /// What it answers a reversal whose original it does not know.
    iso8583::ResponseCode not_found = iso8583::ResponseCode::of("25");
    std::uint64_t seed = 1;
    /// Authorization codes already given out.
    std::uint32_t authorizations_used = 0;
    IssuerFaults faults;
};
/// How many keys before the current one stay valid after changes.
inline constexpr std::size_t issuer_keys_before = 3;
/// The keys as changes have left them, newest first; for the next run of the same issuer.
struct IssuerKeyState {
    std::vector<hsm::KeyBlock> zaks, zpks;
    friend bool operator==(const IssuerKeyState&, const IssuerKeyState&) = default;
};
/// Nothing, or what is wrong with it.
std::optional<std::string> check_issuer(const IssuerConfig& config);

/// A line of the journal, with its line feed; to be written (and synced) before what follows it.
struct AppendJournal {
    std::string line;
};
/// To the connection the request came on.
struct SendAnswer {
    iso8583::Bytes body;
    std::uint32_t delay_ms = 0;
};
/// A request of the issuer's own, to any one connection of the switch; lost when there is none.
struct SendRequest {
    iso8583::Bytes body;
};
/// The connection the request came on, after what was sent before.
struct CloseLink {};
struct CloseAllLinks {};
using IssuerAction = std::variant<AppendJournal, SendAnswer, SendRequest, CloseLink, CloseAllLinks>;

struct IssuerStats {
    std::int64_t requests = 0;  // 01xx, 02xx, 04xx
    std::int64_t approved = 0;  // answers 00, repeats too
    std::int64_t refused = 0;
    std::int64_t mac_wrong = 0;  // or missing
    std::int64_t malformed = 0;
    std::int64_t network = 0;     // 08xx
    std::int64_t unexpected = 0;  // responses, unknown classes
};

class IssuerModel {
  public:
    static constexpr std::size_t pending_commands_max = 64;

    /// ENSUREs check_issuer(config).
    IssuerModel(IssuerConfig config, hsm::HsmEngine& engine);

    /// Before the first message: a line of an earlier run's journal, in the order in which they stand there.
    /// Effects come back as they were; what was never booked (refusals, tombstones, payment codes that were
    /// used) does not.
    [[nodiscard]] iso8583::Result<void> read_back(const JournalLine& line);

    /// One message body as it came from a connection. `body`'s buffer may come back with other content, for
    /// reuse. Appends to `actions`.
    void on_frame(iso8583::Bytes& body, iso8583::UtcTime now, std::vector<IssuerAction>& actions);

    /// One line of the control socket; the reply without a line feed: "ok", the books or the keys' check
    /// values as JSON, or "error: …".
    std::string on_control(std::string_view line, iso8583::UtcTime now, std::vector<IssuerAction>& actions);

    /// A key change, by 0800 with DE70 161 or by hand: the keys before stay valid beside it, and an answer
    /// uses the key that verified its request.
    void install_zak(hsm::KeyBlock zak);
    void install_zpk(hsm::KeyBlock zpk);
    [[nodiscard]] IssuerKeyState key_state() const;
    /// Before the first message: what key_state() said in an earlier run.
    void restore_keys(const IssuerKeyState& state);
    [[nodiscard]] std::int64_t key_changes() const { return key_changes_; }
    void set_faults(const IssuerFaults& faults) { config_.faults = faults; }

    [[nodiscard]] const IssuerBooks& books() const { return books_; }
    [[nodiscard]] const IssuerStats& stats() const { return stats_; }
    [[nodiscard]] const IssuerConfig& config() const { return config_; }
    [[nodiscard]] bool signed_on() const { return signed_on_; }

  private:
    struct Request;  // the decoded one with the fields that everything needs
    /// Places of the ZAKs: the current one, those before it, newest first, and one that we offer.
    static constexpr std::size_t key_current = 0;
    static constexpr std::size_t key_before = 1;
    static constexpr std::size_t key_offered = 1 + issuer_keys_before;
    /// A key of ours that the switch was offered: it may use it from then on.
    struct OwnKeyChange {
        hsm::KeyKind kind = hsm::KeyKind::zak;
        hsm::KeyBlock key;
        std::string under_zmk;
        std::string stan, transmission_time;  // of the 0800 that is out
    };

    void answer_malformed(const iso8583::CodecError& error, std::vector<IssuerAction>& actions);
    void on_network(std::vector<IssuerAction>& actions);
    iso8583::ResponseCode on_key_change(std::string& check_value);
    std::string offer_key(hsm::KeyKind kind, iso8583::UtcTime now, std::vector<IssuerAction>& actions);
    void on_key_change_answer();
    void take_over_own_key();
    void put_zak(std::size_t place, const hsm::KeyBlock& zak);
    [[nodiscard]] std::string keys_json() const;
    [[nodiscard]] bool pin_block_is_sound_under(const hsm::KeyBlock& zpk, const iso8583::Pan& pan);
    bool encode_with_mac(bool bad_mac);
    void on_reconciliation(std::vector<IssuerAction>& actions);
    void on_financial(iso8583::UtcTime now, std::vector<IssuerAction>& actions);
    void on_reversal(iso8583::UtcTime now, std::vector<IssuerAction>& actions);

    [[nodiscard]] std::optional<Request> read_request() const;
    BookEntry new_entry(const Request& request) const;
    void decide(const Request& request, BookEntry& entry, const Behaviour& behaviour, iso8583::UtcTime now,
                std::vector<IssuerAction>& actions);
    /// A reversal that found nothing: its original will be refused when it comes after all.
    void remember_unknown(const Request& request);
    iso8583::ResponseCode reverse(const Request& request, BookEntry& entry, iso8583::UtcTime now,
                                  std::vector<IssuerAction>& actions);
    Behaviour choose_behaviour(EffectKind kind, std::int64_t amount, bool is_advice);
    bool pin_block_is_sound();
    /// A wallet's own word about a request that would be approved: nothing, or the code that refuses it.
    [[nodiscard]] std::optional<iso8583::ResponseCode> wallet_refusal(const Request& request,
                                                                      const BookEntry* original) const;
    /// The wallet works at it still: 09.
    [[nodiscard]] bool is_processing(const BookEntry& entry) const;
    /// The sale that a wallet's request is about: by order number, else by DE90.
    [[nodiscard]] BookEntry* original_of(const Request& request);
    std::string change_account(const ControlCommand& command);
    /// The books' summary; of a wallet with what it gave of its sales and what of that stands.
    [[nodiscard]] std::string books_json() const;

    [[nodiscard]] std::optional<std::size_t> verified_by();
    void start_answer(iso8583::ResponseCode code);
    void refuse(std::string_view code, std::vector<IssuerAction>& actions);
    void send(const Behaviour& behaviour, std::vector<IssuerAction>& actions);
    void send_once(const Behaviour& behaviour, std::vector<IssuerAction>& actions);
    std::uint32_t latency_ms();
    void journal(const BookEntry& entry, bool names_original, iso8583::UtcTime now,
                 std::vector<IssuerAction>& actions);

    IssuerConfig config_;
    hsm::HsmEngine& engine_;
    IssuerBooks books_;
    IssuerWallet wallet_;
    IssuerStats stats_;
    SeededChance chance_;
    std::deque<ControlCommand> next_;
    std::uint32_t authorizations_ = 0;
    bool signed_on_ = false;

    // Kept between messages so that the hot path does not allocate.
    iso8583::Message message_;
    iso8583::FieldValues answer_;
    iso8583::EncodedMessage encoded_;
    std::array<hsm::Request, key_offered + 1> verify_;  // by place; an empty key: there is none
    std::array<hsm::Request, key_offered + 1> generate_;
    std::vector<hsm::KeyBlock> zpks_before_;
    std::optional<OwnKeyChange> own_key_change_;
    std::uint32_t last_stan_ = 0;
    std::int64_t key_changes_ = 0;
    std::optional<std::size_t> answer_key_;                      // no MAC in the answer when none
    std::array<IssuerBooks::Total, effect_kinds> reconciled_{};  // booked at the last 0500 or 0520
    std::array<IssuerBooks::Total, effect_kinds> reconciled_reversed_{};
};

}  // namespace routing
