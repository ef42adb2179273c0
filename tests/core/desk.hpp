// Desk: a core on a memory store with a hand at each side: it asks as terminals do, answers as issuers do,
// moves the clock, kills and restarts. No sockets, no sessions: rules are tested here, wires elsewhere.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/memory_store.hpp"
#include "ledger/stored_records.hpp"
#include "switch/core/switch_core.hpp"
#include "switch/core/turn.hpp"

namespace desk {

using acquirer::LinkId;
using acquirer::MacState;

/// Published test card numbers: one of each issuer's range, and one that has no route.
inline constexpr const char* card_a = "6212345678900000003";
inline constexpr const char* card_a2 = "6212345678900000029";
inline constexpr const char* card_b = "4111111111111111";
/// Payment codes: a WeChat one and another, an Alipay one, UnionPay QR, and one of no wallet.
inline constexpr const char* code_wechat = "134567890123456789";
inline constexpr const char* code_wechat2 = "105555555555555555";
inline constexpr const char* code_alipay = "2876543210987654";
inline constexpr const char* code_qr = "6221234567890123456";
inline constexpr const char* code_nowhere = "991234567890123456";
inline constexpr const char* card_nowhere = "5555555555554444";

enum class What {
    sale,
    void_sale,
    refund,
    authorization,
    void_authorization,
    completion,
    completion_advice,
    reversal,
    settlement,
    upload,
    upload_end,
    sign_on,
    sign_off,
    echo
};

/// One terminal message in the field's words. What is empty is left out or defaulted by the profile.
struct Ask {
    What what = What::sale;
    bool iso = false;  // merchant …002, terminal 20000001
    std::string trace = "000001";
    std::string amount = "000000010000";  // DE4
    std::string card = card_b;
    std::string batch = "000001";
    std::string rrn;                                   // DE37
    std::string original_batch, original_trace, date;  // DE61; ISO: DE90 STAN from original_trace
    std::string original_time;                         // ISO: DE90 DE7
    std::string authorization;                         // DE38
    std::string terminal, merchant;
    std::string currency = "156";
    std::string entry_mode = "051";
    std::string time = "1121040000";  // DE7 (ISO)
    What of = What::sale;             // a reversal: of what
    std::string de48, pin, format_fault, local_time;
    std::string code, order;  // a wallet's payment code and order number (DE59; ISO: DE48)
    bool repeat = false;      // x..1
    bool partial = false;     // 60.6 = 1
    MacState mac = MacState::verified;
    std::uint64_t link = 1;
    std::uint32_t key_version = 1;
    std::string peer;             // the address it comes from
    bool verified_here = false;   // its terminal has verified on this connection before
    std::string network = "003";  // 60.3 of a sign-on
};

struct Answer {
    std::string code, rrn, authorization, text;
    iso8583::FieldValues fields;
    acquirer::ReplyAddress to;
    bool sign_on_again = false;
};

struct Sent {
    routing::RouteId route;
    LinkId link;
    iso8583::FieldValues fields;
    acquirer::IssuerMac mac = acquirer::IssuerMac::with;
    [[nodiscard]] std::string mti() const { return fields.mti().str(); }
};

/// What an issuer does with a message; the default approves.
struct Does {
    enum class Kind { approve, decline, silent } kind = Kind::approve;
    std::string code = "00";
    MacState mac = MacState::verified;
    std::optional<std::int64_t> other_amount;
    std::string terminal{};            // DE41 of the answer; empty: it has none
    std::string additional_amounts{};  // DE54 of the answer
    std::string authorization{};       // DE38; empty: one made of the RRN
    std::string additional_data{};     // DE48 of the answer
};

class Desk {
  public:
    static constexpr routing::RouteId a{1};                     // refunds by advice, voids as 0420
    static constexpr routing::RouteId b{2};                     // both online
    static constexpr routing::RouteId w{3};                     // a wallet; its link is up when asked for
    static constexpr iso8583::UtcTime noon{1'795'233'600'000};  // 2026-11-21 04:00:00 UTC

    /// It begins at noon in Shanghai, or at `begin` in the zone that `adjust` says.
    /// `numbers`: of a shard beside others, whose words lie in `told`.
    explicit Desk(const std::function<void(acquirer::Configuration&)>& adjust = {},
                  iso8583::UtcTime begin = noon, ledger::NumberPlan numbers = {});

    // Terminals.
    std::optional<Answer> ask(const Ask& question);
    /// A sale that was approved; fails the test otherwise.
    Answer sale(const std::string& card = card_b, const std::string& amount = "000000010000",
                bool iso = false);
    Ask refund_of(const Answer& sale, const std::string& amount, const std::string& card = card_b);
    Ask void_of(const Answer& sale, const std::string& card = card_b,
                const std::string& amount = "000000010000");
    Ask reversal_of(const Ask& original);
    std::string next_trace();
    std::vector<Answer> answers;  // all, in order

