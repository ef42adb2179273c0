#include "tests/simulation/flow_words.hpp"

#include "iso8583/values/amount.hpp"

namespace simulation {

std::string till_word(const iso8583::TerminalId& terminal) {
    const std::string number = terminal.str();
    return number[0] == '1' || number[0] == '2' ? std::string("T") + number.back() : "T9";
}

std::string name_of(const iso8583::TerminalId& terminal, const iso8583::Stan& stan) {
    return till_word(terminal) + "-" + std::to_string(stan.value());
}

std::string name_of(const ledger::TransactionRecord& record) {
    return record.from_operations ? record.reference : name_of(record.terminal, record.stan);
}

std::string major(std::int64_t minor_units) {
    return iso8583::Amount(minor_units, iso8583::Currency::of(156)).major();
}

}  // namespace simulation
