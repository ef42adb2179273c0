#include "switch/config/config_reader.hpp"

#include <algorithm>

#include "iso8583/values/nearest_word.hpp"

namespace acquirer::config {

std::string Reader::join(const std::string& path, std::string_view name) {
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

void Reader::problem(const std::string& key, std::string what) {
    std::string path = key;
    while (!path.empty() && lines_.count(path) == 0) {
        const std::size_t dot = path.rfind('.');
        path = dot == std::string::npos ? "" : path.substr(0, dot);
    }
    const auto at = lines_.find(path);
    problem_at(at == lines_.end() ? 0 : at->second, key, std::move(what));
}

void Reader::problem_at(int line, std::string key, std::string what) {
    problems_.push_back({file_, line, std::move(key), std::move(what)});
}

bool Reader::has_problem_under(const std::string& path) const {
    return std::any_of(problems_.begin(), problems_.end(), [&](const ConfigProblem& p) {
        return p.key == path || p.key.compare(0, path.size() + 1, path + ".") == 0;
    });
}

bool Reader::is_one_of(std::string_view name, const std::vector<std::string_view>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

void Reader::unknown_key(const std::string& path, const std::string& name, int line,
                         std::vector<std::string_view> known) {
    std::string what = std::string("is no key of ") + (path.empty() ? "the file" : "this section");
    what += iso8583::did_you_mean({known.begin(), known.end()}, name);
    problem_at(line, join(path, name), std::move(what));
}

const Node* Reader::table(const Node& parent, const std::string& parent_path, std::string_view name) {
    const Node* found = parent.find(name);
    if (found == nullptr) return nullptr;
    const std::string path = join(parent_path, name);
    if (found->kind != Node::Kind::table) {
        problem_at(found->line, path,
                   "is " + std::string(config::name(found->kind)) + ", needed is a section [" + path + "]");
        return nullptr;
    }
    return found;
}

std::vector<const Node*> Reader::tables(const Node& parent, std::string_view name, std::size_t most) {
    std::vector<const Node*> result;
    const Node* found = parent.find(name);
    if (found == nullptr) return result;
    const std::string path(name);
    if (found->kind != Node::Kind::list) {
        problem_at(found->line, path,
                   "is " + std::string(config::name(found->kind)) + ", needed are sections [[" + path + "]]");
        return result;
    }
    lines_[path] = found->line;
    if (found->items.size() > most) {
        problem_at(found->line, path,
                   "stands there " + std::to_string(found->items.size()) + " times, at most " +
                       std::to_string(most) + " are allowed");
        return result;
    }
    for (const Node& item : found->items) {
        if (item.kind == Node::Kind::table)
            result.push_back(&item);
        else
            problem_at(
                item.line, path,
                "holds " + std::string(config::name(item.kind)) + ", needed are sections [[" + path + "]]");
    }
    return result;
}

ConfigProblems Reader::take_problems() {
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const ConfigProblem& a, const ConfigProblem& b) { return a.line < b.line; });
    return std::move(problems_);
}

}  // namespace acquirer::config
