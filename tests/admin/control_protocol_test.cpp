// The control protocol: what a line may say, and the sentence for each way it can be wrong; who may do what.
#include <catch2/catch.hpp>

#include "ledger/audit_hash.hpp"
#include "switch/admin/commands.hpp"
#include "switch/admin/control_handler.hpp"
#include "switch/admin/party_requests.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using namespace acquirer::admin;

namespace {

OperatorsControl demo_control() { return {{}, OperatorsControl::People::demo, ledger::audit_sha256}; }

std::string answered(OperatorsControl& control, const std::string& line, std::uint32_t uid = 1000) {
    ControlDecision decision = control.decide({line, uid, uid});
    const auto* answer = std::get_if<ControlAnswer>(&decision);
    return answer != nullptr ? answer->line : "taken";
}

template <typename Command>
Command command_of(const std::string& line) {
    const auto request = parse_request(line);
    INFO(line << (request ? "" : ": " + request.error().what));
    REQUIRE(request);
    const auto command = operator_command(*request);
    REQUIRE(command);
    REQUIRE(std::holds_alternative<Command>(*command));
    return std::get<Command>(*command);
}

}  // namespace

TEST_CASE("protocol: each wrong line gets a sentence that names what is wrong") {
    struct Row {
        std::string line;
        std::string expected;
    };
    const std::string open =
        R"({"command":"refund open","args":{"rrn":"632500000001","date":"1121","reason":"r","ref":"x")";
    const Row rows[] = {
        {"", "the request is no JSON object"},
        {"status", "the request is no JSON object"},
        {"[]", "the request is no JSON object"},
        {R"({"command":"status")", "the request is no JSON object"},
        {"{}", "the request names no command"},
        {R"({"command":5})", "command has to be a text"},
        {R"({"command":"status","user":"root"})",
         "the request has a member that is none of command, args, as and snapshot"},
        {R"({"command":"list","snapshot":"keep"})", "snapshot: has to be hold"},
        {R"({"command":"list","snapshot":true})", "snapshot has to be a text"},
        {R"({"command":"status","snapshot":"hold"})", "snapshot: status is no list"},
        {R"({"command":"list","args":{"after":""}})",
         "after: needs a cursor as the last line of a list that is cut gives it"},
        {R"({"command":"list","args":{"from":"21.11.2026"}})", "from: "},
        {R"({"command":"list","args":{"state":"lost"}})", "state: "},
        {R"({"command":"list","args":{"kind":"tip"}})",
         "kind: has to be one of sale, void, refund, authorization, completion, authorization_void"},
        {R"({"command":"status","args":{"limit":"1"}})", "status has no argument of that name"},
        {R"({"command":"status","as":1})", "as has to be a text"},
        {R"({"command":"refund"})", "there is no such command; refundctl --help lists them"},
        {R"({"command":"dispute sell"})", "there is no such command; refundctl --help lists them"},
        {R"({"command":"status","args":[1]})", "args has to be an object"},
        {R"({"command":"status","args":{"x":"1"}})", "status has no argument of that name"},
        {R"({"command":"show"})", "show needs id: RRN or case number"},
        {R"({"command":"show","args":{"id":{"a":1}}})", "id: has to be a text"},
        {R"({"command":"show","args":{"id":"6325 00000001"}})", "id: needs an RRN or a case number"},
        {R"({"command":"find","args":{"rrn":"63250000000"}})", "rrn: "},
        {R"({"command":"find","args":{"rrn":"63250000000a"}})", "rrn: "},
        {R"({"command":"find","args":{"auth":"12345"}})", "auth: "},
        {R"({"command":"find","args":{"terminal":"1000001"}})", "terminal: needs 8 digits"},
        {R"({"command":"find","args":{"batch":"1"}})", "batch: needs 6 digits"},
        {R"({"command":"find","args":{"trace":"00000A"}})", "trace: needs 6 digits"},
        {R"({"command":"find","args":{"pan-last4":"62123"}})", "pan-last4: needs 4 digits"},
        {R"({"command":"find","args":{"date":"2026-02-30"}})", "date: "},
        {R"({"command":"find","args":{"date":"21.11.2026"}})", "date: "},
        {R"({"command":"find","args":{"limit":0}})", "limit: needs a number from 1 to 1000"},
        {R"({"command":"find","args":{"limit":"1001"}})", "limit: needs a number from 1 to 1000"},
        {R"({"command":"find","args":{"limit":"-5"}})", "limit: needs a number from 1 to 1000"},
        {open + "}}", "refund open needs amount: in major units, as 60.00"},
        {open + R"(,"amount":"60,00"}})", "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":"60."}})", "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":".5"}})", "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":"-60.00"}})", "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":"6e3"}})", "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":"0.00"}})", "amount: has to be more than nothing"},
        {open + R"(,"amount":"60.0001"}})", "amount: has more decimals than any currency"},
        {open + R"(,"amount":"9999999999999.00"}})",
         "amount: needs an amount in major units, as 60 or 60.00"},
        {open + R"(,"amount":60.5}})", "amount: has to be a text"},
        {R"({"command":"refund check","args":{"rrn":"632500000001","amount":"1.00","date":"0230"}})",
         "date: is no day of the year"},
        {R"({"command":"refund check","args":{"rrn":"632500000001","amount":"1.00","date":"2026-11-21"}})",
         "date: needs month and day, as 0612"},
        {R"({"command":"refund reject","args":{"case":"632500000001","reason":""}})",
         "reason: needs 1 to 200 printable characters"},
        {R"({"command":"refund reject","args":{"case":"632500000001","reason":"a\nb"}})",
         "reason: needs 1 to 200 printable characters"},
        {R"({"command":"refund list","args":{"state":"lost"}})",
         "state: has to be one of held, cleared, pending, abnormal, parked, all"},
        {R"({"command":"refund list","args":{"state":"held pending"}})",
         "state: has to be one of held, cleared, pending, abnormal, parked, all"},
        {R"({"command":"show","args":{"id":"632500000001","messages":"yes"}})",
         "messages: needs true or false"},
        {R"({"command":"routes down","args":{"route":"issuer a"}})",
         "route: needs a name of letters, digits, - and _"},
        {R"({"command":"merchants suspend","args":{"merchant":"898"}})", "merchant: "},
        {R"({"command":"exceptions resolve","args":{"exception":"7","note":"n"}})",
         "exception: needs an exception's id, as 632500000123-00000007"},
        {"{\"command\":\"" + std::string(70000, 'x') + "\"}", "the request is longer than 65536 bytes"},
    };
    for (const Row& row : rows) {
        INFO(row.line.substr(0, 200));
        const auto request = parse_request(row.line);
        REQUIRE_FALSE(request);
        if (row.expected.size() > 2 && row.expected.substr(row.expected.size() - 2) == ": ")
            CHECK(request.error().what.rfind(row.expected, 0) == 0);
        else
            CHECK(request.error().what == row.expected);
    }
}

