#include "hsm_sim/pin_guard.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hsm {
namespace {

using iso8583::parse_error;
using iso8583::Result;

constexpr std::array<std::string_view, 4> subject_words = {"this account and key", "this account", "this key",
                                                           "this client"};
constexpr std::size_t of_client = 3;

std::size_t entries_max_of(std::size_t subject) {
    return subject < 2 ? PinGuard::entries_max : PinGuard::keys_max;
}

/// The next word, cut off the front.
std::string_view word_of(std::string_view& line) {
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

template <typename Number>
bool read_number(std::string_view word, Number& out) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
    return error == std::errc() && end == word.data() + word.size() && !word.empty();
}

}  // namespace

PinGuard::PinGuard(const ClearKey& hash_key, PinBounds bounds, PinCountStore* store,
                   std::function<std::int64_t()> seconds_now)
    : hash_(hash_key.view()),
      bounds_{bounds.account_and_key, bounds.account, bounds.key, bounds.client},
      store_(store),
      seconds_now_(std::move(seconds_now)) {}

void PinGuard::serve_client(std::string_view client) {
    has_client_ = !client.empty();
    std::string text = "client ";
    text += client;
    client_ = hash_.cmac(iso8583::as_bytes(text));
}

PinGuard::Subjects PinGuard::subjects(const PinAccount& account,
                                      const std::array<std::uint8_t, 8>& fingerprint) {
    Subjects out{};
    std::array<std::uint8_t, 1 + 12 + 8> text{};
    const Wipe wipe(text);
    const auto hash = [&](std::size_t subject) {
        text[0] = static_cast<std::uint8_t>(letters[subject]);
        out[subject] = hash_.cmac(text);
    };
    std::copy(fingerprint.begin(), fingerprint.end(), text.begin() + 13);
    hash(2);
    std::copy(account.twelve().begin(), account.twelve().end(), text.begin() + 1);
    hash(0);
    std::fill(text.begin() + 13, text.end(), std::uint8_t{0});
    hash(1);
    out[of_client] = client_;
    return out;
}

unsigned PinGuard::count(std::size_t subject, const Block16& whom) {
    const auto found = tables_[subject].counts.find(whom);
    if (found == tables_[subject].counts.end()) return 0;
    if (now() - found->second.last_second < forgotten_after_seconds) return found->second.failures;
    forget(subject, whom);
    return 0;
}

void PinGuard::set(std::size_t subject, const Block16& whom, unsigned failures, std::int64_t second) {
    Table& table = tables_[subject];
    const auto [at, is_new] = table.counts.try_emplace(whom);
    if (is_new)
        at->second.order = table.order.insert(table.order.end(), whom);
    else
        table.order.splice(table.order.end(), table.order, at->second.order);
    at->second.failures = failures;
    at->second.last_second = second;
    if (table.counts.size() > entries_max_of(subject)) forget(subject, table.order.front());
}

void PinGuard::forget(std::size_t subject, const Block16& whom) {
    Table& table = tables_[subject];
    const auto found = table.counts.find(whom);
    if (found == table.counts.end()) return;
    const auto place = found->second.order;
    table.counts.erase(found);
    table.order.erase(place);
}

std::optional<std::string> PinGuard::refusal(const Subjects& subjects) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        if (i == of_client && !has_client_) continue;
        if (count(i, subjects[i]) < bounds_[i]) continue;
        ++attacks_;
        return std::string(subject_words[i]) + " has failed " + std::to_string(bounds_[i]) + " times";
    }
    return std::nullopt;
}

bool PinGuard::failed(const Subjects& subjects) {
    ++failures_;
    std::vector<std::string> lines;
    const std::int64_t second = now();
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        if (i == of_client && !has_client_) continue;
        const unsigned failures = count(i, subjects[i]) + 1;
        set(i, subjects[i], failures, second);
        if (store_ != nullptr) lines.push_back(line(i, subjects[i], failures, second));
    }
    return keep(lines);
}

bool PinGuard::passed(const Subjects& subjects) {
    std::vector<std::string> lines;
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
        if (count(i, subjects[i]) == 0) continue;
        forget(i, subjects[i]);
        if (store_ != nullptr) lines.push_back(line(i, subjects[i], 0, now()));
    }
    return keep(lines);
}

std::size_t PinGuard::counted() const {
    std::size_t out = 0;
    for (const Table& table : tables_) out += table.counts.size();
    return out;
}

std::string PinGuard::line(std::size_t subject, const Block16& whom, unsigned failures, std::int64_t second) {
    std::string out(1, letters[subject]);
    out += ' ' + iso8583::to_hex(whom) + ' ' + std::to_string(failures) + ' ' + std::to_string(second);
    const Block16 mac = hash_.cmac(iso8583::as_bytes("line " + out));
    return out + ' ' + iso8583::to_hex(mac);
}

Result<void> PinGuard::take_in_line(std::string_view text) {
    const std::size_t mac_at = text.rfind(' ');
    if (mac_at == std::string_view::npos) return parse_error("is no count");
    const std::string signed_part(text.substr(0, mac_at));
    const auto mac = iso8583::parse_hex(text.substr(mac_at + 1));
    const Block16 right = hash_.cmac(iso8583::as_bytes("line " + signed_part));
    if (!mac || !equal_constant_time(*mac, right))
        return parse_error("was changed, or was written under another LMK: its MAC does not fit");
    std::string_view rest = signed_part;
    const std::string_view letter = word_of(rest);
    const auto whom = iso8583::parse_hex(word_of(rest));
    unsigned failures = 0;
    std::int64_t second = 0;
    const std::size_t subject = letter.size() == 1 ? letters.find(letter[0]) : std::string_view::npos;
    if (subject == std::string_view::npos || !whom || whom->size() != 16 ||
        !read_number(word_of(rest), failures) || !read_number(word_of(rest), second) || !rest.empty())
        return parse_error("is no count");
    Block16 hash{};
    std::copy(whom->begin(), whom->end(), hash.begin());
    if (failures == 0)
        forget(subject, hash);
    else
        set(subject, hash, failures, second);
    return {};
}

Result<void> PinGuard::take_in(const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < lines.size(); ++i)
        if (const auto taken = take_in_line(lines[i]); !taken)
            return parse_error("line " + std::to_string(i + 2) + " " + taken.error().what);
    const std::vector<std::string> live = all_lines();
    if (store_ != nullptr && !store_->rewrite(live)) return parse_error("cannot be written");
    lines_kept_ = live.size();
    return {};
}

std::vector<std::string> PinGuard::all_lines() {
    std::vector<std::string> out;
    const std::int64_t second = now();
    for (std::size_t i = 0; i < tables_.size(); ++i)
        for (const Block16& whom : tables_[i].order) {
            const Count& count = tables_[i].counts.at(whom);
            if (second - count.last_second < forgotten_after_seconds)
                out.push_back(line(i, whom, count.failures, count.last_second));
        }
    return out;
}

bool PinGuard::keep(const std::vector<std::string>& lines) {
    if (store_ == nullptr || lines.empty()) return true;
    lines_kept_ += lines.size();
    if (lines_kept_ <= 2 * counted() + lines_over_max && !write_anew_) {
        // What was cut off must not stay before the next line.
        write_anew_ = !store_->append(lines);
        return !write_anew_;
    }
    const std::vector<std::string> live = all_lines();
    lines_kept_ = live.size();
    write_anew_ = !store_->rewrite(live);
    return !write_anew_;
}

}  // namespace hsm
