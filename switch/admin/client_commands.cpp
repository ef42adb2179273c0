#include "switch/admin/client_commands.hpp"

#include <filesystem>

#include "switch/admin/batch_client.hpp"
#include "switch/admin/recon_client.hpp"
#include "switch/admin/request_arguments.hpp"
#include "switch/admin/store_client.hpp"

namespace acquirer::admin {
namespace {

bool is_file(const std::string& path) {
    std::error_code none;
    return std::filesystem::is_regular_file(path, none);
}

/// --proof FILE: its name and its SHA-256; --proof TEXT: the text.
ClientResult<void> complete_proof(Request& request) {
    const auto proof = request.arguments.find("proof");
    if (proof == request.arguments.end() || !is_file(proof->second)) return {};
    const auto content = read_file_content(proof->second);
    if (!content) return tl::unexpected(content.error());
    request.arguments.erase(proof);
    request.arguments["proof-file"] = content->name;
    request.arguments["proof-digest"] = content->digest;
    return {};
}

std::string text_in(const Answer& answer, std::string_view name) {
    const View* value = answer.data.find(name);
    return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}

/// A batch that is named by its file is found by the file's digest.
ClientResult<void> complete_batch_name(Request& request) {
    const auto batch = request.arguments.find("batch");
    if (batch == request.arguments.end() || !is_file(batch->second)) return {};
    const auto content = read_file_content(batch->second);
    if (!content) return tl::unexpected(content.error());
    batch->second = content->digest;
    return {};
}

/// The number of a batch that was named by its reference or its file: what changes it knows the number alone.
ClientResult<void> find_batch(Request& request, const SendRequest& send) {
    Request status{"batch status", {{"batch", argument(request, "batch")}}, ""};
    if (const std::string merchant = argument(request, "merchant"); !merchant.empty())
        status.arguments["merchant"] = merchant;
    const auto found = send(std::move(status));
    if (!found) return tl::unexpected(found.error());
    request.arguments.erase("merchant");
    request.arguments["batch"] = text_in(*found, "batch");
    return {};
}

bool changes_a_batch(const Request& request) {
    for (const char* command :
         {"batch approve", "batch reject", "batch pause", "batch resume", "batch cancel"})
        if (request.command == command) return true;
    return false;
}

ClientResult<std::optional<Answer>> some(ClientResult<Answer> answer) {
    if (!answer) return tl::unexpected(answer.error());
    return std::optional(std::move(*answer));
}

/// Answered when its file is read; then with all that there is to say of it.
ClientResult<Answer> submit(const Request& request, const SendRequest& send) {
    const auto content = upload_file(argument(request, "path"), send);
    if (!content) return tl::unexpected(content.error());
    const auto sent = send({"batch enter",
                            {{"merchant", argument(request, "merchant")},
                             {"ref", argument(request, "ref")},
                             {"file", content->digest},
                             {"name", content->name}},
                            ""});
    const Answer& entered = sent ? *sent : sent.error();
    const std::string id = text_in(entered, "batch");
    if (id.empty()) return sent;
    auto status = send({"batch status", {{"batch", id}}, ""});
    if (!status) return status;
    status->error = entered.error;
    status->text = entered.text;
    if (const std::string proposal = text_in(entered, "proposal"); !proposal.empty())
        status->data.put("proposal", proposal).put("needed", 1);
    return status;
}

}  // namespace

SendRequest send_over(AskSwitch ask, std::string as) {
    return [ask = std::move(ask), as = std::move(as)](Request request) -> ClientResult<Answer> {
        request.as = as;
        const auto line = ask(write_request(request));
        if (!line) return tl::unexpected(Answer{AnswerError::unreachable, line.error().what, {}});
        auto answer = parse_answer(*line);
        if (!answer) return tl::unexpected(Answer{AnswerError::unreadable, answer.error().what, {}});
        if (answer->error != AnswerError::none) return tl::unexpected(std::move(*answer));
        return std::move(*answer);
    };
}

ClientResult<std::optional<Answer>> run_client_command(Request& request, const SendRequest& send) {
    if (request.command == "batch validate") return some(validate_batch_file(request, send));
    if (request.command == "batch submit") return some(submit(request, send));
    if (auto recon = run_recon_command(request, send); !recon || *recon) return recon;
    if (auto store = run_store_command(request, send); !store || *store) return store;
    if (auto named = complete_batch_name(request); !named) return tl::unexpected(named.error());
    if (changes_a_batch(request))
        if (auto found = find_batch(request, send); !found) return tl::unexpected(found.error());
    if (auto proof = complete_proof(request); !proof) return tl::unexpected(proof.error());
    return std::nullopt;
}

}  // namespace acquirer::admin
