// View: what an operator's read shows, as an ordered tree of texts and numbers. Made by operator_views, sent
// as JSON, shown by refundctl as tables. Names of members are stable: scripts read them (docs/refundctl.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace acquirer {

class View {
  public:
    using List = std::vector<View>;
    using Members = std::vector<std::pair<std::string, View>>;

    View() = default;  // nothing: JSON null
    View(std::string text) : value_(std::move(text)) {}
    View(std::string_view text) : value_(std::string(text)) {}
    View(const char* text) : value_(std::string(text)) {}
    View(bool flag) : value_(flag) {}
    View(std::int64_t number) : value_(number) {}
    View(std::int32_t number) : value_(std::int64_t{number}) {}
    View(std::uint32_t number) : value_(static_cast<std::int64_t>(number)) {}
    View(std::uint64_t number) : value_(static_cast<std::int64_t>(number)) {}
    static View object() { return of(Members{}); }
    static View list() { return of(List{}); }

    /// Appends a member (object) and gives the object back, to go on with the next.
    View& put(std::string name, View value) {
        std::get<Members>(value_).emplace_back(std::move(name), std::move(value));
        return *this;
    }
    /// The same, but nothing for an empty text: members that do not apply are left out.
    View& put_if(std::string name, std::string_view text) {
        return text.empty() ? *this : put(std::move(name), View(text));
    }
    View& add(View value) {
        std::get<List>(value_).push_back(std::move(value));
        return *this;
    }

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    [[nodiscard]] const std::string* text() const { return std::get_if<std::string>(&value_); }
    [[nodiscard]] const bool* flag() const { return std::get_if<bool>(&value_); }
    [[nodiscard]] const std::int64_t* number() const { return std::get_if<std::int64_t>(&value_); }
    [[nodiscard]] const List* items() const { return std::get_if<List>(&value_); }
    [[nodiscard]] const Members* members() const { return std::get_if<Members>(&value_); }
    /// A member of an object; nullptr when it is none or has none of that name.
    [[nodiscard]] const View* find(std::string_view name) const {
        if (const Members* all = members())
            for (const auto& [member, value] : *all)
                if (member == name) return &value;
        return nullptr;
    }
    friend bool operator==(const View&, const View&) = default;

  private:
    template <typename T>
    static View of(T value) {
        View view;
        view.value_ = std::move(value);
        return view;
    }
    std::variant<std::monostate, bool, std::int64_t, std::string, List, Members> value_;
};

}  // namespace acquirer
