// The lists beside branches.hpp: read, written, and held against what a campaign reached.
#include <algorithm>
#include <fstream>

#include "tests/simulation/branches.hpp"

namespace simulation {

namespace {

// Of a branch that so few seeds of a campaign are expected to meet, one day none does.
constexpr std::uint64_t expected_seeds_min = 15;
constexpr std::size_t named_max = 12;  // in one line; the table has them all

struct Line {
    std::string name, note;  // the note behind '#'
};

std::string trimmed(const std::string& text) {
    const std::size_t from = text.find_first_not_of(' ');
    return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(' ') + 1 - from);
}

/// Calls `take` with each line that is neither empty nor a remark; what it answers is what is wrong with it.
template <typename Take>
iso8583::Result<void, std::string> read_lines(const std::string& path, Take take) {
    std::ifstream file(path);
    if (!file.is_open()) return tl::unexpected(path + " cannot be read");
    std::size_t number = 0;
    for (std::string text; std::getline(file, text);) {
        ++number;
        const std::size_t hash = text.find('#');
        const Line line{trimmed(text.substr(0, hash)),
                        hash == std::string::npos ? "" : trimmed(text.substr(hash + 1))};
        if (line.name.empty()) continue;
        if (const std::string fault = take(line); !fault.empty())
            return tl::unexpected(path + " line " + std::to_string(number) + ": " + fault);
    }
    return {};
}

std::string_view word(BranchLists::Often often) {
    switch (often) {
        case BranchLists::Often::always:
            return "";
        case BranchLists::Often::rare:
            return "rare";
        case BranchLists::Often::seldom:
            return "seldom";
    }
    return "?";
}

std::string names(const std::vector<std::string>& all) {
    std::string text;
    for (std::size_t i = 0; i < std::min(all.size(), named_max); ++i) text += (i == 0 ? "" : ", ") + all[i];
    if (all.size() > named_max) text += " and " + std::to_string(all.size() - named_max) + " more";
    return text;
}

enum class Asked : std::uint8_t { asked, rare, not_yet, never };

Asked asked_of(const Branch& branch, const BranchLists& lists, std::uint64_t seeds) {
    if (lists.unreachable.contains(branch.name)) return Asked::never;
    if (lists.not_yet.contains(branch.name)) return Asked::not_yet;
    const auto pair = lists.pairs.find(branch.name);
    const auto often = pair == lists.pairs.end() ? BranchLists::Often::always : pair->second;
    if (often == BranchLists::Often::seldom) return Asked::never;
    const bool rare = often == BranchLists::Often::rare || lists.rare.contains(branch.name);
    return rare && seeds < long_campaign_seeds ? Asked::rare : Asked::asked;
}

std::uint64_t times_of(const Campaign& campaign, const std::string& branch) {
    const auto at = campaign.times.find(branch);
    return at == campaign.times.end() ? 0 : at->second;
}

std::string excuse_of(const Branch& branch, const BranchLists& lists) {
    if (const auto at = lists.unreachable.find(branch.name); at != lists.unreachable.end())
        return "unreachable: " + at->second;
    if (const auto at = lists.not_yet.find(branch.name); at != lists.not_yet.end())
        return "not yet: " + at->second;
    if (const auto at = lists.rare.find(branch.name); at != lists.rare.end()) return "rare: " + at->second;
    const auto pair = lists.pairs.find(branch.name);
    return pair == lists.pairs.end() ? "" : std::string(word(pair->second));
}

}  // namespace

iso8583::Result<BranchLists, std::string> read_branch_lists(const std::string& folder) {
    BranchLists lists;
    std::set<std::string> registered;
    for (const Branch& branch : fixed_branches()) registered.insert(branch.name);
    const auto pairs = read_lines(folder + "/pairs.txt", [&](const Line& line) -> std::string {
        using enum BranchLists::Often;
        if (!line.name.starts_with("pair ")) return "a line begins with 'pair '";
        if (!lists.pairs.empty() && lists.pairs.rbegin()->first >= line.name) return "lines are sorted";
        for (const BranchLists::Often often : {always, rare, seldom})
            if (line.note == word(often)) {
                lists.pairs.emplace(line.name, often);
                registered.insert(line.name);
                return "";
            }
        return "behind '#' stands rare or seldom";
    });
    if (!pairs) return tl::unexpected(pairs.error());
    const auto read = [&](const char* file, std::map<std::string, std::string>& into) {
        return read_lines(folder + "/" + file, [&](const Line& line) -> std::string {
            if (!registered.contains(line.name)) return "no branch is named " + line.name;
            if (line.note.empty()) return "a reason has to stand behind '#'";
            return into.emplace(line.name, line.note).second ? "" : line.name + " stands here twice";
        });
    };
    for (const auto& result : {read("rare.txt", lists.rare), read("unreachable.txt", lists.unreachable),
                               read("not_yet.txt", lists.not_yet)})
        if (!result) return tl::unexpected(result.error());
    return lists;
}

