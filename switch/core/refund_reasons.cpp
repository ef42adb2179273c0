#include "switch/core/refund_reasons.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

/// How many letters must be put in, left out, changed, or exchanged with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
    for (std::size_t k = 0; k <= b.size(); ++k) d[0][k] = k;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t k = 1; k <= b.size(); ++k) {
            const std::size_t change = a[i - 1] == b[k - 1] ? 0 : 1;
            d[i][k] = std::min({d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + change});
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                d[i][k] = std::min(d[i][k], d[i - 2][k - 2] + 1);
        }
    return d[a.size()][b.size()];
}

}  // namespace

std::string_view words_of_reason(std::string_view code) {
    for (const auto& [name, words] : known)
        if (name == code) return words;
    return {};
}

std::optional<std::string> nearest_word(const std::vector<std::string>& words, std::string_view typed) {
    constexpr std::size_t letters_compared_max = 64;
    if (typed.size() > letters_compared_max) return std::nullopt;
    std::optional<std::string> nearest;
    std::size_t least = std::max<std::size_t>(1, typed.size() / 3) + 1;  // a third of it may be wrong
    for (const std::string& word : words)
        if (const std::size_t d = distance(word, typed); d < least) {
            least = d;
            nearest = word;
        }
    return nearest;
}

std::optional<std::string> fault_of_reason(const std::vector<std::string>& codes, std::string_view code) {
    if (std::find(codes.begin(), codes.end(), code) != codes.end()) return std::nullopt;
    std::string all;
    for (const std::string& c : codes) all += (all.empty() ? "" : ", ") + c;
    const auto meant = nearest_word(codes, code);
    return "reason: no code of that name" + (meant ? "; did you mean " + *meant + "?" : std::string()) +
           " It has to be one of " + all + " (reasons list); words of your own go into the note";
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
