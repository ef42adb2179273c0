#include "switch/admin/control_handler.hpp"

#include <algorithm>
#include <charconv>

#include "switch/admin/commands.hpp"

namespace acquirer::admin {

using iso8583::parse_error;

namespace {

/// Arguments were checked when the request was parsed: what is there has its form.
std::string argument(const Request& request, std::string_view name) {
    const auto at = request.arguments.find(name);
    return at == request.arguments.end() ? std::string() : at->second;
}

bool flag(const Request& request, std::string_view name) { return argument(request, name) == "true"; }

std::size_t limit_of(const Request& request) {
    const std::string text = argument(request, "limit");
    std::size_t limit = list_limit_default;
    if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), limit);
    return std::min(limit, list_limit_max);
}

template <typename T>
std::optional<T> parsed(const Request& request, std::string_view name) {
    const std::string text = argument(request, name);
    if (text.empty()) return std::nullopt;
    auto value = T::parse(text);
    return value ? std::optional<T>(*value) : std::nullopt;
}

FindQuery find_query(const Request& r) {
    FindQuery q;
    q.rrn = parsed<iso8583::Rrn>(r, "rrn");
    q.authorization = argument(r, "auth");
    q.terminal = parsed<iso8583::TerminalId>(r, "terminal");
    q.batch = parsed<iso8583::BatchNumber>(r, "batch");
    q.trace = parsed<iso8583::Stan>(r, "trace");
    q.pan_last4 = argument(r, "pan-last4");
    q.amount = argument(r, "amount");
    if (const std::string date = argument(r, "date"); !date.empty())
        if (auto day = iso8583::Date::parse_iso(date)) q.date = *day;
    q.limit = limit_of(r);
    return q;
}

RefundFilter refund_filter(const std::string& word) {
    if (word == "cleared") return RefundFilter::cleared;
    if (word == "pending") return RefundFilter::pending;
    if (word == "abnormal") return RefundFilter::abnormal;
    if (word == "parked") return RefundFilter::parked;
    if (word == "all") return RefundFilter::all;
    return RefundFilter::held;
}

TotalsBy totals_by(const std::string& word) {
    if (word == "merchant") return TotalsBy::merchant;
    if (word == "terminal") return TotalsBy::terminal;
    if (word == "instrument") return TotalsBy::instrument;
    return TotalsBy::route;
}

ViewResult totals(const Request& request, const ViewContext& context) {
    std::optional<iso8583::BusinessDate> day;
    if (const std::string text = argument(request, "day"); !text.empty())
        if (auto date = iso8583::Date::parse_iso(text)) day = iso8583::BusinessDate{*date};
    return view_totals(context, totals_by(argument(request, "by")), day);
}

std::optional<OperatorCommand> refund_command(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "refund check") return CheckRefund{a("rrn"), a("date"), a("amount")};
    if (r.command == "refund open")
        return OpenRefund{a("rrn"), a("date"), a("amount"), a("reason"), a("ref")};
    if (r.command == "refund approve") return ApproveRefund{a("case")};
    if (r.command == "refund reject") return RejectRefund{a("case"), a("reason")};
    if (r.command == "refund cancel") return CancelRefund{a("case"), a("reason")};
    if (r.command == "refund edit") return EditRefund{a("case"), a("amount"), a("reason")};
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

std::string answer_line(const OperatorAnswer& done) {
    Answer answer;
    answer.error = done.done ? AnswerError::none : AnswerError::refused;
    answer.text = done.text;
    answer.data = done.data;
    if (!done.values.empty()) {
        answer.data = View::object();
        for (const auto& [name, value] : done.values) answer.data.put(name, value);
    }
    return write_answer(answer);
}

}  // namespace

std::vector<Person> demo_people() {
    return {{"maker1", {Role::operator_}},           {"maker2", {Role::operator_}},
            {"checker1", {Role::supervisor}},        {"checker2", {Role::supervisor}},
            {"security1", {Role::security_officer}}, {"admin1", {Role::admin}}};
}

