// KeyExchange: changes the ZAK or ZPK of an issuer by 0800 with DE70 161, in both directions, while traffic
// goes on. DE48 is "ZAK" or "ZPK" and the key under the ZMK as host commands write it; the 0810's DE48 is the
// key's check value.
//
//     ours:    the HSM makes a key → it is stored as offered → 0800 → 0810 00 with its KCV → it is current
//     theirs:  0800 with a right MAC → the HSM takes it in → it is stored as current → 0810 00
//
// An offered key is durable before it leaves, because the issuer may use it from then on: answers verify
// under it, and it is offered again on the next connection until an 0810 decides. The key before stays valid
// for limits.key_change_grace_seconds, so that nothing under way is lost.
//
// Of several shards the first alone exchanges keys; the others are told the ZPK.
//
// Ownership: member of SwitchCore. Thread: the core's. Errors: to the operator who asked, as an 0810 that
// refuses, as an exception for people when both sides may differ. Source: docs/wire.md, key change;
// docs/decisions/0011.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "switch/core/core_context.hpp"

namespace acquirer {

class KeyExchange {
  public:
    explicit KeyExchange(CoreContext& context) : c_(context) {}

    /// Who changed what, for the audit chain: set before the first step.
    std::function<void(const std::string& user, std::string_view role, std::string action,
                       const std::string& detail)>
        on_change;

    void recover();
    void configuration_replaced();
    void link_up(routing::RouteId route);
    void link_down(routing::RouteId route, LinkId link);

    /// Answers the operator when the issuer has answered, or when it is clear that it does not.
    void rotate(const OperatorCommanded& event, const RotateIssuerKey& command);
    void on_offer(const IssuerKeyOffered& event);
    void on_told(const ZonePinKeyTold& event) { told_zpks_[event.route] = event.zpk; }
    [[nodiscard]] bool owns(hsm::Ticket ticket) const {
        return generating_.contains(ticket) || importing_.contains(ticket);
    }
    void on_hsm(hsm::Ticket ticket, const hsm::Reply& reply);
    void on_reply(const IssuerReplyArrived& event);
    void on_reply_deadline(routing::RouteId route);
    void on_grace_deadline(routing::RouteId route);

    /// The ZPK that PIN blocks go under now; empty when the route has none, or the first shard has not said
    /// since this one began.
    [[nodiscard]] hsm::KeyBlock zpk(routing::RouteId route) const;

    /// A key of a route and its standing, for lists.
    struct Standing {
        hsm::KeyKind kind = hsm::KeyKind::zak;
        hsm::KeyBlock key;
        std::string_view state;                 // "current", "previous", "offered"
        std::optional<iso8583::UtcTime> since;  // none for a key of the files
        std::string by;
    };
    [[nodiscard]] std::vector<Standing> keys(routing::RouteId route) const;

  private:
    using RecordKey = std::pair<routing::RouteId, hsm::KeyKind>;
    /// Our own change: at most one a route.
    struct Underway {
        hsm::KeyKind kind = hsm::KeyKind::zak;
        std::uint64_t operator_ticket = 0;  // 0: nobody waits
        std::string user;
        std::optional<IssuerKey> awaited;  // the 0800 that is out
        LinkId link;
    };
    struct Import {
        IssuerKeyOffered event;
        hsm::KeyKind kind = hsm::KeyKind::zak;
    };

    [[nodiscard]] const IssuerKeys* configured(routing::RouteId route) const;
    [[nodiscard]] ledger::ZoneKeyRecord record(const routing::Route& route, hsm::KeyKind kind) const;
    void save(const routing::Route& route, const ledger::ZoneKeyRecord& record);
    void install(routing::RouteId route);
    void arm_grace(routing::RouteId route);
    void begin_from_files(const routing::Route& route);
    void ask_hsm(hsm::Ticket ticket, hsm::Request request);
    void offer(const routing::Route& route, Underway& underway);
    void generated(routing::RouteId route, const hsm::Reply& reply);
    void imported(const Import& import, const hsm::Reply& reply);
    void promote(const routing::Route& route, ledger::ZoneKeyRecord& record, ledger::ZoneKeyRecord::Key key,
                 const std::string& by);
    void finish(routing::RouteId route, bool done, std::string text, const std::string& kcv = {});
    void answer_issuer(const IssuerKeyOffered& event, std::string_view code, const std::string& kcv = {});
    void refuse_issuer(const IssuerKeyOffered& event, std::string_view code, const std::string& why);
    void note(Severity severity, routing::RouteId route, std::string detail);

    CoreContext& c_;
    std::map<RecordKey, ledger::ZoneKeyRecord> records_;   // those that follow the files' key of today
    std::map<routing::RouteId, hsm::KeyBlock> told_zpks_;  // of a shard beside the first
    std::map<routing::RouteId, Underway> underway_;
    std::map<hsm::Ticket, routing::RouteId> generating_;
    std::map<hsm::Ticket, Import> importing_;
};

}  // namespace acquirer
