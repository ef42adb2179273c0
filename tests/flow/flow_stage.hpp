// Stage: one playing of a flow: its world, its named transactions, and what each kind of line does.
// flow_player.hpp is the way in.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/flow/flow_player.hpp"
#include "tests/simulation/till.hpp"
#include "tests/simulation/world.hpp"

namespace flow {

class Stage {
  public:
    Stage(const Script& script, const Cast& cast, const std::function<void(const std::string&)>& trace);
    [[nodiscard]] std::vector<std::string> play();

  private:
    using Till = simulation::Till;
    /// A request under its name, or a case that operations opened (then only `rrn`).
    struct Named {
        Till* till = nullptr;
        Till::Asked* asked = nullptr;
        std::optional<iso8583::Rrn> rrn;
    };
    /// The request that "expect terminal" is about.
    struct Last {
        Till* till = nullptr;
        Till::Asked* asked = nullptr;
        std::size_t answers_before = 0;
        [[nodiscard]] bool answered() const {
            return asked != nullptr && asked->answers.size() > answers_before;
        }
    };

    void fail(const std::string& what);
    void run(const Line& line, const Line* next);
    // terminal (flow_terminal.cpp)
    void terminal(const Line& line, const Line* next);
    void settle_after(const Line& line, const Line* next);
    void send_new(Till& till, const Line& line, const std::string& request);
    void retry(const Line& line);
    std::optional<peers::Outgoing> build(Till& till, const Line& line, const std::string& request);
    static peers::Outgoing by_order(Till& t, const std::string& request, peers::Receipt sale,
                                    std::int64_t amount);
    void overlay(Till& till, const Line& line, peers::Outgoing& out);
    peers::Receipt receipt_of(const std::string& name);
    Till& till(const std::string& name);
    void expect_answer(const std::string& answer);
    [[nodiscard]] std::string own_side(const std::string& answer) const;  // "98/68" → this profile's
    // issuer, link, operator, world (flow_lines.cpp)
    void prepare_issuer(const Line& behaviour);
    void issuer(const Line& line);
    void operate(const Line& line);
    void crash(const Line& line);
    void link(const Line& line);
    void disk(const Line& line);
    // expect (flow_expect.cpp)
    void expect(const Line& line);
    void expect_terminal(const Line& line);
    void expect_issuer(const Line& line);
    void expect_ledger(const Line& line);
    void expect_books(const Line& line);
    void expect_reserve(const Line& line);
    void finish();

    [[nodiscard]] const ledger::TransactionRecord* record_of(const std::string& name);
    Named* named(const std::string& name);
    [[nodiscard]] std::int64_t duration(const std::string& text);
    simulation::IssuerNode& issuer_node() { return world_.issuer(cast_.route); }

    const Script& script_;
    Cast cast_;
    simulation::World world_;
    std::map<std::string, Till*> tills_;
    std::map<std::string, Named> named_;
    Last last_;
    const Line* line_ = nullptr;
    std::string operator_text_;
    std::string proposal_;  // the last one that an operator was told of
    std::vector<std::string> failures_;
    std::uint32_t names_given_ = 0;
    std::int64_t codes_given_ = 0;  // payment codes of wallets
};

}  // namespace flow
