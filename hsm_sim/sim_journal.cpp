#include "hsm_sim/sim_journal.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "hsm_sim/lmk_file.hpp"
#include "hsm_sim/syslog_line.hpp"

namespace hsm {

std::string time_now_text() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    const std::time_t seconds = ms / 1000;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::array<char, 8> fraction{};
    std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(ms % 1000));
    return std::string(text.data(), size) + fraction.data();
}

void SimJournal::log(std::string_view level, std::string_view event, const Values& values) {
    std::string line = "{\"time\":\"" + time_now_text() + "\",\"level\":" + json_string(level) +
                       ",\"event\":" + json_string(event);
    for (const auto& [key, value] : values) line += "," + json_string(key) + ":" + json_string(value);
    line += "}\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
}

void SimJournal::refused(HsmFault fault, std::string_view why) {
    ++refusals_[code(fault)];
    if (++refusal_lines_ > refusal_lines_max) {
        ++suppressed_;
        return;
    }
    log("warning", "refused",
        {{"code", code(fault)},
         {"meaning", std::string(name(fault))},
         {"command", command_},
         {"why", std::string(why)},
         {"who", who_}});
}

void SimJournal::key_operated(const KeyOperation& operation) {
    const auto hash = audit_.append(time_now_text(), who_, operation);
    if (!hash) {
        audit_failed_ = true;
        log("error", "audit_failed", {{"why", hash.error().what}});
        return;
    }
    log("info", "key_operation",
        {{"what", std::string(operation.what)},
         {"type", operation.type},
         {"kcv", operation.kcv},
         {"refused", operation.refused ? code(*operation.refused) : ""},
         {"who", who_},
         {"audit", *hash}});
}

void SimJournal::note_heads_in(const std::string& file, const std::string& syslog) {
    head_file_ = file;
    head_syslog_ = syslog;
    note_head();
}

void SimJournal::note_head() {
    if ((head_file_.empty() && head_syslog_.empty()) || audit_.head() == noted_head_) return;
    const std::string text = audit_.head_text();
    if (!head_file_.empty()) {
        ::unlink((head_file_ + ".new").c_str());  // of a process that died meanwhile
        const auto written = write_secret_file(head_file_, text);
        if (!written) return log("error", "audit_head_not_noted", {{"why", written.error().what}});
    }
    if (!head_syslog_.empty()) {
        const auto sent = send_to_syslog(head_syslog_, "hsm-sim", text.substr(0, text.size() - 1));
        if (!sent) return log("error", "audit_head_not_noted", {{"why", sent.error().what}});
    }
    noted_head_ = audit_.head();
}

void SimJournal::tick() {
    note_head();
    if (suppressed_ != 0) log("warning", "refusals_not_logged", {{"count", std::to_string(suppressed_)}});
    refusal_lines_ = 0;
    suppressed_ = 0;
}

}  // namespace hsm
