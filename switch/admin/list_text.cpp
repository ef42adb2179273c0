#include "switch/admin/list_text.hpp"

#include "switch/admin/list_client.hpp"

namespace acquirer::admin {

View without_list_words(const View& view) {
    if (rows_of(view) == nullptr) return view;
    View shown = View::object();
    for (const auto& [name, value] : *view.members())
        if (name != "list" && name != "cut" && name != "next" && name != "progress") shown.put(name, value);
    return shown;
}

std::string list_end_line(const View& view) {
    const std::string next = rows_of(view) != nullptr ? next_of(view) : std::string();
    return next.empty() ? next : "cut here: go on with --after " + next + "\n";
}

}  // namespace acquirer::admin