TEST_CASE("protocol: depth and junk do not bring it down") {
    std::string deep = R"({"command":"status","args":)";
    for (int i = 0; i < 2000; ++i) deep += "[";
    CHECK_FALSE(parse_request(deep));
    CHECK_FALSE(parse_request(std::string("\0\xFF{}", 4)));
    CHECK_FALSE(parse_request("{\"command\":\"\xFF\xFE\"}"));
}

TEST_CASE("protocol: a change becomes the core's command, argument by argument") {
    const auto open = command_of<OpenRefund>(
        R"({"command":"refund open","args":{"rrn":"632500000001","date":"1121","amount":"60.00","reason":"damaged","ref":"T-1"}})");
    CHECK(open.rrn == "632500000001");
    CHECK(open.date_mmdd == "1121");
    CHECK(open.amount_major == "60.00");
    CHECK(open.reason == "damaged");
    CHECK(open.reference == "T-1");
    const auto check = command_of<CheckRefund>(
        R"({"command":"refund check","args":{"rrn":"632500000001","date":"1121","amount":"60"}})");
    CHECK(check.amount_major == "60");
    CHECK(command_of<ApproveRefund>(R"({"command":"refund approve","args":{"case":"632500000004"}})")
              .case_number == "632500000004");
    CHECK(command_of<RejectRefund>(
              R"({"command":"refund reject","args":{"case":"632500000004","reason":"no"}})")
              .reason == "no");
    CHECK(command_of<CancelRefund>(
              R"({"command":"refund cancel","args":{"case":"632500000004","reason":"no"}})")
              .case_number == "632500000004");
    CHECK(command_of<RetryAdvice>(R"({"command":"saf retry","args":{"id":"632500000006"}})").rrn ==
          "632500000006");
    CHECK(command_of<MoveRoute>(R"({"command":"routes up","args":{"route":"issuer-a"}})").to ==
          MoveRoute::To::up);
    CHECK(command_of<MoveRoute>(R"({"command":"routes down","args":{"route":"issuer-a"}})").to ==
          MoveRoute::To::down);
    CHECK(command_of<MoveRoute>(R"({"command":"routes drain","args":{"route":"issuer-a"}})").to ==
          MoveRoute::To::drain);
    using Merchant = ChangeMerchant::To;
    for (const auto& [word, to] :
         {std::pair("suspend", Merchant::suspend), std::pair("resume", Merchant::resume),
          std::pair("enable-refund", Merchant::enable_refund),
          std::pair("disable-refund", Merchant::disable_refund)})
        CHECK(command_of<ChangeMerchant>(R"({"command":"merchants )" + std::string(word) +
                                         R"(","args":{"merchant":"898110157220001"}})")
                  .to == to);
    using Terminal = ChangeTerminal::To;
    for (const auto& [word, to] :
         {std::pair("suspend", Terminal::suspend), std::pair("resume", Terminal::resume),
          std::pair("close-batch", Terminal::close_batch)})
        CHECK(command_of<ChangeTerminal>(R"({"command":"terminals )" + std::string(word) +
                                         R"(","args":{"terminal":"10000001"}})")
                  .to == to);
    const auto assign = command_of<ChangeException>(
        R"({"command":"exceptions assign","args":{"exception":"632500000005-00000001","owner":"mei"}})");
    CHECK(assign.to == ChangeException::To::assign);
    CHECK(assign.owner_or_note == "mei");
    CHECK(
        command_of<ChangeException>(
            R"({"command":"exceptions resolve","args":{"exception":"632500000005-00000001","note":"booked"}})")
            .to == ChangeException::To::resolve);
    command_of<CutOverDay>(R"({"command":"day cutover"})");
}

