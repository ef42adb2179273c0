#include "switch/admin/control_handler.hpp"

#include <algorithm>

#include "iso8583/values/nearest_word.hpp"
#include "switch/admin/commands.hpp"
#include "switch/admin/party_requests.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer::admin {

using iso8583::parse_error;

namespace {

/// A list that the core answers whole: its page is cut here. Rows empty: no list.
struct ListRequest {
    std::string rows;
    ListQuery query;
};

std::string answer_line(const OperatorAnswer& done, const ListRequest& list) {
    Answer answer;
    answer.error = done.done ? AnswerError::none : AnswerError::refused;
    answer.text = done.text;
    answer.data = done.data;
    if (!done.values.empty()) {
        answer.data = View::object();
        for (const auto& [name, value] : done.values) answer.data.put(name, value);
    }
    if (done.done && !list.rows.empty()) {
        auto page = page_of(answer.data, list.rows, list.query);
        if (!page) return write_answer({AnswerError::refused, page.error().what, {}});
        answer.data = std::move(*page);
    }
    return write_answer(answer);
}

View view_of(const Person& person, std::uint32_t uid) {
    View roles = View::list();
    for (const Role role : person.roles) roles.add(std::string(name(role)));
    View view = View::object();
    view.put("user", person.name).put("uid", std::int64_t{uid}).put("roles", std::move(roles));
    return view;
}

}  // namespace

std::vector<Person> demo_people() {
    return {{"maker1", {Role::operator_}},           {"maker2", {Role::operator_}},
            {"checker1", {Role::supervisor}},        {"checker2", {Role::supervisor}},
            {"security1", {Role::security_officer}}, {"admin1", {Role::admin}}};
}

OperatorsControl::OperatorsControl(std::vector<OperatorAccount> operators, People people, AuditCheck audit,
                                   PartyCheck* parties)
    : operators_(std::move(operators)), people_(people), audit_(std::move(audit)), parties_(parties) {}

iso8583::Result<Person> OperatorsControl::person_of(const ControlRequest& request,
                                                    const Request& parsed) const {
    if (!parsed.as.empty()) {
        if (people_ != People::demo)
            return parse_error("--as is for a demonstration; here your Unix user decides who you are");
        std::vector<std::string> names;
        for (const Person& person : demo_people()) {
            if (person.name == parsed.as) return person;
            names.push_back(person.name);
        }
        return parse_error("--as " + iso8583::fault_of_word(names, parsed.as));
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

ControlDecision OperatorsControl::decide_policy(const Request& request, const Person& person) const {
    const auto preview = judge_policy_(policy_text(request));
    if (!preview) return ControlAnswer{write_answer({AnswerError::refused, preview.error().what, {}})};
    if (request.command == "policy judge")
        return ControlAnswer{write_answer({AnswerError::none, "", preview_view(*preview)})};
    auto render = [shown = preview_view(*preview)](const OperatorAnswer& done) {
        Answer answer{done.done ? AnswerError::none : AnswerError::refused, done.text, shown};
        for (const auto& [name, value] : done.values)
            if (name == "proposal" || name == "needed") answer.data.put(name, value);
        return write_answer(answer);
    };
    return ControlChange{OperatorCommanded{0, person.name, Role::admin, proposal_of(request, *preview)},
                         std::move(render)};
}

ControlDecision OperatorsControl::decide(const ControlRequest& request) {
    auto parsed = parse_request(request.line);
    if (!parsed) return ControlAnswer{write_answer({AnswerError::usage, parsed.error().what, {}})};
    auto person = person_of(request, *parsed);
    if (!person) return ControlAnswer{refuse(person.error().what)};
    if (parsed->command == "whoami")
        return ControlAnswer{write_answer({AnswerError::none, "", view_of(*person, request.uid)})};
    const CommandInfo* command = find_command(parsed->command);
    const auto needed = parse_role(command->role);
    const bool has_role =
        needed && (*needed == Role::viewer ||
                   std::find(person->roles.begin(), person->roles.end(), *needed) != person->roles.end());
    const bool of_a_policy =
        parsed->command == "policy judge" || (parsed->command == "policy propose" && has_role);
    if (of_a_policy && judge_policy_) return decide_policy(*parsed, *person);
    auto change = operator_command(*parsed);
    if (has_role)
        if (auto party = party_change(*parsed, parties_, person->name)) {
            if (!*party) return ControlAnswer{refuse(party->error().what)};
            change = std::move(**party);
        }
    if (change) {
        // A person with several roles acts in the one that the command needs; the core has the last word.
        const Role acting = has_role && *needed != Role::viewer ? *needed : person->roles.front();
        const ListRequest list{std::string(command->list.rows), list_query(*parsed)};
        return ControlChange{OperatorCommanded{0, person->name, acting, std::move(*change)},
                             [list](const OperatorAnswer& done) { return answer_line(done, list); }};
    }
    if (!has_role)
        return ControlAnswer{refuse(parsed->command + " needs the role " + std::string(command->role) + "; " +
                                    person->name + " does not have it")};
    auto read = [request = *parsed, audit = audit_](const ControlView& view) {
        const ViewContext context{*view.store, view.status, *view.configuration,
                                  view.now,    &view.shell, view.shards.empty() ? nullptr : &view.shards};
        auto data = run_read(request, context, audit);
        if (!data) return write_answer({AnswerError::refused, data.error().what, {}});
        return write_answer({AnswerError::none, "", std::move(*data)});
    };
    return ControlRead{std::move(read), parsed->hold_snapshot, command->takes_long || parsed->hold_snapshot};
}

}  // namespace acquirer::admin
