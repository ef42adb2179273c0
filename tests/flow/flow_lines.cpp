// The lines "issuer …", "operator …", "crash …", "link …", "disk …".
#include <algorithm>

#include "tests/flow/flow_config.hpp"
#include "tests/flow/flow_stage.hpp"

namespace flow {

using namespace acquirer;

namespace {

constexpr std::int64_t restart_ms = 200;

Role role_of(const std::string& user) {
    if (user.rfind("maker", 0) == 0) return Role::operator_;
    if (user.rfind("checker", 0) == 0) return Role::supervisor;
    if (user.rfind("admin", 0) == 0) return Role::admin;
    if (user.rfind("security", 0) == 0) return Role::security_officer;
    return Role::viewer;
}

std::string joined(const Line& line, std::size_t from) {
    std::string text;
    for (std::size_t i = from; i < line.words.size(); ++i) text += (text.empty() ? "" : " ") + line.words[i];
    return text;
}

}  // namespace

/// Before the request is sent: the model decides when it arrives.
void Stage::prepare_issuer(const Line& line) {
    const std::string what = line.word(0);
    simulation::IssuerNode& node = issuer_node();
    std::vector<routing::IssuerAction> none;
    const auto next = [&](const std::string& behaviour) {
        if (node.model().on_control("next any " + behaviour, {}, none) != "ok")
            fail("the issuer does not know " + behaviour);
    };
    if (what == "declines")
        next("decline " + line.word(1));
    else if (what == "twice" || what == "bad-mac" || what == "another-amount" || what == "partial")
        next(what);
    else if (what == "drops")
        next("close");
    else if (what == "silent")
        node.hold_answers = true;
    else if (what == "deaf")
        node.deaf_to = 1;
}

void Stage::issuer(const Line& line) {
    const std::string what = line.word(0);
    simulation::IssuerNode& node = issuer_node();
    if (what == "silent") {
        if (!line.word(1).empty()) world_.pass(duration(line.word(1)));
        node.hold_answers = false;
    } else if (what == "answers") {
        if (!node.release_one()) return fail("no answer is held back");
        world_.pass(0);
    } else if (what == "sends") {
        const auto mti = iso8583::Mti::parse(line.word(1));
        if (!mti) return fail("issuer sends MTI deN=…");
        iso8583::FieldValues fields(*mti);
        if (const auto asked = line.value("to")) {
            const auto at = std::find_if(node.received.rbegin(), node.received.rend(),
                                         [&](const auto& r) { return r.mti.str() == *asked; });
            if (at == node.received.rend()) return fail("the issuer received no " + *asked);
            for (const iso8583::Field f :
                 {iso8583::Field::processing_code, iso8583::Field::amount_transaction,
                  iso8583::Field::transmission_time, iso8583::Field::stan, iso8583::Field::rrn,
                  iso8583::Field::terminal, iso8583::Field::merchant})
                if (at->fields.has(f)) fields.set(f, at->fields.get(f));
        }
        for (const auto& [key, content] : line.values)
            if (key.size() > 2 && key.rfind("de", 0) == 0 && iso8583::all_digits(key.substr(2)))
                fields.set(static_cast<iso8583::Field>(std::stoi(key.substr(2))), content);
        node.send(std::move(fields));
        world_.pass(0);
    } else if (what == "key-change") {
        const std::string reply = node.control("key-change " + line.word(1));
        if (reply != "ok") return fail("issuer: " + reply);
        world_.pass(0);
    } else if (what == "processing" || what == "discount" || what == "account") {
        std::string rest = joined(line, 1);
        if (what == "account" && !line.word(2).empty())
            if (const auto* r = record_of(line.word(2))) rest = line.word(1) + " " + r->wallet.order_number;
        const std::string reply = node.control(what + " " + rest);
        if (reply != "ok") return fail("issuer: " + reply);
    } else if (what == "next") {
        std::vector<routing::IssuerAction> actions;
        const std::string reply = node.model().on_control("next " + joined(line, 1), {}, actions);
        if (reply != "ok") return fail("issuer: " + reply);
    } else if (!line.is_reaction()) {
        return fail("an issuer cannot " + what);
    }
    if (!line.answer.empty()) expect_answer(line.answer);
}

namespace {

/// What leads out of a state that waits for people; nothing for another verb.
std::optional<OperatorCommand> way_out(const Line& line, const std::string& rrn, const std::string& route,
                                       const std::string& proposal) {
    const std::string verb = line.word(1), object = line.word(2), third = line.word(3);
    const std::string note = "as the issuer's file of yesterday says";
    using Way = ResolveAbnormal::Way;
    if (verb == "settle") return SettleTransaction{rrn, third, note};
    if (verb == "abnormal")
        return ResolveAbnormal{
            rrn,
            third == "retry"              ? Way::retry
            : third == "merchant-account" ? Way::merchant_account
            : third == "cancel"           ? Way::cancel
                                          : Way::alternative_account,
            third == "alternative-account" ? line.value("ref").value_or("TRANSFER-77") : "", note};
    if (verb == "reopen") return ReopenRefund{rrn, note};
    if (verb == "edit") return EditRefund{rrn, third, line.value("reason").value_or("")};
    if (verb == "release") {
        ReleaseStale command{route, 0, note};
        if (const auto minutes = line.value("older_than")) command.older_than_minutes = std::stoll(*minutes);
        return command;
    }
    if (verb == "dispute") return AddDispute{rrn, "", line.word(4), third, "CB-1", note};
    if (verb == "reserve-add") return AddReserve{object, third, note};
    if (verb == "charge") return ChargeMerchant{object, third, line.value("ref").value_or(""), note};
    if (verb == "adjust")
        return OpenAdjustment{object, third, line.value("charge").value_or(""), "mistake",
                              line.value("ref").value_or("")};
    if (verb == "purge") return RunPurge{object == "all", note};
    if (verb == "close-dispute") return CloseDispute{object, third, note};
    if (verb == "agree") return DecideProposal{proposal, DecideProposal::To::approve, ""};
    if (verb == "disagree") return DecideProposal{proposal, DecideProposal::To::reject, note};
    return std::nullopt;
}

}  // namespace

void Stage::operate(const Line& line) {
    const std::string user = line.word(0), verb = line.word(1), object = line.word(2);
    const auto rrn_of = [&](const std::string& name) {
        const ledger::TransactionRecord* r = record_of(name);
        return r == nullptr ? std::string() : r->rrn.str();
    };
    const std::string route = issuer_node().model().config().name;
    std::optional<OperatorCommand> command;
    if (verb == "open") {
        const std::string reference = line.value("ref").value_or("ref-" + std::to_string(line.number));
        command = OpenRefund{rrn_of(object), "", line.word(3), "quality", reference};
    } else if (verb == "check") {
        command = CheckRefund{rrn_of(object), "", line.word(3)};
    } else if (verb == "approve") {
        command = ApproveRefund{rrn_of(object)};
    } else if (verb == "reject") {
        command = RejectRefund{rrn_of(object), "no proof"};
    } else if (verb == "cancel") {
        command = CancelRefund{rrn_of(object), "customer came back"};
    } else if (verb == "retry") {
        command = RetryAdvice{rrn_of(object)};
    } else if (verb == "rotate") {
        command = RotateIssuerKey{route, object == "zpk" ? hsm::KeyKind::zpk : hsm::KeyKind::zak,
                                  line.word(3) == "new"};
    } else if (verb == "cutover") {
        command = CutOverDay{};
    } else if (verb == "route") {
        command = MoveRoute{route, object == "up"     ? MoveRoute::To::up
                                   : object == "down" ? MoveRoute::To::down
                                                      : MoveRoute::To::drain};
    } else if (verb == "close-batch") {
        command =
            ChangeTerminal{till(object).terminal().config().terminal.str(), ChangeTerminal::To::close_batch};
    } else if ((verb == "suspend" || verb == "resume") && object == "merchant") {
        command =
            ChangeMerchant{till("T1").terminal().config().merchant.str(),
                           verb == "suspend" ? ChangeMerchant::To::suspend : ChangeMerchant::To::resume};
    } else if (verb == "suspend" || verb == "resume") {
        command =
            ChangeTerminal{till(object).terminal().config().terminal.str(),
                           verb == "suspend" ? ChangeTerminal::To::suspend : ChangeTerminal::To::resume};
    } else if (verb == "resolve") {
        for (const auto& [id, x] : world_.checkers().exceptions())
            if (x.kind == object && x.resolution.empty())
                command = ChangeException{id, ChangeException::To::resolve, "settled with the customer"};
    }
    if (verb == "resolve-all")
        command = ChangeException{object, ChangeException::To::resolve_all, "all alike"};
    const bool of_merchant = verb == "reserve-add" || verb == "charge" || verb == "adjust";
    const bool names_one = !object.empty() && verb != "close-dispute" && verb != "purge" && !of_merchant;
    if (!command) command = way_out(line, names_one ? rrn_of(object) : "", route, proposal_);
    if (!failures_.empty()) return;
    if (!command) return fail("operators cannot " + verb + " " + object);
    std::optional<OperatorAnswer> answer;
    world_.operate(*command, user, role_of(user), [&](const OperatorAnswer& a) { answer = a; });
    world_.pass(0);
    if (!answer) return fail("the operator got no answer");
    operator_text_ = answer->text;
    const std::string wanted = line.answer.empty() ? "done" : line.answer;
    if ((wanted == "done") != answer->done) return fail("the operator was told: " + answer->text);
    for (const auto& [name, value] : answer->values)
        if (name == "proposal") proposal_ = value;
    if (const auto as = line.value("as"))
        for (const auto& [name, value] : answer->values)
            if (const auto rrn = iso8583::Rrn::parse(value); name == "case" && rrn)
                named_[*as] = {nullptr, nullptr, *rrn};
}

void Stage::crash(const Line& line) {
    const bool kept = line.value("keep_unsynced").value_or("0") != "0";
    const std::string at = line.value("at").value_or("now");
    if (at == "sync") return world_.crash_in_next_sync(kept);
    if (at == "effects") return world_.process().die_after(0);
    if (at != "now") return fail("crash at=now|sync|effects");
    const std::int64_t down_ms = line.value("down") ? duration(*line.value("down")) : restart_ms;
    world_.crash(kept ? 1 : 0, down_ms);
    if (!line.value("down")) world_.run_until([this] { return world_.up(); }, 10 * restart_ms);
    world_.pass(0);
}

void Stage::link(const Line& line) {
    const std::string what = line.word(0);
    if (what == "lost")
        issuer_node().drop_all();
    else if (what == "down" || what == "up")
        world_.set_issuer_up(cast_.route, what == "up");
    else
        return fail("link down, up or lost");
    // Connections come back within two seconds.
    world_.pass(what == "up" ? 2'100 : 0);
}

void Stage::disk(const Line& line) {
    const std::string what = line.word(0);
    if (what == "full" || what == "ok")
        world_.set_accepts_new_work(what == "ok");
    else if (what == "fails")
        world_.store().disk.fail_next_sync({ledger::StoreError::Kind::io, "a write failed"});
    else
        return fail("disk full, ok or fails");
    world_.pass(0);
}

}  // namespace flow
