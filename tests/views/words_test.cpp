// What explain and show say, for every state of every kind and every refusal: words that somebody behind a
// counter understands, each its own, with the rule that decided. A state or a refusal that is added is found
// here by its name in the headers.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "switch/core/transaction_state.hpp"
#include "switch/views/rule_words.hpp"
#include "switch/views/state_words.hpp"
#include "tests/test_paths.hpp"
#include "tests/views/sample_ledger.hpp"

using namespace acquirer;
using ledger::State;
using ledger::TransactionKind;

namespace {

/// Name and value of every enumerator, as the header has them.
std::map<std::string, int> enumerators(const std::string& header, const std::string& enum_name) {
    std::ifstream file(source_path(header));
    std::stringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    const std::size_t begin = all.find("enum class " + enum_name + " ");
    REQUIRE(begin != std::string::npos);
    const std::string body = all.substr(begin, all.find("};", begin) - begin);
    std::map<std::string, int> found;
    const std::regex row(R"((\w+) = (\d+))");
    for (std::sregex_iterator at(body.begin(), body.end(), row), end; at != end; ++at)
        found[(*at)[1]] = std::stoi((*at)[2]);
    return found;
}

std::vector<State> every_state() {
    std::vector<State> states;
    for (const auto& [name, value] : enumerators("ledger/transaction_record.hpp", "State"))
        states.push_back(static_cast<State>(value));
    return states;
}

std::set<State> states_of(TransactionKind kind) {
    std::set<State> states;
    for (const InitialState& s : state_table::initial)
        if (s.kind == kind) states.insert(s.state);
    for (const Transition& t : state_table::transitions)
        if (t.kind == kind) states.insert({t.from, t.to});
    return states;
}

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

/// Nothing that only a programmer or a protocol's reader knows: no identifier, no field or message number,
/// and more than the number of a rule.
std::string fault_of_words(const std::string& text) {
    if (words_of(text).size() < 3) return "says too little";
    if (text.find('_') != std::string::npos) return "has an identifier with an underscore";
    if (std::regex_search(text, std::regex(R"(\bDE\d)"))) return "has the number of a data element";
    if (std::regex_search(text, std::regex(R"(\b0\d(\d\d|xx)\b)"))) return "has the number of a message type";
    return "";
}

std::vector<std::string> list_of(const View& view, std::string_view name) {
    std::vector<std::string> texts;
    REQUIRE(view.find(name) != nullptr);
    for (const View& item : *view.find(name)->items()) texts.push_back(*item.text());
    return texts;
}

const std::string sentence_of_state = "It is ";

/// What explain says of it: the sentence that begins so.
std::string sentence(const std::vector<std::string>& words, const std::string& begin) {
    for (const std::string& text : words)
        if (text.starts_with(begin)) return text;
    FAIL("no sentence begins with " << begin);
    return "";
}

/// A record in a ledger of its own, explained and shown.
struct Case {
    ledger::MemoryStore store;
    View explained, shown;

    explicit Case(const ledger::TransactionRecord& record, const ledger::TransactionRecord* sale = nullptr) {
        if (sale != nullptr) sample::keep(store, *sale);
        sample::keep(store, record);
        static const sample::World world;
        const ViewContext context{store, world.status, *world.configuration, world.now};
        auto words = view_explain(context, record.rrn.view());
        REQUIRE(words);
        explained = *words;
        auto all = view_show(context, record.rrn.view(), Shown::transaction);
        REQUIRE(all);
        shown = *all;
    }
};

}  // namespace

