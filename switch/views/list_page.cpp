#include "switch/views/list_page.hpp"

#include <algorithm>
#include <charconv>

namespace acquirer {

ListPage::ListPage(std::string_view rows, const ListQuery& query)
    : name_(rows), after_(query.after), limit_(std::min(query.limit, list_limit_max)) {}

tl::unexpected<iso8583::ParseError> ListPage::no_cursor() {
    return iso8583::parse_error(
        "after: is no cursor of this list; the last line of a list that is cut has one");
}

iso8583::Result<std::string> ListPage::position() const {
    if (after_.empty()) return std::string();
    const std::string head = name_ + ".";
    if (!after_.starts_with(head) || after_.size() == head.size()) return no_cursor();
    return after_.substr(head.size());
}

bool ListPage::add(View row, std::string_view position) {
    if (is_full()) {
        cut_ = true;
        return false;
    }
    rows_.add(std::move(row));
    last_ = position;
    return true;
}

void ListPage::cut_at(std::string_view position) {
    last_ = position;
    cut_ = true;
}

View ListPage::answer(const View& facts) && {
    View view = View::object();
    view.put("list", name_).put("cut", cut_);
    if (cut_) view.put("next", name_ + "." + last_);
    if (const auto* members = facts.members())
        for (const auto& [name, value] : *members) view.put(name, value);
    view.put(name_, std::move(rows_));
    return view;
}

iso8583::Result<View> page_of(const View& view, std::string_view rows, const ListQuery& query) {
    ListPage page(rows, query);
    const auto behind = page.position();
    if (!behind) return tl::unexpected(behind.error());
    std::size_t first = 0;
    const auto [end, error] = std::from_chars(behind->data(), behind->data() + behind->size(), first);
    if (!behind->empty() && (error != std::errc{} || end != behind->data() + behind->size()))
        return ListPage::no_cursor();
    View facts = View::object();
    if (const auto* members = view.members())
        for (const auto& [name, value] : *members)
            if (name != rows) facts.put(name, value);
    if (const View* all = view.find(rows); all != nullptr && all->items() != nullptr)
        for (std::size_t i = first; i < all->items()->size(); ++i)
            if (!page.add((*all->items())[i], std::to_string(i + 1))) break;
    return std::move(page).answer(facts);
}

}  // namespace acquirer
