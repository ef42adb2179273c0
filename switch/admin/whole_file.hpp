// WholeFile: a file that a person asked for, under its name when it is whole. Until then it is NAME.part
// (mode 0600), which one program at a time writes; what was cut short leaves nothing. A link is followed;
// into a device or a pipe is written as it comes, since nothing can take their place. `-` is stdout.
//
// Owner: one export. Blocking. Errors: a sentence that names the file.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "iso8583/values/result.hpp"

namespace acquirer::admin {

class WholeFile {
  public:
    static iso8583::Result<WholeFile> create(const std::string& path);
    WholeFile(WholeFile&& other) noexcept;
    WholeFile& operator=(WholeFile&&) = delete;
    /// What was not finished is removed.
    ~WholeFile();

    iso8583::Result<void> write(std::string_view text);
    /// Everything is written and synced, and the file stands under its name.
    iso8583::Result<void> finish();

  private:
    enum class Kind : std::uint8_t { standard_output, as_it_comes, appears_whole };
    WholeFile(std::string path, Kind kind, std::FILE* file)
        : path_(std::move(path)), kind_(kind), file_(file) {}
    [[nodiscard]] std::string part_path() const { return path_ + ".part"; }
    [[nodiscard]] tl::unexpected<iso8583::ParseError> not_written() const;

    std::string path_;
    Kind kind_;
    std::FILE* file_;  // ours to close unless it is stdout; null: moved away, or finished
};

/// The whole of it at once.
iso8583::Result<void> write_page(const std::string& path, std::string_view page);

}  // namespace acquirer::admin
