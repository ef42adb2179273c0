// RowFile: the rows of a list in a file, as CSV (RFC 4180, UTF-8, CRLF) or as JSON lines. A file appears
// under its name when it is whole: until then it is NAME.part. `-` is stdout.
//
// Cells are safe for a spreadsheet: a text that begins with = + - @, a tab or a return gets a ' before it,
// unless it is a number. Owner: one export. Blocking. Errors: a sentence that names the file.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "iso8583/values/result.hpp"
#include "switch/core/view_value.hpp"

namespace acquirer::admin {

enum class RowFormat : std::uint8_t { csv, json_lines };

/// One cell, quoted where it has to be. Nothing and "" are empty, a list or an object is JSON.
std::string csv_cell(const View& value);
/// With its CRLF: the names of a row's members, and their values.
std::string csv_head(const View& row);
/// A member that `columns` does not have, or a missing one, is an error that names it.
iso8583::Result<std::string> csv_line(const std::vector<std::string>& columns, const View& row);

class RowFile {
  public:
    static iso8583::Result<RowFile> create(const std::string& path, RowFormat format);
    RowFile(RowFile&& other) noexcept;
    RowFile& operator=(RowFile&&) = delete;
    /// What was not finished is removed.
    ~RowFile();

    iso8583::Result<void> add(const View& row);
    /// Everything is written and synced, and the file stands under its name.
    iso8583::Result<void> finish();

  private:
    RowFile(std::string path, RowFormat format, std::FILE* file)
        : path_(std::move(path)), format_(format), file_(file) {}
    [[nodiscard]] bool is_stdout() const { return path_ == "-"; }
    [[nodiscard]] std::string part_path() const { return path_ + ".part"; }
    iso8583::Result<void> write(const std::string& text);

    std::string path_;
    RowFormat format_;
    std::FILE* file_;  // ours to close unless it is stdout; null: moved away, or finished
    std::vector<std::string> columns_;
};

}  // namespace acquirer::admin
