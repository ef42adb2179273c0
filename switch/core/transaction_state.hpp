// The states of a transaction and every transition that exists: one table, checked by the compiler, printed
// by `refund-switch --describe states` into docs/states.md. Source: docs/refund_rules.md, "States".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "iso8583/values/ensure.hpp"
#include "ledger/transaction_record.hpp"

namespace acquirer {

struct Transition {
    ledger::TransactionKind kind;
    ledger::State from;
    ledger::State to;
    std::string_view rules;  // why it happens
};

/// How a record begins: not a transition, but as much part of the contract.
struct InitialState {
    ledger::TransactionKind kind;
    ledger::State state;
    std::string_view rules;
};

namespace state_table {
using enum ledger::State;
using ledger::State;
using enum ledger::TransactionKind;

inline constexpr std::array initial = {
    InitialState{sale, intent, "R1"},
    InitialState{sale, declined, "R2 R24 R36 R52"},
    InitialState{sale, tombstone, "R35"},
    InitialState{void_sale, intent, "R3 R9"},
    InitialState{void_sale, advice_pending, "R3 R9"},
    InitialState{void_sale, refused, "R4 R5 R6 R7"},
    InitialState{void_sale, tombstone, "R35"},
    InitialState{refund, intent, "R8 R9 R10 R12"},
    InitialState{refund, advice_pending, "R8 R9 R10 R12"},
    InitialState{refund, held, "R17 R20b R27 R28 R29 R100"},
    InitialState{refund, refused, "R11 R14 R15 R16 R23 R24 R80"},
    InitialState{refund, tombstone, "R35"},
    InitialState{sale, approved, "R92 R94"},
    InitialState{authorization, intent, "R90"},
    InitialState{authorization, declined, "R2 R24 R36 R52"},
    InitialState{authorization, tombstone, "R35"},
};

inline constexpr std::array transitions = {
    Transition{sale, intent, sent, "R1"},
    Transition{sale, sent, approved, "R1 R26"},
    Transition{sale, sent, declined, "R2"},
    Transition{sale, sent, in_doubt, "R26a R50 R53 R57 R58 R61 R64"},
    Transition{sale, sent, reverse_on_answer, "R34"},
    Transition{sale, reverse_on_answer, reversing, "R34"},
    Transition{sale, reverse_on_answer, declined, "R34"},
    Transition{sale, in_doubt, reversing, "R50"},
    Transition{sale, reversing, reversed, "R30 R50 R51a R71"},
    Transition{sale, reversed, reversing, "R51a"},
    Transition{sale, approved, reversing, "R30"},
    Transition{sale, approved, voiding, "R3"},
    Transition{sale, approved, voided, "R3"},
    Transition{sale, voiding, voided, "R3 R32"},
    Transition{sale, voiding, approved, "R3 R50"},
    Transition{sale, voided, void_reversing, "R32"},
    Transition{sale, voided, approved, "R32"},
    Transition{sale, void_reversing, approved, "R32"},
    Transition{sale, void_reversing, voided, "R32"},
    Transition{sale, reversing, reversal_stuck, "R30 R71"},
    Transition{sale, reversal_stuck, reversed, "R30 R72"},
    Transition{sale, reversal_stuck, approved, "R71 R72"},
    Transition{sale, tombstone, declined, "R36"},
    Transition{sale, approved, not_collected, "R94"},
    Transition{sale, approved, cancelled, "R33"},
    Transition{sale, reversing, cancelled, "R33"},
    Transition{sale, not_collected, approved, "R51 R72"},
    Transition{sale, not_collected, reversed, "R72"},

    Transition{void_sale, intent, sent, "R3"},
    Transition{void_sale, sent, voided, "R3"},
    Transition{void_sale, sent, declined, "R3"},
    Transition{void_sale, sent, in_doubt, "R26a R50 R53 R57 R58 R61 R64"},
    Transition{void_sale, sent, reverse_on_answer, "R34"},
    Transition{void_sale, reverse_on_answer, reversing, "R34"},
    Transition{void_sale, reverse_on_answer, declined, "R34"},
    Transition{void_sale, in_doubt, reversing, "R50"},
    Transition{void_sale, voided, reversing, "R32"},
    Transition{void_sale, reversing, reversed, "R32 R50 R51a R71"},
    Transition{void_sale, reversing, voided, "R32 R71"},
    Transition{void_sale, reversed, reversing, "R51a"},
    Transition{void_sale, advice_pending, voided, "R3"},
    Transition{void_sale, advice_pending, parked, "R60"},
    Transition{void_sale, advice_pending, reversal_stuck, "R3"},
    Transition{void_sale, advice_pending, cancelled, "R32"},
    Transition{void_sale, parked, advice_pending, "R70"},
    Transition{void_sale, parked, voided, "R3 R71"},
    Transition{void_sale, parked, cancelled, "R32"},
    Transition{void_sale, parked, reversal_stuck, "R30"},
    Transition{void_sale, parked, reversed, "R71"},
    Transition{void_sale, reversal_stuck, voided, "R72"},
    Transition{void_sale, reversal_stuck, reversed, "R72"},
    Transition{void_sale, tombstone, declined, "R36"},

    Transition{refund, intent, sent, "R8"},
    Transition{refund, sent, approved, "R8"},
    Transition{refund, sent, declined, "R8"},
    Transition{refund, sent, in_doubt, "R26a R50 R53 R57 R58 R61 R64"},
    Transition{refund, sent, reverse_on_answer, "R34"},
    Transition{refund, reverse_on_answer, reversing, "R34"},
    Transition{refund, reverse_on_answer, declined, "R34"},
    Transition{refund, in_doubt, reversing, "R50"},
    Transition{refund, approved, reversing, "R33"},
    Transition{refund, reversing, reversed, "R33 R50 R51a R71"},
    Transition{refund, reversing, reversal_stuck, "R33 R71"},
    Transition{refund, reversed, reversing, "R51a"},
    Transition{refund, reversal_stuck, reversed, "R33 R72"},
    Transition{refund, reversal_stuck, approved, "R71 R72"},
    Transition{refund, held, rejected, "R17"},
    Transition{refund, held, expired, "R77"},
    Transition{refund, held, cancelled, "R17 R33"},
    Transition{refund, held, cleared, "R17 R27 R100"},
    Transition{refund, cleared, sent, "R17"},
    Transition{refund, cleared, advice_pending, "R17"},
    Transition{refund, cleared, cancelled, "R33"},
    Transition{refund, advice_pending, approved, "R54"},
    Transition{refund, advice_pending, abnormal, "R55"},
    Transition{refund, advice_pending, parked, "R60"},
    Transition{refund, advice_pending, cancelled, "R33"},
    Transition{refund, advice_pending, processing, "R80"},
    Transition{refund, processing, approved, "R80"},
    Transition{refund, processing, abnormal, "R55"},
    Transition{refund, processing, parked, "R60 R80"},
    Transition{refund, parked, advice_pending, "R70"},
    Transition{refund, parked, abnormal, "R55 R70"},
    Transition{refund, parked, cancelled, "R33"},
    Transition{refund, parked, approved, "R51 R70"},
    Transition{refund, approved, abnormal, "R55"},
    Transition{refund, abnormal, advice_pending, "R74"},
    Transition{refund, abnormal, approved, "R51"},
    Transition{refund, abnormal, alternative_account, "R74"},
    Transition{refund, abnormal, merchant_account, "R74"},
    Transition{refund, abnormal, cancelled, "R74"},
    Transition{refund, tombstone, declined, "R36"},

    Transition{authorization, intent, sent, "R90"},
    Transition{authorization, sent, authorized, "R90"},
    Transition{authorization, sent, declined, "R2"},
    Transition{authorization, sent, in_doubt, "R26a R50 R53 R57 R58 R61 R64"},
    Transition{authorization, sent, reverse_on_answer, "R34"},
    Transition{authorization, reverse_on_answer, reversing, "R34"},
    Transition{authorization, reverse_on_answer, declined, "R34"},
    Transition{authorization, in_doubt, reversing, "R50"},
    Transition{authorization, reversing, reversed, "R30 R50 R51a R71"},
    Transition{authorization, reversed, reversing, "R51a"},
    Transition{authorization, reversing, reversal_stuck, "R30 R71"},
    Transition{authorization, reversal_stuck, reversed, "R30 R72"},
    Transition{authorization, reversal_stuck, authorized, "R71 R72"},
    Transition{authorization, authorized, reversing, "R30"},
    Transition{authorization, authorized, auth_voiding, "R91"},
    Transition{authorization, authorized, auth_voided, "R91"},
    Transition{authorization, auth_voiding, auth_voided, "R91 R32"},
    Transition{authorization, auth_voiding, authorized, "R91 R50"},
    Transition{authorization, auth_voided, void_reversing, "R32"},
    Transition{authorization, auth_voided, authorized, "R32 R71 R72"},
    Transition{authorization, void_reversing, authorized, "R32"},
    Transition{authorization, void_reversing, auth_voided, "R32"},
    Transition{authorization, authorized, completing, "R92 R32 R51a"},
    Transition{authorization, authorized, completed, "R92 R94 R32"},
    Transition{authorization, completing, completed, "R92 R32 R72"},
    Transition{authorization, completing, authorized, "R92 R50 R32"},
    Transition{authorization, completed, authorized, "R93 R30 R33 R72"},
    Transition{authorization, authorized, lapsed, "R95"},
    Transition{authorization, tombstone, declined, "R36"},
};

/// What `move` may do.
constexpr bool exists(ledger::TransactionKind kind, State from, State to) {
    for (const Transition& t : transitions)
        if (t.kind == kind && t.from == from && t.to == to) return true;
    return false;
}
constexpr bool no_row_twice() {
    for (std::size_t i = 0; i < transitions.size(); ++i)
        for (std::size_t k = i + 1; k < transitions.size(); ++k)
            if (transitions[i].kind == transitions[k].kind && transitions[i].from == transitions[k].from &&
                transitions[i].to == transitions[k].to)
                return false;
    return true;
}
constexpr bool begins(ledger::TransactionKind kind, State state) {
    for (const InitialState& s : initial)
        if (s.kind == kind && s.state == state) return true;
    return false;
}
constexpr bool every_state_can_be_reached() {
    for (const Transition& t : transitions) {
        bool entered = begins(t.kind, t.from);
        for (const Transition& other : transitions)
            if (other.kind == t.kind && other.to == t.from) entered = true;
        if (!entered) return false;
    }
    return true;
}
/// I3, R20a: nothing leads from declined, refused, rejected, expired or cancelled to approved.
constexpr bool a_no_stays_a_no() {
    constexpr State final_no[] = {declined, refused, rejected, expired, cancelled};
    for (const Transition& t : transitions)
        for (State f : final_no)
            if (t.from == f) return false;
    return true;
}

static_assert(no_row_twice());
static_assert(every_state_can_be_reached());
static_assert(a_no_stays_a_no());
static_assert(!exists(sale, in_doubt, approved), "an outcome once unknown is reversed, never approved (R57)");
static_assert(!exists(refund, in_doubt, approved));
}  // namespace state_table

/// Told of every `move`: tests count with it which rows of the table are taken. Null in the product, which
/// never sets it; whoever does, does so before the first core exists. It is called on the threads of all
/// cores.
using TransitionObserver = void (*)(ledger::TransactionKind kind, ledger::State from, ledger::State to);
inline constinit TransitionObserver transition_observer = nullptr;

/// Moves a record along the table; a transition that is not in it is our bug. The rule goes into its history.
void move(ledger::TransactionRecord& record, ledger::State to, std::string_view rule, iso8583::UtcTime at);
/// Gives a new record its first state.
void begin(ledger::TransactionRecord& record, ledger::State state, std::string_view rule,
           iso8583::UtcTime at);
/// Notes a rule in the history without a change of state.
void note_rule(ledger::TransactionRecord& record, std::string_view rule, iso8583::UtcTime at);

/// The table as Markdown: the whole of docs/states.md.
std::string describe_states();

}  // namespace acquirer
