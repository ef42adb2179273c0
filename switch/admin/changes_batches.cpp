#include <charconv>

#include "switch/admin/base64.hpp"
#include "switch/admin/batch_requests.hpp"
#include "switch/admin/request_arguments.hpp"

namespace acquirer::admin {

namespace {

std::uint32_t line_of(const Request& r, std::string_view name) {
    const std::string text = argument(r, name);
    std::uint32_t line = 0;
    std::from_chars(text.data(), text.data() + text.size(), line);
    return line;
}

}  // namespace

std::optional<OperatorCommand> batch_change(const Request& r) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "batch judge")
        return JudgeLines{a("merchant"), parse_base64(a("content")).value_or(""), line_of(r, "line")};
    if (r.command == "batch enter") return SubmitBatch{a("merchant"), a("ref"), a("file"), a("name")};
    using Decision = DecideBatch::To;
    if (r.command == "batch approve") return DecideBatch{a("batch"), Decision::approve, a("digest"), ""};
    if (r.command == "batch reject") return DecideBatch{a("batch"), Decision::reject, "", a("note")};
    using Change = ChangeBatch::To;
    if (r.command == "batch pause") return ChangeBatch{a("batch"), Change::pause, false, a("note")};
    if (r.command == "batch resume") return ChangeBatch{a("batch"), Change::resume, flag(r, "refused"), ""};
    if (r.command == "batch cancel") return ChangeBatch{a("batch"), Change::cancel, false, a("note")};
    return std::nullopt;
}

std::optional<ViewResult> batch_read(const Request& r, const ViewContext& context) {
    const auto a = [&](std::string_view name) { return argument(r, name); };
    if (r.command == "batch status") return view_batch(context, {a("batch"), a("merchant")});
    if (r.command == "batch export")
        return view_batch_lines(context, {a("batch"), a("merchant")}, list_query(r));
    if (r.command == "batch list") return view_batches(context, list_query(r));
    if (r.command == "reasons list") return view_reasons(context, list_query(r));
    return std::nullopt;
}

}  // namespace acquirer::admin
