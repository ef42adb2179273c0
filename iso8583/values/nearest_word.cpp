#include "iso8583/values/nearest_word.hpp"

#include <algorithm>

namespace iso8583 {
namespace {

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

std::string did_you_mean(const std::vector<std::string>& words, std::string_view typed) {
    const auto near = nearest_word(words, typed);
    return near ? "; did you mean " + *near + "?" : std::string();
}

std::string fault_of_word(const std::vector<std::string>& words, std::string_view typed) {
    std::string fault = "has to be one of ";
    for (const std::string& word : words) fault += (&word == &words.front() ? "" : ", ") + word;
    return fault + did_you_mean(words, typed);
}

}  // namespace iso8583
