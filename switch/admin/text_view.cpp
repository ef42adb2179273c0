#include "switch/admin/text_view.hpp"

#include <algorithm>

#include "switch/admin/list_text.hpp"

namespace acquirer::admin {
namespace {

/// "open_exceptions" → "open exceptions".
std::string spaced(const std::string& name) {
    std::string label = name;
    std::replace(label.begin(), label.end(), '_', ' ');
    return label;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

bool is_scalar(const View& view) { return view.items() == nullptr && view.members() == nullptr; }

std::string scalar_text(const View& view) {
    if (const auto* text = view.text()) return text->empty() ? "-" : *text;
    if (const auto* flag = view.flag()) return *flag ? "yes" : "no";
    if (const auto* number = view.number()) return std::to_string(*number);
    if (const auto* items = view.items()) return std::to_string(items->size()) + " entries";
    return "-";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
    const std::size_t own = width_of(text);
    const std::string space(own < width ? width - own : 0, ' ');
    return right ? space + text : text + space;
}

bool looks_like_amount(const std::string& text) {
    return !text.empty() && text.find_first_not_of("-0123456789.") == std::string::npos &&
           text.find('.') != std::string::npos;
}

class Writer {
  public:
    explicit Writer(const TextOptions& options) : options_(options) {}

    /// `raw`: names are data of their own (counters) and stay as they are.
    void object(const View::Members& members, bool raw = false) {
        const auto label_of = [raw](const std::string& name) { return raw ? name : spaced(name); };
        std::size_t widest = 0;
        for (const auto& [name, value] : members)
            if (is_scalar(value)) widest = std::max(widest, width_of(label_of(name)));
        for (const auto& [name, value] : members)
            if (is_scalar(value)) line(padded(label_of(name), widest, false) + "  " + scalar_text(value));
        for (const auto& [name, value] : members) {
            if (is_scalar(value)) continue;
            if (!out.empty()) out += "\n";
            heading(label_of(name));
            if (name == "counters" && value.members() != nullptr)
                object(*value.members(), true);
            else
                any(value);
        }
    }

    void any(const View& view) {
        if (const auto* members = view.members()) {
            object(*members);
        } else if (const auto* items = view.items()) {
            if (items->empty())
                line("(none)");
            else if (items->front().members() != nullptr)
                table(*items);
            else
                for (const View& item : *items) line(scalar_text(item));
        } else {
            line(scalar_text(view));
        }
    }

    std::string out;

  private:
    void line(std::string text) {
        while (!text.empty() && text.back() == ' ') text.pop_back();
        out += text + "\n";
    }
    void heading(const std::string& text) {
        out += options_.color ? "\x1b[1m" + text + "\x1b[0m\n" : text + "\n";
    }

    void table(const View::List& rows) {
        std::vector<std::string> columns;
        for (const View& row : rows)
            if (const auto* members = row.members())
                for (const auto& [name, value] : *members)
                    if (std::find(columns.begin(), columns.end(), name) == columns.end())
                        columns.push_back(name);
        std::vector<std::size_t> widths;
        std::vector<bool> right;
        for (const std::string& column : columns) {
            std::size_t width = width_of(spaced(column));
            bool numbers = true;
            for (const View& row : rows) {
                const View* cell = row.find(column);
                const std::string text = cell != nullptr ? scalar_text(*cell) : "-";
                width = std::max(width, width_of(text));
                numbers = numbers && (text == "-" || (cell != nullptr && cell->number() != nullptr) ||
                                      looks_like_amount(text));
            }
            widths.push_back(width);
            right.push_back(numbers);
        }
        std::string head;
        for (std::size_t i = 0; i < columns.size(); ++i)
            head += (i == 0 ? "" : "  ") + padded(upper(spaced(columns[i])), widths[i], right[i]);
        while (!head.empty() && head.back() == ' ') head.pop_back();
        heading(head);
        for (const View& row : rows) {
            std::string text;
            for (std::size_t i = 0; i < columns.size(); ++i) {
                const View* cell = row.find(columns[i]);
                text += (i == 0 ? "" : "  ") +
                        padded(cell != nullptr ? scalar_text(*cell) : "-", widths[i], right[i]);
            }
            line(text);
        }
    }

    TextOptions options_;
};

}  // namespace

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

std::string text_of(const View& view, const TextOptions& options) {
    if (view.is_null()) return "";
    Writer writer(options);
    writer.any(without_list_words(view));
    return writer.out + list_end_line(view);
}

}  // namespace acquirer::admin
