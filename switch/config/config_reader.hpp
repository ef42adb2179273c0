// Reads tables of a document by their keys and remembers on which line each key stood, so that a later check
// of two values against each other can still name a line.
#pragma once

#include <map>

#include "switch/config/config_schema.hpp"

namespace acquirer::config {

class Reader {
  public:
    explicit Reader(std::string_view file) : file_(file) {}

    /// `key` is a path: "issuer[1].reply_timeout_ms"; its line is that of the nearest part that stands in the
    /// file.
    void problem(const std::string& key, std::string what);
    void problem_at(int line, std::string key, std::string what);
    [[nodiscard]] bool has_problem_under(const std::string& path) const;
    /// True when the key stands in the file.
    [[nodiscard]] bool has(const std::string& key) const { return lines_.count(key) != 0; }

    /// All keys of `table` into `into`; `nested` are tables that the caller reads itself.
    template <typename T>
    void read(const Node& table, const std::string& path, const Keys<T>& keys,
              const std::vector<std::string_view>& nested, const Context& context, T& into) {
        if (!path.empty()) lines_[path] = table.line;
        for (const auto& [name, node] : table.members) {
            const Key<T>* key = nullptr;
            for (const Key<T>& candidate : keys)
                if (candidate.name == name) key = &candidate;
            if (key != nullptr)
                read_key(*key, node, join(path, name), context, into);
            else if (!is_one_of(name, nested))
                unknown_key(path, name, node.line, names_of(keys));
        }
        for (const Key<T>& key : keys)
            if (key.required && table.find(key.name) == nullptr)
                problem_at(table.line, join(path, key.name), "is needed: " + key.meaning);
    }

    /// The table `name` of `parent`, or nullptr (absent, or no table: a problem).
    const Node* table(const Node& parent, const std::string& parent_path, std::string_view name);
    /// The tables of the list `name` of `parent` ([[issuer]]); at most `most`.
    std::vector<const Node*> tables(const Node& parent, std::string_view name, std::size_t most);

    /// In the order of their lines.
    [[nodiscard]] ConfigProblems take_problems();
    [[nodiscard]] bool ok() const { return problems_.empty(); }

    static std::string join(const std::string& path, std::string_view name);

  private:
    template <typename T>
    void read_key(const Key<T>& key, const Node& node, const std::string& path, const Context& context,
                  T& into) {
        lines_[path] = node.line;
        if (node.kind != key.kind) {
            problem_at(node.line, path,
                       "is " + std::string(config::name(node.kind)) + ", needed is " +
                           std::string(config::name(key.kind)) + " (" + key.type + ")");
            return;
        }
        if (auto wrong = key.set(into, node, context)) problem_at(node.line, path, std::move(*wrong));
    }
    template <typename T>
    static std::vector<std::string_view> names_of(const Keys<T>& keys) {
        std::vector<std::string_view> names;
        for (const Key<T>& key : keys) names.push_back(key.name);
        return names;
    }
    static bool is_one_of(std::string_view name, const std::vector<std::string_view>& names);
    void unknown_key(const std::string& path, const std::string& name, int line,
                     std::vector<std::string_view> known);

    std::string file_;
    std::map<std::string, int> lines_;
    ConfigProblems problems_;
};

}  // namespace acquirer::config
