#include "switch/core/refund_reasons.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "iso8583/values/nearest_word.hpp"
#include "ledger/sha256.hpp"
#include "switch/core/operator_words.hpp"

namespace acquirer {
namespace {

constexpr std::size_t file_name_characters_max = 120;

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known = {
    {{"quality", "the goods are faulty"},
     {"service", "the service was not rendered, or not as agreed"},
     {"mistake", "a wrong amount, or a sale to the wrong customer"},
     {"promise", "returned within the time that the merchant promises"},
     {"duplicate", "the sale was made twice"},
     {"other", "something else: the note says what"}}};

}  // namespace

std::string_view words_of_reason(std::string_view code) {
    for (const auto& [name, words] : known)
        if (name == code) return words;
    return {};
}

std::optional<std::string> fault_of_reason(const std::vector<std::string>& codes, std::string_view code) {
    if (std::find(codes.begin(), codes.end(), code) != codes.end()) return std::nullopt;
    std::string all;
    for (const std::string& c : codes) all += (all.empty() ? "" : ", ") + c;
    const std::string near = iso8583::did_you_mean(codes, code);
    return "reason: no code of that name" + (near.empty() ? "." : near) + " It has to be one of " + all +
           " (reasons list); words of your own go into the note";
}

std::string words_of(const ledger::RefundProof& proof) {
    if (proof.file_digest.empty()) return proof.text;
    return proof.file_name + " (SHA-256 " + proof.file_digest + ")";
}

std::optional<std::string> fault_of_refund_note(std::string_view note) {
    if (note.size() <= note_characters_max) return std::nullopt;
    return "note: at most " + std::to_string(note_characters_max) + " characters";
}

std::optional<std::string> fault_of_proof(const ledger::RefundProof& proof) {
    if (proof.text.size() > note_characters_max)
        return "proof: at most " + std::to_string(note_characters_max) + " characters";
    if (proof.file_name.size() > file_name_characters_max)
        return "proof: a file's name of at most " + std::to_string(file_name_characters_max) + " characters";
    if (proof.file_name.empty() != proof.file_digest.empty() ||
        (!proof.file_digest.empty() && !ledger::is_digest_text(proof.file_digest)))
        return "proof: of a file its name and its SHA-256 are needed";
    return std::nullopt;
}

}  // namespace acquirer