TEST_CASE("protocol: every command of the table is a change or a read that runs") {
    const sample::World world;
    for (const CommandInfo& info : commands()) {
        INFO(info.name);
        CHECK(parse_role(info.role));
        Request request;
        request.command = info.name;
        if (info.side == CommandSide::refundctl || operator_command(request)) continue;
        if (party_change(request, nullptr, "checker1")) continue;
        const auto view = run_read(request, world.context(), ledger::audit_sha256);
        if (!view) CHECK(view.error().what != "there is no such read");
    }
}

TEST_CASE("protocol: what is wrong with an argument begins with its name, once") {
    for (const CommandInfo& info : commands())
        for (const ArgumentInfo& argument : info.arguments) {
            const auto checked = check_argument(argument, "\x01");
            if (checked) continue;
            INFO(info.name << " " << argument.name << ": " << checked.error().what);
            const std::string label = std::string(argument.name) + ": ";
            CHECK(checked.error().what.starts_with(label));
            CHECK_FALSE(checked.error().what.starts_with(label + label));
        }
}

TEST_CASE("roles: the demo's people, and nobody without --as but a viewer") {
    OperatorsControl control = demo_control();
    struct Row {
        const char* as;
        const char* user;
        Role role;
    };
    for (const Row& row :
         {Row{"", "viewer", Role::viewer}, Row{"maker1", "maker1", Role::operator_},
          Row{"maker2", "maker2", Role::operator_}, Row{"checker1", "checker1", Role::supervisor},
          Row{"checker2", "checker2", Role::supervisor},
          Row{"security1", "security1", Role::security_officer}, Row{"admin1", "admin1", Role::admin}}) {
        const std::string as = *row.as == '\0' ? "" : R"(,"as":")" + std::string(row.as) + "\"";
        ControlDecision decision = control.decide({R"({"command":"day cutover")" + as + "}", 1000, 1000});
        const auto* change = std::get_if<ControlChange>(&decision);
        REQUIRE(change != nullptr);
        CHECK(change->event.user == row.user);
        CHECK(change->event.role == row.role);  // whether that is enough is the core's word
    }
    CHECK(
        answered(control, R"({"command":"status","as":"root"})") ==
        R"({"ok":false,"error":"refused","text":"--as has to be one of maker1, maker2, checker1, checker2, security1, admin1"})");
    CHECK(
        answered(control, R"({"command":"audit verify"})") ==
        R"({"ok":false,"error":"refused","text":"audit verify needs the role security_officer; viewer does not have it"})");
    CHECK(answered(control, R"({"command":"audit verify","as":"security1"})") == "taken");
}

