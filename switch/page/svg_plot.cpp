// The plots of html_page.hpp. Coordinates are in pixels of a fixed view box; the page scales it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "switch/page/html_page.hpp"

namespace html_page {
namespace {

constexpr double plot_width = 760, margin_right = 20, legend_height = 22;
constexpr double line_height = 300, line_left = 80, line_bottom = 40;
constexpr double bar_height = 16, bar_step = 26, bars_left = 190, bars_bottom = 24, bars_right = 110;
constexpr double letter_width = 6.4;  // of the 11 px font, about
constexpr std::size_t bar_label_letters_max = 28;
constexpr int tick_steps = 4;

constexpr std::array<std::string_view, 8> colours = {"#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd",
                                                     "#8c564b", "#17becf", "#bcbd22", "#d62728"};
std::string_view colour(std::size_t n) { return colours[n % colours.size()]; }

/// A round number not below it, so that a quarter of it is one to read; 1 for nothing.
double rounded_up(double value) {
    if (!(value > 0)) return 1;
    const double scale = std::pow(10, std::floor(std::log10(value)));
    for (const double step : {1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0})
        if (step * scale >= value) return step * scale;
    return 10 * scale;
}

/// Bytes that begin a character.
std::size_t letters(std::string_view utf8) {
    return static_cast<std::size_t>(std::count_if(
        utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string shortened(std::string_view utf8, std::size_t letters_max) {
    if (letters(utf8) <= letters_max) return std::string(utf8);
    std::size_t end = 0;
    for (std::size_t seen = 0; end < utf8.size(); ++end)
        if ((static_cast<unsigned char>(utf8[end]) & 0xC0U) != 0x80U && ++seen == letters_max) break;
    return std::string(utf8.substr(0, end)) + "…";
}

std::string opened(std::string_view title, double height) {
    const std::string name = escaped(title);
    return fmt::format("<h3>{}</h3><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", name,
                       plot_width, height, name);
}

std::string legend(const std::vector<std::string>& names, double left) {
    std::string out;
    double x = left;
    for (std::size_t i = 0; i < names.size(); ++i) {
        out += fmt::format(
            "<rect x=\"{:.1f}\" y=\"4\" width=\"10\" height=\"10\" fill=\"{}\"/>"
            "<text x=\"{:.1f}\" y=\"13\">{}</text>\n",
            x, colour(i), x + 14, escaped(names[i]));
        x += 34 + letter_width * static_cast<double>(letters(names[i]));
    }
    return out;
}

}  // namespace

std::vector<Tick> ticks_of(const std::vector<std::string>& labels) {
    constexpr std::size_t ticks_wanted = 10;
    std::vector<Tick> ticks;
    const std::size_t step = std::max<std::size_t>(1, (labels.size() + ticks_wanted - 1) / ticks_wanted);
    for (std::size_t i = 0; i < labels.size(); i += step)
        ticks.push_back(
            {labels.size() < 2 ? 0 : static_cast<double>(i) / static_cast<double>(labels.size() - 1),
             labels[i]});
    return ticks;
}

std::string line_plot(std::string_view title, const std::vector<Series>& series,
                      const std::vector<Tick>& x_ticks, double y_max, const Label& y_label) {
    const double top_y = rounded_up(y_max);
    const auto px = [](double x) { return line_left + x * (plot_width - line_left - margin_right); };
    const auto py = [top_y](double y) {
        return legend_height + (1 - y / top_y) * (line_height - legend_height - line_bottom);
    };
    std::string s = opened(title, line_height);
    for (int i = 0; i <= tick_steps; ++i) {
        const double y = top_y * i / tick_steps;
        s += fmt::format(
            "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
            "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
            px(0), px(1), py(y), py(y), px(0) - 6, py(y) + 4, escaped(y_label(y)));
    }
    for (const Tick& tick : x_ticks) {
        // Below its line, but never over the edge of the picture.
        const double half = letter_width * static_cast<double>(letters(tick.label)) / 2;
        const double middle = std::min(px(tick.at), plot_width - half);
        s += fmt::format(
            "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>"
            "<text x=\"{5:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>\n",
            px(tick.at), py(0), py(top_y), line_height - 20, escaped(tick.label), middle);
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < series.size(); ++i) {
        names.push_back(series[i].name);
        // A single point is a dot: a line of one point is nothing to see.
        if (series[i].points.size() == 1)
            s += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\"/>\n",
                             px(series[i].points[0].first), py(series[i].points[0].second), colour(i));
        s += fmt::format("<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"2\" points=\"", colour(i));
        for (const auto& [x, y] : series[i].points) s += fmt::format("{:.1f},{:.1f} ", px(x), py(y));
        s += "\"/>\n";
    }
    return s + legend(names, px(0)) + "</svg>\n";
}

std::string bar_plot(std::string_view title, const std::vector<std::string>& part_names,
                     const std::vector<Bar>& bars, const Label& x_label, Ticks ticks) {
    double longest = 0;
    for (const Bar& bar : bars) {
        double sum = 0;
        for (const double part : bar.parts) sum += part;
        longest = std::max({longest, sum, bar.mark.value_or(0)});
    }
    const bool units = ticks == Ticks::units;
    const double right_x = units ? std::max(1.0, std::ceil(longest)) : rounded_up(longest);
    const int steps = units ? static_cast<int>(right_x) : tick_steps;
    const bool with_legend = part_names.size() > 1;
    const double top = with_legend ? legend_height : 4;
    const double bottom = top + bar_step * static_cast<double>(bars.size());
    const auto px = [right_x](double x) {
        return bars_left + x / right_x * (plot_width - bars_left - bars_right);
    };
    std::string s = opened(title, bottom + bars_bottom);
    for (int i = 0; i <= steps; ++i) {
        const double x = right_x * i / steps;
        s += fmt::format(
            "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>"
            "<text x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>\n",
            px(x), top, bottom, bottom + 16, escaped(x_label(x)));
    }
    double y = top + (bar_step - bar_height) / 2;
    for (const Bar& bar : bars) {
        s += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", bars_left - 8,
                         y + bar_height - 4, escaped(shortened(bar.label, bar_label_letters_max)));
        double from = 0;
        for (std::size_t i = 0; i < bar.parts.size(); ++i) {
            if (bar.parts[i] > 0)
                s += fmt::format(
                    "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>", px(from),
                    y, px(from + bar.parts[i]) - px(from), bar_height, colour(i));
            from += bar.parts[i];
        }
        if (bar.mark)
            s += fmt::format(
                "<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
                px(*bar.mark), y - 3, y + bar_height + 3);
        s +=
            fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                        px(std::max(from, bar.mark.value_or(0))) + 6, y + bar_height - 4, escaped(bar.value));
        y += bar_step;
    }
    return s + (with_legend ? legend(part_names, bars_left) : "") + "</svg>\n";
}

}  // namespace html_page
