#include "switch/core/till_operators.hpp"

#include <algorithm>

namespace acquirer {

std::string till_operator_number(std::string_view private_63) {
    std::string_view number = private_63.substr(0, TillOperator::number_characters_max);
    while (number.ends_with(' ')) number.remove_suffix(1);
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    return std::all_of(number.begin(), number.end(), is_plain) ? std::string(number) : std::string();
}

bool is_till_operator_of(const Configuration& configuration, const std::string& person,
                         const ledger::TransactionRecord& record) {
    const auto known = configuration.till_operators.find(person);
    if (known == configuration.till_operators.end()) return false;
    const auto is_the_person = [&](const std::string& number) {
        return std::find(known->second.begin(), known->second.end(), TillOperator{record.merchant, number}) !=
               known->second.end();
    };
    return is_the_person(record.operator_number) ||
           std::any_of(record.shared.joined.begin(), record.shared.joined.end(),
                       [&](const ledger::AskingKey& k) { return is_the_person(k.operator_number); });
}

}  // namespace acquirer