TEST_CASE("roles: outside the demo the peer's uid decides") {
    OperatorsControl control(
        {{2001, "mei", {Role::operator_}, {}}, {2003, "root-ops", {Role::security_officer, Role::admin}, {}}},
        OperatorsControl::People::accounts, ledger::audit_sha256);
    CHECK(answered(control, R"({"command":"status"})", 2001) == "taken");
    const auto stranger = [](const std::string& uid) {
        return "{\"ok\":false,\"error\":\"refused\",\"text\":\"Unix user " + uid +
               " is no operator of this switch ([[operator]])\"}";
    };
    CHECK(answered(control, R"({"command":"status"})", 0) == stranger("0"));
    CHECK(
        answered(control, R"({"command":"status","as":"admin1"})", 2001) ==
        R"({"ok":false,"error":"refused","text":"--as is for a demonstration; here your Unix user decides who you are"})");
    // A person with two roles acts in the one the command needs.
    ControlDecision decision = control.decide({R"({"command":"day cutover"})", 2003, 2003});
    REQUIRE(std::holds_alternative<ControlChange>(decision));
    CHECK(std::get<ControlChange>(decision).event.role == Role::admin);
    CHECK(answered(control, R"({"command":"audit verify"})", 2003) == "taken");
    CHECK(
        answered(control, R"({"command":"audit verify"})", 2001) ==
        R"({"ok":false,"error":"refused","text":"audit verify needs the role security_officer; mei does not have it"})");
    control.operators_replaced({});
    CHECK(answered(control, R"({"command":"status"})", 2001) == stranger("2001"));
}

TEST_CASE("answers: a change's and a read's, there and back") {
    OperatorsControl control = demo_control();
    ControlDecision decision = control.decide(
        {R"({"command":"refund approve","args":{"case":"632500000004"},"as":"checker1"})", 1, 1});
    REQUIRE(std::holds_alternative<ControlChange>(decision));
    const auto& render = std::get<ControlChange>(decision).render;
    CHECK(render({true, "approved", {{"rrn", "632500000004"}}}) ==
          R"({"ok":true,"text":"approved","data":{"rrn":"632500000004"}})");
    CHECK(render({false, "you opened it", {}}) == R"({"ok":false,"error":"refused","text":"you opened it"})");

    const auto world = std::make_shared<sample::World>();
    ControlDecision read = control.decide({R"({"command":"show","args":{"id":"632500000001"}})", 1, 1});
    REQUIRE(std::holds_alternative<ControlRead>(read));
    const ControlView view{std::shared_ptr<const ledger::StoreReader>(world, &world->store), world->status,
                           world->configuration, world->now};
    const auto answer = parse_answer(std::get<ControlRead>(read).read(view));
    REQUIRE(answer);
    CHECK(answer->error == AnswerError::none);
    CHECK(*answer->data.find("remaining")->text() == "40.00");
    CHECK(*answer->data.find("refunds")->number() == 1);

    ControlDecision unknown = control.decide({R"({"command":"show","args":{"id":"632500000099"}})", 1, 1});
    CHECK(std::get<ControlRead>(unknown).read(view) ==
          R"({"ok":false,"error":"refused","text":"no transaction has that RRN or case number"})");
    CHECK(control.refuse("the switch is stopping") ==
          R"({"ok":false,"error":"refused","text":"the switch is stopping"})");
}

TEST_CASE("answers: requests and answers survive their own text") {
    Request request;
    request.command = "refund open";
    request.as = "maker1";
    request.arguments = {{"rrn", "632500000001"},
                         {"date", "1121"},
                         {"amount", "60.00"},
                         {"reason", "\"quoted\" \xC3\xA9"},
                         {"ref", "1"}};
    const auto again = parse_request(write_request(request));
    REQUIRE(again);
    CHECK(again->command == request.command);
    CHECK(again->as == request.as);
    CHECK(again->arguments == request.arguments);

    View data = View::object();
    data.put("text", "a\nb")
        .put("flag", true)
        .put("count", 7)
        .put("list", View::list().add("x"))
        .put("nothing", View{});
    const auto answer = parse_answer(write_answer({AnswerError::none, "done", data}));
    REQUIRE(answer);
    CHECK(answer->data == data);
    CHECK(parse_answer(write_answer({AnswerError::usage, "no", {}}))->error == AnswerError::usage);
    CHECK(write_answer({AnswerError::none, "line\nbreak", {}}).find('\n') == std::string::npos);
    CHECK_FALSE(parse_answer("{}"));
    CHECK_FALSE(parse_answer("hello"));
    // Bytes that are no UTF-8 do not make an answer impossible.
    CHECK(parse_answer(write_answer({AnswerError::none, "\xFF", {}})));
    // An answer without end is refused with a hint.
    View list = View::list();
    for (int i = 0; i < 5000; ++i) list.add(std::string(1000, 'x'));
    const auto long_answer = parse_answer(write_answer({AnswerError::none, "", std::move(list)}));
    REQUIRE(long_answer);
    CHECK(long_answer->error == AnswerError::refused);
    CHECK(long_answer->text == "the answer is longer than 4 MiB: ask for fewer lines with limit");
}
