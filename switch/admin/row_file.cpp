#include "switch/admin/row_file.hpp"

#include <utility>

#include "switch/admin/control_protocol.hpp"

namespace acquirer::admin {

using iso8583::parse_error;
using iso8583::Result;

namespace {

bool is_plain_number(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
    const std::size_t dot = digits.find('.');
    const auto all_digits = [](std::string_view part) {
        return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    };
    return all_digits(digits.substr(0, dot)) &&
           (dot == std::string_view::npos || all_digits(digits.substr(dot + 1)));
}

std::string cell_of(std::string text) {
    constexpr std::string_view formula_begins = "=+-@\t\r";
    if (!text.empty() && formula_begins.find(text.front()) != std::string_view::npos &&
        !is_plain_number(text))
        text.insert(0, 1, '\'');
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

}  // namespace

std::string csv_cell(const View& value) {
    if (const auto* text = value.text()) return cell_of(*text);
    if (const auto* flag = value.flag()) return *flag ? "true" : "false";
    if (const auto* number = value.number()) return std::to_string(*number);
    return value.is_null() ? std::string() : cell_of(write_json(value));
}

std::string csv_head(const View& row) {
    std::string line;
    if (const auto* members = row.members())
        for (const auto& [name, value] : *members) line += (line.empty() ? "" : ",") + cell_of(name);
    return line + "\r\n";
}

Result<std::string> csv_line(const std::vector<std::string>& columns, const View& row) {
    const View::Members* members = row.members();
    if (members == nullptr || members->size() != columns.size())
        return parse_error("a row of the list has other columns than the first");
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        const auto& [name, value] = (*members)[i];
        if (name != columns[i])
            return parse_error("a row of the list has the column " + name + " for " + columns[i]);
        if (i != 0) line += ',';
        line += csv_cell(value);
    }
    return line + "\r\n";
}

Result<RowFile> RowFile::create(const std::string& path, RowFormat format) {
    auto file = WholeFile::create(path);
    if (!file) return tl::unexpected(file.error());
    return RowFile(std::move(*file), format);
}

Result<void> RowFile::add(const View& row) {
    if (format_ == RowFormat::json_lines) return file_.write(write_json(row) + "\n");
    if (columns_.empty()) {
        if (const auto* members = row.members())
            for (const auto& [name, value] : *members) columns_.push_back(name);
        if (auto written = file_.write(csv_head(row)); !written) return written;
    }
    auto line = csv_line(columns_, row);
    if (!line) return tl::unexpected(line.error());
    return file_.write(*line);
}

}  // namespace acquirer::admin
