// Effect: everything the core wants done. Imperative; values only. Performed only after the sync of their
// turn, in order (turn.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "iso8583/field_values.hpp"
#include "ledger/notice.hpp"
#include "switch/core/event.hpp"
#include "switch/core/note.hpp"
#include "switch/core/terminal_keys.hpp"

namespace acquirer {

/// Encode in the terminal's dialect, put the MAC on (when `to.mac_key` is there), frame with the swapped
/// TPDU, send. `sign_on_again` sets the processing requirement digit of the UnionPay header to 3.
struct SendReply {
    ReplyAddress to;
    iso8583::FieldValues fields;
    bool sign_on_again = false;
};
/// Whether a message to an issuer carries one. `without`: the answer to a request whose MAC did not verify
/// (whoever sent it gets no MAC of ours to learn from), and 08xx that change no key.
enum class IssuerMac : std::uint8_t { with, without };
/// Encode in the route's dialect, put the MAC on, frame, send on that connection. When the connection is gone
/// the session says IssuerLinkDown for it, nothing else.
struct SendToIssuer {
    routing::RouteId route;
    LinkId link;
    iso8583::FieldValues fields;
    IssuerMac mac = IssuerMac::with;
};
struct AskHsm {
    hsm::Ticket ticket = 0;  // the core's own numbering
    hsm::Request request;
};
/// Ordered before the 0810 that carries the same keys to the terminal.
struct InstallKeys {
    iso8583::TerminalId terminal;
    TerminalKeySet keys;
};
/// The ZAKs of a route, for all its connections, from the next message on: the first makes MACs, all verify.
/// And its ZPK, for the shards beside this one (ZonePinKeyTold).
struct InstallIssuerKeys {
    routing::RouteId route;
    std::vector<hsm::KeyBlock> zaks;
    hsm::KeyBlock zpk = {};
};
struct CloseLink {
    LinkId link;
    std::string reason;
};
/// Append them to the files of their days and sync those; then say NoticesWritten. One is under way at a
/// time.
struct WriteNotices {
    std::vector<ledger::Notice> notices;
};
/// Merchants or terminals were added or removed in the store: lay them over the file anew and say
/// ConfigReplaced. Ordered before the answer to the operator.
struct PartiesChanged {};
struct AnswerOperator {
    std::uint64_t ticket = 0;
    OperatorAnswer answer;
};
/// Copy what is durable into a new directory, beside the turns; ends with BackupEnded.
struct MakeBackup {
    std::string directory;  // absolute
    std::string by;
    iso8583::UtcTime at;
    iso8583::BusinessDate business_day;
    std::string configuration;  // hash of the files
};
/// Have a sealing key of that number in the vault's file, durably, and in the vault; then say VaultKeyMade.
/// One that is in the file already is the one.
struct MakeVaultKey {
    std::uint32_t number = 0;
    iso8583::UtcTime at;
};
/// Have it in neither any more; ends with VaultKeyWiped. One that is not there is no fault.
struct WipeVaultKey {
    std::uint32_t number = 0;
};
/// Lay this policy over the configuration of the files; ends with ConfigReplaced.
struct ApplyPolicy {
    std::string text;  // TOML; empty: the files' policy again
};
/// Of a switch with several shards: the first tells all others, another tells the first (ShardTold).
struct TellShards {
    ShardWord word;
};
using Effect = std::variant<SendReply, SendToIssuer, AskHsm, InstallKeys, InstallIssuerKeys, CloseLink,
                            AnswerOperator, MakeBackup, ApplyPolicy, WriteNotices, PartiesChanged,
                            MakeVaultKey, WipeVaultKey, TellShards, Note>;
using Effects = std::vector<Effect>;

}  // namespace acquirer
