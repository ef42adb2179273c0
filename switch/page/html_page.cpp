#include "switch/page/html_page.hpp"

namespace html_page {
namespace {

constexpr std::string_view style =
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222;background:#fff}"
    "h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}h3{font-size:1em;margin:2em 0 .3em}"
    "svg{width:100%;height:auto;display:block}svg text{font-size:11px;fill:#333}.grid{stroke:#ddd}"
    ".mark{stroke:#d62728;stroke-width:2}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px}"
    "th,td{text-align:left;padding:.25em .8em .25em 0;border-bottom:1px solid #eee;vertical-align:top}"
    "th{border-bottom:1px solid #999;font-weight:600}"
    "td.w{white-space:nowrap}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".facts td:first-child{color:#666;white-space:nowrap;padding-right:2em}"
    ".strong{background:#fff3cd;border-left:4px solid #d9a400;padding:.6em 1em}"
    "pre{background:#f6f6f6;padding:1em;overflow:auto;font-size:12px}"
    "@media print{body{margin:0;max-width:none}}";

}  // namespace

std::string escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out.push_back(c);
    }
    return out;
}

std::string begin(std::string_view title) {
    const std::string name = escaped(title);
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
           "content=\"width=device-width\"><title>" +
           name + "</title><style>" + std::string(style) + "</style></head>\n<body><h1>" + name + "</h1>\n";
}

std::string end() { return "</body></html>\n"; }

std::string heading(std::string_view text) { return "<h2>" + escaped(text) + "</h2>\n"; }

std::string paragraph(std::string_view text, Weight weight) {
    const std::string tag = weight == Weight::strong ? "<p class=\"strong\">" : "<p>";
    return tag + escaped(text) + "</p>\n";
}

std::string preformatted(std::string_view text) { return "<pre>" + escaped(text) + "</pre>\n"; }

std::string facts(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string out = "<table class=\"facts\">";
    for (const auto& [name, value] : pairs)
        out += "<tr><td>" + escaped(name) + "</td><td>" + escaped(value) + "</td></tr>\n";
    return out + "</table>\n";
}

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
    const auto cell = [&columns](std::size_t i, const std::string& tag, std::string_view text) {
        // A time, a name or an id stays in one piece.
        constexpr std::size_t whole_bytes_max = 40;
        const bool right = i < columns.size() && columns[i].right;
        const std::string kind = right                            ? " class=\"n\""
                                 : text.size() <= whole_bytes_max ? " class=\"w\""
                                                                  : "";
        return "<" + tag + kind + ">" + escaped(text) + "</" + tag + ">";
    };
    std::string out = "<div class=\"scroll\"><table><tr>";
    for (std::size_t i = 0; i < columns.size(); ++i) out += cell(i, "th", columns[i].name);
    out += "</tr>\n";
    for (const auto& row : rows) {
        out += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i) out += cell(i, "td", row[i]);
        out += "</tr>\n";
    }
    return out + "</table></div>\n";
}

}  // namespace html_page
