// Dialects of files for the life of the process, like the built-in ones: messages keep a pointer to theirs.
//
// A file that did not change is the same dialect. One that did is a new one beside the old, which messages
// and connections may still have; so many can be in one process. Thread: any, one at a time (a lock is
// inside).
#pragma once

#include <string>

#include "iso8583/specs/spec_file.hpp"

namespace iso8583::specs {

inline constexpr std::size_t resident_dialects_max = 256;

/// A built-in dialect, or the one of the file as it is now; its notes are appended to `notes`.
Result<const Dialect*, SpecProblems> resident_dialect(const std::string& name_or_path,
                                                      SpecProblems* notes = nullptr);

}  // namespace iso8583::specs
