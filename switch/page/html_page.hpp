// HtmlPage: one self-contained HTML page: what it is about, facts, tables, and plots as inline SVG. Nothing
// is fetched and no script is needed to read it. Pure: text in, text out; every text it is given is escaped.
//
// Shared by whoever writes a page (refundctl's reports, switch-bench), so that they look alike; it knows none
// of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace html_page {

std::string escaped(std::string_view text);

/// Everything up to the body, and the title as its heading.
std::string begin(std::string_view title);
std::string end();
std::string heading(std::string_view text);
/// `strong`: what must not be overlooked.
enum class Weight { plain, strong };
std::string paragraph(std::string_view text, Weight weight = Weight::plain);
/// Text as it stands, in a fixed-width font.
std::string preformatted(std::string_view text);
/// What was measured, when, on what: names and values.
std::string facts(const std::vector<std::pair<std::string, std::string>>& pairs);

struct Column {
    std::string name;
    bool right = false;  // numbers
};
/// A row has a text for each column.
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

/// Text beside an axis.
using Label = std::function<std::string(double)>;

struct Series {
    std::string name;
    std::vector<std::pair<double, double>> points;  // x in 0…1, y in units of the axis
};
struct Tick {
    double at = 0;  // 0…1
    std::string label;
};
/// Lines over an x axis from 0 to 1. The y axis begins at 0 and ends at a round number from y_max on.
std::string line_plot(std::string_view title, const std::vector<Series>& series,
                      const std::vector<Tick>& x_ticks, double y_max, const Label& y_label);
/// At most about ten of the labels, evenly spaced: ticks of an axis that has a point for each.
std::vector<Tick> ticks_of(const std::vector<std::string>& labels);

struct Bar {
    std::string label;
    std::vector<double> parts;   // side by side in one bar, one for each part's name; never negative
    std::string value;           // behind the bar
    std::optional<double> mark;  // a bound: a line across the bar
};
/// `quarters`: of a round number. `units`: at each whole number, of logarithms say.
enum class Ticks { quarters, units };
/// Horizontal bars, as many pixels high as there are bars. With one part its name is not shown.
std::string bar_plot(std::string_view title, const std::vector<std::string>& part_names,
                     const std::vector<Bar>& bars, const Label& x_label, Ticks ticks = Ticks::quarters);

}  // namespace html_page
