#include <charconv>

#include "switch/admin/batch_requests.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/admin/file_requests.hpp"
#include "switch/admin/money_requests.hpp"
#include "switch/admin/recon_requests.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/admin/retention_requests.hpp"
#include "switch/admin/store_requests.hpp"

namespace acquirer::admin {

namespace {

ledger::RefundProof proof_of(const Request& r) {
    return {argument(r, "proof"), argument(r, "proof-file"), argument(r, "proof-digest")};
}

std::optional<OperatorCommand> refund_command(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "refund check") return CheckRefund{a("rrn"), a("date"), a("amount")};
    if (r.command == "refund open")
        return OpenRefund{a("rrn"), a("date"), a("amount"), a("reason"), a("ref"), a("note"), proof_of(r)};
    if (r.command == "refund approve") return ApproveRefund{a("case")};
    if (r.command == "refund reject") return RejectRefund{a("case"), a("reason")};
    if (r.command == "refund cancel") return CancelRefund{a("case"), a("reason")};
    if (r.command == "refund edit")
        return EditRefund{a("case"), a("amount"), a("reason"), a("note"), proof_of(r)};
    if (r.command == "refund reopen") return ReopenRefund{a("case"), a("note")};
    return std::nullopt;
}

/// Exactly one of the four ways; which is the core's to judge when none or several are given.
std::optional<ResolveAbnormal> abnormal_command(const Request& r) {
    using Way = ResolveAbnormal::Way;
    ResolveAbnormal command{argument(r, "id"), Way::retry, argument(r, "alternative-account"),
                            argument(r, "note")};
    int ways = 0;
    const auto choose = [&](bool given, Way way) {
        if (!given) return;
        ++ways;
        command.way = way;
    };
    choose(flag(r, "retry"), Way::retry);
    choose(flag(r, "merchant-account"), Way::merchant_account);
    choose(!command.payout_reference.empty(), Way::alternative_account);
    choose(flag(r, "cancel"), Way::cancel);
    return ways == 1 ? std::optional(command) : std::nullopt;
}

/// Exactly one of an exception and a kind; else the core says so of an empty name.
ChangeException resolution(const std::string& exception, const std::string& kind, const std::string& note) {
    using To = ChangeException::To;
    if (!exception.empty() && !kind.empty()) return {"", To::resolve, note};
    return kind.empty() ? ChangeException{exception, To::resolve, note}
                        : ChangeException{kind, To::resolve_all, note};
}

/// What leads out of a state that waits for people, and what a second person says to it.
std::optional<OperatorCommand> way_out_command(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "saf retry") return RetryAdvice{a("id")};
    if (r.command == "saf settle" || r.command == "exceptions settle")
        return SettleTransaction{a("id"), a("outcome"), a("note")};
    if (r.command == "saf release") {
        ReleaseStale command{a("route"), 0, a("note")};
        const std::string minutes = a("older-than");
        std::from_chars(minutes.data(), minutes.data() + minutes.size(), command.older_than_minutes);
        return command;
    }
    if (r.command == "abnormal resolve") return abnormal_command(r);
    if (r.command == "dispute add")
        return AddDispute{a("rrn"), a("date"), a("amount"), a("kind"), a("ref"), a("note")};
    if (r.command == "dispute close") return CloseDispute{a("dispute"), a("outcome"), a("note")};
    using To = DecideProposal::To;
    if (r.command == "proposals approve") return DecideProposal{a("proposal"), To::approve, ""};
    if (r.command == "proposals reject") return DecideProposal{a("proposal"), To::reject, a("note")};
    return std::nullopt;
}

}  // namespace

std::optional<OperatorCommand> operator_command(const Request& r) {
    if (auto refund = refund_command(r)) return refund;
    if (auto way_out = way_out_command(r)) return way_out;
    if (auto file = file_change(r)) return file;
    if (auto batch = batch_change(r)) return batch;
    if (auto recon = recon_change(r)) return recon;
    if (auto store = store_change(r)) return store;
    if (auto retention = retention_change(r)) return retention;
    if (auto money = money_change(r)) return money;
    const auto a = [&](std::string_view name) { return argument(r, name); };
    using Route = MoveRoute::To;
    using Merchant = ChangeMerchant::To;
    using Terminal = ChangeTerminal::To;
    if (r.command == "exceptions assign")
        return ChangeException{a("exception"), ChangeException::To::assign, a("owner")};
    if (r.command == "exceptions resolve") return resolution(a("exception"), a("all-of"), a("note"));
    if (r.command == "routes up") return MoveRoute{a("route"), Route::up};
    if (r.command == "routes down") return MoveRoute{a("route"), Route::down};
    if (r.command == "routes drain") return MoveRoute{a("route"), Route::drain};
    if (r.command == "merchants suspend") return ChangeMerchant{a("merchant"), Merchant::suspend};
    if (r.command == "merchants resume") return ChangeMerchant{a("merchant"), Merchant::resume};
    if (r.command == "merchants enable-refund") return ChangeMerchant{a("merchant"), Merchant::enable_refund};
    if (r.command == "merchants disable-refund")
        return ChangeMerchant{a("merchant"), Merchant::disable_refund};
    if (r.command == "terminals suspend") return ChangeTerminal{a("terminal"), Terminal::suspend};
    if (r.command == "terminals resume") return ChangeTerminal{a("terminal"), Terminal::resume};
    if (r.command == "terminals close-batch") return ChangeTerminal{a("terminal"), Terminal::close_batch};
    if (r.command == "keys list") return ListKeys{a("terminal")};
    if (r.command == "keys rotate")
        return RotateIssuerKey{a("issuer"), a("kind") == "zpk" ? hsm::KeyKind::zpk : hsm::KeyKind::zak,
                               flag(r, "new")};
    if (r.command == "day cutover") return CutOverDay{flag(r, "force")};
    return std::nullopt;
}

}  // namespace acquirer::admin