TEST_CASE("words: every state of every kind has its own, and explain and show say them") {
    std::map<std::string, State> said;
    for (const State state : every_state()) {
        const std::string name(ledger::name(state));
        INFO(name);
        const std::string text(state_words(state));
        CHECK(fault_of_words(text) == "");
        const auto [known, is_new] = said.emplace(text, state);
        INFO("as " << ledger::name(known->second));
        CHECK(is_new);
        CHECK(text != name);
    }
    for (const TransactionKind kind :
         {TransactionKind::sale, TransactionKind::void_sale, TransactionKind::refund})
        for (const State state : states_of(kind)) {
            INFO(ledger::name(kind) << " " << ledger::name(state));
            const Case one(sample::record("632500000091", kind, state, 1'000, "00"));
            CHECK(sentence(list_of(one.explained, "words"), sentence_of_state) ==
                  sentence_of_state + std::string(state_words(state)) + ".");
            REQUIRE(one.shown.find("state_words") != nullptr);
            CHECK(*one.shown.find("state_words")->text() == state_words(state));
        }
}

TEST_CASE("words: what explain says of a refund's sale is said in words, whatever the sale's state") {
    auto refund = sample::record("632500000092", TransactionKind::refund, State::refused, 1'000, "12");
    for (const State state : states_of(TransactionKind::sale)) {
        auto sale = sample::record("632500000091", TransactionKind::sale, state, 1'000, "00");
        refund.original = sale.rrn;
        const Case one(refund, &sale);
        const std::string said = sentence(list_of(one.explained, "words"), "The sale ");
        INFO(said);
        CHECK(said.find('_') == std::string::npos);
        CHECK(said.find(state_words(state)) != std::string::npos);
    }
}

TEST_CASE("words: every refusal is explained by words of its own and by its rule") {
    const auto names = enumerators("switch/core/refusal.hpp", "Refusal");
    CHECK(names.size() == all_refusals().size());
    std::map<std::string, std::string> said;
    for (const auto& [name, value] : names) {
        const auto refusal = static_cast<Refusal>(value);
        const RefusalInfo& why = info(refusal);
        INFO(name);
        CHECK(why.name == name);
        CHECK(!rule_words(why.rule).empty());
        if (refusal == Refusal::none) continue;
        const std::string text(why.explanation);
        CHECK(fault_of_words(text) == "");
        const auto [known, is_new] = said.emplace(text, name);
        INFO("as " << known->second);
        CHECK(is_new);
        CHECK(words_of(text) != words_of(std::string(rule_words(why.rule))));

        auto record = sample::record("632500000091", TransactionKind::refund, State::refused, 1'000,
                                     response_code(refusal, Profile::unionpay_pos).view());
        record.refusal = static_cast<std::uint8_t>(value);
        record.answer->text =
            refusal == Refusal::approval_required ? record.rrn.str() : std::string(why.text);
        const Case one(record);
        const std::string answer = sentence(list_of(one.explained, "words"), "The answer was ");
        if (refusal == Refusal::approval_required) {
            CHECK(answer.find("held, with case number " + record.rrn.str()) != std::string::npos);
            continue;
        }
        CHECK(answer.find("by rule " + std::string(why.rule) + ": " + text + ".") != std::string::npos);
        REQUIRE(one.shown.find("explanation") != nullptr);
        CHECK(*one.shown.find("explanation")->text() == text);
        CHECK(*one.shown.find("rule")->text() == why.rule);
    }
}

TEST_CASE("words: every rule that a step of a transaction may name says in its own words what happened") {
    std::set<std::string> rules;
    const auto add = [&rules](std::string_view list) {
        for (const std::string& rule : words_of(std::string(list))) rules.insert(rule);
    };
    for (const InitialState& s : state_table::initial) add(s.rules);
    for (const Transition& t : state_table::transitions) add(t.rules);
    for (const RefusalInfo& row : all_refusals()) add(row.rule);
    REQUIRE(rules.size() > 40);
    std::map<std::string, std::string> said;
    for (const std::string& rule : rules) {
        INFO(rule);
        const std::string text(rule_words(rule));
        CHECK(fault_of_words(text) == "");
        const auto [known, is_new] = said.emplace(text, rule);
        INFO("as " << known->second);
        CHECK(is_new);
        auto record = sample::record("632500000091", TransactionKind::refund, State::approved, 1'000, "00");
        record.history = {{record.created, State::approved, rule}};
        const Case one(record);
        const View& step = one.explained.find("steps")->items()->front();
        CHECK(*step.find("rule")->text() == rule);
        CHECK(*step.find("why")->text() == text);
    }
}
