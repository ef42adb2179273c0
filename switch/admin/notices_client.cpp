#include "switch/admin/notices_client.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "switch/admin/follow.hpp"
#include "switch/views/list_query.hpp"

namespace acquirer::admin {
namespace {

constexpr int look_again_ms = 1'000;
static_assert(tail_newest_max <= list_limit_max, "they are one answer of the list");

std::int64_t number_of(const View& row) {
    const View* number = row.find("notice");
    return number != nullptr && number->number() != nullptr ? *number->number() : 0;
}

}  // namespace

Answer tail_notices(const AskSwitch& ask, const TailOptions& options) {
    auto out = RowFile::create("-", RowFormat::json_lines);
    if (!out) return {AnswerError::refused, out.error().what, {}};
    std::uint64_t shown = 0;
    std::int64_t newest = 0;
    std::string behind;  // of several shards, as the switch says it
    const auto show = [&](const View& row) {
        newest = std::max(newest, number_of(row));
        if (options.count != 0 && shown == options.count) return true;
        ++shown;
        return out->add(row).has_value() && std::fflush(stdout) == 0;
    };
    bool first = true;
    for (;;) {
        Request request{"notices list", {}, options.as};
        request.arguments["limit"] =
            std::to_string(first ? std::max<std::uint64_t>(options.newest, 1) : list_limit_max);
        if (!first) request.arguments["behind"] = behind.empty() ? std::to_string(newest) : behind;
        const ListAnswered listed = ask_for_list(ask, request);
        if (listed.answer.error != AnswerError::none) return listed.answer;
        behind = text_in(listed.answer.data, "behind");
        View::List rows;
        if (const View* found = rows_of(listed.answer.data)) rows = *found->items();
        if (first) {
            std::reverse(rows.begin(), rows.end());
            if (options.newest == 0) {
                if (!rows.empty()) newest = number_of(rows.back());
                rows.clear();
            }
        }
        for (const View& row : rows)
            if (!show(row)) return {AnswerError::refused, "stdout cannot be written", {}};
        if (options.count != 0 && shown >= options.count) return {};
        const bool more = !first && !next_of(listed.answer.data).empty();
        first = false;
        if (!more) ::poll(nullptr, 0, look_again_ms);
    }
}

}  // namespace acquirer::admin