void Campaign::add(const std::map<std::string, std::uint64_t>& reached) {
    ++seeds;
    for (const auto& [branch, n] : reached) {
        times[branch] += n;
        ++seeds_of[branch];
    }
}

BranchReport judge_branches(const std::vector<Branch>& registered, const BranchLists& lists,
                            const Campaign& campaign) {
    BranchReport report;
    std::set<std::string> known;
    for (const Branch& branch : registered) {
        known.insert(branch.name);
        const bool reached = times_of(campaign, branch.name) > 0;
        if (reached && lists.unreachable.contains(branch.name)) report.impossible.push_back(branch.name);
        if (reached && lists.not_yet.contains(branch.name)) report.not_needed.push_back(branch.name);
        switch (asked_of(branch, lists, campaign.seeds)) {
            case Asked::asked:
                ++report.asked;
                if (reached)
                    ++report.found;
                else
                    report.missing.push_back(branch.name);
                break;
            case Asked::rare:
                ++report.rare_not_asked;
                break;
            case Asked::not_yet:
                ++report.not_yet;
                break;
            case Asked::never:
                break;
        }
    }
    for (const auto& [branch, n] : campaign.times) {
        if (known.contains(branch)) continue;
        if (branch.starts_with("pair ")) report.new_pairs.push_back(branch);
        if (branch.starts_with("way out ") || branch.starts_with("transition "))
            report.unregistered.push_back(branch);
    }
    return report;
}

std::string BranchReport::words() const {
    std::vector<std::string> remarks;
    if (!missing.empty()) remarks.push_back("not: " + names(missing));
    if (rare_not_asked > 0) remarks.push_back(std::to_string(rare_not_asked) + " rare ones not asked");
    if (not_yet > 0) remarks.push_back(std::to_string(not_yet) + " not yet asked");
    std::string text = std::to_string(found) + " of " + std::to_string(asked) + " branches reached";
    for (std::size_t i = 0; i < remarks.size(); ++i) text += (i == 0 ? " (" : "; ") + remarks[i];
    return remarks.empty() ? text : text + ")";
}

std::string branch_table(const std::vector<Branch>& registered, const BranchLists& lists,
                         const Campaign& campaign, bool markdown) {
    std::string text;
    std::optional<BranchGroup> group;
    for (const Branch& branch : registered) {
        const std::string times = std::to_string(times_of(campaign, branch.name));
        const std::string excuse = excuse_of(branch, lists);
        const std::string title(name(branch.group));
        if (markdown) {
            if (group != branch.group)
                text += (group ? "\n" : "") + ("| " + title) + " | times | |\n|---|---:|---|\n";
            const bool prefixed = branch.name.starts_with(title + " ");
            text += "| " + (prefixed ? branch.name.substr(title.size() + 1) : branch.name) + " | " + times +
                    " | " + excuse + " |\n";
        } else {
            text += std::string(times.size() < 10 ? 10 - times.size() : 0, ' ') + times + "  " +
                    std::string(branch.group == BranchGroup::world ? "world " : "") + branch.name +
                    (excuse.empty() ? "" : "  # " + excuse) + "\n";
        }
        group = branch.group;
    }
    return text;
}

std::string pairs_text(const Campaign& campaign) {
    std::string text =
        "# Pairs of a record's state and an event that the story handles, as `simulate --write-pairs` saw "
        "them.\n"
        "# rare: asked for in a long campaign alone; seldom: known, and never asked for.\n";
    for (const auto& [branch, seeds] : campaign.seeds_of) {
        if (!branch.starts_with("pair ")) continue;
        const auto expected_in = [&, in = seeds](std::uint64_t all) {
            return in * all / std::max<std::uint64_t>(campaign.seeds, 1);
        };
        text += branch;
        if (expected_in(long_campaign_seeds) < expected_seeds_min)
            text += " # seldom";
        else if (expected_in(ci_campaign_seeds) < expected_seeds_min)
            text += " # rare";
        text += "\n";
    }
    return text;
}

}  // namespace simulation
