#include "switch/admin/store_client.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "ledger/backup_directory.hpp"
#include "ledger/restore_records.hpp"
#include "switch/admin/base64.hpp"
#include "switch/admin/follow.hpp"
#include "switch/admin/request_arguments.hpp"

extern char** environ;

namespace acquirer::admin {
namespace {

namespace fs = std::filesystem;

const std::atomic<bool> never_stops = false;

/// The switch has another working directory.
std::string absolute(const std::string& path) {
    std::error_code error;
    const fs::path whole = fs::absolute(path, error);
    return error ? path : whole.lexically_normal().string();
}

ClientResult<Answer> back_up(const Request& request, const SendRequest& send) {
    auto begun = send({"backups begin", {{"directory", absolute(argument(request, "directory"))}}, ""});
    if (!begun) return begun;
    auto ended = follow({"backups last", {}, ""}, send, "files", "files");
    if (!ended) return ended;
    ended->text = text_in(ended->data, "text");
    if (text_in(ended->data, "state") != "done") ended->error = AnswerError::refused;
    return ended;
}

View manifest_view(const ledger::BackupManifest& manifest) {
    const iso8583::CivilTime at = iso8583::civil_from_utc(manifest.mark.made);
    const auto two = [](unsigned n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
    View view = View::object();
    view.put("backup", manifest.mark.id)
        .put("made", at.date.iso() + " " + two(at.hour) + ":" + two(at.minute) + ":" + two(at.second) + "Z")
        .put("business_date", manifest.mark.business_day.date.iso())
        .put("turn", manifest.mark.turn)
        .put("by", manifest.by)
        .put("ledger_format", manifest.ledger_format)
        .put("configuration", manifest.configuration)
        .put("key_needed", manifest.sealed_under)
        .put("files", manifest.files.size())
        .put("bytes", manifest.bytes());
    if (manifest.shards != 1) view.put("shards", manifest.shards);
    return view;
}

/// Runs a program to its end; what it printed. Nothing: it could not be run.
struct Ran {
    int code = 0;
    std::string output;
};
std::optional<Ran> run_program(std::vector<std::string> words) {
    std::array<int, 2> pipe_ends{};
    if (::pipe(pipe_ends.data()) != 0) return std::nullopt;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDERR_FILENO);
    ::posix_spawn_file_actions_addclose(&actions, pipe_ends[0]);
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t child = 0;
    const int fault =
        ::posix_spawn(&child, words.front().c_str(), &actions, nullptr, pointers.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    Ran ran;
    std::array<char, 4'096> piece{};
    constexpr std::size_t output_bytes_max = std::size_t{1} << 20;
    if (fault == 0)
        for (ssize_t n = 0; (n = ::read(pipe_ends[0], piece.data(), piece.size())) > 0;)
            if (ran.output.size() < output_bytes_max)
                ran.output.append(piece.data(), static_cast<std::size_t>(n));
    ::close(pipe_ends[0]);
    if (fault != 0) return std::nullopt;
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return ran;
}

/// The last line that is no JSON of the log: what --verify says of the whole.
std::string verdict_in(const std::string& output) {
    std::string last;
    std::size_t from = 0;
    while (from < output.size()) {
        const std::size_t end = std::min(output.find('\n', from), output.size());
        if (end > from && output[from] != '{') last = output.substr(from, end - from);
        from = end + 1;
    }
    return last.empty() ? output : last;
}

/// refund-switch, which stands beside this program, knows what a ledger must be.
ClientResult<Answer> look_through_ledger(const Request& request, Answer answer) {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    const std::string program = (self.parent_path() / "refund-switch").string();
    std::vector<std::string> words = {program,    "--verify",
                                      "--config", argument(request, "config"),
                                      "--data",   argument(request, "directory")};
    for (const char* key : {"lmk-key-file", "vault-key-file"})
        if (const std::string file = argument(request, key); !file.empty()) {
            words.push_back(std::string("--") + key);
            words.push_back(file);
        }
    const auto ran = run_program(std::move(words));
    if (!ran) return refused_here(program + " cannot be run: the ledger was not looked through");
    answer.data.put("ledger", verdict_in(ran->output));
    if (ran->code == 0) {
        answer.text += ", and so is its ledger";
        return answer;
    }
    answer.error = AnswerError::refused;
    answer.text = "the files are as they were, but the ledger in them is not sound: " + ran->output;
    return answer;
}

ClientResult<Answer> verify(const Request& request) {
    const std::string directory = argument(request, "directory");
    const auto manifest = ledger::read_manifest(directory);
    if (!manifest) return refused_here(manifest.error().what);
    const auto faults = ledger::compare_with_manifest(directory, *manifest, never_stops);
    Answer answer;
    answer.data = manifest_view(*manifest);
    if (!faults.empty()) {
        View list = View::list();
        for (const std::string& fault : faults) list.add(View::object().put("fault", fault));
        answer.error = AnswerError::refused;
        answer.text = directory + ": " + std::to_string(faults.size()) +
                      (faults.size() == 1 ? " file is" : " files are") +
                      " not as the manifest says: " + faults.front();
        answer.data.put("faults", std::move(list));
        return answer;
    }
    answer.text = directory + ": every file is as it was";
    if (!argument(request, "config").empty()) return look_through_ledger(request, std::move(answer));
    answer.text += "; with --config FILE the ledger in it is looked through as well";
    return answer;
}

ClientResult<Answer> restore(const Request& request) {
    const std::string data = argument(request, "data");
    const auto manifest = ledger::restore_backup(argument(request, "directory"), data, never_stops);
    if (!manifest) return refused_here(manifest.error().what);
    Answer answer;
    answer.data = manifest_view(*manifest);
    answer.text =
        data + " holds the ledger of backup " + manifest->mark.id +
        ". A switch that starts on it takes no new work until every route is reconciled from business day " +
        manifest->mark.business_day.date.iso() + " on, and two people have accepted it (accept-restore)";
    return answer;
}

/// The switch does not know the file's name: its problems begin with "policy:".
std::string with_name_of(const std::string& path, const std::string& text) {
    constexpr std::string_view its_name = "policy:";
    std::string out;
    std::size_t from = 0;
    while (from < text.size()) {
        const std::size_t end = std::min(text.find('\n', from), text.size());
        const std::string line = text.substr(from, end - from);
        out += out.empty() ? "" : "\n";
        out += line.rfind(its_name, 0) == 0 ? path + ":" + line.substr(its_name.size()) : line;
        from = end + 1;
    }
    return out;
}

ClientResult<Answer> send_policy(const Request& request, const SendRequest& send) {
    const std::string path = argument(request, "file");
    std::ifstream file(path, std::ios::binary);
    if (!file) return refused_here(path + " cannot be opened");
    std::string text(ledger::PolicyRecord::text_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return refused_here(path + " cannot be read");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > ledger::PolicyRecord::text_bytes_max)
        return refused_here(path + " is longer than " + std::to_string(ledger::PolicyRecord::text_bytes_max) +
                            " bytes: a policy names what differs from the configuration, and no more");
    const bool applies = request.command == "policy apply";
    Request sent{applies ? "policy propose" : "policy judge", {}, ""};
    if (!text.empty()) sent.arguments["content"] = to_base64(text);
    if (applies) sent.arguments["note"] = argument(request, "note");
    auto answer = send(sent);
    if (!answer) return refused_here(with_name_of(path, answer.error().text));
    if (!applies) {
        const std::int64_t changes = number_in(answer->data, "changes");
        answer->text =
            path + " can be used; " +
            (changes == 0 ? std::string("it changes nothing")
                          : "it changes " + std::to_string(changes) + (changes == 1 ? " value" : " values"));
    }
    return answer;
}

ClientResult<std::optional<Answer>> some(ClientResult<Answer> answer) {
    if (!answer) return tl::unexpected(answer.error());
    return std::optional(std::move(*answer));
}

}  // namespace

ClientResult<std::optional<Answer>> run_store_command(const Request& request, const SendRequest& send) {
    if (request.command == "backup") return some(back_up(request, send));
    if (request.command == "verify") return some(verify(request));
    if (request.command == "restore") return some(restore(request));
    if (request.command == "policy check" || request.command == "policy apply")
        return some(send_policy(request, send));
    return std::optional<Answer>();
}

}  // namespace acquirer::admin