    // Issuers.
    std::function<Does(const Sent&)> issuer = [](const Sent&) { return Does{}; };
    std::vector<Sent> sent;  // all, in order
    void reply(const Sent& to, const Does& does);
    void link(routing::RouteId route, bool up, std::uint64_t number = 0);
    [[nodiscard]] std::size_t count_sent(const std::string& mti) const;
    [[nodiscard]] const Sent& last_sent(const std::string& mti) const;

    // HSM: answers to the core's own questions; nullopt leaves them open.
    std::function<std::optional<hsm::Reply>(const hsm::Request&)> hsm;

    // Operators.
    acquirer::OperatorAnswer operate(acquirer::OperatorCommand command, const std::string& user,
                                     acquirer::Role role);

    // World.
    void offer(const acquirer::Event& event);
    void pass(std::int64_t ms);
    /// The wall clock is set; the monotonic one goes on.
    void set_clock(iso8583::UtcTime utc);
    /// The process dies (unsynced writes are lost) and starts again over the same store; links come up unless
    /// told not.
    void restart(bool links_up = true);
    /// What a backup made now would hold.
    [[nodiscard]] std::unique_ptr<ledger::MemoryStore> back_up() const { return store_.copy_durable(); }
    /// The process is gone, and another one starts on that backup.
    void restore(ledger::MemoryStore& backup, const ledger::BackupMark& mark, bool links_up = true);
    std::vector<acquirer::MakeBackup> backups_wanted;
    /// What is in the vault's file. Keys are made and wiped there at once, unless `vault_fault` says why not;
    /// while `vault_is_slow` nobody says that they were.
    ledger::VaultKeys vault_file = first_vault_keys();
    std::string vault_fault;
    bool vault_is_slow = false;
    /// What another shard's desk has changed there.
    void take_vault_file(const ledger::VaultKeys& changed);
    std::vector<acquirer::ShardWord> told;  // to other shards; whoever passes them on takes them out
    std::vector<acquirer::ApplyPolicy> policies_wanted;
    void accept_new_work(bool accepts);
    /// While it is, a sync that was begun does not end.
    void slow_disk(bool slow);
    std::vector<acquirer::Note> notes;
    std::vector<ledger::Notice> notices;  // as the shell wrote them
    std::string notices_fault;            // what the shell says of their files; empty: written
    int parties_changed = 0;
    acquirer::TerminalKeySet keys;  // last installed
    std::map<routing::RouteId, std::vector<hsm::KeyBlock>> issuer_zaks;

    // Ledger.
    [[nodiscard]] ledger::TransactionRecord record(const std::string& rrn) const;
    [[nodiscard]] std::string state(const std::string& rrn) const {
        return std::string(ledger::name(record(rrn).state));
    }
    [[nodiscard]] std::int64_t remaining(const std::string& rrn) const {
        return record(rrn).remaining_minor();
    }
    [[nodiscard]] std::vector<ledger::ExceptionRecord> exceptions(const std::string& kind = "") const;
    [[nodiscard]] acquirer::CoreStatus status() const { return core_->status(); }
    ledger::MemoryStore& store() { return store_; }
    [[nodiscard]] std::uint64_t store_turn() const { return store_.last_turn_number(); }
    ledger::Overlay& overlay() { return *overlay_; }
    [[nodiscard]] const iso8583::Now& now() const { return now_; }
    std::shared_ptr<acquirer::Configuration> configuration;

  private:
    void start();
    void run();
    void perform(const acquirer::Effect& effect);

    ledger::MemoryStore store_;
    static ledger::VaultKeys first_vault_keys();
    void make_vault_key(const acquirer::MakeVaultKey& wanted);
    void wipe_vault_key(const acquirer::WipeVaultKey& wanted);
    template <typename Done>
    void change_vault(std::uint32_t number, iso8583::Result<ledger::VaultKeys> changed);

    ledger::NumberPlan numbers_;
    ledger::PanVault vault_;
    std::unique_ptr<ledger::Overlay> overlay_;
    std::unique_ptr<acquirer::SwitchCore> core_;
    std::unique_ptr<acquirer::Turn> turn_;
    iso8583::Now now_;
    std::deque<acquirer::Event> inbox_;
    std::vector<acquirer::OperatorAnswer> operator_answers_;
    std::uint64_t tickets_ = 0;
    std::optional<ledger::BackupMark> comes_from_;
    bool disk_is_slow_ = false;
    std::uint32_t trace_ = 0;
    std::uint64_t next_link_ = 100;
    std::map<std::uint16_t, LinkId> links_;
};

}  // namespace desk
