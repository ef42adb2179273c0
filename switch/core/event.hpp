// Event: everything that can happen to the core. Past tense; values only.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <variant>

#include "hsm_sim/port.hpp"
#include "iso8583/values/fixed_text.hpp"
#include "ledger/recon_records.hpp"
#include "switch/core/configuration.hpp"
#include "switch/core/operator_command.hpp"
#include "switch/core/request.hpp"

namespace acquirer {

/// A connection, unique for the life of the process.
struct LinkId {
    std::uint64_t value = 0;
    friend auto operator<=>(const LinkId&, const LinkId&) = default;
};

/// What a session found when it checked a message's MAC. `missing` counts as wrong; `hsm_down` says nothing
/// about it.
enum class MacState : std::uint8_t { verified, wrong, missing, no_key, hsm_down, not_needed };

/// Where a connection comes from: an IP address as text, without the port. Empty where nobody told (tests).
using PeerAddress = iso8583::FixedText<45>;

/// Where an answer goes and what frames and authenticates it: the connection that asked, its TPDU and header,
/// and the key that verified the request. Empty: the request did not verify, or needs no MAC, and then the
/// reply carries none: a MAC of ours over fields that a stranger chose would be his key (docs/security.md).
struct ReplyAddress {
    LinkId link;
    PeerAddress peer;
    Profile profile = Profile::unionpay_pos;
    iso8583::FixedText<5> tpdu;
    iso8583::FixedText<6> header;
    hsm::KeyBlock mac_key;
    hsm::MacProfile mac_profile;
    /// The shell's steady clock when it asked, in microseconds; for the shell alone, which measures by it how
    /// long the answer took. 0: nobody measures.
    std::int64_t asked_us = 0;
};

struct RequestArrived {
    ReplyAddress from;
    TerminalRequest request;
    MacState mac = MacState::missing;
    std::uint32_t key_version = 0;  // of the key that verified it (unionpay_pos), else 0
    /// It verified, or an earlier one of this terminal did here, under keys that were asked for here.
    bool verified_here = false;
};
struct TerminalLinkClosed {
    LinkId link;
};
/// An issuer connection is signed on and may carry requests.
struct IssuerLinkUp {
    routing::RouteId route;
    LinkId link;
};
struct IssuerLinkDown {
    routing::RouteId route;
    LinkId link;
    std::string reason;
};
struct IssuerReplyArrived {
    routing::RouteId route;
    LinkId link;
    IssuerReply reply;
    MacState mac = MacState::missing;
};
/// DE70 of a key change (docs/wire.md).
inline constexpr std::string_view key_change_code = "161";
/// The issuer wants to change a key: its 0800 with DE70 161, with the fields that the 0810 echoes.
struct IssuerKeyOffered {
    routing::RouteId route;
    LinkId link;
    iso8583::FieldValues request;
    MacState mac = MacState::missing;
};
/// Of a shard beside the first, which alone exchanges keys: PIN blocks to the issuer go under this one now.
struct ZonePinKeyTold {
    routing::RouteId route;
    hsm::KeyBlock zpk;
};
struct HsmAnswered {
    hsm::Ticket ticket = 0;
    hsm::Reply reply;
};
struct OperatorCommanded {
    std::uint64_t ticket = 0;
    std::string user;
    Role role = Role::viewer;
    OperatorCommand command;
};
/// What became of WriteNotices: every notice up to `through` is in its file and synced; or why not.
struct NoticesWritten {
    std::uint64_t through = 0;
    std::string fault;  // empty: written
};
struct ConfigReplaced {
    ConfigurationPtr configuration;
};
/// The store takes new work again, or does not (disk nearly full, stalled), or for another reason: R62.
struct StoreHealthChanged {
    std::string refuses;  // why it takes none; empty: it takes it
};

/// What became of MakeVaultKey: it is durably in the vault's file, and the vault has it.
struct VaultKeyMade {
    std::uint32_t number = 0;
    std::string fault;  // a sentence; empty: it is there
};
/// What became of WipeVaultKey.
struct VaultKeyWiped {
    std::uint32_t number = 0;
    std::string fault;
};

// Words from shard to shard of one switch, as far as they are durable. What the first decides for all it says
// again at each recovery, and whoever knows it already does nothing.

/// The first seals under this key from here on, and the vault has it; keys that it has no more are wiped.
struct VaultKeyInUse {
    std::uint32_t number = 0;
    std::string by;
};
/// To the first: everything of this shard is sealed under that key, but for what cannot be opened.
struct VaultResealed {
    std::uint32_t number = 0;
    std::uint64_t unreadable = 0;
};
/// The first has read an issuer's file through: each applies the lines that are its own.
struct IssuerFileChecked {
    ledger::IssuerFileRecord file;
};
/// The first compares a business day, with the files that cover it.
struct ReconDayBegun {
    ledger::ReconDayRecord day;
};
/// People let the first close this business day, or it was behind that when it began.
struct DayClosed {
    iso8583::BusinessDate day;
    std::string by;
};
/// Two people let the first purge what its retention lets go.
struct PurgeBegun {
    iso8583::UtcTime at;
    std::string by;
    bool from_the_beginning = false;
};
using ShardWord =
    std::variant<VaultKeyInUse, VaultResealed, IssuerFileChecked, ReconDayBegun, DayClosed, PurgeBegun>;
struct ShardTold {
    std::size_t from = 0;  // its index
    ShardWord word;
};

/// What became of MakeBackup.
struct BackupEnded {
    bool done = false;
    std::string text;  // a sentence
    std::string id;
    std::uint64_t turn = 0, files = 0, bytes = 0;
};

using Event =
    std::variant<RequestArrived, TerminalLinkClosed, IssuerLinkUp, IssuerLinkDown, IssuerReplyArrived,
                 IssuerKeyOffered, HsmAnswered, OperatorCommanded, ConfigReplaced, StoreHealthChanged,
                 BackupEnded, NoticesWritten, ZonePinKeyTold, VaultKeyMade, VaultKeyWiped, ShardTold>;

}  // namespace acquirer
