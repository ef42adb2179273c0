#include "switch/admin/list_client.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>

#include "switch/admin/progress_bar.hpp"
#include "switch/admin/request_arguments.hpp"

namespace acquirer::admin {

namespace {

Answer failed(AnswerError error, std::string text) { return {error, std::move(text), {}}; }

ListAnswered ask_once(const AskSwitch& ask, const Request& request) {
    const auto line = ask(write_request(request));
    if (!line) {
        Answer unreachable = failed(AnswerError::unreachable, line.error().what);
        return {unreachable, write_answer(unreachable)};
    }
    auto answer = parse_answer(*line);
    if (answer) return {std::move(*answer), *line};
    Answer unreadable = failed(AnswerError::unreadable, answer.error().what);
    return {unreadable, write_answer(unreadable)};
}

std::size_t row_count(const View& list_answer) {
    const View* rows = rows_of(list_answer);
    return rows != nullptr ? rows->items()->size() : 0;
}

/// The later answer with the rows of the earlier before its own; facts that only the earlier has are kept.
View joined(const View& earlier, const View& later) {
    const std::string& name = *earlier.find("list")->text();
    View rows = *earlier.find(name);
    for (const View& row : *rows_of(later)->items()) rows.add(row);
    View all = View::object();
    for (const auto& [member, value] : *earlier.members()) {
        if (member == name || member == "next" || member == "cut" || member == "progress") continue;
        all.put(member, value);
    }
    for (const char* end : {"cut", "next", "progress"})
        if (const View* value = later.find(end)) all.put(end, *value);
    all.put(name, std::move(rows));
    return all;
}

std::optional<unsigned> progress_of(const View& list_answer) {
    const View* progress = list_answer.find("progress");
    if (progress == nullptr || progress->number() == nullptr) return std::nullopt;
    return static_cast<unsigned>(*progress->number());
}

}  // namespace

const View* rows_of(const View& list_answer) {
    const View* name = list_answer.find("list");
    const View* rows = name != nullptr && name->text() != nullptr ? list_answer.find(*name->text()) : nullptr;
    return rows != nullptr && rows->items() != nullptr ? rows : nullptr;
}

std::string next_of(const View& list_answer) {
    const View* next = list_answer.find("next");
    return next != nullptr && next->text() != nullptr ? *next->text() : std::string();
}

ListAnswered ask_for_list(const AskSwitch& ask, Request request) {
    const std::size_t limit = list_query(request).limit;
    ListAnswered listed = ask_once(ask, request);
    while (listed.answer.error == AnswerError::none && rows_of(listed.answer.data) != nullptr) {
        const std::string next = next_of(listed.answer.data);
        const std::size_t have = row_count(listed.answer.data);
        if (next.empty() || have >= limit) break;
        request.arguments["after"] = next;
        request.arguments["limit"] = std::to_string(limit - have);
        ListAnswered more = ask_once(ask, request);
        if (more.answer.error != AnswerError::none || rows_of(more.answer.data) == nullptr) return more;
        listed.answer.data = joined(listed.answer.data, more.answer.data);
        listed.line = write_answer(listed.answer);
    }
    return listed;
}

void give_way() {
    const sched_param none{};
    static_cast<void>(::sched_setscheduler(0, SCHED_IDLE, &none));
}

Answer export_list(const AskSwitch& ask, Request request, const ExportJob& job) {
    auto file = RowFile::create(job.path, job.format);
    if (!file) return failed(AnswerError::refused, file.error().what);
    ProgressBar bar("rows");
    request.hold_snapshot = true;
    std::uint64_t rows = 0;
    std::string next;
    do {
        request.arguments["limit"] =
            std::to_string(std::min<std::uint64_t>(export_page_rows, job.rows_max - rows));
        if (!next.empty()) request.arguments["after"] = next;
        const ListAnswered page = ask_once(ask, request);
        if (page.answer.error != AnswerError::none) return page.answer;
        const View* list = rows_of(page.answer.data);
        if (list == nullptr) return failed(AnswerError::unreadable, "the switch's answer is no list");
        for (const View& row : *list->items())
            if (auto added = file->add(row); !added) return failed(AnswerError::refused, added.error().what);
        rows += list->items()->size();
        next = next_of(page.answer.data);
        bar.show(rows, progress_of(page.answer.data));
    } while (!next.empty() && rows < job.rows_max);
    if (auto finished = file->finish(); !finished) return failed(AnswerError::refused, finished.error().what);
    Answer done;
    done.text = std::to_string(rows) + (rows == 1 ? " row is in " : " rows are in ") + job.path;
    if (!next.empty()) done.text += "; cut here: go on with --after " + next;
    done.data = View::object().put("file", job.path).put("rows", rows).put("cut", !next.empty());
    done.data.put_if("next", next);
    return done;
}

}  // namespace acquirer::admin
