// What operators ask about batches of refunds (R100), as values (operator_command.hpp). A batch is named by
// its number; refundctl finds it for a reference or a file.
#pragma once

#include <cstdint>
#include <string>

namespace acquirer {

/// batch validate: would these lines be accepted now? Changes nothing (viewer). refundctl sends a file part
/// by part.
struct JudgeLines {
    std::string merchant;
    std::string text;              // whole lines of the file, from its second on
    std::uint32_t first_line = 2;  // the number of the first of them
};
/// batch submit: of a file that is here (operator, the maker).
struct SubmitBatch {
    std::string merchant, reference;
    std::string file;       // digest
    std::string file_name;  // for people
};
/// batch approve|reject (supervisor, never the maker); `proposals` too.
struct DecideBatch {
    enum class To : std::uint8_t { approve, reject };
    std::string batch;
    To to = To::approve;
    std::string digest;  // what the checker looked at, or how it begins; empty: what the batch has
    std::string note;    // of a rejection
};
/// batch pause|resume|cancel (operator).
struct ChangeBatch {
    enum class To : std::uint8_t { pause, resume, cancel };
    std::string batch;
    To to = To::pause;
    bool refused_too = false;  // resume: the lines that were refused are judged again
    std::string note;
};

}  // namespace acquirer
