// ListPage: the rows of one answer of a list, and where the list goes on. What every list answers, whatever
// its rows are (docs/refundctl.md, "Lists"):
//
//     {"list":"disputes","cut":true,"next":"disputes.D00000050","disputes":[ … ]}
//
// `list` names the member with the rows; `next` is there when, and only when, the list is cut. Every row of a
// list has the same members in the same order: they are the columns of --csv.
//
//     ListPage page("disputes", query);
//     auto behind = page.position();                 // of the cursor; empty: from the beginning
//     … each record behind it, in the list's order:  if (!page.add(row, position_of_record)) stop
//     return std::move(page).answer();
//
// Thread: the caller's. Owner: one view. Errors: a cursor of another list, as a sentence that names `after`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"
#include "switch/core/view_value.hpp"
#include "switch/views/list_query.hpp"

namespace acquirer {

class ListPage {
  public:
    /// `rows` is the member that holds the rows, and what its cursors begin with.
    ListPage(std::string_view rows, const ListQuery& query);

    /// What a cursor's text holds behind the list's name; empty when none was given.
    [[nodiscard]] iso8583::Result<std::string> position() const;
    /// The same for a cursor that is an RRN, or another value with a parse().
    template <typename T>
    [[nodiscard]] iso8583::Result<std::optional<T>> parsed_position() const {
        const auto text = position();
        if (!text) return tl::unexpected(text.error());
        if (text->empty()) return std::optional<T>();
        auto value = T::parse(*text);
        if (!value) return no_cursor();
        return std::optional<T>(*value);
    }
    [[nodiscard]] static tl::unexpected<iso8583::ParseError> no_cursor();

    /// False when the page is full: the row is not taken, and the list is cut before it. `position` is
    /// printable text.
    bool add(View row, std::string_view position);
    [[nodiscard]] bool is_full() const { return rows_.items()->size() >= limit_; }
    /// The page ends here though it is not full: everything up to `position` was looked at.
    void cut_at(std::string_view position);
    [[nodiscard]] bool is_cut() const { return cut_; }
    [[nodiscard]] const std::string& last_position() const { return last_; }

    /// `facts` is an object: what the answer says beside its rows (currency, count).
    [[nodiscard]] View answer(const View& facts = View::object()) &&;

  private:
    std::string name_;
    std::string after_;
    std::size_t limit_;
    View rows_ = View::list();
    std::string last_;
    bool cut_ = false;
};

/// The page of a list that was made whole, because it is short: `view` is the answer with all rows under
/// `rows`. The cursor counts rows.
iso8583::Result<View> page_of(const View& view, std::string_view rows, const ListQuery& query);

}  // namespace acquirer
