#include "switch/admin/recon_client.hpp"

#include "switch/admin/follow.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/admin/row_file.hpp"

namespace acquirer::admin {
namespace {

/// Each begins with the file's name and the line's number, as compilers say it.
View faults_of(const View& file, const std::string& path) {
    View faults = View::list();
    const View* lines = file.find("bad_lines");
    if (lines == nullptr || lines->items() == nullptr) return faults;
    for (const View& line : *lines->items()) {
        const std::int64_t number = number_in(line, "line");
        faults.add(View::object().put(
            "fault",
            path + ":" + (number == 0 ? "" : std::to_string(number) + ":") + " " + text_in(line, "what")));
    }
    return faults;
}

ClientResult<Answer> import_file(const Request& request, const SendRequest& send) {
    const std::string path = argument(request, "file");
    const auto content = upload_file(path, send);
    if (!content) return tl::unexpected(content.error());
    Request enter{
        "recon enter",
        {{"route", argument(request, "route")}, {"digest", content->digest}, {"name", content->name}},
        ""};
    if (const std::string day = argument(request, "day"); !day.empty()) enter.arguments["day"] = day;
    auto entered = send(enter);
    if (!entered) return entered;
    const bool known = text_in(entered->data, "known") == "yes" && text_in(entered->data, "state") == "done";
    auto file =
        follow({"recon file", {{"number", text_in(entered->data, "file")}}, ""}, send, "lines", "lines");
    if (!file) return file;
    const std::int64_t bad = number_in(file->data, "bad");
    if (known) {
        file->text = entered->text;
    } else if (text_in(file->data, "state") == "refused") {
        file->error = AnswerError::refused;
        file->text = path + " is refused and nothing of it counts: " + std::to_string(bad) +
                     (bad == 1 ? " fault" : " faults");
    } else {
        file->text = path + " is imported, as file " + text_in(entered->data, "file");
        if (bad != 0) {
            file->error = AnswerError::refused;
            file->text += ", but for " + std::to_string(bad) + " lines that could not be read any more";
        }
    }
    if (bad != 0) file->data.put("faults", faults_of(file->data, path));
    return file;
}

ClientResult<Answer> run_day(const Request& request, const SendRequest& send) {
    const std::string day = argument(request, "day");
    auto started = send(request);
    const Answer& said = started ? *started : started.error();
    // Asked again while it runs, it is followed.
    if (!started && said.text.find("is being compared") == std::string::npos) return started;
    auto ended = follow({"recon progress", {{"day", day}}, ""}, send, "transactions", "looked_at");
    if (!ended) return ended;
    auto report = send({"recon report", {{"day", day}}, ""});
    if (!report) return report;
    const std::int64_t differences = number_in(report->data, "differences_count");
    report->text = day + " is compared: " + std::to_string(number_in(report->data, "transactions")) +
                   " transactions, " + std::to_string(differences) +
                   (differences == 1 ? " difference" : " differences");
    if (const std::string missing = text_in(said.data, "not_imported"); !missing.empty())
        report->text += "; there is no file yet of " + missing;
    return report;
}

iso8583::Result<void> write_sums(const std::string& path, const View& report) {
    auto file = RowFile::create(path, RowFormat::csv);
    if (!file) return tl::unexpected(file.error());
    if (const View* rows = report.find("merchants"); rows != nullptr && rows->items() != nullptr)
        for (const View& row : *rows->items())
            if (auto added = file->add(row); !added) return added;
    return file->finish();
}

ClientResult<Answer> report_into_files(Request& request, const SendRequest& send) {
    const std::string html = argument(request, "html"), csv = argument(request, "csv");
    request.arguments.erase("html");
    request.arguments.erase("csv");
    auto report = send(request);
    if (!report) return report;
    std::string text;
    if (!html.empty()) {
        if (auto done = write_page(html, recon_page(report->data)); !done)
            return refused_here(done.error().what);
        text = "the report of " + text_in(report->data, "business_date") + " is in " + html;
    }
    if (!csv.empty()) {
        if (auto done = write_sums(csv, report->data); !done) return refused_here(done.error().what);
        if (csv != "-")
            text += (text.empty() ? "the sums of " : ", its sums of ") +
                    text_in(report->data, "business_date") + " are in " + csv;
    }
    Answer answer;
    answer.text = text;
    return answer;
}

ClientResult<std::optional<Answer>> some(ClientResult<Answer> answer) {
    if (!answer) return tl::unexpected(answer.error());
    return std::optional(std::move(*answer));
}

}  // namespace

ClientResult<std::optional<Answer>> run_recon_command(Request& request, const SendRequest& send) {
    if (request.command == "recon import") return some(import_file(request, send));
    if (request.command == "recon run") return some(run_day(request, send));
    if (request.command == "recon report" && !(argument(request, "html") + argument(request, "csv")).empty())
        return some(report_into_files(request, send));
    return std::optional<Answer>();
}

}  // namespace acquirer::admin
