// RowFile: the rows of a list in a file (whole_file.hpp), as CSV (RFC 4180, UTF-8, CRLF) or as JSON lines.
//
// Cells are safe for a spreadsheet: a text that begins with = + - @, a tab or a return gets a ' before it,
// unless it is a number. Owner: one export. Blocking. Errors: a sentence that names the file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "iso8583/values/result.hpp"
#include "switch/admin/whole_file.hpp"
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
    iso8583::Result<void> add(const View& row);
    iso8583::Result<void> finish() { return file_.finish(); }

  private:
    RowFile(WholeFile file, RowFormat format) : file_(std::move(file)), format_(format) {}

    WholeFile file_;
    RowFormat format_;
    std::vector<std::string> columns_;
};

}  // namespace acquirer::admin
