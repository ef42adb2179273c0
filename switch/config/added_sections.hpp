// Merchants and ranges of terminals that operations add: which arguments a command takes for them (all keys
// of the file's section), the section as TOML, and how it is laid over the file's document. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "iso8583/values/result.hpp"
#include "switch/config/config.hpp"
#include "switch/config/config_document.hpp"
#include "switch/core/party_commands.hpp"

namespace acquirer::config {

/// A key of the section as an argument: "window_days" is --window-days.
struct SectionArgument {
    std::string name;
    std::string key;
    Node::Kind kind = Node::Kind::text;
    std::string help;
    bool required = false;
    bool of_refunds = false;  // stands in [merchant.refund]
    bool secret = false;      // a key block: never in a log
};
/// Without those of a merchant's id or a range's first, which are the argument `id` of section_of.
const std::vector<SectionArgument>& section_arguments(ledger::PartyKind kind);

/// The section in the file's own words, from arguments by their names. The error names the argument.
iso8583::Result<std::string> section_of(ledger::PartyKind kind, const std::string& id,
                                        const std::map<std::string, std::string>& arguments);
/// The same for people: "name=Harbour mac=retail tmk=(a key)".
std::string words_of_section(ledger::PartyKind kind, const std::map<std::string, std::string>& arguments);

/// Where an added section came to stand: "merchant[9]".
struct AddedPlace {
    std::string path;
    std::string what;
};
/// Appends them to the document; one of the same merchant, or of the same terminals, goes.
iso8583::Result<std::vector<AddedPlace>, ConfigProblems> lay_added_over(
    Node& document, const std::vector<AddedSection>& added);
/// Problems of added sections are told of what was added, not of the file.
ConfigProblems with_their_places(ConfigProblems problems, const std::vector<AddedPlace>& added);

}  // namespace acquirer::config
