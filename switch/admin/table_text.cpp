#include "switch/admin/table_text.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace acquirer::admin {
namespace {

constexpr std::size_t gap = 2, below_indent = 4;
/// A text of more goes below its row before another column is left out.
constexpr std::size_t text_columns_max = 24;

/// Left out in this order; then from the right. Never: the first column, and those of `needed`.
constexpr std::array<std::string_view, 19> needed_least = {
    "authorization", "currency",  "trace", "batch",    "business_date", "dialect",  "refunds",
    "voids",         "retired",   "alarm", "merchant", "route",         "terminal", "original",
    "reference",     "last_code", "id",    "opened",   "note"};
constexpr std::array<std::string_view, 5> needed = {"state", "amount", "way_out", "text", "status"};

constexpr std::array<std::string_view, 17> good_states = {
    "approved", "done",   "up",      "active",   "passed",  "yes",      "complete", "final", "won",
    "settled",  "voided", "current", "resolved", "matched", "reversed", "cleared",  "proven"};
constexpr std::array<std::string_view, 13> bad_states = {
    "abnormal", "refused", "declined", "down", "stuck",     "parked",  "rejected",
    "faulty",   "lapsed",  "failed",   "lost", "suspended", "in_doubt"};
constexpr std::array<std::string_view, 10> waiting_states = {
    "held", "waiting", "pending", "in_flight", "drain", "paused", "loading", "running", "reversing", "open"};

template <std::size_t count>
bool is_in(const std::array<std::string_view, count>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool looks_like_amount(const std::string& text) {
    return !text.empty() && text.find_first_not_of("-0123456789.") == std::string::npos &&
           text.find('.') != std::string::npos;
}

bool has_form(std::string_view text, std::string_view form) {
    if (text.size() < form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return false;
    return true;
}

/// "2026-11-22T07:01:20.191+08:00" → "11-22 07:01:20+08:00", wherever one stands in it.
std::string with_short_times(std::string text) {
    constexpr std::string_view form = "0000-00-00T00:00:00";
    constexpr std::size_t year = 5, date = 10;
    for (std::size_t at = 0; at + form.size() <= text.size(); ++at) {
        if (!has_form(std::string_view(text).substr(at), form)) continue;
        std::size_t end = at + form.size();
        if (end < text.size() && text[end] == '.')
            while (++end < text.size() && text[end] >= '0' && text[end] <= '9') {
            }
        text.erase(at + form.size(), end - at - form.size());
        text[at + date] = ' ';
        text.erase(at, year);
    }
    return text;
}

struct Column {
    std::string name;
    std::vector<std::string> cells;  // a row each
    std::size_t width = 0;
    bool right = false;              // numbers
    bool gone = false;               // no column of the table
    std::vector<std::string> below;  // a row each, what stands below it; empty: nothing anywhere

    void measure() {
        width = width_of(spaced(name));
        for (const std::string& cell : cells) width = std::max(width, width_of(cell));
    }
    [[nodiscard]] bool is_empty() const {
        return std::all_of(cells.begin(), cells.end(), [](const std::string& c) { return c == "-"; });
    }
    [[nodiscard]] bool is_text() const {
        return width > text_columns_max && std::any_of(cells.begin(), cells.end(), [](const std::string& c) {
                   return c.find(' ') != std::string::npos;
               });
    }
};

std::vector<Column> columns_of(const View::List& rows) {
    std::vector<Column> columns;
    for (const View& row : rows)
        if (const auto* members = row.members())
            for (const auto& member : *members)
                if (std::none_of(columns.begin(), columns.end(),
                                 [&](const Column& c) { return c.name == member.first; })) {
                    columns.emplace_back();
                    columns.back().name = member.first;
                }
    for (Column& column : columns) {
        column.right = true;
        for (const View& row : rows) {
            const View* cell = row.find(column.name);
            column.cells.push_back(cell != nullptr ? scalar_text(*cell) : "-");
            const std::string& text = column.cells.back();
            column.right = column.right && (text == "-" || (cell != nullptr && cell->number() != nullptr) ||
                                            looks_like_amount(text));
        }
        column.right = column.right && !column.is_empty();
        column.measure();
    }
    return columns;
}

std::size_t width_of_all(const std::vector<Column>& columns) {
    std::size_t width = 0;
    for (const Column& column : columns)
        if (!column.gone) width += column.width + (width == 0 ? 0 : gap);
    return width;
}

/// The column that can be left out first.
std::vector<Column>::iterator least_needed(std::vector<Column>& columns) {
    const auto first = columns.begin() + 1;
    for (const std::string_view name : needed_least) {
        const auto at =
            std::find_if(first, columns.end(), [&](const Column& c) { return !c.gone && c.name == name; });
        if (at != columns.end()) return at;
    }
    for (auto at = columns.end(); at != first;)
        if (--at; !at->gone && !is_in(needed, at->name)) return at;
    return columns.end();
}

/// Its long cells go below their rows; the column stays for those that have short ones.
void put_below(Column& column) {
    const auto is_short = [](const std::string& c) { return width_of(c) <= text_columns_max; };
    const bool all_long = std::all_of(column.cells.begin(), column.cells.end(),
                                      [&](const std::string& c) { return c == "-" || !is_short(c); });
    column.below.resize(column.cells.size());
    for (std::size_t row = 0; row < column.cells.size(); ++row) {
        if (is_short(column.cells[row])) continue;
        column.below[row] = std::move(column.cells[row]);
        column.cells[row] = "(below)";
    }
    column.gone = all_long;
    column.measure();
}

void put_texts_below(std::vector<Column>& columns, std::size_t most) {
    while (width_of_all(columns) > most) {
        Column* widest = nullptr;
        for (Column& column : columns)
            if (&column != &columns.front() && !column.gone && column.is_text() &&
                (widest == nullptr || column.width > widest->width))
                widest = &column;
        if (widest == nullptr) return;
        put_below(*widest);
    }
}

/// Leaves columns out until the others fit, and takes those back that fit nevertheless.
std::vector<std::string> leave_out(std::vector<Column>& columns, std::size_t most) {
    std::vector<Column*> out;
    while (width_of_all(columns) > most) {
        const auto at = least_needed(columns);
        if (at == columns.end()) break;
        at->gone = true;
        out.push_back(&*at);
    }
    std::vector<std::string> names;
    for (auto at = out.rbegin(); at != out.rend(); ++at) {
        (*at)->gone = false;
        if (width_of_all(columns) <= most) continue;
        (*at)->gone = true;
        names.push_back((*at)->name);
    }
    std::reverse(names.begin(), names.end());
    return names;
}

/// Narrows them; the names of what had to be left out.
std::vector<std::string> fit(std::vector<Column>& columns, std::size_t most) {
    if (width_of_all(columns) <= most) return {};
    for (Column& column : columns) {
        for (std::string& cell : column.cells) cell = with_short_times(std::move(cell));
        column.measure();
    }
    if (width_of_all(columns) <= most) return {};
    columns.erase(
        std::remove_if(columns.begin() + 1, columns.end(), [](const Column& c) { return c.is_empty(); }),
        columns.end());
    put_texts_below(columns, most);
    return leave_out(columns, most);
}

void add_line(std::string& out, std::string text) {
    while (!text.empty() && text.back() == ' ') text.pop_back();
    out += text + "\n";
}

}  // namespace

std::string spaced(std::string_view name) {
    std::string label(name);
    std::replace(label.begin(), label.end(), '_', ' ');
    return label;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

std::string scalar_text(const View& view) {
    if (const auto* text = view.text()) return text->empty() ? "-" : *text;
    if (const auto* flag = view.flag()) return *flag ? "yes" : "no";
    if (const auto* number = view.number()) return std::to_string(*number);
    if (const auto* items = view.items()) return std::to_string(items->size()) + " entries";
    return "-";
}

std::string colored(std::string_view name, const std::string& text, std::string shown,
                    const TextOptions& options) {
    constexpr std::string_view green = "\x1b[32m", red = "\x1b[31m", yellow = "\x1b[33m", plain = "\x1b[0m";
    if (!options.color || (name != "state" && name != "status" && name != "result" && name != "verdict"))
        return shown;
    const std::string_view color = is_in(good_states, text)      ? green
                                   : is_in(bad_states, text)     ? red
                                   : is_in(waiting_states, text) ? yellow
                                                                 : std::string_view();
    return color.empty() ? shown : std::string(color) + shown + std::string(plain);
}

std::size_t width_of(std::string_view utf8) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if ((c & 0xC0) == 0x80) continue;  // not the first byte of a character
        // U+2E80 and above in three bytes (E2 BA 80 …) up to U+FF60, without U+D7B0 to U+F8FF: good enough
        // for names.
        const auto next = i + 1 < utf8.size() ? static_cast<unsigned char>(utf8[i + 1]) : 0;
        const bool wide = (c == 0xE2 && next >= 0xBA) || (c >= 0xE3 && c <= 0xED) ||
                          (c == 0xEF && next >= 0xBC) || c >= 0xF0;
        width += wide ? 2 : 1;
    }
    return width;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
    const std::size_t own = width_of(text);
    const std::string space(own < width ? width - own : 0, ' ');
    return right ? space + text : text + space;
}

std::string table_text(const View::List& rows, const TextOptions& options) {
    std::vector<Column> columns = columns_of(rows);
    const auto left_out = options.columns == 0 ? std::vector<std::string>() : fit(columns, options.columns);
    std::string head, out;
    for (const Column& column : columns)
        if (!column.gone)
            head += (head.empty() ? "" : std::string(gap, ' ')) +
                    padded(upper(spaced(column.name)), column.width, column.right);
    while (!head.empty() && head.back() == ' ') head.pop_back();
    add_line(out, options.color ? "\x1b[1m" + head + "\x1b[0m" : head);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        std::string line;
        for (const Column& column : columns)
            if (!column.gone)
                line += (line.empty() ? "" : std::string(gap, ' ')) +
                        colored(column.name, column.cells[row],
                                padded(column.cells[row], column.width, column.right), options);
        add_line(out, line);
        for (const Column& column : columns)
            if (!column.below.empty() && !column.below[row].empty())
                add_line(out,
                         std::string(below_indent, ' ') + spaced(column.name) + ": " + column.below[row]);
    }
    if (left_out.empty()) return out;
    std::string line = "not shown:";
    for (const std::string& name : left_out) {
        const std::string word = spaced(name) + (&name == &left_out.back() ? " (--wide shows all)" : ",");
        if (line.size() + 1 + word.size() > options.columns) {
            add_line(out, line);
            line = "   ";
        }
        line += " " + word;
    }
    add_line(out, line);
    return out;
}

}  // namespace acquirer::admin
