// The state table against docs/states.md, and transitions that must not exist.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "switch/core/refusal.hpp"
#include "switch/core/transaction_state.hpp"
#include "tests/test_paths.hpp"

using namespace acquirer;
using ledger::State;
using ledger::TransactionKind;

TEST_CASE("docs/states.md is what --describe states prints", "[states]") {
    std::ifstream in(source_path("docs/states.md"));
    REQUIRE(in);
    std::stringstream text;
    text << in.rdbuf();
    CHECK(text.str() == describe_states());
}

TEST_CASE("transitions that would lose or double money do not exist", "[states]") {
    struct Row {
        TransactionKind kind;
        State from, to;
        const char* why;
    };
    for (const Row& row :
         {Row{TransactionKind::sale, State::reversed, State::approved, "a reversed sale never comes back"},
          Row{TransactionKind::sale, State::declined, State::approved, "a refused sale never comes back"},
          Row{TransactionKind::sale, State::in_doubt, State::approved, "what was in doubt is reversed"},
          Row{TransactionKind::sale, State::voiding, State::reversing, "a void under way is waited for"},
          Row{TransactionKind::refund, State::advice_pending, State::reversing,
              "an accepted advice is never reversed by the switch"},
          Row{TransactionKind::refund, State::advice_pending, State::in_doubt,
              "a refund advice is never in doubt"},
          Row{TransactionKind::refund, State::held, State::sent, "nothing leaves without a checker"},
          Row{TransactionKind::refund, State::rejected, State::cleared, "a no stays a no"},
          Row{TransactionKind::void_sale, State::declined, State::voided, "a no stays a no"},
          Row{TransactionKind::authorization, State::lapsed, State::completing, "what lapsed stays so"},
          Row{TransactionKind::authorization, State::auth_voided, State::completing, "a voided hold is gone"},
          Row{TransactionKind::authorization, State::completed, State::completing, "once"},
          Row{TransactionKind::authorization, State::completed, State::auth_voiding, "not after completion"},
          Row{TransactionKind::sale, State::not_collected, State::voided,
              "what was not paid is not voided"}}) {
        INFO(row.why);
        CHECK(!state_table::exists(row.kind, row.from, row.to));
    }
}

namespace {
/// By hand: one without a row is found by it.
constexpr Refusal refusals[] = {Refusal::none,
                                Refusal::format_error,
                                Refusal::terminal_unknown,
                                Refusal::terminal_suspended,
                                Refusal::merchant_unknown,
                                Refusal::merchant_suspended,
                                Refusal::sign_on_required,
                                Refusal::mac_wrong,
                                Refusal::duplicate_of_reversed,
                                Refusal::duplicate_conflict,
                                Refusal::batch_closed,
                                Refusal::tombstone,
                                Refusal::amount_invalid,
                                Refusal::currency_not_allowed,
                                Refusal::merchant_not_enabled,
                                Refusal::function_not_supported,
                                Refusal::original_not_found,
                                Refusal::other_terminal,
                                Refusal::original_trace_differs,
                                Refusal::original_authorization_differs,
                                Refusal::code_of_no_wallet,
                                Refusal::other_card,
                                Refusal::means_holds_nothing,
                                Refusal::original_not_refundable,
                                Refusal::original_busy,
                                Refusal::void_after_settlement,
                                Refusal::void_after_refund,
                                Refusal::refund_before_settlement,
                                Refusal::reversal_not_allowed,
                                Refusal::authorization_spent,
                                Refusal::window_passed,
                                Refusal::completion_late,
                                Refusal::completion_over_bound,
                                Refusal::amount_limit,
                                Refusal::count_limit,
                                Refusal::too_many_parts,
                                Refusal::amount_against_original,
                                Refusal::void_amount_differs,
                                Refusal::reversal_amount_differs,
                                Refusal::funds_short,
                                Refusal::fraud_suspected,
                                Refusal::partial_not_taken,
                                Refusal::approval_required,
                                Refusal::no_route,
                                Refusal::route_down,
                                Refusal::too_many_in_flight,
                                Refusal::system_error,
                                Refusal::hsm_unavailable,
                                Refusal::pin_block_wrong,
                                Refusal::issuer_silent,
                                Refusal::issuer_answer_invalid,
                                Refusal::totals_differ,
                                Refusal::cut_over};
}  // namespace

TEST_CASE("every refusal has a row, with codes of both profiles and a text that fits DE44", "[refusals]") {
    for (int v = 0; v < 256; ++v) {
        const auto refusal = static_cast<Refusal>(v);
        bool known = false;
        for (const Refusal r : refusals) known = known || r == refusal;
        if (!known) continue;
        const RefusalInfo& row = info(refusal);
        INFO(row.name);
        CHECK(row.refusal == refusal);
        CHECK(row.text.size() <= 25);
        CHECK(response_code(refusal, Profile::unionpay_pos).size() == 2);
        CHECK(response_code(refusal, Profile::iso87).size() == 2);
    }
    CHECK(response_code(Refusal::mac_wrong, Profile::unionpay_pos).view() == "A0");
    CHECK(response_code(Refusal::mac_wrong, Profile::iso87).view() == "63");
    CHECK(response_code(Refusal::issuer_silent, Profile::unionpay_pos).view() == "98");
    CHECK(response_code(Refusal::issuer_silent, Profile::iso87).view() == "68");
}