std::optional<OperatorCommand> operator_command(const Request& r) {
    if (auto refund = refund_command(r)) return refund;
    if (auto way_out = way_out_command(r)) return way_out;
    const auto a = [&](std::string_view name) { return argument(r, name); };
    using Route = MoveRoute::To;
    using Merchant = ChangeMerchant::To;
    using Terminal = ChangeTerminal::To;
    if (r.command == "exceptions assign")
        return ChangeException{a("exception"), ChangeException::To::assign, a("owner")};
    if (r.command == "exceptions resolve")
        return ChangeException{a("exception"), ChangeException::To::resolve, a("note")};
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

ViewResult run_read(const Request& r, const ViewContext& context, ledger::AuditHash hash) {
    const std::string id = argument(r, "id");
    const std::size_t limit = limit_of(r);
    if (r.command == "status") return view_status(context);
    if (r.command == "find") return view_find(context, find_query(r));
    if (r.command == "show")
        return view_show(context, id, flag(r, "messages") ? Shown::with_messages : Shown::transaction);
    if (r.command == "explain") return view_explain(context, id);
    if (r.command == "receipt") return view_receipt(context, id);
    if (r.command == "refund list") return view_refunds(context, refund_filter(argument(r, "state")), limit);
    if (r.command == "refund show") return view_show(context, id, Shown::transaction);
    if (r.command == "saf list") return view_queue(context, argument(r, "route"), limit);
    if (r.command == "saf show") return view_queued(context, id);
    if (r.command == "exceptions list")
        return view_exceptions(context, flag(r, "all") ? Exceptions::all : Exceptions::open, limit);
    if (r.command == "exceptions show") return view_exception(context, argument(r, "exception"));
    if (r.command == "abnormal list") return view_refunds(context, RefundFilter::abnormal, limit);
    if (r.command == "abnormal show") return view_show(context, id, Shown::transaction);
    if (r.command == "proposals list") return view_proposals(context, flag(r, "all"), limit);
    if (r.command == "dispute list") return view_disputes(context, flag(r, "all"), limit);
    if (r.command == "abnormal resolve")
        return parse_error(
            "one of --retry, --merchant-account, --alternative-account and --cancel is needed");
    if (r.command == "routes list") return view_routes(context);
    if (r.command == "merchants list") return view_merchants(context, limit);
    if (r.command == "terminals list") return view_terminals(context, argument(r, "merchant"), limit);
    if (r.command == "day status") return view_day(context);
    if (r.command == "totals") return totals(r, context);
    if (r.command == "audit verify") return view_audit_verify(context, hash);
    return parse_error("there is no such read");
}

OperatorsControl::OperatorsControl(std::vector<OperatorAccount> operators, People people,
                                   ledger::AuditHash hash)
    : operators_(std::move(operators)), people_(people), hash_(hash) {}

iso8583::Result<Person> OperatorsControl::person_of(const ControlRequest& request,
                                                    const Request& parsed) const {
    if (!parsed.as.empty()) {
        if (people_ != People::demo)
            return parse_error("--as is for a demonstration; here your Unix user decides who you are");
        for (const Person& person : demo_people())
            if (person.name == parsed.as) return person;
        return parse_error("--as has to be one of maker1, maker2, checker1, checker2, security1, admin1");
    }
    for (const OperatorAccount& account : operators_)
        if (account.uid == std::int64_t{request.uid}) return Person{account.name, account.roles};
    if (people_ == People::demo) return Person{"viewer", {Role::viewer}};
    return parse_error("Unix user " + std::to_string(request.uid) +
                       " is no operator of this switch ([[operator]])");
}

std::string OperatorsControl::refuse(const std::string& why) {
    return write_answer({AnswerError::refused, why, {}});
}

ControlDecision OperatorsControl::decide(const ControlRequest& request) {
    auto parsed = parse_request(request.line);
    if (!parsed) return ControlAnswer{write_answer({AnswerError::usage, parsed.error().what, {}})};
    auto person = person_of(request, *parsed);
    if (!person) return ControlAnswer{refuse(person.error().what)};
    const CommandInfo* command = find_command(parsed->command);
    const auto needed = parse_role(command->role);
    const bool has_role =
        needed && (*needed == Role::viewer ||
                   std::find(person->roles.begin(), person->roles.end(), *needed) != person->roles.end());
    if (auto change = operator_command(*parsed)) {
        // A person with several roles acts in the one that the command needs; the core has the last word.
        const Role acting = has_role && *needed != Role::viewer ? *needed : person->roles.front();
        return ControlChange{OperatorCommanded{0, person->name, acting, std::move(*change)}, answer_line};
    }
    if (!has_role)
        return ControlAnswer{refuse(parsed->command + " needs the role " + std::string(command->role) + "; " +
                                    person->name + " does not have it")};
    return ControlRead{[request = *parsed, hash = hash_](const ControlView& view) {
        const ViewContext context{*view.store, view.status, *view.configuration, view.now};
        auto data = run_read(request, context, hash);
        if (!data) return write_answer({AnswerError::refused, data.error().what, {}});
        return write_answer({AnswerError::none, "", std::move(*data)});
    }};
}

}  // namespace acquirer::admin
